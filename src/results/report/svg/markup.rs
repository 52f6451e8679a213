//! Elements of HTML and SVG. Text gets into them only escaped.

use std::fmt::{self, Display, Write};

use crate::text::safe;

/// Markup that was built of elements. Names of elements and attributes are the program's own; all
/// other text is escaped, and characters that do not show what they are become visible.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Markup(String);

/// An attribute: its name, and its value, which is escaped.
pub(crate) type Attribute<'a> = (&'static str, &'a dyn Display);

impl Markup {
    /// Returns markup without elements.
    pub(crate) fn new() -> Markup {
        Markup::default()
    }

    /// Adds text.
    pub(crate) fn text(&mut self, text: impl Display) {
        write_to(&mut Escaping(&mut self.0), format_args!("{text}"));
    }

    /// Adds an element with content.
    pub(crate) fn element(
        &mut self,
        name: &'static str,
        attributes: &[Attribute<'_>],
        content: impl FnOnce(&mut Markup),
    ) {
        self.tag(name, attributes, ">");
        content(self);
        write_to(&mut self.0, format_args!("</{name}>"));
    }

    /// Adds an element of HTML whose end tag may be left out: a row or a cell of a table.
    pub(crate) fn cell(
        &mut self,
        name: &'static str,
        attributes: &[Attribute<'_>],
        content: impl FnOnce(&mut Markup),
    ) {
        self.tag(name, attributes, ">");
        content(self);
    }

    /// Adds such an element with text as its content.
    pub(crate) fn cell_with_text(
        &mut self,
        name: &'static str,
        attributes: &[Attribute<'_>],
        text: impl Display,
    ) {
        self.cell(name, attributes, |cell| cell.text(text));
    }

    /// Adds an element with text as its content.
    pub(crate) fn with_text(
        &mut self,
        name: &'static str,
        attributes: &[Attribute<'_>],
        text: impl Display,
    ) {
        self.element(name, attributes, |inner| inner.text(text));
    }

    /// Adds an element that has no content.
    pub(crate) fn leaf(&mut self, name: &'static str, attributes: &[Attribute<'_>]) {
        self.tag(name, attributes, "/>");
    }

    /// Adds text of the program itself as it is: a style sheet, or the line that declares HTML.
    pub(crate) fn verbatim(&mut self, text: &'static str) {
        self.0.push_str(text);
    }

    /// Returns its size in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.0.len()
    }

    /// Returns the text of the markup.
    pub(crate) fn into_string(self) -> String {
        self.0
    }

    fn tag(&mut self, name: &'static str, attributes: &[Attribute<'_>], end: &'static str) {
        write_to(&mut self.0, format_args!("<{name}"));
        for (attribute, value) in attributes {
            write_to(&mut self.0, format_args!(" {attribute}=\""));
            write_to(&mut Escaping(&mut self.0), format_args!("{value}"));
            self.0.push('"');
        }
        self.0.push_str(end);
    }
}

/// A writer that escapes.
struct Escaping<'a>(&'a mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in safe(text).chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                other => self.0.push(other),
            }
        }
        Ok(())
    }
}

fn write_to(to: &mut impl Write, text: fmt::Arguments<'_>) {
    to.write_fmt(text).expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_values_are_escaped() {
        let mut markup = Markup::new();
        markup.element("p", &[("title", &"\"><script>&'")], |p| {
            p.text("a<b & \u{202e}c\n\0");
            p.leaf("br", &[]);
        });
        assert_eq!(
            markup.into_string(),
            "<p title=\"&quot;&gt;&lt;script&gt;&amp;'\">a&lt;b &amp; \\u{202e}c\\n\\u{0}<br/></p>"
        );
    }
}
