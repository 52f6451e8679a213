//! The results of a run or a check: counts, the summary, the failed rows, and the progress.

pub(crate) mod failed_rows;
pub(crate) mod held_back;
pub(crate) mod progress;
pub mod summary;
pub mod tally;
