//! Gets a file from an address, over redirects. Nothing here decides whether to try again.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE,
    ETAG, HeaderMap, HeaderName, HeaderValue, IF_RANGE, LAST_MODIFIED, LOCATION, RANGE,
    RETRY_AFTER, TRANSFER_ENCODING,
};
use reqwest::{Response, StatusCode, Version};
use tokio::time::timeout;
use url::Url;

use crate::api::http::address::is_loopback;
use crate::api::http::fault::fault_of_answer;
use crate::api::http::file_server::{FileServer, NoAnswer};
use crate::api::http::options::HttpError;
use crate::contract::Fault;
use crate::text;

/// The most redirects that are followed. Stores of files answer with one, to a signed address.
const REDIRECTS_MAX: usize = 5;

/// The way to a file: the address that the user gave, and the settings for all connections. Nothing
/// that holds an address can be printed.
pub(crate) struct Fetcher {
    url: Url,
    ca_file: Option<PathBuf>,
    /// The longest time without a byte.
    idle_max: Duration,
    /// The client for the server that was asked last.
    server: Option<FileServer>,
}

/// A request for a file.
pub(crate) struct Wanted {
    /// The value of the header that authorizes the request. Sent to the address's own server only.
    pub(crate) authorization: Option<HeaderValue>,
    /// The part of the file, if not all of it.
    pub(crate) part: Option<WantedPart>,
}

/// A part of a file (RFC 9110 §14.2).
#[derive(Debug)]
pub(crate) struct WantedPart {
    /// The first byte, counted from 0.
    pub(crate) from: u64,
    /// The validator that the file must still have (RFC 9110 §13.1.5).
    pub(crate) if_range: String,
}

/// The status and headers of an answer. Those that are not text are left out.
#[derive(Debug, Default)]
pub(crate) struct FileHead {
    pub(crate) status: u16,
    pub(crate) content_length: Option<u64>,
    /// Whether an end of the answer can be told from a connection that broke.
    pub(crate) has_own_end: bool,
    pub(crate) content_range: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) retry_after: Option<String>,
    pub(crate) location: Option<String>,
}

/// The bytes behind the head of an answer.
pub(crate) struct FileBody {
    response: Response,
    idle_max: Duration,
}

/// The reason why there is no answer of a server of files.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// No client can be built from the settings.
    #[error(transparent)]
    Settings(#[from] HttpError),
    /// No answer came.
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    /// The last redirect leads to another one.
    #[error(
        "the server redirects more than {REDIRECTS_MAX} times: give the address of the file itself"
    )]
    TooManyRedirects,
    /// A redirect leads to an address that is not asked.
    #[error("the server redirects ({status}) to {place}, which is not followed: {why}")]
    ForeignRedirect {
        /// The status of the redirect.
        status: u16,
        /// The target, safe to show: without path and query.
        place: String,
        /// The rule that it breaks.
        why: &'static str,
    },
}

impl Fetcher {
    /// Returns the way to the file at `url`.
    pub(crate) fn new(url: Url, ca_file: Option<PathBuf>, idle_max: Duration) -> Fetcher {
        Fetcher {
            url,
            ca_file,
            idle_max,
            server: None,
        }
    }

    /// Asks for the file. Redirects are followed from the address itself each time, since the
    /// address that they lead to may be valid for a short time only.
    pub(crate) async fn get(
        &mut self,
        wanted: &Wanted,
    ) -> Result<(FileHead, FileBody), FetchError> {
        let mut url = self.url.clone();
        for _ in 0..=REDIRECTS_MAX {
            let response = self.ask(&url, wanted).await?;
            let head = FileHead::of(&response);
            let Some(target) = head.redirect(&url)? else {
                let idle_max = self.idle_max;
                return Ok((head, FileBody { response, idle_max }));
            };
            url = target;
        }
        Err(FetchError::TooManyRedirects)
    }

    async fn ask(&mut self, url: &Url, wanted: &Wanted) -> Result<Response, FetchError> {
        let (is_own_server, idle_max) = (url.origin() == self.url.origin(), self.idle_max);
        let server = self.server(url)?;
        let mut request = server
            .get(url.clone())
            .header(ACCEPT, "*/*")
            // Positions of ranges count the bytes that are sent.
            .header(ACCEPT_ENCODING, "identity");
        if let Some(WantedPart { from, if_range }) = &wanted.part {
            request = request
                .header(RANGE, format!("bytes={from}-"))
                .header(IF_RANGE, if_range);
        }
        if let Some(authorization) = wanted.authorization.as_ref().filter(|_| is_own_server) {
            request = request.header(AUTHORIZATION, authorization);
        }
        match timeout(idle_max, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(server.no_answer(&error).into()),
            Err(_elapsed) => Err(server.no_answer_within(idle_max).into()),
        }
    }

    /// Returns the client for the server of `url`. It is kept, since building one takes a while.
    fn server(&mut self, url: &Url) -> Result<&FileServer, HttpError> {
        let server = match self.server.take().filter(|server| server.serves(url)) {
            Some(server) => server,
            None => FileServer::new(url, self.ca_file.clone())?,
        };
        Ok(self.server.insert(server))
    }
}

impl FileHead {
    fn of(response: &Response) -> FileHead {
        FileHead::of_parts(response.status(), response.version(), response.headers())
    }

    /// Returns the head of an answer with this status and these headers.
    pub(crate) fn of_parts(status: StatusCode, version: Version, headers: &HeaderMap) -> FileHead {
        let of = |name: HeaderName| text_of(headers, &name);
        FileHead {
            status: status.as_u16(),
            content_length: of(CONTENT_LENGTH).and_then(|length| length.parse().ok()),
            // HTTP/1 without a length or chunks ends where the connection does (RFC 9112 §6.3).
            has_own_end: version > Version::HTTP_11
                || headers.contains_key(CONTENT_LENGTH)
                || headers.contains_key(TRANSFER_ENCODING),
            content_range: of(CONTENT_RANGE),
            content_encoding: of(CONTENT_ENCODING),
            etag: of(ETAG),
            last_modified: of(LAST_MODIFIED),
            date: of(DATE),
            retry_after: of(RETRY_AFTER),
            location: of(LOCATION),
        }
    }

    /// Returns the target of a redirect of `url`; `None` if the answer is none.
    fn redirect(&self, url: &Url) -> Result<Option<Url>, FetchError> {
        let (301 | 302 | 303 | 307 | 308, Some(location)) = (self.status, &self.location) else {
            return Ok(None);
        };
        let refused = |place: String, why| {
            let status = self.status;
            Err(FetchError::ForeignRedirect { status, place, why })
        };
        let Ok(target) = url.join(location) else {
            return refused(
                "no address".to_owned(),
                "give the address of the file itself",
            );
        };
        let host = target.host_str().unwrap_or_default();
        let place = text::safe(&format!("{}://{host}", target.scheme()));
        if target.scheme() != "https" && target.scheme() != url.scheme() {
            return refused(place, "only https addresses are");
        }
        if target.scheme() == "http" && is_loopback(&target) != is_loopback(url) {
            return refused(place, "a redirect over plain HTTP must stay on its machine");
        }
        if !target.username().is_empty() || target.password().is_some() {
            return refused(place, "it has a user name or password");
        }
        Ok(Some(target))
    }
}

impl FileBody {
    /// Returns the next bytes, or `None` at the end of the answer.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        match timeout(self.idle_max, self.response.chunk()).await {
            Ok(chunk) => chunk.map_err(|error| fault_of_answer(&error)),
            Err(_elapsed) => Err(Fault::Timeout),
        }
    }
}

fn text_of(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.to_owned())
}
