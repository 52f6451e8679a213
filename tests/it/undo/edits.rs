//! Edits by a third party survive an undo, and are named if the run has set the field, too.

use std::collections::BTreeSet;

use custsync::testing::sandbox::SandboxThread;
use serde_json::{Value, json};

use super::world::{KILLED, Plan};
use crate::harness::{End, Scenario, rounds};

/// Two customers' rows; the first has two.
const ROWS: &str = "id,first_name,email,job\n1,Zoe,zoe@example.com,\n2,Ann,,Nurse\n1,,,Judge\n";

/// The seeds after which a row must have been unclear.
const SEEDS_MAX: usize = 10;

/// A run of `ROWS` that has ended.
fn ended() -> Scenario {
    let scenario = Scenario::new()
        .file("customers.csv", ROWS)
        .unlimited()
        .sandbox(|_| {});
    scenario.run(["--undoable"]).exits(0);
    scenario
}

fn value(sandbox: &SandboxThread, customer: u64, field: &str) -> Value {
    sandbox.customer(customer)[field].clone()
}

/// The results of an undo's customer, by its row.
fn result(scenario: &Scenario, directory: &str, row: u64) -> Value {
    let journal = scenario.read(&format!("{directory}/results.ndjson"));
    let results = crate::harness::Results::parse(&journal.expect("the undo has results"));
    results.row(row).clone()
}

fn fields_named(result: &Value) -> Vec<&str> {
    let errors = result["errors"].as_array().into_iter().flatten();
    errors
        .map(|error| error["field"].as_str().expect("a name"))
        .collect()
}

#[test]
fn an_edit_of_a_field_that_the_run_has_set_is_a_conflict() {
    let scenario = ended();
    let sandbox = scenario.sandbox_thread();
    for (field, new) in [("first_name", "Zora"), ("address", "Elsewhere 7")] {
        sandbox.edit(1, field, json!(new)).expect("it is there");
    }
    scenario.undo([]).exits(1);
    let line = result(&scenario, "run/undo", 1);
    assert_eq!(line["outcome"], "conflict", "{line}");
    assert_eq!(fields_named(&line), ["first_name"], "{line}");
    assert_eq!(line["errors"][0]["code"], "changed", "{line}");
    assert_eq!(value(sandbox, 1, "first_name"), "Zora");
    assert_eq!(value(sandbox, 1, "address"), "Elsewhere 7");
    assert_eq!(value(sandbox, 1, "email"), "customer1@example.com");
    assert_eq!(result(&scenario, "run/undo", 2)["outcome"], "updated");
}

#[test]
fn a_forced_undo_puts_back_what_somebody_has_changed() {
    let scenario = ended();
    let sandbox = scenario.sandbox_thread();
    let edit = |field: &str, new: &str| sandbox.edit(1, field, json!(new)).expect("it is there");
    edit("first_name", "Zora");
    edit("address", "Elsewhere 7");
    scenario.undo(["--dry-run", "--force"]).exits(0);
    assert_eq!(value(sandbox, 1, "first_name"), "Zora");
    scenario.undo(["--force"]).exits(0);
    let untouched = SandboxThread::start(custsync::testing::sandbox::SandboxOptions::default());
    let untouched = untouched.expect("the sandbox starts");
    for customer in [1, 2] {
        let mut want = untouched.customer(customer);
        if customer == 1 {
            want["address"] = json!("Elsewhere 7");
        }
        assert_eq!(sandbox.customer(customer), want);
    }
}

#[test]
fn a_forced_undo_goes_on_from_one_that_has_found_conflicts() {
    let scenario = ended();
    let sandbox = scenario.sandbox_thread();
    sandbox
        .edit(1, "first_name", json!("Zora"))
        .expect("it is there");
    scenario.undo([]).exits(1);
    scenario.undo(["--force", "--run-dir", "forced"]).exits(0);
    assert_eq!(result(&scenario, "forced", 1)["outcome"], "updated");
    assert_ne!(value(sandbox, 1, "first_name"), "Zora");
    assert_ne!(value(sandbox, 1, "first_name"), "Zoe");
}

#[test]
fn an_edit_between_two_rows_of_a_customer_is_what_is_put_back() {
    let mut scenario = Scenario::new()
        .file(
            "customers.csv",
            "id,job,email\n1,Nurse,\n1,Judge,new@example.com\n",
        )
        .flags(["--undoable"])
        .unlimited()
        .sandbox(|_| {});
    scenario.set_variable("KILL_OF_A_TEST", "entry-written@1");
    if scenario.run([]).code() != KILLED {
        println!("did not run: only builds with debug assertions kill themselves on demand");
        return;
    }
    let sandbox = scenario.sandbox_thread();
    assert_eq!(value(sandbox, 1, "job"), "Nurse");
    sandbox.edit(1, "job", json!("Pilot")).expect("it is there");
    scenario.set_variable("KILL_OF_A_TEST", "");
    scenario.run([]).exits(0);
    let sandbox = scenario.sandbox_thread();
    assert_eq!(value(sandbox, 1, "job"), "Judge");
    scenario.undo([]).exits(0);
    assert_eq!(value(sandbox, 1, "job"), "Pilot");
}

#[test]
fn edits_between_a_read_and_its_update_survive_if_they_are_of_other_fields() {
    for seed in (5_000..).take(rounds(2, 50)) {
        let mut plan = Plan::new(seed).without_edited_fields();
        plan.edits_after = "40%";
        let mut world = plan.world();
        world.run(&[]);
        let undone = world.undo(&[]);
        assert_eq!(world.is_undone(&undone), 0, "seed {seed}");
        undone.end.exits(0);
        let edits = world.scenario.sandbox_thread().edits().len();
        assert!(edits > 2, "seed {seed}: {edits} edits");
    }
}

/// What the API makes of a row's value is no value of somebody else, even if the next row of the
/// customer finds it.
#[test]
fn a_value_that_the_api_has_changed_is_never_what_is_put_back() {
    let scenario = Scenario::new()
        .file("customers.csv", "id,first_name\n1,ZOE\n2,Ann\n1,ZORA\n")
        .unlimited()
        .sandbox(|options| options.echo = "first_name=lower-case".parse().unwrap());
    let sandbox = scenario.sandbox_thread();
    let before = [1, 2].map(|customer| sandbox.customer(customer));
    scenario.run(["--undoable"]).exits(0);
    assert_eq!(value(sandbox, 1, "first_name"), "zora");
    // What is there now may be the API's form of the value, or somebody's: nobody can tell.
    scenario.undo([]).exits(1);
    let line = result(&scenario, "run/undo", 1);
    assert_eq!(fields_named(&line), ["first_name"], "{line}");
    scenario.undo(["--force"]).exits(0);
    for (customer, before) in [1, 2].into_iter().zip(before) {
        let after = sandbox.customer(customer);
        let name = before["first_name"]
            .as_str()
            .expect("a name")
            .to_lowercase();
        assert_eq!(after["first_name"], name, "{after}");
    }
}

#[test]
fn a_second_undo_sends_nothing() {
    let scenario = ended();
    scenario.undo([]).exits(0);
    let before = scenario.counts().requests;
    scenario.undo([]).exits(0);
    assert_eq!(scenario.counts().requests, before);
}

#[test]
fn an_undo_elsewhere_finds_nothing_to_put_back() {
    let scenario = ended();
    scenario.undo([]).exits(0);
    let before = scenario.counts();
    scenario.undo(["--run-dir", "elsewhere"]).exits(0);
    let after = scenario.counts();
    assert_eq!(after.writes(), before.writes());
    assert_eq!(after.reads, before.reads + 2);
    assert_eq!(result(&scenario, "elsewhere", 1)["outcome"], "unchanged");
}

#[test]
fn an_undo_can_be_undone() {
    for seed in (6_000..).take(rounds(2, 50)) {
        let mut world = Plan::new(seed).world();
        world.run(&[]);
        let after_run = world.customers();
        let undone = world.undo(&[]);
        assert_eq!(world.is_undone(&undone), 0, "seed {seed}");
        let url = world.scenario.url().expect("a sandbox");
        let flags = ["--base-url", &url, "--rate", "unlimited"];
        let words = ["undo", "run/undo"].into_iter().chain(flags);
        world.scenario.start_words(words).end().exits(0);
        assert_eq!(world.customers(), after_run, "seed {seed}");
    }
}

#[test]
fn rows_that_may_or_may_not_have_been_applied_are_undone() {
    let mut unclear = 0;
    let certain = rounds(2, 50);
    for seed in (7_000..).take(certain.max(SEEDS_MAX)) {
        if seed >= 7_000 + certain as u64 && unclear > 0 {
            break;
        }
        let mut plan = Plan::new(seed);
        plan.faults = "truncate=20%,reset=20%";
        plan.attempts = "1";
        let mut world = plan.world();
        let end = world.start_run().exits_with_one_of(&[0, 1, 4]);
        let is_unclear = |line: &&Value| line["outcome"] == "failed" && line["ambiguous"] == true;
        unclear += end.results().lines.iter().filter(is_unclear).count();
        let undone = world.undo(&[]);
        assert_eq!(world.is_undone(&undone), 0, "seed {seed}");
        undone.end.exits(0);
    }
    assert!(unclear > 0, "no row was unclear");
}

#[test]
fn an_undo_that_was_killed_puts_nobody_back_twice() {
    let mut world = Plan::new(8_000).world();
    world.run(&[]);
    let updates = world.scenario.ledger().len();
    world.kill_at("entry-written@4");
    let end: End = world.started_undo().end();
    if end.code() != KILLED {
        println!("did not run: only builds with debug assertions kill themselves on demand");
        return;
    }
    let undone = world.undo(&[]);
    assert_eq!(world.is_undone(&undone), 0);
    let ledger = world.scenario.ledger();
    let put_back: Vec<u64> = ledger.0[updates..]
        .iter()
        .map(|applied| applied.id)
        .collect();
    let customers: BTreeSet<u64> = put_back.iter().copied().collect();
    assert!(customers.len() > 4, "{customers:?}");
    assert_eq!(put_back.len(), customers.len(), "{put_back:?}");
}
