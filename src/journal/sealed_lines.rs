//! Reads the lines of a file, each with its checksum.

use std::io::{self, BufRead, Read as _};

use super::line;

/// Reads sealed lines one by one.
#[derive(Debug)]
pub(super) struct SealedLines<R> {
    file: R,
    line: Vec<u8>,
    /// The offset of the current line.
    offset: u64,
    /// The offset of its end.
    end: u64,
}

/// One line.
pub(super) enum SealedLine<'l> {
    /// The content of an intact line, without its line end.
    Intact(&'l [u8]),
    /// A line without a line end or with a wrong checksum.
    Torn(&'l [u8]),
}

impl<R: BufRead> SealedLines<R> {
    /// Reads from `offset` on, the start of a line.
    pub(super) fn starting_at(file: R, offset: u64) -> SealedLines<R> {
        SealedLines {
            file,
            line: Vec::new(),
            offset,
            end: offset,
        }
    }

    /// Returns the next line; `None` at the end. Of a longer line only the first `bytes_max` are
    /// read, so it is torn.
    pub(super) fn next_line(&mut self, bytes_max: u64) -> io::Result<Option<SealedLine<'_>>> {
        self.line.clear();
        self.offset = self.end;
        let n = (&mut self.file)
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
        Ok(Some(
            content.map_or(SealedLine::Torn(&self.line), SealedLine::Intact),
        ))
    }

    /// Returns the offset of the line that was read last.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the offset of its end.
    pub(super) fn end(&self) -> u64 {
        self.end
    }
}
