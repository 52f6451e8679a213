//! The words on stdout and stderr: what verbs print, notices and errors.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::Stdio;

use super::log::LOG_FORMAT;
use crate::config::output::OutputFormat;
use crate::text;

/// Prints to stdout. A closed pipe is not an error. Control characters that were not escaped before
/// are escaped here.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    as_far_as_read(
        stdout
            .write_all(text::safe_lines(text).as_bytes())
            .and_then(|()| stdout.flush()),
    )
}

/// Prints to stdout as [`print()`] does. The first text is in bold and in this colour.
pub(crate) fn print_colored(first: &str, color: AnsiColor, rest: &str) -> io::Result<()> {
    let color = color as u8;
    let first = text::safe_lines(first.trim_end());
    let printed = format!(
        "\u{1b}[1;{color}m{first}\u{1b}[0m\n{}",
        text::safe_lines(rest)
    );
    let mut stdout = io::stdout().lock();
    as_far_as_read(
        stdout
            .write_all(printed.as_bytes())
            .and_then(|()| stdout.flush()),
    )
}

/// The colours, by their numbers in ECMA-48 (SGR).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnsiColor {
    /// Red.
    Red = 31,
    /// Green.
    Green = 32,
    /// Yellow.
    Yellow = 33,
}

/// Flushes what clap has printed to stdout. A closed pipe is not an error.
pub(crate) fn flushed(written: io::Result<()>) -> io::Result<()> {
    as_far_as_read(written.and_then(|()| io::stdout().lock().flush()))
}

/// Ignores the error of a pipe whose reader has gone.
fn as_far_as_read(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Prints a notice to stderr, escaped.
pub(crate) fn print_notice(text: &str) {
    let mut stderr = io::stderr().lock();
    stderr
        .write_all(text::safe_lines(text).as_bytes())
        .and_then(|()| stderr.write_all(b"\n"))
        .ok();
}

/// Prints why the program failed to stderr, as a line of the log if that is JSON. The text is
/// escaped, since names of files, columns and settings come from others.
pub(crate) fn print_error(error: &dyn Display) {
    let error = error.to_string();
    let error = text::safe_lines(&error);
    match LOG_FORMAT.get() {
        Some(OutputFormat::Json) => tracing::error!("{error}"),
        Some(OutputFormat::Text) | None => print_notice(&format!("error: {error}")),
    }
}

/// Prints a warning to stderr as [`print_error`] prints an error: also before the log is set up.
pub(crate) fn print_warning(warning: &dyn Display) {
    let warning = warning.to_string();
    let warning = text::safe_lines(&warning);
    match LOG_FORMAT.get() {
        Some(OutputFormat::Json) => tracing::warn!("{warning}"),
        Some(OutputFormat::Text) | None => print_notice(&format!("warning: {warning}")),
    }
}

/// Returns stderr as the output of a child process.
pub(crate) fn standard_error() -> Stdio {
    Stdio::from(io::stderr())
}

/// Prints a fault of the program itself to stderr. It may be a fault of the logger or the bar, so
/// neither is used.
pub(crate) fn print_fault(message: &str) {
    match LOG_FORMAT.get() {
        Some(OutputFormat::Json) => {
            print_notice(
                &serde_json::json!({ "level": "ERROR", "fields": { "message": message } })
                    .to_string(),
            );
        }
        Some(OutputFormat::Text) | None => print_notice(&format!("error: {message}")),
    }
}
