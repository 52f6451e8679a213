//! The one reader of a journal's lines. It only reads: recovery, reports and merges of shards are folds over it.

use std::io::{self, BufRead, Read as _};

use serde::Deserialize;

use super::bulk_entry::BulkEntry;
use super::entry::Entry;
use super::fact::Fact;
use super::header::{FORMAT_VERSION, Header};
use super::line;
use super::settled::Settled;

/// The longest line that is read: an entry takes less than a hundredth of it.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// The longest first line: it has up to 250 bytes for each input, beside its name.
const HEADER_BYTES_MAX: u64 = 64 << 20;

/// What an entry of this version begins with, and no other line.
const ENTRY_START: &[u8] = b"{\"row\":";

/// Reads a journal line by line.
#[derive(Debug)]
pub struct LineReader<R> {
    journal: R,
    line: Vec<u8>,
    /// Where the line begins.
    offset: u64,
    /// Where it ends.
    end: u64,
}

/// One line of a journal.
#[derive(Debug, Clone, PartialEq)]
pub enum Line<'a, E = Entry<'a>> {
    /// The first one.
    Header(Box<Header>),
    /// Of one row.
    Entry(E),
    /// Of rows that ended alike.
    Bulk(BulkEntry),
    /// About the run.
    Fact(Fact),
    /// Whole, and of a kind that a later version knows.
    Unknown,
    /// Without line end or with the wrong checksum.
    Torn(&'a [u8]),
}

/// Why a journal's line cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The file cannot be read.
    #[error("the journal cannot be read")]
    Io(#[from] io::Error),
    /// A whole line is not what it says.
    #[error("the journal line at byte {offset} is intact but cannot be read; nothing was sent")]
    NotALine {
        /// Where the line begins.
        offset: u64,
    },
    /// The first line is no header.
    #[error("it does not begin with a journal header: is it a file of custsync?")]
    NotAJournal,
    /// A later version's.
    #[error(
        "the journal has format {found}, this version reads format {FORMAT_VERSION}: use a newer custsync"
    )]
    NewerFormat {
        /// Its format.
        found: u32,
    },
}

impl<R: BufRead> LineReader<R> {
    /// Reads from the journal's first byte on.
    pub fn of(journal: R) -> LineReader<R> {
        LineReader::starting_at(journal, 0)
    }

    /// Reads from a journal that stands at this offset, where a line begins.
    pub(super) fn starting_at(journal: R, offset: u64) -> LineReader<R> {
        LineReader {
            journal,
            line: Vec::new(),
            offset,
            end: offset,
        }
    }

    /// The next line; nothing at the end.
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>, LineError> {
        self.read(serde_json::from_slice)
    }

    /// The same, with no more of an entry than a checkpoint wants.
    pub(super) fn next_settled(&mut self) -> Result<Option<Line<'_, Settled<'_>>>, LineError> {
        self.read(Settled::read)
    }

    fn read<'l, E>(
        &'l mut self,
        read_entry: impl FnOnce(&'l [u8]) -> serde_json::Result<E>,
    ) -> Result<Option<Line<'l, E>>, LineError> {
        self.line.clear();
        self.offset = self.end;
        let bytes_max = if self.offset == 0 {
            HEADER_BYTES_MAX
        } else {
            LINE_BYTES_MAX
        };
        let n = (&mut self.journal)
            .take(bytes_max)
            .read_until(b'\n', &mut self.line)?;
        if n == 0 {
            return Ok(None);
        }
        self.end += u64::try_from(n).unwrap_or(u64::MAX);
        let content = self
            .line
            .strip_suffix(b"\n")
            .filter(|line| line::is_sealed(line));
        let Some(content) = content else {
            return Ok(Some(Line::Torn(&self.line)));
        };
        if self.offset == 0 {
            return read_header(content).map(Some);
        }
        // Its checksum is right, so the text is what was written; what serde says of it would quote it.
        read_line(content, read_entry)
            .map(Some)
            .or(Err(LineError::NotALine {
                offset: self.offset,
            }))
    }

    /// Where the line begins that was read last.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Where it ends.
    pub fn end(&self) -> u64 {
        self.end
    }
}

fn read_line<'l, E>(
    content: &'l [u8],
    read_entry: impl FnOnce(&'l [u8]) -> serde_json::Result<E>,
) -> serde_json::Result<Line<'l, E>> {
    /// The members that tell what a line is of.
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
    // A header of a known version that cannot be read is somebody else's file.
    serde_json::from_slice(content)
        .map(|header| Line::Header(Box::new(header)))
        .or(Err(LineError::NotAJournal))
}
