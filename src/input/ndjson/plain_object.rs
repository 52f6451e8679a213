//! The fast path for JSON objects as almost all are written: known keys, strings, whole numbers,
//! `true`, `false` and `null`. Only strings with escapes need the general parser. Any line with
//! something else, errors included, is left to the general parser as a whole.

use std::borrow::Cow;

use crate::contract::Cell;

use crate::input::mapping::target::Target;
use crate::input::ndjson::layout::NdjsonLayout;
use crate::input::ndjson::object::Object;
use crate::input::ndjson::records::JsonRecord;
use crate::input::ndjson::string_scanner::StringScanner;

/// Reads the plain objects of a block.
pub(crate) struct PlainObjects<'b> {
    text: &'b str,
    stops: StringScanner<'b>,
    /// The position of the next byte.
    at: usize,
    /// The place among all keys where the next key is looked for first.
    key_place: usize,
}

impl<'b> PlainObjects<'b> {
    /// Returns a reader of the objects in a block of this text.
    pub(crate) fn of(text: &'b str) -> PlainObjects<'b> {
        PlainObjects {
            text,
            stops: StringScanner::of(text.as_bytes()),
            at: 0,
            key_place: 0,
        }
    }

    /// Gives the members of a line's object to `object`. Returns `None` if the line is not plain.
    /// Lines must be read in order.
    pub(crate) fn read(
        &mut self,
        line: &JsonRecord<'b>,
        object: &mut Object<'_, 'b>,
    ) -> Option<()> {
        self.at = line.start;
        self.key_place = 0;
        self.token(b'{')?;
        loop {
            let target = self.key(object.layout())?;
            self.value(target, object)?;
            match self.next_visible() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return None,
            }
        }
        self.at += 1;
        self.skip_spaces();
        (self.at == line.start + line.raw.len()).then_some(())
    }

    /// Reads the next key with its colon, and returns the key's target. It is usually the one after
    /// the last key in the layout's order, so that one is compared first.
    fn key(&mut self, layout: &NdjsonLayout) -> Option<Target> {
        self.skip_spaces();
        if let Some((target, length)) =
            layout.expected_key(self.key_place, self.text.as_bytes().get(self.at..)?)
        {
            self.key_place += 1;
            self.at += length;
            return Some(target);
        }
        self.token_here(b'"')?;
        let (target, place) = layout.known_target(self.rest_of_plain_string()?)?;
        self.key_place = place + 1;
        self.token(b':')?;
        Some(target)
    }

    fn value(&mut self, target: Target, object: &mut Object<'_, 'b>) -> Option<()> {
        match self.next_visible()? {
            b'"' => {
                self.at += 1;
                if let Some(text) = self.rest_of_plain_string() {
                    object.take_text(target, text);
                } else {
                    let text = self.rest_of_string()?;
                    object.take(target, |rules| rules.cell(target, Cow::Owned(text)));
                }
            }
            b'-' | b'0'..=b'9' => {
                let number = self.whole_number()?;
                object.take(target, |rules| {
                    rules.word(target, number, Cell::Number(number))
                });
            }
            b'n' => {
                self.word("null")?;
                object.take(target, |_| Some(Cell::Null));
            }
            b't' => {
                let json = self.word("true")?;
                object.take(target, |rules| rules.word(target, json, Cell::Boolean));
            }
            b'f' => {
                let json = self.word("false")?;
                object.take(target, |rules| rules.word(target, json, Cell::Boolean));
            }
            _ => return None,
        }
        Some(())
    }

    /// Reads a string without escapes from behind its first quote to its end, and returns it
    /// without its quotes. Of any other string, only the start is read.
    #[inline]
    fn rest_of_plain_string(&mut self) -> Option<&'b str> {
        let start = self.at;
        self.at = self.stops.next(start);
        self.token_here(b'"')?;
        self.text.get(start..self.at - 1)
    }

    /// Returns the text of a string with escapes. The next byte is the first one that is not an
    /// ordinary character.
    fn rest_of_string(&mut self) -> Option<String> {
        let start = self
            .text
            .as_bytes()
            .get(..self.at)?
            .iter()
            .rposition(|byte| *byte == b'"')?;
        while self.byte()? == b'\\' {
            self.at = self.stops.next(self.at + 2);
        }
        self.token_here(b'"')?;
        serde_json::from_str(self.text.get(start..self.at)?).ok()
    }

    /// Reads a number without fraction and exponent (RFC 8259 §6).
    fn whole_number(&mut self) -> Option<&'b str> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        let first = self.byte();
        let digits_start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        let is_number = match self.at - digits_start {
            0 => false,
            1 => true,
            _ => first != Some(b'0'),
        };
        let is_whole = !matches!(self.byte(), Some(b'.' | b'e' | b'E'));
        self.text
            .get(start..self.at)
            .filter(|_| is_number && is_whole)
    }

    fn word(&mut self, word: &'static str) -> Option<&'static str> {
        self.text.get(self.at..)?.starts_with(word).then(|| {
            self.at += word.len();
            word
        })
    }

    /// Skips white space, and moves past this byte if it is next.
    fn token(&mut self, token: u8) -> Option<()> {
        self.skip_spaces();
        self.token_here(token)
    }

    fn token_here(&mut self, token: u8) -> Option<()> {
        (self.byte() == Some(token)).then(|| self.at += 1)
    }

    fn next_visible(&mut self) -> Option<u8> {
        self.skip_spaces();
        self.byte()
    }

    /// Skips white space (RFC 8259 §2) other than the line end.
    fn skip_spaces(&mut self) {
        while let Some(b' ' | b'\t') = self.byte() {
            self.at += 1;
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}
