//! The files that each shard has one of: failed rows, states, lists of changes, summaries, metrics.

use super::{results, start, start_in, summary};
use crate::harness::{Customers, Scenario};

#[test]
fn corrected_failed_rows_are_sent_by_one_process_whatever_their_customers() {
    // Customer 1042 belongs to shard 4, and customer 2 to shard 2.
    let rows = "id,job\n1042,\n2,b\n";
    let scenario = Scenario::new().file("customers.csv", rows).sandbox(|_| {});
    let flags = ["--empty", "error", "--max-errors", "none"];
    start(&scenario, "4/4", &flags).end().exits(1);
    let failed = scenario
        .read("run/shard-4-of-4/failed.csv")
        .expect("failed rows");
    let corrected = String::from_utf8(failed)
        .expect("text")
        .replace("1042,", "2,c");
    scenario.write("corrected.csv", corrected);
    let url = scenario.url().expect("a sandbox");
    scenario
        .custsync([
            "run",
            "corrected.csv",
            "--run-dir",
            "corrected",
            "--shard",
            "4/4",
            "--base-url",
            &url,
        ])
        .exits(0)
        .says("--shard 4/4 does not apply to failed rows: this process sends all of them");
    assert_eq!(scenario.ledger().0[0].id, 2);
    scenario
        .custsync([
            "run",
            "corrected.csv",
            "customers.csv",
            "--run-dir",
            "both",
            "--shard",
            "4/4",
            "--base-url",
            &url,
        ])
        .exits(2)
        .says("some inputs are failed rows, which shards do not share");
    scenario
        .custsync([
            "run",
            "corrected.csv",
            "--run-dir",
            "night",
            "--state",
            "a.state",
            "--full-resync",
            "--shard",
            "4/4",
            "--base-url",
            &url,
        ])
        .exits(2)
        .says("each shard has a state of its own");
}

#[test]
fn the_command_for_failed_rows_names_no_shard() {
    let rows = "id,job\n1042,\n";
    let scenario = Scenario::new().file("customers.csv", rows).sandbox(|_| {});
    let end = start(
        &scenario,
        "4/4",
        &["--empty", "error", "--max-errors", "none"],
    )
    .end()
    .exits(1);
    let command = end.next_command();
    assert!(command.contains("run/shard-4-of-4/failed.csv"), "{command}");
    assert!(!command.contains("--shard "), "{command}");
    // Other shards have other failed rows.
    assert!(
        command.contains("--run-dir run-shard-4-of-4-corrected"),
        "{command}"
    );
}

#[test]
fn each_shard_has_its_own_state_and_sends_what_has_changed() {
    let customers = Customers::in_turn(60, 1, 7);
    let scenario = Scenario::new().csv(&customers).sandbox(|_| {});
    let night = |directory: &str, more: &[&str]| {
        for index in 1..=3 {
            let shard = format!("{index}/3");
            let mut flags = vec!["--state", "nightly.state", "--changes", "changes.csv"];
            flags.extend(more);
            start_in(&scenario, directory, &shard, &flags)
                .end()
                .exits(0);
        }
    };
    night("first", &["--full-resync"]);
    assert_eq!(scenario.ledger().len(), 60);
    assert!(scenario.read("nightly.state").is_none());
    night("second", &[]);
    assert_eq!(scenario.ledger().len(), 60, "nothing has changed");
    scenario.edit("customers.csv", |input| {
        let text = String::from_utf8(input.clone()).expect("text");
        *input = text.replacen("N0000030", "N0000030x", 1).into_bytes();
    });
    night("third", &[]);
    assert_eq!(scenario.ledger().len(), 61);
    let changes = (1..=3).map(|index| {
        let list = scenario
            .read(&format!("changes.shard-{index}-of-3.csv"))
            .expect("a list");
        String::from_utf8(list).expect("text").lines().count() - 1
    });
    assert_eq!(
        changes.sum::<usize>(),
        1,
        "no customer of another shard is new or absent"
    );
    // A state is of one shard.
    std::fs::rename(
        scenario.path("nightly.shard-1-of-3.state"),
        scenario.path("nightly.shard-2-of-3.state"),
    )
    .expect("our own file");
    start_in(&scenario, "fourth", "2/3", &["--state", "nightly.state"])
        .end()
        .exits(5)
        .says("shard 1 of 3");
    // Another number of shards has other states.
    start_in(&scenario, "fifth", "1/2", &["--state", "nightly.state"])
        .end()
        .exits(2)
        .says("there is no state nightly.shard-1-of-2.state");
}

#[test]
fn summaries_and_metrics_of_shards_do_not_overwrite_each_other() {
    let customers = Customers::in_turn(60, 1, 8);
    let scenario = Scenario::new().csv(&customers).sandbox(|_| {});
    for shard in ["1/2", "2/2"] {
        start(
            &scenario,
            shard,
            &[
                "--summary-file",
                "summary.json",
                "--metrics-file",
                "custsync.prom",
            ],
        )
        .end()
        .exits(0);
    }
    let mut updated = 0;
    for index in 1..=2 {
        let own = |name: &str| {
            let file = scenario.read(&name.replacen('.', &format!(".shard-{index}-of-2."), 1));
            String::from_utf8(file.expect("the shard's own file")).expect("text")
        };
        let told: serde_json::Value = serde_json::from_str(&own("summary.json")).expect("JSON");
        assert_eq!(told["updated"], summary(&scenario, index, 2)["updated"]);
        updated += told["updated"].as_u64().expect("a count");
        let metrics = own("custsync.prom");
        let line = format!("custsync_rows_total{{shard=\"{index}/2\",outcome=\"updated\"}}");
        assert!(metrics.contains(&line), "{metrics}");
        let samples = metrics.lines().filter(|line| !line.starts_with('#'));
        assert!(
            samples.clone().all(|line| line.contains("shard=")),
            "{metrics}"
        );
    }
    assert_eq!(updated, 60);
}

#[test]
fn a_check_of_a_shard_counts_its_rows() {
    let customers = Customers::in_turn(60, 1, 9);
    let scenario = Scenario::new().csv(&customers).sandbox(|_| {});
    let end = scenario
        .check(["--shard", "1/2"])
        .exits(0)
        .prints("belong to other shards");
    let flags = [
        "check",
        "customers.csv",
        "--shard",
        "1/2",
        "--null-string",
        "NULL",
    ];
    let alone = scenario.custsync(flags).exits_with_one_of(&[0]);
    assert!(
        alone.next_command().contains("--run-dir shared-run"),
        "{}",
        alone.stdout
    );
    let (valid, others) = (&end.summary()["valid"], &end.summary()["elsewhere"]);
    assert_eq!(
        valid
            .as_u64()
            .zip(others.as_u64())
            .map(|(one, other)| one + other),
        Some(60)
    );
    start_in(&scenario, "sent", "1/2", &[]).end().exits(0);
    assert_eq!(
        scenario.ledger().len() as u64,
        valid.as_u64().expect("a count")
    );
}

#[test]
fn the_header_names_the_shard() {
    let customers = Customers::in_turn(4, 1, 10);
    let scenario = Scenario::new().csv(&customers).sandbox(|_| {});
    start(&scenario, "2/3", &[]).end().exits(0);
    let header = results(&scenario, 2, 3).header;
    assert_eq!(header["shard"], serde_json::json!({"index": 2, "of": 3}));
}
