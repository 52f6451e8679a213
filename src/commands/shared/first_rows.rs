//! Warnings about the first rows of the inputs. They are logged before anything is sent, so that a
//! run can still be stopped. A check sends nothing, and has them in its summary only.

use jiff::Timestamp;
use jiff::tz::Offset;
use tracing::warn;

use crate::commands::shared::row_range;
use crate::config::input::InputSettings;
use crate::contract::Today;
use crate::input::{Block, Layout, RowRange, RowRules};
use crate::results::summary::{InputNames, warning_groups};
use crate::results::tally::RowsRead;
use crate::row::Position;

/// The warnings about the first rows.
pub(in crate::commands) struct FirstRows {
    rules: RowRules,
    row_range: RowRange,
    /// Whether some rows are excluded.
    excludes_rows: bool,
    read: RowsRead,
}

/// Returns the rules for reading rows on the current day.
pub(in crate::commands) fn rules(settings: &InputSettings) -> RowRules {
    let mut rules = settings.rows.clone();
    rules.values.today = today();
    rules
}

/// Returns the current day in UTC+14, where it is latest, so that no date that has begun anywhere
/// is in the future.
fn today() -> Today {
    let day = Offset::constant(14).to_datetime(Timestamp::now()).date();
    Today::new(day.year(), day.month(), day.day()).unwrap_or_default()
}

impl FirstRows {
    /// Returns the state before any row is seen.
    pub(in crate::commands) fn new(settings: &InputSettings) -> FirstRows {
        let rows = row_range::rows(settings);
        FirstRows {
            rules: rules(settings),
            row_range: row_range::of(&rows),
            excludes_rows: rows.start > 1 || rows.end < u64::MAX,
            read: RowsRead::default(),
        }
    }

    /// Looks at a block of an input, counted from 0. The block may be incomplete.
    pub(in crate::commands) fn look_at(&mut self, input: usize, block: Block, layout: &Layout) {
        // The number of rows before a second input is known only once the first one is read.
        if self.excludes_rows && input > 0 {
            return;
        }
        let Some(block) = self.row_range.cut(block, layout) else {
            return;
        };
        layout.parse(&block, &self.rules, 0, &mut |record| {
            let position = Position {
                row: self.read.rows + 1,
                input,
                line: record.line,
            };
            match record.checked {
                Ok(update) => self.read.add_valid(position, update.notes()),
                Err(_) => self.read.add_invalid(position),
            }
        });
    }

    /// Logs the warnings.
    pub(in crate::commands) fn log(&self, names: &InputNames) {
        for group in warning_groups(&self.read, names) {
            warn!("among the first rows: {}", group.to_line());
        }
    }
}
