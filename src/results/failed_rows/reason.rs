//! The reason why a row ended badly, in words.

use crate::contract::is_code;
use crate::journal::{Entry, Outcome};
use crate::results::answer_words;

/// Returns the reason why a row ended badly, in one line. Beside the results, this is the only
/// place that shows the API's own words.
pub(super) fn reason(entry: &Entry<'_>) -> String {
    // An invalid row has errors alone.
    let was_sent = entry.outcome != Outcome::Invalid;
    let parts = was_sent.then(|| of_answer(entry)).into_iter().flatten();
    let errors = entry.errors.iter().map(|error| {
        let code = error
            .code
            .as_deref()
            .map_or_else(String::new, |code| format!(" ({code})"));
        format!("{} {}{code}", error.field, error.message)
    });
    parts.chain(errors).collect::<Vec<_>>().join("; ")
}

/// Returns what the last answer was, in our own words and in those of the API.
fn of_answer(entry: &Entry<'_>) -> Vec<String> {
    let error = entry.error.as_deref();
    let code = error.filter(|error| is_code(error));
    let code_or_cause = code.or(entry.cause.as_deref()).unwrap_or_default();
    let words = answer_words::of(entry.outcome, entry.status, code_or_cause);
    let attempts = entry.attempts.filter(|attempts| *attempts > 1);
    let words = match attempts.filter(|_| entry.outcome == Outcome::Failed) {
        Some(attempts) => format!("{words} ({attempts} attempts)"),
        None => words,
    };
    let own_words = [error.filter(|_| code.is_none()), entry.message.as_deref()];
    let own_words = own_words.into_iter().flatten().map(str::to_owned);
    let words = Some(words).filter(|words| !words.is_empty());
    words.into_iter().chain(own_words).collect()
}
