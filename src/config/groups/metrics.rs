//! The metrics of a run: where they are written, served and pushed.

use std::cmp::Ordering;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::error::Problem;
use crate::config::names::{METRICS_PUSH, METRICS_PUSH_FILE};
use crate::config::resolver::Resolver;
use crate::config::secret_url::SecretUrl;
use crate::config::setting::of_process;
use crate::config::value::socket_address;

/// The places for the metrics of a run.
#[derive(Debug, Clone)]
pub struct MetricsSettings {
    /// The file that holds them, for a collector of text files.
    pub file: Option<PathBuf>,
    /// The address at which they are served.
    pub address: Option<SocketAddr>,
    /// The server that they are pushed to.
    pub push: Option<PushTarget>,
}

/// The address that metrics are pushed to, which is a secret.
#[derive(Debug, Clone)]
pub enum PushTarget {
    /// The address.
    Url(SecretUrl),
    /// A file that holds it.
    File(PathBuf),
}

impl MetricsSettings {
    pub(in crate::config) fn read(resolver: &mut Resolver) -> Self {
        Self {
            file: resolver.path(of_process("metrics-file")),
            address: resolver.optional(of_process("metrics-addr"), socket_address),
            push: push_target(resolver),
        }
    }
}

/// Reads the address that metrics are pushed to. The stronger source wins, as for the token.
fn push_target(resolver: &mut Resolver) -> Option<PushTarget> {
    let url =
        (resolver.secret(METRICS_PUSH, |text| Ok(SecretUrl::parse(text)?))).map(PushTarget::Url);
    let file = resolver
        .path(of_process(METRICS_PUSH_FILE))
        .map(PushTarget::File);
    if url.is_none() || file.is_none() {
        return url.or(file);
    }
    match resolver.compare_sources(METRICS_PUSH, METRICS_PUSH_FILE) {
        Ordering::Greater => url,
        Ordering::Less => file,
        Ordering::Equal => {
            let (first, second) = (
                resolver.place(METRICS_PUSH),
                resolver.place(METRICS_PUSH_FILE),
            );
            resolver.report(Problem::Contradiction { first, second });
            None
        }
    }
}
