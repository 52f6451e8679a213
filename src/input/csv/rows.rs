//! The rows of a CSV block: maps the cells of its records to fields and checks them.

use std::ops::Range;

use crate::contract::{Cell, InvalidRow, UpdateBuilder, has_line_break};

use crate::input::blocks::block::Block;
use crate::input::bytes::decode::{Bom, likely_encoding};
use crate::input::bytes::failed_rows::Origin;
use crate::input::bytes::format::Format;
use crate::input::csv::layout::CsvLayout;
use crate::input::csv::records::{CellText, CsvCell, CsvRecord, CsvRecords};
use crate::input::csv::uneven::withheld_in;
use crate::input::csv::{joined, own_part, uneven};
use crate::input::mapping::cell_rules::CellRules;
use crate::input::mapping::cell_writer::CellWriter;
use crate::input::mapping::explained::{ExplainedCell, ExplainedCells, json_text};
use crate::input::mapping::loose_names::LooseColumn;
use crate::input::mapping::own_part::OwnPart;
use crate::input::mapping::record::{Record, RowRules};
use crate::input::mapping::record_layout::RecordLayout;
use crate::input::mapping::target::Target;
use crate::input::mapping::withheld::{OvertakenRule, withhold};

impl RecordLayout for CsvLayout {
    fn origin(&self) -> Origin {
        if self.own.leading > 0 {
            Origin::FailedRows
        } else {
            Origin::First
        }
    }

    fn bom(&self) -> Bom {
        self.bom
    }

    fn may_have(&self, name: &str) -> bool {
        self.columns.may_have(name, self.own.leading)
    }

    fn loose_columns(&self) -> &[LooseColumn] {
        &self.columns.loose
    }

    fn parse(
        &self,
        block: &Block,
        rules: &RowRules,
        explained: u64,
        visit: &mut impl FnMut(Record<'_>),
    ) -> u64 {
        let mut records = CsvRecords::of(block, self.dialect);
        let mut builder = UpdateBuilder::new(&rules.values);
        let targets = self.columns.targets();
        let writer = CellWriter::of(&rules.cells).in_block(&block.bytes);
        let (mut ordinal, mut cells) = (0, Vec::new());
        while let Some(record) = records.next() {
            let is_usual = record.columns() == targets.len()
                && (record.flags.are_usual() || record.has_usual_cells());
            let may_be_joined =
                is_usual && record.has_line_breaks && !rules.values.allowed.takes_joined();
            let joined = if may_be_joined {
                joined::invalid(&record, self)
            } else {
                None
            };
            let refused = if ordinal < explained {
                cells.clear();
                let refused =
                    read_explained(&record, self, rules, &targets, &mut builder, &mut cells);
                joined.or(refused)
            } else if joined.is_some() {
                joined
            } else if is_usual {
                begin(&record, self, rules, &mut builder);
                if record.flags.have_controls() || writer.block_has_odd_text() {
                    write_odd_record(&record, &targets, writer, &mut builder);
                } else if record.has_line_breaks {
                    write_record_of_lines(&record, &targets, writer, &mut builder);
                } else {
                    write_cells(
                        &record,
                        &targets,
                        writer,
                        &mut builder,
                        |builder, target, text| {
                            writer.write_text(builder, target, text.as_str());
                        },
                    );
                }
                if !self.columns.nameless.is_empty() {
                    uneven::check_nameless(&record, self, &mut builder);
                }
                None
            } else {
                read_unusual(&record, self, rules, &targets, &mut builder, |_, _| {})
            };
            let checked = match refused {
                None => builder.finish(),
                Some(invalid) => Err(invalid),
            };
            visit(Record {
                raw: record.raw,
                line: record.line,
                ordinal,
                cells: if ordinal < explained { &cells } else { &[] },
                checked,
            });
            ordinal += 1;
        }
        records.blank_rows
    }

    fn record_ends<'b>(&self, block: &'b Block) -> Box<dyn Iterator<Item = usize> + 'b> {
        let mut records = CsvRecords::of(block, self.dialect);
        Box::new(std::iter::from_fn(move || {
            records.next().map(|record| record.end)
        }))
    }

    fn without_first(&self, block: Block, count: usize) -> Block {
        block.without_first(count, Format::Csv(self.dialect))
    }

    fn own_part<'r>(&self, raw: &'r [u8]) -> OwnPart<'r> {
        own_part::of_record(raw, self)
    }
}

/// Clears the builder and sets what no cell of the record sets: constants, and what is withheld.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "called for each row: a call would take longer than what it does"
)]
fn begin<'b>(
    record: &CsvRecord<'_, 'b>,
    layout: &'b CsvLayout,
    rules: &'b RowRules,
    builder: &mut UpdateBuilder<'b>,
) {
    builder.clear();
    layout.columns.constants.fill(builder, &rules.cells);
    if let Some(column) = layout.own.overtaken {
        withhold_by_column(record, column, rules.overtaken, builder);
    }
}

/// Reads a record that has escapes or bad quotes, does not fit the header, or is explained. `see`
/// is told the target and the meaning of each cell. Returns the reason if the record cannot be
/// read.
#[cold]
fn read_unusual<'b>(
    record: &CsvRecord<'_, 'b>,
    layout: &'b CsvLayout,
    rules: &'b RowRules,
    targets: &[Target],
    builder: &mut UpdateBuilder<'b>,
    mut see: impl FnMut(Target, &Option<Cell<'b>>),
) -> Option<InvalidRow> {
    if let Some(invalid) = uneven::invalid(record, layout, &rules.cells) {
        return Some(invalid);
    }
    begin(record, layout, rules, builder);
    // Columns whose cells are missing at the end are skipped, as if absent; cells beyond the header
    // are empty.
    for (cell, &target) in record.cells().zip(targets) {
        let said = said(record, &cell, target, &rules.cells);
        see(target, &said);
        CellWriter::write(builder, target, said);
    }
    uneven::check_nameless(record, layout, builder);
    None
}

/// Reads a record as [`read_unusual`] does, and explains its cells.
#[cold]
fn read_explained<'b>(
    record: &CsvRecord<'_, 'b>,
    layout: &'b CsvLayout,
    rules: &'b RowRules,
    targets: &[Target],
    builder: &mut UpdateBuilder<'b>,
    cells: &mut Vec<ExplainedCell>,
) -> Option<InvalidRow> {
    let mut explained = ExplainedCells::of(&rules.cells, &rules.values);
    let mut named_texts = layout.names().iter().zip(record.unquoted());
    let refused = read_unusual(record, layout, rules, targets, builder, |target, cell| {
        if let Some((name, text)) = named_texts.next() {
            let json = json_text(&String::from_utf8_lossy(&text));
            explained.add(name.clone(), json, target, cell.clone());
        }
    });
    if refused.is_none() {
        *cells = explained.finish(&layout.columns.constants, builder.left_out());
    }
    refused
}

/// Reads the cells of a record with good quotes and no escapes. `write_text` takes the texts whose
/// bytes in the block need no change.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "called for each row, and each way of telling a text has a loop of its own"
)]
fn write_cells<'b>(
    record: &CsvRecord<'_, 'b>,
    targets: &[Target],
    writer: CellWriter<'b>,
    builder: &mut UpdateBuilder<'b>,
    write_text: impl Fn(&mut UpdateBuilder<'b>, Target, CellText<'b>),
) {
    for (place, &target) in record.places().zip(targets) {
        if target == Target::Ignored {
            continue;
        }
        match record.plain_text(&place) {
            Some(text) => write_text(builder, target, text),
            None => write_cell(record, place, target, writer.rules(), builder),
        }
    }
}

/// Reads a cell of a record without escapes whose text is not just its bytes.
#[cold]
fn write_cell<'b>(
    record: &CsvRecord<'_, 'b>,
    place: Range<usize>,
    target: Target,
    rules: &'b CellRules,
    builder: &mut UpdateBuilder<'b>,
) {
    let cell = record.cell(place);
    CellWriter::write(builder, target, said(record, &cell, target, rules));
}

/// Reads the cells of a record that may hold odd characters.
#[cold]
fn write_odd_record<'b>(
    record: &CsvRecord<'_, 'b>,
    targets: &[Target],
    writer: CellWriter<'b>,
    builder: &mut UpdateBuilder<'b>,
) {
    write_cells(record, targets, writer, builder, |builder, target, text| {
        writer.write_odd_text(builder, target, text.as_str());
    });
}

/// Reads the cells of a record that may hold line breaks. Only a quoted cell can.
#[cold]
fn write_record_of_lines<'b>(
    record: &CsvRecord<'_, 'b>,
    targets: &[Target],
    writer: CellWriter<'b>,
    builder: &mut UpdateBuilder<'b>,
) {
    write_cells(record, targets, writer, builder, |builder, target, text| {
        let is_of_one_line = matches!(target, Target::Field(field) if !field.takes_line_breaks());
        match text {
            CellText::Quoted(text) if is_of_one_line && has_line_break(text.as_bytes()) => {
                writer.write_odd_text(builder, target, text);
            }
            CellText::Quoted(text) | CellText::Bare(text) => {
                writer.write_text(builder, target, text);
            }
        }
    });
}

/// Withholds what the cell in a column names.
#[cold]
fn withhold_by_column(
    record: &CsvRecord<'_, '_>,
    column: usize,
    rule: OvertakenRule,
    builder: &mut UpdateBuilder<'_>,
) {
    if let Some(said) = withheld_in(record, column) {
        withhold(said, rule, builder);
    }
}

/// Converts a cell to what it says of its target.
fn said<'r>(
    record: &CsvRecord<'_, 'r>,
    cell: &CsvCell,
    target: Target,
    rules: &'r CellRules,
) -> Option<Cell<'r>> {
    match record.text(cell) {
        Some(text) => rules.cell(target, text),
        None => Some(Cell::NotText {
            reads_as: likely_encoding(record.bytes_of(cell)),
        }),
    }
}
