//! Compares the input with what a journal has settled of it, before anything is sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::bail;

use crate::commands::inputs;
use crate::config::input::InputSettings;
use crate::input::{Input, InputName, parse_block};
use crate::journal::{Checkpoint, Comparison, Difference, EntryReader, hash_of};
use crate::resume::Compare;

/// Rows that an error names one by one.
const ROWS_NAMED_MAX: usize = 5;

/// Reads the part of the input that the journal settles, and refuses where it is not the same any more. What can be read only
/// once is compared while it streams past.
pub(super) fn compare_input(
    checkpoint: &Arc<Checkpoint>,
    entries: &EntryReader,
    settings: &InputSettings,
    inputs: &[Input],
) -> anyhow::Result<Compare> {
    let Some(last_row) = checkpoint.last_row() else { return Ok(Compare::Done) };
    let names: Vec<_> = inputs.iter().map(Input::name).collect();
    if !names.iter().all(|name| name.can_be_read_twice()) {
        return Ok(Compare::WhileStreaming);
    }
    let mut comparison = Comparison::new(checkpoint.clone());
    read_rows(settings, &names, last_row, |row, hash| comparison.add(row, hash))?;
    match comparison.difference() {
        None => Ok(Compare::Done),
        Some(difference) => {
            let rows = differing_rows(&difference, entries, settings, &names)?;
            let rows = named(&rows, difference.blocks);
            bail!("the input is not the one that was sent before: it differs in {rows}; nothing was sent")
        }
    }
}

/// The rows of the first block that differs which do so themselves. Both sides are read again, for only sums were kept.
fn differing_rows(
    difference: &Difference,
    entries: &EntryReader,
    settings: &InputSettings,
    names: &[&InputName],
) -> anyhow::Result<Vec<u64>> {
    let recorded = entries.hashes(difference.first_row..=difference.last_row)?;
    let mut found = BTreeMap::new();
    read_rows(settings, names, difference.last_row, |row, hash| {
        if recorded.contains_key(&row) {
            found.insert(row, hash);
        }
    })?;
    Ok(recorded.iter().filter(|(row, hash)| found.get(row) != Some(hash)).map(|(row, _)| *row).collect())
}

/// Reads the input up to a row; each row and its hash.
fn read_rows(
    settings: &InputSettings,
    names: &[&InputName],
    last_row: u64,
    mut take: impl FnMut(u64, u64),
) -> anyhow::Result<()> {
    let mut window = inputs::window(settings);
    let mut rows = 0;
    for name in names {
        let mut input = Input::open((*name).clone(), &settings.rules)?;
        while rows < last_row
            && let Some(block) = input.next_block()?
        {
            let layout = input.layout().clone();
            let Some(block) = window.cut(block, &layout) else { continue };
            rows = rows.max(window.skipped());
            parse_block(&block, &layout, &settings.rows, &mut |record| {
                rows += 1;
                take(rows, hash_of(record.raw));
            });
        }
    }
    Ok(())
}

/// As in `row 17`, `rows 3 and 9`, where these are of the first of so many blocks that differ.
fn named(rows: &[u64], blocks: usize) -> String {
    let numbers = |rows: &[u64]| rows.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    match rows {
        rows if blocks > 1 || rows.len() > ROWS_NAMED_MAX => {
            format!("rows {} and more", numbers(rows.get(..ROWS_NAMED_MAX).unwrap_or(rows)))
        }
        [before @ .., last] if !before.is_empty() => format!("rows {} and {last}", numbers(before)),
        row => format!("row {}", numbers(row)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: &[u64], blocks: usize, want: &str) {
        assert_eq!(named(rows, blocks), want);
    }

    #[test]
    fn a_few_rows_are_named_one_by_one() {
        check(&[17], 1, "row 17");
        check(&[3, 9], 1, "rows 3 and 9");
        check(&[3, 9, 10, 11, 12], 1, "rows 3, 9, 10, 11 and 12");
        check(&[3, 9, 10, 11, 12, 13], 1, "rows 3, 9, 10, 11, 12 and more");
        check(&[3, 9], 2, "rows 3, 9 and more");
    }
}
