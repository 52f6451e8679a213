//! The echo check: compares the customer in the answer to an update with the values that were sent.

use rapidhash::v3::rapidhash_v3;

use super::Field;
use super::compare::{ValueComparison, compare_values};
use super::echo::{Echo, NamedCountry};
use super::resource::{MemberValue, related_user_id};
use super::shown_fields::{SentValues, ShownFields};

impl Echo {
    /// Compares what an answer shows with the body of the update that it answers.
    pub(crate) fn of(sent: &[u8], shown: &ShownFields<'_>) -> Echo {
        let mut echo = Echo::default();
        let mut sent = SentValues::of(sent);
        while let Some(field) = sent.field() {
            let shown = shown.value(field);
            if shown.is_some_and(|shown| field != Field::CountryId && sent.pass(shown)) {
                echo.compared.insert(field);
                continue;
            }
            if let (Some(sent), Some(shown)) = (sent.value(), shown) {
                echo.compare(field, sent, shown);
            }
        }
        echo
    }

    /// Compares two values that are not the same JSON.
    fn compare(&mut self, field: Field, sent: &[u8], shown: &str) {
        if field == Field::CountryId {
            self.compare_country(sent, shown);
        } else if let Some(comparison) = compare_json(field, sent, shown) {
            self.add(field, comparison);
        }
    }

    /// Adds a field that was compared.
    pub(super) fn add(&mut self, field: Field, comparison: ValueComparison) {
        match comparison {
            ValueComparison::NotComparable | ValueComparison::NotShown => return,
            ValueComparison::Same => {}
            ValueComparison::Spelling => self.spelling.insert(field),
            ValueComparison::Different => self.differs.insert(field),
            ValueComparison::NextDay => {
                self.differs.insert(field);
                self.next_day = true;
            }
        }
        self.compared.insert(field);
    }

    /// Compares a country with none, or takes in its id and its name.
    fn compare_country(&mut self, sent: &[u8], shown: &str) {
        let name = match serde_json::from_str(shown) {
            Ok(MemberValue::Null) => None,
            Ok(MemberValue::Text(name)) => Some(name).filter(|name| !name.trim().is_empty()),
            Ok(MemberValue::Integer(_) | MemberValue::Other(_) | MemberValue::Repeated)
            | Err(_) => return,
        };
        match (serde_json::from_slice(sent), name) {
            (Ok(MemberValue::Integer(id)), Some(name)) => {
                let name = hash_of_name(&name);
                self.country = Some(NamedCountry { id, name });
            }
            (Ok(MemberValue::Null), None) => self.add(Field::CountryId, ValueComparison::Same),
            (Ok(MemberValue::Null | MemberValue::Integer(_)), _) => {
                self.add(Field::CountryId, ValueComparison::Different);
            }
            (
                Ok(MemberValue::Text(_) | MemberValue::Other(_) | MemberValue::Repeated) | Err(_),
                _,
            ) => {}
        }
    }
}

/// Compares two values of a field that are not the same JSON. `None` if the answer shows none.
#[inline(never)]
fn compare_json(field: Field, sent: &[u8], shown: &str) -> Option<ValueComparison> {
    let sent: MemberValue<'_> = serde_json::from_slice(sent).ok()?;
    let shown = if field == Field::UserId {
        related_user_id(shown)?
    } else {
        serde_json::from_str(shown).ok()?
    };
    Some(compare_values(field, &sent, &shown))
}

/// Returns the hash of a country's name without regard to ASCII case and to blanks around it.
pub(super) fn hash_of_name(name: &str) -> u64 {
    rapidhash_v3(name.trim().to_ascii_lowercase().as_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::value::RawValue;

    use super::*;
    use crate::contract::FieldSet;

    /// Compares a request's body with the members of a customer.
    fn of(sent: &str, members: &str) -> Echo {
        let customer: BTreeMap<&str, &RawValue> = serde_json::from_str(members).expect("an object");
        let mut shown = ShownFields::default();
        for (name, value) in customer {
            if let Some(field) = ShownFields::field_of(name) {
                shown.put(field, value.get());
            }
        }
        Echo::of(sent.as_bytes(), &shown)
    }

    fn set(fields: &[Field]) -> FieldSet {
        fields.iter().copied().collect()
    }

    #[test]
    fn fields_are_sorted_by_how_they_are_shown() {
        let sent = r#"{"first_name":"Zoe","email":"A@b.example","job":"x","date_of_birth":"1985-04-12T00:00:00Z"}"#;
        let check = |shown: &str, want: Echo| {
            assert_eq!(of(sent, &format!("{{{shown}}}")), want, "{shown}");
        };
        check(
            r#""first_name":"Zoe","email":"a@b.example","job":"y","date_of_birth":"1985-04-11""#,
            Echo {
                compared: set(&[
                    Field::FirstName,
                    Field::Email,
                    Field::Job,
                    Field::DateOfBirth,
                ]),
                differs: set(&[Field::Job, Field::DateOfBirth]),
                spelling: set(&[Field::Email]),
                next_day: true,
                country: None,
            },
        );
        check(
            r#""job":null,"date_of_birth":"1984-04-12""#,
            Echo {
                compared: set(&[Field::Job, Field::DateOfBirth]),
                differs: set(&[Field::Job, Field::DateOfBirth]),
                ..Echo::default()
            },
        );
    }

    #[test]
    fn what_is_not_shown_is_not_compared() {
        let sent = r#"{"job":"x","country_id":3,"user_id":4}"#;
        for shown in [
            "{}",
            r#"{"id":7,"related_user":{}}"#,
            r#"{"user_id":5,"country_id":5}"#,
        ] {
            assert_eq!(of(sent, shown), Echo::default(), "{shown}");
        }
        let user = of(sent, r#"{"related_user":{"id":5}}"#);
        assert_eq!(user.differs, set(&[Field::UserId]));
        let user = of(sent, r#"{"related_user":{"id":"4"}}"#);
        assert_eq!(
            (user.compared, user.differs),
            (set(&[Field::UserId]), FieldSet::EMPTY)
        );
    }

    #[test]
    fn a_country_is_compared_here_only_where_there_is_none() {
        let check = |sent: &str, shown: &str, want: Option<ValueComparison>| {
            let sent_body = format!(r#"{{"country_id":{sent}}}"#);
            let echo = of(&sent_body, &format!(r#"{{"country_name":{shown}}}"#));
            let mut same = Echo::default();
            if let Some(want) = want {
                same.add(Field::CountryId, want);
            }
            assert_eq!(
                Echo {
                    country: None,
                    ..echo
                },
                same,
                "{sent} {shown}"
            );
            assert_eq!(
                echo.country.is_some(),
                sent == "3" && shown.contains("Land"),
                "{sent} {shown}"
            );
        };
        check("null", "null", Some(ValueComparison::Same));
        check("null", r#"" ""#, Some(ValueComparison::Same));
        check("null", r#""Land""#, Some(ValueComparison::Different));
        check("3", "null", Some(ValueComparison::Different));
        check("3", r#""""#, Some(ValueComparison::Different));
        check("3", r#""Land""#, None);
        check("3", "4", None);
        check("3", r#"{"en":"x"}"#, None);
    }
}
