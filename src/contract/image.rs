//! The image of a customer: the values that an answer showed, kept so that they can be compared
//! and put back later.

use std::fmt;

use jiff::Timestamp;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::field::FIELDS;
use super::member_name::read_name;
use super::resource::{MemberValue, Resource, is_null};
use super::{CustomerId, Field, FieldSet};

/// The member that holds the name of the country.
const COUNTRY_NAME: &str = "country_name";

/// The values of a customer at one moment.
///
/// It serialises to an object of the shown values by the fields' names, such as
/// `{"first_name":"Ada","email":null,"user_id":7,"country_name":"Country 4"}`. `user_id` is the id
/// of `related_user`. A field without a key was not shown, or was shown twice with no way to tell
/// which value counts. A value that the contract does not know, such as `true`, is kept as its
/// JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Image {
    /// The values in the order of the contract's fields. There is none for `country_id`, whose name
    /// is shown instead.
    values: [Option<MemberValue<'static>>; FIELDS.len()],
    country_name: Option<MemberValue<'static>>,
    marks: Marks,
}

/// The part of an image that is no value of a field. The JSON of an image leaves it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Marks {
    /// The time of the last change, if it was shown.
    pub(crate) updated_at: Option<Timestamp>,
    /// Whether the customer was shown as deleted.
    pub(crate) is_deleted: bool,
}

impl Image {
    /// Returns the image of a customer that an answer shows.
    pub(crate) fn of(shown: &Resource<'_>) -> Image {
        Image {
            values: FIELDS.each_ref().map(|rule| keep(shown.value(rule.field))),
            country_name: keep(shown.country_name()),
            marks: Marks {
                updated_at: shown.updated_at(),
                is_deleted: shown.is_deleted(),
            },
        }
    }

    /// Returns the image with these marks.
    #[must_use]
    pub(crate) fn with_marks(self, marks: Marks) -> Image {
        Image { marks, ..self }
    }

    /// Returns the marks, which the JSON leaves out.
    pub(crate) fn marks(&self) -> Marks {
        self.marks
    }

    /// Returns the image of this customer from the body of an answer; `None` if the answer shows no
    /// customer, or another one.
    pub(crate) fn of_answer(body: &[u8], customer: CustomerId) -> Option<Image> {
        let shown = Resource::of_answer(body)?;
        (shown.id() == Some(customer)).then(|| Image::of(&shown))
    }

    /// Returns the value of a field, or `None` if it was not shown. For `country_id` there is none;
    /// see [`Image::country_name`].
    pub(crate) fn value(&self, field: Field) -> Option<&MemberValue<'static>> {
        self.values.get(field.index())?.as_ref()
    }

    /// Returns the name of the country, or `None` if it was not shown.
    pub(crate) fn country_name(&self) -> Option<&MemberValue<'static>> {
        self.country_name.as_ref()
    }

    /// Returns the name of the country, if it is a text.
    pub(crate) fn country_text(&self) -> Option<&str> {
        self.country_name.as_ref()?.as_text()
    }

    /// Returns the time at which the customer was changed last, if it was shown.
    pub(crate) fn updated_at(&self) -> Option<Timestamp> {
        self.marks.updated_at
    }

    /// Whether the customer was shown as deleted, with a time in `deleted_at`.
    pub(crate) fn is_deleted(&self) -> bool {
        self.marks.is_deleted
    }

    /// Returns the value that shows a field: the name of the country for `country_id`.
    pub(super) fn shown(&self, field: Field) -> Option<&MemberValue<'static>> {
        match field {
            Field::CountryId => self.country_name(),
            _ => self.value(field),
        }
    }

    /// Whether a field was shown with a value other than null and `""`. `country_id` is filled if
    /// the country has a name.
    pub(crate) fn is_filled(&self, field: Field) -> bool {
        self.shown(field).is_some_and(|value| !is_null(value))
    }

    /// Whether a field was shown as null or `""`. `country_id` is empty if the country has no name.
    pub(crate) fn is_empty(&self, field: Field) -> bool {
        self.shown(field).is_some_and(is_null)
    }

    /// Returns the fields that are filled.
    pub(crate) fn fields_filled(&self) -> FieldSet {
        FieldSet::ALL
            .iter()
            .filter(|field| self.is_filled(*field))
            .collect()
    }

    /// Returns those of the fields `among` that are filled here and empty in a later image. A field
    /// that the later image does not show is not lost.
    pub(crate) fn filled_but_lost(&self, later: &Image, among: FieldSet) -> FieldSet {
        self.fields_filled()
            .intersection(among)
            .iter()
            .filter(|field| later.is_empty(*field))
            .collect()
    }
}

/// Returns a copy of a value, unless it was shown twice.
fn keep(value: Option<&MemberValue<'_>>) -> Option<MemberValue<'static>> {
    value
        .filter(|value| **value != MemberValue::Repeated)
        .map(MemberValue::to_owned)
}

impl Serialize for Image {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (rule, value) in FIELDS.iter().zip(&self.values) {
            if let Some(value) = value {
                map.serialize_entry(rule.name, value)?;
            }
        }
        if let Some(name) = &self.country_name {
            map.serialize_entry(COUNTRY_NAME, name)?;
        }
        map.end()
    }
}

/// The member of an image.
enum Member {
    Of(Field),
    CountryName,
    /// A member that only a later version knows.
    Unknown,
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Member, D::Error> {
        read_name(deserializer, |name| match name {
            COUNTRY_NAME => Member::CountryName,
            name => Field::from_name(name).map_or(Member::Unknown, Member::Of),
        })
    }
}

/// Reads JSON that is held in memory.
impl<'de> Deserialize<'de> for Image {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Image, D::Error> {
        struct ImageVisitor;
        impl<'de> Visitor<'de> for ImageVisitor {
            type Value = Image;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Image, A::Error> {
                let mut image = Image::default();
                while let Some(member) = map.next_key::<Member>()? {
                    let slot = match member {
                        Member::Of(field) => image
                            .values
                            .get_mut(field.index())
                            .expect("there is a place for each field"),
                        Member::CountryName => &mut image.country_name,
                        Member::Unknown => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    *slot = Some(map.next_value::<MemberValue<'_>>()?.to_owned());
                }
                Ok(image)
            }
        }
        deserializer.deserialize_map(ImageVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: u64) -> CustomerId {
        CustomerId::new(id).expect("an id")
    }

    fn image(data: &str) -> Image {
        let body = format!(r#"{{"data":{data}}}"#);
        Image::of_answer(body.as_bytes(), id(7)).expect("the customer is shown")
    }

    fn fields<const N: usize>(fields: [Field; N]) -> FieldSet {
        fields.into_iter().collect()
    }

    /// Checks the JSON of the image of a customer, and that it can be read back.
    fn check(data: &str, want: &str) {
        let image = image(data);
        let json = serde_json::to_string(&image).expect("an image");
        assert_eq!(json, want, "{data}");
        let read: Image = serde_json::from_str(&json).expect("an image");
        assert_eq!(read, image, "{data}");
    }

    #[test]
    fn an_image_is_the_values_that_were_shown() {
        check(
            r#"{"id":7,"email":null,"first_name":"Ada","country_name":"Country 4","related_user":{"name":"x","id":7},
                "created_at":"2020-01-01T00:00:00Z","country_id":4,"user_id":9}"#,
            r#"{"first_name":"Ada","email":null,"user_id":7,"country_name":"Country 4"}"#,
        );
        check(
            r#"{"id":"7","job":"Zo\u00eb\n\"","related_user":null}"#,
            "{\"job\":\"Zo\u{eb}\\n\\\"\",\"user_id\":null}",
        );
        check(r#"{"id":7}"#, "{}");
        check(
            r#"{"id":7,"related_user":{"name":"x"},"country_name":null}"#,
            r#"{"country_name":null}"#,
        );
    }

    #[test]
    fn a_value_of_another_kind_keeps_its_json() {
        check(
            r#"{"id":7,"first_name":true,"last_name":1.50,"phone_number":[ "1" ],"email":{"a":"\u00eb"},"job":9223372036854775808,
                "default_channel_id":-9223372036854775808,"related_user":"Ada","country_name":[null]}"#,
            r#"{"first_name":true,"last_name":1.50,"phone_number":[ "1" ],"email":{"a":"\u00eb"},"job":9223372036854775808,"default_channel_id":-9223372036854775808,"user_id":{"related_user":"Ada"},"country_name":[null]}"#,
        );
    }

    #[test]
    fn a_member_that_is_shown_twice_has_no_value() {
        check(
            r#"{"id":7,"job":"a","job":"b","email":null}"#,
            r#"{"email":null}"#,
        );
    }

    #[test]
    fn a_customer_is_deleted_if_there_is_a_time_of_it() {
        let is_deleted = |deleted_at: &str| {
            image(&format!(r#"{{"id":7,"deleted_at":{deleted_at}}}"#)).is_deleted()
        };
        assert!(is_deleted("\"2026-11-23T09:18:04Z\""));
        assert!(is_deleted("1795425484"));
        for value in ["null", "\"\"", "false", "null,\"deleted_at\":\"2026\""] {
            assert!(!is_deleted(value), "{value}");
        }
        assert!(!image(r#"{"id":7}"#).is_deleted(), "it is not shown");
    }

    #[test]
    fn an_image_is_of_the_customer_who_was_asked_for() {
        let of = |body: &str| Image::of_answer(body.as_bytes(), id(7)).is_some();
        assert!(of(r#"{"id":7,"job":"a"}"#));
        assert!(!of(r#"{"data":{"id":8,"job":"a"}}"#));
        assert!(!of(r#"{"data":{"job":"a"}}"#));
        assert!(!of(r#"{"message":"OK"}"#));
        assert!(!of("<html>"));
    }

    #[test]
    fn a_field_is_lost_if_it_was_filled_and_is_empty() {
        let before = image(
            r#"{"id":7,"first_name":"Ada","last_name":"","email":null,"job":true,"address":"12","identity_number":"1",
                "country_name":"Country 4","related_user":{"id":3}}"#,
        );
        let filled = fields([
            Field::FirstName,
            Field::Job,
            Field::Address,
            Field::IdentityNumber,
            Field::CountryId,
            Field::UserId,
        ]);
        assert_eq!(before.fields_filled(), filled);
        assert!(!before.is_filled(Field::Gender), "it is not shown");
        let after = image(
            r#"{"id":7,"first_name":"Eva","last_name":null,"job":"","address":null,"country_name":null,"related_user":null}"#,
        );
        let lost = fields([Field::Job, Field::Address, Field::CountryId, Field::UserId]);
        assert_eq!(before.filled_but_lost(&after, FieldSet::ALL), lost);
        assert_eq!(
            before.filled_but_lost(&after, fields([Field::Job, Field::FirstName])),
            fields([Field::Job])
        );
        assert_eq!(
            before.filled_but_lost(&before, FieldSet::ALL),
            FieldSet::EMPTY
        );
    }

    #[test]
    fn a_country_has_a_name_if_a_text_is_shown() {
        let name = |data: &str| image(data).country_text().map(str::to_owned);
        let norway = name(r#"{"id":7,"country_name":"Norway"}"#);
        assert_eq!(norway.as_deref(), Some("Norway"));
        assert_eq!(name(r#"{"id":7,"country_name":null}"#), None);
        assert_eq!(name(r#"{"id":7,"country_name":7}"#), None);
        assert_eq!(name(r#"{"id":7}"#), None);
    }
}
