//! Failed attempts: what each costs its row, and when the row is sent again.

use std::time::Duration;

use super::availability::{About, Mark, Weight};
use super::budget::Cost;
use super::cause::Cause;
use super::ended::Ending;
use super::judge::{AttemptLimit, MaybeApplied, Trouble};
use super::moment::Moment;
use super::state::Schedule;
use super::ticket::Ticket;
use super::trials::Phase;

/// Attempts at a row that is likely to be at fault itself.
const ATTEMPTS_OF_THREE: u32 = 3;

impl<T: Clone> Schedule<T> {
    pub(super) fn in_trouble(
        &mut self,
        ticket: Ticket,
        trouble: Trouble,
        cause: Cause,
        sent: Moment,
        now: Moment,
    ) {
        let usual = self.retries.policy.attempts_max();
        let trials = &mut self.order.get_mut(ticket).trials;
        trials.limit = match trouble.attempts {
            AttemptLimit::Usual => usual,
            AttemptLimit::Three => usual.min(ATTEMPTS_OF_THREE),
        };
        trials.ambiguous |= trouble.applied == MaybeApplied::Yes;
        trials.cost = Some(match trouble.applied {
            MaybeApplied::Yes => Cost::AmbiguousRetry,
            MaybeApplied::No => Cost::Retry,
        });
        // A 500 is more likely about the row than about the load, and so is what other rows do not meet.
        if trouble.attempts == AttemptLimit::Usual && self.weight(ticket) == Weight::Evidence {
            self.flights.concurrency.pushed_back(sent, now);
        }
        self.fails(
            ticket,
            About::Trouble(trouble.speaker),
            Ending::Failed { cause },
            sent,
            now,
        );
    }

    /// An attempt failed; `ending` is how the row ends if it is at fault.
    pub(super) fn fails(
        &mut self,
        ticket: Ticket,
        about: About,
        ending: Ending,
        sent: Moment,
        now: Moment,
    ) {
        let was_open = self.availability.down_since().is_some();
        let (mark, weight) = (self.availability.mark(), self.weight(ticket));
        self.note_failure(ticket, about, &ending, mark, now);
        let trials = &mut self.order.get_mut(ticket).trials;
        if about == About::NotTheApi {
            trials.limit = ATTEMPTS_OF_THREE;
            trials.cost = Some(Cost::Retry);
        }
        self.course.last_failure = trials.cause;
        self.availability.failed(ticket, weight, sent, now);
        self.availability
            .probe_failed(ticket, now, &mut self.random);
        let opening = self.availability.judge(now, &mut self.random);
        self.count_outage(opening);
        if self.course.stop.is_some() {
            return; // It would be sent again, but nothing is: it stays unsent.
        }
        let trials = &mut self.order.get_mut(ticket).trials;
        let uses_up_none = was_open || trials.phase == Phase::AskedAgain;
        if !uses_up_none {
            trials.counted += 1;
        }
        if trials.counted >= trials.limit {
            return self.doubt(ticket, Some(ending), now);
        }
        if trials.phase == Phase::AskedAgain {
            return self.doubt(ticket, None, now);
        }
        // Three attempts are few, so they are spread over some seconds.
        let failures = if about == About::NotTheApi {
            trials.counted + 2
        } else {
            trials.counted
        };
        let delay = if uses_up_none {
            Duration::ZERO
        } else {
            self.retries.policy.delay(failures, &mut self.random)
        };
        self.order.send_again(ticket, now + delay);
    }

    /// Notes that a row failed or was refused, how it ends if it is at fault, and the state of the API's counts before its first
    /// failure, which is returned.
    pub(super) fn note_failure(
        &mut self,
        ticket: Ticket,
        about: About,
        ending: &Ending,
        mark: Mark,
        now: Moment,
    ) -> Mark {
        self.order.fails(ticket);
        let trials = &mut self.order.get_mut(ticket).trials;
        trials.failed_at = Some(now);
        trials.about = Some(about);
        trials.ending = Some(ending.clone());
        *trials.mark.get_or_insert(mark)
    }

    /// The weight of another failure of a row.
    pub(super) fn weight(&self, ticket: Ticket) -> Weight {
        let trials = &self.order.get(ticket).trials;
        match trials.failed_at {
            _ if trials.let_go > 0 => Weight::Nothing,
            Some(failed) if self.availability.has_lived_since(failed) => Weight::Relapse,
            Some(_) | None => Weight::Evidence,
        }
    }
}
