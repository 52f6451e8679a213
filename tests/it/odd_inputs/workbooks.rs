//! Workbooks that no spreadsheet program would write, and some that one does.

use std::io::{Cursor, Write as _};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::harness::{Workbook, zip_of};

use super::{Odd, Refused, Rows, Sends, odd, odd_with};

const HEADER: &str = "<row r=\"1\"><c t=\"str\"><v>id</v></c><c t=\"str\"><v>job</v></c><c t=\"str\"><v>date_of_birth</v></c></row>";

/// A workbook with one sheet: the header, and these rows.
fn book(rows: &str) -> Workbook {
    Workbook::default().sheet_of("S", &format!("{HEADER}{rows}"))
}

/// A workbook of one row with this job.
fn job(cell: &str) -> Vec<u8> {
    book(&format!("<row r=\"2\"><c><v>1</v></c>{cell}</row>")).bytes()
}

/// A workbook of one row with this number as the date of birth, shown as a date.
fn born(number: &str, days: &str) -> Vec<u8> {
    let rows = format!("<row r=\"2\"><c><v>1</v></c><c r=\"C2\" s=\"1\"><v>{number}</v></c></row>");
    let main = format!(
        "<workbook><workbookPr {days}/><sheets><sheet name=\"S\" sheetId=\"1\" id=\"rId1\"/></sheets></workbook>"
    );
    book(&rows).part("xl/workbook.xml", main).bytes()
}

fn xlsx(content: Vec<u8>, want: super::Want) -> Odd {
    odd("a.xlsx", content, want)
}

const ROW: &str = "<row r=\"2\"><c><v>1</v></c><c t=\"str\"><v>Nurse</v></c></row>";
const NO_RESULT: &str =
    "2 job type: is a formula without a stored result: open the file in Excel and save it";
const SHORTENED: &str = "2 id damaged: is a number that a spreadsheet has shortened, such as 1.23E+11: format the column as text, type the value again";
const UNREADABLE: &str =
    "2 job type: does not match its own type: open the file in Excel and save it";
const NO_DAY: &str = "2 date_of_birth type: is formatted as a date but is not one: Excel's dates run from 1900-01-01 to 9999-12-31";

pub(super) fn table() -> Vec<Odd> {
    [cells(), dates(), places(), parts(), packages()]
        .into_iter()
        .flatten()
        .collect()
}

fn cells() -> Vec<Odd> {
    vec![
        xlsx(job("<c><f>UPPER(B3)</f></c>"), Rows(0, 1, NO_RESULT)),
        // Excel keeps 15 digits of a number.
        xlsx(book(&ROW.replace("<v>1<", "<v>999999999999999<")).bytes(), Sends("{\"job\":\"Nurse\"}")),
        xlsx(book(&ROW.replace("<v>1<", "<v>1234567890123450<")).bytes(), Rows(0, 1, SHORTENED)),
        xlsx(
            Workbook::default()
                .sheet_of("S", &format!("{HEADER}{ROW}").replace("job", "user_id").replace(" t=\"str\"><v>Nurse", "><v>1234567890123450"))
                .bytes(),
            Rows(0, 1, "2 user_id type: is a number that a spreadsheet has shortened, such as 1.23E+11: format the column as text, type the value again"),
        ),
        xlsx(job("<c><f>UPPER(B3)</f><v></v></c>"), Rows(0, 1, NO_RESULT)),
        odd_with(&["--empty", "job=null"], "a.xlsx", job("<c><f>UPPER(B3)</f><v/></c>"), Rows(0, 1, NO_RESULT)),
        xlsx(job("<c t=\"str\"><f>B3</f><v>Nurse</v></c>"), Sends("{\"job\":\"Nurse\"}")),
        xlsx(
            book(ROW.replace("<v>Nurse", "<f>B3</f><v>0").as_str())
                .part(
                    "xl/workbook.xml",
                    "<workbook><sheets><sheet name=\"S\" sheetId=\"1\" id=\"rId1\"/></sheets><calcPr fullCalcOnLoad=\"1\"/></workbook>",
                )
                .bytes(),
            Rows(0, 1, NO_RESULT),
        ),
        xlsx(job("<c t=\"str\"><v><![CDATA[Nurse & Clerk]]></v></c>"), Sends("{\"job\":\"Nurse & Clerk\"}")),
        xlsx(job("<c t=\"inlineStr\"><v>Nurse</v></c>"), Rows(0, 1, UNREADABLE)),
        xlsx(job("<c t=\"str\">Nurse</c>"), Rows(0, 1, UNREADABLE)),
        xlsx(job("<c><v>Nurse</v></c>"), Rows(0, 1, UNREADABLE)),
        xlsx(job("<c t=\"new\"><v>Nurse</v></c>"), Rows(0, 1, UNREADABLE)),
        xlsx(job("<c t=\"b\"><v>1</v></c>"), Rows(0, 1, "2 job type: is true or false where text is expected")),
        xlsx(job("<c t=\"e\"><v>#SPILL!</v></c>"), Rows(0, 1, "2 job type: is the spreadsheet error #SPILL! where text is expected")),
        xlsx(job("<c t=\"e\"><v>secret</v></c>"), Rows(0, 1, "2 job type: is a spreadsheet error where text is expected")),
        xlsx(job("<c t=\"d\"><v>1985-04-12</v></c>"), Rows(0, 1, "2 job type: is a date where text is expected: format the column as text and type it again")),
        xlsx(
            job("<c t=\"inlineStr\"><is><r><t>Nu</t></r><r><rPr><b/></rPr><t>rse</t></r><rPh sb=\"0\" eb=\"1\"><t>hint</t></rPh><phoneticPr fontId=\"1\"/></is></c>"),
            Sends("{\"job\":\"Nurse\"}"),
        ),
        xlsx(job("<c t=\"str\"><v>a_x000D_&#10;b_x005F_x000D_</v></c>"), Sends("{\"job\":\"a\\r\\nb_x000D_\"}")),
        // Empty entries of the table count: otherwise each text after one would be replaced by its
        // neighbour.
        xlsx(
            book("<row r=\"2\"><c><v>1</v></c><c t=\"s\"><v>2</v></c></row>")
                .part("xl/sharedStrings.xml", "<sst uniqueCount=\"9999999999\"><si><t/></si><si/><si><t>Nurse</t></si><si><t>Clerk</t></si></sst>")
                .bytes(),
            Sends("{\"job\":\"Nurse\"}"),
        ),
        xlsx(
            job("<c t=\"s\"><v>7</v></c>"),
            Refused("a.xlsx[S]:2: the sheet cannot be read from here on: cell B2 refers to a text that does not exist: the workbook has 0"),
        ),
        xlsx(job("<c t=\"s\"><v>x</v></c>"), Refused("cell B2 refers to a text that does not exist: the workbook has 0")),
        xlsx(
            Workbook::default().sheet_of("S", "<row><c><f>A2</f></c></row>").bytes(),
            Refused("a.xlsx[S]: is a workbook that cannot be read: cell A1 is a formula without a stored result: open the file in Excel and save it"),
        ),
    ]
}

fn dates() -> Vec<Odd> {
    vec![
        xlsx(
            born("31149", ""),
            Sends("{\"date_of_birth\":\"1985-04-12T00:00:00Z\"}"),
        ),
        xlsx(
            born("29687", "date1904=\"1\""),
            Sends("{\"date_of_birth\":\"1985-04-12T00:00:00Z\"}"),
        ),
        xlsx(
            born("2958465", ""),
            Sends("{\"date_of_birth\":\"9999-12-31T00:00:00Z\"}"),
        ),
        xlsx(born("2958466", ""), Rows(0, 1, NO_DAY)),
        xlsx(born("2957004", "date1904=\"true\""), Rows(0, 1, NO_DAY)),
        xlsx(born("-1", ""), Rows(0, 1, NO_DAY)),
        xlsx(born("0.5", ""), Rows(0, 1, NO_DAY)),
        xlsx(born("60", ""), Rows(0, 1, NO_DAY)),
        xlsx(born("1e300", ""), Rows(0, 1, NO_DAY)),
        xlsx(
            book("<row r=\"2\"><c><v>1</v></c><c r=\"C2\" s=\"99\"><v>31149</v></c></row>").bytes(),
            Rows(
                0,
                1,
                "2 date_of_birth type: is a number where a date is expected: format the column as a date",
            ),
        ),
        // A value that a spreadsheet takes for a date is not an id either.
        xlsx(
            book("<row r=\"2\"><c s=\"1\"><v>31149</v></c><c t=\"str\"><v>Nurse</v></c></row>")
                .bytes(),
            Rows(
                0,
                1,
                "2 id type: is a date where a whole number is expected: format the column as text and type it again",
            ),
        ),
    ]
}

fn places() -> Vec<Odd> {
    let sheet = |rows: &str| book(rows).bytes();
    vec![
        xlsx(
            sheet("<row r=\"400000000\"><c><v>1</v></c></row>"),
            Refused("a.xlsx[S]:2: the sheet cannot be read from here on: row 400000000 is beyond the last possible row, 1048576"),
        ),
        xlsx(sheet("<row r=\"99999999999\"/>"), Refused("a row has an invalid number")),
        // Only blank lines up to the last row.
        xlsx(sheet(&format!("{ROW}<row r=\"1048576\"><c t=\"str\"><v>x</v></c></row>")), Rows(1, 1, "1048576 id type: is not a whole number")),
        xlsx(sheet(&format!("{ROW}<row r=\"1048576\"/>")), Sends("{\"job\":\"Nurse\"}")),
        xlsx(sheet(&format!("<row r=\"5\"/>{ROW}")), Refused("row 2 comes after row 5")),
        xlsx(sheet(&format!("{ROW}{ROW}")), Refused("row 2 comes after row 2")),
        xlsx(sheet("<row r=\"2\"><c r=\"B2\"/><c r=\"A2\"/></row>"), Refused("cell A2 comes after cell B2")),
        xlsx(sheet("<row r=\"2\"><c r=\"A2\"/><c r=\"A2\"/></row>"), Refused("cell A2 comes after cell A2")),
        xlsx(sheet("<row r=\"2\"><c r=\"A3\"/></row>"), Refused("row 2 has a cell with the name of another row")),
        xlsx(sheet("<row r=\"2\"><c r=\"XFE2\"/></row>"), Refused("cell XFE2 is beyond the last possible column, XFD")),
        // Without positions, rows and cells are consecutive.
        xlsx(sheet("<row><c><v>1</v></c><c t=\"str\"><v>Nurse</v></c></row>"), Sends("{\"job\":\"Nurse\"}")),
        xlsx(
            Workbook::default().sheet_of("S", &format!("</sheetData><sheetData>{HEADER}{ROW}")).bytes(),
            Refused("a.xlsx[S]: is a workbook that cannot be read: it has a second table"),
        ),
        xlsx(sheet(&format!("<row r=\"2\">{}</row>", "<c t=\"str\"><v>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</v></c>".repeat(16_000))),
            Refused("a.xlsx[S]:2: the record that starts here is longer than 1048576 bytes")),
    ]
}

fn parts() -> Vec<Odd> {
    let good = || book(ROW);
    let sheet = |xml: String| good().part("xl/worksheets/sheet1.xml", xml).bytes();
    let whole = format!("<worksheet><sheetData>{HEADER}{ROW}</sheetData></worksheet>");
    let utf16: Vec<u8> = format!("\u{feff}<?xml version=\"1.0\" encoding=\"UTF-16\"?>{whole}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let nurse = || Sends("{\"job\":\"Nurse\"}");
    vec![
        xlsx(
            good()
                .part("xl/worksheets/sheet1.xml", format!("\u{feff}{whole}"))
                .bytes(),
            nurse(),
        ),
        xlsx(
            good().part("xl/worksheets/sheet1.xml", utf16).bytes(),
            nurse(),
        ),
        // The dimension is wrong.
        xlsx(
            sheet(whole.replace(
                "<sheetData>",
                "<dimension ref=\"A1:XFD1048576\"/><sheetData>",
            )),
            nurse(),
        ),
        xlsx(
            sheet(whole.replace("<sheetData>", "<dimension ref=\"nonsense\"/><sheetData>")),
            nurse(),
        ),
        // A strict workbook has other addresses, and may have prefixes.
        xlsx(
            sheet(whole.replace('<', "<x:").replace("<x:/", "</x:").replace(
                "<x:worksheet>",
                "<x:worksheet xmlns:x=\"http://purl.oclc.org/ooxml/spreadsheetml/main\">",
            )),
            nurse(),
        ),
        xlsx(
            good().part("xl/styles.xml", "<styleSheet/>").bytes(),
            nurse(),
        ),
        xlsx(
            sheet(format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{whole}")),
            Refused(
                "xl/worksheets/sheet1.xml: it has a document type declaration, as malicious files have",
            ),
        ),
        xlsx(
            sheet(whole.replace("Nurse", "&nurse;")),
            Refused("it uses an undeclared entity"),
        ),
        xlsx(
            sheet(whole.replace("</sheetData></worksheet>", "")),
            Refused("xl/worksheets/sheet1.xml: it ends too early"),
        ),
        xlsx(
            sheet("<a>".repeat(1 << 20)),
            Refused("its elements are nested more than 64 deep"),
        ),
        xlsx(
            sheet(whole.replace("Nurse", &"x".repeat(300_000))),
            Refused("a text has more than 262144 bytes"),
        ),
        xlsx(
            good()
                .part(
                    "xl/styles.xml",
                    format!(
                        "<styleSheet><cellXfs>{}</cellXfs></styleSheet>",
                        "<xf/>".repeat(200_000)
                    ),
                )
                .bytes(),
            Refused("xl/styles.xml: it has more than 100000 styles"),
        ),
        xlsx(
            good().part("xl/workbook.xml", "<workbook/>").bytes(),
            Refused(
                "a.xlsx: has no visible sheet with a table (--sheet names any sheet); there are none",
            ),
        ),
        xlsx(
            good()
                .part("xl/_rels/workbook.xml.rels", "<Relationships/>")
                .bytes(),
            Refused(
                "a.xlsx: is a workbook that cannot be read: it does not say where the cells of sheet `S` are",
            ),
        ),
        xlsx(
            sheet(whole.replace(
                "<sheetData>",
                &format!("<sheetData>{}", " ".repeat(900_000)),
            )),
            nurse(),
        ),
        xlsx(
            sheet(format!(
                "{}{whole}",
                format!("<!--{}-->", " ".repeat(500_000)).repeat(160)
            )),
            Refused("is a workbook with a part that unpacks to more than 67108864 bytes"),
        ),
    ]
}

fn packages() -> Vec<Odd> {
    let main = |name: &'static str| [("_rels/.rels", &b"<Relationships/>"[..]), (name, b"x")];
    let whole = book(ROW).bytes();
    let mut damaged = whole.clone();
    let name = b"xl/worksheets/sheet1.xml";
    let at = damaged
        .windows(name.len())
        .position(|bytes| bytes == name)
        .expect("the sheet's part");
    damaged[at + name.len() + 60] ^= 0x55;
    let numbers: Vec<_> = (0..60_000).map(|number| number.to_string()).collect();
    let of_parts = |count: usize| {
        zip_of(
            numbers[..count]
                .iter()
                .map(|name| (name.as_str(), &b""[..])),
        )
    };
    let (many, longer) = (of_parts(10_001), of_parts(60_000));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("xl/workbook.xml", SimpleFileOptions::default())
        .expect("memory");
    zip.write_all(b"<workbook/>").expect("memory");
    zip.shallow_copy_file("xl/workbook.xml", "xl/styles.xml")
        .expect("memory");
    let over_one_another = zip.finish().expect("memory").into_inner();
    vec![
        xlsx(
            many,
            Refused(
                "a.xlsx: is a workbook that cannot be read: it has 10001 parts, more than 10000",
            ),
        ),
        xlsx(
            longer,
            Refused("a.xlsx: is a workbook that cannot be read: the list of its parts is too long"),
        ),
        xlsx(
            over_one_another,
            Refused("a.xlsx: is a workbook that cannot be read: its parts overlap"),
        ),
        xlsx(
            whole[..whole.len() - 30].to_vec(),
            Refused("a.xlsx: the workbook is cut off: its end is missing"),
        ),
        xlsx(damaged, Refused("xl/worksheets/sheet1.xml: ")),
        xlsx(
            zip_of(main("word/document.xml")),
            Refused("a.xlsx: is a Word document: save it as"),
        ),
        odd(
            "a.numbers",
            zip_of([("Index/Document.iwa", &b"x"[..])]),
            Refused("a.numbers: is a Numbers or other iWork file: save it as"),
        ),
        odd(
            "a.zip",
            zip_of([("_rels/.rels", &b"<Relationships/>"[..])]),
            Refused("a.zip: is a zip file, not a workbook (.xlsx): unpack it first"),
        ),
        xlsx(
            zip_of([("xl/workbook.xml", &b"x"[..]), ("XL/Workbook.xml", b"x")]),
            Refused(
                "a.xlsx: is a workbook that cannot be read: two of its parts have the same name",
            ),
        ),
        odd(
            "a.xls",
            "<html><body><table><tr><td>id</td></tr></table>",
            Refused(
                "a.xls: is an HTML page, not a workbook or CSV, whatever its name says: open it in Excel and save it as .xlsx or as CSV (UTF-8)",
            ),
        ),
        odd(
            "a.xls",
            "\u{feff}<?xml version=\"1.0\"?>\n<?mso-application progid=\"Excel.Sheet\"?><Workbook/>",
            Refused("a.xls: is an Excel 2003 XML workbook, not an .xlsx"),
        ),
        odd(
            "a.xml",
            "<?xml version=\"1.0\"?><customers/>",
            Refused("a.xml: is XML: convert it to CSV (UTF-8) or NDJSON"),
        ),
        odd(
            "a.csv",
            "PAR1\0\0",
            Refused("a.csv: is a Parquet file: export its rows as CSV (UTF-8) or NDJSON"),
        ),
        odd(
            "a.csv",
            "%PDF-1.7",
            Refused("a.csv: is a PDF: export its rows"),
        ),
    ]
}
