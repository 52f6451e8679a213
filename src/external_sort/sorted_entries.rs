//! Sorted entries in a file, in which a key can be looked up.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write as _};
use std::sync::Arc;

use super::section::Section;
use super::{Key, encode, read_next};

/// The size of a block: the index has the first key of each. Ten million rows make some hundred
/// thousand blocks.
const BLOCK_BYTES: u64 = 16 << 10;
/// The bytes that are read at once. Most look-ups need one entry, half a block away on average.
const READ_BYTES: usize = 8 << 10;

/// Entries with ascending keys.
pub(crate) struct SortedEntries {
    file: Arc<File>,
    bytes: u64,
    /// The first key of each block, and the place where the block begins.
    blocks: Vec<(Key, u64)>,
    customers: u64,
}

/// Writes [`SortedEntries`].
pub(super) struct SortedWriter {
    file: BufWriter<File>,
    bytes: u64,
    blocks: Vec<(Key, u64)>,
    customers: u64,
    last_customer: Option<u64>,
    /// The bytes of an entry, while they are put together.
    entry: Vec<u8>,
}

impl fmt::Debug for SortedEntries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SortedEntries")
            .field("bytes", &self.bytes)
            .field("customers", &self.customers)
            .finish_non_exhaustive()
    }
}

impl SortedEntries {
    /// The number of customers who have an entry.
    pub(crate) fn customers(&self) -> u64 {
        self.customers
    }

    /// Whether the customer has an entry.
    pub(crate) fn contains(&self, customer: u64) -> io::Result<bool> {
        let mut is_there = false;
        self.visit_from((customer, 0), |(found, _), _| {
            is_there = found == customer;
            false
        })?;
        Ok(is_there)
    }

    /// Visits the entries of a customer in the order of their numbers.
    pub(crate) fn of_customer(
        &self,
        customer: u64,
        mut visit: impl FnMut(u64, &[u8]),
    ) -> io::Result<()> {
        self.visit_from((customer, 0), |(found, number), content| {
            let is_same = found == customer;
            if is_same {
                visit(number, content);
            }
            is_same
        })
    }

    /// Visits the entries from a key on, with ascending keys, until `visit` returns `false`.
    pub(crate) fn visit_from(
        &self,
        from: Key,
        mut visit: impl FnMut(Key, &[u8]) -> bool,
    ) -> io::Result<()> {
        let blocks_before = self.blocks.partition_point(|(first, _)| *first <= from);
        let block = self.blocks.get(blocks_before.saturating_sub(1));
        let start = block.map_or(self.bytes, |(_, start)| *start);
        let section = Section::new(&self.file, start..self.bytes);
        let mut reader = BufReader::with_capacity(READ_BYTES, section);
        let mut content = Vec::new();
        while let Some(key) = read_next(&mut reader, &mut content)? {
            if key >= from && !visit(key, &content) {
                break;
            }
        }
        Ok(())
    }
}

impl SortedWriter {
    /// Writes to an empty file, which can be read.
    pub(super) fn new(file: File) -> SortedWriter {
        SortedWriter {
            file: BufWriter::new(file),
            bytes: 0,
            blocks: Vec::new(),
            customers: 0,
            last_customer: None,
            entry: Vec::new(),
        }
    }

    /// Adds an entry with a higher key than those before.
    pub(super) fn add(&mut self, key: Key, content: &[u8]) -> io::Result<()> {
        let block_start = self.blocks.last().map(|(_, start)| *start);
        if block_start.is_none_or(|start| self.bytes - start >= BLOCK_BYTES) {
            self.blocks.push((key, self.bytes));
        }
        self.customers += u64::from(self.last_customer.replace(key.0) != Some(key.0));
        self.entry.clear();
        encode(key, content, &mut self.entry)?;
        self.bytes += self.entry.len() as u64;
        self.file.write_all(&self.entry)
    }

    pub(super) fn finish(self) -> io::Result<SortedEntries> {
        let file = self
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        Ok(SortedEntries {
            file: Arc::new(file),
            bytes: self.bytes,
            blocks: self.blocks,
            customers: self.customers,
        })
    }
}
