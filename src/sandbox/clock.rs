//! The clock of a sandbox, from its start and from its first request.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The two moments from which a sandbox counts. Tokens and the window count from its start. The
/// spans of faults count from its first request, because a client may need seconds to start, which
/// must not use up an outage.
#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    first_request: OnceLock<Instant>,
}

/// The time that has passed since either moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Elapsed {
    pub(super) since_start: Duration,
    pub(super) since_first_request: Duration,
}

impl Clock {
    pub(super) fn start(now: Instant) -> Clock {
        Clock {
            started: now,
            first_request: OnceLock::new(),
        }
    }

    /// Notes a request on any route. Only the first one counts.
    pub(super) fn note_request(&self, now: Instant) {
        self.first_request.get_or_init(|| now);
    }

    /// The time that has passed. Before the first request, none has passed since it.
    pub(super) fn elapsed(&self, now: Instant) -> Elapsed {
        let since = |moment: Instant| now.saturating_duration_since(moment);
        Elapsed {
            since_start: since(self.started),
            since_first_request: self
                .first_request
                .get()
                .map_or(Duration::ZERO, |first| since(*first)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Clock;

    /// Times are in seconds after the start.
    #[test]
    fn one_time_counts_from_the_start_and_one_from_the_first_request() {
        let start = Instant::now();
        let at = |second: u64| start + Duration::from_secs(second);
        let clock = Clock::start(start);
        let check = |second: u64, want_since_first_request: u64| {
            let elapsed = clock.elapsed(at(second));
            let want = (
                Duration::from_secs(second),
                Duration::from_secs(want_since_first_request),
            );
            let found = (elapsed.since_start, elapsed.since_first_request);
            assert_eq!(found, want, "at {second} s");
        };
        check(0, 0);
        check(3_600, 0);
        clock.note_request(at(3_600));
        check(3_600, 0);
        check(3_605, 5);
        clock.note_request(at(3_605));
        check(3_620, 20);
    }
}
