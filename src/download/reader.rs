//! A file that is read from its address, over as many connections as it takes.

use std::collections::BTreeSet;
use std::hash::Hasher as _;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::{Buf as _, Bytes};
use siphasher::sip::SipHasher13;
use tokio::runtime::Runtime;
use tracing::{debug, info, warn};

use crate::api::{FileHead, Wanted, WantedPart};
use crate::contract::Fault;
use crate::download::address::Address;
use crate::download::answer::{Asked, Meaning, meaning};
use crate::download::fault::DownloadFault;
use crate::download::options::DownloadOptions;
use crate::download::origin::{FileBytes, Origin};
use crate::download::patience::{Next, Patience};
use crate::download::token;
use crate::download::version::{StrongVersion, Version};
use crate::schedule::Random;

/// The time without a byte after which a user is told.
const UNTOLD_MAX: Duration = Duration::from_secs(1);

/// A file that is being read from its address. A read blocks until bytes come.
pub(crate) struct Download {
    address: Address,
    token_file: Option<PathBuf>,
    origin: Origin,
    idle_max: Duration,
    runtime: Runtime,
    patience: Patience,
    /// The version that the first answer names. All others must be of the same one.
    version: Option<Version>,
    parts: Parts,
    /// The answer that is being read.
    body: Option<Body>,
    /// Bytes that came and were not read yet.
    chunk: Bytes,
    /// The number of bytes that came, and a digest of them.
    position: u64,
    digest: SipHasher13,
    has_ended: bool,
    /// Whether the user was told that no bytes come.
    is_told: bool,
}

/// The bytes of one answer.
struct Body {
    bytes: FileBytes,
    /// The position at which they end, if it is known.
    end: Option<u64>,
    covers: Covers,
}

/// The part of a file that an answer covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Covers {
    /// All of it, or all that was left.
    TheEnd,
    /// A part that may not be the last one.
    APart,
}

/// Whether a server is asked for the rest of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parts {
    Asked,
    /// The server does not send them. It is asked for the whole file instead, and what was read
    /// before is compared.
    NotSent,
}

/// The reason why an attempt did not lead to more bytes.
enum Failure {
    Final(DownloadFault),
    MayPass(Trouble),
}

/// A failure that may pass.
struct Trouble {
    /// The cause in words.
    cause: String,
    status: u16,
    /// The wait that the server names.
    named: Option<Duration>,
}

impl<F: Into<DownloadFault>> From<F> for Failure {
    fn from(fault: F) -> Failure {
        Failure::Final(fault.into())
    }
}

impl Download {
    /// Asks for the file, and returns when its first answer begins.
    pub(crate) fn open(
        address: &Address,
        options: &DownloadOptions,
    ) -> Result<Download, DownloadFault> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(DownloadFault::Runtime)?;
        let mut download = Download {
            address: address.clone(),
            token_file: options.token_file.clone(),
            origin: Origin::of(address, options)?,
            idle_max: options.idle_max,
            runtime,
            patience: Patience::new(options.wait_max, Random::seeded(seed())),
            version: None,
            parts: Parts::Asked,
            body: None,
            chunk: Bytes::new(),
            position: 0,
            digest: SipHasher13::new(),
            has_ended: false,
            is_told: false,
        };
        download.connect()?;
        Ok(download)
    }

    /// Returns the length of the file, if the server names it.
    pub(crate) fn length(&self) -> Option<u64> {
        self.version.as_ref().and_then(Version::bytes)
    }

    /// Returns the version, if another download can be proven to be of the same file.
    pub(crate) fn strong_version(&self) -> Option<StrongVersion> {
        self.version.as_ref().and_then(Version::strong)
    }

    /// Asks until there is an answer to read, or nothing is left to read.
    fn connect(&mut self) -> Result<(), DownloadFault> {
        while self.body.is_none() && !self.has_ended {
            let started = Instant::now();
            match self.attempt() {
                Ok(()) => {}
                Err(Failure::Final(fault)) => return Err(fault),
                Err(Failure::MayPass(trouble)) => self.wait_after(trouble, started.elapsed())?,
            }
        }
        Ok(())
    }

    fn attempt(&mut self) -> Result<(), Failure> {
        let token = self.token_file.as_deref().map(token::read).transpose();
        let token = token.map_err(DownloadFault::Token)?;
        let authorization = token.map(|token| token.authorization());
        let has_token = authorization.is_some();
        let rest_of = self
            .version
            .clone()
            .filter(|_| self.position > 0 && self.parts == Parts::Asked);
        let part = rest_of
            .as_ref()
            .and_then(Version::if_range)
            .map(|if_range| WantedPart {
                from: self.position,
                if_range: if_range.to_owned(),
            });
        let rest_of = rest_of.filter(|_| part.is_some());
        let (head, body) = self.ask(&Wanted {
            authorization,
            part,
        })?;
        let asked = Asked {
            position: self.position,
            rest_of: rest_of.as_ref(),
            has_token,
        };
        match meaning(&head, asked) {
            Meaning::Whole(version) => {
                if !head.has_own_end {
                    warn_of_unknown_end(&self.address);
                }
                self.take_whole(version, body, rest_of.as_ref())
            }
            Meaning::Rest { version, end } => {
                self.check_version(&version)?;
                self.body = Some(Body {
                    bytes: body,
                    end: Some(end),
                    covers: if self.length().or(version.bytes()) == Some(end) {
                        Covers::TheEnd
                    } else {
                        Covers::APart
                    },
                });
                Ok(())
            }
            Meaning::AtEnd(version) => {
                self.check_version(&version)?;
                self.has_ended = true;
                Ok(())
            }
            Meaning::NoParts => {
                self.parts = Parts::NotSent;
                Ok(())
            }
            Meaning::MayPass(named) => Err(Failure::MayPass(Trouble {
                cause: format!("the server answers {}", head.status),
                status: head.status,
                named,
            })),
            Meaning::Fault(fault) => Err(Failure::Final(fault)),
        }
    }

    fn ask(&mut self, wanted: &Wanted) -> Result<(FileHead, FileBytes), Failure> {
        match self.runtime.block_on(self.origin.get(wanted)) {
            Ok(answer) => Ok(answer),
            Err(unread) => match unread.passing(self.version.is_some()) {
                Some(cause) => Err(Failure::MayPass(Trouble {
                    cause,
                    status: 0,
                    named: None,
                })),
                None => Err(unread.into()),
            },
        }
    }

    /// Takes an answer with the whole file. If a part of `rest_of` was asked for, the server either
    /// ignores that, or has another file (RFC 9110 §13.1.5).
    fn take_whole(
        &mut self,
        version: Version,
        body: FileBytes,
        rest_of: Option<&Version>,
    ) -> Result<(), Failure> {
        self.check_version(&version)?;
        if let Some(earlier) = rest_of {
            if !earlier.is_confirmed_by(&version) {
                return Err(DownloadFault::Replaced.into());
            }
            self.parts = Parts::NotSent;
        }
        let mut body = Body {
            bytes: body,
            end: version.bytes(),
            covers: Covers::TheEnd,
        };
        self.version.get_or_insert(version);
        let behind = if self.position > 0 {
            self.compare(&mut body)?
        } else {
            Bytes::new()
        };
        self.body = Some(body);
        Ok(self.take(behind)?)
    }

    /// Reads again what was read before, which must be the same. Returns the bytes behind it that
    /// came together with its end.
    fn compare(&mut self, body: &mut Body) -> Result<Bytes, Failure> {
        debug!(
            "{}: the server sends no parts of a file, so the first {} bytes are read again",
            self.address, self.position
        );
        let (mut left, mut digest) = (self.position, SipHasher13::new());
        loop {
            let chunk = self.runtime.block_on(body.bytes.chunk());
            let chunk = chunk.map_err(|fault| Failure::MayPass(self.trouble(fault)))?;
            let mut chunk = chunk.ok_or(DownloadFault::Replaced)?;
            let again = usize::try_from(left).map_or(chunk.len(), |left| left.min(chunk.len()));
            let again = chunk.split_to(again);
            digest.write(&again);
            left -= again.len() as u64;
            if left == 0 {
                return if digest.finish() == self.digest.finish() {
                    Ok(chunk)
                } else {
                    Err(DownloadFault::Replaced.into())
                };
            }
        }
    }

    fn check_version(&self, version: &Version) -> Result<(), DownloadFault> {
        let earlier = self.version.as_ref();
        if earlier.is_some_and(|earlier| earlier.differs_from(version)) {
            return Err(DownloadFault::Replaced);
        }
        Ok(())
    }

    /// Returns the failure of an answer that ended too early.
    fn trouble(&self, fault: Fault) -> Trouble {
        let cause = match fault {
            Fault::Timeout => format!("no byte came for {} s", self.idle_max.as_secs()),
            _ => "the connection broke".to_owned(),
        };
        Trouble {
            cause,
            status: 0,
            named: None,
        }
    }

    /// Reads the next bytes of the answer, if more come.
    fn next_chunk(&mut self) -> Result<(), DownloadFault> {
        let Some(body) = &mut self.body else {
            return Ok(());
        };
        let started = Instant::now();
        let trouble = match self.runtime.block_on(body.bytes.chunk()) {
            Ok(Some(chunk)) => return self.take(chunk),
            Ok(None) if body.is_cut_off_at(self.position) => Fault::Broken,
            Ok(None) => {
                self.has_ended = body.covers == Covers::TheEnd;
                self.body = None;
                return Ok(());
            }
            Err(fault) => fault,
        };
        self.body = None;
        self.wait_after(self.trouble(trouble), started.elapsed())
    }

    /// Takes bytes of the answer.
    fn take(&mut self, chunk: Bytes) -> Result<(), DownloadFault> {
        let position = self.position + chunk.len() as u64;
        let end = self.body.as_ref().and_then(|body| body.end);
        if let Some(bytes) = end.filter(|end| position > *end) {
            return Err(DownloadFault::TooLong { bytes });
        }
        if !chunk.is_empty() {
            self.patience.renew();
            if std::mem::take(&mut self.is_told) {
                info!("{} is read on at byte {}", self.address, self.position);
            }
        }
        self.digest.write(&chunk);
        self.position = position;
        self.chunk = chunk;
        Ok(())
    }

    /// Waits after a failed attempt, which took this time.
    fn wait_after(&mut self, trouble: Trouble, took: Duration) -> Result<(), DownloadFault> {
        let Trouble {
            cause,
            status,
            named,
        } = trouble;
        match self.patience.failed(took, named) {
            Next::Wait(wait) => {
                debug!(
                    "{}: {cause} at byte {}: asked for again in {} ms",
                    self.address,
                    self.position,
                    wait.as_millis()
                );
                if !self.is_told && self.patience.lasted() >= UNTOLD_MAX {
                    self.is_told = true;
                    warn!(
                        "{}: {cause}: it is asked for again, for at most {} s (--max-wait)",
                        self.address,
                        self.patience.wait_max().as_secs()
                    );
                }
                thread::sleep(wait);
                Ok(())
            }
            Next::GiveUp => Err(DownloadFault::Outage {
                cause,
                lasted_s: self.patience.lasted().as_secs(),
            }),
            Next::WaitTooLong(wait) => Err(DownloadFault::WaitTooLong {
                status,
                wait_s: wait.as_secs(),
            }),
        }
    }
}

impl Read for Download {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() && !self.has_ended && !into.is_empty() {
            self.connect()?;
            // An answer that was compared with what was read before has come that far already.
            if self.chunk.is_empty() {
                self.next_chunk()?;
            }
        }
        let count = self.chunk.len().min(into.len());
        self.chunk
            .split_to(count)
            .copy_to_slice(into.split_at_mut(count).0);
        Ok(count)
    }
}

impl Body {
    fn is_cut_off_at(&self, position: u64) -> bool {
        self.end.is_some_and(|end| position < end)
    }
}

/// Warns that a file may be cut off unnoticed, once for each address: a file may be downloaded
/// several times.
fn warn_of_unknown_end(address: &Address) {
    static WARNED: Mutex<BTreeSet<Address>> = Mutex::new(BTreeSet::new());
    let mut warned = WARNED.lock().unwrap_or_else(PoisonError::into_inner);
    if warned.insert(address.clone()) {
        warn!(
            "{address}: the server does not say how long the file is, so rows that a broken connection leaves out would not be noticed"
        );
    }
}

/// Returns a seed for jitter that differs from process to process.
fn seed() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::from(since.subsec_nanos()) ^ u64::from(std::process::id()).rotate_left(32)
}
