//! A real `LibreOffice` that opens and saves failed rows, as a person does who corrects them. It is not
//! part of the CI's tools, because it is large.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::SheetCell::{Boolean, Date, Error, Inline, Nothing, Number, Text};
use crate::harness::{End, Scenario, SheetCell, Workbook};

/// Opens a file of the scenario in `LibreOffice` and saves it in the folder `saved`, by a filter such
/// as `xlsx`. `false` if `LibreOffice` is not installed.
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
    let name = Path::new(file).file_name().expect("a file");
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
