//! Why a verb could not do its work.

use crate::process::exit::Exit;

/// The message about a standard output that cannot be written.
pub(super) const STDOUT_FAILED: &str = "standard output cannot be written";

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
