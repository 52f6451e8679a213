//! Finds the array of rows in an input that is one JSON object, as answers of APIs are.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::input::ndjson::records::is_blank;

/// The most keys that lead to an array.
const DEPTH_MAX: usize = 4;
/// The keys that may be shown: usual names of arrays. Any other key may be a customer's value.
const USUAL_KEYS: [&str; 21] = [
    "data",
    "items",
    "results",
    "result",
    "records",
    "rows",
    "customers",
    "value",
    "values",
    "entries",
    "content",
    "list",
    "elements",
    "objects",
    "users",
    "contacts",
    "accounts",
    "payload",
    "response",
    "docs",
    "hits",
];

/// An object that is all of an input, and has an array of objects.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ObjectWithArray {
    /// The line on which it starts.
    pub(crate) line: u64,
    /// Its keys, as far as the beginning of the input has them.
    pub(crate) keys: Vec<String>,
    /// The keys that lead to its longest array.
    path: Vec<String>,
    /// Whether it has other arrays of objects, as far as the beginning of the input shows.
    pub(crate) has_others: bool,
}

impl ObjectWithArray {
    /// Returns the path as `--json-path` takes it, if its keys are usual ones.
    pub(crate) fn shown_path(&self) -> Option<String> {
        let is_usual = |key: &String| USUAL_KEYS.contains(&key.as_str());
        self.path.iter().all(is_usual).then(|| self.path.join("."))
    }
}

/// Returns the object if the input is one, as far as its beginning `head` shows, and has an array of
/// objects.
pub(crate) fn only_object_with_array(head: &[u8]) -> Option<ObjectWithArray> {
    let mut objects = serde_json::Deserializer::from_slice(head).into_iter::<IgnoredAny>();
    let is_only = match objects.next()? {
        Ok(IgnoredAny) => is_blank(head.get(objects.byte_offset()..)?),
        // `head` ends within the object.
        Err(error) => error.is_eof(),
    };
    if !is_only {
        return None;
    }
    let mut search = Search::default();
    // The search ends where `head` does.
    serde_json::Deserializer::from_slice(head)
        .deserialize_map(&mut search)
        .ok();
    let before = head.iter().take_while(|byte| **byte != b'{');
    let lines = before.filter(|byte| **byte == b'\n').count();
    search.longest.map(|(_, path)| ObjectWithArray {
        line: 1 + lines as u64,
        keys: search.keys,
        path,
        has_others: search.arrays > 1,
    })
}

/// A search for arrays of objects.
#[derive(Default)]
struct Search {
    /// The keys of the outermost object.
    keys: Vec<String>,
    /// The keys that lead to the current value.
    path: Vec<String>,
    /// The longest array, with the number of its objects.
    longest: Option<(u64, Vec<String>)>,
    /// The number of arrays of objects.
    arrays: u64,
}

impl<'de> DeserializeSeed<'de> for &mut Search {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Search {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let mut objects = 0;
        let end = loop {
            match elements.next_element() {
                Ok(Some(IsObject(true))) => objects += 1,
                Ok(Some(IsObject(false))) => {}
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.arrays += u64::from(objects > 0);
        // An array that does not end here is the longest.
        let length = if end.is_err() && objects > 0 {
            u64::MAX
        } else {
            objects
        };
        let longest = self.longest.as_ref().map_or(0, |(length, _)| *length);
        if length > longest {
            self.longest = Some((length, self.path.clone()));
        }
        end
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(key) = members.next_key::<String>()? {
            if self.path.len() == DEPTH_MAX {
                members.next_value::<IgnoredAny>()?;
                continue;
            }
            if self.path.is_empty() {
                self.keys.push(key.clone());
            }
            self.path.push(key);
            members.next_value_seed(&mut *self)?;
            self.path.pop();
        }
        Ok(())
    }
}

/// Whether an element of an array is an object.
struct IsObject(bool);

impl<'de> serde::Deserialize<'de> for IsObject {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<IsObject, D::Error> {
        let raw: &serde_json::value::RawValue = serde::Deserialize::deserialize(value)?;
        Ok(IsObject(raw.get().starts_with('{')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_found_in_the_only_object() {
        let check = |head: &str, want: Option<(u64, &str)>| {
            let found = only_object_with_array(head.as_bytes());
            let found = found.map(|object| (object.line, object.path.join(".")));
            let want = want.map(|(line, path)| (line, path.to_owned()));
            assert_eq!(found, want, "{head}");
        };
        check("{\"data\":[{\"id\":1}]}", Some((1, "data")));
        check(
            "\n{\"meta\":{\"page\":1.5},\"links\":[{}],\n\"r\":{\"items\":[{},{}]}}\n",
            Some((2, "r.items")),
        );
        // The beginning of a long input.
        check(
            "{\"links\":[{},{}],\"data\":[{\"id\":1},{\"i",
            Some((1, "data")),
        );
        check("{\"data\":[1,\"x\",null,true,[{}]]}", None);
        check("{\"data\":[]}", None);
        check("{\"id\":1,\"job\":\"x\"}", None);
        check("{\"data\":[{}]}\n{\"data\":[{}]}\n", None);
        check("{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":[{}]}}}}}", None);
        check("{\"data\":[{}]}}", None);
        check("{'data':[{}]}", None);
        check("", None);
    }

    #[test]
    fn other_arrays_of_objects_are_noticed() {
        let has_others = |head: &str| {
            only_object_with_array(head.as_bytes())
                .expect("an array")
                .has_others
        };
        assert!(has_others("{\"a\":[{}],\"b\":{\"c\":[{}]}}"));
        assert!(!has_others("{\"a\":[{}],\"b\":[1],\"c\":[]}"));
    }

    #[test]
    fn a_key_that_may_be_a_value_is_not_shown() {
        let shown = |key: &str| {
            let head = serde_json::json!({ key: [{}] }).to_string();
            only_object_with_array(head.as_bytes())
                .expect("an array")
                .shown_path()
        };
        assert_eq!(shown("data"), Some("data".to_owned()));
        for key in [
            "Smith",
            "data_2",
            "jane@example.com",
            "Tilda Holm",
            "0170",
            "a.b",
            "",
            "\u{1b}",
        ] {
            assert_eq!(shown(key), None, "{key}");
        }
    }
}
