//! Fields with the same value in all rows (`--set`).

use std::borrow::Cow;

use crate::contract::{Field, FieldError, UpdateBuilder, ValueRules, field_value};

use crate::input::mapping::cell_rules::CellRules;
use crate::input::mapping::target::{RuleError, Target, target_of};

/// Values that every row gets besides its cells. A constant is read by the rules of a cell, so that
/// it means the same as a column full of its text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Constants {
    /// They are few, so a linear search is fast.
    texts: Vec<(Field, String)>,
}

impl Constants {
    /// Sets `field` to this text in every row.
    pub fn add(&mut self, field: &str, text: String) -> Result<(), RuleError> {
        match target_of(field)? {
            Target::Field(field) => self.texts.push((field, text)),
            Target::Id | Target::Since | Target::Ignored => return Err(RuleError::ConstantId),
        }
        Ok(())
    }

    /// Returns the errors that make every row invalid.
    pub fn errors(&self, cells: &CellRules, values: &ValueRules) -> Vec<FieldError> {
        let errors = self.texts.iter().filter_map(|(field, text)| {
            let cell = cells.cell(Target::Field(*field), Cow::Borrowed(text))?;
            field_value(*field, cell, values).err()
        });
        errors.collect()
    }

    /// Returns the fields with their texts.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (Field, &str)> {
        self.texts
            .iter()
            .map(|(field, text)| (*field, text.as_str()))
    }

    /// Whether a field has a constant.
    pub(crate) fn has(&self, field: Field) -> bool {
        self.texts.iter().any(|(constant, _)| *constant == field)
    }

    /// Adds the constants to a row.
    pub(crate) fn fill<'r>(&'r self, builder: &mut UpdateBuilder<'r>, rules: &'r CellRules) {
        for (field, text) in &self.texts {
            if let Some(cell) = rules.cell(Target::Field(*field), Cow::Borrowed(text)) {
                builder.set(*field, cell);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Cell;
    use crate::input::{EmptyRule, EmptyRules, NullStrings};

    fn constants(pairs: &[(&str, &str)]) -> Constants {
        let mut constants = Constants::default();
        for (field, text) in pairs {
            constants.add(field, (*text).to_owned()).expect("a field");
        }
        constants
    }

    #[test]
    fn a_constant_is_read_as_a_cell_is() {
        let empty =
            EmptyRules::new(EmptyRule::Omit, [("address", EmptyRule::Null)]).expect("a field");
        let rules = CellRules {
            empty,
            null_strings: NullStrings::everywhere(["-".to_owned()]),
            ..CellRules::default()
        };
        let constants = constants(&[
            ("job", "Nurse"),
            ("email", "-"),
            ("address", ""),
            ("gender", ""),
        ]);
        let values = ValueRules::default();
        let mut builder = UpdateBuilder::new(&values);
        constants.fill(&mut builder, &rules);
        builder.set_id(Some(Cell::Number("1")));
        let mut body = Vec::new();
        builder.finish().expect("a good row").write_body(&mut body);
        assert_eq!(body, br#"{"email":null,"job":"Nurse","address":null}"#);
        assert!(constants.has(Field::Gender) && !constants.has(Field::UserId));
    }

    #[test]
    fn what_breaks_the_contract_in_every_row_is_found_at_once() {
        let pairs = [
            ("email", "nope"),
            ("job", "Nurse"),
            ("country_id", "x"),
            ("first_name", "-"),
            ("gender", ""),
        ];
        let rules = CellRules {
            null_strings: NullStrings::everywhere(["-".to_owned()]),
            ..CellRules::default()
        };
        let errors = constants(&pairs).errors(&rules, &ValueRules::default());
        let fields: Vec<_> = errors.iter().map(|error| error.subject.name()).collect();
        assert_eq!(fields, ["email", "country_id", "first_name"]);
    }

    #[test]
    fn only_fields_can_have_one() {
        let check = |field: &str, want: &str| {
            let error = Constants::default()
                .add(field, "1".to_owned())
                .expect_err("no such field");
            assert_eq!(error.to_string(), want);
        };
        check("id", "`id` cannot be the same in every row");
        check(
            "emial",
            "`emial` is not a field of the API; did you mean `email`?",
        );
    }
}
