//! Hands the numbers of sending over: to the progress line, the timeline and the metrics.

use super::super::recorder::Message;
use super::Driver;
use crate::schedule::Moment;

impl Driver {
    /// Reports the progress of now.
    pub(super) fn report(&mut self) {
        let now = self.read_clock();
        self.log_rate_share(now);
        let point = self.reporter.report(&self.sending.schedule, now);
        self.meter_now(now);
        if let Some(point) = point.map(Message::Timeline) {
            // If the queue is full, the timeline has a gap.
            self.queues.recorder.try_send(point).ok();
        }
    }

    /// Hands the numbers of now over to the metrics, if they are wanted.
    pub(super) fn meter_now(&self, now: Moment) {
        if let Some(meter) = &self.meter {
            let (schedule, in_flight) = (&self.sending.schedule, self.in_flight.len());
            let times = self.reporter.brake_times();
            let bytes_read = self.sending.progress.snapshot().ended_bytes;
            meter.hand_over(schedule, in_flight, times, bytes_read, now);
        }
    }
}
