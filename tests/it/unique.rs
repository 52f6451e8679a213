//! `--unique` sends all rows of a customer, only the first, or only the last.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Customers, End, FailedRow, Form, Ledger, Reply, Scenario, failed_rows};

/// Customers 7 and 8 are in both files. The last row of 8 is invalid, and so is the first row of 9.
const FIRST: &str = "id,job\n7,a\n8,b\n9,\n007,c\n10,d\n8,e\n";
const SECOND: &str = "id,job\n7,f\n8,\n9,g\n10,h\n11,i\n";

fn two_files(unique: &str) -> Scenario {
    let scenario = Scenario::new()
        .file("a.csv", FIRST)
        .file("b.csv", SECOND)
        .unlimited()
        .sandbox(|_| {});
    scenario.flags([
        "--max-errors",
        "none",
        "--empty",
        "error",
        "--unique",
        unique,
    ])
}

/// The jobs that were sent, with their customers, in the order of the customers and then of the
/// requests.
fn sent(ledger: &Ledger) -> Vec<(u64, String)> {
    let job = |body: &Value| body["job"].as_str().expect("a job").to_owned();
    let mut sent: Vec<_> = ledger
        .0
        .iter()
        .map(|applied| (applied.id, job(&applied.body)))
        .collect();
    sent.sort_by_key(|(id, _)| *id);
    sent
}

fn owned(want: &[(u64, &str)]) -> Vec<(u64, String)> {
    want.iter()
        .map(|(id, job)| (*id, (*job).to_owned()))
        .collect()
}

/// The rows with this outcome.
fn rows(end: &End, outcome: &str) -> Vec<u64> {
    let results = end.results();
    let rows = results
        .by_row()
        .into_iter()
        .filter(|(_, line)| line["outcome"] == outcome);
    rows.map(|(row, _)| row).collect()
}

#[test]
fn all_rows_of_a_customer_are_sent_in_order_unless_asked_otherwise() {
    let scenario = two_files("all");
    let end = scenario.run([]).exits(1).counts([9, 2, 0, 0, 0]);
    let want = [
        (7, "a"),
        (7, "c"),
        (7, "f"),
        (8, "b"),
        (8, "e"),
        (9, "g"),
        (10, "d"),
        (10, "h"),
        (11, "i"),
    ];
    assert_eq!(sent(&end.ledger), owned(&want));
}

#[test]
fn the_last_valid_row_of_a_customer_can_be_sent_alone() {
    let scenario = two_files("last");
    let end = scenario
        .run([])
        .exits(1)
        .counts([5, 2, 0, 0, 0])
        .prints("records  11 = 5 updated + 2 invalid + 4 superseded\n");
    let want = owned(&[(7, "f"), (8, "e"), (9, "g"), (10, "h"), (11, "i")]);
    assert_eq!(sent(&end.ledger), want);
    assert_eq!(rows(&end, "superseded"), [1, 2, 4, 5]);
    assert_eq!(end.results().row(4)["id"], 7);
    assert_eq!(
        end.summary()["warnings"],
        json!([]),
        "nothing is left that the user does not know"
    );
    let failed = ["failed-1.csv", "failed-2.csv"]
        .map(|name| String::from_utf8_lossy(end.file(name)).into_owned());
    assert_eq!(
        failed.map(|file| file.lines().count()),
        [2, 2],
        "a superseded row has not failed"
    );

    // Running it again changes nothing.
    let again = scenario.run([]).exits(1).counts([5, 2, 0, 0, 0]);
    assert_eq!(again.summary()["superseded"], 4);
    assert_eq!(again.results().lines, end.results().lines);
    assert_eq!(sent(&again.ledger), want);
}

#[test]
fn superseded_rows_are_no_errors() {
    let scenario = Scenario::new()
        .file("a.csv", "id,job\n7,a\n7,b\n")
        .sandbox(|_| {});
    let end = scenario
        .run(["--unique", "last"])
        .exits(0)
        .counts([1, 0, 0, 0, 0]);
    assert_eq!(end.summary()["superseded"], 1);
    assert!(!end.files.contains_key("failed.csv"));
}

#[test]
fn a_check_reports_which_rows_a_run_would_leave() {
    let end = two_files("last")
        .check([])
        .exits(1)
        .prints("records  11 = 5 valid + 2 invalid + 4 superseded\n");
    assert_eq!(end.summary()["superseded"], 4);
    assert_eq!(
        end.results().lines.len(),
        2,
        "a line for each invalid row, and no other"
    );
}

#[test]
fn the_last_row_is_the_last_of_those_that_take_part() {
    let scenario = two_files("last").flags(["--skip-rows", "1", "--max-rows", "5"]);
    let end = scenario.run([]).exits(1).counts([3, 1, 0, 0, 0]);
    assert_eq!(sent(&end.ledger), owned(&[(7, "c"), (8, "e"), (10, "d")]));
    assert_eq!(rows(&end, "superseded"), [2]);
}

#[test]
fn a_row_that_is_appended_is_the_last_one_then() {
    let scenario = Scenario::new()
        .file("a.csv", "id,job\n7,a\n8,b\n7,c\n")
        .flags(["--unique", "last"])
        .sandbox(|_| {});
    scenario.run([]).exits(0).counts([2, 0, 0, 0, 0]);
    scenario.write("a.csv", "id,job\n7,a\n8,b\n7,c\n7,d\n8,e\n8,f\n");
    let end = scenario.run([]).exits(0).counts([4, 0, 0, 0, 0]);
    assert_eq!(
        sent(&end.ledger),
        owned(&[(7, "c"), (7, "d"), (8, "b"), (8, "f")])
    );
    assert_eq!(
        rows(&end, "superseded"),
        [1, 5],
        "an updated row stays updated"
    );
}

#[test]
fn a_failed_row_that_is_no_longer_the_last_is_not_sent_again() {
    let is_healthy = Arc::new(AtomicBool::new(false));
    let server = is_healthy.clone();
    let scenario = Scenario::new().file("a.csv", "id,job\n7,a\n").flags([
        "--unique",
        "last",
        "--attempts",
        "1",
    ]);
    let scenario = scenario.server(move |_| {
        if server.load(Ordering::Relaxed) {
            Reply::updated()
        } else {
            Reply::error(500, "server_error")
        }
    });
    // Nothing was ever applied, so only the longest wait shows that the row is at fault.
    scenario
        .run(["--max-wait", "1s"])
        .exits(1)
        .counts([0, 0, 0, 1, 0]);
    is_healthy.store(true, Ordering::Relaxed);
    scenario.write("a.csv", "id,job\n7,a\n7,b\n");
    let end = scenario.run([]).exits(0).counts([1, 0, 0, 0, 0]);
    assert_eq!(end.summary()["superseded"], 1);
    let mut jobs: Vec<_> = scenario
        .requests()
        .iter()
        .map(|request| request.body["job"].clone())
        .collect();
    jobs.dedup();
    assert_eq!(jobs, ["a", "b"]);
}

#[test]
fn after_a_kill_each_customer_has_its_last_row_alone() {
    let customers = Customers::in_turn(2_000, 2, 6);
    let scenario = Scenario::new()
        .csv(&customers)
        .unlimited()
        .flags(["--unique", "last"])
        .sandbox(|options| {
            options.latency = "4ms".parse().unwrap();
        });
    let running = scenario
        .start([])
        .until("updates", |scenario| scenario.counts().applied >= 500);
    let ledger = running.signal(Signal::KILL).end().exits(137).ledger;
    assert!(ledger.len() < 2_000, "it was killed in its middle");
    let end = scenario.run([]).exits(0).counts([2_000, 0, 0, 0, 0]);
    assert_eq!(end.summary()["superseded"], 2_000);
    end.results().settle_each_of(4_000);
    let (applied, _) = end.ledger.without_repeats();
    let last = |bodies: Vec<Value>| {
        bodies
            .into_iter()
            .next_back()
            .into_iter()
            .collect::<Vec<_>>()
    };
    let want = customers
        .bodies_by_customer()
        .into_iter()
        .map(|(id, bodies)| (id, last(bodies)))
        .collect();
    assert_eq!(applied, want);
}

#[test]
fn an_input_that_can_be_read_only_once_has_no_last_rows() {
    let scenario = Scenario::new().stdin("id,job\n7,a\n").sandbox(|_| {});
    for end in [
        scenario.run(["--unique", "last"]),
        scenario.check(["--unique", "last"]),
    ] {
        let end = end
            .exits(2)
            .says("standard input: --unique last reads the input twice")
            .says("or use --unique reject");
        assert!(
            end.files.is_empty(),
            "nothing was begun: {:?}",
            end.files.keys()
        );
    }
    assert_eq!(scenario.counts().requests, 0);

    let scenario = Scenario::new()
        .input("pipe")
        .flags(["--unique", "last"])
        .sandbox(|_| {});
    mknodat(CWD, scenario.path("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    scenario
        .run([])
        .exits(2)
        .says("pipe: --unique last reads the input twice");
    Scenario::new()
        .input("none.csv")
        .flags(["--unique", "last"])
        .check([])
        .exits(2)
        .says("none.csv: no such file");
}

#[test]
fn a_second_row_of_a_customer_can_be_refused() {
    let check = two_files("reject").check([]).exits(1);
    let check =
        check.prints("   5  id     a.csv:5   duplicates an earlier row (--unique reject)\n");
    assert_eq!(rows(&check, "invalid"), [3, 4, 6, 7, 8, 10]);
    assert_eq!(check.results().row(4)["errors"][0]["code"], "duplicate");
    assert_eq!(check.results().row(4)["id"], 7);

    let scenario = two_files("reject");
    let run = scenario.run([]).exits(1).counts([5, 6, 0, 0, 0]);
    assert_eq!(
        sent(&run.ledger),
        owned(&[(7, "a"), (8, "b"), (9, "g"), (10, "d"), (11, "i")])
    );
    let checked = |end: &End| {
        ["errors", "warnings", "records", "fields_left_out"].map(|key| end.summary()[key].clone())
    };
    assert_eq!(checked(&run), checked(&check));
    for file in ["failed-1.csv", "failed-2.csv"] {
        assert_eq!(listed(&run, file), listed(&check, file), "{file}");
    }
    let again = scenario.run([]).exits(1).counts([5, 6, 0, 0, 0]);
    assert_eq!(again.results().lines, run.results().lines);
}

#[test]
fn rows_are_refused_for_those_that_an_earlier_process_has_sent() {
    let scenario = Scenario::new()
        .stdin("id,job\n7,a\n8,b\n7,c\n")
        .flags(["--unique", "reject"]);
    let mut scenario = scenario.flags(["--max-errors", "none"]).sandbox(|_| {});
    scenario
        .run(["--max-rows", "2"])
        .exits(0)
        .counts([2, 0, 0, 0, 0]);
    scenario.pipe("id,job\n7,a\n8,b\n7,c\n9,d\n");
    let end = scenario.run([]).exits(1).counts([3, 1, 0, 0, 0]);
    assert_eq!(sent(&end.ledger), owned(&[(7, "a"), (8, "b"), (9, "d")]));
}

#[test]
fn a_long_file_is_checked_as_it_is_sent() {
    let customers = Customers::with_bad(6_000, 3, Form::Csv, 12);
    let scenario = || {
        Scenario::new()
            .csv(&customers)
            .flags(["--unique", "reject", "--max-errors", "none"])
    };
    let check = scenario().check([]).exits(1);
    let sending = scenario().unlimited().sandbox(|_| {});
    let run = sending.run([]).exits(1);
    let customers_named = customers.bodies_by_customer().len();
    assert_eq!(run.ledger.len(), customers_named);
    assert_eq!(check.summary()["valid"], customers_named);
    assert_eq!(check.summary()["errors"], run.summary()["errors"]);
    assert_eq!(listed(&check, "failed.csv"), listed(&run, "failed.csv"));
}

/// The failed rows of a file, with their outcomes. A check does not know what later rows will set.
fn listed(end: &End, file: &str) -> Vec<(String, String)> {
    let rows = failed_rows(Form::Csv, end.file(file));
    rows.into_iter()
        .map(|row| (row.place, row.outcome))
        .collect()
}

#[test]
fn rows_are_chosen_in_one_way_over_a_whole_run() {
    let scenario = Scenario::new()
        .file("a.csv", "id,job\n7,a\n7,b\n")
        .sandbox(|_| {});
    scenario.run(["--unique", "last"]).exits(0);
    scenario
        .run([])
        .exits(5)
        .says("holds a run with another unique (`last`, now `all`)");
    assert_eq!(scenario.counts().requests, 1);
}

#[test]
fn a_fault_far_into_the_input_is_found_before_anything_is_sent() {
    // Beyond the beginning that is compared before each run.
    let pad = "x".repeat(990);
    let rows = (1..=34_000).map(|id| format!("{id},x,{pad}\n"));
    let file = format!("id,job,address\n{}7,\"x\n", rows.collect::<String>());
    let scenario = Scenario::new()
        .file("a.csv", file)
        .flags(["--unique", "last"])
        .sandbox(|_| {});
    scenario
        .run([])
        .exits(2)
        .says("a.csv:34002: the quote that opens here is never closed");
    assert_eq!(scenario.counts().requests, 0);
}

#[test]
fn explained_rows_show_their_outcome() {
    let scenario = Scenario::new()
        .file("a.csv", "id,job\n7,a\n8,b\n7,c\n")
        .flags(["--explain", "3"]);
    let last = scenario.check(["--unique", "last"]).exits(0);
    let (first, others) = last
        .stdout
        .split_once("row 2, ")
        .expect("row 2 is explained");
    assert!(
        first.contains("  not sent, because a later row of its customer is (--unique last)\n"),
        "{first}"
    );
    assert!(!others.contains("not sent, because"), "{others}");
    let reject = scenario.check(["--unique", "reject"]).exits(1);
    let (first_rows, third) = reject
        .stdout
        .split_once("row 3, ")
        .expect("row 3 is explained");
    assert!(!first_rows.contains("not sent"), "{first_rows}");
    assert!(
        third.contains("    id duplicates an earlier row (--unique reject) (duplicate)\n"),
        "{third}"
    );
}

/// A row is a partial update: the last row alone may not contain everything that the customer's
/// rows contain together.
#[test]
fn fields_that_only_earlier_rows_set_are_pointed_out() {
    let rows =
        "id,job,email,address\n7,Nurse,a@example.com,\n8,Clerk,,\n7,,b@example.com,\n8,Clerk,,x\n";
    let scenario = || Scenario::new().file("a.csv", rows).sandbox(|_| {});
    let flags = ["--unique", "last"];
    for end in [scenario().run(flags), scenario().check(flags)] {
        let warnings = end.exits(0).summary()["warnings"].clone();
        let found: Vec<_> = warnings
            .as_array()
            .expect("a list")
            .iter()
            .map(|warning| warning["code"].clone())
            .collect();
        assert_eq!(found, ["lost_with_earlier_row"], "{warnings}");
        assert_eq!(
            (&warnings[0]["field"], &warnings[0]["first"]),
            (&json!("job"), &json!(["a.csv:4"]))
        );
    }
}

/// Runs a file of failed rows, with the scenario's sandbox and these flags. Returns the number of
/// updated rows.
fn run_again(scenario: &Scenario, file: &str, flags: &[&str]) -> (End, u64) {
    let url = scenario.url().unwrap();
    scenario.write("again.csv", file);
    std::fs::remove_dir_all(scenario.path("again")).unwrap_or_default();
    let mut words = vec![
        "run",
        "again.csv",
        "--run-dir",
        "again",
        "--base-url",
        &url,
        "--rate",
        "unlimited",
    ];
    words.extend(["--max-errors", "none"].iter().chain(flags));
    let end = scenario.start_words(words).end();
    let summary: Value =
        serde_json::from_slice(&scenario.read("again/summary.json").unwrap()).unwrap();
    (end, summary["updated"].as_u64().unwrap())
}

/// An invalid row is also reported as a duplicate: once corrected, it would overwrite the row that
/// won.
#[test]
fn a_refused_row_is_not_sent_from_the_failed_rows_until_the_user_asks_for_it() {
    let scenario = Scenario::new()
        .file("a.csv", "id,job\n7,Nurse\n7,Baker\n8,\n8,Clerk\n8,\n")
        .unlimited()
        .sandbox(|_| {});
    let flags = [
        "--unique",
        "reject",
        "--empty",
        "error",
        "--max-errors",
        "none",
    ];
    let end = scenario.run(flags).exits(1).counts([2, 3, 0, 0, 0]);
    let failed = String::from_utf8_lossy(end.file("failed.csv")).into_owned();
    let rows = failed_rows(Form::Csv, failed.as_bytes());
    let withheld: Vec<_> = rows.iter().map(|row| row.overtaken.join(" ")).collect();
    assert_eq!(withheld, ["id_7", "job", "id_8"]);
    assert!(
        rows[0]
            .error
            .ends_with("; to send this row after all, remove `id_7` from custsync_overtaken"),
        "{failed}"
    );

    let before = end.ledger.len();
    for flags in [
        &["--unique", "reject", "--empty", "error"][..],
        &[],
        &["--unique", "last"],
    ] {
        let (end, updated) = run_again(&scenario, &failed, flags);
        let end = end.exits(1);
        assert_eq!((updated, end.ledger.len()), (0, before), "{flags:?}");
    }
    let again = String::from_utf8_lossy(&scenario.read("again/failed.csv").unwrap()).into_owned();
    let errors = failed_rows(Form::Csv, again.as_bytes())
        .into_iter()
        .map(|row| row.error);
    assert_eq!(
        errors.filter(|error| *error == rows[0].error).count(),
        1,
        "the same words: {again}"
    );

    let corrected = failed.replace(",8,\n", ",8,Cook\n");
    assert_eq!(
        run_again(&scenario, &corrected, &[]).1,
        0,
        "nor is the row that broke the contract"
    );
    assert_eq!(
        run_again(&scenario, &failed.replace(",7,Baker", ",9,Baker"), &[]).1,
        1,
        "another customer's row"
    );
    assert_eq!(
        run_again(&scenario, &failed.replace("id_7,", ","), &[]).1,
        1,
        "it is no longer withheld"
    );
    assert_eq!(
        run_again(&scenario, &corrected, &["--overtaken", "send"]).1,
        3
    );

    // A check reports the same, as far as it can know it.
    scenario
        .custsync([
            "check",
            "a.csv",
            "--run-dir",
            "check",
            "--unique",
            "reject",
            "--empty",
            "error",
        ])
        .exits(1);
    let of_check = failed_rows(Form::Csv, &scenario.read("check/failed.csv").unwrap());
    let known = |row: &FailedRow| {
        row.error
            .replace("; later rows of this customer have set job", "")
    };
    assert_eq!(
        of_check.iter().map(known).collect::<Vec<_>>(),
        rows.iter().map(known).collect::<Vec<_>>()
    );
}

#[test]
fn ndjson_rows_are_refused_too() {
    let rows = "{\"id\":7,\"job\":\"Nurse\"}\n{\"id\":7,\"job\":\"Baker\"}\n";
    let scenario = Scenario::new()
        .file("a.ndjson", rows)
        .unlimited()
        .sandbox(|_| {});
    let end = scenario
        .run(["--unique", "reject", "--max-errors", "none"])
        .exits(1);
    let failed = String::from_utf8_lossy(end.file("failed.ndjson")).into_owned();
    assert!(failed.contains("\"overtaken\":[\"id_7\"]"), "{failed}");
    assert_eq!(run_again(&scenario, &failed, &[]).1, 0);
    assert_eq!(
        run_again(&scenario, &failed.replace("\"id_7\"", ""), &[]).1,
        1
    );
}

#[test]
fn a_row_before_the_last_one_is_not_sent_when_it_is_corrected() {
    let rows = "id,email,job\n7,a@@example.org,Nurse\n7,b@example.org,\n8,@@,Clerk\n";
    let scenario = Scenario::new()
        .file("a.csv", rows)
        .unlimited()
        .sandbox(|_| {});
    let end = scenario
        .run(["--unique", "last", "--max-errors", "none"])
        .exits(1)
        .counts([1, 2, 0, 0, 0]);
    let failed = String::from_utf8_lossy(end.file("failed.csv")).into_owned();
    assert!(
        failed.contains("; a later row of this customer was sent instead"),
        "{failed}"
    );
    let corrected = failed.replace("a@@", "a@").replace(",@@", ",c@example.org");
    let before = end.ledger.len();
    let (end, updated) = run_again(&scenario, &corrected, &["--unique", "last"]);
    let end = end.exits(0);
    assert_eq!(
        (
            updated,
            end.ledger.0[before..]
                .iter()
                .map(|sent| sent.id)
                .collect::<Vec<_>>()
        ),
        (1, vec![8])
    );
    assert_eq!(
        run_again(&scenario, &corrected, &["--overtaken", "send"]).1,
        2
    );
}
