//! Tests of a sandbox from the client's side of the socket.

mod checks;
mod customers;
mod edits;
mod etags;
mod faults;
mod headers;
mod impostors;
mod lifetime;
mod limits;
mod oauth;
mod pages;
mod reads;
mod shapes;
mod updates;

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Sandbox, SandboxOptions};

/// Longer than any answer takes, unless the sandbox is broken.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// A sandbox and a client that knows its token.
struct Scene {
    sandbox: Sandbox,
    client: reqwest::Client,
}

/// A complete answer.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    /// A body that is not JSON is kept as a string.
    body: Value,
}

impl Scene {
    async fn start(options: SandboxOptions) -> Scene {
        // An error means that another test has installed it already.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .timeout(ANSWER_TIMEOUT)
            .build()
            .unwrap();
        let sandbox = Sandbox::start(options).await.unwrap();
        Scene { sandbox, client }
    }

    /// A request without the headers that the API requires.
    fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.sandbox.base_url()))
    }

    /// A request with the right token and `Accept`.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path)
            .bearer_auth(self.sandbox.token())
            .header("accept", "application/json")
    }

    fn put_request(&self, id: u64, body: &Value) -> RequestBuilder {
        self.request(Method::PUT, &format!("/v1/customers/{id}"))
            .header("content-type", "application/json")
            .body(body.to_string())
    }

    async fn put(&self, id: u64, body: &Value) -> Answer {
        Answer::to(self.put_request(id, body)).await
    }

    async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    /// Writes an update of customer 1 to a new connection, from which the test reads the bytes
    /// itself.
    async fn put_raw(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.sandbox.address()).await.unwrap();
        self.write_put(&mut stream).await;
        stream
    }

    async fn write_put(&self, stream: &mut TcpStream) {
        let token = self.sandbox.token();
        let request = format!(
            "PUT /api/v1/customers/1 HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer {token}\r\n\
             Accept: application/json\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n\
             {{\"job\":\"Clerk\"}}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
    }
}

impl Answer {
    async fn to(request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let status = response.status();
        let headers = response.headers().clone();
        let text = response.text().await.unwrap();
        let is_json = headers
            .get("content-type")
            .is_some_and(|value| value == "application/json");
        let body = if is_json {
            serde_json::from_str(&text).unwrap()
        } else {
            Value::String(text)
        };
        Answer {
            status,
            headers,
            body,
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.header(name).map(|value| value.parse().unwrap())
    }
}

async fn scene_with(faults: &str) -> Scene {
    Scene::start(SandboxOptions {
        faults: faults.parse().unwrap(),
        ..SandboxOptions::default()
    })
    .await
}

/// Reads to the end of the connection.
async fn read_all(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut text = String::new();
    tokio::time::timeout(ANSWER_TIMEOUT, stream.read_to_string(&mut text))
        .await
        .expect("the sandbox ends it")?;
    Ok(text)
}
