//! Tests of the store's rules.

mod windows;

use super::super::exchange::SeenWindow;
use super::text::StateFlaw;
use super::*;

const MS: u64 = 1_000;
const S: u64 = 1_000_000;
/// The store's clock when it is open.
const NOW: u64 = 1_800_000_000_000_000;

fn open() -> StoreState {
    StoreState::empty(NOW - CLOSED_US)
}

fn ask(member: &str) -> Ask {
    Ask {
        member: member.to_owned(),
        wants: 1,
        interval_us: 100 * MS,
        rate_is_auto: false,
        learned_us: 0,
        fall_ppm: 0,
        pause_us: 0,
        is_at_share: false,
        share: 0,
        outstanding: 0,
        window: None,
    }
}

fn take(state: &mut StoreState, ask: Ask, now: u64) -> Reply {
    state.take(&ToStore::Ask(ask), now)
}

#[test]
fn slots_follow_each_other_without_a_burst() {
    let mut state = open();
    let check = |state: &mut StoreState, member: &str, wants: u64, now: u64, want: &[u64]| {
        let reply = take(
            state,
            Ask {
                wants,
                ..ask(member)
            },
            now,
        );
        assert_eq!(reply.slots_us, want, "{member} at {}", now - NOW);
    };
    check(&mut state, "a", 1, NOW, &[0]);
    check(&mut state, "b", 1, NOW, &[100 * MS]);
    check(&mut state, "c", 1, NOW, &[200 * MS]);
    check(&mut state, "a", 9, NOW, &[300 * MS]);
    // Unused time does not add up.
    check(&mut state, "a", 9, NOW + 10 * S, &[0]);
    // A lease holds what lies within its length.
    let quick = Ask {
        wants: 9,
        interval_us: 40 * MS,
        ..ask("a")
    };
    state.take(&ToStore::Leave("b".to_owned()), NOW + 10 * S);
    state.take(&ToStore::Leave("c".to_owned()), NOW + 10 * S);
    let slots = take(&mut state, quick, NOW + 20 * S).slots_us;
    assert_eq!(slots, [0, 40 * MS, 80 * MS]);
    let asked = Ask {
        interval_us: 40 * MS,
        ..ask("a")
    };
    assert_eq!(take(&mut state, asked, NOW + 20 * S).slots_us, [120 * MS]);
    check(&mut state, "a", 0, NOW + 30 * S, &[]);
}

#[test]
fn shares_never_add_up_to_more_than_the_rate() {
    let mut state = open();
    let mut share = |member: &str, share: u64, now: u64| {
        take(
            &mut state,
            Ask {
                share,
                ..ask(member)
            },
            now,
        )
        .share
    };
    assert_eq!(share("a", 0, NOW), 1);
    assert_eq!(share("b", 0, NOW), 0, "the other does not know of it yet");
    assert_eq!(share("a", 1, NOW + 1), 2);
    assert_eq!(share("b", 0, NOW + 2), 0, "that answer may be lost");
    assert_eq!(share("a", 2, NOW + 3), 2);
    assert_eq!(share("b", 0, NOW + 4), 2);
}

#[test]
fn a_silent_member_keeps_its_share_for_a_minute() {
    let mut state = open();
    for (member, share, at) in [
        ("a", 0, 0),
        ("b", 0, 1),
        ("a", 1, 2),
        ("a", 2, 3),
        ("b", 0, 4),
    ] {
        take(
            &mut state,
            Ask {
                share,
                ..ask(member)
            },
            NOW + at,
        );
    }
    let interval = |state: &mut StoreState, now: u64| {
        let asked = Ask {
            share: 2,
            ..ask("a")
        };
        let first = take(state, asked.clone(), now).slots_us;
        let second = take(state, asked, now).slots_us;
        second[0] - first[0]
    };
    assert_eq!(interval(&mut state, NOW + S), 100 * MS);
    assert_eq!(interval(&mut state, NOW + 2 * S), 200 * MS);
    // It was last heard of four microseconds after the beginning.
    assert_eq!(interval(&mut state, NOW + 60 * S + 3), 200 * MS);
    assert_eq!(interval(&mut state, NOW + 60 * S + 4), 100 * MS);
    let mut left = open();
    take(&mut left, ask("b"), NOW);
    left.take(&ToStore::Leave("b".to_owned()), NOW);
    assert_eq!(take(&mut left, ask("a"), NOW).members, 1);
}

#[test]
fn an_empty_store_hands_out_nothing_for_a_minute() {
    let mut state = StoreState::empty(NOW);
    let reply = take(
        &mut state,
        Ask {
            share: 4,
            ..ask("a")
        },
        NOW + S,
    );
    assert_eq!(
        (reply.held_by, reply.again_in_us, reply.share),
        (Some(StoreHold::Closed), 59 * S, 4)
    );
    let reply = take(&mut state, ask("b"), NOW + 59 * S);
    assert_eq!((reply.held_by, reply.share), (Some(StoreHold::Closed), 0));
    let reply = take(&mut state, ask("b"), NOW + 60 * S);
    assert_eq!((reply.held_by, reply.slots_us), (None, vec![0]));
}

#[test]
fn the_state_is_read_as_it_was_written_or_not_at_all() {
    let mut state = open();
    take(&mut state, ask("a0"), NOW);
    take(&mut state, ask("ff"), NOW + 3);
    let text = state.text();
    assert_eq!(StoreState::read(&text), Ok(state));
    let check = |text: &str, want: StateFlaw| {
        assert_eq!(StoreState::read(text).expect_err(text), want);
    };
    check("", StateFlaw::Foreign);
    check("custsync-rate 2\n", StateFlaw::Foreign);
    check("custsync-rate 1\ntimes 1 2 3 4\n", StateFlaw::Line(2));
    check(
        "custsync-rate 1\ntimes 1 2 3 4 5\nfall 0\n",
        StateFlaw::Line(3),
    );
    check(
        &format!("{text}member A 1 1 0 0 0 0 0\n"),
        StateFlaw::Line(6),
    );
    check(
        &format!("{text}member b 1 1 2 0 0 0 0\n"),
        StateFlaw::Line(6),
    );
    check(&format!("{text}what\n"), StateFlaw::Line(6));
}

#[test]
fn a_pause_of_any_member_holds_all_until_its_end() {
    let mut state = open();
    let paused = Ask {
        pause_us: 5 * S,
        ..ask("a")
    };
    let reply = take(&mut state, paused, NOW);
    assert_eq!(
        (reply.held_by, reply.again_in_us, reply.pause_us),
        (Some(StoreHold::Pause), 5 * S, 5 * S)
    );
    state.take(&ToStore::Leave("a".to_owned()), NOW);
    // A shorter one, or none, does not end it earlier.
    let shorter = Ask {
        pause_us: S,
        ..ask("b")
    };
    let reply = take(&mut state, shorter, NOW + S);
    assert_eq!(
        (reply.held_by, reply.pause_us),
        (Some(StoreHold::Pause), 4 * S)
    );
    let reply = take(&mut state, ask("b"), NOW + 5 * S - 1);
    assert_eq!(reply.held_by, Some(StoreHold::Pause));
    let reply = take(&mut state, ask("b"), NOW + 5 * S);
    assert_eq!((reply.held_by, reply.slots_us), (None, vec![0]));
}

#[test]
fn each_fall_has_a_number_of_its_own() {
    let mut state = open();
    let mut fall = |fall_ppm: u64| {
        let reply = take(
            &mut state,
            Ask {
                fall_ppm,
                ..ask("a")
            },
            NOW,
        );
        (reply.fall_number, reply.fall_ppm)
    };
    assert_eq!(fall(0), (0, 0));
    assert_eq!(fall(700_000), (1, 700_000));
    assert_eq!(fall(0), (1, 700_000));
    assert_eq!(fall(900_000), (2, 900_000));
    assert_eq!(fall(800_000), (3, 800_000));
}

#[test]
fn the_rate_in_force_is_the_lowest_that_is_given_or_learned_by_all() {
    let auto = |member: &str, learned_us: u64| Ask {
        wants: 0,
        interval_us: 0,
        rate_is_auto: true,
        learned_us,
        ..ask(member)
    };
    let mut state = open();
    let interval = |state: &mut StoreState, asked: Ask| take(state, asked, NOW).interval_us;
    assert_eq!(interval(&mut state, auto("a", 0)), AUTO_INTERVAL_US);
    let slow = Ask {
        wants: 0,
        interval_us: 70 * MS,
        ..ask("b")
    };
    assert_eq!(interval(&mut state, slow), 70 * MS);
    // One of two has learned nothing.
    assert_eq!(interval(&mut state, auto("a", 400 * MS)), 70 * MS);
    // Together they may send five a second.
    let learned = Ask {
        wants: 0,
        interval_us: 70 * MS,
        learned_us: 400 * MS,
        ..ask("b")
    };
    assert_eq!(interval(&mut state, learned), 200 * MS);
    // A window takes the place of the modest rate, and of nothing else.
    let window = Some(SeenWindow {
        remaining: 100,
        spend_in_us: 60 * S,
        ends_in_us: 60 * S,
        late_us: 0,
        age_us: 0,
        is_spread: true,
    });
    let mut led = open();
    let asked = Ask {
        window,
        ..auto("a", 0)
    };
    assert_eq!(interval(&mut led, asked), 0);
    let slow = Ask {
        wants: 0,
        interval_us: 70 * MS,
        ..ask("b")
    };
    assert_eq!(interval(&mut led, slow), 70 * MS);
}

#[test]
fn a_member_is_told_the_slowest_rate_that_all_others_have_learned() {
    let mut state = open();
    let mut heard = |member: &str, learned_us: u64| {
        take(
            &mut state,
            Ask {
                learned_us,
                ..ask(member)
            },
            NOW,
        )
        .learned_us
    };
    assert_eq!(heard("a", 100 * MS), 0, "it is alone");
    assert_eq!(heard("b", 300 * MS), 100 * MS);
    assert_eq!(heard("c", 200 * MS), 300 * MS);
    assert_eq!(heard("a", 100 * MS), 300 * MS);
    assert_eq!(heard("b", 300 * MS), 200 * MS);
    heard("c", 0);
    assert_eq!(heard("a", 100 * MS), 0, "one has learned nothing");
}

#[test]
fn a_silent_member_has_no_say_in_the_rate() {
    let mut state = open();
    let slow = Ask {
        interval_us: 500 * MS,
        ..ask("a")
    };
    take(&mut state, slow, NOW);
    for (at, interval, members) in [(S, 500 * MS, 2), (S + 1, 100 * MS, 1)] {
        let reply = take(&mut state, ask("b"), NOW + at);
        assert_eq!(
            (reply.interval_us, reply.members),
            (interval, members),
            "after {at}"
        );
    }
}

#[test]
fn a_member_that_uses_all_of_the_rate_out_of_contact_leaves_nothing() {
    let mut state = open();
    take(&mut state, ask("a"), NOW);
    let alone = Ask {
        share: 1,
        is_at_share: true,
        ..ask("a")
    };
    take(&mut state, alone, NOW);
    let reply = take(&mut state, ask("b"), NOW);
    assert_eq!(
        (reply.held_by, reply.again_in_us),
        (Some(StoreHold::Reserved), LIVE_US / 2)
    );
}

#[test]
fn slots_are_at_most_ten_seconds_and_two_for_each_member_ahead() {
    let mut state = open();
    let mut last = 0;
    let slow = |member: &str| Ask {
        interval_us: 4 * S,
        ..ask(member)
    };
    for _ in 0..20 {
        let reply = take(&mut state, slow("a"), NOW);
        assert!(reply.slots_us[0] >= last);
        last = reply.slots_us[0];
    }
    assert_eq!(last, 10 * S + 2 * 4 * S);
    take(&mut state, slow("b"), NOW);
    take(&mut state, slow("a"), NOW);
    let reply = take(&mut state, slow("b"), NOW);
    assert_eq!(reply.slots_us, [10 * S + 4 * 4 * S]);
}

#[test]
fn a_clock_that_is_set_back_moves_all_times() {
    let mut state = open();
    let paused = Ask {
        pause_us: 5 * S,
        ..ask("a")
    };
    take(&mut state, paused, NOW);
    let reply = take(&mut state, ask("a"), NOW - 3600 * S);
    assert_eq!(
        (reply.held_by, reply.again_in_us, reply.members),
        (Some(StoreHold::Pause), 5 * S, 1)
    );
    let reply = take(&mut state, ask("b"), NOW - 3600 * S + 2 * S);
    assert_eq!((reply.again_in_us, reply.members), (3 * S, 1));
}

/// The share that a member is told which has this one.
fn share_of(state: &mut StoreState, member: &str, share: u64) -> u64 {
    let asked = Ask {
        share,
        ..ask(member)
    };
    take(state, asked, NOW).share
}

#[test]
fn a_share_gets_smaller_at_once_and_larger_where_the_others_leave_room() {
    let mut state = open();
    let mut told = |member: &str, share: u64| share_of(&mut state, member, share);
    assert_eq!(told("a", 0), 1);
    assert_eq!(told("b", 0), 0);
    assert_eq!(told("a", 1), 2);
    assert_eq!(told("a", 2), 2);
    assert_eq!(told("b", 0), 2);
    assert_eq!(told("c", 0), 0, "both have a half");
    assert_eq!(told("a", 2), 3, "a third is less than a half");
    assert_eq!(told("b", 2), 3);
    assert_eq!(told("a", 3), 3);
    assert_eq!(told("b", 3), 3);
    assert_eq!(told("c", 0), 3);
    assert_eq!(told("c", 4), 3, "a third fits");
}

#[test]
fn shares_of_an_earlier_store_get_smaller_and_never_larger_while_they_exceed_the_rate() {
    let mut state = open();
    let mut told = |member: &str, share: u64| share_of(&mut state, member, share);
    assert_eq!(told("a", 1), 1);
    assert_eq!(told("b", 1), 2, "half of it, although a may use all");
    assert_eq!(told("c", 4), 4, "a third would be more than a quarter");
    assert_eq!(told("a", 1), 3);
}
