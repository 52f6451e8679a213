//! The output: files, stdout, the log and the terminal.

use std::cmp::Ordering;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use crate::config::error::Problem;
use crate::config::groups::metrics::MetricsSettings;
use crate::config::names::{FRESH, OUTPUT_FORMAT, RUN_DIR};
use crate::config::resolver::Resolver;
use crate::config::setting::of_process;
use crate::config::value::{ValueError, number_in};
use crate::journal::Shard;
use crate::results::failed_rows::FailedFormat;

/// The output: files, stdout, the log and the terminal.
#[derive(Debug, Clone)]
pub struct OutputSettings {
    /// The run directory. Without one, an unfinished run of the same input is continued, or a new
    /// directory is created.
    pub run_dir: Option<PathBuf>,
    /// The treatment of unfinished runs if no directory is given.
    pub unfinished: Unfinished,
    /// The wait for another process that is at work in the run directory: at most 24 h.
    pub lock_wait: Duration,
    /// The form of the files of failed rows.
    pub failed_format: FailedFormat,
    /// The format of the summary on stdout.
    pub output_format: OutputFormat,
    /// The file that also gets the summary, at every end: the shard's own, if there are shards.
    pub summary_file: Option<PathBuf>,
    /// The metrics of a run.
    pub metrics: MetricsSettings,
    /// The exit code of a run or check that finishes with bad rows.
    pub bad_rows_exit: u8,
    /// The format of the log on stderr.
    pub log_format: OutputFormat,
    /// The use of the progress bar.
    pub progress: Progress,
    /// The use of colours.
    pub color: Color,
    /// The level of detail of the log.
    pub verbosity: Verbosity,
}

/// The treatment of unfinished runs of the same input and settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    /// The newest one is continued.
    Continued,
    /// They are left: a new run begins (`--fresh`).
    Left,
}

/// For people or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Lines to read.
    Text,
    /// JSON.
    Json,
}

/// The use of the progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// If stderr is a terminal.
    Auto,
    /// Never.
    Off,
}

/// The use of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal that is not dumb, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The level of detail of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// `-qq`: errors only.
    Silent,
    /// `-q`: errors, and of the summary the verdict and what to do next.
    Quiet,
    /// The default.
    Normal,
    /// `-v`: also details.
    Detailed,
    /// `-vv` and more: everything.
    Everything,
}

/// The range of `lock-wait`. A longer wait is probably a mistake.
const LOCK_WAITS: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(24);

/// The exit codes in that range with another meaning than bad rows. Shells use the codes above the
/// range.
pub(crate) const OTHER_EXITS: [u8; 6] = [2, 3, 4, 5, 6, 70];
const BAD_ROWS_EXITS: RangeInclusive<u8> = 0..=125;

impl OutputSettings {
    pub(in crate::config) fn read(resolver: &mut Resolver, shard: Option<Shard>) -> Self {
        Self {
            run_dir: resolver.path(of_process(RUN_DIR)),
            unfinished: if resolver.boolean(of_process(FRESH)) {
                Unfinished::Left
            } else {
                Unfinished::Continued
            },
            lock_wait: resolver.duration(of_process("lock-wait"), "0s", &LOCK_WAITS),
            output_format: resolver.choice(of_process(OUTPUT_FORMAT), &OutputFormat::Text),
            summary_file: Shard::own(shard, resolver.path(of_process("summary-file"))),
            metrics: MetricsSettings::read(resolver, shard),
            bad_rows_exit: resolver.one(of_process("bad-rows-exit"), "1", bad_rows_exit),
            log_format: resolver.choice(of_process("log-format"), &OutputFormat::Text),
            progress: resolver.choice(of_process("progress"), &Progress::Auto),
            color: resolver.choice(of_process("color"), &Color::Auto),
            failed_format: resolver.choice(of_process("failed-format"), &FailedFormat::Auto),
            verbosity: verbosity(resolver),
        }
    }
}

/// Reads `quiet` and `verbose`. The stronger source wins; both from one source contradict each
/// other.
fn verbosity(resolver: &mut Resolver) -> Verbosity {
    let quiet = match resolver.one(of_process("quiet"), "0", flag_count) {
        0 => Verbosity::Normal,
        1 => Verbosity::Quiet,
        2.. => Verbosity::Silent,
    };
    let loud = match resolver.one(of_process("verbose"), "0", flag_count) {
        0 => Verbosity::Normal,
        1 => Verbosity::Detailed,
        2.. => Verbosity::Everything,
    };
    if quiet == Verbosity::Normal {
        return loud;
    }
    if loud == Verbosity::Normal {
        return quiet;
    }
    match resolver.compare_sources("quiet", "verbose") {
        Ordering::Greater => quiet,
        Ordering::Less => loud,
        Ordering::Equal => {
            let (first, second) = (resolver.place("quiet"), resolver.place("verbose"));
            resolver.report(Problem::Contradiction { first, second });
            Verbosity::Normal
        }
    }
}

/// Returns an exit code that has no other meaning.
fn bad_rows_exit(text: &str) -> Result<u8, ValueError> {
    let code = number_in(BAD_ROWS_EXITS)(text)?;
    if OTHER_EXITS.contains(&code) {
        return Err(ValueError::ExitTaken(code));
    }
    Ok(code)
}

/// Returns the number of `-q` or `-v` flags. In a file or a variable, `true` counts as one.
fn flag_count(text: &str) -> Result<u8, ValueError> {
    match text {
        "true" => Ok(1),
        "false" => Ok(0),
        count => number_in(0..=u8::MAX)(count),
    }
}
