//! The first block of a state's file: what it is, the version of its format, and whether it is
//! whole.
//!
//! | bytes | content |
//! |---|---|
//! | 0 to 15 | `custsync state` and a line end |
//! | 16 to 19 | the version of the format; this and all before it stay in all later versions |
//! | 20 to 23 | 0 if the file is closed, 1 if it is being written |
//! | 24 to 31 | the file's size, if it is closed |
//! | 32 to 35 | the CRC-32C of all that follows this block, if it is closed |
//! | 36 to 43 | the number of the last marking that is durable, if it is being written |
//! | 44 to 47 | the CRC-32C of all before it in this block |
//!
//! Numbers are little-endian. All other bytes are zero. All that ever changes lies in one sector of a
//! disk, which a power cut writes wholly or not at all.

use std::io;

use super::disk::{Disk, FIRST_BLOCK_BYTES};

const BYTES: usize = 4096;
/// The line end shows that a file was transferred as text, which changes it.
const NAME: [u8; 16] = *b"custsync state\r\n";
const FORMAT: u32 = 1;
const CLOSED: u32 = 0;
const BEING_WRITTEN: u32 = 1;

/// The bytes of a checksum's step.
const STEP_BYTES: usize = 64 << 10;

/// The content of the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstBlock {
    /// The file is closed.
    Closed {
        /// Its size.
        bytes: u64,
        /// The CRC-32C of all that follows the block.
        checksum: u32,
    },
    /// The file is being written, or was when its process was killed.
    BeingWritten {
        /// The number of the last marking that is durable.
        marking: u64,
    },
}

/// The reason why a file cannot be read any further than its first block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It is no state.
    NotAState,
    /// It has the format of another version.
    OtherFormat(u32),
    /// It is damaged.
    Damaged(&'static str),
}

const CUT_SHORT: Flaw = Flaw::Damaged("it is cut short");
const NOT_INTACT: Flaw = Flaw::Damaged("its first block is not intact");

impl FirstBlock {
    /// Returns the block of a file as it is now, whose content is complete.
    pub(super) fn closing(disk: &dyn Disk) -> io::Result<FirstBlock> {
        let bytes = disk.bytes()?;
        let checksum = checksum(disk, bytes)?;
        Ok(FirstBlock::Closed { bytes, checksum })
    }

    /// Writes the block and syncs the file.
    pub(super) fn write(self, disk: &dyn Disk) -> io::Result<()> {
        disk.write(0, &self.to_bytes())?;
        disk.sync()
    }

    /// Reads the block of a file. The result is an error of reading, or a flaw of what was read.
    pub(super) fn read(disk: &dyn Disk) -> io::Result<Result<FirstBlock, Flaw>> {
        let size = usize::try_from(disk.bytes()?).unwrap_or(usize::MAX);
        let mut block = vec![0; size.min(BYTES)];
        disk.read(0, &mut block)?;
        Ok(FirstBlock::parse(&block))
    }

    /// Returns the flaw of a closed file whose content is not what the block says.
    pub(super) fn flaw_of_content(self, disk: &dyn Disk) -> io::Result<Option<Flaw>> {
        let FirstBlock::Closed { bytes, checksum } = self else {
            return Ok(None);
        };
        let size = disk.bytes()?;
        Ok(if size < bytes {
            Some(CUT_SHORT)
        } else if size > bytes {
            Some(Flaw::Damaged("it is longer than it was"))
        } else if self::checksum(disk, size)? != checksum {
            Some(Flaw::Damaged("its checksum is wrong"))
        } else {
            None
        })
    }

    fn to_bytes(self) -> Vec<u8> {
        let (status, bytes, checksum, marking) = match self {
            FirstBlock::Closed { bytes, checksum } => (CLOSED, bytes, checksum, 0),
            FirstBlock::BeingWritten { marking } => (BEING_WRITTEN, 0, 0, marking),
        };
        let mut block = Vec::with_capacity(BYTES);
        block.extend(NAME);
        block.extend(FORMAT.to_le_bytes());
        block.extend(status.to_le_bytes());
        block.extend(bytes.to_le_bytes());
        block.extend(checksum.to_le_bytes());
        block.extend(marking.to_le_bytes());
        block.extend(crc32c::crc32c(&block).to_le_bytes());
        block.resize(BYTES, 0);
        block
    }

    fn parse(block: &[u8]) -> Result<FirstBlock, Flaw> {
        if block.is_empty() {
            return Err(Flaw::Damaged("it is empty"));
        }
        let (name, mut rest) = block.split_at(block.len().min(NAME.len()));
        if !NAME.starts_with(name) {
            return Err(Flaw::NotAState);
        }
        let format = u32::from_le_bytes(*take(&mut rest).ok_or(CUT_SHORT)?);
        match format {
            FORMAT => FirstBlock::parse_rest(block, rest),
            0 => Err(NOT_INTACT),
            // Of a block of a later format, only this much is known.
            _ => Err(Flaw::OtherFormat(format)),
        }
    }

    /// Parses a block of this format behind the format's version.
    fn parse_rest(block: &[u8], mut rest: &[u8]) -> Result<FirstBlock, Flaw> {
        if block.len() < BYTES {
            return Err(CUT_SHORT);
        }
        let status = u32::from_le_bytes(*take(&mut rest).ok_or(CUT_SHORT)?);
        let bytes = u64::from_le_bytes(*take(&mut rest).ok_or(CUT_SHORT)?);
        let checksum = u32::from_le_bytes(*take(&mut rest).ok_or(CUT_SHORT)?);
        let marking = u64::from_le_bytes(*take(&mut rest).ok_or(CUT_SHORT)?);
        let read = match status {
            CLOSED => FirstBlock::Closed { bytes, checksum },
            BEING_WRITTEN => FirstBlock::BeingWritten { marking },
            _ => return Err(NOT_INTACT),
        };
        // A block that is intact is the one that would be written.
        if read.to_bytes() == block {
            Ok(read)
        } else {
            Err(NOT_INTACT)
        }
    }
}

/// Takes the next bytes of a block.
fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(taken)
}

const _: () = assert!(BYTES as u64 == FIRST_BLOCK_BYTES, "one size");

/// Returns the CRC-32C of a file of this size behind its first block.
fn checksum(disk: &dyn Disk, bytes: u64) -> io::Result<u32> {
    let mut step = vec![0; STEP_BYTES];
    let (mut at, mut checksum) = (FIRST_BLOCK_BYTES, 0);
    while at < bytes {
        let left = usize::try_from(bytes - at).unwrap_or(usize::MAX);
        let part = step.split_at_mut(left.min(STEP_BYTES)).0;
        disk.read(at, part)?;
        checksum = crc32c::crc32c_append(checksum, part);
        at += part.len() as u64;
    }
    Ok(checksum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_read_as_it_was_written_and_no_changed_bit_is_overlooked() {
        for block in [
            FirstBlock::Closed {
                bytes: 77_824,
                checksum: 0xdead_beef,
            },
            FirstBlock::BeingWritten { marking: 1 << 40 },
        ] {
            let bytes = block.to_bytes();
            assert_eq!(bytes.len(), BYTES);
            assert_eq!(FirstBlock::parse(&bytes), Ok(block));
            for bit in 0..8 * BYTES {
                let mut changed = bytes.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(FirstBlock::parse(&changed).is_err(), "bit {bit}");
            }
            for length in 0..BYTES {
                let cut = FirstBlock::parse(&bytes[..length]);
                assert!(matches!(cut, Err(Flaw::Damaged(_))), "{length}: {cut:?}");
            }
        }
    }

    #[test]
    fn a_later_format_is_recognised_whatever_else_its_block_holds() {
        let mut block = NAME.to_vec();
        block.extend(7_u32.to_le_bytes());
        assert_eq!(FirstBlock::parse(&block), Err(Flaw::OtherFormat(7)));
        block.resize(9000, 0xa5);
        assert_eq!(FirstBlock::parse(&block), Err(Flaw::OtherFormat(7)));
        assert_eq!(
            FirstBlock::parse(b"id,first_name\n1,Ann\n"),
            Err(Flaw::NotAState)
        );
    }
}
