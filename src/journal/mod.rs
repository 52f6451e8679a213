//! The journal, which is also the result log. It is the only state of a run: failed rows, the
//! summary and the checkpoint are folds over it (and the input).
//!
//! A line counts only with its line end and the right CRC, so a torn tail after a crash is
//! recognised.

mod bulk_entry;
mod checkpoint;
mod comparison;
mod damage;
mod disk;
mod entry;
mod fact;
mod header;
mod key;
mod line;
mod lines;
mod overtakers;
mod reader;
mod run_dir;
mod settled;
mod tail;
#[cfg(test)]
mod tests;
mod writer;

pub use bulk_entry::BulkEntry;
pub use checkpoint::{Checkpoint, Plan, Remainder, Retry};
pub use comparison::{Difference, InputComparison};
pub use damage::{Conversion, TornTail};
pub use disk::ExternalChange;
pub use entry::{Entry, EntryError, Outcome};
pub use fact::{Fact, Facts};
pub use header::{
    FORMAT_VERSION, Header, InputIdentity, Purpose, READING_RULES, SettingText, Shard,
};
pub use key::{KEY_NAME, KeyError, REQUEST_HASH_VERSION, RunKey};
pub use lines::{Line, LineError, LineReader};
pub use overtakers::Overtakers;
pub use reader::{EntryReader, JournalError, Recovered, recover};
pub use run_dir::{JOURNAL_NAME, JournalFile, RunDir, RunDirError, SUMMARY_NAME};
pub use tail::last_fact;
pub use writer::{FlushError, JournalWriter, WriteError};
