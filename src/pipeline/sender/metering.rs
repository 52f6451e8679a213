//! Hands the numbers of sending over to the metrics.

use super::Driver;
use crate::schedule::Moment;

impl Driver {
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
