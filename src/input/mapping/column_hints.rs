//! Remedies for the faults of a header: each is said once, below the faults, with the words to type.

use std::ffi::OsStr;

use crate::input::bytes::name::InputName;
use crate::input::mapping::column_fault::ColumnFault;
use crate::input::mapping::target::Target;
use crate::text::shell_word;

/// The number of unknown columns up to which each gets its flag. More are easier to decide in a
/// file of settings.
const FLAGS_MAX: usize = 3;

/// A column that fills nothing, with the field that was probably meant.
struct UnknownColumn {
    column: usize,
    /// The name, if it can be typed.
    word: Option<String>,
    field: Option<String>,
}

/// Returns the remedies, a line each. `input` is an input whose header has the faults; `None` if
/// the user has named the columns. `rules_file` is the file of settings that has the user's rules:
/// a flag would replace all of its rules, so they are added there.
pub(crate) fn hints(
    faults: &[ColumnFault],
    input: Option<&InputName>,
    rules_file: Option<&str>,
) -> Vec<String> {
    let unknown: Vec<_> = faults.iter().filter_map(UnknownColumn::of).collect();
    let mut left_out: Vec<_> = faults.iter().filter_map(to_leave_out).collect();
    let mut hints = Vec::new();
    let is_loose = |fault: &ColumnFault| matches!(fault, ColumnFault::SpeltLoosely { .. });
    if faults.iter().any(is_loose) {
        hints.push(
            "to accept names that differ only in case, spaces, `_` and `-`: --loose-headers"
                .to_owned(),
        );
    }
    match (input, rules_file) {
        (Some(input), None) if unknown.len() > FLAGS_MAX => {
            hints.push(hint_for_all(input, None));
        }
        (_, Some(file)) if unknown.len() > FLAGS_MAX => {
            hints.push(to_complete(&format!("the {} columns", unknown.len()), file));
        }
        _ => {
            hints.extend(to_map(&unknown, rules_file));
            let strange = unknown.iter().filter(|column| column.field.is_none());
            left_out.extend(strange.map(UnknownColumn::name));
        }
    }
    if !left_out.is_empty() {
        let what = columns(left_out.len());
        hints.push(match rules_file {
            None => format!(
                "to leave {what} out: --ignore {}",
                shell_word(OsStr::new(&left_out.join(",")))
            ),
            Some(file) => {
                let names: Vec<_> = left_out.iter().map(|name| format!("\"{name}\"")).collect();
                format!(
                    "to leave {what} out, add to `ignore` in {file}: {}",
                    names.join(", ")
                )
            }
        });
    }
    hints
}

/// Returns the remedy for an input whose columns are all unknown, or many of them.
pub(crate) fn hint_for_all(input: &InputName, rules_file: Option<&str>) -> String {
    if let Some(file) = rules_file {
        return to_complete("the columns", file);
    }
    format!(
        "to map or ignore all columns in a file of settings: custsync config init {}",
        shell_word(&input.shown_word())
    )
}

fn to_complete(columns: &str, file: &str) -> String {
    format!("to map or ignore {columns}: complete `[map]` and `ignore` in {file}")
}

/// Returns the remedy for columns that can be mapped: flags, or lines of the file of rules.
fn to_map(unknown: &[UnknownColumn], rules_file: Option<&str>) -> Option<String> {
    let pairs: Vec<_> = unknown.iter().filter_map(UnknownColumn::pair).collect();
    if pairs.is_empty() {
        return None;
    }
    let what = columns(pairs.len());
    Some(match rules_file {
        None => {
            let flag = |(word, field): &(&str, &str)| {
                let pair = format!("{word}={field}");
                format!("--map {}", shell_word(OsStr::new(&pair)))
            };
            let flags: Vec<_> = pairs.iter().map(flag).collect();
            format!("to map {what}: {}", flags.join(" "))
        }
        Some(file) => {
            let line = |(word, field): &(&str, &str)| format!("\n  \"{word}\" = \"{field}\"");
            let lines: String = pairs.iter().map(line).collect();
            format!("to map {what}, write below `[map]` in {file}:{lines}")
        }
    })
}

fn columns(count: usize) -> &'static str {
    if count == 1 { "the column" } else { "columns" }
}

/// Returns the name of a column that has to be left out, if nothing else can be done about it.
fn to_leave_out(fault: &ColumnFault) -> Option<String> {
    match fault {
        ColumnFault::ReadOnly { column, name } | ColumnFault::AlsoSet { column, name, .. } => Some(
            name.word()
                .map_or_else(|| by_number(*column), str::to_owned),
        ),
        ColumnFault::Twice { second, .. } => Some(by_number(*second)),
        ColumnFault::Unknown { .. }
        | ColumnFault::SpeltLoosely { .. }
        | ColumnFault::Ambiguous { .. }
        | ColumnFault::NotText { .. }
        | ColumnFault::NoId
        | ColumnFault::OneColumnWithoutId
        | ColumnFault::MapOfNone { .. } => None,
    }
}

fn by_number(column: usize) -> String {
    format!("column {column}")
}

impl UnknownColumn {
    fn of(fault: &ColumnFault) -> Option<UnknownColumn> {
        let (column, name, field) = match fault {
            ColumnFault::Unknown {
                column,
                name,
                nearest,
            } => (column, name, *nearest),
            ColumnFault::SpeltLoosely { column, name, like } => {
                // A name of the user's own rules is no field: only --loose-headers helps.
                let field = Target::api_names().find(|field| field == like)?;
                (column, name, Some(field))
            }
            ColumnFault::Ambiguous { .. }
            | ColumnFault::ReadOnly { .. }
            | ColumnFault::Twice { .. }
            | ColumnFault::AlsoSet { .. }
            | ColumnFault::NotText { .. }
            | ColumnFault::NoId
            | ColumnFault::OneColumnWithoutId
            | ColumnFault::MapOfNone { .. } => return None,
        };
        Some(UnknownColumn {
            column: *column,
            word: name.word().map(str::to_owned),
            field: field.map(str::to_owned),
        })
    }

    /// Returns its name and the field that it is mapped to. A name that is shown has no quotes.
    fn pair(&self) -> Option<(&str, &str)> {
        let word = self.word.as_deref()?;
        Some((word, self.field.as_deref().unwrap_or("FIELD")))
    }

    fn name(&self) -> String {
        self.word.clone().unwrap_or_else(|| by_number(self.column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::mapping::names::ColumnName;

    fn unknown(column: usize, name: &str, nearest: Option<&'static str>) -> ColumnFault {
        ColumnFault::Unknown {
            column,
            name: ColumnName::new(name),
            nearest,
        }
    }

    fn check(faults: &[ColumnFault], file: &str, want: &[&str]) {
        let input = InputName::from_argument(file.into());
        assert_eq!(hints(faults, Some(&input), None), want, "{faults:?}");
    }

    #[test]
    fn a_few_columns_get_flags_to_paste() {
        check(
            &[
                unknown(2, "emial", Some("email")),
                unknown(3, "Shop's notes", None),
                unknown(4, "jane@example.com", None),
                ColumnFault::NoId,
            ],
            "a.csv",
            &[
                "to map the column: --map emial=email",
                "to leave columns out: --ignore 'column 3,column 4'",
            ],
        );
        check(
            &[unknown(3, "Notes (de)", None)],
            "a.csv",
            &[
                "to map the column: --map 'Notes (de)=FIELD'",
                "to leave the column out: --ignore 'Notes (de)'",
            ],
        );
    }

    #[test]
    fn many_columns_get_a_file_of_settings() {
        let mut faults: Vec<_> = (1..=4).map(|column| unknown(column, "x", None)).collect();
        faults.push(ColumnFault::SpeltLoosely {
            column: 5,
            name: ColumnName::new("E-Mail"),
            like: "email".to_owned(),
        });
        faults.push(ColumnFault::ReadOnly {
            column: 6,
            name: ColumnName::new("created_at"),
        });
        faults.push(ColumnFault::Twice {
            field: "job",
            first: 7,
            second: 8,
        });
        check(
            &faults,
            "my export.csv",
            &[
                "to accept names that differ only in case, spaces, `_` and `-`: --loose-headers",
                "to map or ignore all columns in a file of settings: custsync config init 'my export.csv'",
                "to leave columns out: --ignore 'created_at,column 8'",
            ],
        );
        assert!(
            hints(&faults, None, None)
                .iter()
                .all(|hint| !hint.contains("config init")),
            "the user has named the columns"
        );
    }

    #[test]
    fn a_file_with_rules_is_the_place_for_more() {
        let check = |count: usize, want: &[&str]| {
            let mut faults: Vec<_> = (1..=count)
                .map(|column| unknown(column, "x", None))
                .collect();
            faults.push(ColumnFault::ReadOnly {
                column: 9,
                name: ColumnName::new("created_at"),
            });
            let input = InputName::from_argument("a.csv".into());
            assert_eq!(hints(&faults, Some(&input), Some("n.toml")), want);
        };
        check(
            1,
            &[
                "to map the column, write below `[map]` in n.toml:\n  \"x\" = \"FIELD\"",
                "to leave columns out, add to `ignore` in n.toml: \"created_at\", \"x\"",
            ],
        );
        check(
            4,
            &[
                "to map or ignore the 4 columns: complete `[map]` and `ignore` in n.toml",
                "to leave the column out, add to `ignore` in n.toml: \"created_at\"",
            ],
        );
    }

    #[test]
    fn another_spelling_of_a_name_of_the_user_is_no_field() {
        check(
            &[ColumnFault::SpeltLoosely {
                column: 1,
                name: ColumnName::new("Customer-ID"),
                like: "customer id".to_owned(),
            }],
            "a.csv",
            &["to accept names that differ only in case, spaces, `_` and `-`: --loose-headers"],
        );
    }
}
