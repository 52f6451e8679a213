//! `--unique` in a check: duplicates are known only in the order of the input, after the blocks were
//! checked.

use super::super::RowBuilder;
use super::super::rows::add_duplicate;
use super::{CheckedBlock, KnownRows, ValidRow, Wanted, check_for_invalid};
use crate::pipeline::explanation::Explanation;
use crate::row::duplicates::{DuplicateFilter, Occurrence};
use crate::row::{Position, RowContent};

impl CheckedBlock {
    /// Applies `--unique` to the rows. Blocks have to come in the order of the input.
    pub(crate) fn apply_uniqueness(
        mut self,
        ids: &mut DuplicateFilter,
        builder: &RowBuilder,
    ) -> CheckedBlock {
        let (mut refused, mut also_refused) = (Vec::new(), Vec::new());
        let mut invalid = self.invalid.iter().peekable();
        let mut check_invalid_before = |before: u64, ids: &DuplicateFilter| {
            while let Some(row) = invalid.next_if(|row| row.position.row < before) {
                if row.id.is_some_and(|id| ids.would_reject(id)) {
                    also_refused.push(row.position.row);
                }
            }
        };
        for valid in std::mem::take(&mut self.valid) {
            let ValidRow {
                id,
                row,
                line,
                fields,
            } = valid;
            let position = Position {
                row,
                input: self.source.input,
                line,
            };
            check_invalid_before(position.row, ids);
            let occurrence = ids.next(id, fields);
            self.read.add_occurrence(position, occurrence);
            match occurrence {
                Occurrence::Sent
                | Occurrence::SentAgain
                | Occurrence::SentInstead { .. }
                | Occurrence::Unknown => {}
                Occurrence::Superseded => {
                    self.digest
                        .iter_mut()
                        .for_each(|digest| digest.supersede(position.row));
                    let explained = self
                        .explained
                        .iter_mut()
                        .find(|explained| explained.position == position);
                    explained.into_iter().for_each(Explanation::supersede);
                }
                Occurrence::Refused => refused.push(position.row),
            }
        }
        check_invalid_before(u64::MAX, ids);
        // Valid rows are not kept, so a block whose rows are refused is read again.
        let checked = if refused.is_empty() {
            self
        } else {
            let to_explain = u64::try_from(self.explained.len()).unwrap_or(u64::MAX);
            let rows_before = self.rows_before;
            let known = KnownRows {
                rows_before,
                refused_rows: &refused,
                to_explain,
                found_bytes_max: usize::MAX,
                wanted: if self.digest.is_some() {
                    Wanted::Plan
                } else {
                    Wanted::Customers
                },
            };
            check_for_invalid(self.source, builder, &known)
        };
        checked.with_duplicates(&also_refused)
    }

    /// Adds the error of a duplicate to these invalid rows, in order: they would be refused if they
    /// were valid.
    fn with_duplicates(mut self, rows: &[u64]) -> CheckedBlock {
        for row in &mut self.invalid {
            if let (RowContent::Invalid(errors), Ok(_)) =
                (&mut row.content, rows.binary_search(&row.position.row))
            {
                add_duplicate(errors);
            }
        }
        self
    }
}
