//! The zip archive of a workbook (ECMA-376 part 2, Open Packaging Conventions): its parts by name,
//! each decompressed while it is read, within limits. The sizes that the archive states are not
//! trusted.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;

use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use crate::text;

use super::fault::{PartFault, TooLarge};
use super::xml::Xml;
use crate::input::bytes::archive::content::{Content, Method};
use crate::input::bytes::archive::directory::{self, CountedFile, reason_of};
use crate::input::bytes::archive::fault::ArchiveFault;
use crate::input::bytes::magic;
use crate::input::bytes::not_text::NotText;
use crate::input::error::InputFault;

/// The largest size of a part as a multiple of its compressed size …
const RATIO_MAX: u64 = 250;
/// … applied above this size.
const RATIO_FROM_BYTES: u64 = 64 << 20;
/// An open workbook.
pub(crate) struct Package {
    zip: ZipArchive<CountedFile>,
    /// The places of the parts by their names, in lower case: names are compared without case (part
    /// 2 §6.2.2.3).
    places: HashMap<String, usize>,
}

/// A part that owns its archive, so that it can be read long after it was found.
pub(crate) type OwnedPart = Content<CountedFile>;

/// A part that is being decompressed, with a limit on its bytes.
pub(crate) struct PackagePart<R> {
    part: R,
    bytes: u64,
    bytes_max: u64,
}

/// A part with its name, safe to show.
type NamedPart<R> = (PackagePart<R>, String);

impl Package {
    /// Opens a workbook and reads the list of its parts.
    pub(crate) fn open(path: &Path) -> Result<Package, InputFault> {
        let zip = directory::open(path).map_err(|fault| fault_of(fault, path))?;
        let refused = |reason: String| Err(InputFault::Workbook { reason });
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

    /// Returns the first bytes of a part, at most so many. They are empty if there is no such part.
    pub(crate) fn start_of(&mut self, name: &str, bytes_max: u64) -> Result<Vec<u8>, PartFault> {
        let mut start = Vec::new();
        if let Some((part, shown)) = self.bytes(name)? {
            let read = part.take(bytes_max).read_to_end(&mut start);
            read.map_err(|error| PartFault::of_read(error, &shown))?;
        }
        Ok(start)
    }

    /// Returns the XML of a part, or `None` if there is no such part.
    pub(crate) fn part(
        &mut self,
        name: &str,
    ) -> Result<Option<Xml<PackagePart<ZipFile<'_, CountedFile>>>>, PartFault> {
        let part = self.bytes(name)?;
        Ok(part.map(|(bytes, shown)| Xml::new(bytes, &shown)))
    }

    /// Returns the XML of a part, as [`part`](Self::part) does, but with the whole archive.
    pub(crate) fn into_part(
        self,
        name: &str,
    ) -> Result<Option<Xml<PackagePart<OwnedPart>>>, PartFault> {
        let part = self.into_bytes(name)?;
        Ok(part.map(|(bytes, shown)| Xml::new(bytes, &shown)))
    }

    /// Returns the bytes of a part, with its name safe to show; `None` if there is no such part.
    pub(crate) fn bytes(
        &mut self,
        name: &str,
    ) -> Result<Option<NamedPart<ZipFile<'_, CountedFile>>>, PartFault> {
        let Some(place) = self.places.get(&normal(name)) else {
            return Ok(None);
        };
        let shown = shown(name);
        let part = self.zip.by_index(*place);
        let part = part.map_err(|error| unusable(&shown, &error))?;
        let bytes_max = bytes_max(&part);
        Ok(Some((PackagePart::new(part, bytes_max), shown)))
    }

    /// Returns the bytes of a part, as [`bytes`](Self::bytes) does, but with the whole archive.
    pub(crate) fn into_bytes(
        mut self,
        name: &str,
    ) -> Result<Option<NamedPart<OwnedPart>>, PartFault> {
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
        // `by_index` refuses what it cannot unpack.
        let method = Method::of(method)
            .ok_or_else(|| PartFault::unreadable(format!("{shown}: {method}")))?;
        let part = Content::new(compressed, method, crc);
        Ok(Some((PackagePart::new(part, bytes_max), shown)))
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
fn bytes_max(part: &ZipFile<'_, CountedFile>) -> u64 {
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

/// Returns the fault of a workbook whose archive cannot be used.
fn fault_of(fault: ArchiveFault, path: &Path) -> InputFault {
    let reason = match fault {
        ArchiveFault::CutOff => return cut_off(path),
        ArchiveFault::Unreadable(reason) => reason,
        ArchiveFault::LongDirectory => "the list of its parts is too long".to_owned(),
        ArchiveFault::TooMany {
            members,
            members_max,
        } => format!("it has {members} parts, more than {members_max}"),
        ArchiveFault::SameName => "two of its parts have the same name".to_owned(),
        ArchiveFault::Overlap => "its parts overlap, as in malicious files".to_owned(),
        fault @ (ArchiveFault::Open(_)
        | ArchiveFault::Changed
        | ArchiveFault::Encrypted
        | ArchiveFault::Method(_)) => return fault.into(),
    };
    InputFault::Workbook { reason }
}

/// Identifies an archive without an end, as far as possible.
fn cut_off(path: &Path) -> InputFault {
    let mut head = Vec::new();
    // If it cannot be read again, the name alone decides.
    if let Ok(file) = File::open(path) {
        file.take(512).read_to_end(&mut head).ok();
    }
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let is_named_so = ["xlsx", "xlsm", "xltx", "xlsb", "ods", "ots"]
        .iter()
        .any(|usual| extension == *usual);
    match magic::zip(&head) {
        NotText::UnseekableWorkbook => InputFault::WorkbookCutOff,
        _ if is_named_so => InputFault::WorkbookCutOff,
        other => other.into(),
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
    use super::*;

    #[test]
    fn names_are_equal_however_they_are_written() {
        for name in ["xl/workbook.xml", "/xl/workbook.xml", "XL\\Workbook.xml"] {
            assert_eq!(normal(name), "xl/workbook.xml");
        }
    }
}
