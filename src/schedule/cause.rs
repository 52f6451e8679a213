//! The cause of a failed attempt, as results and reports name it.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::contract::{Answer, Fault};

/// The cause of a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The status of the API's answer.
    Status(u16),
    /// A fault instead of a complete answer.
    Fault(Fault),
}

impl Cause {
    /// The cause that an answer is, if its attempt failed.
    pub(super) fn of(answer: &Answer) -> Cause {
        match answer {
            Answer::Response(response) => Cause::Status(response.status),
            Answer::Fault(fault) => Cause::Fault(*fault),
        }
    }

    /// The fault, if there was no answer.
    pub fn fault(self) -> Option<Fault> {
        match self {
            Cause::Status(_) => None,
            Cause::Fault(fault) => Some(fault),
        }
    }

    /// The status, if there was an answer.
    pub fn status(self) -> Option<u16> {
        match self {
            Cause::Status(status) => Some(status),
            Cause::Fault(_) => None,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Status(status) => write!(f, "http_{status}"),
            Cause::Fault(fault) => f.write_str(fault.name()),
        }
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
