//! Changes to an input between a stop and the next run of the same command: which are allowed, and
//! which are refused.

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::harness::{End, Results, Scenario};

const ROWS: usize = 40;
const SETTLED: u64 = 20;
const INPUT: &str = "customers.csv";

/// The lines of a generated file, header first.
fn lines(rows: usize) -> Vec<String> {
    let row = |row| format!("{row},Ann {row},Lee {row}");
    ["id,first_name,last_name".to_owned()]
        .into_iter()
        .chain((1..=rows).map(row))
        .collect()
}

fn joined(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// A run that has stopped after its first rows.
fn stopped() -> Scenario {
    let scenario = Scenario::new()
        .file(INPUT, joined(&lines(ROWS)))
        .unlimited()
        .sandbox(|_| {});
    scenario
        .run(["--max-rows", "20"])
        .exits(0)
        .counts([SETTLED, 0, 0, 0, 0]);
    scenario
}

/// Checks that nothing is sent and that the run directory does not change.
fn refused<const N: usize>(scenario: &Scenario, arguments: [&str; N], says: &str) {
    let before = files(scenario);
    let end = scenario.run(arguments).exits(5).says(says);
    assert_eq!(
        scenario.counts().requests,
        SETTLED,
        "nothing is sent before a refusal"
    );
    assert!(end.files == before, "the run directory stays as it is");
}

fn files(scenario: &Scenario) -> std::collections::BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(scenario.path("run"))
        .unwrap()
        .map(Result::unwrap);
    entries
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

/// Checks that a change to the lines (line 0 is the header) is refused for these rows.
fn check_refused(change: impl FnOnce(&mut Vec<String>), rows: &str) {
    let scenario = stopped();
    let mut lines = lines(ROWS);
    change(&mut lines);
    scenario.write(INPUT, joined(&lines));
    refused(
        &scenario,
        [],
        &format!("it differs in {rows}; nothing was sent"),
    );
}

#[test]
fn changes_to_rows_that_are_settled_are_refused_by_name() {
    let shifted = "rows 7, 8, 9, 10, 11 and more";
    check_refused(|lines| lines.insert(7, "77,New,Row".to_owned()), shifted);
    check_refused(|lines| drop(lines.remove(7)), shifted);
    check_refused(|lines| lines[17] = "17,Ann 17,Low 17".to_owned(), "row 17");
    check_refused(|lines| lines.swap(3, 9), "rows 3 and 9");
    check_refused(|lines| lines[1..].reverse(), "rows 1, 2, 3, 4, 5 and more");
    check_refused(|lines| lines.truncate(1 + 17), "rows 18, 19 and 20");
    // Another file.
    check_refused(
        |lines| {
            lines[1..]
                .iter_mut()
                .for_each(|line| *line = line.replace("Ann", "Bea"));
        },
        "rows 1, 2, 3, 4, 5 and more",
    );
}

#[test]
fn rows_of_a_long_input_are_named_too() {
    let rows = 2_500;
    let scenario = Scenario::new()
        .file(INPUT, joined(&lines(rows)))
        .unlimited()
        .sandbox(|_| {});
    scenario.run([]).exits(0);
    let mut changed = lines(rows);
    changed.swap(1_500, 1_501);
    scenario.write(INPUT, joined(&changed));
    scenario
        .run([])
        .exits(5)
        .says("it differs in rows 1500 and 1501;");
    changed[2_400].push('!');
    scenario.write(INPUT, joined(&changed));
    scenario
        .run([])
        .exits(5)
        .says("it differs in rows 1500, 1501 and more;");
}

#[test]
fn other_columns_over_the_same_rows_are_refused() {
    let scenario = stopped();
    let mut lines = lines(ROWS);
    lines[0] = "id,last_name,first_name".to_owned();
    scenario.write(INPUT, joined(&lines));
    refused(&scenario, [], "customers.csv has other columns");
}

#[test]
fn another_mapping_is_refused() {
    refused(
        &stopped(),
        ["--map", "first_name=job"],
        "another map (none, now `first_name=job`)",
    );
}

/// Checks that all rows are updated, each by one request.
fn completes(scenario: &Scenario, end: End, rows: usize, says: &str) {
    let end = end.exits(0).counts([rows as u64, 0, 0, 0, 0]).says(says);
    assert_eq!(
        scenario.counts().requests,
        rows as u64,
        "nothing is sent twice"
    );
    end.results().settle_each_of(rows);
}

#[test]
fn rows_may_be_appended() {
    let scenario = stopped();
    scenario.write(INPUT, joined(&lines(ROWS + 5)));
    completes(
        &scenario,
        scenario.run([]),
        ROWS + 5,
        "has grown from 677 to 762 bytes: the appended rows are new",
    );
}

#[test]
fn rows_that_are_not_settled_may_change() {
    let scenario = stopped();
    let mut lines = lines(ROWS);
    lines[30] = "30,Ann,Other".to_owned();
    scenario.write(INPUT, joined(&lines));
    completes(
        &scenario,
        scenario.run([]),
        ROWS,
        "the bytes of customers.csv have changed, but not its settled rows",
    );
}

#[test]
fn line_ends_may_change() {
    let scenario = stopped();
    scenario.write(INPUT, joined(&lines(ROWS)).replace('\n', "\r\n"));
    completes(
        &scenario,
        scenario.run([]),
        ROWS,
        "the bytes of customers.csv have changed, but not its settled rows",
    );
}

#[test]
fn the_input_may_be_renamed() {
    let scenario = stopped();
    fs::rename(scenario.path(INPUT), scenario.path("moved.csv")).unwrap();
    let url = scenario.url().unwrap();
    let end = scenario.custsync([
        "run",
        "moved.csv",
        "--run-dir",
        "run",
        "--base-url",
        &url,
        "--rate",
        "unlimited",
    ]);
    completes(
        &scenario,
        end,
        ROWS,
        "the input customers.csv is now named moved.csv",
    );
}

#[test]
fn the_input_may_be_compressed_otherwise() {
    let gzip = |level| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(joined(&lines(ROWS)).as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let scenario = Scenario::new()
        .file("customers.csv.gz", gzip(9))
        .unlimited()
        .sandbox(|_| {});
    scenario
        .run(["--max-rows", "20"])
        .exits(0)
        .counts([SETTLED, 0, 0, 0, 0]);
    assert_ne!(gzip(1), gzip(9));
    scenario.write("customers.csv.gz", gzip(1));
    let says = "the bytes of customers.csv.gz have changed, but not its settled rows";
    completes(&scenario, scenario.run([]), ROWS, says);
}

#[test]
fn a_compressed_input_is_the_one_that_it_was() {
    // Stopped as a file, continued as a compressed one, and the other way round.
    let compressed = zstd::encode_all(joined(&lines(ROWS)).as_bytes(), 1).unwrap();
    let scenario = stopped();
    scenario.write(INPUT, &compressed);
    let says = "the bytes of customers.csv have changed, but not its settled rows";
    completes(&scenario, scenario.run([]), ROWS, says);
    let mut changed = lines(ROWS);
    changed.swap(3, 9);
    scenario.write(
        INPUT,
        zstd::encode_all(joined(&changed).as_bytes(), 1).unwrap(),
    );
    scenario
        .run([])
        .exits(5)
        .says("it differs in rows 3 and 9; nothing was sent");
    assert_eq!(scenario.counts().requests, ROWS as u64);
}

/// Rows of standard input, of which the third is invalid.
fn piped(rows: usize) -> Vec<String> {
    let mut lines = lines(rows);
    lines[3].push_str(",too many");
    lines
}

/// A run of standard input that has stopped after its first rows.
fn stopped_pipe() -> Scenario {
    let scenario = Scenario::new()
        .stdin(joined(&piped(ROWS)))
        .unlimited()
        .sandbox(|_| {});
    scenario
        .run(["--max-rows", "21"])
        .exits(1)
        .counts([SETTLED, 1, 0, 0, 0]);
    scenario
}

#[test]
fn standard_input_continues_when_the_same_bytes_are_piped_again() {
    let mut scenario = stopped_pipe();
    scenario.pipe(joined(&piped(ROWS + 5)));
    let end = scenario
        .run([])
        .exits(1)
        .counts([ROWS as u64 + 4, 1, 0, 0, 0]);
    assert_eq!(
        scenario.counts().requests,
        ROWS as u64 + 4,
        "nothing is sent twice"
    );
    end.results().settle_each_of(ROWS + 5);
}

#[test]
fn other_bytes_of_standard_input_are_refused() {
    let mut scenario = stopped_pipe();
    let mut lines = piped(ROWS);
    lines[17].push('!');
    scenario.pipe(joined(&lines));
    refused_while_streaming(&scenario);
    lines.truncate(10);
    scenario.pipe(joined(&lines));
    refused_while_streaming(&scenario);
}

/// Checks that nothing is sent. Before the first byte is read, the journal is tested for writing,
/// so it has two more entries.
fn refused_while_streaming(scenario: &Scenario) {
    let mut before = files(scenario);
    let end = scenario
        .run([])
        .exits(5)
        .says("it differs in rows 1 to 21; nothing was sent");
    assert_eq!(
        scenario.counts().requests,
        SETTLED,
        "nothing is sent before a refusal"
    );
    let mut after = end.files.clone();
    let (journal, longer) = (
        before.remove("results.ndjson").unwrap(),
        after.remove("results.ndjson").unwrap(),
    );
    assert!(longer.starts_with(&journal), "the recorded lines stay");
    assert_eq!(
        Results::parse(&longer).lines,
        Results::parse(&journal).lines,
        "no row has another line"
    );
    assert_eq!(after, before, "the other files stay as they are");
}
