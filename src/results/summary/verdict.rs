//! The verdict on a run or check: one sentence that comes before all figures.

use super::end::{End, StoppedBy};
use super::words::{at, counted, rows, took};
use super::{EchoSummary, Summary, preview};
use crate::journal::Purpose;
use crate::text::grouped;

/// The rows of a summary, as the verdict groups them.
struct Counts {
    records: u64,
    /// Rows that are as they should be: updated, or valid in a check.
    good: u64,
    bad: u64,
    /// Rows that later rows of their customers replace.
    superseded: u64,
    /// Rows of other shards.
    elsewhere: u64,
    unsent: u64,
    /// Rows that had their values already.
    unchanged: u64,
    /// Updated rows that are rejected for what the API shows.
    otherwise: u64,
}

impl Counts {
    fn of(summary: &Summary) -> Counts {
        let superseded = summary.superseded.unwrap_or_default();
        let unsent = summary.unsent.unwrap_or_default();
        let good = (summary.valid.or(summary.updated)).unwrap_or_default();
        let (unchanged, elsewhere) = (
            summary.unchanged.unwrap_or_default(),
            summary.elsewhere.unwrap_or_default(),
        );
        let others = good + superseded + unsent + unchanged + elsewhere;
        Counts {
            records: summary.records,
            good,
            bad: summary.records.saturating_sub(others),
            superseded,
            elsewhere,
            unsent,
            unchanged,
            otherwise: (summary.echo.as_ref()).map_or(0, EchoSummary::rows_rejected),
        }
    }
}

/// The words of a verb.
struct Words {
    /// "row" and "rows".
    noun: [&'static str; 2],
    /// "updated", behind a count of rows.
    done: &'static str,
    /// The same in the singular, negated or not, and behind "none of the rows".
    was: &'static str,
    /// "were not", behind a count of other rows.
    were_not: [&'static str; 2],
    /// "are unchanged", behind a count of rows that need no request.
    unchanged: [&'static str; 2],
}

impl Words {
    /// Counts what the verb is about.
    fn count(&self, n: u64) -> String {
        let [one, several] = self.noun;
        counted(n, one, several)
    }
}

const RUN: Words = Words {
    noun: ["row", "rows"],
    done: "updated",
    was: "was updated",
    were_not: ["was not", "were not"],
    unchanged: ["is unchanged", "are unchanged"],
};
/// The words of a run that was finished before.
const FINISHED: Words = Words {
    were_not: ["row was not updated", "rows were not updated"],
    ..RUN
};
const UNDO: Words = Words {
    noun: ["customer", "customers"],
    done: "put back",
    was: "was put back",
    were_not: ["was not, or not as a whole", "were not, or not as a whole"],
    unchanged: ["had its values already", "had their values already"],
};
const CHECK: Words = Words {
    noun: ["row", "rows"],
    done: "can be sent",
    was: "can be sent",
    were_not: ["cannot", "cannot"],
    unchanged: ["is unchanged", "are unchanged"],
};

/// Returns the verdict as a sentence or two.
pub(in crate::results) fn verdict(summary: &Summary, end: &End) -> String {
    let counts = Counts::of(summary);
    let (words, begin) = match summary.command {
        Purpose::Check | Purpose::Preview => (&CHECK, ""),
        Purpose::Run => (&RUN, "Nothing left to send"),
        Purpose::Undo => (&UNDO, "Nothing left to put back"),
    };
    match (end.stopped, end.finished_before, summary.command) {
        (Some(by), _, Purpose::Check | Purpose::Preview) => check_stopped(by, &counts, summary),
        (Some(by), ..) => run_stopped(by, &counts, words, summary),
        (None, ..) if counts.records == 0 && summary.command == Purpose::Undo => {
            "There are no customers to put back.".to_owned()
        }
        (None, ..) if counts.records == 0 => no_rows(end),
        (None, Some(at_time), _) => {
            let begin = format!("{begin}: finished on {}", at(at_time));
            let words = if summary.command == Purpose::Run {
                &FINISHED
            } else {
                words
            };
            sentence(begin, &left_over(&counts, words))
        }
        (None, None, Purpose::Check | Purpose::Preview) => {
            let rows = finished(&counts, words, "", end);
            match &summary.preview {
                Some(findings) if counts.bad == 0 => preview::verdict(findings),
                Some(findings) => format!("{} {rows}", preview::verdict(findings)),
                None => rows,
            }
        }
        (None, None, _) => finished(&counts, words, &time_of(summary), end),
    }
}

/// Returns " in 1.5 s" for a run of one process: the rows of several took longer than this one.
fn time_of(summary: &Summary) -> String {
    match &summary.totals {
        Some(totals) if totals.processes == 1 => format!(" in {}", took(summary.seconds)),
        Some(_) | None => String::new(),
    }
}

fn no_rows(end: &End) -> String {
    match end.skipped_rows {
        0 => "There are no rows to send.".to_owned(),
        skipped => format!("No row was read: --skip-rows {skipped} skips the whole input."),
    }
}

/// Joins the parts of a sentence.
fn sentence(begin: String, parts: &[String]) -> String {
    let parts = parts.iter().map(|part| format!("; {part}"));
    begin + &parts.collect::<String>() + "."
}

fn finished(counts: &Counts, words: &Words, time: &str, end: &End) -> String {
    let Counts { records, good, .. } = *counts;
    let of_all = match good {
        // Each row was sent before.
        0 if counts.unchanged == records && words.done == RUN.done => {
            return format!(
                "Nothing to send: {} unchanged.",
                all_are(&words.count(records), records)
            );
        }
        0 if records == 1 => format!("{} {}", words.count(1), negated(words)),
        0 => format!("None of the {} {}", words.count(records), words.was),
        1 if records == 1 => format!("{} {}{time}", words.count(1), words.done),
        good if good == records => format!("All {} {}{time}", words.count(records), words.done),
        good => format!(
            "{} of {} {}{time}",
            grouped(good),
            words.count(records),
            words.done
        ),
    };
    let mut left = left_over(counts, words);
    if good == 0 && counts.bad == records {
        // "None" has said it.
        left.clear();
    }
    let verdict = sentence(of_all, &left);
    if end.is_cut_by_max_rows {
        verdict + " More rows may follow (--max-rows)."
    } else {
        verdict
    }
}

/// Returns "the row is", or "all 7 rows are".
fn all_are(rows: &str, count: u64) -> String {
    if count == 1 {
        "the row is".to_owned()
    } else {
        format!("all {rows} are")
    }
}

/// Returns "was not updated", "cannot be sent".
fn negated(words: &Words) -> String {
    let (verb, rest) = words.was.split_once(' ').unwrap_or((words.was, ""));
    match verb {
        "can" => format!("cannot {rest}"),
        verb => format!("{verb} not {rest}"),
    }
}

/// Returns the rows that are not good, by the reason.
fn left_over(counts: &Counts, words: &Words) -> Vec<String> {
    let [one, several] = words.were_not;
    let [one_unchanged, several_unchanged] = words.unchanged;
    let parts = [
        (counts.bad, one, several),
        (
            counts.otherwise,
            "updated row is shown with other values than were sent",
            "updated rows are shown with other values than were sent",
        ),
        (counts.unchanged, one_unchanged, several_unchanged),
        (
            counts.superseded,
            "is not sent: later rows of its customer replace it",
            "are not sent: later rows of their customers replace them",
        ),
        (
            counts.elsewhere,
            "belongs to another shard",
            "belong to other shards",
        ),
        (
            counts.unsent,
            "was not asked for (--skip-rows, --max-rows)",
            "were not asked for (--skip-rows, --max-rows)",
        ),
    ];
    let parts = parts.into_iter().filter(|(rows, ..)| *rows > 0);
    parts
        .map(|(rows, one, several)| counted(rows, one, several))
        .collect()
}

fn run_stopped(by: StoppedBy, counts: &Counts, words: &Words, summary: &Summary) -> String {
    let done = counts.records - counts.unsent;
    let all = summary.total;
    let bad = match counts.bad {
        0 => String::new(),
        bad => format!(" ({} of them badly)", grouped(bad)),
    };
    let left = match all.map(|all| all.saturating_sub(done)) {
        Some(0) => "none is left".to_owned(),
        Some(left) => counted(left, "is left", "are left"),
        None => match counts.unsent {
            0 => "how many are left is not known".to_owned(),
            unsent => counted(unsent, "or more are left", "or more are left"),
        },
    };
    let is = |n: u64| if n == 1 { "is" } else { "are" };
    let done = match (done, all) {
        (0, None) => format!("no {} is done", words.noun[0]),
        (0, Some(all)) => format!("none of {} is done", words.count(all)),
        (done, None) => format!("{} {} done", words.count(done), is(done)),
        (done, Some(all)) => format!(
            "{} of {} {} done",
            grouped(done),
            words.count(all),
            is(done)
        ),
    };
    format!("{}: {done}{bad}; {left}.", by.words())
}

fn check_stopped(by: StoppedBy, counts: &Counts, summary: &Summary) -> String {
    let read = match summary.total {
        Some(all) => format!("{} of {} were checked", grouped(counts.records), rows(all)),
        None => format!(
            "{} {} checked",
            rows(counts.records),
            if counts.records == 1 { "was" } else { "were" }
        ),
    };
    let good = format!("{} can be sent", grouped(counts.good));
    let customers = summary.preview.as_ref().map(preview::reading);
    let parts: Vec<_> = [good]
        .into_iter()
        .chain(left_over(counts, &CHECK))
        .chain(customers)
        .collect();
    format!("{}: {read}; {}.", by.words(), parts.join("; "))
}
