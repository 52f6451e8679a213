//! The API client: sends one request about one customer, or for a page of customers, and returns one
//! attempt.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bytes::Bytes;
use reqwest::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName,
    HeaderValue, IF_MATCH,
};
use reqwest::{Method, Request};
use tracing::warn;
use url::Url;

use crate::api::answer::reading;
use crate::api::answer::reading::{Asked, Compared, KeepImage};
use crate::api::http::clients;
use crate::api::http::clients::Clients;
use crate::api::http::fault::{fault_of, fault_of_answer};
use crate::api::http::lanes::{Lanes, Processed};
use crate::api::http::options::{HttpError, HttpOptions, Protocol};
use crate::api::http::route::Route;
use crate::api::token::secret::Token;
use crate::contract::{
    Answer, Answered, Attempt, CUSTOMERS_PER_PAGE, CustomerId, EchoCheck, EntityTag, Fault,
    PageAnswered, PageError, Response,
};

/// The API's name for the header that scopes a request to a tenant.
const X_TENANT: HeaderName = HeaderName::from_static("x-tenant");
/// The setting that names the API, for error messages.
const BASE_URL: &str = "--base-url";

/// The settings for reaching the API.
#[derive(Debug, Clone)]
pub(crate) struct ApiOptions {
    /// The URL before `/v1/customers/{id}`.
    pub base_url: Url,
    /// The tenant that requests are scoped to.
    pub tenant: Option<u64>,
    /// The settings for HTTP.
    pub http: HttpOptions,
    /// Whether the answer to an update is compared with the values sent.
    pub echo: EchoCheck,
}

/// An update of one customer.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    /// The customer.
    pub customer: CustomerId,
    /// The body of the request.
    pub body: Bytes,
    /// The state that the customer must still have, or else the API answers 412 (`If-Match`, RFC
    /// 9110 §13.1.1).
    pub if_match: Option<EntityTag>,
}

/// The client for the API. Clones share its connections.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    requests: Arc<Requests>,
}

/// The parts that all requests share, built once.
#[derive(Debug)]
struct Requests {
    lanes: Lanes,
    route: Route,
    /// The URL of all customers. A customer's URL appends the id, without parsing.
    customers: Url,
    /// All headers of an update, with placeholders for the token and the length of the body: adding
    /// one to the copy for each request would make the map grow.
    update_headers: HeaderMap,
    /// All headers of a read, with a placeholder for the token.
    read_headers: HeaderMap,
    /// Whether the server may not speak HTTP/2. Without TLS there is no ALPN, so `--http2` assumes
    /// that it does.
    doubts_http2: AtomicBool,
    echo: EchoCheck,
}

impl Api {
    /// A client with these options. Connections are made with the first requests.
    pub(crate) fn new(options: &ApiOptions) -> Result<Api, HttpError> {
        let (update_headers, read_headers) = (update_headers(options), read_headers(options));
        let (clients, route) = Clients::new(&options.http, &options.base_url, BASE_URL)?;
        let lanes = Lanes::new(clients)?;
        let customers = customers_url(&options.base_url);
        let doubts_http2 =
            options.http.protocol == Protocol::Http2 && options.base_url.scheme() == "http";
        let doubts_http2 = AtomicBool::new(doubts_http2);
        Ok(Api {
            requests: Arc::new(Requests {
                lanes,
                route,
                customers,
                update_headers,
                read_headers,
                doubts_http2,
                echo: options.echo,
            }),
        })
    }

    /// The route that requests take.
    pub(crate) fn route(&self) -> &Route {
        &self.requests.route
    }

    /// Sends one update and reads the answer. It never fails: a missing answer is an answer, too.
    pub(crate) async fn update(&self, update: Update, token: &Token, image: KeepImage) -> Answered {
        let Update {
            customer,
            body,
            if_match,
        } = update;
        let mut request =
            self.requests
                .request(Method::PUT, &self.requests.update_headers, customer, token);
        *request.body_mut() = Some(body.clone().into());
        let length = HeaderValue::from(body.len());
        request.headers_mut().insert(CONTENT_LENGTH, length);
        if let Some(tag) = if_match {
            let value = HeaderValue::from_bytes(tag.as_bytes());
            let value = value.expect("a tag consists of bytes that a header may have");
            request.headers_mut().insert(IF_MATCH, value);
        }
        let compared = match self.requests.echo {
            EchoCheck::Off => Compared::WithNothing,
            EchoCheck::Warn | EchoCheck::Reject => Compared::WithItself(&body),
        };
        self.requests
            .attempt(request, customer, token, compared, image)
            .await
    }

    /// Reads one customer, bypassing all caches, and compares it with `sent`, the body of an
    /// update. `Response::shown` holds the result if a 200 shows that customer. It never fails,
    /// like [`update`](Api::update).
    pub(crate) async fn read(
        &self,
        customer: CustomerId,
        sent: &[u8],
        token: &Token,
        image: KeepImage,
    ) -> Answered {
        let request =
            self.requests
                .request(Method::GET, &self.requests.read_headers, customer, token);
        self.requests
            .attempt(request, customer, token, Compared::WithEarlier(sent), image)
            .await
    }

    /// Reads a page of customers, counted from 1, bypassing all caches. It never fails, like
    /// [`update`](Api::update).
    pub(crate) async fn page(&self, page: u64, token: &Token) -> PageAnswered {
        let request = self.requests.page_request(page, token);
        self.requests.page_attempt(request, token).await
    }
}

impl Requests {
    /// Builds a request about one customer, without a body.
    fn request(
        &self,
        method: Method,
        headers: &HeaderMap,
        customer: CustomerId,
        token: &Token,
    ) -> Request {
        let mut url = self.customers.clone();
        url.path_segments_mut()
            .expect("an HTTP URL has a path")
            .push(itoa::Buffer::new().format(customer.get()));
        authorized(Request::new(method, url), headers, token)
    }

    /// Builds the request for a page of customers.
    fn page_request(&self, page: u64, token: &Token) -> Request {
        let mut url = self.customers.clone();
        url.query_pairs_mut()
            .append_pair("page", &page.to_string())
            .append_pair("per_page", &CUSTOMERS_PER_PAGE.to_string());
        authorized(Request::new(Method::GET, url), &self.read_headers, token)
    }

    /// Sends a request for a page and reads the answer.
    async fn page_attempt(&self, request: Request, token: &Token) -> PageAnswered {
        let asked = Asked {
            customer: None,
            token,
            url: &self.customers,
            compared: Compared::WithNothing,
            image: KeepImage::No,
        };
        let read = |answer| reading::read_page(answer, asked);
        let (attempt, page) = self.exchange(request, read).await;
        PageAnswered {
            attempt,
            page: page.unwrap_or(Err(PageError::NoPage)),
        }
    }

    /// Sends a request about a customer and reads the answer.
    async fn attempt(
        &self,
        request: Request,
        customer: CustomerId,
        token: &Token,
        compared: Compared<'_>,
        image: KeepImage,
    ) -> Answered {
        let asked = Asked {
            customer: Some(customer),
            token,
            url: &self.customers,
            compared,
            image,
        };
        let read = |answer| reading::read(answer, asked);
        let (attempt, image) = self.exchange(request, read).await;
        Answered {
            attempt,
            image: image.flatten(),
        }
    }

    /// Sends a request, and reads the answer with `read`, which also returns what it shows.
    async fn exchange<S, R>(
        &self,
        request: Request,
        read: impl FnOnce(reqwest::Response) -> R,
    ) -> (Attempt, Option<S>)
    where
        R: Future<Output = Result<(Response, S), reqwest::Error>>,
    {
        let started = Instant::now();
        let (place, client) = self.lanes.take_place();
        let (answer, shown) = match place.send(client, request).await {
            (Ok(answer), _) => match read(answer).await {
                Ok((response, shown)) => (Answer::Response(response), Some(shown)),
                Err(error) => (Answer::Fault(fault_of_answer(&error)), None),
            },
            (Err(error), connection) => {
                let fault = fault_of(&error, &self.route, connection);
                (Answer::Fault(fault), None)
            }
        };
        place.ended(match &answer {
            Answer::Response(_) => Processed::Yes,
            Answer::Fault(Fault::NotProcessed) => Processed::No,
            Answer::Fault(_) => Processed::Unknown,
        });
        self.learn_protocol(&answer);
        let took = started.elapsed();
        (Attempt { answer, took }, shown)
    }

    /// Warns once of the probable cause if connections break before any answer: the schedule only
    /// sees an outage.
    fn learn_protocol(&self, answer: &Answer) {
        if !self.doubts_http2.load(Ordering::Relaxed) {
            return;
        }
        match answer {
            Answer::Fault(Fault::Broken | Fault::NotProcessed) => {
                warn!(
                    "connections break before the first answer: without TLS, --http2 needs a server that speaks HTTP/2 from the first byte (leave --http2 out otherwise)"
                );
            }
            Answer::Fault(_) => return,
            Answer::Response(_) => {}
        }
        self.doubts_http2.store(false, Ordering::Relaxed);
    }
}

/// Adds headers and the token to a request.
fn authorized(mut request: Request, headers: &HeaderMap, token: &Token) -> Request {
    let mut headers = headers.clone();
    headers.insert(AUTHORIZATION, token.authorization());
    *request.headers_mut() = headers;
    request
}

/// The headers that every request about a customer has, with a placeholder for the token.
fn common_headers(options: &ApiOptions) -> HeaderMap {
    let mut headers = clients::headers();
    // The HTTP library would write it anew for each request. HTTP/2 has a field of its own for it.
    if options.http.protocol == Protocol::Http1
        && let Some(host) = host_of(&options.base_url)
    {
        headers.insert(HOST, host);
    }
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer"));
    if let Some(tenant) = options.tenant {
        headers.insert(X_TENANT, HeaderValue::from(tenant));
    }
    headers
}

/// The `Host` of a server: with a port if it is not the usual one (RFC 9110 §7.2).
fn host_of(url: &Url) -> Option<HeaderValue> {
    let host = url.host_str()?;
    let value = match url.port() {
        Some(port) => HeaderValue::from_maybe_shared(Bytes::from(format!("{host}:{port}"))),
        None => HeaderValue::from_str(host),
    };
    value.ok()
}

fn update_headers(options: &ApiOptions) -> HeaderMap {
    let mut headers = common_headers(options);
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}

/// The headers of a read. There is no body, so no content type. Caches are bypassed, since a cached
/// customer may be older than the update in question.
fn read_headers(options: &ApiOptions) -> HeaderMap {
    let mut headers = common_headers(options);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers
}

/// The URL of all customers; a customer's URL appends the id.
pub(crate) fn customers_url(base_url: &Url) -> Url {
    let mut url = base_url.clone();
    url.set_path(&format!(
        "{}/v1/customers",
        base_url.path().trim_end_matches('/')
    ));
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{ACCEPT, USER_AGENT};

    fn api(tenant: Option<u64>) -> Api {
        let http = HttpOptions::plain(Protocol::Http1, 1);
        let base_url = Url::parse("http://127.0.0.1:1/api/").expect("a URL");
        Api::new(&ApiOptions {
            base_url,
            tenant,
            http,
            echo: EchoCheck::Off,
        })
        .expect("a client")
    }

    #[test]
    fn the_host_has_a_port_if_it_is_not_the_usual_one() {
        for (url, want) in [
            ("https://api.example/api", "api.example"),
            ("https://api.example:443", "api.example"),
            ("https://api.example:8443/api", "api.example:8443"),
            ("http://127.0.0.1:80/", "127.0.0.1"),
            ("http://[::1]:8080/api/", "[::1]:8080"),
        ] {
            let host = host_of(&Url::parse(url).expect("a URL"));
            assert_eq!(host.expect("a host"), want, "{url}");
        }
    }

    #[test]
    fn a_page_is_asked_for_as_a_customer_is() {
        let (api, token) = (
            api(Some(3)),
            Token::new("abc", "the file").expect("a good token"),
        );
        let customer = CustomerId::new(7).expect("an id");
        let requests = &api.requests;
        let read = requests.request(Method::GET, &requests.read_headers, customer, &token);
        let page = requests.page_request(12, &token);
        assert_eq!(
            page.url().as_str(),
            "http://127.0.0.1:1/api/v1/customers?page=12&per_page=100"
        );
        assert_eq!(
            (page.method(), page.headers()),
            (read.method(), read.headers())
        );
    }

    #[test]
    fn a_read_says_what_an_update_says_but_for_its_body_and_caches() {
        let check = |tenant: Option<u64>| {
            let (api, token) = (
                api(tenant),
                Token::new("abc", "the file").expect("a good token"),
            );
            let customer = CustomerId::new(7).expect("an id");
            let update =
                api.requests
                    .request(Method::PUT, &api.requests.update_headers, customer, &token);
            let read =
                api.requests
                    .request(Method::GET, &api.requests.read_headers, customer, &token);
            assert_eq!(
                update.url().as_str(),
                "http://127.0.0.1:1/api/v1/customers/7"
            );
            assert_eq!(read.url(), update.url());
            for name in [ACCEPT, USER_AGENT, AUTHORIZATION, X_TENANT] {
                assert_eq!(
                    read.headers().get(&name),
                    update.headers().get(&name),
                    "{name}"
                );
            }
            assert_eq!(read.headers().get(X_TENANT).is_some(), tenant.is_some());
            let value = |request: &Request, name| {
                request
                    .headers()
                    .get(name)
                    .map(HeaderValue::as_bytes)
                    .map(<[u8]>::to_vec)
            };
            assert_eq!(value(&read, AUTHORIZATION), Some(b"Bearer abc".to_vec()));
            assert_eq!(value(&read, CACHE_CONTROL), Some(b"no-cache".to_vec()));
            assert_eq!(
                (value(&read, CONTENT_TYPE), value(&update, CACHE_CONTROL)),
                (None, None)
            );
            assert_eq!(
                value(&update, CONTENT_TYPE),
                Some(b"application/json".to_vec())
            );
        };
        check(None);
        check(Some(3));
    }
}
