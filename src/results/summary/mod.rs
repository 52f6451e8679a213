//! The summary of a run directory: `summary.json`, and a table for people.

mod groups;
mod inputs;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

pub use self::groups::{ErrorGroup, error_groups, warning_groups};
pub use self::inputs::InputNames;
use super::held_back::Brake;
use super::tally::{Latencies, RowsRead, Tally};
use crate::journal::Outcome;
use crate::schedule::Statistics;
use crate::schedule::rate::shown_per_second;
use crate::text::{self, grouped};

/// The summary of a run or a check. The books close: `records` is the sum of the outcomes and
/// `unsent`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The program's version.
    pub version: &'static str,
    /// `run` or `check`.
    pub command: &'static str,
    /// The names of the inputs.
    pub inputs: Vec<String>,
    /// Their formats.
    pub read_as: Vec<String>,
    /// A line for each input whose format its name does not show.
    #[serde(skip)]
    pub input_notes: Vec<String>,
    /// The run directory.
    pub run_dir: String,
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
    /// Valid rows (`check` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid: Option<u64>,
    /// Rows that the API applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<u64>,
    /// Rows that break the contract.
    pub invalid: u64,
    /// Rows that the API rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected: Option<u64>,
    /// Rows of which every attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<u64>,
    /// Rows that were not sent because of a later row of their customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded: Option<u64>,
    /// Rows with outcomes that this version does not produce: `unchanged`, `conflict`, `elsewhere`,
    /// and `other` for those of a later version. Each is present only if there is such a row.
    #[serde(flatten)]
    pub rare: BTreeMap<&'static str, u64>,
    /// Rows without an outcome; the same command sends them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsent: Option<u64>,
    /// Rows whose outcome could not be recorded (`check` only; in a run they are unsent).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unrecorded: Option<u64>,
    /// Errors by outcome, field and code, the largest group first.
    pub errors: Vec<ErrorGroup>,
    /// Warnings, the largest group first.
    pub warnings: Vec<ErrorGroup>,
    /// Rows with a date normalised to RFC 3339.
    pub dates_normalised: u64,
    /// Rows that leave out fields of the contract. The API's pages contradict each other on the
    /// effect.
    pub fields_left_out: u64,
    /// Rows with fields left out because later rows of their customers had set them.
    pub fields_overtaken: u64,
    /// Lines with only delimiters, which were skipped.
    pub blank_rows: u64,
    /// The numbers of sending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sending: Option<SendingSummary>,
    /// The reason why it stopped early.
    pub stopped: Option<String>,
    /// The command that continues the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continue_with: Option<String>,
    /// The command that continues the run if the input is piped into it again.
    #[serde(skip)]
    pub continue_by_piping: Option<String>,
    /// The error messages, one a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// The process's exit code.
    pub exit_code: u8,
    /// The files written.
    pub files: Vec<String>,
}

/// The numbers of sending, in this process.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SendingSummary {
    /// Requests sent.
    pub requests: u64,
    /// Requests per second.
    pub requests_per_second: f64,
    /// Repeated requests, by the result of the request before.
    pub retries: BTreeMap<String, u64>,
    /// Pauses that the API asked for.
    pub pauses: u64,
    /// Seconds that all rows waited in them.
    pub paused_s: f64,
    /// Outages of the API.
    pub outages: u64,
    /// Seconds of outage.
    pub down_s: f64,
    /// Times that an update was read and repeated to find out whether the API works.
    pub controls: u64,
    /// Token refreshes.
    pub token_renewals: u64,
    /// The rate per second that was learned from the API's refusals, if it limited the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learned_rate_per_second: Option<f64>,
    /// The limit of requests in flight that was learned from them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learned_in_flight: Option<usize>,
    /// The most requests in flight at once.
    pub in_flight_max: usize,
    /// The percentage of the time for which each cause held the run back.
    pub held_back_by: BTreeMap<Brake, f64>,
    /// Latencies of all answers.
    pub latency_ms: Option<LatencySummary>,
}

/// Percentiles of the latency, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LatencySummary {
    /// The median.
    pub p50: f64,
    /// The 95th percentile.
    pub p95: f64,
    /// The 99th percentile.
    pub p99: f64,
}

/// Returns the numbers of sending.
pub fn sending_summary(
    statistics: &Statistics,
    latencies: &Latencies,
    held_back: &[(Brake, f64)],
    seconds: f64,
) -> SendingSummary {
    let ms = |percentile| {
        latencies
            .percentile(percentile)
            .map(|took| rounded(took.as_secs_f64() * 1000.0))
    };
    let latency_ms = match (ms(50.0), ms(95.0), ms(99.0)) {
        (Some(p50), Some(p95), Some(p99)) => Some(LatencySummary { p50, p95, p99 }),
        _ => None,
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate is shown with one decimal"
    )]
    let requests_per_second = if seconds > 0.0 {
        rounded(statistics.attempts as f64 / seconds)
    } else {
        0.0
    };
    SendingSummary {
        requests: statistics.attempts,
        requests_per_second,
        retries: statistics
            .retries
            .iter()
            .map(|(cause, n)| (cause.to_string(), *n))
            .collect(),
        pauses: statistics.pauses,
        paused_s: rounded(statistics.paused.as_secs_f64()),
        outages: statistics.outages,
        down_s: rounded(statistics.down.as_secs_f64()),
        controls: statistics.controls,
        token_renewals: statistics.token_refreshes,
        learned_rate_per_second: statistics
            .learned_rate
            .map(|rate| (rate * 100.0).round() / 100.0),
        learned_in_flight: statistics.learned_in_flight,
        in_flight_max: statistics.in_flight_max,
        held_back_by: held_back
            .iter()
            .map(|(brake, share)| (*brake, rounded(share * 100.0)))
            .filter(|(_, percent)| *percent > 0.0)
            .collect(),
        latency_ms,
    }
}

/// Rounds to one decimal.
pub fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// Formats a time as summaries show it.
pub fn format_time(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// The outcomes that few runs have.
const RARE: [Outcome; 4] = [
    Outcome::Unchanged,
    Outcome::Conflict,
    Outcome::Elsewhere,
    Outcome::Other,
];

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
        if self.command == "check" {
            // A row whose outcome could not be recorded is not valid for that.
            self.valid = Some(read.rows - self.invalid - read.superseded - unrecorded);
            self.unrecorded = Some(unrecorded).filter(|rows| *rows > 0);
            self.superseded = Some(read.superseded);
            return;
        }
        self.updated = Some(tally.count(Outcome::Updated));
        self.rejected = Some(tally.count(Outcome::Rejected));
        self.failed = Some(tally.count(Outcome::Failed));
        self.superseded = Some(tally.count(Outcome::Superseded));
        let rare = RARE
            .iter()
            .map(|outcome| (outcome.name(), tally.count(*outcome)));
        self.rare = rare.filter(|(_, rows)| *rows > 0).collect();
        let unsent = read.rows.checked_sub(tally.ended());
        self.unsent =
            Some(unsent.expect("no row has two outcomes, and none has one without being read"));
    }

    /// Whether a row needs the user's attention.
    pub fn has_bad_rows(&self) -> bool {
        let unlisted = RARE
            .iter()
            .filter(|outcome| outcome.needs_attention())
            .filter_map(|it| self.rare.get(it.name()));
        self.invalid
            + self.rejected.unwrap_or_default()
            + self.failed.unwrap_or_default()
            + unlisted.sum::<u64>()
            > 0
    }

    /// Formats the summary as JSON.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self)
            .expect("texts and numbers, written to memory, cannot fail");
        format!("{}\n", text::safe_json(&json))
    }

    /// Formats the summary as lines for people.
    pub fn to_text(&self) -> String {
        let mut lines = String::new();
        self.write_counts(&mut lines);
        self.write_groups(&mut lines);
        self.write_notes(&mut lines);
        self.write_sending(&mut lines);
        self.write_end(&mut lines);
        lines
    }

    fn write_counts(&self, lines: &mut String) {
        let more = if self.read_to_end {
            ""
        } else {
            "  (the input was not read to its end)"
        };
        let counts = [
            ("valid", self.valid),
            ("updated", self.updated),
            ("invalid", Some(self.invalid)),
            ("rejected", self.rejected),
            ("failed", self.failed),
            ("superseded", self.superseded.filter(|rows| *rows > 0)),
        ];
        let rare = self.rare.iter().map(|(name, rows)| (*name, Some(*rows)));
        let counts = counts
            .into_iter()
            .chain(rare)
            .chain([("unsent", self.unsent), ("unrecorded", self.unrecorded)]);
        line(
            lines,
            format_args!("{:<10}{:>12}{more}", "records", grouped(self.records)),
        );
        for (name, count) in counts {
            if let Some(count) = count {
                line(lines, format_args!("  {name:<10}{:>10}", grouped(count)));
            }
        }
    }

    fn write_groups(&self, lines: &mut String) {
        for (title, groups) in [("errors", &self.errors), ("warnings", &self.warnings)] {
            if groups.is_empty() {
                continue;
            }
            line(lines, format_args!("{title}"));
            for group in groups {
                group.write(lines);
            }
        }
    }

    fn write_notes(&self, lines: &mut String) {
        for note in &self.input_notes {
            line(lines, format_args!("{note}"));
        }
        if self.dates_normalised > 0 {
            line(
                lines,
                format_args!(
                    "{} with dates normalised to RFC 3339",
                    rows(self.dates_normalised)
                ),
            );
        }
        if self.blank_rows > 0 {
            line(
                lines,
                format_args!("{} skipped: only delimiters", rows(self.blank_rows)),
            );
        }
        if self.fields_left_out > 0 {
            let rows = rows(self.fields_left_out);
            line(
                lines,
                format_args!(
                    "{rows} with fields left out of the request (the API may keep or clear them: custsync help fields-left-out)"
                ),
            );
        }
        if self.fields_overtaken > 0 {
            let rows = rows(self.fields_overtaken);
            line(
                lines,
                format_args!(
                    "{rows} with fields left out because later rows have set them (--overtaken send sends them)"
                ),
            );
        }
    }

    /// Writes the main causes that held the run back. A run of some seconds has none worth telling.
    fn write_held_back(&self, sending: &SendingSummary, lines: &mut String) {
        const SECONDS_MIN: f64 = 30.0;
        const CAUSES_MAX: usize = 3;
        let mut causes: Vec<_> = sending
            .held_back_by
            .iter()
            .filter(|(_, percent)| **percent >= 1.0)
            .collect();
        if self.seconds < SECONDS_MIN || causes.is_empty() {
            return;
        }
        causes.sort_by(|one, other| other.1.total_cmp(one.1));
        causes.truncate(CAUSES_MAX);
        let causes = causes
            .iter()
            .map(|(brake, percent)| format!("{} {percent:.0} %", brake.label()));
        let causes = causes.collect::<Vec<_>>().join(", ");
        line(lines, format_args!("  held back by {causes}"));
    }

    fn write_end(&self, lines: &mut String) {
        line(lines, format_args!("files"));
        for file in &self.files {
            line(lines, format_args!("  {file}"));
        }
        if let Some(reason) = &self.stopped {
            line(lines, format_args!("stopped early: {reason}"));
        }
        if let Some(command) = &self.continue_with {
            line(lines, format_args!("to continue: {command}"));
        }
        if let Some(command) = &self.continue_by_piping {
            line(
                lines,
                format_args!("to continue, pipe the same bytes again into: {command}"),
            );
        }
    }

    fn write_sending(&self, lines: &mut String) {
        let Some(sending) = &self.sending else { return };
        line(
            lines,
            format_args!(
                "requests  {:>12}  in {:.1} s, {:.1}/s, at most {} in flight",
                grouped(sending.requests),
                self.seconds,
                sending.requests_per_second,
                sending.in_flight_max
            ),
        );
        if let Some(LatencySummary { p50, p95, p99 }) = sending.latency_ms {
            line(
                lines,
                format_args!("  latency   p50 {p50:.1} ms, p95 {p95:.1} ms, p99 {p99:.1} ms"),
            );
        }
        self.write_held_back(sending, lines);
        if sending.controls > 0 {
            let what = "a read, then the last applied update again, which changes nothing";
            line(
                lines,
                format_args!("  controls  {} ({what})", grouped(sending.controls)),
            );
        }
        if !sending.retries.is_empty() {
            let causes: Vec<_> = sending
                .retries
                .iter()
                .map(|(cause, n)| format!("{cause} ×{}", grouped(*n)))
                .collect();
            line(lines, format_args!("  retries: {}", causes.join(", ")));
        }
        if sending.pauses > 0 {
            line(
                lines,
                format_args!(
                    "  paused by the API {}, {:.1} s",
                    times(sending.pauses),
                    sending.paused_s
                ),
            );
        }
        let rate = sending.learned_rate_per_second.map(shown_per_second);
        let in_flight = sending
            .learned_in_flight
            .map(|requests| format!("{requests} in flight"));
        let learned: Vec<_> = rate.into_iter().chain(in_flight).collect();
        if !learned.is_empty() {
            line(
                lines,
                format_args!(
                    "  the API accepts about {} (learned from its refusals)",
                    learned.join(" and ")
                ),
            );
        }
        if sending.outages > 0 {
            line(
                lines,
                format_args!(
                    "  API down {}, {:.1} s",
                    times(sending.outages),
                    sending.down_s
                ),
            );
        }
        if sending.token_renewals > 0 {
            line(
                lines,
                format_args!("  token renewed {}", times(sending.token_renewals)),
            );
        }
    }
}

/// Formats a count of rows.
fn rows(count: u64) -> String {
    format!(
        "{} {}",
        grouped(count),
        if count == 1 { "row" } else { "rows" }
    )
}

/// Formats a count of times.
fn times(count: u64) -> String {
    if count == 1 {
        "once".to_owned()
    } else {
        format!("{} times", grouped(count))
    }
}

fn line(lines: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(lines, "{text}").expect("writing to a String cannot fail");
}
