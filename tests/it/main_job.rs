//! The main job: a file is read, customers are updated and every row has an outcome, despite faults
//! on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::harness::{CustomerRow, Customers, End, Form, Scenario};

const ROWS: usize = 5_000;
const BAD_PERCENT: usize = 3;
const FAULTS: &str = "503=1%,500=0.5%,reset=0.3%,truncate=0.2%";

#[test]
fn every_row_of_a_csv_file_is_accounted_for() {
    proves_the_main_job(Form::Csv, 1);
}

#[test]
fn every_row_of_an_ndjson_file_is_accounted_for() {
    proves_the_main_job(Form::Ndjson, 2);
}

fn proves_the_main_job(form: Form, seed: u64) {
    let customers = Customers::with_bad(ROWS, BAD_PERCENT, form, seed);
    let scenario = Scenario::new()
        .rows(form, &customers)
        .unlimited()
        .sandbox(|options| {
            options.faults = FAULTS.parse().expect("a plan of faults");
            options.latency.max = Duration::from_millis(2);
            options.seed = seed;
        });
    // Many attempts, so that no row fails by bad luck.
    let end = scenario.run(["--attempts", "10"]).exits(1);

    let (valid, bad) = (
        customers.valid().count() as u64,
        customers.bad().count() as u64,
    );
    assert!(bad > 100, "{bad} bad rows");
    let retries = scenario.counts().faults_injected();
    assert!(retries > 50, "{retries} faults");
    let end = end.counts([valid, bad, 0, 0, 0]);
    valid_rows_are_applied_in_order(&end, &customers);
    bad_rows_are_named(&end, &customers, form);
    end.results().settle_each_of(ROWS);
    assert_eq!(
        end.results().attempts(),
        scenario.counts().requests,
        "each request is one row's attempt"
    );

    corrected_rows_complete_the_state(&scenario, &end, &customers, form);
}

/// Checks that the ledger has the bodies of each customer's rows in file order, with repeats of
/// retried rows only.
fn valid_rows_are_applied_in_order(end: &End, customers: &Customers) {
    let results = end.results();
    let by_row = results.by_row();
    let was_retried = |row: &u64| by_row[row]["attempts"].as_u64() > Some(1);
    let retried = customers.valid().filter(|(row, _)| was_retried(row));
    let retried: BTreeSet<String> = retried
        .map(|(_, row)| row.body()["identity_number"].to_string())
        .collect();

    let mut applied: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
    for update in &end.ledger.0 {
        let bodies = applied.entry(update.id).or_default();
        if bodies.last() == Some(&update.body) {
            let number = update.body["identity_number"].to_string();
            assert!(
                retried.contains(&number),
                "row {number} was applied twice, but tried once"
            );
        } else {
            bodies.push(update.body.clone());
        }
    }
    assert_eq!(applied, customers.bodies_by_customer());
}

/// Checks that each invalid row has its one error in the results and is in the file of failed rows,
/// and that no other row is.
fn bad_rows_are_named(end: &End, customers: &Customers, form: Form) {
    let results = end.results();
    let failed = end.failed_rows(form);
    let rows: Vec<u64> = failed
        .iter()
        .map(|failed| customers.row_at(form, failed.line()))
        .collect();
    assert_eq!(
        rows,
        customers
            .bad()
            .map(|(number, ..)| number)
            .collect::<Vec<_>>(),
        "failed rows, in file order"
    );
    for ((number, _, flaw), failed) in customers.bad().zip(&failed) {
        let line = results.row(number);
        assert_eq!(line["outcome"], "invalid", "{line}");
        let errors = line["errors"]
            .as_array()
            .expect("an invalid row has errors");
        let errors: Vec<_> = errors
            .iter()
            .map(|error| (&error["field"], &error["code"]))
            .collect();
        assert_eq!(
            errors,
            [(&flaw.field.into(), &flaw.code.into())],
            "row {number}: {line}"
        );
        assert_eq!(failed.outcome, "invalid");
        let said = failed.error.starts_with(flaw.field)
            && failed.error.contains(&format!("({})", flaw.code));
        assert!(said, "{failed:?} names {} and {}", flaw.field, flaw.code);
    }
}

/// Checks that the failed rows, once corrected, end well, and that the API then has the state of a
/// file without mistakes: values of later rows stay. Only if a row's customer could not be read, it
/// is unknown what overtook the row.
fn corrected_rows_complete_the_state(
    scenario: &Scenario,
    end: &End,
    customers: &Customers,
    form: Form,
) {
    let name = format!("failed.{}", form.extension());
    scenario.write(&name, customers.corrected(form, end.file(&name)));
    let url = scenario.sandbox_thread().base_url();
    let flags = "--null-string NULL --rate unlimited --attempts 10";
    scenario
        .shell(&format!(
            "custsync run {name} --run-dir corrected --base-url {url} {flags}"
        ))
        .exits(0);

    let results = end.results();
    let set_later = |number: u64, row: &CustomerRow| -> BTreeSet<String> {
        let later = customers
            .valid()
            .filter(|(later, other)| *later > number && other.id == row.id);
        later
            .flat_map(|(_, later)| later.fields().into_iter().map(|(field, _)| field))
            .collect()
    };
    for ((number, row, _), failed) in customers.bad().zip(end.failed_rows(form)) {
        let overtaken: BTreeSet<String> = failed.overtaken.into_iter().collect();
        let want = if results.row(number)["id"].is_u64() {
            set_later(number, row)
        } else {
            BTreeSet::new()
        };
        assert_eq!(
            overtaken, want,
            "row {number}: the fields that later rows have set"
        );
    }
    let corrected = customers.bad().map(|(number, row, _)| {
        let mut fields = row.fields();
        if results.row(number)["id"].is_u64() {
            fields.retain(|field, _| !set_later(number, row).contains(field));
        }
        (row.id, fields)
    });
    scenario.holds_updates(
        customers
            .valid()
            .map(|(_, row)| (row.id, row.fields()))
            .chain(corrected),
    );
}
