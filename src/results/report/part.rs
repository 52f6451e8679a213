//! One run directory, read for a report: its journal, and its summary if that is of the last process.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::history::{self, Ended, History, HistoryError};
use crate::journal::{
    FINISHED, Fact, Header, JOURNAL_NAME, Line, LineError, LineReader, Outcome, RunDir,
    RunDirError, SUMMARY_NAME, is_foreign, last_fact,
};
use crate::results::summary::{
    self, EchoSummary, EchoVerdict, End, InputNames, ProcessSummary, StepSummary, Summary, Tone,
    Totals, format_time,
};
use crate::text::{self, grouped};

/// A run directory.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) path: PathBuf,
    pub(super) header: Header,
    /// The history by the journal; `None` for a check, whose summary tells all.
    pub(super) history: Option<History>,
    pub(super) summary: Summary,
}

/// The reason why there is no report on a directory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReportError {
    /// It holds no journal.
    #[error("{} is no run directory: it holds no {JOURNAL_NAME}", text::safe_path(.path))]
    NoJournal {
        /// Its path.
        path: PathBuf,
    },
    /// Nothing was recorded in it.
    #[error("nothing was recorded in {directory}: its first process ended before its first row")]
    Empty {
        /// Its name.
        directory: String,
    },
    /// A file cannot be opened.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// The journal cannot be read.
    #[error("{journal}")]
    Journal {
        /// Its name.
        journal: String,
        /// The error.
        #[source]
        source: HistoryError,
    },
}

/// The state of a run whose last process has left no summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastProcess {
    /// It is at work.
    AtWork,
    /// It was killed.
    Killed,
    /// It has ended, but its summary is missing.
    Ended(Ended),
}

/// Reads a run directory.
pub(super) fn read(path: &Path) -> Result<Part, ReportError> {
    let directory = text::safe_path(path);
    if path.join(JOURNAL_NAME).symlink_metadata().is_err() {
        return Err(ReportError::NoJournal {
            path: path.to_owned(),
        });
    }
    let run_dir = RunDir::existing(path);
    let journal = run_dir.open_file(JOURNAL_NAME)?;
    let failed = |source| ReportError::Journal {
        journal: run_dir.display_path(JOURNAL_NAME),
        source,
    };
    let header = header_of(&journal).map_err(failed)?;
    let Some(header) = header else {
        return Err(ReportError::Empty { directory });
    };
    let last = last_fact(&journal).map_err(|error| failed(error.into()))?;
    let summary = summary_of(&run_dir).filter(|summary| is_of_last_process(summary, last.as_ref()));
    if let Some(summary) = summary
        .as_ref()
        .filter(|_| header.purpose.only_records_bad_rows())
    {
        return Ok(Part {
            path: path.to_owned(),
            header,
            history: None,
            summary: summary.clone(),
        });
    }
    let journal = run_dir.open_file(JOURNAL_NAME)?;
    let history = history::read(journal).map_err(failed)?;
    let Some(history) = history else {
        return Err(ReportError::Empty { directory });
    };
    let is_edited = summary
        .as_ref()
        .is_some_and(|summary| !agrees(summary, &history));
    let summary = summary.filter(|_| !is_edited).unwrap_or_else(|| {
        let last = match history.ended {
            Some(ended) => LastProcess::Ended(ended),
            None if run_dir.is_locked() => LastProcess::AtWork,
            None => LastProcess::Killed,
        };
        let mut summary = summary_by_journal(&history, last, &directory);
        if is_edited {
            let reason =
                format!("{SUMMARY_NAME} does not agree with the journal, which counts here.");
            summary.reasons.push(reason);
        }
        summary
    });
    Ok(Part {
        path: path.to_owned(),
        header,
        history: Some(history),
        summary,
    })
}

/// Reads the header alone. `None` for a journal without one.
fn header_of(journal: &File) -> Result<Option<Header>, HistoryError> {
    let mut lines = LineReader::of(BufReader::new(journal));
    match lines.next_line()? {
        Some(Line::Header(header)) => Ok(Some(*header)),
        Some(Line::Torn(bytes)) if is_foreign(bytes) => Err(LineError::NotAJournal.into()),
        Some(_) | None => Ok(None),
    }
}

/// Returns the summary in a run directory. A file that is none says nothing.
fn summary_of(run_dir: &RunDir) -> Option<Summary> {
    serde_json::from_reader(run_dir.open_summary().ok()?).ok()
}

/// Whether a summary is of the process that the journal's last line is about.
fn is_of_last_process(summary: &Summary, last: Option<&Fact>) -> bool {
    match last {
        Some(Fact::Ended { at, .. }) => summary.ended == format_time(*at),
        Some(_) | None => false,
    }
}

/// Whether a summary of a run has the rows by outcome that its journal has. One that was edited has
/// not.
fn agrees(summary: &Summary, history: &History) -> bool {
    let counts = [
        (Outcome::Updated, summary.updated),
        (Outcome::Invalid, Some(summary.invalid)),
        (Outcome::Rejected, summary.rejected),
        (Outcome::Failed, summary.failed),
        (Outcome::Superseded, summary.superseded),
    ];
    let has = |(outcome, rows): (Outcome, Option<u64>)| {
        rows.unwrap_or_default() == history.tally.count(outcome)
    };
    history.header.purpose.only_records_bad_rows() || counts.into_iter().all(has)
}

/// Returns the summary of a run whose last process has left none: what the journal tells.
fn summary_by_journal(history: &History, last: LastProcess, directory: &str) -> Summary {
    let tally = &history.tally;
    let recorded = tally.ended();
    let names: Vec<_> = (history.header.inputs.iter())
        .map(|input| text::safe(&input.name))
        .collect();
    let count = |outcome| Some(tally.count(outcome));
    let if_any = |outcome| count(outcome).filter(|rows| *rows > 0);
    let is_check = history.header.purpose.only_records_bad_rows();
    let mut summary = Summary {
        version: history.header.version.clone(),
        command: history.header.purpose,
        run_dir: Some(directory.to_owned()),
        started: format_time(history.header.started),
        seconds: seconds(history),
        ended: format_time(history.last_at),
        records: recorded,
        updated: count(Outcome::Updated).filter(|_| !is_check),
        invalid: tally.count(Outcome::Invalid),
        rejected: count(Outcome::Rejected).filter(|_| !is_check),
        failed: count(Outcome::Failed).filter(|_| !is_check),
        superseded: count(Outcome::Superseded).filter(|_| !is_check),
        unchanged: if_any(Outcome::Unchanged),
        conflict: if_any(Outcome::Conflict),
        elsewhere: if_any(Outcome::Elsewhere),
        other: if_any(Outcome::Other),
        errors: summary::error_groups(tally, recorded, &InputNames::of_names(&names)),
        echo: EchoSummary::of(
            tally.echo(),
            tally.count(Outcome::Updated),
            &InputNames::of_names(&names),
            EchoVerdict::Warned,
        ),
        inputs: names,
        processes: Some(ProcessSummary::all(&history.processes)),
        totals: Some(Totals::of(&history.processes)),
        ..Summary::default()
    };
    put_into_words(&mut summary, last);
    summary
}

/// Returns the time from the start to the last line, which is that of a run of one process.
fn seconds(history: &History) -> f64 {
    let took = history.last_at.duration_since(history.header.started);
    summary::rounded(took.as_secs_f64().max(0.0))
}

fn put_into_words(summary: &mut Summary, last: LastProcess) {
    let begins_anew = summary.command.only_records_bad_rows();
    let done = match summary.records {
        0 if begins_anew => "no invalid row is recorded".to_owned(),
        1 if begins_anew => "1 invalid row is recorded".to_owned(),
        rows if begins_anew => format!("{} invalid rows are recorded", grouped(rows)),
        0 => "no row has an outcome".to_owned(),
        1 => "1 row has an outcome".to_owned(),
        rows => format!("{} rows have an outcome", grouped(rows)),
    };
    let (verdict, again) = match last {
        LastProcess::AtWork => (format!("A process is at work: {done} so far."), false),
        LastProcess::Killed => (format!("The last process was killed: {done}."), true),
        LastProcess::Ended(ended) if begins_anew => {
            summary.exit_code = ended.exit;
            let rows = grouped(summary.invalid);
            let verb = summary.command.noun();
            (
                format!(
                    "This {verb} has left no summary. Its journal holds the invalid rows alone: {rows}."
                ),
                !FINISHED.contains(&ended.exit),
            )
        }
        LastProcess::Ended(ended) if FINISHED.contains(&ended.exit) => {
            summary.read_to_end = true;
            summary.exit_code = ended.exit;
            (summary::verdict(summary, &End::default()), false)
        }
        LastProcess::Ended(ended) => {
            summary.exit_code = ended.exit;
            (
                format!("Stopped early with exit code {}: {done}.", ended.exit),
                true,
            )
        }
    };
    summary.verdict = verdict;
    summary.tone = match last {
        LastProcess::Ended(Ended { exit: 0, .. }) if !begins_anew => Tone::Good,
        LastProcess::AtWork | LastProcess::Killed | LastProcess::Ended(_) => Tone::Mixed,
    };
    if again {
        let advice = if begins_anew {
            format!(
                "Run the same command again: a {} begins anew.",
                summary.command.noun()
            )
        } else {
            "To go on, run the same command again: it continues where this run stopped.".to_owned()
        };
        summary.next_steps = vec![StepSummary {
            advice,
            command: None,
        }];
    }
}
