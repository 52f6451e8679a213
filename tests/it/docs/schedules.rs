//! The scheduled jobs of the page about operations and of `deploy/` can be started.

use std::fs;
use std::path::Path;
use std::process::Command;

use custsync::testing::cli::args::Args;
use custsync::testing::config::Settings;
use custsync::testing::process::exit::Exit;

use super::blocks::Block;
use super::pages::{Page, ROOT};

const CRON_JOB: &str = "deploy/kubernetes/base/cronjob.yaml";
const IMPORT: &str = "deploy/kubernetes/overlays/indexed/import.yaml";
const REPORT: &str = "deploy/kubernetes/overlays/indexed/report.yaml";
const STACK: &str = "deploy/swarm/stack.yml";
const SETTINGS: &str = "deploy/kubernetes/base/custsync.toml";

/// The value of each line of a file that begins with this key: a list in JSON's form.
fn lists(file: &str, key: &str) -> Vec<Vec<serde_json::Value>> {
    let text = fs::read_to_string(Path::new(ROOT).join(file)).expect("the file is there");
    let found = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix(key))
        .map(|list| serde_json::from_str(list).expect("a list in JSON's form"))
        .collect::<Vec<_>>();
    assert!(!found.is_empty(), "{file} has {key}");
    found
}

/// The exit codes that the rules of a manifest's failure policy name, rule by rule.
fn exit_codes(file: &str) -> Vec<Vec<u64>> {
    let lists = lists(file, "values: ").into_iter();
    let numbers = |list: Vec<serde_json::Value>| {
        let numbers = list.iter().map(|code| code.as_u64().expect("a number"));
        numbers.collect()
    };
    lists.map(numbers).collect()
}

fn codes(exits: &[Exit]) -> Vec<u64> {
    exits.iter().map(|exit| exit.code().into()).collect()
}

/// The command line of a manifest, which stands behind this key.
fn command_line(file: &str, key: &str) -> Args {
    let lists = lists(file, key);
    let [arguments] = &lists[..] else {
        panic!("{file} has one {key}")
    };
    let arguments = arguments
        .iter()
        .map(|argument| argument.as_str().expect("a text").to_owned());
    let arguments: Vec<_> = ["custsync".to_owned()]
        .into_iter()
        .chain(arguments)
        .collect();
    Args::parse_from(&arguments, "").unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn the_manifests_can_be_started() {
    // The settings of the manifests' file name the token; they are read below.
    let token = ("CUSTSYNC_TOKEN_FILE", "/run/secrets/custsync/token");
    let of_a_task = [("JOB_COMPLETION_INDEX", "0"), ("CUSTSYNC_SHARDS", "4")];
    for (file, key, variables) in [
        (CRON_JOB, "args: ", [].as_slice()),
        (IMPORT, "args: ", &[("JOB_COMPLETION_INDEX", "3")]),
        (STACK, "command: ", &of_a_task),
    ] {
        let args = command_line(file, key);
        let variables = std::iter::once(&token)
            .chain(variables)
            .map(|(name, value)| ((*name).into(), (*value).into()));
        Settings::resolve(args.cli_input(), variables, None)
            .unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    command_line(REPORT, "args: ");

    let output = Command::new(env!("CARGO_BIN_EXE_custsync"))
        .args(["config", "--config", SETTINGS])
        .env_clear()
        .current_dir(ROOT)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{SETTINGS}: {said}");
}

/// A new exit code has to be thought of here.
#[test]
fn the_manifests_know_what_each_exit_code_asks_for() {
    let settled = [
        Exit::SomeRowsFailed,
        Exit::Unusable,
        Exit::Refused,
        Exit::RunDirectory,
        Exit::LimitReached,
    ];
    assert_eq!(exit_codes(CRON_JOB), [codes(&settled)]);
    assert_eq!(
        exit_codes(IMPORT),
        [
            codes(&[Exit::Unusable, Exit::Refused]),
            codes(&[Exit::SomeRowsFailed, Exit::RunDirectory, Exit::LimitReached]),
        ]
    );
    assert_eq!(
        exit_codes(REPORT),
        [codes(&[Exit::SomeRowsFailed, Exit::Unusable])]
    );
}

#[test]
fn the_scheduled_jobs_of_the_page_can_be_started() {
    let page = Page::read("docs/operations.md");
    let crontabs: Vec<Block> = page
        .blocks()
        .into_iter()
        .filter(|block| block.language == "crontab")
        .collect();
    let [nightly, cleaning] = &crontabs[..] else {
        panic!("a crontab for the night, and one for old run directories")
    };
    let script = nightly
        .body
        .trim_end()
        .rsplit(' ')
        .next()
        .expect("the line ends in a script");
    assert!(
        page.blocks()
            .iter()
            .any(|block| block.file.as_deref() == Some(script)),
        "{script} is shown"
    );
    let (_, command) = cleaning
        .body
        .lines()
        .next()
        .and_then(|line| line.split_once("-exec "))
        .expect("find runs a command");
    let words = command
        .strip_suffix(" {} +")
        .expect("for all directories")
        .split(' ')
        .map(str::to_owned)
        .chain(["runs/november".to_owned()]);
    Args::parse_from(words.collect::<Vec<_>>(), "").expect("the command can be read");
}
