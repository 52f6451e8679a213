//! A member of an archive of rows: its name, its place, and a reader of its bytes.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use zip::CompressionMethod;
use zip::read::ZipFile;

use crate::input::bytes::archive::content::{Content, Method};
use crate::input::bytes::archive::directory::{self, CountedFile};
use crate::input::bytes::archive::fault::ArchiveFault;
use crate::input::bytes::compression::Packed;
use crate::input::bytes::decompress::DecompressionLimits;
use crate::input::bytes::steady::FileVersion;
use crate::input::bytes::stream_fault::StreamFault;
use crate::text;

/// A member that holds data, as the list of its archive names it. It can be opened only as long as
/// the archive is the same file with the same content.
#[derive(Debug, Clone)]
pub struct ArchiveMember(Arc<ListedMember>);

#[derive(Debug)]
struct ListedMember {
    archive: Arc<ArchiveFile>,
    name: Box<[u8]>,
    data: MemberData,
}

/// The file of an archive, when its members were listed.
#[derive(Debug)]
struct ArchiveFile {
    path: Box<Path>,
    version: FileVersion,
}

/// The place of a member's data, and what the archive states about it.
#[derive(Debug)]
struct MemberData {
    start: u64,
    packed_bytes: u64,
    bytes: u64,
    crc: u32,
    packing: Packing,
}

/// The packing of a member's data.
#[derive(Debug)]
enum Packing {
    Readable(Method),
    Encrypted,
    /// A method that is not read, with its name.
    Other(Box<str>),
}

/// An entry of an archive's list.
#[derive(Debug)]
pub(crate) enum ArchiveEntry {
    /// A file.
    File(ArchiveMember),
    /// A folder, a symbolic link, or a special file, with its name safe to show and what it is.
    Other(String, &'static str),
}

/// The members of a file, as far as it is an archive of rows.
pub(crate) enum Listing {
    /// The file is no archive, or a package such as a workbook, which is read as a whole.
    Single,
    /// The entries of an archive, in the order of their names.
    Archive(Vec<ArchiveEntry>),
}

/// A reader of a member's bytes. It fails at the end of a member that is not what the archive states.
struct MemberReader {
    content: Content<Arc<File>>,
    packed_bytes: u64,
    /// The size that the archive states.
    stated_bytes: u64,
    bytes: u64,
    limits: DecompressionLimits,
}

/// Parts of packages, in lower case: an archive with one of them is read as a whole.
const PACKAGE_PARTS: [&[u8]; 7] = [
    b"[content_types].xml",
    b"_rels/.rels",
    b"xl/workbook.xml",
    b"mimetype",
    b"meta-inf/manifest.xml",
    b"index/document.iwa",
    b"index.zip",
];
/// Extensions of packages: a file that is named so is not taken for an archive of rows if its list
/// cannot be read.
const PACKAGE_EXTENSIONS: [&str; 9] = [
    "xlsx", "xlsm", "xltx", "xltm", "xlsb", "ods", "docx", "pptx", "numbers",
];

/// Returns the entries of a regular file that is an archive of rows.
pub(crate) fn list(path: &Path) -> Result<Listing, ArchiveFault> {
    if !path.is_file() || !begins_as_archive(path) {
        return Ok(Listing::Single);
    }
    let version = FileVersion::of(path).map_err(ArchiveFault::Open)?;
    let mut zip = match directory::open(path) {
        Err(_) if is_named_as_package(path) => return Ok(Listing::Single),
        zip => zip?,
    };
    let is_part = |name: &[u8]| PACKAGE_PARTS.contains(&name.to_ascii_lowercase().as_slice());
    if zip.file_names_raw().any(is_part) {
        return Ok(Listing::Single);
    }
    let archive = Arc::new(ArchiveFile {
        path: path.into(),
        version,
    });
    let mut entries = Vec::with_capacity(zip.len());
    for place in 0..zip.len() {
        let entry = zip.by_index_raw(place);
        let entry =
            entry.map_err(|error| ArchiveFault::Unreadable(directory::reason_of(&error)))?;
        entries.push(ArchiveEntry::of(&entry, &archive)?);
    }
    entries.sort_by(|one, other| one.name().cmp(other.name()));
    Ok(Listing::Archive(entries))
}

/// Whether a file begins as an archive does. `false` if it cannot be opened; opening it later
/// reports why.
fn begins_as_archive(path: &Path) -> bool {
    let mut magic = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && matches!(&magic, b"PK\x03\x04" | b"PK\x05\x06")
}

fn is_named_as_package(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    PACKAGE_EXTENSIONS.iter().any(|usual| extension == *usual)
}

impl ArchiveEntry {
    fn of(
        entry: &ZipFile<'_, CountedFile>,
        archive: &Arc<ArchiveFile>,
    ) -> Result<ArchiveEntry, ArchiveFault> {
        const FILE_KIND: u32 = 0o170_000;
        const REGULAR: u32 = 0o100_000;
        // Data that `zip` was given on standard input is marked as a pipe.
        const PIPE: u32 = 0o010_000;
        let shown = || shown(entry.name_raw());
        let kind = entry.unix_mode().unwrap_or(0) & FILE_KIND;
        if entry.is_dir() {
            return Ok(ArchiveEntry::Other(shown(), "a folder"));
        }
        if entry.is_symlink() {
            return Ok(ArchiveEntry::Other(shown(), "a symbolic link"));
        }
        if !matches!(kind, 0 | REGULAR | PIPE) {
            return Ok(ArchiveEntry::Other(shown(), "not a regular file"));
        }
        let start = entry.data_start();
        let packing = match (entry.encrypted(), Method::of(entry.compression())) {
            (true, _) => Packing::Encrypted,
            (false, Some(method)) => Packing::Readable(method),
            (false, None) => Packing::Other(name_of(entry.compression()).into()),
        };
        let data = MemberData {
            start: start.ok_or_else(|| ArchiveFault::Unreadable("a member has no data".into()))?,
            packed_bytes: entry.compressed_size(),
            bytes: entry.size(),
            crc: entry.crc32(),
            packing,
        };
        let listed = ListedMember {
            archive: Arc::clone(archive),
            name: entry.name_raw().into(),
            data,
        };
        Ok(ArchiveEntry::File(ArchiveMember(Arc::new(listed))))
    }

    fn name(&self) -> &[u8] {
        match self {
            ArchiveEntry::File(member) => &member.0.name,
            ArchiveEntry::Other(shown, _) => shown.as_bytes(),
        }
    }
}

/// Returns the name of a method that is not read (APPNOTE.TXT §4.4.5).
fn name_of(method: CompressionMethod) -> String {
    text::safe(&method.to_string())
}

fn shown(name: &[u8]) -> String {
    text::safe_path(Path::new(OsStr::from_bytes(name)))
}

impl ArchiveMember {
    /// Returns the path of the archive.
    pub(crate) fn archive(&self) -> &Path {
        &self.0.archive.path
    }

    /// Returns the name in the archive, which is not to be opened: it may lead anywhere.
    pub(crate) fn name(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0.name))
    }

    /// Opens the archive.
    fn open_archive(&self) -> Result<File, ArchiveFault> {
        let file = File::open(&self.0.archive.path).map_err(ArchiveFault::Open)?;
        let metadata = file.metadata().map_err(ArchiveFault::Open)?;
        if FileVersion::of_metadata(&metadata) != self.0.archive.version {
            return Err(ArchiveFault::Changed);
        }
        Ok(file)
    }

    /// Opens the member. Also returns the file that it is read from.
    pub(crate) fn open(&self) -> Result<(impl Read + Send + use<>, Arc<File>), ArchiveFault> {
        let method = match &self.0.data.packing {
            Packing::Readable(method) => *method,
            Packing::Encrypted => return Err(ArchiveFault::Encrypted),
            Packing::Other(name) => return Err(ArchiveFault::Method(name.to_string())),
        };
        let mut file = self.open_archive()?;
        file.seek(SeekFrom::Start(self.0.data.start))
            .map_err(ArchiveFault::Open)?;
        let file = Arc::new(file);
        let packed = Arc::clone(&file).take(self.0.data.packed_bytes);
        let reader = MemberReader {
            content: Content::new(packed, method, self.0.data.crc),
            packed_bytes: self.0.data.packed_bytes,
            stated_bytes: self.0.data.bytes,
            bytes: 0,
            limits: DecompressionLimits::default(),
        };
        Ok((reader, file))
    }

    /// Opens the archive. Returns it with the place of the member's packed data, and its size.
    pub(crate) fn packed(&self) -> io::Result<(File, u64, u64)> {
        let file = self.open_archive().map_err(|fault| match fault {
            ArchiveFault::Open(error) => error,
            fault => io::Error::other(fault),
        })?;
        Ok((file, self.0.data.start, self.0.data.packed_bytes))
    }
}

impl Ord for ArchiveMember {
    /// Compares the archives, then the names: no two members of an archive have the same.
    fn cmp(&self, other: &ArchiveMember) -> Ordering {
        let (one, two) = (&self.0, &other.0);
        let archives = one.archive.path.cmp(&two.archive.path);
        archives.then_with(|| one.name.cmp(&two.name))
    }
}

impl PartialEq for ArchiveMember {
    fn eq(&self, other: &ArchiveMember) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for ArchiveMember {}

impl PartialOrd for ArchiveMember {
    fn partial_cmp(&self, other: &ArchiveMember) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for ArchiveMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let archive = text::safe_path(&self.0.archive.path);
        write!(f, "{archive}[{}]", shown(&self.0.name))
    }
}

impl Read for MemberReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let damaged = |source: io::Error| StreamFault::Damaged {
            packed: Packed::Zip,
            source,
        };
        let read = self.content.read(into);
        let count = read.map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            // An error of the system concerns the file, not its contents.
            _ if error.raw_os_error().is_some() => error,
            io::ErrorKind::UnexpectedEof => StreamFault::CutOff(Packed::Zip).into(),
            _ => damaged(error).into(),
        })?;
        self.bytes += u64::try_from(count).unwrap_or(u64::MAX);
        if count == 0 && !into.is_empty() && self.bytes != self.stated_bytes {
            let source = io::Error::other("it has another size than the archive states");
            return Err(damaged(source).into());
        }
        self.limits
            .check(self.bytes, self.packed_bytes, Packed::Zip)?;
        Ok(count)
    }
}
