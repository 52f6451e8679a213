//! Whether the API works, and whose fault a failure is: the signs of life, the circuit breaker, the rows in doubt, and the
//! control that decides about them.
//!
//! Silence is timed, not only counted: with one request in flight and half a minute until each gives up, ten failures take five
//! minutes. And a row fails only beside a success, since a failure alone says nothing of whose fault it is.

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

/// The evidence of whether the API works, and the decisions that follow from it.
#[derive(Debug)]
pub(super) struct Availability<T> {
    signs: Signs,
    breaker: Breaker,
    doubts: Doubts,
    control: Control<T>,
}

impl<T: Clone> Availability<T> {
    /// `history` tells how the API answered earlier processes of this run directory.
    pub(super) fn new(history: History) -> Availability<T> {
        Availability {
            signs: Signs::new(history),
            breaker: Breaker::closed(),
            doubts: Doubts::default(),
            control: Control::new(),
        }
    }

    /// A row was applied, after this many failures.
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

    /// An earlier process had this row applied last.
    pub(super) fn applied_earlier(&mut self, customer: CustomerId, row: T) {
        self.control.applied_earlier(Applied {
            customer,
            row,
            country: None,
        });
    }

    /// The control was applied once more.
    pub(super) fn control_applied(&mut self, sent: Moment, now: Moment) -> Decidable {
        self.control.succeeded();
        self.signs.applied(0, sent, now);
        self.control.ends();
        self.doubts.answered_before(sent)
    }

    /// The control's update failed or was refused: the API is down.
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

    /// The read of a control told nothing, or that there is no control.
    pub(super) fn control_inconclusive(&mut self, customer: CustomerId, why: Inconclusive) {
        self.control.ends();
        match why {
            Inconclusive::NotShown => self.control.read_showed_nothing(),
            Inconclusive::Differs => self.control.differs(customer),
            Inconclusive::NotSent => self.control.not_sent(),
        }
    }

    /// A write that left at `sent` was applied, or refused in the API's shape. How long the API was down, where that ends an
    /// outage.
    pub(super) fn alive(&mut self, sent: Moment, now: Moment) -> Option<Duration> {
        let lasted = self.breaker.alive(sent, now);
        if lasted.is_some() {
            self.signs.forget_recent();
        }
        lasted
    }

    /// A row was refused in the API's shape.
    pub(super) fn refused(&mut self, sent: Moment, now: Moment) {
        self.signs.alive(sent, now);
    }

    /// A row that was in doubt, or was sent when one was, ended otherwise than by being applied.
    pub(super) fn ended_otherwise(&mut self, customer: CustomerId) {
        self.control.forget(customer);
    }

    /// A write of this row failed.
    pub(super) fn failed(&mut self, row: Ticket, evidence: Evidence, sent: Moment, now: Moment) {
        self.signs.failed(row, evidence, sent, now);
    }

    /// Something else than the API answered a write of this row, which failed by that.
    pub(super) fn foreign_answer(&mut self, row: Ticket, sent: Moment) {
        self.signs.foreign_answer(row, sent);
    }

    /// A refusal in doubt.
    pub(super) fn refused_in_doubt(&mut self) {
        self.signs.counted();
    }

    /// A row was applied that had been refused in doubt: a gateway spoke.
    pub(super) fn refusal_was_wrong(&mut self, now: Moment) {
        self.doubts.refusal_was_wrong(now);
    }

    /// Whether a gateway has refused rows lately that were applied afterwards.
    pub(super) fn refusals_were_wrong_lately(&self, now: Moment) -> bool {
        self.doubts.refusals_were_wrong_lately(now)
    }

    /// From now on refusals are the API's own, until a write is applied: the rows that were refused, with how they end.
    pub(super) fn believe_refusals(&mut self) -> Vec<(Ticket, Ending)> {
        self.doubts.believe_refusals()
    }

    pub(super) fn believes_refusals(&self) -> bool {
        self.doubts.believes_refusals()
    }

    /// Opens the breaker where the answers say that the API is down.
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

    /// Opens the breaker, since nothing tells whether the rows in doubt are at fault.
    pub(super) fn open_now(&mut self, now: Moment, random: &mut Random) -> Transition {
        self.breaker.open(now, random)
    }

    /// The run is about to end: the breaker is of no use any more.
    pub(super) fn closed_by_the_end(&mut self) {
        self.breaker = Breaker::closed();
    }

    /// Every row that was in trouble has ended.
    pub(super) fn give_up(&mut self) {
        self.breaker = Breaker::closed();
        self.signs.give_up();
        self.doubts = Doubts::default();
    }

    /// The probe failed.
    pub(super) fn probe_failed(&mut self, ticket: Ticket, now: Moment, random: &mut Random) {
        self.breaker.failed(ticket, now, random);
    }

    /// Whether it is a control's turn to be the probe, and not another row's.
    pub(super) fn is_controls_turn(&self) -> bool {
        self.control.is_reliable() && self.breaker.probes_failed() % 2 == 1
    }

    /// The probe ended, and says nothing of the API.
    pub(super) fn probe_ended(&mut self, ticket: Ticket, now: Moment) {
        self.breaker.inconclusive(ticket, now);
    }

    pub(super) fn permission(&self, now: Moment) -> Permission {
        self.breaker.permission(now)
    }

    /// A request leaves.
    pub(super) fn sent(&mut self, ticket: Ticket) {
        self.breaker.sent(ticket);
    }

    /// Since when the breaker is open.
    pub(super) fn down_since(&self) -> Option<Moment> {
        self.breaker.open_since()
    }

    pub(super) fn next_probe(&self) -> Option<Moment> {
        self.breaker.next_probe()
    }

    /// When the first write left that failed since the API last gave a sign of life.
    pub(super) fn failing_since(&self) -> Option<Moment> {
        self.signs.failing_since()
    }

    /// Since when there has been no applied write, and only failures or refusals in doubt.
    pub(super) fn unsuccessful_since(&self) -> Option<Moment> {
        self.signs
            .failing_since()
            .into_iter()
            .chain(self.doubts.refused_since())
            .min()
    }

    /// When the breaker is to be looked at again without an answer.
    pub(super) fn wake_at(&self) -> Option<Moment> {
        if self.down_since().is_some() {
            None
        } else {
            self.signs.down_at()
        }
    }

    pub(super) fn has_answered(&self) -> bool {
        self.signs.has_answered()
    }

    /// Whether the API has ever applied a row in this run directory.
    pub(super) fn has_ever_applied(&self) -> bool {
        self.signs.has_ever_applied()
    }

    pub(super) fn was_alive_since(&self, at: Moment) -> bool {
        self.signs.was_alive_since(at)
    }

    /// When the last write left that was applied.
    pub(super) fn applied_at(&self) -> Option<Moment> {
        self.signs.applied_at()
    }

    pub(super) fn counts(&self) -> Counts {
        self.signs.counts()
    }

    pub(super) fn has_been_in_trouble_since(&self, counts: Counts, now: Moment) -> bool {
        self.signs.has_been_in_trouble_since(counts, now)
    }

    /// Whether the API would have been in trouble since then if the failures of this many other rows were its fault.
    pub(super) fn may_be_in_trouble_since(&self, counts: Counts, rows: usize) -> bool {
        self.signs.may_be_in_trouble_since(counts, rows)
    }

    /// The time in which the user's own rate held everything back is none of the API's.
    pub(super) fn postpone(&mut self, time: Duration) {
        self.signs.postpone(time);
        self.doubts.postpone(time);
    }

    /// Holds a row that is in doubt.
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

    /// The row is in doubt as before.
    pub(super) fn doubt_still(&mut self, doubt: Doubt) {
        self.doubts.keep(doubt);
    }

    pub(super) fn doubts(&self) -> usize {
        self.doubts.len()
    }

    pub(super) fn has_doubts(&self) -> bool {
        !self.doubts.is_empty()
    }

    /// Whether each row in doubt was refused in the API's shape, or asked to wait.
    pub(super) fn all_doubts_are_api_answers(&self) -> bool {
        self.doubts.all_are_api_answers()
    }

    /// Whether something else than the API answered each row in doubt.
    pub(super) fn all_doubts_are_foreign(&self) -> bool {
        self.doubts.all_are_foreign()
    }

    pub(super) fn has_foreign_rows(&self) -> bool {
        self.signs.foreign_rows() >= FOREIGN_ROWS_MAX
    }

    /// Counts of the rows in doubt by their answers.
    pub(super) fn first_answers(&self) -> FirstAnswers {
        self.doubts.first_answers()
    }

    pub(super) fn doubtful_rows(&self) -> impl Iterator<Item = Ticket> {
        self.doubts.iter().map(|doubt| doubt.ticket)
    }

    pub(super) fn take_next_doubt(&mut self) -> Option<Doubt> {
        self.doubts.take_next()
    }

    pub(super) fn recheck_at(&self) -> Option<Moment> {
        self.doubts.recheck_at()
    }

    /// Whether so many refusals are held that a control should tell about them.
    pub(super) fn needs_control(&self) -> bool {
        self.doubts.need_control()
    }

    /// The customers that a control may be about, the best first; none while one is under way.
    pub(super) fn control_customers(&self) -> impl Iterator<Item = CustomerId> {
        self.control
            .customers()
            .filter(|_| !self.control.is_under_way())
    }

    /// Whether a row was applied that a control may repeat, now or later.
    pub(super) fn has_applied(&self) -> bool {
        self.control.customers().next().is_some()
    }

    /// Whether rows in doubt can wait for a control.
    pub(super) fn has_reliable_control(&self) -> bool {
        self.control.is_reliable() && self.control_customers().next().is_some()
    }

    /// From when on a control may be sent.
    pub(super) fn control_due_at(&self) -> Moment {
        self.control.due_at()
    }

    /// The country of this customer, by the answer to the update that a control repeats.
    pub(super) fn control_country(&self, customer: CustomerId) -> Option<u64> {
        self.control.country(customer)
    }

    /// The row that a control about this customer repeats.
    pub(super) fn control_row(&self, customer: CustomerId) -> Option<T> {
        self.control.row(customer)
    }

    pub(super) fn control_begins(&mut self, ticket: Ticket, now: Moment, random: &mut Random) {
        self.doubts.control_was_sent();
        self.control.begins(ticket, now, random);
    }
}
