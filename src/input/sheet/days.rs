//! Converts the day numbers of a workbook to dates.

use jiff::civil::{Date, Time};
use jiff::{Span, Unit};

const DAY_MS: f64 = 86_400_000.0;
/// Day 0 of the 1900 date system, counted back from March 1900. Before that, the system is a day
/// off, because it has a 29 February 1900.
const BEFORE_1900: Date = jiff::civil::date(1899, 12, 30);
/// Day 0 of the 1904 date system.
const FROM_1904: Date = jiff::civil::date(1904, 1, 1);
/// The days between day 0 of the 1900 date system and that of the 1904 one.
const BETWEEN_SYSTEMS: f64 = 1462.0;
/// 29 February 1900 in the 1900 date system. The day did not exist.
const NO_DAY: i64 = 60;
/// The last day of the year 9999.
const LAST_DAY: Date = jiff::civil::date(9999, 12, 31);

/// The date system of a workbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Days {
    /// 1 is 1 January 1900, and 60 is 29 February 1900, which did not exist.
    From1900,
    /// 0 is 1 January 1904.
    From1904,
}

/// Returns the date of a number, with a time if it has one, or `None` if Excel has no such day.
/// Workbooks have no time zones: times are UTC.
pub(crate) fn date_of(number: f64, days: Days) -> Option<String> {
    // A number far beyond the calendar cannot be converted.
    if !(0.0..4e6).contains(&number) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "4e6 days are 3.5e14 ms, which a float holds exactly"
    )]
    let ms = (number * DAY_MS).round() as i64;
    let (day, ms) = (ms / 86_400_000, ms % 86_400_000);
    let date = match days {
        Days::From1904 => FROM_1904.checked_add(Span::new().days(day)),
        Days::From1900 if day == 0 || day == NO_DAY => return None,
        Days::From1900 if day < NO_DAY => BEFORE_1900.checked_add(Span::new().days(day + 1)),
        Days::From1900 => BEFORE_1900.checked_add(Span::new().days(day)),
    };
    let date = date.ok().filter(|date| *date <= LAST_DAY)?;
    let (hour, minute, second, ms) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
    Some(match (hour, minute, second, ms) {
        (0, 0, 0, 0) => date.to_string(),
        (_, _, _, 0) => format!("{date}T{hour:02}:{minute:02}:{second:02}Z"),
        _ => format!("{date}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z"),
    })
}

/// Returns the number of a day in the 1900 date system. A number that is no day in its own system is
/// none there either.
pub(crate) fn number_from_1900(number: f64, days: Days) -> f64 {
    match days {
        Days::From1904 if number >= 0.0 => number + BETWEEN_SYSTEMS,
        Days::From1904 | Days::From1900 => number,
    }
}

/// Returns the number that [`date_of`] turns into this text in the 1900 date system. `None` if no
/// number does.
pub(crate) fn number_of(text: &str) -> Option<f64> {
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
    let (date, time): (Date, Time) = (date.parse().ok()?, time.strip_suffix('Z')?.parse().ok()?);
    let since = |day: Date| {
        date.since((Unit::Day, day))
            .ok()
            .map(|span| span.get_days())
    };
    let day = match since(BEFORE_1900)? {
        day if i64::from(day) <= NO_DAY => day - 1,
        day => day,
    };
    let midnight = Time::midnight();
    let ms = time.duration_since(midnight).as_millis();
    let number = f64::from(day) + f64::from(i32::try_from(ms).ok()?) / DAY_MS;
    (date_of(number, Days::From1900).as_deref() == Some(text)).then_some(number)
}

/// Returns a date and time in ISO 8601, as in strict workbooks, in UTC if it has no zone.
pub(crate) fn with_zone(text: &str) -> String {
    let time = text.split_once('T').map(|(_, time)| time);
    let lacks_zone = time.is_some_and(|time| !time.contains(['Z', 'z', '+', '-']));
    if lacks_zone {
        format!("{text}Z")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_days_that_excel_shows() {
        let check = |number: f64, days: Days, want: &str| {
            assert_eq!(
                date_of(number, days).as_deref().unwrap_or("none"),
                want,
                "{number} {days:?}"
            );
        };
        for (number, want) in [
            (-1.0, "none"),
            (0.0, "none"),
            (0.5, "none"),
            (1.0, "1900-01-01"),
            (59.0, "1900-02-28"),
            (60.0, "none"),
            (60.5, "none"),
            (61.0, "1900-03-01"),
            (31_149.0, "1985-04-12"),
            (31_149.5, "1985-04-12T12:00:00Z"),
            (31_149.000_011_574_074, "1985-04-12T00:00:01Z"),
            (31_149.25 + 1.0 / 86_400_000.0, "1985-04-12T06:00:00.001Z"),
            (2_958_465.0, "9999-12-31"),
            (2_958_465.999_999_999_9, "none"),
            (2_958_466.0, "none"),
            (1e300, "none"),
            (f64::NAN, "none"),
        ] {
            check(number, Days::From1900, want);
        }
        for (number, want) in [
            (-1.0, "none"),
            (0.0, "1904-01-01"),
            (60.0, "1904-03-01"),
            (29_687.0, "1985-04-12"),
            (2_957_003.0, "9999-12-31"),
            (2_957_004.0, "none"),
        ] {
            check(number, Days::From1904, want);
        }
    }

    #[test]
    fn a_date_has_the_number_that_reads_as_it() {
        for number in [
            1.0,
            59.0,
            61.0,
            31149.0,
            31149.5,
            2_958_465.999_988,
            45_000.123_456_789,
        ] {
            let text = date_of(number, Days::From1900).expect("a day");
            let again = number_of(&text).and_then(|number| date_of(number, Days::From1900));
            assert_eq!(again, Some(text), "{number}");
        }
        for none in [
            "1899-12-31",
            "1985-04-12T10:00:00+02:00",
            "1985-04-12T00:00:00Z",
            "1985-4-12",
            "",
        ] {
            assert_eq!(number_of(none), None, "{none}");
        }
        for number in [0.0, 0.5, 29687.0, 29687.75, 2_957_003.0, 2_957_004.0, -1.0] {
            assert_eq!(
                date_of(number_from_1900(number, Days::From1904), Days::From1900),
                date_of(number, Days::From1904),
                "{number}"
            );
        }
    }

    #[test]
    fn a_time_without_a_zone_is_utc() {
        let check = |text: &str, want: &str| assert_eq!(with_zone(text), want);
        check("1985-04-12", "1985-04-12");
        check("1985-04-12T10:00:00", "1985-04-12T10:00:00Z");
        check("1985-04-12T10:00:00.500", "1985-04-12T10:00:00.500Z");
        check("1985-04-12T10:00:00+02:00", "1985-04-12T10:00:00+02:00");
    }
}
