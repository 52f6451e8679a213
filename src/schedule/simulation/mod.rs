//! Runs of the schedule in simulated time, against simulated APIs: thousands of runs in seconds,
//! each repeatable by its seed.
//!
//! [`world`] is the loop that replaces connections, timers and journal. [`server`] and [`quota`]
//! are the API. [`witness`] asserts on every run what the schedule promises. The tests are
//! [`limits`], [`silent_limits`], [`troubles`], [`any`],
//! [`canary`], [`recovery`], [`figures`], and [`prove`],
//! which a page of the documentation quotes. [`shared`] simulates several processes with one rate.
//!
//! A run that fails names its seed. `SEED=27 TRACE=1 cargo test NAME -- --nocapture` starts with
//! that seed and prints each step.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of a simulation are small"
)]

mod any;
mod canary;
mod figures;
mod limits;
mod prove;
mod quota;
mod recovery;
mod server;
mod shared;
mod silent;
mod silent_limits;
mod troubles;
mod witness;
mod world;

use std::time::Duration;

use self::quota::Quota;
use self::server::{Latency, Server, Shape, WallClock};
use self::world::{CareSetup, Report, Setup};
use super::error_limit::ErrorLimit;
use super::rate::Rate;
use super::{Moment, Random, RateSharing, ReadNeed, Refreshed, RetryPolicy, Rules};
use crate::contract::{CustomerId, EchoCheck};

/// Prints the seed if a run fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the seed is {}", self.0);
        }
    }
}

/// The seeds below `n`, starting at `SEED` if that is set.
fn seeds(n: u64) -> std::ops::Range<u64> {
    std::env::var("SEED").map_or(0, |seed| seed.parse().expect("SEED is a number"))..n
}

/// Simulates a run for each seed below `n`, and checks the result.
fn each_seed(n: u64, setup: impl Fn(&mut Random) -> Setup, check: impl Fn(Report)) {
    for seed in seeds(n) {
        let _names_itself = Seed(seed);
        check(world::run(setup(&mut Random::seeded(seed)), seed));
    }
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const fn s(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn at(seconds: u64) -> Moment {
    Moment::after_start(s(seconds))
}

/// One customer for each row.
fn own_customers(rows: u64) -> Vec<CustomerId> {
    (1..=rows)
        .map(|id| CustomerId::new(id).expect("a good id"))
        .collect()
}

/// A clock at a random time of a minute.
fn any_clock(random: &mut Random) -> WallClock {
    WallClock {
        at_start: s(1_800_000_000) + random.up_to(s(3600)),
        drift_ppm: 0,
    }
}

fn latency(typical: Duration) -> Latency {
    Latency {
        typical,
        jitter: 0.3,
        shape: Shape::Steady,
    }
}

/// A run of rows against an API without faults, with 32 requests in flight as the only limit.
fn well(rows: u64, random: &mut Random) -> Setup {
    Setup {
        rules: Rules {
            rate: Rate::Unlimited,
            sharing: RateSharing::Alone,
            in_flight_max: 32,
            timeout: s(30),
            retry: RetryPolicy::new(5).expect("a good limit"),
            error_limit: ErrorLimit::None,
            echo: EchoCheck::Warn,
            wait_max: s(15 * 60),
            grace: s(25),
            reads: ReadNeed::Required,
        },
        server: Server::well(any_clock(random), latency(ms(75)), Quota::Unlimited),
        customers: own_customers(rows),
        invalid_every: None,
        care: CareSetup::NONE,
        canary: None,
        recording: ms(50),
        ends_within: s(3600),
        stop: None,
        refreshed: Refreshed::New { lifetime: None },
    }
}

/// The mean number of requests in flight between two times.
fn mean_in_flight(report: &Report, from: Moment, until: Moment) -> f64 {
    let mut sum = 0.0;
    let mut at = from;
    let mut in_flight = 0;
    for (time, changed) in &report.in_flight {
        if *time > from {
            let time = (*time).min(until);
            sum += time.since(at).as_secs_f64() * in_flight as f64;
            at = time.max(at);
        }
        in_flight = *changed;
    }
    sum / until.since(from).as_secs_f64()
}

fn answers(report: &Report, status: u16) -> usize {
    report.answers.get(&status).copied().unwrap_or_default()
}

#[track_caller]
fn all_updated(report: &Report, rows: usize) {
    let Report {
        updated,
        failed,
        rejected,
        stopped,
        ..
    } = report;
    assert_eq!(
        (*updated, *failed, *rejected, stopped),
        (rows, 0, 0, &None),
        "{:?}",
        report.answers
    );
}
