//! Values that are probably mistakes, and are accepted where the user says so (`--allow`).

use super::hints::whole_part;

/// A kind of value that is accepted although it is probably a mistake (`--allow`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leniency {
    /// Text that a program has damaged, sent unchanged.
    Damaged,
    /// A whole number with decimals that are all zero.
    Decimals,
    /// A CSV cell that looks like rows joined by a missing quote.
    Joined,
}

/// The kinds of values that are accepted although they are probably mistakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowed {
    damaged: bool,
    decimals: bool,
    joined: bool,
}

impl FromIterator<Leniency> for Allowed {
    fn from_iter<I: IntoIterator<Item = Leniency>>(allowances: I) -> Allowed {
        let mut allowed = Allowed::default();
        for allowance in allowances {
            match allowance {
                Leniency::Damaged => allowed.damaged = true,
                Leniency::Decimals => allowed.decimals = true,
                Leniency::Joined => allowed.joined = true,
            }
        }
        allowed
    }
}

impl Allowed {
    /// Whether damaged text is accepted.
    pub(super) fn takes_damaged(self) -> bool {
        self.damaged
    }

    /// Whether cells that look like joined rows are accepted.
    pub fn takes_joined(self) -> bool {
        self.joined
    }

    /// Returns a number's text without all-zero decimals, where those are accepted.
    #[inline]
    pub(super) fn whole_part(self, text: &str) -> &str {
        if self.decimals {
            whole_part(text).unwrap_or(text)
        } else {
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Cell, ErrorCode, Field, UpdateBuilder, ValueRules};

    fn text(text: &str) -> Cell<'_> {
        Cell::Text(text.into())
    }

    #[test]
    fn what_is_damaged_is_refused_unless_it_is_allowed() {
        let check = |field: Field,
                     value: &'static str,
                     refused: Option<ErrorCode>,
                     allowed: Option<ErrorCode>| {
            for (allowances, want) in [(&[][..], refused), (&[Leniency::Damaged][..], allowed)] {
                let rules = ValueRules {
                    allowed: allowances.iter().copied().collect(),
                    ..ValueRules::default()
                };
                let mut builder = UpdateBuilder::new(&rules);
                builder.set_id(Some(text("7")));
                builder.set(field, text(value));
                let found = builder.finish().err().map(|row| {
                    row.errors
                        .iter()
                        .map(|error| error.code)
                        .collect::<Vec<_>>()
                });
                assert_eq!(
                    found,
                    want.map(|code| vec![code]),
                    "{field} {value:?} {allowances:?}"
                );
            }
        };
        for value in ["a\0", "Zo\u{fffd}", "####", "#N/A", "8.49E+11"] {
            check(Field::PhoneNumber, value, Some(ErrorCode::Damaged), None);
            // No address and no number can be read from it, whatever is allowed.
            check(
                Field::Email,
                value,
                Some(ErrorCode::Damaged),
                Some(ErrorCode::Damaged),
            );
            check(
                Field::CountryId,
                value,
                Some(ErrorCode::Damaged),
                Some(ErrorCode::Damaged),
            );
            check(
                Field::DateOfBirth,
                value,
                Some(ErrorCode::Damaged),
                Some(ErrorCode::Damaged),
            );
        }
        check(Field::LastName, "\0", Some(ErrorCode::Damaged), None);
    }

    #[test]
    fn decimals_that_are_zero_are_taken_where_they_are_allowed() {
        let body_of = |number: Cell<'static>, allowances: &[Leniency]| {
            let rules = ValueRules {
                allowed: allowances.iter().copied().collect(),
                ..ValueRules::default()
            };
            let mut builder = UpdateBuilder::new(&rules);
            builder.set_id(Some(number.clone()));
            builder.set(Field::CountryId, number);
            let mut body = Vec::new();
            builder.finish().ok().map(|update| {
                update.write_body(&mut body);
                (
                    update.id().get(),
                    String::from_utf8(body).expect("JSON is UTF-8"),
                )
            })
        };
        let good = Some((101, r#"{"country_id":101}"#.to_owned()));
        for number in [text("101.0"), text("0101.000"), Cell::Number("101.0")] {
            assert_eq!(body_of(number.clone(), &[]), None, "{number:?}");
            assert_eq!(
                body_of(number.clone(), &[Leniency::Damaged]),
                None,
                "{number:?}"
            );
            assert_eq!(
                body_of(number.clone(), &[Leniency::Decimals]),
                good,
                "{number:?}"
            );
        }
        for number in [
            text("101.5"),
            text("101."),
            text(".0"),
            text("1.0.0"),
            text("101,0"),
            Cell::Number("1.0e2"),
        ] {
            assert_eq!(
                body_of(number.clone(), &[Leniency::Decimals]),
                None,
                "{number:?}"
            );
        }
    }
}
