//! Inputs that cannot be used are refused before anything is sent. All others are read as the flags
//! say.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};

use crate::harness::{End, Form, Scenario, Workbook};

/// A part of every value in these files, so that a value in any output is noticed.
const CANARY: &str = "canary-3d0f";
const RECORD_BYTES_MAX: usize = 1 << 20;

/// Checks that an input is refused by run and check: exit code 2, this message, no request, no run
/// directory, no value shown.
fn refuse(name: &str, content: impl AsRef<[u8]>, message: &str) {
    let scenario = Scenario::new().file(name, content).sandbox(|_| {});
    refused_by(&scenario, message);
}

fn refused_by(scenario: &Scenario, message: &str) {
    for end in [scenario.run([]), scenario.check([])] {
        let end = end.exits(2).says(message);
        end.is_not_shown(CANARY);
        assert!(
            end.files.is_empty(),
            "nothing was begun: {:?}",
            end.files.keys()
        );
        assert_eq!(end.stdout, "");
    }
    assert_eq!(scenario.counts().requests, 0, "nothing was sent");
}

#[test]
fn missing_files_and_folders_without_inputs_are_refused() {
    refused_by(
        &Scenario::new().input("missing.csv").sandbox(|_| {}),
        "missing.csv: no such file",
    );
    refused_by(
        &Scenario::new()
            .input("ftp://user:canary@x.example/*.csv")
            .sandbox(|_| {}),
        "an input is an address of a kind that is not read: ",
    );
    let scenario = Scenario::new().input("folder.csv").sandbox(|_| {});
    fs::create_dir(scenario.path("folder.csv")).unwrap();
    refused_by(
        &scenario,
        "folder.csv: no file in this folder has the extension .csv",
    );
}

#[test]
fn a_file_that_may_not_be_read_is_refused() {
    let scenario = Scenario::new()
        .file("secret.csv", "id,email\n1,a@example.com\n")
        .sandbox(|_| {});
    let path = scenario.path("secret.csv");
    fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
    // The superuser can read all files.
    if fs::read(&path).is_err() {
        refused_by(&scenario, "secret.csv: cannot be opened: Permission denied");
    }
}

#[test]
fn a_binary_input_is_named_by_its_kind() {
    refuse("a.csv", "", "a.csv: is empty");
    refuse("a.csv", "\n\r\n\n", "a.csv: is empty");
    refuse("a.ndjson", " \n\t\n", "a.ndjson: is empty");
    refuse(
        "a.csv",
        b"\x7fELF\x02\x01\0\0\0",
        "a.csv: is a program: name a file that holds rows",
    );
    refuse("a.csv", b"\xff\xfe\0\0i\0\0\0", "a.csv: is UTF-32");
    refuse(
        "a.csv",
        b"i\0d\0,\0e\0m\0a\0i\0l\0\n\0",
        "a.csv: is UTF-16 without a byte order mark: --encoding utf-16le",
    );
    refuse(
        "a.xls",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "a.xls: the workbook is cut off",
    );
    refuse(
        "a.json",
        format!("[{{\"id\":1,\"job\":\"{CANARY}\"}}\n{{\"id\":2}}]"),
        "a.json:2: a comma is missing here between two elements of the JSON array",
    );
}

#[test]
fn quotes_and_records_without_end_are_named_by_their_line() {
    let long = "x".repeat(RECORD_BYTES_MAX);
    let (good, open) = (format!("id,job\n1,{CANARY}\n"), "is never closed");
    refuse(
        "a.csv",
        format!("{good}2,\"{CANARY}\n3,x\n"),
        &format!("a.csv:3: the quote that opens here {open}"),
    );
    refuse(
        "a.csv",
        format!("{good}2,\"{long}{CANARY}\n"),
        "a.csv:3: the quote that opens here is not closed within",
    );
    refuse(
        "a.csv",
        format!("{good}2,{CANARY}{long}\n"),
        "a.csv:3: the record that starts here is longer than 1048576",
    );
    refuse(
        "a.ndjson",
        format!("{{\"id\":1}}\n{{\"job\":\"{long}\"}}\n"),
        "a.ndjson:2: the record that starts here is longer",
    );
}

#[test]
fn every_fault_of_a_header_is_named() {
    let header = |names: &str, message: &str| {
        refuse("a.csv", format!("{names}\n1,{CANARY},{CANARY}\n"), message);
    };
    header(
        "id,emial,job",
        "a.csv:1: column 2 `emial` is not a field of the API; did you mean `email`?",
    );
    header("id,job,job", "a.csv:1: columns 2 and 3 both fill `job`");
    header("email,job,address", "a.csv:1: no column is named `id`");
    header(
        "id,job,avatar_url",
        "a.csv:1: column 3 `avatar_url` cannot be set",
    );
    header("id,,jbo", "a.csv:1: column 3 `jbo` is not a field");
    header(
        "\n\nid,job,red\u{1b}[31m",
        "a.csv:3: column 3 `red\\u{1b}[31m` is not a field",
    );
    header(
        &vec!["id"; 1_025].join(","),
        "a.csv:1: the header has 1025 columns, more than 1024",
    );
    refuse(
        "a.csv",
        format!("17,{CANARY},{CANARY}@example.com\n"),
        "a.csv:1: is not a header",
    );
    refuse(
        "a.csv",
        b"id,job,Stra\xdfe\n1,x,y\n",
        "a.csv:1: the name of column 3 is not UTF-8",
    );
}

#[test]
fn flags_that_fit_no_column_are_refused() {
    let flags = |flags: [&str; 2], message: &str| {
        let file = format!("id,job\n1,{CANARY}\n");
        refused_by(
            &Scenario::new()
                .file("a.csv", file)
                .flags(flags)
                .sandbox(|_| {}),
            message,
        );
    };
    flags(
        ["--map", "jbo=job"],
        "a.csv:1: --map: there is no column `jbo`; did you mean `job`?",
    );
    flags(
        ["--map", "job=emial"],
        "`emial` is not a field of the API; did you mean `email`?",
    );
    flags(["--ignore", "jbo"], "--ignore: no input has a column `jbo`");
    flags(
        ["--empty", "emial=null"],
        "`emial` is not a field of the API",
    );
    flags(["--max-rows", "0"], "--max-rows");
    flags(["--date-format", "%Q"], "--date-format");
}

#[test]
fn a_second_input_that_is_unusable_keeps_the_first_from_being_sent() {
    let good = format!("id,job\n1,{CANARY}\n");
    let scenario = Scenario::new()
        .file("a.csv", good)
        .input("b.csv")
        .sandbox(|_| {});
    refused_by(&scenario, "b.csv: no such file");
}

#[test]
fn a_fault_far_into_standard_input_ends_the_run_with_its_place() {
    // The rows are long, so that a few of them exceed the blocks that are read first.
    let pad = "x".repeat(700);
    let rows: Vec<_> = (1..=1_500)
        .map(|id| format!("{id},x,{CANARY}{pad}\n"))
        .collect();
    let file = format!("id,job,address\n{}1501,\"{CANARY}\n", rows.concat());
    let scenario = Scenario::new().stdin(file).unlimited().sandbox(|_| {});
    let end = scenario
        .run([])
        .exits(2)
        .says("standard input:1502: the quote that opens here is never closed");
    end.is_not_shown(CANARY);
    assert_eq!(end.summary()["read_to_end"], false);
}

#[test]
fn rows_with_another_number_of_columns_are_invalid_rows() {
    let scenario = Scenario::new()
        .file("a.csv", "id,job,email\n1,a\n2,b,\n3,c,,d\n")
        .sandbox(|_| {});
    let end = scenario
        .run(["--max-errors", "none"])
        .exits(1)
        .counts([1, 2, 0, 0, 0]);
    let message = |row: u64| end.results().row(row)["errors"][0]["message"].clone();
    assert_eq!(
        message(1),
        "has 2 columns where the header has 3 (--ragged pad if the missing ones are empty)"
    );
    assert_eq!(message(3), "has 4 columns where the header has 3");
    end.prints("   2  row    a.csv:2   1 row: has 2 columns where the header has 3 (--ragged pad if the missing ones are empty)\n")
        .prints("                       1 row: has 4 columns where the header has 3\n");
}

/// The updates that the sandbox received, by customer.
fn sent(end: &End) -> Vec<(u64, Value)> {
    end.ledger
        .0
        .iter()
        .map(|update| (update.id, update.body.clone()))
        .collect()
}

#[test]
fn standard_input_is_an_input() {
    let scenario = Scenario::new()
        .stdin("{\"id\":1,\"job\":\"Nurse\"}\n\n{\"id\":2,\"job\":null}\n")
        .sandbox(|_| {});
    let end = scenario
        .run(["--max-in-flight", "1"])
        .exits(0)
        .counts([2, 0, 0, 0, 0]);
    assert_eq!(
        sent(&end),
        [(1, json!({"job": "Nurse"})), (2, json!({"job": null}))]
    );
    assert_eq!(end.summary()["inputs"], json!(["standard input"]));
    assert_eq!(
        end.results().row(2)["line"],
        3,
        "blank lines are no rows, but lines"
    );
}

#[test]
fn several_inputs_are_one_run_and_rows_tell_of_which() {
    let scenario = Scenario::new().file("a.csv", "id,job\n1,Nurse\n2,Clerk\nx,Clerk\n");
    let scenario = scenario
        .file(
            "b.ndjson",
            "{\"id\":3,\"gender\":\"Q\"}\n{\"id\":4,\"job\":\"Nurse\"}\n",
        )
        .sandbox(|_| {});
    let end = scenario
        .run(["--max-errors", "none"])
        .exits(1)
        .counts([3, 2, 0, 0, 0]);
    let places: Vec<_> = (1..=5)
        .map(|row| {
            (
                end.results().row(row)["file"].clone(),
                end.results().row(row)["line"].clone(),
            )
        })
        .collect();
    let want =
        [(1, 2), (1, 3), (1, 4), (2, 1), (2, 2)].map(|(file, line)| (json!(file), json!(line)));
    assert_eq!(places, want);
    assert_eq!(
        String::from_utf8_lossy(end.file("failed-1.csv")),
        "custsync_row,custsync_outcome,custsync_error,custsync_overtaken,id,job\na.csv:4,invalid,\"id is not a whole number (type)\",,x,Clerk\n"
    );
    let failed: Value = serde_json::from_slice(end.file("failed-2.ndjson")).unwrap();
    assert_eq!(
        (&failed["id"], &failed["gender"], &failed["custsync"]["row"]),
        (&json!(3), &json!("Q"), &json!("b.ndjson:1"))
    );
    assert!(
        !end.files.contains_key("failed.csv"),
        "{:?}",
        end.files.keys()
    );
}

#[test]
fn tabs_divide_a_tsv_file() {
    let scenario = Scenario::new()
        .file("a.tsv", "id\tjob\temail\n1\tClerk, senior\t\n2\tx\tnope\n")
        .sandbox(|_| {});
    let end = scenario.run(["--max-errors", "none"]).exits(1);
    assert_eq!(sent(&end), [(1, json!({"job": "Clerk, senior"}))]);
    let failed = String::from_utf8_lossy(end.file("failed.tsv")).into_owned();
    assert!(failed.ends_with("\t2\tx\tnope\n"), "{failed}");
}

#[test]
fn flags_say_how_cells_are_read() {
    const FILE: &str = "Kunde,E-Mail,job,address,Notiz,date_of_birth\n\
        0042,a@example.com,,,x,\n43,,N/A, Main St. ,x,31.12.1999\n44,\\N,N/A,,x,1985-04-12\n45,,,b,,\n";
    fn check<const N: usize>(flags: [&str; N], want: &[(u64, Value)]) {
        let scenario = Scenario::new().file("a.csv", FILE).sandbox(|_| {});
        let scenario = scenario
            .flags(["-m", "Kunde=id", "-m", "E-Mail=email", "--ignore", "Notiz"])
            .flags(flags);
        let end = scenario.run([
            "--date-format",
            "%d.%m.%Y",
            "--max-in-flight",
            "1",
            "--max-errors",
            "none",
        ]);
        assert_eq!(sent(&end), want, "{flags:?}\n{}", end.stderr);
    }
    let new_year = "1999-12-31T00:00:00Z";
    check(
        ["--null-string", "N/A", "--null-string", "\\N"],
        &[
            (42, json!({"email": "a@example.com"})),
            (
                43,
                json!({"job": null, "address": " Main St. ", "date_of_birth": new_year}),
            ),
            (
                44,
                json!({"email": null, "job": null, "date_of_birth": "1985-04-12T00:00:00Z"}),
            ),
            (45, json!({"address": "b"})),
        ],
    );
    check(
        [
            "--empty",
            "null",
            "--empty",
            "address=omit",
            "--trim",
            "--skip-rows",
            "1",
            "--max-rows",
            "1",
        ],
        &[(
            43,
            json!({"email": null, "job": "N/A", "address": "Main St.", "date_of_birth": new_year}),
        )],
    );
    check(
        ["--empty", "email=error", "--max-rows", "2"],
        &[(42, json!({"email": "a@example.com"}))],
    );
}

#[test]
fn a_byte_order_mark_and_foreign_line_ends_belong_to_no_value() {
    let scenario = Scenario::new()
        .file("a.csv", "\u{feff}id,job\r\n1,Nurse\r\n2,\"a\r\nb\"\r\n")
        .sandbox(|_| {});
    let end = scenario.run(["--max-in-flight", "1"]).exits(0);
    assert_eq!(
        sent(&end),
        [(1, json!({"job": "Nurse"})), (2, json!({"job": "a\r\nb"}))]
    );
    assert!(
        !end.files
            .contains_key(&format!("failed.{}", Form::Csv.extension())),
        "nothing failed"
    );
}

/// A service writes a row now and then: each row is sent once it is complete, not once a block is
/// full.
#[test]
fn rows_of_a_pipe_are_sent_while_its_writer_pauses() {
    let scenario = Scenario::new().input("pipe").sandbox(|_| {});
    let pipe = scenario.path("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let running = scenario.start([]);
    let mut rows = OpenOptions::new().write(true).open(&pipe).unwrap();
    rows.write_all(b"id,job\n1,a\n2,b\n3,c").unwrap();
    let running = running.until("two rows", |scenario| scenario.counts().applied == 2);
    rows.write_all(b"d\n4,e\n").unwrap();
    let running = running.until("four rows", |scenario| scenario.counts().applied == 4);
    rows.write_all(b"5,f").unwrap();
    drop(rows);
    running.end().exits(0).counts([5, 0, 0, 0, 0]);
    let jobs = [(1, "a"), (2, "b"), (3, "cd"), (4, "e"), (5, "f")];
    scenario.holds_updates(
        jobs.into_iter()
            .map(|(id, job)| (id, [("job".to_owned(), job.into())].into_iter().collect())),
    );
}

/// An export of the changes since yesterday may be empty.
#[test]
fn a_header_without_rows_is_a_good_end_and_a_warning() {
    let scenario = || {
        Scenario::new()
            .file("a.csv", "id,job\n")
            .file("b.csv", "id,job\n,\n\n")
            .file("c.json", "\n[ ]\n")
            .sandbox(|_| {})
    };
    for end in [scenario().check([]), scenario().run([])] {
        let end = end
            .exits(0)
            .says("WARN a.csv has a header but no rows")
            .says("WARN b.csv has a header but no rows")
            .says("WARN c.json is an empty JSON array");
        let summary = end.summary();
        assert_eq!(
            (&summary["records"], &summary["blank_rows"]),
            (&json!(0), &json!(1)),
            "{summary}"
        );
    }
    let scenario = Scenario::new()
        .file("a.csv", "id,job\n")
        .file("b.csv", "id,job\n1,x\n")
        .sandbox(|_| {});
    scenario
        .run([])
        .exits(0)
        .says("WARN a.csv has a header but no rows")
        .counts([1, 0, 0, 0, 0]);
    let workbook = Workbook::default()
        .sheet_of(
            "S",
            "<row r=\"1\"><c t=\"str\"><v>id</v></c><c t=\"str\"><v>job</v></c></row>",
        )
        .bytes();
    let scenario = Scenario::new().file("a.xlsx", workbook).sandbox(|_| {});
    scenario
        .run([])
        .exits(0)
        .says("WARN a.xlsx[S] has a header but no rows")
        .counts([0; 5]);
}
