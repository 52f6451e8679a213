//! custsync brings a customer API to the state that CSV or NDJSON files describe: one `PUT /v1/customers/{id}` a row, and
//! a recorded outcome for every row.

pub mod api;
pub mod args;
pub mod config;
pub mod contract;
pub mod exit;
pub mod input;
pub mod journal;
pub mod nearest;
pub mod sandbox;
pub mod schedule;
pub mod text;
