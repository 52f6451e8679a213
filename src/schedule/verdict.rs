//! What an answer means for its row, and for all rows: one pure table.

use std::time::Duration;

use super::stop::StopReason;
use super::streak::Suspicion;
use crate::contract::{Answer, Body, Fault, Response};

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The answer proves that the update was applied.
    Updated,
    /// The row's fault: it is not sent again. A suspicion may make it everybody's.
    Rejected(Option<Suspicion>),
    /// Send the row again later.
    Retry(Trouble),
    /// Everybody waits, for as long as the server says; costs no attempt.
    Pause(Option<Duration>),
    /// The token is refused: read it again, for all rows together.
    TokenRefused,
    /// Every row would meet this answer.
    Stop(StopReason),
}

/// Whose trouble a retry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// No connection, so no row's fault: counts towards the breaker.
    Unreachable,
    /// The API says itself that it is down, or does not say anything: counts towards the breaker, unless it is one row that
    /// it stumbles over like this each time.
    Outage,
    /// More likely this row than the API: a row that the API stumbles over must not look like an outage.
    Row,
}

/// The verdict on an answer; advice of the API's page, and of RFC 9110 §15 beyond it.
pub(super) fn verdict(answer: &Answer) -> Verdict {
    match answer {
        Answer::Response(response) => verdict_on_response(response),
        Answer::Fault(fault @ (Fault::NameUnknown | Fault::Tls)) => {
            Verdict::Stop(StopReason::Unreachable { fault: *fault })
        }
        Answer::Fault(Fault::Refused | Fault::ConnectTimeout) => Verdict::Retry(Trouble::Unreachable),
        Answer::Fault(Fault::Broken | Fault::Timeout) => Verdict::Retry(Trouble::Outage),
    }
}

fn verdict_on_response(response: &Response) -> Verdict {
    match (response.status, response.body) {
        (200 | 201, Body::APPLIED) | (204, _) => Verdict::Updated,
        (200..=299, _) => Verdict::Rejected(Some(Suspicion::UnexpectedAnswer)),
        (300..=399, _) => Verdict::Rejected(Some(Suspicion::Redirect)),
        (401, _) => Verdict::TokenRefused,
        (403, _) => Verdict::Rejected(Some(Suspicion::Forbidden)),
        (404, _) => Verdict::Rejected(Some(Suspicion::NotFound)),
        (408 | 425, _) => Verdict::Retry(Trouble::Row),
        (429 | 529, _) => Verdict::Pause(response.retry_after),
        (503, _) if response.retry_after.is_some() => Verdict::Pause(response.retry_after),
        (status @ (402 | 405..=407 | 411 | 415 | 417 | 419 | 426 | 428 | 431 | 501 | 505 | 511), _) => {
            Verdict::Stop(StopReason::EveryRowWouldFail { status })
        }
        (400..=499, _) => Verdict::Rejected(None),
        (502..=504 | 520..=530, _) => Verdict::Retry(Trouble::Outage),
        // 500, and statuses that no page names: the row may be what the API stumbles over.
        _ => Verdict::Retry(Trouble::Row),
    }
}

/// Whether the API may have applied an update that is to be sent again: reset after bytes left, 502, 504, timeouts.
pub(super) fn is_ambiguous(answer: &Answer) -> bool {
    match answer {
        Answer::Response(response) => matches!(response.status, 408 | 502 | 504 | 520..=524),
        Answer::Fault(fault) => fault.is_ambiguous(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: Body, want: &Verdict) {
        let answer = Answer::Response(Response { status, body, ..Response::default() });
        assert_eq!(verdict(&answer), *want, "{status} {body:?}");
    }

    #[test]
    fn the_table() {
        for (status, body) in [(200, Body::APPLIED), (201, Body::APPLIED), (204, Body::Empty)] {
            check(status, body, &Verdict::Updated);
        }
        let unexpected = Verdict::Rejected(Some(Suspicion::UnexpectedAnswer));
        for (status, body) in [
            (202, Body::APPLIED),
            (200, Body::Other),
            (200, Body::REFUSED),
            (200, Body::Empty),
            (206, Body::APPLIED),
        ] {
            check(status, body, &unexpected);
        }
        for status in [301, 302, 303, 304, 307, 308] {
            check(status, Body::Other, &Verdict::Rejected(Some(Suspicion::Redirect)));
        }
        for status in [400, 409, 410, 413, 422, 423, 451] {
            check(status, Body::REFUSED, &Verdict::Rejected(None));
        }
        check(401, Body::REFUSED, &Verdict::TokenRefused);
        check(403, Body::REFUSED, &Verdict::Rejected(Some(Suspicion::Forbidden)));
        check(404, Body::REFUSED, &Verdict::Rejected(Some(Suspicion::NotFound)));
        for status in [402, 405, 406, 407, 411, 415, 417, 419, 426, 428, 431, 501, 505, 511] {
            check(status, Body::Other, &Verdict::Stop(StopReason::EveryRowWouldFail { status }));
        }
        for status in [502, 503, 504, 520, 522, 530] {
            check(status, Body::Other, &Verdict::Retry(Trouble::Outage));
        }
        for status in [408, 425, 500, 507] {
            check(status, Body::Other, &Verdict::Retry(Trouble::Row));
        }
        for status in [429, 529] {
            check(status, Body::Other, &Verdict::Pause(None));
        }
    }

    #[test]
    fn a_named_wait_makes_503_a_pause() {
        let wait = Some(Duration::from_secs(7));
        let answer = Answer::Response(Response { status: 503, retry_after: wait, ..Response::default() });
        assert_eq!(verdict(&answer), Verdict::Pause(wait));
    }

    #[test]
    fn faults() {
        for fault in [Fault::Refused, Fault::ConnectTimeout] {
            assert_eq!(verdict(&Answer::Fault(fault)), Verdict::Retry(Trouble::Unreachable));
        }
        for fault in [Fault::Broken, Fault::Timeout] {
            assert_eq!(verdict(&Answer::Fault(fault)), Verdict::Retry(Trouble::Outage));
        }
        for fault in [Fault::NameUnknown, Fault::Tls] {
            assert_eq!(verdict(&Answer::Fault(fault)), Verdict::Stop(StopReason::Unreachable { fault }));
        }
        assert!(is_ambiguous(&Answer::Fault(Fault::Broken)) && !is_ambiguous(&Answer::Fault(Fault::Refused)));
    }
}
