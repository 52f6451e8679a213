//! Failed rows as a workbook: a person corrects them in Excel, and what is not corrected ends as
//! before.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::harness::SheetCell::{Boolean, Date, Error, Inline, Nothing, Number, Text};
use crate::harness::{
    End, Reply, Scenario, SheetCell, SplitMix64, Workbook, part_of, rounds, with_part,
};

const SHEET: &str = "xl/worksheets/sheet1.xml";
const HEADER: &[SheetCell] = &[
    Text("id"),
    Text("first_name"),
    Text("date_of_birth"),
    Text("country_id"),
    Text("phone_number"),
    Text("Notes"),
];

fn scenario(name: &str, content: impl AsRef<[u8]>) -> Scenario {
    Scenario::new()
        .file(name, content)
        .unlimited()
        .sandbox(|_| {})
}

/// The outcome of each row that did not end well, with all of its errors.
fn failures(end: &End) -> Vec<(Value, Value)> {
    let results = end.results();
    let failed = results
        .lines
        .iter()
        .filter(|line| line["outcome"] != "updated");
    failed
        .filter(|line| line["row"].is_number())
        .map(|line| (line["outcome"].clone(), line["errors"].clone()))
        .collect()
}

/// Checks a workbook, then its failed rows, and those again. All end in the same way, and the files
/// of failed rows are the same.
pub(crate) fn fails_again(content: &[u8], flags: [&str; 4]) -> (End, usize) {
    let first = scenario("a.xlsx", content).check(flags);
    let Some(failed) = first.files.get("failed.xlsx") else {
        return (first, 0);
    };
    let second = scenario("b.xlsx", failed).check(flags);
    assert_eq!(failures(&second), failures(&first), "{}", second.stderr);
    let again = second.file("failed.xlsx");
    assert_eq!(part_of(again, SHEET), part_of(failed, SHEET));
    assert!(again == failed, "the whole file is the same");
    let count = failures(&first).len();
    (first, count)
}

pub(crate) const FLAGS: [&str; 4] = ["--ignore", "Notes", "--max-errors", "none"];

#[test]
fn failed_rows_of_a_workbook_are_a_workbook_of_the_same_cells() {
    let workbook = Workbook::default().sheet(
        "Kunden & mehr",
        &[
            HEADER,
            &[
                Number("1"),
                Text("a"),
                Date("31149"),
                Nothing,
                Number("1701234567"),
                Date("31149.25"),
            ],
            &[Number("2"), Text("good"), Nothing, Nothing, Text("0049 1")],
            &[
                Text("3"),
                Date("31149"),
                Number("84.5"),
                Error("#N/A"),
                Inline("=1+1"),
                Text(" x\n<&>\u{eb}_x005F_x0041_"),
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
                Text("x"),
                Nothing,
                Nothing,
                Nothing,
                Nothing,
                Nothing,
                Nothing,
                Text("beside"),
            ],
        ],
    );
    let (end, count) = fails_again(&workbook.bytes(), FLAGS);
    assert_eq!(count, 4);
    assert!(!end.files.contains_key("failed.ndjson"));
    let failed = end.file("failed.xlsx");
    assert!(part_of(failed, "xl/workbook.xml").contains("<sheet name=\"Kunden &amp; mehr\""));
    let sheet = part_of(failed, SHEET);
    let cell = |place: &str, rest: &str| {
        let want = format!("<c r=\"{place}\" {rest}");
        assert!(sheet.contains(&want), "{want} is not in {sheet}");
    };
    let text = |text: &str| {
        format!("s=\"1\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{text}</t></is></c>")
    };
    for (place, name) in [
        ("A1", "custsync_row"),
        ("D1", "custsync_overtaken"),
        ("E1", "id"),
        ("J1", "Notes"),
    ] {
        cell(place, &text(name).replace("s=\"1\"", "s=\"5\""));
    }
    cell("A2", &text("a.xlsx:2"));
    cell("B2", &text("invalid"));
    cell(
        "C2",
        &text(
            "phone_number is a number where text is expected (numbers lose leading zeros): format the column as text and type it again (type)",
        ),
    );
    cell("E2", "s=\"0\" t=\"n\"><v>1</v></c>");
    cell("G2", "s=\"2\" t=\"n\"><v>31149</v></c>");
    cell("I2", "s=\"1\" t=\"n\"><v>1701234567</v></c>");
    cell("J2", "s=\"3\" t=\"n\"><v>31149.25</v></c>");
    cell("A3", &text("a.xlsx:4"));
    cell("E3", &text("3"));
    cell("F3", "s=\"2\" t=\"n\"><v>31149</v></c>");
    cell("G3", "s=\"0\" t=\"n\"><v>84.5</v></c>");
    cell("H3", "s=\"0\" t=\"e\"><v>#N/A</v></c>");
    cell("I3", &text("=1+1"));
    cell("J3", &text(" x&#10;&lt;&amp;&gt;\u{eb}_x005F_x0041_"));
    cell("F4", "s=\"0\" t=\"b\"><v>1</v></c>");
    cell("G4", &text("1985-04-12"));
    cell("I4", &text("00491"));
    cell("J4", "s=\"0\" t=\"n\"><v>0.1</v></c>");
    cell("L5", &text("beside"));
    assert!(!sheet.contains("<f>") && !sheet.contains("good"), "{sheet}");
    assert!(part_of(failed, "xl/styles.xml").contains("<xf numFmtId=\"49\""));
}

#[test]
fn a_workbook_of_failed_rows_is_private_and_goes_with_the_last_failure() {
    let bad: &[&[SheetCell]] = &[&[Text("id"), Text("email")], &[Number("1"), Text("@")]];
    let good: &[&[SheetCell]] = &[
        &[Text("id"), Text("email")],
        &[Number("1"), Text("a@example.com")],
    ];
    let book = |rows| Workbook::default().sheet("S", rows).bytes();
    let scenario = scenario("a.xlsx", book(bad)).umask("000");
    let end = scenario.check([]).exits(1);
    let failed = |end: &End| -> Vec<String> {
        let names = end.files.keys().filter(|name| name.starts_with("failed"));
        names.cloned().collect()
    };
    assert_eq!(failed(&end), ["failed.xlsx"]);
    let mode = std::fs::metadata(scenario.path("run/failed.xlsx"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    for left in [
        "failed.2.xlsx",
        "failed.rows.unfinished",
        "failed.xlsx.unfinished",
    ] {
        scenario.write(&format!("run/{left}"), "of a process that was killed");
    }
    scenario.write("run/failed.corrected.xlsx", "of the user's own");
    scenario.write("a.xlsx", book(good));
    let end = scenario.check([]).exits(0);
    assert_eq!(failed(&end), ["failed.corrected.xlsx"]);
}

#[test]
fn a_corrected_workbook_never_puts_an_old_value_over_a_newer_one() {
    let header: &[SheetCell] = &[Text("id"), Text("email"), Text("job")];
    let book = Workbook::default().sheet(
        "S",
        &[
            header,
            &[Number("7"), Text("old@@example.org"), Text("Nurse")],
            &[Number("7"), Text("new@example.org")],
            &[Number("8"), Text("eva@@example.org")],
        ],
    );
    let scenario = scenario("a.xlsx", book.bytes());
    let end = scenario
        .run(["--max-errors", "none"])
        .exits(1)
        .counts([1, 2, 0, 0, 0]);
    let failed = end.file("failed.xlsx").to_vec();
    assert!(part_of(&failed, SHEET).contains(">email</t></is></c><c r=\"E2\""));
    let url = scenario.url().unwrap();
    let run = |name: &str, change: &dyn Fn(String) -> String| {
        scenario.write(&format!("{name}.xlsx"), with_part(&failed, SHEET, change));
        let line = format!(
            "custsync run {name}.xlsx --run-dir {name} --base-url {url} --rate unlimited --max-errors none --skip-rows 1 --header-row 4 --sheet Other"
        );
        scenario.shell(&line)
    };
    // One of the two rows is corrected: the other fails again, with its place in the first input.
    let end = run("half", &|sheet| sheet.replace("old@@", "old@")).exits(1);
    let end = end.says("header-row").says("sheet").says("skip-rows");
    let bodies: Vec<_> = end
        .ledger
        .0
        .iter()
        .map(|update| update.body.clone())
        .collect();
    assert_eq!(
        bodies,
        [json!({"email": "new@example.org"}), json!({"job": "Nurse"})]
    );
    let again = part_of(&scenario.read("half/failed.xlsx").unwrap(), SHEET);
    assert!(
        again.contains(">a.xlsx:4<") && !again.contains("half.xlsx"),
        "{again}"
    );
    assert_eq!(
        again.matches("custsync_row").count(),
        1,
        "the columns never stack"
    );
    assert_eq!(again.matches("<row ").count(), 2);
    // A name in the column that is none is kept, so that it can be corrected.
    let wrong = run("wrong", &|sheet| {
        sheet.replace(
            ">email</t></is></c><c r=\"E2\"",
            ">emial</t></is></c><c r=\"E2\"",
        )
    });
    wrong.exits(1);
    let again = part_of(&scenario.read("wrong/failed.xlsx").unwrap(), SHEET);
    assert!(
        again.contains("<t xml:space=\"preserve\">emial</t>"),
        "{again}"
    );
}

#[test]
fn columns_keep_the_numbers_of_the_first_workbook() {
    let header: &[SheetCell] = &[Text("id"), Nothing, Text("email")];
    let row: &[SheetCell] = &[Number("1"), Text("a"), Text("@"), Nothing, Text("b")];
    let book = Workbook::default().sheet("S", &[header, row]).bytes();
    let says = |end: &End| end.results().row(1)["errors"].to_string();
    let (first, count) = fails_again(&book, ["--max-errors", "none", "--attempts", "1"]);
    assert_eq!(count, 1);
    assert!(says(&first).contains("column 2,") && says(&first).contains("column 5,"));
    let failed = first.file("failed.xlsx");
    let left_out =
        scenario("b.xlsx", failed).check(["--ignore", "column 2", "--ignore", "column 5"]);
    assert!(
        !says(&left_out).contains("column 2") && !says(&left_out).contains("column 5"),
        "{}",
        says(&left_out)
    );
}

#[test]
fn rejected_rows_that_are_sent_again_leave_the_workbook() {
    let is_over = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&is_over);
    let header: &[SheetCell] = &[Text("id"), Text("job")];
    let rows = [
        header,
        &[Number("1"), Text("Nurse")],
        &[Number("2"), Text("0049")],
        &[Number("3"), Number("1")],
    ];
    let scenario = Scenario::new()
        .file("a.xlsx", Workbook::default().sheet("S", &rows).bytes())
        .unlimited()
        .flags(["--max-errors", "none"])
        .server(move |_| {
            if ends.load(Ordering::SeqCst) {
                Reply::updated()
            } else {
                Reply::error(422, "scripted")
            }
        });
    let places = |end: &End| {
        let sheet = part_of(end.file("failed.xlsx"), SHEET);
        [2, 3, 4].map(|line| sheet.contains(&format!(">a.xlsx:{line}<")))
    };
    let end = scenario.run([]).exits(1).counts([0, 1, 2, 0, 0]);
    assert_eq!(places(&end), [true; 3]);
    is_over.store(true, Ordering::SeqCst);
    let end = scenario.run([]).exits(1).counts([0, 1, 2, 0, 0]);
    assert_eq!(
        places(&end),
        [true; 3],
        "it describes the whole run directory"
    );
    let end = scenario.run(["--retry", "rejected"]).exits(1);
    assert_eq!(places(&end.counts([2, 1, 0, 0, 0])), [false, false, true]);
}

#[test]
fn other_formats_can_be_asked_for() {
    let rows: &[&[SheetCell]] = &[&[Text("id"), Text("job")], &[Number("1"), Number("2")]];
    let book = Workbook::default().sheet("S", rows).bytes();
    let names = |flags: [&str; 2]| -> Vec<String> {
        let end = scenario("a.xlsx", &book).check(flags).exits(1);
        let names = end.files.keys().filter(|name| name.starts_with("failed"));
        names.cloned().collect()
    };
    assert_eq!(names(["--failed-format", "auto"]), ["failed.xlsx"]);
    assert_eq!(names(["--failed-format", "xlsx"]), ["failed.xlsx"]);
    assert_eq!(names(["--failed-format", "excel-csv"]), ["failed.xlsx"]);
    assert_eq!(names(["--failed-format", "ndjson"]), ["failed.ndjson"]);
    let ndjson = scenario("a.ndjson", "{\"id\":1,\"job\":2}\n");
    ndjson.check(["--failed-format", "xlsx"]).exits(2).says(
        "--failed-format xlsx: a.ndjson is NDJSON, and a sheet cannot show whether a value is null, empty or left out",
    );
    assert!(
        ndjson
            .check(["--failed-format", "ndjson"])
            .exits(1)
            .files
            .contains_key("failed.ndjson")
    );
}

#[test]
fn a_workbook_that_cannot_be_written_stops_nothing_else() {
    let rows: &[&[SheetCell]] = &[
        &[Text("id"), Text("job")],
        &[Number("1"), Number("2")],
        &[Number("2"), Text("x")],
    ];
    let book = Workbook::default().sheet("S", rows).bytes();
    for full in ["failed.xlsx.unfinished", "failed.rows.unfinished"] {
        let scenario = scenario("a.xlsx", &book);
        std::fs::create_dir_all(scenario.path("run")).unwrap();
        std::os::unix::fs::symlink("/dev/full", scenario.path(&format!("run/{full}"))).unwrap();
        let end = scenario
            .run(["--max-errors", "none"])
            .exits(5)
            .counts([1, 1, 0, 0, 0]);
        let end = end.says("failed.xlsx");
        assert!(
            !end.files.keys().any(|name| name.starts_with("failed")),
            "{:?}",
            end.files.keys()
        );
    }
}

#[test]
fn rows_of_csv_can_be_corrected_as_text_in_a_workbook() {
    let content = concat!(
        "id;email;phone_number;job;note\n",
        "1;a@@example.org;0049170;=1+1;00\n",
        "2;b@example.org;0049171;x\n",
        "3;c@example.org;0049172;\"x\"y;1\n",
        "4;d@example.org;0049173;good;1\n",
    );
    let flags = [
        "--failed-format",
        "xlsx",
        "--max-errors",
        "none",
        "--ignore",
        "note",
    ];
    let scenario = scenario("a.csv", content);
    let end = scenario.run(flags).exits(1).counts([1, 3, 0, 0, 0]);
    let failed = end.file("failed.xlsx").to_vec();
    let sheet = part_of(&failed, SHEET);
    for text in ["a.csv:2", "0049170", "=1+1", "00", "columns", "quotes"] {
        assert!(
            sheet.contains(&format!(
                "s=\"1\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{text}</t>"
            )),
            "{text}: {sheet}"
        );
    }
    assert!(
        sheet.contains("to send this row after all, remove `columns` from custsync_overtaken"),
        "{sheet}"
    );
    let url = scenario.url().unwrap();
    let run = |name: &str, change: &dyn Fn(String) -> String| {
        scenario.write(&format!("{name}.xlsx"), with_part(&failed, SHEET, change));
        scenario.shell(&format!(
            "custsync run {name}.xlsx --run-dir {name} --base-url {url} --rate unlimited --max-errors none --ignore note"
        ))
    };
    run("same", &|sheet| sheet).exits(1);
    assert_eq!(
        scenario.counts().requests,
        1,
        "a row with too few columns is not sent"
    );
    let marks = |sheet: String| {
        let sheet = sheet
            .replace("@@", "@")
            .replace("preserve\">columns<", "preserve\"><");
        sheet.replace("preserve\">quotes<", "preserve\"><")
    };
    let end = run("corrected", &marks).exits(0);
    assert_eq!(end.ledger.0.len(), 4);
    assert_eq!(
        end.ledger
            .0
            .iter()
            .find(|update| update.id == 1)
            .unwrap()
            .body,
        json!({"email": "a@example.org", "phone_number": "0049170", "job": "=1+1"})
    );
}

#[test]
fn a_text_that_is_too_long_for_a_cell_is_never_sent_cut() {
    let long = "x".repeat(40_000);
    let scenario = scenario("a.csv", format!("id,email,identity_number\n1,@,{long}\n"));
    let end = scenario.check(["--failed-format", "xlsx"]).exits(1);
    let sheet = part_of(end.file("failed.xlsx"), SHEET);
    assert!(sheet.contains(&format!(">{}<", &long[..32_767])));
    let good = with_part(end.file("failed.xlsx"), SHEET, |sheet| {
        sheet.replace(">@<", ">a@example.org<")
    });
    let again = self::scenario("b.xlsx", good).check([]).exits(1);
    assert!(
        again.results().row(1)["errors"]
            .to_string()
            .contains("too_long"),
        "{}",
        again.stdout
    );
}

#[test]
fn failed_rows_of_a_workbook_take_little_memory() {
    let row = format!("x,{}\n", "Nurse and more ".repeat(400));
    let scenario = scenario("a.csv", format!("id,job\n{}", row.repeat(15_000)))
        .through("ulimit -d 65536; exec");
    let (finished, peak_kib) = scenario
        .start_check(["--max-errors", "none", "--failed-format", "xlsx"])
        .finish_with_peak();
    assert_eq!(
        finished.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&finished.stderr)
    );
    assert!(peak_kib < 64 << 10, "{peak_kib} KiB");
    let bytes = scenario.read("run/failed.xlsx").expect("failed rows");
    assert!(part_of(&bytes, SHEET).ends_with("</row></sheetData></worksheet>"));
}

/// A spreadsheet program opens CSV in the encoding of its country, turns digits into numbers and
/// dates into the country's form, and saves what it shows.
#[test]
fn text_that_a_spreadsheet_damaged_is_reported_before_the_first_request() {
    let content =
        "id,first_name,email,phone_number,date_of_birth\n1,Zo\u{eb},@,00491701234567,1985-04-12\n";
    let failed = scenario("a.csv", content).check([]).exits(1);
    let failed = String::from_utf8(failed.file("failed.csv").to_vec())
        .unwrap()
        .replace(",@,", ",a@example.org,");
    let latin_1 =
        |text: &str| -> Vec<u8> { text.chars().map(|character| character as u8).collect() };
    let misread: String = failed.bytes().map(char::from).collect();
    let check = |content: Vec<u8>, says: &str, ended: [u64; 5]| {
        let end = scenario("b.csv", content).run(["--max-errors", "none"]);
        let end = end.counts(ended).says(says);
        let (warned, sent) = (end.stderr.find(says), end.stderr.find("recording in"));
        assert!(warned < sent, "{}", end.stderr);
    };
    check(
        latin_1(&failed),
        "b.csv holds failed rows, but it is not UTF-8: if a spreadsheet",
        [0, 1, 0, 0, 0],
    );
    check(
        misread.into_bytes(),
        "first_name mojibake in 1 row",
        [1, 0, 0, 0, 0],
    );
    let shown = failed
        .replace("00491701234567", "4.91702E+11")
        .replace("1985-04-12", "12.04.1985");
    let end = scenario("b.csv", shown)
        .run(["--max-errors", "none"])
        .exits(1)
        .counts([0, 1, 0, 0, 0]);
    let errors = end.results().row(1)["errors"].to_string();
    assert!(
        errors.contains("damaged") && errors.contains("--date-format"),
        "{errors}"
    );
}

/// A cell's XML, of any kind that a program writes.
fn random_cell(place: &str, random: &mut SplitMix64) -> String {
    const NUMBERS: [&str; 12] = [
        "0",
        "-0",
        "1",
        "84",
        "1042",
        "84.5",
        "1701234567",
        "0.1",
        "1e3",
        "123456789012345678",
        "-7",
        "1e300",
    ];
    const DAYS: [&str; 11] = [
        "31149",
        "31149.5",
        "31149.999999",
        "0",
        "60",
        "59",
        "1",
        "-1",
        "2958465",
        "2958466",
        "45000.123456",
    ];
    const TEXTS: [&str; 16] = [
        "Nurse",
        "1985-04-12",
        "1985-04-12T10:00:00Z",
        "12.04.1985",
        "0049 170 1",
        "=1+1",
        "'x",
        " x ",
        "  ",
        "a@example.com",
        "Zo\u{eb} \u{1f600}",
        "_x0041_ _x00",
        "a&#10;b&#9;c",
        "#N/A",
        "8.49E+11",
        "&lt;b&gt; &amp;amp;",
    ];
    const ERRORS: [&str; 4] = ["#N/A", "#REF!", "#DIV/0!", "#SPILL!"];
    const DATES: [&str; 4] = [
        "1985-04-12",
        "1985-04-12T10:00:00",
        "1850-01-01",
        "1985-04-12T10:00:00+02:00",
    ];
    match random.below(14) {
        0..=3 => String::new(),
        4 | 5 => format!("<c r=\"{place}\"><v>{}</v></c>", random.pick(&NUMBERS)),
        6 | 7 => format!("<c r=\"{place}\" s=\"1\"><v>{}</v></c>", random.pick(&DAYS)),
        8..=10 => format!(
            "<c r=\"{place}\" t=\"str\"><v>{}</v></c>",
            random.pick(&TEXTS)
        ),
        11 => format!("<c r=\"{place}\" t=\"b\"><v>{}</v></c>", random.below(2)),
        12 => format!(
            "<c r=\"{place}\" t=\"e\"><v>{}</v></c>",
            random.pick(&ERRORS)
        ),
        _ => format!(
            "<c r=\"{place}\" t=\"d\"><v>{}</v></c>",
            random.pick(&DATES)
        ),
    }
}

/// A workbook of random cells, of either date system.
fn random_workbook(random: &mut SplitMix64) -> Vec<u8> {
    let names = [
        "id",
        "first_name",
        "email",
        "date_of_birth",
        "Notes",
        "gender",
        "phone_number",
        "",
        "country_id",
        "address",
    ];
    let mut xml = String::from("<row r=\"1\">");
    for (column, name) in ('A'..='Z').zip(names) {
        write!(xml, "<c r=\"{column}1\" t=\"str\"><v>{name}</v></c>").unwrap();
    }
    xml.push_str("</row>");
    for row in 2..40 {
        write!(xml, "<row r=\"{row}\">").unwrap();
        for column in 'A'..='L' {
            // Most rows have an id, and nothing beside the header.
            let place = format!("{column}{row}");
            match column {
                'A' if !random.happens(10) => {
                    write!(xml, "<c r=\"{place}\"><v>{row}</v></c>").unwrap();
                }
                'H' | 'K' | 'L' if !random.happens(5) => {}
                _ => xml.push_str(&random_cell(&place, random)),
            }
        }
        xml.push_str("</row>");
    }
    let main = format!(
        "<workbook><workbookPr date1904=\"{}\"/><sheets><sheet name=\"S\" sheetId=\"1\" id=\"rId1\"/></sheets></workbook>",
        random.below(2)
    );
    Workbook::default()
        .sheet_of("S", &xml)
        .part("xl/workbook.xml", main)
        .bytes()
}

#[test]
fn rows_of_any_cells_fail_again_in_the_same_way() {
    const RULES: [[&str; 4]; 4] = [
        FLAGS,
        ["--ignore", "Notes", "--empty", "null"],
        ["--ignore", "Notes", "--date-format", "%d.%m.%Y"],
        ["--ignore", "Notes", "--trim", "--max-errors=none"],
    ];
    let mut failed = 0;
    for seed in 0..rounds(12, 200) {
        let mut random = SplitMix64::new(seed as u64);
        let workbook = random_workbook(&mut random);
        let (_, count) = fails_again(&workbook, random.pick(&RULES));
        failed += count;
    }
    assert!(failed > 100, "{failed} rows failed");
}
