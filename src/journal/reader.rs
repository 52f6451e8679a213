//! Reads a journal back: what it is of, which rows are settled, and where it is damaged.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt as _;

use super::alike::block_of;
use super::checkpoint::{Checkpoint, Retry};
use super::entry::Entry;
use super::header::Header;
use super::lines::{Line, LineError, Lines};
use super::overtakers::Overtakers;
use super::run_dir::{RunDir, RunDirError};
use super::writer::JournalWriter;

/// How much of a journal is read at once.
const BUFFER_BYTES: usize = 1 << 16;
/// How much is read for one entry.
const LINE_BYTES: usize = 1 << 10;

/// What a journal holds.
#[derive(Debug)]
pub struct Recovered {
    /// What it is of; absent where the process died before it was written, and nothing was sent.
    pub header: Option<Header>,
    /// Which rows it settles.
    pub checkpoint: Checkpoint,
    /// Goes on where it ends.
    pub writer: JournalWriter,
    /// Reads single entries again.
    pub entries: EntryReader,
    /// Bytes of a torn tail that were cut off.
    pub torn_bytes: u64,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be read, cut or kept.
    #[error("the journal cannot be read")]
    Io(#[from] io::Error),
    /// A line of it.
    #[error(transparent)]
    Line(#[from] LineError),
    /// A file beside it.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// A damaged line stands before good ones.
    #[error("the journal is damaged at byte {offset}, before good lines; nothing was sent")]
    Damaged {
        /// Where the damaged line begins.
        offset: u64,
    },
}

/// Reads a locked journal. A torn tail is cut off and kept beside it; damage before good lines is an error: never guess.
pub fn recover(mut file: File, run_dir: &RunDir, retry: Retry) -> Result<Recovered, JournalError> {
    let mut lines = Lines::of(BufReader::with_capacity(BUFFER_BYTES, file.try_clone()?));
    let (mut header, mut checkpoint) = (None, Checkpoint::new(retry));
    let (mut good_bytes, mut torn_at) = (0_u64, None);
    loop {
        let offset = lines.end();
        let Some(line) = lines.next()? else { break };
        match (line, torn_at) {
            (Line::Torn(_), _) => {
                torn_at.get_or_insert(offset);
            }
            (_, Some(offset)) => return Err(JournalError::Damaged { offset }),
            (Line::Header(found), None) => header = Some(*found),
            (Line::Entry(entry), None) => checkpoint.add(&entry, offset),
            (Line::Alike(alike), None) => checkpoint.add_alike(&alike),
            (Line::Fact(fact), None) => checkpoint.add_fact(&fact),
            (Line::Unknown, None) => {}
        }
        if torn_at.is_none() {
            good_bytes = lines.end();
        }
    }
    checkpoint.seal();
    if header.is_none() && is_foreign(&mut file)? {
        return Err(LineError::NotAJournal.into());
    }
    let torn_bytes = lines.end() - good_bytes;
    if torn_bytes > 0 {
        keep_torn(&mut file, good_bytes, run_dir)?;
    }
    let entries = EntryReader::of(file.try_clone()?);
    Ok(Recovered { header, checkpoint, writer: JournalWriter::resume(file, good_bytes), entries, torn_bytes })
}

/// Whether a file without a whole header is something else than a journal that was torn in its first line.
fn is_foreign(file: &mut File) -> io::Result<bool> {
    const BEGINNING: &[u8] = b"{\"custsync_journal\":";
    let mut beginning = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(u64::try_from(BEGINNING.len()).unwrap_or(u64::MAX)).read_to_end(&mut beginning)?;
    Ok(!BEGINNING.starts_with(&beginning))
}

fn keep_torn(file: &mut File, good_bytes: u64, run_dir: &RunDir) -> Result<(), JournalError> {
    let mut torn = run_dir.create_torn()?;
    file.seek(SeekFrom::Start(good_bytes))?;
    io::copy(file, &mut torn)?;
    torn.flush()?;
    torn.sync_all()?;
    file.set_len(good_bytes)?;
    file.sync_all()?;
    Ok(())
}

/// Reads entries of a journal again. Another thread may append to the journal meanwhile.
#[derive(Debug)]
pub struct EntryReader {
    file: File,
    /// The block of rows that was asked for last, and where the last entry of each of its rows begins.
    block: Option<(u64, BTreeMap<u64, u64>)>,
}

/// A journal from some byte on, read without moving the file's own position, which the writer shares.
struct From<'f> {
    file: &'f File,
    offset: u64,
}

impl io::Read for From<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(buffer, self.offset)?;
        self.offset += u64::try_from(n).unwrap_or(u64::MAX);
        Ok(n)
    }
}

impl EntryReader {
    fn of(file: File) -> EntryReader {
        EntryReader { file, block: None }
    }

    /// Another reader of the same journal.
    pub fn try_clone(&self) -> io::Result<EntryReader> {
        Ok(EntryReader::of(self.file.try_clone()?))
    }

    fn lines_from(&self, offset: u64) -> Lines<BufReader<From<'_>>> {
        let journal = From { file: &self.file, offset };
        Lines::starting_at(BufReader::with_capacity(BUFFER_BYTES, journal), offset)
    }

    /// The hashes that the journal has of these rows.
    pub fn hashes(&self, rows: RangeInclusive<u64>) -> Result<BTreeMap<u64, u64>, LineError> {
        let mut lines = self.lines_from(0);
        let mut hashes = BTreeMap::new();
        while let Some(line) = lines.next()? {
            if let Line::Entry(entry) = line
                && rows.contains(&entry.row)
            {
                hashes.insert(entry.row, entry.hash);
            }
        }
        Ok(hashes)
    }

    /// The updated rows of the customers whom `gaps` watches, behind its first row.
    pub fn overtake(&self, checkpoint: &Checkpoint, first_row: u64, gaps: &mut Overtakers) -> Result<(), LineError> {
        if !gaps.watches_nobody()
            && let Some(offset) = checkpoint.first_offset_from(first_row)
        {
            let mut lines = self.lines_from(offset);
            while let Some(line) = lines.next()? {
                if let Line::Entry(Entry { row, id: Some(id), outcome, fields, .. }) = line
                    && outcome.sets_fields()
                {
                    gaps.updated(id, row, fields);
                }
            }
        }
        gaps.sort();
        Ok(())
    }

    /// The line of a row's last entry, for [`Entry`] to be read from; absent where it has none.
    pub fn line_of(&mut self, checkpoint: &Checkpoint, row: u64) -> Result<Option<Vec<u8>>, LineError> {
        let block = block_of(row);
        let places = match self.block.take() {
            Some((known, places)) if known == block => places,
            Some(_) | None => self.places(checkpoint, block)?,
        };
        let (_, places) = self.block.insert((block, places));
        let offset = places.get(&row).copied();
        Ok(offset.map(|offset| self.line_at(offset)).transpose()?)
    }

    /// Where the last entry of each row of a block begins.
    fn places(&self, checkpoint: &Checkpoint, block: u64) -> Result<BTreeMap<u64, u64>, LineError> {
        let mut places = BTreeMap::new();
        for (first, last) in checkpoint.places(block) {
            let mut lines = self.lines_from(first);
            loop {
                let offset = lines.end();
                if offset > last {
                    break;
                }
                match lines.next()? {
                    Some(Line::Entry(entry)) if block_of(entry.row) == block => {
                        places.insert(entry.row, offset);
                    }
                    Some(_) => {}
                    None => break,
                }
            }
        }
        Ok(places)
    }

    /// The line that begins there.
    fn line_at(&self, offset: u64) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        let mut journal = BufReader::with_capacity(LINE_BYTES, From { file: &self.file, offset });
        journal.read_until(b'\n', &mut line)?;
        match line.pop() {
            Some(b'\n') => Ok(line),
            Some(_) | None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::journal::run_dir::{JOURNAL_NAME, JournalFile};
    use crate::journal::{FORMAT_VERSION, Key, Outcome, Purpose};

    fn header() -> Header {
        let header = Header::new(Purpose::Run, &Key::of([7; 16]), Vec::new(), BTreeMap::new());
        Header { run: "0".to_owned(), started: "2026-11-23T09:18:04.113Z".parse().expect("a good time"), ..header }
    }

    /// A run directory whose journal has a header and these rows, and the journal's bytes.
    fn journal_of(entries: &[Entry<'_>]) -> (tempfile::TempDir, RunDir, Vec<u8>) {
        let directory = tempfile::tempdir().expect("a directory");
        let run_dir = RunDir::create(directory.path()).expect("a run directory");
        let JournalFile::New(file) = run_dir.open_journal().expect("a journal") else { panic!("it is new") };
        let mut writer = JournalWriter::begin(file, &header(), &run_dir).expect("a header");
        for entry in entries {
            writer.push(entry);
        }
        writer.flush().expect("entries");
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
        let (_directory, run_dir, bytes) = journal_of(&[
            Entry::of_row(1, Outcome::Failed),
            Entry::of_row(3, Outcome::Rejected),
            Entry::of_row(1, Outcome::Updated),
        ]);
        let recovered = recover_bytes(&run_dir, &bytes).expect("a good journal");
        let want = [Some(Outcome::Updated), None, Some(Outcome::Rejected)];
        assert_eq!(outcomes(&recovered.checkpoint, 3), want);
        assert_eq!((recovered.checkpoint.last_row(), recovered.checkpoint.rows_recorded()), (Some(3), 2));
        assert_eq!((recovered.header, recovered.torn_bytes), (Some(header()), 0));
        let mut entries = recovered.entries;
        let line = entries.line_of(&recovered.checkpoint, 3).expect("the journal can be read").expect("row 3 has an entry");
        assert_eq!(serde_json::from_slice::<Entry<'_>>(&line).expect("an entry"), Entry::of_row(3, Outcome::Rejected));
    }

    #[test]
    fn a_journal_cut_anywhere_settles_a_subset_of_the_truth() {
        let entries: Vec<_> =
            (1..=6).zip(Outcome::ALL.iter().cycle()).map(|(row, outcome)| Entry::of_row(row, *outcome)).collect();
        let (_directory, run_dir, bytes) = journal_of(&entries);
        for end in 0..bytes.len() {
            let recovered = recover_bytes(&run_dir, &bytes[..end]).expect("a torn tail is no damage");
            let whole_lines = memchr::memchr_iter(b'\n', &bytes[..end]).count();
            let settled = recovered.checkpoint.rows_recorded();
            assert_eq!(settled, u64::try_from(whole_lines.saturating_sub(1)).expect("few"), "cut at {end}");
            let left = fs::read(run_dir.file(JOURNAL_NAME)).expect("the journal");
            assert!(left.is_empty() || left.ends_with(b"\n"), "cut at {end}");
        }
    }

    #[test]
    fn a_flipped_bit_is_cut_off_at_the_end_and_refused_elsewhere() {
        let entries: Vec<_> = (1..=5).zip(Outcome::ALL).map(|(row, outcome)| Entry::of_row(row, outcome)).collect();
        let (_directory, run_dir, bytes) = journal_of(&entries);
        let truth = outcomes(&recover_bytes(&run_dir, &bytes).expect("a good journal").checkpoint, 5);
        let last_line = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').expect("several lines");
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            match recover_bytes(&run_dir, &damaged) {
                Ok(recovered) => {
                    // A line end that became another byte joins two lines, so the damage may begin one line earlier.
                    assert!(bit / 8 >= last_line, "bit {bit} lies before good lines");
                    let found = outcomes(&recovered.checkpoint, 5);
                    assert!(
                        found.iter().zip(&truth).all(|(found, truth)| found.is_none() || found == truth),
                        "bit {bit}"
                    );
                }
                Err(JournalError::Damaged { .. } | JournalError::Line(LineError::NotAJournal)) => {}
                Err(other) => panic!("bit {bit}: {other}"),
            }
        }
    }

    #[test]
    fn what_is_no_journal_of_this_version_is_refused() {
        let (_directory, run_dir, _) = journal_of(&[]);
        let newer = Header { custsync_journal: FORMAT_VERSION + 1, ..header() };
        let mut line = Vec::new();
        newer.encode(&mut line);
        assert!(matches!(recover_bytes(&run_dir, &line), Err(JournalError::Line(LineError::NewerFormat { .. }))));
        assert!(matches!(recover_bytes(&run_dir, b"id,name\n1,Ann\n"), Err(JournalError::Line(LineError::NotAJournal))));
        let empty = recover_bytes(&run_dir, b"").expect("the process died at once");
        assert_eq!(empty.header, None);
    }

    #[test]
    fn a_second_process_is_kept_out() {
        let (_directory, run_dir, _) = journal_of(&[]);
        let held = run_dir.open_journal().expect("the first one");
        assert!(matches!(run_dir.open_journal(), Err(RunDirError::Locked { .. })));
        drop(held);
        run_dir.open_journal().expect("the lock ends with the file");
    }
}
