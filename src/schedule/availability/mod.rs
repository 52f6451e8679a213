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
use self::signs::{STRANGE_ROWS_MAX, Signs};
use super::ended::Ending;
use super::moment::Moment;
use super::random::Random;
use super::rules::History;
use super::ticket::Ticket;
use crate::contract::CustomerId;

pub(super) use self::breaker::{Gate, Opening};
pub(super) use self::control::Void;
pub(super) use self::doubt::{About, DOUBTS_MAX, Doubt, FirstAnswers, TOGETHER, Told};
pub(super) use self::signs::{Mark, Weight};

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
    ) -> Told {
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
    pub(super) fn control_applied(&mut self, sent: Moment, now: Moment) -> Told {
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
    ) -> Opening {
        self.control.failed();
        self.control.ends();
        self.signs.control_failed(sent);
        self.signs.outage();
        self.open_now(now, random)
    }

    /// The read of a control told nothing, or that there is no control.
    pub(super) fn control_void(&mut self, customer: CustomerId, why: Void) {
        self.control.ends();
        match why {
            Void::InVain => self.control.read_in_vain(),
            Void::Differs => self.control.differs(customer),
            Void::Unsent => self.control.is_unsent(),
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
    pub(super) fn failed(&mut self, row: Ticket, weight: Weight, sent: Moment, now: Moment) {
        self.signs.failed(row, weight, sent, now);
    }

    /// Something else than the API answered a write of this row, which failed by that.
    pub(super) fn strange(&mut self, row: Ticket, sent: Moment) {
        self.signs.strange(row, sent);
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
    pub(super) fn judge(&mut self, now: Moment, random: &mut Random) -> Opening {
        if !self.signs.is_down(now) {
            return Opening::Unchanged;
        }
        let by_many = self.signs.is_told_by_many(now);
        let opening = self.open_now(now, random);
        if opening == Opening::Opened && by_many {
            self.signs.outage();
        }
        opening
    }

    /// Opens the breaker, since nothing tells whether the rows in doubt are at fault.
    pub(super) fn open_now(&mut self, now: Moment, random: &mut Random) -> Opening {
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

    pub(super) fn gate(&self, now: Moment) -> Gate {
        self.breaker.gate(now)
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
    pub(super) fn unwell_since(&self) -> Option<Moment> {
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

    pub(super) fn has_lived_since(&self, at: Moment) -> bool {
        self.signs.has_lived_since(at)
    }

    /// When the last write left that was applied.
    pub(super) fn applied_at(&self) -> Option<Moment> {
        self.signs.applied_at()
    }

    pub(super) fn mark(&self) -> Mark {
        self.signs.mark()
    }

    pub(super) fn has_been_in_trouble_since(&self, mark: Mark, now: Moment) -> bool {
        self.signs.has_been_in_trouble_since(mark, now)
    }

    /// Whether the API would have been in trouble since then if the failures of this many other rows were its fault.
    pub(super) fn may_be_in_trouble_since(&self, mark: Mark, rows: usize) -> bool {
        self.signs.may_be_in_trouble_since(mark, rows)
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
        about: About,
        ending: Option<Ending>,
        now: Moment,
        asked_again: usize,
    ) {
        self.doubts.hold(ticket, about, ending, now, asked_again);
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
    pub(super) fn all_doubts_spoke(&self) -> bool {
        self.doubts.all_spoke()
    }

    /// Whether something else than the API answered each row in doubt.
    pub(super) fn all_doubts_are_strange(&self) -> bool {
        self.doubts.all_are_strange()
    }

    pub(super) fn has_strange_rows(&self) -> bool {
        self.signs.strange_rows() >= STRANGE_ROWS_MAX
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

    pub(super) fn ask_again_at(&self) -> Option<Moment> {
        self.doubts.ask_again_at()
    }

    /// Whether so many refusals are held that a control should tell about them.
    pub(super) fn asks_for_a_control(&self) -> bool {
        self.doubts.ask_for_a_control()
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
