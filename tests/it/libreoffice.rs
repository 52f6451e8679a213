//! A real `LibreOffice` that opens and saves failed rows, as a person does who corrects them. It is not
//! part of the CI's tools, because it is large.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::SheetCell::{Boolean, Date, Error, Inline, Nothing, Number, Text};
use crate::harness::{BinaryWorkbook, End, Scenario, SheetCell, SplitMix64, Workbook};

/// Opens a file of the scenario in `LibreOffice` and saves it in the folder `saved`, by a filter that
/// begins with the extension, such as `xlsx`. `false` if `LibreOffice` is not installed.
#[expect(
    clippy::print_stderr,
    reason = "a test that tests nothing has to say so"
)]
fn save(scenario: &Scenario, file: &str, filters: [&str; 2]) -> bool {
    let [input, output] = filters;
    let profile = format!(
        "-env:UserInstallation=file://{}",
        scenario.path("profile").display()
    );
    let mut command = Command::new("soffice");
    command.args([&profile, "--headless", "--convert-to", output, "--outdir"]);
    command.args([scenario.path("saved"), scenario.path(file)]);
    if !input.is_empty() {
        command.arg(format!("--infilter={input}"));
    }
    let saved = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    let Ok(status) = saved else {
        eprintln!("LibreOffice is not installed: not tested");
        return false;
    };
    let (extension, _) = output.split_once(':').unwrap_or((output, ""));
    let name = Path::new(file).with_extension(extension);
    let name = name.file_name().expect("a file");
    assert!(
        status.success() && scenario.path("saved").join(name).exists(),
        "{file} is not saved"
    );
    true
}

/// The outcome and the errors of each row that failed.
fn failures(end: &End) -> Vec<(Value, Value)> {
    let results = end.results();
    let rows = results.lines.iter().filter(|line| line["row"].is_number());
    rows.map(|line| (line["outcome"].clone(), line["errors"].clone()))
        .collect()
}

const FLAGS: &str = "--ignore Notes --max-errors none";

#[test]
fn libreoffice_changes_no_cell_of_failed_rows() {
    let header: &[SheetCell] = &[
        Text("id"),
        Text("first_name"),
        Text("date_of_birth"),
        Text("country_id"),
        Text("phone_number"),
        Text("Notes"),
    ];
    let rows: &[&[SheetCell]] = &[
        header,
        &[
            Number("1"),
            Text("a"),
            Date("31149"),
            Nothing,
            Number("1701234567"),
            Date("31149.25"),
        ],
        &[
            Text("3"),
            Date("31149"),
            Number("84.5"),
            Error("#N/A"),
            Inline("=1+1"),
            Text(" x\n<&>\u{eb}_x005F_x0041_ "),
        ],
        &[
            Number("4"),
            Boolean(true),
            Text("1985-04-12"),
            Nothing,
            Text("00491"),
            Number("0.1"),
        ],
        &[
            Text("x5"),
            Text("TRUE"),
            Text("12.04.1985"),
            Text("084"),
            Text("+49 1"),
            Text("3-4"),
        ],
        &[
            Text("x6"),
            Text("'x"),
            Date("60"),
            Number("1e3"),
            Text("8.49E+11"),
            Text("#N/A"),
        ],
        &[
            Text("x7"),
            Nothing,
            Nothing,
            Nothing,
            Nothing,
            Nothing,
            Nothing,
            Text("beside"),
        ],
    ];
    let book = Workbook::default().sheet("Kunden & mehr", rows).bytes();
    let scenario = Scenario::new().file("a.xlsx", book);
    let first = scenario
        .shell(&format!("custsync check a.xlsx --run-dir run {FLAGS}"))
        .exits(1);
    assert_eq!(failures(&first).len(), 6);
    if !save(&scenario, "run/failed.xlsx", ["", "xlsx"]) {
        return;
    }
    let line = format!("custsync check saved/failed.xlsx --run-dir again {FLAGS}");
    scenario.shell(&line).exits(1);
    let cells = |run_dir: &str| {
        let failed = scenario
            .read(&format!("{run_dir}/failed.xlsx"))
            .expect("failed rows");
        crate::harness::part_of(&failed, "xl/worksheets/sheet1.xml")
    };
    assert_eq!(
        cells("again"),
        cells("run"),
        "cells and reasons are the same"
    );
}

/// Excel opens CSV with a byte order mark as UTF-8. `LibreOffice` is told all that it asks for: `;`,
/// quotes, UTF-8, and each column as text.
#[test]
fn libreoffice_changes_no_value_of_failed_csv_whose_columns_are_text() {
    let rows = "id;first_name;email;phone_number;job\n1;Zo\u{eb};@;00491;=1+1\n2;\u{141}ukasz;@;0170 1;\"a \"\"b\"\"\"\n";
    let scenario = Scenario::new().file("a.csv", rows);
    let check = |file: &str, run_dir: &str| {
        let flags = "--failed-format excel-csv --max-errors none";
        scenario
            .shell(&format!(
                "custsync check {file} --run-dir {run_dir} {flags}"
            ))
            .exits(1);
        scenario
            .read(&format!("{run_dir}/failed.csv"))
            .expect("failed rows")
    };
    let before = check("a.csv", "run");
    let texts: Vec<_> = (1..=9).map(|column| format!("{column}/2")).collect();
    let options = format!("59,34,76,1,{}", texts.join("/"));
    let (input, output) = (
        format!("CSV:{options}"),
        "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,true,false".to_owned(),
    );
    if !save(&scenario, "run/failed.csv", [&input, &output]) {
        return;
    }
    let after = check("saved/failed.csv", "again");
    assert_eq!(
        String::from_utf8_lossy(&after),
        String::from_utf8_lossy(&before)
    );
}

/// Returns what `check` explains of each row, without the name of the file.
fn explained(scenario: &Scenario, file: &str) -> String {
    let end = scenario.shell(&format!(
        "custsync check {file} --run-dir {file}.run --explain 1000 {FLAGS}"
    ));
    let rows = end.stdout.split_once("\nrecords ");
    let (rows, _) = rows.unwrap_or_else(|| panic!("{}", end.stderr));
    rows.replace(file, "FILE")
}

/// The part that a workbook needs for `LibreOffice`.
const TYPES: &str = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/><Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/><Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/><Override PartName=\"/xl/worksheets/sheet2.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/><Override PartName=\"/xl/sharedStrings.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml\"/><Override PartName=\"/xl/styles.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml\"/></Types>";

/// Random rows below a header.
fn random_rows() -> Vec<Vec<SheetCell>> {
    let header = [
        "id",
        "first_name",
        "date_of_birth",
        "country_id",
        "address",
        "Notes",
    ];
    let mut random = SplitMix64::new(7);
    let rows = (0..200).map(|_| (0..6).map(|_| random_cell(&mut random)).collect());
    std::iter::once(header.map(Text).to_vec())
        .chain(rows)
        .collect()
}

/// The cells of a workbook, and those of the file that `LibreOffice` saves it as by this filter, are
/// read alike.
fn is_read_alike(file: &str, content: &[u8], filter: &str) {
    let scenario = Scenario::new().file(file, content);
    if !save(&scenario, file, ["", filter]) {
        return;
    }
    let (extension, _) = filter.split_once(':').unwrap_or((filter, ""));
    let (first, second) = (
        explained(&scenario, file),
        explained(&scenario, &format!("saved/a.{extension}")),
    );
    assert!(first.matches("\nrow ").count() > 150, "{first}");
    // The kinds hold a date in different forms, so only what is sent of it is compared.
    let sent = |line: &str| match line.split_once(" \u{2192} ") {
        Some((cell, sent)) if cell.contains("\"date\"") || sent.starts_with("date_of_birth") => {
            sent.to_owned()
        }
        _ if line.ends_with(" is ignored") => String::new(),
        _ => line.to_owned(),
    };
    for (one, other) in first.lines().zip(second.lines()) {
        assert_eq!(sent(one), sent(other));
    }
}

/// A cell that `LibreOffice` does not change.
fn random_cell(random: &mut SplitMix64) -> SheetCell {
    const TEXTS: [&str; 13] = [
        "Nurse",
        "1985-04-12",
        "0049 170 1",
        "=1+1",
        " two  spaces ",
        "  ",
        "a\nb\n\nc",
        "a@example.com",
        "Zo\u{eb} \u{1f600} <b> & \"c\"",
        "#N/A",
        "8.49E+11",
        "TRUE",
        "84",
    ];
    match random.below(10) {
        0 => Nothing,
        1..=3 => Text(random.pick(&TEXTS)),
        4 => Inline(random.pick(&TEXTS)),
        5 | 6 => Number(random.pick(&["0", "1", "84", "84.5", "1701234567", "0.1", "-7", "1e300"])),
        7 => Date(random.pick(&["31149", "31149.5", "45000.25", "61", "0.5", "2958465"])),
        8 => Boolean(random.happens(50)),
        _ => Error(random.pick(&["#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!"])),
    }
}

#[test]
fn a_file_of_libreoffice_is_read_as_the_workbook_that_it_was() {
    let rows = random_rows();
    let rows: Vec<&[SheetCell]> = rows.iter().map(Vec::as_slice).collect();
    let kinds = [
        ("worksheet", "worksheets/sheet1.xml"),
        ("worksheet", "worksheets/sheet2.xml"),
        ("sharedStrings", "sharedStrings.xml"),
        ("styles", "styles.xml"),
    ];
    let relations = (1..).zip(kinds).map(|(number, (kind, part))| {
        format!("<Relationship Id=\"rId{number}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}\" Target=\"{part}\"/>")
    });
    let relations: Vec<_> = relations.collect();
    let relations = format!(
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{}</Relationships>",
        relations.concat()
    );
    let book = Workbook::default()
        .sheet("S & co", &rows)
        .sheet("T", &[])
        .part("[Content_Types].xml", TYPES)
        .part("xl/_rels/workbook.xml.rels", relations);
    is_read_alike("a.xlsx", &book.bytes(), "ods");
    is_read_alike("a.xlsx", &book.bytes(), "xls:MS Excel 97");
}

/// `LibreOffice` is the second opinion on workbooks of binary parts, which it reads and does not
/// write.
#[test]
fn libreoffice_reads_a_binary_workbook_in_the_same_way() {
    let rows = random_rows();
    let rows: Vec<&[SheetCell]> = rows.iter().map(Vec::as_slice).collect();
    let book = BinaryWorkbook::default()
        .sheet("S & co", &rows)
        .sheet("T", &[]);
    is_read_alike("a.xlsb", &book.bytes(), "ods");
}

/// A person who works with `LibreOffice` may save the corrected rows as its own kind of file.
#[test]
fn failed_rows_that_libreoffice_saves_as_a_spreadsheet_fail_in_the_same_way() {
    let rows = random_rows();
    let rows: Vec<&[SheetCell]> = rows.iter().map(Vec::as_slice).collect();
    let book = BinaryWorkbook::default().sheet("S & co", &rows);
    let scenario = Scenario::new().file("a.xlsb", book.bytes());
    let check = |file: &str, run_dir: &str| {
        scenario
            .shell(&format!(
                "custsync check {file} --run-dir {run_dir} {FLAGS}"
            ))
            .exits(1)
    };
    let first = check("a.xlsb", "run");
    if !save(&scenario, "run/failed.xlsx", ["", "ods"]) {
        return;
    }
    let again = check("saved/failed.ods", "again");
    let (first, again) = (failures(&first), failures(&again));
    assert!(first.len() > 150, "{}", first.len());
    for (one, other) in first.iter().zip(&again) {
        assert_eq!(one, other);
    }
    assert_eq!(first.len(), again.len());
    let places = |file: &str| {
        let failed = scenario.read(file).expect("failed rows");
        let cells = crate::harness::part_of(&failed, "xl/worksheets/sheet1.xml");
        cells.matches(">a.xlsb:").count()
    };
    assert_eq!(
        places("again/failed.xlsx"),
        first.len(),
        "of the first input"
    );
}
