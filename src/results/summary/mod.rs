//! The summary of a run directory: `summary.json`. `text` tells people the same.

mod echo;
mod end;
mod groups;
mod inputs;
mod next_step;
mod preview;
mod processes;
mod sending;
#[cfg(test)]
mod tests;
mod text;
mod verdict;
pub(in crate::results) mod words;

pub(crate) use self::words::counted;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use self::echo::EchoVerdict;
pub use self::echo::{EchoField, EchoSummary};
pub use self::end::Tone;
pub(crate) use self::end::{Commands, End, StoppedBy};
pub(in crate::results) use self::groups::share;
pub use self::groups::{ErrorGroup, error_groups, warning_groups};
pub use self::inputs::InputNames;
pub use self::next_step::StepSummary;
pub(in crate::results) use self::next_step::next;
pub(crate) use self::next_step::{Needs, NextStep, TimeToGoOn};
pub use self::processes::{ProcessSummary, Totals};
pub(crate) use self::sending::figures;
pub use self::sending::{LatencySummary, SendingSummary};
pub(crate) use self::text::SummaryText;
pub(in crate::results) use self::text::{details, notes, what_is_wrong};
pub(in crate::results) use self::verdict::verdict;
use super::tally::{RowsRead, Tally};
use crate::journal::{Outcome, Purpose};
use crate::preview::Findings;
use crate::text::safe_json;

/// The summary of a run or a check. The books close: `records` is the sum of the outcomes and
/// `unsent`.
///
/// A report reads it back. Members that later versions added have defaults.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// The program's version.
    pub version: String,
    /// `run`, `check`, `preview` or `undo`.
    pub command: Purpose,
    /// The verdict in one or two sentences.
    #[serde(default)]
    pub verdict: String,
    /// The reasons for it, a sentence each.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// Whether the verdict is good news.
    #[serde(default)]
    pub tone: Tone,
    /// The next steps, the most important last.
    #[serde(default)]
    pub next_steps: Vec<StepSummary>,
    /// The names of the inputs.
    pub inputs: Vec<String>,
    /// Their formats.
    pub read_as: Vec<String>,
    /// The run directory; `None` for a check that could create none.
    pub run_dir: Option<String>,
    /// The time when this process began.
    pub started: String,
    /// The time when it ended.
    pub ended: String,
    /// The time between, in seconds.
    pub seconds: f64,
    /// Rows that were read.
    pub records: u64,
    /// Whether the input was read to its end. If not, it may have more rows than were read.
    pub read_to_end: bool,
    /// Rows to read, within `--skip-rows` and `--max-rows`; `None` if not known, because the input was
    /// neither read to its end nor counted.
    pub total: Option<u64>,
    /// Valid rows (`check` and `preview` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid: Option<u64>,
    /// Rows that the API applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<u64>,
    /// Rows that break the contract.
    pub invalid: u64,
    /// Rows that the API rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<u64>,
    /// Rows of which every attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<u64>,
    /// Rows that were not sent because of a later row of their customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded: Option<u64>,
    /// Rows that had their values already. Only present if there is such a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unchanged: Option<u64>,
    /// Rows whose customers were changed elsewhere. Only present if there is such a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict: Option<u64>,
    /// Rows of other shards. Only present if there is such a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<u64>,
    /// Rows with an outcome of a later version. Only present if there is such a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<u64>,
    /// Rows without an outcome; the same command sends them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsent: Option<u64>,
    /// Rows whose outcome could not be recorded (`check` and `preview`; in a run they are unsent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unrecorded: Option<u64>,
    /// Errors by outcome, field and code, the largest group first.
    pub errors: Vec<ErrorGroup>,
    /// Warnings, the largest group first.
    pub warnings: Vec<ErrorGroup>,
    /// Fields that the API's answers show in another way than they were sent. Only present if there
    /// is such a field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<EchoSummary>,
    /// The changes that a run would make (`preview` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Findings>,
    /// Rows with a date normalised to RFC 3339.
    pub dates_normalised: u64,
    /// Rows that leave out fields of the contract. The API's pages contradict each other on the
    /// effect.
    pub fields_left_out: u64,
    /// Whether the API keeps fields that an update leaves out, if the run has found that out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out_is_kept: Option<bool>,
    /// Rows with fields left out because later rows of their customers had set them.
    pub fields_overtaken: u64,
    /// Lines with only delimiters, which were skipped.
    pub blank_rows: u64,
    /// The numbers of sending, in this process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sending: Option<SendingSummary>,
    /// The processes that worked on the run, this one last (`run` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<Vec<ProcessSummary>>,
    /// The sums over all of them (`run` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totals: Option<Totals>,
    /// The reason why it stopped early.
    pub stopped: Option<String>,
    /// The command that continues the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continue_with: Option<String>,
    /// The error messages, one a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// The process's exit code.
    pub exit_code: u8,
    /// The files written.
    pub files: Vec<String>,
    /// The files of failed rows among them, by their names in the run directory.
    #[serde(default)]
    pub failed_files: Vec<String>,
    /// The settings that differ from their defaults.
    #[serde(default)]
    pub settings: Vec<SettingSummary>,
}

/// A setting that differs from its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingSummary {
    /// The name.
    pub name: String,
    /// The value in one line; absent if it is a secret, or may be a customer's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The flag, the variable or the file that gives the value.
    pub origin: String,
}

/// Rounds to one decimal.
pub fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// Formats a time as summaries show it.
pub fn format_time(at: Timestamp) -> String {
    format!("{at:.3}")
}

impl Summary {
    /// Sets the counts from the tally and the rows that were read. `unrecorded` outcomes are not in
    /// the tally.
    pub fn count(&mut self, tally: &Tally, read: &RowsRead, unrecorded: u64) {
        self.records = read.rows;
        self.invalid = tally.count(Outcome::Invalid);
        self.dates_normalised = read.dates_normalised;
        self.fields_left_out = read.fields_left_out;
        self.fields_overtaken = read.fields_overtaken;
        self.blank_rows = read.blank_rows;
        if self.command.only_records_bad_rows() {
            // A row whose outcome could not be recorded is not valid for that.
            let others = self.invalid + read.superseded + read.elsewhere + unrecorded;
            self.valid = Some(read.rows - others);
            self.unrecorded = Some(unrecorded).filter(|rows| *rows > 0);
            self.superseded = Some(read.superseded);
            self.elsewhere = Some(read.elsewhere).filter(|rows| *rows > 0);
            return;
        }
        self.updated = Some(tally.count(Outcome::Updated));
        self.rejected = Some(tally.count(Outcome::Rejected));
        self.failed = Some(tally.count(Outcome::Failed));
        self.superseded = Some(tally.count(Outcome::Superseded));
        let if_any = |outcome| Some(tally.count(outcome)).filter(|rows| *rows > 0);
        self.unchanged = if_any(Outcome::Unchanged);
        self.conflict = if_any(Outcome::Conflict);
        self.elsewhere = if_any(Outcome::Elsewhere);
        self.other = if_any(Outcome::Other);
        let unsent = read.rows.checked_sub(tally.ended());
        self.unsent =
            Some(unsent.expect("no row has two outcomes, and none has one without being read"));
    }

    /// Whether only the invalid rows are known: a check or preview has left no summary, and its journal
    /// holds no other rows.
    pub fn lacks_valid_rows(&self) -> bool {
        self.command.only_records_bad_rows() && self.valid.is_none()
    }

    /// Whether a row needs the user's attention.
    pub fn has_bad_rows(&self) -> bool {
        let others = [self.rejected, self.failed, self.conflict, self.other];
        let of_preview = self.preview.as_ref();
        self.invalid > 0
            || of_preview.is_some_and(Findings::has_bad_rows)
            || others.into_iter().flatten().any(|rows| rows > 0)
            || self.has_rejected_echo()
    }

    /// Whether rows that were updated count as bad for what the API shows.
    pub fn has_rejected_echo(&self) -> bool {
        self.echo
            .as_ref()
            .is_some_and(|echo| echo.rows_rejected() > 0)
    }

    /// Formats the summary as JSON.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self)
            .expect("texts and numbers, written to memory, cannot fail");
        format!("{}\n", safe_json(&json))
    }
}
