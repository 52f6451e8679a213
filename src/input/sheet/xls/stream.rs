//! A stream of a compound file, as consecutive bytes.

use std::io::{Read, Seek};

use super::super::fault::PartFault;
use super::compound::{Compound, StreamEntry};

/// The most bytes to read at once. Sectors that follow one another in the file are read together.
const BUFFER_BYTES_MAX: u64 = 64 << 10;

/// Bytes that can be read from any place on.
pub(super) trait StreamBytes {
    /// Returns the number of bytes behind the current place.
    fn left(&self) -> u64;

    /// Reads as many bytes as `into` holds. There must be so many left.
    fn read(&mut self, into: &mut [u8]) -> Result<(), PartFault>;

    /// Goes to this place, from the start.
    fn seek(&mut self, to: u64) -> Result<(), PartFault>;
}

/// A stream of a compound file.
#[derive(Debug)]
pub(super) struct CompoundStream<R> {
    file: Compound<R>,
    /// The first sector; `None` for a stream that is held as a whole.
    start: Option<u32>,
    /// The sector behind the buffer.
    next: u32,
    bytes: u64,
    /// The number of bytes up to the end of the buffer.
    buffered: u64,
    buffer: Vec<u8>,
    /// The number of bytes of the buffer that were read.
    used: usize,
}

impl<R: Read + Seek> CompoundStream<R> {
    /// Opens a stream.
    pub(super) fn open(
        mut file: Compound<R>,
        entry: StreamEntry,
    ) -> Result<CompoundStream<R>, PartFault> {
        let is_short = entry.is_short();
        let buffer = if is_short {
            file.short_stream(entry)?
        } else {
            file.check_chain(entry)?;
            Vec::new()
        };
        Ok(CompoundStream {
            file,
            start: (!is_short).then_some(entry.start),
            next: entry.start,
            bytes: entry.bytes,
            buffered: if is_short { entry.bytes } else { 0 },
            buffer,
            used: 0,
        })
    }

    /// Reads the sectors behind the buffer.
    fn fill(&mut self) -> Result<(), PartFault> {
        let sector_bytes = u64::from(self.file.sector_bytes());
        let left = self.bytes.saturating_sub(self.buffered);
        let (first, mut count) = (self.next, 0);
        // The table says nothing of use behind the last sector.
        while count < left && self.next == sector_behind(first, count / sector_bytes) {
            count += sector_bytes;
            if count < left {
                self.next = self.file.next_sector(self.next)?;
            }
            if count >= BUFFER_BYTES_MAX {
                break;
            }
        }
        let count = count.min(left);
        if count == 0 {
            return Err(PartFault::CutOff);
        }
        self.buffer
            .resize(usize::try_from(count).unwrap_or_default(), 0);
        self.file.read(first, &mut self.buffer)?;
        self.buffered += count;
        self.used = 0;
        Ok(())
    }
}

impl<R: Read + Seek> StreamBytes for CompoundStream<R> {
    fn left(&self) -> u64 {
        let unread = u64::try_from(self.buffer.len() - self.used).unwrap_or(u64::MAX);
        self.bytes - self.buffered + unread
    }

    fn read(&mut self, mut into: &mut [u8]) -> Result<(), PartFault> {
        while !into.is_empty() {
            if self.used == self.buffer.len() {
                self.fill()?;
            }
            let ready = self.buffer.get(self.used..).unwrap_or_default();
            let count = ready.len().min(into.len());
            let (now, later) = into.split_at_mut(count);
            now.copy_from_slice(ready.get(..count).unwrap_or_default());
            self.used += count;
            into = later;
        }
        Ok(())
    }

    fn seek(&mut self, to: u64) -> Result<(), PartFault> {
        if to >= self.bytes {
            return Err(PartFault::unreadable("it names a place behind its end"));
        }
        let Some(start) = self.start else {
            self.used = usize::try_from(to).unwrap_or_default();
            return Ok(());
        };
        let sector_bytes = u64::from(self.file.sector_bytes());
        (self.next, self.buffered) = (start, 0);
        for _ in 0..to / sector_bytes {
            self.next = self.file.next_sector(self.next)?;
            self.buffered += sector_bytes;
        }
        self.fill()?;
        self.used = usize::try_from(to % sector_bytes).unwrap_or_default();
        Ok(())
    }
}

impl<S: StreamBytes> StreamBytes for &mut S {
    fn left(&self) -> u64 {
        S::left(self)
    }

    fn read(&mut self, into: &mut [u8]) -> Result<(), PartFault> {
        S::read(self, into)
    }

    fn seek(&mut self, to: u64) -> Result<(), PartFault> {
        S::seek(self, to)
    }
}

/// Returns the sector that is so many sectors further in the file.
fn sector_behind(sector: u32, count: u64) -> u32 {
    sector.saturating_add(u32::try_from(count).unwrap_or(u32::MAX))
}
