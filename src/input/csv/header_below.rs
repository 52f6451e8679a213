//! What stands above a header, and where the header is if the first record is none: a line that names the delimiter, titles, dates
//! and comments.

use memchr::memchr2;

use crate::input::bytes::dialect::{Delimiter, Dialect};
use crate::input::csv::first_record::first_record;
use crate::input::mapping::header::LINES_MAX;
use crate::input::mapping::loose_names::known_names;
use crate::input::options::InputRules;

/// What a first line that names the delimiter begins with.
const SEP: &[u8] = b"sep=";

/// The delimiter that a first line names, as in `sep=;`, which Excel writes and reads.
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

/// How many lines below the first line of a text one stands that looks like a header: it holds names that are known.
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

/// The delimiter by which a header that names nothing would name most.
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

/// How many names of a line are known.
fn known_by(line: &[u8], delimiter: Delimiter, rules: &InputRules) -> usize {
    // A quote in doubt hides no name.
    let dialect = Dialect::quoted(delimiter);
    known_names(&first_record(line, dialect), &rules.mapping)
}

/// The first line of a text, and what comes behind its line end.
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
}
