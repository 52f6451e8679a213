//! The flags about pings, messages and commands at the end of a run, an undo or a check.

use std::ffi::OsString;

use clap::Args;

use super::publish_flags::PublishFlags;
use super::words::words;
use crate::config::notices::{NotifyFormat, NotifyOn, PingOn};

#[derive(Debug, Args)]
#[command(next_help_heading = "Notices")]
pub(super) struct NoticeFlags {
    #[command(flatten)]
    publish: PublishFlags,
    /// Ping the address in this file at the start and at the end (or set `CUSTSYNC_PING_URL`)
    ///
    /// For monitors of scheduled jobs, as Healthchecks: GET ADDRESS/start when a run directory
    /// begins, and ADDRESS/CODE at the end, with the exit code. A check pings nothing. The address
    /// is a secret.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    ping_url_file: Option<OsString>,
    /// Ends that are pinged: finished is all but 4, 129, 130 and 143, after which the same command
    /// goes on
    #[arg(long, value_parser = words::<PingOn>(), hide_short_help = true)]
    ping_on: Option<String>,
    /// Post a message about the end to the address in this file (or set `CUSTSYNC_NOTIFY_URL`)
    ///
    /// The address is a secret.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    notify_url_file: Option<OsString>,
    /// Ends that are told: always, bad (some rows bad, or stopped), or stopped
    #[arg(long, value_parser = words::<NotifyOn>(), hide_short_help = true)]
    notify_on: Option<String>,
    /// Form of the message: json has all figures, slack is a text for a chat
    #[arg(long, value_parser = words::<NotifyFormat>(), hide_short_help = true)]
    notify_format: Option<String>,
    /// Run this command by /bin/sh at the end, for 60 s at most
    ///
    /// It gets the exit code, the paths of run directory and summary, and the counts in variables
    /// that begin with `CUSTSYNC_FINISH_`. Its exit code does not change that of custsync.
    #[arg(long, value_name = "COMMAND", hide_short_help = true)]
    on_finish: Option<String>,
    /// Write the verdict and what to do next to this file, in 4,096 bytes; or none [default:
    /// /dev/termination-log in Kubernetes]
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    termination_message: Option<OsString>,
}
