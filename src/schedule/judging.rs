//! Rows of a run with a canary, and the verdict on it.

use super::canary::{AfterCanary, Canary, CanaryRules, Due, Waiting};
use super::decision::Care;
use super::state::{Schedule, Supply};
use super::step::Step;
use super::stop::StopReason;
use crate::contract::CustomerId;

impl<T: Clone> Schedule<T> {
    /// Sends to the first customers before all others, if there is a canary.
    #[must_use]
    pub(crate) fn with_canary(mut self, rules: Option<CanaryRules>) -> Schedule<T> {
        self.canary = rules.map_or_else(Canary::none, Canary::of);
        self
    }

    /// Takes a row, unless it has to wait for the verdict on the canary.
    pub(super) fn hold_or_wait(&mut self, customer: CustomerId, row: T, bytes: usize, care: Care) {
        if self.canary.is_told() {
            let verdict = self.canary.verdict();
            self.stop(StopReason::Canary { verdict });
        }
        if self.canary.admits(customer) {
            return self.order.hold(customer, row, bytes, care);
        }
        self.canary.wait(Waiting {
            customer: Some(customer),
            row,
            bytes,
            care: Some(care),
        });
    }

    /// The same for a row that is never sent.
    pub(super) fn hold_or_wait_invalid(
        &mut self,
        customer: Option<CustomerId>,
        row: T,
        bytes: usize,
    ) {
        if self.canary.admits_invalid(customer) {
            return self.order.hold_invalid(customer, row, bytes);
        }
        self.canary.wait(Waiting {
            customer,
            row,
            bytes,
            care: None,
        });
    }

    /// Notes that a row has ended again that an earlier process had ended badly.
    pub(crate) fn ended_again(&mut self) {
        self.canary.ended_again();
    }

    /// Whether no row may leave besides those that are held.
    pub(super) fn all_are_held(&self) -> bool {
        self.run.supply == Supply::Closed || self.canary.holds_others()
    }

    /// Makes the verdict on the canary, if it is due. Returns the step that tells it.
    pub(super) fn judge_canary(&mut self) -> Option<Step<T>> {
        let after = match self.canary.due() {
            // A run that has nothing to send does not go on.
            Due::Followed if self.order.rows_held() > 0 => AfterCanary::GoesOn,
            Due::Made if self.all_have_ended() => self.canary.after(&self.canary.verdict()),
            Due::Followed | Due::Made | Due::None => return None,
        };
        let verdict = self.canary.verdict();
        match after {
            AfterCanary::Stops => {
                let verdict = verdict.clone();
                self.stop(StopReason::Canary { verdict });
            }
            AfterCanary::GoesOn => self.release_waiting(),
        }
        Some(Step::Judged(verdict, after))
    }

    /// Whether every row that is held has ended, with an outcome that is recorded.
    fn all_have_ended(&self) -> bool {
        self.order.rows_held() == 0
            && self.run.ended.is_empty()
            && self.run.unrecorded == 0
            && self.flights.is_empty()
    }

    fn release_waiting(&mut self) {
        for waiting in self.canary.end() {
            let Waiting {
                customer,
                row,
                bytes,
                care,
            } = waiting;
            match (customer, care) {
                (Some(customer), Some(care)) => self.order.hold(customer, row, bytes, care),
                (customer, None) => self.order.hold_invalid(customer, row, bytes),
                (None, Some(_)) => unreachable!("a row that is to be sent has a customer"),
            }
        }
    }
}
