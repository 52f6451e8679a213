//! Marks survive a kill and a power cut at any moment once they are reported, and are never half
//! there.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use super::super::entry::Value;
use super::super::pages::Pages;
use super::memory_disk::{MemoryDisk, Operation, apply, opened};
use super::*;

const CUSTOMERS: u64 = 3_000;
const BATCHES: u64 = 12;
/// The random outcomes of a power cut that are tried at each moment.
const CUTS: u64 = 3;
/// A power cut writes a sector wholly or not at all.
const SECTOR_BYTES: usize = 512;

/// Marks in a file, as a disk saw them.
struct Marks {
    before: Vec<u8>,
    operations: Vec<Operation>,
    /// After each batch: the number of operations when it was reported, and all entries.
    reported: Vec<(usize, BTreeMap<u64, Value>)>,
}

fn ids_of(batch: u64) -> Vec<u64> {
    (0..60)
        .map(|number| (number * 97 + batch * 31) % (CUSTOMERS + 200))
        .collect()
}

/// Marks customers batch by batch on a disk that remembers all operations, and closes the state.
fn marks() -> Marks {
    let place = Place::new();
    let mut state = place.with(0..CUSTOMERS);
    let before = fs::read(place.path()).expect("a file");
    let mut entries: BTreeMap<_, _> = (0..CUSTOMERS)
        .map(|id| (id, Value::of(known(id))))
        .collect();
    let disk = MemoryDisk::of(&before);
    state.disk = Arc::clone(&disk) as _;
    state.pages = Pages::to_read(&state.disk, &state.shown).expect("pages");
    let mut reported = vec![(0, entries.clone())];
    for batch in 0..BATCHES {
        let ids = ids_of(batch);
        state.mark_at_once(&night("a"), &ids).expect("marks");
        entries.extend(ids.into_iter().map(|id| (id, Value::UNKNOWN)));
        reported.push((disk.operations().len(), entries.clone()));
    }
    state.close().expect("it closes");
    Marks {
        before,
        operations: disk.operations(),
        reported,
    }
}

/// Checks that a file holds all marks that were reported after this number of operations, and of the
/// batch after them all or none.
fn check(marks: &Marks, file: &[u8], operations: usize, case: &str) {
    let content = opened(file).unwrap_or_else(|error| panic!("{case}: {error}"));
    let found: BTreeMap<_, _> = content.entries.into_iter().collect();
    let last = marks
        .reported
        .iter()
        .rposition(|(reported, _)| *reported <= operations)
        .expect("the first is at 0");
    let next = (last + 1).min(marks.reported.len() - 1);
    assert!(
        found == marks.reported[last].1 || found == marks.reported[next].1,
        "{case}: {} entries, after batch {last}",
        found.len()
    );
}

#[test]
fn a_kill_between_any_two_writes_keeps_all_marks_that_were_reported() {
    let marks = marks();
    let mut file = marks.before.clone();
    for (done, operation) in marks.operations.iter().enumerate() {
        check(
            &marks,
            &file,
            done,
            &format!("killed after {done} operations"),
        );
        apply(operation, &mut file);
    }
    check(&marks, &file, marks.operations.len(), "closed");
}

#[test]
fn a_power_cut_at_any_moment_keeps_all_marks_that_were_reported() {
    let marks = marks();
    let mut random = 0x5eed_u64;
    // The file as it is since the last sync.
    let mut synced = marks.before.clone();
    let mut first_unsynced = 0;
    for done in 0..=marks.operations.len() {
        for cut in 0..CUTS {
            let mut file = synced.clone();
            for operation in &marks.operations[first_unsynced..done] {
                write_in_part(operation, &mut file, &mut random);
            }
            check(
                &marks,
                &file,
                done,
                &format!("cut {cut} after {done} operations"),
            );
        }
        if matches!(marks.operations.get(done), Some(Operation::Sync)) {
            for operation in &marks.operations[first_unsynced..done] {
                apply(operation, &mut synced);
            }
            first_unsynced = done + 1;
        }
    }
    let syncs = marks
        .operations
        .iter()
        .filter(|operation| matches!(operation, Operation::Sync));
    assert!(syncs.count() as u64 > 2 * BATCHES, "each batch is synced");
}

/// Writes some of an operation's sectors, as a disk does whose power is cut. Only a change of the
/// file's size makes it longer.
fn write_in_part(operation: &Operation, file: &mut Vec<u8>, random: &mut u64) {
    let mut is_lucky = || {
        *random = random
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        *random >> 63 == 0
    };
    match operation {
        Operation::Write(at, bytes) => {
            for (number, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                let at = at + (number * SECTOR_BYTES) as u64;
                if at < file.len() as u64 && is_lucky() {
                    apply(&Operation::Write(at, sector.to_vec()), file);
                }
            }
        }
        Operation::SetBytes(_) if is_lucky() => apply(operation, file),
        Operation::SetBytes(_) | Operation::Sync => {}
    }
}
