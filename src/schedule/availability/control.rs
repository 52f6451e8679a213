//! The control: the update that was applied last, sent once more, tells whether the API works where rows are in doubt.
//!
//! A read comes first. Only where it shows every field as it was sent does the same update follow, which then changes nothing. A
//! read alone proves little: an API in maintenance reads well and writes nothing.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::backoff::{Backoff, Jitter};
use super::super::moment::Moment;
use super::super::random::Random;
use super::super::ticket::Ticket;
use crate::contract::CustomerId;

/// A control is sent this often at most, and less often where reads do not show what was sent.
const INTERVAL_FIRST: Duration = Duration::from_secs(5);
const INTERVAL_MAX: Duration = Duration::from_mins(1);

/// The number of applied rows that are kept: the customer of the last one may have another row under way.
const APPLIED_KEPT: usize = 8;

/// The time for which a row that was applied is kept before another one takes its place.
const KEPT_FOR: Duration = Duration::from_millis(10);

/// The update to repeat, and when.
#[derive(Debug)]
pub(super) struct Control<T> {
    /// The rows that were applied last, each of another customer, the latest first.
    applied: VecDeque<Applied<T>>,
    /// When the last of them was taken in.
    kept_at: Option<Moment>,
    under_way: Option<Ticket>,
    due_at: Moment,
    interval: Backoff,
    /// Whether the last read did not show what was sent: then nothing relies on the next one.
    is_unreliable: bool,
}

/// A row that was applied.
#[derive(Debug)]
pub(super) struct Applied<T> {
    pub(super) customer: CustomerId,
    pub(super) row: T,
    /// A hash of the country that the answer shows.
    pub(super) country: Option<u64>,
}

/// Why a control came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Inconclusive {
    /// The read did not show the customer.
    NotShown,
    /// It shows another state than was sent.
    Differs,
    /// It is given up unsent, or has to be sent again.
    NotSent,
}

impl<T: Clone> Control<T> {
    pub(super) fn new() -> Control<T> {
        Control {
            applied: VecDeque::with_capacity(APPLIED_KEPT),
            kept_at: None,
            under_way: None,
            due_at: Moment::START,
            interval: Backoff::new(INTERVAL_FIRST, INTERVAL_MAX, Jitter::Late),
            is_unreliable: false,
        }
    }

    /// Whether a row that is applied now is worth keeping: one that was a moment ago is as good.
    pub(super) fn has_room_at(&self, now: Moment) -> bool {
        self.applied.is_empty() || self.kept_at.is_none_or(|at| now.since(at) >= KEPT_FOR)
    }

    /// This row was applied.
    pub(super) fn applied(&mut self, applied: Applied<T>, now: Moment) {
        self.forget(applied.customer);
        self.applied.truncate(APPLIED_KEPT - 1);
        self.applied.push_front(applied);
        self.kept_at = Some(now);
        self.is_unreliable = false;
    }

    /// This row was applied last before any other.
    pub(super) fn applied_earlier(&mut self, applied: Applied<T>) {
        if self.applied.is_empty() {
            self.applied.push_back(applied);
        }
    }

    /// The API may not hold any more what was applied for this customer.
    pub(super) fn forget(&mut self, customer: CustomerId) {
        if let Some(index) = self
            .applied
            .iter()
            .position(|applied| applied.customer == customer)
        {
            self.applied.remove(index);
        }
    }

    /// The customers that a control may be about, the best first.
    pub(super) fn customers(&self) -> impl Iterator<Item = CustomerId> {
        self.applied.iter().map(|applied| applied.customer)
    }

    pub(super) fn due_at(&self) -> Moment {
        self.due_at
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// The row of this customer that was applied last.
    pub(super) fn row(&self, customer: CustomerId) -> Option<T> {
        self.applied
            .iter()
            .find(|applied| applied.customer == customer)
            .map(|applied| applied.row.clone())
    }

    /// The country of this customer, by the answer to the update.
    pub(super) fn country(&self, customer: CustomerId) -> Option<u64> {
        self.applied
            .iter()
            .find(|applied| applied.customer == customer)
            .and_then(|applied| applied.country)
    }

    pub(super) fn begins(&mut self, ticket: Ticket, now: Moment, random: &mut Random) {
        self.under_way = Some(ticket);
        self.due_at = now + self.interval.next(random);
    }

    pub(super) fn ends(&mut self) {
        self.under_way = None;
    }

    /// The read did not show the customer.
    pub(super) fn read_showed_nothing(&mut self) {
        self.is_unreliable = true;
    }

    /// The read shows another state of this customer than was sent.
    pub(super) fn differs(&mut self, customer: CustomerId) {
        self.forget(customer);
        self.is_unreliable = true;
    }

    /// The read met trouble, or has to be sent again: it says nothing of reads.
    pub(super) fn not_sent(&mut self) {
        self.interval.reset();
    }

    /// Whether a control can be relied on: reads show customers, as far as is known.
    pub(super) fn is_reliable(&self) -> bool {
        !self.is_unreliable
    }

    /// The update was applied once more.
    pub(super) fn succeeded(&mut self) {
        self.interval.reset();
        self.is_unreliable = false;
    }

    /// The update failed or was refused.
    pub(super) fn failed(&mut self) {
        self.interval.reset();
    }
}
