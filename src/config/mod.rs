//! Flags, environment, configuration file and defaults become checked settings: pure, so that every rule about who
//! beats whom is a table in a test.
//!
//! **A setting is defined once**, by the line in its group's `read` that names it, gives its default and parses it into
//! a field of the group. The line also says whether the setting belongs to the run, which is only continued with the same value,
//! or to the process. All else follows from the names that were read: which keys of the file and which variables
//! are known, what `custsync config` lists, which defaults the help shows. The compiler refuses a field that is not
//! read; a test compares the names with the flags.
//!
//! Adding a setting takes that field and line, and the flag with its help text in `args/flags.rs`.

mod conflicts;
pub mod duration;
pub mod error;
mod groups;
mod layer;
mod names;
pub mod provenance;
mod resolver;
mod setting;
mod settings;
mod tables;
#[cfg(test)]
mod tests;
mod url;
pub mod value;
mod verb;
mod words;

pub use self::groups::{api, input, login, output, sandbox, sending};
pub use self::layer::{ConfigFile, FlagValue};
pub(crate) use self::names::SANDBOX_PREFIX;
pub use self::setting::{BelongsTo, Holds};
pub use self::settings::{CliInput, Settings};
pub use self::verb::Verb;
