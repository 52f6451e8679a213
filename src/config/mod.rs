//! Settings: flags, environment, configuration file and defaults, resolved and checked. The module
//! is pure, so that every rule of precedence is a table in a test.
//!
//! **A setting is defined once**, by the line in its group's `read` that names it, gives its
//! default and parses it into a field of the group. The line also says whether the setting belongs
//! to the run, which is continued only with the same value, or to the process. Everything else
//! follows from the names that were read: the keys of the file and the variables that are known,
//! the list of `custsync config`, and the defaults in the help. The compiler refuses a field that
//! is not read, and a test compares the names with the flags.
//!
//! A new setting takes that field and line in `groups/`, and a flag with its help in
//! `cli/args/flags.rs`. The words of a new choice go into `words.rs`. A new verb answers the
//! questions in `verb.rs`.

mod conflicts;
pub(crate) mod duration;
pub(crate) mod error;
mod groups;
mod hours;
mod layer;
mod names;
pub(crate) mod provenance;
pub(crate) mod publish_target;
mod resolver;
pub(crate) mod secret;
mod setting;
mod settings;
mod tables;
#[cfg(test)]
mod tests;
pub(crate) mod url;
pub(crate) mod value;
mod verb;
mod words;

pub(crate) use self::error::ConfigError;
pub(crate) use self::groups::{
    api, input, login, metrics, notices, output, publish, sending, sharing,
};
pub(crate) use self::layer::{ConfigFile, FlagValue};
pub(crate) use self::names::{
    FINISH_PREFIX, PLAN, SANDBOX_PREFIX, STATE, USUAL_FILE, on_finish_variable, secret_variables,
};
pub(crate) use self::setting::{BelongsTo, Holds};
pub(crate) use self::settings::CliInput;
pub use self::settings::Settings;
pub(crate) use self::verb::Verb;
