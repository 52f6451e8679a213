//! Rows that are joined by a missing and an extra quote. A strict reader (RFC 4180) accepts them,
//! but one customer's data would go into another's record, and the customers between would be lost.

use memchr::memchr_iter;

use crate::contract::{CustomerId, ErrorCode, FieldError, InvalidRow, Subject};

use crate::input::csv::layout::CsvLayout;
use crate::input::csv::records::CsvRecord;
use crate::input::csv::uneven::with_lines;

/// Refuses a record with line breaks if one of its cells looks like joined rows.
#[cold]
pub(crate) fn invalid(record: &CsvRecord<'_, '_>, layout: &CsvLayout) -> Option<InvalidRow> {
    // Rows are joined before custsync adds columns, so only the first input's columns count.
    let own = layout.own_columns();
    let names = layout.names().len().saturating_sub(own);
    if !layout.dialect.has_quotes() || record.columns() != layout.names().len() || names < 2 {
        return None;
    }
    let (id, delimiter) = (
        layout.columns.id.checked_sub(own)?,
        layout.dialect.delimiter.byte(),
    );
    let mut cells = record.raw_cells().skip(own).enumerate();
    let (column, _) =
        cells.find(|(column, cell)| holds_rows(cell, *column, names, id, delimiter))?;
    let message = format!(
        "column {} looks like the rest of this row, a line break and the start of another row: \
         is a closing quote missing? (--allow joined if it is text)",
        column + 1
    );
    let errors = vec![FieldError::new(
        Subject::Row,
        ErrorCode::Quotes,
        with_lines(message, record),
    )];
    Some(InvalidRow { id: None, errors })
}

/// Whether the cell in a column holds a whole row, or the end of one row and the start of another.
/// A row has as many cells as the header has names, and an id.
fn holds_rows(cell: &[u8], column: usize, names: usize, id: usize, delimiter: u8) -> bool {
    let Some(text) = cell
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""))
    else {
        return false;
    };
    let mut lines = text
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .filter(|line| !line.is_empty());
    let cells = |line: &[u8]| memchr_iter(delimiter, line).count() + 1;
    let has_id = |line: &[u8]| {
        let id = line
            .split(|byte| *byte == delimiter)
            .nth(id)
            .and_then(|id| std::str::from_utf8(id).ok());
        id.is_some_and(|id| CustomerId::parse(id).is_ok())
    };
    let (Some(first), Some(last)) = (lines.next(), lines.next_back()) else {
        return false;
    };
    // The id may come after this cell, in the rest of the row that began in it.
    let starts_row = cells(last) == column + 1 && (has_id(last) || id > column);
    (column + cells(first) == names && starts_row)
        || lines.any(|line| cells(line) == names && has_id(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_is_rows_is_told_from_text() {
        let check_with_id = |id: usize, cell: &str, column: usize, want: bool| {
            assert_eq!(
                holds_rows(cell.as_bytes(), column, 4, id, b','),
                want,
                "{cell:?} in column {column}, the id in column {id}"
            );
        };
        let check = |cell: &str, column: usize, want: bool| check_with_id(0, cell, column, want);
        // The quote that closes the cell is missing after `"`.
        check("\"c,d,\n3,x\"", 1, true);
        check("\"c,d,\r\n3,e,f,g\r\n4,x\"", 1, true);
        check("\"c\n3,e,f,g 5\"", 3, true);
        check("\"c\n3,e,f,g\n4,x\"", 1, true);
        // Addresses are not joined rows.
        check("\"12 High Street, Springfield\nIL 18990\"", 2, false);
        check("\"12 High Street\n7, Rue du Bac, Paris\"", 2, false);
        check("\"c\nx,e,f,g\"", 3, false);
        check("\"c,d\"", 2, false);
        check("c", 1, false);
        check("\"\n\"", 3, false);
        check("\"\"", 3, false);
        // A line between has all cells of a row, an id among them.
        check("\"c\nx,e,f,g\n4\"", 3, false);
        check("\"c\n3,e\n4\"", 3, false);
        // The id is in this cell, or in a later one.
        check_with_id(1, "\"1,d,e\nb,3\"", 1, true);
        check_with_id(1, "\"1,d,e\nb,x\"", 1, false);
        check_with_id(2, "\"b,1,e\nb,x\"", 1, true);
    }
}
