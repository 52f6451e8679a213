//! Odd structures of CSV: quotes, escapes, rows that are longer or shorter than the header, lines
//! above it.

use super::{Odd, Refused, Rows, Sends, odd, odd_with};
use crate::harness::{SheetCell, Workbook};

const ON: &[&str] = &["--quotes", "on"];
const OFF: &[&str] = &["--quotes", "off"];
const ESCAPE: &[&str] = &["--escape", "\\"];
const PAD: &[&str] = &["--ragged", "pad"];

pub(super) fn table() -> Vec<Odd> {
    let parts = [
        quotes(),
        escapes(),
        tsv_of_programs(),
        rows(),
        columns(),
        above_the_header(),
        headers_of_nothing(),
    ];
    parts.into_iter().flatten().collect()
}

/// Texts that a strict reader refuses (Python's `csv` with `strict=True`): none of them is valid.
pub(super) const REFUSED_BY_STRICT_READERS: [&str; 12] = [
    "id,job\n1,\"a\"b\n",
    "id,job\n1,\"a\" \n",
    "id,job\n1,\"a\"\"\"b\n",
    "id,job\n1,\"\"a\n",
    "id,job\n1,\"a\"b\"\n",
    "id,job\n1,\"a \\\"b\\\" c\"\n",
    "id,job\n\"1\"2,a\n",
    "id,job\n1,\"a\nb\"c\n",
    "id,job\n1,\"a,\n2,b,\"c\"\n",
    "id,job\n1,a\n2,\"b\"\u{a0}\n",
    "id,\"job\"x\n1,a\n",
    "id,job\n1,\"a\n",
];

fn quotes() -> Vec<Odd> {
    vec![
        odd(
            "a.csv",
            "id,job,address\n7,Nurse,\"7 Quarry Lane\n8,Clerk,\"8 Quarry Lane\"\n9,Cook,\"9 Quarry Lane\"\n",
            Rows(
                1,
                1,
                "2 row quotes: text follows a closing quote in column 3 (a quote inside a cell is written twice; is a quote missing before it?); the row covers lines 2 to 3",
            ),
        ),
        odd(
            "a.csv",
            "id,job\n1,\"a \\\"b\\\" c\"\n",
            Rows(
                0,
                1,
                "2 row quotes: text follows a closing quote in column 2 (a quote inside a cell is written twice; is a quote missing before it?)",
            ),
        ),
        odd(
            "a.csv",
            "id,job\n1,5\" pipe\n",
            Sends(r#"{"job":"5\" pipe"}"#),
        ),
        odd(
            "a.csv",
            "id,job\n1, \"Nurse\"\n",
            Rows(
                0,
                1,
                "2 row quotes: a blank precedes the quote in column 2, so it does not open a quoted cell (remove the blank; --quotes off reads quotes as ordinary characters)",
            ),
        ),
        odd_with(
            OFF,
            "a.csv",
            "id,job\n1, \"Nurse\"\n",
            Sends(r#"{"job":" \"Nurse\""}"#),
        ),
        odd_with(
            OFF,
            "a.csv",
            "id,job\n1,\"a\n2,b\"\n",
            Sends(r#"{"job":"\"a"}"#),
        ),
        // A quote is missing in row 2, and one is too many in row 4.
        odd(
            "a.csv",
            "id,job,email\n1,a,b@x.de\n2,\"c\n3,d,e@x.de\n4,f\",g@x.de\n",
            Rows(
                1,
                1,
                "3 row quotes: column 2 looks like the rest of this row, a line break and the start of another row: is a closing quote missing? (--allow joined if it is text); the row covers lines 3 to 5",
            ),
        ),
        odd_with(
            &["--allow", "joined"],
            "a.csv",
            "id,email,job\n1,a@x.de,\"b\n2,c@x.de,d\"\n",
            Sends(r#"{"email":"a@x.de","job":"b\n2,c@x.de,d"}"#),
        ),
        odd(
            "a.csv",
            "id,email,job\n1,a@x.de,\"b\n2, c\"\n",
            Sends(r#"{"email":"a@x.de","job":"b\n2, c"}"#),
        ),
        // Far behind the start of its block and chunk.
        odd(
            "a.csv",
            format!(
                "id,job\n{}8,\"{}\"x\n",
                "7,y\n".repeat(1_000),
                "z".repeat(100)
            ),
            Rows(
                1_000,
                1,
                "1002 row quotes: text follows a closing quote in column 2 (a quote inside a cell is written twice; is a quote missing before it?)",
            ),
        ),
        odd(
            "a.csv",
            "id,\"job\"x\n1,a\n",
            Refused("a.csv:1: the header cannot be used: text follows a closing quote in column 2"),
        ),
        odd(
            "a.csv",
            "id, \"job\"\n1,a\n",
            Refused("a.csv:1: the header cannot be used: a blank precedes the quote"),
        ),
        odd(
            "a.csv",
            "id,job\n1,x\n2,\"a\n3,b\n",
            Refused("a.csv:3: the quote that opens here is never closed (--quotes off"),
        ),
        odd_with(
            &["--quotes", "maybe"],
            "a.csv",
            "id,job\n1,a\n",
            Refused("--quotes: `maybe` is not one of on, off"),
        ),
    ]
}

fn escapes() -> Vec<Odd> {
    let text = "id,job\n1,\"Head of \\\"Odd Jobs\\\" dept\"\n2,Clerk\n";
    vec![
        odd_with(
            ESCAPE,
            "a.csv",
            text,
            Sends(r#"{"job":"Head of \"Odd Jobs\" dept"}"#),
        ),
        odd_with(
            ESCAPE,
            "a.csv",
            "id,job\n1,a\\,b\\\nc\\td\n",
            Sends(r#"{"job":"a,b\nc\td"}"#),
        ),
        odd_with(
            &["--escape", "\\", "--null-string", "\\N"],
            "a.csv",
            "id,job\n1,\\N\n",
            Sends(r#"{"job":null}"#),
        ),
        odd_with(
            ESCAPE,
            "a.csv",
            "id,job\n1,C:\\Users\n",
            Rows(
                0,
                1,
                "2 row quotes: a backslash in column 2 precedes a character that MySQL does not escape (without --escape, it is an ordinary character)",
            ),
        ),
        odd_with(
            ESCAPE,
            "a.csv",
            "id,job\n1,a\\",
            Rows(
                0,
                1,
                "2 row quotes: column 2 ends in a backslash that escapes nothing",
            ),
        ),
        odd(
            "a.csv",
            "id,job\n1,C:\\Users\\\n",
            Sends(r#"{"job":"C:\\Users\\"}"#),
        ),
        odd_with(
            &["--escape", "^"],
            "a.csv",
            "id,job\n1,a\n",
            Refused("--escape: `^` is not one of \\"),
        ),
    ]
}

/// The bytes that programs write, and their meaning with the right flags.
fn tsv_of_programs() -> Vec<Odd> {
    const EXCEL: &str = "id\tjob\taddress\r\n1\tNurse\t\"Old Mill, 5 High Row\"\r\n";
    const EXCEL_LINES: &str = "id\tjob\taddress\r\n1\tNurse\t\"Old Mill\n5 High Row\"\r\n";
    const PANDAS: &str = "id\tjob\n1\t\"a \"\"b\"\"\"\n";
    const R: &str = "\"id\"\t\"job\"\n1\t\"Nurse\"\n";
    const R_ESCAPES: &str = "\"id\"\t\"job\"\n1\t\"a \\\"b\\\"\"\n";
    const R_WITHOUT_QUOTES: &str = "id\tjob\n1\ta \"b\"\n";
    const MYSQL: &str = "id\tjob\taddress\n1\t\"The Barn\" Quarry Lane\ta\\nb\\tc\\\\d\n";
    const OUTFILE: &str = "1\tNurse\\\nClerk\t\\N\n";
    let in_quotes = "2 row quotes: column 3 begins and ends with a quote: --quotes on reads quotes as marks around the value (Excel, pandas), --quotes off as part of it (MySQL, PostgreSQL)";
    vec![
        odd("a.tsv", EXCEL, Rows(0, 1, in_quotes)),
        // The result is the same whether the tab was given or detected.
        odd("a.csv", EXCEL, Rows(0, 1, in_quotes)),
        odd_with(
            ON,
            "a.tsv",
            EXCEL,
            Sends(r#"{"job":"Nurse","address":"Old Mill, 5 High Row"}"#),
        ),
        odd_with(
            OFF,
            "a.tsv",
            EXCEL,
            Sends(r#"{"job":"Nurse","address":"\"Old Mill, 5 High Row\""}"#),
        ),
        odd(
            "a.tsv",
            EXCEL_LINES,
            Rows(
                0,
                2,
                "2 row quotes: column 3 begins with a quote that is not closed in it: --quotes on reads quotes as marks around the value (Excel, pandas), --quotes off as part of it (MySQL, PostgreSQL)",
            ),
        ),
        odd_with(
            ON,
            "a.tsv",
            EXCEL_LINES,
            Sends(r#"{"job":"Nurse","address":"Old Mill\n5 High Row"}"#),
        ),
        odd_with(ON, "a.tsv", PANDAS, Sends(r#"{"job":"a \"b\""}"#)),
        odd(
            "a.tsv",
            R,
            Refused(
                "a.tsv:1: the header cannot be used: column 1 begins and ends with a quote: --quotes on",
            ),
        ),
        odd_with(ON, "a.tsv", R, Sends(r#"{"job":"Nurse"}"#)),
        odd_with(
            &["--quotes", "on", "--escape", "\\"],
            "a.tsv",
            R_ESCAPES,
            Sends(r#"{"job":"a \"b\""}"#),
        ),
        odd("a.tsv", R_WITHOUT_QUOTES, Sends(r#"{"job":"a \"b\""}"#)),
        odd(
            "a.tsv",
            MYSQL,
            Sends(r#"{"job":"\"The Barn\" Quarry Lane","address":"a\\nb\\tc\\\\d"}"#),
        ),
        odd_with(
            ESCAPE,
            "a.tsv",
            MYSQL,
            Sends(r#"{"job":"\"The Barn\" Quarry Lane","address":"a\nb\tc\\d"}"#),
        ),
        odd_with(
            &[
                "--columns",
                "id,job,address",
                "--escape",
                "\\",
                "--null-string",
                "\\N",
            ],
            "a.tsv",
            OUTFILE,
            Sends(r#"{"job":"Nurse\nClerk","address":null}"#),
        ),
        odd("a.tsv", "id\tjob\n1\t\"\n", Sends(r#"{"job":"\""}"#)),
    ]
}

fn rows() -> Vec<Odd> {
    let error = &["--ragged", "pad", "--empty", "error"];
    vec![
        odd(
            "a.csv",
            "id,job\r\n1,Nurse\r\n,\r\n,,,\r\n",
            Sends(r#"{"job":"Nurse"}"#),
        ),
        odd(
            "a.csv",
            ",\n,,\nid,job\n,\n1,Nurse\n,",
            Sends(r#"{"job":"Nurse"}"#),
        ),
        odd(
            "a.csv",
            format!("id,job\n{}", ",\n".repeat(200_000)),
            Rows(0, 0, ""),
        ),
        odd(
            "a.csv",
            "id,job\n1,x\n \n",
            Rows(
                1,
                1,
                "3 row columns: has 1 column where the header has 2 (--ragged pad if the missing ones are empty)",
            ),
        ),
        odd(
            "a.csv",
            "id,job,email\n1,x\n",
            Rows(
                0,
                1,
                "2 row columns: has 2 columns where the header has 3 (--ragged pad if the missing ones are empty)",
            ),
        ),
        odd_with(
            error,
            "a.csv",
            "id,job,email\n1,x\n",
            Sends(r#"{"job":"x"}"#),
        ),
        odd_with(
            error,
            "a.csv",
            "id,job,email\n1,x,\n",
            Rows(0, 1, "2 email required: is empty (--empty error)"),
        ),
        odd_with(
            PAD,
            "a.csv",
            "job,id\nx\n",
            Rows(0, 1, "2 id required: is missing"),
        ),
        odd_with(
            PAD,
            "a.csv",
            "id,job,email\n1,x,\n2,y",
            Rows(
                1,
                1,
                "3 row cut_off: has 2 columns where the header has 3, and no line end: the input ends in this row (is it cut off?)",
            ),
        ),
        odd(
            "a.csv",
            "id,job\n1,x,\n",
            Rows(
                0,
                1,
                "2 row columns: has 3 columns where the header has 2; the extra cell is empty (--ragged pad)",
            ),
        ),
        odd(
            "a.csv",
            "id,job\n1,x,, \n",
            Rows(
                0,
                1,
                "2 row columns: has 4 columns where the header has 2; the extra cells are empty (--ragged pad)",
            ),
        ),
        odd_with(PAD, "a.csv", "id,job\n1,x,, \n", Sends(r#"{"job":"x"}"#)),
        odd_with(
            PAD,
            "a.csv",
            "id,job\n1,x,,y\n",
            Rows(0, 1, "2 row columns: has 4 columns where the header has 2"),
        ),
        odd_with(
            PAD,
            "a.csv",
            format!("id,job\n1,x{}\n", ",".repeat(1_000_000)),
            Sends(r#"{"job":"x"}"#),
        ),
    ]
}

fn columns() -> Vec<Odd> {
    let something = "2 row columns: has a value in column 1, which has no name (--ignore 'column 1' leaves it out)";
    let sheet = |third: &'static str| {
        let header: &[SheetCell] = &[
            SheetCell::Text("id"),
            SheetCell::Text("job"),
            SheetCell::Text(""),
            SheetCell::Text("x"),
        ];
        let row: &[SheetCell] = &[
            SheetCell::Number("1"),
            SheetCell::Text("Nurse"),
            SheetCell::Text(third),
            SheetCell::Text("y"),
        ];
        Workbook::default().sheet("S", &[header, row]).bytes()
    };
    vec![
        odd("a.csv", "id,job,\n1,Nurse,\n", Sends(r#"{"job":"Nurse"}"#)),
        odd(
            "a.csv",
            "id,,job\n1,\"\",Nurse\n2, ,Clerk\n",
            Sends(r#"{"job":"Nurse"}"#),
        ),
        odd("a.csv", ",id,job\n0,1,Nurse\n", Rows(0, 1, something)),
        odd_with(
            &["--ignore", "column 1"],
            "a.csv",
            ",id,job\n0,1,Nurse\n",
            Sends(r#"{"job":"Nurse"}"#),
        ),
        odd_with(
            &["--ignore", "column 3,column 2"],
            "a.csv",
            "id,created_at,x,job\n1,a,b,Nurse\n",
            Sends(r#"{"job":"Nurse"}"#),
        ),
        odd_with(
            &["--ignore", "column 5"],
            "a.csv",
            "id,job\n1,Nurse\n",
            Refused("--ignore: no input has a column `column 5`"),
        ),
        odd_with(
            &["--ignore", "Last, First"],
            "a.csv",
            "id,\"Last, First\",job\n1,\"Holm, Tilda\",Nurse\n",
            Sends(r#"{"job":"Nurse"}"#),
        ),
        odd_with(
            &["--ignore", "Last,First"],
            "a.csv",
            "id,Last,First,job\n1,Holm,Tilda,Nurse\n",
            Sends(r#"{"job":"Nurse"}"#),
        ),
        odd_with(
            &["--ignore", "x"],
            "a.xlsx",
            sheet(""),
            Sends(r#"{"job":"Nurse"}"#),
        ),
        odd_with(
            &["--ignore", "column 4,column 3"],
            "a.xlsx",
            sheet("z"),
            Sends(r#"{"job":"Nurse"}"#),
        ),
        odd_with(
            &["--ignore", "x"],
            "a.xlsx",
            sheet("z"),
            Rows(
                0,
                1,
                "2 row columns: has a value in column 3, which has no name (--ignore 'column 3' leaves it out if the header reaches that far)",
            ),
        ),
    ]
}

fn above_the_header() -> Vec<Odd> {
    let titles =
        "\"Customer export\",,\n\"Generated: \"today\n\nid,first_name,job\n1,Tilda,Nurse\n";
    let sheet = || {
        let (title, header): (&[SheetCell], &[SheetCell]) = (
            &[SheetCell::Text("Customers")],
            &[SheetCell::Text("id"), SheetCell::Text("job")],
        );
        let row: &[SheetCell] = &[SheetCell::Number("1"), SheetCell::Text("Nurse")];
        Workbook::default()
            .sheet("S", &[title, header, row])
            .bytes()
    };
    vec![
        odd(
            "a.csv",
            "sep=;\r\nid;job\r\n1;a,b\r\n",
            Sends(r#"{"job":"a,b"}"#),
        ),
        odd(
            "a.csv",
            "\u{feff}\"sep=^\"\nid^job\nx^\n",
            Rows(0, 1, "3 id type: is not a whole number"),
        ),
        odd(
            "a.tsv",
            "sep=;\nid;job\n1;Nurse\n",
            Sends(r#"{"job":"Nurse"}"#),
        ),
        odd_with(
            &["--delimiter", ","],
            "a.csv",
            "sep=;\nid,job\n1,a;b\n",
            Sends(r#"{"job":"a;b"}"#),
        ),
        odd(
            "a.csv",
            titles,
            Refused(
                "a.csv:1: names no field of the API, but line 4 looks like a header: --header-row 4",
            ),
        ),
        odd_with(
            &["--header-row", "4"],
            "a.csv",
            titles,
            Sends(r#"{"first_name":"Tilda","job":"Nurse"}"#),
        ),
        odd_with(
            &["--header-row", "3"],
            "a.csv",
            titles,
            Refused("a.csv:3: is blank, so it cannot be the header (--header-row)"),
        ),
        odd_with(
            &["--header-row", "9"],
            "a.csv",
            titles,
            Refused("a.csv: has no line 9, where its header should be"),
        ),
        odd_with(
            &["--header-row", "4"],
            "a.csv",
            "a \" quote\n\r\nb\r\nid;job\rx;y\n",
            Rows(0, 1, "5 id type: is not a whole number"),
        ),
        // More lines above the header than a block holds.
        odd_with(
            &["--header-row", "300001"],
            "a.csv",
            format!("{}id;job\nx;y\n", "\"ab\n".repeat(300_000)),
            Rows(0, 1, "300002 id type: is not a whole number"),
        ),
        odd(
            "a.csv",
            "Report; of today, 9\nof customers\nid;job\n",
            Refused("a.csv:1: names no field of the API, but line 3 looks like a header"),
        ),
        odd_with(
            &["--header-row", "2", "--columns", "id,job"],
            "a.csv",
            "1,a\n",
            Refused("--header-row and --columns contradict each other"),
        ),
        odd(
            "a.xlsx",
            sheet(),
            Refused(
                "a.xlsx[S]:1: names no field of the API, but line 2 looks like a header: --header-row 2",
            ),
        ),
        odd_with(
            &["--header-row", "2"],
            "a.xlsx",
            sheet(),
            Sends(r#"{"job":"Nurse"}"#),
        ),
        odd_with(
            &["--header-row", "4"],
            "a.xlsx",
            sheet(),
            Refused("a.xlsx[S]: has no line 4"),
        ),
    ]
}

/// Headers without a known name. None of them is shown, because they may be a customer's values.
fn headers_of_nothing() -> Vec<Odd> {
    let missing =
        "a.csv:1: none of the 3 columns is known: is the header missing? (--no-header --columns";
    vec![
        odd("a.csv", "Liu,Ada,Nurse\n", Refused(missing)),
        odd(
            "a.tsv",
            "id,first_name\n1,Tilda\n",
            Refused(
                "a.tsv:1: the header has one column, which is not a field of the API: is the delimiter `,`? (--delimiter C)",
            ),
        ),
        odd(
            "a.csv",
            "id^job\n1^a\n",
            Refused(
                "the header has one column, which is not a field of the API: is the delimiter `^`?",
            ),
        ),
        odd(
            "a.csv",
            "Liu\n",
            Refused(
                "the header has one column, which is not a field of the API: is the delimiter right?",
            ),
        ),
        odd(
            "a.csv",
            "job\nx\n",
            Refused(
                "a.csv:1: the only column is not `id`, which every row needs: is the delimiter right?",
            ),
        ),
        odd(
            "a.csv",
            "id:job,\n1:a\n",
            Refused(
                "a.csv:1: none of the 2 columns is known: is the delimiter `:`? (--delimiter C)",
            ),
        ),
        odd(
            "a.csv",
            "id,first_name,phone_number\n--,----------,------------\n101,Tilda,NULL\n\n(1 rows affected)\n",
            Rows(1, 2, "2 id type: is not a whole number"),
        ),
    ]
}
