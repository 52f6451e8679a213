//! The faults that can be injected into a request, and their names.

use std::fmt;
use std::str::FromStr;

use axum::http::{Method, StatusCode};

use super::option_error::OptionError;
use super::random::SplitMix64;

/// A kind of fault. The update is not applied unless the kind says so.
///
/// Its name is parsed and formatted as text: `503`, `404-text`, `blackhole`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// An answer with this status, in this form.
    Status(ErrorStatus, StatusForm),
    /// The connection is reset (TCP RST). In half of all cases the update was applied before.
    Reset,
    /// No answer for two minutes, then the connection is closed. In half of all cases the update
    /// was applied before.
    Timeout,
    /// The update is applied, but the connection closes after half of the answer's body.
    Truncate,
    /// Never an answer: the connection stays open until the client leaves.
    Blackhole,
    /// 503 in the API's shape, before the window, so that it does not count against it.
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

/// The form of an error answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StatusForm {
    /// The API's JSON. A 429 has a `Retry-After` of one second. Written without a suffix: `503`.
    Api,
    /// The API's JSON and a `Retry-After` of one second with any status: `503-retry-after`.
    RetryAfter,
    /// The API's JSON without a `Retry-After`, with any status: `429-no-retry-after`.
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
    /// The moment of a reset or a timeout. Other kinds have a fixed one.
    pub(super) moment: Moment,
}

/// The moment when a fault hits. If it is after the update, the client does not know that the
/// update was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    BeforeApplying,
    AfterApplying,
}

/// The kind of access that a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// The kinds with a name of their own.
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

/// The suffixes of the forms of a status.
const SUFFIXES: [(&str, StatusForm); 6] = [
    ("", StatusForm::Api),
    ("-retry-after", StatusForm::RetryAfter),
    ("-no-retry-after", StatusForm::NoRetryAfter),
    ("-text", StatusForm::Text),
    ("-html", StatusForm::Html),
    ("-gateway", StatusForm::Gateway),
];

/// All kinds, for the help text.
pub(super) const KINDS: &str = "a status from 400 to 599 (also with -text, -html, -gateway, -retry-after or \
                                -no-retry-after behind it), reset, timeout, truncate, blackhole, outage, maintenance, \
                                login-page, contradiction, success-false, other-customer and readonly";

/// Digits of a status.
const STATUS_DIGITS: usize = 3;

impl ErrorStatus {
    /// An error status; `None` unless it is from 400 to 599.
    pub fn new(status: u16) -> Option<ErrorStatus> {
        let code = StatusCode::from_u16(status).ok()?;
        (code.is_client_error() || code.is_server_error()).then_some(ErrorStatus(code))
    }

    pub(super) fn code(self) -> StatusCode {
        self.0
    }
}

impl FaultKind {
    /// Whether the fault can hit a request with this access.
    pub(super) fn hits(self, access: Access) -> bool {
        self != FaultKind::ReadOnly || access == Access::Write
    }

    fn named(name: &str) -> Option<FaultKind> {
        if let Some((_, kind)) = WORDS.iter().find(|(word, _)| *word == name) {
            return Some(*kind);
        }
        let (status, suffix) = name.split_at_checked(STATUS_DIGITS)?;
        // `parse` would accept a sign.
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
    /// A fault of this kind, at a random moment if the kind has several.
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
    fn the_error_and_the_page_name_every_kind() {
        const PAGE: &str = include_str!("../../docs/sandbox.md");
        let error = "crash".parse::<FaultKind>().unwrap_err().to_string();
        let kinds: Vec<&str> = PAGE
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
