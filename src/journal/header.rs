//! The journal's first line, which identifies the run.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::key::{REQUEST_HASH_VERSION, RunKey};
use super::line;
use super::shard::Shard;

/// The version of the journal's format. Only a journal of this version is continued; an older one
/// can be read.
pub(crate) const FORMAT_VERSION: u32 = 2;
/// The version of the rules that turn a file's bytes into rows and requests. A run that began under
/// other rules is not continued.
pub(crate) const READING_RULES: u32 = 2;

/// The purpose of a run directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Updates are sent.
    #[default]
    Run,
    /// Rows are only checked.
    Check,
    /// The customers are read, to tell what would change.
    Preview,
    /// The customers of a run are put back.
    Undo,
}

impl Purpose {
    /// Whether only bad rows are recorded: nothing is sent.
    pub(crate) fn only_records_bad_rows(self) -> bool {
        match self {
            Purpose::Check | Purpose::Preview => true,
            Purpose::Run | Purpose::Undo => false,
        }
    }

    /// Returns the word for it.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Purpose::Run => "run",
            Purpose::Check => "check",
            Purpose::Preview => "preview",
            Purpose::Undo => "undo",
        }
    }
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format. It comes first, so that every later version can read it.
    pub custsync_journal: u32,
    /// The run's unique name.
    pub run: String,
    /// The version of the program.
    pub version: String,
    /// The purpose of the directory.
    pub purpose: Purpose,
    /// The time when the run began.
    #[serde(with = "super::entry::milliseconds")]
    pub started: Timestamp,
    /// See [`READING_RULES`]; 1 in a journal of format 1, which lacks it.
    #[serde(default = "one")]
    pub rules: u32,
    /// See [`REQUEST_HASH_VERSION`]; 0 if entries have no hash of the request.
    #[serde(default)]
    pub request_hash: u32,
    /// Proves that the file `key` holds this run's key, see [`RunKey::proof`]; absent in a journal
    /// of format 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The part of the rows that the run sends, or that a check or preview is about; absent if it is
    /// all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// The run that had used the state last when this one began; absent without a state, and if
    /// there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_after: Option<String>,
    /// The inputs, in order.
    pub inputs: Vec<InputIdentity>,
    /// The settings that identify the run, as text. (Format 1 has a digest of each.)
    pub settings: BTreeMap<String, SettingText>,
}

/// A setting's value as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SettingText {
    /// One value.
    One(String),
    /// The values of a repeatable setting.
    Many(Vec<String>),
    /// A value that may be a customer's.
    Digest {
        /// See [`RunKey::digest`].
        digest: String,
    },
}

fn one() -> u32 {
    1
}

/// The identity of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputIdentity {
    /// Its name as given.
    pub name: String,
    /// Its size in bytes; absent for standard input and pipes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The digest of its first 64 KiB, see [`RunKey::digest`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// The digest of its last 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<String>,
    /// The digest of its column names; absent if records name their fields themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<String>,
}

impl Header {
    /// Creates a header of this version for a run that begins now.
    pub fn new(
        purpose: Purpose,
        key: &RunKey,
        inputs: Vec<InputIdentity>,
        settings: BTreeMap<String, SettingText>,
    ) -> Header {
        let started = Timestamp::now();
        Header {
            custsync_journal: FORMAT_VERSION,
            // The key is random, so its digest tells runs apart.
            run: key.digest(started.as_nanosecond().to_string()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            purpose,
            started,
            rules: READING_RULES,
            request_hash: REQUEST_HASH_VERSION,
            key: Some(key.proof()),
            shard: None,
            state_after: None,
            inputs,
            settings,
        }
    }

    /// Appends the header as a line.
    pub(crate) fn encode(&self, buffer: &mut Vec<u8>) {
        let start = buffer.len();
        serde_json::to_writer(&mut *buffer, self)
            .expect("a header, written to memory, cannot fail");
        line::seal(buffer, start);
    }

    /// The shard that a run or an undo is of, whose directories belong together; `None` for a check or
    /// a preview, each of which stands alone.
    pub(crate) fn shard_of_run(&self) -> Option<Shard> {
        self.shard.filter(|_| !self.purpose.only_records_bad_rows())
    }

    /// Returns the settings that differ from another run's, in the order of their names.
    pub fn differing_settings<'h>(&'h self, other: &'h Header) -> impl Iterator<Item = &'h str> {
        let names: BTreeSet<_> = self.settings.keys().chain(other.settings.keys()).collect();
        names
            .into_iter()
            .filter(|name| self.settings.get(*name) != other.settings.get(*name))
            .map(String::as_str)
    }
}
