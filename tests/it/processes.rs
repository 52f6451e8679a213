//! The processes that worked on a run, as `summary.json` lists them.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Customers, End, Scenario};

const JOURNAL: &str = "run/results.ndjson";

fn scenario(rows: u64) -> Scenario {
    Scenario::new()
        .csv(&Customers::in_turn(rows, 1, 5))
        .sandbox(|options| options.latency = "5ms".parse().expect("a time"))
}

fn processes(end: &End) -> Vec<Value> {
    let summary = end.summary();
    let processes = summary["processes"].as_array().expect("a list").clone();
    assert_eq!(summary["totals"]["processes"], processes.len());
    let rows = processes
        .iter()
        .map(|process| process["rows"].as_u64().unwrap());
    assert_eq!(summary["totals"]["rows"], rows.sum::<u64>());
    processes
}

/// The requests of all processes by their sum.
fn requests(end: &End) -> u64 {
    end.summary()["totals"]["sending"]["requests"]
        .as_u64()
        .expect("a number")
}

#[test]
fn a_later_start_adds_to_what_earlier_ones_did() {
    let scenario = scenario(6);
    let first = scenario.run(["--max-rows", "4"]).exits(0);
    let of_first = processes(&first);
    assert_eq!(of_first.len(), 1);
    assert_eq!(of_first[0]["rows"], 4);
    assert_eq!(of_first[0]["sending"]["requests"], 4);
    assert_eq!(of_first[0]["ended"], first.summary()["ended"]);
    assert_eq!(of_first[0]["started"], first.summary()["started"]);

    let second = scenario.run([]).exits(0);
    let of_second = processes(&second);
    assert_eq!(of_second[0], of_first[0], "nothing of the first is lost");
    assert_eq!(of_second[1]["rows"], 2);
    assert_eq!(requests(&second), 6);
    let latency = &second.summary()["totals"]["sending"]["latency_ms"];
    assert!(
        latency["p99"].as_f64() >= latency["p50"].as_f64() && latency["p50"].as_f64() > Some(4.0)
    );

    let third = scenario.run([]).exits(0);
    assert!(
        third
            .stdout
            .starts_with("Nothing left to send: finished on "),
        "{}",
        third.stdout
    );
    assert_eq!(&processes(&third)[..2], &of_second[..]);
    assert_eq!(
        (requests(&third), &third.summary()["sending"]["requests"]),
        (6, &0.into())
    );
    third.prints("in all   3 starts: 6 requests in ");
}

#[test]
fn the_list_outlasts_a_lost_summary() {
    let scenario = scenario(3);
    let first = scenario.run([]).exits(0);
    fs::remove_file(scenario.path("run/summary.json")).expect("it was written");
    let again = scenario.run([]).exits(0);
    assert_eq!(processes(&again)[0], processes(&first)[0]);
}

#[test]
fn a_killed_process_has_no_end() {
    let scenario = scenario(300);
    let killed = scenario
        .start([])
        .until("some updates", |scenario| scenario.counts().applied > 5);
    killed.signal(Signal::KILL).end().exits(137);
    let end = scenario.run(["--rate", "unlimited"]).exits(0);
    let processes = processes(&end);
    let [killed, second] = &processes[..] else {
        panic!("two processes: {processes:?}");
    };
    for member in ["ended", "exit_code", "seconds", "sending"] {
        assert_eq!(killed[member], Value::Null, "{member}");
    }
    assert!(killed["rows"].as_u64() > Some(0), "{killed}");
    assert_eq!(second["exit_code"], 0);
    assert_eq!(end.summary()["totals"]["processes_unknown"], 1);
    end.prints("2 starts (1 of them without figures): ");
}

#[test]
fn the_exit_code_and_the_end_of_a_stop_are_kept() {
    let scenario = scenario(300);
    let stopped = scenario
        .start([])
        .until("some updates", |scenario| scenario.counts().applied > 5);
    let stopped = stopped.signal(Signal::TERM).end().exits(143);
    let end = scenario.run(["--rate", "unlimited"]).exits(0);
    let (before, after) = (processes(&stopped), processes(&end));
    assert_eq!(before[0], after[0]);
    assert_eq!(after[0]["exit_code"], 143);
    assert_eq!(requests(&end), scenario.counts().requests);
}

#[test]
fn a_directory_of_a_version_that_kept_no_figures_goes_on() {
    let scenario = scenario(3);
    scenario.run(["--max-rows", "1"]).exits(0);
    // That version's last line had no figures.
    scenario.edit(JOURNAL, |journal| {
        let text = String::from_utf8(journal.clone()).expect("results are UTF-8");
        let (before, ended) = text
            .trim_end()
            .rsplit_once('\n')
            .expect("it has several lines");
        let (ended, _) = ended
            .split_once(",\"figures\"")
            .expect("its last line has figures");
        let crc = crate::harness::crc32c(ended.as_bytes());
        *journal = format!("{before}\n{ended},\"crc\":\"{crc:08x}\"}}\n").into_bytes();
    });
    let end = scenario.run([]).exits(0);
    let processes = processes(&end);
    assert_eq!(processes[0]["sending"], Value::Null);
    assert_eq!(processes[0]["exit_code"], 0);
    assert!(processes[0]["ended"].is_string() && processes[0]["seconds"].is_number());
    assert_eq!(end.summary()["totals"]["processes_unknown"], 1);
    assert_eq!(requests(&end), 2);
}

#[test]
fn a_check_has_no_processes() {
    let summary = scenario(3).check([]).exits(0).summary();
    assert!(summary.get("processes").is_none() && summary.get("totals").is_none());
}
