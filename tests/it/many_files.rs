//! More inputs than a process may have open files: each is open only while it is read.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::harness::{Running, Scenario};

const FILES: usize = 100;
/// Fewer descriptors than files, and more than a run needs.
const FEW_DESCRIPTORS: &str = "ulimit -n 40; exec";
/// The memory that all files may take beyond that of one, in KiB: less than a block of each.
const MORE_MEMORY_MAX_KIB: u64 = 8 << 10;

/// Files of three rows each: a customer of its own, an invalid row, and a customer that is in all
/// files.
fn scenario() -> Scenario {
    (1..=FILES).fold(Scenario::new().unlimited(), |scenario, file| {
        let rows = format!("id,job\n{},a\nx,b\n1000,c{file}\n", file + 1);
        scenario.file(&format!("{file:03}.csv"), rows)
    })
}

#[test]
fn many_files_are_run_and_continued_with_few_descriptors() {
    let scenario = scenario().sandbox(|_| {}).through(FEW_DESCRIPTORS);
    let files = FILES as u64;
    let end = scenario
        .run([
            "--max-errors",
            "none",
            "--max-in-flight",
            "64",
            "--max-rows",
            "250",
        ])
        .exits(1);
    let end = end.counts([167, 83, 0, 0, 0]);
    let row = end.results().row(249).clone();
    assert_eq!(
        (&row["file"], &row["line"]),
        (&83.into(), &4.into()),
        "{row}"
    );
    let end = scenario
        .run(["--max-errors", "none"])
        .exits(1)
        .says("continuing after 250 settled rows");
    let end = end.counts([2 * files, files, 0, 0, 0]);
    let failed = end
        .files
        .keys()
        .filter(|name| name.starts_with("failed-"))
        .count();
    assert_eq!(failed, FILES, "a file of failed rows for each");
    assert_eq!(end.results().row(3 * files - 1)["file"], FILES);
}

#[test]
fn many_files_are_checked_with_few_descriptors() {
    let scenario = scenario().through(FEW_DESCRIPTORS);
    for arguments in [
        ["--max-errors", "none", "--unique", "all"],
        ["--max-errors", "none", "--unique", "last"],
    ] {
        let end = scenario.check(arguments).exits(1);
        assert_eq!(end.summary()["invalid"], FILES, "{}", end.summary());
    }
}

#[test]
fn long_files_take_no_more_memory_than_one() {
    let row = format!("1,{}\n", "a".repeat(200)).repeat(1_300);
    let scenario = (1..=FILES).fold(Scenario::new(), |scenario, file| {
        // No two consecutive files have the same header.
        let header = if file % 2 == 0 {
            "id,job\n"
        } else {
            "id,first_name\n"
        };
        scenario.file(&format!("{file:03}.csv"), format!("{header}{row}"))
    });
    let peak = |running: Running<'_>| {
        let (finished, peak_kib) = running.finish_with_peak();
        assert_eq!(
            finished.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&finished.stderr)
        );
        peak_kib
    };
    let words = ["check", "001.csv", "--max-rows", "10", "--run-dir", "one"];
    let of_one = peak(scenario.start_custsync(words));
    let of_all = peak(scenario.start_check(["--max-rows", "10"]));
    println!("figures: {FILES} files with {of_all} KiB at most, one with {of_one} KiB");
    assert!(
        of_all < of_one + MORE_MEMORY_MAX_KIB,
        "{of_all} KiB, and {of_one} KiB for one file"
    );
}

#[test]
fn a_file_that_changes_before_its_turn_stops_the_run() {
    let scenario = Scenario::new().input("pipe").file("b.csv", "id,job\n2,b\n");
    let pipe = scenario.path("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let running = scenario.start_check([]);
    // The program opens the pipe after it has looked through the file.
    let mut rows: File = OpenOptions::new().write(true).open(&pipe).unwrap();
    fs::write(scenario.path("b.csv"), "id,address\n2,b\n3,c\n").unwrap();
    rows.write_all(b"id,job\n1,a\n").unwrap();
    drop(rows);
    let end = running
        .end()
        .exits(2)
        .says("b.csv: has changed since the start");
    assert_eq!(end.summary()["records"], 1, "{}", end.summary());
}

/// Rows of about 2 KiB, so many that some are unread at the first request.
fn long_rows(first: u64, job: &str) -> String {
    let rows = (first..first + 4_000).map(|id| format!("{id},{job}{id},{}\n", "x".repeat(2_000)));
    format!("id,job,note\n{}", rows.collect::<String>())
}

/// Another program overwrites the file in place: what is read after that has nothing to do with
/// what was read before.
#[test]
fn a_file_that_is_written_anew_while_it_is_read_stops_the_run() {
    let change = |new: &str| {
        let scenario = Scenario::new()
            .file("a.csv", long_rows(1, "old"))
            .flags(["--ignore", "note"]);
        let scenario = scenario.unlimited().sandbox(|options| {
            options.latency = "50ms".parse().unwrap();
        });
        let running = scenario
            .start([])
            .until("a request", |scenario| scenario.counts().requests >= 1);
        scenario.write("a.csv", new);
        let end = running
            .end()
            .exits(2)
            .says("the file was changed while it was read");
        let sent = end.summary()["updated"].as_u64().expect("a count");
        assert!((1..4_000).contains(&sent), "{sent}");
        scenario.holds_updates((1..=sent).map(|id| {
            (
                id,
                [("job".to_owned(), format!("old{id}").into())]
                    .into_iter()
                    .collect(),
            )
        }));
        scenario
    };
    let scenario = change(&long_rows(500_001, "new"));
    scenario.write("a.csv", long_rows(1, "old"));
    scenario.run([]).exits(0).counts([4_000, 0, 0, 0, 0]);
    assert_eq!(scenario.ledger().len(), 4_000, "each row is applied once");
    change("id,job\n1,");
}
