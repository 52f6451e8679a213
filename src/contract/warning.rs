//! Warnings: unusual facts about valid values. They are counted and reported, and never make a row
//! invalid.

use super::field::Field;
use super::field_set::FieldSet;

/// An unusual fact about a valid value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Warning {
    /// An e-mail address that only a local network can deliver to.
    DomainWithoutDot,
    /// A word that databases and programs write for null.
    NullWord,
    /// A formula in a text field.
    FormulaText,
    /// UTF-8 that was read as Latin-1 or windows-1252.
    Mojibake,
    /// A control character other than a tab or a line break.
    ControlCharacter,
    /// A line break in a field that should have one line.
    LineBreak,
    /// A date after today.
    Future,
    /// A date before the year 1900.
    Before1900,
    /// A field that is not sent though an earlier row of the customer, which is not sent, sets it.
    LostWithEarlierRow,
}

/// The warnings about the values of a row, by field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Warnings {
    fields: [FieldSet; Warning::ALL.len()],
}

impl Warning {
    /// All warnings, in the order of the enum.
    pub const ALL: [Warning; 9] = [
        Warning::DomainWithoutDot,
        Warning::NullWord,
        Warning::FormulaText,
        Warning::Mojibake,
        Warning::ControlCharacter,
        Warning::LineBreak,
        Warning::Future,
        Warning::Before1900,
        Warning::LostWithEarlierRow,
    ];

    /// The code as written in summaries, stable across versions.
    pub fn code(self) -> &'static str {
        match self {
            Warning::DomainWithoutDot => "domain_without_dot",
            Warning::NullWord => "null_word",
            Warning::FormulaText => "formula_text",
            Warning::Mojibake => "mojibake",
            Warning::ControlCharacter => "control_character",
            Warning::LineBreak => "line_break",
            Warning::Future => "future",
            Warning::Before1900 => "before_1900",
            Warning::LostWithEarlierRow => "lost_with_earlier_row",
        }
    }

    /// The message, to follow the field's name: what is unusual and what helps.
    pub fn message(self) -> &'static str {
        match self {
            Warning::DomainWithoutDot => {
                "has a domain without a dot, which only a local network can reach"
            }
            Warning::NullWord => {
                "looks like a null, but is sent as text (--null-string NULL reads NULL as null)"
            }
            Warning::FormulaText => "begins with =, as formulas do, and is sent unchanged",
            Warning::Mojibake => {
                "looks like UTF-8 that was read in another encoding: check --encoding and how the file was exported"
            }
            Warning::ControlCharacter => "holds a control character",
            Warning::LineBreak => "holds a line break",
            Warning::Future => "is after today",
            Warning::Before1900 => "is before the year 1900",
            Warning::LostWithEarlierRow => {
                "is set by an earlier row, which is not sent, and not by the customer's last row (--unique last)"
            }
        }
    }
}

impl Warnings {
    /// Adds a warning about a field.
    pub(super) fn insert(&mut self, warning: Warning, field: Field) {
        self.fields
            .get_mut(warning as usize)
            .expect("there is a set for each warning")
            .insert(field);
    }

    /// Returns the warnings without those about some fields.
    pub(super) fn without(self, fields: FieldSet) -> Warnings {
        Warnings {
            fields: self.fields.map(|of_warning| of_warning.without(fields)),
        }
    }

    /// Whether there are no warnings.
    #[inline]
    pub fn is_empty(&self) -> bool {
        *self == Warnings::default()
    }

    /// Iterates over the warnings, each with its field.
    pub fn iter(&self) -> impl Iterator<Item = (Field, Warning)> {
        let all = Warning::ALL.into_iter().zip(self.fields);
        all.flat_map(|(warning, fields)| fields.iter().map(move |field| (field, warning)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Cell, DateFormat, Today, TwoDigitYears, UpdateBuilder, ValueRules};

    #[test]
    fn each_warning_has_its_place_and_code() {
        for (index, warning) in Warning::ALL.into_iter().enumerate() {
            assert_eq!(warning as usize, index, "{}", warning.code());
            let mut warnings = Warnings::default();
            warnings.insert(warning, Field::Job);
            assert!(!warnings.is_empty());
            assert_eq!(warnings.iter().collect::<Vec<_>>(), [(Field::Job, warning)]);
            assert!(
                warnings
                    .without([Field::Job].into_iter().collect())
                    .is_empty()
            );
            assert!(
                !warnings
                    .without([Field::Email].into_iter().collect())
                    .is_empty()
            );
        }
    }

    /// Which values are sent does not depend on the clock.
    #[test]
    fn today_decides_of_warnings_alone() {
        let sent_on = |year: i16| {
            let two_digit_years = TwoDigitYears::from_year(1930);
            let rules = ValueRules {
                date_formats: vec![
                    DateFormat::new("%d.%m.%y", two_digit_years).expect("a good format"),
                ],
                today: Today::new(year, 6, 1).expect("a day"),
                ..ValueRules::default()
            };
            let mut builder = UpdateBuilder::new(&rules);
            builder.set_id(Some(Cell::Text("7".into())));
            builder.set(Field::DateOfBirth, Cell::Text("12.04.29".into()));
            let update = builder.finish().expect("a good row");
            let mut body = Vec::new();
            update.write_body(&mut body);
            let warnings: Vec<_> = update.notes().warnings.iter().collect();
            (String::from_utf8(body).expect("JSON is UTF-8"), warnings)
        };
        let body = r#"{"date_of_birth":"2029-04-12T00:00:00Z"}"#;
        assert_eq!(
            sent_on(2026),
            (body.to_owned(), vec![(Field::DateOfBirth, Warning::Future)])
        );
        assert_eq!(sent_on(2030), (body.to_owned(), Vec::new()));
    }
}
