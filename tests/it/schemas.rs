//! The JSON Schemas in docs/schemas: files of real runs keep to them, and their members are those
//! of the program.

use std::collections::BTreeSet;
use std::fs;

use custsync::testing::journal::{BulkEntry, Outcome};
use jsonschema::Validator;
use rustix::process::Signal;
use serde::Serialize;
use serde_json::{Value, json};

use crate::full::{
    full_echo, full_echo_field, full_entry, full_error_group, full_facts, full_figures,
    full_header, full_input, full_latency, full_notice, full_point, full_process, full_sending,
    full_setting, full_step, full_summary, full_totals, keys_of_entry,
};
use crate::harness::{Customers, End, Scenario};

const SUMMARY: &str = include_str!("../../docs/schemas/summary.schema.json");
const RESULTS: &str = include_str!("../../docs/schemas/results.schema.json");
const TIMELINE: &str = include_str!("../../docs/schemas/timeline.schema.json");
pub(crate) const NOTICE: &str = include_str!("../../docs/schemas/notice.schema.json");

fn schema(text: &str) -> Value {
    serde_json::from_str(text).expect("the schema is JSON")
}

/// The validator of a schema.
pub(crate) fn validator(text: &str) -> Validator {
    let options = jsonschema::draft202012::options();
    options
        .should_validate_formats(true)
        .build(&schema(text))
        .expect("it is a schema")
}

/// Checks that a value keeps to a schema.
pub(crate) fn keeps(validator: &Validator, value: &Value) {
    let errors: Vec<_> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{}\n{value:#}", errors.join("\n"));
}

/// Checks the summary and the results of a run.
fn files_keep(end: &End) {
    let (summary, results) = (validator(SUMMARY), validator(RESULTS));
    keeps(&summary, &end.summary());
    let text = String::from_utf8(end.file("results.ndjson").to_vec()).expect("results are UTF-8");
    for line in text.lines() {
        keeps(&results, &serde_json::from_str(line).expect("a line"));
    }
    let timeline = validator(TIMELINE);
    // A check has no timeline.
    let text = end
        .files
        .get("timeline.ndjson")
        .cloned()
        .unwrap_or_default();
    for line in String::from_utf8(text)
        .expect("a timeline is UTF-8")
        .lines()
    {
        keeps(&timeline, &serde_json::from_str(line).expect("a line"));
    }
}

fn scenario() -> Scenario {
    Scenario::new()
        .file(
            "a.csv",
            "id,email,job,date_of_birth\n1,a@example.com,Nurse,1.4.2001\n2,nope,,\n3,,Cook,\n3,c@example.com,,\n",
        )
        .flags(["--date-format", "%d.%m.%Y", "--max-errors", "none"])
        .unlimited()
}

#[test]
fn files_of_real_runs_keep_to_the_schemas() {
    let good = Scenario::new()
        .csv(&Customers::good(3, 5))
        .unlimited()
        .sandbox(|_| {});
    files_keep(&good.run([]).exits(0));
    // Again, when it is finished.
    files_keep(&good.run([]).exits(0));
    files_keep(&scenario().check([]).exits(1));
    let bad = scenario().sandbox(|options| {
        options.answers.insert(3, "422".parse().expect("a fault"));
        options.faults = "503=40%".parse().expect("a fault");
    });
    files_keep(&bad.run(["--max-rows", "1"]).exits(0));
    files_keep(&bad.run([]).exits(1));
    let otherwise = scenario().sandbox(|options| {
        options.echo = "email=ignore,date_of_birth=next-day".parse().unwrap();
    });
    files_keep(&otherwise.run(["--echo", "reject"]).exits(1));
    let several = scenario()
        .file("b.ndjson", "{\"id\":1,\"job\":\"Cook\"}\n")
        .sandbox(|_| {});
    files_keep(&several.run(["--unique", "last"]).exits(1));
    let limited = Scenario::new().file("a.csv", "id,job\nx,a\ny,b\n");
    files_keep(&limited.check(["--max-errors", "0"]).exits(6));
}

#[test]
fn files_of_stopped_and_killed_runs_keep_to_the_schemas() {
    let stopped = || {
        Scenario::new()
            .csv(&Customers::good(300, 5))
            .sandbox(|options| {
                options.latency = "20ms".parse().expect("a time");
            })
    };
    let under_way = |scenario: &Scenario| scenario.counts().applied > 3;
    let scenario = stopped();
    let running = scenario.start([]).until("some updates", under_way);
    files_keep(&running.signal(Signal::TERM).end().exits(143));
    let killed = scenario
        .start([])
        .until("more updates", |scenario| scenario.counts().applied > 20);
    killed.signal(Signal::KILL).end().exits(137);
    files_keep(&scenario.run(["--rate", "unlimited"]).exits(0));
}

#[test]
fn files_of_an_undo_keep_to_the_schemas() {
    let scenario = Scenario::new()
        .file("a.csv", "id,job\n1,a\n2,b\n")
        .file("b.csv", "id,job\n2,c\n")
        .sandbox(|_| {});
    let url = scenario.url().expect("a server");
    let run = |file, directory, more: &[&str]| {
        let words = ["run", file, "--run-dir", directory, "--base-url", &url];
        let words = words.into_iter().chain(more.iter().copied());
        scenario.start_words(words).end().exits(0);
    };
    run("a.csv", "first", &["--undoable", "--left-out", "probe"]);
    run("b.csv", "another", &[]);
    let undo = scenario.custsync(["undo", "first", "--run-dir", "run", "--base-url", &url]);
    let undo = undo.exits(1);
    files_keep(&undo);
    assert_eq!(undo.summary()["command"], "undo");
    let conflict = &undo.summary()["errors"][0];
    assert_eq!(conflict["outcome"], "conflict");
    assert_eq!(conflict["code"], "changed");
    assert_eq!(undo.results().header["purpose"], "undo");

    let journal = fs::read_to_string(scenario.path("first/results.ndjson")).expect("a journal");
    let results = validator(RESULTS);
    let mut facts = BTreeSet::new();
    for line in journal.lines() {
        let line: Value = serde_json::from_str(line).expect("a line");
        keeps(&results, &line);
        facts.extend(line["fact"].as_str().map(str::to_owned));
    }
    assert!(
        facts.contains("left_out") && facts.contains("undone"),
        "{facts:?}"
    );
}

#[test]
fn an_early_end_keeps_to_the_schema() {
    let early = scenario().flags(["--output-format", "json"]);
    for arguments in [["--rate", "50"], ["--raet", "50/s"]] {
        let end = early.check(arguments).exits(2);
        let printed = serde_json::from_str(&end.stdout).expect("JSON");
        keeps(&validator(SUMMARY), &printed);
    }
}

#[test]
fn lines_of_a_later_version_keep_to_the_schema() {
    let results = validator(RESULTS);
    let mut range = BulkEntry::new(Outcome::Unchanged, "2026-11-23T09:18:04Z".parse().unwrap());
    assert!(range.add(2, 7) && range.add(4, 7));
    let mut line = Vec::new();
    range.encode(&mut line);
    keeps(&results, &serde_json::from_slice(&line).expect("a line"));
    let crc = "0123abcd";
    for line in [
        json!({"probe": {"kept": true}, "crc": crc}),
        json!({"fact": "moved", "to": "there", "crc": crc}),
        json!({"row": 2, "outcome": "deferred", "why": "x", "hash": "0000000000000000", "crc": crc}),
    ] {
        keeps(&results, &line);
    }
}

#[test]
fn what_the_program_does_not_write_breaks_the_schemas() {
    let end = scenario().check([]).exits(1);
    let (summary, results) = (validator(SUMMARY), validator(RESULTS));
    let breaks = |validator: &Validator, value: &Value, change: &dyn Fn(&mut Value)| {
        assert!(validator.is_valid(value));
        let mut changed = value.clone();
        change(&mut changed);
        assert!(!validator.is_valid(&changed), "{changed:#}");
    };
    let of_check = end.summary();
    breaks(&summary, &of_check, &|value| value["more"] = json!(1));
    breaks(&summary, &of_check, &|value| value["records"] = json!(-1));
    breaks(&summary, &of_check, &|value| {
        value["errors"][0]["more"] = json!(1);
    });
    breaks(&summary, &of_check, &|value| {
        value["started"] = json!("now");
    });
    breaks(&summary, &of_check, &|value| {
        value.as_object_mut().unwrap().remove("exit_code");
    });
    let parsed = end.results();
    breaks(&results, &parsed.header, &|line| line["more"] = json!(1));
    breaks(&results, &parsed.lines[0], &|line| line["more"] = json!(1));
    breaks(&results, &parsed.lines[0], &|line| {
        line["hash"] = json!("12");
    });
    let fact = (parsed.facts.iter())
        .find(|fact| fact["fact"] == "ended")
        .expect("it ended");
    breaks(&results, fact, &|line| line["exit"] = json!("0"));
    breaks(&results, fact, &|line| line["more"] = json!(1));
}

/// The members of an object that the schema defines under this name.
fn members(schema: &Value, name: &str) -> BTreeSet<String> {
    let properties = schema["$defs"][name]["properties"]
        .as_object()
        .unwrap_or_else(|| panic!("{name} is an object"));
    properties.keys().cloned().collect()
}

/// The members of a value, and more.
fn keys(value: &impl Serialize, more: &[&str]) -> BTreeSet<String> {
    let value = serde_json::to_value(value).expect("it is JSON");
    let members = value.as_object().expect("it is an object").keys().cloned();
    members
        .chain(more.iter().map(|member| (*member).to_owned()))
        .collect()
}

#[test]
fn the_members_are_those_of_the_program() {
    let (summary, results) = (schema(SUMMARY), schema(RESULTS));
    let of_summary = [
        ("summary", keys(&full_summary(), &[])),
        ("errorGroup", keys(&full_error_group(), &[])),
        ("echo", keys(&full_echo(), &[])),
        ("echoField", keys(&full_echo_field(), &[])),
        ("message", keys(&full_error_group().messages[0], &[])),
        ("sending", keys(&full_sending(), &[])),
        ("latency", keys(&full_latency(), &[])),
        ("process", keys(&full_process(), &[])),
        ("totals", keys(&full_totals(), &[])),
        ("step", keys(&full_step(), &[])),
        ("setting", keys(&full_setting(), &[])),
    ];
    for (name, keys) in of_summary {
        assert_eq!(members(&summary, name), keys, "{name}");
    }
    let range = BulkEntry::new(Outcome::Unchanged, "2026-11-23T09:18:04Z".parse().unwrap());
    // Each line also has its checksum, which is not part of the value itself.
    let crc = &["crc"][..];
    let of_results = [
        ("header", keys(&full_header(), crc)),
        ("shard", keys(&full_header().shard.expect("a shard"), &[])),
        ("input", keys(&full_input(), &[])),
        ("knownEntry", keys_of_entry().into_iter().collect()),
        ("entryError", keys(&full_entry().errors[0], &["code"])),
        ("range", keys(&range, crc)),
        ("figures", keys(&full_figures(), &[])),
    ];
    for (name, keys) in of_results {
        assert_eq!(members(&results, name), keys, "{name}");
    }
    let point = keys(&full_point(), &[]);
    assert_eq!(members(&schema(TIMELINE), "point"), point);
    let notice = full_notice();
    let counts = notice.counts.expect("no key is left out");
    for (name, keys) in [
        ("notice", keys(&notice, &[])),
        ("counts", keys(&counts, &[])),
        ("step", keys(&full_step(), &[])),
    ] {
        assert_eq!(members(&schema(NOTICE), name), keys, "{name}");
    }
    let facts = full_facts();
    let names = [
        "continued",
        "ended",
        "leftOut",
        "canary",
        "undone",
        "synced",
    ];
    assert_eq!(names.len(), facts.len());
    for (name, fact) in names.into_iter().zip(&facts) {
        let value = serde_json::to_value(fact).expect("it is JSON");
        assert_eq!(members(&results, name), keys(fact, crc), "{name}");
        let kind = &results["$defs"][name]["properties"]["fact"]["const"];
        assert_eq!(*kind, value["fact"]);
    }
}

#[test]
fn every_member_is_described() {
    fn check(value: &Value, place: &str) {
        if let Some(properties) = value["properties"].as_object() {
            let conditions = value.get("description").is_none();
            for (name, member) in properties.iter().filter(|_| !conditions) {
                let said = member["description"].as_str().unwrap_or_default();
                assert!(said.ends_with('.'), "{place}.{name}: {said:?}");
            }
        }
        if let Some(object) = value.as_object() {
            for (name, inner) in object {
                check(inner, &format!("{place}.{name}"));
            }
        }
    }
    check(&schema(SUMMARY), "summary");
    check(&schema(RESULTS), "results");
    check(&schema(TIMELINE), "timeline");
    check(&schema(NOTICE), "notice");
}
