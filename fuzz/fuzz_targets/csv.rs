//! CSV: the rows do not depend on the size of blocks, and there are as many as the `csv` crate reads.
#![no_main]

use custsync::input::{Delimiter, InputRules};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // A mark, NUL bytes and compressed data say that it is something else.
    if bytes.contains(&0) || bytes.starts_with(b"\x1f\x8b") || bytes.starts_with(b"\xef\xbb\xbf") {
        return;
    }
    let rules = InputRules { delimiter: Some(Delimiter::COMMA), ..InputRules::default() };
    let text = [b"id,job,email,country_id,date_of_birth\n", bytes].concat();
    let Ok(rows) = custsync_fuzz::rows_of_any_size("a.csv", &text, &rules) else { return };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_slice());
    let records = reader.byte_records().map(|record| record.expect("memory can be read")).count();
    assert_eq!(rows.len() + 1, records);
});
