//! Exponential backoff with jitter, for all growing waits: the schedule's, and those for
//! the file of an address.
//!
//! The `backoff` crate computes the intervals, once for each [`Backoff`]. Its retry loop is not
//! used: it sleeps by its own clock and ignores its limits when a server names a wait. The crate
//! has no maintainer (RUSTSEC-2025-0012), so only this file uses it.

use std::time::Duration;

use ::backoff::ExponentialBackoff;
use ::backoff::backoff::Backoff as _;

use super::random::Random;

/// The most intervals that are kept. 64 doublings lead from a nanosecond to more than five
/// centuries.
const INTERVALS_MAX: usize = 64;
/// The part of an interval by which [`Jitter::Late`] lengthens it at most.
const LATE_PART: u32 = 10;

/// Waits that double with each failure, up to a maximum.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    /// The interval after each consecutive failure. The last one holds from then on. Never empty.
    intervals: Box<[Duration]>,
    jitter: Jitter,
    /// Consecutive failures, as counted by [`Backoff::next`].
    failures: u32,
}

/// The way a wait is drawn from its interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Jitter {
    /// From zero to the interval, so that rows that failed together do not return together. This is
    /// "full jitter" in "Exponential Backoff and Jitter" of the AWS Architecture Blog.
    Full,
    /// From half of the interval to all of it, so that it is never zero, and not in step with other
    /// clients.
    Equal,
    /// From the interval to a tenth more, so that it is never shorter than what a server named, and
    /// not in step with other clients.
    Late,
}

impl Backoff {
    /// Creates waits of `first`, twice that, and so on up to `longest`, each changed by `jitter`.
    pub(crate) fn new(first: Duration, longest: Duration, jitter: Jitter) -> Backoff {
        let mut exponential = ExponentialBackoff {
            current_interval: first.min(longest),
            initial_interval: first.min(longest),
            multiplier: 2.0,
            max_interval: longest,
            randomization_factor: 0.0,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        let mut intervals = Vec::new();
        while intervals.len() < INTERVALS_MAX && intervals.last() != Some(&longest) {
            intervals.push(exponential.next_backoff().unwrap_or(longest));
        }
        Backoff {
            intervals: intervals.into(),
            jitter,
            failures: 0,
        }
    }

    /// The wait after another failure.
    pub(crate) fn next(&mut self, random: &mut Random) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.after(self.failures, random)
    }

    /// Starts again with the first interval.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The wait after `failures` consecutive failures, counted from one.
    pub(crate) fn after(&self, failures: u32, random: &mut Random) -> Duration {
        let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
        let interval = self
            .intervals
            .get(index)
            .or(self.intervals.last())
            .copied()
            .unwrap_or_default();
        match self.jitter {
            Jitter::Full => random.up_to(interval),
            Jitter::Equal => interval / 2 + random.up_to(interval / 2),
            Jitter::Late => interval.saturating_add(random.up_to(interval / LATE_PART)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// The shortest and the longest of many waits after this many failures, as parts of the
    /// interval.
    fn range(jitter: Jitter, failures: u32, interval: Duration) -> (f64, f64) {
        let backoff = Backoff::new(MS(200), MS(20_000), jitter);
        let mut random = Random::seeded(7);
        let parts: Vec<f64> = (0..2000)
            .map(|_| {
                backoff
                    .after(failures, &mut random)
                    .div_duration_f64(interval)
            })
            .collect();
        (
            parts.iter().copied().fold(f64::INFINITY, f64::min),
            parts.iter().copied().fold(0.0, f64::max),
        )
    }

    #[test]
    fn intervals_double_up_to_the_longest() {
        let check = |first: u64, longest: u64, want: &[u64]| {
            let backoff = Backoff::new(MS(first), MS(longest), Jitter::Late);
            let want: Vec<_> = want.iter().copied().map(MS).collect();
            assert_eq!(*backoff.intervals, *want, "{first} to {longest} ms");
        };
        check(
            200,
            20_000,
            &[200, 400, 800, 1600, 3200, 6400, 12_800, 20_000],
        );
        check(
            1000,
            60_000,
            &[1000, 2000, 4000, 8000, 16_000, 32_000, 60_000],
        );
        check(1000, 1000, &[1000]);
        check(5000, 1000, &[1000]);
    }

    #[test]
    fn waits_are_spread_as_their_jitter_says() {
        let check = |jitter: Jitter, low: f64, high: f64| {
            for (failures, interval) in [
                (1, MS(200)),
                (3, MS(800)),
                (8, MS(20_000)),
                (u32::MAX, MS(20_000)),
            ] {
                let (shortest, longest) = range(jitter, failures, interval);
                let margin = (high - low) / 50.0;
                assert!(
                    low <= shortest && shortest < low + margin,
                    "{jitter:?} {failures}: from {shortest}"
                );
                assert!(
                    high - margin < longest && longest <= high,
                    "{jitter:?} {failures}: to {longest}"
                );
            }
        };
        check(Jitter::Full, 0.0, 1.0);
        check(Jitter::Equal, 0.5, 1.0);
        check(Jitter::Late, 1.0, 1.1);
    }

    #[test]
    fn grows_until_it_is_reset() {
        let mut backoff = Backoff::new(MS(1000), MS(4000), Jitter::Late);
        let mut random = Random::seeded(7);
        let mut next = |backoff: &mut Backoff| backoff.next(&mut random).as_secs();
        assert_eq!([(); 4].map(|()| next(&mut backoff)), [1, 2, 4, 4]);
        backoff.reset();
        assert_eq!([(); 2].map(|()| next(&mut backoff)), [1, 2]);
    }

    #[test]
    fn no_interval_and_no_number_of_failures_panics() {
        let mut random = Random::seeded(7);
        for first in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
            for longest in [
                Duration::ZERO,
                Duration::from_nanos(1),
                Duration::from_hours(1),
                Duration::MAX,
            ] {
                for jitter in [Jitter::Full, Jitter::Equal, Jitter::Late] {
                    let mut backoff = Backoff::new(first, longest, jitter);
                    backoff.failures = u32::MAX - 1;
                    for failures in [0, 1, 64, 65, u32::MAX] {
                        backoff.after(failures, &mut random);
                        backoff.next(&mut random);
                    }
                }
            }
        }
    }
}
