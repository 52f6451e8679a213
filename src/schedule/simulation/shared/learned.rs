//! The learned rate of several processes, against a limit that no header names.

use super::healthy::each_seed;
use super::*;
use crate::schedule::simulation::quota::Quota;
use crate::schedule::simulation::silent::{Kind, Refusal, Silent};

#[test]
fn a_silent_limit_is_found_together() {
    for (kind, requests) in [
        (Kind::Tokens, 40.0),
        (Kind::Leaky(5.0), 40.0),
        (Kind::Tokens, 10.0),
    ] {
        let begin = |seed| {
            let refusal = Refusal {
                status: 429,
                retry_after: None,
            };
            let quota = Quota::Silent(Silent::new(kind, requests, refusal));
            let mut world = World::new(4, Rate::Unlimited, Api::of(quota), seed);
            world.run_until(s(180));
            world
        };
        let mut all = (0.0, 0.0, 0.0);
        for seed in seeds(3) {
            let _names_itself = Seed(seed);
            let world = begin(seed);
            let (refused, let_through) = world.api.refused(s(30), s(180));
            let used = let_through as f64 / (150.0 * requests);
            all = (all.0 + used, all.1 + refused, all.2 + 1.0);
        }
        let (used, refused) = (all.0 / all.2, all.1 / all.2);
        assert!(
            used >= 0.9 && refused <= 0.04,
            "{kind:?}, {requests}/s: {used:.3} used, {refused:.4} refused"
        );
    }
}

#[test]
fn a_fall_of_one_slows_all() {
    let begin = |seed| {
        let refusal = Refusal {
            status: 429,
            retry_after: None,
        };
        let quota = Quota::Silent(Silent::new(Kind::Tokens, 40.0, refusal));
        let mut world = World::new(4, Rate::Unlimited, Api::of(quota), seed);
        world.run_until(s(60));
        world
    };
    each_seed(3, begin, |mut world| {
        let learned = |world: &World| -> Vec<f64> {
            let rates = world
                .members
                .iter()
                .filter_map(|one| one.throttle.learned_rate());
            rates.collect()
        };
        let before = learned(&world);
        assert_eq!(before.len(), 4);
        // The next requests of one process are refused.
        world.members[0].refuse(world.now);
        world.run_until(s(60) + ms(800));
        let after = learned(&world);
        assert!(
            after
                .iter()
                .zip(&before)
                .all(|(after, before)| after < before),
            "{before:?} {after:?}"
        );
    });
}
