//! The times at which rows in doubt are decided and rechecked.

use super::super::super::judge::Refusal;
use super::*;

fn refused(doubts: &mut Doubts, row: Ticket, now: Moment, rechecks: usize) {
    doubts.hold(
        row,
        DoubtReason::Refused(Refusal::NotFound),
        None,
        now,
        rechecks,
    );
}

#[test]
fn settle_only_beside_a_write_that_left_after_their_answer() {
    let mut doubts = Doubts::default();
    let rows = tickets(3);
    for (row, answered_at) in rows.iter().zip([at(10), at(20), at(30)]) {
        refused(&mut doubts, *row, answered_at, 0);
    }
    let mut settled = |sent| {
        doubts
            .answered_before(sent)
            .doubts
            .iter()
            .map(|doubt| doubt.ticket)
            .collect::<Vec<_>>()
    };
    assert_eq!(settled(at_ms(9_999)), []);
    assert_eq!(settled(at(20)), rows[..2]);
    assert_eq!(settled(at(20)), []);
    assert_eq!(settled(at(60)), rows[2..]);
}

#[test]
fn are_asked_about_again_after_five_seconds_then_thirty_then_sixty() {
    for (rechecks, want) in [
        (0, at(105)),
        (1, at(130)),
        (2, at(160)),
        (3, at(160)),
        (99, at(160)),
    ] {
        let mut doubts = Doubts::default();
        refused(&mut doubts, ticket(), at(100), rechecks);
        assert_eq!(doubts.recheck_at(), Some(want), "asked {rechecks} times");
    }
}

#[test]
fn the_one_that_is_due_first_is_asked_about_first() {
    let mut doubts = Doubts::default();
    let [later, sooner] = tickets(2).try_into().expect("two rows");
    refused(&mut doubts, later, at(100), 1);
    refused(&mut doubts, sooner, at(110), 0);
    let order: Vec<_> = std::iter::from_fn(|| doubts.take_next())
        .map(|doubt| doubt.ticket)
        .collect();
    assert_eq!(order, [sooner, later]);
}

#[test]
fn ten_refusals_need_a_control_then_twenty_then_forty() {
    let mut doubts = Doubts::default();
    let mut asked_at = Vec::new();
    for (row, held) in tickets(100).into_iter().zip(1..) {
        doubts.hold(row, DoubtReason::NotTheApi, None, at(0), 0);
        refused(&mut doubts, row, at(0), 0);
        if doubts.need_control() {
            asked_at.push(held);
            doubts.control_was_sent();
        }
    }
    assert_eq!(asked_at, [10, 20, 40, 80]);
    doubts.answered_before(at(1));
    for row in tickets(10) {
        refused(&mut doubts, row, at(2), 0);
    }
    assert!(
        doubts.need_control(),
        "it begins with ten again once none is held"
    );
}

#[test]
fn refusals_are_silence_until_a_write_is_applied_that_left_later() {
    let mut doubts = Doubts::default();
    let [first, second] = tickets(2).try_into().expect("two rows");
    refused(&mut doubts, first, at(10), 0);
    refused(&mut doubts, second, at(20), 0);
    assert_eq!(doubts.refused_since(), Some(at(10)));
    doubts.postpone(Duration::from_secs(5));
    assert_eq!(
        doubts.refused_since(),
        Some(at(15)),
        "our own pace is none of it"
    );
    doubts.answered_before(at(14));
    assert_eq!(doubts.refused_since(), Some(at(15)));
    doubts.answered_before(at(15));
    assert_eq!(doubts.refused_since(), None);
}

#[test]
fn a_wrong_refusal_makes_others_doubtful_for_a_minute() {
    let mut doubts = Doubts::default();
    assert!(!doubts.refusals_were_wrong_lately(at(0)));
    doubts.refusal_was_wrong(at(10));
    assert!(doubts.refusals_were_wrong_lately(at(70)));
    assert!(!doubts.refusals_were_wrong_lately(at_ms(70_001)));
}

#[test]
fn all_are_foreign_if_there_are_some_and_none_is_of_another_kind() {
    let mut doubts = Doubts::default();
    assert!(!doubts.all_are_foreign());
    doubts.hold(ticket(), DoubtReason::NotTheApi, None, at(0), 0);
    assert!(doubts.all_are_foreign());
    refused(&mut doubts, ticket(), at(0), 0);
    assert!(!doubts.all_are_foreign());
}

#[test]
fn refusals_that_are_believed_leave_other_doubts_alone() {
    let mut doubts = Doubts::default();
    let [foreign, first, second] = tickets(3).try_into().expect("three rows");
    let ending = || {
        Some(Ending::Rejected {
            status: 404,
            error: crate::contract::ServerError::default(),
        })
    };
    doubts.hold(foreign, DoubtReason::NotTheApi, ending(), at(0), 0);
    refused(&mut doubts, first, at(1), 0);
    let reason = DoubtReason::Refused(Refusal::NotFound);
    doubts.hold(second, reason, ending(), at(2), 0);
    let believed: Vec<_> = doubts
        .believe_refusals()
        .into_iter()
        .map(|(ticket, _)| ticket)
        .collect();
    assert_eq!(believed, [second]);
    let held: Vec<_> = doubts.iter().map(|doubt| doubt.ticket).collect();
    assert_eq!(held, [foreign, first]);
    assert!(doubts.believes_refusals());
    doubts.answered_before(at(0));
    assert!(!doubts.believes_refusals(), "an update was applied");
}
