//! Asks the sandbox what it holds, by its own requests.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use custsync::sandbox::SandboxThread;
use serde_json::Value;

/// The most that the API lists on a page.
const PER_PAGE: u64 = 100;
/// A sandbox with faults is asked again, but not for ever.
const ATTEMPTS_MAX: usize = 20;

/// Customers by id, a page beyond `last` at most.
pub(super) fn customers(sandbox: &SandboxThread, last: u64) -> BTreeMap<u64, Value> {
    let mut customers = BTreeMap::new();
    for page in 1..=last.div_ceil(PER_PAGE) {
        let path = format!("/api/v1/customers?page={page}&per_page={PER_PAGE}");
        let answer = (0..ATTEMPTS_MAX).find_map(|_| get(sandbox, &path)).expect("a page of customers");
        for customer in answer["data"].as_array().expect("a page has data") {
            customers.insert(customer["id"].as_u64().expect("a customer has an id"), customer.clone());
        }
    }
    customers
}

/// One answer; `None` where it is no success, or none at all.
fn get(sandbox: &SandboxThread, path: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(sandbox.address()).ok()?;
    let token = sandbox.token();
    let head = format!("GET {path} HTTP/1.1\r\nhost: sandbox\r\nauthorization: Bearer {token}\r\n");
    let request = format!("{head}accept: application/json\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let body = answer.strip_prefix("HTTP/1.1 200 ")?.split_once("\r\n\r\n")?.1;
    serde_json::from_str(body).ok()
}
