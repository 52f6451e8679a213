//! The verbs, as far as settings depend on them.

/// The verb of a command: some defaults and rules depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Sends the updates.
    Run,
    /// Reads, maps and validates only: `check`, and `run --dry-run`.
    Check,
    /// Serves the sandbox.
    Sandbox,
    /// Shows the settings that `run` would use.
    Config,
    /// Logs a person in.
    Login,
    /// Removes the login.
    Logout,
    /// Shows the login.
    Token,
}
