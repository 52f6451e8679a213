//! The mapping of columns and keys to fields: the API's own names, and the user's rules.

use crate::contract::READ_ONLY;
use crate::nearest::nearest;
use crate::text::nfc;

use crate::input::bytes::failed_rows::is_own;
use crate::input::mapping::constants::Constants;
use crate::input::mapping::names;
use crate::input::mapping::rule_places::RulePlaces;
use crate::input::mapping::target::{RuleError, Target, target_of};

/// The reason why a column or key fills nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unmapped {
    /// The API returns this field, but no request can set it.
    ReadOnly,
    /// The API has no such field. Holds the field that was probably meant.
    Unknown(Option<&'static str>),
}

/// The user's rules for columns (`--map`, `--ignore`, `--loose-headers`), which win over a column's
/// own name, and for fields that no column fills (`--set`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MappingRules {
    /// Columns by name, in NFC. They are few, so a linear search is fast.
    columns: Vec<(String, Target)>,
    /// Texts of `--ignore` with commas: one name, or several.
    joined: Vec<Joined>,
    header_names: HeaderNames,
    constants: Constants,
    places: RulePlaces,
}

/// A text that is one name, or several with commas between them. The header decides which.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Joined {
    whole: String,
    /// The names, without those that are also given alone.
    parts: Vec<String>,
}

impl MappingRules {
    /// Creates the rules. `map` holds pairs of a column and the field (or `id`) that it fills.
    /// `ignore` holds columns that fill nothing: a name, or names with commas between them if no
    /// column has that name.
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

    /// Returns the rules for a header with these names. If a name with commas is in the header and
    /// left out, its parts are not names.
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

    /// Whether a column is left out by its number, from 1 (`--ignore 'column 4'`). This applies
    /// only if no column has that name.
    pub(crate) fn leaves_out_number(&self, number: usize, names: &[String]) -> bool {
        let column = format!("column {number}");
        self.named(&column) == Some(Target::Ignored) && !names.contains(&column)
    }

    /// Returns the rules with this spelling of header names.
    #[must_use]
    pub fn with_header_names(self, header_names: HeaderNames) -> MappingRules {
        MappingRules {
            header_names,
            ..self
        }
    }

    /// Returns the rules in which this column holds the latest time at which others may have changed a
    /// row's customer.
    pub fn with_since(mut self, column: &str) -> Result<MappingRules, RuleError> {
        if self.named(column).is_some() {
            return Err(RuleError::SinceTwice {
                column: names::column_name(column),
            });
        }
        self.add(column, Target::Since)?;
        Ok(self)
    }

    /// Returns the rules with these constants.
    #[must_use]
    pub fn with_constants(self, constants: Constants) -> MappingRules {
        MappingRules { constants, ..self }
    }

    /// Returns the rules, which came from these places.
    #[must_use]
    pub(crate) fn with_places(self, places: RulePlaces) -> MappingRules {
        MappingRules { places, ..self }
    }

    /// Returns the places of the rules.
    pub(crate) fn places(&self) -> &RulePlaces {
        &self.places
    }

    /// Returns the constants of every row.
    pub(crate) fn constants(&self) -> &Constants {
        &self.constants
    }

    /// Returns how exactly a header has to spell its names.
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

    /// Returns the user's target for a column.
    pub(crate) fn named(&self, column: &str) -> Option<Target> {
        let column = nfc(column);
        self.columns
            .iter()
            .find(|(name, _)| *name == column)
            .map(|&(_, target)| target)
    }

    /// Returns all columns that the user names, with their targets.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&str, Target)> {
        self.columns
            .iter()
            .map(|(name, target)| (name.as_str(), *target))
    }

    /// Returns the target of a column or key.
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

    /// Checks that each column of `--ignore` is in one of the inputs; one that is not is probably
    /// misspelt. NDJSON has no header, so an NDJSON input may have any of them.
    pub fn check_ignored(&self, is_there: impl Fn(&str) -> bool) -> Result<(), RuleError> {
        // A text with commas is one name or several: it is enough that the inputs have one reading.
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
                place: self.places.ignore.clone(),
                column: names::column_name(column),
            }),
            None => Ok(()),
        }
    }
}

/// Returns the number in a name such as `column 4`.
pub(crate) fn number_in_name(name: &str) -> Option<usize> {
    name.strip_prefix("column ")?
        .parse()
        .ok()
        .filter(|number| *number > 0)
}

/// The spelling of a header's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HeaderNames {
    /// Exact.
    #[default]
    Exact,
    /// Apart from case, spaces, underscores, hyphens, and invisible characters.
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
            Err("`e_mail` is not a field of the API; did you mean `email`?"),
        );
        check(
            &[("a", "email"), ("a", "job")],
            &[],
            Err("column `a` is named more than once in --map and --ignore"),
        );
        check(
            &[("a", "email")],
            &["a"],
            Err("column `a` is named more than once in --map and --ignore"),
        );
        check(&[("a", "email"), ("a", "email")], &["b", "b"], Ok(()));
    }
}
