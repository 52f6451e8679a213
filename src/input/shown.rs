//! Names from outside, made safe to show: a column or a key may be called anything, escape sequences included.

use std::fmt;
use std::fmt::Write as _;

use crate::text::is_unsafe;

/// Of a column's name so many characters are shown.
const NAME_CHARACTERS_MAX: usize = 64;

/// A column's name or an object's key as it may stand in a message.
pub(super) fn column_name(name: &str) -> String {
    Shown { text: name, characters_max: NAME_CHARACTERS_MAX }.to_string()
}

struct Shown<'a> {
    text: &'a str,
    characters_max: usize,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, character) in self.text.chars().enumerate() {
            if count == self.characters_max {
                return f.write_char('…');
            }
            if is_unsafe(character) {
                write!(f, "{}", character.escape_default())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_cut() {
        let check = |name: &str, want: &str| assert_eq!(column_name(name), want, "{name:?}");
        check("e-mail ✉", "e-mail ✉");
        check("a\u{1b}[31m\n", "a\\u{1b}[31m\\n");
        check("\u{202e}live", "\\u{202e}live");
        check(&"é".repeat(64), &"é".repeat(64));
        check(&"é".repeat(65), &format!("{}…", "é".repeat(64)));
    }
}
