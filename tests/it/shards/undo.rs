//! The undo of all shards of a run, or of one.

use serde_json::Value;

use super::{start, summary};
use crate::harness::{Customers, End, Scenario};

const CUSTOMERS: u64 = 40;

/// A run of two shards, whose customers can be put back.
fn undoable() -> (Scenario, Vec<Value>) {
    let customers = Customers::in_turn(CUSTOMERS, 2, 11);
    let scenario = Scenario::new().csv(&customers).sandbox(|_| {});
    let before = shown(&scenario);
    for shard in ["1/2", "2/2"] {
        start(&scenario, shard, &["--undoable"]).end().exits(0);
    }
    assert_ne!(shown(&scenario), before);
    (scenario, before)
}

/// The customers that the API shows, without the time of their last change.
fn shown(scenario: &Scenario) -> Vec<Value> {
    let sandbox = scenario.sandbox_thread();
    (1..=CUSTOMERS)
        .map(|id| {
            let mut customer = sandbox.customer(id);
            customer
                .as_object_mut()
                .expect("an object")
                .remove("updated_at");
            customer
        })
        .collect()
}

fn undo(scenario: &Scenario, directory: &str, flags: &[&str]) -> End {
    let url = scenario.url().expect("a sandbox");
    let words = [
        "undo",
        directory,
        "--base-url",
        &url,
        "--rate",
        "unlimited",
        "--without-field",
        "country_id",
    ];
    scenario
        .start_words(words.into_iter().chain(flags.iter().copied()))
        .end()
}

#[test]
fn all_shards_are_put_back() {
    let (scenario, before) = undoable();
    let end = undo(&scenario, "run", &["--dry-run"])
        .exits(0)
        .prints("The undo of run would put back 40 customers. Nothing was sent.");
    assert!(end.stderr.is_empty() || !end.stderr.contains("recording in"));
    undo(&scenario, "run", &[]).exits(0);
    let after = shown(&scenario);
    let without_country = |customers: &[Value]| {
        let mut customers = customers.to_vec();
        for customer in &mut customers {
            customer
                .as_object_mut()
                .expect("an object")
                .remove("country_id");
        }
        customers
    };
    assert_eq!(without_country(&after), without_country(&before));
    let end = scenario.custsync([
        "report",
        "run/shard-1-of-2/undo",
        "run/shard-2-of-2/undo",
        "--expect-shards",
    ]);
    end.exits(0);
    start(&scenario, "1/2", &["--undoable"])
        .end()
        .exits(5)
        .says("is being put back");
    // Again, nothing is left to do.
    let updates = scenario.ledger().len();
    undo(&scenario, "run", &[]).exits(0);
    assert_eq!(scenario.ledger().len(), updates);
}

#[test]
fn one_shard_is_put_back_alone() {
    let (scenario, before) = undoable();
    let written = shown(&scenario);
    undo(&scenario, "run/shard-1-of-2", &[]).exits(0);
    let after = shown(&scenario);
    let back = (0..before.len()).filter(|at| after[*at]["first_name"] == before[*at]["first_name"]);
    let kept = (0..before.len()).filter(|at| after[*at] == written[*at]);
    let of_first = summary(&scenario, 1, 2)["updated"]
        .as_u64()
        .expect("a count")
        / 2;
    assert_eq!(
        (back.count() as u64, kept.count() as u64),
        (of_first, CUSTOMERS - of_first)
    );
    scenario
        .custsync(["report", "run/shard-1-of-2/undo", "--expect-shards"])
        .exits(4);
}

#[test]
fn files_with_values_of_all_shards_are_deleted() {
    let (scenario, _) = undoable();
    scenario.custsync(["forget", "run"]).exits(0);
    for index in 1..=2 {
        assert!(
            scenario
                .read(&format!("run/shard-{index}-of-2/before.ndjson"))
                .is_none()
        );
        assert!(
            scenario
                .read(&format!("run/shard-{index}-of-2/results.ndjson"))
                .is_some()
        );
    }
    undo(&scenario, "run", &[])
        .exits(2)
        .says("is gone: without it, nothing can be put back");
}
