//! From a file's bytes to text: what is compressed is unpacked, what is not UTF-8 is decoded. Both are seen by the first
//! bytes, however they arrive.

use std::io::{self, Cursor, Read};

use super::blocks::line_behind;
use super::decode::{Decoded, Encoding};
use super::error::{InputFault, NotText};
use super::own;
use super::unpack::{Packing, UnpackLimits, Unpacked};

/// The bytes of an input.
pub(super) type ByteStream = Box<dyn Read + Send>;

/// So many bytes tell what they are the beginning of. The longest that is known is that of a file of failed rows.
const MAGIC_BYTES: usize = 64;

/// The encoding that the user asks for (`--encoding`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EncodingChoice {
    /// UTF-8, or what a byte order mark says.
    #[default]
    Auto,
    /// This one, unless a byte order mark says otherwise.
    Named(Encoding),
}

/// The text of an input, and what it took to get at it.
pub(super) struct Text {
    /// UTF-8, as far as the input keeps to its encoding.
    pub(super) reader: ByteStream,
    /// How the input is compressed.
    pub(super) packing: Option<Packing>,
    /// The encoding that it was decoded from; absent where it is UTF-8 as it is.
    pub(super) encoding: Option<Encoding>,
}

/// The text of an input.
pub(super) fn text_of(bytes: ByteStream, encoding: EncodingChoice) -> Result<Text, InputFault> {
    let (head, bytes) = peek(bytes)?;
    let packing = Packing::of(&head);
    let (head, bytes) = match packing {
        None => (head, bytes),
        Some(packing) => {
            let unpacked = Unpacked::new(bytes, packing, UnpackLimits::default()).map_err(InputFault::Read)?;
            peek(Box::new(unpacked))?
        }
    };
    if let Some(not_text) = not_text(&head) {
        return Err(not_text.into());
    }
    let encoding = encoding_of(&head, encoding);
    let reader: ByteStream = match encoding {
        Some(encoding) => Box::new(Decoded::new(bytes, encoding)),
        None => bytes,
    };
    Ok(Text { reader, packing, encoding })
}

/// The encoding to decode from; none for UTF-8. A byte order mark is in no doubt, so it wins over what was asked for: that
/// is how a workbook's failed rows, saved as another text, are read all the same. Failed rows are UTF-8, whatever the settings of
/// their first input say.
fn encoding_of(head: &[u8], choice: EncodingChoice) -> Option<Encoding> {
    let named = match choice {
        EncodingChoice::Named(encoding) if own::format_of(head).is_none() => encoding,
        EncodingChoice::Named(_) | EncodingChoice::Auto => Encoding::UTF_8,
    };
    let encoding = Encoding::of_byte_order_mark(head).unwrap_or(named);
    (encoding != Encoding::UTF_8).then_some(encoding)
}

/// What the bytes are where they are no text.
fn not_text(head: &[u8]) -> Option<NotText> {
    match head {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some(NotText::Utf32),
        [b'P', b'K', 3, 4, ..] => Some(NotText::Zip),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Some(NotText::OldWorkbook),
        head => Packing::of(head).map(NotText::PackedTwice),
    }
}

/// The first bytes, and a reader of all of them.
fn peek(mut bytes: ByteStream) -> Result<(Vec<u8>, ByteStream), InputFault> {
    let mut head = Vec::with_capacity(MAGIC_BYTES);
    let wanted = u64::try_from(MAGIC_BYTES).unwrap_or(u64::MAX);
    if let Err(error) = bytes.by_ref().take(wanted).read_to_end(&mut head) {
        return Err(InputFault::of_read(error, line_behind(&head)));
    }
    let whole = Cursor::new(head.clone()).chain(bytes);
    Ok((head, Box::new(whole)))
}

impl From<super::error::StreamFault> for io::Error {
    /// Readers hand the fault over as what they may return; `InputFault::of_read` takes it out again.
    fn from(fault: super::error::StreamFault) -> io::Error {
        io::Error::other(fault)
    }
}
