//! A customer as the API shows it, and an update as it was sent, with the members that are
//! compared.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::field::FIELDS;
use super::member_name::read_name;
use super::point_in_time::point_in_time;
use super::{CustomerId, Field};

/// The value of a member, borrowed if JSON escapes nothing in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MemberValue<'a> {
    /// `null`.
    Null,
    /// A text.
    Text(Cow<'a, str>),
    /// A whole number of 64 bits.
    Integer(i64),
    /// The JSON of a value that no field of the contract has: another number, a boolean, an array or
    /// an object.
    Other(Cow<'a, str>),
    /// A member that appears twice.
    Repeated,
}

/// The customer in an answer, called the customer resource by the API.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Resource<'a>(#[serde(borrow)] ResourceMembers<'a>);

/// The fields of an update, read from the body of its request.
#[derive(Debug, Default)]
pub(crate) struct SentFields<'a>(ResourceMembers<'a>);

#[derive(Debug, Default)]
struct ResourceMembers<'a> {
    id: Option<MemberValue<'a>>,
    /// The values in the order of the contract's fields.
    values: [Option<MemberValue<'a>>; FIELDS.len()],
    country_name: Option<MemberValue<'a>>,
    /// The id of `related_user`, or null where that is null.
    related_user: Option<MemberValue<'a>>,
    updated_at: Option<MemberValue<'a>>,
    deleted_at: Option<MemberValue<'a>>,
}

/// The object around the resource.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl<'a> Resource<'a> {
    /// Reads the customer in the body of an answer: its `data`, or the object itself if it has no
    /// `data`. `None` if there is no object.
    pub(crate) fn of_answer(body: &'a [u8]) -> Option<Resource<'a>> {
        let Envelope { data } = serde_json::from_slice(body).ok()?;
        let members = data.map_or_else(
            || serde_json::from_slice(body),
            |data| serde_json::from_str(data.get()),
        );
        members.ok().map(Resource)
    }

    /// The customer's id, written as a number or as digits.
    pub(crate) fn id(&self) -> Option<CustomerId> {
        match self.0.id.as_ref()? {
            MemberValue::Integer(id) => CustomerId::new(u64::try_from(*id).ok()?).ok(),
            MemberValue::Text(id) => CustomerId::parse(id).ok(),
            MemberValue::Null | MemberValue::Other(_) | MemberValue::Repeated => None,
        }
    }

    /// Returns the value shown for a field. For `user_id` that is `related_user.id`; for
    /// `country_id` there is none, since only the name is shown.
    pub(crate) fn value(&self, field: Field) -> Option<&MemberValue<'a>> {
        match field {
            Field::UserId => self.0.related_user.as_ref(),
            Field::CountryId => None,
            _ => self.0.values.get(field.index())?.as_ref(),
        }
    }

    /// The time at which the customer was changed last. One without an offset is taken as UTC.
    pub(crate) fn updated_at(&self) -> Option<Timestamp> {
        point_in_time(self.0.updated_at.as_ref()?.as_text()?)
    }

    /// Whether the customer is shown as deleted: with a text or a number as the time of it.
    pub(crate) fn is_deleted(&self) -> bool {
        match &self.0.deleted_at {
            Some(value @ (MemberValue::Text(_) | MemberValue::Integer(_))) => !is_null(value),
            Some(MemberValue::Null | MemberValue::Other(_) | MemberValue::Repeated) | None => false,
        }
    }

    /// The name of the customer's country.
    pub(crate) fn country_name(&self) -> Option<&MemberValue<'a>> {
        self.0.country_name.as_ref()
    }
}

impl<'a> SentFields<'a> {
    /// Reads the fields of a request's body; `None` if it is not an object.
    pub(crate) fn of_request(body: &'a [u8]) -> Option<SentFields<'a>> {
        serde_json::from_slice(body).ok().map(SentFields)
    }

    /// The fields that it sets, in the contract's order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (Field, &MemberValue<'a>)> {
        FIELDS
            .iter()
            .zip(&self.0.values)
            .filter_map(|(rule, value)| Some((rule.field, value.as_ref()?)))
    }
}

/// The name of a member.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MemberName {
    Id,
    Of(Field),
    CountryName,
    RelatedUserId,
    UpdatedAt,
    DeletedAt,
    Other,
}

impl<'de> Deserialize<'de> for MemberName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MemberName, D::Error> {
        read_name(deserializer, |name| match name {
            "id" => MemberName::Id,
            "country_name" => MemberName::CountryName,
            "related_user" => MemberName::RelatedUserId,
            "updated_at" => MemberName::UpdatedAt,
            "deleted_at" => MemberName::DeletedAt,
            name => Field::from_name(name).map_or(MemberName::Other, MemberName::Of),
        })
    }
}

impl<'de> Deserialize<'de> for ResourceMembers<'de> {
    fn deserialize<D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<ResourceMembers<'de>, D::Error> {
        struct ResourceVisitor;
        impl<'de> Visitor<'de> for ResourceVisitor {
            type Value = ResourceMembers<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<ResourceMembers<'de>, A::Error> {
                let mut members = ResourceMembers::default();
                while let Some(key) = map.next_key::<MemberName>()? {
                    let value = match key {
                        MemberName::Other => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                        MemberName::RelatedUserId => {
                            related_user_id(map.next_value::<&RawValue>()?.get())
                        }
                        MemberName::Id
                        | MemberName::CountryName
                        | MemberName::UpdatedAt
                        | MemberName::DeletedAt
                        | MemberName::Of(_) => Some(map.next_value::<MemberValue<'_>>()?),
                    };
                    let slot = match key {
                        MemberName::Id => &mut members.id,
                        MemberName::CountryName => &mut members.country_name,
                        MemberName::RelatedUserId => &mut members.related_user,
                        MemberName::UpdatedAt => &mut members.updated_at,
                        MemberName::DeletedAt => &mut members.deleted_at,
                        MemberName::Of(field) => members
                            .values
                            .get_mut(field.index())
                            .expect("there is a place for each field"),
                        MemberName::Other => continue,
                    };
                    put(slot, value);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(ResourceVisitor)
    }
}

/// Stores a value. Readers differ in which of two values they take, so a second one makes both
/// incomparable.
fn put<'a>(slot: &mut Option<MemberValue<'a>>, value: Option<MemberValue<'a>>) {
    *slot = if slot.is_some() {
        Some(MemberValue::Repeated)
    } else {
        value
    };
}

/// Returns the id of a related user, or null; `None` for an object without an id. A value that is no
/// object keeps its member's name, so that a number is not taken for an id.
pub(super) fn related_user_id(json: &str) -> Option<MemberValue<'_>> {
    match json {
        "null" => Some(MemberValue::Null),
        json => match serde_json::from_str::<RelatedUserId<'_>>(json) {
            Ok(user) => user.0,
            Err(_) => Some(MemberValue::Other(
                format!(r#"{{"related_user":{json}}}"#).into(),
            )),
        },
    }
}

struct RelatedUserId<'a>(Option<MemberValue<'a>>);

impl<'de> Deserialize<'de> for RelatedUserId<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RelatedUserId<'de>, D::Error> {
        struct RelatedUserIdVisitor;
        impl<'de> Visitor<'de> for RelatedUserIdVisitor {
            type Value = RelatedUserId<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut id = None;
                while let Some(key) = map.next_key::<MemberName>()? {
                    if key == MemberName::Id {
                        put(&mut id, Some(map.next_value()?));
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(RelatedUserId(id))
            }
        }
        deserializer.deserialize_map(RelatedUserIdVisitor)
    }
}

impl<'a> MemberValue<'a> {
    /// Whether the API takes the value for none: null, or an empty text.
    pub(crate) fn is_empty(&self) -> bool {
        is_null(self)
    }

    /// Reads a value of valid JSON; `None` for a text with half of a surrogate pair.
    fn of_json(json: &'a str) -> Option<MemberValue<'a>> {
        let inner = json
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        Some(match (inner, json.as_bytes().first()) {
            (Some(text), _) if !text.contains('\\') => MemberValue::Text(Cow::Borrowed(text)),
            (Some(_), _) => MemberValue::Text(Cow::Owned(serde_json::from_str(json).ok()?)),
            (None, Some(b'n')) => MemberValue::Null,
            (None, _) => json.parse().map_or(
                MemberValue::Other(Cow::Borrowed(json)),
                MemberValue::Integer,
            ),
        })
    }

    /// Returns a whole number.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        match self {
            MemberValue::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns a text.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            MemberValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value with a copy of its text.
    pub(super) fn to_owned(&self) -> MemberValue<'static> {
        let owned = |text: &Cow<'_, str>| Cow::Owned(text.clone().into_owned());
        match self {
            MemberValue::Null => MemberValue::Null,
            MemberValue::Text(text) => MemberValue::Text(owned(text)),
            MemberValue::Integer(number) => MemberValue::Integer(*number),
            MemberValue::Other(json) => MemberValue::Other(owned(json)),
            MemberValue::Repeated => MemberValue::Repeated,
        }
    }
}

/// Whether a value is null to the API, which turns `""` into null.
pub(super) fn is_null(value: &MemberValue<'_>) -> bool {
    match value {
        MemberValue::Null => true,
        MemberValue::Text(text) => text.is_empty(),
        MemberValue::Integer(_) | MemberValue::Other(_) | MemberValue::Repeated => false,
    }
}

impl<'de> Deserialize<'de> for MemberValue<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MemberValue<'de>, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?;
        MemberValue::of_json(json.get()).ok_or_else(|| {
            serde::de::Error::custom("one half of a surrogate pair without the other")
        })
    }
}

impl Serialize for MemberValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            MemberValue::Null => serializer.serialize_unit(),
            MemberValue::Text(text) => serializer.serialize_str(text),
            MemberValue::Integer(number) => serializer.serialize_i64(*number),
            MemberValue::Other(json) => serde_json::from_str::<&RawValue>(json)
                .map_err(serde::ser::Error::custom)?
                .serialize(serializer),
            MemberValue::Repeated => Err(serde::ser::Error::custom("two values")),
        }
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
            let want = job.map(|job| MemberValue::Text(job.into()));
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
        check(r#"{"id":7,"job":"\ud83d"}"#, None, None);
        check("[]", None, None);
        check("{", None, None);
    }
    #[test]
    fn a_value_is_what_its_json_says() {
        let check = |json: &str, integer: Option<i64>, text: Option<&str>, is_empty: bool| {
            let value = MemberValue::of_json(json).expect("a value");
            assert_eq!(
                (value.as_integer(), value.as_text()),
                (integer, text),
                "{json}"
            );
            assert_eq!(value.is_empty(), is_empty, "{json}");
        };
        check("7", Some(7), None, false);
        check("-7", Some(-7), None, false);
        check("0", Some(0), None, false);
        check("9223372036854775808", None, None, false);
        check("7.5", None, None, false);
        check("true", None, None, false);
        check("[7]", None, None, false);
        check("\"7\"", None, Some("7"), false);
        check("\" \"", None, Some(" "), false);
        check("\"\"", None, Some(""), true);
        check("null", None, None, true);
    }

    #[test]
    fn a_text_is_borrowed_if_json_escapes_nothing_in_it() {
        for (json, want, is_borrowed) in [("\"é\"", "é", true), (r#""\u00e9""#, "é", false)] {
            let Some(MemberValue::Text(text)) = MemberValue::of_json(json) else {
                panic!("{json} is a text");
            };
            assert_eq!(text, want);
            assert_eq!(matches!(text, Cow::Borrowed(_)), is_borrowed, "{json}");
        }
    }
}
