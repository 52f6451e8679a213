//! `custsync forget`: deletes the files of run directories that hold customers' values.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use serde::Serialize;

use crate::commands::Failure;
use crate::commands::shared::shards;
use crate::config::output::OutputFormat;
use crate::journal::{
    IMAGES_NAME, JOURNAL_NAME, JournalFile, Line, LineError, LineReader, RunDir, is_foreign,
};
use crate::preview::PREVIEW_NAME;
use crate::process::exit::Exit;
use crate::results::failed_rows::is_of_failed_rows;
use crate::terminal;
use crate::text::{grouped, safe_path};

/// The directory of an undo within that of its run.
const UNDO_NAME: &str = "undo";
/// The suffix of a file's name until the file is complete.
const UNFINISHED: &str = ".unfinished";

/// Whether the files are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// They are deleted.
    Done,
    /// They are only listed (`--dry-run`).
    Listed,
}

/// The content of a file with values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Content {
    Images,
    FailedRows,
    Preview,
}

impl Content {
    /// Every content, in the order in which their loss is told.
    const ALL: [Content; 3] = [Content::Images, Content::FailedRows, Content::Preview];

    /// Returns the content of a file with this name; `None` if the file holds no values, or is not
    /// one of custsync's.
    fn of(name: &str) -> Option<Content> {
        if is_of_failed_rows(name) {
            return Some(Content::FailedRows);
        }
        match name.strip_suffix(UNFINISHED).unwrap_or(name) {
            IMAGES_NAME => Some(Content::Images),
            PREVIEW_NAME => Some(Content::Preview),
            _ => None,
        }
    }

    /// The consequence of the deletion, as a sentence.
    fn loss(self) -> &'static str {
        match self {
            Content::Images => "The run can no longer be undone.",
            Content::FailedRows => {
                "The rows that ended badly can no longer be corrected there; a later start of the same run writes them anew."
            }
            Content::Preview => {
                "The single changes that the preview found can no longer be looked up."
            }
        }
    }
}

/// A file that is deleted.
#[derive(Debug, Serialize)]
struct Forgotten {
    #[serde(rename = "file", serialize_with = "shown")]
    path: PathBuf,
    bytes: u64,
    content: Content,
}

/// The list of files, as JSON.
#[derive(Serialize)]
struct Listing<'f> {
    deleted: bool,
    bytes: u64,
    files: &'f [Forgotten],
}

/// A run directory and that of its undo, both locked.
struct Locked {
    folders: Vec<PathBuf>,
    /// The locks end with these.
    _locks: Vec<JournalFile>,
}

fn shown<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&safe_path(path))
}

/// Deletes the files with values of these run directories, or lists them. Nothing is deleted if one
/// of the directories is none of a run, or a process is at work in it. A directory that is named
/// twice counts once.
pub(crate) fn forget(
    directories: &[PathBuf],
    deletion: Deletion,
    format: OutputFormat,
) -> Result<Exit, Failure> {
    let mut seen = BTreeSet::new();
    let locked: Vec<_> = directories
        .iter()
        .filter(|path| {
            seen.insert(
                path.canonicalize()
                    .unwrap_or_else(|_| path.as_path().to_owned()),
            )
        })
        .map(|directory| lock_all(directory))
        .collect::<anyhow::Result<Vec<_>>>()
        .map_err(Failure::run_directory)?;
    let locked: Vec<_> = locked.into_iter().flatten().collect();
    let folders: Vec<_> = locked.iter().flat_map(|locked| &locked.folders).collect();
    let (mut files, mut left) = (Vec::new(), Vec::new());
    for folder in &folders {
        list(folder, &mut files, &mut left).map_err(Failure::run_directory)?;
    }
    let deleted = match deletion {
        Deletion::Done => delete(&folders, &mut files),
        Deletion::Listed => Ok(()),
    };
    print(&files, deletion, format).map_err(Failure::stdout)?;
    tell(&files, deletion);
    deleted.map_err(Failure::run_directory)?;
    match left.as_slice() {
        [] => Ok(Exit::Success),
        left => Err(Failure::run_directory(anyhow!(
            "not deleted, because not a regular file: {}",
            left.join(", ")
        ))),
    }
}

/// Locks a run directory, or those of the shards in it.
fn lock_all(directory: &Path) -> anyhow::Result<Vec<Locked>> {
    let shards = shards::directories(directory).map_err(not_deleted)?;
    if shards.is_empty() {
        return Ok(vec![lock(directory)?]);
    }
    shards.iter().map(|shard| lock(shard)).collect()
}

/// Locks a run directory, and that of its undo.
fn lock(directory: &Path) -> anyhow::Result<Locked> {
    let (mut folders, mut locks) = (vec![directory.to_owned()], vec![lock_run(directory)?]);
    let undo = directory.join(UNDO_NAME);
    if fs::symlink_metadata(&undo).is_ok_and(|found| found.is_dir()) {
        if has_journal(&undo) {
            locks.push(lock_run(&undo)?);
        }
        folders.push(undo);
    }
    Ok(Locked {
        folders,
        _locks: locks,
    })
}

fn has_journal(directory: &Path) -> bool {
    directory.join(JOURNAL_NAME).symlink_metadata().is_ok()
}

/// Locks a run directory. Refuses a directory without the journal of a run: its files may be
/// another program's.
fn lock_run(directory: &Path) -> anyhow::Result<JournalFile> {
    if !has_journal(directory) {
        bail!(
            "{} is no run directory: it has no {JOURNAL_NAME}; nothing was deleted",
            safe_path(directory)
        );
    }
    let run_dir = RunDir::existing(directory);
    let opened = run_dir.open_journal().map_err(not_deleted)?;
    let journal = run_dir.open_file(JOURNAL_NAME).map_err(not_deleted)?;
    refuse_foreign(journal)
        .with_context(|| run_dir.display_path(JOURNAL_NAME))
        .map_err(not_deleted)?;
    Ok(opened)
}

/// Refuses a file that is not the journal of a run. One whose header was never written is empty.
fn refuse_foreign(journal: File) -> Result<(), LineError> {
    match LineReader::of(BufReader::new(journal)).next_line()? {
        Some(Line::Torn(bytes)) if is_foreign(bytes) => Err(LineError::NotAJournal),
        Some(_) | None => Ok(()),
    }
}

/// Says of an error that nothing was deleted, where its message speaks of sending.
fn not_deleted(error: impl Into<anyhow::Error>) -> anyhow::Error {
    let message = format!("{:#}", error.into());
    let message = message
        .strip_suffix("; nothing was sent")
        .unwrap_or(&message);
    anyhow!("{message}; nothing was deleted")
}

/// Adds the files with values in a folder, by their names. What has such a name and is no regular
/// file is added to `left`.
fn list(folder: &Path, files: &mut Vec<Forgotten>, left: &mut Vec<String>) -> anyhow::Result<()> {
    let unreadable = || format!("{} cannot be read; nothing was deleted", safe_path(folder));
    let entries: Result<Vec<DirEntry>, _> = folder
        .read_dir()
        .and_then(Iterator::collect)
        .with_context(unreadable);
    let mut entries = entries?;
    entries.sort_by_key(DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let Some(content) = name.to_str().and_then(Content::of) else {
            continue;
        };
        let path = entry.path();
        let found = fs::symlink_metadata(&path).with_context(unreadable)?;
        if found.is_file() {
            files.push(Forgotten {
                path,
                bytes: found.len(),
                content,
            });
        } else {
            left.push(safe_path(&path));
        }
    }
    Ok(())
}

/// Deletes the files, so that a power cut does not bring them back. After an error, `files` are
/// those that were deleted.
fn delete(folders: &[&PathBuf], files: &mut Vec<Forgotten>) -> anyhow::Result<()> {
    let mut deleted = 0;
    let mut removed = Ok(());
    for file in &*files {
        removed = fs::remove_file(&file.path)
            .with_context(|| format!("{} cannot be deleted", safe_path(&file.path)));
        if removed.is_err() {
            break;
        }
        deleted += 1;
    }
    files.truncate(deleted);
    for folder in folders {
        RunDir::existing(folder)
            .sync()
            .with_context(|| format!("{} cannot be synced", safe_path(folder)))?;
    }
    removed
}

/// Prints the files for scripts.
fn print(files: &[Forgotten], deletion: Deletion, format: OutputFormat) -> std::io::Result<()> {
    let text = match format {
        OutputFormat::Text => files.iter().fold(String::new(), |text, file| {
            text + &safe_path(&file.path) + "\n"
        }),
        OutputFormat::Json => {
            let listing = Listing {
                deleted: deletion == Deletion::Done,
                bytes: bytes_of(files),
                files,
            };
            let json = serde_json::to_string_pretty(&listing).expect("texts and numbers serialise");
            format!("{json}\n")
        }
    };
    terminal::print(&text)
}

fn bytes_of(files: &[Forgotten]) -> u64 {
    files.iter().map(|file| file.bytes).sum()
}

/// Tells people what was deleted, and what cannot be done any more.
fn tell(files: &[Forgotten], deletion: Deletion) {
    if files.is_empty() {
        terminal::print_notice("There is no file with customers' values.");
        return;
    }
    let number = match files.len() {
        1 => "1 file".to_owned(),
        many => format!("{} files", grouped(u64::try_from(many).unwrap_or(u64::MAX))),
    };
    let verb = match deletion {
        Deletion::Done => "Deleted",
        Deletion::Listed => "Nothing was deleted. Without --dry-run:",
    };
    let bytes = grouped(bytes_of(files));
    terminal::print_notice(&format!(
        "{verb} {number} with customers' values, {bytes} bytes."
    ));
    for content in Content::ALL {
        if files.iter().any(|file| file.content == content) {
            terminal::print_notice(content.loss());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_that_hold_values_are_known_by_their_exact_names() {
        let check =
            |name: &str, want: Option<Content>| assert_eq!(Content::of(name), want, "{name}");
        check("before.ndjson", Some(Content::Images));
        check("failed.csv", Some(Content::FailedRows));
        check("failed-2.xlsx.unfinished", Some(Content::FailedRows));
        check("failed.spool", Some(Content::FailedRows));
        check("preview.csv", Some(Content::Preview));
        check("preview.csv.unfinished", Some(Content::Preview));
        for kept in [
            "results.ndjson",
            "results.torn",
            "summary.json",
            "report.html",
            "timeline.ndjson",
            "key",
            "plan.requests",
            "plan.redb",
            "plan.redb.unfinished",
            "failed.corrected.csv",
            "my-before.ndjson",
            "Preview.csv",
        ] {
            check(kept, None);
        }
    }

    #[test]
    fn after_an_error_the_list_has_what_was_deleted() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().to_path_buf();
        let file = |name: &str| Forgotten {
            path: folder.join(name),
            bytes: 1,
            content: Content::Preview,
        };
        let mut files = vec![file("one"), file("a folder by now"), file("other")];
        fs::write(folder.join("one"), "1").expect("a file");
        fs::create_dir(folder.join("a folder by now")).expect("a folder");
        fs::write(folder.join("other"), "1").expect("a file");
        let error = delete(&[&folder], &mut files).expect_err("a folder");
        assert!(
            error.to_string().ends_with("by now cannot be deleted"),
            "{error}"
        );
        let deleted: Vec<_> = files.iter().map(|file| &file.path).collect();
        assert_eq!(deleted, [&folder.join("one")]);
        assert!(folder.join("other").exists());
    }
}
