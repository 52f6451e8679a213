//! The members of a customer that the echo check looks at, as the JSON in an answer or a request.
//! Most values come back as they were sent, byte by byte, and need no parsing.

use std::slice;

use super::field::{FIELDS, FieldRule};
use super::{Field, FieldSet};

/// The values that an answer shows for the fields of an update, as JSON. `user_id` has the value of
/// `related_user`, and `country_id` that of `country_name`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ShownFields<'a> {
    /// The values in the order of the contract's fields.
    values: [Option<&'a str>; FIELDS.len()],
    /// The fields that the answer shows twice.
    repeated: FieldSet,
}

impl<'a> ShownFields<'a> {
    /// Returns the field that a member of an answer shows, if it shows one.
    pub(crate) fn field_of(member: &str) -> Option<Field> {
        match member {
            "related_user" => Some(Field::UserId),
            "country_name" => Some(Field::CountryId),
            "user_id" | "country_id" => None,
            name => Field::from_name(name),
        }
    }

    /// Adds the value of a field.
    pub(crate) fn put(&mut self, field: Field, json: &'a str) {
        let slot = self.values.get_mut(field.index());
        let slot = slot.expect("there is a place for each field");
        if slot.replace(json).is_some() {
            self.repeated.insert(field);
        }
    }

    /// The value of a field, unless there are two: readers differ in which of them they take.
    pub(super) fn value(&self, field: Field) -> Option<&'a str> {
        let value = self.values.get(field.index()).copied().flatten();
        value.filter(|_| !self.repeated.contains(field))
    }
}

/// Reads the fields of a request's body with their values as JSON, one after the other. The body is
/// of our own making: one object without spaces, with texts, integers and null as values.
#[derive(Debug)]
pub(super) struct SentValues<'a> {
    rest: &'a [u8],
    behind: slice::Iter<'static, FieldRule>,
}

impl<'a> SentValues<'a> {
    pub(super) fn of(body: &'a [u8]) -> SentValues<'a> {
        SentValues {
            rest: body,
            behind: FIELDS.iter(),
        }
    }

    /// Reads the name of the next field. Its value is next, to be read or passed. Bodies are in the
    /// contract's order, so the search for the field starts behind the previous one.
    pub(super) fn field(&mut self) -> Option<Field> {
        let [b'{' | b',', b'"', json @ ..] = self.rest else {
            return None;
        };
        let behind_name = |rule: &FieldRule| {
            let behind = json.strip_prefix(rule.name.as_bytes())?;
            Some((rule.field, behind.strip_prefix(b"\":")?))
        };
        let (field, value) = self.behind.find_map(behind_name).or_else(|| {
            self.behind = FIELDS.iter();
            self.behind.find_map(behind_name)
        })?;
        self.rest = value;
        Some(field)
    }

    /// Passes the value if it is this JSON. Its end need not be found for that: a text ends with
    /// its last quote, and any other value before the next member.
    pub(super) fn pass(&mut self, json: &str) -> bool {
        match self.rest.strip_prefix(json.as_bytes()) {
            Some(rest @ [b',' | b'}', ..]) => {
                self.rest = rest;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Reads the value.
    pub(super) fn value(&mut self) -> Option<&'a [u8]> {
        let (value, rest) = self.rest.split_at_checked(value_bytes(self.rest)?)?;
        self.rest = rest;
        Some(value)
    }
}

/// Returns the length of the value at the start of the JSON.
fn value_bytes(json: &[u8]) -> Option<usize> {
    if json.first() != Some(&b'"') {
        return memchr::memchr2(b',', b'}', json);
    }
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', json.get(at..)?)?;
        if json.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        // The character behind a backslash ends no text.
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    proptest! {
        #[test]
        fn a_body_is_split_as_a_parser_reads_it(
            fields in prop::collection::btree_map(
                prop::sample::select(FIELDS.iter().map(|rule| rule.field).collect::<Vec<_>>()),
                prop_oneof![
                    Just(Value::Null),
                    any::<i64>().prop_map(Value::from),
                    any::<String>().prop_map(Value::from),
                    "[\"\\\\,:{}\n]{0,6}".prop_map(Value::from),
                ],
                0..FIELDS.len(),
            )
        ) {
            let members: Vec<_> = fields
                .iter()
                .map(|(field, value)| format!("\"{field}\":{value}"))
                .collect();
            let body = format!("{{{}}}", members.join(","));
            let (mut sent, mut split) = (SentValues::of(body.as_bytes()), Vec::new());
            while let Some(field) = sent.field() {
                let json = sent.value().expect("a value");
                split.push((field, serde_json::from_slice::<Value>(json).expect("JSON")));
            }
            let want: Vec<_> = fields.clone().into_iter().collect();
            prop_assert_eq!(split, want);

            // Only what was sent is passed, wherever it ends.
            let mut sent = SentValues::of(body.as_bytes());
            for (field, value) in fields {
                prop_assert_eq!(sent.field(), Some(field));
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let starts = text.char_indices().map(|(at, _)| &text[..at]);
                for other in starts.chain(["null0", "0"]).filter(|other| value != *other) {
                    let other = Value::from(other).to_string();
                    prop_assert!(!sent.pass(&other), "{value} is not {other}");
                }
                if let Some(number) = value.as_i64().filter(|number| *number != 0) {
                    prop_assert!(!sent.pass(&(number / 10).to_string()));
                }
                let json = value.to_string();
                prop_assert!(sent.pass(&json), "{json}");
            }
            prop_assert_eq!(sent.field(), None);
        }
    }

    #[test]
    fn a_value_that_is_shown_twice_is_none() {
        let mut shown = ShownFields::default();
        shown.put(Field::Job, "1");
        assert_eq!(shown.value(Field::Job), Some("1"));
        shown.put(Field::Job, "1");
        assert_eq!(shown.value(Field::Job), None);
        assert_eq!(shown.value(Field::Email), None);
    }

    #[test]
    fn two_members_stand_for_fields_with_other_names() {
        for (member, want) in [
            ("related_user", Some(Field::UserId)),
            ("country_name", Some(Field::CountryId)),
            ("user_id", None),
            ("country_id", None),
            ("job", Some(Field::Job)),
            ("id", None),
        ] {
            assert_eq!(ShownFields::field_of(member), want, "{member}");
        }
    }
}
