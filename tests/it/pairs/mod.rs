//! Each pair of modes does what the table of docs/modes.md says.

mod modes;
mod world;

use std::collections::BTreeSet;
use std::fs;

use self::modes::Mode;
use self::world::{Ended, World};

/// What the table says of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Together {
    /// Both modes do what they do alone.
    Yes,
    /// The first mode has no effect, which is said.
    NoEffect,
    /// The command is refused.
    Refused,
}

/// The rows of the table.
fn table() -> Vec<(Mode, Mode, Together)> {
    const HEADER: &str = "| mode | other mode | together | why, or what happens |";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/modes.md");
    let page = fs::read_to_string(path).expect("the page is there");
    let lines = page.lines().skip_while(|line| *line != HEADER).skip(2);
    let lines = lines.take_while(|line| line.starts_with('|'));
    let row = |line: &str| {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [one, other, together, why] = cells[..] else {
            panic!("a row has four cells: {line}");
        };
        assert!(!why.is_empty(), "a row says why: {line}");
        let together = match together {
            "yes" => Together::Yes,
            "no effect" => Together::NoEffect,
            "exit 2" => Together::Refused,
            cell => panic!("{cell:?} is not known: {line}"),
        };
        (Mode::of_name(one), Mode::of_name(other), together)
    };
    lines.map(row).collect()
}

/// Checks that a pair does what the table says.
fn walk(one: Mode, other: Mode, together: Together) {
    let world = World::new(&[one, other]);
    let pair = format!("{} with {}", one.name(), other.name());
    if world.has(Mode::Plan) {
        world.plan();
    }
    let (before, counts) = (world.customers(), world.scenario.counts());
    let ended = world.run();
    let now = world.scenario.counts();
    let Ended { codes, printed, .. } = &ended;
    if together == Together::Refused {
        assert_eq!(*codes, BTreeSet::from([2]), "{pair}: {printed}");
        for mode in [one, other] {
            let is_named = mode.words().iter().any(|word| printed.contains(word));
            assert!(is_named, "{pair}: {} is not named: {printed}", mode.name());
        }
        assert_eq!(now.requests, counts.requests, "{pair}: nothing is sent");
        assert_eq!(world.customers(), before, "{pair}");
        return;
    }
    let want = world.exit_code();
    assert_eq!(codes.last(), Some(&want), "{pair}: {printed}");
    assert_eq!(world.customers(), world.after(before), "{pair}: {printed}");
    if world.has(Mode::DryRun) {
        assert_eq!(now.requests, counts.requests, "{pair}: nothing is sent");
    }
    let starts = ended.run_dirs.len() * world.rows.len();
    let records = world.count(&ended, "records");
    assert_eq!(records, starts as u64, "{pair}: all rows are in the books");
    let said = format!("{} has no effect", one.words()[0]);
    match together {
        Together::NoEffect => assert!(printed.contains(&said), "{pair}: {printed}"),
        Together::Yes | Together::Refused => {
            let has_effect = !printed.contains("has no effect");
            assert!(has_effect, "{pair}: {printed}");
            assert!(world.shows(one, &ended), "{pair}: the first: {printed}");
        }
    }
    assert!(world.shows(other, &ended), "{pair}: the other: {printed}");
}

#[test]
fn the_table_has_each_pair_once() {
    let mut found = BTreeSet::new();
    for (one, other, _) in table() {
        assert!(one < other, "{one:?} with {other:?} is in order");
        assert!(found.insert((one, other)), "{one:?} with {other:?} is once");
    }
    for one in Mode::ALL {
        for other in Mode::ALL.into_iter().filter(|other| one < *other) {
            assert!(found.contains(&(one, other)), "{one:?} with {other:?}");
        }
    }
}

#[test]
fn pairs_that_send_do_what_the_table_says() {
    let pairs = table();
    let pairs = pairs
        .into_iter()
        .filter(|(_, other, _)| *other < Mode::DryRun);
    for (one, other, together) in pairs {
        walk(one, other, together);
    }
}

#[test]
fn pairs_with_a_check_or_a_preview_do_what_the_table_says() {
    let pairs = table();
    let pairs = pairs
        .into_iter()
        .filter(|(_, other, _)| *other >= Mode::DryRun);
    for (one, other, together) in pairs {
        walk(one, other, together);
    }
}

#[test]
fn a_mode_leaves_no_traces_without_its_flag() {
    let world = World::new(&[]);
    let before = world.customers();
    let ended = world.run();
    assert_eq!(ended.codes, BTreeSet::from([0]), "{}", ended.printed);
    for mode in Mode::ALL {
        // The customers and the requests tell these.
        if matches!(mode, Mode::Fill | Mode::Stdin | Mode::DryRun) {
            continue;
        }
        assert!(!world.shows(mode, &ended), "{mode:?}");
    }
    let plain = world.after(before.clone());
    assert_eq!(world.customers(), plain);
    for mode in [Mode::Fill, Mode::UniqueReject, Mode::Since, Mode::DryRun] {
        let after = World::new(&[mode]).after(before.clone());
        assert_ne!(after, plain, "{mode:?} shows in the customers");
    }
}
