//! The first record of a text, for detection.

use csv::ByteRecord;

use crate::input::bytes::dialect::Dialect;

/// Returns the cells of the first record that is not blank; empty if there is none. The `csv` crate
/// reads no further than that record.
pub(crate) fn first_record(text: &[u8], dialect: Dialect) -> ByteRecord {
    let mut builder = csv::ReaderBuilder::new();
    builder
        .has_headers(false)
        .flexible(true)
        .delimiter(dialect.delimiter.byte())
        .quoting(dialect.has_quotes());
    let mut reader = builder.from_reader(text);
    let mut record = ByteRecord::new();
    // Reading from memory cannot fail, and a record that ends with the text counts.
    while reader.read_byte_record(&mut record).unwrap_or_default() {
        if record.len() == 1 || record.iter().any(|cell| !cell.is_empty()) {
            return record;
        }
    }
    ByteRecord::new()
}
