//! The comparison of the input with the settled rows of a journal, before anything is sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::input::InputSettings;
use crate::contract::CustomerId;
use crate::input::KnownInput;
use crate::journal::{Checkpoint, Difference, EntryReader, InputComparison, Overtakers, RunKey};
use crate::pipeline::resume::{Compare, Gaps};

/// The most rows that an error lists.
const ROWS_NAMED_MAX: usize = 5;

/// Settled rows that have changed.
#[derive(Debug, thiserror::Error)]
#[error("the input is not the one that was sent before: it differs in {rows}; nothing was sent")]
pub(in crate::commands) struct InputDiffers {
    /// The rows, in words.
    pub(in crate::commands) rows: String,
}

/// An input to be compared.
pub(in crate::commands) struct Compared<'a> {
    pub(in crate::commands) settings: &'a InputSettings,
    pub(in crate::commands) inputs: &'a [KnownInput],
    pub(in crate::commands) key: RunKey,
}

/// Compares the settled part of the input with the journal, and fails if it has changed. An input
/// that can be read only once is compared while it is streamed.
pub(in crate::commands) fn compare_input(
    checkpoint: &Arc<Checkpoint>,
    entries: &EntryReader,
    input: &Compared<'_>,
) -> anyhow::Result<Compare> {
    let Some(last_row) = checkpoint.last_row() else {
        return Ok(Compare::Done(Overtakers::default()));
    };
    if !input.inputs.iter().all(KnownInput::can_be_read_twice) {
        return Ok(Compare::WhileStreaming(entries.try_clone()?));
    }
    let (mut comparison, mut gaps) = (InputComparison::new(checkpoint.clone()), Gaps::default());
    input.read_rows(last_row, |row, hash, customer| {
        comparison.add(row, hash);
        gaps.add(checkpoint, row, customer);
    })?;
    match comparison.difference() {
        None => Ok(Compare::Done(gaps.find(checkpoint, entries)?)),
        Some(difference) => {
            let rows = input.differing_rows(&difference, entries)?;
            let rows = named(&rows, difference.blocks);
            Err(InputDiffers { rows }.into())
        }
    }
}

impl Compared<'_> {
    /// Returns the differing rows of the first block that differs. Both sides are read again, since
    /// only sums were kept.
    fn differing_rows(
        &self,
        difference: &Difference,
        entries: &EntryReader,
    ) -> anyhow::Result<Vec<u64>> {
        let recorded = entries.hashes(difference.first_row..=difference.last_row)?;
        let mut found = BTreeMap::new();
        self.read_rows(difference.last_row, |row, hash, _| {
            if recorded.contains_key(&row) {
                found.insert(row, hash);
            }
        })?;
        Ok(recorded
            .iter()
            .filter(|(row, hash)| found.get(row) != Some(hash))
            .map(|(row, _)| *row)
            .collect())
    }

    /// Reads the input up to a row, and passes each row's number, hash and customer to `take`. All
    /// rows are read, whatever part this process sends.
    fn read_rows(
        &self,
        last_row: u64,
        mut take: impl FnMut(u64, u64, Option<CustomerId>),
    ) -> anyhow::Result<()> {
        // All settled rows must be the same, whatever part is sent now.
        let mut rows = 0;
        for mut known in self.inputs.iter().filter_map(KnownInput::again) {
            if rows >= last_row {
                break;
            }
            let mut input = known.open()?;
            while rows < last_row
                && let Some(block) = input.next_block()?
            {
                let layout = input.layout().clone();
                layout.parse(&block, &self.settings.rows, 0, &mut |record| {
                    rows += 1;
                    let customer = record
                        .checked
                        .map_or_else(|invalid| invalid.id, |update| Some(update.id()));
                    take(rows, self.key.record_hash(record.raw), customer);
                });
            }
        }
        Ok(())
    }
}

/// Lists rows, as in `row 17` or `rows 3 and 9`. The rows are those of the first of `blocks`
/// differing blocks.
fn named(rows: &[u64], blocks: usize) -> String {
    let numbers = |rows: &[u64]| {
        rows.iter()
            .map(u64::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    match rows {
        rows if blocks > 1 || rows.len() > ROWS_NAMED_MAX => {
            format!(
                "rows {} and more",
                numbers(rows.get(..ROWS_NAMED_MAX).unwrap_or(rows))
            )
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
