//! The long version: what a report of a bug needs to say about the program.

use std::fmt::Write as _;

/// The allocator, by the same rule as in `main.rs`.
const ALLOCATOR: &str = if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
    "jemalloc"
} else {
    "that of the system"
};

/// Returns the version, and below it what the program was built from.
pub(super) fn long() -> String {
    let mut text = env!("CARGO_PKG_VERSION").to_owned();
    for (name, value) in [
        ("revision", env!("BUILD_REVISION")),
        ("features", env!("BUILD_FEATURES")),
        ("target", env!("BUILD_TARGET")),
        ("allocator", ALLOCATOR),
    ] {
        write!(text, "\n{:<11}{value}", format!("{name}:")).expect("a String can be written");
    }
    text
}
