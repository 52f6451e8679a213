//! The flags about customers who are read before their update.

use clap::Args;

#[derive(Debug, Args)]
#[command(next_help_heading = "Sending")]
pub(super) struct CareFlags {
    /// Read each customer first, and send all of its fields with those of the row
    ///
    /// For an API that clears the fields that an update leaves out.
    #[arg(long, hide_short_help = true)]
    complete: Option<bool>,
    /// Keep each customer's values first, for `custsync undo`
    ///
    /// Each customer is read before its update.
    #[arg(long)]
    undoable: Option<bool>,
    /// Read each customer first, and send nothing to those who have the row's values already
    ///
    /// Such a row is unchanged. A value in another spelling counts as another value.
    #[arg(long, hide_short_help = true)]
    skip_equal: Option<bool>,
    /// Send these fields only where the API has none; repeatable
    ///
    /// Each customer is read first. A field that is null or empty there is filled, and any other one
    /// keeps its value. A later row of the customer may set again what this run has filled.
    #[arg(
        long,
        value_name = "FIELD,...",
        value_delimiter = ',',
        hide_short_help = true
    )]
    fill: Vec<String>,
}
