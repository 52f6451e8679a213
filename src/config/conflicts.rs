//! Settings that are fine each by itself, and nonsense together. Only what was typed counts: a configuration file is
//! written for many commands, and part of it may be of no use to this one.

use std::cmp::Ordering;

use super::api::{CLIENT_SECRET_FILE, TOKEN_FILE, Target};
use super::error::Problem;
use super::input::{EXPLAIN, TWO_DIGIT_YEARS};
use super::layer::{SANDBOX_PREFIX, TOKEN};
use super::output::{FRESH, OUTPUT_FORMAT, OutputFormat, RUN_DIR, Unfinished};
use super::provenance::Provenance;
use super::reader::Reader;
use super::{Settings, Task};

/// Flags that speak of the real API.
const REMOTE_ONLY: [&str; 3] = ["base-url", TOKEN_FILE, CLIENT_SECRET_FILE];

/// Reports the flags that have no effect, and a run that could not authenticate.
pub(super) fn check(reader: &mut Reader, settings: &Settings) {
    let target = &settings.api.target;
    let typed: Vec<(&str, String)> = reader.typed().collect();
    for (name, flag) in typed {
        if let Some(problem) = useless_flag(reader.task(), target, name, flag) {
            reader.problem(problem);
        }
    }
    // A format that was given and cannot be used has been reported already.
    let formats = &settings.input.rows.values.date_formats;
    let is_useless = formats.iter().all(|format| !format.has_two_digit_years());
    let is_noted = [TWO_DIGIT_YEARS, "date-format"]
        .iter()
        .any(|name| reader.is_noted(name));
    if is_useless
        && !is_noted
        && reads_rows(reader.task())
        && reader.typed().any(|(name, _)| name == TWO_DIGIT_YEARS)
    {
        reader.problem(Problem::TwoDigitYearsWithoutFormat);
    }
    // A reader of JSON could not read the one, and a person who asked for the other must not miss it.
    let is_explained = settings.input.explain > 0 && reader.task() == Task::Check;
    if is_explained && settings.output.output_format == OutputFormat::Json {
        let (first, second) = (
            reader.place(EXPLAIN),
            format!("{} json", reader.place(OUTPUT_FORMAT)),
        );
        reader.problem(Problem::Contradiction { first, second });
    }
    // A directory that is named by a stronger source holds: that is how a run is continued that began with `--fresh`.
    let is_fresh =
        settings.output.unfinished == Unfinished::Left && settings.output.run_dir.is_some();
    if is_fresh
        && is_run(reader.task())
        && reader.compare_sources(RUN_DIR, FRESH) != Ordering::Greater
    {
        let (first, second) = (reader.place(FRESH), reader.place(RUN_DIR));
        reader.problem(Problem::Contradiction { first, second });
    }
    // A token that was given and cannot be used has been reported already.
    let unnamed = [TOKEN, TOKEN_FILE]
        .iter()
        .all(|name| *reader.provenance(name) == Provenance::Default);
    if unnamed && reader.task() == Task::Run && matches!(target, Target::Remote { .. }) {
        reader.problem(Problem::NoToken);
    }
}

/// Whether the task is to send, or to show the settings of that.
fn is_run(task: Task) -> bool {
    match task {
        Task::Run | Task::Config => true,
        Task::Check | Task::Sandbox | Task::Login | Task::Logout | Task::Token => false,
    }
}

/// Whether the task is to read rows, or to show the settings of that.
fn reads_rows(task: Task) -> bool {
    is_run(task) || task == Task::Check
}

fn useless_flag(task: Task, target: &Target, name: &str, flag: String) -> Option<Problem> {
    match (task, target) {
        (Task::Run, _) if name == EXPLAIN => Some(Problem::ExplainWithRun),
        (Task::Check, _) if name == "sandbox" => Some(Problem::SandboxWithCheck),
        (Task::Check | Task::Sandbox | Task::Login | Task::Logout | Task::Token, _) => None,
        (Task::Run | Task::Config, Target::Sandbox) => REMOTE_ONLY
            .contains(&name)
            .then_some(Problem::UselessWithSandbox { flag }),
        (Task::Run | Task::Config, Target::Remote { .. }) => name
            .starts_with(SANDBOX_PREFIX)
            .then_some(Problem::UselessWithoutSandbox { flag }),
    }
}
