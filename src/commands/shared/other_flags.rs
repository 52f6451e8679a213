//! The flags of a command that the next one does not take over, or alone takes over.

/// The flags of a run that do not apply to its failed rows, which have a layout of their own, or
/// that name the rows or the directory of this run.
pub(super) const NOT_OF_FAILED_ROWS: [&str; 19] = [
    "canary",
    "canary-then",
    "columns",
    "delimiter",
    "dry-run",
    "encoding",
    "escape",
    "format",
    "fresh",
    "header-row",
    "max-rows",
    "no-header",
    "plan",
    "plan-max-age",
    "run-dir",
    "shard",
    "shards",
    "sheet",
    "skip-rows",
];
/// The flags of a check that a run does not have, or that name the directory of the check.
pub(super) const NOT_OF_A_RUN: [&str; 9] = [
    "dry-run",
    "expect-equal",
    "explain",
    "fresh",
    "hashes-only",
    "read",
    "run-dir",
    "sample",
    "write-plan",
];
/// The flags of a run that an undo needs, too.
pub(super) const OF_AN_UNDO: [&str; 11] = [
    "allow-http",
    "base-url",
    "ca-file",
    "client-secret-file",
    "config",
    "http2",
    "max-in-flight",
    "rate",
    "tenant",
    "token-file",
    "values",
];
