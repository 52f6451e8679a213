//! The store in a file: locked, read, written and unlocked for each exchange, within milliseconds.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags, flock};

use super::clock::{self, HostStart};
use super::error::RateStoreError;
use super::pages::{self, PAGE_BYTES};
use crate::schedule::shared_rate::exchange::{Reply, ToStore};
use crate::schedule::shared_rate::store::StoreState;
use crate::text::safe_path;

/// The longest wait for the lock. Each holder needs it for less than a millisecond.
const LOCK_WAIT_MAX: Duration = Duration::from_millis(800);
/// The time between two tries for the lock, at first and at most.
const LOCK_TRY_FIRST: Duration = Duration::from_micros(200);
const LOCK_TRY_MAX: Duration = Duration::from_millis(5);

/// A store in a file.
#[derive(Debug)]
pub(crate) struct FileStore {
    path: PathBuf,
    host: HostStart,
    use_of_file: Mutex<Use>,
}

/// The use of the file by this process.
#[derive(Debug, Default)]
struct Use {
    file: Option<File>,
    /// Whether an exchange on this file succeeded.
    has_exchanged: bool,
}

impl FileStore {
    /// Opens the file, and creates it if it does not exist. What it holds is read, and not changed.
    pub(crate) fn open(path: PathBuf) -> Result<FileStore, RateStoreError> {
        let store = FileStore {
            path,
            host: HostStart::here(),
            use_of_file: Mutex::default(),
        };
        let file = store.open_file()?;
        lock(&file)?;
        read(&file)?;
        // The lock ends with this file.
        drop(file);
        Ok(store)
    }

    /// The store's name for people.
    pub(crate) fn name(&self) -> String {
        format!("--rate-file {}", safe_path(&self.path))
    }

    /// Handles one message. Blocks for a second at most, as long as the disk answers.
    pub(super) fn exchange(&self, message: &ToStore) -> Result<Reply, RateStoreError> {
        // A disk that does not answer holds up the exchange before.
        let Ok(mut used) = self.use_of_file.try_lock() else {
            return Err(RateStoreError::Timeout);
        };
        let result = self.exchange_on(&mut used, message);
        if result.is_err() {
            // The next exchange opens the file of this name anew.
            used.file = None;
        }
        result
    }

    fn exchange_on(&self, used: &mut Use, message: &ToStore) -> Result<Reply, RateStoreError> {
        let file = match &used.file {
            Some(file) => file,
            None => used.file.insert(self.open_file()?),
        };
        lock(file)?;
        let exchanged = self.exchange_locked(file, used.has_exchanged, message);
        let unlocked = flock(file, FlockOperation::Unlock).map_err(io_error);
        match &exchanged {
            Ok(_) => used.has_exchanged = true,
            // A file that takes its place has not been used yet.
            Err(RateStoreError::Replaced) => used.has_exchanged = false,
            Err(_) => {}
        }
        exchanged.and_then(|reply| unlocked.map(|()| reply))
    }

    fn exchange_locked(
        &self,
        file: &File,
        has_exchanged: bool,
        message: &ToStore,
    ) -> Result<Reply, RateStoreError> {
        self.check_path(file)?;
        let page = read(file)?;
        let now = clock::now_us();
        let (number, mut state) = match page {
            None => (0, StoreState::empty(now)),
            Some(page) if page.host == self.host => (page.number, page.state),
            Some(_) if has_exchanged => return Err(RateStoreError::OtherHost),
            // The times of another clock mean nothing, so this is a new beginning.
            Some(page) => (page.number, StoreState::empty(now)),
        };
        let reply = state.take(message, now);
        let number = number + 1;
        let page = pages::write(number, &self.host, &state).ok_or(RateStoreError::Full)?;
        let offset = number % 2 * PAGE_BYTES as u64;
        file.write_all_at(&page, offset)
            .map_err(RateStoreError::File)?;
        Ok(reply)
    }

    fn open_file(&self) -> Result<File, RateStoreError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            // A named pipe would block.
            .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
            .open(&self.path)
            .map_err(RateStoreError::File)?;
        let metadata = file.metadata().map_err(RateStoreError::File)?;
        if metadata.is_file() {
            Ok(file)
        } else {
            Err(RateStoreError::NotAFile)
        }
    }

    /// Checks that the path is still the open file's. Otherwise others use another file.
    fn check_path(&self, file: &File) -> Result<(), RateStoreError> {
        let open = file.metadata().map_err(RateStoreError::File)?;
        match std::fs::metadata(&self.path) {
            Ok(named) if (named.dev(), named.ino()) == (open.dev(), open.ino()) => Ok(()),
            Ok(_) => Err(RateStoreError::Replaced),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(RateStoreError::Replaced),
            Err(error) => Err(RateStoreError::File(error)),
        }
    }
}

fn read(file: &File) -> Result<Option<pages::Page>, RateStoreError> {
    let page = |offset| {
        let mut bytes = vec![0; PAGE_BYTES];
        let mut length = 0;
        while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, offset + length as u64) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(RateStoreError::File(error)),
            }
        }
        bytes.truncate(length);
        Ok(bytes)
    };
    let (first, second) = (page(0)?, page(PAGE_BYTES as u64)?);
    pages::newest([&first, &second]).map_err(RateStoreError::Damaged)
}

fn lock(file: &File) -> Result<(), RateStoreError> {
    let begin = Instant::now();
    let mut pause = LOCK_TRY_FIRST;
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => {}
            Err(error) => return Err(io_error(error)),
        }
        if begin.elapsed() > LOCK_WAIT_MAX {
            return Err(RateStoreError::Timeout);
        }
        sleep(pause);
        pause = (2 * pause).min(LOCK_TRY_MAX);
    }
}

fn io_error(error: rustix::io::Errno) -> RateStoreError {
    RateStoreError::File(error.into())
}
