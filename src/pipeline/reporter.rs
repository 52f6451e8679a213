//! The output for the user during a run: the numbers of the progress line, the reason why the run
//! is not faster, and a log line for each outage.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::{Resource, getrlimit};
use tracing::{info, warn};

use crate::api::Route;
use crate::results::progress::RunProgress;
use crate::row::Row;
use crate::schedule::rate::shown_per_second;
use crate::schedule::{Cause, LimitedBy, Moment, Schedule};

/// Silence from which on it is reported.
const SILENCE: Duration = Duration::from_secs(1);

/// Follows a schedule and reports what it does.
#[derive(Debug)]
pub(crate) struct Reporter {
    progress: Arc<RunProgress>,
    /// The route of requests.
    route: Route,
    /// The state that was logged last.
    logged: Health,
    /// Whether it was logged that all customers are unknown.
    has_warned_of_unknown: bool,
    /// Whether it was logged that this machine has no descriptors or ports left.
    has_warned_of_sockets: bool,
    /// Whether it was logged that refusals are believed.
    has_warned_of_refusals: bool,
}

/// The API's health as it was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Well,
    Silent,
    Down(Moment),
}

impl Reporter {
    pub(crate) fn new(progress: Arc<RunProgress>, route: Route) -> Reporter {
        Reporter {
            progress,
            route,
            logged: Health::Well,
            has_warned_of_unknown: false,
            has_warned_of_sockets: false,
            has_warned_of_refusals: false,
        }
    }

    /// Updates the progress line and the log.
    pub(crate) fn report(&mut self, schedule: &Schedule<Row>, now: Moment) {
        let retries = schedule.statistics().retries.values().sum();
        self.progress.set_sending(
            u64::try_from(schedule.in_flight()).unwrap_or(u64::MAX),
            retries,
        );
        let long_enough = |since: Option<Moment>| {
            since
                .map(|since| now.since(since))
                .filter(|time| *time >= SILENCE)
        };
        let silence = (long_enough(schedule.silent_since()).map(|time| ("no answer", time)))
            .or_else(|| long_enough(schedule.failing_since()).map(|time| ("no good answer", time)));
        self.progress
            .set_limited_by(match (schedule.limited_by(), silence) {
                (
                    None | Some(LimitedBy::Concurrency | LimitedBy::Outage(_, None)),
                    Some((what, time)),
                ) => {
                    format!("{what} from {} for {} s", self.route, time.as_secs())
                }
                (limited_by, _) => limited_by.map_or_else(String::new, |limited_by| {
                    describe(limited_by, schedule.statistics().learned_rate, now)
                }),
            });
        self.log_health(schedule, silence.map(|(what, _)| what), now);
        self.warn_of_unknown_customers(schedule);
        self.warn_of_sockets(schedule);
        self.warn_of_refusals(schedule);
    }

    /// Logs once each that the API is silent, that it is down, and that it is up again.
    fn log_health(&mut self, schedule: &Schedule<Row>, silence: Option<&str>, now: Moment) {
        let cause = schedule
            .last_failure()
            .map_or_else(String::new, |cause| self.describe_failure(cause));
        let health = match schedule.limited_by() {
            Some(LimitedBy::Outage(since, _)) => Health::Down(since),
            _ if silence.is_some() => Health::Silent,
            _ => Health::Well,
        };
        match (self.logged, health) {
            (Health::Well, Health::Silent) => {
                info!(
                    "{} from {} for a second{cause}",
                    silence.unwrap_or_default(),
                    self.route
                );
            }
            (Health::Well | Health::Silent, Health::Down(_)) => {
                warn!(
                    "the API at {} is down{cause}; one request at a time probes it",
                    self.route
                );
            }
            (Health::Down(since), Health::Well) => {
                info!(
                    "the API is up again, after {} s",
                    now.since(since).as_secs()
                );
            }
            (Health::Silent | Health::Well, Health::Well) => {}
            // A probe under way changes nothing.
            (Health::Down(_) | Health::Silent, Health::Silent)
            | (Health::Down(_), Health::Down(_)) => return,
        }
        self.logged = health;
    }

    fn describe_failure(&self, cause: Cause) -> String {
        let details = cause.fault().and_then(|fault| self.route.details(fault));
        let details = details.map_or_else(String::new, |details| format!(" ({details})"));
        format!(", the last failure was {cause}{details}")
    }

    /// Warns once that this machine cannot open more connections.
    fn warn_of_sockets(&mut self, schedule: &Schedule<Row>) {
        if let Some(in_flight) = schedule.sockets_lacked_beyond()
            && !self.has_warned_of_sockets
        {
            self.has_warned_of_sockets = true;
            let limit = getrlimit(Resource::Nofile).current;
            let limit = limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
            warn!(
                "this machine has no file descriptors or ports left for more connections (ulimit -n is {limit}): at most about {in_flight} requests are in flight; raise the limit for more"
            );
        }
    }

    /// Warns once that refused rows end at once, without another attempt.
    fn warn_of_refusals(&mut self, schedule: &Schedule<Row>) {
        if schedule.believes_refusals() && !self.has_warned_of_refusals {
            self.has_warned_of_refusals = true;
            warn!(
                "the API has refused every row, even when it was sent again later: these rows are rejected, and so is each further one that is refused, until an update succeeds (--max-errors none)"
            );
        }
    }

    /// Warns once that no customer so far exists, which is rarely intended.
    fn warn_of_unknown_customers(&mut self, schedule: &Schedule<Row>) {
        if let Some(rows) = schedule.suspiciously_not_found()
            && !self.has_warned_of_unknown
        {
            self.has_warned_of_unknown = true;
            warn!(
                "the API knows none of the first {rows} customers (404): check --base-url and --tenant"
            );
        }
    }
}

/// Describes why the run is not faster.
fn describe(limited_by: LimitedBy, learned: Option<f64>, now: Moment) -> String {
    match limited_by {
        LimitedBy::Pause(until) => {
            let wait = until.since(now);
            match Timestamp::now().checked_add(wait) {
                Ok(until) => format!("paused by the API until {} UTC", until.strftime("%H:%M:%S")),
                // A time too late for any date.
                Err(_) => format!("paused by the API for {} s", wait.as_secs()),
            }
        }
        LimitedBy::Outage(since, probe) => {
            let down_s = now.since(since).as_secs();
            match probe {
                Some(at) => format!(
                    "API down for {down_s} s, next probe in {} s",
                    at.since(now).as_secs()
                ),
                None => format!("API down for {down_s} s, probing"),
            }
        }
        LimitedBy::Doubts => {
            "the remaining rows are in doubt: waiting for another update to show whether the API works"
                .to_owned()
        }
        LimitedBy::Window => "limited by the API's window".to_owned(),
        LimitedBy::Rate => "limited by --rate".to_owned(),
        LimitedBy::LearnedRate => match learned {
            Some(per_second) => format!("the API accepts about {}", shown_per_second(per_second)),
            None => "the API refuses almost every request".to_owned(),
        },
        LimitedBy::Concurrency => String::new(),
        LimitedBy::RetryTokens => "retries held back: too few successes".to_owned(),
        LimitedBy::TokenRefresh => "refreshing the token".to_owned(),
    }
}
