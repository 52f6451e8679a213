//! Tests of blocks and records: they are the same however an input is cut and however its bytes
//! arrive.

use std::borrow::Cow;

use ::bytes::Bytes;
use proptest::prelude::*;

use super::*;

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
    let head = Head::read(Trickle::new(bytes, pieces), size)?;
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

        let layout = Layout::Ndjson(NdjsonLayout::new(&MappingRules::default(), Framing::Lines, Origin::First, Bom::Omit));
        for block in &blocks {
            layout.parse(block, &RowRules::default(), 0, &mut |record| {
                let is_object = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(record.raw).is_ok();
                let is_unreadable = record.checked.is_err_and(|row| {
                    row.errors.iter().any(|error| matches!(error.code, ErrorCode::Format | ErrorCode::Encoding))
                });
                assert_ne!(is_object, is_unreadable, "{:?}", String::from_utf8_lossy(record.raw));
            });
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
