//! Tests of cells: their XML, and their values.

use super::*;
use crate::input::sheet::cells::place;

/// Returns the cells that are read from rows, or the fault.
fn read(rows: &str, results: Results) -> String {
    let mut texts = SharedStrings::default();
    for text in ["zero", ""] {
        texts.add(text).expect("few texts");
    }
    let styles = Styles::default();
    let xml = Xml::new(rows.as_bytes(), "sheet");
    let mut seen = Vec::new();
    let read = || {
        let mut cells = Cells::of(xml, Arc::new(texts), Arc::new(styles), results)?;
        while let Some(row) = cells.next_row()? {
            while let Some((column, value)) = cells.next_cell()? {
                seen.push(format!("{} {value:?}", place(column, row)));
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
    let sheet = format!(
        "<worksheet><dimension ref=\"A1:B2\"/><sheetData>{rows}</sheetData><x/></worksheet>"
    );
    assert_eq!(read(&sheet, Results::Computed), want, "{rows}");
}

#[test]
fn cells_are_what_they_say() {
    let cell = |content: &str, want: &str| {
        check(
            &format!("<row><c {content}</c></row>"),
            &format!("A1 {want}"),
        );
    };
    cell("t=\"s\"><v>0</v>", "Text(\"zero\")");
    cell("t=\"s\"><v>1</v>", "Empty");
    cell("><v> 7 </v>", "Number(7.0)");
    cell("><v>1<!-- no end -->2</v>", "Number(12.0)");
    cell("><v><![CDATA[7]]></v>", "Number(7.0)");
    cell("t=\"str\"><v><![CDATA[a&b]]></v>", "Text(\"a&b\")");
    cell(
        "t=\"str\"><f>A2</f><v>&#97;&amp;_x000D_</v>",
        "Text(\"a&\\r\")",
    );
    cell("t=\"b\"><v>1</v>", "Boolean(true)");
    cell("t=\"d\"><v>1985-04-12</v>", "IsoDate(\"1985-04-12\")");
    cell("t=\"e\"><v>#N/A</v>", "Fault(Error(\"#N/A\"))");
    let runs =
        "<is><r><t>Zo</t></r><r><rPr/><t>\u{eb}</t></r><rPh sb=\"0\" eb=\"1\"><t>zo</t></rPh></is>";
    cell(&format!("t=\"inlineStr\">{runs}"), "Text(\"Zo\u{eb}\")");
    cell("s=\"1\">", "Empty");
}

#[test]
fn a_formula_without_a_result_is_no_empty_cell() {
    let cell = |content: &str, want: &str| {
        check(
            &format!("<row><c {content}</c></row>"),
            &format!("A1 {want}"),
        );
    };
    cell("><f>UPPER(B2)</f>", "Fault(NoResult)");
    cell("><f>UPPER(B2)</f><v></v>", "Fault(NoResult)");
    cell("><f t=\"shared\" si=\"0\"/><v/>", "Fault(NoResult)");
    cell("t=\"str\"><f>B2</f>", "Fault(NoResult)");
    cell("t=\"str\"><f>B2</f><v></v>", "Empty");
    cell("><f>1+1</f><v>2</v>", "Number(2.0)");
    let sheet = "<worksheet><sheetData><row><c><f>1+1</f><v>0</v></c><c><v>0</v></c></row></sheetData></worksheet>";
    assert_eq!(
        read(sheet, Results::Pending),
        "A1 Fault(NoResult); B1 Number(0.0)"
    );
}

#[test]
fn what_cannot_be_read_is_never_nothing() {
    let cell = |content: &str| {
        check(
            &format!("<row><c {content}</c></row>"),
            "A1 Fault(Unreadable)",
        );
    };
    cell("><v>abc</v>");
    cell("><v>NaN</v>");
    cell("t=\"b\"><v>2</v>");
    cell("t=\"inlineStr\"><v>text</v>");
    cell("t=\"text\"><v>text</v>");
    cell("t=\"s\">text");
    cell("t=\"str\"><v>a</v><v>b</v>");
    cell("t=\"str\"><is><t>a</t></is><v>b</v>");
}

#[test]
fn rows_and_cells_have_their_places() {
    check(
        "<row r=\"3\"><c r=\"B3\"><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>",
        "B3 Number(1.0); C3 Number(2.0); A4 Number(3.0)",
    );
    check(
        "<row r=\"2\" hidden=\"1\"/><row r=\"5\" hidden=\"true\"/><row/>",
        "2 hidden",
    );
    check("<row r=\"5\"/><row r=\"3\"/>", "row 3 comes after row 5");
    check("<row r=\"5\"/><row r=\"5\"/>", "row 5 comes after row 5");
    check(
        "<row r=\"400000000\"/>",
        "row 400000000 is beyond the last possible row, 1048576",
    );
    check(
        "<row r=\"1048576\"/><row/>",
        "row 1048577 is beyond the last possible row, 1048576",
    );
    check("<row r=\"0\"/>", "a row has an invalid number");
    check(
        "<row><c r=\"B1\"/><c r=\"A1\"/></row>",
        "B1 Empty; cell A1 comes after cell B1",
    );
    check(
        "<row><c r=\"B1\"/><c r=\"B1\"/></row>",
        "B1 Empty; cell B1 comes after cell B1",
    );
    check(
        "<row><c r=\"B2\"/></row>",
        "row 1 has a cell with the name of another row",
    );
    check(
        "<row><c r=\"XFE1\"/></row>",
        "cell XFE1 is beyond the last possible column, XFD",
    );
    check(
        "<row><c r=\"XFD1\"/><c/></row>",
        "XFD1 Empty; cell XFE1 is beyond the last possible column, XFD",
    );
    check(
        "<row><c r=\"7\"/></row>",
        "a cell of row 1 has an invalid name",
    );
    check(
        "<row><c t=\"s\"><v>2</v></c></row>",
        "cell A1 refers to a text that does not exist: the workbook has 2",
    );
    check(
        "<row><c t=\"s\"><v>-1</v></c></row>",
        "cell A1 refers to a text that does not exist: the workbook has 2",
    );
    check(
        "<row><c s=\"x\"/></row>",
        "a cell of row 1 has a style that is not a number",
    );
    assert_eq!(
        read("<chartsheet><x/></chartsheet>", Results::Computed),
        "sheet: it has no table"
    );
}
