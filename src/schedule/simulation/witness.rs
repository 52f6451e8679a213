//! Checks a simulated run for everything that holds for every run, whatever the API does.
//!
//! It has its own view of each rule: it knows what was sent and what came back, and nothing about
//! the schedule's state.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::quota::Quota;
use super::server::{FaultOf, Sent, Server, WallClock};
use super::world::CareSetup;
use crate::contract::{Answer, Attempt, CustomerId, Fault, Reset, Response};
use crate::schedule::rate::Rate;
use crate::schedule::{Care, Ended, Ending, Moment, Request, Rules};

/// Requests that may leave after a pause before one of them is answered.
const HERD_MAX: u32 = 4;
/// The time whose requests may leave at once at a high rate.
const BURST: Duration = Duration::from_millis(5);

/// The events of a run.
#[derive(Debug)]
pub(super) struct Witness {
    clock: WallClock,
    attempts_max: u32,
    wait_max: Duration,
    /// The time at which the last applied update left.
    applied_at: Moment,
    customers: Vec<CustomerId>,
    /// Each customer's rows whose outcome is not recorded, in file order.
    turns: HashMap<CustomerId, VecDeque<u64>>,
    rows: Vec<Row>,
    rate: Option<RateWitness>,
    in_flight: u64,
    /// The latest time that the API named.
    not_before: Moment,
    /// Requests since the pause, until one of them is answered.
    herd: Option<u32>,
    /// The fixed window: its end, and the least that is left.
    window: Option<(u64, u64)>,
    quota: QuotaKind,
    care: CareSetup,
    /// Whether rows that need it go alone.
    go_alone: bool,
}

/// Whether the rest of the API's quota can be counted down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum QuotaKind {
    /// It can, in a fixed window.
    Fixed,
    /// It cannot, because it comes back gradually.
    Other,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about one row"
)]
#[derive(Debug, Clone, Default)]
struct Row {
    in_flight: bool,
    has_ended: bool,
    /// Failures that count towards the limit of attempts.
    failures: u32,
    attempts: u32,
    /// Answers for which the row was at fault.
    own_faults: u32,
    /// Answers for which the API, or no party, was at fault.
    other_failures: u32,
    /// Answers that asked to wait.
    waits: u32,
    /// Requests that were not processed.
    not_processed: u32,
    /// Requests whose reused connection was closed without an answer.
    unanswered: u32,
    /// Failed requests that may have been applied.
    may_be_applied: u32,
    status: Option<u16>,
    /// Whether its answers may have put it in doubt.
    was_in_doubt: bool,
    /// Whether its customer was read.
    is_read: bool,
    is_applied: bool,
    is_updated: bool,
}

/// The user's rate, as a bucket that leaks one request each interval.
#[derive(Debug)]
struct RateWitness {
    interval: Duration,
    burst: u32,
    full_until: Duration,
}

impl Witness {
    pub(super) fn new(
        server: &Server,
        rules: &Rules,
        customers: &[CustomerId],
        care: CareSetup,
    ) -> Witness {
        let mut turns: HashMap<CustomerId, VecDeque<u64>> = HashMap::new();
        for (row, customer) in customers.iter().enumerate() {
            turns.entry(*customer).or_default().push_back(row as u64);
        }
        let rate = match rules.rate {
            Rate::Limited(rate) => Some(RateWitness::new(rate.interval())),
            Rate::Auto | Rate::Unlimited => None,
        };
        Witness {
            clock: server.clock,
            attempts_max: rules.retry.attempts_max(),
            wait_max: rules.wait_max,
            applied_at: Moment::START,
            customers: customers.to_vec(),
            turns,
            rows: vec![Row::default(); customers.len()],
            rate,
            in_flight: 0,
            not_before: Moment::START,
            herd: None,
            window: None,
            quota: match server.quota {
                Quota::Fixed(_) => QuotaKind::Fixed,
                Quota::Unlimited | Quota::Sliding(_) | Quota::Bucket(_) | Quota::Silent(_) => {
                    QuotaKind::Other
                }
            },
            care,
            go_alone: true,
        }
    }

    pub(super) fn sends(&mut self, row: u64, now: Moment) {
        let state = &self.rows[row as usize];
        assert!(
            state.is_read || self.care.of(row) == Care::None,
            "row {row} is sent unread"
        );
        assert!(
            state.attempts > 0 || self.goes_alone().is_none_or(|alone| alone == row),
            "row {row} leaves while {:?} goes alone",
            self.goes_alone()
        );
        self.begins(row, now);
        self.rows[row as usize].attempts += 1;
    }

    /// The row whose update left alone and that has not ended.
    fn goes_alone(&self) -> Option<u64> {
        let is_open = |(row, state): (u64, &Row)| {
            let is_alone = self.go_alone && self.care.of(row) == Care::Alone;
            let is_open = state.attempts > 0 && !state.has_ended && !state.was_in_doubt;
            (is_alone && is_open).then_some(row)
        };
        if self.care.care == Care::Alone {
            (0..).zip(&self.rows).find_map(is_open)
        } else {
            None
        }
    }

    /// Notes that rows go alone no more.
    pub(super) fn go_together(&mut self) {
        self.go_alone = false;
    }

    /// Checks a read before an update, or after it.
    pub(super) fn reads_before(&mut self, row: u64, now: Moment) {
        assert_ne!(self.care.of(row), Care::None, "row {row} needs no read");
        self.begins(row, now);
    }

    fn begins(&mut self, row: u64, now: Moment) {
        let customer = self.customers[row as usize];
        let turn = self.turns[&customer].front();
        assert_eq!(
            turn,
            Some(&row),
            "row {row} is sent out of its customer's order at {now:?}"
        );
        let state = &mut self.rows[row as usize];
        assert!(
            !state.in_flight && !state.has_ended,
            "row {row} is sent while {state:?}"
        );
        state.in_flight = true;
        self.leaves(now);
    }

    /// Whether an update of the row was applied.
    pub(super) fn is_applied(&self, row: u64) -> bool {
        self.rows[row as usize].is_applied
    }

    /// Checks a read of a customer, to compare with an applied row.
    pub(super) fn reads(&mut self, row: u64, now: Moment) {
        assert!(
            self.rows[row as usize].is_updated,
            "only what was applied is read, at {now:?}"
        );
        self.leaves(now);
    }

    /// Checks that a repeated row is the last one that was sent for its customer, so that it
    /// changes nothing.
    pub(super) fn repeats(&mut self, row: u64, now: Moment) {
        let customer = self.customers[row as usize];
        assert!(
            self.rows[row as usize].is_updated,
            "only what was applied is repeated, at {now:?}"
        );
        let later = row as usize + 1..;
        let later_rows = self.rows[later.clone()].iter().zip(&self.customers[later]);
        let sent_later = later_rows
            .filter(|(state, other)| **other == customer && state.attempts > 0)
            .count();
        assert_eq!(
            sent_later, 0,
            "row {row} is repeated although a later row of its customer was sent"
        );
        self.leaves(now);
    }

    /// Whether the row has ended.
    pub(super) fn has_ended(&self, row: u64) -> bool {
        self.rows[row as usize].has_ended
    }

    /// Checks what holds for every request.
    fn leaves(&mut self, now: Moment) {
        assert!(
            now >= self.not_before,
            "a request leaves at {now:?}, before the named {:?}",
            self.not_before
        );
        self.in_flight += 1;
        if let Some(rate) = &mut self.rate {
            rate.sends(now);
        }
        if let Some(herd) = &mut self.herd {
            *herd += 1;
            assert!(
                *herd <= HERD_MAX,
                "{herd} requests right after a pause, at {now:?}"
            );
        }
        if let Some((reset_unix_s, left)) = self.window
            && self.clock.unix(now) < Duration::from_secs(reset_unix_s)
        {
            let in_flight = self.in_flight;
            assert!(
                in_flight <= left,
                "{in_flight} in flight where {left} are left, at {now:?}"
            );
        }
    }

    pub(super) fn answered(
        &mut self,
        request: Sent,
        attempt: &Attempt,
        fault: FaultOf,
        now: Moment,
    ) {
        self.in_flight -= 1;
        if request.at >= self.not_before {
            self.herd = None;
        }
        if let Answer::Response(response) = &attempt.answer {
            self.heard(response, now);
        }
        let state = &mut self.rows[request.row as usize];
        if state.has_ended {
            return;
        }
        state.in_flight = false;
        state.status = match &attempt.answer {
            Answer::Fault(_) => None,
            Answer::Response(response) => Some(response.status),
        };
        let is_wait = matches!(&attempt.answer, Answer::Response(response) if is_wait(response));
        let is_success = state.status == Some(200) && fault == FaultOf::None;
        if is_success && request.request == Request::Write {
            self.applied_at = self.applied_at.max(request.at);
            state.is_applied = true;
        }
        if is_success && request.request == Request::Read {
            // Its update has attempts of its own.
            *state = Row {
                is_read: true,
                attempts: state.attempts,
                own_faults: state.own_faults,
                other_failures: state.other_failures,
                may_be_applied: state.may_be_applied,
                is_applied: state.is_applied,
                was_in_doubt: state.was_in_doubt,
                status: state.status,
                ..Row::default()
            };
            return;
        }
        let is_free = match &attempt.answer {
            Answer::Fault(Fault::NotProcessed) => {
                state.not_processed += 1;
                state.not_processed <= 2
            }
            Answer::Fault(Fault::Unanswered) if request.request == Request::Read => {
                state.not_processed += 1;
                state.not_processed <= 2
            }
            Answer::Fault(Fault::Unanswered) => {
                state.unanswered += 1;
                state.unanswered <= 1
            }
            Answer::Fault(_) | Answer::Response(_) => false,
        };
        let may_be_applied = match &attempt.answer {
            Answer::Fault(fault) => {
                matches!(fault, Fault::Broken | Fault::Timeout | Fault::Unanswered)
            }
            Answer::Response(response) => matches!(response.status, 408 | 502 | 504),
        };
        let is_write = request.request == Request::Write;
        state.may_be_applied += u32::from(may_be_applied && is_write);
        let counts = !is_success && !is_wait && !is_free && state.status != Some(401);
        state.failures += u32::from(counts);
        // The last attempt waits in doubt, too.
        let failures_max = match state.status {
            Some(200..500) => 1,
            Some(_) | None => self.attempts_max.min(3) - 1,
        };
        state.was_in_doubt |= state.failures >= failures_max;
        state.waits += u32::from(is_wait);
        match fault {
            FaultOf::Row => state.own_faults += 1,
            FaultOf::Api | FaultOf::None => state.other_failures += u32::from(counts),
        }
    }

    /// Notes a request that is given up.
    pub(super) fn given_up(&mut self, request: Sent, now: Moment) {
        self.in_flight -= 1;
        if request.at >= self.not_before && now >= self.not_before {
            self.herd = None;
        }
        let state = &mut self.rows[request.row as usize];
        if !state.has_ended {
            state.in_flight = false;
            state.status = None;
            state.may_be_applied += u32::from(request.request == Request::Write);
            state.failures += 1;
            state.was_in_doubt |= state.failures + 1 >= self.attempts_max.min(3);
            state.other_failures += 1;
        }
    }

    fn heard(&mut self, response: &Response, now: Moment) {
        let wait = match (response.status, response.retry_after) {
            (429 | 503 | 529, Some(wait)) if !wait.is_zero() => wait,
            // Nothing is left of a window whose end is not named.
            (429 | 529, _) | (503, Some(_))
                if response.window.is_some_and(|window| window.remaining == 0) =>
            {
                Duration::from_secs(1)
            }
            _ => Duration::ZERO,
        };
        if now + wait > self.not_before.max(now) {
            self.not_before = now + wait;
            self.herd = Some(0);
        }
        if self.quota == QuotaKind::Fixed
            && let Some(seen) = response.window
            && let Some(Reset::AtUnix(reset_unix_s)) = seen.reset
        {
            self.window = match self.window {
                Some((known, left)) if known == reset_unix_s => {
                    Some((known, left.min(seen.remaining)))
                }
                Some((known, left)) if known > reset_unix_s => Some((known, left)),
                _ => Some((reset_unix_s, seen.remaining)),
            };
        }
    }

    pub(super) fn ended(&mut self, ended: &Ended<u64>, now: Moment) {
        let state = &mut self.rows[ended.row as usize];
        assert!(
            !state.has_ended && !state.in_flight,
            "row {} ends while {state:?}",
            ended.row
        );
        state.has_ended = true;
        assert_eq!(ended.attempts, state.attempts, "row {}", ended.row);
        assert_eq!(
            ended.ambiguous,
            state.may_be_applied > 0,
            "row {}: {state:?}",
            ended.row
        );
        assert_eq!(ended.customer, self.customers[ended.row as usize]);
        match &ended.ending {
            Ending::Updated { status, .. } => {
                assert_eq!(
                    (Some(*status), *status),
                    (state.status, 200),
                    "no false success"
                );
                state.is_updated = true;
            }
            Ending::Unchanged | Ending::Conflict { .. } | Ending::Unsendable { .. } => assert!(
                state.is_read && state.attempts == 0,
                "row {} ends undecided",
                ended.row
            ),
            Ending::Rejected { status, .. } => assert_eq!(Some(*status), state.status),
            Ending::Failed { cause } if cause.status() == Some(429) => {
                assert!(
                    state.waits >= 10,
                    "row {} is given up early: {state:?}",
                    ended.row
                );
            }
            // The longest wait is over, and the API itself had answered.
            Ending::Failed { .. }
                if state.status == Some(500) && now.since(self.applied_at) >= self.wait_max => {}
            Ending::Failed { .. } => {
                let needed = if state.status == Some(500) {
                    self.attempts_max.min(3)
                } else {
                    self.attempts_max
                };
                // Many requests in a row that do not reach the API count, too.
                let not_reached = state.not_processed + state.unanswered;
                assert!(
                    state.failures + not_reached >= needed,
                    "row {} is given up early: {state:?}",
                    ended.row
                );
            }
        }
    }

    /// Notes a row that an earlier run of the same rows settled.
    pub(super) fn ended_earlier(&mut self, ended: &Ended<u64>) {
        let state = &mut self.rows[ended.row as usize];
        state.has_ended = true;
        state.is_updated = matches!(ended.ending, Ending::Updated { .. });
        state.is_read = true;
        self.turns
            .entry(ended.customer)
            .or_default()
            .retain(|row| *row != ended.row);
    }

    pub(super) fn invalid(&mut self, row: u64) {
        let turn = self.turns[&self.customers[row as usize]].front();
        assert_eq!(
            turn,
            Some(&row),
            "row {row} ends out of its customer's order"
        );
        let state = &mut self.rows[row as usize];
        assert!(
            !state.has_ended && state.attempts == 0,
            "row {row} is invalid, and {state:?}"
        );
        state.has_ended = true;
    }

    pub(super) fn recorded(&mut self, customer: CustomerId) {
        let turn = self
            .turns
            .get_mut(&customer)
            .and_then(VecDeque::pop_front)
            .expect("the row had its turn");
        assert!(self.rows[turn as usize].has_ended);
    }

    /// Rows that ended badly although they were at fault for none of their answers.
    pub(super) fn wronged(&self) -> usize {
        self.rows
            .iter()
            .filter(|row| {
                row.has_ended && !row.is_updated && row.attempts > 0 && row.own_faults == 0
            })
            .count()
    }

    /// Rows that have not ended.
    pub(super) fn unsent(&self) -> usize {
        self.rows.iter().filter(|row| !row.has_ended).count()
    }
}

/// Whether an answer asks to wait.
fn is_wait(response: &Response) -> bool {
    match response.status {
        429 | 529 => true,
        503 => response.retry_after.is_some(),
        _ => false,
    }
}

impl RateWitness {
    fn new(interval: Duration) -> RateWitness {
        let burst = u32::try_from(BURST.as_nanos() / interval.as_nanos())
            .expect("a sensible rate")
            .max(1);
        RateWitness {
            interval,
            burst,
            full_until: Duration::ZERO,
        }
    }

    fn sends(&mut self, now: Moment) {
        let now = now.since_start();
        self.full_until = self.full_until.max(now) + self.interval;
        assert!(
            self.full_until <= now + self.interval * self.burst,
            "above the rate at {now:?}"
        );
    }
}
