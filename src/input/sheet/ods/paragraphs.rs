//! The text of a cell: its paragraphs, joined by line breaks. Comments, drawings and the reading aids
//! of Japanese text are not part of it.

use std::borrow::Cow;
use std::io::Read;

use crate::input::sheet::fault::PartFault;
use crate::input::sheet::texts::TEXT_BYTES_MAX;
use crate::input::sheet::xml::{Node, Xml, attributes};

/// Elements within a cell or paragraph that are not part of its text: comments, notes, phonetic
/// hints and drawings.
const NOT_TEXT: [&str; 22] = [
    "annotation",
    "annotation-end",
    "note",
    "ruby-text",
    "script",
    "frame",
    "g",
    "custom-shape",
    "rect",
    "line",
    "polyline",
    "polygon",
    "regular-polygon",
    "path",
    "circle",
    "ellipse",
    "connector",
    "caption",
    "measure",
    "control",
    "page-thumbnail",
    "scene",
];
/// The white space in XML.
const WHITE_SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// The text in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct CellText {
    /// The number of paragraphs. They may be empty.
    pub(super) paragraphs: usize,
    /// Whether there is text outside of a paragraph.
    pub(super) has_stray_text: bool,
}

/// The meaning of an element in a paragraph.
enum Inline {
    Spaces(usize),
    Tab,
    LineBreak,
    /// Its own text.
    Itself,
    Nothing,
}

/// A paragraph that is being read.
struct Paragraph<'t> {
    text: &'t mut String,
    /// The place of its first byte.
    start: usize,
    /// Whether white space with a line break precedes, which stands for one space between words.
    has_break: bool,
}

/// Reads to the end of the cell that has just begun, and appends its text to `text`.
pub(super) fn read<R: Read>(xml: &mut Xml<R>, text: &mut String) -> Result<CellText, PartFault> {
    let outside = xml.depth().saturating_sub(1);
    let start = text.len();
    let mut found = CellText::default();
    loop {
        let is_paragraph = match xml.next()? {
            Node::Start(element) => match element.local_name().as_ref() {
                "p" | "h" => true,
                // The paragraphs of a list are below its items.
                "list" | "list-header" | "list-item" | "section" => continue,
                _ => false,
            },
            Node::End { depth, .. } if depth == outside => return Ok(found),
            Node::EndOfPart => return Ok(found),
            Node::Text(piece) => {
                found.has_stray_text |= !piece.trim().is_empty();
                continue;
            }
            Node::End { .. } | Node::Nothing => continue,
        };
        if !is_paragraph {
            xml.skip_element()?;
            continue;
        }
        if found.paragraphs > 0 {
            text.push('\n');
        }
        found.paragraphs += 1;
        read_paragraph(xml, text, start)?;
        check_size(text.len() - start, &xml.part())?;
    }
}

/// Reads to the end of the paragraph that has just begun. `cell_start` is the place of the first byte
/// of its cell.
fn read_paragraph<R: Read>(
    xml: &mut Xml<R>,
    text: &mut String,
    cell_start: usize,
) -> Result<(), PartFault> {
    let outside = xml.depth().saturating_sub(1);
    let part = xml.part();
    let mut paragraph = Paragraph {
        start: text.len(),
        text,
        has_break: false,
    };
    loop {
        let inline = match xml.next()? {
            Node::Start(element) => match element.local_name().as_ref() {
                "s" => Inline::Spaces(spaces(attributes(&element, &part))?),
                "tab" => Inline::Tab,
                "line-break" => Inline::LineBreak,
                name if NOT_TEXT.contains(&name) => Inline::Nothing,
                _ => Inline::Itself,
            },
            Node::End { depth, .. } if depth == outside => return Ok(()),
            Node::EndOfPart => return Ok(()),
            Node::Text(piece) => {
                paragraph.push_piece(&piece);
                Inline::Itself
            }
            Node::End { .. } | Node::Nothing => Inline::Itself,
        };
        match inline {
            Inline::Spaces(count) => paragraph.push_characters(' ', count),
            Inline::Tab => paragraph.push_characters('\t', 1),
            Inline::LineBreak => paragraph.push_characters('\n', 1),
            Inline::Nothing => xml.skip_element()?,
            Inline::Itself => {}
        }
        check_size(paragraph.text.len() - cell_start, &part)?;
    }
}

fn check_size(text_bytes: usize, part: &str) -> Result<(), PartFault> {
    if text_bytes > TEXT_BYTES_MAX {
        return Err(PartFault::unreadable(format!(
            "{part}: a text has more than {TEXT_BYTES_MAX} bytes"
        )));
    }
    Ok(())
}

/// Returns the number of spaces that an element stands for, by default 1, but not more than make a
/// text too long.
fn spaces<'x>(
    attributes: impl Iterator<Item = Result<(&'x str, Cow<'x, str>), PartFault>>,
) -> Result<usize, PartFault> {
    let mut count = 1;
    for attribute in attributes {
        if let ("c", value) = attribute? {
            count = value.trim().parse().map_err(|_error| {
                PartFault::unreadable("a text has an invalid number of spaces")
            })?;
        }
    }
    Ok(count.min(TEXT_BYTES_MAX + 1))
}

impl Paragraph<'_> {
    /// Adds a piece of text. White space with a line break is the layout of the XML: between words it
    /// stands for one space. Other spaces are as they are: the standard lets a reader join them, but
    /// `LibreOffice` writes them so.
    fn push_piece(&mut self, piece: &str) {
        if !piece.contains(['\t', '\r', '\n']) {
            self.push(piece);
            return;
        }
        let mut rest = piece;
        while !rest.is_empty() {
            let words = rest.trim_start_matches(WHITE_SPACE);
            let (space, _) = rest.split_at(rest.len() - words.len());
            if space.contains(['\t', '\r', '\n']) {
                self.has_break = true;
            } else {
                self.push(space);
            }
            let end = words.find(WHITE_SPACE).unwrap_or(words.len());
            let (word, behind) = words.split_at(end);
            self.push(word);
            rest = behind;
        }
    }

    fn push(&mut self, text: &str) {
        if !text.is_empty() {
            self.end_break();
            self.text.push_str(text);
        }
    }

    fn push_characters(&mut self, character: char, count: usize) {
        self.end_break();
        self.text.extend(std::iter::repeat_n(character, count));
    }

    fn end_break(&mut self) {
        if self.has_break && self.text.len() > self.start {
            self.text.push(' ');
        }
        self.has_break = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_cell_is_that_of_its_paragraphs() {
        let check = |cell: &str, want: &str| {
            let cell = format!("<cell>{cell}</cell>");
            let mut xml = Xml::new(cell.as_bytes(), "part");
            xml.next().expect("the cell begins");
            let mut text = String::new();
            let read = read(&mut xml, &mut text);
            let said = match read {
                Ok(CellText {
                    has_stray_text: true,
                    ..
                }) => "stray".to_owned(),
                Ok(found) => format!("{}: {text}", found.paragraphs),
                Err(PartFault::Unreadable(reason)) => reason,
                Err(fault) => format!("{fault:?}"),
            };
            assert_eq!(said, want, "{cell}");
        };
        check("", "0: ");
        check("<p/>", "1: ");
        check("<p>a</p><p/><text:p>b</text:p>", "3: a\n\nb");
        check(
            "<p><s/>a <s c=\"2\"/>b<tab/>c<line-break/> </p>",
            "1:  a   b\tc\n ",
        );
        check("<p>a  b </p>", "1: a  b ");
        check(
            "\n <p>\n  a\n  b <span>c</span>\n  <a>d</a>\n</p>\n",
            "1: a b c d",
        );
        check("<p>a<annotation><p>no</p></annotation>b</p>", "1: ab");
        check(
            "<annotation><p>no</p></annotation><p>a</p><frame><p>no</p></frame>",
            "1: a",
        );
        check(
            "<p><ruby><ruby-base>a</ruby-base><ruby-text>b</ruby-text></ruby></p>",
            "1: a",
        );
        check("<p>a<note><p>b</p></note></p>", "1: a");
        check(
            "<list><list-item><p>a</p></list-item><list-item><p>b</p></list-item></list>",
            "2: a\nb",
        );
        check("<p>a &amp; <![CDATA[<b>]]>&#10;</p>", "1: a & <b>");
        check("a<p>b</p>", "stray");
        check("<table><p>no</p></table>", "0: ");
        check(
            "<p><s c=\"99999999999\"/></p>",
            "part: a text has more than 262144 bytes",
        );
        check(
            "<p><s c=\"-1\"/></p>",
            "a text has an invalid number of spaces",
        );
    }
}
