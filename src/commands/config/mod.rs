//! `custsync config`: the settings in force, and a commented file of settings to start with.

mod columns;
mod init;
mod show;
mod template;
mod toml_text;

pub(crate) use self::init::init;
pub(crate) use self::show::show;
