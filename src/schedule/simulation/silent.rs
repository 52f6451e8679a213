//! Limits that no header names, as in web servers and libraries.

use std::collections::VecDeque;
use std::time::Duration;

/// A limit that only its refusals show.
#[derive(Debug)]
pub(super) struct Silent {
    kind: Kind,
    per_second: f64,
    refusal: Refusal,
    /// The times since the first request at which the limit changes, and the factors.
    changes: Vec<(Duration, f64)>,
    state: State,
    /// The time of each request since the first one, and whether it was let in.
    log: Vec<(Duration, bool)>,
}

/// The way in which requests are counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// nginx's `limit_req` with `nodelay`: a bucket that leaks in whole milliseconds and holds this
    /// many requests.
    Leaky(f64),
    /// A bucket that holds the tokens of a second.
    Tokens,
    /// Windows of this many seconds, aligned to the clock.
    Fixed(f64),
    /// The count of this window of ten seconds, and the part of the last one that still counts
    /// (Cloudflare's).
    Sliding,
    /// A number of requests in any second (slowapi's moving window).
    Moving,
    /// haproxy's stick table with a rate over two seconds, which counts refused requests, too.
    StickTable,
}

/// The answer to a refused request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
}

#[derive(Debug, Default)]
struct State {
    first: Option<Duration>,
    last: Duration,
    excess: f64,
    tokens: f64,
    window: i64,
    count: f64,
    count_before: f64,
    admitted: VecDeque<Duration>,
}

impl Silent {
    pub(super) fn new(kind: Kind, per_second: f64, refusal: Refusal) -> Silent {
        let state = State {
            tokens: per_second,
            window: i64::MIN / 2,
            ..State::default()
        };
        Silent {
            kind,
            per_second,
            refusal,
            changes: Vec::new(),
            state,
            log: Vec::new(),
        }
    }

    pub(super) fn changing(self, changes: Vec<(Duration, f64)>) -> Silent {
        Silent { changes, ..self }
    }

    /// The refusal of a request that arrives now, if it is refused.
    pub(super) fn refuses(&mut self, unix: Duration) -> Option<Refusal> {
        let since_first = unix.saturating_sub(*self.state.first.get_or_insert(unix));
        let changed = self
            .changes
            .iter()
            .rfind(|(from, _)| *from <= since_first)
            .map_or(1.0, |(_, times)| *times);
        let is_admitted = self
            .state
            .admits(self.kind, self.per_second * changed, unix);
        self.log.push((since_first, is_admitted));
        (!is_admitted).then_some(self.refusal)
    }

    /// The share of the limit that was used from one second to another, and the share of requests
    /// that was refused.
    pub(super) fn shares(&self, from_s: u64, until_s: u64) -> (f64, f64) {
        let within = from_s..until_s;
        let seconds = (until_s - from_s) as f64;
        let within = || {
            self.log
                .iter()
                .filter(|(at, _)| within.contains(&at.as_secs()))
        };
        let (all, admitted) = (
            within().count() as f64,
            within().filter(|(_, is_admitted)| *is_admitted).count() as f64,
        );
        (
            admitted / (self.per_second * seconds),
            1.0 - admitted / all.max(1.0),
        )
    }
}

impl State {
    fn admits(&mut self, kind: Kind, per_second: f64, unix: Duration) -> bool {
        let since_last = unix
            .saturating_sub(std::mem::replace(&mut self.last, unix))
            .as_secs_f64();
        match kind {
            Kind::Leaky(burst) => {
                // Refused requests are not stored, so the time is counted from the last one that
                // was let in.
                let at_ms = |time: Duration| time.as_millis() as f64;
                let before = self.admitted.back().copied();
                let leaked = before.map_or(f64::INFINITY, |before| {
                    per_second * (at_ms(unix) - at_ms(before))
                });
                let excess = (self.excess - leaked + 1000.0).max(0.0);
                let is_first = before.is_none();
                if !is_first && excess > burst * 1000.0 {
                    return false;
                }
                self.excess = if is_first { 0.0 } else { excess };
                self.admitted = VecDeque::from([unix]);
                true
            }
            Kind::Tokens => {
                self.tokens = (self.tokens + since_last * per_second).min(per_second.max(1.0));
                let is_admitted = self.tokens >= 1.0;
                self.tokens -= f64::from(u8::from(is_admitted));
                is_admitted
            }
            Kind::Fixed(length_s) => {
                self.enter_window(unix, length_s);
                self.count_where(|state| state.count < (per_second * length_s).floor().max(1.0))
            }
            Kind::Sliding => {
                let gone = self.enter_window(unix, 10.0);
                self.count_where(|state| {
                    state.count_before * (1.0 - gone) + state.count + 1.0 <= 10.0 * per_second
                })
            }
            Kind::Moving => {
                while self
                    .admitted
                    .front()
                    .is_some_and(|at| *at + Duration::from_secs(1) <= unix)
                {
                    self.admitted.pop_front();
                }
                let is_admitted = (self.admitted.len() as f64) < per_second.floor().max(1.0);
                if is_admitted {
                    self.admitted.push_back(unix);
                }
                is_admitted
            }
            Kind::StickTable => {
                let gone = self.enter_window(unix, 2.0);
                self.count += 1.0;
                self.count + (self.count_before * (1.0 - gone)).floor() <= 2.0 * per_second
            }
        }
    }

    /// Enters the window of this time. Returns the part of it that is over.
    fn enter_window(&mut self, unix: Duration, length_s: f64) -> f64 {
        let windows = unix.as_secs_f64() / length_s;
        let number = windows.floor() as i64;
        if number != self.window {
            self.count_before = if number == self.window + 1 {
                self.count
            } else {
                0.0
            };
            (self.window, self.count) = (number, 0.0);
        }
        windows - windows.floor()
    }

    fn count_where(&mut self, has_room: impl Fn(&State) -> bool) -> bool {
        let is_admitted = has_room(self);
        self.count += f64::from(u8::from(is_admitted));
        is_admitted
    }
}
