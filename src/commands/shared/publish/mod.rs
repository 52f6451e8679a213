//! Copies of a run's files for others (`--publish`): every minute, and at the end. They are of use,
//! but nothing depends on them: a failure is a warning.
//!
//! `files` chooses the files and what of them is copied, `target` writes the copies, `copier` does
//! both for what has changed, and `thread` says when.

mod copier;
mod files;
mod target;
mod thread;

use std::fs;
use std::future::pending;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use tokio::time::sleep;

use self::copier::Copier;
use self::target::Target;
use self::thread::PublishThread;
use crate::commands::Failure;
use crate::config::publish::PublishSettings;
use crate::journal::RunDir;
use crate::process::exit::Exit;
use crate::process::signals::Drain;
use crate::terminal;

/// The longest time for the last copy, and after a signal, when the process may be killed soon.
const LAST_TIME_MAX: Duration = Duration::from_secs(30);
const HASTY_TIME_MAX: Duration = Duration::from_secs(10);

/// The copies of a process.
pub(crate) struct PublishOutput {
    settings: PublishSettings,
    /// The thread that copies, from the beginning of the run to its end.
    thread: Mutex<Option<PublishThread>>,
}

impl PublishOutput {
    /// Returns the output of these settings; `None` without `--publish`.
    pub(in crate::commands) fn of(settings: &PublishSettings) -> Option<PublishOutput> {
        settings.target.as_ref()?;
        Some(PublishOutput {
            settings: settings.clone(),
            thread: Mutex::new(None),
        })
    }

    /// Begins to copy the files of `run_dir`, which is `main` or a directory in it. The copies are
    /// in a folder with the name of `main`. Settings that cannot be used are an error.
    pub(in crate::commands) fn start(&self, run_dir: &RunDir, main: &Path) -> Result<(), Failure> {
        let Some(target) = &self.settings.target else {
            return Ok(());
        };
        let name = name_of(run_dir.path(), main);
        let target = Target::open(target, &name, &self.settings);
        let target = target.map_err(|error| Failure::unusable(anyhow!("--publish: {error:#}")))?;
        if target.is(run_dir.path()) {
            return Err(Failure::unusable(anyhow!(
                "--publish: {target} is the run directory itself: name another folder"
            )));
        }
        let copier = Copier::new(run_dir.clone(), target, self.settings.files);
        let started =
            copier.and_then(|copier| PublishThread::start(copier, self.settings.interval));
        let thread = started.map_err(|error| {
            Failure::unusable(anyhow!(error).context("--publish: the thread cannot be started"))
        })?;
        let mut current = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        // An undo has a directory for each shard.
        if let Some(before) = current.replace(thread) {
            copy_last(before, LAST_TIME_MAX, None);
        }
        Ok(())
    }

    /// Copies for the last time. Nothing that fails here changes the exit code. A signal ends the
    /// wait for a target that is slow.
    pub(crate) fn end(&self, exit_code: u8, mut drain: Drain) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            let time_max = if was_stopped(exit_code) {
                HASTY_TIME_MAX
            } else {
                LAST_TIME_MAX
            };
            copy_last(thread, time_max, Some(&mut drain));
        }
    }
}

/// Copies for the last time, and warns if that is not possible. A signal ends the wait.
fn copy_last(thread: PublishThread, time_max: Duration, drain: Option<&mut Drain>) {
    let signal = async {
        match drain {
            Some(drain) => drop(drain.next().await),
            None => pending().await,
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let problem = match runtime {
        Err(error) => Some(error.to_string()),
        Ok(runtime) => runtime.block_on(async {
            tokio::select! {
                biased;
                problem = thread.end() => problem,
                () = sleep(time_max) => {
                    Some(format!("it took longer than {} s", time_max.as_secs()))
                }
                () = signal => Some("a signal came".to_owned()),
            }
        }),
    };
    if let Some(problem) = problem {
        terminal::print_warning(&format_args!(
            "not all files are published (--publish): {problem}"
        ));
    }
}

/// Whether a process with this exit code was asked to stop, and so has little time.
fn was_stopped(exit_code: u8) -> bool {
    let stops = [Exit::HungUp, Exit::Interrupted, Exit::Terminated];
    stops.iter().any(|exit| exit.code() == exit_code)
}

/// Returns the path of a run directory from the one that `main` is in: `november`, or
/// `november/undo`.
fn name_of(run_dir: &Path, main: &Path) -> String {
    let whole = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (run_dir, main) = (whole(run_dir), whole(main));
    let outermost = if run_dir.starts_with(&main) {
        &main
    } else {
        &run_dir
    };
    let above = outermost.parent().unwrap_or(Path::new("/"));
    let parts = run_dir.strip_prefix(above).unwrap_or(&run_dir).components();
    let parts: Vec<_> = parts
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_below_the_name_of_the_run() {
        let check = |run_dir: &str, main: &str, want: &str| {
            assert_eq!(
                name_of(Path::new(run_dir), Path::new(main)),
                want,
                "{run_dir}"
            );
        };
        check(
            "/nowhere/runs/november",
            "/nowhere/runs/november",
            "november",
        );
        check(
            "/nowhere/november/undo",
            "/nowhere/november",
            "november/undo",
        );
        check("/nowhere/elsewhere", "/nowhere/november", "elsewhere");
    }
}
