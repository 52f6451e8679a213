//! The server's clock, as far as its answers show it.

use std::time::Duration;

use super::moment::Moment;

/// The most that two clocks drift apart: 200 parts in a million, which is more than quartz does.
const DRIFT_PER_SECOND_US: u64 = 200;

/// The offset of the server's clock from the run's, between two bounds.
///
/// A `Date` of whole seconds says that the server's clock was between that second and the next at
/// some time between sending and receiving. Each answer narrows the bounds, until they are about a
/// round trip apart.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ServerClock {
    bounds: Option<ClockBounds>,
}

#[derive(Debug, Clone, Copy)]
struct ClockBounds {
    /// The bounds of server time minus run time, in microseconds.
    at_least_us: i64,
    at_most_us: i64,
    seen: Moment,
}

impl ServerClock {
    /// Takes the `Date` of an answer.
    pub(super) fn learn(&mut self, date_unix_s: u64, sent: Moment, received: Moment) {
        let date_us = micros(Duration::from_secs(date_unix_s));
        let new = ClockBounds {
            at_least_us: date_us - micros(received.since_start()),
            at_most_us: date_us - micros(sent.since_start()) + 1_000_000,
            seen: received,
        };
        let narrowed = self.bounds.map(|old| {
            let drift =
                micros(received.since(old.seen)) / 1_000_000 * DRIFT_PER_SECOND_US.cast_signed();
            ClockBounds {
                at_least_us: new.at_least_us.max(old.at_least_us - drift),
                at_most_us: new.at_most_us.min(old.at_most_us + drift),
                seen: received,
            }
        });
        // Bounds that contradict each other mean that the server's clock was set: only the new
        // answer counts.
        self.bounds = narrowed
            .filter(|bounds| bounds.at_least_us <= bounds.at_most_us)
            .or(Some(new));
    }

    /// The earliest and the latest run time at which the server's clock shows this Unix second.
    pub(super) fn moments_of(&self, unix_s: u64) -> Option<(Moment, Moment)> {
        let bounds = self.bounds?;
        let unix_us = micros(Duration::from_secs(unix_s));
        Some((
            moment(unix_us - bounds.at_most_us),
            moment(unix_us - bounds.at_least_us),
        ))
    }
}

/// A duration in microseconds, capped so that the sum of four does not overflow.
fn micros(duration: Duration) -> i64 {
    const MOST: i64 = i64::MAX / 4;
    i64::try_from(duration.as_micros())
        .unwrap_or(MOST)
        .min(MOST)
}

fn moment(us: i64) -> Moment {
    Moment::after_start(Duration::from_micros(us.max(0).cast_unsigned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Moment {
        Moment::after_start(Duration::from_millis(ms))
    }

    #[test]
    fn answers_narrow_the_bounds_to_about_a_round_trip() {
        // The server's clock is at 1000.300 s when the run starts. Answers come every 70 ms, each
        // after 20 ms.
        let mut clock = ServerClock::default();
        for step in 0..40 {
            let sent = step * 70;
            clock.learn((1_000_300 + sent + 10) / 1000, ms(sent), ms(sent + 20));
        }
        let (earliest, latest) = clock.moments_of(1010).expect("answers were seen");
        let truth = ms(9_700);
        assert!(
            earliest <= truth && truth <= latest,
            "{earliest:?} {latest:?}"
        );
        assert!(
            latest.since(earliest) <= Duration::from_millis(60),
            "{earliest:?} {latest:?}"
        );
    }

    #[test]
    fn a_clock_that_was_set_is_learned_anew() {
        let mut clock = ServerClock::default();
        clock.learn(1000, ms(0), ms(10));
        clock.learn(500, ms(100), ms(110));
        let (earliest, latest) = clock.moments_of(501).expect("answers were seen");
        assert!(
            earliest <= ms(1100) && latest >= ms(100) && latest <= ms(1110),
            "{earliest:?} {latest:?}"
        );
    }

    #[test]
    fn no_date_panics() {
        let dates = [
            0,
            1_800_000_000,
            9_223_372_036_854,
            u64::MAX / 1_000_000,
            i64::MAX.cast_unsigned(),
            u64::MAX,
        ];
        for first in dates {
            for second in dates {
                let mut clock = ServerClock::default();
                clock.learn(first, ms(0), ms(10));
                clock.learn(second, ms(10), Moment::after_start(Duration::MAX));
                clock.moments_of(first);
                clock.moments_of(second);
            }
        }
    }

    #[test]
    fn nothing_is_known_before_the_first_answer() {
        assert_eq!(ServerClock::default().moments_of(1), None);
    }

    #[test]
    fn bounds_get_wider_with_time_by_what_clocks_drift_apart() {
        let us = |us: u64| Moment::after_start(Duration::from_micros(us));
        // The first answer says that the offset is from 999.98 s to 1001 s.
        let mut clock = ServerClock::default();
        clock.learn(1000, ms(0), ms(20));
        clock.learn(2000, ms(1_000_000), ms(1_000_900));
        let want = (us(1_999_000_000), us(2_000_220_000));
        assert_eq!(clock.moments_of(3000), Some(want), "0.2 s in 1000 s");
        // Here it is from 999.05 s to 1000.1 s.
        let mut clock = ServerClock::default();
        clock.learn(1000, ms(900), ms(950));
        clock.learn(2000, ms(1_000_000), ms(1_000_950));
        let want = (us(1_999_700_000), us(2_000_950_000));
        assert_eq!(clock.moments_of(3000), Some(want));
    }
}
