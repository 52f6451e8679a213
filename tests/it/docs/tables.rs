//! The tables of the pages are those of the program.

use custsync::testing::contract::{ErrorCode, FIELDS, NullRule};
use custsync::testing::journal::Outcome;
use custsync::testing::process::exit::Exit;
use serde::Serialize;

use super::blocks::{in_backticks, table};
use super::pages::{FRONT, Page, ROOT};
use crate::full::{full_error_group, full_summary, keys_of_entry};
use crate::tidy::sources;

const INPUT: &str = "docs/input.md";
const RUN_DIRECTORY: &str = "docs/run-directory.md";

#[test]
fn the_fields_are_those_of_the_contract() {
    let mut want = vec![[
        "`id`".to_owned(),
        format!("whole number from 1 to {}; required", i64::MAX),
        "no".to_owned(),
    ]];
    for rule in &FIELDS {
        let null = match rule.null {
            NullRule::Allowed => "yes",
            NullRule::Refused => "no",
        };
        want.push([
            format!("`{}`", rule.name),
            rule.kind.to_string(),
            null.to_owned(),
        ]);
    }
    assert_eq!(
        table(&Page::read(INPUT).text, "| field | value | null allowed |"),
        want
    );
}

#[test]
fn the_codes_are_those_of_the_contract() {
    let codes = [
        ErrorCode::Required,
        ErrorCode::Null,
        ErrorCode::Type,
        ErrorCode::Format,
        ErrorCode::TooLong,
        ErrorCode::Enum,
        ErrorCode::Range,
        ErrorCode::DuplicateKey,
        ErrorCode::Encoding,
        ErrorCode::Damaged,
        ErrorCode::Columns,
        ErrorCode::CutOff,
        ErrorCode::Quotes,
        ErrorCode::Duplicate,
    ];
    assert_eq!(
        names(INPUT, "| code | the value, or the row |"),
        codes.map(|code| code.name().to_owned())
    );
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    let page = Page::read("docs/exit-codes.md");
    assert!(
        page.text.contains(&Exit::markdown_table()),
        "{} has this table:\n{}",
        page.path,
        Exit::markdown_table()
    );
}

#[test]
fn the_outcomes_are_those_of_the_journal() {
    assert_eq!(
        names(RUN_DIRECTORY, "| outcome | means |"),
        Outcome::ALL.map(|outcome| outcome.name().to_owned())
    );
}

#[test]
fn the_keys_are_those_of_the_files() {
    let page = Page::read(RUN_DIRECTORY);
    let tables: Vec<_> = page.text.split("| key | value |").collect();
    assert_eq!(
        tables.len(),
        4,
        "the page has a table of keys for results, the summary and its errors"
    );
    let names = |rest: &str| names_in(&table(&format!("| key | value |{rest}"), "| key | value |"));
    assert_eq!(names(tables[1]), keys_of_entry());
    assert_eq!(names(tables[2]), keys(&full_summary()));
    assert_eq!(names(tables[3]), keys(&full_error_group()));
}

#[test]
fn the_messages_of_the_troubleshooting_are_those_of_the_program() {
    let texts = source_texts();
    let rows = table(&Page::read(FRONT).text, "| message | cause | what to do |");
    assert!(rows.len() >= 12, "the messages are found");
    for row in rows {
        let message = row[0].trim_matches('`');
        assert!(
            texts.iter().any(|text| text.contains(message)),
            "{FRONT}: no message says `{message}`"
        );
    }
}

#[test]
fn the_line_of_progress_is_one_of_the_program() {
    let front = Page::read(FRONT);
    let line = front
        .text
        .lines()
        .find(|line| line.starts_with('`') && line.contains("/s"))
        .expect("the page shows a line of progress");
    // The tests of the line itself have it, too.
    let quoted = format!("\"{}\"", line.trim_matches('`'));
    assert!(
        source_texts().iter().any(|text| text.contains(&quoted)),
        "{FRONT}: no test of src/terminal/ has the line {line}"
    );
}

/// The texts of the sources, with literals of several lines joined.
fn source_texts() -> Vec<String> {
    let joined = |text: &str| {
        let lines = text.lines().map(|line| match line.strip_suffix('\\') {
            Some(start) => start.trim_start().to_owned(),
            None => line.trim_start().to_owned() + "\n",
        });
        lines.collect()
    };
    sources()
        .iter()
        .map(|source| joined(&source.text))
        .collect()
}

#[test]
fn the_version_of_rust_is_that_of_the_manifest() {
    let manifest = std::fs::read_to_string(format!("{ROOT}/Cargo.toml")).unwrap();
    let version = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "))
        .expect("the manifest names a version");
    let words = format!("Rust {} or later", version.trim_matches('"'));
    assert!(Page::read(FRONT).text.contains(&words), "{words}");
}

fn names(path: &str, header: &str) -> Vec<String> {
    names_in(&table(&Page::read(path).text, header))
}

/// All names in the first column.
fn names_in(rows: &[Vec<String>]) -> Vec<String> {
    rows.iter()
        .flat_map(|row| in_backticks(&row[0]).map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// The keys of an object, in the order in which it is written.
fn keys(object: &impl Serialize) -> Vec<String> {
    let json = serde_json::to_string_pretty(object).unwrap();
    let members = json.lines().filter_map(|line| line.strip_prefix("  \""));
    members
        .filter_map(|line| line.split_once("\": ").map(|(key, _)| key.to_owned()))
        .collect()
}
