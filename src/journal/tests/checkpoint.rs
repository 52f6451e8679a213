//! Tests of what a checkpoint knows of the rows that are settled.

use jiff::Timestamp;

use super::super::{BulkEntry, Fact, Overtakers, Plan, Remainder};
use super::*;
use crate::contract::{Field, FieldSet};

/// A checkpoint with these rows, each in an entry of its own.
fn checkpoint(retry: Retry, rows: &[(u64, Outcome)]) -> Checkpoint {
    let mut checkpoint = Checkpoint::new(retry);
    for (offset, (row, outcome)) in (0..).zip(rows) {
        checkpoint.add_entry(&Entry::of_row(*row, *outcome), offset);
    }
    checkpoint.seal();
    checkpoint
}

/// A row of each outcome, from 1, in the order of [`Outcome::ALL`].
fn one_of_each() -> Vec<(u64, Outcome)> {
    (1..).zip(Outcome::ALL).collect()
}

#[test]
fn an_outcome_is_bad_or_sets_fields_or_is_neither() {
    for outcome in Outcome::ALL {
        let want = match outcome {
            Outcome::Updated | Outcome::Unchanged => (false, true, false),
            Outcome::Invalid | Outcome::Rejected | Outcome::Conflict | Outcome::Failed => {
                (true, false, true)
            }
            Outcome::Superseded | Outcome::Elsewhere => (false, false, false),
            Outcome::Other => (false, false, true),
        };
        let found = (
            outcome.is_bad(),
            outcome.sets_fields(),
            outcome.needs_attention(),
        );
        assert_eq!(found, want, "{outcome:?}");
    }
}

#[test]
fn rows_are_settled_unless_they_may_be_sent_again() {
    for (retry, again, settled_badly) in [
        (Retry::Failed, vec![Outcome::Failed], 4),
        (Retry::Rejected, vec![Outcome::Failed, Outcome::Rejected], 3),
        (Retry::Conflict, vec![Outcome::Failed, Outcome::Conflict], 3),
    ] {
        let checkpoint = checkpoint(retry, &one_of_each());
        for (row, outcome) in one_of_each() {
            let is_settled = !again.contains(&outcome);
            assert_eq!(checkpoint.is_settled(row), is_settled, "{outcome:?}");
            let plan = if is_settled {
                Plan::Leave
            } else {
                Plan::SendAgain
            };
            assert_eq!(checkpoint.plan(row, Some((1, FieldSet::ALL)), None), plan);
        }
        assert_eq!(
            checkpoint.plan(99, Some((1, FieldSet::ALL)), None),
            Plan::Send
        );
        let settled = u64::try_from(Outcome::ALL.len() - again.len()).expect("few");
        assert_eq!(checkpoint.rows_settled(), settled);
        assert_eq!(checkpoint.rows_settled_badly(), settled_badly);
    }
}

#[test]
fn entries_and_the_answers_among_them_are_counted() {
    let rows = one_of_each();
    let checkpoint = checkpoint(Retry::Failed, &rows);
    assert_eq!(checkpoint.entries(), 9);
    assert_eq!(checkpoint.answered(), 3, "updated, unchanged and rejected");
    assert_eq!(checkpoint.rows_recorded(), 9);
    assert_eq!(
        (checkpoint.first_row(), checkpoint.last_row()),
        (Some(1), Some(9))
    );
    let kept: Vec<_> = checkpoint.processes().kept().collect();
    assert!(kept.is_empty(), "no process has begun");
    assert_eq!(checkpoint.processes().rows, 9);
    let nothing = Checkpoint::new(Retry::Failed);
    assert_eq!((nothing.first_row(), nothing.last_row()), (None, None));
}

#[test]
fn the_row_that_was_applied_last_is_that_of_the_last_entry() {
    let of = |rows: &[(u64, Outcome)]| checkpoint(Retry::Failed, rows).last_applied();
    let updated = Outcome::Updated;
    assert_eq!(
        of(&[(5, updated), (3, updated), (7, Outcome::Rejected)]),
        Some(3)
    );
    assert_eq!(of(&[(5, Outcome::Unchanged)]), None);
}

#[test]
fn a_row_without_an_outcome_before_an_updated_one_is_a_gap() {
    let rows = [
        (2, Outcome::Updated),
        (4, Outcome::Updated),
        (3, Outcome::Invalid),
        (7, Outcome::Rejected),
    ];
    let checkpoint = checkpoint(Retry::Failed, &rows);
    let gaps: Vec<u64> = (1..=9).filter(|row| checkpoint.is_gap(*row)).collect();
    assert_eq!(gaps, [1]);
}

#[test]
fn a_line_of_many_rows_counts_each_of_them_in_their_process() {
    let mut checkpoint = Checkpoint::new(Retry::Failed);
    checkpoint.add_header(&header());
    checkpoint.add_fact(&Fact::Ended {
        at: Timestamp::UNIX_EPOCH,
        exit: 0,
        until: Some(Timestamp::UNIX_EPOCH),
        opens: None,
        figures: None,
    });
    assert_eq!(checkpoint.processes().number, 1);
    assert_eq!(checkpoint.facts().until, Some(Timestamp::UNIX_EPOCH));
    assert!(checkpoint.processes().finished_at.is_some());
    let mut bulk = BulkEntry::new(Outcome::Unchanged, Timestamp::UNIX_EPOCH);
    for row in [3, 4, 5, 9, 12] {
        assert!(bulk.add(row, 0), "{row}");
    }
    assert!(!bulk.add(12, 0), "a row is added once");
    assert!(!bulk.add(1025, 0), "it is of another block");
    assert_eq!(bulk.rows(), 5);
    let among: Vec<u64> = (1..=13).filter(|row| bulk.contains(*row)).collect();
    assert_eq!(among, [3, 4, 5, 9, 12]);
    checkpoint.add_bulk(&bulk);
    assert_eq!(checkpoint.processes().rows, 5);
    assert_eq!(checkpoint.processes().finished_at, None);
    assert_eq!(checkpoint.facts().until, None, "a row has ended since");
    assert_eq!(checkpoint.count(Outcome::Unchanged), 5);
    assert_eq!((checkpoint.entries(), checkpoint.answered()), (0, 0));
}

#[test]
fn a_row_that_later_ones_overtook_leaves_out_what_they_set() {
    let set = |fields: &[Field]| fields.iter().copied().collect::<FieldSet>();
    let mut gaps = Overtakers::default();
    gaps.remember(1, 5, set(&[Field::Job]));
    gaps.remember(1, 3, set(&[Field::Address]));
    gaps.sort();
    let checkpoint = checkpoint(
        Retry::Failed,
        &[(5, Outcome::Updated), (4, Outcome::Failed)],
    );
    let plan = |row: u64, customer: u64, fields: &[Field]| {
        checkpoint.plan(row, Some((customer, set(fields))), Some(&gaps))
    };
    let remainder = |has_outcome: bool| {
        Plan::SendRemainder(Remainder {
            fields: set(&[Field::Email]),
            overtaken: set(&[Field::Job]),
            has_outcome,
        })
    };
    assert_eq!(plan(3, 1, &[Field::Job, Field::Email]), remainder(false));
    assert_eq!(plan(4, 1, &[Field::Job, Field::Email]), remainder(true));
    assert_eq!(plan(3, 1, &[Field::Job]), Plan::Supersede);
    assert_eq!(plan(4, 1, &[Field::Job]), Plan::Supersede);
    assert_eq!(plan(6, 1, &[Field::Job]), Plan::Send);
    assert_eq!(plan(3, 2, &[Field::Job]), Plan::Send);
    // A row is not later than itself.
    assert_eq!(gaps.of(1, 5), FieldSet::EMPTY);
    assert_eq!(gaps.of(1, 4), set(&[Field::Job]));
}

/// A line of many rows ends with the sum, which later versions compare with the input's.
#[test]
fn the_sum_of_a_row_and_its_hash_is_the_same_in_each_version() {
    let sum = |rows: &[(u64, u64)]| {
        let mut bulk = BulkEntry::new(Outcome::Unchanged, Timestamp::UNIX_EPOCH);
        for (row, hash) in rows {
            assert!(bulk.add(*row, *hash));
        }
        bulk.sum
    };
    let hash = 0x0123_4567_89ab_cdef;
    assert_eq!(sum(&[(1, 0)]), 0x4784_8a75_feb1_6977);
    assert_eq!(sum(&[(1, hash)]), 0x1323_4b7f_66b4_87f6);
    assert_eq!(
        sum(&[(1, hash), (2, hash)]),
        0x1323_4b7f_66b4_87f6 + 0x2f2b_2aa5_f8ca_28cd
    );
}

#[test]
fn entries_of_a_block_are_looked_for_in_the_parts_that_have_some() {
    let mut checkpoint = Checkpoint::new(Retry::Failed);
    let far = 256 << 10;
    for (row, offset) in [
        (1, 100),
        (2, 100 + far),
        (2000, 100 + far + 50),
        (3, 101 + 2 * far),
    ] {
        checkpoint.add_entry(&Entry::of_row(row, Outcome::Updated), offset);
    }
    let places = |block: u64| checkpoint.places(block).collect::<Vec<_>>();
    let last = 101 + 2 * far;
    assert_eq!(places(0), [(100, 100 + far), (last, last)]);
    assert_eq!(places(1), [(150 + far, 150 + far)]);
    assert_eq!(places(2), []);
    let from = |row: u64| checkpoint.first_offset_from(row);
    assert_eq!(
        (from(1), from(1024), from(1025)),
        (Some(100), Some(100), Some(150 + far))
    );
    assert_eq!(from(2049), None);
}
