//! The arguments of the verbs about run directories.

use std::path::PathBuf;

use crate::config::output::OutputFormat;

/// `custsync report`
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// The run directories; those of the shards of one run are reported as one
    #[arg(value_name = "DIR", required = true)]
    pub directories: Vec<PathBuf>,
    /// Write a page to this file, as report.html in a run directory; - means standard output
    #[arg(long, value_name = "FILE", conflicts_with = "form")]
    pub html: Option<PathBuf>,
    /// Fail unless all shards of each run have finished and add up to the input
    ///
    /// The exit code is 4 as long as shards are missing or unfinished, 5 if rows are missing, and 1
    /// if rows were not updated.
    #[arg(long)]
    pub expect_shards: bool,
    /// Format of the report on stdout [default: text]
    #[arg(
        id = "form",
        long = "output-format",
        value_enum,
        hide_possible_values = true,
        value_name = "text|json"
    )]
    pub form: Option<OutputFormat>,
}

/// `custsync forget`
#[derive(Debug, clap::Args)]
pub struct ForgetArgs {
    /// The run directories; one that shards share stands for all of them
    #[arg(value_name = "DIR", required = true)]
    pub directories: Vec<PathBuf>,
    /// List the files, and delete nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Format of the list on stdout [default: text]
    #[arg(
        id = "form",
        long = "output-format",
        value_enum,
        hide_possible_values = true,
        value_name = "text|json"
    )]
    pub form: Option<OutputFormat>,
}
