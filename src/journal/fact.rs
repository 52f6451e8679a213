//! Journal lines about the run as a whole.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::entry::{milliseconds, optional_milliseconds};
use super::figures::Figures;
use super::line;
use crate::contract::FieldSet;

/// A fact about the run. Facts that only a later version knows are kept and have no effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// A process continues where earlier ones stopped. This line also proves that it can write.
    Continued {
        /// The time.
        #[serde(with = "milliseconds")]
        at: Timestamp,
        /// The version of the program.
        version: String,
    },
    /// A process has ended. As the last line of a journal it shows whether the run is finished.
    Ended {
        /// The time.
        #[serde(with = "milliseconds")]
        at: Timestamp,
        /// The exit code.
        exit: u8,
        /// The end of a wait that the API asked for. Earlier attempts are pointless.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            with = "optional_milliseconds"
        )]
        until: Option<Timestamp>,
        /// The time at which the user's hours begin again, if their end stopped the process. A
        /// later process has its own hours.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            with = "optional_milliseconds"
        )]
        opens: Option<Timestamp>,
        /// The figures of the process; absent in a check, and if an earlier version wrote the line.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        figures: Option<Box<Figures>>,
    },
    /// Whether a PUT keeps the fields that it leaves out.
    LeftOut {
        /// The time when this was found.
        #[serde(with = "milliseconds")]
        at: Timestamp,
        /// Whether they are kept.
        kept: bool,
    },
    /// The verdict on the canary: the first customers, who were sent to before all others.
    Canary {
        /// The time of the verdict.
        #[serde(with = "milliseconds")]
        at: Timestamp,
        /// The customers to whom a request was sent.
        customers: u64,
        /// Their rows that were updated.
        updated: u64,
        /// Their rows that were rejected, failed or are in conflict.
        bad: u64,
        /// The fields that the API shows in another way than they were sent.
        #[serde(default, skip_serializing_if = "FieldSet::is_empty")]
        echo: FieldSet,
        /// Whether the run goes on to all other customers.
        goes_on: bool,
    },
    /// The run's changes are being undone, so it is not continued any more.
    Undone {
        /// The time when that began.
        #[serde(with = "milliseconds")]
        at: Timestamp,
    },
    /// All bytes before this line survive a power cut. This is the first line written after a sync.
    Synced {
        /// The offset of this line.
        bytes: u64,
    },
    /// A fact that only a later version knows.
    #[serde(other)]
    Unknown,
}

/// The facts about a run in its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// Whether a PUT keeps the fields that it leaves out, if that is known.
    pub left_out_is_kept: Option<bool>,
    /// Whether the run's changes are being undone.
    pub is_undone: bool,
    /// Whether the run goes on after its canary, if there is a verdict.
    pub canary_goes_on: Option<bool>,
    /// The end of a wait that the API asked for, if no row has ended since.
    pub until: Option<Timestamp>,
}

impl Fact {
    /// Appends the fact as a line, with its checksum.
    pub fn encode(&self, buffer: &mut Vec<u8>) {
        let start = buffer.len();
        serde_json::to_writer(&mut *buffer, self).expect("a fact, written to memory, cannot fail");
        line::seal(buffer, start);
    }
}
