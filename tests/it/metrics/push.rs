//! `--metrics-push-file` and `CUSTSYNC_METRICS_PUSH`.

use super::Samples;
use crate::harness::{Customers, End, Reply, Request, Scenario, ScriptedServer};

/// The secret part of the address.
const SECRET: &str = "canary-push-4b1d";
const VARIABLE: &str = "CUSTSYNC_METRICS_PUSH";

fn taken() -> Reply {
    Reply::of(200, "", "text/plain", b"")
}

/// The address of a group at this server.
fn address(server: &ScriptedServer) -> String {
    format!("{}/metrics/job/custsync/key/{SECRET}", server.url())
}

fn scenario() -> Scenario {
    Scenario::new()
        .csv(&Customers::in_turn(3, 1, 5))
        .sandbox(|_| {})
        .flags(["-vv"])
}

/// Checks that a run was not disturbed, and that its output does not hold the address.
fn is_undisturbed(end: End) -> End {
    let end = end.exits(0).counts([3, 0, 0, 0, 0]);
    end.is_nowhere(SECRET);
    end
}

fn last(requests: &[Request]) -> Samples {
    Samples::of(&requests.last().expect("something was pushed").text)
}

#[test]
fn the_metrics_are_pushed_at_the_end() {
    let server = ScriptedServer::start(|_| taken());
    let scenario = scenario();
    scenario.write("push", format!("{}\n", address(&server)));
    is_undisturbed(scenario.run(["--metrics-push-file", "push"]));
    let requests = server.requests();
    for request in &requests {
        let line = format!("PUT /api/metrics/job/custsync/key/{SECRET} HTTP/1.1");
        assert_eq!(request.line, line);
        assert_eq!(
            request.header("content-type"),
            Some("text/plain; version=0.0.4; charset=utf-8")
        );
        assert_eq!(request.header("authorization"), None, "no token");
    }
    let end = last(&requests);
    assert_eq!(end.count("custsync_exit_code"), 0);
    assert_eq!(end.counts("custsync_run_rows", "outcome", ["updated"]), [3]);
}

#[test]
fn an_end_before_the_run_is_pushed() {
    let server = ScriptedServer::start(|_| taken());
    let scenario = scenario().variable(VARIABLE, &address(&server));
    scenario.run(["--rate", "50"]).exits(2);
    assert_eq!(last(&server.requests()).count("custsync_exit_code"), 2);
    scenario.run(["--raet", "1/s"]).exits(2).is_nowhere(SECRET);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_server_in_trouble_is_asked_three_times_at_the_end() {
    let is_end = |request: &Request| request.text.contains("custsync_exit_code 0");
    let server = ScriptedServer::start(move |request| {
        if is_end(request) && request.text.contains("custsync_running 0") {
            Reply::error(503, SECRET)
        } else {
            taken()
        }
    });
    let scenario = scenario().variable(VARIABLE, &address(&server));
    let end = is_undisturbed(scenario.run([]));
    let end = end.says("the metrics could not be pushed (--metrics-push-file, CUSTSYNC_METRICS_PUSH): the server answers 503");
    assert_eq!(end.lines_with("could not be pushed"), 1);
    let requests = server.requests();
    assert_eq!(requests.iter().filter(|request| is_end(request)).count(), 3);
}

#[test]
fn a_server_that_recovers_gets_the_end() {
    let server = ScriptedServer::start(move |request| match request.number {
        1 | 2 => Reply::nothing(),
        _ => taken(),
    });
    let scenario = scenario().variable(VARIABLE, &address(&server));
    is_undisturbed(scenario.run([]));
    assert_eq!(last(&server.requests()).count("custsync_exit_code"), 0);
}

#[test]
fn a_redirect_is_not_followed() {
    let target = ScriptedServer::start(|_| taken());
    let location = format!("Location: {}\r\n", address(&target));
    let server = ScriptedServer::start(move |_| Reply::of(307, &location, "text/plain", b""));
    let scenario = scenario().variable(VARIABLE, &address(&server));
    is_undisturbed(scenario.run([])).says("the server answers 307");
    assert_eq!(target.requests().len(), 0);
    let ends = server.requests();
    let ends = ends
        .iter()
        .filter(|request| request.text.contains("custsync_exit_code"));
    assert_eq!(ends.count(), 1, "another attempt would lead to the same");
}

#[test]
fn a_server_that_is_not_there_changes_nothing() {
    let gone = address(&ScriptedServer::start(|_| taken()));
    let scenario = scenario().variable(VARIABLE, &gone);
    is_undisturbed(scenario.run([])).says(
        "could not be pushed (--metrics-push-file, CUSTSYNC_METRICS_PUSH): no answer (refused)",
    );
}

#[test]
fn an_address_that_cannot_be_used_is_refused_before_anything_is_sent() {
    let scenario = scenario();
    scenario.write("push", format!("ftp://127.0.0.1/{SECRET}"));
    scenario.write("empty", "\n");
    let check = |file: &str, want: &str| {
        let end = scenario.run(["--metrics-push-file", file]).exits(2);
        end.says(want).is_nowhere(SECRET);
    };
    check(
        "push",
        "--metrics-push-file: the address does not begin with https://",
    );
    check("empty", "--metrics-push-file empty is empty");
    check("missing", "--metrics-push-file missing cannot be read");
    let config = format!("metrics-push = 'http://127.0.0.1/{SECRET}'");
    scenario.write("custsync.toml", config);
    let end = scenario.run([]).exits(2);
    end.says("metrics-push: a configuration file must not hold this address, which is a secret")
        .is_nowhere(SECRET);
    assert_eq!(scenario.counts().requests, 0);
}
