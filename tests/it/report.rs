//! `custsync report`: what it says is what the run directory holds.

use std::collections::BTreeMap;
use std::fs;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Customers, End, Form, Scenario, SplitMix64, crc32c, rounds, sealed};

/// The outcomes that a row can have in the journal.
const OUTCOMES: [&str; 5] = ["updated", "invalid", "rejected", "failed", "superseded"];

/// The report on directories, as JSON.
fn report<const N: usize>(scenario: &Scenario, directories: [&str; N]) -> Value {
    let arguments = ["report", "--output-format", "json"];
    let end = scenario
        .start_words(arguments.into_iter().chain(directories))
        .end();
    serde_json::from_str(&end.exits(0).stdout).expect("a report is JSON")
}

/// The rows of a run's course, by their end.
fn course(run: &Value) -> BTreeMap<String, u64> {
    let mut rows = BTreeMap::new();
    let stretches = run["course"]["stretches"].as_array().into_iter().flatten();
    for column in stretches.flat_map(|stretch| stretch["columns"].as_array().expect("columns")) {
        for (end, number) in column["rows"].as_object().expect("rows by their end") {
            *rows.entry(end.clone()).or_default() += number.as_u64().expect("a number");
        }
    }
    rows
}

/// Checks that course and books of a report are those of the summary.
fn agrees_with_summary(run: &Value, summary: &Value) {
    let course = course(run);
    for outcome in OUTCOMES {
        let want = summary[outcome].as_u64().unwrap_or_default();
        assert_eq!(
            course.get(outcome).copied().unwrap_or_default(),
            want,
            "{outcome}: {run:#}"
        );
        let parts = run["books"]["parts"][outcome].as_u64();
        assert_eq!(parts.unwrap_or_default(), want, "{outcome}");
    }
    let parts = run["books"]["parts"]
        .as_object()
        .expect("the parts of the books");
    let sum: u64 = parts.values().filter_map(Value::as_u64).sum();
    assert_eq!(sum, summary["records"], "the books close");
    assert_eq!(run["books"]["records"], summary["records"]);
    assert_eq!(run["verdict"], summary["verdict"]);
    assert_eq!(run["next"], summary["next_steps"]);
    let processes = summary["processes"].as_array().expect("processes").len();
    assert_eq!(run["processes_number"], processes);
}

/// Runs a random run to its end: with bad rows and faults, stopped, killed and continued.
fn random_run(seed: u64) {
    let mut random = SplitMix64::new(seed);
    let rows = random.below(60) + 1;
    let customers = Customers::with_bad(rows, random.pick(&[0, 10, 50]), Form::Csv, seed);
    let scenario = Scenario::new()
        .csv(&customers)
        .flags([
            "--max-errors",
            "none",
            "--attempts",
            "2",
            "--max-wait",
            "20s",
        ])
        .unlimited()
        .sandbox(|options| {
            options.latency = "2ms".parse().expect("a time");
            options.faults = random
                .pick(&["", "422=20%", "503=20%,409=10%", "500=30%,422=10%"])
                .parse()
                .expect("faults");
        });
    let mut end: Option<End> = None;
    for _ in 0..=random.below(3) {
        let limit = (random.below(rows) + 1).to_string();
        end = Some(match random.below(4) {
            0 => scenario.run(["--max-rows", &limit]),
            1 => scenario.run(["--retry", "rejected"]),
            2 => {
                killed_at_once(&scenario, random.pick(&[Signal::KILL, Signal::TERM]));
                scenario.run([])
            }
            _ => scenario.run([]),
        });
    }
    let summary = end.expect("one run at least").summary();
    let report = report(&scenario, ["run"]);
    agrees_with_summary(&report["runs"][0], &summary);
}

/// Starts the run again, and ends it by a signal at any moment of its first requests.
fn killed_at_once(scenario: &Scenario, signal: Signal) {
    let running = scenario.start(["--max-in-flight", "2"]);
    let running = running.until_it_says("sending to ");
    running.signal(signal).end();
}

#[test]
fn a_report_adds_up_to_the_summary() {
    for seed in 0..rounds(20, 200) {
        random_run(u64::try_from(seed).expect("a small number"));
    }
}

#[test]
fn a_row_that_was_sent_again_counts_once() {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(4, 1, 5))
        .unlimited()
        .sandbox(|options| {
            options.answers.insert(2, "422".parse().expect("a fault"));
        });
    scenario.run([]).exits(1);
    let again = scenario.run(["--retry", "rejected"]).exits(1);
    let report = report(&scenario, ["run"]);
    agrees_with_summary(&report["runs"][0], &again.summary());
    let course = course(&report["runs"][0]);
    assert_eq!(course.get("sent_again"), Some(&1), "{course:?}");
    assert_eq!(course.get("rejected"), Some(&1));
}

#[test]
fn a_killed_preview_begins_anew() {
    let rows = (1..=40).map(|id| format!("{id},{id}@b.c\n"));
    let rows = rows.collect::<String>();
    let scenario = Scenario::new()
        .file("customers.csv", format!("id,email\nx,1@b.c\n{rows}"))
        .sandbox(|_| {});
    let url = scenario.url().expect("a sandbox");
    let words = ["preview", "customers.csv", "--base-url", &url];
    let flags = ["--run-dir", "p", "--rate", "5/s", "--read", "each"];
    let running = scenario.start_words(words.into_iter().chain(flags));
    let running = running.until("a customer is read", |scenario| scenario.counts().reads > 2);
    running.signal(Signal::KILL).end().exits(137);
    let killed = scenario.custsync(["report", "p"]).exits(0);
    for untrue in ["continues where", "row read", "rows read", "has an outcome"] {
        assert!(!killed.stdout.contains(untrue), "{}", killed.stdout);
    }
    killed
        .prints("The last process was killed: ")
        .prints(" invalid (the journal of a check or preview holds these alone)\n")
        .prints("Run the same command again: a preview begins anew.\n");
    let words = ["report", "p", "--html", "page.html"];
    scenario.custsync(words).exits(0);
    let page = scenario.read("page.html").expect("a page");
    let page = String::from_utf8(page).expect("UTF-8");
    assert!(!page.contains("was read"), "{page}");
    assert!(!page.contains("were read"), "{page}");
}

#[test]
fn a_killed_run_is_reported_by_its_journal() {
    let scenario = Scenario::new()
        .csv(&Customers::good(300, 5))
        .sandbox(|options| options.latency = "5ms".parse().expect("a time"));
    let running = scenario
        .start([])
        .until("some updates", |scenario| scenario.counts().applied > 20);
    let at_work = scenario.custsync(["report", "run"]).exits(0);
    assert!(
        at_work.stdout.contains("A process is at work: "),
        "{}",
        at_work.stdout
    );
    running.signal(Signal::KILL).end().exits(137);
    let killed = scenario.custsync(["report", "run"]).exits(0);
    assert!(
        killed.stdout.contains("The last process was killed: "),
        "{}",
        killed.stdout
    );
    killed.prints("To go on, run the same command again");
    let report = report(&scenario, ["run"]);
    let run = &report["runs"][0];
    let updated = &run["books"]["parts"]["updated"];
    assert_eq!(&json!(course(run)["updated"]), updated);
    assert_eq!(
        run["books"]["total"],
        Value::Null,
        "nobody knows how many are left"
    );

    let end = scenario.run(["--rate", "unlimited"]).exits(0);
    let report = self::report(&scenario, ["run"]);
    agrees_with_summary(&report["runs"][0], &end.summary());
    fs::remove_file(scenario.path("run/summary.json")).expect("it was written");
    let without = self::report(&scenario, ["run"]);
    let run = &without["runs"][0];
    assert_eq!(run["verdict"], "All 300 rows updated.", "of two processes");
    assert_eq!(run["course"], report["runs"][0]["course"]);
}

#[test]
fn a_check_is_reported_by_its_summary() {
    let scenario = Scenario::new().csv(&Customers::with_bad(40, 30, Form::Csv, 3));
    let end = scenario.check([]).exits(1);
    let report = report(&scenario, ["run"]);
    let run = &report["runs"][0];
    assert_eq!(run["command"], "check");
    assert_eq!(run["books"]["parts"]["valid"], end.summary()["valid"]);
    assert_eq!(run["books"]["parts"]["invalid"], end.summary()["invalid"]);
    assert_eq!(run["course"], Value::Null);
    let groups = end.summary()["errors"].as_array().expect("errors").len();
    assert_eq!(run["errors"].as_array().expect("errors").len(), groups);
}

/// Leaves a finished run in this directory.
fn run_of(scenario: &Scenario, directory: &str) {
    scenario.run([]).exits(0);
    fs::rename(scenario.path("run"), scenario.path(directory)).expect("it can be moved");
}

#[test]
fn nights_stand_side_by_side_the_oldest_first() {
    let scenario = Scenario::new()
        .csv(&Customers::good(3, 5))
        .unlimited()
        .sandbox(|_| {});
    for night in ["monday", "tuesday"] {
        run_of(&scenario, night);
    }
    let report = report(&scenario, ["tuesday", "monday"]);
    let directories: Vec<_> = report["runs"]
        .as_array()
        .expect("runs")
        .iter()
        .map(|run| run["directories"][0].as_str().expect("a name"))
        .collect();
    assert_eq!(directories, ["monday", "tuesday"]);
    let text = scenario
        .custsync(["report", "tuesday", "monday"])
        .exits(0)
        .stdout;
    assert!(text.find("in monday") < text.find("in tuesday"), "{text}");
}

#[test]
fn directories_that_hold_no_run_are_named() {
    let scenario = Scenario::new()
        .csv(&Customers::good(3, 5))
        .unlimited()
        .sandbox(|_| {});
    fs::create_dir(scenario.path("nights")).expect("it can be created");
    run_of(&scenario, "nights/monday");
    let says = |path: &str, text: &str| {
        scenario.custsync(["report", path]).exits(5).says(text);
    };
    says(
        "none",
        "none is no run directory: it holds no results.ndjson",
    );
    says(
        "nights",
        "it holds 1 run directories: custsync report nights/*/",
    );
    says(
        "nights/monday/results.ndjson",
        "name the directory that it is in",
    );
    scenario.edit("nights/monday/results.ndjson", |journal| {
        let middle = journal.len() / 2;
        journal[middle] ^= 1;
    });
    says("nights/monday", "the journal is damaged at byte ");
    for directory in ["empty", "other"] {
        fs::create_dir(scenario.path(directory)).expect("it can be created");
    }
    scenario.write_private("empty/results.ndjson", "");
    says("empty", "nothing was recorded in empty");
    scenario.write_private("other/results.ndjson", "{\"a\":1}\n");
    says("other", "other/results.ndjson: ");
    let usage = scenario.custsync(["report"]).exits(2);
    usage.says("<DIR>...");
}

#[test]
fn a_report_changes_nothing_in_the_directory() {
    let scenario = Scenario::new()
        .csv(&Customers::good(3, 5))
        .unlimited()
        .sandbox(|_| {});
    scenario.run([]).exits(0);
    // A torn line, as a power cut leaves it.
    scenario.edit("run/results.ndjson", |journal| {
        journal.extend(b"{\"row\":9");
    });
    let before = scenario.read("run/results.ndjson");
    scenario.custsync(["report", "run"]).exits(0);
    assert_eq!(scenario.read("run/results.ndjson"), before);
}

/// Writes the run directory of a shard of ten rows, of which it has every third.
fn write_shard(scenario: &Scenario, directory: &str, index: u64, last: u64) {
    let mut lines = vec![sealed(&json!({
        "custsync_journal": 2, "run": format!("shard{index}"), "version": "0.2.0", "purpose": "run",
        "started": "2026-11-23T09:00:00.000Z", "rules": 2, "request_hash": 1,
        "shard": {"index": index, "of": 3},
        "inputs": [{"name": "customers.csv", "bytes": 1000}], "settings": {"tenant": "7"},
    }).to_string())];
    for row in 1..=last {
        let at = format!("2026-11-23T09:00:{:02}.000Z", row * 2);
        let (outcome, status) = match (row % 3 == index % 3, row) {
            (false, _) => ("elsewhere", None),
            (true, 5) => ("rejected", Some(422)),
            (true, _) => ("updated", Some(200)),
        };
        let sent = status.map_or_else(String::new, |status| {
            format!(",\"status\":{status},\"attempts\":1,\"ms\":10")
        });
        let line = row + 1;
        // The members of an entry have an order.
        let content = format!(
            "{{\"row\":{row},\"line\":{line},\"outcome\":\"{outcome}\"{sent},\"at\":\"{at}\",\"hash\":\"{row:016x}\""
        );
        let crc = crc32c(content.as_bytes());
        lines.push(format!("{content},\"crc\":\"{crc:08x}\"}}\n"));
    }
    let exit = u64::from(index == 2);
    if last == 10 {
        lines.push(sealed(
            &json!({"fact": "ended", "at": "2026-11-23T09:00:30.000Z", "exit": exit}).to_string(),
        ));
    }
    fs::create_dir_all(scenario.path(directory)).expect("it can be created");
    scenario.write_private(&format!("{directory}/results.ndjson"), lines.concat());
}

#[test]
fn the_shards_of_a_run_are_one_run() {
    let scenario = Scenario::new();
    for index in 1..=3 {
        write_shard(&scenario, &format!("run/shard-{index}-of-3"), index, 10);
    }
    let report = report(&scenario, ["run"]);
    let [run] = report["runs"].as_array().expect("runs").as_slice() else {
        panic!("one run: {report:#}")
    };
    assert_eq!(
        run["shards"],
        json!({"of": 3, "found": [1, 2, 3], "unfinished": [], "unaccounted": 0})
    );
    assert_eq!(
        run["books"],
        json!({"records": 10, "total": null, "parts": {"updated": 9, "rejected": 1}})
    );
    assert_eq!(run["verdict"], "9 of 10 rows updated; 1 was not.");
    assert_eq!(run["errors"][0]["first"], json!(["customers.csv:6"]));
    assert_eq!(run["processes_number"], 3);
    let shards = run["processes"].as_array().expect("processes").iter();
    assert_eq!(
        shards
            .map(|process| process["shard"].clone())
            .collect::<Vec<_>>(),
        [1, 2, 3]
    );
    let course = course(run);
    assert_eq!(
        (course["updated"], course["rejected"]),
        (9, 1),
        "{course:?}"
    );
}

#[test]
fn missing_and_unfinished_shards_are_named() {
    let scenario = Scenario::new();
    write_shard(&scenario, "one", 1, 10);
    write_shard(&scenario, "two", 2, 6);
    let report = report(&scenario, ["one", "two"]);
    let run = &report["runs"][0];
    assert_eq!(
        run["shards"],
        json!({"of": 3, "found": [1, 2], "unfinished": [2], "unaccounted": 4})
    );
    assert_eq!(
        run["verdict"],
        "1 of 3 shards have finished. 5 of 10 rows updated; 1 was not; 4 belong to other shards."
    );
    assert_eq!(
        run["reasons"],
        json!([
            "Shard 3 of 3 is missing.",
            "Shard 2: The last process was killed: 6 rows have an outcome."
        ])
    );
    // The same shard twice is another run.
    write_shard(&scenario, "again", 1, 10);
    let twice = self::report(&scenario, ["one", "again"]);
    assert_eq!(twice["runs"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_timeline_that_cannot_be_written_stops_nothing() {
    let scenario = Scenario::new()
        .csv(&Customers::good(3, 5))
        .unlimited()
        .sandbox(|_| {});
    fs::create_dir_all(scenario.path("run/timeline.ndjson")).expect("it can be created");
    let end = scenario
        .run([])
        .exits(0)
        .says("the report will lack a part");
    assert_eq!(end.summary()["updated"], 3);
    let report = report(&scenario, ["run"]);
    assert_eq!(course(&report["runs"][0])["updated"], 3);
}

#[test]
fn a_command_with_values_is_printed_but_not_kept() {
    let canary = "+15550142081";
    let scenario = Scenario::new()
        .file("customers.csv", "id,job\n1,Nurse\nx,Cook\n")
        .unlimited()
        .sandbox(|_| {});
    let set = format!("phone_number={canary}");
    let end = scenario.run(["--set", &set]).exits(1);
    assert!(
        end.next_command().contains(canary),
        "the user can paste it: {}",
        end.stdout
    );
    let next = &end.summary()["next_steps"][0];
    assert_eq!(next["command"], Value::Null);
    let advice = next["advice"].as_str().expect("a text");
    assert!(
        advice.contains("The command was printed at the end"),
        "{advice}"
    );
    let setting = &end.summary()["settings"];
    assert!(
        setting
            .to_string()
            .contains(r#"{"name":"set","origin":"--set"}"#),
        "{setting}"
    );
    for name in ["summary.json", "report.html", "timeline.ndjson"] {
        let text = String::from_utf8_lossy(end.file(name));
        assert!(!text.contains(canary), "{name}");
    }
    let report = scenario.custsync(["report", "run"]).exits(0);
    report.is_not_shown(canary);
}

#[test]
fn failed_rows_and_report_say_the_same() {
    let scenario = Scenario::new()
        .file(
            "customers.csv",
            "id,email,job\n1,a@example.com,Cook\n2,nope,Nurse\n3,,Cook\n4,,Cook\n5,,Cook\n",
        )
        .flags(["--max-errors", "none", "--attempts", "2"])
        .unlimited()
        .sandbox(|options| {
            for (customer, fault) in [(3, "422"), (4, "503")] {
                options
                    .answers
                    .insert(customer, fault.parse().expect("a fault"));
            }
        });
    let end = scenario.run([]).exits(1);
    let report = report(&scenario, ["run"]);
    let groups = report["runs"][0]["errors"].as_array().expect("groups");
    let failed = end.failed_rows(Form::Csv);
    assert_eq!((failed.len(), groups.len()), (3, 3));
    for row in &failed {
        let words = |group: &Value| {
            let field = group["field"]
                .as_str()
                .map_or_else(String::new, |field| format!("{field} "));
            format!("{field}{}", group["wrong"][0].as_str().expect("words"))
        };
        let place = |group: &Value| group["first"][0] == *row.place;
        let group = groups
            .iter()
            .find(|group| place(group))
            .expect("a group of its own");
        assert!(
            row.error.starts_with(&words(group)),
            "{}: {}",
            row.error,
            words(group)
        );
    }
}

#[test]
fn what_cannot_be_a_timeline_is_not_read() {
    let scenario = Scenario::new().file("customers.csv", "id,job\n1,Nurse\n2,Cook\n3,Clerk\n");
    // The harness reads all files of "run", and a pipe would not end.
    let timeline = scenario.path("with-pipe/timeline.ndjson");
    fs::create_dir(scenario.path("with-pipe")).expect("it can be created");
    let mode = Mode::RUSR | Mode::WUSR;
    mknodat(CWD, &timeline, FileType::Fifo, mode, 0).expect("a pipe");
    let line = "custsync run customers.csv --sandbox --run-dir with-pipe";
    let end = scenario.shell(line).exits(0);
    end.says("the report will lack a part");
    let report = scenario.custsync(["report", "with-pipe"]).exits(0);
    report.prints("All 3 rows updated");
}

#[test]
fn a_page_overwrites_no_file_of_a_run() {
    let scenario = Scenario::new()
        .csv(&Customers::good(3, 5))
        .unlimited()
        .sandbox(|_| {});
    scenario.run([]).exits(0);
    let before = scenario.read("run/results.ndjson");
    for name in ["run/results.ndjson", "run/key", "run/new"] {
        let refused = scenario
            .custsync(["report", "run", "--html", name])
            .exits(2);
        refused.says("give it a name that ends with .html");
    }
    assert_eq!(scenario.read("run/results.ndjson"), before);
    scenario
        .custsync(["report", "run", "--html", "run/report.html"])
        .exits(0);
    scenario
        .custsync(["report", "run", "--html", "page"])
        .exits(0);
}

#[test]
fn one_bad_directory_leaves_the_others() {
    let scenario = Scenario::new()
        .csv(&Customers::good(3, 5))
        .unlimited()
        .sandbox(|_| {});
    run_of(&scenario, "monday");
    let end = scenario
        .custsync(["report", "none", "monday", "./monday", "nor"])
        .exits(5);
    assert_eq!(
        end.stdout.matches("All 3 rows updated").count(),
        1,
        "{}",
        end.stdout
    );
    end.says("none is no run directory")
        .says("nor is no run directory");
}

#[test]
fn an_edited_or_missing_summary_is_not_believed() {
    let scenario = Scenario::new()
        .csv(&Customers::good(3, 5))
        .unlimited()
        .sandbox(|options| options.latency = "60ms".parse().expect("a time"));
    let end = scenario.run([]).exits(0);
    scenario.edit("run/summary.json", |summary| {
        let text = String::from_utf8_lossy(summary).replace(": 3,", ": 2,");
        *summary = text.into_bytes();
    });
    let edited = report(&scenario, ["run"]);
    let run = &edited["runs"][0];
    assert_eq!(run["books"]["parts"]["updated"], 3);
    let reason = "summary.json does not agree with the journal, which counts here.";
    assert_eq!(run["reasons"], json!([reason]));
    let verdict = run["verdict"].as_str().expect("a verdict");
    assert!(verdict.starts_with("All 3 rows updated in "), "{verdict}");
    assert_ne!(verdict, "All 3 rows updated in 0.0 s.", "{}", end.stdout);

    let check = Scenario::new().file("a.csv", "id,email\n1,a@example.com\n2,nope\n");
    check.check([]).exits(1);
    fs::remove_file(check.path("run/summary.json")).expect("it was written");
    let text = check.custsync(["report", "run"]).exits(0).stdout;
    assert!(text.contains("This check has left no summary."), "{text}");
}
