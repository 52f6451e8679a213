//! The names of settings that several files use.

/// The configuration file that is read if none is named.
pub(crate) const USUAL_FILE: &str = "custsync.toml";

/// The prefix of the sandbox's settings, so that a file can hold them beside those of a run. The
/// flags of `custsync sandbox` leave it out.
pub(crate) const SANDBOX_PREFIX: &str = "sandbox-";

/// The token. Only the environment may hold it.
pub(super) const TOKEN: &str = "token";

/// The address that a monitor of jobs is pinged at. Only the environment may hold it.
pub(super) const PING_URL: &str = "ping-url";

/// The file with that address in it.
pub(super) const PING_URL_FILE: &str = "ping-url-file";

/// The address that notices go to. Only the environment may hold it.
pub(super) const NOTIFY_URL: &str = "notify-url";

/// The file with that address in it.
pub(super) const NOTIFY_URL_FILE: &str = "notify-url-file";

/// The place that files of a run are copied to.
pub(super) const PUBLISH: &str = "publish";

/// The command that is run at the end.
pub(super) const ON_FINISH: &str = "on-finish";

/// The file of a rate that several processes share.
pub(super) const RATE_FILE: &str = "rate-file";

/// The address of the Redis that holds such a rate.
pub(super) const RATE_REDIS: &str = "rate-redis";

/// The password for that Redis. Only the environment may hold it.
pub(super) const RATE_REDIS_PASSWORD: &str = "rate-redis-password";

/// The file with that password in it.
pub(super) const RATE_REDIS_PASSWORD_FILE: &str = "rate-redis-password-file";

/// The settings that are secrets.
pub(super) const SECRETS: [&str; 5] = [
    TOKEN,
    METRICS_PUSH,
    PING_URL,
    NOTIFY_URL,
    RATE_REDIS_PASSWORD,
];

/// The prefix of the variables that are settings.
pub(super) const VARIABLE_PREFIX: &str = "CUSTSYNC_";

/// The prefix of the variables that a command at the end gets. They are no settings.
pub(crate) const FINISH_PREFIX: &str = "CUSTSYNC_FINISH_";

/// The tenant.
pub(super) const TENANT: &str = "tenant";

/// The file with the token in it.
pub(super) const TOKEN_FILE: &str = "token-file";

/// The address that metrics are pushed to. Only the environment may hold it.
pub(super) const METRICS_PUSH: &str = "metrics-push";

/// The file with the address that metrics are pushed to in it.
pub(super) const METRICS_PUSH_FILE: &str = "metrics-push-file";

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

/// The run directory of a check or preview whose requests a run sends.
pub(crate) const PLAN: &str = "plan";

/// The age from which a plan is refused.
pub(super) const PLAN_MAX_AGE: &str = "plan-max-age";

/// Lets a check write a plan.
pub(super) const WRITE_PLAN: &str = "write-plan";

/// Sends all rows, whatever the state knows.
pub(super) const FULL_RESYNC: &str = "full-resync";

/// The part of the customers who are sent again in each run.
pub(super) const RESYNC_PART: &str = "resync-part";

/// The limit on changes.
pub(super) const MAX_CHANGES: &str = "max-changes";

/// One of several processes that share the rows.
pub(crate) const SHARD: &str = "shard";

/// The number of processes that share the rows.
pub(crate) const SHARDS: &str = "shards";

/// The variable in which an Indexed Job of Kubernetes numbers its pods, from 0.
pub(super) const COMPLETION_INDEX: &str = "JOB_COMPLETION_INDEX";

/// The fields that are sent only where the API has none.
pub(super) const FILL: &str = "fill";

/// The number of customers who are sent to before all others.
pub(super) const CANARY: &str = "canary";

/// The run's way on after them.
pub(super) const CANARY_THEN: &str = "canary-then";

/// The form of the summary on stdout.
pub(super) const OUTPUT_FORMAT: &str = "output-format";

/// Returns the variable of a setting.
pub(super) fn variable_of(name: &str) -> String {
    format!(
        "{VARIABLE_PREFIX}{}",
        name.replace('-', "_").to_ascii_uppercase()
    )
}

/// Returns the variables that hold secrets.
pub(crate) fn secret_variables() -> impl Iterator<Item = String> {
    SECRETS.into_iter().map(variable_of)
}

/// Returns the variable of the command that is run at the end.
pub(crate) fn on_finish_variable() -> String {
    variable_of(ON_FINISH)
}
