//! Collects run directories into runs: the shards of one input are one run, and directories of
//! several inputs, or of several nights, stand side by side.

use std::collections::BTreeSet;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::course::{CourseColumns, percentiles};
use super::history::History;
use super::model::{
    Books, Course, Group, InputReport, Process, Report, RowEnd, RunReport, Setting, Step,
};
use super::part::{self, Part, ReportError};
use super::shards;
use crate::journal::{
    self, AnswerTimes, Header, JOURNAL_NAME, Purpose, RunDir, SHARDS_NAME, SettingText, Shard,
    is_shard_directory,
};
use crate::results::summary::{ErrorGroup, StepSummary, Summary, details, notes, what_is_wrong};
use crate::results::timeline::{TIMELINE_NAME, points};
use crate::text;

/// The most bytes of a timeline that are read. A year of a run that starts anew each hour has fewer.
const TIMELINE_BYTES_MAX: u64 = 8 << 30;
/// The most settings' values in a list.
const VALUES_SHOWN_MAX: usize = 20;

/// Reads run directories, and returns the report on them. A directory with the shards of a run
/// stands for them.
///
/// Also returns the errors of directories that there is no report on. A directory that is named twice
/// is read once.
pub(crate) fn collect(directories: &[PathBuf]) -> (Report, Vec<ReportError>) {
    let (mut parts, mut errors) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    let paths = directories.iter().flat_map(|path| with_shards(path));
    for path in paths {
        let place = path.canonicalize().unwrap_or_else(|_| path.clone());
        if !seen.insert(place) {
            continue;
        }
        match part::read(&path) {
            Ok(part) => parts.push(part),
            Err(error) => errors.push(error),
        }
    }
    let mut runs: Vec<_> = grouped(parts).into_iter().filter_map(run_report).collect();
    runs.sort_by_key(|run| run.started);
    (Report { runs }, errors)
}

/// Returns the run directories that a directory stands for: those of the shards in it, or itself.
fn with_shards(directory: &Path) -> Vec<PathBuf> {
    let own = vec![directory.to_owned()];
    if directory.join(JOURNAL_NAME).symlink_metadata().is_ok() {
        return own;
    }
    let Ok(entries) = directory.read_dir() else {
        return own;
    };
    let is_shard = |path: &PathBuf| is_shard_directory(path) && path.join(JOURNAL_NAME).is_file();
    let entries = entries.filter_map(Result::ok).map(|entry| entry.path());
    let mut shards: Vec<_> = entries.filter(is_shard).collect();
    shards.sort();
    if shards.is_empty() { own } else { shards }
}

/// The facts that the shards of a run share, by which they are known.
struct SharedFacts {
    of: u32,
    /// The directory that they share, if they are still in it.
    directory: Option<PathBuf>,
    inputs: Vec<(String, Option<u64>)>,
    settings: Vec<(String, SettingText)>,
}

impl SharedFacts {
    fn of(header: &Header, path: &Path) -> Option<(SharedFacts, u32)> {
        let shard = header.shard_of_run()?;
        let (index, of) = (shard.index(), shard.of());
        // An undo reads the images of its own shard.
        let inputs = (header.inputs.iter()).filter(|_| header.purpose != Purpose::Undo);
        // Digests differ by the key of each directory.
        let settings = header.settings.iter();
        let settings = settings.filter(|(_, text)| !matches!(text, SettingText::Digest { .. }));
        let above = path.parent().filter(|_| is_shard_directory(path));
        let is_shared = |above: &&Path| above.join(SHARDS_NAME).is_file();
        let shared = SharedFacts {
            of,
            directory: above.filter(is_shared).map(Path::to_owned),
            inputs: inputs
                .map(|input| (file_name(&input.name).to_owned(), input.bytes))
                .collect(),
            settings: settings
                .map(|(name, text)| (name.clone(), text.clone()))
                .collect(),
        };
        Some((shared, index))
    }

    /// Whether two shards are of the same run. In the directory that they share, their input may
    /// have grown.
    fn is_of_same_run(&self, other: &SharedFacts) -> bool {
        self.of == other.of
            && match (&self.directory, &other.directory) {
                (Some(one), Some(other)) if one == other => true,
                _ => self.inputs == other.inputs && self.settings == other.settings,
            }
    }
}

/// Returns the last part of an input's name: each shard may find the input at another place.
fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Groups the shards of each run. Of two directories with the same shard of the same run, the second
/// begins another run.
fn grouped(parts: Vec<Part>) -> Vec<Vec<Part>> {
    let mut singles = Vec::new();
    let mut shared: Vec<(SharedFacts, BTreeSet<u32>, Vec<Part>)> = Vec::new();
    for part in parts {
        let Some((run, index)) = SharedFacts::of(&part.header, &part.path) else {
            singles.push(vec![part]);
            continue;
        };
        let open = shared
            .iter_mut()
            .find(|(other, found, _)| other.is_of_same_run(&run) && !found.contains(&index));
        match open {
            Some((_, found, parts)) => {
                found.insert(index);
                parts.push(part);
            }
            None => shared.push((run, [index].into(), vec![part])),
        }
    }
    let shared = shared.into_iter().map(|(_, _, mut parts)| {
        parts.sort_by_key(|part| part.header.shard_of_run().map(Shard::index));
        parts
    });
    singles.into_iter().chain(shared).collect()
}

/// Returns the report on the run directories of one run.
fn run_report(parts: Vec<Part>) -> Option<RunReport> {
    let summary = shards::summary(&parts);
    let shards = shards::found(&parts);
    let directories: Vec<_> = parts
        .iter()
        .map(|part| text::safe_path(&part.path))
        .collect();
    let headers: Vec<_> = parts.iter().map(|part| part.header.clone()).collect();
    let processes = processes(&parts);
    let paths: Vec<_> = parts.iter().map(|part| part.path.clone()).collect();
    let mut histories: Vec<_> = parts.into_iter().filter_map(|part| part.history).collect();
    let canaries = histories.iter_mut();
    let canaries = canaries.filter_map(|history| history.canary.take());
    let canaries: Vec<_> = canaries.collect();
    let history = histories.into_iter().reduce(|mut all, other| {
        all.append(other);
        all
    });
    let (first, last) = (
        headers.first()?,
        history.as_ref().map(|history| history.last_at),
    );
    let answers = history.as_ref().map(answer_times).unwrap_or_default();
    let processes_number = history
        .as_ref()
        .map_or(1, |history| history.processes.number);
    let latency_us = history.as_ref().and_then(latency_of_one_process);
    let course = history.and_then(|history| history.course.finish());
    Some(RunReport {
        command: first.purpose.noun().to_owned(),
        directories,
        shards,
        tone: summary.tone,
        verdict: summary.verdict.clone(),
        reasons: summary.reasons.clone(),
        next: summary.next_steps.iter().map(Step::from).collect(),
        started: headers.iter().map(|header| header.started).min()?,
        ended: last
            .or_else(|| summary.ended.parse().ok())
            .unwrap_or(first.started),
        inputs: inputs(first, &summary),
        books: books(&summary),
        canaries,
        course: course.map(|course| with_timelines(course, &paths)),
        latency_us: latency_us.or_else(|| percentiles(&answers)),
        answer_times: answers.iter().collect(),
        errors: summary.errors.iter().map(Group::from).collect(),
        warnings: summary.warnings.iter().map(Group::from).collect(),
        echo: summary.echo.clone(),
        notes: notes(&summary),
        failed_files: summary.failed_files.clone(),
        settings: settings(first, &summary),
        processes,
        processes_number,
        text: details(&summary, &[]),
    })
}

/// Returns the percentiles that the only process of a run has recorded, which are exact.
fn latency_of_one_process(history: &History) -> Option<[u64; 3]> {
    let process = history.processes.kept().next()?;
    let figures = process.end.as_ref()?.figures.as_deref()?;
    figures.latency_us.filter(|_| history.processes.number == 1)
}

/// Returns the times that answers took: those of all answers, if all processes have recorded them;
/// otherwise those of the rows' last requests.
fn answer_times(history: &History) -> AnswerTimes {
    let processes = &history.processes;
    if processes.with_figures == processes.number {
        processes.sent.answers.clone()
    } else {
        history.answers.clone()
    }
}

fn with_timelines(mut columns: CourseColumns, paths: &[PathBuf]) -> Course {
    for path in paths {
        // Without a timeline, the report lacks what only the timeline tells. Opening a pipe would
        // wait for its writer.
        if let Ok(file) = RunDir::existing(path).open_file(TIMELINE_NAME) {
            let timeline = BufReader::new(file.take(TIMELINE_BYTES_MAX));
            columns.add_timeline(points(timeline).map_while(Result::ok));
        }
    }
    columns.course()
}

fn inputs(header: &Header, summary: &Summary) -> Vec<InputReport> {
    let read_as = summary
        .read_as
        .iter()
        .map(Some)
        .chain(std::iter::repeat(None));
    let inputs = header.inputs.iter().zip(read_as);
    inputs
        .map(|(input, read_as)| InputReport {
            name: text::safe(&input.name),
            read_as: read_as.cloned(),
            bytes: input.bytes,
        })
        .collect()
}

fn books(summary: &Summary) -> Books {
    let parts = [
        (RowEnd::Updated, summary.updated),
        (RowEnd::Valid, summary.valid),
        (RowEnd::Unchanged, summary.unchanged),
        (RowEnd::Superseded, summary.superseded),
        (RowEnd::Elsewhere, summary.elsewhere),
        (RowEnd::Invalid, Some(summary.invalid)),
        (RowEnd::Rejected, summary.rejected),
        (RowEnd::Conflict, summary.conflict),
        (RowEnd::Failed, summary.failed),
        (RowEnd::Other, summary.other),
        (RowEnd::Unsent, summary.unsent),
        (RowEnd::Unrecorded, summary.unrecorded),
    ];
    let parts = parts
        .into_iter()
        .filter_map(|(end, rows)| Some((end, rows?)));
    Books {
        records: summary.records,
        total: summary.total,
        parts: parts.filter(|(_, rows)| *rows > 0).collect(),
        lacks_valid_rows: summary.lacks_valid_rows(),
    }
}

/// Returns the settings that differ from their defaults. A run that has left no summary has those of
/// its identity in the journal.
fn settings(header: &Header, summary: &Summary) -> Vec<Setting> {
    if !summary.settings.is_empty() {
        let settings = summary.settings.iter();
        return settings
            .map(|setting| Setting {
                name: setting.name.clone(),
                value: setting.value.clone(),
                origin: Some(setting.origin.clone()),
            })
            .collect();
    }
    let settings = header.settings.iter();
    settings
        .map(|(name, text)| Setting {
            name: text::safe(name),
            value: match text {
                SettingText::One(text) => Some(text::safe(text)),
                SettingText::Many(items) => {
                    let shown = items
                        .iter()
                        .take(VALUES_SHOWN_MAX)
                        .map(|item| text::safe(item));
                    Some(shown.collect::<Vec<_>>().join(", "))
                }
                SettingText::Digest { .. } => None,
            },
            origin: None,
        })
        .collect()
}

fn processes(parts: &[Part]) -> Vec<Process> {
    let of_part = |part: &Part| {
        let shard = part.header.shard_of_run().map(Shard::index);
        let kept = part
            .history
            .iter()
            .flat_map(|history| history.processes.kept());
        let kept: Vec<_> = kept
            .map(move |process| Process::of(process, shard))
            .collect();
        if kept.is_empty() {
            vec![Process::of_check(&part.header, &part.summary)]
        } else {
            kept
        }
    };
    let mut processes: Vec<_> = parts.iter().flat_map(of_part).collect();
    processes.sort_by_key(|process| process.started);
    processes
}

impl Process {
    fn of(process: &journal::Process, shard: Option<u32>) -> Process {
        let end = process.end.as_ref();
        let figures = end.and_then(|end| end.figures.as_deref());
        let by_times = end.map(|end| end.at.duration_since(process.started).as_secs_f64());
        Process {
            version: text::safe(&process.version),
            shard,
            started: process.started,
            seconds: figures.map(|figures| seconds(figures.ms)).or(by_times),
            exit: end.map(|end| end.exit),
            rows: process.rows,
            requests: figures.map(|figures| figures.sent.requests),
        }
    }

    fn of_check(header: &Header, summary: &Summary) -> Process {
        Process {
            version: text::safe(&header.version),
            shard: None,
            started: header.started,
            seconds: Some(summary.seconds),
            exit: Some(summary.exit_code),
            rows: summary.records,
            requests: None,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a time is shown in seconds")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

impl From<&StepSummary> for Step {
    fn from(step: &StepSummary) -> Step {
        Step {
            advice: step.advice.clone(),
            command: step.command.clone(),
        }
    }
}

impl From<&ErrorGroup> for Group {
    fn from(group: &ErrorGroup) -> Group {
        Group {
            end: group.outcome.map(RowEnd::from),
            field: group.field.as_deref().map(text::safe),
            code: text::safe(&group.code),
            status: group.status,
            rows: group.rows,
            share: group.share,
            first: group.first.clone(),
            wrong: what_is_wrong(group),
        }
    }
}
