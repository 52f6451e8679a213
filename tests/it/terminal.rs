//! The destination of each output, and the permissions of files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Customers, Scenario};

fn scenario() -> Scenario {
    Scenario::new()
        .csv(&Customers::good(30, 13))
        .unlimited()
        .sandbox(|_| {})
}

#[test]
fn stdout_holds_the_summary_and_stderr_the_log() {
    let scenario = scenario();
    scenario.run([]).exits(0);
    let end = scenario
        .run([])
        .exits(0)
        .says("continuing after 30 settled rows");
    assert!(
        end.stdout.starts_with("Nothing left to send: finished on "),
        "{}",
        end.stdout
    );
    assert!(
        end.stdout.ends_with(
            "files    run/\n         results.ndjson, timeline.ndjson, report.html, summary.json\n"
        ),
        "{}",
        end.stdout
    );
    assert!(!end.stderr.contains("records"), "{}", end.stderr);
}

#[test]
fn quiet_prints_nothing_if_nothing_is_wrong() {
    let scenario = scenario();
    scenario.run([]).exits(0);
    let end = scenario.run(["-q"]).exits(0);
    assert_eq!(end.stderr, "");
    let end = scenario.run(["-q", "--tenant", "7"]).exits(5);
    assert_eq!(
        end.stderr.lines().count(),
        1,
        "but an error is said: {}",
        end.stderr
    );
}

#[test]
fn a_json_log_is_json_to_its_last_line() {
    let scenario = scenario().flags(["--log-format", "json", "-vv"]);
    scenario.run([]).exits(0);
    let says = |stderr: &str, text: &str| {
        let lines: Vec<Value> = stderr
            .lines()
            .map(|line| serde_json::from_str(line).expect(line))
            .collect();
        let said = lines.iter().any(|line| {
            line["fields"]["message"]
                .as_str()
                .is_some_and(|said| said.contains(text))
        });
        assert!(said, "{text:?} is in the log: {stderr}");
    };
    says(
        &scenario.run([]).exits(0).stderr,
        "continuing after 30 settled rows",
    );
    says(
        &scenario.run(["--tenant", "7"]).exits(5).stderr,
        "another tenant (none, now `7`)",
    );
    let none = Scenario::new()
        .input("missing.csv")
        .flags(["--log-format", "json"]);
    says(&none.check([]).exits(2).stderr, "missing.csv: no such file");
    let bad = Scenario::new()
        .file("a.csv", "id,job\n0,x\n0,y\n")
        .flags(["--log-format", "json"]);
    says(
        &bad.check(["--max-errors", "1"]).exits(6).stderr,
        "--max-errors",
    );
}

#[test]
fn without_a_terminal_there_is_no_bar_and_no_colour() {
    let end = scenario().run(["-vv"]).exits(0);
    let is_odd = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');
    assert!(
        !is_odd(&end.stderr) && !is_odd(&end.stdout),
        "{:?}",
        end.stderr
    );
    let colourful = scenario();
    colourful.run([]).exits(0);
    colourful
        .run(["--color", "always"])
        .exits(0)
        .says("\u{1b}[");
}

#[test]
fn no_customer_s_value_is_logged_or_recorded() {
    const FILE: &str = "id,email,first_name,job,date_of_birth,country_id\n\
        1,canary1@example.com,canary2,canary3,,\n2,canary4,,,canary5,canary6\n3,,canary7,,,\ncanary8,,,,,\n9,,canary9\n";
    let scenario = Scenario::new().file("a.csv", FILE).sandbox(|options| {
        options.answers.insert(3, "422".parse().unwrap());
    });
    let end = scenario
        .run(["-vv", "--max-errors", "none"])
        .exits(1)
        .counts([1, 3, 1, 0, 0]);
    end.is_not_shown("canary");
    for name in [
        "report.html",
        "results.ndjson",
        "summary.json",
        "timeline.ndjson",
    ] {
        let text = String::from_utf8_lossy(end.file(name));
        assert!(!text.contains("canary"), "{name}: {text}");
    }
}

#[test]
fn only_the_owner_may_read_a_run_directory_whatever_the_umask() {
    for umask in ["000", "077", "777"] {
        let scenario = Scenario::new()
            .file("a.csv", "id,email\n1,a@example.com\n2,nope\n")
            .umask(umask)
            .sandbox(|_| {});
        let end = scenario.run(["--max-errors", "none"]).exits(1);
        assert_eq!(
            end.files.keys().collect::<Vec<_>>(),
            [
                "failed.csv",
                "key",
                "report.html",
                "results.ndjson",
                "summary.json",
                "timeline.ndjson"
            ]
        );
        owned_alone(&scenario.path("run"));
        scenario.custsync(["check", "a.csv"]).exits(1);
        owned_alone(&scenario.path("custsync-runs"));
    }
}

/// Checks the permissions of the directory and its content: 0700 for directories, 0600 for files.
fn owned_alone(path: &Path) {
    let metadata = fs::metadata(path).unwrap();
    let want = if metadata.is_dir() { 0o700 } else { 0o600 };
    assert_eq!(
        metadata.permissions().mode() & 0o7777,
        want,
        "{}",
        path.display()
    );
    if metadata.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            owned_alone(&entry.unwrap().path());
        }
    }
}

#[test]
fn a_reader_of_stdout_that_has_gone_is_no_reason_to_fail() {
    let scenario = Scenario::new().file("a.csv", "id,job\n1,Nurse\n");
    let end = scenario
        .shell("(custsync check a.csv --run-dir run; echo $? > code) | true")
        .exits(0);
    end.is_not_shown("panicked");
    assert_eq!(scenario.read("code").as_deref(), Some(&b"0\n"[..]));
}
