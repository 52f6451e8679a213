//! The output for the user during a run: the numbers of the progress line, the reason why the run
//! is not faster, and a log line for each outage.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use tracing::{debug, info, warn};

use super::brakes::{self, Figures};
use crate::api::Route;
use crate::contract::FieldSet;
use crate::results::held_back::{Brake, BrakeTimes, HeldBack};
use crate::results::progress::{RunProgress, SendingProgress};
use crate::results::timeline::{Sample, Sampler, TimelinePoint};
use crate::row::Row;
use crate::schedule::{Cause, LimitedBy, Moment, Schedule, WindowPace};

/// Silence from which on it is reported.
const SILENCE: Duration = Duration::from_secs(1);

/// Follows a schedule and reports what it does.
#[derive(Debug)]
pub(crate) struct Reporter {
    progress: Arc<RunProgress>,
    /// The route of requests.
    route: Route,
    times: BrakeTimes,
    sampler: Sampler,
    /// The last limit of each cause.
    last_limits: BTreeMap<Brake, LimitedBy>,
    /// The most requests in flight that were logged last.
    in_flight_max: Option<usize>,
    /// The end of the pause that was logged last.
    pause: Option<Moment>,
    /// The state that was logged last.
    logged: Health,
    /// Whether it was logged that all customers are unknown.
    has_warned_of_unknown: bool,
    /// Whether it was logged that this machine has no descriptors or ports left.
    has_warned_of_sockets: bool,
    /// Whether it was logged that refusals are believed.
    has_warned_of_refusals: bool,
    /// The fields of which it was logged that the API shows another value.
    warned_of_echo: FieldSet,
}

/// The API's health as it was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Well,
    Silent(SilenceKind),
    Down(Moment),
}

/// A time without an answer that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Silence {
    kind: SilenceKind,
    time: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SilenceKind {
    /// Requests are in flight, and no answer comes.
    NoAnswer,
    /// Answers come, but each is a failure.
    NoGoodAnswer,
}

impl Silence {
    /// Returns the silence now, if it has lasted for a second.
    fn of(schedule: &Schedule<Row>, now: Moment) -> Option<Silence> {
        let since = |since: Option<Moment>, kind| {
            let time = now.since(since?);
            (time >= SILENCE).then_some(Silence { kind, time })
        };
        since(schedule.silent_since(), SilenceKind::NoAnswer)
            .or_else(|| since(schedule.failing_since(), SilenceKind::NoGoodAnswer))
    }

    fn held_back(self, route: &Route) -> HeldBack {
        let what = self.kind.what();
        let seconds = self.time.as_secs();
        HeldBack {
            brake: Brake::NoAnswer,
            text: format!("{what} from {route} for {seconds} s"),
            short: format!("{what} for {seconds} s"),
        }
    }
}

impl SilenceKind {
    fn what(self) -> &'static str {
        match self {
            SilenceKind::NoAnswer => "no answer",
            SilenceKind::NoGoodAnswer => "no good answer",
        }
    }
}

/// Explains the cause of a failed attempt on a route.
pub(crate) fn explain(route: &Route, cause: Cause) -> String {
    match cause {
        Cause::Status(status) => route
            .explain_status(status)
            .unwrap_or_else(|| format!("{route} answers {status}")),
        Cause::Fault(fault) => route.explain(fault),
    }
}

/// Whether a limit may be due to the API's silence.
fn may_be_silence(limited_by: LimitedBy) -> bool {
    matches!(
        limited_by,
        LimitedBy::InFlight(..) | LimitedBy::Order | LimitedBy::Input | LimitedBy::Outage(_, None)
    )
}

impl Reporter {
    pub(crate) fn new(progress: Arc<RunProgress>, route: Route) -> Reporter {
        Reporter {
            progress,
            route,
            times: BrakeTimes::default(),
            sampler: Sampler::default(),
            last_limits: BTreeMap::new(),
            in_flight_max: None,
            pause: None,
            logged: Health::Well,
            has_warned_of_unknown: false,
            has_warned_of_sockets: false,
            has_warned_of_refusals: false,
            warned_of_echo: FieldSet::EMPTY,
        }
    }

    /// Updates the progress line and the log. Returns a point of the timeline if one is due.
    pub(crate) fn report(
        &mut self,
        schedule: &Schedule<Row>,
        now: Moment,
    ) -> Option<TimelinePoint> {
        self.update(schedule, now);
        self.sampled(schedule, now, Sampler::take)
    }

    /// Updates the progress line and the log for the last time. Returns the last point of the timeline.
    pub(crate) fn finish(
        &mut self,
        schedule: &Schedule<Row>,
        now: Moment,
    ) -> Option<TimelinePoint> {
        self.update(schedule, now);
        self.sampled(schedule, now, Sampler::finish)
    }

    fn sampled(
        &mut self,
        schedule: &Schedule<Row>,
        now: Moment,
        take: impl FnOnce(&mut Sampler, Moment, &Sample<'_>) -> Option<TimelinePoint>,
    ) -> Option<TimelinePoint> {
        let progress = self.progress.snapshot();
        let sample = Sample {
            rows: progress.ended,
            bad: progress.bad,
            requests: schedule.statistics().attempts,
            in_flight: schedule.in_flight(),
            in_flight_max: schedule.in_flight_max(now).0,
            rate_per_second: schedule.per_second_max(),
            brake_times: &self.times,
        };
        take(&mut self.sampler, now, &sample)
    }

    fn update(&mut self, schedule: &Schedule<Row>, now: Moment) {
        let silence = Silence::of(schedule, now);
        let window = schedule.window_pace(now);
        let held_back = self.held_back(schedule, silence, window, now);
        self.progress.set_sending(SendingProgress {
            in_flight: u64::try_from(schedule.in_flight()).unwrap_or(u64::MAX),
            retries: schedule.statistics().retries.values().sum(),
            held_back: held_back.filter(|_| schedule.stopped().is_none()),
            window,
            is_ending: schedule.stopped().is_some(),
        });
        self.log_limits(schedule, now);
        self.log_health(schedule, silence, now);
        self.warn_of_unknown_customers(schedule);
        self.warn_of_sockets(schedule);
        self.warn_of_refusals(schedule);
        self.warn_of_echo(schedule);
    }

    /// Returns the time for which each cause held the run back.
    pub(crate) fn brake_times(&self) -> &BrakeTimes {
        &self.times
    }

    /// Returns the cause that holds the run back: a wait or an outage at once, any other if it took
    /// most of the last seconds.
    fn held_back(
        &mut self,
        schedule: &Schedule<Row>,
        silence: Option<Silence>,
        window: Option<WindowPace>,
        now: Moment,
    ) -> Option<HeldBack> {
        let limited_by = schedule.limited_by();
        let figures = Figures {
            learned_rate: schedule.statistics().learned_rate,
            window,
            shared_rate: schedule.shared_per_second(),
        };
        if let Some(silence) = silence
            && limited_by.is_none_or(may_be_silence)
        {
            self.times.add(now, Some(Brake::NoAnswer));
            return Some(silence.held_back(&self.route));
        }
        let brake = limited_by.map(brakes::brake);
        self.times.add(now, brake);
        if let (Some(brake), Some(limited_by)) = (brake, limited_by) {
            self.last_limits.insert(brake, limited_by);
        }
        match limited_by.filter(|limited_by| brakes::is_told_at_once(*limited_by)) {
            Some(limited_by) => Some(brakes::held_back(limited_by, figures, now)),
            None => self
                .times
                .recent()
                .and_then(|brake| self.last_limits.get(&brake))
                .map(|limited_by| brakes::held_back(*limited_by, figures, now)),
        }
    }

    /// Logs with `-v` each change of the requests that may be in flight, and each pause.
    fn log_limits(&mut self, schedule: &Schedule<Row>, now: Moment) {
        let (in_flight, bound) = schedule.in_flight_max(now);
        if self.in_flight_max != Some(in_flight) {
            debug!(
                "at most {in_flight} requests in flight: {}",
                brakes::because(bound)
            );
            self.in_flight_max = Some(in_flight);
        }
        let pause = match schedule.limited_by() {
            Some(LimitedBy::Pause(until)) => Some(until),
            _ => None,
        };
        if let Some(until) = pause.filter(|_| pause != self.pause) {
            debug!(
                "the API asked to wait for {} ms",
                until.since(now).as_millis()
            );
        }
        self.pause = pause;
    }

    /// Logs once each that the API is silent, that it is down, and that it is up again.
    fn log_health(&mut self, schedule: &Schedule<Row>, silence: Option<Silence>, now: Moment) {
        let cause = schedule.last_failure().map(|cause| self.explained(cause));
        let health = match (schedule.limited_by(), silence) {
            (Some(LimitedBy::Outage(since, _)), _) => Health::Down(since),
            (_, Some(silence)) => Health::Silent(silence.kind),
            (_, None) => Health::Well,
        };
        match (self.logged, health) {
            (Health::Well, Health::Silent(kind)) => {
                let what = kind.what();
                let cause = cause.map_or_else(String::new, |cause| format!(": {cause}"));
                info!("{what} from {} for a second{cause}", self.route);
            }
            (Health::Well | Health::Silent(_), Health::Down(_)) => {
                let cause = cause.unwrap_or_else(|| format!("no answer from {}", self.route));
                warn!("{cause}: the API is down, one request at a time probes it (--max-wait)");
            }
            (Health::Down(since), Health::Well) => {
                info!(
                    "the API is up again, after {} s",
                    now.since(since).as_secs()
                );
            }
            (Health::Silent(_) | Health::Well, Health::Well) => {}
            // A probe under way changes nothing.
            (Health::Down(_) | Health::Silent(_), Health::Silent(_))
            | (Health::Down(_), Health::Down(_)) => return,
        }
        self.logged = health;
    }

    /// Explains the cause of a failure, with its code in the results.
    fn explained(&self, cause: Cause) -> String {
        format!("{} ({cause})", explain(&self.route, cause))
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

    /// Warns once of each field that the API never shows as it was sent.
    fn warn_of_echo(&mut self, schedule: &Schedule<Row>) {
        let fields = schedule.fields_never_as_sent();
        for field in fields.without(self.warned_of_echo).names() {
            warn!(
                "the API shows another {field} than was sent, in all of the first 20 answers that show it: compare a customer with the input (--echo)"
            );
        }
        self.warned_of_echo = fields;
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
