//! Records of a block whose cells the source has told apart and typed, as those of a workbook are.

use std::ops::Range;

use crate::contract::SheetFault;

/// The typed records of a block, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct TypedRecords {
    records: Vec<Extent>,
    /// The cells of all records.
    cells: Vec<TypedCell>,
    /// The number of cells that belong to the next record.
    open_cells: usize,
}

/// The extent of a record.
#[derive(Debug, Clone, Copy)]
struct Extent {
    line: u64,
    raw_bytes: usize,
    /// `raw_bytes` and the bytes of the texts behind them.
    bytes: usize,
    cells: usize,
}

/// One record of a block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TypedRecord<'b> {
    /// The record as a JSON object, followed by the texts that JSON writes with escapes.
    bytes: &'b [u8],
    raw_bytes: usize,
    /// The line of the input, from 1.
    pub(crate) line: u64,
    /// The end in the block.
    pub(crate) end: usize,
    /// The cells, by ascending columns.
    pub(crate) cells: &'b [TypedCell],
}

/// A cell of a record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TypedCell {
    /// The column, from 0.
    pub(crate) column: usize,
    /// The place of the value as JSON in the record's bytes.
    pub(crate) json: Range<usize>,
    pub(crate) value: TypedValue,
}

/// The type of a cell, with what its JSON does not tell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TypedValue {
    /// A text that JSON writes without escapes.
    Text,
    /// Another text, at this place among the texts behind the record's JSON.
    EscapedText(Range<usize>),
    /// A number.
    Number,
    /// A boolean.
    Boolean,
    /// No value.
    Fault(SheetFault),
}

impl TypedRecords {
    /// Adds a cell of the next record.
    pub(crate) fn push_cell(&mut self, cell: TypedCell) {
        self.cells.push(cell);
        self.open_cells += 1;
    }

    /// Ends the next record. All cells that were added since the last one are its cells. Its bytes
    /// are `raw_bytes` of JSON, followed by texts.
    pub(crate) fn end_record(&mut self, line: u64, raw_bytes: usize, bytes: usize) {
        self.records.push(Extent {
            line,
            raw_bytes,
            bytes,
            cells: std::mem::take(&mut self.open_cells),
        });
    }

    /// Returns the number of records.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Returns the records in a block of these bytes, which may have been cut off behind a record.
    pub(crate) fn of_block<'b>(&'b self, bytes: &'b [u8]) -> impl Iterator<Item = TypedRecord<'b>> {
        let (mut rest, mut cells) = (bytes, self.cells.as_slice());
        self.records.iter().map_while(move |extent| {
            let (record, behind) = rest.split_at_checked(extent.bytes)?;
            let (own_cells, cells_behind) = cells.split_at_checked(extent.cells)?;
            (rest, cells) = (behind, cells_behind);
            Some(TypedRecord {
                bytes: record,
                raw_bytes: extent.raw_bytes,
                line: extent.line,
                end: bytes.len() - behind.len(),
                cells: own_cells,
            })
        })
    }

    /// Removes the records within the first `bytes` bytes of a block.
    pub(crate) fn remove_first(&mut self, bytes: usize) {
        let mut end = 0;
        let is_within = |extent: &&Extent| {
            end += extent.bytes;
            end <= bytes
        };
        let count = self.records.iter().take_while(is_within).count();
        let removed = self.records.drain(..count);
        let cells: usize = removed.map(|record| record.cells).sum();
        self.cells.drain(..cells);
    }

    /// Returns the line of the first record.
    pub(crate) fn first_line(&self) -> Option<u64> {
        self.records.first().map(|record| record.line)
    }
}

impl<'b> TypedRecord<'b> {
    /// Returns the record as a JSON object.
    pub(crate) fn raw(&self) -> &'b [u8] {
        self.bytes.get(..self.raw_bytes).unwrap_or_default()
    }

    /// Returns a cell's value as JSON.
    pub(crate) fn json(&self, cell: &TypedCell) -> &'b str {
        text_in(self.raw(), &cell.json)
    }

    /// Returns the text of a cell whose value is [`TypedValue::Text`].
    pub(crate) fn plain_text(&self, cell: &TypedCell) -> &'b str {
        let json = self.json(cell);
        json.strip_prefix('"')
            .and_then(|json| json.strip_suffix('"'))
            .unwrap_or_default()
    }

    /// Returns the text at a place among the texts behind the JSON.
    pub(crate) fn text_at(&self, place: &Range<usize>) -> &'b str {
        text_in(self.bytes.get(self.raw_bytes..).unwrap_or_default(), place)
    }
}

fn text_in<'b>(bytes: &'b [u8], place: &Range<usize>) -> &'b str {
    let text = bytes.get(place.clone()).unwrap_or_default();
    std::str::from_utf8(text).expect("the source writes texts")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two records, of one and of two cells.
    fn records() -> (&'static [u8], TypedRecords) {
        let mut records = TypedRecords::default();
        let cell = |column, json, value| TypedCell {
            column,
            json,
            value,
        };
        records.push_cell(cell(0, 5..6, TypedValue::Number));
        records.end_record(2, 7, 7);
        records.push_cell(cell(0, 5..8, TypedValue::Text));
        records.push_cell(cell(1, 13..17, TypedValue::EscapedText(0..1)));
        records.end_record(4, 18, 19);
        (br#"{"a":1}{"a":"x","b":"\n"}"#, records)
    }

    fn lines(bytes: &[u8], records: &TypedRecords) -> Vec<(u64, usize, usize)> {
        let found = records.of_block(bytes);
        found
            .map(|record| (record.line, record.end, record.cells.len()))
            .collect()
    }

    #[test]
    fn a_cut_block_has_the_records_that_are_left() {
        let (bytes, mut records) = records();
        let bytes = [bytes, b"\n"].concat();
        assert_eq!(lines(&bytes, &records), [(2, 7, 1), (4, 26, 2)]);
        assert_eq!(lines(&bytes[..7], &records), [(2, 7, 1)]);
        records.remove_first(7);
        assert_eq!(lines(&bytes[7..], &records), [(4, 19, 2)]);
        assert_eq!((records.first_line(), records.len()), (Some(4), 1));
    }

    #[test]
    fn texts_are_found_with_and_without_escapes() {
        let (bytes, records) = records();
        let bytes = [bytes, b"\n"].concat();
        let record = records.of_block(&bytes).nth(1).expect("two records");
        assert_eq!(record.raw(), br#"{"a":"x","b":"\n"}"#);
        let [plain, escaped] = record.cells else {
            panic!("two cells");
        };
        assert_eq!(
            (record.plain_text(plain), record.json(escaped)),
            ("x", r#""\n""#)
        );
        assert_eq!(record.text_at(&(0..1)), "\n");
    }
}
