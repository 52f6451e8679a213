//! A file that keeps its first error. The archive's writer writes an end also after an error, and
//! would report a second error on standard error.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::rc::Rc;

use super::spool::BUFFER_BYTES;

/// The first error of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct FirstError(Rc<RefCell<Option<io::Error>>>);

/// A file that takes all bytes, but drops those behind its first error.
#[derive(Debug)]
pub(super) struct QuietFile {
    file: BufWriter<File>,
    error: FirstError,
    /// The place of the next byte, and the end of the file, as if there were no error.
    place: u64,
    end: u64,
}

impl FirstError {
    /// Returns the error, if there is one.
    pub(super) fn check(&self) -> io::Result<()> {
        match &*self.0.borrow() {
            None => Ok(()),
            Some(error) => Err(io::Error::new(error.kind(), error.to_string())),
        }
    }

    fn is_none(&self) -> bool {
        self.0.borrow().is_none()
    }

    fn keep(&self, error: io::Error) {
        self.0.borrow_mut().get_or_insert(error);
    }
}

impl QuietFile {
    pub(super) fn new(file: File, error: FirstError) -> QuietFile {
        QuietFile {
            file: BufWriter::with_capacity(BUFFER_BYTES, file),
            error,
            place: 0,
            end: 0,
        }
    }

    /// Writes the rest of the file, and returns it.
    pub(super) fn finish(self) -> io::Result<File> {
        self.error.check()?;
        self.file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
    }
}

impl Write for QuietFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.error.is_none()
            && let Err(error) = self.file.write_all(bytes)
        {
            self.error.keep(error);
        }
        self.place += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.end = self.end.max(self.place);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for QuietFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(by) => self.place.checked_add_signed(by),
            SeekFrom::End(by) => self.end.checked_add_signed(by),
        };
        let place = place.ok_or(io::ErrorKind::InvalidInput)?;
        if self.error.is_none()
            && place != self.place
            && let Err(error) = self.file.seek(SeekFrom::Start(place))
        {
            self.error.keep(error);
        }
        self.place = place;
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    /// Writes this many bytes as an archive.
    fn archive(file: File, bytes: usize) -> io::Result<()> {
        let error = FirstError::default();
        let mut zip = ZipWriter::new(QuietFile::new(file, error.clone()));
        let stored =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file("a", stored)?;
        zip.write_all(&vec![b'x'; bytes])?;
        error.check()?;
        zip.finish()?.finish().map(drop)
    }

    #[test]
    fn the_first_error_is_kept_and_the_only_one() {
        for bytes in [1, 10 * BUFFER_BYTES] {
            let full = File::options()
                .write(true)
                .open("/dev/full")
                .expect("a device");
            let found = archive(full, bytes).map_err(|error| error.kind());
            assert_eq!(found, Err(io::ErrorKind::StorageFull), "{bytes}");
        }
    }

    #[test]
    fn an_archive_is_whole() {
        let file = tempfile::tempfile().expect("a temporary file");
        let bytes = 3 * BUFFER_BYTES;
        archive(file.try_clone().expect("a descriptor"), bytes).expect("the disk has room");
        let mut zip = zip::ZipArchive::new(file).expect("a zip file");
        let size = zip.by_name("a").expect("the part").size();
        assert_eq!(usize::try_from(size), Ok(bytes));
    }
}
