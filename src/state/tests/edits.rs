//! Edits take effect as a whole or not at all, and keep the file small.

use std::fs;

use super::*;

/// The ids of a night's changes: one in this many.
const CHANGED_EVERY: usize = 10;
const NIGHTS: u64 = 10;
const CUSTOMERS: u64 = 300_000;

#[test]
fn an_edit_adds_changes_and_marks_and_its_counts_are_exact() {
    let place = Place::new();
    let mut state = place.with([10, 20, 30]);
    let mut edit = state.edit().expect("an edit");
    edit.set(&[(20, known(21)), (u64::MAX, known(5)), (0, Known::Unknown)])
        .expect("entries");
    edit.set_absent(&[30, 99, 10]).expect("absent ones");
    // Who is set after it is not absent, and who is not there is not added.
    edit.set(&[(10, known(11))]).expect("an entry");
    edit.set_night(night("first"));
    edit.set_resync(ResyncTurn { next: 2, of: 30 });
    edit.commit().expect("a commit");
    let want = [
        (0, Known::Unknown, false),
        (10, known(11), false),
        (20, known(21), false),
        (30, known(30), true),
        (u64::MAX, known(5), false),
    ];
    let want = want.map(|(id, known, is_absent)| (id, StateEntry { known, is_absent }));
    for state in [state, place_after(&place)] {
        assert_eq!(entries(&state), want);
        let info = state.info();
        assert_eq!((info.customers, info.unknown, info.absent), (5, 1, 1));
        assert_eq!(info.night, Some(night("first")));
        assert_eq!(info.resync, Some(ResyncTurn { next: 2, of: 30 }));
        assert_eq!(info.version, env!("CARGO_PKG_VERSION"));
        assert!(info.changed >= info.created);
        let bytes = fs::metadata(place.path()).expect("a file").len();
        assert_eq!(info.bytes, bytes);
        let found = state.look_up(&[30, 7, 10, 30]).expect("entries");
        assert_eq!(
            found,
            [Some(want[3].1), None, Some(want[1].1), Some(want[3].1)]
        );
        assert_eq!(state.look_up(&[]).expect("nothing"), []);
    }
}

#[test]
fn a_customer_who_has_a_row_again_is_not_absent_any_more() {
    let place = Place::new();
    let mut state = place.with([10, 20, 30]);
    let mut edit = state.edit().expect("an edit");
    edit.set_absent(&[10, 20]).expect("absent ones");
    edit.set_left_out_is_kept(true);
    edit.commit().expect("a commit");
    assert_eq!(state.info().absent, 2);
    assert_eq!(state.info().left_out_is_kept, Some(true));
    let mut edit = state.edit().expect("an edit");
    // Who is not there is not added.
    edit.set_present(&[20, 30, 99]).expect("present ones");
    edit.set_left_out_is_kept(false);
    edit.commit().expect("a commit");
    let want = [(10, true), (20, false), (30, false)];
    let want = want.map(|(id, is_absent)| {
        let known = known(id);
        (id, StateEntry { known, is_absent })
    });
    assert_eq!(entries(&state), want);
    assert_eq!((state.info().customers, state.info().absent), (3, 1));
    assert_eq!(state.info().left_out_is_kept, Some(false));
}

/// The state as the next process opens it, while another still holds an older one: the lock is of
/// the process that writes.
fn place_after(place: &Place) -> State {
    let copy = Place::new();
    fs::copy(place.path(), copy.path()).expect("a copy");
    copy.open()
}

#[test]
fn an_edit_that_is_not_committed_changes_nothing_and_leaves_nothing() {
    let place = Place::new();
    let mut state = place.with(1..=100);
    let before = fs::read(place.path()).expect("a file");
    let mut edit = state.edit().expect("an edit");
    edit.set(&[(1, known(9))]).expect("an entry");
    edit.set_night(night("first"));
    assert_eq!(fs::read(place.path()).expect("a file"), before);
    drop(edit);
    assert_eq!(fs::read(place.path()).expect("a file"), before);
    assert_eq!(place.names(), ["nightly.state", "nightly.state.lock"]);
    assert_eq!(state.info().night, None);
    assert_eq!(entries(&state).len(), 100);
    // Files of a process that was killed are no obstacle.
    for name in ["nightly.state.unfinished", "nightly.state.changes"] {
        fs::write(place.folder.path().join(name), "half").expect("a file");
    }
    let mut edit = state.edit().expect("an edit");
    edit.set(&[(1, known(9))]).expect("an entry");
    edit.commit().expect("a commit");
    assert_eq!(place.names(), ["nightly.state", "nightly.state.lock"]);
    drop(state);
    assert_eq!(
        place.open().look_up(&[1]).expect("it")[0]
            .expect("it")
            .known,
        known(9)
    );
}

#[test]
fn marks_and_edits_follow_one_another() {
    let place = Place::new();
    let mut state = place.with([1, 2, 3]);
    let mut edit = state.edit().expect("an edit");
    edit.set_absent(&[3]).expect("an absent one");
    edit.commit().expect("a commit");
    state
        .mark_at_once(&night("a"), &[3, 9, 2, 9])
        .expect("marks");
    let info = state.info();
    assert_eq!((info.customers, info.unknown, info.absent), (4, 3, 0));
    assert_eq!(info.night, Some(night("a")));
    let found = state.look_up(&[1, 2]).expect("entries");
    let known_of = |entry: &Option<StateEntry>| entry.map(|entry| entry.known);
    assert_eq!(known_of(&found[0]), Some(known(1)));
    assert_eq!(known_of(&found[1]), Some(Known::Unknown));
    let mut edit = state.edit().expect("an edit");
    edit.set(&[(9, known(9))]).expect("an entry");
    edit.commit().expect("a commit");
    state.mark_at_once(&night("b"), &[1]).expect("marks");
    let (info, all) = (state.info().clone(), entries(&state));
    state.close().expect("it closes");
    let state = place.open();
    assert_eq!(entries(&state), all);
    assert_eq!(state.info().night, info.night);
    assert_eq!((info.customers, info.unknown), (4, 3));
}

/// Rule 1: a reader that stays open makes the file grow with each commit.
#[test]
fn no_reader_is_open_while_customers_are_marked() {
    let place = Place::new();
    let mut state = place.with(1..=50_000);
    let ids: Vec<_> = (1..=50_000).step_by(40).collect();
    let mut bytes = Vec::new();
    for number in 0..40 {
        state.look_up(&ids).expect("entries");
        let night = night(&number.to_string());
        state.mark_at_once(&night, &ids).expect("marks");
        bytes.push(state.info().bytes);
    }
    let (first, last) = (bytes[1], bytes[39]);
    assert!(last <= 2 * first, "{bytes:?}");
}

/// Rule 2: the file is as small after many nights as if it were new.
#[test]
fn ten_nights_of_changes_leave_the_file_as_small_as_it_was() {
    let place = Place::new();
    // Ids that are spread over the whole file, in an order of their own.
    let spread = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let ids: Vec<_> = (0..CUSTOMERS).map(spread).collect();
    let mut state = place.with(ids.iter().copied());
    let first = state.info().bytes;
    for night_number in 0..NIGHTS {
        let start = usize::try_from(night_number).expect("a small number");
        let changed = ids.iter().skip(start).step_by(CHANGED_EVERY);
        let changed: Vec<_> = changed.map(|id| (*id, known(id ^ night_number))).collect();
        let mut edit = state.edit().expect("an edit");
        for part in changed.chunks(1000) {
            edit.set(part).expect("entries");
        }
        edit.commit().expect("a commit");
    }
    let info = state.info();
    assert_eq!(info.customers, CUSTOMERS);
    assert!(info.bytes <= first + first / 20, "{first}, {}", info.bytes);
    assert!(info.bytes <= 18 * CUSTOMERS, "{} bytes", info.bytes);
}
