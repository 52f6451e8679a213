//! Workbooks of binary parts that no spreadsheet program would write, and some that one does.

use crate::harness::SheetCell::{Date, Inline, Number, Text};
use crate::harness::{BinaryWorkbook, Workbook, cell, record, row_head, styles, wide, zip_of};

use super::{Odd, Refused, Rows, Sends, Want, odd, odd_with};

/// The header: id, job, date of birth.
fn header() -> Vec<u8> {
    let names = (0..).zip(["id", "job", "date_of_birth"]);
    let names: Vec<_> = names
        .map(|(column, name)| cell(6, column, 0, &wide(name)))
        .collect();
    [row_head(0, 0), names.concat()].concat()
}

/// A workbook with one sheet: the header, and these records.
fn book(records: &[Vec<u8>]) -> BinaryWorkbook {
    BinaryWorkbook::default().sheet_of("S", &[header(), records.concat()].concat())
}

/// The id 1 in the second row.
fn id() -> Vec<u8> {
    [row_head(1, 0), cell(2, 0, 0, &6_u32.to_le_bytes())].concat()
}

/// A workbook of one row with this job.
fn job(kind: u32, content: &[u8]) -> Vec<u8> {
    book(&[id(), cell(kind, 1, 0, content)]).bytes()
}

/// A workbook of one row with this number as the date of birth, shown as a date.
fn born(number: f64, properties: u32) -> Vec<u8> {
    let book = book(&[id(), cell(5, 2, 1, &number.to_le_bytes())]);
    let main = book.main_part(properties, 0);
    book.part("xl/workbook.bin", main).bytes()
}

fn xlsb(content: impl AsRef<[u8]>, want: Want) -> Odd {
    odd("a.xlsb", content, want)
}

fn nurse() -> Want {
    Sends("{\"job\":\"Nurse\"}")
}

const NO_DAY: &str = "2 date_of_birth type: is formatted as a date but is not one: Excel's dates run from 1900-01-01 to 9999-12-31";
const UNREADABLE: &str =
    "2 job type: does not match its own type: open the file in Excel and save it";

pub(super) fn table() -> Vec<Odd> {
    [cells(), dates(), places(), parts(), packages()]
        .into_iter()
        .flatten()
        .collect()
}

fn cells() -> Vec<Odd> {
    let is_error = |error: &'static str| Rows(0, 1, error);
    let pending = || {
        let book = book(&[id(), cell(8, 1, 0, &[&wide("Nurse")[..], &[0; 2]].concat())]);
        let main = book.main_part(0, 1);
        book.part("xl/workbook.bin", main).bytes()
    };
    vec![
        xlsb(job(6, &wide("Nurse")), nurse()),
        xlsb(
            job(62, &[&[1][..], &wide("Nurse"), &[0; 4]].concat()),
            nurse(),
        ),
        xlsb(
            job(8, &[&wide("Nurse")[..], &[0, 0, 9, 9]].concat()),
            nurse(),
        ),
        xlsb(
            pending(),
            is_error(
                "2 job type: is a formula without a stored result: open the file in Excel and save it",
            ),
        ),
        xlsb(
            BinaryWorkbook::default()
                .sheet(
                    "S",
                    &[&[Text("id"), Text("job")], &[Number("1"), Text("Nurse")]],
                )
                .bytes(),
            nurse(),
        ),
        xlsb(
            job(2, &2_u32.to_le_bytes()),
            is_error(
                "2 job type: is a number where text is expected (numbers lose leading zeros): format the column as text and type it again",
            ),
        ),
        xlsb(
            job(9, &84_f64.to_le_bytes()),
            is_error(
                "2 job type: is a number where text is expected (numbers lose leading zeros): format the column as text and type it again",
            ),
        ),
        xlsb(
            job(4, &[1]),
            is_error("2 job type: is true or false where text is expected"),
        ),
        xlsb(job(4, &[7]), is_error(UNREADABLE)),
        xlsb(job(5, &f64::NAN.to_le_bytes()), is_error(UNREADABLE)),
        xlsb(
            job(3, &[0x2a]),
            is_error("2 job type: is the spreadsheet error #N/A where text is expected"),
        ),
        xlsb(
            job(11, &[0x07]),
            is_error("2 job type: is the spreadsheet error #DIV/0! where text is expected"),
        ),
        xlsb(
            job(3, &[0x99]),
            is_error("2 job type: is a spreadsheet error where text is expected"),
        ),
        xlsb(
            job(6, &[1, 0, 0, 0, 0x3d, 0xd8]),
            is_error(
                "2 job damaged: holds U+FFFD, the mark of a character that was lost earlier: export the file again, as UTF-8 (--allow damaged sends it as it is)",
            ),
        ),
        odd_with(
            &["--empty", "job=null"],
            "a.xlsb",
            job(1, &[]),
            Sends("{\"job\":null}"),
        ),
        odd_with(
            &["--empty", "job=null"],
            "a.xlsb",
            job(8, &wide("")),
            Sends("{\"job\":null}"),
        ),
        xlsb(
            job(7, &7_u32.to_le_bytes()),
            Refused(
                "a.xlsb[S]:2: the sheet cannot be read from here on: cell B2 refers to a text that does not exist: the workbook has 0",
            ),
        ),
        xlsb(
            job(
                6,
                &[&200_000_u32.to_le_bytes()[..], &[0x20; 400_000]].concat(),
            ),
            Refused("a text has more than 262144 bytes"),
        ),
        xlsb(
            job(6, &[5, 0, 0, 0, 0x20, 0]),
            Refused(
                "a.xlsb[S]:2: the sheet cannot be read from here on: a record is shorter than its kind",
            ),
        ),
        xlsb(
            job(6, &[0xff, 0xff, 0xff, 0x7f]),
            Refused("a record is shorter than its kind"),
        ),
    ]
}

fn dates() -> Vec<Odd> {
    let custom = |code: &str| {
        let format = [&200_u16.to_le_bytes()[..], &wide(code)].concat();
        let styles = [record(44, &format), styles(&[0, 200])].concat();
        book(&[id(), cell(2, 2, 1, &((31_149_u32 << 2) | 2).to_le_bytes())])
            .part("xl/styles.bin", styles)
            .bytes()
    };
    let number =
        "2 date_of_birth type: is a number where a date is expected: format the column as a date";
    let day = || Sends("{\"date_of_birth\":\"1985-04-12T00:00:00Z\"}");
    vec![
        xlsb(born(31_149.0, 0), day()),
        xlsb(born(29_687.0, 1), day()),
        xlsb(born(60.0, 0), Rows(0, 1, NO_DAY)),
        xlsb(born(-1.0, 0), Rows(0, 1, NO_DAY)),
        xlsb(born(1e300, 0), Rows(0, 1, NO_DAY)),
        xlsb(custom("dd.mm.yyyy"), day()),
        xlsb(custom("0.00"), Rows(0, 1, number)),
        xlsb(
            BinaryWorkbook::default()
                .sheet(
                    "S",
                    &[
                        &[Inline("id"), Inline("job")],
                        &[Date("31149"), Inline("Nurse")],
                    ],
                )
                .bytes(),
            Rows(
                0,
                1,
                "2 id type: is a date where a whole number is expected: format the column as text and type it again",
            ),
        ),
        xlsb(
            book(&[id(), cell(5, 2, 99, &31_149_f64.to_le_bytes())]).bytes(),
            Rows(0, 1, number),
        ),
    ]
}

fn places() -> Vec<Odd> {
    let sheet = |records: &[Vec<u8>]| book(records).bytes();
    let nurse_cell = || cell(6, 1, 0, &wide("Nurse"));
    let long = wide(&"a".repeat(80));
    let wide_row: Vec<_> = (1..16_000)
        .map(|column| cell(6, column, 0, &long))
        .collect();
    vec![
        xlsb(
            sheet(&[row_head(400_000_000, 0)]),
            Refused(
                "a.xlsb[S]:2: the sheet cannot be read from here on: row 400000001 is beyond the last possible row, 1048576",
            ),
        ),
        xlsb(
            sheet(&[id(), nurse_cell(), row_head(1_048_575, 0)]),
            nurse(),
        ),
        xlsb(
            sheet(&[id(), nurse_cell(), row_head(1, 0)]),
            Refused("row 2 comes after row 2"),
        ),
        xlsb(
            sheet(&[row_head(5, 0), row_head(1, 0)]),
            Refused("row 2 comes after row 6"),
        ),
        xlsb(
            sheet(&[id(), cell(1, 2, 0, &[]), nurse_cell()]),
            Refused("cell B2 comes after cell C2"),
        ),
        xlsb(
            sheet(&[id(), cell(1, 16_384, 0, &[])]),
            Refused("cell XFE2 is beyond the last possible column, XFD"),
        ),
        xlsb(
            BinaryWorkbook::default()
                .sheet_of("S", &nurse_cell())
                .bytes(),
            Refused(
                "a.xlsb[S]: is a workbook that cannot be read: a cell comes before the first row",
            ),
        ),
        xlsb(
            sheet(&[record(146, &[]), record(145, &[])]),
            Refused("it has a second table"),
        ),
        xlsb(
            sheet(&[id(), wide_row.concat()]),
            Refused("a.xlsb[S]:2: the record that starts here is longer than 1048576 bytes"),
        ),
        // What later versions add is passed over, however large it is.
        xlsb(
            sheet(&[
                record(5000, &vec![7; 3 << 20]),
                id(),
                record(5001, &[1]),
                nurse_cell(),
            ]),
            nurse(),
        ),
        xlsb(
            sheet(&[id(), record(6, &vec![0; 3 << 20])]),
            Refused("xl/worksheets/sheet1.bin: a record in it has more than 1048576 bytes"),
        ),
        xlsb(
            sheet(&[id(), vec![0x80, 0x80, 0x80]]),
            Refused("xl/worksheets/sheet1.bin: a record in it has an invalid kind or size"),
        ),
    ]
}

fn parts() -> Vec<Odd> {
    let good = || book(&[id(), cell(6, 1, 0, &wide("Nurse"))]);
    let code = [header(), id(), cell(6, 1, 0, &wide("Code"))].concat();
    let rows = [header(), id(), cell(6, 1, 0, &wide("Nurse"))].concat();
    let two = || {
        BinaryWorkbook::default()
            .sheet_in_state("Codes", 1, &code)
            .sheet_in_state("More", 2, &code)
            .sheet_of("North & co", &rows)
    };
    let texts = |item: &[u8]| {
        let shared = [record(159, &[0xff; 8]), item.to_vec()].concat();
        good().part("xl/sharedStrings.bin", shared).bytes()
    };
    vec![
        xlsb(two().bytes(), nurse()),
        odd_with(&["--sheet", "codes"], "a.xlsb", two().bytes(), Refused("a.xlsb: has no sheet `codes`; there are `Codes` (hidden), `More` (hidden) and `North & co`")),
        odd_with(&["--sheet", "More"], "a.xlsb", two().bytes(), Sends("{\"job\":\"Code\"}")),
        xlsb(BinaryWorkbook::default().sheet_of("S", &[]).bytes(), Refused("a.xlsb[S]: is empty")),
        xlsb(BinaryWorkbook::default().bytes(), Refused("a.xlsb: has no visible sheet with a table (--sheet names any sheet); there are none")),
        // The number of shared strings that a workbook states is not trusted.
        xlsb(texts(&record(19, &[&[0][..], &wide("x")].concat())), nurse()),
        xlsb(texts(&record(19, &[0, 9, 0, 0, 0])), Refused("a.xlsb: is a workbook that cannot be read: a record is shorter than its kind")),
        xlsb(texts(&record(19, &vec![0; 2 << 20])), Refused("xl/sharedStrings.bin: a record in it has more than 1048576 bytes")),
        xlsb(texts(&[19, 0xff, 0xff, 0xff, 0x7f]), Refused("xl/sharedStrings.bin: a record in it has more than 1048576 bytes")),
        xlsb(texts(&[19, 5, 0]), Refused("xl/sharedStrings.bin: it ends too early")),
        xlsb(good().part("xl/styles.bin", styles(&vec![0; 100_001])).bytes(), Refused("xl/styles.bin: it has more than 100000 styles")),
        xlsb(good().part("xl/styles.bin", b"").bytes(), nurse()),
        xlsb(good().part("xl/workbook.bin", b"").bytes(), Refused("a.xlsb: has no visible sheet with a table (--sheet names any sheet); there are none")),
        xlsb(good().part("xl/workbook.bin", record(156, &[0; 8])).bytes(), Refused("a.xlsb: is a workbook that cannot be read: a record is shorter than its kind")),
        xlsb(
            good().part("xl/_rels/workbook.bin.rels", "<Relationships/>").bytes(),
            Refused("a.xlsb: is a workbook that cannot be read: it does not say where the cells of sheet `S` are"),
        ),
        xlsb(
            good().part("xl/_rels/workbook.bin.rels", "<Relationships><Relationship Id=\"rId1\" Type=\"x/chartsheet\" Target=\"a.bin\"/></Relationships>").bytes(),
            Refused("a.xlsb: has no visible sheet with a table (--sheet names any sheet); there is `S` (chart)"),
        ),
        xlsb(good().part("xl/worksheets/sheet1.bin", b"").bytes(), Refused("a.xlsb[S]: is a workbook that cannot be read: xl/worksheets/sheet1.bin: it has no table")),
        xlsb(good().part("xl/worksheets/sheet1.bin", [record(145, &[]), rows.clone()].concat()).bytes(), Refused("xl/worksheets/sheet1.bin: it ends too early")),
        xlsb(
            good().part("xl/worksheets/sheet1.bin", record(5000, &vec![0; 70 << 20])).bytes(),
            Refused("a.xlsb[S]: is a workbook with a part that unpacks to more than 67108864 bytes"),
        ),
    ]
}

fn packages() -> Vec<Odd> {
    let whole = book(&[id(), cell(6, 1, 0, &wide("Nurse"))]).bytes();
    let of_xml = Workbook::default().sheet(
        "S",
        &[
            &[Inline("id"), Inline("job")],
            &[Number("1"), Inline("Nurse")],
        ],
    );
    let mut damaged = whole.clone();
    let name = b"xl/worksheets/sheet1.bin";
    let at = damaged
        .windows(name.len())
        .position(|bytes| bytes == name)
        .expect("the sheet's part");
    damaged[at + name.len() + 60] ^= 0x55;
    vec![
        // The name of a file does not count.
        odd("a.xlsx", &whole, nurse()),
        odd("a.ods", &whole, nurse()),
        xlsb(of_xml.bytes(), nurse()),
        xlsb(
            &whole[..whole.len() - 30],
            Refused("a.xlsb: the workbook is cut off: its end is missing"),
        ),
        xlsb(
            damaged,
            Refused("a.xlsb[S]: is a workbook that cannot be read: "),
        ),
        xlsb(
            zip_of([
                ("_rels/.rels", &b"<Relationships/>"[..]),
                ("xl/workbook.bin", b"x"),
            ]),
            Refused(
                "a.xlsb: is a workbook that cannot be read: xl/workbook.bin: it ends too early",
            ),
        ),
    ]
}
