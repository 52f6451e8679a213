//! From a file's bytes to text: what is compressed is unpacked, what is not UTF-8 is decoded. Both are seen by the first
//! bytes, however they arrive.

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

/// So many bytes tell what they are the beginning of. Those of a tar archive stand farthest from its beginning.
const MAGIC_BYTES: usize = 512;

/// What is doubtful about the encoding of an input: it is read all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodingDoubt {
    /// The input begins with a byte order mark of another encoding than the one that is named.
    MarkOfAnother {
        /// The encoding that is named.
        named: Encoding,
        /// The mark's.
        mark: Encoding,
    },
    /// All that was read so far is good UTF-8, with more than ASCII in it, and another encoding is named.
    IsUtf8 {
        /// The encoding that is named.
        named: Encoding,
    },
}

impl fmt::Display for EncodingDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EncodingDoubt::MarkOfAnother { named, mark } => {
                let (named, mark) = (named.name(), mark.name());
                write!(
                    f,
                    "begins with a byte order mark of {mark}, so it is read as that, not as {named} (--encoding)"
                )
            }
            EncodingDoubt::IsUtf8 { named } => {
                let named = named.name();
                write!(
                    f,
                    "is read as {named} (--encoding), but all that was looked at is good UTF-8: if that is what it is, \
                    each character beyond ASCII is sent as two or three wrong ones"
                )
            }
        }
    }
}

/// The text of an input, and what it took to get at it.
pub(crate) struct Text {
    /// UTF-8, as far as the input keeps to its encoding.
    pub(crate) reader: ByteStream,
    /// How the input is compressed.
    pub(crate) compression: Option<Compression>,
    /// The encoding that it was decoded from; absent where it is UTF-8 as it is.
    pub(crate) encoding: Option<Encoding>,
    /// What is doubtful about its encoding.
    pub(crate) doubts: EncodingDoubts,
}

/// What may be doubtful about the encoding of an input. Part of it is known only while it is read.
#[derive(Debug, Clone, Default)]
pub(crate) struct EncodingDoubts {
    mark: Option<EncodingDoubt>,
    is_utf_8: Option<(Encoding, Utf8Doubt)>,
}

impl EncodingDoubts {
    /// What is doubtful by what was read so far.
    pub(crate) fn so_far(&self) -> Option<EncodingDoubt> {
        let is_utf_8 = self
            .is_utf_8
            .as_ref()
            .filter(|(_, doubt)| doubt.is_raised());
        self.mark
            .or_else(|| is_utf_8.map(|(named, _)| EncodingDoubt::IsUtf8 { named: *named }))
    }
}

/// The text of an input. Unpacking cannot be interrupted, so of packed data no pauses are told.
pub(crate) fn text_of(
    bytes: ByteStream,
    pauses: &Pauses,
    encoding: EncodingChoice,
) -> Result<Text, InputFault> {
    let (head, bytes) = peek(bytes)?;
    pauses.tell_again();
    let compression = Compression::of(&head);
    let (head, bytes) = match compression {
        None => (head, bytes),
        Some(compression) => {
            pauses.hide();
            let unpacked = Decompressor::new(bytes, compression, DecompressionLimits::default())
                .map_err(InputFault::Read)?;
            peek(Box::new(unpacked))?
        }
    };
    if let Some(not_text) = not_text(&head) {
        return Err(not_text.into());
    }
    let named = match encoding {
        EncodingChoice::Named(encoding) if !failed_rows::is_failed_rows(&head) => Some(encoding),
        EncodingChoice::Named(_) | EncodingChoice::Auto => None,
    };
    let mark = Encoding::of_byte_order_mark(&head);
    let mut doubts = EncodingDoubts {
        mark: doubt_by_mark(named, mark),
        is_utf_8: None,
    };
    // A byte order mark is in no doubt, so it wins over what was asked for: that is how a workbook's failed rows, saved as another
    // text, are read all the same. Failed rows are UTF-8, whatever the settings of their first input say.
    let encoding = mark
        .or(named)
        .filter(|encoding| *encoding != Encoding::UTF_8);
    let reader: ByteStream = match encoding {
        Some(encoding) => {
            let decoded = Decoded::new(bytes, encoding);
            doubts.is_utf_8 = named
                .filter(|_| mark.is_none())
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

/// A mark that says otherwise than the encoding that is named.
fn doubt_by_mark(named: Option<Encoding>, mark: Option<Encoding>) -> Option<EncodingDoubt> {
    let (named, mark) = (named?, mark?);
    (named != mark).then_some(EncodingDoubt::MarkOfAnother { named, mark })
}

/// The first bytes, and a reader of all of them.
fn peek(mut bytes: ByteStream) -> Result<(Vec<u8>, ByteStream), InputFault> {
    let mut head = Vec::with_capacity(MAGIC_BYTES);
    let wanted = MAGIC_BYTES as u64;
    while let Err(error) = bytes
        .by_ref()
        .take(wanted - bytes_of(&head))
        .read_to_end(&mut head)
    {
        match is_pause(&error) {
            // A whole line tells what it is the beginning of.
            true if memchr(b'\n', &head).is_some() => break,
            true => {}
            false => return Err(InputFault::of_read(error, line_behind(&head))),
        }
    }
    let whole = Cursor::new(head.clone()).chain(bytes);
    Ok((head, Box::new(whole)))
}
