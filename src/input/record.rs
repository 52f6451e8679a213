//! One record of an input, read, mapped and checked: the same for every format and every command.

use std::borrow::Cow;

use crate::contract::{Cell, CustomerUpdate, Draft, InvalidRow, ValueRules, has_odd_characters};

use super::blocks::Block;
use super::layout::Layout;
use super::mapping::Target;
use super::odd_text::holds_odd_text;
use super::own::OvertakenRule;
use super::rules::CellRules;
use super::{csv_rows, ndjson};

/// How rows are read, as far as the user decides it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowRules {
    /// From a cell's text to what it says.
    pub cells: CellRules,
    /// From what it says to a value.
    pub values: ValueRules,
    /// What becomes of fields that later rows have set.
    pub overtaken: OvertakenRule,
}

/// One record.
#[derive(Debug)]
pub struct Record<'a> {
    /// Its bytes in the block, without its line end.
    pub raw: &'a [u8],
    /// The physical line of the input, from 1, on which it starts.
    pub line: u64,
    /// Its place among the block's records, from 0.
    pub ordinal: u64,
    /// The update that it asks for, or all that is wrong with it.
    pub checked: Result<CustomerUpdate<'a>, InvalidRow>,
}

/// Shows `visit` each record of a block in order. Returns how many blank rows of CSV, of delimiters alone, were passed over.
pub fn parse_block(
    block: &Block,
    layout: &Layout,
    rules: &RowRules,
    visit: &mut impl FnMut(Record<'_>),
) -> u64 {
    match layout {
        Layout::Csv(layout) => {
            block.blank_rows_before + csv_rows::parse(block, layout, rules, visit)
        }
        Layout::Ndjson(layout) => {
            ndjson::parse(block, layout, rules, visit);
            0
        }
    }
}

/// Tells drafts what cells say. One serves a block: what the rules leave alone is found out once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Teller<'r> {
    rules: &'r CellRules,
    /// Whether each text that is not empty stands for itself.
    leaves_texts: bool,
    is_among_odd_text: bool,
}

impl<'r> Teller<'r> {
    pub(super) fn of(rules: &'r CellRules) -> Teller<'r> {
        Teller {
            rules,
            leaves_texts: rules.leave_texts(),
            is_among_odd_text: false,
        }
    }

    /// The same for the texts of a block.
    pub(super) fn in_block(self, block: &[u8]) -> Teller<'r> {
        Teller {
            is_among_odd_text: holds_odd_text(block),
            ..self
        }
    }

    /// Whether its block holds text that is for [`Self::tell_odd_text`].
    pub(super) fn is_among_odd_text(self) -> bool {
        self.is_among_odd_text
    }

    /// How cells are read.
    pub(super) fn rules(self) -> &'r CellRules {
        self.rules
    }

    /// Tells what a text says that stands in the input as it is, as most do. Text in which odd characters may be is for
    /// [`Self::tell_odd_text`].
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "called for each cell: a call would take as long as the check"
    )]
    pub(super) fn tell_text(self, draft: &mut Draft<'r>, target: Target, text: &'r str) {
        match (target, text.is_empty()) {
            (Target::Field(field), false)
                if self.leaves_texts && draft.set_usual_text(field, text) => {}
            (Target::Field(field), true) if self.leaves_texts && self.rules.omit_empty(field) => {}
            (Target::Id, false) if self.leaves_texts && draft.set_usual_id(text) => {}
            _ => self.tell_by_rules(draft, target, text),
        }
    }

    #[inline(never)]
    fn tell_by_rules(self, draft: &mut Draft<'r>, target: Target, text: &'r str) {
        match (target, self.rules.cell(target, Cow::Borrowed(text))) {
            (Target::Field(field), Some(Cell::Text(Cow::Borrowed(text))))
                if draft.set_usual_text(field, text) => {}
            (target, cell) => Teller::tell(draft, target, cell),
        }
    }

    /// The same, for text in a block that holds [odd characters](crate::contract::has_odd_characters).
    pub(super) fn tell_odd_text(self, draft: &mut Draft<'r>, target: Target, text: &'r str) {
        if has_odd_characters(text.as_bytes()) {
            Teller::tell(draft, target, self.rules.cell(target, Cow::Borrowed(text)));
        } else {
            self.tell_text(draft, target, text);
        }
    }

    /// Tells what a cell says.
    pub(super) fn tell(draft: &mut Draft<'r>, target: Target, cell: Option<Cell<'r>>) {
        match (target, cell) {
            (Target::Id, cell) => draft.set_id(cell),
            (Target::Field(field), Some(cell)) => draft.set(field, cell),
            (Target::Field(_), None) | (Target::Ignored, _) => {}
        }
    }
}
