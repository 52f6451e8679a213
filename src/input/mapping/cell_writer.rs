//! Writes cells into the builder of an update.

use std::borrow::Cow;

use crate::contract::{Cell, UpdateBuilder, has_odd_characters};

use crate::input::mapping::cell_rules::CellRules;
use crate::input::mapping::odd_text::holds_odd_text;
use crate::input::mapping::target::Target;

/// Writes cells into builders. One writer serves a block, so that the rules are examined only once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CellWriter<'r> {
    rules: &'r CellRules,
    /// Whether every text that is not empty is taken as it is.
    leaves_texts: bool,
    block_has_odd_text: bool,
}

impl<'r> CellWriter<'r> {
    pub(crate) fn of(rules: &'r CellRules) -> CellWriter<'r> {
        CellWriter {
            rules,
            leaves_texts: rules.leave_texts(),
            block_has_odd_text: false,
        }
    }

    /// Returns the writer for the texts of a block.
    pub(crate) fn in_block(self, block: &[u8]) -> CellWriter<'r> {
        CellWriter {
            block_has_odd_text: holds_odd_text(block),
            ..self
        }
    }

    /// Whether the block needs [`Self::write_odd_text`].
    pub(crate) fn block_has_odd_text(self) -> bool {
        self.block_has_odd_text
    }

    /// Returns the rules for reading cells.
    pub(crate) fn rules(self) -> &'r CellRules {
        self.rules
    }

    /// Writes a text whose bytes in the input need no change, as most do. Text that may contain odd
    /// characters needs [`Self::write_odd_text`].
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "called for each cell: a call would take as long as the check"
    )]
    pub(crate) fn write_text(self, builder: &mut UpdateBuilder<'r>, target: Target, text: &'r str) {
        match (target, text.is_empty()) {
            (Target::Field(field), false)
                if self.leaves_texts && builder.set_usual_text(field, text) => {}
            (Target::Field(field), true) if self.leaves_texts && self.rules.omit_empty(field) => {}
            (Target::Id, false) if self.leaves_texts && builder.set_usual_id(text) => {}
            _ => self.write_by_rules(builder, target, text),
        }
    }

    #[inline(never)]
    fn write_by_rules(self, builder: &mut UpdateBuilder<'r>, target: Target, text: &'r str) {
        match (target, self.rules.cell(target, Cow::Borrowed(text))) {
            (Target::Field(field), Some(Cell::Text(Cow::Borrowed(text))))
                if builder.set_usual_text(field, text) => {}
            (target, cell) => CellWriter::write(builder, target, cell),
        }
    }

    /// Writes a text of a block that contains [odd
    /// characters](crate::contract::has_odd_characters).
    pub(crate) fn write_odd_text(
        self,
        builder: &mut UpdateBuilder<'r>,
        target: Target,
        text: &'r str,
    ) {
        if has_odd_characters(text.as_bytes()) {
            CellWriter::write(
                builder,
                target,
                self.rules.cell(target, Cow::Borrowed(text)),
            );
        } else {
            self.write_text(builder, target, text);
        }
    }

    /// Writes a cell.
    pub(crate) fn write(builder: &mut UpdateBuilder<'r>, target: Target, cell: Option<Cell<'r>>) {
        match (target, cell) {
            (Target::Id, cell) => builder.set_id(cell),
            (Target::Field(field), Some(cell)) => builder.set(field, cell),
            (Target::Since, cell) => builder.set_since(cell.as_ref()),
            (Target::Field(_), None) | (Target::Ignored, _) => {}
        }
    }
}
