//! How often a row is tried, and how long it waits in between.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;

use super::random::Random;

/// The first interval, doubled from attempt to attempt.
const INTERVAL_FIRST: Duration = Duration::from_millis(200);
/// The longest interval.
const INTERVAL_MAX: Duration = Duration::from_secs(20);
/// Intervals up to the longest. A row may need more of them than it has attempts, where there is doubt whose fault it is.
const INTERVALS_MIN: u32 = 8;
/// Attempts at a row that the API answers with 500: it is more likely the row than the API.
const ATTEMPTS_AT_500: u32 = 3;

/// How often a row is tried and how long it waits.
#[derive(Debug, Clone)]
pub struct RetryPolicy {
    attempts_max: u32,
    /// The interval after each failed attempt.
    intervals: Vec<Duration>,
}

/// A limit of attempts that cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("attempts must be from 1 to {ATTEMPTS_LIMIT}")]
pub struct AttemptsError;

/// The most attempts that can be asked for.
pub const ATTEMPTS_LIMIT: u32 = 100;

impl RetryPolicy {
    /// At most `attempts_max` attempts a row, the first one included.
    pub fn new(attempts_max: u32) -> Result<RetryPolicy, AttemptsError> {
        if !(1..=ATTEMPTS_LIMIT).contains(&attempts_max) {
            return Err(AttemptsError);
        }
        // The crate gives the exponential intervals only. Its own retry loop is not used: it ignores its limits when the
        // server names a wait, and it has no maintainer (RUSTSEC-2025-0012). This is the one place that knows it.
        let mut exponential = ExponentialBackoff {
            current_interval: INTERVAL_FIRST,
            initial_interval: INTERVAL_FIRST,
            multiplier: 2.0,
            max_interval: INTERVAL_MAX,
            randomization_factor: 0.0,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        let intervals = (1..attempts_max.max(INTERVALS_MIN + 1)).map_while(|_| exponential.next_backoff()).collect();
        Ok(RetryPolicy { attempts_max, intervals })
    }

    /// The most attempts at a row that keeps being answered like this.
    pub(super) fn attempts_max(&self, status: Option<u16>) -> u32 {
        if status == Some(500) { self.attempts_max.min(ATTEMPTS_AT_500) } else { self.attempts_max }
    }

    /// The wait after this many failed attempts: any time up to the interval ("full jitter", as in the AWS
    /// Architecture Blog's "Exponential Backoff and Jitter"), so that rows that failed together do not return together.
    pub(super) fn delay(&self, failed_attempts: u32, random: &mut Random) -> Duration {
        let index = usize::try_from(failed_attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        let interval = self.intervals.get(index).or(self.intervals.last()).copied().unwrap_or(INTERVAL_FIRST);
        random.up_to(interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_double_up_to_the_longest() {
        let policy = RetryPolicy::new(10).expect("a good limit");
        let want = [200, 400, 800, 1600, 3200, 6400, 12800, 20000, 20000].map(Duration::from_millis);
        assert_eq!(policy.intervals, want);
    }

    #[test]
    fn delays_are_spread_over_the_interval() {
        let policy = RetryPolicy::new(5).expect("a good limit");
        let mut random = Random::seeded(7);
        let delays: Vec<_> = (0..1000).map(|_| policy.delay(3, &mut random)).collect();
        assert!(delays.iter().all(|delay| *delay < Duration::from_millis(800)));
        assert!(delays.iter().any(|delay| *delay < Duration::from_millis(80)));
        assert!(delays.iter().any(|delay| *delay > Duration::from_millis(720)));
    }

    #[test]
    fn limits() {
        assert_eq!(RetryPolicy::new(0).err(), Some(AttemptsError));
        assert_eq!(RetryPolicy::new(101).err(), Some(AttemptsError));
        let policy = RetryPolicy::new(5).expect("a good limit");
        assert_eq!(
            (policy.attempts_max(Some(500)), policy.attempts_max(Some(503)), policy.attempts_max(None)),
            (3, 5, 5)
        );
        assert_eq!(RetryPolicy::new(2).expect("a good limit").attempts_max(Some(500)), 2);
    }
}
