//! The failure of a verb.

use crate::download::FaultKind;
use crate::input::InputError;
use crate::process::exit::Exit;
use crate::text;

/// The failure of a verb: the exit code of the process, and the error.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// The error.
    pub error: anyhow::Error,
}

impl Failure {
    /// Returns the failure of unusable arguments, settings or input. Nothing was sent.
    pub(crate) fn unusable(error: impl Into<anyhow::Error>) -> Failure {
        Failure {
            exit: Exit::Unusable,
            error: error.into(),
        }
    }

    /// Returns the failure of an input before anything was sent.
    pub(crate) fn of_input(error: InputError) -> Failure {
        let exit = match error.fault.kind() {
            FaultKind::Unusable => Exit::Unusable,
            FaultKind::Outage => Exit::StoppedEarly,
            FaultKind::Replaced => Exit::RunDirectory,
        };
        Failure {
            exit,
            error: error.into(),
        }
    }

    /// Returns the failure of a standard output that cannot be written.
    pub(crate) fn stdout(error: std::io::Error) -> Failure {
        Failure {
            exit: Exit::RunDirectory,
            error: anyhow::Error::from(error).context("standard output cannot be written"),
        }
    }

    /// Returns the failure of an unusable run directory. Nothing was sent.
    pub(crate) fn run_directory(error: impl Into<anyhow::Error>) -> Failure {
        Failure {
            exit: Exit::RunDirectory,
            error: error.into(),
        }
    }

    /// Returns the error and its causes in one line.
    pub(crate) fn message(&self) -> String {
        in_one_line(&self.error)
    }
}

/// Returns an error and its causes in one line.
pub(super) fn in_one_line(error: &anyhow::Error) -> String {
    text::without_os_errors(&format!("{error:#}")).into_owned()
}
