//! Pings of starts and ends.

use rustix::process::Signal;

use super::{bad, good};
use crate::harness::{Customers, End, Receiver, Reply, Scenario};

const NONE: [&str; 0] = [];

/// Checks the pings of one command.
fn check(scenario: Scenario, command: impl Fn(&Scenario) -> End, code: i32, want: &[&str]) {
    let monitor = Receiver::good();
    let scenario = scenario.variable("CUSTSYNC_PING_URL", &monitor.url());
    let end = command(&scenario).exits(code);
    assert_eq!(monitor.heard(), want, "{}", end.stderr);
    end.is_nowhere(Receiver::secret());
}

/// An API that is down.
fn outage() -> Scenario {
    Scenario::new()
        .csv(&Customers::in_turn(3, 1, 5))
        .flags(["--max-wait", "0s", "--attempts", "1"])
        .server(|_| Reply::error(503, "down"))
}

#[test]
fn the_start_and_the_exit_code_are_pinged() {
    check(good(), |run| run.run([]), 0, &["GET /start", "GET /0"]);
    check(bad(), |run| run.run([]), 1, &["GET /start", "GET /1"]);
    let renamed = |run: &Scenario| run.run(["--bad-rows-exit", "10"]);
    check(bad(), renamed, 10, &["GET /start", "GET /10"]);
    let limit = |run: &Scenario| run.run(["--max-errors", "0"]);
    check(bad(), limit, 6, &["GET /start", "GET /6"]);
    let refused = Scenario::new()
        .csv(&Customers::in_turn(3, 1, 5))
        .server(|_| Reply::error(401, "no"));
    check(refused, |run| run.run([]), 3, &["GET /start", "GET /3"]);
}

#[test]
fn a_run_that_is_continued_is_not_pinged_as_a_start_again() {
    let monitor = Receiver::good();
    let scenario = good().variable("CUSTSYNC_PING_URL", &format!("{}/?rid=1", monitor.url()));
    scenario.run(["--max-rows", "1"]).exits(0);
    scenario.run([]).exits(0).counts([3, 0, 0, 0, 0]);
    let want = ["GET /start?rid=1", "GET /0?rid=1", "GET /0?rid=1"];
    assert_eq!(monitor.heard(), want);
}

#[test]
fn an_end_before_the_start_is_pinged() {
    let usage = |run: &Scenario| run.run(["--raet", "1/s"]);
    check(good(), usage, 2, &["GET /2"]);
    let setting = |run: &Scenario| run.run(["--rate", "50"]);
    check(good(), setting, 2, &["GET /2"]);
    let missing = good().input("missing.csv");
    check(missing, |run| run.run([]), 2, &["GET /2"]);
    let another = good();
    another.run([]).exits(0);
    let other = |run: &Scenario| run.run(["--empty", "null"]);
    check(another, other, 5, &["GET /5"]);
}

#[test]
fn an_end_after_which_the_same_command_goes_on_is_pinged_only_if_asked_for() {
    check(outage(), |run| run.run([]), 4, &["GET /start"]);
    let every = |run: &Scenario| run.run(["--ping-on", "every"]);
    check(outage(), every, 4, &["GET /start", "GET /4"]);

    let slow = || {
        Scenario::new()
            .csv(&Customers::in_turn(3, 1, 3))
            .flags(["--grace", "0s"])
            .sandbox(|options| options.latency = "40s".parse().expect("a time"))
    };
    let stopped = |run: &Scenario| {
        let running = run.start([]);
        let running = running.until("a request", |run| run.counts().requests > 0);
        running.signal(Signal::TERM).end()
    };
    check(slow(), stopped, 143, &["GET /start"]);
    let every = slow().flags(["--ping-on", "every"]);
    check(every, stopped, 143, &["GET /start", "GET /143"]);
}

#[test]
fn a_check_and_a_trial_are_not_the_job_that_is_monitored() {
    check(bad(), |run| run.check([]), 1, &NONE);
    check(bad(), |run| run.run(["--dry-run"]), 1, &NONE);
    check(bad(), |run| run.check(["--raet"]), 2, &NONE);
    check(bad(), |run| run.run(["--dry-run", "--raet"]), 2, &NONE);
    let typed = bad();
    typed.write("ping", Receiver::good().url());
    typed
        .check(["--ping-url-file", "ping"])
        .exits(1)
        .says("--ping-url-file has no effect: a check pings nothing");
}

#[test]
fn an_undo_is_pinged_and_its_trial_is_not() {
    let undoable = || {
        let rows = Scenario::new().file("a.csv", "id,job\n1,a\n2,b\n");
        let scenario = rows.sandbox(|_| {}).probing();
        scenario.run(["--undoable"]).exits(0);
        scenario
    };
    check(undoable(), |run| run.undo([]), 0, &["GET /start", "GET /0"]);
    check(undoable(), |run| run.undo(["--dry-run"]), 0, &NONE);
    check(
        undoable(),
        |run| run.undo(["--dry-run", "--rate", "5"]),
        2,
        &NONE,
    );
    check(
        undoable(),
        |run| run.undo(["--dry-run", "--raet"]),
        2,
        &NONE,
    );
}
