//! The places of the user's rules for columns, as messages name them.

/// The places of rules: a flag, a variable, or a file of settings with the key. All are safe to
/// show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RulePlaces {
    /// The place of the columns that are mapped.
    pub(crate) map: String,
    /// The place of the columns that are left out.
    pub(crate) ignore: String,
    /// The place of the column of a time.
    pub(crate) since: String,
    /// The place of the names of all columns.
    pub(crate) columns: String,
    /// The file of settings that has the rules. A flag would replace all of its rules, so others
    /// are added in the file.
    pub(crate) file: Option<String>,
}

impl Default for RulePlaces {
    /// Returns the flags.
    fn default() -> RulePlaces {
        RulePlaces {
            map: "--map".to_owned(),
            ignore: "--ignore".to_owned(),
            since: "--unless-changed-since".to_owned(),
            columns: "--columns".to_owned(),
            file: None,
        }
    }
}
