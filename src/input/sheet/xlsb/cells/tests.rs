//! Tests of cells: their records, and their values.

use super::*;
use crate::input::sheet::cells::place;
use crate::input::sheet::styles::NumberFormats;

/// Returns a record. Sizes are below 128 here.
fn record(kind: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let size = u8::try_from(content.len()).expect("a short record");
    // A kind of 128 and more takes two bytes.
    let kind = match kind {
        128.. => vec![kind, 1],
        kind => vec![kind],
    };
    [&kind[..], &[size], &content].concat()
}

fn row(number: u32, flags: u8) -> Vec<u8> {
    record(
        0,
        &[&number.to_le_bytes(), &[0; 7], &[flags, 0, 0, 0, 0, 0]],
    )
}

/// Returns a cell of this kind, column and style.
fn cell(kind: u8, column: u32, style: u32, content: &[u8]) -> Vec<u8> {
    record(
        kind,
        &[&column.to_le_bytes(), &style.to_le_bytes(), content],
    )
}

fn wide(text: &str) -> Vec<u8> {
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let count = u32::try_from(units.len() / 2).expect("a short text");
    [&count.to_le_bytes()[..], &units].concat()
}

/// Returns the cells that are read from a sheet, or the fault.
fn read(sheet: &[u8], results: Results) -> String {
    let (mut texts, mut styles) = (SharedStrings::default(), Styles::default());
    for text in ["zero", ""] {
        texts.add(text).expect("few texts");
    }
    for format in [0, 14] {
        let is_date = NumberFormats::default().is_date(format);
        styles.add(is_date, "styles").expect("few styles");
    }
    let mut seen = Vec::new();
    let read = || {
        let records = Records::new(sheet, "sheet");
        let mut cells = Cells::of(records, Arc::new(texts), Arc::new(styles), results)?;
        while let Some(row) = cells.next_row()? {
            while let Some((column, value)) = cells.next_cell()? {
                seen.push(format!("{} {value:?}", place(column, row)));
            }
        }
        assert_eq!(cells.next_row()?, None, "the end stays the end");
        Ok(cells.hidden_rows())
    };
    match read() {
        Ok(0) => {}
        Ok(hidden) => seen.push(format!("{hidden} hidden")),
        Err(PartFault::Unreadable(reason)) => seen.push(reason),
        Err(fault) => seen.push(format!("{fault:?}")),
    }
    seen.join("; ")
}

/// Returns a sheet of these records in its table.
fn sheet(records: &[Vec<u8>]) -> Vec<u8> {
    let before = [
        record(129, &[]),
        record(148, &[&[0xff; 16]]),
        record(145, &[]),
    ];
    let behind = [record(146, &[]), record(7, &[&[0; 2]]), record(130, &[])];
    [before.concat(), records.concat(), behind.concat()].concat()
}

fn check(records: &[Vec<u8>], want: &str) {
    assert_eq!(
        read(&sheet(records), Results::Computed),
        want,
        "{records:?}"
    );
}

#[test]
fn cells_are_what_they_say() {
    let check = |kind: u8, content: &[u8], want: &str| {
        check(
            &[row(0, 0), cell(kind, 0, 0, content)],
            &format!("A1 {want}"),
        );
        // A flag above the style does not count, and neither does what follows the value.
        let content = [content, &[0, 0, 1, 2, 3]].concat();
        check(
            &[row(0, 0), cell(kind, 0, 0x0100_0000, &content)],
            &format!("A1 {want}"),
        );
    };
    let float = |number: f64| number.to_le_bytes();
    check(1, &[], "Empty");
    check(2, &((84_u32 << 2) | 2).to_le_bytes(), "Number(84.0)");
    check(3, &[0x2a], "Fault(Error(\"#N/A\"))");
    check(3, &[0x07], "Fault(Error(\"#DIV/0!\"))");
    check(3, &[0x2b], "Fault(Error(\"an error\"))");
    check(4, &[1], "Boolean(true)");
    check(4, &[0], "Boolean(false)");
    check(4, &[2], "Fault(Unreadable)");
    check(5, &float(-1.5), "Number(-1.5)");
    check(5, &float(f64::NAN), "Fault(Unreadable)");
    check(5, &float(f64::INFINITY), "Fault(Unreadable)");
    check(
        6,
        &wide("Zo\u{eb} \u{1f600}"),
        "Text(\"Zo\u{eb} \u{1f600}\")",
    );
    check(6, &wide("_x000D_"), "Text(\"_x000D_\")");
    check(6, &wide(""), "Empty");
    check(7, &[0, 0, 0, 0], "Text(\"zero\")");
    check(7, &[1, 0, 0, 0], "Empty");
    check(8, &wide("a"), "Text(\"a\")");
    check(8, &wide(""), "Empty");
    check(9, &float(2.0), "Number(2.0)");
    check(10, &[1], "Boolean(true)");
    check(11, &[0x17], "Fault(Error(\"#REF!\"))");
    let rich = [&[1][..], &wide("a"), &[1, 0, 0, 0, 0, 0, 0, 0]].concat();
    check(62, &rich, "Text(\"a\")");
}

#[test]
fn a_number_with_a_date_s_style_is_a_date() {
    let packed = ((31_149_u32 << 2) | 2).to_le_bytes();
    check(
        &[
            row(0, 0),
            cell(2, 0, 1, &packed),
            cell(5, 1, 1, &0.5_f64.to_le_bytes()),
            cell(9, 2, 0x0100_0001, &1_f64.to_le_bytes()),
            cell(2, 3, 2, &packed),
        ],
        "A1 Day(31149.0); B1 Day(0.5); C1 Day(1.0); D1 Number(31149.0)",
    );
}

#[test]
fn results_that_are_still_to_be_computed_are_none() {
    let cells = [
        row(0, 0),
        cell(9, 0, 0, &0_f64.to_le_bytes()),
        cell(8, 1, 0, &wide("")),
        cell(5, 2, 0, &0_f64.to_le_bytes()),
    ];
    assert_eq!(
        read(&sheet(&cells), Results::Pending),
        "A1 Fault(NoResult); B1 Fault(NoResult); C1 Number(0.0)"
    );
}

#[test]
fn rows_and_cells_have_their_places() {
    let blank = |column: u32| cell(1, column, 0, &[]);
    // A record that a later version added is between two cells.
    check(
        &[
            row(2, 0),
            blank(1),
            record(0x31, &[&[9; 8]]),
            blank(2),
            row(4, 0x10),
            row(5, 0x18),
            blank(0),
        ],
        "B3 Empty; C3 Empty; A6 Empty; 2 hidden",
    );
    check(&[row(4, 0), row(2, 0)], "row 3 comes after row 5");
    check(
        &[row(4, 0), blank(0), row(4, 0)],
        "A5 Empty; row 5 comes after row 5",
    );
    check(
        &[row(1_048_576, 0)],
        "row 1048577 is beyond the last possible row, 1048576",
    );
    check(
        &[row(u32::MAX, 0)],
        "row 4294967295 is beyond the last possible row, 1048576",
    );
    check(
        &[row(0, 0), blank(1), blank(0)],
        "B1 Empty; cell A1 comes after cell B1",
    );
    check(
        &[row(0, 0), blank(0), blank(0)],
        "A1 Empty; cell A1 comes after cell A1",
    );
    check(
        &[row(0, 0), blank(16_384)],
        "cell XFE1 is beyond the last possible column, XFD",
    );
    check(&[blank(0)], "a cell comes before the first row");
    check(
        &[row(0, 0), cell(7, 0, 0, &[2, 0, 0, 0])],
        "cell A1 refers to a text that does not exist: the workbook has 2",
    );
    check(
        &[row(0, 0), cell(5, 0, 0, &[0; 7])],
        "a record is shorter than its kind",
    );
    check(
        &[row(0, 0), record(1, &[&[0; 7]])],
        "a record is shorter than its kind",
    );
    check(
        &[record(0, &[&[0; 11]])],
        "a record is shorter than its kind",
    );
    let whole = sheet(&[row(0, 0), blank(0)]);
    let read = |sheet: &[u8]| read(sheet, Results::Computed);
    assert_eq!(read(&whole), "A1 Empty");
    assert_eq!(
        read(&whole[..whole.len() - 10]),
        "A1 Empty; sheet: it ends too early"
    );
    assert_eq!(read(&whole[..10]), "sheet: it ends too early");
    assert_eq!(read(&record(129, &[])), "sheet: it has no table");
    assert_eq!(
        read(&[&whole[..], &record(145, &[])].concat()),
        "A1 Empty; it has a second table"
    );
}

#[test]
fn any_bytes_end_in_cells_or_a_fault() {
    use proptest::prelude::{any, proptest};

    proptest!(|(bytes in proptest::collection::vec(any::<u8>(), 0..300), kinds in proptest::collection::vec(0_u8..12, 0..40))| {
        read(&bytes, Results::Computed);
        // Whole records of random contents reach further.
        let records: Vec<_> = kinds.iter().zip(bytes.chunks(8)).map(|(kind, content)| record(*kind, &[content])).collect();
        read(&sheet(&records), Results::Computed);
    });
}
