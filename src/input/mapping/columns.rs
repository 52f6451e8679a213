//! Which column or key fills which field: the API's own names, and what the user says beyond them.

use crate::contract::READ_ONLY;
use crate::nearest::nearest;
use crate::text::nfc;

use crate::input::bytes::failed_rows::is_own;
use crate::input::mapping::constants::Constants;
use crate::input::mapping::names;
use crate::input::mapping::target::{RuleError, Target, target_of};

/// Why a column or key fills nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unmapped {
    /// The API answers with such a field, but no request can set it.
    ReadOnly,
    /// The API has no such field; this one may have been meant.
    Unknown(Option<&'static str>),
}

/// What the user says of columns (`--map`, `--ignore`, `--loose-headers`), which wins over a column's own name, and of fields
/// that no column fills (`--set`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MappingRules {
    /// Columns by name, in NFC. Few, so that looking through all of them is quick.
    columns: Vec<(String, Target)>,
    /// Texts of `--ignore` with commas in them: the name of a column, or several names.
    joined: Vec<Joined>,
    header_names: HeaderNames,
    constants: Constants,
}

/// A text that is one name, or several with commas between them. Which it is, a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Joined {
    whole: String,
    /// The names, but for those that are also named alone.
    parts: Vec<String>,
}

impl MappingRules {
    /// `map` holds pairs of a column and the field (or `id`) that it fills, `ignore` columns that fill nothing: names, or names
    /// with commas between them, where no column is named so.
    pub fn new(map: &[(String, String)], ignore: &[String]) -> Result<MappingRules, RuleError> {
        let mut rules = MappingRules::default();
        for (column, field) in map {
            rules.add(column, target_of(field)?)?;
        }
        for column in ignore {
            rules.add(column, Target::Ignored)?;
            if column.contains(',') {
                let parts = column
                    .split(',')
                    .filter(|part| !part.is_empty() && !ignore.iter().any(|name| name == part));
                let parts: Vec<_> = parts.map(str::to_owned).collect();
                for part in &parts {
                    rules.add(part, Target::Ignored)?;
                }
                rules.joined.push(Joined {
                    whole: column.clone(),
                    parts,
                });
            }
        }
        Ok(rules)
    }

    /// The rules for a header with these names: where one of them has a comma and is left out, its parts are no names.
    pub(crate) fn for_names(&self, names: &[String]) -> MappingRules {
        let mut rules = self.clone();
        let (whole, apart): (Vec<_>, Vec<_>) = self
            .joined
            .iter()
            .partition(|joined| names.contains(&joined.whole));
        rules.columns.retain(|(column, target)| {
            let is_part = |joined: &&Joined| joined.parts.contains(column);
            *target != Target::Ignored || !whole.iter().any(is_part) || apart.iter().any(is_part)
        });
        rules
    }

    /// Whether the column of this number, from 1, is left out by it (`--ignore 'column 4'`): where none has that for a name.
    pub(crate) fn leaves_out_number(&self, number: usize, names: &[String]) -> bool {
        let column = format!("column {number}");
        self.named(&column) == Some(Target::Ignored) && !names.contains(&column)
    }

    /// The same, with a header's names spelt so.
    #[must_use]
    pub fn with_header_names(self, header_names: HeaderNames) -> MappingRules {
        MappingRules {
            header_names,
            ..self
        }
    }

    /// The same, with these fields filled in every row.
    #[must_use]
    pub fn with_constants(self, constants: Constants) -> MappingRules {
        MappingRules { constants, ..self }
    }

    /// What every row is given.
    pub(crate) fn constants(&self) -> &Constants {
        &self.constants
    }

    /// How a header has to spell its names.
    pub(crate) fn header_names(&self) -> HeaderNames {
        self.header_names
    }

    fn add(&mut self, column: &str, target: Target) -> Result<(), RuleError> {
        match self.named(column) {
            Some(same) if same == target => {}
            Some(_) => {
                return Err(RuleError::ColumnTwice {
                    column: names::column_name(column),
                });
            }
            None => self.columns.push((nfc(column).into_owned(), target)),
        }
        Ok(())
    }

    /// What the user says of a column.
    pub(crate) fn named(&self, column: &str) -> Option<Target> {
        let column = nfc(column);
        self.columns
            .iter()
            .find(|(name, _)| *name == column)
            .map(|&(_, target)| target)
    }

    /// All that the user says: columns and what they fill.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&str, Target)> {
        self.columns
            .iter()
            .map(|(name, target)| (name.as_str(), *target))
    }

    /// What a column or key fills.
    pub(crate) fn target(&self, name: &str) -> Result<Target, Unmapped> {
        if let Some(target) = self.named(name).or_else(|| Target::of_api_name(name)) {
            return Ok(target);
        }
        if is_own(name) {
            return Ok(Target::Ignored);
        }
        if READ_ONLY.contains(&name) {
            return Err(Unmapped::ReadOnly);
        }
        Err(Unmapped::Unknown(nearest(name, Target::api_names())))
    }

    /// Checks that each column of `--ignore` is in one of the inputs: if not, its name is probably mistyped. NDJSON has
    /// no header, so an NDJSON input may hold any of them.
    pub fn check_ignored(&self, is_there: impl Fn(&str) -> bool) -> Result<(), RuleError> {
        // Of a name with commas, and of the names that it would be apart, the one or the others have to be there.
        let is_other_reading = |name: &str| {
            self.joined.iter().any(|Joined { whole, parts }| {
                (whole == name && parts.iter().any(|part| is_there(part)))
                    || (is_there(whole) && parts.iter().any(|part| part == name))
            })
        };
        let ignored = self
            .columns()
            .filter(|(_, target)| *target == Target::Ignored)
            .map(|(name, _)| name);
        let absent: Vec<_> = ignored
            .filter(|name| !is_there(name) && !is_other_reading(name))
            .collect();
        match absent.first() {
            Some(column) => Err(RuleError::IgnoredNowhere {
                column: names::column_name(column),
            }),
            None => Ok(()),
        }
    }
}

/// The number in a name such as `column 4`.
pub(crate) fn number_in_name(name: &str) -> Option<usize> {
    name.strip_prefix("column ")?
        .parse()
        .ok()
        .filter(|number| *number > 0)
}

/// How exactly a header has to spell its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HeaderNames {
    /// To the letter.
    #[default]
    Exact,
    /// But for case, spaces, underscores, hyphens, and characters that nobody sees.
    Loose,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Field;

    fn rules(map: &[(&str, &str)], ignore: &[&str]) -> Result<MappingRules, RuleError> {
        let map: Vec<_> = map
            .iter()
            .map(|(column, field)| ((*column).to_owned(), (*field).to_owned()))
            .collect();
        let ignore: Vec<_> = ignore.iter().map(|column| (*column).to_owned()).collect();
        MappingRules::new(&map, &ignore)
    }

    #[test]
    fn the_user_s_word_wins_over_the_column_s_name() {
        let rules = rules(
            &[
                ("kunde", "id"),
                ("email", "job"),
                ("avatar_url", "address"),
                ("Gro\u{308}\u{df}e", "job"),
            ],
            &["gender", "x"],
        );
        let rules = rules.expect("good rules");
        let check = |name: &str, want: Result<Target, Unmapped>| {
            assert_eq!(rules.target(name), want, "{name}");
        };
        check("kunde", Ok(Target::Id));
        check("id", Ok(Target::Id));
        check("email", Ok(Target::Field(Field::Job)));
        check("avatar_url", Ok(Target::Field(Field::Address)));
        check("gender", Ok(Target::Ignored));
        check("x", Ok(Target::Ignored));
        check("Gr\u{f6}\u{df}e", Ok(Target::Field(Field::Job)));
        check("Gro\u{308}\u{df}e", Ok(Target::Field(Field::Job)));
        check("custsync", Ok(Target::Ignored));
        check("custsync_row", Ok(Target::Ignored));
        check("created_at", Err(Unmapped::ReadOnly));
        check("Email", Err(Unmapped::Unknown(Some("email"))));
        check("custsyncs", Err(Unmapped::Unknown(None)));
    }

    #[test]
    fn contradictions_and_unknown_fields_are_refused() {
        let check = |map: &[(&str, &str)], ignore: &[&str], want: Result<(), &str>| {
            let found = rules(map, ignore)
                .map(|_| ())
                .map_err(|error| error.to_string());
            assert_eq!(found, want.map_err(str::to_owned));
        };
        check(
            &[("a", "e_mail")],
            &[],
            Err("`e_mail` is no field of the API; did you mean `email`?"),
        );
        check(
            &[("a", "email"), ("a", "job")],
            &[],
            Err("column `a` stands more than once in --map and --ignore"),
        );
        check(
            &[("a", "email")],
            &["a"],
            Err("column `a` stands more than once in --map and --ignore"),
        );
        check(&[("a", "email"), ("a", "email")], &["b", "b"], Ok(()));
    }
}
