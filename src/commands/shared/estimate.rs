//! The time that a run will take, told before its first request. Only a rate of the user's is known
//! beforehand, so without one nothing is told.

use std::fmt;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use jiff::Timestamp;
use tracing::info;

use crate::config::sending::SendingSettings;
use crate::journal::Shard;

use crate::pipeline::{self, Reading};
use crate::results::progress::RunProgress;
use crate::schedule::rate::{LimitedRate, Rate};
use crate::schedule::{CanaryRules, CanaryThen, OpenHours, RateSharing, ReadNeed};
use crate::terminal::Terminal;
use crate::text::grouped;

/// A time from which on its date is told, too.
const DAY: Duration = Duration::from_hours(24);
/// The time for which a run waits for the count of its rows.
const COUNTED_WITHIN: Duration = Duration::from_millis(100);

/// The pace of a run, from which the time for any number of rows follows.
#[derive(Debug, Clone, Copy)]
pub(in crate::commands) struct Pace {
    rate: LimitedRate,
    /// The requests for each row.
    requests: u32,
    hours: Option<OpenHours>,
    /// The time at which the run begins.
    begins: Timestamp,
}

/// The time that some rows will take.
#[derive(Debug, Clone, Copy)]
struct Estimate {
    pace: Pace,
    rows: u64,
}

/// The counting of a run's rows, and what is told of them.
pub(in crate::commands) struct Counting {
    /// The total of the progress.
    pub(in crate::commands) total: Total,
    /// The pace of the run, if it is known.
    pub(in crate::commands) pace: Option<Pace>,
    /// The rows that are to be sent.
    pub(in crate::commands) to_send: RowsToSend,
}

/// The total of the progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Total {
    /// It is shown.
    Shown,
    /// No progress is shown.
    Hidden,
}

/// The number of rows that are to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum RowsToSend {
    /// All that are counted and have no outcome, of which a shard has its part.
    Counted(Option<Shard>),
    /// This many.
    Known(u64),
    /// It is not known.
    Unknown,
}

impl Total {
    /// Returns whether the total is shown on this terminal.
    pub(in crate::commands) fn of(terminal: &Terminal) -> Total {
        if terminal.shows_progress() {
            Total::Shown
        } else {
            Total::Hidden
        }
    }
}

impl Counting {
    /// Counts the rows while the run begins, and tells how long it will take. The run waits for the
    /// count for a moment, so that this is told before the first request of a short file.
    pub(in crate::commands) fn start(self, reading: &Reading, progress: &Arc<RunProgress>) {
        let Counting {
            total,
            pace,
            to_send,
        } = self;
        let earlier = progress.snapshot().earlier.rows;
        let (pace, shard) = match (pace, to_send) {
            // After an earlier process, the state does not know which rows it has settled.
            (Some(pace), RowsToSend::Known(rows)) if earlier == 0 => {
                pace.tell(rows);
                (None, None)
            }
            (Some(pace), RowsToSend::Counted(shard)) => (Some(pace), shard),
            (Some(_), RowsToSend::Known(_) | RowsToSend::Unknown) | (None, _) => (None, None),
        };
        if pace.is_none() && total == Total::Hidden {
            return;
        }
        let (counting, counted) = mpsc::channel::<()>();
        pipeline::count_for_progress(reading, progress, move |rows, progress| {
            if total == Total::Shown {
                progress.set_total(rows);
            }
            let left = rows.saturating_sub(earlier);
            let shards = shard.map_or(1, |shard| u64::from(shard.of()));
            if let Some(pace) = pace {
                pace.tell(left.div_ceil(shards));
            }
            drop(counting);
        });
        if pace.is_some() {
            // A long file is counted while its first rows are sent.
            counted.recv_timeout(COUNTED_WITHIN).ok();
        }
    }
}

impl Pace {
    /// Returns the pace of a run that begins now; `None` if it is not known.
    pub(in crate::commands) fn of(
        settings: &SendingSettings,
        reads: ReadNeed,
        sharing: &RateSharing,
        canary: Option<&CanaryRules>,
        hours: Option<OpenHours>,
    ) -> Option<Pace> {
        let rate = match (settings.rate, sharing) {
            (Rate::Limited(rate), RateSharing::Alone | RateSharing::Processes(_)) => rate,
            // The other members of a store have their parts of a rate.
            (Rate::Limited(_), RateSharing::Member(_)) | (Rate::Auto | Rate::Unlimited, _) => {
                return None;
            }
        };
        // A run that stops after its canary does not send all rows.
        if canary.is_some_and(|canary| canary.then == CanaryThen::Stop) {
            return None;
        }
        let requests = match reads {
            ReadNeed::Wanted | ReadNeed::Only => 1,
            ReadNeed::Required => 2,
        };
        Some(Pace {
            rate,
            requests,
            hours,
            begins: Timestamp::now(),
        })
    }

    /// Returns the time for this many requests, as in `2 h 47 m at 600/m`.
    pub(in crate::commands) fn time_for(self, requests: u64) -> String {
        let rate = self.rate;
        let one = Pace {
            requests: 1,
            ..self
        };
        let estimate = Estimate {
            pace: one,
            rows: requests,
        };
        format!("{} at {rate}", shown(estimate.lasts()))
    }

    /// Tells how long this many rows will take, if there are any.
    pub(in crate::commands) fn tell(self, rows: u64) {
        if rows > 0 {
            info!("{}", Estimate { pace: self, rows });
        }
    }
}

impl Estimate {
    /// The time for the requests, without the wait before them.
    fn lasts(&self) -> Duration {
        let requests = self.rows.saturating_mul(u64::from(self.pace.requests));
        let nanoseconds = self.pace.rate.interval().as_nanos() * u128::from(requests);
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    /// The time until the last request has left, from the begin of the run.
    fn ends(&self) -> Duration {
        let wait = self.pace.hours.map(|hours| hours.opens.since_start());
        self.lasts().saturating_add(wait.unwrap_or_default())
    }
}

/// For example: `100,000 rows, 1 request each at 600/m: about 2 h 47 m, done at 04:10 UTC`.
impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pace {
            rate,
            requests,
            hours,
            begins,
        } = self.pace;
        let rows = if self.rows == 1 { "row" } else { "rows" };
        let each = if requests == 1 { "request" } else { "requests" };
        write!(
            f,
            "{} {rows}, {requests} {each} each at {rate}: about {}",
            grouped(self.rows),
            shown(self.lasts())
        )?;
        let ends = self.ends();
        // A time beyond any date is not told.
        let Ok(done) = begins.checked_add(ends) else {
            return Ok(());
        };
        let Some(closes) = hours.map(|hours| hours.closes.since_start()) else {
            return write!(f, ", done at {}", clock(done, ends));
        };
        match begins.checked_add(closes) {
            Ok(end) if ends > closes => write!(
                f,
                ", which is longer than until the end of --hours at {}: the rows that are left then need another start",
                clock(end, closes)
            ),
            Ok(_) | Err(_) => write!(f, ", done at {}, within --hours", clock(done, ends)),
        }
    }
}

/// Formats a time in UTC, with its date if it is more than a day ahead.
fn clock(at: Timestamp, ahead: Duration) -> String {
    let form = if ahead < DAY {
        "%H:%M UTC"
    } else {
        "%Y-%m-%d %H:%M UTC"
    };
    at.strftime(form).to_string()
}

/// Formats a duration in its two coarsest units: `2 h 47 m`.
fn shown(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{} s", seconds.max(1)),
        (0, 0, _) => format!("{minutes} m {seconds} s"),
        (0, _, _) => format!("{hours} h {minutes} m"),
        _ => format!("{} d {hours} h", grouped(days)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Moment;

    fn estimate(rows: u64, requests: u32, rate: &str, hours: Option<[u64; 2]>) -> String {
        let Ok(Rate::Limited(rate)) = rate.parse() else {
            panic!("{rate} is a limited rate");
        };
        let at = |seconds| Moment::after_start(Duration::from_secs(seconds));
        let pace = Pace {
            rate,
            requests,
            hours: hours.map(|[opens, closes]| OpenHours {
                opens: at(opens),
                closes: at(closes),
            }),
            begins: "2026-11-30T01:23:20Z".parse().expect("a time"),
        };
        Estimate { pace, rows }.to_string()
    }

    #[test]
    fn the_time_follows_from_rows_requests_and_rate() {
        let check = |rows, requests, rate, want: &str| {
            assert_eq!(estimate(rows, requests, rate, None), want);
        };
        check(
            100_000,
            1,
            "600/m",
            "100,000 rows, 1 request each at 600/m: about 2 h 46 m, done at 04:10 UTC",
        );
        check(
            1,
            2,
            "10/s",
            "1 row, 2 requests each at 10/s: about 1 s, done at 01:23 UTC",
        );
        check(
            3_000,
            2,
            "50/s",
            "3,000 rows, 2 requests each at 50/s: about 2 m 0 s, done at 01:25 UTC",
        );
        check(
            10_000_000,
            1,
            "20/s",
            "10,000,000 rows, 1 request each at 20/s: about 5 d 18 h, done at 2026-12-05 20:16 UTC",
        );
    }

    #[test]
    fn the_hours_are_enough_or_not() {
        let check = |rows, hours, want: &str| {
            let told = estimate(rows, 1, "1/s", Some(hours));
            let want = format!(" each at 1/s: {want}");
            assert!(told.ends_with(&want), "{told}\n{want}");
        };
        check(
            3600,
            [0, 3600],
            "about 1 h 0 m, done at 02:23 UTC, within --hours",
        );
        check(
            3600,
            [60, 3600],
            "about 1 h 0 m, which is longer than until the end of --hours at 02:23 UTC: the rows that are left then need another start",
        );
    }
}
