//! Updates that change nothing, and fields that are only filled: whatever is skipped, every customer
//! ends as after a run that skips nothing, but for the fields that were to be filled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use custsync::testing::sandbox::{ETags, Put};
use serde_json::{Value, json};

use crate::harness::{FIELDS, Reply, Scenario, SplitMix64, countries_known, rounds};

/// The customers of a world.
const CUSTOMERS: u64 = 6;
const ROWS: usize = 24;
/// The variable that makes a debug build kill itself at a place.
const KILL: &str = "KILL_OF_A_TEST";
/// The exit code of a process that was killed.
const KILLED: i32 = 137;
/// The starts after which a run is taken to go on for ever.
const STARTS_MAX: usize = 8;
/// The places at which processes kill themselves.
const PLACES: [&str; 6] = [
    "read-answered",
    "image-queued",
    "image-synced",
    "put-leaves",
    "put-answered",
    "entry-written",
];
/// The flags of all runs: no row fails by bad luck.
const RUN: [&str; 10] = [
    "--attempts",
    "20",
    "--timeout",
    "1s",
    "--max-wait",
    "20s",
    "--max-errors",
    "none",
    "--null-string",
    "NULL",
];
/// The fields that rows set.
const SET: [&str; 6] = [
    "first_name",
    "email",
    "date_of_birth",
    "country_id",
    "job",
    "user_id",
];

/// A sandbox of a seed, with some fields of its customers cleared, and an input.
fn world(seed: u64, rows: &str, put: Put, faults: &str) -> Scenario {
    let scenario = Scenario::new().unlimited().flags(RUN).sandbox(|options| {
        options.customers = CUSTOMERS;
        options.seed = seed;
        options.put = put;
        options.faults = faults.parse().expect("a plan of faults");
        if seed.is_multiple_of(2) {
            options.etags = ETags::Strong;
        }
    });
    scenario.write("custsync.toml", countries_known(|_| true));
    let mut random = SplitMix64::new(seed ^ 1);
    for id in 1..=CUSTOMERS {
        for field in SET {
            if field != "first_name" && random.happens(40) {
                let sandbox = scenario.sandbox_thread();
                sandbox.edit(id, field, Value::Null).expect("there is one");
            }
        }
    }
    scenario.file("customers.csv", rows)
}

/// The customers now.
fn customers(scenario: &Scenario) -> BTreeMap<u64, Value> {
    let sandbox = scenario.sandbox_thread();
    (1..=CUSTOMERS)
        .map(|id| (id, sandbox.customer(id)))
        .collect()
}

/// Partly filled rows. Many values are the customer's own, or those of an earlier row.
fn rows(seed: u64) -> String {
    let before = customers(&world(seed, "id\n", Put::Merge, ""));
    let mut random = SplitMix64::new(seed ^ 2);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = ["id"].into_iter().chain(SET);
    writer.write_record(header).expect("memory can be written");
    for _ in 0..ROWS {
        let id = 1 + random.below(CUSTOMERS as usize) as u64;
        let certain = random.below(SET.len());
        let cells = SET.iter().enumerate().map(|(index, field)| {
            if index != certain && random.happens(55) {
                return String::new();
            }
            let own = before
                .get(&id)
                .map_or(&Value::Null, |customer| &customer[*field]);
            match own {
                Value::String(text) if random.happens(40) => text.clone(),
                Value::Number(number) if random.happens(40) => number.to_string(),
                Value::Null if random.happens(40) && *field != "first_name" => "NULL".to_owned(),
                _ => value(field, &mut random),
            }
        });
        let cells: Vec<String> = cells.collect();
        let record = [id.to_string()].into_iter().chain(cells);
        writer.write_record(record).expect("memory can be written");
    }
    let rows = writer.into_inner().expect("memory can be written");
    String::from_utf8(rows).expect("the rows are text")
}

/// One of a few values, so that rows repeat those of others.
fn value(field: &str, random: &mut SplitMix64) -> String {
    let choices = match field {
        "first_name" => ["Zoë", "Ann"],
        "email" => ["one@example.com", "other@example.com"],
        "date_of_birth" => ["1985-04-12", "1990-12-31T23:59:59Z"],
        "country_id" => ["4", "84"],
        "job" => ["Nurse", "Judge"],
        "user_id" => ["3", "9"],
        other => unreachable!("{other} is not set"),
    };
    random.pick(&choices).to_owned()
}

/// Runs with these flags and kills until the run ends by itself.
fn run(scenario: &mut Scenario, flags: &[&str], kills: &[String], seed: u64) -> i32 {
    let url = scenario.url().expect("a sandbox");
    let start = |scenario: &Scenario| {
        let words = [
            "run",
            "customers.csv",
            "--run-dir",
            "run",
            "--base-url",
            &url,
        ];
        let words = words.into_iter().chain(["--rate", "unlimited"]).chain(RUN);
        let end = scenario
            .start_words(words.chain(flags.iter().copied()))
            .end();
        end.exits_with_one_of(&[0, 1, 4, KILLED]).code()
    };
    for place in kills {
        scenario.set_variable(KILL, place);
        start(scenario);
    }
    scenario.set_variable(KILL, "");
    let code = (0..STARTS_MAX)
        .map(|_| start(scenario))
        .find(|code| *code != 4);
    code.unwrap_or_else(|| panic!("seed {seed}: the run does not end"))
}

/// Up to four kills at random places.
fn kills(random: &mut SplitMix64) -> Vec<String> {
    let kills = random.below(5);
    (0..kills)
        .map(|_| format!("{}@{}", random.pick(&PLACES), 1 + random.below(8)))
        .collect()
}

const FAULTS: [&str; 4] = [
    "",
    "503=5%,reset=3%",
    "truncate=3%,502=3%",
    "timeout=2%,429=1%",
];

/// The customers after a run without faults that skips nothing.
fn plain(seed: u64, rows: &str) -> BTreeMap<u64, Value> {
    let mut scenario = world(seed, rows, Put::Merge, "");
    run(&mut scenario, &[], &[], seed);
    customers(&scenario)
}

#[test]
fn whatever_is_skipped_the_customers_end_as_after_a_run_that_skips_nothing() {
    let modes: [&[&str]; 6] = [
        &["--skip-equal"],
        &["--skip-equal", "--complete"],
        &["--skip-equal", "--undoable"],
        &["--skip-equal", "--complete", "--undoable"],
        &["--complete"],
        &["--undoable"],
    ];
    for seed in 0..rounds(6, 200) as u64 {
        let mut random = SplitMix64::new(seed);
        let rows = rows(seed);
        let flags = modes[seed as usize % modes.len()];
        let put = if flags.contains(&"--complete") {
            random.pick(&[Put::Merge, Put::Replace])
        } else {
            Put::Merge
        };
        let mut scenario = world(seed, &rows, put, random.pick(&FAULTS));
        run(&mut scenario, flags, &kills(&mut random), seed);
        assert_eq!(
            customers(&scenario),
            plain(seed, &rows),
            "seed {seed}, {flags:?}\n{rows}"
        );
    }
}

#[test]
fn fields_that_are_filled_differ_only_where_the_api_had_a_value() {
    let filled: [&[&str]; 3] = [&["email"], &["job", "country_id"], &SET];
    for seed in 0..rounds(6, 200) as u64 {
        let mut random = SplitMix64::new(seed);
        let rows = rows(seed);
        let fill: BTreeSet<&str> = random.pick(&filled).iter().copied().collect();
        let mut flags = vec!["--fill".to_owned(), Vec::from_iter(fill.clone()).join(",")];
        for flag in ["--skip-equal", "--complete", "--undoable"] {
            if random.happens(30) {
                flags.push(flag.to_owned());
            }
        }
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let mut scenario = world(seed, &rows, Put::Merge, random.pick(&FAULTS));
        let before = customers(&scenario);
        let code = run(&mut scenario, &flags, &kills(&mut random), seed);
        let plain = plain(seed, &rows);
        for (id, now) in customers(&scenario) {
            for &field in FIELDS {
                let (before, plain) = (&before[&id][field], &plain[&id][field]);
                let had_one = *before != json!(null) && *before != json!("");
                let want = if fill.contains(field) && had_one {
                    before
                } else {
                    plain
                };
                assert_eq!(
                    now[field], *want,
                    "seed {seed}, {flags:?}: {field} of customer {id}, which was {before}\n{rows}"
                );
            }
        }
        let is_kept = flags.contains(&"--undoable") || code != 0;
        let images = scenario.read("run/before.ndjson");
        assert!(is_kept || images.is_none(), "seed {seed}: images are left");
    }
}

#[test]
fn a_row_that_changes_nothing_is_unchanged_and_sends_nothing() {
    let scenario = Scenario::new()
        .unlimited()
        .sandbox(|options| options.customers = 3);
    for (id, job) in [(1, "Nurse"), (2, "nurse"), (3, "Judge")] {
        let edited = scenario.sandbox_thread().edit(id, "job", json!(job));
        edited.expect("there is such a customer");
    }
    let scenario = scenario.file(
        "customers.csv",
        "id,job\n1,Nurse\n2,Nurse\n3,Nurse\n3,Nurse\n3,Judge\n",
    );
    let end = scenario.run(["--skip-equal", "--undoable"]).exits(0);
    let results = end.results();
    let outcomes: Vec<_> = (1..=5)
        .map(|row| results.row(row)["outcome"].clone())
        .collect();
    assert_eq!(
        outcomes,
        ["unchanged", "updated", "updated", "unchanged", "updated"]
    );
    assert_eq!(scenario.counts().applied, 3);
    assert_eq!(scenario.counts().reads, 5);
    let images = scenario.read("run/before.ndjson").expect("images are kept");
    let images = String::from_utf8(images).expect("images are text");
    let kept = images.lines().filter(|line| line.starts_with("{\"row\":"));
    assert_eq!(kept.count(), 3, "no image of what is not sent");
    assert_eq!(end.summary()["unchanged"], 2);
}

#[test]
fn a_country_counts_as_equal_only_by_the_table() {
    let scenario = Scenario::new()
        .unlimited()
        .sandbox(|options| options.customers = 2);
    for id in 1..=2 {
        let edited = scenario.sandbox_thread().edit(id, "country_id", json!(4));
        edited.expect("there is such a customer");
    }
    let scenario = scenario.file("customers.csv", "id,country_id\n1,4\n1,4\n2,4\n");
    let end = scenario
        .run(["--skip-equal", "--max-in-flight", "1"])
        .exits(0);
    let results = end.results();
    // The first answer shows the name.
    let outcomes: Vec<_> = (1..=3)
        .map(|row| results.row(row)["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["updated", "unchanged", "unchanged"]);
}

#[test]
fn a_field_is_filled_and_set_again_by_a_later_row_of_the_run() {
    let scenario = Scenario::new()
        .unlimited()
        .sandbox(|options| options.customers = 2);
    let sandbox = scenario.sandbox_thread();
    sandbox.edit(1, "job", Value::Null).expect("there is one");
    sandbox
        .edit(2, "job", json!("Clerk"))
        .expect("there is one");
    let scenario = scenario.file(
        "customers.csv",
        "id,job\n1,Nurse\n2,Nurse\n1,Judge\n2,Judge\n",
    );
    let end = scenario.run(["--fill", "job"]).exits(0);
    let job = |id| scenario.sandbox_thread().customer(id)["job"].clone();
    assert_eq!((job(1), job(2)), (json!("Judge"), json!("Clerk")));
    let results = end.results();
    let outcomes: Vec<_> = (1..=4)
        .map(|row| results.row(row)["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["updated", "unchanged", "updated", "unchanged"]);
    assert!(
        scenario.read("run/before.ndjson").is_none(),
        "nothing is left to send"
    );
}

/// The rows of the images that are left, or nothing if there is no file.
fn rows_of_images(scenario: &Scenario) -> Option<Vec<u64>> {
    let images = scenario.read("run/before.ndjson")?;
    let images = String::from_utf8(images).expect("images are text");
    let lines = images.lines().filter(|line| line.starts_with("{\"row\":"));
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON"));
    Some(
        lines
            .map(|line| line["row"].as_u64().expect("a row"))
            .collect(),
    )
}

#[test]
fn a_conflict_leaves_no_image_behind() {
    let scenario = Scenario::new()
        .unlimited()
        .sandbox(|options| options.customers = 3);
    for id in 1..=2 {
        let cleared = scenario.sandbox_thread().edit(id, "job", Value::Null);
        cleared.expect("there is one");
    }
    let rows = "id,job,at\n1,Nurse,2999-01-01T00:00:00Z\n2,Nurse,2000-01-01T00:00:00Z\n3,Nurse,2000-01-01T00:00:00Z\n";
    let scenario = scenario.file("customers.csv", rows);
    let before = scenario.sandbox_thread().customer(3);
    let flags = ["--fill", "job", "--unless-changed-since", "at"];
    let end = scenario.run(flags).exits(1);
    let results = end.results();
    let outcomes = (1..=3).map(|row| results.row(row)["outcome"].clone());
    let outcomes: Vec<_> = outcomes.collect();
    assert_eq!(outcomes, ["updated", "conflict", "conflict"]);
    let job = |id| scenario.sandbox_thread().customer(id)["job"].clone();
    assert_eq!((job(1), job(2)), (json!("Nurse"), Value::Null));
    assert_eq!(scenario.sandbox_thread().customer(3), before);
    assert_eq!(rows_of_images(&scenario), None, "nothing is sent again");
}

#[test]
fn what_is_left_of_a_run_is_what_its_rows_that_may_go_again_need() {
    let jobs = Mutex::new(BTreeMap::<u64, String>::new());
    let is_open = Arc::new(AtomicBool::new(false));
    let opened = is_open.clone();
    let scenario = Scenario::new()
        .unlimited()
        .flags(RUN)
        .file(
            "customers.csv",
            "id,job\n1,Nurse\n2,Nurse\n1,Judge\n3,Nurse\n2,Chef\n",
        )
        .server_with_reads(move |request| {
            let (id, mut jobs) = (request.id(), jobs.lock().expect("a lock"));
            if !request.line.starts_with("GET ") {
                let body: Value = serde_json::from_str(&request.text).expect("a body");
                let job = body["job"].as_str().expect("a job");
                if job == "Judge" && !is_open.load(Ordering::Relaxed) {
                    return Reply::error(422, "not_now");
                }
                jobs.insert(id, job.to_owned());
            }
            Reply::json(200, &json!({"data": {"id": id, "job": jobs.get(&id)}}))
        });
    let end = scenario.run(["--fill", "job"]).exits(1);
    let results = end.results();
    let outcomes = (1..=5).map(|row| results.row(row)["outcome"].clone());
    let outcomes: Vec<_> = outcomes.collect();
    let want = ["updated", "updated", "rejected", "updated", "updated"];
    assert_eq!(outcomes, want);
    assert_eq!(rows_of_images(&scenario), Some(vec![1]));
    assert!(!scenario.path("run/before.ndjson.unfinished").exists());
    // The run itself has filled the field, so the row may set it again.
    opened.store(true, Ordering::Relaxed);
    let end = scenario
        .run(["--fill", "job", "--retry", "rejected"])
        .exits(0);
    assert_eq!(end.summary()["updated"], 5);
    let last = scenario.requests();
    let last = last.last().expect("requests");
    assert_eq!(last.text, r#"{"job":"Judge"}"#, "it was the last one");
    assert_eq!(rows_of_images(&scenario), None);
}

/// The first process is killed after its first update was applied, the second one after it has
/// recorded the end of that row: the third one still knows that the run has filled the field.
#[test]
fn a_field_that_the_run_has_filled_is_its_own_after_two_kills() {
    if !cfg!(debug_assertions) {
        println!("did not run: only builds with debug assertions kill themselves on demand");
        return;
    }
    for flags in [&["--fill", "job"][..], &["--fill", "job", "--skip-equal"]] {
        let rows = "id,job,last_name\n1,First,A\n2,X,B\n1,Second,C\n";
        let mut scenario = world(1, rows, Put::Merge, "");
        for id in 1..=2 {
            let cleared = scenario.sandbox_thread().edit(id, "job", Value::Null);
            cleared.expect("there is one");
        }
        let one_at_a_time = [flags, &["--max-in-flight", "1"]].concat();
        let kills = ["put-answered@1", "entry-written@1"].map(str::to_owned);
        run(&mut scenario, &one_at_a_time, &kills, 1);
        let job = scenario.sandbox_thread().customer(1)["job"].clone();
        assert_eq!(job, "Second", "{flags:?}");
    }
}

/// The first update is refused, because somebody has set the field after the read: the run has
/// filled nothing, also in the eyes of a later process.
#[test]
fn a_field_that_others_have_filled_first_is_theirs_after_a_kill() {
    if !cfg!(debug_assertions) {
        println!("did not run: only builds with debug assertions kill themselves on demand");
        return;
    }
    let mut scenario = Scenario::new()
        .unlimited()
        .flags(RUN)
        .file("customers.csv", "id,job\n7,Nurse\n7,Judge\n")
        .server_with_reads(|request| {
            let shown = |job: Value, tag: &str| {
                let body = json!({"data": {"id": 7, "job": job}}).to_string();
                let headers = format!("ETag: \"{tag}\"\r\n");
                Reply::of(200, &headers, "application/json", body.as_bytes())
            };
            match request.number {
                1 => shown(Value::Null, "first"),
                2 => Reply::error(412, "precondition_failed"),
                _ => shown(json!("Clerk"), "second"),
            }
        });
    scenario.set_variable(KILL, "entry-written@1");
    scenario.run(["--fill", "job"]).exits(KILLED);
    assert_eq!(rows_of_images(&scenario), Some(vec![1]));
    scenario.set_variable(KILL, "");
    let end = scenario.run(["--fill", "job"]).exits(0);
    let results = end.results();
    let outcomes = (1..=2).map(|row| results.row(row)["outcome"].clone());
    assert_eq!(outcomes.collect::<Vec<_>>(), ["unchanged", "unchanged"]);
    let requests = scenario.requests();
    let updates = requests
        .iter()
        .filter(|request| !request.line.starts_with("GET "));
    assert_eq!(updates.count(), 1, "the value of others stays");
    assert_eq!(rows_of_images(&scenario), None);
}
