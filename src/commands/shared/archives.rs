//! The members of zip archives that are inputs. An archive means those of its members that a folder
//! would have as inputs; if it holds only one file, that one, whatever its name.

use std::path::Path;

use anyhow::bail;
use tracing::info;

use crate::commands::shared::file_kinds::{extensions_in_zip, hidden_reason, is_input};
use crate::input::{ArchiveEntry, ArchiveMember, InputError, InputName, Listing, list_archive};

/// The largest number of skipped members that are named; the others are counted.
const NAMED_MAX: usize = 20;

/// Replaces each archive by its members.
pub(in crate::commands) fn expand(files: Vec<InputName>) -> anyhow::Result<Vec<InputName>> {
    let mut all = Vec::with_capacity(files.len());
    for file in files {
        match members(&file)? {
            Some(members) => all.extend(members.into_iter().map(InputName::Member)),
            None => all.push(file),
        }
    }
    Ok(all)
}

/// Returns the input whose columns stand for those of a file: the first member of an archive.
pub(in crate::commands) fn first(file: &InputName) -> anyhow::Result<InputName> {
    let members = members(file)?.unwrap_or_default();
    let others = members.len().saturating_sub(1);
    let Some(first) = members.into_iter().next().map(InputName::Member) else {
        return Ok(file.clone());
    };
    match others {
        0 => {}
        1 => info!("{first} stands for another input in its zip file"),
        _ => info!("{first} stands for {others} other inputs in its zip file"),
    }
    Ok(first)
}

/// Returns the members of an archive that are inputs, in the order of their names, or `None` if the
/// input is no archive. Others are skipped and logged.
fn members(file: &InputName) -> anyhow::Result<Option<Vec<ArchiveMember>>> {
    let InputName::Path(path) = file else {
        return Ok(None);
    };
    let listing = list_archive(path).map_err(|fault| InputError {
        name: file.clone(),
        fault: fault.into(),
    })?;
    let Listing::Archive(entries) = listing else {
        return Ok(None);
    };
    let mut skipped = Vec::new();
    let mut found = Vec::new();
    for entry in entries {
        match entry {
            ArchiveEntry::Other(name, what) => skipped.push((format!("{file}[{name}]"), what)),
            ArchiveEntry::File(member) => match foreign_reason(member.name()) {
                Some(why) => skipped.push((member.to_string(), why)),
                None => found.push(member),
            },
        }
    }
    let is_only_one = found.len() == 1;
    let (inputs, others): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|member| is_only_one || is_input(member.name()));
    skipped.extend(
        others
            .iter()
            .map(|member| (member.to_string(), "unknown file extension")),
    );
    log_skipped(file, &skipped);
    if inputs.is_empty() {
        bail!(
            "{file}: no file in this zip file has the extension {}",
            extensions_in_zip()
        );
    }
    Ok(Some(inputs))
}

fn log_skipped(file: &InputName, skipped: &[(String, &str)]) {
    for (name, why) in skipped.iter().take(NAMED_MAX) {
        info!("{name}: skipped: {why}");
    }
    match skipped.len().saturating_sub(NAMED_MAX) {
        0 => {}
        1 => info!("{file}: 1 more file in it is skipped"),
        more => info!("{file}: {more} more files in it are skipped"),
    }
}

/// Returns the reason to skip a member by its name: systems and programs add files of their own to
/// an archive. A part of the path counts, too, whichever way its separators lean.
fn foreign_reason(name: &Path) -> Option<&'static str> {
    let bytes = name.as_os_str().as_encoded_bytes();
    bytes
        .split(|byte| matches!(byte, b'/' | b'\\'))
        .find_map(|part| match part {
            b"__MACOSX" => Some("added by macOS"),
            part if part.eq_ignore_ascii_case(b"Thumbs.db") => Some("added by Windows"),
            b"." | b".." => None,
            part => hidden_reason(part),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_systems_add_are_skipped_wherever_they_are() {
        let check = |name: &str, want: Option<&str>| {
            assert_eq!(foreign_reason(Path::new(name)), want, "{name}");
        };
        check("a.csv", None);
        check("2026/a.csv", None);
        check("../../a.csv", None);
        check("./a.csv", None);
        check("__MACOSX/._a.csv", Some("added by macOS"));
        check("x\\__MACOSX\\a.csv", Some("added by macOS"));
        check("x/thumbs.db", Some("added by Windows"));
        check(".DS_Store", Some("hidden file"));
        check(".git/a.csv", Some("hidden file"));
        check(
            "~$a.xlsx",
            Some("not a workbook, but the lock file of one that is open in Excel"),
        );
    }
}
