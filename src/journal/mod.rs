//! The result log, which is also the journal: the only state of a run. Failed rows, the summary and the checkpoint are folds
//! over it (and the input).
//!
//! A line counts only with its line end and the right CRC, so a torn tail after a crash is told from a whole line.

mod checkpoint;
mod entry;
mod header;
mod line;
mod reader;
mod run_dir;
mod writer;

pub use checkpoint::{Checkpoint, Comparison, Difference, Plan, Retry};
pub use entry::{Entry, EntryError, Outcome, hash_of};
pub use header::{FORMAT_VERSION, Header, InputIdentity, Purpose, digest};
pub use reader::{EntryReader, JournalError, Recovered, recover};
pub use run_dir::{JOURNAL_NAME, JournalFile, RunDir, RunDirError, SUMMARY_NAME};
pub use writer::{JournalWriter, WriteError};
