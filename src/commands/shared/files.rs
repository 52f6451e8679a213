//! The files that the arguments name: a folder means the files in it, a pattern those that match.
//! Container jobs have no shell that would expand patterns.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use tracing::info;

use crate::commands::shared::file_kinds::{extensions_of_files, hidden_reason, is_input};
use crate::commands::shared::object_files;
use crate::commands::shared::pattern::{Pattern, is_pattern};
use crate::download::DownloadOptions;
use crate::input::InputName;

/// Returns the inputs in order, each once. Those of a folder or pattern are sorted by the bytes of
/// their names, so that a run can be continued.
pub(in crate::commands) fn expand(
    named: &[InputName],
    options: &DownloadOptions,
) -> anyhow::Result<Vec<InputName>> {
    let mut files = Vec::new();
    for name in named {
        match name {
            InputName::Path(path) if !path.exists() && has_foreign_scheme(path) => {
                // The rest may hold a password.
                bail!(
                    "an input is an address of a kind that is not read: only https://, s3://, gs:// and az:// addresses are; download the file first, or give its https:// address"
                );
            }
            InputName::Path(path) if path.is_dir() => files.extend(of_folder(path, name)?),
            InputName::Path(path) if !path.exists() && is_pattern(path) => {
                files.extend(of_pattern(path, name)?);
            }
            InputName::Address(address) => {
                let objects = address.object();
                let objects = objects.map(|object| object_files::expand(object, options));
                match objects.transpose()?.flatten() {
                    Some(objects) => files.extend(objects),
                    None => files.push(name.clone()),
                }
            }
            InputName::Stdin | InputName::Path(_) | InputName::Member(_) => {
                files.push(name.clone());
            }
        }
    }
    Ok(each_once(files))
}

/// Whether a path is an address of another kind, such as `ftp://exports/a.csv`. Paths have lost the
/// second slash.
fn has_foreign_scheme(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    let scheme = bytes.iter().take_while(|byte| **byte != b':');
    let length = scheme.clone().count();
    let is_scheme = scheme
        .clone()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    let rest = bytes.get(length..).unwrap_or_default();
    length > 1 && is_scheme && rest.starts_with(b":/")
}

/// Returns each file once, under whatever names it was given, so that its rows are sent once.
fn each_once(files: Vec<InputName>) -> Vec<InputName> {
    let (mut names, mut contents) = (BTreeSet::new(), BTreeMap::new());
    let mut once: Vec<InputName> = Vec::new();
    for file in files {
        if !names.insert(file.clone()) {
            info!("{file} is given twice: read once");
            continue;
        }
        if let Some(content) = regular_file(&file) {
            if let Some(first) = contents.get(&content) {
                info!("{file} is the same file as {first}: read once");
                continue;
            }
            contents.insert(content, file.clone());
        }
        once.push(file);
    }
    once
}

/// Returns the device and the inode of a regular file, which identify it. `None` for a pipe, which
/// gives other bytes each time, and for a file without metadata, which is reported when it is
/// opened.
fn regular_file(name: &InputName) -> Option<(u64, u64)> {
    let InputName::Path(path) = name else {
        return None;
    };
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some((metadata.dev(), metadata.ino()))
}

/// Returns the files of a folder that can be inputs by their names. Others are skipped and logged.
fn of_folder(folder: &Path, name: &InputName) -> anyhow::Result<Vec<InputName>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{name}: cannot be listed"))? {
        let path = entry
            .with_context(|| format!("{name}: cannot be listed"))?
            .path();
        match reason_to_skip(&path) {
            None => files.push(path),
            Some(why) => info!("{}: skipped: {why}", InputName::Path(path)),
        }
    }
    files.sort();
    if files.is_empty() {
        bail!(
            "{name}: no file in this folder has the extension {}",
            extensions_of_files()
        );
    }
    Ok(files.into_iter().map(InputName::Path).collect())
}

/// Returns the reason to skip an entry of a folder, if there is one.
fn reason_to_skip(path: &Path) -> Option<&'static str> {
    match hidden_reason(file_name(path)) {
        Some(why) => Some(why),
        None if path.is_dir() => {
            Some("a folder inside a folder (name it, or give the pattern `**/*.csv`)")
        }
        None if !is_input(path) => Some("unknown file extension"),
        None => irregular_reason(path),
    }
}

/// Returns the reason to skip a file of another kind than a regular file: opening a pipe would wait
/// for a writer that may never come. A file without metadata is reported when it is opened.
fn irregular_reason(path: &Path) -> Option<&'static str> {
    let is_other = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    is_other.then_some(
        "not a regular file (pipes, sockets and devices are read only when named themselves)",
    )
}

fn file_name(path: &Path) -> &[u8] {
    path.file_name().unwrap_or_default().as_encoded_bytes()
}

fn of_pattern(pattern: &Path, name: &InputName) -> anyhow::Result<Vec<InputName>> {
    let matching = Pattern::new(pattern).with_context(|| format!("{name}: not a valid pattern"))?;
    let matching = matching
        .files()
        .with_context(|| format!("{name}: cannot be listed"))?;
    for hidden in matching.hidden {
        let why = hidden_reason(file_name(&hidden)).unwrap_or("hidden file");
        info!("{}: skipped: {why}", InputName::Path(hidden));
    }
    let mut files = matching.files;
    files.retain(|file| match irregular_reason(file) {
        None => true,
        Some(why) => {
            info!("{}: skipped: {why}", InputName::Path(file.clone()));
            false
        }
    });
    if files.is_empty() {
        bail!("{name}: no file matches");
    }
    Ok(files.into_iter().map(InputName::Path).collect())
}
