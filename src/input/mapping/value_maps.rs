//! Words of other programs that are replaced by the API's values (`--values`).

use std::collections::BTreeMap;

use crate::contract::{FIELDS, Field};

use crate::input::mapping::names;
use crate::input::mapping::target::{RuleError, Target, target_of};

/// The replacements for a cell's text, for each field. They come before all other rules but
/// trimming.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ValueMaps {
    by_field: [BTreeMap<String, String>; FIELDS.len()],
}

impl ValueMaps {
    /// Replaces the text `text` of `field` by `value`.
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
                text: names::column_name(&text),
            }),
            Some(_) | None => {
                map.insert(text, value);
                Ok(())
            }
        }
    }

    /// Returns each text with its field and its value.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (Field, &str, &str)> {
        let maps = FIELDS.iter().zip(&self.by_field);
        maps.flat_map(|(rule, map)| {
            map.iter()
                .map(|(text, value)| (rule.field, text.as_str(), value.as_str()))
        })
    }

    /// Whether no text is replaced.
    pub(crate) fn are_none(&self) -> bool {
        self.by_field.iter().all(BTreeMap::is_empty)
    }

    /// Returns the value that replaces this text of a field.
    pub(crate) fn get(&self, field: Field, text: &str) -> Option<&str> {
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
    use crate::contract::ValueRules;
    use crate::input::mapping::cell_rules::CellRules;

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
            Err("`M` of gender is mapped to two values"),
        );
        check("id", "x", "1", Err("`id` cannot have mapped values"));
        check(
            "gendre",
            "x",
            "1",
            Err("`gendre` is not a field of the API; did you mean `gender`?"),
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
        // The value is not mapped again.
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
            values: maps,
            ..CellRules::default()
        };
        let errors = rules.value_errors(&ValueRules::default());
        let errors: Vec<_> = errors
            .iter()
            .map(|(text, error)| (text.as_str(), error.code))
            .collect();
        assert_eq!(errors, [("1", ErrorCode::Enum)]);
    }
}
