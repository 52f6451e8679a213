//! The end of sending.

use jiff::Timestamp;

use super::super::recorder::Message;
use super::meter::CUT_OFF;
use super::{Driver, ReadTo, Sent};
use crate::schedule::{Refreshed, StopReason};

impl Driver {
    /// Collects rows that had ended when a second signal ended the loop.
    fn collect_ended(&mut self) {
        while let Some(ended) = self.sending.schedule.pop_ended() {
            self.row_ended(ended);
        }
    }

    /// Hands over the outcomes that are left, gives up requests in flight, and drops all queues.
    pub(super) async fn finish(mut self) -> Sent {
        let cut_off = self.given_up + self.in_flight.len();
        let requests = self.in_flight.clear();
        if let Some(meter) = &mut self.meter {
            let cut_off = requests.into_iter();
            cut_off.for_each(|request| meter.given_up(request, CUT_OFF));
        }
        // A failed refresh is no reason to stop a run that has ended.
        if let Some(refreshed @ (Refreshed::New { .. } | Refreshed::Replaced { .. })) =
            self.token_refresh.finish().await
        {
            let now = self.read_clock();
            self.sending.schedule.token_refreshed(refreshed, now);
        }
        let last = self.sending.schedule.leaves_rate();
        self.rate.finish(last).await;
        self.collect_ended();
        let stop = self.sending.schedule.stopped();
        if stop.is_some_and(StopReason::is_about_another_input) {
            self.tell_recorder(Message::LeaveFailedRows).await;
        } else {
            self.leave_waiting();
            for row in std::mem::take(&mut self.again).into_values() {
                self.ended_earlier(row);
            }
            self.read_settled_rows().await;
        }
        self.outbox.hand_over(&self.queues.recorder).await;
        let now = self.read_clock();
        if let Some(point) = self.reporter.finish(&self.sending.schedule, now) {
            self.tell_recorder(Message::Timeline(point)).await;
        }
        self.meter_now(now);
        let care = self.carer.finish();
        let wait = self.sending.schedule.named_wait_ends(now);
        let wait = wait.map(|until| until.since(now));
        Sent {
            // A time beyond any date is not reported.
            until: wait.and_then(|wait| Timestamp::now().checked_add(wait).ok()),
            stop: self.sending.schedule.stopped().cloned(),
            input_fault: self.input_fault,
            read: self.read,
            statistics: self.sending.schedule.statistics().clone(),
            latencies: self.latencies,
            held_back: self.reporter.brake_times().shares(),
            read_to: self.read_to.unwrap_or(ReadTo::Stop),
            cut_off,
            care,
        }
    }
}
