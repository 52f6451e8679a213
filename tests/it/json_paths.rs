//! Arrays in JSON objects are inputs (`--json-path`).

use std::io::Write as _;

use crate::harness::Scenario;

/// Limits the program to 64 MiB for data and stacks; beyond that it dies.
const MEMORY_LIMIT: &str = "ulimit -d 65536; exec";

const ANSWER: &str = r#"{
  "meta": {"page": 1, "data": [1]},
  "data": [
    {"id": 1, "job": "Nurse"},
    {"id": "x", "job": "Clerk"},
    {"id": 3, "job": "Pilot"}
  ],
  "links": {"next": null}
}
"#;

#[test]
fn the_rows_of_an_array_keep_their_lines_and_are_read_again() {
    let scenario = Scenario::new()
        .file("answer.json", ANSWER)
        .flags(["--json-path", "data"])
        .sandbox(|_| {});
    let end = scenario
        .run(["--max-errors", "none"])
        .exits(1)
        .counts([2, 1, 0, 0, 0])
        .prints("   1  id     answer.json:5  is not a whole number\n")
        .prints("answer.json read as JSON array at `data`\n");
    let failed = String::from_utf8(end.file("failed.ndjson").to_vec()).unwrap();
    assert!(failed.contains("\"answer.json:5\""), "{failed}");
    scenario.write("failed.ndjson", failed.replace("\"x\"", "2"));
    let url = scenario.url().unwrap();
    let words = [
        "run",
        "failed.ndjson",
        "--json-path",
        "data",
        "--run-dir",
        "again",
        "--base-url",
        &url,
    ];
    scenario
        .start_words(words)
        .end()
        .exits(0)
        .says("failed.ndjson holds failed rows and is read by its own layout, without json-path");
    assert_eq!(scenario.counts().applied, 3);
}

#[test]
fn another_array_is_another_run() {
    let scenario = Scenario::new().file("answer.json", ANSWER).sandbox(|_| {});
    scenario
        .run(["--json-path", "data", "--max-rows", "1"])
        .exits(0);
    scenario
        .run(["--json-path", "meta.data"])
        .exits(5)
        .says("json-path");
    scenario
        .run(["--json-path", "data", "--max-errors", "none"])
        .exits(1)
        .counts([2, 1, 0, 0, 0]);
    assert_eq!(scenario.counts().requests, 2, "each row is sent once");
}

#[test]
fn standard_input_may_be_an_answer_of_an_api() {
    Scenario::new()
        .stdin(ANSWER)
        .flags(["--json-path", "data"])
        .check([])
        .exits(1)
        .prints("records  3 = 2 valid + 1 invalid\n");
}

#[test]
fn a_file_of_settings_is_begun_for_the_keys_of_the_array() {
    let scenario = Scenario::new().file("answer.json", ANSWER);
    scenario
        .custsync(["config", "init", "answer.json", "--json-path", "data"])
        .exits(0)
        .prints("for the 2 keys of answer.json: 2 need no line");
    let settings = String::from_utf8(scenario.read("custsync.toml").unwrap()).unwrap();
    assert!(settings.contains("\njson-path = \"data\"\n"), "{settings}");
    scenario
        .custsync(["check", "answer.json", "--run-dir", "run"])
        .exits(1)
        .prints("records  3 = 2 valid + 1 invalid\n");
}

/// More than the memory allows around the array: of one text, of brackets, and of members.
#[test]
fn what_is_around_the_array_takes_no_memory() {
    let scenario = Scenario::new()
        .input("a.json")
        .flags(["--json-path", "data"])
        .through(MEMORY_LIMIT);
    let mut file = std::fs::File::create(scenario.path("a.json")).unwrap();
    let (text, arrays) = ("x".repeat(1 << 20), "[[{}]],".repeat(150_000));
    let members = "\"k\":1,".repeat(150_000);
    file.write_all(b"{\"a\":\"").unwrap();
    for _ in 0..150 {
        file.write_all(text.as_bytes()).unwrap();
    }
    file.write_all(b"\",\"b\":[").unwrap();
    for _ in 0..10 {
        file.write_all(arrays.as_bytes()).unwrap();
    }
    file.write_all(b"0],\"data\":[{\"id\":1,\"job\":\"x\"}],")
        .unwrap();
    for _ in 0..10 {
        file.write_all(members.as_bytes()).unwrap();
    }
    file.write_all(b"\"z\":0}").unwrap();
    drop(file);
    scenario.check([]).exits(0).prints("records  1 = 1 valid\n");
}
