//! A transactional outbox: outcomes on their way to the recorder. They are handed over in groups,
//! because each hand-over wakes a thread. The outbox also knows which customers wait until an
//! outcome is recorded.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::recorder::{EndedRow, Message};
use crate::contract::CustomerId;
use crate::journal::Fact;

/// The approximate limit of outcomes in a group.
const ROWS_MAX: usize = 256;
/// The longest wait of an outcome. With the write that follows, it stays below the 50 ms that a
/// kill may cost.
const TIME_MAX: Duration = Duration::from_millis(20);

/// Unrecorded outcomes beyond which no row is read: those of settled rows come as fast as a file is
/// read.
const AWAITING_MAX: usize = 8192;
/// The same limit in bytes, because rows may be long.
const AWAITING_BYTES_MAX: usize = 8 << 20;

/// The reason why sending a message cannot fail.
pub(crate) const RECORDER_LISTENS: &str = "the recorder takes messages until it is told to end";

/// Outcomes that the recorder has not written yet.
#[derive(Debug)]
pub(crate) struct Outbox {
    rows: Vec<EndedRow>,
    /// The time of the oldest outcome in the group.
    since: Option<Instant>,
    urgency: Urgency,
    /// Facts about the run.
    facts: Vec<Fact>,
    /// The customers of unrecorded outcomes, oldest first, with no customer for rows that were not
    /// sent. `None` once nothing is recorded any more.
    awaiting: Option<VecDeque<Awaiting>>,
    /// The size of these rows in bytes.
    awaiting_bytes: usize,
    /// The number of recorded outcomes.
    written: u64,
}

/// An unrecorded outcome.
#[derive(Debug)]
struct Awaiting {
    customer: Option<CustomerId>,
    bytes: usize,
}

/// Whether a row waits for an outcome to be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// The customer's next row waits.
    Urgent,
    /// No row waits.
    None,
}

impl Outbox {
    /// An empty outbox.
    pub(crate) fn new() -> Outbox {
        let awaiting = Some(VecDeque::new());
        Outbox {
            rows: Vec::new(),
            since: None,
            urgency: Urgency::None,
            facts: Vec::new(),
            awaiting,
            awaiting_bytes: 0,
            written: 0,
        }
    }

    /// Adds an outcome; with the customer if the row was sent.
    pub(crate) fn push(&mut self, row: EndedRow, customer: Option<CustomerId>, urgency: Urgency) {
        if let Some(awaiting) = &mut self.awaiting {
            let bytes = row.row.bytes();
            awaiting.push_back(Awaiting { customer, bytes });
            self.awaiting_bytes += bytes;
        }
        self.rows.push(row);
        self.since.get_or_insert_with(Instant::now);
        if urgency == Urgency::Urgent {
            self.urgency = Urgency::Urgent;
        }
    }

    /// Adds a fact about the run, which is durable soon.
    pub(crate) fn push_fact(&mut self, fact: Fact) {
        self.facts.push(fact);
    }

    /// The latest time to hand the group over.
    pub(crate) fn due_at(&self) -> Option<Instant> {
        self.since.map(|since| since + TIME_MAX)
    }

    /// Whether the group is to be handed over now.
    pub(crate) fn is_due(&self) -> bool {
        self.rows.len() >= ROWS_MAX
            || !self.facts.is_empty()
            || self.urgency == Urgency::Urgent
            || self.due_at().is_some_and(|at| at <= Instant::now())
    }

    /// Hands the group over once the recorder has room for it. Cancel-safe: a dropped wait loses
    /// nothing.
    pub(crate) async fn hand_over(&mut self, recorder: &mpsc::Sender<Message>) {
        if !self.facts.is_empty() {
            let permit = recorder.reserve().await.expect(RECORDER_LISTENS);
            permit.send(Message::Facts(std::mem::take(&mut self.facts)));
        }
        if self.rows.is_empty() {
            return;
        }
        let permit = recorder.reserve().await.expect(RECORDER_LISTENS);
        self.since = None;
        self.urgency = Urgency::None;
        permit.send(Message::Ended(std::mem::replace(
            &mut self.rows,
            Vec::with_capacity(ROWS_MAX),
        )));
    }

    /// Whether more rows can be read.
    pub(crate) fn has_room(&self) -> bool {
        let has_room = |awaiting: &VecDeque<_>| {
            awaiting.len() < AWAITING_MAX && self.awaiting_bytes < AWAITING_BYTES_MAX
        };
        self.awaiting.as_ref().is_none_or(has_room)
    }

    /// Takes in the total of recorded outcomes, and returns the customers of the new ones.
    pub(crate) fn written(&mut self, rows: u64) -> impl Iterator<Item = CustomerId> {
        let new = usize::try_from(rows.saturating_sub(self.written)).unwrap_or(usize::MAX);
        self.written = rows;
        let bytes = &mut self.awaiting_bytes;
        let written = self
            .awaiting
            .iter_mut()
            .flat_map(move |awaiting| awaiting.drain(..new.min(awaiting.len())));
        written.filter_map(move |awaiting| {
            *bytes -= awaiting.bytes;
            awaiting.customer
        })
    }

    /// Nothing is recorded any more, so no customer waits.
    pub(crate) fn give_up(&mut self) {
        self.awaiting = None;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::FutureExt as _;
    use jiff::Timestamp;

    use super::*;
    use crate::pipeline::recorder::RowEnd;
    use crate::row::{Position, Row, RowContent};

    fn settled(row: u64) -> EndedRow {
        long(row, 0)
    }

    fn long(row: u64, bytes: usize) -> EndedRow {
        let (position, raw) = (
            Position {
                row,
                input: 0,
                line: row + 1,
            },
            Bytes::from(vec![b'a'; bytes]),
        );
        let row = Row {
            position,
            id: None,
            hash: 0,
            raw,
            content: RowContent::Invalid(Vec::new()),
        };
        EndedRow {
            row,
            end: RowEnd::Earlier,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    /// An outbox at its limit.
    fn full() -> Outbox {
        let mut outbox = Outbox::new();
        let mut row = 0;
        while outbox.has_room() {
            row += 1;
            outbox.push(settled(row), None, Urgency::None);
        }
        assert_eq!(usize::try_from(row), Ok(AWAITING_MAX));
        outbox
    }

    #[test]
    fn rows_are_read_again_once_outcomes_are_written_down_or_never_will_be() {
        let (recorder, mut messages) = mpsc::channel(1);
        let mut outbox = full();
        assert!(outbox.is_due());
        assert_eq!(outbox.hand_over(&recorder).now_or_never(), Some(()));
        assert!(!outbox.is_due());
        assert!(
            matches!(messages.try_recv(), Ok(Message::Ended(ended)) if ended.len() == AWAITING_MAX)
        );
        assert!(
            !outbox.has_room(),
            "what was handed over is not yet written down"
        );
        assert_eq!(
            outbox.written(1).count(),
            0,
            "a settled row holds up no customer"
        );
        assert!(outbox.has_room());

        let mut outbox = full();
        outbox.give_up();
        outbox.push(settled(1), None, Urgency::None);
        assert!(outbox.has_room());
    }

    #[test]
    fn a_recorder_without_room_is_waited_for() {
        let (recorder, mut messages) = mpsc::channel(1);
        let mut outbox = Outbox::new();
        let mut handed_over = |row: u64| {
            outbox.push(settled(row), None, Urgency::Urgent);
            outbox.hand_over(&recorder).now_or_never().is_some()
        };
        assert_eq!([1, 2, 3].map(&mut handed_over), [true, false, false]);
        let mut rows = || match messages.try_recv() {
            Ok(Message::Ended(ended)) => ended
                .iter()
                .map(|row| row.row.position.row)
                .collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(rows(), [1]);
        assert!(handed_over(4));
        assert_eq!(rows(), [2, 3, 4]);
    }

    #[test]
    fn long_rows_fill_it_sooner() {
        let mut outbox = Outbox::new();
        for row in 1..=8 {
            assert!(outbox.has_room());
            outbox.push(long(row, 1 << 20), None, Urgency::None);
        }
        assert!(!outbox.has_room());
        assert_eq!(outbox.written(1).count(), 0);
        assert!(outbox.has_room());
    }
}
