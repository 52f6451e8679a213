//! Held rows, and whose turn it is: a customer's rows go one at a time, in file order.
//!
//! A customer is *busy* from the time at which a row of theirs is held until its outcome is
//! recorded. Their later rows queue behind it and hold up no other customer.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use rapidhash::RapidHashMap;
use slab::Slab;

use super::decision::Care;
use super::ended::Ending;
use super::guard::Guard;
use super::moment::Moment;
use super::request::{Departure, Request};
use super::row_failures::RowFailures;
use super::ticket::Ticket;
use crate::contract::CustomerId;

/// A row that has no outcome yet.
#[derive(Debug)]
pub(super) struct Held<T> {
    ticket: Ticket,
    pub(super) customer: CustomerId,
    pub(super) row: T,
    /// The purpose for which it is held.
    pub(super) purpose: Purpose,
    /// The care that its update needs.
    pub(super) care: Care,
    /// Its next request, or the one that is in flight.
    pub(super) request: Request,
    /// Updates that were sent for it.
    pub(super) updates: u32,
    /// Requests that were sent for it, since its last read was answered.
    pub(super) sent: u32,
    /// The ending that the driver has decided on, for an update that is applied. It waits for the
    /// driver if the update is applied.
    pub(super) ending: Option<Ending>,
    /// The condition of its next update.
    pub(super) guard: Guard,
    /// The generation of the token that the last request was sent with.
    pub(super) token_generation: u32,
    /// The failures of its attempts.
    pub(super) failures: RowFailures,
    /// Its request, if one is in flight.
    pub(super) departure: Option<Departure>,
    /// The time that the last request took.
    pub(super) took: Duration,
    bytes: usize,
}

/// The purpose of a held row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be applied, and to end with an outcome.
    Row,
    /// To be sent once more although it was applied, as the control.
    Control(Request),
}

/// The place of a row among those that were not sent yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Before,
    Behind,
}

/// A row whose turn has come.
#[derive(Debug)]
enum Ready<T> {
    /// A row that can be sent.
    Sendable(Ticket),
    /// A row that is never sent. It ends after the rows before it, so that the share of rows that
    /// ended badly is not that of the rows read ahead.
    Invalid(Invalid<T>),
    /// A row whose customer is known already, so that it is not read.
    Known(Ticket),
}

/// A row that is never sent. If its customer is known, it takes its turn among their rows, so that
/// outcomes are recorded in file order.
#[derive(Debug)]
struct Invalid<T> {
    customer: Option<CustomerId>,
    row: T,
    bytes: usize,
}

/// The held rows.
#[derive(Debug)]
pub(super) struct Order<T> {
    /// The held rows, each in the place that its ticket has.
    held: Slab<Held<T>>,
    bytes: usize,
    next_ticket: u64,
    /// Controls among the held rows.
    controls: usize,
    /// Held rows that have failed.
    failed: usize,
    /// The busy customers, each with the rows queued behind the current one.
    busy: RapidHashMap<CustomerId, VecDeque<Ready<T>>>,
    /// Rows whose turn has come, oldest first.
    ready: VecDeque<Ready<T>>,
    /// Invalid rows that are held.
    invalid_held: usize,
    /// Rows to be sent again, by the time at which they are due.
    retries: BTreeSet<(Moment, Ticket)>,
    /// Rows whose customer was read and that the driver has decided to send.
    decided: VecDeque<Ticket>,
    /// The rows about which the driver has to decide.
    undecided: BTreeSet<Ticket>,
    /// The row that goes alone: no row that was not sent yet leaves before it is decided.
    alone: Option<Ticket>,
}

impl<T> Order<T> {
    pub(super) fn new() -> Order<T> {
        Order {
            held: Slab::new(),
            bytes: 0,
            next_ticket: 0,
            controls: 0,
            failed: 0,
            busy: RapidHashMap::default(),
            ready: VecDeque::new(),
            invalid_held: 0,
            retries: BTreeSet::new(),
            decided: VecDeque::new(),
            undecided: BTreeSet::new(),
            alone: None,
        }
    }

    /// Holds a row, which costs `bytes`.
    pub(super) fn hold(&mut self, customer: CustomerId, row: T, bytes: usize, care: Care) {
        let ticket = self.hold_as(Purpose::Row, customer, row, bytes);
        let held = self.get_mut(ticket);
        held.care = care;
        held.request = match care {
            Care::None => Request::Write,
            Care::Read | Care::Alone | Care::Known => Request::Read,
        };
        let row = match care {
            Care::None | Care::Read | Care::Alone => Ready::Sendable(ticket),
            Care::Known => Ready::Known(ticket),
        };
        self.queue(Some(customer), row);
    }

    /// Queues a row behind those of its customer, or behind all rows if the customer is idle.
    fn queue(&mut self, customer: Option<CustomerId>, row: Ready<T>) {
        let behind = customer.and_then(|customer| match self.busy.entry(customer) {
            Entry::Occupied(behind) => Some(behind.into_mut()),
            Entry::Vacant(idle) => {
                idle.insert(VecDeque::new());
                None
            }
        });
        behind.unwrap_or(&mut self.ready).push_back(row);
    }

    /// Holds a row that was applied, to be sent once more. Its idle customer is busy until then.
    pub(super) fn hold_control(&mut self, customer: CustomerId, row: T) -> Ticket {
        self.busy.entry(customer).or_default();
        self.controls += 1;
        self.hold_as(Purpose::Control(Request::Read), customer, row, 0)
    }

    /// Returns a ticket for a request that is about no held row. No other request has it.
    pub(super) fn new_ticket(&mut self) -> Ticket {
        let ticket = Ticket::numbered(self.next_ticket);
        self.next_ticket += 1;
        ticket
    }

    fn hold_as(&mut self, purpose: Purpose, customer: CustomerId, row: T, bytes: usize) -> Ticket {
        let ticket = Ticket::new(self.next_ticket, self.held.vacant_key());
        self.next_ticket += 1;
        self.bytes += bytes;
        self.held.insert(Held {
            ticket,
            customer,
            row,
            purpose,
            care: Care::None,
            request: Request::Write,
            updates: 0,
            sent: 0,
            ending: None,
            guard: Guard::None,
            token_generation: 0,
            failures: RowFailures::default(),
            departure: None,
            took: Duration::ZERO,
            bytes,
        });
        ticket
    }

    /// Whether no row of the customer is held and all their outcomes are recorded.
    pub(super) fn is_idle(&self, customer: CustomerId) -> bool {
        !self.busy.contains_key(&customer)
    }

    /// Holds an invalid row.
    pub(super) fn hold_invalid(&mut self, customer: Option<CustomerId>, row: T, bytes: usize) {
        self.bytes += bytes;
        self.invalid_held += 1;
        self.queue(
            customer,
            Ready::Invalid(Invalid {
                customer,
                row,
                bytes,
            }),
        );
    }

    /// Takes an invalid row whose turn has come. Its customer is busy until [`Order::release`].
    pub(super) fn take_invalid(&mut self) -> Option<(T, Option<CustomerId>)> {
        match self.ready.pop_front()? {
            Ready::Invalid(Invalid {
                customer,
                row,
                bytes,
            }) => {
                self.bytes -= bytes;
                self.invalid_held -= 1;
                Some((row, customer))
            }
            other @ (Ready::Sendable(_) | Ready::Known(_)) => {
                self.ready.push_front(other);
                None
            }
        }
    }

    /// Takes a row whose turn has come and whose customer is known.
    pub(super) fn take_known(&mut self) -> Option<Ticket> {
        match self.ready.front()? {
            Ready::Known(ticket) if self.alone.is_none() => {
                let ticket = *ticket;
                self.ready.pop_front();
                Some(ticket)
            }
            Ready::Known(_) | Ready::Sendable(_) | Ready::Invalid(_) => None,
        }
    }

    /// The number of held rows, without controls.
    pub(super) fn rows_held(&self) -> usize {
        self.held.len() - self.controls + self.invalid_held
    }

    /// The bytes that held rows take up.
    pub(super) fn bytes_held(&self) -> usize {
        self.bytes
    }

    /// The held row of a ticket.
    pub(super) fn get(&self, ticket: Ticket) -> &Held<T> {
        self.held
            .get(ticket.place())
            .filter(|held| held.ticket == ticket)
            .expect("a ticket is valid until its row has ended")
    }

    /// The held row of a ticket, to change it.
    pub(super) fn get_mut(&mut self, ticket: Ticket) -> &mut Held<T> {
        self.held
            .get_mut(ticket.place())
            .filter(|held| held.ticket == ticket)
            .expect("a ticket is valid until its row has ended")
    }

    /// The time at which the first row is due to be sent again.
    pub(super) fn first_retry_at(&self) -> Option<Moment> {
        self.retries.first().map(|(due, _)| *due)
    }

    /// The first row to be sent again.
    pub(super) fn first_retry(&self) -> Option<Ticket> {
        self.retries.first().map(|(_, ticket)| *ticket)
    }

    /// Takes the first row to be sent again.
    pub(super) fn take_retry(&mut self) -> Option<Ticket> {
        self.retries.pop_first().map(|(_, ticket)| ticket)
    }

    /// Takes the newest row whose turn has come, for a probe.
    ///
    /// It is the least like those that failed. Probes with failed rows would keep the breaker open
    /// over a cluster of bad rows.
    pub(super) fn take_newest(&mut self) -> Option<Ticket> {
        if self.alone.is_some() {
            return None;
        }
        match self.ready.back() {
            Some(Ready::Sendable(ticket)) => {
                let ticket = *ticket;
                self.ready.pop_back();
                Some(ticket)
            }
            Some(Ready::Invalid(_) | Ready::Known(_)) | None => self.take_ready(),
        }
    }

    /// Takes the oldest row whose turn has come, if it can be sent.
    pub(super) fn take_ready(&mut self) -> Option<Ticket> {
        if self.alone.is_some() {
            return None;
        }
        match self.ready.front()? {
            Ready::Invalid(_) | Ready::Known(_) => None,
            Ready::Sendable(ticket) => {
                let ticket = *ticket;
                self.ready.pop_front();
                Some(ticket)
            }
        }
    }

    /// Notes that a row has failed, or was refused in doubt.
    pub(super) fn fails(&mut self, ticket: Ticket) {
        let failures = &mut self.get_mut(ticket).failures;
        failures.failed += 1;
        self.failed += usize::from(self.get(ticket).failures.failed == 1);
    }

    /// Held rows that have failed, or were refused in doubt.
    pub(super) fn rows_failed(&self) -> usize {
        self.failed
    }

    /// Whether no row may be sent but the one that was just answered.
    pub(super) fn has_nothing_else_to_send(&self) -> bool {
        self.ready.is_empty() && self.retries.is_empty() && !self.has_unwritten()
    }

    /// Whether the oldest row whose turn has come can be sent.
    pub(super) fn has_ready(&self) -> bool {
        self.alone.is_none() && matches!(self.ready.front(), Some(Ready::Sendable(_)))
    }

    /// Whether a row whose turn has come waits to be sent, possibly for the row that goes alone.
    pub(super) fn has_untried(&self) -> bool {
        matches!(self.ready.front(), Some(Ready::Sendable(_))) || self.has_unwritten()
    }

    /// Whether the update of a row whose customer was read has not left.
    pub(super) fn has_unwritten(&self) -> bool {
        self.has_undecided() || self.has_decided()
    }

    /// Leaves a row to the driver's decision.
    pub(super) fn await_decision(&mut self, ticket: Ticket) {
        self.undecided.insert(ticket);
    }

    /// Notes the driver's decision about a row. Returns whether it was awaited.
    pub(super) fn decided(&mut self, ticket: Ticket) -> bool {
        self.undecided.remove(&ticket)
    }

    /// Whether the driver has to decide about this row.
    pub(super) fn is_undecided(&self, ticket: Ticket) -> bool {
        self.undecided.contains(&ticket)
    }

    /// Whether the driver has to decide about any row.
    pub(super) fn has_undecided(&self) -> bool {
        !self.undecided.is_empty()
    }

    /// Lets a row leave before those that were not sent yet.
    pub(super) fn send_decided(&mut self, ticket: Ticket) {
        self.decided.push_back(ticket);
    }

    /// Whether a decided row waits to leave.
    pub(super) fn has_decided(&self) -> bool {
        !self.decided.is_empty()
    }

    /// Takes the decided row that has waited longest.
    pub(super) fn take_decided(&mut self) -> Option<Ticket> {
        self.decided.pop_front()
    }

    /// Puts a row back among those that were not sent yet: before them, or behind them.
    pub(super) fn put_back(&mut self, ticket: Ticket, place: Place) {
        match place {
            Place::Before => self.ready.push_front(Ready::Sendable(ticket)),
            Place::Behind => self.ready.push_back(Ready::Sendable(ticket)),
        }
    }

    /// The row that goes alone.
    pub(super) fn alone(&self) -> Option<Ticket> {
        self.alone
    }

    /// Lets no row that was not sent yet leave until this one is decided.
    pub(super) fn goes_alone(&mut self, ticket: Ticket) {
        self.alone = Some(ticket);
    }

    /// Lets other rows leave, if this one went alone.
    pub(super) fn joins_the_others(&mut self, ticket: Ticket) {
        self.alone.take_if(|alone| *alone == ticket);
    }

    /// Forgets the failures of a row, whose next request is another one.
    pub(super) fn forget_failures(&mut self, ticket: Ticket) {
        let held = self.get_mut(ticket);
        let failures = std::mem::take(&mut held.failures);
        if failures.ambiguous {
            held.failures.ambiguous = true;
        }
        self.failed -= usize::from(failures.failed > 0);
    }

    /// Makes a row due to be sent again at `due`.
    pub(super) fn send_again(&mut self, ticket: Ticket, due: Moment) {
        self.retries.insert((due, ticket));
    }

    /// The time at which a row is due to be sent again, if it is among those rows. The search takes
    /// time for each of them.
    pub(super) fn due(&self, ticket: Ticket) -> Option<Moment> {
        let found = self.retries.iter().find(|(_, retry)| *retry == ticket);
        found.map(|(due, _)| *due)
    }

    /// The rows to be sent again.
    pub(super) fn retries(&self) -> impl Iterator<Item = Ticket> {
        self.retries.iter().map(|(_, ticket)| *ticket)
    }

    /// Removes all rows from those to be sent again.
    pub(super) fn clear_retries(&mut self) {
        self.retries.clear();
    }

    /// Removes a row that has ended. Its customer is busy until [`Order::release`].
    pub(super) fn end(&mut self, ticket: Ticket) -> Held<T> {
        // The row is there, and not another one in its place.
        self.get(ticket);
        let held = self.held.remove(ticket.place());
        self.joins_the_others(ticket);
        self.bytes -= held.bytes;
        self.failed -= usize::from(held.failures.failed > 0);
        match held.purpose {
            Purpose::Row => {}
            Purpose::Control(_) => self.controls -= 1,
        }
        held
    }

    /// Notes that the customer's last outcome is recorded. Their next row may go, before rows of
    /// other customers.
    pub(super) fn release(&mut self, customer: CustomerId) {
        let Some(behind) = self.busy.get_mut(&customer) else {
            return;
        };
        match behind.pop_front() {
            Some(row) => self.ready.push_front(row),
            None => {
                self.busy.remove(&customer);
            }
        }
    }

    /// Whether rows queue behind the customer's outcome.
    pub(super) fn has_rows_behind(&self, customer: CustomerId) -> bool {
        self.busy
            .get(&customer)
            .is_some_and(|behind| !behind.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: u64) -> CustomerId {
        CustomerId::new(id).expect("a good id")
    }

    fn take_all(order: &mut Order<&'static str>) -> Vec<&'static str> {
        let mut rows = Vec::new();
        while let Some(ticket) = order.take_ready() {
            rows.push(order.get(ticket).row);
        }
        rows
    }

    #[test]
    fn a_customers_rows_go_one_at_a_time() {
        let mut order = Order::new();
        order.hold(id(1), "a", 1, Care::None);
        order.hold(id(1), "b", 1, Care::None);
        order.hold(id(2), "c", 1, Care::None);
        assert_eq!(take_all(&mut order), ["a", "c"]);
        assert!(order.has_rows_behind(id(1)) && !order.has_rows_behind(id(2)));
        order.release(id(1));
        assert_eq!(take_all(&mut order), ["b"]);
        order.hold(id(1), "d", 1, Care::None);
        assert_eq!(
            take_all(&mut order),
            [""; 0],
            "the customer is busy until b is written down"
        );
        order.release(id(1));
        assert_eq!(take_all(&mut order), ["d"]);
    }

    #[test]
    fn an_invalid_row_takes_its_turn_among_those_of_its_customer() {
        let mut order = Order::new();
        order.hold(id(1), "a", 1, Care::None);
        order.hold_invalid(Some(id(1)), "invalid", 1);
        order.hold(id(1), "b", 1, Care::None);
        order.hold_invalid(None, "unknown", 1);
        assert_eq!(take_all(&mut order), ["a"]);
        assert_eq!(order.take_invalid(), Some(("unknown", None)));
        order.release(id(1));
        assert_eq!(take_all(&mut order), [""; 0]);
        assert_eq!(order.take_invalid(), Some(("invalid", Some(id(1)))));
        assert_eq!(
            take_all(&mut order),
            [""; 0],
            "the customer is busy until that is written down"
        );
        order.release(id(1));
        assert_eq!(
            (take_all(&mut order), order.take_invalid()),
            (vec!["b"], None)
        );
    }

    #[test]
    #[should_panic(expected = "a ticket is valid until its row has ended")]
    fn a_ticket_is_not_that_of_the_next_row_in_its_place() {
        let mut order = Order::new();
        order.hold(id(1), "a", 1, Care::None);
        let ticket = order.take_ready().expect("its turn");
        order.end(ticket);
        order.hold(id(2), "b", 1, Care::None);
        order.get(ticket);
    }

    #[test]
    fn rows_to_send_again_come_when_they_are_due() {
        let mut order = Order::new();
        order.hold(id(1), "a", 7, Care::None);
        let ticket = order.take_ready().expect("its turn");
        let due = Moment::after_start(Duration::from_secs(5));
        order.send_again(ticket, due);
        assert_eq!(
            (order.first_retry_at(), order.first_retry()),
            (Some(due), Some(ticket))
        );
        assert_eq!(
            (order.take_retry(), order.take_retry()),
            (Some(ticket), None)
        );
        assert_eq!(
            (
                order.bytes_held(),
                order.end(ticket).row,
                order.bytes_held()
            ),
            (7, "a", 0)
        );
    }

    /// The tickets of this many rows, each of another customer, whose turn has come.
    fn taken(order: &mut Order<&'static str>, rows: u64) -> Vec<Ticket> {
        (1..=rows).for_each(|customer| order.hold(id(customer), "", 1, Care::None));
        std::iter::from_fn(|| order.take_ready()).collect()
    }

    #[test]
    fn each_request_has_a_ticket_of_its_own() {
        let mut order = Order::new();
        let mut tickets = taken(&mut order, 2);
        tickets.extend([order.new_ticket(), order.new_ticket()]);
        tickets.sort_unstable();
        tickets.dedup();
        assert_eq!(tickets.len(), 4);
    }

    #[test]
    fn an_invalid_row_takes_up_its_bytes_until_it_is_taken() {
        let mut order = Order::new();
        order.hold(id(1), "a", 3, Care::None);
        order.hold_invalid(None, "invalid", 5);
        assert_eq!((order.rows_held(), order.bytes_held()), (2, 8));
        assert_eq!(take_all(&mut order), ["a"]);
        assert!(order.take_invalid().is_some());
        assert_eq!((order.rows_held(), order.bytes_held()), (1, 3));
    }

    #[test]
    fn a_known_row_waits_for_the_row_that_goes_alone() {
        let mut order = Order::new();
        let alone = *taken(&mut order, 1).last().expect("one row");
        order.hold(id(2), "known", 1, Care::Known);
        order.goes_alone(alone);
        assert_eq!(order.take_known(), None);
        order.joins_the_others(alone);
        assert!(order.take_known().is_some());
    }

    #[test]
    fn what_the_driver_decides_about_is_still_to_be_written() {
        let mut order = Order::new();
        let ticket = *taken(&mut order, 1).last().expect("one row");
        assert!(!order.has_unwritten() && order.has_nothing_else_to_send());
        order.await_decision(ticket);
        assert!(order.has_undecided() && order.is_undecided(ticket));
        assert!(order.has_unwritten() && order.has_untried() && !order.has_nothing_else_to_send());
        assert!(order.decided(ticket) && !order.decided(ticket));
        assert!(!order.has_unwritten());
        order.send_decided(ticket);
        assert!(order.has_unwritten() && order.has_untried() && !order.has_nothing_else_to_send());
        assert_eq!(order.take_decided(), Some(ticket));
        assert!(!order.has_unwritten());
    }

    #[test]
    fn a_row_that_failed_is_counted_once_until_its_failures_are_forgotten() {
        let mut order = Order::new();
        let [first, second] = taken(&mut order, 2).try_into().expect("two rows");
        for ticket in [first, first, second] {
            order.fails(ticket);
        }
        assert_eq!(order.rows_failed(), 2);
        order.get_mut(first).failures.ambiguous = true;
        order.forget_failures(first);
        assert_eq!(order.rows_failed(), 1);
        let failures = &order.get(first).failures;
        assert!(
            failures.failed == 0 && failures.ambiguous,
            "it may still be applied"
        );
        order.forget_failures(first);
        assert_eq!(order.rows_failed(), 1);
        order.end(second);
        assert_eq!(order.rows_failed(), 0);
    }

    #[test]
    fn each_row_to_send_again_has_its_time() {
        let mut order = Order::new();
        let tickets: [Ticket; 3] = taken(&mut order, 3).try_into().expect("three rows");
        let at = |seconds| Moment::after_start(Duration::from_secs(seconds));
        order.send_again(tickets[0], at(5));
        order.send_again(tickets[1], at(4));
        assert_eq!(
            tickets.map(|ticket| order.due(ticket)),
            [Some(at(5)), Some(at(4)), None]
        );
        assert_eq!(order.first_retry(), Some(tickets[1]));
        order.clear_retries();
        assert_eq!((order.first_retry(), order.due(tickets[0])), (None, None));
    }
}
