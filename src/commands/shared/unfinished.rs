//! Finds the unfinished run among those in `custsync-runs`.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use tracing::{info, warn};

use crate::commands::Failure;
use crate::commands::shared::fresh::RUNS_DIRECTORY;
use crate::commands::shared::identity::{header, key_of, refuse_another_run, settings_of};
use crate::commands::shared::input_identity;
use crate::config::Settings;
use crate::input::{InputName, KnownInput};
use crate::journal::{
    FINISHED, Fact, Header, JOURNAL_NAME, Line, LineReader, Purpose, RunDir, RunDirError, RunKey,
    last_fact,
};
use crate::text;

/// A run directory and the header of its journal.
struct FoundRun {
    run_dir: RunDir,
    journal: File,
    header: Header,
    key: RunKey,
}

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RunDirState {
    Finished,
    Unfinished,
}

/// Returns the directory of the newest run of this input and these settings, if it is unfinished. A
/// finished run has settled what older ones left.
pub(in crate::commands) fn newest(
    settings: &Settings,
    inputs: &[KnownInput],
) -> Result<Option<RunDir>, Failure> {
    // Directories are opened twice and not kept open, since there may be more of them than file
    // descriptors.
    let of_these_settings = |path: PathBuf| {
        let found = FoundRun::in_directory(&path)
            .filter(|found| found.header.settings == settings_of(settings, found.key))?;
        Some((found.header.started, path))
    };
    let mut runs: Vec<_> = directories_in(Path::new(RUNS_DIRECTORY))
        .filter_map(of_these_settings)
        .collect();
    runs.sort();
    for (_, path) in runs.iter().rev() {
        let Some(found) = FoundRun::in_directory(path) else {
            continue;
        };
        if found.is_of(settings, inputs)? {
            return Ok(
                (state_of(&found.journal) == RunDirState::Unfinished).then_some(found.run_dir)
            );
        }
    }
    Ok(None)
}

/// Whether the inputs can be compared with the journal before anything is sent. A pipe cannot.
pub(in crate::commands) fn can_be_compared(inputs: &[KnownInput]) -> bool {
    inputs.iter().all(KnownInput::can_be_read_twice)
}

/// Logs an unfinished run that may be the right one.
pub(in crate::commands) fn point_out(run_dir: &RunDir, inputs: &[KnownInput]) {
    let directory = text::safe_path(run_dir.path());
    // At work, it is not to be continued.
    if !matches!(run_dir.open_journal(), Err(RunDirError::Locked { .. })) {
        let way = if inputs.iter().all(KnownInput::can_be_named_again) {
            "run this again"
        } else {
            "pipe in the same bytes"
        };
        info!(
            "there is an unfinished run with these settings in {directory}: to continue it, {way} with --run-dir {directory}; a new run begins"
        );
    }
}

/// Returns the directories in a directory, or none if it cannot be read.
fn directories_in(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
}

impl FoundRun {
    /// Returns the run in a directory, or `None` if there is none that can be read.
    fn in_directory(path: &Path) -> Option<FoundRun> {
        let run_dir = RunDir::create(path).ok()?;
        let journal = run_dir.open_file(JOURNAL_NAME).ok()?;
        let mut lines = LineReader::of(BufReader::new(journal.try_clone().ok()?));
        let header = match lines.next_line() {
            Ok(Some(Line::Header(header))) => header,
            // The first process died before it wrote anything.
            Ok(None) => return None,
            Ok(Some(_)) | Err(_) => {
                let directory = text::safe_path(path);
                warn!(
                    "{} cannot be read, so it is unknown whether the run in {directory} is unfinished and of the same input: \
                     a start with --run-dir {directory} says what is wrong",
                    run_dir.display_path(JOURNAL_NAME)
                );
                return None;
            }
        };
        if header.purpose != Purpose::Run || header.shard.is_some() {
            return None;
        }
        let key = key_of(&header, &run_dir).ok()?;
        Some(FoundRun {
            journal,
            header: *header,
            key,
            run_dir,
        })
    }

    /// Whether this is a run of these settings and this input, judging by its header.
    fn is_of(&self, settings: &Settings, inputs: &[KnownInput]) -> Result<bool, Failure> {
        let now = header(settings, inputs, self.key, Purpose::Run)?;
        if refuse_another_run(&self.header, &now, &self.run_dir).is_err() {
            return Ok(false);
        }
        for (earlier, input) in self.header.inputs.iter().zip(inputs) {
            let is_same = match input.name() {
                InputName::Path(_) | InputName::Member(_) if input.can_be_read_twice() => {
                    input_identity::begins_as(input, earlier, self.key)
                }
                InputName::Path(_) | InputName::Member(_) | InputName::Stdin => {
                    Ok(earlier.head.is_none())
                }
                // The rows are compared later, which takes a download.
                address @ InputName::Address(_) => Ok(earlier.name == address.to_string()),
            };
            if !is_same.map_err(Failure::unusable)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Returns whether the last process of a run left anything to do. A run that is being undone must
/// not be continued.
fn state_of(journal: &File) -> RunDirState {
    match last_fact(journal) {
        Ok(Some(Fact::Ended { exit, .. })) if FINISHED.contains(&exit) => RunDirState::Finished,
        Ok(Some(Fact::Undone { .. })) => RunDirState::Finished,
        Ok(_) | Err(_) => RunDirState::Unfinished,
    }
}
