//! From a file's bytes to text: what is compressed is unpacked, what is not UTF-8 is decoded. Both are seen by the first
//! bytes, however they arrive.

use std::fmt;
use std::io::{self, Cursor, Read};

use memchr::memchr;

use super::blocks::{bytes_of, line_behind};
use super::decode::{Decoded, Encoding, Utf8Doubt};
use super::dialect::Delimiter;
use super::error::InputFault;
use super::magic::not_text;
use super::not_text::NotText;
use super::own;
use super::pauses::{Pauses, is_pause};
use super::unpack::{Packing, UnpackLimits, Unpacked};

/// The bytes of an input.
pub(super) type ByteStream = Box<dyn Read + Send>;

/// So many bytes tell what they are the beginning of. Those of a tar archive stand farthest from its beginning.
const MAGIC_BYTES: usize = 512;

/// The encoding that the user asks for (`--encoding`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EncodingChoice {
    /// UTF-8, or what a byte order mark says.
    #[default]
    Auto,
    /// This one, unless a byte order mark says otherwise.
    Named(Encoding),
}

/// Bytes of the beginning of a text by which it is told from what is none.
const BEGINNING_BYTES: usize = 4 << 10;

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
pub(super) struct Text {
    /// UTF-8, as far as the input keeps to its encoding.
    pub(super) reader: ByteStream,
    /// How the input is compressed.
    pub(super) packing: Option<Packing>,
    /// The encoding that it was decoded from; absent where it is UTF-8 as it is.
    pub(super) encoding: Option<Encoding>,
    /// What is doubtful about its encoding.
    pub(super) doubts: EncodingDoubts,
}

/// What may be doubtful about the encoding of an input. Part of it is known only while it is read.
#[derive(Debug, Clone, Default)]
pub(super) struct EncodingDoubts {
    mark: Option<EncodingDoubt>,
    is_utf_8: Option<(Encoding, Utf8Doubt)>,
}

impl EncodingDoubts {
    /// What is doubtful by what was read so far.
    pub(super) fn so_far(&self) -> Option<EncodingDoubt> {
        let is_utf_8 = self
            .is_utf_8
            .as_ref()
            .filter(|(_, doubt)| doubt.is_raised());
        self.mark
            .or_else(|| is_utf_8.map(|(named, _)| EncodingDoubt::IsUtf8 { named: *named }))
    }
}

/// The text of an input. Unpacking cannot be interrupted, so of packed data no pauses are told.
pub(super) fn text_of(
    bytes: ByteStream,
    pauses: &Pauses,
    encoding: EncodingChoice,
) -> Result<Text, InputFault> {
    let (head, bytes) = peek(bytes)?;
    pauses.tell_again();
    let packing = Packing::of(&head);
    let (head, bytes) = match packing {
        None => (head, bytes),
        Some(packing) => {
            pauses.hide();
            let unpacked =
                Unpacked::new(bytes, packing, UnpackLimits::default()).map_err(InputFault::Read)?;
            peek(Box::new(unpacked))?
        }
    };
    if let Some(not_text) = not_text(&head) {
        return Err(not_text.into());
    }
    let named = match encoding {
        EncodingChoice::Named(encoding) if !own::is_failed_rows(&head) => Some(encoding),
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
        packing,
        encoding,
        doubts,
    })
}

/// A mark that says otherwise than the encoding that is named.
fn doubt_by_mark(named: Option<Encoding>, mark: Option<Encoding>) -> Option<EncodingDoubt> {
    let (named, mark) = (named?, mark?);
    (named != mark).then_some(EncodingDoubt::MarkOfAnother { named, mark })
}

/// What a text is not one of, by its beginning as a whole: one control byte in it is the fault of its row. A delimiter that is named
/// may be one, as in what Hive writes.
pub(super) fn not_text_within(head: &[u8], delimiter: Option<Delimiter>) -> Option<NotText> {
    let head = head.get(..BEGINNING_BYTES).unwrap_or(head);
    let delimiter = delimiter.map(Delimiter::byte);
    let is_of_text = |byte: u8| {
        byte >= b' '
            || matches!(byte, b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0x1a | 0x1b)
            || Some(byte) == delimiter
    };
    let is_control = |byte: &&u8| !is_of_text(**byte);
    let controls = head.iter().filter(is_control).count();
    if controls < 2 {
        return None;
    }
    if is_mostly(head, 4, 8, |quad| {
        matches!(quad, [1..=255, 0, 0, 0] | [0, 0, 0, 1..=255])
    }) {
        return Some(NotText::Utf32);
    }
    // Of ASCII each other byte is NUL, of other scripts those of delimiters and line ends.
    if is_mostly(head, 2, 3, |pair| matches!(pair, [1..=255, 0])) {
        return Some(NotText::Utf16("utf-16le"));
    }
    if is_mostly(head, 2, 3, |pair| matches!(pair, [0, 1..=255])) {
        return Some(NotText::Utf16("utf-16be"));
    }
    (controls >= CONTROLS_MIN && controls * 10 > head.len()).then_some(NotText::Binary)
}

/// Fewer control bytes than these are never a reason to refuse a file.
const CONTROLS_MIN: usize = 8;

/// Whether at least so many tenths of the units of this size are such, and not fewer than two.
fn is_mostly(bytes: &[u8], size: usize, tenths: usize, is_such: impl Fn(&[u8]) -> bool) -> bool {
    let found = bytes
        .chunks_exact(size)
        .filter(|unit| is_such(unit))
        .count();
    found >= 2 && found * 10 >= bytes.len() / size * tenths
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

impl From<super::stream_fault::StreamFault> for io::Error {
    /// Readers hand the fault over as what they may return; `InputFault::of_read` takes it out again.
    fn from(fault: super::stream_fault::StreamFault) -> io::Error {
        io::Error::other(fault)
    }
}
