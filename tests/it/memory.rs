//! Memory is flat for rows of every size; a block holds the most rows if they are short.

use crate::harness::Scenario;

/// The limit of resident memory, in KiB, for any input.
const MEMORY_MAX_KIB: u64 = 64 << 10;

/// An input of this row `count` times, below the header.
fn input(name: &str, header: &str, row: &[u8], count: usize) -> Scenario {
    Scenario::new().file(name, [header.as_bytes(), &row.repeat(count)].concat())
}

fn checked(what: &str, scenario: &Scenario) {
    let (finished, peak_kib) = scenario
        .start_check(["--max-errors", "none"])
        .finish_with_peak();
    assert!(
        matches!(finished.status.code(), Some(0 | 1)),
        "{what}: {}",
        String::from_utf8_lossy(&finished.stderr)
    );
    assert!(peak_kib < MEMORY_MAX_KIB, "{what}: {peak_kib} KiB");
}

#[test]
fn the_shortest_rows_are_checked_in_little_memory() {
    checked(
        "invalid CSV",
        &input("a.csv", "id,email\n", b"x\n", 200_000),
    );
    checked("invalid NDJSON", &input("a.ndjson", "", b"0\n", 150_000));
    checked("valid CSV", &input("a.csv", "id,job\n", b"1,x\n", 300_000));
}

#[test]
fn odd_rows_are_checked_in_little_memory() {
    checked(
        "rows in Latin-1",
        &input("a.csv", "id,first_name\n", b"1,Zo\xeb\n", 150_000),
    );
    checked(
        "rows of delimiters",
        &input("a.csv", "id,job\n1,x\n", b",\n", 200_000),
    );
    checked(
        "blank lines",
        &input("a.csv", "id,job\n1,x\n", b"\n", 1_000_000),
    );
    let unknown = br#"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1}"#;
    checked(
        "unknown keys",
        &input("a.ndjson", "", &[&unknown[..], b"\n"].concat(), 30_000),
    );
}

#[test]
fn the_shortest_rows_are_run_in_little_memory() {
    let check = |what: &str, scenario: Scenario, arguments: [&str; 4]| {
        let scenario = scenario.unlimited().sandbox(|_| {});
        let (finished, peak_kib) = scenario.start(arguments).finish_with_peak();
        println!("figures: run of {what} with {peak_kib} KiB at most");
        assert!(
            matches!(finished.status.code(), Some(0 | 1)),
            "{what}: {}",
            String::from_utf8_lossy(&finished.stderr)
        );
        assert!(peak_kib < MEMORY_MAX_KIB, "{what}: {peak_kib} KiB");
    };
    let all = ["--max-errors", "none", "--unique", "all"];
    check(
        "invalid rows",
        input("a.csv", "id,email\n", b"x\n", 200_000),
        all,
    );
    let last = ["--max-errors", "none", "--unique", "last"];
    check(
        "superseded rows",
        input("a.csv", "id,job\n", b"1,x\n", 300_000),
        last,
    );
}

#[test]
fn customers_are_read_kept_and_put_back_in_little_memory() {
    let rows = (1..=8_000).map(|id| format!("{id},Clerk\n"));
    let scenario = Scenario::new()
        .file("a.csv", format!("id,job\n{}", rows.collect::<String>()))
        .unlimited()
        .flags(["--max-in-flight", "256", "--undoable"])
        .sandbox(|_| {});
    let (finished, peak_kib) = scenario.start([]).finish_with_peak();
    assert_eq!(finished.status.code(), Some(0));
    assert!(peak_kib < MEMORY_MAX_KIB, "run: {peak_kib} KiB");
    let url = scenario.url().expect("a sandbox has a URL");
    let words = ["undo", "run", "--base-url", &url, "--rate", "unlimited"];
    let (finished, peak_kib) = scenario.start_words(words).finish_with_peak();
    assert_eq!(finished.status.code(), Some(0));
    assert!(peak_kib < MEMORY_MAX_KIB, "undo: {peak_kib} KiB");
}
