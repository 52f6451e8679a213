//! The identity of an input: its size, and digests of its columns and of the bytes at either end.

use std::io;

use crate::commands::Failure;
use crate::input::{KnownInput, StoredBytes};
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
    let stored = input
        .can_be_read_twice()
        .then(|| StoredBytes::of(name))
        .transpose()?;
    match stored.flatten() {
        Some(stored) => identity_of_stored(stored, unknown, key),
        None => Ok(unknown),
    }
}

fn identity_of_stored(
    mut stored: StoredBytes,
    unknown: InputIdentity,
    key: RunKey,
) -> io::Result<InputIdentity> {
    let bytes = stored.len();
    let head = stored.part(0, IDENTITY_BYTES)?;
    let tail = stored.part(bytes.saturating_sub(IDENTITY_BYTES), IDENTITY_BYTES)?;
    Ok(InputIdentity {
        bytes: Some(bytes),
        head: Some(key.digest(head)),
        tail: Some(key.digest(tail)),
        ..unknown
    })
}

/// Whether the input still begins with the bytes of `earlier`.
pub(in crate::commands) fn begins_as(
    input: &KnownInput,
    earlier: &InputIdentity,
    key: RunKey,
) -> io::Result<bool> {
    let (Some(bytes), Some(head)) = (earlier.bytes, &earlier.head) else {
        return Ok(false);
    };
    let Some(mut stored) = StoredBytes::of(input.name())? else {
        return Ok(false);
    };
    Ok(key.digest(stored.part(0, bytes.min(IDENTITY_BYTES))?) == *head)
}
