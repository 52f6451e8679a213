//! The number of attempts for a row, and what they cost.

use super::*;

#[test]
fn a_row_that_the_api_fails_is_sent_three_times_which_are_two_retries() {
    let run = Run::new(rules(), 20).run_on(|sent| if sent.row == 2 { api(500) } else { applied() });
    run.ends(2, "failed http_500", 3);
    let statistics = run.schedule.statistics();
    assert_eq!(statistics.retries, [(Cause::Status(500), 2)].into());
    assert_eq!(
        (statistics.attempts, statistics.outages, statistics.controls),
        (22, 0, 0)
    );
}

#[test]
fn a_row_that_a_gateway_fails_is_sent_as_often_as_the_user_allows() {
    let run =
        Run::new(rules(), 200).run_on(|sent| if sent.row == 2 { text(503) } else { applied() });
    run.ends(2, "failed http_503", 5);
}

#[test]
fn an_update_that_may_have_been_applied_once_stays_ambiguous() {
    let check = |answers: [Answer; 2], want: bool| {
        let what = format!("{answers:?}");
        let run = Run::new(rules(), 20).run_on(|sent| match sent {
            Sent { row: 2, nth, .. } => answers.get(nth - 1).cloned().unwrap_or(applied()),
            _ => applied(),
        });
        run.ends(2, "updated 200", 3);
        assert_eq!(run.ended(2).ambiguous, want, "{what}");
        assert!(!run.ended(1).ambiguous);
    };
    check([text(503), text(500)], false);
    check([text(502), text(503)], true);
    check([text(503), Answer::Fault(Fault::Broken)], true);
    check(
        [Answer::Fault(Fault::Timeout), Answer::Fault(Fault::Refused)],
        true,
    );
}

#[test]
fn a_last_attempt_waits_for_a_sign_of_life() {
    let retry = RetryPolicy::new(2).expect("a good limit");
    let mut run = Run::new(
        Rules {
            retry,
            ..in_flight(2)
        },
        2,
    );
    let sent = run.sends(&[1, 2]);
    run.answered(sent[0], text(503));
    run.now = at(5);
    assert!(
        matches!(run.step(), Step::Wait(_)),
        "row 2 is still under way, and says more"
    );
    run.answered(sent[1], applied());
    let run = run.run_on(|sent| match sent.request {
        Request::Read => shows(Shown::AsSent),
        Request::Write => applied(),
    });
    run.all_updated(2);
    let control_first = [(2, Request::Read), (2, Request::Write), (1, Request::Write)];
    assert_eq!(
        run.order().split_off(2),
        control_first,
        "row 2 left before row 1 failed, and says nothing"
    );
}

#[test]
fn probes_use_up_no_attempt() {
    let retry = RetryPolicy::new(2).expect("a good limit");
    let run = Run::new(Rules { retry, ..rules() }, 1)
        .run_on(|sent| if sent.nth <= 8 { text(503) } else { applied() });
    run.ends(1, "updated 200", 9);
}

#[test]
fn an_empty_retry_budget_lets_one_retry_a_second_leave() {
    let mut run = Run::new(in_flight(4), 4);
    let bucket = &mut run.schedule.retries.bucket;
    (0..50).for_each(|_| bucket.acquire(retry_tokens::Cost::AmbiguousRetry, Moment::START));
    for request in run.sends(&[1, 2, 3, 4]) {
        run.answered(request, text(503));
    }
    let run = run.run_on(|_| api(400));
    let again: Vec<_> = run
        .sent
        .iter()
        .filter(|sent| sent.nth == 2)
        .map(|sent| sent.at)
        .collect();
    let gaps: Vec<_> = again
        .windows(2)
        .map(|pair| pair[1].since(pair[0]))
        .collect();
    assert_eq!(gaps, [S(1); 3]);
}

#[test]
fn a_row_that_something_else_answers_is_sent_three_times_over_some_seconds() {
    let is_bad = |row: u64| row.is_multiple_of(10);
    for (status, how) in [
        (200, "rejected 200"),
        (302, "rejected 302"),
        (400, "rejected 400"),
        (501, "rejected 501"),
    ] {
        let run = Run::new(rules(), 1000).run_on(|sent| match sent {
            Sent {
                request: Request::Read,
                ..
            } => shows(Shown::AsSent),
            Sent { row, .. } if is_bad(row) => text(status),
            _ => applied(),
        });
        let mut spans = Vec::new();
        for row in (1..=1000).filter(|row| is_bad(*row)) {
            let writes = run.writes(row);
            assert_eq!(run.ending(row).0, how);
            spans.push(writes[2].since(writes[0]));
        }
        let mean = spans.iter().sum::<Duration>() / 100;
        assert!(mean >= Duration::from_millis(900), "{status}: {mean:?}");
        assert_eq!(run.schedule.stopped(), None);
    }
}

#[test]
fn attempts_while_the_breaker_is_open_do_not_count() {
    let mut run = Run::new(rules(), 12);
    for _ in 0..40 {
        let sent = run.leaves().expect("a request");
        run.answered(sent, text(503));
    }
    let counted = |sent: &Sent| run.schedule.order.get(sent.ticket).failures.counted;
    assert!(
        run.sent.iter().all(|sent| counted(sent) <= 1),
        "the first ten rows failed once before it opened"
    );
    assert_eq!(run.sent[..10].iter().map(counted).sum::<u32>(), 10);
}

#[test]
fn retries_that_succeed_do_not_use_up_the_budget() {
    let run = Run::new(rules(), 1200).run_on(|sent| {
        if sent.row.is_multiple_of(8) && sent.nth == 1 {
            text(502)
        } else {
            applied()
        }
    });
    run.all_updated(1200);
    assert_eq!(
        run.schedule.statistics().retries,
        [(Cause::Status(502), 150)].into()
    );
    assert!(run.now < at(16), "{:?}", run.now);
}

#[test]
fn rows_that_fail_again_after_others_were_applied_are_no_outage() {
    let mut run = Run::new(rules(), 80);
    for _ in 0..80 {
        // All at once, so that a sign of life follows each failure before any row is sent again.
        let sent = run.leaves().expect("a row");
        let answer = if sent.row.is_multiple_of(4) {
            text(503)
        } else {
            applied()
        };
        run.schedule.finished(
            sent.ticket,
            Attempt {
                answer,
                took: Duration::ZERO,
            },
            run.now,
        );
    }
    assert_eq!(run.now, Moment::START);
    for _ in 0..14 {
        let sent = run.leaves().expect("a retry");
        run.answered(sent, text(503));
    }
    assert!(
        run.sent[80..].iter().filter(|sent| sent.nth == 2).count() >= 10,
        "{:?}",
        &run.sent[80..]
    );
    assert_eq!(run.schedule.statistics().outages, 0);
}

#[test]
fn rows_with_a_second_chance_show_no_outage() {
    for (second_chances, outages) in [(0, 1), (1, 0)] {
        let mut run = Run::new(rules(), 25);
        for _ in 0..25 {
            let sent = run.leaves().expect("a row");
            run.schedule
                .order
                .get_mut(sent.ticket)
                .failures
                .second_chances = second_chances;
            run.answered(sent, text(503));
        }
        assert_eq!(
            run.schedule.statistics().outages,
            outages,
            "{second_chances} second chances"
        );
    }
}

#[test]
fn a_retry_after_an_attempt_that_may_have_been_applied_costs_more() {
    for (status, cost) in [
        (502, retry_tokens::Cost::AmbiguousRetry),
        (503, retry_tokens::Cost::Retry),
        (500, retry_tokens::Cost::Retry),
    ] {
        let mut run = Run::new(rules(), 1);
        let [sent] = *run.sends(&[1]) else {
            panic!("one request")
        };
        run.answered(sent, text(status));
        assert_eq!(
            run.schedule.order.get(sent.ticket).failures.cost,
            Some(cost),
            "{status}"
        );
    }
}
