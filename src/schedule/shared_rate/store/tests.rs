//! Tests of the store's rules.

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
    assert_eq!(interval(&mut state, NOW + 59 * S), 200 * MS);
    assert_eq!(interval(&mut state, NOW + 61 * S), 100 * MS);
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
fn a_window_is_handed_out_once_and_then_probed() {
    let mut state = open();
    let window = SeenWindow {
        remaining: 4,
        spend_in_us: 8 * S,
        ends_in_us: 10 * S,
        late_us: 0,
        age_us: 0,
        is_spread: true,
    };
    let with = |window| Ask {
        interval_us: 0,
        window,
        ..ask("a")
    };
    // One request is on its way and may not be counted.
    let first = Ask {
        outstanding: 1,
        ..with(Some(window))
    };
    let mut slots = take(&mut state, first, NOW).slots_us;
    slots.extend(take(&mut state, with(None), NOW).slots_us);
    slots.extend(take(&mut state, with(None), NOW).slots_us);
    assert_eq!(slots, [0, 8 * S / 3, 16 * S / 3]);
    let reply = take(&mut state, with(None), NOW + 6 * S);
    assert_eq!(
        (reply.held_by, reply.again_in_us),
        (Some(StoreHold::Exhausted), 4 * S)
    );
    // After its end one goes, and the others wait for what it shows.
    let probe = take(&mut state, with(None), NOW + 10 * S);
    assert_eq!(probe.slots_us, [0]);
    let others = take(&mut state, with(None), NOW + 10 * S + 1);
    assert_eq!(others.held_by, Some(StoreHold::Probe));
    let shown = Ask {
        wants: 0,
        ..with(Some(window))
    };
    take(&mut state, shown, NOW + 10 * S + 50 * MS);
    let others = take(&mut state, with(None), NOW + 10 * S + 60 * MS);
    assert_eq!(others.slots_us.len(), 1);
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
