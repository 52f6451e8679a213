//! The file `shards.json` in a run directory that several processes share: the run, and the number
//! of its shards. Each shard has its own run directory in it.

use std::io::Read as _;

use serde::{Deserialize, Serialize};

use super::header::Header;
use super::run_dir::{RunDir, RunDirError};
use super::shard::Shard;

/// The file's name.
pub(crate) const SHARDS_NAME: &str = "shards.json";
/// The version of the file's format.
const FORMAT_VERSION: u32 = 1;
/// The most bytes of the file that are read. It holds the names of inputs and settings.
const BYTES_MAX: u64 = 16 << 20;

/// A run whose rows several processes share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SharedRun {
    /// The version of the format. It comes first, so that every later version can read it.
    custsync_shards: u32,
    /// The number of shards.
    pub(crate) shards: u32,
    /// The run. Its digests are made with the key of the shared directory.
    pub(crate) run: Header,
}

/// The reason why the file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SharedRunError {
    /// It cannot be opened, or written.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// It was written by another version, or is damaged.
    #[error(
        "{file} is damaged, or of another version of custsync: delete it if the shards beside it are those of this run, and it is written anew; nothing was sent"
    )]
    Unreadable {
        /// Its name.
        file: String,
    },
}

impl SharedRun {
    /// Creates the description of a run that is divided into this many shards.
    pub(crate) fn new(shards: u32, run: Header) -> SharedRun {
        SharedRun {
            custsync_shards: FORMAT_VERSION,
            shards,
            run,
        }
    }

    /// Whether the directory is shared.
    pub(crate) fn is_in(run_dir: &RunDir) -> bool {
        run_dir.file(SHARDS_NAME).symlink_metadata().is_ok()
    }

    /// Reads the file of a shared directory; `None` if it is not there.
    pub(crate) fn read(run_dir: &RunDir) -> Result<Option<SharedRun>, SharedRunError> {
        if !Self::is_in(run_dir) {
            return Ok(None);
        }
        let unreadable = || SharedRunError::Unreadable {
            file: run_dir.display_path(SHARDS_NAME),
        };
        let mut json = Vec::new();
        let mut file = run_dir.open_file(SHARDS_NAME)?.take(BYTES_MAX);
        file.read_to_end(&mut json).or(Err(unreadable()))?;
        let shared: SharedRun = serde_json::from_slice(&json).or(Err(unreadable()))?;
        if shared.custsync_shards == FORMAT_VERSION && Shard::new(1, shared.shards).is_ok() {
            Ok(Some(shared))
        } else {
            Err(unreadable())
        }
    }

    /// Writes the file, unless another process was faster. Returns what it holds.
    pub(crate) fn begin(self, run_dir: &RunDir) -> Result<SharedRun, SharedRunError> {
        let json = serde_json::to_string_pretty(&self)
            .expect("texts and numbers, written to memory, cannot fail");
        run_dir.create_once(SHARDS_NAME, format!("{json}\n").as_bytes())?;
        Ok(Self::read(run_dir)?.unwrap_or(self))
    }
}
