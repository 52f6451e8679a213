//! Answers: the server's text is kept short, escaped and without the token; only known codes and
//! fields are shown; and a read never confuses two customers.
#![no_main]

use custsync::testing::api::Token;
use custsync::testing::api::reading::{self, Asked, BodyBytes, Compared, KeepImage};
use custsync::testing::contract::{Body, Claim, CustomerId, FIELDS, Response, Shown};
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

const TOKEN: &str = "canary-7F3a9.Tok~en+/=";
const CUSTOMER: u64 = 7;
const SENT: &[u8] =
    br#"{"first_name":"Zo\u00eb","email":"a@b.example","date_of_birth":"1985-04-12T00:00:00Z","user_id":3}"#;
/// The same customer as the API shows it, with its id to come.
const SHOWN: &str = r#""first_name":"Zoë","email":"a@b.example","date_of_birth":"1985-04-12","related_user":{"id":3}}"#;
const HEADERS: [&str; 8] = [
    "content-type",
    "location",
    "date",
    "retry-after",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "ratelimit",
    "ratelimit-reset",
];
/// The most characters of message and fields together, and what a name may have in addition.
const TEXT_MAX: usize = 256;
const NAME_MAX: usize = 64;

/// Puts the token where the bytes have a `$`: the fuzzer would not find it.
fn with_token(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|byte| if *byte == b'$' { TOKEN.as_bytes() } else { std::slice::from_ref(byte) })
        .copied()
        .collect()
}

fn is_clean(text: &str) -> bool {
    !text.contains(char::is_control) && !text.to_ascii_lowercase().contains(&TOKEN.to_ascii_lowercase())
}

fn is_field(path: &str) -> bool {
    let is_name = |part: &str| part == "id" || FIELDS.iter().any(|rule| rule.name == part);
    let mut parts = path.split('.');
    parts.next().is_some_and(is_name)
        && parts.all(|part| is_name(part) || (!part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())))
}

fn check_words(response: &Response) {
    if let Some(host) = &response.location_host {
        assert!(is_clean(host), "{host:?}");
    }
    let Some(error) = &response.error else { return };
    assert!(
        (400..500).contains(&response.status) || matches!(response.body, Body::Object { claim: Claim::Refused, .. })
    );
    if let Some(code) = &error.code {
        let is_code = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        assert!((1..=NAME_MAX).contains(&code.len()) && code.bytes().all(is_code) && is_clean(code), "{code:?}");
        assert!(code.bytes().any(|byte| byte.is_ascii_alphabetic()), "{code:?}");
    }
    let texts = error.message.iter().chain(error.fields.iter().map(|(_, text)| text));
    assert!(texts.clone().map(|text| text.chars().count()).sum::<usize>() <= TEXT_MAX);
    for text in texts {
        assert!(is_clean(text), "{text:?}");
    }
    for (field, _) in &error.fields {
        assert!(is_field(field) && field.len() <= NAME_MAX && is_clean(field), "{field:?}");
    }
}

fn response(status: StatusCode, headers: &HeaderMap, body: &[u8], compared: Compared<'_>) -> Response {
    let token = Token::new(TOKEN, "the fuzzer").expect("a token");
    let url = "https://a.example/v1/customers".parse().expect("a URL");
    let customer = CustomerId::new(CUSTOMER).expect("an id");
    reading::response(
        status,
        headers,
        BodyBytes::Whole(body),
        Asked { customer: Some(customer), token: &token, url: &url, compared, image: KeepImage::No },
    )
}

// The body comes last, so it is the rest of the fuzzer's input, unchanged.
fuzz_target!(|input: (u16, u8, Vec<(u8, &[u8])>, &[u8])| {
    let (status, kind, values, body) = input;
    // Every other answer is a 200, and few have a status that no server sends.
    let status = if status % 2 == 0 { 200 } else { 100 + status / 2 % 500 };
    let status = StatusCode::from_u16(status).expect("three digits");
    let mut headers = HeaderMap::new();
    for (name, bytes) in &values {
        if let Ok(value) = HeaderValue::from_bytes(&with_token(bytes)) {
            headers.append(HeaderName::from_static(HEADERS[usize::from(*name) % HEADERS.len()]), value);
        }
    }
    if kind % 8 == 0 {
        headers.insert("content-type", HeaderValue::from_static("application/problem+json"));
    }
    let body = with_token(body);
    let written = response(status, &headers, &body, Compared::WithItself(SENT));
    assert_eq!(written.shown, None);
    check_words(&written);
    let read = response(status, &headers, &body, Compared::WithEarlier(SENT));
    assert_eq!((read.body, &read.error, read.echo), (written.body, &written.error, None));
    // The same bytes, parsed completely. What the reader skips need only look like JSON: a number
    // may be out of range.
    let seen: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
    if let (Body::Object { .. }, None) = (read.body, &seen) {
        return;
    }
    if read.shown.is_some() {
        let seen = seen.expect("it is JSON");
        let resource = seen.get("data").filter(|data| !data.is_null()).unwrap_or(&seen);
        let id = resource.get("id").expect("an id");
        let id = id.as_u64().or_else(|| id.as_str()?.parse().ok());
        assert_eq!((status, id), (StatusCode::OK, Some(CUSTOMER)));
    }
    // The bytes as the id of a customer who is shown as sent.
    let id = String::from_utf8_lossy(&body);
    for answer in [format!("{{\"data\":{{\"id\":{id},{SHOWN}}}"), format!("{{\"id\":{id},{SHOWN}")] {
        if response(StatusCode::OK, &headers, answer.as_bytes(), Compared::WithEarlier(SENT)).shown != Some(Shown::AsSent) {
            continue;
        }
        let Ok(seen) = serde_json::from_str::<serde_json::Value>(&answer) else { continue };
        let id = &seen.get("data").filter(|data| !data.is_null()).unwrap_or(&seen)["id"];
        assert_eq!(id.as_u64().or_else(|| id.as_str()?.parse().ok()), Some(CUSTOMER), "{answer}");
    }
});
