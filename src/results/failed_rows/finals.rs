//! Writes the files of failed rows and moves them into place. One is open at a time, and an error
//! in one leaves the others alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};

use super::files::{UNFINISHED, named, remove};
use super::form::{FileForm, FileKind};
use super::spool::{BUFFER_BYTES, SPOOL_NAME, SpooledRow};
use super::workbook;
use crate::contract::FieldSet;
use crate::journal::RunDir;

/// The files of failed rows that are in place.
#[derive(Debug, Default)]
pub(crate) struct FinishedFiles {
    /// Their names, in the order of the inputs.
    pub names: Vec<String>,
    /// The error, if files are missing or incomplete.
    pub fault: Option<io::Error>,
}

/// The files of all inputs.
#[derive(Debug)]
pub(super) struct FinalFiles {
    run_dir: RunDir,
    files: Vec<FinalFile>,
    open: Option<OpenFile>,
    fault: Option<io::Error>,
}

/// The file of one input.
#[derive(Debug)]
struct FinalFile {
    form: FileForm,
    state: WriteState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WriteState {
    /// No row has failed.
    NotBegun,
    /// It is on the disk but not in its place.
    Begun,
    /// It cannot be written.
    Dropped,
}

#[derive(Debug)]
struct OpenFile {
    input: usize,
    file: BufWriter<File>,
}

impl FinalFiles {
    pub(super) fn new(run_dir: RunDir, forms: Vec<FileForm>) -> FinalFiles {
        let files = forms
            .into_iter()
            .map(|form| FinalFile {
                form,
                state: WriteState::NotBegun,
            })
            .collect();
        FinalFiles {
            run_dir,
            files,
            open: None,
            fault: None,
        }
    }

    /// Writes a row to the file of its input.
    pub(super) fn write(&mut self, row: SpooledRow<'_>, overtaken: FieldSet, raw: &[u8]) {
        let input = row.input;
        let Some(file) = self
            .files
            .get(input)
            .filter(|file| file.state != WriteState::Dropped)
        else {
            return;
        };
        let line = file.form.line(row, overtaken, raw);
        if let Err(error) = self.write_line(input, &line) {
            self.drop_file(input, &error);
        }
    }

    /// Moves the files into place. If all of them are complete, the files of earlier processes are
    /// removed; if not, those stay, since nothing else is left. `read` is the result of reading the
    /// spool.
    pub(super) fn finish(mut self, read: io::Result<()>) -> FinishedFiles {
        self.close();
        if let Err(error) = read {
            let begun: Vec<_> = (0..self.files.len())
                .filter(|input| self.is(*input, WriteState::Begun))
                .collect();
            for input in begun {
                self.drop_file(input, &error);
            }
            self.fault = Some(error);
        }
        let mut names = Vec::new();
        for input in 0..self.files.len() {
            if !self.is(input, WriteState::Begun) {
                continue;
            }
            match self.put_into_place(input) {
                Ok(placed) => names.extend(placed),
                Err(error) => self.drop_file(input, &error),
            }
        }
        let settled = match self.fault.take() {
            Some(fault) => Err(fault),
            None => self
                .run_dir
                .sync()
                .and_then(|()| remove_all_but(&self.run_dir, &names)),
        };
        FinishedFiles {
            names,
            fault: settled.err(),
        }
    }

    /// Removes the files. Those of earlier processes stay as they were.
    pub(super) fn abandon(self) {
        let begun = (self.files.iter()).filter(|file| file.state == WriteState::Begun);
        for FinalFile { form, .. } in begun {
            remove(&self.run_dir, &unfinished_name(form)).unwrap_or_default();
        }
    }

    fn is(&self, input: usize, state: WriteState) -> bool {
        self.files
            .get(input)
            .is_some_and(|file| file.state == state)
    }

    fn write_line(&mut self, input: usize, line: &[u8]) -> io::Result<()> {
        if self.open.as_ref().is_some_and(|open| open.input != input) {
            self.close();
        }
        if self.open.is_none() {
            self.open = Some(OpenFile {
                input,
                file: self.open(input)?,
            });
        }
        self.open
            .as_mut()
            .map_or(Ok(()), |open| open.file.write_all(line))
    }

    fn open(&mut self, input: usize) -> io::Result<BufWriter<File>> {
        let Some(FinalFile { form, state }) = self.files.get_mut(input) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let name = unfinished_name(form);
        match state {
            WriteState::NotBegun => {
                let file = self.run_dir.create_file(&name).map_err(io::Error::other)?;
                *state = WriteState::Begun;
                let mut file = BufWriter::with_capacity(BUFFER_BYTES, file);
                file.write_all(&form.start())?;
                Ok(file)
            }
            WriteState::Begun | WriteState::Dropped => {
                let file = OpenOptions::new()
                    .append(true)
                    .open(self.run_dir.file(&name))?;
                Ok(BufWriter::with_capacity(BUFFER_BYTES, file))
            }
        }
    }

    /// Closes the open file.
    fn close(&mut self) {
        let Some(OpenFile { input, file }) = self.open.take() else {
            return;
        };
        let closed = file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|file| self.run_dir.sync_file(&file));
        if let Err(error) = closed {
            self.drop_file(input, &error);
        }
    }

    /// Moves the file into its place. A workbook is written now; it may need more than one file.
    /// Returns their names.
    fn put_into_place(&self, input: usize) -> io::Result<Vec<String>> {
        let Some(FinalFile { form, .. }) = self.files.get(input) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let names = match form.kind() {
            FileKind::Csv | FileKind::Ndjson => vec![form.name()],
            FileKind::Workbook => workbook::write(&self.run_dir, form, workbook::ROWS_MAX)?,
        };
        for name in &names {
            let unfinished = self.run_dir.file(&format!("{name}{UNFINISHED}"));
            fs::rename(unfinished, self.run_dir.file(name))?;
        }
        Ok(names)
    }

    /// Gives up a file. The first error is the one that is reported.
    fn drop_file(&mut self, input: usize, error: &io::Error) {
        if self.open.as_ref().is_some_and(|open| open.input == input) {
            self.open = None;
        }
        let Some(file) = self.files.get_mut(input) else {
            return;
        };
        file.state = WriteState::Dropped;
        self.fault.get_or_insert(named(&file.form.name(), error));
        // The next process removes a leftover file.
        remove(&self.run_dir, &unfinished_name(&file.form)).unwrap_or_default();
    }
}

/// Returns the name of the file that rows are written to.
fn unfinished_name(form: &FileForm) -> String {
    match form.kind() {
        FileKind::Csv | FileKind::Ndjson => format!("{}{UNFINISHED}", form.name()),
        FileKind::Workbook => format!("{}{UNFINISHED}", form.rows_name()),
    }
}

/// Removes all files of failed rows except these, whatever the number of inputs and their format.
fn remove_all_but(run_dir: &RunDir, names: &[String]) -> io::Result<()> {
    for entry in fs::read_dir(run_dir.path())? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if is_of_failed_rows(name)
            && !names.iter().any(|kept| kept == name)
            && !entry.file_type()?.is_dir()
        {
            remove(run_dir, name)?;
        }
    }
    Ok(())
}

/// Whether custsync creates files of failed rows with this name.
pub(crate) fn is_of_failed_rows(name: &str) -> bool {
    if name == SPOOL_NAME {
        return true;
    }
    let name = name.strip_suffix(UNFINISHED).unwrap_or(name);
    let Some((stem, extension)) = name.split_once('.') else {
        return false;
    };
    let is_known = match extension.split_once('.') {
        None => matches!(extension, "csv" | "tsv" | "ndjson" | "xlsx" | "rows"),
        Some((part, extension)) => extension == "xlsx" && is_number(part),
    };
    let number = stem.strip_prefix("failed");
    is_known
        && number.is_some_and(|number| {
            number.is_empty() || number.strip_prefix('-').is_some_and(is_number)
        })
}

/// Whether custsync writes a number so in the name of a file.
fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() && !text.starts_with('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_failed_rows_are_known_by_their_exact_names() {
        let check = |name: &str, want: bool| assert_eq!(is_of_failed_rows(name), want, "{name}");
        for name in [
            "failed.csv",
            "failed.tsv",
            "failed-1.ndjson",
            "failed-12.csv.unfinished",
            "failed.spool",
            "failed.xlsx",
            "failed-2.xlsx.unfinished",
            "failed.2.xlsx",
            "failed-2.11.xlsx.unfinished",
            "failed-2.rows.unfinished",
        ] {
            check(name, true);
        }
        for name in [
            "failed",
            "failed.csv.gz",
            "failed-.csv",
            "failed-01.csv",
            "failed-1a.csv",
            "failed--1.csv",
            "failed1.csv",
            "failed.txt",
            "failed.csv.bak",
            "my-failed.csv",
            "failed.corrected.csv",
            "failed.spool.unfinished",
            "Failed.csv",
            "failed.02.xlsx",
            "failed.x.xlsx",
            "failed.2.csv",
            "failed.corrected.xlsx",
        ] {
            check(name, false);
        }
    }
}
