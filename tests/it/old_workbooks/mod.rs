//! Workbooks of Excel 5 to 2003 (`.xls`), also of the programs that write them today. Those here
//! were made by xlwt 1.3.0 (pandas' writer), `Spreadsheet::WriteExcel` 2.40 (Perl), `LibreOffice`
//! 7.4 and Gnumeric 1.12 (`excel_biff7`, the format of Excel 95).

use serde_json::{Value, json};

use crate::harness::xls::{Xls, cell, label, number, record, styled, text};
use crate::harness::{End, Scenario, SplitMix64, part_of, rounds};

const XLWT: &[u8] = include_bytes!("xlwt.xls");
const WRITE_EXCEL: &[u8] = include_bytes!("writeexcel.xls");
const LIBREOFFICE: &[u8] = include_bytes!("libreoffice.xls");
const GNUMERIC: &[u8] = include_bytes!("gnumeric-biff5.xls");

fn scenario(content: impl AsRef<[u8]>) -> Scenario {
    Scenario::new()
        .file("a.xls", content)
        .unlimited()
        .sandbox(|_| {})
}

/// What was sent, by customer.
fn sent(end: &End) -> Vec<(u64, Value)> {
    let updates = end.ledger.0.iter();
    let mut sent: Vec<_> = updates
        .map(|update| (update.id, update.body.clone()))
        .collect();
    sent.sort_by_key(|(id, _)| *id);
    sent
}

/// The place, fields and messages of the rows that were not sent.
fn faults(end: &End) -> Vec<String> {
    let results = end.results();
    let mut faults = Vec::new();
    for line in &results.lines {
        for error in line["errors"].as_array().into_iter().flatten() {
            let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
            faults.push(format!(
                "{} {}: {}",
                line["line"],
                text("field"),
                text("message")
            ));
        }
    }
    faults
}

/// Runs a workbook that a program has written.
fn real(content: &[u8]) -> End {
    scenario(content).run(["--max-errors", "none"]).exits(1)
}

const SHEET: &str = "xl/worksheets/sheet1.xml";
const NO_RESULT: &str = "is a formula without a stored result: open the file in Excel and save it";
const NUMBER: &str = "is a number where text is expected (numbers lose leading zeros): format the column as text and type it again";
const BORN: &str = "1985-04-12T00:00:00Z";

#[test]
fn a_workbook_of_xlwt_is_read() {
    let end = real(XLWT)
        .prints("a.xls read as workbook, sheet `Kunden \u{141}`; not read: `Codes` (hidden)\n")
        .says("a.xls[Kunden \u{141}]: 1 filtered or hidden row is also read");
    assert_eq!(
        sent(&end),
        [
            (
                1,
                json!({"job": "Nurse", "date_of_birth": BORN, "phone_number": "0049", "country_id": 84})
            ),
            (
                2,
                json!({"job": "Zo\u{eb} \u{141} \u{1f600}", "date_of_birth": "1985-04-12T06:30:00Z", "phone_number": "0170", "country_id": 85})
            ),
        ]
    );
    // Its longest text goes on in a second record.
    assert_eq!(
        faults(&end),
        [
            format!("4 job: {NO_RESULT}"),
            format!("5 phone_number: {NUMBER}"),
            "5 country_id: is not a whole number".to_owned(),
            "5 job: is true or false where text is expected".to_owned(),
            "6 job: has more than 255 characters".to_owned(),
        ]
    );
    let Some(failed) = end.files.get("failed.xlsx") else {
        panic!("{:?}", end.files.keys());
    };
    let sheet = part_of(failed, SHEET);
    assert!(sheet.contains(&format!(">{}<", "x".repeat(8300))));
}

#[test]
fn a_workbook_of_a_script_that_writes_cells_in_any_order_is_read() {
    let end = real(WRITE_EXCEL).says("a.xls[S]: 1 filtered or hidden row is also read");
    assert_eq!(
        sent(&end),
        [
            (1, json!({"job": "Nurse", "date_of_birth": BORN})),
            (3, json!({"job": "Zo\u{eb} \u{141}"})),
        ]
    );
    assert_eq!(faults(&end), [format!("3 job: {NO_RESULT}")]);
}

#[test]
fn a_workbook_of_libreoffice_is_read() {
    let end = real(LIBREOFFICE);
    assert_eq!(
        sent(&end),
        [(
            1,
            json!({"job": "Nurse", "date_of_birth": BORN, "phone_number": "00491", "country_id": 84})
        )]
    );
    assert_eq!(
        faults(&end),
        [
            "3 country_id: is not a whole number",
            "4 job: is the spreadsheet error #DIV/0! where text is expected",
            "5 country_id: is the spreadsheet error #N/A where a whole number is expected",
            "5 job: is true or false where text is expected",
        ]
    );
}

#[test]
fn a_workbook_of_excel_95_is_read() {
    let end = real(GNUMERIC);
    assert_eq!(
        sent(&end),
        [
            (1, json!({"job": "Nurse", "date_of_birth": BORN})),
            (2, json!({"job": "A", "date_of_birth": BORN})),
            (3, json!({"job": "Zo\u{eb}"})),
            (4, json!({"date_of_birth": BORN})),
        ]
    );
    assert_eq!(
        faults(&end),
        ["6 job: is the spreadsheet error #DIV/0! where text is expected"]
    );
}

#[test]
fn failed_rows_of_an_old_workbook_fail_again_in_the_same_way() {
    for content in [XLWT, WRITE_EXCEL, LIBREOFFICE, GNUMERIC] {
        let first = scenario(content).check(["--max-errors", "none"]).exits(1);
        let failed = first.file("failed.xlsx");
        let again = Scenario::new().file("failed.xlsx", failed);
        let again = again.check(["--max-errors", "none"]).exits(1);
        // A formula without a result becomes an error that a workbook can hold.
        let messages = |end: &End| {
            let faults = faults(end).into_iter();
            let faults = faults.map(|fault| fault.split_once(' ').expect("a line").1.to_owned());
            let value = "is the spreadsheet error #VALUE! where text is expected";
            faults
                .map(|fault| fault.replace(NO_RESULT, value))
                .collect::<Vec<_>>()
        };
        assert_eq!(messages(&again), messages(&first));
        let sheet = |end: &End| part_of(end.file("failed.xlsx"), SHEET);
        assert_eq!(
            sheet(&again),
            sheet(&first).replace(
                NO_RESULT,
                "is the spreadsheet error #VALUE! where text is expected"
            )
        );
    }
}

#[test]
fn an_old_workbook_must_be_a_file() {
    let scenario = Scenario::new().stdin(XLWT);
    let end = scenario.custsync(["check", "-"]).exits(2);
    end.says("standard input: is an Excel workbook (.xls) or another Office document, which can be read only from an uncompressed file, not from a pipe: write it to a file first");
}

/// A sheet as Excel writes it: blocks of 32 rows, with the settings of the rows first.
fn sheet_in_blocks(rows: u16) -> Vec<u8> {
    let mut sheet = [
        label(0, 0, "id"),
        label(0, 1, "job"),
        label(0, 2, "address"),
    ]
    .concat();
    for block in (1..rows).step_by(32) {
        let of_block = block..rows.min(block.saturating_add(32));
        for row in of_block.clone() {
            sheet.extend(record(0x0208, [&row.to_le_bytes()[..], &[0; 14]].concat()));
        }
        for row in of_block {
            sheet.extend(number(row, 0, f64::from(row)));
            sheet.extend(cell(0x00fd, row, 1, u32::from(row).to_le_bytes()));
            sheet.extend(label(row, 2, &"x".repeat(40)));
        }
        sheet.extend(record(0x00d7, [0; 8]));
    }
    sheet
}

/// Every row that the format has, each with a shared string of its own.
#[test]
fn the_largest_sheet_is_checked_in_little_memory() {
    let texts = (0..u32::from(u16::MAX)).map(|row| text(&format!("job {row}")));
    let texts: Vec<_> = texts.collect();
    let (mut book, mut content) = (Xls::new(), [u32::MAX; 2].map(u32::to_le_bytes).concat());
    let mut kind = 0x00fc;
    for texts in texts.chunks(300) {
        content.extend(texts.concat());
        book = book.with(kind, std::mem::take(&mut content));
        kind = 0x003c;
    }
    let scenario = scenario(book.sheet("S", sheet_in_blocks(u16::MAX)).bytes());
    let (finished, peak_kib) = scenario.start_check([]).finish_with_peak();
    let stdout = String::from_utf8_lossy(&finished.stdout);
    assert!(stdout.contains("All 65,534 rows can be sent."), "{stdout}");
    assert!(peak_kib < 64 << 10, "{peak_kib} KiB");
}

/// A real workbook with bytes changed, cut off and repeated ends within its memory limit, in rows or
/// in an error with exit 2.
#[test]
fn a_damaged_workbook_ends_in_rows_or_an_error() {
    const FILES: [&[u8]; 4] = [XLWT, WRITE_EXCEL, LIBREOFFICE, GNUMERIC];
    let mut refused = 0;
    for seed in 0..rounds(40, 2000) {
        let mut random = SplitMix64::new(seed as u64);
        let mut content = random.pick(&FILES).to_vec();
        for _ in 0..=random.below(8) {
            let at = random.below(content.len());
            let any = (random.next() & 0xff) as u8;
            content[at] = random.pick(&[0, 1, 0x7f, 0xfe, 0xff, any]);
        }
        if random.happens(10) {
            content.truncate(random.below(content.len()));
        }
        let scenario = Scenario::new()
            .file("a.xls", &content)
            .through("ulimit -d 65536; exec");
        let end = scenario.check(["--max-errors", "none"]);
        assert!([0, 1, 2].contains(&end.code()), "{seed}: {}", end.stderr);
        if end.code() == 2 {
            assert!(
                end.stderr.contains("error: a.xls"),
                "{seed}: {}",
                end.stderr
            );
            refused += 1;
        }
    }
    assert!(refused > 0);
}

/// A date of a workbook that counts from 1904 is the same day in its failed rows.
#[test]
fn dates_from_1904_stay_the_same_days() {
    let header = [
        label(0, 0, "id"),
        label(0, 1, "job"),
        label(0, 2, "date_of_birth"),
    ]
    .concat();
    let day = styled(0x0203, 1, 2, 1, 29687.0f64.to_le_bytes());
    let book = Xls::new().with(0x0022, [1, 0]);
    let row = [number(1, 0, 1.0), number(1, 1, 5.0), day].concat();
    let book = book.sheet("S", [header, row].concat());
    let end = scenario(book.bytes()).check([]).exits(1);
    assert_eq!(faults(&end), [format!("2 job: {NUMBER}")]);
    let sheet = part_of(end.file("failed.xlsx"), SHEET);
    assert!(sheet.contains("<v>31149</v>"), "{sheet}");
}
