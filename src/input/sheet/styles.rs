//! Detects which cells of a workbook are dates. A cell refers to a style, the style to a number
//! format, and the format displays a number as a date.

use std::collections::HashSet;

use super::fault::PartFault;

/// The most styles and number formats. Excel allows 65,490.
const STYLES_MAX: usize = 100_000;

/// The styles of a workbook.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Styles {
    /// Whether cells of a style are dates, by the style's number.
    are_dates: Vec<bool>,
}

/// The number formats of a workbook.
#[derive(Debug, Default)]
pub(crate) struct NumberFormats {
    /// The numbers of the custom formats, each with whether it is a date. A custom format may reuse
    /// the number of a built-in one.
    custom: HashSet<(u32, bool)>,
}

impl Styles {
    /// Adds a style, which has the next number. `part` is the part that holds it, safe to show.
    pub(crate) fn add(&mut self, is_date: bool, part: &str) -> Result<(), PartFault> {
        self.are_dates.push(is_date);
        check_count(self.are_dates.len(), part)
    }

    /// Whether the cells of a style are dates. `false` if there is no such style.
    pub(crate) fn is_date(&self, style: usize) -> bool {
        self.are_dates.get(style).copied().unwrap_or(false)
    }
}

impl NumberFormats {
    /// Adds a custom format. `part` is the part that holds it, safe to show.
    pub(crate) fn add(&mut self, id: u32, code: &str, part: &str) -> Result<(), PartFault> {
        self.custom.insert((id, shows_a_date(code)));
        check_count(self.custom.len(), part)
    }

    /// Whether the format of this number is a date.
    pub(crate) fn is_date(&self, id: u32) -> bool {
        if self.custom.contains(&(id, true)) {
            return true;
        }
        !self.custom.contains(&(id, false)) && is_date_by_number(id)
    }
}

fn check_count(count: usize, part: &str) -> Result<(), PartFault> {
    if count > STYLES_MAX {
        return Err(PartFault::unreadable(format!(
            "{part}: it has more than {STYLES_MAX} styles"
        )));
    }
    Ok(())
}

/// Whether a built-in number format is a date (ECMA-376 part 1 §18.8.30), including those of East
/// Asia. 46 is a duration.
fn is_date_by_number(id: u32) -> bool {
    matches!(id, 14..=22 | 27..=36 | 45 | 47 | 50..=58)
}

/// Whether a number format displays a date or time: its first section contains letters for days,
/// months, years, hours or seconds outside quotes, brackets and escapes. `[h]:mm` is a duration.
fn shows_a_date(code: &str) -> bool {
    let mut is_date = false;
    let mut characters = code.chars();
    while let Some(character) = characters.next() {
        match character {
            ';' => break,
            // The next character is literal, a space, or repeated.
            '\\' | '_' | '*' => {
                characters.next();
            }
            '"' => {
                characters.by_ref().find(|character| *character == '"');
            }
            '[' => {
                let inside: String = characters
                    .by_ref()
                    .take_while(|character| *character != ']')
                    .collect();
                let inside = inside.to_ascii_lowercase();
                if !inside.is_empty()
                    && ['h', 'm', 's']
                        .iter()
                        .any(|unit| inside.chars().all(|each| each == *unit))
                {
                    return false;
                }
            }
            'd' | 'D' | 'm' | 'M' | 'y' | 'Y' | 'h' | 'H' | 's' | 'S' => is_date = true,
            _ => {}
        }
    }
    is_date
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_of_dates_are_known() {
        let check = |codes: &[&str], want: bool| {
            for code in codes {
                assert_eq!(shows_a_date(code), want, "{code}");
            }
        };
        check(
            &[
                "dd.mm.yyyy",
                "[$-409]d/m/yy;@",
                "yyyy\\-mm\\-dd",
                "h:mm AM/PM",
                "[Red]DD",
                "\"am\" d. mmmm",
            ],
            true,
        );
        check(
            &[
                "General",
                "0.00",
                "#,##0 \"days\"",
                "[Red]0",
                "0;dd",
                "0\\d",
                "[h]:mm",
                "[ss].00",
                "@",
                "0_d",
                "",
            ],
            false,
        );
        assert_eq!(
            [13, 14, 22, 23, 27, 46, 47, 58, 59].map(is_date_by_number),
            [false, true, true, false, true, false, true, true, false]
        );
    }
}
