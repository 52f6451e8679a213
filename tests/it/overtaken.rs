//! A row that is sent after later rows of its customer were updated loses nothing and undoes
//! nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::harness::{End, Reply, Request, Scenario};

/// A row that fails is not tried again in the same process.
const ONCE: [&str; 2] = ["--attempts", "1"];
const TRUST: [&str; 2] = ["--left-out", "trust"];

/// A server that answers requests with `old` with this status, until it is switched to success.
struct Case {
    scenario: Scenario,
    is_over: Arc<AtomicBool>,
}

impl Case {
    fn new(status: u16, take_input: impl FnOnce(Scenario) -> Scenario) -> Case {
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        // It is found out by the answers whether it keeps fields that are left out.
        let scenario = Scenario::new()
            .flags(ONCE)
            .variable("CUSTSYNC_LEFT_OUT", "probe")
            .unlimited()
            .server(move |request| {
                let is_refused = request.text.contains("old") && !ends.load(Ordering::SeqCst);
                if is_refused {
                    Reply::error(status, "scripted")
                } else {
                    Reply::updated()
                }
            });
        Case {
            scenario: take_input(scenario),
            is_over,
        }
    }

    /// A run of `rows`, a file of these three columns, with trouble that ends after a first run.
    fn after_trouble(status: u16, rows: &str) -> Case {
        let case = Case::new(status, |scenario| {
            scenario.file("customers.csv", file(rows))
        });
        case.scenario.run([]).exits(1);
        case.is_over.store(true, Ordering::SeqCst);
        case
    }

    fn sent(&self) -> usize {
        self.updates().count()
    }

    fn updates(&self) -> impl Iterator<Item = Request> {
        let requests = self.scenario.requests().into_iter();
        requests.filter(|request| request.line.starts_with("PUT"))
    }

    /// The bodies that were sent after this many requests.
    fn bodies_after(&self, requests: usize) -> Vec<Value> {
        self.updates()
            .skip(requests)
            .map(|request| request.body)
            .collect()
    }
}

fn file(rows: &str) -> String {
    format!("id,email,job,address\n{rows}")
}

/// Checks that the last entry of row 1 has this outcome, these fields and these overtaken fields.
fn says_of_row_1(end: &End, outcome: &str, fields: &Value, overtaken: &Value) {
    let results = end.results();
    let entries = results.by_row();
    let entry = entries[&1];
    assert_eq!(
        (&entry["outcome"], &entry["fields"], &entry["overtaken"]),
        (&json!(outcome), fields, overtaken)
    );
}

#[test]
fn a_failed_row_overtaken_by_a_later_row_is_reported_and_sent_in_part_if_put_is_trusted() {
    let case = Case::after_trouble(
        503,
        "1,old@example.com,Nurse,\n1,new@example.com,,\n2,b@example.com,,\n",
    );
    let sent = case.sent();
    let told = case.scenario.run([]).exits(1).counts([2, 0, 0, 1, 0]);
    says_of_row_1(&told, "failed", &json!(["email", "job"]), &json!(["email"]));
    assert_eq!(
        case.sent(),
        sent,
        "sent whole, it would put an old address over a newer one"
    );

    let again = case.scenario.run([]).exits(1).counts([2, 0, 0, 1, 0]);
    assert_eq!(
        again.results().lines,
        told.results().lines,
        "an unchanged outcome is not recorded again"
    );

    let end = case.scenario.run(TRUST).exits(0).counts([3, 0, 0, 0, 0]);
    assert_eq!(case.bodies_after(sent), [json!({"job": "Nurse"})]);
    says_of_row_1(&end, "updated", &json!(["job"]), &Value::Null);
    assert!(!end.files.contains_key("failed.csv"));
}

#[test]
fn a_rejected_row_that_a_later_one_has_overtaken_keeps_its_outcome_or_is_sent_in_part() {
    let case = Case::after_trouble(422, "1,old@example.com,Nurse,\n1,new@example.com,,\n");
    let sent = case.sent();
    let told = case
        .scenario
        .run(["--retry", "rejected"])
        .exits(1)
        .counts([1, 0, 1, 0, 0]);
    says_of_row_1(
        &told,
        "rejected",
        &json!(["email", "job"]),
        &json!(["email"]),
    );
    assert_eq!(case.sent(), sent);
    case.scenario.run(TRUST).exits(1).counts([1, 0, 1, 0, 0]);
    assert_eq!(case.sent(), sent, "rejected rows are not asked for");
    let end = case
        .scenario
        .run(["--retry", "rejected", "--left-out", "trust"])
        .exits(0)
        .counts([2, 0, 0, 0, 0]);
    assert_eq!(case.bodies_after(sent), [json!({"job": "Nurse"})]);
    says_of_row_1(&end, "updated", &json!(["job"]), &Value::Null);
}

#[test]
fn a_row_that_was_skipped_at_first_does_not_undo_a_later_row() {
    // The rows, and the part of row 1 that is sent if PUT is trusted; `None` if no part is left.
    let cases = [
        ("1,first@example.com,,\n1,new@example.com,,\n", None),
        (
            "1,,Nurse,\n1,new@example.com,,\n",
            Some(json!({"job": "Nurse"})),
        ),
        (
            "1,first@example.com,Nurse,\n1,new@example.com,,\n",
            Some(json!({"job": "Nurse"})),
        ),
        (
            "1,NULL,NULL,\n1,new@example.com,,\n",
            Some(json!({"job": null})),
        ),
    ];
    for (rows, fragment) in cases {
        let case = Case::new(503, |scenario| {
            scenario
                .file("customers.csv", file(rows))
                .flags(["--null-string", "NULL"])
        });
        case.scenario
            .run(["--skip-rows", "1"])
            .exits(0)
            .counts([1, 0, 0, 0, 0]);
        let Some(fragment) = fragment else {
            let end = case.scenario.run([]).exits(0).counts([1, 0, 0, 0, 0]);
            says_of_row_1(&end, "superseded", &json!(["email"]), &Value::Null);
            assert_eq!(case.sent(), 1, "{rows}");
            continue;
        };
        let told = case.scenario.run([]).exits(1).counts([1, 0, 0, 1, 0]);
        assert_eq!(told.results().by_row()[&1]["error"], "overtaken", "{rows}");
        assert_eq!(
            told.results().by_row()[&1]["overtaken"],
            json!(["email"]),
            "{rows}"
        );
        assert_eq!(case.sent(), 1, "{rows}");
        case.scenario.run(TRUST).exits(0).counts([2, 0, 0, 0, 0]);
        assert_eq!(case.bodies_after(1), [fragment], "{rows}");
    }
}

#[test]
fn an_invalid_row_that_a_later_one_has_overtaken_says_so() {
    let rows = file("1,no address,Nurse,\n1,new@example.com,,\n");
    let case = Case::new(503, |scenario| scenario.file("customers.csv", rows));
    case.scenario.run(["--skip-rows", "1"]).exits(0);
    let end = case.scenario.run([]).exits(1).counts([1, 1, 0, 0, 0]);
    assert_eq!(end.results().by_row()[&1]["overtaken"], json!(["email"]));
}

#[test]
fn rows_that_are_piped_again_are_overtaken_too() {
    let rows = file("1,old@example.com,Nurse,\n1,new@example.com,,\n2,b@example.com,,\n");
    let case = Case::new(503, |scenario| scenario.stdin(rows));
    case.scenario.run([]).exits(1);
    case.is_over.store(true, Ordering::SeqCst);
    let sent = case.sent();
    let told = case.scenario.run([]).exits(1).counts([2, 0, 0, 1, 0]);
    says_of_row_1(&told, "failed", &json!(["email", "job"]), &json!(["email"]));
    assert_eq!(case.sent(), sent);
    case.scenario.run(TRUST).exits(0).counts([3, 0, 0, 0, 0]);
    assert_eq!(case.bodies_after(sent), [json!({"job": "Nurse"})]);
}

#[test]
fn the_first_of_three_rows_is_due_for_the_fields_that_the_others_do_not_set() {
    let others = "1,new@example.com,,\n1,,Clerk,\n2,b@example.com,,\n";
    let case = Case::after_trouble(503, &format!("1,old@example.com,Nurse,Main St 1\n{others}"));
    let sent = case.sent();
    // The answer to the third row shows that the API has kept what the second one has set.
    case.scenario.run([]).exits(0).counts([4, 0, 0, 0, 0]);
    assert_eq!(case.bodies_after(sent), [json!({"address": "Main St 1"})]);

    let case = Case::after_trouble(503, &format!("1,old@example.com,Nurse,\n{others}"));
    let sent = case.sent();
    let end = case.scenario.run([]).exits(0).counts([3, 0, 0, 0, 0]);
    says_of_row_1(&end, "superseded", &json!(["email", "job"]), &Value::Null);
    assert_eq!(case.sent(), sent);
}

#[test]
fn a_narrower_window_continues_a_run() {
    let rows = file("1,a@example.com,,\n2,b@example.com,,\n3,c@example.com,,\n");
    let case = Case::new(503, |scenario| scenario.file("customers.csv", rows));
    case.scenario.run([]).exits(0).counts([3, 0, 0, 0, 0]);
    for window in [["--skip-rows", "1"], ["--max-rows", "1"]] {
        case.scenario.run(window).exits(0);
    }
    assert_eq!(case.sent(), 3);
}
