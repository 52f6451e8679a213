//! With few file descriptors, fewer requests are in flight, and the API is not blamed.

use std::thread;
use std::time::Duration;

use crate::harness::{Customers, Reply, Scenario};

#[test]
fn a_machine_without_more_descriptors_sends_with_those_that_there_are() {
    const ROWS: u64 = 400;
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(ROWS, 1, 7))
        .unlimited()
        .server(|request| {
            // Every tenth row is refused, so a file of failed rows has to be created meanwhile.
            thread::sleep(Duration::from_millis(50));
            if request.id().is_multiple_of(10) {
                Reply::error(422, "refused")
            } else {
                Reply::updated()
            }
        });
    let scenario = scenario.through("ulimit -n 40; exec");
    let end = scenario
        .run(["--max-in-flight", "200", "--max-errors", "none", "-v"])
        .exits(1);
    let end = end.counts([ROWS - ROWS / 10, 0, ROWS / 10, 0, 0]);
    assert_eq!(
        end.stderr
            .matches("no file descriptors or ports left")
            .count(),
        1,
        "{}",
        end.stderr
    );
    let end = end.says("(ulimit -n is 40)");
    end.is_not_shown("is down");
    let summary = end.summary();
    assert_eq!(summary["sending"]["outages"], 0, "{summary}");
    assert_eq!(
        summary["sending"]["retries"],
        serde_json::json!({}),
        "{summary}"
    );
    assert_eq!(scenario.requests().len() as u64, ROWS);
    let results = end.results();
    for row in 1..=ROWS {
        assert_eq!(results.row(row)["attempts"].as_u64().unwrap_or(1), 1);
    }
}

#[test]
fn too_few_descriptors_to_begin_with_are_an_error() {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(5, 1, 7))
        .server(|_| Reply::updated());
    let scenario = scenario.through("ulimit -n 12; exec");
    scenario
        .run([])
        .exits(2)
        .says("too few file descriptors (ulimit -n is 12)");
    assert!(scenario.requests().is_empty());
}

#[test]
fn the_soft_limit_of_descriptors_is_raised_to_the_hard_one() {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(50, 1, 7))
        .server(|_| Reply::updated());
    let scenario = scenario.through("ulimit -S -n 10; exec");
    scenario
        .run([])
        .exits(0)
        .counts([50, 0, 0, 0, 0])
        .is_not_shown("descriptors");
}
