//! A new file of a state: written beside it, checked, and renamed over it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::ReadableDatabase as _;

use crate::journal::open_regular;

use super::disk::{Disk, FileOnDisk, PagesOnDisk};
use super::entry::{Figures, Value};
use super::error::{Shown, StateError};
use super::first_block::FirstBlock;
use super::lock::{FILE_MODE, StateLock};
use super::pages::{ENTRIES, RECORD, builder, counted_record};
use super::record::Record;

/// The cache of the new file. Entries come with ascending ids, so only its last pages are changed.
const CACHE_BYTES: usize = 2 << 20;

/// Takes an entry of the new file. Ids ascend.
pub(super) type Push<'a> = &'a mut dyn FnMut(u64, Value) -> Result<(), StateError>;

/// Writes a state into a new file and renames it over the old one. `fill` gives its entries. The new
/// file is read and counted before it takes the place of the old one.
pub(super) fn replace(
    lock: &StateLock,
    record: Record,
    fill: impl FnOnce(Push<'_>) -> Result<(), StateError>,
) -> Result<(), StateError> {
    lock.refuse_reader()?;
    let shown = lock.shown();
    let new =
        Unfinished::create(lock.beside("unfinished")).map_err(|source| shown.write(source))?;
    write(&new.disk, record, fill, &shown)?;
    FirstBlock::closing(new.disk.as_ref())
        .and_then(|block| block.write(new.disk.as_ref()))
        .and_then(|()| new.rename(lock.path()))
        .map_err(|source| shown.write(source))
}

/// Writes the pages of a new file, which is not closed yet, and counts its entries.
fn write(
    disk: &Arc<dyn Disk>,
    mut record: Record,
    fill: impl FnOnce(Push<'_>) -> Result<(), StateError>,
    shown: &Shown,
) -> Result<(), StateError> {
    let failed = |error: redb::Error| shown.writing(error);
    FirstBlock::BeingWritten { marking: 0 }
        .write(disk.as_ref())
        .map_err(|source| shown.write(source))?;
    let pages = builder(CACHE_BYTES)
        .create_with_backend(PagesOnDisk(Arc::clone(disk)))
        .map_err(|error| failed(error.into()))?;
    let transaction = pages.begin_write().map_err(|error| failed(error.into()))?;
    {
        let mut table = transaction
            .open_table(ENTRIES)
            .map_err(|error| failed(error.into()))?;
        let mut figures = Figures::default();
        fill(&mut |id, value| {
            figures.add(id, value);
            let inserted = table.insert(id, value.0);
            inserted.map(drop).map_err(|error| failed(error.into()))
        })?;
        record.figures = figures;
        let mut table = transaction
            .open_table(RECORD)
            .map_err(|error| failed(error.into()))?;
        table
            .insert((), record.to_json().as_str())
            .map_err(|error| failed(error.into()))?;
    }
    transaction.commit().map_err(|error| failed(error.into()))?;
    let transaction = pages.begin_read().map_err(|error| failed(error.into()))?;
    counted_record(&transaction, shown)?;
    drop(transaction);
    pages.close().map_err(|error| failed(error.into()))
}

/// A new file that is removed unless it is renamed.
struct Unfinished {
    path: PathBuf,
    disk: Arc<dyn Disk>,
}

impl Unfinished {
    /// Creates the file. One that a killed process left is removed.
    fn create(path: PathBuf) -> io::Result<Unfinished> {
        let file = create_private(&path)?;
        let disk = Arc::new(FileOnDisk(file));
        Ok(Unfinished { path, disk })
    }

    /// Gives the file its name, which survives a power cut.
    fn rename(self, to: &Path) -> io::Result<()> {
        fs::rename(&self.path, to)?;
        match to.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After the rename there is no such file. Otherwise, the next edit removes it.
        fs::remove_file(&self.path).ok();
    }
}

/// Creates a file that only its owner can read, whatever the umask. An existing one is removed.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create_new(true)
        .mode(FILE_MODE);
    let file = open_regular(&mut options, path)?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    Ok(file)
}
