//! The end of the reading before the end of the input.

use crate::download::FaultKind;
use crate::input::InputError;
use crate::schedule::StopReason;

/// The end of the reading before the end of the input.
#[derive(Debug)]
pub(crate) struct ReadStop {
    /// The reason to stop the run.
    pub(crate) reason: StopReason,
    /// The error, if the input cannot be read on.
    pub(crate) fault: Option<Box<InputError>>,
}

impl From<InputError> for ReadStop {
    fn from(error: InputError) -> ReadStop {
        ReadStop {
            reason: reason_of(&error),
            fault: Some(Box::new(error)),
        }
    }
}

impl From<StopReason> for ReadStop {
    fn from(reason: StopReason) -> ReadStop {
        ReadStop {
            reason,
            fault: None,
        }
    }
}

/// Returns the reason to stop after this error.
pub(super) fn reason_of(error: &InputError) -> StopReason {
    match error.fault.kind() {
        FaultKind::Unusable => StopReason::InputUnusable,
        FaultKind::Outage => StopReason::InputUnavailable,
        FaultKind::Replaced => StopReason::InputReplaced,
    }
}
