//! A customer as the rows of an input would leave it: the rows are laid over the customer that the API
//! shows, in the order of the input, as a run would send them.

use jiff::Timestamp;

use super::as_shown::{compare_sent, has_value};
use super::compare::{ValueComparison, compare_values};
use super::country::Countries;
use super::field::FIELDS;
use super::fill::FillRule;
use super::image::Image;
use super::resource::{MemberValue, SentFields, is_null};
use super::sendable::{Unsendable, sendable};
use super::since::{ChangeSince, change_since};
use super::{ErrorCode, Field, FieldSet};

/// The kind of a change of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum ChangeKind {
    /// Another value takes the place of one.
    Replaced,
    /// A date takes the place of one that is a day earlier or later: most likely a time zone.
    NextDay,
    /// A value takes an empty place.
    Filled,
    /// A value is removed.
    Cleared,
    /// The same value is spelled otherwise.
    Spelling,
    /// The API does not show the field, or shows it in a form that cannot be compared.
    Unknown,
}

/// The change of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldChange<P> {
    /// The field.
    pub(crate) field: Field,
    /// The kind of the change.
    pub(crate) kind: ChangeKind,
    /// The place of the row that sets the field last.
    pub(crate) place: P,
    /// The value now as text; `None` if it is empty or not shown.
    pub(crate) before: Option<String>,
    /// The value to be set as text; `None` for null.
    pub(crate) after: Option<String>,
}

/// The kind of the requests that are previewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum RequestKind {
    /// Each sets the fields of its row.
    #[default]
    Partial,
    /// Each also sets the other fields to the values that the customer has (`--complete`).
    Complete,
}

/// The reason why a row is not laid over its customer: it would not be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotLaid {
    /// Others may have changed the customer since the time in the row (`--unless-changed-since`).
    Conflict,
    /// These fields would be lost.
    Lost(Vec<(Field, Unsendable)>),
}

/// The rules by which the run that is previewed makes requests of rows and customers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ProjectionRules {
    /// The kind of the requests.
    pub(crate) kind: RequestKind,
    /// The fields that are sent only where the customer has none (`--fill`).
    pub(crate) fill: FillRule,
    /// Whether a row that changes nothing is not sent (`--skip-equal`).
    pub(crate) skips_equal: bool,
}

/// A customer, with the rows that were laid over it so far. `P` is the place of a row.
#[derive(Debug)]
pub(crate) struct Projection<'c, P> {
    before: &'c Image,
    countries: &'c Countries,
    rules: ProjectionRules,
    /// The values that rows set, and the row that set each last.
    set: [Option<(MemberValue<'static>, P)>; FIELDS.len()],
    /// The fields of the last row that would be sent.
    last: Option<FieldSet>,
}

impl<'c, P: Copy> Projection<'c, P> {
    /// The customer without any row.
    pub(crate) fn new(
        before: &'c Image,
        rules: ProjectionRules,
        countries: &'c Countries,
    ) -> Projection<'c, P> {
        Projection {
            before,
            countries,
            rules,
            set: [const { None }; FIELDS.len()],
            last: None,
        }
    }

    /// Lays a row over it. `since` is the latest time at which others may have changed the customer.
    pub(crate) fn lay(
        &mut self,
        place: P,
        since: Option<Timestamp>,
        row: &SentFields<'_>,
    ) -> Result<(), NotLaid> {
        let mut fields: FieldSet = row.fields().map(|(field, _)| field).collect();
        // Once a row is sent, the last change is the run's own.
        if let Some(since) = since
            && self.last.is_none()
        {
            match change_since(self.before, since, None) {
                ChangeSince::No => {}
                // Nothing would be overwritten.
                ChangeSince::Yes if self.changes_nothing(row, fields) => {
                    self.set_values(place, row, fields);
                    return Ok(());
                }
                ChangeSince::Yes | ChangeSince::NotShown => return Err(NotLaid::Conflict),
            }
        }
        if !self.rules.fill.is_none() {
            // Rows fill only what the customer lacks before all of them, so its image from then
            // tells.
            fields = self.rules.fill.sent(fields, self.before, FieldSet::EMPTY);
            if fields.is_empty() {
                return Ok(());
            }
        }
        if self.rules.skips_equal && self.changes_nothing(row, fields) {
            self.set_values(place, row, fields);
            return Ok(());
        }
        if self.rules.kind == RequestKind::Complete {
            let lost = self.lost_beside(fields);
            if !lost.is_empty() {
                return Err(NotLaid::Lost(lost));
            }
        }
        self.set_values(place, row, fields);
        self.last = Some(fields);
        Ok(())
    }

    /// Sets these fields to the values of a row.
    fn set_values(&mut self, place: P, row: &SentFields<'_>, fields: FieldSet) {
        for (slot, rule) in self.set.iter_mut().zip(&FIELDS) {
            if fields.contains(rule.field)
                && let Some((_, value)) = row.fields().find(|(field, _)| *field == rule.field)
            {
                *slot = Some((value.to_owned(), place));
            }
        }
    }

    /// Whether the customer has the values that a row sets in these fields, after the rows before.
    fn changes_nothing(&self, row: &SentFields<'_>, fields: FieldSet) -> bool {
        let mut values = row.fields().filter(|(field, _)| fields.contains(*field));
        values.all(|(field, value)| {
            let set = self.set.get(field.index()).and_then(Option::as_ref);
            match set {
                Some((set, _)) => compare_values(field, value, set) == ValueComparison::Same,
                None => has_value(field, value, self.before, self.countries),
            }
        })
    }

    /// The fields that an update of these fields cannot be completed with. Fields that an earlier row
    /// set have a value that may be sent.
    fn lost_beside(&self, fields: FieldSet) -> Vec<(Field, Unsendable)> {
        let set = self.set_fields();
        let others = FieldSet::ALL.without(fields).without(set);
        let reason = |field| {
            let refused = sendable(field, self.before.shown(field), self.countries).err()?;
            match refused {
                // It is left out: it is not there to be lost.
                Unsendable::NotShown | Unsendable::Forbidden(ErrorCode::Null) => None,
                Unsendable::UnknownCountry | Unsendable::Forbidden(_) => Some((field, refused)),
            }
        };
        others.iter().filter_map(reason).collect()
    }

    /// The fields that rows set.
    fn set_fields(&self) -> FieldSet {
        let slots = self.set.iter().zip(&FIELDS);
        slots
            .filter_map(|(slot, rule)| slot.as_ref().map(|_| rule.field))
            .collect()
    }

    /// Returns the changes, in the contract's order.
    pub(crate) fn changes(&self) -> Vec<FieldChange<P>> {
        let slots = self.set.iter().zip(&FIELDS);
        let changes = slots.filter_map(|(slot, rule)| {
            let (after, place) = slot.as_ref()?;
            let before = self.before.shown(rule.field);
            let kind = self.kind_of_change(rule.field, before, after)?;
            Some(FieldChange {
                field: rule.field,
                kind,
                place: *place,
                before: before.and_then(text_of),
                after: text_of(after),
            })
        });
        changes.collect()
    }

    /// The fields that are filled and that the last request leaves out. An API that clears what an
    /// update leaves out would clear them.
    pub(crate) fn left_out(&self) -> FieldSet {
        match (self.rules.kind, self.last) {
            (RequestKind::Complete, _) | (_, None) => FieldSet::EMPTY,
            (RequestKind::Partial, Some(last)) => {
                let set = self.set.iter().zip(&FIELDS);
                let filled: FieldSet = set
                    .filter(|(slot, rule)| match slot {
                        Some((value, _)) => !is_null(value),
                        None => self.before.is_filled(rule.field),
                    })
                    .map(|(_, rule)| rule.field)
                    .collect();
                filled.without(last)
            }
        }
    }

    /// Returns the present value of a field as text, and the value that rows set; `None` for a field
    /// that no row sets. An empty value is `None`.
    pub(crate) fn values(&self, field: Field) -> Option<(Option<String>, Option<String>)> {
        let (after, _) = self.set.get(field.index())?.as_ref()?;
        Some((self.before.shown(field).and_then(text_of), text_of(after)))
    }

    /// Returns the kind of the change of a field; `None` if there is none.
    fn kind_of_change(
        &self,
        field: Field,
        before: Option<&MemberValue<'static>>,
        after: &MemberValue<'_>,
    ) -> Option<ChangeKind> {
        let Some(before) = before else {
            return Some(ChangeKind::Unknown);
        };
        match (is_null(before), is_null(after)) {
            (true, true) => return None,
            (true, false) => return Some(ChangeKind::Filled),
            (false, true) => return Some(ChangeKind::Cleared),
            (false, false) => {}
        }
        // A country is shown by its name.
        if field == Field::CountryId && before.as_text().is_none() {
            return Some(ChangeKind::Unknown);
        }
        match compare_sent(field, after, before, self.countries) {
            ValueComparison::Same => None,
            ValueComparison::Spelling => Some(ChangeKind::Spelling),
            ValueComparison::NextDay => Some(ChangeKind::NextDay),
            ValueComparison::Different => Some(ChangeKind::Replaced),
            ValueComparison::NotComparable | ValueComparison::NotShown => Some(ChangeKind::Unknown),
        }
    }
}

impl ChangeKind {
    /// The name in files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ChangeKind::Replaced => "replaced",
            ChangeKind::NextDay => "next_day",
            ChangeKind::Filled => "filled",
            ChangeKind::Cleared => "cleared",
            ChangeKind::Spelling => "spelling",
            ChangeKind::Unknown => "unknown",
        }
    }
}

/// Returns a value as text; `None` for a value that is null to the API.
fn text_of(value: &MemberValue<'_>) -> Option<String> {
    match value {
        value if is_null(value) => None,
        MemberValue::Null | MemberValue::Repeated => None,
        MemberValue::Text(text) => Some(text.clone().into_owned()),
        MemberValue::Integer(number) => Some(number.to_string()),
        MemberValue::Other(json) => Some(json.clone().into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::CustomerId;

    const SHOWN: &str = r#"{"id":7,"first_name":"Ada","last_name":"Byron","phone_number":"+44 1","email":"a@b.example",
        "date_of_birth":"1985-04-12","gender":"female","country_name":"Country 4","identity_number":"",
        "job":null,"default_channel_id":2,"related_user":{"id":3,"name":"x"}}"#;

    const COMPLETE: ProjectionRules = ProjectionRules {
        kind: RequestKind::Complete,
        fill: FillRule::NONE,
        skips_equal: false,
    };

    fn image(shown: &str) -> Image {
        let id = CustomerId::new(7).expect("an id");
        Image::of_answer(shown.as_bytes(), id).expect("the customer is shown")
    }

    /// The fields that would be lost.
    fn lost(not_laid: NotLaid) -> Vec<Field> {
        match not_laid {
            NotLaid::Conflict => panic!("the customer was not changed"),
            NotLaid::Lost(fields) => fields.into_iter().map(|(field, _)| field).collect(),
        }
    }

    /// The changes of these rows, numbered from 1, as text: kind, field, row, before and after.
    fn changes(rows: &[&str]) -> Vec<String> {
        let (image, mut countries) = (image(SHOWN), Countries::default());
        countries.learn(4, "Country 4");
        let mut projection = Projection::new(&image, ProjectionRules::default(), &countries);
        for (number, row) in (1_u64..).zip(rows) {
            let sent = SentFields::of_request(row.as_bytes()).expect("an object");
            projection
                .lay(number, None, &sent)
                .expect("nothing is completed");
        }
        let changes = projection.changes().into_iter().map(|change| {
            let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
            format!(
                "{} {} {} {} > {}",
                change.kind.name(),
                change.field,
                change.place,
                text(change.before),
                text(change.after)
            )
        });
        changes.collect()
    }

    #[test]
    fn each_change_has_its_kind() {
        assert_eq!(
            changes(&[
                r#"{"first_name":"Eva","last_name":"Byron","phone_number":"+441","email":null,"date_of_birth":"1985-04-11T00:00:00Z","gender":"female",
                    "country_id":4,"identity_number":"N1","job":null,"address":"12","default_channel_id":3,"user_id":null}"#
            ]),
            [
                "replaced first_name 1 Ada > Eva",
                "spelling phone_number 1 +44 1 > +441",
                "cleared email 1 a@b.example > -",
                "next_day date_of_birth 1 1985-04-12 > 1985-04-11T00:00:00Z",
                "filled identity_number 1 - > N1",
                "unknown address 1 - > 12",
                "replaced default_channel_id 1 2 > 3",
                "cleared user_id 1 3 > -",
            ]
        );
        assert_eq!(
            changes(&[r#"{"country_id":5}"#]),
            ["replaced country_id 1 Country 4 > 5"],
            "the name belongs to 4"
        );
    }

    #[test]
    fn a_country_whose_id_is_not_known_cannot_be_compared() {
        let (image, countries) = (image(SHOWN), Countries::default());
        let mut projection = Projection::new(&image, ProjectionRules::default(), &countries);
        let sent = SentFields::of_request(br#"{"country_id":4}"#).expect("an object");
        projection
            .lay((), None, &sent)
            .expect("nothing is completed");
        let kinds: Vec<_> = projection
            .changes()
            .iter()
            .map(|change| change.kind)
            .collect();
        assert_eq!(kinds, [ChangeKind::Unknown]);
    }

    #[test]
    fn the_last_row_that_sets_a_field_counts() {
        assert_eq!(
            changes(&[
                r#"{"first_name":"Eva","job":"Nurse"}"#,
                r#"{"first_name":"Ada","email":"c@b.example"}"#,
                r#"{"email":"d@b.example"}"#
            ]),
            [
                "replaced email 3 a@b.example > d@b.example",
                "filled job 1 - > Nurse",
            ],
            "the first name is what it was"
        );
    }

    #[test]
    fn a_row_that_cannot_be_completed_is_not_sent() {
        let image = image(r#"{"id":7,"gender":"unknown","job":"Nurse","last_name":null}"#);
        let countries = Countries::default();
        let mut projection = Projection::new(&image, COMPLETE, &countries);
        let mut lay = |place: u64, row: &str| {
            let sent = SentFields::of_request(row.as_bytes()).expect("an object");
            let laid = projection.lay(place, None, &sent);
            laid.map_err(lost)
        };
        assert_eq!(lay(1, r#"{"job":"Judge"}"#), Err(vec![Field::Gender]));
        assert_eq!(lay(2, r#"{"gender":"other"}"#), Ok(()));
        assert_eq!(
            lay(3, r#"{"job":"Pilot"}"#),
            Ok(()),
            "the second row set it"
        );
        let changed = projection.changes();
        let changed: Vec<_> = (changed.iter())
            .map(|change| (change.field, change.place))
            .collect();
        assert_eq!(changed, [(Field::Gender, 2), (Field::Job, 3)]);
        assert!(projection.left_out().is_empty());
    }

    #[test]
    fn a_row_that_changes_nothing_is_neither_completed_nor_the_last() {
        let image =
            image(r#"{"id":7,"gender":"unknown","job":"Nurse","country_name":"Country 4"}"#);
        let mut countries = Countries::default();
        countries.learn(4, "Country 4");
        let rules = ProjectionRules {
            skips_equal: true,
            ..COMPLETE
        };
        let mut projection = Projection::new(&image, rules, &countries);
        let mut lay = |place: u64, row: &str| {
            let sent = SentFields::of_request(row.as_bytes()).expect("an object");
            projection.lay(place, None, &sent).is_ok()
        };
        assert!(lay(1, r#"{"job":"Nurse","country_id":4}"#));
        assert!(!lay(2, r#"{"job":"nurse"}"#), "the gender would be lost");
        assert!(lay(3, r#"{"gender":"other"}"#));
        assert!(lay(4, r#"{"job":"Judge","country_id":5}"#));

        let partial = ProjectionRules {
            kind: RequestKind::Partial,
            ..rules
        };
        let mut projection = Projection::new(&image, partial, &countries);
        let rows = [r#"{"job":"Judge","country_id":5}"#, r#"{"country_id":5}"#];
        for (place, row) in (1_u64..).zip(rows) {
            let sent = SentFields::of_request(row.as_bytes()).expect("an object");
            projection
                .lay(place, None, &sent)
                .expect("nothing is completed");
        }
        // The first row was the last one that is sent.
        let left_out = [Field::Gender].into_iter().collect();
        assert_eq!(projection.left_out(), left_out);
    }

    #[test]
    fn a_row_is_in_conflict_until_the_run_itself_has_changed_the_customer() {
        let check = |updated_at: &str, skips_equal, rows: &[(&str, &str)], want: &[bool]| {
            let shown = format!(r#"{{"id":7,"job":"Nurse","updated_at":{updated_at}}}"#);
            let (image, countries) = (image(&shown), Countries::default());
            let rules = ProjectionRules {
                skips_equal,
                ..ProjectionRules::default()
            };
            let mut projection = Projection::new(&image, rules, &countries);
            let laid = rows.iter().map(|(since, row)| {
                let sent = SentFields::of_request(row.as_bytes()).expect("an object");
                let since = since.parse().expect("a time");
                match projection.lay((), Some(since), &sent) {
                    Ok(()) => true,
                    Err(not_laid) => {
                        assert_eq!(not_laid, NotLaid::Conflict);
                        false
                    }
                }
            });
            assert_eq!(laid.collect::<Vec<_>>(), want, "{updated_at} {rows:?}");
        };
        let (before, after) = ("2026-11-23T08:59:59Z", "2026-11-23T10:00:00+01:00");
        let at = r#""2026-11-23T09:00:00Z""#;
        let (nurse, judge) = (r#"{"job":"Nurse"}"#, r#"{"job":"Judge"}"#);
        let rows = [(before, judge), (after, judge), (before, nurse)];
        check(at, false, &rows, &[false, true, true]);
        check("null", false, &rows, &[false, false, false]);
        // The customer has the value, so that nothing is sent.
        check(
            at,
            false,
            &[(before, nurse), (before, judge)],
            &[true, false],
        );
        // It is sent, unless equal rows are skipped.
        let rows = [(after, nurse), (before, judge)];
        check(at, false, &rows, &[true, true]);
        check(at, true, &rows, &[true, false]);
    }

    #[test]
    fn a_field_that_is_only_filled_is_set_where_the_customer_had_none() {
        let image = image(r#"{"id":7,"job":null,"email":"","gender":"unknown","address":"12"}"#);
        let countries = Countries::default();
        let fill = [Field::Job, Field::Email, Field::Gender, Field::UserId];
        let fill = FillRule::new(fill.into_iter().collect());
        let partial = ProjectionRules {
            fill,
            ..ProjectionRules::default()
        };
        let mut projection = Projection::new(&image, partial, &countries);
        let rows = [
            r#"{"job":"Nurse","gender":"other","user_id":3,"address":"13"}"#,
            r#"{"job":"Judge","email":"a@b.example"}"#,
            r#"{"email":null}"#,
            r#"{"gender":"male","user_id":4}"#,
        ];
        for (place, row) in (1_u64..).zip(rows) {
            let sent = SentFields::of_request(row.as_bytes()).expect("an object");
            projection
                .lay(place, None, &sent)
                .expect("nothing is completed");
        }
        let changes = projection.changes().into_iter();
        let changes: Vec<_> = changes
            .map(|change| (change.field, change.kind, change.place))
            .collect();
        let want = [
            (Field::Job, ChangeKind::Filled, 2),
            (Field::Address, ChangeKind::Replaced, 1),
        ];
        assert_eq!(changes, want, "what is not shown may have a value");
        // The third row is the last one that is sent.
        let left_out = [Field::Gender, Field::Job, Field::Address];
        assert_eq!(projection.left_out(), left_out.into_iter().collect());

        // A field that is not filled would be lost, unless it can be sent again.
        let complete = ProjectionRules { fill, ..COMPLETE };
        let mut projection = Projection::new(&image, complete, &countries);
        let sent = SentFields::of_request(rows[0].as_bytes()).expect("an object");
        let not_laid = projection.lay(1, None, &sent);
        assert_eq!(not_laid.map_err(lost), Err(vec![Field::Gender]));
    }

    #[test]
    fn filled_fields_that_the_last_request_leaves_out_may_be_lost() {
        let image = image(r#"{"id":7,"job":"Nurse","email":"a@b.example","address":null}"#);
        let countries = Countries::default();
        let mut projection = Projection::new(&image, ProjectionRules::default(), &countries);
        assert!(projection.left_out().is_empty(), "nothing is sent");
        for (place, row) in [(1, r#"{"address":"12"}"#), (2, r#"{"job":null}"#)] {
            let sent = SentFields::of_request(row.as_bytes()).expect("an object");
            projection
                .lay(place, None, &sent)
                .expect("nothing is completed");
        }
        let lost: FieldSet = [Field::Email, Field::Address].into_iter().collect();
        assert_eq!(projection.left_out(), lost);
        assert_eq!(
            projection.values(Field::Job),
            Some((Some("Nurse".to_owned()), None))
        );
        assert_eq!(projection.values(Field::Email), None);
    }
}
