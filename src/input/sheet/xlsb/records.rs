//! The records of a binary part, one after the other ([MS-XLSB] §2.1.4). Each has a number for its
//! kind, the size of its content, and the content.

use std::io::{self, BufRead as _, BufReader, Read};
use std::sync::Arc;

use super::fields::Fields;
use crate::input::sheet::fault::PartFault;

/// The longest content of a record that is read. A cell holds at most 32,767 characters of two bytes,
/// and a formula.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// The records of a part.
pub(super) struct Records<R> {
    reader: BufReader<R>,
    content: Vec<u8>,
    /// The part's name, safe to show.
    part: Arc<str>,
}

/// A record.
pub(super) struct Record<'r> {
    /// The number of its kind.
    pub(super) kind: u32,
    /// The fields of its content. They are empty if the record was not to be read.
    pub(super) fields: Fields<'r>,
}

impl<R: Read> Records<R> {
    /// Returns the records in the part of this name.
    pub(super) fn new(reader: R, part: &str) -> Records<R> {
        Records {
            reader: BufReader::with_capacity(32 << 10, reader),
            content: Vec::new(),
            part: part.into(),
        }
    }

    /// Returns the next record, or `None` at the end of the part. Only the content of records that
    /// `is_read` picks by their kind is read; that of others is skipped, whatever its size.
    pub(super) fn next(
        &mut self,
        is_read: impl Fn(u32) -> bool,
    ) -> Result<Option<Record<'_>>, PartFault> {
        let is_at_end = self.reader.fill_buf().map(<[u8]>::is_empty);
        if is_at_end.map_err(|error| self.fault(error))? {
            return Ok(None);
        }
        let kind = self.number(2)?;
        let bytes = self.number(4)?;
        let size = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.content.clear();
        if is_read(kind) {
            if size > RECORD_BYTES_MAX {
                return Err(PartFault::unreadable(format!(
                    "{}: a record in it has more than {RECORD_BYTES_MAX} bytes",
                    self.part
                )));
            }
            self.content.resize(size, 0);
            let read = self.reader.read_exact(&mut self.content);
            read.map_err(|error| self.fault(error))?;
        } else {
            let mut skipped = self.reader.by_ref().take(u64::from(bytes));
            let skipped = io::copy(&mut skipped, &mut io::sink());
            if skipped.map_err(|error| self.fault(error))? < u64::from(bytes) {
                return Err(self.ends_too_early());
            }
        }
        Ok(Some(Record {
            kind,
            fields: Fields::of(&self.content),
        }))
    }

    /// Reads a number of at most so many bytes, each with 7 bits, the lowest ones first. The eighth
    /// says that another byte follows.
    fn number(&mut self, bytes_max: u32) -> Result<u32, PartFault> {
        let mut number = 0;
        for place in 0..bytes_max {
            let mut byte = [0];
            let read = self.reader.read_exact(&mut byte);
            read.map_err(|error| self.fault(error))?;
            let [byte] = byte;
            number |= u32::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(PartFault::unreadable(format!(
            "{}: a record in it has an invalid kind or size",
            self.part
        )))
    }

    /// Returns the fault of a part that ends within a record, or within its contents.
    pub(super) fn ends_too_early(&self) -> PartFault {
        PartFault::unreadable(format!("{}: it ends too early", self.part))
    }

    fn fault(&self, error: io::Error) -> PartFault {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => self.ends_too_early(),
            _ => PartFault::of_read(error, &self.part),
        }
    }

    /// Returns the part's name, safe to show.
    pub(super) fn part(&self) -> Arc<str> {
        Arc::clone(&self.part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the kinds and the sizes of the records, or the fault. Records of kind 1 are not read.
    fn read(bytes: &[u8]) -> String {
        let (mut records, mut seen) = (Records::new(bytes, "part"), Vec::new());
        loop {
            match records.next(|kind| kind != 1) {
                Ok(Some(record)) => seen.push(format!("{}:{}", record.kind, record.fields.len())),
                Ok(None) => break,
                Err(PartFault::Unreadable(reason)) => {
                    seen.push(reason);
                    break;
                }
                Err(fault) => panic!("{fault:?}"),
            }
        }
        seen.join(" ")
    }

    #[test]
    fn records_have_a_kind_and_a_size() {
        let check = |bytes: &[u8], want: &str| assert_eq!(read(bytes), want, "{bytes:?}");
        check(&[], "");
        check(&[5, 0], "5:0");
        check(&[0x91, 0x01, 2, 7, 7, 0, 1, 7], "145:2 0:1");
        check(&[5, 0x82, 0x80, 0x80, 0, 7, 7], "5:2");
        check(&[1, 2, 7, 7, 5, 0], "1:0 5:0");
        check(&[5], "part: it ends too early");
        check(&[0x91], "part: it ends too early");
        check(&[5, 0x80], "part: it ends too early");
        check(&[5, 2, 7], "part: it ends too early");
        check(&[1, 2, 7], "part: it ends too early");
        check(
            &[0x80, 0x80, 1, 0],
            "part: a record in it has an invalid kind or size",
        );
        check(
            &[5, 0x80, 0x80, 0x80, 0x80, 1],
            "part: a record in it has an invalid kind or size",
        );
        // The size is checked before memory is taken for it.
        check(
            &[5, 0xff, 0xff, 0xff, 0x7f],
            "part: a record in it has more than 1048576 bytes",
        );
        check(&[1, 0xff, 0xff, 0xff, 0x7f], "part: it ends too early");
    }
}
