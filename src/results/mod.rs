//! The results of a run or a check: counts, the summary, the failed rows, and the progress.

mod answer_words;
pub(crate) mod failed_rows;
pub(crate) mod held_back;
pub(crate) mod metrics;
pub mod notice;
pub(crate) mod progress;
pub(crate) mod report;
pub mod summary;
pub mod tally;
pub(crate) mod timeline;
