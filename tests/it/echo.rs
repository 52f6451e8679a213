//! The echo check: values that the API shows in another way than they were sent.

use serde_json::{Value, json};

use crate::harness::{End, Scenario};

/// Rows whose values the API stores otherwise, with one request in flight.
fn scenario(rows: u64) -> Scenario {
    let row = |id| format!("{id},Row{id}@Example.com,1985-04-12T00:00:00Z,Stoker {id}\n");
    let rows: String = (1..=rows).map(row).collect();
    let csv = format!("id,email,date_of_birth,job\n{rows}");
    Scenario::new()
        .file("a.csv", &csv)
        .unlimited()
        .flags(["--max-in-flight", "1"])
}

/// The same with an API that ignores `job`, lowers the case of `email`, and moves dates.
fn changed(rows: u64) -> Scenario {
    scenario(rows).sandbox(|options| {
        options.echo = "job=ignore,email=lower-case,date_of_birth=next-day"
            .parse()
            .unwrap();
    })
}

/// The fields of a summary's echo, each with its rows: another value, a day off, another spelling.
fn fields(end: &End) -> Vec<(String, [u64; 3])> {
    let summary = end.summary();
    let fields = summary["echo"]["fields"].as_array().cloned();
    let rows = |field: &Value, key: &str| field[key].as_u64().unwrap();
    fields
        .unwrap_or_default()
        .iter()
        .map(|field| {
            let name = field["field"].as_str().unwrap().to_owned();
            let rows = ["differs", "next_day", "spelling"].map(|key| rows(field, key));
            (name, rows)
        })
        .collect()
}

/// The fields of a run of so many rows.
fn all(rows: u64) -> Vec<(String, [u64; 3])> {
    vec![
        ("date_of_birth".to_owned(), [rows, rows, 0]),
        ("job".to_owned(), [rows, 0, 0]),
        ("email".to_owned(), [0, 0, rows]),
    ]
}

#[test]
fn fields_that_are_shown_otherwise_are_counted_and_named() {
    let end = changed(30).run([]).exits(0);
    assert_eq!(fields(&end), all(30));
    assert_eq!(end.summary()["echo"]["rows"], 30);
    for line in &end.results().lines {
        assert_eq!(line["echo"], json!(["date_of_birth", "job"]), "{line}");
        assert_eq!(line["echo_spelling"], json!(["email"]), "{line}");
        assert_eq!(line["echo_next_day"], json!(true), "{line}");
    }
    let text = &end.stdout;
    for part in [
        "warning  job: 30 answers show another value; first at a.csv:2",
        "warning  date_of_birth: 30 answers show another value, all of them a day off: most likely a time zone",
        "note     email: 30 answers show another spelling",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let page = String::from_utf8(end.file("report.html").to_vec()).unwrap();
    assert!(page.contains("<h2>Echo</h2>"), "the report has the part");
    for secret in ["Stoker", "Row1@", "row1@"] {
        assert!(!end.stderr.contains(secret) && !page.contains(secret));
    }
}

#[test]
fn a_field_that_is_never_shown_as_sent_is_told_once() {
    // The log is written every 100 ms, and there are many of them after the first 20 answers.
    let slow = scenario(60).sandbox(|options| {
        options.echo = "job=ignore".parse().unwrap();
        options.latency = "10ms".parse().unwrap();
    });
    let end = slow.run([]).exits(0);
    let said = end.lines_with("the API shows another job than was sent");
    assert_eq!(said, 1, "{}", end.stderr);
}

#[test]
fn nothing_is_said_of_an_api_that_shows_what_was_sent() {
    let end = scenario(30)
        .sandbox(|_| {})
        .run(["--echo", "reject"])
        .exits(0);
    assert_eq!(end.summary().get("echo"), None);
    assert!(
        end.results()
            .lines
            .iter()
            .all(|line| line.get("echo").is_none())
    );
}

#[test]
fn off_compares_nothing() {
    let end = changed(30).run(["--echo", "off"]).exits(0);
    assert_eq!(end.summary().get("echo"), None);
    assert!(!end.stderr.contains("than was sent"), "{}", end.stderr);
}

#[test]
fn rows_in_a_row_stop_a_run_that_rejects_them_and_another_start_goes_on() {
    let scenario = changed(50);
    let end = scenario.run(["--echo", "reject"]).exits(6);
    assert_eq!(end.results().lines.len(), 20);
    let text = format!("{}{}", end.stdout, end.stderr);
    for part in [
        "Stopped by --echo reject: 20 of 50 rows are done; 30 are left.",
        "20 rows in a row were applied, and the API shows other values than were sent: date_of_birth, job",
        "--echo warn",
    ] {
        assert!(text.contains(part), "{text}");
    }
    // The entries of both processes count.
    let end = scenario.run(["--echo", "warn"]).exits(0);
    assert_eq!(fields(&end), all(50));
    // A report by the journal alone says the same.
    std::fs::remove_file(scenario.path("run/summary.json")).unwrap();
    let report = scenario
        .custsync(["report", "run", "--output-format", "json"])
        .exits(0);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    let echo = &report["runs"][0]["echo"];
    assert_eq!(echo["rows"], 50, "{report:#}");
    assert_eq!(echo["fields"], end.summary()["echo"]["fields"]);
}

#[test]
fn few_rejected_rows_are_exit_1_also_when_nothing_is_left_to_send() {
    let scenario = changed(5);
    for _ in 0..2 {
        let end = scenario.run(["--echo", "reject"]).exits(1);
        assert_eq!(fields(&end), all(5));
        let text = &end.stdout;
        assert!(
            text.contains("5 updated rows are shown with other values than were sent"),
            "{text}"
        );
        assert!(
            text.contains("Compare the rows with \"echo\" in "),
            "{text}"
        );
    }
    scenario.run(["--echo", "warn"]).exits(0);
    let spelling = self::scenario(5).sandbox(|options| {
        options.echo = "email=lower-case".parse().unwrap();
    });
    spelling.run(["--echo", "reject"]).exits(0);
}
