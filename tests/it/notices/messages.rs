//! Messages about ends.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{bad, good};
use crate::harness::{End, Received, Receiver, Scenario};
use crate::schemas::{NOTICE, keeps, validator};

/// The messages about one command.
fn messages(scenario: Scenario, command: impl Fn(&Scenario) -> End, code: i32) -> Vec<Value> {
    let chat = Receiver::good();
    let scenario = scenario.variable("CUSTSYNC_NOTIFY_URL", &chat.url());
    let end = command(&scenario).exits(code);
    end.is_nowhere(Receiver::secret());
    let received = chat.received();
    received.iter().map(Received::json).collect()
}

#[test]
fn the_ends_that_are_asked_for_are_told() {
    let check = |on: &str, scenario: Scenario, arguments: &[&str], code: i32, want: usize| {
        let command = |scenario: &Scenario| {
            let url = scenario.url().expect("a sandbox has a URL");
            let words = ["run", "a.csv", "--run-dir", "run", "--base-url", &url];
            let words = words.into_iter().chain(["--notify-on", on]);
            scenario
                .start_words(words.chain(arguments.iter().copied()))
                .end()
        };
        let found = messages(scenario, command, code);
        assert_eq!(found.len(), want, "{on} {arguments:?}");
        let validator = validator(NOTICE);
        for message in &found {
            keeps(&validator, message);
            assert_eq!(message["exit_code"], code);
        }
    };
    let fine = || {
        Scenario::new()
            .file("a.csv", "id,job\n1,a\n")
            .sandbox(|_| {})
    };
    check("always", fine(), &[], 0, 1);
    check("bad", fine(), &[], 0, 0);
    check("stopped", fine(), &[], 0, 0);
    check("bad", bad(), &[], 1, 1);
    check("stopped", bad(), &[], 1, 0);
    // Bad rows are bad, whatever the exit code for them.
    check("bad", bad(), &["--bad-rows-exit", "0"], 0, 1);
    check("stopped", bad(), &["--max-errors", "0"], 6, 1);
    check("stopped", bad(), &["--rate", "50"], 2, 1);
    check("stopped", bad(), &["--raet"], 2, 1);
    // The default.
    assert_eq!(messages(good(), |run| run.run([]), 0).len(), 0);
    assert_eq!(messages(bad(), |run| run.run([]), 1).len(), 1);
    assert_eq!(messages(bad(), |run| run.check([]), 1).len(), 1);
}

#[test]
fn a_message_has_the_figures_of_the_summary() {
    let chat = Receiver::good();
    let scenario = bad().variable("CUSTSYNC_NOTIFY_URL", &chat.url());
    let summary = scenario.run([]).exits(1).summary();
    let message = chat.received()[0].json();
    for name in [
        "version",
        "command",
        "verdict",
        "exit_code",
        "inputs",
        "run_dir",
        "reasons",
        "next_steps",
        "started",
        "ended",
    ] {
        assert_eq!(message[name], summary[name], "{name}");
    }
    let counts = message["counts"].as_object().expect("it has counts");
    for (name, rows) in counts {
        assert_eq!(
            rows.as_u64(),
            Some(summary[name].as_u64().unwrap_or(0)),
            "{name}"
        );
    }
    assert_eq!(counts["records"], 2);
    // The check of the same rows.
    scenario.custsync(["check", "a.csv"]).exits(1);
    let message = chat.received()[1].json();
    assert_eq!(message["command"], "check");
    assert_eq!(message["counts"]["valid"], 1);
}

#[test]
fn a_chat_gets_the_verdict_and_the_next_command() {
    let scenario = Scenario::new()
        .file("a<b>&c.csv", "id,job\n1,a\nx,b\n")
        .sandbox(|_| {})
        .flags(["--notify-format", "slack"]);
    let found = messages(scenario, |run| run.run([]), 1);
    let text = found[0]["text"].as_str().expect("a text");
    assert_eq!(found[0], json!({ "text": text }));
    let verdict = "custsync run a&lt;b&gt;&amp;c.csv: 1 of 2 rows updated in ";
    assert!(text.starts_with(verdict), "{text}");
    assert!(
        text.contains("\nCorrect run/failed.csv and run it:\n"),
        "{text}"
    );
    assert!(text.contains("\nrecorded in run"), "{text}");
    assert!(!text.contains(['<', '>']), "{text}");
}

#[test]
fn an_early_end_is_told_without_what_was_typed() {
    let early = |arguments: &'static [&str]| {
        let command = |scenario: &Scenario| {
            let words = ["run", "customers.csv"];
            let words = words.into_iter().chain(arguments.iter().copied());
            scenario.start_words(words).end()
        };
        let found = messages(good(), command, 2);
        keeps(&validator(NOTICE), &found[0]);
        found[0].clone()
    };
    let missing = early(&["missing.csv", "--token-file", "missing"]);
    let reason = missing["reasons"][0].as_str().expect("a reason");
    assert!(reason.starts_with("missing.csv"), "{missing}");
    assert_eq!(
        missing["verdict"],
        "custsync run could not begin, or broke off (exit code 2)."
    );
    assert_eq!(
        (&missing["counts"], &missing["started"]),
        (&Value::Null, &Value::Null)
    );
    // A setting may hold a customer's value.
    let settings = early(&["--set", "canary@example.com"]);
    let usage = early(&["--undoable=canary@example.com"]);
    for told in [settings, usage] {
        let want = "The command line or the settings cannot be used; standard error says why.";
        assert_eq!(told["reasons"], json!([want]));
        assert!(!told.to_string().contains("canary"), "{told}");
    }
    // The command with such a value is not kept.
    let set = |run: &Scenario| run.run(["--set", "gender=male"]);
    let told = messages(bad(), set, 1);
    assert!(!told[0].to_string().contains("gender"), "{}", told[0]);
}

#[test]
fn a_stop_by_a_signal_is_told() {
    let slow = Scenario::new()
        .file("a.csv", "id,job\n1,a\n")
        .flags(["--grace", "0s"])
        .sandbox(|options| options.latency = "40s".parse().expect("a time"));
    let stopped = |run: &Scenario| {
        let running = run.start([]);
        let running = running.until("a request", |run| run.counts().requests > 0);
        running.signal(Signal::INT).end()
    };
    let found = messages(slow, stopped, 130);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0]["exit_code"], &found[0]["counts"]["unsent"]),
        (&json!(130), &json!(1))
    );
}
