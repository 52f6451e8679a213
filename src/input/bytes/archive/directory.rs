//! The list of an archive's members. It is held in memory, so that it has limits; what it states is
//! checked where it can be.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::input::bytes::archive::fault::ArchiveFault;
use crate::input::bytes::steady::SteadyFile;
use crate::text;

/// The most bytes to read for the list of members.
const DIRECTORY_BYTES_MAX: u64 = 2 << 20;
/// The most members.
const MEMBERS_MAX: usize = 10_000;
/// The size of the archive's end record with the longest comment (APPNOTE.TXT §4.3.16).
const END_BYTES_MAX: u64 = 22 + 65_535;
const END_MAGIC: &[u8] = b"PK\x05\x06";
/// The size of the end record without a comment, and the place of the comment's length in it.
const END_BYTES: usize = 22;
const COMMENT_LENGTH_AT: usize = 20;

/// A file with a limit on the bytes that may be read.
pub(crate) struct CountedFile {
    file: BufReader<SteadyFile>,
    left: Arc<AtomicU64>,
}

/// Opens an archive and reads the list of its members: no two of them have the same name or share
/// bytes.
pub(crate) fn open(path: &Path) -> Result<ZipArchive<CountedFile>, ArchiveFault> {
    let mut file = BufReader::new(SteadyFile::open(path).map_err(ArchiveFault::Open)?);
    if !has_end(&mut file).map_err(ArchiveFault::Open)? {
        return Err(ArchiveFault::CutOff);
    }
    let left = Arc::new(AtomicU64::new(DIRECTORY_BYTES_MAX));
    let counted = CountedFile {
        file,
        left: Arc::clone(&left),
    };
    let unreadable = |error: ZipError| match left.load(Ordering::Relaxed) {
        0 => ArchiveFault::LongDirectory,
        _ => ArchiveFault::Unreadable(reason_of(&error)),
    };
    let mut zip = ZipArchive::new(counted).map_err(unreadable)?;
    if zip.len() > MEMBERS_MAX {
        return Err(ArchiveFault::TooMany {
            members: zip.len(),
            members_max: MEMBERS_MAX,
        });
    }
    if zip.has_duplicate_names() {
        return Err(ArchiveFault::SameName);
    }
    // A look at each member's own header reads a bufferful there.
    left.store(u64::MAX, Ordering::Relaxed);
    let overlap = zip.has_overlapping_entries();
    if overlap.map_err(|error| ArchiveFault::Unreadable(reason_of(&error)))? {
        return Err(ArchiveFault::Overlap);
    }
    Ok(zip)
}

/// Whether a file has the whole end record of a zip archive, with its comment.
fn has_end(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(END_BYTES_MAX)))?;
    let mut end = Vec::new();
    file.take(END_BYTES_MAX).read_to_end(&mut end)?;
    file.seek(SeekFrom::Start(0))?;
    // A comment may hold the magic number, too.
    let is_whole = |at: usize| {
        let record = end.get(at..).unwrap_or_default();
        let comment = record
            .get(COMMENT_LENGTH_AT..)
            .and_then(<[u8]>::first_chunk);
        comment.is_some_and(|length| {
            record.len() >= END_BYTES + usize::from(u16::from_le_bytes(*length))
        })
    };
    Ok(memchr::memmem::find_iter(&end, END_MAGIC).any(is_whole))
}

/// Returns the reason why an archive cannot be read, safe to show. The library's own words name its
/// types.
pub(crate) fn reason_of(error: &ZipError) -> String {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => {
            "it is protected by a password".to_owned()
        }
        ZipError::Io(error) if error.raw_os_error().is_some() => text::safe(&error.to_string()),
        ZipError::UnsupportedArchive(_) => {
            "it is of a kind that is not supported, such as one of several volumes".to_owned()
        }
        ZipError::CompressionMethodNotSupported(method) => {
            format!("it is packed by a method that is not supported ({method})")
        }
        _ => "it is damaged".to_owned(),
    }
}

impl Read for CountedFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(into)?;
        let bytes = u64::try_from(count).unwrap_or(u64::MAX);
        let left = self.left.load(Ordering::Relaxed).checked_sub(bytes);
        self.left.store(left.unwrap_or(0), Ordering::Relaxed);
        left.map(|_| count)
            .ok_or_else(|| io::Error::other("the list is too long"))
    }
}

impl Seek for CountedFile {
    /// A short seek within the buffer needs no read.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn the_end_of_an_archive_is_found_behind_a_comment() {
        let check = |comment: u16, behind: usize, want: bool| {
            let content = [
                &vec![7; 100_000][..],
                END_MAGIC,
                &[0; 16],
                &comment.to_le_bytes(),
                &vec![7; behind],
            ]
            .concat();
            assert_eq!(
                has_end(&mut Cursor::new(content)).expect("memory"),
                want,
                "{comment} {behind}"
            );
        };
        check(0, 0, true);
        check(u16::MAX, 65_535, true);
        check(0, 65_536, false);
        check(9, 8, false);
    }
}
