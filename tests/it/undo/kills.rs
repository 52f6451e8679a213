//! Kills at exact places, in the run and in its undo.

use std::collections::BTreeMap;

use serde_json::Value;

use super::world::{KILLED, Plan, World};
use crate::harness::rounds;

/// The rounds of a test, by default and if there is time. The first seven kill at each place once.
const FEW: usize = 7;
const ALL: usize = 50;
/// The places between the answer to a read and the entry of its row.
const PLACES: [&str; 7] = [
    "read-answered",
    "image-queued",
    "image-synced",
    "put-leaves",
    "put-is-under-way",
    "put-answered",
    "entry-written",
];
/// The place that only the server knows: the update has arrived and is not answered.
const UNDER_WAY: &str = "put-is-under-way";

/// A place and a number for each round.
fn rounds_of_places() -> impl Iterator<Item = (u64, &'static str, u64)> {
    let rounds = (0..).take(rounds(FEW, ALL));
    rounds.map(|round| {
        let place = PLACES[round as usize % PLACES.len()];
        (9_000 + round, place, 1 + round / PLACES.len() as u64 % 8)
    })
}

/// The exit codes of a process that kills itself at a place for this time. It may not come there
/// more than once.
fn codes(times: u64) -> &'static [i32] {
    if times == 1 {
        &[KILLED]
    } else {
        &[0, 1, KILLED]
    }
}

fn world(seed: u64) -> World {
    let mut plan = Plan::new(seed);
    plan.latency = "10ms..30ms";
    plan.world()
}

/// The number of images of each customer in the file of the run, or of the undo.
fn images(world: &World, directory: &str) -> BTreeMap<u64, usize> {
    let file = world.scenario.read(&format!("{directory}/before.ndjson"));
    let file = String::from_utf8(file.unwrap_or_default()).expect("images are UTF-8");
    let mut images = BTreeMap::new();
    // A line that is being written has no end.
    for line in file
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
    {
        let line: Value = serde_json::from_str(line).expect("a line of images is JSON");
        if let Some(id) = line["id"].as_u64() {
            *images.entry(id).or_default() += 1;
        }
    }
    images
}

/// Checks that no update has arrived without an image before it. A request that is sent again has
/// the image of the first one.
fn each_update_has_an_image(world: &World, directory: &str, updates_before: usize) {
    let images = images(world, directory);
    let mut ledger = world.scenario.ledger();
    ledger.0.drain(..updates_before);
    let (updates, _) = ledger.without_repeats();
    for (id, updates) in updates {
        let images = images.get(&id).copied().unwrap_or_default();
        assert!(
            updates.len() <= images,
            "customer {id}: {} updates, {images} images",
            updates.len()
        );
    }
}

/// Whether the run's journal says that it is being undone.
fn is_undone(world: &World) -> bool {
    let journal = world.scenario.read("run/results.ndjson");
    let journal = String::from_utf8(journal.unwrap_or_default()).expect("a journal is UTF-8");
    journal.contains("{\"fact\":\"undone\"")
}

#[test]
fn a_run_that_is_killed_at_any_place_is_undone() {
    if !cfg!(debug_assertions) {
        println!("did not run: only builds with debug assertions kill themselves on demand");
        return;
    }
    for (seed, place, times) in rounds_of_places() {
        let mut world = world(seed);
        let end = if place == UNDER_WAY {
            world
                .started_run()
                .killed_once(|scenario| scenario.counts().writes() >= times)
        } else {
            world.kill_at(&format!("{place}@{times}"));
            world.start_run()
        };
        end.exits_with_one_of(codes(times));
        each_update_has_an_image(&world, "run", 0);
        world.kill_at("");
        // Each second run is undone as the kill has left it.
        if seed % 2 == 0 {
            world.run(&[]);
            each_update_has_an_image(&world, "run", 0);
        }
        if images(&world, "run").is_empty() {
            let end = world.started_undo().end().exits(2);
            end.says("the run in run has sent no update: there is nothing to put back");
            assert_eq!(world.scenario.ledger().len(), 0, "seed {seed}");
            continue;
        }
        let undone = world.undo(&[]);
        assert_eq!(world.is_undone(&undone), 0, "seed {seed}: {place}@{times}");
        undone.end.exits(0);
    }
}

#[test]
fn an_undo_that_is_killed_at_any_place_goes_on() {
    if !cfg!(debug_assertions) {
        println!("did not run: only builds with debug assertions kill themselves on demand");
        return;
    }
    for (seed, place, times) in rounds_of_places() {
        let mut world = world(seed);
        world.run(&[]).exits_with_one_of(&[0, 1]);
        let (writes, updates) = (
            world.scenario.counts().writes(),
            world.scenario.ledger().len(),
        );
        let end = if place == UNDER_WAY {
            world
                .started_undo()
                .killed_once(|scenario| scenario.counts().writes() >= writes + times)
        } else {
            world.kill_at(&format!("{place}@{times}"));
            world.started_undo().end()
        };
        end.exits_with_one_of(codes(times));
        each_update_has_an_image(&world, "run/undo", updates);
        let has_sent = world.scenario.ledger().len() > updates;
        assert!(
            is_undone(&world) || !has_sent,
            "seed {seed}: {place}@{times}"
        );
        world.kill_at("");
        if is_undone(&world) {
            let (before, again) = (world.scenario.counts().requests, world.start_run());
            again.exits(5).says("is being put back (custsync undo)");
            assert_eq!(world.scenario.counts().requests, before, "nothing is sent");
        }
        let undone = world.undo(&[]);
        assert_eq!(world.is_undone(&undone), 0, "seed {seed}: {place}@{times}");
        undone.end.exits(0);
    }
}

#[test]
fn before_its_first_update_leaves_an_undo_changes_nothing_of_the_run() {
    if !cfg!(debug_assertions) {
        println!("did not run: only builds with debug assertions kill themselves on demand");
        return;
    }
    for place in ["read-answered", "image-queued", "image-synced"] {
        let mut world = world(9_100);
        let journal = |world: &World| world.scenario.read("run/results.ndjson");
        world.run(&[]);
        let before = journal(&world);
        world.kill_at(&format!("{place}@1"));
        world.started_undo().end().exits_with_one_of(&[KILLED]);
        assert_eq!(journal(&world), before, "{place}");
        world.run(&[]);
    }
}
