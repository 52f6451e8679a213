//! Tests of rules that take several files.

mod restore;
