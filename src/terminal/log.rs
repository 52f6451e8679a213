//! The log on stderr. Its lines must not tear the progress bar.

use std::borrow::Cow;
use std::io;
use std::sync::OnceLock;

use indicatif::ProgressBar;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::output::{Color, OutputFormat, OutputSettings, Verbosity};
use crate::text;

/// The form of the log, once it is set up.
pub(super) static LOG_FORMAT: OnceLock<OutputFormat> = OnceLock::new();

/// Sets up the log. Colours are used where `color` says so.
pub(super) fn set_up(settings: &OutputSettings, bar: ProgressBar, color: bool) {
    let level = match settings.verbosity {
        Verbosity::Quiet => Level::ERROR,
        Verbosity::Normal => Level::INFO,
        Verbosity::Detailed => Level::DEBUG,
        Verbosity::Everything => Level::TRACE,
    };
    // Only custsync's own events are logged: those of libraries may hold addresses, headers and
    // bodies.
    let ours = tracing_subscriber::filter::Targets::new().with_target("custsync", level);
    let writer = AboveBar {
        bar,
        form: LogForm::of(settings.log_format, color),
    };
    let registry = tracing_subscriber::registry().with(ours);
    LOG_FORMAT.get_or_init(|| settings.log_format);
    // A log that was set up before, by tests in one process, is kept.
    match settings.log_format {
        OutputFormat::Text => {
            let text = tracing_subscriber::fmt::layer()
                .with_writer(writer)
                .with_ansi(color)
                .with_target(false);
            registry.with(text).try_init().ok();
        }
        OutputFormat::Json => {
            registry
                .with(tracing_subscriber::fmt::layer().json().with_writer(writer))
                .try_init()
                .ok();
        }
    }
}

/// Whether to use colours: by default on a terminal, unless `NO_COLOR` is set (no-color.org).
pub(super) fn uses_color(color: Color, on_terminal: bool) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            on_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    }
}

/// Writes whole log lines above the bar.
#[derive(Clone)]
struct AboveBar {
    bar: ProgressBar,
    form: LogForm,
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LogForm {
    Plain,
    /// With escape sequences for colours. The logger has escaped all others.
    Coloured,
    Json,
}

impl LogForm {
    fn of(format: OutputFormat, color: bool) -> LogForm {
        match (format, color) {
            (OutputFormat::Json, _) => LogForm::Json,
            (OutputFormat::Text, true) => LogForm::Coloured,
            (OutputFormat::Text, false) => LogForm::Plain,
        }
    }

    /// Returns the line, safe to show.
    fn safe(self, line: &str) -> Cow<'_, str> {
        match self {
            LogForm::Plain => text::safe_lines(line),
            LogForm::Coloured => Cow::Owned(
                line.split('\u{1b}')
                    .map(text::safe_lines)
                    .collect::<Vec<_>>()
                    .join("\u{1b}"),
            ),
            LogForm::Json => text::safe_json(line),
        }
    }
}

impl<'a> MakeWriter<'a> for AboveBar {
    type Writer = AboveBar;

    fn make_writer(&'a self) -> AboveBar {
        self.clone()
    }
}

impl io::Write for AboveBar {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.bar.suspend(|| {
            io::stderr()
                .lock()
                .write_all(self.form.safe(&text).as_bytes())
        })?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
