//! The flags of runs that send what has changed since the last one.

use std::ffi::OsString;

use clap::Args;

#[derive(Debug, Args)]
#[command(next_help_heading = "Every night")]
pub(super) struct NightlyFlags {
    /// Send only what has changed since the last run with this file
    #[arg(long, value_name = "FILE", help_heading = "Sending")]
    state: Option<OsString>,
    /// Send all rows, also those that the state knows; begin a state that is missing
    #[arg(long, hide_short_help = true)]
    full_resync: Option<bool>,
    /// Send also a part of the unchanged customers, each time the next one, as in 1/30
    #[arg(long, value_name = "1/N", hide_short_help = true)]
    resync_part: Option<String>,
    /// Send nothing if more customers than this have changed, are new or are absent
    ///
    /// A number, a share of the state's customers as in 20%, or none. Each kind is held to it by
    /// itself. A share counts from 20 customers on.
    #[arg(long, value_name = "LIMIT", hide_short_help = true)]
    max_changes: Option<String>,
    /// Write a CSV file of the customers who have changed, are new or are absent
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    changes: Option<OsString>,
}
