//! Where tokens come from while a run goes on: a variable, a file that somebody replaces, or a login that is renewed.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::Client;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use url::Url;

use super::address::is_loopback;
use super::http::{self, HttpError, HttpOptions, Protocol, Proxies, Transport};
use super::oauth::{self, OauthError};
use super::route::Route;
use super::token::{Token, TokenError};
use super::token_file::{LOCK_POLL, LOCK_WAIT_MAX, Lock, Reserved, Tokens, load, locked, recover};

/// A file that is being written is whole after this time.
const WRITING_TAKES: Duration = Duration::from_millis(100);
/// The setting that names the token endpoint.
const TOKEN_URL: &str = "the token file's token_url";

/// Where tokens come from.
#[derive(Debug, Clone)]
pub struct TokenSource {
    place: Place,
    endpoint: Arc<Endpoint>,
}

#[derive(Debug, Clone)]
enum Place {
    /// Given once, by the environment or by the sandbox.
    Given(SecretString),
    /// A file that may be replaced while the run goes on.
    File(PathBuf),
}

/// How the token endpoint is reached.
#[derive(Debug, Clone)]
pub struct EndpointOptions {
    /// Timeouts and authorities, as for the API. What may carry a request and whether there is a proxy follows from the URL.
    pub http: HttpOptions,
    /// Whether a URL of another machine may be plain HTTP.
    pub plain_http: PlainHttp,
    /// What the client proves itself with, where the token file does not say it.
    pub client_secret: Option<SecretString>,
}

/// Where plain HTTP may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainHttp {
    /// To this machine.
    Loopback,
    /// Anywhere: the user insists.
    Anywhere,
}

/// A token to send, and for how long.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Authorizes requests.
    pub token: Token,
    /// How long it is good for from now on, where it can be renewed before that.
    pub lifetime: Option<Duration>,
}

/// Why a token is to be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The API refused it, or it expires soon.
    Needed,
    /// Its file has changed: it is read, and nothing else.
    FileChanged,
}

/// Where another token came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was exchanged for just now.
    Endpoint,
    /// Somebody else put it into the file.
    File,
}

/// What renewing a token brought.
#[derive(Debug)]
pub enum Renewed {
    /// Another token.
    Fresh(Grant, Origin),
    /// The same, and there is no way to another.
    Unchanged,
    /// There is none: somebody has to log in.
    Refused(RenewalError),
    /// The file holds nothing of use, or cannot hold new tokens.
    Unusable(RenewalError),
    /// None now, perhaps later.
    Unavailable(RenewalError),
}

/// Why a token could not be renewed.
#[derive(Debug, thiserror::Error)]
pub enum RenewalError {
    /// The file.
    #[error(transparent)]
    File(#[from] TokenError),
    /// The token endpoint.
    #[error(transparent)]
    Endpoint(#[from] OauthError),
    /// No client can be made for it.
    #[error(transparent)]
    Client(#[from] HttpError),
    /// The refresh token would be sent in the open.
    #[error("the token file's token_url is plain http to {host}: use https, or --allow-http")]
    PlainHttp {
        /// The URL's host.
        host: String,
    },
}

/// How the token endpoint is reached, and the client that did so the last time.
#[derive(Debug)]
struct Endpoint {
    options: EndpointOptions,
    client: Mutex<Option<(Url, (Client, Route))>>,
}

impl TokenSource {
    /// A token that stays as it is.
    pub fn given(token: SecretString, options: EndpointOptions) -> TokenSource {
        TokenSource::new(Place::Given(token), options)
    }

    /// A token file.
    pub fn file(path: PathBuf, options: EndpointOptions) -> TokenSource {
        TokenSource::new(Place::File(path), options)
    }

    fn new(place: Place, options: EndpointOptions) -> TokenSource {
        TokenSource { place, endpoint: Arc::new(Endpoint { options, client: Mutex::new(None) }) }
    }

    /// The token that a run begins with. That it can be renewed, if it is to be, is found out before anything is sent.
    pub fn read(&self) -> Result<Grant, RenewalError> {
        match &self.place {
            Place::Given(secret) => {
                Ok(Grant { token: Token::new(secret.expose_secret(), "CUSTSYNC_TOKEN")?, lifetime: None })
            }
            Place::File(path) => {
                let tokens = load_and_recover(path)?;
                if let Some(token_url) = tokens.token_url.as_ref().filter(|_| tokens.can_be_renewed()) {
                    self.endpoint.client(token_url)?;
                }
                Ok(grant(&tokens)?)
            }
        }
    }

    /// Tells when the file was changed.
    pub fn watch(&self) -> FileWatch {
        let path = match &self.place {
            Place::Given(_) => None,
            Place::File(path) => Some(path.clone()),
        };
        let seen = path.as_deref().and_then(Fingerprint::of);
        FileWatch { path, seen }
    }

    /// Gets another token than `current`. One call at a time; it must be waited for, since it may hold tokens that are not on
    /// the disk yet.
    pub async fn renew(&self, current: &Token, occasion: Occasion) -> Renewed {
        let Place::File(path) = &self.place else { return Renewed::Unchanged };
        let tokens = match read_again(path, current).await {
            Ok(Content::Other(grant)) => return Renewed::Fresh(grant, Origin::File),
            Ok(Content::Same(tokens) | Content::Expired(tokens)) => tokens,
            Err(error) => return Renewed::Unusable(error.into()),
        };
        if occasion == Occasion::FileChanged || !tokens.can_be_renewed() {
            return Renewed::Unchanged;
        }
        match self.exchange(path, current).await {
            Ok(renewed) => renewed,
            Err(RenewalError::Endpoint(error)) if error.may_pass() => Renewed::Unavailable(error.into()),
            Err(RenewalError::File(error @ TokenError::Locked { .. })) => Renewed::Unavailable(error.into()),
            Err(error @ RenewalError::Endpoint(_)) => Renewed::Refused(error),
            Err(error) => Renewed::Unusable(error),
        }
    }

    /// Spends the refresh token, unless another process has done so already.
    async fn exchange(&self, path: &Path, current: &Token) -> Result<Renewed, RenewalError> {
        let lock = lock(path).await?;
        recover(path, &lock)?;
        let tokens = match content(load(path)?, current)? {
            Content::Other(grant) => return Ok(Renewed::Fresh(grant, Origin::File)),
            Content::Same(tokens) | Content::Expired(tokens) => tokens,
        };
        let Some(token_url) = &tokens.token_url else { return Ok(Renewed::Unchanged) };
        let client = self.endpoint.client(token_url)?;
        let reserved = on_disk(path, |path| Reserved::beside(&path)).await?;
        match oauth::refresh(&client, &tokens, self.endpoint.options.client_secret.as_ref()).await {
            Ok(fresh) => {
                // The old refresh token is dead from now on: first of all the new one is kept, and it is used once it is durable.
                let filled = reserved.fill(&fresh)?;
                on_disk(path, move |_| filled.put_into_place()).await?;
                Ok(Renewed::Fresh(grant(&fresh)?, Origin::Endpoint))
            }
            Err(error) => {
                reserved.release();
                Err(error.into())
            }
        }
    }
}

impl Endpoint {
    fn client(&self, token_url: &Url) -> Result<(Client, Route), RenewalError> {
        let mut kept = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((url, client)) = &*kept
            && url == token_url
        {
            return Ok(client.clone());
        }
        let client = http::client(&self.http_options(token_url)?, token_url, TOKEN_URL)?;
        *kept = Some((token_url.clone(), client.clone()));
        Ok(client)
    }

    fn http_options(&self, token_url: &Url) -> Result<HttpOptions, RenewalError> {
        let is_local = is_loopback(token_url);
        let transport = match (token_url.scheme(), self.options.plain_http) {
            ("http", PlainHttp::Anywhere) => Transport::HttpAllowed,
            ("http", PlainHttp::Loopback) if is_local => Transport::HttpAllowed,
            ("http", PlainHttp::Loopback) => {
                let host = token_url.host_str().unwrap_or_default().to_owned();
                return Err(RenewalError::PlainHttp { host });
            }
            (_, _) => Transport::HttpsOnly,
        };
        let proxies = if is_local { Proxies::None } else { Proxies::OfTheEnvironment };
        Ok(HttpOptions { transport, proxies, in_flight_max: 1, protocol: Protocol::Http1, ..self.options.http.clone() })
    }
}

/// What a file that was read again holds.
enum Content {
    /// A token that was not sent yet.
    Other(Grant),
    /// The token that is to be renewed.
    Same(Tokens),
    /// Another token, but of no use any more.
    Expired(Tokens),
}

fn content(tokens: Tokens, current: &Token) -> Result<Content, TokenError> {
    let grant = grant(&tokens)?;
    Ok(if grant.token.is_same(current) {
        Content::Same(tokens)
    } else if grant.lifetime == Some(Duration::ZERO) {
        Content::Expired(tokens)
    } else {
        Content::Other(grant)
    })
}

fn grant(tokens: &Tokens) -> Result<Grant, TokenError> {
    let token = Token::new(tokens.access_token.expose_secret(), "the access token")?;
    let until = tokens.expires_at.filter(|_| tokens.can_be_renewed());
    // What lies in the past is no time at all.
    let lifetime = until.map(|until| until.duration_since(Timestamp::now()).try_into().unwrap_or(Duration::ZERO));
    Ok(Grant { token, lifetime })
}

/// Reads the file. Where it holds something new or nothing of use, it may be that somebody is writing it, without the care of
/// `save`: what counts is what it holds a moment later.
async fn read_again(path: &Path, current: &Token) -> Result<Content, TokenError> {
    let read = |path: &Path| content(load(path)?, current);
    match read(path) {
        Ok(Content::Other(grant)) if grant.lifetime.is_some() => Ok(Content::Other(grant)),
        Ok(same @ (Content::Same(_) | Content::Expired(_))) => Ok(same),
        Ok(Content::Other(_)) | Err(_) => {
            sleep(WRITING_TAKES).await;
            read(path)
        }
    }
}

/// Reads the file. Should an earlier process have died while it renewed a login, that is made good first.
fn load_and_recover(path: &Path) -> Result<Tokens, TokenError> {
    let tokens = load(path)?;
    if tokens.can_be_renewed()
        && let Some(lock) = Lock::take(path)?
    {
        recover(path, &lock)?;
        return load(path);
    }
    Ok(tokens)
}

async fn lock(path: &Path) -> Result<Lock, TokenError> {
    let started = Instant::now();
    while started.elapsed() < LOCK_WAIT_MAX {
        if let Some(lock) = Lock::take(path)? {
            return Ok(lock);
        }
        sleep(LOCK_POLL).await;
    }
    Err(locked(path))
}

/// Does what waits for the disk on a thread where it holds up no request.
async fn on_disk<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce(PathBuf) -> Result<T, TokenError> + Send + 'static,
) -> Result<T, TokenError> {
    let path = path.to_owned();
    match spawn_blocking(move || work(path)).await {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// Tells when a token file was changed.
#[derive(Debug)]
pub struct FileWatch {
    path: Option<PathBuf>,
    seen: Option<Fingerprint>,
}

/// What changes when a file is written or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fingerprint {
    device: u64,
    inode: u64,
    changed: (i64, i64),
    bytes: u64,
}

impl Fingerprint {
    fn of(path: &Path) -> Option<Fingerprint> {
        let read = || -> io::Result<Fingerprint> {
            let file = std::fs::metadata(path)?;
            let changed = (file.mtime(), file.mtime_nsec());
            Ok(Fingerprint { device: file.dev(), inode: file.ino(), changed, bytes: file.len() })
        };
        read().ok()
    }
}

impl FileWatch {
    /// Whether the file has changed since this was asked the last time. One that is gone for a moment has not.
    pub fn has_changed(&mut self) -> bool {
        let now = self.path.as_deref().and_then(Fingerprint::of);
        if now.is_none() || now == self.seen {
            return false;
        }
        self.seen = now;
        true
    }
}
