//! Visitors for the members and values of an answer that its reading looks at. No text of the
//! answer is kept.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::contract::{CustomerId, Field, IdError, ShownFields, read_name};

/// The kind of a JSON value, with the facts that matter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    Null,
    Boolean(bool),
    /// A string, and the customer that it names as an id.
    Text(ShownId),
    /// A number, and the customer that it names as an id.
    Number(ShownId),
    Array {
        is_empty: bool,
    },
    Object {
        is_empty: bool,
        ids: Ids,
        /// A hash of `country_name`, as it is written.
        country: Option<u64>,
        /// `id` occurs twice.
        is_repeated: bool,
    },
}

impl Seen {
    /// The customer that this value names, for the value of an `id`.
    pub(crate) fn as_id(self) -> ShownId {
        match self {
            Seen::Text(id) | Seen::Number(id) => id,
            Seen::Null | Seen::Boolean(_) | Seen::Array { .. } | Seen::Object { .. } => {
                ShownId::Unknown
            }
        }
    }
}

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Seen, D::Error> {
        deserializer.deserialize_any(SeenVisitor(None))
    }
}

/// Reads a value, and keeps the fields of a customer in it.
pub(crate) struct WithFields<'s, 'de>(pub(crate) &'s mut ShownFields<'de>);

impl<'de> DeserializeSeed<'de> for WithFields<'_, 'de> {
    type Value = Seen;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Seen, D::Error> {
        deserializer.deserialize_any(SeenVisitor(Some(self.0)))
    }
}

/// Reads a value. The fields of a customer are kept if there is a place for them.
struct SeenVisitor<'s, 'de>(Option<&'s mut ShownFields<'de>>);

impl<'de> Visitor<'de> for SeenVisitor<'_, 'de> {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Seen, E> {
        Ok(Seen::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Seen, E> {
        Ok(Seen::Boolean(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Seen, E> {
        Ok(Seen::Text(ShownId::of_text(text)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Seen, E> {
        Ok(Seen::Number(ShownId::of_number(number)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Seen, E> {
        Ok(Seen::Number(
            u64::try_from(number).map_or(ShownId::OfNoCustomer, ShownId::of_number),
        ))
    }

    /// Numbers with a fraction, an exponent or more than 64 bits name no customer: the API's ids
    /// are integers, so `7.0` is none.
    fn visit_f64<E>(self, _: f64) -> Result<Seen, E> {
        Ok(Seen::Number(ShownId::OfNoCustomer))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Seen, A::Error> {
        let mut is_empty = true;
        while array.next_element::<IgnoredAny>()?.is_some() {
            is_empty = false;
        }
        Ok(Seen::Array { is_empty })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Seen, A::Error> {
        if let Some(shown) = self.0 {
            return with_fields(map, shown);
        }
        let (mut is_empty, mut ids, mut ids_count, mut country) =
            (true, Ids::default(), 0_u32, None);
        while let Some(key) = map.next_key::<InnerKey>()? {
            is_empty = false;
            match key {
                InnerKey::Id => {
                    ids.add(map.next_value::<Seen>()?.as_id());
                    ids_count = ids_count.saturating_add(1);
                }
                InnerKey::Country => {
                    let name = map.next_value::<&RawValue>()?;
                    country = Some(hash_of_country(name.get()));
                }
                InnerKey::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Seen::Object {
            is_empty,
            ids,
            country,
            is_repeated: ids_count > 1,
        })
    }
}

/// Reads an object, and keeps the fields of a customer in it.
fn with_fields<'de, A: MapAccess<'de>>(
    mut map: A,
    shown: &mut ShownFields<'de>,
) -> Result<Seen, A::Error> {
    let (mut is_empty, mut ids, mut ids_count, mut country) = (true, Ids::default(), 0_u32, None);
    while let Some(key) = map.next_key::<FieldKey>()? {
        is_empty = false;
        match key {
            FieldKey::Id => {
                ids.add(map.next_value::<Seen>()?.as_id());
                ids_count = ids_count.saturating_add(1);
            }
            FieldKey::Of(field) => {
                let value = map.next_value::<&RawValue>()?.get();
                if field == Field::CountryId {
                    country = Some(hash_of_country(value));
                }
                shown.put(field, value);
            }
            FieldKey::Other => {
                map.next_value::<IgnoredAny>()?;
            }
        }
    }
    Ok(Seen::Object {
        is_empty,
        ids,
        country,
        is_repeated: ids_count > 1,
    })
}

fn hash_of_country(name: &str) -> u64 {
    rapidhash::v3::rapidhash_v3(name.as_bytes())
}

/// The ids that a resource shows, as a rule one. At most two different ids are kept: two prove that
/// one belongs to another customer.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ids {
    first: Option<ShownId>,
    other: Option<ShownId>,
}

/// One value of an `id`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShownId {
    /// The id of a customer.
    Customer(CustomerId),
    /// A number that no customer has.
    OfNoCustomer,
    /// Neither a number nor digits, so it cannot be compared.
    Unknown,
}

impl ShownId {
    fn of_text(text: &str) -> ShownId {
        match CustomerId::parse(text) {
            Ok(customer) => ShownId::Customer(customer),
            Err(IdError::OutOfRange) => ShownId::OfNoCustomer,
            Err(IdError::NotAnInteger) => ShownId::Unknown,
        }
    }

    fn of_number(number: u64) -> ShownId {
        CustomerId::new(number).map_or(ShownId::OfNoCustomer, ShownId::Customer)
    }
}

impl Ids {
    /// Adds an id, unless it cannot be compared.
    pub(crate) fn add(&mut self, id: ShownId) {
        match (id, self.first) {
            (ShownId::Unknown, _) => {}
            (id, None) => self.first = Some(id),
            (id, Some(first)) if id != first => self.other = Some(id),
            (_, Some(_)) => {}
        }
    }

    /// Adds the ids of another object of the same kind.
    pub(crate) fn add_all(&mut self, ids: Ids) {
        ids.first
            .into_iter()
            .chain(ids.other)
            .for_each(|id| self.add(id));
    }

    /// Whether one of them is this customer's.
    pub(crate) fn show(self, customer: CustomerId) -> bool {
        [self.first, self.other].contains(&Some(ShownId::Customer(customer)))
    }

    /// Whether one of them is not this customer's.
    pub(crate) fn show_another(self, customer: CustomerId) -> bool {
        self.first
            .into_iter()
            .chain(self.other)
            .any(|id| id != ShownId::Customer(customer))
    }
}

/// The name of a member of a nested object. Most members are skipped, so only a few names are
/// known.
#[derive(Deserialize)]
#[serde(field_identifier)]
enum InnerKey {
    #[serde(rename = "id")]
    Id,
    #[serde(rename = "country_name")]
    Country,
    #[serde(other)]
    Other,
}

/// The name of a member of a nested object, if fields are kept.
#[derive(Clone, Copy)]
enum FieldKey {
    Id,
    Of(Field),
    Other,
}

impl<'de> Deserialize<'de> for FieldKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FieldKey, D::Error> {
        read_name(deserializer, |name| match name {
            "id" => FieldKey::Id,
            name => ShownFields::field_of(name).map_or(FieldKey::Other, FieldKey::Of),
        })
    }
}

/// The name of a top-level member.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Error,
    Errors,
    Message,
    Success,
    Data,
    Id,
    Title,
    Field,
    Other,
}

impl Key {
    fn of(name: &str) -> Key {
        match name {
            "error" => Key::Error,
            "errors" => Key::Errors,
            "message" => Key::Message,
            "success" => Key::Success,
            "data" => Key::Data,
            "id" => Key::Id,
            "title" => Key::Title,
            name if Field::from_name(name).is_some() => Key::Field,
            _ => Key::Other,
        }
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        read_name(deserializer, Key::of)
    }
}
