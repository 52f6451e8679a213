//! The ids of countries by name. A request names a country by its id, the API shows its name.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::str;

use memchr::memmem;

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

    /// Whether no name of the country with this id has been learned, and there is room for one.
    pub(crate) fn is_wanted(&self, id: i64) -> bool {
        self.learned.len() < PAIRS_MAX && self.names(id).next().is_none()
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

    /// The id of the country that the API showed this name for, if that was just one.
    pub(crate) fn learned_id(&self, name: &str) -> Option<i64> {
        *self.ids.get(name)?
    }

    /// Whether the country with this id has this name; `None` if that is not known. An id with a
    /// learned name has no other one.
    pub(crate) fn has_name(&self, id: i64, name: &str) -> Option<bool> {
        let mut names = self.names(id).peekable();
        if names.peek().is_some() {
            return Some(names.any(|learned| learned == name));
        }
        self.id(name).map(|other| other == id)
    }

    /// The learned names of the country with this id.
    fn names(&self, id: i64) -> impl Iterator<Item = &str> {
        self.learned
            .range((id, String::new())..)
            .take_while(move |(other, _)| *other == id)
            .map(|(_, name)| name.as_str())
    }
}

/// The id of the country that a request sets, by its body. A name is followed by its value without a
/// space ([`CustomerUpdate::write_body`](super::CustomerUpdate::write_body)), and a quote within a
/// text is escaped, so nothing else can look like it.
pub(crate) fn country_of_request(body: &[u8]) -> Option<i64> {
    const NAME: &[u8] = b"\"country_id\":";
    let value = body.get(memmem::find(body, NAME)? + NAME.len()..)?;
    let end = value.iter().position(|byte| matches!(byte, b',' | b'}'))?;
    str::from_utf8(value.get(..end)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Field, SentFields};

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
        assert_eq!(countries.learned_id("Suisse"), None, "the user's word");
        assert_eq!(countries.learned_id("Switzerland"), Some(4));
        assert_eq!(countries.id("Norway"), Some(2), "the API knows better");
        assert!(countries.learn(5, "Switzerland"));
        assert_eq!(countries.id("Switzerland"), None, "two countries");
        assert_eq!(countries.learned_id("Switzerland"), None, "two countries");
    }

    #[test]
    fn one_name_of_each_country_is_wanted() {
        let mut countries = Countries::of_words([("Norge".to_owned(), 2)]);
        assert!(countries.is_wanted(2), "the API may have another name");
        countries.learn(2, "Norway");
        assert!(!countries.is_wanted(2));
        assert!(countries.is_wanted(1) && countries.is_wanted(3));
        for id in 3.. {
            if !countries.learn(id, "Atlantis") {
                break;
            }
        }
        assert!(!countries.is_wanted(1), "there is no room");
    }

    #[test]
    fn a_request_tells_the_country_that_it_sets() {
        let check = |body: &str, want: Option<i64>| {
            assert_eq!(country_of_request(body.as_bytes()), want, "{body}");
            let sent = SentFields::of_request(body.as_bytes()).unwrap_or_default();
            let mut fields = sent.fields();
            let read = fields
                .find_map(|(field, value)| (field == Field::CountryId).then(|| value.as_integer()));
            assert_eq!(read.flatten(), want, "{body}");
        };
        check(r#"{"country_id":44}"#, Some(44));
        check(r#"{"gender":"male","country_id":-1,"job":"x"}"#, Some(-1));
        check(r#"{"country_id":null,"job":"x"}"#, None);
        check(r#"{"job":"x"}"#, None);
        check(r#"{"job":"\"country_id\":7"}"#, None);
        check(r#"{"job":"\\","country_id":8}"#, Some(8));
        check(r#"{"job":"\\\"country_id\":7,","country_id":9}"#, Some(9));
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
