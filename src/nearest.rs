//! "Did you mean …": finds the known name that a mistyped one was probably meant to be.

use strsim::osa_distance;

/// The number of characters per mistake that a misspelling may have. With more mistakes, the guess
/// would puzzle more often than help.
const CHARACTERS_PER_MISTAKE: usize = 3;

/// Returns the candidate that `name` most likely misspells, or `None` if none comes close. Letter
/// case is ignored. Of equally near candidates the first one wins.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let name = name.to_lowercase();
    let name_characters = name.chars().count();
    let mistakes_max = (name_characters / CHARACTERS_PER_MISTAKE).max(1);
    // Each additional character is a mistake, so a name of a very different length is not compared:
    // it may be a megabyte long.
    let may_be_near =
        |candidate: &str| name_characters.abs_diff(candidate.chars().count()) <= mistakes_max;
    candidates
        .into_iter()
        .filter(|candidate| may_be_near(candidate))
        .map(|candidate| (osa_distance(&name, &candidate.to_lowercase()), candidate))
        .filter(|(mistakes, candidate)| {
            *mistakes <= mistakes_max && *mistakes < candidate.chars().count()
        })
        .min_by_key(|(mistakes, _)| *mistakes)
        .map(|(_, candidate)| candidate)
}

/// Returns the end of a message about an unknown name.
pub(crate) fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelling_finds_its_name_and_a_stranger_finds_none() {
        let names = ["rate", "max-rows", "max-errors", "email", "id"];
        let check =
            |name: &str, want: Option<&str>| assert_eq!(nearest(name, names), want, "{name}");
        for (name, want) in [
            ("rate", Some("rate")),
            ("raet", Some("rate")),
            ("rat", Some("rate")),
            ("Emial", Some("email")),
            ("EMAIL", Some("email")),
            ("maxrows", Some("max-rows")),
            ("max-eror", Some("max-errors")),
            ("ide", Some("id")),
            ("zzz", None),
            ("x", None),
            ("", None),
            ("quantity", None),
        ] {
            check(name, want);
        }
    }

    #[test]
    fn the_first_of_equally_near_names_wins() {
        assert_eq!(nearest("cat", ["bat", "hat"]), Some("bat"));
    }

    #[test]
    fn a_name_that_shares_nothing_is_not_near_for_being_short() {
        assert_eq!(nearest("b", ["a"]), None);
    }
}
