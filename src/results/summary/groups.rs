//! Errors and warnings by group: number of rows, places, and messages.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::super::answer_words::OVERTAKEN;
use super::super::tally::{Group, MessageCount, RowsRead, Tally};
use super::inputs::InputNames;
use super::words::rows;
use crate::journal::Outcome;
use crate::text::{self, grouped};

/// Rows with the same error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorGroup {
    /// The outcome of the rows; absent for warnings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The field, if the error names one.
    pub field: Option<String>,
    /// The contract's code, the API's code, or the cause.
    pub code: String,
    /// The status of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The number of rows.
    pub rows: u64,
    /// The percentage of the rows that were read, to two decimals.
    pub share: f64,
    /// The places of the first rows.
    pub first: Vec<String>,
    /// The messages, the most frequent first. Absent if the words are the API's, which may quote a
    /// value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<MessageCount>,
}

/// Returns the tally's errors by group, with their share of `records` rows that were read.
pub fn error_groups(tally: &Tally, records: u64, names: &InputNames) -> Vec<ErrorGroup> {
    let groups = tally.groups().into_iter();
    groups
        .map(|(key, errors)| ErrorGroup {
            outcome: Some(key.outcome),
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

/// Returns the warnings about the rows that were read, by group.
pub fn warning_groups(read: &RowsRead, names: &InputNames) -> Vec<ErrorGroup> {
    let warning = |field: &str, code: &str, group: &Group, message: String| ErrorGroup {
        outcome: None,
        field: Some(field.to_owned()),
        code: code.to_owned(),
        status: None,
        rows: group.rows,
        share: share(group.rows, read.rows),
        first: names.places(group),
        messages: vec![MessageCount {
            message,
            rows: group.rows,
        }],
    };
    let of_values = read.warnings.iter().map(|((field, code), group)| {
        warning(field.name(), code.code(), group, code.message().to_owned())
    });
    let mut warnings: Vec<_> = of_values.collect();
    // Without this group, a reader would conclude that no customer appears twice.
    if read.duplicates.rows > 0 || read.compared_to.is_some() {
        let message = match read.compared_to {
            None => "duplicates an earlier row".to_owned(),
            Some(row) => format!(
                "duplicates an earlier row; only the first {} rows were compared, as there are too many ids to remember",
                grouped(row)
            ),
        };
        warnings.push(warning("id", "duplicate", &read.duplicates, message));
    }
    if read.blank_rows > read.rows {
        let blank = Group {
            rows: read.blank_rows,
            first: Vec::new(),
        };
        let message =
            "hold only delimiters, and outnumber the rows with values: is this the right file?";
        warnings.push(warning("row", "blank", &blank, message.to_owned()));
    }
    warnings.sort_by_key(|group| Reverse(group.rows));
    warnings
}

/// Returns a percentage to two decimals. It is 100 only for all rows.
#[expect(
    clippy::cast_precision_loss,
    reason = "a share is shown with two decimals"
)]
pub(in crate::results) fn share(rows: u64, records: u64) -> f64 {
    if rows == 0 {
        return 0.0;
    }
    if rows >= records {
        return 100.0;
    }
    ((rows as f64 * 10_000.0 / records as f64).round() / 100.0).min(99.99)
}

impl ErrorGroup {
    /// Whether its rows were not sent because later rows of their customers were updated.
    pub(crate) fn is_overtaken(&self) -> bool {
        self.outcome == Some(Outcome::Failed) && self.code == OVERTAKEN
    }

    /// Formats a warning in one line.
    pub fn to_line(&self) -> String {
        let field = self
            .field
            .as_deref()
            .map_or_else(String::new, |field| format!("{} ", text::safe(field)));
        let messages: Vec<_> = self
            .messages
            .iter()
            .map(|said| text::safe(&said.message))
            .collect();
        format!(
            "{field}{} in {}, first at {}: {}",
            text::safe(&self.code),
            rows(self.rows),
            self.first.join(", "),
            messages.join("; ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage_that_never_rounds_to_all() {
        for (rows, records, want) in [
            (0, 0, 0.0),
            (12, 1_000, 1.2),
            (1, 3, 33.33),
            (1, 2_000_000, 0.0),
            (9_996, 10_000, 99.96),
            (9_999_999, 10_000_000, 99.99),
            (7, 7, 100.0),
        ] {
            let share = share(rows, records);
            assert!((share - want).abs() < 1e-9, "{rows} of {records}: {share}");
        }
    }
}
