//! Points in time: RFC 3339 is sent unchanged, a plain date becomes midnight UTC, and other formats
//! are read only if the user names them.

use super::warning::Warning;

/// The current day; later dates are in the future. It is an argument, since nothing here reads a
/// clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Today {
    /// `YYYY-MM-DD`
    day: [u8; DATE_BYTES],
    /// The four digits of the year as one number, for fast comparison.
    year: u32,
}

impl Today {
    /// Returns a day of the years 1 to 9999, or `None` if there is no such day.
    pub fn new(year: i16, month: i8, day: i8) -> Option<Today> {
        let text = format!("{year:04}-{month:02}-{day:02}");
        let day: [u8; DATE_BYTES] = text.as_bytes().try_into().ok()?;
        is_date(&day).then(|| Today {
            day,
            year: year_of(&day),
        })
    }
}

impl Default for Today {
    /// The last day of all, so that no date is in the future.
    fn default() -> Today {
        Today {
            day: *b"9999-12-31",
            year: u32::from_be_bytes(*b"9999"),
        }
    }
}

/// The four digits of a date's year as one number.
#[inline]
fn year_of(date: &[u8]) -> u32 {
    date.first_chunk()
        .map_or(0, |year| u32::from_be_bytes(*year))
}

/// The first year in which living customers are born.
const FIRST_USUAL_YEAR: u32 = u32::from_be_bytes(*b"1900");

/// Whether a date's year is at least 1900 and before the current year, as most are.
#[inline]
pub(super) fn is_usual(date: &str, today: &Today) -> bool {
    let usual_years = today.year.wrapping_sub(FIRST_USUAL_YEAR);
    year_of(date.as_bytes()).wrapping_sub(FIRST_USUAL_YEAR) < usual_years
}

/// Returns the warning about a valid date, if any.
pub(super) fn warning_of(date: &str, today: &Today) -> Option<Warning> {
    let day = date.as_bytes().get(..DATE_BYTES)?;
    match day {
        day if *day > today.day[..] => Some(Warning::Future),
        day if year_of(day) < FIRST_USUAL_YEAR => Some(Warning::Before1900),
        _ => None,
    }
}

/// The form in which a valid point in time is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateTime {
    /// Unchanged: the text is RFC 3339 already.
    AsGiven,
    /// As midnight UTC: the text is a plain date, `YYYY-MM-DD`.
    Day,
}

/// The suffix that turns a plain date into midnight UTC in RFC 3339.
pub(super) const MIDNIGHT: &str = "T00:00:00Z";

/// Reads a point in time; `None` if the text is not one.
pub(super) fn parse(text: &str) -> Option<DateTime> {
    let bytes = text.as_bytes();
    if is_date_time(bytes) {
        return Some(DateTime::AsGiven);
    }
    (bytes.len() == DATE_BYTES && is_date(bytes)).then_some(DateTime::Day)
}

/// Whether text has the form of a plain date, even if there is no such day.
pub(super) fn has_form_of_day(text: &str) -> bool {
    let form = text
        .bytes()
        .map(|byte| if byte.is_ascii_digit() { b'9' } else { byte });
    form.eq(*b"9999-99-99")
}

/// `YYYY-MM-DD`
const DATE_BYTES: usize = 10;
/// `YYYY-MM-DDThh:mm:ss`
const SECONDS_BYTES: usize = 19;

/// Whether the bytes are a `date-time` of RFC 3339 §5.6 (`T` and `Z` in either case, as its note
/// allows).
pub(super) fn is_date_time(bytes: &[u8]) -> bool {
    let Some((local, rest)) = bytes.split_at_checked(SECONDS_BYTES) else {
        return false;
    };
    let (Some((date, time)), Some(zone)) =
        (local.split_at_checked(DATE_BYTES), after_fraction(rest))
    else {
        return false;
    };
    is_date(date) && is_time(time) && is_zone(zone)
}

/// Returns the text behind an optional fraction: `.` and at least one digit.
fn after_fraction(rest: &[u8]) -> Option<&[u8]> {
    match rest.strip_prefix(b".") {
        None => Some(rest),
        Some(fraction) => {
            let digits = fraction
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            fraction
                .split_at_checked(digits)
                .filter(|_| digits > 0)
                .map(|(_, zone)| zone)
        }
    }
}

/// Whether the bytes are `YYYY-MM-DD`, a day of the years 1 to 9999. Year 0 is refused: programs
/// write it for a missing date.
#[inline]
fn is_date(bytes: &[u8]) -> bool {
    let (Some(start), Some([d1, d2])) = (bytes.first_chunk::<8>(), bytes.get(8..)) else {
        return false;
    };
    // Eight bytes at once: a digit becomes its number, and a hyphen in its place becomes 0.
    let numbers = u64::from_le_bytes(*start) ^ u64::from_le_bytes(*b"0000-00-");
    let are_digits =
        (numbers.wrapping_add(0x7676_7676_7676_7676) | numbers) & 0x8080_8080_8080_8080 == 0;
    let are_hyphens = numbers & u64::from_le_bytes([0, 0, 0, 0, 0xff, 0, 0, 0xff]) == 0;
    let Some(day) = two_digits(*d1, *d2).filter(|day| *day >= 1 && are_digits && are_hyphens)
    else {
        return false;
    };
    let [y1, y2, y3, y4, _, m1, m2, _] = numbers.to_le_bytes().map(u16::from);
    let (year, month) = (y1 * 1000 + y2 * 100 + y3 * 10 + y4, m1 * 10 + m2);
    year >= 1
        && (1..=12).contains(&month)
        && (day <= SHORTEST_MONTH || day <= days_in_month(year, month))
}

/// Days that every month has.
const SHORTEST_MONTH: u16 = 28;

/// Whether the bytes are `Thh:mm:ss`. Second 60 is a leap second (RFC 3339 §5.7), which only ever
/// ends a minute 59.
fn is_time(bytes: &[u8]) -> bool {
    let [b'T' | b't', h1, h2, b':', m1, m2, b':', s1, s2] = bytes else {
        return false;
    };
    let (Some(hour), Some(minute), Some(second)) = (
        two_digits(*h1, *h2),
        two_digits(*m1, *m2),
        two_digits(*s1, *s2),
    ) else {
        return false;
    };
    hour <= 23 && minute <= 59 && (second <= 59 || (second == 60 && minute == 59))
}

fn is_zone(bytes: &[u8]) -> bool {
    match bytes {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            two_digits(*h1, *h2).is_some_and(|hour| hour <= 23)
                && two_digits(*m1, *m2).is_some_and(|minute| minute <= 59)
        }
        _ => false,
    }
}

fn two_digits(tens: u8, ones: u8) -> Option<u16> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| u16::from(tens - b'0') * 10 + u16::from(ones - b'0'))
}

fn days_in_month(year: u16, month: u16) -> u16 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, want: Option<DateTime>) {
        assert_eq!(parse(text), want, "{text:?}");
    }

    #[test]
    fn rfc_3339_stays_as_it_is() {
        for text in [
            "2023-11-07T05:31:56Z",
            "2023-11-07t05:31:56z",
            "2023-11-07T05:31:56.123456789+05:30",
            "2023-11-07T05:31:56+23:59",
            "1990-12-31T23:59:60Z",
            "2024-02-29T00:00:00-00:00",
            "0001-01-01T00:00:00Z",
            "1990-12-31T15:59:60-08:00",
        ] {
            check(text, Some(DateTime::AsGiven));
        }
    }

    proptest! {
        #[test]
        fn a_day_is_one_that_the_calendar_has(text in "[0-9]{4}-[0-3][0-9]-[0-3][0-9]|[0-9/:\\x80-]{9,11}") {
            let found = is_date(text.as_bytes());
            let want = text.len() == DATE_BYTES
                && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
                && text.parse::<jiff::civil::Date>().is_ok_and(|date| date.year() >= 1);
            prop_assert_eq!(found, want, "{:?}", text);
        }
    }

    #[test]
    fn plain_dates_become_midnight_utc() {
        check("1985-04-12", Some(DateTime::Day));
        check("2000-02-29", Some(DateTime::Day));
        check("2012-02-29", Some(DateTime::Day));
        check("0099-12-31", Some(DateTime::Day));
    }

    /// Only the warnings depend on the current day.
    #[test]
    fn a_date_is_compared_with_today_for_warnings_alone() {
        let check = |date: &str, today: (i16, i8, i8), want: Option<Warning>| {
            let (year, month, day) = today;
            let today = Today::new(year, month, day).expect("a day");
            assert_eq!(warning_of(date, &today), want, "{date}");
            assert!(
                !is_usual(date, &today) || want.is_none(),
                "{date} is not looked at"
            );
        };
        let today = (2026, 11, 28);
        check("2026-11-28", today, None);
        check("2026-11-29", today, Some(Warning::Future));
        check("2026-11-29T00:00:00+02:00", today, Some(Warning::Future));
        check("2026-11-29", (2026, 11, 29), None);
        check("2985-04-12", today, Some(Warning::Future));
        check("1899-12-31", today, Some(Warning::Before1900));
        check("0001-01-01T00:00:00Z", today, Some(Warning::Before1900));
        check("1900-01-01", today, None);
        check("1985-04-12", today, None);
        assert!(
            is_usual("1985-04-12", &Today::default())
                && is_usual("2025-12-31", &Today::new(2026, 1, 1).expect("a day"))
        );
        assert_eq!(warning_of("9999-12-31", &Today::default()), None);
        assert_eq!((Today::new(0, 1, 1), Today::new(2026, 2, 29)), (None, None));
    }

    #[test]
    fn not_dates() {
        for text in [
            "",
            "31/12/1999",
            "1900-02-29",
            "2023-02-29T00:00:00Z",
            "2023-13-01",
            "2023-00-01",
            "2023-01-00",
            "0000-01-01",
            "0000-01-01T00:00:00Z",
            "2023-04-31",
            "2023-11-07T24:00:00Z",
            "2023-11-07T23:60:00Z",
            "2023-11-07T23:58:60Z",
            "2023-11-07T05:31:56",
            "2023-11-07 05:31:56Z",
            "2023-11-07T05:31:56.Z",
            "2023-11-07T05:31:56+0530",
            "2023-11-07T05:31:56+24:00",
            "2023-1-7",
            "２023-11-07",
            "2023-11-07T05:31:56Zx",
            "+023-11-07",
        ] {
            check(text, None);
        }
    }
}
