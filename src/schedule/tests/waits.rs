//! Answers that ask to wait, windows, and our own rate.

use super::*;

/// An applied update after which nothing is left of the window for this long.
fn nothing_left(wait: Duration) -> Answer {
    let window = Some(RateWindow {
        limit: Some(100),
        remaining: 0,
        reset: Some(Reset::After(wait)),
    });
    Answer::Response(Response {
        status: 200,
        body: Body::APPLIED,
        window,
        ..Response::default()
    })
}

#[test]
fn a_row_refused_ten_times_while_others_are_applied_fails() {
    let run =
        Run::new(rules(), 100).run_on(|sent| if sent.row == 1 { text(429) } else { applied() });
    run.ends(1, "failed http_429", 11);
    let (row_1, others): (Vec<Sent>, Vec<Sent>) =
        run.sent.iter().copied().partition(|sent| sent.row == 1);
    assert!(others.iter().all(|sent| sent.nth == 1));
    for pair in row_1.windows(2) {
        let between = others
            .iter()
            .filter(|sent| pair[0].at < sent.at && sent.at < pair[1].at);
        assert!(between.count() >= 1, "another row goes first after a pause");
    }
}

#[test]
fn a_row_refused_ten_times_with_no_other_left_is_decided_by_the_control() {
    let run = Run::new(rules(), 2).run_on(|sent| match sent {
        Sent {
            request: Request::Read,
            ..
        } => shows(Shown::AsSent),
        Sent { row: 2, .. } => text(429),
        _ => applied(),
    });
    run.ends(2, "failed http_429", 10);
    assert_eq!(
        run.order().split_off(11),
        [(1, Request::Read), (1, Request::Write)]
    );
}

#[test]
fn refusals_use_up_no_attempt_and_hold_every_row_back() {
    let wait = S(20);
    for status in [429, 503, 529] {
        let run = Run::new(rules(), 3).run_on(|sent| {
            if sent.row == 1 && sent.nth < 7 {
                named(status, wait)
            } else {
                applied()
            }
        });
        run.all_updated(3);
        run.ends(1, "updated 200", 7);
        assert!(
            run.sent[1].at.since(run.sent[0].at) >= wait,
            "{status}: {:?}",
            run.sent
        );
    }
}

#[test]
fn a_named_wait_beyond_the_longest_stops_at_once() {
    for (wait, stops) in [(S(800), false), (S(900), false), (S(901), true)] {
        let run = Run::new(rules(), 2).run_on(|sent| match sent {
            Sent { row: 1, nth: 1, .. } => named(429, wait),
            _ => applied(),
        });
        let reason = stops.then_some(StopReason::WaitTooLong { wait });
        assert_eq!(run.schedule.stopped(), reason.as_ref());
        assert_eq!(run.now == Moment::START + ROUND_TRIP, stops, "{wait:?}");
    }
}

#[test]
fn a_window_without_anything_left_for_longer_stops_at_once() {
    for (wait, stops) in [(S(800), false), (S(3600), true)] {
        let run = Run::new(rules(), 2).run_on(|sent| {
            if sent.row == 1 {
                nothing_left(wait)
            } else {
                applied()
            }
        });
        assert_eq!(run.now == Moment::START + ROUND_TRIP, stops, "{wait:?}");
        if stops {
            let reason = run.schedule.stopped();
            assert!(
                matches!(reason, Some(StopReason::WaitTooLong { .. })),
                "{reason:?}"
            );
        } else {
            run.all_updated(2);
        }
    }
}

#[test]
fn a_wait_that_was_named_to_an_earlier_process_holds_for_all_rows() {
    let history = History {
        not_before: Moment::START + S(60),
        ..History::default()
    };
    let run = Run::after(history, rules(), 1..=3).run_on(|_| applied());
    run.all_updated(3);
    let first = run.sent[0].at.since_start();
    assert!((S(60)..=S(66)).contains(&first), "{first:?}, with jitter");
    let statistics = run.schedule.statistics();
    assert_eq!((statistics.pauses, statistics.paused), (1, first));
}

#[test]
fn the_end_of_a_named_wait_is_known_at_the_end_of_the_run() {
    let check = |what: &str, run: Run, want: Option<Duration>| {
        let ends = run
            .schedule
            .named_wait_ends(run.now)
            .map(Moment::since_start);
        assert_eq!(ends, want, "{what}");
    };
    let too_long = Some(ROUND_TRIP + S(901));
    check(
        "a wait",
        Run::new(rules(), 2).run_on(|_| named(429, S(901))),
        too_long,
    );
    check(
        "a window",
        Run::new(rules(), 2).run_on(|_| nothing_left(S(901))),
        too_long,
    );
    check(
        "an outage",
        Run::new(rules(), 2).run_on(|_| Answer::Fault(Fault::Refused)),
        None,
    );
    check("no wait", Run::new(rules(), 2).run_on(|_| applied()), None);
    let over = Run::new(rules(), 2).run_on(|sent| {
        if sent.nth == 1 {
            named(429, S(20))
        } else {
            applied()
        }
    });
    check("a wait that is over", over, None);

    // A run that is interrupted in a pause.
    let mut run = Run::new(rules(), 2);
    let sent = run.sends(&[1])[0];
    run.answered(sent, named(429, S(20)));
    run.schedule.stop(StopReason::Terminated);
    let until = run
        .schedule
        .named_wait_ends(run.now)
        .expect("it is not over")
        .since_start();
    assert!((S(20)..=S(23)).contains(&until), "{until:?}");
}

#[test]
fn the_users_own_rate_is_no_silence_of_the_apis() {
    let rate = Rate::Limited(LimitedRate::new(1, RateUnit::Hour).expect("a good rate"));
    let check = |what: &str, rows: u64, answer: fn(Sent) -> Answer| {
        let run = Run::new(Rules { rate, ..rules() }, rows).run_on(answer);
        assert_eq!(run.schedule.stopped(), None, "{what}");
        run.all_updated(usize::try_from(rows).expect("few"));
        for pair in run.sent.windows(2) {
            assert!(pair[1].at.since(pair[0].at) >= S(3600), "{what}: {pair:?}");
        }
    };
    check("a 503 of one row", 3, |sent| {
        if sent.row == 1 && sent.nth == 1 {
            text(503)
        } else {
            applied()
        }
    });
    check("a 503 of each row", 3, |sent| {
        if sent.nth == 1 { text(503) } else { applied() }
    });
    check("a 503 with a wait", 3, |sent| {
        if sent.nth == 1 {
            named(503, S(20))
        } else {
            applied()
        }
    });
    check("a 503 of the only row", 1, |sent| {
        if sent.nth <= 3 { text(503) } else { applied() }
    });
    check("a 404 of one row", 3, |sent| {
        if sent.row == 1 && sent.nth == 1 {
            text(404)
        } else {
            applied()
        }
    });
}

#[test]
fn our_own_rate_is_no_excuse_for_a_request_without_an_answer() {
    let rate = Rate::Limited(LimitedRate::new(1, RateUnit::Minute).expect("a good rate"));
    let mut run = Run::new(
        Rules {
            rate,
            timeout: S(300),
            wait_max: S(20),
            ..in_flight(4)
        },
        9,
    );
    let [sent] = *run.sends(&[1]) else {
        panic!("one request")
    };
    run.answered(sent, text(503));
    run.sends(&[2]);
    assert!(run.now >= at(60) && run.now < at(61), "{:?}", run.now);
    let Step::Wait(Some(until)) = run.step() else {
        panic!("row 3 waits for the rate")
    };
    assert!(
        until >= at(79) && until <= at(80),
        "silence counts while a request is under way: {until:?}"
    );
    run.now = until;
    run.step();
    assert!(matches!(
        run.schedule.stopped(),
        Some(StopReason::Outage { .. })
    ));
}

#[test]
fn the_users_own_rate_is_no_silence_for_rows_that_were_refused() {
    let rate = Rate::Limited(LimitedRate::new(1, RateUnit::Hour).expect("a good rate"));
    let run = Run::new(Rules { rate, ..rules() }, 3)
        .run_on(|sent| if sent.row == 1 { api(404) } else { applied() });
    assert_eq!(run.schedule.stopped(), None);
    run.ends(1, "rejected 404", 1);
}

#[test]
fn it_begins_again_with_four_in_flight_after_a_pause() {
    let mut run = Run::new(in_flight(32), 1000);
    (0..10).for_each(|_| run.round(&applied()));
    assert_eq!(run.schedule.flights.concurrency.limit(), 32);
    run.round(&named(429, S(1)));
    assert_eq!(
        (
            run.schedule.flights.concurrency.limit(),
            run.schedule.statistics().pauses
        ),
        (4, 1)
    );
}

#[test]
fn it_grows_gently_where_a_window_was_overrun() {
    let window = Some(RateWindow {
        limit: Some(100),
        remaining: 0,
        reset: Some(Reset::After(S(1))),
    });
    let refused = Response {
        status: 429,
        retry_after: Some(S(1)),
        window,
        ..Response::default()
    };
    let mut run = Run::new(in_flight(32), 1000);
    (0..10).for_each(|_| run.round(&applied()));
    run.round(&Answer::Response(refused));
    let sent = run.leaves().expect("a request after the pause");
    run.answered(sent, applied());
    (0..3).for_each(|_| run.round(&applied()));
    let limit = run.schedule.flights.concurrency.limit();
    assert!(
        (27..32).contains(&limit),
        "{limit}: nine tenths of where it was pushed back, at most"
    );
}

#[test]
fn only_an_exhausted_window_means_a_second_if_no_time_is_named() {
    let exhausted = Answer::Response(Response {
        status: 429,
        window: Some(RateWindow {
            limit: None,
            remaining: 0,
            reset: None,
        }),
        ..Response::default()
    });
    for (answer, pauses) in [(exhausted, 1), (text(429), 0)] {
        let run = Run::new(rules(), 2).run_on(|sent| match sent {
            Sent { row: 1, nth: 1, .. } => answer.clone(),
            _ => applied(),
        });
        run.all_updated(2);
        let statistics = run.schedule.statistics();
        assert_eq!(statistics.pauses, pauses, "{answer:?}");
        if pauses > 0 {
            let paused = statistics.paused;
            assert!((S(1)..=S(2)).contains(&paused), "{paused:?}");
        }
    }
}

#[test]
fn a_limit_that_is_learned_lowers_the_rate_and_not_the_number_in_flight() {
    let mut run = Run::new(in_flight(32), 1000);
    (0..10).for_each(|_| run.round(&applied()));
    run.round(&text(429));
    assert_eq!(run.schedule.flights.concurrency.limit(), 32);
}

#[test]
fn a_503_that_may_be_a_limits_delays_its_own_row_and_no_other() {
    let run = Run::new(rules(), 40).run_on(|sent| match (sent.row % 3, sent.nth) {
        (0, 1) => text(503),
        _ => applied(),
    });
    run.all_updated(40);
    // The first two show that there may be a limit.
    for row in [9, 12, 15] {
        let [first, again] = run.writes(row)[..] else {
            panic!("row {row} is sent twice")
        };
        let next = run.writes(row + 1)[0];
        assert_eq!(next, first + ROUND_TRIP, "row {row}");
        assert!(again > next, "row {row}");
    }
}

#[test]
fn a_refusal_shows_when_a_window_is_renewed_whose_answers_name_no_end() {
    let counted = Answer::Response(Response {
        status: 200,
        body: Body::APPLIED,
        window: Some(RateWindow {
            limit: Some(100),
            remaining: 50,
            reset: None,
        }),
        ..Response::default()
    });
    let mut run = Run::new(in_flight(2), 4);
    let sent = run.sends(&[1, 2]);
    run.answered(sent[0], named(429, S(20)));
    let renewed_at = run.now + S(20);
    run.answered(sent[1], counted);
    let pace = run.schedule.window_pace(run.now);
    assert_eq!(
        pace.map(|pace| pace.renewed_in),
        Some(renewed_at.since(run.now))
    );
}
