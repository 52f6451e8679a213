//! The breaker: tells an outage from single failures, and probes an API that is down with one row at a time.

use std::collections::VecDeque;
use std::time::Duration;

use super::Moment;

/// Outage failures in a row that open the breaker.
const FAILURES_IN_A_ROW: u32 = 10;
/// The time over which the share of failures is taken.
const RECENT: Duration = Duration::from_secs(20);
/// Fewer answers than this are no share.
const RECENT_ANSWERS_MIN: u32 = 20;
/// How long failures are taken for a sign of an outage, where the rows that fail are too few for the breaker.
const DOUBT_MAX: Duration = Duration::from_mins(2);
const PROBE_INTERVAL_FIRST: Duration = Duration::from_secs(1);
const PROBE_INTERVAL_MAX: Duration = Duration::from_secs(30);
/// A probe comes later by up to this part of its interval: not with those of other clients, and not in step with an API that
/// comes and goes. (In simulation, probes in step met one that was up for a fifth of the time for hours only when it was down.)
const PROBE_JITTER: f64 = 0.1;

/// Whether the API is up.
#[derive(Debug)]
pub(super) struct Health {
    state: State,
    failures_in_a_row: u32,
    /// When the last request was sent that the API answered in a way that shows that it works.
    alive_at: Option<Moment>,
    /// When it first failed after that.
    failing_since: Option<Moment>,
    /// Answers of the last [`RECENT`], in slices of a second.
    recent: VecDeque<Slice>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Up,
    Down { since: Moment, probe_at: Moment, interval: Duration, probe: Probe },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probe {
    Waiting,
    InFlight,
}

#[derive(Debug)]
struct Slice {
    start: Moment,
    alive: u32,
    failed: u32,
}

/// Whether rows may be sent, as far as the API's health goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permission {
    /// Any row.
    Any,
    /// One row, as a probe.
    Probe,
    /// None before this time.
    NotBefore(Moment),
    /// None before the probe's answer.
    NotBeforeAnswer,
}

/// What a failure says of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evidence {
    /// That it may be down.
    New,
    /// Nothing new: the same row failed since the API last worked, so it may be the row. (In simulation one row that the API
    /// always answered with 502 opened the breaker as soon as it was the last one left.)
    Repeated,
    /// Little: the API has worked since the same row last failed. (In simulation twenty such rows opened the breaker again and
    /// again, and each time it was taken for an outage that fails no row.)
    Relapse,
    /// Nothing: the API answered.
    Nothing,
}

/// What an outage failure did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// The breaker opened with it.
    Opened,
    /// It was open, or stays closed.
    Unchanged,
}

impl Health {
    pub(super) fn up() -> Health {
        Health { state: State::Up, failures_in_a_row: 0, alive_at: None, failing_since: None, recent: VecDeque::new() }
    }

    pub(super) fn permission(&self, now: Moment) -> Permission {
        match self.state {
            State::Up => Permission::Any,
            State::Down { probe: Probe::InFlight, .. } => Permission::NotBeforeAnswer,
            State::Down { probe_at, .. } if probe_at > now => Permission::NotBefore(probe_at),
            State::Down { .. } => Permission::Probe,
        }
    }

    /// A row was sent; while the API is down it is the probe.
    pub(super) fn sent(&mut self) {
        if let State::Down { probe, .. } = &mut self.state {
            *probe = Probe::InFlight;
        }
    }

    /// The API answered in a way that shows that it works. Ends an outage; how long it lasted.
    pub(super) fn alive(&mut self, now: Moment, sent: Moment) -> Option<Duration> {
        // Answers overtake each other: this one may be to a request from before the outage.
        self.alive_at = self.alive_at.max(Some(sent));
        self.failing_since = self.failing_since.filter(|since| sent < *since);
        if matches!(self.state, State::Down { since, .. } if sent < since) {
            return None;
        }
        self.failures_in_a_row = 0;
        self.slice(now).alive += 1;
        match std::mem::replace(&mut self.state, State::Up) {
            State::Up => None,
            State::Down { since, .. } => {
                // What was before the outage says nothing of the time after it.
                self.recent.clear();
                Some(now.since(since))
            }
        }
    }

    /// The API could not be reached, or said itself that it is down.
    /// `jitter` is a number from 0 to 1.
    pub(super) fn failed(&mut self, now: Moment, sent: Moment, evidence: Evidence, jitter: f64) -> Opening {
        self.failing_since.get_or_insert(now);
        if evidence == Evidence::New {
            self.failures_in_a_row += 1;
            self.slice(now).failed += 1;
        }
        let is_outage = self.failures_in_a_row >= FAILURES_IN_A_ROW || self.recently_half();
        match &mut self.state {
            State::Up if is_outage => {
                self.open(now, jitter);
                Opening::Opened
            }
            State::Up => Opening::Unchanged,
            // Answers to what was sent before the breaker opened are no probe's.
            State::Down { since, .. } if sent < *since => Opening::Unchanged,
            State::Down { probe_at, interval, probe, .. } => {
                *interval = (*interval * 2).min(PROBE_INTERVAL_MAX);
                *probe_at = now + interval.mul_f64(1.0 + PROBE_JITTER * jitter);
                *probe = Probe::Waiting;
                Opening::Unchanged
            }
        }
    }

    /// Opens the breaker: what was sent fails, and nothing shows that it is the row's fault.
    fn open(&mut self, now: Moment, jitter: f64) {
        if self.state == State::Up {
            self.state = State::Down {
                since: now,
                probe_at: now + PROBE_INTERVAL_FIRST.mul_f64(1.0 + PROBE_JITTER * jitter),
                interval: PROBE_INTERVAL_FIRST,
                probe: Probe::Waiting,
            };
        }
    }

    /// Since when the API is down.
    pub(super) fn down_since(&self) -> Option<Moment> {
        match self.state {
            State::Up => None,
            State::Down { since, .. } => Some(since),
        }
    }

    /// When the next probe is due.
    pub(super) fn next_probe(&self) -> Option<Moment> {
        match self.state {
            State::Up => None,
            State::Down { probe_at, .. } => Some(probe_at),
        }
    }

    /// A probe ended without an answer about the API's health (a pause, a refused token): the next one may go.
    pub(super) fn probe_ended(&mut self) {
        if let State::Down { probe, .. } = &mut self.state {
            *probe = Probe::Waiting;
        }
    }

    /// What another failure of a row says that last failed at `failed_at`. Nothing is the row's fault before the API has
    /// worked once.
    pub(super) fn evidence(&self, failed_at: Option<Moment>) -> Evidence {
        match (self.alive_at, failed_at) {
            (Some(alive), Some(failed)) if failed >= alive => Evidence::Repeated,
            (Some(_), Some(_)) => Evidence::Relapse,
            (None, _) | (_, None) => Evidence::New,
        }
    }

    /// Whether a failure that says this may be a sign of an outage: the API has not worked since this row or another one
    /// failed. The doubt is limited, since in simulation two bad rows at the end of a file kept each other going for ever.
    pub(super) fn is_in_doubt(&self, evidence: Evidence, now: Moment) -> bool {
        let has_only_failed = match evidence {
            Evidence::New => self.failures_in_a_row > 1,
            Evidence::Repeated => true,
            Evidence::Relapse => self.failures_in_a_row > 0,
            Evidence::Nothing => false,
        };
        let is_recent = self.failing_since.is_none_or(|since| now.since(since) < DOUBT_MAX);
        self.alive_at.is_none() || (has_only_failed && is_recent)
    }

    fn recently_half(&self) -> bool {
        let (alive, failed) =
            self.recent.iter().fold((0, 0), |(alive, failed), slice| (alive + slice.alive, failed + slice.failed));
        alive + failed >= RECENT_ANSWERS_MIN && failed >= alive
    }

    fn slice(&mut self, now: Moment) -> &mut Slice {
        let oldest = now - RECENT;
        while self.recent.front().is_some_and(|slice| slice.start < oldest) {
            self.recent.pop_front();
        }
        if self.recent.back().is_none_or(|slice| slice.start + Duration::from_secs(1) <= now) {
            self.recent.push_back(Slice { start: now, alive: 0, failed: 0 });
        }
        self.recent.back_mut().expect("a slice was just pushed where there was none")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::after_start(Duration::from_secs(seconds))
    }

    fn opened_at(seconds: u64) -> Health {
        let mut health = Health::up();
        for _ in 0..FAILURES_IN_A_ROW {
            assert_eq!(health.permission(at(seconds)), Permission::Any);
            health.failed(at(seconds), at(seconds), Evidence::New, 0.0);
        }
        health
    }

    #[test]
    fn probes_one_at_a_time_ever_rarer() {
        let mut health = opened_at(0);
        let mut now = at(0);
        let mut gaps = Vec::new();
        for _ in 0..7 {
            let Permission::NotBefore(probe_at) = health.permission(now) else { panic!("down, and not yet time") };
            gaps.push(probe_at.since(now).as_secs());
            now = probe_at;
            assert_eq!(health.permission(now), Permission::Probe);
            health.sent();
            assert_eq!(health.permission(now), Permission::NotBeforeAnswer);
            health.failed(now, now, Evidence::New, 0.0);
        }
        assert_eq!(gaps, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(health.alive(now, now), Some(now.since_start()));
        assert_eq!(health.permission(now), Permission::Any);
    }

    #[test]
    fn probes_are_late_by_jitter() {
        let mut health = opened_at(0);
        health.sent();
        health.failed(at(10), at(10), Evidence::New, 1.0);
        assert_eq!(health.next_probe(), Some(at(10) + Duration::from_millis(2200)));
    }

    #[test]
    fn answers_to_earlier_requests_are_no_probes() {
        let mut health = opened_at(5);
        assert_eq!(health.failed(at(5), at(4), Evidence::New, 0.0), Opening::Unchanged);
        assert_eq!(health.permission(at(5)), Permission::NotBefore(at(6)));
    }

    #[test]
    fn half_of_the_last_seconds_opens() {
        let mut health = Health::up();
        for round in 0..9 {
            health.alive(at(round), at(round));
            assert_eq!(health.failed(at(round), at(round), Evidence::New, 0.0), Opening::Unchanged);
        }
        health.alive(at(9), at(9));
        assert_eq!(health.failed(at(9), at(9), Evidence::New, 0.0), Opening::Opened);
    }

    #[test]
    fn old_failures_are_forgotten() {
        let mut health = Health::up();
        for round in 0..9 {
            health.failed(at(round), at(round), Evidence::New, 0.0);
        }
        health.alive(at(40), at(40));
        for _ in 0..9 {
            assert_eq!(health.failed(at(60), at(60), Evidence::New, 0.0), Opening::Unchanged);
        }
    }

    #[test]
    fn what_a_failure_says() {
        let mut health = Health::up();
        let check = |health: &Health, failed_at: Option<u64>, want: Evidence| {
            assert_eq!(health.evidence(failed_at.map(at)), want, "failed at {failed_at:?}");
        };
        check(&health, Some(1), Evidence::New);
        health.alive(at(5), at(4));
        check(&health, None, Evidence::New);
        check(&health, Some(3), Evidence::Relapse);
        check(&health, Some(4), Evidence::Repeated);
    }

    #[test]
    fn one_row_alone_never_opens() {
        let mut health = Health::up();
        health.alive(at(1), at(1));
        for second in 2..200 {
            let evidence = health.evidence((second > 2).then(|| at(second - 1)));
            assert_eq!(health.failed(at(second), at(second), evidence, 0.0), Opening::Unchanged);
            let is_in_doubt = (3..122).contains(&second);
            assert_eq!(health.is_in_doubt(evidence, at(second)), is_in_doubt, "{second} s");
        }
    }

    #[test]
    fn late_answers_to_earlier_requests_do_not_end_an_outage() {
        let mut health = opened_at(5);
        assert_eq!(health.alive(at(6), at(4)), None);
        assert_eq!(health.down_since(), Some(at(5)));
        assert_eq!(health.alive(at(7), at(6)), Some(Duration::from_secs(2)));
    }
}
