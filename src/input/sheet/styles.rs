//! Detects which cells of a workbook are dates. A cell refers to a style, the style to a number
//! format, and the format displays a number as a date.

use std::collections::HashSet;

use super::fault::PartFault;
use super::package::Package;
use super::xml::{Node, attributes};

/// The most styles and number formats. Excel allows 65,490.
const STYLES_MAX: usize = 100_000;

/// The styles of a workbook.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Styles {
    /// Whether cells of a style are dates, by the style's number.
    are_dates: Vec<bool>,
}

impl Styles {
    /// Reads the styles. Without styles, no cell is a date.
    pub(crate) fn read(package: &mut Package, name: &str) -> Result<Styles, PartFault> {
        let mut styles = Styles::default();
        let Some(mut xml) = package.part(name)? else {
            return Ok(styles);
        };
        let part = xml.part();
        let mut dates = HashSet::new();
        let mut is_inside = false;
        loop {
            let element = match xml.next()? {
                Node::Start(element) => element,
                Node::End { element, .. } => {
                    is_inside &= element.local_name().as_ref() != "cellXfs";
                    continue;
                }
                Node::EndOfPart => return Ok(styles),
                Node::Text(_) | Node::Nothing => continue,
            };
            let name = element.local_name();
            let (mut id, mut code) = (0, None);
            match name.as_ref() {
                "cellXfs" => is_inside = true,
                "numFmt" | "xf" => {
                    for attribute in attributes(&element, &part) {
                        match attribute? {
                            ("numFmtId", value) => id = value.trim().parse().unwrap_or(0),
                            ("formatCode", value) => code = Some(shows_a_date(&value)),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
            match (name.as_ref(), code) {
                // A custom format, which may reuse the number of a built-in one.
                ("numFmt", Some(is_date)) => {
                    dates.insert((id, is_date));
                }
                ("xf", _) if is_inside => {
                    let is_date = match (dates.contains(&(id, true)), dates.contains(&(id, false)))
                    {
                        (true, _) => true,
                        (false, true) => false,
                        (false, false) => is_date_by_number(id),
                    };
                    styles.are_dates.push(is_date);
                }
                _ => {}
            }
            if styles.are_dates.len() > STYLES_MAX || dates.len() > STYLES_MAX {
                return Err(PartFault::unreadable(format!(
                    "{part}: it has more than {STYLES_MAX} styles"
                )));
            }
        }
    }

    /// Whether the cells of a style are dates. `false` if there is no such style.
    pub(crate) fn is_date(&self, style: usize) -> bool {
        self.are_dates.get(style).copied().unwrap_or(false)
    }
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
