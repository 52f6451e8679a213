//! Workbooks are read like CSV, and values that a spreadsheet has changed are errors that explain
//! it.

use serde_json::{Value, json};

use crate::harness::SheetCell::{Boolean, Date, Error, Inline, Nothing, Number, Text};
use crate::harness::{End, Scenario, SheetCell, Workbook, zip_of};

fn sent(end: &End) -> Vec<(u64, Value)> {
    end.ledger
        .0
        .iter()
        .map(|update| (update.id, update.body.clone()))
        .collect()
}

fn scenario(workbook: &Workbook) -> Scenario {
    Scenario::new()
        .file("a.xlsx", workbook.bytes())
        .sandbox(|_| {})
}

const HEADER: &[SheetCell] = &[
    Text("id"),
    Text("first_name"),
    Text("date_of_birth"),
    Inline("country_id"),
    Text("phone_number"),
    Text("Notes"),
];

#[test]
fn a_sheet_is_read_like_csv() {
    let workbook = Workbook::default().sheet(
        "Customers",
        &[
            &[],
            HEADER,
            &[
                Number("1042"),
                Text("Zoë \"Z\""),
                Date("31149"),
                Number("84"),
                Text("0170 1"),
                Text("x"),
            ],
            &[],
            &[
                Text("0043"),
                Inline("Bo & Co"),
                Date("31149.5"),
                Text("084"),
                Text("+1"),
                Nothing,
            ],
            &[
                Number("44.0"),
                Nothing,
                Text("1985-04-12"),
                Nothing,
                Inline(""),
            ],
        ],
    );
    let scenario = scenario(&workbook);
    let end = scenario
        .run(["--ignore", "Notes", "--max-in-flight", "1"])
        .exits(0)
        .prints("a.xlsx read as workbook, sheet `Customers`\n");
    assert_eq!(
        sent(&end),
        [
            (
                1042,
                json!({"first_name": "Zoë \"Z\"", "phone_number": "0170 1", "date_of_birth": "1985-04-12T00:00:00Z", "country_id": 84})
            ),
            (
                43,
                json!({"first_name": "Bo & Co", "phone_number": "+1", "date_of_birth": "1985-04-12T12:00:00Z", "country_id": 84})
            ),
            (44, json!({"date_of_birth": "1985-04-12T00:00:00Z"})),
        ]
    );
    let lines: Vec<_> = (1..=3)
        .map(|row| end.results().row(row)["line"].clone())
        .collect();
    assert_eq!(
        lines,
        [3, 5, 6].map(|line| json!(line)),
        "a line is a row of the sheet"
    );
    scenario
        .run(["--ignore", "Notes"])
        .exits(0)
        .prints("Nothing left to send: ");
}

#[test]
fn a_value_that_a_spreadsheet_changed_is_an_error() {
    let workbook = Workbook::default().sheet(
        "Sheet1",
        &[
            HEADER,
            &[
                Number("1"),
                Text("a"),
                Nothing,
                Nothing,
                Number("1701234567"),
            ],
            &[Number("2"), Date("31149"), Nothing, Nothing, Nothing],
            &[Number("3"), Boolean(true), Nothing, Nothing, Nothing],
            &[Number("4"), Error("#N/A"), Nothing, Number("84.5"), Nothing],
            &[
                Number("1234567890123456789"),
                Text("a"),
                Nothing,
                Nothing,
                Nothing,
            ],
            &[
                Number("6"),
                Text("a"),
                Nothing,
                Nothing,
                Nothing,
                Nothing,
                Text("beside"),
            ],
            &[Number("7"), Text("a"), Number("31149"), Nothing, Nothing],
        ],
    );
    let end = scenario(&workbook)
        .run([
            "--ignore",
            "Notes",
            "--max-errors",
            "none",
            "--failed-format",
            "ndjson",
        ])
        .exits(1)
        .counts([0, 7, 0, 0, 0]);
    let check = |row: u64, field: &str, code: &str, message: &str| {
        let errors = end.results().row(row)["errors"].clone();
        let found = errors.as_array().unwrap().iter().any(|error| {
            error["field"] == field
                && error["code"] == code
                && error["message"].as_str().unwrap().starts_with(message)
        });
        assert!(found, "row {row}: {errors}");
    };
    let retype = "is a number where text is expected (numbers lose leading zeros): format the column as text and type it again";
    check(1, "phone_number", "type", retype);
    check(
        2,
        "first_name",
        "type",
        "is a date where text is expected: format the column as text and type it again",
    );
    check(3, "first_name", "type", "is true or false");
    check(
        4,
        "first_name",
        "type",
        "is the spreadsheet error #N/A where text is expected",
    );
    check(4, "country_id", "type", "is ");
    check(
        5,
        "id",
        "damaged",
        "is a number that a spreadsheet has shortened",
    );
    check(
        6,
        "row",
        "columns",
        "has a value in column 7, which has no name",
    );
    check(
        7,
        "date_of_birth",
        "type",
        "is a number where a date is expected: format the column as a date",
    );
    let failed: Vec<Value> = String::from_utf8_lossy(end.file("failed.ndjson"))
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (&failed[0]["phone_number"], &failed[0]["custsync"]["row"]),
        (&json!(1_701_234_567), &json!("a.xlsx:2"))
    );
}

#[test]
fn names_that_are_spelt_loosely_and_constants_hold_for_a_sheet_too() {
    let header: &[SheetCell] = &[Text("ID"), Text("First Name"), Text("e mail")];
    let workbook = Workbook::default().sheet(
        "S",
        &[header, &[Number("1"), Text("Zoë"), Text("a@example.com")]],
    );
    let scenario = scenario(&workbook);
    let flags = [
        "--loose-headers",
        "-m",
        "E-Mail=email",
        "--set",
        "country_id=84",
    ];
    let end = scenario
        .run(flags)
        .exits(0)
        .says("column 2 `First Name` is read as first_name");
    assert_eq!(
        sent(&end),
        [(
            1,
            json!({"first_name": "Zoë", "email": "a@example.com", "country_id": 84})
        )]
    );
    scenario
        .run([])
        .exits(2)
        .says("a.xlsx[S]:1: column 2 `First Name` is not a field of the API");
}

#[test]
fn a_sheet_can_be_named() {
    let header: &[SheetCell] = &[Text("id"), Text("job")];
    let workbook = Workbook::default()
        .sheet("One", &[header, &[Number("1"), Text("Nurse")]])
        .sheet("Two & more", &[header, &[Number("2"), Text("Nurse")]])
        .sheet("Empty", &[]);
    let scenario = scenario(&workbook);
    assert_eq!(
        sent(&scenario.run([]).exits(0)),
        [(1, json!({"job": "Nurse"}))]
    );
    let url = scenario.url().unwrap();
    let run = |sheet: &str| {
        scenario.custsync([
            "run",
            "a.xlsx",
            "--sheet",
            sheet,
            "--run-dir",
            "other",
            "--base-url",
            &url,
        ])
    };
    assert_eq!(
        sent(&run("Two & more").exits(0)).last(),
        Some(&(2, json!({"job": "Nurse"})))
    );
    run("Three")
        .exits(2)
        .says("a.xlsx: has no sheet `Three`; there are `One`, `Two & more` and `Empty`");
    run("Empty").exits(2).says("a.xlsx[Empty]: is empty");
    let text = Scenario::new().file("a.csv", "id,job\n1,x\n");
    text.check(["--sheet", "One"])
        .exits(2)
        .says("a.csv: is not a workbook, so it has no sheets (--sheet)");
}

#[test]
fn faults_of_a_header_and_files_that_are_not_workbooks_are_named() {
    let header = |names: &[SheetCell], says: &str| {
        let workbook = Workbook::default().sheet("S", &[&[], &[], names, &[Number("1")]]);
        scenario(&workbook).run([]).exits(2).says(says);
    };
    header(
        &[Text("id"), Text("jbo")],
        "a.xlsx[S]:3: column 2 `jbo` is not a field of the API; did you mean `job`?",
    );
    header(
        &[Text("id"), Nothing, Text("jbo")],
        "a.xlsx[S]:3: column 3 `jbo` is not a field of the API; did you mean `job`?",
    );
    header(&[Number("17"), Text("Liu")], "a.xlsx[S]:3: is not a header");
    let refuse = |content: Vec<u8>, says: &str| {
        Scenario::new()
            .file("a.xlsx", content)
            .check([])
            .exits(2)
            .says(says);
    };
    // What a zip file holds decides, not its name.
    Scenario::new()
        .file("a.xlsx", zip_of([("a.csv", &b"id,job\n1,x\n"[..])]))
        .check([])
        .exits(0)
        .prints("1 row can be sent.");
    refuse(
        b"PK\x03\x04 and nothing more".to_vec(),
        "a.xlsx: the workbook is cut off: its end is missing",
    );
    let whole = Workbook::default()
        .sheet("S", &[HEADER, &[Number("1")]])
        .bytes();
    refuse(
        whole[..whole.len() / 2].to_vec(),
        "a.xlsx: the workbook is cut off: its end is missing",
    );
    let piped = Scenario::new().stdin(whole);
    piped.check([]).exits(2).says("standard input: is a workbook, which can be read only from an uncompressed file, not from a pipe: write it to a file first");
}

#[test]
fn columns_can_be_named_for_a_sheet_without_a_header() {
    let workbook = Workbook::default().sheet(
        "S",
        &[&[Number("1"), Text("Nurse")], &[Number("2"), Text("Clerk")]],
    );
    let end = scenario(&workbook)
        .run(["--no-header", "--columns", "id,job", "--max-in-flight", "1"])
        .exits(0);
    assert_eq!(
        sent(&end),
        [(1, json!({"job": "Nurse"})), (2, json!({"job": "Clerk"}))]
    );
}

#[test]
fn a_workbook_that_unpacks_to_too_much_is_refused() {
    let sheet = vec![b' '; 80 << 20];
    let book = Workbook::default()
        .sheet("S", &[HEADER])
        .part("xl/worksheets/sheet1.xml", sheet)
        .bytes();
    let scenario = Scenario::new()
        .file("a.xlsx", book)
        .through("ulimit -d 65536; exec");
    scenario.check([]).exits(2).says("a.xlsx[S]: is a workbook that cannot be read: xl/worksheets/sheet1.xml: a tag or text in it has more than 1048576 bytes");
}

const NAMES: &[SheetCell] = &[Text("id"), Text("job")];
/// The command that checks a workbook, before further flags.
const WORDS: [&str; 6] = ["check", "a.xlsx", "--run-dir", "run", "--explain", "1"];

#[test]
fn the_first_sheet_that_is_shown_and_a_table_is_read_and_the_others_are_named() {
    let book = |states: [&str; 3]| {
        let sheets: Vec<_> = (1..)
            .zip(["Chart", "Codes", "North"])
            .zip(states)
            .map(|((number, name), state)| {
                format!("<sheet name=\"{name}\" sheetId=\"{number}\" {state} id=\"rId{number}\"/>")
            })
            .collect();
        let kinds = ["chartsheet", "worksheet", "worksheet"];
        let relations: Vec<_> = (1..)
            .zip(kinds)
            .map(|(number, kind)| {
                format!(
                    "<Relationship Id=\"rId{number}\" Type=\"x/{kind}\" Target=\"/xl/worksheets/sheet{number}.xml\"/>"
                )
            })
            .collect();
        Workbook::default()
            .sheet("Chart", &[])
            .sheet("Codes", &[NAMES, &[Number("1"), Inline("Code")]])
            .sheet("North", &[NAMES, &[Number("2"), Inline("Nurse")]])
            .part(
                "xl/workbook.xml",
                format!("<workbook><sheets>{}</sheets></workbook>", sheets.concat()),
            )
            .part(
                "xl/_rels/workbook.xml.rels",
                format!("<Relationships>{}</Relationships>", relations.concat()),
            )
            .bytes()
    };
    let check = |states: [&str; 3], flags: &[&str], read_as: &str, first: &str| {
        let scenario = Scenario::new().file("a.xlsx", book(states));
        let end = scenario
            .start_words(WORDS.into_iter().chain(flags.iter().copied()))
            .end()
            .exits(0);
        assert_eq!(
            end.summary()["read_as"],
            json!([format!("workbook, {read_as}")])
        );
        let end = end.prints(&format!("a.xlsx read as workbook, {read_as}\n"));
        end.says(&format!("a.xlsx: {read_as} (--sheet)\n"))
            .prints(&format!("{{\"job\":\"{first}\"}}"));
    };
    let hidden = ["", "state=\"hidden\"", ""];
    check(
        hidden,
        &[],
        "sheet `North`; not read: `Chart` (chart), `Codes` (hidden)",
        "Nurse",
    );
    check(
        hidden,
        &["--sheet", "Codes"],
        "sheet `Codes`; not read: `Chart` (chart), `North`",
        "Code",
    );
    check(
        ["", "", ""],
        &[],
        "sheet `Codes`; not read: `Chart` (chart), `North`",
        "Code",
    );
    let refuse = |flags: &[&str], says: &str| {
        let all_hidden = ["", "state=\"veryHidden\"", "state=\"hidden\""];
        let scenario = Scenario::new().file("a.xlsx", book(all_hidden));
        scenario
            .start_words(WORDS.into_iter().chain(flags.iter().copied()))
            .end()
            .exits(2)
            .says(says);
    };
    let none = "a.xlsx: has no visible sheet with a table (--sheet names any sheet); there are `Chart` (chart), `Codes` (hidden) and `North` (hidden)";
    refuse(&[], none);
    refuse(
        &["--sheet", "Chart"],
        "a.xlsx: has a chart in sheet `Chart`, not a table",
    );
}

#[test]
fn rows_that_a_filter_hides_are_read_and_reported() {
    let rows = |hidden: &[u32]| {
        let rows: Vec<_> = (2..=5)
            .map(|row| {
                let mark = if hidden.contains(&row) {
                    "hidden=\"1\""
                } else {
                    ""
                };
                format!(
                    "<row r=\"{row}\" {mark}><c><v>{row}</v></c><c t=\"str\"><v>Nurse</v></c></row>"
                )
            })
            .collect();
        format!(
            "<row><c t=\"str\"><v>id</v></c><c t=\"str\"><v>job</v></c></row>{}",
            rows.concat()
        )
    };
    let check = |hidden: &[u32]| {
        let scenario = Scenario::new().file(
            "a.xlsx",
            Workbook::default().sheet_of("S", &rows(hidden)).bytes(),
        );
        scenario.check([]).exits(0).prints("records  4 = 4 valid\n")
    };
    check(&[3]).says("a.xlsx[S]: 1 filtered or hidden row is also read\n");
    check(&[2, 3, 5]).says("a.xlsx[S]: 3 filtered or hidden rows are also read\n");
    assert!(!check(&[]).stderr.contains("hidden"));
}

#[test]
fn a_workbook_s_texts_say_how_much_memory_they_take() {
    let texts: Vec<_> = (0..170)
        .map(|number| format!("<si><t>{}</t></si>", "x".repeat(100_000 + number)))
        .collect();
    let texts = format!("<sst>{}</sst>", texts.concat());
    let book = Workbook::default().sheet(
        "S",
        &[
            &[Inline("id"), Inline("job")],
            &[Number("1"), Inline("Nurse")],
        ],
    );
    let scenario = Scenario::new().file("a.xlsx", book.part("xl/sharedStrings.xml", texts).bytes());
    scenario
        .check([])
        .exits(0)
        .says("a.xlsx[S]: the workbook's texts take 18 MiB of memory\n");
}
