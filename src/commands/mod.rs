//! The verbs, a file each; what several of them use is in `shared/`.

pub mod check;
pub mod config;
mod failure;
pub mod login;
pub mod logout;
pub mod run;
pub mod sandbox;
mod shared;
pub mod token;

pub use self::failure::Failure;
pub use self::shared::early_end;
