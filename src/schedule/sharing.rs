//! The schedule of a process that shares its rate with others, by a store.

use std::time::Duration;

use super::limited_by::LimitedBy;
use super::moment::Moment;
use super::shared_rate::exchange::{Reply, ToStore};
use super::shared_rate::{RateShare, RateStanding};
use super::state::Schedule;
use super::step::Step;
use super::stop::StopReason;

impl<T: Clone> Schedule<T> {
    /// Takes the store's answer to [`Step::AskForRate`], which left at `asked`.
    pub fn rate_answered(&mut self, reply: &Reply, asked: Moment, now: Moment) {
        let pause = self.throttle.store_answered(reply, asked, now);
        self.statistics.rate_members = self.throttle.members_max();
        if let Some(pause) = pause {
            self.pause_heard(pause, now);
        }
    }

    /// Notes that the store did not answer [`Step::AskForRate`].
    pub fn rate_store_lost(&mut self, now: Moment) {
        self.throttle.store_lost(now);
    }

    /// The last message to the store, if there is one.
    pub(crate) fn leaves_rate(&self) -> Option<ToStore> {
        self.throttle.leaves_store()
    }

    /// The state of the shared rate, if there is one.
    pub(crate) fn rate_share(&self, now: Moment) -> Option<RateShare> {
        self.throttle.rate_share(now)
    }

    /// The rate a second of all processes together, if a limit is in force.
    pub(crate) fn shared_per_second(&self) -> Option<f64> {
        self.throttle.members_per_second()
    }

    /// Holds a request back until its slot, or asks for one.
    pub(super) fn hold_back_for_slot(&mut self, until: Option<Moment>, now: Moment) -> Step<T> {
        let limited_by = match self.throttle.rate_share(now) {
            Some(RateShare {
                standing: RateStanding::InContact,
                members,
                ..
            }) => LimitedBy::SharedRate(members),
            Some(RateShare { share, .. }) => LimitedBy::RateStore(share),
            None => LimitedBy::SharedRate(0),
        };
        let ask = self.throttle.ask_store(self.flights.len(), now);
        let wait = self.hold_back_throttled(until, limited_by, now);
        ask.map_or(wait, Step::AskForRate)
    }

    /// Holds all requests back for a wait that the API named to another process.
    fn pause_heard(&mut self, pause: Duration, now: Moment) {
        if pause > self.limits.wait_max {
            self.run.too_long_until = Some(now + pause);
            return self.stop(StopReason::WaitTooLong { wait: pause });
        }
        let is_new = !self.throttle.is_paused(now);
        let longer = self.throttle.pause_heard(pause, now, &mut self.random);
        self.count_pause(longer, is_new, now);
    }
}
