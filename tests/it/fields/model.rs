//! The expected result of a scene, field by field, derived from its rows alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::api::{Api, State};
use super::scene::{Row, Scene};
use crate::harness::Results;

/// The final journal entry of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    outcome: String,
    fields: BTreeSet<String>,
    overtaken: BTreeSet<String>,
}

/// A row in a file of failed rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) row: u64,
    /// The overtaken fields, if the file has that column.
    pub(super) overtaken: Option<BTreeSet<String>>,
}

/// The error of a test.
pub(super) type Found = Result<(), String>;

/// The last entry of each row.
pub(super) fn last_entries(results: &Results) -> BTreeMap<u64, Said> {
    let names = |value: &Value| -> BTreeSet<String> {
        value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let said = |entry: &Value| Said {
        outcome: entry["outcome"].as_str().unwrap_or_default().to_owned(),
        fields: names(&entry["fields"]),
        overtaken: names(&entry["overtaken"]),
    };
    results
        .by_row()
        .into_iter()
        .map(|(row, entry)| (row, said(entry)))
        .collect()
}

impl Scene {
    /// The fields that a row sets, with the values in its file.
    fn sets<'s>(&'s self, row: &'s Row) -> impl Iterator<Item = (&'static str, Value)> + 's {
        let columns = self.columns.iter().enumerate();
        columns.filter_map(|(column, field)| {
            row.written_value(column, field)
                .map(|value| (*field, value))
        })
    }

    /// The fields that later rows of a row's customer have set, among rows with such an end.
    pub(super) fn overtaken(
        &self,
        row: &Row,
        said: &BTreeMap<u64, Said>,
    ) -> BTreeSet<&'static str> {
        let later = self
            .rows()
            .filter(|later| later.customer == row.customer && later.number > row.number);
        let updated = later.filter(|later| {
            said.get(&later.number)
                .is_some_and(|said| said.outcome == "updated")
        });
        updated
            .flat_map(|later| self.sets(later).map(|(field, _)| field))
            .collect()
    }

    /// Checks that after the last process each row is applied, field by field, or reported.
    pub(super) fn is_applied_or_told(
        &self,
        said: &BTreeMap<u64, Said>,
        told: &[Told],
        api: &Api,
    ) -> Found {
        let mut want = State::new();
        let mut bad = BTreeSet::new();
        for row in self.rows() {
            let Some(ended) = said.get(&row.number) else {
                return Err(format!("row {} has no outcome", row.number));
            };
            let later = self.overtaken(row, said);
            let lost: Vec<_> = self
                .sets(row)
                .map(|(field, _)| field)
                .filter(|field| !later.contains(field))
                .collect();
            match ended.outcome.as_str() {
                "updated" => {
                    let unsent: Vec<_> = lost
                        .iter()
                        .filter(|field| !ended.fields.contains(**field))
                        .collect();
                    if !unsent.is_empty() {
                        return Err(format!(
                            "row {} is updated, but its entry lacks {unsent:?}",
                            row.number
                        ));
                    }
                    want.extend(
                        self.sets(row)
                            .map(|(field, value)| ((row.customer, field.to_owned()), value)),
                    );
                }
                "superseded" if lost.is_empty() => {}
                "superseded" => {
                    return Err(format!(
                        "row {} is superseded, and {lost:?} is lost",
                        row.number
                    ));
                }
                "invalid" | "rejected" | "failed" => _ = bad.insert(row.number),
                outcome => return Err(format!("row {} ended {outcome}", row.number)),
            }
            if let Some(field) = ended
                .overtaken
                .iter()
                .find(|field| !later.contains(field.as_str()))
            {
                return Err(format!(
                    "row {} is said to be overtaken in {field}, and is not",
                    row.number
                ));
            }
        }
        let listed: BTreeSet<u64> = told.iter().map(|told| told.row).collect();
        if listed != bad {
            return Err(format!(
                "the failed rows are {bad:?}, their files tell {listed:?}"
            ));
        }
        self.tells_what_overtook(said, told)?;
        self.holds_or_was_applied_unheard(&want, &bad, api)
    }

    /// Checks that the files of failed rows name what overtook each row.
    fn tells_what_overtook(&self, said: &BTreeMap<u64, Said>, told: &[Told]) -> Found {
        for row in self.rows() {
            let Some(found) = told
                .iter()
                .find(|told| told.row == row.number)
                .and_then(|told| told.overtaken.as_ref())
            else {
                continue;
            };
            let want: BTreeSet<String> = self
                .overtaken(row, said)
                .into_iter()
                .map(str::to_owned)
                .collect();
            if *found != want {
                return Err(format!(
                    "row {} is told as overtaken in {found:?}, not in {want:?}",
                    row.number
                ));
            }
        }
        Ok(())
    }

    /// Checks that each field has the value of the last applied row. A later row that failed may
    /// have been applied as well, if its answer was lost.
    fn holds_or_was_applied_unheard(&self, want: &State, bad: &BTreeSet<u64>, api: &Api) -> Found {
        let mut unheard: BTreeMap<(u64, String), Vec<Value>> = BTreeMap::new();
        for row in self.rows() {
            for (field, value) in self.sets(row) {
                let place = (row.customer, field.to_owned());
                if !bad.contains(&row.number) {
                    unheard.remove(&place);
                } else if api.has_applied(row.customer, field, &value) {
                    unheard.entry(place).or_default().push(value);
                }
            }
        }
        let differs = |place: &(u64, String), found: Option<&Value>| {
            let may_be = unheard
                .get(place)
                .is_some_and(|values| found.is_some_and(|found| values.contains(found)));
            found != want.get(place) && !may_be
        };
        self.compare(want, &api.state(), differs)
    }

    /// Checks that each field is as if all rows, corrected, had been applied in order.
    pub(super) fn holds_all(&self, api: &Api) -> Found {
        let mut want = State::new();
        for row in self.rows() {
            for (column, field) in self.columns.iter().enumerate() {
                let value = row.good_value(column, field);
                want.extend(value.map(|value| ((row.customer, (*field).to_owned()), value)));
            }
        }
        self.compare(&want, &api.state(), |place, found| found != want.get(place))
    }

    fn compare(
        &self,
        want: &State,
        have: &State,
        differs: impl Fn(&(u64, String), Option<&Value>) -> bool,
    ) -> Found {
        let places: BTreeSet<_> = want.keys().chain(have.keys()).collect();
        let wrong = places
            .into_iter()
            .find(|place| differs(place, have.get(*place)));
        wrong.map_or(Ok(()), |place| {
            let (customer, field) = place;
            let rows = self.rows().filter(|row| row.customer == *customer);
            let rows: Vec<_> = rows
                .filter(|row| self.sets(row).any(|(set, _)| set == field))
                .map(|row| row.number)
                .collect();
            let (have, want) = (have.get(place), want.get(place));
            Err(format!(
                "{field} of customer {customer} is {have:?}, not {want:?}; rows {rows:?} set it"
            ))
        })
    }
}
