//! The flags about rates, attempts, limits and waits.

use clap::Args;

use super::words::words;
use crate::contract::EchoCheck;
use crate::journal::Retry;
use crate::pipeline::resume::LeftOut;

#[derive(Debug, Args)]
#[command(next_help_heading = "Sending")]
pub(super) struct PaceFlags {
    /// Rate: auto, unlimited, or as in 50/s, 600/m, 1000/h
    ///
    /// auto follows the API's rate-limit headers, and stays at 20/s if there are none. unlimited
    /// lifts only this limit: limits that the API announces still apply.
    #[arg(long, value_name = "RATE")]
    rate: Option<String>,
    /// Send at most N requests at a time
    #[arg(long, value_name = "N")]
    max_in_flight: Option<String>,
    /// Give up an attempt after this time
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    timeout: Option<String>,
    /// Try a row at most N times
    #[arg(long, value_name = "N", hide_short_help = true)]
    attempts: Option<String>,
    /// Stop after more than this many failed rows
    ///
    /// A percentage applies once 100 rows have ended. All settled rows of the run directory count,
    /// also at the start, but not rows that are sent again.
    #[arg(long, value_name = "N|P%|none")]
    max_errors: Option<String>,
    /// Compare each answer with the values sent: report fields that differ, reject them, or off
    ///
    /// warn counts the rows and fields of which the API shows another value than was sent. With
    /// reject such rows also make the exit code 1, and 20 of them in a row stop the run with exit
    /// code 6.
    #[arg(long, value_parser = words::<EchoCheck>(), hide_short_help = true)]
    echo: Option<String>,
    /// Rows of an earlier process to send again: failed, and rejected ones or conflicts too
    #[arg(long, value_parser = words::<Retry>(), hide_short_help = true)]
    retry: Option<String>,
    /// Find out whether the API keeps the fields that an update leaves out, or trust that it does
    ///
    /// probe: the first rows that leave fields out are sent one at a time, and each customer is read
    /// before and after. If the API cleared a field, the customer is put back and the run stops.
    ///
    /// trust: nothing is read. If later rows of its customer have already been sent, a row is sent
    /// with only the fields that they do not set; with probe only if it is known that the others
    /// are kept.
    #[arg(long, value_parser = words::<LeftOut>(), hide_short_help = true)]
    left_out: Option<String>,
    /// Stop if the API asks to wait, or is down, for longer than this
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    max_wait: Option<String>,
    /// Ignore a wait that the API asked an earlier process of the run for
    #[arg(long, hide_short_help = true)]
    ignore_until: Option<bool>,
    /// Time for requests in flight to finish after a signal
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    grace: Option<String>,
}
