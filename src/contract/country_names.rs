//! The names of countries. Requests name a country by id, and answers by name, so the two are
//! compared by the texts that the user maps to ids and by what earlier answers showed.

use std::collections::BTreeMap;

use super::Field;
use super::compare::ValueComparison;
use super::compare_echo::hash_of_name;
use super::echo::{Echo, NamedCountry};

/// The most names that are learned from answers. There are fewer countries.
const LEARNED_MAX: usize = 1000;

/// The names of countries, as hashes.
#[derive(Debug, Clone, Default)]
pub(crate) struct CountryNames {
    /// The ids that the user's texts stand for.
    ids_by_text: BTreeMap<u64, Vec<i64>>,
    /// The first name that an answer showed for an id.
    learned: BTreeMap<i64, u64>,
}

impl CountryNames {
    /// Creates the names from texts with the ids that they stand for. A value that is no id is left
    /// out.
    pub(crate) fn of_texts<'a>(
        texts: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> CountryNames {
        let mut names = CountryNames::default();
        for (text, id) in texts {
            if let Ok(id) = id.trim().parse() {
                let ids = names.ids_by_text.entry(hash_of_name(text)).or_default();
                ids.push(id);
            }
        }
        names
    }

    /// Completes an echo with its country, and learns the name if it is the first for the id.
    pub(crate) fn complete(&mut self, echo: &mut Echo) {
        if let Some(country) = echo.country.take() {
            echo.add(Field::CountryId, self.compare(country));
        }
    }

    /// Compares a name that was shown with the id that was sent. A name that the user maps to an id
    /// needs nothing learned.
    fn compare(&mut self, country: NamedCountry) -> ValueComparison {
        let NamedCountry { id, name } = country;
        let is_same = match (self.ids_by_text.get(&name), self.learned.get(&id)) {
            (Some(ids), _) => ids.contains(&id),
            (None, Some(learned)) => *learned == name,
            (None, None) => {
                if self.learned.len() < LEARNED_MAX {
                    self.learned.insert(id, name);
                }
                return ValueComparison::NotComparable;
            }
        };
        if is_same {
            ValueComparison::Same
        } else {
            ValueComparison::Different
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::ShownFields;

    fn shown(names: &mut CountryNames, id: i64, name: &str) -> ValueComparison {
        let sent = format!(r#"{{"country_id":{id}}}"#);
        let (name, mut fields) = (format!("\"{name}\""), ShownFields::default());
        fields.put(Field::CountryId, &name);
        let mut echo = Echo::of(sent.as_bytes(), &fields);
        names.complete(&mut echo);
        assert_eq!(echo.country, None);
        match (echo.compared.is_empty(), echo.differs.is_empty()) {
            (true, _) => ValueComparison::NotComparable,
            (false, true) => ValueComparison::Same,
            (false, false) => ValueComparison::Different,
        }
    }

    #[test]
    fn the_first_name_of_an_id_is_learned_and_another_one_differs() {
        let mut names = CountryNames::default();
        for (id, name, want) in [
            (4, "Land", ValueComparison::NotComparable),
            (4, " LAND ", ValueComparison::Same),
            (4, "Other", ValueComparison::Different),
            (4, "land", ValueComparison::Same),
            (5, "Other", ValueComparison::NotComparable),
        ] {
            assert_eq!(shown(&mut names, id, name), want, "{id} {name}");
        }
    }

    #[test]
    fn texts_that_stand_for_ids_come_first() {
        let texts = [
            ("CH", "4"),
            ("Land", " 4 "),
            ("Both", "4"),
            ("both", "5"),
            ("Fern", "6"),
            ("x", "y"),
        ];
        let mut names = CountryNames::of_texts(texts);
        for (id, name, want) in [
            (4, "land", ValueComparison::Same),
            (5, "BOTH", ValueComparison::Same),
            (4, "Both", ValueComparison::Same),
            (4, "Fern", ValueComparison::Different),
            (4, "Suisse", ValueComparison::NotComparable),
            (4, "Svizzera", ValueComparison::Different),
            (4, "Suisse", ValueComparison::Same),
            (4, "Land", ValueComparison::Same),
        ] {
            assert_eq!(shown(&mut names, id, name), want, "{id} {name}");
        }
    }

    #[test]
    fn no_answers_make_the_names_grow_without_end() {
        let mut names = CountryNames::default();
        for id in 0..2 * i64::try_from(LEARNED_MAX).expect("few") {
            shown(&mut names, id, "Land");
        }
        assert_eq!(names.learned.len(), LEARNED_MAX);
        assert_eq!(shown(&mut names, 0, "Other"), ValueComparison::Different);
    }
}
