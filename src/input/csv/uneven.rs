//! CSV rows that do not fit their header: too few or too many cells, a cell in a column without a
//! name, or quotes that a strict reader would refuse.

use crate::contract::{
    Cell, CustomerId, ErrorCode, FieldError, InvalidRow, Subject, UpdateBuilder,
};
use crate::input::options::Ragged;

use crate::input::bytes::format::Format;
use crate::input::bytes::lines::count_lines;
use crate::input::csv::layout::CsvLayout;
use crate::input::csv::records::CsvRecord;
use crate::input::mapping::cell_rules::CellRules;
use crate::input::mapping::own_columns::number_of_column;
use crate::input::mapping::target::Target;
use crate::input::mapping::withheld::{UnknownName, Withheld};

/// Returns the reason why a record cannot be read by the header, if there is one. Cells before the
/// fault are in their columns, so the id may be read; it helps to find the row.
pub(crate) fn invalid(
    record: &CsvRecord<'_, '_>,
    layout: &CsvLayout,
    rules: &CellRules,
) -> Option<InvalidRow> {
    let error = |code, message| FieldError::new(Subject::Row, code, message);
    let columns_error =
        || ragged_message(record, layout).map(|(code, message)| error(code, message));
    let (errors, columns_read) = match record.quote_fault() {
        Some(fault) => {
            let quotes = with_lines(fault.behind(layout.own.leading).to_string(), record);
            // If only the quotes were corrected, the row would be read as whole.
            let cut_off = columns_error().filter(|error| error.code == ErrorCode::CutOff);
            (
                [error(ErrorCode::Quotes, quotes)]
                    .into_iter()
                    .chain(cut_off)
                    .collect(),
                fault.column,
            )
        }
        None => (vec![columns_error()?], usize::MAX),
    };
    let id = Some(layout.columns.id)
        .filter(|column| *column < columns_read)
        .and_then(|column| record.text_in(column));
    let id = match id.and_then(|text| rules.cell(Target::Id, text)) {
        Some(Cell::Text(text)) => CustomerId::parse(&text).ok(),
        _ => None,
    };
    Some(InvalidRow { id, errors })
}

/// Whether a record with missing cells is the input's last one and has no line end, here or in the
/// first input.
fn is_cut_off(record: &CsvRecord<'_, '_>, layout: &CsvLayout) -> bool {
    let said = layout
        .own
        .overtaken
        .and_then(|column| withheld_in(record, column));
    record.ends_the_text() || said.is_some_and(|said| said.is_ok_and(|withheld| withheld.cut_off))
}

/// Adds the record's line numbers to a message if there are several: a missing quote may have
/// joined lines.
pub(crate) fn with_lines(message: String, record: &CsvRecord<'_, '_>) -> String {
    match count_lines(record.raw, Format::Csv(record.dialect())) {
        0 => message,
        more => format!(
            "{message}; the row covers lines {} to {}",
            record.line,
            record.line + more
        ),
    }
}

/// Returns the fault of a record's number of cells, if `--ragged` does not allow it. The columns
/// that custsync added do not count.
fn ragged_message(record: &CsvRecord<'_, '_>, layout: &CsvLayout) -> Option<(ErrorCode, String)> {
    let own = layout.own.leading;
    let (here, header) = (
        record.columns().saturating_sub(own),
        layout.columns.names.len().saturating_sub(own),
    );
    let columns = if here == 1 { "column" } else { "columns" };
    let message = format!("has {here} {columns} where the header has {header}");
    let are_empty = || record.is_blank_from(own + header);
    let message = match (here < header, layout.ragged) {
        _ if here == header => None,
        (true, _) if is_cut_off(record, layout) => {
            let message =
                format!("{message}, and no line end: the input ends in this row (is it cut off?)");
            return Some((ErrorCode::CutOff, message));
        }
        (true, Ragged::Pad) => None,
        (true, Ragged::Error) => Some(format!(
            "{message} (--ragged pad if the missing ones are empty)"
        )),
        (false, Ragged::Pad) if are_empty() => None,
        (false, Ragged::Error) if are_empty() => Some(match here - header {
            1 => format!("{message}; the extra cell is empty (--ragged pad)"),
            _ => format!("{message}; the extra cells are empty (--ragged pad)"),
        }),
        (false, Ragged::Pad | Ragged::Error) => Some(message),
    };
    message.map(|message| (ErrorCode::Columns, message))
}

/// Adds an error for each column without a name in which the record has a value: its meaning is
/// unknown.
#[cold]
pub(crate) fn check_nameless(
    record: &CsvRecord<'_, '_>,
    layout: &CsvLayout,
    builder: &mut UpdateBuilder<'_>,
) {
    for column in layout.columns.nameless.iter().copied() {
        if record
            .text_in(column)
            .is_none_or(|text| !text.trim().is_empty())
            && column < record.columns()
        {
            let message = format!(
                "has a value in column {0}, which has no name (--ignore 'column {0}' leaves it out)",
                number_of_column(column, layout.own.leading)
            );
            builder.add_row_error(ErrorCode::Columns, message);
        }
    }
}

/// Returns what the cell in a column withholds; nothing if there is no such cell.
pub(crate) fn withheld_in(
    record: &CsvRecord<'_, '_>,
    column: usize,
) -> Option<Result<Withheld, UnknownName>> {
    let cell = record.cells().nth(column)?;
    Some(
        record
            .text(&cell)
            .ok_or(UnknownName)
            .and_then(|text| Withheld::of_text(&text)),
    )
}
