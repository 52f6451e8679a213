//! The customer in an answer.

use crate::contract::Image;

/// The customer in an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Seen<'i> {
    /// It is shown.
    Customer(&'i Image),
    /// The API says that there is none.
    NoCustomer,
    /// It is not shown.
    Nothing,
}

impl<'i> Seen<'i> {
    /// The customer in an answer with this image. `is_missing` is whether the API says that there is
    /// none.
    pub(crate) fn of(image: Option<&'i Image>, is_missing: bool) -> Seen<'i> {
        match image {
            Some(image) => Seen::Customer(image),
            None if is_missing => Seen::NoCustomer,
            None => Seen::Nothing,
        }
    }

    /// The image of the customer.
    pub(crate) fn image(self) -> Option<&'i Image> {
        match self {
            Seen::Customer(image) => Some(image),
            Seen::NoCustomer | Seen::Nothing => None,
        }
    }
}
