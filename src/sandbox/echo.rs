//! Deviations of stored values from those that an update sends.

use std::collections::BTreeMap;
use std::str::FromStr;

use jiff::civil::Date;
use serde_json::Value;

use super::contract::{Changes, Kind, field_named};
use super::option_error::OptionError;

/// The fields whose values are not stored as they are sent, although the update succeeds.
///
/// Written `FIELD=KIND`, with commas between fields: `job=ignore,date_of_birth=next-day`. Answers
/// and reads show what is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Echo {
    kinds: BTreeMap<&'static str, EchoKind>,
}

/// The way in which a field's value deviates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EchoKind {
    /// The field keeps its value.
    Ignore,
    /// Runs of white space in a text become one space. White space around a text is removed from
    /// every field, as the API does.
    Squeeze,
    /// A text is stored in lower case.
    LowerCase,
    /// A date is stored a day later, as by a server that confuses time zones.
    NextDay,
}

const WORDS: [(&str, EchoKind); 4] = [
    ("ignore", EchoKind::Ignore),
    ("squeeze", EchoKind::Squeeze),
    ("lower-case", EchoKind::LowerCase),
    ("next-day", EchoKind::NextDay),
];

/// The characters of a date in a date-time.
const DATE_BYTES: usize = 10;

impl Echo {
    /// Turns the changes of an update into those that are stored.
    pub(super) fn alter(&self, mut changes: Changes) -> Changes {
        for (field, kind) in &self.kinds {
            if *kind == EchoKind::Ignore {
                changes.remove(field);
            } else if let Some(Value::String(text)) = changes.get_mut(field) {
                *text = kind.altered(text);
            }
        }
        changes
    }

    fn add(&mut self, part: &str) -> Option<()> {
        let (field, word) = part.split_once('=')?;
        let (field, holds) = field_named(field)?;
        let (_, kind) = WORDS.iter().find(|(known, _)| *known == word)?;
        if !kind.concerns(holds) || self.kinds.insert(field, *kind).is_some() {
            return None;
        }
        Some(())
    }
}

impl EchoKind {
    /// Whether a field that holds such values can deviate in this way.
    fn concerns(self, holds: Kind) -> bool {
        match self {
            EchoKind::Ignore => true,
            EchoKind::Squeeze | EchoKind::LowerCase => {
                matches!(holds, Kind::Text | Kind::LimitedText { .. } | Kind::Email)
            }
            EchoKind::NextDay => matches!(holds, Kind::DateTime),
        }
    }

    fn altered(self, text: &str) -> String {
        match self {
            EchoKind::Ignore => text.to_owned(),
            EchoKind::Squeeze => text.split_whitespace().collect::<Vec<_>>().join(" "),
            EchoKind::LowerCase => text.to_lowercase(),
            EchoKind::NextDay => next_day(text).unwrap_or_else(|| text.to_owned()),
        }
    }
}

/// The date-time a day later; `None` after the last day of the calendar.
fn next_day(text: &str) -> Option<String> {
    let (date, time) = text.split_at_checked(DATE_BYTES)?;
    let date: Date = date.parse().ok()?;
    Some(format!("{}{time}", date.tomorrow().ok()?))
}

impl FromStr for Echo {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Echo, OptionError> {
        let mut echo = Echo::default();
        for part in text.split(',').map(str::trim) {
            echo.add(part).ok_or_else(|| {
                OptionError::new(
                    part,
                    "a field, named once, with ignore, or a text with squeeze or lower-case, or a date with next-day, \
                     as in job=ignore",
                )
            })?;
        }
        Ok(echo)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Changes, Echo};

    #[test]
    fn values_are_stored_as_the_echo_says() {
        let check = |echo: &str, field: &'static str, sent: Value, want: Option<Value>| {
            let echo: Echo = echo.parse().unwrap();
            let altered = echo.alter(Changes::from([(field, sent), ("user_id", json!(9))]));
            assert_eq!(altered.get(field), want.as_ref(), "{echo:?}");
            assert_eq!(altered["user_id"], json!(9), "{echo:?}");
        };
        check("job=ignore", "job", json!("Judge"), None);
        check("job=ignore", "job", json!(null), None);
        check("job=ignore", "address", json!("A"), Some(json!("A")));
        check("country_id=ignore", "country_id", json!(84), None);
        check(
            "job=squeeze",
            "job",
            json!("High  Court\tJudge"),
            Some(json!("High Court Judge")),
        );
        check("job=squeeze", "job", json!(null), Some(json!(null)));
        check(
            "email=lower-case",
            "email",
            json!("ÅS@x"),
            Some(json!("ås@x")),
        );
        let days = [
            ("1999-12-31T00:00:00Z", "2000-01-01T00:00:00Z"),
            ("2024-02-28T23:59:59.5+05:30", "2024-02-29T23:59:59.5+05:30"),
            ("9999-12-31T00:00:00Z", "9999-12-31T00:00:00Z"),
        ];
        for (sent, want) in days {
            check(
                "job=ignore, date_of_birth=next-day",
                "date_of_birth",
                json!(sent),
                Some(json!(want)),
            );
        }
    }

    #[test]
    fn what_has_no_effect_is_refused() {
        for nonsense in [
            "",
            "job",
            "job=",
            "=ignore",
            "job=Ignore",
            "job=trim",
            "jobs=ignore",
            "job=ignore,",
            "job=ignore,job=squeeze",
            "job=next-day",
            "gender=lower-case",
            "country_id=squeeze",
            "date_of_birth=lower-case",
        ] {
            let error = nonsense.parse::<Echo>().unwrap_err().to_string();
            assert!(
                error.contains("' is not a field, named once, with"),
                "{error}"
            );
        }
    }
}
