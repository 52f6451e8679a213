//! The kinds of values that several settings share: their parsers and errors.

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::duration::DurationError;
use super::hours::HoursError;
use super::publish_target::PublishTargetError;
use super::url::{BaseUrlError, RedisUrlError};
use crate::api::{SecretAddressError, TokenFlaw};
use crate::contract::{DateFormatError, FieldError};
use crate::input::{EncodingError, JsonPathError, RuleError};
use crate::journal::ShardError;
use crate::pipeline::changes::PartError;
use crate::sandbox::OptionError;
use crate::schedule::error_limit::ErrorLimitError;
use crate::schedule::rate::RateError;

/// The reason why a setting cannot take a value. [`Problem`](super::error::Problem) adds the place
/// of the value.
#[derive(Debug, thiserror::Error)]
pub enum ValueError {
    /// Not one of the words that the setting takes.
    #[error("`{text}` is not one of {choices}")]
    NotAChoice {
        /// The text as written.
        text: String,
        /// The words, with commas between them.
        choices: String,
    },
    /// Not a whole number, or one out of range.
    #[error("`{text}` is not a whole number from {least} to {most}")]
    NotANumber {
        /// The text as written.
        text: String,
        /// The smallest number allowed.
        least: String,
        /// The largest number allowed.
        most: String,
    },
    /// An exit code with another meaning.
    #[error(
        "exit code {0} has another meaning (see `custsync --help`): use 0, 1 or another code up to 125"
    )]
    ExitTaken(u8),
    /// Not what `--delimiter` takes.
    #[error(
        "`{0}` cannot delimit fields: give one ASCII character (no letter, digit, `_`, quote or line end), or `tab`"
    )]
    NotADelimiter(String),
    /// Not an address to listen on.
    #[error("`{0}` is not an address and a port as in 127.0.0.1:8080")]
    NotAnAddress(String),
    /// A `KEY=VALUE` without `=`, or with an empty side.
    #[error("`{text}` is not {form}")]
    NotAPair {
        /// The text as written.
        text: String,
        /// The expected form, with an article.
        form: &'static str,
    },
    /// A key that was given twice.
    #[error("`{0}` is given twice")]
    Twice(String),
    /// An empty value.
    #[error("the value is empty")]
    Empty,
    /// Bytes that are not UTF-8.
    #[error("the value is not UTF-8")]
    NotUtf8,
    /// A text that cannot be a token. The text is not repeated.
    #[error("not a token: {0}")]
    NotAToken(TokenFlaw),
    /// See [`ShardError`].
    #[error(transparent)]
    Shard(#[from] ShardError),
    /// See [`SecretAddressError`].
    #[error(transparent)]
    SecretAddress(#[from] SecretAddressError),
    /// A TOML value of a kind that the setting does not take.
    #[error("this setting takes {wanted}, not {found}")]
    WrongKind {
        /// The kind that the setting takes, with an article.
        wanted: &'static str,
        /// The kind that the file has, with an article.
        found: &'static str,
    },
    /// More items than the setting takes.
    #[error("more than {most} items")]
    TooMany {
        /// The most items that it takes.
        most: usize,
    },
    /// See [`EncodingError`].
    #[error(transparent)]
    Encoding(#[from] EncodingError),
    /// See [`JsonPathError`].
    #[error(transparent)]
    JsonPath(#[from] JsonPathError),
    /// See [`DurationError`].
    #[error(transparent)]
    Duration(#[from] DurationError),
    /// See [`RateError`].
    #[error(transparent)]
    Rate(#[from] RateError),
    /// See [`HoursError`].
    #[error(transparent)]
    Hours(#[from] HoursError),
    /// See [`ErrorLimitError`].
    #[error(transparent)]
    ErrorLimit(#[from] ErrorLimitError),
    /// See [`PartError`].
    #[error(transparent)]
    Part(#[from] PartError),
    /// See [`RuleError`].
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A value of a field that breaks the API's contract, whatever the row.
    #[error("{} {} ({})", .0.subject, .0.message, .0.code)]
    Contract(FieldError),
    /// A replacement value that breaks the API's contract.
    #[error("the replacement of `{text}` in {} {} ({})", .error.subject, .error.message, .error.code)]
    Mapped {
        /// The text, safe to show.
        text: String,
        /// The error in its value.
        error: FieldError,
    },
    /// See [`DateFormatError`].
    #[error(transparent)]
    DateFormat(#[from] DateFormatError),
    /// See [`OptionError`].
    #[error(transparent)]
    Sandbox(#[from] OptionError),
    /// See [`PublishTargetError`].
    #[error(transparent)]
    PublishTarget(#[from] PublishTargetError),
    /// See [`RedisUrlError`].
    #[error(transparent)]
    RedisUrl(#[from] RedisUrlError),
    /// See [`BaseUrlError`].
    #[error(transparent)]
    BaseUrl(#[from] BaseUrlError),
}

/// Returns a parser of whole numbers in `range`.
pub(super) fn number_in<T>(range: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, ValueError>
where
    T: FromStr + PartialOrd + Display,
{
    move |text| match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        Ok(_) | Err(_) => Err(ValueError::NotANumber {
            text: text.to_owned(),
            least: range.start().to_string(),
            most: range.end().to_string(),
        }),
    }
}

/// Parses an address and a port to listen on.
pub(super) fn socket_address(text: &str) -> Result<SocketAddr, ValueError> {
    text.parse()
        .ok()
        .ok_or_else(|| ValueError::NotAnAddress(text.to_owned()))
}

/// The word for no value.
pub(super) const NONE: &str = "none";

/// Returns a parser that also takes the word `none`.
pub(super) fn or_none<T>(
    parse: impl Fn(&str) -> Result<T, ValueError>,
) -> impl Fn(&str) -> Result<Option<T>, ValueError> {
    move |text| match text {
        NONE => Ok(None),
        value => parse(value).map(Some),
    }
}

/// Parses a value by its own rules.
pub(super) fn parsed<T: FromStr>(text: &str) -> Result<T, ValueError>
where
    ValueError: From<T::Err>,
{
    Ok(text.parse()?)
}

/// Returns the text, unless it is empty.
pub(super) fn non_empty(text: &str) -> Result<String, ValueError> {
    if text.is_empty() {
        return Err(ValueError::Empty);
    }
    Ok(text.to_owned())
}

/// Parses on or off.
pub(super) fn boolean(text: &str) -> Result<bool, ValueError> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        other => Err(ValueError::NotAChoice {
            text: other.to_owned(),
            choices: "true, false, 1, 0".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_to_their_range() {
        let check = |text: &str, want: Option<u8>| {
            assert_eq!(number_in(2..=9_u8)(text).ok(), want, "{text}");
        };
        for (text, want) in [
            ("2", Some(2)),
            ("9", Some(9)),
            ("1", None),
            ("10", None),
            ("256", None),
            ("-2", None),
            ("2.0", None),
            ("", None),
            ("two", None),
        ] {
            check(text, want);
        }
        let error = number_in(2..=9_u8)("x")
            .expect_err("not a number")
            .to_string();
        assert_eq!(error, "`x` is not a whole number from 2 to 9");
    }

    #[test]
    fn a_switch_is_one_of_four_words() {
        let check = |text: &str, want: Option<bool>| assert_eq!(boolean(text).ok(), want, "{text}");
        for (text, want) in [
            ("true", Some(true)),
            ("1", Some(true)),
            ("false", Some(false)),
            ("0", Some(false)),
            ("yes", None),
            ("", None),
        ] {
            check(text, want);
        }
    }
}
