//! Four processes share a file and are killed again and again.

use rustix::process::Signal;

use super::{divide, expect_shards, start};
use crate::harness::{Customers, Running, Scenario, SplitMix64, kills, rounds};

/// Rows and customers, by default and if there is time.
const FEW: [usize; 2] = [6_000, 500];
const MANY: [usize; 2] = [20_000, 1_000];
/// Each start reads all rows, so more kills take long.
const KILLS_MAX: usize = 40;
const SHARDS: usize = 4;
const IN_FLIGHT: usize = 8;

#[test]
fn shards_that_are_killed_lose_and_invert_nothing() {
    let rows = rounds(FEW[0], MANY[0]);
    let customers = Customers::of_some(rows, rounds(FEW[1], MANY[1]), 40);
    let scenario = Scenario::new().csv(&customers).sandbox(|options| {
        options.latency = "1ms..8ms".parse().expect("latencies");
        options.faults = "503=3%".parse().expect("faults");
    });
    let in_flight = IN_FLIGHT.to_string();
    let begin = |index: usize| {
        let shard = format!("{}/{SHARDS}", index + 1);
        start(
            &scenario,
            &shard,
            &["--attempts", "20", "--max-in-flight", &in_flight],
        )
    };
    let mut random = SplitMix64::new(41);
    let mut running: Vec<Option<Running<'_>>> =
        (0..SHARDS).map(|index| Some(begin(index))).collect();
    let kills = kills().min(KILLS_MAX);
    for kill in 0..kills {
        // Spread over the whole file.
        let applied = rows as u64 * 8 / 10 * (kill as u64 + 1) / (kills as u64 + 1);
        let victim = random.below(SHARDS);
        let process = running[victim].take().expect("it runs");
        process
            .killed_once(|scenario| scenario.counts().applied >= applied)
            .exits_with_one_of(&[0, 137]);
        running[victim] = Some(begin(victim));
    }
    // All at once, as when a node goes down.
    for process in running.into_iter().flatten() {
        process.signal(Signal::KILL).finish();
    }
    for index in 0..SHARDS {
        begin(index).end().exits(0);
    }
    divide(&scenario, rows, SHARDS as u32);
    expect_shards(&scenario).exits(0);
    let (applied, repeats) = scenario.ledger().without_repeats();
    assert_eq!(
        applied,
        customers.bodies_by_customer(),
        "nothing is lost, and no row is applied after a newer one"
    );
    // A kill may also lose the outcomes of the last 50 ms, which are not written yet.
    let most = (kills + SHARDS) * IN_FLIGHT * 16;
    assert!(repeats <= most, "{repeats} rows were applied twice");
    println!(
        "figures: {kills} kills and one of all {SHARDS}: {repeats} of {rows} rows applied twice"
    );
}
