//! The process: its exit codes, the signals that stop it, and the report of a panic.

pub(crate) mod crash;
pub mod exit;
pub(crate) mod signals;
