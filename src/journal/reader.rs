//! Reads a journal back: what it is of, which rows are settled, and where it is damaged.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt as _;

use super::bulk_entry::block_of;
use super::checkpoint::{Checkpoint, Retry};
use super::damage::{Conversion, Tail, TornTail, is_foreign};
use super::fact::Fact;
use super::header::{Header, Purpose};
use super::lines::{Line, LineError, LineReader};
use super::overtakers::Overtakers;
use super::run_dir::{RunDir, RunDirError};
use super::settled::Settled;
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
    /// The torn tail that was cut off.
    pub torn: Option<TornTail>,
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
    /// A damaged line was durable once.
    #[error(
        "the journal is damaged at byte {offset}, in a part that was already synced to disk, which a power cut does not explain; restore it from a \
         copy, or use another run directory, which sends all rows again; nothing was sent"
    )]
    Damaged {
        /// Where the damaged line begins.
        offset: u64,
    },
    /// Lines were put in or taken out.
    #[error(
        "the journal was modified: lines were added or removed before byte {offset}; restore it from a copy, or name \
         another run directory, which sends all rows again; nothing was sent"
    )]
    Edited {
        /// Before this byte.
        offset: u64,
    },
    /// It was converted.
    #[error("the journal was modified: {}; restore it, for example with `{}`; nothing was sent", .conversion.name(), .conversion.remedy())]
    Converted {
        /// How.
        conversion: Conversion,
    },
}

/// Reads a locked journal. A torn tail is cut off and kept beside it; other damage is an error: never guess.
pub fn recover(mut file: File, run_dir: &RunDir, retry: Retry) -> Result<Recovered, JournalError> {
    let mut lines = LineReader::of(BufReader::with_capacity(BUFFER_BYTES, file.try_clone()?));
    let (mut header, mut checkpoint) = (None, Checkpoint::new(retry));
    let (mut good_bytes, mut tail) = (0_u64, None);
    loop {
        let offset = lines.end();
        let Some(line) = lines.next_settled()? else {
            break;
        };
        if let Some(tail) = &mut tail {
            follow_tail(tail, &line, offset)?;
            continue;
        }
        match line {
            Line::Torn(bytes) => {
                refuse_conversion(bytes, offset)?;
                if offset == 0 && is_foreign(bytes) {
                    return Err(LineError::NotAJournal.into());
                }
                tail = Some(Tail::at(offset));
                continue;
            }
            Line::Header(found) => header = Some(*found),
            Line::Entry(entry) => checkpoint
                .add(&entry, offset)
                .or(Err(LineError::NotALine { offset }))?,
            Line::Bulk(bulk) => checkpoint.add_bulk(&bulk),
            Line::Fact(Fact::Synced { bytes }) if bytes != offset => {
                return Err(JournalError::Edited { offset });
            }
            // A sync is no news of the run: what has ended stays ended.
            Line::Fact(Fact::Synced { .. }) | Line::Unknown => {}
            Line::Fact(fact) => checkpoint.add_fact(&fact),
        }
        good_bytes = lines.end();
    }
    checkpoint.seal();
    let torn = match tail {
        None => None,
        // A check is not continued, so nothing hangs on what is cut off.
        Some(tail) if tail.may_be_torn(lines.end()) || is_check(header.as_ref()) => {
            Some(tail.cut(&mut file, run_dir)?)
        }
        Some(Tail { offset, .. }) => return Err(JournalError::Damaged { offset }),
    };
    let entries = EntryReader::of(file.try_clone()?);
    Ok(Recovered {
        header,
        checkpoint,
        writer: JournalWriter::resume(file, good_bytes, run_dir),
        entries,
        torn,
    })
}

/// Takes in a line that stands behind a torn one.
fn follow_tail(
    tail: &mut Tail,
    line: &Line<'_, Settled<'_>>,
    offset: u64,
) -> Result<(), JournalError> {
    tail.lines += 1;
    match line {
        Line::Torn(bytes) => refuse_conversion(bytes, offset)?,
        Line::Fact(Fact::Synced { .. }) => tail.has_mark = true,
        Line::Header(_) | Line::Entry(_) | Line::Bulk(_) | Line::Fact(_) | Line::Unknown => {}
    }
    Ok(())
}

fn refuse_conversion(line: &[u8], offset: u64) -> Result<(), JournalError> {
    Conversion::of(line, offset).map_or(Ok(()), |conversion| {
        Err(JournalError::Converted { conversion })
    })
}

fn is_check(header: Option<&Header>) -> bool {
    header.is_some_and(|header| header.purpose == Purpose::Check)
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

    fn lines_from(&self, offset: u64) -> LineReader<BufReader<From<'_>>> {
        let journal = From {
            file: &self.file,
            offset,
        };
        LineReader::starting_at(BufReader::with_capacity(BUFFER_BYTES, journal), offset)
    }

    /// The hashes that the journal has of these rows.
    pub fn hashes(&self, rows: RangeInclusive<u64>) -> Result<BTreeMap<u64, u64>, LineError> {
        let mut lines = self.lines_from(0);
        let mut hashes = BTreeMap::new();
        while let Some(line) = lines.next_settled()? {
            if let Line::Entry(entry) = line
                && rows.contains(&entry.row)
            {
                hashes.insert(entry.row, entry.hash);
            }
        }
        Ok(hashes)
    }

    /// The updated rows of the customers whom `gaps` watches, behind its first row.
    pub fn overtake(
        &self,
        checkpoint: &Checkpoint,
        first_row: u64,
        gaps: &mut Overtakers,
    ) -> Result<(), LineError> {
        if !gaps.is_empty()
            && let Some(offset) = checkpoint.first_offset_from(first_row)
        {
            let mut lines = self.lines_from(offset);
            loop {
                let offset = lines.end();
                let Some(line) = lines.next_settled()? else {
                    break;
                };
                if let Line::Entry(entry) = line {
                    gaps.add_updated(&entry)
                        .or(Err(LineError::NotALine { offset }))?;
                }
            }
        }
        gaps.sort();
        Ok(())
    }

    /// The line of a row's last entry, for an [`Entry`](super::Entry) to be read from; absent where it has none.
    pub fn line_of(
        &mut self,
        checkpoint: &Checkpoint,
        row: u64,
    ) -> Result<Option<Vec<u8>>, LineError> {
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
                match lines.next_settled()? {
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
        let mut journal = BufReader::with_capacity(
            LINE_BYTES,
            From {
                file: &self.file,
                offset,
            },
        );
        journal.read_until(b'\n', &mut line)?;
        match line.pop() {
            Some(b'\n') => Ok(line),
            Some(_) | None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
