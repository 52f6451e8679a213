//! A machine without descriptors or ports left: a fault of ours.

use super::*;

fn no_sockets() -> Answer {
    Answer::Fault(Fault::NoSockets)
}

#[test]
fn a_request_that_could_not_connect_uses_up_nothing() {
    let run = Run::new(rules(), 40).run_on(|sent| {
        if sent.nth <= 20 {
            no_sockets()
        } else {
            applied()
        }
    });
    run.all_updated(40);
    for row in 1..=40 {
        run.ends(row, "updated 200", 1);
        assert!(!run.ended(row).ambiguous);
    }
    let statistics = run.schedule.statistics();
    assert_eq!(
        (statistics.attempts, statistics.outages, statistics.controls),
        (40, 0, 0)
    );
    assert_eq!(
        (&statistics.retries, run.schedule.last_failure()),
        (&[].into(), None)
    );
}

#[test]
fn a_retry_that_could_not_connect_is_none() {
    let answer = |sent: Sent| match sent {
        Sent { row: 2, nth: 1, .. } => text(503),
        Sent {
            row: 2,
            nth: 2..=200,
            ..
        } => no_sockets(),
        _ => applied(),
    };
    let run = Run::new(rules(), 2).run_on(answer);
    run.ends(2, "updated 200", 2);
    assert_eq!(
        run.schedule.statistics().retries,
        [(Cause::Status(503), 1)].into()
    );
    // An empty bucket lets one retry a second leave.
    let writes = run.writes(2);
    let longest = writes.windows(2).map(|pair| pair[1].since(pair[0])).max();
    assert!(longest < Some(S(1)), "the bucket is not spent: {longest:?}");
}

#[test]
fn a_retry_that_could_not_connect_is_not_counted_and_those_before_it_still_are() {
    // The second row waits for the first one of its customer.
    let mut run = Run::of(rules(), [1, 1]);
    for answer in [text(502), applied(), text(503), no_sockets()] {
        let sent = run.leaves().expect("a row");
        run.answered(sent, answer);
    }
    assert_eq!(
        run.schedule.statistics().retries,
        [(Cause::Status(502), 1)].into()
    );
}

#[test]
fn no_more_are_in_flight_than_the_machine_could_connect() {
    let mut run = Run::new(in_flight(4), 12);
    let sent = run.sends(&[1, 2, 3, 4]);
    run.answered(sent[0], no_sockets());
    assert_eq!(run.schedule.sockets_lacked_beyond(), Some(3));
    assert!(matches!(run.step(), Step::Wait(_)), "three are in flight");
    run.answered(sent[1], no_sockets());
    run.answered(sent[2], applied());
    assert_eq!(run.schedule.sockets_lacked_beyond(), Some(2));
    assert_eq!(run.schedule.in_flight(), 1);
    run.sends(&[5]);
    assert!(matches!(run.step(), Step::Wait(_)), "two are in flight");
    // The machine may get more of what it lacked.
    run.now = run.now + S(10);
    run.sends(&[1]);
    assert_eq!(run.schedule.in_flight(), 3);
}

#[test]
fn the_last_request_in_flight_leaves_again_after_a_moment() {
    let mut run = Run::new(rules(), 1);
    let sent = run.leaves().expect("a row");
    run.answered(sent, no_sockets());
    let again = run.leaves().expect("the row is sent again");
    let waited = again.at.since(sent.at);
    assert!(waited > ROUND_TRIP && waited < S(1), "{waited:?}");
}

#[test]
fn it_does_not_wait_for_ever() {
    let run = Run::new(
        Rules {
            wait_max: S(100),
            ..rules()
        },
        5,
    )
    .run_on(|_| no_sockets());
    let stopped = run.schedule.stopped();
    assert!(
        matches!(stopped, Some(StopReason::NoSockets { lasted }) if *lasted >= S(100)),
        "{stopped:?}"
    );
    assert_eq!((run.ended.len(), run.schedule.statistics().outages), (0, 0));
    // Answered requests show that there are some again.
    let answer = |sent: Sent| {
        if sent.nth as u64 >= 200 * sent.row {
            applied()
        } else {
            no_sockets()
        }
    };
    let run = Run::new(
        Rules {
            wait_max: S(100),
            ..rules()
        },
        5,
    )
    .run_on(answer);
    assert!(run.now > at(200), "{:?}", run.now);
    run.all_updated(5);
}

#[test]
fn the_longest_wait_for_a_connection_ends_to_the_moment() {
    for (lasts, stops) in [(S(99), false), (S(100), true)] {
        let mut run = Run::new(
            Rules {
                wait_max: S(100),
                timeout: S(300),
                ..rules()
            },
            1,
        );
        let sent = run.leaves().expect("a row");
        run.answered(sent, no_sockets());
        let since = run.now;
        let sent = run.leaves().expect("the row again");
        run.now = since + lasts - ROUND_TRIP;
        run.answered(sent, no_sockets());
        let want = StopReason::NoSockets { lasted: lasts };
        assert_eq!(run.schedule.stopped(), stops.then_some(&want), "{lasts:?}");
    }
}

#[test]
fn it_neither_ends_an_outage_nor_prolongs_one() {
    let answer = |sent: Sent| match sent.at {
        at if at < super::at(4) => text(503),
        at if at < super::at(60) => no_sockets(),
        _ => applied(),
    };
    let run = Run::new(rules(), 30).run_on(answer);
    run.all_updated(30);
    let statistics = run.schedule.statistics();
    assert_eq!(statistics.outages, 1);
    let meanwhile = run
        .sent
        .iter()
        .filter(|sent| sent.at >= super::at(4) && sent.at < super::at(60))
        .count();
    assert!(
        (1..=10).contains(&meanwhile),
        "{meanwhile} probes in a minute"
    );
    assert!(
        statistics.down >= S(55) && statistics.down < S(100),
        "{:?}",
        statistics.down
    );
}
