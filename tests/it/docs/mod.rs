//! The README is correct: its commands are run and their output is compared, and its tables are
//! compared with the program's.

mod blocks;
mod measured;
mod shell;

use std::fs;
use std::path::Path;

use custsync::testing::cli::args::Args;
use custsync::testing::config::Settings;
use custsync::testing::contract::{ErrorCode, FIELDS, FieldSet, NullRule};
use custsync::testing::journal::{Entry, EntryError, Outcome};
use custsync::testing::process::exit::Exit;
use custsync::testing::results::summary::{ErrorGroup, Summary};
use custsync::testing::results::tally::MessageCount;
use serde::Serialize;

use self::blocks::{Block, blocks, in_backticks, table};
use self::measured::masked;
use self::shell::{Reader, text};

const README: &str = include_str!("../../../README.md");

fn blocks_in(language: &str) -> Vec<Block> {
    let found: Vec<_> = blocks(README)
        .into_iter()
        .filter(|block| block.language == language)
        .collect();
    assert!(!found.is_empty(), "the README has blocks of {language}");
    found
}

#[test]
fn every_block_is_run_or_compared() {
    for block in blocks(README) {
        let is_tested = matches!(
            (block.language.as_str(), &block.file),
            ("console" | "crontab" | "yaml", None) | (_, Some(_))
        );
        assert!(
            is_tested,
            "README.md:{}: no test knows what to do with a block of `{}`",
            block.line, block.language
        );
    }
}

#[test]
fn the_commands_print_the_output_that_the_page_shows() {
    let reader = Reader::new();
    let mut wrong = Vec::new();
    for block in blocks(README) {
        match &block.file {
            Some(name) => reader.write(name, &block.body),
            None if block.language == "console" => {
                let printed = reader.type_in(&block);
                if masked(&printed) != masked(&block.body) {
                    wrong.push(format!("README.md:{}: now it is\n{printed}", block.line));
                }
            }
            None => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_sandbox_offers_a_command_that_works() {
    let reader = Reader::new();
    reader.write("customers.csv", "id,job\n7,Nurse\n");
    let printed = reader.serve(|command| {
        let run = reader.shell(command);
        assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        assert!(
            text(&run).contains("updated            1\n"),
            "{}",
            text(&run)
        );
    });
    assert!(
        printed.ends_with("\n1 requests (200: 1), 1 updates applied\n"),
        "{printed}"
    );
}

#[test]
fn the_tests_are_those_of_the_ci() {
    let ci = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/run")).unwrap();
    let commands: Vec<_> = blocks_in("console")
        .iter()
        .flat_map(|block| block.commands().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert!(
        commands.iter().any(|command| command == "cargo test"),
        "the README says how to run the tests"
    );
    assert!(
        ci.lines().any(|line| line == "step cargo test"),
        "the CI runs the same command"
    );
}

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
    assert_eq!(table(README, "| field | value | null allowed |"), want);
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
        names("| code | the value, or the row |"),
        codes.map(|code| code.name().to_owned())
    );
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    assert!(
        README.contains(&Exit::markdown_table()),
        "the README has this table:\n{}",
        Exit::markdown_table()
    );
}

#[test]
fn the_outcomes_are_those_of_the_journal() {
    assert_eq!(
        names("| outcome | means |"),
        Outcome::ALL.map(|outcome| outcome.name().to_owned())
    );
}

#[test]
fn the_keys_are_those_of_the_files() {
    let tables: Vec<_> = README.split("| key | value |").collect();
    assert_eq!(
        tables.len(),
        4,
        "the README has a table of keys for results, the summary and its errors"
    );
    let names = |rest: &str| names_in(&table(&format!("| key | value |{rest}"), "| key | value |"));
    let mut entry_keys = keys(&full_entry());
    // Each line also has its checksum, which is not part of the entry itself.
    entry_keys.push("crc".to_owned());
    assert_eq!(names(tables[1]), entry_keys);
    assert_eq!(names(tables[2]), keys(&full_summary()));
    assert_eq!(names(tables[3]), keys(&full_error_group()));
}

#[test]
fn the_scheduled_jobs_can_be_started() {
    let [yaml] = &blocks_in("yaml")[..] else {
        panic!("one manifest")
    };
    let list = |key: &str| -> Vec<serde_json::Value> {
        let found = yaml
            .body
            .lines()
            .find_map(|line| line.trim().strip_prefix(key));
        serde_json::from_str(found.unwrap_or_else(|| panic!("the manifest has {key}")))
            .expect("a list in JSON's form")
    };
    let arguments = list("args: ")
        .into_iter()
        .map(|argument| argument.as_str().expect("a text").to_owned());
    let arguments: Vec<_> = ["custsync".to_owned()]
        .into_iter()
        .chain(arguments)
        .collect();
    let args = Args::parse_from(&arguments, "").expect("the manifest's command line can be read");
    Settings::resolve(args.cli_input(), [], None).expect("the manifest's settings can be used");
    let fail_the_job = [
        Exit::SomeRowsFailed,
        Exit::Unusable,
        Exit::Refused,
        Exit::RunDirectory,
        Exit::LimitReached,
    ];
    assert_eq!(list("values: "), fail_the_job.map(Exit::code));

    let [cron] = &blocks_in("crontab")[..] else {
        panic!("one crontab")
    };
    let script = cron
        .body
        .trim_end()
        .rsplit(' ')
        .next()
        .expect("the line ends in a script");
    assert!(
        blocks(README)
            .iter()
            .any(|block| block.file.as_deref() == Some(script)),
        "{script} is shown"
    );
}

#[test]
fn linked_files_and_headings_exist() {
    let targets = README
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    let files: Vec<_> = targets
        .filter(|target| !target.starts_with("https://"))
        .collect();
    assert!(!files.is_empty(), "the README links files");
    let anchors: Vec<_> = README
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(anchor)
        .collect();
    for file in files {
        if file.starts_with('#') {
            assert!(
                anchors.iter().any(|anchor| anchor == file),
                "there is no heading for {file}"
            );
            continue;
        }
        assert!(
            Path::new(env!("CARGO_MANIFEST_DIR")).join(file).is_file(),
            "{file}"
        );
    }
}

#[test]
fn the_paths_that_contributors_are_sent_to_exist() {
    const PAGE: &str = include_str!("../../../CONTRIBUTING.md");
    let code = PAGE.split('`').skip(1).step_by(2);
    let is_path = |text: &&str| !text.contains(' ') && text.contains('/');
    let paths: Vec<_> = code.filter(is_path).collect();
    assert!(paths.len() > 30, "the page names files");
    for path in paths {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        assert!(file.exists(), "there is no {path}");
    }
}

/// The anchor of a heading, as Markdown renderers make it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let is_kept = |character: &char| character.is_alphanumeric() || matches!(character, ' ' | '-');
    format!(
        "#{}",
        text.chars()
            .filter(is_kept)
            .collect::<String>()
            .replace(' ', "-")
    )
}

fn names(header: &str) -> Vec<String> {
    names_in(&table(README, header))
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

/// An entry in which no key is left out.
fn full_entry() -> Entry<'static> {
    Entry {
        row: 1,
        line: 2,
        file: Some(1),
        id: Some(7),
        outcome: Outcome::Failed,
        status: Some(503),
        cause: Some("http_503".into()),
        ambiguous: true,
        attempts: Some(5),
        ms: Some(20),
        error: Some("error".into()),
        message: Some("message".into()),
        errors: vec![EntryError {
            field: "email".into(),
            code: None,
            message: "message".into(),
        }],
        fields: FieldSet::ALL,
        overtaken: FieldSet::ALL,
        at: "2026-11-23T09:18:04.113Z".parse().unwrap(),
        hash: 1,
        request: Some(1),
    }
}

/// An entry of the summary's errors in which no key is left out.
fn full_error_group() -> ErrorGroup {
    ErrorGroup {
        outcome: Some("invalid"),
        field: None,
        code: String::new(),
        status: Some(422),
        rows: 1,
        share: 0.1,
        first: Vec::new(),
        messages: vec![MessageCount {
            message: String::new(),
            rows: 1,
        }],
    }
}

/// A summary in which no key is left out.
fn full_summary() -> Summary {
    Summary {
        version: "1",
        command: "run",
        inputs: Vec::new(),
        read_as: Vec::new(),
        input_notes: Vec::new(),
        run_dir: String::new(),
        started: String::new(),
        ended: String::new(),
        seconds: 0.0,
        records: 0,
        read_to_end: true,
        valid: Some(0),
        updated: Some(0),
        invalid: 0,
        rejected: Some(0),
        failed: Some(0),
        superseded: Some(0),
        rare: ["conflict", "elsewhere", "other", "unchanged"]
            .map(|name| (name, 1))
            .into(),
        unsent: Some(0),
        unrecorded: Some(0),
        errors: Vec::new(),
        warnings: Vec::new(),
        dates_normalised: 0,
        fields_left_out: 0,
        fields_overtaken: 0,
        blank_rows: 0,
        sending: Some(custsync::testing::results::summary::SendingSummary {
            requests: 0,
            requests_per_second: 0.0,
            retries: std::collections::BTreeMap::new(),
            pauses: 0,
            paused_s: 0.0,
            outages: 0,
            down_s: 0.0,
            controls: 0,
            token_renewals: 0,
            learned_rate_per_second: Some(48.2),
            learned_in_flight: Some(5),
            in_flight_max: 0,
            held_back_by: std::collections::BTreeMap::new(),
            latency_ms: None,
        }),
        stopped: None,
        continue_with: Some(String::new()),
        continue_by_piping: None,
        error_message: Some(String::new()),
        exit_code: 0,
        files: Vec::new(),
    }
}
