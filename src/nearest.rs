//! "Did you mean …": the known name that a mistyped one was probably meant to be.

/// A misspelling may differ from its name in one place for each so many characters. More than that, and the guess
/// would more often puzzle than help.
const CHARACTERS_PER_MISTAKE: usize = 3;

/// The candidate that `name` is most likely a misspelling of, or `None` where nothing comes close. Letter case is
/// ignored; of equally near candidates the first one wins.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = folded(name);
    let mistakes_max = (typed.len() / CHARACTERS_PER_MISTAKE).max(1);
    // Each character more is a mistake, so a name of another length need not be looked at: it may be a megabyte long.
    let may_be_near =
        |candidate: &str| typed.len().abs_diff(candidate.chars().count()) <= mistakes_max;
    candidates
        .into_iter()
        .filter(|candidate| may_be_near(candidate))
        .map(|candidate| (distance(&typed, &folded(candidate)), candidate))
        .filter(|(mistakes, candidate)| {
            *mistakes <= mistakes_max && *mistakes < candidate.chars().count()
        })
        .min_by_key(|(mistakes, _)| *mistakes)
        .map(|(_, candidate)| candidate)
}

fn folded(name: &str) -> Vec<char> {
    name.chars().flat_map(char::to_lowercase).collect()
}

/// How many characters must be inserted, removed, replaced or swapped with their neighbour to make `b` of `a`
/// (optimal string alignment: swaps are the commonest typing mistake, so they count once).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_previous: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    let mut a_before = None;
    for (i, a_char) in a.iter().enumerate() {
        let mut current = vec![i + 1];
        let mut b_before = None;
        for (j, b_char) in b.iter().enumerate() {
            let cell =
                |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
            let replaced = cell(&previous, j) + usize::from(a_char != b_char);
            let mut best = replaced
                .min(cell(&previous, j + 1) + 1)
                .min(cell(&current, j) + 1);
            if j > 0 && a_before == Some(b_char) && b_before == Some(a_char) {
                best = best.min(cell(&before_previous, j - 1) + 1);
            }
            current.push(best);
            b_before = Some(b_char);
        }
        a_before = Some(a_char);
        before_previous = std::mem::replace(&mut previous, current);
    }
    previous.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelling_finds_its_name_and_a_stranger_finds_none() {
        let names = ["rate", "max-rows", "max-errors", "email", "id"];
        let check =
            |typed: &str, want: Option<&str>| assert_eq!(nearest(typed, names), want, "{typed}");
        for (typed, want) in [
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
            check(typed, want);
        }
    }

    #[test]
    fn distance_counts_each_kind_of_mistake_once() {
        let check = |a: &str, b: &str, want: usize| {
            assert_eq!(distance(&folded(a), &folded(b)), want, "{a} {b}");
        };
        for (a, b, want) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "acb", 1),
            ("abc", "abx", 1),
            ("abc", "abcd", 1),
            ("abc", "bc", 1),
            ("kitten", "sitting", 3),
        ] {
            check(a, b, want);
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
