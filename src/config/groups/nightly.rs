//! Runs that send what has changed since the last one.

use std::path::PathBuf;

use crate::config::names::{FULL_RESYNC, MAX_CHANGES, RESYNC_PART, STATE};
use crate::config::resolver::Resolver;
use crate::config::setting::{of_process, of_run};
use crate::config::value::parsed;
use crate::journal::Shard;
use crate::pipeline::changes::PartOf;
use crate::schedule::change_limit::ChangeLimit;

/// Runs that send what has changed since the last one.
#[derive(Debug, Clone)]
pub struct NightlySettings {
    /// The file with what was sent before: the shard's own, if there are shards. Without it, all
    /// rows are sent.
    pub state: Option<PathBuf>,
    /// The name of that file as given, which all shards share.
    pub state_as_named: Option<PathBuf>,
    /// Whether all rows are sent, and a missing state is begun.
    pub full_resync: bool,
    /// The part of the unchanged customers who are sent again in each run.
    pub resync_part: Option<PartOf>,
    /// The limit on changes, above which nothing is sent.
    pub max_changes: ChangeLimit,
    /// The file that lists the changes: the shard's own, if there are shards.
    pub changes: Option<PathBuf>,
    /// Whether an undo leaves the state of its run as it is.
    pub without_state: bool,
}

impl NightlySettings {
    pub(in crate::config) fn read(resolver: &mut Resolver, shard: Option<Shard>) -> Self {
        let state_as_named = resolver.path(of_run(STATE));
        Self {
            state: Shard::own(shard, state_as_named.clone()),
            state_as_named,
            full_resync: resolver.boolean(of_process(FULL_RESYNC)),
            resync_part: resolver.optional(of_process(RESYNC_PART), parsed),
            max_changes: resolver.one(of_process(MAX_CHANGES), "20%", parsed),
            changes: Shard::own(shard, resolver.path(of_process("changes"))),
            without_state: resolver.boolean(of_process("without-state")),
        }
    }
}
