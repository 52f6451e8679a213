//! Tests of the decisions of an undo: single rules, and random histories against a model of an API.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::contract::country::Countries;
use crate::contract::image::Image;
use crate::contract::resource::SentFields;
use crate::contract::restore::{
    ChangeHistory, Conflicts, FieldFate, LeftOutEffect, Restoration, RestoreRequest, RestoreRules,
    can_be_put_back, has_cleared_all,
};
use crate::contract::sendable::Unsendable;
use crate::contract::{CustomerId, ErrorCode, Field, FieldSet, NullRule};

const KEEP: RestoreRules = RestoreRules {
    conflicts: Conflicts::Keep,
    without: FieldSet::EMPTY,
};
const FORCE: RestoreRules = RestoreRules {
    conflicts: Conflicts::Overwrite,
    without: FieldSet::EMPTY,
};

fn image(members: &str) -> Image {
    let answer = format!(
        r#"{{"id":7{}{members}}}"#,
        if members.is_empty() { "" } else { "," }
    );
    let id = CustomerId::new(7).expect("an id");
    Image::of_answer(answer.as_bytes(), id).expect("the customer is shown")
}

fn countries() -> Countries {
    let mut countries = Countries::default();
    for id in 1..=9 {
        countries.learn(id, &format!("Country {id}"));
    }
    countries
}

/// Returns the history of these images, each with the body sent behind it; an empty body was not
/// applied.
fn history(
    left_out: LeftOutEffect,
    steps: &[(&str, &str)],
    countries: &Countries,
) -> ChangeHistory {
    let mut history = ChangeHistory::new(left_out);
    for (shown, sent) in steps {
        let sent = SentFields::of_request(sent.as_bytes());
        history.add(&image(shown), sent.as_ref(), countries);
    }
    history
}

/// Checks the fate of the only field that was sent, and the request.
fn check(steps: &[(&str, &str)], now: &str, fate: FieldFate, request: &str) {
    let countries = countries();
    let history = history(LeftOutEffect::Kept, steps, &countries);
    let restored = history.restore(&image(now), KEEP, &countries);
    let fates: Vec<_> = restored.fates.iter().map(|(_, fate)| *fate).collect();
    assert_eq!(fates, [fate], "{steps:?} {now}");
    let want = match request {
        "" => RestoreRequest::Nothing,
        body => RestoreRequest::Put(body.as_bytes().to_vec()),
    };
    assert_eq!(restored.request, want, "{steps:?} {now}");
}

#[test]
fn what_the_run_sent_is_put_back() {
    let steps = [(r#""job":"Nurse""#, r#"{"job":"Doctor"}"#)];
    check(&steps, r#""job":"Nurse""#, FieldFate::Unchanged, "");
    let body = r#"{"job":"Nurse"}"#;
    check(&steps, r#""job":"Doctor""#, FieldFate::PutBack, body);
    check(&steps, r#""job":"Cook""#, FieldFate::Conflict, "");
    check(&steps, r#""job":null"#, FieldFate::Conflict, "");
    let not_shown = FieldFate::NotRestorable(Unsendable::NotShown);
    check(&steps, "", not_shown, "");
    check(
        &[("", r#"{"job":"Doctor"}"#)],
        r#""job":"Doctor""#,
        not_shown,
        "",
    );
    let cleared = [(r#""job":"Nurse""#, r#"{"job":null}"#)];
    check(&cleared, r#""job":"""#, FieldFate::PutBack, body);
    let filled = [(r#""job":null"#, r#"{"job":"Doctor"}"#)];
    let body = r#"{"job":null}"#;
    check(&filled, r#""job":"Doctor""#, FieldFate::PutBack, body);
}

#[test]
fn any_value_that_the_run_sent_is_its_own() {
    let steps = [
        (r#""job":"Nurse""#, r#"{"job":"Doctor"}"#),
        (r#""job":"Doctor""#, r#"{"job":"Cook"}"#),
        (r#""job":"Nurse""#, r#"{"job":"Clerk"}"#),
    ];
    for now in ["Doctor", "Cook", "Clerk"] {
        let now = format!(r#""job":"{now}""#);
        check(&steps, &now, FieldFate::PutBack, r#"{"job":"Nurse"}"#);
    }
}

#[test]
fn a_request_that_was_not_applied_explains_no_value() {
    let steps = [
        (r#""job":"Nurse""#, r#"{"job":"Doctor"}"#),
        (r#""job":"Doctor""#, ""),
    ];
    check(&steps, r#""job":"Cook""#, FieldFate::Conflict, "");
    let countries = countries();
    let history = history(LeftOutEffect::Kept, &[(r#""job":"Nurse""#, "")], &countries);
    let restored = history.restore(&image(r#""job":"Doctor""#), FORCE, &countries);
    assert_eq!(restored.fates, [], "the run has changed nothing");
}

#[test]
fn what_somebody_set_in_between_is_put_back() {
    let cook = (r#""job":"Cook""#, r#"{"job":"Clerk"}"#);
    let steps = [(r#""job":"Nurse""#, r#"{"job":"Doctor"}"#), cook];
    let body = r#"{"job":"Cook"}"#;
    check(&steps, r#""job":"Clerk""#, FieldFate::PutBack, body);
    check(&steps, r#""job":"Doctor""#, FieldFate::PutBack, body);
    check(&steps, r#""job":"Cook""#, FieldFate::Unchanged, "");
    check(&steps, r#""job":"Nurse""#, FieldFate::Conflict, "");
    // Somebody has taken the change back.
    let back = (r#""job":"Nurse""#, r#"{"job":"Smith"}"#);
    let [first, second] = steps;
    let body = r#"{"job":"Nurse"}"#;
    check(
        &[first, second, back],
        r#""job":"Smith""#,
        FieldFate::PutBack,
        body,
    );
    // A field that an image does not show was not changed.
    let hidden = ("", r#"{"job":"Smith"}"#);
    check(
        &[first, hidden],
        r#""job":"Smith""#,
        FieldFate::PutBack,
        body,
    );
}

#[test]
fn a_value_in_another_spelling_is_the_same_value() {
    let email = [(r#""email":"a@x.example""#, r#"{"email":"B@X.example"}"#)];
    let body = r#"{"email":"a@x.example"}"#;
    check(&email, r#""email":"b@x.example""#, FieldFate::PutBack, body);
    check(&email, r#""email":"A@x.example""#, FieldFate::Unchanged, "");
    // The later image shows what the API made of the run's value.
    let [first] = email;
    let normalised = (r#""email":"b@x.example""#, r#"{"email":"c@x.example"}"#);
    check(
        &[first, normalised],
        r#""email":"c@x.example""#,
        FieldFate::PutBack,
        body,
    );
}

#[test]
fn a_run_that_changed_the_spelling_is_undone() {
    let steps = [(
        r#""phone_number":"+41 79 1""#,
        r#"{"phone_number":"+41791"}"#,
    )];
    check(
        &steps,
        r#""phone_number":"+41791""#,
        FieldFate::PutBack,
        r#"{"phone_number":"+41 79 1"}"#,
    );
    check(
        &steps,
        r#""phone_number":"+41 791""#,
        FieldFate::Unchanged,
        "",
    );
}

#[test]
fn a_date_that_moved_by_a_day_is_another_value() {
    let steps = [(
        r#""date_of_birth":"1985-04-12""#,
        r#"{"date_of_birth":"1990-01-31T00:00:00Z"}"#,
    )];
    let body = r#"{"date_of_birth":"1985-04-12T00:00:00Z"}"#;
    check(
        &steps,
        r#""date_of_birth":"1990-01-31""#,
        FieldFate::PutBack,
        body,
    );
    check(
        &steps,
        r#""date_of_birth":"1990-01-30""#,
        FieldFate::Conflict,
        "",
    );
    check(
        &steps,
        r#""date_of_birth":"1985-04-11""#,
        FieldFate::Conflict,
        "",
    );
}

#[test]
fn a_user_is_put_back_by_the_id() {
    let steps = [(r#""related_user":{"id":3}"#, r#"{"user_id":null}"#)];
    check(
        &steps,
        r#""related_user":null"#,
        FieldFate::PutBack,
        r#"{"user_id":3}"#,
    );
    let steps = [(r#""related_user":null"#, r#"{"user_id":3}"#)];
    check(
        &steps,
        r#""related_user":{"id":3}"#,
        FieldFate::PutBack,
        r#"{"user_id":null}"#,
    );
    check(
        &steps,
        r#""related_user":{"id":4}"#,
        FieldFate::Conflict,
        "",
    );
}

#[test]
fn a_country_is_put_back_by_the_id_of_its_name() {
    let steps = [(r#""country_name":"Country 4""#, r#"{"country_id":5}"#)];
    let body = r#"{"country_id":4}"#;
    check(
        &steps,
        r#""country_name":"Country 5""#,
        FieldFate::PutBack,
        body,
    );
    check(
        &steps,
        r#""country_name":"Country 4""#,
        FieldFate::Unchanged,
        "",
    );
    check(
        &steps,
        r#""country_name":"Country 6""#,
        FieldFate::Conflict,
        "",
    );
    check(&steps, r#""country_name":null"#, FieldFate::Conflict, "");
    let unknown = FieldFate::NotRestorable(Unsendable::UnknownCountry);
    let steps = [(r#""country_name":"Atlantis""#, r#"{"country_id":5}"#)];
    check(&steps, r#""country_name":"Country 5""#, unknown, "");
    check(
        &steps,
        r#""country_name":"Atlantis""#,
        FieldFate::Unchanged,
        "",
    );
    let steps = [(r#""country_name":null"#, r#"{"country_id":5}"#)];
    let body = r#"{"country_id":null}"#;
    check(
        &steps,
        r#""country_name":"Country 5""#,
        FieldFate::PutBack,
        body,
    );
    let steps = [(r#""country_name":"Country 4""#, r#"{"country_id":null}"#)];
    let body = r#"{"country_id":4}"#;
    check(&steps, r#""country_name":null"#, FieldFate::PutBack, body);
}

#[test]
fn a_country_whose_id_has_no_known_name_is_left_alone_and_told() {
    // The id 77 was sent. Whether Atlantis is its name, no answer says.
    let sent = (r#""country_name":"Country 4""#, r#"{"country_id":77}"#);
    check(
        &[sent],
        r#""country_name":"Atlantis""#,
        FieldFate::Conflict,
        "",
    );
    // The name of another id is another country's.
    check(
        &[sent],
        r#""country_name":"Country 6""#,
        FieldFate::Conflict,
        "",
    );
    // In an image the name may be the run's own, so it does not become the target.
    let later = (r#""country_name":"Atlantis""#, r#"{"country_id":5}"#);
    let body = r#"{"country_id":4}"#;
    check(
        &[sent, later],
        r#""country_name":"Country 5""#,
        FieldFate::PutBack,
        body,
    );
    let other = (r#""country_name":"Country 6""#, r#"{"country_id":5}"#);
    let body = r#"{"country_id":6}"#;
    check(
        &[sent, other],
        r#""country_name":"Country 5""#,
        FieldFate::PutBack,
        body,
    );
}

#[test]
fn a_forced_undo_overwrites_what_others_set() {
    let countries = countries();
    let steps = [(r#""job":"Nurse","email":null"#, r#"{"job":"Doctor"}"#)];
    let history = history(LeftOutEffect::Kept, &steps, &countries);
    let now = image(r#""job":"Cook","email":"a@x.example""#);
    let restored = history.restore(&now, FORCE, &countries);
    assert_eq!(restored.fates, [(Field::Job, FieldFate::PutBack)]);
    let want = RestoreRequest::Put(br#"{"job":"Nurse"}"#.to_vec());
    assert_eq!(restored.request, want);
}

#[test]
fn what_cannot_be_put_back_is_told_before_anything_is_sent() {
    let countries = countries();
    let shown = r#""first_name":null,"last_name":"Byron","gender":"unknown","country_name":"Atlantis","job":null,"email":"none""#;
    let sent = r#"{"first_name":"Ada","last_name":"King","gender":"other","country_id":5,"job":"Nurse","address":"12","email":"none"}"#;
    let history = history(LeftOutEffect::Kept, &[(shown, sent)], &countries);
    let want = [
        (Field::FirstName, Unsendable::Forbidden(ErrorCode::Null)),
        (Field::Gender, Unsendable::Forbidden(ErrorCode::Enum)),
        (Field::CountryId, Unsendable::UnknownCountry),
        (Field::Address, Unsendable::NotShown),
    ];
    assert_eq!(history.not_restorable(FieldSet::EMPTY, &countries), want);
    let without = want.iter().map(|(field, _)| *field).collect();
    assert_eq!(history.not_restorable(without, &countries), []);
    let rules = RestoreRules { without, ..KEEP };
    let now = image(r#""last_name":"King","job":"Nurse","email":"none""#);
    let restored = history.restore(&now, rules, &countries);
    let fates = [
        (Field::LastName, FieldFate::PutBack),
        (Field::Email, FieldFate::Unchanged),
        (Field::Job, FieldFate::PutBack),
    ];
    assert_eq!(restored.fates, fates);
    let want = RestoreRequest::Put(br#"{"last_name":"Byron","job":null}"#.to_vec());
    assert_eq!(restored.request, want);
}

#[test]
fn where_put_clears_what_it_leaves_out_all_fields_are_sent() {
    let countries = countries();
    let steps = [(
        r#""first_name":"Ada","last_name":"Byron","email":"a@x.example","job":"Nurse","country_name":"Country 4","address":null"#,
        r#"{"first_name":"Eva"}"#,
    )];
    let history = history(LeftOutEffect::Cleared, &steps, &countries);
    let now = r#""first_name":"Eva","last_name":null,"email":"b@x.example","job":null,"country_name":null,"address":null"#;
    let restored = history.restore(&image(now), KEEP, &countries);
    let fate = |field| {
        let mut fates = restored.fates.iter();
        fates.find_map(|(found, fate)| (*found == field).then_some(*fate))
    };
    assert_eq!(restored.fates.len(), 12);
    for (field, want) in [
        (Field::FirstName, FieldFate::PutBack),
        (Field::LastName, FieldFate::PutBack),
        (Field::Email, FieldFate::Conflict),
        (Field::Job, FieldFate::PutBack),
        (Field::CountryId, FieldFate::PutBack),
        (Field::Address, FieldFate::Unchanged),
        (
            Field::Gender,
            FieldFate::NotRestorable(Unsendable::NotShown),
        ),
    ] {
        assert_eq!(fate(field), Some(want), "{field}");
    }
    let body = r#"{"first_name":"Ada","last_name":"Byron","email":"b@x.example","country_id":4,"job":"Nurse","address":null}"#;
    assert_eq!(
        restored.request,
        RestoreRequest::Put(body.as_bytes().to_vec())
    );
    // Somebody else's value that cannot be sent would be cleared.
    let now = now.replace(r#""country_name":null"#, r#""country_name":"Atlantis""#);
    let restored = history.restore(&image(&now), KEEP, &countries);
    let want = RestoreRequest::Blocked(vec![(Field::CountryId, Unsendable::UnknownCountry)]);
    assert_eq!(restored.request, want);
}

/// The history of a run that has sent a job, and of an undo with this image and this body.
fn with_own(left_out: LeftOutEffect, shown: &str, sent: &str) -> ChangeHistory {
    let steps = [(
        r#""first_name":"Ada","job":"Nurse","country_name":"Country 4""#,
        r#"{"job":"Doctor"}"#,
    )];
    let mut history = history(left_out, &steps, &countries());
    let sent = SentFields::of_request(sent.as_bytes()).expect("a body");
    history.add_own(&image(shown), &sent, &countries());
    history
}

#[test]
fn what_an_undo_has_seen_of_others_stays_a_conflict() {
    let cook = r#""first_name":"Ada","job":"Cook","country_name":"Country 4""#;
    let history = with_own(LeftOutEffect::Kept, cook, "{}");
    let restored = history.restore(&image(cook), KEEP, &countries());
    assert_eq!(restored.fates, [(Field::Job, FieldFate::Conflict)]);
    assert_eq!(restored.request, RestoreRequest::Nothing);
    let restored = history.restore(&image(cook), FORCE, &countries());
    assert_eq!(restored.fates, [(Field::Job, FieldFate::PutBack)]);
    // The undo's own update has cleared it.
    let history = with_own(LeftOutEffect::Cleared, cook, r#"{"first_name":"Ada"}"#);
    let now = image(r#""first_name":"Ada","job":null,"country_name":null"#);
    let restored = history.restore(&now, KEEP, &countries());
    assert!(restored.fates.contains(&(Field::Job, FieldFate::Conflict)));
    let body = r#"{"first_name":"Ada","country_id":4,"job":"Cook"}"#;
    let want = RestoreRequest::Put(body.as_bytes().to_vec());
    assert_eq!(restored.request, want);
}

#[test]
fn an_undo_puts_back_the_first_value_that_its_updates_have_cleared() {
    let [doctor, elsewhere, empty] = [r#""Country 4""#, r#""Country 5""#, "null"]
        .map(|name| format!(r#""first_name":"Ada","job":"Doctor","country_name":{name}"#));
    let sent = r#"{"first_name":"Ada","job":"Nurse"}"#;
    let rules = RestoreRules {
        without: FieldSet::from_iter([Field::CountryId]),
        ..KEEP
    };
    for [first, second] in [[&doctor, &empty], [&empty, &doctor], [&doctor, &elsewhere]] {
        let mut history = with_own(LeftOutEffect::Cleared, first, sent);
        let own = SentFields::of_request(sent.as_bytes()).expect("a body");
        history.add_own(&image(second), &own, &countries());
        let restored = history.restore(&image(&empty), rules, &countries());
        let body = r#"{"first_name":"Ada","country_id":4,"job":"Nurse"}"#;
        let want = RestoreRequest::Put(body.as_bytes().to_vec());
        assert_eq!(restored.request, want, "{first} {second}");
    }
}

#[test]
fn what_an_undo_has_cleared_is_put_back_even_if_it_is_excluded() {
    let doctor = r#""first_name":"Ada","job":"Doctor","country_name":"Country 4""#;
    let rules = RestoreRules {
        without: FieldSet::from_iter([Field::CountryId]),
        ..KEEP
    };
    let history = with_own(LeftOutEffect::Cleared, doctor, r#"{"job":"Nurse"}"#);
    let now = image(r#""first_name":null,"job":"Nurse","country_name":null"#);
    let restored = history.restore(&now, rules, &countries());
    let body = r#"{"first_name":"Ada","country_id":4,"job":"Nurse"}"#;
    let want = RestoreRequest::Put(body.as_bytes().to_vec());
    assert_eq!(restored.request, want);
    let unknown = history.restore(&now, rules, &Countries::default());
    let fate = FieldFate::NotRestorable(Unsendable::UnknownCountry);
    assert!(unknown.fates.contains(&(Field::CountryId, fate)));
    // What is as it was is left alone.
    let restored = history.restore(&image(doctor), rules, &countries());
    assert!(
        !restored
            .fates
            .iter()
            .any(|(field, _)| *field == Field::CountryId)
    );
}

#[test]
fn a_loss_is_proven_by_several_fields_that_are_all_empty() {
    let before = image(r#""first_name":"Ada","job":"Nurse","address":"12","email":null"#);
    let check = |sent: &str, later: &str, want: bool| {
        let sent = SentFields::of_request(sent.as_bytes()).expect("a body");
        let found = has_cleared_all(&before, &sent, &image(later));
        assert_eq!(found, want, "{later}");
    };
    let sent = r#"{"first_name":"Eva"}"#;
    check(
        sent,
        r#""first_name":"Eva","job":null,"address":null"#,
        true,
    );
    check(
        sent,
        r#""first_name":"Eva","job":null,"address":"12""#,
        false,
    );
    check(sent, r#""first_name":"Eva","job":null"#, false);
    check(
        r#"{"first_name":"Eva","job":"Cook"}"#,
        r#""address":null"#,
        false,
    );
}

#[test]
fn a_customer_can_be_put_back_if_all_values_may_be_sent() {
    let check = |shown: &str, sent: &str, want: bool| {
        let fields = SentFields::of_request(sent.as_bytes()).expect("a body");
        let found = can_be_put_back(&image(shown), &fields, &countries());
        assert_eq!(found, want, "{shown} {sent}");
    };
    let job = r#"{"job":"Nurse"}"#;
    check(
        r#""first_name":"Ada","country_name":"Country 4""#,
        job,
        true,
    );
    check(r#""country_name":"Atlantis""#, job, false);
    check(r#""country_name":"Atlantis""#, r#"{"country_id":4}"#, true);
    check(r#""gender":"unknown""#, job, false);
    check(r#""gender":"unknown""#, r#"{"gender":"other"}"#, false);
    check(r#""first_name":null"#, job, true);
    check(r#""first_name":null"#, r#"{"first_name":"Ada"}"#, false);
}

/// The fields that the model's customers have.
const MODEL_FIELDS: [Field; 5] = [
    Field::FirstName,
    Field::Email,
    Field::CountryId,
    Field::Job,
    Field::UserId,
];

/// An API with one customer.
#[derive(Debug, Clone)]
struct Api {
    left_out: LeftOutEffect,
    /// Whether it trims text and turns addresses into lower case.
    normalises: bool,
    values: BTreeMap<Field, Value>,
}

impl Api {
    fn normal(&self, field: Field, value: &Value) -> Value {
        match value {
            Value::String(text) if self.normalises && field == Field::Email => {
                json!(text.trim().to_lowercase())
            }
            Value::String(text) if self.normalises => json!(text.trim()),
            value => value.clone(),
        }
    }

    /// Sets one value, as people do in the API's own pages.
    fn edit(&mut self, field: Field, value: &Value) {
        let value = self.normal(field, value);
        self.values.insert(field, value);
    }

    fn put(&mut self, body: &[u8]) {
        let body: Map<String, Value> = serde_json::from_slice(body).expect("an object");
        for field in MODEL_FIELDS {
            match (body.get(field.name()), self.left_out) {
                (Some(value), _) => self.edit(field, value),
                (None, LeftOutEffect::Cleared) if field.rule().null == NullRule::Allowed => {
                    self.edit(field, &Value::Null);
                }
                (None, LeftOutEffect::Kept | LeftOutEffect::Cleared) => {}
            }
        }
    }

    fn image(&self) -> Image {
        let mut shown = json!({"id": 7});
        for (field, value) in &self.values {
            let (name, value) = match (field, value.as_i64()) {
                (Field::CountryId, Some(id)) => ("country_name", json!(format!("Country {id}"))),
                (Field::CountryId, None) => ("country_name", Value::Null),
                (Field::UserId, Some(id)) => ("related_user", json!({"id": id})),
                (Field::UserId, None) => ("related_user", Value::Null),
                (field, _) => (field.name(), value.clone()),
            };
            shown[name] = value;
        }
        let id = CustomerId::new(7).expect("an id");
        Image::of_answer(shown.to_string().as_bytes(), id).expect("the customer is shown")
    }
}

/// One event of a customer's life.
#[derive(Debug, Clone)]
enum Event {
    /// A row of the run: the customer is read, then this is sent.
    Row(BTreeMap<Field, Value>, Answer),
    /// Somebody else sets a field.
    Edit(Field, Value),
}

/// The end of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Applied,
    /// The API has not applied it, and the run cannot know.
    Lost,
    /// The API has refused it.
    Refused,
}

/// The values of a field at first, then those of the run, then those of others. No value is in two
/// of them: a value that both set says nothing about who set it.
fn values(field: Field) -> [Vec<Value>; 3] {
    match field {
        Field::Email => [
            vec![json!("a@x.example"), Value::Null],
            vec![
                json!("r@x.example"),
                json!("R@X.example"),
                json!("A@x.example"),
                json!("s@x.example"),
            ],
            vec![json!("o@x.example"), json!("p@x.example")],
        ],
        Field::CountryId | Field::UserId => [
            vec![json!(1), Value::Null],
            vec![json!(2), json!(3)],
            vec![json!(4), json!(5)],
        ],
        _ => [
            vec![json!("Ada")],
            vec![json!("Run"), json!(" Run "), json!("Row")],
            vec![json!("Eva"), json!("Ida")],
        ],
    }
}

/// Generates a value of one of the pools.
fn value(field: Field, pool: usize) -> impl Strategy<Value = Value> {
    let [first, run, others] = values(field);
    prop::sample::select(match pool {
        0 => first,
        1 => run,
        _ => others,
    })
}

fn field() -> impl Strategy<Value = Field> {
    prop::sample::select(&MODEL_FIELDS[..])
}

fn event() -> impl Strategy<Value = Event> {
    let row = prop::collection::btree_map(field(), Just(()), 1..4).prop_flat_map(|fields| {
        let cells: Vec<_> = fields
            .into_keys()
            .map(|field| value(field, 1).prop_map(move |value| (field, value)))
            .collect();
        cells.prop_map(|cells| cells.into_iter().collect::<BTreeMap<_, _>>())
    });
    let answer = prop::sample::select(vec![
        Answer::Applied,
        Answer::Applied,
        Answer::Applied,
        Answer::Lost,
        Answer::Refused,
    ]);
    // An edit may also take the first value again.
    let edit = (field(), any::<bool>()).prop_flat_map(|(field, first)| {
        let first = first && field != Field::Email;
        value(field, if first { 0 } else { 2 }).prop_map(move |value| (field, value))
    });
    prop_oneof![
        3 => (row, answer).prop_map(|(row, answer)| Event::Row(row, answer)),
        2 => edit.prop_filter("null says nothing about who set it", |(_, value)| !value.is_null())
            .prop_map(|(field, value)| Event::Edit(field, value)),
    ]
}

fn api() -> impl Strategy<Value = Api> {
    let left_out = prop::sample::select(vec![LeftOutEffect::Kept, LeftOutEffect::Cleared]);
    let first: Vec<_> = MODEL_FIELDS
        .iter()
        .map(|field| value(*field, 0).prop_map(move |value| (*field, value)))
        .collect();
    (left_out, any::<bool>(), first).prop_map(|(left_out, normalises, first)| Api {
        left_out,
        normalises,
        values: first.into_iter().collect(),
    })
}

/// A customer after a run.
struct Life {
    api: Api,
    history: ChangeHistory,
    /// The values without the run's requests.
    without_run: BTreeMap<Field, Value>,
    /// Those values when the run last read the customer.
    at_last_read: BTreeMap<Field, Value>,
}

fn live(mut api: Api, events: &[Event]) -> Life {
    let countries = countries();
    let mut history = ChangeHistory::new(api.left_out);
    let mut without_run = api.values.clone();
    let mut at_last_read = without_run.clone();
    for event in events {
        match event {
            Event::Edit(field, value) => {
                api.edit(*field, value);
                without_run.insert(*field, api.normal(*field, value));
            }
            Event::Row(row, answer) => {
                let body: Map<_, _> = row
                    .iter()
                    .map(|(field, value)| (field.name().to_owned(), value.clone()))
                    .collect();
                let body = Value::from(body).to_string();
                let sent = SentFields::of_request(body.as_bytes());
                let may_be_applied = sent.as_ref().filter(|_| *answer != Answer::Refused);
                history.add(&api.image(), may_be_applied, &countries);
                at_last_read.clone_from(&without_run);
                if *answer == Answer::Applied {
                    api.put(body.as_bytes());
                }
            }
        }
    }
    Life {
        api,
        history,
        without_run,
        at_last_read,
    }
}

/// Puts the customer back.
fn undo(api: &mut Api, history: &ChangeHistory, rules: RestoreRules) -> Restoration {
    let restored = history.restore(&api.image(), rules, &countries());
    match &restored.request {
        RestoreRequest::Put(body) => api.put(body),
        RestoreRequest::Nothing => {}
        RestoreRequest::Blocked(lost) => panic!("{lost:?}"),
    }
    restored
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn an_undo_leaves_what_others_set_and_nothing_of_the_run(api in api(), events in prop::collection::vec(event(), 0..9)) {
        let mut life = live(api, &events);
        let before = life.api.values.clone();
        let restored = undo(&mut life.api, &life.history, KEEP);
        prop_assert_eq!(&life.api.values, &life.without_run);
        for (field, fate) in &restored.fates {
            let is_as_before = before.get(field) == life.without_run.get(field);
            let was_edited = life.at_last_read.get(field) != life.without_run.get(field);
            match fate {
                FieldFate::PutBack => prop_assert!(!is_as_before, "{}", field),
                FieldFate::Unchanged => prop_assert!(is_as_before, "{}", field),
                FieldFate::Conflict => prop_assert!(is_as_before && was_edited, "{}", field),
                FieldFate::NotRestorable(_) if MODEL_FIELDS.contains(field) => panic!("{field} {fate:?}"),
                FieldFate::NotRestorable(_) => {}
            }
        }
    }

    #[test]
    fn a_second_undo_does_nothing(api in api(), events in prop::collection::vec(event(), 0..9)) {
        let mut life = live(api, &events);
        undo(&mut life.api, &life.history, KEEP);
        let again = undo(&mut life.api, &life.history, KEEP);
        prop_assert_eq!(again.request, RestoreRequest::Nothing);
    }

    #[test]
    fn a_forced_undo_goes_back_to_the_last_that_the_run_saw_of_others(api in api(), events in prop::collection::vec(event(), 0..9)) {
        let mut life = live(api, &events);
        let before = life.api.values.clone();
        let restored = undo(&mut life.api, &life.history, FORCE);
        let fates: BTreeMap<_, _> = restored.fates.into_iter().collect();
        for field in MODEL_FIELDS {
            let want = if fates.contains_key(&field) { &life.at_last_read } else { &before };
            prop_assert_eq!(life.api.values.get(&field), want.get(&field), "{}", field);
        }
    }

    /// An undo is a run, too: it keeps images, and can be undone.
    #[test]
    fn an_undo_can_be_undone(api in api(), events in prop::collection::vec(event(), 0..9)) {
        let mut life = live(api, &events);
        let before = life.api.clone();
        let restored = undo(&mut life.api, &life.history, FORCE);
        let RestoreRequest::Put(body) = restored.request else { return Ok(()) };
        let mut of_undo = ChangeHistory::new(life.api.left_out);
        let sent = SentFields::of_request(&body).expect("an object");
        of_undo.add(&before.image(), Some(&sent), &countries());
        undo(&mut life.api, &of_undo, KEEP);
        prop_assert_eq!(&life.api.values, &before.values);
    }
}

#[test]
fn what_the_api_makes_of_a_value_is_not_somebody_elses() {
    let countries = countries();
    let restored = |echo: FieldSet| {
        let mut history = ChangeHistory::new(LeftOutEffect::Kept);
        for (shown, sent) in [
            (r#""job":"Nurse""#, r#"{"job":"Head  Nurse"}"#),
            (r#""job":"Head Nurse""#, r#"{"job":"Judge"}"#),
        ] {
            let sent = SentFields::of_request(sent.as_bytes());
            history.add(&image(shown), sent.as_ref(), &countries);
            history.shows_otherwise(echo);
        }
        history.restore(&image(r#""job":"Judge""#), KEEP, &countries)
    };
    let put = |body: &str| RestoreRequest::Put(body.as_bytes().to_vec());
    let job: FieldSet = [Field::Job].into_iter().collect();
    assert_eq!(restored(job).request, put(r#"{"job":"Nurse"}"#));
    // Without an echo, somebody has written it between the two rows.
    let of_others = restored(FieldSet::EMPTY).request;
    assert_eq!(of_others, put(r#"{"job":"Head Nurse"}"#));
}
