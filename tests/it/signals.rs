//! A run that is stopped by a signal lets requests in flight finish, records them, and can be
//! continued.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{Customers, End, Scenario};

const ROWS: u64 = 60;

fn scenario(latency: &str) -> Scenario {
    Scenario::new()
        .csv(&Customers::in_turn(ROWS, 1, 9))
        .unlimited()
        .sandbox(|options| {
            options.latency = latency.parse().unwrap();
        })
}

/// The end of a run that gets a signal with four requests in flight.
fn stopped_by(scenario: &Scenario, signal: Signal) -> End {
    let running = scenario.start([]).until("requests in flight", |scenario| {
        scenario.counts().requests >= 4
    });
    running.signal(signal).end()
}

fn drains_and_can_be_continued(signal: Signal, code: i32) {
    let scenario = scenario("300ms");
    let end = stopped_by(&scenario, signal).exits(code);
    let requests = scenario.counts().requests;
    assert!((4..ROWS).contains(&requests), "{requests} requests");
    let end = end.counts([requests, 0, 0, 0, ROWS - requests]);
    assert_eq!(
        end.results().lines.len() as u64,
        requests,
        "requests in flight are recorded"
    );
    assert_eq!(end.ledger.len() as u64, requests);

    let end = scenario
        .shell(end.next_command())
        .exits(0)
        .counts([ROWS, 0, 0, 0, 0]);
    assert_eq!(scenario.counts().requests, ROWS, "no row was sent twice");
    end.results().settle_each_of(ROWS as usize);
}

#[test]
fn sigterm_drains_and_the_printed_command_continues() {
    drains_and_can_be_continued(Signal::TERM, 143);
}

#[test]
fn sigint_drains_and_the_printed_command_continues() {
    drains_and_can_be_continued(Signal::INT, 130);
}

#[test]
fn sighup_drains_and_the_printed_command_continues() {
    drains_and_can_be_continued(Signal::HUP, 129);
}

#[test]
fn signals_that_come_together_are_one() {
    // As when a terminal and a parent process both send one.
    let scenario = scenario("300ms");
    let running = scenario.start([]).until("requests in flight", |scenario| {
        scenario.counts().requests >= 4
    });
    let end = running
        .signal(Signal::INT)
        .signal(Signal::TERM)
        .signal(Signal::HUP)
        .end();
    let end = end.exits_with_one_of(&[129, 130, 143]);
    let requests = scenario.counts().requests;
    end.counts([requests, 0, 0, 0, ROWS - requests])
        .is_not_shown("given up");
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    for (name, signal) in [
        ("HUP", Signal::HUP),
        ("INT", Signal::INT),
        ("TERM", Signal::TERM),
    ] {
        let scenario = scenario("20ms").through(&format!("trap '' {name}; exec"));
        let running = scenario.start([]).until("requests in flight", |scenario| {
            scenario.counts().requests >= 1
        });
        running
            .signal(signal)
            .end()
            .exits(0)
            .counts([ROWS, 0, 0, 0, 0]);
    }
}

#[test]
fn the_printed_command_names_a_run_directory_that_was_not_given() {
    let scenario = scenario("300ms");
    let url = scenario.url().expect("a sandbox has a URL");
    scenario.write(
        "it's here.csv",
        scenario.read("customers.csv").expect("the input"),
    );
    let command = [
        "run",
        "it's here.csv",
        "--base-url",
        &url,
        "--null-string",
        "NULL",
    ];
    let running = scenario
        .start_custsync(command)
        .until("requests", |scenario| scenario.counts().requests >= 2);
    let end = running.signal(Signal::TERM).end().exits(143);
    scenario.shell(end.next_command()).exits(0);
    assert_eq!(scenario.counts().requests, ROWS, "no row was sent twice");
}

#[test]
fn a_second_signal_ends_the_run_at_once() {
    let scenario = scenario("40s");
    let started = Instant::now();
    let running = scenario.start([]).until("requests in flight", |scenario| {
        scenario.counts().requests >= 4
    });
    let end = running
        .signal_until_its_end(Signal::TERM)
        .end()
        .exits(143)
        .counts([0, 0, 0, 0, ROWS]);
    end.is_not_shown("given up");
    assert!(
        started.elapsed() >= Duration::from_secs(1),
        "signals within a second are one signal"
    );
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "neither the answers nor --grace were waited for"
    );
}

#[test]
fn requests_that_take_longer_than_the_grace_are_given_up() {
    let scenario = scenario("40s").flags(["--grace", "200ms"]);
    let started = Instant::now();
    stopped_by(&scenario, Signal::TERM)
        .exits(143)
        .counts([0, 0, 0, 0, ROWS]);
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
}
