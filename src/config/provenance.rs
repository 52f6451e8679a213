//! Where a setting's value came from: named in errors, and shown by `custsync config`.

use std::fmt;
use std::path::PathBuf;

use super::setting::BelongsTo;
use crate::text;

/// Who said so: the weakest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provenance {
    /// Nobody: the default holds.
    Default,
    /// The configuration file at this path.
    File(PathBuf),
    /// This environment variable.
    Environment(String),
    /// This flag, with its dashes.
    Flag(String),
}

impl Provenance {
    /// How an error message names the place of the setting `name`.
    pub fn place(&self, name: &str) -> String {
        match self {
            Self::Default => name.to_owned(),
            Self::File(path) => format!("{}: {name}", text::safe_path(path)),
            Self::Environment(variable) => variable.clone(),
            Self::Flag(flag) => flag.clone(),
        }
    }

    /// The provenance of one of these settings; the default where it is none of them.
    pub(super) fn among<'s>(settings: &'s [EffectiveSetting], name: &str) -> &'s Provenance {
        let setting = settings.iter().find(|setting| setting.name == name);
        setting.map_or(&Provenance::Default, |setting| &setting.provenance)
    }

    /// Higher beats lower.
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

/// One setting as it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveSetting {
    /// The long flag without its dashes, which is also the key in the file.
    pub name: &'static str,
    /// Whether a run is known by it.
    pub belongs_to: BelongsTo,
    /// The value as it was written.
    pub value: ShownValue,
    /// Who wrote it.
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
    /// There is one, and it is nobody's business.
    Secret,
}
