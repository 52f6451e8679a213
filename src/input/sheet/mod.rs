//! Excel workbooks (`.xlsx`): turns the rows of a sheet into lines of NDJSON, one line for each
//! row. Line numbers are then the sheet's row numbers, and the rest of the pipeline reads NDJSON.
//!
//! NDJSON is used instead of CSV because it tells numbers from text. A phone number typed without
//! an apostrophe has lost its leading zero; as a JSON number it is an error in a text field, also
//! in the file of failed rows. A separate thread reads the sheet, because the decompressor of a
//! part borrows the workbook.
//!
//! The XML is read here instead of by a workbook library. Libraries silently skip or misread what
//! they do not expect (text in CDATA, an invalid number of a shared string, an empty entry among
//! them, a formula without a result), hold parts of any size in memory, and do not report hidden
//! rows. Of the format (ECMA-376), only the values are read.
//!
//! - `package`: the zip archive and its parts; `xml`: the XML of a part
//! - `book`, `styles`, `texts`: the sheets, the date formats and the shared strings of a workbook
//! - `cells`, `days`: the cells of a sheet and their values
//! - `lines`: writes rows as NDJSON
//! - `fault`: errors of a part

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use self::book::Book;
use self::cells::Cells;
use self::lines::Lines;
use self::package::Package;
use self::styles::Styles;
use self::texts::Texts;
use crate::input::bytes::stream_fault::StreamFault;
use crate::input::error::InputFault;
use crate::input::mapping::loose_names::LooseColumn;
use crate::input::options::InputRules;

mod book;
mod cells;
mod days;
mod fault;
mod lines;
mod package;
mod styles;
mod texts;
mod xml;

pub use self::book::SheetChoice;

/// The number of bytes that are handed over at once.
const CHUNK_BYTES: usize = 64 << 10;
/// The most chunks that wait to be read.
const CHUNKS_QUEUED_MAX: usize = 4;

/// A reader of a sheet's rows as NDJSON.
pub(crate) struct SheetRows {
    /// `None` once the thread was asked to end.
    chunks: Option<Receiver<Chunk>>,
    thread: Option<JoinHandle<()>>,
    chunk: Vec<u8>,
    at: usize,
}

/// A sheet whose header has been read.
#[derive(Debug, Clone)]
pub(crate) struct OpenSheet {
    /// The chosen sheet.
    pub(crate) choice: SheetChoice,
    /// The header names that were matched loosely.
    pub(crate) loosely: Vec<LooseColumn>,
    /// The memory of the workbook's shared strings, in bytes.
    pub(crate) texts_bytes: usize,
    /// The number of hidden rows, as far as the sheet was read.
    pub(crate) hidden_rows: Arc<AtomicU64>,
}

/// A message of the thread.
enum Chunk {
    Lines(Vec<u8>),
    /// The sheet was read to its end. A thread that ends without this message has not read all of
    /// it.
    End,
    Fault(StreamFault),
}

/// Whether a file begins as a workbook does. `false` if it cannot be opened; opening it later
/// reports why.
pub(crate) fn is_workbook(path: &Path) -> bool {
    let mut magic = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && magic == *b"PK\x03\x04"
}

/// Opens a sheet, by default the first visible table, and reads its header.
pub(crate) fn open(path: &Path, rules: &InputRules) -> Result<(SheetRows, OpenSheet), InputFault> {
    let (opened_in, opened) = sync_channel(1);
    let (chunks_in, chunks) = sync_channel(CHUNKS_QUEUED_MAX);
    let reading = SheetReading {
        path: path.to_owned(),
        rules: rules.clone(),
        opened: opened_in,
        chunks: chunks_in,
    };
    let thread = thread::Builder::new()
        .name("workbook".to_owned())
        .spawn(move || reading.run());
    let thread = thread.map_err(InputFault::Open)?;
    let rows = SheetRows {
        chunks: Some(chunks),
        thread: Some(thread),
        chunk: Vec::new(),
        at: 0,
    };
    let ended = || InputFault::Workbook {
        reason: "reading it ended early".to_owned(),
    };
    let sheet = opened.recv().unwrap_or_else(|_ended| Err(ended()))?;
    Ok((rows, sheet))
}

/// The thread that reads a sheet.
struct SheetReading {
    path: PathBuf,
    rules: InputRules,
    opened: SyncSender<Result<OpenSheet, InputFault>>,
    chunks: SyncSender<Chunk>,
}

impl SheetReading {
    /// Reads until the sheet ends or its rows are no longer wanted.
    fn run(self) {
        if let Err(fault) = self.read() {
            // The send fails if the sheet is no longer wanted.
            self.opened.send(Err(fault)).ok();
        }
    }

    fn read(&self) -> Result<(), InputFault> {
        let mut package = Package::open(&self.path)?;
        let book = Book::read(&mut package)?;
        let (sheet, choice) = book.choose(self.rules.sheet.as_deref())?;
        let styles = Styles::read(&mut package, &book.styles)?;
        let texts = Texts::read(&mut package, &book.texts)?;
        let in_sheet = |fault: InputFault| InputFault::InSheet {
            sheet: choice.name().to_owned(),
            fault: Box::new(fault),
        };
        let xml = package
            .part(sheet.part())
            .map_err(|fault| in_sheet(fault.into()))?;
        let missing = || {
            in_sheet(InputFault::Workbook {
                reason: "the part that holds its cells is missing".to_owned(),
            })
        };
        let xml = xml.ok_or_else(missing)?;
        let cells = Cells::of(xml, &texts, &styles, book.results);
        let mut cells = cells.map_err(|fault| in_sheet(fault.into()))?;
        let mut lines = Lines::begin(&mut cells, &self.rules, book.days).map_err(in_sheet)?;
        let hidden_rows = Arc::new(AtomicU64::new(cells.hidden_rows()));
        let opened = OpenSheet {
            choice: choice.clone(),
            loosely: std::mem::take(&mut lines.loosely),
            texts_bytes: texts.bytes(),
            hidden_rows: Arc::clone(&hidden_rows),
        };
        self.opened.send(Ok(opened)).ok();
        self.send_lines(&mut cells, &mut lines, &hidden_rows);
        Ok(())
    }

    /// Sends lines until the sheet ends. A failed send means that the reader wants no more rows.
    fn send_lines<R: Read>(
        &self,
        cells: &mut Cells<'_, R>,
        lines: &mut Lines,
        hidden_rows: &AtomicU64,
    ) {
        let last = loop {
            match lines.write_next(cells) {
                Ok(Some(())) => {}
                Ok(None) => break Chunk::End,
                Err(fault) => break Chunk::Fault(fault.into()),
            }
            hidden_rows.store(cells.hidden_rows(), Ordering::Relaxed);
            if lines.bytes() >= CHUNK_BYTES && self.chunks.send(Chunk::Lines(lines.take())).is_err()
            {
                return;
            }
        };
        self.chunks.send(Chunk::Lines(lines.take())).ok();
        self.chunks.send(last).ok();
    }
}

impl Read for SheetRows {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            let Some(chunks) = &self.chunks else {
                return Ok(0);
            };
            match chunks.recv() {
                Ok(Chunk::Lines(lines)) => {
                    self.chunk = lines;
                    self.at = 0;
                }
                Ok(Chunk::End) => self.chunks = None,
                Ok(Chunk::Fault(fault)) => return Err(fault.into()),
                Err(_) => {
                    return Err(StreamFault::Sheet {
                        reason: "it ended early".to_owned(),
                    }
                    .into());
                }
            }
        }
        let ready = self.chunk.get(self.at..).unwrap_or_default();
        let count = ready.len().min(into.len());
        let (ready, _) = ready.split_at_checked(count).unwrap_or_default();
        into.get_mut(..count)
            .unwrap_or_default()
            .copy_from_slice(ready);
        self.at += count;
        Ok(count)
    }
}

impl Drop for SheetRows {
    /// Drops the queue first, which ends the thread.
    fn drop(&mut self) {
        self.chunks = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported, and its rows ended there.
            thread.join().ok();
        }
    }
}
