//! The protocol: timeouts, deadlines, the grace of a stop, and the order of steps.

use super::super::flights::Flights;
use super::*;

#[test]
fn requests_are_given_up_once_their_timeout_is_over_in_the_order_in_which_they_left() {
    let mut flights = Flights::new(2, S(30));
    let [first, second] = {
        let sent = Run::new(in_flight(2), 2).sends(&[1, 2]);
        [sent[0].ticket, sent[1].ticket]
    };
    assert_eq!(
        (
            flights.oldest(),
            flights.first_timeout(),
            flights.silent_since()
        ),
        (None, None, None)
    );
    flights.leaves(second, at(2));
    flights.leaves(first, at(1));
    assert_eq!(
        (flights.first_timeout(), flights.silent_since()),
        (Some(at(31)), Some(at(1)))
    );
    assert_eq!(
        flights.overdue(Moment::after_start(Duration::from_millis(30_999))),
        None
    );
    assert_eq!(flights.overdue(at(31)), Some(first));
    flights.answered(at(5));
    assert_eq!(flights.silent_since(), Some(at(5)));
    flights.ends(first, at(1));
    assert_eq!(
        (
            flights.overdue(at(31)),
            flights.first_timeout(),
            flights.len()
        ),
        (None, Some(at(32)), 1)
    );
}

#[test]
fn a_request_without_an_answer_is_given_up_and_sent_again() {
    let mut run = Run::new(
        Rules {
            timeout: S(3),
            ..in_flight(2)
        },
        2,
    );
    let sent = run.sends(&[1, 2]);
    assert_eq!(run.step(), Step::Wait(Some(at(3))));
    run.answered(sent[1], applied());
    run.now = at(3);
    assert_eq!(run.step(), Step::GiveUp(sent[0].ticket));
    assert_eq!(run.schedule.in_flight(), 0);
    let run = run.run_on(|_| applied());
    run.ends(1, "updated 200", 2);
    assert!(run.ended(1).ambiguous);
    assert_eq!(
        run.schedule.statistics().retries,
        [(Cause::Fault(Fault::Timeout), 1)].into()
    );
}

#[test]
fn no_step_waits_beyond_the_longest_wait() {
    let mut run = Run::new(
        Rules {
            wait_max: S(20),
            ..rules()
        },
        1,
    );
    let [sent] = *run.sends(&[1]) else {
        panic!("one request")
    };
    run.answered(sent, text(503));
    let failing_since = Moment::START;
    run.sends(&[1]);
    assert_eq!(
        run.step(),
        Step::Wait(Some(failing_since + S(20))),
        "before the timeout of the second attempt"
    );
    run.now = failing_since + S(20);
    assert!(matches!(run.step(), Step::Wait(_)));
    let stopped = run.schedule.stopped();
    assert!(
        matches!(stopped, Some(StopReason::Outage { lasted, .. }) if *lasted == S(20)),
        "{stopped:?}"
    );
}

#[test]
fn grace_gives_up_what_is_still_in_flight_after_a_stop() {
    let check = |timeout: Duration, given_up_at: Moment| {
        let mut run = Run::new(
            Rules {
                timeout,
                ..in_flight(2)
            },
            4,
        );
        let sent = run.sends(&[1, 2]);
        run.now = at(5);
        run.schedule.stop(StopReason::Interrupted);
        run.schedule.stop(StopReason::Terminated);
        assert_eq!(
            run.step(),
            Step::Wait(Some(given_up_at)),
            "nothing more is sent"
        );
        run.answered(sent[0], applied());
        assert_eq!(run.step(), Step::Wait(Some(given_up_at)));
        run.now = given_up_at;
        assert_eq!(run.step(), Step::GiveUp(sent[1].ticket));
        assert_eq!(run.step(), Step::Stopped);
        assert_eq!(
            run.ended.iter().map(|ended| ended.row).collect::<Vec<_>>(),
            [1],
            "row 2 stays unsent"
        );
        assert_eq!(
            run.schedule.stopped(),
            Some(&StopReason::Interrupted),
            "the first reason counts"
        );
    };
    check(S(300), at(30));
    check(S(12), at(12));
}

#[test]
fn a_row_that_has_ended_comes_before_anything_else() {
    let ends = |run: &mut Run| {
        matches!(
            run.schedule.next(run.now),
            Step::Ended(Ended { row: 1, .. })
        )
    };
    let check = |what: &str, happens: fn(&mut Run), then: fn(&Step<u64>) -> bool| {
        let mut run = Run::new(in_flight(2), 4);
        let sent = run.sends(&[1, 2]);
        run.answered(sent[0], applied());
        happens(&mut run);
        assert!(ends(&mut run), "{what}");
        let step = run.step();
        assert!(then(&step), "{what}: {step:?}");
    };
    check("a request", |_| {}, |step| matches!(step, Step::Send(..)));
    check(
        "a stop",
        |run| run.schedule.stop(StopReason::Interrupted),
        |step| matches!(step, Step::Wait(_)),
    );
    let change = |run: &mut Run| run.schedule.token_file_changed();
    check("a token", change, |step| {
        matches!(step, Step::RefreshToken(_))
    });
}

#[test]
fn a_customers_next_row_goes_before_rows_that_were_not_held_up() {
    let run = Run::of(rules(), [1, 1, 2, 1, 3]).run_on(|_| applied());
    assert_eq!(
        run.sent.iter().map(|sent| sent.row).collect::<Vec<_>>(),
        [1, 2, 4, 3, 5]
    );
}

#[test]
fn rows_and_bytes_that_are_held_are_bounded() {
    let mut run = Run::new(rules(), 8191);
    assert!(run.schedule.has_room());
    run.schedule.offer_invalid(None, 8192, 1);
    assert!(!run.schedule.has_room(), "as many rows as are held at once");
    let mut run = Run::new(rules(), 1);
    run.schedule
        .offer(customer(2), 2, (8 << 20) - 2, Care::None);
    assert!(run.schedule.has_room());
    run.schedule.offer(customer(3), 3, 1, Care::None);
    assert!(!run.schedule.has_room(), "as many bytes");
    let mut run = Run::new(rules(), 1);
    run.schedule.stop(StopReason::Interrupted);
    assert!(!run.schedule.has_room(), "nothing more is sent");
}

#[test]
fn rows_that_ended_badly_stop_the_run_those_of_earlier_processes_included() {
    let limit = ErrorLimit::Count(2);
    let check = |history: History, requests: usize, ended: u64| {
        let rules = Rules {
            error_limit: limit,
            ..rules()
        };
        let run = Run::after(history, rules, 1..=9).run_on(|_| api(400));
        assert_eq!(
            run.schedule.stopped(),
            Some(&StopReason::ErrorLimit {
                ended,
                errors: 3,
                limit
            })
        );
        assert_eq!((run.sent.len(), run.ended.len()), (requests, requests));
    };
    check(History::default(), 3, 3);
    check(
        History {
            ended: 10,
            errors: 2,
            answered: 10,
            ..History::default()
        },
        1,
        11,
    );
}

#[test]
fn a_step_that_waits_names_what_it_waits_for() {
    let check = |mut run: Run, sent: &[u64], want: Option<LimitedBy>| {
        run.sends(sent);
        assert!(matches!(run.step(), Step::Wait(_)));
        assert_eq!(run.schedule.limited_by(), want, "after {sent:?}");
    };
    let of = |customers: &[u64], supply: Supply| {
        let mut run = Run::of(in_flight(4), customers.iter().copied());
        run.schedule.run.supply = supply;
        run
    };
    check(of(&[1, 1], Supply::Closed), &[1], Some(LimitedBy::Order));
    check(of(&[1, 1], Supply::Open), &[1], Some(LimitedBy::Order));
    check(of(&[1, 2], Supply::Open), &[1, 2], Some(LimitedBy::Input));
    check(of(&[1, 2], Supply::Closed), &[1, 2], None);
    // A row that waits to be sent again is no other limit.
    let mut run = of(&[1, 1], Supply::Closed);
    let sent = run.sends(&[1]);
    run.answered(sent[0], text(500));
    assert!(matches!(run.step(), Step::Wait(_)));
    assert_eq!(run.schedule.limited_by(), None);
}

#[test]
fn a_request_knows_how_many_are_in_flight_with_it() {
    let mut run = Run::new(in_flight(4), 3);
    let sent = run.sends(&[1, 2, 3]);
    let with: Vec<_> = sent
        .iter()
        .map(|sent| run.schedule.order.get(sent.ticket).departure)
        .map(|departure| departure.expect("it is in flight").in_flight)
        .collect();
    assert_eq!(with, [1, 2, 3]);
}
