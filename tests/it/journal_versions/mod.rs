//! Journals of other versions: an older journal is recognized and left alone, and entries of a
//! later version are kept.

use std::fs;
use std::io::BufReader;

use custsync::testing::journal::{BulkEntry, Line, LineReader, Outcome, RunKey};

use crate::harness::{Scenario, sealed};

const INPUT: &[u8] = include_bytes!("run-of-0.1/customers.csv");
const JOURNAL_OF_0_1: &[u8] = include_bytes!("run-of-0.1/results.ndjson");
const FAILED_OF_0_1: &[u8] = include_bytes!("run-of-0.1/failed.csv");
const SUMMARY_OF_0_1: &[u8] = include_bytes!("run-of-0.1/summary.json");
const JOURNAL: &str = "run/results.ndjson";
const ROWS: u64 = 6;

#[test]
fn a_run_that_version_0_1_began_is_left_to_it() {
    let unfinished = JOURNAL_OF_0_1
        .split_inclusive(|byte| *byte == b'\n')
        .take(3)
        .collect::<Vec<_>>()
        .concat();
    for journal in [JOURNAL_OF_0_1, &unfinished] {
        let scenario = Scenario::new()
            .file("customers.csv", INPUT)
            .unlimited()
            .sandbox(|_| {});
        fs::create_dir(scenario.path("run")).expect("the scenario's directory can be written");
        for (name, content) in [
            ("results.ndjson", journal),
            ("failed.csv", FAILED_OF_0_1),
            ("summary.json", SUMMARY_OF_0_1),
        ] {
            scenario.write_private(&format!("run/{name}"), content);
        }
        let end = scenario
            .run([])
            .exits(5)
            .says("was begun by custsync 0.1.0");
        end.says("use another directory");
        assert_eq!(scenario.counts().requests, 0);
        assert_eq!(scenario.read(JOURNAL).expect("the journal"), journal);
        assert_eq!(
            scenario.read("run/failed.csv").expect("the failed rows"),
            FAILED_OF_0_1
        );
    }
}

#[test]
fn a_journal_of_version_0_1_can_be_read() {
    let mut lines = LineReader::of(BufReader::new(JOURNAL_OF_0_1));
    match lines.next_line().expect("a header").expect("a header") {
        Line::Header(header) => {
            assert_eq!(
                (header.custsync_journal, header.rules, header.key.as_deref()),
                (1, 1, None)
            );
            assert_eq!(header.inputs.len(), 1);
        }
        other => panic!("{other:?}"),
    }
    let mut outcomes = Vec::new();
    while let Some(line) = lines.next_line().expect("good lines") {
        match line {
            Line::Entry(entry) => outcomes.push((entry.row, entry.outcome)),
            other => panic!("{other:?}"),
        }
    }
    let (updated, invalid, rejected) = (Outcome::Updated, Outcome::Invalid, Outcome::Rejected);
    assert_eq!(
        outcomes,
        [(2, invalid), (1, updated), (4, updated), (3, rejected)]
    );
}

/// A run whose first row is updated, and its key.
fn begun() -> (Scenario, RunKey) {
    let rows: Vec<_> = (1..=ROWS).map(|row| format!("{row},Job {row}\n")).collect();
    let scenario = Scenario::new()
        .file("customers.csv", format!("id,job\n{}", rows.concat()))
        .unlimited()
        .sandbox(|_| {});
    scenario.run(["--max-rows", "1"]).exits(0);
    let key = RunKey::parse(&scenario.read("run/key").expect("a run has a key")).expect("a key");
    (scenario, key)
}

fn hash(key: RunKey, row: u64) -> u64 {
    key.record_hash(format!("{row},Job {row}").as_bytes())
}

#[test]
fn entries_of_a_later_version_are_kept_and_counted() {
    let (scenario, key) = begun();
    let of_another_kind = sealed(r#"{"probe":{"kept":true},"at":"2026-11-23T09:18:04.113Z"}"#);
    let of_another_fact = sealed(r#"{"fact":"moved","at":"2026-11-23T09:18:04.113Z"}"#);
    let of_another_outcome = sealed(&format!(
        r#"{{"row":2,"line":3,"id":2,"outcome":"deferred","why":"later","at":"2026-11-23T09:18:04.113Z","hash":"{:016x}"}}"#,
        hash(key, 2)
    ));
    let lines = [of_another_kind, of_another_fact, of_another_outcome];
    scenario.edit(JOURNAL, |journal| {
        journal.extend(lines.concat().into_bytes());
    });
    let end = scenario
        .run([])
        .exits(1)
        .counts([5, 0, 0, 0, 0])
        .prints("records  6 = 5 updated + 1 other\n");
    assert_eq!(end.summary()["other"], 1);
    assert_eq!(end.summary()["records"], ROWS);
    assert_eq!(
        scenario.counts().requests,
        5,
        "the row is settled: who knows how"
    );
    let journal = String::from_utf8(scenario.read(JOURNAL).expect("the journal")).unwrap();
    assert!(lines.iter().all(|line| journal.contains(line)), "{journal}");
}

#[test]
fn rows_that_ended_alike_are_settled_by_one_line() {
    let (scenario, key) = begun();
    let line = |changed: u64| {
        let mut alike = BulkEntry::new(
            Outcome::Unchanged,
            "2026-11-23T09:18:04.113Z".parse().unwrap(),
        );
        for row in [2, 3, 5] {
            assert!(alike.add(row, hash(key, row) + changed));
        }
        let mut line = Vec::new();
        alike.encode(&mut line);
        line
    };
    let begun = scenario.read(JOURNAL).expect("the journal");
    scenario.edit(JOURNAL, |journal| journal.extend(line(1)));
    let end = scenario
        .run([])
        .exits(5)
        .says("the input is not the one that was sent before");
    end.says("nothing was sent");
    assert_eq!(scenario.counts().requests, 1);

    scenario.write(JOURNAL, [begun, line(0)].concat());
    let end = scenario
        .run([])
        .exits(0)
        .counts([3, 0, 0, 0, 0])
        .prints("records  6 = 3 updated + 3 unchanged\n");
    assert_eq!(
        (&end.summary()["unchanged"], &end.summary()["records"]),
        (&3.into(), &ROWS.into())
    );
    assert_eq!(scenario.counts().requests, 3);
}

#[test]
fn a_run_is_not_continued_without_its_key() {
    let (scenario, _) = begun();
    let key = scenario.read("run/key").expect("a run has a key");
    let other = [
        b"0123456789abcdef0123456789abcdef\n".to_vec(),
        b"no key\n".to_vec(),
        key[..31].to_vec(),
    ];
    for other in other {
        scenario.write("run/key", other);
        scenario.run([]).exits(5).says("nothing was sent");
    }
    fs::remove_file(scenario.path("run/key")).unwrap();
    scenario.run([]).exits(5).says("run/key cannot be opened");
    assert_eq!(scenario.counts().requests, 1);
    scenario.write_private("run/key", key);
    scenario.run([]).exits(0);
}
