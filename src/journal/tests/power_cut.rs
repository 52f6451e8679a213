//! Power cuts at every write and sync of generated runs.
//!
//! The model of a disk knows which bytes the kernel shows and which are durable. A power cut keeps
//! the durable bytes and a random part of the others: none, some, some of their pages, or zeros. A
//! lying disk reports syncs that it did not perform.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    JOURNAL_NAME, JournalError, JournalFile, JournalWriter, RunDir, header, recover, run_directory,
};
use crate::journal::disk::{Disk, ExternalChange};
use crate::journal::writer::UNSYNCED_BYTES_MAX;
use crate::journal::{Entry, Fact, LineError, Outcome, Retry, WriteError};

const RUNS: u64 = 10;
/// The number of processes of each run. The power is cut on all but the last.
const PROCESSES: usize = 3;
/// The number of writes and syncs of each process.
const STEPS: usize = 12;
const ENTRIES_MAX: u64 = 25;
const PAGE: usize = 512;

/// Pseudo-random numbers by `SplitMix64` (Steele, Lea and Flood, 2014).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    pub(super) fn index(&mut self, limit: usize) -> usize {
        usize::try_from(self.below(u64::try_from(limit).expect("small"))).expect("small")
    }
}

/// Whether syncs are performed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syncs {
    Honest,
    /// About every other sync does nothing.
    Lying,
}

/// The state of a disk after a call.
#[derive(Debug, Clone, Default)]
pub(super) struct Moment {
    /// The bytes that the kernel shows.
    pub(super) shown: Vec<u8>,
    /// The bytes that survive a power cut.
    pub(super) safe: Vec<u8>,
}

/// A disk that records its state after each call.
pub(super) struct ModelState {
    now: Moment,
    pub(super) moments: Vec<Moment>,
    syncs: Syncs,
    random: Random,
    /// The number of bytes that fit.
    pub(super) room: usize,
}

#[derive(Clone)]
pub(super) struct Model(Arc<Mutex<ModelState>>);

impl std::fmt::Debug for Model {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Model(..)")
    }
}

impl Model {
    /// Creates a disk in this state.
    pub(super) fn of(now: Moment, syncs: Syncs, seed: u64) -> Model {
        Model(Arc::new(Mutex::new(ModelState {
            moments: vec![now.clone()],
            now,
            syncs,
            random: Random(seed),
            room: usize::MAX,
        })))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, ModelState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for Model {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state();
        let room = state.room.saturating_sub(state.now.shown.len());
        if room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let n = bytes.len().min(room);
        state.now.shown.extend_from_slice(&bytes[..n]);
        let now = state.now.clone();
        state.moments.push(now);
        Ok(n)
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(u64::try_from(self.state().now.shown.len()).expect("small"))
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        let mut state = self.state();
        state
            .now
            .shown
            .truncate(usize::try_from(bytes).expect("small"));
        let now = state.now.clone();
        state.moments.push(now);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.state();
        let lies = state.syncs == Syncs::Lying && state.random.below(2) == 0;
        if !lies {
            state.now.safe = state.now.shown.clone();
        }
        let now = state.now.clone();
        state.moments.push(now);
        Ok(())
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn external_change(&self, _: u64) -> io::Result<Option<ExternalChange>> {
        Ok(None)
    }

    fn display_path(&self) -> String {
        "the model".to_owned()
    }
}

/// The effect of a power cut on bytes that are not durable.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cut {
    Dropped,
    Shortened,
    SomePages,
    LastPageZero,
    AllZero,
    Nothing,
}

pub(super) const CUTS: [Cut; 6] = [
    Cut::Dropped,
    Cut::Shortened,
    Cut::SomePages,
    Cut::LastPageZero,
    Cut::AllZero,
    Cut::Nothing,
];

impl Moment {
    /// Returns the journal after a power cut at this moment.
    pub(super) fn after(&self, cut: Cut, random: &mut Random) -> Vec<u8> {
        let Moment { shown, safe } = self;
        let mut found = shown.clone();
        match cut {
            Cut::Dropped => return safe.clone(),
            Cut::Nothing => {}
            Cut::Shortened => found
                .truncate(safe.len() + random.index(shown.len().saturating_sub(safe.len()) + 1)),
            Cut::SomePages => {
                for page in safe.len() / PAGE..=shown.len() / PAGE {
                    if random.below(2) == 0 {
                        self.zero(&mut found, page);
                    }
                }
            }
            Cut::LastPageZero => self.zero(&mut found, shown.len().saturating_sub(1) / PAGE),
            Cut::AllZero => (safe.len() / PAGE..=shown.len() / PAGE)
                .for_each(|page| self.zero(&mut found, page)),
        }
        found
    }

    /// Zeros the bytes of a page that are not durable.
    fn zero(&self, found: &mut [u8], page: usize) {
        let end = found.len().min((page + 1) * PAGE);
        let start = (page * PAGE).max(self.safe.len()).min(end);
        found[start..end].fill(0);
    }
}

/// Returns the rows that a journal settles, by code independent of the program's.
fn settled(journal: &[u8]) -> BTreeMap<u64, String> {
    let lines = journal.split_inclusive(|byte| *byte == b'\n');
    let lines =
        lines.map(|line| serde_json::from_slice::<Value>(line).expect("a whole line is JSON"));
    let of_rows = lines
        .filter_map(|line| Some((line["row"].as_u64()?, line["outcome"].as_str()?.to_owned())));
    of_rows.collect()
}

/// The directory of the journals after power cuts.
struct Found {
    _directory: TempDir,
    run_dir: RunDir,
}

impl Found {
    fn new() -> Found {
        let (directory, run_dir) = run_directory();
        Found {
            _directory: directory,
            run_dir,
        }
    }

    /// Recovers this journal. Returns its bytes afterwards, or `None` if it is refused.
    fn recover(&self, journal: &[u8], what: &str) -> Option<Vec<u8>> {
        let path = self.run_dir.file(JOURNAL_NAME);
        fs::write(&path, journal).expect("the journal");
        let file = match self.run_dir.open_journal().expect("the journal") {
            JournalFile::Existing(file) => file,
            JournalFile::New(_) => panic!("it was there"),
        };
        let recovered = match recover(file, &self.run_dir, Retry::Failed) {
            Ok(recovered) => recovered,
            Err(
                JournalError::Damaged { .. }
                | JournalError::Edited { .. }
                | JournalError::Line(LineError::NotAJournal),
            ) => {
                assert_eq!(
                    fs::read(&path).expect("the journal"),
                    journal,
                    "{what}: what is refused stays as it is"
                );
                return None;
            }
            Err(other) => panic!("{what}: {other}"),
        };
        if let Some(torn) = &recovered.torn {
            let kept = self.run_dir.file(&torn.kept_in);
            assert!(
                journal.ends_with(&fs::read(&kept).expect("it is kept")),
                "{what}"
            );
            fs::remove_file(kept).expect("it is there");
        }
        let left = fs::read(&path).expect("the journal");
        let truth = settled(&left);
        for row in 1..=recovered.checkpoint.last_row().unwrap_or(0).max(1) {
            let found = recovered.checkpoint.outcome(row).map(Outcome::name);
            assert_eq!(
                found,
                truth.get(&row).map(String::as_str),
                "{what}: row {row}"
            );
        }
        Some(left)
    }

    /// Cuts the power at this moment in all ways.
    fn check(&self, moment: &Moment, syncs: Syncs, random: &mut Random, what: &str) {
        for cut in CUTS {
            let what = format!("{what}, {syncs:?}, {cut:?}");
            let left = self.recover(&moment.after(cut, random), &what);
            let Some(left) = left else {
                assert_eq!(
                    syncs,
                    Syncs::Lying,
                    "{what}: what an honest disk leaves can be continued"
                );
                continue;
            };
            // Every settled row was written with that outcome.
            assert!(
                moment.shown.starts_with(&left) || moment.safe.starts_with(&left),
                "{what}"
            );
            let safe = moment
                .safe
                .iter()
                .zip(&moment.shown)
                .take_while(|(safe, shown)| safe == shown)
                .count();
            let safe = memchr::memrchr(b'\n', &moment.safe[..safe]).map_or(0, |end| end + 1);
            if syncs == Syncs::Honest {
                assert!(
                    left.len() >= safe,
                    "{what}: of {safe} bytes that were synced {} are left",
                    left.len()
                );
            }
        }
    }
}

/// Continues the disk's journal like a process, with random writes and syncs.
fn process(model: &Model, random: &mut Random, next_row: &mut u64) -> Result<(), WriteError> {
    let bytes = model.bytes().expect("the model's size");
    let disk = Box::new(model.clone());
    let mut writer = if bytes == 0 {
        JournalWriter::begin_on(disk, &header())?
    } else {
        let mut writer = JournalWriter::resume_on(disk, bytes);
        writer.continue_run(&Fact::Continued {
            at: jiff::Timestamp::UNIX_EPOCH,
            version: "0".to_owned(),
        })?;
        writer
    };
    for _ in 0..STEPS {
        if random.below(4) == 0 {
            writer.sync()?;
            continue;
        }
        for _ in 0..=random.below(ENTRIES_MAX) {
            let outcome = Outcome::ALL[random.index(Outcome::ALL.len() - 1)];
            // Some rows are sent again.
            let row = if random.below(5) == 0 {
                1 + random.below(*next_row)
            } else {
                *next_row
            };
            *next_row = (*next_row).max(row + 1);
            let message = "m".repeat(random.index(400));
            writer.push(&Entry {
                message: Some(message.into()),
                ..Entry::of_row(row, outcome)
            });
        }
        writer.flush().map_err(|error| error.source)?;
    }
    if random.below(2) == 0 {
        writer.close()
    } else {
        Ok(())
    }
}

/// Returns the bytes that the next process finds: those after one of these power cuts, or all bytes
/// of a process that was killed.
fn next_begin(found: &Found, moments: &[Moment], random: &mut Random) -> Moment {
    let moment = &moments[moments.len() / 2 + random.index(moments.len() / 2)];
    if random.below(2) == 0
        && found.recover(&moment.shown, "after a kill").as_ref() == Some(&moment.shown)
    {
        return moment.clone();
    }
    let cut = CUTS[random.index(CUTS.len())];
    let left = found
        .recover(&moment.after(cut, random), "for the next process")
        .unwrap_or_default();
    Moment {
        shown: left.clone(),
        safe: left,
    }
}

fn cut_the_power_everywhere(syncs: Syncs) {
    let found = Found::new();
    for run in 0..RUNS {
        let mut random = Random(run);
        let (mut begin, mut next_row) = (Moment::default(), 1);
        for number in 0..PROCESSES {
            let room = begin.shown.len() + 3_000 + random.index(6_000);
            let model = Model::of(begin, syncs, random.next());
            // The last process of every other run fills the disk.
            if number + 1 == PROCESSES && run % 2 == 0 {
                model.state().room = room;
            }
            match process(&model, &mut random, &mut next_row) {
                Ok(()) | Err(WriteError::Write(_)) => {}
                Err(other) => panic!("run {run}: {other}"),
            }
            let moments = model.state().moments.clone();
            assert!(moments.len() > 3, "run {run}: {}", moments.len());
            for (at, moment) in moments.iter().enumerate() {
                found.check(
                    moment,
                    syncs,
                    &mut random,
                    &format!("run {run}, process {number}, call {at}"),
                );
            }
            begin = next_begin(&found, &moments, &mut random);
        }
    }
}

#[test]
fn what_was_synced_outlasts_any_power_cut_and_nothing_is_invented() {
    cut_the_power_everywhere(Syncs::Honest);
}

#[test]
fn a_disk_that_lies_invents_nothing() {
    cut_the_power_everywhere(Syncs::Lying);
}

#[test]
fn whole_lines_of_a_failed_write_stay_and_are_counted() {
    const ROWS: usize = 8;
    let whole = Model::of(Moment::default(), Syncs::Honest, 0);
    let write = |model: &Model| {
        let mut writer =
            JournalWriter::begin_on(Box::new(model.clone()), &header()).expect("room for a header");
        (1..=ROWS).for_each(|row| {
            writer.push(&Entry::of_row(
                u64::try_from(row).expect("few"),
                Outcome::Updated,
            ));
        });
        (writer.flush().map_err(|error| error.written), writer)
    };
    write(&whole).0.expect("room for all");
    let journal = whole.state().now.shown.clone();
    let ends: Vec<_> = memchr::memchr_iter(b'\n', &journal)
        .map(|end| end + 1)
        .collect();
    for room in ends[0]..journal.len() {
        let model = Model::of(Moment::default(), Syncs::Honest, 0);
        model.state().room = room;
        let (flushed, mut writer) = write(&model);
        let whole_lines = ends.iter().filter(|end| **end <= room).count();
        // The header and the mark are not counted.
        assert_eq!(
            flushed,
            Err(whole_lines.saturating_sub(2)),
            "room for {room} bytes"
        );
        let Moment { shown, safe } = model.state().now.clone();
        assert_eq!(
            shown,
            journal[..ends[whole_lines - 1]],
            "room for {room} bytes"
        );
        assert_eq!(safe, shown, "it is synced once more");
        // Nothing is written after a failure, even if there is room again.
        model.state().room = usize::MAX;
        writer.push(&Entry::of_row(100, Outcome::Updated));
        assert_eq!(writer.flush().map_err(|error| error.written), Err(0));
        assert!(writer.sync().is_err());
        assert_eq!(model.state().now.shown, shown);
    }
}

#[test]
fn no_more_is_written_without_a_sync_than_a_reader_takes_for_torn() {
    let model = Model::of(Moment::default(), Syncs::Honest, 0);
    let mut writer = JournalWriter::begin_on(Box::new(model.clone()), &header()).expect("a header");
    for rows in [1, 10_000, 3, 700, 2_000, 4_096] {
        if rows == 4_096 {
            // As many bytes as the limit, without the mark before them.
            (1..=rows)
                .for_each(|_| writer.push_line(|buffer| buffer.extend_from_slice(&[b'\n'; 256])));
        } else {
            (1..=rows).for_each(|row| writer.push(&Entry::of_row(row, Outcome::Updated)));
        }
        writer.flush().expect("room for all");
        let moments = std::mem::take(&mut model.state().moments);
        for Moment { shown, safe } in moments {
            let unsynced = u64::try_from(shown.len() - safe.len()).expect("small");
            assert!(unsynced <= UNSYNCED_BYTES_MAX, "{unsynced}");
        }
    }
    let shown = model.state().now.shown.clone();
    assert_eq!(
        memchr::memmem::find_iter(&shown, b"{\"row\":").count(),
        12_704
    );
}
