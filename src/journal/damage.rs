//! Damage to a journal: a tail torn by a power cut, or damage that a power cut cannot explain.
//!
//! A power cut does not change synced bytes. Bytes written since may be missing, cut, zero or out
//! of order, so intact lines may follow a torn one. The tail from the first torn line on is cut
//! off, intact lines included; their rows are sent again, in order. The journal is refused instead
//! if the rules of [`JournalWriter`](super::JournalWriter) prove that the tail was synced:
//! - It contains a mark. The first line after a sync is a mark, so all bytes before that line were
//!   durable.
//! - It is longer than the most that is written without a sync.
//! - It begins with the header and has more than that one line. Nothing is written before the
//!   header is synced.
//!
//! Such damage comes from a disk, an editor or a transfer and may have cost any line. Sending those
//! rows again would not be safe.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};

use super::line;
use super::run_dir::RunDir;
use super::writer::UNSYNCED_BYTES_MAX;

/// The first bytes of a journal's header.
const BEGINNING: &[u8] = b"{\"custsync_journal\":";
/// UTF-8's byte order mark.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A torn tail that was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// Its size in bytes.
    pub bytes: u64,
    /// The name of the file in the run directory that keeps it.
    pub kept_in: String,
}

/// A conversion of a valid journal by an editor, git or a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversion {
    /// Lines end with a carriage return and a line feed.
    CarriageReturnLineFeed,
    /// Lines end with a carriage return.
    CarriageReturn,
    /// A byte order mark was added at the start.
    ByteOrderMark,
    /// The file is UTF-16.
    Utf16,
}

impl Conversion {
    /// Returns the conversion that explains a line, which begins at `offset`.
    pub(super) fn of(line: &[u8], offset: u64) -> Option<Conversion> {
        let is_first = offset == 0;
        let without_bom = line.strip_prefix(BYTE_ORDER_MARK).filter(|_| is_first);
        let text = without_bom.unwrap_or(line);
        let is_right = |line: Option<&[u8]>| line.is_some_and(line::is_sealed);
        if is_right(text.strip_suffix(b"\r\n")) {
            return Some(Conversion::CarriageReturnLineFeed);
        }
        if is_right(memchr::memchr(b'\r', text).and_then(|end| text.get(..end))) {
            return Some(Conversion::CarriageReturn);
        }
        if without_bom.is_some() && is_right(text.strip_suffix(b"\n")) {
            return Some(Conversion::ByteOrderMark);
        }
        (is_first && is_utf16(line)).then_some(Conversion::Utf16)
    }

    /// The conversion, in words that follow "the journal was modified:".
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

/// Whether a file begins like a header in UTF-16, with or without a byte order mark.
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

/// Whether a file with a torn first line is not a journal whose header was being written. Such a
/// journal begins like a header or with the zeros that a power cut leaves.
pub(crate) fn is_foreign(first_line: &[u8]) -> bool {
    let beginning = first_line.get(..BEGINNING.len()).unwrap_or(first_line);
    !BEGINNING.starts_with(beginning) && !beginning.iter().all(|byte| *byte == 0)
}

/// The part of a journal from its first torn line on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    /// The offset of its first byte.
    pub(super) offset: u64,
    /// Whether it contains a mark.
    pub(super) has_mark: bool,
    /// The number of lines in it.
    pub(super) lines: u64,
}

impl Tail {
    /// Creates a tail that begins with the torn line at `offset`.
    pub(super) fn at(offset: u64) -> Tail {
        Tail {
            offset,
            has_mark: false,
            lines: 1,
        }
    }

    /// Whether a power cut can have torn it off a journal of `end` bytes.
    pub(super) fn may_be_torn(&self, end: u64) -> bool {
        !self.has_mark
            && match self.offset {
                0 => self.lines == 1,
                offset => end.saturating_sub(offset) <= UNSYNCED_BYTES_MAX,
            }
    }

    /// Copies the tail into a file of its own, then cuts it off the journal.
    pub(super) fn cut(&self, file: &mut File, run_dir: &RunDir) -> io::Result<TornTail> {
        let (mut torn, kept_in) = run_dir.create_torn().map_err(io::Error::other)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let kept = io::copy(file, &mut torn).and_then(|bytes| {
            torn.sync_all()?;
            run_dir.sync()?;
            Ok(bytes)
        });
        let bytes = kept.inspect_err(|_| {
            // Half a copy is useless. If it cannot be removed, it only occupies a name.
            std::fs::remove_file(run_dir.file(&kept_in)).ok();
        })?;
        file.set_len(self.offset)?;
        file.sync_all()?;
        Ok(TornTail { bytes, kept_in })
    }
}
