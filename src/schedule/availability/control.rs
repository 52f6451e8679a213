//! The control: an applied update that is sent once more, to show whether the API works while rows
//! are in doubt.
//!
//! A read comes first. The same update follows only if the read shows every field as it was sent,
//! so that it changes nothing. A read alone proves little: an API in maintenance answers reads and
//! applies no writes.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::backoff::{Backoff, Jitter};
use super::super::moment::Moment;
use super::super::random::Random;
use super::super::ticket::Ticket;
use crate::contract::CustomerId;

/// The time between two controls. It grows while reads do not show what was sent.
const INTERVAL_FIRST: Duration = Duration::from_secs(5);
const INTERVAL_MAX: Duration = Duration::from_mins(1);

/// The number of applied rows that are kept. The customer of the last one may have another row
/// under way.
const APPLIED_KEPT: usize = 8;

/// The time for which an applied row is kept before another one takes its place.
const KEPT_FOR: Duration = Duration::from_millis(10);

/// The rows that a control can repeat, and the time of the next control.
#[derive(Debug)]
pub(super) struct Control<T> {
    /// The last applied rows, each of another customer, newest first.
    applied: VecDeque<Applied<T>>,
    /// The time at which the last of them was added.
    kept_at: Option<Moment>,
    under_way: Option<Ticket>,
    due_at: Moment,
    interval: Backoff,
    /// Whether the last read did not show what was sent. Then no decision waits for the next one.
    is_unreliable: bool,
}

/// An applied row.
#[derive(Debug)]
pub(super) struct Applied<T> {
    pub(super) customer: CustomerId,
    pub(super) row: T,
    /// A hash of the country that the answer shows.
    pub(super) country: Option<u64>,
}

/// The reason for which a control shows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Inconclusive {
    /// The read did not show the customer.
    NotShown,
    /// The customer's state is not what was sent.
    Differs,
    /// The control was given up before it was sent, or has to be sent again.
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

    /// Whether to keep a row that is applied now. A row from a moment ago is as good.
    pub(super) fn has_room_at(&self, now: Moment) -> bool {
        self.applied.is_empty() || self.kept_at.is_none_or(|at| now.since(at) >= KEPT_FOR)
    }

    /// Keeps a row that was applied.
    pub(super) fn applied(&mut self, applied: Applied<T>, now: Moment) {
        self.forget(applied.customer);
        self.applied.truncate(APPLIED_KEPT - 1);
        self.applied.push_front(applied);
        self.kept_at = Some(now);
        self.is_unreliable = false;
    }

    /// Keeps the row that an earlier process had applied last, if there is no other.
    pub(super) fn applied_earlier(&mut self, applied: Applied<T>) {
        if self.applied.is_empty() {
            self.applied.push_back(applied);
        }
    }

    /// Forgets this customer's row: the API may no longer hold what was applied.
    pub(super) fn forget(&mut self, customer: CustomerId) {
        if let Some(index) = self
            .applied
            .iter()
            .position(|applied| applied.customer == customer)
        {
            self.applied.remove(index);
        }
    }

    /// The customers whose row a control can repeat, best first.
    pub(super) fn customers(&self) -> impl Iterator<Item = CustomerId> {
        self.applied.iter().map(|applied| applied.customer)
    }

    /// The time from which the next control may be sent.
    pub(super) fn due_at(&self) -> Moment {
        self.due_at
    }

    /// Whether a control is being read or written.
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// The customer's last applied row.
    pub(super) fn row(&self, customer: CustomerId) -> Option<T> {
        self.applied
            .iter()
            .find(|applied| applied.customer == customer)
            .map(|applied| applied.row.clone())
    }

    /// The customer's country, by the answer to the update.
    pub(super) fn country(&self, customer: CustomerId) -> Option<u64> {
        self.applied
            .iter()
            .find(|applied| applied.customer == customer)
            .and_then(|applied| applied.country)
    }

    /// Notes a control that is sent.
    pub(super) fn begins(&mut self, ticket: Ticket, now: Moment, random: &mut Random) {
        self.under_way = Some(ticket);
        self.due_at = now + self.interval.next(random);
    }

    /// Notes the end of a control.
    pub(super) fn ends(&mut self) {
        self.under_way = None;
    }

    /// Notes a read that did not show the customer.
    pub(super) fn read_showed_nothing(&mut self) {
        self.is_unreliable = true;
    }

    /// Notes a read that shows another state than was sent.
    pub(super) fn differs(&mut self, customer: CustomerId) {
        self.forget(customer);
        self.is_unreliable = true;
    }

    /// Notes a read that met trouble or has to be sent again. It says nothing about reads.
    pub(super) fn not_sent(&mut self) {
        self.interval.reset();
    }

    /// Whether a control can be relied on: as far as is known, reads show customers.
    pub(super) fn is_reliable(&self) -> bool {
        !self.is_unreliable
    }

    /// Notes that the update was applied again.
    pub(super) fn succeeded(&mut self) {
        self.interval.reset();
        self.is_unreliable = false;
    }

    /// Notes that the update failed or was refused.
    pub(super) fn failed(&mut self) {
        self.interval.reset();
    }
}
