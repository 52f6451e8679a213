//! Random worlds, each from a seed: a run, killed and continued or not, and its undo.

use custsync::testing::sandbox::{ETags, Put};

use super::world::Plan;
use crate::harness::{SplitMix64, rounds};

/// The rounds of a test, by default and if there is time.
const FEW: usize = 3;
const ALL: usize = 50;
/// The places at which processes kill themselves.
const PLACES: [&str; 7] = [
    "read-answered",
    "image-queued",
    "image-synced",
    "put-leaves",
    "put-answered",
    "entry-written",
    "fact-written",
];

/// Up to three kills at random places.
fn kills(random: &mut SplitMix64) -> Vec<String> {
    let kills = random.below(4);
    (0..kills)
        .map(|_| format!("{}@{}", random.pick(&PLACES), 1 + random.below(12)))
        .collect()
}

/// Random choices for what all worlds have.
fn plan(seed: u64, random: &mut SplitMix64) -> Plan {
    let mut plan = Plan::new(seed);
    // None is answered 500: a row that gets three of them has failed, and is not undone.
    plan.faults = random.pick(&[
        "",
        "",
        "503=5%,reset=3%",
        "truncate=3%,reset=3%,502=3%",
        "timeout=2%,429=1%",
    ]);
    plan.echo = random.pick(&["", "email=lower-case"]);
    plan.old_data = random.pick(&["0%", "30%"]);
    plan.etags = random.pick(&[ETags::Missing, ETags::Strong]);
    plan.countries_known = random.pick(&[0, 50, 100]);
    plan
}

/// Runs and undoes a world for each seed, and checks every field of every customer.
fn prove(first_seed: u64, choose: impl Fn(&mut Plan, &mut SplitMix64)) {
    for seed in (first_seed..).take(rounds(FEW, ALL)) {
        let mut random = SplitMix64::new(seed);
        let mut plan = plan(seed, &mut random);
        choose(&mut plan, &mut random);
        let mut world = plan.world();
        world.run(&kills(&mut random));
        let edits = world.edit(&mut random, "Between");
        let undone = world.undo(&kills(&mut random));
        world.names_edits(&edits, &undone);
        world.is_undone(&undone);
    }
}

#[test]
fn updates_that_merge_are_undone() {
    prove(1_000, |_, _| {});
}

#[test]
fn updates_that_merge_are_undone_among_edits() {
    prove(2_000, |plan, _| {
        plan.edits_before = "10%";
        plan.edits_in_pauses = true;
    });
}

#[test]
fn complete_updates_of_an_api_that_replaces_are_undone() {
    prove(3_000, |plan, random| {
        plan.put = Put::Replace;
        plan.run = vec!["--complete"];
        plan.undo = vec!["--left-out", "probe"];
        plan.edits_before = random.pick(&["0%", "5%"]);
    });
}

#[test]
fn fields_that_an_api_has_cleared_are_put_back() {
    prove(4_000, |plan, _| {
        plan.put = Put::Replace;
        plan.undo = vec!["--left-out", "probe"];
    });
}
