//! Decodes text in other encodings than UTF-8 while it streams in. Decoding is strict: bytes that
//! are invalid in the encoding are an error with its position, never a replacement character.

use std::io::{self, Read};
use std::str::Utf8Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use encoding_rs::{Decoder, DecoderResult};

use crate::input::bytes::ByteStream;
use crate::input::bytes::stream_fault::StreamFault;

/// The number of encoded bytes that are read at once.
const ENCODED_BYTES: usize = 64 << 10;

/// A text encoding, as named and defined by the WHATWG Encoding Standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding(&'static encoding_rs::Encoding);

/// A label that names no encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown encoding; there are utf-8, utf-16le, windows-1252, iso-8859-2, shift_jis, gb18030 and others"
)]
pub struct EncodingError;

impl Encoding {
    /// UTF-8
    pub(crate) const UTF_8: Encoding = Encoding(encoding_rs::UTF_8);

    /// Returns the encoding of a label such as `windows-1252` or `latin1`.
    pub fn of_label(label: &str) -> Result<Encoding, EncodingError> {
        match encoding_rs::Encoding::for_label_no_replacement(label.as_bytes()) {
            Some(encoding) => Ok(Encoding(encoding)),
            None => Err(EncodingError),
        }
    }

    /// Returns the encoding that a byte order mark at the start of an input names.
    pub(crate) fn of_byte_order_mark(head: &[u8]) -> Option<Encoding> {
        encoding_rs::Encoding::for_bom(head).map(|(encoding, _)| Encoding(encoding))
    }

    /// Returns the encoding's name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

/// Returns an encoding to suggest for bytes that are not UTF-8: windows-1252, the most common one,
/// or none. It is suggested if each byte beyond ASCII is one of its letters or of the signs that
/// people type, one of these bytes is in a word, and most letters are ASCII, as in all languages
/// that are written in it.
#[cold]
pub(crate) fn likely_encoding(bytes: &[u8]) -> Option<&'static str> {
    const SIGNS: &str = "€‚„…‘’“”–—™©®°§«»£¥¿¡´·\u{a0}";
    let beyond_ascii = |byte: &&u8| !byte.is_ascii();
    let count = bytes.iter().filter(beyond_ascii).count();
    let is_in_a_word = bytes.windows(2).any(|pair| match pair {
        [one, other] => {
            (one.is_ascii_alphabetic() && *other >= 0xc0)
                || (*one >= 0xc0 && other.is_ascii_alphabetic())
        }
        _ => false,
    });
    let letters = bytes
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .count();
    // An incomplete character of UTF-8 at the end was cut off.
    let is_cut_off = |error: Utf8Error| {
        error.error_len().is_none() && bytes.len().saturating_sub(error.valid_up_to()) > 1
    };
    if std::str::from_utf8(bytes).is_err_and(is_cut_off) {
        return None;
    }
    let beyond: Vec<u8> = bytes.iter().filter(beyond_ascii).copied().collect();
    let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&beyond);
    let is_typed = text
        .chars()
        .all(|character| character.is_alphabetic() || SIGNS.contains(character));
    (is_typed && is_in_a_word && count <= letters).then(|| encoding_rs::WINDOWS_1252.name())
}

/// Whether the bytes so far are UTF-8 with more than ASCII. They come in pieces, which may end
/// within a character.
#[derive(Debug, Default)]
struct Utf8Check {
    verdict: Utf8Verdict,
    /// The start of a character, from the end of the last piece.
    carried: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Utf8Verdict {
    #[default]
    Ascii,
    Utf8,
    Other,
}

impl Utf8Check {
    fn add(&mut self, piece: &[u8]) {
        if self.verdict == Utf8Verdict::Other || (self.carried.is_empty() && piece.is_ascii()) {
            return;
        }
        let mut bytes = std::mem::take(&mut self.carried);
        bytes.extend_from_slice(piece);
        self.verdict = match std::str::from_utf8(&bytes) {
            Ok(_) => Utf8Verdict::Utf8,
            Err(error) if error.error_len().is_none() => {
                self.carried = bytes.split_off(error.valid_up_to());
                if bytes.is_ascii() {
                    self.verdict
                } else {
                    Utf8Verdict::Utf8
                }
            }
            Err(_) => Utf8Verdict::Other,
        };
    }
}

/// Whether the text decoded so far is also valid UTF-8, so that its encoding is in doubt. Clones
/// share the state.
#[derive(Debug, Clone, Default)]
pub(crate) struct Utf8Doubt(Arc<AtomicBool>);

impl Utf8Doubt {
    /// Whether the encoding is in doubt.
    pub(crate) fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// An input's text in UTF-8, without a byte order mark.
pub(crate) struct Decoded {
    reader: ByteStream,
    decoder: Decoder,
    encoding: Encoding,
    encoded: Vec<u8>,
    /// The start of the part of `encoded` that is not decoded yet.
    at: usize,
    /// The number of bytes before `encoded`.
    bytes_before: u64,
    ended: DecodingEnd,
    text: Vec<u8>,
    /// The start of the part of `text` that is not handed out yet.
    text_at: usize,
    /// The fault that follows the text.
    fault: Option<StreamFault>,
    utf_8: Utf8Check,
    doubt: Utf8Doubt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DecodingEnd {
    No,
    /// The reader has no more bytes.
    Reader,
    /// The decoder has been given the end.
    Decoder,
}

impl Decoded {
    /// Returns a reader of the decoded text.
    pub(crate) fn new(reader: ByteStream, encoding: Encoding) -> Decoded {
        Decoded {
            reader,
            decoder: encoding.0.new_decoder_with_bom_removal(),
            encoding,
            encoded: Vec::new(),
            at: 0,
            bytes_before: 0,
            ended: DecodingEnd::No,
            text: Vec::new(),
            text_at: 0,
            fault: None,
            utf_8: Utf8Check::default(),
            doubt: Utf8Doubt::default(),
        }
    }

    /// Returns whether the encoding is in doubt. The answer may change while the input is read.
    pub(crate) fn doubt(&self) -> Utf8Doubt {
        self.doubt.clone()
    }

    fn read_encoded(&mut self) -> io::Result<()> {
        self.bytes_before += u64::try_from(self.encoded.len()).unwrap_or(u64::MAX);
        self.encoded.resize(ENCODED_BYTES, 0);
        self.at = 0;
        let read = loop {
            match self.reader.read(&mut self.encoded) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.encoded.truncate(*read.as_ref().unwrap_or(&0));
        if read? == 0 {
            self.ended = DecodingEnd::Reader;
        }
        self.utf_8.add(&self.encoded);
        self.doubt
            .0
            .store(self.utf_8.verdict == Utf8Verdict::Utf8, Ordering::Relaxed);
        Ok(())
    }

    /// Decodes the bytes that were read, as far as there is room for the text.
    fn decode(&mut self) {
        let encoded = self.encoded.get(self.at..).unwrap_or_default();
        self.text.resize(ENCODED_BYTES * 3, 0);
        self.text_at = 0;
        let is_last = self.ended == DecodingEnd::Reader;
        let (result, read, written) =
            self.decoder
                .decode_to_utf8_without_replacement(encoded, &mut self.text, is_last);
        self.at += read;
        self.text.truncate(written);
        match result {
            DecoderResult::InputEmpty if is_last => self.ended = DecodingEnd::Decoder,
            DecoderResult::InputEmpty | DecoderResult::OutputFull => {}
            DecoderResult::Malformed(length, behind) => {
                let before = self.bytes_before + u64::try_from(self.at).unwrap_or(u64::MAX);
                let byte = before.saturating_sub(u64::from(length) + u64::from(behind)) + 1;
                self.fault = Some(StreamFault::NotEncoded {
                    encoding: self.encoding.name(),
                    byte,
                });
            }
        }
    }
}

impl Read for Decoded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        while self.text_at == self.text.len() && self.ended != DecodingEnd::Decoder {
            if let Some(fault) = self.fault.take() {
                return Err(fault.into());
            }
            if self.at == self.encoded.len() && self.ended == DecodingEnd::No {
                self.read_encoded()?;
            }
            self.decode();
        }
        let ready = self.text.get(self.text_at..).unwrap_or_default();
        let count = ready.len().min(into.len());
        let (ready, _) = ready.split_at_checked(count).unwrap_or_default();
        into.get_mut(..count)
            .unwrap_or_default()
            .copy_from_slice(ready);
        self.text_at += count;
        Ok(count)
    }
}

/// The encoding that the user chooses (`--encoding`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EncodingChoice {
    /// UTF-8, or the encoding of a byte order mark.
    #[default]
    Auto,
    /// This encoding, unless a byte order mark names another one.
    Named(Encoding),
}

/// Whether a UTF-8 file of the input's rows has to begin with a byte order mark, so that the same
/// settings read it as UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bom {
    /// The settings expect UTF-8, and the input has no mark.
    Omit,
    /// The settings name another encoding, or the input has another one or a mark.
    Write,
}

impl Bom {
    pub(crate) fn of(encoding: Option<Encoding>, choice: EncodingChoice) -> Bom {
        let named = match choice {
            EncodingChoice::Auto => None,
            EncodingChoice::Named(named) => Some(named).filter(|named| *named != Encoding::UTF_8),
        };
        if encoding.is_some() || named.is_some() {
            Bom::Write
        } else {
            Bom::Omit
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_1252_is_suggested_where_it_reads_well() {
        let check = |bytes: &[u8], want: bool| {
            assert_eq!(likely_encoding(bytes).is_some(), want, "{bytes:?}");
        };
        check(b"K\xfcnstler", true);
        check(b"\x84Zo\xeb\x93 \x96 5 \x80", false);
        check(b"5, \x84Stra\xdfe\x93 \x96 West", true);
        // Cyrillic in windows-1251, Japanese in Shift_JIS, a byte that windows-1252 does not have,
        // and a truncated character.
        check(b"\xcf\xf0\xe8\xe2\xe5\xf2", false);
        check(b"\x93\xfa\x96\x7b", false);
        check(b"abc\x81", false);
        check(b"{\"id\":\xff}", false);
        check(b"abcdef\xf0\x9f", false);
    }

    #[test]
    fn utf_8_is_known_in_pieces() {
        let check = |bytes: &[u8], want: Utf8Verdict| {
            for piece in 1..=bytes.len() {
                let mut found = Utf8Check::default();
                bytes.chunks(piece).for_each(|piece| found.add(piece));
                assert_eq!(found.verdict, want, "{bytes:?} in pieces of {piece}");
            }
        };
        check(b"abc", Utf8Verdict::Ascii);
        check("a\u{eb}b\u{65e5}c\u{1f600}".as_bytes(), Utf8Verdict::Utf8);
        check(b"a\xebbc", Utf8Verdict::Other);
        check("a\u{eb}b\u{65e5}c\u{1f600}d".as_bytes(), Utf8Verdict::Utf8);
        check(b"a\xc3\xabb\xebc", Utf8Verdict::Other);
    }
}
