//! The delimiter is detected or reported as doubtful, never silently wrong. Files without a header
//! are supported.

use serde_json::json;

use crate::harness::{End, Scenario};

fn sent(end: &End) -> Vec<(u64, serde_json::Value)> {
    end.ledger
        .0
        .iter()
        .map(|update| (update.id, update.body.clone()))
        .collect()
}

#[test]
fn the_delimiter_is_detected_and_reported() {
    for (delimiter, said) in [(";", "`;`"), ("\t", "tab"), ("|", "`|`")] {
        let text = "id,job,address\n1,\"a,b\",x\n"
            .replace(',', delimiter)
            .replace(&format!("a{delimiter}b"), "a,b");
        let scenario = Scenario::new().file("a.csv", text).sandbox(|_| {});
        let end = scenario
            .run(["--quotes", "on"])
            .exits(0)
            .prints(&format!("a.csv read as CSV with {said}\n"));
        assert_eq!(sent(&end), [(1, json!({"job": "a,b", "address": "x"}))]);
    }
    let plain = Scenario::new()
        .file("a.csv", "id,job\n1,a;b\n")
        .sandbox(|_| {});
    let end = plain.run([]).exits(0);
    assert!(
        !end.stdout.contains("read as"),
        "a comma is the usual delimiter, so the summary does not name it"
    );
    assert_eq!(end.summary()["read_as"], json!(["CSV with `,`"]));
}

#[test]
fn a_delimiter_in_doubt_is_asked_for() {
    let scenario = Scenario::new()
        .file("a.csv", "\nid,x;email\n1,2;3\n")
        .sandbox(|_| {});
    let end = scenario.run([]).exits(2);
    let end = end.says(
        "a.csv:2: the delimiter is ambiguous: it could be `,` or `;` (name it with --delimiter C)",
    );
    assert!(end.files.is_empty());
    scenario
        .run(["--delimiter", ";", "-m", "id,x=id", "--max-errors", "none"])
        .exits(1)
        .says("");
}

#[test]
fn columns_can_be_named_for_a_file_without_a_header() {
    let scenario = Scenario::new()
        .file("a.csv", "1;Nurse;x\n2;Clerk;y\nz;Clerk;\n")
        .sandbox(|_| {});
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
    assert_eq!(
        sent(&end),
        [(1, json!({"job": "Nurse"})), (2, json!({"job": "Clerk"}))]
    );
    assert_eq!(
        (&end.results().row(1)["line"], &end.results().row(3)["line"]),
        (&json!(1), &json!(3))
    );
    let failed = String::from_utf8_lossy(end.file("failed.csv")).into_owned();
    assert_eq!(
        failed,
        "custsync_row;custsync_outcome;custsync_error;custsync_overtaken;id;job;Notes\na.csv:3;invalid;\"id is not a whole number (type)\";;z;Clerk;\n"
    );
    // The failed rows have a header, and can still be run with the same flags.
    scenario.write("corrected.csv", failed.replace(";z;", ";3;"));
    let url = scenario.url().unwrap();
    let mut words = vec![
        "run",
        "corrected.csv",
        "--run-dir",
        "again",
        "--base-url",
        &url,
    ];
    words.extend(flags);
    let end = scenario.start_words(words).end().exits(0);
    assert_eq!(sent(&end).last(), Some(&(3, json!({"job": "Clerk"}))));
}

#[test]
fn columns_that_cannot_be_used_are_named() {
    let refuse = |flags: &[&str], says: &str| {
        let scenario = Scenario::new().file("a.csv", "1,Nurse\n");
        let words = ["check", "a.csv", "--run-dir", "run"]
            .into_iter()
            .chain(flags.iter().copied());
        scenario.start_words(words).end().exits(2).says(says);
    };
    refuse(
        &["--no-header"],
        "a.csv: has no header (--no-header), so its columns have to be named: --columns",
    );
    refuse(
        &["--columns", "id,jbo"],
        "--columns: column 2 `jbo` is not a field of the API; did you mean `job`?",
    );
    refuse(
        &["--no-header", "--columns", "email,job"],
        "--columns: no column is named `id`",
    );
    refuse(
        &["--no-header", "--columns", "id,job,job"],
        "--columns: columns 2 and 3 both fill `job`",
    );
}

/// Runs an input of this name in a scenario of its own.
fn run(file: &str, text: &str, flags: &[&str]) -> End {
    let scenario = Scenario::new().file(file, text).sandbox(|_| {});
    let url = scenario.url().expect("the sandbox has one");
    let words = ["run", file, "--run-dir", "run", "--base-url", &url];
    scenario
        .start_words(words.into_iter().chain(flags.iter().copied()))
        .end()
}

/// The failed rows of a run, in any form.
fn failed_rows(end: &End) -> String {
    let (_, failed) = end
        .files
        .iter()
        .find(|(name, _)| name.starts_with("failed"))
        .expect("failed rows");
    String::from_utf8(failed.clone()).expect("UTF-8")
}

/// The rows of an input are read in its dialect, and its failed rows in theirs, with the same
/// values.
#[test]
fn failed_rows_of_any_dialect_are_read_as_the_input_was() {
    let escape: &[&str] = &["--escape", "\\"];
    let mysql: &[&str] = &["--escape", "\\", "--quotes", "off"];
    for (file, flags, text, job) in [
        (
            "a.csv",
            &[][..],
            "id,email,job\n1,x@@y.z,\"a,\"\"b\"\"\nc\"\n",
            "a,\"b\"\nc",
        ),
        (
            "a.csv",
            escape,
            "id,email,job\n1,x@@y.z,\"a\\\"\\tb\\\\,\nc\"\n",
            "a\"\tb\\,\nc",
        ),
        (
            "a.tsv",
            escape,
            "id\temail\tjob\n1\tx@@y.z\ta\\\nb\\tc \"d\"\n",
            "a\nb\tc \"d\"",
        ),
        (
            "a.tsv",
            mysql,
            "id\temail\tjob\n1\tx@@y.z\t\"a\\nb\\\tc\"\n",
            "\"a\nb\tc\"",
        ),
        (
            "a.tsv",
            &["--quotes", "on"],
            "id\temail\tjob\n1\tx@@y.z\t\"a\nb\"\n",
            "a\nb",
        ),
        (
            "a.tsv",
            &["--quotes", "off"],
            "id\temail\tjob\n1\tx@@y.z\t\"a\"\n",
            "\"a\"",
        ),
        (
            "a.csv",
            &["--quotes", "off"],
            "id,email,job\n1,x@@y.z,\"a\"\n",
            "\"a\"",
        ),
    ] {
        let failed = failed_rows(&run(file, text, flags).exits(1));
        // An uncorrected row fails as before, and custsync's own columns do not accumulate.
        let again = run("failed", &failed, flags).exits(1);
        assert_eq!(
            again.results().row(1)["errors"][0]["field"],
            "email",
            "{failed}"
        );
        assert_eq!(failed_rows(&again), failed);
        let end = run("corrected", &failed.replace("@@", "@"), flags).exits(0);
        assert_eq!(
            sent(&end),
            [(1, json!({"email": "x@y.z", "job": job}))],
            "{failed}"
        );
    }
}

/// A cell with invalid escapes stays invalid in the failed rows, where backslashes are ordinary
/// characters.
#[test]
fn a_failed_row_with_bad_escapes_stays_invalid() {
    let text = "id,job\n1,C:\\Users\n2,\"a\"b\n";
    let failed =
        failed_rows(&run("a.csv", text, &["--escape", "\\", "--max-errors", "none"]).exits(1));
    let names = [
        "custsync_row",
        "custsync_outcome",
        "custsync_error",
        "custsync_overtaken",
        "id",
        "job",
    ];
    assert_eq!(
        failed.lines().next(),
        Some(format!("\"{}\"", names.join("\",\"")).as_str())
    );
    assert!(
        failed.contains(",\"1\",\"C:\\Users\"\\\n") && failed.contains(",\"2\",\"\"\"a\"\"b\"\\\n"),
        "{failed}"
    );
    let again = run(
        "again.csv",
        &failed,
        &["--escape", "\\", "--max-errors", "none"],
    )
    .exits(1);
    let codes: Vec<_> = again
        .results()
        .lines
        .iter()
        .map(|line| line["errors"][0]["code"].clone())
        .collect();
    assert_eq!(codes, ["quotes", "quotes"]);
}

/// custsync's own columns come first in a failed row, and are read alike with every setting for
/// quotes.
#[test]
fn own_columns_of_tsv_need_no_quotes() {
    let end = run(
        "a\" b.tsv",
        "id\tjob\n1\t\"x\"\nz\ty\n",
        &["--max-errors", "none"],
    )
    .exits(1);
    let failed = failed_rows(&end);
    let rows: Vec<_> = failed
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .collect();
    let shown: Vec<_> = rows.iter().map(|row| (row.len(), row[0], row[4])).collect();
    assert_eq!(
        shown,
        [(6, "a' b.tsv:2", "1"), (6, "a' b.tsv:3", "z")],
        "{failed}"
    );
    for (quotes, job) in [("on", "x"), ("off", "\"x\"")] {
        let again = run(
            "again.tsv",
            &failed,
            &["--quotes", quotes, "--max-errors", "none"],
        )
        .exits(1);
        assert_eq!(sent(&again), [(1, json!({ "job": job }))], "{quotes}");
    }
}

#[test]
fn blank_rows_are_counted_and_too_many_are_a_warning() {
    let rows = "1,x\n".repeat(3);
    let check = |blank: usize| {
        let scenario =
            Scenario::new().file("a.csv", format!("id,job\n{rows}{}", ",\n".repeat(blank)));
        scenario.check([]).exits(0)
    };
    let end = check(2);
    assert_eq!(
        (&end.summary()["records"], &end.summary()["blank_rows"]),
        (&json!(3), &json!(2))
    );
    let end = end.prints("2 rows skipped: only delimiters\n");
    let blank = |end: &End| {
        end.summary()["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["code"] == "blank")
    };
    assert!(!blank(&end));
    // Over several blocks, read in any order, of which the first holds nothing else.
    let scenario = Scenario::new().file(
        "a.csv",
        format!(
            "id,job\n{}{rows}{}",
            ",\n".repeat(200_000),
            ",\n".repeat(200_000)
        ),
    );
    let end = scenario.check([]).exits(0);
    assert_eq!(
        (&end.summary()["records"], &end.summary()["blank_rows"]),
        (&json!(3), &json!(400_000))
    );
    assert!(blank(&end));
}

#[test]
fn a_control_character_that_is_named_delimits() {
    let good = (2..6)
        .map(|id| format!("{id},b,\n"))
        .collect::<Vec<_>>()
        .concat();
    let rows = format!("id,job,email\n1,a,@\n{good}").replace(',', "\u{1}");
    let scenario = Scenario::new().file("a.csv", &rows).sandbox(|_| {});
    scenario.run([]).exits(2).says("a.csv: is binary, not text");
    let end = scenario
        .run(["--delimiter", "\u{1}", "--max-errors", "none"])
        .exits(1);
    assert_eq!(sent(&end).len(), 4);
    assert_eq!(sent(&end).first(), Some(&(2, json!({"job": "b"}))));
    // The failed rows are recognized by their own header.
    let failed = String::from_utf8_lossy(end.file("failed.csv")).into_owned();
    scenario.write(
        "failed.csv",
        failed.replace("\u{1}@\n", "\u{1}a@example.org\n"),
    );
    let check = scenario
        .custsync(["check", "failed.csv", "--run-dir", "again"])
        .exits(0);
    check.prints("records  1 = 1 valid\n");
    // Other control characters still do not belong into text.
    scenario.write("a.csv", rows + &"\u{2}\u{3}".repeat(30));
    scenario
        .custsync([
            "check",
            "a.csv",
            "--delimiter",
            "\u{1}",
            "--run-dir",
            "binary",
        ])
        .exits(2)
        .says("is binary");
    scenario.write("nul.toml", "delimiter = '\\u0000'\n".replace('\'', "\""));
    let nul = scenario
        .custsync(["check", "a.csv", "--config", "nul.toml", "--run-dir", "nul"])
        .exits(2);
    nul.says("nul.toml: delimiter: `\\u{0}` cannot delimit fields");
}
