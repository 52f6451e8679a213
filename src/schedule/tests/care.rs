//! Rows whose customer is read first, and the driver's decisions about them.

use super::*;
use crate::schedule::ChangeSign;
use Request::{Read, Write};

fn shown() -> Answer {
    shows(Shown::Otherwise)
}

/// A run of rows of this care, each of another customer.
fn of(care: Care, rules: Rules, rows: u64) -> Run {
    Run::with(care, History::default(), rules, 1..=rows)
}

/// Answers each request before the next one leaves, and decides at once.
fn run_on(
    mut run: Run,
    mut answer: impl FnMut(Sent) -> Answer,
    mut decide: impl FnMut(&Schedule<u64>, Sent) -> Decision,
) -> Run {
    while let Some(sent) = run.leaves() {
        run.answered(sent, answer(sent));
        if run.schedule.awaits_decision(sent.ticket) {
            let decision = decide(&run.schedule, sent);
            run.schedule.decided(sent.ticket, decision);
        }
        assert!(run.sent.len() < STEPS_MAX, "it never ends: {sent:?}");
    }
    run
}

/// Writes what was read, and ends what was written.
fn usual(schedule: &Schedule<u64>, sent: Sent) -> Decision {
    if schedule.is_updated(sent.ticket) {
        Decision::Applied
    } else {
        Decision::Write(None)
    }
}

#[test]
fn a_customer_is_read_before_each_update_and_the_driver_decides() {
    let answer = |sent: Sent| {
        if sent.request == Read {
            shown()
        } else {
            applied()
        }
    };
    let run = run_on(of(Care::Read, rules(), 2), answer, usual);
    assert_eq!(run.order(), [(1, Read), (1, Write), (2, Read), (2, Write)]);
    run.ends(1, "updated 200", 1);
    let run = run_on(of(Care::Read, rules(), 2), answer, |_, sent| {
        match sent.row {
            1 => Decision::End(Ending::Unchanged),
            _ => Decision::Write(Some(Ending::Conflict {
                fields: FieldSet::ALL,
                sign: ChangeSign::Values,
            })),
        }
    });
    assert_eq!(run.order(), [(1, Read), (2, Read), (2, Write)]);
    run.ends(1, "unchanged", 0);
    assert!(
        matches!(run.ended(2).ending, Ending::Conflict { fields, .. } if fields == FieldSet::ALL)
    );
}

#[test]
fn a_decision_holds_up_the_customer_and_nobody_else() {
    let mut run = Run::with(Care::Read, History::default(), in_flight(4), [1, 1, 2]);
    let sent = run.sends(&[1, 3]);
    run.answered(sent[0], shown());
    run.answered(sent[1], shown());
    assert_eq!(run.step(), Step::Wait(None), "the driver has not decided");
    run.schedule.decided(sent[1].ticket, Decision::Write(None));
    run.sends(&[3]);
    run.schedule.decided(sent[0].ticket, Decision::Write(None));
    let write = run.sends(&[1]);
    run.answered(write[0], applied());
    run.sends(&[2]);
}

#[test]
fn a_read_and_its_update_have_attempts_of_their_own() {
    // Five attempts each; the last of the read and of the update succeed.
    let run = run_on(
        of(Care::Read, rules(), 2),
        |sent| match (sent.row, sent.request) {
            (1, _) if sent.nth < 4 => api(503),
            (_, Read) => shown(),
            (_, Write) => applied(),
        },
        usual,
    );
    run.ends(1, "updated 200", 4);
    run.ends(2, "updated 200", 1);
}

#[test]
fn a_row_whose_read_is_refused_is_never_sent() {
    let run = run_on(
        of(Care::Read, rules(), 3),
        |sent| match (sent.row, sent.request) {
            (2, Read) => api(404),
            (_, Read) => shown(),
            (_, Write) => applied(),
        },
        usual,
    );
    run.ends(2, "rejected 404", 0);
    assert_eq!(run.writes(2), []);
    run.ends(3, "updated 200", 1);
}

#[test]
fn a_run_that_must_read_and_cannot_stops_and_another_asks_the_driver() {
    let check = |read: Answer, reason: &StopReason| {
        let run = run_on(of(Care::Read, rules(), 30), |_| read.clone(), usual);
        assert_eq!(run.schedule.stopped(), Some(reason), "{read:?}");
        assert!(run.sent.iter().all(|sent| sent.request == Read));
        let wanted = Rules {
            reads: ReadNeed::Wanted,
            ..rules()
        };
        let run = run_on(
            of(Care::Read, wanted, 30),
            |sent| {
                if sent.request == Read {
                    read.clone()
                } else {
                    applied()
                }
            },
            usual,
        );
        run.all_updated(30);
    };
    check(
        api(403),
        &StopReason::Forbidden {
            answers: 20,
            request: Read,
        },
    );
    check(text(404), &StopReason::NoReads { status: 404 });
    check(applied(), &StopReason::NoReads { status: 200 });
}

#[test]
fn a_row_that_goes_alone_holds_back_all_that_were_not_sent_yet() {
    let mut run = of(Care::Alone, in_flight(4), 3);
    let read = run.sends(&[1]);
    assert_eq!(
        run.step(),
        Step::Wait(Some(at(30))),
        "only the timeout is left"
    );
    run.answered(read[0], shown());
    assert_eq!(run.step(), Step::Wait(None));
    run.schedule.decided(read[0].ticket, Decision::Write(None));
    let write = run.sends(&[1]);
    run.answered(write[0], applied());
    assert!(run.schedule.awaits_decision(write[0].ticket));
    assert_eq!(
        run.step(),
        Step::Wait(None),
        "its answer is not decided about"
    );
    run.schedule.decided(write[0].ticket, Decision::Read);
    let read = run.sends(&[1]);
    run.answered(read[0], shown());
    run.schedule.decided(read[0].ticket, Decision::Applied);
    run.sends(&[2]);
    run.schedule.go_together(Care::None);
    let write = run.sends(&[3]);
    assert_eq!(write[0].request, Write, "it needs no read any more");
    run.ends(1, "updated 200", 1);
}

#[test]
fn a_row_that_is_put_off_goes_behind_the_others() {
    let mut put_off = false;
    let run = run_on(
        of(Care::Alone, rules(), 3),
        |sent| {
            if sent.request == Read {
                shown()
            } else {
                applied()
            }
        },
        |schedule, sent| {
            if sent.row == 1 && !put_off {
                put_off = true;
                Decision::Later
            } else {
                usual(schedule, sent)
            }
        },
    );
    assert_eq!(
        run.order(),
        [
            (1, Read),
            (2, Read),
            (2, Write),
            (3, Read),
            (3, Write),
            (1, Read),
            (1, Write)
        ]
    );
    run.all_updated(3);
}

#[test]
fn a_row_alone_that_fails_again_and_again_stops_nobody() {
    let run = run_on(
        of(Care::Alone, rules(), 20),
        |sent| match (sent.row, sent.request) {
            (_, Read) => shown(),
            (1, Write) => api(500),
            (_, Write) => applied(),
        },
        usual,
    );
    assert_eq!(run.schedule.stopped(), None);
    run.ends(1, "failed http_500", 3);
    run.ends(20, "updated 200", 1);
}

#[test]
fn a_dropped_row_has_no_outcome() {
    let mut run = of(Care::Alone, rules(), 2);
    let read = run.sends(&[1]);
    run.answered(read[0], shown());
    run.schedule.stop(StopReason::LeftOutIsLost);
    run.schedule.decided(read[0].ticket, Decision::Drop);
    assert_eq!(run.step(), Step::Stopped);
    assert_eq!(run.ended, []);
}

#[test]
fn a_row_alone_whose_read_fails_waits_for_the_next_row_that_goes_alone() {
    let mut run = of(Care::Alone, in_flight(4), 3);
    let first = run.sends(&[1]);
    assert!(run.schedule.is_alone(first[0].ticket));
    run.answered(first[0], api(503));
    let second = run.sends(&[2]);
    assert!(run.schedule.is_alone(second[0].ticket) && !run.schedule.is_alone(first[0].ticket));
    run.now = at(20);
    let Step::Wait(Some(until)) = run.step() else {
        panic!("row 2 goes alone")
    };
    assert!(until >= at(30), "only its timeout is left: {until:?}");
    run.answered(second[0], shown());
    run.schedule
        .decided(second[0].ticket, Decision::End(Ending::Unchanged));
    let again = run.sends(&[1]);
    assert!(run.schedule.is_alone(again[0].ticket));
    assert!(matches!(run.step(), Step::Wait(Some(_))), "row 3 waits");
}

#[test]
fn a_row_alone_whose_update_is_checked_by_a_read_that_fails_still_goes_alone() {
    let mut run = of(Care::Alone, in_flight(4), 2);
    let read = run.sends(&[1]);
    run.answered(read[0], shown());
    run.schedule.decided(read[0].ticket, Decision::Write(None));
    let write = run.sends(&[1]);
    run.answered(write[0], applied());
    assert!(run.schedule.is_updated(write[0].ticket));
    // The check goes on as a read, even if no other row needs one.
    run.schedule.run.instead_of_alone = Care::None;
    run.schedule.decided(write[0].ticket, Decision::Read);
    let check = run.sends(&[1]);
    assert_eq!(check[0].request, Read);
    run.answered(check[0], api(503));
    let again = run.sends(&[1]);
    assert_eq!(again[0].request, Read);
    run.answered(again[0], shown());
    run.schedule.decided(again[0].ticket, Decision::Applied);
    run.sends(&[2]);
    run.ends(1, "updated 200", 1);
}

#[test]
fn a_request_that_is_withdrawn_is_no_attempt_and_leaves_room_for_another() {
    let mut run = of(Care::None, rules(), 2);
    let withdrawn = run.sends(&[1]);
    assert_eq!(run.schedule.statistics().attempts, 1);
    run.schedule.withdraw(withdrawn[0].ticket);
    assert_eq!(run.schedule.statistics().attempts, 0);
    run.sends(&[2]);
}

#[test]
fn a_read_settles_what_is_in_doubt_only_where_nothing_is_written() {
    let check = |reads: ReadNeed, settled: bool| {
        let mut run = of(Care::Read, Rules { reads, ..rules() }, 2);
        let first = run.sends(&[1]);
        run.answered(first[0], api(404));
        let second = run.sends(&[2]);
        run.answered(second[0], shown());
        run.step();
        assert_eq!(!run.ended.is_empty(), settled, "{reads:?}");
        if settled {
            run.ends(1, "rejected 404", 0);
        }
    };
    check(ReadNeed::Required, false);
    check(ReadNeed::Only, true);
}

#[test]
fn a_row_that_goes_alone_holds_back_no_retry_of_another_care_and_no_update_that_was_sent() {
    // The read of a row that does not go alone.
    let mut run = Run::with(Care::Read, History::default(), in_flight(4), [1]);
    run.schedule.offer(customer(2), 2, 1, Care::Alone);
    let sent = run.sends(&[1, 2]);
    run.answered(sent[0], api(503));
    assert!(run.schedule.is_alone(sent[1].ticket));
    run.sends(&[1]);
    // An update of a row that went alone, and waits for a sign of life before its last attempt.
    let mut run = of(Care::Alone, in_flight(4), 2);
    let read = run.sends(&[1]);
    run.answered(read[0], shown());
    run.schedule.decided(read[0].ticket, Decision::Write(None));
    for _ in 0..2 {
        let write = run.sends(&[1]);
        run.answered(write[0], api(500));
    }
    let read = run.sends(&[2]);
    run.answered(read[0], shown());
    run.schedule.decided(read[0].ticket, Decision::Write(None));
    let write = run.sends(&[2]);
    run.answered(write[0], applied());
    assert!(run.schedule.is_alone(write[0].ticket) && run.schedule.is_updated(write[0].ticket));
    assert_eq!(run.sends(&[1])[0].request, Write);
}

#[test]
fn a_row_is_updated_only_once_its_update_has_left_whatever_it_ends_as() {
    let mut run = of(Care::Read, rules(), 1);
    let read = run.sends(&[1])[0];
    assert!(!run.schedule.is_known(read.ticket));
    run.answered(read, shown());
    let conflict = Ending::Conflict {
        fields: FieldSet::ALL,
        sign: ChangeSign::Values,
    };
    run.schedule
        .decided(read.ticket, Decision::Write(Some(conflict)));
    assert!(!run.schedule.is_updated(read.ticket));
}

#[test]
fn a_read_that_is_forbidden_stops_a_run_that_needs_it_even_if_errors_do_not_count() {
    let expected = Rules {
        error_limit: ErrorLimit::None,
        ..rules()
    };
    let run = run_on(of(Care::Read, expected, 30), |_| api(403), usual);
    let want = StopReason::Forbidden {
        answers: 20,
        request: Read,
    };
    assert_eq!(run.schedule.stopped(), Some(&want));
}

#[test]
fn a_probe_that_reads_another_customer_does_not_go_alone_in_place_of_the_row_that_does() {
    let mut run = of(Care::Alone, rules(), 12);
    for row in 1..=10 {
        let read = run.sends(&[row]);
        run.answered(read[0], text(503));
    }
    assert_eq!(run.schedule.statistics().outages, 1);
    let read = run.sends(&[12])[0];
    run.answered(read, shown());
    run.schedule.decided(read.ticket, Decision::Write(None));
    let write = run.sends(&[12])[0];
    run.answered(write, text(503));
    let probe = run.leaves().expect("a probe");
    assert!(probe.row <= 10 && probe.request == Read, "{probe:?}");
    assert!(run.schedule.is_alone(write.ticket) && !run.schedule.is_alone(probe.ticket));
}
