//! Tests of the whole way from bytes to rows.

mod csv_rows;
mod cutting;
mod failed_rows;
mod inputs;
mod rows;
mod whole;

use std::io;
use std::io::Read;

use super::blocks::cutter::{Blocks, Head};

use super::bytes::dialect::Dialect;
use super::bytes::format::Format;
use super::csv::records::CsvRecords;
use super::error::InputFault;
use super::ndjson::layout::NdjsonLayout;
use super::ndjson::records::{Framing, JsonRecords};
use super::open::preflight;
use super::*;
use crate::contract::ErrorCode;

/// Blocks so small that every record meets their limits.
const SMALL: BlockSize = BlockSize {
    block_bytes: 8,
    lines_max: 2,
    record_bytes_max: 64,
};

/// A reader that returns its bytes in pieces of the given sizes, repeatedly, with an interruption
/// before each.
#[derive(Debug)]
struct Trickle {
    bytes: Vec<u8>,
    at: usize,
    pieces: Vec<usize>,
    reads: usize,
}

impl Trickle {
    fn new(bytes: &[u8], pieces: &[usize]) -> Trickle {
        Trickle {
            bytes: bytes.to_vec(),
            at: 0,
            pieces: pieces.to_vec(),
            reads: 0,
        }
    }
}

impl Read for Trickle {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        if self.reads % 2 == 1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let piece = self.pieces[self.reads / 2 % self.pieces.len()];
        let count = piece.min(into.len()).min(self.bytes.len() - self.at);
        into[..count].copy_from_slice(&self.bytes[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

fn open_bytes(
    name: &str,
    bytes: &[u8],
    rules: &InputRules,
    size: BlockSize,
) -> Result<Input, InputError> {
    let reader = Box::new(Trickle::new(bytes, &[3, 1]));
    Input::of_reader(InputName::from_argument(name.into()), reader, rules, size)
}
