//! Cuts a stream of bytes into blocks of whole records, in constant memory. Blocks are the unit of
//! work of a thread.

use std::collections::VecDeque;
use std::io;
use std::io::Read;

use memchr::{memchr, memchr2};

use crate::input::blocks::block::{Block, BlockSize};
use crate::input::blocks::framing::{FramingFault, RecordEnds};
use crate::input::bytes::format::Format;
use crate::input::bytes::lines::{count_lines, line_behind};
use crate::input::bytes::pauses::is_pause;
use crate::input::bytes::{BYTE_ORDER_MARK, bytes_of, first_visible, from};
use crate::input::error::InputFault;

/// The number of bytes needed to recognise a file by its start.
const HEAD_BYTES_MIN: usize = 64;
/// The largest size of custsync's own part of a failed row: a place, a reason of bounded length,
/// and names.
const OWN_BYTES_MAX: usize = 64 << 10;
/// The fewest bytes to read for a block, however short its lines are.
const TARGET_BYTES_MIN: usize = 4 << 10;

/// The beginning of a stream, read to detect its format.
pub(crate) struct Head<R> {
    reader: R,
    size: BlockSize,
    bytes: Vec<u8>,
    had_bom: bool,
    /// The line of the first byte.
    line: u64,
    bytes_before: u64,
    end: StreamEnd,
}

/// Whether a reader has more bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StreamEnd {
    Ahead,
    Reached,
}

/// The blocks of a stream.
pub(crate) struct Blocks<R> {
    reader: R,
    format: Format,
    size: BlockSize,
    /// The bytes that are read and not yet cut. They start with a record.
    buffer: Vec<u8>,
    /// Whether the buffer holds all that the reader gives without a pause.
    is_filled: bool,
    /// Blocks that are cut and not yet returned.
    cut: VecDeque<Block>,
    /// The number of bytes to read for the next block.
    target: usize,
    ends: RecordEnds,
    end: StreamEnd,
    line: u64,
    bytes_before: u64,
}

impl<R: Read> Head<R> {
    /// Reads about one block, and removes the byte order mark.
    pub(crate) fn read(mut reader: R, size: BlockSize) -> Result<Head<R>, InputFault> {
        let mut bytes = Vec::new();
        let target = size.block_bytes.max(HEAD_BYTES_MIN);
        // A reader that pauses may not yet have given enough to recognise the format.
        let end = loop {
            let end = fill(&mut reader, &mut bytes, target)
                .map_err(|error| InputFault::of_read(error, line_behind(&bytes)))?;
            if end == StreamEnd::Reached || bytes.len() >= target || has_first_record(&bytes) {
                break end;
            }
        };
        let mut bytes_before = 0;
        if bytes.starts_with(BYTE_ORDER_MARK) {
            bytes.drain(..BYTE_ORDER_MARK.len());
            bytes_before = bytes_of(BYTE_ORDER_MARK);
        }
        Ok(Head {
            reader,
            size,
            bytes,
            had_bom: bytes_before > 0,
            line: 1,
            bytes_before,
            end,
        })
    }

    /// Whether a byte order mark was removed.
    pub(crate) fn had_bom(&self) -> bool {
        self.had_bom
    }

    /// Replaces the opening bracket of a JSON array by a space.
    pub(crate) fn open_array(&mut self) {
        if let Some(bracket) = self.bytes.iter_mut().find(|byte| **byte == b'[') {
            *bracket = b' ';
        }
    }

    /// Returns the first bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Raises the record limit for failed rows, which are longer than the original records:
    /// custsync's own part precedes each, and records with escapes are written without them, at
    /// most twice as long.
    pub(crate) fn allow_failed_rows(&mut self) {
        self.size.record_bytes_max = 2 * self.size.record_bytes_max + OWN_BYTES_MAX;
    }

    /// Returns the whole stream in blocks, from its first byte.
    pub(crate) fn into_blocks(self, format: Format) -> Blocks<R> {
        let Head {
            reader,
            size,
            bytes: buffer,
            line,
            bytes_before,
            end,
            ..
        } = self;
        let (cut, target, ends, is_filled) = (
            VecDeque::new(),
            size.block_bytes,
            RecordEnds::new(format),
            true,
        );
        Blocks {
            reader,
            format,
            size,
            buffer,
            is_filled,
            cut,
            target,
            ends,
            end,
            line,
            bytes_before,
        }
    }

    /// Skips the first `lines` lines, whatever they contain: a quote in a title opens nothing.
    /// Returns the number of lines that were skipped.
    pub(crate) fn skip_lines(&mut self, lines: u64) -> Result<u64, InputFault> {
        let (mut passed, mut at) = (0, 0);
        while passed < lines {
            match line_end(from(&self.bytes, at), self.end) {
                Some(length) => {
                    at += length;
                    passed += 1;
                }
                None if self.end == StreamEnd::Reached => break,
                None => {
                    self.drop_first(std::mem::take(&mut at));
                    if self.bytes.len() > self.size.record_bytes_max {
                        return Err(InputFault::RecordTooLong {
                            line: self.line + passed,
                            bytes_max: self.size.record_bytes_max,
                        });
                    }
                    self.fill(
                        self.bytes.len() + self.size.block_bytes.max(HEAD_BYTES_MIN),
                        self.line + passed,
                    )?;
                }
            }
        }
        self.drop_first(at);
        self.line += passed;
        self.fill(self.size.block_bytes.max(HEAD_BYTES_MIN), self.line)?;
        Ok(passed)
    }

    fn drop_first(&mut self, count: usize) {
        self.bytes_before += bytes_of(self.bytes.get(..count).unwrap_or_default());
        self.bytes.drain(..count);
    }

    /// Reads until the head has `target` bytes. They begin on line `line`.
    fn fill(&mut self, target: usize, line: u64) -> Result<(), InputFault> {
        if self.end == StreamEnd::Ahead {
            self.end = fill(&mut self.reader, &mut self.bytes, target)
                .map_err(|error| InputFault::of_read(error, line + line_behind(&self.bytes) - 1))?;
        }
        Ok(())
    }
}

/// Whether a text has a whole line, or begins with an array that has a whole object: it may be all
/// on one line.
fn has_first_record(text: &[u8]) -> bool {
    let is_array = first_visible(text) == Some(b'[');
    memchr(b'\n', text).is_some() || (is_array && memchr(b'}', text).is_some())
}

/// Returns the length of the first line with its line end, if it is known: a CR as the last byte
/// may be half of a CRLF.
fn line_end(bytes: &[u8], end: StreamEnd) -> Option<usize> {
    let at = memchr2(b'\r', b'\n', bytes)?;
    match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => Some(at + 2),
        (Some(b'\r'), None) if end == StreamEnd::Ahead => None,
        _ => Some(at + 1),
    }
}

impl<R: Read> Blocks<R> {
    /// Returns the next block, or `None` at the end of the stream.
    pub(crate) fn next(&mut self) -> Result<Option<Block>, InputFault> {
        if let Some(block) = self.cut.pop_front() {
            return Ok(Some(block));
        }
        let mut target = self.target;
        loop {
            if self.end == StreamEnd::Ahead && !std::mem::take(&mut self.is_filled) {
                self.end = fill(&mut self.reader, &mut self.buffer, target)
                    .map_err(|error| InputFault::of_read(error, self.line_of(self.buffer.len())))?;
            }
            let last_record_end = self.ends.search(&self.buffer);
            if let Some((at, fault)) = self.ends.fault() {
                return Err(self.framing_fault(at, fault));
            }
            match (self.end, last_record_end) {
                (StreamEnd::Reached, _) => return self.rest(),
                (StreamEnd::Ahead, Some(record_end)) => return self.cut(record_end).map(Some),
                (StreamEnd::Ahead, None) if self.buffer.len() > self.size.record_bytes_max => {
                    return Err(self.too_long());
                }
                // One byte over the limit tells a record of the largest size from one that is too
                // long.
                (StreamEnd::Ahead, None) => {
                    target =
                        target.max((self.buffer.len() * 2).min(self.size.record_bytes_max + 1));
                }
            }
        }
    }

    /// Returns the line on which the next block begins.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Returns all that is left at the end of the stream.
    fn rest(&mut self) -> Result<Option<Block>, InputFault> {
        if let Some((at, fault)) = self.ends.fault_at_end(&self.buffer) {
            return Err(self.framing_fault(at, fault));
        }
        if self.buffer.is_empty() {
            Ok(None)
        } else {
            self.cut(self.buffer.len()).map(Some)
        }
    }

    /// Whether the bytes before this end are a single record that is too long. The one byte over
    /// the limit may have been its line end.
    fn is_one_long_record(&self, record_end: usize) -> bool {
        let before = self
            .buffer
            .get(..record_end.saturating_sub(1))
            .unwrap_or_default();
        record_end > self.size.record_bytes_max
            && self.ends.restarted(self.format).search(before).is_none()
    }

    fn cut(&mut self, record_end: usize) -> Result<Block, InputFault> {
        if self.is_one_long_record(record_end) {
            return Err(self.too_long());
        }
        let lines = self
            .ends
            .count_lines(self.buffer.get(..record_end).unwrap_or_default());
        let records = self.ends.records_at_most(lines);
        let inner_ends = if records > self.size.lines_max as u64 {
            self.inner_ends(record_end)
        } else {
            Vec::new()
        };
        self.target = self.target_after(record_end, records);
        let mut rest = Vec::with_capacity(self.target);
        rest.extend_from_slice(self.buffer.get(record_end..).unwrap_or_default());
        let mut block = std::mem::replace(&mut self.buffer, rest);
        block.truncate(record_end);
        let (first_line, bytes_before) = (self.line, self.bytes_before);
        self.line += lines;
        self.bytes_before += bytes_of(&block);
        let next_ends = self.ends.behind_last(self.format);
        let cell_index = std::mem::replace(&mut self.ends, next_ends).into_cell_index();
        let block = Block {
            cell_index,
            ..Block::new(block.into(), first_line, bytes_before)
        };
        if inner_ends.is_empty() {
            Ok(block)
        } else {
            Ok(self.cut_up(&block, &inner_ends))
        }
    }

    /// Returns the places where a block with too many lines has to be cut.
    #[cold]
    fn inner_ends(&self, record_end: usize) -> Vec<usize> {
        let records = self.buffer.get(..record_end).unwrap_or_default();
        let mut ends = self.ends.ends_by(self.size.lines_max, records);
        ends.retain(|end| *end < record_end);
        ends
    }

    /// Cuts a block at these places, and returns its first part. Its index fits none of the parts.
    #[cold]
    fn cut_up(&mut self, block: &Block, ends: &[usize]) -> Block {
        let (mut start, mut line, mut bytes_before) = (0, block.first_line, block.bytes_before);
        for end in ends.iter().copied().chain([block.bytes.len()]) {
            let part = Block::new(block.bytes.slice(start..end), line, bytes_before);
            line += count_lines(&part.bytes, self.format);
            bytes_before += bytes_of(&part.bytes);
            start = end;
            self.cut.push_back(part);
        }
        self.cut.pop_front().expect("the last part was just pushed")
    }

    /// Returns the number of bytes to read for the next block, given the size of the last one. If
    /// lines are short, it is about as many as the line limit allows, so that the block need not be
    /// cut.
    fn target_after(&self, bytes: usize, records: u64) -> usize {
        let wanted = self.size.lines_max / 8 * 7;
        let records = usize::try_from(records).unwrap_or(usize::MAX).max(1);
        (bytes.saturating_mul(wanted) / records).clamp(
            TARGET_BYTES_MIN.min(self.size.block_bytes),
            self.size.block_bytes,
        )
    }

    fn framing_fault(&self, at: usize, fault: FramingFault) -> InputFault {
        let line = self.line_of(at);
        match fault {
            FramingFault::OpenQuote => InputFault::QuoteNotClosed { line },
            FramingFault::Array(fault) => InputFault::JsonArray { line, fault },
        }
    }

    fn too_long(&self) -> InputFault {
        let bytes_max = self.size.record_bytes_max;
        match self.ends.unclosed_quote(&self.buffer) {
            Some(quote) => InputFault::QuoteTooLong {
                line: self.line_of(quote),
                bytes_max,
            },
            None => InputFault::RecordTooLong {
                line: self.line,
                bytes_max,
            },
        }
    }

    fn line_of(&self, at: usize) -> u64 {
        self.line + count_lines(self.buffer.get(..at).unwrap_or_default(), self.format)
    }
}

/// Reads until `buffer` holds `target` bytes, the reader pauses, or it ends.
fn fill(reader: &mut impl Read, buffer: &mut Vec<u8>, target: usize) -> io::Result<StreamEnd> {
    let missing = target.saturating_sub(buffer.len());
    buffer.reserve(missing);
    match reader
        .take(u64::try_from(missing).unwrap_or(u64::MAX))
        .read_to_end(buffer)
    {
        Ok(read) if read < missing => Ok(StreamEnd::Reached),
        Ok(_) => Ok(StreamEnd::Ahead),
        Err(error) if is_pause(&error) => Ok(StreamEnd::Ahead),
        Err(error) => Err(error),
    }
}
