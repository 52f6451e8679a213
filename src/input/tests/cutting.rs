//! Tests of blocks and records: they are the same however an input is cut and however its bytes
//! arrive.

use std::borrow::Cow;

use ::bytes::Bytes;
use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;
use crate::input::bytes::lines::count_lines;

const CSV: Format = Format::Csv(Dialect::COMMA);

/// A record of a plain reader.
#[derive(Debug, PartialEq, Eq)]
struct Plain {
    cells: Vec<Vec<u8>>,
    raw: Vec<u8>,
    line: u64,
}

fn blocks(
    bytes: &[u8],
    pieces: &[usize],
    format: Format,
    size: BlockSize,
) -> Result<Vec<Block>, InputFault> {
    let mut head = Head::read(Trickle::new(bytes, pieces), size)?;
    if format == Format::JsonArray {
        head.open_array();
    }
    let mut blocks: Blocks<_> = head.into_blocks(format);
    let mut all = Vec::new();
    while let Some(block) = blocks.next()? {
        assert!(
            !block.bytes.is_empty(),
            "an empty block would look like progress"
        );
        all.push(block);
    }
    Ok(all)
}

fn csv_records(blocks: &[Block]) -> Vec<Plain> {
    let mut all = Vec::new();
    for block in blocks {
        let mut records = CsvRecords::of(block, Dialect::COMMA);
        while let Some(record) = records.next() {
            let cells = record.unquoted().map(Cow::into_owned).collect();
            all.push(Plain {
                cells,
                raw: record.raw.to_vec(),
                line: record.line,
            });
        }
    }
    all
}

/// Returns the `csv` crate's records of a whole input, without those whose cells are all empty.
fn csv_cells(bytes: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let records = reader
        .into_byte_records()
        .map(|record| record.expect("memory can be read"));
    let records = records.map(|record| record.iter().map(<[u8]>::to_vec).collect());
    records.filter(|cells: &Vec<_>| !is_blank(cells)).collect()
}

/// Whether a record may consist of delimiters only, judged by its cells. They may be empty quotes,
/// too.
fn is_blank(cells: &[Vec<u8>]) -> bool {
    cells.len() > 1 && cells.iter().all(Vec::is_empty)
}

/// Returns the raw bytes and line of each record, and the line of a quote that is left open. This
/// reference implementation goes byte by byte.
fn walk(text: &[u8]) -> (Vec<(Vec<u8>, u64)>, Option<u64>) {
    let mut records = Vec::new();
    let (mut raw, mut start, mut line) = (Vec::new(), 1, 1);
    let mut open_quote = None;
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        let next = text.get(at + 1);
        if raw.is_empty() {
            start = line;
        }
        if let b'\r' | b'\n' = byte {
            let end: &[u8] = if byte == b'\r' && next == Some(&b'\n') {
                b"\r\n"
            } else {
                &text[at..=at]
            };
            line += 1;
            at += end.len();
            if open_quote.is_some() {
                raw.extend_from_slice(end);
            } else {
                push_record(&mut records, std::mem::take(&mut raw), start);
            }
            continue;
        }
        if byte == b'"' {
            if open_quote.is_some() {
                if next == Some(&b'"') {
                    raw.push(byte);
                    at += 1;
                } else {
                    open_quote = None;
                }
            } else if matches!(raw.last(), None | Some(b',')) {
                open_quote = Some(line);
            }
        }
        raw.push(byte);
        at += 1;
    }
    push_record(&mut records, raw, start);
    (records, open_quote)
}

/// Adds a record, unless it is an empty line or one of delimiters only.
fn push_record(records: &mut Vec<(Vec<u8>, u64)>, raw: Vec<u8>, start: u64) {
    if raw.iter().any(|byte| *byte != b',') {
        records.push((raw, start));
    }
}

/// Generates texts of these pieces, so that they occur in every order.
fn texts(pieces: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(pieces), 0..90).prop_map(|pieces| pieces.concat())
}

const CSV_PIECES: &[&[u8]] = &[
    b"\"",
    b"\"",
    b"\"\"",
    b",",
    b",",
    b"\n",
    b"\n",
    b"\r",
    b"\r\n",
    b"a",
    b"bc",
    b" ",
    b"\xef\xbb\xbf",
    b"\xef",
    "é".as_bytes(),
    b"\xff",
    b",\"x\"",
    b"\"\r\n\"\n",
    b",\"y\"\"\r\n\"",
];

const NDJSON_PIECES: &[&[u8]] = &[
    b"{\"id\":1}",
    b"{\"a\":\"\\\"\"}",
    b"{",
    b"\"",
    b"\n",
    b"\n",
    b"\r\n",
    b"\r",
    b" ",
    b"\t",
    b"1",
    b"\xff",
    "é".as_bytes(),
];

const ARRAY_PIECES: &[&[u8]] = &[
    b"{\"id\":1}",
    b"{\"id\":1}",
    b"{\"a\":\"],}\\\"\"}",
    b"{\"id\":\n[1,\r\n{}]\n}",
    b",",
    b",",
    b",",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\"",
    b"\\",
    b"\\\"",
    b"\n",
    b"\r\n",
    b"\r",
    b" ",
    b"\t",
    b"1",
    b"null",
    b":",
    b"\xff",
    "é".as_bytes(),
];

const ELEMENTS: &[&[u8]] = &[
    b"{}",
    b"{\"id\":1}",
    b"{\"a\":\"],}[{\\\"\\\\\"}",
    b"{\n\t\"id\": 1,\r\n\t\"a\": [1, {}]\n}",
    b"[{\"id\":1},\n[]]",
    b"\",]\"",
    b"-1.5e3",
    b"null",
    "\"é\\u00e9\"".as_bytes(),
];

const WHITE_SPACE: &[&[u8]] = &[b"", b"", b"\n", b"\r\n", b"\r", b" \t ", b"\n\n\n"];

/// Generates arrays of whole elements, with a piece too much or a byte too few now and then.
fn arrays() -> impl Strategy<Value = Vec<u8>> {
    let around = || prop::sample::select(WHITE_SPACE);
    let element = (around(), prop::sample::select(ELEMENTS), around());
    let element = element.prop_map(|(before, element, behind)| [before, element, behind].concat());
    let damage = prop_oneof![
        2 => Just(None),
        1 => prop::option::of((any::<prop::sample::Index>(), prop::sample::select(ARRAY_PIECES))),
    ];
    let parts = (
        prop::collection::vec(element, 0..12),
        around(),
        around(),
        damage,
    );
    parts.prop_map(|(elements, before, behind, damage)| {
        let mut text = [before, b"[", &elements.join(&b','), b"]", behind].concat();
        if let Some((at, piece)) = damage {
            // Behind the opening bracket, which makes it an array.
            let first = before.len() + 1;
            let at = first + at.index(text.len() - first + 1);
            text.splice(at..(at + piece.len() % 2).min(text.len()), piece.to_vec());
        }
        text
    })
}

/// Returns the elements of a whole array with their lines, if all of it is JSON.
fn strict_elements(text: &[u8]) -> Option<Vec<(Vec<u8>, u64)>> {
    let elements: Vec<&RawValue> = serde_json::from_slice(text).ok()?;
    let with_line = |element: &RawValue| {
        let at = element.get().as_ptr().addr() - text.as_ptr().addr();
        let line_feeds = count_lines(&text[..at], Format::JsonArray);
        (element.get().as_bytes().to_vec(), 1 + line_feeds)
    };
    Some(elements.into_iter().map(with_line).collect())
}

/// Returns the elements of an array with their lines.
fn elements(blocks: &[Block]) -> Vec<(Vec<u8>, u64)> {
    let records = blocks
        .iter()
        .flat_map(|block| JsonRecords::of(block, Framing::Array));
    records
        .map(|record| (record.raw.to_vec(), record.line))
        .collect()
}

/// Whether a reader takes each of these records for an object.
fn are_objects(blocks: &[Block], framing: Framing) -> Vec<bool> {
    let layout = NdjsonLayout::new(&MappingRules::default(), framing, Origin::First, Bom::Omit);
    let layout = Layout::Ndjson(layout);
    let mut are_objects = Vec::new();
    for block in blocks {
        layout.parse(block, &RowRules::default(), 0, &mut |record| {
            let is_unreadable = record.checked.is_err_and(|row| {
                let codes = row.errors.iter().map(|error| error.code);
                codes
                    .into_iter()
                    .any(|code| matches!(code, ErrorCode::Format | ErrorCode::Encoding))
            });
            are_objects.push(!is_unreadable);
        });
    }
    are_objects
}

/// Whether these bytes are one JSON object.
fn is_object(raw: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(raw).is_ok()
}

fn sizes() -> impl Strategy<Value = BlockSize> {
    (
        prop_oneof![1_usize..48, 1_usize..300],
        prop_oneof![1_usize..9, Just(4096)],
    )
        .prop_map(|(block_bytes, lines_max)| BlockSize {
            block_bytes,
            lines_max,
            record_bytes_max: 1 << 20,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn csv_records_are_the_same_however_they_are_cut(
        text in texts(CSV_PIECES),
        pieces in prop::collection::vec(prop_oneof![1_usize..9, 1_usize..100], 1..4),
        size in sizes(),
    ) {
        let (walked, open_quote) = walk(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text));
        match blocks(&text, &pieces, CSV, size) {
            Ok(blocks) => {
                prop_assert_eq!(open_quote, None);
                let found = csv_records(&blocks);
                let cells = found.iter().map(|record| record.cells.clone()).filter(|cells| !is_blank(cells));
                prop_assert_eq!(cells.collect::<Vec<_>>(), csv_cells(&text));
                let raw: Vec<_> = found.into_iter().map(|record| (record.raw, record.line)).collect();
                // A blank line comes first, or a mark at the start of the first value would be
                // taken for the file's.
                let joined: Vec<_> = raw.iter().flat_map(|(raw, _)| [b"\n", raw.as_slice()].concat()).collect();
                prop_assert_eq!(csv_cells(&joined), csv_cells(&text));
                prop_assert_eq!(raw, walked);
            }
            Err(fault) => {
                prop_assert!(matches!(fault, InputFault::QuoteNotClosed { .. }), "{:?}", fault);
                prop_assert_eq!(fault.line(), open_quote);
            }
        }
    }

    #[test]
    fn ndjson_records_are_the_same_however_they_are_cut(
        text in texts(NDJSON_PIECES),
        pieces in prop::collection::vec(1_usize..9, 1..4),
        size in sizes(),
    ) {
        let blocks = blocks(&text, &pieces, Format::Ndjson, size).expect("lines end anywhere");
        let found: Vec<_> = blocks.iter().flat_map(|block| {
            JsonRecords::of(block, Framing::Lines).map(|line| (line.raw.to_vec(), line.line)).collect::<Vec<_>>()
        }).collect();
        let lines = text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let want = lines.zip(1..).filter(|(line, _)| !line.iter().all(|byte| b" \t\r".contains(byte)));
        let want: Vec<_> = want.map(|(line, number)| (line.to_vec(), number)).collect();
        prop_assert_eq!(&found, &want);

        let want: Vec<_> = want.iter().map(|(line, _)| is_object(line)).collect();
        prop_assert_eq!(are_objects(&blocks, Framing::Lines), want);
    }

    #[test]
    fn arrays_are_read_as_a_strict_reader_reads_them_however_they_are_cut(
        text in prop_oneof![
            arrays(),
            texts(ARRAY_PIECES).prop_map(|pieces| [b"[", pieces.as_slice()].concat()),
        ],
        pieces in prop::collection::vec(1_usize..9, 1..4),
        size in sizes(),
    ) {
        let whole = blocks(&text, &[text.len()], Format::JsonArray, BlockSize::default());
        match (blocks(&text, &pieces, Format::JsonArray, size), strict_elements(&text)) {
            (Ok(blocks), strict) => {
                let found = elements(&blocks);
                prop_assert_eq!(&found, &elements(&whole.expect("cut in another way, it is whole")));
                let objects: Vec<_> = found.iter().map(|(raw, _)| is_object(raw)).collect();
                prop_assert_eq!(are_objects(&blocks, Framing::Array), objects.clone());
                match strict {
                    Some(strict) => prop_assert_eq!(found, strict),
                    None => prop_assert!(objects.contains(&false), "no row is to blame"),
                }
            }
            (Err(fault), strict) => {
                prop_assert_eq!(strict, None);
                prop_assert!(matches!(fault, InputFault::JsonArray { .. }), "{:?}", fault);
                let of_whole = whole.expect_err("cut in another way, it is not whole");
                prop_assert_eq!(fault.to_string(), of_whole.to_string());
                prop_assert_eq!(fault.line(), of_whole.line());
            }
        }
    }
}

#[test]
fn a_record_may_be_as_long_as_its_limit() {
    let check = |record_bytes: usize, want: bool| {
        for block_bytes in [1, 8, 63, 64, 65, 200] {
            let size = BlockSize {
                block_bytes,
                lines_max: 2,
                record_bytes_max: 64,
            };
            let text = format!("{}\nb\n", "a".repeat(record_bytes - 1));
            let is_taken = blocks(text.as_bytes(), &[7], CSV, size).is_ok();
            // A block larger than the limit is read before the limit is checked.
            assert_eq!(
                is_taken,
                want || block_bytes > 64 + 1,
                "{record_bytes} {block_bytes}"
            );
        }
    };
    check(64, true);
    check(66, false);
}

#[test]
fn an_element_may_be_as_long_as_its_limit_whatever_surrounds_it() {
    let check = |element_bytes: usize, want: bool| {
        let element = format!("{{\"a\":\"{}\"}}", "x".repeat(element_bytes - 8));
        for around in ["", " ", "\n\n\n", &" ".repeat(300)] {
            for (before, behind) in [("", ""), ("1,", ",2"), ("{} ,", ", [] ")] {
                let text = format!("[{before}{around}{element}{around}{behind}]{around}");
                for block_bytes in [1, 8, 63, 64, 65] {
                    let size = BlockSize {
                        block_bytes,
                        lines_max: 2,
                        record_bytes_max: 64,
                    };
                    let line = 1 + text[..text.find("{\"").unwrap()].matches('\n').count() as u64;
                    let fault = blocks(text.as_bytes(), &[7], Format::JsonArray, size).err();
                    let told = fault.map(|fault| {
                        let is_length = matches!(fault, InputFault::RecordTooLong { .. });
                        (is_length, fault.line())
                    });
                    let wanted = (!want).then_some((true, Some(line)));
                    assert_eq!(told, wanted, "{text:?} {block_bytes}");
                }
            }
        }
    };
    check(64, true);
    check(65, false);
    check(500, false);
}

#[test]
fn elements_are_handed_on_before_what_follows_them_is_read() {
    let check = |read: &str, want: &[&str]| {
        let pause = Pausing {
            bytes: read.as_bytes(),
            has_paused: false,
        };
        let mut head = Head::read(pause, BlockSize::default()).expect("it is read up to the pause");
        head.open_array();
        let block = head.into_blocks(Format::JsonArray).next();
        let block = block.expect("no fault so far").expect("there is more");
        let found = elements(&[block]);
        let found: Vec<_> = found
            .iter()
            .map(|(raw, _)| std::str::from_utf8(raw).expect("UTF-8"))
            .collect();
        assert_eq!(found, want, "{read:?}");
    };
    check("[{}", &["{}"]);
    check("[{\"id\":1},\n", &["{\"id\":1}"]);
    check("[\n{\"id\":1}\n", &["{\"id\":1}"]);
    check("[{\"id\":1},{\"id\":2}", &["{\"id\":1}", "{\"id\":2}"]);
    check("[{\"id\":1},{\"id\":2", &["{\"id\":1}"]);
}

/// A reader that pauses once behind these bytes, and then ends.
struct Pausing<'b> {
    bytes: &'b [u8],
    has_paused: bool,
}

impl Read for Pausing<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.bytes.read(into)? {
            0 if !std::mem::replace(&mut self.has_paused, true) => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            count => Ok(count),
        }
    }
}

#[test]
fn raw_bytes_are_slices_of_the_block() {
    let block = Block::new(Bytes::from_static(b"1,a\n2,b\n"), 7, 0);
    let mut records = CsvRecords::of(&block, Dialect::COMMA);
    let (start, line, end) = records
        .next()
        .map(|record| (record.raw.as_ptr(), record.line, record.end))
        .expect("a row");
    assert_eq!((start, line, end), (block.bytes.as_ptr(), 7, 4));
}

#[test]
fn a_block_has_as_many_lines_as_it_may_at_most() {
    let size = BlockSize {
        block_bytes: 1 << 10,
        lines_max: 16,
        record_bytes_max: 1 << 10,
    };
    let size_of = |blocks: &[Block]| {
        blocks
            .iter()
            .map(|block| elements(std::slice::from_ref(block)).len())
            .collect::<Vec<_>>()
    };
    let array = format!("[{}]", "{},".repeat(999) + "{}");
    let cut = blocks(array.as_bytes(), &[300], Format::JsonArray, size).expect("good elements");
    let counts = size_of(&cut);
    assert!(counts.iter().all(|count| *count <= 16), "{counts:?}");
    assert_eq!(counts.iter().sum::<usize>(), 1_000);
    assert!(counts.len() < 90, "{counts:?}");
    for (text, format) in [
        ("1\n", CSV),
        ("\"a\n\",b\r\n", CSV),
        ("\n", CSV),
        ("{}\n", Format::Ndjson),
    ] {
        let blocks =
            blocks(text.repeat(1_000).as_bytes(), &[300], format, size).expect("good records");
        let lines = |block: &Block| block.bytes.len() / text.len();
        assert!(blocks.iter().all(|block| lines(block) <= 16), "{text:?}");
        assert_eq!(blocks.iter().map(lines).sum::<usize>(), 1_000, "{text:?}");
        assert!(blocks.len() < 90, "{text:?}: {} blocks", blocks.len());
    }
}
