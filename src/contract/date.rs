//! Points in time: RFC 3339 as it is, a plain date as midnight UTC, other forms only where the user names them.

use jiff::fmt::strtime::{self, BrokenDownTime};

/// A form of dates that the user names (`--date-format`), in the notation of `strftime`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateFormat(String);

/// Text that is no form of dates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{format}` is not a date format: {reason}")]
pub struct DateFormatError {
    format: String,
    reason: String,
}

impl DateFormat {
    /// A format such as `%d/%m/%Y`. It is tried on a date at once, so that a mistake is found before any row is read.
    pub fn new(format: &str) -> Result<DateFormat, DateFormatError> {
        let refused = |reason: String| DateFormatError { format: format.to_owned(), reason };
        let sample = jiff::civil::date(2001, 12, 31).at(13, 14, 15, 0).to_zoned_datetime(jiff::tz::TimeZone::UTC);
        let sample = sample.map_err(|error| refused(error.to_string()))?;
        let text = strtime::format(format, &sample).map_err(|error| refused(error.to_string()))?;
        let parsed = strtime::parse(format, &text).map_err(|error| refused(error.to_string()))?;
        match parsed.to_date() {
            Ok(date) if date == sample.date() => Ok(DateFormat(format.to_owned())),
            Ok(_) => Err(refused("it does not name a whole date".to_owned())),
            Err(error) => Err(refused(error.to_string())),
        }
    }

    /// Reads `text` in this form into RFC 3339; a time without a zone is UTC, a date without a time is midnight.
    fn read(&self, text: &str) -> Option<String> {
        let parsed: BrokenDownTime = strtime::parse(&self.0, text).ok()?;
        if parsed.offset().is_some() {
            return parsed.to_timestamp().ok().map(|time| time.to_string());
        }
        let date = parsed.to_date().ok()?;
        let time = parsed.to_time().unwrap_or(jiff::civil::Time::midnight());
        Some(format!("{}Z", date.to_datetime(time)))
    }
}

/// A point in time as it will be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateTime {
    /// The text is RFC 3339 already.
    AsGiven,
    /// A plain date, `YYYY-MM-DD`: midnight UTC.
    Day,
}

/// What makes midnight UTC of a plain date, in RFC 3339.
pub(super) const MIDNIGHT: &str = "T00:00:00Z";

/// Reads a point in time; `None` where the text is none.
pub(super) fn parse(text: &str) -> Option<DateTime> {
    let bytes = text.as_bytes();
    if is_date_time(bytes) {
        return Some(DateTime::AsGiven);
    }
    (bytes.len() == DATE_BYTES && is_date(bytes)).then_some(DateTime::Day)
}

/// Reads a point in time in the first form that fits, into RFC 3339.
pub(super) fn read_by(formats: &[DateFormat], text: &str) -> Option<String> {
    formats.iter().find_map(|format| format.read(text))
}

/// `YYYY-MM-DD`
const DATE_BYTES: usize = 10;
/// `YYYY-MM-DDThh:mm:ss`
const SECONDS_BYTES: usize = 19;

/// Whether the bytes are a `date-time` of RFC 3339 §5.6 (`T` and `Z` in either case, as its note allows).
fn is_date_time(bytes: &[u8]) -> bool {
    let Some((local, rest)) = bytes.split_at_checked(SECONDS_BYTES) else { return false };
    let (Some((date, time)), Some(zone)) = (local.split_at_checked(DATE_BYTES), after_fraction(rest)) else {
        return false;
    };
    is_date(date) && is_time(time) && is_zone(zone)
}

/// What follows an optional `.` with at least one digit.
fn after_fraction(rest: &[u8]) -> Option<&[u8]> {
    match rest.strip_prefix(b".") {
        None => Some(rest),
        Some(fraction) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            fraction.split_at_checked(digits).filter(|_| digits > 0).map(|(_, zone)| zone)
        }
    }
}

fn is_date(bytes: &[u8]) -> bool {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = bytes else { return false };
    let (Some(century), Some(years)) = (two_digits(*y1, *y2), two_digits(*y3, *y4)) else { return false };
    let (Some(month), Some(day)) = (two_digits(*m1, *m2), two_digits(*d1, *d2)) else { return false };
    day >= 1 && day <= days_in_month(century * 100 + years, month)
}

/// `Thh:mm:ss`; second 60 is a leap second (RFC 3339 §5.7), which only ever ends a minute 59.
fn is_time(bytes: &[u8]) -> bool {
    let [b'T' | b't', h1, h2, b':', m1, m2, b':', s1, s2] = bytes else { return false };
    let (Some(hour), Some(minute), Some(second)) = (two_digits(*h1, *h2), two_digits(*m1, *m2), two_digits(*s1, *s2))
    else {
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
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| u16::from(tens - b'0') * 10 + u16::from(ones - b'0'))
}

fn days_in_month(year: u16, month: u16) -> u16 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
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
            "1990-12-31T23:59:60Z",
            "2024-02-29T00:00:00-00:00",
            "0000-01-01T00:00:00Z",
            "1990-12-31T15:59:60-08:00",
        ] {
            check(text, Some(DateTime::AsGiven));
        }
    }

    #[test]
    fn plain_dates_become_midnight_utc() {
        check("1985-04-12", Some(DateTime::Day));
        check("2000-02-29", Some(DateTime::Day));
    }

    #[test]
    fn other_forms_only_where_named() {
        let check = |text: &str, formats: &[&str], want: Option<&str>| {
            let formats: Vec<_> =
                formats.iter().map(|format| DateFormat::new(format).expect("a good format")).collect();
            assert_eq!(parse(text), None, "{text:?}");
            assert_eq!(read_by(&formats, text).as_deref(), want, "{text:?}");
        };
        check("31/12/1999", &[], None);
        check("31/12/1999", &["%d/%m/%Y"], Some("1999-12-31T00:00:00Z"));
        check("12/31/1999", &["%d/%m/%Y"], None);
        check("12/31/1999", &["%d/%m/%Y", "%m/%d/%Y"], Some("1999-12-31T00:00:00Z"));
        check("1999-12-31 08:05", &["%Y-%m-%d %H:%M"], Some("1999-12-31T08:05:00Z"));
        check("1999-12-31 08:05 +0200", &["%Y-%m-%d %H:%M %z"], Some("1999-12-31T06:05:00Z"));
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

    #[test]
    fn a_wrong_format_is_refused() {
        for format in ["", "%Y", "%d/%m", "%Q-%m-%d", "%"] {
            assert!(DateFormat::new(format).is_err(), "{format:?}");
        }
        assert!(DateFormat::new("%d.%m.%y").is_ok());
    }
}
