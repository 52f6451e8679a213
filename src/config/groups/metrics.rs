//! The metrics of a run: where they are written, served and pushed.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::api::Unencrypted;
use crate::config::names::{METRICS_PUSH, METRICS_PUSH_FILE};
use crate::config::resolver::Resolver;
use crate::config::secret::AddressSetting;
use crate::config::setting::of_process;
use crate::config::value::socket_address;
use crate::journal::Shard;

/// The places for the metrics of a run.
#[derive(Debug, Clone)]
pub struct MetricsSettings {
    /// The file that holds them, for a collector of text files: the shard's own, if there are
    /// shards.
    pub file: Option<PathBuf>,
    /// The address at which they are served.
    pub address: Option<SocketAddr>,
    /// The server that they are pushed to.
    pub push: AddressSetting,
    /// The part of the rows that the process sends.
    pub shard: Option<Shard>,
}

impl MetricsSettings {
    pub(in crate::config) fn read(resolver: &mut Resolver, shard: Option<Shard>) -> Self {
        // Metrics hold no customer, and a Pushgateway within a cluster has no TLS.
        let unencrypted = Unencrypted::WithoutCredentials;
        Self {
            file: Shard::own(shard, resolver.path(of_process("metrics-file"))),
            address: resolver.optional(of_process("metrics-addr"), socket_address),
            push: resolver.secret_address(METRICS_PUSH, METRICS_PUSH_FILE, unencrypted),
            shard,
        }
    }
}
