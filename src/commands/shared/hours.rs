//! The hours in which requests may leave (`--hours`), in a time zone: when they begin and end.

use std::time::Duration;

use anyhow::anyhow;
use jiff::civil::Time;
use jiff::tz::{self, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan, ZonedDateTime};
use tracing::debug;

use crate::commands::Failure;
use crate::config::sending::{Hours, SendingSettings};
use crate::pipeline::sender::Sent;
use crate::process::exit::Exit;
use crate::schedule::{Moment, OpenHours, StopReason};
use crate::text;

/// The days ahead in which hours are looked for. Only a day on which clocks change may have none.
const DAYS_MAX: i64 = 3;
/// The most by which the clock of a schedule may be ahead of that of the day.
const SLACK: Duration = Duration::from_secs(1);

/// The hours of each day, in their time zone.
#[derive(Debug, Clone)]
pub(in crate::commands) struct DailyHours {
    hours: Hours,
    zone: TimeZone,
}

/// The hours of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) struct HoursOfADay {
    /// The time from which on requests may leave.
    pub(in crate::commands) opens: Timestamp,
    /// The time from which on they may not any more.
    pub(in crate::commands) closes: Timestamp,
}

impl DailyHours {
    /// Returns the hours of the settings, if there are any.
    pub(in crate::commands) fn of(
        settings: &SendingSettings,
    ) -> Result<Option<DailyHours>, Failure> {
        let Some(hours) = settings.hours.clone() else {
            return Ok(None);
        };
        let zone = match hours.zone() {
            None => TimeZone::UTC,
            Some(name) => zone_of(name)?,
        };
        Ok(Some(DailyHours { hours, zone }))
    }

    /// Refuses a start outside the hours, if they begin later than after the longest wait.
    pub(in crate::commands) fn refuse_outside(&self, wait_max: Duration) -> Result<(), Failure> {
        let now = Timestamp::now();
        let opens = self.at(now).opens;
        if left(now, opens) <= wait_max {
            return Ok(());
        }
        Err(Failure {
            exit: Exit::StoppedEarly,
            error: anyhow!(
                "it is outside --hours {}, which begin at {}, and that is longer than --max-wait: run this again then; nothing was sent",
                self.hours,
                self.shown(opens)
            ),
        })
    }

    /// Returns the hours for a schedule that begins now. They are over if they begin later than after
    /// the longest wait.
    pub(in crate::commands) fn for_schedule(&self, wait_max: Duration) -> OpenHours {
        let now = Timestamp::now();
        let HoursOfADay { opens, closes } = self.at(now);
        let closes = if left(now, opens) <= wait_max {
            closes
        } else {
            now
        };
        OpenHours {
            opens: Moment::after_start(left(now, opens)),
            closes: Moment::after_start(left(now, closes)),
        }
    }

    /// Returns the next hours that are not over at this time.
    pub(in crate::commands) fn at(&self, now: Timestamp) -> HoursOfADay {
        let today = ZonedDateTime::new(now, self.zone.clone());
        let hours = (-1..=DAYS_MAX).filter_map(|day| self.of_day(&today, day));
        let mut hours = hours.filter(|hours| hours.closes > now);
        // At the end of all dates there is no other day.
        hours.next().unwrap_or(HoursOfADay {
            opens: Timestamp::MAX,
            closes: Timestamp::MAX,
        })
    }

    /// Returns the hours that begin this many days after today. A time that the clocks skip is
    /// as much later, and of a time that comes twice the first one counts.
    fn of_day(&self, today: &ZonedDateTime, day: i64) -> Option<HoursOfADay> {
        let date = today.date().checked_add(day.days()).ok()?;
        let (from, to) = (self.hours.from(), self.hours.to());
        let last = if from < to {
            date
        } else {
            date.tomorrow().ok()?
        };
        let at = |date: jiff::civil::Date, time: Time| {
            let zoned = date.to_datetime(time).to_zoned_datetime(self.zone.clone());
            zoned.ok().map(|zoned| zoned.timestamp())
        };
        let (opens, closes) = (at(date, from)?, at(last, to)?);
        (opens < closes).then_some(HoursOfADay { opens, closes })
    }

    /// Returns a time in UTC, and in the time zone if that is another.
    fn shown(&self, at: Timestamp) -> String {
        let utc = at.strftime("%Y-%m-%d %H:%M UTC");
        match self.hours.zone() {
            None => utc.to_string(),
            Some(zone) => {
                let there = at.to_zoned_datetime(self.zone.clone());
                format!(
                    "{utc} ({} in {})",
                    there.strftime("%H:%M"),
                    text::safe(zone)
                )
            }
        }
    }
}

/// Returns the time before which a run need not go on: that of the hours if they have ended, or the
/// end of a wait that the API asked for.
pub(in crate::commands) fn until(hours: Option<&DailyHours>, sent: &Sent) -> Option<Timestamp> {
    match (&sent.stop, hours) {
        (Some(StopReason::HoursEnded), Some(hours)) => {
            // The clocks of the schedule and of the day may differ by a little.
            let ended = Timestamp::now().checked_add(SLACK).ok()?;
            Some(hours.at(ended).opens)
        }
        (Some(_) | None, _) => sent.until,
    }
}

/// Returns the time from `now` to `at`, or zero if that is over.
fn left(now: Timestamp, at: Timestamp) -> Duration {
    let wait: SignedDuration = at.duration_since(now);
    Duration::try_from(wait).unwrap_or_default()
}

fn zone_of(name: &str) -> Result<TimeZone, Failure> {
    if name.eq_ignore_ascii_case("UTC") {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|error| {
        let shown = text::safe(name);
        let why = if tz::db().is_definitively_empty() {
            "this machine has no time zones (install tzdata, or name its directory in TZDIR)"
        } else {
            "this machine does not know it: write it as in Europe/Berlin"
        };
        debug!("{}", text::safe(&error.to_string()));
        Failure::unusable(anyhow!(
            "--hours: the time zone {shown} cannot be used, because {why}; hours without a zone are in UTC"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn daily(hours: &str, zone: TimeZone) -> DailyHours {
        let hours = hours.parse().expect("hours");
        DailyHours { hours, zone }
    }

    fn time(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// Central Europe by the rule itself, whatever this machine knows.
    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a rule")
    }

    #[test]
    fn the_next_hours_are_those_that_are_not_over() {
        let check = |hours: &str, zone: &TimeZone, now: &str, opens: &str, closes: &str| {
            let found = daily(hours, zone.clone()).at(time(now));
            let want = HoursOfADay {
                opens: time(opens),
                closes: time(closes),
            };
            assert_eq!(found, want, "{hours} at {now}");
        };
        let (utc, berlin) = (&TimeZone::UTC, &berlin());
        for (hours, zone, now, opens, closes) in [
            // By day.
            (
                "09:00-17:00",
                utc,
                "2026-11-30T08:59:59Z",
                "2026-11-30T09:00:00Z",
                "2026-11-30T17:00:00Z",
            ),
            (
                "09:00-17:00",
                utc,
                "2026-11-30T09:00:00Z",
                "2026-11-30T09:00:00Z",
                "2026-11-30T17:00:00Z",
            ),
            (
                "09:00-17:00",
                utc,
                "2026-11-30T17:00:00Z",
                "2026-12-01T09:00:00Z",
                "2026-12-01T17:00:00Z",
            ),
            // Over midnight.
            (
                "22:00-06:00",
                utc,
                "2026-11-30T05:59:59Z",
                "2026-11-29T22:00:00Z",
                "2026-11-30T06:00:00Z",
            ),
            (
                "22:00-06:00",
                utc,
                "2026-11-30T06:00:00Z",
                "2026-11-30T22:00:00Z",
                "2026-12-01T06:00:00Z",
            ),
            (
                "18:00-24:00",
                utc,
                "2026-11-30T23:59:59Z",
                "2026-11-30T18:00:00Z",
                "2026-12-01T00:00:00Z",
            ),
            (
                "22:00-06:00",
                berlin,
                "2026-11-30T20:00:00Z",
                "2026-11-30T21:00:00Z",
                "2026-12-01T05:00:00Z",
            ),
            // The night in which clocks go forward is an hour shorter, the other one longer.
            (
                "22:00-06:00",
                berlin,
                "2026-03-29T00:30:00Z",
                "2026-03-28T21:00:00Z",
                "2026-03-29T04:00:00Z",
            ),
            (
                "22:00-06:00",
                berlin,
                "2026-10-25T00:30:00Z",
                "2026-10-24T20:00:00Z",
                "2026-10-25T05:00:00Z",
            ),
            // A time that is skipped is an hour later.
            (
                "02:30-04:00",
                berlin,
                "2026-03-29T00:00:00Z",
                "2026-03-29T01:30:00Z",
                "2026-03-29T02:00:00Z",
            ),
            // Hours that are skipped as a whole are those of the next day.
            (
                "02:30-03:30",
                berlin,
                "2026-03-29T00:00:00Z",
                "2026-03-30T00:30:00Z",
                "2026-03-30T01:30:00Z",
            ),
            // Of a time that comes twice, the first counts.
            (
                "02:30-02:45",
                berlin,
                "2026-10-25T00:00:00Z",
                "2026-10-25T00:30:00Z",
                "2026-10-25T00:45:00Z",
            ),
            (
                "02:30-02:45",
                berlin,
                "2026-10-25T01:30:00Z",
                "2026-10-26T01:30:00Z",
                "2026-10-26T01:45:00Z",
            ),
        ] {
            check(hours, zone, now, opens, closes);
        }
    }

    #[test]
    fn a_time_is_shown_in_its_zone_too() {
        let at = time("2026-11-30T21:00:00Z");
        let check = |hours: &str, zone: TimeZone, want: &str| {
            assert_eq!(daily(hours, zone).shown(at), want);
        };
        check("22:00-06:00", TimeZone::UTC, "2026-11-30 21:00 UTC");
        check(
            "22:00-06:00 Europe/Berlin",
            berlin(),
            "2026-11-30 21:00 UTC (22:00 in Europe/Berlin)",
        );
    }

    #[test]
    fn an_unknown_zone_is_named() {
        let failure = zone_of("Europe/Nowhere").expect_err("no such zone");
        assert_eq!(failure.exit, Exit::Unusable);
        let message = format!("{:#}", failure.error);
        assert!(
            message.contains("the time zone Europe/Nowhere"),
            "{message}"
        );
        assert!(zone_of("utc").is_ok());
    }
}
