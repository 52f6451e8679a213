//! Sets of fields: those that a row sets, still has to send, or was overtaken in.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::field::{FIELDS, Field};

/// A set of the API's fields. In JSON it is a list of names in the API's order. Unknown names, as
/// later versions may write, are ignored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct FieldSet(u16);

const _: () = assert!(
    FIELDS.len() <= u16::BITS as usize,
    "there is a bit for each field"
);

impl FieldSet {
    /// The empty set.
    pub const EMPTY: FieldSet = FieldSet(0);
    /// All fields of the API.
    pub const ALL: FieldSet = FieldSet((1 << FIELDS.len()) - 1);

    /// Adds a field.
    #[inline]
    pub fn insert(&mut self, field: Field) {
        self.0 |= 1 << field.index();
    }

    /// Whether the set contains the field.
    #[inline]
    pub fn contains(self, field: Field) -> bool {
        self.0 & 1 << field.index() != 0
    }

    /// Whether the set is empty.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Returns the fields of either set.
    #[must_use]
    pub fn union(self, other: FieldSet) -> FieldSet {
        FieldSet(self.0 | other.0)
    }

    /// Returns the fields of this set that the other one lacks.
    #[must_use]
    pub fn without(self, other: FieldSet) -> FieldSet {
        FieldSet(self.0 & !other.0)
    }

    /// Returns the fields of both sets.
    #[must_use]
    pub fn intersection(self, other: FieldSet) -> FieldSet {
        FieldSet(self.0 & other.0)
    }

    /// The fields, in the API's order.
    pub fn iter(self) -> impl Iterator<Item = Field> {
        FIELDS
            .iter()
            .map(|rule| rule.field)
            .filter(move |field| self.contains(*field))
    }

    /// The fields' names, in the API's order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.iter().map(Field::name)
    }
}

impl FromIterator<Field> for FieldSet {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> FieldSet {
        let mut set = FieldSet::EMPTY;
        fields.into_iter().for_each(|field| set.insert(field));
        set
    }
}

impl fmt::Debug for FieldSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.names()).finish()
    }
}

impl Serialize for FieldSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

impl<'de> Deserialize<'de> for FieldSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FieldSet, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = FieldSet;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of the API's fields")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<FieldSet, A::Error> {
                let mut set = FieldSet::EMPTY;
                // Lists are usually in the API's order, so the search starts behind the previous
                // field.
                let mut behind = FIELDS.iter();
                while let Some(name) = names.next_element::<&str>()? {
                    let next = behind.find(|rule| rule.name == name).map(|rule| rule.field);
                    if let Some(field) = next.or_else(|| {
                        behind = FIELDS.iter();
                        Field::from_name(name)
                    }) {
                        set.insert(field);
                    }
                }
                Ok(set)
            }
        }

        deserializer.deserialize_seq(Names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_a_list_of_names_in_the_order_of_the_api() {
        let set: FieldSet = [Field::Job, Field::Email].into_iter().collect();
        assert_eq!(
            serde_json::to_string(&set).expect("names"),
            r#"["email","job"]"#
        );
        assert_eq!(
            serde_json::from_str::<FieldSet>(r#"["job","email","job"]"#).expect("names"),
            set
        );
        assert_eq!(
            serde_json::from_str::<FieldSet>(r#"["loyalty_tier","job"]"#)
                .expect("names")
                .iter()
                .count(),
            1
        );
        assert_eq!(FieldSet::ALL.iter().count(), FIELDS.len());
        assert_eq!(
            set.without([Field::Job].into_iter().collect())
                .names()
                .collect::<Vec<_>>(),
            ["email"]
        );
    }
}
