//! The requests that have ended: their number by method and status or cause, and the durations of
//! answers.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::contract::{Answer, Attempt};
use crate::schedule::Request;

/// The upper bounds of the buckets, in seconds.
const BOUNDS: [f64; 13] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// The counts of requests.
#[derive(Debug, Clone)]
pub(crate) struct AttemptCounts {
    by_code: BTreeMap<(Request, Code), u64>,
    durations: Durations,
}

/// The result of a request: a status, or the name of the cause if there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Code {
    Status(u16),
    Cause(&'static str),
}

/// The number of durations in each bucket.
#[derive(Debug, Clone, Default)]
pub(super) struct Durations {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum: Duration,
}

impl Default for AttemptCounts {
    /// No request. The usual ones are there with 0, so that no rate begins with a gap.
    fn default() -> AttemptCounts {
        let usual = [Request::Read, Request::Write].map(|request| (request, Code::Status(200)));
        AttemptCounts {
            by_code: usual.into_iter().map(|key| (key, 0)).collect(),
            durations: Durations::default(),
        }
    }
}

impl AttemptCounts {
    /// Counts a request that has ended.
    pub(crate) fn record(&mut self, request: Request, attempt: &Attempt) {
        let code = match &attempt.answer {
            Answer::Response(response) => {
                self.durations.add(attempt.took);
                Code::Status(response.status)
            }
            Answer::Fault(fault) => Code::Cause(fault.name()),
        };
        self.count(request, code);
    }

    /// Counts a request without an answer, with the name of the cause.
    pub(crate) fn record_unanswered(&mut self, request: Request, cause: &'static str) {
        self.count(request, Code::Cause(cause));
    }

    fn count(&mut self, request: Request, code: Code) {
        *self.by_code.entry((request, code)).or_default() += 1;
    }

    /// Returns the number of requests by method and code.
    pub(super) fn by_code(&self) -> impl Iterator<Item = (&'static str, Code, u64)> {
        let counts = self.by_code.iter();
        counts.map(|((request, code), count)| (method(*request), *code, *count))
    }

    /// Returns the durations of answers.
    pub(super) fn durations(&self) -> &Durations {
        &self.durations
    }
}

fn method(request: Request) -> &'static str {
    match request {
        Request::Read => "GET",
        Request::Write => "PUT",
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Code::Status(status) => write!(formatter, "{status}"),
            Code::Cause(cause) => formatter.write_str(cause),
        }
    }
}

impl Durations {
    fn add(&mut self, took: Duration) {
        self.count += 1;
        self.sum += took;
        let seconds = took.as_secs_f64();
        let buckets = self.buckets.iter_mut().zip(BOUNDS);
        if let Some((bucket, _)) = buckets.into_iter().find(|(_, bound)| seconds <= *bound) {
            *bucket += 1;
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn sum_seconds(&self) -> f64 {
        self.sum.as_secs_f64()
    }

    /// Returns the number of durations in each bucket, with its upper bound. Those beyond the last
    /// bound are in none.
    pub(super) fn buckets(&self) -> Vec<(f64, u64)> {
        BOUNDS.into_iter().zip(self.buckets).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Fault, ProxyFault, Response, TlsFault};

    fn attempt(answer: Answer, took_ms: u64) -> Attempt {
        Attempt {
            answer,
            took: Duration::from_millis(took_ms),
        }
    }

    fn answered(status: u16, took_ms: u64) -> Attempt {
        let response = Response {
            status,
            ..Response::default()
        };
        attempt(Answer::Response(response), took_ms)
    }

    #[test]
    fn requests_are_counted_by_method_and_code() {
        let mut counts = AttemptCounts::default();
        counts.record(Request::Write, &answered(200, 1));
        counts.record(Request::Write, &answered(429, 1));
        counts.record(Request::Write, &answered(200, 1));
        counts.record(Request::Write, &attempt(Answer::Fault(Fault::Broken), 1));
        // Two faults of one name are one series.
        for fault in [TlsFault::Expired, TlsFault::NotTls] {
            let fault = Fault::Proxy(ProxyFault::Tls(fault));
            counts.record(Request::Read, &attempt(Answer::Fault(fault), 1));
        }
        counts.record_unanswered(Request::Read, "timeout");
        let got: Vec<_> = counts
            .by_code()
            .map(|(method, code, count)| format!("{method} {code} {count}"))
            .collect();
        let want = [
            "GET 200 0",
            "GET proxy_tls 2",
            "GET timeout 1",
            "PUT 200 2",
            "PUT 429 1",
            "PUT connection_broken 1",
        ];
        assert_eq!(got, want);
        assert_eq!(counts.durations().count(), 3, "only answers have one");
    }

    #[test]
    fn a_duration_is_in_the_first_bucket_that_holds_it() {
        let check = |took_ms: u64, want: Option<f64>| {
            let mut durations = Durations::default();
            durations.add(Duration::from_millis(took_ms));
            let buckets = durations.buckets();
            let found = buckets.iter().find(|(_, count)| *count > 0);
            assert_eq!(found.map(|(bound, _)| *bound), want, "{took_ms} ms");
            assert_eq!(durations.count(), 1);
        };
        check(0, Some(0.005));
        check(5, Some(0.005));
        check(6, Some(0.01));
        check(59_999, Some(60.0));
        check(60_001, None);
    }
}
