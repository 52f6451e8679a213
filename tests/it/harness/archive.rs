//! Zip archives, also such as no program would write.

use std::io::{Cursor, Write as _};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The bytes of an archive, with ways to falsify it.
#[derive(Clone)]
pub(crate) struct Archive(pub(crate) Vec<u8>);

/// A number that the headers of a member state: its places in the local header and in the directory
/// (APPNOTE.TXT §4.3.7, §4.3.12), and its size in bytes.
#[derive(Clone, Copy)]
pub(crate) struct Stated(usize, usize, usize);

impl Stated {
    pub(crate) const FLAGS: Stated = Stated(6, 8, 2);
    pub(crate) const METHOD: Stated = Stated(8, 10, 2);
    pub(crate) const CHECKSUM: Stated = Stated(14, 16, 4);
    pub(crate) const PACKED_SIZE: Stated = Stated(18, 20, 4);
    pub(crate) const SIZE: Stated = Stated(22, 24, 4);
}

impl Archive {
    /// An archive of these members, in this order.
    pub(crate) fn of(members: &[(&str, &[u8])]) -> Archive {
        Archive::with(SimpleFileOptions::default(), members)
    }

    /// An archive of these members, written in this way. A name with a slash at its end is a
    /// folder's.
    pub(crate) fn with(options: SimpleFileOptions, members: &[(&str, &[u8])]) -> Archive {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in members {
            if name.ends_with('/') {
                zip.add_directory(*name, options).unwrap();
            } else {
                zip.start_file(*name, options).unwrap();
                zip.write_all(content).unwrap();
            }
        }
        Archive(zip.finish().unwrap().into_inner())
    }

    /// The archive as it is written into a pipe: sizes and checksums follow the data (APPNOTE.TXT
    /// §4.3.9).
    pub(crate) fn streamed(members: &[(&str, &[u8])]) -> Archive {
        let mut zip = ZipWriter::new_stream(Vec::new());
        for (name, content) in members {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content).unwrap();
        }
        Archive(zip.finish().unwrap().into_inner())
    }

    /// States another number for the first member, in both of its headers.
    pub(crate) fn stating(mut self, what: Stated, change: impl Fn(u32) -> u32) -> Archive {
        let Stated(local, central, size) = what;
        for (magic, at) in [(b"PK\x03\x04", local), (b"PK\x01\x02", central)] {
            let header = self
                .0
                .windows(4)
                .position(|bytes| bytes == magic)
                .expect("a header");
            let place = &mut self.0[header + at..header + at + size];
            let mut number = [0; 4];
            number[..size].copy_from_slice(place);
            let changed = change(u32::from_le_bytes(number)).to_le_bytes();
            place.copy_from_slice(&changed[..size]);
        }
        self
    }

    /// Replaces a text by another one of the same length, wherever it is.
    pub(crate) fn replacing(mut self, text: &[u8], other: &[u8]) -> Archive {
        assert_eq!(text.len(), other.len());
        let places: Vec<_> = self
            .0
            .windows(text.len())
            .enumerate()
            .filter(|(_, bytes)| *bytes == text)
            .map(|(at, _)| at)
            .collect();
        assert!(!places.is_empty(), "the text is there");
        for at in places {
            self.0[at..at + text.len()].copy_from_slice(other);
        }
        self
    }
}

impl AsRef<[u8]> for Archive {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
