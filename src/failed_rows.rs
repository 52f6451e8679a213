//! The file of failed rows: each in the bytes of the input, so that the user corrects it and runs it.
//!
//! What is said about a row stands *before* its own columns: a row with too few or too many of them keeps its fault that way,
//! and the three columns stay in line for every reader.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};

use bytes::Bytes;
use roaring::RoaringTreemap;
use serde_json::json;

use crate::contract::FieldSet;
use crate::input::{Layout, Mark};
use crate::journal::{Entry, RunDir};
use crate::row::Position;

/// Rows that wait to be written in the order of the file may take this many bytes; beyond it they are written as they come.
const WAITING_BYTES_MAX: usize = 4 << 20;
/// So much is written at once.
const BUFFER_BYTES: usize = 64 << 10;
/// What a file is called until it is whole.
const UNFINISHED: &str = ".unfinished";

/// Writes the failed rows of all inputs, a file each, in the order of the input.
#[derive(Debug)]
pub struct FailedRows {
    run_dir: RunDir,
    files: Vec<FailedFile>,
    waiting: BTreeMap<u64, (Position, Vec<u8>)>,
    waiting_bytes: usize,
    order: Order,
}

/// The order in which rows end.
#[derive(Debug)]
enum Order {
    /// That of the input: nothing has to wait.
    OfTheInput,
    /// Any; these have ended.
    Any(EndedRows),
}

#[derive(Debug)]
struct FailedFile {
    name: String,
    form: Form,
    file: Option<BufWriter<File>>,
}

#[derive(Debug)]
enum Form {
    Csv { delimiter: u8, header: Vec<u8>, mark: Mark },
    Ndjson { mark: Mark },
}

/// Which rows have ended, as the first one that has not and those behind it that have.
#[derive(Debug)]
struct EndedRows {
    first_open: u64,
    beyond: RoaringTreemap,
}

impl EndedRows {
    fn add(&mut self, row: u64) {
        // Skipped rows never end; the first row that does shows where counting starts.
        if row != self.first_open {
            self.beyond.insert(row);
            return;
        }
        self.first_open += 1;
        while !self.beyond.is_empty() && self.beyond.remove(self.first_open) {
            self.first_open += 1;
        }
    }
}

impl FailedRows {
    /// For inputs of these layouts, whose rows end as they come. The first row to come is `first_row`. No file is made before a
    /// row failed.
    pub fn new<'a>(run_dir: RunDir, layouts: impl IntoIterator<Item = &'a Layout>, first_row: u64) -> FailedRows {
        let ended = EndedRows { first_open: first_row, beyond: RoaringTreemap::new() };
        FailedRows::ordered(run_dir, layouts, Order::Any(ended))
    }

    /// The same, where rows end in the order of the input.
    pub fn in_order<'a>(run_dir: RunDir, layouts: impl IntoIterator<Item = &'a Layout>) -> FailedRows {
        FailedRows::ordered(run_dir, layouts, Order::OfTheInput)
    }

    fn ordered<'a>(run_dir: RunDir, layouts: impl IntoIterator<Item = &'a Layout>, order: Order) -> FailedRows {
        let forms: Vec<_> = layouts.into_iter().map(Form::of).collect();
        let numbered = forms.len() > 1;
        let name = |index: usize, form: &Form| {
            let number = if numbered { format!("-{}", index + 1) } else { String::new() };
            format!("failed{number}.{}", form.extension())
        };
        let files = forms.into_iter().enumerate();
        let files = files.map(|(index, form)| FailedFile { name: name(index, &form), form, file: None }).collect();
        FailedRows { run_dir, files, waiting: BTreeMap::new(), waiting_bytes: 0, order }
    }

    /// A row ended well.
    pub fn ended_well(&mut self, row: u64) -> io::Result<()> {
        if let Order::Any(ended) = &mut self.order {
            ended.add(row);
        }
        self.write_in_order()
    }

    /// A row ended badly.
    pub fn ended_badly(&mut self, entry: &Entry<'_>, position: Position, raw: &Bytes) -> io::Result<()> {
        let line = self.files.get(position.input).map(|file| file.form.line(entry, raw));
        let Order::Any(ended) = &mut self.order else {
            return line.map_or(Ok(()), |line| self.write(position, &line));
        };
        ended.add(position.row);
        if let Some(line) = line {
            self.waiting_bytes += line.len();
            self.waiting.insert(position.row, (position, line));
        }
        self.write_in_order()
    }

    /// Forgets all rows: the files of an earlier process stay as they were, and what was begun is taken away.
    pub fn leave(&mut self) -> io::Result<()> {
        self.waiting.clear();
        let begun = self.files.drain(..).filter(|failed| failed.file.is_some());
        begun.map(|failed| remove(&self.run_dir, &failed.unfinished_name())).fold(Ok(()), Result::and)
    }

    /// Puts the files into place, and takes away those of an earlier process that nothing is left of. The files there are.
    /// `overtaken` tells which fields later rows of a row's customer have set.
    pub fn finish(mut self, overtaken: &dyn Fn(u64, Option<u64>) -> FieldSet) -> io::Result<Vec<String>> {
        let _ = overtaken;
        while let Some((_, (position, line))) = self.waiting.pop_first() {
            self.write(position, &line)?;
        }
        let mut names = Vec::new();
        for failed in self.files {
            let unfinished = failed.unfinished_name();
            if let Some(file) = failed.file {
                let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.sync_all()?;
                fs::rename(self.run_dir.file(&unfinished), self.run_dir.file(&failed.name))?;
                names.push(failed.name);
            } else {
                remove(&self.run_dir, &failed.name)?;
                // A process that was killed leaves it.
                remove(&self.run_dir, &unfinished)?;
            }
        }
        Ok(names)
    }

    fn write_in_order(&mut self) -> io::Result<()> {
        while let (Some(first), Order::Any(ended)) = (self.waiting.first_entry(), &self.order) {
            if *first.key() >= ended.first_open && self.waiting_bytes <= WAITING_BYTES_MAX {
                break;
            }
            let (position, line) = first.remove();
            self.waiting_bytes -= line.len();
            self.write(position, &line)?;
        }
        Ok(())
    }

    fn write(&mut self, position: Position, line: &[u8]) -> io::Result<()> {
        let Some(failed) = self.files.get_mut(position.input) else { return Ok(()) };
        if failed.file.is_none() {
            let file = self.run_dir.create_file(&failed.unfinished_name()).map_err(io::Error::other)?;
            let mut file = BufWriter::with_capacity(BUFFER_BYTES, file);
            file.write_all(&failed.form.start())?;
            failed.file = Some(file);
        }
        failed.file.as_mut().map_or(Ok(()), |file| file.write_all(line))
    }
}

impl FailedFile {
    fn unfinished_name(&self) -> String {
        format!("{}{UNFINISHED}", self.name)
    }
}

fn remove(run_dir: &RunDir, name: &str) -> io::Result<()> {
    match fs::remove_file(run_dir.file(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

impl Form {
    fn of(layout: &Layout) -> Form {
        let mark = layout.mark();
        match layout {
            Layout::Csv(csv) => Form::Csv { delimiter: csv.delimiter().byte(), header: csv.header().to_vec(), mark },
            Layout::Ndjson(_) => Form::Ndjson { mark },
        }
    }

    fn extension(&self) -> &'static str {
        match self {
            Form::Csv { delimiter: b'\t', .. } => "tsv",
            Form::Csv { .. } => "csv",
            Form::Ndjson { .. } => "ndjson",
        }
    }

    /// What a file begins with.
    fn start(&self) -> Vec<u8> {
        match self {
            Form::Ndjson { mark } => byte_order_mark(*mark).to_vec(),
            Form::Csv { delimiter, header, mark } => {
                let mut line = byte_order_mark(*mark).to_vec();
                for column in ["custsync_row", "custsync_outcome", "custsync_error"] {
                    line.extend_from_slice(column.as_bytes());
                    line.push(*delimiter);
                }
                line.extend_from_slice(header);
                line.push(b'\n');
                line
            }
        }
    }

    fn line(&self, entry: &Entry<'_>, raw: &[u8]) -> Vec<u8> {
        match self {
            Form::Csv { delimiter, .. } => csv_line(entry, raw, char::from(*delimiter)),
            Form::Ndjson { .. } => ndjson_line(entry, raw),
        }
    }
}

/// Failed rows are UTF-8, which the settings that the input was read with may not expect.
fn byte_order_mark(mark: Mark) -> &'static [u8] {
    match mark {
        Mark::Unneeded => b"",
        Mark::Needed => b"\xef\xbb\xbf",
    }
}

fn csv_line(entry: &Entry<'_>, raw: &[u8], delimiter: char) -> Vec<u8> {
    let error = reason(entry).replace('"', "\"\"");
    let mut line =
        format!("{}{delimiter}{}{delimiter}\"{error}\"{delimiter}", entry.row, entry.outcome.name()).into_bytes();
    line.extend_from_slice(raw);
    line.push(b'\n');
    line
}

/// One member is put in front of the object's own; what is no object stays as it is.
fn ndjson_line(entry: &Entry<'_>, raw: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(raw.len() + 128);
    match raw.trim_ascii_start().strip_prefix(b"{") {
        None => line.extend_from_slice(raw),
        Some(members) => {
            let said = json!({"row": entry.row, "outcome": entry.outcome.name(), "error": reason(entry)});
            line.extend_from_slice(format!("{{\"custsync\":{said}").as_bytes());
            if members.trim_ascii() != b"}" {
                line.push(b',');
            }
            line.extend_from_slice(members);
        }
    }
    line.push(b'\n');
    line
}

/// Why the row ended badly, in one line. The only place beside the results that shows the API's own words.
fn reason(entry: &Entry<'_>) -> String {
    let mut parts = Vec::new();
    if let Some(status) = entry.status {
        parts.push(format!("the API answered {status}"));
    }
    if let Some(cause) = &entry.cause {
        let attempts = entry.attempts.unwrap_or(1);
        parts.push(format!("{cause} after {attempts} attempts"));
    }
    parts.extend(entry.error.as_deref().map(str::to_owned));
    parts.extend(entry.message.as_deref().map(str::to_owned));
    for error in &entry.errors {
        let code = error.code.as_deref().map_or_else(String::new, |code| format!(" ({code})"));
        parts.push(format!("{} {}{code}", error.field, error.message));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{EntryError, Outcome};

    fn entry(row: u64) -> Entry<'static> {
        Entry {
            status: Some(422),
            error: Some("validation_error".into()),
            message: Some("not \"good\"".into()),
            errors: vec![EntryError { field: "email".into(), code: None, message: "is bad".into() }],
            ..Entry::of_row(row, Outcome::Rejected)
        }
    }

    fn check_ndjson(raw: &str, want: &str) {
        let line = ndjson_line(&entry(7), raw.as_bytes());
        let said = r#""custsync":{"error":"the API answered 422; validation_error; not \"good\"; email is bad","outcome":"rejected","row":7}"#;
        assert_eq!(String::from_utf8_lossy(&line), format!("{}\n", want.replace("SAID", said)));
    }

    #[test]
    fn an_ndjson_row_keeps_its_bytes_behind_one_member() {
        check_ndjson(r#"{"id": 1}"#, r#"{SAID,"id": 1}"#);
        check_ndjson(r#"  {"id":1,"id":2}"#, r#"{SAID,"id":1,"id":2}"#);
        check_ndjson("{}", "{SAID}");
        check_ndjson(r#"{"id":1, broken"#, r#"{SAID,"id":1, broken"#);
        check_ndjson("[1]", "[1]");
    }

    #[test]
    fn a_csv_row_keeps_its_bytes_behind_three_columns() {
        let line = csv_line(&entry(7), b"1;\"a\nb\"", ';');
        let want = "7;rejected;\"the API answered 422; validation_error; not \"\"good\"\"; email is bad\";1;\"a\nb\"\n";
        assert_eq!(String::from_utf8_lossy(&line), want);
    }

    fn failed_rows(directory: &std::path::Path) -> FailedRows {
        let run_dir = RunDir::create(directory).expect("a run directory");
        let files = vec![FailedFile {
            name: "failed.ndjson".to_owned(),
            form: Form::Ndjson { mark: Mark::Unneeded },
            file: None,
        }];
        let ended = EndedRows { first_open: 1, beyond: RoaringTreemap::new() };
        FailedRows { run_dir, files, waiting: BTreeMap::new(), waiting_bytes: 0, order: Order::Any(ended) }
    }

    #[test]
    fn rows_stand_in_the_order_of_the_input_however_they_end() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut failed = failed_rows(directory.path());
        for row in [5, 2, 4, 1, 3] {
            let position = Position { row, input: 0, line: row };
            let raw = Bytes::from(format!("[{row}]"));
            failed.ended_badly(&entry(row), position, &raw).expect("a file that can be written");
            assert_eq!(failed.waiting.is_empty(), row == 3, "rows behind one that is open wait");
        }
        assert_eq!(failed.finish(&|_, _| FieldSet::EMPTY).expect("a file that can be written"), ["failed.ndjson"]);
        let written = fs::read_to_string(directory.path().join("failed.ndjson")).expect("the file");
        assert_eq!(written, "[1]\n[2]\n[3]\n[4]\n[5]\n");
    }

    #[test]
    fn no_file_is_left_where_nothing_failed() {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["failed.ndjson", "failed.ndjson.unfinished"] {
            fs::write(directory.path().join(name), "of an earlier process").expect("a file");
        }
        let mut failed = failed_rows(directory.path());
        failed.ended_well(1).expect("nothing to write");
        assert!(failed.finish(&|_, _| FieldSet::EMPTY).expect("nothing to write").is_empty());
        assert_eq!(fs::read_dir(directory.path()).expect("the directory").count(), 0);
    }

    #[test]
    fn what_was_begun_is_taken_away_and_an_earlier_file_left() {
        let directory = tempfile::tempdir().expect("a directory");
        let earlier = directory.path().join("failed.ndjson");
        fs::write(&earlier, "of an earlier process").expect("a file");
        let mut failed = failed_rows(directory.path());
        let position = Position { row: 1, input: 0, line: 1 };
        failed.ended_badly(&entry(1), position, &Bytes::from_static(b"[1]")).expect("a file that can be written");
        assert_eq!(fs::read_dir(directory.path()).expect("the directory").count(), 2);
        failed.leave().expect("a file that can be removed");
        assert_eq!(fs::read_dir(directory.path()).expect("the directory").count(), 1);
        assert_eq!(fs::read_to_string(earlier).expect("the file"), "of an earlier process");
    }
}
