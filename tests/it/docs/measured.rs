//! Masks the parts of the program's output that differ from run to run: times, rates, checksums,
//! ports.

/// The replacement for such a part.
const MASK: &str = "…";

/// Whether a character can be part of a measured value.
type Kind = fn(char) -> bool;

/// The texts before measured, random or counted values, each with the kind of characters that the
/// value has.
const MEASURED: [(&str, Kind); 12] = [
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
    ("finished on ", |character| character != 'U'),
    ("begun on ", |character| character != 'U'),
    ("  Host: ", |character| !character.is_whitespace()),
    ("http://127.0.0.1:", |character| character.is_ascii_digit()),
    ("CUSTSYNC_TOKEN=", |character| !character.is_whitespace()),
];

/// Whether a line of the summary is only there if a run took more than some seconds, as on a busy
/// machine.
pub(super) fn is_of_slow_runs(line: &str) -> bool {
    line.trim_start().starts_with("held back by ")
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

/// The summary's lines with times: all numbers of the times and of speeds, but no counts.
fn mask_timing(line: &str) -> String {
    let is_of_speed = line.starts_with("speed ") || line.starts_with("in all ");
    let latency = line.strip_prefix("         answers take");
    let (counts, timing, rest) = if let Some(latency) = latency {
        (line.trim_end_matches(latency), latency, "")
    } else if is_of_speed {
        match line.split_once(" in ") {
            Some((counts, timing)) => (counts, timing, ""),
            None => return line.to_owned(),
        }
    } else {
        let done = [" updated in ", " put back in "];
        match done.iter().find_map(|done| line.split_once(done)) {
            Some((counts, timing)) => {
                let end = timing.find("; ").unwrap_or(timing.len());
                let (timing, rest) = timing.split_at(end);
                (counts, timing, rest)
            }
            None => return line.to_owned(),
        }
    };
    let between = line[counts.len()..]
        .split(timing)
        .next()
        .unwrap_or_default();
    let is_of_number = |character: char| character.is_ascii_digit() || ".,".contains(character);
    let mut masked = format!("{counts}{between}");
    for part in timing.split_inclusive(|character| !is_of_number(character)) {
        let number = part.trim_end_matches(|character| !is_of_number(character));
        let is_number = number.contains(|character: char| character.is_ascii_digit());
        masked.push_str(if is_number { MASK } else { number });
        masked.push_str(&part[number.len()..]);
    }
    masked + rest
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
    check("records  3 = 3 updated", "records  3 = 3 updated");
    check(
        "991 of 1,000 rows updated in 1 min 11 s; 9 were not.",
        "991 of 1,000 rows updated in … min … s; 9 were not.",
    );
    check("All 3 rows updated in 0.2 s.", "All 3 rows updated in … s.");
    check(
        "2 of 3 customers put back in 0.2 s; 1 was not.",
        "2 of 3 customers put back in … s; 1 was not.",
    );
    check(
        "speed    991 requests in 0.9 s, 1,110.8/s, at most 5 in flight",
        "speed    991 requests in … s, …/s, at most … in flight",
    );
    check(
        "         answers take 25.6 ms, the slowest 1 % 42 ms or more",
        "         answers take … ms, the slowest … % … ms or more",
    );
    check(
        "in all   3 starts: 6 requests in 1 min 2 s",
        "in all   3 starts: 6 requests in … min … s",
    );
    check(
        "Nothing left to send: finished on 2026-11-27 at 22:56 UTC; 9 were not.",
        "Nothing left to send: finished on …UTC; 9 were not.",
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
    assert_eq!(
        masked("         held back by --rate 9 %\nfiles\n"),
        "files\n"
    );
    check("  Host: 127.0.0.1:80", "  Host: …");
    check("see runs/2026-11-23/failed.csv", "see runs/…/failed.csv");
}
