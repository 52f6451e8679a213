//! Outcomes on their way to the recorder: handed over in groups, for a hand-over wakes a thread; and whose customers wait for
//! them to be written down.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::recorder::{EndedRow, Message};
use crate::contract::CustomerId;

/// A group has at most about this many outcomes …
const ROWS_MAX: usize = 256;
/// … and none of them waits longer than this. With the write that follows it stays below the 50 ms that a kill may cost.
const TIME_MAX: Duration = Duration::from_millis(20);

/// While more outcomes than these are not written down, nothing is read: those of settled rows come as fast as a file is read.
const AWAITING_MAX: usize = 8192;
/// The same in bytes, for rows may be long.
const AWAITING_BYTES_MAX: usize = 8 << 20;

/// What sending a message relies on.
pub(crate) const RECORDER_LISTENS: &str = "the recorder takes messages until it is told to end";

/// Outcomes that the recorder has not written down yet.
#[derive(Debug)]
pub(crate) struct Outbox {
    rows: Vec<EndedRow>,
    /// When the oldest of them came.
    since: Option<Instant>,
    urgency: Urgency,
    /// Whose outcomes were pushed and are not written down yet, oldest first; none for rows that were not sent. Absent once
    /// nothing is written down any more.
    awaiting: Option<VecDeque<Awaiting>>,
    /// What these rows take.
    awaiting_bytes: usize,
    /// Outcomes that were written down.
    written: u64,
}

/// An outcome that is not written down.
#[derive(Debug)]
struct Awaiting {
    customer: Option<CustomerId>,
    bytes: usize,
}

/// Whether somebody waits for an outcome to be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// The customer's next row does.
    Urgent,
    /// Nobody.
    None,
}

impl Outbox {
    /// Nothing is in it.
    pub(crate) fn new() -> Outbox {
        let awaiting = Some(VecDeque::new());
        Outbox {
            rows: Vec::new(),
            since: None,
            urgency: Urgency::None,
            awaiting,
            awaiting_bytes: 0,
            written: 0,
        }
    }

    /// Adds an outcome, of this customer where the row was sent.
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

    /// When the outcomes have to be handed over at the latest.
    pub(crate) fn due_at(&self) -> Option<Instant> {
        self.since.map(|since| since + TIME_MAX)
    }

    /// Whether it is time to hand the group over.
    pub(crate) fn is_due(&self) -> bool {
        self.rows.len() >= ROWS_MAX
            || self.urgency == Urgency::Urgent
            || self.due_at().is_some_and(|at| at <= Instant::now())
    }

    /// Hands the group over once the recorder has room for it. A wait that is given up loses nothing.
    pub(crate) async fn hand_over(&mut self, recorder: &mpsc::Sender<Message>) {
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

    /// So many outcomes are written down, over all groups; the customers whose are among the new ones.
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

    /// Nothing is written down any more: nobody waits for it.
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
    use crate::pipeline::recorder::Fate;
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
            fate: Fate::Earlier,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    /// An outbox that waits for as many outcomes as it may.
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
