//! The end of a command: its exit code, and the end that others are told of.

use crate::commands::shared::notices::Told;
use crate::process::exit::Exit;

/// The end of a command.
#[derive(Debug)]
pub(crate) struct CommandEnd {
    /// The exit code of the process.
    pub(crate) code: u8,
    /// The end that others are told of, if it is that of a run, an undo or a check.
    pub(crate) told: Option<Box<Told>>,
}

impl CommandEnd {
    /// Returns an end that nobody else is told of.
    pub(crate) fn silent(code: u8) -> CommandEnd {
        CommandEnd { code, told: None }
    }
}

impl From<Exit> for CommandEnd {
    fn from(exit: Exit) -> CommandEnd {
        CommandEnd::silent(exit.code())
    }
}
