//! The user's hours (`--hours`): outside of them no request leaves.

use super::limited_by::LimitedBy;
use super::moment::Moment;
use super::rules::OpenHours;
use super::state::Schedule;
use super::step::Step;
use super::stop::StopReason;

impl<T: Clone> Schedule<T> {
    /// Sends requests within these hours only, if there are any.
    #[must_use]
    pub(crate) fn within(mut self, hours: Option<OpenHours>) -> Schedule<T> {
        self.limits.hours = hours;
        self
    }

    /// The step outside the hours: the wait before they begin, or the end of the run. What is in
    /// flight at their end may finish.
    pub(super) fn outside_hours(&mut self, now: Moment) -> Option<Step<T>> {
        let hours = self.limits.hours?;
        if now < hours.opens {
            // Nothing is in flight, and the token is looked at once it is needed.
            self.run.limited_by = Some(LimitedBy::Hours(hours.opens));
            return Some(Step::Wait(Some(hours.opens)));
        }
        if now >= hours.closes {
            self.stop(StopReason::HoursEnded);
            return Some(self.wind_down(now));
        }
        None
    }
}
