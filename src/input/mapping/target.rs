//! The targets of columns and keys, and errors in the rules that name them.

use crate::contract::{FIELDS, Field};
use crate::nearest::{did_you_mean, nearest};

use crate::input::mapping::names;

/// The name of the column that holds the customer's id.
pub(crate) const ID: &str = "id";

/// The target of a column or key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// The customer's id.
    Id,
    /// A field of the request's body.
    Field(Field),
    /// The latest time at which others may have changed the customer (`--unless-changed-since`).
    Since,
    /// Nothing.
    Ignored,
}

impl Target {
    /// Returns the target of this exact name in the API.
    pub(crate) fn of_api_name(name: &str) -> Option<Target> {
        if name == ID {
            Some(Target::Id)
        } else {
            Field::from_name(name).map(Target::Field)
        }
    }

    /// Returns the names that a column can have without being mapped.
    pub(crate) fn api_names() -> impl Iterator<Item = &'static str> {
        std::iter::once(ID).chain(FIELDS.iter().map(|rule| rule.name))
    }

    /// Returns the target's name in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Target::Id => ID,
            Target::Field(field) => field.name(),
            Target::Since => "unless-changed-since",
            Target::Ignored => "ignored",
        }
    }
}

/// An invalid rule. It is the command's fault, whatever the input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The API has no such field.
    #[error("`{name}` is not a field of the API{}", did_you_mean(*.nearest))]
    UnknownField {
        /// The name, safe to show.
        name: String,
        /// The field that was probably meant.
        nearest: Option<&'static str>,
    },
    /// `id` cannot be empty, because every row needs it.
    #[error("an empty `id` is always an error")]
    EmptyId,
    /// `id` cannot be null.
    #[error("`id` cannot be null: every row needs it")]
    NullId,
    /// `id` cannot be the same in every row.
    #[error("`id` cannot be the same in every row")]
    ConstantId,
    /// `id` cannot have mapped values.
    #[error("`id` cannot have mapped values")]
    MappedId,
    /// A text is mapped to two values.
    #[error("`{text}` of {field} is mapped to two values")]
    ValueTwice {
        /// The field's name.
        field: &'static str,
        /// The text, safe to show.
        text: String,
    },
    /// A column is given two targets.
    #[error("column `{column}` is named more than once in --map and --ignore")]
    ColumnTwice {
        /// The column's name, safe to show.
        column: String,
    },
    /// The column of a time is given another target.
    #[error("column `{column}` is named in --unless-changed-since, and in --map or --ignore")]
    SinceTwice {
        /// The column's name, safe to show.
        column: String,
    },
    /// No input has the column.
    #[error("{place}: no input has a column `{column}`")]
    IgnoredNowhere {
        /// The place of the rule, safe to show.
        place: String,
        /// The column's name, safe to show.
        column: String,
    },
}

/// Returns the target that `name` means in an option.
pub(crate) fn target_of(name: &str) -> Result<Target, RuleError> {
    Target::of_api_name(name).ok_or_else(|| RuleError::UnknownField {
        name: names::column_name(name),
        nearest: nearest(name, Target::api_names()),
    })
}
