//! The names of settings that several files use.

/// The configuration file that is read if none is named.
pub(crate) const USUAL_FILE: &str = "custsync.toml";

/// The prefix of the sandbox's settings, so that a file can hold them beside those of a run. The
/// flags of `custsync sandbox` leave it out.
pub(crate) const SANDBOX_PREFIX: &str = "sandbox-";

/// The token. Only the environment may hold it.
pub(super) const TOKEN: &str = "token";

/// The tenant.
pub(super) const TENANT: &str = "tenant";

/// The file with the token in it.
pub(super) const TOKEN_FILE: &str = "token-file";

/// The address that metrics are pushed to. Only the environment may hold it.
pub(super) const METRICS_PUSH: &str = "metrics-push";

/// The file with the address that metrics are pushed to in it.
pub(super) const METRICS_PUSH_FILE: &str = "metrics-push-file";

/// The secrets, with their articles: only the environment may hold them.
pub(super) const SECRETS: [(&str, &str); 2] = [(TOKEN, "a token"), (METRICS_PUSH, "an address")];

/// The file with the token for the servers of inputs in it.
pub(super) const INPUT_TOKEN_FILE: &str = "input-token-file";

/// The file with certificates to trust.
pub(super) const CA_FILE: &str = "ca-file";

/// The file with the client's secret in it.
pub(super) const CLIENT_SECRET_FILE: &str = "client-secret-file";

/// The number of rows that a check explains.
pub(super) const EXPLAIN: &str = "explain";

/// The first year of the century of two-digit years.
pub(super) const TWO_DIGIT_YEARS: &str = "two-digit-years";

/// The array in a JSON object.
pub(super) const JSON_PATH: &str = "json-path";

/// The run directory.
pub(super) const RUN_DIR: &str = "run-dir";

/// Begins a new run, whatever is unfinished.
pub(super) const FRESH: &str = "fresh";

/// The file with what was sent before.
pub(crate) const STATE: &str = "state";

/// Sends all rows, whatever the state knows.
pub(super) const FULL_RESYNC: &str = "full-resync";

/// The part of the customers who are sent again in each run.
pub(super) const RESYNC_PART: &str = "resync-part";

/// The limit on changes.
pub(super) const MAX_CHANGES: &str = "max-changes";

/// The form of the summary on stdout.
pub(super) const OUTPUT_FORMAT: &str = "output-format";
