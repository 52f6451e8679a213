//! The control: the last applied row, read and sent once more.

use super::*;
use Request::{Read, Write};

/// A run of two rows. The first is applied, and the second is always refused.
fn of_two(read: impl Fn(usize) -> Answer, write: impl Fn(usize) -> Answer) -> Run {
    Run::new(rules(), 2).run_on(|sent| match sent {
        Sent {
            request: Read, nth, ..
        } => read(nth),
        Sent { row: 1, nth, .. } if nth > 1 => write(nth - 1),
        Sent { row: 1, .. } => applied(),
        _ => api(404),
    })
}

#[test]
fn a_read_has_to_show_the_customer_before_the_update_leaves() {
    let check = |read: Answer, want: &[(u64, Request)]| {
        let run = of_two(|_| read.clone(), |_| applied());
        assert!(run.order().starts_with(want), "{read:?}: {:?}", run.order());
        run.ends(
            2,
            "rejected 404",
            u32::try_from(run.writes(2).len()).expect("few"),
        );
    };
    check(
        shows(Shown::AsSent),
        &[(1, Write), (2, Write), (1, Read), (1, Write)],
    );
    for read in [applied(), api(404), text(200), text(403)] {
        // The control is unreliable, so the row itself is rechecked.
        check(read, &[(1, Write), (2, Write), (1, Read), (2, Write)]);
    }
    // No other customer's row is known, so there is no control any more.
    check(
        shows(Shown::Otherwise),
        &[(1, Write), (2, Write), (1, Read), (2, Write)],
    );
}

#[test]
fn an_applied_one_settles_the_row() {
    let run = of_two(|_| shows(Shown::AsSent), |_| applied());
    run.ends(2, "rejected 404", 1);
    let statistics = run.schedule.statistics();
    assert_eq!(
        (statistics.controls, statistics.attempts, statistics.outages),
        (1, 4, 0)
    );
    assert_eq!(statistics.retries, [].into(), "a control is no retry");
}

#[test]
fn a_failed_one_opens_the_breaker_and_the_next_comes_five_seconds_later() {
    let failures = [
        text(503),
        api(400),
        api(404),
        text(404),
        text(200),
        Answer::Fault(Fault::Broken),
    ];
    for failure in failures {
        let run = of_two(
            |_| shows(Shown::AsSent),
            |nth| if nth < 3 { failure.clone() } else { applied() },
        );
        let reads: Vec<_> = run
            .sent
            .iter()
            .filter(|sent| sent.request == Read)
            .map(|sent| sent.at)
            .collect();
        assert!(reads.len() >= 3, "{failure:?}: {:?}", run.order());
        for pair in reads.windows(2) {
            assert!(pair[1].since(pair[0]) >= S(5), "{failure:?}: {reads:?}");
        }
        let statistics = run.schedule.statistics();
        assert_eq!(statistics.outages, 1, "{failure:?}");
        assert!(
            statistics.down >= S(10),
            "{failure:?}: {:?}",
            statistics.down
        );
        assert_eq!(run.ending(2).0, "rejected 404", "{failure:?}");
    }
}

#[test]
fn is_never_about_a_customer_with_another_row_under_way() {
    let check = |customers: &[u64], want: u64| {
        let last = u64::try_from(customers.len()).expect("few");
        let run = Run::of(rules(), customers.iter().copied()).run_on(|sent| match sent {
            Sent { request: Read, .. } => shows(Shown::AsSent),
            Sent { row, .. } if row == last => api(404),
            _ => applied(),
        });
        let control = run
            .sent
            .iter()
            .find(|sent| sent.request == Read)
            .map(|sent| sent.row);
        assert_eq!(
            control.unwrap_or_default(),
            want,
            "{customers:?}: {:?}",
            run.order()
        );
        assert_eq!(run.ending(last).0, "rejected 404");
    };
    check(&[1, 2, 3], 2);
    check(&[1, 2, 2], 1);
    check(&[1, 2, 1, 2, 2], 3);
    check(&[1, 1], 0);
}

#[test]
fn its_customers_next_row_waits_for_it() {
    let mut run = Run::new(in_flight(4), 2);
    let sent = run.sends(&[1, 2]);
    run.answered(sent[0], applied());
    run.answered(sent[1], api(404));
    let read = run.sends(&[1]);
    run.schedule.run.supply = Supply::Open;
    run.schedule.offer(customer(1), 3, 1, Care::None);
    run.schedule.close();
    assert!(
        matches!(run.step(), Step::Wait(_)),
        "row 3 is customer 1's too"
    );
    run.answered(read[0], shows(Shown::AsSent));
    let write = run.sends(&[1]);
    assert!(matches!(run.step(), Step::Wait(_)));
    run.answered(write[0], applied());
    run.sends(&[3]);
    run.ends(2, "rejected 404", 1);
}

#[test]
fn a_read_that_meets_trouble_says_nothing() {
    let run = of_two(
        |nth| {
            if nth == 1 {
                text(503)
            } else {
                shows(Shown::AsSent)
            }
        },
        |_| applied(),
    );
    run.ends(2, "rejected 404", 1);
    assert_eq!(run.order().split_off(2), [(1, Read), (1, Read), (1, Write)]);
    assert_eq!(run.schedule.statistics().outages, 0);
}

#[test]
fn is_not_about_a_customer_whose_later_row_was_refused() {
    let run = Run::of(rules(), [2, 1, 1, 3]).run_on(|sent| match sent {
        Sent { request: Read, .. } => shows(Shown::AsSent),
        Sent { row: 3, .. } => api(400),
        Sent { row: 4, .. } => api(404),
        _ => applied(),
    });
    assert_eq!(run.order().split_off(4), [(1, Read), (1, Write)]);
}

#[test]
fn waits_until_its_customers_outcome_is_written_down() {
    for answer in [api(404), text(500)] {
        let mut run = Run::new(
            Rules {
                retry: RetryPolicy::new(1).expect("a good limit"),
                ..rules()
            },
            2,
        );
        let [sent] = *run.sends(&[1]) else {
            panic!("one request")
        };
        run.answered(sent, applied());
        assert!(matches!(run.schedule.next(run.now), Step::Ended(_)));
        let [sent] = *run.sends(&[2]) else {
            panic!("one request")
        };
        run.answered(sent, answer);
        let Step::Wait(Some(until)) = run.step() else {
            panic!("row 1 is not written down")
        };
        assert!(until >= at(900), "nothing but that wakes it: {until:?}");
        assert_eq!(
            (run.schedule.limited_by(), run.schedule.statistics().outages),
            (Some(LimitedBy::Doubts), 0)
        );
        run.schedule.recorded(customer(1));
        run.sends(&[1]);
        assert_eq!(run.order().last(), Some(&(1, Read)));
    }
}

#[test]
fn many_that_failed_do_not_have_a_bad_row_sent_for_ever() {
    let run = of_two(
        |_| shows(Shown::AsSent),
        |nth| if nth <= 30 { text(503) } else { applied() },
    );
    assert_eq!(run.schedule.stopped(), None);
    let (how, attempts) = run.ending(2);
    assert_eq!(how, "rejected 404");
    assert!(attempts <= 60, "{attempts} attempts");
}

#[test]
fn is_about_the_row_that_an_earlier_process_had_applied_where_there_is_no_later_one() {
    let mut run = Run::new(rules(), 1);
    run.schedule.applied_earlier(customer(9), 90);
    let run = run.run_on(|sent| match sent {
        Sent { request: Read, .. } => shows(Shown::AsSent),
        Sent { row: 90, .. } => applied(),
        _ => api(404),
    });
    assert_eq!(run.order(), [(1, Write), (90, Read), (90, Write)]);
    run.ends(1, "rejected 404", 1);
}

#[test]
fn the_run_is_not_over_while_one_is_in_flight() {
    let mut run = Run::new(in_flight(2), 12);
    let mut read = None;
    while run.schedule.order.rows_held() > 0 {
        let sent = run.leaves().expect("a request");
        match sent {
            Sent { request: Read, .. } => read = Some(sent),
            Sent { row: 2..=11, .. } => run.answered(sent, api(404)),
            _ => run.answered(sent, applied()),
        }
    }
    let Step::Wait(Some(timeout)) = run.step() else {
        panic!("the read is under way")
    };
    assert!(timeout > run.now);
    run.answered(read.expect("it left"), shows(Shown::AsSent));
    assert_eq!(run.step(), Step::Done);
}

/// An applied update, or a read, of a customer with this country.
fn of_country(country: Option<u64>, shown: Option<Shown>) -> Answer {
    Answer::Response(Response {
        status: 200,
        body: Body::APPLIED,
        country,
        shown,
        ..Response::default()
    })
}

#[test]
fn a_country_has_the_name_that_the_answer_to_the_update_showed() {
    let check = |country: Option<u64>, want: (u64, Request)| {
        let run = Run::new(rules(), 2).run_on(|sent| match sent {
            Sent { request: Read, .. } => of_country(country, Some(Shown::AsSentButCountry)),
            Sent { row: 1, .. } => of_country(Some(4), None),
            _ => api(404),
        });
        assert_eq!(run.order().get(3), Some(&want), "{country:?}");
    };
    check(Some(4), (1, Write));
    // What is shown is not what was sent, so the row itself is rechecked.
    check(Some(5), (2, Write));
    check(None, (2, Write));
}

#[test]
fn a_token_that_is_refused_says_nothing_about_the_row() {
    for refused in [Read, Write] {
        let mut run = Run::new(rules(), 2);
        let sent = run.sends(&[1]);
        run.answered(sent[0], applied());
        let sent = run.sends(&[2]);
        run.answered(sent[0], api(404));
        let meets_401 = |run: &mut Run| {
            let mut control = run.sends(&[1])[0];
            if refused == Write {
                run.answered(control, shows(Shown::AsSent));
                control = run.sends(&[1])[0];
            }
            assert_eq!(control.request, refused);
            run.answered(control, api(401));
            assert_eq!(run.schedule.statistics().outages, 0, "{refused:?}");
        };
        meets_401(&mut run);
        assert_eq!(run.step(), Step::RefreshToken(RefreshReason::Needed));
        let new = Refreshed::New { lifetime: None };
        run.schedule.token_refreshed(new, run.now);
        assert_eq!(run.schedule.statistics().token_refreshes, 1);
        assert_eq!(run.schedule.stopped(), None);
        meets_401(&mut run);
        let stop = Some(&StopReason::TokenRefused);
        assert_eq!(run.schedule.stopped(), stop, "the new one is refused, too");
    }
}

#[test]
fn a_limit_that_refuses_one_is_waited_for_and_is_no_outage() {
    let limit = |request: Request| {
        of_two(
            move |nth| match request {
                Read if nth == 1 => named(429, S(100)),
                _ => shows(Shown::AsSent),
            },
            move |nth| match request {
                Write if nth == 1 => named(429, S(100)),
                _ => applied(),
            },
        )
    };
    for request in [Read, Write] {
        let run = limit(request);
        run.ends(2, "rejected 404", 1);
        assert_eq!(run.schedule.statistics().outages, 0, "{request:?}");
        let waits = run.sent.windows(2).map(|pair| pair[1].at.since(pair[0].at));
        assert!(waits.max() >= Some(S(100)), "{request:?}: {:?}", run.sent);
    }
}
