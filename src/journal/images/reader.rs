//! Reads a file of images from its beginning, a line at a time.

use std::io::BufRead;

use super::error::ImagesError;
use super::line;
use crate::journal::sealed_lines::{SealedLine, SealedLines};
use crate::journal::writer::UNSYNCED_BYTES_MAX;

/// The longest line. It holds the customer of an answer, of at most 64 KiB, and a row. A line that
/// is torn must not be longer than a tail.
pub(super) const LINE_BYTES_MAX: u64 = UNSYNCED_BYTES_MAX / 2;

/// Reads the lines of a file of images, each with its offset. Holds one line at a time. Ends before
/// a torn tail; other damage is an error, after which nothing more is read.
#[derive(Debug)]
pub(crate) struct ImageReader<R> {
    lines: SealedLines<R>,
    /// The file's name, for errors.
    file: String,
    /// The offset of the end of the last intact line.
    good_bytes: u64,
    is_over: bool,
}

impl<R: BufRead> ImageReader<R> {
    /// Reads from the first byte on. `file` is the name for errors.
    pub(crate) fn of(images: R, file: String) -> ImageReader<R> {
        ImageReader {
            lines: SealedLines::starting_at(images, 0),
            file,
            good_bytes: 0,
            is_over: false,
        }
    }

    /// Returns the end of the last intact line, which is the end of the file without its torn tail
    /// once all lines are read.
    pub(super) fn good_bytes(&self) -> u64 {
        self.good_bytes
    }

    /// Returns the bytes of the file, once all lines are read.
    pub(super) fn bytes(&self) -> u64 {
        self.lines.end()
    }

    /// Returns what `read` makes of the next line, with the line's offset.
    pub(super) fn next_with<T>(
        &mut self,
        read: impl FnOnce(&[u8]) -> serde_json::Result<T>,
    ) -> Option<Result<(u64, T), ImagesError>> {
        if self.is_over {
            return None;
        }
        let next = self.read_next(read).transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }

    fn read_next<T>(
        &mut self,
        read: impl FnOnce(&[u8]) -> serde_json::Result<T>,
    ) -> Result<Option<(u64, T)>, ImagesError> {
        let offset = self.lines.end();
        let line = self.lines.next_line(LINE_BYTES_MAX);
        match line.map_err(|source| read_error(&self.file, source))? {
            None => Ok(None),
            Some(SealedLine::Torn(line)) if line::ends_with_mark(line) => Err(self.damaged(offset)),
            Some(SealedLine::Torn(_)) => self.pass_tail(offset).map(|()| None),
            Some(SealedLine::Intact(content)) => {
                if line::mark(content).is_some_and(|bytes| bytes != offset) {
                    return Err(self.damaged(offset));
                }
                // serde's error would quote the text.
                let not_a_line = || ImagesError::NotALine {
                    file: self.file.clone(),
                    offset,
                };
                let value = read(content).ok().ok_or_else(not_a_line)?;
                self.good_bytes = self.lines.end();
                Ok(Some((offset, value)))
            }
        }
    }

    /// Reads on behind the torn line at `offset`, to see whether a power cut can have torn it.
    fn pass_tail(&mut self, offset: u64) -> Result<(), ImagesError> {
        loop {
            let line = self.lines.next_line(LINE_BYTES_MAX);
            match line.map_err(|source| read_error(&self.file, source))? {
                None => break,
                Some(SealedLine::Intact(line)) if line::mark(line).is_some() => {
                    return Err(self.damaged(offset));
                }
                Some(SealedLine::Torn(line)) if line::ends_with_mark(line) => {
                    return Err(self.damaged(offset));
                }
                Some(SealedLine::Intact(_) | SealedLine::Torn(_)) => {}
            }
            if self.lines.end() - offset > UNSYNCED_BYTES_MAX {
                return Err(self.damaged(offset));
            }
        }
        Ok(())
    }

    fn damaged(&self, offset: u64) -> ImagesError {
        ImagesError::Damaged {
            file: self.file.clone(),
            offset,
        }
    }
}

pub(super) fn read_error(file: &str, source: std::io::Error) -> ImagesError {
    ImagesError::Read {
        file: file.to_owned(),
        source,
    }
}
