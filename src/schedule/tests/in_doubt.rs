//! Refused rows, which end beside a success, by a second refusal, or with the run.

use super::*;

#[test]
fn a_refused_row_ends_only_beside_a_write_that_left_after_its_answer() {
    let mut run = Run::new(in_flight(2), 3);
    let sent = run.sends(&[1, 2]);
    run.answered(sent[0], api(404));
    let third = run.sends(&[3]);
    run.answered(sent[1], applied());
    run.step();
    assert_eq!(
        run.ended.iter().map(|ended| ended.row).collect::<Vec<_>>(),
        [2]
    );
    run.answered(third[0], applied());
    run.step();
    run.ends(1, "rejected 404", 1);
}

#[test]
fn three_that_are_held_together_are_sent_once_more_each() {
    let check = |refused: u64, attempts: u32| {
        let run = Run::new(rules(), 10).run_on(|sent| {
            if (2..2 + refused).contains(&sent.row) {
                api(404)
            } else {
                applied()
            }
        });
        for row in 2..2 + refused {
            run.ends(row, "rejected 404", attempts);
        }
        assert_eq!(run.schedule.statistics().controls, 0, "other rows answered");
    };
    check(1, 1);
    check(2, 1);
    check(3, 2);
    check(7, 2);
}

#[test]
fn a_gateway_that_refuses_for_a_moment_costs_no_row() {
    let run = Run::new(rules(), 20).run_on(|sent| {
        if (2..8).contains(&sent.row) && sent.nth == 1 {
            api(404)
        } else {
            applied()
        }
    });
    run.all_updated(20);
}

#[test]
fn a_single_refusal_is_doubted_within_a_minute_of_a_wrong_one() {
    let run = Run::new(rules(), 100).run_on(|sent| match sent {
        Sent {
            row: 2..5 | 50,
            nth: 1,
            ..
        } => api(404),
        _ => applied(),
    });
    run.all_updated(100);
    run.ends(50, "updated 200", 2);
}

#[test]
fn ten_refusals_need_a_control_while_others_are_left() {
    let mut run = Run::new(rules(), 100);
    let mut reads = Vec::new();
    while let Some(sent) = run.leaves() {
        if sent.request == Request::Read {
            reads.push(run.sent.len());
            run.answered(sent, shows(Shown::AsSent));
        } else {
            run.answered(
                sent,
                if (2..=30).contains(&sent.row) && sent.nth == 1 {
                    api(404)
                } else {
                    applied()
                },
            );
        }
    }
    assert_eq!(reads, [12], "after one applied and ten refused");
    run.all_updated(100);
}

#[test]
fn at_a_thousand_nothing_else_leaves() {
    let mut run = Run::new(
        Rules {
            error_limit: ErrorLimit::None,
            ..rules()
        },
        1200,
    );
    for _ in 0..1000 {
        let sent = run.leaves().expect("a row");
        run.answered(sent, api(404));
    }
    let before = run.now;
    let sent = run.leaves().expect("a row in doubt is asked about");
    assert!(
        sent.row <= 1000 && sent.nth == 2 && sent.at <= before,
        "{sent:?} at {before:?}"
    );
    assert!(sent.at.since(Moment::START) >= S(5));
}

#[test]
fn first_rows_that_are_all_forbidden_stop_the_run() {
    let check = |rows: u64, error_limit: ErrorLimit, want: Option<usize>| {
        let run = Run::new(
            Rules {
                error_limit,
                ..rules()
            },
            rows,
        )
        .run_on(|_| api(403));
        let want = want.map(|answers| StopReason::Forbidden {
            answers,
            request: Request::Write,
        });
        assert_eq!(run.schedule.stopped(), want.as_ref(), "{rows} rows");
        if want.is_none() {
            (1..=rows).for_each(|row| assert_eq!(run.ending(row).0, "rejected 403"));
        }
    };
    check(3, ErrorLimit::Count(1000), Some(3));
    check(200, ErrorLimit::Count(1000), Some(20));
    check(3, ErrorLimit::None, None);
    check(200, ErrorLimit::None, None);
}

#[test]
fn a_hundred_first_rows_that_are_not_found_stop_the_run() {
    let check = |rows: u64, error_limit: ErrorLimit, want: Option<usize>| {
        let mut run = Run::new(
            Rules {
                error_limit,
                ..rules()
            },
            rows,
        );
        while let Some(sent) = run.leaves() {
            run.answered(sent, api(404));
            let refused = run.schedule.availability.first_answers().not_found;
            if run.schedule.stopped().is_none() && refused > 0 {
                let suspicious = refused >= 20 || refused == run.schedule.order.rows_held();
                assert_eq!(
                    run.schedule.suspiciously_not_found(),
                    suspicious.then_some(refused)
                );
            }
        }
        let want = want.map(|answers| StopReason::AllNotFound { answers });
        assert_eq!(run.schedule.stopped(), want.as_ref(), "{rows} rows");
        if want.is_none() {
            (1..=rows).for_each(|row| assert_eq!(run.ending(row).0, "rejected 404"));
            // Expected refusals are rechecked twice, others until the longest wait is over.
            let is_quick = run.now < at(60);
            assert_eq!(is_quick, error_limit == ErrorLimit::None, "{:?}", run.now);
        }
    };
    check(150, ErrorLimit::Count(1000), Some(100));
    check(99, ErrorLimit::Count(1000), None);
    check(3, ErrorLimit::Count(1000), None);
    check(150, ErrorLimit::None, None);
}

fn expected() -> Rules {
    Rules {
        error_limit: ErrorLimit::None,
        ..rules()
    }
}

fn all_rejected(run: &Run, rows: std::ops::RangeInclusive<u64>) {
    rows.for_each(|row| assert_eq!(run.ending(row).0, "rejected 404", "row {row}"));
}

#[test]
fn refusals_that_are_expected_are_believed_once_they_have_lasted_half_a_minute() {
    let rejected_before = History {
        ended: 9,
        errors: 9,
        answered: 9,
        not_before: Moment::START,
    };
    for history in [History::default(), rejected_before] {
        let run = Run::after(history, expected(), 1..=5000).run_on(|_| api(404));
        assert_eq!(run.schedule.stopped(), None);
        assert!(run.schedule.believes_refusals());
        all_rejected(&run, 1..=5000);
        assert!(run.sent.len() <= 5000 + 1001, "{} requests", run.sent.len());
        // At ten milliseconds a request, and half a minute.
        assert!(run.now < at(90), "{:?}", run.now);
    }
}

#[test]
fn refusals_are_doubted_again_once_a_row_is_applied() {
    let mut applied_at = None;
    let run = Run::new(expected(), 4000).run_on(|sent| match sent {
        Sent { row: 2000, .. } => {
            applied_at = Some(sent.at);
            applied()
        }
        Sent {
            row: 2001..=2010,
            nth: 1,
            ..
        } => api(404),
        Sent { row: 2001.., .. } => applied(),
        _ => api(404),
    });
    assert!(!run.schedule.believes_refusals());
    all_rejected(&run, 1..=1999);
    (2000..=4000).for_each(|row| assert_eq!(run.ending(row).0, "updated 200", "row {row}"));
}

#[test]
fn refusals_that_nothing_decides_end_a_run_or_are_believed_after_the_longest_wait() {
    let run = |rules: Rules| {
        Run::new(rules, 2500).run_on(|sent| match (sent.request, sent.row) {
            (Request::Read, _) => api(403),
            (Request::Write, 1) => applied(),
            (Request::Write, _) => api(404),
        })
    };
    let stopped = run(Rules {
        error_limit: ErrorLimit::Count(9000),
        ..rules()
    });
    let want = StopReason::OnlyRefusals {
        lasted: S(900),
        rows: 1000,
    };
    assert_eq!(
        (stopped.schedule.stopped(), stopped.ended.len()),
        (Some(&want), 1)
    );
    let run = run(expected());
    assert_eq!(run.schedule.stopped(), None);
    all_rejected(&run, 2..=2500);
    assert!((at(900)..at(920)).contains(&run.now), "{:?}", run.now);
}

#[test]
fn no_refusal_stops_a_run_in_which_another_row_was_applied() {
    for status in [403, 404] {
        let run = Run::new(rules(), 300).run_on(|sent| match sent.request {
            Request::Read => shows(Shown::AsSent),
            Request::Write if sent.row == 1 => applied(),
            Request::Write => api(status),
        });
        assert_eq!(run.schedule.stopped(), None);
        assert_eq!(run.ended.len(), 300);
    }
}

#[test]
fn first_rows_that_are_refused_differently_do_not_stop_the_run() {
    let run = Run::new(rules(), 150).run_on(|sent| match sent.row {
        1 => api(404),
        150 => applied(),
        _ => api(403),
    });
    assert_eq!(run.schedule.stopped(), None);
    assert_eq!(run.ended.len(), 150);
}

#[test]
fn a_second_refusal_is_doubted_once_a_row_was_applied_that_had_been_refused_too() {
    let run = Run::new(rules(), 20).run_on(|sent| match sent {
        Sent {
            row: 2..8, nth: 1, ..
        }
        | Sent {
            row: 3..8, nth: 2, ..
        } => api(404),
        _ => applied(),
    });
    run.all_updated(20);
}

#[test]
fn a_row_is_not_at_fault_while_so_many_others_wait_to_be_sent_again() {
    let (mut is_used_up, mut others) = (false, Vec::new());
    let run = Run::new(rules(), 60).run_on(|sent| {
        match sent {
            Sent {
                row: 1, nth: 1..=3, ..
            } => {
                is_used_up = sent.nth == 3;
                return api(500);
            }
            Sent {
                nth: 1, row: 2.., ..
            } if is_used_up && others.len() < 6 => others.push(sent.row),
            _ => return applied(),
        }
        text(503)
    });
    assert_eq!(others.len(), 6);
    run.all_updated(60);
    run.ends(1, "updated 200", 4);
}

/// One row that is refused in another way is enough, whatever the way.
#[test]
fn the_same_refusal_of_all_first_rows_but_two_does_not_stop_the_run() {
    for others in [[404, 404], [404, 400], [403, 403], [404, 410], [403, 410]] {
        let same = |refusal: u16, rows: u64| {
            let mut run = Run::new(rules(), rows);
            for row in 1..=rows {
                if run.schedule.stopped().is_some() {
                    return true;
                }
                let sent = run.sends(&[row]);
                let status = match row {
                    1 | 2 => others[usize::from(row == 2)],
                    _ => refusal,
                };
                run.answered(sent[0], api(status));
            }
            run.step();
            run.schedule.stopped().is_some()
        };
        let is_forbidden = others == [403, 403];
        assert_eq!(same(403, 3), is_forbidden, "{others:?}");
        assert_eq!(same(403, 40), is_forbidden, "{others:?}");
        assert_eq!(same(404, 120), others == [404, 404], "{others:?}");
    }
}

#[test]
fn a_few_first_rows_that_are_not_found_are_suspicious_if_they_are_all() {
    let check = |refused: &[u16], rows: u64, want: Option<usize>| {
        let mut run = Run::new(rules(), rows);
        for (row, status) in (1..).zip(refused) {
            let sent = run.sends(&[row]);
            run.answered(sent[0], api(*status));
        }
        let found = run.schedule.suspiciously_not_found();
        assert_eq!(found, want, "{refused:?} of {rows} rows");
    };
    check(&[], 2, None);
    check(&[404], 2, None);
    check(&[404, 404], 2, Some(2));
    check(&[404; 20], 30, Some(20));
    check(&[404; 19], 30, None);
    for others in [&[403, 400][..], &[403, 410], &[403], &[410]] {
        let refused: Vec<u16> = others.iter().copied().chain([404; 20]).collect();
        check(&refused, 30, None);
    }
    check(&[], 0, None);
}

#[test]
fn two_refused_rows_end_with_the_first_row_that_is_applied_after_them() {
    let mut run = Run::new(rules(), 5);
    for answer in [applied(), api(404), api(404), applied()] {
        let sent = run.leaves().expect("a row");
        run.answered(sent, answer);
    }
    run.step();
    run.ends(2, "rejected 404", 1);
    run.ends(3, "rejected 404", 1);
}

#[test]
fn refusals_that_are_expected_are_doubted_for_half_a_minute_and_two_rechecks() {
    let run = Run::new(expected(), 3).run_on(|_| api(404));
    all_rejected(&run, 1..=3);
    assert_eq!(run.writes(1).len(), 3);
    assert!(run.now >= at(35), "after 5 and 30 seconds: {:?}", run.now);
}

#[test]
fn a_run_of_reads_alone_never_says_that_it_believes_refusals() {
    for (reads, believes) in [(ReadNeed::Wanted, true), (ReadNeed::Only, false)] {
        let run = Run::new(
            Rules {
                reads,
                ..expected()
            },
            3,
        )
        .run_on(|_| api(404));
        assert_eq!(run.schedule.believes_refusals(), believes, "{reads:?}");
    }
}

#[test]
fn refusals_that_nothing_decides_stop_a_run_whose_input_goes_on() {
    let mut run = Run::new(
        Rules {
            wait_max: S(100),
            ..rules()
        },
        3,
    );
    run.schedule.run.supply = Supply::Open;
    let run = run.run_on(|sent| match (sent.request, sent.row) {
        (Request::Read, _) => api(403),
        (Request::Write, 1) => applied(),
        (Request::Write, _) => api(404),
    });
    let want = StopReason::OnlyRefusals {
        lasted: S(100),
        rows: 2,
    };
    assert_eq!(run.schedule.stopped(), Some(&want));
}

#[test]
fn a_missing_permission_stops_a_run_that_has_applied_nothing_whatever_else_it_refused() {
    let run = Run::new(rules(), 60).run_on(|sent| api(if sent.row == 1 { 422 } else { 403 }));
    let want = StopReason::Forbidden {
        answers: 20,
        request: Request::Write,
    };
    assert_eq!(run.schedule.stopped(), Some(&want));
    run.ends(1, "rejected 422", 1);
}

/// Answers all requests that may be in flight, by their rows, or waits until one may leave.
fn round(run: &mut Run, mut answer: impl FnMut(u64) -> Answer) {
    let mut tickets = Vec::new();
    let until = loop {
        match run.step() {
            Step::Send(ticket, _) => tickets.push(ticket),
            Step::Wait(until) => break until.filter(|_| tickets.is_empty()),
            _ => return,
        }
    };
    run.now = until.unwrap_or(run.now + ROUND_TRIP);
    for ticket in tickets {
        let attempt = Attempt {
            answer: answer(*run.schedule.row(ticket)),
            took: ROUND_TRIP,
        };
        run.schedule.finished(ticket, attempt, run.now);
    }
}

#[test]
fn a_second_refusal_is_doubted_beside_a_wrong_one_although_the_api_is_in_no_trouble() {
    let mut run = Run::new(in_flight(32), 1000);
    let mut sent = [0; 1001];
    // Two rows are refused twice among hundreds that are applied; a third one shows that the first
    // refusals were wrong.
    for _ in 0..100 {
        round(&mut run, |row| {
            let nth = &mut sent[usize::try_from(row).expect("few")];
            *nth += 1;
            match (row, *nth) {
                (250..=252, 1) | (251..=252, 2) => api(404),
                _ => applied(),
            }
        });
    }
    for row in 250..=252 {
        assert_eq!(run.ending(row).0, "updated 200", "row {row}");
    }
}

/// Again and again another refusal turns out to be wrong, so that none of this row counts.
#[test]
fn a_row_has_fifty_second_chances_and_no_more() {
    let rate = Rate::Limited(LimitedRate::new(6, RateUnit::Minute).expect("a good rate"));
    let run = Run::new(Rules { rate, ..rules() }, 400).run_on(|sent| {
        let is_wrong = sent.nth == 1 && (sent.row % 2 == 0 || sent.row == 3);
        if sent.row == 4 || is_wrong {
            api(404)
        } else {
            applied()
        }
    });
    run.ends(4, "rejected 404", 51);
}
