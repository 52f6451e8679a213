//! Writes rows as CSV and NDJSON, by hand.

use super::customers::{COLUMNS, Cells, Given};

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Csv,
    Ndjson,
}

impl Form {
    /// The extension of a file's name.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Form::Csv => "csv",
            Form::Ndjson => "ndjson",
        }
    }
}

/// A whole file.
pub(crate) fn file(form: Form, rows: impl Iterator<Item = Cells>) -> Vec<u8> {
    let mut file = match form {
        Form::Csv => format!("{}\n", COLUMNS.join(",")).into_bytes(),
        Form::Ndjson => Vec::new(),
    };
    rows.for_each(|cells| file.extend(line(form, &cells)));
    file
}

/// One record with its line end.
pub(crate) fn line(form: Form, cells: &Cells) -> Vec<u8> {
    match form {
        Form::Csv => {
            let cells: Vec<_> = cells
                .iter()
                .map(|(_, given)| quoted(csv_cell(given)))
                .collect();
            [cells.join(&b','), b"\n".to_vec()].concat()
        }
        Form::Ndjson => {
            let present = cells.iter().filter(|(_, given)| *given != Given::Absent);
            let members = present
                .map(|(key, given)| [format!("\"{key}\":").as_bytes(), &json(given)].concat());
            let members: Vec<_> = members.collect();
            [b"{".to_vec(), members.join(&b','), b"}\n".to_vec()].concat()
        }
    }
}

/// A cell's text, without quotes.
pub(crate) fn csv_cell(given: &Given) -> Vec<u8> {
    match given {
        Given::Absent => Vec::new(),
        Given::Null => b"NULL".to_vec(),
        Given::Text(text) => text.clone().into_bytes(),
        Given::Number(number) => number.to_string().into_bytes(),
        Given::NotText => b"Stra\xdfe 5".to_vec(),
        Given::Json(json) => json.as_bytes().to_vec(),
    }
}

/// Quotes where CSV needs them (RFC 4180 §2).
fn quoted(cell: Vec<u8>) -> Vec<u8> {
    if !cell.iter().any(|byte| b",\"\r\n".contains(byte)) {
        return cell;
    }
    let mut quoted = vec![b'"'];
    for byte in cell {
        quoted.extend(if byte == b'"' {
            vec![b'"', b'"']
        } else {
            vec![byte]
        });
    }
    quoted.push(b'"');
    quoted
}

fn json(given: &Given) -> Vec<u8> {
    match given {
        Given::Absent | Given::Null => b"null".to_vec(),
        Given::Text(text) => serde_json::to_vec(text).expect("text becomes JSON"),
        Given::Number(number) => number.to_string().into_bytes(),
        Given::NotText => b"\"Stra\xdfe 5\"".to_vec(),
        Given::Json(json) => json.as_bytes().to_vec(),
    }
}
