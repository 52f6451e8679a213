//! The verbs, as far as settings depend on them.

use super::names::{METRICS_PUSH, NOTIFY_URL, PING_URL, RATE_REDIS_PASSWORD, TENANT, TOKEN};

/// The verb of a command: some defaults and rules depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Sends the updates.
    Run,
    /// Puts back what a run has changed.
    Undo,
    /// Reads, maps and validates only: `check`, and `run --dry-run`.
    Check,
    /// Reads the customers, and tells what would change.
    Preview,
    /// Serves the sandbox.
    Sandbox,
    /// Shows the settings that `run` would use.
    Config,
    /// Writes a file of settings.
    ConfigInit,
    /// Reports on run directories.
    Report,
    /// Deletes the files of run directories that hold customers' values.
    Forget,
    /// Shows or changes what is known of earlier runs.
    State,
    /// Prints completions or a page of the manual.
    Page,
    /// Logs a person in.
    Login,
    /// Removes the login.
    Logout,
    /// Shows the login.
    Token,
}

impl Verb {
    /// Returns the verb's name, if it ends with a summary.
    pub fn with_summary(self) -> Option<&'static str> {
        match self {
            Self::Run => Some("run"),
            Self::Undo => Some("undo"),
            Self::Check => Some("check"),
            Self::Preview => Some("preview"),
            Self::Report
            | Self::Forget
            | Self::State
            | Self::Sandbox
            | Self::Config
            | Self::ConfigInit
            | Self::Page
            | Self::Login
            | Self::Logout
            | Self::Token => None,
        }
    }

    /// Whether the verb has metrics: it sends.
    pub(crate) fn has_metrics(self) -> bool {
        matches!(self, Self::Run | Self::Undo)
    }

    /// Returns the end of a message about a signal that came before the verb had begun its work.
    pub fn nothing_done(self) -> &'static str {
        match self {
            Self::Run | Self::Undo | Self::Preview => "; nothing was sent",
            Self::Check => "; nothing was checked",
            Self::ConfigInit => "; nothing was written",
            Self::Report
            | Self::Forget
            | Self::State
            | Self::Sandbox
            | Self::Config
            | Self::Page
            | Self::Login
            | Self::Logout
            | Self::Token => "",
        }
    }

    /// Whether the verb sends, or shows the settings for sending.
    pub(super) fn is_about_a_run(self) -> bool {
        matches!(self, Self::Run | Self::Undo | Self::Preview | Self::Config)
    }

    /// Whether the verb reads rows, or shows the settings for reading them.
    pub(super) fn is_about_rows(self) -> bool {
        self.is_about_a_run() || self == Self::Check
    }

    /// Whether the verb's flags leave out the prefix of the sandbox's settings.
    pub(crate) fn drops_sandbox_prefix(self) -> bool {
        self == Self::Sandbox
    }

    /// Whether the verb reads a setting that it may have no flag for.
    pub(super) fn reads_without_flag(self, setting: &str) -> bool {
        match setting {
            TOKEN => self.is_about_rows() || self == Self::Sandbox,
            METRICS_PUSH | RATE_REDIS_PASSWORD => self.is_about_a_run(),
            PING_URL | NOTIFY_URL => self.is_about_rows(),
            // A sandbox takes the token and the tenant that the user's own command would send.
            TENANT if self == Self::Sandbox => true,
            _ => self == Self::Config,
        }
    }

    /// Returns the default of `max-errors`. A check and a preview list all bad rows, and an undo does
    /// what it can.
    pub(super) fn default_max_errors(self) -> &'static str {
        match self {
            Self::Check | Self::Preview | Self::Undo => "none",
            _ => "10%",
        }
    }
}
