//! Lines above a header: a line that names the delimiter, titles, dates and comments. Suggests a
//! later line if the first record is no header.

use memchr::memchr2;

use crate::input::bytes::dialect::{Delimiter, Dialect};
use crate::input::csv::first_record::first_record;
use crate::input::mapping::header::LINES_MAX;
use crate::input::mapping::loose_names::known_names;
use crate::input::options::InputRules;

/// The start of a first line that names the delimiter.
const SEP: &[u8] = b"sep=";

/// Returns the delimiter that a first line such as `sep=;` names. Excel writes and reads such
/// lines.
pub(crate) fn delimiter_line(head: &[u8]) -> Option<Delimiter> {
    let (line, _) = split_line(head);
    let line = line
        .strip_prefix(b"\"")
        .and_then(|line| line.strip_suffix(b"\""))
        .unwrap_or(line);
    match line.split_at_checked(SEP.len())? {
        (sep, [delimiter]) if sep.eq_ignore_ascii_case(SEP) => {
            Delimiter::new(char::from(*delimiter)).ok()
        }
        _ => None,
    }
}

/// Returns how many lines below the first line the first one with known names is.
pub(crate) fn header_below(text: &[u8], rules: &InputRules) -> Option<u64> {
    let mut best = (0, None);
    let (_, mut rest) = split_line(text);
    for below in 1..=LINES_MAX {
        let (line, behind) = split_line(rest);
        let delimiters = rules
            .delimiter
            .map_or(Delimiter::USUAL.to_vec(), |delimiter| vec![delimiter]);
        let known = delimiters
            .into_iter()
            .map(|delimiter| known_by(line, delimiter, rules))
            .max()
            .unwrap_or_default();
        if known > best.0 {
            best = (known, u64::try_from(below).ok());
        }
        rest = behind;
    }
    best.1
}

/// Returns the delimiter that gives the most known names in a header without any.
pub(crate) fn likely_delimiter(
    header: &[u8],
    dialect: Dialect,
    rules: &InputRules,
) -> Option<Delimiter> {
    let others = Delimiter::USUAL
        .into_iter()
        .chain(Delimiter::UNUSUAL)
        .filter(|other| *other != dialect.delimiter);
    let known = others.map(|other| (known_by(header, other, rules), other));
    let (known, delimiter) = known.max_by_key(|(known, _)| *known)?;
    (known > 0).then_some(delimiter)
}

/// Counts the known names in a line.
fn known_by(line: &[u8], delimiter: Delimiter, rules: &InputRules) -> usize {
    // Quotes are read, so that they hide no name.
    let dialect = Dialect::quoted(delimiter);
    known_names(&first_record(line, dialect), &rules.mapping)
}

/// Returns the first line of a text, and the text after its line end.
fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    let Some((line, behind)) = memchr2(b'\r', b'\n', text).and_then(|at| text.split_at_checked(at))
    else {
        return (text, &[]);
    };
    match behind {
        [b'\r', b'\n', behind @ ..] | [_, behind @ ..] => (line, behind),
        [] => (line, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_a_delimiter() {
        let check = |head: &str, want: Option<u8>| {
            assert_eq!(
                delimiter_line(head.as_bytes()).map(Delimiter::byte),
                want,
                "{head:?}"
            );
        };
        for head in ["sep=;\nid;job\n", "sep=;\r\nid;job", "\"sep=;\"\r", "SEP=;"] {
            check(head, Some(b';'));
        }
        check("sep=\t\nid\tjob\n", Some(b'\t'));
        for head in [
            "",
            "sep=",
            "sep=\n",
            "sep=;;\n",
            "sep=x\n",
            "step=;\n",
            "name;\n",
            "\nsep=;\n",
        ] {
            check(head, None);
        }
    }

    #[test]
    fn the_line_with_most_known_names_looks_like_a_header() {
        let check = |text: &str, want: Option<u64>| {
            assert_eq!(
                header_below(text.as_bytes(), &InputRules::default()),
                want,
                "{text:?}"
            );
        };
        check(
            "Customers,,\n\"Generated: \"\"today\"\"\nid,first_name,job\n1,a,b\n",
            Some(2),
        );
        check("Customers\r\n\r\nid;first_name;job\r\n", Some(2));
        check("job\nID,Job\nid,job\n", Some(1));
        check("17,liu\n18,lou\n", None);
        let far = |lines: usize| format!("{}id,job\n", "x\n".repeat(lines));
        check(&far(20), Some(20));
        check(&far(21), None);
    }
    #[test]
    fn the_delimiter_that_gives_most_known_names_is_likely() {
        let check = |header: &str, want: Option<u8>| {
            let dialect = Dialect::quoted(Delimiter::COMMA);
            let found = likely_delimiter(header.as_bytes(), dialect, &InputRules::default());
            assert_eq!(found.map(Delimiter::byte), want, "{header}");
        };
        check("id;job;email\n", Some(b';'));
        check("id:first_name:job\n", Some(b':'));
        check("a;id:first_name:job\n", Some(b':'));
        check("nr;name\n", None);
        // The one in use gives none that another one would not.
        check("nr,id\n", None);
    }
}
