//! The place of an array within a JSON object (`--json-path`), and texts that do not have it.

use std::fmt;
use std::str::FromStr;

use crate::text::safe_name;

/// The names of the keys that lead to an array, from the outermost object on. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath(Vec<String>);

/// A text that names no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not names of keys with a dot between them, as in data or result.items")]
pub struct JsonPathError;

/// A text that does not have the array, or that is not JSON around it. The messages name only keys
/// of the path, which the user has typed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonPathFault {
    /// The text has only white space.
    #[error("is empty")]
    Empty,
    /// The text is an array.
    #[error("is a JSON array itself: read it without --json-path")]
    IsArray,
    /// The text begins as no object does.
    #[error("is not a JSON object, so there is no array at `{0}` in it (--json-path)")]
    NotAnObject(JsonPath),
    /// An object of the path lacks the next key.
    #[error("the JSON object that ends here has no key `{}` (--json-path)", safe_name(.0))]
    NoKey(String),
    /// A key of the path leads to no object.
    #[error("`{}` is not an object here, so that it has no keys (--json-path)", safe_name(.0))]
    NoInnerObject(String),
    /// The last key leads to no array.
    #[error("`{}` is not an array here (--json-path)", safe_name(.0))]
    NotAnArray(String),
    /// An object has a key of the path again.
    #[error(
        "the key `{}` is here for the second time, so that it is unknown which of them is meant (--json-path)",
        safe_name(.0)
    )]
    Twice(String),
    /// The text around the array is not JSON.
    #[error("is not JSON here, outside of the array at `{0}` (--json-path)")]
    Syntax(JsonPath),
    /// The text around the array is nested deeper than JSON readers go.
    #[error(
        "is JSON that is nested more than {depth_max} levels deep here, outside of the array at `{path}` (--json-path)"
    )]
    TooDeep {
        /// The path.
        path: JsonPath,
        /// The most levels.
        depth_max: usize,
    },
    /// The text ends before its object.
    #[error("the JSON object does not end: the input is cut off")]
    CutOff,
    /// Something follows the object.
    #[error("something follows the end of the JSON object: an input is one object (--json-path)")]
    Behind,
}

impl JsonPath {
    /// Returns the names.
    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }
}

impl FromStr for JsonPath {
    type Err = JsonPathError;

    fn from_str(text: &str) -> Result<JsonPath, JsonPathError> {
        let names: Vec<_> = text.split('.').map(str::to_owned).collect();
        if names.iter().any(String::is_empty) {
            return Err(JsonPathError);
        }
        Ok(JsonPath(names))
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&safe_name(&self.0.join(".")))
    }
}
