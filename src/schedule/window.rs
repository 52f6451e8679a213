//! The API's own window: as many requests as it says are left, until the time that it says they are renewed.
//!
//! What is left of a short window is spread evenly over it. What fits is not spread: neither where all rows that are left fit,
//! nor in a window so long that an even pace would be an idle one. Every time and number here may be a server's nonsense, so
//! all arithmetic on them saturates.

use std::time::Duration;

use super::backoff::{Backoff, Jitter};
use super::server_clock::ServerClock;
use super::{Moment, Random};
use crate::contract::{RateWindow, Reset};

/// The quota is to be spent this many round trips before the window can end, so that no request falls into the next.
const GUARD_ROUND_TRIPS: u32 = 2;
/// The guard takes at most this part of a window.
const GUARD_PART_OF_WINDOW: u32 = 20;
/// How much longer to wait at a window's end after the API refused a request there.
const LATE_STEP: Duration = Duration::from_millis(500);
const LATE_MAX: Duration = Duration::from_secs(2);
/// Two refusals whose named ends are closer than this belong to one window: `Retry-After` is whole seconds.
const LENGTH_MIN: Duration = Duration::from_millis(1500);

/// The longest window over which requests are spread.
const SPREAD_MAX: Duration = Duration::from_mins(10);
/// The first wait before the API is asked again that says that nothing is left, and not until when.
const ASK_FIRST: Duration = Duration::from_secs(1);
/// The longest such wait.
const ASK_MAX: Duration = Duration::from_mins(1);

/// What is known of the API's window.
#[derive(Debug)]
pub(super) struct Window {
    current: Option<Current>,
    /// The length of a window and when the last one started, learnt from a refusal where answers do not name the end.
    learnt_end: Option<Moment>,
    learnt_length: Option<Duration>,
    /// How much later than named the API's windows really end.
    late: Duration,
    round_trip: Duration,
    /// When to ask again, while nothing is left and no end is known that lies ahead.
    ask_at: Option<Moment>,
    asking: Backoff,
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
    /// The window holds no request back.
    Open,
    /// Not before this time, by our own pacing.
    NotBefore(Moment),
    /// Not before this time, the named end of a window in which nothing is left: the API lets nothing through.
    Exhausted(Moment),
    /// Not before an answer says how much is left.
    NotBeforeAnswer,
}

impl Default for Window {
    fn default() -> Window {
        Window {
            current: None,
            learnt_end: None,
            learnt_length: None,
            late: Duration::ZERO,
            round_trip: Duration::ZERO,
            ask_at: None,
            asking: Backoff::new(ASK_FIRST, ASK_MAX, Jitter::Late),
        }
    }
}

impl Window {
    /// Learns from an answer that names what is left.
    pub(super) fn learn(
        &mut self,
        seen: RateWindow,
        clock: &ServerClock,
        sent: Moment,
        received: Moment,
        random: &mut Random,
    ) {
        let round_trip = received.since(sent);
        self.round_trip = match self.round_trip {
            Duration::ZERO => round_trip,
            known => known.saturating_mul(7).saturating_add(round_trip) / 8,
        };
        self.see(seen, clock, sent, received);
        self.plan_to_ask(sent, received, random);
    }

    fn see(&mut self, seen: RateWindow, clock: &ServerClock, sent: Moment, received: Moment) {
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

    /// Sets the time to ask again where nothing is left and no end lies ahead. Only the answer to such a request makes the
    /// next wait longer, not those of others that were in flight with it.
    fn plan_to_ask(&mut self, sent: Moment, received: Moment, random: &mut Random) {
        let Some(current) = &self.current else { return };
        let ends_later = matches!(current.end, End::Between { latest, .. } if latest + self.late > received);
        if current.remaining > 0 {
            self.asking.reset();
        }
        if current.remaining > 0 || ends_later {
            self.ask_at = None;
        } else if self.ask_at.is_none_or(|at| at <= sent) {
            self.ask_at = Some(received + self.asking.next(random));
        }
    }

    /// Learns from a refusal that names a wait: the window ends then, or a little earlier, where it names the end itself.
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
        self.ask_at = None;
    }

    /// Whether a request may leave now. Requests in flight count as spent: the answers seen so far may not have counted them.
    /// `rows_left` are those that are not in flight, if their number is known.
    pub(super) fn allowance(
        &self,
        now: Moment,
        last_sent: Option<Moment>,
        in_flight: usize,
        rows_left: Option<u64>,
    ) -> Allowance {
        let Some(current) = &self.current else { return Allowance::Open };
        let in_flight_count = u64::try_from(in_flight).unwrap_or(u64::MAX);
        let left = current.remaining.saturating_sub(in_flight_count);
        if let Some(at) = self.ask_at {
            return match at {
                _ if in_flight > 0 => Allowance::NotBeforeAnswer,
                at if at > now => Allowance::NotBefore(at),
                _ => Allowance::Open,
            };
        }
        match current.end {
            End::Between { latest, .. } if latest + self.late <= now => {
                // A new window: one request goes ahead and brings back what is left in it.
                if in_flight == 0 { Allowance::Open } else { Allowance::NotBeforeAnswer }
            }
            End::Between { latest, .. } if left == 0 => {
                if in_flight > 0 && current.remaining > 0 {
                    Allowance::NotBeforeAnswer
                } else {
                    Allowance::Exhausted(latest + self.late)
                }
            }
            End::Between { .. } if rows_left.is_some_and(|rows| rows <= left) => Allowance::Open,
            End::Between { earliest, .. } if earliest.since(current.started) > SPREAD_MAX => Allowance::Open,
            End::Between { earliest, .. } => Self::spread(left, now, last_sent, self.spend_until(current, earliest)),
            End::Unknown if left > 0 => Allowance::Open,
            End::Unknown => Allowance::NotBeforeAnswer,
        }
    }

    /// Whether answers name what is left.
    pub(super) fn is_known(&self) -> bool {
        self.current.is_some()
    }

    fn spend_until(&self, current: &Current, earliest: Moment) -> Moment {
        let window = earliest.since(current.started);
        earliest - self.round_trip.saturating_mul(GUARD_ROUND_TRIPS).min(window / GUARD_PART_OF_WINDOW)
    }

    /// Spreads what is `left`, at least one, over the time until then.
    fn spread(left: u64, now: Moment, last_sent: Option<Moment>, until: Moment) -> Allowance {
        let Some(last) = last_sent else { return Allowance::Open };
        let gap = until.since(last) / u32::try_from(left).unwrap_or(u32::MAX).max(1);
        if last + gap <= now { Allowance::Open } else { Allowance::NotBefore(last + gap) }
    }

    /// The end of a window whose first answer has come, where none is named. Windows follow each other, or start with the
    /// first request, as Laravel's do: it is to be used up by the earlier end, and over at the later one.
    fn learnt_end_after(&self, received: Moment) -> End {
        let (Some(end), Some(length)) = (self.learnt_end, self.learnt_length) else { return End::Unknown };
        let whole = u32::try_from(received.since(end).as_nanos() / length.as_nanos().max(1)).unwrap_or(u32::MAX);
        End::Between { earliest: end + length.saturating_mul(whole.saturating_add(1)), latest: received + length }
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
        // Answers overtake each other, so a rising remainder says something only where the request left after the least one
        // was known.
        let rises = seen.remaining > self.remaining;
        let was_sent_later = sent >= self.remaining_received;
        if let (Some(Reset::AtUnix(known)), Some(Reset::AtUnix(new))) = (self.reset, seen.reset) {
            return new != known || (rises && was_sent_later);
        }
        let is_over = matches!(self.end, End::Between { earliest, .. } if earliest <= received);
        rises && (is_over || (self.end == End::Unknown && was_sent_later))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn learn(window: &mut Window, seen: RateWindow, sent: Moment, received: Moment) {
        window.learn(seen, &ServerClock::default(), sent, received, &mut Random::seeded(1));
    }

    fn ms(ms: u64) -> Moment {
        Moment::after_start(Duration::from_millis(ms))
    }

    fn named(remaining: u64, reset_ms: u64) -> RateWindow {
        RateWindow { limit: Some(60), remaining, reset: Some(Reset::After(Duration::from_millis(reset_ms))) }
    }

    #[test]
    fn what_remains_is_spread_evenly() {
        let mut window = Window::default();
        assert_eq!(window.allowance(ms(0), None, 4, None), Allowance::Open);
        learn(&mut window, named(10, 10_000), ms(0), ms(0));
        assert_eq!(window.allowance(ms(0), Some(ms(0)), 0, None), Allowance::NotBefore(ms(1000)));
        assert_eq!(
            window.allowance(ms(0), Some(ms(0)), 5, None),
            Allowance::NotBefore(ms(2000)),
            "in flight counts as spent"
        );
        assert_eq!(window.allowance(ms(1000), Some(ms(0)), 0, None), Allowance::Open);
    }

    #[test]
    fn an_empty_window_waits_for_its_end_and_then_asks_with_one_request() {
        let mut window = Window::default();
        learn(&mut window, named(0, 500), ms(0), ms(0));
        assert_eq!(window.allowance(ms(100), Some(ms(0)), 0, None), Allowance::Exhausted(ms(500)));
        assert_eq!(window.allowance(ms(500), Some(ms(0)), 0, None), Allowance::Open);
        assert_eq!(window.allowance(ms(501), Some(ms(500)), 1, None), Allowance::NotBeforeAnswer);
        learn(&mut window, named(59, 1000), ms(500), ms(510));
        assert_eq!(window.allowance(ms(600), Some(ms(500)), 0, None), Allowance::Open);
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
        let seen = |remaining| RateWindow { limit: Some(60), remaining, reset: None };
        learn(&mut window, seen(59), ms(0), ms(100));
        learn(&mut window, seen(1), ms(150), ms(200));
        learn(&mut window, seen(30), ms(120), ms(210));
        assert_eq!(window.allowance(ms(210), Some(ms(150)), 1, None), Allowance::NotBeforeAnswer);
        learn(&mut window, seen(30), ms(200), ms(300));
        assert_eq!(window.allowance(ms(300), Some(ms(200)), 1, None), Allowance::Open, "it left when one was left");
    }

    #[test]
    fn without_a_named_end_it_lives_with_the_remainder() {
        let mut window = Window::default();
        let seen = |remaining| RateWindow { limit: Some(60), remaining, reset: None };
        learn(&mut window, seen(2), ms(0), ms(10));
        assert_eq!(window.allowance(ms(10), Some(ms(0)), 1, None), Allowance::Open);
        assert_eq!(window.allowance(ms(10), Some(ms(0)), 2, None), Allowance::NotBeforeAnswer);
        learn(&mut window, seen(0), ms(20), ms(30));
        let asks = window.allowance(ms(30), Some(ms(20)), 0, None);
        assert!(matches!(asks, Allowance::NotBefore(at) if at >= ms(1030)), "{asks:?}");
        assert_eq!(window.allowance(ms(1200), Some(ms(20)), 0, None), Allowance::Open, "one request asks for the end");
        assert_eq!(window.allowance(ms(1200), Some(ms(1200)), 1, None), Allowance::NotBeforeAnswer);
        window.refused(ms(60_000), ms(30));
        learn(&mut window, seen(59), ms(60_000), ms(60_010));
        learn(&mut window, seen(0), ms(61_000), ms(61_010));
        window.refused(ms(120_000), ms(62_000));
        learn(&mut window, seen(59), ms(120_000), ms(120_010));
        let gap = Duration::from_mins(1).div_f64(59.0);
        match window.allowance(ms(120_010), Some(ms(120_000)), 0, None) {
            Allowance::NotBefore(at) => {
                let off = at.since(ms(120_000)).as_secs_f64() - gap.as_secs_f64();
                assert!(off.abs() < 0.1, "spread over the window that was learnt, {at:?}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_fits_is_not_spread() {
        let check = |remaining: u64, reset_s: u64, in_flight: usize, rows_left: Option<u64>, is_open: bool| {
            let mut window = Window::default();
            learn(&mut window, named(remaining, reset_s * 1000), ms(0), ms(0));
            let allowance = window.allowance(ms(0), Some(ms(0)), in_flight, rows_left);
            assert_eq!(
                allowance == Allowance::Open,
                is_open,
                "{remaining} left for {reset_s} s, {in_flight} in flight, {rows_left:?} rows: {allowance:?}"
            );
        };
        check(10, 60, 0, Some(10), true);
        check(10, 60, 0, Some(11), false);
        check(10, 60, 0, None, false);
        check(10, 60, 5, Some(5), true);
        check(10, 60, 5, Some(6), false);
        check(10, 600, 0, None, false);
        check(10, 601, 0, None, true);
        check(1, 86_400, 0, Some(5000), true);
        check(1, 86_400, 1, Some(5000), false);
        check(0, 86_400, 0, Some(0), false);
    }

    #[test]
    fn a_day_without_anything_left_is_exhausted_until_its_end() {
        let mut window = Window::default();
        learn(&mut window, named(0, 86_400_000), ms(0), ms(10));
        for in_flight in [0, 3] {
            assert_eq!(window.allowance(ms(10), None, in_flight, Some(5)), Allowance::Exhausted(ms(86_400_010)));
        }
    }

    #[test]
    fn without_anything_left_and_without_an_end_it_asks_ever_more_seldom() {
        for reset in [None, Some(Reset::AtUnix(1_800_000_000)), Some(Reset::After(Duration::ZERO))] {
            let seen = |remaining| RateWindow { limit: Some(60), remaining, reset };
            let mut window = Window::default();
            let mut random = Random::seeded(1);
            // Every request is let through; two were in flight when the first answer came.
            let mut answer = |window: &mut Window, remaining, sent, received| {
                window.learn(seen(remaining), &ServerClock::default(), sent, received, &mut random);
            };
            answer(&mut window, 0, ms(0), ms(10));
            answer(&mut window, 0, ms(0), ms(12));
            let (mut now, mut sends) = (ms(12), Vec::new());
            while now < ms(200_000) {
                match window.allowance(now, sends.last().copied(), 0, Some(1000)) {
                    Allowance::Open => {
                        sends.push(now);
                        answer(&mut window, 0, now, now + Duration::from_millis(1));
                        now = now + Duration::from_millis(1);
                    }
                    Allowance::NotBefore(at) => now = at,
                    other @ (Allowance::Exhausted(_) | Allowance::NotBeforeAnswer) => panic!("{other:?}"),
                }
            }
            let gaps: Vec<u64> = sends.windows(2).map(|pair| pair[1].since(pair[0]).as_secs()).collect();
            assert!(sends[0] >= ms(1000) && sends[0] < ms(1200), "{reset:?}: {sends:?}");
            for (gap, at_least) in gaps.iter().zip([2, 4, 8, 16, 32, 60, 60]) {
                assert!((at_least..=at_least * 11 / 10).contains(gap), "{reset:?}: {gaps:?}");
            }
            answer(&mut window, 1, now, now);
            answer(&mut window, 0, now, now);
            assert!(
                matches!(window.allowance(now, Some(now), 0, None), Allowance::NotBefore(at) if at.since(now) < ASK_FIRST * 2),
                "something was left in between"
            );
        }
    }

    /// Numbers at the edges of what fits, and ordinary ones.
    fn number() -> impl Strategy<Value = u64> {
        let edge = i64::MAX.cast_unsigned();
        prop_oneof![
            Just(0),
            Just(u64::MAX),
            Just(edge),
            Just(edge / 4),
            Just(edge / 1_000_000),
            0..100_u64,
            1_700_000_000..1_900_000_000_u64,
            any::<u64>(),
        ]
    }

    fn rate_window() -> impl Strategy<Value = RateWindow> {
        let reset = prop_oneof![
            Just(None),
            number().prop_map(|s| Some(Reset::AtUnix(s))),
            number().prop_map(|s| Some(Reset::After(Duration::from_secs(s)))),
        ];
        (proptest::option::of(number()), number(), reset).prop_map(|(limit, remaining, reset)| RateWindow {
            limit,
            remaining,
            reset,
        })
    }

    #[derive(Debug, Clone)]
    enum Event {
        Answer(RateWindow, Option<u64>, u64),
        Refusal(u64, u64),
        Asked(usize, Option<u64>),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            (rate_window(), proptest::option::of(number()), number())
                .prop_map(|(w, date, took)| Event::Answer(w, date, took)),
            (number(), number()).prop_map(|(wait, took)| Event::Refusal(wait, took)),
            (0..3_usize, proptest::option::of(number())).prop_map(|(flying, rows)| Event::Asked(flying, rows)),
        ]
    }

    proptest! {
        #[test]
        fn no_server_makes_it_panic(events in proptest::collection::vec((number(), event()), 1..12)) {
            let (mut window, mut clock) = (Window::default(), ServerClock::default());
            let mut random = Random::seeded(1);
            let (mut now, mut last_sent) = (Moment::START, None);
            for (ms_later, event) in events {
                now = now + Duration::from_millis(ms_later);
                match event {
                    Event::Answer(seen, date, took_ms) => {
                        let sent = now - Duration::from_millis(took_ms);
                        if let Some(date) = date {
                            clock.learn(date, sent, now);
                        }
                        window.learn(seen, &clock, sent, now, &mut random);
                    }
                    Event::Refusal(wait_s, took_ms) => {
                        window.refused(now + Duration::from_secs(wait_s), now - Duration::from_millis(took_ms));
                    }
                    Event::Asked(in_flight, rows_left) => {
                        if window.allowance(now, last_sent, in_flight, rows_left) == Allowance::Open {
                            last_sent = Some(now);
                        }
                    }
                }
            }
        }

        #[test]
        fn no_wait_is_longer_than_to_the_named_end(
            seen in rate_window(),
            date in proptest::option::of(number()),
            late_refusals in 0..6_u32,
            (took_ms, later_ms, in_flight) in (0..60_000_u64, 0..100_000_u64, 0..3_usize),
            last_sent in proptest::option::of(0..60_000_u64),
        ) {
            let (mut window, mut clock) = (Window::default(), ServerClock::default());
            let mut random = Random::seeded(1);
            for _ in 0..late_refusals {
                window.learn(named(0, 0), &clock, ms(0), ms(0), &mut random);
                window.refused(ms(1000), ms(900));
            }
            let (sent, received) = (ms(60_000), ms(60_000 + took_ms));
            if let Some(date) = date {
                clock.learn(date, sent, received);
            }
            window.learnt_end = None;
            window.learn(seen, &clock, sent, received, &mut random);
            let named_end = match seen.reset {
                None => None,
                Some(Reset::After(wait)) => Some(received + wait),
                Some(Reset::AtUnix(unix_s)) => clock.moments_of(unix_s).map(|(_, latest)| latest),
            };
            let longest_ask = received + ASK_MAX + ASK_MAX / 10;
            let now = received + Duration::from_millis(later_ms);
            match window.allowance(now, last_sent.map(ms), in_flight, None) {
                Allowance::Open | Allowance::NotBeforeAnswer => {}
                Allowance::NotBefore(at) if seen.remaining == 0 => prop_assert!(at <= longest_ask, "{at:?}"),
                Allowance::NotBefore(at) | Allowance::Exhausted(at) => {
                    let end = named_end.expect("no end is named");
                    prop_assert!(at <= end + LATE_MAX, "{at:?}, the end is {end:?}");
                }
            }
        }
    }
}
