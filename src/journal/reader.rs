//! Reads a journal back: its run, its settled rows, and its damage.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::ops::RangeInclusive;

use super::bulk_entry::block_of;
use super::checkpoint::{Checkpoint, Retry};
use super::damage::{Conversion, Tail, TornTail, is_foreign};
use super::fact::Fact;
use super::file_from::FileFrom;
use super::header::Header;
use super::lines::{Line, LineError, LineReader};
use super::overtakers::Overtakers;
use super::run_dir::{RunDir, RunDirError};
use super::settled::Settled;
use super::writer::JournalWriter;

/// The bytes that are read at once.
const BUFFER_BYTES: usize = 1 << 16;
/// The bytes that are read for a single entry.
const LINE_BYTES: usize = 1 << 10;

/// The content of a journal.
#[derive(Debug)]
pub struct Recovered {
    /// The header; absent if the process died before writing it, in which case nothing was sent.
    pub header: Option<Header>,
    /// The rows that are settled.
    pub checkpoint: Checkpoint,
    /// Appends to the journal.
    pub writer: JournalWriter,
    /// Reads single entries again.
    pub entries: EntryReader,
    /// The torn tail that was cut off.
    pub torn: Option<TornTail>,
}

/// The reason why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be read, cut or copied.
    #[error("the journal cannot be read")]
    Io(#[from] io::Error),
    /// A line cannot be read.
    #[error(transparent)]
    Line(#[from] LineError),
    /// A file beside the journal cannot be used.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// A damaged line had been synced.
    #[error(
        "the journal is damaged at byte {offset}, in a part that was already synced to disk, which a power cut does not explain; restore it from a \
         copy, or use another run directory, which sends all rows again; nothing was sent"
    )]
    Damaged {
        /// The offset of the damaged line.
        offset: u64,
    },
    /// Lines were added or removed.
    #[error(
        "the journal was modified: lines were added or removed before byte {offset}; restore it from a copy, or name \
         another run directory, which sends all rows again; nothing was sent"
    )]
    Edited {
        /// The offset before which this happened.
        offset: u64,
    },
    /// The file was converted.
    #[error("the journal was modified: {}; restore it, for example with `{}`; nothing was sent", .conversion.name(), .conversion.remedy())]
    Converted {
        /// The conversion.
        conversion: Conversion,
    },
}

/// Reads a locked journal. A torn tail is cut off and kept in a file beside the journal; any other
/// damage is an error.
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
            Line::Header(found) => {
                checkpoint.add_header(&found);
                header = Some(*found);
            }
            Line::Entry(entry) => checkpoint
                .add(&entry, offset)
                .or(Err(LineError::NotALine { offset }))?,
            Line::Bulk(bulk) => checkpoint.add_bulk(&bulk),
            Line::Fact(Fact::Synced { bytes }) if bytes != offset => {
                return Err(JournalError::Edited { offset });
            }
            // A sync says nothing new about the run: an earlier end still counts.
            Line::Fact(Fact::Synced { .. }) | Line::Unknown => {}
            Line::Fact(fact) => checkpoint.add_fact(&fact),
        }
        good_bytes = lines.end();
    }
    checkpoint.seal();
    let torn = match tail {
        None => None,
        // A check is not continued, so nothing depends on the tail.
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

/// Adds a line behind a torn one to the tail.
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
    header.is_some_and(|header| header.purpose.only_records_bad_rows())
}

/// Reads entries of a journal again, while another thread may append to it.
#[derive(Debug)]
pub struct EntryReader {
    file: File,
    /// The block of rows of the last request, and the offset of each row's last entry.
    block: Option<(u64, BTreeMap<u64, u64>)>,
}

impl EntryReader {
    fn of(file: File) -> EntryReader {
        EntryReader { file, block: None }
    }

    /// Returns another reader of the same journal.
    pub fn try_clone(&self) -> io::Result<EntryReader> {
        Ok(EntryReader::of(self.file.try_clone()?))
    }

    fn lines_from(&self, offset: u64) -> LineReader<BufReader<FileFrom<'_>>> {
        let journal = FileFrom {
            file: &self.file,
            offset,
        };
        LineReader::starting_at(BufReader::with_capacity(BUFFER_BYTES, journal), offset)
    }

    /// Returns the hashes of these rows in the journal.
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

    /// Adds the updated rows of the customers that `gaps` watches, from `first_row` on.
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

    /// Returns the line of a row's last entry, which an [`Entry`](super::Entry) can be read from;
    /// `None` if the row has no entry.
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

    /// Returns the offset of the last entry of each row of a block.
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

    /// Reads the line at `offset`.
    fn line_at(&self, offset: u64) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        let mut journal = BufReader::with_capacity(
            LINE_BYTES,
            FileFrom {
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
