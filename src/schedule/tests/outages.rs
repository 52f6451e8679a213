//! The breaker in a run, and the longest wait.

use super::super::stop::Unexpected;
use super::*;
use crate::contract::TlsFault;

#[test]
fn a_probe_is_the_newest_row() {
    let mut run = Run::new(rules(), 50);
    for row in 1..=10 {
        let [sent] = *run.sends(&[row]) else {
            panic!("one request")
        };
        run.answered(sent, text(503));
    }
    assert_eq!(run.schedule.statistics().outages, 1);
    let opened = run.now;
    let mut waits = Vec::new();
    for row in [50, 49, 48] {
        let before = run.now;
        let [sent] = *run.sends(&[row]) else {
            panic!("one request")
        };
        assert!(matches!(run.step(), Step::Wait(_)), "one at a time");
        waits.push(sent.at.since(before).as_secs());
        run.answered(sent, text(503));
    }
    assert_eq!(waits, [1, 2, 4]);
    let run = run.run_on(|_| applied());
    run.all_updated(50);
    assert!(run.schedule.statistics().down >= run.writes(47)[0].since(opened));
}

#[test]
fn two_rows_without_an_answer_for_ten_seconds_are_one() {
    let mut run = Run::new(
        Rules {
            timeout: S(9),
            ..in_flight(3)
        },
        9,
    );
    run.sends(&[1, 2, 3]);
    run.now = at(9);
    let given_up: Vec<_> = (0..3).map(|_| run.step()).collect();
    assert!(
        given_up.iter().all(|step| matches!(step, Step::GiveUp(_))),
        "{given_up:?}"
    );
    run.sends(&[4, 5]);
    while !matches!(run.step(), Step::Wait(_)) {}
    assert_eq!(run.schedule.statistics().outages, 0);
    assert_eq!(
        run.step(),
        Step::Wait(Some(at(10))),
        "the breaker is looked at again without an answer"
    );
    run.now = at(10);
    assert!(matches!(run.step(), Step::Wait(_)));
    assert_eq!(run.schedule.statistics().outages, 1);
    assert!(
        matches!(run.schedule.limited_by(), Some(LimitedBy::Outage(since, Some(_))) if since == Moment::START)
    );
}

#[test]
fn the_longest_wait_ends_one_and_leaves_the_rows_unsent() {
    let check = |rows: u64, answer: Answer| {
        let run = Run::new(
            Rules {
                wait_max: S(100),
                ..rules()
            },
            rows,
        )
        .run_on(|_| answer.clone());
        let stopped = run.schedule.stopped();
        assert!(
            matches!(stopped, Some(StopReason::Outage { lasted, .. }) if *lasted == S(100)),
            "{rows} rows: {stopped:?}"
        );
        assert_eq!(run.ended.len(), 0, "{rows} rows");
    };
    for rows in [1, 2, 50] {
        check(rows, text(503));
    }
    // The API's answers about some rows say nothing about those that were never sent.
    check(50, api(500));
}

#[test]
fn the_apis_own_failures_end_no_row_while_others_were_never_sent_even_if_errors_do_not_count() {
    let rules = Rules {
        wait_max: S(100),
        error_limit: ErrorLimit::None,
        ..rules()
    };
    let run = Run::new(rules, 50).run_on(|_| api(500));
    let stopped = run.schedule.stopped();
    assert!(
        matches!(stopped, Some(StopReason::Outage { lasted, .. }) if *lasted == S(100)),
        "{stopped:?}"
    );
    assert_eq!(run.ended.len(), 0);
}

#[test]
fn what_the_api_itself_says_of_every_row_counts_once_the_longest_wait_is_over() {
    for (status, how) in [(404, "rejected 404"), (500, "failed http_500")] {
        let run = Run::new(
            Rules {
                wait_max: S(100),
                ..rules()
            },
            3,
        )
        .run_on(|_| api(status));
        assert_eq!(run.schedule.stopped(), None, "{status}");
        (1..=3).for_each(|row| assert_eq!(run.ending(row).0, how));
        assert!(
            run.now >= at(100) && run.now < at(140),
            "{status}: {:?}",
            run.now
        );
    }
}

#[test]
fn rows_that_were_refused_are_asked_about_a_last_time_when_the_longest_wait_is_over() {
    let run = Run::new(
        Rules {
            wait_max: S(100),
            ..rules()
        },
        3,
    )
    .run_on(|sent| {
        if sent.at < at(100) {
            api(404)
        } else {
            applied()
        }
    });
    run.all_updated(3);
}

#[test]
fn first_rows_that_something_else_answers_stop_the_run() {
    let check = |status: u16, rows: u64, requests: usize, want: StopReason| {
        let run = Run::new(rules(), rows).run_on(|_| text(status));
        assert_eq!(
            (run.schedule.stopped(), run.sent.len()),
            (Some(&want), requests),
            "{rows} rows"
        );
    };
    for (rows, requests) in [(50, 3), (3, 3), (1, 2)] {
        check(
            200,
            rows,
            requests,
            StopReason::UnexpectedAnswers {
                status: 200,
                what: Unexpected::AnotherBody,
            },
        );
        check(
            302,
            rows,
            requests,
            StopReason::Redirected {
                status: 302,
                host: None,
            },
        );
        check(
            501,
            rows,
            requests,
            StopReason::EveryRowWouldFail { status: 501 },
        );
    }
    let run = Run::new(rules(), 50).run_on(|sent| {
        if sent.row > 1 && sent.at < at(20) {
            text(200)
        } else {
            applied()
        }
    });
    run.all_updated(50);
    assert_eq!(
        run.schedule.statistics().outages,
        1,
        "later it is an outage"
    );
}

#[test]
fn a_bad_row_among_good_ones_is_sent_a_few_times_after_an_outage() {
    let run = Run::new(rules(), 300).run_on(|sent| match sent {
        Sent {
            request: Request::Read,
            ..
        } => shows(Shown::AsSent),
        Sent { row: 2, .. } => api(404),
        Sent {
            row: 3..=12,
            nth: 1,
            ..
        } => text(503),
        _ => applied(),
    });
    assert_eq!(run.schedule.statistics().outages, 1);
    let (how, attempts) = run.ending(2);
    assert_eq!(how, "rejected 404");
    assert!((2..=10).contains(&attempts), "{attempts} attempts");
    assert_eq!(run.ended.len(), 300);
}

#[test]
fn it_begins_again_with_four_in_flight_after_one() {
    let mut run = Run::new(in_flight(32), 1000);
    (0..10).for_each(|_| run.round(&applied()));
    assert_eq!(run.schedule.flights.concurrency.limit(), 32);
    run.round(&text(500));
    assert_eq!(run.schedule.statistics().outages, 1);
    assert!(
        run.schedule.flights.concurrency.limit() > 8,
        "a 500 is not about the load"
    );
    let sent = run.leaves().expect("a probe");
    run.answered(sent, applied());
    assert_eq!(run.schedule.flights.concurrency.limit(), 4);
}

/// A run whose first ten rows failed, so that the breaker is open.
fn open_after_ten(rows: u64) -> Run {
    let mut run = Run::new(rules(), rows);
    for row in 1..=10 {
        let [sent] = *run.sends(&[row]) else {
            panic!("one request")
        };
        run.answered(sent, text(503));
    }
    assert!(run.schedule.availability.down_since().is_some());
    run
}

#[test]
fn a_refusal_of_the_api_ends_one_too() {
    let mut run = open_after_ten(50);
    let sent = run.leaves().expect("a probe");
    run.answered(sent, api(400));
    assert_eq!(run.schedule.availability.down_since(), None);
    let answered = run.now;
    assert_eq!(run.leaves().map(|sent| sent.at), Some(answered));
}

#[test]
fn a_probe_that_is_asked_to_wait_says_nothing_and_the_next_leaves_after_the_wait() {
    let mut run = open_after_ten(50);
    let sent = run.leaves().expect("a probe");
    run.answered(sent, named(429, S(1)));
    let (answered, next) = (run.now, run.leaves().expect("a probe"));
    let wait = next.at.since(answered);
    assert!(
        wait >= S(1) && wait < Duration::from_millis(1200),
        "{wait:?}"
    );
    assert!(run.schedule.availability.down_since().is_some());
}

#[test]
fn the_last_round_ends_with_a_success_and_no_step_of_it_waits_for_what_is_past() {
    let mut run = Run::new(
        Rules {
            wait_max: S(100),
            ..rules()
        },
        2,
    );
    let mut sent = run.leaves().expect("a row");
    while sent.at < at(100) {
        run.answered(sent, api(404));
        sent = run.leaves().expect("a row is asked about");
    }
    assert_eq!(run.schedule.run.doubt_round, DoubtRound::Last);
    let Step::Wait(Some(until)) = run.step() else {
        panic!("one request at a time")
    };
    assert!(until > run.now, "{until:?}");
    run.answered(sent, applied());
    assert_eq!(run.schedule.run.doubt_round, DoubtRound::Usual);
}

#[test]
fn a_name_that_is_unknown_stops_the_run_only_before_the_first_answer() {
    for fault in [Fault::NameUnknown, Fault::Tls(TlsFault::Expired)] {
        let run = Run::new(rules(), 5).run_on(|_| Answer::Fault(fault));
        assert_eq!(
            (run.schedule.stopped(), run.sent.len()),
            (Some(&StopReason::Unreachable { fault }), 1)
        );
        let is_later = |sent: Sent| sent.row > 1 && sent.nth == 1;
        let run = Run::new(rules(), 5).run_on(|sent| {
            if is_later(sent) {
                Answer::Fault(fault)
            } else {
                applied()
            }
        });
        run.all_updated(5);
    }
}

#[test]
fn answers_to_earlier_processes_count_as_answers() {
    let history = History {
        ended: 5,
        errors: 0,
        answered: 5,
        ..History::default()
    };
    let run = Run::after(history, rules(), 1..=5).run_on(|sent| {
        if sent.at < at(20) {
            text(200)
        } else {
            applied()
        }
    });
    run.all_updated(5);
    assert_eq!(run.schedule.statistics().outages, 1);
}
