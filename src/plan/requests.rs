//! The file with the hash of each row's request.
//!
//! | bytes | content |
//! |---|---|
//! | 0 to 15 | `custsync plan` and line ends; no transfer as text leaves them as they are |
//! | 16 to 19 | the version of the format; this and all before it stay in all later versions |
//! | 20 to 23 | the version of the hashes |
//! | 24 and on | for each row from the first, 8 bytes: the hash of its request, or 0 if it has none |
//! | the last 20 | the name again without its line ends (8 bytes), the number of rows (8), the CRC-32C of all before |
//!
//! Numbers are little-endian. A file without its end is not finished, and no plan.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::num::NonZeroU64;
use std::sync::Arc;

use super::error::PlanError;
use super::{REQUESTS_NAME, remove};
use crate::external_sort::Section;
use crate::journal::{REQUEST_HASH_VERSION, RunDir};

const NAME: [u8; 16] = *b"custsync plan\r\n\n";
const FORMAT: u32 = 1;
const END: [u8; 8] = *b"plan end";
const HEAD_BYTES: u64 = 24;
const HASH_BYTES: u64 = 8;
const CHECKSUM_BYTES: u64 = 4;
const END_BYTES: u64 = 20;
/// The bytes that are read or written at once.
const BUFFER_BYTES: usize = 64 << 10;

/// Writes the requests of a plan. Unless it is finished, the file is no plan.
#[derive(Debug)]
pub struct RequestsWriter {
    run_dir: RunDir,
    file: BufWriter<File>,
    checksum: u32,
    /// The last row that was added.
    last_row: u64,
}

/// The requests of a finished plan, read from the first row on with bounded memory.
#[derive(Debug)]
pub struct Requests {
    run_dir: RunDir,
    file: Arc<File>,
    reader: BufReader<Section>,
    rows: u64,
    /// The row whose hash is read next.
    next: u64,
}

/// Returns the hash of a request as a plan keeps it: 0 means that there is none.
fn kept(hash: u64) -> NonZeroU64 {
    NonZeroU64::new(hash).unwrap_or(NonZeroU64::MIN)
}

impl RequestsWriter {
    /// Begins the plan of a run directory. An earlier plan there is removed; a process that reads it
    /// can read on.
    pub fn create(run_dir: &RunDir) -> Result<RequestsWriter, PlanError> {
        remove(run_dir)?;
        let file = run_dir.create_file(REQUESTS_NAME)?;
        let mut writer = RequestsWriter {
            run_dir: run_dir.clone(),
            file: BufWriter::with_capacity(BUFFER_BYTES, file),
            checksum: 0,
            last_row: 0,
        };
        writer.write(&NAME)?;
        writer.write(&FORMAT.to_le_bytes())?;
        writer.write(&REQUEST_HASH_VERSION.to_le_bytes())?;
        Ok(writer)
    }

    /// Adds a row, counted from 1, and the hash of its request, see
    /// [`RunKey::request_hash`](crate::journal::RunKey::request_hash); `None` if it sends nothing.
    /// Rows come in order. Those that are left out send nothing.
    pub fn add(&mut self, row: u64, request: Option<u64>) -> Result<(), PlanError> {
        self.skip_to(row)?;
        let hash = request.map_or(0, |hash| kept(hash).get());
        self.write(&hash.to_le_bytes())?;
        self.last_row = row;
        Ok(())
    }

    /// Returns the last row that was added, or 0.
    pub fn last_row(&self) -> u64 {
        self.last_row
    }

    /// Finishes the plan of this many rows. It then survives a power cut.
    pub fn finish(mut self, rows: u64) -> Result<(), PlanError> {
        self.skip_to(rows.saturating_add(1))?;
        self.write(&END)?;
        self.write(&rows.to_le_bytes())?;
        let checksum = self.checksum;
        self.write(&checksum.to_le_bytes())?;
        let finished = self.file.flush();
        finished
            .and_then(|()| self.file.get_ref().sync_all())
            .and_then(|()| self.run_dir.sync())
            .map_err(|source| PlanError::write(&self.run_dir, REQUESTS_NAME, source))
    }

    /// Adds the rows before this one that were left out.
    fn skip_to(&mut self, row: u64) -> Result<(), PlanError> {
        while self.last_row.saturating_add(1) < row {
            self.write(&0_u64.to_le_bytes())?;
            self.last_row += 1;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), PlanError> {
        self.checksum = crc32c::crc32c_append(self.checksum, bytes);
        let written = self.file.write_all(bytes);
        written.map_err(|source| PlanError::write(&self.run_dir, REQUESTS_NAME, source))
    }
}

impl Requests {
    /// Opens the requests of a plan; `None` if there is no plan, or it was not finished. The whole
    /// file is read once, to find damage.
    pub fn open(run_dir: &RunDir) -> Result<Option<Requests>, PlanError> {
        if run_dir.file(REQUESTS_NAME).symlink_metadata().is_err() {
            return Ok(None);
        }
        let file = Arc::new(run_dir.open_file(REQUESTS_NAME)?);
        let rows =
            rows_of(&file).map_err(|source| PlanError::read(run_dir, REQUESTS_NAME, source))?;
        let Some(rows) = rows else {
            return Ok(None);
        };
        let mut requests = Requests::of(run_dir.clone(), file, rows);
        requests.check_head()?;
        requests.check_content()?;
        Ok(Some(requests.again()))
    }

    fn of(run_dir: RunDir, file: Arc<File>, rows: u64) -> Requests {
        let reader = reader_at(&file, HEAD_BYTES);
        Requests {
            run_dir,
            file,
            reader,
            rows,
            next: 1,
        }
    }

    /// Returns the number of the last row of the plan.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns the requests of the same file again, from the first row.
    #[must_use]
    pub fn again(&self) -> Requests {
        Requests::of(self.run_dir.clone(), Arc::clone(&self.file), self.rows)
    }

    /// Whether the plan has this request for a row, `None` being none. A row behind the plan's last
    /// one is another. Rows that are asked for in ascending order are read at once.
    pub fn has(&mut self, row: u64, request: Option<u64>) -> Result<bool, PlanError> {
        if row == 0 || row > self.rows {
            return Ok(false);
        }
        if row != self.next {
            self.reader = reader_at(&self.file, HEAD_BYTES + (row - 1) * HASH_BYTES);
        }
        let planned = NonZeroU64::new(u64::from_le_bytes(self.read()?));
        self.next = row + 1;
        Ok(planned == request.map(kept))
    }

    fn check_head(&mut self) -> Result<(), PlanError> {
        self.reader = reader_at(&self.file, 0);
        let name = self.read()?;
        let format = u32::from_le_bytes(self.read()?);
        let hashes = u32::from_le_bytes(self.read()?);
        if name != NAME {
            return Err(self.damaged("it does not begin as a plan does"));
        }
        if (format, hashes) != (FORMAT, REQUEST_HASH_VERSION) {
            return Err(PlanError::OtherFormat {
                file: self.run_dir.display_path(REQUESTS_NAME),
                format,
            });
        }
        Ok(())
    }

    /// Compares all bytes with the checksum at the end.
    fn check_content(&mut self) -> Result<(), PlanError> {
        self.reader = reader_at(&self.file, 0);
        let mut left = HEAD_BYTES + self.rows * HASH_BYTES + END_BYTES - CHECKSUM_BYTES;
        let (mut step, mut checksum) = (vec![0; BUFFER_BYTES], 0);
        while left > 0 {
            let bytes = usize::try_from(left).unwrap_or(usize::MAX).min(step.len());
            let part = step.split_at_mut(bytes).0;
            let read = self.reader.read_exact(part);
            read.map_err(|source| PlanError::read(&self.run_dir, REQUESTS_NAME, source))?;
            checksum = crc32c::crc32c_append(checksum, part);
            left -= part.len() as u64;
        }
        if u32::from_le_bytes(self.read()?) == checksum {
            Ok(())
        } else {
            Err(self.damaged("its checksum is wrong"))
        }
    }

    fn read<const N: usize>(&mut self) -> Result<[u8; N], PlanError> {
        let mut bytes = [0; N];
        let read = self.reader.read_exact(&mut bytes);
        read.map_err(|source| PlanError::read(&self.run_dir, REQUESTS_NAME, source))?;
        Ok(bytes)
    }

    fn damaged(&self, reason: &str) -> PlanError {
        PlanError::damaged(&self.run_dir, REQUESTS_NAME, reason)
    }
}

fn reader_at(file: &Arc<File>, at: u64) -> BufReader<Section> {
    BufReader::with_capacity(BUFFER_BYTES, Section::new(file, at..u64::MAX))
}

/// Returns the number of rows that the end of the file tells; `None` if it has no end.
fn rows_of(file: &Arc<File>) -> io::Result<Option<u64>> {
    let bytes = file.metadata()?.len();
    let Some(content) = bytes.checked_sub(HEAD_BYTES + END_BYTES) else {
        return Ok(None);
    };
    let mut end = Section::new(file, bytes - END_BYTES..bytes);
    let (mut name, mut rows) = ([0; END.len()], [0; 8]);
    end.read_exact(&mut name)?;
    end.read_exact(&mut rows)?;
    let rows = u64::from_le_bytes(rows);
    let is_end = name == END && rows.checked_mul(HASH_BYTES) == Some(content);
    Ok(is_end.then_some(rows))
}
