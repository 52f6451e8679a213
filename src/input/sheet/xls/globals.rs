//! The first part of a workbook's stream ([MS-XLS] §2.1.7.20.3): its version, its sheets, the
//! shared strings, the styles and the date system.

use std::sync::Arc;

use encoding_rs::WINDOWS_1252;

use super::super::cells::SheetSize;
use super::super::days::Days;
use super::super::fault::PartFault;
use super::super::styles::{NumberFormats, Styles};
use super::super::texts::SharedStrings;
use super::super::workbook::{Contents, Sheet, SheetKind};
use super::code_pages::encoding_of;
use super::records::{Records, kinds};
use super::stream::StreamBytes;
use super::texts::{LengthBytes, TextForm, Texts};
use crate::input::bytes::not_text::NotText;
use crate::input::error::InputFault;

/// The versions of the formats, as the first record has them.
const BIFF5: u16 = 0x0500;
const BIFF8: u16 = 0x0600;
/// The kind of a part that holds a whole workbook's settings, among the kinds of parts.
const GLOBALS: u16 = 0x0005;
/// The most styles. Cells name theirs by two bytes.
const STYLES_MAX: usize = 65_536;
/// The part of a message that says where too many styles are.
const PLACE: &str = "the workbook";

/// The parts of a workbook that its cells refer to.
#[derive(Debug, Clone)]
pub(super) struct Globals {
    pub(super) form: TextForm,
    pub(super) size: SheetSize,
    pub(super) texts: Arc<SharedStrings>,
    pub(super) styles: Arc<Styles>,
    pub(super) empty_results: EmptyResults,
}

/// The stored results of formulas that are none: values that a program stores where it does not
/// store the true result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EmptyResults {
    /// There are none: Excel has saved the workbook.
    Nothing,
    /// An empty text. BIFF5 has no such result.
    EmptyText,
    /// 0. `LibreOffice` stores it where the result is a text.
    Zero,
    /// Both. xlwt, which cannot compute, stores an empty text for each formula.
    EmptyTextAndZero,
}

impl EmptyResults {
    /// Whether 0 is one.
    pub(super) fn has_zero(self) -> bool {
        matches!(self, EmptyResults::Zero | EmptyResults::EmptyTextAndZero)
    }

    /// Whether an empty text is one.
    pub(super) fn has_empty_text(self) -> bool {
        matches!(
            self,
            EmptyResults::EmptyText | EmptyResults::EmptyTextAndZero
        )
    }
}

/// The contents of the records that were read so far.
struct GlobalsReader {
    contents: Contents,
    starts: Vec<u64>,
    texts: Texts,
    shared: SharedStrings,
    formats: NumberFormats,
    /// The number formats of the styles.
    styles: Vec<u32>,
    version: u16,
    form: TextForm,
    empty_results: EmptyResults,
}

/// Reads the part at the start of a stream. Also returns the sheets, and the places where their
/// parts begin.
pub(super) fn read(stream: impl StreamBytes) -> Result<(Globals, Contents, Vec<u64>), InputFault> {
    let mut records = Records::from(stream, 0)?;
    let mut reader = GlobalsReader::begin(&mut records)?;
    loop {
        match records.next()? {
            kinds::EOF => return reader.finish(),
            kind => reader.read(kind, &mut records)?,
        }
    }
}

impl GlobalsReader {
    /// Reads the first record, which names the version.
    fn begin<S: StreamBytes>(records: &mut Records<S>) -> Result<GlobalsReader, InputFault> {
        let kind = records.next()?;
        if kinds::OF_OLDER_FORMATS.contains(&kind) {
            return Err(NotText::WorkbookBeforeExcel5.into());
        }
        let (version, part) = match kind {
            kinds::BOF => (records.u16()?, records.u16()?),
            _ => (0, 0),
        };
        let form = match version {
            BIFF8 => TextForm::Unicode,
            BIFF5 => TextForm::CodePage(WINDOWS_1252),
            _ => {
                let reason = "it does not begin as the workbooks of Excel 5 to 2003 do";
                return Err(PartFault::unreadable(reason).into());
            }
        };
        if part != GLOBALS {
            return Err(
                PartFault::unreadable("it does not begin with a list of its sheets").into(),
            );
        }
        // The versions of Excel that have saved it, each a bit, behind the number and year of the
        // last program.
        records.skip(4);
        let empty_results = match (form, records.u32()) {
            (TextForm::CodePage(_), _) => EmptyResults::EmptyText,
            (TextForm::Unicode, Ok(0) | Err(_)) => EmptyResults::EmptyTextAndZero,
            (TextForm::Unicode, Ok(_)) => EmptyResults::Nothing,
        };
        Ok(GlobalsReader {
            contents: Contents {
                sheets: Vec::new(),
                days: Days::From1900,
                texts_bytes: 0,
            },
            starts: Vec::new(),
            texts: Texts::new(form),
            shared: SharedStrings::default(),
            formats: NumberFormats::default(),
            styles: Vec::new(),
            version,
            form,
            empty_results,
        })
    }

    fn read<S: StreamBytes>(
        &mut self,
        kind: u16,
        records: &mut Records<S>,
    ) -> Result<(), InputFault> {
        match kind {
            kinds::FILE_PASS => return Err(NotText::EncryptedOldWorkbook.into()),
            kinds::CODE_PAGE if self.version == BIFF5 => {
                let code_page = records.u16()?;
                let Some(encoding) = encoding_of(code_page) else {
                    return Err(PartFault::unreadable(format!(
                        "its texts are in code page {code_page}, which custsync does not know"
                    ))
                    .into());
                };
                self.form = TextForm::CodePage(encoding);
                self.texts = Texts::new(self.form);
            }
            kinds::DATE_1904 if records.u16()? == 1 => self.contents.days = Days::From1904,
            // A program has computed the formulas.
            kinds::RECALC_ID if self.empty_results == EmptyResults::EmptyTextAndZero => {
                self.empty_results = EmptyResults::Zero;
            }
            kinds::BOUND_SHEET => self.read_sheet(records)?,
            kinds::FORMAT => {
                let (id, mut code) = (records.u16()?, String::new());
                let length = match self.version {
                    BIFF5 => LengthBytes::One,
                    _ => LengthBytes::Two,
                };
                self.texts.read(records, length, &mut code)?;
                self.formats.add(u32::from(id), &code, PLACE)?;
            }
            kinds::XF => {
                records.skip(2);
                let format = records.u16()?;
                self.styles.push(u32::from(format));
                if self.styles.len() > STYLES_MAX {
                    let reason = format!("it has more than {STYLES_MAX} styles");
                    return Err(PartFault::unreadable(reason).into());
                }
            }
            kinds::SST => self.texts.read_table(records, &mut self.shared)?,
            _ => {}
        }
        Ok(())
    }

    /// Reads the entry of a sheet ([MS-XLS] §2.4.28).
    fn read_sheet<S: StreamBytes>(&mut self, records: &mut Records<S>) -> Result<(), PartFault> {
        let (start, visibility, kind) = (records.u32()?, records.u8()?, records.u8()?);
        let mut name = String::new();
        self.texts.read(records, LengthBytes::One, &mut name)?;
        let kind = match (kind, visibility & 3) {
            (0, 0) => SheetKind::Table,
            (0, _) => SheetKind::Hidden,
            (2, _) => SheetKind::NoTable("chart"),
            (1 | 6, _) => SheetKind::NoTable("macro"),
            _ => SheetKind::NoTable("no table"),
        };
        self.starts.push(u64::from(start));
        self.contents.add(Sheet { name, kind })
    }

    fn finish(mut self) -> Result<(Globals, Contents, Vec<u64>), InputFault> {
        let mut styles = Styles::default();
        for format in self.styles {
            styles.add(self.formats.is_date(format), PLACE)?;
        }
        self.contents.texts_bytes = self.shared.bytes();
        let rows = if self.version == BIFF5 {
            16_384
        } else {
            65_536
        };
        let globals = Globals {
            form: self.form,
            size: SheetSize { rows, columns: 256 },
            texts: Arc::new(self.shared),
            styles: Arc::new(styles),
            empty_results: self.empty_results,
        };
        Ok((globals, self.contents, self.starts))
    }
}
