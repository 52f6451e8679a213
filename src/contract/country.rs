//! The ids of countries by name. A request names a country by its id, the API shows its name.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// The most pairs that are learned. There are about 200 countries, and some APIs show each in
/// several languages.
const PAIRS_MAX: usize = 1_000;

/// Pairs of a country's id and its name.
///
/// Learned pairs are the API's own. The user's words (`[values.country_id]`) may be other names of
/// a country, so they prove that a name belongs to an id, and never that it does not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Countries {
    learned: BTreeSet<(i64, String)>,
    /// The id of each learned name; none if two ids have it.
    ids: BTreeMap<String, Option<i64>>,
    words: BTreeMap<String, i64>,
}

impl Countries {
    /// Creates the pairs of the user's words, such as `Switzerland` for 4.
    pub(crate) fn of_words(words: impl IntoIterator<Item = (String, i64)>) -> Countries {
        Countries {
            words: words.into_iter().collect(),
            ..Countries::default()
        }
    }

    /// Learns a pair that the API showed. Returns whether it is new and there is room for it.
    pub(crate) fn learn(&mut self, id: i64, name: &str) -> bool {
        let pair = (id, name.to_owned());
        if self.learned.contains(&pair) || self.learned.len() >= PAIRS_MAX {
            return false;
        }
        match self.ids.entry(pair.1.clone()) {
            Entry::Vacant(vacant) => {
                vacant.insert(Some(id));
            }
            Entry::Occupied(mut other) => {
                other.insert(None);
            }
        }
        self.learned.insert(pair)
    }

    /// Learns pairs that were learned before.
    pub(crate) fn learn_all(&mut self, others: &Countries) {
        for (id, name) in &others.learned {
            self.learn(*id, name);
        }
    }

    /// Returns the id of the country with this name: the one that the API showed it for, or else
    /// the user's. `None` if it is not known, or two ids have the name.
    pub(crate) fn id(&self, name: &str) -> Option<i64> {
        match self.ids.get(name) {
            Some(id) => *id,
            None => self.words.get(name).copied(),
        }
    }

    /// Whether the country with this id has this name; `None` if that is not known. An id with a
    /// learned name has no other one.
    pub(crate) fn has_name(&self, id: i64, name: &str) -> Option<bool> {
        let mut names = self
            .learned
            .range((id, String::new())..)
            .take_while(|(other, _)| *other == id)
            .peekable();
        if names.peek().is_some() {
            return Some(names.any(|(_, learned)| learned == name));
        }
        self.id(name).map(|other| other == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_id_that_the_api_showed_it_for() {
        let mut countries =
            Countries::of_words([("Norway".to_owned(), 1), ("Suisse".to_owned(), 4)]);
        assert_eq!(countries.id("Suisse"), Some(4));
        assert_eq!(countries.id("Switzerland"), None);
        assert!(countries.learn(4, "Switzerland"));
        assert!(!countries.learn(4, "Switzerland"), "it is known");
        assert!(countries.learn(2, "Norway"));
        assert_eq!(countries.id("Switzerland"), Some(4));
        assert_eq!(countries.id("Suisse"), Some(4));
        assert_eq!(countries.id("Norway"), Some(2), "the API knows better");
        assert!(countries.learn(5, "Switzerland"));
        assert_eq!(countries.id("Switzerland"), None, "two countries");
    }

    #[test]
    fn an_id_has_the_names_that_are_known() {
        let mut countries =
            Countries::of_words([("Suisse".to_owned(), 4), ("Norge".to_owned(), 2)]);
        assert_eq!(countries.has_name(4, "Suisse"), Some(true));
        assert_eq!(countries.has_name(4, "Norge"), Some(false));
        assert_eq!(countries.has_name(4, "Switzerland"), None, "another word?");
        assert_eq!(countries.has_name(9, "Norway"), None);
        assert!(countries.learn(4, "Switzerland") && countries.learn(4, "Svizzera"));
        assert_eq!(countries.has_name(4, "Switzerland"), Some(true));
        assert_eq!(countries.has_name(4, "Svizzera"), Some(true));
        assert_eq!(
            countries.has_name(4, "Norway"),
            Some(false),
            "the API shows 4 otherwise"
        );
        assert_eq!(
            countries.has_name(9, "Switzerland"),
            Some(false),
            "it is the name of 4"
        );
        assert_eq!(countries.has_name(5, "Norway"), None);
    }

    #[test]
    fn no_more_is_learned_than_fits() {
        let mut countries = Countries::default();
        let learned = (0..2_000).filter(|id| countries.learn(*id, &format!("Country {id}")));
        assert_eq!(learned.count(), PAIRS_MAX);
        assert_eq!(countries.id("Country 999"), Some(999));
        assert_eq!(countries.id("Country 1000"), None);
    }

    #[test]
    fn what_was_learned_before_is_learned_at_once() {
        let mut before = Countries::of_words([("Suisse".to_owned(), 4)]);
        assert!(before.learn(2, "Norway") && before.learn(4, "Switzerland"));
        let mut countries = Countries::default();
        countries.learn_all(&before);
        assert_eq!(countries.id("Norway"), Some(2));
        assert_eq!(countries.id("Switzerland"), Some(4));
        assert_eq!(countries.id("Suisse"), None, "words are the user's");
    }
}
