//! A customer's rows are applied in file order, and a killed run continues where it stopped.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;

use crate::harness::{Customers, Form, Ledger, Scenario};

const CUSTOMERS: u64 = 10;
const ROWS_EACH: usize = 200;
/// The journal's promise: the time for which a kill may lose outcomes, beside those of rows in
/// flight.
const UNWRITTEN_FOR: SignedDuration = SignedDuration::from_millis(50);
/// The program's default.
const IN_FLIGHT_MAX: usize = 32;
const JOURNAL: &str = "run/results.ndjson";

/// A scenario with a sandbox and this many rows of as many customers, whose run has succeeded.
fn finished(rows: u64) -> Scenario {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(rows, 1, 3))
        .unlimited()
        .sandbox(|_| {});
    scenario.run([]).exits(0).counts([rows, 0, 0, 0, 0]);
    scenario
}

#[test]
fn each_customer_s_rows_are_applied_in_file_order() {
    let customers = Customers::in_turn(CUSTOMERS, ROWS_EACH, 1);
    let scenario = Scenario::new()
        .csv(&customers)
        .unlimited()
        .sandbox(|options| {
            options.faults = "503=5%".parse().unwrap();
            options.latency.max = Duration::from_millis(4);
        });
    let end = scenario.run(["--attempts", "20"]).exits(0).counts([
        CUSTOMERS * ROWS_EACH as u64,
        0,
        0,
        0,
        0,
    ]);
    assert!(scenario.counts().faults_injected() > 50);
    let (applied, repeats) = end.ledger.without_repeats();
    assert_eq!(applied, customers.bodies_by_customer());
    assert_eq!(repeats, 0, "an answer 503 applies nothing");
}

#[test]
fn after_a_kill_no_customer_s_rows_are_lost_or_swapped() {
    let customers = Customers::in_turn(CUSTOMERS, ROWS_EACH, 2);
    let Continued { repeats, .. } = killed_and_continued(&customers, 700);
    assert!(
        repeats <= CUSTOMERS as usize,
        "{repeats} repeats: of each customer one row at most was unrecorded"
    );
}

#[test]
fn after_a_kill_only_rows_that_were_in_flight_or_just_answered_are_sent_again() {
    let customers = Customers::in_turn(4_000, 1, 4);
    let Continued {
        killed_at,
        before,
        repeats,
    } = killed_and_continued(&customers, 1_500);
    let just_answered = (before.0.iter())
        .filter(|update| update.at + UNWRITTEN_FOR >= killed_at)
        .count();
    assert!(
        repeats <= IN_FLIGHT_MAX + just_answered,
        "{repeats} repeats, {just_answered} rows just answered"
    );
}

/// A run that was killed and continued.
struct Continued {
    killed_at: Timestamp,
    /// The updates that were applied before the kill.
    before: Ledger,
    /// The number of updates that were applied twice.
    repeats: usize,
}

/// Kills a run once this many updates are applied, and continues it. Each customer ends as its rows
/// say, in their order.
fn killed_and_continued(customers: &Customers, updates: u64) -> Continued {
    let scenario = Scenario::new()
        .csv(customers)
        .unlimited()
        .sandbox(|options| {
            options.latency.max = Duration::from_millis(4);
        });
    let running = scenario
        .start([])
        .until("updates", |scenario| scenario.counts().applied >= updates);
    let killed_at = Timestamp::now();
    let before = running.signal(Signal::KILL).end().exits(137).ledger;
    assert!(
        before.len() < customers.len(),
        "it was killed in its middle"
    );
    let end = scenario
        .run([])
        .exits(0)
        .counts([customers.len() as u64, 0, 0, 0, 0]);
    end.results().settle_each_of(customers.len());
    let (applied, repeats) = end.ledger.without_repeats();
    assert_eq!(
        applied,
        customers.bodies_by_customer(),
        "an older row is never applied after a newer one"
    );
    Continued {
        killed_at,
        before,
        repeats,
    }
}

#[test]
fn a_finished_run_sends_nothing_more_and_ends_as_before() {
    let customers = Customers::with_bad(300, 5, Form::Csv, 5);
    let scenario = Scenario::new().csv(&customers).unlimited().sandbox(|_| {});
    let first = scenario.run([]).exits(1);
    let requests = scenario.counts().requests;
    let second = scenario.run([]).exits(1);
    assert_eq!(scenario.counts().requests, requests, "nothing was sent");
    let (before, after) = (first.file("results.ndjson"), second.file("results.ndjson"));
    assert!(after.starts_with(before), "the recorded lines stay");
    assert_eq!(
        second.results().lines.len(),
        first.results().lines.len(),
        "no row has another line"
    );
    assert_eq!(second.file("failed.csv"), first.file("failed.csv"));
    for count in [
        "records",
        "updated",
        "invalid",
        "rejected",
        "failed",
        "unsent",
        "errors",
        "exit_code",
    ] {
        assert_eq!(second.summary()[count], first.summary()[count], "{count}");
    }
}

#[test]
fn a_row_that_was_sent_and_then_edited_stops_the_next_run() {
    let scenario = finished(40);
    scenario.edit("customers.csv", |file| {
        let at = file
            .windows(8)
            .position(|window| window == b"N0000017")
            .expect("the identity number of row 17");
        file[at + 1] = b'9';
    });
    scenario
        .run([])
        .exits(5)
        .says("differs in row 17;")
        .says("nothing was sent");
    assert_eq!(scenario.counts().requests, 40);
}

#[test]
fn other_settings_are_another_run() {
    let scenario = finished(10);
    scenario.run(["--tenant", "7"]).exits(5).says("tenant");
    scenario.run(["--empty", "null"]).exits(5).says("empty");
    assert_eq!(scenario.counts().requests, 10);
}

#[test]
fn rows_that_were_appended_are_new_rows() {
    let scenario = finished(10);
    let more = Customers::in_turn(15, 1, 3);
    scenario.write("customers.csv", more.file(Form::Csv));
    let end = scenario.run([]).exits(0).counts([15, 0, 0, 0, 0]);
    assert_eq!(scenario.counts().requests, 15);
    end.results().settle_each_of(15);
    assert_eq!(end.ledger.without_repeats(), (more.bodies_by_customer(), 0));
}

#[test]
fn a_second_process_on_the_same_run_directory_sends_nothing() {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(20, 1, 3))
        .sandbox(|options| {
            options.latency = "100ms".parse().unwrap();
        });
    let idle = Scenario::new().sandbox(|_| {});
    let url = idle.url().expect("a sandbox has a URL");
    let running = scenario
        .start([])
        .until("the first update", |scenario| scenario.counts().applied > 0);
    scenario
        .custsync([
            "run",
            "customers.csv",
            "--run-dir",
            "run",
            "--base-url",
            &url,
        ])
        .exits(5)
        .says("another process");
    running.end().exits(0).counts([20, 0, 0, 0, 0]);
    assert_eq!(idle.counts().requests, 0);
    assert_eq!(scenario.counts().requests, 20);
}

#[test]
fn a_torn_last_line_is_kept_and_its_row_is_sent_again() {
    let scenario = finished(10);
    let mut torn = Vec::new();
    scenario.edit(JOURNAL, |journal| {
        let last = journal
            .windows(7)
            .rposition(|begin| begin == b"{\"row\":")
            .expect("several rows");
        journal.truncate(last + 20);
        torn = journal[last..].to_vec();
    });
    let end = scenario.run([]).exits(0).counts([10, 0, 0, 0, 0]);
    assert_eq!(end.file("results.torn"), torn);
    end.results().settle_each_of(10);
    assert_eq!(scenario.counts().requests, 11);
}

#[test]
fn damage_before_good_lines_is_never_guessed_around() {
    let scenario = finished(10);
    let mut offset = 0;
    scenario.edit(JOURNAL, |journal| {
        let ends: Vec<_> = (0..journal.len())
            .filter(|at| journal[*at] == b'\n')
            .collect();
        offset = ends[4] + 1;
        journal[offset + 10] ^= 1;
    });
    let damaged = scenario.read(JOURNAL);
    scenario
        .run([])
        .exits(5)
        .says(&format!("byte {offset}"))
        .says("nothing was sent");
    assert_eq!(scenario.counts().requests, 10);
    assert_eq!(
        scenario.read(JOURNAL),
        damaged,
        "the journal stays as it was"
    );
}
