//! The behaviour of the sandbox.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::duration::duration_in;
use crate::config::resolver::{Entry, Resolver, Split};
use crate::config::setting::of_process;
use crate::config::value::{ValueError, non_empty, number_in, or_none, parsed, socket_address};
use crate::sandbox::{
    ETags, Echo, Edits, ErrorShape, FaultKind, FaultPlan, Latency, PageTotal, Pages, Put, Reads,
    SandboxOptions, Share, SuccessShape, Window,
};

/// The behaviour of the sandbox.
#[derive(Debug, Clone)]
pub struct SandboxSettings {
    /// The address of `custsync sandbox`. A run with `--sandbox` uses any free port instead.
    pub listen: SocketAddr,
    /// The number of customers. Their ids are 1 to this number.
    pub customers: u64,
    /// Requests allowed in a window of time.
    pub window: Option<Window>,
    /// The delay before an answer.
    pub latency: Latency,
    /// The faults to inject, how often and when.
    pub faults: FaultPlan,
    /// The faults that always answer the updates of these customers.
    pub answers: BTreeMap<u64, FaultKind>,
    /// The number of requests after which an HTTP/2 connection is closed.
    pub goaway_after: Option<u64>,
    /// The answer to reads of customers.
    pub reads: Reads,
    /// The number of reads that are answered before `reads` applies.
    pub reads_after: u64,
    /// The place of the totals on pages of customers.
    pub page_total: PageTotal,
    /// Whether customers come and go between two pages.
    pub pages: Pages,
    /// The effect of a PUT on fields that it leaves out.
    pub put: Put,
    /// The fields whose values are not stored as they are sent.
    pub echo: Echo,
    /// Whether answers have an `ETag`, and updates a condition.
    pub etags: ETags,
    /// The share of customers with values that may not be sent.
    pub old_data: Share,
    /// The share of reads of one customer after which a third party edits it.
    pub edits: Share,
    /// The seed of the random faults and latencies.
    pub seed: u64,
    /// The file that records each applied update.
    pub ledger: Option<PathBuf>,
    /// The lifetime of issued access tokens.
    pub token_lifetime: Option<Duration>,
    /// The format of error bodies.
    pub error_shape: ErrorShape,
    /// The format of the answers to updates.
    pub success_shape: SuccessShape,
}

/// The range of `sandbox-token-lifetime`. A longer lifetime has no visible effect.
const TOKEN_LIFETIMES: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_hours(24);

impl SandboxSettings {
    pub(in crate::config) fn read(resolver: &mut Resolver) -> Self {
        Self {
            listen: resolver.one(
                of_process("sandbox-listen"),
                "127.0.0.1:8080",
                socket_address,
            ),
            customers: resolver.number(of_process("sandbox-customers"), "1000000", 0..=u64::MAX),
            window: resolver.one(of_process("sandbox-window"), "6000/m", or_none(parsed)),
            latency: resolver.one(of_process("sandbox-latency"), "5ms..40ms", parsed),
            faults: resolver.one(of_process("sandbox-fault"), "none", faults),
            answers: answers(resolver),
            goaway_after: resolver
                .or_none(of_process("sandbox-goaway-after"), number_in(1..=u64::MAX)),
            reads: resolver.choice(of_process("sandbox-reads"), &Reads::Allowed),
            reads_after: resolver.number(of_process("sandbox-reads-after"), "0", 0..=u64::MAX),
            page_total: resolver.choice(of_process("sandbox-total"), &PageTotal::Meta),
            pages: resolver.choice(of_process("sandbox-pages"), &Pages::Still),
            put: resolver.choice(of_process("sandbox-put"), &Put::Merge),
            echo: resolver.one(of_process("sandbox-echo"), "none", echo),
            etags: etags(resolver),
            old_data: resolver.one(of_process("sandbox-old-data"), "0%", parsed),
            edits: resolver.one(of_process("sandbox-edits"), "0%", parsed),
            seed: resolver.number(of_process("sandbox-seed"), "1", 0..=u64::MAX),
            ledger: resolver.path(of_process("sandbox-ledger")),
            token_lifetime: resolver.or_none(of_process("sandbox-token-lifetime"), token_lifetime),
            error_shape: resolver.choice(of_process("sandbox-errors"), &ErrorShape::Documented),
            success_shape: resolver.choice(of_process("sandbox-success"), &SuccessShape::Resource),
        }
    }

    /// Returns the options of a sandbox on this address.
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
            reads_after: self.reads_after,
            page_total: self.page_total,
            pages: self.pages,
            put: self.put,
            echo: self.echo.clone(),
            etags: self.etags,
            old_data: self.old_data,
            edits: Edits {
                after: self.edits,
                ..Edits::default()
            },
            seed: self.seed,
            ledger: self.ledger.clone(),
            token_lifetime: self.token_lifetime,
            error_shape: self.error_shape,
            success_shape: self.success_shape,
            ..SandboxOptions::default()
        }
    }
}

fn etags(resolver: &mut Resolver) -> ETags {
    if resolver.boolean(of_process("sandbox-etags")) {
        ETags::Strong
    } else {
        ETags::Missing
    }
}

fn token_lifetime(text: &str) -> Result<Duration, ValueError> {
    Ok(duration_in(&TOKEN_LIFETIMES, text)?)
}

fn faults(text: &str) -> Result<FaultPlan, ValueError> {
    if text == "none" {
        Ok(FaultPlan::default())
    } else {
        Ok(non_empty(text)?.parse()?)
    }
}

fn echo(text: &str) -> Result<Echo, ValueError> {
    if text == "none" {
        Ok(Echo::default())
    } else {
        Ok(non_empty(text)?.parse()?)
    }
}

fn answers(resolver: &mut Resolver) -> BTreeMap<u64, FaultKind> {
    const NAME: &str = "sandbox-answer";
    let mut answers = BTreeMap::new();
    for entry in resolver.entries(of_process(NAME), &[], Split::First) {
        let Entry {
            key: Some(id),
            value: kind,
        } = entry
        else {
            resolver.report_value(
                NAME,
                ValueError::NotAPair {
                    text: entry.value,
                    form: "ID=KIND",
                },
            );
            continue;
        };
        let id = resolver.ok_or_report(NAME, number_in(1..=u64::MAX)(&id));
        let kind = resolver.ok_or_report(NAME, kind.parse().map_err(ValueError::from));
        answers.extend(id.zip(kind));
    }
    answers
}
