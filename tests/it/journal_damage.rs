//! A truncated or damaged journal either settles only rows that were settled, or is refused.

use std::collections::BTreeMap;

use crate::harness::{End, Scenario, crc32c, step};

const JOURNAL: &str = "run/results.ndjson";
const ROWS: u64 = 9;
/// The customers whose rows the API refuses, and those whose rows it fails.
const REJECTED: u64 = 5;
const FAILED: u64 = 7;
const INVALID: u64 = 2;

/// A run that has ended, with a row of each outcome.
fn finished() -> (Scenario, Vec<u8>) {
    let row = |row| match row {
        INVALID => format!("{row},nobody\n"),
        row => format!("{row},customer{row}@example.com\n"),
    };
    let file = ["id,email\n".to_owned()]
        .into_iter()
        .chain((1..=ROWS).map(row))
        .collect::<String>();
    let scenario = Scenario::new()
        .file("customers.csv", file)
        .unlimited()
        .flags(["--attempts", "1"]);
    let scenario = scenario.sandbox(|options| {
        options.answers = BTreeMap::from([
            (REJECTED, "422".parse().unwrap()),
            (FAILED, "500".parse().unwrap()),
        ]);
    });
    scenario.run([]).exits(1).counts([ROWS - 3, 1, 1, 1, 0]);
    let journal = scenario.read(JOURNAL).unwrap();
    (scenario, journal)
}

fn outcomes(end: &End) -> BTreeMap<u64, String> {
    let results = end.results();
    results
        .by_row()
        .into_iter()
        .map(|(row, line)| (row, line["outcome"].as_str().unwrap().to_owned()))
        .collect()
}

/// Checks a run with this journal. Either each row ends as before, and rows that the journal does
/// not settle are sent again; or the journal is refused, and nothing is sent.
fn continues_or_refuses(scenario: &Scenario, journal: &[u8], what: &str) -> i32 {
    scenario.write(JOURNAL, journal);
    let requests = scenario.counts().requests;
    let end = scenario.run([]);
    assert!(!end.stderr.contains("panicked"), "{what}: {}", end.stderr);
    let sent = scenario.counts().requests - requests;
    match end.code() {
        5 => {
            assert_eq!(sent, 0, "{what}");
            assert_eq!(
                scenario.read(JOURNAL).unwrap(),
                journal,
                "{what}: the journal stays as it was"
            );
        }
        code => {
            assert_eq!(code, 1, "{what}: {}", end.stderr);
            let truth = |row| match row {
                INVALID => "invalid",
                REJECTED => "rejected",
                FAILED => "failed",
                _ => "updated",
            };
            assert_eq!(
                outcomes(&end),
                (1..=ROWS).map(|row| (row, truth(row).to_owned())).collect(),
                "{what}"
            );
            assert!(sent >= 1, "{what}: the failed row is sent again");
        }
    }
    end.code()
}

#[test]
fn a_journal_that_was_cut_anywhere_near_its_end_continues() {
    let (scenario, journal) = finished();
    let ends: Vec<_> = (0..journal.len())
        .filter(|at| journal[*at] == b'\n')
        .collect();
    let from = ends[ends.len() - 4] + 1;
    for cut in (from..journal.len()).step_by(step(29, 1)) {
        let requests = scenario.counts().requests;
        assert_eq!(
            continues_or_refuses(&scenario, &journal[..cut], &format!("cut at {cut}")),
            1
        );
        let rows_left: Vec<u64> = journal[..cut]
            .split_inclusive(|byte| *byte == b'\n')
            .skip(1)
            .filter_map(row)
            .collect();
        let again = (1..=ROWS)
            .filter(|row| !rows_left.contains(row) && *row != INVALID || *row == FAILED)
            .count();
        // A control is a read and an update that was applied before.
        let summary = serde_json::from_slice::<serde_json::Value>(
            &scenario.read("run/summary.json").unwrap(),
        )
        .unwrap();
        let controls = summary["sending"]["controls"].as_u64().unwrap();
        assert_eq!(
            scenario.counts().requests - requests - 2 * controls,
            again as u64,
            "cut at {cut}: rows without a line are sent, and no others"
        );
    }
}

/// The row of a whole line.
fn row(line: &[u8]) -> Option<u64> {
    let line = line.strip_suffix(b"\n")?;
    serde_json::from_slice::<serde_json::Value>(line).unwrap()["row"].as_u64()
}

#[test]
fn a_flipped_bit_is_refused_or_costs_the_last_line() {
    let (scenario, journal) = finished();
    let mut codes = BTreeMap::new();
    for bit in (0..journal.len() * 8).step_by(step(761, 41)) {
        let mut damaged = journal.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        *codes
            .entry(continues_or_refuses(
                &scenario,
                &damaged,
                &format!("bit {bit}"),
            ))
            .or_insert(0) += 1;
    }
    assert!(
        codes[&5] > codes[&1],
        "damage before good lines is refused: {codes:?}"
    );
}

#[test]
fn a_journal_of_a_newer_format_is_refused_with_a_clear_word() {
    let (scenario, journal) = finished();
    let end = journal.iter().position(|byte| *byte == b'\n').unwrap();
    let header = std::str::from_utf8(&journal[..end]).unwrap();
    let (content, _) = header.rsplit_once(",\"crc\":").unwrap();
    let content = content.replace("{\"custsync_journal\":2,", "{\"custsync_journal\":3,");
    let newer = format!("{content},\"crc\":\"{:08x}\"}}", crc32c(content.as_bytes()));
    let newer = [newer.as_bytes(), &journal[end..]].concat();
    assert_eq!(continues_or_refuses(&scenario, &newer, "a newer format"), 5);
    scenario
        .run([])
        .exits(5)
        .says("format 3")
        .says("use a newer custsync");
}
