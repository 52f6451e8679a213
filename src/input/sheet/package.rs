//! The zip archive of a workbook (ECMA-376 part 2, Open Packaging Conventions): its parts by name,
//! each decompressed while it is read, within limits. The sizes that the archive states are not
//! trusted.

use std::collections::HashMap;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::CrcReader;
use flate2::read::DeflateDecoder;
use zip::read::ZipFile;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

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

/// A part that is being decompressed, with a limit on its bytes.
pub(crate) struct PackagePart<R> {
    part: R,
    bytes: u64,
    bytes_max: u64,
}

/// A part that owns its archive, so that it can be read long after it was found.
pub(crate) struct OwnedPart {
    content: CrcReader<Content>,
    /// The checksum that the archive states.
    crc: u32,
}

/// The content of a part.
enum Content {
    Stored(Take<CountedPart>),
    Deflated(Box<DeflateDecoder<Take<CountedPart>>>),
}

/// A file with a limit on the bytes that may be read.
pub(crate) struct CountedPart {
    file: BufReader<SteadyFile>,
    left: Arc<AtomicU64>,
}

impl Package {
    /// Opens a workbook and reads the list of its parts.
    pub(crate) fn open(path: &Path) -> Result<Package, InputFault> {
        let mut file = BufReader::new(SteadyFile::open(path).map_err(InputFault::Open)?);
        if !has_end(&mut file).map_err(InputFault::Open)? {
            return Err(cut_off(&mut file, path));
        }
        let left = Arc::new(AtomicU64::new(DIRECTORY_BYTES_MAX));
        let counted = CountedPart {
            file,
            left: Arc::clone(&left),
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
        left.store(u64::MAX, Ordering::Relaxed);
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
    pub(crate) fn part(
        &mut self,
        name: &str,
    ) -> Result<Option<Xml<PackagePart<ZipFile<'_, CountedPart>>>>, PartFault> {
        let Some(place) = self.places.get(&normal(name)) else {
            return Ok(None);
        };
        let shown = shown(name);
        let part = self.zip.by_index(*place);
        let part = part.map_err(|error| unusable(&shown, &error))?;
        let bytes_max = bytes_max(&part);
        Ok(Some(Xml::new(PackagePart::new(part, bytes_max), &shown)))
    }

    /// Returns the XML of a part, as [`part`](Self::part) does, but with the whole archive.
    pub(crate) fn into_part(
        mut self,
        name: &str,
    ) -> Result<Option<Xml<PackagePart<OwnedPart>>>, PartFault> {
        let Some(place) = self.places.get(&normal(name)) else {
            return Ok(None);
        };
        let shown = shown(name);
        let part = self.zip.by_index(*place);
        let part = part.map_err(|error| unusable(&shown, &error))?;
        let (bytes_max, bytes, crc) = (bytes_max(&part), part.compressed_size(), part.crc32());
        let (method, start) = (part.compression(), part.data_start());
        drop(part);
        let mut archive = self.zip.into_inner();
        let start =
            start.ok_or_else(|| PartFault::unreadable(format!("{shown}: it has no data")))?;
        archive
            .seek(SeekFrom::Start(start))
            .map_err(PartFault::Read)?;
        let compressed = archive.take(bytes);
        let content = match method {
            CompressionMethod::Stored => Content::Stored(compressed),
            CompressionMethod::Deflated => {
                Content::Deflated(Box::new(DeflateDecoder::new(compressed)))
            }
            // `by_index` refuses what it cannot decompress.
            _ => return Err(PartFault::unreadable(format!("{shown}: {method}"))),
        };
        let part = OwnedPart {
            content: CrcReader::new(content),
            crc,
        };
        Ok(Some(Xml::new(PackagePart::new(part, bytes_max), &shown)))
    }
}

/// Returns the name of a part, safe to show.
fn shown(name: &str) -> String {
    text::safe(name.trim_start_matches('/'))
}

fn unusable(shown: &str, error: &ZipError) -> PartFault {
    PartFault::unreadable(format!("{shown}: {}", reason_of(error)))
}

/// Returns the most bytes that a part may unpack to.
fn bytes_max(part: &ZipFile<'_, CountedPart>) -> u64 {
    part.compressed_size()
        .saturating_mul(RATIO_MAX)
        .max(RATIO_FROM_BYTES)
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
        match self.left.load(Ordering::Relaxed).checked_sub(bytes) {
            Some(left) => self.left.store(left, Ordering::Relaxed),
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

impl Read for Content {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Content::Stored(content) => content.read(into),
            Content::Deflated(content) => content.read(into),
        }
    }
}

impl Read for OwnedPart {
    /// Fails at the end of a part that does not have its checksum.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(into)?;
        if count == 0 && !into.is_empty() && self.content.crc().sum() != self.crc {
            return Err(io::Error::other("Invalid checksum"));
        }
        Ok(count)
    }
}

impl<R> PackagePart<R> {
    fn new(part: R, bytes_max: u64) -> PackagePart<R> {
        PackagePart {
            part,
            bytes: 0,
            bytes_max,
        }
    }
}

impl<R: Read> Read for PackagePart<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.part.read(into)?;
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
