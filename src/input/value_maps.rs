//! Words of another program that stand for the API's values (`--values`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::contract::{FIELDS, Field, FieldError, ValueRules, field_value};

use super::mapping::Target;
use super::rules::{CellRules, RuleError, target_of};
use super::shown;

/// What a cell's text becomes, field by field, before anything else is made of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ValueMaps {
    by_field: [BTreeMap<String, String>; FIELDS.len()],
}

impl ValueMaps {
    /// A cell of `field` whose text is `text` has this value.
    pub fn add(&mut self, field: &str, text: String, value: String) -> Result<(), RuleError> {
        let Target::Field(field) = target_of(field)? else {
            return Err(RuleError::MappedId);
        };
        let map = self
            .by_field
            .get_mut(field.index())
            .expect("there is a map for each field");
        match map.get(&text) {
            Some(other) if *other != value => Err(RuleError::ValueTwice {
                field: field.name(),
                text: shown::column_name(&text),
            }),
            Some(_) | None => {
                map.insert(text, value);
                Ok(())
            }
        }
    }

    /// What makes rows invalid that hold a mapped text: the text, safe to show, and the fault of what it becomes.
    pub fn errors(&self, cells: &CellRules, values: &ValueRules) -> Vec<(String, FieldError)> {
        let maps = FIELDS.iter().zip(&self.by_field);
        let mapped = maps.flat_map(|(rule, map)| {
            map.iter()
                .map(|(text, value)| (rule.field, text, value.as_str()))
        });
        let errors = mapped.filter_map(|(field, text, value)| {
            let cell = cells.said(Target::Field(field), Cow::Borrowed(value))?;
            field_value(field, cell, values)
                .err()
                .map(|error| (shown::column_name(text), error))
        });
        errors.collect()
    }

    /// Whether no text stands for another.
    pub(super) fn are_none(&self) -> bool {
        self.by_field.iter().all(BTreeMap::is_empty)
    }

    /// What this text of a field stands for.
    pub(super) fn get(&self, field: Field, text: &str) -> Option<&str> {
        self.by_field
            .get(field.index())
            .expect("there is a map for each field")
            .get(text)
            .map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::ErrorCode;

    #[test]
    fn a_text_has_one_value_in_its_field() {
        let mut maps = ValueMaps::default();
        let mut check = |field: &str, text: &str, value: &str, want: Result<(), &str>| {
            let added = maps
                .add(field, text.to_owned(), value.to_owned())
                .map_err(|error| error.to_string());
            assert_eq!(added, want.map_err(str::to_owned));
        };
        check("gender", "M", "male", Ok(()));
        check("gender", "M", "male", Ok(()));
        check("gender", "", "other", Ok(()));
        check("job", "M", "Nurse", Ok(()));
        check(
            "gender",
            "M",
            "other",
            Err("`M` of gender is given two values"),
        );
        check(
            "id",
            "x",
            "1",
            Err("`id` has no words that stand for others"),
        );
        check(
            "gendre",
            "x",
            "1",
            Err("`gendre` is no field of the API; did you mean `gender`?"),
        );
        assert_eq!(
            (maps.get(Field::Gender, "M"), maps.get(Field::Gender, "m")),
            (Some("male"), None)
        );
        assert_eq!(
            (maps.get(Field::Gender, ""), maps.get(Field::Email, "")),
            (Some("other"), None)
        );
    }

    #[test]
    fn a_value_that_breaks_the_contract_is_found() {
        let mut maps = ValueMaps::default();
        // The value is no text to be mapped again.
        for (field, text, value) in [
            ("gender", "1", "2"),
            ("gender", "2", "male"),
            ("email", "-", ""),
            ("job", "", "x"),
        ] {
            maps.add(field, text.to_owned(), value.to_owned())
                .expect("a field");
        }
        let rules = CellRules {
            values: maps.clone(),
            ..CellRules::default()
        };
        let errors = maps.errors(&rules, &ValueRules::default());
        let errors: Vec<_> = errors
            .iter()
            .map(|(text, error)| (text.as_str(), error.code))
            .collect();
        assert_eq!(errors, [("1", ErrorCode::Enum)]);
    }
}
