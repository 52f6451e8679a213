//! The source of tokens during a run: a variable, a file that another program replaces, or a login
//! that is refreshed.

use crate::text::{safe_path, utc_second, with_causes};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::api::token::endpoint::{Endpoint, EndpointOptions};
use crate::api::token::file::{LOCK_POLL, LOCK_WAIT_MAX, Lock, load, locked};
use crate::api::token::file_watch::FileWatch;
use crate::api::token::oauth;
use crate::api::token::refresh_error::RefreshError;
use crate::api::token::secret::{Token, TokenError};
use crate::api::token::tokens::Tokens;
use crate::api::token::unfinished::{Note, Reserved, recover};

/// The time after which a file that is being written is complete.
const WRITING_TAKES: Duration = Duration::from_millis(100);
/// The longest wait for a file that is empty, cut off or missing: it may be written in place, or
/// mounted a moment late.
const FILE_WAIT_MAX: Duration = Duration::from_secs(5);

/// The source of tokens. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct TokenSource {
    place: TokenPlace,
    endpoint: Arc<Endpoint>,
    /// Tokens that could not be saved to the file.
    unsaved: Arc<Mutex<Option<Unsaved>>>,
}

#[derive(Debug, Clone)]
enum TokenPlace {
    /// One fixed token, from the environment or the sandbox.
    Fixed(SecretString),
    /// A file, which may be replaced during the run.
    File(PathBuf),
}

/// A login that this process holds and the file does not.
#[derive(Debug)]
struct Unsaved {
    tokens: Tokens,
    /// The refresh token in the file, which was spent for this login.
    spent: SecretString,
}

/// Becomes true when the run is about to end. No refresh begins after that, and no file is waited
/// for.
pub(crate) type Stopping = watch::Receiver<bool>;

/// A token to send, and its lifetime.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    /// Authorizes requests.
    pub token: Token,
    /// The time from now until it expires, if it can be refreshed before that.
    pub lifetime: Option<Duration>,
}

/// The reason for a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefreshCause {
    /// The API refused the token, or it expires soon.
    Needed,
    /// The file has changed: it is read, and no token is exchanged.
    FileChanged,
}

/// The origin of a new token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The token endpoint, just now.
    Endpoint,
    /// The file, where another program put it.
    File,
}

/// The result of a refresh.
#[derive(Debug)]
pub(crate) enum RefreshResult {
    /// Another token.
    Fresh(Grant, Origin),
    /// The same token: there is no way to get another.
    Unchanged,
    /// No token: a person has to log in.
    Refused(RefreshError),
    /// The file holds no usable token, or cannot be written.
    Unusable(RefreshError),
    /// No token now, perhaps later.
    Unavailable(RefreshError),
}

impl TokenSource {
    /// A source of one token that never changes.
    pub(crate) fn fixed(token: SecretString, options: EndpointOptions) -> TokenSource {
        TokenSource::new(TokenPlace::Fixed(token), options)
    }

    /// A source that reads a token file.
    pub(crate) fn file(path: PathBuf, options: EndpointOptions) -> TokenSource {
        TokenSource::new(TokenPlace::File(path), options)
    }

    fn new(place: TokenPlace, options: EndpointOptions) -> TokenSource {
        TokenSource {
            place,
            endpoint: Arc::new(Endpoint::new(options)),
            unsaved: Arc::default(),
        }
    }

    /// The token that a run begins with. If it has a refresh token, a client for the token endpoint
    /// is built first, so that a bad setting is found before anything is sent. A file that is empty
    /// or missing is waited for.
    pub(crate) fn read(&self) -> Result<Grant, RefreshError> {
        match &self.place {
            TokenPlace::Fixed(secret) => Ok(Grant {
                token: Token::new(secret.expose_secret(), "CUSTSYNC_TOKEN")?,
                lifetime: None,
            }),
            TokenPlace::File(path) => {
                let tokens = load_and_recover(path)?;
                if let Some(token_url) = tokens
                    .token_url
                    .as_ref()
                    .filter(|_| tokens.can_be_refreshed())
                {
                    self.endpoint.client(token_url)?;
                }
                Ok(grant(&tokens)?)
            }
        }
    }

    /// A watch on the file, for changes.
    pub(crate) fn watch(&self) -> FileWatch {
        FileWatch::new(match &self.place {
            TokenPlace::Fixed(_) => None,
            TokenPlace::File(path) => Some(path.clone()),
        })
    }

    /// Gets another token than `current`. Only one call at a time is allowed, and it must be
    /// awaited to its end, since it may hold tokens that are not on the disk yet.
    pub(crate) async fn refresh(
        &self,
        current: &Token,
        cause: RefreshCause,
        stopping: &mut Stopping,
    ) -> RefreshResult {
        let TokenPlace::File(path) = &self.place else {
            return RefreshResult::Unchanged;
        };
        let tokens = match self.read_again(path, current, cause, stopping).await {
            Ok(FileContent::Other(grant)) => return RefreshResult::Fresh(grant, Origin::File),
            Ok(FileContent::Same(tokens) | FileContent::Expired(tokens)) => tokens,
            Err(error) => return RefreshResult::Unusable(error.into()),
        };
        if cause == RefreshCause::FileChanged || !tokens.can_be_refreshed() {
            return RefreshResult::Unchanged;
        }
        match self.exchange(path, current, stopping).await {
            Ok(refreshed) => refreshed,
            Err(RefreshError::Endpoint(error)) if error.may_pass() => {
                RefreshResult::Unavailable(error.into())
            }
            // A full disk may have room later, and the refresh token is not spent before there is
            // room.
            Err(RefreshError::File(
                error @ (TokenError::Locked { .. } | TokenError::Write { .. }),
            )) => RefreshResult::Unavailable(error.into()),
            Err(error @ (RefreshError::Endpoint(_) | RefreshError::CutOff { .. })) => {
                RefreshResult::Refused(error)
            }
            Err(error) => RefreshResult::Unusable(error),
        }
    }

    /// Spends the refresh token, unless another process already has, or the run is about to end.
    async fn exchange(
        &self,
        path: &Path,
        current: &Token,
        stopping: &Stopping,
    ) -> Result<RefreshResult, RefreshError> {
        let Some(lock) = lock(path, stopping).await? else {
            return Ok(RefreshResult::Unchanged);
        };
        let cut_off_at = recover(path, &lock)?;
        self.save_unsaved(path);
        let tokens = match content(self.load(path)?, current)? {
            FileContent::Other(grant) => return Ok(RefreshResult::Fresh(grant, Origin::File)),
            FileContent::Same(tokens) | FileContent::Expired(tokens) => tokens,
        };
        let (Some(token_url), Some(refresh_token)) = (&tokens.token_url, &tokens.refresh_token)
        else {
            return Ok(RefreshResult::Unchanged);
        };
        let client = self.endpoint.client(token_url)?;
        let note = Note::new(refresh_token, cut_off_at);
        let reserved = on_disk(path, move |path| Reserved::beside(&path, Some(&note))).await;
        // If only this process holds the login, the file has nothing to lose.
        let reserved = if self.has_unsaved() {
            reserved.ok()
        } else {
            Some(reserved?)
        };
        if *stopping.borrow() {
            reserved.into_iter().for_each(Reserved::release);
            return Ok(RefreshResult::Unchanged);
        }
        match oauth::refresh(&client, &tokens, self.endpoint.client_secret()).await {
            Ok(fresh) => {
                self.keep(path, reserved, &fresh, refresh_token).await;
                // The lifetime is what is left after that.
                Ok(RefreshResult::Fresh(grant(&fresh)?, Origin::Endpoint))
            }
            Err(error) => {
                let is_spent_perhaps =
                    cut_off_at.is_some() || error.may_have_spent_the_refresh_token();
                if !is_spent_perhaps {
                    reserved.into_iter().for_each(Reserved::release);
                }
                Err(
                    match cut_off_at.filter(|_| error.is_about_the_refresh_token()) {
                        Some(began) => RefreshError::CutOff { began, error },
                        None => error.into(),
                    },
                )
            }
        }
    }

    /// Saves new tokens to the file. The old refresh token is already spent, so the new tokens are
    /// used even if this fails.
    async fn keep(
        &self,
        path: &Path,
        reserved: Option<Reserved>,
        fresh: &Tokens,
        spent: &SecretString,
    ) {
        let Some(reserved) = reserved else {
            return self.hold(fresh, spent);
        };
        let kept = match reserved.fill(fresh) {
            Ok(filled) => on_disk(path, move |_| filled.put_into_place()).await,
            Err(error) => Err(error),
        };
        match kept {
            Ok(()) => *self.unsaved() = None,
            Err(error) => {
                warn!(
                    "{}; the new token is used all the same, and it is tried again to keep it",
                    with_causes(&error)
                );
                self.hold(fresh, spent);
            }
        }
    }

    fn hold(&self, tokens: &Tokens, spent: &SecretString) {
        let mut unsaved = self.unsaved();
        // Of several unsaved logins in a row, the file holds the one before the first.
        let spent = unsaved
            .take()
            .map_or_else(|| spent.clone(), |earlier| earlier.spent);
        *unsaved = Some(Unsaved {
            tokens: tokens.clone(),
            spent,
        });
    }

    /// Tries again to save tokens that the file could not take before. The caller holds the lock.
    fn save_unsaved(&self, path: &Path) {
        let mut unsaved = self.unsaved();
        let Some(Unsaved { tokens, spent }) = unsaved.as_ref() else {
            return;
        };
        // Another login may have replaced the file meanwhile.
        let is_theirs = load(path).is_ok_and(|tokens| !is_refresh_token(&tokens, spent));
        let kept = || Reserved::beside(path, None)?.fill(tokens)?.put_into_place();
        if is_theirs || kept().is_ok() {
            *unsaved = None;
        }
    }

    /// Saves tokens that only this process holds, because it is about to end. The error means that
    /// the login is lost.
    pub(crate) fn finish(&self) -> Result<(), LoginLost> {
        let TokenPlace::File(path) = &self.place else {
            return Ok(());
        };
        if self.has_unsaved()
            && let Ok(Some(_lock)) = Lock::take(path)
        {
            self.save_unsaved(path);
        }
        if self.has_unsaved() {
            Err(LoginLost {
                file: safe_path(path),
            })
        } else {
            Ok(())
        }
    }

    /// Reads the file. A login in it that this process has spent is replaced by its successor.
    fn load(&self, path: &Path) -> Result<Tokens, TokenError> {
        let unsaved = self.unsaved();
        match (load(path), unsaved.as_ref()) {
            (Ok(tokens), Some(unsaved)) if !is_refresh_token(&tokens, &unsaved.spent) => Ok(tokens),
            (_, Some(unsaved)) => Ok(unsaved.tokens.clone()),
            (loaded, None) => loaded,
        }
    }

    fn has_unsaved(&self) -> bool {
        self.unsaved().is_some()
    }

    fn unsaved(&self) -> MutexGuard<'_, Option<Unsaved>> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the file again. Content that is new or unusable may be half written by a program that
    /// does not replace the file atomically. So the file is read once more a moment later, or for
    /// some seconds if a token is needed and there is none.
    async fn read_again(
        &self,
        path: &Path,
        current: &Token,
        cause: RefreshCause,
        stopping: &mut Stopping,
    ) -> Result<FileContent, TokenError> {
        let read = || content(self.load(path)?, current);
        match read() {
            Ok(FileContent::Other(grant)) if grant.lifetime.is_some() => {
                return Ok(FileContent::Other(grant));
            }
            Ok(same @ (FileContent::Same(_) | FileContent::Expired(_))) => return Ok(same),
            Ok(FileContent::Other(_)) | Err(_) => sleep(WRITING_TAKES).await,
        }
        let (started, mut is_logged) = (Instant::now(), false);
        let mut found = read();
        while let Some(why) = found.as_ref().err().and_then(TokenError::may_pass_because)
            && cause == RefreshCause::Needed
            && let Some(left) = FILE_WAIT_MAX.checked_sub(started.elapsed())
        {
            if !is_logged {
                is_logged = true;
                info!(
                    "{why}: it is read again for up to {} s",
                    FILE_WAIT_MAX.as_secs()
                );
            }
            if timeout(
                WRITING_TAKES.min(left),
                stopping.wait_for(|is_stopping| *is_stopping),
            )
            .await
            .is_ok()
            {
                break;
            }
            found = read();
            if found.is_ok() {
                sleep(WRITING_TAKES).await;
                found = read();
            }
        }
        found
    }
}

/// The file holds nothing but a spent refresh token.
#[derive(Debug, thiserror::Error)]
#[error(
    "the login in the token file {file} was refreshed, and the new one could not be written there: log in again before the next run"
)]
pub(crate) struct LoginLost {
    file: String,
}

fn is_refresh_token(tokens: &Tokens, secret: &SecretString) -> bool {
    tokens
        .refresh_token
        .as_ref()
        .is_some_and(|token| token.expose_secret() == secret.expose_secret())
}

/// The content of a file that was read again.
enum FileContent {
    /// A token that was not sent yet.
    Other(Grant),
    /// The same token.
    Same(Tokens),
    /// Another token, but an expired one.
    Expired(Tokens),
}

fn content(tokens: Tokens, current: &Token) -> Result<FileContent, TokenError> {
    let grant = grant(&tokens)?;
    Ok(if grant.token.is_same(current) {
        FileContent::Same(tokens)
    } else if grant.lifetime == Some(Duration::ZERO) {
        FileContent::Expired(tokens)
    } else {
        FileContent::Other(grant)
    })
}

fn grant(tokens: &Tokens) -> Result<Grant, TokenError> {
    let token = Token::new(tokens.access_token.expose_secret(), "the access token")?;
    let until = tokens.expires_at.filter(|_| tokens.can_be_refreshed());
    // A time in the past means no lifetime.
    let lifetime = until.map(|until| {
        until
            .duration_since(Timestamp::now())
            .try_into()
            .unwrap_or(Duration::ZERO)
    });
    Ok(Grant { token, lifetime })
}

/// Reads the file, and waits for it if it is empty or missing. If an earlier process died during a
/// refresh, its tokens are recovered, or their loss is reported.
fn load_and_recover(path: &Path) -> Result<Tokens, TokenError> {
    let tokens = wait_and_load(path)?;
    if tokens.can_be_refreshed()
        && let Some(lock) = Lock::take(path)?
    {
        if let Some(started) = recover(path, &lock)? {
            warn!(
                "an earlier process ended while it refreshed the login in {} ({}), and no answer was kept: if the server has spent the refresh token, you have to log in again",
                safe_path(path),
                utc_second(started)
            );
        }
        return load(path);
    }
    Ok(tokens)
}

/// Blocks the thread: nothing runs yet, and a signal ends the process as usual.
fn wait_and_load(path: &Path) -> Result<Tokens, TokenError> {
    let started = Instant::now();
    let mut loaded = load(path);
    let mut is_logged = false;
    while let Some(why) = loaded.as_ref().err().and_then(TokenError::may_pass_because)
        && started.elapsed() < FILE_WAIT_MAX
    {
        if !is_logged {
            warn!(
                "{why}: waiting for it, for up to {} s",
                FILE_WAIT_MAX.as_secs()
            );
            is_logged = true;
        }
        thread::sleep(WRITING_TAKES);
        loaded = load(path);
        if loaded.is_ok() {
            thread::sleep(WRITING_TAKES);
            loaded = load(path);
        }
    }
    loaded
}

/// Waits for the lock; `None` if the run is about to end.
async fn lock(path: &Path, stopping: &Stopping) -> Result<Option<Lock>, TokenError> {
    let started = Instant::now();
    while started.elapsed() < LOCK_WAIT_MAX && !*stopping.borrow() {
        if let Some(lock) = Lock::take(path)? {
            return Ok(Some(lock));
        }
        sleep(LOCK_POLL).await;
    }
    if *stopping.borrow() {
        Ok(None)
    } else {
        Err(locked(path))
    }
}

/// Runs blocking file operations on a thread of their own, so that they delay no request.
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
