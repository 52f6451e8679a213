//! The settings, in groups of one subject each. A setting is defined by the line of its group that
//! reads it.

pub(crate) mod api;
pub(crate) mod input;
pub(crate) mod login;
pub(crate) mod metrics;
pub(crate) mod nightly;
pub(crate) mod notices;
pub(crate) mod output;
pub(crate) mod plan;
pub(crate) mod preview;
pub(crate) mod publish;
pub(crate) mod sandbox;
pub(crate) mod sending;
pub(crate) mod shard;
pub(crate) mod sharing;
