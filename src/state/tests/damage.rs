//! No damage is overlooked, and none becomes an empty state.

use std::fs;

use super::super::error::StateError;
use super::memory_disk::{Content, opened};
use super::*;

/// All bits are changed of one byte in this many; one bit of the others.
const ALL_BITS_EVERY: usize = 61;
/// The bytes of the first block and of redb's header that are not zero lie before this place.
const HEADERS_END: usize = 4096 + 320;
/// Beyond it, one byte in this many is changed where the file has to be repaired, which takes a
/// millisecond.
const REPAIRED_EVERY: usize = 13;

/// Changes bytes of a file, one by one. The file is then damaged, or as it was. The result is the
/// number of changes that were noticed.
fn change_each(places: impl Iterator<Item = usize>, file: &[u8], whole: &Content) -> usize {
    let mut changed = file.to_vec();
    let mut noticed = 0;
    for at in places {
        let bits = if at % ALL_BITS_EVERY == 0 {
            0..8
        } else {
            at % 8..at % 8 + 1
        };
        for bit in bits {
            changed[at] ^= 1 << bit;
            match opened(&changed) {
                Ok(content) => assert_eq!(content, *whole, "byte {at}, bit {bit}"),
                Err(
                    StateError::Damaged { .. }
                    | StateError::NotAState { .. }
                    | StateError::OtherFormat { .. },
                ) => noticed += 1,
                Err(other) => panic!("byte {at}, bit {bit}: {other:?}"),
            }
            changed[at] = file[at];
        }
    }
    noticed
}

fn marked_customers(place: &Place) -> State {
    let mut state = place.with(1..=400);
    state
        .mark_at_once(&night("first"), &[3, 5, 1000])
        .expect("marks");
    state
        .mark_at_once(&night("second"), &[400, 7])
        .expect("marks");
    state
}

#[test]
fn a_changed_bit_of_a_closed_state_is_noticed() {
    let place = Place::new();
    marked_customers(&place).close().expect("it closes");
    let file = fs::read(place.path()).expect("a file");
    let whole = opened(&file).expect("it is whole");
    assert_eq!(whole.entries.len(), 401);
    let changes = file.len() + file.len().div_ceil(ALL_BITS_EVERY) * 7;
    let noticed = change_each(0..file.len(), &file, &whole);
    assert_eq!(noticed, changes, "all are noticed");
}

#[test]
fn a_changed_bit_of_a_state_whose_process_was_killed_is_noticed_or_harmless() {
    let place = Place::new();
    let state = marked_customers(&place);
    // The file as a kill leaves it.
    let file = fs::read(place.path()).expect("a file");
    drop(state);
    let whole = opened(&file).expect("it is whole");
    assert_eq!(whole.record.night, Some(night("second")));
    let places = (0..HEADERS_END).chain((HEADERS_END..file.len()).step_by(REPAIRED_EVERY));
    let noticed = change_each(places, &file, &whole);
    // Most pages of a small file are free. The first block and the entries are not.
    let entries = whole.entries.len() * 16 / REPAIRED_EVERY;
    assert!(noticed > 4096 + entries, "{noticed}");
}

#[test]
fn a_state_that_is_cut_is_damaged_and_never_empty() {
    let place = Place::new();
    let state = marked_customers(&place);
    let being_written = fs::read(place.path()).expect("a file");
    drop(state);
    let closed = fs::read(place.path()).expect("a file");
    for file in [closed, being_written] {
        let ends = (0..file.len())
            .step_by(509)
            .chain([1, 15, 16, 20, 47, 48, 4095, 4096]);
        for end in ends {
            let cut = opened(&file[..end]);
            assert!(
                matches!(cut, Err(StateError::Damaged { .. })),
                "{end}: {cut:?}"
            );
        }
        let longer = [file.as_slice(), &[0]].concat();
        let longer = opened(&longer);
        assert!(
            matches!(longer, Err(StateError::Damaged { .. })),
            "{longer:?}"
        );
    }
}

#[test]
fn entries_that_are_not_those_that_were_counted_are_damage() {
    let place = Place::new();
    let mut state = place.with(1..=10);
    state.mark_at_once(&night("first"), &[3]).expect("marks");
    // An entry that no record counts, as a fault of the library might leave it.
    let super::super::pages::Pages::Writing(pages) = &state.pages else {
        panic!("customers are marked");
    };
    let transaction = pages.begin_write().expect("a transaction");
    let mut table = transaction
        .open_table(super::super::pages::ENTRIES)
        .expect("a table");
    table.insert(11, 22).expect("an entry");
    drop(table);
    transaction.commit().expect("a commit");
    let file = fs::read(place.path()).expect("a file");
    let error = opened(&file).expect_err("it is damaged").to_string();
    assert_eq!(
        error,
        "the state nightly.state is damaged (its entries are not those that were counted): \
         restore it from a backup or remove it, and run with --full-resync"
    );
}

#[test]
fn a_lost_marking_is_damage() {
    let place = Place::new();
    let mut state = place.with(1..=10);
    state.mark_at_once(&night("first"), &[3]).expect("marks");
    let before = fs::read(place.path()).expect("a file");
    state.mark_at_once(&night("second"), &[4]).expect("marks");
    let mut file = fs::read(place.path()).expect("a file");
    // All pages are those of the commit before the last one.
    file.truncate(4096);
    file.extend(&before[4096..]);
    let error = opened(&file).expect_err("it is damaged").to_string();
    assert!(error.contains("(its last marking is lost)"), "{error}");
}
