//! The file of failed rows, and what a user does with it: correct the values and run it.

use serde_json::Value;

use super::customers::Customers;
use super::writing::Form;

/// What custsync says of a failed row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailedRow {
    pub(crate) row: u64,
    pub(crate) outcome: String,
    pub(crate) error: String,
}

/// Reads `failed.csv` or `failed.ndjson`.
pub(crate) fn parse(form: Form, bytes: &[u8]) -> Vec<FailedRow> {
    match form {
        Form::Csv => records(bytes).map(|record| own_columns(&record)).collect(),
        Form::Ndjson => bytes.split_inclusive(|byte| *byte == b'\n').map(own_member).collect(),
    }
}

/// The file with every row's values replaced by its good ones, and custsync's own columns left where they are.
pub(crate) fn corrected(form: Form, bytes: &[u8], good: &Customers) -> Vec<u8> {
    match form {
        Form::Csv => corrected_csv(bytes, good),
        Form::Ndjson => {
            let mut file = Vec::new();
            for failed in parse(form, bytes) {
                let own = format!("{{\"custsync\":{{\"row\":{}}},", failed.row);
                file.extend_from_slice(own.as_bytes());
                file.extend_from_slice(&good.line(form, failed.row)[1..]);
            }
            file
        }
    }
}

fn corrected_csv(bytes: &[u8], good: &Customers) -> Vec<u8> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let header = reader.byte_headers().expect("failed rows have a header").clone();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_byte_record(&header).expect("memory can be written");
    for record in records(bytes) {
        let row = own_columns(&record).row;
        let own = record.iter().take(3).map(<[u8]>::to_vec);
        writer.write_record(own.chain(good.cells(row))).expect("memory can be written");
    }
    writer.into_inner().expect("memory can be written")
}

fn records(bytes: &[u8]) -> impl Iterator<Item = csv::ByteRecord> {
    let reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    reader.into_byte_records().map(|record| record.expect("failed rows are CSV"))
}

fn own_columns(record: &csv::ByteRecord) -> FailedRow {
    let column = |index: usize| String::from_utf8(record[index].to_vec()).expect("custsync writes UTF-8");
    FailedRow { row: column(0).parse().expect("a row's number"), outcome: column(1), error: column(2) }
}

/// The first member of a line. What follows it may be no JSON, for which reason the row may have failed.
fn own_member(line: &[u8]) -> FailedRow {
    let member = line.strip_prefix(b"{\"custsync\":").expect("a failed row begins with custsync's own member");
    let mut values = serde_json::Deserializer::from_slice(member).into_iter::<Value>();
    let own = values.next().expect("the member has a value").expect("the member is JSON");
    let text = |key: &str| own[key].as_str().expect("a text").to_owned();
    FailedRow { row: own["row"].as_u64().expect("a row's number"), outcome: text("outcome"), error: text("error") }
}
