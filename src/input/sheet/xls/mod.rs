//! Workbooks of Excel 5 to 2003 (`.xls`): one stream of binary records ([MS-XLS], BIFF8 and BIFF5)
//! in a compound file ([MS-CFB]).
//!
//! The compound file is read here instead of by the `cfb` crate, which holds the allocation table
//! as often as the file names its sectors: a file of 1 MB can make it hold 130 MB. The records are
//! not read by a workbook library for the reasons that hold for `.xlsx`.
//!
//! - `compound`, `stream`: the compound file, and a stream of it as consecutive bytes
//! - `records`: the records of the stream
//! - `texts`, `code_pages`: the texts in records
//! - `values`: the values in records
//! - `globals`: the sheets, shared strings and styles
//! - `cells`: the cells of a sheet

use std::io::{Read, Seek};
use std::path::Path;

use self::cells::Cells;
use self::compound::Compound;
use self::globals::Globals;
use self::stream::CompoundStream;
use super::cells::CellReader;
use super::fault::PartFault;
use super::workbook::{Contents, Workbook};
use crate::input::bytes::magic;
use crate::input::bytes::steady::SteadyFile;
use crate::input::error::InputFault;

mod cells;
mod code_pages;
mod compound;
mod globals;
mod records;
mod stream;
mod texts;
mod values;

#[cfg(test)]
mod tests;

/// The names of the stream that holds the workbook. A file for both generations of Excel has both.
const STREAMS: [&str; 2] = ["Workbook", "Book"];

/// An open workbook.
#[derive(Debug)]
pub(crate) struct Xls<R> {
    stream: CompoundStream<R>,
    globals: Globals,
    contents: Contents,
    /// The places of the stream where the sheets begin.
    starts: Vec<u64>,
}

impl Xls<SteadyFile> {
    /// Opens a workbook.
    pub(crate) fn open(path: &Path) -> Result<Xls<SteadyFile>, InputFault> {
        Xls::of(SteadyFile::open(path).map_err(InputFault::Open)?)
    }
}

impl<R: Read + Seek> Xls<R> {
    fn of(file: R) -> Result<Xls<R>, InputFault> {
        let compound = Compound::open(file)?;
        let has = |name: &str| {
            compound
                .names()
                .any(|other| other.eq_ignore_ascii_case(name))
        };
        let name = STREAMS.into_iter().find(|name| has(name));
        // A workbook that is encrypted as a whole has a stream of another name.
        let name = name.ok_or_else(|| magic::compound(has))?;
        let Some(entry) = compound.stream(name) else {
            return Err(PartFault::unreadable("its sheets are not in a stream").into());
        };
        let mut stream = CompoundStream::open(compound, entry)?;
        let (globals, contents, starts) = globals::read(&mut stream)?;
        Ok(Xls {
            stream,
            globals,
            contents,
            starts,
        })
    }

    /// Returns the place where a sheet begins.
    fn start(&self, sheet: usize) -> u64 {
        self.starts.get(sheet).copied().unwrap_or(u64::MAX)
    }
}

impl<R: Read + Seek + Send + 'static> Workbook for Xls<R> {
    fn contents(&self) -> &Contents {
        &self.contents
    }

    fn look(&mut self, sheet: usize) -> Result<Box<dyn CellReader + '_>, PartFault> {
        let start = self.start(sheet);
        let cells = Cells::open(&mut self.stream, start, &self.globals)?;
        Ok(Box::new(cells))
    }

    fn into_cells(self: Box<Self>, sheet: usize) -> Result<Box<dyn CellReader + Send>, PartFault> {
        let start = self.start(sheet);
        let cells = Cells::open(self.stream, start, &self.globals)?;
        Ok(Box::new(cells))
    }
}
