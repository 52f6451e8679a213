//! Failed attempts: the cost to the row, and the time at which it is sent again.

use std::time::Duration;

use super::availability::{Counts, DoubtReason, Evidence};
use super::cause::Cause;
use super::ended::Ending;
use super::judge::{AttemptLimit, MaybeApplied, Trouble};
use super::moment::Moment;
use super::retry_tokens::Cost;
use super::row_failures::AttemptKind;
use super::state::Schedule;
use super::ticket::Ticket;

/// Attempts for a row that is likely to be at fault itself.
const ATTEMPTS_OF_THREE: u32 = 3;

impl<T: Clone> Schedule<T> {
    /// Handles an attempt that failed because of the API, the network or the row.
    pub(super) fn in_trouble(
        &mut self,
        ticket: Ticket,
        trouble: Trouble,
        cause: Cause,
        sent: Moment,
        now: Moment,
    ) {
        let usual = self.retries.policy.attempts_max();
        let failures = &mut self.order.get_mut(ticket).failures;
        failures.attempts_max = match trouble.attempts {
            AttemptLimit::Usual => usual,
            AttemptLimit::Three => usual.min(ATTEMPTS_OF_THREE),
        };
        failures.ambiguous |= trouble.applied == MaybeApplied::Yes;
        failures.cost = Some(match trouble.applied {
            MaybeApplied::Yes => Cost::AmbiguousRetry,
            MaybeApplied::No => Cost::Retry,
        });
        if trouble.applied == MaybeApplied::Yes {
            self.spend_tag(ticket);
        }
        // A 500 is more likely about the row than about the load. So is a failure that other rows
        // do not have.
        if trouble.attempts == AttemptLimit::Usual && self.evidence(ticket) == Evidence::New {
            self.flights.concurrency.pushed_back(sent, now);
        }
        self.fails(
            ticket,
            DoubtReason::Trouble(trouble.answered_by),
            Ending::Failed { cause },
            sent,
            now,
        );
    }

    /// Notes a failed attempt. `ending` is how the row ends if it is at fault.
    pub(super) fn fails(
        &mut self,
        ticket: Ticket,
        doubt_reason: DoubtReason,
        ending: Ending,
        sent: Moment,
        now: Moment,
    ) {
        let was_open = self.availability.down_since().is_some();
        let (counts, evidence) = (self.availability.counts(), self.evidence(ticket));
        self.note_failure(ticket, doubt_reason, &ending, counts, now);
        let failures = &mut self.order.get_mut(ticket).failures;
        if doubt_reason == DoubtReason::NotTheApi {
            failures.attempts_max = ATTEMPTS_OF_THREE;
            failures.cost = Some(Cost::Retry);
        }
        self.run.last_failure = failures.cause;
        self.availability.failed(ticket, evidence, sent, now);
        self.availability
            .probe_failed(ticket, now, &mut self.random);
        let transition = self.availability.judge(now, &mut self.random);
        self.count_outage(transition);
        if self.run.stop.is_some() {
            return; // It would be sent again, but nothing is: it stays unsent.
        }
        let failures = &mut self.order.get_mut(ticket).failures;
        let uses_up_none = was_open || failures.next_attempt == AttemptKind::Recheck;
        if !uses_up_none {
            failures.counted += 1;
        }
        if failures.counted >= failures.attempts_max {
            return self.doubt(ticket, Some(ending), now);
        }
        if failures.next_attempt == AttemptKind::Recheck {
            return self.doubt(ticket, None, now);
        }
        // Three attempts are few, so they are spread over some seconds.
        let failed_attempts = if doubt_reason == DoubtReason::NotTheApi {
            failures.counted + 2
        } else {
            failures.counted
        };
        let delay = if uses_up_none {
            Duration::ZERO
        } else {
            self.retries.policy.delay(failed_attempts, &mut self.random)
        };
        self.order.send_again(ticket, now + delay);
    }

    /// Notes that a row failed or was refused, and how it ends if it is at fault. Returns the API's
    /// counts from before the row's first failure.
    pub(super) fn note_failure(
        &mut self,
        ticket: Ticket,
        doubt_reason: DoubtReason,
        ending: &Ending,
        counts: Counts,
        now: Moment,
    ) -> Counts {
        self.order.fails(ticket);
        let failures = &mut self.order.get_mut(ticket).failures;
        failures.failed_at = Some(now);
        failures.doubt_reason = Some(doubt_reason);
        failures.ending = Some(ending.clone());
        *failures.counts_before.get_or_insert(counts)
    }

    /// Weighs another failure of a row as evidence about the API.
    pub(super) fn evidence(&self, ticket: Ticket) -> Evidence {
        let failures = &self.order.get(ticket).failures;
        match failures.failed_at {
            _ if failures.second_chances > 0 => Evidence::None,
            Some(failed) if self.availability.was_alive_since(failed) => Evidence::Repeated,
            Some(_) | None => Evidence::New,
        }
    }
}
