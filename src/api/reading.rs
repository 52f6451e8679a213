//! Reads an answer, bounded in bytes, into the plain values that decisions are made on.

use std::time::SystemTime;

use bytes::Bytes;
use reqwest::header::LOCATION;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use url::Url;

use super::{rate_headers, server_error};
use crate::contract::{Body, Response};
use crate::text;

/// The most bytes of a body that are read. The API's resource takes less than a kilobyte; an error page may take more.
const BODY_BYTES_MAX: usize = 64 << 10;

/// Reads an answer to its end, or to as much of it as is of use.
pub(super) async fn read(mut answer: reqwest::Response) -> Result<Response, reqwest::Error> {
    // Mostly all of a body comes at once, and is read where it came in.
    let (mut first, mut all, mut extent) = (Bytes::new(), Vec::new(), Extent::Whole);
    while let Some(chunk) = answer.chunk().await? {
        if first.len().max(all.len()) + chunk.len() > BODY_BYTES_MAX {
            extent = Extent::Cut;
            break;
        }
        if first.is_empty() {
            first = chunk;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&chunk);
        }
    }
    let body = if all.is_empty() { &*first } else { &all };
    Ok(describe(&answer, body, extent))
}

/// How much of a body was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    Cut,
}

fn describe(answer: &reqwest::Response, body: &[u8], extent: Extent) -> Response {
    let (headers, status) = (answer.headers(), answer.status().as_u16());
    let date_unix_s = rate_headers::date_unix_s(headers).or_else(|| rate_headers::unix_s(SystemTime::now()));
    Response {
        status,
        body: match extent {
            Extent::Whole => kind_of(body),
            Extent::Cut => Body::TooLong,
        },
        retry_after: rate_headers::retry_after(headers, date_unix_s),
        shown: None,
        window: rate_headers::window(headers, date_unix_s),
        date_unix_s,
        location_host: if answer.status().is_redirection() { location_host(answer) } else { None },
        // The body of a 5xx is never kept: a debug page carries SQL with the row's values.
        error: answer.status().is_client_error().then(|| server_error::parse(body)),
    }
}

fn location_host(answer: &reqwest::Response) -> Option<String> {
    let location = answer.headers().get(LOCATION)?.to_str().ok()?;
    let target: Url = answer.url().join(location).ok()?;
    target.host_str().map(text::safe)
}

/// What a body is. Only the shape is looked at: values stay unread.
fn kind_of(body: &[u8]) -> Body {
    if body.is_empty() {
        return Body::Empty;
    }
    match serde_json::from_slice::<Shape>(body) {
        Ok(Shape::Object) => Body::APPLIED,
        Ok(Shape::ObjectWithError) => Body::REFUSED,
        // What serde_json cannot read is no JSON, or none of these shapes.
        Err(_) => Body::Other,
    }
}

/// A member's name.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Key {
    Error,
    #[serde(other)]
    Other,
}

/// A JSON object, with or without an `error` member; nothing else is accepted.
enum Shape {
    Object,
    ObjectWithError,
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Shape, D::Error> {
        struct ShapeVisitor;
        impl<'de> Visitor<'de> for ShapeVisitor {
            type Value = Shape;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
                let mut shape = Shape::Object;
                while let Some(key) = map.next_key()? {
                    if let Key::Error = key {
                        shape = Shape::ObjectWithError;
                    }
                    map.next_value::<IgnoredAny>()?;
                }
                Ok(shape)
            }
        }
        deserializer.deserialize_map(ShapeVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, want: Body) {
        assert_eq!(kind_of(body.as_bytes()), want, "{body}");
    }

    #[test]
    fn shapes_of_bodies() {
        check("", Body::Empty);
        check(r#"{"success":"ok","data":{"error":1}}"#, Body::APPLIED);
        check("{}", Body::APPLIED);
        check(r#" {"error":"x"} "#, Body::REFUSED);
        check(r#"{"a":1} {"b":2}"#, Body::Other);
        check(r#"{"success":"ok","data":{"#, Body::Other);
        check("[]", Body::Other);
        check("true", Body::Other);
        check("<!doctype html>", Body::Other);
    }
}
