//! The objects that an address in object storage names: a folder means the objects in it, a pattern
//! those that match, as with files.

use anyhow::{Context as _, anyhow, bail};
use glob::{MatchOptions, Pattern};
use tracing::info;

use crate::commands::shared::file_kinds::{extensions_of_files, hidden_reason, is_input};
use crate::download::{Address, DownloadOptions};
use crate::input::InputName;
use crate::objects::{Bucket, Depth, Listing, ObjectAddress};

/// The rules of patterns: those of a shell, in which `*` matches neither a slash nor a hidden name.
const RULES: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Returns the objects that the address names; `None` if it names a single one.
pub(in crate::commands) fn expand(
    address: &ObjectAddress,
    options: &DownloadOptions,
) -> anyhow::Result<Option<Vec<InputName>>> {
    let keys = if address.is_folder() {
        of_folder(address, options)?
    } else if let Some(special) = address.key().find(['*', '?', '[']) {
        of_pattern(address, special, options)?
    } else {
        return Ok(None);
    };
    let named = |key| InputName::Address(Address::from(address.with_key(key)));
    Ok(Some(keys.into_iter().map(named).collect()))
}

/// Returns the keys of a folder's objects that can be inputs by their names. Others are logged.
fn of_folder(address: &ObjectAddress, options: &DownloadOptions) -> anyhow::Result<Vec<String>> {
    let Listing { keys, folders } = list(address, address.key(), Depth::Folder, options)?;
    for folder in folders {
        let folder = address.with_key(format!("{folder}/"));
        info!(
            "{folder}: skipped: a folder inside a folder (name it, or give the pattern `**/*.csv`)"
        );
    }
    let mut inputs = Vec::new();
    for key in keys {
        let name = key.rsplit('/').next().unwrap_or_default();
        let why = match hidden_reason(name.as_bytes()) {
            Some(why) => why,
            None if !is_input(name.as_ref()) => "unknown file extension",
            None => {
                inputs.push(key);
                continue;
            }
        };
        info!("{}: skipped: {why}", address.with_key(key));
    }
    if inputs.is_empty() {
        bail!(
            "{address}: no object in this folder has the extension {}",
            extensions_of_files()
        );
    }
    Ok(inputs)
}

/// Returns the keys that match. The key has its first special character at `special`.
fn of_pattern(
    address: &ObjectAddress,
    special: usize,
    options: &DownloadOptions,
) -> anyhow::Result<Vec<String>> {
    let (prefix, rest) = address.key().split_at(special);
    let pattern = Pattern::new(address.key());
    let pattern = pattern.with_context(|| format!("{address}: not a valid pattern"))?;
    let depth = if rest.contains('/') {
        Depth::All
    } else {
        Depth::Folder
    };
    let mut keys = list(address, prefix, depth, options)?.keys;
    keys.retain(|key| pattern.matches_with(key, RULES));
    if keys.is_empty() {
        bail!("{address}: no object matches");
    }
    Ok(keys)
}

fn list(
    address: &ObjectAddress,
    prefix: &str,
    depth: Depth,
    options: &DownloadOptions,
) -> anyhow::Result<Listing> {
    let listed = || -> anyhow::Result<Listing> {
        let bucket = Bucket::open(address, &options.of_buckets())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(runtime.block_on(bucket.list(prefix, depth))?)
    };
    listed().map_err(|error| anyhow!("{address}: cannot be listed: {error:#}"))
}
