//! The process: how it ends, which signals stop it, and what it says of a fault of its own.

pub mod crash;
pub mod exit;
pub mod signals;
