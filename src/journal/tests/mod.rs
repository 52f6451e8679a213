//! Tests of the rows that a journal settles after kills, power cuts and damage.

mod checkpoint;
mod damage;
mod images;
mod power_cut;

use std::collections::BTreeMap;
use std::fs;

use super::reader::{JournalError, Recovered, recover};
use super::run_dir::{JOURNAL_NAME, JournalFile, RunDir, RunDirError};
use super::writer::JournalWriter;
use super::{
    Checkpoint, Entry, FORMAT_VERSION, Header, LineError, Outcome, Purpose, Retry, RunKey,
};

/// A run directory, in memory where possible, since thousands of journals are read and cut in it.
fn run_directory() -> (tempfile::TempDir, RunDir) {
    let directory = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a directory");
    let run_dir = RunDir::create(directory.path()).expect("a run directory");
    (directory, run_dir)
}

fn header() -> Header {
    let header = Header::new(
        Purpose::Run,
        &RunKey::of([7; 16]),
        Vec::new(),
        BTreeMap::new(),
    );
    Header {
        run: "0".to_owned(),
        started: "2026-11-23T09:18:04.113Z".parse().expect("a good time"),
        ..header
    }
}

/// The way in which the process that wrote a journal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Killed before it could sync its last entries.
    Killed,
    /// Ended in order.
    InOrder,
}

/// Creates a run directory whose journal has a header and these rows. Returns it with the journal's
/// bytes.
fn journal_of(entries: &[Entry<'_>], ended: Ended) -> (tempfile::TempDir, RunDir, Vec<u8>) {
    let (directory, run_dir) = run_directory();
    let JournalFile::New(file) = run_dir.open_journal().expect("a journal") else {
        panic!("it is new")
    };
    let mut writer = JournalWriter::begin(file, &header(), &run_dir).expect("a header");
    for entry in entries {
        writer.push(entry);
    }
    writer.flush().expect("entries");
    match ended {
        Ended::Killed => {}
        Ended::InOrder => writer.close().expect("a sync"),
    }
    drop(writer);
    let bytes = fs::read(run_dir.file(JOURNAL_NAME)).expect("the journal");
    (directory, run_dir, bytes)
}

fn recover_bytes(run_dir: &RunDir, bytes: &[u8]) -> Result<Recovered, JournalError> {
    fs::write(run_dir.file(JOURNAL_NAME), bytes).expect("the journal");
    match run_dir.open_journal().expect("the journal") {
        JournalFile::Existing(file) => recover(file, run_dir, Retry::Failed),
        JournalFile::New(_) => panic!("it was there"),
    }
}

fn outcomes(checkpoint: &Checkpoint, rows: u64) -> Vec<Option<Outcome>> {
    (1..=rows).map(|row| checkpoint.outcome(row)).collect()
}

#[test]
fn the_last_entry_of_a_row_counts() {
    let (_directory, run_dir, bytes) = journal_of(
        &[
            Entry::of_row(1, Outcome::Failed),
            Entry::of_row(3, Outcome::Rejected),
            Entry::of_row(1, Outcome::Updated),
        ],
        Ended::Killed,
    );
    let recovered = recover_bytes(&run_dir, &bytes).expect("a good journal");
    let want = [Some(Outcome::Updated), None, Some(Outcome::Rejected)];
    assert_eq!(outcomes(&recovered.checkpoint, 3), want);
    assert_eq!(
        (
            recovered.checkpoint.last_row(),
            recovered.checkpoint.rows_recorded()
        ),
        (Some(3), 2)
    );
    assert_eq!((recovered.header, recovered.torn), (Some(header()), None));
    let mut entries = recovered.entries;
    let line = entries
        .line_of(&recovered.checkpoint, 3)
        .expect("the journal can be read")
        .expect("row 3 has an entry");
    assert_eq!(
        serde_json::from_slice::<Entry<'_>>(&line).expect("an entry"),
        Entry::of_row(3, Outcome::Rejected)
    );
}

#[test]
fn the_last_entry_of_each_row_is_found_again() {
    let rows = [1, 2, 2000, 3, 1025, 2];
    let entries: Vec<_> = rows
        .iter()
        .map(|row| Entry::of_row(*row, Outcome::Failed))
        .collect();
    let (_directory, run_dir, bytes) = journal_of(&entries, Ended::Killed);
    let recovered = recover_bytes(&run_dir, &bytes).expect("a good journal");
    let mut reader = recovered.entries;
    for row in [1, 2, 3, 1025, 2000, 1] {
        let line = reader
            .line_of(&recovered.checkpoint, row)
            .expect("the journal can be read")
            .expect("the row has an entry");
        let found: Entry<'_> = serde_json::from_slice(&line).expect("an entry");
        assert_eq!(found.row, row);
    }
    let missing = reader.line_of(&recovered.checkpoint, 4);
    assert_eq!(missing.expect("the journal can be read"), None);
}

#[test]
fn what_is_no_journal_of_this_version_is_refused() {
    let (_directory, run_dir, _) = journal_of(&[], Ended::Killed);
    let newer = Header {
        custsync_journal: FORMAT_VERSION + 1,
        ..header()
    };
    let mut line = Vec::new();
    newer.encode(&mut line);
    assert!(matches!(
        recover_bytes(&run_dir, &line),
        Err(JournalError::Line(LineError::NewerFormat { .. }))
    ));
    assert!(matches!(
        recover_bytes(&run_dir, b"id,name\n1,Ann\n"),
        Err(JournalError::Line(LineError::NotAJournal))
    ));
    let empty = recover_bytes(&run_dir, b"").expect("the process died at once");
    assert_eq!(empty.header, None);
}

#[test]
fn a_second_process_is_kept_out() {
    let (_directory, run_dir, _) = journal_of(&[], Ended::Killed);
    let held = run_dir.open_journal().expect("the first one");
    assert!(matches!(
        run_dir.open_journal(),
        Err(RunDirError::Locked { .. })
    ));
    drop(held);
    run_dir.open_journal().expect("the lock ends with the file");
}

#[test]
fn the_directory_is_locked_too_so_that_a_deleted_journal_lets_no_process_in() {
    let (directory, run_dir, _) = journal_of(&[], Ended::Killed);
    let writer = recover_bytes(&run_dir, b"")
        .expect("an empty journal")
        .writer;
    drop(run_dir);
    fs::remove_file(directory.path().join(JOURNAL_NAME)).expect("the journal is there");
    let second = RunDir::create(directory.path()).expect("the directory is there");
    assert!(
        matches!(second.open_journal(), Err(RunDirError::Locked { .. })),
        "the writer holds the lock"
    );
    assert!(
        !directory.path().join(JOURNAL_NAME).exists(),
        "nothing was made by the second one"
    );
    drop(writer);
    second
        .open_journal()
        .expect("the lock ends with the last who holds it");
}
