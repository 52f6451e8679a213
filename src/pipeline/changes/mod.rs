//! The comparison of rows with the state of earlier nights (`--state`): which rows have to be sent.
//!
//! An input that can be read twice is compared as a whole before the first request
//! ([`Comparison`]), so that a broken export stops there. The second reading proves that each block
//! is the one that was compared ([`ComparedRows`]). An input that can be read only once is compared
//! block by block ([`StreamedRows`]).

mod compared_rows;
mod comparison;
mod counts;
mod resync;
mod streamed_rows;

pub(crate) use self::compared_rows::ComparedRows;
pub(crate) use self::comparison::{
    Change, CompareError, Compared, Comparison, DuplicateRule, Export,
};
pub(crate) use self::resync::Resync;
pub(crate) use self::resync::{PartError, PartOf};
pub(crate) use self::streamed_rows::StreamedRows;
