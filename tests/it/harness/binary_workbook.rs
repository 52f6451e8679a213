//! Excel workbooks of binary parts (`.xlsb`), built by hand from the records that [MS-XLSB] requires.

use super::workbook::{PACKAGE, RELATIONS, SheetCell, zip_of};

/// A workbook of binary parts.
#[derive(Debug, Default)]
pub(crate) struct BinaryWorkbook {
    sheets: Vec<(&'static str, u32, Vec<u8>)>,
    shared: Vec<&'static str>,
    /// Parts that replace the generated ones or are added to them.
    others: Vec<(&'static str, Vec<u8>)>,
}

/// A record of this kind.
pub(crate) fn record(kind: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = number(kind);
    bytes.extend(number(content.len() as u32));
    bytes.extend_from_slice(content);
    bytes
}

/// A number in 7 bits a byte.
fn number(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// A text with its number of characters.
pub(crate) fn wide(text: &str) -> Vec<u8> {
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [&(units.len() as u32 / 2).to_le_bytes()[..], &units].concat()
}

/// The head of a row. `row` is counted from 0.
pub(crate) fn row_head(row: u32, flags: u8) -> Vec<u8> {
    let height = [0, 0, 0, 0, 0x2c, 1, 0];
    record(
        0,
        &[&row.to_le_bytes()[..], &height, &[flags, 0, 0, 0, 0, 0]].concat(),
    )
}

/// A cell of this kind. `column` is counted from 0.
pub(crate) fn cell(kind: u32, column: u32, style: u32, content: &[u8]) -> Vec<u8> {
    let head = [column.to_le_bytes(), style.to_le_bytes()].concat();
    record(kind, &[&head, content].concat())
}

impl BinaryWorkbook {
    /// Adds a sheet of these rows; the first one is row 1.
    pub(crate) fn sheet(mut self, name: &'static str, rows: &[&[SheetCell]]) -> BinaryWorkbook {
        let mut records = Vec::new();
        for (row, cells) in (0..).zip(rows) {
            if cells.is_empty() {
                continue;
            }
            records.extend(row_head(row, 0));
            for (column, value) in (0..).zip(*cells) {
                records.extend(self.cell(column, *value));
            }
        }
        self.sheet_of(name, &records)
    }

    fn cell(&mut self, column: u32, value: SheetCell) -> Vec<u8> {
        let of_number = |text: &str, style: u32| match text.parse::<i32>() {
            Ok(whole) if whole.abs() < 1 << 29 && text != "-0" => {
                cell(2, column, style, &((whole << 2) | 2).to_le_bytes())
            }
            _ => {
                let number: f64 = text.parse().unwrap();
                cell(5, column, style, &number.to_le_bytes())
            }
        };
        match value {
            SheetCell::Nothing => Vec::new(),
            SheetCell::Text(text) => {
                self.shared.push(text);
                cell(7, column, 0, &(self.shared.len() as u32 - 1).to_le_bytes())
            }
            SheetCell::Inline(text) => cell(6, column, 0, &wide(text)),
            SheetCell::Number(text) => of_number(text, 0),
            SheetCell::Date(text) => of_number(text, 1),
            SheetCell::Boolean(value) => cell(4, column, 0, &[u8::from(value)]),
            SheetCell::Error(error) => {
                let codes = [
                    ("#NULL!", 0),
                    ("#DIV/0!", 7),
                    ("#VALUE!", 0x0f),
                    ("#REF!", 0x17),
                    ("#NAME?", 0x1d),
                    ("#NUM!", 0x24),
                    ("#N/A", 0x2a),
                ];
                let code = codes
                    .iter()
                    .find(|(name, _)| *name == error)
                    .expect("an error");
                cell(3, column, 0, &[code.1])
            }
        }
    }

    /// Adds a sheet with these records in its table.
    pub(crate) fn sheet_of(self, name: &'static str, records: &[u8]) -> BinaryWorkbook {
        self.sheet_in_state(name, 0, records)
    }

    /// Adds a sheet that is shown (0), hidden (1) or hidden from users (2).
    pub(crate) fn sheet_in_state(
        mut self,
        name: &'static str,
        state: u32,
        records: &[u8],
    ) -> BinaryWorkbook {
        let sheet = [
            record(129, &[]),
            record(148, &[0, 1000, 0, 30].map(u32::to_le_bytes).concat()),
            record(145, &[]),
            records.to_vec(),
            record(146, &[]),
            record(130, &[]),
        ];
        self.sheets.push((name, state, sheet.concat()));
        self
    }

    /// Replaces the part of this name, or adds it.
    pub(crate) fn part(mut self, name: &'static str, content: impl AsRef<[u8]>) -> BinaryWorkbook {
        self.others.push((name, content.as_ref().to_vec()));
        self
    }

    /// The main part, with these properties and this calculation.
    pub(crate) fn main_part(&self, properties: u32, calculation: u16) -> Vec<u8> {
        let mut main = record(131, &[]);
        let name = wide("");
        main.extend(record(
            153,
            &[&properties.to_le_bytes()[..], &[0; 4], &name].concat(),
        ));
        main.extend(record(143, &[]));
        for (number, (name, state, _)) in (1_u32..).zip(&self.sheets) {
            let sheet = [
                &state.to_le_bytes()[..],
                &number.to_le_bytes(),
                &wide(&format!("rId{number}")),
                &wide(name),
            ];
            main.extend(record(156, &sheet.concat()));
        }
        main.extend(record(144, &[]));
        main.extend(record(
            157,
            &[&[0; 24][..], &calculation.to_le_bytes()].concat(),
        ));
        main.extend(record(132, &[]));
        main
    }

    /// The file's bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut parts = self.parts();
        for (name, content) in &self.others {
            parts.retain(|(part, _)| part != name);
            parts.push(((*name).to_owned(), content.clone()));
        }
        let parts = parts.iter();
        zip_of(parts.map(|(name, content)| (name.as_str(), content.as_slice())))
    }

    fn parts(&self) -> Vec<(String, Vec<u8>)> {
        let relation = |id: &str, kind: &str, target: &str| {
            format!("<Relationship Id=\"{id}\" Type=\"{RELATIONS}/{kind}\" Target=\"{target}\"/>")
        };
        let relations = |inner: String| {
            format!("<Relationships xmlns=\"{PACKAGE}\">{inner}</Relationships>").into_bytes()
        };
        let mut of_main = relation("rIdT", "sharedStrings", "sharedStrings.bin");
        of_main += &relation("rIdS", "styles", "styles.bin");
        let mut types = String::new();
        let mut parts = Vec::new();
        for (number, (_, _, sheet)) in (1..).zip(&self.sheets) {
            let part = format!("worksheets/sheet{number}.bin");
            of_main += &relation(&format!("rId{number}"), "worksheet", &part);
            types += &content_type(&format!("xl/{part}"), "worksheet");
            parts.push((format!("xl/{part}"), sheet.clone()));
        }
        for (part, kind) in [
            ("workbook", "sheet.binary.macroEnabled.main"),
            ("styles", "styles"),
            ("sharedStrings", "sharedStrings"),
        ] {
            types += &content_type(&format!("xl/{part}.bin"), kind);
        }
        let texts = self.shared.iter();
        let texts: Vec<_> = texts
            .map(|text| record(19, &[&[0][..], &wide(text)].concat()))
            .collect();
        let count = (texts.len() as u32).to_le_bytes();
        let texts = [
            record(159, &[count, count].concat()),
            texts.concat(),
            record(160, &[]),
        ];
        parts.extend([
            ("[Content_Types].xml".to_owned(), format!("<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>{types}</Types>").into_bytes()),
            ("_rels/.rels".to_owned(), relations(relation("rId1", "officeDocument", "xl/workbook.bin"))),
            ("xl/workbook.bin".to_owned(), self.main_part(0, 0)),
            ("xl/_rels/workbook.bin.rels".to_owned(), relations(of_main)),
            ("xl/sharedStrings.bin".to_owned(), texts.concat()),
            ("xl/styles.bin".to_owned(), styles(&[0, 14])),
        ]);
        parts
    }
}

fn content_type(part: &str, kind: &str) -> String {
    format!("<Override PartName=\"/{part}\" ContentType=\"application/vnd.ms-excel.{kind}\"/>")
}

/// The part of styles, each with the number of a number format.
pub(crate) fn styles(formats: &[u16]) -> Vec<u8> {
    let style = |format: &u16| record(47, &[&[0, 0][..], &format.to_le_bytes(), &[0; 12]].concat());
    let count = (formats.len() as u32).to_le_bytes();
    let cells: Vec<_> = formats.iter().map(style).collect();
    let parts = [
        record(278, &[]),
        record(626, &1_u32.to_le_bytes()),
        record(47, &[&[0xff, 0xff][..], &[0; 14]].concat()),
        record(627, &[]),
        record(617, &count),
        cells.concat(),
        record(618, &[]),
        record(279, &[]),
    ];
    parts.concat()
}
