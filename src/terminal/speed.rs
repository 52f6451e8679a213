//! The speed of the last seconds. An average over the whole run would follow a change too slowly,
//! and would count the time in which a continued run reads past settled rows.

use std::collections::VecDeque;
use std::time::Duration;

use crate::results::progress::ProgressSnapshot;

/// The time that the speed is of.
const WINDOW: Duration = Duration::from_secs(15);
/// The least time from which it is known.
const KNOWN_FROM: Duration = Duration::from_millis(500);

/// The speed at which rows end.
#[derive(Debug)]
pub(super) struct Speed {
    /// Samples of the last [`WINDOW`], and the one before them.
    samples: VecDeque<Sample>,
}

/// The numbers of this process at one moment.
#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    /// The time since the start.
    at: Duration,
    rows: u64,
    bytes: u64,
}

impl Speed {
    /// Returns the speed of a process that starts.
    pub(super) fn new() -> Speed {
        Speed {
            samples: VecDeque::from([Sample::default()]),
        }
    }

    /// Takes in the numbers at a time since the start.
    pub(super) fn add(&mut self, at: Duration, snapshot: &ProgressSnapshot) {
        self.samples.push_back(Sample {
            at,
            rows: snapshot.ended,
            bytes: snapshot.ended_bytes,
        });
        while self
            .samples
            .get(1)
            .is_some_and(|second| at.saturating_sub(second.at) >= WINDOW)
        {
            self.samples.pop_front();
        }
    }

    /// Returns the rows a second; 0 at the start.
    pub(super) fn rows(&self) -> f64 {
        self.since_first(|sample| sample.rows).unwrap_or_default()
    }

    /// Returns the time in which this many rows end at this speed, if that is known.
    pub(super) fn time_for_rows(&self, rows: u64) -> Option<Duration> {
        time_for(rows, self.since_first(|sample| sample.rows)?)
    }

    /// Returns the time in which this many bytes of rows end at this speed, if that is known.
    pub(super) fn time_for_bytes(&self, bytes: u64) -> Option<Duration> {
        time_for(bytes, self.since_first(|sample| sample.bytes)?)
    }

    /// Returns the growth of a number a second, or `None` if the time is too short.
    fn since_first(&self, number: impl Fn(&Sample) -> u64) -> Option<f64> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let took = last.at.saturating_sub(first.at);
        #[expect(clippy::cast_precision_loss, reason = "shown without decimals")]
        let growth = number(last).saturating_sub(number(first)) as f64;
        (took >= KNOWN_FROM).then(|| growth / took.as_secs_f64())
    }
}

/// Returns the time for a number at this growth a second, if there is any.
fn time_for(number: u64, growth: f64) -> Option<Duration> {
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let seconds = number as f64 / growth;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the rows a second, and the seconds for 1,000 bytes, after these samples of seconds
    /// and rows of 10 bytes.
    fn after(samples: &[(u64, u64)]) -> (f64, Option<u64>) {
        let mut speed = Speed::new();
        for &(second, ended) in samples {
            let snapshot = ProgressSnapshot {
                ended,
                ended_bytes: 10 * ended,
                ..ProgressSnapshot::default()
            };
            speed.add(Duration::from_secs(second), &snapshot);
        }
        let time = speed.time_for_bytes(1_000).map(|time| time.as_secs());
        (speed.rows(), time)
    }

    #[test]
    fn the_speed_is_that_of_the_last_seconds() {
        assert_eq!(after(&[]), (0.0, None));
        assert_eq!(after(&[(0, 5)]), (0.0, None), "no time has passed");
        assert_eq!(after(&[(10, 100)]), (10.0, Some(10)));
        // A quick minute, then a slow one.
        let quick = (1..=60).map(|second| (second, 1_000 * second));
        let slow = (61..=120).map(|second| (second, 60_000 + second - 60));
        let samples: Vec<_> = quick.chain(slow).collect();
        assert_eq!(after(&samples), (1.0, Some(100)));
        // Log lines are further apart.
        let lines = [(10, 100), (20, 200), (30, 300), (40, 340), (50, 350)];
        assert_eq!(after(&lines), (2.5, Some(40)));
    }

    #[test]
    fn nothing_that_ends_gives_no_time() {
        let waiting: Vec<_> = (1..=60).map(|second| (second, 7)).collect();
        assert_eq!(after(&waiting), (0.0, None));
    }
}
