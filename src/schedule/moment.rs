//! A point in a run's time. The schedule has no clock: its driver passes the time in.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A point in time, counted from the start of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(Duration);

impl Moment {
    /// The start of the run.
    pub const START: Moment = Moment(Duration::ZERO);

    /// The point `elapsed` after the start.
    pub const fn after_start(elapsed: Duration) -> Moment {
        Moment(elapsed)
    }

    /// The time from the start to this point.
    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// The time from `earlier` to this point, or zero if this is not later.
    pub const fn since(self, earlier: Moment) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, wait: Duration) -> Moment {
        Moment(self.0.saturating_add(wait))
    }
}

impl Sub<Duration> for Moment {
    type Output = Moment;

    fn sub(self, time: Duration) -> Moment {
        Moment(self.0.saturating_sub(time))
    }
}
