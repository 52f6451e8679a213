//! The hours of a day in which requests may leave: `22:00-06:00`, or `22:00-06:00 Europe/Berlin`.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Time;

/// Hours of a day, each day. They may begin on one day and end on the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// The time from which on requests may leave.
    from: Time,
    /// The time from which on they may not any more; never the same as `from`.
    to: Time,
    /// The name of the time zone; UTC without one. Whether the zone is known is seen where it is
    /// used, since that takes files.
    zone: Option<String>,
}

/// The reason why a text is no hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// Another form.
    #[error(
        "`{0}` is not a time from one hour to another: write it as in 22:00-06:00, or with a time zone as in \"22:00-06:00 Europe/Berlin\""
    )]
    NotHours(String),
    /// The same time twice.
    #[error("`{0}` begins and ends at the same time: leave it out to send at any time")]
    WholeDay(String),
}

impl Hours {
    /// Returns the time from which on requests may leave.
    pub(crate) fn from(&self) -> Time {
        self.from
    }

    /// Returns the time from which on they may not leave any more.
    pub(crate) fn to(&self) -> Time {
        self.to
    }

    /// Returns the name of the time zone; UTC without one.
    pub(crate) fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }
}

impl FromStr for Hours {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let not_hours = || HoursError::NotHours(text.to_owned());
        let (hours, zone) = match text.trim().split_once(char::is_whitespace) {
            Some((hours, zone)) => (hours, Some(zone.trim().to_owned())),
            None => (text.trim(), None),
        };
        let (from, to) = hours.split_once('-').ok_or_else(not_hours)?;
        let from = time(from).ok_or_else(not_hours)?;
        // The end of a day is the beginning of the next one.
        let to = match to {
            "24:00" => Some(Time::midnight()),
            _ => time(to),
        };
        let to = to.ok_or_else(not_hours)?;
        if from == to {
            return Err(HoursError::WholeDay(text.to_owned()));
        }
        Ok(Hours { from, to, zone })
    }
}

/// Writes the hours as they are typed.
impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from.strftime("%H:%M"), self.to.strftime("%H:%M"));
        write!(f, "{from}-{to}")?;
        let mut zone = self.zone.iter();
        zone.try_for_each(|zone| write!(f, " {zone}"))
    }
}

/// Reads a time of two digits for the hour and two for the minute.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str| {
        let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse().ok()).flatten()
    };
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_and_written_back() {
        let check = |text: &str, want: &str| {
            let hours: Hours = text.parse().expect(text);
            assert_eq!(hours.to_string(), want, "{text}");
        };
        check("22:00-06:00", "22:00-06:00");
        check("09:30-17:05", "09:30-17:05");
        check("18:00-24:00", "18:00-00:00");
        check(" 22:00-06:00  Europe/Berlin ", "22:00-06:00 Europe/Berlin");
    }

    #[test]
    fn another_form_is_refused_with_the_right_one() {
        let check = |text: &str, want: &str| {
            let error = text.parse::<Hours>().expect_err(text).to_string();
            assert!(error.contains(want), "{text}: {error}");
        };
        for text in [
            "",
            "22-6",
            "22:00",
            "22:00-6:00",
            "22:00 - 06:00",
            "24:00-06:00",
            "22:00-25:00",
            "22:60-06:00",
            "+1:00-06:00",
            "22:00-06:00:00",
        ] {
            check(text, "write it as in 22:00-06:00");
        }
        check("06:00-06:00", "leave it out");
        check("00:00-24:00 Europe/Berlin", "leave it out");
    }
}
