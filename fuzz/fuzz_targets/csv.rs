//! CSV: the rows do not depend on the size of blocks, and rows and cells are those of the `csv`
//! crate, unless a strict reader would refuse them.
#![no_main]

use custsync::testing::input::{Delimiter, InputRules};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // A byte order mark, NUL bytes and compressed data indicate other formats.
    if bytes.contains(&0) || bytes.starts_with(b"\x1f\x8b") || bytes.starts_with(b"\xef\xbb\xbf") {
        return;
    }
    let rules = InputRules { delimiter: Some(Delimiter::COMMA), ..InputRules::default() };
    let text = [b"id,job,email,country_id,date_of_birth\n", bytes].concat();
    let Ok(rows) = custsync_fuzz::rows_of_any_size("a.csv", &text, &rules) else { return };
    let (cells, blank_rows) = custsync_fuzz::cells("a.csv", &text, &rules);
    let records = records(&text).len();
    assert_eq!(rows.len() + 1 + blank_rows, records);
    assert_eq!(rows.len(), cells.len());
    for ((raw, _, _), cells) in rows.iter().zip(cells) {
        // A row without cells has faulty quotes, or another number of columns than the header.
        if !cells.is_empty() {
            // A mark at the start would be taken for the file's.
            let record = self::records(&[b"\n", raw.as_slice()].concat()).concat();
            let record: Vec<_> = record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
            assert_eq!(cells, record);
        }
    }
});

/// The cells of each record, as the `csv` crate reads them.
fn records(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let records = reader.into_byte_records().map(|record| record.expect("memory can be read"));
    records.map(|record| record.iter().map(<[u8]>::to_vec).collect()).collect()
}
