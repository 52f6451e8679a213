//! The file of failed rows, and its correction as a user does it.

use serde_json::{Value, json};

use super::customers::Customers;
use super::writing::Form;

/// The columns that custsync adds to a failed row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailedRow {
    /// Its position in the first input, as in `customers.csv:42`.
    pub(crate) place: String,
    pub(crate) outcome: String,
    pub(crate) error: String,
    /// The fields that later rows have set.
    pub(crate) overtaken: Vec<String>,
}

impl FailedRow {
    /// The line of the first input.
    pub(crate) fn line(&self) -> u64 {
        let (_, line) = self
            .place
            .rsplit_once(':')
            .expect("a place is a file and a line");
        line.parse().expect("a line's number")
    }
}

/// Reads `failed.csv` or `failed.ndjson`.
pub(crate) fn parse(form: Form, bytes: &[u8]) -> Vec<FailedRow> {
    match form {
        Form::Csv => records(bytes).map(|record| own_columns(&record)).collect(),
        Form::Ndjson => bytes
            .split_inclusive(|byte| *byte == b'\n')
            .map(own_member)
            .collect(),
    }
}

/// Replaces every row's values by good ones, and leaves custsync's own columns unchanged.
pub(crate) fn corrected(form: Form, bytes: &[u8], good: &Customers) -> Vec<u8> {
    match form {
        Form::Csv => corrected_csv(bytes, good),
        Form::Ndjson => {
            let mut file = Vec::new();
            for failed in parse(form, bytes) {
                let own = json!({"row": failed.place, "overtaken": failed.overtaken});
                file.extend_from_slice(format!("{{\"custsync\":{own},").as_bytes());
                file.extend_from_slice(&good.line(form, good.row_at(form, failed.line()))[1..]);
            }
            file
        }
    }
}

fn corrected_csv(bytes: &[u8], good: &Customers) -> Vec<u8> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let header = reader
        .byte_headers()
        .expect("failed rows have a header")
        .clone();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_byte_record(&header)
        .expect("memory can be written");
    for record in records(bytes) {
        let row = good.row_at(Form::Csv, own_columns(&record).line());
        let own = record.iter().take(4).map(<[u8]>::to_vec);
        writer
            .write_record(own.chain(good.cells(row)))
            .expect("memory can be written");
    }
    writer.into_inner().expect("memory can be written")
}

fn records(bytes: &[u8]) -> impl Iterator<Item = csv::ByteRecord> {
    let reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    reader
        .into_byte_records()
        .map(|record| record.expect("failed rows are CSV"))
}

fn own_columns(record: &csv::ByteRecord) -> FailedRow {
    let column =
        |index: usize| String::from_utf8(record[index].to_vec()).expect("custsync writes UTF-8");
    let overtaken = column(3).split_whitespace().map(str::to_owned).collect();
    FailedRow {
        place: column(0),
        outcome: column(1),
        error: column(2),
        overtaken,
    }
}

/// The first member of a line. The rest may not be JSON, which may be the reason why the row
/// failed.
fn own_member(line: &[u8]) -> FailedRow {
    let member = line
        .strip_prefix(b"{\"custsync\":")
        .expect("a failed row begins with custsync's own member");
    let mut values = serde_json::Deserializer::from_slice(member).into_iter::<Value>();
    let own = values
        .next()
        .expect("the member has a value")
        .expect("the member is JSON");
    let text = |key: &str| own[key].as_str().expect("a text").to_owned();
    let names = own["overtaken"]
        .as_array()
        .expect("a list of fields")
        .iter();
    let overtaken = names
        .map(|name| name.as_str().expect("a field's name").to_owned())
        .collect();
    FailedRow {
        place: text("row"),
        outcome: text("outcome"),
        error: text("error"),
        overtaken,
    }
}
