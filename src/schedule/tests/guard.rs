//! Updates that leave only if the customer is still as it was read.

use super::*;
use crate::contract::EntityTag;
use Request::{Read, Write};

/// An answer to a read that names the customer's state. It lets a control write, too.
fn tagged() -> Answer {
    Answer::Response(Response {
        status: 200,
        body: Body::APPLIED,
        shown: Some(Shown::AsSent),
        entity_tag: EntityTag::strong(b"\"1\""),
        ..Response::default()
    })
}

/// A run of rows of different customers who are read first. A changed customer is read again.
fn run_on(rows: u64, mut answer: impl FnMut(Sent) -> Answer) -> Run {
    let mut run = Run::with(Care::Read, History::default(), rules(), 1..=rows);
    while let Some(sent) = run.leaves() {
        run.answered(sent, answer(sent));
        if run.schedule.was_changed(sent.ticket) {
            run.schedule.decided(sent.ticket, Decision::Again);
        } else if run.schedule.awaits_decision(sent.ticket) {
            assert!(!run.schedule.is_updated(sent.ticket));
            run.schedule.decided(sent.ticket, Decision::Write(None));
        }
        assert!(run.sent.len() < STEPS_MAX, "it never ends: {sent:?}");
    }
    run
}

/// The requests of the first row.
fn of_the_first(run: &Run) -> Vec<Request> {
    let sent = run.sent.iter().filter(|sent| sent.row == 1);
    sent.map(|sent| sent.request).collect()
}

#[test]
fn a_changed_customer_is_read_again_and_the_row_goes_on() {
    for refusal in [api(412), text(412)] {
        let run = run_on(2, |sent| match (sent.row, sent.request) {
            (_, Read) => tagged(),
            (1, Write) if sent.nth < 3 => refusal.clone(),
            (_, Write) => applied(),
        });
        assert_eq!(of_the_first(&run), [Read, Write, Read, Write, Read, Write]);
        run.ends(1, "updated 200", 3);
        assert!(!run.ended(1).ambiguous);
    }
}

#[test]
fn a_refused_condition_without_a_tag_is_a_refusal() {
    let run = run_on(2, |sent| match (sent.row, sent.request) {
        (_, Read) => shows(Shown::Otherwise),
        (1, Write) => api(412),
        (_, Write) => applied(),
    });
    assert_eq!(of_the_first(&run), [Read, Write]);
    run.ends(1, "rejected 412", 1);
}

#[test]
fn an_update_that_may_have_been_applied_is_read_again() {
    let run = run_on(2, |sent| match (sent.row, sent.request) {
        (_, Read) => tagged(),
        (1, Write) if sent.nth == 1 => text(502),
        (_, Write) => applied(),
    });
    assert_eq!(of_the_first(&run), [Read, Write, Read, Write]);
    run.ends(1, "updated 200", 2);
    assert!(run.ended(1).ambiguous);
}

#[test]
fn an_update_that_was_not_applied_is_sent_again_with_its_tag() {
    let run = run_on(2, |sent| match (sent.row, sent.request) {
        (_, Read) => tagged(),
        (1, Write) if sent.nth == 1 => api(500),
        (_, Write) => applied(),
    });
    assert_eq!(of_the_first(&run), [Read, Write, Write]);
    run.ends(1, "updated 200", 2);
}

#[test]
fn failures_count_over_the_reads_between_them() {
    let run = run_on(20, |sent| match (sent.row, sent.request) {
        (_, Read) => tagged(),
        (1, Write) => text(502),
        (_, Write) => applied(),
    });
    run.ends(1, "failed http_502", 5);
    let requests = of_the_first(&run);
    assert!(requests.windows(2).all(|pair| pair != [Write, Write]));
    run.ends(20, "updated 200", 1);
}

#[test]
fn a_connection_that_was_closed_spends_the_tag_and_a_request_that_was_not_processed_keeps_it() {
    for (fault, requests) in [
        (Fault::Unanswered, &[Read, Write, Read, Write][..]),
        (Fault::NotProcessed, &[Read, Write, Write]),
    ] {
        let run = run_on(2, |sent| match (sent.row, sent.request) {
            (_, Read) => tagged(),
            (1, Write) if sent.nth == 1 => Answer::Fault(fault),
            (_, Write) => applied(),
        });
        assert_eq!(of_the_first(&run), requests, "{fault:?}");
        run.ends(1, "updated 200", 2);
    }
}
