//! Reads and checks the records of an NDJSON block, by the fast path if possible.

use std::borrow::Cow;

use serde::de::Deserializer;

use crate::contract::{ErrorCode, FieldError, InvalidRow, Subject, UpdateBuilder, not_utf_8};

use crate::input::blocks::block::Block;
use crate::input::bytes::decode::likely_encoding;
use crate::input::mapping::cell_rules::Trim;
use crate::input::mapping::cell_writer::CellWriter;
use crate::input::mapping::record::{Record, RowRules};
use crate::input::ndjson::json_shape::not_an_object;
use crate::input::ndjson::layout::NdjsonLayout;
use crate::input::ndjson::lines::{NdjsonLine, NdjsonLines};
use crate::input::ndjson::object::Object;
use crate::input::ndjson::plain_object::PlainObjects;

/// Passes each record of a block to `visit`, in order.
pub(crate) fn parse(
    block: &Block,
    layout: &NdjsonLayout,
    rules: &RowRules,
    visit: &mut impl FnMut(Record<'_>),
) {
    // One check of the whole block replaces one of each line.
    let block_text = simdutf8::basic::from_utf8(&block.bytes).ok();
    let mut plain = block_text.map(PlainObjects::of);
    let mut builder = UpdateBuilder::new(&rules.values);
    let writer = CellWriter::of(&rules.cells).in_block(&block.bytes);
    for (line, ordinal) in NdjsonLines::of(block).zip(0..) {
        let mut object = Object::new(&mut builder, layout, writer, rules.overtaken);
        let is_read = plain
            .as_mut()
            .is_some_and(|plain| plain.read(&line, &mut object).is_some());
        let read = if is_read {
            Ok(())
        } else {
            read_object(&line, object.restarted())
        };
        let checked = read.and_then(|()| builder.finish());
        visit(Record {
            raw: line.raw,
            line: line.line,
            ordinal,
            checked,
        });
    }
}

/// Reads a line with the general parser.
fn read_object<'b>(line: &NdjsonLine<'b>, mut object: Object<'_, 'b>) -> Result<(), InvalidRow> {
    let Ok(text) = std::str::from_utf8(line.raw) else {
        return Err(unreadable(
            ErrorCode::Encoding,
            not_utf_8(likely_encoding(line.raw)),
        ));
    };
    let text = match object.writer.rules().trim {
        Trim::Keep => text,
        Trim::Trim => text.trim_start().trim_start_matches('\u{feff}'),
    };
    let mut json = serde_json::Deserializer::from_str(text);
    (&mut json)
        .deserialize_map(&mut object)
        .and_then(|()| json.end())
        .map_err(|error| {
            unreadable(
                ErrorCode::Format,
                not_an_object(text, &error, line.ended.name()),
            )
        })?;
    object.report_more_unknown_keys();
    Ok(())
}

fn unreadable(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> InvalidRow {
    InvalidRow {
        id: None,
        errors: vec![FieldError::new(Subject::Row, code, message)],
    }
}
