//! An undo that cannot work says why, and sends nothing.

use std::fs;

use custsync::testing::sandbox::Reads;

use crate::harness::{End, Scenario};

const ROWS: &str = "id,first_name,country_id\n1,Zoe,\n2,Ann,5\n3,Bob,7\n4,Eve,\n";

/// A run of `ROWS` with these flags.
fn ended<const N: usize>(flags: [&str; N]) -> Scenario {
    let scenario = Scenario::new()
        .file("customers.csv", ROWS)
        .unlimited()
        .sandbox(|options| options.tenant = None);
    scenario.run(flags).exits(0);
    scenario
}

/// Checks that an undo with these flags ends like this, and that no request is sent.
fn refuses<const N: usize>(scenario: &Scenario, flags: [&str; N], code: i32, text: &str) -> End {
    let before = scenario.counts();
    let end = scenario.undo(flags).exits(code).says(text);
    assert_eq!(
        scenario.counts().requests,
        before.requests,
        "nothing is sent"
    );
    assert!(
        scenario.read("run/undo/results.ndjson").is_none(),
        "no undo has begun"
    );
    end
}

#[test]
fn what_cannot_be_put_back_is_named_by_field_and_number() {
    let scenario = ended(["--undoable"]);
    let end = refuses(
        &scenario,
        [],
        2,
        "2 customers cannot be put back as a whole; country_id of 2: the API shows a name whose id is not known ([values.country_id])",
    );
    end.says("to put back the other fields: --without-field country_id; nothing was sent");
    refuses(&scenario, ["--without-field", "job"], 2, "country_id of 2");
    // Several fields at once, as the message names them.
    scenario
        .undo(["--without-field", "job,country_id"])
        .exits(0);
    assert_eq!(scenario.sandbox_thread().customer(2)["country_id"], 5);
    assert_ne!(scenario.sandbox_thread().customer(2)["first_name"], "Ann");
}

#[test]
fn a_country_that_the_user_names_can_be_put_back() {
    let scenario = Scenario::new()
        .file("customers.csv", "id,country_id\n1,5\n")
        .sandbox(|_| {});
    let country = scenario.sandbox_thread().customer(1)["country_id"].clone();
    scenario.run(["--undoable"]).exits(0);
    refuses(&scenario, [], 2, "country_id of 1");
    let values = format!("country_id:Country {country}={country}");
    scenario.undo(["--values", &values]).exits(0);
    assert_eq!(scenario.sandbox_thread().customer(1)["country_id"], country);
}

#[test]
fn old_values_that_may_not_be_sent_are_named() {
    let scenario = Scenario::new()
        .file(
            "customers.csv",
            "id,first_name,phone_number,email\n1,Zoe,,\n2,,+4930123,\n3,,,new@example.com\n",
        )
        .sandbox(|_| {});
    let sandbox = scenario.sandbox_thread();
    for (customer, field, old) in [
        (1, "first_name", serde_json::Value::Null),
        (2, "phone_number", "0".repeat(30).into()),
        (3, "email", "none".into()),
    ] {
        sandbox.edit(customer, field, old).expect("it is there");
    }
    scenario.run(["--undoable"]).exits(0);
    let end = refuses(
        &scenario,
        [],
        2,
        "3 customers cannot be put back as a whole",
    );
    let end = end.says("; first_name of 1: it is empty and must not be; ");
    let end = end.says("; phone_number of 1: the API accepts no such value (");
    let end = end.says("; email of 1: the API accepts no such value (");
    end.is_not_shown(&"0".repeat(30));
}

#[test]
fn another_api_is_refused_by_name() {
    let scenario = ended(["--undoable"]);
    let end = scenario.custsync(["undo", "run", "--base-url", "http://127.0.0.1:1/api"]);
    end.exits(5).says("another base-url (`");
    refuses(&scenario, ["--tenant", "8"], 5, "another tenant (");
}

#[test]
fn a_run_without_images_is_refused() {
    let scenario = ended([]);
    refuses(&scenario, [], 2, "only a run with --undoable can be undone");
    let scenario = ended(["--undoable"]);
    fs::remove_file(scenario.path("run/before.ndjson")).expect("the images are there");
    refuses(
        &scenario,
        [],
        2,
        "run/before.ndjson is gone: without it, nothing can be put back",
    );
}

#[test]
fn what_is_no_run_is_refused() {
    let scenario = ended(["--undoable"]);
    fs::create_dir(scenario.path("empty")).expect("the directory can be made");
    let url = scenario.url().expect("a sandbox");
    for (directory, code, text) in [
        ("empty", 5, "empty holds no run: it has no results.ndjson"),
        (
            "missing",
            5,
            "missing holds no run: it has no results.ndjson",
        ),
        (
            "checked",
            2,
            "checked holds a check, which has sent nothing",
        ),
    ] {
        scenario
            .custsync(["check", "customers.csv", "--run-dir", "checked"])
            .exits(0);
        let end = scenario.custsync(["undo", directory, "--base-url", &url]);
        end.exits(code).says(text);
        assert!(!scenario.path("missing").exists(), "nothing is made");
    }
}

#[test]
fn damaged_images_are_refused_at_their_place() {
    let scenario = ended(["--undoable"]);
    let images = scenario.read("run/before.ndjson").expect("images");
    // The third line: what was synced before it is whole.
    let second_end = images
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n');
    let offset = second_end
        .map(|(at, _)| at + 1)
        .nth(1)
        .expect("three lines");
    scenario.edit("run/before.ndjson", |images| images[offset + 20] ^= 1);
    let text = format!("byte {offset}");
    refuses(&scenario, [], 5, &text).says("run/before.ndjson");
}

#[test]
fn a_run_that_still_works_is_not_undone() {
    let scenario = Scenario::new()
        .file("customers.csv", ROWS)
        .sandbox(|options| options.latency = "200ms".parse().expect("a time"));
    let running = scenario.start(["--undoable", "--max-in-flight", "1"]);
    let running = running.until("the first update", |scenario| {
        scenario.counts().writes() > 0
    });
    scenario.undo([]).exits(5).says("another process");
    running.end().exits(0);
}

#[test]
fn reads_that_the_api_refuses_stop_an_undo() {
    let scenario = Scenario::new()
        .file("customers.csv", ROWS.replace(",5", ",").replace(",7", ","))
        .sandbox(|options| {
            options.reads = Reads::Forbidden;
            options.reads_after = 4;
        });
    scenario.run(["--undoable"]).exits(0);
    let writes = scenario.counts().writes();
    scenario.undo([]).exits(3);
    assert_eq!(scenario.counts().writes(), writes, "nothing is sent");
    let journal = scenario.read("run/results.ndjson").expect("a journal");
    let journal = String::from_utf8(journal).expect("UTF-8");
    assert!(
        !journal.contains("\"undone\""),
        "the run is not being undone"
    );
}
