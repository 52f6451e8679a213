//! A CSV header: which column fills which field. All faults are found at once.

use csv::ByteRecord;

use crate::nearest::nearest;
use crate::text::is_same_name;

use crate::input::bytes::decode::likely_encoding;
use crate::input::error::InputFault;
use crate::input::mapping::column_fault::ColumnFault;
use crate::input::mapping::columns::{HeaderNames, MappingRules, Unmapped, number_in_name};
use crate::input::mapping::constants::Constants;
use crate::input::mapping::loose_names::{LooseColumn, LooseMatch, known_names};
use crate::input::mapping::names::ShownNames;
use crate::input::mapping::target::Target;
use crate::input::mapping::{names, own_columns};

/// The number of lines below the first record that are searched for a header.
pub(crate) const LINES_MAX: usize = 20;
/// The largest number of columns. More mean a wrong delimiter or another kind of file.
const COLUMNS_MAX: usize = 1024;

/// The columns of a valid header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Columns {
    /// The names.
    pub(crate) names: Vec<String>,
    /// The columns that fill something, from 0.
    pub(crate) mapped: Vec<(usize, Target)>,
    /// The column of the customer's id, from 0.
    pub(crate) id: usize,
    /// The columns that were matched loosely.
    pub(crate) loose: Vec<LooseColumn>,
    /// The constants of every row.
    pub(crate) constants: Constants,
    /// The columns without a name, from 0. They must be empty, because their meaning is unknown.
    pub(crate) nameless: Vec<usize>,
    /// The columns that are left out by their numbers, from 0.
    pub(crate) numbered: Vec<usize>,
}

impl Columns {
    /// Whether there is a column of this name, or with the number in it. The `own_columns` at the
    /// start, which custsync added, have no numbers.
    pub(crate) fn may_have(&self, name: &str, own_columns: usize) -> bool {
        self.names.iter().any(|column| is_same_name(column, name))
            || self.loose.iter().any(|column| column.matched_name == name)
            || number_in_name(name).is_some_and(|number| number <= self.names.len() - own_columns)
    }

    /// Returns the target of each column.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let mut targets = vec![Target::Ignored; self.names.len()];
        for (column, target) in &self.mapped {
            *targets
                .get_mut(*column)
                .expect("a column that is mapped has a name") = *target;
        }
        targets
    }
}

/// Reads the header on `line`.
pub(crate) fn read(
    cells: &ByteRecord,
    line: u64,
    rules: &MappingRules,
) -> Result<Columns, InputFault> {
    let columns = cells.len() - own_columns::leading(cells.iter());
    if columns > COLUMNS_MAX {
        return Err(InputFault::TooManyColumns {
            line,
            columns,
            columns_max: COLUMNS_MAX,
        });
    }
    if is_row_of_values(cells, rules) {
        return Err(InputFault::NoHeader { line });
    }
    let rules_file = rules.places().file.clone();
    if known_names(cells, rules) == 0 {
        return Err(InputFault::NoneKnown {
            line,
            columns,
            likely: None,
            rules_file,
        });
    }
    let shown = shown_names(cells, rules);
    columns_of(cells, rules, shown).map_err(|columns| InputFault::Header {
        line,
        columns,
        rules_file,
    })
}

/// Returns the columns of an input without a header, which the user names.
pub(crate) fn named(names: &[String], rules: &MappingRules) -> Result<Columns, InputFault> {
    if names.is_empty() {
        return Err(InputFault::NoColumns);
    }
    let cells = ByteRecord::from(names.to_vec());
    columns_of(&cells, rules, ShownNames::ByLook).map_err(|columns| InputFault::Columns {
        place: rules.places().columns.clone(),
        columns,
        rules_file: rules.places().file.clone(),
    })
}

/// Returns the rule for showing the names of a header. Columns that the user names have a name.
fn shown_names(cells: &ByteRecord, rules: &MappingRules) -> ShownNames {
    let names = cells
        .iter()
        .filter_map(|cell| std::str::from_utf8(cell).ok());
    ShownNames::of(names.filter(|name| rules.named(name).is_none()))
}

/// Returns the columns of these names, or all faults, which name the columns as `shown` says.
fn columns_of(
    cells: &ByteRecord,
    rules: &MappingRules,
    shown: ShownNames,
) -> Result<Columns, Vec<ColumnFault>> {
    let mut faults = Vec::new();
    let names: Vec<_> = cells
        .iter()
        .map(|cell| String::from_utf8_lossy(cell).into_owned())
        .collect();
    let mut mapped: Vec<(usize, Target)> = Vec::new();
    let (mut loose_columns, mut nameless, mut numbered) = (Vec::new(), Vec::new(), Vec::new());
    let rules = &rules.for_names(&names);
    let own_columns = own_columns::leading(cells.iter());
    let number_of = |index: usize| own_columns::number_of_column(index, own_columns);
    for (index, (cell, name)) in cells.iter().zip(&names).enumerate() {
        if index >= own_columns && rules.leaves_out_number(number_of(index), &names) {
            numbered.push(index);
            continue;
        }
        if name.trim().is_empty() && rules.named(name).is_none() {
            nameless.push(index);
            continue;
        }
        let place = (index, number_of(index));
        match target(cell, place, (rules, shown), &mut loose_columns) {
            Ok(Target::Ignored) => {}
            Ok(Target::Field(field)) if rules.constants().has(field) => {
                let name = shown.name(name);
                faults.push(ColumnFault::AlsoSet {
                    field: field.name(),
                    column: number_of(index),
                    name,
                });
            }
            Ok(target) => match mapped.iter().find(|(_, other)| *other == target) {
                Some((first, _)) => {
                    let (first, second) = (number_of(*first), number_of(index));
                    faults.push(ColumnFault::Twice {
                        field: target.name(),
                        first,
                        second,
                    });
                }
                None => mapped.push((index, target)),
            },
            Err(fault) => faults.push(fault),
        }
    }
    faults.extend(maps_of_none(&names, &loose_columns, rules, shown));
    let id = mapped
        .iter()
        .find(|(_, target)| *target == Target::Id)
        .map(|(index, _)| *index);
    if id.is_none() {
        faults.push(if names.len() == 1 {
            ColumnFault::OneColumnWithoutId
        } else {
            ColumnFault::NoId
        });
    }
    match id {
        Some(id) if faults.is_empty() => {
            let constants = rules.constants().clone();
            Ok(Columns {
                names,
                mapped,
                id,
                loose: loose_columns,
                constants,
                nameless,
                numbered,
            })
        }
        _ => Err(faults),
    }
}

/// Returns the target of the column at this place, from 0, with this number.
fn target(
    cell: &[u8],
    (index, column): (usize, usize),
    (rules, shown): (&MappingRules, ShownNames),
    loose_columns: &mut Vec<LooseColumn>,
) -> Result<Target, ColumnFault> {
    let Ok(name) = std::str::from_utf8(cell) else {
        return Err(ColumnFault::NotText {
            column,
            reads_as: likely_encoding(cell),
        });
    };
    let shown = |name| shown.name(name);
    let nearest = match rules.target(name) {
        Ok(target) => return Ok(target),
        Err(Unmapped::ReadOnly) => {
            return Err(ColumnFault::ReadOnly {
                column,
                name: shown(name),
            });
        }
        Err(Unmapped::Unknown(nearest)) => nearest,
    };
    let fault = match (rules.header_names(), rules.loose_match(name)) {
        (HeaderNames::Loose, LooseMatch::Named(matched_name, target)) => {
            loose_columns.push(LooseColumn {
                index,
                column,
                name: name.to_owned(),
                matched_name: matched_name.to_owned(),
            });
            return Ok(target);
        }
        (HeaderNames::Loose, LooseMatch::ReadOnly) => ColumnFault::ReadOnly {
            column,
            name: shown(name),
        },
        (HeaderNames::Loose, LooseMatch::Several(one, other)) => ColumnFault::Ambiguous {
            column,
            name: shown(name),
            one: names::column_name(one),
            other: names::column_name(other),
        },
        (HeaderNames::Exact, LooseMatch::Named(like, _)) => ColumnFault::SpeltLoosely {
            column,
            name: shown(name),
            like: names::column_name(like),
        },
        (HeaderNames::Exact, LooseMatch::ReadOnly | LooseMatch::Several(..))
        | (_, LooseMatch::Nothing) => ColumnFault::Unknown {
            column,
            name: shown(name),
            nearest,
        },
    };
    Err(fault)
}

fn maps_of_none<'a>(
    names: &'a [String],
    loose_columns: &'a [LooseColumn],
    rules: &'a MappingRules,
    shown: ShownNames,
) -> impl Iterator<Item = ColumnFault> + 'a {
    let is_there = |map: &str| {
        names.iter().any(|name| is_same_name(name, map))
            || loose_columns.iter().any(|it| it.matched_name == map)
    };
    let maps = rules
        .columns()
        .filter(|(_, target)| *target != Target::Ignored);
    maps.filter(move |(map, _)| !is_there(map))
        .map(move |(map, target)| ColumnFault::MapOfNone {
            place: match target {
                Target::Since => rules.places().since.clone(),
                Target::Id | Target::Field(_) | Target::Ignored => rules.places().map.clone(),
            },
            name: names::column_name(map),
            nearest: nearest(
                map,
                names
                    .iter()
                    .map(String::as_str)
                    .filter(|name| shown.shows(name)),
            )
            .map(names::column_name),
        })
}

/// Whether the header is missing: no name is known, and a cell looks like a value.
fn is_row_of_values(cells: &ByteRecord, rules: &MappingRules) -> bool {
    let is_value = |cell: &[u8]| std::str::from_utf8(cell).is_ok_and(names::looks_like_a_value);
    cells.iter().any(is_value) && known_names(cells, rules) == 0
}

/// Returns the number of the row below the first that looks like a header.
pub(crate) fn row_below(
    rows: impl Iterator<Item = (u64, ByteRecord)>,
    mapping: &MappingRules,
) -> Option<u64> {
    rows.take(LINES_MAX)
        .find(|(_, names)| known_names(names, mapping) > 0)
        .map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Field;
    use crate::input::mapping::names::ColumnName;

    fn read_header(
        names: &[&str],
        map: &[(&str, &str)],
        ignore: &[&str],
    ) -> Result<Columns, InputFault> {
        let map: Vec<_> = map
            .iter()
            .map(|(column, field)| ((*column).to_owned(), (*field).to_owned()))
            .collect();
        let ignore: Vec<_> = ignore.iter().map(|column| (*column).to_owned()).collect();
        read(
            &ByteRecord::from(names.to_vec()),
            1,
            &MappingRules::new(&map, &ignore).expect("good rules"),
        )
    }

    #[test]
    fn columns_find_their_fields() {
        let columns = read_header(
            &["mail", "custsync_row", "id", "nickname", "job"],
            &[("mail", "email")],
            &["nickname", "elsewhere"],
        );
        let columns = columns.expect("a good header");
        let want = [
            (0, Target::Field(Field::Email)),
            (2, Target::Id),
            (4, Target::Field(Field::Job)),
        ];
        assert_eq!(
            (columns.mapped.as_slice(), columns.id),
            (want.as_slice(), 2)
        );
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let check = |names: &[&str], map: &[(&str, &str)], want: &[&str]| {
            let Err(InputFault::Header { columns, .. }) = read_header(names, map, &[]) else {
                panic!("{names:?} should be refused");
            };
            let found: Vec<_> = columns.iter().map(ToString::to_string).collect();
            assert_eq!(found, want, "{names:?}");
        };
        check(
            &[
                "Id",
                "emial",
                "x\u{1b}",
                "created_at",
                "job",
                "job",
                "email",
            ],
            &[("jbo", "address")],
            &[
                "column 1 `Id` is not a field of the API; did you mean `id`?",
                "column 2 `emial` is not a field of the API; did you mean `email`?",
                "column 3 `x\\u{1b}` is not a field of the API",
                "column 4 `created_at` cannot be set: the API only returns it",
                "columns 5 and 6 both fill `job`",
                "--map: there is no column `jbo`; did you mean `job`?",
                "no column is named `id`, which every row needs (--map COLUMN=id maps another one)",
            ],
        );
        check(
            &["id", "mail", "email"],
            &[("mail", "email")],
            &["columns 2 and 3 both fill `email`"],
        );
        let columns = read(
            &ByteRecord::from(vec![&b"id"[..], b"\xe9"]),
            1,
            &MappingRules::default(),
        );
        assert!(
            matches!(columns, Err(InputFault::Header { columns, .. }) if columns == [ColumnFault::NotText { column: 2, reads_as: None }])
        );
    }

    fn read_loosely(names: &[&str], map: &[(&str, &str)]) -> Result<Columns, Vec<String>> {
        let map: Vec<_> = map
            .iter()
            .map(|(column, field)| ((*column).to_owned(), (*field).to_owned()))
            .collect();
        let rules = MappingRules::new(&map, &["Notes".to_owned()]).expect("good rules");
        let rules = rules.with_header_names(HeaderNames::Loose);
        read(&ByteRecord::from(names.to_vec()), 1, &rules).map_err(|fault| match fault {
            InputFault::Header { columns, .. } => columns.iter().map(ToString::to_string).collect(),
            other => panic!("{other}"),
        })
    }

    #[test]
    fn names_may_be_spelt_loosely() {
        let map = [("E-Post", "email"), ("job", "address")];
        let columns = read_loosely(&["Job", "ID", "e post", "First-Name", "NOTES"], &map)
            .expect("a good header");
        let field = |column, field| (column, Target::Field(field));
        let want = [
            field(0, Field::Address),
            (1, Target::Id),
            field(2, Field::Email),
            field(3, Field::FirstName),
        ];
        assert_eq!(
            (columns.mapped.as_slice(), columns.id),
            (want.as_slice(), 1)
        );
        let taken: Vec<_> = columns
            .loose
            .iter()
            .map(|loose| (loose.column, loose.matched_name.as_str()))
            .collect();
        assert_eq!(
            taken,
            [
                (1, "job"),
                (2, "id"),
                (3, "E-Post"),
                (4, "first_name"),
                (5, "Notes")
            ]
        );
        let exact = read_loosely(&["id", "job", "E-Post"], &map).expect("a good header");
        assert_eq!(exact.loose, [], "an exact name is taken for itself");
        assert!(columns.may_have("E-Post", 0) && !columns.may_have("E-Mail", 0));
    }

    #[test]
    fn a_name_of_map_is_there_if_a_column_matches_it_loosely() {
        let map = [("E-Post", "email")];
        let columns = read_loosely(&["id", "e post"], &map).expect("a good header");
        assert_eq!(columns.mapped.len(), 2);
        let missing = "--map: there is no column `E-Post`";
        let faults = read_loosely(&["id", "First-Name"], &map).expect_err("a bad header");
        assert_eq!(faults, [missing]);
    }

    #[test]
    fn names_that_are_spelt_loosely_can_be_faulty() {
        let check = |names: &[&str], map: &[(&str, &str)], want: &[&str]| {
            assert_eq!(
                read_loosely(names, map).expect_err("a bad header"),
                want,
                "{names:?}"
            );
        };
        let twice = "columns 2 and 3 both fill `email`";
        check(&["id", "email", "E-Mail"], &[], &[twice]);
        check(&["id", "E-Mail", "email"], &[], &[twice]);
        check(
            &["id", "Created At", "MAIL"],
            &[("mail", "email"), ("Mail", "job")],
            &[
                "column 2 `Created At` cannot be set: the API only returns it",
                "column 3 `MAIL` matches both `mail` and `Mail` of --map and --ignore (spell it there exactly as in the header)",
                "--map: there is no column `mail`; did you mean `MAIL`?",
                "--map: there is no column `Mail`; did you mean `MAIL`?",
            ],
        );
    }

    #[test]
    fn a_column_and_a_constant_do_not_fill_one_field() {
        let mut constants = Constants::default();
        constants.add("job", "x".to_owned()).expect("a field");
        let rules = MappingRules::default().with_constants(constants);
        let read = |names: &[&str]| read(&ByteRecord::from(names.to_vec()), 1, &rules);
        let want = ColumnFault::AlsoSet {
            field: "job",
            column: 2,
            name: ColumnName::new("job"),
        };
        assert!(
            matches!(read(&["id", "job"]), Err(InputFault::Header { columns, .. }) if columns == [want])
        );
        assert_eq!(
            read(&["id"]).expect("a good header").mapped,
            [(0, Target::Id)]
        );
    }

    #[test]
    fn a_forgotten_header_shows_no_value() {
        let header = |names: &[&str]| read_header(names, &[], &[]).expect_err("no header");
        assert!(matches!(
            header(&["17", "Liu"]),
            InputFault::NoHeader { line: 1 }
        ));
        assert!(matches!(
            header(&["Liu", "liu@example.com"]),
            InputFault::NoHeader { line: 1 }
        ));
        assert!(matches!(
            header(&["Liu", "1985-04-12"]),
            InputFault::NoHeader { line: 1 }
        ));
        let names = ["id", "liu@example.com", "19850412", "Liu, 12", "Tilda"];
        let InputFault::Header { columns, .. } =
            read_header(&names, &[("lui@example.com", "job")], &[]).expect_err("bad")
        else {
            panic!("a header with a known name is one");
        };
        let shown: Vec<_> = columns.iter().map(ToString::to_string).collect();
        let shown = shown.join("\n");
        assert_eq!(
            shown
                .matches("(its name looks like a value, so it is not shown)")
                .count(),
            3,
            "{shown}"
        );
        assert!(
            !shown.contains("liu@") && !shown.contains("1985") && !shown.contains("Liu"),
            "{shown}"
        );
        assert!(
            !shown.contains("Tilda"),
            "two names look like values: {shown}"
        );
        let InputFault::Header { columns, .. } =
            read_header(&["id", "Tilda", "1985-04-12"], &[], &[]).expect_err("bad")
        else {
            panic!("a header with a known name is one");
        };
        assert!(columns.iter().any(|it| it.to_string().contains("`Tilda`")));
        assert!(matches!(
            header(&["nr", "name"]),
            InputFault::NoneKnown {
                line: 1,
                columns: 2,
                ..
            }
        ));
        assert!(matches!(header(&["nr", "Id"]), InputFault::Header { .. }));
        assert!(matches!(
            header(&["email", "2024"]),
            InputFault::Header { .. }
        ));
    }

    #[test]
    fn columns_are_limited() {
        let mut names = vec!["id"; 1025];
        assert!(matches!(
            read_header(&names, &[], &[]),
            Err(InputFault::TooManyColumns { columns: 1025, .. })
        ));
        names.pop();
        assert!(
            matches!(read_header(&names, &[], &[]), Err(InputFault::Header { columns, .. }) if columns.len() == 1023)
        );
        // custsync's own do not count.
        names.insert(0, "custsync_row");
        assert!(matches!(
            read_header(&names, &[], &[]),
            Err(InputFault::Header { .. })
        ));
        names.push("id");
        assert!(matches!(
            read_header(&names, &[], &[]),
            Err(InputFault::TooManyColumns { columns: 1025, .. })
        ));
    }

    #[test]
    fn a_column_may_be_named_by_its_number() {
        let columns = read_header(
            &["custsync_row", "id", "job", "nickname"],
            &[],
            &["nickname"],
        );
        let columns = columns.expect("a good header");
        for (name, want) in [
            ("job", true),
            ("jobs", false),
            ("column 1", true),
            ("column 3", true),
            ("column 4", false),
            ("column 0", false),
            ("column x", false),
        ] {
            assert_eq!(columns.may_have(name, 1), want, "{name}");
        }
    }

    #[test]
    fn the_first_column_may_be_left_out_by_its_number() {
        let left_out = |names: &[&str]| {
            let columns = read_header(names, &[], &["column 1"]);
            columns.expect("a good header").numbered
        };
        assert_eq!(left_out(&["", "id", "job"]), [0]);
        assert_eq!(left_out(&["custsync_row", "", "id", "job"]), [1]);
    }

    #[test]
    fn a_row_below_with_a_known_name_may_be_the_header() {
        let rows = |names: &[&[&str]]| {
            let rows = (5..).zip(names.iter().map(|names| ByteRecord::from(names.to_vec())));
            row_below(
                rows.collect::<Vec<_>>().into_iter(),
                &MappingRules::default(),
            )
        };
        assert_eq!(
            rows(&[&["a", "b"], &["job", "x"], &["id", "email"]]),
            Some(6)
        );
        assert_eq!(rows(&[&["a", "b"]]), None);
        let mut far = vec![&["a"][..]; LINES_MAX];
        far.push(&["id"]);
        assert_eq!(rows(&far), None);
        assert_eq!(
            rows(&far[1..]),
            Some(4 + u64::try_from(LINES_MAX).expect("few"))
        );
    }
}
