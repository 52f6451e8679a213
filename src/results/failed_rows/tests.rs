//! Tests of the files of failed rows: their content, and the files left in the directory.

use std::fs;
use std::path::Path;

use super::*;
use crate::contract::Field;
use crate::input::{BlockSize, Input, InputName, InputRules};
use crate::journal::{EntryError, Outcome};

const NOTHING: &dyn Fn(u64, Option<u64>) -> FieldSet = &|_, _| FieldSet::EMPTY;

fn entry(row: u64) -> Entry<'static> {
    Entry {
        id: Some(row),
        status: Some(422),
        error: Some("validation_error".into()),
        message: Some("not \"good\"".into()),
        errors: vec![EntryError {
            field: "email".into(),
            code: None,
            message: "is bad".into(),
        }],
        ..Entry::of_row(row, Outcome::Rejected)
    }
}

/// Creates an input with this name that begins with this text.
fn input(name: &str, text: &str) -> KnownInput {
    let name = InputName::from_argument(name.into());
    let reader = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
    let input = Input::of_reader(name, reader, &InputRules::default(), BlockSize::default());
    KnownInput::of_stream(input.expect("a good input"))
}

fn run_dir(directory: &Path) -> RunDir {
    RunDir::create(directory).expect("a run directory")
}

fn failed_rows(directory: &Path, inputs: &[KnownInput], format: FailedFormat) -> FailedRows {
    FailedRows::in_any_order(run_dir(directory), inputs, format)
}

fn fail(failed: &mut FailedRows, row: u64, input: usize, raw: &str) {
    failed.record_failure(
        &entry(row),
        Position {
            row,
            input,
            line: row + 1,
        },
        &Bytes::from(raw.to_owned()),
    );
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("the directory");
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

/// Returns the failed file of an input that begins with `head`, in which the row `raw` failed and
/// later rows have set these fields.
fn file_of(name: &str, head: &str, raw: &str, overtaken: &[Field], format: FailedFormat) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let mut failed = failed_rows(
        directory.path(),
        &[input(name, &format!("{head}{raw}\n"))],
        format,
    );
    fail(&mut failed, 7, 0, raw);
    let fields: FieldSet = overtaken.iter().copied().collect();
    let finished = failed.finish(&|row, id| {
        if (row, id) == (7, Some(7)) {
            fields
        } else {
            FieldSet::EMPTY
        }
    });
    assert!(finished.fault.is_none(), "{:?}", finished.fault);
    let [name] = finished.names.as_slice() else {
        panic!("one file, not {:?}", finished.names)
    };
    assert_eq!(
        names_in(directory.path()),
        [name.as_str()],
        "no spool is left"
    );
    fs::read_to_string(directory.path().join(name)).expect("the file")
}

const ERROR: &str = r#"the API rejects it: 422 validation_error; not ""good""; email is bad"#;
const SET: &str = "; later rows of this customer have set email, job";

#[test]
fn a_csv_row_keeps_its_bytes_behind_four_columns() {
    let check = |name: &str, head: &str, raw: &str, format: FailedFormat, want: &str| {
        let want = want.replace("ERROR", ERROR).replace("SET", SET);
        assert_eq!(
            file_of(name, head, raw, &[Field::Job, Field::Email], format),
            want,
            "{head:?} {raw:?}"
        );
    };
    let auto = FailedFormat::Auto;
    let columns = "custsync_row;custsync_outcome;custsync_error;custsync_overtaken";
    check(
        "a.csv",
        "id;\"email\"\n",
        "1;\"a\nb\"",
        auto,
        &format!("{columns};id;\"email\"\na.csv:8;rejected;\"ERRORSET\";email job;1;\"a\nb\"\n"),
    );
    // A name is quoted where needed and shows no control character.
    check(
        "a;\"\u{1b}.csv",
        "id;email\n",
        "1;x;y",
        auto,
        &format!(
            "{columns};id;email\n\"a;\"\"\\u{{1b}}.csv:8\";rejected;\"ERRORSET\";email job;1;x;y\n"
        ),
    );
    // A byte order mark stays.
    check(
        "a.csv",
        "\u{feff}id;email\n",
        "1;x",
        auto,
        &format!("\u{feff}{columns};id;email\na.csv:8;rejected;\"ERRORSET\";email job;1;x\n"),
    );
    check(
        "a.csv",
        "id;email\r\n",
        "1;x",
        FailedFormat::ExcelCsv,
        &format!("\u{feff}{columns};id;email\r\na.csv:8;rejected;\"ERRORSET\";email job;1;x\r\n"),
    );
}

#[test]
fn columns_of_an_earlier_run_are_replaced() {
    let check = |columns: &str, raw: &str, want: &str| {
        let head = format!("{columns},id,email,job\n");
        let file = file_of("failed.csv", &head, raw, &[Field::Job], FailedFormat::Auto);
        let header =
            "custsync_row,custsync_outcome,custsync_error,custsync_overtaken,id,email,job\n";
        let want = format!("{header}{}\n", want.replace("ERROR", ERROR));
        assert_eq!(file, want, "{raw:?}");
    };
    let columns = "custsync_row,custsync_outcome,custsync_error,custsync_overtaken";
    let set = |fields: &str| format!("; later rows of this customer have set {fields}");
    check(
        columns,
        "a.csv:3,invalid,\"x, y\",email,1,a,b",
        &format!(
            "a.csv:3,rejected,\"ERROR{}\",email job,1,a,b",
            set("email, job")
        ),
    );
    // Files of earlier versions have no fields, and a number as the place.
    check(
        "custsync_row,custsync_outcome,custsync_error",
        "3,invalid,x,1,a,b",
        &format!("3,rejected,\"ERROR{}\",job,1,a,b", set("job")),
    );
    check(
        columns,
        "\"a,b.csv:3\",,,,1,a",
        &format!("\"a,b.csv:3\",rejected,\"ERROR{}\",job,1,a", set("job")),
    );
    // A row that was added by hand is reported at its own place.
    check(
        columns,
        ",,,,1,a,b",
        &format!("failed.csv:8,rejected,\"ERROR{}\",job,1,a,b", set("job")),
    );
    // Unreadable text is kept, so that a correction of it can be read.
    check(
        columns,
        "a.csv:3,,,\"emial, x\",1,a,b",
        &format!(
            "a.csv:3,rejected,\"ERROR{}\",\"emial, x job\",1,a,b",
            set("job")
        ),
    );
    check(
        columns,
        "a.csv:3",
        &format!("a.csv:3,rejected,\"ERROR{}\",job,", set("job")),
    );
}

#[test]
fn an_ndjson_row_keeps_its_bytes_behind_one_member() {
    let check = |raw: &str, want: &str| {
        let file = file_of(
            "a.ndjson",
            "{\"id\":1}\n",
            raw,
            &[Field::Job],
            FailedFormat::ExcelCsv,
        );
        let error = ERROR.replace("\"\"", "\\\"");
        let error = format!("{error}; later rows of this customer have set ");
        let said = |row: &str, words: &str, names: &str| {
            format!(
                r#""custsync":{{"row":{row},"outcome":"rejected","error":"{error}{words}","overtaken":[{names}]}}"#
            )
        };
        let want = want.replace("SAID", &said("\"a.ndjson:8\"", "job", "\"job\""));
        let want = want.replace(
            "FIRST",
            &said("\"x.ndjson:3\"", "email, job", "\"email\",\"job\""),
        );
        let want = want.replace("UNREAD", &said("3", "job", "\"emial\",\"job\""));
        let want = want.replace("NUMBER", &said("3", "job", "\"job\""));
        assert_eq!(file, format!("{want}\n"), "{raw}");
    };
    check(r#"{"id": 1}"#, r#"{SAID,"id": 1}"#);
    check(r#"  {"id":1,"id":2}"#, r#"{SAID,"id":1,"id":2}"#);
    check("{}", "{SAID}");
    check(r#"{"id":1, broken"#, r#"{SAID,"id":1, broken"#);
    check("[1]", "[1]");
    let own = r#""custsync":{"row":"x.ndjson:3","error":"}","overtaken":["email"]}"#;
    check(&format!(r#"{{{own},"id": 1}}"#), r#"{FIRST,"id": 1}"#);
    check(
        &format!(r#" {{ {own} , "id": broken"#),
        r#"{FIRST, "id": broken"#,
    );
    check(&format!("{{{own}}}"), "{FIRST}");
    check(
        &format!(r#"{{"id": 1,{own},"job":"é"}}"#),
        r#"{FIRST,"id":1,"job":"é"}"#,
    );
    check(
        r#"{"custsync":{"row":3,"outcome":"failed"},"id":1}"#,
        r#"{NUMBER,"id":1}"#,
    );
    check(
        r#"{"custsync":{"row":3,"overtaken":["emial"]},"id":1}"#,
        r#"{UNREAD,"id":1}"#,
    );
    // A workbook of failed rows.
    check(
        r#"{"custsync_row":"x.ndjson:3","custsync_overtaken":"email","id":1}"#,
        r#"{FIRST,"id":1}"#,
    );
}

#[test]
fn rows_that_are_written_at_once_are_in_the_same_files() {
    let here = tempfile::tempdir().expect("a directory");
    let inputs = || [input("a.csv", "id,job\n"), input("b.ndjson", "{}\n")];
    let rows = [
        (1, 0, "1,\"a"),
        (2, 0, "2,b,,"),
        (5, 1, "{\"id\":\"x\"}"),
        (7, 1, "["),
    ];
    let write = |name: &str,
                 create: fn(RunDir, &[KnownInput], FailedFormat) -> FailedRows,
                 at_end: fn(&mut FailedRows)| {
        let directory = here.path().join(name);
        let mut failed = create(run_dir(&directory), &inputs(), FailedFormat::Auto);
        for (row, input, raw) in rows {
            fail(&mut failed, row, input, raw);
        }
        at_end(&mut failed);
        let finished = failed.finish(&|_, _| FieldSet::EMPTY);
        assert!(finished.fault.is_none(), "{:?}", finished.fault);
        let files = names_in(&directory).into_iter().map(|name| {
            let content = fs::read_to_string(directory.join(&name)).expect("a text");
            (name, content)
        });
        (finished.names, files.collect::<Vec<_>>())
    };
    let spooled = write("spooled", FailedRows::in_any_order, |_| ());
    assert_eq!(spooled.0, ["failed-1.csv", "failed-2.ndjson"]);
    assert_eq!(write("at-once", FailedRows::at_once, |_| ()), spooled);
    let nothing = write("abandoned", FailedRows::at_once, FailedRows::abandon);
    assert_eq!(nothing, Default::default());
}

#[test]
fn each_input_has_a_file_with_its_rows_in_order_however_they_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let inputs = [
        input("a.ndjson", "{}"),
        input("b.tsv", "id\tjob\n1\t2\n"),
        input("c.csv", "id,job\n1,2\n"),
    ];
    let mut failed = failed_rows(directory.path(), &inputs, FailedFormat::Auto);
    for (row, input, raw) in [
        (5, 1, "5\tx"),
        (2, 0, "[2]"),
        (4, 1, "4\tx"),
        (1, 0, "[1]"),
        (3, 1, "3\tx"),
    ] {
        fail(&mut failed, row, input, raw);
    }
    let finished = failed.finish(NOTHING);
    assert_eq!(finished.names, ["failed-1.ndjson", "failed-2.tsv"]);
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).expect("the file");
    assert_eq!(read("failed-1.ndjson"), "[1]\n[2]\n");
    let rows: Vec<_> = read("failed-2.tsv")
        .lines()
        .skip(1)
        .map(|line| line.split('\t').nth(4).map(str::to_owned))
        .collect();
    assert_eq!(rows, ["3", "4", "5"].map(|row| Some(row.to_owned())));
    assert_eq!(names_in(directory.path()), finished.names);
}

#[test]
fn nothing_is_left_of_an_earlier_process() {
    let directory = tempfile::tempdir().expect("a directory");
    let earlier = [
        "failed.csv",
        "failed-3.tsv",
        "failed.ndjson.unfinished",
        "failed.spool",
    ];
    for name in earlier
        .iter()
        .chain(&["results.ndjson", "failed.corrected.csv"])
    {
        fs::write(directory.path().join(name), "of an earlier process").expect("a file");
    }
    fs::create_dir(directory.path().join("failed-9.csv")).expect("a folder");
    let mut failed = failed_rows(
        directory.path(),
        &[input("a.ndjson", "{}")],
        FailedFormat::Auto,
    );
    failed.record_success(1);
    let finished = failed.finish(NOTHING);
    assert!(finished.names.is_empty() && finished.fault.is_none());
    assert_eq!(
        names_in(directory.path()),
        ["failed-9.csv", "failed.corrected.csv", "results.ndjson"]
    );
}

#[test]
fn what_was_begun_is_taken_away_and_an_earlier_file_left() {
    let directory = tempfile::tempdir().expect("a directory");
    let earlier = directory.path().join("failed.ndjson");
    fs::write(&earlier, "of an earlier process").expect("a file");
    let mut failed = failed_rows(
        directory.path(),
        &[input("a.ndjson", "{}")],
        FailedFormat::Auto,
    );
    fail(&mut failed, 1, 0, "[1]");
    assert_eq!(
        names_in(directory.path()),
        ["failed.ndjson", "failed.spool"]
    );
    failed.abandon();
    fail(&mut failed, 2, 0, "[2]");
    let finished = failed.finish(NOTHING);
    assert!(finished.names.is_empty() && finished.fault.is_none());
    assert_eq!(names_in(directory.path()), ["failed.ndjson"]);
    assert_eq!(
        fs::read_to_string(earlier).expect("the file"),
        "of an earlier process"
    );
}

#[test]
fn a_spool_that_cannot_be_written_is_reported_at_the_end() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::create_dir(directory.path().join("failed.spool")).expect("a folder in its place");
    fs::write(
        directory.path().join("failed.ndjson"),
        "of an earlier process",
    )
    .expect("a file");
    let mut failed = failed_rows(
        directory.path(),
        &[input("a.ndjson", "{}")],
        FailedFormat::Auto,
    );
    fail(&mut failed, 1, 0, "[1]");
    fail(&mut failed, 2, 0, "[2]");
    failed.record_success(3);
    let finished = failed.finish(NOTHING);
    assert!(finished.names.is_empty());
    assert!(
        finished
            .fault
            .expect("a fault")
            .to_string()
            .starts_with("failed.spool: ")
    );
    assert_eq!(
        names_in(directory.path()),
        ["failed.ndjson", "failed.spool"]
    );
}

#[test]
fn a_file_that_cannot_be_written_leaves_the_others_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::create_dir(directory.path().join("failed-1.ndjson.unfinished"))
        .expect("a folder in its place");
    fs::create_dir(directory.path().join("failed-2.ndjson")).expect("a folder in its place");
    let inputs = [
        input("a.ndjson", "{}"),
        input("b.ndjson", "{}"),
        input("c.ndjson", "{}"),
    ];
    let mut failed = failed_rows(directory.path(), &inputs, FailedFormat::Auto);
    for (row, input) in [(1, 0), (2, 1), (3, 2)] {
        fail(&mut failed, row, input, "[1]");
    }
    let finished = failed.finish(NOTHING);
    assert_eq!(finished.names, ["failed-3.ndjson"]);
    assert!(
        finished
            .fault
            .expect("a fault")
            .to_string()
            .starts_with("failed-1.ndjson: "),
        "the first one is told"
    );
    assert_eq!(
        names_in(directory.path()),
        [
            "failed-1.ndjson.unfinished",
            "failed-2.ndjson",
            "failed-3.ndjson"
        ]
    );
}

#[test]
fn rows_beyond_the_last_of_a_sheet_are_in_another_workbook() {
    let directory = tempfile::tempdir().expect("a directory");
    let run_dir = RunDir::create(directory.path()).expect("a run directory");
    let layout = input("a.csv", "id,email\n1,@\n").layout().clone();
    let form = FileForm::new("", "a.csv".to_owned(), layout, FailedFormat::Xlsx);
    let rows: Vec<u8> = (1..=5)
        .flat_map(|row| {
            let position = Position {
                row,
                input: 0,
                line: row + 1,
            };
            SpooledRow::of(&entry(row), position).encode(format!("{row},@").as_bytes())
        })
        .collect();
    fs::write(directory.path().join("failed.rows.unfinished"), rows).expect("the directory");
    let names = workbook::write(&run_dir, &form, 2).expect("the disk has room");
    assert_eq!(names, ["failed.xlsx", "failed.2.xlsx", "failed.3.xlsx"]);
    let rows_in = |name: &str| -> Vec<String> {
        let path = directory.path().join(format!("{name}.unfinished"));
        let file = fs::File::open(path).expect("the workbook");
        let mut zip = zip::ZipArchive::new(file).expect("a zip file");
        let part = zip.by_name("xl/worksheets/sheet1.xml").expect("a sheet");
        let sheet = io::read_to_string(part).expect("text");
        let rows = sheet.split("<row ").skip(1);
        rows.map(|row| {
            let (number, cells) = row.split_once('>').expect("a tag");
            let place = cells.split_once("preserve\">").expect("a text").1;
            format!("{number} {}", place.split('<').next().unwrap_or_default())
        })
        .collect()
    };
    let header = "r=\"1\" custsync_row";
    assert_eq!(
        names.iter().map(|name| rows_in(name)).collect::<Vec<_>>(),
        [
            vec![header, "r=\"2\" a.csv:2", "r=\"3\" a.csv:3"],
            vec![header, "r=\"2\" a.csv:4", "r=\"3\" a.csv:5"],
            vec![header, "r=\"2\" a.csv:6"],
        ]
    );
}
