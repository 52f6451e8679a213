//! The canary: whose rows leave before the verdict, and how it is made.

use super::super::canary::{
    AfterCanary, CanaryHistory, CanaryRows, CanaryRules, CanaryThen, CanaryVerdict, EarlierVerdict,
    IN_FLIGHT_MAX,
};
use super::*;
use crate::contract::{Echo, Field};

fn canary(customers: usize, then: CanaryThen) -> CanaryRules {
    CanaryRules {
        customers,
        then,
        before: CanaryHistory::default(),
    }
}

/// A run with a canary, of one row for each of these customers.
fn run_of(rules: CanaryRules, in_flight_max: u16, customers: impl IntoIterator<Item = u64>) -> Run {
    let schedule = Schedule::new(in_flight(in_flight_max), History::default(), 7);
    let mut schedule = schedule.with_canary(Some(rules));
    for (row, id) in (1..).zip(customers) {
        schedule.offer(customer(id), row, 1, Care::None);
    }
    Run {
        schedule,
        now: Moment::START,
        sent: Vec::new(),
        ended: Vec::new(),
    }
}

/// The first request of a row, which leaves now.
fn sent_now(run: &Run, ticket: Ticket, request: Request) -> Sent {
    Sent {
        ticket,
        row: *run.schedule.row(ticket),
        request,
        nth: 1,
        at: run.now,
    }
}

/// Answers rows until the verdict, which is returned.
#[track_caller]
fn verdict(run: &mut Run, answer: impl Fn(u64) -> Answer) -> (CanaryVerdict, AfterCanary) {
    for _ in 0..STEPS_MAX {
        match run.step() {
            Step::Send(ticket, request) => {
                let sent = sent_now(run, ticket, request);
                run.sent.push(sent);
                run.answered(sent, answer(sent.row));
            }
            Step::Judged(verdict, after) => return (verdict, after),
            Step::Wait(Some(until)) => run.now = run.now.max(until),
            step => panic!("{step:?} at {:?}", run.now),
        }
    }
    panic!("there is no verdict");
}

fn rows_sent(run: &Run) -> Vec<u64> {
    run.sent.iter().map(|sent| sent.row).collect()
}

fn shows_another(field: Field) -> Answer {
    let fields: FieldSet = [field].into_iter().collect();
    Answer::Response(Response {
        status: 200,
        body: Body::APPLIED,
        echo: Some(Echo {
            compared: fields,
            differs: fields,
            ..Echo::default()
        }),
        ..Response::default()
    })
}

#[test]
fn only_rows_of_the_first_customers_leave() {
    // Customer 1 comes again before and after the last place is taken.
    let mut run = run_of(canary(3, CanaryThen::Stop), 1, [1, 2, 1, 3, 4, 1, 5]);
    let (verdict, after) = verdict(&mut run, |_| applied());
    assert_eq!(rows_sent(&run), [1, 3, 6, 2, 4], "customer by customer");
    assert_eq!(after, AfterCanary::Stops);
    assert_eq!((verdict.customers, verdict.rows.updated), (3, 5));
    assert!(verdict.is_good());
    assert_eq!(run.step(), Step::Stopped);
    let stop = Some(&StopReason::Canary { verdict });
    assert_eq!(run.schedule.stopped(), stop);
}

#[test]
fn few_requests_are_in_flight_before_the_verdict() {
    let mut run = run_of(canary(20, CanaryThen::Go), 32, 1..=60);
    for _ in 0..IN_FLIGHT_MAX {
        let step = run.step();
        assert!(matches!(step, Step::Send(..)), "{step:?}");
    }
    let step = run.step();
    assert!(matches!(step, Step::Wait(_)), "{step:?}");
    let limit = (IN_FLIGHT_MAX, InFlightBound::Canary);
    assert_eq!(run.schedule.in_flight_max(run.now), limit);
}

#[test]
fn with_go_a_good_canary_is_followed_by_all_rows_in_order() {
    let mut run = run_of(canary(2, CanaryThen::Go), 1, [1, 2, 3, 4, 3]);
    let (verdict, after) = verdict(&mut run, |_| applied());
    assert_eq!((verdict.is_good(), after), (true, AfterCanary::GoesOn));
    run.schedule.close();
    let run = run.run_on(|_| applied());
    assert_eq!(rows_sent(&run), [1, 2, 3, 5, 4]);
    run.all_updated(5);
}

#[test]
fn a_bad_row_or_another_value_makes_the_verdict_bad() {
    let check = |answer: fn(u64) -> Answer, bad: u64, echoes: &[(Field, u64)], text: &str| {
        let mut run = run_of(canary(3, CanaryThen::Go), 1, 1..=5);
        let (verdict, after) = verdict(&mut run, answer);
        assert_eq!(after, AfterCanary::Stops, "{text}");
        assert_eq!(verdict.rows.bad, bad, "{text}");
        assert_eq!(verdict.rows.echoes, echoes.iter().copied().collect());
        assert_eq!(verdict.to_string(), text);
    };
    check(
        |row| if row == 2 { api(422) } else { applied() },
        1,
        &[],
        "bad: 3 customers sent to, 2 rows updated, 1 ended badly",
    );
    check(
        |row| match row {
            1 => shows_another(Field::Job),
            _ => shows_another(Field::Email),
        },
        0,
        &[(Field::Email, 2), (Field::Job, 1)],
        "bad: 3 customers sent to, 3 rows updated, 0 ended badly; shown otherwise than sent: email in 2 rows, job in 1 row",
    );
}

#[test]
fn invalid_rows_take_no_place_and_wait_behind_the_canary() {
    let schedule = Schedule::new(rules(), History::default(), 7);
    let mut schedule = schedule.with_canary(Some(canary(1, CanaryThen::Stop)));
    schedule.offer_invalid(None, 1, 1);
    schedule.offer(customer(7), 2, 1, Care::None);
    schedule.offer_invalid(Some(customer(8)), 3, 1);
    schedule.offer(customer(9), 4, 1, Care::None);
    schedule.offer_invalid(None, 5, 1);
    schedule.offer_invalid(Some(customer(7)), 6, 1);
    let (mut invalid, mut sent) = (Vec::new(), Vec::new());
    let verdict = loop {
        match schedule.next(Moment::START) {
            Step::NeverSent(row) => {
                invalid.push(row);
                for id in [7, 8] {
                    schedule.recorded(customer(id));
                }
            }
            Step::Send(ticket, _) => {
                sent.push(*schedule.row(ticket));
                let attempt = Attempt {
                    answer: applied(),
                    took: ROUND_TRIP,
                };
                schedule.finished(ticket, attempt, Moment::START);
            }
            Step::Ended(ended) => schedule.recorded(ended.customer),
            Step::Judged(verdict, _) => break verdict,
            step => panic!("{step:?}"),
        }
    };
    assert_eq!((sent, invalid), (vec![2], vec![1, 6, 3]));
    assert_eq!(verdict.rows.invalid, 3);
    assert!(verdict.is_good(), "invalid rows are told apart");
}

#[test]
fn a_file_with_as_many_customers_ends_as_usual() {
    for then in [CanaryThen::Stop, CanaryThen::Go] {
        let mut run = run_of(canary(3, then), 1, [1, 2, 3, 2]);
        // It may still be read.
        while let Step::Send(ticket, request) = run.step() {
            let sent = sent_now(&run, ticket, request);
            run.answered(sent, applied());
        }
        run.schedule.close();
        assert_eq!(run.step(), Step::Done, "{then:?}");
        run.all_updated(4);
    }
}

#[test]
fn a_full_queue_holds_up_the_reading_and_not_the_verdict() {
    let schedule = Schedule::new(rules(), History::default(), 7);
    let mut schedule = schedule.with_canary(Some(canary(1, CanaryThen::Stop)));
    let mut row = 0;
    while schedule.has_room() {
        row += 1;
        schedule.offer(customer(row), row, 1, Care::None);
    }
    assert!(row > 1000, "a queue of {row} rows");
    let mut run = Run {
        schedule,
        now: Moment::START,
        sent: Vec::new(),
        ended: Vec::new(),
    };
    let (_, after) = verdict(&mut run, |_| applied());
    assert_eq!((rows_sent(&run), after), (vec![1], AfterCanary::Stops));
}

#[test]
fn the_canary_of_a_later_process_is_the_same() {
    let before = |sent_to: &[u64], verdict| CanaryHistory {
        sent_to: sent_to.iter().copied().map(customer).collect(),
        rows: CanaryRows {
            updated: sent_to.len() as u64,
            ..CanaryRows::default()
        },
        verdict,
    };
    let rules = |customers, then, before| CanaryRules {
        before,
        ..canary(customers, then)
    };
    // Killed before the verdict: customers 1 and 2 have an outcome, and 4 takes the last place.
    let history = before(&[1, 2], EarlierVerdict::None);
    let mut run = run_of(rules(3, CanaryThen::Stop, history), 1, [4, 5, 2, 6]);
    let (verdict_now, _) = verdict(&mut run, |_| applied());
    assert_eq!(rows_sent(&run), [1, 3]);
    assert_eq!((verdict_now.customers, verdict_now.rows.updated), (3, 4));
    // An earlier process has told the verdict: nothing more is sent.
    let history = before(&[1, 2, 4], EarlierVerdict::Made);
    let mut run = run_of(rules(3, CanaryThen::Stop, history.clone()), 1, [2, 5]);
    assert_eq!(run.step(), Step::Stopped);
    assert!(matches!(
        run.schedule.stopped(),
        Some(StopReason::Canary { verdict }) if verdict.customers == 3
    ));
    // With more places it goes on, and with `go` in any case.
    let mut run = run_of(rules(4, CanaryThen::Stop, history.clone()), 1, [5, 6]);
    let (verdict_now, _) = verdict(&mut run, |_| applied());
    assert_eq!((rows_sent(&run), verdict_now.customers), (vec![1], 4));
    let mut bad = history;
    bad.rows.bad = 1;
    let mut run = run_of(rules(3, CanaryThen::Go, bad), 1, [2, 5, 6]);
    run.schedule.close();
    let (verdict_now, after) = verdict(&mut run, |_| applied());
    assert_eq!(after, AfterCanary::GoesOn);
    assert!(!verdict_now.is_good() && run.sent.is_empty());
    run.run_on(|_| applied()).all_updated(3);
}

#[test]
fn a_row_that_ends_again_does_not_count_twice() {
    let mut history = CanaryHistory::default();
    (history.sent_to, history.rows.bad) = (vec![customer(1)], 1);
    let rules = CanaryRules {
        before: history,
        ..canary(1, CanaryThen::Go)
    };
    let mut run = run_of(rules, 1, [1, 2]);
    let sent = run.leaves().expect("the failed row is sent again");
    run.answered(sent, applied());
    run.schedule.ended_again();
    let (verdict, after) = verdict(&mut run, |_| applied());
    assert_eq!((verdict.rows.bad, after), (0, AfterCanary::GoesOn));
}

#[test]
fn a_canary_that_the_api_refuses_as_a_whole_ends_like_a_file_of_its_rows() {
    let mut run = run_of(canary(3, CanaryThen::Stop), 1, 1..=50);
    while let Some(sent) = run.leaves() {
        run.answered(sent, api(403));
    }
    let stop = run.schedule.stopped();
    assert!(
        matches!(stop, Some(StopReason::Forbidden { answers: 3, .. })),
        "{stop:?}"
    );
}

#[test]
fn rows_that_wait_for_the_verdict_take_up_room() {
    let mut run = run_of(canary(1, CanaryThen::Stop), 1, 1..=8191);
    assert!(run.schedule.has_room());
    run.schedule.offer(customer(8192), 8192, 1, Care::None);
    assert!(!run.schedule.has_room(), "as many rows as are held at once");
    let mut run = run_of(canary(1, CanaryThen::Stop), 1, 1..=2);
    let bytes = (8 << 20) - 3;
    run.schedule.offer(customer(3), 3, bytes, Care::None);
    assert!(run.schedule.has_room());
    run.schedule.offer(customer(4), 4, 1, Care::None);
    assert!(!run.schedule.has_room(), "as many bytes");
}
