//! The fault of an input that cannot be opened, in the words for where it comes from.

use crate::input::bytes::name::InputName;
use crate::input::error::{InputError, InputFault};

/// Returns the error of an input that cannot be opened.
pub(super) fn fault_of(name: InputName, fault: InputFault) -> InputError {
    let fault = match (fault, &name) {
        (InputFault::NotText(what), InputName::Member(_)) => what.in_archive().into(),
        (InputFault::NotText(what), InputName::Address(_)) => what.on_server().into(),
        (fault, _) => fault,
    };
    InputError { name, fault }
}
