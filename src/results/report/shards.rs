//! The summary of a run whose rows several processes have shared.

use std::collections::BTreeMap;

use roaring::RoaringTreemap;

use super::model::Shards;
use super::part::Part;
use crate::journal::{FINISHED, Purpose, Shard};
use crate::results::summary::{
    End, ErrorGroup, StepSummary, Summary, Tone, Totals, counted, share, verdict,
};
use crate::results::tally::MessageCount;

/// The most places of a group.
const PLACES_MAX: usize = 3;

/// Returns the shards of a run; `None` if one process has all rows.
pub(super) fn found(parts: &[Part]) -> Option<Shards> {
    let of = parts.first()?.header.shard_of_run()?.of();
    let index = |part: &Part| part.header.shard_of_run().map(Shard::index);
    let unfinished = parts.iter().filter(|part| !is_finished(part));
    Some(Shards {
        of,
        found: parts.iter().filter_map(index).collect(),
        unfinished: unfinished.filter_map(index).collect(),
        unaccounted: unaccounted(parts),
    })
}

/// Returns the number of rows that no shard has an outcome for, or more than one. Each shard of an
/// undo has rows of its own.
fn unaccounted(parts: &[Part]) -> u64 {
    let histories = parts.iter().filter_map(|part| part.history.as_ref());
    let runs = histories.filter(|history| history.header.purpose == Purpose::Run);
    let (mut all, mut in_several) = (RoaringTreemap::new(), RoaringTreemap::new());
    for history in runs {
        in_several |= &all & &history.own_rows;
        all |= &history.own_rows;
    }
    let is_run = |part: &&Part| part.header.purpose == Purpose::Run;
    let records = parts.iter().filter(is_run).map(|part| part.summary.records);
    records.max().unwrap_or_default().abs_diff(all.len()) + in_several.len()
}

/// Returns the summary of a run. That of one run directory is its own.
pub(super) fn summary(parts: &[Part]) -> Summary {
    let mut summaries = parts.iter().map(|part| &part.summary);
    let Some(first) = summaries.next() else {
        return Summary::default();
    };
    let Some(Shards { of, found, .. }) = found(parts) else {
        return first.clone();
    };
    let mut all = first.clone();
    for other in summaries {
        add(&mut all, other);
    }
    // The rows of shards that are not there are still elsewhere.
    let own = |summary: &Summary| summary.records - summary.elsewhere.unwrap_or_default();
    let own: u64 = parts.iter().map(|part| own(&part.summary)).sum();
    let elsewhere = all.records.saturating_sub(own);
    all.elsewhere = Some(elsewhere).filter(|rows| *rows > 0);
    for group in all.errors.iter_mut().chain(&mut all.warnings) {
        group.share = share(group.rows, all.records);
    }
    let processes = parts.iter().filter_map(|part| part.history.as_ref());
    let processes = processes.map(|history| history.processes.clone());
    all.totals = processes
        .reduce(|mut all, other| {
            all.append(other);
            all
        })
        .map(|processes| Totals::of(&processes));
    all.sending = None;
    put_into_words(&mut all, parts, of, &found);
    all
}

/// Adds the summary of another shard. Each shard of a run reads all rows, and each shard of an undo
/// its own customers.
fn add(all: &mut Summary, other: &Summary) {
    if all.command == Purpose::Undo {
        all.records += other.records;
        all.total = all.total.zip(other.total).map(|(one, other)| one + other);
    } else {
        all.records = all.records.max(other.records);
        all.total = all.total.max(other.total);
    }
    all.read_to_end &= other.read_to_end;
    all.invalid += other.invalid;
    for (sum, more) in [
        (&mut all.valid, other.valid),
        (&mut all.updated, other.updated),
        (&mut all.rejected, other.rejected),
        (&mut all.failed, other.failed),
        (&mut all.superseded, other.superseded),
        (&mut all.unchanged, other.unchanged),
        (&mut all.conflict, other.conflict),
        (&mut all.other, other.other),
        (&mut all.unsent, other.unsent),
        (&mut all.unrecorded, other.unrecorded),
    ] {
        *sum = match (*sum, more) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
    }
    all.dates_normalised += other.dates_normalised;
    all.fields_left_out += other.fields_left_out;
    all.fields_overtaken += other.fields_overtaken;
    all.blank_rows = all.blank_rows.max(other.blank_rows);
    add_groups(&mut all.errors, &other.errors);
    add_groups(&mut all.warnings, &other.warnings);
    let updated = all.updated.unwrap_or_default();
    match (&mut all.echo, &other.echo) {
        (Some(all), Some(other)) => all.append(other, updated),
        (all @ None, other) => all.clone_from(other),
        (Some(_), None) => {}
    }
    all.files.clear();
    all.exit_code = all.exit_code.max(other.exit_code);
}

/// Adds groups to those with the same error.
fn add_groups(all: &mut Vec<ErrorGroup>, more: &[ErrorGroup]) {
    for group in more {
        let same = all.iter_mut().find(|other| {
            (other.outcome, &other.field, &other.code, other.status)
                == (group.outcome, &group.field, &group.code, group.status)
        });
        let Some(same) = same else {
            all.push(group.clone());
            continue;
        };
        same.rows += group.rows;
        let room = PLACES_MAX.saturating_sub(same.first.len());
        same.first.extend(group.first.iter().take(room).cloned());
        let messages = same.messages.iter().chain(&group.messages);
        let mut sums = BTreeMap::new();
        for MessageCount { message, rows } in messages {
            *sums.entry(message.clone()).or_default() += rows;
        }
        let messages = sums.into_iter();
        same.messages = messages
            .map(|(message, rows)| MessageCount { message, rows })
            .collect();
    }
    all.sort_by_key(|group| std::cmp::Reverse(group.rows));
}

/// Puts the state of all shards into words.
fn put_into_words(all: &mut Summary, parts: &[Part], of: u32, found: &[u32]) {
    let missing: Vec<_> = (1..=of).filter(|index| !found.contains(index)).collect();
    let unfinished: Vec<_> = parts
        .iter()
        .filter(|part| !is_finished(part))
        .filter_map(|part| Some((part.header.shard_of_run()?.index(), &part.summary)))
        .collect();
    let is_whole = missing.is_empty() && unfinished.is_empty();
    all.verdict = if is_whole {
        verdict(all, &End::default())
    } else {
        let ready = found.len() - unfinished.len();
        // Unsent rows are those of shards that go on.
        let ended = Summary {
            unsent: None,
            ..all.clone()
        };
        let left = match all.unsent {
            None | Some(0) => String::new(),
            Some(rows) => format!(" {}.", counted(rows, "row is left", "rows are left")),
        };
        let books = verdict(&ended, &End::default());
        format!("{ready} of {of} shards have finished. {books}{left}")
    };
    let missing = missing
        .iter()
        .map(|index| format!("Shard {index} of {of} is missing."));
    let stopped = unfinished
        .iter()
        .map(|(index, summary)| format!("Shard {index}: {}", summary.verdict));
    all.reasons = missing.chain(stopped).collect();
    all.tone = match (is_whole, all.has_bad_rows()) {
        (true, false) => Tone::Good,
        (true, true) | (false, _) => Tone::Mixed,
    };
    let mut steps: Vec<StepSummary> = Vec::new();
    for step in parts.iter().flat_map(|part| &part.summary.next_steps) {
        if !steps.contains(step) {
            steps.push(step.clone());
        }
    }
    all.next_steps = steps;
}

fn is_finished(part: &Part) -> bool {
    let ended = part.history.as_ref().and_then(|history| history.ended);
    ended.is_some_and(|ended| FINISHED.contains(&ended.exit))
}
