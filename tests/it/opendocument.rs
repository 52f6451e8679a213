//! OpenDocument spreadsheets keep the rules of Excel workbooks.

use std::fmt::Write as _;

use serde_json::json;

use crate::excel::{FLAGS, fails_again};
use crate::harness::{MEDIA_TYPE, Scenario, SplitMix64, Spreadsheet, rounds, zip_of};

fn text(text: &str) -> String {
    format!(
        "<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>"
    )
}

fn row(attributes: &str, cells: &[String]) -> String {
    format!(
        "<table:table-row {attributes}>{}</table:table-row>",
        cells.concat()
    )
}

#[test]
fn a_folder_s_spreadsheets_are_sent_and_a_sheet_can_be_named() {
    let sheet = |id: &str, job: &str| {
        [
            row("", &["id", "job"].map(text)),
            row("", &[id, job].map(text)),
        ]
        .concat()
    };
    let book = Spreadsheet::default()
        .sheet_of("One", &sheet("1", "Nurse"))
        .sheet_of("Two", &sheet("2", "Clerk"));
    let scenario = Scenario::new().sandbox(|_| {});
    std::fs::create_dir(scenario.path("in")).expect("a folder");
    scenario.write("in/a.ODS", book.bytes());
    let url = scenario.url().unwrap();
    let run = |flags: &str| scenario.shell(&format!("custsync run in --base-url {url} {flags}"));
    run("")
        .exits(0)
        .says("in/a.ODS: sheet `One`; not read: `Two` (--sheet)");
    run("--sheet Two --run-dir two").exits(0);
    let sent: Vec<_> = scenario
        .ledger()
        .0
        .iter()
        .map(|update| (update.id, update.body.clone()))
        .collect();
    assert_eq!(
        sent,
        [(1, json!({"job": "Nurse"})), (2, json!({"job": "Clerk"}))]
    );
}

/// The files were made of the same workbook by `LibreOffice` 7.4 (here without its preview picture) and
/// Gnumeric 1.12.
#[test]
fn files_of_two_programs_are_read_alike() {
    let files: [&[u8]; 2] = [
        include_bytes!("spreadsheets_of_programs/libreoffice.ods"),
        include_bytes!("spreadsheets_of_programs/gnumeric.ods"),
    ];
    for file in files {
        let scenario = Scenario::new().file("a.ods", file).sandbox(|_| {});
        let end = scenario
            .run(["--max-errors", "none", "--max-in-flight", "1"])
            .exits(1)
            .says("a.ods: sheet `North & co`; not read: `Codes` (hidden) (--sheet)\n")
            .says("a.ods[North & co]: 1 filtered or hidden row is also read\n");
        let sent: Vec<_> = end
            .ledger
            .0
            .iter()
            .map(|update| update.body.clone())
            .collect();
        let first = json!({"first_name": "Ada  B.", "date_of_birth": "1985-04-12T00:00:00Z", "country_id": 84, "job": "NURSE"});
        assert_eq!(sent, [first, json!({"job": "clerk"})]);
        let errors = |row: u64| {
            let errors = end.results().row(row)["errors"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let fields = errors
                .iter()
                .map(|error| error["field"].as_str().map(str::to_owned));
            fields
                .collect::<Option<Vec<_>>>()
                .expect("each error has a field")
        };
        assert_eq!(errors(2), ["country_id", "job"]);
        assert_eq!(errors(3), ["date_of_birth", "country_id", "job"]);
        assert_eq!(
            end.results().row(4)["line"],
            9,
            "empty rows are passed over"
        );
    }
}

/// The file was made by odfpy 1.4, which computes no formulas.
#[test]
fn a_formula_that_a_library_wrote_has_no_result() {
    let file = include_bytes!("spreadsheets_of_programs/odfpy.ods");
    let scenario = Scenario::new().file("a.ods", file);
    let end = scenario
        .check([])
        .exits(1)
        .prints("records  3 = 2 valid + 1 invalid\n");
    let message = end.results().row(3)["errors"][0]["message"].clone();
    assert_eq!(
        message,
        "is a formula without a stored result: open the file in Excel and save it"
    );
}

#[test]
fn hidden_rows_of_a_spreadsheet_are_read_and_reported() {
    let one = |attributes: &str, id: &str| row(attributes, &[text(id), text("Nurse")]);
    let rows = [
        row("", &["id", "job"].map(text)),
        one("table:visibility=\"filter\"", "1"),
        one("", "2"),
        one("table:visibility=\"collapse\"", "3"),
        "<table:table-row table:visibility=\"collapse\" table:number-rows-repeated=\"1048000\"><table:table-cell/></table:table-row>".to_owned(),
    ];
    let book = Spreadsheet::default().sheet_of("S", &rows.concat());
    let scenario = Scenario::new().file("a.ods", book.bytes());
    scenario
        .check([])
        .exits(0)
        .prints("records  3 = 3 valid\n")
        .says("a.ods[S]: 2 filtered or hidden rows are also read\n");
}

#[test]
fn a_spreadsheet_must_be_a_file() {
    let book = Spreadsheet::default().sheet_of("S", &row("", &[text("id")]));
    let says = "standard input: is a workbook, which can be read only from an uncompressed file, not from a pipe: write it to a file first";
    Scenario::new()
        .stdin(book.bytes())
        .check([])
        .exits(2)
        .says(says);
    let text = zip_of([("mimetype", &b"application/vnd.oasis.opendocument.text"[..])]);
    Scenario::new()
        .stdin(text)
        .check([])
        .exits(2)
        .says("standard input: is an OpenDocument text (.odt): save it as .xlsx or as CSV (UTF-8)");
}

/// A cell's XML, of any kind that a program writes.
fn random_cell(random: &mut SplitMix64) -> String {
    const NUMBERS: [&str; 9] = [
        "0",
        "-0",
        "1",
        "84",
        "84.5",
        "1701234567",
        "1e3",
        "-7",
        "1e300",
    ];
    const DATES: [&str; 9] = [
        "1985-04-12",
        "1985-04-12T00:00:00",
        "1985-04-12T13:30:05.5",
        "1985-04-12T13:30:05.123456",
        "1850-01-01",
        "1900-02-28",
        "9999-12-31",
        "12026-01-01",
        "-0044-03-15",
    ];
    const TEXTS: [&str; 12] = [
        "Nurse",
        "1985-04-12",
        "0049 170 1",
        "=1+1",
        "<text:s/>x ",
        "a<text:tab/>b",
        "a</text:p><text:p>b</text:p><text:p>",
        "a@example.com",
        "Zo\u{eb} \u{1f600}",
        "_x0041_",
        "#N/A",
        "8.49E+11",
    ];
    const ERRORS: [&str; 3] = ["#N/A", "#REF!", "#DIV/0!"];
    let repeated = match random.below(20) {
        0 => "table:number-columns-repeated=\"2\"",
        _ => "",
    };
    let cell = |attributes: &str, content: &str| {
        format!("<table:table-cell {repeated} {attributes}>{content}</table:table-cell>")
    };
    let value = |kind: &str, value: &str| {
        let name = match kind {
            "date" | "time" | "boolean" => format!("{kind}-value"),
            _ => "value".to_owned(),
        };
        cell(
            &format!("office:value-type=\"{kind}\" office:{name}=\"{value}\""),
            "<text:p>shown</text:p>",
        )
    };
    match random.below(14) {
        0..=2 => cell("", ""),
        3 => value("float", random.pick(&NUMBERS)),
        4 => value("currency", random.pick(&NUMBERS)),
        5 | 6 => value("date", random.pick(&DATES)),
        7 => value("time", "PT08H30M00S"),
        8..=10 => cell(
            "office:value-type=\"string\"",
            &format!("<text:p>{}</text:p>", random.pick(&TEXTS)),
        ),
        11 => value("boolean", random.pick(&["true", "false"])),
        12 => cell(
            "table:formula=\"of:=X\" office:value-type=\"string\" calcext:value-type=\"error\"",
            &format!("<text:p>{}</text:p>", random.pick(&ERRORS)),
        ),
        _ => value("percentage", random.pick(&NUMBERS)),
    }
}

#[test]
fn rows_of_any_cells_of_a_spreadsheet_fail_again_in_the_same_way() {
    let names = [
        "id",
        "first_name",
        "email",
        "date_of_birth",
        "Notes",
        "gender",
        "",
        "country_id",
    ];
    let mut failed = 0;
    for seed in 0..rounds(8, 100) {
        let mut random = SplitMix64::new(seed as u64);
        let mut rows = row("", &names.map(text));
        for id in 2..40 {
            write!(rows, "<table:table-row><table:table-cell office:value-type=\"float\" office:value=\"{id}\"/>").unwrap();
            for _ in 0..8 {
                rows.push_str(&random_cell(&mut random));
            }
            rows.push_str("</table:table-row>");
        }
        let book = Spreadsheet::default().sheet_of("S & T".replace('&', "&amp;").as_str(), &rows);
        let (_, count) = fails_again(&book.bytes(), FLAGS);
        failed += count;
    }
    assert!(failed > 100, "{failed} rows failed");
}

/// The pieces that damaged and malicious files are made of.
const PIECES: [&str; 24] = [
    "<table:table table:name=\"S\">",
    "</table:table>",
    "<table:table-row>",
    "<table:table-row table:number-rows-repeated=\"1048576\">",
    "</table:table-row>",
    "<table:table-row-group>",
    "</table:table-row-group>",
    "<table:table-cell office:value-type=\"string\">",
    "<table:table-cell table:number-columns-repeated=\"16384\">",
    "<table:table-cell office:value-type=\"float\" office:value=\"1\">",
    "</table:table-cell>",
    "<table:covered-table-cell/>",
    "<text:p>",
    "</text:p>",
    "<text:s text:c=\"200000\"/>",
    "<text:span>",
    "</text:span>",
    "<office:annotation>",
    "</office:annotation>",
    "id",
    "&#0;",
    "&amp;",
    "<![CDATA[x",
    "]]>",
];

/// Whatever the content is, the program ends with rows, or with an error that names the file. The
/// limit of memory is that of all odd inputs.
#[test]
fn any_content_of_a_spreadsheet_ends_in_rows_or_an_error() {
    let good = Spreadsheet::default().sheet_of("S", &row("", &["id", "job"].map(text)).repeat(3));
    let good = good.content().into_bytes();
    let start = good
        .windows(19)
        .position(|bytes| bytes == b"<office:spreadsheet")
        .expect("a body");
    for seed in 0..rounds(60, 2000) {
        let mut random = SplitMix64::new(seed as u64);
        let content = match seed % 3 {
            // Arbitrary bytes.
            0 => (0..random.below(2000))
                .map(|_| random.next() as u8)
                .collect(),
            // A good file with some bytes changed, removed or repeated.
            1 => {
                let mut content = good.clone();
                for _ in 0..=random.below(6) {
                    let at = random.below(content.len());
                    match random.below(3) {
                        0 => content[at] = random.next() as u8,
                        1 => drop(content.drain(at..(at + 20).min(content.len()))),
                        _ => {
                            let again = content[at..(at + 200).min(content.len())].to_vec();
                            content.splice(at..at, again);
                        }
                    }
                }
                content
            }
            // Pieces in any order.
            _ => {
                let pieces: Vec<_> = (0..random.below(60))
                    .map(|_| random.pick(&PIECES))
                    .collect();
                [
                    &good[..start],
                    b"<office:spreadsheet>",
                    pieces.concat().as_bytes(),
                ]
                .concat()
            }
        };
        let file = zip_of([MEDIA_TYPE, ("content.xml", &content[..])]);
        let scenario = Scenario::new()
            .file("a.ods", file)
            .through("ulimit -d 65536; exec");
        let end = scenario.check(["--max-errors", "none"]);
        match end.code() {
            0 | 1 => assert!(end.stdout.contains("records "), "{seed}: {}", end.stderr),
            2 => assert!(
                end.stderr.contains("error: a.ods"),
                "{seed}: {}",
                end.stderr
            ),
            code => panic!("seed {seed}: exit {code}: {}", end.stderr),
        }
    }
}
