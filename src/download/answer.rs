//! Decides what a server's answer to a request for a file means.

use std::time::Duration;

use httpdate::parse_http_date;

use crate::api::FileHead;
use crate::download::fault::DownloadFault;
use crate::download::version::Version;

/// The encodings on the way that are undone like compressed files, by their first bytes.
const ENCODINGS: [&str; 4] = ["identity", "gzip", "x-gzip", "zstd"];

/// A request, as far as the meaning of its answer depends on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The number of bytes that were read before.
    pub(super) position: u64,
    /// The version of which the rest is asked for; `None` if the whole file is.
    pub(super) rest_of: Option<&'a Version>,
    /// Whether the request had a token.
    pub(super) has_token: bool,
}

/// The meaning of an answer.
#[derive(Debug)]
pub(super) enum Meaning {
    /// The whole file.
    Whole(Version),
    /// The rest of the file, or a part of it.
    Rest {
        /// The version of the whole file.
        version: Version,
        /// The position after its last byte.
        end: u64,
    },
    /// There is nothing after the bytes that were read before.
    AtEnd(Version),
    /// The server does not do what it says about parts, so it is asked for the whole file.
    NoParts,
    /// A failure that may pass, and the time until then if the server names it.
    MayPass(Option<Duration>),
    /// The file cannot be read.
    Fault(DownloadFault),
}

/// A `Content-Range` (RFC 9110 §14.4).
#[derive(Debug, PartialEq, Eq)]
struct ContentRange {
    /// The first position and the one after the last, unless the range cannot be satisfied.
    part: Option<(u64, u64)>,
    /// The length of the whole file.
    bytes: Option<u64>,
}

/// Returns the meaning of an answer.
pub(super) fn meaning(head: &FileHead, asked: Asked<'_>) -> Meaning {
    let status = head.status;
    match status {
        200 | 206 if !is_readable(head.content_encoding.as_deref()) => {
            Meaning::Fault(DownloadFault::Encoded)
        }
        200 => Meaning::Whole(Version::of(head, head.content_length)),
        206 if asked.rest_of.is_some() => rest(head, asked.position),
        416 if asked.rest_of.is_some() => nothing_more(head, asked.position),
        401 | 403 if asked.has_token => Meaning::Fault(DownloadFault::TokenRefused { status }),
        401 | 403 => Meaning::Fault(DownloadFault::Refused { status }),
        404 | 410 => Meaning::Fault(DownloadFault::NotFound { status }),
        501 | 505 | 511 => Meaning::Fault(DownloadFault::Unexpected { status }),
        408 | 425 | 429 | 500..=599 => Meaning::MayPass(wait_named(head)),
        _ => Meaning::Fault(DownloadFault::Unexpected { status }),
    }
}

fn rest(head: &FileHead, position: u64) -> Meaning {
    let range = head.content_range.as_deref().and_then(ContentRange::of);
    match range {
        Some(ContentRange {
            part: Some((from, end)),
            bytes,
        }) if from == position => Meaning::Rest {
            version: Version::of(head, bytes),
            end,
        },
        Some(_) | None => Meaning::NoParts,
    }
}

fn nothing_more(head: &FileHead, position: u64) -> Meaning {
    let range = head.content_range.as_deref().and_then(ContentRange::of);
    match range {
        Some(ContentRange {
            part: None,
            bytes: Some(bytes),
        }) if bytes == position => Meaning::AtEnd(Version::of(head, Some(bytes))),
        Some(_) | None => Meaning::NoParts,
    }
}

impl ContentRange {
    fn of(text: &str) -> Option<ContentRange> {
        let (part, bytes) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        let bytes = match bytes {
            "*" => None,
            bytes => Some(number(bytes)?),
        };
        let part = match part {
            "*" => None,
            part => {
                let (from, last) = part.split_once('-')?;
                let (from, end) = (number(from)?, number(last)?.checked_add(1)?);
                let is_possible = from < end && bytes.is_none_or(|bytes| end <= bytes);
                Some(is_possible.then_some((from, end))?)
            }
        };
        Some(ContentRange { part, bytes })
    }
}

/// Returns a number of digits alone: a sign is none.
fn number(text: &str) -> Option<u64> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok())?
}

fn is_readable(encoding: Option<&str>) -> bool {
    encoding.is_none_or(|encoding| {
        ENCODINGS
            .iter()
            .any(|readable| encoding.trim().eq_ignore_ascii_case(readable))
    })
}

/// Returns the wait that the server names (RFC 9110 §10.2.3). A time is taken by the server's clock.
fn wait_named(head: &FileHead) -> Option<Duration> {
    let text = head.retry_after.as_deref()?.trim();
    if let Some(seconds) = number(text) {
        return Some(Duration::from_secs(seconds));
    }
    let now = parse_http_date(head.date.as_deref()?).ok()?;
    let until = parse_http_date(text).ok()?;
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_whole_numbers_in_order() {
        let check = |text: &str, part: Option<(u64, u64)>, bytes: Option<u64>| {
            let want = Some(ContentRange { part, bytes });
            assert_eq!(ContentRange::of(text), want, "{text}");
        };
        check("bytes 5-9/10", Some((5, 10)), Some(10));
        check("bytes 5-8/*", Some((5, 9)), None);
        check("bytes */10", None, Some(10));
        for wrong in [
            "bytes 5-10/10",
            "bytes 6-5/10",
            "bytes +5-9/10",
            "bytes 5-9",
            "items 5-9/10",
            "bytes 5-18446744073709551615/*",
            "",
        ] {
            assert_eq!(ContentRange::of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_wait_is_named_in_seconds_or_by_the_servers_clock() {
        let check = |retry_after: &str, date: Option<&str>, want: Option<u64>| {
            let head = FileHead {
                retry_after: Some(retry_after.to_owned()),
                date: date.map(str::to_owned),
                ..FileHead::default()
            };
            assert_eq!(wait_named(&head), want.map(Duration::from_secs));
        };
        let (now, later) = (
            "Sun, 29 Nov 2026 12:00:00 GMT",
            "Sun, 29 Nov 2026 12:02:00 GMT",
        );
        check(" 7", None, Some(7));
        check(later, Some(now), Some(120));
        check(now, Some(later), Some(0));
        check(later, None, None);
        check("soon", Some(now), None);
        check("-7", Some(now), None);
    }
}
