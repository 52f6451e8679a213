//! Counts of outcomes for the summary: a fold over journal entries and the rows that stream past.

mod echo;
mod group;
mod latencies;
mod read;

use std::collections::BTreeMap;

pub use self::echo::{EchoRows, EchoTally};
pub use self::group::{Group, MessageCount, Messages};
pub use self::latencies::Latencies;
pub use self::read::RowsRead;
use crate::contract::{is_code, is_field};
use crate::journal::{Entry, Outcome};
use crate::row::Position;

/// The number of different error groups. Further ones are counted as one group, so that no input
/// makes the tally grow.
const GROUPS_MAX: usize = 500;
/// The code of the group for errors beyond the limit.
const OTHERS: &str = "other";

/// The counts of outcomes and errors.
#[derive(Debug, Default)]
pub struct Tally {
    outcomes: BTreeMap<Outcome, u64>,
    groups: BTreeMap<GroupKey, ErrorRows>,
    echo: EchoTally,
}

/// The key of an error group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey {
    /// The outcome of the rows.
    pub outcome: Outcome,
    /// The field, if the error names one.
    pub field: Option<String>,
    /// The contract's code, the API's code, or the cause.
    pub code: String,
    /// The status of the answer.
    pub status: Option<u16>,
}

/// Rows with the same error.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrorRows {
    /// Their number and places.
    pub group: Group,
    /// Their messages. Only the contract's own words are kept: the API's may quote a value.
    pub messages: Messages,
}

impl Tally {
    /// Counts a row with an outcome that needs no attention.
    pub fn record_success(&mut self, outcome: Outcome) {
        *self.outcomes.entry(outcome).or_default() += 1;
    }

    /// Counts a row that did not end badly, with the API's answer to it.
    pub fn record_good(&mut self, entry: &Entry<'_>, position: Position) {
        self.record_success(entry.outcome);
        self.echo.add(entry, position);
    }

    /// Counts a row that ended badly, in each group that its errors belong to.
    pub fn record_failure(&mut self, entry: &Entry<'_>, position: Position) {
        *self.outcomes.entry(entry.outcome).or_default() += 1;
        let key = |field: Option<String>, code: String| GroupKey {
            outcome: entry.outcome,
            field,
            code,
            status: entry.status,
        };
        // The contract's words are our own. A server's words count only if they quote no value;
        // entries from before that rule may hold any text.
        let is_own = entry.outcome == Outcome::Invalid;
        let code = |code: &str| (is_own || is_code(code)).then(|| code.to_owned());
        let common = (entry.error.as_deref().and_then(code))
            .or_else(|| entry.cause.as_deref().map(str::to_owned));
        let common = common.unwrap_or_else(|| {
            entry
                .status
                .map_or_else(String::new, |status| format!("http_{status}"))
        });
        if entry.errors.is_empty() {
            return self.group_of(key(None, common)).group.add(position);
        }
        let mut errors: Vec<_> = (entry.errors.iter())
            .map(|error| {
                let code = error
                    .code
                    .as_deref()
                    .and_then(code)
                    .unwrap_or_else(|| common.clone());
                let field =
                    (is_own || is_field(&error.field)).then(|| error.field.clone().into_owned());
                (key(field, code), error.message.as_ref())
            })
            .collect();
        errors.sort();
        errors.dedup();
        for errors in errors.chunk_by(|(key, _), (other, _)| key == other) {
            let Some((key, _)) = errors.first() else {
                continue;
            };
            let rows = self.group_of(key.clone());
            rows.group.add(position);
            if entry.outcome == Outcome::Invalid {
                for (_, message) in errors {
                    rows.messages.add(message);
                }
            }
        }
    }

    /// Returns the number of rows with this outcome.
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or_default()
    }

    /// Returns the updated rows that the API shows in another way than they were sent.
    pub fn echo(&self) -> &EchoTally {
        &self.echo
    }

    /// Returns the number of rows that have ended.
    pub fn ended(&self) -> u64 {
        self.outcomes.values().sum()
    }

    /// Returns the errors by group, the largest first.
    pub fn groups(&self) -> Vec<(&GroupKey, &ErrorRows)> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.group.rows));
        groups
    }

    fn group_of(&mut self, key: GroupKey) -> &mut ErrorRows {
        let key = if self.groups.len() >= GROUPS_MAX && !self.groups.contains_key(&key) {
            GroupKey {
                field: None,
                code: OTHERS.to_owned(),
                status: None,
                ..key
            }
        } else {
            key
        };
        self.groups.entry(key).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::EntryError;

    fn entry(row: u64, errors: &[(&'static str, Option<&'static str>)]) -> Entry<'static> {
        let errors = errors.iter().map(|(field, code)| EntryError {
            field: (*field).into(),
            code: code.map(Into::into),
            message: "is bad".into(),
        });
        Entry {
            errors: errors.collect(),
            ..Entry::of_row(row, Outcome::Invalid)
        }
    }

    fn position(row: u64) -> Position {
        Position {
            row,
            input: 0,
            line: row,
        }
    }

    #[test]
    fn a_row_counts_once_in_each_of_its_groups() {
        let mut tally = Tally::default();
        tally.record_failure(
            &entry(
                1,
                &[
                    ("email", Some("format")),
                    ("email", Some("format")),
                    ("job", Some("null")),
                ],
            ),
            position(1),
        );
        tally.record_failure(&entry(2, &[("email", Some("format"))]), position(2));
        let groups: Vec<_> = tally
            .groups()
            .into_iter()
            .map(|(key, errors)| (key.field.clone(), errors.group.rows))
            .collect();
        assert_eq!(
            groups,
            [(Some("email".to_owned()), 2), (Some("job".to_owned()), 1)]
        );
        assert_eq!((tally.count(Outcome::Invalid), tally.ended()), (2, 2));
    }

    #[test]
    fn no_input_makes_the_tally_grow_without_end() {
        let mut tally = Tally::default();
        let rows = u64::try_from(GROUPS_MAX).expect("few") * 2;
        for row in 1..=rows {
            let entry = Entry {
                error: Some(format!("code_{row}").into()),
                status: Some(400),
                ..entry(row, &[])
            };
            tally.record_failure(&entry, position(row));
        }
        let groups = tally.groups();
        assert!(groups.len() <= GROUPS_MAX + 1, "{}", groups.len());
        assert_eq!(
            groups
                .iter()
                .map(|(_, errors)| errors.group.rows)
                .sum::<u64>(),
            rows
        );
    }

    #[test]
    fn a_server_s_words_count_only_where_they_quote_no_value() {
        let check = |error: Option<&'static str>,
                     fields: &[&'static str],
                     want: &[(Option<&str>, &str)]| {
            let errors: Vec<_> = fields.iter().map(|field| (*field, None)).collect();
            let bad = Entry {
                outcome: Outcome::Rejected,
                status: Some(409),
                ..entry(1, &errors)
            };
            let mut tally = Tally::default();
            tally.record_failure(
                &Entry {
                    error: error.map(Into::into),
                    ..bad
                },
                position(1),
            );
            let groups = tally.groups();
            let groups: Vec<_> = groups
                .iter()
                .map(|(key, _)| (key.field.as_deref(), key.code.as_str()))
                .collect();
            assert_eq!(groups, want, "{error:?} {fields:?}");
        };
        check(Some("not_found"), &[], &[(None, "not_found")]);
        check(
            Some("Email zoe@example.com is taken"),
            &[],
            &[(None, "http_409")],
        );
        check(
            Some("0791234567"),
            &["email"],
            &[(Some("email"), "http_409")],
        );
        check(None, &["address.0"], &[(Some("address.0"), "http_409")]);
        check(
            None,
            &["zoe@example.com", "Zo\u{eb}"],
            &[(None, "http_409")],
        );
        check(
            None,
            &["zoe@example.com", "job"],
            &[(None, "http_409"), (Some("job"), "http_409")],
        );
    }

    #[test]
    fn messages_are_the_contract_s_own_and_count_rows() {
        let said = |outcome| {
            let mut tally = Tally::default();
            for row in 1..=2 {
                let errors = [("email", Some("format")), ("email", Some("format"))];
                tally.record_failure(
                    &Entry {
                        outcome,
                        ..entry(row, &errors)
                    },
                    position(row),
                );
            }
            let groups = tally.groups();
            groups
                .iter()
                .flat_map(|(_, errors)| errors.messages.most_frequent())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            said(Outcome::Invalid),
            [MessageCount {
                message: "is bad".to_owned(),
                rows: 2
            }]
        );
        assert_eq!(said(Outcome::Rejected), []);
    }
}
