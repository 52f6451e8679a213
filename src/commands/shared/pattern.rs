//! Patterns of file names, as in `archive/*.csv` and `archive/**/*.csv`. File names may be any
//! bytes, so they are matched part by part: the walk of `glob` itself silently skips names that are
//! not UTF-8.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The private-use character that represents the byte 0 in names that are not UTF-8. Other bytes
/// follow it.
const FIRST_BYTE: u32 = 0x0010_ff00;

/// A pattern of paths.
pub(in crate::commands) struct Pattern(Vec<PatternPart>);

/// The paths that match a pattern.
#[derive(Debug, Default)]
pub(in crate::commands) struct Matching {
    /// The files, by name.
    pub(in crate::commands) files: Vec<PathBuf>,
    /// Files that would match if they were not hidden, by name. As in a shell, wildcards do not
    /// match a leading dot, nor a leading `~$`, which marks Excel's lock files.
    pub(in crate::commands) hidden: Vec<PathBuf>,
}

/// A part of a path.
enum PatternPart {
    /// An exact name.
    Name(PathBuf),
    /// A pattern of names.
    Matching(glob::Pattern),
    /// Any folders, or none (`**`).
    Folders,
}

/// Whether a path is a pattern, if no file has exactly this name.
pub(in crate::commands) fn is_pattern(path: &Path) -> bool {
    path.as_os_str()
        .as_bytes()
        .iter()
        .any(|byte| b"*?[".contains(byte))
}

impl Pattern {
    pub(in crate::commands) fn new(path: &Path) -> Result<Pattern, glob::PatternError> {
        let part = |part: std::path::Component<'_>| {
            let name = Path::new(part.as_os_str());
            Ok(match part.as_os_str().as_bytes() {
                b"**" => PatternPart::Folders,
                _ if is_pattern(name) => {
                    PatternPart::Matching(glob::Pattern::new(&characters(name.as_os_str()))?)
                }
                _ => PatternPart::Name(name.to_owned()),
            })
        };
        path.components()
            .map(part)
            .collect::<Result<_, _>>()
            .map(Pattern)
    }

    /// Returns the files that match.
    pub(in crate::commands) fn files(&self) -> io::Result<Matching> {
        let mut found = vec![PathBuf::new()];
        let mut hidden = Vec::new();
        for (part, number) in self.0.iter().zip(1..) {
            let is_last = number == self.0.len();
            let mut next = Vec::new();
            for path in found {
                match part {
                    PatternPart::Name(name) => next.push(path.join(name)),
                    PatternPart::Matching(pattern) => {
                        for entry in entries(&path)? {
                            let name = characters(last_name(&entry));
                            match (pattern.matches(&name), is_hidden(&name, pattern.as_str())) {
                                (true, false) => next.push(entry),
                                (true, true) if is_last => hidden.push(entry),
                                (true, true) | (false, _) => {}
                            }
                        }
                    }
                    PatternPart::Folders => folders_below(path, &mut next)?,
                }
            }
            found = next;
        }
        Ok(Matching {
            files: files_of(found),
            hidden: files_of(hidden),
        })
    }
}

/// Returns the files among these, each once, by name.
fn files_of(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    paths.retain(|path| path.exists() && !path.is_dir());
    paths.sort();
    paths.dedup();
    paths
}

/// Whether a name is hidden, and the pattern does not ask for hidden names.
fn is_hidden(name: &str, pattern: &str) -> bool {
    [".", "~$"]
        .iter()
        .any(|mark| name.starts_with(mark) && !pattern.starts_with(mark))
}

/// Returns the entries of a folder, or none if there is no such folder.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let listed = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    if !listed.is_dir() {
        return Ok(Vec::new());
    }
    fs::read_dir(listed)?
        .map(|entry| Ok(folder.join(entry?.file_name())))
        .collect()
}

/// Adds the folder and all folders below it that are not hidden. Links are not followed, since they
/// may form a cycle.
fn folders_below(folder: PathBuf, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut left = vec![folder];
    while let Some(folder) = left.pop() {
        let is_shown = |entry: &PathBuf| !is_hidden(&characters(last_name(entry)), "**");
        let entries = entries(&folder)?.into_iter().filter(is_shown);
        left.extend(entries.filter(|entry| entry.is_dir() && !entry.is_symlink()));
        found.push(folder);
    }
    Ok(())
}

fn last_name(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

/// Returns a name as characters. Different names stay different.
fn characters(name: &OsStr) -> String {
    let mut characters = String::new();
    for chunk in name.as_bytes().utf8_chunks() {
        characters.push_str(chunk.valid());
        characters.extend(
            chunk
                .invalid()
                .iter()
                .filter_map(|byte| char::from_u32(FIRST_BYTE + u32::from(*byte))),
        );
    }
    characters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_whatever_their_bytes() {
        let folder = tempfile::tempdir().expect("a folder");
        let names: [&[u8]; 8] = [
            b"a.csv",
            b"caf\xe9.csv",
            b"caf\xe8.csv",
            b".hidden.csv",
            b"~$open.csv",
            b"sub/b.csv",
            b"sub/deep\xff/c.csv",
            b".hidden/b.csv",
        ];
        for name in names {
            let path = folder.path().join(OsStr::from_bytes(name));
            fs::create_dir_all(path.parent().expect("a folder")).expect("our own folder");
            fs::write(path, "").expect("our own folder");
        }
        fs::create_dir(folder.path().join("folder.csv")).expect("our own folder");
        std::os::unix::fs::symlink(folder.path(), folder.path().join("sub/circle"))
            .expect("our own folder");
        let check = |pattern: &[u8], want: &[&[u8]]| {
            let found = Pattern::new(&folder.path().join(OsStr::from_bytes(pattern)))
                .expect("a pattern")
                .files();
            let found = found.expect("the folder can be listed");
            let names = |files: &[PathBuf]| -> Vec<Vec<u8>> {
                let below = files
                    .iter()
                    .filter_map(|file| file.strip_prefix(folder.path()).ok());
                below
                    .map(|name| name.as_os_str().as_bytes().to_vec())
                    .collect()
            };
            assert_eq!(names(&found.files), want, "{pattern:?}");
            names(&found.hidden)
        };
        let hidden = check(b"*.csv", &[b"a.csv", b"caf\xe8.csv", b"caf\xe9.csv"]);
        assert_eq!(hidden, [&b".hidden.csv"[..], b"~$open.csv"]);
        check(b".h*.csv", &[b".hidden.csv"]);
        check(b"~$*.csv", &[b"~$open.csv"]);
        check(b"caf\xe9*", &[b"caf\xe9.csv"]);
        check(b"caf?.csv", &[b"caf\xe8.csv", b"caf\xe9.csv"]);
        check(b"*/*.csv", &[b"sub/b.csv"]);
        check(b"**/[bc].csv", &[b"sub/b.csv", b"sub/deep\xff/c.csv"]);
        check(b"*/b.csv", &[b"sub/b.csv"]);
        check(b"none/*.csv", &[]);
        assert!(Pattern::new(Path::new("a[")).is_err());
    }
}
