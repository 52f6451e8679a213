//! The reason to stop after a fault of an input.

use crate::download::FaultKind;
use crate::input::InputError;
use crate::schedule::StopReason;

/// Returns the reason to stop after this error.
pub(super) fn reason_of(error: &InputError) -> StopReason {
    match error.fault.kind() {
        FaultKind::Unusable => StopReason::InputUnusable,
        FaultKind::Outage => StopReason::InputUnavailable,
        FaultKind::Replaced => StopReason::InputReplaced,
    }
}
