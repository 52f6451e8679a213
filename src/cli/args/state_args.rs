//! The arguments of `custsync state`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::commands::state::StateAction;
use crate::config::output::OutputFormat;

/// `custsync state`
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub struct StateArgs {
    /// The action.
    #[command(subcommand)]
    pub action: StateVerb,
}

/// The verbs below `custsync state`.
#[derive(Debug, Subcommand)]
pub enum StateVerb {
    /// Show what a state knows: its customers, the last run, and the API that it belongs to
    Show(ShowArgs),
    /// Mark customers as unknown, so that the next run sends them again
    Forget(ForgetCustomersArgs),
}

/// `custsync state show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The state
    #[arg(value_name = "STATE")]
    pub file: PathBuf,
    /// Format on stdout [default: text]
    #[arg(
        id = "form",
        long = "output-format",
        value_enum,
        hide_possible_values = true,
        value_name = "text|json"
    )]
    pub form: Option<OutputFormat>,
}

/// `custsync state forget`
#[derive(Debug, Args)]
pub struct ForgetCustomersArgs {
    /// The state
    #[arg(value_name = "STATE")]
    pub file: PathBuf,
    /// The customers
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub ids: Vec<u64>,
    /// Mark all customers
    #[arg(long, conflicts_with = "ids")]
    pub all: bool,
}

impl StateVerb {
    /// Returns the action, for the command.
    pub(crate) fn action(&self) -> StateAction<'_> {
        match self {
            StateVerb::Show(args) => StateAction::Show {
                path: &args.file,
                format: args.form.unwrap_or(OutputFormat::Text),
            },
            StateVerb::Forget(args) => StateAction::Forget {
                path: &args.file,
                customers: (!args.all).then_some(&args.ids),
            },
        }
    }
}
