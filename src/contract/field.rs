//! The API's fields as one table.

use std::fmt;
use std::fmt::Write as _;

/// One field of the request body, in the order of the API's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// `first_name`
    FirstName,
    /// `last_name`
    LastName,
    /// `phone_number`
    PhoneNumber,
    /// `email`
    Email,
    /// `date_of_birth`
    DateOfBirth,
    /// `gender`
    Gender,
    /// `country_id`
    CountryId,
    /// `identity_number`
    IdentityNumber,
    /// `job`
    Job,
    /// `address`
    Address,
    /// `default_channel_id`
    DefaultChannelId,
    /// `user_id`
    UserId,
}

/// The kind of a field's values. Lengths are in Unicode characters, as JSON Schema counts them
/// (`maxLength`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// Text, with a limit if the API names one.
    Text {
        /// The most characters allowed.
        characters_max: Option<usize>,
    },
    /// An e-mail address (RFC 5321 mailbox).
    Email {
        /// The most characters allowed.
        characters_max: usize,
    },
    /// A point in time (RFC 3339 date-time).
    DateTime,
    /// One of a few words.
    OneOf(&'static [&'static str]),
    /// A whole number of 64 bits.
    Integer,
}

/// Whether the API accepts `null` for a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullRule {
    /// `null` clears the field.
    Allowed,
    /// `null` is refused, and so is the empty text that the API turns into it.
    Refused,
}

/// The contract of one field.
#[derive(Debug, Clone, Copy)]
pub struct FieldRule {
    /// The field.
    pub field: Field,
    /// Its name in the request body.
    pub name: &'static str,
    /// The kind of its values.
    pub kind: FieldKind,
    /// Whether it may be `null`.
    pub null: NullRule,
}

const fn rule(field: Field, name: &'static str, kind: FieldKind, null: NullRule) -> FieldRule {
    FieldRule {
        field,
        name,
        kind,
        null,
    }
}

const fn text(characters_max: usize) -> FieldKind {
    FieldKind::Text {
        characters_max: Some(characters_max),
    }
}

/// The fields of `PUT /v1/customers/{id}`, in the order of the enum.
pub static FIELDS: [FieldRule; 12] = [
    rule(Field::FirstName, "first_name", text(255), NullRule::Refused),
    rule(Field::LastName, "last_name", text(255), NullRule::Refused),
    rule(
        Field::PhoneNumber,
        "phone_number",
        text(20),
        NullRule::Refused,
    ),
    rule(
        Field::Email,
        "email",
        FieldKind::Email {
            characters_max: 255,
        },
        NullRule::Allowed,
    ),
    rule(
        Field::DateOfBirth,
        "date_of_birth",
        FieldKind::DateTime,
        NullRule::Allowed,
    ),
    rule(
        Field::Gender,
        "gender",
        FieldKind::OneOf(&["male", "female", "other"]),
        NullRule::Allowed,
    ),
    rule(
        Field::CountryId,
        "country_id",
        FieldKind::Integer,
        NullRule::Allowed,
    ),
    rule(
        Field::IdentityNumber,
        "identity_number",
        FieldKind::Text {
            characters_max: None,
        },
        NullRule::Allowed,
    ),
    rule(Field::Job, "job", text(255), NullRule::Allowed),
    rule(Field::Address, "address", text(1000), NullRule::Allowed),
    rule(
        Field::DefaultChannelId,
        "default_channel_id",
        FieldKind::Integer,
        NullRule::Allowed,
    ),
    rule(
        Field::UserId,
        "user_id",
        FieldKind::Integer,
        NullRule::Allowed,
    ),
];

/// Fields of the API's answers that no request can set. A column with such a name is reported as
/// read-only.
pub(crate) const READ_ONLY: [&str; 6] = [
    "country_name",
    "avatar_url",
    "related_user",
    "created_at",
    "updated_at",
    "deleted_at",
];

impl Field {
    /// The field's index in [`FIELDS`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// The field's contract.
    pub fn rule(self) -> &'static FieldRule {
        FIELDS
            .get(self.index())
            .expect("the table has a line for each field")
    }

    /// The field's name in the request body.
    pub fn name(self) -> &'static str {
        self.rule().name
    }

    /// Whether its text may have line breaks.
    pub fn takes_line_breaks(self) -> bool {
        matches!(self, Field::Address | Field::Job)
    }

    /// Returns the field with this exact name.
    pub fn from_name(name: &str) -> Option<Field> {
        FIELDS
            .iter()
            .find(|rule| rule.name == name)
            .map(|rule| rule.field)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for FieldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldKind::Text {
                characters_max: Some(max),
            } => write!(f, "text, at most {max} characters"),
            FieldKind::Text {
                characters_max: None,
            } => f.write_str("text"),
            FieldKind::Email { characters_max } => {
                write!(f, "e-mail address, at most {characters_max} characters")
            }
            FieldKind::DateTime => f.write_str("date-time (RFC 3339) or YYYY-MM-DD"),
            FieldKind::OneOf(words) => f.write_str(&words.join(", ")),
            FieldKind::Integer => f.write_str("whole number"),
        }
    }
}

/// Formats the contract as aligned lines for `--help`.
pub(crate) fn field_table() -> String {
    let mut table =
        String::from("  id                  whole number from 1; required, names the customer\n");
    for rule in &FIELDS {
        let null = match rule.null {
            NullRule::Allowed => ", or null",
            NullRule::Refused => "",
        };
        writeln!(table, "  {:<19} {}{null}", rule.name, rule.kind)
            .expect("writing to a String cannot fail");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_follows_the_order_of_the_enum() {
        for (index, rule) in FIELDS.iter().enumerate() {
            assert_eq!(rule.field.index(), index, "{}", rule.name);
            assert_eq!(Field::from_name(rule.name), Some(rule.field));
        }
        assert_eq!(Field::from_name("First_Name"), None);
    }

    #[test]
    fn the_help_names_every_field_once() {
        let table = field_table();
        for rule in &FIELDS {
            assert_eq!(
                table
                    .lines()
                    .filter(|line| line.trim_start().starts_with(rule.name))
                    .count(),
                1,
                "{}",
                rule.name
            );
        }
    }
}
