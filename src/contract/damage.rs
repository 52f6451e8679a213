//! Values that a program has damaged. The original value is lost, so sending the rest would
//! overwrite a good value with a bad one.

use crate::text::trimmed;

/// The kind of damage to a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// A NUL character.
    Nul,
    /// U+FFFD, the replacement character.
    Replacement,
    /// Only `#` characters.
    TooNarrow,
    /// A spreadsheet error by its name.
    SpreadsheetError,
    /// A number that was rounded to fit its cell.
    Shortened,
}

/// Spreadsheet errors that do not end with `!` or `?`.
const ERRORS_WITHOUT_MARK: [&str; 5] = ["#N/A", "#N/D", "#NV", "#N/A N/A", "#GETTING_DATA"];
/// The longest name of a spreadsheet error, in bytes.
const ERROR_BYTES_MAX: usize = 24;

impl Damage {
    /// The message, to follow the field's name: what is wrong and how to fix it.
    pub(super) fn message(self) -> &'static str {
        match self {
            Damage::Nul => "holds a NUL character: the file is damaged or in another encoding",
            Damage::Replacement => {
                "holds U+FFFD, the mark of a character that was lost earlier: export the file again, as UTF-8"
            }
            Damage::TooNarrow => {
                "is nothing but #, which a spreadsheet shows when a column is too narrow: widen it and export again"
            }
            Damage::SpreadsheetError => {
                "is a spreadsheet error, such as #N/A: correct the cell and export again"
            }
            Damage::Shortened => {
                "is a number that a spreadsheet has shortened, such as 1.23E+11: format the column as text, type the value again"
            }
        }
    }

    /// The message for a value that `--allow damaged` could send.
    pub(super) fn message_where_it_can_be_sent(self) -> String {
        format!("{} (--allow damaged sends it as it is)", self.message())
    }
}

/// Returns the damage to a text, if any. White space around it is ignored, as columns of fixed
/// width have it.
pub(super) fn of(text: &str) -> Option<Damage> {
    let text = trimmed(text);
    let bytes = text.as_bytes();
    match bytes.first()? {
        b'#' if bytes.len() >= 3 && bytes.iter().all(|byte| *byte == b'#') => {
            Some(Damage::TooNarrow)
        }
        b'#' if is_spreadsheet_error(text) => Some(Damage::SpreadsheetError),
        b'0'..=b'9' | b'-' if is_shortened(text) => Some(Damage::Shortened),
        _ if memchr::memchr(0, bytes).is_some() => Some(Damage::Nul),
        _ if text.contains(char::REPLACEMENT_CHARACTER) => Some(Damage::Replacement),
        _ => None,
    }
}

/// Whether text is a spreadsheet error in any language: `#NAME?`, `#WERT!`, `#DIV/0!`.
fn is_spreadsheet_error(text: &str) -> bool {
    let is_of_a_name = |character: char| {
        character.is_uppercase()
            || character.is_ascii_digit()
            || matches!(character, '/' | '_' | '\u{a1}' | '\u{bf}')
    };
    let name = text
        .strip_prefix('#')
        .and_then(|rest| rest.strip_suffix(['!', '?']));
    let has_name = name.is_some_and(|name| name.len() >= 2 && name.chars().all(is_of_a_name));
    ERRORS_WITHOUT_MARK.contains(&text) || (has_name && text.len() <= ERROR_BYTES_MAX)
}

/// Whether text is a number with an exponent, as spreadsheets and programs write long ones:
/// `8.49E+11`, `1,23E+05`, `1.6E11`. Without decimals the exponent needs a plus sign: `5E-12` may
/// be a house number.
fn is_shortened(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let Some(letter) = unsigned
        .bytes()
        .position(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b','))
    else {
        return false;
    };
    let Some((number, exponent)) = unsigned.split_at_checked(letter) else {
        return false;
    };
    let Some(exponent) = exponent.strip_prefix(['E', 'e']) else {
        return false;
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (has_decimals, is_number) = match number.split_once(['.', ',']) {
        Some((whole, decimals)) => (
            true,
            is_digits(whole) && whole.len() <= 3 && is_digits(decimals),
        ),
        None => (false, is_digits(number) && number.len() <= 3),
    };
    let (has_plus, digits) = match exponent.strip_prefix('+') {
        Some(digits) => (true, digits),
        None => (false, exponent.strip_prefix('-').unwrap_or(exponent)),
    };
    is_number && (has_decimals || has_plus) && is_digits(digits) && digits.len() <= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_reported_by_its_kind() {
        let check = |texts: &[&str], want: Option<Damage>| {
            for text in texts {
                assert_eq!(of(text), want, "{text:?}");
            }
        };
        check(&["a\0b", "\0"], Some(Damage::Nul));
        check(&["#N/A   ", " #REF!"], Some(Damage::SpreadsheetError));
        check(&[" ####", "###\u{a0}"], Some(Damage::TooNarrow));
        check(
            &[" 8.49E+11", "\u{200b}1,23E+05\t"],
            Some(Damage::Shortened),
        );
        check(&["Zo\u{fffd}", "\u{fffd}"], Some(Damage::Replacement));
        check(&["###", "########"], Some(Damage::TooNarrow));
        check(
            &[
                "#N/A",
                "#NAME?",
                "#REF!",
                "#VALUE!",
                "#DIV/0!",
                "#NUM!",
                "#NULL!",
                "#GETTING_DATA",
                "#SPILL!",
                "#CALC!",
                "#AB!",
                "#ABCDEFGHIJKLMNOPQRSTUV!",
            ],
            Some(Damage::SpreadsheetError),
        );
        check(
            &[
                "#WERT!",
                "#NV",
                "#BEZUG!",
                "#\u{a1}VALOR!",
                "#\u{dc}BERLAUF!",
            ],
            Some(Damage::SpreadsheetError),
        );
        check(
            &[
                "8.49E+11",
                "1,23E+05",
                "-8.49e+11",
                "1E+12",
                "8.49E11",
                "1.6E-05",
                "849.1E+11",
                "849E+11",
                "8.49E+308",
            ],
            Some(Damage::Shortened),
        );
        check(
            &[
                "",
                "#",
                "##",
                "# 3",
                "#12",
                "#1!",
                "#Boss!",
                "#N/A!b",
                "#A!",
                "#ABCDEFGHIJKLMNOPQRSTUVW!",
                "5E-12",
                "8E11",
                "12E",
                "E+11",
                "1.2.3E+4",
                "1.5",
                "12.E+4",
                "1E+1234",
                "1234.5E+11",
                "1234E+11",
                "-.5E+11",
                "-E+11",
                "A8.49E+11",
                "Zo\u{eb}",
                "+49 160",
                "+8.49E+11",
            ],
            None,
        );
    }
}
