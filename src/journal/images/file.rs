//! Writes a file of images.

use std::io::BufReader;

use super::IMAGES_NAME;
use super::error::ImagesError;
use super::line::{self, CountryPair, ImageEntry};
use super::reader::{ImageReader, LINE_BYTES_MAX};
use crate::contract::Countries;
use crate::journal::disk::{Disk, FileOnDisk};
use crate::journal::run_dir::RunDir;
use crate::journal::writer::JournalWriter;

/// The bytes that are read at once.
const BUFFER_BYTES: usize = 1 << 16;

/// Appends to the file of images. There is one writer, in the directory that it has locked.
#[derive(Debug)]
pub(crate) struct ImagesFile {
    lines: JournalWriter,
    /// The pairs in the file.
    countries: Countries,
    /// The file's name, for errors.
    file: String,
}

/// A file of images that is continued.
#[derive(Debug)]
pub(crate) struct Resumed {
    /// The file.
    pub(crate) file: ImagesFile,
    /// The bytes of the torn tail that was cut off, whose requests never left.
    pub(crate) torn_bytes: u64,
}

impl ImagesFile {
    /// Begins the file of a new run, durably. A file that a process has left without a line is
    /// taken over.
    pub(crate) fn begin(run_dir: &RunDir) -> Result<ImagesFile, ImagesError> {
        let existing = run_dir.append_file(IMAGES_NAME)?;
        let file = run_dir.display_path(IMAGES_NAME);
        match existing.metadata() {
            Ok(found) if found.len() > 0 => return Err(ImagesError::OfAnotherRun { file }),
            Ok(_) => {}
            Err(source) => return Err(ImagesError::Read { file, source }),
        }
        let disk = FileOnDisk::of(existing, IMAGES_NAME, run_dir);
        ImagesFile::resume_on(Box::new(disk), 0, Countries::default())
    }

    /// Continues the file of a run: reads it, cuts off a torn tail, and makes the rest durable.
    /// Other damage is an error.
    pub(crate) fn resume(run_dir: &RunDir) -> Result<Resumed, ImagesError> {
        let file = run_dir.display_path(IMAGES_NAME);
        let images = run_dir.open_file(IMAGES_NAME)?;
        let mut lines = ImageReader::of(BufReader::with_capacity(BUFFER_BYTES, images), file);
        let mut countries = Countries::default();
        while let Some(next) = lines.next_with(line::customer_or_pair) {
            if let (_, (_, Some(pair))) = next? {
                countries.learn(pair.country_id, &pair.country_name);
            }
        }
        let good_bytes = lines.good_bytes();
        let torn_bytes = lines.bytes() - good_bytes;
        let mut disk = FileOnDisk::of(run_dir.append_file(IMAGES_NAME)?, IMAGES_NAME, run_dir);
        if torn_bytes > 0 {
            disk.cut(good_bytes).map_err(|source| ImagesError::Write {
                file: disk.display_path(),
                source,
            })?;
        }
        let file = ImagesFile::resume_on(Box::new(disk), good_bytes, countries)?;
        Ok(Resumed { file, torn_bytes })
    }

    /// Continues a file of this many bytes on this disk.
    pub(in crate::journal) fn resume_on(
        disk: Box<dyn Disk>,
        good_bytes: u64,
        countries: Countries,
    ) -> Result<ImagesFile, ImagesError> {
        let file = disk.display_path();
        let mut lines = JournalWriter::resume_on(disk, good_bytes);
        lines
            .make_place_durable()
            .map_err(|error| ImagesError::of_write(&file, error))?;
        Ok(ImagesFile {
            lines,
            countries,
            file,
        })
    }

    /// Queues an image for [`ImagesFile::sync`]. It is an error if its line would be too long to be
    /// read; then nothing is queued.
    pub(crate) fn push(&mut self, entry: &ImageEntry) -> Result<(), ImagesError> {
        let mut line = Vec::new();
        entry.encode(&mut line);
        let bytes_max = usize::try_from(LINE_BYTES_MAX).unwrap_or(usize::MAX);
        if line.len() > bytes_max {
            return Err(ImagesError::TooLong {
                row: entry.row,
                bytes_max,
            });
        }
        self.lines
            .push_line(|buffer| buffer.extend_from_slice(&line));
        Ok(())
    }

    /// Queues a country's id and name for [`ImagesFile::sync`], if they are new and there is room
    /// for them.
    pub(crate) fn push_country(&mut self, id: i64, name: &str) {
        if self.countries.learn(id, name) {
            let pair = CountryPair {
                country_id: id,
                country_name: name.to_owned(),
            };
            self.lines.push_line(|buffer| pair.encode(buffer));
        }
    }

    /// The pairs in the file.
    pub(crate) fn countries(&self) -> &Countries {
        &self.countries
    }

    /// Writes what is queued and makes it durable. The requests of these images may leave then, and
    /// not before.
    pub(crate) fn sync(&mut self) -> Result<(), ImagesError> {
        self.write()?;
        self.lines
            .sync()
            .map_err(|error| ImagesError::of_write(&self.file, error))
    }

    /// Ends this process's part of the file: syncs it and marks the sync, so that later damage
    /// anywhere before is found.
    pub(crate) fn close(&mut self) -> Result<(), ImagesError> {
        self.write()?;
        self.lines
            .close()
            .map_err(|error| ImagesError::of_write(&self.file, error))
    }

    fn write(&mut self) -> Result<(), ImagesError> {
        self.lines
            .flush()
            .map_err(|error| ImagesError::of_write(&self.file, error.source))
    }
}
