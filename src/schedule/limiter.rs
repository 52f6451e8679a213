//! A limit without a burst, by the library governor.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, FakeRelativeClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::learned_rate::BURST_TIME;
use super::moment::Moment;

/// Governor's GCRA, driven by the schedule's time. Its own sleeping (`until_ready`) is not used: it
/// waits on its own timer, and a limiter's quota cannot change while it runs.
#[derive(Debug)]
pub(super) struct Limiter {
    gcra: RateLimiter<NotKeyed, InMemoryState, FakeRelativeClock, NoOpMiddleware<Nanos>>,
    clock: FakeRelativeClock,
    at: Moment,
}

impl Limiter {
    pub(super) fn new(interval: Duration) -> Limiter {
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

    pub(super) fn take(&mut self, now: Moment) -> Result<(), Moment> {
        self.clock.advance(now.since(self.at));
        self.at = self.at.max(now);
        let clock_now = self.clock.now();
        self.gcra
            .check()
            .map_err(|not_until| now + not_until.wait_time_from(clock_now))
    }
}
