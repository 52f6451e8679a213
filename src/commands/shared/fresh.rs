//! A new run directory, and its name for a start without `--run-dir`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tracing::warn;

use crate::commands::Failure;
use crate::input::{InputName, KnownInput};
use crate::journal::RunDir;
use crate::text;

/// The parent of run directories that are created without `--run-dir`.
pub(in crate::commands) const RUNS_DIRECTORY: &str = "custsync-runs";
/// The most run directories created in one second.
const SAME_SECOND_MAX: u32 = 1000;
/// The most bytes of an input's name. File systems allow names of 255 bytes, some fewer, and more
/// is added around it.
const STEM_BYTES_MAX: usize = 100;

/// Creates the run directory, or uses the existing one. Warns if other users can change it.
pub(in crate::commands) fn create(path: &Path) -> Result<RunDir, Failure> {
    let run_dir = RunDir::create(path).map_err(Failure::run_directory)?;
    if let Some(mode) = run_dir.mode_open_to_others() {
        let directory = text::safe_path(path);
        warn!(
            "the run directory {directory} is writable by other users (mode {mode:o}), who can delete its files: chmod 700 {directory}"
        );
    }
    Ok(run_dir)
}

/// Returns `custsync-runs/<UTC time>-<stem>`, with a number if that exists. The stem is that of the
/// first input, or the name of the folder if the user named one first.
pub(in crate::commands) fn path(typed: &[InputName], inputs: &[KnownInput]) -> PathBuf {
    let folder = typed.first().and_then(folder_name);
    let first = inputs.first().map(KnownInput::name);
    let stem = match (&folder, first) {
        (Some(folder), _) => folder,
        (None, Some(address @ InputName::Address(_))) => address
            .with_extension()
            .and_then(Path::file_stem)
            .unwrap_or_default(),
        (None, first) => match first.map(InputName::file) {
            Some(Some(path)) => path.file_stem().unwrap_or_default(),
            Some(None) | None => OsStr::new("stdin"),
        },
    };
    let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let name = |number: u32| {
        let mut name = OsString::from(format!("{time}-"));
        name.push(cut(stem));
        if number > 1 {
            name.push(format!("-{number}"));
        }
        name
    };
    let paths = (1..=SAME_SECOND_MAX).map(|number| Path::new(RUNS_DIRECTORY).join(name(number)));
    let mut last = PathBuf::from(RUNS_DIRECTORY);
    for path in paths {
        last = path;
        if !last.exists() {
            break;
        }
    }
    last
}

/// Returns the name of a folder; `None` if the input is none. The current directory has one, too.
fn folder_name(input: &InputName) -> Option<OsString> {
    match input {
        InputName::Path(path) if path.is_dir() => {
            let path = path.canonicalize().ok()?;
            path.file_name().map(OsStr::to_owned)
        }
        InputName::Path(_) | InputName::Member(_) | InputName::Stdin | InputName::Address(_) => {
            None
        }
    }
}

/// Returns the beginning of a stem that is too long. No character is cut in two.
fn cut(stem: &OsStr) -> OsString {
    let mut kept = Vec::new();
    for chunk in stem.as_bytes().utf8_chunks() {
        let characters = chunk
            .valid()
            .chars()
            .map(|character| character.to_string().into_bytes());
        let others = chunk.invalid().iter().map(|byte| vec![*byte]);
        for part in characters.chain(others) {
            if kept.len() + part.len() > STEM_BYTES_MAX {
                return OsString::from_vec(kept);
            }
            kept.extend(part);
        }
    }
    OsString::from_vec(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_between_two_characters() {
        let check = |stem: &[u8], want: &[u8]| {
            assert_eq!(cut(OsStr::from_bytes(stem)).as_bytes(), want, "{stem:?}");
        };
        check(b"customers", b"customers");
        check(&[b'a'; 100], &[b'a'; 100]);
        check(&[b'a'; 245], &[b'a'; 100]);
        let e_acute = "\u{e9}".as_bytes();
        check(
            &[&[b'a'; 98], e_acute, b"b"].concat(),
            &[&[b'a'; 98], e_acute].concat(),
        );
        check(&[&[b'a'; 99], e_acute, b"b"].concat(), &[b'a'; 99]);
        check(
            &[&[b'a'; 99][..], b"\xff\xff"].concat(),
            &[&[b'a'; 99][..], b"\xff"].concat(),
        );
    }
}
