//! The progress of a run or check: a bar on a terminal, or a log line every ten seconds.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::ZonedDateTime;
use tracing::info;

use super::line::Line;
use super::speed::Speed;
use crate::config::output::{OutputFormat, OutputSettings, Progress as ProgressSetting, Verbosity};
use crate::process::crash;
use crate::results::progress::RunProgress;

/// The interval between drawings of the bar.
const DRAW_INTERVAL: Duration = Duration::from_millis(100);
/// The interval between log lines if no bar can be drawn.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// The display of progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProgressMode {
    Bar,
    LogLines,
    JsonLines,
    Nothing,
}

impl ProgressMode {
    pub(super) fn of(settings: &OutputSettings, on_terminal: bool) -> ProgressMode {
        match (settings.progress, settings.verbosity) {
            (ProgressSetting::Off, _) | (_, Verbosity::Silent | Verbosity::Quiet) => {
                ProgressMode::Nothing
            }
            (ProgressSetting::Auto, _) if on_terminal => ProgressMode::Bar,
            (ProgressSetting::Auto, _) => match settings.log_format {
                OutputFormat::Text => ProgressMode::LogLines,
                OutputFormat::Json => ProgressMode::JsonLines,
            },
        }
    }
}

/// Shows the progress until it is dropped.
pub(crate) struct ProgressGuard {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ProgressGuard {
    pub(super) fn start(
        bar: ProgressBar,
        mode: ProgressMode,
        progress: Arc<RunProgress>,
        total_bytes: Option<u64>,
    ) -> ProgressGuard {
        let (stop, stopped) = channel();
        if mode == ProgressMode::Bar {
            set_up_bar(&bar, total_bytes);
        }
        let thread = match mode {
            ProgressMode::Nothing => None,
            ProgressMode::Bar | ProgressMode::LogLines | ProgressMode::JsonLines => {
                thread::Builder::new()
                    .name("terminal".to_owned())
                    .spawn(move || show(&progress, &bar, mode, total_bytes, &stopped))
                    .ok()
            }
        };
        ProgressGuard {
            stop: Some(stop),
            thread,
        }
    }
}

impl Drop for ProgressGuard {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // A panic of the bar does not change the end of a run.
            thread.join().ok();
        }
    }
}

fn show(
    progress: &RunProgress,
    bar: &ProgressBar,
    mode: ProgressMode,
    total_bytes: Option<u64>,
    stopped: &Receiver<()>,
) {
    let interval = match mode {
        ProgressMode::Bar => DRAW_INTERVAL,
        ProgressMode::LogLines | ProgressMode::JsonLines | ProgressMode::Nothing => LOG_INTERVAL,
    };
    let (started, mut speed, mut shape) = (Instant::now(), Speed::new(), None);
    loop {
        let ended = matches!(
            stopped.recv_timeout(interval),
            Ok(()) | Err(RecvTimeoutError::Disconnected)
        );
        crash::provoke("terminal");
        let snapshot = progress.snapshot();
        speed.add(started.elapsed(), &snapshot);
        let line = Line::of(&snapshot, &speed, total_bytes);
        let now = ZonedDateTime::now();
        match mode {
            ProgressMode::Bar if ended => bar.finish_and_clear(),
            ProgressMode::Bar => {
                let columns = columns();
                let all = line.all(&now).chars().count();
                let fitting = Shape::of(line.length, all, columns);
                if shape.replace(fitting) != Some(fitting) {
                    fitting.apply(bar);
                }
                if let Some(length) = line.length {
                    bar.set_length(length);
                }
                bar.set_position(line.position);
                bar.set_message(line.within(columns.saturating_sub(fitting.columns()), &now));
            }
            _ if ended => {}
            ProgressMode::LogLines | ProgressMode::Nothing => info!("{}", line.all(&now)),
            ProgressMode::JsonLines => log_as_json(&line, &now),
        }
        if ended {
            return;
        }
    }
}

/// Logs the line as numbers, and as a sentence.
fn log_as_json(line: &Line, now: &ZonedDateTime) {
    info!(
        done = line.done,
        total = line.total,
        bad = line.bad,
        rate = (line.rate * 10.0).round() / 10.0,
        in_flight = line.in_flight,
        eta_s = line.left.map(|left| left.as_secs()),
        held_back_by = line.held_back_by(),
        "{}",
        line.all(now)
    );
}

/// The shape of what precedes the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    WideBar,
    NarrowBar,
    Percent,
    /// The whole is unknown.
    Spinner,
}

impl Shape {
    /// Returns the widest shape that a line of this many columns fits beside.
    fn of(length: Option<u64>, line: usize, columns: usize) -> Shape {
        let shapes = [Shape::WideBar, Shape::NarrowBar];
        match length {
            None => Shape::Spinner,
            Some(_) => shapes
                .into_iter()
                .find(|shape| shape.columns() + line <= columns)
                .unwrap_or(Shape::Percent),
        }
    }

    /// Returns the columns that it takes, and some that stay free: a line of the whole width is
    /// torn by the `^C` that terminals echo.
    fn columns(self) -> usize {
        const FREE: usize = 5;
        FREE + match self {
            Shape::WideBar => 31,
            Shape::NarrowBar => 17,
            Shape::Percent => 6,
            Shape::Spinner => 2,
        }
    }

    fn apply(self, bar: &ProgressBar) {
        let template = match self {
            Shape::WideBar => "{bar:24} {percent:>3}%  {msg}",
            Shape::NarrowBar => "{bar:10} {percent:>3}%  {msg}",
            Shape::Percent => "{percent:>3}%  {msg}",
            Shape::Spinner => "{spinner} {msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
    }
}

/// Returns the columns of the terminal.
fn columns() -> usize {
    rustix::termios::tcgetwinsize(io::stderr()).map_or(80, |size| usize::from(size.ws_col))
}

fn set_up_bar(bar: &ProgressBar, total_bytes: Option<u64>) {
    if let Some(total) = total_bytes {
        bar.set_length(total);
    }
    Shape::of(total_bytes, 0, columns()).apply(bar);
    bar.set_draw_target(ProgressDrawTarget::stderr());
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Mutex, PoisonError};

    use super::*;
    use crate::results::held_back::{Brake, HeldBack};
    use crate::results::progress::SendingProgress;

    /// Takes the log.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            log.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_json_log_has_the_numbers_as_fields() {
        let progress = RunProgress::default();
        progress.set_total(400);
        progress.record_ended(100, 5_000);
        progress.record_failure();
        progress.set_sending(SendingProgress {
            in_flight: 32,
            held_back: Some(HeldBack {
                brake: Brake::MaxInFlight,
                text: "32 in flight is the limit: --max-in-flight".to_owned(),
                short: String::new(),
            }),
            ..SendingProgress::default()
        });
        let (log, mut speed) = (Log::default(), Speed::new());
        speed.add(Duration::from_secs(10), &progress.snapshot());
        let line = Line::of(&progress.snapshot(), &speed, None);
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_writer(move || writer.clone())
            .finish();
        let now = "2026-11-27T23:00:10+00:00[UTC]".parse().expect("a time");
        tracing::subscriber::with_default(subscriber, || log_as_json(&line, &now));
        let written = log.0.lock().unwrap_or_else(PoisonError::into_inner);
        let logged: serde_json::Value = serde_json::from_slice(&written).expect("JSON");
        let want = serde_json::json!({
            "message": "100 of 400 · 10/s · 30s left (about 23:00) · 1 bad · 32 in flight · \
                        32 in flight is the limit: --max-in-flight",
            "done": 100,
            "total": 400,
            "bad": 1,
            "rate": 10.0,
            "in_flight": 32,
            "eta_s": 30,
            "held_back_by": "max_in_flight",
        });
        assert_eq!(logged["fields"], want);
    }

    #[test]
    fn the_bar_gives_way_before_the_line_does() {
        assert_eq!(Shape::of(Some(1), 60, 100), Shape::WideBar);
        assert_eq!(Shape::of(Some(1), 60, 90), Shape::NarrowBar);
        assert_eq!(Shape::of(Some(1), 60, 80), Shape::Percent);
        assert_eq!(Shape::of(None, 60, 200), Shape::Spinner);
    }
}
