//! `--metrics-file`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;

use super::Samples;
use crate::harness::{Customers, Reply, Scenario};

const FILE: &str = "custsync.prom";
const FLAGS: [&str; 2] = ["--metrics-file", FILE];
const OUTCOMES: [&str; 4] = ["updated", "invalid", "rejected", "failed"];
/// A customer's value, and an id that is no other number of a test.
const PHONE: &str = "+15550142077";
const ID: u64 = 7_654_321;

fn text(scenario: &Scenario) -> String {
    let text = scenario.read(FILE).expect("the file of metrics is there");
    String::from_utf8(text).expect("metrics are text")
}

fn samples(scenario: &Scenario) -> Samples {
    Samples::of(&text(scenario))
}

fn good() -> Scenario {
    Scenario::new()
        .csv(&Customers::in_turn(3, 1, 5))
        .sandbox(|_| {})
        .flags(FLAGS)
}

#[test]
fn the_file_tells_how_a_run_ended_and_no_value() {
    let rows = format!("id,phone_number\n{ID},{PHONE}\n2,{PHONE}\nx,{PHONE}\n3,{PHONE}\n");
    let scenario = Scenario::new()
        .file("canary-input.csv", rows)
        .server(|request| match request.id() {
            2 => Reply::error(422, "bad_phone"),
            _ => Reply::updated(),
        })
        .flags(FLAGS)
        .umask("077");
    let end = scenario.run([]).exits(1).counts([2, 1, 1, 0, 0]);
    let samples = samples(&scenario);
    for name in ["custsync_rows_total", "custsync_run_rows"] {
        assert_eq!(samples.counts(name, "outcome", OUTCOMES), [2, 1, 1, 0]);
    }
    let requests = |code: &str| {
        samples.count(&format!(
            "custsync_requests_total{{method=\"PUT\",code=\"{code}\"}}"
        ))
    };
    assert_eq!((requests("200"), requests("422")), (2, 1));
    let durations = "custsync_request_duration_seconds";
    assert_eq!(samples.count(&format!("{durations}_count")), 3);
    assert_eq!(
        samples.count(&format!("{durations}_bucket{{le=\"+Inf\"}}")),
        3
    );
    assert!(samples.get(&format!("{durations}_sum")).unwrap() > 0.0);
    assert_eq!(samples.count("custsync_exit_code"), 1);
    assert_eq!(samples.count("custsync_running"), 0);
    assert_eq!(samples.count("custsync_requests_in_flight"), 0);
    assert!(samples.count("custsync_requests_in_flight_limit") > 0);
    assert!(samples.count("custsync_bytes_read_total") > 0);
    assert!(samples.count("custsync_last_completion_timestamp_seconds") > 1_700_000_000);
    assert_eq!(samples.get("custsync_last_success_timestamp_seconds"), None);

    let mode = fs::metadata(scenario.path(FILE)).unwrap().permissions();
    assert_eq!(mode.mode() & 0o7777, 0o644, "others read it");
    let secret = scenario.secret().unwrap();
    let url = scenario.url().unwrap();
    let host = url.split('/').nth(2).unwrap();
    for canary in [
        PHONE,
        &ID.to_string(),
        "canary-input",
        &secret,
        host,
        "127.0.0.1",
    ] {
        assert!(!text(&scenario).contains(canary), "{canary} is a metric");
    }
    end.is_not_shown(PHONE);
    // Nothing is left of the file under another name.
    let names = fs::read_dir(scenario.path("")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let own: Vec<_> = names.filter(|name| name.contains(FILE)).collect();
    assert_eq!(own, [FILE]);
}

#[test]
fn counters_are_of_the_process_and_run_rows_of_the_directory() {
    let scenario = good();
    scenario.run(["--max-rows", "2"]).exits(0);
    let first = samples(&scenario);
    let of = |samples: &Samples| {
        ["custsync_rows_total", "custsync_run_rows"]
            .map(|name| samples.counts(name, "outcome", ["updated"])[0])
    };
    assert_eq!(of(&first), [2, 2]);
    let success = "custsync_last_success_timestamp_seconds";
    let succeeded = first.count(success);
    assert_eq!(
        succeeded,
        first.count("custsync_last_completion_timestamp_seconds")
    );
    scenario.run([]).exits(0);
    assert_eq!(of(&samples(&scenario)), [1, 3]);

    // A time that the clock would not say: it is taken over.
    let earlier = format!("{success} 1234567890\n");
    scenario.write(FILE, &earlier);
    let refused = scenario.run(["--empty", "null"]).exits(5);
    refused.says("holds a run with another empty");
    let samples = samples(&scenario);
    assert_eq!(samples.count(success), 1_234_567_890);
    assert_eq!(samples.count("custsync_exit_code"), 5);
    assert_eq!(of(&samples), [0, 0], "it counted nothing");
}

#[test]
fn an_end_before_the_run_is_in_the_file() {
    let ends = |scenario: &Scenario, exit: u64| {
        let samples = samples(scenario);
        assert_eq!(samples.count("custsync_exit_code"), exit);
        assert_eq!(samples.count("custsync_running"), 0);
    };
    let usage = good();
    usage.run(["--raet", "1/s"]).exits(2);
    ends(&usage, 2);
    let setting = good();
    setting.run(["--rate", "50"]).exits(2);
    ends(&setting, 2);
    let missing = good().input("missing.csv");
    missing.run([]).exits(2);
    ends(&missing, 2);
    let refused = Scenario::new()
        .csv(&Customers::in_turn(3, 1, 5))
        .flags(FLAGS)
        .server(|_| Reply::error(401, "no"));
    refused.run([]).exits(3);
    ends(&refused, 3);
}

#[test]
fn a_check_and_a_dry_run_write_no_metrics() {
    let scenario = good();
    scenario
        .check([])
        .exits(0)
        .says("--metrics-file has no effect");
    scenario.run(["--dry-run"]).exits(0);
    assert_eq!(scenario.read(FILE), None);
}

#[test]
fn an_undo_has_metrics() {
    let scenario = Scenario::new()
        .file("jobs.csv", "id,job\n1,a\n2,b\n3,c\n")
        .sandbox(|_| {})
        .flags(FLAGS);
    scenario.run(["--undoable"]).exits(0);
    let reads = "custsync_requests_total{method=\"GET\",code=\"200\"}";
    assert_eq!(samples(&scenario).count(reads), 3, "one for each customer");
    fs::remove_file(scenario.path(FILE)).unwrap();
    scenario.undo(["--dry-run", FLAGS[0], FLAGS[1]]).exits(0);
    assert_eq!(scenario.read(FILE), None, "nothing was sent");
    scenario.undo(FLAGS).exits(0);
    let undone = samples(&scenario);
    assert_eq!(
        undone.counts("custsync_rows_total", "outcome", ["updated"]),
        [3]
    );
    assert_eq!(undone.count("custsync_exit_code"), 0);
}

#[test]
fn a_file_that_cannot_be_written_is_reported_once_and_changes_nothing_else() {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(3, 1, 5))
        .sandbox(|_| {});
    let end = scenario
        .run(["--metrics-file", "missing/custsync.prom"])
        .exits(0)
        .counts([3, 0, 0, 0, 0]);
    assert_eq!(
        end.lines_with("the metrics file missing/custsync.prom cannot be written"),
        1,
        "{}",
        end.stderr
    );
}

#[test]
fn a_request_without_an_answer_is_counted_by_its_cause() {
    let scenario = good().sandbox(|options| {
        options.faults = "blackhole=100%".parse().expect("a fault");
    });
    scenario
        .run([
            "--timeout",
            "100ms",
            "--attempts",
            "1",
            "--max-wait",
            "300ms",
        ])
        .exits(4);
    let timeouts = "custsync_requests_total{method=\"PUT\",code=\"timeout\"}";
    let samples = samples(&scenario);
    assert!(samples.count(timeouts) >= 1);
    assert_eq!(samples.count("custsync_request_duration_seconds_count"), 0);
    assert!(samples.sum("custsync_waiting_seconds_total") > 0.0);
}

#[test]
fn a_run_says_that_it_is_running_until_a_signal_ends_it() {
    let scenario = good().sandbox(|options| {
        options.latency = "40s".parse().expect("a time");
    });
    let run = scenario
        .start(["--grace", "0s"])
        .until("a request", |scenario| scenario.counts().requests > 0);
    let during = samples(&scenario);
    assert!(during.count("custsync_running") > 1_700_000_000);
    assert_eq!(during.get("custsync_exit_code"), None);
    run.signal(Signal::TERM).end().exits(143);
    let after = samples(&scenario);
    assert_eq!(after.count("custsync_running"), 0);
    assert_eq!(after.count("custsync_exit_code"), 143);
    assert!(after.count("custsync_requests_total{method=\"PUT\",code=\"cut_off\"}") >= 1);
}

#[test]
fn a_signal_before_the_run_is_in_the_file() {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(3, 1, 3))
        .sandbox(|options| {
            options.latency = "40s".parse().expect("a time");
        });
    let first = scenario
        .start([])
        .until("a request", |scenario| scenario.counts().requests > 0);
    let second = scenario
        .start(["--lock-wait", "1h", FLAGS[0], FLAGS[1]])
        .until_it_says("waiting for its end");
    second.signal(Signal::HUP).end().exits(129);
    let samples = samples(&scenario);
    assert_eq!(samples.count("custsync_running"), 0);
    assert_eq!(samples.count("custsync_exit_code"), 129);
    first.signal(Signal::KILL).end().exits(137);
}
