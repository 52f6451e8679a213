//! `custsync report`: reports on runs and checks that have ended, or are under way.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use crate::commands::Failure;
use crate::commands::shared::named_file::{self, Readers};
use crate::config::output::OutputFormat;
use crate::journal::JOURNAL_NAME;
use crate::process::exit::Exit;
use crate::results::report::{Links, REPORT_NAME, Report, ReportError, RunReport, collect};
use crate::results::summary::{Tone, counted};
use crate::terminal;
use crate::text;

/// The form of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReportForm {
    /// Words or JSON on standard output.
    Printed(OutputFormat),
    /// A page in this file; `-` is standard output.
    Page(PathBuf),
}

/// The runs that have to be whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// None: a report is also on a run that is under way.
    Anything,
    /// All: each run has shards, and all of them have finished (`--expect-shards`).
    Shards,
}

/// Reports on run directories.
pub(crate) fn report(
    directories: &[PathBuf],
    form: &ReportForm,
    expected: Expected,
) -> Result<Exit, Failure> {
    if let ReportForm::Page(path) = form {
        refuse_file_of_a_run(path)?;
    }
    let (report, errors) = collect(directories);
    let mut refusals: Vec<_> = errors.into_iter().map(refusal).collect();
    let last = refusals.pop();
    for refusal in refusals {
        terminal::print_error(&refusal.message());
    }
    if report.runs.is_empty() {
        return last.map_or(Ok(Exit::Success), Err);
    }
    print(&report, form, directories)?;
    // The others are reported on.
    if let Some(failure) = last {
        return Err(failure);
    }
    match expected {
        Expected::Anything => Ok(Exit::Success),
        Expected::Shards => {
            let others = match report.runs.len() {
                1 => "",
                _ => " (shards with another input, or other settings, are reported as another run)",
            };
            (report.runs.iter()).try_for_each(|run| refuse_a_part(run, others))?;
            let is_good = report.runs.iter().all(|run| run.tone == Tone::Good);
            Ok(if is_good {
                Exit::Success
            } else {
                Exit::SomeRowsFailed
            })
        }
    }
}

/// Refuses a run that is not whole. Shards that have not finished can still do so. `others` is added
/// to a message about shards that may be in another run.
fn refuse_a_part(run: &RunReport, others: &str) -> Result<(), Failure> {
    let directories = run.directories.join(", ");
    let Some(shards) = &run.shards else {
        return Err(Failure::run_directory(anyhow!(
            "{directories} holds no shard of a run (--expect-shards)"
        )));
    };
    let (missing, unfinished) = (shards.missing(), &shards.unfinished);
    let listed = |numbers: &[u32]| {
        let numbers: Vec<_> = numbers.iter().map(u32::to_string).collect();
        numbers.join(", ")
    };
    let not_yet = match (missing.as_slice(), unfinished.as_slice()) {
        ([], []) => None,
        (missing, []) => Some(format!("missing: {}", listed(missing))),
        ([], unfinished) => Some(format!("unfinished: {}", listed(unfinished))),
        (missing, unfinished) => Some(format!(
            "missing: {}; unfinished: {}",
            listed(missing),
            listed(unfinished)
        )),
    };
    if let Some(not_yet) = not_yet {
        return Err(Failure {
            exit: Exit::StoppedEarly,
            error: anyhow!(
                "not all {} shards have finished: {not_yet}{others}",
                shards.of
            ),
        });
    }
    if shards.unaccounted > 0 {
        return Err(Failure::run_directory(anyhow!(
            "the shards have finished, but do not add up to the input: in no shard, or in several: {}; did the input change in between?",
            counted(shards.unaccounted, "row", "rows")
        )));
    }
    Ok(())
}

/// Prints or writes the report.
fn print(report: &Report, form: &ReportForm, directories: &[PathBuf]) -> Result<(), Failure> {
    let printed = match form {
        ReportForm::Printed(OutputFormat::Text) => terminal::print(&report.to_text()),
        ReportForm::Printed(OutputFormat::Json) => terminal::print(&report.to_json()),
        ReportForm::Page(path) if path == Path::new("-") => {
            terminal::print(&report.to_html(Links::None))
        }
        ReportForm::Page(path) => {
            let page = report.to_html(links(path, directories));
            named_file::replace(path, page.as_bytes(), Readers::Owner)
                .with_context(|| format!("{} cannot be written", text::safe_path(path)))
                .map_err(Failure::run_directory)?;
            Ok(())
        }
    };
    printed.map_err(Failure::stdout)
}

/// Refuses to write a page over the journal, or over another file that a run needs.
fn refuse_file_of_a_run(page: &Path) -> Result<(), Failure> {
    let is_page = page
        .extension()
        .is_some_and(|extension| extension == "html");
    let is_in_run = page.with_file_name(JOURNAL_NAME).symlink_metadata().is_ok();
    if is_page || !is_in_run || page == Path::new("-") {
        return Ok(());
    }
    let page = text::safe_path(page);
    Err(Failure::unusable(anyhow!(
        "{page} is in a run directory, whose files a page must not overwrite: give it a name that ends with .html (--html)"
    )))
}

/// Whether the page lies in the one run directory that it is about.
fn links(page: &Path, directories: &[PathBuf]) -> Links {
    let above = page.parent().filter(|above| !above.as_os_str().is_empty());
    let above = above.unwrap_or(Path::new(".")).canonicalize();
    match (directories, above) {
        ([directory], Ok(above))
            if directory
                .canonicalize()
                .is_ok_and(|directory| directory == above) =>
        {
            Links::RunDirectory
        }
        _ => Links::None,
    }
}

/// Adds what to do about a directory that holds no run.
fn refusal(error: ReportError) -> Failure {
    let hint = match &error {
        ReportError::NoJournal { path } => hint(path),
        ReportError::Empty { .. } | ReportError::RunDir(_) | ReportError::Journal { .. } => None,
    };
    // A report never sends anything.
    let message = format!("{:#}", anyhow::Error::new(error)).replace("; nothing was sent", "");
    Failure::run_directory(anyhow!("{message}{}", hint.unwrap_or_default()))
}

/// Returns what may be meant by a path without a journal.
fn hint(path: &Path) -> Option<String> {
    if path
        .file_name()
        .is_some_and(|name| name == JOURNAL_NAME || name == REPORT_NAME)
    {
        return Some(": name the directory that it is in".to_owned());
    }
    let entries = path.read_dir().ok()?.filter_map(Result::ok);
    let runs = entries
        .filter(|entry| entry.path().join(JOURNAL_NAME).is_file())
        .count();
    let folder = text::shell_word(path.as_os_str());
    let folder = folder.trim_end_matches('/');
    (runs > 0).then(|| format!("; it holds {runs} run directories: custsync report {folder}/*/"))
}
