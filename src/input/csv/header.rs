//! The header of a CSV input: the first record, or the names that the user gives.

use std::io::Read;

use bytes::Bytes;

use crate::input::blocks::block::Block;
use crate::input::blocks::cutter::Blocks;
use crate::input::bytes::decode::Bom;
use crate::input::bytes::dialect::Dialect;
use crate::input::bytes::format::Format;
use crate::input::csv::header_below::{header_below, likely_delimiter};
use crate::input::csv::layout::CsvLayout;
use crate::input::csv::records::{CsvRecord, CsvRecords};
use crate::input::csv::uneven::with_lines;
use crate::input::error::InputFault;
use crate::input::mapping::columns::MappingRules;
use crate::input::mapping::header::Columns;
use crate::input::mapping::own_columns::OwnColumns;
use crate::input::mapping::{header, own_columns};
use crate::input::options::{HeaderRule, InputRules};

/// Reads the header. Returns the columns and the rest of the first block.
pub(crate) fn read_header(
    blocks: &mut Blocks<impl Read>,
    dialect: Dialect,
    rules: &InputRules,
    bom: Bom,
) -> Result<(CsvLayout, Block), InputFault> {
    while let Some(block) = blocks.next()? {
        let mut records = CsvRecords::of(&block, dialect);
        let Some(record) = records.next() else {
            continue;
        };
        let (columns, own, header, end) = match &rules.header {
            HeaderRule::Named(names) => {
                let (columns, header) = named_columns(names, dialect, &rules.mapping)?;
                let own = OwnColumns::of(&columns.names, &rules.mapping);
                (columns, own, header, 0)
            }
            HeaderRule::Row(row) if record.line != *row => {
                return Err(InputFault::HeaderRowBlank { line: *row });
            }
            HeaderRule::FirstRecord | HeaderRule::Row(_) => {
                let columns = columns_of(&record, &block, dialect, rules)?;
                let own = OwnColumns::of(&columns.names, &rules.mapping);
                let place = record.place_of(own.leading).start..record.raw_end();
                // A slice would keep the block in memory as long as the layout.
                (
                    columns,
                    own,
                    Bytes::copy_from_slice(block.bytes.get(place).unwrap_or_default()),
                    record.end,
                )
            }
        };
        let layout = CsvLayout {
            dialect,
            ragged: rules.ragged,
            header,
            columns,
            own,
            bom,
        };
        return Ok((layout, block.without_first(end, Format::Csv(dialect))));
    }
    Err(InputFault::Empty)
}

/// Returns the columns of a header, or all faults of it with suggestions.
pub(crate) fn columns_of(
    record: &CsvRecord<'_, '_>,
    block: &Block,
    dialect: Dialect,
    rules: &InputRules,
) -> Result<Columns, InputFault> {
    let line = record.line;
    let columns = match record.quote_fault() {
        Some(fault) => {
            let names: Vec<_> = record.unquoted().collect();
            let fault = fault.behind(own_columns::leading(names.iter().map(AsRef::as_ref)));
            Err(InputFault::HeaderQuotes {
                line,
                fault: with_lines(fault.to_string(), record),
            })
        }
        None => header::read(&record.unquoted().collect(), line, &rules.mapping),
    };
    columns.map_err(|fault| {
        if record.raw.trim_ascii_start().starts_with(b"{") {
            return InputFault::LooksLikeJson { line };
        }
        let from = block
            .bytes
            .get(record.place_of(0).start..)
            .unwrap_or_default();
        let fault =
            fault.or_header_below(line, || header_below(from, rules).map(|lines| line + lines));
        match fault {
            InputFault::NoneKnown {
                line,
                columns,
                rules_file,
                ..
            } => InputFault::NoneKnown {
                line,
                columns,
                rules_file,
                likely: likely_delimiter(record.raw, dialect, rules),
            },
            fault => fault,
        }
    })
}

/// Returns the columns of these names, and the header of a file that has them.
fn named_columns(
    names: &[String],
    dialect: Dialect,
    mapping: &MappingRules,
) -> Result<(Columns, Bytes), InputFault> {
    let columns = header::named(names, mapping)?;
    let style = if dialect.has_quotes() {
        csv::QuoteStyle::Necessary
    } else {
        csv::QuoteStyle::Never
    };
    let mut builder = csv::WriterBuilder::new();
    let mut header = builder
        .delimiter(dialect.delimiter.byte())
        .quote_style(style)
        .from_writer(Vec::new());
    header.write_record(names).expect("memory can be written");
    let header = header.into_inner().expect("memory can be written");
    Ok((
        columns,
        Bytes::from(header.strip_suffix(b"\n").unwrap_or(&header).to_vec()),
    ))
}
