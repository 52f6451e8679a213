//! The results of a run or a check: counts, the summary, the failed rows, and the progress.

pub mod failed_rows;
pub mod progress;
pub mod summary;
pub mod tally;
