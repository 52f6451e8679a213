//! A shared rate in trouble: processes that die or lose contact, and a store that stops, is slow, or
//! begins empty.

use super::healthy::each_seed;
use super::*;
use crate::schedule::simulation::quota::Quota;

const RATE: usize = 20;

fn eight(seed: u64, trouble: impl Fn(&mut World)) -> World {
    let mut world = World::new(8, per_second(20), Api::of(Quota::Unlimited), seed);
    trouble(&mut world);
    world.run_until(s(300));
    world
}

/// Checks that no time holds more than the rate, and a few requests that were late or just lost
/// their contact.
fn never_above(world: &World) {
    for length in [1, 5, 20, 60] {
        let most = world.most_within(s(length));
        let allowed = RATE * length as usize + 6;
        assert!(most <= allowed, "{most} within {length} s, not {allowed}");
    }
}

fn share_used(world: &World, from: u64, until: u64) -> f64 {
    world.sent(s(from), s(until)) as f64 / (RATE as f64 * (until - from) as f64)
}

#[track_caller]
fn uses(world: &World, from: u64, until: u64, least: f64, most: f64) {
    let used = share_used(world, from, until);
    assert!(
        (least..=most).contains(&used),
        "{used:.3} of the rate used from {from} s to {until} s"
    );
}

#[test]
fn half_of_the_processes_lose_contact() {
    let begin = |seed| {
        eight(seed, |world| {
            for index in 0..4 {
                world.at(s(30), Change::CutOff(index));
            }
        })
    };
    each_seed(3, begin, |world| {
        never_above(&world);
        // For a minute they send their half, and then the others have it all.
        uses(&world, 33, 88, 0.9, 1.01);
        uses(&world, 100, 300, 0.98, 1.01);
        assert_eq!(world.sent_by(0, s(91), s(300)), 0);
        assert!(world.sent_by(0, s(40), s(85)) >= 100);
    });
}

#[test]
fn killed_processes_lose_their_lease_and_their_share_for_a_minute() {
    let begin = |seed| {
        eight(seed, |world| {
            for index in 0..4 {
                world.at(s(30) + ms(17 * index as u64), Change::Kill(index));
            }
        })
    };
    each_seed(3, begin, |world| {
        never_above(&world);
        uses(&world, 33, 88, 0.49, 0.52);
        uses(&world, 95, 300, 0.98, 1.01);
    });
}

#[test]
fn a_process_that_is_killed_and_started_again_reserves_nothing() {
    let begin = |seed| {
        eight(seed, |world| {
            for nth in 0..20 {
                let index = nth % 8;
                world.at(s(20 + 5 * nth as u64), Change::Kill(index));
                world.at(s(21 + 5 * nth as u64), Change::Start(index));
            }
        })
    };
    each_seed(3, begin, |world| {
        never_above(&world);
        uses(&world, 20, 120, 0.9, 1.01);
        uses(&world, 125, 300, 0.98, 1.01);
    });
}

#[test]
fn a_process_that_ends_leaves_its_part_at_once() {
    let begin = |seed| {
        eight(seed, |world| {
            for index in 0..7 {
                world.at(s(30), Change::Leave(index));
            }
        })
    };
    each_seed(3, begin, |world| {
        never_above(&world);
        uses(&world, 32, 300, 0.98, 1.01);
    });
}

#[test]
fn a_store_that_stops_for_twenty_seconds_changes_little() {
    let begin = |seed| {
        eight(seed, |world| {
            world.at(s(30), Change::StoreStops);
            world.at(s(50), Change::StoreGoesOn);
        })
    };
    each_seed(3, begin, |world| {
        never_above(&world);
        uses(&world, 33, 50, 0.9, 1.01);
        uses(&world, 55, 300, 0.98, 1.01);
    });
}

#[test]
fn a_store_that_stays_away_stops_all_after_a_minute() {
    let begin = |seed| {
        eight(seed, |world| {
            world.at(s(30), Change::StoreDies);
            world.at(s(200), Change::StoreBeginsEmpty);
        })
    };
    each_seed(3, begin, |world| {
        never_above(&world);
        uses(&world, 33, 88, 0.9, 1.01);
        assert_eq!(world.sent(s(91), s(260)), 0);
        uses(&world, 262, 300, 0.97, 1.01);
        assert!(world.members[0].throttle.waits_for_store_since().is_none());
    });
}

#[test]
fn a_store_that_begins_empty_is_bridged_by_shares() {
    let begin = |seed| {
        eight(seed, |world| {
            world.at(s(30), Change::StoreDies);
            world.at(s(35), Change::StoreBeginsEmpty);
            // A process that is new meanwhile has to wait.
            world.at(s(40), Change::Kill(0));
            world.at(s(41), Change::Start(0));
        })
    };
    each_seed(3, begin, |world| {
        never_above(&world);
        uses(&world, 42, 94, 0.8, 0.89);
        assert_eq!(world.sent_by(0, s(41), s(95)), 0);
        uses(&world, 98, 300, 0.98, 1.01);
    });
}

#[test]
fn processes_that_reach_an_empty_store_and_others_that_do_not() {
    let begin = |seed| {
        eight(seed, |world| {
            world.at(s(30), Change::StoreDies);
            world.at(s(33), Change::StoreBeginsEmpty);
            for index in 0..3 {
                world.at(s(29), Change::CutOff(index));
                world.at(s(150), Change::Join(index));
            }
        })
    };
    each_seed(3, begin, |world| {
        never_above(&world);
        uses(&world, 36, 88, 0.9, 1.01);
        uses(&world, 100, 300, 0.97, 1.01);
    });
}

#[test]
fn a_slow_store_costs_little() {
    let begin = |seed| {
        eight(seed, |world| {
            world.at(s(30), Change::StoreLatency(ms(500)));
            world.at(s(90), Change::StoreLatency(ms(2_500)));
            world.at(s(150), Change::StoreLatency(ms(1)));
        })
    };
    each_seed(3, begin, |world| {
        never_above_by(&world, RATE);
        uses(&world, 33, 90, 0.9, 1.01);
        uses(&world, 155, 300, 0.98, 1.01);
    });
}

/// A slot of a slow store may be used a second late, so there may be as many requests more.
fn never_above_by(world: &World, more: usize) {
    for length in [1, 5, 20, 60] {
        let most = world.most_within(s(length));
        let allowed = RATE * length as usize + more;
        assert!(most <= allowed, "{most} within {length} s, not {allowed}");
    }
}

#[test]
fn a_store_whose_clock_is_set_hands_out_no_more() {
    let begin = |seed| {
        eight(seed, |world| {
            world.at(s(30), Change::StoreClock(-600));
            world.at(s(60), Change::StoreClock(600));
        })
    };
    each_seed(3, begin, |world| {
        // Slots that were handed out before it was put forward are used beside the next ones.
        never_above_by(&world, 6 + 16);
        uses(&world, 32, 300, 0.98, 1.01);
    });
}

#[test]
fn any_troubles_never_lead_above_the_rate_and_all_send_again_after_them() {
    let begin = |seed| {
        eight(seed, |world| {
            let mut random = Random::seeded(seed ^ 0xabc);
            let mut pick = |n: u64| {
                u64::try_from(random.up_to(Duration::from_nanos(n - 1)).as_nanos()).expect("small")
            };
            for _ in 0..30 {
                let at = ms(10_000 + pick(110_000));
                let index = usize::try_from(pick(8)).expect("small");
                let change = match pick(9) {
                    0 | 1 => Change::CutOff(index),
                    2 => Change::Join(index),
                    3 => Change::Kill(index),
                    4 => Change::Start(index),
                    5 => Change::StoreStops,
                    6 => Change::StoreGoesOn,
                    7 => Change::StoreLatency(ms(1 + pick(300))),
                    _ => Change::StoreBeginsEmpty,
                };
                world.at(at, change);
            }
            for index in 0..8 {
                world.at(s(130), Change::Join(index));
                world.at(s(131), Change::Kill(index));
                world.at(s(132), Change::Start(index));
            }
            world.at(s(130), Change::StoreGoesOn);
            world.at(s(130), Change::StoreLatency(ms(1)));
        })
    };
    each_seed(10, begin, |world| {
        never_above_by(&world, 12);
        // A store that began empty last opens after a minute.
        uses(&world, 200, 300, 0.98, 1.01);
        for index in 0..8 {
            assert!(world.sent_by(index, s(200), s(300)) > 100);
        }
    });
}
