//! The echo: what the answer to an update shows of the values that were sent.

use super::FieldSet;

/// The use of the echo check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EchoCheck {
    /// Fields that differ are recorded and reported.
    #[default]
    Warn,
    /// They also make the exit code 1, and many rows in a row with such fields stop the run.
    Reject,
    /// Answers are not compared.
    Off,
}

/// The comparison of an answer with the values that were sent. A field that the answer lacks is in
/// none of the sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Echo {
    /// The fields that could be compared.
    pub compared: FieldSet,
    /// Those that are shown with another value.
    pub differs: FieldSet,
    /// Those that are shown in another spelling.
    pub spelling: FieldSet,
    /// Whether `date_of_birth` differs by one day only: most likely a time zone.
    pub next_day: bool,
    /// The country, if it was sent by id and is shown by name. Only
    /// [`CountryNames`](super::CountryNames) can compare it.
    pub country: Option<NamedCountry>,
}

/// The id of a country that was sent, and the name that was shown for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedCountry {
    /// The id.
    pub(super) id: i64,
    /// The hash of the name, see [`hash_of_name`](super::compare_echo::hash_of_name).
    pub(super) name: u64,
}
