//! Compound files (OLE2, [MS-CFB]): the workbook format before Excel 2007, and the container of an
//! encrypted workbook.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use crate::input::bytes::name::InputName;

/// The part of the directory that is searched. An encrypted workbook has few entries.
const DIRECTORY_BYTES: u64 = 4096;

/// Whether a compound file is an encrypted workbook ([MS-OFFCRYPTO] §2.3.4). `false` if the file
/// cannot be read.
pub(crate) fn is_encrypted(name: &InputName) -> bool {
    let InputName::Path(path) = name else {
        return false;
    };
    path.is_file()
        && File::open(path)
            .ok()
            .and_then(directory)
            .is_some_and(|directory| names_package(&directory))
}

/// Reads the start of the directory, which the file's header points to ([MS-CFB] §2.2).
fn directory(mut file: File) -> Option<Vec<u8>> {
    let mut header = [0; 512];
    file.read_exact(&mut header).ok()?;
    let sector_power = u16::from_le_bytes(header.get(30..32)?.try_into().ok()?);
    let sector = u32::from_le_bytes(header.get(48..52)?.try_into().ok()?);
    let at = u64::from(sector)
        .checked_add(1)?
        .checked_mul(1 << sector_power.min(16))?;
    file.seek(SeekFrom::Start(at)).ok()?;
    let mut directory = Vec::new();
    file.take(DIRECTORY_BYTES)
        .read_to_end(&mut directory)
        .ok()?;
    Some(directory)
}

fn names_package(directory: &[u8]) -> bool {
    let name: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    memchr::memmem::find(directory, &name).is_some()
}
