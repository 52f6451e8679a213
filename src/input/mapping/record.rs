//! A record of an input, read, mapped and checked. It is the same for every format and command.

use crate::contract::{CustomerUpdate, InvalidRow, ValueRules};

use crate::input::mapping::cell_rules::CellRules;
use crate::input::mapping::explained::ExplainedCell;
use crate::input::mapping::withheld::OvertakenRule;

/// The user's rules for reading rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowRules {
    /// The rules from a cell's text to its meaning.
    pub cells: CellRules,
    /// The rules from its meaning to a value.
    pub values: ValueRules,
    /// The treatment of fields that later rows set.
    pub overtaken: OvertakenRule,
}

/// A record of an input.
#[derive(Debug)]
pub struct Record<'a> {
    /// The bytes in the block, without the line end.
    pub raw: &'a [u8],
    /// The physical line of the input, from 1, on which the record starts.
    pub line: u64,
    /// The place among the block's records, from 0.
    pub ordinal: u64,
    /// The cells and constants, if they were to be explained. Empty if the cells cannot be told
    /// apart: the record is ragged, or is no JSON object.
    pub cells: &'a [ExplainedCell],
    /// The update, or all errors of the row.
    pub checked: Result<CustomerUpdate<'a>, InvalidRow>,
}
