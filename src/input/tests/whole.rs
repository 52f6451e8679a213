//! Tests of whole inputs: the result of a row depends on its bytes alone, not on blocks, arrival,
//! compression or encoding.

use std::io::Write as _;

use proptest::prelude::*;

use super::rows::{Row, rows_or_fault};
use super::*;

/// Returns the rows of an input, or the reason why it cannot be read to its end.
fn outcome(
    name: &str,
    bytes: &[u8],
    pieces: &[usize],
    size: BlockSize,
) -> Result<Vec<Row>, String> {
    // The format is given, because only the first block would decide it.
    let rules = InputRules {
        delimiter: Some(Delimiter::COMMA),
        ..InputRules::default()
    };
    let reader = Box::new(Trickle::new(bytes, pieces));
    let input = Input::of_reader(InputName::from_argument(name.into()), reader, &rules, size);
    let rows = input.and_then(|mut input| rows_or_fault(&mut input, &RowRules::default()));
    rows.map_err(|error| error.to_string())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let (one, other) = bytes.split_at(bytes.len() / 2);
    let member = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("memory can be written");
        encoder.finish().expect("memory can be written")
    };
    [member(one), member(other)].concat()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let (one, other) = bytes.split_at(bytes.len() / 3);
    [one, other]
        .map(|bytes| ::zstd::encode_all(bytes, 1).expect("memory can be read"))
        .concat()
}

fn utf_16(text: &str, of: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
    std::iter::once(0xfeff)
        .chain(text.encode_utf16())
        .flat_map(of)
        .collect()
}

fn text(head: &'static str, pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(pieces), 0..60)
        .prop_map(move |pieces| head.to_owned() + &pieces.concat())
}

const CSV: &[&str] = &[
    "1,Nurse,a@b.c\n",
    "2,\"a\"\"b\",\r\n",
    "3,\"x\ny\",a@localhost\n",
    "4,é𝄞,x\r",
    "007,,\n",
    "\"8\",\"\"\"\",\"\"\n",
    "-1,x,\n",
    "x,\n",
    "9,a,b,c\n",
    "\n",
    "\r",
    "\"",
    ",",
    " ",
    "10",
    "a\"b",
];

const NDJSON: &[&str] = &[
    "{\"id\":1,\"job\":\"Nurse\"}\n",
    "{ \"job\" : \"é𝄞\" , \"id\" : \"007\" }\r\n",
    "{\"id\":2,\"job\":\"a\\\"\\u00e9\\n\",\"email\":null}\n",
    "{\"id\":3,\"job\":\"\\ud800\"}\n",
    "{\"id\":4,\"id\":5,\"job\":true}\n",
    "{\"id\":6,\"country_id\":1e3,\"user_id\":-0,\"gender\":[]}\n",
    "{\"id\":7,\"Job\":\"\",\"email\":\"\"}\n",
    "{\"id\":08}\n",
    "{}\n",
    "{\"id\":9}",
    "[1]\n",
    "\n",
    "\"",
    " ",
    "\t",
    "\\",
    "{",
];

fn pieces() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1_usize..90, 1..4)
}

fn check(
    name: &str,
    text: &str,
    pieces: &[usize],
    block_bytes: usize,
) -> Result<(), TestCaseError> {
    let plain = outcome(name, text.as_bytes(), &[usize::MAX], BlockSize::default());
    let size = BlockSize {
        block_bytes,
        ..BlockSize::default()
    };
    for (how, bytes) in [
        ("plain", text.as_bytes().to_vec()),
        ("with a mark", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        ("gzip", gzip(text.as_bytes())),
        ("zstd", zstd(text.as_bytes())),
        ("UTF-16LE", utf_16(text, u16::to_le_bytes)),
        ("UTF-16BE", utf_16(text, u16::to_be_bytes)),
        ("UTF-16LE in gzip", gzip(&utf_16(text, u16::to_le_bytes))),
    ] {
        prop_assert_eq!(&outcome(name, &bytes, pieces, size), &plain, "{}", how);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn csv_rows_depend_on_their_bytes_alone(
        text in text("id,job,email\n", CSV),
        pieces in pieces(),
        block_bytes in 1_usize..200,
    ) {
        check("a.csv", &text, &pieces, block_bytes)?;
    }

    #[test]
    fn ndjson_rows_depend_on_their_bytes_alone(
        text in text("{\"id\":1,\"job\":\"x\"}\n", NDJSON),
        pieces in pieces(),
        block_bytes in 1_usize..200,
    ) {
        check("a.ndjson", &text, &pieces, block_bytes)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plain_object_is_read_as_any_other(members in prop::collection::vec(prop::sample::select(MEMBERS), 1..8)) {
        // Only the general parser reads a line that begins with another kind of white space.
        let object = format!("{{{}}}", members.concat());
        let [plain, general] = ["", "\r"].map(|space| {
            let text = format!("{space}{object}\n");
            let rows = outcome("a.ndjson", text.as_bytes(), &[99], BlockSize::default()).expect("a line");
            rows.into_iter().map(|(_, line, checked)| (line, without_place(checked))).collect::<Vec<_>>()
        });
        prop_assert_eq!(plain, general);
    }
}

const MEMBERS: &[&str] = &[
    "\"id\":1",
    "\"id\" : \"2\"",
    "\"job\":\"a\"",
    "\"job\":\"\"",
    "\"job\":\"\\u0041\\\\\"",
    "\"job\":\"\\ud800\"",
    "\"job\":\"\\q\"",
    "\"job\":\"\t\"",
    "\"job\":null",
    "\"job\":nul",
    "\"user_id\":-7",
    "\"user_id\":-0",
    "\"user_id\":-",
    "\"user_id\":07",
    "\"user_id\":1.5",
    "\"user_id\":1e3",
    "\"user_id\":99999999999999999999",
    "\"gender\":true",
    "\"gender\":false",
    "\"gender\":[]",
    "\"gender\":\"male\"",
    "\"j\\u006fb\":\"x\"",
    "\"stranger\":1",
    "\"email\":\"a@b.c\"",
    ",",
    ",",
    " ",
    "x",
];

/// Removes the column from messages: the general parser counts columns from the white space on.
fn without_place(checked: Result<String, String>) -> Result<String, String> {
    checked.map_err(|error| {
        error
            .split(" at column ")
            .next()
            .unwrap_or_default()
            .to_owned()
    })
}
