//! The only reader of journal lines. It never writes: recovery, reports and merges of shards are
//! folds over it.

use std::io::{self, BufRead};

use serde::Deserialize;

use super::bulk_entry::BulkEntry;
use super::entry::Entry;
use super::entry_line::{self, ENTRY_START};
use super::fact::Fact;
use super::header::{FORMAT_VERSION, Header};
use super::sealed_lines::{SealedLine, SealedLines};
use super::settled::Settled;

/// The longest line that is read. An entry takes less than a hundredth of it.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// The longest first line. It has up to 250 bytes for each input, beside the input's name.
const HEADER_BYTES_MAX: u64 = 64 << 20;

/// Reads a journal line by line.
#[derive(Debug)]
pub struct LineReader<R> {
    lines: SealedLines<R>,
}

/// One line of a journal.
#[derive(Debug, Clone, PartialEq)]
pub enum Line<'a, E = Entry<'a>> {
    /// The header.
    Header(Box<Header>),
    /// The entry of one row.
    Entry(E),
    /// The entry of many rows with the same outcome.
    Bulk(BulkEntry),
    /// A fact about the run.
    Fact(Fact),
    /// An intact line of a kind that only a later version knows.
    Unknown,
    /// A line without a line end or with a wrong checksum.
    Torn(&'a [u8]),
}

/// The reason why a journal's line cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The file cannot be read.
    #[error("the journal cannot be read")]
    Io(#[from] io::Error),
    /// An intact line has invalid content.
    #[error("the journal line at byte {offset} is intact but cannot be read; nothing was sent")]
    NotALine {
        /// The offset of the line.
        offset: u64,
    },
    /// The first line is not a header.
    #[error("it does not begin with a journal header: is it a file of custsync?")]
    NotAJournal,
    /// The journal has the format of a later version.
    #[error(
        "the journal has format {found}, this version reads format {FORMAT_VERSION}: use a newer custsync"
    )]
    NewerFormat {
        /// The journal's format.
        found: u32,
    },
}

impl<R: BufRead> LineReader<R> {
    /// Reads from the journal's first byte on.
    pub fn of(journal: R) -> LineReader<R> {
        LineReader::starting_at(journal, 0)
    }

    /// Reads on from `offset`, the start of a line.
    pub(super) fn starting_at(journal: R, offset: u64) -> LineReader<R> {
        LineReader {
            lines: SealedLines::starting_at(journal, offset),
        }
    }

    /// Returns the next line; `None` at the end.
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>, LineError> {
        self.read(entry_line::read)
    }

    /// Returns the next line, with only those parts of an entry that a checkpoint needs.
    pub(crate) fn next_settled(&mut self) -> Result<Option<Line<'_, Settled<'_>>>, LineError> {
        self.read(Settled::read)
    }

    fn read<'l, E>(
        &'l mut self,
        read_entry: impl FnOnce(&'l [u8]) -> serde_json::Result<E>,
    ) -> Result<Option<Line<'l, E>>, LineError> {
        let offset = self.lines.end();
        let bytes_max = if offset == 0 {
            HEADER_BYTES_MAX
        } else {
            LINE_BYTES_MAX
        };
        let content = match self.lines.next_line(bytes_max)? {
            None => return Ok(None),
            Some(SealedLine::Torn(line)) => return Ok(Some(Line::Torn(line))),
            Some(SealedLine::Intact(content)) => content,
        };
        if offset == 0 {
            return read_header(content).map(Some);
        }
        // The checksum is right, so the text is what was written. serde's error would quote it.
        read_line(content, read_entry)
            .map(Some)
            .or(Err(LineError::NotALine { offset }))
    }

    /// Returns the offset of the line that was read last.
    pub fn offset(&self) -> u64 {
        self.lines.offset()
    }

    /// Returns the offset of its end.
    pub fn end(&self) -> u64 {
        self.lines.end()
    }
}

fn read_line<'l, E>(
    content: &'l [u8],
    read_entry: impl FnOnce(&'l [u8]) -> serde_json::Result<E>,
) -> serde_json::Result<Line<'l, E>> {
    /// The members that show the kind of a line.
    #[derive(Deserialize)]
    struct LineKind {
        #[serde(default)]
        rows: Option<serde::de::IgnoredAny>,
        #[serde(default)]
        fact: Option<serde::de::IgnoredAny>,
    }
    if content.starts_with(ENTRY_START) {
        return read_entry(content).map(Line::Entry);
    }
    match serde_json::from_slice(content)? {
        LineKind { fact: Some(_), .. } => serde_json::from_slice(content).map(Line::Fact),
        LineKind { rows: Some(_), .. } => match serde_json::from_slice::<BulkEntry>(content)? {
            bulk if bulk.is_valid() => Ok(Line::Bulk(bulk)),
            _ => Err(serde::de::Error::custom("rows out of order")),
        },
        LineKind { .. } => Ok(Line::Unknown),
    }
}

fn read_header<E>(content: &[u8]) -> Result<Line<'_, E>, LineError> {
    /// The one member that every version has.
    #[derive(Deserialize)]
    struct Version {
        custsync_journal: u32,
    }
    let Ok(Version {
        custsync_journal: found,
    }) = serde_json::from_slice(content)
    else {
        return Err(LineError::NotAJournal);
    };
    if found > FORMAT_VERSION {
        return Err(LineError::NewerFormat { found });
    }
    // An unreadable header of a known version belongs to another program's file.
    serde_json::from_slice(content)
        .map(|header| Line::Header(Box::new(header)))
        .or(Err(LineError::NotAJournal))
}
