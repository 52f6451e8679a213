//! Column names that are matched loosely (`--loose-headers`). The headers of other programs differ
//! from the API's names mostly in case, spaces, underscores and hyphens.

use std::fmt;

use csv::ByteRecord;

use crate::contract::READ_ONLY;
use crate::text::{is_invisible, nfc};

use crate::input::mapping::columns::MappingRules;
use crate::input::mapping::names;
use crate::input::mapping::target::Target;

/// A column whose name was matched loosely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LooseColumn {
    /// The place in the header, from 0.
    pub index: usize,
    /// The column number, from 1, without the columns that custsync added.
    pub column: usize,
    /// The name in the header.
    pub name: String,
    /// The name that it matched.
    pub matched_name: String,
}

/// The result of matching a name loosely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LooseMatch<'r> {
    /// No known name matches.
    Nothing,
    /// This name matches, and fills this target.
    Named(&'r str, Target),
    /// The name of a field that no request can set matches.
    ReadOnly,
    /// Two names of `--map` and `--ignore` match that fill different things.
    Several(&'r str, &'r str),
}

impl MappingRules {
    /// Matches a name loosely. The user's names come before the API's.
    pub(crate) fn loose_match(&self, name: &str) -> LooseMatch<'_> {
        let folded = folded(name);
        if folded.is_empty() {
            return LooseMatch::Nothing;
        }
        let mut named = self
            .columns()
            .filter(|(name, _)| self::folded(name) == folded);
        if let Some((name, target)) = named.next() {
            return match named.find(|(_, other)| *other != target) {
                Some((other, _)) => LooseMatch::Several(name, other),
                None => LooseMatch::Named(name, target),
            };
        }
        let of_api = Target::api_names().find(|name| self::folded(name) == folded);
        match of_api.and_then(|name| Target::of_api_name(name).map(|target| (name, target))) {
            Some((name, target)) => LooseMatch::Named(name, target),
            None if READ_ONLY.iter().any(|name| self::folded(name) == folded) => {
                LooseMatch::ReadOnly
            }
            None => LooseMatch::Nothing,
        }
    }
}

/// Returns the name without the parts that may differ.
fn folded(name: &str) -> String {
    let counts = |character: &char| {
        !character.is_whitespace() && !matches!(character, '_' | '-') && !is_invisible(*character)
    };
    let seen: String = name
        .chars()
        .filter(counts)
        .flat_map(char::to_lowercase)
        .collect();
    nfc(&seen).into_owned()
}

impl fmt::Display for LooseColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, matched_name) = (
            names::column_name(&self.name),
            names::column_name(&self.matched_name),
        );
        write!(
            f,
            "column {} `{name}` is read as {matched_name}",
            self.column
        )
    }
}

/// Counts the names that match known ones loosely.
pub(crate) fn known_names(names: &ByteRecord, mapping: &MappingRules) -> usize {
    let is_known = |name: &&[u8]| {
        std::str::from_utf8(name).is_ok_and(|name| {
            mapping.target(name).is_ok() || mapping.loose_match(name) != LooseMatch::Nothing
        })
    };
    names.iter().filter(is_known).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Field;

    #[test]
    fn spelling_does_not_matter_and_letters_do() {
        let map = [
            ("E-Post", "email"),
            ("Kunden Nr", "id"),
            ("Gr\u{f6}sse", "address"),
            ("Job", "address"),
            ("JOB", "user_id"),
        ];
        let map = map.map(|(column, field)| (column.to_owned(), field.to_owned()));
        let rules = MappingRules::new(&map, &["Gender".to_owned()]).expect("good rules");
        let check =
            |name: &str, want: LooseMatch<'_>| assert_eq!(rules.loose_match(name), want, "{name}");
        for name in [
            "First Name",
            "first-name",
            "FIRSTNAME",
            " first__name\u{a0}",
        ] {
            check(
                name,
                LooseMatch::Named("first_name", Target::Field(Field::FirstName)),
            );
        }
        check("ID", LooseMatch::Named("id", Target::Id));
        check(
            "\u{feff}first\u{200b}_na\u{ad}me",
            LooseMatch::Named("first_name", Target::Field(Field::FirstName)),
        );
        check(
            "gro\u{308}sse",
            LooseMatch::Named("Gr\u{f6}sse", Target::Field(Field::Address)),
        );
        check(
            "e_post",
            LooseMatch::Named("E-Post", Target::Field(Field::Email)),
        );
        check("kundennr", LooseMatch::Named("Kunden Nr", Target::Id));
        check("GENDER", LooseMatch::Named("Gender", Target::Ignored));
        check("j_o_b", LooseMatch::Several("Job", "JOB"));
        check("Created At", LooseMatch::ReadOnly);
        for name in ["", " - ", "e.mail", "first name 2", "vorname"] {
            check(name, LooseMatch::Nothing);
        }
    }

    #[test]
    fn names_are_shown_safely() {
        let column = LooseColumn {
            index: 1,
            column: 2,
            name: "E\u{1b}-Mail".to_owned(),
            matched_name: "email".to_owned(),
        };
        assert_eq!(
            column.to_string(),
            "column 2 `E\\u{1b}-Mail` is read as email"
        );
    }
}
