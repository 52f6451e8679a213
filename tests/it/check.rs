//! `check` and `run --dry-run` are the same: they accept exactly what `run` sends, and send
//! nothing.

use serde_json::{Value, json};

use crate::harness::{Customers, End, FailedRow, Form, Scenario};

/// A file with invalid rows, and no server.
fn customers() -> Customers {
    Customers::with_bad(400, 10, Form::Csv, 11)
}

/// The lines of the results without the parts that differ from run to run.
fn timeless_results(end: &End) -> Vec<Value> {
    let mut lines = end.results().lines;
    for line in &mut lines {
        let line = line.as_object_mut().expect("a line is an object");
        // Hashes are keyed by the run directory.
        for key in ["at", "hash", "crc"] {
            line.remove(key);
        }
    }
    lines.sort_by_key(|line| line["row"].as_u64());
    lines
}

fn timeless_summary(end: &End) -> Value {
    let mut summary = end.summary();
    for moment in ["started", "ended", "seconds"] {
        summary
            .as_object_mut()
            .expect("a summary is an object")
            .remove(moment);
    }
    summary
}

#[test]
fn a_dry_run_is_a_check() {
    let customers = customers();
    let check = Scenario::new().csv(&customers).check([]).exits(1);
    let dry_run = Scenario::new().csv(&customers).run(["--dry-run"]).exits(1);
    // Each of them is repeated by its own command.
    let told = |end: &End| {
        let (told, _) = end
            .stdout
            .split_once("\nCorrect the input")
            .expect("some rows are bad");
        told.to_owned()
    };
    assert_eq!(told(&check), told(&dry_run));
    assert_eq!(timeless_summary(&check), timeless_summary(&dry_run));
    assert_eq!(timeless_results(&check), timeless_results(&dry_run));
    assert_eq!(check.file("failed.csv"), dry_run.file("failed.csv"));
    let names = |end: &End| end.files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&check),
        [
            "failed.csv",
            "key",
            "report.html",
            "results.ndjson",
            "summary.json"
        ]
    );
    assert_eq!(names(&check), names(&dry_run));
}

#[test]
fn a_check_has_the_findings_of_a_run_and_sends_nothing() {
    let customers = customers();
    let scenario = Scenario::new()
        .csv(&customers)
        .unlimited()
        .flags(["--max-errors", "none"])
        .sandbox(|_| {});
    let run = scenario.run([]).exits(1);
    let requests = scenario.counts().requests;
    let other = Scenario::new().csv(&customers).sandbox(|_| {});
    let check = other.check([]).exits(1);
    assert_eq!(other.counts().requests, 0);
    assert_eq!(check.summary()["valid"], run.summary()["updated"]);
    assert_eq!(check.summary()["valid"], requests);
    let invalid: Vec<_> = timeless_results(&run)
        .into_iter()
        .filter(|line| line["outcome"] == "invalid")
        .collect();
    assert_eq!(
        timeless_results(&check),
        invalid,
        "a line for each invalid row, and no other"
    );
    let (checked, sent) = (check.failed_rows(Form::Csv), run.failed_rows(Form::Csv));
    assert_eq!(checked.len(), customers.bad().count());
    // The fields that later rows have set are only known for rows that were sent.
    let told = |failed: &FailedRow| (failed.place.clone(), failed.outcome.clone());
    assert_eq!(
        checked.iter().map(told).collect::<Vec<_>>(),
        sent.iter().map(told).collect::<Vec<_>>()
    );
    assert!(
        checked
            .iter()
            .zip(&sent)
            .all(|(checked, sent)| sent.error.starts_with(&checked.error))
    );
    assert!(checked.iter().all(|failed| failed.overtaken.is_empty()));
}

#[test]
fn the_exit_code_says_whether_every_row_is_valid() {
    Scenario::new()
        .csv(&Customers::good(50, 1))
        .check([])
        .exits(0)
        .prints("All 50 rows can be sent.\nrecords  50 = 50 valid\n");
    Scenario::new().csv(&customers()).check([]).exits(1);
    Scenario::new()
        .csv(&customers())
        .check(["--max-errors", "5"])
        .exits(6)
        .says("--max-errors");
    Scenario::new()
        .file("a.csv", "id,emial\n1,x\n")
        .check([])
        .exits(2);
}

#[test]
fn errors_are_summed_up_with_their_first_places() {
    let rows =
        (1..=1_204).map(|id| format!("{id},{},x\n", if id % 4 == 0 { " a@b.c" } else { "nope" }));
    let scenario = Scenario::new().file(
        "a.csv",
        format!("id,email,job\n{}0,a@b,\n", rows.collect::<String>()),
    );
    let end = scenario.check([]).exits(1);
    let end = end.prints(concat!(
        "None of the 1,205 rows can be sent.\n",
        "records  1,205 = 1,205 invalid\n",
        "\n",
        " rows  field  first at    what is wrong\n",
        "1,204  email  a.csv:2     903 rows: is not an e-mail address\n",
        "                          301 rows: has spaces around the address (--trim removes them)\n",
        "    1  id     a.csv:1206  is not between 1 and 9223372036854775807\n",
        "\n",
    ));
    let message = |message, rows| json!({"message": message, "rows": rows});
    let want = json!({
        "outcome": "invalid", "field": "email", "code": "format", "rows": 1_204, "share": 99.92,
        "first": ["a.csv:2", "a.csv:3", "a.csv:4"],
        "messages": [
            message("is not an e-mail address", 903),
            message("has spaces around the address (--trim removes them)", 301),
        ],
    });
    assert_eq!(end.summary()["errors"][0], want);
}

#[test]
fn a_check_overwrites_an_earlier_check_and_leaves_nothing_of_it() {
    let scenario = Scenario::new().file("a.csv", "id,email\n1,nope\n2,nope\n");
    scenario.check([]).exits(1);
    scenario.write("a.csv", "id,email\n1,a@example.com\n");
    let end = scenario.check([]).exits(0);
    assert_eq!(end.results().lines.len(), 0);
    assert!(
        !end.files.contains_key("failed.csv"),
        "no row is bad any more"
    );
}

#[test]
fn checks_and_runs_do_not_take_each_other_s_directories() {
    let scenario = Scenario::new().csv(&Customers::good(5, 1)).sandbox(|_| {});
    let run = scenario.run([]).exits(0);
    let check = scenario.check([]).exits(5).says("holds a run");
    assert_eq!(check.files, run.files, "the run's files stay as they were");

    let scenario = Scenario::new().csv(&Customers::good(5, 1)).sandbox(|_| {});
    scenario.check([]).exits(0);
    scenario.run([]).exits(5).says("holds a check");
    assert_eq!(scenario.counts().requests, 0);
}

#[test]
fn the_summary_on_stdout_can_be_json() {
    let scenario = Scenario::new()
        .csv(&customers())
        .unlimited()
        .flags(["--output-format", "json"])
        .sandbox(|_| {});
    let printed = |end: End| serde_json::from_str::<Value>(&end.stdout).expect("one JSON value");
    let check = scenario.check([]).exits(1);
    assert_eq!(check.summary(), printed(check));
    std::fs::remove_dir_all(scenario.path("run")).unwrap();
    let run = scenario.run(["--max-errors", "none"]).exits(1);
    assert_eq!(run.summary(), printed(run));
}

#[test]
fn rows_of_a_customer_that_an_earlier_row_names_are_pointed_out() {
    let rows = "id,job\n7,a\n8,b\n007,c\nx,d\n9,\n9,e\n8,f\n7,g\n";
    let scenario = Scenario::new()
        .file("a.csv", rows)
        .file("b.csv", "id,job\n9,h\n10,i\n")
        .sandbox(|_| {});
    let warning = "warning  4 rows: id duplicates an earlier row; first at a.csv:4\n";
    let check = scenario.check([]).exits(1).prints(warning);
    std::fs::remove_dir_all(scenario.path("run")).unwrap();
    let run = scenario
        .run(["--max-errors", "none"])
        .exits(1)
        .prints(warning)
        .counts([8, 2, 0, 0, 0]);
    assert_eq!(run.summary()["warnings"], check.summary()["warnings"]);
    // Settled rows count too: the summary is about the whole run directory.
    let again = scenario
        .run(["--max-errors", "none"])
        .exits(1)
        .prints(warning);
    assert_eq!(again.summary()["warnings"], check.summary()["warnings"]);
}

/// The settings of the first input, saved under another name, skip all failed rows.
#[test]
fn a_check_that_skips_all_rows_says_so() {
    let scenario = Scenario::new().file("a.csv", "id,job\n1,Nurse\n");
    scenario
        .check(["--skip-rows", "5"])
        .exits(0)
        .says("no row was read: --skip-rows 5 skips the whole input");
    let end = scenario.check(["--skip-rows", "0"]).exits(0);
    assert!(!end.stderr.contains("no row was read"), "{}", end.stderr);
}

#[test]
fn a_check_where_no_directory_can_be_created_records_nothing() {
    // A file in the place of the folder, since the tests may run as root.
    let scenario = Scenario::new()
        .file("a.csv", "id,email\n1,a@example.com\n2,nope\n")
        .file("custsync-runs", "");
    std::fs::create_dir(scenario.path("temporary")).unwrap();
    let temporary = scenario.path("temporary");
    let scenario = scenario.variable("TMPDIR", temporary.to_str().expect("a path"));
    let end = scenario.custsync(["check", "a.csv"]).exits(1);
    let end = end
        .says("cannot be created: ")
        .says("; nothing is recorded (--run-dir names another directory)");
    let end = end.prints("1 of 2 rows can be sent; 1 cannot.\n");
    assert!(!end.stdout.contains("files "), "{}", end.stdout);
    let sends = end.stdout.contains("\nTo send ");
    assert!(!sends, "a run has no directory either: {}", end.stdout);
    let json = scenario.custsync(["check", "a.csv", "--output-format", "json"]);
    let summary: Value = serde_json::from_str(&json.exits(1).stdout).expect("JSON");
    assert_eq!(
        (&summary["run_dir"], &summary["files"]),
        (&Value::Null, &json!([]))
    );
    let left = std::fs::read_dir(&temporary).unwrap().count();
    assert_eq!(left, 0, "the private folder is removed");

    // A directory that was named, and a run, are refused as before.
    let named = ["check", "a.csv", "--run-dir", "custsync-runs/x"];
    scenario.custsync(named).exits(5).says("cannot be created");
    scenario
        .custsync(["run", "a.csv", "--sandbox"])
        .exits(5)
        .says("cannot be created");
    std::fs::remove_dir(&temporary).unwrap();
    scenario
        .custsync(["check", "a.csv"])
        .exits(5)
        .says("; name a directory with --run-dir");
}
