//! The flags about when a run sends: its first customers before all others, and its hours.

use clap::Args;

use super::words::words;
use crate::schedule::CanaryThen;

#[derive(Debug, Args)]
#[command(next_help_heading = "Sending")]
pub(super) struct CanaryFlags {
    /// Send to the first N customers only, at most 4 at a time, and tell how that went
    ///
    /// The run stops with exit code 6 once all of their rows so far have an outcome, and prints the
    /// command that goes on. The N customers are those of all processes of the run directory. With
    /// no more than N customers in the input, the run ends as usual.
    #[arg(long, value_name = "N", hide_short_help = true)]
    canary: Option<String>,
    /// After --canary: stop, or go on
    ///
    /// go: the run goes on by itself if no row of the canary was rejected, failed or is in conflict,
    /// and the API shows all values as they were sent. If an earlier process has stopped after the
    /// canary, the run goes on in any case.
    #[arg(long, value_parser = words::<CanaryThen>(), hide_short_help = true)]
    canary_then: Option<String>,
    /// Send only within these hours, as in "22:00-06:00" or "22:00-06:00 Europe/Berlin"
    ///
    /// In UTC without a time zone. Outside of them the run ends with exit code 4 and says when they
    /// begin; it waits if that is within --max-wait. What is in flight at their end may finish.
    #[arg(long, value_name = "HH:MM-HH:MM [ZONE]", hide_short_help = true)]
    hours: Option<String>,
}
