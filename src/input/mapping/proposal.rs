//! Proposes what each column or key of an input fills, for a file of settings that a person
//! completes. A wrong guess would write one field into another, so only names that differ in their
//! spelling are mapped, and everything that may be a field is left to the person.

use crate::input::bytes::failed_rows::is_own;
use crate::input::mapping::columns::{HeaderNames, MappingRules, Unmapped};
use crate::input::mapping::loose_names::LooseMatch;
use crate::input::mapping::names::{self, ShownNames};
use crate::input::mapping::target::Target;
use crate::text::is_same_name;

/// A column of a header, or a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedColumn {
    /// Its number, from 1, without the columns that custsync added.
    pub(crate) number: usize,
    pub(crate) name: String,
}

/// The kind of the names of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NamesOf {
    /// The columns of a header.
    Columns,
    /// The keys of JSON objects.
    Keys,
}

/// The proposal for a column or key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proposal {
    /// Nothing is needed: its name says what it fills, or the user has named it.
    Known,
    /// It fills this target: its name differs only as `--loose-headers` allows.
    Map(Target),
    /// It fills nothing.
    Ignore(IgnoreReason),
    /// A person has to decide. Holds the target that its name resembles.
    Undecided(Option<Target>),
    /// A person has to decide, and its name is not shown, or is that of an earlier column.
    UndecidedByNumber(NumberReason),
}

/// The reason why a column cannot be a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IgnoreReason {
    /// The API only returns it.
    ReadOnly,
    /// `--set` fills the field of its name.
    Set,
    /// Every field has a column already.
    NoFieldLeft,
}

/// The reason why a column is named by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberReason {
    /// Its name may be a customer's value.
    MayBeValue,
    /// An earlier column has the same name.
    SameName,
}

/// Returns the proposal for each column, in order.
pub(crate) fn proposals(
    columns: &[NamedColumn],
    names_of: NamesOf,
    rules: &MappingRules,
) -> Vec<Proposal> {
    let all: Vec<_> = columns.iter().map(|column| column.name.clone()).collect();
    let rules = &rules.for_names(&all);
    let constants = rules.constants().texts();
    let mut taken: Vec<Target> = constants.map(|(field, _)| Target::Field(field)).collect();
    taken.extend(rules.columns().map(|(_, target)| target));
    let mut proposals: Vec<Proposal> = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        let before = columns.get(..index).unwrap_or_default();
        let is_second = before
            .iter()
            .any(|earlier| is_same_name(&earlier.name, &column.name));
        let proposal = match names_of {
            NamesOf::Columns if rules.leaves_out_number(column.number, &all) => Proposal::Known,
            NamesOf::Columns | NamesOf::Keys => by_name(&column.name, names_of, rules),
        };
        let fills = matches!(proposal, Proposal::Known)
            && Target::of_api_name(&column.name).is_some()
            && rules.named(&column.name).is_none();
        proposals.push(match proposal {
            Proposal::Known if fills && is_second => {
                Proposal::UndecidedByNumber(NumberReason::SameName)
            }
            // One line of the file is for all columns of this name.
            Proposal::Undecided(_) if is_second => Proposal::Known,
            proposal => proposal,
        });
        if fills && !is_second {
            taken.extend(Target::of_api_name(&column.name));
        }
    }
    settle(&mut proposals, &mut taken);
    let shown = match names_of {
        NamesOf::Columns => {
            let unnamed = all.iter().filter(|name| rules.named(name).is_none());
            ShownNames::of(unnamed.map(String::as_str))
        }
        NamesOf::Keys => ShownNames::ByLook,
    };
    for (column, proposal) in columns.iter().zip(&mut proposals) {
        let near = matches!(proposal, Proposal::Map(_) | Proposal::Undecided(Some(_)));
        let is_shown = match names_of {
            // A name that is mapped is known, whatever the others are.
            NamesOf::Columns if matches!(proposal, Proposal::Map(_)) => true,
            NamesOf::Columns => shown.shows(&column.name),
            NamesOf::Keys => names::is_shown_as_key(&column.name, near),
        };
        let is_written = match proposal {
            Proposal::Map(_) | Proposal::Undecided(_) => true,
            Proposal::Ignore(why) => *why == IgnoreReason::NoFieldLeft,
            Proposal::Known | Proposal::UndecidedByNumber(_) => false,
        };
        if is_written && !is_shown {
            *proposal = Proposal::UndecidedByNumber(NumberReason::MayBeValue);
        }
    }
    proposals
}

/// Returns the proposal for a name, without regard to the other names.
fn by_name(name: &str, names_of: NamesOf, rules: &MappingRules) -> Proposal {
    if rules.named(name).is_some() || name.trim().is_empty() || is_own(name) {
        return Proposal::Known;
    }
    let nearest = match rules.target(name) {
        Ok(Target::Field(field)) if rules.constants().has(field) => {
            return Proposal::Ignore(IgnoreReason::Set);
        }
        Ok(_) => return Proposal::Known,
        Err(Unmapped::ReadOnly) => return Proposal::Ignore(IgnoreReason::ReadOnly),
        Err(Unmapped::Unknown(nearest)) => nearest,
    };
    match rules.loose_match(name) {
        LooseMatch::Named(..)
            if names_of == NamesOf::Columns && rules.header_names() == HeaderNames::Loose =>
        {
            Proposal::Known
        }
        LooseMatch::Named(_, Target::Ignored) | LooseMatch::Several(..) => {
            Proposal::Undecided(None)
        }
        LooseMatch::Named(_, target) => Proposal::Map(target),
        LooseMatch::ReadOnly => Proposal::Ignore(IgnoreReason::ReadOnly),
        // A similar name may mean another thing: `last_name_old` is not the last name.
        LooseMatch::Nothing => Proposal::Undecided(nearest.and_then(Target::of_api_name)),
    }
}

/// Keeps one column for each target, and leaves out what cannot be a field.
fn settle(proposals: &mut [Proposal], taken: &mut Vec<Target>) {
    let wanted: Vec<Target> = proposals
        .iter()
        .filter_map(|proposal| match proposal {
            Proposal::Map(target) => Some(*target),
            _ => None,
        })
        .collect();
    for proposal in &mut *proposals {
        let Proposal::Map(target) = *proposal else {
            continue;
        };
        let rivals = wanted.iter().filter(|other| **other == target).count();
        if rivals > 1 || taken.contains(&target) {
            *proposal = Proposal::Undecided(Some(target));
        }
    }
    taken.extend(wanted);
    let is_full = Target::api_names()
        .filter_map(Target::of_api_name)
        .all(|target| taken.contains(&target));
    if is_full {
        for proposal in proposals {
            if matches!(proposal, Proposal::Undecided(_)) {
                *proposal = Proposal::Ignore(IgnoreReason::NoFieldLeft);
            }
        }
    }
}

/// Whether the proposals leave the customer's id without a column.
pub(crate) fn lacks_id(
    columns: &[NamedColumn],
    proposals: &[Proposal],
    rules: &MappingRules,
) -> bool {
    let is_id = |(column, proposal): (&NamedColumn, &Proposal)| match proposal {
        Proposal::Map(target) => *target == Target::Id,
        Proposal::Known => {
            let exact = rules.target(&column.name) == Ok(Target::Id);
            exact
                || matches!(
                    rules.loose_match(&column.name),
                    LooseMatch::Named(_, Target::Id)
                )
        }
        Proposal::Ignore(_) | Proposal::Undecided(_) | Proposal::UndecidedByNumber(_) => false,
    };
    !columns.iter().zip(proposals).any(is_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{FIELDS, Field, READ_ONLY};
    use crate::input::mapping::constants::Constants;

    fn named(names: &[&str]) -> Vec<NamedColumn> {
        let columns = names.iter().zip(1..);
        columns
            .map(|(name, number)| NamedColumn {
                number,
                name: (*name).to_owned(),
            })
            .collect()
    }

    fn check(names: &[&str], rules: &MappingRules, names_of: NamesOf, want: &[Proposal]) {
        assert_eq!(proposals(&named(names), names_of, rules), want, "{names:?}");
    }

    const EMAIL: Target = Target::Field(Field::Email);
    const JOB: Target = Target::Field(Field::Job);
    const LAST_NAME: Target = Target::Field(Field::LastName);

    #[test]
    fn only_another_spelling_is_mapped() {
        let rules = MappingRules::default();
        check(
            &[
                "id",
                "E-Mail",
                "jbo",
                "last_name_old",
                "Mobile",
                "Created At",
                "custsync_row",
                "",
            ],
            &rules,
            NamesOf::Columns,
            &[
                Proposal::Known,
                Proposal::Map(EMAIL),
                Proposal::Undecided(Some(JOB)),
                Proposal::Undecided(Some(LAST_NAME)),
                Proposal::Undecided(None),
                Proposal::Ignore(IgnoreReason::ReadOnly),
                Proposal::Known,
                Proposal::Known,
            ],
        );
    }

    #[test]
    fn the_id_is_never_guessed_from_a_misspelling() {
        check(
            &["uid", "email"],
            &MappingRules::default(),
            NamesOf::Columns,
            &[Proposal::Undecided(Some(Target::Id)), Proposal::Known],
        );
        let columns = named(&["uid", "email"]);
        let rules = MappingRules::default();
        let found = proposals(&columns, NamesOf::Columns, &rules);
        assert!(lacks_id(&columns, &found, &rules));
        let columns = named(&["ID"]);
        let found = proposals(&columns, NamesOf::Columns, &rules);
        assert_eq!(found, [Proposal::Map(Target::Id)]);
        assert!(!lacks_id(&columns, &found, &rules));
    }

    #[test]
    fn a_field_with_two_columns_is_left_to_the_person() {
        let rules = MappingRules::default();
        let undecided = Proposal::Undecided(Some(EMAIL));
        check(
            &["id", "email", "E-Mail"],
            &rules,
            NamesOf::Columns,
            &[Proposal::Known, Proposal::Known, undecided],
        );
        check(
            &["E-Mail", "e mail", "emial"],
            &rules,
            NamesOf::Columns,
            &[undecided, undecided, undecided],
        );
        check(
            &["job", "job", "Notes", "Notes"],
            &rules,
            NamesOf::Columns,
            &[
                Proposal::Known,
                Proposal::UndecidedByNumber(NumberReason::SameName),
                Proposal::Undecided(None),
                Proposal::Known,
            ],
        );
    }

    #[test]
    fn a_column_is_ignored_only_if_it_cannot_be_a_field() {
        let names: Vec<_> = ["id", "Notes"]
            .into_iter()
            .chain(FIELDS.iter().map(|rule| rule.name))
            .collect();
        let found = |names: &[&str]| {
            proposals(&named(names), NamesOf::Columns, &MappingRules::default())[1]
        };
        assert_eq!(
            found(&names),
            Proposal::Ignore(IgnoreReason::NoFieldLeft),
            "every field has its column"
        );
        assert_eq!(found(&names[..names.len() - 1]), Proposal::Undecided(None));
        // A column that is ignored fills no field.
        let rules = MappingRules::new(&[], &["job".to_owned()]).expect("good rules");
        let found = proposals(&named(&names), NamesOf::Columns, &rules);
        assert_eq!(found[1], Proposal::Undecided(None));
        // A name that may be a value is not written, not even as one that is ignored.
        let mut names = names;
        names[1] = "jane@example.com";
        let found = proposals(&named(&names), NamesOf::Columns, &MappingRules::default());
        assert_eq!(
            found[1],
            Proposal::UndecidedByNumber(NumberReason::MayBeValue)
        );
    }

    #[test]
    fn columns_that_fill_nothing_may_have_the_same_name() {
        let rules = MappingRules::new(&[], &["job".to_owned()]).expect("good rules");
        check(
            &["id", "job", "job", "", ""],
            &rules,
            NamesOf::Columns,
            &[Proposal::Known; 5],
        );
    }

    #[test]
    fn loose_headers_need_no_proposal_and_keys_are_never_read_loosely() {
        let rules = MappingRules::default().with_header_names(HeaderNames::Loose);
        let names = ["id", "E-Mail"];
        let known = [Proposal::Known; 2];
        check(&names, &rules, NamesOf::Columns, &known);
        assert!(!lacks_id(&named(&["ID"]), &known[..1], &rules));
        let keys = [Proposal::Known, Proposal::Map(EMAIL)];
        check(&names, &rules, NamesOf::Keys, &keys);
        assert!(!lacks_id(&named(&names), &keys, &rules));
    }

    #[test]
    fn the_users_flags_are_kept() {
        let mut constants = Constants::default();
        constants.add("job", "Nurse".to_owned()).expect("a field");
        let map = [("Mail".to_owned(), "email".to_owned())];
        let rules = MappingRules::new(&map, &["Notes".to_owned(), "column 5".to_owned()]);
        let rules = rules.expect("good rules").with_constants(constants);
        check(
            &["Mail", "E-Mail", "Notes", "job", "Mobile"],
            &rules,
            NamesOf::Columns,
            &[
                Proposal::Known,
                Proposal::Undecided(Some(EMAIL)),
                Proposal::Known,
                Proposal::Ignore(IgnoreReason::Set),
                Proposal::Known,
            ],
        );
    }

    #[test]
    fn a_name_that_may_be_a_value_is_not_written() {
        let by_number = Proposal::UndecidedByNumber(NumberReason::MayBeValue);
        check(
            &["id", "jane@example.com", "Tilda Holm"],
            &MappingRules::default(),
            NamesOf::Columns,
            &[Proposal::Known, by_number, Proposal::Undecided(None)],
        );
        // With two values, the other names may be values too.
        check(
            &[
                "id",
                "jane@example.com",
                "1985-04-12",
                "Tilda Holm",
                "E-Mail",
            ],
            &MappingRules::default(),
            NamesOf::Columns,
            &[
                Proposal::Known,
                by_number,
                by_number,
                by_number,
                Proposal::Map(EMAIL),
            ],
        );
        // A key may be a person's name, if the keys of the objects are their data.
        check(
            &["id", "Tilda Holm", "E-Mail", "costCentre"],
            &MappingRules::default(),
            NamesOf::Keys,
            &[
                Proposal::Known,
                by_number,
                Proposal::Map(EMAIL),
                Proposal::Undecided(None),
            ],
        );
    }

    #[test]
    fn read_only_names_are_those_of_the_contract() {
        for name in READ_ONLY {
            check(
                &[name],
                &MappingRules::default(),
                NamesOf::Columns,
                &[Proposal::Ignore(IgnoreReason::ReadOnly)],
            );
        }
    }
}
