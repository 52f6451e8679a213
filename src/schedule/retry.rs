//! The number of attempts for a row, and the waits between them.

use std::time::Duration;

use super::backoff::{Backoff, Jitter};
use super::random::Random;

/// The first interval. It doubles with each attempt.
const INTERVAL_FIRST: Duration = Duration::from_millis(200);
/// The longest interval.
const INTERVAL_MAX: Duration = Duration::from_secs(20);

/// The number of attempts for a row, and the waits between them.
#[derive(Debug, Clone)]
pub struct RetryPolicy {
    attempts_max: u32,
    backoff: Backoff,
}

/// A number of attempts that is out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("attempts must be from 1 to {ATTEMPTS_LIMIT}")]
pub struct AttemptsError;

/// The most attempts that can be configured.
pub(crate) const ATTEMPTS_LIMIT: u32 = 100;

impl RetryPolicy {
    /// Creates a policy with at most `attempts_max` attempts for a row, the first one included.
    pub fn new(attempts_max: u32) -> Result<RetryPolicy, AttemptsError> {
        if !(1..=ATTEMPTS_LIMIT).contains(&attempts_max) {
            return Err(AttemptsError);
        }
        Ok(RetryPolicy {
            attempts_max,
            backoff: Backoff::new(INTERVAL_FIRST, INTERVAL_MAX, Jitter::Full),
        })
    }

    /// The most attempts for a row.
    pub(super) fn attempts_max(&self) -> u32 {
        self.attempts_max
    }

    /// The wait after this many failed attempts: a random part of the interval.
    pub(super) fn delay(&self, failed_attempts: u32, random: &mut Random) -> Duration {
        self.backoff.after(failed_attempts, random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_spread_over_an_interval_from_200_ms_to_20_s() {
        let policy = RetryPolicy::new(5).expect("a good limit");
        let mut random = Random::seeded(7);
        for (failed_attempts, interval_ms) in [(1, 200), (3, 800), (8, 20_000), (100, 20_000)] {
            let interval = Duration::from_millis(interval_ms);
            let delays: Vec<_> = (0..1000)
                .map(|_| policy.delay(failed_attempts, &mut random))
                .collect();
            assert!(delays.iter().all(|delay| *delay < interval), "{interval:?}");
            assert!(
                delays.iter().any(|delay| *delay < interval / 10),
                "{interval:?}"
            );
            assert!(
                delays.iter().any(|delay| *delay > interval * 9 / 10),
                "{interval:?}"
            );
        }
    }

    #[test]
    fn limits() {
        assert_eq!(RetryPolicy::new(0).err(), Some(AttemptsError));
        assert_eq!(RetryPolicy::new(101).err(), Some(AttemptsError));
        assert_eq!(RetryPolicy::new(2).expect("a good limit").attempts_max(), 2);
    }
}
