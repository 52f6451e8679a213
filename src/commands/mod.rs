//! The verbs, a file each; what several of them use is in `shared/`.

pub(crate) mod check;
pub(crate) mod config;
mod failure;
pub(crate) mod forget;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod preview;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod sandbox;
mod shared;
pub(crate) mod state;
pub(crate) mod token;
pub(crate) mod undo;

pub(crate) use self::failure::Failure;
pub(crate) use self::shared::command_end::CommandEnd;
pub(crate) use self::shared::{command_line, early_end, notices};
