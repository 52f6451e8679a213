//! Why the settings cannot be used. An error names the place where the value was written, since there are three.

use std::fmt;
use std::path::{Path, PathBuf};

use super::value::ValueError;
use crate::text;

/// Everything that is wrong with the settings: a user who corrects them wants to do it once.
#[derive(Debug)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

/// One thing that is wrong with the settings. `place` is the flag, the variable, or the file with the key.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A value that the setting cannot take.
    #[error("{place}: {error}")]
    Value {
        /// Where the value was written.
        place: String,
        /// What is wrong with it.
        error: ValueError,
    },
    /// A key or variable that belongs to no setting.
    #[error("{place}: unknown setting{}", did_you_mean(nearest.as_deref()))]
    Unknown {
        /// Where the name was written.
        place: String,
        /// The name that was probably meant.
        nearest: Option<String>,
    },
    /// The file is not TOML.
    #[error("{}:{line}: {message}", text::safe_path(path))]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line of the mistake, from 1.
        line: usize,
        /// What the parser says, which quotes nothing of the file.
        message: String,
    },
    /// Files of settings are copied and committed; secrets must not be.
    #[error(
        "{}: token: a configuration file must not hold a token: set CUSTSYNC_TOKEN, or name a file with `token-file`",
        text::safe_path(path)
    )]
    TokenInFile {
        /// The file.
        path: PathBuf,
    },
    /// Nothing to authenticate with.
    #[error(
        "no token: set CUSTSYNC_TOKEN or give --token-file FILE (or try it out with --sandbox)"
    )]
    NoToken,
    /// Two settings of equal weight that cannot both hold.
    #[error("{first} and {second} contradict each other: keep one")]
    Contradiction {
        /// Where the one was written.
        first: String,
        /// Where the other was written.
        second: String,
    },
    /// A flag about the real API, typed together with the sandbox.
    #[error(
        "{flag} has no effect with --sandbox, which sends to a server inside this process: leave one of them out"
    )]
    UselessWithSandbox {
        /// The flag.
        flag: String,
    },
    /// A flag about the sandbox, typed without it.
    #[error("{flag} has no effect without --sandbox")]
    UselessWithoutSandbox {
        /// The flag.
        flag: String,
    },
    /// Years of two digits, where no date has one.
    #[error("--two-digit-years has no effect: no --date-format has %y")]
    TwoDigitYearsWithoutFormat,
    /// Rows are to be shown, where they are sent.
    #[error("--explain has no effect in a run that sends: add --dry-run, or use `custsync check`")]
    ExplainWithRun,
    /// The sandbox, typed where nothing is sent.
    #[error("--sandbox has no effect here: a check sends nothing")]
    SandboxWithCheck,
}

impl ConfigError {
    pub(super) fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// Each problem once.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    /// One problem a line.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(formatter, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl Problem {
    /// The parser's complaint about `contents`, reduced to its line and message: the snippet that the parser would
    /// show might hold a secret.
    pub(super) fn syntax(path: &Path, contents: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let before = contents.as_bytes().get(..start).unwrap_or_default();
        Self::Syntax {
            path: path.to_owned(),
            line: 1 + memchr::memchr_iter(b'\n', before).count(),
            message: error.message().trim_end().replace('\n', ", "),
        }
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}
