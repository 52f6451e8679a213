//! Tests of the stores.

mod redis;
