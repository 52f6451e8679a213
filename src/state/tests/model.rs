//! Random edits and marks against a model.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// A step in a state's life.
#[derive(Debug, Clone)]
enum Step {
    Edit(Vec<Part>, Ending),
    Mark(Vec<u64>),
    Reopen,
}

/// The end of an edit.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ending {
    Commit,
    Drop,
}

/// A call within an edit.
#[derive(Debug, Clone)]
enum Part {
    Set(Vec<(u64, u64)>),
    Absent(Vec<u64>),
}

/// Few ids, so that they meet often, and the largest.
fn id() -> impl Strategy<Value = u64> {
    prop_oneof![9 => 0..60_u64, 1 => u64::MAX - 3..=u64::MAX]
}

fn step() -> impl Strategy<Value = Step> {
    let part = prop_oneof![
        // One hash in four is nothing known.
        prop::collection::vec((id(), 0..4_u64), 0..40).prop_map(Part::Set),
        prop::collection::vec(id(), 0..20).prop_map(Part::Absent),
    ];
    let ending = prop_oneof![4 => Just(Ending::Commit), 1 => Just(Ending::Drop)];
    prop_oneof![
        4 => (prop::collection::vec(part, 0..4), ending).prop_map(|(parts, end)| Step::Edit(parts, end)),
        2 => prop::collection::vec(id(), 0..20).prop_map(Step::Mark),
        1 => Just(Step::Reopen),
    ]
}

fn known_of(hash: u64) -> Known {
    if hash == 0 {
        Known::Unknown
    } else {
        known(hash)
    }
}

type Model = BTreeMap<u64, StateEntry>;

fn edit(state: &mut State, model: &mut Model, parts: Vec<Part>, ending: Ending) {
    let mut edited = model.clone();
    let mut edit = state.edit().expect("an edit");
    for part in parts {
        match part {
            Part::Set(hashes) => {
                let hashes = hashes.into_iter().map(|(id, hash)| (id, known_of(hash)));
                let hashes: Vec<_> = hashes.collect();
                edit.set(&hashes).expect("entries");
                edited.extend(hashes.into_iter().map(|(id, known)| {
                    let is_absent = false;
                    (id, StateEntry { known, is_absent })
                }));
            }
            Part::Absent(ids) => {
                edit.set_absent(&ids).expect("absent ones");
                for id in ids {
                    edited.entry(id).and_modify(|entry| entry.is_absent = true);
                }
            }
        }
    }
    if ending == Ending::Commit {
        edit.commit().expect("a commit");
        *model = edited;
    }
}

fn agrees(state: &State, model: &Model) {
    let all: Vec<_> = model.iter().map(|(id, entry)| (*id, *entry)).collect();
    assert_eq!(entries(state), all);
    let ids = [59, 3, u64::MAX, 3, 61, 0];
    let want = ids.map(|id| model.get(&id).copied());
    assert_eq!(state.look_up(&ids).expect("entries"), want);
    let count = |is_counted: fn(&StateEntry) -> bool| {
        model.values().filter(|entry| is_counted(entry)).count() as u64
    };
    let info = state.info();
    assert_eq!(info.customers, count(|_| true));
    assert_eq!(info.unknown, count(|entry| entry.known == Known::Unknown));
    assert_eq!(info.absent, count(|entry| entry.is_absent));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn a_state_holds_what_its_edits_and_marks_say(steps in prop::collection::vec(step(), 1..12)) {
        let place = Place::new();
        let mut state = place.create();
        let mut model = Model::new();
        for step in steps {
            match step {
                Step::Edit(parts, ending) => edit(&mut state, &mut model, parts, ending),
                Step::Mark(ids) => {
                    state.mark_at_once(&night("a"), &ids).expect("marks");
                    let unknown = StateEntry { known: Known::Unknown, is_absent: false };
                    model.extend(ids.into_iter().map(|id| (id, unknown)));
                }
                Step::Reopen => {
                    drop(state);
                    state = place.open();
                }
            }
            agrees(&state, &model);
        }
    }
}
