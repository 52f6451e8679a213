//! The steps that a user can take after a run or check, each with a command that works.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::command_line::{Changes, CommandLine, RUN, UNDO};
use super::continuing::time_to_go_on;
use super::other_flags::{NOT_OF_A_RUN, NOT_OF_FAILED_ROWS, OF_AN_UNDO};
use super::plan::OpenPlan;
use super::row_range;
use crate::config::api::Target;
use crate::config::provenance::Provenance;
use crate::config::secret::SecretSource;
use crate::config::{BelongsTo, Holds, Settings};
use crate::download::has_hidden_query;
use crate::input::KnownInput;
use crate::journal::{JOURNAL_NAME, RunDir};
use crate::preview::Findings;
use crate::results::summary::{Commands, Needs, NextStep, Summary, TimeToGoOn};
use crate::schedule::error_limit::ErrorLimit;
use crate::schedule::{CanaryVerdict, StopReason};
use crate::text;

/// The limit of bad rows that a run has if none is given.
const ERROR_LIMIT: &str = "10%";
/// The most directories of one name.
const SAME_NAME_MAX: u32 = 1000;

/// The command that ends.
pub(in crate::commands) struct Typed<'c> {
    /// Its words.
    line: &'c CommandLine,
    settings: &'c Settings,
    /// Whether all inputs can be read again.
    can_be_read_again: bool,
    /// Whether the command finds its directory by itself.
    knows_directory: bool,
    /// The rows of the plan that a run sends, counted from the first one of the input.
    planned_rows: Option<u64>,
}

/// The result of a run or check, as far as the next steps depend on it.
pub(in crate::commands) struct Ended<'e> {
    pub(in crate::commands) summary: &'e Summary,
    pub(in crate::commands) run_dir: &'e RunDir,
    /// The names of the files of failed rows.
    pub(in crate::commands) failed_files: &'e [String],
    pub(in crate::commands) stop: Option<&'e StopReason>,
    /// The time before which the run need not go on.
    pub(in crate::commands) until: Option<Timestamp>,
    /// Whether `--max-rows` ended the reading.
    pub(in crate::commands) is_cut_by_max_rows: bool,
    /// Whether a run can have its directory where the check has.
    pub(in crate::commands) is_kept: bool,
    /// Whether the journal is gone or was replaced.
    pub(in crate::commands) has_lost_journal: bool,
}

impl<'c> Typed<'c> {
    pub(in crate::commands) fn new(
        line: &'c CommandLine,
        settings: &'c Settings,
        inputs: &[KnownInput],
    ) -> Typed<'c> {
        Typed {
            line,
            settings,
            can_be_read_again: inputs.iter().all(KnownInput::can_be_named_again),
            knows_directory: settings.output.run_dir.is_some(),
            planned_rows: None,
        }
    }

    /// The command of a run, of a plan if there is one.
    pub(in crate::commands) fn run(
        line: &'c CommandLine,
        settings: &'c Settings,
        inputs: &[KnownInput],
        plan: Option<&OpenPlan>,
    ) -> Typed<'c> {
        Typed {
            planned_rows: plan.map(OpenPlan::rows),
            ..Typed::new(line, settings, inputs)
        }
    }

    /// The command of an undo, whose directory is below that of the run.
    pub(in crate::commands) fn undo(line: &'c CommandLine, settings: &'c Settings) -> Typed<'c> {
        Typed {
            line,
            settings,
            can_be_read_again: true,
            knows_directory: true,
            planned_rows: None,
        }
    }

    /// Whether commands that are made of the typed one may hold customers' values.
    pub(in crate::commands) fn commands(&self) -> Commands {
        let has_values = self.settings.effective().iter().any(|setting| {
            matches!(setting.provenance, Provenance::Flag(_))
                && setting.belongs_to == BelongsTo::Run(Holds::Values)
        });
        if has_values {
            Commands::MayHoldValues
        } else {
            Commands::HoldNoValues
        }
    }

    /// Returns the command that continues a run in this directory by itself; `None` if it may hold
    /// customers' values, or if a person has to add the query of an address.
    pub(in crate::commands) fn continuation(
        &self,
        run_dir: &RunDir,
        stop: Option<&StopReason>,
    ) -> Option<String> {
        stop.filter(|_| self.can_be_read_again && self.commands() == Commands::HoldNoValues)
            .and_then(time_to_go_on)
            .map(|_| self.continued(run_dir, &[], Vec::new()))
            .filter(|command| !has_hidden_query(command))
    }

    /// Returns the same command in the same directory, with some changes.
    fn continued(
        &self,
        run_dir: &RunDir,
        without: &[&'static str],
        mut with: Vec<(&'static str, OsString)>,
    ) -> String {
        let mut without = without.to_vec();
        if !self.knows_directory {
            with.insert(0, ("run-dir", run_dir.path().into()));
            without.push("fresh");
        }
        self.line.with(Changes {
            without: &without,
            with,
            ..Changes::default()
        })
    }

    /// Returns the steps after a run, the most important last.
    pub(in crate::commands) fn after_run(&self, ended: &Ended<'_>) -> Vec<NextStep> {
        if ended.has_lost_journal {
            // Any command with this run directory would send all rows again.
            return vec![NextStep::PutBack {
                journal: ended.run_dir.display_path(JOURNAL_NAME),
            }];
        }
        match ended.stop {
            Some(StopReason::ErrorLimit {
                ended: rows,
                errors,
                ..
            }) if self.can_be_read_again => vec![NextStep::RaiseLimit {
                command: self.continued(
                    ended.run_dir,
                    &["max-errors"],
                    vec![("max-errors", higher_limit(*rows, *errors).into())],
                ),
            }],
            Some(StopReason::TooManyChanges { .. }) => vec![NextStep::AllowChanges {
                command: self.continued(
                    ended.run_dir,
                    &["max-changes"],
                    vec![("max-changes", "none".into())],
                ),
            }],
            Some(StopReason::EchoDiffers { .. }) => vec![self.despite_echo(ended)],
            Some(StopReason::Canary { verdict }) => self.after_canary(ended, verdict),
            Some(reason) => self.going_on(ended, reason).into_iter().collect(),
            None => self.after_finished_run(ended),
        }
    }

    fn despite_echo(&self, ended: &Ended<'_>) -> NextStep {
        let results = ended.run_dir.display_path(JOURNAL_NAME);
        if !self.can_be_read_again {
            return NextStep::LookAtEcho { results };
        }
        NextStep::GoOnDespiteEcho {
            results,
            command: self.continued(ended.run_dir, &["echo"], vec![("echo", "warn".into())]),
        }
    }

    /// Returns the steps after a canary: the way on, whatever its verdict, because a person has looked
    /// at it; and the way back, which comes last after a bad one.
    fn after_canary(&self, ended: &Ended<'_>, verdict: &CanaryVerdict) -> Vec<NextStep> {
        let go = vec![("canary-then", "go".into())];
        let command = self.continued(ended.run_dir, &["canary-then"], go);
        let on = if self.can_be_read_again {
            let results = ended.run_dir.display_path(JOURNAL_NAME);
            NextStep::GoOnAfterCanary { results, command }
        } else {
            let when = TimeToGoOn::Now;
            NextStep::PipeAgain { when, command }
        };
        let back = self
            .undoing(ended)
            .filter(|_| self.settings.sending.undoable);
        let mut steps: Vec<_> = back.into_iter().chain([on]).collect();
        if !verdict.is_good() {
            steps.reverse();
        }
        steps
    }

    fn going_on(&self, ended: &Ended<'_>, reason: &StopReason) -> Option<NextStep> {
        let when = time_of(reason, ended)?;
        let command = self.continued(ended.run_dir, &[], Vec::new());
        Some(if self.can_be_read_again {
            NextStep::GoOn { when, command }
        } else {
            NextStep::PipeAgain { when, command }
        })
    }

    fn after_finished_run(&self, ended: &Ended<'_>) -> Vec<NextStep> {
        let summary = ended.summary;
        let failed = rows_to_send_again(summary);
        let others = summary.invalid + summary.rejected.unwrap_or_default();
        let mut steps = Vec::new();
        if self.settings.sending.undoable && summary.updated > Some(0) {
            steps.extend(self.undoing(ended));
        }
        if summary.has_rejected_echo() {
            steps.push(NextStep::LookAtEcho {
                results: ended.run_dir.display_path(JOURNAL_NAME),
            });
        }
        if ended.is_cut_by_max_rows {
            steps.extend(self.rest(ended));
        }
        if failed > 0 && others == 0 && self.can_be_read_again {
            steps.push(NextStep::SendFailedAgain {
                rows: failed,
                command: self.continued(ended.run_dir, &[], Vec::new()),
            });
        } else if !ended.failed_files.is_empty() {
            steps.push(self.correction(ended));
        }
        steps
    }

    /// Returns the step that sends the rows behind `--max-rows`; `None` at the end of the plan, which
    /// allows no further row.
    fn rest(&self, ended: &Ended<'_>) -> Option<NextStep> {
        let asked = row_range::rows(&self.settings.input);
        let max_rows = match self.planned_rows {
            Some(planned) if planned < asked.end => return None,
            Some(planned) => {
                let rows = planned.saturating_sub(self.settings.input.skip_rows);
                vec![("max-rows", rows.to_string().into())]
            }
            None => Vec::new(),
        };
        Some(NextStep::SendRest {
            needs: if self.can_be_read_again {
                Needs::Nothing
            } else {
                Needs::SameBytes
            },
            command: self.continued(ended.run_dir, &["max-rows"], max_rows),
        })
    }

    /// Returns the step that puts back what a run has changed, unless its sandbox ends with it.
    fn undoing(&self, ended: &Ended<'_>) -> Option<NextStep> {
        if matches!(self.settings.api.target, Target::Sandbox) {
            return None;
        }
        Some(NextStep::Undo {
            command: self.line.with(Changes {
                verb: Some(UNDO),
                only: Some(&OF_AN_UNDO),
                inputs: Some(vec![ended.run_dir.path().to_owned()]),
                ..Changes::default()
            }),
        })
    }

    fn correction(&self, ended: &Ended<'_>) -> NextStep {
        let files = ended.failed_files.iter();
        let files: Vec<_> = files.map(|name| ended.run_dir.file(name)).collect();
        NextStep::Correct {
            files: files.iter().map(|file| text::safe_path(file)).collect(),
            command: self.line.with(Changes {
                without: &NOT_OF_FAILED_ROWS,
                inputs: Some(files),
                with: self.other_directory(&self.of_shard("corrected")),
                ..Changes::default()
            }),
        }
    }

    /// Returns the steps after an undo, the most important last.
    pub(in crate::commands) fn after_undo(&self, ended: &Ended<'_>) -> Vec<NextStep> {
        let summary = ended.summary;
        if let Some(reason) = ended.stop {
            return self.going_on(ended, reason).into_iter().collect();
        }
        let mut steps = Vec::new();
        if let Some(customers) = summary.conflict {
            steps.push(NextStep::Overwrite {
                customers,
                results: ended.run_dir.display_path(JOURNAL_NAME),
                command: self.continued(
                    ended.run_dir,
                    &["force"],
                    vec![("force", OsString::new())],
                ),
            });
        }
        if let Some(rows @ 1..) = summary.failed {
            steps.push(NextStep::SendFailedAgain {
                rows,
                command: self.continued(ended.run_dir, &[], Vec::new()),
            });
        }
        steps
    }

    /// Returns the steps after a check, the most important last.
    pub(in crate::commands) fn after_check(&self, ended: &Ended<'_>) -> Vec<NextStep> {
        let summary = ended.summary;
        let stopped_by_limit = matches!(ended.stop, Some(StopReason::ErrorLimit { .. }));
        let mut steps = Vec::new();
        if summary.invalid > 0
            && self.can_be_read_again
            && (ended.stop.is_none() || stopped_by_limit)
        {
            steps.push(NextStep::CheckAgain {
                command: self.line.with(Changes::default()),
            });
        }
        let valid = summary.valid.unwrap_or_default();
        let would_stop = self
            .error_limit_of_a_run()
            .is_exceeded(summary.records, summary.invalid);
        if ended.stop.is_none() && valid > 0 && !would_stop && ended.is_kept {
            steps.push(self.sending(ended, valid));
        }
        steps
    }

    /// Returns the steps after a preview: what was looked at is sent, and nothing else.
    pub(in crate::commands) fn after_preview(&self, ended: &Ended<'_>) -> Vec<NextStep> {
        if let Some(reason) = ended.stop {
            return self.looking_again(ended, reason).into_iter().collect();
        }
        let findings = ended.summary.preview.as_ref();
        if !findings.is_some_and(Findings::may_change) {
            return Vec::new();
        }
        vec![self.sending(ended, ended.summary.valid.unwrap_or_default())]
    }

    /// Returns the step that begins a stopped preview again.
    fn looking_again(&self, ended: &Ended<'_>, reason: &StopReason) -> Option<NextStep> {
        Some(NextStep::LookAgain {
            when: time_of(reason, ended)?,
            needs: if self.can_be_read_again {
                Needs::Nothing
            } else {
                Needs::SameBytes
            },
            command: self.line.with(Changes::default()),
        })
    }

    /// Whether the command has left a plan that a run can send.
    fn has_plan(&self, summary: &Summary) -> bool {
        let is_written = match &summary.preview {
            // A sample of all customers is one, too.
            Some(findings) => findings.not_read == 0 && self.settings.preview.sample.is_none(),
            None => self.settings.plan.is_written,
        };
        is_written && self.settings.nightly.state.is_none() && self.can_be_read_again
    }

    /// Returns the step that sends the valid rows.
    fn sending(&self, ended: &Ended<'_>, valid: u64) -> NextStep {
        let mut with = self.directory_of_a_run();
        if self.has_plan(ended.summary) {
            with.push(("plan", ended.run_dir.path().into()));
        }
        let needs = match &self.settings.api.target {
            _ if !self.can_be_read_again => Needs::SameBytes,
            Target::Remote {
                token: SecretSource::Missing,
                ..
            } => Needs::Token,
            Target::Remote { .. } | Target::Sandbox => Needs::Nothing,
        };
        NextStep::Send {
            rows: (ended.summary.invalid > 0).then_some(valid),
            needs,
            command: self.line.with(Changes {
                verb: Some(RUN),
                without: &NOT_OF_A_RUN,
                with,
                ..Changes::default()
            }),
        }
    }

    fn error_limit_of_a_run(&self) -> ErrorLimit {
        match self.settings.provenance("max-errors") {
            Provenance::Default => ERROR_LIMIT.parse().unwrap_or(ErrorLimit::None),
            Provenance::File(_) | Provenance::Environment(_) | Provenance::Flag(_) => {
                self.settings.sending.max_errors
            }
        }
    }

    /// Returns the directory of a run after a check: shards need one that they can all name.
    fn directory_of_a_run(&self) -> Vec<(&'static str, OsString)> {
        match (&self.settings.output.run_dir, self.settings.shard) {
            (None, Some(_)) => vec![("run-dir", "shared-run".into())],
            (Some(_), _) | (None, None) => self.other_directory("run"),
        }
    }

    /// Returns the name of what belongs to this shard alone.
    fn of_shard(&self, suffix: &str) -> String {
        match self.settings.shard {
            Some(shard) => format!("{}-{suffix}", shard.directory_name()),
            None => suffix.to_owned(),
        }
    }

    /// Returns another run directory, if the user has named this one.
    fn other_directory(&self, suffix: &str) -> Vec<(&'static str, OsString)> {
        let named = self.settings.output.run_dir.as_deref();
        let other = named.map(|named| ("run-dir", beside(named, suffix).into()));
        other.into_iter().collect()
    }
}

/// Returns the time at which the same command is of use after a stop; `None` if it never is.
fn time_of(reason: &StopReason, ended: &Ended<'_>) -> Option<TimeToGoOn> {
    Some(match (time_to_go_on(reason)?, ended.until) {
        (TimeToGoOn::Later, Some(until)) => TimeToGoOn::From(until),
        (when, _) => when,
    })
}

/// Returns the rows that the same command sends again: all that failed, but for those that later
/// rows have overtaken.
fn rows_to_send_again(summary: &Summary) -> u64 {
    let overtaken = summary.errors.iter().filter(|group| group.is_overtaken());
    let overtaken: u64 = overtaken.map(|group| group.rows).sum();
    summary.failed.unwrap_or_default().saturating_sub(overtaken)
}

/// Returns a limit that as many bad rows do not exceed, with room for more.
fn higher_limit(ended: u64, errors: u64) -> String {
    let percent = errors.saturating_mul(100).div_ceil(ended.max(1));
    let limit = (percent + 5).div_ceil(10) * 10;
    format!("{}%", limit.min(100))
}

/// Returns a path beside a directory that is not there yet.
fn beside(directory: &Path, suffix: &str) -> PathBuf {
    let name = |number: u32| {
        let mut name = directory
            .file_name()
            .map_or_else(|| "run".into(), OsString::from);
        name.push(format!("-{suffix}"));
        if number > 1 {
            name.push(format!("-{number}"));
        }
        directory.with_file_name(name)
    };
    let mut paths = (1..=SAME_NAME_MAX).map(name);
    let first = name(1);
    paths.find(|path| !path.exists()).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_limit_is_not_exceeded() {
        for (ended, errors, want) in [
            (1_000, 101, "20%"),
            (1_000, 174, "30%"),
            (3_708, 3_708, "100%"),
            (4, 1, "30%"),
            (0, 0, "10%"),
        ] {
            let limit = higher_limit(ended, errors);
            assert_eq!(limit, want, "{errors} of {ended}");
            let limit: ErrorLimit = limit.parse().expect("a limit");
            assert!(!limit.is_exceeded(ended, errors), "{errors} of {ended}");
        }
    }

    #[test]
    fn another_directory_is_beside_the_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let check = |name: &str, want: &str| {
            let path = beside(&folder.path().join(name), "corrected");
            assert_eq!(path, folder.path().join(want));
        };
        check("november", "november-corrected");
        std::fs::create_dir(folder.path().join("november-corrected")).expect("a folder");
        check("november/", "november-corrected-2");
        check("a/b", "a/b-corrected");
    }
}
