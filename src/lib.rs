//! custsync brings a customer API to the state that CSV or NDJSON files describe: one `PUT /v1/customers/{id}` a row, and
//! a recorded outcome for every row.

pub mod api;
pub mod args;
pub mod cli;
pub mod commands;
pub mod config;
pub mod contract;
pub mod exit;
pub mod failed_rows;
pub mod input;
pub mod journal;
pub mod nearest;
mod outbox;
pub mod pipeline;
pub mod progress;
mod reading;
pub mod recorder;
mod reporter;
pub mod resume;
pub mod row;
pub mod sandbox;
pub mod schedule;
pub mod sender;
pub mod summary;
pub mod tally;
pub mod terminal;
pub mod text;
