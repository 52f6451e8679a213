//! The files that the arguments stand for: a folder for the files in it, a pattern for those that match. Shells expand patterns,
//! but container jobs and settings know no shell.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use tracing::info;

use crate::commands::shared::pattern::{Pattern, is_pattern};
use crate::input::InputName;

/// What an input's name may end with, in a folder; each also with the name of a compression behind it.
const EXTENSIONS: [&str; 5] = ["csv", "tsv", "ndjson", "jsonl", "xlsx"];
const COMPRESSIONS: [&str; 4] = ["gz", "zst", "xz", "bz2"];

/// The inputs in order, each once: of a folder or pattern by name, byte by byte, so that a run can be continued.
pub(in crate::commands) fn expand(named: &[InputName]) -> anyhow::Result<Vec<InputName>> {
    let mut files = Vec::new();
    for name in named {
        match name {
            InputName::Stdin => files.push(InputName::Stdin),
            InputName::Path(path) if path.is_dir() => files.extend(of_folder(path, name)?),
            InputName::Path(path) if !path.exists() && is_pattern(path) => {
                files.extend(of_pattern(path, name)?);
            }
            InputName::Path(path) => files.push(InputName::Path(path.clone())),
        }
    }
    Ok(each_once(files))
}

/// Each file once, by whatever names it was given: its rows are to be sent once.
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

/// The device and the number of a regular file's inode, by which the system knows it. A pipe gives other bytes each time, and
/// what cannot be looked at is told about where it is opened.
fn regular_file(name: &InputName) -> Option<(u64, u64)> {
    let InputName::Path(path) = name else {
        return None;
    };
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some((metadata.dev(), metadata.ino()))
}

/// The files of a folder that can be inputs by their names. Others are passed over and named.
fn of_folder(folder: &Path, name: &InputName) -> anyhow::Result<Vec<InputName>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{name}: cannot be listed"))? {
        let path = entry
            .with_context(|| format!("{name}: cannot be listed"))?
            .path();
        match passed_over(&path) {
            None => files.push(path),
            Some(why) => info!("{}: skipped: {why}", InputName::Path(path)),
        }
    }
    files.sort();
    if files.is_empty() {
        bail!(
            "{name}: no file in this folder has the extension .{} (or one of these followed by .{})",
            EXTENSIONS.join(", ."),
            COMPRESSIONS.join(", .")
        );
    }
    Ok(files.into_iter().map(InputName::Path).collect())
}

/// Why an entry of a folder is passed over, if it is.
fn passed_over(path: &Path) -> Option<&'static str> {
    match unasked(path) {
        Some(why) => Some(why),
        None if path.is_dir() => {
            Some("a folder inside a folder (name it, or give the pattern `**/*.csv`)")
        }
        None if !is_input(path) => Some("unknown file extension"),
        None => irregular(path),
    }
}

/// Why a file is read only where it is named itself, by its kind: opening a pipe would wait for a writer that may never come. What
/// cannot be looked at is told about where it is opened.
fn irregular(path: &Path) -> Option<&'static str> {
    let is_other = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    is_other.then_some(
        "not a regular file (pipes, sockets and devices are read only when named themselves)",
    )
}

/// Why a file is read only where it is named itself, by its name: folders and patterns pass over what a person does not see.
fn unasked(path: &Path) -> Option<&'static str> {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    if name.starts_with(b"~$") {
        Some("not a workbook, but the lock file of one that is open in Excel")
    } else if name.starts_with(b".") {
        Some("hidden file")
    } else {
        None
    }
}

fn is_input(path: &Path) -> bool {
    let extension = |path: &Path| {
        path.extension()
            .map(|extension| extension.to_string_lossy().to_ascii_lowercase())
    };
    let own = extension(path).unwrap_or_default();
    if !COMPRESSIONS.contains(&own.as_str()) {
        return EXTENSIONS.contains(&own.as_str());
    }
    let inner = path
        .file_stem()
        .and_then(|stem| extension(Path::new(stem)))
        .unwrap_or_default();
    EXTENSIONS.contains(&inner.as_str())
}

fn of_pattern(pattern: &Path, name: &InputName) -> anyhow::Result<Vec<InputName>> {
    let matching = Pattern::new(pattern).with_context(|| format!("{name}: not a valid pattern"))?;
    let matching = matching
        .files()
        .with_context(|| format!("{name}: cannot be listed"))?;
    for hidden in matching.hidden {
        let why = unasked(&hidden).unwrap_or("hidden file");
        info!("{}: skipped: {why}", InputName::Path(hidden));
    }
    let mut files = matching.files;
    files.retain(|file| match irregular(file) {
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
