//! Inputs of customers with a job and nothing else.

use std::fmt::Write as _;

/// Customers 1 to `count`.
pub(crate) fn jobs(count: usize) -> Vec<u8> {
    let mut file = "id,job\n".to_owned();
    for id in 1..=count {
        writeln!(file, "{id},job {id}").expect("writing to a String cannot fail");
    }
    file.into_bytes()
}

/// Customers 1 to `count`, of whom a block holds few.
pub(crate) fn long_jobs(count: usize) -> Vec<u8> {
    let mut file = "id,job\n".to_owned();
    for id in 1..=count {
        writeln!(file, "{id},{id:0250}").expect("writing to a String cannot fail");
    }
    file.into_bytes()
}
