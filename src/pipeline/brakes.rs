//! The causes that hold a run back, in words: what it is, and the flag that changes it.

use std::time::Duration;

use jiff::Timestamp;

use crate::results::held_back::{Brake, HeldBack};
use crate::schedule::rate::shown_per_second;
use crate::schedule::{InFlightBound, LimitedBy, Moment, WindowPace};
use crate::text::grouped;

/// The numbers that a description needs beside the limit itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figures {
    /// The rate a second that was learned from refusals.
    pub(super) learned_rate: Option<f64>,
    pub(super) window: Option<WindowPace>,
    /// The rate a second of all processes that share it.
    pub(super) shared_rate: Option<f64>,
}

/// Returns the cause for a limit.
pub(super) fn brake(limited_by: LimitedBy) -> Brake {
    match limited_by {
        LimitedBy::Pause(_) => Brake::Pause,
        LimitedBy::Outage(..) => Brake::Outage,
        LimitedBy::Doubts => Brake::Doubts,
        LimitedBy::Window => Brake::Window,
        LimitedBy::Rate(_) => Brake::Rate,
        LimitedBy::SharedRate(_) => Brake::SharedRate,
        LimitedBy::RateStore(_) => Brake::RateStore,
        LimitedBy::NoNamedLimit => Brake::NoNamedLimit,
        LimitedBy::LearnedRate => Brake::LearnedRate,
        LimitedBy::InFlight(_, InFlightBound::Setting) => Brake::MaxInFlight,
        LimitedBy::InFlight(_, InFlightBound::SlowStart) => Brake::SlowStart,
        LimitedBy::InFlight(_, InFlightBound::Answers) => Brake::Answers,
        LimitedBy::InFlight(_, InFlightBound::Refusals) => Brake::Refusals,
        LimitedBy::InFlight(_, InFlightBound::Sockets) => Brake::Sockets,
        LimitedBy::InFlight(_, InFlightBound::Canary) | LimitedBy::Canary => Brake::Canary,
        LimitedBy::Hours(_) => Brake::Hours,
        LimitedBy::RetryTokens => Brake::Retries,
        LimitedBy::TokenRefresh => Brake::TokenRefresh,
        LimitedBy::Order => Brake::Order,
        LimitedBy::Input => Brake::Input,
    }
}

/// Whether a limit is told as soon as it holds requests back. Others are told if they take most of
/// the last seconds.
pub(super) fn is_told_at_once(limited_by: LimitedBy) -> bool {
    matches!(
        limited_by,
        LimitedBy::Pause(_) | LimitedBy::Outage(..) | LimitedBy::Doubts | LimitedBy::Hours(_)
    )
}

/// Describes a limit.
pub(super) fn held_back(limited_by: LimitedBy, figures: Figures, now: Moment) -> HeldBack {
    let (text, short) = described(limited_by, figures, now);
    HeldBack {
        brake: brake(limited_by),
        text,
        short,
    }
}

fn described(limited_by: LimitedBy, figures: Figures, now: Moment) -> (String, String) {
    let both = |text: &str, short: &str| (text.to_owned(), short.to_owned());
    let alike = |text: String| (text.clone(), text);
    match limited_by {
        LimitedBy::Pause(until) => paused(until.since(now)),
        LimitedBy::Outage(since, probe) => outage(now.since(since), probe.map(|at| at.since(now))),
        LimitedBy::Doubts => both(
            "the remaining rows are in doubt: waiting for another update to show whether the API works",
            "rows in doubt",
        ),
        LimitedBy::Window => (window(figures.window), "the API's window".to_owned()),
        LimitedBy::Rate(rate) => alike(format!("--rate {rate}")),
        LimitedBy::SharedRate(members) => shared_rate(members, figures.shared_rate),
        LimitedBy::RateStore(Some(share)) => both(
            &format!("no contact with the rate store: sending at 1/{share} of the rate"),
            &format!("1/{share} of the rate"),
        ),
        LimitedBy::RateStore(None) => both(
            "waiting for the rate store (--max-wait)",
            "waiting for the rate store",
        ),
        LimitedBy::NoNamedLimit => both(
            "up to 20/s: the API names no limit, --rate",
            "no limit named: --rate",
        ),
        LimitedBy::LearnedRate => alike(match figures.learned_rate {
            Some(per_second) => format!("the API accepts about {}", shown_per_second(per_second)),
            None => "the API refuses almost every request".to_owned(),
        }),
        LimitedBy::InFlight(limit, bound) => in_flight(limit, bound),
        LimitedBy::RetryTokens => both("retries held back: too few successes", "retries held back"),
        LimitedBy::TokenRefresh => alike("refreshing the token".to_owned()),
        LimitedBy::Canary => both(
            "all other rows wait for the canary's verdict: --canary",
            "the canary: --canary",
        ),
        LimitedBy::Hours(opens) => before_hours(opens.since(now)),
        LimitedBy::Order => both(
            "rows of one customer go one after another",
            "one customer's rows",
        ),
        LimitedBy::Input => alike("reading the input".to_owned()),
    }
}

fn shared_rate(members: u64, per_second: Option<f64>) -> (String, String) {
    let short = match members {
        0 | 1 => "one rate, with no other process".to_owned(),
        2 => "one rate with 1 other process".to_owned(),
        members => format!("one rate with {} other processes", members - 1),
    };
    let text = match per_second {
        Some(per_second) => format!("{short}: {}", shown_per_second(per_second)),
        None => short.clone(),
    };
    (text, short)
}

fn paused(wait: Duration) -> (String, String) {
    let short = "paused by the API".to_owned();
    match Timestamp::now().checked_add(wait) {
        Ok(until) => (
            format!("paused by the API until {} UTC", until.strftime("%H:%M:%S")),
            short,
        ),
        // A time too late for any date.
        Err(_) => (format!("paused by the API for {} s", wait.as_secs()), short),
    }
}

fn before_hours(wait: Duration) -> (String, String) {
    let short = "waiting for --hours".to_owned();
    match Timestamp::now().checked_add(wait) {
        Ok(opens) => (
            format!("{short}, from {} UTC on", opens.strftime("%H:%M:%S")),
            short,
        ),
        // A time too late for any date.
        Err(_) => (short.clone(), short),
    }
}

fn outage(down: Duration, next_probe: Option<Duration>) -> (String, String) {
    let short = format!("API down for {} s", down.as_secs());
    let text = match next_probe {
        Some(wait) => format!("{short}, next probe in {} s", wait.as_secs()),
        None => format!("{short}, probing"),
    };
    (text, short)
}

/// Describes the window by its requests and, if it is a usual one, its length.
fn window(pace: Option<WindowPace>) -> String {
    const UNITS: [(u64, &str); 4] = [
        (1, "a second"),
        (60, "a minute"),
        (3_600, "an hour"),
        (86_400, "a day"),
    ];
    let Some(pace) = pace else {
        return "the API's window".to_owned();
    };
    let length = pace.length.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "at most 86,400")]
    let unit = UNITS
        .iter()
        .find(|(seconds, _)| (length / *seconds as f64 - 1.0).abs() < 0.05);
    match unit {
        Some((_, unit)) => format!("the API's window: {} {unit}", grouped(pace.requests)),
        None => format!("the API's window of {}", grouped(pace.requests)),
    }
}

/// Returns the reason of a limit of requests in flight.
pub(super) fn because(bound: InFlightBound) -> &'static str {
    match bound {
        InFlightBound::Setting => "--max-in-flight",
        InFlightBound::SlowStart => "slow start",
        InFlightBound::Answers => "as many as the API answers without getting slower",
        InFlightBound::Refusals => "as many as the API accepts at once",
        InFlightBound::Sockets => "no descriptors or ports are left for more",
        InFlightBound::Canary => "the canary",
    }
}

fn in_flight(limit: usize, bound: InFlightBound) -> (String, String) {
    let text = match bound {
        InFlightBound::Setting => format!("{limit} in flight is the limit: --max-in-flight"),
        InFlightBound::SlowStart => format!("{limit} in flight so far, still rising"),
        InFlightBound::Answers => format!("the API gets slower beyond {limit} in flight"),
        InFlightBound::Refusals => format!("the API accepts about {limit} requests at once"),
        InFlightBound::Sockets => {
            format!("this machine can open {limit} connections: ulimit -n")
        }
        InFlightBound::Canary => format!("{limit} in flight is the limit of a canary: --canary"),
    };
    let short = match bound {
        InFlightBound::Setting => "--max-in-flight",
        InFlightBound::SlowStart => "still rising",
        InFlightBound::Answers | InFlightBound::Refusals => "the API's limit",
        InFlightBound::Sockets => "ulimit -n",
        InFlightBound::Canary => "the canary: --canary",
    };
    (text, short.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::rate::{LimitedRate, RateUnit};

    #[test]
    fn a_cause_comes_with_the_flag_that_changes_it() {
        let pace = |requests, seconds| {
            Some(WindowPace {
                requests,
                length: Duration::from_secs(seconds),
                left: 0,
                renewed_in: Duration::ZERO,
            })
        };
        let check = |limited_by, window, want: &str| {
            let figures = Figures {
                shared_rate: None,
                learned_rate: Some(9.8),
                window,
            };
            let told = held_back(limited_by, figures, Moment::START);
            assert_eq!(told.text, want, "{limited_by:?}");
            assert!(told.short.len() <= told.text.len());
        };
        let rate = LimitedRate::new(600, RateUnit::Minute).expect("a good rate");
        let setting = LimitedBy::InFlight(32, InFlightBound::Setting);
        check(setting, None, "32 in flight is the limit: --max-in-flight");
        check(LimitedBy::Rate(rate), None, "--rate 600/m");
        check(
            LimitedBy::NoNamedLimit,
            None,
            "up to 20/s: the API names no limit, --rate",
        );
        check(LimitedBy::LearnedRate, None, "the API accepts about 9.8/s");
        check(LimitedBy::Window, None, "the API's window");
        check(
            LimitedBy::Window,
            pace(6_000, 59),
            "the API's window: 6,000 a minute",
        );
        check(
            LimitedBy::Window,
            pace(6_000, 47),
            "the API's window of 6,000",
        );
    }
}
