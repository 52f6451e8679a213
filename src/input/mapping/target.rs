//! What a column or key fills, and rules that name one which there is not.

use crate::contract::{FIELDS, Field};
use crate::nearest::nearest;

use crate::input::mapping::names;

/// The name of the column that holds the customer's id.
pub(crate) const ID: &str = "id";

/// What a column or key fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The customer's id.
    Id,
    /// A field of the request's body.
    Field(Field),
    /// Nothing.
    Ignored,
}

impl Target {
    /// The target of this exact name in the API.
    pub fn of_api_name(name: &str) -> Option<Target> {
        if name == ID {
            Some(Target::Id)
        } else {
            Field::from_name(name).map(Target::Field)
        }
    }

    /// The names that a column can have without being mapped.
    pub(crate) fn api_names() -> impl Iterator<Item = &'static str> {
        std::iter::once(ID).chain(FIELDS.iter().map(|rule| rule.name))
    }

    /// The target's name in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Target::Id => ID,
            Target::Field(field) => field.name(),
            Target::Ignored => "ignored",
        }
    }
}

/// A rule that cannot be: the fault of the command, whatever the input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A field that the API does not have.
    #[error("`{name}` is no field of the API{}", did_you_mean(*.nearest))]
    UnknownField {
        /// The name, safe to show.
        name: String,
        /// The field that may have been meant.
        nearest: Option<&'static str>,
    },
    /// The customer's id, which every row needs.
    #[error("an empty `id` is always an error")]
    EmptyId,
    /// The same, as what could be null.
    #[error("no text of `id` stands for null: every row needs it")]
    NullId,
    /// The same, given to every row.
    #[error("`id` is another one in each row")]
    ConstantId,
    /// The same, with values for its texts.
    #[error("`id` has no words that stand for others")]
    MappedId,
    /// A text with two meanings.
    #[error("`{text}` of {field} is given two values")]
    ValueTwice {
        /// The field's name.
        field: &'static str,
        /// The text, safe to show.
        text: String,
    },
    /// A column with two fates.
    #[error("column `{column}` stands more than once in --map and --ignore")]
    ColumnTwice {
        /// The column's name, safe to show.
        column: String,
    },
    /// A column that no input has.
    #[error("--ignore: no input has a column `{column}`")]
    IgnoredNowhere {
        /// The column's name, safe to show.
        column: String,
    },
}

/// The target that `name` means in an option.
pub(crate) fn target_of(name: &str) -> Result<Target, RuleError> {
    Target::of_api_name(name).ok_or_else(|| RuleError::UnknownField {
        name: names::column_name(name),
        nearest: nearest(name, Target::api_names()),
    })
}

/// The end of a sentence about an unknown name.
pub(crate) fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}
