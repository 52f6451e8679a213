//! The delimiter is found out or in doubt, never wrong in silence; and files without a header are rows all the same.

use serde_json::json;

use crate::harness::{End, Scenario};

fn sent(end: &End) -> Vec<(u64, serde_json::Value)> {
    end.ledger.0.iter().map(|update| (update.id, update.body.clone())).collect()
}

#[test]
fn the_delimiter_is_found_out_and_said() {
    for (delimiter, said) in [(";", "`;`"), ("\t", "tab"), ("|", "`|`")] {
        let text = "id,job,address\n1,\"a,b\",x\n".replace(',', delimiter).replace(&format!("a{delimiter}b"), "a,b");
        let scenario = Scenario::new().file("a.csv", text).sandbox(|_| {});
        let end = scenario.run([]).exits(0).prints(&format!("a.csv read as CSV with {said}\n"));
        assert_eq!(sent(&end), [(1, json!({"job": "a,b", "address": "x"}))]);
    }
    let plain = Scenario::new().file("a.csv", "id,job\n1,a;b\n").sandbox(|_| {});
    let end = plain.run([]).exits(0);
    assert!(!end.stdout.contains("read as"), "a comma is what everybody expects");
    assert_eq!(end.summary()["read_as"], json!(["CSV with `,`"]));
}

#[test]
fn a_delimiter_in_doubt_is_asked_for() {
    let scenario = Scenario::new().file("a.csv", "\nid,x;email\n1,2;3\n").sandbox(|_| {});
    let end = scenario.run([]).exits(2);
    let end = end.says("a.csv:2: the delimiter is in doubt, it could be `,` or `;`: say which it is (--delimiter C)");
    assert!(end.files.is_empty());
    scenario.run(["--delimiter", ";", "-m", "id,x=id", "--max-errors", "none"]).exits(1).says("");
}

#[test]
fn columns_can_be_named_where_there_is_no_header() {
    let scenario = Scenario::new().file("a.csv", "1;Nurse;x\n2;Clerk;y\nz;Clerk;\n").sandbox(|_| {});
    let flags = [
        "--no-header",
        "--columns",
        "id,job,Notes",
        "--ignore",
        "Notes",
        "--max-in-flight",
        "1",
        "--max-errors",
        "none",
    ];
    let end = scenario.run(flags).exits(1).counts([2, 1, 0, 0, 0]);
    assert_eq!(sent(&end), [(1, json!({"job": "Nurse"})), (2, json!({"job": "Clerk"}))]);
    assert_eq!((&end.results().row(1)["line"], &end.results().row(3)["line"]), (&json!(1), &json!(3)));
    let failed = String::from_utf8_lossy(end.file("failed.csv")).into_owned();
    assert_eq!(
        failed,
        "custsync_row;custsync_outcome;custsync_error;custsync_overtaken;id;job;Notes\na.csv:3;invalid;\"id is not a whole number (type)\";;z;Clerk;\n"
    );
    // The failed rows have a header, and are run by the same flags all the same.
    scenario.write("corrected.csv", failed.replace(";z;", ";3;"));
    let url = scenario.url().unwrap();
    let mut words = vec!["run", "corrected.csv", "--run-dir", "again", "--base-url", &url];
    words.extend(flags);
    let end = scenario.start_words(words).end().exits(0);
    assert_eq!(sent(&end).last(), Some(&(3, json!({"job": "Clerk"}))));
}

#[test]
fn columns_that_cannot_be_used_are_named() {
    let refuse = |flags: &[&str], says: &str| {
        let scenario = Scenario::new().file("a.csv", "1,Nurse\n");
        let words = ["check", "a.csv", "--run-dir", "run"].into_iter().chain(flags.iter().copied());
        scenario.start_words(words).end().exits(2).says(says);
    };
    refuse(&["--no-header"], "a.csv: has no header (--no-header), so its columns have to be named: --columns");
    refuse(&["--columns", "id,jbo"], "--columns: column 2 `jbo` is no field of the API; did you mean `job`?");
    refuse(&["--no-header", "--columns", "email,job"], "--columns: no column is named `id`");
    refuse(&["--no-header", "--columns", "id,job,job"], "--columns: columns 2 and 3 both fill `job`");
}
