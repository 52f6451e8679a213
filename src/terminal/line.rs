//! The line of progress: rows done, rate, time left, bad rows, and what holds the run back.

use std::time::Duration;

use jiff::{SignedDuration, Unit, ZonedDateTime};

use super::speed::Speed;
use crate::results::held_back::{Brake, HeldBack};
use crate::results::progress::ProgressSnapshot;
use crate::text::grouped;

/// The progress at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// Rows that have ended, those of earlier processes included if there is a total.
    pub(super) done: u64,
    /// Rows of the whole input, if they are counted.
    pub(super) total: Option<u64>,
    /// Rows that earlier processes settled.
    before: u64,
    /// Rows that ended badly, in the same set as `done`.
    pub(super) bad: u64,
    /// Rows a second in this process.
    pub(super) rate: f64,
    /// The time left, if it can be estimated.
    pub(super) left: Option<Duration>,
    pub(super) in_flight: u64,
    retries: u64,
    held_back: Option<HeldBack>,
    /// The part that is done, in the unit of the bar.
    pub(super) position: u64,
    /// The whole in the same unit, if it is known.
    pub(super) length: Option<u64>,
}

/// The ranks by which parts are left out where the line is too long. Those of the least rank go
/// first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Retries,
    InFlight,
    Earlier,
    Clock,
    /// The cause in full.
    Cause,
    Bad,
    /// The rows done, beside a percentage.
    Done,
    /// The cause in a few words.
    ShortCause,
    /// The rate, the time left, and the rows done if there is no percentage.
    Kept,
}

const RANKS: [Rank; 9] = [
    Rank::Retries,
    Rank::InFlight,
    Rank::Earlier,
    Rank::Clock,
    Rank::Cause,
    Rank::Bad,
    Rank::Done,
    Rank::ShortCause,
    Rank::Kept,
];

/// A part of the line: its texts with their ranks, the longest text of the least rank first.
struct Part(Vec<(Rank, String)>);

impl Line {
    /// Returns the line. `total_bytes` is the size of all inputs, if it is known.
    pub(super) fn of(snapshot: &ProgressSnapshot, speed: &Speed, total_bytes: Option<u64>) -> Line {
        let ProgressSnapshot {
            earlier,
            total,
            ended_bytes,
            ended,
            earlier_bytes,
            bad,
            sending,
        } = snapshot;
        let done = earlier.rows + ended;
        let total = total.filter(|total| *total >= done);
        let (position, length) = match total {
            Some(total) => (done, Some(total)),
            None => (ended_bytes + earlier_bytes, total_bytes),
        };
        let rest = length.map(|length| length.saturating_sub(position));
        let at_speed = rest.filter(|rest| *rest > 0).and_then(|rest| match total {
            Some(_) => speed.time_for_rows(rest),
            None => speed.time_for_bytes(rest),
        });
        let by_window = (sending.window)
            .zip(total)
            .map(|(window, total)| window.time_for(total.saturating_sub(done)));
        let is_held_by_window = (sending.held_back.as_ref())
            .is_some_and(|held_back| matches!(held_back.brake, Brake::Window | Brake::Pause));
        Line {
            done,
            total,
            before: earlier.rows,
            bad: earlier.bad + bad,
            rate: speed.rows(),
            // While the window holds requests back, the speed of the last seconds says little: a run
            // has just begun, or waits for the next window.
            left: match by_window.filter(|time| !time.is_zero()) {
                _ if sending.is_ending => None,
                Some(time) if is_held_by_window => Some(time),
                by_window => at_speed.max(by_window),
            },
            in_flight: sending.in_flight,
            retries: sending.retries,
            held_back: sending.held_back.clone(),
            position,
            length,
        }
    }

    /// Returns the name of the cause that holds the run back.
    pub(super) fn held_back_by(&self) -> Option<&'static str> {
        (self.held_back.as_ref()).map(|held_back| held_back.brake.name())
    }

    /// Returns the whole line. `now` is the time of the day.
    pub(super) fn all(&self, now: &ZonedDateTime) -> String {
        joined(&self.parts(now), Rank::Retries)
    }

    /// Returns a line of at most this many columns.
    pub(super) fn within(&self, columns: usize, now: &ZonedDateTime) -> String {
        let parts = self.parts(now);
        let lines = RANKS.into_iter().map(|least| joined(&parts, least));
        let mut last = String::new();
        for line in lines {
            if line.chars().count() <= columns {
                return line;
            }
            last = line;
        }
        let cut: String = last.chars().take(columns.saturating_sub(1)).collect();
        cut + "…"
    }

    fn parts(&self, now: &ZonedDateTime) -> Vec<Part> {
        let mut parts = vec![self.done_part()];
        parts.push(Part::of(Rank::Kept, format!("{:.0}/s", self.rate)));
        if let Some(left) = self.left {
            let left = SignedDuration::try_from(left).unwrap_or(SignedDuration::MAX);
            let short = format!("{} left", rounded(left));
            let clock = now.checked_add(left).ok().map(|end| clock(&end, now));
            let full = clock.map(|clock| (Rank::Clock, format!("{short} (about {clock})")));
            parts.push(Part(
                full.into_iter().chain([(Rank::Kept, short)]).collect(),
            ));
        }
        parts.push(Part::of(Rank::Bad, format!("{} bad", grouped(self.bad))));
        if self.in_flight > 0 {
            let in_flight = format!("{} in flight", self.in_flight);
            parts.push(Part::of(Rank::InFlight, in_flight));
        }
        if self.retries > 0 {
            let retries = format!("{} retries", grouped(self.retries));
            parts.push(Part::of(Rank::Retries, retries));
        }
        if let Some(HeldBack { text, short, .. }) = &self.held_back {
            let texts = [(Rank::Cause, text), (Rank::ShortCause, short)];
            parts.push(Part(texts.map(|(rank, text)| (rank, text.clone())).into()));
        }
        parts
    }

    fn done_part(&self) -> Part {
        let done = match self.total {
            Some(total) => format!("{} of {}", grouped(self.done), grouped(total)),
            None => format!("{} done", grouped(self.done)),
        };
        let rank = match self.length {
            Some(_) => Rank::Done,
            None => Rank::Kept,
        };
        let with_earlier = format!("{done} ({} before)", grouped(self.before));
        let with_earlier = (self.before > 0).then_some((Rank::Earlier, with_earlier));
        Part(with_earlier.into_iter().chain([(rank, done)]).collect())
    }
}

impl Part {
    fn of(rank: Rank, text: String) -> Part {
        Part(vec![(rank, text)])
    }

    /// Returns the longest text of at least this rank.
    fn text(&self, least: Rank) -> Option<&str> {
        let fitting = self.0.iter().find(|(rank, _)| *rank >= least);
        fitting.map(|(_, text)| text.as_str())
    }
}

fn joined(parts: &[Part], least: Rank) -> String {
    let texts = parts.iter().filter_map(|part| part.text(least));
    texts.collect::<Vec<_>>().join(" · ")
}

/// Returns a time with two units at most: `45s`, `11m 40s`, `1h 22m`.
fn rounded(time: SignedDuration) -> String {
    let unit = if time >= SignedDuration::from_hours(1) {
        Unit::Minute
    } else {
        Unit::Second
    };
    let rounded = time.round(unit).unwrap_or(time);
    format!("{rounded:#}")
}

/// Returns the time of the day, with the day if it is another one than today.
fn clock(at: &ZonedDateTime, now: &ZonedDateTime) -> String {
    let format = if at.date() == now.date() {
        "%H:%M"
    } else {
        "%a %H:%M"
    };
    at.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::progress::{EarlierRows, SendingProgress};
    use crate::schedule::WindowPace;

    /// A run that was continued, 20 s after its start.
    fn snapshot() -> ProgressSnapshot {
        ProgressSnapshot {
            earlier: EarlierRows {
                rows: 105_517,
                bad: 232,
            },
            total: Some(500_000),
            ended_bytes: 1_090_000,
            ended: 10_900,
            earlier_bytes: 10_553_000,
            bad: 18,
            sending: SendingProgress {
                in_flight: 32,
                retries: 7,
                held_back: Some(HeldBack {
                    brake: Brake::MaxInFlight,
                    text: "32 in flight is the limit: --max-in-flight".to_owned(),
                    short: "--max-in-flight".to_owned(),
                }),
                window: None,
                is_ending: false,
            },
        }
    }

    fn line(snapshot: &ProgressSnapshot, total_bytes: Option<u64>) -> Line {
        let mut speed = Speed::new();
        speed.add(Duration::from_secs(20), snapshot);
        Line::of(snapshot, &speed, total_bytes)
    }

    fn now() -> ZonedDateTime {
        "2026-11-27T23:00:10+01:00[+01:00]".parse().expect("a time")
    }

    #[test]
    fn the_rate_is_that_of_this_process_and_the_rows_are_all() {
        assert_eq!(
            line(&snapshot(), None).all(&now()),
            "116,417 of 500,000 (105,517 before) · 545/s · 11m 44s left (about 23:11) · 250 bad · \
             32 in flight · 7 retries · 32 in flight is the limit: --max-in-flight"
        );
    }

    #[test]
    fn a_narrow_line_keeps_the_rate_and_the_time_left() {
        let check = |columns: usize, want: &str| {
            assert_eq!(line(&snapshot(), None).within(columns, &now()), want);
        };
        check(
            120,
            "116,417 of 500,000 · 545/s · 11m 44s left (about 23:11) · 250 bad · \
             32 in flight is the limit: --max-in-flight",
        );
        check(
            80,
            "116,417 of 500,000 · 545/s · 11m 44s left · 250 bad · --max-in-flight",
        );
        check(
            60,
            "116,417 of 500,000 · 545/s · 11m 44s left · --max-in-flight",
        );
        check(40, "545/s · 11m 44s left · --max-in-flight");
        check(34, "545/s · 11m 44s left");
        check(10, "545/s · 1…");
    }

    #[test]
    fn without_a_total_the_bytes_tell_the_time_left() {
        let uncounted = ProgressSnapshot {
            total: None,
            ..snapshot()
        };
        let line = line(&uncounted, Some(50_000_000));
        assert_eq!((line.position, line.length), (11_643_000, Some(50_000_000)));
        assert_eq!(
            line.left,
            Some(Duration::from_secs_f64(38_357_000.0 / 54_500.0))
        );
        assert!(
            line.all(&now())
                .starts_with("116,417 done (105,517 before) · 545/s · ")
        );
    }

    #[test]
    fn a_window_tells_the_time_left_from_the_first_answers_on() {
        let window = WindowPace {
            requests: 600,
            length: Duration::from_mins(1),
            left: 0,
            renewed_in: Duration::from_secs(10),
        };
        let begun = |brake| ProgressSnapshot {
            total: Some(20_000),
            ended: 600,
            sending: SendingProgress {
                held_back: Some(HeldBack {
                    brake,
                    text: String::new(),
                    short: String::new(),
                }),
                window: Some(window),
                ..SendingProgress::default()
            },
            ..ProgressSnapshot::default()
        };
        let left = Some(Duration::from_secs(10 + 1_940));
        assert_eq!(line(&begun(Brake::Window), None).left, left);
        assert_eq!(line(&begun(Brake::Pause), None).left, left);
        assert_eq!(
            line(&begun(Brake::MaxInFlight), None).left,
            left,
            "the slower of both"
        );
        let mut ending = begun(Brake::Window);
        ending.sending.is_ending = true;
        assert_eq!(line(&ending, None).left, None, "no more is sent");
    }

    #[test]
    fn times_have_two_units_at_most() {
        let check = |seconds, want: &str| {
            assert_eq!(rounded(SignedDuration::from_secs(seconds)), want);
        };
        check(0, "0s");
        check(45, "45s");
        check(700, "11m 40s");
        check(3_600, "1h");
        check(4_930, "1h 22m");
        check(100_000, "27h 47m");
        let at = |text: &str| text.parse::<ZonedDateTime>().expect("a time");
        let end = at("2026-11-28T04:10:00+01:00[+01:00]");
        assert_eq!(clock(&end, &now()), "Sat 04:10");
    }
}
