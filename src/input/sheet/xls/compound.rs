//! Compound files ([MS-CFB]): sectors of one size that hold streams, as a file system does. The
//! first sectors name those of the allocation table, which names for each sector the next one of
//! its stream.
//!
//! The file is not trusted. The allocation table is read where it is asked, and not held: a file
//! may name one sector of it many times. No chain of sectors is followed further than the file can
//! be long. What is held (the places of the table, the directory, a short stream) has a limit.

use std::io::{Read, Seek, SeekFrom};

use super::super::fault::PartFault;
use crate::input::bytes::magic::COMPOUND_FILE;

/// The values of the allocation table from here on name no sector (§2.1).
const SECTORS_MAX: u32 = 0xffff_fffa;
/// The value of a directory entry without such a neighbour.
const NO_ENTRY: u32 = 0xffff_ffff;
const HEADER_BYTES: usize = 512;
/// The size of the table's place in the header, and of each place in it.
const PLACES_IN_HEADER: usize = 109;
const PLACE_BYTES: usize = 4;
/// The size of a directory entry.
const ENTRY_BYTES: usize = 128;
/// The most directory entries. All are held in memory.
const ENTRIES_MAX: usize = 1 << 14;
/// Streams below this size lie in short sectors, within a stream of their own.
const SHORT_STREAM_BYTES: u64 = 4096;
const SHORT_SECTOR_BYTES: usize = 64;
/// The most sectors that hold short streams or their table.
const SHORT_CHAIN_MAX: usize = 1 << 14;
/// The type of a stream, and that of the root, among directory entries.
const STREAM: u8 = 2;
const ROOT: u8 = 5;

/// An open compound file.
#[derive(Debug)]
pub(super) struct Compound<R> {
    file: R,
    sector_bytes: u32,
    /// The number of sectors. The last one may be incomplete.
    sectors: u32,
    /// The sectors of the allocation table.
    table: Vec<u32>,
    /// A sector of the table, by its number there.
    held: Option<(usize, Vec<u8>)>,
    root: Entry,
    /// The sector in which the table of short sectors begins.
    short_table: u32,
    streams: Vec<(String, Entry)>,
}

/// An entry of the directory.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    kind: u8,
    left: u32,
    right: u32,
    child: u32,
    start: u32,
    bytes: u64,
}

/// The place of a stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct StreamEntry {
    /// The first sector.
    pub(super) start: u32,
    /// The size.
    pub(super) bytes: u64,
}

impl StreamEntry {
    /// Whether the stream lies in short sectors.
    pub(super) fn is_short(self) -> bool {
        self.bytes < SHORT_STREAM_BYTES
    }
}

/// The fields of the header that are of use.
struct Header {
    version: u16,
    sector_bytes: u32,
    directory: u32,
    short_table: u32,
    more_places: u32,
    places: Vec<u32>,
}

impl<R: Read + Seek> Compound<R> {
    /// Opens a compound file and reads its directory.
    pub(super) fn open(mut file: R) -> Result<Compound<R>, PartFault> {
        let bytes = file.seek(SeekFrom::End(0)).map_err(PartFault::of_file)?;
        file.rewind().map_err(PartFault::of_file)?;
        let mut header = [0; HEADER_BYTES];
        file.read_exact(&mut header).map_err(PartFault::of_file)?;
        let header = Header::of(&header)?;
        let sector_bytes = u64::from(header.sector_bytes);
        let sectors = bytes.saturating_sub(sector_bytes).div_ceil(sector_bytes);
        let sectors = u32::try_from(sectors).unwrap_or(SECTORS_MAX);
        let mut compound = Compound {
            file,
            sector_bytes: header.sector_bytes,
            sectors: sectors.min(SECTORS_MAX),
            table: Vec::new(),
            held: None,
            root: Entry::default(),
            short_table: header.short_table,
            streams: Vec::new(),
        };
        compound.read_table(&header)?;
        compound.read_directory(&header)?;
        Ok(compound)
    }

    /// Returns the names of the streams and folders in the root.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.streams.iter().map(|(name, _)| name.as_str())
    }

    /// Returns the stream of this name in the root. Names are compared without case (§2.6.4).
    pub(super) fn stream(&self, name: &str) -> Option<StreamEntry> {
        let is_it = |(other, entry): &&(String, Entry)| {
            entry.kind == STREAM && other.eq_ignore_ascii_case(name)
        };
        let (_, entry) = self.streams.iter().find(is_it)?;
        Some(StreamEntry {
            start: entry.start,
            bytes: entry.bytes,
        })
    }

    /// Returns the size of a sector in bytes.
    pub(super) fn sector_bytes(&self) -> u32 {
        self.sector_bytes
    }

    /// Reads bytes from the start of a sector on.
    pub(super) fn read(&mut self, sector: u32, into: &mut [u8]) -> Result<(), PartFault> {
        if sector >= self.sectors {
            return Err(beyond(sector));
        }
        // The header takes the place of a sector.
        let at = (u64::from(sector) + 1) * u64::from(self.sector_bytes);
        self.file
            .seek(SeekFrom::Start(at))
            .and_then(|_| self.file.read_exact(into))
            .map_err(PartFault::of_file)
    }

    /// Returns the sector that follows in its stream.
    pub(super) fn next_sector(&mut self, sector: u32) -> Result<u32, PartFault> {
        let entries = self.entries_of_sector();
        let sector = to_usize(sector);
        let (number, place) = (sector / entries, sector % entries * PLACE_BYTES);
        if self.held.as_ref().map(|(number, _)| *number) != Some(number) {
            let at = self.table.get(number).filter(|at| **at < SECTORS_MAX);
            let at = *at.ok_or_else(|| broken("its allocation table is too short"))?;
            let mut held = vec![0; to_usize(self.sector_bytes)];
            self.read(at, &mut held)?;
            self.held = Some((number, held));
        }
        let held = self.held.as_ref().map_or(&[][..], |(_, held)| held);
        u32_at(held, place).ok_or_else(|| broken("its allocation table is too short"))
    }

    /// Returns the number of places in a sector of the allocation table.
    fn entries_of_sector(&self) -> usize {
        to_usize(self.sector_bytes) / PLACE_BYTES
    }

    /// Reads the places of the allocation table: as many as the file has use for.
    fn read_table(&mut self, header: &Header) -> Result<(), PartFault> {
        let entries = self.entries_of_sector();
        let needed = to_usize(self.sectors).div_ceil(entries);
        self.table.extend(header.places.iter().take(needed));
        let (mut sector, mut content) = (header.more_places, vec![0; to_usize(self.sector_bytes)]);
        while self.table.len() < needed && sector < SECTORS_MAX {
            // Each such sector adds places, so the loop ends even if they form a ring.
            self.read(sector, &mut content)?;
            let places = u32s(&content).take(entries - 1);
            let missing = needed - self.table.len();
            self.table.extend(places.take(missing));
            sector = u32_at(&content, content.len() - PLACE_BYTES).unwrap_or(SECTORS_MAX);
        }
        Ok(())
    }

    /// Reads the directory, and finds what is in its root.
    fn read_directory(&mut self, header: &Header) -> Result<(), PartFault> {
        let sector_bytes = to_usize(self.sector_bytes);
        let (mut directory, mut sector) = (Vec::new(), header.directory);
        while sector < SECTORS_MAX {
            let start = directory.len();
            if start >= ENTRIES_MAX * ENTRY_BYTES {
                return Err(broken(&format!(
                    "its directory has more than {ENTRIES_MAX} entries"
                )));
            }
            directory.resize(start + sector_bytes, 0);
            self.read(sector, directory.get_mut(start..).unwrap_or_default())?;
            sector = self.next_sector(sector)?;
        }
        let entry = |number: u32| {
            let start = to_usize(number) * ENTRY_BYTES;
            directory.get(start..start + ENTRY_BYTES)
        };
        let root = entry(0).map(|bytes| Entry::of(bytes, header.version));
        self.root = root
            .filter(|root| root.kind == ROOT)
            .ok_or_else(|| broken("its directory has no root"))?;
        let mut seen = vec![false; directory.len() / ENTRY_BYTES];
        let mut open = vec![self.root.child];
        while let Some(number) = open.pop() {
            if number == NO_ENTRY {
                continue;
            }
            let is_seen = seen.get_mut(to_usize(number));
            let (Some(bytes), Some(is_seen)) = (entry(number), is_seen) else {
                return Err(broken("its directory names an entry that does not exist"));
            };
            if std::mem::replace(is_seen, true) {
                return Err(broken("its directory runs in a ring"));
            }
            let found = Entry::of(bytes, header.version);
            open.extend([found.left, found.right]);
            self.streams.push((name_of(bytes), found));
        }
        Ok(())
    }

    /// Checks that a stream has all of its sectors, and that they are in the file.
    pub(super) fn check_chain(&mut self, entry: StreamEntry) -> Result<(), PartFault> {
        let sectors = entry.bytes.div_ceil(u64::from(self.sector_bytes));
        if sectors > u64::from(self.sectors) {
            return Err(PartFault::CutOff);
        }
        let mut sector = entry.start;
        for left in (0..sectors).rev() {
            if sector >= self.sectors {
                return Err(beyond(sector));
            }
            if left > 0 {
                sector = self.next_sector(sector)?;
            }
        }
        let last_bytes = entry.bytes - (sectors - 1) * u64::from(self.sector_bytes);
        let mut last = vec![0; usize::try_from(last_bytes).unwrap_or_default()];
        self.read(sector, &mut last)
    }

    /// Returns the content of a stream in short sectors.
    pub(super) fn short_stream(&mut self, entry: StreamEntry) -> Result<Vec<u8>, PartFault> {
        let (sectors, table) = (self.chain(self.root.start)?, self.chain(self.short_table)?);
        let sector_bytes = to_usize(self.sector_bytes);
        let wanted = usize::try_from(entry.bytes).unwrap_or_default();
        let (mut content, mut short) = (Vec::with_capacity(wanted), entry.start);
        while content.len() < wanted {
            let at = to_usize(short) * SHORT_SECTOR_BYTES;
            let bytes = SHORT_SECTOR_BYTES.min(wanted - content.len());
            let end = at % sector_bytes + bytes;
            let sector = sectors.get(at / sector_bytes);
            let sector =
                *sector.ok_or_else(|| broken("a chain of its short sectors ends too early"))?;
            let mut holder = vec![0; end];
            self.read(sector, &mut holder)?;
            content.extend(holder.get(end - bytes..).unwrap_or_default());
            if content.len() < wanted {
                let at = to_usize(short) * PLACE_BYTES;
                let sector = table.get(at / sector_bytes);
                let sector =
                    *sector.ok_or_else(|| broken("its table of short sectors is too short"))?;
                let mut holder = vec![0; at % sector_bytes + PLACE_BYTES];
                self.read(sector, &mut holder)?;
                short = u32_at(&holder, at % sector_bytes).unwrap_or(SECTORS_MAX);
            }
        }
        Ok(content)
    }

    /// Returns the sectors of the chain that begins here, as far as one may be long.
    fn chain(&mut self, start: u32) -> Result<Vec<u32>, PartFault> {
        let (mut chain, mut sector) = (Vec::new(), start);
        while sector < SECTORS_MAX && chain.len() < SHORT_CHAIN_MAX {
            chain.push(sector);
            sector = self.next_sector(sector)?;
        }
        Ok(chain)
    }
}

impl Header {
    fn of(bytes: &[u8; HEADER_BYTES]) -> Result<Header, PartFault> {
        let u16_at = |at: usize| {
            let bytes = bytes
                .get(at..at + 2)
                .and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, u16::from_le_bytes)
        };
        let place_at = |at: usize| u32_at(bytes, at).unwrap_or(SECTORS_MAX);
        let (version, sector_bits) = (u16_at(26), u16_at(30));
        if !bytes.starts_with(&COMPOUND_FILE) {
            return Err(broken("its first bytes are damaged"));
        }
        if !matches!((version, sector_bits), (3, 9) | (4, 12))
            || u16_at(32) != 6
            || u64::from(place_at(56)) != SHORT_STREAM_BYTES
        {
            return Err(broken(
                "its sectors have another size than those of the format",
            ));
        }
        let places = bytes.get(76..).unwrap_or_default();
        Ok(Header {
            version,
            sector_bytes: 1 << sector_bits,
            directory: place_at(48),
            short_table: place_at(60),
            more_places: place_at(68),
            places: u32s(places).take(PLACES_IN_HEADER).collect(),
        })
    }
}

impl Entry {
    fn of(bytes: &[u8], version: u16) -> Entry {
        let number_at = |at: usize| u32_at(bytes, at).unwrap_or(NO_ENTRY);
        // In version 3 the upper half may hold anything (§2.6.1).
        let upper = if version == 3 { 0 } else { number_at(124) };
        Entry {
            kind: bytes.get(66).copied().unwrap_or_default(),
            left: number_at(68),
            right: number_at(72),
            child: number_at(76),
            start: number_at(116),
            bytes: u64::from(upper) << 32 | u64::from(number_at(120)),
        }
    }
}

/// Returns the name of a directory entry, which ends with a NUL.
fn name_of(bytes: &[u8]) -> String {
    let units = bytes.get(..64).unwrap_or_default().chunks_exact(2);
    let units = units.map(|unit| u16::from_le_bytes(unit.try_into().unwrap_or_default()));
    let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    String::from_utf16_lossy(&units)
}

fn u32s(bytes: &[u8]) -> impl Iterator<Item = u32> {
    let units = bytes.chunks_exact(PLACE_BYTES);
    units.map(|unit| u32::from_le_bytes(unit.try_into().unwrap_or_default()))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + PLACE_BYTES)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Returns the fault of a sector that the file does not have.
fn beyond(sector: u32) -> PartFault {
    if sector < SECTORS_MAX {
        PartFault::CutOff
    } else {
        broken("a chain of its sectors ends too early")
    }
}

fn broken(reason: &str) -> PartFault {
    PartFault::unreadable(format!("as a compound file it is damaged: {reason}"))
}
