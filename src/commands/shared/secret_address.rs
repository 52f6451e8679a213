//! Addresses that are secrets: from a variable, or from a file that a setting names.

use anyhow::anyhow;
use secrecy::ExposeSecret as _;

use crate::api::SecretAddress;
use crate::commands::shared::secret_file;
use crate::config::secret::{AddressSetting, SecretSource};

/// Reads an address, if one is given. No error holds a part of it.
pub(in crate::commands) fn read(setting: &AddressSetting) -> anyhow::Result<Option<SecretAddress>> {
    let place = &setting.place;
    let text = match &setting.source {
        SecretSource::Missing => return Ok(None),
        SecretSource::Value(text) => text.clone(),
        SecretSource::File(path) => secret_file::read(place, path)?,
    };
    let address = SecretAddress::of(text.expose_secret(), setting.unencrypted);
    address
        .map(Some)
        .map_err(|error| anyhow!("{place}: {error}"))
}
