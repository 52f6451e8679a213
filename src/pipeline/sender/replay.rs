//! Offers rows to the schedule as they are read, or leaves them as an earlier process settled them.

use jiff::Timestamp;

use super::super::reading::Batch;
use super::super::recorder::{EndedRow, RowEnd};
use super::super::resume::{Resume, Step};
use super::{Driver, Offered, ReadTo};
use crate::row::{Row, RowContent};
use crate::schedule::Care;

impl Driver {
    /// Takes in a batch. Its rows wait until the schedule has room for them.
    pub(super) fn take_in(&mut self, batch: Batch) {
        self.read.append(&batch.read);
        self.waiting.extend(batch.rows);
    }

    /// Offers as many waiting rows as there is room for.
    pub(super) fn offer_waiting(&mut self) -> Offered {
        let mut offered = Offered::None;
        while self.has_room() && self.offer_next() == Offered::Some {
            offered = Offered::Some;
        }
        self.close_if_all_is_offered();
        offered
    }

    /// Sends nothing more: waiting rows keep the outcome of an earlier process, or stay unsent.
    pub(super) fn leave_waiting(&mut self) {
        while self.offer_next() == Offered::Some {}
    }

    fn offer_next(&mut self) -> Offered {
        let compared = self.sending.resume.as_mut().and_then(Resume::next_compared);
        if let Some((row, step)) = compared {
            self.carry_out(row, step);
            return Offered::Some;
        }
        let Some(row) = self.waiting.pop_front() else {
            return Offered::None;
        };
        let planned = match &mut self.sending.resume {
            Some(resume) => resume.take(row),
            None => Ok(Some((row, Step::Send))),
        };
        match planned {
            Ok(Some((row, step))) => self.carry_out(row, step),
            Ok(None) => {}
            Err(reason) => self.sending.schedule.stop(reason),
        }
        Offered::Some
    }

    /// Whether schedule and outbox have room for a row.
    pub(super) fn has_room(&self) -> bool {
        self.sending.schedule.has_room() && self.outbox.has_room()
    }

    /// Whether no row waits to be offered.
    pub(super) fn has_offered_all(&self) -> bool {
        self.waiting.is_empty()
            && !self
                .sending
                .resume
                .as_ref()
                .is_some_and(Resume::has_compared)
    }

    /// Closes the schedule once no more rows will be offered.
    pub(super) fn close_if_all_is_offered(&mut self) {
        if self.read_to == Some(ReadTo::End) && self.has_offered_all() {
            self.sending.schedule.close();
        }
    }

    fn carry_out(&mut self, row: Row, step: Step) {
        match (step, self.sending.schedule.stopped()) {
            // Stopping: new rows stay unsent; rows to repeat keep their earlier outcome.
            (Step::Send, Some(_)) => {}
            (Step::SendPart(remainder) | Step::Report(remainder), Some(_))
                if !remainder.has_outcome => {}
            (Step::SendAgain | Step::Supersede | Step::SendPart(_) | Step::Report(_), Some(_)) => {
                self.ended_earlier(row);
            }
            (Step::Leave, _) => {
                self.offer_as_control(&row);
                self.ended_earlier(row);
            }
            (Step::Supersede, None) => self.ended_unsent(row, RowEnd::Superseded),
            (Step::Report(remainder), None) => self.ended_unsent(row, RowEnd::Overtaken(remainder)),
            (Step::SendAgain, None) => self.schedule_again(row.clone(), row),
            (Step::SendPart(remainder), None) if remainder.has_outcome => {
                self.schedule_again(row.clone(), row.fragment(remainder.fields));
            }
            (Step::SendPart(remainder), None) => self.schedule(row.fragment(remainder.fields)),
            (Step::Send, None) => self.schedule(row),
        }
    }

    /// Schedules the part of a row that is sent again. The row keeps its outcome until then.
    fn schedule_again(&mut self, whole: Row, sent: Row) {
        self.again.insert(whole.position.row, whole);
        self.schedule(sent);
    }

    fn offer_as_control(&mut self, row: &Row) {
        let was_last = self
            .sending
            .resume
            .as_ref()
            .is_some_and(|resume| resume.was_applied_last(row.position.row));
        if let (true, RowContent::Update { id, .. }) = (was_last, &row.content) {
            self.sending.schedule.applied_earlier(*id, row.clone());
        }
    }

    fn schedule(&mut self, row: Row) {
        let bytes = row.bytes();
        match &row.content {
            RowContent::Invalid(_) => self.sending.schedule.offer_invalid(row.id, row, bytes),
            RowContent::Update { id, .. } => {
                let id = *id;
                let care = if self.is_known(id) {
                    Care::Known
                } else {
                    self.carer.care_of(&row)
                };
                self.sending.schedule.offer(id, row, bytes, care);
            }
            RowContent::Superseded => self.ended_unsent(row, RowEnd::Superseded),
            RowContent::Unchanged => self.ended_unsent(row, RowEnd::Unchanged),
            RowContent::Elsewhere => self.ended_unsent(row, RowEnd::Elsewhere),
        }
    }

    pub(super) fn ended_earlier(&mut self, row: Row) {
        self.ended_unsent(row, RowEnd::Earlier);
    }

    fn ended_unsent(&mut self, row: Row, end: RowEnd) {
        self.ended(
            EndedRow {
                row,
                end,
                at: Timestamp::now(),
            },
            None,
        );
    }

    /// Reads on after an early stop, as far as an earlier process got: the summary and the failed
    /// rows always describe the whole run directory. Rows without an outcome are counted and stay
    /// unsent.
    pub(super) async fn read_settled_rows(&mut self) {
        let last_settled = self.sending.resume.as_ref().and_then(Resume::last_row);
        while self.read.last_row < last_settled && self.read_to.is_none() {
            self.outbox.hand_over(&self.queues.recorder).await;
            while !self.outbox.has_room() && self.queues.written.changed().await.is_ok() {
                self.release_written();
            }
            // This may take a while, and one more signal ends it at once.
            let batch = tokio::select! {
                biased;
                _ = self.sending.drain.next() => return,
                batch = self.queues.batches.recv() => batch,
            };
            match batch {
                Some(Ok(batch)) => {
                    self.take_in(batch);
                    self.leave_waiting();
                }
                Some(Err(_)) | None => return,
            }
        }
    }
}
