//! The place that files of a run are copied to.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::api::PlainHttp;
use crate::config::groups::api::ApiSettings;
use crate::config::names::PUBLISH;
use crate::config::publish_target::PublishTarget;
use crate::config::resolver::Resolver;
use crate::config::setting::of_process;
use crate::config::value::parsed;

/// The intervals between copies of a run that goes on.
const INTERVALS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(24);

/// The copies of a run's files.
#[derive(Debug, Clone)]
pub struct PublishSettings {
    /// The place that files are copied to.
    pub target: Option<PublishTarget>,
    /// The files that are copied.
    pub files: PublishedFiles,
    /// The interval between copies of a run that goes on.
    pub interval: Duration,
    /// Certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// The servers that plain HTTP may reach.
    pub plain_http: PlainHttp,
}

/// The files of a run directory that are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishedFiles {
    /// Those without a customer's value.
    WithoutValues,
    /// Those with values, too.
    WithValues,
}

impl PublishSettings {
    /// Reads the settings. `api` has those that all connections share.
    pub(in crate::config) fn read(resolver: &mut Resolver, api: &ApiSettings) -> Self {
        Self {
            target: resolver.optional(of_process(PUBLISH), parsed::<PublishTarget>),
            files: if resolver.boolean(of_process("publish-values")) {
                PublishedFiles::WithValues
            } else {
                PublishedFiles::WithoutValues
            },
            interval: resolver.duration(of_process("publish-every"), "60s", &INTERVALS),
            ca_file: api.ca_file.clone(),
            plain_http: api.plain_http,
        }
    }
}
