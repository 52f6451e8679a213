//! What each verb does: a file a verb.

pub mod check;
mod comparison;
pub mod config;
mod continuing;
mod descriptors;
pub mod early_end;
mod explain;
mod files;
mod first_rows;
mod fresh;
mod identity;
mod inputs;
pub mod login;
mod pattern;
mod redirect;
mod report;
mod row_range;
pub mod run;
pub mod sandbox;
mod server;
mod start;
mod summary_file;
mod unfinished;
mod unique;

use crate::process::exit::Exit;

/// What is said where standard output cannot be written.
const STDOUT_FAILED: &str = "standard output cannot be written";

/// Why a verb could not do its work, and what the process says of it.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What went wrong.
    pub error: anyhow::Error,
}

impl Failure {
    /// Usage, configuration or input cannot be used; nothing was sent.
    pub fn unusable(error: impl Into<anyhow::Error>) -> Failure {
        Failure {
            exit: Exit::Unusable,
            error: error.into(),
        }
    }

    /// Standard output cannot be written.
    pub fn stdout(error: std::io::Error) -> Failure {
        Failure {
            exit: Exit::RunDirectory,
            error: anyhow::Error::from(error).context(STDOUT_FAILED),
        }
    }

    /// The run directory cannot be used; nothing was sent.
    pub fn run_directory(error: impl Into<anyhow::Error>) -> Failure {
        Failure {
            exit: Exit::RunDirectory,
            error: error.into(),
        }
    }
}
