//! From bytes to checked rows: source → unpacked → decoded → blocks → records → mapped cells →
//! [`CustomerUpdate`](crate::contract::CustomerUpdate).
//!
//! [`Input`] does the reading, in one thread: it opens an input, learns its format and its columns, and hands out
//! [`Block`]s of whole records. All else is pure. [`parse_block`] reads and checks the records of one block and needs
//! to know nothing of the others, so any number of threads can do it; a block knows its first line, and row numbers are
//! prefix sums over the blocks' record counts. CSV and NDJSON meet in [`Layout`] (what fills which field) and
//! [`RowRules`] (how a cell is read); errors of a row are data ([`Record::checked`]), an [`InputError`] stops the run.

mod blank_rows;
mod blocks;
mod compound;
mod constants;
mod csv;
mod csv_rows;
mod decode;
mod dialect;
mod error;
mod escaping;
mod explain;
mod format;
mod framing;
mod header;
mod header_below;
mod joined;
mod json_shape;
mod known;
mod layout;
mod loose;
mod magic;
mod mapping;
mod marks;
mod members;
mod ndjson;
mod not_text;
mod null_strings;
mod odd_text;
mod open;
mod own;
mod pauses;
mod places;
mod plain_object;
mod quoting;
mod read_as;
mod record;
mod rules;
mod shown;
mod source;
mod steady;
mod stream;
mod stream_fault;
#[cfg(test)]
mod tests;
mod uneven;
mod unpack;
mod value_maps;
mod window;
mod withheld;
mod workbook;

pub use blocks::{Block, BlockSize};
pub use constants::Constants;
pub use decode::{Encoding, EncodingError};
pub use dialect::{Delimiter, DelimiterError, Dialect, Escape, Quotes};
pub use error::{InputError, InputFault};
pub use explain::{CellFate, CellSource, ExplainedCell, explain_record};
pub use format::{Format, FormatChoice};
pub use header::ColumnFault;
pub use known::KnownInput;
pub use layout::{CsvLayout, Layout, Mark, NdjsonLayout};
pub use loose::{HeaderNames, LooseColumn};
pub use mapping::{MappingRules, Target};
pub use not_text::NotText;
pub use null_strings::NullStrings;
pub use open::{HeaderRule, Input, InputRules};
pub use own::{Origin, Overtaken, OvertakenRule, OwnPart, Texts, own_part};
pub use read_as::{Container, ReadAs};
pub use record::{Record, RowRules, parse_block};
pub use rules::{CellRules, EmptyRule, EmptyRules, RuleError, Trim};
pub use source::InputName;
pub use stream::{EncodingChoice, EncodingDoubt};
pub use stream_fault::StreamFault;
pub use uneven::Ragged;
pub use unpack::Packing;
pub use value_maps::ValueMaps;
pub use window::{RowWindow, cut_behind};
pub use withheld::Withheld;
pub use workbook::SheetChoice;
