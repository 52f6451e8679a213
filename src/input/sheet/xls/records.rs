//! The records of a workbook's stream ([MS-XLS] §2.1.4): a type, a length and content. Content that
//! is too long for a record goes on in `CONTINUE` records.

use super::super::fault::PartFault;
use super::stream::StreamBytes;

/// The types of the records that are read ([MS-XLS] §2.3).
pub(super) mod kinds {
    pub(crate) const FORMULA: u16 = 0x0006;
    pub(crate) const EOF: u16 = 0x000a;
    pub(crate) const DATE_1904: u16 = 0x0022;
    pub(crate) const FILE_PASS: u16 = 0x002f;
    pub(crate) const CONTINUE: u16 = 0x003c;
    pub(crate) const CODE_PAGE: u16 = 0x0042;
    pub(crate) const UNCALCED: u16 = 0x005e;
    pub(crate) const WS_BOOL: u16 = 0x0081;
    pub(crate) const BOUND_SHEET: u16 = 0x0085;
    pub(crate) const MUL_RK: u16 = 0x00bd;
    pub(crate) const MUL_BLANK: u16 = 0x00be;
    pub(crate) const R_STRING: u16 = 0x00d6;
    pub(crate) const XF: u16 = 0x00e0;
    pub(crate) const SST: u16 = 0x00fc;
    pub(crate) const LABEL_SST: u16 = 0x00fd;
    pub(crate) const RECALC_ID: u16 = 0x01c1;
    pub(crate) const BLANK: u16 = 0x0201;
    pub(crate) const NUMBER: u16 = 0x0203;
    pub(crate) const LABEL: u16 = 0x0204;
    pub(crate) const BOOL_ERR: u16 = 0x0205;
    pub(crate) const STRING: u16 = 0x0207;
    pub(crate) const ROW: u16 = 0x0208;
    pub(crate) const RK: u16 = 0x027e;
    pub(crate) const FORMAT: u16 = 0x041e;
    pub(crate) const BOF: u16 = 0x0809;
    /// Cells and starts of the formats before Excel 5.
    pub(crate) const OF_OLDER_FORMATS: [u16; 10] = [
        0x0002, 0x0003, 0x0004, 0x0005, 0x0007, 0x0009, 0x0206, 0x0209, 0x0406, 0x0409,
    ];
}

/// The records of a stream, one after the other.
#[derive(Debug)]
pub(super) struct Records<S> {
    stream: S,
    kind: u16,
    content: Vec<u8>,
    /// The place in the content up to which it was read.
    at: usize,
    /// The type and the length of the next record.
    ahead: Option<(u16, u16)>,
}

impl<S: StreamBytes> Records<S> {
    /// Returns the records from a place of the stream on.
    pub(super) fn from(mut stream: S, place: u64) -> Result<Records<S>, PartFault> {
        stream.seek(place)?;
        Ok(Records {
            stream,
            kind: 0,
            content: Vec::new(),
            at: 0,
            ahead: None,
        })
    }

    /// Returns the stream behind the records.
    /// Reads the next record, and returns its type. The part of a stream ends with a record, so
    /// there must be one.
    pub(super) fn next(&mut self) -> Result<u16, PartFault> {
        let Some((kind, length)) = self.peek()? else {
            return Err(PartFault::unreadable("its last records are missing"));
        };
        if self.stream.left() < u64::from(length) {
            return Err(PartFault::unreadable("its last record is cut off"));
        }
        self.content.resize(usize::from(length), 0);
        self.stream.read(&mut self.content)?;
        (self.kind, self.at, self.ahead) = (kind, 0, None);
        Ok(kind)
    }

    /// Goes on to the next part of the record's content. `false` if there is none.
    pub(super) fn go_on(&mut self) -> Result<bool, PartFault> {
        let goes_on = self
            .peek()?
            .is_some_and(|(kind, _)| kind == kinds::CONTINUE);
        if goes_on {
            let kind = self.kind;
            self.next()?;
            self.kind = kind;
        }
        Ok(goes_on)
    }

    /// Returns the content of this part of the record that was not read.
    pub(super) fn rest(&self) -> &[u8] {
        self.content.get(self.at..).unwrap_or_default()
    }

    /// Skips bytes of this part of the record, at most all.
    pub(super) fn skip(&mut self, count: usize) {
        self.at = self.content.len().min(self.at.saturating_add(count));
    }

    /// Reads this number of bytes, all of which must be in this part.
    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], PartFault> {
        let bytes = self.rest().first_chunk().copied();
        self.at += N;
        bytes.ok_or_else(|| self.too_short())
    }

    pub(super) fn u8(&mut self) -> Result<u8, PartFault> {
        self.bytes().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, PartFault> {
        self.bytes().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, PartFault> {
        self.bytes().map(u32::from_le_bytes)
    }

    /// Returns the fault of a record that lacks content.
    pub(super) fn too_short(&self) -> PartFault {
        PartFault::unreadable(format!("a record of type {:#06x} is too short", self.kind))
    }

    fn peek(&mut self) -> Result<Option<(u16, u16)>, PartFault> {
        if self.ahead.is_none() && self.stream.left() >= 4 {
            let mut head = [0; 4];
            self.stream.read(&mut head)?;
            let [kind_low, kind_high, length_low, length_high] = head;
            self.ahead = Some((
                u16::from_le_bytes([kind_low, kind_high]),
                u16::from_le_bytes([length_low, length_high]),
            ));
        }
        Ok(self.ahead)
    }
}
