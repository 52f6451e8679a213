//! Sorts entries with bounded memory: sorted runs in one file, which are merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::section::Section;
use super::sorted_entries::{SortedEntries, SortedWriter};
use super::{HEAD_BYTES, Key, encode, read_next};

/// The size of a run, approximately.
const RUN_BYTES: usize = 8 << 20;
/// The memory that the place of an entry takes.
const PLACE_BYTES: usize = size_of::<(Key, Range<usize>)>();
/// The buffer of a run that is merged. A million customers make some twenty runs.
const MERGE_BYTES: usize = 16 << 10;

/// Entries in any order, on their way into sorted runs.
pub(crate) struct Sorter {
    folder: PathBuf,
    runs: Runs,
    /// The entries of the next run, one after another, and their places by key.
    waiting: Vec<u8>,
    places: Vec<(Key, Range<usize>)>,
    run_bytes: usize,
}

/// The runs in their file.
struct Runs {
    file: File,
    /// The places of their bytes, one after another.
    bytes: Vec<Range<u64>>,
}

/// A run that is merged: the entry that comes next, and the others behind it.
struct RunReader {
    rest: BufReader<Section>,
    content: Vec<u8>,
}

impl fmt::Debug for Sorter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sorter")
            .field("runs", &self.runs.bytes.len())
            .finish_non_exhaustive()
    }
}

impl Sorter {
    /// Begins with no entries. The temporary files are made in this folder.
    pub(crate) fn create(folder: &Path) -> io::Result<Sorter> {
        Sorter::with_runs_of(folder, RUN_BYTES)
    }

    /// Begins with no entries, for runs of about this size.
    fn with_runs_of(folder: &Path, run_bytes: usize) -> io::Result<Sorter> {
        Ok(Sorter {
            folder: folder.to_owned(),
            runs: Runs {
                file: tempfile::tempfile_in(folder)?,
                bytes: Vec::new(),
            },
            waiting: Vec::new(),
            places: Vec::new(),
            run_bytes,
        })
    }

    /// Adds an entry.
    pub(crate) fn add(&mut self, key: Key, content: &[u8]) -> io::Result<()> {
        let start = self.waiting.len();
        encode(key, content, &mut self.waiting)?;
        self.places.push((key, start..self.waiting.len()));
        if self.waiting.len() + self.places.len() * PLACE_BYTES >= self.run_bytes {
            self.write_run()?;
        }
        Ok(())
    }

    /// Passes all entries on, with ascending keys.
    pub(crate) fn merge<E: From<io::Error>>(
        mut self,
        mut take: impl FnMut(Key, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.write_run()?;
        let file = Arc::new(self.runs.file);
        let runs = self.runs.bytes.into_iter();
        let mut runs: Vec<_> = runs.map(|bytes| RunReader::new(&file, bytes)).collect();
        let mut firsts = BinaryHeap::with_capacity(runs.len());
        for (number, run) in runs.iter_mut().enumerate() {
            firsts.extend(run.next()?.map(|key| Reverse((key, number))));
        }
        while let Some(Reverse((key, number))) = firsts.pop() {
            if let Some(run) = runs.get_mut(number) {
                take(key, &run.content)?;
                firsts.extend(run.next()?.map(|key| Reverse((key, number))));
            }
        }
        Ok(())
    }

    /// Puts all entries into one file, in which they can be looked up.
    pub(crate) fn finish(self) -> io::Result<SortedEntries> {
        let mut sorted = SortedWriter::new(tempfile::tempfile_in(&self.folder)?);
        self.merge(|key, content| sorted.add(key, content))?;
        sorted.finish()
    }

    /// Writes the waiting entries as a run.
    fn write_run(&mut self) -> io::Result<()> {
        self.places.sort_unstable_by_key(|(key, _)| *key);
        let entries = self.places.drain(..);
        self.runs
            .write(entries.filter_map(|(_, place)| self.waiting.get(place)))?;
        self.waiting.clear();
        Ok(())
    }
}

impl Runs {
    fn write<'e>(&mut self, entries: impl Iterator<Item = &'e [u8]>) -> io::Result<()> {
        let start = self.bytes.last().map_or(0, |run| run.end);
        let mut end = start;
        let mut file = io::BufWriter::new(&self.file);
        for entry in entries {
            file.write_all(entry)?;
            end += entry.len() as u64;
        }
        file.flush()?;
        if end >= start + HEAD_BYTES {
            self.bytes.push(start..end);
        }
        Ok(())
    }
}

impl RunReader {
    fn new(file: &Arc<File>, bytes: Range<u64>) -> RunReader {
        RunReader {
            rest: BufReader::with_capacity(MERGE_BYTES, Section::new(file, bytes)),
            content: Vec::new(),
        }
    }

    /// Goes on to the next entry, and returns its key.
    fn next(&mut self) -> io::Result<Option<Key>> {
        read_next(&mut self.rest, &mut self.content)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    /// Takes entries, whose numbers are their places in this list.
    fn sorter_of(folder: &Path, entries: &[(u64, Vec<u8>)], run_bytes: usize) -> Sorter {
        let mut sorter = Sorter::with_runs_of(folder, run_bytes).expect("a file");
        for (number, (customer, content)) in (0..).zip(entries) {
            sorter.add((*customer, number), content).expect("it fits");
        }
        sorter
    }

    /// The same entries in the order of their keys.
    fn in_order(entries: &[(u64, Vec<u8>)]) -> BTreeMap<Key, Vec<u8>> {
        let entries = (0..).zip(entries);
        entries
            .map(|(number, (customer, content))| ((*customer, number), content.clone()))
            .collect()
    }

    proptest! {
        #[test]
        fn entries_come_in_the_order_of_their_keys(
            entries in prop::collection::vec((0_u64..40, prop::collection::vec(any::<u8>(), 0..60)), 0..300),
            run_bytes in 1_usize..20_000,
        ) {
            let folder = tempfile::tempdir().expect("a folder");
            let mut found = Vec::new();
            let merged: io::Result<()> = sorter_of(folder.path(), &entries, run_bytes).merge(|key, content| {
                found.push((key, content.to_vec()));
                Ok(())
            });
            merged.expect("the runs are read");
            prop_assert_eq!(found, in_order(&entries).into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn entries_are_found_from_any_key_on(
            entries in prop::collection::vec((0_u64..40, prop::collection::vec(any::<u8>(), 0..2000)), 0..200),
            from in (0_u64..42, 0_u64..220),
            most in 1_usize..30,
        ) {
            let folder = tempfile::tempdir().expect("a folder");
            let want = in_order(&entries);
            let sorted = sorter_of(folder.path(), &entries, 20_000).finish().expect("it is written");
            let customers: BTreeSet<_> = want.keys().map(|(customer, _)| customer).collect();
            prop_assert_eq!(sorted.customers(), customers.len() as u64);
            let mut found = Vec::new();
            sorted
                .visit_from(from, |key, content| {
                    found.push((key, content.to_vec()));
                    found.len() < most
                })
                .expect("they are read");
            let want: Vec<_> = want.into_iter().filter(|(key, _)| *key >= from).take(most).collect();
            prop_assert_eq!(found, want);
            let names = fs::read_dir(folder.path()).expect("the folder is there");
            prop_assert_eq!(names.count(), 0, "the files have no names");
        }
    }
}
