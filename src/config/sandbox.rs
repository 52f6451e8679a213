//! How the local server behaves.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::duration::duration_in;
use super::reader::{Entry, Reader, Split};
use super::setting::Setting;
use super::value::{ValueError, number_in, some_text};
use crate::sandbox::{ErrorShape, FaultKind, FaultPlan, Latency, Reads, SandboxOptions, Window};

/// How the local server behaves.
#[derive(Debug, Clone)]
pub struct SandboxSettings {
    /// Where `custsync sandbox` listens. A run with `--sandbox` takes any free port instead.
    pub listen: SocketAddr,
    /// The customers that exist have the ids from 1 to this number.
    pub customers: u64,
    /// Requests allowed in a window of time.
    pub window: Option<Window>,
    /// How long an answer takes.
    pub latency: Latency,
    /// What goes wrong, how often and when.
    pub faults: FaultPlan,
    /// The faults that these customers' updates always meet.
    pub answers: BTreeMap<u64, FaultKind>,
    /// After how many requests an HTTP/2 connection is closed.
    pub goaway_after: Option<u64>,
    /// What a read of customers is answered with.
    pub reads: Reads,
    /// Makes what is random the same each time.
    pub seed: u64,
    /// The file that records each applied update.
    pub ledger: Option<PathBuf>,
    /// How long an access token is accepted that was handed out.
    pub token_lifetime: Option<Duration>,
    /// What an error looks like.
    pub error_shape: ErrorShape,
}

/// Beyond a day nobody sees a token expire.
const TOKEN_LIFETIMES: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_hours(24);

impl SandboxSettings {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            listen: reader.one(
                Setting::of_process("sandbox-listen"),
                "127.0.0.1:8080",
                address,
            ),
            customers: reader.one(
                Setting::of_process("sandbox-customers"),
                "1000000",
                number_in(0..=u64::MAX),
            ),
            window: reader.one(Setting::of_process("sandbox-window"), "6000/m", window),
            latency: reader.one(
                Setting::of_process("sandbox-latency"),
                "5ms..40ms",
                |text| Ok(text.parse()?),
            ),
            faults: reader.one(Setting::of_process("sandbox-fault"), "none", faults),
            answers: answers(reader),
            goaway_after: reader.one(
                Setting::of_process("sandbox-goaway-after"),
                "none",
                goaway_after,
            ),
            reads: reader.choice(Setting::of_process("sandbox-reads"), Reads::Allowed),
            seed: reader.one(
                Setting::of_process("sandbox-seed"),
                "1",
                number_in(0..=u64::MAX),
            ),
            ledger: reader.path(Setting::of_process("sandbox-ledger")),
            token_lifetime: reader.one(
                Setting::of_process("sandbox-token-lifetime"),
                "none",
                token_lifetime,
            ),
            error_shape: reader.choice(
                Setting::of_process("sandbox-errors"),
                ErrorShape::Documented,
            ),
        }
    }

    /// A sandbox that behaves so, on this address.
    pub fn options(
        &self,
        listen: SocketAddr,
        token: String,
        tenant: Option<u64>,
    ) -> SandboxOptions {
        SandboxOptions {
            listen,
            token,
            tenant,
            customers: self.customers,
            window: self.window,
            latency: self.latency,
            faults: self.faults.clone(),
            answers: self.answers.clone(),
            goaway_after: self.goaway_after,
            reads: self.reads,
            seed: self.seed,
            ledger: self.ledger.clone(),
            token_lifetime: self.token_lifetime,
            error_shape: self.error_shape,
            ..SandboxOptions::default()
        }
    }
}

fn window(text: &str) -> Result<Option<Window>, ValueError> {
    if text == "none" {
        Ok(None)
    } else {
        Ok(Some(text.parse()?))
    }
}

fn goaway_after(text: &str) -> Result<Option<u64>, ValueError> {
    if text == "none" {
        Ok(None)
    } else {
        Ok(Some(number_in(1..=u64::MAX)(text)?))
    }
}

fn token_lifetime(text: &str) -> Result<Option<Duration>, ValueError> {
    if text == "none" {
        Ok(None)
    } else {
        Ok(Some(duration_in(&TOKEN_LIFETIMES, text)?))
    }
}

fn faults(text: &str) -> Result<FaultPlan, ValueError> {
    if text == "none" {
        Ok(FaultPlan::default())
    } else {
        Ok(some_text(text)?.parse()?)
    }
}

fn answers(reader: &mut Reader) -> BTreeMap<u64, FaultKind> {
    const NAME: &str = "sandbox-answer";
    let mut answers = BTreeMap::new();
    for entry in reader.entries(Setting::of_process(NAME), &[], Split::First) {
        let Entry {
            key: Some(id),
            value: kind,
        } = entry
        else {
            reader.note(
                NAME,
                ValueError::NotAPair {
                    text: entry.value,
                    form: "ID=KIND",
                },
            );
            continue;
        };
        let id = reader.noting(NAME, number_in(1..=u64::MAX)(&id));
        let kind = reader.noting(NAME, kind.parse().map_err(ValueError::from));
        answers.extend(id.zip(kind));
    }
    answers
}

fn address(text: &str) -> Result<SocketAddr, ValueError> {
    text.parse()
        .ok()
        .ok_or_else(|| ValueError::NotAnAddress(text.to_owned()))
}
