//! The progress of a run or check: a bar on a terminal, or a log line every ten seconds.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{FormattedDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::config::output::{OutputSettings, Progress as ProgressSetting, Verbosity};
use crate::process::crash;
use crate::results::progress::{ProgressSnapshot, RunProgress};
use crate::text::grouped;

/// The interval between drawings of the bar.
const DRAW_INTERVAL: Duration = Duration::from_millis(100);
/// The interval between log lines if no bar can be drawn.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// The display of progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProgressMode {
    Bar,
    LogLines,
    Nothing,
}

impl ProgressMode {
    pub(super) fn of(settings: &OutputSettings, on_terminal: bool) -> ProgressMode {
        match (settings.progress, settings.verbosity) {
            (ProgressSetting::Off, _) | (_, Verbosity::Quiet) => ProgressMode::Nothing,
            (ProgressSetting::Auto, _) if on_terminal => ProgressMode::Bar,
            (ProgressSetting::Auto, _) => ProgressMode::LogLines,
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
            ProgressMode::Bar | ProgressMode::LogLines => thread::Builder::new()
                .name("terminal".to_owned())
                .spawn(move || show(&progress, &bar, mode, total_bytes, &stopped))
                .ok(),
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
    let (interval, started) = match mode {
        ProgressMode::Bar => (DRAW_INTERVAL, Instant::now()),
        ProgressMode::LogLines | ProgressMode::Nothing => (LOG_INTERVAL, Instant::now()),
    };
    loop {
        let ended = matches!(
            stopped.recv_timeout(interval),
            Ok(()) | Err(RecvTimeoutError::Disconnected)
        );
        crash::provoke("terminal");
        let snapshot = progress.snapshot();
        let line = describe(&snapshot, started.elapsed(), total_bytes);
        match mode {
            ProgressMode::Bar if ended => bar.finish_and_clear(),
            ProgressMode::Bar => {
                bar.set_position(snapshot.ended_bytes);
                bar.set_message(fitting(&line));
            }
            ProgressMode::LogLines | ProgressMode::Nothing if ended => {}
            ProgressMode::LogLines | ProgressMode::Nothing => tracing::info!("{line}"),
        }
        if ended {
            return;
        }
    }
}

/// Returns one line: rows done, rate, in flight, retries, bad rows, time left, and what slows it
/// down.
fn describe(snapshot: &ProgressSnapshot, elapsed: Duration, total_bytes: Option<u64>) -> String {
    let ProgressSnapshot {
        ended_bytes,
        ended,
        bad,
        in_flight,
        retries,
        limited_by,
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
            .map(|left| format!("{} left", FormattedDuration(left))),
    );
    let line = parts.join(", ");
    if limited_by.is_empty() {
        line
    } else {
        format!("{line} ({limited_by})")
    }
}

/// Returns the part of a line that fits beside the bar. A bar of the whole width is torn by the
/// `^C` that terminals echo.
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
    // A small share is not a good estimate.
    (share > 0.02 && share < 1.0).then(|| elapsed.mul_f64((1.0 - share) / share))
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
