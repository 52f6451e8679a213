//! The circuit breaker: closed while the API works, open while it is down, half-open while a probe
//! is in flight.

use std::time::Duration;

use super::super::backoff::{Backoff, Jitter};
use super::super::moment::Moment;
use super::super::random::Random;
use super::super::ticket::Ticket;

const PROBE_INTERVAL_FIRST: Duration = Duration::from_secs(1);
const PROBE_INTERVAL_MAX: Duration = Duration::from_secs(30);

/// The circuit breaker.
#[derive(Debug)]
pub(super) struct Breaker {
    state: BreakerState,
    /// The time between probes. Its jitter keeps probes out of step with those of other clients,
    /// and with an API that comes and goes.
    interval: Backoff,
    /// Failed probes since it opened.
    probes_failed: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BreakerState {
    Closed,
    Open { since: Moment, probe_at: Moment },
    HalfOpen { since: Moment, probe: Ticket },
}

/// The permission for writes to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Permission {
    /// Any write may leave.
    Granted,
    /// One write may leave, as the probe.
    Probe,
    /// No write may leave before this time.
    NotBefore(Moment),
    /// No write may leave before the probe is answered.
    NotBeforeAnswer,
}

/// The change of state after new evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Transition {
    /// The breaker opened.
    Opened,
    /// The breaker was open, or stays closed.
    Unchanged,
}

impl Breaker {
    /// Creates a closed breaker.
    pub(super) fn closed() -> Breaker {
        let interval = Backoff::new(PROBE_INTERVAL_FIRST, PROBE_INTERVAL_MAX, Jitter::Late);
        Breaker {
            state: BreakerState::Closed,
            interval,
            probes_failed: 0,
        }
    }

    /// The permission for a write to leave now.
    pub(super) fn permission(&self, now: Moment) -> Permission {
        match self.state {
            BreakerState::Closed => Permission::Granted,
            BreakerState::Open { probe_at, .. } if probe_at > now => {
                Permission::NotBefore(probe_at)
            }
            BreakerState::Open { .. } => Permission::Probe,
            BreakerState::HalfOpen { .. } => Permission::NotBeforeAnswer,
        }
    }

    /// Opens a closed breaker.
    pub(super) fn open(&mut self, now: Moment, random: &mut Random) -> Transition {
        if self.state != BreakerState::Closed {
            return Transition::Unchanged;
        }
        self.interval.reset();
        self.probes_failed = 0;
        self.state = BreakerState::Open {
            since: now,
            probe_at: now + self.interval.next(random),
        };
        Transition::Opened
    }

    /// Notes a request that leaves. While the breaker is open, it is the probe.
    pub(super) fn sent(&mut self, ticket: Ticket) {
        if let BreakerState::Open { since, .. } = self.state {
            self.state = BreakerState::HalfOpen {
                since,
                probe: ticket,
            };
        }
    }

    /// Notes a failed probe, so that the next one comes later. Other requests left before the
    /// breaker opened, and say nothing.
    pub(super) fn failed(&mut self, ticket: Ticket, now: Moment, random: &mut Random) {
        if let BreakerState::HalfOpen { since, probe } = self.state
            && probe == ticket
        {
            self.probes_failed = self.probes_failed.saturating_add(1);
            self.state = BreakerState::Open {
                since,
                probe_at: now + self.interval.next(random),
            };
        }
    }

    /// Failed probes since it opened.
    pub(super) fn probes_failed(&self) -> u32 {
        self.probes_failed
    }

    /// Notes a probe that says nothing about the API, so that the next one may leave at once.
    pub(super) fn inconclusive(&mut self, ticket: Ticket, now: Moment) {
        if let BreakerState::HalfOpen { since, probe } = self.state
            && probe == ticket
        {
            self.state = BreakerState::Open {
                since,
                probe_at: now,
            };
        }
    }

    /// Closes the breaker if a write that left at `sent`, and succeeded, left after it opened.
    /// Returns how long the API was down.
    pub(super) fn alive(&mut self, sent: Moment, now: Moment) -> Option<Duration> {
        let since = self.open_since().filter(|since| sent >= *since)?;
        self.state = BreakerState::Closed;
        Some(now.since(since))
    }

    /// The time since which it is open or half-open.
    pub(super) fn open_since(&self) -> Option<Moment> {
        match self.state {
            BreakerState::Closed => None,
            BreakerState::Open { since, .. } | BreakerState::HalfOpen { since, .. } => Some(since),
        }
    }

    /// The time at which the next probe is due.
    pub(super) fn next_probe(&self) -> Option<Moment> {
        match self.state {
            BreakerState::Closed | BreakerState::HalfOpen { .. } => None,
            BreakerState::Open { probe_at, .. } => Some(probe_at),
        }
    }
}
