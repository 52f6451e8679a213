//! Reads and checks the records of a JSON block, by the fast path if possible.

use std::borrow::Cow;

use serde::de::Deserializer;

use crate::contract::{ErrorCode, FieldError, InvalidRow, Subject, UpdateBuilder, not_utf_8};

use crate::input::blocks::block::Block;
use crate::input::bytes::decode::{Bom, likely_encoding};
use crate::input::bytes::failed_rows::Origin;
use crate::input::bytes::format::Format;
use crate::input::mapping::cell_rules::Trim;
use crate::input::mapping::cell_writer::CellWriter;
use crate::input::mapping::explained::ExplainedCells;
use crate::input::mapping::loose_names::LooseColumn;
use crate::input::mapping::own_part::OwnPart;
use crate::input::mapping::record::{Record, RowRules};
use crate::input::mapping::record_layout::RecordLayout;
use crate::input::ndjson::json_shape::not_an_object;
use crate::input::ndjson::layout::NdjsonLayout;
use crate::input::ndjson::object::Object;
use crate::input::ndjson::own_part;
use crate::input::ndjson::plain_object::PlainObjects;
use crate::input::ndjson::records::{JsonRecord, JsonRecords};

impl RecordLayout for NdjsonLayout {
    fn origin(&self) -> Origin {
        self.origin
    }

    fn bom(&self) -> Bom {
        self.bom
    }

    fn may_have(&self, _name: &str) -> bool {
        true
    }

    /// Returns nothing: keys are exact.
    fn loose_columns(&self) -> &[LooseColumn] {
        &[]
    }

    fn parse(
        &self,
        block: &Block,
        rules: &RowRules,
        explained: u64,
        visit: &mut impl FnMut(Record<'_>),
    ) -> u64 {
        // One check of the whole block replaces one of each record.
        let block_text = simdutf8::basic::from_utf8(&block.bytes).ok();
        let mut plain = block_text.map(PlainObjects::of);
        let mut builder = UpdateBuilder::new(&rules.values);
        let writer = CellWriter::of(&rules.cells).in_block(&block.bytes);
        let mut cells = Vec::new();
        for (record, ordinal) in JsonRecords::of(block, self.framing).zip(0..) {
            let mut object = Object::new(&mut builder, self, writer, rules.overtaken);
            let read = if ordinal < explained {
                let mut members = ExplainedCells::of(&rules.cells, &rules.values);
                let read = read_object(&record, &mut object.explained_in(&mut members));
                cells = match read {
                    Ok(()) => members.finish(self.constants(), builder.left_out()),
                    Err(_) => Vec::new(),
                };
                read
            } else {
                let is_read = plain
                    .as_mut()
                    .is_some_and(|plain| plain.read(&record, &mut object).is_some());
                if is_read {
                    Ok(())
                } else {
                    read_object(&record, &mut object.restarted())
                }
            };
            let checked = read.and_then(|()| builder.finish());
            visit(Record {
                raw: record.raw,
                line: record.line,
                ordinal,
                cells: if ordinal < explained { &cells } else { &[] },
                checked,
            });
        }
        0
    }

    fn record_ends<'b>(&self, block: &'b Block) -> Box<dyn Iterator<Item = usize> + 'b> {
        Box::new(JsonRecords::of(block, self.framing).map(|record| record.end))
    }

    fn without_first(&self, block: Block, count: usize) -> Block {
        block.without_first(count, Format::Ndjson)
    }

    fn own_part<'r>(&self, raw: &'r [u8]) -> OwnPart<'r> {
        own_part::of_object(raw, self.mapping())
    }
}

/// Reads a record with the general parser.
fn read_object<'b>(record: &JsonRecord<'b>, object: &mut Object<'_, 'b>) -> Result<(), InvalidRow> {
    let Ok(text) = std::str::from_utf8(record.raw) else {
        return Err(unreadable(
            ErrorCode::Encoding,
            not_utf_8(likely_encoding(record.raw)),
        ));
    };
    let text = match object.writer.rules().trim {
        Trim::Keep => text,
        Trim::Trim => text.trim_start().trim_start_matches('\u{feff}'),
    };
    let mut json = serde_json::Deserializer::from_str(text);
    (&mut json)
        .deserialize_map(&mut *object)
        .and_then(|()| json.end())
        .map_err(|error| unreadable(ErrorCode::Format, not_an_object(record, text, &error)))?;
    object.report_more_unknown_keys();
    Ok(())
}

fn unreadable(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> InvalidRow {
    InvalidRow {
        id: None,
        errors: vec![FieldError::new(Subject::Row, code, message)],
    }
}
