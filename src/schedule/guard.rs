//! The condition of an update: that the customer is still as it was read (`If-Match`, RFC 9110
//! §13.1.1).

use crate::contract::{Answer, Response};

/// The status of a request whose condition does not hold (RFC 9110 §15.5.13).
const PRECONDITION_FAILED: u16 = 412;

/// The condition of a row's update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Guard {
    /// It has none: its customer was not read, or the API named no state.
    #[default]
    None,
    /// The customer has the state that the last read named.
    Tag,
    /// That state is no longer the customer's, or may not be: the customer is read again.
    Spent,
}

impl Guard {
    /// The condition after the answer to a read.
    pub(super) fn of(answer: &Answer) -> Guard {
        match answer {
            Answer::Response(Response {
                entity_tag: Some(_),
                ..
            }) => Guard::Tag,
            Answer::Response(_) | Answer::Fault(_) => Guard::None,
        }
    }

    /// Whether the answer to an update with this condition says that it does not hold. The body does
    /// not matter: servers in front of an API know conditions, too.
    pub(super) fn has_failed(self, answer: &Answer) -> bool {
        self == Guard::Tag
            && matches!(answer, Answer::Response(response) if response.status == PRECONDITION_FAILED)
    }
}
