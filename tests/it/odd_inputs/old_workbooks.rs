//! Workbooks of Excel 5 to 2003 (`.xls`) that no spreadsheet program would write, and some that one
//! does.

use crate::harness::xls::{
    Xls, cell, compound, compound_of_large_sectors, formula, label, number, record, styled, text,
};

use super::{Odd, Refused, Rows, Sends, Want, odd, odd_with};

const NO_RESULT: &str =
    "2 job type: is a formula without a stored result: open the file in Excel and save it";
const UNREADABLE: &str =
    "2 job type: does not match its own type: open the file in Excel and save it";
const NURSE: &str = "{\"job\":\"Nurse\"}";
/// The first bytes of the results of formulas that are no numbers, and their last ones.
const TEXT: [u8; 8] = [0, 0, 0, 0, 0, 0, 0xff, 0xff];
const EMPTY: [u8; 8] = [3, 0, 0, 0, 0, 0, 0xff, 0xff];

pub(super) fn table() -> Vec<Odd> {
    [
        cells(),
        formulas(),
        texts(),
        dates(),
        places(),
        sheets(),
        versions(),
        containers(),
        damaged_containers(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn xls(book: &Xls, want: Want) -> Odd {
    odd("a.xls", book.bytes(), want)
}

/// The header, and these records below it.
fn below_header(records: &[Vec<u8>]) -> Vec<u8> {
    let names = ["id", "job", "date_of_birth"];
    let header = (0..)
        .zip(names)
        .map(|(column, name)| label(0, column, name));
    header.chain(records.iter().cloned()).flatten().collect()
}

/// A workbook with one sheet: the header, and these records.
fn book(records: &[Vec<u8>]) -> Xls {
    Xls::new().sheet("S", below_header(records))
}

/// The records of a row whose job is in this record.
fn job(record: Vec<u8>) -> Vec<Vec<u8>> {
    vec![number(1, 0, 1.0), record]
}

fn nurse() -> Vec<Vec<u8>> {
    job(label(1, 1, "Nurse"))
}

/// A number of four bytes, with its style.
fn rk(number: u32) -> Vec<u8> {
    [&[0; 2][..], &number.to_le_bytes()].concat()
}

fn cells() -> Vec<Odd> {
    let of_job = |record: Vec<u8>, want| xls(&book(&job(record)), want);
    let numbers = |numbers: &[u32], last: u16| {
        let numbers: Vec<_> = numbers.iter().map(|number| rk(*number)).collect();
        let content = [&[1, 0, 0, 0][..], &numbers.concat(), &last.to_le_bytes()].concat();
        xls(
            &book(&[record(0x00bd, content)]),
            Rows(
                0,
                1,
                "2 job type: is a number where text is expected (numbers lose leading zeros): format the column as text and type it again",
            ),
        )
    };
    let refused = |odd: Odd, message| Odd {
        want: Refused(message),
        ..odd
    };
    vec![
        xls(&book(&nurse()), Sends(NURSE)),
        of_job(
            cell(
                0x00d6,
                1,
                1,
                [text("Nurse"), vec![1, 0, 0, 0, 5, 0]].concat(),
            ),
            Sends(NURSE),
        ),
        of_job(
            label(1, 1, ""),
            Rows(
                0,
                1,
                "2 row required: has nothing to update: no field besides the id",
            ),
        ),
        of_job(
            cell(0x0205, 1, 1, [1, 0]),
            Rows(0, 1, "2 job type: is true or false where text is expected"),
        ),
        of_job(cell(0x0205, 1, 1, [7, 0]), Rows(0, 1, UNREADABLE)),
        of_job(
            cell(0x0205, 1, 1, [0x2a, 1]),
            Rows(
                0,
                1,
                "2 job type: is the spreadsheet error #N/A where text is expected",
            ),
        ),
        of_job(
            cell(0x0205, 1, 1, [0x99, 1]),
            Rows(
                0,
                1,
                "2 job type: is a spreadsheet error where text is expected",
            ),
        ),
        of_job(number(1, 1, f64::NAN), Rows(0, 1, UNREADABLE)),
        // 4 and 8 as whole numbers of 30 bits.
        numbers(&[0x12, 0x22], 1),
        refused(
            numbers(&[0x12, 0x22], 2),
            "a.xls[S]:2: the sheet cannot be read from here on: the cells from A2 on are not as many as they say",
        ),
        refused(
            numbers(&[0x12, 0x22], 0),
            "the cells from A2 on are not as many as they say",
        ),
        refused(
            numbers(&[0; 257], 256),
            "cell IW2 is beyond the last possible column, IV",
        ),
        of_job(
            record(0x0203, [1, 0, 1, 0, 0, 0, 0]),
            Refused(
                "a.xls[S]:2: the sheet cannot be read from here on: a record of type 0x0203 is too short",
            ),
        ),
        of_job(
            record(0x00fd, [1]),
            Refused("a record of type 0x00fd is too short"),
        ),
        of_job(
            record(0x0208, [1, 0]),
            Refused("a record of type 0x0208 is too short"),
        ),
        of_job(
            cell(0x0003, 1, 1, [0; 9]),
            Refused(
                "the sheet has cells of a format before Excel 5: open the file in Excel and save it",
            ),
        ),
        // A chart within the sheet has cells of its own.
        xls(
            &book(&[
                record(0x0809, [0, 6, 0x20, 0]),
                number(0, 0, 1.0),
                record(0x000a, []),
                nurse().concat(),
            ]),
            Sends(NURSE),
        ),
        // Formatted cells without a value.
        xls(
            &book(&[
                nurse().concat(),
                cell(0x0201, 1, 1, []),
                record(0x00be, [1, 0, 3, 0, 0, 0, 0, 0, 4, 0]),
                cell(0x0201, 9, 0, []),
            ]),
            Sends(NURSE),
        ),
    ]
}

fn formulas() -> Vec<Odd> {
    let of_job = |records: &[Vec<u8>], want| xls(&book(&job(records.concat())), want);
    let result = |result: [u8; 8], flags: u16| formula(1, 1, result, flags);
    let stored = |content: &str| record(0x0207, text(content));
    let is_empty = || {
        Rows(
            0,
            1,
            "2 row required: has nothing to update: no field besides the id",
        )
    };
    let is_number = || {
        Rows(
            0,
            1,
            "2 job type: is a number where text is expected (numbers lose leading zeros): format the column as text and type it again",
        )
    };
    vec![
        of_job(&[result(TEXT, 0), stored("Nurse")], Sends(NURSE)),
        of_job(
            &[
                result(TEXT, 0),
                record(0x04bc, [0; 12]),
                record(0x0221, [0; 14]),
                stored("Nurse"),
            ],
            Sends(NURSE),
        ),
        of_job(&[result(TEXT, 3), stored("Nurse")], Sends(NURSE)),
        of_job(&[result(TEXT, 0), stored("")], is_empty()),
        of_job(&[result(TEXT, 0)], Rows(0, 1, NO_RESULT)),
        of_job(
            &[result(TEXT, 0), label(1, 2, "1985-04-12")],
            Rows(0, 1, NO_RESULT),
        ),
        of_job(&[result(TEXT, 3), stored("")], Rows(0, 1, NO_RESULT)),
        of_job(&[result(2.0f64.to_le_bytes(), 3)], is_number()),
        of_job(&[result(0.0f64.to_le_bytes(), 1)], is_number()),
        // Programs that cannot compute store 0 and flag the formula.
        of_job(&[result(0.0f64.to_le_bytes(), 3)], Rows(0, 1, NO_RESULT)),
        of_job(
            &[result([1, 0, 1, 0, 0, 0, 0xff, 0xff], 0)],
            Rows(0, 1, "2 job type: is true or false where text is expected"),
        ),
        of_job(
            &[result([2, 0, 0x07, 0, 0, 0, 0xff, 0xff], 0)],
            Rows(
                0,
                1,
                "2 job type: is the spreadsheet error #DIV/0! where text is expected",
            ),
        ),
        of_job(
            &[result([9, 0, 0, 0, 0, 0, 0xff, 0xff], 0)],
            Rows(0, 1, UNREADABLE),
        ),
        of_job(
            &[result(2.0f64.to_le_bytes(), 0), stored("Nurse")],
            Rows(0, 1, UNREADABLE),
        ),
        of_job(&[result(EMPTY, 0)], is_empty()),
        of_job(&[result(EMPTY, 2)], Rows(0, 1, NO_RESULT)),
        // LibreOffice stores 0 for a text.
        xls(
            &book(&job(result(0.0f64.to_le_bytes(), 0)))
                .by_another_program()
                .with(0x01c1, [0; 8]),
            Rows(0, 1, NO_RESULT),
        ),
        xls(
            &book(&job(result(2.0f64.to_le_bytes(), 0)))
                .by_another_program()
                .with(0x01c1, [0; 8]),
            is_number(),
        ),
        // xlwt stores an empty text for each formula. LibreOffice says that it has computed.
        xls(
            &book(&job(result(EMPTY, 0))).by_another_program(),
            Rows(0, 1, NO_RESULT),
        ),
        xls(
            &book(&job(result(EMPTY, 0)))
                .by_another_program()
                .with(0x01c1, [0; 8]),
            is_empty(),
        ),
        // The sheet was saved without computing it.
        xls(
            &book(&[
                record(0x005e, [0; 2]),
                job(result(TEXT, 0)).concat(),
                stored("Nurse"),
            ]),
            Rows(0, 1, NO_RESULT),
        ),
        xls(
            &book(&[
                record(0x005e, [0; 2]),
                job(result(2.0f64.to_le_bytes(), 0)).concat(),
            ]),
            Rows(0, 1, NO_RESULT),
        ),
        xls(
            &book(&[nurse().concat(), stored("Nurse")]),
            Refused(
                "a.xls[S]:2: the sheet cannot be read from here on: row 2 has a text that belongs to no formula",
            ),
        ),
    ]
}

fn texts() -> Vec<Odd> {
    // The job is the second shared string.
    let shared = |table: Vec<Vec<u8>>, want| {
        let book = book(&job(cell(0x00fd, 1, 1, [1, 0, 0, 0])));
        let [first, others @ ..] = table.as_slice() else {
            return xls(&book, want);
        };
        let head = [9, 2].map(u32::to_le_bytes).concat();
        let book = book.with(0x00fc, [&head[..], first].concat());
        xls(
            &others
                .iter()
                .fold(book, |book, other| book.with(0x003c, other)),
            want,
        )
    };
    let part = |bytes: &[u8]| bytes.to_vec();
    let both = [text(""), text("Nurse")].concat();
    let utf16 = |text: &str| {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<_>>()
    };
    vec![
        shared(vec![both.clone()], Sends(NURSE)),
        // A text begins with a record, or goes on in others, each part with its own width.
        shared(vec![text("x"), text("Nurse")], Sends(NURSE)),
        shared(
            vec![[text("x"), part(b"\x05\0\0Nu")].concat(), part(b"\0rse")],
            Sends(NURSE),
        ),
        shared(
            vec![
                [text("x"), part(b"\x05\0\0Nu")].concat(),
                [part(&[1]), utf16("rs")].concat(),
                part(b"\0e"),
            ],
            Sends(NURSE),
        ),
        shared(
            vec![
                [text("x"), part(&[2, 0, 1, 0x3d, 0xd8])].concat(),
                part(&[1, 0x00, 0xde]),
            ],
            Sends("{\"job\":\"\u{1f600}\"}"),
        ),
        // Formats and reading aids follow, also in another record.
        shared(
            vec![
                [part(b"\x01\0\x0c\x01\0\x05\0\0\0x"), part(&[0; 4])].concat(),
                [part(&[0; 5]), part(b"\x05\0\x08\x02\0Nurse")].concat(),
                part(&[0; 8]),
            ],
            Sends(NURSE),
        ),
        shared(
            vec![[text("x"), part(b"\x01\0\0\xeb")].concat()],
            Sends("{\"job\":\"\u{eb}\"}"),
        ),
        shared(
            vec![[text("x"), part(&[1, 0, 1, 0x3d, 0xd8])].concat()],
            Rows(
                0,
                1,
                "2 job damaged: holds U+FFFD, the mark of a character that was lost earlier: export the file again, as UTF-8 (--allow damaged sends it as it is)",
            ),
        ),
        shared(
            vec![text("x")],
            Refused(
                "a.xls[S]:2: the sheet cannot be read from here on: cell B2 refers to a text that does not exist: the workbook has 1",
            ),
        ),
        shared(
            vec![],
            Refused("cell B2 refers to a text that does not exist: the workbook has 0"),
        ),
        shared(
            vec![[text("x"), part(b"\x05\0\0Nu")].concat()],
            Refused("a.xls: is a workbook that cannot be read: a text is cut off"),
        ),
        shared(
            vec![[text("x"), part(b"\x05\0\x01Nur")].concat(), part(b"\0se")],
            Refused("a text is cut within a character"),
        ),
        shared(
            vec![[text("x"), part(b"\x05\0\x08\xff\xffNurse")].concat()],
            Refused("the formats of a text are cut off"),
        ),
        shared(
            vec![[text("x"), part(b"\x05\0\x04\xff\xff\xff\xffNurse")].concat()],
            Refused("the formats of a text are cut off"),
        ),
        // As many texts as the table says are not there.
        xls(
            &book(&job(cell(0x00fd, 1, 1, [1, 0, 0, 0])))
                .with(0x00fc, [&[0xff; 8][..], &both].concat()),
            Sends(NURSE),
        ),
        // The longest texts of a cell, in many cells.
        xls(
            &book(&[(0..40)
                .flat_map(|column| {
                    let long = [&[0xff, 0xff, 0][..], &[b'x'; 8000]].concat();
                    let rest = [&[0][..], &[b'x'; 8000]].concat();
                    let parts = [
                        record(0x003c, &rest).repeat(7),
                        record(0x003c, &rest[..1536]),
                    ];
                    [
                        formula(1, column, TEXT, 0),
                        record(0x0207, long),
                        parts.concat(),
                    ]
                    .concat()
                })
                .collect()]),
            Refused(
                "a.xls[S]:2: the sheet cannot be read from here on: row 2 is longer than 1048576 bytes",
            ),
        ),
    ]
}

fn dates() -> Vec<Odd> {
    let born = |style: u16, day: f64| {
        book(&[
            number(1, 0, 1.0),
            styled(0x0203, 1, 2, style, day.to_le_bytes()),
        ])
    };
    let is = || Sends("{\"date_of_birth\":\"1985-04-12T00:00:00Z\"}");
    let format = |code: &str| [vec![14, 0], text(code)].concat();
    let no_date =
        "2 date_of_birth type: is a number where a date is expected: format the column as a date";
    vec![
        xls(&born(1, 31149.0), is()),
        xls(&born(1, 29687.0).with(0x0022, [1, 0]), is()),
        xls(&born(1, 31149.0).with(0x041e, format("dd.mm.yyyy")), is()),
        xls(
            &born(1, 31149.0).with(0x041e, format("0.00")),
            Rows(0, 1, no_date),
        ),
        xls(&born(0, 31149.0), Rows(0, 1, no_date)),
        xls(&born(99, 31149.0), Rows(0, 1, no_date)),
        xls(
            &born(1, 60.0),
            Rows(
                0,
                1,
                "2 date_of_birth type: is formatted as a date but is not one: Excel's dates run from 1900-01-01 to 9999-12-31",
            ),
        ),
        xls(
            &(0..70_000).fold(born(1, 1.0), |book, _| book.with(0x00e0, [0; 20])),
            Refused("a.xls: is a workbook that cannot be read: it has more than 65536 styles"),
        ),
    ]
}

fn places() -> Vec<Odd> {
    let row = |row: u16| record(0x0208, [&row.to_le_bytes()[..], &[0; 14]].concat());
    vec![
        // The cells of a row in any order, and its settings before or behind them.
        xls(
            &book(&[label(1, 1, "Nurse"), number(1, 0, 1.0)]),
            Sends(NURSE),
        ),
        xls(
            &book(&[
                row(0),
                row(1),
                row(2),
                label(1, 1, "Nurse"),
                number(1, 0, 1.0),
                row(1),
                record(0x00d7, [0; 8]),
            ]),
            Sends(NURSE),
        ),
        xls(
            &book(&[number(2, 0, 1.0), number(1, 0, 1.0)]),
            Refused(
                "a.xls[S]:4: the sheet cannot be read from here on: row 2 comes after row 3: open the file in Excel and save it",
            ),
        ),
        xls(
            &book(&[nurse().concat(), label(2, 1, "x"), nurse().concat()]),
            Refused("row 2 comes after row 3"),
        ),
        xls(
            &book(&[nurse().concat(), label(1, 1, "x")]),
            Refused("cell B2 has two values: open the file in Excel and save it"),
        ),
        xls(
            &book(&[nurse().concat(), label(1, 256, "x")]),
            Refused("cell IW2 is beyond the last possible column, IV"),
        ),
        xls(
            &book(&[nurse().concat(), label(1, 255, "x")]),
            Rows(
                0,
                1,
                "2 row columns: has a value in column 256, which has no name (--ignore 'column 256' leaves it out if the header reaches that far)",
            ),
        ),
        xls(
            &book(&[nurse().concat(), label(65535, 0, "x")]),
            Rows(1, 1, "65536 id type: is not a whole number"),
        ),
        odd(
            "a.xls",
            [compound(&[("Workbook", &book(&nurse()).stream()[..])])].concat(),
            Sends(NURSE),
        ),
    ]
}

fn sheets() -> Vec<Odd> {
    let other = || below_header(&job(label(1, 1, "Clerk")));
    let table = || below_header(&nurse());
    let hidden_first = || {
        Xls::new()
            .sheet_of_kind("Codes", 1, other())
            .sheet_of_kind("Old", 2, other())
            .sheet_of_kind("Chart", 0x0200, [])
            .sheet_of_kind("Macro", 0x0100, other())
            .sheet("S", table())
    };
    let settings = record(0x0081, [0x10, 0]);
    let stream = book(&nurse()).stream();
    // The place of the sheet in its entry.
    let entry = stream
        .windows(2)
        .position(|kind| kind == [0x85, 0])
        .expect("a sheet")
        + 4;
    let at = |place: u32| {
        let mut stream = stream.clone();
        stream[entry..entry + 4].copy_from_slice(&place.to_le_bytes());
        compound(&[("Workbook", &stream)])
    };
    vec![
        xls(&hidden_first(), Sends(NURSE)),
        odd_with(
            &["--sheet", "Old"],
            "a.xls",
            hidden_first().bytes(),
            Sends("{\"job\":\"Clerk\"}"),
        ),
        odd_with(
            &["--sheet", "Chart"],
            "a.xls",
            hidden_first().bytes(),
            Refused("a.xls: has a chart in sheet `Chart`, not a table"),
        ),
        odd_with(
            &["--sheet", "Macro"],
            "a.xls",
            hidden_first().bytes(),
            Refused("a.xls: has a macro in sheet `Macro`, not a table"),
        ),
        odd_with(
            &["--sheet", "X"],
            "a.xls",
            hidden_first().bytes(),
            Refused(
                "a.xls: has no sheet `X`; there are `Codes` (hidden), `Old` (hidden), `Chart` (chart), `Macro` (macro) and `S`",
            ),
        ),
        xls(
            &Xls::new().sheet_of_kind("Codes", 1, table()),
            Refused(
                "a.xls: has no visible sheet with a table (--sheet names any sheet); there is `Codes` (hidden)",
            ),
        ),
        xls(
            &Xls::new(),
            Refused(
                "a.xls: has no visible sheet with a table (--sheet names any sheet); there are none",
            ),
        ),
        xls(
            &Xls::new().sheet("S", [settings, table()].concat()),
            Refused(
                "a.xls[S]: is a workbook that cannot be read: the sheet is a dialog, not a table (--sheet names another sheet)",
            ),
        ),
        xls(&Xls::new().sheet("S", []), Refused("a.xls[S]: is empty")),
        odd(
            "a.xls",
            compound(&[("Workbook", &stream[..stream.len() - 6])]),
            Refused(
                "a.xls[S]:2: the sheet cannot be read from here on: its last record is cut off",
            ),
        ),
        odd(
            "a.xls",
            compound(&[("Workbook", &stream[..stream.len() - 4])]),
            Refused(
                "a.xls[S]:2: the sheet cannot be read from here on: its last records are missing",
            ),
        ),
        odd(
            "a.xls",
            at(u32::MAX),
            Refused("a.xls[S]: is a workbook that cannot be read: it names a place behind its end"),
        ),
        odd(
            "a.xls",
            at(3),
            Refused("a.xls[S]: is a workbook that cannot be read"),
        ),
        odd(
            "a.xls",
            at(u32::try_from(entry).expect("short") - 4),
            Refused(
                "a.xls[S]: is a workbook that cannot be read: the sheet does not begin where the workbook says",
            ),
        ),
    ]
}

fn versions() -> Vec<Odd> {
    let bytes_label = |row: u16, column: u16, text: &[u8]| {
        let length = u16::try_from(text.len()).expect("short");
        cell(
            0x0204,
            row,
            column,
            [&length.to_le_bytes()[..], text].concat(),
        )
    };
    let biff5 = |job: &[u8]| {
        let header = [bytes_label(0, 0, b"id"), bytes_label(0, 1, b"job")].concat();
        Xls::biff5().sheet(
            "S",
            [header, number(1, 0, 1.0), bytes_label(1, 1, job)].concat(),
        )
    };
    let formula_of = |result: [u8; 8], then: Vec<u8>| {
        let header = [bytes_label(0, 0, b"id"), bytes_label(0, 1, b"job")].concat();
        let records = [header, number(1, 0, 1.0), formula(1, 1, result, 0), then].concat();
        Xls::biff5().sheet("S", records)
    };
    let page = |page: u16| biff5(b"Zo\xeb").with(0x0042, page.to_le_bytes());
    let stream = |content: &[u8]| compound(&[("Workbook", content)]);
    let excel_5_95 = biff5(b"Old");
    vec![
        xls(&biff5(b"Nurse"), Sends(NURSE)),
        xls(&biff5(b"Zo\xeb"), Sends("{\"job\":\"Zo\u{eb}\"}")),
        xls(&page(1250), Sends("{\"job\":\"Zo\u{eb}\"}")),
        xls(&page(1251), Sends("{\"job\":\"Zo\u{43b}\"}")),
        xls(&page(10000), Sends("{\"job\":\"Zo\u{ce}\"}")),
        xls(
            &page(437),
            Refused(
                "a.xls: is a workbook that cannot be read: its texts are in code page 437, which custsync does not know",
            ),
        ),
        xls(
            &formula_of(TEXT, record(0x0207, b"\x05\0Nurse")),
            Sends(NURSE),
        ),
        xls(&formula_of(EMPTY, Vec::new()), Rows(0, 1, NO_RESULT)),
        xls(
            &formula_of(TEXT, record(0x0207, b"\x05\0Nur")),
            Refused("a record of type 0x0207 is too short"),
        ),
        // A file for Excel 95 and 97 has both streams.
        odd(
            "a.xls",
            compound(&[
                ("Book", &excel_5_95.stream()),
                ("Workbook", &book(&nurse()).stream()),
            ]),
            Sends(NURSE),
        ),
        odd(
            "a.xls",
            compound(&[("WORKBOOK", &book(&nurse()).stream())]),
            Sends(NURSE),
        ),
        odd(
            "a.xls",
            stream(&record(0x0409, [0, 0, 0x10, 0, 0, 0])),
            Refused(
                "a.xls: is a workbook in a format before Excel 5: open it in Excel or LibreOffice and save it as .xlsx",
            ),
        ),
        odd(
            "a.xls",
            stream(&record(0x0809, [0, 7, 5, 0, 0, 0, 0, 0])),
            Refused(
                "a.xls: is a workbook that cannot be read: it does not begin as the workbooks of Excel 5 to 2003 do",
            ),
        ),
        odd(
            "a.xls",
            stream(&record(0x0809, [0, 6, 0x10, 0, 0, 0, 0, 0])),
            Refused("it does not begin with a list of its sheets"),
        ),
        odd(
            "a.xls",
            stream(b""),
            Refused("a.xls: is a workbook that cannot be read: it names a place behind its end"),
        ),
        odd(
            "a.xls",
            stream(b"id,job\n1,Nurse\n"),
            Refused("a.xls: is a workbook that cannot be read"),
        ),
        // Records without a compound file around them.
        odd(
            "a.xls",
            b"\x09\0\x04\0\x07\0\x10\0",
            Refused(
                "a.xls: is a workbook in the format of Excel 2 to 4: open it in Excel or LibreOffice and save it as .xlsx",
            ),
        ),
        odd(
            "a.xls",
            b"\x09\x04\x06\0\0\0\x10\0\0\0",
            Refused("a.xls: is a workbook in the format of Excel 2 to 4"),
        ),
        odd(
            "a.xls",
            b"\x09\x08\x08\0\0\0\x10\0\0\0\0\0",
            Refused("a.xls: is a workbook in the format of Excel 2 to 4"),
        ),
        xls(
            &book(&nurse()).with(0x002f, [0; 6]),
            Refused(
                "a.xls: is a workbook (.xls) that is encrypted, with a password or because it is protected: remove both in Excel and save it",
            ),
        ),
    ]
}

fn containers() -> Vec<Odd> {
    let of = |name: &str| compound(&[("\u{5}SummaryInformation", &[0; 80][..]), (name, &[0; 80])]);
    let long = [nurse().concat(), record(0x00ec, [0; 8000])];
    let long = Xls::new().sheet("S", below_header(&long)).stream();
    // The first entry becomes a folder, and the second one what is in it.
    let mut within_a_folder =
        compound(&[("ObjectPool", b""), ("Workbook", &book(&nurse()).stream())]);
    let entry = 512 * (usize::from(within_a_folder[48]) + 1) + 128;
    within_a_folder[entry + 66] = 1;
    within_a_folder[entry + 72..entry + 80].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0]);
    vec![
        odd(
            "a.xlsx",
            of("EncryptedPackage"),
            Refused("a.xlsx: is a workbook that is encrypted with a password: save it without one"),
        ),
        odd(
            "a.xls",
            of("WordDocument"),
            Refused("a.xls: is a Word document (.doc): export its rows as CSV (UTF-8) or NDJSON"),
        ),
        odd(
            "a.doc",
            of("PowerPoint Document"),
            Refused("a.doc: is a PowerPoint document (.ppt): name a file that holds rows"),
        ),
        odd(
            "a.msg",
            of("__properties_version1.0"),
            Refused("a.msg: is an Outlook message (.msg): name a file that holds rows"),
        ),
        odd(
            "a.xls",
            of("Contents"),
            Refused(
                "a.xls: is a compound file (OLE2) without a workbook in it: name a file that holds rows",
            ),
        ),
        odd(
            "a.xls",
            compound_of_large_sectors(&[("Workbook", &book(&nurse()).stream())]),
            Sends(NURSE),
        ),
        odd(
            "a.xls",
            compound_of_large_sectors(&[("Workbook", &long)]),
            Sends(NURSE),
        ),
        // A workbook within another document is not the file's.
        odd(
            "a.doc",
            within_a_folder,
            Refused("a.doc: is a compound file (OLE2) without a workbook in it"),
        ),
        odd(
            "a.xls",
            b"\0\x01\0\0Standard Jet DB\0",
            Refused("a.xls: is an Access database"),
        ),
        // The name says CSV.
        odd("a.csv", book(&nurse()).bytes(), Sends(NURSE)),
    ]
}

/// Files of the right size, but whose sectors are not where they should be.
fn damaged_containers() -> Vec<Odd> {
    let long = below_header(&[nurse().concat(), record(0x00ec, [0; 8000])]);
    let short = book(&nurse()).bytes();
    let long = Xls::new().sheet("S", long).bytes();
    let with = |file: &[u8], at: usize, number: u32| {
        let mut file = file.to_vec();
        file[at..at + 4].copy_from_slice(&number.to_le_bytes());
        file
    };
    let sector = |file: &[u8], field: usize| {
        let number = u32::from_le_bytes(file[field..field + 4].try_into().expect("four bytes"));
        512 * (usize::try_from(number).expect("short") + 1)
    };
    let (directory, table, short_table) =
        (sector(&long, 48), sector(&long, 76), sector(&short, 60));
    let cut = |file: &[u8], bytes: usize| file[..bytes].to_vec();
    let refused = |file: Vec<u8>, message| odd("a.xls", file, Refused(message));
    let cut_off = "a.xls: the workbook is cut off: its end is missing; copy or download it again";
    // A header that names one sector of places, which names itself as the next one.
    let mut ring_of_places = with(&long, 68, 0);
    ring_of_places.resize(64 << 20, 0xff);
    ring_of_places[512 + 508..512 + 512].copy_from_slice(&0u32.to_le_bytes());
    vec![
        odd("a.xls", long.clone(), Sends(NURSE)),
        odd("a.xls", [&long[..], &[0; 700]].concat(), Sends(NURSE)),
        refused(cut(&long, 8), cut_off),
        refused(cut(&long, 700), cut_off),
        refused(cut(&long, long.len() - 700), cut_off),
        refused(
            with(&long, 26, 5),
            "a.xls: is a workbook that cannot be read: as a compound file it is damaged: its sectors have another size than those of the format",
        ),
        refused(
            with(&long, 48, 0xffff_fffe),
            "as a compound file it is damaged: its directory has no root",
        ),
        refused(with(&long, 48, 70_000), cut_off),
        refused(
            with(&long, 76, 0xffff_ffff),
            "its allocation table is too short",
        ),
        // The stream's first sector names itself, nothing, or a sector that does not exist.
        odd(
            "a.xls",
            with(&long, table, 0),
            Refused(
                "a.xls[S]:2: the sheet cannot be read from here on: its last records are missing",
            ),
        ),
        refused(
            with(&long, table, 0xffff_fffe),
            "a chain of its sectors ends too early",
        ),
        refused(with(&long, table, 5000), cut_off),
        // The directory's one sector names itself; its entry names itself, or one that is not there.
        refused(
            with(
                &long,
                table + (directory / 512 - 1) * 4,
                number_of(directory / 512 - 1),
            ),
            "its directory has more than 16384 entries",
        ),
        refused(
            with(&long, directory + 128 + 72, 1),
            "its directory runs in a ring",
        ),
        refused(
            with(&long, directory + 128 + 72, 900),
            "its directory names an entry that does not exist",
        ),
        refused(with(&long, directory + 128 + 120, 0x7fff_ffff), cut_off),
        refused(
            with(&short, short_table, 0xffff_fffe),
            "a chain of its short sectors ends too early",
        ),
        refused(
            with(&short, short_table, 77),
            "a chain of its short sectors ends too early",
        ),
        odd("a.xls", ring_of_places, Sends(NURSE)),
    ]
}

fn number_of(number: usize) -> u32 {
    u32::try_from(number).expect("a short file")
}
