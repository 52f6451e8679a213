//! From a file's own columns and words to the API's fields and values.

use serde_json::{Value, json};

use crate::harness::{End, Scenario};

/// Stands in values of these files, so that none can be shown unnoticed.
const CANARY: &str = "canary-71c9";

/// What the sandbox was sent, customer by customer.
fn sent(end: &End) -> Vec<(u64, Value)> {
    end.ledger.0.iter().map(|update| (update.id, update.body.clone())).collect()
}

/// An input that is sent to a sandbox row by row.
fn file(name: &str, content: &str) -> Scenario {
    Scenario::new().file(name, content).flags(["--max-in-flight", "1", "--max-errors", "none"]).sandbox(|_| {})
}

/// Neither run nor check begins anything: exit code 2, and this message.
fn is_refused(scenario: &Scenario, message: &str) {
    for end in [scenario.run([]), scenario.check([])] {
        let end = end.exits(2).says(message);
        end.is_not_shown(CANARY);
        assert!(end.files.is_empty(), "nothing was begun: {:?}", end.files.keys());
    }
    assert_eq!(scenario.counts().requests, 0, "nothing was sent");
}

#[test]
fn header_names_may_be_spelt_loosely_and_it_is_said_which() {
    const FILE: &str = "Customer-ID,First Name,E-MAIL,NOTES\n7,Zo\u{eb},a@example.com,x\n";
    let scenario = || file("a.csv", FILE).flags(["-m", "customer id=id", "--ignore", "Notes"]);
    let end = scenario().flags(["--loose-headers"]).run([]).exits(0);
    assert_eq!(sent(&end), [(7, json!({"first_name": "Zo\u{eb}", "email": "a@example.com"}))]);
    let said = "a.csv: column 1 `Customer-ID` is taken for customer id, column 2 `First Name` is taken for first_name, \
        column 3 `E-MAIL` is taken for email, column 4 `NOTES` is taken for Notes (--loose-headers)";
    let end = end.says(said);
    assert_eq!(end.stderr.matches("is taken for").count(), 4, "it is said once: {}", end.stderr);
    is_refused(
        &scenario(),
        "a.csv:1: column 2 `First Name` is no field of the API; did you mean `first_name`? (--loose-headers takes it",
    );
}

#[test]
fn keys_are_never_spelt_loosely() {
    let scenario = file("a.ndjson", "{\"ID\":7,\"Job\":\"x\"}\n").flags(["--loose-headers"]);
    let end = scenario.run([]).exits(1).counts([0, 1, 0, 0, 0]);
    let message = end.results().row(1)["errors"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("has the key `ID`, which is no field of the API; did you mean `id`?"), "{message}");
}

#[test]
fn a_run_is_only_continued_with_the_same_spelling() {
    let scenario = file("a.csv", "id,job\n7,x\n");
    scenario.run([]).exits(0);
    scenario.run(["--loose-headers"]).exits(5).says("holds a run with other settings (loose-headers)");
}
