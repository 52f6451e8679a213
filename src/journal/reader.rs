//! Reads a journal back: what it is of, which rows are settled, and where it is damaged.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt as _;

use super::checkpoint::{Checkpoint, Retry};
use super::entry::Entry;
use super::header::{FORMAT_VERSION, Header};
use super::line;
use super::run_dir::{RunDir, RunDirError};
use super::writer::JournalWriter;

/// The longest line that is read: an entry takes less than a hundredth of it.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// How much of a journal is read at once.
const BUFFER_BYTES: usize = 1 << 16;

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
    /// A file beside it.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// A damaged line stands before good ones.
    #[error("the journal is damaged at byte {offset}, before good lines; nothing was sent")]
    Damaged {
        /// Where the damaged line begins.
        offset: u64,
    },
    /// A whole line is no entry.
    #[error("the journal's line at byte {offset} is whole, but no entry; nothing was sent")]
    NotAnEntry {
        /// Where the line begins.
        offset: u64,
    },
    /// The first line is no header.
    #[error("it does not begin with a journal's header: not a file of custsync?")]
    NotAJournal,
    /// A later version's.
    #[error("the journal has format {found}, this version reads format {FORMAT_VERSION}: use a newer custsync")]
    NewerFormat {
        /// Its format.
        found: u32,
    },
}

/// One line as it was found.
enum Line {
    /// It counts.
    Whole,
    /// No line end, or the wrong checksum.
    Torn,
}

/// Reads a locked journal. A torn tail is cut off and kept beside it; damage before good lines is an error: never guess.
pub fn recover(mut file: File, run_dir: &RunDir, retry: Retry) -> Result<Recovered, JournalError> {
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, file.try_clone()?);
    let (mut header, mut checkpoint) = (None, Checkpoint::new(retry));
    let (mut offset, mut good_bytes, mut torn_at) = (0_u64, 0_u64, None);
    let mut line = Vec::new();
    loop {
        line.clear();
        let n = (&mut reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        if n == 0 {
            break;
        }
        match kind_of(&line) {
            Line::Torn => {
                torn_at.get_or_insert(offset);
            }
            Line::Whole => match torn_at {
                Some(offset) => return Err(JournalError::Damaged { offset }),
                None if header.is_none() => header = Some(read_header(&line)?),
                None => {
                    let entry: Entry<'_> = match serde_json::from_slice(&line) {
                        Ok(entry) => entry,
                        // Its checksum is right, so the text is what was written; what serde says of it would quote it.
                        Err(_) => return Err(JournalError::NotAnEntry { offset }),
                    };
                    checkpoint.add(&entry, offset);
                }
            },
        }
        offset += u64::try_from(n).unwrap_or(u64::MAX);
        if torn_at.is_none() {
            good_bytes = offset;
        }
    }
    checkpoint.seal();
    if header.is_none() && is_foreign(&mut file)? {
        return Err(JournalError::NotAJournal);
    }
    let torn_bytes = offset - good_bytes;
    if torn_bytes > 0 {
        keep_torn(&mut file, good_bytes, run_dir)?;
    }
    let entries = EntryReader { file: file.try_clone()? };
    Ok(Recovered { header, checkpoint, writer: JournalWriter::resume(file, good_bytes), entries, torn_bytes })
}

fn kind_of(line: &[u8]) -> Line {
    match line.strip_suffix(b"\n") {
        Some(line) if line::is_sealed(line) => Line::Whole,
        Some(_) | None => Line::Torn,
    }
}

fn read_header(line: &[u8]) -> Result<Header, JournalError> {
    /// The one member that every version has.
    #[derive(serde::Deserialize)]
    struct Version {
        custsync_journal: u32,
    }
    let Ok(Version { custsync_journal: found }) = serde_json::from_slice(line) else {
        return Err(JournalError::NotAJournal);
    };
    if found > FORMAT_VERSION {
        return Err(JournalError::NewerFormat { found });
    }
    // A header of this version that this version cannot read is somebody else's file.
    serde_json::from_slice(line).or(Err(JournalError::NotAJournal))
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

/// Reads single entries of a journal by where they begin.
#[derive(Debug)]
pub struct EntryReader {
    file: File,
}

impl EntryReader {
    /// The hashes that the journal has of these rows.
    pub fn hashes(&self, rows: RangeInclusive<u64>) -> io::Result<BTreeMap<u64, u64>> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, file);
        let (mut hashes, mut line) = (BTreeMap::new(), Vec::new());
        while reader.read_until(b'\n', &mut line)? > 0 {
            // The first line is the header, and no entry.
            if let Ok(entry) = serde_json::from_slice::<Entry<'_>>(&line)
                && rows.contains(&entry.row)
            {
                hashes.insert(entry.row, entry.hash);
            }
            line.clear();
        }
        Ok(hashes)
    }

    /// The line that begins there, for [`Entry`] to be read from.
    pub fn line_at(&self, offset: u64) -> io::Result<Vec<u8>> {
        const STEP: usize = 1024;
        let mut line = Vec::new();
        loop {
            let read_from = line.len();
            line.resize(read_from + STEP, 0);
            let at = offset + u64::try_from(read_from).unwrap_or(u64::MAX);
            let n = self.file.read_at(line.get_mut(read_from..).unwrap_or_default(), at)?;
            line.truncate(read_from + n);
            if let Some(end) = memchr::memchr(b'\n', &line) {
                line.truncate(end);
                return Ok(line);
            }
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::journal::run_dir::{JOURNAL_NAME, JournalFile};
    use crate::journal::{Outcome, Purpose};

    const OUTCOMES: [Outcome; 5] = Outcome::ALL;

    fn header() -> Header {
        Header {
            custsync_journal: FORMAT_VERSION,
            run: "0".to_owned(),
            version: "0".to_owned(),
            purpose: Purpose::Run,
            started: "2026-11-23T09:18:04.113Z".parse().expect("a good time"),
            inputs: Vec::new(),
            settings: std::collections::BTreeMap::new(),
        }
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
        let line = recovered.entries.line_at(recovered.checkpoint.offset(3).expect("row 3 ended badly"));
        let line = line.expect("the journal can be read");
        assert_eq!(serde_json::from_slice::<Entry<'_>>(&line).expect("an entry"), Entry::of_row(3, Outcome::Rejected));
    }

    #[test]
    fn a_journal_cut_anywhere_settles_a_subset_of_the_truth() {
        let entries: Vec<_> =
            (1..=6).zip(OUTCOMES.iter().cycle()).map(|(row, outcome)| Entry::of_row(row, *outcome)).collect();
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
        let entries: Vec<_> = (1..=5).zip(OUTCOMES).map(|(row, outcome)| Entry::of_row(row, outcome)).collect();
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
                Err(JournalError::Damaged { .. } | JournalError::NotAJournal) => {}
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
        assert!(matches!(recover_bytes(&run_dir, &line), Err(JournalError::NewerFormat { .. })));
        assert!(matches!(recover_bytes(&run_dir, b"id,name\n1,Ann\n"), Err(JournalError::NotAJournal)));
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
