//! Valid but suspicious values are sent unchanged, and counted by field, with their places.

use custsync::testing::sandbox::{Reads, SuccessShape};
use serde_json::{Value, json};

use crate::harness::{End, Scenario};

/// Field, code, rows and places of each warning.
fn warnings(end: &End) -> Vec<Value> {
    let summary = end.summary();
    let groups = summary["warnings"].as_array().expect("a list").iter();
    let mut found: Vec<_> = groups
        .map(|group| json!([group["field"], group["code"], group["rows"], group["first"]]))
        .collect();
    found.sort_by_key(ToString::to_string);
    found
}

#[test]
fn the_fate_of_fields_that_rows_leave_out_is_told_once() {
    const KEPT: &str = "the API keeps the fields that an update leaves out";
    const UNKNOWN: &str = "it is not known whether the API keeps or clears the fields";
    let scenario = |reads, success| {
        Scenario::new()
            .file("a.csv", "id,job\n1,a\n2,b\n3,c\n")
            .variable("CUSTSYNC_LEFT_OUT", "probe")
            .sandbox(|options| {
                options.reads = reads;
                options.success_shape = success;
            })
    };
    let kept = scenario(Reads::Allowed, SuccessShape::Resource);
    let end = kept.run(["--max-rows", "2"]).exits(0);
    assert_eq!(end.lines_with(KEPT), 1, "{}", end.stderr);
    assert_eq!(end.summary()["left_out_is_kept"], true);
    let end = kept.run([]).exits(0);
    end.is_not_shown(KEPT).is_not_shown(UNKNOWN);
    assert_eq!(end.summary()["left_out_is_kept"], true);

    let unknown = scenario(Reads::Forbidden, SuccessShape::Empty);
    let end = unknown.run([]).exits(0);
    assert_eq!(end.lines_with(UNKNOWN), 1, "{}", end.stderr);
    end.is_not_shown(KEPT);
    assert_eq!(end.summary()["left_out_is_kept"], Value::Null);

    let trusting = scenario(Reads::Forbidden, SuccessShape::Empty);
    let end = trusting.run(["--left-out", "trust"]).exits(0);
    end.is_not_shown(KEPT).is_not_shown(UNKNOWN);
}

/// The warnings of a few values, in CSV and NDJSON alike.
#[test]
fn each_unusual_value_is_counted_by_field() {
    let check = |field: &str, value: &str, want: &[&str]| {
        let csv = format!("id,{field}\n1,\"{value}\"\n2,\"{value}\"\n");
        let object = |id: u8| format!("{}\n", json!({ "id": id, field: value }));
        let ndjson = object(1) + &object(2);
        for (file, content, lines) in [("a.csv", csv, [2, 3]), ("a.ndjson", ndjson, [1, 2])] {
            let line_breaks = value.lines().count() - 1;
            let second = lines[1] + if file == "a.csv" { line_breaks } else { 0 };
            let places = [format!("{file}:{}", lines[0]), format!("{file}:{second}")];
            let end = Scenario::new()
                .file(file, content)
                .custsync(["check", file, "--run-dir", "run"])
                .exits(0);
            let want: Vec<_> = want
                .iter()
                .map(|code| json!([field, code, 2, places]))
                .collect();
            assert_eq!(warnings(&end), want, "{file} {field} {value:?}");
        }
    };
    for word in ["NULL", "\\N", "nan", "None", "(null)", "n/a", "NA"] {
        check("phone_number", word, &["null_word"]);
    }
    check("last_name", "Nan", &[]);
    check("job", "=1+1", &["formula_text"]);
    for misread in [
        "Zo\u{c3}\u{ab}",
        "M\u{c3}\u{bc}hle",
        "don\u{e2}\u{20ac}\u{2122}t",
        "Stra\u{c3}\u{178}e",
    ] {
        check("address", misread, &["mojibake"]);
    }
    check("address", "M\u{fc}hle 5 \u{b0}, 3 \u{20ac}", &[]);
    check("job", "a\u{1}b", &["control_character"]);
    check("job", "a\u{7f}b", &["control_character"]);
    check("job", "a\u{85}b", &["control_character"]);
    check("phone_number", "0160\n11", &["line_break"]);
    check("address", "5 High Row\nLeeds", &[]);
    check("date_of_birth", "2985-04-12", &["future"]);
    check("date_of_birth", "1899-12-31T00:00:00Z", &["before_1900"]);
    check("date_of_birth", "1985-04-12", &[]);
    check("email", "root@localhost", &["domain_without_dot"]);
}

/// Rows far from the beginning, among many valid ones.
#[test]
fn a_late_row_is_found_too() {
    let usual = "1,Zo\u{eb},12 High Row,1985-04-12\n".repeat(40_000);
    let odd = "2,NULL,\u{1},2985-04-12\n3,Zo\u{c3}\u{ab},x,1700-01-01\n";
    let scenario = Scenario::new().file(
        "a.csv",
        format!("id,first_name,address,date_of_birth\n{usual}{odd}"),
    );
    let end = scenario
        .custsync(["check", "a.csv", "--run-dir", "run"])
        .exits(0);
    let found: Vec<_> = warnings(&end)
        .into_iter()
        .filter(|warning| warning[0] != "id")
        .collect();
    let want = [
        json!(["address", "control_character", 1, ["a.csv:40002"]]),
        json!(["date_of_birth", "before_1900", 1, ["a.csv:40003"]]),
        json!(["date_of_birth", "future", 1, ["a.csv:40002"]]),
        json!(["first_name", "mojibake", 1, ["a.csv:40003"]]),
        json!(["first_name", "null_word", 1, ["a.csv:40002"]]),
    ];
    assert_eq!(found, want);
}

/// The run cannot send anything.
#[test]
fn a_run_says_the_first_ones_before_it_sends() {
    let scenario = Scenario::new()
        .file("customers.csv", "id,first_name\n1,NULL\n2,x\n3,None\n")
        .sandbox(|_| {});
    let end = scenario.run([]).exits(0);
    let said = "among the first rows: first_name null_word in 2 rows, first at customers.csv:2, customers.csv:4: looks like a null";
    end.says(said);
    // Rows outside the range are skipped.
    let scenario = Scenario::new()
        .file("customers.csv", "id,first_name\n1,NULL\n2,x\n3,None\n")
        .sandbox(|_| {});
    let end = scenario
        .run(["--skip-rows", "1", "--max-rows", "1"])
        .exits(0);
    assert!(!end.stderr.contains("null_word"), "{}", end.stderr);
}

#[test]
fn an_encoding_that_does_not_fit_is_doubted() {
    let check = |content: &[u8], encoding: &str, is_doubted: bool| {
        let scenario = Scenario::new().file("a.csv", content);
        let end = scenario
            .custsync(["check", "a.csv", "--encoding", encoding, "--run-dir", "run"])
            .exits(0);
        assert_eq!(
            end.stderr.contains("is valid UTF-8"),
            is_doubted,
            "{encoding}: {}",
            end.stderr
        );
    };
    let utf8 = "id,first_name\n1,Zo\u{eb}\n".as_bytes();
    check(utf8, "windows-1252", true);
    check(utf8, "latin1", true);
    check(utf8, "utf-8", false);
    check(&[b"\xef\xbb\xbf", utf8].concat(), "windows-1252", false);
    check(b"id,first_name\n1,Zo\xeb\n", "windows-1252", false);
    check(b"id,first_name\n1,Zoe\n", "windows-1252", false);
}
