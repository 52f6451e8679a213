//! The XML of a part, element by element, in constant memory. No item may be longer than a cell can
//! be, and elements may not be nested deeper than in any workbook. Documents with a type
//! declaration are refused, because entities can expand without limit.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use quick_xml::XmlVersion;
use quick_xml::encoding::DecodingReader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesDecl, BytesEnd, BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use super::fault::PartFault;

/// The longest tag, text or comment. A cell holds at most 32,767 characters, each at most 12 bytes
/// with its escape.
const EVENT_BYTES_MAX: usize = 1 << 20;
/// The deepest nesting of elements.
const DEPTH_MAX: usize = 64;
/// The capacity that the buffer keeps between two events.
const BUFFER_BYTES_KEPT: usize = 64 << 10;

/// A part's XML.
pub(crate) struct Xml<R: Read> {
    reader: Reader<Bounded<DecodingReader<BufReader<R>>>>,
    buffer: Vec<u8>,
    depth: usize,
    /// The part's name, safe to show.
    part: Arc<str>,
}

/// An item of a part.
pub(crate) enum Node<'x> {
    /// An element begins. An empty element ends at once.
    Start(BytesStart<'x>),
    /// An element ends.
    End {
        element: BytesEnd<'x>,
        /// The number of elements that are still open.
        depth: usize,
    },
    /// Text, with its escapes resolved. The text of one element may come in several pieces.
    Text(Cow<'x, str>),
    /// A comment or the like.
    Nothing,
    /// The part ends.
    EndOfPart,
}

/// A reader with a limit on the bytes that may be read at once.
struct Bounded<R> {
    reader: R,
    taken: usize,
}

impl<R: Read> Xml<R> {
    /// Returns a reader of XML in the part of this name.
    pub(crate) fn new(reader: R, part: &str) -> Xml<R> {
        let bounded = Bounded {
            reader: DecodingReader::new(BufReader::with_capacity(32 << 10, reader)),
            taken: 0,
        };
        let mut reader = Reader::from_reader(bounded);
        reader.config_mut().expand_empty_elements = true;
        Xml {
            reader,
            buffer: Vec::new(),
            depth: 0,
            part: part.into(),
        }
    }

    /// Returns the next item.
    pub(crate) fn next(&mut self) -> Result<Node<'_>, PartFault> {
        self.reader.get_mut().taken = 0;
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_BYTES_KEPT);
        let part = &self.part;
        let event = self
            .reader
            .read_event_into(&mut self.buffer)
            .map_err(|error| PartFault::of_xml(error, part))?;
        Ok(match event {
            Event::Start(_) if self.depth == DEPTH_MAX => {
                return Err(PartFault::unreadable(format!(
                    "{part}: its elements are nested more than {DEPTH_MAX} deep"
                )));
            }
            Event::Start(element) | Event::Empty(element) => {
                self.depth += 1;
                Node::Start(element)
            }
            Event::End(element) => {
                self.depth = self.depth.saturating_sub(1);
                Node::End {
                    element,
                    depth: self.depth,
                }
            }
            Event::Text(text) => Node::Text(text.xml10_content()),
            Event::CData(text) => Node::Text(text.xml10_content()),
            Event::GeneralRef(reference) => Node::Text(resolved(&reference, part)?),
            Event::DocType(_) => {
                return Err(PartFault::unreadable(format!(
                    "{part}: it has a document type declaration, as malicious files have"
                )));
            }
            Event::Decl(declaration) => {
                check_encoding(&declaration, part)?;
                Node::Nothing
            }
            Event::Comment(_) | Event::PI(_) => Node::Nothing,
            Event::Eof if self.depth > 0 => {
                return Err(PartFault::unreadable(format!("{part}: it ends too early")));
            }
            Event::Eof => Node::EndOfPart,
        })
    }

    /// Returns the number of elements that are open.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Reads to the end of the element that has just begun, and appends all its text to `text`.
    pub(crate) fn text(
        &mut self,
        text: &mut String,
        text_bytes_max: usize,
    ) -> Result<(), PartFault> {
        let outside = self.depth.saturating_sub(1);
        loop {
            match self.next()? {
                Node::End { depth, .. } if depth == outside => return Ok(()),
                Node::Text(piece) => text.push_str(&piece),
                Node::EndOfPart => return Ok(()),
                Node::Start(_) | Node::End { .. } | Node::Nothing => {}
            }
            if text.len() > text_bytes_max {
                return Err(PartFault::unreadable(format!(
                    "{}: a text has more than {text_bytes_max} bytes",
                    self.part
                )));
            }
        }
    }

    /// Reads an element of runs in the same way: only the text of `t`, and none of `rPh`.
    pub(crate) fn text_of_runs(
        &mut self,
        text: &mut String,
        text_bytes_max: usize,
    ) -> Result<(), PartFault> {
        let outside = self.depth.saturating_sub(1);
        loop {
            let is_text = match self.next()? {
                Node::Start(element) => match element.local_name().as_ref() {
                    "t" => true,
                    "rPh" => false,
                    _ => continue,
                },
                Node::End { depth, .. } if depth == outside => return Ok(()),
                Node::EndOfPart => return Ok(()),
                Node::End { .. } | Node::Text(_) | Node::Nothing => continue,
            };
            if is_text {
                self.text(text, text_bytes_max)?;
            } else {
                self.skip_element()?;
            }
        }
    }

    /// Skips to the end of the element that has just begun.
    pub(crate) fn skip_element(&mut self) -> Result<(), PartFault> {
        let outside = self.depth.saturating_sub(1);
        loop {
            match self.next()? {
                Node::End { depth, .. } if depth == outside => return Ok(()),
                Node::EndOfPart => return Ok(()),
                Node::Start(_) | Node::End { .. } | Node::Text(_) | Node::Nothing => {}
            }
        }
    }

    /// Returns the part's name, safe to show.
    pub(crate) fn part(&self) -> Arc<str> {
        Arc::clone(&self.part)
    }
}

/// Resolves a character reference. Only those of XML itself need no declaration.
fn resolved<'x>(reference: &BytesRef<'_>, part: &str) -> Result<Cow<'x, str>, PartFault> {
    if let Some(character) = reference
        .resolve_char_ref()
        .map_err(|error| PartFault::of_xml(error, part))?
    {
        return Ok(Cow::Owned(character.to_string()));
    }
    match resolve_predefined_entity(&reference.xml10_content()) {
        Some(text) => Ok(Cow::Borrowed(text)),
        None => Err(PartFault::unreadable(format!(
            "{part}: it uses an undeclared entity"
        ))),
    }
}

/// Checks the encoding. Parts are UTF-8 or UTF-16 (ECMA-376 part 2 §6.1.4), which their first bytes
/// show.
fn check_encoding(declaration: &BytesDecl<'_>, part: &str) -> Result<(), PartFault> {
    let Some(Ok(encoding)) = declaration.encoding() else {
        return Ok(());
    };
    let encoding = encoding.to_ascii_lowercase();
    if matches!(encoding.as_str(), "utf-8" | "utf8" | "us-ascii" | "ascii")
        || encoding.starts_with("utf-16")
    {
        return Ok(());
    }
    Err(PartFault::unreadable(format!(
        "{part}: it is neither UTF-8 nor UTF-16"
    )))
}

/// Returns the attributes of an element by their names, without prefixes.
pub(crate) fn attributes<'x>(
    element: &'x BytesStart<'_>,
    part: &'x str,
) -> impl Iterator<Item = Result<(&'x str, Cow<'x, str>), PartFault>> {
    let mut attributes = element.attributes();
    attributes.with_checks(false);
    attributes.map(move |attribute| {
        let attribute: Attribute<'x> =
            attribute.map_err(|error| PartFault::of_xml(quick_xml::Error::from(error), part))?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| PartFault::of_xml(error, part))?;
        let (_, name) = attribute
            .key
            .0
            .rsplit_once(':')
            .unwrap_or(("", attribute.key.0));
        Ok((name, value))
    })
}

/// Whether an attribute of XML Schema's boolean type is true.
pub(crate) fn is_true(value: &str) -> bool {
    matches!(value.trim(), "1" | "true")
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken > EVENT_BYTES_MAX {
            return Err(io::Error::other(format!(
                "a tag or text in it has more than {EVENT_BYTES_MAX} bytes"
            )));
        }
        self.reader.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.taken += count;
        self.reader.consume(count);
    }
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut ready = self.fill_buf()?;
        let count = ready.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the part as a list of its items, or its fault.
    fn read(bytes: &[u8]) -> String {
        let mut xml = Xml::new(bytes, "part");
        let mut seen = String::new();
        loop {
            match xml.next() {
                Ok(Node::Start(element)) => seen.extend(["<", element.local_name().as_ref(), ">"]),
                Ok(Node::End { .. }) => seen += "</>",
                Ok(Node::Text(text)) => seen += &text,
                Ok(Node::Nothing) => {}
                Ok(Node::EndOfPart) => return seen,
                Err(PartFault::Unreadable(reason)) => return reason,
                Err(fault) => return format!("{fault:?}"),
            }
        }
    }

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn what_a_part_holds_is_read_whatever_it_is_encoded_in() {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-16\"?><x:a><b/>Zo\u{eb} &amp; &#x1F600;<!-- c --><![CDATA[<d>]]></x:a>";
        let want = "<a><b></>Zo\u{eb} & \u{1f600}<d></>";
        let utf8 = text.replace("UTF-16", "UTF-8");
        assert_eq!(read(utf8.as_bytes()), want);
        assert_eq!(read(&[b"\xef\xbb\xbf", utf8.as_bytes()].concat()), want);
        assert_eq!(
            read(&utf16(&format!("\u{feff}{text}"), u16::to_le_bytes)),
            want
        );
        assert_eq!(
            read(&utf16(&format!("\u{feff}{text}"), u16::to_be_bytes)),
            want
        );
        assert_eq!(read(&utf16(text, u16::to_le_bytes)), want);
    }

    #[test]
    fn what_is_made_to_do_harm_is_refused() {
        let check = |text: &str, want: &str| {
            let said = read(text.as_bytes());
            assert!(said.contains(want), "{said}");
        };
        check(
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
            "part: it has a document type declaration",
        );
        check("<a>&b;</a>", "part: it uses an undeclared entity");
        check(
            &"<a>".repeat(100),
            "part: its elements are nested more than 64 deep",
        );
        check(
            &format!("<a b=\"{}\"/>", "x".repeat(2 << 20)),
            "part: a tag or text in it has more than 1048576 bytes",
        );
        check(
            &format!("<a>{}</a>", "x".repeat(2 << 20)),
            "more than 1048576 bytes",
        );
        check("<a><b></b>", "part: ");
        check("<a></b>", "part: ");
        check(
            "<?xml version=\"1.0\" encoding=\"windows-1252\"?><a/>",
            "part: it is neither UTF-8 nor UTF-16",
        );
        assert!(read(b"<a>\xff</a>").starts_with("part: "));
    }
}
