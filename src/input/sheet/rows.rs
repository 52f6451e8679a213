//! Reads and checks the typed records of a sheet.

use std::borrow::Cow;

use crate::contract::{Cell, ErrorCode, UpdateBuilder};

use crate::input::blocks::block::Block;
use crate::input::blocks::typed::{TypedCell, TypedRecord, TypedValue};
use crate::input::bytes::decode::Bom;
use crate::input::bytes::failed_rows::Origin;
use crate::input::mapping::cell_rules::CellRules;
use crate::input::mapping::cell_writer::CellWriter;
use crate::input::mapping::columns::number_in_name;
use crate::input::mapping::explained::{ExplainedCell, ExplainedCells};
use crate::input::mapping::loose_names::LooseColumn;
use crate::input::mapping::own_part::OwnPart;
use crate::input::mapping::record::{Record, RowRules};
use crate::input::mapping::record_layout::RecordLayout;
use crate::input::mapping::target::Target;
use crate::input::mapping::withheld::withhold;
use crate::input::sheet::kept;
use crate::input::sheet::layout::{ColumnMeaning, SheetLayout};

/// The number of columns without a name that are named for a row; the others are counted.
const NAMELESS_MAX: usize = 8;

impl RecordLayout for SheetLayout {
    fn origin(&self) -> Origin {
        if self.own_columns() > 0 {
            Origin::FailedRows
        } else {
            Origin::First
        }
    }

    fn bom(&self) -> Bom {
        Bom::Omit
    }

    /// Values may lie in any column, also beyond the header.
    fn may_have(&self, name: &str) -> bool {
        self.columns.may_have(name, self.own_columns()) || number_in_name(name).is_some()
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
        let mut builder = UpdateBuilder::new(&rules.values);
        let writer = CellWriter::of(&rules.cells).in_block(&block.bytes);
        let mut cells = Vec::new();
        for (record, ordinal) in block.typed.of_block(&block.bytes).zip(0..) {
            builder.clear();
            self.constants().fill(&mut builder, &rules.cells);
            if ordinal < explained {
                cells = read_explained(record, self, rules, &mut builder);
            } else {
                read(record, self, rules, writer, &mut builder);
            }
            visit(Record {
                raw: record.raw(),
                line: record.line,
                ordinal,
                cells: if ordinal < explained { &cells } else { &[] },
                checked: builder.finish(),
            });
        }
        0
    }

    fn record_ends<'b>(&self, block: &'b Block) -> Box<dyn Iterator<Item = usize> + 'b> {
        let records = block.typed.of_block(&block.bytes);
        Box::new(records.map(|record| record.end))
    }

    fn without_first(&self, block: Block, count: usize) -> Block {
        block.without_first_typed(count)
    }

    fn own_part<'r>(&self, raw: &'r [u8]) -> OwnPart<'r> {
        kept::own_part(raw, &self.mapping)
    }
}

/// Reads the cells of a record.
fn read<'b>(
    record: TypedRecord<'b>,
    layout: &SheetLayout,
    rules: &'b RowRules,
    writer: CellWriter<'b>,
    builder: &mut UpdateBuilder<'b>,
) {
    let mut nameless = Nameless::default();
    for cell in record.cells {
        match layout.meaning(cell.column) {
            ColumnMeaning::Target(Target::Ignored) => {}
            ColumnMeaning::Target(target) => match &cell.value {
                TypedValue::Text if writer.block_has_odd_text() => {
                    writer.write_odd_text(builder, target, record.plain_text(cell));
                }
                TypedValue::Text => writer.write_text(builder, target, record.plain_text(cell)),
                TypedValue::EscapedText(_)
                | TypedValue::Number
                | TypedValue::Boolean
                | TypedValue::Fault(_) => {
                    CellWriter::write(builder, target, said(record, cell, target, &rules.cells));
                }
            },
            ColumnMeaning::Own(key) => {
                withhold(key.withheld(record.json(cell)), rules.overtaken, builder);
            }
            ColumnMeaning::Nothing => nameless.add(&layout.name(cell.column), builder),
        }
    }
    nameless.report_more(builder);
}

/// Reads the cells of a record, and explains them.
#[cold]
fn read_explained<'b>(
    record: TypedRecord<'b>,
    layout: &SheetLayout,
    rules: &'b RowRules,
    builder: &mut UpdateBuilder<'b>,
) -> Vec<ExplainedCell> {
    let (mut explained, mut nameless) = (
        ExplainedCells::of(&rules.cells, &rules.values),
        Nameless::default(),
    );
    for cell in record.cells {
        let (name, json) = (layout.name(cell.column), record.json(cell).to_owned());
        match layout.meaning(cell.column) {
            ColumnMeaning::Target(target) => {
                let said = said(record, cell, target, &rules.cells);
                explained.add(name, json, target, said.clone());
                CellWriter::write(builder, target, said);
            }
            ColumnMeaning::Own(key) => {
                withhold(key.withheld(&json), rules.overtaken, builder);
                explained.add(name, json, Target::Ignored, None);
            }
            ColumnMeaning::Nothing => {
                nameless.add(&name, builder);
                explained.add_unknown(name, json);
            }
        }
    }
    nameless.report_more(builder);
    explained.finish(layout.constants(), builder.left_out())
}

/// Converts a cell to what it says of its target.
fn said<'b>(
    record: TypedRecord<'b>,
    cell: &TypedCell,
    target: Target,
    rules: &'b CellRules,
) -> Option<Cell<'b>> {
    let json = record.json(cell);
    match &cell.value {
        TypedValue::Text => rules.cell(target, Cow::Borrowed(record.plain_text(cell))),
        TypedValue::EscapedText(place) => rules.cell(target, Cow::Borrowed(record.text_at(place))),
        TypedValue::Number => rules.word(target, json, Cell::SheetNumber(json)),
        TypedValue::Boolean => rules.word(target, json, Cell::Boolean),
        TypedValue::Fault(fault) => Some(Cell::SheetFault(*fault)),
    }
}

/// The values of a row in columns without a name.
#[derive(Debug, Default)]
struct Nameless {
    count: usize,
}

impl Nameless {
    #[cold]
    fn add(&mut self, name: &str, builder: &mut UpdateBuilder<'_>) {
        self.count += 1;
        if self.count <= NAMELESS_MAX {
            let message = format!(
                "has a value in {name}, which has no name (--ignore '{name}' leaves it out if the header reaches that far)"
            );
            builder.add_row_error(ErrorCode::Columns, message);
        }
    }

    fn report_more(self, builder: &mut UpdateBuilder<'_>) {
        if self.count > NAMELESS_MAX {
            let more = self.count - NAMELESS_MAX;
            let message = format!("has values in {more} more columns without a name");
            builder.add_row_error(ErrorCode::Columns, message);
        }
    }
}
