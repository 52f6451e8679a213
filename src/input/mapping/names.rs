//! Column names and keys in messages. A column or key may have any name. In a file without a
//! header, or an object whose keys are its data, customers' values are in the place of names. Only
//! a text that looks like a name is shown.

use std::fmt;

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};

use crate::text::{is_unsafe, safe_name};

/// The longest text that can be a name, in characters.
const CHARACTERS_MAX: usize = 64;
/// The number of names of one header that look like values from which the header may be a
/// customer's row.
const VALUES_MIN: usize = 2;
/// The number of digits that make a text a number of something: a phone, a customer, a day.
const DIGITS_MIN: usize = 5;

/// Returns a name for a message that is known to be one, such as one that the user typed.
pub(crate) fn column_name(name: &str) -> String {
    safe_name(name)
}

/// The rule for showing the names of one header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShownNames {
    /// Each is shown if it looks like a name.
    ByLook,
    /// None is shown: the header may be a customer's row, and a person's name looks like any other.
    NoName,
}

impl ShownNames {
    /// Returns the rule for a header with these names. Names that the user has named are left out.
    pub(crate) fn of<'n>(names: impl Iterator<Item = &'n str>) -> ShownNames {
        let values = names.filter(|name| looks_like_a_value(name));
        if values.take(VALUES_MIN).count() == VALUES_MIN {
            ShownNames::NoName
        } else {
            ShownNames::ByLook
        }
    }

    /// Whether a name may be shown.
    pub(crate) fn shows(self, name: &str) -> bool {
        self == ShownNames::ByLook && looks_like_a_name(name)
    }

    /// Returns the name for a message.
    pub(crate) fn name(self, name: &str) -> ColumnName {
        ColumnName {
            name: name.to_owned(),
            shown: self,
        }
    }
}

/// The name of a column of a header. It is shown only if it looks like a name, and its header is no
/// customer's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnName {
    name: String,
    shown: ShownNames,
}

impl ColumnName {
    #[cfg(test)]
    pub(crate) fn new(name: &str) -> ColumnName {
        ShownNames::ByLook.name(name)
    }

    /// Returns the name if it may be shown and can be typed.
    pub(crate) fn word(&self) -> Option<&str> {
        let can_be_typed = self.shown.shows(&self.name) && !self.name.contains(is_unsafe);
        can_be_typed.then_some(&self.name)
    }
}

impl fmt::Display for ColumnName {
    /// Describes the column, in words that follow its number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.shown.shows(&self.name) {
            write!(f, "`{}`", safe_name(&self.name))
        } else if looks_like_a_name(&self.name) {
            f.write_str("(its name is not shown, because other names look like values)")
        } else {
            f.write_str("(its name looks like a value, so it is not shown)")
        }
    }
}

/// Describes the unknown key at this place of its object, from 1. Objects whose keys are their data
/// have values for keys, and a person's name looks like any other. So a key is shown only if it is
/// `near` a known name, or is written as programs write names and people do not.
pub(crate) fn unknown_key(name: &str, near: bool, place: usize) -> String {
    if is_shown_as_key(name, near) {
        format!("the key `{}`", safe_name(name))
    } else {
        format!("a key that is not shown because it may be a value (key {place})")
    }
}

/// Whether a key may be shown. It is `near` if a known name is like it.
pub(crate) fn is_shown_as_key(name: &str, near: bool) -> bool {
    (near && looks_like_a_name(name)) || is_identifier(name)
}

/// Whether a text is an ASCII word that begins with a lower-case letter, such as `costCentre` or
/// `cost_centre`.
fn is_identifier(text: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(is_inside)
        && !looks_like_a_value(text)
}

/// Whether a text looks like the name of a column or key: letters of any script, few digits, and
/// usual punctuation. Invisible characters are allowed, because they are shown escaped: a user can
/// find such a name only if it is shown.
pub(crate) fn looks_like_a_name(text: &str) -> bool {
    let is_of_names = |character: char| {
        character.is_alphanumeric()
            || is_mark(character)
            || is_unsafe(character)
            || "_-. ()[]/#&".contains(character)
    };
    !looks_like_a_value(text) && text.chars().all(is_of_names)
}

/// Whether a text is probably no name: it is long, has an at sign, begins as JSON does, or has many
/// digits, as days, phone numbers and ids have.
pub(crate) fn looks_like_a_value(text: &str) -> bool {
    let (mut characters, mut letters, mut digits) = (0, 0, 0);
    for character in text.chars() {
        characters += 1;
        if characters > CHARACTERS_MAX || matches!(character, '@' | '{') {
            return true;
        }
        letters += usize::from(character.is_alphabetic());
        digits += usize::from(character.is_numeric());
    }
    digits > letters || digits >= DIGITS_MIN
}

/// Whether a character combines with the letter before it, as the dots of `o\u{308}` do.
fn is_mark(character: char) -> bool {
    GeneralCategoryGroup::Mark.contains(CodePointMapData::<GeneralCategory>::new().get(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_values() {
        for name in [
            "id",
            "E-Mail",
            "first_name",
            "Gr\u{f6}\u{df}e",
            "Gro\u{308}\u{df}e",
            "\u{59d3}\u{540d}",
            "address.line 2",
            "Phone (home)",
            "Name/Vorname",
            "Kd.-Nr. #2",
            "x\u{1b}",
            "first\u{200b}_name",
            " job",
            "Name [de]",
            " ",
            "a1",
            "street 1234",
            &"x".repeat(64),
        ] {
            assert!(looks_like_a_name(name), "{name:?}");
        }
        for value in ["a, b", "https://example.com", "\"a\""] {
            assert!(
                !looks_like_a_name(value) && !looks_like_a_value(value),
                "{value:?}"
            );
        }
        for value in [
            "17",
            "2024",
            "jane.doe@example.com",
            "+41 79 123 45 67",
            "1985-04-12",
            "12 April 1985",
            "12/04/1985",
            "{\"id\":1",
            "CH93 0076 2011 6238 5295 7",
            "a12",
            "street 12345",
            "\u{661}\u{662}\u{663}",
            &"x".repeat(65),
        ] {
            assert!(
                !looks_like_a_name(value) && looks_like_a_value(value),
                "{value:?}"
            );
        }
    }

    #[test]
    fn a_value_is_not_shown_as_a_name() {
        let check = |name: &str, shown: &str, word: Option<&str>| {
            let column = ColumnName::new(name);
            assert_eq!((column.to_string().as_str(), column.word()), (shown, word));
        };
        check("E-Mail", "`E-Mail`", Some("E-Mail"));
        check("E\u{1b}-Mail", "`E\\u{1b}-Mail`", None);
        let not_shown = "(its name looks like a value, so it is not shown)";
        check("jane@example.com", not_shown, None);
    }

    #[test]
    fn an_unknown_key_is_shown_where_no_person_is_called_so() {
        let check = |name: &str, near: bool, is_shown: bool| {
            let shown = unknown_key(name, near, 3);
            let want = if is_shown {
                format!("the key `{name}`")
            } else {
                "a key that is not shown because it may be a value (key 3)".to_owned()
            };
            assert_eq!(shown, want);
        };
        for name in ["jbo", "costCentre", "cost_centre", "line2"] {
            check(name, false, true);
        }
        for name in ["First-Name", "E-Mail", "Vorname"] {
            check(name, true, true);
            check(name, false, false);
        }
        for name in [
            "Tilda Holm",
            "M\u{fc}ller",
            "Anna-Maria",
            "Quarry Lane 9",
            "jane doe",
            "id7781234",
            "",
        ] {
            check(name, false, false);
        }
        check("jane@example.com", true, false);
    }
}
