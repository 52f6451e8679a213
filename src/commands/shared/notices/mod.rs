//! Those who are told of a run: a monitor of jobs is pinged at the start and at the end, and at the
//! end a message is sent, a command is run, and a container's termination message is written. None
//! of that changes the exit code.

mod addresses;
mod on_finish;
mod rules;
mod start_ping;
mod telling;
mod termination;
mod told;

pub(in crate::commands) use self::addresses::check_addresses;
pub(in crate::commands) use self::start_ping::StartPing;
pub(crate) use self::telling::tell;
pub(crate) use self::told::Told;
pub(in crate::commands) use self::told::ToldFiles;
