//! The rows that take part, as `--skip-rows` and `--max-rows` cut them out.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::config::input::InputSettings;
use crate::input::{KnownInput, Origin, RowRange};
use crate::journal::Checkpoint;

/// Returns the indices of the inputs that hold failed rows, from 0.
pub(in crate::commands) fn of_failed_rows(inputs: &[KnownInput]) -> BTreeSet<usize> {
    let numbered = inputs.iter().enumerate();
    numbered
        .filter(|(_, input)| input.layout().origin() == Origin::FailedRows)
        .map(|(index, _)| index)
        .collect()
}

/// Returns the number of the first row that takes part, where `rows` counts rows of inputs other
/// than failed rows.
pub(in crate::commands) fn first_row(rows: &Range<u64>, inputs: &[KnownInput]) -> u64 {
    match inputs.first().map(|input| input.layout().origin()) {
        Some(Origin::FailedRows) => 1,
        Some(Origin::First) | None => rows.start,
    }
}

/// Returns the rows that take part, counted over the inputs that do not hold failed rows. All
/// failed rows take part.
pub(in crate::commands) fn rows(settings: &InputSettings) -> Range<u64> {
    let first = settings.skip_rows.saturating_add(1);
    first
        ..settings
            .max_rows
            .map_or(u64::MAX, |rows| first.saturating_add(rows))
}

/// Returns those rows and all that earlier processes have settled, so that summary and failed rows
/// describe the whole run directory.
pub(in crate::commands) fn rows_with_settled(
    rows: &Range<u64>,
    checkpoint: &Checkpoint,
) -> Range<u64> {
    match (checkpoint.first_row(), checkpoint.last_row()) {
        (Some(first), Some(last)) => rows.start.min(first)..rows.end.max(last.saturating_add(1)),
        _ => rows.clone(),
    }
}

/// Returns the range that cuts blocks to these rows.
pub(in crate::commands) fn of(rows: &Range<u64>) -> RowRange {
    let max = (rows.end < u64::MAX).then(|| rows.end.saturating_sub(rows.start));
    RowRange::new(rows.start.saturating_sub(1), max)
}
