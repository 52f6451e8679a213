//! Two processes for one run directory.

use crate::harness::{Customers, Scenario, rounds};

const ROWS: u64 = 30;

#[test]
fn of_two_processes_that_start_together_exactly_one_sends() {
    let mut refused = 0;
    for round in 0..rounds(15, 100) {
        let customers = Customers::in_turn(ROWS, 1, round as u64);
        let scenario = Scenario::new()
            .csv(&customers)
            .unlimited()
            .sandbox(|options| {
                options.latency = "40ms".parse().unwrap();
            });
        let settled = if round % 2 == 0 { 0 } else { 10 };
        if settled > 0 {
            scenario
                .run(["--max-rows", "10"])
                .exits(0)
                .counts([settled, 0, 0, 0, 0]);
        }
        let (first, second) = (scenario.start([]), scenario.start([]));
        for end in [first.end(), second.end()] {
            match end.code() {
                5 => refused += usize::from(end.stderr.contains("another process is at work")),
                // If the second process starts after the first one has ended, nothing is left to
                // send.
                code => assert_eq!(code, 0, "{}", end.stderr),
            }
        }
        assert_eq!(
            scenario.counts().requests,
            ROWS,
            "round {round}: each row was sent once"
        );
        let end = scenario.run([]).exits(0).counts([ROWS, 0, 0, 0, 0]);
        end.results().settle_each_of(ROWS as usize);
    }
    assert!(
        refused > rounds(15, 100) / 2,
        "{refused} processes met another one"
    );
}
