//! OpenDocument spreadsheets that no spreadsheet program would write, and some that one does.

use crate::harness::{MEDIA_TYPE, Spreadsheet, Workbook, zip_of};

use super::{Odd, Refused, Rows, Sends, Want, odd, odd_with};

/// The header: id, job, date of birth.
const HEADER: &str = "<table:table-row><table:table-cell office:value-type=\"string\"><text:p>id</text:p></table:table-cell><table:table-cell office:value-type=\"string\"><text:p>job</text:p></table:table-cell><table:table-cell office:value-type=\"string\"><text:p>date_of_birth</text:p></table:table-cell><table:table-cell table:number-columns-repeated=\"16381\"/></table:table-row>";
const ID: &str = "<table:table-cell office:value-type=\"float\" office:value=\"1\"><text:p>1</text:p></table:table-cell>";
const EMPTY_ROWS: &str = "<table:table-row table:number-rows-repeated=\"1048500\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>";
const NURSE: &str =
    "<table:table-cell office:value-type=\"string\"><text:p>Nurse</text:p></table:table-cell>";

/// A row of these cells.
fn row(cells: &str) -> String {
    format!("<table:table-row>{cells}</table:table-row>")
}

/// A spreadsheet with one sheet: the header, and these rows.
fn book(rows: &str) -> Spreadsheet {
    Spreadsheet::default().sheet_of("S", &format!("{HEADER}{rows}"))
}

/// A spreadsheet with one row: id 1 and this cell as the job.
fn job(attributes: &str, content: &str) -> Vec<u8> {
    let cell = format!("<table:table-cell {attributes}>{content}</table:table-cell>");
    book(&row(&format!("{ID}{cell}"))).bytes()
}

/// A spreadsheet with one row: id 1 and a date of birth of these attributes.
fn born(attributes: &str) -> Vec<u8> {
    let cell = format!(
        "<table:table-cell/><table:table-cell {attributes}><text:p>x</text:p></table:table-cell>"
    );
    book(&row(&format!("{ID}{cell}"))).bytes()
}

fn ods(content: impl AsRef<[u8]>, want: Want) -> Odd {
    odd("a.ods", content, want)
}

fn nurse() -> Want {
    Sends("{\"job\":\"Nurse\"}")
}

const STRING: &str = "office:value-type=\"string\"";
const NO_RESULT: &str =
    "2 job type: is a formula without a stored result: open the file in Excel and save it";
const UNREADABLE: &str =
    "2 job type: does not match its own type: open the file in Excel and save it";
const NUMBER: &str = "2 job type: is a number where text is expected (numbers lose leading zeros): format the column as text and type it again";
const DATE: &str =
    "2 job type: is a date where text is expected: format the column as text and type it again";

pub(super) fn table() -> Vec<Odd> {
    [
        cells(),
        formulas(),
        dates(),
        places(),
        sheets(),
        packages(),
        other_files(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn cells() -> Vec<Odd> {
    let value = |kind: &str, value: &str| format!("office:value-type=\"{kind}\" {value}");
    vec![
        ods(job(STRING, "<text:p>Nurse</text:p>"), nurse()),
        ods(job("", "<text:p>Nurse</text:p>"), nurse()),
        ods(
            job(
                STRING,
                "<text:p>a<text:s/> b<text:tab/>c</text:p><text:p/><text:p><text:s text:c=\"2\"/>d</text:p>",
            ),
            Sends("{\"job\":\"a  b\\tc\\n\\n  d\"}"),
        ),
        ods(
            job(
                STRING,
                "<office:annotation><text:p>a comment</text:p></office:annotation><text:p>Nu<text:span text:style-name=\"T1\">rse</text:span></text:p><draw:frame><draw:text-box><text:p>a picture</text:p></draw:text-box></draw:frame>",
            ),
            nurse(),
        ),
        ods(
            job(
                STRING,
                "<text:p><text:a>Nu</text:a><text:ruby><text:ruby-base>rse</text:ruby-base><text:ruby-text>hint</text:ruby-text></text:ruby></text:p>",
            ),
            nurse(),
        ),
        ods(
            job(
                &value("string", "office:string-value=\"Nurse\""),
                "<text:p>Ms. Nurse</text:p>",
            ),
            nurse(),
        ),
        ods(job(STRING, "<text:p>\n  Nurse\n</text:p>"), nurse()),
        ods(
            job(
                &value("float", "office:value=\"491701\""),
                "<text:p>491701</text:p>",
            ),
            Rows(0, 1, NUMBER),
        ),
        ods(
            job(
                &value("currency", "office:currency=\"EUR\" office:value=\"5\""),
                "<text:p>5 €</text:p>",
            ),
            Rows(0, 1, NUMBER),
        ),
        ods(
            job(
                &value("percentage", "office:value=\"0.5\""),
                "<text:p>50 %</text:p>",
            ),
            Rows(0, 1, NUMBER),
        ),
        ods(
            job(
                &value("boolean", "office:boolean-value=\"true\""),
                "<text:p>TRUE</text:p>",
            ),
            Rows(0, 1, "2 job type: is true or false where text is expected"),
        ),
        ods(
            job(
                &value("date", "office:date-value=\"1985-04-12\""),
                "<text:p>April</text:p>",
            ),
            Rows(0, 1, DATE),
        ),
        ods(
            job(
                &value("time", "office:time-value=\"PT08H30M00S\""),
                "<text:p>8:30</text:p>",
            ),
            Rows(0, 1, DATE),
        ),
        ods(
            job(
                &value("time", "office:time-value=\"PT48H00M00S\""),
                "<text:p>48:00</text:p>",
            ),
            Rows(
                0,
                1,
                "2 job type: is a duration where text is expected: format the column as text and type it again",
            ),
        ),
    ]
}

fn formulas() -> Vec<Odd> {
    let value = |kind: &str, value: &str| format!("office:value-type=\"{kind}\" {value}");
    vec![
        ods(
            job("table:formula=\"of:=[.A2]\"", ""),
            Rows(0, 1, NO_RESULT),
        ),
        ods(
            job(
                "table:formula=\"of:=[.A2]\" office:value-type=\"float\"",
                "<text:p>1</text:p>",
            ),
            Rows(0, 1, NO_RESULT),
        ),
        odd_with(
            &["--empty", "job=null"],
            "a.ods",
            job(
                "table:formula=\"of:=[.A2]\" office:value-type=\"string\"",
                "",
            ),
            Rows(0, 1, NO_RESULT),
        ),
        odd_with(
            &["--empty", "job=null"],
            "a.ods",
            job("table:formula=\"of:=&quot;&quot;\"", "<text:p/>"),
            Sends("{\"job\":null}"),
        ),
        ods(
            job(
                "table:formula=\"of:=[.A2]\" office:value-type=\"string\" office:string-value=\"Nurse\"",
                "<text:p>Nurse</text:p>",
            ),
            nurse(),
        ),
        ods(
            job(
                "table:formula=\"of:=NA()\" office:value-type=\"string\" office:string-value=\"\" calcext:value-type=\"error\"",
                "<text:p>#N/A</text:p>",
            ),
            Rows(
                0,
                1,
                "2 job type: is the spreadsheet error #N/A where text is expected",
            ),
        ),
        ods(
            job(
                "table:formula=\"of:=1/0\" office:value-type=\"float\" office:value=\"0\"",
                "<text:p>#DIV/0!</text:p>",
            ),
            Rows(
                0,
                1,
                "2 job type: is the spreadsheet error #DIV/0! where text is expected",
            ),
        ),
        ods(
            job(
                "table:formula=\"of:=X\" office:value-type=\"float\" office:value=\"0\"",
                "<text:p>Err:508</text:p>",
            ),
            Rows(
                0,
                1,
                "2 job type: is a spreadsheet error where text is expected",
            ),
        ),
        ods(
            job(
                "calcext:value-type=\"error\" office:value-type=\"string\"",
                "<text:p>secret</text:p>",
            ),
            Rows(
                0,
                1,
                "2 job type: is a spreadsheet error where text is expected",
            ),
        ),
        ods(
            job(&value("float", "office:value=\"five\""), ""),
            Rows(0, 1, UNREADABLE),
        ),
        ods(
            job(&value("float", "office:value=\"NaN\""), ""),
            Rows(0, 1, UNREADABLE),
        ),
        ods(
            job(&value("float", ""), "<text:p>5</text:p>"),
            Rows(0, 1, UNREADABLE),
        ),
        ods(
            job(&value("matrix", ""), "<text:p>5</text:p>"),
            Rows(0, 1, UNREADABLE),
        ),
        ods(job(STRING, "Nurse"), Rows(0, 1, UNREADABLE)),
        ods(
            job(STRING, "<text:p><text:s text:c=\"999999999999\"/></text:p>"),
            Refused(
                "a.ods[S]:2: the sheet cannot be read from here on: content.xml: a text has more than 262144 bytes",
            ),
        ),
        ods(
            job(STRING, &"<text:p/>".repeat(300_000)),
            Refused("a text has more than 262144 bytes"),
        ),
    ]
}

fn dates() -> Vec<Odd> {
    let date = |written: &str| {
        born(&format!(
            "office:value-type=\"date\" office:date-value=\"{written}\""
        ))
    };
    let sends = |written: &str, want: &'static str| ods(date(written), Sends(want));
    vec![
        sends("1985-04-12", "{\"date_of_birth\":\"1985-04-12T00:00:00Z\"}"),
        sends(
            "1985-04-12T13:30:05",
            "{\"date_of_birth\":\"1985-04-12T13:30:05Z\"}",
        ),
        sends(
            "1985-04-12T00:00:00",
            "{\"date_of_birth\":\"1985-04-12T00:00:00Z\"}",
        ),
        sends("1850-01-01", "{\"date_of_birth\":\"1850-01-01T00:00:00Z\"}"),
        sends("9999-12-31", "{\"date_of_birth\":\"9999-12-31T00:00:00Z\"}"),
        ods(
            date("12026-01-01"),
            Rows(
                0,
                1,
                "2 date_of_birth format: is not a date: expected RFC 3339 or YYYY-MM-DD; it has the form 99999-99-99",
            ),
        ),
        ods(
            date("-0044-03-15"),
            Rows(
                0,
                1,
                "2 date_of_birth format: is not a date: expected RFC 3339 or YYYY-MM-DD; it has the form -9999-99-99",
            ),
        ),
        ods(
            date("0000-01-01"),
            Rows(
                0,
                1,
                "2 date_of_birth format: is not a date: the calendar has no such day",
            ),
        ),
        ods(
            born("office:value-type=\"time\" office:time-value=\"PT08H30M00S\""),
            Rows(
                0,
                1,
                "2 date_of_birth type: is formatted as a date but is not one: Excel's dates run from 1900-01-01 to 9999-12-31",
            ),
        ),
        ods(
            born("office:value-type=\"time\" office:time-value=\"PT48H00M00S\""),
            Rows(
                0,
                1,
                "2 date_of_birth type: is a duration where a date is expected: format the column as text and type it again",
            ),
        ),
        ods(
            born("office:value-type=\"float\" office:value=\"31149\""),
            Rows(
                0,
                1,
                "2 date_of_birth type: is a number where a date is expected: format the column as a date",
            ),
        ),
        ods(
            book(&row(
                "<table:table-cell office:value-type=\"date\" office:date-value=\"1985-04-12\"/>",
            ))
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
    let good = row(&format!("{ID}{NURSE}"));
    let sheet = |rows: &str| book(rows).bytes();
    let repeated = |count: &str, cells: &str| {
        format!("<table:table-row table:number-rows-repeated=\"{count}\">{cells}</table:table-row>")
    };
    let blank = " ".repeat(200_000);
    vec![
        ods(sheet(&format!("{good}{EMPTY_ROWS}")), nurse()),
        // A row that ends with a repeated cell up to the last column, and rows up to the last one.
        ods(
            sheet(&format!(
                "{good}{}",
                repeated(
                    "18446744073709551615",
                    "<table:table-cell table:number-columns-repeated=\"18446744073709551615\"/>"
                )
            )),
            nurse(),
        ),
        ods(sheet(&format!("{EMPTY_ROWS}{good}")), nurse()),
        ods(
            sheet(&format!("{good}{EMPTY_ROWS}{EMPTY_ROWS}{good}")),
            Refused(
                "a.ods[S]:3: the sheet cannot be read from here on: row 2097003 is beyond the last possible row, 1048576",
            ),
        ),
        ods(
            sheet(&row(&format!(
                "{ID}<table:table-cell table:number-columns-repeated=\"16384\"/>{NURSE}"
            ))),
            Refused(
                "a.ods[S]:2: the sheet cannot be read from here on: cell XFF2 is beyond the last possible column, XFD",
            ),
        ),
        ods(
            sheet(&repeated("3", &format!("{ID}{NURSE}"))),
            Rows(3, 0, ""),
        ),
        ods(
            sheet(&row(&ID.replace(
                "<table:table-cell",
                "<table:table-cell table:number-columns-repeated=\"2\"",
            ))),
            Rows(0, 1, NUMBER),
        ),
        ods(
            sheet(&format!(
                "<table:table-row-group><table:table-header-rows>{good}</table:table-header-rows><table:table-rows>{good}</table:table-rows></table:table-row-group>"
            )),
            Rows(2, 0, ""),
        ),
        ods(
            sheet(&row(&format!(
                "{ID}<table:covered-table-cell table:number-columns-repeated=\"2\"/>"
            ))),
            Rows(
                0,
                1,
                "2 row required: has nothing to update: no field besides the id",
            ),
        ),
        ods(
            sheet(&row(&format!(
                "{ID}{}",
                NURSE.replace("table-cell", "covered-table-cell")
            ))),
            nurse(),
        ),
        ods(
            sheet(&repeated("0", ID)),
            Refused("row 2 has an invalid number of repetitions"),
        ),
        ods(
            sheet(&row(
                "<table:table-cell table:number-columns-repeated=\"-5\"/>",
            )),
            Refused("row 2 has an invalid number of repetitions"),
        ),
        // A million rows and cells that look empty take no work; those that only seem so are counted.
        ods(
            sheet(&repeated(
                "1048575",
                &format!(
                    "<table:table-cell table:number-columns-repeated=\"16384\"><text:p>{blank}</text:p></table:table-cell>"
                ),
            )),
            Refused(
                "a.ods[S]:2: the sheet cannot be read from here on: its repeated rows and cells have more than 268435456 bytes, as in malicious files",
            ),
        ),
        ods(
            sheet(&row(&format!(
                "{ID}<table:table-cell table:number-columns-repeated=\"16383\" office:value-type=\"string\"><text:p>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</text:p></table:table-cell>"
            ))),
            Refused("a.ods[S]:2: the record that starts here is longer than 1048576 bytes"),
        ),
        ods(
            sheet(&row(&format!(
                "<table:table-cell><text:p>{}</text:p></table:table-cell>",
                "a".repeat(200_000)
            )
            .repeat(6))),
            Refused("row 2 has more than 1048576 bytes of text"),
        ),
        odd_with(
            &["--header-row", "3"],
            "a.ods",
            Spreadsheet::default()
                .sheet_of(
                    "S",
                    &format!("{}{}{HEADER}{good}", row(NURSE), repeated("1", "")),
                )
                .bytes(),
            nurse(),
        ),
        odd_with(
            &["--header-row", "1048000"],
            "a.ods",
            sheet(&good),
            Refused("a.ods[S]: has no line 1048000, where its header should be (--header-row)"),
        ),
    ]
}

fn sheets() -> Vec<Odd> {
    let rows = |job: &str| {
        format!(
            "{HEADER}{}",
            row(&format!("{ID}{}", NURSE.replace("Nurse", job)))
        )
    };
    let two = || {
        Spreadsheet::default()
            .hidden_sheet_of("Codes", &rows("Code"))
            .sheet_of("North &amp; co", &rows("Nurse"))
            .bytes()
    };
    let with_content = |change: &dyn Fn(String) -> String| {
        let book = Spreadsheet::default().sheet_of("S", &rows("Nurse"));
        let content = change(book.content());
        book.part("content.xml", content).bytes()
    };
    vec![
        ods(two(), nurse()),
        odd_with(
            &["--sheet", "Codes"],
            "a.ods",
            two(),
            Sends("{\"job\":\"Code\"}"),
        ),
        odd_with(
            &["--sheet", "South"],
            "a.ods",
            two(),
            Refused("a.ods: has no sheet `South`; there are `Codes` (hidden) and `North & co`"),
        ),
        ods(
            Spreadsheet::default()
                .hidden_sheet_of("Codes", &rows("Code"))
                .bytes(),
            Refused(
                "a.ods: has no visible sheet with a table (--sheet names any sheet); there is `Codes` (hidden)",
            ),
        ),
        ods(
            Spreadsheet::default().bytes(),
            Refused(
                "a.ods: has no visible sheet with a table (--sheet names any sheet); there are none",
            ),
        ),
        ods(
            Spreadsheet::default().sheet_of("S", EMPTY_ROWS).bytes(),
            Refused("a.ods[S]: is empty"),
        ),
        // Tables of drawings, links and recorded changes are no sheets.
        ods(
            with_content(&|content| {
                content.replace("<office:spreadsheet>", "<office:spreadsheet><table:tracked-changes><table:table table:name=\"T\"/></table:tracked-changes><table:dde-links><table:dde-link><table:table/></table:dde-link></table:dde-links>")
            }),
            nurse(),
        ),
        ods(
            with_content(&|content| {
                content.replace("</table:table>", "<table:shapes><draw:frame><table:table><table:table-row><table:table-cell><text:p>no</text:p></table:table-cell></table:table-row></table:table></draw:frame></table:shapes></table:table>")
            }),
            nurse(),
        ),
        ods(
            with_content(&|content| content.replace("table:", "t:").replace(":table=", ":t=")),
            nurse(),
        ),
        ods(
            with_content(&|content| content.replace("Nurse", "&nurse;")),
            Refused("content.xml: it uses an undeclared entity"),
        ),
        ods(
            with_content(&|content| {
                content.replace(
                    "<office:document-content",
                    "<!DOCTYPE a [<!ENTITY b \"c\">]><office:document-content",
                )
            }),
            Refused("content.xml: it has a document type declaration, as malicious files have"),
        ),
        ods(
            with_content(&|content| content.replace("</office:spreadsheet>", "")),
            Refused("content.xml: "),
        ),
        ods(
            with_content(&|content| {
                content.replace("</table:table>", "</table:table><table:table")
            }),
            Refused("content.xml: "),
        ),
        ods(
            with_content(&|content| content.replace("office:spreadsheet>", "office:text>")),
            Refused("a.ods: is an OpenDocument text (.odt): save it as .xlsx or as CSV (UTF-8)"),
        ),
        ods(
            with_content(&|_| "<a/>".to_owned()),
            Refused(
                "a.ods: is a workbook that cannot be read: content.xml: it has no spreadsheet in it",
            ),
        ),
        ods(
            with_content(&|_| String::new()),
            Refused("content.xml: it has no spreadsheet in it"),
        ),
        ods(
            with_content(&|content| {
                content.replace(
                    "</office:body>",
                    &format!("{}</office:body>", "<a>".repeat(100)),
                )
            }),
            Refused("its elements are nested more than 64 deep"),
        ),
        ods(
            with_content(&|content| {
                content.replace(
                    "</office:spreadsheet>",
                    &format!("{}</office:spreadsheet>", "<table:table/>".repeat(10_001)),
                )
            }),
            Refused("a.ods: is a workbook that cannot be read: it has more than 10000 sheets"),
        ),
        ods(
            with_content(&|content| {
                let styles: Vec<_> = (0..10_001).map(|number| format!("<style:style style:name=\"s{number}\" style:family=\"table\"><style:table-properties table:display=\"false\"/></style:style>")).collect();
                content.replace(
                    "</office:automatic-styles>",
                    &format!("{}</office:automatic-styles>", styles.concat()),
                )
            }),
            Refused("it has more than 10000 styles of hidden sheets"),
        ),
        ods(
            with_content(&|content| {
                content.replace(
                    "<office:body>",
                    &format!(
                        "{}<office:body>",
                        format!("<!--{}-->", " ".repeat(500_000)).repeat(160)
                    ),
                )
            }),
            Refused("is a workbook with a part that unpacks to more than 67108864 bytes"),
        ),
    ]
}

fn packages() -> Vec<Odd> {
    let good = || book(&row(&format!("{ID}{NURSE}")));
    let entry = |path: &str, inside: &str| {
        format!(
            "<m:manifest><m:file-entry m:full-path=\"/\"/><m:file-entry m:full-path=\"{path}\">{inside}</m:file-entry></m:manifest>"
        )
    };
    let encrypted = "<m:encryption-data><m:algorithm/></m:encryption-data>";
    let password = "a.ods: is a workbook that is encrypted with a password: save it without one";
    let whole = good().bytes();
    let mut damaged = whole.clone();
    let name = b"content.xml";
    let at = damaged
        .windows(name.len())
        .position(|bytes| bytes == name)
        .expect("the content");
    damaged[at + name.len() + 200] ^= 0x55;
    let content = good().content();
    vec![
        // The name of a file does not count.
        odd("a.xlsx", &whole, nurse()),
        odd("a.csv", &whole, nurse()),
        odd("a.ods", Workbook::default().sheet_of("S", "<row><c t=\"str\"><v>id</v></c><c t=\"str\"><v>job</v></c></row><row><c><v>1</v></c><c t=\"str\"><v>Nurse</v></c></row>").bytes(), nurse()),
        ods(good().part("mimetype", "application/vnd.oasis.opendocument.spreadsheet-template").bytes(), nurse()),
        // Some programs leave the media type out.
        ods(zip_of([("META-INF/manifest.xml", &b"<m/>"[..]), ("content.xml", content.as_bytes())]), nurse()),
        ods(zip_of([MEDIA_TYPE]), Refused("a.ods: is a workbook that cannot be read: the part content.xml is missing")),
        ods(good().part("META-INF/manifest.xml", entry("content.xml", encrypted)).part("content.xml", [7; 500]).bytes(), Refused(password)),
        ods(good().part("META-INF/manifest.xml", entry("encrypted-package", encrypted)).part("encrypted-package", [7; 500]).bytes(), Refused(password)),
        // Only the macros are encrypted.
        ods(good().part("META-INF/manifest.xml", entry("Basic/Standard/Module1.xml", encrypted)).bytes(), nurse()),
        ods(good().part("META-INF/manifest.xml", "<!DOCTYPE m SYSTEM \"Manifest.dtd\"><m/>").bytes(), nurse()),
        ods(&whole[..whole.len() - 30], Refused("a.ods: the workbook is cut off: its end is missing")),
        ods(&whole[..200], Refused("a.ods: the workbook is cut off: its end is missing")),
        ods(damaged, Refused("content.xml: ")),
    ]
}

fn other_files() -> Vec<Odd> {
    let kind = |file: &'static str, media_type: &'static str, want: &'static str| {
        let name = "META-INF/manifest.xml";
        let parts = [
            ("mimetype", media_type.as_bytes()),
            ("content.xml", b"<a/>"),
            (name, b"<a/>"),
        ];
        odd(file, zip_of(parts), Refused(want))
    };
    vec![
        kind(
            "a.odt",
            "application/vnd.oasis.opendocument.text",
            "a.odt: is an OpenDocument text (.odt): save it as .xlsx or as CSV (UTF-8)",
        ),
        kind(
            "a.odg",
            "application/vnd.oasis.opendocument.graphics",
            "a.odg: is an OpenDocument drawing (.odg): save it as",
        ),
        kind(
            "a.odp",
            "application/vnd.oasis.opendocument.presentation",
            "a.odp: is an OpenDocument presentation (.odp): save it as",
        ),
        kind(
            "a.odb",
            "application/vnd.oasis.opendocument.base",
            "a.odb: is an OpenDocument database (.odb): save it as",
        ),
        kind(
            "a.odf",
            "application/vnd.oasis.opendocument.formula",
            "a.odf: is an OpenDocument file, but not a spreadsheet (.ods): save it as",
        ),
        kind(
            "a.sxc",
            "application/vnd.sun.xml.calc",
            "a.sxc: is an OpenOffice.org 1 spreadsheet (.sxc): save it as",
        ),
        kind(
            "a.epub",
            "application/epub+zip",
            "a.epub: is a book (.epub): save it as",
        ),
        kind(
            "a.zip",
            "text/plain",
            "a.zip: is a zip file, not a workbook (.xlsx): unpack it first",
        ),
        odd(
            "a.fods",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\n<office:document xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\"/>",
            Refused(
                "a.fods: is a flat OpenDocument file (.fods): save it as .ods, .xlsx or CSV (UTF-8)",
            ),
        ),
    ]
}
