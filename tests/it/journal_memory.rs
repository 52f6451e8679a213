//! A long journal is continued in little memory.

use custsync::testing::journal::RunKey;

use crate::harness::{Scenario, crc32c};

const ROWS: usize = 100_000;
/// The limit of resident memory, in KiB, for inputs of any size.
const MEMORY_MAX_KIB: u64 = 64 << 10;
/// One row in this many was rejected.
const REJECTED_EVERY: usize = 10;
const JOURNAL: &str = "run/results.ndjson";

fn record(row: usize) -> String {
    format!("{row},First name {row},Last name {row},+49{row:08}")
}

/// The journal's line for an updated row, or for one of the rejected ones.
fn line(row: usize, key: RunKey) -> String {
    let hash = key.record_hash(record(row).as_bytes());
    let at = "2026-11-23T09:18:04.113Z";
    let outcome = match row % REJECTED_EVERY {
        0 => r#""rejected","status":422,"attempts":1,"ms":41,"error":"validation_error""#,
        _ => r#""updated","status":200,"attempts":1,"ms":41"#,
    };
    let fields = r#"["first_name","last_name","phone_number"]"#;
    let line = row + 1;
    let content = format!(
        r#"{{"row":{row},"line":{line},"id":{row},"outcome":{outcome},"fields":{fields},"at":"{at}","hash":"{hash:016x}""#
    );
    format!(
        "{content},\"crc\":\"{:08x}\"}}\n",
        crc32c(content.as_bytes())
    )
}

#[test]
fn a_long_journal_is_continued_in_little_memory() {
    let rows: String = (1..=ROWS)
        .flat_map(|row| [record(row), "\n".to_owned()])
        .collect();
    let file = format!("id,first_name,last_name,phone_number\n{rows}");
    let scenario = Scenario::new()
        .file("customers.csv", file)
        .unlimited()
        .sandbox(|options| {
            // Long enough to measure the process once it has read everything.
            options.latency = "300ms".parse().unwrap();
        });
    scenario.run(["--max-rows", "1"]).exits(0);
    // The rest of the journal as that run would have written it, except for the last row.
    let key = RunKey::parse(&scenario.read("run/key").expect("a run has a key")).expect("a key");
    let lines = (2..ROWS).map(|row| line(row, key)).collect::<String>();
    scenario.edit(JOURNAL, |journal| journal.extend(lines.into_bytes()));

    let rejected = ((ROWS - 1) / REJECTED_EVERY) as u64;
    let running = scenario
        .start([])
        .until("the last row", |scenario| scenario.counts().requests == 2);
    let peak_kib = running
        .memory_peak_kib()
        .expect("it waits for the last answer");
    let end = running
        .end()
        .exits(1)
        .counts([ROWS as u64 - rejected, 0, rejected, 0, 0]);
    end.says("continuing after 99,999 settled rows in run (99,999 entries, read and compared in ");
    println!("figures: {ROWS} rows continued with {peak_kib} KiB at most");
    assert!(peak_kib < MEMORY_MAX_KIB, "{peak_kib} KiB");
    assert_eq!(scenario.counts().requests, 2);
}
