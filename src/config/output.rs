//! What is written and shown.

use std::cmp::Ordering;
use std::path::PathBuf;

use super::choice::choice;
use super::error::Problem;
use super::reader::Reader;
use super::value::{ValueError, number_in};

/// What is written and shown.
#[derive(Debug, Clone)]
pub struct OutputSettings {
    /// Where the run is recorded; a fresh directory where nobody says.
    pub run_dir: Option<PathBuf>,
    /// What stdout gets.
    pub output_format: OutputFormat,
    /// What the log on stderr looks like.
    pub log_format: OutputFormat,
    /// Whether a progress bar may be drawn.
    pub progress: Progress,
    /// Whether colours may be used.
    pub color: Color,
    /// How much the log tells.
    pub verbosity: Verbosity,
}

/// For people or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// Lines to read.
    Text,
    /// JSON.
    Json,
}

/// Whether a progress bar may be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Where stderr is a terminal.
    Auto,
    /// Never.
    Off,
}

/// Whether colours may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// The setting that says what the summary on stdout looks like.
pub(super) const OUTPUT_FORMAT: &str = "output-format";

const OUTPUT_FORMATS: [(&str, OutputFormat); 2] = [("text", OutputFormat::Text), ("json", OutputFormat::Json)];
const PROGRESSES: [(&str, Progress); 2] = [("auto", Progress::Auto), ("off", Progress::Off)];
const COLORS: [(&str, Color); 3] = [("auto", Color::Auto), ("always", Color::Always), ("never", Color::Never)];

impl OutputSettings {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            run_dir: reader.path("run-dir"),
            output_format: reader.one(OUTPUT_FORMAT, "text", |text| choice(text, &OUTPUT_FORMATS)),
            log_format: reader.one("log-format", "text", |text| choice(text, &OUTPUT_FORMATS)),
            progress: reader.one("progress", "auto", |text| choice(text, &PROGRESSES)),
            color: reader.one("color", "auto", |text| choice(text, &COLORS)),
            verbosity: verbosity(reader),
        }
    }
}

/// `-q` and `-v` from sources of different strength: the stronger holds. From the same: a contradiction.
fn verbosity(reader: &mut Reader) -> Verbosity {
    let quiet = reader.switch("quiet");
    let loud = match reader.one("verbose", "0", verbose_count) {
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
    match reader.compare_sources("quiet", "verbose") {
        Ordering::Greater => Verbosity::Quiet,
        Ordering::Less => loud,
        Ordering::Equal => {
            let (first, second) = (reader.place("quiet"), reader.place("verbose"));
            reader.problem(Problem::Contradiction { first, second });
            Verbosity::Normal
        }
    }
}

/// How often `-v` was given. In a file or a variable, `true` is once.
fn verbose_count(text: &str) -> Result<u8, ValueError> {
    match text {
        "true" => Ok(1),
        "false" => Ok(0),
        count => number_in(0..=u8::MAX)(count),
    }
}
