//! The flags for the run directory, the summary and the log.

use std::ffi::OsString;

use clap::Args;

use super::metrics_flags::MetricsFlags;
use super::words::words;
use crate::config::output::{Color, OutputFormat, Progress};
use crate::results::failed_rows::FailedFormat;

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct ResultFlags {
    /// Record the run here, or continue the run recorded here
    ///
    /// Without it, the newest unfinished run in custsync-runs with the same input and settings is
    /// continued. If there is none, a new directory is created there.
    #[arg(long, value_name = "DIR")]
    run_dir: Option<OsString>,
    /// Begin a new run, even if one in custsync-runs is unfinished
    #[arg(long, hide_short_help = true)]
    fresh: Option<bool>,
    /// Format of the failed rows: auto is that of the input, excel-csv and xlsx are for Excel
    ///
    /// excel-csv: CSV has a byte order mark, and CRLF at the end of each line. The delimiter is
    /// that of the input. Other formats are as with auto.
    ///
    /// xlsx: a workbook also for CSV, whose cells all become text. NDJSON is refused, because a
    /// sheet cannot show whether a value is null, empty or left out.
    ///
    /// ndjson: NDJSON instead of a workbook.
    #[arg(long, value_parser = words::<FailedFormat>(), hide_short_help = true)]
    failed_format: Option<String>,
    #[command(flatten)]
    end: EndFlags,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct EndFlags {
    /// Wait up to this long for another process that is using the run directory
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    lock_wait: Option<String>,
    /// Format of the summary on stdout
    #[arg(long, value_parser = words::<OutputFormat>())]
    output_format: Option<String>,
    /// Also write the summary as JSON to this file, whatever the exit code
    ///
    /// If the run could not begin, the file has the message and the exit code. A file that cannot
    /// be written is reported, and does not change the exit code.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    summary_file: Option<OsString>,
    #[command(flatten)]
    metrics: MetricsFlags,
    /// Exit code if a run or check finishes with bad rows; 0 for engines that treat 1 as a crash
    #[arg(long, value_name = "CODE", hide_short_help = true)]
    bad_rows_exit: Option<String>,
    /// Draw a progress bar if stderr is a terminal, or never
    #[arg(long, value_parser = words::<Progress>(), hide_short_help = true)]
    progress: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct LogFlags {
    /// Format of the log on stderr
    #[arg(long, value_parser = words::<OutputFormat>(), hide_short_help = true)]
    log_format: Option<String>,
    /// Use colours
    #[arg(long, value_parser = words::<Color>(), hide_short_help = true)]
    color: Option<String>,
    /// Print the verdict and what to do next; -qq prints errors only
    #[arg(short, long, action = clap::ArgAction::Count)]
    quiet: u8,
    /// Log requests that fail; -vv logs all requests
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}
