//! Shared by the fuzz targets: reads bytes as an input, and returns what its rows become.

use std::io::Cursor;

use custsync::testing::input::{BlockSize, Input, InputName, InputRules, RowRules};

/// Blocks far smaller than a record, and one that holds all.
pub const SIZES: [BlockSize; 3] = [
    BlockSize { block_bytes: 1, lines_max: 4096, record_bytes_max: 1 << 20 },
    BlockSize { block_bytes: 37, lines_max: 3, record_bytes_max: 1 << 20 },
    BlockSize { block_bytes: 64 << 10, lines_max: 4096, record_bytes_max: 1 << 20 },
];

/// A row: its bytes, its line, and the request's body or all of its errors.
pub type Row = (Vec<u8>, u64, Result<String, String>);

/// Reads an input of this name to its end; returns the rows, or the error.
pub fn rows(name: &str, bytes: &[u8], rules: &InputRules, size: BlockSize) -> Result<Vec<Row>, String> {
    let reader = Box::new(Cursor::new(bytes.to_vec()));
    let mut input = Input::of_reader(InputName::from_argument(name.into()), reader, rules, size)
        .map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    while let Some(block) = input.next_block().map_err(|error| error.to_string())? {
        let layout = input.layout().clone();
        layout.parse(&block, &RowRules::default(), 0, &mut |record| {
            let became = record.checked.map(|update| {
                let mut body = Vec::new();
                update.write_body(&mut body);
                let body = String::from_utf8(body).expect("a body is UTF-8");
                let json: serde_json::Value = serde_json::from_str(&body).expect("a body is JSON");
                assert!(json.is_object());
                format!("{} {body}", update.id())
            });
            let became = became.map_err(|row| {
                assert!(!row.errors.is_empty(), "an invalid row says why");
                format!("{:?}", row.errors)
            });
            rows.push((record.raw.to_vec(), record.line, became));
        });
    }
    Ok(rows)
}

/// The texts of the cells of each row, if they can be assigned to columns, and the number of blank
/// rows.
pub fn cells(name: &str, bytes: &[u8], rules: &InputRules) -> (Vec<Vec<String>>, usize) {
    let reader = Box::new(Cursor::new(bytes.to_vec()));
    let input = Input::of_reader(InputName::from_argument(name.into()), reader, rules, BlockSize::default());
    let mut input = input.expect("an input that could be opened");
    let (mut cells, mut blank_rows) = (Vec::new(), 0);
    while let Some(block) = input.next_block().expect("an input that could be read") {
        let layout = input.layout().clone();
        blank_rows += layout.parse(&block, &RowRules::default(), u64::MAX, &mut |record| {
            let texts = record.cells.iter().map(|cell| serde_json::from_str(&cell.text).expect("a text as JSON"));
            cells.push(texts.collect());
        });
    }
    (cells, usize::try_from(blank_rows).expect("fewer than there are bytes"))
}

/// Checks that the rows do not depend on the size of blocks, and returns them. Which of several
/// errors comes first may depend on it.
pub fn rows_of_any_size(name: &str, bytes: &[u8], rules: &InputRules) -> Result<Vec<Row>, String> {
    let [smallest, small, large] = SIZES.map(|size| self::rows(name, bytes, rules, size));
    // Only the first block is checked for being text.
    let is_binary = |outcome: &Result<_, String>| matches!(outcome, Err(message) if message.contains("many control bytes"));
    if ![&smallest, &small, &large].into_iter().any(is_binary) {
        assert_eq!(smallest.as_ref().ok(), small.as_ref().ok());
        assert_eq!(small.as_ref().ok(), large.as_ref().ok());
    }
    large
}
