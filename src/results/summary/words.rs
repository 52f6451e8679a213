//! Counts and times in words.

use jiff::Timestamp;

use crate::text::grouped;

/// Formats a count of rows.
pub(in crate::results) fn rows(count: u64) -> String {
    counted(count, "row", "rows")
}

/// Formats a count of things.
pub(crate) fn counted(count: u64, one: &str, several: &str) -> String {
    format!(
        "{} {}",
        grouped(count),
        if count == 1 { one } else { several }
    )
}

/// Formats a count of times.
pub(super) fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{} times", grouped(count)),
    }
}

/// Formats a time in seconds.
pub(in crate::results) fn took(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float is cut to the range of the number, and no time is negative"
    )]
    let whole = seconds.round() as u64;
    let (hours, minutes) = (whole / 3600, whole / 60 % 60);
    match whole {
        0..100 => format!("{seconds:.1} s"),
        100..3600 => format!("{minutes} min {} s", whole % 60),
        _ => format!("{hours} h {minutes} min"),
    }
}

/// Formats a time in milliseconds, of which a second and more are told in seconds.
pub(super) fn took_ms(milliseconds: f64) -> String {
    if milliseconds < 999.95 {
        format!("{milliseconds:.1} ms")
    } else {
        took(milliseconds / 1000.0)
    }
}

/// Formats a time of day for people, in UTC.
pub(super) fn at(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d at %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_units_that_people_use() {
        for (seconds, want) in [
            (0.0, "0.0 s"),
            (0.94, "0.9 s"),
            (99.44, "99.4 s"),
            (99.6, "1 min 40 s"),
            (3599.4, "59 min 59 s"),
            (3599.6, "1 h 0 min"),
            (90_061.0, "25 h 1 min"),
        ] {
            assert_eq!(took(seconds), want, "{seconds}");
        }
        for (milliseconds, want) in [
            (0.04, "0.0 ms"),
            (999.94, "999.9 ms"),
            (999.96, "1.0 s"),
            (6791.2, "6.8 s"),
            (125_000.0, "2 min 5 s"),
        ] {
            assert_eq!(took_ms(milliseconds), want, "{milliseconds}");
        }
    }
}
