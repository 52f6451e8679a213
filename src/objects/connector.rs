//! Sends the requests of `object_store` by this program's own clients, and keeps the last answer or
//! the reason why none came, which explain a failure better than an error of the library.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use object_store::client::{
    ClientConfigKey, HttpClient, HttpConnector, HttpError as CallError, HttpErrorKind, HttpRequest,
    HttpResponse, HttpResponseBody, HttpService,
};
use object_store::{ClientOptions, HeaderValue};
use tokio::time::timeout;
use url::Url;

use crate::api::{FileHead, FileServer, HttpError, NoAnswer, PlainHttp, is_loopback};
use crate::objects::BucketOptions;
use crate::objects::address::Provider;
use crate::objects::refusal::{code_in, region, region_in};
use crate::text;

/// The most bytes of an error's body that are read.
const ERROR_BYTES_MAX: usize = 64 << 10;
/// The most servers that connections are kept to: those of the objects, and of the credentials.
const SERVERS_MAX: usize = 4;
/// The header in which S3 names a bucket's region.
const REGION_HEADER: &str = "x-amz-bucket-region";
/// The header in which Azure names an error's code.
const CODE_HEADER: &str = "x-ms-error-code";

/// Connects to the servers of one provider. Copies share the last answer.
#[derive(Clone)]
pub(super) struct Connector(Arc<Shared>);

struct Shared {
    provider: Provider,
    options: BucketOptions,
    servers: Mutex<Vec<Arc<FileServer>>>,
    seen: Mutex<Option<Seen>>,
}

/// The end of the last request.
#[derive(Debug)]
pub(super) enum Seen {
    /// An answer.
    Answer(Answer),
    /// No answer.
    NoAnswer(NoAnswer),
    /// The request was not sent, since it would go to another machine over plain HTTP.
    PlainHttp {
        /// Host and port.
        server: String,
    },
    /// The request was not sent, since the settings for HTTP cannot be used.
    Settings(HttpError),
}

/// The head of an answer, and the facts in the body of an error.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) head: FileHead,
    pub(super) code: Option<String>,
    pub(super) region: Option<String>,
}

/// The error for `object_store` where the connector knows better.
#[derive(Debug, thiserror::Error)]
#[error("the request was not answered")]
struct Unanswered;

/// Sends requests.
#[derive(Debug)]
struct Service {
    connector: Connector,
    plain_http: PlainHttp,
}

impl Connector {
    pub(super) fn new(provider: Provider, options: BucketOptions) -> Connector {
        Connector(Arc::new(Shared {
            provider,
            options,
            servers: Mutex::default(),
            seen: Mutex::default(),
        }))
    }

    /// Takes the end of the last request. `None` if there was none since it was taken.
    pub(super) fn take_seen(&self) -> Option<Seen> {
        self.seen().take()
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Option<Seen>> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps why a request has no answer, and returns the error for `object_store`.
    fn fail(&self, seen: Seen) -> CallError {
        *self.seen() = Some(seen);
        CallError::new(HttpErrorKind::Unknown, Unanswered)
    }

    /// Returns the client for the server of `url`. It is kept, since building one takes a while.
    fn server(&self, url: &Url) -> Result<Arc<FileServer>, HttpError> {
        let mut servers = (self.0.servers.lock()).unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = servers.iter().find(|server| server.serves(url)) {
            return Ok(server.clone());
        }
        let server = Arc::new(FileServer::new(url, self.0.options.ca_file.clone())?);
        if servers.len() == SERVERS_MAX {
            servers.remove(0);
        }
        servers.push(server.clone());
        Ok(server)
    }

    async fn send(&self, url: &Url, request: HttpRequest) -> Result<HttpResponse, CallError> {
        let server = (self.server(url)).map_err(|error| self.fail(Seen::Settings(error)))?;
        let idle_max = self.0.options.idle_max;
        let client = server.client();
        let response = match timeout(idle_max, client.call(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                return Err(match server.no_answer_below(&error) {
                    Some(no_answer) => self.fail(Seen::NoAnswer(no_answer)),
                    None => error,
                });
            }
            Err(_elapsed) => {
                return Err(self.fail(Seen::NoAnswer(server.no_answer_within(idle_max))));
            }
        };
        let head = FileHead::of_parts(response.status(), response.version(), response.headers());
        let of_header = |name: &str| -> Option<String> {
            Some(response.headers().get(name)?.to_str().ok()?.to_owned())
        };
        let (code, named) = (of_header(CODE_HEADER), of_header(REGION_HEADER));
        let mut answer = Answer {
            head,
            code: code.and_then(|code| code_in(&format!("<Code>{code}</Code>"))),
            region: named.as_deref().and_then(region),
        };
        if response.status().is_success() {
            *self.seen() = Some(Seen::Answer(answer));
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let body = timeout(idle_max, beginning(body)).await.unwrap_or_default();
        let text = String::from_utf8_lossy(&body);
        answer.code = answer.code.or_else(|| code_in(&text));
        answer.region = answer.region.or_else(|| region_in(&text));
        *self.seen() = Some(Seen::Answer(answer));
        Ok(HttpResponse::from_parts(parts, Vec::new().into()))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let is_allowed = options
            .get_config_value(&ClientConfigKey::AllowHttp)
            .is_some_and(|value| is_true(&value));
        let plain_http = if is_allowed {
            PlainHttp::Anywhere
        } else {
            self.0.options.plain_http
        };
        Ok(HttpClient::new(Service {
            connector: self.clone(),
            plain_http,
        }))
    }
}

/// Sends a request.
type Call<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, CallError>> + Send + 'a>>;

impl HttpService for Service {
    fn call<'life, 'call>(&'life self, mut request: HttpRequest) -> Call<'call>
    where
        'life: 'call,
        Self: 'call,
    {
        let headers = request.headers_mut();
        headers.insert("accept", HeaderValue::from_static("*/*"));
        // Google unpacks what it stores compressed, unless the client can do so. Positions of ranges
        // count the stored bytes.
        headers.insert(
            "accept-encoding",
            HeaderValue::from_static(match self.connector.0.provider {
                Provider::Google => "gzip",
                Provider::S3 | Provider::Azure => "identity",
            }),
        );
        Box::pin(async move {
            let url = Url::parse(&request.uri().to_string());
            let url = url.map_err(|error| CallError::new(HttpErrorKind::Unknown, error))?;
            let is_refused = url.scheme() != "https" && !is_loopback(&url);
            if is_refused && self.plain_http == PlainHttp::Loopback {
                let server = place_of(&url);
                return Err(self.connector.fail(Seen::PlainHttp { server }));
            }
            self.connector.send(&url, request).await
        })
    }
}

/// Returns host and port, safe to show.
fn place_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    text::safe(&match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// Whether a variable switches something on, as `object_store` reads it.
pub(super) fn is_true(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    ["1", "true", "on", "yes", "y"].contains(&value.as_str())
}

/// Reads the beginning of an error's body. A body that breaks off is taken as far as it came.
async fn beginning(body: HttpResponseBody) -> Vec<u8> {
    let mut stream = body.bytes_stream();
    let mut read = Vec::new();
    while let Some(Ok(chunk)) = stream.next().await {
        let left = ERROR_BYTES_MAX - read.len();
        read.extend(chunk.iter().take(left));
        if read.len() == ERROR_BYTES_MAX {
            break;
        }
    }
    read
}
