//! The journal, which is also the result log. It is the only state of a run: failed rows, the
//! summary and the checkpoint are folds over it (and the input).
//!
//! A line counts only with its line end and the right CRC, so a torn tail after a crash is
//! recognised.

mod answer_times;
mod bulk_entry;
mod checkpoint;
mod comparison;
mod damage;
mod disk;
mod entries;
mod entry;
mod entry_line;
mod fact;
mod figures;
mod file_from;
mod header;
mod images;
mod key;
mod line;
mod lines;
mod overtakers;
mod processes;
mod reader;
mod row_echoes;
mod run_dir;
mod sealed_lines;
mod sent_to;
mod settled;
mod shard;
mod shared_run;
mod tail;
#[cfg(test)]
mod tests;
mod writer;

pub use answer_times::AnswerTimes;
pub use bulk_entry::BulkEntry;
pub use checkpoint::Retry;
pub(crate) use checkpoint::{Checkpoint, Plan, Remainder};
pub(crate) use comparison::{Difference, InputComparison};
pub(crate) use damage::is_foreign;
pub(crate) use entry::milliseconds;
pub use entry::{Entry, EntryError, Outcome};
pub use fact::Fact;

pub(crate) use entries::{EntriesError, for_each_entry};
pub use figures::{Figures, SentFigures};
pub(crate) use header::{FORMAT_VERSION, READING_RULES};
pub use header::{Header, InputIdentity, Purpose, SettingText};
pub(crate) use images::{
    IMAGES_NAME, ImageEntry, ImageIndex, ImagesError, ImagesFile, for_each_image, keep_images,
};
pub use key::RunKey;
pub(crate) use key::{KEY_NAME, REQUEST_HASH_VERSION};
pub(crate) use lines::LineError;
pub use lines::{Line, LineReader};
pub(crate) use overtakers::Overtakers;
pub(crate) use processes::{FINISHED, Process, ProcessEnd, Processes};
pub(crate) use reader::EntryReader;
pub use reader::recover;
pub(crate) use row_echoes::RowEchoes;
pub use run_dir::{JOURNAL_NAME, JournalFile, RunDir};
pub(crate) use run_dir::{RunDirError, SUMMARY_NAME, open_regular};
pub(crate) use sent_to::CUSTOMERS_MAX as CANARY_MAX;
pub use shard::Shard;
pub(crate) use shard::ShardError;
pub(crate) use shard::{SHARDS_MAX, is_shard_directory};
pub(crate) use shared_run::{SHARDS_NAME, SharedRun};
pub(crate) use tail::last_fact;
pub(crate) use writer::{JournalWriter, WriteError};
