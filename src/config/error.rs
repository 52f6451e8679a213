//! The reasons why settings cannot be used. Each names the place of the value: a flag, a variable
//! or the file.

use crate::nearest::did_you_mean;
use std::fmt;
use std::path::{Path, PathBuf};

use super::names::{TOKEN, variable_of};
use super::value::ValueError;
use crate::download::AddressError;
use crate::text;

/// All problems with the settings, so that a user can correct them at once.
#[derive(Debug)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

/// A problem with the settings. `place` is the flag, the variable, or the file with the key.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A value that the setting cannot take.
    #[error("{place}: {error}")]
    Value {
        /// The place of the value.
        place: String,
        /// The error in the value.
        error: ValueError,
    },
    /// An input that begins as an address and cannot be used.
    #[error("{address} {error}")]
    Address {
        /// The address, safe to show.
        address: String,
        /// The rule that it breaks.
        error: AddressError,
    },
    /// A key or variable that belongs to no setting.
    #[error("{place}: unknown setting{}", did_you_mean(nearest.as_deref()))]
    Unknown {
        /// The place of the name.
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
        /// The parser's message, which quotes nothing from the file.
        message: String,
    },
    /// A secret in a configuration file. Such files are copied and committed; secrets must not be.
    #[error(
        "{}: {name}: a configuration file must not hold {}: set {}, or name a file with `{name}-file`",
        text::safe_path(path),
        if *name == TOKEN { "a token" } else { "this address, which is a secret" },
        variable_of(name)
    )]
    SecretInFile {
        /// The file.
        path: PathBuf,
        /// The setting.
        name: &'static str,
    },
    /// Nothing to authenticate with.
    #[error(
        "no token: set CUSTSYNC_TOKEN or give --token-file FILE (or try it out with --sandbox)"
    )]
    NoToken,
    /// Two settings of equal strength that contradict each other.
    #[error("{first} and {second} contradict each other: keep one")]
    Contradiction {
        /// The place of one value.
        first: String,
        /// The place of the other value.
        second: String,
    },
    /// A flag about the real API, given together with `--sandbox`.
    #[error(
        "{flag} has no effect with --sandbox, which sends to a server inside this process: leave one of them out"
    )]
    UselessWithSandbox {
        /// The flag.
        flag: String,
    },
    /// A flag about the sandbox, given without `--sandbox`.
    #[error("{flag} has no effect without --sandbox")]
    UselessWithoutSandbox {
        /// The flag.
        flag: String,
    },
    /// A flag about a state, given without `--state`.
    #[error("{flag} has no effect without --state")]
    UselessWithoutState {
        /// The flag.
        flag: String,
    },
    /// A flag about what follows a canary, without one.
    #[error("{flag} has no effect without --canary N")]
    UselessWithoutCanary {
        /// The flag.
        flag: String,
    },
    /// `--shards` in a process that has no number.
    #[error(
        "{place}: this process has no number, because JOB_COMPLETION_INDEX is not set: start it as a pod of an Indexed Job, or name the shard as in --shard 2/4"
    )]
    ShardsWithoutIndex {
        /// The place of the value.
        place: String,
    },
    /// A shard of a run that would get a directory of its own.
    #[error(
        "{place} needs --run-dir: the shards of a run share a run directory, and each has its own in it"
    )]
    ShardWithoutDirectory {
        /// The place of the value.
        place: String,
    },
    /// A flag about copies of a run's files, given without `--publish`.
    #[error("{flag} has no effect without --publish")]
    UselessWithoutPublish {
        /// The flag.
        flag: String,
    },
    /// `--two-digit-years` without a format that has `%y`.
    #[error("--two-digit-years has no effect: no --date-format has %y")]
    TwoDigitYearsWithoutFormat,
    /// `--input-token-file` without an address.
    #[error("--input-token-file has no effect: no input is an https:// address")]
    InputTokenWithoutAddress,
    /// `--explain` in a run that sends.
    #[error("--explain has no effect in a run that sends: add --dry-run, or use `custsync check`")]
    ExplainWithRun,
    /// `--write-plan` in a run that sends.
    #[error("--write-plan has no effect in a run that sends: use `custsync check`")]
    WritePlanWithRun,
    /// `--plan` in a check.
    #[error("--plan has no effect in a check, which sends nothing: leave one of them out")]
    PlanWithCheck,
    /// `--plan` in a preview.
    #[error("--plan has no effect in a preview, which sends no update: leave one of them out")]
    PlanWithPreview,
    /// `--write-plan` in a preview of a sample.
    #[error(
        "--write-plan has no effect with --sample, as a sample is no plan: leave --sample out for a plan, or --write-plan for a sample"
    )]
    PlanOfSample,
    /// `--explain` in a preview.
    #[error("--explain has no effect in a preview: use `custsync check`")]
    ExplainWithPreview,
    /// `--plan-max-age` without `--plan`.
    #[error("--plan-max-age has no effect without --plan")]
    AgeWithoutPlan,
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
    /// Returns the parser's error as a line and a message. The parser's own snippet of `contents`
    /// might hold a secret.
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
