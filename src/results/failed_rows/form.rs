//! The format of failed rows: custsync's own columns or member first, then the row as it was in the
//! first input.

use std::sync::Arc;

use thiserror::Error;

use super::remarks::Remarks;
use super::spool::SpooledRow;
use super::{csv_form, ndjson_form, sheet_form};
use crate::contract::FieldSet;
use crate::input::{Bom, CsvLayout, KnownInput, Layout};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The format of the files of failed rows (`--failed-format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailedFormat {
    /// The format of the input.
    #[default]
    Auto,
    /// The format of the input, but CSV begins with a byte order mark and has CRLF line ends, for
    /// Excel.
    ExcelCsv,
    /// A workbook.
    Xlsx,
    /// The format of the input, but NDJSON instead of a workbook.
    Ndjson,
}

/// The file of failed rows of one input: its name and its format.
#[derive(Debug)]
pub(super) struct FileForm {
    /// The file's name without its extension.
    stem: String,
    /// The input's name, safe to show.
    input: String,
    layout: Arc<Layout>,
    kind: FileKind,
    format: FailedFormat,
}

/// The kind of a file of failed rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    /// A record for each row.
    Csv,
    /// A JSON object for each row.
    Ndjson,
    /// A workbook, which is written when all of its rows are known.
    Workbook,
}

/// The error of a format that cannot hold the rows of an input.
#[derive(Debug, Error)]
#[error(
    "--failed-format xlsx: {input} is NDJSON, and a sheet cannot show whether a value is null, empty or left out (auto writes NDJSON)"
)]
pub(crate) struct FormatRefused {
    input: String,
}

impl FailedFormat {
    /// Checks that the failed rows of all inputs can be written in this format.
    pub(crate) fn check(self, inputs: &[KnownInput]) -> Result<(), FormatRefused> {
        let refused = inputs.iter().find(|input| match self {
            FailedFormat::Xlsx => input.layout().kept_columns().is_none(),
            FailedFormat::Auto | FailedFormat::ExcelCsv | FailedFormat::Ndjson => false,
        });
        refused.map_or(Ok(()), |input| {
            Err(FormatRefused {
                input: input.name().to_string(),
            })
        })
    }
}

impl FileKind {
    fn of(layout: &Layout, format: FailedFormat) -> FileKind {
        match (layout, format) {
            (Layout::Csv(_) | Layout::Sheet(_), FailedFormat::Xlsx)
            | (Layout::Sheet(_), FailedFormat::Auto | FailedFormat::ExcelCsv) => FileKind::Workbook,
            (
                Layout::Csv(_),
                FailedFormat::Auto | FailedFormat::ExcelCsv | FailedFormat::Ndjson,
            ) => FileKind::Csv,
            (Layout::Sheet(_), FailedFormat::Ndjson) | (Layout::Ndjson(_), _) => FileKind::Ndjson,
        }
    }
}

impl FileForm {
    /// Creates the files' forms for all inputs, in order.
    pub(super) fn of_all(inputs: &[KnownInput], format: FailedFormat) -> Vec<FileForm> {
        let of = |(index, input): (usize, &KnownInput)| {
            let number = if inputs.len() > 1 {
                format!("-{}", index + 1)
            } else {
                String::new()
            };
            FileForm::new(
                &number,
                input.name().to_string(),
                input.layout().clone(),
                format,
            )
        };
        inputs.iter().enumerate().map(of).collect()
    }

    /// Creates the form for an input with this name and layout; `number` makes its file's name
    /// unique.
    pub(super) fn new(
        number: &str,
        input: String,
        layout: Arc<Layout>,
        format: FailedFormat,
    ) -> FileForm {
        FileForm {
            stem: format!("failed{number}"),
            input,
            kind: FileKind::of(&layout, format),
            layout,
            format,
        }
    }

    /// Returns the kind of the file.
    pub(super) fn kind(&self) -> FileKind {
        self.kind
    }

    /// Returns the file's name.
    pub(super) fn name(&self) -> String {
        self.name_of_part(1)
    }

    /// Returns the name of a part of the file, from 1. Only a workbook has more than one.
    pub(super) fn name_of_part(&self, part: usize) -> String {
        let extension = match (self.kind, self.csv()) {
            (FileKind::Csv, Some(csv)) if csv.delimiter().byte() == b'\t' => "tsv",
            (FileKind::Csv, _) => "csv",
            (FileKind::Ndjson, _) => "ndjson",
            (FileKind::Workbook, _) => "xlsx",
        };
        match part {
            0 | 1 => format!("{}.{extension}", self.stem),
            part => format!("{}.{part}.{extension}", self.stem),
        }
    }

    /// Returns the name of the file that holds the rows of a workbook until it is written.
    pub(super) fn rows_name(&self) -> String {
        format!("{}.rows", self.stem)
    }

    /// Returns the layout of the input.
    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Returns the first bytes of a file of lines.
    pub(super) fn start(&self) -> Vec<u8> {
        match (self.kind, self.csv()) {
            (FileKind::Csv, Some(csv)) => {
                [self.bom(), &csv_form::header(csv), self.line_end()].concat()
            }
            (FileKind::Csv | FileKind::Ndjson, _) => self.bom().to_vec(),
            (FileKind::Workbook, _) => Vec::new(),
        }
    }

    /// Formats a row as a line of a file of lines. The rows of a workbook are kept as they are.
    pub(super) fn line(&self, row: SpooledRow<'_>, overtaken: FieldSet, raw: &[u8]) -> Vec<u8> {
        if self.kind == FileKind::Workbook {
            return row.with_overtaken(overtaken).encode(raw);
        }
        let own = self.layout.own_part(raw);
        let remarks = Remarks::of(&row, &own, overtaken, None, &self.input);
        let mut line = match self.csv() {
            Some(csv) => csv_form::line(&remarks, &own, csv),
            None => ndjson_form::line(&remarks, &own),
        };
        line.extend_from_slice(self.line_end());
        line
    }

    /// Formats a row as the XML of this row of a sheet.
    pub(super) fn sheet_row(&self, row: &SpooledRow<'_>, raw: &[u8], number: u32) -> String {
        let own = self.layout.own_part(raw);
        let kept = self.layout.kept_row(&own.rest);
        // The cells of a sheet were all shown already.
        let hidden = sheet_form::hidden_fault(self.csv().and(row.hidden), &kept);
        let remarks = Remarks::of(row, &own, row.overtaken, hidden, &self.input);
        sheet_form::row(&remarks, &own, &kept.cells, &self.layout, number)
    }

    fn csv(&self) -> Option<&CsvLayout> {
        self.layout.delimited()
    }

    /// Returns a byte order mark if a program that reads the input may not expect UTF-8, which
    /// failed rows are in.
    fn bom(&self) -> &'static [u8] {
        match (self.layout.bom(), self.is_for_excel()) {
            (Bom::Write, _) | (Bom::Omit, true) => BYTE_ORDER_MARK,
            (Bom::Omit, false) => b"",
        }
    }

    fn line_end(&self) -> &'static [u8] {
        if self.is_for_excel() { b"\r\n" } else { b"\n" }
    }

    /// Whether the file is CSV as Excel opens it.
    fn is_for_excel(&self) -> bool {
        match self.format {
            FailedFormat::ExcelCsv => self.kind == FileKind::Csv,
            FailedFormat::Auto | FailedFormat::Xlsx | FailedFormat::Ndjson => false,
        }
    }
}
