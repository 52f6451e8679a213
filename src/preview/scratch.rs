//! A table in a file of its own, which is deleted when it is dropped: more than memory should hold,
//! and of no use to another process.
//!
//! The file is a redb database. It keeps two rules of its kind: no read transaction is open for longer
//! than one call, and entries are written with ascending keys, many at a time.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Builder, Database, Key, ReadTransaction, ReadableDatabase as _, TableDefinition};

/// The cache of a table.
const CACHE_BYTES: usize = 8 << 20;
/// The mode of the file: its owner may read and write it.
const FILE_MODE: u32 = 0o600;
const TABLE: &str = "entries";

/// A table of bytes by keys.
pub(super) struct Scratch<K: Key + 'static> {
    pages: Database,
    path: PathBuf,
    table: TableDefinition<'static, K, &'static [u8]>,
}

/// The table cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScratchError {
    /// The file cannot be created.
    #[error("the temporary file {path} cannot be created")]
    Create {
        /// The file's name.
        path: String,
        /// The operating system's reason.
        #[source]
        source: io::Error,
    },
    /// The database in it cannot be used.
    #[error("a temporary file cannot be written or read")]
    Pages(#[from] redb::Error),
    /// An entry is not what was written.
    #[error("a temporary file holds something else than was written to it")]
    Entry,
}

impl<K: Key + 'static> Scratch<K> {
    /// Creates the file, which only its owner can read. It must not exist.
    pub(super) fn create(path: &Path) -> Result<Scratch<K>, ScratchError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(path)
            .map_err(|source| ScratchError::Create {
                path: crate::text::safe_path(path),
                source,
            })?;
        let mut builder = Builder::new();
        builder.set_cache_size(CACHE_BYTES);
        let file = FileBackend::new(file).map_err(redb::Error::from)?;
        let pages = builder.create_with_backend(file);
        let scratch = Scratch {
            pages: pages.map_err(redb::Error::from)?,
            path: path.to_owned(),
            table: TableDefinition::new(TABLE),
        };
        // A table has to exist before it is read.
        scratch.insert(std::iter::empty())?;
        Ok(scratch)
    }

    /// Writes entries, whose keys ascend. A later entry of a key replaces an earlier one.
    pub(super) fn insert<'e>(
        &self,
        entries: impl Iterator<Item = (K::SelfType<'e>, &'e [u8])>,
    ) -> Result<(), ScratchError> {
        let transaction = self.pages.begin_write().map_err(redb::Error::from)?;
        {
            let mut table = transaction
                .open_table(self.table)
                .map_err(redb::Error::from)?;
            for (key, value) in entries {
                table.insert(key, value).map_err(redb::Error::from)?;
            }
        }
        transaction.commit().map_err(redb::Error::from)?;
        Ok(())
    }

    /// Reads the entry of a key.
    pub(super) fn get<T>(
        &self,
        key: K::SelfType<'_>,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Result<Option<T>, ScratchError> {
        let transaction = self.begin_read()?;
        let table = transaction
            .open_table(self.table)
            .map_err(redb::Error::from)?;
        let found = table.get(key).map_err(redb::Error::from)?;
        Ok(found.map(|entry| read(entry.value())))
    }

    /// Visits the entries from a key on, with ascending keys, until `visit` returns `false`.
    pub(super) fn visit_from<'k>(
        &self,
        from: K::SelfType<'k>,
        mut visit: impl FnMut(K::SelfType<'_>, &[u8]) -> bool,
    ) -> Result<(), ScratchError> {
        let transaction = self.begin_read()?;
        let table = transaction
            .open_table(self.table)
            .map_err(redb::Error::from)?;
        for entry in table
            .range::<K::SelfType<'k>>(from..)
            .map_err(redb::Error::from)?
        {
            let (key, value) = entry.map_err(redb::Error::from)?;
            if !visit(key.value(), value.value()) {
                break;
            }
        }
        Ok(())
    }

    fn begin_read(&self) -> Result<ReadTransaction, ScratchError> {
        Ok(self.pages.begin_read().map_err(redb::Error::from)?)
    }
}

impl<K: Key + 'static> Drop for Scratch<K> {
    fn drop(&mut self) {
        // A file that stays is removed by the next preview of the directory, or by `forget`.
        fs::remove_file(&self.path).ok();
    }
}
