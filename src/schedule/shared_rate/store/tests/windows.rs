//! The API's window in the store.

use super::*;

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
fn the_request_that_goes_first_in_a_new_window_may_get_lost() {
    let mut state = open();
    let window = Some(SeenWindow {
        remaining: 1,
        spend_in_us: S,
        ends_in_us: S,
        late_us: 0,
        age_us: 0,
        is_spread: true,
    });
    take(&mut state, Ask { window, ..ask("a") }, NOW);
    let mut probe = |at: u64| {
        let reply = take(&mut state, ask("a"), NOW + at);
        (reply.slots_us, reply.held_by, reply.again_in_us)
    };
    let waits = (vec![], Some(StoreHold::Probe), POLL_US);
    assert_eq!(probe(S), (vec![0], None, 0));
    assert_eq!(probe(S + 1), waits);
    assert_eq!(probe(2 * S - 1), waits);
    assert_eq!(probe(2 * S), (vec![0], None, 0));
}

#[test]
fn a_window_that_is_over_is_none() {
    let seen = |ends_in_us: u64| {
        let mut state = open();
        let window = Some(SeenWindow {
            remaining: 4,
            spend_in_us: 0,
            ends_in_us,
            late_us: 0,
            age_us: S,
            is_spread: true,
        });
        take(&mut state, Ask { window, ..ask("a") }, NOW);
        state.window.is_some()
    };
    assert_eq!((seen(0), seen(1)), (false, true));
}

#[test]
fn slots_that_were_handed_out_before_a_window_was_seen_are_taken_off_it() {
    let mut state = open();
    let quick = |member: &str| Ask {
        interval_us: 20 * MS,
        wants: 3,
        ..ask(member)
    };
    assert_eq!(take(&mut state, quick("a"), NOW).slots_us.len(), 3);
    let window = SeenWindow {
        remaining: 10,
        spend_in_us: 10 * S,
        ends_in_us: 10 * S,
        late_us: 0,
        age_us: 0,
        is_spread: false,
    };
    let shown = Ask {
        wants: 0,
        window: Some(window),
        ..ask("b")
    };
    take(&mut state, shown.clone(), NOW);
    let left = |state: &StoreState| state.window.map(|window| window.remaining);
    assert_eq!(left(&state), Some(7));
    // The same window again, of which less is left, is no other one.
    let less = SeenWindow {
        remaining: 5,
        ..window
    };
    let shown = Ask {
        window: Some(less),
        ..shown
    };
    take(&mut state, shown, NOW);
    assert_eq!(left(&state), Some(5));
}

#[test]
fn the_request_that_goes_first_in_a_new_window_keeps_to_the_rate() {
    let mut state = open();
    let window = SeenWindow {
        remaining: 1,
        spend_in_us: S,
        ends_in_us: S,
        late_us: 0,
        age_us: 0,
        is_spread: false,
    };
    let shows = |window: SeenWindow| Ask {
        wants: 0,
        window: Some(window),
        ..ask("a")
    };
    take(&mut state, shows(window), NOW);
    assert_eq!(take(&mut state, ask("a"), NOW + S).slots_us, [0], "it");
    let renewed = SeenWindow {
        remaining: 100,
        ends_in_us: 60 * S,
        ..window
    };
    take(&mut state, shows(renewed), NOW + S + MS);
    let next = take(&mut state, ask("a"), NOW + S + MS).slots_us;
    assert_eq!(next, [99 * MS]);
}
