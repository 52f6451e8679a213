//! The summary of a run directory: `summary.json`, and the same as a table for people.

mod groups;
mod inputs;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

pub use self::groups::{ErrorGroup, error_groups, warning_groups};
pub use self::inputs::InputNames;
use super::tally::{Latencies, RowsRead, Tally};
use crate::journal::Outcome;
use crate::schedule::Statistics;
use crate::schedule::rate::shown_per_second;
use crate::text::{self, grouped};

/// What became of a run directory. The books close: `records` is the sum of the outcomes and `unsent`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The program's version.
    pub version: &'static str,
    /// `run` or `check`.
    pub command: &'static str,
    /// The inputs, by name.
    pub inputs: Vec<String>,
    /// What each of them was found to be.
    pub read_as: Vec<String>,
    /// The same in words, where there is more to tell than their names say.
    #[serde(skip)]
    pub input_notes: Vec<String>,
    /// Where all of it is recorded.
    pub run_dir: String,
    /// When this process began.
    pub started: String,
    /// When it ended.
    pub ended: String,
    /// How long it took.
    pub seconds: f64,
    /// Rows that were read.
    pub records: u64,
    /// Whether the input was read to its end; where not, there may be more rows than were read.
    pub read_to_end: bool,
    /// Rows that keep the contract (`check` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid: Option<u64>,
    /// Rows that the API has applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<u64>,
    /// Rows that break the contract.
    pub invalid: u64,
    /// Rows that the API refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected: Option<u64>,
    /// Rows of which every attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<u64>,
    /// Rows that were not sent, since a later row of their customer was or will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded: Option<u64>,
    /// Rows that ended in ways which this version does not bring about: `unchanged`, `conflict`, `elsewhere`, and `other` for those
    /// that a later version knows. Each only where there is one.
    #[serde(flatten)]
    pub rare: BTreeMap<&'static str, u64>,
    /// Rows without an outcome: the same command sends them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsent: Option<u64>,
    /// Rows whose outcome could not be recorded (`check` only; in a run they are unsent).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unrecorded: Option<u64>,
    /// Errors by outcome, field and code, the largest group first.
    pub errors: Vec<ErrorGroup>,
    /// What is unusual, but no error.
    pub warnings: Vec<ErrorGroup>,
    /// Rows whose date was brought into RFC 3339.
    pub dates_normalised: u64,
    /// Rows that leave fields of the contract out; the API's pages do not agree on what it does with those.
    pub fields_left_out: u64,
    /// Rows of which fields were left out, since later rows of their customers had set them before.
    pub fields_overtaken: u64,
    /// Lines of delimiters alone that were passed over.
    pub blank_rows: u64,
    /// What the sending took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sending: Option<SendingSummary>,
    /// Why it stopped early.
    pub stopped: Option<String>,
    /// The command that goes on where it stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continue_with: Option<String>,
    /// The same, where the input has to be piped into it again.
    #[serde(skip)]
    pub continue_by_piping: Option<String>,
    /// What was said of what went wrong, a message a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// The process's exit code.
    pub exit_code: u8,
    /// The files written.
    pub files: Vec<String>,
}

/// What the sending took, in this process.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SendingSummary {
    /// Requests sent.
    pub requests: u64,
    /// Requests a second.
    pub requests_per_second: f64,
    /// Requests that repeated another one, by what had come of that.
    pub retries: BTreeMap<String, u64>,
    /// Pauses that the API asked for.
    pub pauses: u64,
    /// Seconds that all rows waited in them.
    pub paused_s: f64,
    /// Times that the API was down.
    pub outages: u64,
    /// Seconds that it was down.
    pub down_s: f64,
    /// Times that an update was read and repeated to tell whether the API works.
    pub controls: u64,
    /// Times that the token was renewed.
    pub token_renewals: u64,
    /// The rate a second that was learned from what the API refuses, where that limited the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learned_rate_per_second: Option<f64>,
    /// The most requests in flight that was learned from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learned_in_flight: Option<usize>,
    /// The most requests that were in flight at once.
    pub in_flight_max: usize,
    /// How long answers took, whatever they said.
    pub latency_ms: Option<LatencySummary>,
}

/// Milliseconds that a share of requests stayed within.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LatencySummary {
    /// Half of them.
    pub p50: f64,
    /// 95 in 100.
    pub p95: f64,
    /// 99 in 100.
    pub p99: f64,
}

/// What the sending took.
pub fn sending_summary(
    statistics: &Statistics,
    latencies: &Latencies,
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
        token_renewals: statistics.token_renewals,
        learned_rate_per_second: statistics
            .learned_rate
            .map(|rate| (rate * 100.0).round() / 100.0),
        learned_in_flight: statistics.learned_in_flight,
        in_flight_max: statistics.in_flight_max,
        latency_ms,
    }
}

/// To one decimal.
pub fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// A time as summaries show it.
pub fn shown_time(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Outcomes that few runs have.
const RARE: [Outcome; 4] = [
    Outcome::Unchanged,
    Outcome::Conflict,
    Outcome::Elsewhere,
    Outcome::Other,
];

impl Summary {
    /// The counts that the tally has, and what is left of the rows that were read. `unrecorded` outcomes are not in the tally.
    pub fn count(&mut self, tally: &Tally, read: &RowsRead, unrecorded: u64) {
        self.records = read.rows;
        self.invalid = tally.count(Outcome::Invalid);
        self.dates_normalised = read.dates_normalised;
        self.fields_left_out = read.fields_left_out;
        self.fields_overtaken = read.fields_overtaken;
        self.blank_rows = read.blank_rows;
        if self.command == "check" {
            // What could not be recorded is not valid for that.
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

    /// Whether a row needs a look.
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

    /// The summary as JSON.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self)
            .expect("texts and numbers, written to memory, cannot fail");
        format!("{}\n", text::safe_json(&json))
    }

    /// The summary as lines for people.
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
                    "{rows} with fields left out of the request (the API may keep or clear them, see README)"
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

/// A count of rows, in words.
fn rows(count: u64) -> String {
    format!(
        "{} {}",
        grouped(count),
        if count == 1 { "row" } else { "rows" }
    )
}

/// How often, in words.
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
