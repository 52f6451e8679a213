//! The API's own window: as many requests as it says are left, spread evenly until it says that they are renewed.

use std::time::Duration;

use super::Moment;
use super::server_clock::ServerClock;
use crate::contract::{RateWindow, Reset};

/// The quota is to be spent this many round trips before the window can end, so that no request falls into the next.
/// (In simulation windows of a second lost up to 3 % of their quota without.)
const GUARD_ROUND_TRIPS: u32 = 2;
/// The guard takes at most this part of a window.
const GUARD_PART_OF_WINDOW: u32 = 20;
/// How much longer to wait at a window's end after the API refused a request there.
const LATE_STEP: Duration = Duration::from_millis(500);
const LATE_MAX: Duration = Duration::from_secs(2);
/// Ends that differ by less are one end, rounded to seconds. (In simulation two refusals of one window made it a window of
/// four milliseconds, and every later one was run into.)
const LENGTH_MIN: Duration = Duration::from_millis(1500);

/// What is known of the API's window.
#[derive(Debug, Default)]
pub(super) struct Window {
    current: Option<Current>,
    /// The length of a window and when the last one started, learnt from a refusal where answers do not name the end.
    learnt_end: Option<Moment>,
    learnt_length: Option<Duration>,
    /// How much later than named the API's windows really end.
    late: Duration,
    round_trip: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Current {
    limit: Option<u64>,
    /// The least that an answer of this window said is left.
    remaining: u64,
    /// When the answer that said so was received.
    remaining_received: Moment,
    /// The named end, to know an answer of the next window.
    reset: Option<Reset>,
    end: End,
    /// When the first answer of this window was sent for.
    started: Moment,
}

/// When a window ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Unknown,
    Between { earliest: Moment, latest: Moment },
}

/// What the window allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowance {
    /// Nothing is known that forbids a request.
    Open,
    /// Not before this time.
    NotBefore(Moment),
    /// Not before an answer says how much is left.
    NotBeforeAnswer,
}

impl Window {
    /// Learns from an answer that names what is left.
    pub(super) fn learn(&mut self, seen: RateWindow, clock: &ServerClock, sent: Moment, received: Moment) {
        let round_trip = received.since(sent);
        self.round_trip = if self.round_trip.is_zero() { round_trip } else { (self.round_trip * 7 + round_trip) / 8 };
        let end = self.end_of(seen.reset, clock, received);
        match &mut self.current {
            Some(current) if !current.is_followed_by(&seen, sent, received) => {
                if seen.remaining < current.remaining {
                    current.remaining = seen.remaining;
                    current.remaining_received = received;
                }
                current.limit = seen.limit.or(current.limit);
                // The bounds of the server's clock get narrower, so the newest end is the best known.
                if end != End::Unknown {
                    current.end = end;
                }
            }
            // An answer that left before the window ended says nothing of the next one.
            Some(current) if sent < current.started => {}
            _ => {
                let end = if end == End::Unknown { self.learnt_end_after(received) } else { end };
                self.current = Some(Current {
                    limit: seen.limit,
                    remaining: seen.remaining,
                    remaining_received: received,
                    reset: seen.reset,
                    end,
                    started: sent,
                });
            }
        }
    }

    /// The API refused a request and named a wait: the window ends then, or a little earlier, where it names the end itself.
    pub(super) fn refused(&mut self, renewed_at: Moment, sent: Moment) {
        let named_end = match self.current.map(|current| current.end) {
            Some(End::Between { latest, .. }) => Some(latest),
            Some(End::Unknown) | None => None,
        };
        if named_end.is_some_and(|end| end + self.late <= sent) {
            self.late = (self.late + LATE_STEP).min(LATE_MAX);
        }
        let end = named_end.filter(|end| sent < *end && *end < renewed_at).unwrap_or(renewed_at);
        let length = self.learnt_end.map(|before| end.since(before)).filter(|length| *length >= LENGTH_MIN);
        self.learnt_length = self.learnt_length.into_iter().chain(length).min();
        self.learnt_end = Some(end);
        self.current = None;
    }

    /// What may be sent now. Requests in flight count as spent: the answers seen so far may not have counted them.
    pub(super) fn allowance(&self, now: Moment, last_sent: Option<Moment>, in_flight: usize) -> Allowance {
        let Some(current) = &self.current else { return Allowance::Open };
        let in_flight_count = u64::try_from(in_flight).unwrap_or(u64::MAX);
        let left = current.remaining.saturating_sub(in_flight_count);
        match current.end {
            End::Between { latest, .. } if latest + self.late <= now => {
                // A new window: one request goes ahead and brings back what is left in it.
                if in_flight == 0 { Allowance::Open } else { Allowance::NotBeforeAnswer }
            }
            End::Between { latest, .. } if left == 0 => {
                if in_flight > 0 && current.remaining > 0 {
                    Allowance::NotBeforeAnswer
                } else {
                    Allowance::NotBefore(latest + self.late)
                }
            }
            End::Between { earliest, .. } => Self::spread(left, now, last_sent, self.spend_until(current, earliest)),
            End::Unknown if left > 0 => Allowance::Open,
            // Nothing is left and nobody says until when: one request asks.
            End::Unknown if in_flight == 0 => Allowance::Open,
            End::Unknown => Allowance::NotBeforeAnswer,
        }
    }

    /// Whether answers name what is left.
    pub(super) fn is_known(&self) -> bool {
        self.current.is_some()
    }

    fn spend_until(&self, current: &Current, earliest: Moment) -> Moment {
        let window = earliest.since(current.started);
        earliest - (self.round_trip * GUARD_ROUND_TRIPS).min(window / GUARD_PART_OF_WINDOW)
    }

    fn spread(left: u64, now: Moment, last_sent: Option<Moment>, until: Moment) -> Allowance {
        let Some(last) = last_sent else { return Allowance::Open };
        let gap = until.since(last).div_f64(f64::from(u32::try_from(left).unwrap_or(u32::MAX)));
        if last + gap <= now { Allowance::Open } else { Allowance::NotBefore(last + gap) }
    }

    /// The end of a window whose first answer has come, where none is named. Windows follow each other, or start with the
    /// first request, as Laravel's do: it is to be used up by the earlier end, and over at the later one.
    fn learnt_end_after(&self, received: Moment) -> End {
        let (Some(end), Some(length)) = (self.learnt_end, self.learnt_length) else { return End::Unknown };
        let whole = u32::try_from(received.since(end).as_nanos() / length.as_nanos()).unwrap_or(u32::MAX);
        End::Between { earliest: end + length * whole.saturating_add(1), latest: received + length }
    }

    fn end_of(&self, reset: Option<Reset>, clock: &ServerClock, received: Moment) -> End {
        match reset {
            None => match self.learnt_end.filter(|end| *end > received) {
                Some(end) => End::Between { earliest: end, latest: end },
                None => End::Unknown,
            },
            Some(Reset::After(wait)) => End::Between { earliest: received + wait, latest: received + wait },
            Some(Reset::AtUnix(unix_s)) => match clock.moments_of(unix_s) {
                Some((earliest, latest)) => End::Between { earliest, latest },
                None => End::Unknown,
            },
        }
    }
}

impl Current {
    /// Whether an answer belongs to a later window than this one.
    fn is_followed_by(&self, seen: &RateWindow, sent: Moment, received: Moment) -> bool {
        if let (Some(Reset::AtUnix(known)), Some(Reset::AtUnix(new))) = (self.reset, seen.reset) {
            return new != known;
        }
        let over = matches!(self.end, End::Between { earliest, .. } if earliest <= received);
        // Without a named end only a rising remainder shows a new window. Answers overtake each other, so it has to be that of
        // a request that left after the least remainder was known.
        let was_sent_later = self.end == End::Unknown && sent >= self.remaining_received;
        seen.remaining > self.remaining && (over || was_sent_later)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Moment {
        Moment::after_start(Duration::from_millis(ms))
    }

    fn named(remaining: u64, reset_ms: u64) -> RateWindow {
        RateWindow { limit: Some(60), remaining, reset: Some(Reset::After(Duration::from_millis(reset_ms))) }
    }

    #[test]
    fn what_remains_is_spread_evenly() {
        let mut window = Window::default();
        let clock = ServerClock::default();
        assert_eq!(window.allowance(ms(0), None, 4), Allowance::Open);
        window.learn(named(10, 10_000), &clock, ms(0), ms(0));
        assert_eq!(window.allowance(ms(0), Some(ms(0)), 0), Allowance::NotBefore(ms(1000)));
        assert_eq!(
            window.allowance(ms(0), Some(ms(0)), 5),
            Allowance::NotBefore(ms(2000)),
            "in flight counts as spent"
        );
        assert_eq!(window.allowance(ms(1000), Some(ms(0)), 0), Allowance::Open);
    }

    #[test]
    fn an_empty_window_waits_for_its_end_and_then_asks_with_one_request() {
        let mut window = Window::default();
        let clock = ServerClock::default();
        window.learn(named(0, 500), &clock, ms(0), ms(0));
        assert_eq!(window.allowance(ms(100), Some(ms(0)), 0), Allowance::NotBefore(ms(500)));
        assert_eq!(window.allowance(ms(500), Some(ms(0)), 0), Allowance::Open);
        assert_eq!(window.allowance(ms(501), Some(ms(500)), 1), Allowance::NotBeforeAnswer);
        window.learn(named(59, 1000), &clock, ms(500), ms(510));
        assert_eq!(window.allowance(ms(600), Some(ms(500)), 0), Allowance::Open);
    }

    #[test]
    fn two_refusals_of_one_window_tell_no_length() {
        let mut window = Window::default();
        window.refused(ms(60_000), ms(10));
        window.refused(ms(60_900), ms(20));
        assert_eq!(window.learnt_length, None);
        window.refused(ms(120_000), ms(70_000));
        assert_eq!(window.learnt_length, Some(Duration::from_millis(59_100)));
    }

    #[test]
    fn answers_that_overtake_each_other_are_no_new_window() {
        let mut window = Window::default();
        let clock = ServerClock::default();
        let seen = |remaining| RateWindow { limit: Some(60), remaining, reset: None };
        window.learn(seen(59), &clock, ms(0), ms(100));
        window.learn(seen(1), &clock, ms(150), ms(200));
        window.learn(seen(30), &clock, ms(120), ms(210));
        assert_eq!(window.allowance(ms(210), Some(ms(150)), 1), Allowance::NotBeforeAnswer);
        window.learn(seen(30), &clock, ms(200), ms(300));
        assert_eq!(window.allowance(ms(300), Some(ms(200)), 1), Allowance::Open, "it left when one was left");
    }

    #[test]
    fn without_a_named_end_it_lives_with_the_remainder() {
        let mut window = Window::default();
        let clock = ServerClock::default();
        let seen = |remaining| RateWindow { limit: Some(60), remaining, reset: None };
        window.learn(seen(2), &clock, ms(0), ms(10));
        assert_eq!(window.allowance(ms(10), Some(ms(0)), 1), Allowance::Open);
        assert_eq!(window.allowance(ms(10), Some(ms(0)), 2), Allowance::NotBeforeAnswer);
        window.learn(seen(0), &clock, ms(20), ms(30));
        assert_eq!(window.allowance(ms(30), Some(ms(20)), 0), Allowance::Open, "one request asks for the end");
        window.refused(ms(60_000), ms(30));
        window.learn(seen(59), &clock, ms(60_000), ms(60_010));
        window.learn(seen(0), &clock, ms(61_000), ms(61_010));
        window.refused(ms(120_000), ms(62_000));
        window.learn(seen(59), &clock, ms(120_000), ms(120_010));
        let gap = Duration::from_mins(1).div_f64(59.0);
        match window.allowance(ms(120_010), Some(ms(120_000)), 0) {
            Allowance::NotBefore(at) => {
                let off = at.since(ms(120_000)).as_secs_f64() - gap.as_secs_f64();
                assert!(off.abs() < 0.1, "spread over the window that was learnt, {at:?}");
            }
            other => panic!("{other:?}"),
        }
    }
}
