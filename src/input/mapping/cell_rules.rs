//! The user's rules for reading cells: spaces, texts that mean null, mapped values, and empty
//! cells.

use crate::input::mapping::names;
use std::borrow::Cow;

use crate::contract::{Cell, FIELDS, Field, FieldError, ValueRules, field_value, is_blank};
use crate::text;

use crate::input::mapping::null_strings::NullStrings;
use crate::input::mapping::target::{RuleError, Target, target_of};
use crate::input::mapping::value_maps::ValueMaps;

/// The meaning of an empty cell (`--empty`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmptyRule {
    /// The field is left out of the request.
    #[default]
    Omit,
    /// The field is set to null.
    Null,
    /// The row is invalid.
    Error,
}

/// The meaning of an empty cell, for each field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EmptyRules {
    by_field: [EmptyRule; FIELDS.len()],
}

/// Whether spaces around a value are part of it (`--trim`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trim {
    /// They are kept.
    #[default]
    Keep,
    /// They are removed: all Unicode white space, and invisible characters.
    Trim,
}

/// The rules for reading a cell's text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CellRules {
    /// The meaning of an empty cell. A cell of white space only is empty too.
    pub empty: EmptyRules,
    /// Texts that mean null (`--null-string`).
    pub null_strings: NullStrings,
    /// Whether spaces around a value are removed. This comes first.
    pub trim: Trim,
    /// Texts that are replaced by values (`--values`). The values are then read as the cell's text.
    pub values: ValueMaps,
}

impl EmptyRules {
    /// Returns `default` for all fields except the named ones.
    pub fn new<'a>(
        default: EmptyRule,
        fields: impl IntoIterator<Item = (&'a str, EmptyRule)>,
    ) -> Result<EmptyRules, RuleError> {
        let mut by_field = [default; FIELDS.len()];
        for (name, rule) in fields {
            match target_of(name)? {
                Target::Field(field) => {
                    *by_field
                        .get_mut(field.index())
                        .expect("the rules have a place for each field") = rule;
                }
                Target::Id | Target::Since | Target::Ignored => return Err(RuleError::EmptyId),
            }
        }
        Ok(EmptyRules { by_field })
    }

    fn of(&self, field: Field) -> EmptyRule {
        *self
            .by_field
            .get(field.index())
            .expect("the rules have a place for each field")
    }
}

impl CellRules {
    /// Returns the mapped texts (`--values`) whose values break the contract: each text, safe to
    /// show, and the error of its value.
    pub fn value_errors(&self, values: &ValueRules) -> Vec<(String, FieldError)> {
        let errors = self.values.texts().filter_map(|(field, text, value)| {
            let cell = self.said(Target::Field(field), Cow::Borrowed(value))?;
            let error = field_value(field, cell, values).err()?;
            Some((names::column_name(text), error))
        });
        errors.collect()
    }

    /// Whether every text that is not empty is taken as it is: none is trimmed, null or mapped.
    pub(crate) fn leave_texts(&self) -> bool {
        self.trim == Trim::Keep && self.null_strings.are_none() && self.values.are_none()
    }

    /// Whether empty text leaves this field out.
    pub(crate) fn omit_empty(&self, field: Field) -> bool {
        self.empty.of(field) == EmptyRule::Omit
    }

    /// Reads a cell of this text. `None` if it leaves its target out.
    #[inline]
    pub(crate) fn cell<'a>(&'a self, target: Target, text: Cow<'a, str>) -> Option<Cell<'a>> {
        let text = match self.trim {
            Trim::Keep => text,
            Trim::Trim => trimmed(text),
        };
        match self.value_of(target, &text) {
            Some(value) => self.said(target, Cow::Borrowed(value)),
            None => self.said(target, text),
        }
    }

    /// Returns the value that a text is mapped to.
    fn value_of(&self, target: Target, text: &str) -> Option<&str> {
        match target {
            Target::Field(field) => self.values.get(field, text),
            Target::Id | Target::Since | Target::Ignored => None,
        }
    }

    /// Reads a number, `true` or `false`. It may be mapped to another value, as a gender of 1 or 2
    /// is; if not, it means `itself`.
    pub(crate) fn word<'a>(
        &'a self,
        target: Target,
        json: &str,
        itself: Cell<'a>,
    ) -> Option<Cell<'a>> {
        match self.value_of(target, json) {
            Some(value) => self.said(target, Cow::Borrowed(value)),
            None => Some(itself),
        }
    }

    /// Reads a text without mapping it.
    #[inline]
    fn said<'a>(&self, target: Target, text: Cow<'a, str>) -> Option<Cell<'a>> {
        if self.null_strings.contains(target, &text) {
            return Some(Cell::Null);
        }
        match target {
            Target::Ignored => None,
            // The API trims text, so text of white space only would clear the field.
            Target::Field(field) if is_blank(&text) => match self.empty.of(field) {
                EmptyRule::Omit => None,
                EmptyRule::Null => Some(Cell::Null),
                EmptyRule::Error => Some(Cell::Empty),
            },
            Target::Id | Target::Field(_) | Target::Since => Some(Cell::Text(text)),
        }
    }
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text::trimmed(text)),
        Cow::Owned(text) if text::trimmed(&text).len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text::trimmed(&text).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Cell<'_> {
        Cell::Text(text.into())
    }

    #[test]
    fn an_empty_cell_follows_its_rule() {
        let empty = EmptyRules::new(
            EmptyRule::Omit,
            [("email", EmptyRule::Null), ("job", EmptyRule::Error)],
        );
        let rules = CellRules {
            empty: empty.expect("known fields"),
            ..CellRules::default()
        };
        let check =
            |target, cell: &'static str, want| assert_eq!(rules.cell(target, cell.into()), want);
        check(Target::Field(Field::Address), "", None);
        check(Target::Field(Field::Email), "", Some(Cell::Null));
        check(Target::Field(Field::Job), "", Some(Cell::Empty));
        for blank in [" ", "\t\n", "\u{a0}", "\u{3000}\u{2003}", "\u{85}"] {
            check(Target::Field(Field::Address), blank, None);
            check(Target::Field(Field::Email), blank, Some(Cell::Null));
            check(Target::Field(Field::Job), blank, Some(Cell::Empty));
        }
        check(Target::Field(Field::Job), " x", Some(text(" x")));
        check(Target::Id, "", Some(text("")));
        check(Target::Ignored, "x", None);
    }

    #[test]
    fn trimming_comes_first_then_null_then_empty() {
        let null_strings = NullStrings::everywhere(["NULL".to_owned(), "\\N".to_owned()]);
        let rules = CellRules {
            null_strings,
            trim: Trim::Trim,
            ..CellRules::default()
        };
        let check = |cell: Cow<'static, str>, want| {
            assert_eq!(
                rules.cell(Target::Field(Field::Job), cell.clone()),
                want,
                "{cell:?}"
            );
        };
        check(" NULL\t".into(), Some(Cell::Null));
        check("\\N".into(), Some(Cell::Null));
        check("null".into(), Some(text("null")));
        check("\u{a0} ".into(), None);
        check("\u{feff}\u{200b}".into(), None);
        check(" \u{200b}a\u{202c}".into(), Some(super::tests::text("a")));
        check(" a b ".into(), Some(text("a b")));
        check(" a b ".to_owned().into(), Some(text("a b")));
        assert_eq!(rules.cell(Target::Id, "NULL".into()), Some(Cell::Null));
        let kept = CellRules {
            null_strings: NullStrings::everywhere([String::new()]),
            ..CellRules::default()
        };
        assert_eq!(
            kept.cell(Target::Field(Field::Job), " a".into()),
            Some(text(" a"))
        );
        assert_eq!(
            kept.cell(Target::Field(Field::Job), "".into()),
            Some(Cell::Null)
        );
        let blank = CellRules {
            null_strings: NullStrings::everywhere([" ".to_owned()]),
            ..CellRules::default()
        };
        assert_eq!(
            blank.cell(Target::Field(Field::Job), " ".into()),
            Some(Cell::Null)
        );
        assert_eq!(blank.cell(Target::Field(Field::Job), "  ".into()), None);
    }

    #[test]
    fn rules_for_unknown_names_are_refused() {
        let check = |field: &str, want: &str| {
            let error = EmptyRules::new(EmptyRule::Omit, [(field, EmptyRule::Null)])
                .expect_err("no such field");
            assert_eq!(error.to_string(), want);
        };
        check(
            "emial",
            "`emial` is not a field of the API; did you mean `email`?",
        );
        check("zz\u{7}", "`zz\\u{7}` is not a field of the API");
        check("id", "an empty `id` is always an error");
    }
}
