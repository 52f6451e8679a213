//! Lines of the journal that are about the run, not about a row.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::entry::{milliseconds, optional_milliseconds};
use super::line;

/// Something that is known of the run. A fact of a kind that only a later version knows is kept and has no effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// A process goes on where earlier ones stopped. It has proved by this line that it can write.
    Continued {
        /// When.
        #[serde(with = "milliseconds")]
        at: Timestamp,
        /// The version of the program.
        version: String,
    },
    /// A process has ended. As the last line of a journal it tells whether the run is finished.
    Ended {
        /// When.
        #[serde(with = "milliseconds")]
        at: Timestamp,
        /// Its exit code.
        exit: u8,
        /// The end of a wait that the API named: before it nothing needs to be tried.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            with = "optional_milliseconds"
        )]
        until: Option<Timestamp>,
    },
    /// Whether a PUT keeps the fields that it leaves out.
    LeftOut {
        /// When it was found.
        #[serde(with = "milliseconds")]
        at: Timestamp,
        /// Whether they are kept.
        kept: bool,
    },
    /// What the run wrote is being put back: it is not continued any more.
    Undone {
        /// When that began.
        #[serde(with = "milliseconds")]
        at: Timestamp,
    },
    /// All before this line outlasts a power cut. It is the first line that is written after a sync.
    Synced {
        /// Where this line begins.
        bytes: u64,
    },
    /// Of a later version.
    #[serde(other)]
    Unknown,
}

/// What a journal says of its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// Whether a PUT keeps what it leaves out, where that is known.
    pub left_out_is_kept: Option<bool>,
    /// What the run wrote is being put back.
    pub is_undone: bool,
    /// The end of a wait that the API named, where no row ended since.
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
