//! The flags of plans: what a check has found, sent by a run.

use std::ffi::OsString;

use clap::Args;

#[derive(Debug, Args)]
#[command(next_help_heading = "Plan")]
pub(super) struct PlanFlags {
    /// Send just what the check with this run directory has found (--write-plan), or nothing
    ///
    /// Before anything is sent, the input is read once, and has to make the same request of each
    /// row. Each row is compared again as it is sent.
    #[arg(long, value_name = "DIR", hide_short_help = true)]
    plan: Option<OsString>,
    /// Refuse a plan that is older than this, or none
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    plan_max_age: Option<String>,
    /// Keep the hash of each row's request in the check's run directory, for `run --plan`
    #[arg(long, hide_short_help = true)]
    write_plan: Option<bool>,
}
