//! The progress of a run or check: a bar on a terminal, or a log line every ten seconds.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{FormattedDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::speed::Speed;
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
    let interval = match mode {
        ProgressMode::Bar => DRAW_INTERVAL,
        ProgressMode::LogLines | ProgressMode::Nothing => LOG_INTERVAL,
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
        let parts = Parts::of(&snapshot, &speed, total_bytes);
        match mode {
            ProgressMode::Bar if ended => bar.finish_and_clear(),
            ProgressMode::Bar => {
                let columns = columns();
                let fitting = Shape::of(total_bytes, parts.all().chars().count(), columns);
                if shape.replace(fitting) != Some(fitting) {
                    fitting.apply(bar);
                }
                bar.set_position(snapshot.ended_bytes + snapshot.earlier_bytes);
                bar.set_message(parts.within(columns.saturating_sub(fitting.columns())));
            }
            ProgressMode::LogLines | ProgressMode::Nothing if ended => {}
            ProgressMode::LogLines | ProgressMode::Nothing => tracing::info!("{}", parts.all()),
        }
        if ended {
            return;
        }
    }
}

/// The parts of a line of progress: the rank by which they are left out where the line is too long,
/// and the text. The part of the least rank goes first; those of the highest stay.
struct Parts(Vec<(Rank, String)>);

/// The ranks of parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Retries,
    InFlight,
    Earlier,
    Bad,
    /// Rows done, rate, time left, and what slows it down.
    Kept,
}

impl Parts {
    /// Returns the parts in order: rows done, rate, in flight, retries, bad rows, time left, rows
    /// of earlier processes, and what slows it down.
    fn of(snapshot: &ProgressSnapshot, speed: &Speed, total_bytes: Option<u64>) -> Parts {
        let ProgressSnapshot {
            ended_bytes,
            ended,
            earlier_bytes,
            earlier,
            bad,
            in_flight,
            retries,
            limited_by,
        } = snapshot;
        let mut parts = vec![(
            Rank::Kept,
            format!("{} done, {:.0}/s", grouped(*ended), speed.rows()),
        )];
        if *in_flight > 0 {
            parts.push((Rank::InFlight, format!("{in_flight} in flight")));
        }
        if *retries > 0 {
            parts.push((Rank::Retries, format!("{} retries", grouped(*retries))));
        }
        parts.push((Rank::Bad, format!("{} bad", grouped(*bad))));
        let left = total_bytes
            .map(|total| total.saturating_sub(ended_bytes + earlier_bytes))
            .filter(|left| *left > 0)
            .and_then(|left| speed.time_for(left));
        parts.extend(left.map(|left| (Rank::Kept, format!("{} left", FormattedDuration(left)))));
        if *earlier > 0 {
            parts.push((Rank::Earlier, format!("{} done before", grouped(*earlier))));
        }
        if !limited_by.is_empty() {
            parts.push((Rank::Kept, limited_by.clone()));
        }
        Parts(parts)
    }

    /// Returns the whole line.
    fn all(&self) -> String {
        self.from(Rank::Retries)
    }

    /// Returns the line without the parts below a rank.
    fn from(&self, least: Rank) -> String {
        let kept = self.0.iter().filter(|(rank, _)| *rank >= least);
        kept.map(|(_, text)| text.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Returns a line of at most this many columns.
    fn within(&self, columns: usize) -> String {
        let ranks = [
            Rank::Retries,
            Rank::InFlight,
            Rank::Earlier,
            Rank::Bad,
            Rank::Kept,
        ];
        let lines = ranks.into_iter().map(|least| self.from(least));
        let mut last = String::new();
        for line in lines {
            if line.chars().count() <= columns {
                return line;
            }
            last = line;
        }
        let cut: String = last.chars().take(columns.saturating_sub(1)).collect();
        cut + "…"
    }
}

/// The shape of what precedes the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    WideBar,
    NarrowBar,
    Percent,
    /// The size of the inputs is unknown.
    Spinner,
}

impl Shape {
    /// Returns the widest shape that a line of this length fits beside.
    fn of(total_bytes: Option<u64>, line: usize, columns: usize) -> Shape {
        let shapes = [Shape::WideBar, Shape::NarrowBar];
        match total_bytes {
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
    use super::*;

    /// Returns the parts of a run that was continued, 20 s after its start.
    fn parts() -> Parts {
        let snapshot = ProgressSnapshot {
            ended_bytes: 1_090_000,
            ended: 10_900,
            earlier_bytes: 10_553_000,
            earlier: 105_530,
            bad: 250,
            in_flight: 32,
            retries: 7,
            limited_by: "limited by the API's window".to_owned(),
        };
        let mut speed = Speed::new();
        speed.add(Duration::from_secs(20), &snapshot);
        Parts::of(&snapshot, &speed, Some(50_000_000))
    }

    #[test]
    fn the_rate_and_the_time_left_are_those_of_this_process() {
        assert_eq!(
            parts().all(),
            "10,900 done, 545/s, 32 in flight, 7 retries, 250 bad, 00:11:43 left, 105,530 done before, \
             limited by the API's window"
        );
    }

    #[test]
    fn a_narrow_line_keeps_the_rate_the_time_left_and_the_reason() {
        let check = |columns: usize, want: &str| assert_eq!(parts().within(columns), want);
        check(
            100,
            "10,900 done, 545/s, 250 bad, 00:11:43 left, 105,530 done before, limited by the API's window",
        );
        check(
            75,
            "10,900 done, 545/s, 250 bad, 00:11:43 left, limited by the API's window",
        );
        check(
            70,
            "10,900 done, 545/s, 00:11:43 left, limited by the API's window",
        );
        check(40, "10,900 done, 545/s, 00:11:43 left, limi…");
        assert_eq!(Shape::of(Some(1), 60, 100), Shape::WideBar);
        assert_eq!(Shape::of(Some(1), 60, 90), Shape::NarrowBar);
        assert_eq!(Shape::of(Some(1), 60, 80), Shape::Percent);
        assert_eq!(Shape::of(None, 60, 200), Shape::Spinner);
    }
}
