//! The words on stdout and stderr: what verbs print, notices and errors.

use std::fmt::Display;
use std::io::{self, Write as _};

use super::log::LOG_FORMAT;
use crate::config::output::OutputFormat;
use crate::text;

/// Prints to stdout. What reads it may have gone, which is no reason to fail. Whatever escaped its makers is escaped here.
pub fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    as_far_as_read(
        stdout
            .write_all(text::safe_lines(text).as_bytes())
            .and_then(|()| stdout.flush()),
    )
}

/// What another has flushed to stdout is written, too.
pub fn flushed(written: io::Result<()>) -> io::Result<()> {
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
pub fn print_notice(text: &str) {
    let mut stderr = io::stderr().lock();
    stderr
        .write_all(text::safe_lines(text).as_bytes())
        .and_then(|()| stderr.write_all(b"\n"))
        .ok();
}

/// Says why the program cannot do what it was asked to. Whoever reads a JSON log reads this as one line of it. Names of
/// files, columns and settings come from others, and none of them may write on the terminal as it likes.
pub fn print_error(error: &dyn Display) {
    let error = error.to_string();
    let error = text::safe_lines(&error);
    match LOG_FORMAT.get() {
        Some(OutputFormat::Json) => tracing::error!("{error}"),
        Some(OutputFormat::Text) | None => print_notice(&format!("error: {error}")),
    }
}

/// Says that the program itself has a fault. It may have come about in the logger or in the bar, so that neither is used.
pub fn print_fault(message: &str) {
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
