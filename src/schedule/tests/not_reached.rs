//! Requests that did not reach the API: they are sent again at once, and cost nothing.

use super::*;

const NOT_PROCESSED: Answer = Answer::Fault(Fault::NotProcessed);
const UNANSWERED: Answer = Answer::Fault(Fault::Unanswered);

/// Answers the first writes of each row with these answers.
fn first(answers: &[Answer]) -> impl FnMut(Sent) -> Answer {
    move |sent| match sent.request {
        Request::Write => answers.get(sent.nth - 1).cloned().unwrap_or(applied()),
        Request::Read => shows(Shown::AsSent),
    }
}

fn attempts(attempts_max: u32) -> Rules {
    Rules {
        retry: RetryPolicy::new(attempts_max).expect("a good limit"),
        ..rules()
    }
}

#[test]
fn a_request_that_was_not_processed_uses_up_no_attempt() {
    let run = Run::new(attempts(1), 20).run_on(first(&[NOT_PROCESSED, NOT_PROCESSED]));
    run.all_updated(20);
    run.ends(7, "updated 200", 3);
    assert!(
        run.ended.iter().all(|ended| !ended.ambiguous),
        "{:?}",
        run.ended
    );
    let statistics = run.schedule.statistics();
    assert_eq!(
        statistics.retries,
        [(Cause::Fault(Fault::NotProcessed), 40)].into()
    );
    assert_eq!(
        (statistics.outages, statistics.controls, statistics.pauses),
        (0, 0, 0)
    );
    assert_eq!(run.now, Moment::START + ROUND_TRIP * 60, "nothing waits");
    assert_eq!(run.schedule.last_failure(), None);
}

#[test]
fn a_kept_connection_that_is_closed_without_an_answer_uses_up_no_attempt_and_is_ambiguous() {
    let run = Run::new(attempts(1), 20).run_on(first(&[UNANSWERED]));
    run.all_updated(20);
    run.ends(7, "updated 200", 2);
    assert!(
        run.ended.iter().all(|ended| ended.ambiguous),
        "{:?}",
        run.ended
    );
    let statistics = run.schedule.statistics();
    assert_eq!(
        statistics.retries,
        [(Cause::Fault(Fault::Unanswered), 20)].into()
    );
    assert_eq!((statistics.outages, statistics.controls), (0, 0));
    assert_eq!(run.now, Moment::START + ROUND_TRIP * 40, "nothing waits");
}

#[test]
fn more_of_it_is_trouble() {
    let check = |answers: &[Answer], attempts_max: u32, how: &str, sent: u32| {
        let mut first = first(answers);
        let run = Run::new(attempts(attempts_max), 20).run_on(|sent| {
            if sent.row == 7 {
                first(sent)
            } else {
                applied()
            }
        });
        run.ends(7, how, sent);
        let others = run
            .ended
            .iter()
            .filter(|ended| matches!(ended.ending, Ending::Updated { .. }));
        assert!(others.count() >= 19, "{:?}", run.ended);
        run.ended(7).ambiguous
    };
    assert!(!check(
        &vec![NOT_PROCESSED; 3],
        1,
        "failed not_processed",
        3
    ));
    assert!(!check(
        &vec![NOT_PROCESSED; 9],
        3,
        "failed not_processed",
        5
    ));
    assert!(check(
        &vec![UNANSWERED; 2],
        1,
        "failed connection_closed",
        2
    ));
    assert!(check(
        &vec![UNANSWERED; 9],
        3,
        "failed connection_closed",
        4
    ));
    // Each kind has its own count, and another answer in between resets none.
    assert!(check(
        &[NOT_PROCESSED, UNANSWERED, NOT_PROCESSED],
        1,
        "updated 200",
        4
    ));
    assert!(!check(
        &[NOT_PROCESSED, NOT_PROCESSED, text(503), NOT_PROCESSED],
        2,
        "failed not_processed",
        4
    ));
}

#[test]
fn it_costs_no_retry_budget() {
    let check = |answer: Answer| {
        let mut run = Run::new(in_flight(4), 4);
        let bucket = &mut run.schedule.retries.bucket;
        (0..50).for_each(|_| bucket.acquire(retry_tokens::Cost::AmbiguousRetry, Moment::START));
        for request in run.sends(&[1, 2, 3, 4]) {
            run.answered(request, answer.clone());
        }
        let first_retry_at = run.now;
        assert!(
            run.sends(&[1, 2, 3, 4])
                .iter()
                .all(|sent| sent.at == first_retry_at),
            "{:?}",
            run.sent
        );
    };
    check(NOT_PROCESSED);
    check(UNANSWERED);
}

#[test]
fn a_row_that_has_failed_before_does_not_pay_for_it_either() {
    let mut run = Run::new(rules(), 1);
    for answer in [text(503), NOT_PROCESSED] {
        let sent = run.sends(&[1]);
        run.answered(sent[0], answer);
    }
    let (bucket, now) = (&mut run.schedule.retries.bucket, run.now);
    (0..101).for_each(|_| bucket.acquire(retry_tokens::Cost::Retry, now));
    assert_eq!(run.sends(&[1])[0].at, now);
}

#[test]
fn it_is_no_pushback() {
    let run = |answer: &Answer| {
        let mut run = Run::new(in_flight(64), 400);
        run.round(&applied());
        run.round(&applied());
        let limit = run.schedule.flights.concurrency.limit();
        run.round(answer);
        run.schedule.flights.concurrency.limit() >= limit
    };
    assert!(run(&NOT_PROCESSED) && run(&UNANSWERED));
    assert!(!run(&text(503)));
}

#[test]
fn all_requests_not_processed_twice_is_no_outage_and_more_is() {
    let mut run = Run::new(in_flight(64), 400);
    (0..2).for_each(|_| run.round(&NOT_PROCESSED));
    assert_eq!(
        (
            run.schedule.failing_since(),
            run.schedule.statistics().outages
        ),
        (None, 0)
    );
    let run = run.run_on(|_| NOT_PROCESSED);
    assert!(
        matches!(run.schedule.stopped(), Some(StopReason::Outage { .. })),
        "{:?}",
        run.schedule.stopped()
    );
    assert_eq!(run.schedule.statistics().outages, 1);
    // While the API is down, each probe waits for its time.
    assert!(run.sent.len() < 400, "{}", run.sent.len());
}

#[test]
fn each_of_many_requests_in_flight_may_be_lost_twice() {
    let mut run = Run::new(in_flight(64), 2000);
    (0..10).for_each(|_| run.round(&applied()));
    assert_eq!(run.schedule.flights.concurrency.limit(), 64);
    (0..2).for_each(|_| run.round(&NOT_PROCESSED));
    assert_eq!(run.schedule.failing_since(), None);
}

#[test]
fn a_probe_that_shows_nothing_is_followed_by_another_one() {
    let check = |answer: Answer| {
        let run = Run::new(rules(), 30).run_on(|sent| match (sent.at < at(20), sent.nth % 2) {
            (true, 0) => answer.clone(),
            (true, _) => text(503),
            (false, _) => applied(),
        });
        run.all_updated(30);
        assert_eq!(run.schedule.statistics().outages, 1);
    };
    check(NOT_PROCESSED);
    check(UNANSWERED);
}

#[test]
fn a_control_that_shows_nothing_is_sent_again() {
    let check = |answer: Answer, request: Request| {
        let mut controls = 0;
        let run = Run::new(attempts(2), 12).run_on(|sent| match (sent.row, sent.request) {
            (1, asked)
                if asked == request
                    && (sent.nth > 1 || asked == Request::Read)
                    && controls == 0 =>
            {
                controls += 1;
                answer.clone()
            }
            (1, Request::Read) => shows(Shown::AsSent),
            (1, Request::Write) => applied(),
            _ => text(503),
        });
        assert_eq!(controls, 1, "{:?}", run.order());
        assert!(run.schedule.statistics().controls >= 2, "{:?}", run.order());
    };
    for answer in [NOT_PROCESSED, UNANSWERED, Answer::Fault(Fault::NoSockets)] {
        check(answer.clone(), Request::Read);
        check(answer, Request::Write);
    }
}
