//! The samples behave as their README says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Program, Results};

const README: &str = include_str!("../../samples/README.md");
/// The page itself, and the settings that one of its commands uses.
const NO_INPUTS: [&str; 2] = ["README.md", "custsync.toml"];

/// One line of the samples' table.
struct Sample {
    file: String,
    exit: i32,
    says: Vec<String>,
}

/// The output of `check` for a file.
struct Checked {
    exit: i32,
    said: String,
    run_dir: PathBuf,
    _directory: TempDir,
}

fn samples() -> Vec<Sample> {
    let rows = README
        .lines()
        .skip_while(|line| !line.starts_with("| file |"))
        .skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [file, _shows, exit, says] = cells[..] else {
            panic!("four cells: {row}")
        };
        let says = says
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        Sample {
            file: file.to_owned(),
            exit: exit.parse().expect("an exit code"),
            says,
        }
    })
    .collect()
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

fn check(file: &str, flags: &[&str]) -> Checked {
    let out = tempfile::tempdir().unwrap();
    let run_dir = out.path().join("run");
    let mut arguments = vec![
        "check".into(),
        directory().join(file).into(),
        "--run-dir".into(),
        run_dir.clone().into(),
    ];
    arguments.extend(flags.iter().map(Into::into));
    let program = Program {
        arguments,
        variables: Vec::new(),
        stdin: Vec::new(),
        through: None,
    };
    let finished = program.start(out.path()).finish();
    let said = [finished.stdout, finished.stderr].concat();
    let said = String::from_utf8(said).expect("the output is UTF-8");
    Checked {
        exit: finished.status.code().expect("check ends by itself"),
        said: said + &groups(&run_dir),
        run_dir,
        _directory: out,
    }
}

/// The errors and warnings in the summary, each as field, code and number of rows.
fn groups(run_dir: &Path) -> String {
    let Ok(summary) = fs::read(run_dir.join("summary.json")) else {
        return String::new();
    };
    let summary: Value = serde_json::from_slice(&summary).expect("the summary is JSON");
    let groups = ["errors", "warnings"].map(|key| summary[key].as_array().expect("a list").clone());
    let groups = groups.iter().flatten().map(|group| {
        let text = |key: &str| group[key].as_str().unwrap_or_default().to_owned();
        let rows = group["rows"].as_u64().expect("a number");
        let unit = if rows == 1 { "row" } else { "rows" };
        format!("{} {} {rows} {unit}\n", text("field"), text("code"))
    });
    groups.collect()
}

impl Checked {
    /// The invalid rows: number, customer, and each error's field, code and message.
    fn invalid(&self) -> Vec<(u64, Option<u64>, Value)> {
        let results = Results::parse(&fs::read(self.run_dir.join("results.ndjson")).unwrap());
        let line = |line: &Value| {
            (
                line["row"].as_u64().unwrap(),
                line["id"].as_u64(),
                line["errors"].clone(),
            )
        };
        results.lines.iter().map(line).collect()
    }
}

#[test]
fn check_reports_for_each_sample_the_texts_of_the_table() {
    for sample in samples() {
        let checked = check(&sample.file, &[]);
        assert_eq!(
            checked.exit, sample.exit,
            "{}: {}",
            sample.file, checked.said
        );
        assert!(
            !sample.says.is_empty(),
            "the table lists output of {}",
            sample.file
        );
        for part in &sample.says {
            assert!(
                checked.said.contains(part.as_str()),
                "{}: `{part}` is not in {}",
                sample.file,
                checked.said
            );
        }
    }
}

#[test]
fn every_sample_is_in_the_table() {
    let listed: BTreeSet<_> = samples().into_iter().map(|sample| sample.file).collect();
    let files = |folder: &str| {
        let entries = fs::read_dir(directory().join(folder))
            .unwrap()
            .map(|entry| entry.unwrap());
        let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
        let names = files.map(|entry| entry.file_name().into_string().unwrap());
        names
            .map(|name| format!("{folder}{name}"))
            .collect::<Vec<_>>()
    };
    let found: BTreeSet<_> = [files(""), files("bad/")]
        .concat()
        .into_iter()
        .filter(|file| !NO_INPUTS.contains(&file.as_str()))
        .collect();
    assert_eq!(found, listed);
}

#[test]
fn the_flags_that_the_table_names_make_files_good() {
    let commands: Vec<_> = README
        .lines()
        .filter_map(|line| line.strip_prefix("custsync check samples/"))
        .collect();
    assert_eq!(commands.len(), 2, "two samples need flags");
    let place = |word: &String| match word.strip_prefix("samples/") {
        Some(file) => directory()
            .join(file)
            .to_str()
            .expect("the path is UTF-8")
            .to_owned(),
        None => word.clone(),
    };
    for command in commands {
        let words = words(command);
        let flags: Vec<_> = words[1..].iter().map(place).collect();
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        let checked = check(&words[0], &flags);
        assert_eq!(checked.exit, 0, "{command}: {}", checked.said);
    }
}

/// The words of a command, some of them in double quotes.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for character in command.chars() {
        match character {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            other => words.last_mut().expect("there is a word").push(other),
        }
    }
    words
}

#[test]
fn the_csv_and_the_ndjson_sample_hold_the_same_rows() {
    let (csv, ndjson) = (check("customers.csv", &[]), check("customers.ndjson", &[]));
    let (csv_rows, ndjson_rows) = (csv.invalid(), ndjson.invalid());
    assert_eq!(csv_rows.len(), 9);
    assert_eq!(csv_rows.len(), ndjson_rows.len());
    let mut differing = Vec::new();
    for ((row, id, errors), (ndjson_row, ndjson_id, ndjson_errors)) in
        csv_rows.iter().zip(&ndjson_rows)
    {
        assert_eq!(
            (row, id),
            (ndjson_row, ndjson_id),
            "the same rows are bad, in the same order"
        );
        if codes(errors) != codes(ndjson_errors) {
            differing.push((codes(errors), codes(ndjson_errors)));
        }
    }
    // Only CSV can have a ragged row; NDJSON has another error instead.
    let pair = |field: &str, code: &str| vec![(field.to_owned(), code.to_owned())];
    assert_eq!(
        differing,
        [(pair("row", "columns"), pair("email", "duplicate_key"))]
    );
    for line in [
        "991 of 1,000 rows can be sent; 9 cannot.\n",
        "records  1,000 = 991 valid + 9 invalid\n",
    ] {
        assert!(
            csv.said.contains(line) && ndjson.said.contains(line),
            "{line}: {} {}",
            csv.said,
            ndjson.said
        );
    }
}

/// Field and code of each error.
fn codes(errors: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    errors
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (text(&error["field"]), text(&error["code"])))
        .collect()
}
