//! The end of rows in doubt: after another row is applied, or when the longest wait is over.

use std::time::Duration;

use super::availability::{Decidable, Doubt, DoubtReason, TOGETHER};
use super::decision::ReadNeed;
use super::ended::Ending;
use super::error_limit::ErrorLimit;
use super::judge::AnsweredBy;
use super::moment::Moment;
use super::request::Request;
use super::row_failures::AttemptKind;
use super::state::{DoubtRound, Schedule};
use super::stop::StopReason;
use super::ticket::Ticket;

/// Refusals with 403, and no other answer, that stop a run.
const FORBIDDEN_MAX: usize = 20;
/// First rows refused with 404, and no other answer, that are worth a warning.
pub(super) const NOT_FOUND_SUSPICIOUS: usize = 20;
/// First rows refused with 404, and no other answer, that stop a run.
const NOT_FOUND_MAX: usize = 100;
/// The most second chances of a row, however much trouble the API is in.
const SECOND_CHANCES_MAX: u32 = 50;

/// The decision about a row in doubt.
enum Verdict {
    AtFault(Ending),
    SecondChance,
    Undecided,
}

impl<T: Clone> Schedule<T> {
    /// Holds a row in doubt. It ends with `ending` if it is at fault; without one it has an attempt
    /// left.
    pub(super) fn doubt(&mut self, ticket: Ticket, ending: Option<Ending>, now: Moment) {
        // Other rows have to show whose fault it is.
        self.order.joins_the_others(ticket);
        let failures = &self.order.get(ticket).failures;
        let doubt_reason = failures.doubt_reason.expect("a row in doubt was answered");
        self.availability.doubt(
            ticket,
            doubt_reason,
            ending,
            failures.failed_at.unwrap_or(now),
            failures.rechecks,
        );
    }

    /// Holds a row whose last attempt waits for a sign of life.
    pub(super) fn doubt_last_attempt(&mut self, ticket: Ticket) {
        self.doubt(ticket, None, Moment::START);
    }

    /// Decides about the rows in doubt that a later applied write makes decidable.
    pub(super) fn settle(&mut self, decidable: Decidable, now: Moment) {
        for doubt in decidable.doubts {
            match self.verdict(&doubt, decidable.in_doubt, now) {
                Verdict::AtFault(ending) => self.end(doubt.ticket, ending),
                Verdict::SecondChance => self.give_second_chance(&doubt, now),
                Verdict::Undecided => self.availability.keep_in_doubt(doubt),
            }
        }
    }

    /// The decision about a row in doubt, now that another row was applied.
    ///
    /// The row is at fault itself, with three exceptions: the API is known to have been in trouble,
    /// so many rows are in doubt together that it may have been, or so many wait to be sent again
    /// that their answers will decide.
    fn verdict(&self, doubt: &Doubt, in_doubt: usize, now: Moment) -> Verdict {
        let Some(ending) = &doubt.ending else {
            return Verdict::SecondChance;
        };
        let failures = &self.order.get(doubt.ticket).failures;
        let counts = failures.counts_before.unwrap_or_default();
        let others_failed = self.order.rows_failed().saturating_sub(1);
        let others_will_decide = self.order.rows_failed() > in_doubt;
        let refusals_lie = matches!(doubt.reason, DoubtReason::Refused(_))
            && self.availability.refusals_were_wrong_lately(now);
        let was_in_trouble =
            refusals_lie || self.availability.has_been_in_trouble_since(counts, now);
        if failures.second_chances >= SECOND_CHANCES_MAX {
            Verdict::AtFault(ending.clone())
        } else if was_in_trouble || (in_doubt >= TOGETHER && failures.second_chances == 0) {
            Verdict::SecondChance
        } else if others_will_decide
            && self
                .availability
                .may_be_in_trouble_since(counts, others_failed)
        {
            Verdict::Undecided
        } else {
            Verdict::AtFault(ending.clone())
        }
    }

    fn give_second_chance(&mut self, doubt: &Doubt, now: Moment) {
        let current = self.availability.counts();
        let failures = &mut self.order.get_mut(doubt.ticket).failures;
        if doubt.ending.is_some() {
            failures.second_chances += 1;
            failures.counted = failures
                .counted
                .min(failures.attempts_max.saturating_sub(1));
            failures.counts_before = failures
                .counts_before
                .map(|counts| counts.after_outages_of(current));
        }
        failures.next_attempt = AttemptKind::SecondChance;
        failures.rechecks = 0;
        // After the first second chance the trouble lasts, so a later attempt is worth more.
        let delay = match failures.second_chances {
            0 | 1 => Duration::ZERO,
            second_chances => self.retries.policy.delay(second_chances, &mut self.random),
        };
        self.order.send_again(doubt.ticket, now + delay);
    }

    /// Stops the run once the API has let nothing through for the longest wait.
    pub(super) fn check_wait_max(&mut self, now: Moment) {
        if self.run.stop.is_some() {
            return;
        }
        let wait_max = self.limits.wait_max;
        let too_long = |since: Option<Moment>| {
            since
                .map(|since| now.since(since))
                .filter(|lasted| *lasted >= wait_max)
        };
        if let Some(lasted) = too_long(self.token.unavailable_since()) {
            self.stop(StopReason::TokenUnavailable { lasted });
        }
        if let Some(lasted) = too_long(self.throttle.waits_for_store_since()) {
            self.stop(StopReason::NoRateStore { lasted });
        }
        match too_long(self.availability.unsuccessful_since()) {
            Some(lasted) if !self.may_end_by_api_answers() => {
                let has_failed = self.availability.failing_since().is_some()
                    || !self.availability.all_doubts_are_api_answers();
                self.stop(if has_failed {
                    StopReason::Outage {
                        lasted,
                        cause: self.run.last_failure,
                    }
                } else {
                    StopReason::OnlyRefusals {
                        lasted,
                        rows: self.availability.doubts(),
                    }
                });
            }
            Some(_) | None => {}
        }
    }

    /// Whether rows may end by the API's own answers, now that the longest wait is over.
    ///
    /// If the API itself has refused or failed each row in its own shape, failed rows end by that,
    /// and refused rows do after a last recheck. While an untried row is left, only refusals that
    /// the user expects count. Anything else is an outage.
    fn may_end_by_api_answers(&mut self) -> bool {
        let has_untried = !self.all_are_held() || self.order.has_untried();
        let rows: Vec<_> = self
            .availability
            .doubtful_rows()
            .chain(self.order.retries())
            .collect();
        let endings: Option<Vec<_>> = rows
            .into_iter()
            .map(|ticket| Some((ticket, self.api_answer(ticket)?)))
            .collect();
        let Some(endings) = endings else { return false };
        if has_untried && self.refusals_may_stop() {
            return false;
        }
        if self.availability.failing_since().is_none()
            && self.availability.all_doubts_are_api_answers()
        {
            self.run.doubt_round = DoubtRound::Last;
            return true;
        }
        if has_untried || endings.is_empty() || !self.flights.is_empty() {
            return false;
        }
        self.availability.give_up();
        self.order.clear_retries();
        for (ticket, ending) in endings {
            self.end(ticket, ending);
        }
        true
    }

    /// Takes refusals for the API's own until a row is applied: the user expects them, and rows
    /// were refused once more a long time after their first refusal.
    pub(super) fn believe_refusals(&mut self) {
        self.run.doubt_round = DoubtRound::Usual;
        for (ticket, ending) in self.availability.believe_refusals() {
            self.end(ticket, ending);
        }
    }

    /// Whether refusals are taken for the API's own, after rows were refused again and again
    /// (`--max-errors none`).
    pub fn believes_refusals(&self) -> bool {
        self.limits.reads != ReadNeed::Only && self.availability.believes_refusals()
    }

    /// The ending that the API itself gave the row in its own shape.
    fn api_answer(&self, ticket: Ticket) -> Option<Ending> {
        let failures = &self.order.get(ticket).failures;
        let spoke = matches!(
            failures.doubt_reason,
            Some(DoubtReason::Refused(_) | DoubtReason::Trouble(AnsweredBy::TheApi))
        );
        failures.ending.clone().filter(|_| spoke)
    }

    /// Stops a run whose first rows got the same refusal: the token lacks the permission, or the
    /// address is another API's.
    pub(super) fn check_first_answers(&mut self) {
        let first = self.availability.first_answers();
        let is_first = !self.availability.has_answered();
        let nothing_else_can_tell = is_first || !self.availability.has_control_rows();
        if first.forbidden >= FORBIDDEN_MAX
            && first.not_found + first.others == 0
            && nothing_else_can_tell
            && self.missing_permission_stops()
        {
            self.stop(StopReason::Forbidden {
                answers: first.forbidden,
                request: self.run.refused,
            });
        } else if is_first
            && self.refusals_may_stop()
            && first.not_found >= NOT_FOUND_MAX
            && first.forbidden + first.others == 0
        {
            self.stop(StopReason::AllNotFound {
                answers: first.not_found,
            });
        }
    }

    /// The number of first rows, if all were refused with 404 and they are many or all there are.
    /// The address or the tenant is probably wrong.
    pub fn suspiciously_not_found(&self) -> Option<usize> {
        if self.availability.has_answered() {
            return None;
        }
        let first = self.availability.first_answers();
        let are_all = self.all_are_held() && first.not_found == self.order.rows_held();
        let is_suspicious = first.not_found >= NOT_FOUND_SUSPICIOUS || are_all;
        (first.not_found > 0 && first.forbidden + first.others == 0 && is_suspicious)
            .then_some(first.not_found)
    }

    /// Whether refusals may stop the run. With `--max-errors none` the user expects them.
    pub(super) fn refusals_may_stop(&self) -> bool {
        self.limits.error_limit != ErrorLimit::None
    }

    /// Whether a missing permission stops the run. Without reads that updates need, nothing can be
    /// done, whatever the user expects.
    pub(super) fn missing_permission_stops(&self) -> bool {
        let is_read = self.run.refused == Request::Read;
        self.refusals_may_stop() || is_read && self.limits.reads != ReadNeed::Wanted
    }

    /// Stops the run, because the answers are not the API's.
    pub(super) fn stop_misdirected(&mut self) {
        if let Some(reason) = self.run.misdirection.take() {
            self.stop(reason);
        }
    }
}
