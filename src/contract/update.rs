//! One customer update, the only type that request bodies are made from.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serializer;
use serde_json::value::RawValue;

use super::classification::{UsualValue, classify_usual};
use super::field::{FIELDS, Field};
use super::field_set::FieldSet;
use super::row_notes::RowNotes;
use super::since::since;
use super::value::{Cell, CellError, FieldValue, customer_id, value};
use super::value_rules::{SinceRule, ValueRules};
use super::{CustomerId, ErrorCode, FieldError, Subject};

/// A valid row: a customer's id and the fields to set, each checked.
///
/// It serialises to the request's body. A field that is omitted, null, or has a value is three
/// different things.
#[derive(Debug, Clone, Copy)]
pub struct CustomerUpdate<'a> {
    id: CustomerId,
    values: &'a Values<'a>,
    /// The fields that have a value.
    given: FieldSet,
    notes: RowNotes,
    since: Option<Timestamp>,
}

/// The values of the fields, in the order of [`FIELDS`]. Slots of unset fields hold stale values;
/// `given` says which are set.
type Values<'a> = [FieldValue<'a>; FIELDS.len()];

/// An invalid row: all of its errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidRow {
    /// The customer, if at least the id is valid.
    pub id: Option<CustomerId>,
    /// The row's own errors, then the fields' in the contract's order. Never empty.
    pub errors: Vec<FieldError>,
}

/// Builds a [`CustomerUpdate`] from a row's cells and checks them against the contract. It is
/// reused from row to row: creating and moving one costs more than checking a short row.
#[derive(Debug)]
pub struct UpdateBuilder<'a> {
    rules: &'a ValueRules,
    id: Option<CustomerId>,
    values: Values<'a>,
    notes: RowNotes,
    /// The fields that the input names.
    given: FieldSet,
    /// The fields that are not sent, whatever the input says.
    left_out: FieldSet,
    /// The latest time at which others may have changed the customer.
    since: Option<Timestamp>,
    /// The customer whose row is refused as a duplicate.
    refused: Option<CustomerId>,
    errors: Vec<FieldError>,
}

impl CustomerUpdate<'_> {
    /// The customer.
    pub fn id(&self) -> CustomerId {
        self.id
    }

    /// The fields that it sets; none if later rows have set all of them.
    pub fn fields(&self) -> FieldSet {
        self.given
    }

    /// The latest time at which others may have changed the customer, if the row needs one.
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// The facts about the row that the summary counts.
    pub fn notes(&self) -> RowNotes {
        self.notes
    }

    /// Appends the request's body.
    pub fn write_body(&self, body: &mut Vec<u8>) {
        let values = FIELDS.iter().zip(self.values);
        let given = values.filter(|(rule, _)| self.given.contains(rule.field));
        let mut before = b'{';
        for (rule, value) in given {
            body.extend_from_slice(&[before, b'"']);
            body.extend_from_slice(rule.name.as_bytes());
            body.extend_from_slice(b"\":");
            value.write_json(body);
            before = b',';
        }
        if before == b'{' {
            body.push(before);
        }
        body.push(b'}');
    }
}

impl<'a> UpdateBuilder<'a> {
    /// Creates an empty builder.
    pub fn new(rules: &'a ValueRules) -> UpdateBuilder<'a> {
        UpdateBuilder {
            rules,
            id: None,
            values: [const { FieldValue::Null }; FIELDS.len()],
            notes: RowNotes::default(),
            given: FieldSet::EMPTY,
            left_out: FieldSet::EMPTY,
            since: None,
            refused: None,
            errors: Vec::new(),
        }
    }

    /// Resets the builder for the next row.
    #[inline]
    pub fn clear(&mut self) {
        self.id = None;
        self.notes = RowNotes::default();
        self.given = FieldSet::EMPTY;
        self.left_out = FieldSet::EMPTY;
        self.since = None;
        self.refused = None;
        self.errors.clear();
    }

    /// Sets the customer's id from its cell. The last call counts.
    pub fn set_id(&mut self, cell: Option<Cell<'_>>) {
        self.put_id(customer_id(cell, self.rules));
    }

    /// Sets the customer's id from plain text. Returns whether the text is an id; if not, nothing
    /// is set.
    #[inline]
    pub fn set_usual_id(&mut self, text: &str) -> bool {
        let id = CustomerId::parse(text);
        if let Ok(id) = id {
            self.put_id(Ok(id));
        }
        id.is_ok()
    }

    #[inline]
    fn put_id(&mut self, id: Result<CustomerId, CellError>) {
        self.forget(Subject::Id);
        self.id = id.map_err(|refused| self.refuse(Subject::Id, refused)).ok();
    }

    /// Sets a field from its cell. The last call counts.
    pub fn set(&mut self, field: Field, cell: Cell<'a>) {
        match value(cell, field.rule(), self.rules, &mut self.notes) {
            Ok(value) => *self.slot(field) = value,
            Err(refused) => {
                self.slot(field);
                self.refuse(Subject::Field(field), refused);
            }
        }
    }

    /// Sets a field from plain text if a quick check finds a value without anything unusual.
    /// Returns whether it did; if not, nothing is set and the caller uses [`Self::set`]. Text that
    /// may have [odd characters](super::has_odd_characters) needs [`Self::set`], too. Each value is
    /// created in its slot, since moving it would take longer than checking it.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "called for each cell: a call would take as long as the check"
    )]
    pub fn set_usual_text(&mut self, field: Field, text: &'a str) -> bool {
        match classify_usual(text, field.rule(), self.rules) {
            Some(UsualValue::Itself) => *self.slot(field) = FieldValue::Text(Cow::Borrowed(text)),
            Some(UsualValue::Integer(integer)) => *self.slot(field) = FieldValue::Integer(integer),
            Some(UsualValue::Day) => {
                self.notes.date_normalised = true;
                *self.slot(field) = FieldValue::Day(text);
            }
            None => return false,
        }
        true
    }

    /// Sets the latest time at which others may have changed the customer from its cell.
    pub fn set_since(&mut self, cell: Option<&Cell<'_>>) {
        match since(cell, self.rules) {
            Ok(at) => self.since = Some(at),
            Err(refused) => {
                self.since = None;
                self.refuse(Subject::Row, refused);
            }
        }
    }

    /// Marks a field as given, drops its errors, and returns the slot of its value.
    #[inline]
    fn slot(&mut self, field: Field) -> &mut FieldValue<'a> {
        self.forget(Subject::Field(field));
        self.given.insert(field);
        self.values
            .get_mut(field.index())
            .expect("there is a place for each field")
    }

    /// Returns the fields that [`leave_out`](Self::leave_out) excludes.
    pub fn left_out(&self) -> FieldSet {
        self.left_out
    }

    /// Adds an error about the row as a whole.
    pub fn add_row_error(&mut self, code: ErrorCode, message: String) {
        self.errors
            .push(FieldError::new(Subject::Row, code, message));
    }

    /// Excludes fields that later rows of the customer have set, whatever the input says before or
    /// after this call.
    pub fn leave_out(&mut self, fields: FieldSet) {
        self.left_out = self.left_out.union(fields);
    }

    /// Makes the row a duplicate if it has this customer: another row was taken.
    pub fn refuse_customer(&mut self, id: CustomerId) {
        self.refused = Some(id);
    }

    /// Returns the update, or all errors of the row.
    pub fn finish(&mut self) -> Result<CustomerUpdate<'_>, InvalidRow> {
        if !self.left_out.is_empty() {
            self.drop_left_out();
        }
        if self.refused.is_some() && self.refused == self.id {
            self.errors.push(FieldError::duplicate());
        }
        if self.rules.since == SinceRule::Required && self.since.is_none() {
            self.lacks_since();
        }
        let says_something = !self.given.is_empty() || !self.notes.overtaken.is_empty();
        match self.id {
            Some(id) if says_something && self.errors.is_empty() => {
                self.notes.fields_left_out = self.given != FieldSet::ALL && !self.given.is_empty();
                Ok(CustomerUpdate {
                    id,
                    values: &self.values,
                    given: self.given,
                    notes: self.notes,
                    since: self.since,
                })
            }
            id => Err(InvalidRow {
                id,
                errors: self.all_errors(),
            }),
        }
    }

    /// Notes that the row has no time, if it was not refused.
    #[cold]
    fn lacks_since(&mut self) {
        if self
            .errors
            .iter()
            .all(|error| error.subject != Subject::Row)
        {
            self.set_since(None);
        }
    }

    /// Drops the excluded fields, with their notes and errors.
    #[cold]
    fn drop_left_out(&mut self) {
        let left_out = self.left_out;
        self.notes.overtaken = self.given.intersection(left_out);
        self.given = self.given.without(left_out);
        self.notes.date_normalised &= !left_out.contains(Field::DateOfBirth);
        self.notes.warnings = self.notes.warnings.without(left_out);
        self.errors.retain(|error| match error.subject {
            Subject::Field(field) => !left_out.contains(field),
            Subject::Row | Subject::Id => true,
        });
    }

    #[cold]
    fn all_errors(&mut self) -> Vec<FieldError> {
        if self.id.is_none() && self.errors.iter().all(|error| error.subject != Subject::Id) {
            self.set_id(None);
        }
        // A row with a customer and without an error got here because it sets nothing.
        if self.errors.is_empty() {
            self.add_row_error(
                ErrorCode::Required,
                "has nothing to update: no field besides the id".to_owned(),
            );
        }
        self.errors.sort_by_key(|error| match error.subject {
            Subject::Row => 0,
            Subject::Id => 1,
            Subject::Field(field) => 2 + field.index(),
        });
        std::mem::take(&mut self.errors)
    }

    /// Drops the errors of an earlier call about the same subject.
    #[inline]
    fn forget(&mut self, subject: Subject) {
        if !self.errors.is_empty() {
            self.forget_errors(subject);
        }
    }

    #[cold]
    fn forget_errors(&mut self, subject: Subject) {
        self.errors.retain(|error| error.subject != subject);
    }

    #[cold]
    fn refuse(&mut self, subject: Subject, (code, message): CellError) {
        self.errors.push(FieldError::new(subject, code, message));
    }
}

/// Returns a request's body reduced to some of its fields, with their values unchanged.
pub(crate) fn body_of_fields(body: &[u8], fields: FieldSet) -> Vec<u8> {
    let members: BTreeMap<&str, &RawValue> =
        serde_json::from_slice(body).expect("a body is an object of our own making");
    let mut fragment = Vec::with_capacity(body.len());
    let mut serializer = serde_json::Serializer::new(&mut fragment);
    let kept = fields
        .names()
        .filter_map(|name| members.get(name).map(|value| (name, value)));
    serializer
        .collect_map(kept)
        .expect("members that were JSON, written to memory, cannot fail");
    fragment
}

impl Field {
    /// Returns the errors of a row with this one cell, for tests of single values.
    #[cfg(test)]
    fn errors_of(self, cell: Cell<'_>) -> Vec<(Subject, ErrorCode)> {
        let rules = ValueRules::default();
        let mut builder = UpdateBuilder::new(&rules);
        builder.set_id(Some(Cell::Number("1")));
        builder.set(self, cell);
        match builder.finish() {
            Ok(_) => Vec::new(),
            Err(row) => row
                .errors
                .iter()
                .map(|error| (error.subject, error.code))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{FieldKind, NullRule, Warning, Warnings};

    fn text(text: &str) -> Cell<'_> {
        Cell::Text(Cow::Borrowed(text))
    }

    #[test]
    fn omitted_null_and_value_are_three_things() {
        let rules = ValueRules::default();
        let mut builder = UpdateBuilder::new(&rules);
        builder.set(Field::DateOfBirth, text("1985-04-12"));
        builder.set(Field::FirstName, text("Zoë \"Z\"\n"));
        builder.set_id(Some(text("0042")));
        builder.set(Field::Email, Cell::Null);
        builder.set(Field::CountryId, text("084"));
        let update = builder.finish().expect("a good row");
        let mut body = Vec::new();
        update.write_body(&mut body);
        assert_eq!(
            std::str::from_utf8(&body).expect("JSON is UTF-8"),
            r#"{"first_name":"Zoë \"Z\"\n","email":null,"date_of_birth":"1985-04-12T00:00:00Z","country_id":84}"#
        );
        assert_eq!(update.id().get(), 42);
        let mut warnings = Warnings::default();
        warnings.insert(Warning::LineBreak, Field::FirstName);
        let notes = RowNotes {
            date_normalised: true,
            fields_left_out: true,
            warnings,
            ..RowNotes::default()
        };
        assert_eq!(update.notes(), notes);
    }

    #[test]
    fn a_part_of_a_body_keeps_its_bytes() {
        let body = r#"{"first_name":"Zo\u0001 \"Z\"","email":null,"country_id":84}"#;
        let part = |fields: &[Field]| {
            let part = body_of_fields(body.as_bytes(), fields.iter().copied().collect());
            String::from_utf8(part).expect("JSON is UTF-8")
        };
        assert_eq!(
            part(&[Field::CountryId, Field::FirstName]),
            r#"{"first_name":"Zo\u0001 \"Z\"","country_id":84}"#
        );
        assert_eq!(part(&[Field::Email, Field::Job]), r#"{"email":null}"#);
    }

    #[test]
    fn every_field_keeps_its_rule() {
        fn check(field: Field, cell: &Cell<'_>, want: Option<ErrorCode>) {
            let want: Vec<_> = want
                .map(|code| (Subject::Field(field), code))
                .into_iter()
                .collect();
            assert_eq!(field.errors_of(cell.clone()), want, "{field} {cell:?}");
        }
        for rule in &FIELDS {
            let null = match rule.null {
                NullRule::Allowed => None,
                NullRule::Refused => Some(ErrorCode::Null),
            };
            check(rule.field, &Cell::Null, null);
            check(rule.field, &Cell::Boolean, Some(ErrorCode::Type));
            check(rule.field, &Cell::Nested, Some(ErrorCode::Type));
            check(rule.field, &Cell::Empty, Some(ErrorCode::Required));
            check(rule.field, &Cell::Repeated, Some(ErrorCode::DuplicateKey));
            check(rule.field, &Cell::AlsoSet, Some(ErrorCode::DuplicateKey));
            check(
                rule.field,
                &Cell::NotText { reads_as: None },
                Some(ErrorCode::Encoding),
            );
            check(rule.field, &Cell::HalfCharacter, Some(ErrorCode::Encoding));
            match rule.kind {
                FieldKind::Integer => {
                    check(rule.field, &Cell::Number("9223372036854775807"), None);
                    check(rule.field, &Cell::Number("-7"), None);
                    check(
                        rule.field,
                        &Cell::Number("9223372036854775808"),
                        Some(ErrorCode::Range),
                    );
                    for no_integer in ["1e3", "1.0", "", " 7", "+7", "-", "７", "abc"] {
                        check(rule.field, &text(no_integer), Some(ErrorCode::Type));
                    }
                }
                FieldKind::Text { .. }
                | FieldKind::Email { .. }
                | FieldKind::DateTime
                | FieldKind::OneOf(_) => {
                    check(rule.field, &Cell::Number("7"), Some(ErrorCode::Type));
                    check(rule.field, &text(""), null);
                }
            }
            if let FieldKind::Text {
                characters_max: Some(max),
            } = rule.kind
            {
                check(rule.field, &text(&"ë".repeat(max)), None);
                check(
                    rule.field,
                    &text(&"ë".repeat(max + 1)),
                    Some(ErrorCode::TooLong),
                );
            }
        }
        check(Field::Email, &text("not-an-email"), Some(ErrorCode::Format));
        check(
            Field::Email,
            &text(&format!("a@{}", "b.".repeat(127))),
            Some(ErrorCode::TooLong),
        );
        check(
            Field::DateOfBirth,
            &text("31/12/1999"),
            Some(ErrorCode::Format),
        );
        check(Field::Gender, &text("other"), None);
        check(Field::Gender, &text("Male"), Some(ErrorCode::Enum));
        check(Field::LastName, &text(" \t"), Some(ErrorCode::Null));
    }

    /// The subject and code of each error, in their order.
    fn found(row: &InvalidRow) -> Vec<(&str, ErrorCode)> {
        let errors = row.errors.iter();
        errors
            .map(|error| (error.subject.name(), error.code))
            .collect()
    }

    #[test]
    fn all_errors_of_a_row_are_found() {
        let rules = ValueRules::default();
        let mut builder = UpdateBuilder::new(&rules);
        builder.set(Field::UserId, text("many"));
        builder.set(Field::Job, Cell::Boolean);
        builder.set(Field::Job, Cell::Repeated);
        builder.set_id(Some(text("x")));
        builder.add_row_error(ErrorCode::Columns, "has an unknown field".to_owned());
        builder.set(Field::FirstName, Cell::Null);
        let row = builder.finish().expect_err("a bad row");
        let want = [
            ("row", ErrorCode::Columns),
            ("id", ErrorCode::Type),
            ("first_name", ErrorCode::Null),
            ("job", ErrorCode::DuplicateKey),
            ("user_id", ErrorCode::Type),
        ];
        assert_eq!(found(&row), want);
        assert_eq!(row.id, None);
    }

    #[test]
    fn a_row_without_an_id_is_told_so_beside_its_other_errors() {
        let rules = ValueRules::default();
        let mut builder = UpdateBuilder::new(&rules);
        builder.set(Field::FirstName, Cell::Null);
        let row = builder.finish().expect_err("a bad row");
        let want = [("id", ErrorCode::Required), ("first_name", ErrorCode::Null)];
        assert_eq!(found(&row), want);
    }

    #[test]
    fn a_row_with_an_id_alone_has_nothing_to_update() {
        let rules = ValueRules::default();
        let mut builder = UpdateBuilder::new(&rules);
        builder.set_id(Some(text("7")));
        let row = builder.finish();
        let row = row.expect_err("a bad row");
        assert_eq!(row.id.map(CustomerId::get), Some(7));
        assert_eq!(
            row.errors.first().map(|error| (error.subject, error.code)),
            Some((Subject::Row, ErrorCode::Required))
        );
    }

    #[test]
    fn a_builder_that_is_cleared_knows_nothing_of_the_row_before() {
        let rules = ValueRules::default();
        let mut builder = UpdateBuilder::new(&rules);
        builder.set_id(Some(text("7")));
        builder.set(Field::Email, text("a@localhost"));
        builder.set(Field::DateOfBirth, text("1985-04-12"));
        builder.set(Field::UserId, text("none"));
        builder.clear();
        let row = builder.finish().expect_err("an empty row");
        assert_eq!(row.id, None);
        assert_eq!(
            row.errors
                .iter()
                .map(|error| error.subject)
                .collect::<Vec<_>>(),
            [Subject::Id]
        );
        builder.clear();
        builder.set(Field::Job, text("Nurse"));
        builder.set_id(Some(text("8")));
        let update = builder.finish().expect("a good row");
        let mut body = Vec::new();
        update.write_body(&mut body);
        assert_eq!(
            (update.id().get(), body.as_slice()),
            (8, br#"{"job":"Nurse"}"#.as_slice())
        );
        assert_eq!(
            update.notes(),
            RowNotes {
                fields_left_out: true,
                ..RowNotes::default()
            }
        );
    }

    /// The subjects and codes of the errors of a row, or none if it is good.
    fn errors(builder: &mut UpdateBuilder<'_>) -> Vec<(Subject, ErrorCode)> {
        let row = builder.finish().err();
        let errors = row.into_iter().flat_map(|row| row.errors);
        errors.map(|error| (error.subject, error.code)).collect()
    }

    #[test]
    fn a_row_of_the_refused_customer_is_a_duplicate() {
        let rules = ValueRules::default();
        for (id, want) in [
            ("7", vec![(Subject::Id, ErrorCode::Duplicate)]),
            ("8", Vec::new()),
        ] {
            let mut builder = UpdateBuilder::new(&rules);
            builder.set_id(Some(text(id)));
            builder.set(Field::Job, text("Nurse"));
            builder.refuse_customer(CustomerId::new(7).expect("an id"));
            assert_eq!(errors(&mut builder), want, "{id}");
        }
    }

    #[test]
    fn a_time_that_rows_need_is_told_once_if_it_is_missing_or_bad() {
        use ErrorCode::{Columns, Format, Required};
        let check = |since: SinceRule,
                     cell: Option<&'static str>,
                     other: Option<ErrorCode>,
                     want: &[ErrorCode]| {
            let rules = ValueRules {
                since,
                ..ValueRules::default()
            };
            let mut builder = UpdateBuilder::new(&rules);
            builder.set_id(Some(text("7")));
            builder.set(Field::Job, text("Nurse"));
            if let Some(cell) = cell {
                builder.set_since(Some(&text(cell)));
            }
            if let Some(code) = other {
                builder.add_row_error(code, "has an unknown field".to_owned());
            }
            let want: Vec<_> = want.iter().map(|code| (Subject::Row, *code)).collect();
            assert_eq!(errors(&mut builder), want, "{since:?} {cell:?} {other:?}");
        };
        check(SinceRule::Unused, None, None, &[]);
        check(SinceRule::Required, None, None, &[Required]);
        check(SinceRule::Required, Some("yesterday"), None, &[Format]);
        check(SinceRule::Required, None, Some(Columns), &[Columns]);
        check(SinceRule::Required, Some("2026-11-23T09:18:04Z"), None, &[]);
        let rules = ValueRules::default();
        let mut builder = UpdateBuilder::new(&rules);
        builder.set_id(Some(text("7")));
        builder.set(Field::Job, text("Nurse"));
        builder.set_since(Some(&text("2026-11-23T09:18:04Z")));
        let since = builder.finish().expect("a good row").since();
        assert_eq!(since, "2026-11-23T09:18:04Z".parse().ok());
    }

    #[test]
    fn what_later_rows_have_set_is_left_out_with_its_notes_and_errors() {
        let rules = ValueRules::default();
        let set = |fields: &[Field]| fields.iter().copied().collect::<FieldSet>();
        let mut builder = UpdateBuilder::new(&rules);
        let fill = |builder: &mut UpdateBuilder<'_>, left_out: &[Field]| {
            builder.clear();
            builder.leave_out(set(left_out));
            builder.set_id(Some(text("7")));
            builder.set(Field::DateOfBirth, text("1985-04-12"));
            builder.set(Field::Job, text("Nurse"));
            builder.set(Field::Gender, text("none"));
            builder.leave_out(set(&[Field::Gender]));
        };
        for (left_out, date_normalised, given) in [
            (
                vec![Field::Address],
                true,
                vec![Field::DateOfBirth, Field::Job],
            ),
            (vec![Field::Job], true, vec![Field::DateOfBirth]),
            (vec![Field::DateOfBirth], false, vec![Field::Job]),
            (vec![Field::DateOfBirth, Field::Job], false, vec![]),
        ] {
            fill(&mut builder, &left_out);
            let all_left_out = set(&left_out).union(set(&[Field::Gender]));
            assert_eq!(builder.left_out(), all_left_out);
            let update = builder.finish().expect("the gender is left out");
            let notes = update.notes();
            assert_eq!(notes.date_normalised, date_normalised, "{left_out:?}");
            assert_eq!(update.fields(), set(&given), "{left_out:?}");
            let sets = [Field::DateOfBirth, Field::Job, Field::Gender];
            assert_eq!(notes.overtaken, set(&sets).intersection(all_left_out));
            assert_eq!(notes.fields_left_out, !given.is_empty());
        }
        // A date that was given as it is sent is not normalised by leaving another field out.
        builder.clear();
        builder.set_id(Some(text("7")));
        builder.set(Field::DateOfBirth, text("1985-04-12T00:00:00Z"));
        builder.set(Field::Job, text("Nurse"));
        builder.leave_out(set(&[Field::Job]));
        let update = builder.finish().expect("a good row");
        assert!(!update.notes().date_normalised);
    }

    #[test]
    fn a_word_for_null_is_told_where_it_breaks_a_rule() {
        let rules = ValueRules::default();
        let is_told = |field: Field, value: &'static str| {
            let mut builder = UpdateBuilder::new(&rules);
            builder.set_id(Some(text("7")));
            builder.set(field, text(value));
            let row = builder.finish().expect_err("a bad row");
            let [error] = row.errors.as_slice() else {
                panic!("{:?}", row.errors)
            };
            error.to_string().contains("it looks like a null")
        };
        for field in [
            Field::Email,
            Field::DateOfBirth,
            Field::Gender,
            Field::UserId,
        ] {
            assert!(is_told(field, "NULL"), "{field}");
            assert!(!is_told(field, "x"), "{field}");
        }
    }

    #[test]
    fn an_update_of_all_fields_leaves_none_out() {
        let rules = ValueRules::default();
        for left_out in [None, Some(Field::Address)] {
            let mut builder = UpdateBuilder::new(&rules);
            builder.set_id(Some(text("7")));
            for rule in FIELDS.iter().filter(|rule| Some(rule.field) != left_out) {
                let value = match rule.kind {
                    FieldKind::Text { .. } => "x",
                    FieldKind::Email { .. } => "a@b.example",
                    FieldKind::DateTime => "1985-04-12",
                    FieldKind::OneOf(words) => words[0],
                    FieldKind::Integer => "4",
                };
                builder.set(rule.field, text(value));
            }
            let update = builder.finish().expect("a good row");
            assert_eq!(update.notes().fields_left_out, left_out.is_some());
        }
    }
}
