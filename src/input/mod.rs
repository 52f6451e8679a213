//! From bytes to checked rows: source → decompressed → decoded → blocks → records → mapped cells →
//! [`CustomerUpdate`](crate::contract::CustomerUpdate).
//!
//! [`Input`] reads, in one thread. It opens an input, detects its format, reads its header, and
//! returns [`Block`]s of whole records. Everything else is pure. [`Layout::parse`] reads and checks
//! the records of one block without the others, so any number of threads can run it. A block knows
//! its first line; row numbers are prefix sums over the blocks' record counts.
//!
//! A format is a source of blocks (`RowSource` in `blocks`) and a layout
//! (`RecordLayout` in `mapping`), which [`Layout`] lists. Formats of text
//! share one source, and need only find the ends of their records.
//!
//! All formats share [`RowRules`], how a cell is read. The errors of a row are data
//! (`Record::checked`); an [`InputError`] stops the run.
//!
//! The folders import downwards only:
//! - `bytes`: sources, compression, encodings, and detection by the first bytes
//! - `blocks`: cuts the text into blocks of whole records
//! - `csv`, `ndjson`: split a block into records and cells
//! - `sheet`: reads the typed cells of a workbook's sheet
//! - `mapping`: header names, `--map`, `--set`, and what a cell's text means

mod blank_rows;
mod blocks;
mod bytes;
mod csv;
mod detect;
mod error;
mod known;
mod layout;
mod mapping;
mod ndjson;
mod open;
mod options;
mod read_as;
mod refusal;
mod row_range;
mod sheet;
mod survey;
#[cfg(test)]
mod tests;

pub use blocks::block::{Block, BlockSize};
pub(crate) use bytes::archive::member::{
    ArchiveEntry, ArchiveMember, Listing, list as list_archive,
};
pub(crate) use bytes::decode::{Bom, EncodingError};
pub use bytes::decode::{Encoding, EncodingChoice};
pub use bytes::dialect::Delimiter;
pub(crate) use bytes::dialect::{Escape, Quotes};
pub(crate) use bytes::failed_rows::Origin;
pub(crate) use bytes::format::FormatChoice;
pub(crate) use bytes::json_path::{JsonPath, JsonPathError};
pub use bytes::name::InputName;
pub(crate) use bytes::source::StoredBytes;
pub(crate) use csv::layout::CsvLayout;
pub(crate) use error::{InputError, InputFault};
pub(crate) use known::KnownInput;
pub(crate) use layout::Layout;
pub(crate) use mapping::cell_rules::{CellRules, EmptyRule, EmptyRules, Trim};
pub use mapping::columns::{HeaderNames, MappingRules};
pub(crate) use mapping::constants::Constants;
pub(crate) use mapping::explained::{CellResult, CellSource, ExplainedCell};
pub(crate) use mapping::kept_value::{ColumnFit, KeptRow, KeptValue};
pub(crate) use mapping::null_strings::NullStrings;
pub(crate) use mapping::own_part::{Overtaken, OwnPart, Texts};
pub(crate) use mapping::proposal::{
    IgnoreReason, NamedColumn, NamesOf, NumberReason, Proposal, lacks_id, proposals,
};
pub use mapping::record::RowRules;
pub(crate) use mapping::rule_places::RulePlaces;
pub(crate) use mapping::target::{RuleError, Target};
pub(crate) use mapping::value_maps::ValueMaps;
pub(crate) use mapping::withheld::{HiddenFault, OvertakenRule, Withheld};
pub use open::Input;
pub use options::InputRules;
pub(crate) use options::{HeaderRule, Ragged};
pub(crate) use read_as::ReadAs;
pub(crate) use row_range::{RowRange, cut_behind};
pub(crate) use sheet::cell_place;
pub(crate) use survey::{FirstLine, Survey};
