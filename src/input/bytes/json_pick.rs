//! Picks the array at a [`JsonPath`] out of a JSON object. All bytes around the array's elements
//! become blanks, so that lines keep their numbers, and what is left is read as an array is. The text
//! around the array is checked for being JSON (RFC 8259) and not kept, so that memory is bounded.

use std::io::{self, Read};

use memchr::memchr2;

use crate::input::bytes::json_path::{JsonPath, JsonPathFault};
use crate::input::bytes::stream_fault::StreamFault;
use crate::input::bytes::{BYTE_ORDER_MARK, from};
use crate::text::is_same_name;

/// The most levels of objects and arrays around the array, as `serde_json` has.
const DEPTH_MAX: usize = 128;
/// The most bytes of a key, as it is written. A longer one is no name of the path.
const KEY_BYTES_MAX: usize = 4 << 10;

/// A reader of the array's elements, with blanks around them and the closing bracket behind them.
pub(crate) struct JsonPick<R> {
    reader: R,
    scan: Scan,
    /// The fault behind the bytes that were returned last.
    fault: Option<JsonPathFault>,
}

/// The state of the search.
struct Scan {
    path: JsonPath,
    /// Whether each name of the path was found.
    found: Vec<bool>,
    /// The number of names whose objects are open.
    inside: usize,
    /// The objects and arrays that are open.
    open: Vec<Container>,
    next: Next,
    token: Token,
    /// The current key as it is written, up to its largest size.
    key: Vec<u8>,
    /// Whether the next value is that of the path's next name.
    is_named: bool,
    /// The number of bytes so far of a byte order mark at the start; `None` behind it.
    mark: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    Object,
    Array,
}

/// The tokens that may come next, besides white space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The outermost object.
    Start,
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
    /// Nothing.
    End,
}

/// The token that the last byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    None,
    Text(Use, Escape),
    Number(Number),
    /// `true`, `false` or `null`, with the rest of it.
    Word(&'static [u8]),
    /// An element of the array, or what is between them.
    Elements {
        depth: usize,
        text: Option<Escape>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Key,
    Value,
}

/// The part of an escape in a text that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    None,
    Letter,
    /// So many hexadecimal digits.
    Digits(u8),
}

/// The part of a number (RFC 8259 §6) that was read last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Minus,
    Zero,
    Whole,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

impl Number {
    /// Returns the part that this byte adds, or `None` if it does not belong to the number.
    fn with(self, byte: u8) -> Option<Number> {
        use Number::{Exponent, ExponentDigits, ExponentSign, Fraction, Minus, Point, Whole, Zero};
        Some(match (self, byte) {
            (Minus, b'0') => Zero,
            (Minus, b'1'..=b'9') | (Whole, b'0'..=b'9') => Whole,
            (Zero | Whole, b'.') => Point,
            (Point | Fraction, b'0'..=b'9') => Fraction,
            (Zero | Whole | Fraction, b'e' | b'E') => Exponent,
            (Exponent, b'+' | b'-') => ExponentSign,
            (Exponent | ExponentSign | ExponentDigits, b'0'..=b'9') => ExponentDigits,
            _ => return None,
        })
    }

    fn is_whole(self) -> bool {
        match self {
            Number::Zero | Number::Whole | Number::Fraction | Number::ExponentDigits => true,
            Number::Minus | Number::Point | Number::Exponent | Number::ExponentSign => false,
        }
    }
}

impl<R: Read> JsonPick<R> {
    /// Returns a reader of the array in the text of `reader`, which is UTF-8.
    pub(crate) fn new(reader: R, path: JsonPath) -> JsonPick<R> {
        JsonPick {
            reader,
            scan: Scan::new(path),
            fault: None,
        }
    }
}

impl<R: Read> Read for JsonPick<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Some(fault) = &self.fault {
            return Err(StreamFault::JsonPath(fault.clone()).into());
        }
        if into.is_empty() {
            return Ok(0);
        }
        let count = self.reader.read(into)?;
        if count == 0 {
            self.fault = self.scan.fault_at_end();
            return match &self.fault {
                Some(fault) => Err(StreamFault::JsonPath(fault.clone()).into()),
                None => Ok(0),
            };
        }
        let read = into.get_mut(..count).unwrap_or_default();
        match self.scan.pass_all(read) {
            Ok(()) => Ok(count),
            // The bytes before the fault are returned first, so that its line is known.
            Err((at, fault)) if at > 0 => {
                self.fault = Some(fault);
                Ok(at)
            }
            Err((_, fault)) => {
                self.fault = Some(fault.clone());
                Err(StreamFault::JsonPath(fault).into())
            }
        }
    }
}

impl Scan {
    fn new(path: JsonPath) -> Scan {
        Scan {
            found: vec![false; path.names().len()],
            path,
            inside: 0,
            open: Vec::new(),
            next: Next::Start,
            token: Token::None,
            key: Vec::new(),
            is_named: false,
            mark: Some(0),
        }
    }

    /// Passes bytes of the text, and replaces them by what takes their place. Returns the place of a
    /// fault, too.
    fn pass_all(&mut self, bytes: &mut [u8]) -> Result<(), (usize, JsonPathFault)> {
        let mut at = 0;
        while let Some(rest) = bytes.get_mut(at..).filter(|rest| !rest.is_empty()) {
            let run = self.run(rest);
            let (run, behind) = rest.split_at_mut(run.min(rest.len()));
            at += run.len();
            if !matches!(self.token, Token::Elements { .. }) {
                run.fill(b' ');
            }
            if let Some(byte) = behind.first_mut() {
                *byte = self.pass(*byte).map_err(|fault| (at, fault))?;
                at += 1;
            }
        }
        Ok(())
    }

    /// Returns the number of bytes at the start that change nothing, as most in a text do.
    fn run(&self, bytes: &[u8]) -> usize {
        let in_text = |bytes: &[u8]| memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
        match self.token {
            Token::Elements {
                text: Some(Escape::None),
                ..
            } => in_text(bytes),
            Token::Elements { text: None, .. } => bytes
                .iter()
                .take_while(|byte| !matches!(byte, b'"' | b'[' | b']' | b'{' | b'}'))
                .count(),
            Token::Text(Use::Value, Escape::None) => {
                let run = bytes.get(..in_text(bytes)).unwrap_or_default();
                run.iter().take_while(|byte| **byte >= b' ').count()
            }
            Token::Text(..)
            | Token::Elements { .. }
            | Token::None
            | Token::Number(_)
            | Token::Word(_) => 0,
        }
    }

    /// Passes a byte of the text. Returns what takes its place.
    fn pass(&mut self, byte: u8) -> Result<u8, JsonPathFault> {
        if let Some(at) = self.mark.take()
            && from(BYTE_ORDER_MARK, at).first() == Some(&byte)
        {
            self.mark = Some(at + 1);
            return Ok(byte);
        }
        if let Token::Elements { depth, text } = self.token {
            self.pass_element(byte, depth, text);
            return Ok(byte);
        }
        self.pass_around(byte)?;
        Ok(if byte == b'\n' { b'\n' } else { b' ' })
    }

    /// Passes a byte of the array. Brackets and quotes are paired as in `blocks::array`, so that both
    /// find the same end.
    fn pass_element(&mut self, byte: u8, depth: usize, text: Option<Escape>) {
        let (depth, text) = match (text, byte) {
            (Some(Escape::None), b'"') => (depth, None),
            (Some(Escape::None), b'\\') => (depth, Some(Escape::Letter)),
            (Some(_), _) | (None, b'"') => (depth, Some(Escape::None)),
            (None, b'{' | b'[') => (depth + 1, None),
            (None, b']') if depth == 0 => {
                self.end_value();
                return;
            }
            (None, b'}' | b']') => (depth.saturating_sub(1), None),
            (None, _) => (depth, None),
        };
        self.token = Token::Elements { depth, text };
    }

    fn pass_around(&mut self, byte: u8) -> Result<(), JsonPathFault> {
        match self.token {
            Token::Text(of, escape) => return self.pass_text(byte, of, escape),
            Token::Word([first, rest @ ..]) if *first == byte => {
                self.token = Token::Word(rest);
                if rest.is_empty() {
                    self.end_value();
                }
                return Ok(());
            }
            Token::Word(_) => return Err(self.syntax()),
            Token::Number(number) => match number.with(byte) {
                Some(number) => {
                    self.token = Token::Number(number);
                    return Ok(());
                }
                None if number.is_whole() => self.end_value(),
                None => return Err(self.syntax()),
            },
            Token::None | Token::Elements { .. } => {}
        }
        match (self.next, byte) {
            (_, b' ' | b'\t' | b'\r' | b'\n') => Ok(()),
            (Next::Start, b'{') => self.begin(Container::Object),
            (Next::Start, b'[') => Err(JsonPathFault::IsArray),
            (Next::Start, _) => Err(JsonPathFault::NotAnObject(self.path.clone())),
            (Next::Key | Next::KeyOrEnd, b'"') => {
                self.key.clear();
                self.token = Token::Text(Use::Key, Escape::None);
                Ok(())
            }
            (Next::Colon, b':') => {
                self.next = Next::Value;
                Ok(())
            }
            (Next::CommaOrEnd, b',') => {
                self.next = match self.open.last() {
                    Some(Container::Array) => Next::Value,
                    Some(Container::Object) | None => Next::Key,
                };
                Ok(())
            }
            (Next::KeyOrEnd | Next::CommaOrEnd, b'}') => self.end(Container::Object),
            (Next::ValueOrEnd | Next::CommaOrEnd, b']') => self.end(Container::Array),
            (Next::Value | Next::ValueOrEnd, byte) => self.begin_value(byte),
            (Next::End, _) => Err(JsonPathFault::Behind),
            (Next::Key | Next::KeyOrEnd | Next::Colon | Next::CommaOrEnd, _) => Err(self.syntax()),
        }
    }

    fn pass_text(&mut self, byte: u8, of: Use, escape: Escape) -> Result<(), JsonPathFault> {
        let escape = match (escape, byte) {
            (Escape::None, b'"') => {
                self.token = Token::None;
                return match of {
                    Use::Key => self.end_key(),
                    Use::Value => {
                        self.end_value();
                        Ok(())
                    }
                };
            }
            (Escape::None, b'\\') => Escape::Letter,
            (Escape::Letter, b'u') => Escape::Digits(4),
            (Escape::None, b' '..)
            | (Escape::Letter, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')
            | (Escape::Digits(..=1), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => Escape::None,
            (Escape::Digits(left), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                Escape::Digits(left - 1)
            }
            (Escape::None | Escape::Letter | Escape::Digits(_), _) => return Err(self.syntax()),
        };
        if of == Use::Key && self.key.len() <= KEY_BYTES_MAX {
            self.key.push(byte);
        }
        self.token = Token::Text(of, escape);
        Ok(())
    }

    /// Returns the path's name that a key of the innermost object may be, if this object is on the
    /// path.
    fn awaited(&self) -> Option<&str> {
        let is_on_path = self.open.len() == self.inside + 1;
        let name = self.path.names().get(self.inside);
        name.filter(|_| is_on_path).map(String::as_str)
    }

    fn end_key(&mut self) -> Result<(), JsonPathFault> {
        self.next = Next::Colon;
        let is_key = |name: &str| {
            let quoted = [b"\"", self.key.as_slice(), b"\""].concat();
            let key = serde_json::from_slice::<String>(&quoted);
            key.is_ok_and(|key| is_same_name(&key, name))
        };
        let Some(name) = self
            .awaited()
            .filter(|name| is_key(name))
            .map(str::to_owned)
        else {
            return Ok(());
        };
        self.is_named = true;
        let found = self.found.get_mut(self.inside);
        match found.map(|found| std::mem::replace(found, true)) {
            Some(false) => Ok(()),
            Some(true) | None => Err(JsonPathFault::Twice(name)),
        }
    }

    fn begin_value(&mut self, byte: u8) -> Result<(), JsonPathFault> {
        if std::mem::take(&mut self.is_named) {
            return self.begin_named(byte);
        }
        self.token = match byte {
            b'{' => return self.begin(Container::Object),
            b'[' => return self.begin(Container::Array),
            b'"' => Token::Text(Use::Value, Escape::None),
            b'-' => Token::Number(Number::Minus),
            b'0' => Token::Number(Number::Zero),
            b'1'..=b'9' => Token::Number(Number::Whole),
            b't' => Token::Word(b"rue"),
            b'f' => Token::Word(b"alse"),
            b'n' => Token::Word(b"ull"),
            _ => return Err(self.syntax()),
        };
        Ok(())
    }

    /// Begins the value of a name of the path.
    fn begin_named(&mut self, byte: u8) -> Result<(), JsonPathFault> {
        let is_last = self.inside + 1 == self.path.names().len();
        let name = || self.path.names().get(self.inside).cloned();
        match (is_last, byte) {
            (true, b'[') => {
                let (depth, text) = (0, None);
                self.token = Token::Elements { depth, text };
                Ok(())
            }
            (true, _) => Err(JsonPathFault::NotAnArray(name().unwrap_or_default())),
            (false, b'{') => {
                self.inside += 1;
                self.begin(Container::Object)
            }
            (false, _) => Err(JsonPathFault::NoInnerObject(name().unwrap_or_default())),
        }
    }

    fn begin(&mut self, container: Container) -> Result<(), JsonPathFault> {
        if self.open.len() == DEPTH_MAX {
            return Err(JsonPathFault::TooDeep {
                path: self.path.clone(),
                depth_max: DEPTH_MAX,
            });
        }
        self.open.push(container);
        self.next = match container {
            Container::Object => Next::KeyOrEnd,
            Container::Array => Next::ValueOrEnd,
        };
        Ok(())
    }

    fn end(&mut self, container: Container) -> Result<(), JsonPathFault> {
        if self.open.last() != Some(&container) {
            return Err(self.syntax());
        }
        if let Some(name) = self.awaited() {
            if self.found.get(self.inside) != Some(&true) {
                return Err(JsonPathFault::NoKey(name.to_owned()));
            }
            self.inside = self.inside.saturating_sub(1);
        }
        self.open.pop();
        self.end_value();
        Ok(())
    }

    fn end_value(&mut self) {
        self.token = Token::None;
        self.next = if self.open.is_empty() {
            Next::End
        } else {
            Next::CommaOrEnd
        };
    }

    fn syntax(&self) -> JsonPathFault {
        JsonPathFault::Syntax(self.path.clone())
    }

    /// Returns the fault of a text that ends here. An array that does not end is found where the array
    /// is read.
    fn fault_at_end(&self) -> Option<JsonPathFault> {
        match (self.next, self.token) {
            (_, Token::Elements { .. }) | (Next::End, _) => None,
            (Next::Start, _) => Some(JsonPathFault::Empty),
            (_, _) => Some(JsonPathFault::CutOff),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that gives a few bytes at a time.
    struct Pieces<'t>(&'t [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(into.len()).min(self.0.len());
            let (piece, rest) = self.0.split_at(count);
            into[..count].copy_from_slice(piece);
            self.0 = rest;
            Ok(count)
        }
    }

    /// Returns what is picked, and the fault behind it, which are the same in pieces of any size.
    fn picked(text: &str, path: &str) -> (String, Option<JsonPathFault>) {
        let path: JsonPath = path.parse().expect("a path");
        let read = |size: usize| {
            let mut pick = JsonPick::new(Pieces(text.as_bytes(), size), path.clone());
            let mut found = Vec::new();
            let fault = pick.read_to_end(&mut found).err().map(|error| {
                match error.downcast::<StreamFault>() {
                    Ok(StreamFault::JsonPath(fault)) => fault,
                    other => panic!("another fault: {other:?}"),
                }
            });
            (String::from_utf8(found).expect("UTF-8"), fault)
        };
        let whole = read(usize::MAX);
        for size in [1, 3] {
            assert_eq!(read(size), whole, "{text}");
        }
        whole
    }

    fn check(text: &str, path: &str, want: &str) {
        let (found, fault) = picked(text, path);
        assert_eq!((found.trim_matches(' '), fault), (want, None), "{text}");
        assert_eq!(found.len(), text.len(), "{text}: places are kept");
    }

    #[test]
    fn the_array_alone_is_left() {
        check("{\"data\":[]}", "data", "]");
        check("{\"data\":[1,2]}", "data", "1,2]");
        check(
            "{\"data\":[{\"a\":\"]}\\\"[\"}]}",
            "data",
            "{\"a\":\"]}\\\"[\"}]",
        );
        check(
            "{\"data\":[[1],{\"b\":[2]}] , \"x\":[3]}",
            "data",
            "[1],{\"b\":[2]}]",
        );
        check("{\"x\":{\"data\":[1]},\"data\":[2]}", "data", "2]");
        check("{\"x\":[{\"data\":[1]}],\"data\":[2]}", "data", "2]");
        check(
            "{\"r\":{\"n\":-0.5e+3,\"items\":[7],\"t\":true},\"items\":[8]}",
            "r.items",
            "7]",
        );
        check("{\"d\\u0061ta\":[1]}", "data", "1]");
        check("{\"o\u{308}\":[1]}", "\u{f6}", "1]");
        check("\u{feff}{\"data\":[1]}", "data", "\u{feff}         1]");
    }

    #[test]
    fn lines_are_kept() {
        assert_eq!(
            picked("{\n \"a\": 1,\r\n \"data\": [\n1\n]\n}\n", "data").0,
            " \n         \n          \n1\n]\n \n"
        );
    }

    #[test]
    fn what_is_not_there_is_named() {
        let path = || "data".parse::<JsonPath>().expect("a path");
        let check = |text: &str, want: JsonPathFault| {
            assert_eq!(picked(text, "data").1, Some(want), "{text}");
        };
        let name = || "data".to_owned();
        check(" \n", JsonPathFault::Empty);
        check("[1]", JsonPathFault::IsArray);
        check("id,job", JsonPathFault::NotAnObject(path()));
        check("{}", JsonPathFault::NoKey(name()));
        check("{\"x\":{\"data\":[]}}", JsonPathFault::NoKey(name()));
        check("{\"data\":{}}", JsonPathFault::NotAnArray(name()));
        check("{\"data\":null}", JsonPathFault::NotAnArray(name()));
        check("{\"data\":[],\"data\":[]}", JsonPathFault::Twice(name()));
        check("{\"data\":[]", JsonPathFault::CutOff);
        check("{\"data\":[]}{", JsonPathFault::Behind);
        check("{\"data\":[]}\n{\"data\":[]}", JsonPathFault::Behind);
        for text in [
            "{data:[]}",
            "{\"a\":01,\"data\":[]}",
            "{\"a\":1.,\"data\":[]}",
            "{\"a\":tru}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12g4\"}",
            "{\"a\":[1 2]}",
            "{\"a\":[1,]}",
            "{\"a\" 1}",
            "{,\"data\":[]}",
            "{\"data\":[],}",
            "{\"data\":[]]",
            "{\"data\":[] \"b\":1}",
        ] {
            check(text, JsonPathFault::Syntax(path()));
        }
        let deep = format!("{{\"a\":{}", "[".repeat(200));
        assert!(matches!(
            picked(&deep, "data").1,
            Some(JsonPathFault::TooDeep { .. })
        ));
        let inner = |text: &str| picked(text, "r.items").1;
        assert_eq!(
            inner("{\"r\":[]}"),
            Some(JsonPathFault::NoInnerObject("r".to_owned()))
        );
        assert_eq!(
            inner("{\"r\":{\"x\":1}}"),
            Some(JsonPathFault::NoKey("items".to_owned()))
        );
        assert_eq!(
            inner("{\"r\":{\"items\":[]},\"r\":{}}"),
            Some(JsonPathFault::Twice("r".to_owned()))
        );
    }

    /// The text around the array is taken for JSON if and only if `serde_json` takes it for JSON.
    #[test]
    fn a_strict_reader_agrees() {
        let tokens = [
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"data\"",
            "\"a\"",
            "1",
            "-1.5e3",
            "0",
            "true",
            "null",
            "\"\\n\"",
            " ",
            "\n",
            "[]",
            "{}",
            "\"data\":[1]",
            "\"a\":0",
        ];
        let mut random = 7_u64;
        let (mut agreed, mut good) = (0, 0);
        for _ in 0..200_000 {
            let mut text = "{".to_owned();
            for _ in 0..9 {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                text.push_str(tokens[(random >> 33) as usize % tokens.len()]);
                if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
                    break;
                }
            }
            let (found, fault) = picked_at_once(&text);
            let strict = serde_json::from_str::<serde_json::Value>(&text);
            match (strict, fault) {
                (Ok(value), None) => {
                    let array = format!("[{}", found.trim());
                    let picked = serde_json::from_str::<serde_json::Value>(&array);
                    assert_eq!(picked.ok().as_ref(), value.get("data"), "{text}");
                    good += 1;
                }
                (Ok(value), Some(JsonPathFault::NoKey(_))) => {
                    assert!(value.get("data").is_none(), "{text}");
                }
                (Ok(value), Some(JsonPathFault::NotAnArray(_))) => {
                    assert!(
                        !value["data"].is_array() || text.matches("data").count() > 1,
                        "{text}"
                    );
                }
                (Ok(_), Some(JsonPathFault::Twice(_))) => {
                    assert!(text.matches("data").count() > 1, "{text}");
                }
                (Ok(_), other) => panic!("{text}: {other:?}"),
                // Faults within the array are left to its reader.
                (Err(_), None) => assert!(found.trim() != "]", "{text}"),
                (Err(_), Some(_)) => agreed += 1,
            }
        }
        assert!(agreed > 10_000 && good > 100, "{agreed} {good}");
    }

    fn picked_at_once(text: &str) -> (String, Option<JsonPathFault>) {
        let path = "data".parse().expect("a path");
        let mut pick = JsonPick::new(text.as_bytes(), path);
        let mut found = String::new();
        let fault = pick.read_to_string(&mut found).err();
        let fault = fault.map(|error| match error.downcast::<StreamFault>() {
            Ok(StreamFault::JsonPath(fault)) => fault,
            other => panic!("another fault: {other:?}"),
        });
        (found, fault)
    }
}
