//! The echo check in a summary: what the API's answers show in another way than it was sent.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::super::tally::{EchoRows, EchoTally};
use super::groups::share;
use super::inputs::InputNames;
use super::words::counted;
use crate::contract::Field;
use crate::text::{grouped, safe};

/// The most places of a field.
const PLACES_MAX: usize = 3;

/// The updated rows that the API shows in another way than they were sent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EchoSummary {
    /// Rows with a field that is shown with another value.
    pub rows: u64,
    /// Whether such rows make the exit code 1 (`--echo reject`).
    pub rejected: bool,
    /// The fields, the one with the most other values first.
    pub fields: Vec<EchoField>,
}

/// A field that the API shows in another way than it was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EchoField {
    /// The field.
    pub field: String,
    /// Rows of which it is shown with another value.
    pub differs: u64,
    /// Those of them with a date that is one day off.
    pub next_day: u64,
    /// Rows of which it is shown in another spelling.
    pub spelling: u64,
    /// The percentage of the updated rows with another value, to two decimals.
    pub share: f64,
    /// The places of the first rows with another value.
    pub first: Vec<String>,
    /// The places of the first rows with another spelling.
    pub first_spelling: Vec<String>,
}

/// Whether rows that the API shows with another value make the exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EchoVerdict {
    /// They do not.
    Warned,
    /// They do (`--echo reject`).
    Rejected,
}

impl EchoSummary {
    /// Returns the summary of the tally of so many updated rows; `None` if all are shown as they
    /// were sent.
    pub(crate) fn of(
        tally: &EchoTally,
        updated: u64,
        names: &InputNames,
        verdict: EchoVerdict,
    ) -> Option<EchoSummary> {
        let field = |(field, rows): (&Field, &EchoRows)| EchoField {
            field: field.name().to_owned(),
            differs: rows.differs.rows,
            next_day: rows.next_day,
            spelling: rows.spelling.rows,
            share: share(rows.differs.rows, updated),
            first: names.places(&rows.differs),
            first_spelling: names.places(&rows.spelling),
        };
        let mut summary = EchoSummary {
            rows: tally.rows,
            rejected: verdict == EchoVerdict::Rejected,
            fields: tally.fields.iter().map(field).collect(),
        };
        summary.sort();
        (!summary.fields.is_empty()).then_some(summary)
    }

    /// The rows that make the exit code 1.
    pub(super) fn rows_rejected(&self) -> u64 {
        if self.rejected { self.rows } else { 0 }
    }

    /// Adds the summary of another shard. `updated` are the updated rows of all shards.
    pub(in crate::results) fn append(&mut self, other: &EchoSummary, updated: u64) {
        self.rows += other.rows;
        self.rejected |= other.rejected;
        for field in &other.fields {
            match self.fields.iter_mut().find(|own| own.field == field.field) {
                Some(own) => own.append(field),
                None => self.fields.push(field.clone()),
            }
        }
        for field in &mut self.fields {
            field.share = share(field.differs, updated);
        }
        self.sort();
    }

    fn sort(&mut self) {
        self.fields
            .sort_by_key(|field| Reverse((field.differs, field.spelling)));
    }
}

impl EchoField {
    fn append(&mut self, other: &EchoField) {
        self.differs += other.differs;
        self.next_day += other.next_day;
        self.spelling += other.spelling;
        for (own, more) in [
            (&mut self.first, &other.first),
            (&mut self.first_spelling, &other.first_spelling),
        ] {
            let room = PLACES_MAX.saturating_sub(own.len());
            own.extend(more.iter().take(room).cloned());
        }
    }

    /// Returns the warning about other values, if there are any.
    pub(super) fn warning(&self) -> Option<String> {
        let answers = match self.differs {
            0 => return None,
            differs => shows(differs, "another value"),
        };
        let day_off = match self.next_day {
            0 => String::new(),
            1 if self.differs == 1 => ", a day off: most likely a time zone".to_owned(),
            all if all == self.differs => {
                ", all of them a day off: most likely a time zone".to_owned()
            }
            some => format!(
                ", {} of them a day off: most likely a time zone",
                grouped(some)
            ),
        };
        let (field, place) = (safe(&self.field), first_at(&self.first));
        Some(format!("{field}: {answers}{day_off}{place}"))
    }

    /// Returns the note about other spellings, if there are any.
    pub(super) fn note(&self) -> Option<String> {
        let answers = match self.spelling {
            0 => return None,
            spelling => shows(spelling, "another spelling"),
        };
        let (field, place) = (safe(&self.field), first_at(&self.first_spelling));
        Some(format!("{field}: {answers}{place}"))
    }
}

fn shows(answers: u64, what: &str) -> String {
    let answers = counted(answers, "answer shows", "answers show");
    format!("{answers} {what}")
}

fn first_at(places: &[String]) -> String {
    let place = places.first();
    place.map_or_else(String::new, |place| format!("; first at {place}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, [differs, next_day, spelling]: [u64; 3]) -> EchoField {
        EchoField {
            field: name.to_owned(),
            differs,
            next_day,
            spelling,
            share: 0.0,
            first: vec!["a.csv:2".to_owned()],
            first_spelling: vec!["a.csv:9".to_owned()],
        }
    }

    #[test]
    fn a_field_is_a_warning_a_note_or_both() {
        let check = |counts: [u64; 3], warning: &str, note: &str| {
            let field = field("date_of_birth", counts);
            assert_eq!(
                field.warning().as_deref().unwrap_or_default(),
                warning,
                "{counts:?}"
            );
            assert_eq!(
                field.note().as_deref().unwrap_or_default(),
                note,
                "{counts:?}"
            );
        };
        check(
            [402, 400, 0],
            "date_of_birth: 402 answers show another value, 400 of them a day off: most likely a time zone; first at a.csv:2",
            "",
        );
        check(
            [1_400, 1_400, 3],
            "date_of_birth: 1,400 answers show another value, all of them a day off: most likely a time zone; first at a.csv:2",
            "date_of_birth: 3 answers show another spelling; first at a.csv:9",
        );
        check(
            [1, 1, 1],
            "date_of_birth: 1 answer shows another value, a day off: most likely a time zone; first at a.csv:2",
            "date_of_birth: 1 answer shows another spelling; first at a.csv:9",
        );
        check(
            [2, 0, 0],
            "date_of_birth: 2 answers show another value; first at a.csv:2",
            "",
        );
        check([0, 0, 0], "", "");
    }

    #[test]
    fn shards_add_up_field_by_field() {
        let shard = |rows, rejected, fields: &[EchoField]| EchoSummary {
            rows,
            rejected,
            fields: fields.to_vec(),
        };
        let mut all = shard(5, false, &[field("email", [5, 0, 1])]);
        let other = shard(
            9,
            true,
            &[field("job", [8, 0, 0]), field("email", [1, 0, 2])],
        );
        all.append(&other, 80);
        let found: Vec<_> = all
            .fields
            .iter()
            .map(|field| {
                let places = field.first.len();
                (field.field.as_str(), field.differs, field.spelling, places)
            })
            .collect();
        assert_eq!(found, [("job", 8, 0, 1), ("email", 6, 3, 2)]);
        let shares: Vec<_> = all.fields.iter().map(|field| field.share).collect();
        assert_eq!(
            (all.rows, all.rows_rejected(), shares),
            (14, 14, vec![10.0, 7.5])
        );
    }
}
