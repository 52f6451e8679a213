//! Signs that a valid file means something else than it says: values of a field that are exchanged
//! between customers, and fields that are exchanged within a customer.
//!
//! A column that was sorted or shifted without the others passes every rule. Only the changes show
//! it: the new values of some customers are the present values of others.

#[cfg(test)]
mod honest_tests;
mod moved_values;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use siphasher::sip::SipHasher13;

use self::moved_values::{MovedValues, Sharing, is_worth_telling};

use crate::contract::{CustomerId, Field, FieldKind};
use crate::text::grouped;

/// Collects signs that a file means something else than it says. It keeps hashes of values, within
/// about 3 MiB for any number of customers.
#[derive(Debug, Default)]
pub(crate) struct OddSigns {
    fields: BTreeMap<Field, MovedValues>,
    /// The customer that was added last.
    customer: Option<CustomerId>,
    /// The changed texts of that customer.
    changes: Vec<Change>,
    /// The customers whose values of two fields would be exchanged.
    exchanges: BTreeMap<[Field; 2], u64>,
    names: Names,
}

/// A text of one customer, replaced by another one. The texts are hashes.
#[derive(Debug, Clone, Copy)]
struct Change {
    field: Field,
    before: u64,
    after: u64,
}

/// The customers whose first and last names would both change.
#[derive(Debug, Default)]
struct Names {
    changed: u64,
    exchanged: u64,
}

/// A sign that a file means something else than it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OddSign {
    /// New values of a field are present values of other customers, who would lose them: a shifted
    /// or sorted column.
    Exchanged {
        /// The field.
        field: Field,
        /// The number of those new values, estimated where a file has more different values than
        /// are kept.
        rows: u64,
        /// The number of new values of the field.
        changed: u64,
    },
    /// First and last names would be exchanged.
    NamesExchanged {
        /// The customers whose names would be exchanged.
        rows: u64,
        /// The customers whose first and last names would both change.
        changed: u64,
    },
    /// Each of two fields would get the other one's value: two columns that are swapped.
    FieldsExchanged {
        /// The fields, in the order of the contract.
        fields: [Field; 2],
        /// The customers whose fields would be exchanged.
        rows: u64,
        /// The number of new values of the field that has more of them.
        changed: u64,
    },
}

impl OddSigns {
    /// Creates a finder that has seen no customer.
    pub(crate) fn new() -> OddSigns {
        OddSigns::default()
    }

    /// Takes a field that a customer's row sets: its value now and the value to be set, of which
    /// `None` is null or the empty text. Customers come in any order, but each customer's fields
    /// come together, so that exchanged fields are found.
    pub(crate) fn add(
        &mut self,
        customer: CustomerId,
        field: Field,
        before: Option<&str>,
        after: Option<&str>,
    ) {
        if before == after {
            return;
        }
        let (before, after) = (before.map(hash), after.map(hash));
        self.fields.entry(field).or_default().add(before, after);
        if self.customer != Some(customer) {
            self.customer = Some(customer);
            self.changes.clear();
        }
        if let (Some(before), Some(after)) = (before, after)
            && holds_text(field)
        {
            self.add_change(Change {
                field,
                before,
                after,
            });
        }
    }

    /// Takes the names of a customer whose row sets both. The customer counts only if both would
    /// change.
    pub(crate) fn add_names(
        &mut self,
        before_first: Option<&str>,
        before_last: Option<&str>,
        after_first: Option<&str>,
        after_last: Option<&str>,
    ) {
        if before_first == after_first || before_last == after_last {
            return;
        }
        let has_names = before_first.is_some() && before_last.is_some();
        let is_exchange = before_first == after_last && before_last == after_first;
        self.names.changed += 1;
        self.names.exchanged += u64::from(has_names && is_exchange);
    }

    /// The signs found so far: those with the most rows first.
    pub(crate) fn findings(&self) -> Vec<OddSign> {
        let mut signs: Vec<OddSign> = self.names_exchanged().into_iter().collect();
        signs.extend(self.fields_exchanged());
        signs.extend(self.exchanged());
        signs.sort_by_key(|sign| Reverse(sign.rows()));
        signs
    }

    /// Compares a text's change with the customer's earlier ones.
    fn add_change(&mut self, change: Change) {
        for earlier in &self.changes {
            let is_exchange = earlier.before == change.after && earlier.after == change.before;
            let mut fields = [earlier.field, change.field];
            fields.sort_unstable();
            // First and last names are counted by [`OddSigns::add_names`].
            if is_exchange && fields != [Field::FirstName, Field::LastName] {
                *self.exchanges.entry(fields).or_default() += 1;
            }
        }
        self.changes.push(change);
    }

    fn names_exchanged(&self) -> Option<OddSign> {
        let Names { changed, exchanged } = self.names;
        is_worth_telling(exchanged, changed).then_some(OddSign::NamesExchanged {
            rows: exchanged,
            changed,
        })
    }

    fn fields_exchanged(&self) -> impl Iterator<Item = OddSign> {
        self.exchanges.iter().filter_map(|(fields, rows)| {
            let new_values = fields.map(|field| self.new_values(field));
            let changed = new_values.into_iter().max().unwrap_or_default();
            is_worth_telling(*rows, changed).then_some(OddSign::FieldsExchanged {
                fields: *fields,
                rows: *rows,
                changed,
            })
        })
    }

    fn exchanged(&self) -> impl Iterator<Item = OddSign> {
        self.fields.iter().filter_map(|(field, values)| {
            let rows = values.moved_rows(sharing(*field))?;
            Some(OddSign::Exchanged {
                field: *field,
                rows,
                changed: values.new_values(),
            })
        })
    }

    fn new_values(&self, field: Field) -> u64 {
        self.fields.get(&field).map_or(0, MovedValues::new_values)
    }
}

/// Returns the hash of a value: SipHash-1-3 with a fixed key, so that a file has the same signs each
/// time.
fn hash(value: &str) -> u64 {
    SipHasher13::new().hash(value.as_bytes())
}

/// Whether a field holds text of its own. Two fields may have the same number, date or word by
/// chance.
fn holds_text(field: Field) -> bool {
    match field.rule().kind {
        FieldKind::Text { .. } | FieldKind::Email { .. } => true,
        FieldKind::DateTime | FieldKind::OneOf(_) | FieldKind::Integer => false,
    }
}

fn sharing(field: Field) -> Sharing {
    match field.rule().kind {
        FieldKind::Text { .. } | FieldKind::Email { .. } | FieldKind::DateTime => Sharing::Rare,
        FieldKind::OneOf(_) | FieldKind::Integer => Sharing::Usual,
    }
}

impl OddSign {
    /// The number of rows that show the sign.
    pub(crate) fn rows(&self) -> u64 {
        match *self {
            OddSign::Exchanged { rows, .. }
            | OddSign::NamesExchanged { rows, .. }
            | OddSign::FieldsExchanged { rows, .. } => rows,
        }
    }
}

impl fmt::Display for OddSign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            OddSign::Exchanged {
                field,
                rows,
                changed,
            } => {
                let (rows, changed) = (grouped(rows), grouped(changed));
                write!(
                    f,
                    "{field}: about {rows} of {changed} new values are other customers' present values; check whether the column was shifted or sorted without the others"
                )
            }
            OddSign::NamesExchanged { rows, changed } => {
                let (rows, changed) = (grouped(rows), grouped(changed));
                write!(
                    f,
                    "first_name, last_name: the two would be exchanged for {rows} of {changed} customers for whom both change; check whether the two columns are swapped"
                )
            }
            OddSign::FieldsExchanged {
                fields: [first, second],
                rows,
                changed,
            } => {
                let (rows, changed) = (grouped(rows), grouped(changed));
                write!(
                    f,
                    "{first}, {second}: the two would be exchanged for {rows} of {changed} customers with new values; check whether the two columns are swapped"
                )
            }
        }
    }
}
