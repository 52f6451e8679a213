//! Times, sizes and shares as the page shows them.

use jiff::Timestamp;

use crate::results::report::svg::{float, round_number};
use crate::results::summary::words::took;

/// An hour and a day in milliseconds.
const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

/// Formats a time for people, in UTC, to the second.
pub(super) fn at(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Formats the time that an answer took.
pub(super) fn answer_time(us: u64) -> String {
    match us {
        0..1000 => format!("{us} µs"),
        1000..10_000 => format!("{:.2} ms", float(us) / 1e3),
        10_000..99_950 => format!("{:.1} ms", float(us) / 1e3),
        99_950..999_500 => format!("{:.0} ms", float(us) / 1e3),
        999_500..100_000_000 => format!("{:.2} s", float(us) / 1e6),
        _ => took(float(us) / 1e6),
    }
}

/// Formats a round time that an answer took, for an axis.
pub(super) fn round_time(us: f64) -> String {
    let (value, unit) = match us {
        us if us < 999.0 => (us, "µs"),
        us if us < 999_000.0 => (us / 1e3, "ms"),
        us => (us / 1e6, "s"),
    };
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} {unit}")
}

/// Formats a length of time in milliseconds: a round one exactly, and long ones to the hour.
pub(super) fn span(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        172_800_000.. => match (ms / DAY, ms % DAY / HOUR) {
            (days, 0) => format!("{days} days"),
            (days, hours) => format!("{days} days {hours} h"),
        },
        ms if ms % HOUR == 0 => format!("{} h", ms / HOUR),
        ms if ms % 60_000 == 0 && ms < HOUR => format!("{} min", ms / 60_000),
        ms if ms % 1000 == 0 && ms < 60_000 => format!("{} s", ms / 1000),
        ms => took(float(ms) / 1e3),
    }
}

/// Formats a size in bytes.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (1 << 40, "TiB"),
        (1 << 30, "GiB"),
        (1 << 20, "MiB"),
        (1 << 10, "KiB"),
    ];
    match UNITS.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", float(bytes) / float(unit)),
        None if bytes == 1 => "1 byte".to_owned(),
        None => format!("{bytes} bytes"),
    }
}

/// Formats a percentage. A part is never shown as nothing or as all.
pub(super) fn percent(percent: f64) -> String {
    match percent {
        part if part <= 0.0 => "0 %".to_owned(),
        part if part < 0.05 => "< 0.1 %".to_owned(),
        part if part >= 100.0 => "100 %".to_owned(),
        part if part >= 99.95 => "> 99.9 %".to_owned(),
        part => format!("{part:.1} %"),
    }
}

/// Formats a part of a whole as a percentage.
pub(super) fn share(part: u64, whole: u64) -> String {
    if part == whole && whole > 0 {
        return percent(100.0);
    }
    percent(100.0 * float(part) / float(whole.max(1)))
}

/// Formats a number per second, or a mean: about three digits that matter.
pub(super) fn figure(number: f64) -> String {
    let digits = match number {
        number if number < 9.995 => 100.0,
        number if number < 99.95 => 10.0,
        _ => 1.0,
    };
    round_number((number * digits).round() / digits)
}

/// Returns a text of several parts: `a, b and c`.
pub(super) fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_units_that_people_use() {
        for (us, want) in [
            (0, "0 µs"),
            (999, "999 µs"),
            (1234, "1.23 ms"),
            (12_345, "12.3 ms"),
            (99_949, "99.9 ms"),
            (99_950, "100 ms"),
            (999_499, "999 ms"),
            (999_500, "1.00 s"),
            (100_000_000, "1 min 40 s"),
        ] {
            assert_eq!(answer_time(us), want, "{us}");
        }
        for (us, want) in [
            (5.0, "5 µs"),
            (1000.0, "1 ms"),
            (2e5, "200 ms"),
            (1e6, "1 s"),
        ] {
            assert_eq!(round_time(us), want, "{us}");
        }
        for (ms, want) in [
            (20, "20 ms"),
            (1500, "1.5 s"),
            (10_000, "10 s"),
            (90_000, "90.0 s"),
            (60_000, "1 min"),
            (7_200_000, "2 h"),
            (29_520_000, "8 h 12 min"),
            (86_400_000, "24 h"),
            (172_800_000, "2 days"),
            (2_300_000_000, "26 days 14 h"),
        ] {
            assert_eq!(span(ms), want, "{ms}");
        }
        for (bytes, want) in [(1, "1 byte"), (1023, "1023 bytes"), (1536, "1.5 KiB")] {
            assert_eq!(size(bytes), want, "{bytes}");
        }
        for (part, whole, want) in [
            (0, 0, "0 %"),
            (0, 9, "0 %"),
            (1, 10_000_000, "< 0.1 %"),
            (1, 3, "33.3 %"),
            (9_999_999, 10_000_000, "> 99.9 %"),
            (9, 9, "100 %"),
        ] {
            assert_eq!(share(part, whole), want, "{part} of {whole}");
        }
        for (number, want) in [
            (0.0, "0"),
            (0.25, "0.25"),
            (12.34, "12.3"),
            (16.0, "16"),
            (99.97, "100"),
            (1234.5, "1,235"),
        ] {
            assert_eq!(figure(number), want, "{number}");
        }
    }
}
