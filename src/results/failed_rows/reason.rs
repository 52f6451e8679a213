//! The reason why a row ended badly, in words.

use crate::journal::Entry;

/// Returns the reason why a row ended badly, in one line. Beside the results, this is the only
/// place that shows the API's own words.
pub(super) fn reason(entry: &Entry<'_>) -> String {
    let mut parts = Vec::new();
    if let Some(status) = entry.status {
        parts.push(format!("the API answered {status}"));
    }
    if let Some(cause) = &entry.cause {
        let attempts = entry.attempts.unwrap_or(1);
        parts.push(format!("{cause} after {attempts} attempts"));
    }
    parts.extend(entry.error.as_deref().map(str::to_owned));
    parts.extend(entry.message.as_deref().map(str::to_owned));
    for error in &entry.errors {
        let code = error
            .code
            .as_deref()
            .map_or_else(String::new, |code| format!(" ({code})"));
        parts.push(format!("{} {}{code}", error.field, error.message));
    }
    parts.join("; ")
}
