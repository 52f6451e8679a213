//! Faults of a header's columns, with suggestions. The remedies are in `column_hints`.

use crate::contract::not_utf_8;

use crate::input::mapping::names::ColumnName;
use crate::nearest::did_you_mean;

/// A fault of a column. Columns are counted from 1, without those that custsync added. Names are
/// safe to show: they are in quotes, or say that they are not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnFault {
    /// The API has no such field.
    #[error(
        "column {column} {name} is not a field of the API{}",
        did_you_mean(*.nearest)
    )]
    Unknown {
        /// The column.
        column: usize,
        /// Its name.
        name: ColumnName,
        /// The field that was probably meant.
        nearest: Option<&'static str>,
    },
    /// Matches a known name apart from case, spaces, `_` and `-`.
    #[error("column {column} {name} is not a field of the API; did you mean `{like}`?")]
    SpeltLoosely {
        /// The column.
        column: usize,
        /// Its name.
        name: ColumnName,
        /// The known name.
        like: String,
    },
    /// The name loosely matches two names that fill different things.
    #[error(
        "column {column} {name} matches both `{one}` and `{other}` of --map and --ignore (spell it there exactly as in the header)"
    )]
    Ambiguous {
        /// The column.
        column: usize,
        /// Its name.
        name: ColumnName,
        /// One name.
        one: String,
        /// The other name.
        other: String,
    },
    /// The API's answers have such a field, but no request can set it.
    #[error("column {column} {name} cannot be set: the API only returns it")]
    ReadOnly {
        /// The column.
        column: usize,
        /// Its name.
        name: ColumnName,
    },
    /// Two columns fill one field.
    #[error("columns {first} and {second} both fill `{field}`")]
    Twice {
        /// The field's name.
        field: &'static str,
        /// One column.
        first: usize,
        /// The other column.
        second: usize,
    },
    /// A column and a constant fill one field.
    #[error("column {column} {name} and --set both fill `{field}`")]
    AlsoSet {
        /// The field's name.
        field: &'static str,
        /// The column.
        column: usize,
        /// Its name.
        name: ColumnName,
    },
    /// The name is not UTF-8.
    #[error("the name of column {column} {}; or save the file as UTF-8", not_utf_8(*.reads_as))]
    NotText {
        /// The column.
        column: usize,
        /// The encoding in which it is readable.
        reads_as: Option<&'static str>,
    },
    /// No column holds the customer's id.
    #[error("no column is named `id`, which every row needs (--map COLUMN=id maps another one)")]
    NoId,
    /// The only column does not hold the customer's id.
    #[error(
        "the only column is not `id`, which every row needs: is the delimiter right? (--delimiter C)"
    )]
    OneColumnWithoutId,
    /// `--map` names a column that does not exist.
    #[error("{place}: there is no column `{name}`{}", did_you_mean(.nearest.as_deref()))]
    MapOfNone {
        /// The place of the rule, safe to show.
        place: String,
        /// The name.
        name: String,
        /// The column that was probably meant.
        nearest: Option<String>,
    },
}
