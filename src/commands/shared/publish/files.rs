//! The files of a run directory that are copied, and the part of each.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use crate::config::publish::PublishedFiles;
use crate::journal::{IMAGES_NAME, JOURNAL_NAME, RunDir, SUMMARY_NAME};
use crate::results::failed_rows::is_of_failed_rows;
use crate::results::report::REPORT_NAME;

/// The changes that a preview has found.
const PREVIEW_NAME: &str = "preview.csv";
/// The files of failed rows that are there while the process writes them.
const UNFINISHED: [&str; 3] = [".unfinished", ".spool", ".rows"];
/// The bytes that are searched for a line's end at once.
const SEARCHED_BYTES: usize = 64 << 10;

/// The time of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// The run goes on.
    During,
    /// The files are whole.
    AtTheEnd,
}

/// The content of a file that is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// Lines, which may be written at the moment.
    Lines,
    /// A file that is written whole.
    Whole,
    /// A file that is written whole at the end.
    WholeAtTheEnd,
}

/// A version of a file. It changes whenever the file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

/// A file to copy.
#[derive(Debug)]
pub(super) struct PublishedFile {
    pub(super) file: File,
    /// The bytes that are copied.
    pub(super) bytes: u64,
    pub(super) version: Version,
}

/// Returns the names of the files to copy now. The summary and the report come last, so that what they
/// speak of is there.
pub(super) fn names(
    run_dir: &RunDir,
    files: PublishedFiles,
    moment: Moment,
) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(run_dir.path())? {
        let Ok(name) = entry?.file_name().into_string() else {
            continue;
        };
        let is_due = match content_of(&name, files) {
            None => false,
            Some(Content::Lines | Content::Whole) => true,
            Some(Content::WholeAtTheEnd) => moment == Moment::AtTheEnd,
        };
        if is_due {
            names.push(name);
        }
    }
    let rank = |name: &String| match name.as_str() {
        REPORT_NAME => 1,
        SUMMARY_NAME => 2,
        _ => 0,
    };
    names.sort_by(|one, other| (rank(one), one).cmp(&(rank(other), other)));
    Ok(names)
}

/// Returns the content of the file with this name; `None` if it is not copied.
fn content_of(name: &str, files: PublishedFiles) -> Option<Content> {
    let has_values = match name {
        JOURNAL_NAME => return Some(Content::Lines),
        SUMMARY_NAME | REPORT_NAME => return Some(Content::Whole),
        IMAGES_NAME => Content::Lines,
        PREVIEW_NAME => Content::WholeAtTheEnd,
        name if UNFINISHED.iter().any(|end| name.ends_with(end)) => return None,
        name if is_of_failed_rows(name) => Content::WholeAtTheEnd,
        _ => return None,
    };
    match files {
        PublishedFiles::WithoutValues => None,
        PublishedFiles::WithValues => Some(has_values),
    }
}

/// Returns the media type of a file, for those who open its copy in a browser.
pub(super) fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("json") => "application/json",
        Some("ndjson") => "application/x-ndjson",
        Some("csv") => "text/csv; charset=utf-8",
        Some("tsv") => "text/tab-separated-values; charset=utf-8",
        Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => "application/octet-stream",
    }
}

/// Opens a file, unless it still has the version that was copied. `None` if it need not be copied.
pub(super) fn open(
    run_dir: &RunDir,
    name: &str,
    copied: Option<Version>,
) -> io::Result<Option<PublishedFile>> {
    let path = run_dir.file(name);
    // A pipe would make this wait.
    if !fs::symlink_metadata(&path)?.is_file() {
        return Ok(None);
    }
    let file = File::open(path)?;
    let version = Version::of(&file.metadata()?);
    if copied == Some(version) {
        return Ok(None);
    }
    let is_lines = content_of(name, PublishedFiles::WithValues) == Some(Content::Lines);
    let bytes = if is_lines {
        bytes_of_whole_lines(&file, version.bytes)?
    } else {
        version.bytes
    };
    Ok(Some(PublishedFile {
        file,
        bytes,
        version,
    }))
}

impl Version {
    fn of(metadata: &Metadata) -> Version {
        Version {
            inode: metadata.ino(),
            bytes: metadata.len(),
            changed: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// Returns the number of bytes up to the end of the last whole line.
fn bytes_of_whole_lines(file: &File, bytes: u64) -> io::Result<u64> {
    let mut end = bytes;
    let mut buffer = vec![0; SEARCHED_BYTES];
    while end > 0 {
        let length = usize::try_from(end).map_or(SEARCHED_BYTES, |end| end.min(SEARCHED_BYTES));
        let start = end - length as u64;
        let searched = buffer.split_at_mut(length).0;
        file.read_exact_at(searched, start)?;
        if let Some(at) = memchr::memrchr(b'\n', searched) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_with_values_is_copied_unless_it_is_wanted() {
        let check = |name: &str, without: bool, with: bool| {
            let is_copied = |files| content_of(name, files).is_some();
            let got = (
                is_copied(PublishedFiles::WithoutValues),
                is_copied(PublishedFiles::WithValues),
            );
            assert_eq!(got, (without, with), "{name}");
        };
        for name in ["results.ndjson", "summary.json", "report.html"] {
            check(name, true, true);
        }
        for name in [
            "failed.csv",
            "failed-2.xlsx",
            "before.ndjson",
            "preview.csv",
        ] {
            check(name, false, true);
        }
        for name in [
            "key",
            "snapshot.redb",
            "timeline.ndjson",
            "results.torn",
            "failed.spool",
            "failed.rows",
            "failed.csv.unfinished",
            "failed.corrected.csv",
            "my-own.csv",
        ] {
            check(name, false, false);
        }
    }

    #[test]
    fn a_line_that_is_being_written_is_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lines");
        let long = "x".repeat(3 * SEARCHED_BYTES);
        for (text, want) in [
            (String::new(), 0),
            ("no end".to_owned(), 0),
            ("a\nb\n".to_owned(), 4),
            ("a\nb".to_owned(), 2),
            (format!("a\n{long}"), 2),
            (format!("{long}\nb"), long.len() as u64 + 1),
        ] {
            fs::write(&path, &text).expect("our own file");
            let file = File::open(&path).expect("our own file");
            let bytes = bytes_of_whole_lines(&file, text.len() as u64);
            assert_eq!(bytes.expect("readable"), want, "{}", text.len());
        }
    }
}
