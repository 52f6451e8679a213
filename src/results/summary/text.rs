//! The summary in words, for people: the verdict, errors, notes, speed, files, and what to do next.

use std::fmt::Write as _;

use super::super::answer_words;
use super::end::{End, StoppedBy, Tone};
use super::next_step::next;
use super::verdict::verdict;
use super::words::{counted, rows, times, took, took_ms};
use super::{EchoField, ErrorGroup, LatencySummary, SendingSummary, Summary, preview};
use crate::schedule::rate::shown_per_second;
use crate::text::{self, grouped};

/// The most kinds of errors and of warnings in the text. All of them are in `summary.json`.
const GROUPS_MAX: usize = 12;
/// The widest cell that the cells behind it are aligned after, so that short lines fit on a screen of
/// 80 columns.
const ALIGNED_MAX: usize = 40;
/// The width of the labels at the start of lines.
const LABEL_WIDTH: usize = 9;

/// The summary in words. Each part ends with a line end, or is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SummaryText {
    /// The verdict in one line.
    pub(crate) verdict: String,
    /// The reasons for it.
    pub(crate) reasons: String,
    /// Figures, errors, notes and files.
    pub(crate) details: String,
    /// The next steps.
    pub(crate) next: String,
}

impl Summary {
    /// Puts the end into the words that people read.
    pub(crate) fn describe(&mut self, end: &End, tone: Tone) {
        self.verdict = verdict(self, end);
        self.reasons = reasons(self, end);
        self.tone = tone;
        self.next_steps = end.steps_for_files();
    }
}

impl SummaryText {
    /// Puts a summary into words.
    pub(crate) fn of(summary: &Summary, end: &End) -> SummaryText {
        SummaryText {
            verdict: verdict(summary, end) + "\n",
            reasons: lines_of(&reasons(summary, end), &end.reported),
            details: details(summary, &end.input_notes),
            next: next(&end.steps()),
        }
    }
}

/// Returns the figures, errors, notes and files of a summary.
pub(in crate::results) fn details(summary: &Summary, input_notes: &[String]) -> String {
    let mut details = String::new();
    write_records(summary, &mut details);
    if let Some(findings) = &summary.preview {
        details.push_str(&preview::lines(findings));
    }
    write_errors(&summary.errors, &mut details);
    write_notes(summary, input_notes, &mut details);
    write_speed(summary, &mut details);
    write_files(summary, &mut details);
    details
}

fn lines_of(sentences: &[String], without: &[String]) -> String {
    let mut lines = String::new();
    for sentence in sentences
        .iter()
        .filter(|sentence| !without.contains(sentence))
    {
        line(&mut lines, format_args!("{sentence}"));
    }
    lines
}

/// Returns the reasons for the verdict, a sentence each.
fn reasons(summary: &Summary, end: &End) -> Vec<String> {
    let says_all = end.stopped.is_some_and(StoppedBy::says_all);
    let of_stop = summary.stopped.iter().filter(|_| !says_all);
    let cut_off = match end.cut_off {
        0 => None,
        1 => Some(
            "1 request was cut off: the API may have applied it; the row is sent again".to_owned(),
        ),
        requests => Some(format!(
            "{} requests were cut off: the API may have applied them; the rows are sent again",
            grouped(requests)
        )),
    };
    end.faults
        .iter()
        .chain(of_stop)
        .cloned()
        .chain(cut_off)
        .collect()
}

/// Writes the books: the rows by outcome, whose sum is the number of rows that were read.
fn write_records(summary: &Summary, lines: &mut String) {
    if summary.lacks_valid_rows() {
        let invalid = grouped(summary.invalid);
        let alone =
            format!("{invalid} invalid (the journal of a check or preview holds these alone)");
        labelled(lines, "records", &alone);
        return;
    }
    let named = [
        ("valid", summary.valid),
        ("updated", summary.updated),
        ("invalid", Some(summary.invalid)),
        ("rejected", summary.rejected),
        ("failed", summary.failed),
        ("superseded", summary.superseded),
        ("conflict", summary.conflict),
        ("elsewhere", summary.elsewhere),
        ("other", summary.other),
        ("unchanged", summary.unchanged),
    ];
    let last = [
        ("unsent", summary.unsent),
        ("unrecorded", summary.unrecorded),
    ];
    let parts = named.into_iter().chain(last);
    let parts: Vec<_> = parts
        .filter_map(|(name, rows)| Some((name, rows.filter(|rows| *rows > 0)?)))
        .map(|(name, rows)| format!("{} {name}", grouped(rows)))
        .collect();
    let sum = if parts.is_empty() {
        String::new()
    } else {
        format!(" = {}", parts.join(" + "))
    };
    // The verdict counts the rows to read, and the books those that were read.
    let unread = summary
        .total
        .and_then(|total| total.checked_sub(summary.records));
    let books = match unread {
        _ if summary.read_to_end => format!("{}{sum}", grouped(summary.records)),
        Some(unread @ 1..) => format!(
            "{} read{sum}; {} not read",
            rows(summary.records),
            rows(unread)
        ),
        Some(0) | None => format!(
            "{} read{sum} (the input was not read to its end)",
            rows(summary.records)
        ),
    };
    labelled(lines, "records", &books);
}

/// Writes the errors as a table, the most frequent first. The longest texts are in the last column.
fn write_errors(groups: &[ErrorGroup], lines: &mut String) {
    if groups.is_empty() {
        return;
    }
    let mut cells = vec![[
        "rows".to_owned(),
        "field".to_owned(),
        "first at".to_owned(),
        "what is wrong".to_owned(),
    ]];
    for group in groups.iter().take(GROUPS_MAX) {
        let mut wrong = what_is_wrong(group).into_iter();
        cells.push([
            grouped(group.rows),
            text::safe(group.field.as_deref().unwrap_or_default()),
            group.first.first().cloned().unwrap_or_default(),
            wrong.next().unwrap_or_default(),
        ]);
        cells.extend(wrong.map(|more| [String::new(), String::new(), String::new(), more]));
    }
    let width = |column: usize| {
        let cells = cells.iter().filter_map(|row| row.get(column));
        let widths = cells.map(|cell| cell.chars().count());
        widths
            .filter(|width| *width <= ALIGNED_MAX)
            .max()
            .unwrap_or(0)
    };
    let [rows_width, field_width, first_width] = [0, 1, 2].map(width);
    line(lines, format_args!(""));
    for [rows, field, first, wrong] in &cells {
        let row =
            format!("{rows:>rows_width$}  {field:<field_width$}  {first:<first_width$}  {wrong}");
        line(lines, format_args!("{}", row.trim_end()));
    }
    if let Some(more @ 1..) = groups.len().checked_sub(GROUPS_MAX) {
        let kinds = if more == 1 { "kind" } else { "kinds" };
        line(lines, format_args!("and {more} more {kinds}: summary.json"));
    }
    line(lines, format_args!(""));
}

/// Returns what is wrong with the rows of a group, in one line or, if they differ, in a few.
pub(in crate::results) fn what_is_wrong(group: &ErrorGroup) -> Vec<String> {
    let said = group.messages.iter();
    match (group.outcome, group.messages.as_slice()) {
        (_, [said]) => vec![text::safe(&said.message)],
        (_, [_, ..]) => said
            .map(|said| format!("{}: {}", rows(said.rows), text::safe(&said.message)))
            .collect(),
        (Some(outcome), []) => {
            vec![answer_words::of(
                outcome,
                group.status,
                &text::safe(&group.code),
            )]
        }
        (None, []) => Vec::new(),
    }
}

fn write_notes(summary: &Summary, input_notes: &[String], lines: &mut String) {
    for group in summary.warnings.iter().take(GROUPS_MAX) {
        labelled(lines, "warning", &warning(group));
    }
    if let Some(more @ 1..) = summary.warnings.len().checked_sub(GROUPS_MAX) {
        let kinds = if more == 1 { "kind" } else { "kinds" };
        labelled(
            lines,
            "warning",
            &format!("{more} more {kinds}: summary.json"),
        );
    }
    let echo = summary.echo.iter().flat_map(|echo| &echo.fields);
    for warning in echo.clone().filter_map(EchoField::warning) {
        labelled(lines, "warning", &warning);
    }
    let of_echo = echo.filter_map(EchoField::note);
    let notes = input_notes.iter().cloned().chain(notes(summary));
    for note in notes.chain(of_echo) {
        labelled(lines, "note", &note);
    }
}

/// Returns notes about the rows, a sentence each.
pub(in crate::results) fn notes(summary: &Summary) -> Vec<String> {
    let notes = [
        (
            summary.dates_normalised,
            "with dates normalised to RFC 3339",
        ),
        (summary.blank_rows, "skipped: only delimiters"),
        (
            summary.fields_overtaken,
            "with fields left out because later rows have set them (--overtaken send sends them)",
        ),
    ];
    let notes = notes.into_iter().filter(|(count, _)| *count > 0);
    let notes = notes.map(|(count, what)| format!("{} {what}", rows(count)));
    // The findings of a preview tell it by field.
    let left_out = fields_left_out(summary).filter(|_| summary.preview.is_none());
    notes.chain(left_out).collect()
}

/// Returns the note about rows that leave fields out. They were counted when they were read, so some
/// of them may be unsent.
fn fields_left_out(summary: &Summary) -> Option<String> {
    let count = summary.fields_left_out;
    let rows = match summary.unsent {
        _ if count == 0 => return None,
        None | Some(0) => format!("{} with fields left out", rows(count)),
        Some(_) => counted(
            count,
            "of the rows read leaves fields out",
            "of the rows read leave fields out",
        ),
    };
    Some(match summary.left_out_is_kept {
        Some(true) => format!("{rows} of the request, which the API keeps"),
        Some(false) => format!("{rows} of the request, which the API clears (--complete)"),
        None => format!(
            "{rows} of the request, which the API may keep or clear (custsync help fields-left-out)"
        ),
    })
}

/// Returns a warning as a sentence about its rows.
fn warning(group: &ErrorGroup) -> String {
    let field = match group.field.as_deref() {
        None | Some("row") => String::new(),
        Some(field) => format!("{} ", text::safe(field)),
    };
    let said: Vec<_> = (group.messages.iter())
        .map(|said| text::safe(&said.message))
        .collect();
    let place =
        (group.first.first()).map_or_else(String::new, |place| format!("; first at {place}"));
    format!("{}: {field}{}{place}", rows(group.rows), said.join("; "))
}

fn write_speed(summary: &Summary, lines: &mut String) {
    if let Some(sending) = &summary.sending
        && sending.requests > 0
    {
        labelled(lines, "speed", &speed(sending, summary.seconds));
        if let Some(LatencySummary { p50, p99, .. }) = sending.latency_ms {
            let latency = format!(
                "answers take {}, the slowest 1 % {} or more",
                took_ms(p50),
                took_ms(p99)
            );
            labelled(lines, "", &latency);
        }
        if let Some(troubles) = troubles(sending) {
            labelled(lines, "", &troubles);
        }
        if let Some(causes) = held_back(sending, summary.seconds) {
            labelled(lines, "", &format!("held back by {causes}"));
        }
        let rate = sending.learned_rate_per_second.map(shown_per_second);
        let in_flight = (sending.learned_in_flight).map(|number| format!("{number} in flight"));
        let learned: Vec<_> = rate.into_iter().chain(in_flight).collect();
        if !learned.is_empty() {
            let learned = learned.join(" and ");
            labelled(
                lines,
                "",
                &format!("the API accepts about {learned} (learned from its refusals)"),
            );
        }
    }
    if let Some(totals) = &summary.totals
        && totals.processes > 1
    {
        let unknown = match totals.processes_unknown {
            0 => String::new(),
            unknown => format!(" ({} of them without figures)", grouped(unknown)),
        };
        labelled(
            lines,
            "in all",
            &format!(
                "{} starts{unknown}: {} in {}",
                grouped(totals.processes),
                requests(totals.sending.requests),
                took(totals.seconds)
            ),
        );
    }
}

fn requests(count: u64) -> String {
    counted(count, "request", "requests")
}

fn speed(sending: &SendingSummary, seconds: f64) -> String {
    format!(
        "{} in {}, {:.1}/s, at most {} in flight",
        requests(sending.requests),
        took(seconds),
        sending.requests_per_second,
        sending.in_flight_max
    )
}

/// Returns what slowed a process down, if anything did.
fn troubles(sending: &SendingSummary) -> Option<String> {
    let mut parts = Vec::new();
    if !sending.retries.is_empty() {
        let causes = sending.retries.iter();
        let causes: Vec<_> = causes
            .map(|(cause, n)| format!("{cause} ×{}", grouped(*n)))
            .collect();
        parts.push(format!("retries: {}", causes.join(", ")));
    }
    if sending.pauses > 0 {
        let pauses = times(sending.pauses);
        parts.push(format!(
            "paused by the API {pauses}, {}",
            took(sending.paused_s)
        ));
    }
    if sending.outages > 0 {
        let outages = times(sending.outages);
        parts.push(format!("API down {outages}, {}", took(sending.down_s)));
    }
    if sending.token_renewals > 0 {
        parts.push(format!("token renewed {}", times(sending.token_renewals)));
    }
    if sending.controls > 0 {
        parts.push(format!(
            "tested {} by reading and repeating the last update, which changes nothing",
            times(sending.controls)
        ));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Returns the main causes that held a process back. A run of some seconds has none worth telling.
fn held_back(sending: &SendingSummary, seconds: f64) -> Option<String> {
    const SECONDS_MIN: f64 = 30.0;
    const CAUSES_MAX: usize = 3;
    let causes = sending.held_back_by.iter().flatten();
    let mut causes: Vec<_> = causes.filter(|(_, percent)| **percent >= 1.0).collect();
    if seconds < SECONDS_MIN || causes.is_empty() {
        return None;
    }
    causes.sort_by(|one, other| other.1.total_cmp(one.1));
    causes.truncate(CAUSES_MAX);
    let causes = causes
        .iter()
        .map(|(brake, percent)| format!("{} {percent:.0} %", brake.label()));
    Some(causes.collect::<Vec<_>>().join(", "))
}

fn write_files(summary: &Summary, lines: &mut String) {
    let Some(run_dir) = (summary.run_dir.as_deref()).filter(|_| !summary.files.is_empty()) else {
        return;
    };
    let directory = format!("{}/", run_dir.trim_end_matches('/'));
    let names = summary.files.iter().map(|file| {
        file.strip_prefix(&directory)
            .unwrap_or(file)
            .trim_start_matches('/')
    });
    let names: Vec<_> = names.collect();
    labelled(lines, "files", &directory);
    labelled(lines, "", &names.join(", "));
}

/// Writes a line that begins with a label.
fn labelled(lines: &mut String, label: &str, text: &str) {
    line(lines, format_args!("{label:<LABEL_WIDTH$}{text}"));
}

fn line(lines: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(lines, "{text}").expect("writing to a String cannot fail");
}
