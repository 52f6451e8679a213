//! A customer as the API shows it, and an update as it was sent: their members, as far as they are compared.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::field::FIELDS;
use super::{CustomerId, Field};

/// The value of a member, borrowed where JSON escapes nothing in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shows<'a> {
    /// `null`.
    Null,
    /// A text.
    Text(Cow<'a, str>),
    /// A whole number of 64 bits.
    Integer(i64),
    /// Something that no field of the contract is: another number, true or false, an array, an object, or a member that
    /// stands there twice.
    Other,
}

/// The customer in an answer, in the API's words the customer resource.
#[derive(Debug, Default)]
pub struct Resource<'a>(Members<'a>);

/// The fields of an update, from the body of its request.
#[derive(Debug, Default)]
pub struct Sent<'a>(Members<'a>);

#[derive(Debug, Default)]
struct Members<'a> {
    id: Option<Shows<'a>>,
    /// In the order of the contract's fields.
    values: [Option<Shows<'a>>; FIELDS.len()],
    country_name: Option<Shows<'a>>,
    /// The id of `related_user`, or its null.
    related_user: Option<Shows<'a>>,
}

/// Where an answer may hold the resource beside its top.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl<'a> Resource<'a> {
    /// The customer in the body of an answer: its `data`, or the object itself where it has no `data`. `None` where there is
    /// no object.
    pub fn of_answer(body: &'a [u8]) -> Option<Resource<'a>> {
        let Envelope { data } = serde_json::from_slice(body).ok()?;
        let members = data.map_or_else(
            || serde_json::from_slice(body),
            |data| serde_json::from_str(data.get()),
        );
        members.ok().map(Resource)
    }

    /// The customer whose id it shows, as a number or as digits.
    pub fn id(&self) -> Option<CustomerId> {
        match self.0.id.as_ref()? {
            Shows::Integer(id) => CustomerId::new(u64::try_from(*id).ok()?).ok(),
            Shows::Text(id) => CustomerId::parse(id).ok(),
            Shows::Null | Shows::Other => None,
        }
    }

    /// What it shows of a field: `related_user.id` of `user_id`, and nothing of `country_id`, for which it has a name.
    pub fn value(&self, field: Field) -> Option<&Shows<'a>> {
        match field {
            Field::UserId => self.0.related_user.as_ref(),
            Field::CountryId => None,
            _ => self.0.values.get(field.index())?.as_ref(),
        }
    }

    /// The name of the customer's country.
    pub fn country_name(&self) -> Option<&Shows<'a>> {
        self.0.country_name.as_ref()
    }
}

impl<'a> Sent<'a> {
    /// The fields of a request's body; `None` where it is no object.
    pub fn of_request(body: &'a [u8]) -> Option<Sent<'a>> {
        serde_json::from_slice(body).ok().map(Sent)
    }

    /// The fields that it sets, in the contract's order.
    pub fn fields(&self) -> impl Iterator<Item = (Field, &Shows<'a>)> {
        FIELDS
            .iter()
            .zip(&self.0.values)
            .filter_map(|(rule, value)| Some((rule.field, value.as_ref()?)))
    }
}

/// The name of a member.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Id,
    Of(Field),
    CountryName,
    RelatedUser,
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Key, E> {
                Ok(match name {
                    "id" => Key::Id,
                    "country_name" => Key::CountryName,
                    "related_user" => Key::RelatedUser,
                    name => Field::from_name(name).map_or(Key::Other, Key::Of),
                })
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members<'de>, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Members::default();
                while let Some(key) = map.next_key::<Key>()? {
                    let value = match key {
                        Key::Other => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                        Key::RelatedUser => related_user(map.next_value()?),
                        Key::Id | Key::CountryName | Key::Of(_) => {
                            Some(map.next_value::<Shows<'_>>()?)
                        }
                    };
                    let slot = match key {
                        Key::Id => &mut members.id,
                        Key::CountryName => &mut members.country_name,
                        Key::RelatedUser => &mut members.related_user,
                        Key::Of(field) => members
                            .values
                            .get_mut(field.index())
                            .expect("there is a place for each field"),
                        Key::Other => continue,
                    };
                    put(slot, value);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// Keeps a value. Readers differ in which of two they take, so two are none that can be equal.
fn put<'a>(slot: &mut Option<Shows<'a>>, value: Option<Shows<'a>>) {
    *slot = if slot.is_some() {
        Some(Shows::Other)
    } else {
        value
    };
}

/// The id of a related user, or its null; absent where it is an object without an id.
fn related_user(json: &RawValue) -> Option<Shows<'_>> {
    match json.get() {
        "null" => Some(Shows::Null),
        object => serde_json::from_str::<RelatedUser<'_>>(object)
            .map_or(Some(Shows::Other), |user| user.0),
    }
}

struct RelatedUser<'a>(Option<Shows<'a>>);

impl<'de> Deserialize<'de> for RelatedUser<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RelatedUser<'de>, D::Error> {
        struct RelatedUserVisitor;
        impl<'de> Visitor<'de> for RelatedUserVisitor {
            type Value = RelatedUser<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut id = None;
                while let Some(key) = map.next_key::<Key>()? {
                    if key == Key::Id {
                        put(&mut id, Some(map.next_value()?));
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(RelatedUser(id))
            }
        }
        deserializer.deserialize_map(RelatedUserVisitor)
    }
}

impl<'de> Deserialize<'de> for Shows<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Shows<'de>, D::Error> {
        struct ShowsVisitor;
        impl<'de> Visitor<'de> for ShowsVisitor {
            type Value = Shows<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Shows::Null)
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Shows::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Shows::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Shows::Integer(number))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(i64::try_from(number).map_or(Shows::Other, Shows::Integer))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Shows::Other)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Shows::Other)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
                while array.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Shows::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Shows::Other)
            }
        }
        deserializer.deserialize_any(ShowsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_is_data_or_the_object_itself() {
        let check = |body: &str, id: Option<u64>, job: Option<&str>| {
            let resource = Resource::of_answer(body.as_bytes());
            let found = resource
                .as_ref()
                .and_then(Resource::id)
                .map(CustomerId::get);
            let shown = resource
                .as_ref()
                .and_then(|resource| resource.value(Field::Job));
            let want = job.map(|job| Shows::Text(job.into()));
            assert_eq!((found, shown), (id, want.as_ref()), "{body}");
        };
        check(
            r#"{"data":{"id":7,"job":"a\u0062"},"id":9,"job":"x"}"#,
            Some(7),
            Some("ab"),
        );
        check(r#"{"id":"07","job":"x","data":null}"#, Some(7), Some("x"));
        check(r#"{"data":[],"id":7,"job":"x"}"#, None, None);
        check(r#"{"data":{"id":7},"data":{"id":7}}"#, None, None);
        check(r#"{"id":-7}"#, None, None);
        check("[]", None, None);
        check("{", None, None);
    }
}
