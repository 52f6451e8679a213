//! Values as TOML. Only the parser of TOML is in the program, and a file for people needs comments
//! that no writer of values would give.

use std::fmt::Write as _;

use crate::config::provenance::ShownValue;
use crate::text::is_unsafe;

/// Returns a text as a basic string of TOML. What cannot be seen is escaped.
pub(super) fn string(text: &str) -> String {
    let mut toml = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => toml.push_str("\\\""),
            '\\' => toml.push_str("\\\\"),
            other if is_unsafe(other) => {
                write!(toml, "\\U{:08X}", u32::from(other)).expect("a String can be written");
            }
            other => toml.push(other),
        }
    }
    toml.push('"');
    toml
}

/// Returns the value of a setting; `None` if it has none, or is a secret.
pub(super) fn value(value: &ShownValue) -> Option<String> {
    match value {
        ShownValue::Unset | ShownValue::Secret => None,
        ShownValue::One(text) => Some(scalar(text)),
        ShownValue::Many(items) => match items.as_slice() {
            [] => None,
            [item] => Some(string(item)),
            items => {
                let items: Vec<_> = items.iter().map(|item| string(item)).collect();
                Some(format!("[{}]", items.join(", ")))
            }
        },
    }
}

/// Returns a text without quotes if it is a switch or a number that TOML writes in the same way.
fn scalar(text: &str) -> String {
    let is_switch = matches!(text, "true" | "false");
    let is_number = text
        .parse::<i64>()
        .is_ok_and(|number| number.to_string() == text);
    if is_switch || is_number {
        text.to_owned()
    } else {
        string(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_is_written_as_people_write_it() {
        let one = |text: &str| value(&ShownValue::One(text.to_owned()));
        let many = |items: &[&str]| {
            value(&ShownValue::Many(
                items.iter().map(|item| (*item).to_owned()).collect(),
            ))
        };
        assert_eq!(one("auto").as_deref(), Some("\"auto\""));
        assert_eq!(one("32").as_deref(), Some("32"));
        assert_eq!(one("007").as_deref(), Some("\"007\""));
        assert_eq!(one("true").as_deref(), Some("true"));
        assert_eq!(one("\\").as_deref(), Some("\"\\\\\""));
        assert_eq!(many(&["a"]).as_deref(), Some("\"a\""));
        assert_eq!(many(&["a", "b"]).as_deref(), Some("[\"a\", \"b\"]"));
        assert_eq!(many(&[]), None);
        assert_eq!(value(&ShownValue::Unset), None);
        assert_eq!(value(&ShownValue::Secret), None);
    }

    proptest! {
        #[test]
        fn a_parser_reads_each_text_as_it_was(text: String) {
            let toml: toml::Table = format!("{} = {}", string(&text), string(&text))
                .parse()
                .expect("TOML");
            prop_assert_eq!(toml.get(&text).and_then(toml::Value::as_str), Some(text.as_str()));
        }
    }
}
