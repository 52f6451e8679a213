//! Workbooks of binary parts keep the rules of other Excel workbooks.

use crate::excel::{FLAGS, fails_again};
use crate::harness::SheetCell::{Boolean, Date, Error, Inline, Nothing, Number, Text};
use crate::harness::{
    BinaryWorkbook, Scenario, SheetCell, SplitMix64, cell, record, rounds, row_head, wide,
};

fn header() -> Vec<u8> {
    let id = cell(6, 0, 0, &wide("id"));
    [row_head(0, 0), id, cell(6, 1, 0, &wide("job"))].concat()
}

/// A row whose id is its number.
fn row(number: u32, flags: u8) -> Vec<u8> {
    let id = cell(2, 0, 0, &((number << 2) | 2).to_le_bytes());
    [row_head(number, flags), id, cell(6, 1, 0, &wide("Nurse"))].concat()
}

#[test]
fn hidden_rows_of_a_binary_workbook_are_read_and_reported() {
    let rows = [header(), row(1, 0x10), row(2, 0), row(3, 0x1b)];
    let book = BinaryWorkbook::default().sheet_of("S", &rows.concat());
    let scenario = Scenario::new();
    std::fs::create_dir(scenario.path("in")).expect("a folder");
    scenario.write("in/a.XLSB", book.bytes());
    scenario
        .shell("custsync check in --run-dir run")
        .exits(0)
        .prints("records  3 = 3 valid\n")
        .says("in/a.XLSB[S]: 2 filtered or hidden rows are also read\n");
}

#[test]
fn rows_of_any_cells_of_a_binary_workbook_fail_again_in_the_same_way() {
    let header = [
        "id",
        "first_name",
        "email",
        "date_of_birth",
        "Notes",
        "gender",
        "",
        "country_id",
    ];
    let random_cell = |random: &mut SplitMix64| match random.below(12) {
        0..=2 => Nothing,
        3 | 4 => Number(random.pick(&["0", "-0", "84", "84.5", "1701234567", "1e300", "-7"])),
        5 | 6 => Date(random.pick(&[
            "31149",
            "31149.5",
            "0",
            "60",
            "-1",
            "2958466",
            "45000.123456",
        ])),
        7 => Text(random.pick(&["Nurse", "1985-04-12", "=1+1", " x ", "_x0041_", "#N/A"])),
        8 | 9 => {
            Inline(random.pick(&["a@example.com", "Zo\u{eb} \u{1f600}", "a\nb\tc", "8.49E+11"]))
        }
        10 => Boolean(random.happens(50)),
        _ => Error(random.pick(&["#N/A", "#REF!", "#DIV/0!"])),
    };
    let mut failed = 0;
    for seed in 0..rounds(8, 100) {
        let mut random = SplitMix64::new(seed as u64);
        let rows: Vec<Vec<SheetCell>> = (0..40)
            .map(|_| {
                let others: Vec<_> = (0..9).map(|_| random_cell(&mut random)).collect();
                [&[Number("7")], &others[..]].concat()
            })
            .collect();
        let rows: Vec<&[SheetCell]> = rows.iter().map(Vec::as_slice).collect();
        let header = header.map(Inline);
        let rows = [&[&header[..]], &rows[..]].concat();
        let book = BinaryWorkbook::default().sheet("S & T", &rows);
        let (_, count) = fails_again(&book.bytes(), FLAGS);
        failed += count;
    }
    assert!(failed > 100, "{failed} rows failed");
}

/// Whatever a part is, the program ends with rows, or with an error that names the file. The limit of
/// memory is that of all odd inputs.
#[test]
fn any_part_of_a_binary_workbook_ends_in_rows_or_an_error() {
    const PARTS: [&str; 4] = [
        "xl/worksheets/sheet1.bin",
        "xl/sharedStrings.bin",
        "xl/styles.bin",
        "xl/workbook.bin",
    ];
    let rows = [header(), row(1, 0), row(2, 0), row(3, 0)].concat();
    let book = || BinaryWorkbook::default().sheet_of("S", &rows);
    let kinds = [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 19, 44, 47, 62, 145, 146, 153, 156, 157, 617,
    ];
    for seed in 0..rounds(60, 2000) {
        let mut random = SplitMix64::new(seed as u64);
        let part = PARTS[seed % 4];
        let content = match seed % 3 {
            // Arbitrary bytes.
            0 => (0..random.below(2000))
                .map(|_| random.next() as u8)
                .collect(),
            // Good rows with some bytes changed, removed or repeated.
            1 => {
                let mut content = [record(145, &[]), rows.clone(), record(146, &[])].concat();
                for _ in 0..=random.below(6) {
                    let at = random.below(content.len());
                    match random.below(3) {
                        0 => content[at] = random.next() as u8,
                        1 => drop(content.drain(at..(at + 5).min(content.len()))),
                        _ => {
                            let again = content[at..(at + 50).min(content.len())].to_vec();
                            content.splice(at..at, again);
                        }
                    }
                }
                content
            }
            // Records of any content.
            _ => {
                let records = (0..random.below(60)).map(|_| {
                    let content: Vec<u8> = (0..random.below(30))
                        .map(|_| random.next() as u8 & random.next() as u8)
                        .collect();
                    record(random.pick(&kinds), &content)
                });
                let records: Vec<_> = records.collect();
                [record(145, &[]), records.concat(), record(146, &[])].concat()
            }
        };
        let scenario = Scenario::new()
            .file("a.xlsb", book().part(part, content).bytes())
            .through("ulimit -d 65536; exec");
        let end = scenario.check(["--max-errors", "none"]);
        match end.code() {
            0 | 1 => assert!(end.stdout.contains("records "), "{seed}: {}", end.stderr),
            2 => assert!(
                end.stderr.contains("error: a.xlsb"),
                "{seed}: {}",
                end.stderr
            ),
            code => panic!("seed {seed}: exit {code}: {}", end.stderr),
        }
    }
}
