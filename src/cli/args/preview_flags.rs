//! The flags of a preview alone.

use clap::Args;

use super::words::words;
use crate::schedule::ReadWay;

#[derive(Debug, Args)]
#[command(next_help_heading = "Preview")]
pub struct PreviewFlags {
    /// Read customers singly, or as whole pages of 100, or as is fewer requests
    ///
    /// auto: whole pages if there are fewer of them than customers to be read. The first customer of
    /// the first page is also read singly, and has to be the same. Customers who are on no page are
    /// read singly.
    ///
    /// each: each customer singly.
    ///
    /// list: whole pages, however many there are.
    #[arg(long, value_parser = words::<ReadWay>())]
    read: Option<String>,
    /// Read N customers only, spread over all that the input names
    #[arg(long, value_name = "N")]
    sample: Option<String>,
    /// End with exit code 1 if anything would change: after a run, nothing is left to change
    #[arg(long)]
    expect_equal: Option<bool>,
    /// Write no values of customers: no preview.csv, only the hashes of a plan
    #[arg(long)]
    hashes_only: Option<bool>,
}
