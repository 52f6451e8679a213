//! Latencies of answers.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::journal::AnswerTimes;

/// The longest latency that is told apart: an hour in microseconds.
const LATENCY_MAX_US: u64 = 3_600_000_000;

/// The latencies of all answers.
#[derive(Debug)]
pub struct Latencies {
    us: Histogram<u64>,
}

impl Default for Latencies {
    fn default() -> Latencies {
        Latencies {
            us: Histogram::new_with_max(LATENCY_MAX_US, 3)
                .expect("three digits are within the crate's bounds"),
        }
    }
}

impl Latencies {
    /// Records an answer.
    pub fn add(&mut self, took: Duration) {
        self.us
            .saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Returns the latencies that the journal keeps.
    pub(crate) fn answer_times(&self) -> AnswerTimes {
        let mut times = AnswerTimes::default();
        for step in self.us.iter_recorded() {
            times.add(step.value_iterated_to(), step.count_at_value());
        }
        times
    }

    /// Returns the latencies that a journal has kept.
    pub(crate) fn of(times: &AnswerTimes) -> Latencies {
        let mut latencies = Latencies::default();
        for (us, answers) in times.iter() {
            latencies.us.saturating_record_n(us, answers);
        }
        latencies
    }

    /// Returns the latency that this percentage of answers stayed within; `None` without answers.
    pub fn percentile(&self, percent: f64) -> Option<Duration> {
        (!self.us.is_empty()).then(|| Duration::from_micros(self.us.value_at_percentile(percent)))
    }
}
