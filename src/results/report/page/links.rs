//! Links from the page to the files beside it.

use std::fmt::Write as _;

use crate::results::report::model::RunReport;

/// The files that the page can link to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// The page lies in the run directory, beside the failed rows.
    RunDirectory,
    /// The page lies elsewhere.
    None,
}

impl Links {
    /// Returns the links for the page of this run alone. A run of several directories has none:
    /// their files have the same names.
    pub(super) fn of(self, run: &RunReport) -> Links {
        match self {
            Links::RunDirectory if run.directories.len() <= 1 => Links::RunDirectory,
            Links::RunDirectory | Links::None => Links::None,
        }
    }
}

/// Returns the relative link to a file in the folder of the page. All characters are escaped that
/// could mean something else in a link (RFC 3986 §2.3), and `./` keeps a colon from being a scheme.
pub(super) fn link_to(name: &str) -> String {
    let mut link = String::from("./");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            link.push(char::from(byte));
        } else {
            write!(link, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stays_in_its_folder() {
        assert_eq!(link_to("failed.csv"), "./failed.csv");
        assert_eq!(link_to("javascript:a"), "./javascript%3Aa");
        assert_eq!(link_to("../é\"?#"), "./..%2F%C3%A9%22%3F%23");
    }
}
