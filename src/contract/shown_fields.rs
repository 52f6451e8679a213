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

/// The fields of a request's body with their values as JSON. The body is of our own making: one
/// object without spaces, with texts, integers and null as values.
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

    /// Returns the field whose name is at the start of the JSON, and what is behind the name's
    /// colon. Bodies are in the contract's order, so the search starts behind the previous field.
    fn field(&mut self, json: &'a [u8]) -> Option<(Field, &'a [u8])> {
        let behind_name = |rule: &FieldRule| {
            let behind = json.strip_prefix(rule.name.as_bytes())?;
            Some((rule.field, behind.strip_prefix(b"\":")?))
        };
        self.behind.find_map(behind_name).or_else(|| {
            self.behind = FIELDS.iter();
            self.behind.find_map(behind_name)
        })
    }
}

impl<'a> Iterator for SentValues<'a> {
    type Item = (Field, &'a [u8]);

    fn next(&mut self) -> Option<(Field, &'a [u8])> {
        let [b'{' | b',', b'"', rest @ ..] = self.rest else {
            return None;
        };
        let (field, rest) = self.field(rest)?;
        let (value, rest) = rest.split_at_checked(value_bytes(rest)?)?;
        self.rest = rest;
        Some((field, value))
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
            let split: Vec<_> = SentValues::of(body.as_bytes())
                .map(|(field, json)| (field, serde_json::from_slice::<Value>(json).expect("JSON")))
                .collect();
            let want: Vec<_> = fields.into_iter().collect();
            prop_assert_eq!(split, want);
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
