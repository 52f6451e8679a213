//! The words for an answer of the API, which the summary, the report and the failed rows share.

use crate::journal::Outcome;

/// The cause of rows that were not sent because later rows of their customers were updated.
pub(in crate::results) const OVERTAKEN: &str = "overtaken";

/// The cause of rows whose update lacks a field that has to be sent and cannot be.
pub(in crate::results) const UNSENDABLE: &str = "unsendable";

/// Returns why rows ended badly that were sent, or would have been: the status of the last answer, and
/// its code or the cause of the failure.
pub(in crate::results) fn of(outcome: Outcome, status: Option<u16>, code: &str) -> String {
    // Such a code only repeats the status.
    let code = Some(code).filter(|code| !code.is_empty() && !code.starts_with("http_"));
    let answer: Vec<_> = status
        .iter()
        .map(ToString::to_string)
        .chain(code.map(str::to_owned))
        .collect();
    let answer = answer.join(" ");
    match outcome {
        Outcome::Rejected => format!("the API rejects it: {answer}"),
        Outcome::Failed if code == Some(OVERTAKEN) => {
            "later rows of its customer set a part of it (--left-out trust sends the rest)"
                .to_owned()
        }
        Outcome::Failed if code == Some(UNSENDABLE) => {
            "a value that the API shows cannot be sent back".to_owned()
        }
        Outcome::Failed => format!("every attempt failed: {answer}"),
        Outcome::Conflict => conflict(code.unwrap_or_default()).map_or(answer, str::to_owned),
        Outcome::Updated
        | Outcome::Unchanged
        | Outcome::Invalid
        | Outcome::Superseded
        | Outcome::Elsewhere
        | Outcome::Other => answer,
    }
}

/// Returns the words for a conflict with this code; `None` if the code says enough.
fn conflict(code: &str) -> Option<&'static str> {
    match code {
        "changed_each_time" => Some("the customer was changed elsewhere after each read"),
        "changed_since" => Some("the customer was changed after the time in the row"),
        "updated_at_not_shown" => Some("the API does not show when the customer was changed"),
        _ => None,
    }
}
