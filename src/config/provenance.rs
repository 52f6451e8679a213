//! The provenance of a setting's value, for errors and for `custsync config`.

use std::fmt;
use std::path::PathBuf;

use super::setting::BelongsTo;
use crate::text;

/// The source of a value, the weakest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provenance {
    /// The default.
    Default,
    /// The configuration file at this path.
    File(PathBuf),
    /// This environment variable.
    Environment(String),
    /// This flag, with its dashes.
    Flag(String),
}

impl Provenance {
    /// Returns the place of the setting `name`, for an error message.
    pub fn place(&self, name: &str) -> String {
        match self {
            Self::Default => name.to_owned(),
            Self::File(path) => format!("{}: {name}", text::safe_path(path)),
            Self::Environment(variable) => variable.clone(),
            Self::Flag(flag) => flag.clone(),
        }
    }

    /// Returns the provenance of one of these settings, or the default if it is not among them.
    pub(super) fn among<'s>(settings: &'s [EffectiveSetting], name: &str) -> &'s Provenance {
        let setting = settings.iter().find(|setting| setting.name == name);
        setting.map_or(&Provenance::Default, |setting| &setting.provenance)
    }

    /// Returns the strength of the source: higher beats lower.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File(_) => 1,
            Self::Environment(_) => 2,
            Self::Flag(_) => 3,
        }
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File(path) => formatter.write_str(&text::safe_path(path)),
            Self::Environment(name) | Self::Flag(name) => formatter.write_str(name),
        }
    }
}

/// A setting with its effective value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveSetting {
    /// The long flag without its dashes, which is also the key in the file.
    pub name: &'static str,
    /// Whether the value belongs to the identity of a run.
    pub belongs_to: BelongsTo,
    /// The value as written.
    pub value: ShownValue,
    /// The source of the value.
    pub provenance: Provenance,
}

/// A setting's value for people to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShownValue {
    /// No value, and none is needed.
    Unset,
    /// One value.
    One(String),
    /// The values of a setting that can be repeated.
    Many(Vec<String>),
    /// A value that is not shown.
    Secret,
}

impl ShownValue {
    /// The text that replaces a secret.
    pub const SECRET: &str = "***";

    /// Returns the value in one line, and visible even if it is empty. A list is joined by commas.
    pub fn to_text(&self) -> String {
        match self {
            Self::Unset => "-".to_owned(),
            Self::One(text) => visible(text),
            Self::Many(items) if items.is_empty() => "-".to_owned(),
            Self::Many(items) => {
                let items: Vec<_> = items.iter().map(|item| visible(item)).collect();
                items.join(", ")
            }
            Self::Secret => Self::SECRET.to_owned(),
        }
    }
}

fn visible(text: &str) -> String {
    if text.is_empty() {
        "\"\"".to_owned()
    } else {
        text::safe(text)
    }
}
