//! Fields that have one value in all rows (`--set`).

use std::borrow::Cow;

use crate::contract::{Cell, Cells, CustomerUpdate, Field, FieldError, Subject, ValueRules};

use super::mapping::Target;
use super::rules::{CellRules, RuleError, target_of};

/// What is given to every row beside its cells. A constant is read by the rules of a cell, so that it means what a column
/// full of its text would mean.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Constants {
    /// Few, so that looking through all of them is quick.
    texts: Vec<(Field, String)>,
}

impl Constants {
    /// Gives `field` this text in every row.
    pub fn add(&mut self, field: &str, text: String) -> Result<(), RuleError> {
        match target_of(field)? {
            Target::Field(field) => self.texts.push((field, text)),
            Target::Id | Target::Ignored => return Err(RuleError::ConstantId),
        }
        Ok(())
    }

    /// All that makes every row invalid.
    pub fn errors(&self, cells: &CellRules, values: &ValueRules) -> Vec<FieldError> {
        let texts = self.texts.iter().map(|(field, text)| (*field, text.as_str()));
        texts.filter_map(|(field, text)| error_of_text(field, text, cells, values)).collect()
    }

    /// Whether a field has one.
    pub(super) fn has(&self, field: Field) -> bool {
        self.texts.iter().any(|(constant, _)| *constant == field)
    }

    /// A row that has nothing yet but these.
    pub(super) fn cells<'r>(&'r self, rules: &CellRules) -> Cells<'r> {
        let mut cells = Cells::default();
        for (field, text) in &self.texts {
            let slot = cells.fields.get_mut(field.index()).expect("the cells have a place for each field");
            *slot = rules.cell(Target::Field(*field), Cow::Borrowed(text));
        }
        cells
    }
}

/// What is wrong with a field in every row in which its cell has this text.
fn error_of_text(field: Field, text: &str, rules: &CellRules, values: &ValueRules) -> Option<FieldError> {
    let mut cells = Cells { id: Some(Cell::Number("1")), ..Cells::default() };
    let slot = cells.fields.get_mut(field.index()).expect("the cells have a place for each field");
    *slot = rules.cell(Target::Field(field), Cow::Borrowed(text));
    let row = CustomerUpdate::new(cells, values).err()?;
    row.errors.into_iter().find(|error| error.subject == Subject::Field(field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{EmptyRule, EmptyRules};

    fn constants(pairs: &[(&str, &str)]) -> Constants {
        let mut constants = Constants::default();
        for (field, text) in pairs {
            constants.add(field, (*text).to_owned()).expect("a field");
        }
        constants
    }

    #[test]
    fn a_constant_is_read_as_a_cell_is() {
        let empty = EmptyRules::new(EmptyRule::Omit, [("address", EmptyRule::Null)]).expect("a field");
        let rules = CellRules { empty, null_strings: vec!["-".to_owned()], ..CellRules::default() };
        let constants = constants(&[("job", "Nurse"), ("email", "-"), ("address", ""), ("gender", "")]);
        let cells = constants.cells(&rules);
        let check = |field: Field, want: Option<Cell<'_>>| assert_eq!(cells.fields[field.index()], want, "{field}");
        check(Field::Job, Some(Cell::Text("Nurse".into())));
        check(Field::Email, Some(Cell::Null));
        check(Field::Address, Some(Cell::Null));
        check(Field::Gender, None);
        check(Field::UserId, None);
        assert!(constants.has(Field::Gender) && !constants.has(Field::UserId));
    }

    #[test]
    fn what_breaks_the_contract_in_every_row_is_found_at_once() {
        let pairs = [("email", "nope"), ("job", "Nurse"), ("country_id", "x"), ("first_name", "-"), ("gender", "")];
        let rules = CellRules { null_strings: vec!["-".to_owned()], ..CellRules::default() };
        let errors = constants(&pairs).errors(&rules, &ValueRules::default());
        let fields: Vec<_> = errors.iter().map(|error| error.subject.name()).collect();
        assert_eq!(fields, ["email", "country_id", "first_name"]);
    }

    #[test]
    fn only_fields_can_have_one() {
        let check = |field: &str, want: &str| {
            let error = Constants::default().add(field, "1".to_owned()).expect_err("no such field");
            assert_eq!(error.to_string(), want);
        };
        check("id", "`id` is another one in each row");
        check("emial", "`emial` is no field of the API; did you mean `email`?");
    }
}
