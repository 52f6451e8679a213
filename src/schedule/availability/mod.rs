//! The API's availability, and whose fault a failure is: the signs of life, the circuit breaker,
//! the rows in doubt, and the control that decides about them.
//!
//! Silence is timed as well as counted. With one request in flight and half a minute until each
//! times out, ten failures take five minutes. And a row only ends as failed after another one was
//! applied, because a failure alone does not show whose fault it is.

mod breaker;
mod control;
mod doubt;
mod signs;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::breaker::Breaker;
use self::control::{Applied, Control};
use self::doubt::Doubts;
use self::signs::{FOREIGN_ROWS_MAX, Signs};
use super::ended::Ending;
use super::moment::Moment;
use super::random::Random;
use super::rules::History;
use super::ticket::Ticket;
use crate::contract::CustomerId;

pub(super) use self::breaker::{Permission, Transition};
pub(super) use self::control::Inconclusive;
pub(super) use self::doubt::{DOUBTS_MAX, Decidable, Doubt, DoubtReason, FirstAnswers, TOGETHER};
pub(super) use self::signs::{Counts, Evidence};

/// The evidence about the API, and the decisions that follow from it.
#[derive(Debug)]
pub(super) struct Availability<T> {
    signs: Signs,
    breaker: Breaker,
    doubts: Doubts,
    control: Control<T>,
}

impl<T: Clone> Availability<T> {
    /// Starts with what earlier processes of this run directory saw.
    pub(super) fn new(history: History) -> Availability<T> {
        Availability {
            signs: Signs::new(history),
            breaker: Breaker::closed(),
            doubts: Doubts::default(),
            control: Control::new(),
        }
    }

    /// Notes an applied row that had failed this many times. Returns the rows in doubt that can now
    /// be decided.
    pub(super) fn applied(
        &mut self,
        customer: CustomerId,
        row: &T,
        country: Option<u64>,
        failures: u32,
        sent: Moment,
        now: Moment,
    ) -> Decidable {
        self.control.forget(customer);
        if self.control.has_room_at(now) {
            self.control.applied(
                Applied {
                    customer,
                    row: row.clone(),
                    country,
                },
                now,
            );
        }
        self.signs.applied(failures, sent, now);
        self.doubts.answered_before(sent)
    }

    /// Notes a read that shows a customer, where nothing but reads is sent. Returns the rows in doubt
    /// that can now be decided.
    pub(super) fn shown(&mut self, sent: Moment, now: Moment) -> Decidable {
        self.signs.applied(0, sent, now);
        self.doubts.answered_before(sent)
    }

    /// Keeps the row that an earlier process had applied last.
    pub(super) fn applied_earlier(&mut self, customer: CustomerId, row: T) {
        self.control.applied_earlier(Applied {
            customer,
            row,
            country: None,
        });
    }

    /// Notes a control that was applied again. Returns the rows in doubt that can now be decided.
    pub(super) fn control_applied(&mut self, sent: Moment, now: Moment) -> Decidable {
        self.control.succeeded();
        self.signs.applied(0, sent, now);
        self.control.ends();
        self.doubts.answered_before(sent)
    }

    /// Opens the breaker: the control's update failed or was refused.
    pub(super) fn control_failed(
        &mut self,
        sent: Moment,
        now: Moment,
        random: &mut Random,
    ) -> Transition {
        self.control.failed();
        self.control.ends();
        self.signs.control_failed(sent);
        self.signs.count_outage();
        self.open_now(now, random)
    }

    /// Notes a control that showed nothing.
    pub(super) fn control_inconclusive(&mut self, customer: CustomerId, why: Inconclusive) {
        self.control.ends();
        match why {
            Inconclusive::NotShown => self.control.read_showed_nothing(),
            Inconclusive::Differs => self.control.differs(customer),
            Inconclusive::NotSent => self.control.not_sent(),
        }
    }

    /// Ends an outage if a write that left at `sent` was applied or refused in the API's shape.
    /// Returns how long the API was down.
    pub(super) fn alive(&mut self, sent: Moment, now: Moment) -> Option<Duration> {
        let lasted = self.breaker.alive(sent, now);
        if lasted.is_some() {
            self.signs.forget_recent();
        }
        lasted
    }

    /// Notes a row that was refused in the API's shape.
    pub(super) fn refused(&mut self, sent: Moment, now: Moment) {
        self.signs.alive(sent, now);
    }

    /// Notes a row that ended without being applied: its customer's state is no longer known.
    pub(super) fn ended_unapplied(&mut self, customer: CustomerId) {
        self.control.forget(customer);
    }

    /// Notes a failed write of this row.
    pub(super) fn failed(&mut self, row: Ticket, evidence: Evidence, sent: Moment, now: Moment) {
        self.signs.failed(row, evidence, sent, now);
    }

    /// Notes an answer to this row that was not the API's.
    pub(super) fn foreign_answer(&mut self, row: Ticket, sent: Moment) {
        self.signs.foreign_answer(row, sent);
    }

    /// Counts a refusal in doubt.
    pub(super) fn refused_in_doubt(&mut self) {
        self.signs.count_refusal_in_doubt();
    }

    /// Notes that a row was applied that had been refused: the refusal was a gateway's.
    pub(super) fn refusal_was_wrong(&mut self, now: Moment) {
        self.doubts.refusal_was_wrong(now);
    }

    /// Whether refusals were wrong in the last minute.
    pub(super) fn refusals_were_wrong_lately(&self, now: Moment) -> bool {
        self.doubts.refusals_were_wrong_lately(now)
    }

    /// Counts refusals as the API's own until a write is applied. Returns the refused rows and
    /// their endings.
    pub(super) fn believe_refusals(&mut self) -> Vec<(Ticket, Ending)> {
        self.doubts.believe_refusals()
    }

    /// Whether refusals count as the API's own.
    pub(super) fn believes_refusals(&self) -> bool {
        self.doubts.believes_refusals()
    }

    /// Opens the breaker if the answers show that the API is down.
    pub(super) fn judge(&mut self, now: Moment, random: &mut Random) -> Transition {
        if !self.signs.is_down(now) {
            return Transition::Unchanged;
        }
        let by_many = self.signs.is_shown_by_many(now);
        let transition = self.open_now(now, random);
        if transition == Transition::Opened && by_many {
            self.signs.count_outage();
        }
        transition
    }

    /// Opens the breaker, because nothing else can decide about the rows in doubt.
    pub(super) fn open_now(&mut self, now: Moment, random: &mut Random) -> Transition {
        self.breaker.open(now, random)
    }

    /// Closes the breaker at the end of the run.
    pub(super) fn close_at_the_end(&mut self) {
        self.breaker = Breaker::closed();
    }

    /// Forgets all trouble, after every row that had some has ended.
    pub(super) fn give_up(&mut self) {
        self.breaker = Breaker::closed();
        self.signs.give_up();
        self.doubts = Doubts::default();
    }

    /// Notes a failed probe.
    pub(super) fn probe_failed(&mut self, ticket: Ticket, now: Moment, random: &mut Random) {
        self.breaker.failed(ticket, now, random);
    }

    /// Whether the next probe should be a control rather than another row.
    pub(super) fn is_controls_turn(&self) -> bool {
        self.control.is_reliable() && self.breaker.probes_failed() % 2 == 1
    }

    /// Notes a probe that says nothing about the API.
    pub(super) fn probe_ended(&mut self, ticket: Ticket, now: Moment) {
        self.breaker.inconclusive(ticket, now);
    }

    /// The breaker's permission for a write to leave now.
    pub(super) fn permission(&self, now: Moment) -> Permission {
        self.breaker.permission(now)
    }

    /// Notes a request that leaves.
    pub(super) fn sent(&mut self, ticket: Ticket) {
        self.breaker.sent(ticket);
    }

    /// The time since which the breaker is open.
    pub(super) fn down_since(&self) -> Option<Moment> {
        self.breaker.open_since()
    }

    /// The time at which the next probe is due.
    pub(super) fn next_probe(&self) -> Option<Moment> {
        self.breaker.next_probe()
    }

    /// The time at which the first write left that failed since the last sign of life.
    pub(super) fn failing_since(&self) -> Option<Moment> {
        self.signs.failing_since()
    }

    /// The time since which no write was applied, and only failures or refusals in doubt came.
    pub(super) fn unsuccessful_since(&self) -> Option<Moment> {
        self.signs
            .failing_since()
            .into_iter()
            .chain(self.doubts.refused_since())
            .min()
    }

    /// The time at which the breaker has to be judged again without an answer.
    pub(super) fn wake_at(&self) -> Option<Moment> {
        if self.down_since().is_some() {
            None
        } else {
            self.signs.down_at()
        }
    }

    /// Whether the API has ever answered in this run directory.
    pub(super) fn has_answered(&self) -> bool {
        self.signs.has_answered()
    }

    /// Whether the API has ever applied a row in this run directory.
    pub(super) fn has_ever_applied(&self) -> bool {
        self.signs.has_ever_applied()
    }

    /// Whether a write that left at `at` or later was applied or refused in the API's shape.
    pub(super) fn was_alive_since(&self, at: Moment) -> bool {
        self.signs.was_alive_since(at)
    }

    /// The time at which the last applied write left.
    pub(super) fn applied_at(&self) -> Option<Moment> {
        self.signs.applied_at()
    }

    /// The totals of answers so far.
    pub(super) fn counts(&self) -> Counts {
        self.signs.counts()
    }

    /// Whether the API was in trouble since `counts`, or recently.
    pub(super) fn has_been_in_trouble_since(&self, counts: Counts, now: Moment) -> bool {
        self.signs.has_been_in_trouble_since(counts, now)
    }

    /// Whether the API would count as in trouble since `counts` if it were at fault for the
    /// failures of this many other rows.
    pub(super) fn may_be_in_trouble_since(&self, counts: Counts, rows: usize) -> bool {
        self.signs.may_be_in_trouble_since(counts, rows)
    }

    /// Excludes time in which the user's own rate held all requests back.
    pub(super) fn postpone(&mut self, time: Duration) {
        self.signs.postpone(time);
        self.doubts.postpone(time);
    }

    /// Holds a row in doubt.
    pub(super) fn doubt(
        &mut self,
        ticket: Ticket,
        reason: DoubtReason,
        ending: Option<Ending>,
        now: Moment,
        rechecks: usize,
    ) {
        self.doubts.hold(ticket, reason, ending, now, rechecks);
    }

    /// Puts back a row that cannot be decided yet.
    pub(super) fn keep_in_doubt(&mut self, doubt: Doubt) {
        self.doubts.keep(doubt);
    }

    /// The number of rows in doubt.
    pub(super) fn doubts(&self) -> usize {
        self.doubts.len()
    }

    pub(super) fn has_doubts(&self) -> bool {
        !self.doubts.is_empty()
    }

    /// Whether every row in doubt was refused in the API's shape, or asked to wait.
    pub(super) fn all_doubts_are_api_answers(&self) -> bool {
        self.doubts.all_are_api_answers()
    }

    /// Whether there are rows in doubt, and every answer was not the API's.
    pub(super) fn all_doubts_are_foreign(&self) -> bool {
        self.doubts.all_are_foreign()
    }

    /// Whether enough rows got answers that were not the API's to blame another program.
    pub(super) fn has_foreign_rows(&self) -> bool {
        self.signs.foreign_rows() >= FOREIGN_ROWS_MAX
    }

    /// Counts the rows in doubt by their answers.
    pub(super) fn first_answers(&self) -> FirstAnswers {
        self.doubts.first_answers()
    }

    /// The rows in doubt.
    pub(super) fn doubtful_rows(&self) -> impl Iterator<Item = Ticket> {
        self.doubts.iter().map(|doubt| doubt.ticket)
    }

    /// Takes the row in doubt that is to be rechecked first.
    pub(super) fn take_next_doubt(&mut self) -> Option<Doubt> {
        self.doubts.take_next()
    }

    /// The time of the first recheck.
    pub(super) fn recheck_at(&self) -> Option<Moment> {
        self.doubts.recheck_at()
    }

    /// Whether the refusals are so many that a control should decide.
    pub(super) fn needs_control(&self) -> bool {
        self.doubts.need_control()
    }

    /// The customers whose row a control can repeat, best first. None while a control is under way.
    pub(super) fn control_customers(&self) -> impl Iterator<Item = CustomerId> {
        self.control
            .customers()
            .filter(|_| !self.control.is_under_way())
    }

    /// Whether any applied row can be repeated, now or later.
    pub(super) fn has_control_rows(&self) -> bool {
        self.control.customers().next().is_some()
    }

    /// Whether rows in doubt can wait for a control.
    pub(super) fn has_reliable_control(&self) -> bool {
        self.control.is_reliable() && self.control_customers().next().is_some()
    }

    /// The time from which a control may be sent.
    pub(super) fn control_due_at(&self) -> Moment {
        self.control.due_at()
    }

    /// The customer's country, by the answer to the update that a control repeats.
    pub(super) fn control_country(&self, customer: CustomerId) -> Option<u64> {
        self.control.country(customer)
    }

    /// The row that a control repeats for this customer.
    pub(super) fn control_row(&self, customer: CustomerId) -> Option<T> {
        self.control.row(customer)
    }

    /// Notes a control that is sent.
    pub(super) fn control_begins(&mut self, ticket: Ticket, now: Moment, random: &mut Random) {
        self.doubts.control_was_sent();
        self.control.begins(ticket, now, random);
    }
}
