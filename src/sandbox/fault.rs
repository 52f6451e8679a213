//! What can go wrong with one request: the kinds of faults and their names.

use std::fmt;
use std::str::FromStr;

use axum::http::{Method, StatusCode};

use super::option_error::OptionError;
use super::random::SplitMix64;

/// A kind of fault. Nothing is applied unless the kind says so.
///
/// Its name is read from text and written as text: `503`, `404-text`, `blackhole`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// An answer with this status, in this form.
    Status(ErrorStatus, StatusForm),
    /// The connection is reset (TCP RST), half of the time after the update was applied.
    Reset,
    /// No answer for two minutes, half of the time after the update was applied; then the connection is closed.
    Timeout,
    /// The update is applied, but half of the answer's body is missing when the connection closes.
    Truncate,
    /// No answer ever: the connection stays open until the client leaves.
    Blackhole,
    /// 503 in the API's shape. It comes before the window, so that it uses up none of it.
    Outage,
    /// 200 with `{"status":"maintenance"}`.
    Maintenance,
    /// 200 with an HTML page that asks for a password.
    LoginPage,
    /// 200 with the body of a refused update.
    Contradiction,
    /// 200 with `{"success":false,"message":"not saved"}`.
    SuccessFalse,
    /// The update is applied, but the answer shows another customer.
    OtherCustomer,
    /// Each write is answered with 503 in plain text. Reads work.
    ReadOnly,
}

/// The status of an error: 400 to 599.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ErrorStatus(StatusCode);

/// The form of an answer that is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StatusForm {
    /// The API's JSON. A 429 has a `Retry-After` of one second. Written without a suffix: `503`.
    Api,
    /// The API's JSON and a `Retry-After` of one second, whatever the status: `503-retry-after`.
    RetryAfter,
    /// The API's JSON without a `Retry-After`, whatever the status: `429-no-retry-after`.
    NoRetryAfter,
    /// Plain text, as of a load balancer without a backend: `404-text`.
    Text,
    /// An HTML page, as of a proxy: `502-html`.
    Html,
    /// The JSON of a gateway, which has a `message` but is not the API's: `404-gateway`.
    Gateway,
}

/// A fault that hits one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    /// Of a reset and a timeout; other kinds always hit at the same moment.
    pub(super) moment: Moment,
}

/// When a fault hits: only then does a client not know whether its update was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    BeforeApplying,
    AfterApplying,
}

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// The kinds that are named by a word of their own.
const WORDS: [(&str, FaultKind); 11] = [
    ("reset", FaultKind::Reset),
    ("timeout", FaultKind::Timeout),
    ("truncate", FaultKind::Truncate),
    ("blackhole", FaultKind::Blackhole),
    ("outage", FaultKind::Outage),
    ("maintenance", FaultKind::Maintenance),
    ("login-page", FaultKind::LoginPage),
    ("contradiction", FaultKind::Contradiction),
    ("success-false", FaultKind::SuccessFalse),
    ("other-customer", FaultKind::OtherCustomer),
    ("readonly", FaultKind::ReadOnly),
];

/// What follows a status in the name of its form.
const SUFFIXES: [(&str, StatusForm); 6] = [
    ("", StatusForm::Api),
    ("-retry-after", StatusForm::RetryAfter),
    ("-no-retry-after", StatusForm::NoRetryAfter),
    ("-text", StatusForm::Text),
    ("-html", StatusForm::Html),
    ("-gateway", StatusForm::Gateway),
];

/// All kinds, for people.
pub(super) const KINDS: &str = "a status from 400 to 599 (also with -text, -html, -gateway, -retry-after or \
                                -no-retry-after behind it), reset, timeout, truncate, blackhole, outage, maintenance, \
                                login-page, contradiction, success-false, other-customer and readonly";

/// Digits of a status.
const STATUS_DIGITS: usize = 3;

impl ErrorStatus {
    /// `None` where the status is not from 400 to 599.
    pub fn new(status: u16) -> Option<ErrorStatus> {
        let code = StatusCode::from_u16(status).ok()?;
        (code.is_client_error() || code.is_server_error()).then_some(ErrorStatus(code))
    }

    pub(super) fn code(self) -> StatusCode {
        self.0
    }
}

impl FaultKind {
    /// Whether the fault can hit such a request.
    pub(super) fn hits(self, access: Access) -> bool {
        self != FaultKind::ReadOnly || access == Access::Write
    }

    fn named(name: &str) -> Option<FaultKind> {
        if let Some((_, kind)) = WORDS.iter().find(|(word, _)| *word == name) {
            return Some(*kind);
        }
        let (status, suffix) = name.split_at_checked(STATUS_DIGITS)?;
        // A sign would be read as part of a number.
        if !status.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let status = ErrorStatus::new(status.parse().ok()?)?;
        let (_, form) = SUFFIXES.iter().find(|(known, _)| *known == suffix)?;
        Some(FaultKind::Status(status, *form))
    }
}

impl FromStr for FaultKind {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<FaultKind, OptionError> {
        FaultKind::named(text).ok_or_else(|| {
            OptionError::new(text, format!("a kind of fault. The kinds are {KINDS}"))
        })
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let FaultKind::Status(status, form) = self {
            let suffix = SUFFIXES
                .iter()
                .find(|(_, known)| known == form)
                .map_or("", |(suffix, _)| *suffix);
            return write!(f, "{}{suffix}", status.code().as_u16());
        }
        let word = WORDS
            .iter()
            .find(|(_, kind)| kind == self)
            .map_or("", |(word, _)| *word);
        f.write_str(word)
    }
}

impl Fault {
    /// A fault of this kind. Its moment is drawn where it has one.
    pub(super) fn draw(kind: FaultKind, random: &mut SplitMix64) -> Fault {
        let moment = match kind {
            FaultKind::Reset | FaultKind::Timeout => Moment::draw(random),
            FaultKind::Truncate | FaultKind::OtherCustomer => Moment::AfterApplying,
            FaultKind::Status(..)
            | FaultKind::Blackhole
            | FaultKind::Outage
            | FaultKind::Maintenance
            | FaultKind::LoginPage
            | FaultKind::Contradiction
            | FaultKind::SuccessFalse
            | FaultKind::ReadOnly => Moment::BeforeApplying,
        };
        Fault { kind, moment }
    }
}

impl Moment {
    fn draw(random: &mut SplitMix64) -> Moment {
        match random.below(2) {
            0 => Moment::BeforeApplying,
            _ => Moment::AfterApplying,
        }
    }
}

impl Access {
    pub(super) fn of(method: &Method) -> Access {
        if method.is_safe() {
            Access::Read
        } else {
            Access::Write
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FaultKind, SUFFIXES, WORDS};

    #[test]
    fn kinds_are_read_by_the_names_that_they_are_shown_by() {
        let statuses = ["400", "404", "429", "599"];
        let with_status = statuses
            .iter()
            .flat_map(|status| SUFFIXES.map(|(suffix, _)| format!("{status}{suffix}")));
        let names: Vec<String> = WORDS
            .iter()
            .map(|(word, _)| (*word).to_owned())
            .chain(with_status)
            .collect();
        assert_eq!(names.len(), 11 + 4 * 6);
        for name in names {
            let kind: FaultKind = name.parse().unwrap();
            assert_eq!(kind.to_string(), name);
        }
    }

    #[test]
    fn no_other_name_is_a_kind() {
        for nonsense in [
            "",
            "399",
            "600",
            "200",
            "+503",
            "-503",
            "0503",
            "50",
            "5030",
            "503-",
            "503-json",
            "503text",
            "503-TEXT",
            "-text",
            "200-html",
            "crash",
            "Reset",
            "reset-text",
            "5ü3",
            "503 ",
        ] {
            let error = nonsense.parse::<FaultKind>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!(
                    "'{nonsense}' is not a kind of fault. The kinds are a status"
                )),
                "{error}"
            );
        }
    }

    #[test]
    fn the_error_and_the_readme_name_every_kind() {
        const README: &str = include_str!("../../README.md");
        let error = "crash".parse::<FaultKind>().unwrap_err().to_string();
        let kinds: Vec<&str> = README
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .collect();
        for (word, _) in WORDS {
            assert!(error.contains(word), "{word}: {error}");
            assert!(kinds.contains(&word), "{word} is in no table");
        }
        for (suffix, form) in SUFFIXES {
            assert!(error.contains(suffix), "{suffix}: {error}");
            let is_shown = |kind: &&str| matches!(kind.parse(), Ok(FaultKind::Status(_, shown)) if shown == form);
            assert!(kinds.iter().any(is_shown), "{suffix} is in no table");
        }
    }
}
