//! SIGTERM with many requests in flight: each of them ends, and every answer is recorded.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{Applied, Customers, Scenario, SplitMix64, rounds};

const ROWS: u64 = 1_000;
const GRACE: Duration = Duration::from_secs(5);
/// Longer than the slowest answer, with a busy machine in mind.
const GRACE_FLAG: [&str; 2] = ["--grace", "5s"];
/// The number of rounds that run at the same time: they mostly wait.
const TOGETHER: u64 = 5;

/// The moment of the signal.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// Once this many requests have arrived.
    Requests(u64),
    /// Once the limit of requests in flight is reached, or most requests have arrived.
    AllInFlight,
}

#[test]
fn whatever_is_in_flight_at_a_signal_is_answered_and_recorded_within_the_grace() {
    let mut random = SplitMix64::new(40);
    let mut in_flight = Vec::new();
    for _ in 0..rounds(1, 10) {
        let moments = (0..TOGETHER).map(|seed| match seed {
            0 => (seed, Moment::AllInFlight),
            _ => (
                seed,
                Moment::Requests(10 + random.below(rounds(50, 300)) as u64),
            ),
        });
        let moments: Vec<_> = moments.collect();
        thread::scope(|scope| {
            let stop = |(seed, moment)| scope.spawn(move || stops(seed, moment));
            let threads: Vec<_> = moments.into_iter().map(stop).collect();
            in_flight.extend(
                threads
                    .into_iter()
                    .map(|thread| thread.join().expect("a run that stopped well")),
            );
        });
    }
    let (rounds, most) = (
        in_flight.len(),
        in_flight.iter().max().expect("there are rounds"),
    );
    println!(
        "figures: {rounds} runs stopped by SIGTERM with up to {most} requests in flight; every answer recorded"
    );
}

/// Signals a run. Returns the most requests that were in flight.
fn stops(seed: u64, moment: Moment) -> u32 {
    let customers = Customers::in_turn(ROWS, 1, seed);
    let scenario = Scenario::new()
        .csv(&customers)
        .unlimited()
        .flags(GRACE_FLAG)
        .sandbox(|options| {
            // A tenth of a slow API's latency keeps the test short; equal latencies put the most
            // requests in flight.
            let latency = match moment {
                Moment::Requests(_) => "20ms..800ms",
                Moment::AllInFlight => "60ms",
            };
            options.latency = latency.parse().unwrap();
            options.seed = seed;
        });
    let running = scenario
        .start([])
        .until("the moment to stop", |scenario| match moment {
            Moment::Requests(requests) => scenario.counts().requests >= requests,
            Moment::AllInFlight => {
                scenario.counts().in_flight_max >= 32 || scenario.counts().requests > ROWS / 2
            }
        });
    let signalled = Instant::now();
    let end = running.signal(Signal::TERM).end().exits(143);
    assert!(signalled.elapsed() < GRACE, "{:?}", signalled.elapsed());

    let sent = scenario.counts().requests;
    let mut recorded: Vec<u64> = end.results().by_row().into_keys().collect();
    let mut applied: Vec<u64> = end.ledger.0.iter().map(Applied::row).collect();
    recorded.sort_unstable();
    applied.sort_unstable();
    assert_eq!(recorded, applied, "each answer is recorded");
    assert_eq!(recorded.len() as u64, sent, "each request is answered");
    assert!(sent < ROWS, "it was stopped before its end");
    end.counts([sent, 0, 0, 0, ROWS - sent])
        .says("terminated: no more is sent");
    scenario.counts().in_flight_max
}
