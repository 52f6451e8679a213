//! Reads pages: their tags, drawings and tables, and the colours of the style sheet.

use std::collections::{BTreeMap, BTreeSet};

use quick_xml::Reader;
use quick_xml::events::Event;

/// A tag that begins an element, and the text behind it.
#[derive(Debug)]
pub(super) struct Tag<'a> {
    pub(super) name: &'a str,
    pub(super) attributes: Vec<(&'a str, &'a str)>,
    pub(super) text: &'a str,
}

impl<'a> Tag<'a> {
    pub(super) fn value(&self, name: &str) -> Option<&'a str> {
        let found = self
            .attributes
            .iter()
            .find(|(attribute, _)| *attribute == name);
        found.map(|(_, value)| *value)
    }
}

/// Returns the tags that begin elements. Text holds no `<`, and values hold no quotes, since both
/// are escaped.
pub(super) fn tags(page: &str) -> impl Iterator<Item = Tag<'_>> {
    let parts = page
        .split('<')
        .skip(1)
        .filter(|part| !part.starts_with('/'));
    parts.map(|part| {
        let (tag, text) = part.split_once('>').expect("a tag ends");
        let tag = tag.strip_suffix('/').unwrap_or(tag);
        let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut attributes = Vec::new();
        while let Some((attribute, behind)) = rest.split_once("=\"") {
            let (value, behind) = behind.split_once('"').expect("a value ends");
            attributes.push((attribute.trim(), value));
            rest = behind;
        }
        Tag {
            name,
            attributes,
            text,
        }
    })
}

/// Returns the outermost drawings of a page.
pub(super) fn svgs(page: &str) -> Vec<&str> {
    let (mut found, mut depth, mut begin) = (Vec::new(), 0, 0);
    for (at, _) in page.match_indices('<') {
        let rest = &page[at..];
        if rest.starts_with("<svg ") {
            begin = if depth == 0 { at } else { begin };
            depth += 1;
        } else if rest.starts_with("</svg>") {
            depth -= 1;
            if depth == 0 {
                found.push(&page[begin..at + "</svg>".len()]);
            }
        }
    }
    assert_eq!(depth, 0, "each drawing ends");
    found
}

/// Checks that a drawing is XML: each element ends, no attribute is there twice, and only XML's own
/// entities are used.
pub(super) fn check_xml(svg: &str) {
    let mut reader = Reader::from_str(svg);
    let mut depth = 0;
    loop {
        match reader
            .read_event()
            .unwrap_or_else(|error| panic!("{error}: {svg}"))
        {
            Event::Eof => break,
            Event::Start(tag) => {
                depth += 1;
                tag.attributes()
                    .for_each(|attribute| drop(attribute.unwrap()));
            }
            Event::Empty(tag) => tag
                .attributes()
                .for_each(|attribute| drop(attribute.unwrap())),
            Event::End(_) => depth -= 1,
            Event::GeneralRef(entity) => {
                let known = ["amp", "lt", "gt", "quot"];
                assert!(known.contains(&entity.as_ref()), "{svg}");
            }
            Event::Text(_) => {}
            other => panic!("{other:?} in {svg}"),
        }
    }
    assert_eq!(depth, 0, "{svg}");
}

/// A table: its head, and its rows with their heads.
#[derive(Debug)]
pub(super) struct Table {
    head: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    fn column(&self, name: &str) -> usize {
        let found = self.head.iter().position(|head| head == name);
        found.unwrap_or_else(|| panic!("no {name} in {:?}", self.head))
    }

    /// Returns the sum of a column without the last row if that is the sum.
    pub(super) fn sum(&self, name: &str) -> u64 {
        let column = self.column(name);
        let rows = self.rows.iter().filter(|row| row[0] != "sum");
        rows.map(|row| row[column].replace(',', "").parse::<u64>().unwrap())
            .sum()
    }

    /// Returns the cell of the last row.
    pub(super) fn last(&self, name: &str) -> &str {
        &self.rows.last().unwrap()[self.column(name)]
    }
}

/// Returns the tables of a page by their labels.
pub(super) fn tables(page: &str) -> BTreeMap<String, Table> {
    let boxes = page.split("<div class=\"wide\"").skip(1);
    let mut tables = BTreeMap::new();
    for one in boxes {
        let (tag, rest) = one.split_once('>').unwrap();
        let label = tag
            .split("aria-label=\"")
            .nth(1)
            .unwrap()
            .trim_end_matches('"');
        let (table, _) = rest.split_once("</table>").unwrap();
        let mut rows: Vec<Vec<String>> = table.split("<tr>").skip(1).map(cells).collect();
        let head = rows.remove(0);
        let is_new = tables
            .insert(label.to_owned(), Table { head, rows })
            .is_none();
        assert!(is_new, "{label} is there twice");
    }
    tables
}

/// Returns the texts of the cells of a row.
fn cells(row: &str) -> Vec<String> {
    let row = row.replace("<th ", "<td ");
    let cells = row.split("<td").skip(1);
    let text = |cell: &str| {
        let (_, cell) = cell.split_once('>').unwrap();
        let parts = cell.split('<').enumerate();
        let parts = parts.filter_map(|(n, part)| {
            if n == 0 {
                Some(part)
            } else {
                part.split_once('>').map(|(_, text)| text)
            }
        });
        parts.collect::<String>().trim().to_owned()
    };
    cells.map(text).collect()
}

/// Returns the names of the classes that a style sheet knows.
pub(super) fn css_classes(css: &str) -> BTreeSet<String> {
    let mut classes = BTreeSet::new();
    for selectors in css
        .split('}')
        .filter_map(|rule| rule.rsplit_once('{'))
        .map(|(before, _)| before)
    {
        let selectors = selectors.rsplit('{').next().unwrap();
        for part in selectors.split('.').skip(1) {
            let is_name = |character: char| character.is_ascii_alphanumeric() || character == '-';
            let name: String = part
                .chars()
                .take_while(|character| is_name(*character))
                .collect();
            if name.starts_with(|character: char| character.is_ascii_alphabetic()) {
                classes.insert(name);
            }
        }
    }
    classes
}

/// Returns the colours of a style sheet by their names, for light and for dark screens.
pub(super) fn variables(css: &str) -> [BTreeMap<String, String>; 2] {
    let blocks: Vec<_> = css
        .split(":root {")
        .skip(1)
        .take(2)
        .map(|block| {
            let (block, _) = block.split_once('}').unwrap();
            let lines = block
                .split(';')
                .filter_map(|line| line.trim().strip_prefix("--"));
            let pairs = lines.map(|line| line.split_once(": ").unwrap());
            pairs
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        })
        .collect();
    blocks.try_into().expect("two blocks")
}

/// A colour: red, green and blue from 0 to 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rgb([f64; 3]);

/// Reads a colour such as `#1f2328` or `#fff`.
pub(super) fn rgb(text: &str) -> Rgb {
    let digits = text.strip_prefix('#').unwrap();
    let all: String = match digits.len() {
        3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
        _ => digits.to_owned(),
    };
    Rgb([0, 2, 4].map(|at| f64::from(u8::from_str_radix(&all[at..at + 2], 16).unwrap()) / 255.0))
}

impl Rgb {
    /// Returns the contrast to another colour, from 1 to 21.
    pub(super) fn contrast(self, other: Rgb) -> f64 {
        let [one, other] = [self, other].map(Rgb::luminance);
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|part| {
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}
