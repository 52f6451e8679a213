//! Answers that ask to wait: a limit was met, or may have been.

use std::time::Duration;

use super::availability::DoubtReason;
use super::cause::Cause;
use super::ended::Ending;
use super::judge::{MaybeApplied, Trouble, Wait, WaitReason};
use super::moment::Moment;
use super::request::Departure;
use super::retry_tokens::Cost;
use super::state::{Priority, Schedule};
use super::stop::StopReason;
use super::throttle::LimitMet;
use super::ticket::Ticket;

/// A row that was asked to wait this often is at fault itself. Waits count if another row was
/// applied since the one before, or if no other row is left.
const WAITS_MAX: u32 = 10;
/// The same for a 503 that may be a limit's. If two of three requests get one, ten in a row are
/// likely.
const UNAVAILABLE_MAX: u32 = 25;
/// The wait after a refusal that names an exhausted window and no time.
const WINDOW_WAIT: Duration = Duration::from_secs(1);

impl<T: Clone> Schedule<T> {
    /// Handles an answer that asks to wait, or a 503 that names no time: a limit refused the row,
    /// or may have.
    pub(super) fn asked_to_wait(
        &mut self,
        ticket: Ticket,
        cause: Cause,
        wait: Wait,
        departure: Departure,
        now: Moment,
    ) {
        let limit = self.throttle.refused(departure, wait, now);
        if limit == LimitMet::None {
            return self.in_trouble(
                ticket,
                Trouble::usual(MaybeApplied::No),
                cause,
                departure.at,
                now,
            );
        }
        let applied_at = self.availability.applied_at();
        let failures = &mut self.order.get_mut(ticket).failures;
        let waits = &mut failures.waits;
        let is_beside_others = waits
            .last_at
            .is_some_and(|last| applied_at.is_some_and(|applied| applied >= last));
        waits.all += 1;
        waits.beside_others += u32::from(is_beside_others);
        waits.last_at = Some(now);
        let most = match wait.reason {
            WaitReason::Quota | WaitReason::Overload => WAITS_MAX,
            WaitReason::Unavailable => UNAVAILABLE_MAX,
        };
        let (all, is_own_fault) = (waits.all, waits.beside_others >= most);
        self.availability.probe_ended(ticket, now);
        self.apply_wait(wait, limit, departure, now);
        if self.run.stop.is_some() {
            return;
        }
        let ending = Ending::Failed { cause };
        if is_own_fault {
            self.end(ticket, ending);
        } else if all >= most && self.order.has_nothing_else_to_send() && self.flights.is_empty() {
            let failures = &mut self.order.get_mut(ticket).failures;
            (failures.doubt_reason, failures.ending) =
                (Some(DoubtReason::Waits), Some(ending.clone()));
            self.doubt(ticket, Some(ending), now);
        } else if limit == LimitMet::Undecided {
            self.order.get_mut(ticket).failures.cost = Some(Cost::Retry);
            let delay = self.retries.policy.delay(all, &mut self.random);
            self.order.send_again(ticket, now + delay);
        } else {
            self.order.send_again(ticket, now);
        }
    }

    /// Applies a refusal to all requests: a pause for a named wait, or the end of the run if the
    /// API has let nothing through for too long.
    pub(super) fn apply_wait(
        &mut self,
        wait: Wait,
        limit: LimitMet,
        departure: Departure,
        now: Moment,
    ) {
        if limit == LimitMet::Window || (limit == LimitMet::Undecided && departure.is_first()) {
            self.flights.concurrency.pushed_back(departure.at, now);
        }
        if limit == LimitMet::Undecided {
            return;
        }
        self.run.priority = Priority::FreshSince(now);
        let Wait { named, reason, .. } = wait;
        match (reason, named) {
            (WaitReason::Quota, Some(named)) => {
                self.throttle.quota_refused(now + named, departure.at);
            }
            (WaitReason::Quota, None) | (WaitReason::Overload, _) => {}
            (WaitReason::Unavailable, _) => return,
        }
        let refused_for = self.throttle.refused_for(named.unwrap_or_default(), now);
        if refused_for > self.limits.wait_max {
            self.run.too_long_until = named.map(|named| now + named);
            return self.stop(StopReason::WaitTooLong { wait: refused_for });
        }
        let wait_of_window = (limit == LimitMet::Window).then_some(WINDOW_WAIT);
        let Some(named) = named.filter(|wait| !wait.is_zero()).or(wait_of_window) else {
            return;
        };
        self.pause_all(named, now);
    }

    /// Holds all requests back for a wait that the API named.
    pub(super) fn pause_all(&mut self, named: Duration, now: Moment) {
        let is_new = !self.throttle.is_paused(now);
        let longer = self.throttle.pause(named, now, &mut self.random);
        self.count_pause(longer, is_new, now);
    }

    /// Counts a pause that got longer by this time.
    pub(super) fn count_pause(&mut self, longer: Duration, is_new: bool, now: Moment) {
        if !longer.is_zero() {
            // Count one pause for answers that arrive together, though each may lengthen it a
            // little.
            self.statistics.pauses += u64::from(is_new);
            self.statistics.paused = self.statistics.paused.saturating_add(longer);
            self.flights.concurrency.begin_again(now);
        }
    }
}
