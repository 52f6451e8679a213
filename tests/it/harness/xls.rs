//! Workbooks of Excel 5 to 2003, built by hand from their records, so that tests can have every kind
//! of cell, in any order.

/// The sector sizes of version 3, which all programs write, and of version 4.
const SECTOR: usize = 512;
const LARGE_SECTOR: usize = 4096;
/// The size of the header without what pads it to a sector.
const HEADER: usize = 512;
/// Streams below this size lie in short sectors of this size.
const SHORT_STREAM: usize = 4096;
const SHORT_SECTOR: usize = 64;
/// Marks in the allocation table.
const END_OF_CHAIN: u32 = 0xffff_fffe;
const FREE: u32 = 0xffff_ffff;
/// The number of places of the table that the header holds.
const PLACES_IN_HEADER: usize = 109;

/// A record of this type.
pub(crate) fn record(kind: u16, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let length = u16::try_from(content.len()).expect("a record is short");
    [&kind.to_le_bytes()[..], &length.to_le_bytes(), content].concat()
}

/// A record of a cell: its place, its style, and its value.
pub(crate) fn cell(kind: u16, row: u16, column: u16, value: impl AsRef<[u8]>) -> Vec<u8> {
    styled(kind, row, column, 0, value)
}

/// A record of a cell of this style. 1 is the style of dates.
pub(crate) fn styled(
    kind: u16,
    row: u16,
    column: u16,
    style: u16,
    value: impl AsRef<[u8]>,
) -> Vec<u8> {
    let head = [row, column, style].map(u16::to_le_bytes).concat();
    record(kind, [&head[..], value.as_ref()].concat())
}

/// A text in the form of BIFF8, with a length of two bytes.
pub(crate) fn text(text: &str) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let length = u16::try_from(units.len()).expect("a text is short");
    let bytes: Vec<u8> = units.into_iter().flat_map(u16::to_le_bytes).collect();
    [&length.to_le_bytes()[..], &[1], &bytes].concat()
}

/// A cell with this text.
pub(crate) fn label(row: u16, column: u16, content: &str) -> Vec<u8> {
    cell(0x0204, row, column, text(content))
}

/// A cell with this number.
pub(crate) fn number(row: u16, column: u16, number: f64) -> Vec<u8> {
    cell(0x0203, row, column, number.to_le_bytes())
}

/// A cell with a formula of this result and these flags.
pub(crate) fn formula(row: u16, column: u16, result: [u8; 8], flags: u16) -> Vec<u8> {
    let value = [&result[..], &flags.to_le_bytes(), &[0; 8]].concat();
    cell(0x0006, row, column, value)
}

/// A workbook.
#[derive(Debug, Clone)]
pub(crate) struct Xls {
    version: u16,
    /// What the first record says of the programs that have saved the file.
    saved_by: u32,
    settings: Vec<u8>,
    sheets: Vec<(String, u16, Vec<u8>)>,
}

impl Xls {
    /// A workbook in BIFF8 that Excel has saved.
    pub(crate) fn new() -> Xls {
        Xls {
            version: 0x0600,
            saved_by: 0x41,
            settings: Vec::new(),
            sheets: Vec::new(),
        }
    }

    /// A workbook in BIFF5.
    pub(crate) fn biff5() -> Xls {
        Xls {
            version: 0x0500,
            ..Xls::new()
        }
    }

    /// Says that a program other than Excel has written it.
    pub(crate) fn by_another_program(mut self) -> Xls {
        self.saved_by = 0;
        self
    }

    /// Adds a record for the whole workbook.
    pub(crate) fn with(mut self, kind: u16, content: impl AsRef<[u8]>) -> Xls {
        self.settings.extend(record(kind, content));
        self
    }

    /// Adds a visible sheet of these records.
    pub(crate) fn sheet(self, name: &str, records: impl AsRef<[u8]>) -> Xls {
        self.sheet_of_kind(name, 0, records)
    }

    /// Adds a sheet; the lower byte of `kind` says whether it is hidden, the upper one what it is.
    pub(crate) fn sheet_of_kind(mut self, name: &str, kind: u16, records: impl AsRef<[u8]>) -> Xls {
        self.sheets
            .push((name.to_owned(), kind, records.as_ref().to_vec()));
        self
    }

    /// The stream of the workbook's records.
    pub(crate) fn stream(&self) -> Vec<u8> {
        // Style 0 has no format, style 1 that of dates.
        let styles = [0, 14].map(|format: u16| {
            let content = [&[0; 2][..], &format.to_le_bytes(), &[0; 16]].concat();
            record(0x00e0, content)
        });
        let globals = [self.begin(0x0005), self.settings.clone(), styles.concat()].concat();
        let entries_bytes: usize = self.entries(0).iter().map(Vec::len).sum();
        let entries = self.entries(globals.len() + entries_bytes + END.len());
        let mut stream = [globals, entries.concat(), END.to_vec()].concat();
        for (_, _, records) in &self.sheets {
            stream.extend([self.begin(0x0010), records.clone(), END.to_vec()].concat());
        }
        stream
    }

    /// The entries of the sheets. The first sheet begins at this place.
    fn entries(&self, start: usize) -> Vec<Vec<u8>> {
        let mut start = start;
        let entries = self.sheets.iter().map(|(name, kind, records)| {
            let place = u32::try_from(start).expect("a short stream");
            start += self.begin(0).len() + records.len() + END.len();
            let length = u8::try_from(name.len()).expect("a short name");
            let head = [&place.to_le_bytes()[..], &kind.to_le_bytes(), &[length]].concat();
            let width: &[u8] = if self.version == 0x0600 { &[0] } else { &[] };
            record(0x0085, [&head[..], width, name.as_bytes()].concat())
        });
        entries.collect()
    }

    fn begin(&self, part: u16) -> Vec<u8> {
        let mut content = [self.version, part, 0x0dbb, 0x07cc]
            .map(u16::to_le_bytes)
            .concat();
        if self.version == 0x0600 {
            content.extend([self.saved_by, 6].map(u32::to_le_bytes).concat());
        }
        record(0x0809, content)
    }

    /// The file's bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let name = if self.version == 0x0600 {
            "Workbook"
        } else {
            "Book"
        };
        compound(&[(name, &self.stream())])
    }
}

const END: [u8; 4] = [0x0a, 0, 0, 0];

/// A compound file (\[MS-CFB\], version 3) of these streams.
pub(crate) fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
    compound_of(streams, SECTOR)
}

/// The same in version 4, with larger sectors.
pub(crate) fn compound_of_large_sectors(streams: &[(&str, &[u8])]) -> Vec<u8> {
    compound_of(streams, LARGE_SECTOR)
}

fn compound_of(streams: &[(&str, &[u8])], sector: usize) -> Vec<u8> {
    let mut file = CompoundFile {
        sector,
        sectors: Vec::new(),
        table: Vec::new(),
    };
    let (mut shorts, mut short_table) = (Vec::new(), Vec::new());
    let mut entries = Vec::new();
    for (number, (name, content)) in (1..).zip(streams) {
        let start = if content.len() < SHORT_STREAM {
            let first = shorts.len() / SHORT_SECTOR;
            shorts.extend(*content);
            shorts.resize(shorts.len().next_multiple_of(SHORT_SECTOR), 0);
            chain(&mut short_table, first, shorts.len() / SHORT_SECTOR)
        } else {
            file.add(content)
        };
        let next = if number == streams.len() {
            FREE
        } else {
            number_of(number + 1)
        };
        entries.extend(entry(name, 2, [FREE, next, FREE], start, content.len()));
    }
    let shorts_start = file.add(&shorts);
    let short_table: Vec<u8> = short_table.into_iter().flat_map(u32::to_le_bytes).collect();
    let short_table_start = file.add(&padded(short_table, 0xff, sector));
    let root = entry("Root Entry", 5, [FREE, FREE, 1], shorts_start, shorts.len());
    let directory = file.add(&padded([root, entries].concat(), 0, sector));
    file.finish(directory, short_table_start)
}

/// The sectors of a compound file.
struct CompoundFile {
    /// The size of a sector.
    sector: usize,
    sectors: Vec<u8>,
    table: Vec<u32>,
}

impl CompoundFile {
    /// Adds a chain of sectors, and returns the first one.
    fn add(&mut self, content: &[u8]) -> u32 {
        let first = self.table.len();
        self.sectors
            .extend(padded(content.to_vec(), 0, self.sector));
        chain(&mut self.table, first, self.sectors.len() / self.sector)
    }

    fn finish(mut self, directory: u32, short_table: u32) -> Vec<u8> {
        let entries = self.sector / 4;
        let first = self.table.len();
        let mut count = first.div_ceil(entries);
        let more = |count: usize| count.saturating_sub(PLACES_IN_HEADER).div_ceil(entries - 1);
        while first + count + more(count) > count * entries {
            count += 1;
        }
        self.table.resize(first + count, 0xffff_fffd);
        self.table.resize(first + count + more(count), 0xffff_fffc);
        self.table.resize(count * entries, FREE);
        let places: Vec<u32> = (first..first + count).map(number_of).collect();
        let (in_header, others) = places.split_at(count.min(PLACES_IN_HEADER));
        let mut more_sectors = Vec::new();
        for (number, places) in others.chunks(entries - 1).enumerate() {
            let next = first + count + number + 1;
            let is_last = number + 1 == more(count);
            more_sectors.extend(places);
            more_sectors.resize((number + 1) * entries - 1, FREE);
            more_sectors.push(if is_last {
                END_OF_CHAIN
            } else {
                number_of(next)
            });
        }
        let more_start = if more_sectors.is_empty() {
            END_OF_CHAIN
        } else {
            number_of(first + count)
        };
        let mut header = vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
        header.resize(24, 0);
        let (version, sector_bits) = if self.sector == SECTOR {
            (3, 9)
        } else {
            (4, 12)
        };
        header.extend(
            [0x3e, version, 0xfffe, sector_bits, 6]
                .map(u16::to_le_bytes)
                .concat(),
        );
        header.resize(44, 0);
        let fields = [
            number_of(count),
            directory,
            0,
            number_of(SHORT_STREAM),
            short_table,
            1,
            more_start,
            number_of(more(count)),
        ];
        header.extend(fields.map(u32::to_le_bytes).concat());
        header.extend(in_header.iter().flat_map(|place| place.to_le_bytes()));
        header.resize(HEADER, 0xff);
        header.resize(self.sector, 0);
        let table = self.table.iter().chain(&more_sectors);
        let table: Vec<u8> = table.flat_map(|place| place.to_le_bytes()).collect();
        [header, self.sectors, table].concat()
    }
}

/// Adds the chain from this sector up to another one to a table.
fn chain(table: &mut Vec<u32>, first: usize, end: usize) -> u32 {
    if first == end {
        return END_OF_CHAIN;
    }
    table.extend((first + 1..end).map(number_of));
    table.push(END_OF_CHAIN);
    number_of(first)
}

/// An entry of the directory. `others` are its left and right neighbours, and its first child.
fn entry(name: &str, kind: u8, others: [u32; 3], start: u32, length: usize) -> Vec<u8> {
    let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let name_bytes = u16::try_from(entry.len() + 2).expect("a short name");
    entry.resize(64, 0);
    entry.extend(name_bytes.to_le_bytes());
    entry.extend([kind, 1]);
    entry.extend(others.map(u32::to_le_bytes).concat());
    entry.resize(116, 0);
    entry.extend([start, number_of(length), 0].map(u32::to_le_bytes).concat());
    entry
}

fn padded(mut content: Vec<u8>, by: u8, sector: usize) -> Vec<u8> {
    content.resize(content.len().next_multiple_of(sector), by);
    content
}

fn number_of(number: usize) -> u32 {
    u32::try_from(number).expect("a short file")
}
