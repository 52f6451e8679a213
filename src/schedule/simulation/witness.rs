//! Watches a run in simulated time and asserts what every run has to keep, whatever the API does.
//!
//! It has its own opinion of each rule: it knows what was sent and what came back, and nothing of the schedule's state.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::quota::Quota;
use super::server::{Server, WallClock};
use crate::contract::{Answer, Attempt, CustomerId, Reset, Response};
use crate::schedule::rate::Rate;
use crate::schedule::{Ended, Ending, Moment, Rules};

/// Requests that may leave after a pause before one of them is answered.
const HERD_MAX: u32 = 4;
/// Requests that may leave at once at a high rate: those of 5 ms.
const BURST: Duration = Duration::from_millis(5);

/// What was seen of a run.
#[derive(Debug)]
pub(super) struct Witness {
    clock: WallClock,
    attempts_max: u32,
    customers: Vec<CustomerId>,
    /// Each customer's rows whose outcome is not written down, in the order of the file.
    turns: HashMap<CustomerId, VecDeque<u64>>,
    rows: Vec<Row>,
    rate: Option<RateWatch>,
    in_flight: u64,
    /// The latest time that the API named.
    not_before: Moment,
    pause_began: Option<Moment>,
    /// Requests sent since the pause that none of them has been answered after.
    herd: Option<u32>,
    /// The fixed window: its end, and the least that is left.
    window: Option<(u64, u64)>,
    quota: QuotaKind,
}

/// Whether what remains of the API's quota can be counted down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum QuotaKind {
    /// In a fixed window it can.
    Fixed,
    /// It comes back little by little.
    Other,
}

#[derive(Debug, Clone, Default)]
struct Row {
    in_flight: bool,
    has_ended: bool,
    /// Failures that count towards the limit of attempts.
    failures: u32,
    attempts: u32,
    status: Option<u16>,
}

/// The user's rate as a bucket that leaks a request each interval.
#[derive(Debug)]
struct RateWatch {
    interval: Duration,
    burst: u32,
    full_until: Duration,
}

impl Witness {
    pub(super) fn new(server: &Server, rules: &Rules, customers: &[CustomerId], invalid: Option<usize>) -> Witness {
        let is_invalid = |row: usize| invalid.is_some_and(|every| row % every == every - 1);
        let mut turns: HashMap<CustomerId, VecDeque<u64>> = HashMap::new();
        for (row, customer) in customers.iter().enumerate().filter(|(row, _)| !is_invalid(*row)) {
            turns.entry(*customer).or_default().push_back(row as u64);
        }
        let rate = match rules.rate {
            Rate::Limited(rate) => Some(RateWatch::new(rate.interval())),
            Rate::Auto | Rate::Unlimited => None,
        };
        Witness {
            clock: server.clock,
            attempts_max: rules.retry.attempts_max(None),
            customers: customers.to_vec(),
            turns,
            rows: vec![Row::default(); customers.len()],
            rate,
            in_flight: 0,
            not_before: Moment::START,
            pause_began: None,
            herd: None,
            window: None,
            quota: match server.quota {
                Quota::Fixed(_) => QuotaKind::Fixed,
                Quota::Unlimited | Quota::Sliding(_) | Quota::Bucket(_) => QuotaKind::Other,
            },
        }
    }

    pub(super) fn sends(&mut self, row: u64, now: Moment) {
        let customer = self.customers[row as usize];
        let turn = self.turns[&customer].front();
        assert_eq!(turn, Some(&row), "row {row} is sent out of its customer's order at {now:?}");
        assert!(now >= self.not_before, "row {row} is sent at {now:?}, before the named {:?}", self.not_before);
        let state = &mut self.rows[row as usize];
        assert!(!state.in_flight && !state.has_ended, "row {row} is sent while {state:?}");
        (state.in_flight, state.attempts) = (true, state.attempts + 1);
        self.in_flight += 1;
        if let Some(rate) = &mut self.rate {
            rate.sends(now);
        }
        if let Some(herd) = &mut self.herd {
            *herd += 1;
            assert!(*herd <= HERD_MAX, "{herd} requests right after a pause, at {now:?}");
        }
        if let Some((reset_unix_s, left)) = self.window
            && self.clock.unix(now) < Duration::from_secs(reset_unix_s)
        {
            let in_flight = self.in_flight;
            assert!(in_flight <= left, "{in_flight} in flight where {left} are left, at {now:?}");
        }
    }

    pub(super) fn answered(&mut self, row: u64, attempt: &Attempt, now: Moment) {
        let sent = now - attempt.took;
        let state = &mut self.rows[row as usize];
        state.in_flight = false;
        self.in_flight -= 1;
        if sent >= self.not_before {
            self.herd = None;
        }
        state.status = None;
        match &attempt.answer {
            Answer::Fault(_) => state.failures += 1,
            Answer::Response(response) => {
                state.status = Some(response.status);
                state.failures += u32::from(counts(response));
                self.heard(response, sent, now);
            }
        }
    }

    fn heard(&mut self, response: &Response, sent: Moment, now: Moment) {
        let wait = match (response.status, response.retry_after) {
            (429 | 503 | 529, Some(wait)) if !wait.is_zero() => wait,
            // No wait is named, so the client chooses one; not for what was sent before it did.
            (429 | 529, _) | (503, Some(_)) if self.pause_began.is_none_or(|began| sent > began) => {
                Duration::from_secs(1)
            }
            _ => Duration::ZERO,
        };
        if now + wait > self.not_before.max(now) {
            if self.not_before <= now {
                self.pause_began = Some(now);
            }
            self.not_before = now + wait;
            self.herd = Some(0);
        }
        if self.quota == QuotaKind::Fixed
            && let Some(seen) = response.window
            && let Some(Reset::AtUnix(reset_unix_s)) = seen.reset
        {
            self.window = match self.window {
                Some((known, left)) if known == reset_unix_s => Some((known, left.min(seen.remaining))),
                Some((known, left)) if known > reset_unix_s => Some((known, left)),
                _ => Some((reset_unix_s, seen.remaining)),
            };
        }
    }

    pub(super) fn ended(&mut self, ended: &Ended<u64>) {
        let state = &mut self.rows[ended.row as usize];
        assert!(!state.has_ended && !state.in_flight, "row {} ends while {state:?}", ended.row);
        state.has_ended = true;
        assert_eq!(ended.attempts, state.attempts, "row {}", ended.row);
        assert_eq!(ended.customer, self.customers[ended.row as usize]);
        match &ended.ending {
            Ending::Updated { status } => assert_eq!((Some(*status), *status), (state.status, 200), "no false success"),
            Ending::Rejected { status, .. } => assert_eq!(Some(*status), state.status),
            Ending::Failed { .. } => {
                let needed = if state.status == Some(500) { self.attempts_max.min(3) } else { self.attempts_max };
                assert!(state.failures >= needed, "row {} is given up early: {state:?}", ended.row);
            }
        }
    }

    pub(super) fn invalid(&mut self, row: u64) {
        let state = &mut self.rows[row as usize];
        assert!(!state.has_ended && state.attempts == 0, "row {row} is invalid, and {state:?}");
        state.has_ended = true;
    }

    pub(super) fn recorded(&mut self, customer: CustomerId) {
        let turn = self.turns.get_mut(&customer).and_then(VecDeque::pop_front).expect("the row had its turn");
        assert!(self.rows[turn as usize].has_ended);
    }

    /// Rows that have not ended.
    pub(super) fn unsent(&self) -> usize {
        self.rows.iter().filter(|row| !row.has_ended).count()
    }
}

/// Whether an answer counts towards the limit of attempts: not a pause, and not a refused token.
fn counts(response: &Response) -> bool {
    match response.status {
        401 | 429 | 529 => false,
        503 => response.retry_after.is_none(),
        status => status >= 400,
    }
}

impl RateWatch {
    fn new(interval: Duration) -> RateWatch {
        let burst = u32::try_from(BURST.as_nanos() / interval.as_nanos()).expect("a sensible rate").max(1);
        RateWatch { interval, burst, full_until: Duration::ZERO }
    }

    fn sends(&mut self, now: Moment) {
        let now = now.since_start();
        self.full_until = self.full_until.max(now) + self.interval;
        assert!(self.full_until <= now + self.interval * self.burst, "above the rate at {now:?}");
    }
}
