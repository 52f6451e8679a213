//! The identity of an input: its size, and digests of its columns and of the bytes at either end.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use crate::commands::Failure;
use crate::input::{InputName, KnownInput};
use crate::journal::{InputIdentity, RunKey};

/// The bytes at either end of an input that belong to its identity.
const IDENTITY_BYTES: u64 = 64 << 10;

/// Returns the identities of the inputs.
pub(in crate::commands) fn identities(
    inputs: &[KnownInput],
    key: RunKey,
) -> Result<Vec<InputIdentity>, Failure> {
    inputs
        .iter()
        .map(|input| identity(input, key).map_err(Failure::unusable))
        .collect()
}

fn identity(input: &KnownInput, key: RunKey) -> io::Result<InputIdentity> {
    let columns = input.layout().delimited();
    let columns = columns.map(|csv| key.digest(format!("{:?}", csv.names())));
    let name = input.name();
    let unknown = InputIdentity {
        name: name.to_string(),
        bytes: None,
        head: None,
        tail: None,
        columns,
    };
    match name {
        InputName::Path(path) if input.can_be_read_twice() => identity_of_file(path, unknown, key),
        InputName::Path(_) | InputName::Stdin => Ok(unknown),
    }
}

fn identity_of_file(path: &Path, unknown: InputIdentity, key: RunKey) -> io::Result<InputIdentity> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let head = digest_of_part(&mut file, 0, IDENTITY_BYTES, key)?;
    let tail = digest_of_part(
        &mut file,
        bytes.saturating_sub(IDENTITY_BYTES),
        IDENTITY_BYTES,
        key,
    )?;
    Ok(InputIdentity {
        bytes: Some(bytes),
        head: Some(head),
        tail: Some(tail),
        ..unknown
    })
}

/// Whether the input still begins with the bytes of `earlier`.
pub(in crate::commands) fn begins_as(
    input: &KnownInput,
    earlier: &InputIdentity,
    key: RunKey,
) -> io::Result<bool> {
    let (InputName::Path(path), Some(bytes), Some(head)) =
        (input.name(), earlier.bytes, &earlier.head)
    else {
        return Ok(false);
    };
    Ok(digest_of_part(&mut File::open(path)?, 0, bytes.min(IDENTITY_BYTES), key)? == *head)
}

fn digest_of_part(file: &mut File, from: u64, bytes: u64, key: RunKey) -> io::Result<String> {
    let mut part = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.take(bytes).read_to_end(&mut part)?;
    Ok(key.digest(part))
}
