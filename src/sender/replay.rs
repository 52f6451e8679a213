//! Rows as they stream in: sent, or left as an earlier process settled them.

use jiff::Timestamp;

use super::Driver;
use crate::reading::Batch;
use crate::recorder::{EndedRow, Fate};
use crate::resume::{Resume, Step};
use crate::row::{Content, Row};
use crate::schedule::StopReason;

impl Driver {
    pub(super) fn offer(&mut self, batch: Batch) {
        self.read.append(&batch.read);
        for row in batch.rows {
            if let Some(resume) = &mut self.sending.resume {
                let planned = resume.take(row);
                self.carry_out_all(planned);
            } else {
                self.carry_out(row, Step::Send);
            }
        }
    }

    pub(super) fn carry_out_all(&mut self, planned: Result<Vec<(Row, Step)>, StopReason>) {
        match planned {
            Ok(planned) => planned.into_iter().for_each(|(row, step)| self.carry_out(row, step)),
            Err(reason) => self.sending.schedule.stop(reason),
        }
    }

    fn carry_out(&mut self, row: Row, step: Step) {
        match (step, self.sending.schedule.stopped()) {
            // Nothing is sent any more: a row without an outcome stays unsent, another keeps the one that it has.
            (Step::Send, Some(_)) => {}
            (Step::SendFragment(debt) | Step::Tell(debt), Some(_)) if !debt.has_outcome => {}
            (Step::SendAgain | Step::Supersede | Step::SendFragment(_) | Step::Tell(_), Some(_)) => {
                self.ended_earlier(row);
            }
            (Step::Leave, _) => {
                self.offer_as_control(&row);
                self.ended_earlier(row);
            }
            (Step::Supersede, None) => self.ended_unsent(row, Fate::Superseded),
            (Step::Tell(debt), None) => self.ended_unsent(row, Fate::Overtaken(debt)),
            (Step::SendAgain, None) => self.schedule_again(row.clone(), row),
            (Step::SendFragment(debt), None) if debt.has_outcome => {
                self.schedule_again(row.clone(), row.fragment(debt.owed));
            }
            (Step::SendFragment(debt), None) => self.schedule(row.fragment(debt.owed)),
            (Step::Send, None) => self.schedule(row),
        }
    }

    /// Schedules what is sent of a row that keeps its outcome until then.
    fn schedule_again(&mut self, whole: Row, sent: Row) {
        self.again.insert(whole.position.row, whole);
        self.schedule(sent);
    }

    fn offer_as_control(&mut self, row: &Row) {
        let was_last = self.sending.resume.as_ref().is_some_and(|resume| resume.was_applied_last(row.position.row));
        if let (true, Content::Update { id, .. }) = (was_last, &row.content) {
            self.sending.schedule.applied_earlier(*id, row.clone());
        }
    }

    fn schedule(&mut self, row: Row) {
        let bytes = row.bytes();
        match &row.content {
            Content::Invalid(_) => self.sending.schedule.offer_invalid(row.id, row, bytes),
            Content::Update { id, .. } => {
                let id = *id;
                self.sending.schedule.offer(id, row, bytes);
            }
            Content::Superseded => self.ended_unsent(row, Fate::Superseded),
        }
    }

    pub(super) fn ended_earlier(&mut self, row: Row) {
        self.ended_unsent(row, Fate::Earlier);
    }

    fn ended_unsent(&mut self, row: Row, fate: Fate) {
        self.ended(EndedRow { row, fate, at: Timestamp::now() }, None);
    }

    /// After an early stop: reads on as far as an earlier process has come, for the summary and the failed rows always
    /// describe the whole run directory. Rows without an outcome are counted, and stay unsent.
    pub(super) async fn read_settled_rows(&mut self) {
        let last_settled = self.sending.resume.as_ref().and_then(Resume::last_row);
        while self.read.last_row < last_settled && self.extent.is_none() {
            self.outbox.hand_over(&self.queues.recorder).await;
            while !self.outbox.has_room() && self.queues.written.changed().await.is_ok() {
                self.release_written();
            }
            // Reading on may take a while, and one more signal still ends it at once.
            let batch = tokio::select! {
                biased;
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                batch = self.queues.batches.recv() => batch,
            };
            match batch {
                Some(Ok(batch)) => self.offer(batch),
                Some(Err(_)) | None => return,
            }
        }
    }
}
