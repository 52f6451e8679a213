//! Why an attempt has to be repeated, as results and reports name it.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::contract::{Answer, Fault};

/// Why an attempt has to be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The API's answer.
    Status(u16),
    /// No whole answer.
    Fault(Fault),
}

impl Cause {
    pub(super) fn of(answer: &Answer) -> Cause {
        match answer {
            Answer::Response(response) => Cause::Status(response.status),
            Answer::Fault(fault) => Cause::Fault(*fault),
        }
    }

    /// The fault, where there was no answer.
    pub fn fault(self) -> Option<Fault> {
        match self {
            Cause::Status(_) => None,
            Cause::Fault(fault) => Some(fault),
        }
    }

    /// The answer's status, where there was one.
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
