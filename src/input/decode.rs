//! Text in other encodings than UTF-8, decoded while it streams in. Strictly: what is no text in the encoding is an error
//! with its place, never a replacement character.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult};

use super::error::StreamFault;
use super::stream::ByteStream;

/// So many bytes are decoded at once.
const ENCODED_BYTES: usize = 64 << 10;

/// An encoding of text, as the Encoding Standard of the WHATWG names and defines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding(&'static encoding_rs::Encoding);

/// A name that no encoding has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no encoding has this name; there are utf-8, utf-16le, windows-1252, iso-8859-2, shift_jis, gb18030 and others"
)]
pub struct EncodingError;

impl Encoding {
    /// UTF-8
    pub(super) const UTF_8: Encoding = Encoding(encoding_rs::UTF_8);

    /// The encoding of this label, such as `windows-1252` or `latin1`.
    pub fn of_label(label: &str) -> Result<Encoding, EncodingError> {
        match encoding_rs::Encoding::for_label_no_replacement(label.as_bytes()) {
            Some(encoding) => Ok(Encoding(encoding)),
            None => Err(EncodingError),
        }
    }

    /// The encoding that a byte order mark at the start of an input names.
    pub(super) fn of_byte_order_mark(head: &[u8]) -> Option<Encoding> {
        encoding_rs::Encoding::for_bom(head).map(|(encoding, _)| Encoding(encoding))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

/// The text of an input in UTF-8, without a byte order mark.
pub(super) struct Decoded {
    reader: ByteStream,
    decoder: Decoder,
    encoding: Encoding,
    encoded: Vec<u8>,
    /// The part of `encoded` that is not decoded yet.
    at: usize,
    /// How many bytes came before `encoded`.
    bytes_before: u64,
    ended: Ended,
    text: Vec<u8>,
    /// The part of `text` that is not handed out yet.
    text_at: usize,
    /// What is wrong behind that text.
    fault: Option<StreamFault>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    No,
    /// The reader has no more.
    Reader,
    /// The decoder was told so.
    Decoder,
}

impl Decoded {
    /// Decodes what a reader gives.
    pub(super) fn new(reader: ByteStream, encoding: Encoding) -> Decoded {
        Decoded {
            reader,
            decoder: encoding.0.new_decoder_with_bom_removal(),
            encoding,
            encoded: Vec::new(),
            at: 0,
            bytes_before: 0,
            ended: Ended::No,
            text: Vec::new(),
            text_at: 0,
            fault: None,
        }
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
            self.ended = Ended::Reader;
        }
        Ok(())
    }

    /// Decodes what was read, as far as there is room for its text.
    fn decode(&mut self) {
        let encoded = self.encoded.get(self.at..).unwrap_or_default();
        self.text.resize(ENCODED_BYTES * 3, 0);
        self.text_at = 0;
        let is_last = self.ended == Ended::Reader;
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(encoded, &mut self.text, is_last);
        self.at += read;
        self.text.truncate(written);
        match result {
            DecoderResult::InputEmpty if is_last => self.ended = Ended::Decoder,
            DecoderResult::InputEmpty | DecoderResult::OutputFull => {}
            DecoderResult::Malformed(length, behind) => {
                let before = self.bytes_before + u64::try_from(self.at).unwrap_or(u64::MAX);
                let byte = before.saturating_sub(u64::from(length) + u64::from(behind)) + 1;
                self.fault = Some(StreamFault::NotEncoded { encoding: self.encoding.name(), byte });
            }
        }
    }
}

impl Read for Decoded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        while self.text_at == self.text.len() && self.ended != Ended::Decoder {
            if let Some(fault) = self.fault.take() {
                return Err(fault.into());
            }
            if self.at == self.encoded.len() && self.ended == Ended::No {
                self.read_encoded()?;
            }
            self.decode();
        }
        let ready = self.text.get(self.text_at..).unwrap_or_default();
        let count = ready.len().min(into.len());
        let (ready, _) = ready.split_at_checked(count).unwrap_or_default();
        into.get_mut(..count).unwrap_or_default().copy_from_slice(ready);
        self.text_at += count;
        Ok(count)
    }
}
