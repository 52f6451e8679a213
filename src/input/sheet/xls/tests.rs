//! Arbitrary records and damaged files: they end in rows, in order, or in an error, and take no more
//! work than their size allows.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use proptest::sample::select;

use super::cells::Cells;
use super::globals::Globals;
use super::records::kinds;
use super::stream::StreamBytes;
use super::{Xls, globals};
use crate::input::sheet::cells::{CellReader, Value};
use crate::input::sheet::fault::PartFault;
use crate::input::sheet::workbook::Workbook as _;

/// Workbooks of xlwt, `Spreadsheet::WriteExcel`, `LibreOffice` and Gnumeric, in BIFF8 and BIFF5.
const REAL: [&[u8]; 4] = [
    include_bytes!("../../../../tests/it/old_workbooks/xlwt.xls"),
    include_bytes!("../../../../tests/it/old_workbooks/writeexcel.xls"),
    include_bytes!("../../../../tests/it/old_workbooks/libreoffice.xls"),
    include_bytes!("../../../../tests/it/old_workbooks/gnumeric-biff5.xls"),
];
const KINDS: [u16; 27] = [
    kinds::FORMULA,
    kinds::EOF,
    kinds::DATE_1904,
    kinds::CONTINUE,
    kinds::CODE_PAGE,
    kinds::UNCALCED,
    kinds::WS_BOOL,
    kinds::BOUND_SHEET,
    kinds::MUL_RK,
    kinds::MUL_BLANK,
    kinds::R_STRING,
    kinds::XF,
    kinds::SST,
    kinds::LABEL_SST,
    kinds::RECALC_ID,
    kinds::BLANK,
    kinds::NUMBER,
    kinds::LABEL,
    kinds::BOOL_ERR,
    kinds::STRING,
    kinds::ROW,
    kinds::RK,
    kinds::FORMAT,
    kinds::BOF,
    kinds::FILE_PASS,
    0x04bc,
    0x0003,
];

/// A stream in memory.
#[derive(Debug)]
struct Held(Cursor<Vec<u8>>);

impl StreamBytes for Held {
    fn left(&self) -> u64 {
        self.0.get_ref().len() as u64 - self.0.position()
    }

    fn read(&mut self, into: &mut [u8]) -> Result<(), PartFault> {
        self.0.read_exact(into).map_err(PartFault::of_file)
    }

    fn seek(&mut self, to: u64) -> Result<(), PartFault> {
        self.0.set_position(to);
        Ok(())
    }
}

/// A file that counts the bytes that are read.
#[derive(Debug)]
struct Counted {
    file: Cursor<Vec<u8>>,
    bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(into)?;
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Reads all rows; returns the number of cells with a value, or the reason of the fault.
fn read_all(cells: &mut dyn CellReader) -> Result<usize, String> {
    let (mut last_row, mut count) = (0, 0);
    let reason = |fault: PartFault| {
        let reason = format!("{fault:?}");
        assert!(reason.len() < 300, "{reason}");
        reason
    };
    while let Some(row) = cells.next_row().map_err(reason)? {
        assert!(row > last_row && row <= 65_536);
        let mut last_column = 0;
        while let Some((column, value)) = cells.next_cell().map_err(reason)? {
            assert!(column > last_column && column <= 256);
            assert_ne!(value, Value::Text(""), "an empty text is empty");
            (last_column, count) = (column, count + usize::from(value != Value::Empty));
        }
        last_row = row;
    }
    Ok(count)
}

/// Records of kinds that are read. Many have a small row and column in front.
fn records() -> impl Strategy<Value = Vec<u8>> {
    let content = prop_oneof![
        3 => (0..3u8, 0..4u8, prop::collection::vec(any::<u8>(), 0..30)).prop_map(
            |(row, column, rest)| [&[row, 0, column, 0][..], &rest].concat()
        ),
        1 => prop::collection::vec(any::<u8>(), 0..30),
    ];
    // Lengths that are wrong, now and then.
    let record = (
        select(&KINDS[..]),
        content,
        prop::option::weighted(0.02, any::<u16>()),
    );
    let records = prop::collection::vec(record, 0..40);
    records.prop_map(|records| {
        let mut stream = Vec::new();
        for (kind, content, wrong) in records {
            let length = wrong.unwrap_or(u16::try_from(content.len()).expect("short"));
            stream.extend([kind, length].map(u16::to_le_bytes).concat());
            stream.extend(content);
        }
        stream
    })
}

/// The start of a part in this version.
fn begun(version: u16, part: u16) -> Vec<u8> {
    let head = [kinds::BOF, 8, version, part, 0, 0];
    head.map(u16::to_le_bytes).concat()
}

fn globals(version: u16) -> Globals {
    let end = [kinds::EOF, 0].map(u16::to_le_bytes).concat();
    let stream = Held(Cursor::new([begun(version, 5), end].concat()));
    globals::read(stream).expect("an empty workbook").0
}

/// The most bytes that may be read of a file: its directory, and each byte some times.
fn bytes_max(file: &[u8]) -> u64 {
    (4 << 20) + 32 * file.len() as u64
}

#[test]
fn real_workbooks_are_read_to_their_end() {
    let counts = REAL.map(|file| {
        let mut book = Xls::of(Cursor::new(file.to_vec())).expect("a workbook");
        let sheets = 0..book.contents().sheets.len();
        let counts = sheets.map(|sheet| {
            let mut cells = book.look(sheet).expect("a sheet");
            read_all(cells.as_mut()).expect("cells")
        });
        counts.sum::<usize>()
    });
    assert_eq!(counts, [26, 10, 20, 16]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn cells_of_any_records_are_in_order_or_an_error(
        records in records(),
        version in select(&[0x0500u16, 0x0600][..]),
    ) {
        let stream = Held(Cursor::new([begun(version, 0x10), records].concat()));
        if let Ok(mut cells) = Cells::open(stream, 0, &globals(version)) {
            drop(read_all(&mut cells));
        }
    }

    #[test]
    fn settings_of_any_records_are_read_or_an_error(
        records in records(),
        version in select(&[0x0500u16, 0x0600][..]),
    ) {
        let stream = Held(Cursor::new([begun(version, 5), records].concat()));
        if let Ok((_, contents, starts)) = globals::read(stream) {
            prop_assert_eq!(contents.sheets.len(), starts.len());
        }
    }

    #[test]
    fn a_damaged_file_takes_bounded_work(
        file in select(&REAL[..]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        header in prop::option::of((0..512usize, any::<u8>())),
        links in prop::collection::vec((0..40usize, 0..40u8), 0..3),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut file = file.to_vec();
        // The entry of a sector in the allocation table, which has one sector.
        let table = (usize::from(file[76]) + 1) * 512;
        for (sector, next) in links {
            file[table + 4 * sector..][..4].copy_from_slice(&[next, 0, 0, 0]);
        }
        if let Some((at, byte)) = header {
            file[at] = byte;
        }
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        let (bytes, max) = (Arc::new(AtomicU64::new(0)), bytes_max(&file));
        let counted = Counted { file: Cursor::new(file), bytes: Arc::clone(&bytes) };
        if let Ok(mut book) = Xls::of(counted)
            && let Ok((sheet, ..)) = book.contents().choose(None)
            && let Ok(mut cells) = book.look(sheet)
        {
            drop(read_all(cells.as_mut()));
        }
        prop_assert!(bytes.load(Ordering::Relaxed) <= max);
    }
}
