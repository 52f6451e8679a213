//! Starts in special situations: a file by two names, another process, a wait that the API named, a
//! name that is too long.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::json;

use crate::harness::{Reply, Scenario};

const ROWS: &str = "id,job\n1,Nurse\n2,Baker\n3,Cook\n";

#[test]
fn one_file_by_several_names_is_read_once() {
    let scenario = Scenario::new().sandbox(|_| {});
    fs::create_dir(scenario.path("in")).unwrap();
    for (name, content) in [("in/a.csv", ROWS), ("in/c.csv", "id,job\n7,Nurse\n")] {
        scenario.write(name, content);
    }
    symlink(scenario.path("in/a.csv"), scenario.path("link.csv")).unwrap();
    fs::hard_link(scenario.path("in/a.csv"), scenario.path("hard.csv")).unwrap();
    let absolute = scenario.path("in/a.csv").to_str().unwrap().to_owned();
    let url = scenario.url().unwrap();
    let mut sent = 0;
    for (again, says) in [
        ("in/a.csv", "in/a.csv is given twice: read once"),
        ("./in/a.csv", "in/a.csv is given twice: read once"),
        (&absolute, "a.csv is the same file as in/a.csv: read once"),
        (
            "link.csv",
            "link.csv is the same file as in/a.csv: read once",
        ),
        (
            "hard.csv",
            "hard.csv is the same file as in/a.csv: read once",
        ),
        ("in/*.csv", "in/a.csv is given twice: read once"),
        ("in", "in/a.csv is given twice: read once"),
    ] {
        let run_dir = format!("run-{sent}");
        let end = scenario
            .custsync([
                "run",
                "in/a.csv",
                again,
                "--base-url",
                &url,
                "--run-dir",
                &run_dir,
            ])
            .exits(0);
        let rows = if again.starts_with("in") && !again.contains("a.csv") {
            4
        } else {
            3
        };
        sent += rows;
        assert_eq!(scenario.counts().applied, sent, "{again}");
        end.says(says)
            .prints(&format!("records  {rows} = {rows} updated\n"));
    }
    // A copy is another file.
    scenario.write("copy.csv", ROWS);
    scenario
        .custsync([
            "run",
            "in/a.csv",
            "copy.csv",
            "--base-url",
            &url,
            "--run-dir",
            "copy",
        ])
        .exits(0);
    assert_eq!(scenario.counts().applied, sent + 6);
}

#[test]
fn standard_input_is_read_once() {
    let scenario = Scenario::new().stdin(ROWS).input("-");
    scenario
        .check([])
        .exits(0)
        .says("standard input is given twice: read once")
        .prints("records  3 = 3 valid\n");
}

#[test]
fn an_input_restored_under_another_name_and_inode_continues() {
    let scenario = Scenario::new().file("a.csv", ROWS).sandbox(|_| {});
    scenario.run(["--max-rows", "1"]).exits(0);
    let content = scenario.read("a.csv").unwrap();
    fs::remove_file(scenario.path("a.csv")).unwrap();
    scenario.write("another", "so that the inode is not free");
    fs::create_dir(scenario.path("restored")).unwrap();
    scenario.write("restored/b.csv", content);
    let url = scenario.url().unwrap();
    let end = scenario
        .custsync([
            "run",
            "restored/b.csv",
            "--base-url",
            &url,
            "--run-dir",
            "run",
        ])
        .exits(0);
    end.says("the input a.csv is now named restored/b.csv")
        .counts([3, 0, 0, 0, 0]);
    assert_eq!(scenario.counts().requests, 3);
}

#[test]
fn an_address_written_otherwise_is_the_same() {
    let scenario = Scenario::new().file("a.csv", ROWS).sandbox(|_| {});
    scenario.run([]).exits(0);
    let url = scenario.url().unwrap();
    let other = format!("{}/", url.replace("http:", "HTTP:"));
    scenario
        .custsync(["run", "a.csv", "--base-url", &other, "--run-dir", "run", "--trim"])
        .exits(5)
        .says("the run directory run holds a run with another trim (`false`, now `true`): use the same value");
    scenario
        .custsync(["run", "a.csv", "--base-url", &other, "--run-dir", "run"])
        .exits(0);
    let refused = scenario
        .custsync([
            "run",
            "a.csv",
            "--base-url",
            "http://127.0.0.1:1/v2",
            "--run-dir",
            "run",
        ])
        .exits(5);
    refused.says(&format!(
        "another base-url (`{url}/`, now `http://127.0.0.1:1/v2/`)"
    ));
    assert_eq!(scenario.counts().requests, 3);
}

#[test]
fn a_switch_that_is_1_is_on() {
    let scenario = Scenario::new()
        .file("a.csv", ROWS)
        .sandbox(|_| {})
        .variable("CUSTSYNC_TRIM", "1");
    scenario.run([]).exits(0);
    scenario.run(["--trim"]).exits(0);
}

#[test]
fn another_process_is_waited_for_as_long_as_asked() {
    let scenario = Scenario::new()
        .file("a.csv", ROWS)
        .sandbox(|options| options.latency = "1s".parse().unwrap());
    let scenario = scenario.flags(["--max-in-flight", "1", "--rate", "unlimited"]);
    let first = scenario
        .start([])
        .until("requests", |scenario| scenario.counts().requests >= 1);
    let began = Instant::now();
    let end = scenario
        .run(["--lock-wait", "300ms"])
        .exits(5)
        .says("another process is at work in the run directory run");
    assert!(
        began.elapsed() >= Duration::from_millis(300),
        "{:?}",
        began.elapsed()
    );
    assert!(
        end.stderr.contains("waiting for its end, at most 300ms"),
        "{}",
        end.stderr
    );
    let second = scenario.start(["--lock-wait", "1m"]);
    first.end().exits(0);
    second.end().exits(0).counts([3, 0, 0, 0, 0]);
    assert_eq!(scenario.counts().requests, 3);
    scenario
        .run(["--lock-wait", "25h"])
        .exits(2)
        .says("--lock-wait: `25h` is out of range: at least 0ms and at most 24h");
}

/// A server that answers the second customer's first update with 429 and this wait, and later ones
/// with success.
fn with_a_wait(seconds: u64) -> (Scenario, Arc<AtomicU64>) {
    let wait = Arc::new(AtomicU64::new(seconds));
    let named = wait.clone();
    let scenario = Scenario::new().file("a.csv", ROWS).server(move |request| {
        match named.load(Ordering::Relaxed) {
            seconds if request.id() == 2 && seconds > 0 => {
                let body = json!({"error": "too_many", "message": "As scripted."}).to_string();
                Reply::of(
                    429,
                    &format!("retry-after: {seconds}\r\n"),
                    "application/json",
                    body.as_bytes(),
                )
            }
            _ => Reply::updated(),
        }
    });
    (
        scenario.flags(["--max-in-flight", "1", "--rate", "unlimited"]),
        wait,
    )
}

#[test]
fn nothing_is_sent_before_the_time_that_the_api_named() {
    let (scenario, wait) = with_a_wait(3_000);
    let before = Timestamp::now();
    let end = scenario.run([]).exits(4).counts([1, 0, 0, 0, 2]);
    let facts = end.results().facts;
    let until: Timestamp = facts.last().expect("a last line")["until"]
        .as_str()
        .expect("a time")
        .parse()
        .unwrap();
    let named = until.duration_since(before).as_secs();
    assert!((2_999..=3_010).contains(&named), "{named} s");
    wait.store(0, Ordering::Relaxed);
    let requests = scenario.requests().len();
    let again = scenario.run([]).exits(4).says(&format!(
        "asked to wait until {}",
        until.strftime("%Y-%m-%d %H:%M:%S")
    ));
    assert!(
        again.stderr.contains("nothing was sent"),
        "{}",
        again.stderr
    );
    assert_eq!(scenario.requests().len(), requests);
    assert!(
        again.results().facts.last() == facts.last(),
        "the next start still knows it"
    );
    scenario
        .run(["--ignore-until"])
        .exits(0)
        .counts([3, 0, 0, 0, 0]);
    // A run that is finished has nothing to wait for.
    scenario.run([]).exits(0);
}

#[test]
fn a_wait_that_is_short_enough_is_waited_for() {
    let (scenario, wait) = with_a_wait(4);
    scenario.run(["--max-wait", "1s"]).exits(4);
    wait.store(0, Ordering::Relaxed);
    let requests = scenario.requests().len();
    let began = Instant::now();
    let end = scenario
        .run(["--max-wait", "1m"])
        .exits(0)
        .counts([3, 0, 0, 0, 0]);
    // The first process took less than a second of it.
    assert!(
        began.elapsed() >= Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(scenario.requests().len(), requests + 2);
    assert_eq!(end.summary()["sending"]["pauses"], 1);
}

#[test]
fn an_outage_leaves_no_time_to_wait_for() {
    let scenario = Scenario::new()
        .file("a.csv", ROWS)
        .without_listener_at("http://127.0.0.1:1/api");
    let end = scenario.run(["--max-wait", "1s"]).exits(4);
    let facts = end.results().facts;
    assert_eq!(facts.last().expect("a last line")["exit"], 4);
    assert_eq!(facts.last().expect("a last line").get("until"), None);
}

#[test]
fn a_check_says_how_it_ended_too() {
    let end = Scenario::new()
        .file("a.csv", "id,job\nx,Nurse\n")
        .check([])
        .exits(1);
    assert_eq!(end.results().facts.last().expect("a last line")["exit"], 1);
}

#[test]
fn a_long_name_makes_no_directory_that_is_too_long() {
    let name = format!("{}.csv", "\u{e9}a".repeat(80));
    assert!(name.len() > 240);
    let scenario = Scenario::new();
    scenario.write(&name, ROWS);
    scenario.custsync(["check", &name]).exits(0);
}

#[test]
fn the_command_to_continue_stands_before_the_end_of_the_flags() {
    let scenario = Scenario::new()
        .file("a.csv", ROWS)
        .server(|_| Reply::error(401, "invalid_token"));
    let url = scenario.url().unwrap();
    let end = scenario
        .custsync(["run", "--base-url", &url, "--", "a.csv"])
        .exits(3);
    let line = end.next_command();
    assert!(
        line.contains(" run --run-dir custsync-runs/") && line.ends_with(" -- a.csv"),
        "{line}"
    );
    scenario
        .shell(line)
        .exits(3)
        .says("continuing after 0 settled rows");
}

#[test]
fn no_command_is_offered_that_cannot_continue_the_run() {
    let limited = Scenario::new()
        .file("a.csv", "id,job\nx,a\ny,b\nz,c\n")
        .sandbox(|_| {});
    let lost = Scenario::new()
        .file("a.csv", ROWS)
        .server(|_| Reply::of(302, "location: http://x.example/\r\n", "text/html", b""));
    for end in [
        limited.run(["--max-errors", "1"]).exits(6),
        lost.run([]).exits(2),
    ] {
        assert!(
            end.stdout.starts_with("Stopped ") && !end.stdout.contains("To go on:"),
            "{}",
            end.stdout
        );
        assert_eq!(end.summary().get("continue_with"), None);
    }
}

#[test]
fn a_limit_counts_settled_rows_and_not_rows_that_are_sent_again() {
    let scenario = Scenario::new()
        .file("a.csv", "id,job\n1,a\n2,b\n3,c\n4,d\n")
        .flags(["--max-in-flight", "1"])
        .server(|request| {
            if request.id() <= 2 {
                Reply::error(422, "refused")
            } else {
                Reply::updated()
            }
        });
    scenario
        .run(["--max-errors", "1"])
        .exits(6)
        .says("2 of 2 rows ended badly")
        .counts([0, 0, 2, 0, 2]);
    let sent = |scenario: &Scenario| scenario.requests().len();
    assert_eq!(sent(&scenario), 2);
    scenario
        .run(["--max-errors", "1"])
        .exits(6)
        .says("2 of 2 rows ended badly")
        .counts([0, 0, 2, 0, 2]);
    assert_eq!(sent(&scenario), 2, "two are settled, and too many");
    scenario
        .run(["--max-errors", "1", "--retry", "rejected"])
        .exits(6)
        .counts([0, 0, 2, 0, 2]);
    assert_eq!(sent(&scenario), 4, "none is settled that is sent again");
    scenario
        .run(["--max-errors", "2"])
        .exits(1)
        .counts([2, 0, 2, 0, 0]);
    assert_eq!(sent(&scenario), 6);
    scenario
        .run(["--max-errors", "1"])
        .exits(1)
        .counts([2, 0, 2, 0, 0]);
    assert_eq!(
        sent(&scenario),
        6,
        "a run with nothing left to send is not stopped"
    );
}

#[test]
fn if_max_rows_ends_the_reading_there_may_be_more_rows() {
    let scenario = Scenario::new().file("a.csv", ROWS).sandbox(|_| {});
    let url = scenario.url().unwrap();
    let read_to_end = |arguments: [&str; 2]| {
        let run = [
            "run",
            "a.csv",
            "--base-url",
            &url,
            "--fresh",
            "--output-format",
            "json",
        ];
        let run = scenario
            .start_words(run.into_iter().chain(arguments))
            .end()
            .exits(0);
        let run =
            serde_json::from_str::<serde_json::Value>(&run.stdout).unwrap()["read_to_end"].clone();
        let check = scenario
            .custsync([
                "check",
                "a.csv",
                arguments[0],
                arguments[1],
                "--output-format",
                "json",
            ])
            .exits(0);
        let check: serde_json::Value = serde_json::from_str(&check.stdout).unwrap();
        assert_eq!(check["read_to_end"], run);
        run
    };
    assert_eq!(read_to_end(["--max-rows", "1"]), false);
    assert_eq!(read_to_end(["--max-rows", "4"]), true);
    assert_eq!(read_to_end(["--skip-rows", "1"]), true);
}

#[test]
fn rows_that_could_not_be_recorded_are_not_valid() {
    let rows = "x,bad\n".repeat(20_000);
    let scenario = Scenario::new()
        .file("a.csv", format!("id,job\n{rows}"))
        .through("trap '' XFSZ; ulimit -f 8; exec");
    let end = scenario.check(["--output-format", "json"]).exits(5);
    let summary: serde_json::Value = serde_json::from_str(&end.stdout).expect("a summary");
    let count = |name: &str| summary[name].as_u64().unwrap_or_default();
    assert_eq!(count("valid"), 0, "{summary}");
    assert!(count("unrecorded") > 0, "{summary}");
    assert_eq!(
        count("records"),
        count("invalid") + count("unrecorded"),
        "{summary}"
    );
}
