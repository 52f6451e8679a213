//! The meaning of an answer. Only this file looks at a status, and it looks at the body first.
//!
//! A status alone proves little. A gateway answers 404 in JSON, an ingress answers it in plain
//! text, a maintenance page answers 200. So "applied" and "refused" need a body in the API's shape.
//! If a gateway may use that shape, too, the refusal is in doubt until other rows show more.

use std::time::Duration;

use super::decision::ReadNeed;
use super::stop::Unexpected;
use crate::contract::{Answer, Body, Claim, Fault, Response, Shape, Shown};

/// The meaning of an answer to a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The update was applied.
    Applied,
    /// The API refuses the row.
    Refused,
    /// A refusal in the API's shape that may be a gateway's.
    RefusedInDoubt(Refusal),
    /// An answer that is not the API's, but a proxy's, a login page's, a firewall's or another
    /// program's.
    NotTheApi(ForeignAnswer),
    /// The API is in trouble, or this row causes a failure.
    Trouble(Trouble),
    /// All rows wait, or the request may have met a limit that does not say so.
    Wait(Wait),
    /// The request did not reach the API, or most likely did not. The row is sent again at once.
    SendAgain(MaybeApplied),
    /// The token is refused.
    TokenRefused,
    /// A setting is wrong, if the API has never answered: the name is unknown or the certificate is
    /// not trusted.
    Unreachable(Fault),
    /// This machine could not connect, which says nothing about the API.
    NoSockets,
}

/// The kind of a refusal in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// 403: the token lacks the permission.
    Forbidden,
    /// 404: there is no such customer.
    NotFound,
    /// 410, or 2xx with a body that says that the update failed.
    Other,
}

/// An answer that is not the API's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ForeignAnswer {
    /// A success that does not show the update.
    Success(Unexpected),
    /// A redirect.
    Redirect,
    /// A refusal.
    Refusal,
}

/// A wait that a server asks for, or may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait {
    /// The time that it names, if any.
    pub(super) named: Option<Duration>,
    /// Whether the answer names an exhausted window.
    pub(super) window: Exhausted,
    /// The reason for it.
    pub(super) reason: WaitReason,
}

/// Whether an answer names an exhausted window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exhausted {
    Yes,
    No,
}

/// The reason for which a server asks to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitReason {
    /// The quota of its window is used up: 429 (RFC 6585 §4).
    Quota,
    /// The API is overloaded or under maintenance: 503 with `Retry-After` (RFC 9110 §15.6.4), or
    /// 529, which overloaded servers send.
    Overload,
    /// 503 without a time, by a limit that does not say so or in trouble.
    Unavailable,
}

/// A failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trouble {
    /// The number of attempts for a row that keeps failing like this.
    pub(super) attempts: AttemptLimit,
    /// Whether the API may have applied the update.
    pub(super) applied: MaybeApplied,
    /// The program that answered.
    pub(super) answered_by: AnsweredBy,
}

impl Trouble {
    /// Trouble of an unknown source, after which a row has as many attempts as the user allows.
    pub(super) fn usual(applied: MaybeApplied) -> Trouble {
        Trouble {
            attempts: AttemptLimit::Usual,
            applied,
            answered_by: AnsweredBy::Unknown,
        }
    }
}

/// The number of attempts for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AttemptLimit {
    /// As often as the user allows.
    Usual,
    /// Three at most: the row is likely to be at fault.
    Three,
}

/// Whether an update whose attempt failed may have been applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MaybeApplied {
    /// It may have been applied.
    Yes,
    /// It was not applied.
    No,
}

/// The program that reports the trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnsweredBy {
    /// The API: a 500 in its own shape.
    TheApi,
    /// A gateway, the network, or no program.
    Unknown,
}

/// The meaning of an answer to a read of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadMeaning {
    /// Every field is as it was sent.
    AsSent,
    /// Every field but the country is as it was sent. The name of the country has this hash.
    AsSentButCountry(u64),
    /// A field differs, or cannot be compared.
    Otherwise,
    /// The answer does not show the customer, so nothing can be compared.
    Nothing,
    /// The API is in trouble.
    Trouble,
    /// This machine could not connect.
    NoSockets,
    /// All rows wait.
    Wait(Wait),
    /// The request did not reach the API, or most likely did not.
    SendAgain,
    /// The token is refused.
    TokenRefused,
}

/// Judges an answer to a write. The first line that matches counts.
pub(super) fn write(answer: &Answer) -> Meaning {
    match answer {
        Answer::Response(response) => response_to_write(response),
        Answer::Fault(Fault::NoSockets) => Meaning::NoSockets,
        Answer::Fault(fault @ (Fault::NameUnknown | Fault::Tls(_) | Fault::Proxy(_))) => {
            Meaning::Unreachable(*fault)
        }
        Answer::Fault(Fault::NotProcessed) => Meaning::SendAgain(MaybeApplied::No),
        Answer::Fault(Fault::Unanswered) => Meaning::SendAgain(MaybeApplied::Yes),
        Answer::Fault(fault) if fault.is_ambiguous() => {
            Meaning::Trouble(Trouble::usual(MaybeApplied::Yes))
        }
        Answer::Fault(_) => Meaning::Trouble(Trouble::usual(MaybeApplied::No)),
    }
}

/// Judges an answer to the read before an update, with the meanings of writes: it is applied if it
/// shows the customer. A row must not leave unread if the read is required, so then a refusal of
/// the read refuses the row.
pub(super) fn read_before(answer: &Answer, need: ReadNeed) -> Meaning {
    let is_shown = matches!(answer, Answer::Response(response) if response.status == 200 && response.shown.is_some());
    match write(answer) {
        _ if is_shown => Meaning::Applied,
        Meaning::Applied if need != ReadNeed::Wanted => {
            Meaning::NotTheApi(ForeignAnswer::Success(Unexpected::AnotherBody))
        }
        Meaning::Applied
        | Meaning::Refused
        | Meaning::RefusedInDoubt(_)
        | Meaning::NotTheApi(_)
            if need == ReadNeed::Wanted =>
        {
            Meaning::Applied
        }
        Meaning::Trouble(trouble) => Meaning::Trouble(Trouble {
            applied: MaybeApplied::No,
            ..trouble
        }),
        Meaning::SendAgain(_) => Meaning::SendAgain(MaybeApplied::No),
        meaning => meaning,
    }
}

/// Whether the answer to a read says that there is no such customer.
pub(crate) fn is_missing(answer: &Answer) -> bool {
    matches!(write(answer), Meaning::RefusedInDoubt(Refusal::NotFound))
}

/// Judges an answer to a control's read.
pub(super) fn read(answer: &Answer) -> ReadMeaning {
    let response = match answer {
        Answer::Response(response) => response,
        Answer::Fault(Fault::NotProcessed | Fault::Unanswered) => return ReadMeaning::SendAgain,
        Answer::Fault(Fault::NoSockets) => return ReadMeaning::NoSockets,
        Answer::Fault(_) => return ReadMeaning::Trouble,
    };
    match (response.status, response.shown) {
        (200, Some(Shown::AsSent)) => ReadMeaning::AsSent,
        (200, Some(Shown::AsSentButCountry)) => response
            .country
            .map_or(ReadMeaning::Otherwise, ReadMeaning::AsSentButCountry),
        (200, Some(Shown::Otherwise)) => ReadMeaning::Otherwise,
        (401, _) => ReadMeaning::TokenRefused,
        (status, _) => match asked_to_wait(response) {
            Some(wait) => ReadMeaning::Wait(wait),
            None if matches!(status, 408 | 425 | 500..) => ReadMeaning::Trouble,
            None => ReadMeaning::Nothing,
        },
    }
}

fn response_to_write(response: &Response) -> Meaning {
    if let Some(wait) = asked_to_wait(response) {
        return Meaning::Wait(wait);
    }
    match (response.status, response.body) {
        (401, _) => Meaning::TokenRefused,
        (
            500,
            Body::Object {
                shape: Shape::ApiError,
                ..
            },
        ) => Meaning::Trouble(Trouble {
            attempts: AttemptLimit::Three,
            applied: MaybeApplied::No,
            answered_by: AnsweredBy::TheApi,
        }),
        (500, _) => Meaning::Trouble(Trouble {
            attempts: AttemptLimit::Three,
            ..Trouble::usual(MaybeApplied::No)
        }),
        // Proxies give up on an API that may still be at work: RFC 9110 §15.5.9, §15.6.3, §15.6.5.
        // 520 to 524 are Cloudflare's.
        (408 | 502 | 504 | 520..=524, _) => Meaning::Trouble(Trouble::usual(MaybeApplied::Yes)),
        (425 | 506..=510 | 512..=519 | 525..=599, _) => {
            Meaning::Trouble(Trouble::usual(MaybeApplied::No))
        }
        (204, _)
        | (
            200 | 201,
            Body::Object {
                claim: Claim::Applied,
                ..
            },
        ) => Meaning::Applied,
        (
            200..=299,
            Body::Object {
                claim: Claim::Refused,
                ..
            },
        ) => Meaning::RefusedInDoubt(Refusal::Other),
        (402 | 405..=407 | 411 | 415 | 417 | 419 | 426 | 428 | 431 | 501 | 505 | 511, _) => {
            Meaning::NotTheApi(ForeignAnswer::Refusal)
        }
        (
            status @ 400..=499,
            Body::Object {
                shape: Shape::ApiError,
                ..
            },
        ) => match status {
            403 => Meaning::RefusedInDoubt(Refusal::Forbidden),
            404 => Meaning::RefusedInDoubt(Refusal::NotFound),
            410 => Meaning::RefusedInDoubt(Refusal::Other),
            _ => Meaning::Refused,
        },
        (status, body) => Meaning::NotTheApi(match status {
            200..=299 => ForeignAnswer::Success(match body {
                Body::Object {
                    claim: Claim::OtherCustomer,
                    ..
                } => Unexpected::OtherCustomer,
                Body::TooLong => Unexpected::TooLong,
                Body::Object { .. } | Body::Empty | Body::Other => Unexpected::AnotherBody,
            }),
            300..=399 => ForeignAnswer::Redirect,
            _ => ForeignAnswer::Refusal,
        }),
    }
}

/// The wait that the server asks for, or may mean, if any.
fn asked_to_wait(response: &Response) -> Option<Wait> {
    let reason = match response.status {
        429 => WaitReason::Quota,
        529 => WaitReason::Overload,
        503 if response.retry_after.is_some() => WaitReason::Overload,
        503 => WaitReason::Unavailable,
        _ => return None,
    };
    let is_exhausted = response.window.is_some_and(|window| window.remaining == 0);
    Some(Wait {
        named: response.retry_after,
        window: if is_exhausted {
            Exhausted::Yes
        } else {
            Exhausted::No
        },
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{ProxyFault, TlsFault};

    fn trouble(attempts: AttemptLimit, applied: MaybeApplied) -> Meaning {
        Meaning::Trouble(Trouble {
            attempts,
            applied,
            answered_by: AnsweredBy::Unknown,
        })
    }

    const MESSAGE: Body = Body::Object {
        claim: Claim::Nothing,
        shape: Shape::ApiError,
    };
    const STATUS: Body = Body::Object {
        claim: Claim::Nothing,
        shape: Shape::Another,
    };
    const OTHER_CUSTOMER: Body = Body::Object {
        claim: Claim::OtherCustomer,
        shape: Shape::Another,
    };
    const ALL: [Body; 8] = [
        Body::Empty,
        Body::Other,
        Body::TooLong,
        Body::APPLIED,
        Body::REFUSED,
        MESSAGE,
        STATUS,
        OTHER_CUSTOMER,
    ];

    fn check(status: u16, bodies: &[Body], want: Meaning) {
        for body in bodies {
            let answer = Answer::Response(Response {
                status,
                body: *body,
                ..Response::default()
            });
            assert_eq!(write(&answer), want, "{status} {body:?}");
        }
    }

    #[test]
    fn success_needs_a_body_that_shows_it() {
        check(204, &ALL, Meaning::Applied);
        for status in [200, 201] {
            check(status, &[Body::APPLIED], Meaning::Applied);
            check(
                status,
                &[Body::REFUSED],
                Meaning::RefusedInDoubt(Refusal::Other),
            );
            for (body, what) in [
                (Body::Empty, Unexpected::AnotherBody),
                (Body::Other, Unexpected::AnotherBody),
                (MESSAGE, Unexpected::AnotherBody),
                (STATUS, Unexpected::AnotherBody),
                (Body::TooLong, Unexpected::TooLong),
                (OTHER_CUSTOMER, Unexpected::OtherCustomer),
            ] {
                check(
                    status,
                    &[body],
                    Meaning::NotTheApi(ForeignAnswer::Success(what)),
                );
            }
        }
        check(
            202,
            &[Body::APPLIED, Body::Empty],
            Meaning::NotTheApi(ForeignAnswer::Success(Unexpected::AnotherBody)),
        );
        for status in [300, 301, 302, 303, 304, 307, 308] {
            check(status, &ALL, Meaning::NotTheApi(ForeignAnswer::Redirect));
        }
        for status in [100, 600, 999] {
            check(status, &ALL, Meaning::NotTheApi(ForeignAnswer::Refusal));
        }
    }

    #[test]
    fn a_refusal_needs_the_apis_shape() {
        for status in [400, 409, 413, 422, 423, 451] {
            check(status, &[Body::REFUSED, MESSAGE], Meaning::Refused);
            check(
                status,
                &[Body::Empty, Body::Other, Body::TooLong, STATUS],
                Meaning::NotTheApi(ForeignAnswer::Refusal),
            );
        }
        for (status, refusal) in [
            (403, Refusal::Forbidden),
            (404, Refusal::NotFound),
            (410, Refusal::Other),
        ] {
            check(
                status,
                &[Body::REFUSED, MESSAGE],
                Meaning::RefusedInDoubt(refusal),
            );
            check(
                status,
                &[Body::Empty, Body::Other, STATUS],
                Meaning::NotTheApi(ForeignAnswer::Refusal),
            );
        }
        check(401, &ALL, Meaning::TokenRefused);
    }

    #[test]
    fn some_statuses_are_never_the_apis() {
        for status in [
            402, 405, 406, 407, 411, 415, 417, 419, 426, 428, 431, 501, 505, 511,
        ] {
            check(status, &ALL, Meaning::NotTheApi(ForeignAnswer::Refusal));
        }
    }

    #[test]
    fn trouble_counts_by_kind() {
        let usual = |applied| trouble(AttemptLimit::Usual, applied);
        for status in [408, 502, 504, 520, 522, 524] {
            check(status, &ALL, usual(MaybeApplied::Yes));
        }
        for status in [425, 507, 525, 530, 599] {
            check(status, &ALL, usual(MaybeApplied::No));
        }
        check(
            500,
            &[Body::Empty, Body::Other, STATUS],
            trouble(AttemptLimit::Three, MaybeApplied::No),
        );
        let by_the_api = Trouble {
            attempts: AttemptLimit::Three,
            applied: MaybeApplied::No,
            answered_by: AnsweredBy::TheApi,
        };
        check(500, &[Body::REFUSED, MESSAGE], Meaning::Trouble(by_the_api));
    }

    #[test]
    fn waits() {
        let wait = |named, reason| {
            Meaning::Wait(Wait {
                named,
                reason,
                window: Exhausted::No,
            })
        };
        check(429, &ALL, wait(None, WaitReason::Quota));
        check(529, &ALL, wait(None, WaitReason::Overload));
        check(503, &ALL, wait(None, WaitReason::Unavailable));
        let named = Some(Duration::from_secs(7));
        for (status, reason) in [
            (429, WaitReason::Quota),
            (503, WaitReason::Overload),
            (529, WaitReason::Overload),
        ] {
            let answer = Answer::Response(Response {
                status,
                retry_after: named,
                ..Response::default()
            });
            assert_eq!(write(&answer), wait(named, reason));
            assert_eq!(
                read(&answer),
                ReadMeaning::Wait(Wait {
                    named,
                    reason,
                    window: Exhausted::No
                })
            );
        }
    }

    #[test]
    fn faults() {
        for (fault, want) in [
            (
                Fault::Refused,
                trouble(AttemptLimit::Usual, MaybeApplied::No),
            ),
            (
                Fault::ConnectTimeout,
                trouble(AttemptLimit::Usual, MaybeApplied::No),
            ),
            (
                Fault::Broken,
                trouble(AttemptLimit::Usual, MaybeApplied::Yes),
            ),
            (
                Fault::Timeout,
                trouble(AttemptLimit::Usual, MaybeApplied::Yes),
            ),
            (Fault::NameUnknown, Meaning::Unreachable(Fault::NameUnknown)),
            (
                Fault::LookupFailed,
                trouble(AttemptLimit::Usual, MaybeApplied::No),
            ),
            (
                Fault::Tls(TlsFault::Expired),
                Meaning::Unreachable(Fault::Tls(TlsFault::Expired)),
            ),
            (
                Fault::Proxy(ProxyFault::Refused),
                Meaning::Unreachable(Fault::Proxy(ProxyFault::Refused)),
            ),
        ] {
            assert_eq!(write(&Answer::Fault(fault)), want);
            assert_eq!(read(&Answer::Fault(fault)), ReadMeaning::Trouble);
        }
        for (fault, applied) in [
            (Fault::NotProcessed, MaybeApplied::No),
            (Fault::Unanswered, MaybeApplied::Yes),
        ] {
            assert_eq!(write(&Answer::Fault(fault)), Meaning::SendAgain(applied));
            assert_eq!(read(&Answer::Fault(fault)), ReadMeaning::SendAgain);
        }
        assert_eq!(write(&Answer::Fault(Fault::NoSockets)), Meaning::NoSockets);
        assert_eq!(
            read(&Answer::Fault(Fault::NoSockets)),
            ReadMeaning::NoSockets
        );
    }

    #[test]
    fn a_read_means_something_only_where_it_shows_the_customer() {
        let check = |status: u16, shown: Option<Shown>, want: ReadMeaning| {
            let answer = Answer::Response(Response {
                status,
                shown,
                body: Body::APPLIED,
                ..Response::default()
            });
            assert_eq!(read(&answer), want, "{status} {shown:?}");
        };
        check(200, Some(Shown::AsSent), ReadMeaning::AsSent);
        check(200, Some(Shown::Otherwise), ReadMeaning::Otherwise);
        check(401, None, ReadMeaning::TokenRefused);
        for status in [200, 204, 403, 404, 405] {
            check(status, None, ReadMeaning::Nothing);
        }
        for status in [408, 425, 500, 502] {
            check(status, None, ReadMeaning::Trouble);
        }
        let unavailable = Wait {
            named: None,
            reason: WaitReason::Unavailable,
            window: Exhausted::No,
        };
        check(503, None, ReadMeaning::Wait(unavailable));
    }

    #[test]
    fn only_the_apis_own_404_says_that_there_is_no_such_customer() {
        let answer = |status: u16, body: Body| {
            Answer::Response(Response {
                status,
                body,
                ..Response::default()
            })
        };
        assert!(is_missing(&answer(404, Body::REFUSED)));
        assert!(!is_missing(&answer(404, Body::Other)));
        assert!(!is_missing(&answer(403, Body::REFUSED)));
        assert!(!is_missing(&answer(200, Body::APPLIED)));
        assert!(!is_missing(&Answer::Fault(Fault::Timeout)));
    }

    /// A read that fails has applied nothing, whatever its answer says.
    #[test]
    fn a_read_is_never_ambiguous() {
        let fault = |fault: Fault| read_before(&Answer::Fault(fault), ReadNeed::Required);
        let applied = |meaning: Meaning| match meaning {
            Meaning::Trouble(trouble) => trouble.applied,
            Meaning::SendAgain(applied) => applied,
            meaning => panic!("{meaning:?}"),
        };
        for ambiguous in [Fault::Timeout, Fault::Broken, Fault::Unanswered] {
            let as_update = applied(write(&Answer::Fault(ambiguous)));
            assert_eq!(as_update, MaybeApplied::Yes, "{ambiguous:?}");
            assert_eq!(applied(fault(ambiguous)), MaybeApplied::No, "{ambiguous:?}");
        }
    }
}
