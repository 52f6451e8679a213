//! The only module that writes to the terminal: the summary on stdout, and on stderr messages, the log, and the progress bar
//! that the log must not tear.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing::{Level, info};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::Settings;
use crate::config::output::{
    Color, OutputFormat, OutputSettings, Progress as ProgressSetting, Verbosity,
};
use crate::process::crash;
use crate::results::progress::{ProgressSnapshot, RunProgress};
use crate::text::{self, grouped};

/// How often the bar is drawn.
const DRAW_INTERVAL: Duration = Duration::from_millis(100);
/// How often a line is logged where no bar can be drawn.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// What the log looks like, once it is set up.
static LOG_FORMAT: OnceLock<OutputFormat> = OnceLock::new();

/// What a person sees.
pub struct Terminal {
    bar: ProgressBar,
    display: Showing,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Showing {
    Bar,
    LogLines,
    Nothing,
}

impl Terminal {
    /// Sets up the log and, where stderr is a terminal, the progress bar. The first line says which file of settings is in force: one
    /// in the working directory is, without being named.
    pub fn new(settings: &Settings) -> Terminal {
        let (file, settings) = (settings.file(), &settings.output);
        let on_terminal = io::stderr().is_terminal();
        let display = match (settings.progress, settings.verbosity) {
            (ProgressSetting::Off, _) | (_, Verbosity::Quiet) => Showing::Nothing,
            (ProgressSetting::Auto, _) if on_terminal => Showing::Bar,
            (ProgressSetting::Auto, _) => Showing::LogLines,
        };
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        set_up_log(
            settings,
            bar.clone(),
            uses_color(settings.color, on_terminal),
        );
        if let Some(file) = file {
            info!("settings are taken from {}", text::safe_path(file));
        }
        Terminal { bar, display }
    }

    /// Shows how a run goes on, until the guard is dropped. `total_bytes` is the size of all inputs, where it is known.
    pub fn watch(&self, progress: Arc<RunProgress>, total_bytes: Option<u64>) -> Watch {
        let (stop, stopped) = channel();
        let (bar, display) = (self.bar.clone(), self.display);
        if display == Showing::Bar {
            set_up_bar(&bar, total_bytes);
        }
        let thread = match display {
            Showing::Nothing => None,
            Showing::Bar | Showing::LogLines => thread::Builder::new()
                .name("terminal".to_owned())
                .spawn(move || show(&progress, &bar, display, total_bytes, &stopped))
                .ok(),
        };
        Watch {
            stop: Some(stop),
            thread,
        }
    }

    /// Prints to stdout, as [`print()`] does.
    pub fn print(&self, text: &str) -> io::Result<()> {
        // Where both are on one screen, the bar would be torn.
        self.bar.suspend(|| print(text))
    }
}

/// Prints to stdout. What reads it may have gone, which is no reason to fail. Whatever escaped its makers is escaped here.
pub fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    as_far_as_read(
        stdout
            .write_all(text::safe_lines(text).as_bytes())
            .and_then(|()| stdout.flush()),
    )
}

/// What another has printed to stdout is written, too.
pub fn printed(written: io::Result<()>) -> io::Result<()> {
    as_far_as_read(written.and_then(|()| io::stdout().lock().flush()))
}

/// A pipe whose reader has gone is no error.
fn as_far_as_read(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Says something to the person at the terminal, as safely.
pub fn say(text: &str) {
    let mut stderr = io::stderr().lock();
    stderr
        .write_all(text::safe_lines(text).as_bytes())
        .and_then(|()| stderr.write_all(b"\n"))
        .ok();
}

/// Says why the program cannot do what it was asked to. Whoever reads a JSON log reads this as one line of it. Names of
/// files, columns and settings come from others, and none of them may write on the terminal as it likes.
pub fn say_error(error: &dyn Display) {
    let error = error.to_string();
    let error = text::safe_lines(&error);
    match LOG_FORMAT.get() {
        Some(OutputFormat::Json) => tracing::error!("{error}"),
        Some(OutputFormat::Text) | None => say(&format!("error: {error}")),
    }
}

/// Says that the program itself has a fault. It may have come about in the logger or in the bar, so that neither is used.
pub fn say_fault(message: &str) {
    match LOG_FORMAT.get() {
        Some(OutputFormat::Json) => {
            say(
                &serde_json::json!({ "level": "ERROR", "fields": { "message": message } })
                    .to_string(),
            );
        }
        Some(OutputFormat::Text) | None => say(&format!("error: {message}")),
    }
}

/// Shows progress until it is dropped.
pub struct Watch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // A bar that panicked is no reason to end a run otherwise.
            thread.join().ok();
        }
    }
}

fn show(
    progress: &RunProgress,
    bar: &ProgressBar,
    display: Showing,
    total_bytes: Option<u64>,
    stopped: &Receiver<()>,
) {
    let (interval, started) = match display {
        Showing::Bar => (DRAW_INTERVAL, Instant::now()),
        Showing::LogLines | Showing::Nothing => (LOG_INTERVAL, Instant::now()),
    };
    loop {
        let ended = matches!(
            stopped.recv_timeout(interval),
            Ok(()) | Err(RecvTimeoutError::Disconnected)
        );
        crash::provoke("terminal");
        let snapshot = progress.snapshot();
        let line = describe(&snapshot, started.elapsed(), total_bytes);
        match display {
            Showing::Bar if ended => bar.finish_and_clear(),
            Showing::Bar => {
                bar.set_position(snapshot.ended_bytes);
                bar.set_message(fitting(&line));
            }
            Showing::LogLines | Showing::Nothing if ended => {}
            Showing::LogLines | Showing::Nothing => tracing::info!("{line}"),
        }
        if ended {
            return;
        }
    }
}

/// One line: rows done, rate, in flight, retries, failed, time left, and why it is not faster.
fn describe(snapshot: &ProgressSnapshot, elapsed: Duration, total_bytes: Option<u64>) -> String {
    let ProgressSnapshot {
        ended_bytes,
        ended,
        bad,
        in_flight,
        retries,
        slow,
    } = snapshot;
    #[expect(clippy::cast_precision_loss, reason = "shown without decimals")]
    let rate = *ended as f64 / elapsed.as_secs_f64().max(0.001);
    let mut parts = vec![format!("{} done, {rate:.0}/s", grouped(*ended))];
    if *in_flight > 0 {
        parts.push(format!("{in_flight} in flight"));
    }
    if *retries > 0 {
        parts.push(format!("{} retries", grouped(*retries)));
    }
    parts.push(format!("{} bad", grouped(*bad)));
    parts.extend(
        time_left(*ended_bytes, total_bytes, elapsed)
            .map(|left| format!("{} left", shown_duration(left))),
    );
    let line = parts.join(", ");
    if slow.is_empty() {
        line
    } else {
        format!("{line} ({slow})")
    }
}

/// As much of a line as fits beside the bar. A bar that fills the whole width is torn by the `^C` that terminals echo.
fn fitting(line: &str) -> String {
    const BAR_COLUMNS: usize = 36;
    let columns =
        rustix::termios::tcgetwinsize(io::stderr()).map_or(80, |size| usize::from(size.ws_col));
    line.chars()
        .take(columns.saturating_sub(BAR_COLUMNS))
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn time_left(ended_bytes: u64, total_bytes: Option<u64>, elapsed: Duration) -> Option<Duration> {
    let total = total_bytes.filter(|total| *total > 0 && ended_bytes > 0)?;
    let share = (ended_bytes as f64 / total as f64).min(1.0);
    // A small share says nothing.
    (share > 0.02 && share < 1.0).then(|| elapsed.mul_f64((1.0 - share) / share))
}

fn shown_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, minutes, seconds) => format!("{minutes:02}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

fn set_up_bar(bar: &ProgressBar, total_bytes: Option<u64>) {
    let template = match total_bytes {
        Some(total) => {
            bar.set_length(total);
            "{bar:24} {percent:>3}%  {msg}"
        }
        None => "{spinner} {msg}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_draw_target(ProgressDrawTarget::stderr());
}

/// Colours are used where the user asks for them; by default on a terminal, unless `NO_COLOR` says otherwise.
fn uses_color(color: Color, on_terminal: bool) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            on_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    }
}

fn set_up_log(settings: &OutputSettings, bar: ProgressBar, color: bool) {
    let level = match settings.verbosity {
        Verbosity::Quiet => Level::ERROR,
        Verbosity::Normal => Level::INFO,
        Verbosity::Detailed => Level::DEBUG,
        Verbosity::Everything => Level::TRACE,
    };
    // Only our own words: what libraries log may hold addresses, headers and bodies, whatever RUST_LOG asks for.
    let ours = tracing_subscriber::filter::Targets::new().with_target("custsync", level);
    let writer = AboveBar {
        bar,
        form: LogForm::of(settings.log_format, color),
    };
    let registry = tracing_subscriber::registry().with(ours);
    LOG_FORMAT.get_or_init(|| settings.log_format);
    // A log that was set up before (by tests of one process) stays.
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

/// Writes whole log lines above the bar.
#[derive(Clone)]
struct AboveBar {
    bar: ProgressBar,
    form: LogForm,
}

/// What log lines look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LogForm {
    Plain,
    /// With escape sequences for colours around what is logged, in which the logger has escaped all others.
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

    /// The line, safe to show.
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
