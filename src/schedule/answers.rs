//! What an answer does: to its row, and to what the schedule knows of the API.

use std::time::Duration;

use super::budget::Cost;
use super::health::{Evidence, Opening};
use super::streak::{Judgement, Suspicion};
use super::token::Refusal;
use super::verdict::{self, Trouble, Verdict, verdict};
use super::{Cause, Ended, Ending, Moment, Schedule, StopReason, Ticket};
use crate::contract::{Answer, Attempt, Response, ServerError};

impl<T> Schedule<T> {
    /// What came of a row that was sent.
    pub fn finished(&mut self, ticket: Ticket, attempt: Attempt, now: Moment) {
        self.in_flight -= 1;
        let sent = now - attempt.took;
        if let Answer::Response(response) = &attempt.answer {
            self.pace.learn(response, sent, now, &mut self.random);
        }
        match verdict(&attempt.answer) {
            Verdict::Updated => self.updated(ticket, &attempt, now),
            Verdict::Rejected(suspicion) => self.rejected(ticket, attempt, suspicion, now),
            Verdict::Retry(trouble) => self.failed(ticket, &attempt, trouble, sent, now),
            Verdict::Pause(wait) => self.paused(ticket, &attempt, wait, sent, now),
            Verdict::TokenRefused => self.token_refused(ticket, now),
            Verdict::Stop(StopReason::Unreachable { .. }) if self.succeeded => {
                self.failed(ticket, &attempt, Trouble::Unreachable, sent, now);
            }
            Verdict::Stop(reason) => self.stop(reason),
        }
    }

    fn updated(&mut self, ticket: Ticket, attempt: &Attempt, now: Moment) {
        self.succeeded = true;
        self.alive(attempt.took, now);
        self.token.proven(self.order.get(ticket).token_generation);
        self.budget.earn();
        self.pace.succeeded();
        self.concurrency.succeeded(now, attempt.took);
        let status = Cause::of(&attempt.answer).status().unwrap_or_default();
        let ended = self.end(ticket, Ending::Updated { status }, attempt.took);
        let rows = self.streak.unsuspicious(ended);
        self.end_all(rows);
    }

    fn rejected(&mut self, ticket: Ticket, attempt: Attempt, suspicion: Option<Suspicion>, now: Moment) {
        self.alive(attempt.took, now);
        self.pace.succeeded();
        self.token.proven(self.order.get(ticket).token_generation);
        let Answer::Response(response) = attempt.answer else { return };
        let Response { status, location_host, error, .. } = response;
        let error = error.unwrap_or_else(|| unexpected(suspicion));
        let ended = self.end(ticket, Ending::Rejected { status, error }, attempt.took);
        let Some(suspicion) = suspicion else {
            let rows = self.streak.unsuspicious(ended);
            return self.end_all(rows);
        };
        if self.stop.as_ref().is_some_and(StopReason::is_misdirection) {
            return; // One more of the answers that stopped the run: unsent like them.
        }
        match self.streak.suspicious(suspicion, ended, status, location_host.as_deref()) {
            Judgement::Ended(rows) => self.end_all(rows),
            Judgement::Withheld => {}
            Judgement::Stop(reason) => self.stop(reason),
        }
    }

    fn failed(&mut self, ticket: Ticket, attempt: &Attempt, trouble: Trouble, sent: Moment, now: Moment) {
        let cause = Cause::of(&attempt.answer);
        *self.statistics.retries.entry(cause).or_default() += 1;
        let evidence = match trouble {
            Trouble::Row => Evidence::Nothing,
            Trouble::Unreachable => Evidence::New,
            Trouble::Outage => {
                let failed_before = self.order.get_mut(ticket).failed_at.replace(now);
                self.health.evidence(failed_before)
            }
        };
        match trouble {
            Trouble::Row => self.alive(attempt.took, now),
            Trouble::Unreachable | Trouble::Outage => self.outage_failed(evidence, sent, now),
        }
        if self.stop.is_some() {
            return; // It would be sent again, but nothing is: it stays unsent.
        }
        let ambiguous = verdict::is_ambiguous(&attempt.answer);
        if self.health.down_since().is_some() {
            return self.order.send_again(ticket, now);
        }
        let held = self.order.get_mut(ticket);
        held.attempts_counted += 1;
        let counted = held.attempts_counted;
        let attempts_max = self.retry.attempts_max(cause.status());
        let may_be_outage = trouble == Trouble::Unreachable || self.health.is_in_doubt(evidence, now);
        if counted >= attempts_max && !may_be_outage {
            let ended = self.end(ticket, Ending::Failed { cause, ambiguous }, attempt.took);
            return self.end_all(vec![ended]);
        }
        let cost = if ambiguous { Cost::AmbiguousRetry } else { Cost::Retry };
        let paid = self.budget.pay(cost, now);
        let delay = self.retry.delay(counted, &mut self.random);
        self.order.send_again(ticket, paid.max(now + delay));
    }

    fn outage_failed(&mut self, evidence: Evidence, sent: Moment, now: Moment) {
        if evidence == Evidence::New {
            self.concurrency.pushed_back(sent, now);
        }
        if self.health.failed(now, sent, evidence, self.random.share()) == Opening::Opened {
            self.statistics.outages += 1;
            self.order.forgive_attempts();
        }
    }

    fn paused(&mut self, ticket: Ticket, attempt: &Attempt, wait: Option<Duration>, sent: Moment, now: Moment) {
        let cause = Cause::of(&attempt.answer);
        *self.statistics.retries.entry(cause).or_default() += 1;
        if cause == Cause::Status(429) {
            self.alive(attempt.took, now);
            if let Some(wait) = wait {
                self.pace.quota_refused(now + wait, sent);
            }
        } else {
            self.health.probe_ended();
        }
        self.concurrency.pushed_back(sent, now);
        self.order.send_again(ticket, now);
        let in_vain = self.pace.wait_in_vain(wait.unwrap_or_default(), now);
        if in_vain > self.wait_max {
            return self.stop(StopReason::WaitTooLong { wait: in_vain });
        }
        let is_new = !self.pace.is_paused(now);
        let longer = self.pace.pause(wait, sent, now, &mut self.random);
        if !longer.is_zero() {
            // Each of the answers that arrive together may make the one pause a little longer.
            self.statistics.pauses += u64::from(is_new);
            self.statistics.paused = self.statistics.paused.saturating_add(longer);
            self.concurrency.begin_again();
        }
    }

    fn token_refused(&mut self, ticket: Ticket, now: Moment) {
        self.health.probe_ended();
        match self.token.refused(self.order.get(ticket).token_generation, now) {
            Refusal::SendAgain => self.order.send_again(ticket, now),
            Refusal::Final => self.stop(StopReason::TokenRefused),
        }
    }

    fn alive(&mut self, took: Duration, now: Moment) {
        if let Some(lasted) = self.health.alive(now, now - took) {
            self.statistics.down += lasted;
            self.concurrency.begin_again();
        }
    }

    fn end(&mut self, ticket: Ticket, ending: Ending, took: Duration) -> Ended<T> {
        let held = self.order.end(ticket);
        Ended { row: held.row, customer: held.customer, ending, attempts: held.attempts, took }
    }
}

/// What results say of an answer whose body says nothing.
fn unexpected(suspicion: Option<Suspicion>) -> ServerError {
    let code = match suspicion {
        Some(Suspicion::UnexpectedAnswer) => Some("unexpected_answer"),
        Some(Suspicion::Redirect) => Some("redirect"),
        Some(Suspicion::NotFound | Suspicion::Forbidden) | None => None,
    };
    ServerError { code: code.map(str::to_owned), ..ServerError::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{CustomerId, Fault};
    use crate::schedule::error_limit::ErrorLimit;
    use crate::schedule::rate::Rate;
    use crate::schedule::{History, RetryPolicy, Rules, Step};

    #[test]
    fn a_last_attempt_that_fails_after_a_stop_fails_no_row() {
        let rules = Rules {
            rate: Rate::Unlimited,
            in_flight_max: 4,
            retry: RetryPolicy::new(1).expect("a good limit"),
            error_limit: ErrorLimit::None,
            wait_max: Duration::from_mins(15),
        };
        let mut schedule = Schedule::new(rules, History::default(), 0);
        for id in [1, 2] {
            schedule.offer(CustomerId::new(id).expect("a good id"), id, 1);
        }
        let now = Moment::START;
        let (Step::Send(first), Step::Send(second)) = (schedule.next(now), schedule.next(now)) else {
            panic!("both can be sent");
        };
        schedule.stop(StopReason::Terminated);
        let took = Duration::ZERO;
        let updated = Response { status: 204, ..Response::default() };
        schedule.finished(first, Attempt { answer: Answer::Response(updated), took }, now);
        schedule.finished(second, Attempt { answer: Answer::Fault(Fault::Broken), took }, now);
        assert_eq!(schedule.next(now), Step::Stopped);
        assert_eq!(schedule.pop_ended().map(|ended| ended.ending), Some(Ending::Updated { status: 204 }));
        assert_eq!(schedule.pop_ended(), None, "the other one stays unsent");
    }
}
