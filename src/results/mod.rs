//! What a run or a check leaves: counts, the summary, the failed rows, and how far it is.

pub mod failed_rows;
pub mod progress;
pub mod summary;
pub mod tally;
