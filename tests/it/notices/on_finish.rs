//! The command at the end.

use std::collections::BTreeMap;

use rustix::process::Signal;

use super::{bad, good};
use crate::harness::{Receiver, Scenario};

const PROGRAM: &str = env!("CARGO_BIN_EXE_custsync");

/// The variables that the command wrote to the file `env`.
fn environment(scenario: &Scenario) -> BTreeMap<String, String> {
    let env = scenario.read("env").expect("the command was run");
    let env = String::from_utf8(env).expect("UTF-8");
    let variables = env.lines().filter_map(|line| line.split_once('='));
    variables
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn the_command_gets_the_end_and_no_secret() {
    let (monitor, gateway) = (Receiver::good(), Receiver::good());
    let mut scenario = bad()
        .variable("CUSTSYNC_METRICS_PUSH", &gateway.url())
        .variable("CUSTSYNC_PING_URL", &monitor.url())
        .variable("CUSTSYNC_NOTIFY_URL", &monitor.url())
        .variable("CUSTSYNC_RATE", "unlimited");
    scenario.set_variable("CUSTSYNC_ON_FINISH", "env >env; echo heard; exit 7");
    let end = scenario
        .run([])
        .exits(1)
        .says("heard")
        .says("warning: the command of --on-finish: it ended with exit status: 7");
    assert!(!end.stdout.contains("heard"));
    let env = environment(&scenario);
    let run = scenario.path("run").canonicalize().unwrap();
    for (name, want) in [
        ("COMMAND", "run"),
        ("EXIT_CODE", "1"),
        ("RUN_DIR", run.to_str().unwrap()),
        ("SUMMARY", run.join("summary.json").to_str().unwrap()),
        ("VERDICT", end.summary()["verdict"].as_str().unwrap()),
        ("ROWS_READ", "2"),
        ("ROWS_UPDATED", "1"),
        ("ROWS_INVALID", "1"),
        ("ROWS_UNSENT", "0"),
    ] {
        assert_eq!(env[&format!("CUSTSYNC_FINISH_{name}")], want, "{name}");
    }
    assert_eq!(env["CUSTSYNC_RATE"], "unlimited", "other settings stay");
    for name in [
        "TOKEN",
        "METRICS_PUSH",
        "PING_URL",
        "NOTIFY_URL",
        "ON_FINISH",
    ] {
        assert_eq!(env.get(&format!("CUSTSYNC_{name}")), None, "{name}");
    }
    let all = String::from_utf8(scenario.read("env").unwrap()).unwrap();
    assert!(!all.contains(&scenario.secret().unwrap()) && !all.contains(Receiver::secret()));
    // The others were told before.
    assert_eq!(monitor.heard(), ["GET /start", "GET /1", "POST"]);
}

#[test]
fn the_metrics_are_complete_before_anyone_is_told() {
    let all = Receiver::good();
    let mut scenario = bad()
        .variable("CUSTSYNC_METRICS_PUSH", &all.url())
        .variable("CUSTSYNC_PING_URL", &all.url())
        .variable("CUSTSYNC_NOTIFY_URL", &all.url())
        .flags(["--metrics-file", "custsync.prom"]);
    scenario.set_variable("CUSTSYNC_ON_FINISH", "grep ^custsync_exit_code *.prom");
    scenario.run([]).exits(1).says("custsync_exit_code 1");
    let heard = all.heard();
    assert_eq!(heard[heard.len() - 3..], ["PUT", "GET /1", "POST"]);
}

#[test]
fn the_command_may_call_custsync_on_the_same_directory() {
    let scenario = good().token_in_file().unlimited();
    let url = scenario.url().unwrap();
    let again = format!(
        "{PROGRAM} run customers.csv --null-string NULL --token-file token --base-url {url} --run-dir \"$CUSTSYNC_FINISH_RUN_DIR\" && {PROGRAM} check customers.csv --null-string NULL"
    );
    let end = scenario
        .run(["--max-rows", "1", "--on-finish", &again])
        .exits(0);
    assert_eq!(end.lines_with("warning"), 0, "{}", end.stderr);
    end.counts([3, 0, 0, 0, 0]);
}

#[test]
fn such_a_command_starts_no_further_one() {
    let scenario = good();
    let line = format!("{PROGRAM} check customers.csv --null-string NULL --run-dir other");
    scenario.write("custsync.toml", format!("on-finish = {line:?}"));
    let end = scenario.check([]).exits(0);
    let end = end.says("the command of --on-finish: it is not run within a command of --on-finish");
    assert_eq!(end.lines_with("not run within"), 1);
    assert!(scenario.read("other/summary.json").is_some());
}

#[test]
fn an_early_end_runs_the_command() {
    let scenario = good().flags(["--on-finish", "env >env"]);
    for arguments in [["--rate", "50"], ["--raet", "1/s"]] {
        scenario.write("env", "");
        scenario.run(arguments).exits(2);
        let env = environment(&scenario);
        assert_eq!(env["CUSTSYNC_FINISH_EXIT_CODE"], "2");
        for name in ["RUN_DIR", "SUMMARY", "ROWS_UPDATED"] {
            assert_eq!(env[&format!("CUSTSYNC_FINISH_{name}")], "", "{name}");
        }
    }
}

#[test]
fn a_signal_ends_the_command_and_not_the_exit_code() {
    let scenario = bad();
    // The next command, which is printed before, holds these words as they are typed.
    let running = scenario.start(["--on-finish", "echo be\"\"gun; sleep 600"]);
    let running = running.until_it_says("begun");
    let end = running.signal(Signal::TERM).end().exits(1);
    end.says("warning: the command of --on-finish: it was killed, because a signal came");
}
