//! From a file's bytes to text: decompresses what is compressed, and decodes what is not UTF-8.
//! Both are detected by the first bytes, however they arrive.

use std::fmt;
use std::io::{Cursor, Read};

use memchr::memchr;

use crate::input::bytes::compression::Compression;
use crate::input::bytes::decode::{Decoded, Encoding, EncodingChoice, Utf8Doubt};
use crate::input::bytes::decompress::{DecompressionLimits, Decompressor};
use crate::input::bytes::lines::line_behind;
use crate::input::bytes::magic::not_text;
use crate::input::bytes::pauses::{Pauses, is_pause};
use crate::input::bytes::{ByteStream, bytes_of, failed_rows};
use crate::input::error::InputFault;

/// Bytes needed to recognise a format by its magic number. That of tar is farthest from the start.
const MAGIC_BYTES: usize = 512;

/// A doubt about the encoding of an input, which is read all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodingDoubt {
    /// The byte order mark is that of another encoding than the named one.
    BomOfAnother {
        /// The named encoding.
        named: Encoding,
        /// The encoding of the mark.
        bom: Encoding,
    },
    /// Another encoding is named, but all bytes read so far are valid UTF-8, with more than ASCII.
    IsUtf8 {
        /// The named encoding.
        named: Encoding,
    },
}

impl fmt::Display for EncodingDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EncodingDoubt::BomOfAnother { named, bom } => {
                let (named, bom) = (named.name(), bom.name());
                write!(
                    f,
                    "begins with a byte order mark of {bom}, so it is read as {bom}, not as {named} (--encoding)"
                )
            }
            EncodingDoubt::IsUtf8 { named } => {
                let named = named.name();
                write!(
                    f,
                    "is read as {named} (--encoding), but all of it so far is valid UTF-8: if it is UTF-8, \
                    each character beyond ASCII is sent as two or three wrong ones"
                )
            }
        }
    }
}

/// The text of an input, with its compression and encoding.
pub(crate) struct Text {
    /// UTF-8, unless the input breaks its encoding.
    pub(crate) reader: ByteStream,
    /// The compression of the input.
    pub(crate) compression: Option<Compression>,
    /// The encoding that the text was decoded from; `None` for UTF-8.
    pub(crate) encoding: Option<Encoding>,
    /// The doubts about the encoding.
    pub(crate) doubts: EncodingDoubts,
}

/// The doubts about the encoding of an input. Some arise only while it is read.
#[derive(Debug, Clone, Default)]
pub(crate) struct EncodingDoubts {
    bom: Option<EncodingDoubt>,
    is_utf_8: Option<(Encoding, Utf8Doubt)>,
}

impl EncodingDoubts {
    /// Returns the doubt that the bytes read so far raise.
    pub(crate) fn so_far(&self) -> Option<EncodingDoubt> {
        let is_utf_8 = self
            .is_utf_8
            .as_ref()
            .filter(|(_, doubt)| doubt.is_raised());
        self.bom
            .or_else(|| is_utf_8.map(|(named, _)| EncodingDoubt::IsUtf8 { named: *named }))
    }
}

/// Returns the text of an input. Decompression cannot be interrupted, so compressed data reports no
/// pauses.
pub(crate) fn text_of(
    bytes: ByteStream,
    pauses: &Pauses,
    encoding: EncodingChoice,
) -> Result<Text, InputFault> {
    let (head, bytes) = peek(bytes)?;
    pauses.report_again();
    let compression = Compression::of(&head);
    let (head, bytes) = match compression {
        None => (head, bytes),
        Some(compression) => {
            pauses.hide();
            let decompressed =
                Decompressor::new(bytes, compression, DecompressionLimits::default())
                    .map_err(InputFault::Read)?;
            peek(Box::new(decompressed))?
        }
    };
    if let Some(not_text) = not_text(&head) {
        return Err(not_text.into());
    }
    let named = match encoding {
        EncodingChoice::Named(encoding) if !failed_rows::is_failed_rows(&head) => Some(encoding),
        EncodingChoice::Named(_) | EncodingChoice::Auto => None,
    };
    let bom = Encoding::of_byte_order_mark(&head);
    let mut doubts = EncodingDoubts {
        bom: doubt_by_bom(named, bom),
        is_utf_8: None,
    };
    // A byte order mark is certain, so it wins over the setting: this reads the failed rows of a
    // workbook that were saved as another text. Failed rows are UTF-8, whatever the settings say of
    // their first input.
    let encoding = bom
        .or(named)
        .filter(|encoding| *encoding != Encoding::UTF_8);
    let reader: ByteStream = match encoding {
        Some(encoding) => {
            let decoded = Decoded::new(bytes, encoding);
            doubts.is_utf_8 = named
                .filter(|_| bom.is_none())
                .map(|named| (named, decoded.doubt()));
            Box::new(decoded)
        }
        None => bytes,
    };
    Ok(Text {
        reader,
        compression,
        encoding,
        doubts,
    })
}

/// Returns the doubt that a mark of another encoding than the named one raises.
fn doubt_by_bom(named: Option<Encoding>, bom: Option<Encoding>) -> Option<EncodingDoubt> {
    let (named, bom) = (named?, bom?);
    (named != bom).then_some(EncodingDoubt::BomOfAnother { named, bom })
}

/// Returns the first bytes, and a reader of all bytes.
pub(crate) fn peek(mut bytes: ByteStream) -> Result<(Vec<u8>, ByteStream), InputFault> {
    let mut head = Vec::with_capacity(MAGIC_BYTES);
    let wanted = MAGIC_BYTES as u64;
    while let Err(error) = bytes
        .by_ref()
        .take(wanted - bytes_of(&head))
        .read_to_end(&mut head)
    {
        match is_pause(&error) {
            // A whole line is enough to recognise a format.
            true if memchr(b'\n', &head).is_some() => break,
            true => {}
            false => return Err(InputFault::of_read(error, line_behind(&head))),
        }
    }
    let whole = Cursor::new(head.clone()).chain(bytes);
    Ok((head, Box::new(whole)))
}
