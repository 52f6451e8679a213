//! HTTP/2: the same run, over a few connections.

use crate::harness::{Customers, Reply, Scenario};

#[test]
fn many_requests_share_few_connections() {
    const ROWS: u32 = 1_500;
    let scenario = Scenario::new()
        .csv(&Customers::good(ROWS as usize, 11))
        .unlimited();
    let scenario = scenario
        .flags(["--http2", "--max-in-flight", "150"])
        .sandbox(|options| {
            options.latency.min = std::time::Duration::from_millis(20);
            options.latency.max = std::time::Duration::from_millis(60);
        });
    let end = scenario
        .run([])
        .exits(0)
        .counts([u64::from(ROWS), 0, 0, 0, 0]);
    end.results().settle_each_of(ROWS as usize);
    let counts = scenario.counts();
    assert_eq!(
        (counts.http2_requests, counts.requests),
        (u64::from(ROWS), u64::from(ROWS))
    );
    // A server takes a hundred requests a connection at a time, so 150 in flight may need two.
    assert!(
        (1 + u64::from(counts.in_flight_max > 100)..=2).contains(&counts.connections),
        "{counts:?}"
    );
}

#[test]
fn lost_answers_are_sent_again() {
    const ROWS: u32 = 400;
    let scenario = Scenario::new()
        .csv(&Customers::good(ROWS as usize, 12))
        .unlimited();
    let scenario = scenario
        .flags(["--http2", "--attempts", "20"])
        .sandbox(|options| {
            options.faults = "reset=2%,truncate=2%,500=1%".parse().unwrap();
            options.latency.max = std::time::Duration::from_millis(4);
        });
    let end = scenario.run([]).counts([u64::from(ROWS), 0, 0, 0, 0]);
    end.results().settle_each_of(ROWS as usize);
    let counts = scenario.counts();
    assert!(
        counts.faults_injected() > 0 && counts.http2_requests == counts.requests,
        "{counts:?}"
    );
}

#[test]
fn without_the_flag_it_is_http_1() {
    let scenario = Scenario::new().csv(&Customers::good(5, 13)).sandbox(|_| {});
    scenario.run([]).exits(0).counts([5, 0, 0, 0, 0]);
    assert_eq!(scenario.counts().http2_requests, 0);
}

#[test]
fn a_server_without_http2_is_distinguished_from_an_outage() {
    let scenario = Scenario::new()
        .csv(&Customers::good(5, 14))
        .server(|_| Reply::updated());
    let end = scenario
        .run(["--http2", "--max-wait", "1s"])
        .exits(4)
        .counts([0, 0, 0, 0, 5]);
    end.says("--http2 needs a server that speaks HTTP/2 from the first byte (leave --http2 out otherwise)");
    scenario.run([]).exits(0).counts([5, 0, 0, 0, 0]);
}

#[test]
fn connections_that_say_goodbye_lose_nothing() {
    const ROWS: u32 = 800;
    for (goaway_after, in_flight) in [(1, "8"), (7, "64"), (100, "64")] {
        let scenario = Scenario::new()
            .csv(&Customers::good(ROWS as usize, 15))
            .unlimited();
        let scenario = scenario
            .flags(["--http2", "--attempts", "1", "--max-in-flight", in_flight])
            .sandbox(|options| {
                options.goaway_after = Some(goaway_after);
                options.latency.max = std::time::Duration::from_millis(4);
            });
        let end = scenario
            .run([])
            .exits(0)
            .counts([u64::from(ROWS), 0, 0, 0, 0]);
        end.results().settle_each_of(ROWS as usize);
        end.is_nowhere("ambiguous");
        assert_eq!(end.summary()["sending"]["outages"], 0);
        let (ledger, counts) = (scenario.ledger(), scenario.counts());
        assert_eq!(
            (ledger.len(), ledger.without_repeats().1),
            (ROWS as usize, 0),
            "nothing is applied twice"
        );
        assert_eq!(
            (counts.requests, counts.http2_requests),
            (u64::from(ROWS), u64::from(ROWS)),
            "{counts:?}"
        );
        // A connection that is closing answers the requests in flight.
        let connections_min = u64::from(ROWS) / (goaway_after + in_flight.parse::<u64>().unwrap());
        assert!(counts.connections >= connections_min.max(2), "{counts:?}");
    }
}
