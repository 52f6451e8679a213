//! Those who are told of runs: pings, messages, commands and termination messages.

mod addresses;
mod messages;
mod on_finish;
mod pings;
mod termination;
mod trouble;

use crate::harness::{Customers, Scenario};

/// A run of three good rows.
fn good() -> Scenario {
    Scenario::new()
        .csv(&Customers::in_turn(3, 1, 5))
        .sandbox(|_| {})
}

/// A run of two rows, of which one is bad.
fn bad() -> Scenario {
    Scenario::new()
        .file("a.csv", "id,job\n1,a\nx,b\n")
        .sandbox(|_| {})
}
