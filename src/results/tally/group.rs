//! Rows with something in common: their number, the first places, and the messages.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::row::Position;

/// The number of places kept for each group.
const PLACES_MAX: usize = 3;
/// The number of different messages kept for each group. Later ones are not counted, so that no
/// input makes it grow.
const MESSAGES_MAX: usize = 32;
/// The number of messages shown for each group.
const MESSAGES_SHOWN_MAX: usize = 3;

/// Rows with something in common.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// The number of rows.
    pub rows: u64,
    /// The places of the first rows.
    pub first: Vec<Position>,
}

/// The messages of a group, each with its number of rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Messages(BTreeMap<String, u64>);

/// A message with its number of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageCount {
    /// The message, in words that follow the field's name.
    pub message: String,
    /// The number of rows.
    pub rows: u64,
}

impl Group {
    /// Counts a row.
    pub fn add(&mut self, position: Position) {
        self.rows += 1;
        // Rows end in any order, but people expect the first places of the file.
        let before = self
            .first
            .partition_point(|earlier| earlier.row < position.row);
        if before < PLACES_MAX {
            self.first.insert(before, position);
            self.first.truncate(PLACES_MAX);
        }
    }

    /// Adds a group of later rows.
    pub fn append(&mut self, later: &Group) {
        self.rows += later.rows;
        let room = PLACES_MAX.saturating_sub(self.first.len());
        self.first.extend(later.first.iter().take(room));
    }
}

impl Messages {
    /// Counts a row with this message.
    pub fn add(&mut self, message: &str) {
        let message = without_place(message);
        if let Some(rows) = self.0.get_mut(message) {
            *rows += 1;
        } else if self.0.len() < MESSAGES_MAX {
            self.0.insert(message.to_owned(), 1);
        }
    }

    /// Returns the few messages with the most rows, the most frequent first.
    pub fn most_frequent(&self) -> Vec<MessageCount> {
        let mut messages: Vec<_> = self.0.iter().collect();
        messages.sort_by_key(|(_, rows)| Reverse(**rows));
        messages.truncate(MESSAGES_SHOWN_MAX);
        messages
            .into_iter()
            .map(|(message, rows)| MessageCount {
                message: message.clone(),
                rows: *rows,
            })
            .collect()
    }
}

/// Returns the message without a column and line at its end: the same error is in another place of
/// each row.
fn without_place(message: &str) -> &str {
    match message.rsplit_once(" at column ") {
        Some((words, place)) if place.split(" of line ").all(is_number) => {
            words.trim_end_matches(',')
        }
        Some(_) | None => message,
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_keeps_its_first_places_in_whatever_order_they_come() {
        let check = |rows: &[u64], want: &[u64]| {
            let mut group = Group::default();
            for row in rows {
                group.add(Position {
                    row: *row,
                    input: 0,
                    line: row + 1,
                });
            }
            let kept: Vec<_> = group.first.iter().map(|position| position.row).collect();
            assert_eq!(
                (group.rows, kept.as_slice()),
                (rows.len() as u64, want),
                "{rows:?}"
            );
        };
        check(&[], &[]);
        check(&[1, 2, 3, 4], &[1, 2, 3]);
        check(&[9, 4, 7, 2, 8], &[2, 4, 7]);
    }

    fn check_shown(messages: &Messages, want: &[(&str, u64)]) {
        let shown = messages.most_frequent();
        let shown: Vec<_> = shown
            .iter()
            .map(|said| (said.message.as_str(), said.rows))
            .collect();
        assert_eq!(shown, want);
    }

    #[test]
    fn the_most_frequent_messages_are_shown() {
        let mut messages = Messages::default();
        for (message, rows) in [("a", 1), ("b", 3), ("c", 1), ("d", 2)] {
            for _ in 0..rows {
                messages.add(message);
            }
        }
        check_shown(&messages, &[("b", 3), ("d", 2), ("a", 1)]);
    }

    #[test]
    fn a_fault_is_the_same_in_whatever_column() {
        let mut messages = Messages::default();
        for message in [
            "is cut off, at column 7",
            "is cut off, at column 12",
            "is cut off, at column 3 of line 14",
            "is cut off",
            "is bad at column x",
        ] {
            messages.add(message);
        }
        check_shown(&messages, &[("is cut off", 4), ("is bad at column x", 1)]);
    }

    #[test]
    fn no_input_makes_the_messages_grow_without_end() {
        let mut messages = Messages::default();
        for number in 0..MESSAGES_MAX * 2 {
            messages.add(&format!("message {number}"));
        }
        messages.add("message 0");
        assert_eq!(messages.0.len(), MESSAGES_MAX);
        assert_eq!(
            messages.most_frequent().first().map(|said| said.rows),
            Some(2)
        );
    }
}
