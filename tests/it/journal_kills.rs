//! `kill -9` at random moments, repeatedly, with the sandbox's ledger as the truth.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;

use crate::harness::{Customers, Ledger, Scenario, SplitMix64, kills};

const ROWS: usize = 10_000;
const CUSTOMERS: usize = 1_000;
const IN_FLIGHT_MAX: usize = 32;
/// The time for which a kill may lose outcomes, beside those of rows in flight.
const UNWRITTEN_FOR: SignedDuration = SignedDuration::from_millis(50);
/// The ledger's times are truncated to milliseconds.
const CLOCK_STEP: SignedDuration = SignedDuration::from_millis(1);
/// The time in which the sandbox still applies requests of a killed process; a new process needs
/// longer to send its first.
const APPLIED_LATE: SignedDuration = SignedDuration::from_millis(20);
/// Every process of this number is killed by time, so that some die before they send anything.
const BY_TIME_EVERY: usize = 5;
const BY_TIME_MAX_MS: usize = 200;
const JOURNAL: &str = "run/results.ndjson";
/// Many attempts, so that no row fails by bad luck.
const FLAGS: [&str; 4] = ["--attempts", "20", "--max-in-flight", "32"];

/// A process that was killed.
struct Life {
    killed: Timestamp,
    /// Until this time, only requests of this process were applied.
    over: Timestamp,
}

#[test]
fn a_run_that_is_killed_again_and_again_loses_swaps_and_repeats_nothing_that_it_recorded() {
    let customers = Customers::of_some(ROWS, CUSTOMERS, 20);
    let scenario = Scenario::new()
        .csv(&customers)
        .unlimited()
        .sandbox(|options| {
            options.faults = "503=5%".parse().unwrap();
            options.latency = "1ms..8ms".parse().unwrap();
        });
    let began = Instant::now();
    let lives = kill_again_and_again(&scenario, kills());
    let end = scenario
        .run(FLAGS)
        .exits(0)
        .counts([ROWS as u64, 0, 0, 0, 0]);

    let results = end.results();
    results.settle_each_of(ROWS);
    assert_eq!(
        results.lines.len(),
        ROWS,
        "each row has one effective outcome"
    );
    let (applied, repeats) = end.ledger.without_repeats();
    assert_eq!(
        applied,
        customers.bodies_by_customer(),
        "nothing is lost, and no row is applied after a newer one"
    );
    scenario.holds(customers.valid().map(|(_, row)| row));

    let extra = extra_sends(&end.ledger, &lives);
    assert_eq!(
        extra.iter().sum::<usize>(),
        repeats,
        "each repeat is a kill's"
    );
    let (kills, seconds) = (lives.len(), began.elapsed().as_secs_f64());
    let (most, in_flight) = (
        extra.iter().max().unwrap_or(&0),
        scenario.counts().in_flight_max,
    );
    println!(
        "figures: {kills} kills of {ROWS} rows in {seconds:.1} s, up to {in_flight} in flight: {repeats} rows applied twice, \
         {most} by one kill at most; nothing lost or swapped"
    );
}

/// Starts and kills this many processes, at moments spread over the whole file.
fn kill_again_and_again(scenario: &Scenario, kills: usize) -> Vec<Life> {
    let mut random = SplitMix64::new(21);
    let mut lives: Vec<Life> = Vec::new();
    for number in 1..=kills {
        let journal = scenario.read(JOURNAL).unwrap_or_default();
        let unrecorded = ROWS
            - journal
                .split(|byte| *byte == b'\n')
                .count()
                .saturating_sub(2);
        let applied = scenario.counts().applied
            + random.below(unrecorded * 3 / 2 / (kills - number + 2)) as u64;
        let time = Duration::from_millis(random.below(BY_TIME_MAX_MS) as u64);

        is_over(&mut lives);
        let (running, clock) = (scenario.start(FLAGS), Instant::now());
        let running = running.until("the moment to kill", |scenario| {
            match number % BY_TIME_EVERY {
                0 => clock.elapsed() >= time,
                _ => scenario.counts().applied >= applied,
            }
        });
        let killed = Timestamp::now();
        let finished = running.signal(Signal::KILL).finish();
        assert_eq!(finished.status.code(), None, "it was killed before its end");
        lives.push(Life {
            killed,
            over: killed,
        });
    }
    is_over(&mut lives);
    lives
}

/// Records the end of the last process's life: the next process starts now.
fn is_over(lives: &mut [Life]) {
    if let Some(last) = lives.last_mut() {
        last.over = Timestamp::now() + APPLIED_LATE;
    }
}

/// For each kill, the number of rows that were applied before it and again after it, which is
/// bounded.
fn extra_sends(ledger: &Ledger, lives: &[Life]) -> Vec<usize> {
    let mut extra = vec![0; lives.len()];
    let mut last: BTreeMap<u64, Timestamp> = BTreeMap::new();
    for applied in &ledger.0 {
        if let Some(before) = last.insert(applied.row(), applied.at) {
            let life = lives
                .iter()
                .position(|life| before < life.over)
                .expect("only a kill makes a row come again");
            extra[life] += 1;
        }
    }
    for (life, extra) in lives.iter().zip(&extra) {
        let just_before = life.killed - UNWRITTEN_FOR - CLOCK_STEP..=life.killed;
        let just_applied = ledger
            .0
            .iter()
            .filter(|applied| just_before.contains(&applied.at))
            .count();
        assert!(
            *extra <= IN_FLIGHT_MAX + just_applied,
            "{extra} rows again, {just_applied} had just been applied"
        );
    }
    extra
}
