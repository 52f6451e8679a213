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
/// the user has named the columns.
pub(crate) fn hints(faults: &[ColumnFault], input: Option<&InputName>) -> Vec<String> {
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
    match input {
        Some(input) if unknown.len() > FLAGS_MAX => {
            let path = match input {
                InputName::Stdin => OsStr::new("-"),
                InputName::Path(path) => path.as_os_str(),
            };
            hints.push(format!(
                "to map or ignore all columns in a file of settings: custsync config init {}",
                shell_word(path)
            ));
        }
        Some(_) | None => {
            let maps: Vec<_> = unknown.iter().filter_map(UnknownColumn::map).collect();
            if !maps.is_empty() {
                hints.push(format!(
                    "to map {}: {}",
                    columns(maps.len()),
                    maps.join(" ")
                ));
            }
            let strange = unknown.iter().filter(|column| column.field.is_none());
            left_out.extend(strange.map(UnknownColumn::name));
        }
    }
    if !left_out.is_empty() {
        hints.push(format!(
            "to leave {} out: --ignore {}",
            columns(left_out.len()),
            shell_word(OsStr::new(&left_out.join(",")))
        ));
    }
    hints
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

    /// Returns the flag that maps it.
    fn map(&self) -> Option<String> {
        let word = self.word.as_deref()?;
        let field = self.field.as_deref().unwrap_or("FIELD");
        Some(format!(
            "--map {}",
            shell_word(OsStr::new(&format!("{word}={field}")))
        ))
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
        assert_eq!(hints(faults, Some(&input)), want, "{faults:?}");
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
            hints(&faults, None)
                .iter()
                .all(|hint| !hint.contains("config init")),
            "the user has named the columns"
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
