//! The JSON output and the summary file of runs that end early, or cannot begin.

use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Customers, End, Reply, Scenario};

const FLAGS: [&str; 4] = ["--output-format", "json", "--summary-file", "told.json"];

fn scenario() -> Scenario {
    Scenario::new()
        .csv(&Customers::in_turn(3, 1, 5))
        .sandbox(|_| {})
        .flags(FLAGS)
}

/// The JSON on stdout, after a check that the summary file has the same.
fn told(scenario: &Scenario, end: &End) -> Value {
    let printed: Value =
        serde_json::from_str(&end.stdout).unwrap_or_else(|_| panic!("no JSON: {}", end.stdout));
    let file = scenario
        .read("told.json")
        .expect("the summary file is there");
    assert_eq!(
        printed,
        serde_json::from_slice::<Value>(&file).expect("it is JSON")
    );
    let mode = std::fs::metadata(scenario.path("told.json"))
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o600);
    printed
}

/// Checks the JSON of a run or check that ends early.
fn ends_early(scenario: &Scenario, end: End, exit: i32, message: &str) -> Value {
    let end = end.exits(exit);
    let told = told(scenario, &end);
    assert_eq!(told["exit_code"], exit, "{told}");
    let said = told["error_message"].as_str().expect("a message");
    assert!(
        said.contains(message) && end.stderr.contains(said),
        "{told}, but stderr has {}",
        end.stderr
    );
    told
}

#[test]
fn an_end_before_the_run_is_reported_in_json() {
    let usage = scenario();
    ends_early(
        &usage,
        usage.run(["--raet", "1/s"]),
        2,
        "unexpected argument '--raet'",
    );
    let setting = scenario();
    let told = ends_early(
        &setting,
        setting.run(["--rate", "50"]),
        2,
        "--rate: `50` has no unit",
    );
    assert_eq!(
        (&told["command"], &told["inputs"][0], &told["run_dir"]),
        (&"run".into(), &"customers.csv".into(), &"run".into())
    );
    let missing = scenario().input("missing.csv");
    ends_early(&missing, missing.check([]), 2, "missing.csv");
    let config = scenario().file("custsync.toml", "rate = ");
    ends_early(&config, config.run([]), 2, "custsync.toml:1");

    let another = scenario();
    another.run([]).exits(0);
    ends_early(
        &another,
        another.run(["--empty", "null"]),
        5,
        "holds a run with another empty",
    );
    another.edit("customers.csv", |bytes| bytes.extend_from_slice(b"\n"));
    another.write(
        "customers.csv",
        String::from_utf8(another.read("customers.csv").unwrap())
            .unwrap()
            .replace("\n1,", "\n9,"),
    );
    ends_early(
        &another,
        another.run([]),
        5,
        "the input is not the one that was sent before",
    );
}

#[test]
fn an_end_by_a_signal_before_the_run_is_reported_in_json() {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(3, 1, 3))
        .flags(FLAGS)
        .sandbox(|options| {
            options.latency = "40s".parse().expect("a time");
        });
    let first = scenario
        .start([])
        .until("a request", |scenario| scenario.counts().requests > 0);
    let second = scenario
        .start(["--lock-wait", "1h"])
        .until_it_says("waiting for its end");
    ends_early(
        &scenario,
        second.signal(Signal::HUP).end(),
        129,
        "hung up; nothing was sent",
    );
    first.signal(Signal::KILL).end().exits(137);
}

#[test]
fn an_end_with_a_summary_is_reported_in_it() {
    let good = scenario();
    let end = good.run([]).exits(0);
    assert_eq!(told(&good, &end), end.summary());
    assert_eq!(end.summary().get("error_message"), None);
    let refused = Scenario::new()
        .csv(&Customers::in_turn(3, 1, 5))
        .flags(FLAGS)
        .server(|_| Reply::error(401, "no"));
    let summary = ends_early(&refused, refused.run([]), 3, "the API refuses the token");
    assert_eq!(summary["unsent"], 3, "{summary}");
    let broken = scenario().file("b.csv", "id,job\n1,\"x\n");
    ends_early(&broken, broken.check([]), 2, "b.csv");
    let limited = scenario().file("b.csv", "id,job\nx,a\n");
    ends_early(
        &limited,
        limited.check(["--max-errors", "0"]),
        6,
        "1 of 4 rows ended badly",
    );
}

#[test]
fn a_summary_file_that_cannot_be_written_is_reported_and_changes_no_exit_code() {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(3, 1, 5))
        .sandbox(|_| {});
    let end = scenario
        .run(["--summary-file", "missing/told.json"])
        .exits(0)
        .counts([3, 0, 0, 0, 0]);
    end.says("error: the summary file missing/told.json cannot be written (--summary-file): No such file");
    scenario
        .run(["--summary-file", "missing/told.json", "--rate", "50"])
        .exits(2)
        .says("cannot be written");
}

#[test]
fn bad_rows_have_the_exit_code_that_is_asked_for() {
    let rows = || {
        Scenario::new()
            .file("a.csv", "id,job\n1,a\nx,b\n")
            .sandbox(|_| {})
    };
    for (asked, code) in [("0", 0), ("1", 1), ("10", 10)] {
        let check = rows().check(["--bad-rows-exit", asked]).exits(code);
        assert_eq!(
            (&check.summary()["exit_code"], &check.summary()["invalid"]),
            (&code.into(), &1.into())
        );
        let scenario = rows();
        scenario
            .run(["--bad-rows-exit", asked])
            .exits(code)
            .counts([1, 1, 0, 0, 0]);
        // The run itself is finished, whatever the exit code: a start without a directory does not
        // continue it.
        assert_eq!(
            scenario
                .run([])
                .exits(1)
                .counts([1, 1, 0, 0, 0])
                .results()
                .lines
                .len(),
            2
        );
    }
    rows()
        .run(["--bad-rows-exit", "0", "--max-errors", "0"])
        .exits(6);
    rows()
        .run(["--bad-rows-exit", "4"])
        .exits(2)
        .says("--bad-rows-exit: exit code 4 has another meaning");
    let settled = rows();
    let begins = [
        "run",
        "a.csv",
        "--base-url",
        &settled.url().expect("a sandbox has a URL"),
    ]
    .map(str::to_owned);
    let words = || {
        begins
            .iter()
            .map(String::as_str)
            .chain(["--max-errors", "none", "--bad-rows-exit", "10"])
    };
    settled.start_words(words()).end().exits(10);
    settled
        .start_words(words())
        .end()
        .exits(10)
        .is_not_shown("continuing the unfinished run");
}
