//! The run directory that shards share, and those that it is not for.

use super::{expect_shards, run_all, start, start_in};
use crate::harness::{Customers, Scenario};

fn scenario(rows: u64) -> Scenario {
    Scenario::new()
        .csv(&Customers::in_turn(rows, 1, 5))
        .sandbox(|_| {})
}

/// Runs without shards in the shared directory, or in another one.
fn run_in(scenario: &Scenario, directory: &str) -> crate::harness::End {
    let url = scenario.url().expect("a sandbox");
    scenario.custsync([
        "run",
        "customers.csv",
        "--run-dir",
        directory,
        "--base-url",
        &url,
        "--null-string",
        "NULL",
    ])
}

#[test]
fn shards_need_a_directory_that_all_can_find() {
    let scenario = scenario(4);
    let url = scenario.url().expect("a sandbox");
    scenario
        .custsync(["run", "customers.csv", "--shard", "1/2", "--base-url", &url])
        .exits(2)
        .says("--shard needs --run-dir");
    assert_eq!(scenario.ledger().len(), 0);
}

#[test]
fn another_number_of_shards_is_another_run() {
    let scenario = scenario(40);
    run_all(&scenario, 4);
    start(&scenario, "1/8", &[])
        .end()
        .exits(5)
        .says("the run in run is divided into 4 shards, not 8: use the same number, or another directory; nothing was sent");
    run_in(&scenario, "run")
        .exits(5)
        .says("the run directory run holds the shards of a run");
    assert_eq!(scenario.ledger().len(), 40);
    // In another directory all rows are sent again, as by any new run.
    for index in 1..=8 {
        let shard = format!("{index}/8");
        start_in(&scenario, "again", &shard, &[]).end().exits(0);
    }
    assert_eq!(scenario.ledger().len(), 80);
    scenario
        .custsync(["report", "again", "--expect-shards"])
        .exits(0);
}

#[test]
fn a_run_without_shards_is_not_continued_by_one() {
    let scenario = scenario(4);
    run_in(&scenario, "run").exits(0);
    start(&scenario, "1/2", &[])
        .end()
        .exits(5)
        .says("the run directory run holds a run without shards");
}

#[test]
fn the_directory_of_the_shard_may_be_named() {
    let scenario = scenario(40);
    start(&scenario, "1/2", &[]).end().exits(0);
    let sent = scenario.ledger().len();
    start_in(&scenario, "run/shard-1-of-2", "1/2", &[])
        .end()
        .exits(0);
    assert_eq!(scenario.ledger().len(), sent, "it has finished before");
    start_in(&scenario, "run/shard-1-of-2", "2/2", &[])
        .end()
        .exits(5)
        .says("run/shard-1-of-2 is the directory of another shard than 2/2: name run");
    run_in(&scenario, "run/shard-1-of-2").exits(5).says(
        "the run directory run/shard-1-of-2 holds shard 1/2 of a run, not a run without shards",
    );
}

#[test]
fn all_shards_have_the_same_input_and_settings() {
    let scenario = scenario(40);
    start(&scenario, "1/2", &[]).end().exits(0);
    start(&scenario, "2/2", &["--trim"])
        .end()
        .exits(5)
        .says("the run directory run holds a run with another trim");
    let input = scenario.read("customers.csv").expect("the input");
    scenario.edit("customers.csv", |input| input.reverse());
    start(&scenario, "2/2", &[])
        .end()
        .exits_with_one_of(&[2, 5]);
    scenario.write("customers.csv", &input);
    scenario.edit("customers.csv", |input| {
        let at = input
            .iter()
            .position(|byte| *byte == b'\n')
            .expect("a line")
            + 1;
        // Another customer in the first row.
        input.splice(at..at, *b"7");
    });
    start(&scenario, "2/2", &[])
        .end()
        .exits(5)
        .says("customers.csv is not the input of the other shards in run");
    scenario.write("customers.csv", &input);
    start(&scenario, "2/2", &[]).end().exits(0);
    expect_shards(&scenario).exits(0);
}

#[test]
fn an_input_that_has_grown_is_continued_by_each_shard() {
    let rows = |ids: std::ops::RangeInclusive<u32>| ids.map(|id| format!("{id},clerk\n"));
    let input: String = std::iter::once("id,job\n".to_owned())
        .chain(rows(1..=40))
        .collect();
    let scenario = Scenario::new().file("customers.csv", input).sandbox(|_| {});
    start(&scenario, "1/2", &[]).end().exits(0);
    scenario.edit("customers.csv", |input| {
        input.extend(rows(41..=50).flat_map(String::into_bytes));
    });
    start(&scenario, "2/2", &[]).end().exits(0);
    expect_shards(&scenario)
        .exits(5)
        .says("do not add up to the input");
    start(&scenario, "1/2", &[]).end().exits(0);
    expect_shards(&scenario).exits(0);
    assert_eq!(scenario.ledger().len(), 50);
}

#[test]
fn a_second_process_of_a_shard_stops_at_once() {
    let customers = Customers::in_turn(200, 1, 6);
    let scenario = Scenario::new()
        .csv(&customers)
        .sandbox(|options| options.latency = "20ms..40ms".parse().expect("latencies"));
    let first = start(&scenario, "1/2", &["--max-in-flight", "1"])
        .until("an update", |scenario| scenario.ledger().len() > 2);
    start(&scenario, "1/2", &[])
        .end()
        .exits(5)
        .says("another process is at work in the run directory run/shard-1-of-2");
    // The other shard is not in the way.
    start(&scenario, "2/2", &[]).end().exits(0);
    first.end().exits(0);
    expect_shards(&scenario).exits(0);
}

#[test]
fn a_damaged_list_of_shards_is_refused() {
    let scenario = scenario(4);
    start(&scenario, "1/2", &[]).end().exits(0);
    for content in ["", "{}", "[]\n", "{\"custsync_shards\":2}"] {
        scenario.write("run/shards.json", content);
        start(&scenario, "2/2", &[])
            .end()
            .exits(5)
            .says("run/shards.json is damaged, or of another version of custsync");
    }
}
