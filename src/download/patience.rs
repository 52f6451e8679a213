//! The patience with a server that lets nothing through.

use std::time::Duration;

use crate::schedule::{Backoff, Jitter, Random};

/// The first wait and the longest one between attempts.
const WAIT_FIRST: Duration = Duration::from_millis(500);
const WAIT_LAST: Duration = Duration::from_secs(30);

/// The attempts since the last byte, and the time that they took.
pub(super) struct Patience {
    backoff: Backoff,
    random: Random,
    wait_max: Duration,
    attempts: u32,
    lasted: Duration,
}

/// The decision after a failed attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Tries again after this time.
    Wait(Duration),
    /// Nothing came for too long.
    GiveUp,
    /// The server names a wait that is too long.
    WaitTooLong(Duration),
}

impl Patience {
    /// Returns the patience with a server that may be silent for `wait_max`.
    pub(super) fn new(wait_max: Duration, random: Random) -> Patience {
        Patience {
            backoff: Backoff::new(WAIT_FIRST, WAIT_LAST, Jitter::Equal),
            random,
            wait_max,
            attempts: 0,
            lasted: Duration::ZERO,
        }
    }

    /// Notes that bytes came.
    pub(super) fn renew(&mut self) {
        self.backoff.reset();
        self.attempts = 0;
        self.lasted = Duration::ZERO;
    }

    /// Notes an attempt that failed after `took`, and that the server named a wait. The first
    /// failure after some bytes is a connection that broke, so the next attempt follows at once.
    pub(super) fn failed(&mut self, took: Duration, named: Option<Duration>) -> Next {
        self.lasted += took;
        self.attempts += 1;
        let left = self.wait_max.saturating_sub(self.lasted);
        let wait = match named {
            Some(named) if named > self.wait_max => return Next::WaitTooLong(named),
            Some(named) if named > left => return Next::GiveUp,
            // Never before that time.
            Some(named) => named + self.random.up_to(WAIT_FIRST),
            None if self.attempts == 1 => Duration::ZERO,
            None if left.is_zero() => return Next::GiveUp,
            None => self.backoff.next(&mut self.random).min(left),
        };
        self.lasted += wait;
        Next::Wait(wait)
    }

    /// Returns the time since the last byte, with the wait that follows.
    pub(super) fn lasted(&self) -> Duration {
        self.lasted
    }

    /// Returns the longest time without a byte.
    pub(super) fn wait_max(&self) -> Duration {
        self.wait_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience(wait_max_s: u64) -> Patience {
        Patience::new(Duration::from_secs(wait_max_s), Random::seeded(7))
    }

    #[test]
    fn attempts_end_after_the_longest_wait() {
        let mut patience = patience(600);
        assert_eq!(
            patience.failed(Duration::ZERO, None),
            Next::Wait(Duration::ZERO)
        );
        let mut waited = Duration::ZERO;
        let mut attempts = 0;
        while let Next::Wait(wait) = patience.failed(Duration::ZERO, None) {
            assert!(wait <= WAIT_LAST, "{wait:?}");
            waited += wait;
            attempts += 1;
        }
        assert!((20..60).contains(&attempts), "{attempts}");
        assert_eq!(waited, Duration::from_mins(10));
        patience.renew();
        assert_eq!(
            patience.failed(Duration::ZERO, None),
            Next::Wait(Duration::ZERO)
        );
    }

    #[test]
    fn time_without_a_byte_counts_like_a_wait() {
        let mut patience = patience(100);
        let minute = Duration::from_mins(1);
        assert_eq!(patience.failed(minute, None), Next::Wait(Duration::ZERO));
        assert_eq!(patience.failed(minute, None), Next::GiveUp);
        assert_eq!(patience.lasted(), 2 * minute);
    }

    #[test]
    fn a_wait_that_the_server_names_is_kept_to() {
        let mut patience = patience(100);
        let named = Duration::from_secs(90);
        let Next::Wait(wait) = patience.failed(Duration::ZERO, Some(named)) else {
            panic!("it is not too long")
        };
        assert!(wait >= named && wait < named + WAIT_FIRST, "{wait:?}");
        assert_eq!(patience.failed(Duration::ZERO, Some(named)), Next::GiveUp);
        let too_long = Duration::from_secs(101);
        assert_eq!(
            patience.failed(Duration::ZERO, Some(too_long)),
            Next::WaitTooLong(too_long)
        );
    }
}
