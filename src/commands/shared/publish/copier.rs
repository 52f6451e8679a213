//! Copies the files that have changed since they were copied.

use std::collections::BTreeMap;
use std::io;
use std::thread;
use std::time::Duration;

use tokio::runtime::Runtime;
use tracing::{info, warn};

use super::files::{self, Moment, Version};
use super::target::{PublishError, Target};
use crate::commands::failure::in_one_line;
use crate::config::publish::PublishedFiles;
use crate::journal::RunDir;

/// The pauses between the attempts of the last copy.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// Copies the files of a run directory.
pub(super) struct Copier {
    run_dir: RunDir,
    target: Target,
    files: PublishedFiles,
    runtime: Runtime,
    /// The versions that were copied.
    copied: BTreeMap<String, Version>,
    /// Whether it was said that copies fail, and no copy succeeded since.
    has_told: bool,
}

impl Copier {
    pub(super) fn new(
        run_dir: RunDir,
        target: Target,
        files: PublishedFiles,
    ) -> io::Result<Copier> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Copier {
            run_dir,
            target,
            files,
            runtime,
            copied: BTreeMap::new(),
            has_told: false,
        })
    }

    /// Copies what has changed. The first failure of several is logged.
    pub(super) fn copy(&mut self) {
        match self.try_all(Moment::During) {
            Ok(()) => self.has_told = false,
            Err((problem, _)) if !self.has_told => {
                self.has_told = true;
                warn!("{problem}: it is tried again (--publish)");
            }
            Err(_) => {}
        }
    }

    /// Copies what has changed for the last time, by several attempts. Returns the problem, if one
    /// is left.
    pub(super) fn copy_last(&mut self) -> Option<String> {
        let mut pauses = PAUSES.iter();
        loop {
            let (problem, may_pass) = match self.try_all(Moment::AtTheEnd) {
                Ok(()) => {
                    info!("published to {}", self.target);
                    return None;
                }
                Err(problem) => problem,
            };
            match pauses.next().filter(|_| may_pass) {
                Some(pause) => thread::sleep(*pause),
                None => return Some(problem),
            }
        }
    }

    /// Tries to copy each file that has changed. Returns the first problem, and whether it may pass.
    fn try_all(&mut self, moment: Moment) -> Result<(), (String, bool)> {
        let names = files::names(&self.run_dir, self.files, moment).map_err(|error| {
            let place = self.run_dir.display_path("");
            (format!("{place} cannot be listed: {error}"), false)
        })?;
        let mut first = Ok(());
        for name in names {
            if let Err(error) = self.try_one(&name) {
                let may_pass = error.may_pass();
                let error = in_one_line(&error.into());
                let place = &self.target;
                let problem = format!("{name} is not copied to {place}: {error}");
                first = first.and(Err((problem, may_pass)));
            }
        }
        first
    }

    fn try_one(&mut self, name: &str) -> Result<(), PublishError> {
        let copied = self.copied.get(name).copied();
        let Some(file) = files::open(&self.run_dir, name, copied)? else {
            return Ok(());
        };
        self.runtime.block_on(self.target.put(name, &file))?;
        self.copied.insert(name.to_owned(), file.version);
        Ok(())
    }
}
