//! The findings of a preview, counted.

use serde::{Deserialize, Serialize};

use super::odd::OddSign;
use crate::contract::{ChangeKind, FIELDS, Field, FieldChange, FieldSet};

/// The findings of a preview. The customers add up: `customers` is the sum of `changed`, `uncertain`,
/// `unchanged`, `not_sent`, `conflict`, `not_found`, `deleted`, `not_readable` and `not_read`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Findings {
    /// Valid rows that were laid over their customers.
    pub rows: u64,
    /// Customers whom the rows name.
    pub customers: u64,
    /// Customers of whom a field would change.
    pub changed: u64,
    /// Customers of whom no field would change for certain, and of whom one cannot be compared.
    pub uncertain: u64,
    /// Customers who have all values already.
    pub unchanged: u64,
    /// Customers none of whose rows would be sent, because fields would be lost (`--complete`).
    pub not_sent: u64,
    /// Customers none of whose rows would be sent, and one in conflict (`--unless-changed-since`).
    #[serde(default)]
    pub conflict: u64,
    /// Customers whom the API does not know.
    pub not_found: u64,
    /// Customers whom the API shows as deleted.
    #[serde(default)]
    pub deleted: u64,
    /// Customers whom the API does not show.
    pub not_readable: u64,
    /// Customers who were not read: they are outside of a sample, or the preview stopped before.
    pub not_read: u64,
    /// Rows that would not be sent, because fields would be lost (`--complete`).
    pub rows_not_sent: u64,
    /// Rows that would not be sent, because others may have changed their customers since the time in
    /// the row (`--unless-changed-since`).
    #[serde(default)]
    pub rows_conflict: u64,
    /// The fields that would change, in the contract's order.
    pub fields: Vec<FieldFindings>,
    /// Signs that the input means something else than it says, a sentence each.
    pub odd: Vec<String>,
    /// The requests that were sent, all of them reads.
    pub requests: u64,
}

/// The customers of whom a field would change, by the kind of the change.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FieldFindings {
    /// The field's name.
    pub field: String,
    /// Another value takes the place of one; `next_day` is not counted here.
    pub replaced: u64,
    /// A date moves by one day.
    pub next_day: u64,
    /// A value takes an empty place.
    pub filled: u64,
    /// A value is removed.
    pub cleared: u64,
    /// Only the spelling changes.
    pub spelling: u64,
    /// It is not known whether it changes: the API does not show the field, or not in a form that can
    /// be compared.
    pub unknown: u64,
    /// The field is filled, and the last request leaves it out. It is lost if the API clears what an
    /// update leaves out.
    pub left_out: u64,
}

impl Findings {
    /// Whether a run would reject rows, or not send them.
    pub(crate) fn has_bad_rows(&self) -> bool {
        let customers = self.not_found + self.deleted + self.not_readable;
        customers + self.rows_not_sent + self.rows_conflict > 0
    }

    /// Whether the rows would change nothing, and all customers were read.
    pub(crate) fn is_equal(&self) -> bool {
        !self.has_bad_rows() && !self.may_change()
    }

    /// The customers who were read, whether they were shown or not.
    pub(crate) fn read(&self) -> u64 {
        self.customers.saturating_sub(self.not_read)
    }

    /// Whether the API knows none of the customers who were read.
    pub(crate) fn knows_none(&self) -> bool {
        self.not_found > 0 && self.not_found == self.read()
    }

    /// Whether a field of a customer would change, or may.
    pub(crate) fn may_change(&self) -> bool {
        self.changed + self.uncertain > 0
    }
}

impl FieldFindings {
    /// Customers of whom the field would change, or may.
    pub(crate) fn changes(&self) -> u64 {
        self.replaced + self.next_day + self.filled + self.cleared + self.spelling + self.unknown
    }
}

/// The rows of a customer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RowCounts {
    /// Those that were laid over it.
    pub(super) laid: u64,
    /// Those that would not be sent, because fields would be lost.
    pub(super) not_sent: u64,
    /// Those in conflict.
    pub(super) conflict: u64,
}

/// The findings while customers are read.
#[derive(Debug)]
pub(crate) struct Counts {
    findings: Findings,
}

impl Counts {
    pub(super) fn new() -> Counts {
        let fields = FIELDS.iter().map(|rule| FieldFindings {
            field: rule.name.to_owned(),
            ..FieldFindings::default()
        });
        Counts {
            findings: Findings {
                fields: fields.collect(),
                ..Findings::default()
            },
        }
    }

    /// Adds a customer with these changes and rows, and the fields that its last request leaves out.
    pub(super) fn add<P>(
        &mut self,
        changes: &[FieldChange<P>],
        left_out: FieldSet,
        rows: RowCounts,
    ) {
        let findings = &mut self.findings;
        findings.rows += rows.laid;
        findings.rows_not_sent += rows.not_sent;
        findings.rows_conflict += rows.conflict;
        if rows.laid == 0 && rows.conflict > 0 {
            findings.conflict += 1;
        } else if rows.laid == 0 {
            findings.not_sent += 1;
        } else if changes.is_empty() {
            findings.unchanged += 1;
        } else if changes
            .iter()
            .all(|change| change.kind == ChangeKind::Unknown)
        {
            findings.uncertain += 1;
        } else {
            findings.changed += 1;
        }
        for change in changes {
            let counts = self.field(change.field);
            *match change.kind {
                ChangeKind::Replaced => &mut counts.replaced,
                ChangeKind::NextDay => &mut counts.next_day,
                ChangeKind::Filled => &mut counts.filled,
                ChangeKind::Cleared => &mut counts.cleared,
                ChangeKind::Spelling => &mut counts.spelling,
                ChangeKind::Unknown => &mut counts.unknown,
            } += 1;
        }
        for field in left_out.iter() {
            self.field(field).left_out += 1;
        }
    }

    pub(super) fn add_not_found(&mut self) {
        self.findings.not_found += 1;
    }

    pub(super) fn add_deleted(&mut self) {
        self.findings.deleted += 1;
    }

    pub(super) fn add_not_readable(&mut self) {
        self.findings.not_readable += 1;
    }

    /// Returns the findings about this many customers.
    pub(super) fn finish(self, customers: u64, odd: &[OddSign]) -> Findings {
        let mut findings = self.findings;
        let read = findings.changed
            + findings.uncertain
            + findings.unchanged
            + findings.not_sent
            + findings.conflict
            + findings.not_found
            + findings.deleted
            + findings.not_readable;
        findings.customers = customers;
        findings.not_read = customers.saturating_sub(read);
        findings
            .fields
            .retain(|field| field.changes() + field.left_out > 0);
        findings.odd = odd.iter().map(ToString::to_string).collect();
        findings
    }

    fn field(&mut self, field: Field) -> &mut FieldFindings {
        self.findings
            .fields
            .get_mut(field.index())
            .expect("there is a place for each field")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(field: Field, kind: ChangeKind) -> FieldChange<()> {
        FieldChange {
            field,
            kind,
            place: (),
            before: None,
            after: None,
        }
    }

    #[test]
    fn each_customer_is_counted_once_and_each_change_under_its_kind() {
        let mut counts = Counts::new();
        let left_out: FieldSet = [Field::Job].into_iter().collect();
        let changes = [
            change(Field::Email, ChangeKind::Filled),
            change(Field::Gender, ChangeKind::Replaced),
        ];
        let rows = |laid, not_sent, conflict| RowCounts {
            laid,
            not_sent,
            conflict,
        };
        counts.add(&changes, left_out, rows(3, 1, 4));
        counts.add(&changes[..1], FieldSet::EMPTY, rows(1, 0, 0));
        counts.add::<()>(&[], left_out, rows(1, 0, 0));
        let unknown = change(Field::CountryId, ChangeKind::Unknown);
        counts.add(&[unknown], FieldSet::EMPTY, rows(1, 0, 0));
        counts.add::<()>(&[], FieldSet::EMPTY, rows(0, 2, 0));
        counts.add::<()>(&[], FieldSet::EMPTY, rows(0, 1, 1));
        counts.add_not_found();
        counts.add_deleted();
        counts.add_deleted();
        counts.add_not_readable();
        let found = counts.finish(14, &[]);
        assert_eq!((found.rows, found.rows_not_sent), (6, 4));
        assert_eq!((found.conflict, found.rows_conflict), (1, 5));
        assert_eq!(found.uncertain, 1);
        assert_eq!((found.changed, found.unchanged, found.not_sent), (2, 1, 1));
        assert_eq!((found.not_found, found.deleted), (1, 2));
        assert_eq!(found.not_readable, 1);
        assert_eq!((found.customers, found.not_read), (14, 4));
        let fields: Vec<_> = (found.fields.iter())
            .map(|field| (field.field.as_str(), field.changes(), field.left_out))
            .collect();
        let want = [
            ("email", 2, 0),
            ("gender", 1, 0),
            ("country_id", 1, 0),
            ("job", 0, 2),
        ];
        assert_eq!(fields, want);
        let [email, gender, ..] = &found.fields[..] else {
            panic!("four fields");
        };
        assert_eq!((email.filled, gender.replaced), (2, 1));
    }
}
