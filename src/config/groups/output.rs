//! What is written and shown.

use std::cmp::Ordering;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use crate::config::duration::duration_in;
use crate::config::error::Problem;
use crate::config::names::{FRESH, OUTPUT_FORMAT, RUN_DIR};
use crate::config::resolver::Resolver;
use crate::config::setting::Setting;
use crate::config::value::{ValueError, number_in};
use crate::results::failed_rows::FailedFormat;

/// What is written and shown.
#[derive(Debug, Clone)]
pub struct OutputSettings {
    /// Where the run is recorded. Where nobody says, an unfinished run of the same is continued, or a new directory is made.
    pub run_dir: Option<PathBuf>,
    /// What becomes of unfinished runs, where nobody names a directory.
    pub unfinished: Unfinished,
    /// How long to wait for another process that is at work in the run directory: at most 24 h.
    pub lock_wait: Duration,
    /// The form of the files of failed rows.
    pub failed_format: FailedFormat,
    /// What stdout gets.
    pub output_format: OutputFormat,
    /// Where the summary is written to besides, at every end.
    pub summary_file: Option<PathBuf>,
    /// The exit code of a run or check that was finished with bad rows.
    pub bad_rows_exit: u8,
    /// What the log on stderr looks like.
    pub log_format: OutputFormat,
    /// Whether a progress bar may be drawn.
    pub progress: Progress,
    /// Whether colours may be used.
    pub color: Color,
    /// How much the log tells.
    pub verbosity: Verbosity,
}

/// What becomes of unfinished runs of the same input and settings.
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

/// Whether a progress bar may be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// Where stderr is a terminal.
    Auto,
    /// Never.
    Off,
}

/// Whether colours may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// Where stderr is a terminal and `NO_COLOR` does not forbid it.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How much the log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// `-q`: only what keeps the run from its end.
    Quiet,
    /// What a person wants to know.
    Normal,
    /// `-v`: also what explains it.
    Detailed,
    /// `-vv` and more: everything.
    Everything,
}

/// Who waits for longer than a day has forgotten the other process.
const LOCK_WAITS: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(24);

/// Exit codes up to that range which say something else than that rows are bad. Beyond it, shells have their own.
pub const OTHER_EXITS: [u8; 6] = [2, 3, 4, 5, 6, 70];
const BAD_ROWS_EXITS: RangeInclusive<u8> = 0..=125;

impl OutputSettings {
    pub(in crate::config) fn read(resolver: &mut Resolver) -> Self {
        Self {
            run_dir: resolver.path(Setting::of_process(RUN_DIR)),
            unfinished: if resolver.boolean(Setting::of_process(FRESH)) {
                Unfinished::Left
            } else {
                Unfinished::Continued
            },
            lock_wait: resolver.one(Setting::of_process("lock-wait"), "0s", |text| {
                Ok(duration_in(&LOCK_WAITS, text)?)
            }),
            output_format: resolver.choice(Setting::of_process(OUTPUT_FORMAT), OutputFormat::Text),
            summary_file: resolver.path(Setting::of_process("summary-file")),
            bad_rows_exit: resolver.one(Setting::of_process("bad-rows-exit"), "1", bad_rows_exit),
            log_format: resolver.choice(Setting::of_process("log-format"), OutputFormat::Text),
            progress: resolver.choice(Setting::of_process("progress"), Progress::Auto),
            color: resolver.choice(Setting::of_process("color"), Color::Auto),
            failed_format: resolver
                .choice(Setting::of_process("failed-format"), FailedFormat::Auto),
            verbosity: verbosity(resolver),
        }
    }
}

/// `-q` and `-v` from sources of different strength: the stronger holds. From the same: a contradiction.
fn verbosity(resolver: &mut Resolver) -> Verbosity {
    let quiet = resolver.boolean(Setting::of_process("quiet"));
    let loud = match resolver.one(Setting::of_process("verbose"), "0", verbose_count) {
        0 => Verbosity::Normal,
        1 => Verbosity::Detailed,
        2.. => Verbosity::Everything,
    };
    if !quiet {
        return loud;
    }
    if loud == Verbosity::Normal {
        return Verbosity::Quiet;
    }
    match resolver.compare_sources("quiet", "verbose") {
        Ordering::Greater => Verbosity::Quiet,
        Ordering::Less => loud,
        Ordering::Equal => {
            let (first, second) = (resolver.place("quiet"), resolver.place("verbose"));
            resolver.report(Problem::Contradiction { first, second });
            Verbosity::Normal
        }
    }
}

/// An exit code that says nothing else.
fn bad_rows_exit(text: &str) -> Result<u8, ValueError> {
    let code = number_in(BAD_ROWS_EXITS)(text)?;
    if OTHER_EXITS.contains(&code) {
        return Err(ValueError::ExitTaken(code));
    }
    Ok(code)
}

/// How often `-v` was given. In a file or a variable, `true` is once.
fn verbose_count(text: &str) -> Result<u8, ValueError> {
    match text {
        "true" => Ok(1),
        "false" => Ok(0),
        count => number_in(0..=u8::MAX)(count),
    }
}
