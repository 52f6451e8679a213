//! Reads an answer, up to a limit in bytes, into the plain values that decisions are made on.

use std::time::SystemTime;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, ETAG, HeaderMap, LOCATION};
use url::Url;

use crate::api::answer::body::{BodyFacts, Wanted};
use crate::api::answer::server_error::Media;
use crate::api::answer::{body, rate_headers, server_error};
use crate::api::token::secret::Token;
use crate::contract::{
    Body, CUSTOMERS_PER_PAGE, Claim, CustomerId, CustomerPage, Echo, EntityTag, Image, PageError,
    Response, Shown, compare_answer,
};
use crate::text;

/// The most bytes of a body that are read. The API's resource takes less than 2 KB even with the
/// longest address. An error page may take more, but nothing in a longer body is believed. Each of
/// up to 1,024 requests in flight may hold this much, 64 MiB in all.
const BODY_BYTES_MAX: usize = 64 << 10;
/// The same for a page of customers: each may take as much as if it were read singly. One page is in
/// flight at a time.
const PAGE_BYTES_MAX: usize = CUSTOMERS_PER_PAGE * BODY_BYTES_MAX;
/// The most characters of a host's name (RFC 1035 §2.3.4).
const HOST_CHARACTERS_MAX: usize = 255;

/// The parts of a request that its answer is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The customer that the request names. A request for a page names none.
    pub customer: Option<CustomerId>,
    /// The token that authorized the request. It is not kept.
    pub token: &'a Token,
    /// The URL of the request, for a relative redirect.
    pub url: &'a Url,
    /// The update that the customer in the answer is compared with.
    pub compared: Compared<'a>,
    /// Whether the customer in the answer is kept.
    pub image: KeepImage,
}

/// The update that the customer in an answer is compared with, by the body of its request.
#[derive(Debug, Clone, Copy)]
pub enum Compared<'a> {
    /// None: the customer is not looked at.
    WithNothing,
    /// An earlier one, by a request that reads the customer.
    WithEarlier(&'a [u8]),
    /// The one that is answered.
    WithItself(&'a [u8]),
}

/// Whether the customer in an answer is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepImage {
    /// It is.
    Yes,
    /// Nothing of it is.
    No,
}

/// The body of an answer, as far as it was read.
#[derive(Debug, Clone, Copy)]
pub enum BodyBytes<'a> {
    /// The whole body.
    Whole(&'a [u8]),
    /// Longer than the limit.
    TooLong,
}

/// Reads an answer to its end, or up to the limit.
pub(crate) async fn read(
    mut answer: reqwest::Response,
    asked: Asked<'_>,
) -> Result<(Response, Option<Box<Image>>), reqwest::Error> {
    let body = read_body(&mut answer, BODY_BYTES_MAX).await?;
    let (status, headers) = (answer.status(), answer.headers());
    let Some(body) = body else {
        return Ok((response(status, headers, BodyBytes::TooLong, asked), None));
    };
    let response = response(status, headers, BodyBytes::Whole(&body), asked);
    let image = image(&response, &body, asked);
    Ok((response, image))
}

/// Reads an answer to a request for a page of customers.
pub(crate) async fn read_page(
    mut answer: reqwest::Response,
    asked: Asked<'_>,
) -> Result<(Response, Result<CustomerPage, PageError>), reqwest::Error> {
    let body = read_body(&mut answer, PAGE_BYTES_MAX).await?;
    let (status, headers) = (answer.status(), answer.headers());
    let Some(body) = body else {
        let response = response(status, headers, BodyBytes::TooLong, asked);
        return Ok((response, Err(PageError::TooLong)));
    };
    let response = response(status, headers, BodyBytes::Whole(&body), asked);
    let page = if status == StatusCode::OK && !is_refusal(status, response.body) {
        CustomerPage::of_answer(&body)
    } else {
        Err(PageError::NoPage)
    };
    Ok((response, page))
}

/// Reads a body to its end; `None` if it is longer than this.
async fn read_body(
    answer: &mut reqwest::Response,
    bytes_max: usize,
) -> Result<Option<Bytes>, reqwest::Error> {
    // Most bodies come in one piece, which is read in place.
    let (mut first, mut all) = (Bytes::new(), Vec::new());
    while let Some(chunk) = answer.chunk().await? {
        if first.len().max(all.len()) + chunk.len() > bytes_max {
            return Ok(None);
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
    Ok(Some(if all.is_empty() { first } else { all.into() }))
}

/// The customer in a good answer, if it is to be kept.
fn image(response: &Response, body: &[u8], asked: Asked<'_>) -> Option<Box<Image>> {
    let is_good = matches!(
        (response.status, response.body),
        (
            200 | 201,
            Body::Object {
                claim: Claim::Applied,
                ..
            }
        )
    );
    if is_good && asked.image == KeepImage::Yes {
        Image::of_answer(body, asked.customer?).map(Box::new)
    } else {
        None
    }
}

/// Extracts the plain values of an answer. It does no I/O, except that it reads this machine's
/// clock if the answer has no `Date`. Public for the fuzzer.
pub fn response(
    status: StatusCode,
    headers: &HeaderMap,
    bytes: BodyBytes<'_>,
    asked: Asked<'_>,
) -> Response {
    let now_unix_s =
        rate_headers::date_unix_s(headers).or_else(|| rate_headers::unix_s(SystemTime::now()));
    let media = media_of(headers);
    let wanted = match (asked.compared, status) {
        (Compared::WithItself(_), StatusCode::OK | StatusCode::CREATED) => Wanted::ClaimAndFields,
        _ => Wanted::Claim,
    };
    let (bytes, facts) = match bytes {
        BodyBytes::Whole(bytes) => {
            let facts = body::classify(bytes, media, asked.customer, wanted);
            (bytes, facts)
        }
        BodyBytes::TooLong => (
            &b""[..],
            BodyFacts {
                body: Body::TooLong,
                ..BodyFacts::default()
            },
        ),
    };
    let BodyFacts { body, country, .. } = facts;
    let (shown, echo) = match asked.compared {
        Compared::WithNothing => (None, None),
        Compared::WithEarlier(sent) => (shown(status, body, bytes, sent, asked), None),
        Compared::WithItself(sent) => (None, facts.shown.map(|shown| Echo::of(sent, &shown))),
    };
    Response {
        status: status.as_u16(),
        body,
        country,
        entity_tag: shown.and_then(|_| entity_tag(headers)),
        shown,
        echo,
        retry_after: rate_headers::retry_after(headers, now_unix_s),
        window: rate_headers::window(headers, now_unix_s),
        date_unix_s: now_unix_s,
        location_host: if status.is_redirection() {
            location_host(headers, asked)
        } else {
            None
        },
        // The body of a 5xx is never kept: a debug page carries SQL with the row's values.
        error: is_refusal(status, body)
            .then(|| Box::new(server_error::parse(bytes, media, asked.token))),
    }
}

/// Whether the server's words say why a row is refused.
fn is_refusal(status: StatusCode, body: Body) -> bool {
    status.is_client_error()
        || (status.is_success()
            && matches!(
                body,
                Body::Object {
                    claim: Claim::Refused,
                    ..
                }
            ))
}

/// Compares the customer in the answer of a read with the update, if the answer shows that
/// customer.
fn shown(
    status: StatusCode,
    body: Body,
    bytes: &[u8],
    sent: &[u8],
    asked: Asked<'_>,
) -> Option<Shown> {
    let is_good = status == StatusCode::OK
        && matches!(
            body,
            Body::Object {
                claim: Claim::Applied,
                ..
            }
        );
    if is_good {
        compare_answer(sent, bytes, asked.customer?)
    } else {
        None
    }
}

/// The strong entity tag in the headers of an answer. Of several, it is not known which counts.
fn entity_tag(headers: &HeaderMap) -> Option<EntityTag> {
    let mut tags = headers.get_all(ETAG).iter();
    let tag = tags.next()?;
    if tags.next().is_some() {
        return None;
    }
    EntityTag::strong(tag.as_bytes())
}

fn media_of(headers: &HeaderMap) -> Media {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media = value
        .split_once(';')
        .map_or(value, |(media, _)| media)
        .trim();
    if media.eq_ignore_ascii_case("application/problem+json") {
        Media::Problem
    } else {
        Media::Other
    }
}

fn location_host(headers: &HeaderMap, asked: Asked<'_>) -> Option<String> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    let target: Url = asked.url.join(location).ok()?;
    let host = target.host_str()?;
    Some(text::safe_cut(
        &asked.token.hide_in(host, HOST_CHARACTERS_MAX),
        HOST_CHARACTERS_MAX,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Field, FieldSet};
    use reqwest::header::{DATE, HeaderValue};

    const SENT: &[u8] = br#"{"email":"a@b.example"}"#;

    fn read_as(
        status: u16,
        headers: &[(&'static str, &str)],
        body: &str,
        compared: Compared<'_>,
    ) -> Response {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_str(value).expect("a good value"));
        }
        let token = Token::new("canary-7f3a", "the file").expect("a good token");
        let url = Url::parse("https://a.example/v1/customers").expect("a URL");
        let customer = CustomerId::new(7).expect("an id");
        let asked = Asked {
            customer: Some(customer),
            token: &token,
            url: &url,
            compared,
            image: KeepImage::No,
        };
        let status = StatusCode::from_u16(status).expect("a status");
        response(status, &map, BodyBytes::Whole(body.as_bytes()), asked)
    }

    #[test]
    fn a_read_compares_only_the_customer_that_it_is_about() {
        let check = |status: u16, body: &str, want: Option<Shown>| {
            assert_eq!(
                read_as(status, &[], body, Compared::WithEarlier(SENT)).shown,
                want,
                "{status} {body}"
            );
            assert_eq!(
                read_as(status, &[], body, Compared::WithNothing).shown,
                None
            );
        };
        check(
            200,
            r#"{"success":"ok","data":{"id":7,"email":"A@B.example"}}"#,
            Some(Shown::AsSent),
        );
        check(
            200,
            r#"{"id":"7","email":"a@b.example"}"#,
            Some(Shown::AsSent),
        );
        check(
            200,
            r#"{"success":"ok","data":{"id":7,"email":null}}"#,
            Some(Shown::Otherwise),
        );
        check(
            200,
            r#"{"success":"ok","data":{"id":7}}"#,
            Some(Shown::Otherwise),
        );
        check(201, r#"{"data":{"id":7,"email":"a@b.example"}}"#, None);
        check(404, r#"{"data":{"id":7,"email":"a@b.example"}}"#, None);
        check(200, r#"{"data":{"id":9,"email":"a@b.example"}}"#, None);
        check(200, r#"{"data":{"email":"a@b.example"}}"#, None);
        check(200, r#"{"success":"ok"}"#, None);
        check(
            200,
            r#"{"error":"x","data":{"id":7,"email":"a@b.example"}}"#,
            None,
        );
        check(
            200,
            r#"{"data":{"id":7,"email":"a@b.example"},"data":{"id":7,"email":"a@b.example"}}"#,
            None,
        );
        check(200, r#"{"data":{"id":7,"email":"a@b.example"}"#, None);
    }

    #[test]
    fn an_update_is_compared_with_its_own_answer() {
        let differs: FieldSet = [Field::Email].into_iter().collect();
        let check = |status: u16, body: &str, want: Option<FieldSet>| {
            let found = read_as(status, &[], body, Compared::WithItself(SENT));
            assert_eq!(
                (found.echo.map(|echo| echo.differs), found.shown),
                (want, None),
                "{status} {body}"
            );
            for compared in [Compared::WithNothing, Compared::WithEarlier(SENT)] {
                assert_eq!(read_as(status, &[], body, compared).echo, None);
            }
        };
        let other = r#"{"success":"ok","data":{"id":7,"email":"c@b.example"}}"#;
        check(200, other, Some(differs));
        check(201, other, Some(differs));
        check(200, &other.replace("c@b", "a@b"), Some(FieldSet::EMPTY));
        check(200, r#"{"id":7,"email":null}"#, Some(differs));
        check(202, other, None);
        check(422, other, None);
        check(204, "", None);
        check(200, r#"{"success":"ok"}"#, None);
        check(200, r#"{"data":{"email":"c@b.example"}}"#, None);
        check(200, &other.replace('7', "9"), None);
        check(200, &other.replace("ok\"", "ok\",\"error\":\"x\""), None);
    }

    #[test]
    fn a_country_is_compared_by_what_two_answers_show() {
        let country = |body: &str| read_as(200, &[], body, Compared::WithNothing).country;
        let updated = country(r#"{"success":"ok","data":{"id":7,"country_name":"Land"}}"#);
        assert!(updated.is_some());
        assert_eq!(
            updated,
            country(r#"{"data":{"country_name":"Land","id":7}}"#)
        );
        assert_ne!(
            updated,
            country(r#"{"data":{"id":7,"country_name":"Other"}}"#)
        );
        assert_ne!(updated, country(r#"{"data":{"id":7,"country_name":null}}"#));
        assert_eq!(country(r#"{"data":{"id":7}}"#), None);
        let sent = br#"{"email":"a@b.example","country_id":4}"#;
        let shown = |body: &str| read_as(200, &[], body, Compared::WithEarlier(sent)).shown;
        let data = r#"{"data":{"id":7,"email":"a@b.example","country_name":"Land"}}"#;
        assert_eq!(shown(data), Some(Shown::AsSentButCountry));
        assert_eq!(shown(&data.replace("a@b", "c@b")), Some(Shown::Otherwise));
    }

    #[test]
    fn refusals_keep_the_server_s_words_and_failures_do_not() {
        let check = |status: u16, body: &str, want: Option<Option<&str>>| {
            let error = read_as(status, &[], body, Compared::WithNothing).error;
            assert_eq!(
                error.as_ref().map(|error| error.code.as_deref()),
                want,
                "{status} {body}"
            );
        };
        check(409, r#"{"error":"taken"}"#, Some(Some("taken")));
        check(404, "<html>", Some(None));
        check(200, r#"{"error":"taken"}"#, Some(Some("taken")));
        check(200, r#"{"success":"ok"}"#, None);
        check(500, r#"{"error":"taken"}"#, None);
        check(302, r#"{"error":"taken"}"#, None);
    }

    #[test]
    fn problem_json_is_known_by_its_content_type() {
        let check = |content_type: &str, want: Option<&str>| {
            let response = read_as(
                422,
                &[("content-type", content_type)],
                r#"{"title":"Invalid"}"#,
                Compared::WithNothing,
            );
            assert_eq!(
                response.error.and_then(|error| error.message).as_deref(),
                want,
                "{content_type}"
            );
        };
        check("application/problem+json", Some("Invalid"));
        check("Application/Problem+JSON ; charset=utf-8", Some("Invalid"));
        check("application/json", None);
    }

    #[test]
    fn a_redirect_names_its_host_without_the_token() {
        let check = |location: &str, want: Option<&str>| {
            let response = read_as(302, &[("location", location)], "", Compared::WithNothing);
            assert_eq!(response.location_host.as_deref(), want, "{location}");
        };
        check("https://Login.example/x", Some("login.example"));
        check("/login", Some("a.example"));
        check(
            "https://CANARY-7f3a.example/canary-7f3a",
            Some("***.example"),
        );
        check("mailto:x", None);
    }

    #[test]
    fn without_a_date_this_machine_s_clock_counts() {
        let date = read_as(
            200,
            &[(DATE.as_str(), "Sun, 06 Nov 1994 08:49:37 GMT")],
            "",
            Compared::WithNothing,
        )
        .date_unix_s;
        assert_eq!(date, Some(784_111_777));
        let before = rate_headers::unix_s(SystemTime::now());
        let date = read_as(200, &[], "", Compared::WithNothing).date_unix_s;
        assert!(
            before <= date && date <= rate_headers::unix_s(SystemTime::now()),
            "{date:?}"
        );
    }
}
