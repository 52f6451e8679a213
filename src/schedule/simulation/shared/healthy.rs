//! A shared rate without trouble: it is used, and never exceeded.

use super::*;
use crate::schedule::simulation::quota::Quota;
use crate::schedule::simulation::quota::{FixedWindow, Headers};

/// Runs for each seed below `n`.
pub(super) fn each_seed(n: u64, world: impl Fn(u64) -> World, check: impl Fn(World)) {
    for seed in seeds(n) {
        let _names_itself = Seed(seed);
        check(world(seed));
    }
}

#[test]
fn a_rate_is_used_by_all_and_never_exceeded() {
    for (members, requests, store_ms) in [
        (1, 10, 1),
        (2, 10, 1),
        (8, 10, 1),
        (8, 10, 40),
        (8, 10, 400),
        (1, 50, 50),
        (8, 200, 1),
        (8, 200, 40),
        (3, 1000, 5),
        (30, 10, 5),
    ] {
        let begin = |seed| {
            let api = Api::of(Quota::Unlimited);
            let mut world = World::new(members, per_second(requests), api, seed);
            world.store.latency = ms(store_ms);
            world.run_until(s(100));
            world
        };
        each_seed(2, begin, |world| {
            let case = format!("{members} members, {requests}/s, {store_ms} ms");
            let sent = world.sent(s(20), s(100));
            let most = 80 * requests as usize;
            // A slot may be used late, so a second may hold some of the last one.
            assert!(sent <= most + members + 1, "{case}: {sent} sent");
            // Members ask for as many slots as they used, so some are lost at a high rate.
            let part = if requests < 1000 { 98 } else { 95 };
            assert!(sent * 100 >= most * part, "{case}: {sent} of {most} sent");
            let late = (2 * store_ms).clamp(100, 1000) as usize;
            let in_a_second = world.most_within(s(1));
            let allowed = requests as usize + requests as usize * late / 1000 + 2;
            assert!(
                in_a_second <= allowed,
                "{case}: {in_a_second} in a second, not {allowed}"
            );
            let each = (0..members).map(|index| world.sent_by(index, s(20), s(100)));
            let least = each.min().unwrap_or(0);
            assert!(
                least * members * 2 >= sent,
                "{case}: one sent {least} of {sent}"
            );
        });
    }
}

#[test]
fn members_with_few_rows_leave_the_rate_to_the_others() {
    let begin = |seed| {
        let mut world = World::new(8, per_second(20), Api::of(Quota::Unlimited), seed);
        for process in world.members.iter_mut().skip(2) {
            process.has_rows = false;
        }
        world.run_until(s(60));
        world
    };
    each_seed(2, begin, |world| {
        let sent = world.sent(s(10), s(60));
        assert!((980..=1001).contains(&sent), "{sent}");
    });
}

#[test]
fn a_window_that_headers_name_is_used_and_nothing_is_refused() {
    for (rate, store_ms) in [
        (Rate::Auto, 1),
        (Rate::Unlimited, 20),
        (
            Rate::Limited(LimitedRate::new(600, RateUnit::Minute).expect("good")),
            1,
        ),
    ] {
        let begin = |seed| {
            let window = FixedWindow::new(600, 60, Headers::All);
            let mut world = World::new(8, rate, Api::of(Quota::Fixed(window)), seed);
            world.store.latency = ms(store_ms);
            world.run_until(s(330));
            world
        };
        each_seed(4, begin, |world| {
            let Quota::Fixed(window) = &world.api.quota else {
                panic!("it is the one above")
            };
            let used = window.used_part(4);
            let (refused, _) = world.api.refused(s(0), s(330));
            assert!(used >= 0.98, "{rate}, {store_ms} ms: {used:.4} used");
            assert!(
                refused <= 0.001,
                "{rate}, {store_ms} ms: {refused:.5} refused"
            );
        });
    }
}

#[test]
fn a_short_window_is_used_too() {
    let begin = |seed| {
        let window = FixedWindow::new(100, 10, Headers::All);
        let mut world = World::new(4, Rate::Auto, Api::of(Quota::Fixed(window)), seed);
        world.run_until(s(100));
        world
    };
    each_seed(4, begin, |world| {
        let Quota::Fixed(window) = &world.api.quota else {
            panic!("it is the one above")
        };
        let used = window.used_part(8);
        let (refused, _) = world.api.refused(s(10), s(100));
        assert!(
            used >= 0.9 && refused <= 0.01,
            "{used:.4} used, {refused:.5} refused"
        );
    });
}

#[test]
fn a_wait_that_one_process_hears_of_holds_all() {
    let begin = |seed| {
        let mut world = World::new(8, per_second(50), Api::of(Quota::Unlimited), seed);
        world.api.pauses = vec![(Moment::after_start(s(20)), s(10))];
        world.run_until(s(60));
        world
    };
    each_seed(4, begin, |world| {
        // It reaches the others with their next sign of life, and is lengthened by a tenth at most.
        assert_eq!(world.sent(ms(20_700), s(30)), 0);
        let (after, usual) = (world.sent(s(31), s(32)), world.sent(s(40), s(50)));
        assert!(after >= 40 && usual >= 490, "{after} {usual}");
    });
}

#[test]
fn the_lowest_rate_of_all_members_holds() {
    let begin = |seed| {
        let mut world = World::new(4, per_second(50), Api::of(Quota::Unlimited), seed);
        let slow = &mut world.members[3];
        slow.rate = per_second(10);
        slow.throttle = Throttle::new(slow.rate, RateSharing::Member(slow.id.clone()));
        world.at(s(30), Change::Leave(3));
        world.run_until(s(60));
        world
    };
    each_seed(2, begin, |world| {
        let (slow, quick) = (world.sent(s(10), s(30)), world.sent(s(40), s(60)));
        assert!((195..=202).contains(&slow), "{slow}");
        assert!((980..=1005).contains(&quick), "{quick}");
    });
}

#[test]
fn auto_is_twenty_a_second_for_all() {
    let begin = |seed| {
        let mut world = World::new(8, Rate::Auto, Api::of(Quota::Unlimited), seed);
        world.run_until(s(120));
        world
    };
    each_seed(2, begin, |world| {
        let later = world.sent(s(60), s(120));
        assert!((1170..=1205).contains(&later), "{later} in a minute");
    });
}
