//! The files that the arguments stand for: a folder for the files in it, a pattern for those that match. Shells expand patterns,
//! but container jobs and settings know no shell.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use tracing::info;

use crate::commands::pattern::{Pattern, is_pattern};
use crate::input::InputName;

/// What an input's name may end with, in a folder; each also with the name of a compression behind it.
const EXTENSIONS: [&str; 5] = ["csv", "tsv", "ndjson", "jsonl", "xlsx"];
const COMPRESSIONS: [&str; 2] = ["gz", "zst"];

/// The inputs in order: of a folder or pattern by name, byte by byte, so that a run can be continued.
pub(super) fn expand(named: &[InputName]) -> anyhow::Result<Vec<InputName>> {
    let mut files = Vec::new();
    for name in named {
        match name {
            InputName::Stdin => files.push(InputName::Stdin),
            InputName::Path(path) if path.is_dir() => files.extend(of_folder(path, name)?),
            InputName::Path(path) if !path.exists() && is_pattern(path) => files.extend(of_pattern(path, name)?),
            InputName::Path(path) => files.push(InputName::Path(path.clone())),
        }
    }
    let mut seen = BTreeSet::new();
    for file in &files {
        if !seen.insert(file) {
            bail!("{file} is given twice");
        }
    }
    Ok(files)
}

/// The files of a folder that can be inputs by their names. Others are passed over and named, hidden ones are not even that.
fn of_folder(folder: &Path, name: &InputName) -> anyhow::Result<Vec<InputName>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{name}: cannot be listed"))? {
        let path = entry.with_context(|| format!("{name}: cannot be listed"))?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_hidden || path.is_dir() {
            continue;
        }
        if is_input(&path) {
            files.push(path);
        } else {
            info!("{} is passed over: its name does not end as that of an input", InputName::Path(path));
        }
    }
    files.sort();
    if files.is_empty() {
        bail!(
            "{name}: there is no file in this folder whose name ends with .{} (or that with .gz or .zst)",
            EXTENSIONS.join(", .")
        );
    }
    Ok(files.into_iter().map(InputName::Path).collect())
}

fn is_input(path: &Path) -> bool {
    let extension = |path: &Path| path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    let own = extension(path).unwrap_or_default();
    if !COMPRESSIONS.contains(&own.as_str()) {
        return EXTENSIONS.contains(&own.as_str());
    }
    let inner = path.file_stem().and_then(|stem| extension(Path::new(stem))).unwrap_or_default();
    EXTENSIONS.contains(&inner.as_str())
}

fn of_pattern(pattern: &Path, name: &InputName) -> anyhow::Result<Vec<InputName>> {
    let matching = Pattern::new(pattern).with_context(|| format!("{name}: is no pattern"))?;
    let mut files = matching.files().with_context(|| format!("{name}: cannot be listed"))?;
    files.sort();
    if files.is_empty() {
        bail!("{name}: no file matches");
    }
    Ok(files.into_iter().map(InputName::Path).collect())
}
