//! Reads what the body of an answer says about the request: applied, refused or neither. It runs
//! once per request, so it allocates nothing for ordinary answers and skips every member that no
//! decision needs.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::api::answer::seen::{Ids, Key, Seen, WithFields};
use crate::api::answer::server_error::Media;
use crate::contract::{Body, Claim, CustomerId, Shape, ShownFields};

/// The facts about a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct BodyFacts<'a> {
    /// Its claim and shape.
    pub(crate) body: Body,
    /// A hash of the country's name in its `data`.
    pub(crate) country: Option<u64>,
    /// The fields of the request's customer, if it shows that customer and they are wanted.
    pub(crate) shown: Option<ShownFields<'a>>,
}

/// The parts of a body that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Its claim.
    Claim,
    /// Its claim, and the customer's fields.
    ClaimAndFields,
}

/// Classifies the whole body of an answer to a request about this customer, or about none.
pub(crate) fn classify(
    body: &[u8],
    media: Media,
    customer: Option<CustomerId>,
    wanted: Wanted,
) -> BodyFacts<'_> {
    if body.is_empty() {
        return BodyFacts::default();
    }
    let Ok(members) = members_of(body, wanted) else {
        // Neither JSON nor an object.
        return BodyFacts {
            body: Body::Other,
            ..BodyFacts::default()
        };
    };
    let claim = members.claim(customer);
    let is_shown = wanted == Wanted::ClaimAndFields && claim == Claim::Applied;
    BodyFacts {
        body: Body::Object {
            claim,
            shape: members.shape(media),
        },
        country: members.data_country,
        shown: match customer {
            Some(customer) if is_shown => members.shown(body, customer),
            Some(_) | None => None,
        },
    }
}

fn members_of(body: &[u8], wanted: Wanted) -> serde_json::Result<BodyMembers<'_>> {
    // In a text that is UTF-8 as a whole, the parser does not check each string anew. In another one,
    // strings that nothing asks for may be anything.
    match simdutf8::basic::from_utf8(body) {
        Ok(text) => parse(serde_json::Deserializer::from_str(text), wanted),
        Err(_) => parse(serde_json::Deserializer::from_slice(body), wanted),
    }
}

fn parse<'a, R: serde_json::de::Read<'a>>(
    mut parser: serde_json::Deserializer<R>,
    wanted: Wanted,
) -> serde_json::Result<BodyMembers<'a>> {
    let members = parser.deserialize_map(MembersVisitor(wanted))?;
    parser.end()?;
    Ok(members)
}

/// The facts that the members of an object add up to.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own about one object, and several may be true"
)]
#[derive(Default)]
struct BodyMembers<'a> {
    /// `error` is not null, `errors` is not empty, or `success` is false.
    refuses: bool,
    /// `success` is a string or true.
    succeeds: bool,
    /// `data` is an object.
    has_data: bool,
    /// The ids of `data` and of the object itself.
    data_ids: Ids,
    own_ids: Ids,
    /// The country in `data`.
    data_country: Option<u64>,
    /// The fields in `data`, if they are wanted.
    data_fields: ShownFields<'a>,
    /// A member is a field of the contract.
    has_field: bool,
    /// `error`, `message` or `errors` is not null.
    has_words: bool,
    /// `title` is not null.
    has_title: bool,
    /// A member that counts occurs twice: parsers differ in which of the two they use.
    is_repeated: bool,
}

impl<'a> BodyMembers<'a> {
    fn claim(&self, customer: Option<CustomerId>) -> Claim {
        let is_bare = !self.has_data && self.has_field;
        let ids = if self.has_data {
            self.data_ids
        } else {
            self.own_ids
        };
        if self.refuses {
            Claim::Refused
        } else if (self.has_data || is_bare)
            && customer.is_some_and(|customer| ids.show_another(customer))
        {
            Claim::OtherCustomer
        } else if self.is_repeated {
            Claim::Nothing
        } else if self.has_data
            || self.succeeds
            || (is_bare && customer.is_some_and(|customer| ids.show(customer)))
        {
            Claim::Applied
        } else {
            Claim::Nothing
        }
    }

    /// The fields of this customer, whether in `data` or in the body itself.
    fn shown(&self, body: &'a [u8], customer: CustomerId) -> Option<ShownFields<'a>> {
        if self.has_data {
            return Some(self.data_fields).filter(|_| self.data_ids.show(customer));
        }
        self.own_ids.show(customer).then(|| bare_fields(body))
    }

    fn shape(&self, media: Media) -> Shape {
        if self.has_words || (media == Media::Problem && self.has_title) {
            Shape::ApiError
        } else {
            Shape::Another
        }
    }
}

/// The fields of a body that is the customer itself.
fn bare_fields(body: &[u8]) -> ShownFields<'_> {
    let mut shown = ShownFields::default();
    let mut parser = serde_json::Deserializer::from_slice(body);
    WithFields(&mut shown)
        .deserialize(&mut parser)
        .expect("it was read before");
    shown
}

struct MembersVisitor(Wanted);

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = BodyMembers<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<BodyMembers<'de>, A::Error> {
        let mut members = BodyMembers::default();
        let mut seen = 0_u32;
        while let Some(key) = map.next_key::<Key>()? {
            members.read(key, &mut map, self.0)?;
            if matches!(
                key,
                Key::Error | Key::Errors | Key::Success | Key::Data | Key::Id
            ) {
                let bit = 1 << key as u32;
                members.is_repeated |= seen & bit != 0;
                seen |= bit;
            }
        }
        Ok(members)
    }
}

impl<'de> BodyMembers<'de> {
    /// Reads the value of a key.
    fn read<A: MapAccess<'de>>(
        &mut self,
        key: Key,
        map: &mut A,
        wanted: Wanted,
    ) -> Result<(), A::Error> {
        match key {
            Key::Error => {
                let is_null = map.next_value::<Seen>()? == Seen::Null;
                self.refuses |= !is_null;
                self.has_words |= !is_null;
            }
            Key::Errors => {
                let errors: Seen = map.next_value()?;
                let is_empty = match errors {
                    Seen::Null
                    | Seen::Array { is_empty: true }
                    | Seen::Object { is_empty: true, .. } => true,
                    Seen::Boolean(_)
                    | Seen::Text(_)
                    | Seen::Number(_)
                    | Seen::Array { is_empty: false }
                    | Seen::Object {
                        is_empty: false, ..
                    } => false,
                };
                self.refuses |= !is_empty;
                self.has_words |= errors != Seen::Null;
            }
            Key::Success => {
                let success: Seen = map.next_value()?;
                self.succeeds |= matches!(success, Seen::Text(_) | Seen::Boolean(true));
                self.refuses |= success == Seen::Boolean(false);
            }
            Key::Data => {
                let data = match wanted {
                    Wanted::Claim => map.next_value()?,
                    Wanted::ClaimAndFields => {
                        map.next_value_seed(WithFields(&mut self.data_fields))?
                    }
                };
                if let Seen::Object {
                    ids,
                    country,
                    is_repeated,
                    ..
                } = data
                {
                    self.data_country = country;
                    self.has_data = true;
                    self.is_repeated |= is_repeated;
                    self.data_ids.add_all(ids);
                }
            }
            Key::Id => self.own_ids.add(map.next_value::<Seen>()?.as_id()),
            Key::Message => self.has_words |= map.next_value::<Seen>()? != Seen::Null,
            Key::Title => self.has_title |= map.next_value::<Seen>()? != Seen::Null,
            Key::Field => {
                self.has_field = true;
                map.next_value::<IgnoredAny>()?;
            }
            Key::Other => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_as(media: Media, body: &str, want: Body) {
        let customer = CustomerId::new(7).expect("an id");
        for wanted in [Wanted::Claim, Wanted::ClaimAndFields] {
            let facts = classify(body.as_bytes(), media, Some(customer), wanted);
            assert_eq!(facts.body, want, "{body}");
        }
    }

    fn check(body: &str, claim: Claim, shape: Shape) {
        check_as(Media::Other, body, Body::Object { claim, shape });
    }

    #[test]
    fn what_is_no_object() {
        check_as(Media::Other, "", Body::Empty);
        for body in [
            r#"{"a":1} {"b":2}"#,
            r#"{"success":"ok","data":{"#,
            r#"{"success":"ok","data":{}}x"#,
            r#"{"success":"ok","data":{},}"#,
            "[]",
            r#"[{"success":"ok","data":{}}]"#,
            "true",
            "null",
            " ",
            "<!doctype html>",
            "{\"success\":\"\u{1}\"}",
        ] {
            check_as(Media::Other, body, Body::Other);
        }
    }

    #[test]
    fn an_update_is_shown_by_success_data_or_the_bare_resource() {
        for body in [
            r#"{"success":"ok","data":{"error":1,"success":false}}"#,
            r#"{"success":"ok"}"#,
            r#"{"success":true}"#,
            r#"{"data":{}}"#,
            r#"{"data":{"id":7}}"#,
            r#"{"data":{"id":"7"}}"#,
            r#"{"data":{"id":"007"}}"#,
            r#"{"data":{"id":null}}"#,
            r#"{"data":{"id":"7f3a"}}"#,
            r#"{"d\u0061ta":{"\u0069d":7}}"#,
            r#"{"id":7,"email":null}"#,
            r#"{"email":"x","id":"7"}"#,
            // The id of something else: the object is not the resource.
            r#"{"id":9,"success":"ok"}"#,
            r#"{"id":9,"email":"x","data":{"id":7}}"#,
        ] {
            check(body, Claim::Applied, Shape::Another);
        }
        for body in [
            "{}",
            r#"{"success":null,"data":null}"#,
            r#"{"success":1,"data":[]}"#,
            r#"{"data":"ok"}"#,
            r#"{"id":7}"#,
            r#"{"id":7,"country_name":"x"}"#,
            r#"{"email":"x"}"#,
            r#"{"id":"x","email":"x"}"#,
        ] {
            check(body, Claim::Nothing, Shape::Another);
        }
    }

    #[test]
    fn a_refusal_wins() {
        for body in [
            r#" {"error":"x"} "#,
            r#"{"error":false,"success":"ok","data":{"id":7}}"#,
            r#"{"success":"ok","data":{"id":7},"error":{}}"#,
            r#"{"success":"ok","errors":["x"]}"#,
            r#"{"success":"ok","errors":{"email":[]}}"#,
            r#"{"errors":"x","data":{"id":9}}"#,
            r#"{"error":"x","error":null}"#,
        ] {
            check(body, Claim::Refused, Shape::ApiError);
        }
        check(
            r#"{"success":false,"data":{"id":7}}"#,
            Claim::Refused,
            Shape::Another,
        );
        check(
            r#"{"success":false,"success":true}"#,
            Claim::Refused,
            Shape::Another,
        );
        check(
            r#"{"success":"ok","error":null,"errors":null}"#,
            Claim::Applied,
            Shape::Another,
        );
        check(
            r#"{"success":"ok","errors":[]}"#,
            Claim::Applied,
            Shape::ApiError,
        );
        check(
            r#"{"success":"ok","errors":{},"message":null}"#,
            Claim::Applied,
            Shape::ApiError,
        );
    }

    #[test]
    fn another_customer_is_no_proof() {
        for body in [
            r#"{"success":"ok","data":{"id":9}}"#,
            r#"{"data":{"id":"8"}}"#,
            r#"{"data":{"id":-7}}"#,
            r#"{"data":{"id":7.5}}"#,
            r#"{"data":{"id":18446744073709551615}}"#,
            r#"{"data":{"id":77777777777777777777777}}"#,
            r#"{"data":{"id":"77777777777777777777777"}}"#,
            r#"{"id":9,"email":"x","success":"ok"}"#,
            r#"{"data":{"id":7,"id":9}}"#,
            r#"{"data":{"id":9,"id":7}}"#,
            r#"{"data":{"id":7},"data":{"id":9},"data":{"id":7}}"#,
            r#"{"id":7,"id":9,"id":7,"email":"x"}"#,
        ] {
            check(body, Claim::OtherCustomer, Shape::Another);
        }
    }

    #[test]
    fn what_is_said_twice_proves_nothing() {
        for body in [
            r#"{"success":"ok","success":"ok"}"#,
            r#"{"success":"ok","success":null}"#,
            r#"{"data":{},"data":null}"#,
            r#"{"data":{"id":7,"id":7}}"#,
            r#"{"id":7,"id":7,"email":"x"}"#,
        ] {
            check(body, Claim::Nothing, Shape::Another);
        }
    }

    #[test]
    fn shapes_of_errors() {
        check(r#"{"message":"x"}"#, Claim::Nothing, Shape::ApiError);
        check(
            r#"{"message":null,"title":"x"}"#,
            Claim::Nothing,
            Shape::Another,
        );
        let problem = |body: &str, shape: Shape| {
            check_as(
                Media::Problem,
                body,
                Body::Object {
                    claim: Claim::Nothing,
                    shape,
                },
            );
        };
        problem(r#"{"title":"x"}"#, Shape::ApiError);
        problem(r#"{"title":null,"detail":"x"}"#, Shape::Another);
    }

    #[test]
    fn depth_is_no_danger() {
        for (open, close) in [("[", "]"), (r#"{"data":"#, "}"), (r#"{"id":"#, "}")] {
            let body = format!("{}1{}", open.repeat(30_000), close.repeat(30_000));
            let judged = classify(
                body.as_bytes(),
                Media::Other,
                Some(CustomerId::new(7).expect("an id")),
                Wanted::ClaimAndFields,
            );
            assert_ne!(
                judged.body,
                Body::Object {
                    claim: Claim::OtherCustomer,
                    shape: Shape::Another
                }
            );
        }
    }
}
