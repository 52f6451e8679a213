//! The first record of a text, to learn what it is.

use csv::ByteRecord;

use crate::input::bytes::dialect::Dialect;

/// The cells of a text's first record that is not blank; none where there is no record. The library reads no further than that.
pub(crate) fn first_record(text: &[u8], dialect: Dialect) -> ByteRecord {
    let mut builder = csv::ReaderBuilder::new();
    builder
        .has_headers(false)
        .flexible(true)
        .delimiter(dialect.delimiter.byte())
        .quoting(dialect.has_quotes());
    let mut reader = builder.from_reader(text);
    let mut record = ByteRecord::new();
    // Memory can be read, and a record that ends with the text is a record, too.
    while reader.read_byte_record(&mut record).unwrap_or_default() {
        if record.len() == 1 || record.iter().any(|cell| !cell.is_empty()) {
            return record;
        }
    }
    ByteRecord::new()
}
