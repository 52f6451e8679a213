//! Masks the parts of the program's output that differ from run to run: times, rates, checksums,
//! ports.

/// The replacement for such a part.
const MASK: &str = "…";

/// Whether a character can be part of a measured value.
type Kind = fn(char) -> bool;

/// The texts before measured, random or counted values, each with the kind of characters that the
/// value has.
const MEASURED: [(&str, Kind); 10] = [
    ("\"at\":\"", |character| character != '"'),
    ("\"hash\":\"", |character| character != '"'),
    ("\"request\":\"", |character| character != '"'),
    ("\"crc\":\"", |character| character != '"'),
    ("\"ms\":", |character| character.is_ascii_digit()),
    ("custsync-runs/", |character| {
        character.is_ascii_digit() || matches!(character, 'T' | 'Z')
    }),
    ("see runs/", |character| {
        character.is_ascii_digit() || character == '-'
    }),
    ("  Host: ", |character| !character.is_whitespace()),
    ("http://127.0.0.1:", |character| character.is_ascii_digit()),
    ("CUSTSYNC_TOKEN=", |character| !character.is_whitespace()),
];

/// Whether a line of the summary is only there if a run took more than some seconds, as on a busy
/// machine.
pub(super) fn is_of_slow_runs(line: &str) -> bool {
    line.starts_with("  held back by ")
}

/// The text with all those values masked.
pub(super) fn masked(text: &str) -> String {
    // The second run within a second has a number after its name.
    let text = text.replace("-customers-2/", "-customers/");
    let lines = text.lines().filter(|line| !is_of_slow_runs(line));
    let mut masked: String = lines.map(|line| mask_timing(line) + "\n").collect();
    for (before, is_measured) in MEASURED {
        masked = mask_behind(&masked, before, is_measured);
    }
    masked
}

/// The summary's lines on the duration of requests: all numbers except the count.
fn mask_timing(line: &str) -> String {
    let timing = match (
        line.strip_prefix("requests "),
        line.starts_with("  latency "),
    ) {
        (Some(rest), _) => rest.split_once(" in ").map(|(_, timing)| timing),
        (None, true) => Some(line),
        (None, false) => None,
    };
    let Some(timing) = timing else {
        return line.to_owned();
    };
    let counts = line.strip_suffix(timing).unwrap_or_default();
    let mut masked = counts.to_owned();
    for part in
        timing.split_inclusive(|character: char| !character.is_ascii_digit() && character != '.')
    {
        let number = part
            .trim_end_matches(|character: char| !character.is_ascii_digit() && character != '.');
        masked.push_str(if number.is_empty() { "" } else { MASK });
        masked.push_str(&part[number.len()..]);
    }
    masked
}

fn mask_behind(text: &str, before: &str, is_measured: Kind) -> String {
    let mut parts = text.split(before);
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        masked.push_str(before);
        masked.push_str(MASK);
        masked.push_str(part.trim_start_matches(is_measured));
    }
    masked
}

#[test]
fn measured_values_are_masked_and_all_else_is_kept() {
    let check = |text: &str, want: &str| assert_eq!(masked(text), format!("{want}\n"), "{text}");
    check("records          1,000", "records          1,000");
    check(
        "requests           991  in 11.2 s, 88.8/s, at most 5 in flight",
        "requests           991  in … s, …/s, at most … in flight",
    );
    check(
        "  latency   p50 26.8 ms, p95 4 ms",
        "  latency   p… … ms, p… … ms",
    );
    check(
        "  custsync-runs/20261123T152248Z-customers/failed.csv",
        "  custsync-runs/…-customers/failed.csv",
    );
    check(
        r#"{"row":1,"ms":20,"at":"2026","crc":"0f"}"#,
        r#"{"row":1,"ms":…,"at":"…","crc":"…"}"#,
    );
    check(
        "CUSTSYNC_TOKEN=ab-c x http://127.0.0.1:80/api",
        "CUSTSYNC_TOKEN=… x http://127.0.0.1:…/api",
    );
    assert_eq!(masked("  held back by --rate 9 %\nfiles\n"), "files\n");
    check("  Host: 127.0.0.1:80", "  Host: …");
    check("see runs/2026-11-23/failed.csv", "see runs/…/failed.csv");
}
