//! The zip archive of a workbook (ECMA-376 part 2, Open Packaging Conventions): its parts by name,
//! each decompressed while it is read, within limits. The sizes that the archive states are not
//! trusted.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;

use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use crate::text;

use super::fault::{PartFault, TooLarge};
use super::xml::Xml;
use crate::input::bytes::magic;
use crate::input::bytes::not_text::NotText;
use crate::input::bytes::steady::SteadyFile;
use crate::input::error::InputFault;

/// The most bytes to read for the list of parts. The list is held in memory.
const DIRECTORY_BYTES_MAX: u64 = 2 << 20;
/// The most parts.
const PARTS_MAX: usize = 10_000;
/// The largest size of a part as a multiple of its compressed size …
const RATIO_MAX: u64 = 250;
/// … applied above this size.
const RATIO_FROM_BYTES: u64 = 64 << 20;
/// The size of the archive's end record with the longest comment (APPNOTE.TXT §4.3.16).
const END_BYTES_MAX: u64 = 22 + 65_535;
const END_MAGIC: &[u8] = b"PK\x05\x06";

/// An open workbook.
pub(crate) struct Package {
    zip: ZipArchive<CountedPart>,
    /// The places of the parts by their names, in lower case: names are compared without case (part
    /// 2 §6.2.2.3).
    places: HashMap<String, usize>,
}

/// A part that is being decompressed.
pub(crate) struct PackagePart<'z> {
    file: ZipFile<'z, CountedPart>,
    bytes: u64,
    bytes_max: u64,
}

/// A file with a limit on the bytes that may be read.
struct CountedPart {
    file: BufReader<SteadyFile>,
    left: Rc<Cell<u64>>,
}

impl Package {
    /// Opens a workbook and reads the list of its parts.
    pub(crate) fn open(path: &Path) -> Result<Package, InputFault> {
        let mut file = BufReader::new(SteadyFile::open(path).map_err(InputFault::Open)?);
        if !has_end(&mut file).map_err(InputFault::Open)? {
            return Err(cut_off(&mut file, path));
        }
        let left = Rc::new(Cell::new(DIRECTORY_BYTES_MAX));
        let counted = CountedPart {
            file,
            left: Rc::clone(&left),
        };
        let unusable = |error: ZipError| InputFault::Workbook {
            reason: reason_of(&error),
        };
        let mut zip = ZipArchive::new(counted).map_err(unusable)?;
        let refused = |reason: String| Err(InputFault::Workbook { reason });
        if zip.len() > PARTS_MAX {
            return refused(format!("it has {} parts, more than {PARTS_MAX}", zip.len()));
        }
        if zip.has_duplicate_names() {
            return refused("two of its parts have the same name".to_owned());
        }
        if zip.has_overlapping_entries().map_err(unusable)? {
            return refused("its parts overlap, as in malicious files".to_owned());
        }
        left.set(u64::MAX);
        let mut places = HashMap::new();
        for (place, name) in zip.file_names_raw().enumerate() {
            if places
                .insert(normal(&String::from_utf8_lossy(name)), place)
                .is_some()
            {
                return refused("two of its parts have the same name".to_owned());
            }
        }
        Ok(Package { zip, places })
    }

    /// Whether there is a part of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.places.contains_key(&normal(name))
    }

    /// Whether there is a part whose name has this prefix.
    pub(crate) fn has_below(&self, prefix: &str) -> bool {
        let prefix = normal(prefix);
        self.places.keys().any(|name| name.starts_with(&prefix))
    }

    /// Returns the XML of a part, or `None` if there is no such part.
    pub(crate) fn part(&mut self, name: &str) -> Result<Option<Xml<PackagePart<'_>>>, PartFault> {
        let Some(place) = self.places.get(&normal(name)) else {
            return Ok(None);
        };
        let shown = text::safe(name.trim_start_matches('/'));
        let unusable =
            |error: ZipError| PartFault::unreadable(format!("{shown}: {}", reason_of(&error)));
        let file = self.zip.by_index(*place).map_err(unusable)?;
        let bytes_max = file
            .compressed_size()
            .saturating_mul(RATIO_MAX)
            .max(RATIO_FROM_BYTES);
        Ok(Some(Xml::new(
            PackagePart {
                file,
                bytes: 0,
                bytes_max,
            },
            &shown,
        )))
    }
}

/// Returns the name of a part as it is looked up.
fn normal(name: &str) -> String {
    name.replace('\\', "/")
        .trim_start_matches('/')
        .to_lowercase()
}

/// Whether a file has the end record of a zip archive.
fn has_end(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(END_BYTES_MAX)))?;
    let mut end = Vec::new();
    file.take(END_BYTES_MAX).read_to_end(&mut end)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(memchr::memmem::rfind(&end, END_MAGIC).is_some())
}

/// Identifies an archive without an end, as far as possible.
fn cut_off(file: &mut impl Read, path: &Path) -> InputFault {
    let mut head = Vec::new();
    // If it cannot be read again, the name alone decides.
    file.take(512).read_to_end(&mut head).ok();
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let is_named_so = ["xlsx", "xlsm", "xltx"]
        .iter()
        .any(|usual| extension == *usual);
    match magic::zip(&head) {
        NotText::UnseekableWorkbook => InputFault::WorkbookCutOff,
        _ if is_named_so => InputFault::WorkbookCutOff,
        other => other.into(),
    }
}

/// Returns the reason why an archive cannot be read, safe to show.
fn reason_of(error: &ZipError) -> String {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            "it is protected by a password".to_owned()
        }
        ZipError::Io(error) => text::safe(&error.to_string()),
        error => text::safe(&error.to_string()),
    }
}

impl Read for CountedPart {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(into)?;
        let bytes = u64::try_from(count).unwrap_or(u64::MAX);
        match self.left.get().checked_sub(bytes) {
            Some(left) => self.left.set(left),
            None => return Err(io::Error::other("the list of its parts is too long")),
        }
        Ok(count)
    }
}

impl Seek for CountedPart {
    /// A short seek within the buffer needs no read.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Read for PackagePart<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(into)?;
        self.bytes += u64::try_from(count).unwrap_or(u64::MAX);
        if self.bytes > self.bytes_max {
            return Err(io::Error::other(TooLarge {
                bytes_max: self.bytes_max,
            }));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn names_are_equal_however_they_are_written() {
        for name in ["xl/workbook.xml", "/xl/workbook.xml", "XL\\Workbook.xml"] {
            assert_eq!(normal(name), "xl/workbook.xml");
        }
    }

    #[test]
    fn the_end_of_an_archive_is_found_behind_a_comment() {
        let check = |behind: usize, want: bool| {
            let content = [vec![7; 100_000], END_MAGIC.to_vec(), vec![7; behind]].concat();
            assert_eq!(
                has_end(&mut Cursor::new(content)).expect("memory"),
                want,
                "{behind}"
            );
        };
        check(18, true);
        check(18 + 65_535, true);
        check(22 + 65_535, false);
    }
}
