//! The limits of the simulated API, and what its answers say about them.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::silent::{Refusal, Silent};
use crate::contract::{RateWindow, Reset};

/// The decision on a request, and what the answer says.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) admitted: bool,
    pub(super) window: Option<RateWindow>,
    pub(super) retry_after: Option<Duration>,
    /// The status of a refusal.
    pub(super) status: u16,
}

impl Default for Admission {
    fn default() -> Admission {
        Admission {
            admitted: true,
            window: None,
            retry_after: None,
            status: 429,
        }
    }
}

/// The API's limit, by its own clock.
#[derive(Debug)]
pub(super) enum Quota {
    Unlimited,
    Fixed(FixedWindow),
    Sliding(SlidingWindow),
    Bucket(TokenBucket),
    /// One that no header names.
    Silent(Silent),
}

/// The headers that an API with a fixed window sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Headers {
    /// All of them, always, as the API's page says.
    All,
    /// `Reset` and `Retry-After` on 429 only, as Laravel does.
    ResetOn429,
    /// Only `Retry-After`, on 429.
    RetryAfter,
}

impl Quota {
    /// Handles a request that arrives when the server's clock shows `unix`, the time since 1970.
    pub(super) fn admit(&mut self, unix: Duration) -> Admission {
        match self {
            Quota::Unlimited => Admission::default(),
            Quota::Fixed(window) => window.admit(unix),
            Quota::Sliding(window) => window.admit(unix),
            Quota::Bucket(bucket) => bucket.admit(unix),
            Quota::Silent(limit) => match limit.refuses(unix) {
                None => Admission::default(),
                Some(Refusal {
                    status,
                    retry_after,
                }) => Admission {
                    admitted: false,
                    window: None,
                    retry_after,
                    status,
                },
            },
        }
    }
}

/// A number of requests in each window, aligned to the clock.
#[derive(Debug)]
pub(super) struct FixedWindow {
    limit: u64,
    length_s: u64,
    headers: Headers,
    /// The time by which the API renews its quota later than it says.
    late: Duration,
    /// The share of the quota that other clients use, evenly.
    others: f64,
    /// Requests that were let in during the first window before the run.
    used_before: u64,
    /// Requests that were let in, by the number of the window.
    used: BTreeMap<u64, u64>,
}

impl FixedWindow {
    pub(super) fn new(limit: u64, length_s: u64, headers: Headers) -> FixedWindow {
        FixedWindow {
            limit,
            length_s,
            headers,
            late: Duration::ZERO,
            others: 0.0,
            used_before: 0,
            used: BTreeMap::new(),
        }
    }

    pub(super) fn late_by(self, late: Duration) -> FixedWindow {
        FixedWindow { late, ..self }
    }

    pub(super) fn used_before(self, used_before: u64) -> FixedWindow {
        FixedWindow {
            used_before,
            ..self
        }
    }

    pub(super) fn shared_with_others(self, others: f64) -> FixedWindow {
        FixedWindow { others, ..self }
    }

    /// The part of the quota used in `n` whole windows, without the first and incomplete one.
    pub(super) fn used_part(&self, n: usize) -> f64 {
        let used: Vec<f64> = self
            .used
            .values()
            .skip(1)
            .take(n)
            .map(|used| float(*used))
            .collect();
        assert_eq!(used.len(), n, "the run lasts {n} windows and more");
        used.iter().sum::<f64>() / (float(self.limit) * float(n as u64))
    }

    fn admit(&mut self, unix: Duration) -> Admission {
        let since_renewal = unix.saturating_sub(self.late);
        let number = since_renewal.as_secs() / self.length_s;
        let named_end_s = (number + 1) * self.length_s;
        let elapsed = since_renewal.as_secs_f64() - float(number * self.length_s);
        let others = float(self.limit) * self.others * elapsed / float(self.length_s);
        let used_before = if self.used.is_empty() {
            self.used_before
        } else {
            0
        };
        let used = self.used.entry(number).or_insert(used_before);
        let left = self.limit.saturating_sub(*used + floor(others));
        let admitted = left > 0;
        if admitted {
            *used += 1;
        }
        let reset =
            (self.headers == Headers::All || !admitted).then_some(Reset::AtUnix(named_end_s));
        let window = RateWindow {
            limit: Some(self.limit),
            remaining: left.saturating_sub(1),
            reset,
        };
        Admission {
            admitted,
            window: (self.headers != Headers::RetryAfter).then_some(window),
            retry_after: (!admitted)
                .then(|| whole_seconds(Duration::from_secs(named_end_s).saturating_sub(unix))),
            ..Admission::default()
        }
    }
}

/// A number of requests in any span of the window's length.
#[derive(Debug)]
pub(super) struct SlidingWindow {
    limit: usize,
    length: Duration,
    admitted: VecDeque<Duration>,
}

impl SlidingWindow {
    pub(super) fn new(limit: usize, length: Duration) -> SlidingWindow {
        SlidingWindow {
            limit,
            length,
            admitted: VecDeque::new(),
        }
    }

    fn admit(&mut self, unix: Duration) -> Admission {
        while self
            .admitted
            .front()
            .is_some_and(|at| *at + self.length <= unix)
        {
            self.admitted.pop_front();
        }
        let admitted = self.admitted.len() < self.limit;
        if admitted {
            self.admitted.push_back(unix);
        }
        let frees = self.admitted.front().map_or(unix, |at| *at + self.length);
        let window = RateWindow {
            limit: Some(self.limit as u64),
            remaining: (self.limit - self.admitted.len()) as u64,
            reset: Some(Reset::AtUnix(whole_seconds(frees).as_secs())),
        };
        let retry_after = (!admitted).then(|| whole_seconds(frees.saturating_sub(unix)));
        Admission {
            admitted,
            window: Some(window),
            retry_after,
            ..Admission::default()
        }
    }
}

/// A token bucket that is refilled continuously, with the IETF's headers.
#[derive(Debug)]
pub(super) struct TokenBucket {
    capacity: f64,
    per_second: f64,
    tokens: f64,
    filled_at: Option<Duration>,
}

impl TokenBucket {
    pub(super) fn new(capacity: f64, per_second: f64) -> TokenBucket {
        TokenBucket {
            capacity,
            per_second,
            tokens: capacity,
            filled_at: None,
        }
    }

    fn admit(&mut self, unix: Duration) -> Admission {
        let elapsed = unix.saturating_sub(self.filled_at.unwrap_or(unix));
        self.filled_at = Some(unix);
        self.tokens = (self.tokens + elapsed.as_secs_f64() * self.per_second).min(self.capacity);
        let admitted = self.tokens >= 1.0;
        if admitted {
            self.tokens -= 1.0;
        }
        let full_in = Duration::from_secs_f64((self.capacity - self.tokens) / self.per_second);
        let window = RateWindow {
            limit: Some(floor(self.capacity)),
            remaining: floor(self.tokens),
            reset: Some(Reset::After(whole_seconds(full_in))),
        };
        let one_in = Duration::from_secs_f64((1.0 - self.tokens).max(0.0) / self.per_second);
        let retry_after = (!admitted).then(|| whole_seconds(one_in));
        Admission {
            admitted,
            window: Some(window),
            retry_after,
            ..Admission::default()
        }
    }
}

/// Whole seconds, rounded up as in headers.
fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs() + u64::from(time.subsec_nanos() > 0))
}

fn float(count: u64) -> f64 {
    count as f64
}

fn floor(count: f64) -> u64 {
    count as u64
}
