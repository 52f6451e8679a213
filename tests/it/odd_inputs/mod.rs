//! Odd inputs, each with its exact outcome: one table, one check.

mod archives;
mod binary_workbooks;
mod bytes;
mod csv_structure;
mod json_paths;
mod old_workbooks;
mod spreadsheets;
mod values;
mod workbooks;

use std::fs;
use std::io::Write as _;

use crate::harness::{End, Scenario};

/// Limits the program to 64 MiB for data and stacks; beyond that it dies.
const MEMORY_LIMIT: &str = "ulimit -d 65536; exec";

/// An unusual input.
struct Odd {
    file: &'static str,
    content: Vec<u8>,
    flags: Vec<&'static str>,
    want: Want,
}

/// The expected result of `check`.
enum Want {
    /// The input is refused: exit 2, and this message.
    Refused(&'static str),
    /// The numbers of valid and invalid rows, and the first error with its line: `3 email format:
    /// …`.
    Rows(u64, u64, &'static str),
    /// All rows are valid, and this is the body of the first request.
    Sends(&'static str),
}

use Want::{Refused, Rows, Sends};

/// An input with its file name.
fn odd(file: &'static str, content: impl AsRef<[u8]>, want: Want) -> Odd {
    Odd {
        file,
        content: content.as_ref().to_vec(),
        flags: Vec::new(),
        want,
    }
}

/// An input with its file name and flags.
fn odd_with(
    flags: &[&'static str],
    file: &'static str,
    content: impl AsRef<[u8]>,
    want: Want,
) -> Odd {
    Odd {
        flags: flags.to_vec(),
        ..odd(file, content, want)
    }
}

impl Odd {
    fn end(&self) -> End {
        let scenario = Scenario::new()
            .file(self.file, &self.content)
            .through(MEMORY_LIMIT);
        let words = ["check", self.file, "--run-dir", "run", "--explain", "1"];
        scenario
            .start_words(words.into_iter().chain(self.flags.iter().copied()))
            .end()
    }

    fn check(&self) {
        let end = self.end();
        let shown =
            String::from_utf8_lossy(self.content.get(..80).unwrap_or(&self.content)).into_owned();
        let shown = format!(
            "{} {shown:?} {:?}\n{}{}",
            self.file, self.flags, end.stdout, end.stderr
        );
        self.want.check(&end, &shown);
    }
}

impl Want {
    fn check(&self, end: &End, shown: &str) {
        match self {
            Refused(message) => {
                assert_eq!(end.code(), 2, "{shown}");
                assert!(end.stderr.contains(message), "not said: {message}\n{shown}");
                assert!(end.files.is_empty(), "nothing is begun: {shown}");
            }
            Rows(valid, invalid, first) => {
                let summary = end.summary();
                assert_eq!(
                    (&summary["valid"], &summary["invalid"]),
                    (&(*valid).into(), &(*invalid).into()),
                    "{shown}"
                );
                assert_eq!(end.code(), i32::from(*invalid > 0), "{shown}");
                assert_eq!(first_error(end), *first, "{shown}");
            }
            Sends(body) => {
                assert_eq!(end.code(), 0, "{shown}");
                assert!(
                    end.stdout.contains(&format!("\n  {body}\n")),
                    "not sent: {body}\n{shown}"
                );
            }
        }
    }
}

/// Line, field, code and message of the first invalid row's first error.
fn first_error(end: &End) -> String {
    let results = end.results();
    let Some(line) = results.lines.first() else {
        return String::new();
    };
    let error = &line["errors"][0];
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    format!(
        "{} {} {}: {}",
        line["line"],
        text("field"),
        text("code"),
        text("message")
    )
}

fn check_all(table: &[Odd], rows_min: usize) {
    assert!(table.len() >= rows_min, "{} rows", table.len());
    table.iter().for_each(Odd::check);
}

#[test]
fn odd_bytes_have_their_outcome() {
    check_all(&bytes::table(), 55);
}

#[test]
fn odd_archives_have_their_outcome() {
    check_all(&archives::table(), 60);
}

#[test]
fn odd_json_objects_have_their_outcome() {
    check_all(&json_paths::table(), 50);
}

#[test]
fn odd_values_have_their_outcome() {
    check_all(&values::table(), 45);
}

#[test]
fn odd_structures_of_csv_have_their_outcome() {
    check_all(&csv_structure::table(), 75);
}

#[test]
fn a_text_that_a_strict_reader_refuses_is_never_valid() {
    for text in csv_structure::REFUSED_BY_STRICT_READERS {
        let end = Scenario::new()
            .file("a.csv", text)
            .check(["--max-rows", "9"]);
        match end.code() {
            1 => assert!(
                end.results()
                    .lines
                    .iter()
                    .any(|line| line["errors"][0]["code"] == "quotes"),
                "{text:?}"
            ),
            code => assert!(
                code == 2 && end.stderr.contains("quote"),
                "{text:?}: exit {code}"
            ),
        }
    }
}

#[test]
fn odd_workbooks_have_their_outcome() {
    check_all(&workbooks::table(), 70);
}

#[test]
fn odd_spreadsheets_have_their_outcome() {
    check_all(&spreadsheets::table(), 70);
}

#[test]
fn odd_binary_workbooks_have_their_outcome() {
    check_all(&binary_workbooks::table(), 60);
}

#[test]
fn odd_old_workbooks_have_their_outcome() {
    check_all(&old_workbooks::table(), 110);
}

/// The outcome of each row that failed, with the fields and codes of its errors.
fn failures(end: &End) -> Vec<(String, Vec<[String; 2]>)> {
    let results = end.results();
    let of_line = |line: &serde_json::Value| {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let errors = line["errors"].as_array().cloned().unwrap_or_default();
        let errors = errors
            .iter()
            .map(|error| [text(&error["field"]), text(&error["code"])]);
        (text(&line["outcome"]), errors.collect())
    };
    results.lines.iter().map(of_line).collect()
}

#[test]
fn failed_rows_of_odd_workbooks_fail_again_in_the_same_way() {
    failed_rows_fail_again(workbooks::table(), 20);
    failed_rows_fail_again(spreadsheets::table(), 20);
    failed_rows_fail_again(binary_workbooks::table(), 12);
    failed_rows_fail_again(old_workbooks::table(), 30);
}

fn failed_rows_fail_again(table: Vec<Odd>, checked_min: usize) {
    let mut checked = 0;
    for odd in table {
        let first = odd.end();
        let Some(failed) = first.files.get("failed.xlsx") else {
            continue;
        };
        let again = Odd {
            file: "failed.xlsx",
            content: failed.clone(),
            ..odd
        };
        let again = again.end();
        assert_eq!(failures(&again), failures(&first), "{}", again.stderr);
        checked += 1;
    }
    assert!(
        checked >= checked_min,
        "{checked} workbooks with failed rows"
    );
}

/// As cells of a workbook, rows of CSV keep each of their errors. A fault of the row itself, such as
/// its number of columns, is named in the workbook.
#[test]
fn failed_rows_of_odd_csv_fail_again_as_cells_of_a_workbook() {
    let tables = [bytes::table(), values::table(), csv_structure::table()];
    let mut checked = 0;
    for odd in tables.into_iter().flatten() {
        let is_ndjson = odd.file.ends_with("ndjson");
        let of_workbook = Odd {
            flags: [&odd.flags[..], &["--failed-format", "xlsx"]].concat(),
            ..odd
        };
        let first = of_workbook.end();
        let Some(failed) = first.files.get("failed.xlsx").filter(|_| !is_ndjson) else {
            continue;
        };
        let again = Odd {
            file: "failed.xlsx",
            content: failed.clone(),
            ..of_workbook
        };
        let again = again.end();
        let (before, after) = (failures(&first), failures(&again));
        assert_eq!(
            before.len(),
            after.len(),
            "{}{}",
            first.stdout,
            again.stderr
        );
        for ((outcome, errors), (outcome_again, errors_again)) in before.iter().zip(&after) {
            assert_eq!(outcome, outcome_again);
            let is_lost =
                |error: &&[String; 2]| !errors_again.iter().any(|again| again[1] == error[1]);
            let lost: Vec<_> = errors.iter().filter(is_lost).collect();
            assert!(
                lost.is_empty(),
                "{lost:?}\n{}{}",
                first.stdout,
                again.stdout
            );
        }
        checked += 1;
    }
    assert!(checked >= 50, "{checked} inputs with failed rows");
}

/// Bytes come out of a named pipe one at a time.
#[test]
fn a_fifo_gives_its_bytes_as_it_likes() {
    let scenario = Scenario::new();
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        scenario.path("pipe"),
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
    )
    .expect("a pipe in the file system");
    let path = scenario.path("pipe");
    let writer = std::thread::spawn(move || {
        let mut pipe = fs::OpenOptions::new()
            .write(true)
            .open(path)
            .expect("the pipe has a reader");
        for byte in "\u{feff}id,job\n1,Künstler\n".as_bytes() {
            pipe.write_all(&[*byte]).expect("the pipe has a reader");
        }
    });
    let end = scenario
        .custsync(["check", "pipe", "--run-dir", "run", "--explain", "1"])
        .exits(0);
    writer.join().expect("all was written");
    end.prints("\n  {\"job\":\"Künstler\"}\n");
}

/// A file without a line end that is far longer than a record may be.
#[test]
fn a_gibibyte_without_a_line_end_ends_in_little_memory() {
    let scenario = Scenario::new()
        .file("a.csv", "id,job\n1,x\n")
        .through(MEMORY_LIMIT);
    let file = fs::OpenOptions::new()
        .append(true)
        .open(scenario.path("a.csv"))
        .expect("the file");
    file.set_len(1 << 30).expect("room for a file of holes");
    scenario
        .check([])
        .exits(2)
        .says("a.csv: is binary, not text");
    // The same after the first block: holes in the file are text that never ends.
    let rows = "1,x\n".repeat(100_000);
    scenario.write("a.csv", format!("id,job\n{rows}"));
    let file = fs::OpenOptions::new()
        .append(true)
        .open(scenario.path("a.csv"))
        .expect("the file");
    file.set_len(1 << 30).expect("room for a file of holes");
    scenario
        .check([])
        .exits(2)
        .says("a.csv:100002: the record that starts here is longer than 1048576 bytes");
}

/// Rows that are appended while a file is read are either read, or are new rows in the next run.
#[test]
fn a_file_that_has_grown_is_read_as_far_as_it_goes() {
    let scenario = Scenario::new()
        .file("a.csv", "id,job\n1,x\n2,cut")
        .sandbox(|_| {});
    scenario.run([]).exits(0).counts([2, 0, 0, 0, 0]);
    // The last row was incomplete when it was read. It has changed now, which is reported.
    scenario.write("a.csv", "id,job\n1,x\n2,cutter\n3,y\n");
    scenario
        .run([])
        .exits(5)
        .says("it differs in row 2; nothing was sent");
    scenario.write("a.csv", "id,job\n1,x\n2,cut\n3,y\n");
    scenario.run([]).exits(0).counts([3, 0, 0, 0, 0]);
    assert_eq!(scenario.counts().requests, 3, "each row is sent once");
}
