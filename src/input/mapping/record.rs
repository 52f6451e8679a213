//! One record of an input, read, mapped and checked: the same for every format and every command.

use crate::contract::{CustomerUpdate, InvalidRow, ValueRules};

use crate::input::mapping::cell_rules::CellRules;
use crate::input::mapping::withheld::OvertakenRule;

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
