//! The pace of the API's windows, for an estimate of the time left.

use std::time::Duration;

/// The API's window: the requests that it allows, and its renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowPace {
    /// The requests that a whole window allows, at least one.
    pub requests: u64,
    /// The time from one window to the next, more than zero.
    pub length: Duration,
    /// The requests that are left of this window.
    pub left: u64,
    /// The time until the next window.
    pub renewed_in: Duration,
}

impl WindowPace {
    /// Returns the time until the windows have allowed this many requests. It is zero if what is
    /// left of this window is enough, and saturates.
    pub fn time_for(&self, requests: u64) -> Duration {
        let beyond = requests.saturating_sub(self.left);
        if beyond == 0 {
            return Duration::ZERO;
        }
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let windows = beyond as f64 / self.requests as f64;
        let seconds = self.length.as_secs_f64() * windows;
        let later = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        self.renewed_in.saturating_add(later)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_beyond_a_window_wait_for_the_next_ones() {
        let pace = WindowPace {
            requests: 600,
            length: Duration::from_mins(1),
            left: 100,
            renewed_in: Duration::from_secs(10),
        };
        let check = |requests, want_s| {
            assert_eq!(
                pace.time_for(requests),
                Duration::from_secs(want_s),
                "{requests}"
            );
        };
        check(0, 0);
        check(100, 0);
        check(400, 10 + 30);
        check(100 + 6_000, 10 + 600);
        assert!(pace.time_for(u64::MAX) > Duration::from_hours(1 << 30));
    }
}
