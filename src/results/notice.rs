//! A notice: the end of a command as others are told of it, in our own words only.

use jiff::Timestamp;
use serde::Serialize;

use super::summary::{StepSummary, Summary, format_time, next};
use crate::text::safe_json;

/// The most names of inputs in a notice.
const INPUTS_MAX: usize = 20;
/// The most characters of a text for a chat. Slack cuts a text of 40,000 and folds long ones.
const CHAT_CHARACTERS_MAX: usize = 3_000;
/// The end of a text that was cut.
const CUT: &str = "…";

/// The end of a command as others are told of it. It holds no customer's value and no words of a
/// server.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Notice {
    /// The program's version.
    pub version: &'static str,
    /// `run`, `undo` or `check`.
    pub command: &'static str,
    /// The verdict in one or two sentences.
    pub verdict: String,
    /// The process's exit code.
    pub exit_code: u8,
    /// The names of the inputs, 20 at most.
    pub inputs: Vec<String>,
    /// The run directory; `None` if there is none.
    pub run_dir: Option<String>,
    /// The rows by outcome; `None` if the command could not begin, or broke off.
    pub counts: Option<NoticeCounts>,
    /// The reasons for the verdict, a sentence each.
    pub reasons: Vec<String>,
    /// The next steps, the most important last.
    pub next_steps: Vec<StepSummary>,
    /// The time when the process began; `None` if the command could not begin, or broke off.
    pub started: Option<String>,
    /// The time when it ended.
    pub ended: String,
}

/// The rows by outcome. An outcome that the command does not have is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct NoticeCounts {
    /// Rows that were read.
    pub records: u64,
    /// Valid rows, of a check.
    pub valid: u64,
    /// Rows that the API applied.
    pub updated: u64,
    /// Rows that had their values already.
    pub unchanged: u64,
    /// Rows that break the contract.
    pub invalid: u64,
    /// Rows that the API rejected.
    pub rejected: u64,
    /// Rows whose customers were changed elsewhere.
    pub conflict: u64,
    /// Rows of which every attempt failed.
    pub failed: u64,
    /// Rows that later rows of their customers replace.
    pub superseded: u64,
    /// Rows of other shards.
    pub elsewhere: u64,
    /// Rows with an outcome of a later version.
    pub other: u64,
    /// Rows without an outcome.
    pub unsent: u64,
    /// Rows whose outcome could not be recorded.
    pub unrecorded: u64,
}

impl NoticeCounts {
    fn of(summary: &Summary) -> NoticeCounts {
        NoticeCounts {
            records: summary.records,
            valid: summary.valid.unwrap_or_default(),
            updated: summary.updated.unwrap_or_default(),
            unchanged: summary.unchanged.unwrap_or_default(),
            invalid: summary.invalid,
            rejected: summary.rejected.unwrap_or_default(),
            conflict: summary.conflict.unwrap_or_default(),
            failed: summary.failed.unwrap_or_default(),
            superseded: summary.superseded.unwrap_or_default(),
            elsewhere: summary.elsewhere.unwrap_or_default(),
            other: summary.other.unwrap_or_default(),
            unsent: summary.unsent.unwrap_or_default(),
            unrecorded: summary.unrecorded.unwrap_or_default(),
        }
    }

    /// Returns each count with its name.
    pub(crate) fn named(&self) -> [(&'static str, u64); 13] {
        let NoticeCounts {
            records,
            valid,
            updated,
            unchanged,
            invalid,
            rejected,
            conflict,
            failed,
            superseded,
            elsewhere,
            other,
            unsent,
            unrecorded,
        } = *self;
        [
            ("records", records),
            ("valid", valid),
            ("updated", updated),
            ("unchanged", unchanged),
            ("invalid", invalid),
            ("rejected", rejected),
            ("conflict", conflict),
            ("failed", failed),
            ("superseded", superseded),
            ("elsewhere", elsewhere),
            ("other", other),
            ("unsent", unsent),
            ("unrecorded", unrecorded),
        ]
    }
}

impl Notice {
    /// Returns the notice of an end with a summary.
    pub(crate) fn of(summary: &Summary, command: &'static str) -> Notice {
        Notice {
            version: env!("CARGO_PKG_VERSION"),
            command,
            verdict: summary.verdict.clone(),
            exit_code: summary.exit_code,
            inputs: first(&summary.inputs),
            run_dir: summary.run_dir.clone(),
            counts: Some(NoticeCounts::of(summary)),
            reasons: summary.reasons.clone(),
            next_steps: summary.next_steps.clone(),
            started: Some(summary.started.clone()),
            ended: summary.ended.clone(),
        }
    }

    /// Returns the notice of an end without a summary.
    pub(crate) fn of_early_end(
        command: &'static str,
        exit_code: u8,
        inputs: &[String],
        run_dir: Option<String>,
        message: &str,
    ) -> Notice {
        Notice {
            version: env!("CARGO_PKG_VERSION"),
            command,
            verdict: format!(
                "custsync {command} could not begin, or broke off (exit code {exit_code})."
            ),
            exit_code,
            inputs: first(inputs),
            run_dir,
            counts: None,
            reasons: message.lines().map(str::to_owned).collect(),
            next_steps: Vec::new(),
            started: None,
            ended: format_time(Timestamp::now()),
        }
    }

    /// Formats the notice as JSON.
    pub(crate) fn to_json(&self) -> String {
        let json =
            serde_json::to_string(self).expect("texts and numbers, written to memory, cannot fail");
        safe_json(&json).into_owned()
    }

    /// Formats the notice as the JSON that incoming webhooks of Slack take.
    pub(crate) fn to_slack(&self) -> String {
        let inputs = match self.inputs.as_slice() {
            [] => String::new(),
            [one] => format!(" {one}"),
            [first, others @ ..] => format!(" {first} and {} more", others.len()),
        };
        let command = format!("custsync {}{inputs}: ", self.command);
        // A verdict without a summary begins with the command.
        let begin = if self.counts.is_some() { &command } else { "" };
        let directory = self.run_dir.as_ref();
        let directory = directory.map_or_else(String::new, |path| format!("recorded in {path}\n"));
        let text = format!("{begin}{}{directory}", self.to_text());
        let text = cut(text.trim_end(), CHAT_CHARACTERS_MAX, |text| {
            text.chars().count()
        });
        let json = serde_json::json!({ "text": for_slack(&text) }).to_string();
        safe_json(&json).into_owned()
    }

    /// Formats the notice as lines: the verdict, the reasons and the next steps.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.verdict);
        for reason in &self.reasons {
            text.push_str(reason);
            text.push('\n');
        }
        text + &next(&self.next_steps)
    }

    /// Formats the notice as lines of at most this many bytes.
    pub(crate) fn to_text_within(&self, bytes_max: usize) -> String {
        cut(&self.to_text(), bytes_max, str::len)
    }
}

fn first(inputs: &[String]) -> Vec<String> {
    inputs.iter().take(INPUTS_MAX).cloned().collect()
}

/// Escapes the characters with which Slack's markup begins and ends
/// (<https://docs.slack.dev/messaging/formatting-message-text#escaping>).
fn for_slack(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Returns the beginning of a text, of at most this size. A text that is cut ends with `…`.
fn cut(text: &str, size_max: usize, size: impl Fn(&str) -> usize) -> String {
    if size(text) <= size_max {
        return text.to_owned();
    }
    let room = size_max.saturating_sub(size(CUT));
    let ends = text.char_indices().map(|(end, _)| end);
    let begins = ends.filter_map(|end| text.get(..end));
    let fitting = begins.take_while(|begin| size(begin) <= room).last();
    format!("{}{CUT}", fitting.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn notice() -> Notice {
        let summary = Summary {
            verdict: "1 of 3 rows updated; 2 were not.".to_owned(),
            reasons: vec!["a <b> & c".to_owned()],
            next_steps: vec![StepSummary {
                advice: "To go on:".to_owned(),
                command: Some("custsync run 'a>b.csv'".to_owned()),
            }],
            inputs: vec!["a>b.csv".to_owned(), "c.csv".to_owned()],
            run_dir: Some("runs/1".to_owned()),
            started: "2026-11-23T09:18:04.000Z".to_owned(),
            ended: "2026-11-23T09:19:04.000Z".to_owned(),
            records: 3,
            updated: Some(1),
            invalid: 2,
            exit_code: 1,
            ..Summary::default()
        };
        Notice::of(&summary, "run")
    }

    #[test]
    fn a_chat_gets_a_text_without_markup() {
        let got: Value = serde_json::from_str(&notice().to_slack()).expect("JSON");
        let text = "custsync run a&gt;b.csv and 1 more: 1 of 3 rows updated; 2 were not.\na &lt;b&gt; &amp; c\nTo go on:\n  custsync run 'a&gt;b.csv'\nrecorded in runs/1";
        assert_eq!(got, json!({ "text": text }));
        let early = Notice::of_early_end("check", 2, &[], None, "no\nnever");
        let got: Value = serde_json::from_str(&early.to_slack()).expect("JSON");
        let text = "custsync check could not begin, or broke off (exit code 2).\nno\nnever";
        assert_eq!(got, json!({ "text": text }));
    }

    #[test]
    fn every_count_has_its_name() {
        let notice = notice();
        let counts = notice.counts.expect("a summary has counts");
        let value = serde_json::to_value(counts).expect("JSON");
        let named = counts
            .named()
            .map(|(name, rows)| (name.to_owned(), json!(rows)));
        assert_eq!(value, Value::Object(named.into_iter().collect()));
        assert_eq!((counts.records, counts.updated, counts.invalid), (3, 1, 2));
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let check = |text: &str, bytes_max: usize, want: &str| {
            assert_eq!(cut(text, bytes_max, str::len), want, "{text} {bytes_max}");
        };
        check("abcdef", 6, "abcdef");
        check("abcdef", 5, "ab…");
        check("aéééé", 8, "aéé…");
        check("aéééé", 7, "aé…");
        check("", 0, "");
        check("abcd", 3, "…");
        let mut long = notice();
        long.reasons = vec!["ü".repeat(5_000)];
        assert!((4_090..=4_096).contains(&long.to_text_within(4_096).len()));
        let slack: Value = serde_json::from_str(&long.to_slack()).expect("JSON");
        let text = slack["text"].as_str().expect("a text");
        // As people see it.
        let text = text.replace("&gt;", ">");
        assert_eq!(text.chars().count(), CHAT_CHARACTERS_MAX);
    }
}
