//! Tests of cells: their XML, and their values.

use super::*;
use crate::input::sheet::cells::place;

/// Returns the cells that are read from the rows of a sheet, or the fault.
fn read(rows: &str, cells_max: usize) -> String {
    let sheet = format!("<table>{rows}</table>");
    let mut xml = Xml::new(sheet.as_bytes(), "content");
    xml.next().expect("the sheet begins");
    let mut cells = Cells::of(xml);
    let mut seen = Vec::new();
    let mut read = || {
        while let Some(row) = cells.next_row()? {
            while let Some((column, value)) = cells.next_cell()? {
                seen.push(format!("{} {value:?}", place(column, row)));
                if seen.len() == cells_max {
                    return Ok(0);
                }
            }
        }
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

fn check(rows: &str, want: &str) {
    assert_eq!(read(rows, 20), want, "{rows}");
}

/// Checks a cell with these attributes and this content.
fn cell(attributes: &str, content: &str, want: &str) {
    let rows = format!("<table-row><table-cell {attributes}>{content}</table-cell></table-row>");
    let want = match want {
        "Empty" => String::new(),
        want => format!("A1 {want}"),
    };
    check(&rows, &want);
}

#[test]
fn cells_are_what_they_say() {
    cell(
        "office:value-type=\"float\" office:value=\"7\"",
        "<p>seven</p>",
        "Number(7.0)",
    );
    cell(
        "value-type=\"float\" value=\" -1.5E3 \"",
        "",
        "Number(-1500.0)",
    );
    cell(
        "value-type=\"percentage\" value=\"0.84\"",
        "<p>84 %</p>",
        "Number(0.84)",
    );
    cell(
        "value-type=\"currency\" o:currency=\"EUR\" value=\"84\"",
        "<p>84 €</p>",
        "Number(84.0)",
    );
    cell(
        "value-type=\"boolean\" boolean-value=\"true\"",
        "<p>WAHR</p>",
        "Boolean(true)",
    );
    cell(
        "value-type=\"boolean\" boolean-value=\"false\"",
        "",
        "Boolean(false)",
    );
    cell(
        "value-type=\"string\"",
        "<p>a</p><p>b</p>",
        "Text(\"a\\nb\")",
    );
    cell("", "<p>a</p>", "Text(\"a\")");
    cell(
        "value-type=\"string\" string-value=\"Doe\"",
        "<p>Dr. Doe</p>",
        "Text(\"Doe\")",
    );
    cell(
        "value-type=\"string\" string-value=\"\"",
        "<p>x</p>",
        "Empty",
    );
    cell(
        "value-type=\"string\"",
        "<annotation><p>x</p></annotation>",
        "Empty",
    );
    cell("value-type=\"string\"", "<p/>", "Empty");
    cell("style-name=\"ce1\"", "", "Empty");
    cell("value-type=\"void\"", "", "Empty");
    let of_excel = "formula=\"of:=TRUE()\" value-type=\"float\" value=\"1\"";
    cell(of_excel, "<p>WAHR</p>", "Boolean(true)");
    // The attribute that only LibreOffice writes has the same name.
    cell(
        "calcext:value-type=\"float\" office:value-type=\"float\" value=\"1\"",
        "",
        "Number(1.0)",
    );
}

#[test]
fn dates_are_in_one_form() {
    let date = |written: &str, want: &str| {
        let attributes = format!("value-type=\"date\" date-value=\"{written}\"");
        cell(&attributes, "<p>x</p>", &format!("IsoDate(\"{want}\")"));
    };
    date("1985-04-12", "1985-04-12");
    date("1850-01-01", "1850-01-01");
    date("1985-04-12T00:00:00", "1985-04-12");
    date("1985-04-12T13:30:05", "1985-04-12T13:30:05");
    date("1985-04-12T13:30:05.5", "1985-04-12T13:30:05.500");
    date("1985-04-12T13:30:04.9999999", "1985-04-12T13:30:05");
    date("1985-04-12T23:59:59.9999999", "1985-04-13");
    for (zero, want) in [
        ("1899-12-30", "Day(0.0)"),
        ("1899-12-30T12:00:00", "Day(0.5)"),
    ] {
        cell(
            &format!("value-type=\"date\" date-value=\"{zero}\""),
            "",
            want,
        );
    }
    date("1899-12-29T12:00:00", "1899-12-29T12:00:00");
    date("1899-12-31", "1899-12-31");
    // The rule for dates decides about others.
    for other in [
        "1985-04-12T13:30:05Z",
        "1985-04-12T00:00:00+02:00",
        "1985-04-12T00:00:00-02:00",
        "9999-12-31T23:59:59.9999999",
        "12026-01-01",
        "-0044-03-15",
        "-0044-03-15T00:00:00",
        "0000-01-01",
        "1985-02-30",
        "12.04.1985",
        "19850412T000000",
    ] {
        date(other, other);
    }
    let time = |written: &str, want: &str| {
        cell(
            &format!("value-type=\"time\" time-value=\"{written}\""),
            "<p>x</p>",
            want,
        );
    };
    time("PT12H00M00S", "Day(0.5)");
    time("PT00H00M00S", "Day(0.0)");
    time("PT06H00M00.000S", "Day(0.25)");
    time("PT24H00M00S", "Fault(Duration)");
    time("PT999999H00M00S", "Fault(Duration)");
    time("-PT1H", "Fault(Duration)");
    time("12:30", "Fault(Unreadable)");
}

#[test]
fn an_error_is_no_text_and_no_number() {
    let formula = "formula=\"of:=NA()\"";
    let check = |attributes: &str, content: &str, want: &str| {
        cell(&format!("{formula} {attributes}"), content, want);
    };
    let string = "office:value-type=\"string\" string-value=\"\" calcext:value-type=\"error\"";
    check(string, "<p>#N/A</p>", "Fault(Error(\"#N/A\"))");
    check(string, "<p>Err:502</p>", "Fault(Error(\"an error\"))");
    check(string, "<p>#NV</p>", "Fault(Error(\"an error\"))");
    check(
        "value-type=\"float\" value=\"0\"",
        "<p>#DIV/0!</p>",
        "Fault(Error(\"#DIV/0!\"))",
    );
    check(
        "value-type=\"float\" value=\"0\"",
        "<p>Err:522</p>",
        "Fault(Error(\"an error\"))",
    );
    check(
        "value-type=\"string\" string-value=\"#REF!\"",
        "",
        "Fault(Error(\"#REF!\"))",
    );
    check(
        "value-type=\"string\"",
        "<p>#N/A</p>",
        "Fault(Error(\"#N/A\"))",
    );
    check(
        "value-type=\"float\" value=\"5\"",
        "<p>5</p>",
        "Number(5.0)",
    );
    check(
        "value-type=\"string\" string-value=\"Err:5\"",
        "<p>Err:5</p>",
        "Text(\"Err:5\")",
    );
    let saved = "formula=\"of:=#VALUE!\" value-type=\"float\" value=\"0\"";
    cell(saved, "<p>0</p>", "Fault(Error(\"#VALUE!\"))");
    // A text that looks like an error is for the rules of its field.
    cell("value-type=\"string\"", "<p>#N/A</p>", "Text(\"#N/A\")");
}

#[test]
fn a_formula_without_a_result_is_no_empty_cell() {
    let formula = |attributes: &str, content: &str, want: &str| {
        cell(
            &format!("formula=\"of:=[.B1]\" {attributes}"),
            content,
            want,
        );
    };
    formula("", "", "Fault(NoResult)");
    formula("", "<p>shown</p>", "Fault(NoResult)");
    formula("value-type=\"float\"", "<p>5</p>", "Fault(NoResult)");
    formula("value-type=\"string\"", "", "Fault(NoResult)");
    formula("value-type=\"date\" date-value=\"\"", "", "Fault(NoResult)");
    formula("value-type=\"boolean\"", "", "Fault(NoResult)");
    // Empty text is a result. LibreOffice writes no type for it.
    formula("", "<p/>", "Empty");
    formula("value-type=\"string\" string-value=\"\"", "", "Empty");
    formula("value-type=\"string\"", "<p/>", "Empty");
}

#[test]
fn what_cannot_be_read_is_never_nothing() {
    let check = |attributes: &str, content: &str| cell(attributes, content, "Fault(Unreadable)");
    check("value-type=\"float\"", "<p>5</p>");
    check("value-type=\"float\" value=\"five\"", "");
    check("value-type=\"float\" value=\"NaN\"", "");
    check("value-type=\"float\" value=\"INF\"", "");
    check("value-type=\"boolean\" boolean-value=\"yes\"", "");
    check("value-type=\"date\"", "<p>1985-04-12</p>");
    check("value-type=\"matrix\"", "<p>x</p>");
    check("value-type=\"void\"", "<p>x</p>");
    check("value-type=\"string\"", "x");
}

#[test]
fn rows_and_cells_have_their_places() {
    let one = "<table-cell value-type=\"float\" value=\"1\"/>";
    let two = "<table-cell value-type=\"float\" value=\"2\" number-columns-repeated=\"2\"/>";
    let empty = |count: u64| format!("<table-cell number-columns-repeated=\"{count}\"/>");
    let row =
        |attributes: &str, cells: &str| format!("<table-row {attributes}>{cells}</table-row>");
    let rows = [
        row("", ""),
        row("", &[&empty(2), one, &empty(16_000)].concat()),
        row("number-rows-repeated=\"5\"", &empty(16_384)),
        row("number-rows-repeated=\"2\"", &[one, two].concat()),
        row(
            "number-rows-repeated=\"18446744073709551615\"",
            &empty(16_384),
        ),
        row("", &empty(1)),
    ];
    check(
        &rows.concat(),
        "C2 Number(1.0); A8 Number(1.0); B8 Number(2.0); C8 Number(2.0); A9 Number(1.0); B9 Number(2.0); C9 Number(2.0)",
    );
    check(
        &format!(
            "<table-column/><table-header-rows>{}</table-header-rows><shapes><table-row/></shapes><table-row-group><table-rows>{}</table-rows></table-row-group>",
            row("", one),
            row("", one)
        ),
        "A1 Number(1.0); A2 Number(1.0)",
    );
    check(
        &row(
            "",
            &[
                "<covered-table-cell number-columns-repeated=\"2\"/>",
                "<covered-table-cell value-type=\"string\"><p>x</p></covered-table-cell>",
            ]
            .concat(),
        ),
        "C1 Text(\"x\")",
    );
    check(
        &[row("number-rows-repeated=\"1048576\"", ""), row("", one)].concat(),
        "row 1048577 is beyond the last possible row, 1048576",
    );
    check(
        &row("", &[&empty(16_384), one].concat()),
        "cell XFE1 is beyond the last possible column, XFD",
    );
    check(
        &row("", &[empty(u64::MAX), empty(u64::MAX), empty(5)].concat()),
        "",
    );
    for bad in ["0", "-1", "x", "", "1.5"] {
        let message = "row 1 has an invalid number of repetitions";
        check(
            &row(&format!("number-rows-repeated=\"{bad}\""), ""),
            message,
        );
        check(
            &row(
                "",
                &format!("<table-cell number-columns-repeated=\"{bad}\"/>"),
            ),
            message,
        );
    }
}

#[test]
fn hidden_rows_with_a_value_are_counted() {
    let one = "<table-cell value-type=\"float\" value=\"1\"/>";
    check(
        &format!(
            "<table-row visibility=\"collapse\" number-rows-repeated=\"2\">{one}</table-row><table-row visibility=\"filter\">{one}</table-row><table-row visibility=\"visible\">{one}</table-row><table-row visibility=\"collapse\" number-rows-repeated=\"1000000\"/>"
        ),
        "A1 Number(1.0); A2 Number(1.0); A3 Number(1.0); A4 Number(1.0); 3 hidden",
    );
}

#[test]
fn copies_are_bounded_in_sum() {
    let blank = " ".repeat(250_000);
    let rows = format!(
        "<table-row number-rows-repeated=\"1048576\"><table-cell number-columns-repeated=\"16384\"><p>{blank}</p></table-cell></table-row>"
    );
    let sheet = format!("<table>{rows}</table>");
    let mut xml = Xml::new(sheet.as_bytes(), "content");
    xml.next().expect("the sheet begins");
    let (mut cells, mut count) = (Cells::of(xml), 0);
    cells.next_row().expect("a good row");
    let fault = loop {
        match cells.next_cell() {
            Ok(cell) => assert!(cell.is_some(), "all of {count} cells are passed on"),
            Err(fault) => break fault,
        }
        count += 1;
    };
    let message =
        "its repeated rows and cells have more than 268435456 bytes, as in malicious files";
    assert!(matches!(fault, PartFault::Unreadable(reason) if reason == message));
    assert_eq!(count, 1 + (256 << 20) / 250_016);
    let long = format!("<table-cell><p>{}</p></table-cell>", "x".repeat(200_000));
    check(
        &format!("<table-row>{}</table-row>", long.repeat(7)),
        "row 1 has more than 1048576 bytes of text",
    );
}
