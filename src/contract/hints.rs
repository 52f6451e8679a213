//! Messages for invalid values that say how to fix the file. They show at most the outline of a
//! value, never the value.

use std::borrow::Cow;

use crate::text::{is_invisible, trimmed};

use super::damage::{self, Damage};
use super::date;
use super::date_format::{DateFormat, read_by};
use super::email;

/// Excel's day numbers for dates from 1927 to 2064.
const EXCEL_SERIALS: std::ops::RangeInclusive<u32> = 10_000..=60_000;

/// `YYYY-MM-DD`
const DAY_BYTES: usize = 10;

/// The longest outline that a message shows.
const OUTLINE_BYTES_MAX: usize = 20;

/// Returns the message for bytes that are not UTF-8, with the encoding that they probably have.
pub(crate) fn not_utf_8(reads_as: Option<&'static str>) -> Cow<'static, str> {
    match reads_as {
        Some(encoding) => {
            format!("is not UTF-8; it looks like {encoding} (--encoding {encoding})").into()
        }
        None => "is not UTF-8 (--encoding sets another encoding)".into(),
    }
}

/// Returns the message for a text with an invisible character: its place and its code point.
fn invisible(text: &str) -> Option<String> {
    let first = |text: &str| text.chars().find(|character| is_invisible(*character));
    let (place, character) = match (first(trimmed(text)), first(text)) {
        (Some(inside), _) => ("", inside),
        (None, Some(around)) => (" around the value (--trim removes it)", around),
        (None, None) => return None,
    };
    let name = if character == '\u{feff}' {
        ", a byte order mark, as left by joining files"
    } else {
        ""
    };
    Some(format!(
        "holds an invisible character{place}: U+{:04X}{name}",
        u32::from(character)
    ))
}

/// Returns the message for text that is not a whole number.
pub(super) fn not_a_whole_number(text: &str) -> Cow<'static, str> {
    if let Some(invisible) = invisible(text) {
        return invisible.into();
    }
    if text.trim() != text {
        return "has spaces around the number (--trim removes them)".into();
    }
    match whole_part(text) {
        None if has_three_zeros(text) => {
            "is a whole number with three decimals, or has a point between thousands: write it without".into()
        }
        Some(_) => "is a whole number written with decimals (--allow decimals accepts decimals that are all zero)".into(),
        // A workbook's numbers have 15 digits, and longer ones are shortened.
        None => match damage::of(text) {
            Some(shortened @ Damage::Shortened) => shortened.message().into(),
            Some(_) | None => "is not a whole number".into(),
        },
    }
}

/// Returns the digits before the decimals of a number whose decimals are all zero. `1.000` is
/// excluded, since it may be a thousand.
pub(super) fn whole_part(text: &str) -> Option<&str> {
    let (whole, decimals) = text.split_once('.')?;
    (is_decimal(whole) && is_zero(decimals) && !has_three_zeros(text)).then_some(whole)
}

/// Whether text is one to three digits, a point and three zeros.
fn has_three_zeros(text: &str) -> bool {
    let whole = text
        .strip_suffix(".000")
        .map(|whole| whole.strip_prefix('-').unwrap_or(whole));
    whole.is_some_and(|whole| is_decimal(whole) && whole.len() <= 3)
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_zero(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|byte| byte == b'0')
}

/// Returns the message for text that is not an e-mail address.
pub(super) fn not_an_email(text: &str) -> Cow<'static, str> {
    if let Some(invisible) = invisible(text) {
        return invisible.into();
    }
    match email::parse(text.trim()) {
        Some(_) => "has spaces around the address (--trim removes them)".into(),
        None => "is not an e-mail address".into(),
    }
}

/// Returns the message for text that is not one of a field's words. It does not name the word that
/// comes close, which would reveal the value.
pub(super) fn none_of(words: &[&str], text: &str, field: &str) -> String {
    let mut message = format!("is not one of {}", words.join(", "));
    if let Some(invisible) = invisible(text) {
        return format!("{message}; {invisible}");
    }
    let trimmed = text.trim();
    let Some(word) = words
        .iter()
        .find(|word| is_same_in_lower_case(trimmed, word))
    else {
        return message;
    };
    let mut differences = Vec::new();
    if trimmed != *word {
        differences.push(format!(
            "differs from one of them only in case ([values.{field}] can map it)"
        ));
    }
    if trimmed != text {
        differences.push("has spaces around it (--trim removes them)".to_owned());
    }
    message.push_str("; ");
    message.push_str(&differences.join(" and "));
    message
}

/// Compares character by character, without allocation: a value may be long.
fn is_same_in_lower_case(text: &str, word: &str) -> bool {
    text.chars()
        .flat_map(char::to_lowercase)
        .eq(word.chars().flat_map(char::to_lowercase))
}

/// Returns the message for text that is not a date.
pub(super) fn not_a_date(text: &str, formats: &[DateFormat]) -> Cow<'static, str> {
    if let Some(invisible) = invisible(text) {
        return format!("is not a date: {invisible}").into();
    }
    let trimmed = text.trim();
    let has_spaces = trimmed != text;
    if has_spaces && (date::parse(trimmed).is_some() || read_by(formats, trimmed).is_some()) {
        return "has spaces around the date (--trim removes them)".into();
    }
    if date::has_form_of_day(trimmed) || formats.iter().any(|format| format.is_form_of(trimmed)) {
        return "is not a date: the calendar has no such day".into();
    }
    if let Some(message) = of_another_kind(trimmed) {
        return message;
    }
    let forms = if formats.is_empty() {
        "RFC 3339 or YYYY-MM-DD"
    } else {
        "RFC 3339, YYYY-MM-DD or a --date-format"
    };
    let spaces = if has_spaces {
        ", with spaces around it (--trim removes them)"
    } else {
        ""
    };
    match outline(trimmed) {
        Some(outline) => {
            let advice = if formats.is_empty() {
                advice_for(&outline)
            } else {
                ""
            };
            format!("is not a date: expected {forms}; it has the form {outline}{spaces}{advice}")
                .into()
        }
        None if formats.is_empty() => {
            format!("is not a date: expected {forms} (--date-format adds other forms)").into()
        }
        None => format!("is not a date: expected {forms}").into(),
    }
}

/// Returns the message for a date in a form that other programs use.
fn of_another_kind(text: &str) -> Option<Cow<'static, str>> {
    if let Some(message) = time_without_offset(text) {
        return Some(message.into());
    }
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let is_number = is_decimal(whole) && is_decimal(decimals);
    let is_serial = whole
        .parse()
        .is_ok_and(|days: u32| EXCEL_SERIALS.contains(&days));
    match whole.len() {
        5 if is_number && is_serial && unsigned.len() == text.len() => Some(
            "is an Excel day number, not a date: format the column as a date and export again"
                .into(),
        ),
        9 | 10 if is_number => {
            Some("is a Unix time in seconds, not a date: use RFC 3339 or YYYY-MM-DD".into())
        }
        12 | 13 if is_number => {
            Some("is a Unix time in milliseconds, not a date: use RFC 3339 or YYYY-MM-DD".into())
        }
        _ => None,
    }
}

/// Returns the message for a date and time that lacks only an offset, or the colon in it, to be RFC
/// 3339.
fn time_without_offset(text: &str) -> Option<String> {
    let (day, rest) = text
        .split_at_checked(DAY_BYTES)
        .filter(|(day, _)| date::has_form_of_day(day))?;
    let separator = rest
        .chars()
        .next()
        .filter(|separator| matches!(separator, 'T' | ' '))?;
    date::parse(day)?;
    let time = rest.get(1..)?;
    let at_offset = time.find(['+', '-']).unwrap_or(time.len());
    let (time, offset) = time.split_at_checked(at_offset)?;
    let (time, fraction) = time
        .split_once('.')
        .map_or((time, None), |(time, fraction)| (time, Some(fraction)));
    let (form, seconds) = match time.len() {
        5 => ("%H:%M", ":00"),
        8 => ("%H:%M:%S", ""),
        _ => return None,
    };
    let is_time = date::is_date_time(format!("{day}T{time}{seconds}Z").as_bytes())
        && fraction.is_none_or(is_decimal);
    let form = format!(
        "%Y-%m-%d{separator}{form}{}",
        if fraction.is_some() { "%.f" } else { "" }
    );
    let digits = offset.get(1..).unwrap_or_default();
    match (
        is_time,
        offset.is_empty(),
        digits.len() == 4 && is_decimal(digits),
    ) {
        (true, true, _) => Some(format!(
            "is a date and time without an offset: add Z or an offset such as +02:00, or use --date-format \"{form}\" to read it as UTC"
        )),
        (true, false, true) => Some(format!(
            "is a date and time whose offset has no colon: --date-format \"{form}%z\" reads it"
        )),
        _ => None,
    }
}

/// Returns the advice for a date with this outline; empty if no date has such an outline.
fn advice_for(outline: &str) -> &'static str {
    let date = outline.split([' ', ':']).next().unwrap_or_default();
    let numbers: Vec<usize> = date.split(['.', '/', '-']).map(str::len).collect();
    match numbers.as_slice() {
        [4, 1 | 2, 1 | 2] | [1 | 2, 1 | 2, 4] | [8 | 14] => ", which --date-format can name",
        [1 | 2, 1 | 2, 1 | 2] | [6] => ", which --date-format can name, with --two-digit-years",
        _ => "",
    }
}

/// Returns the text with every digit as 9, if it is short and has only digits and separators. Such
/// an outline shows the form of a date and nothing of its value.
fn outline(text: &str) -> Option<String> {
    let is_separator = |byte: u8| b"./-: ".contains(&byte);
    let is_outlined = text.len() <= OUTLINE_BYTES_MAX
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || is_separator(byte));
    is_outlined.then(|| {
        text.chars()
            .map(|character| {
                if character.is_ascii_digit() {
                    '9'
                } else {
                    character
                }
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        let check = |text: &str, want: &str| assert_eq!(not_a_whole_number(text), want, "{text:?}");
        for text in ["1.000", "-120.000"] {
            check(
                text,
                "is a whole number with three decimals, or has a point between thousands: write it without",
            );
        }
        for text in ["84.0", "-7.00", "007.0", "1000.000", "7.0000"] {
            check(
                text,
                "is a whole number written with decimals (--allow decimals accepts decimals that are all zero)",
            );
        }
        for text in [" 84", "84\t", "\u{a0}84.0"] {
            check(text, "has spaces around the number (--trim removes them)");
        }
        for text in [
            "", "84.5", "84.", ".0", "-.0", "84,0", "8.4.0", "8e1", "+1", "x",
        ] {
            check(text, "is not a whole number");
        }
        for text in ["1.23456789012345E+15", "1E+15"] {
            check(text, Damage::Shortened.message());
        }
    }

    #[test]
    fn emails() {
        let check = |text: &str, want: &str| assert_eq!(not_an_email(text), want, "{text:?}");
        check(
            " a@example.com\u{a0}",
            "has spaces around the address (--trim removes them)",
        );
        check("a b@example.com", "is not an e-mail address");
        check(" a@", "is not an e-mail address");
    }

    #[test]
    fn invisible_characters_are_named() {
        let joined = "holds an invisible character around the value (--trim removes it): U+FEFF, a byte order mark, as left by joining files";
        let around = "holds an invisible character around the value (--trim removes it): U+202A";
        let inside = "holds an invisible character: U+200B";
        assert_eq!(not_a_whole_number("\u{feff}102"), joined);
        assert_eq!(not_a_whole_number("1\u{200b}02"), inside);
        assert_eq!(not_an_email(" \u{202a}a@example.com"), around);
        assert_eq!(not_an_email("\u{202a}a@exam\u{200b}ple.com"), inside);
        assert_eq!(
            none_of(&["male"], "ma\u{200b}le", "gender"),
            format!("is not one of male; {inside}")
        );
        assert_eq!(
            not_a_date("\u{202a}1999-12-31", &[]),
            format!("is not a date: {around}")
        );
    }

    #[test]
    fn words() {
        fn check(text: &str, want: &str) {
            let message = none_of(&["male", "female", "other", "unknown"], text, "gender");
            assert_eq!(
                message.strip_prefix("is not one of male, female, other, unknown"),
                Some(want),
                "{text:?}"
            );
        }
        let case = "differs from one of them only in case ([values.gender] can map it)";
        let spaces = "has spaces around it (--trim removes them)";
        check("Female", &format!("; {case}"));
        check(" female", &format!("; {spaces}"));
        check("\tFEMALE ", &format!("; {case} and {spaces}"));
        // The Kelvin sign becomes a lower-case k.
        check("un\u{212a}nown", &format!("; {case}"));
        for text in ["f", " ", "femalé", "females", " f "] {
            check(text, "");
        }
    }

    #[test]
    fn dates() {
        fn check(text: &str, formats: &[&str], want: &str) {
            let formats: Vec<_> = formats
                .iter()
                .map(|format| DateFormat::new(format, None).expect("a good form"))
                .collect();
            assert_eq!(not_a_date(text, &formats), want, "{text:?}");
        }
        let outlined = |outline: &str| {
            format!(
                "is not a date: expected RFC 3339 or YYYY-MM-DD; it has the form {outline}, which --date-format can name"
            )
        };
        let two_digit_years =
            |outline: &str| format!("{}, with --two-digit-years", outlined(outline));
        let other = |outline: &str| {
            format!("is not a date: expected RFC 3339 or YYYY-MM-DD; it has the form {outline}")
        };
        let no_such_day = "is not a date: the calendar has no such day";
        check("31/12/1999", &[], &outlined("99/99/9999"));
        check("1.5.99", &[], &two_digit_years("9.9.99"));
        check("991231", &[], &two_digit_years("999999"));
        check("19991231", &[], &outlined("99999999"));
        check("19991231080500", &[], &outlined("99999999999999"));
        check("08:05", &[], &other("99:99"));
        check("12/1999", &[], &other("99/9999"));
        check("31.12.", &[], &other("99.99."));
        check(
            "1999.12.31  08:05:00",
            &[],
            &outlined("9999.99.99  99:99:99"),
        );
        check(
            " 31/12/1999",
            &[],
            &outlined("99/99/9999, with spaces around it (--trim removes them)"),
        );
        check("2023-02-29", &[], no_such_day);
        check("0000-00-00", &[], no_such_day);
        check(
            " 1999-12-31",
            &[],
            "has spaces around the date (--trim removes them)",
        );
        check(
            "31.12.1999 ",
            &["%d.%m.%Y"],
            "has spaces around the date (--trim removes them)",
        );
        check("31.04.1985", &["%d/%m/%Y", "%d.%m.%Y"], no_such_day);
        check(
            "31/12/1999",
            &["%d.%m.%Y"],
            "is not a date: expected RFC 3339, YYYY-MM-DD or a --date-format; it has the form 99/99/9999",
        );
        check(
            "May 1999",
            &["%d.%m.%Y"],
            "is not a date: expected RFC 3339, YYYY-MM-DD or a --date-format",
        );
        for text in [
            "May 1999",
            "not yet known",
            "--",
            "123456789012345678901",
            "\u{ff11}\u{ff19}",
            " ",
            "1999-12-31T25:00:00",
            "1999-12-31T08:05:00+2",
        ] {
            check(
                text,
                &[],
                "is not a date: expected RFC 3339 or YYYY-MM-DD (--date-format adds other forms)",
            );
        }
    }

    /// The format that a message suggests reads the date.
    #[test]
    fn a_time_without_an_offset_gets_the_format_that_reads_it() {
        let check = |text: &str, form: &str, read: &str| {
            let message = not_a_date(text, &[]);
            assert!(
                message.contains(&format!("--date-format \"{form}\"")),
                "{message}"
            );
            assert_eq!(
                read_by(&[DateFormat::new(form, None).expect("a good form")], text).as_deref(),
                Some(read)
            );
        };
        check(
            "1999-12-31T08:05:00",
            "%Y-%m-%dT%H:%M:%S",
            "1999-12-31T08:05:00Z",
        );
        check("1999-12-31 08:05", "%Y-%m-%d %H:%M", "1999-12-31T08:05:00Z");
        check(
            "1999-12-31 08:05:00.000",
            "%Y-%m-%d %H:%M:%S%.f",
            "1999-12-31T08:05:00Z",
        );
        check(
            "1999-12-31T08:05:00.5+0200",
            "%Y-%m-%dT%H:%M:%S%.f%z",
            "1999-12-31T08:05:00.5+02:00",
        );
    }

    #[test]
    fn numbers_that_other_programs_use_for_dates_are_named() {
        let check = |text: &str, want: &str| {
            let message = not_a_date(text, &[]);
            assert!(
                message.contains(want) && !message.contains("--date-format"),
                "{text} {message}"
            );
        };
        for text in ["31149", "44927.5", "20000", "60000"] {
            check(text, "is an Excel day number");
        }
        for text in ["482112000", "1700000000", "-315619200", "1700000000.5"] {
            check(text, "Unix time in seconds");
        }
        check("1700000000000", "Unix time in milliseconds");
        for text in ["99999", "-31149"] {
            assert!(!not_a_date(text, &[]).contains("Excel"), "{text}");
        }
    }
}
