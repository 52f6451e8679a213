//! Odd bytes: encodings, compression, quotes, line ends, headers, JSON.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Odd, Refused, Rows, Sends, odd, odd_with};
use crate::harness::{SheetCell, Workbook};

const RECORD_BYTES_MAX: usize = 1 << 20;
pub(super) const PLAIN: &str = "id,job\n1,Nurse\n";
pub(super) const NURSE: &str = r#"{"job":"Nurse"}"#;

pub(super) fn gzip(content: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 3).unwrap()
}

fn utf_16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

fn utf_32(text: &str, unit: fn(u32) -> [u8; 4]) -> Vec<u8> {
    text.chars().map(u32::from).flat_map(unit).collect()
}

fn lost_zeros() -> Vec<u8> {
    let header: &[SheetCell] = &[SheetCell::Text("id"), SheetCell::Text("phone_number")];
    Workbook::default()
        .sheet(
            "S",
            &[
                header,
                &[SheetCell::Number("1"), SheetCell::Number("1701234567")],
            ],
        )
        .bytes()
}

pub(super) fn table() -> Vec<Odd> {
    let parts = [
        nothing_much(),
        encodings(),
        containers(),
        delimiters_and_headers(),
        quotes_and_lines(),
        json(),
        near_json(),
    ];
    parts.into_iter().flatten().collect()
}

fn nothing_much() -> Vec<Odd> {
    vec![
        odd("a.csv", "", Refused("a.csv: is empty")),
        odd("a.csv", "\n\r\n\r", Refused("a.csv: is empty")),
        odd("a.csv", "\u{feff}", Refused("a.csv: is empty")),
        odd("a.ndjson", " \n\t\r\n", Refused("a.ndjson: is empty")),
        odd("a.csv", "id,job\n", Rows(0, 0, "")),
        odd("a.csv", "id,job\n\n\n", Rows(0, 0, "")),
        odd("a.csv", "", Refused("a.csv: is empty")),
        odd(
            "a.csv",
            b"\x89PNG\r\n\x1a\n\0\0\0",
            Refused("a.csv: is a picture"),
        ),
        odd(
            "a.csv",
            b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
            Refused("a.csv: is a PDF"),
        ),
        odd(
            "a.csv",
            b"PAR1\x15\x04\x15\0",
            Refused("a.csv: is a Parquet file"),
        ),
        odd("a.csv", [1; 40], Refused("a.csv: is binary, not text")),
    ]
}

fn encodings() -> Vec<Odd> {
    let marked = |mark: [u8; 2], unit| [&mark[..], &utf_16(PLAIN, unit)].concat();
    vec![
        odd("a.csv", format!("\u{feff}{PLAIN}"), Sends(NURSE)),
        odd(
            "a.csv",
            marked([0xff, 0xfe], u16::to_le_bytes),
            Sends(NURSE),
        ),
        odd(
            "a.csv",
            marked([0xfe, 0xff], u16::to_be_bytes),
            Sends(NURSE),
        ),
        odd(
            "a.csv",
            utf_16(PLAIN, u16::to_le_bytes),
            Refused("is UTF-16 without a byte order mark: --encoding utf-16le"),
        ),
        odd(
            "a.csv",
            utf_16(PLAIN, u16::to_be_bytes),
            Refused("is UTF-16 without a byte order mark: --encoding utf-16be"),
        ),
        odd(
            "a.ndjson",
            utf_16("{\"id\":1,\"job\":\"日本語\"}\n", u16::to_le_bytes),
            Refused("--encoding utf-16le"),
        ),
        odd(
            "a.csv",
            utf_32(PLAIN, u32::to_le_bytes),
            Refused("a.csv: is UTF-32"),
        ),
        odd(
            "a.csv",
            utf_32(PLAIN, u32::to_be_bytes),
            Refused("a.csv: is UTF-32"),
        ),
        odd_with(
            &["--encoding", "utf-16le"],
            "a.csv",
            utf_16(PLAIN, u16::to_le_bytes),
            Sends(NURSE),
        ),
        odd("a.csv", b"\xff\xfe\0\0i\0\0\0", Refused("a.csv: is UTF-32")),
        odd(
            "a.csv",
            b"id,job\n1,K\xfcnstler\n",
            Rows(
                0,
                1,
                "2 job encoding: is not UTF-8; it looks like windows-1252 (--encoding windows-1252)",
            ),
        ),
        odd(
            "a.csv",
            b"id,job\n1,\xcf\xf0\xe8\xe2\xe5\xf2\n",
            Rows(
                0,
                1,
                "2 job encoding: is not UTF-8 (--encoding sets another encoding)",
            ),
        ),
        odd_with(
            &["--encoding", "latin1"],
            "a.csv",
            b"id,job\n1,K\xfcnstler\n",
            Sends(r#"{"job":"Künstler"}"#),
        ),
        odd_with(
            &["--encoding", "no-such"],
            "a.csv",
            PLAIN,
            Refused("--encoding: unknown encoding"),
        ),
        odd(
            "a.csv",
            b"id,j\xf6b\n1,x\n",
            Refused(
                "a.csv:1: the name of column 2 is not UTF-8; it looks like windows-1252 (--encoding windows-1252)",
            ),
        ),
    ]
}

fn containers() -> Vec<Odd> {
    let (gz, zst) = (gzip(PLAIN), zstd(PLAIN));
    vec![
        odd("a.csv.gz", &gz, Sends(NURSE)),
        odd("a.csv", &gz, Sends(NURSE)),
        odd("a.csv.gz", PLAIN, Sends(NURSE)),
        odd(
            "a.csv.gz",
            [gzip("id,job\n1,"), gzip("Nurse\n")].concat(),
            Sends(NURSE),
        ),
        odd(
            "a.csv.zst",
            [zstd("id,job\n1,"), zstd("Nurse\n")].concat(),
            Sends(NURSE),
        ),
        odd(
            "a.csv.gz",
            &gz[..gz.len() - 1],
            Refused("a.csv.gz:3: the gzip data is cut off here"),
        ),
        odd(
            "a.csv.zst",
            &zst[..zst.len() - 1],
            Refused("the zstd data is cut off here"),
        ),
        odd("a.csv.gz", [&gz[..], b"\0\0"].concat(), Sends(NURSE)),
        odd(
            "a.csv.gz",
            [&gz[..], b"\0\0x"].concat(),
            Refused("a.csv.gz:3: other data follows the gzip data here"),
        ),
        odd("a.csv.gz", gzip(""), Refused("a.csv.gz: is empty")),
        odd(
            "a.csv",
            b"PK\x03\x04",
            Refused("a.csv: is a zip file that is cut off"),
        ),
        odd(
            "a.xlsx",
            lost_zeros(),
            Rows(
                0,
                1,
                "2 phone_number type: is a number where text is expected (numbers lose leading zeros): format the column as text and type it again",
            ),
        ),
    ]
}

fn delimiters_and_headers() -> Vec<Odd> {
    let columns = |count: usize| format!("{}\n1\n", vec!["id"; count].join(","));
    vec![
        odd("a.csv", "id;job\n1;Nurse\n", Sends(NURSE)),
        odd("a.csv", "id\tjob\n1\tNurse\n", Sends(NURSE)),
        odd(
            "a.csv",
            "id,x;job\n1,2;3\n",
            Refused("a.csv:1: the delimiter is ambiguous: it could be `,` or `;`"),
        ),
        odd_with(
            &["--delimiter", ";"],
            "a.csv",
            "id;job\n1;a,b\n",
            Sends(r#"{"job":"a,b"}"#),
        ),
        odd(
            "a.csv",
            columns(1_024),
            Refused("a.csv:1: columns 1 and 2 both fill `id`"),
        ),
        odd(
            "a.csv",
            columns(1_025),
            Refused("a.csv:1: the header has 1025 columns, more than 1024"),
        ),
        odd(
            "a.csv",
            columns(100_000),
            Refused("a.csv:1: the header has 100000 columns, more than 1024"),
        ),
        odd("a.csv", "\"id\",\"job\"\n1,Nurse\n", Sends(NURSE)),
        odd(
            "a.csv",
            "id, job\n1,Nurse\n",
            Refused("a.csv:1: column 2 ` job` is not a field of the API"),
        ),
        odd_with(
            &["--loose-headers"],
            "a.csv",
            "ID , Job\n1,Nurse\n",
            Sends(NURSE),
        ),
        odd(
            "a.csv",
            "id,job,job\n1,a,b\n",
            Refused("a.csv:1: columns 2 and 3 both fill `job`"),
        ),
        odd(
            "a.csv",
            "id,job\nid,job\n1,x\n",
            Rows(1, 1, "2 id type: is not a whole number"),
        ),
        odd(
            "a.csv",
            "17,liu@example.com\n",
            Refused("a.csv:1: is not a header"),
        ),
        odd_with(&["--columns", "id,job"], "a.csv", "1,Nurse\n", Sends(NURSE)),
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
            "id,job\n1\n",
            Rows(
                0,
                1,
                "2 row columns: has 1 column where the header has 2 (--ragged pad if the missing ones are empty)",
            ),
        ),
    ]
}

fn quotes_and_lines() -> Vec<Odd> {
    let open: String = (1..=12)
        .map(|id| {
            if id == 10 {
                "10,\"x\n".to_owned()
            } else {
                format!("{id},x\n")
            }
        })
        .collect();
    // With its line end the record has the greatest length, or one byte more.
    let long = |over: usize| {
        format!(
            "id,address\n1,x\n2,{}\n",
            "x".repeat(RECORD_BYTES_MAX - 3 + over)
        )
    };
    vec![
        odd("a.csv", "id,job\r1,Nurse\r", Sends(NURSE)),
        odd("a.csv", "id,job\r\n1,Nurse\n2,x\r3,y\r\n", Rows(3, 0, "")),
        odd("a.csv", "id,job\n1,Nurse", Sends(NURSE)),
        odd("a.csv", "id,job\n\n\n1,Nurse\n\n", Sends(NURSE)),
        odd(
            "a.csv",
            "id,job\n1,a \"b\" c\n",
            Sends(r#"{"job":"a \"b\" c"}"#),
        ),
        odd("a.csv", "id,job\n1,\"a\rb\"\n", Sends(r#"{"job":"a\rb"}"#)),
        odd(
            "a.csv",
            "id,job\n1,\"a\n\n\"\"b\"\n",
            Sends(r#"{"job":"a\n\n\"b"}"#),
        ),
        odd(
            "a.csv",
            format!("id,job\n{open}"),
            Refused("a.csv:11: the quote that opens here is never closed"),
        ),
        odd(
            "a.csv",
            "id,job\n1,a\u{c}b\u{b}\n",
            Sends(r#"{"job":"a\fb\u000b"}"#),
        ),
        odd("a.csv", "id,job\n1,a\tb\n", Sends(r#"{"job":"a\tb"}"#)),
        odd(
            "a.csv",
            long(0),
            Rows(1, 1, "3 address too_long: has more than 1000 characters"),
        ),
        odd(
            "a.csv",
            long(1),
            Refused("a.csv:3: the record that starts here is longer than 1048576 bytes"),
        ),
    ]
}

fn json() -> Vec<Odd> {
    let deep = format!(
        "{{\"id\":1,\"job\":{}{}}}\n",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    vec![
        odd(
            "a.csv",
            "{\"id\":1,\"job\":\"Nurse\"}\n",
            Refused("a.csv:1: is not a header: it begins like JSON (--format ndjson)"),
        ),
        odd("a.txt", "{\"id\":1,\"job\":\"Nurse\"}\n", Sends(NURSE)),
        odd(
            "a.ndjson",
            PLAIN,
            Rows(
                0,
                2,
                "1 row format: is not one JSON object: expected value at column 1",
            ),
        ),
        odd("a.json", "[{\"id\":1,\"job\":\"Nurse\"}]", Sends(NURSE)),
        odd(
            "a.ndjson",
            "\u{feff} [\r\n  {\r\n    \"id\": 1,\r\n    \"job\": \"Nurse\"\r\n  }\r\n]\r\n",
            Sends(NURSE),
        ),
        odd(
            "a.json",
            "[1,\n[{\"id\":1}],{\"id\":1]\n]",
            Rows(
                0,
                3,
                "1 row format: is not one JSON object: it is another kind of JSON value",
            ),
        ),
        odd(
            "a.json",
            "[{\"id\":1,\"job\":\"Nurse\"},\n{\"id\":2,\"job\":\"x\n",
            Refused(
                "a.json:2: the JSON array does not end: the input is cut off, or a quote or bracket is missing from here on",
            ),
        ),
        odd(
            "a.json",
            "[{\"id\":1,\"job\":\"Nurse\"},\n]",
            Refused("a.json:2: an element is missing here beside a comma of the JSON array"),
        ),
        odd(
            "a.json",
            "[{\"id\":1,\"job\":\"Nurse\"}]\n[{\"id\":2,\"job\":\"x\"}]",
            Refused(
                "a.json:2: something follows the end of the JSON array: an input is one array, or NDJSON",
            ),
        ),
        odd(
            "a.ndjson",
            "{\n  \"id\": 1,\n  \"job\": \"x\"\n}\n",
            Refused(
                "a.ndjson:1: is JSON that spans several lines: write one object per line (NDJSON), as `jq -c . FILE` does",
            ),
        ),
        odd(
            "a.ndjson",
            deep,
            Rows(
                0,
                1,
                "1 job type: is an array or object (in a workbook: an error such as #N/A) where text is expected",
            ),
        ),
        odd("a.ndjson", "{\"job\":\"Nurse\",\"id\":1}", Sends(NURSE)),
        odd("a.ndjson", "{}\n", Rows(0, 1, "1 id required: is missing")),
        odd(
            "a.ndjson",
            "{\"id\":1}\n",
            Rows(
                0,
                1,
                "1 row required: has nothing to update: no field besides the id",
            ),
        ),
        odd(
            "a.ndjson",
            "{\"id\":1,\"job\":\"a\",\"job\":\"a\"}\n",
            Rows(
                0,
                1,
                "1 job duplicate_key: appears more than once in the object",
            ),
        ),
        odd(
            "a.ndjson",
            "{\"id\":1,\"jbo\":\"a\"}\n",
            Rows(
                0,
                1,
                "1 row columns: has the key `jbo`, which is not a field of the API; did you mean `job`? (--map KEY=FIELD maps it, --ignore KEY leaves it out)",
            ),
        ),
    ]
}

/// Text that is almost JSON, and JSON that is not a row.
fn near_json() -> Vec<Odd> {
    vec![
        odd(
            "a.ndjson",
            "{\"id\":1,}\n",
            Rows(
                0,
                1,
                "1 row format: is not one JSON object: trailing comma at column 9",
            ),
        ),
        odd(
            "a.ndjson",
            "// x\n",
            Rows(
                0,
                1,
                "1 row format: is not one JSON object: it contains a comment, which JSON does not allow",
            ),
        ),
        odd(
            "a.ndjson",
            "{\"id\":NaN}\n",
            Rows(
                0,
                1,
                "1 row format: is not one JSON object: it contains NaN or Infinity, which JSON does not allow (write null for no number)",
            ),
        ),
        odd(
            "a.ndjson",
            "{'id':1}\n",
            Rows(
                0,
                1,
                "1 row format: is not one JSON object: it has single quotes, but JSON needs double quotes",
            ),
        ),
        odd(
            "a.ndjson",
            "{\"id\":1,\"job\":\"a\"},\n",
            Rows(
                0,
                1,
                "1 row format: is not one JSON object: a comma follows it, but NDJSON has none between lines",
            ),
        ),
        odd(
            "a.ndjson",
            "\u{feff}{\"id\":1,\"job\":\"Nurse\"}\n",
            Sends(NURSE),
        ),
        odd(
            "a.ndjson",
            "{\"id\":1,\"job\":\"a\",\"\\u006aob\":\"b\"}\n",
            Rows(
                0,
                1,
                "1 job duplicate_key: appears more than once in the object",
            ),
        ),
        odd(
            "a.ndjson",
            "{\"id\":1,\"Job\":\"a\"}\n",
            Rows(
                0,
                1,
                "1 row columns: has the key `Job`, which is not a field of the API; did you mean `job`? (--map KEY=FIELD maps it, --ignore KEY leaves it out)",
            ),
        ),
        odd(
            "a.ndjson",
            "{\"id\":1,\"Tilda Holm\":\"a\"}\n",
            Rows(
                0,
                1,
                "1 row columns: has a key that is not shown because it may be a value (key 2), which is not a field of the API (--map KEY=FIELD maps it, --ignore KEY leaves it out)",
            ),
        ),
        odd(
            "a.ndjson",
            "{\"id\":1,\"costCentre\":\"a\"}\n",
            Rows(
                0,
                1,
                "1 row columns: has the key `costCentre`, which is not a field of the API (--map KEY=FIELD maps it, --ignore KEY leaves it out)",
            ),
        ),
        odd(
            "a.ndjson",
            "{\"id\":1,\"job\":\"\\ud800\"}\n",
            Rows(
                0,
                1,
                "1 job encoding: holds one half of a surrogate pair without the other",
            ),
        ),
        odd(
            "a.ndjson",
            "{\"id\":1,\"job\":\"\\ud83d\\ude00\"}\n",
            Sends("{\"job\":\"😀\"}"),
        ),
        odd(
            "a.ndjson",
            "{\"id\":1,\"job\":\"a\"} {}\n",
            Rows(
                0,
                1,
                "1 row format: is not one JSON object: another one follows it, but NDJSON has one per line (convert it with jq -c . FILE)",
            ),
        ),
        odd(
            "a.ndjson",
            "{\"id\":1,\"job\":\"a",
            Rows(
                0,
                1,
                "1 row format: is not one JSON object: the input ends in the middle of it, at column 16",
            ),
        ),
    ]
}
