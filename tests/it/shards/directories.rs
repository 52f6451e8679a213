//! The run directory that shards share, and those that it is not for.

use super::{expect_shards, run_all, start, start_in};
use crate::harness::{Customers, Scenario, rounds};

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
        .says("the run directory run holds a run or a check without shards");
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
    let good = scenario.read("run/shards.json").expect("the list");
    let none = String::from_utf8(good)
        .expect("text")
        .replace("\"shards\": 2", "\"shards\": 0");
    for content in ["", "{}", "[]\n", "{\"custsync_shards\":2}", &none] {
        scenario.write("run/shards.json", content);
        start(&scenario, "2/2", &[])
            .end()
            .exits(5)
            .says("run/shards.json is damaged, or of another version of custsync: delete it");
    }
    // As the message says.
    std::fs::remove_file(scenario.path("run/shards.json")).expect("our own file");
    let updates = scenario.ledger().len();
    start(&scenario, "1/2", &[]).end().exits(0);
    assert_eq!(scenario.ledger().len(), updates, "it had finished before");
    std::fs::remove_file(scenario.path("run/shards.json")).expect("our own file");
    start(&scenario, "1/3", &[])
        .end()
        .exits(5)
        .says("run/shard-1-of-2 is a shard of a run that is divided otherwise");
    assert_eq!(scenario.ledger().len(), updates);
}

#[test]
fn a_check_does_not_spoil_the_directory_of_shards() {
    let scenario = scenario(8);
    start(&scenario, "1/2", &[]).end().exits(0);
    for flags in [
        &["--null-string", "NULL"][..],
        &["--null-string", "NULL", "--shard", "2/2"],
    ] {
        let words = ["check", "customers.csv", "--run-dir", "run"];
        scenario
            .start_words(words.into_iter().chain(flags.iter().copied()))
            .end()
            .exits(5)
            .says("the run directory run holds the shards of a run");
    }
    start(&scenario, "2/2", &[]).end().exits(0);
    expect_shards(&scenario).exits(0);
}

#[test]
fn of_a_run_with_shards_and_one_without_only_one_kind_begins() {
    for round in 0..rounds(3, 20) {
        let scenario = scenario(8);
        let url = scenario.url().expect("a sandbox");
        let alone = || {
            let words = [
                "run",
                "customers.csv",
                "--run-dir",
                "run",
                "--base-url",
                &url,
            ];
            scenario.start_words(words.into_iter().chain(["--null-string", "NULL"]))
        };
        let all = if round % 2 == 0 {
            [
                start(&scenario, "1/2", &[]),
                alone(),
                start(&scenario, "2/2", &[]),
            ]
        } else {
            [
                alone(),
                start(&scenario, "1/2", &[]),
                start(&scenario, "2/2", &[]),
            ]
        };
        for running in all {
            running.end().exits_with_one_of(&[0, 5]);
        }
        let is_shared = scenario.read("run/shards.json").is_some();
        let is_single = scenario.read("run/results.ndjson").is_some();
        assert_ne!(is_shared, is_single, "round {round}");
        let (_, repeats) = scenario.ledger().without_repeats();
        assert_eq!(repeats, 0, "round {round}");
    }
}

#[test]
fn shards_of_other_inputs_do_not_add_up() {
    // Each row belongs to the other shard in the other input.
    let ids = |shard: u32| {
        let of_shard = move |id: &u32| crc32(*id) % 2 + 1 == shard;
        (1..).filter(of_shard).take(4).collect::<Vec<_>>()
    };
    let input = |first: u32| {
        let rows = ids(first).into_iter().chain(ids(3 - first));
        let rows = rows.map(|id| format!("{id},clerk\n"));
        std::iter::once("id,job\n".to_owned())
            .chain(rows)
            .collect::<String>()
    };
    let mut scenario = Scenario::new().stdin(input(1)).sandbox(|_| {});
    let url = scenario.url().expect("a sandbox");
    let pipe = |scenario: &Scenario, shard: &str| {
        scenario.custsync([
            "run",
            "-",
            "--run-dir",
            "run",
            "--shard",
            shard,
            "--base-url",
            &url,
        ])
    };
    pipe(&scenario, "1/2").exits(0);
    scenario.pipe(input(2));
    pipe(&scenario, "2/2").exits(0);
    expect_shards(&scenario)
        .exits(5)
        .says("in no shard, or in several: 8 rows");
}

/// The CRC-32 of the digits of an id.
fn crc32(id: u32) -> u32 {
    let mut crc = u32::MAX;
    for byte in id.to_string().bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}
