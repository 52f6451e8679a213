//! The log on stderr. Its lines must not tear the progress bar.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::OnceLock;

use indicatif::ProgressBar;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::output::{Color, OutputFormat, OutputSettings, Verbosity};
use crate::text;

/// The form of the log, once it is set up.
pub(super) static LOG_FORMAT: OnceLock<OutputFormat> = OnceLock::new();

/// Sets up the log. Colours are used where `color` says so. Lines on a terminal carry no time.
pub(super) fn set_up(settings: &OutputSettings, bar: ProgressBar, on_terminal: bool, color: bool) {
    let level = match settings.verbosity {
        Verbosity::Silent | Verbosity::Quiet => Level::ERROR,
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
        OutputFormat::Text if on_terminal => {
            let text = tracing_subscriber::fmt::layer()
                .with_writer(writer)
                .with_ansi(color)
                .event_format(ForPeople);
            registry.with(text).try_init().ok();
        }
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

/// Whether to use colours: by default on a terminal, unless `NO_COLOR` is set (no-color.org) or the
/// terminal is a dumb one.
pub(super) fn uses_color(color: Color, on_terminal: bool) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let is_set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
            let is_dumb = is_set("TERM").is_some_and(|terminal| terminal == "dumb");
            on_terminal && is_set("NO_COLOR").is_none() && !is_dumb
        }
    }
}

/// The format of lines on a terminal: the message, with a word in front if it is no plain
/// information.
struct ForPeople;

impl<S, N> FormatEvent<S, N> for ForPeople
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let (word, color) = match *event.metadata().level() {
            Level::ERROR => ("error: ", "\u{1b}[1;31m"),
            Level::WARN => ("warning: ", "\u{1b}[1;33m"),
            Level::INFO => ("", ""),
            Level::DEBUG | Level::TRACE => ("debug: ", "\u{1b}[2m"),
        };
        if writer.has_ansi_escapes() && !word.is_empty() {
            write!(writer, "{color}{word}\u{1b}[0m")?;
        } else {
            writer.write_str(word)?;
        }
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
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
        let text = text::without_os_errors(&text);
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
