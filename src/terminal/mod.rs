//! The terminal. Nothing else writes to it: the summary on stdout, and on stderr notices, the log,
//! and the progress bar.

mod line;
mod log;
mod progress;
mod speed;
mod words;

use std::io::{self, IsTerminal};
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget};
use tracing::info;

pub(crate) use self::progress::ProgressGuard;
use self::progress::ProgressMode;
use self::words::print_colored;
pub(crate) use self::words::{
    AnsiColor, flushed, print, print_error, print_fault, print_notice, print_warning,
    standard_error,
};
use crate::config::Settings;
use crate::results::progress::RunProgress;
use crate::text;

/// The log and the progress bar of a command.
pub(crate) struct Terminal {
    bar: ProgressBar,
    mode: ProgressMode,
    /// Whether colours are used on stdout.
    colors_stdout: bool,
    /// Whether stdout and stderr are both shown on a terminal.
    shows_both: bool,
}

impl Terminal {
    /// Sets up the log and, if stderr is a terminal, the progress bar. The first line of the log
    /// names the configuration file, since one in the working directory is read without being
    /// named.
    pub(crate) fn new(settings: &Settings) -> Terminal {
        let on_terminal = is_capable_terminal(&io::stderr());
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let color = log::uses_color(settings.output.color, on_terminal);
        log::set_up(&settings.output, bar.clone(), on_terminal, color);
        if let Some(file) = settings.file() {
            info!("settings are read from {}", text::safe_path(file));
        }
        Terminal {
            bar,
            mode: ProgressMode::of(&settings.output, on_terminal),
            colors_stdout: log::uses_color(settings.output.color, io::stdout().is_terminal()),
            shows_both: on_terminal && io::stdout().is_terminal(),
        }
    }

    /// Whether progress is shown at all.
    pub(crate) fn shows_progress(&self) -> bool {
        self.mode != ProgressMode::Nothing
    }

    /// Shows the progress until the guard is dropped. `total_bytes` is the size of all inputs, if
    /// it is known.
    pub(crate) fn show_progress(
        &self,
        progress: Arc<RunProgress>,
        total_bytes: Option<u64>,
    ) -> ProgressGuard {
        ProgressGuard::start(self.bar.clone(), self.mode, progress, total_bytes)
    }

    /// Whether stdout and stderr are both shown on a terminal, so that a message to each of them
    /// would be read twice.
    pub(crate) fn shows_both(&self) -> bool {
        self.shows_both
    }

    /// Prints to stdout, without tearing the bar. The first text is in this colour if colours are
    /// used.
    pub(crate) fn print_colored(
        &self,
        first: &str,
        color: AnsiColor,
        rest: &str,
    ) -> io::Result<()> {
        if self.colors_stdout {
            self.bar.suspend(|| print_colored(first, color, rest))
        } else {
            self.print(&format!("{first}{rest}"))
        }
    }

    /// Prints to stdout, as [`print()`] does, without tearing the bar.
    pub(crate) fn print(&self, text: &str) -> io::Result<()> {
        self.bar.suspend(|| print(text))
    }
}

/// Whether a stream is a terminal that understands escape sequences.
fn is_capable_terminal(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
