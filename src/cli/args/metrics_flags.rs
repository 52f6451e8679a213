//! The flags about the metrics of a run or undo.

use std::ffi::OsString;

use clap::Args;

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
#[expect(clippy::struct_field_names, reason = "a field is named as its flag")]
pub(super) struct MetricsFlags {
    /// Keep the metrics of a run or undo in this file, for Prometheus's textfile collector
    ///
    /// The file is written whole at the start, every 10 seconds and at the end. Everyone may read
    /// it: it holds counts and times, no customer and no value.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    metrics_file: Option<OsString>,
    /// Serve the metrics of a run or undo at this address, for Prometheus to scrape
    ///
    /// As in 127.0.0.1:9464: `GET /metrics` answers until the process ends. Port 0 is any free one,
    /// which the log names.
    #[arg(long, value_name = "ADDRESS", hide_short_help = true)]
    metrics_addr: Option<String>,
    /// Push the metrics of a run or undo to the address in this file (or set
    /// `CUSTSYNC_METRICS_PUSH`)
    ///
    /// The address is that of a group of a Pushgateway, as in
    /// <https://HOST/metrics/job/custsync>, and is treated as a secret. It gets a PUT at the start,
    /// every 10 seconds and at the end.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    metrics_push_file: Option<OsString>,
}
