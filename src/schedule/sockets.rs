//! The limit of requests in flight that this machine sets when it has no file descriptors or ports
//! left.
//!
//! A request that could not connect was not sent: it uses up no attempt and no retry tokens, and it
//! is no evidence about the API. From then on at most as many requests are in flight as were when
//! it failed, but at least one. The limit rises by one from time to time, since the machine may get
//! more descriptors or ports.

use std::time::Duration;

use super::moment::Moment;

/// The time between two rises of the limit by one.
const RISE_INTERVAL: Duration = Duration::from_secs(10);

/// The connections that this machine can open.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    /// The most requests in flight, and the time since which that holds.
    limit: Option<(usize, Moment)>,
    /// The lowest limit so far.
    lowest: Option<usize>,
    /// The time since which no request could connect or was in flight.
    missing_since: Option<Moment>,
}

impl Sockets {
    /// Notes that a request could not connect, with `in_flight` other requests in flight.
    pub(super) fn ran_out(&mut self, in_flight: usize, now: Moment) {
        let limit = in_flight.min(self.limit(now)).max(1);
        self.limit = Some((limit, now));
        self.lowest = Some(self.lowest.map_or(limit, |lowest| lowest.min(limit)));
        self.missing_since.get_or_insert(now);
    }

    /// Notes the end of a request that had a connection.
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

    /// The time for which no request could connect or was in flight.
    pub(super) fn missing_for(&self, now: Moment) -> Duration {
        self.missing_since
            .map_or(Duration::ZERO, |since| now.since(since))
    }
}
