//! Rows that change nothing (`--skip-equal`).

use crate::contract::{Countries, Image, SentFields, is_as_shown};

/// Whether a request sets nothing but values that the customer has.
pub(super) fn changes_nothing(body: &[u8], image: &Image, countries: &Countries) -> bool {
    SentFields::of_request(body).is_some_and(|sent| is_as_shown(&sent, image, countries))
}
