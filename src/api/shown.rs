//! Formats a request for a person to read. Nothing is sent, and no token is needed.

use url::Url;

use crate::api::client::customers_url;
use crate::contract::CustomerId;

/// The lines of the request that updates a customer, from the method to the last header about the
/// body.
pub(crate) fn shown_request(
    base_url: &Url,
    tenant: Option<u64>,
    customer: CustomerId,
) -> Vec<String> {
    let (before_path, _) = base_url
        .as_str()
        .split_at(base_url.as_str().len() - base_url.path().len());
    let (_, host) = before_path.split_once("://").unwrap_or(("", before_path));
    let customers = customers_url(base_url);
    let mut lines = vec![
        format!("PUT {}/{customer}", customers.path()),
        format!("Host: {host}"),
        "Authorization: Bearer ***".to_owned(),
        "Accept: application/json".to_owned(),
        "Content-Type: application/json".to_owned(),
    ];
    lines.extend(tenant.map(|tenant| format!("X-Tenant: {tenant}")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_host_are_those_of_the_base_url() {
        let check = |base_url: &str, tenant: Option<u64>, want: [&str; 2], lines: usize| {
            let customer = CustomerId::parse("42").expect("an id");
            let shown = shown_request(&Url::parse(base_url).expect("a URL"), tenant, customer);
            assert_eq!(
                (&shown[..2], shown.len()),
                (&want.map(str::to_owned)[..], lines),
                "{base_url}"
            );
        };
        check(
            "https://a.example/",
            None,
            ["PUT /v1/customers/42", "Host: a.example"],
            5,
        );
        check(
            "https://a.example/api/",
            Some(7),
            ["PUT /api/v1/customers/42", "Host: a.example"],
            6,
        );
        check(
            "http://127.0.0.1:81/a/b/",
            None,
            ["PUT /a/b/v1/customers/42", "Host: 127.0.0.1:81"],
            5,
        );
        check(
            "http://[::1]:80/",
            None,
            ["PUT /v1/customers/42", "Host: [::1]"],
            5,
        );
    }
}
