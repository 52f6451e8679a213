//! Errors and warnings group by group: how many rows, which, and what is to be fixed.

use serde::Serialize;

use super::{line, rows};
use crate::row::Position;
use crate::tally::{Group, MessageCount, RowsRead, Tally};
use crate::text;

/// Rows with the same error.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ErrorGroup {
    /// How the rows ended; absent for warnings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
    /// The field, where the error names one.
    pub field: Option<String>,
    /// The contract's code, the API's, or the cause.
    pub code: String,
    /// The answer's status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How many rows.
    pub rows: u64,
    /// How many of a hundred rows that were read, to two decimals.
    pub share: f64,
    /// Where the first of them stand.
    pub first: Vec<String>,
    /// What is wrong with them, in words: the most frequent messages first. Absent where the words are the API's, which
    /// may quote a value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<MessageCount>,
}

/// The names of the inputs, to say where rows stand.
#[derive(Debug, Clone)]
pub struct InputNames(pub Vec<String>);

impl InputNames {
    fn place(&self, position: Position) -> String {
        format!("{}:{}", self.0.get(position.input).map_or("?", String::as_str), position.line)
    }

    fn places(&self, group: &Group) -> Vec<String> {
        group.first.iter().map(|position| self.place(*position)).collect()
    }
}

/// The tally's errors, group by group, among so many rows that were read.
pub fn error_groups(tally: &Tally, records: u64, names: &InputNames) -> Vec<ErrorGroup> {
    let groups = tally.groups().into_iter();
    groups
        .map(|(key, errors)| ErrorGroup {
            outcome: Some(key.outcome.name()),
            field: key.field.clone(),
            code: key.code.clone(),
            status: key.status,
            rows: errors.group.rows,
            share: share(errors.group.rows, records),
            first: names.places(&errors.group),
            messages: errors.messages.most_frequent(),
        })
        .collect()
}

/// What is unusual about the rows that were read.
pub fn warning_groups(read: &RowsRead, names: &InputNames) -> Vec<ErrorGroup> {
    let message = "has a domain without a dot, which no other network can reach";
    let warnings = [("email", "domain_without_dot", &read.domains_without_dot, message)];
    let warnings = warnings.into_iter().filter(|(_, _, group, _)| group.rows > 0);
    warnings
        .map(|(field, code, group, message)| ErrorGroup {
            outcome: None,
            field: Some(field.to_owned()),
            code: code.to_owned(),
            status: None,
            rows: group.rows,
            share: share(group.rows, read.rows),
            first: names.places(group),
            messages: vec![MessageCount { message: message.to_owned(), rows: group.rows }],
        })
        .collect()
}

/// How many of a hundred, to two decimals; all of them only where it is all.
#[expect(clippy::cast_precision_loss, reason = "a share is shown with two decimals")]
fn share(rows: u64, records: u64) -> f64 {
    if rows >= records {
        return 100.0;
    }
    ((rows as f64 * 10_000.0 / records as f64).round() / 100.0).min(99.99)
}

impl ErrorGroup {
    /// The group's line, and below it what is to be fixed.
    pub(super) fn write(&self, lines: &mut String) {
        let status = self.status.map_or_else(String::new, |status| format!("{status} "));
        let field = self.field.as_deref().map_or_else(String::new, |field| format!("{} ", text::safe(field)));
        let (code, rows, percent) = (text::safe(&self.code), rows(self.rows), percent(self.share));
        let places = self.first.join(", ");
        line(lines, format_args!("  {status}{field}{code} {rows} ({percent}), first at {places}"));
        for MessageCount { message, rows } in &self.messages {
            // A message that stands alone is said of all rows of the group.
            let count = if self.messages.len() > 1 { format!("{}: ", self::rows(*rows)) } else { String::new() };
            line(lines, format_args!("    {count}{}", text::safe(message)));
        }
    }
}

/// A share in words: a few rows are never none, and all but a few never all.
fn percent(share: f64) -> String {
    if share >= 100.0 {
        return "100%".to_owned();
    }
    match share {
        share if share < 0.05 => "under 0.1%".to_owned(),
        share if share >= 99.95 => "over 99.9%".to_owned(),
        share => format!("{share:.1}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage_that_never_rounds_to_all_or_nothing() {
        for (rows, records, json, text) in [
            (12, 1_000, 1.2, "1.2%"),
            (1, 3, 33.33, "33.3%"),
            (1, 2_000_000, 0.0, "under 0.1%"),
            (9_996, 10_000, 99.96, "over 99.9%"),
            (9_999_999, 10_000_000, 99.99, "over 99.9%"),
            (7, 7, 100.0, "100%"),
        ] {
            let share = share(rows, records);
            assert!((share - json).abs() < 1e-9, "{rows} of {records}: {share}");
            assert_eq!(percent(share), text, "{rows} of {records}");
        }
    }
}
