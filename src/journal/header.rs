//! The journal's first line: what run it is of.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{hash_of, line};

/// The version of the journal's format. A journal of a newer one is refused.
pub const FORMAT_VERSION: u32 = 1;

/// What the run directory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Updates are sent.
    Run,
    /// Rows are only checked.
    Check,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format. First, so that every later version can read it.
    pub custsync_journal: u32,
    /// Tells this run from all others.
    pub run: String,
    /// The version of the program.
    pub version: String,
    /// What the directory is for.
    pub purpose: Purpose,
    /// When the run began.
    #[serde(with = "super::entry::milliseconds")]
    pub started: Timestamp,
    /// The inputs, in order.
    pub inputs: Vec<InputIdentity>,
    /// A digest of each setting that changes what is sent, by the setting's name.
    pub settings: BTreeMap<String, String>,
}

/// What an input is known by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputIdentity {
    /// Its name, as it was given.
    pub name: String,
    /// Its size; absent for standard input and pipes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The hash of its first 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// The hash of its last 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<String>,
    /// The digest of its columns' names; absent where records name their fields themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<String>,
}

impl Header {
    /// Appends the header as a line.
    pub(super) fn encode(&self, buffer: &mut Vec<u8>) {
        let start = buffer.len();
        serde_json::to_writer(&mut *buffer, self).expect("a header, written to memory, cannot fail");
        line::seal(buffer, start);
    }

    /// The settings that another run has otherwise.
    pub fn differing_settings(&self, other: &Header) -> Vec<String> {
        let names = self.settings.keys().chain(other.settings.keys());
        let mut differing: Vec<_> =
            names.filter(|name| self.settings.get(*name) != other.settings.get(*name)).cloned().collect();
        differing.sort();
        differing.dedup();
        differing
    }
}

/// The digest of a setting's value.
pub fn digest(value: &str) -> String {
    format!("{:016x}", hash_of(value.as_bytes()))
}
