//! Texts that mean null (`--null-string`).

use crate::contract::FIELDS;

use crate::input::mapping::target::{RuleError, Target, target_of};

/// Texts that mean null: in every cell, or in the cells of one field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NullStrings {
    everywhere: Vec<String>,
    by_field: [Vec<String>; FIELDS.len()],
}

impl NullStrings {
    /// Returns these texts, for every cell.
    pub fn everywhere(texts: impl IntoIterator<Item = String>) -> NullStrings {
        NullStrings {
            everywhere: texts.into_iter().collect(),
            ..NullStrings::default()
        }
    }

    /// Adds a text for every cell.
    pub fn add(&mut self, text: String) {
        self.everywhere.push(text);
    }

    /// Adds a text for the cells of one field.
    pub fn add_for(&mut self, field: &str, text: String) -> Result<(), RuleError> {
        match target_of(field)? {
            Target::Field(field) => {
                self.by_field
                    .get_mut(field.index())
                    .expect("there is a list for each field")
                    .push(text);
            }
            Target::Id | Target::Since | Target::Ignored => return Err(RuleError::NullId),
        }
        Ok(())
    }

    /// Whether no text means null.
    pub(crate) fn are_none(&self) -> bool {
        self.everywhere.is_empty() && self.by_field.iter().all(Vec::is_empty)
    }

    /// Whether a cell of this text is null.
    pub(crate) fn contains(&self, target: Target, text: &str) -> bool {
        let of_field = match target {
            Target::Field(field) => self
                .by_field
                .get(field.index())
                .map_or(&[][..], Vec::as_slice),
            Target::Id | Target::Since | Target::Ignored => &[],
        };
        self.everywhere
            .iter()
            .chain(of_field)
            .any(|null| null == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Field;

    #[test]
    fn a_text_is_null_everywhere_or_in_its_field() {
        let mut nulls = NullStrings::everywhere(["NULL".to_owned()]);
        nulls.add(String::new());
        nulls.add_for("email", "-".to_owned()).expect("a field");
        let check = |target: Target, text: &str, want: bool| {
            assert_eq!(nulls.contains(target, text), want, "{text}");
        };
        for target in [
            Target::Field(Field::Email),
            Target::Field(Field::Job),
            Target::Id,
        ] {
            check(target, "NULL", true);
            check(target, "", true);
            check(target, "null", false);
        }
        check(Target::Field(Field::Email), "-", true);
        check(Target::Field(Field::Job), "-", false);
        check(Target::Id, "-", false);
    }

    #[test]
    fn only_fields_can_be_null() {
        let check = |field: &str, want: &str| {
            let error = NullStrings::default()
                .add_for(field, "-".to_owned())
                .expect_err("no such field");
            assert_eq!(error.to_string(), want);
        };
        check("id", "`id` cannot be null: every row needs it");
        check(
            "emial",
            "`emial` is not a field of the API; did you mean `email`?",
        );
    }
}
