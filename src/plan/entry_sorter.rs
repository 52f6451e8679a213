//! Sorts entries by customer with bounded memory: sorted runs in one file, which are merged.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::ops::Range;
use std::sync::Arc;

use super::section::Section;

/// The size of a run's entries in memory, approximately.
const RUN_BYTES: usize = 8 << 20;
/// The approximate memory that an entry takes beside its bytes.
const ENTRY_BYTES: usize = 64;
/// The buffer of a run that is merged. A million customers make some twenty runs.
const MERGE_BYTES: usize = 16 << 10;

/// Entries in any order, on their way into sorted runs.
#[derive(Debug)]
pub(super) struct EntrySorter {
    file: File,
    written: u64,
    runs: Vec<Range<u64>>,
    buffer: BTreeMap<u64, Vec<u8>>,
    buffer_bytes: usize,
}

/// The entries of one run, in order.
struct RunReader(BufReader<Section>);

impl EntrySorter {
    /// Begins runs in this file, which is empty and can be read.
    pub(super) fn new(file: File) -> EntrySorter {
        EntrySorter {
            file,
            written: 0,
            runs: Vec::new(),
            buffer: BTreeMap::new(),
            buffer_bytes: 0,
        }
    }

    /// Adds the entry of a customer. Of several, the last one counts.
    pub(super) fn add(&mut self, customer: u64, entry: Vec<u8>) -> io::Result<()> {
        self.buffer_bytes += entry.len() + ENTRY_BYTES;
        self.buffer.insert(customer, entry);
        if self.buffer_bytes >= RUN_BYTES {
            self.write_run()?;
        }
        Ok(())
    }

    /// Writes the entries in memory as a run.
    fn write_run(&mut self) -> io::Result<()> {
        self.buffer_bytes = 0;
        let start = self.written;
        let mut file = BufWriter::new(&self.file);
        for (customer, entry) in std::mem::take(&mut self.buffer) {
            let bytes = u32::try_from(entry.len()).map_err(io::Error::other)?;
            file.write_all(&customer.to_le_bytes())?;
            file.write_all(&bytes.to_le_bytes())?;
            file.write_all(&entry)?;
            self.written += 12 + u64::from(bytes);
        }
        file.flush()?;
        self.runs.push(start..self.written);
        Ok(())
    }

    /// Passes all entries on, with ascending customers.
    pub(super) fn merge<E: From<io::Error>>(
        mut self,
        mut take: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.runs.is_empty() {
            for (customer, entry) in &self.buffer {
                take(*customer, entry)?;
            }
            return Ok(());
        }
        self.write_run()?;
        let file = Arc::new(self.file);
        let mut runs: Vec<_> = (self.runs.into_iter())
            .map(|run| {
                RunReader(BufReader::with_capacity(
                    MERGE_BYTES,
                    Section::new(&file, run),
                ))
            })
            .collect();
        let mut firsts = BinaryHeap::new();
        for (number, run) in runs.iter_mut().enumerate() {
            if let Some((customer, entry)) = run.next()? {
                firsts.push(Reverse((customer, number, entry)));
            }
        }
        while let Some(Reverse((customer, number, entry))) = firsts.pop() {
            // Of a customer's entries, that of the last run comes last, and replaces the others.
            take(customer, &entry)?;
            if let Some(run) = runs.get_mut(number)
                && let Some((customer, entry)) = run.next()?
            {
                firsts.push(Reverse((customer, number, entry)));
            }
        }
        Ok(())
    }
}

impl RunReader {
    fn next(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        let (mut customer, mut bytes) = ([0; 8], [0; 4]);
        match self.0.read_exact(&mut customer) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        self.0.read_exact(&mut bytes)?;
        let bytes = usize::try_from(u32::from_le_bytes(bytes)).map_err(io::Error::other)?;
        let mut entry = vec![0; bytes];
        self.0.read_exact(&mut entry)?;
        Ok(Some((u64::from_le_bytes(customer), entry)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_in_order_and_the_last_of_a_customer_counts() {
        let check = |add_run_after: &[usize]| {
            let mut sorter = EntrySorter::new(tempfile::tempfile().expect("a file"));
            let added = [7, 3, 9, 3, 1, 7, u64::MAX, 2];
            for (number, customer) in added.into_iter().enumerate() {
                let entry = vec![u8::try_from(number).expect("a few"); number];
                sorter.add(customer, entry).expect("it is added");
                if add_run_after.contains(&number) {
                    sorter.write_run().expect("it is written");
                }
            }
            let mut found = BTreeMap::new();
            let mut last = 0;
            let merged: io::Result<()> = sorter.merge(|customer, entry| {
                assert!(customer >= last, "{customer} after {last}");
                last = customer;
                found.insert(customer, entry.len());
                Ok(())
            });
            merged.expect("they are merged");
            let want = [(1, 4), (2, 7), (3, 3), (7, 5), (9, 2), (u64::MAX, 6)];
            assert_eq!(found, BTreeMap::from(want), "{add_run_after:?}");
        };
        check(&[]);
        check(&[0]);
        check(&[1, 3, 7]);
        check(&[0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
