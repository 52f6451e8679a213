//! The flags of processes that share the rows of an input.

use clap::Args;

#[derive(Debug, Args)]
#[command(next_help_heading = "Several processes")]
pub(super) struct ShardFlags {
    /// Send only the rows of one of N parts of the customers, as in 2/4
    ///
    /// Each process reads all rows. A customer's rows all belong to one part. Name the same
    /// --run-dir for all: each part has its own directory in it.
    #[arg(long, value_name = "I/N", hide_short_help = true)]
    shard: Option<String>,
    /// As --shard I/N, where Kubernetes numbers the pods of a job (`JOB_COMPLETION_INDEX`)
    #[arg(long, value_name = "N", hide_short_help = true)]
    shards: Option<String>,
}
