//! `--metrics-addr`.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use rustix::process::Signal;

use super::Samples;
use crate::harness::{Customers, Running, Scenario};

/// A scenario whose requests are not answered for a long time.
fn slow() -> Scenario {
    Scenario::new()
        .csv(&Customers::in_turn(3, 1, 5))
        .sandbox(|options| {
            options.latency = "40s".parse().expect("a time");
        })
        .flags(["--metrics-addr", "127.0.0.1:0", "--grace", "0s"])
}

/// The address that the log names.
fn address(run: &Running<'_>) -> String {
    let log = run.stderr_so_far();
    let (_, behind) = log
        .split_once("the metrics are at http://")
        .expect("the log names the address");
    behind.split_once("/metrics").expect("a path").0.to_owned()
}

/// As much of the answer to these bytes as arrives. A server that has not read all of them may reset
/// the connection.
fn answered(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.write_all(request.as_bytes()).ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    String::from_utf8_lossy(&answer).into_owned()
}

/// The answer to a request: its head and its body.
fn asked(address: &str, request: &str) -> (String, String) {
    let answer = answered(address, request);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), body.to_owned())
}

#[test]
fn the_metrics_of_now_are_served() {
    let scenario = slow();
    let run = scenario
        .start([])
        .until("all requests", |scenario| scenario.counts().requests == 3);
    let address = address(&run);
    let metrics = || {
        let (head, body) = asked(&address, "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(
            head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
            "{head}"
        );
        Samples::of(&body)
    };
    let run = run.until("the requests in flight", |_| {
        metrics().count("custsync_requests_in_flight") == 3
    });
    let samples = metrics();
    assert!(samples.count("custsync_running") > 1_700_000_000);
    assert!(samples.count("custsync_requests_in_flight_limit") >= 3);

    let status = |request: &str| {
        let (head, body) = asked(&address, request);
        assert_eq!(body, "");
        head.split(' ').nth(1).map(str::to_owned)
    };
    let with = |line: &str| format!("{line} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(status(&with("HEAD /metrics")).as_deref(), Some("200"));
    assert_eq!(status(&with("GET /")).as_deref(), Some("404"));
    assert_eq!(status(&with("PUT /metrics")).as_deref(), Some("405"));
    let long = format!("GET /metrics HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(20_000));
    let answer = answered(&address, &long);
    assert!(!answer.contains("custsync_"), "{answer}");

    // Clients that say nothing hold up neither others nor the end.
    let silent: Vec<_> = (0..7)
        .map(|_| TcpStream::connect(&address).expect("somebody listens"))
        .collect();
    assert_eq!(metrics().count("custsync_requests_in_flight"), 3);
    run.signal(Signal::INT).end().exits(130);
    drop(silent);
    TcpStream::connect(&address).expect_err("nobody listens any more");
}

#[test]
fn an_address_in_use_ends_the_run_before_anything_is_sent() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(3, 1, 5))
        .sandbox(|_| {});
    scenario
        .run(["--metrics-addr", &address])
        .exits(2)
        .says(&format!("--metrics-addr: cannot listen on {address}"));
    assert_eq!(scenario.counts().requests, 0);
    assert_eq!(scenario.read("run/results.ndjson"), None);
    scenario
        .run(["--metrics-addr", "localhost"])
        .exits(2)
        .says("--metrics-addr: `localhost` is not an address and a port");
}
