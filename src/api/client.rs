//! The client: one PUT of one customer, one attempt.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Request};
use tracing::warn;
use url::Url;

use super::http::{self, HttpError, HttpOptions, Protocol};
use super::reading;
use super::token::Token;
use crate::contract::{Answer, Attempt, CustomerId, Fault};

/// The API's name for the header that scopes a request to a tenant.
const X_TENANT: HeaderName = HeaderName::from_static("x-tenant");

/// How the API is reached.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// Up to where `/v1/customers/{id}` begins.
    pub base_url: Url,
    /// The tenant that requests are scoped to.
    pub tenant: Option<u64>,
    /// How servers are reached.
    pub http: HttpOptions,
}

/// The API. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Api {
    requests: Arc<Requests>,
}

/// What all requests have in common, made once.
#[derive(Debug)]
struct Requests {
    /// They take turns.
    clients: Vec<Client>,
    turn: AtomicUsize,
    /// The URL of all customers. A customer's is made of it without being parsed.
    customers: Url,
    /// All headers, with a place for the token: none has to be added to a request's copy, which would have to grow for it.
    headers: HeaderMap,
    /// Whether the server may not speak HTTP/2 at all. Without TLS it is taken to (`--http2`).
    doubts_http2: AtomicBool,
}

impl Api {
    /// A client with these options. Connections are made with the first requests.
    pub fn new(options: &ApiOptions) -> Result<Api, HttpError> {
        let mut headers = http::headers();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(tenant) = options.tenant {
            headers.insert(X_TENANT, HeaderValue::from(tenant));
        }
        let clients = http::clients(&options.http, &options.base_url)?;
        let customers = customers_url(&options.base_url);
        let doubts_http2 = options.http.protocol == Protocol::Http2 && options.base_url.scheme() == "http";
        let (turn, doubts_http2) = (AtomicUsize::new(0), AtomicBool::new(doubts_http2));
        Ok(Api { requests: Arc::new(Requests { clients, turn, customers, headers, doubts_http2 }) })
    }

    /// Sends one update and reads what comes back. Never fails: that nothing came back is an answer too.
    pub async fn update(&self, customer: CustomerId, body: Bytes, token: &Token) -> Attempt {
        let started = Instant::now();
        let answer = match self.requests.put(customer, body, token).await {
            Ok(answer) => match reading::read(answer).await {
                Ok(response) => Answer::Response(response),
                Err(error) => Answer::Fault(fault_of(&error)),
            },
            Err(error) => Answer::Fault(fault_of(&error)),
        };
        self.requests.learn_protocol(&answer);
        Attempt { answer, took: started.elapsed() }
    }
}

impl Requests {
    async fn put(&self, customer: CustomerId, body: Bytes, token: &Token) -> reqwest::Result<reqwest::Response> {
        let mut url = self.customers.clone();
        url.path_segments_mut().expect("an HTTP URL has a path").push(&customer.to_string());
        let mut request = Request::new(Method::PUT, url);
        let mut headers = self.headers.clone();
        headers.insert(AUTHORIZATION, token.authorization());
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body.into());
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.clients.len();
        self.clients.get(turn).expect("there is a client for each turn").execute(request).await
    }

    /// Says once what is probably wrong where connections break before there is any answer: to the schedule it looks like an
    /// outage.
    fn learn_protocol(&self, answer: &Answer) {
        if !self.doubts_http2.load(Ordering::Relaxed) {
            return;
        }
        match answer {
            Answer::Fault(Fault::Broken) => {
                warn!(
                    "connections break before the first answer: without TLS, --http2 needs a server that speaks it at once"
                );
            }
            Answer::Fault(_) => return,
            Answer::Response(_) => {}
        }
        self.doubts_http2.store(false, Ordering::Relaxed);
    }
}

/// The URL of all customers: a customer's has the id behind it.
pub(super) fn customers_url(base_url: &Url) -> Url {
    let mut url = base_url.clone();
    url.set_path(&format!("{}/v1/customers", base_url.path().trim_end_matches('/')));
    url
}

/// Why there is no answer. The error itself is not kept: it names the URL, and with it the customer.
pub(super) fn fault_of(error: &reqwest::Error) -> Fault {
    if error.is_connect() {
        return connect_fault(error);
    }
    if error.is_timeout() { Fault::Timeout } else { Fault::Broken }
}

fn connect_fault(error: &reqwest::Error) -> Fault {
    if error.is_timeout() {
        return Fault::ConnectTimeout;
    }
    let mut source = error.source();
    while let Some(cause) = source {
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(inner) = inner
            && inner.is::<rustls::Error>()
        {
            return Fault::Tls;
        }
        // The connector's own name for a failed look-up; it has no type that could be asked.
        if cause.to_string() == "dns error" {
            return Fault::NameUnknown;
        }
        source = cause.source();
    }
    Fault::Refused
}
