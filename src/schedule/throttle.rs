//! The throttle: the user's rate, the API's window, the learned rate, and pauses that hold all
//! requests back.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, FakeRelativeClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::judge::{Exhausted, Wait, WaitReason};
use super::learned_rate::{BURST_TIME, FIRST_PER_SECOND, HeldBy, LearnedRate, Refused, RefusedBy};
use super::moment::Moment;
use super::random::Random;
use super::rate::Rate;
use super::request::Departure;
use super::server_clock::ServerClock;
use super::window::{Allowance, Window, WindowPace};
use crate::contract::Response;

/// Requests a second under `--rate auto`, while the API's headers name no limit.
const AUTO_PER_SECOND: u32 = 20;
/// The part of a named wait by which it is lengthened at most, a tenth, so that clients do not all
/// return at once.
const PAUSE_JITTER_PART: u32 = 10;

/// The limits on when the next request may leave.
#[derive(Debug)]
pub(super) struct Throttle {
    rate: Rate,
    limiter: Option<Limiter>,
    window: Window,
    /// Whether an answer has named a window.
    has_window: bool,
    learned: LearnedRate,
    clock: ServerClock,
    paused_until: Moment,
    /// The time of the first refusal since the last request that the API let through.
    refused_since: Option<Moment>,
    /// The time of the last request or, if the pace over the API's window made it wait, the time that
    /// it was due.
    last_sent: Option<Moment>,
}

/// The limit that holds the next request back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ThrottledBy {
    /// A wait that the API named.
    Pause(Moment),
    /// The API's window, which is exhausted until this time.
    Exhausted(Moment),
    /// Pacing over the API's window. Without a time, an answer has to come first.
    Window(Option<Moment>),
    /// The user's rate.
    Rate(Moment),
    /// The learned rate.
    LearnedRate(Moment),
    /// An API that refuses everything and names no time. One request at a time checks.
    Shut(Option<Moment>),
}

/// The limit that refused a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LimitMet {
    /// A window that the API names.
    Window,
    /// A limit that is learned.
    Learned,
    /// A limit that may be learned, or none.
    Undecided,
    /// No limit: the API is in trouble.
    None,
}

impl Throttle {
    /// Creates a throttle with the user's rate.
    pub(super) fn new(rate: Rate) -> Throttle {
        let (limiter, first_per_second) = match rate {
            Rate::Unlimited => (None, None),
            Rate::Auto => (
                Some(Limiter::new(Duration::from_secs(1) / AUTO_PER_SECOND)),
                Some(FIRST_PER_SECOND),
            ),
            Rate::Limited(limited) => (Some(Limiter::new(limited.interval())), None),
        };
        Throttle {
            rate,
            limiter,
            window: Window::default(),
            has_window: false,
            learned: LearnedRate::new(first_per_second),
            clock: ServerClock::default(),
            paused_until: Moment::START,
            refused_since: None,
            last_sent: None,
        }
    }

    /// Takes the permit for one request, or returns the limit that holds it back. `rows_left`
    /// counts rows that are not in flight, if known.
    pub(super) fn acquire(
        &mut self,
        now: Moment,
        in_flight: usize,
        rows_left: Option<u64>,
    ) -> Result<(), ThrottledBy> {
        if self.paused_until > now {
            return Err(ThrottledBy::Pause(self.paused_until));
        }
        let due = match self
            .window
            .allowance(now, self.last_sent, in_flight, rows_left)
        {
            Allowance::Open => now,
            Allowance::OpenSince(due) => due,
            Allowance::Exhausted(until) => return Err(ThrottledBy::Exhausted(until)),
            Allowance::NotBefore(at) => return Err(ThrottledBy::Window(Some(at))),
            Allowance::NotBeforeAnswer => return Err(ThrottledBy::Window(None)),
        };
        // The learned rate is for limits that no header names.
        let is_led = self.window.is_known();
        match self
            .learned
            .held_by(now)
            .filter(|_| !is_led || self.learned.per_second().is_some())
        {
            Some(HeldBy::Rate(at)) if self.learned_rate().is_some() => {
                return Err(ThrottledBy::LearnedRate(at));
            }
            Some(HeldBy::Rate(at)) => return Err(ThrottledBy::Rate(at)),
            Some(HeldBy::Shut(at)) => return Err(ThrottledBy::Shut(at)),
            None => {}
        }
        // The modest rate of `auto` is for APIs that name no limit.
        let headers_lead = self.rate == Rate::Auto && is_led;
        if let (Some(limiter), false) = (&mut self.limiter, headers_lead) {
            limiter.take(now).map_err(ThrottledBy::Rate)?;
        }
        // Timers are late by up to some milliseconds, as long as the gap between requests of a quick
        // window. The time lost is made up for, and no more than that.
        self.last_sent = Some(due.max(now - BURST_TIME));
        Ok(())
    }

    /// Learns from the headers of an answer.
    pub(super) fn learn(
        &mut self,
        response: &Response,
        sent: Moment,
        received: Moment,
        random: &mut Random,
    ) {
        if let Some(date) = response.date_unix_s {
            self.clock.learn(date, sent, received);
        }
        if let Some(window) = response.window {
            self.has_window = true;
            self.window
                .learn(window, &self.clock, sent, received, random);
        }
    }

    /// The user's rate.
    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    /// The API's window, if it is known at what pace it is renewed.
    pub(super) fn window_pace(&self, now: Moment) -> Option<WindowPace> {
        self.window.pace(now)
    }

    /// The lower of the limits per second: the user's or that of `auto`, and the learned one. `None`
    /// without a limit. The API's window limits no second: requests that fit are sent at once.
    pub(super) fn per_second(&self) -> Option<f64> {
        let own = match self.rate {
            Rate::Unlimited => None,
            Rate::Auto if self.window.is_known() => None,
            Rate::Auto => Some(f64::from(AUTO_PER_SECOND)),
            Rate::Limited(limited) => Some(limited.per_second()),
        };
        let limits = [own, self.learned_rate()];
        limits.into_iter().flatten().reduce(f64::min)
    }

    /// Counts a request that leaves with a permit.
    pub(super) fn leaves(&mut self, departure: Departure) {
        self.learned.leaves(departure);
    }

    /// Notes that a request is no longer in flight.
    pub(super) fn landed(&mut self, departure: Departure) {
        self.learned.landed(departure);
    }

    /// Notes that the API let a request through.
    pub(super) fn accepted(&mut self, departure: Departure, now: Moment) {
        self.refused_since = None;
        self.learned.accepted(departure, now);
    }

    /// Notes a refusal that asks to wait, or may mean it. Returns the limit that the request met.
    pub(super) fn refused(&mut self, departure: Departure, wait: Wait, now: Moment) -> LimitMet {
        // A wait of zero is no wait.
        let named = wait.named.filter(|wait| !wait.is_zero());
        let how = match wait.reason {
            WaitReason::Unavailable => Refused::Unavailable,
            _ if wait.window == Exhausted::Yes => return LimitMet::Window,
            WaitReason::Quota if self.has_window && wait.named.is_some() => {
                return LimitMet::Window;
            }
            WaitReason::Quota => Refused::TooMany(named),
            WaitReason::Overload => Refused::Overloaded(named),
        };
        match self.learned.refused(departure, how, now) {
            RefusedBy::Limit => LimitMet::Learned,
            RefusedBy::Undecided => LimitMet::Undecided,
            RefusedBy::Trouble => LimitMet::None,
        }
    }

    /// Notes the end of an outage.
    pub(super) fn was_down(&mut self) {
        self.learned.was_down();
    }

    /// The learned rate a second, if it limits the run.
    pub(super) fn learned_rate(&self) -> Option<f64> {
        let own = match self.rate {
            Rate::Unlimited => f64::INFINITY,
            Rate::Auto if self.window.is_known() => f64::INFINITY,
            Rate::Auto => f64::from(AUTO_PER_SECOND),
            Rate::Limited(limited) => limited.per_second(),
        };
        self.learned
            .per_second()
            .filter(|per_second| *per_second < own)
    }

    /// The learned limit of requests in flight.
    pub(super) fn in_flight_max(&self) -> Option<usize> {
        self.learned.in_flight_max()
    }

    /// Excludes time in which our own pace held all requests back.
    pub(super) fn postpone(&mut self, time: Duration) {
        self.refused_since = self.refused_since.map(|since| since + time);
    }

    /// Time from the first refusal since the last success to the end of this wait.
    pub(super) fn refused_for(&mut self, wait: Duration, now: Moment) -> Duration {
        let since = *self.refused_since.get_or_insert(now);
        (now + wait).since(since)
    }

    /// Holds all requests back for a named wait. Returns by how much the pause got longer.
    pub(super) fn pause(&mut self, named: Duration, now: Moment, random: &mut Random) -> Duration {
        let wait = named.saturating_add(random.up_to(named / PAUSE_JITTER_PART));
        let until = (now + wait).max(self.paused_until);
        let longer = until.since(self.paused_until.max(now));
        self.paused_until = until;
        longer
    }

    /// Whether all requests are held back for a named wait.
    pub(super) fn is_paused(&self, now: Moment) -> bool {
        self.paused_until > now
    }

    /// The end of the last pause.
    pub(super) fn paused_until(&self) -> Moment {
        self.paused_until
    }

    /// Notes a refusal for the quota (429), which is renewed at `renewed_at`.
    pub(super) fn quota_refused(&mut self, renewed_at: Moment, sent: Moment) {
        self.window.refused(renewed_at, sent);
    }
}

/// Governor's GCRA, driven by the schedule's time. Its own sleeping (`until_ready`) is not used: it
/// waits on its own timer, and a limiter's quota cannot change while it runs.
#[derive(Debug)]
struct Limiter {
    gcra: RateLimiter<NotKeyed, InMemoryState, FakeRelativeClock, NoOpMiddleware<Nanos>>,
    clock: FakeRelativeClock,
    at: Moment,
}

impl Limiter {
    fn new(interval: Duration) -> Limiter {
        let burst =
            u32::try_from(BURST_TIME.as_nanos() / interval.as_nanos().max(1)).unwrap_or(u32::MAX);
        let quota = Quota::with_period(interval).expect("a rate's interval is never zero");
        let quota = quota.allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN));
        let clock = FakeRelativeClock::default();
        Limiter {
            gcra: RateLimiter::direct_with_clock(quota, clock.clone()),
            clock,
            at: Moment::START,
        }
    }

    fn take(&mut self, now: Moment) -> Result<(), Moment> {
        self.clock.advance(now.since(self.at));
        self.at = self.at.max(now);
        let clock_now = self.clock.now();
        self.gcra
            .check()
            .map_err(|not_until| now + not_until.wait_time_from(clock_now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{RateWindow, Reset};
    use crate::schedule::rate::{LimitedRate, RateUnit};

    fn limited(requests: u32, unit: RateUnit) -> Throttle {
        Throttle::new(Rate::Limited(
            LimitedRate::new(requests, unit).expect("a good rate"),
        ))
    }

    /// Takes permits as early as possible, and returns the times.
    fn permits(throttle: &mut Throttle, n: usize, start: Moment) -> Vec<Moment> {
        let mut now = start;
        let mut taken = Vec::new();
        while taken.len() < n {
            match throttle.acquire(now, 0, None) {
                Ok(()) => taken.push(now),
                Err(
                    ThrottledBy::Pause(at)
                    | ThrottledBy::Rate(at)
                    | ThrottledBy::LearnedRate(at)
                    | ThrottledBy::Exhausted(at)
                    | ThrottledBy::Window(Some(at))
                    | ThrottledBy::Shut(Some(at)),
                ) => now = at,
                Err(ThrottledBy::Window(None) | ThrottledBy::Shut(None)) => {
                    panic!("no answer will come")
                }
            }
        }
        taken
    }

    #[test]
    fn a_rate_has_no_burst() {
        let mut throttle = limited(50, RateUnit::Second);
        let taken = permits(&mut throttle, 101, Moment::START);
        for (index, at) in (0_u32..).zip(&taken) {
            assert_eq!(at.since_start(), Duration::from_millis(20) * index);
        }
        // Unused time does not add up.
        let later = Moment::after_start(Duration::from_mins(1));
        let taken = permits(&mut throttle, 2, later);
        assert_eq!(taken, [later, later + Duration::from_millis(20)]);
    }

    #[test]
    fn a_high_rate_keeps_up_with_timers_of_a_millisecond() {
        let mut throttle = limited(5000, RateUnit::Second);
        let mut sent = 0;
        for ms in 0..1000 {
            while throttle
                .acquire(Moment::after_start(Duration::from_millis(ms)), 0, None)
                .is_ok()
            {
                sent += 1;
            }
        }
        assert!((4990..=5025).contains(&sent), "{sent}");
    }

    #[test]
    fn a_quick_window_is_used_up_in_spite_of_late_timers() {
        const LATE: Duration = Duration::from_micros(1_500);
        let window = RateWindow {
            limit: Some(60_000),
            remaining: 60_000,
            reset: Some(Reset::After(Duration::from_mins(1))),
        };
        let response = Response {
            status: 200,
            window: Some(window),
            ..Response::default()
        };
        let mut throttle = Throttle::new(Rate::Unlimited);
        let start = Moment::START;
        throttle.learn(&response, start, start, &mut Random::seeded(1));
        let end = start + Duration::from_secs(10);
        let (mut now, mut sent) = (start, 0);
        while now < end {
            match throttle.acquire(now, sent, None) {
                Ok(()) => sent += 1,
                Err(ThrottledBy::Window(Some(at))) => now = at + LATE,
                held_back => panic!("{held_back:?}"),
            }
        }
        assert!((9_800..=10_200).contains(&sent), "{sent}");
    }

    #[test]
    fn a_pause_holds_all_requests_and_does_not_add_up() {
        let mut throttle = Throttle::new(Rate::Unlimited);
        let mut random = Random::seeded(1);
        let longer: Vec<Duration> = (0..64)
            .map(|_| throttle.pause(Duration::from_secs(10), Moment::START, &mut random))
            .collect();
        let wait: Duration = longer.iter().sum();
        assert!(
            (Duration::from_secs(10)..=Duration::from_secs(11)).contains(&wait),
            "{wait:?}"
        );
        assert!(
            longer.contains(&Duration::ZERO),
            "the pause is as long as the longest of them"
        );
        assert_eq!(
            throttle.acquire(Moment::START, 0, None),
            Err(ThrottledBy::Pause(Moment::START + wait))
        );
        assert_eq!(throttle.acquire(Moment::START + wait, 0, None), Ok(()));
    }

    #[test]
    fn waits_in_vain_add_up_until_a_request_is_let_through() {
        let mut throttle = Throttle::new(Rate::Unlimited);
        let s = Duration::from_secs;
        assert_eq!(throttle.refused_for(s(7), Moment::START), s(7));
        assert_eq!(
            throttle.refused_for(s(7), Moment::after_start(s(10))),
            s(17)
        );
        throttle.accepted(
            Departure {
                at: Moment::START,
                in_flight: 1,
                nth: 1,
                refused_beside_others: 0,
            },
            Moment::START,
        );
        assert_eq!(throttle.refused_for(s(7), Moment::after_start(s(20))), s(7));
    }

    #[test]
    fn a_window_that_lets_nothing_through_is_not_pacing() {
        let check = |remaining: u64, reset_s: u64, want: Result<(), ThrottledBy>| {
            let mut throttle = Throttle::new(Rate::Unlimited);
            assert_eq!(throttle.acquire(Moment::START, 0, None), Ok(()));
            let reset = Some(Reset::After(Duration::from_secs(reset_s)));
            let window = Some(RateWindow {
                limit: None,
                remaining,
                reset,
            });
            let response = Response {
                window,
                ..Response::default()
            };
            throttle.learn(
                &response,
                Moment::START,
                Moment::START,
                &mut Random::seeded(1),
            );
            assert_eq!(
                throttle.acquire(Moment::START, 0, Some(5000)),
                want,
                "{remaining} left for {reset_s} s"
            );
        };
        let after = |s| Moment::after_start(Duration::from_secs(s));
        check(0, 60, Err(ThrottledBy::Exhausted(after(60))));
        check(0, 86_400, Err(ThrottledBy::Exhausted(after(86_400))));
        check(6, 60, Err(ThrottledBy::Window(Some(after(10)))));
        check(95, 86_400, Ok(()));
    }

    #[test]
    fn no_named_wait_panics() {
        let mut throttle = Throttle::new(Rate::Unlimited);
        let mut random = Random::seeded(1);
        for wait in [
            Duration::from_nanos(1),
            Duration::from_secs(u64::MAX),
            Duration::MAX,
        ] {
            throttle.refused_for(wait, Moment::START);
            throttle.quota_refused(Moment::START + wait, Moment::START);
            throttle.pause(wait, Moment::START, &mut random);
            assert!(throttle.acquire(Moment::START, 0, None).is_err());
        }
    }

    #[test]
    fn auto_is_modest_until_the_headers_lead() {
        let mut throttle = Throttle::new(Rate::Auto);
        let taken = permits(&mut throttle, 21, Moment::START);
        assert_eq!(
            taken.last().map(|at| at.since_start()),
            Some(Duration::from_secs(1))
        );
    }
}
