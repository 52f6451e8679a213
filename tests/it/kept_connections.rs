//! HTTP/1.1 connections that the server closes.

use serde_json::{Value, json};

use crate::harness::{Customers, End, Reply, Scenario};

/// A scenario whose rows are sent one by one, so that all requests except the first use a kept
/// connection. The connection of the request with this number is closed without an answer.
fn closed_at(number: usize) -> Scenario {
    let scenario = Scenario::new()
        .csv(&Customers::good(6, 16))
        .unlimited()
        .flags(["--max-in-flight", "1"]);
    scenario.server(move |request| {
        if request.number == number {
            Reply::nothing()
        } else {
            Reply::updated()
        }
    })
}

/// For each row that was sent twice, whether it is ambiguous.
fn sent_twice(end: &End) -> Vec<Value> {
    let results = end.results();
    results
        .lines
        .iter()
        .filter(|line| line["attempts"] == 2)
        .map(|line| line["ambiguous"].clone())
        .collect()
}

#[test]
fn a_row_whose_kept_connection_is_closed_is_sent_again_and_ambiguous() {
    let scenario = closed_at(3);
    let end = scenario
        .run(["--attempts", "1"])
        .exits(0)
        .counts([6, 0, 0, 0, 0]);
    assert_eq!(sent_twice(&end), [json!(true)]);
    assert_eq!(
        end.summary()["sending"]["retries"],
        json!({"connection_closed": 1})
    );
    assert_eq!(end.summary()["sending"]["outages"], 0);
    assert_eq!(scenario.requests().len(), 7);
}

#[test]
fn a_new_connection_that_is_closed_is_trouble() {
    let end = closed_at(1).run([]).exits(0).counts([6, 0, 0, 0, 0]);
    assert_eq!(
        end.summary()["sending"]["retries"],
        json!({"connection_broken": 1})
    );
    assert_eq!(sent_twice(&end), [json!(true)]);
}

#[test]
fn an_answer_that_breaks_off_is_trouble() {
    let scenario = Scenario::new()
        .csv(&Customers::good(6, 16))
        .unlimited()
        .flags(["--max-in-flight", "1"]);
    let scenario = scenario.server(|request| {
        if request.number == 3 {
            Reply::cut_off()
        } else {
            Reply::updated()
        }
    });
    let end = scenario.run([]).exits(0).counts([6, 0, 0, 0, 0]);
    assert_eq!(
        end.summary()["sending"]["retries"],
        json!({"connection_broken": 1})
    );
}

#[test]
fn a_kept_connection_that_is_closed_twice_is_trouble() {
    let scenario = Scenario::new()
        .csv(&Customers::good(6, 16))
        .unlimited()
        .flags(["--max-in-flight", "1"]);
    let scenario = scenario.server(|request| match request.number {
        3 | 5 => Reply::nothing(),
        _ => Reply::updated(),
    });
    // The row is sent again on a new connection, which another row then uses.
    let end = scenario.run([]).exits(0).counts([6, 0, 0, 0, 0]);
    assert_eq!(
        end.summary()["sending"]["retries"],
        json!({"connection_closed": 2})
    );
}
