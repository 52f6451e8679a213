//! What happens where this machine has no file descriptors or ports left to connect with: a fault of ours, not the API's.
//!
//! The request that could not connect was not sent, so it uses up no attempt and costs no retry budget, and it is no evidence of
//! anything. At most as many requests are in flight from then on as were when it failed, one at least. The machine may get more
//! of what it lacked, so that limit rises by one now and then.

use std::time::Duration;

use super::moment::Moment;

/// How often the limit rises by one.
const RISE_INTERVAL: Duration = Duration::from_secs(10);

/// The connections that this machine can make.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    /// The most requests in flight, and since when.
    limit: Option<(usize, Moment)>,
    /// The lowest limit so far.
    lowest: Option<usize>,
    /// Since when no request could connect or was on its way.
    missing_since: Option<Moment>,
}

impl Sockets {
    /// A request could not connect; without it `in_flight` are on their way.
    pub(super) fn ran_out(&mut self, in_flight: usize, now: Moment) {
        let limit = in_flight.min(self.limit(now)).max(1);
        self.limit = Some((limit, now));
        self.lowest = Some(self.lowest.map_or(limit, |lowest| lowest.min(limit)));
        self.missing_since.get_or_insert(now);
    }

    /// A request came to an end that had a connection.
    pub(super) fn served(&mut self) {
        self.missing_since = None;
    }

    /// The most requests in flight now.
    pub(super) fn limit(&self, now: Moment) -> usize {
        let Some((limit, since)) = self.limit else {
            return usize::MAX;
        };
        let steps = now.since(since).as_millis() / RISE_INTERVAL.as_millis();
        limit.saturating_add(usize::try_from(steps).unwrap_or(usize::MAX))
    }

    /// The lowest limit so far.
    pub(super) fn lowest(&self) -> Option<usize> {
        self.lowest
    }

    /// How long no request could connect or was on its way.
    pub(super) fn missing_for(&self, now: Moment) -> Duration {
        self.missing_since
            .map_or(Duration::ZERO, |since| now.since(since))
    }
}
