//! Excel workbooks (`.xlsx`): the rows of a sheet as lines of NDJSON, a line for each row, so that line numbers are the sheet's
//! row numbers and all that follows is the reading of NDJSON.
//!
//! NDJSON and not CSV, because a sheet tells numbers from text, and that is where its trouble is: a phone number that was typed
//! without an apostrophe has lost its leading zero. As a JSON number it is an error where text belongs, also in the file of
//! failed rows. A thread reads the sheet, since the reader of cells borrows the workbook.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use calamine::{DataRef, ExcelDateTime, Reader as _, Xlsx, XlsxError};
use csv::ByteRecord;
use serde_json::json;

use crate::contract::Field;
use crate::text;

use super::error::{InputFault, NotText, StreamFault};
use super::header::{self, Columns};
use super::header_below::row_below;
use super::loose::LooseColumn;
use super::mapping::Target;
use super::open::{HeaderRule, InputRules};
use super::shown;

/// What is handed over at once.
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks that wait to be read.
const CHUNKS_QUEUED_MAX: usize = 4;
/// A workbook keeps its texts in one table, each once, and that has to be held in memory.
const SHARED_TEXTS_BYTES_MAX: u64 = 256 << 20;
/// How many times its size a part of a workbook may unpack to …
const RATIO_MAX: u64 = 250;
/// … once it is larger than this.
const RATIO_FROM_BYTES: u64 = 64 << 20;
/// The part of a workbook that holds the table of texts.
const SHARED_TEXTS: &str = "/sharedStrings.xml";
/// Beyond this a 64-bit float, which is what a sheet holds, tells whole numbers no longer apart.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// The rows of a sheet as NDJSON.
pub(super) struct SheetRows {
    /// None once the thread was told to end.
    chunks: Option<Receiver<Chunk>>,
    thread: Option<JoinHandle<()>>,
    /// Names of the header that were taken for others.
    pub(super) loosely: Vec<LooseColumn>,
    chunk: Vec<u8>,
    at: usize,
}

/// What the thread hands over.
enum Chunk {
    Lines(Vec<u8>),
    /// The sheet was read to its end: a thread that ends without saying so has not read all of it.
    End,
    Fault(StreamFault),
}

/// Whether a file begins as a workbook does. What cannot be opened is left to those who say why.
pub(super) fn is_workbook(path: &Path) -> bool {
    let mut magic = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && magic == *b"PK\x03\x04"
}

/// Opens a sheet, the first one where none is named, and checks its header.
pub(super) fn open(path: &Path, rules: &InputRules) -> Result<SheetRows, InputFault> {
    check_parts(path)?;
    let (opened_in, opened) = sync_channel(1);
    let (chunks_in, chunks) = sync_channel(CHUNKS_QUEUED_MAX);
    let reading = Reading { path: path.to_owned(), rules: rules.clone(), opened: opened_in, chunks: chunks_in };
    let thread = thread::Builder::new().name("workbook".to_owned()).spawn(move || reading.run());
    let thread = thread.map_err(InputFault::Open)?;
    let mut rows =
        SheetRows { chunks: Some(chunks), thread: Some(thread), loosely: Vec::new(), chunk: Vec::new(), at: 0 };
    rows.loosely = opened.recv().unwrap_or(Err(InputFault::Empty))?;
    Ok(rows)
}

/// Unpacks every part once: what a part says of its own size is not to be relied on, and the reader of workbooks holds some of
/// them in memory.
fn check_parts(path: &Path) -> Result<(), InputFault> {
    let file = File::open(path).map_err(InputFault::Open)?;
    let unusable = |error: zip::result::ZipError| InputFault::Workbook { reason: text::safe(&error.to_string()) };
    let mut parts = zip::ZipArchive::new(BufReader::new(file)).map_err(unusable)?;
    for index in 0..parts.len() {
        let mut part = parts.by_index(index).map_err(unusable)?;
        let packed_bytes = part.compressed_size();
        let is_shared_texts = part.name().is_ok_and(|name| name.ends_with(SHARED_TEXTS));
        let bytes_max = match packed_bytes.saturating_mul(RATIO_MAX).max(RATIO_FROM_BYTES) {
            bytes_max if is_shared_texts => bytes_max.min(SHARED_TEXTS_BYTES_MAX),
            bytes_max => bytes_max,
        };
        let unpacked = io::copy(&mut part.by_ref().take(bytes_max.saturating_add(1)), &mut io::sink());
        let unpacked = unpacked.map_err(|error| InputFault::Workbook { reason: error.to_string() })?;
        if unpacked > bytes_max {
            return Err(InputFault::WorkbookTooLarge { bytes_max });
        }
    }
    Ok(())
}

/// The thread that reads a sheet.
struct Reading {
    path: PathBuf,
    rules: InputRules,
    opened: SyncSender<Result<Vec<LooseColumn>, InputFault>>,
    chunks: SyncSender<Chunk>,
}

impl Reading {
    /// Reads until the sheet ends or nobody takes its rows any more.
    fn run(self) {
        let mut workbook = match open_workbook(&self.path) {
            Ok(workbook) => workbook,
            Err(fault) => return self.refuse(fault),
        };
        let sheet = match sheet_name(&workbook.sheet_names(), self.rules.sheet.as_deref()) {
            Ok(sheet) => sheet,
            Err(fault) => return self.refuse(fault),
        };
        let mut rows = match workbook.worksheet_cells_reader(&sheet) {
            Ok(cells) => Rows { cells, next: None, has_ended: false },
            Err(error) => return self.refuse(unusable(&error)),
        };
        match lines_of(&mut rows, &self.rules) {
            Ok(mut lines) => {
                self.opened.send(Ok(std::mem::take(&mut lines.loosely))).ok();
                self.send_lines(&mut rows, &mut lines);
            }
            Err(fault) => self.refuse(fault),
        }
    }

    /// Nobody waits for the answer where the sheet is not wanted any more.
    fn refuse(&self, fault: InputFault) {
        self.opened.send(Err(fault)).ok();
    }

    /// Whoever takes the rows may have enough of them: then sending fails, and the rest is not wanted.
    fn send_lines(&self, rows: &mut Rows<'_>, lines: &mut Lines) {
        let last = loop {
            match rows.next() {
                Ok(Some((number, cells))) => lines.write(number, &cells),
                Ok(None) => break Chunk::End,
                Err(error) => break Chunk::Fault(StreamFault::Sheet { reason: text::safe(&error.to_string()) }),
            }
            if lines.text.len() >= CHUNK_BYTES && self.chunks.send(Chunk::Lines(lines.take())).is_err() {
                return;
            }
        };
        self.chunks.send(Chunk::Lines(lines.take())).ok();
        self.chunks.send(last).ok();
    }
}

fn open_workbook(path: &Path) -> Result<Xlsx<BufReader<File>>, InputFault> {
    let file = File::open(path).map_err(InputFault::Open)?;
    Xlsx::new(BufReader::new(file)).map_err(|error| match error {
        // A zip file without the parts of a workbook.
        XlsxError::FileNotFound(_) | XlsxError::RelationshipNotFound => NotText::Zip.into(),
        error => unusable(&error),
    })
}

fn unusable(error: &XlsxError) -> InputFault {
    InputFault::Workbook { reason: text::safe(&error.to_string()) }
}

fn sheet_name(names: &[String], wanted: Option<&str>) -> Result<String, InputFault> {
    let found = match wanted {
        None => names.first(),
        Some(wanted) => names.iter().find(|name| text::is_same_name(name, wanted)),
    };
    found.cloned().ok_or_else(|| InputFault::NoSuchSheet {
        sheet: wanted.map(shown::column_name),
        sheets: names.iter().map(|name| shown::column_name(name)).collect(),
    })
}

/// The rows of a sheet that have cells.
struct Rows<'w> {
    cells: calamine::XlsxCellReader<'w, BufReader<File>>,
    /// The first cell of the next row.
    next: Option<(u32, u32, DataRef<'w>)>,
    /// Whether the last cell was read.
    has_ended: bool,
}

/// Its number from 0, and its cells with their columns from 0.
type SheetRow<'w> = (u32, Vec<(u32, DataRef<'w>)>);

impl<'w> Rows<'w> {
    fn next(&mut self) -> Result<Option<SheetRow<'w>>, XlsxError> {
        let mut row: Option<SheetRow<'w>> = self.next.take().map(|(row, column, value)| (row, vec![(column, value)]));
        while !self.has_ended {
            let Some(cell) = self.cells.next_cell()? else {
                self.has_ended = true;
                break;
            };
            let (number, column) = cell.get_position();
            let value = cell.get_value().clone();
            match &mut row {
                Some((row_number, cells)) if *row_number == number => cells.push((column, value)),
                None => row = Some((number, vec![(column, value)])),
                Some(_) => {
                    self.next = Some((number, column, value));
                    break;
                }
            }
        }
        Ok(row)
    }
}

/// Finds the columns: their names stand in the first row that holds anything.
fn lines_of(rows: &mut Rows<'_>, rules: &InputRules) -> Result<Lines, InputFault> {
    let top = rules.header.lines_above();
    let first = loop {
        match rows.next().map_err(|error| unusable(&error))? {
            Some((number, _)) if u64::from(number) < top => {}
            Some((number, cells)) if cells.iter().any(|(_, value)| !is_empty(value)) => break (number, cells),
            Some(_) => {}
            None if top > 0 => return Err(InputFault::NoHeaderRow { row: top + 1 }),
            None => return Err(InputFault::Empty),
        }
    };
    let (number, cells) = &first;
    match &rules.header {
        HeaderRule::Row(row) if u64::from(*number) + 1 != *row => Err(InputFault::HeaderRowBlank { line: *row }),
        HeaderRule::FirstRecord | HeaderRule::Row(_) => {
            let names = names_of(cells);
            let line = u64::from(*number) + 1;
            let columns = header::read(&ByteRecord::from(names.clone()), line, &rules.mapping)
                .map_err(|fault| with_row_below(fault, line, rows, rules))?;
            let mut lines = Lines::new(names, columns);
            lines.write_blank_until(line);
            Ok(lines)
        }
        HeaderRule::Named(names) => {
            let columns = header::named(names, &rules.mapping)?;
            let mut lines = Lines::new(names.clone(), columns);
            lines.write(*number, cells);
            Ok(lines)
        }
    }
}

/// The fault of a header, or what the row below it is that looks like one.
fn with_row_below(fault: InputFault, line: u64, rows: &mut Rows<'_>, rules: &InputRules) -> InputFault {
    let named = |(row, cells): SheetRow<'_>| (u64::from(row) + 1, names_of(&cells).into());
    let below = std::iter::from_fn(|| rows.next().ok()?.map(named));
    fault.or_header_below(line, || row_below(below, rules))
}

fn names_of(cells: &[(u32, DataRef<'_>)]) -> Vec<String> {
    let named: HashMap<u32, String> =
        cells.iter().filter(|(_, value)| !is_empty(value)).map(|(column, value)| (*column, name_of(value))).collect();
    let width = named.keys().max().map_or(0, |last| last + 1);
    (0..width).map(|column| named.get(&column).cloned().unwrap_or_default()).collect()
}

fn name_of(value: &DataRef<'_>) -> String {
    match value {
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        value => json_of(value, Target::Ignored),
    }
}

fn is_empty(value: &DataRef<'_>) -> bool {
    match value {
        DataRef::Empty => true,
        DataRef::String(text) => text.is_empty(),
        DataRef::SharedString(text) => text.is_empty(),
        _ => false,
    }
}

struct SheetColumn {
    /// Its name as JSON; its number where it has none, or is left out by it.
    key: String,
    /// Whether an empty cell of it is not written.
    is_silent: bool,
    target: Target,
}

/// Rows as NDJSON, waiting to be handed over.
struct Lines {
    columns: Vec<SheetColumn>,
    /// The names that were taken for others.
    loosely: Vec<LooseColumn>,
    text: Vec<u8>,
    /// Rows of the sheet that have a line, so that a row of the sheet stands on the line of its number.
    rows_before: u64,
}

impl Lines {
    fn new(names: Vec<String>, columns: Columns) -> Lines {
        let by_number = [columns.nameless.as_slice(), &columns.numbered].concat();
        let targets: HashMap<usize, Target> = columns.mapped.into_iter().collect();
        let mut names = names;
        // A name that is spelt loosely is written as the one that it was taken for: keys of NDJSON are exact.
        for loose in &columns.loosely {
            if let Some(name) = loose.column.checked_sub(1).and_then(|index| names.get_mut(index)) {
                name.clone_from(&loose.taken_for);
            }
        }
        let columns_with_keys = names.into_iter().enumerate().map(|(index, name)| SheetColumn {
            key: json!(if by_number.contains(&index) { format!("column {}", index + 1) } else { name }).to_string(),
            is_silent: by_number.contains(&index),
            target: targets.get(&index).copied().unwrap_or(Target::Ignored),
        });
        Lines { columns: columns_with_keys.collect(), loosely: columns.loosely, text: Vec::new(), rows_before: 0 }
    }

    fn write_blank_until(&mut self, lines: u64) {
        while self.rows_before < lines {
            self.text.push(b'\n');
            self.rows_before += 1;
        }
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.text)
    }

    /// Writes a row as an object. An empty cell is empty text, as it is in CSV.
    fn write(&mut self, number: u32, cells: &[(u32, DataRef<'_>)]) {
        self.write_blank_until(u64::from(number));
        self.rows_before += 1;
        if cells.iter().any(|(_, value)| !is_empty(value)) {
            let mut cells: Vec<_> = cells.iter().collect();
            cells.sort_by_key(|(column, _)| *column);
            self.write_object(&cells);
        }
        self.text.push(b'\n');
    }

    fn write_object(&mut self, cells: &[&(u32, DataRef<'_>)]) {
        let mut separator = b'{';
        let mut cells = cells.iter().peekable();
        for (index, column) in (0..).zip(&self.columns) {
            let value = cells.next_if(|(at, _)| *at == index).map(|(_, value)| value).filter(|value| !is_empty(value));
            if value.is_none() && column.is_silent {
                continue;
            }
            let value = value.map_or_else(|| "\"\"".to_owned(), |value| json_of(value, column.target));
            self.text.push(separator);
            self.text.extend_from_slice(format!("{}:{value}", column.key).as_bytes());
            separator = b',';
        }
        // What stands beside the header's columns belongs to none: the row is invalid for it, as a ragged row of CSV is.
        for (at, value) in cells.filter(|(_, value)| !is_empty(value)) {
            let value = json_of(value, Target::Ignored);
            self.text.extend_from_slice(format!(",\"column {}\":{value}", at + 1).as_bytes());
        }
        self.text.push(b'}');
    }
}

/// A cell as JSON. A date is a date only where one belongs: anywhere else it is text or a number that the spreadsheet took for
/// one, so it stays the number that the sheet holds, and is an error where text belongs.
fn json_of(value: &DataRef<'_>, target: Target) -> String {
    match value {
        DataRef::Empty => "\"\"".to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number_of(*number),
        DataRef::String(text) => json!(text).to_string(),
        DataRef::SharedString(text) => json!(text).to_string(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(date) => match (target, date_of(*date)) {
            (Target::Field(Field::DateOfBirth), Some(date)) => json!(date).to_string(),
            (Target::Id | Target::Field(_) | Target::Ignored, _) => number_of(date.as_f64()),
        },
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => json!(with_zone(text)).to_string(),
        DataRef::Error(error) => json!({ "error": error.to_string() }).to_string(),
    }
}

/// A whole number without a fraction; one that the sheet could not hold exactly keeps an exponent, so that nobody takes it for
/// a whole one.
fn number_of(number: f64) -> String {
    if number == 0.0 {
        "0".to_owned()
    } else if number.abs() >= WHOLE_MAX {
        format!("{number:e}")
    } else {
        number.to_string()
    }
}

/// The date of a cell, with its time where it has one. A sheet knows no time zones: times are UTC.
fn date_of(date: ExcelDateTime) -> Option<String> {
    if !date.is_datetime() || date.as_f64() < 1.0 {
        return None;
    }
    let (year, month, day, hour, minute, second, milliseconds) = date.to_ymd_hms_milli();
    let day = format!("{year:04}-{month:02}-{day:02}");
    Some(match (hour, minute, second, milliseconds) {
        (0, 0, 0, 0) => day,
        (_, _, _, 0) => format!("{day}T{hour:02}:{minute:02}:{second:02}Z"),
        _ => format!("{day}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z"),
    })
}

/// An ISO date and time as strict workbooks hold it, in UTC.
fn with_zone(text: &str) -> String {
    if text.len() == "2023-11-07T05:31:56".len() && text.contains('T') { format!("{text}Z") } else { text.to_owned() }
}

impl Read for SheetRows {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            let Some(chunks) = &self.chunks else { return Ok(0) };
            match chunks.recv() {
                Ok(Chunk::Lines(lines)) => {
                    self.chunk = lines;
                    self.at = 0;
                }
                Ok(Chunk::End) => self.chunks = None,
                Ok(Chunk::Fault(fault)) => return Err(fault.into()),
                Err(_) => return Err(StreamFault::Sheet { reason: "it ended early".to_owned() }.into()),
            }
        }
        let ready = self.chunk.get(self.at..).unwrap_or_default();
        let count = ready.len().min(into.len());
        let (ready, _) = ready.split_at_checked(count).unwrap_or_default();
        into.get_mut(..count).unwrap_or_default().copy_from_slice(ready);
        self.at += count;
        Ok(count)
    }
}

impl Drop for SheetRows {
    /// Lets go of the queue first, which ends the thread.
    fn drop(&mut self) {
        self.chunks = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so, and its rows ended there.
            thread.join().ok();
        }
    }
}
