//! The content of a report: everything that the page, the text and the JSON show. Plain numbers and
//! texts in our own words; no customer's id and no value.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::results::summary::{EchoSummary, Tone};

/// A report on one run or on several.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Report {
    /// The runs, the oldest first.
    pub(crate) runs: Vec<RunReport>,
}

/// The report on one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct RunReport {
    /// `run` or `check`.
    pub(crate) command: String,
    /// Its run directory; one for each shard if several processes shared the rows.
    pub(crate) directories: Vec<String>,
    /// The shards, if several processes shared the rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shards: Option<Shards>,
    /// Whether it is good, mixed or bad news.
    pub(crate) tone: Tone,
    /// The verdict in one or two sentences.
    pub(crate) verdict: String,
    /// The reasons for it, a sentence each.
    pub(crate) reasons: Vec<String>,
    /// The next steps, the most important last.
    pub(crate) next: Vec<Step>,
    /// The time when the first process began.
    #[serde(serialize_with = "time")]
    pub(crate) started: Timestamp,
    /// The time of the last line in the journal.
    #[serde(serialize_with = "time")]
    pub(crate) ended: Timestamp,
    /// The inputs.
    pub(crate) inputs: Vec<InputReport>,
    /// The books: each record by its outcome.
    pub(crate) books: Books,
    /// The verdicts on its canary: one, or one for each shard; none if there was no canary.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) canaries: Vec<Canary>,
    /// The course of the run; `None` for a check, and for a run without rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) course: Option<Course>,
    /// The times that answers took: the time of each bucket in microseconds, and its number of
    /// answers. In order.
    pub(crate) answer_times: Vec<(u64, u64)>,
    /// The median, the 95th and the 99th percentile of them, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) latency_us: Option<[u64; 3]>,
    /// Errors by field and code, the largest group first.
    pub(crate) errors: Vec<Group>,
    /// Warnings, the largest group first.
    pub(crate) warnings: Vec<Group>,
    /// The fields that the API shows in another way than they were sent; `None` if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) echo: Option<EchoSummary>,
    /// Further notes, a sentence each.
    pub(crate) notes: Vec<String>,
    /// The files of failed rows, by their names in the run directory.
    pub(crate) failed_files: Vec<String>,
    /// The settings that differ from their defaults, with their origin.
    pub(crate) settings: Vec<Setting>,
    /// The processes that worked on it, the oldest first. Only the last ones, if there are many.
    pub(crate) processes: Vec<Process>,
    /// The number of all processes.
    pub(crate) processes_number: u64,
    /// The figures, errors and notes in words, for a terminal.
    #[serde(skip)]
    pub(crate) text: String,
}

/// The shards of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Shards {
    /// The number of shards.
    pub(crate) of: u32,
    /// The shards that the report includes.
    pub(crate) found: Vec<u32>,
    /// Those of them that have not finished.
    pub(crate) unfinished: Vec<u32>,
    /// The rows that no shard, or more than one, has an outcome for.
    pub(crate) unaccounted: u64,
}

impl Shards {
    /// Returns the shards that are not in the report.
    pub(crate) fn missing(&self) -> Vec<u32> {
        let missing = (1..=self.of).filter(|index| !self.found.contains(index));
        missing.collect()
    }
}

/// A next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Step {
    /// The advice, which ends with a colon if a command follows.
    pub(crate) advice: String,
    /// The command.
    pub(crate) command: Option<String>,
}

/// An input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct InputReport {
    /// Its name as the user wrote it.
    pub(crate) name: String,
    /// Its format, if known: `CSV with ,`.
    pub(crate) read_as: Option<String>,
    /// Its size in bytes, if known.
    pub(crate) bytes: Option<u64>,
}

/// The books: `records` is the sum of the parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Books {
    /// Rows that were read.
    pub(crate) records: u64,
    /// Rows of the input, if they were counted: `records` and those that were not read.
    pub(crate) total: Option<u64>,
    /// The rows by their end, in the order of the enum; none of them is zero.
    pub(crate) parts: BTreeMap<RowEnd, u64>,
    /// Whether they have the invalid rows alone, of a check or preview that has left no summary.
    #[serde(skip)]
    pub(crate) lacks_valid_rows: bool,
}

/// The verdict on a canary: the first customers, who were sent to before all others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Canary {
    /// The shard, if several processes shared the rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shard: Option<u32>,
    /// The time of the verdict.
    #[serde(serialize_with = "time")]
    pub(crate) at: Timestamp,
    /// Whether no row ended badly, and the API showed all values as they were sent.
    pub(crate) is_good: bool,
    /// The customers to whom a request was sent.
    pub(crate) customers: u64,
    /// Their rows that were updated.
    pub(crate) updated: u64,
    /// Their rows that ended badly.
    pub(crate) bad: u64,
    /// The fields that the API showed in another way than they were sent.
    pub(crate) echo: Vec<String>,
    /// The run's way on.
    pub(crate) then: AfterCanary,
}

/// The way on of a run after the verdict on its canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AfterCanary {
    /// It stopped, and has sent nothing since.
    Stopped,
    /// It sent to other customers.
    WentOn,
}

/// The end of a row, as the report tells rows apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RowEnd {
    /// The API applied it.
    Updated,
    /// It can be sent (in a check).
    Valid,
    /// The API had its values already.
    Unchanged,
    /// Later rows of its customer replace it.
    Superseded,
    /// It belongs to another shard.
    Elsewhere,
    /// It breaks the contract and was not sent.
    Invalid,
    /// The API rejected it.
    Rejected,
    /// The customer was changed elsewhere in the meantime.
    Conflict,
    /// Every attempt failed.
    Failed,
    /// An outcome that only a later version knows.
    Other,
    /// It ended badly and was sent again later, when it had another end. Only in the course of a run.
    SentAgain,
    /// It has no outcome: the same command sends it. Only in the books.
    Unsent,
    /// Its outcome could not be recorded (in a check). Only in the books.
    Unrecorded,
}

/// The course of a run: columns of equal width, at the times at which processes worked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Course {
    /// The width of a column in milliseconds.
    pub(crate) width_ms: u64,
    /// The stretches of time at which processes worked, in order. Long times without a process lie
    /// between them. At most about eight.
    pub(crate) stretches: Vec<Stretch>,
}

/// A stretch of time at which processes worked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Stretch {
    /// The start of its first column.
    #[serde(serialize_with = "time")]
    pub(crate) begin: Timestamp,
    /// The columns, one behind the other. All stretches together have at most 120.
    pub(crate) columns: Vec<Column>,
}

/// The rows and figures of the time of one column.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(crate) struct Column {
    /// The rows that ended, by their end.
    pub(crate) rows: BTreeMap<RowEnd, u64>,
    /// The median, the 95th and the 99th percentile of the time that answers took, in microseconds;
    /// `None` without answers.
    pub(crate) latency_us: Option<[u64; 3]>,
    /// The figures of sending; `None` if the timeline has none of this time.
    pub(crate) sending: Option<SendingColumn>,
}

/// The figures of sending in the time of one column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct SendingColumn {
    /// Requests per second.
    pub(crate) requests_per_second: f64,
    /// The rate per second that was in force: the user's, the API's or the learned one.
    pub(crate) rate_per_second: Option<f64>,
    /// The mean number of requests in flight.
    pub(crate) in_flight: f64,
    /// The most requests that were allowed in flight.
    pub(crate) in_flight_max: u64,
    /// The part of the time, from 0 to 1, that each cause held the run back: the cause's name as in
    /// the timeline (`pause`, `outage`, `no_answer`, `window`, `rate`, `max_in_flight` …). The largest first.
    pub(crate) held_back_by: Vec<(String, f64)>,
}

/// Rows with the same error or warning.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Group {
    /// The end of the rows; `None` for a warning.
    pub(crate) end: Option<RowEnd>,
    /// The field, if the error names one.
    pub(crate) field: Option<String>,
    /// The code.
    pub(crate) code: String,
    /// The status of the answer.
    pub(crate) status: Option<u16>,
    /// The number of rows.
    pub(crate) rows: u64,
    /// The percentage of the rows that were read.
    pub(crate) share: f64,
    /// The places of the first rows: `customers.csv:42`.
    pub(crate) first: Vec<String>,
    /// The errors in our own words, a sentence for each message.
    pub(crate) wrong: Vec<String>,
}

/// A setting that differs from its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Setting {
    /// Its name.
    pub(crate) name: String,
    /// Its value in one line; `None` if it is a secret, or may be a customer's value.
    pub(crate) value: Option<String>,
    /// Its origin: `--rate`, `CUSTSYNC_RATE`, `custsync.toml`; `None` if it is not known.
    pub(crate) origin: Option<String>,
}

/// A process that worked on a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Process {
    /// The version of the program.
    pub(crate) version: String,
    /// Its shard, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shard: Option<u32>,
    /// The time when it began.
    #[serde(serialize_with = "time")]
    pub(crate) started: Timestamp,
    /// The seconds that it took; `None` if it was killed.
    pub(crate) seconds: Option<f64>,
    /// Its exit code; `None` if it was killed.
    pub(crate) exit: Option<u8>,
    /// Rows that it ended.
    pub(crate) rows: u64,
    /// Requests that it sent, if known.
    pub(crate) requests: Option<u64>,
}

/// Serialises a time as RFC 3339 with milliseconds.
fn time<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{at:.3}"))
}
