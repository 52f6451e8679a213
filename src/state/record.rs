//! The record about a whole state: whom it belongs to, its key, its counts, and the last night.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::journal::{REQUEST_HASH_VERSION, RunKey, Shard};

use super::entry::Figures;
use super::error::{Shown, StateError};

/// The API, tenant and rows that a state belongs to. A run of another identity is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateIdentity {
    /// Scheme, host and path of the API.
    pub base_url: String,
    /// The tenant, if one is named.
    pub tenant: Option<u64>,
    /// The part of the rows; absent if it is all of them.
    pub shard: Option<Shard>,
    /// The version of the API's contract.
    pub contract: u32,
}

/// The last run whose customers were marked unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Night {
    /// The unique name in the header of its journal.
    pub run: String,
    /// The absolute path of its run directory.
    pub directory: String,
    /// The time of the marking, which is kept in milliseconds.
    #[serde(with = "crate::journal::milliseconds")]
    pub at: Timestamp,
    /// Whether its results are in the state.
    pub is_folded: bool,
}

/// The part that the next `--resync-part` sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResyncTurn {
    /// The number of the next part, from 0.
    pub next: u32,
    /// The number of parts.
    pub of: u32,
}

/// All that a state tells about itself, except its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateInfo {
    /// The number of customers.
    pub customers: u64,
    /// The number of customers of whom nothing is known.
    pub unknown: u64,
    /// The number of customers whom the last export lacked.
    pub absent: u64,
    /// The time when the state began.
    pub created: Timestamp,
    /// The time of its last change.
    pub changed: Timestamp,
    /// The last run whose customers were marked.
    pub night: Option<Night>,
    /// The part that the next `--resync-part` sends.
    pub resync: Option<ResyncTurn>,
    /// Whether the API keeps the fields that an update leaves out, if a run has found that out.
    pub left_out_is_kept: Option<bool>,
    /// The version of the program that changed it last.
    pub version: String,
    /// The version of the request hashes.
    pub request_hash: u32,
    /// The identity.
    pub identity: StateIdentity,
    /// The file's size in bytes.
    pub bytes: u64,
}

/// The record in the file, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    version: String,
    pub(super) request_hash: u32,
    pub(super) identity: StateIdentity,
    /// The digits of the key.
    key: String,
    #[serde(with = "crate::journal::milliseconds")]
    created: Timestamp,
    #[serde(with = "crate::journal::milliseconds")]
    changed: Timestamp,
    pub(super) night: Option<Night>,
    pub(super) resync: Option<ResyncTurn>,
    pub(super) left_out_is_kept: Option<bool>,
    pub(super) figures: Figures,
    /// The number of markings that were written into files of this state.
    pub(super) marking: u64,
}

impl Record {
    /// Creates the record of an empty state that begins now.
    pub(super) fn beginning(identity: StateIdentity, key: RunKey) -> Record {
        let now = Timestamp::now();
        Record {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            request_hash: REQUEST_HASH_VERSION,
            identity,
            key: key.digits(),
            created: now,
            changed: now,
            night: None,
            resync: None,
            left_out_is_kept: None,
            figures: Figures::default(),
            marking: 0,
        }
    }

    /// Notes that this version of the program changes the state now.
    pub(super) fn touch(&mut self) {
        env!("CARGO_PKG_VERSION").clone_into(&mut self.version);
        self.changed = Timestamp::now();
    }

    /// Returns the record as it is in the file.
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a record has text keys only")
    }

    /// Reads a record.
    pub(super) fn parse(json: &str, shown: &Shown) -> Result<(Record, RunKey), StateError> {
        let record: Record = serde_json::from_str(json)
            .map_err(|error| shown.damaged(&format!("its record is not readable: {error}")))?;
        let key = RunKey::parse(record.key.as_bytes())
            .ok_or_else(|| shown.damaged("its record has no key"))?;
        Ok((record, key))
    }

    /// Returns what the state tells about itself.
    pub(super) fn info(&self, bytes: u64) -> StateInfo {
        StateInfo {
            customers: self.figures.customers,
            unknown: self.figures.unknown,
            absent: self.figures.absent,
            created: self.created,
            changed: self.changed,
            night: self.night.clone(),
            resync: self.resync,
            left_out_is_kept: self.left_out_is_kept,
            version: self.version.clone(),
            request_hash: self.request_hash,
            identity: self.identity.clone(),
            bytes,
        }
    }

    /// Returns an error if the state belongs to another identity than this one.
    pub(super) fn refuse_other(
        &self,
        identity: &StateIdentity,
        shown: &Shown,
    ) -> Result<(), StateError> {
        if self.request_hash != REQUEST_HASH_VERSION {
            return Err(StateError::OtherHashes {
                file: shown.0.clone(),
                version: self.request_hash,
            });
        }
        let parts = |identity: &StateIdentity| {
            [
                ("base URL", format!("the base URL {}", identity.base_url)),
                ("tenant", tenant_in_words(identity.tenant)),
                ("shard", shard_in_words(identity.shard)),
                (
                    "contract",
                    format!("version {} of the API's contract", identity.contract),
                ),
            ]
        };
        for ((what, of_state), (_, of_run)) in
            parts(&self.identity).into_iter().zip(parts(identity))
        {
            if of_state != of_run {
                return Err(StateError::OtherIdentity {
                    file: shown.0.clone(),
                    what,
                    of_state: crate::text::safe(&of_state),
                    of_run: crate::text::safe(&of_run),
                });
            }
        }
        Ok(())
    }
}

fn tenant_in_words(tenant: Option<u64>) -> String {
    tenant.map_or_else(|| "no tenant".to_owned(), |id| format!("tenant {id}"))
}

fn shard_in_words(shard: Option<Shard>) -> String {
    shard.map_or_else(
        || "all rows".to_owned(),
        |shard| format!("shard {} of {}", shard.index(), shard.of()),
    )
}
