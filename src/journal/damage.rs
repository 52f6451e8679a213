//! What is wrong with a journal's bytes: a tail that a power cut tore, or damage that no power cut explains.
//!
//! A power cut leaves alone what was synced. What was written since may be missing, cut, zero or out of order, so whole lines may
//! stand behind a torn one. The tail from the first torn line on is cut off, whole lines and all: their rows are sent again, in
//! order. It is not cut off where the writer's rules (see [`JournalWriter`](super::JournalWriter)) prove that it was synced:
//! - A mark stands in it. The first line after a sync is a mark, so all before that line was durable.
//! - It is longer than what is written without a sync.
//! - It begins with the header and is more than that one line. Nothing is written before the header is synced.
//!
//! Such damage is a disk's, an editor's or a transfer's, and may have cost any line. To send those rows again would not be safe.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};

use super::line;
use super::run_dir::RunDir;
use super::writer::UNSYNCED_BYTES_MAX;

/// How a journal's header begins.
const BEGINNING: &[u8] = b"{\"custsync_journal\":";
/// UTF-8's byte order mark.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A torn tail that was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// Its size.
    pub bytes: u64,
    /// The file in the run directory that it is kept in.
    pub kept_in: String,
}

/// What an editor, git or a transfer made of a journal that was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversion {
    /// Lines end in carriage return and line feed.
    CarriageReturnLineFeed,
    /// Lines end in a carriage return.
    CarriageReturn,
    /// A byte order mark stands at the front.
    ByteOrderMark,
    /// It is UTF-16.
    Utf16,
}

impl Conversion {
    /// The conversion after which a line of a journal looks like this; `offset` is where it begins.
    pub(super) fn of(line: &[u8], offset: u64) -> Option<Conversion> {
        let is_first = offset == 0;
        let without_mark = line.strip_prefix(BYTE_ORDER_MARK).filter(|_| is_first);
        let text = without_mark.unwrap_or(line);
        let is_right = |line: Option<&[u8]>| line.is_some_and(line::is_sealed);
        if is_right(text.strip_suffix(b"\r\n")) {
            return Some(Conversion::CarriageReturnLineFeed);
        }
        if is_right(memchr::memchr(b'\r', text).and_then(|end| text.get(..end))) {
            return Some(Conversion::CarriageReturn);
        }
        if without_mark.is_some() && is_right(text.strip_suffix(b"\n")) {
            return Some(Conversion::ByteOrderMark);
        }
        (is_first && is_utf16(line)).then_some(Conversion::Utf16)
    }

    /// What has happened.
    pub(super) fn name(self) -> &'static str {
        match self {
            Conversion::CarriageReturnLineFeed => "its line ends were converted to CRLF",
            Conversion::CarriageReturn => "its line ends were converted to CR",
            Conversion::ByteOrderMark => "a byte order mark was added at its start",
            Conversion::Utf16 => "it was converted to UTF-16",
        }
    }

    /// A command that undoes it.
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Conversion::CarriageReturnLineFeed => r"tr -d '\r' < results.ndjson > restored",
            Conversion::CarriageReturn => r"tr '\r' '\n' < results.ndjson > restored",
            Conversion::ByteOrderMark => "tail -c +4 results.ndjson > restored",
            Conversion::Utf16 => "iconv -f UTF-16 -t UTF-8 results.ndjson > restored",
        }
    }
}

/// Whether a file begins as a header in UTF-16 does, with a byte order mark or without.
fn is_utf16(line: &[u8]) -> bool {
    if line.starts_with(b"\xff\xfe") || line.starts_with(b"\xfe\xff") {
        return true;
    }
    let is_spread = |first: usize| {
        line.len() >= 2 * BEGINNING.len()
            && line
                .iter()
                .skip(first)
                .step_by(2)
                .zip(BEGINNING)
                .all(|(found, want)| found == want)
            && line
                .iter()
                .skip(1 - first)
                .step_by(2)
                .take(BEGINNING.len())
                .all(|byte| *byte == 0)
    };
    is_spread(0) || is_spread(1)
}

/// Whether a file whose first line is torn is something else than a journal of which the header was being written: it begins
/// neither as one does nor with the zeros that a power cut leaves.
pub(super) fn is_foreign(first_line: &[u8]) -> bool {
    let beginning = first_line.get(..BEGINNING.len()).unwrap_or(first_line);
    !BEGINNING.starts_with(beginning) && !beginning.iter().all(|byte| *byte == 0)
}

/// The part of a journal from its first torn line on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    /// Where it begins.
    pub(super) offset: u64,
    /// A mark stands in it.
    pub(super) has_mark: bool,
    /// Lines in it.
    pub(super) lines: u64,
}

impl Tail {
    /// The tail that begins with a torn line there.
    pub(super) fn at(offset: u64) -> Tail {
        Tail {
            offset,
            has_mark: false,
            lines: 1,
        }
    }

    /// Whether a power cut can have torn it from a journal that ends there.
    pub(super) fn may_be_torn(&self, end: u64) -> bool {
        !self.has_mark
            && match self.offset {
                0 => self.lines == 1,
                offset => end.saturating_sub(offset) <= UNSYNCED_BYTES_MAX,
            }
    }

    /// Cuts it off a journal, once it is kept beside it.
    pub(super) fn cut(&self, file: &mut File, run_dir: &RunDir) -> io::Result<TornTail> {
        let (mut torn, kept_in) = run_dir.create_torn().map_err(io::Error::other)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let kept = io::copy(file, &mut torn).and_then(|bytes| {
            torn.sync_all()?;
            run_dir.sync()?;
            Ok(bytes)
        });
        let bytes = kept.inspect_err(|_| {
            // Half of it is of no use. Where it cannot be taken away, it only takes a name.
            std::fs::remove_file(run_dir.file(&kept_in)).ok();
        })?;
        file.set_len(self.offset)?;
        file.sync_all()?;
        Ok(TornTail { bytes, kept_in })
    }
}
