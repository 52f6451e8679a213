//! Several processes share the rows of an input: each customer's rows are sent by one of them.

mod directories;
mod files;
mod kills;
mod undo;

use std::collections::BTreeMap;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Customers, End, Form, Results, Running, Scenario};

/// The exit code of a report on shards that have not all finished.
const NOT_YET: i32 = 4;

/// Starts this shard of the scenario's run, with these flags.
fn start<'s>(scenario: &'s Scenario, shard: &str, flags: &[&str]) -> Running<'s> {
    start_in(scenario, "run", shard, flags)
}

/// Starts this shard of a run in this directory, with these flags.
fn start_in<'s>(
    scenario: &'s Scenario,
    directory: &str,
    shard: &str,
    flags: &[&str],
) -> Running<'s> {
    let url = scenario.url().expect("a sandbox");
    let words = ["run", "customers.csv", "--run-dir", directory];
    let words = words.into_iter().chain(["--shard", shard]);
    let words = words
        .into_iter()
        .chain([
            "--base-url",
            &url,
            "--rate",
            "unlimited",
            "--null-string",
            "NULL",
        ])
        .chain(flags.iter().copied());
    scenario.start_words(words)
}

/// Runs all shards one after the other.
fn run_all(scenario: &Scenario, of: u32) -> Vec<End> {
    let shards = (1..=of).map(|index| start(scenario, &format!("{index}/{of}"), &[]).end());
    shards.collect()
}

/// The journal of a shard.
fn results(scenario: &Scenario, index: u32, of: u32) -> Results {
    let journal = scenario.read(&format!("run/shard-{index}-of-{of}/results.ndjson"));
    Results::parse(&journal.expect("a journal"))
}

/// The summary of a shard.
fn summary(scenario: &Scenario, index: u32, of: u32) -> Value {
    let summary = scenario.read(&format!("run/shard-{index}-of-{of}/summary.json"));
    serde_json::from_slice(&summary.expect("a summary")).expect("JSON")
}

/// The rows that a journal leaves to other shards.
fn elsewhere(results: &Results) -> Vec<u64> {
    let lines = results.facts.iter();
    let ranges = lines
        .filter(|line| line["outcome"] == "elsewhere")
        .flat_map(|line| line["rows"].as_array().expect("ranges"));
    let mut rows: Vec<u64> = ranges
        .flat_map(|range| {
            let end = |at: usize| range[at].as_u64().expect("a row");
            end(0)..=end(1)
        })
        .collect();
    rows.sort_unstable();
    rows
}

/// Checks that each row of the input has an outcome in one shard, and is left to it by all others.
/// Returns the shard of each row.
fn divide(scenario: &Scenario, rows: usize, of: u32) -> BTreeMap<u64, u32> {
    let mut shards = BTreeMap::new();
    for index in 1..=of {
        let results = results(scenario, index, of);
        let mut all = elsewhere(&results);
        for row in results.by_row().into_keys() {
            let other = shards.insert(row, index);
            assert_eq!(other, None, "row {row} is in two shards");
            all.push(row);
        }
        all.sort_unstable();
        let want: Vec<u64> = (1..=rows as u64).collect();
        assert_eq!(all, want, "shard {index} knows each row once");
    }
    assert_eq!(shards.len(), rows, "each row is in a shard");
    shards
}

/// Runs `custsync report --expect-shards` on the shared directory.
fn expect_shards(scenario: &Scenario) -> End {
    scenario.custsync([
        "report",
        "run",
        "--expect-shards",
        "--output-format",
        "json",
    ])
}

/// The rows of a JSON report by outcome.
fn books(report: &End) -> BTreeMap<String, u64> {
    let json: Value = serde_json::from_str(&report.stdout).expect("JSON");
    let parts = json["runs"][0]["books"]["parts"].as_object();
    let rows = parts.expect("books").iter();
    rows.map(|(name, rows)| (name.clone(), rows.as_u64().expect("rows")))
        .collect()
}

#[test]
fn four_processes_share_the_rows_of_a_file() {
    let customers = Customers::with_bad(2_000, 3, Form::Csv, 1);
    let scenario = Scenario::new().csv(&customers).sandbox(|_| {});
    let all = ["1/4", "2/4", "3/4", "4/4"].map(|shard| start(&scenario, shard, &[]));
    for running in all {
        running.end().exits(1);
    }
    divide(&scenario, customers.len(), 4);
    let (applied, repeats) = scenario.ledger().without_repeats();
    assert_eq!(applied, customers.bodies_by_customer());
    assert_eq!(repeats, 0);
    let bad = customers.bad().count() as u64;
    let report = expect_shards(&scenario).exits_with_one_of(&[1]);
    let want = [("invalid", bad), ("updated", 2_000 - bad)];
    let want = want.map(|(name, rows)| (name.to_owned(), rows)).into();
    assert_eq!(books(&report), want);
}

#[test]
fn a_customer_s_rows_belong_to_one_shard() {
    let customers = Customers::in_turn(50, 6, 2);
    let scenario = Scenario::new().csv(&customers).sandbox(|_| {});
    run_all(&scenario, 3);
    let shards = divide(&scenario, customers.len(), 3);
    let mut of_customer = BTreeMap::new();
    for (row, customer) in (1..).zip(&customers.rows) {
        let shard = shards[&row];
        assert_eq!(*of_customer.entry(customer.id).or_insert(shard), shard);
    }
    let (applied, _) = scenario.ledger().without_repeats();
    assert_eq!(applied, customers.bodies_by_customer());
    expect_shards(&scenario).exits(0);
}

#[test]
fn a_row_without_a_customer_belongs_to_the_first_shard() {
    let rows = "id,job\n1042,a\nx,b\n,c\n1,\n";
    let scenario = Scenario::new().file("customers.csv", rows).sandbox(|_| {});
    for shard in ["1/4", "4/4"] {
        start(
            &scenario,
            shard,
            &["--empty", "error", "--max-errors", "none"],
        )
        .end()
        .exits(1);
    }
    let own = |index| {
        results(&scenario, index, 4)
            .by_row()
            .into_keys()
            .collect::<Vec<_>>()
    };
    // Both customers belong to the fourth, also the one whose row is invalid.
    assert_eq!((own(1), own(4)), (vec![2, 3], vec![1, 4]));
}

#[test]
fn shards_that_are_missing_or_unfinished_are_named() {
    let customers = Customers::in_turn(400, 1, 3);
    let scenario = Scenario::new()
        .csv(&customers)
        .sandbox(|options| options.latency = "1ms..3ms".parse().expect("latencies"));
    start(&scenario, "1/3", &[]).end().exits(0);
    expect_shards(&scenario)
        .exits(NOT_YET)
        .says("not all 3 shards have finished: missing: 2, 3");
    let before = scenario.ledger().len();
    start(&scenario, "3/3", &["--max-in-flight", "1"])
        .until("some updates", |scenario| {
            scenario.ledger().len() > before + 20
        })
        .signal(Signal::TERM)
        .end()
        .exits(143);
    expect_shards(&scenario)
        .exits(NOT_YET)
        .says("not all 3 shards have finished: missing: 2; unfinished: 3");
    scenario
        .custsync(["report", "run"])
        .exits(0)
        .prints("1 of 3 shards have finished.")
        .prints(" rows are left.")
        .prints("Shard 2 of 3 is missing.");
    start(&scenario, "2/3", &[]).end().exits(0);
    start(&scenario, "3/3", &[]).end().exits(0);
    let report = expect_shards(&scenario).exits(0);
    assert_eq!(books(&report), [("updated".to_owned(), 400)].into());
    divide(&scenario, 400, 3);
    // Without shards there is nothing to expect.
    scenario
        .custsync(["report", "run/shard-1-of-3", "--expect-shards"])
        .exits(NOT_YET);
}

#[test]
fn a_pod_of_an_indexed_job_knows_its_shard() {
    let customers = Customers::in_turn(40, 1, 4);
    let mut scenario = Scenario::new().csv(&customers).sandbox(|_| {});
    let run_in = |scenario: &Scenario, directory: &str, flags: &[&str]| {
        let url = scenario.url().expect("a sandbox");
        let words = [
            "run",
            "customers.csv",
            "--run-dir",
            directory,
            "--base-url",
            &url,
        ];
        let words = words.into_iter().chain(["--null-string", "NULL"]);
        scenario
            .start_words(words.chain(flags.iter().copied()))
            .end()
    };
    run_in(&scenario, "run", &["--shards", "2"])
        .exits(2)
        .says("--shards: this process has no number, because JOB_COMPLETION_INDEX is not set");
    for (index, code) in [("0", 0), ("1", 0), ("2", 2), ("99", 2), ("x", 2), ("-1", 2)] {
        scenario.set_variable("JOB_COMPLETION_INDEX", index);
        let end = run_in(&scenario, "run", &["--shards", "2"]).exits(code);
        if code == 2 {
            end.says("JOB_COMPLETION_INDEX: ")
                .says("is not a whole number from 0 to 1");
        }
    }
    expect_shards(&scenario).exits(0);
    assert_eq!(scenario.ledger().len(), 40);
    scenario.set_variable("JOB_COMPLETION_INDEX", "1");
    scenario.set_variable("CUSTSYNC_SHARDS", "3");
    run_in(&scenario, "run", &["--shard", "2/2"]).exits(0);
    scenario.set_variable("CUSTSYNC_SHARDS", "2");
    run_in(&scenario, "run", &["--shards", "2", "--shard", "1/2"])
        .exits(2)
        .says("--shard and --shards contradict each other");
    // A pod's number is of no interest to a run without shards.
    run_in(&scenario, "other", &[]).exits(0);
    run_in(&scenario, "other", &["--shards", "1001"])
        .exits(2)
        .says("`1001` is not a whole number from 1 to 1000");
}
