//! Reads the customers of the sandbox by its own API.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use custsync::testing::sandbox::SandboxThread;
use serde_json::{Map, Value};

/// The most that the API lists on a page.
const PER_PAGE: u64 = 100;
/// Attempts per page: a sandbox with faults is asked again, but not for ever.
const ATTEMPTS_MAX: usize = 20;

/// Checks that the sandbox holds the result of these updates, applied in order.
pub(super) fn holds(
    sandbox: &SandboxThread,
    updates: impl Iterator<Item = (u64, Map<String, Value>)>,
) {
    let mut want: BTreeMap<u64, BTreeMap<String, Value>> = BTreeMap::new();
    for (id, fields) in updates {
        want.entry(id).or_default().extend(fields);
    }
    let shown = customers(sandbox, want.keys().copied().max().unwrap_or_default());
    for (id, fields) in want {
        for (field, value) in fields {
            assert_eq!(
                as_shown(&shown[&id], &field),
                value,
                "{field} of customer {id}"
            );
        }
    }
}

/// A customer, as the API shows it.
pub(super) fn customer(sandbox: &SandboxThread, id: u64) -> Value {
    let answer = (0..ATTEMPTS_MAX).find_map(|_| get(sandbox, &format!("/api/v1/customers/{id}")));
    answer.expect("a customer")["data"].clone()
}

/// A field of the request as a customer's resource shows it: two fields have other names there.
fn as_shown(resource: &Value, field: &str) -> Value {
    match field {
        "user_id" => resource["related_user"]["id"].clone(),
        "country_id" => {
            let name = resource["country_name"].as_str();
            let digits = name.map(|name| {
                name.trim_start_matches("Country ")
                    .parse()
                    .expect("the country's number")
            });
            digits.map_or(Value::Null, |number: i64| number.into())
        }
        _ => resource[field].clone(),
    }
}

/// Customers by id, at most a page beyond `last`.
fn customers(sandbox: &SandboxThread, last: u64) -> BTreeMap<u64, Value> {
    let mut customers = BTreeMap::new();
    for page in 1..=last.div_ceil(PER_PAGE) {
        let path = format!("/api/v1/customers?page={page}&per_page={PER_PAGE}");
        let answer = (0..ATTEMPTS_MAX)
            .find_map(|_| get(sandbox, &path))
            .expect("a page of customers");
        for customer in answer["data"].as_array().expect("a page has data") {
            customers.insert(
                customer["id"].as_u64().expect("a customer has an id"),
                customer.clone(),
            );
        }
    }
    customers
}

/// One answer; `None` if it is missing or not a success.
fn get(sandbox: &SandboxThread, path: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(sandbox.address()).ok()?;
    let token = sandbox.token();
    let head = format!("GET {path} HTTP/1.1\r\nhost: sandbox\r\nauthorization: Bearer {token}\r\n");
    let request = format!("{head}accept: application/json\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let body = answer
        .strip_prefix("HTTP/1.1 200 ")?
        .split_once("\r\n\r\n")?
        .1;
    serde_json::from_str(body).ok()
}
