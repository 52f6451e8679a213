//! The settings, in groups of one subject each. A setting is defined by the line of its group that
//! reads it.

pub mod api;
pub mod input;
pub mod login;
pub mod output;
pub mod sandbox;
pub mod sending;
