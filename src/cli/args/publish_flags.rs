//! The flags about copies of a run's files.

use clap::Args;

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct PublishFlags {
    /// Copy the results, the summary and the report of a run or undo to this folder of object
    /// storage, or directory
    ///
    /// As in <s3://reports/custsync>: the files are in the folder with the run directory's name
    /// below it. They are copied every minute and at the end. A failure is a warning, and does not
    /// change the exit code.
    #[arg(long, value_name = "URL", hide_short_help = true)]
    publish: Option<String>,
    /// Copy with `--publish` the files with customers' values, too
    ///
    /// The failed rows, the images for an undo, and the changes that a preview found.
    #[arg(long, hide_short_help = true)]
    publish_values: Option<bool>,
    /// Interval between the copies of a run that goes on
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    publish_every: Option<String>,
}
