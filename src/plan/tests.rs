//! The files of a plan: what is read is what was written, and nothing else is a plan.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};

use super::*;
use crate::contract::{Countries, CustomerId, FieldSet, Image, SentFields};
use crate::journal::RunKey;

fn run_dir() -> (tempfile::TempDir, RunDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let run_dir = RunDir::create(&folder.path().join("plan")).expect("a directory");
    (folder, run_dir)
}

fn key() -> RunKey {
    RunKey::of([7; 16])
}

fn id(id: u64) -> CustomerId {
    CustomerId::new(id).expect("an id")
}

fn write_requests(run_dir: &RunDir, rows: &[(u64, Option<u64>)], last_row: u64) {
    let mut writer = RequestsWriter::create(run_dir).expect("a plan");
    for (row, request) in rows {
        writer.add(*row, *request).expect("a row");
    }
    writer.finish(last_row).expect("a finished plan");
}

#[test]
fn each_row_has_its_request_and_no_other() {
    let (_folder, run_dir) = run_dir();
    assert!(Requests::open(&run_dir).expect("nothing").is_none());
    write_requests(&run_dir, &[(3, Some(30)), (4, None), (6, Some(0))], 8);
    let mode = fs::metadata(run_dir.file(REQUESTS_NAME)).expect("a file");
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    let mut requests = Requests::open(&run_dir).expect("a plan").expect("a plan");
    assert_eq!(requests.rows(), 8);
    let planned = [
        (1, None),
        (2, None),
        (3, Some(30)),
        (4, None),
        (5, None),
        (6, Some(0)),
        (7, None),
        (8, None),
    ];
    let mut check = |row: u64, request: Option<u64>, want: bool| {
        let found = requests.has(row, request).expect("it can be read");
        assert_eq!(found, want, "{row} {request:?}");
    };
    for (row, request) in planned {
        check(row, request, true);
    }
    for (row, request) in [planned[5], planned[2], planned[7]] {
        check(row, request, true);
        check(row, Some(31), false);
    }
    for row in [0, 9, u64::MAX] {
        check(row, None, false);
    }
}

#[test]
fn a_plan_is_finished_and_whole() {
    let (_folder, run_dir) = run_dir();
    write_requests(&run_dir, &[(1, Some(10)), (2, Some(20))], 2);
    let path = run_dir.file(REQUESTS_NAME);
    let whole = fs::read(&path).expect("a file");
    for end in 0..whole.len() {
        fs::write(&path, &whole[..end]).expect("a file");
        let opened = Requests::open(&run_dir);
        assert!(matches!(opened, Ok(None)), "cut at {end}: {opened:?}");
    }
    for bit in 0..8 * whole.len() {
        let mut changed = whole.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &changed).expect("a file");
        let opened = Requests::open(&run_dir);
        assert!(matches!(opened, Ok(None) | Err(_)), "bit {bit}: {opened:?}");
    }
    // A process that was killed while it wrote.
    let mut writer = RequestsWriter::create(&run_dir).expect("a plan");
    writer.add(1, Some(10)).expect("a row");
    drop(writer);
    assert!(Requests::open(&run_dir).expect("a file").is_none());
}

#[test]
fn who_reads_a_plan_reads_on_when_it_is_replaced() {
    let (_folder, run_dir) = run_dir();
    write_requests(&run_dir, &[(1, Some(10))], 1);
    let requests = Requests::open(&run_dir).expect("a plan").expect("a plan");
    write_requests(&run_dir, &[(1, Some(11))], 1);
    assert!(requests.again().has(1, Some(10)).expect("it can be read"));
}

/// The image of customer `id` with these members.
fn image(customer: u64, members: &str) -> Image {
    let answer = format!(r#"{{"data":{{"id":{customer},{members}}}}}"#);
    Image::of_answer(answer.as_bytes(), id(customer)).expect("the customer is shown")
}

/// The conflicts of a customer of whom this was seen, to whom the plan sends `rows`, and of whom
/// this is shown when the row `sent` is to be sent.
fn conflicts(seen: &str, rows: &[&str], sent: &str, now: &str, doubt: CountryDoubt) -> FieldSet {
    let (_folder, run_dir) = run_dir();
    let mut writer = SeenWriter::create(&run_dir, key()).expect("a plan");
    let rows: Vec<_> = rows
        .iter()
        .map(|row| SentFields::of_request(row.as_bytes()).expect("an object"))
        .collect();
    // The others are looked up among many.
    for other in [1, 9, 8, 3] {
        writer
            .add(id(other), &image(other, seen), &[])
            .expect("a customer");
    }
    writer
        .add(id(7), &image(7, seen), &rows)
        .expect("a customer");
    writer.finish().expect("a finished plan");
    let seen = Seen::open(&run_dir, key())
        .expect("a plan")
        .expect("a plan");
    let sent = SentFields::of_request(sent.as_bytes()).expect("an object");
    let countries = Countries::of_words([("Norway".to_owned(), 2), ("Peru".to_owned(), 5)]);
    seen.conflicts(id(7), &sent, &image(7, now), &countries, doubt)
        .expect("they can be compared")
}

fn check(seen: &str, rows: &[&str], now: &str, want: &[&str]) {
    let found = conflicts(seen, rows, rows[0], now, CountryDoubt::Refused);
    let found: Vec<_> = found.names().collect();
    assert_eq!(found, want, "{seen} {rows:?} {now}");
}

#[test]
fn a_field_with_another_value_than_was_seen_is_a_conflict() {
    let seen =
        r#""email":"a@b.example","job":null,"phone_number":"+41 79","related_user":{"id":3}"#;
    let row = r#"{"email":"n@b.example","job":"Nurse","phone_number":"+47","user_id":4}"#;
    check(seen, &[row], seen, &[]);
    let spelling =
        r#""email":"A@b.example","job":" ","phone_number":"4179","related_user":{"id":"3"}"#;
    check(seen, &[row], spelling, &[]);
    let other = r#""email":"x@b.example","job":"Chef","phone_number":"+48","related_user":null"#;
    check(
        seen,
        &[row],
        other,
        &["phone_number", "email", "job", "user_id"],
    );
    let sent = r#""email":"N@b.example","job":"Nurse","phone_number":"47","related_user":{"id":4}"#;
    check(seen, &[row], sent, &[]);
    check(seen, &[row], r#""job":"Chef""#, &["job"]);
    check(seen, &[r#"{"job":"Nurse"}"#], other, &["job"]);
    // What the preview was not shown cannot have changed.
    check(r#""job":"a""#, &[row], other, &["job"]);
}

#[test]
fn what_the_plan_sends_is_no_change_of_another() {
    let seen = r#""job":"a","email":null"#;
    let rows = [r#"{"job":"b"}"#, r#"{"job":"c","email":"n@b.example"}"#];
    check(seen, &rows, r#""job":"c""#, &[]);
    check(seen, &rows, r#""job":"d""#, &["job"]);
    let found = |sent, now| conflicts(seen, &rows, sent, now, CountryDoubt::Refused);
    assert!(found(rows[1], r#""job":"b","email":null"#).is_empty());
    let other: Vec<_> = found(rows[1], r#""job":"b","email":"x@b.example""#)
        .names()
        .collect();
    assert_eq!(other, ["email"]);
}

#[test]
fn a_country_is_known_by_its_name() {
    let seen = r#""country_name":"Chile""#;
    let row = r#"{"country_id":2}"#;
    check(seen, &[row], seen, &[]);
    check(seen, &[row], r#""country_name":"Norway""#, &[]);
    check(seen, &[row], r#""country_name":"Peru""#, &["country_id"]);
    check(seen, &[row], r#""country_name":"Noreg""#, &["country_id"]);
    check(seen, &[row], r#""country_name":null"#, &["country_id"]);
    check(
        seen,
        &[r#"{"country_id":null}"#],
        r#""country_name":null"#,
        &[],
    );
    let two = [row, r#"{"country_id":9}"#];
    check(seen, &two, r#""country_name":"Noreg""#, &[]);
    let after_a_kill = |now| conflicts(seen, &[row], row, now, CountryDoubt::Accepted);
    assert!(after_a_kill(r#""country_name":"Noreg""#).is_empty());
    assert!(!after_a_kill(r#""country_name":"Peru""#).is_empty());
    assert!(!after_a_kill(r#""country_name":null"#).is_empty());
}

#[test]
fn a_customer_whom_the_preview_did_not_find_keeps_its_values() {
    let (_folder, run_dir) = run_dir();
    let writer = SeenWriter::create(&run_dir, key()).expect("a plan");
    writer.finish().expect("a finished plan");
    let seen = Seen::open(&run_dir, key())
        .expect("a plan")
        .expect("a plan");
    let sent = SentFields::of_request(br#"{"email":null,"job":"Nurse"}"#).expect("an object");
    let now = image(7, r#""email":"a@b.example","job":"Nurse""#);
    let conflicts = seen.conflicts(
        id(7),
        &sent,
        &now,
        &Countries::default(),
        CountryDoubt::Refused,
    );
    let conflicts: Vec<_> = conflicts.expect("they can be compared").names().collect();
    assert_eq!(conflicts, ["email"]);
}

#[test]
fn customers_are_finished_whole_and_of_this_key() {
    let (_folder, run_dir) = run_dir();
    assert!(Seen::open(&run_dir, key()).expect("nothing").is_none());
    let mut writer = SeenWriter::create(&run_dir, key()).expect("a plan");
    let added = writer.add_answer(id(7), br#"{"id":7,"job":"a"}"#, &[br#"{"job":"b"}"#]);
    assert!(added.expect("a customer"));
    let added = writer.add_answer(id(7), br#"{"id":8,"job":"a"}"#, &[]);
    assert!(!added.expect("another customer"));
    writer.finish().expect("a finished plan");
    let path = run_dir.file(SEEN_NAME);
    let mode = fs::metadata(&path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(Seen::open(&run_dir, key()).expect("a plan").is_some());
    let other = Seen::open(&run_dir, RunKey::of([8; 16]));
    assert!(matches!(other, Err(PlanError::Damaged { .. })));
    let whole = fs::read(&path).expect("a file");
    for at in (0..36).chain([4096, 5000, whole.len() - 1]) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).expect("a file");
        assert!(Seen::open(&run_dir, key()).is_err(), "byte {at}");
    }
    fs::write(&path, &whole[..whole.len() - 1]).expect("a file");
    assert!(Seen::open(&run_dir, key()).is_err(), "cut short");
    fs::write(&path, &whole).expect("a file");
    let file = OpenOptions::new().write(true).open(&path).expect("a file");
    file.write_all_at(&[0; 36], 0).expect("it is not finished");
    assert!(Seen::open(&run_dir, key()).is_err(), "not finished");
    remove(&run_dir).expect("it is removed");
    assert!(Seen::open(&run_dir, key()).expect("nothing").is_none());
}
