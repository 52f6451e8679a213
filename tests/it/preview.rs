//! A preview tells what a run then changes: no more, no less, and without sending an update.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use custsync::testing::sandbox::{Deletion, PageTotal, Pages, Put};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{End, FIELDS, Scenario, SplitMix64, rounds};
use crate::undo::world::{Plan, World, customers};

/// The customers of a world: three pages.
const CUSTOMERS: u64 = 230;
/// The kinds of changes after which a field has another value for certain.
const CERTAIN: [&str; 4] = ["replaced", "next_day", "filled", "cleared"];
/// The flags by which rows are read, as the worlds' runs have them.
const READING: [&str; 2] = ["--null-string", "NULL"];

/// The column of the times after which others may not have changed the customers.
const TIMES: &str = "exported_at";

/// A line of `preview.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    row: String,
    id: u64,
    field: String,
    change: String,
    after: String,
}

/// The lines of the list that a preview left in this directory.
fn lines(scenario: &Scenario, run_dir: &str) -> Vec<Line> {
    let list = scenario.read(&format!("{run_dir}/preview.csv"));
    let list = list.expect("the preview leaves a list");
    let mut reader = csv::Reader::from_reader(list.as_slice());
    let columns: Vec<_> = reader.headers().expect("a header").iter().collect();
    assert_eq!(
        columns,
        ["custsync_row", "id", "field", "change", "before", "after"]
    );
    let lines = reader.records().map(|record| {
        let record = record.expect("the list is CSV");
        Line {
            row: record[0].to_owned(),
            id: record[1].parse().expect("an id"),
            field: record[2].to_owned(),
            change: record[3].to_owned(),
            after: record[5].to_owned(),
        }
    });
    lines.collect()
}

/// Starts a preview of the world's input with these flags, and waits for its end.
fn preview(world: &World, run_dir: &str, flags: &[&str]) -> End {
    let scenario = &world.scenario;
    let applied = scenario.counts().applied;
    let url = scenario.url().expect("a sandbox");
    let words = ["preview", "customers.csv", "--run-dir", run_dir].into_iter();
    let words = words.chain(["--base-url", &url, "--rate", "unlimited"]);
    let words = words.chain(["--attempts", "20", "--timeout", "1s", "--max-wait", "5s"]);
    let words = words.chain(READING).chain(flags.iter().copied());
    let end = scenario.start_words(words).end();
    assert_eq!(scenario.counts().applied, applied, "no update was sent");
    end.exits_with_one_of(&[0, 1])
}

/// The place of the last row that sets each field of each customer. Rows at `not_sent` are passed over.
fn last_rows(world: &World, not_sent: &BTreeSet<String>) -> BTreeMap<(u64, String), String> {
    let file = world.scenario.read("customers.csv").expect("the input");
    let mut reader = csv::Reader::from_reader(file.as_slice());
    let columns = reader.headers().expect("a header").clone();
    let mut last = BTreeMap::new();
    for record in reader.records() {
        let record = record.expect("the input is CSV");
        let line = record.position().expect("it was read").line();
        let place = format!("customers.csv:{line}");
        if not_sent.contains(&place) {
            continue;
        }
        let id = record[0].parse().expect("an id");
        for (column, cell) in columns.iter().zip(&record).skip(1) {
            if !cell.is_empty() && column != TIMES {
                last.insert((id, column.to_owned()), place.clone());
            }
        }
    }
    last
}

/// A value in a form in which the API's spelling and the input's are the same.
fn plain(field: &str, value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    match field {
        "email" => text.to_ascii_lowercase(),
        "phone_number" => text.chars().filter(char::is_ascii_digit).collect(),
        "date_of_birth" if !text.is_empty() => {
            let text = if text.len() == 10 {
                format!("{text}T00:00:00Z")
            } else {
                text
            };
            let at: jiff::Timestamp = text.parse().expect("a time");
            at.to_string()
        }
        _ => text,
    }
}

/// Some of the fields.
fn some_fields(random: &mut SplitMix64) -> BTreeSet<&'static str> {
    let count = 1 + random.below(FIELDS.len());
    (0..count).map(|_| random.pick(FIELDS)).collect()
}

/// Adds a column of times to the input. The sandbox's customers were changed last between 2020 and 2024.
fn add_times(world: &World, random: &mut SplitMix64) {
    let file = world.scenario.read("customers.csv").expect("the input");
    let mut reader = csv::Reader::from_reader(file.as_slice());
    let mut header = reader.headers().expect("a header").clone();
    header.push_field(TIMES);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header).expect("memory can be written");
    for record in reader.records() {
        let mut record = record.expect("the input is CSV");
        let (year, month) = (2020 + random.below(6), 1 + random.below(12));
        let day = 1 + random.below(28);
        record.push_field(&format!("{year}-{month:02}-{day:02}T12:30:00+02:00"));
        writer.write_record(&record).expect("memory can be written");
    }
    let file = writer.into_inner().expect("memory can be written");
    world.scenario.write("customers.csv", file);
}

/// Deletes some customers. Returns their ids.
fn delete_some(world: &World, random: &mut SplitMix64) -> BTreeSet<u64> {
    let mut deleted = BTreeSet::new();
    for _ in 0..random.below(40) {
        let id = 1 + random.below(CUSTOMERS as usize) as u64;
        let deletion = random.pick(&[Deletion::Listed, Deletion::Unlisted]);
        let sandbox = world.scenario.sandbox_thread();
        sandbox
            .delete(id, deletion)
            .expect("there is such a customer");
        deleted.insert(id);
    }
    deleted
}

/// The places of the rows of these customers.
fn rows_of(world: &World, customers: &BTreeSet<u64>) -> BTreeSet<String> {
    let file = world.scenario.read("customers.csv").expect("the input");
    let mut reader = csv::Reader::from_reader(file.as_slice());
    let mut rows = BTreeSet::new();
    for record in reader.records() {
        let record = record.expect("the input is CSV");
        let line = record.position().expect("it was read").line();
        if customers.contains(&record[0].parse().expect("an id")) {
            rows.insert(format!("customers.csv:{line}"));
        }
    }
    rows
}

/// The rows of a run whose lines have this value under this key.
fn rows_of_run(ran: &End, key: &str, value: &str) -> BTreeSet<String> {
    let results = ran.results();
    let lines = results.by_row().into_values();
    let lines = lines.filter(|line| line[key] == value);
    let rows = lines.map(|line| format!("customers.csv:{}", line["line"]));
    rows.collect()
}

/// The rows that the list has with this change.
fn rows_with(lines: &[Line], change: &str) -> BTreeSet<String> {
    let lines = lines.iter().filter(|line| line.change == change);
    lines.map(|line| line.row.clone()).collect()
}

/// Checks the list against the customers before and after the run.
fn is_true(
    seed: u64,
    world: &World,
    lines: &[Line],
    before: &BTreeMap<u64, Value>,
    after: &BTreeMap<u64, Value>,
) {
    let of_kind = |kinds: &[&str]| -> BTreeMap<(u64, String), &Line> {
        let lines = lines.iter();
        let lines = lines.filter(|line| kinds.contains(&line.change.as_str()));
        lines
            .map(|line| ((line.id, line.field.clone()), line))
            .collect()
    };
    let (certain, spelled) = (of_kind(&CERTAIN), of_kind(&["spelling"]));
    let mut not_laid = rows_with(lines, "not_sent");
    not_laid.extend(rows_with(lines, "conflict"));
    let last = last_rows(world, &not_laid);
    let mut changed = BTreeSet::new();
    for (id, now) in after {
        for &field in FIELDS {
            let key = (*id, field.to_owned());
            if now[field] == before[id][field] {
                continue;
            }
            let line = certain.get(&key).or_else(|| spelled.get(&key));
            let line = line.unwrap_or_else(|| {
                panic!(
                    "seed {seed}: {field} of customer {id} has changed from {} to {}, which no line tells",
                    before[id][field], now[field]
                )
            });
            let sent = Value::String(line.after.clone());
            assert_eq!(
                plain(field, &sent),
                plain(field, &now[field]),
                "seed {seed}: {line:?}"
            );
            changed.insert(key);
        }
    }
    for (key, line) in &certain {
        assert!(
            changed.contains(key),
            "seed {seed}: nothing has changed: {line:?}"
        );
    }
    for (key, line) in certain.iter().chain(&spelled) {
        assert_eq!(Some(&line.row), last.get(key), "seed {seed}: {line:?}");
    }
}

#[test]
fn a_preview_tells_what_a_run_changes() {
    let (mut listed, mut replaced, mut filled, mut conflicts) = (0, 0, 0, 0);
    for seed in (9_000..).take(rounds(6, 200)) {
        let mut random = SplitMix64::new(seed);
        let mut plan = Plan::new(seed);
        (plan.customers, plan.rows) = (CUSTOMERS, 70);
        plan.latency = "0ms";
        plan.page_total = random.pick(&[PageTotal::Meta, PageTotal::Top]);
        plan.pages = random.pick(&[Pages::Still, Pages::Moving]);
        plan.put = random.pick(&[Put::Merge, Put::Replace]);
        plan.old_data = random.pick(&["0%", "30%"]);
        let has_times = random.happens(50);
        // After an answer that was lost, a run takes its own change for that of another.
        let faults: &[&str] = if has_times {
            &["", "", "503=3%"]
        } else {
            &["", "", "503=3%,reset=3%"]
        };
        plan.faults = random.pick(faults);
        let complete = plan.put == Put::Replace || random.happens(30);
        let mut flags = Vec::new();
        let fill = if random.happens(50) {
            some_fields(&mut random)
        } else {
            BTreeSet::new()
        };
        if !fill.is_empty() {
            // The flags of a world live as long as the program.
            let fields: &str = Vec::from_iter(fill.clone()).join(",").leak();
            flags.extend(["--fill", fields]);
        }
        if has_times {
            flags.extend(["--unless-changed-since", TIMES]);
        }
        if random.happens(30) {
            flags.push("--skip-equal");
        }
        if complete {
            flags.push("--complete");
        } else {
            flags.extend(["--left-out", "trust"]);
        }
        let is_planned = random.happens(50);
        plan.run.clone_from(&flags);
        if is_planned {
            plan.run.extend(["--plan", "preview"]);
        }
        replaced += usize::from(plan.put == Put::Replace);
        let mut world = plan.world();
        if has_times {
            add_times(&world, &mut random);
        }
        let deleted = if random.happens(50) {
            delete_some(&world, &mut random)
        } else {
            BTreeSet::new()
        };
        let before = customers(&world.scenario, CUSTOMERS);
        let way = random.pick(&["auto", "each", "list"]);
        flags.extend(["--read", way]);
        let end = preview(&world, "preview", &flags);
        listed += end.lines_with("reading whole pages");
        let found = lines(&world.scenario, "preview");
        let of_deleted = rows_of(&world, &deleted);
        assert_eq!(rows_with(&found, "deleted"), of_deleted, "seed {seed}");
        let of_filled = found.iter().filter(|line| line.change != "not_sent");
        let of_filled = of_filled.filter(|line| fill.contains(&*line.field));
        for line in of_filled {
            assert_eq!(line.change, "filled", "seed {seed}: {line:?}");
            filled += 1;
        }
        let ran = world.run(&[]);
        // Before an update of a deleted customer, the run decides about it as about any other.
        let ran_into = |key: &str, value: &str| -> BTreeSet<String> {
            let rows = rows_of_run(&ran, key, value);
            rows.difference(&of_deleted).cloned().collect()
        };
        let in_conflict = rows_with(&found, "conflict");
        assert_eq!(
            ran_into("outcome", "conflict"),
            in_conflict,
            "seed {seed}: {}",
            ran.stderr
        );
        conflicts += in_conflict.len();
        let not_sent = rows_with(&found, "not_sent");
        let unsendable = ran_into("error", "unsendable");
        assert_eq!(unsendable, not_sent, "seed {seed}");
        let after = customers(&world.scenario, CUSTOMERS);
        is_true(seed, &world, &found, &before, &after);

        // A row that was not sent may be sent after the other rows of its customer.
        let not_sent = found.iter().filter(|line| line.change == "not_sent");
        let not_sent: BTreeSet<_> = not_sent.map(|line| line.id).collect();
        let again = preview(&world, "again", &flags);
        let left = lines(&world.scenario, "again");
        let left: Vec<_> = (left.iter())
            .filter(|line| CERTAIN.contains(&line.change.as_str()))
            .filter(|line| !not_sent.contains(&line.id))
            .collect();
        assert!(left.is_empty(), "seed {seed}: {left:?}\n{}", again.stdout);
    }
    assert!(listed > 0, "no world was read in pages");
    assert!(replaced > 0, "no API replaces");
    assert!(filled > 0, "no field is only filled");
    assert!(conflicts > 0, "no customer was changed by others");
}

/// A file that gives these customers the same job.
fn surgeons(ids: impl Iterator<Item = u64>) -> String {
    let mut rows = "id,job\n".to_owned();
    ids.for_each(|id| writeln!(rows, "{id},Surgeon").expect("text grows"));
    rows
}

/// A scenario with rows for these customers.
fn scene(rows: &str) -> Scenario {
    let scenario = Scenario::new().file("customers.csv", rows).unlimited();
    scenario.sandbox(|options| options.customers = 50)
}

fn previewed<const N: usize>(scenario: &Scenario, flags: [&str; N]) -> End {
    let url = scenario.url().expect("a sandbox");
    let words = ["preview", "customers.csv", "--base-url", &url].into_iter();
    scenario.start_words(words.chain(flags)).end()
}

#[test]
fn customers_on_no_page_and_unknown_ones_are_told_without_delay() {
    let scenario = scene(&surgeons((1..=20).chain(900..=903)));
    for way in ["list", "each"] {
        let flags = ["--run-dir", way, "--read", way, "--max-wait", "1s"];
        let end = previewed(&scenario, flags).exits(1);
        let verdict = "20 of 24 customers would change; 4 were not found.";
        assert!(end.stdout.contains(verdict), "{}", end.stdout);
        let unknown = lines(&scenario, way).into_iter();
        let unknown: BTreeSet<_> = unknown
            .filter(|line| line.change == "not_found")
            .map(|line| line.id)
            .collect();
        assert_eq!(unknown, (900..=903).collect());
    }
}

#[test]
fn an_api_that_knows_no_customer_is_told() {
    let hint = "the API knows none of the 20 customers (404): check --base-url and --tenant";
    let scenario = scene(&surgeons(900..=919));
    for way in ["list", "each"] {
        let end = previewed(&scenario, ["--run-dir", way, "--read", way]).exits(1);
        let verdict = "None of the 20 customers was found.\n";
        assert!(end.stdout.starts_with(verdict), "{}", end.stdout);
        end.says(hint);
    }
    let some = surgeons((1..=1).chain(900..=919));
    for rows in [surgeons(900..=918), some] {
        scenario.write("customers.csv", rows);
        let end = previewed(&scenario, ["--run-dir", "p"]).exits(1);
        assert!(!end.stderr.contains("--tenant"), "{}", end.stderr);
    }
}

#[test]
fn the_time_for_single_reads_and_for_pages_is_told() {
    let scenario = scene(&surgeons(1..=50));
    let end = previewed(&scenario, ["--run-dir", "p", "--rate", "20/s"]).exits(0);
    let end = end.says("50 customers to read, singly about 2 s at 20/s");
    assert!(!end.stderr.contains("sending to"), "{}", end.stderr);
    let end = end.says("reading from http://");
    end.says("reading whole pages of 100 (requests: 1 instead of 50, about 1 s at 20/s)");
}

#[test]
fn deleted_customers_are_told_and_a_run_treats_them_as_any_other() {
    let scenario = scene(&(surgeons(1..=20) + "3,Pilot\n"));
    let sandbox = scenario.sandbox_thread();
    for (id, deletion) in [(3, Deletion::Listed), (4, Deletion::Unlisted)] {
        sandbox
            .delete(id, deletion)
            .expect("there is such a customer");
    }
    for way in ["list", "each"] {
        let flags = ["--run-dir", way, "--read", way];
        let end = previewed(&scenario, flags).exits(1);
        let verdict = "18 of 20 customers would change; 2 are deleted.";
        assert!(end.stdout.contains(verdict), "{}", end.stdout);
        let found = lines(&scenario, way);
        let deleted: Vec<_> = (found.iter())
            .filter(|line| [3, 4].contains(&line.id))
            .map(|line| (&*line.row, &*line.field, &*line.change))
            .collect();
        let want = ["customers.csv:4", "customers.csv:22", "customers.csv:5"];
        assert_eq!(deleted.len(), want.len());
        for row in want {
            assert!(deleted.contains(&(row, "", "deleted")), "{deleted:?}");
        }
        let summary = scenario.read(&format!("{way}/summary.json"));
        let summary = summary.expect("the preview has a summary");
        let summary: Value = serde_json::from_slice(&summary).expect("a summary is JSON");
        let findings = &summary["preview"];
        assert_eq!(
            (&findings["deleted"], &findings["rows"]),
            (&json!(2), &json!(18))
        );
    }
    let end = scenario
        .run(["--plan", "list", "--max-errors", "none"])
        .exits(1);
    let results = end.results();
    for row in 1..=21 {
        let want = if [3, 4, 21].contains(&row) {
            "rejected"
        } else {
            "updated"
        };
        assert_eq!(results.row(row)["outcome"], want, "row {row}");
    }
}

#[test]
fn a_run_of_a_plan_fills_what_the_preview_has_filled_alone() {
    let scenario = scene("id,job,email\n1,Pilot,a@example.com\n2,Pilot,b@example.com\n");
    let sandbox = scenario.sandbox_thread();
    let edited = sandbox.edit(1, "job", Value::Null);
    edited.expect("there is such a customer");
    let flags = ["--run-dir", "p", "--fill", "job"];
    let end = previewed(&scenario, flags).exits(0);
    let changes: Vec<_> = (lines(&scenario, "p").into_iter())
        .map(|line| (line.id, line.field, line.change))
        .collect();
    let want = [
        (1, "email", "replaced"),
        (1, "job", "filled"),
        (2, "email", "replaced"),
    ];
    let want = want.map(|(id, field, change)| (id, field.to_owned(), change.to_owned()));
    assert_eq!(changes.into_iter().collect::<BTreeSet<_>>(), want.into());
    let words: Vec<_> = end.stdout.split_whitespace().collect();
    assert!(words.join(" ").contains("--fill job"), "{}", end.stdout);

    let applied = scenario.counts().applied;
    let refused = scenario.run(["--plan", "p"]).exits(5);
    refused.says("another fill (`job`, now none)");
    let refused = scenario.run(["--plan", "p", "--fill", "email"]).exits(5);
    refused.says("another fill (`job`, now `email`)");
    assert_eq!(scenario.counts().applied, applied, "nothing was sent");
    scenario
        .run(["--plan", "p", "--fill", "job,email"])
        .exits(0);
    let now = |id| {
        let customer = scenario.sandbox_thread().customer(id);
        (customer["job"].clone(), customer["email"].clone())
    };
    assert_eq!(now(1), (json!("Pilot"), json!("customer1@example.com")));
    assert_ne!(now(2).0, json!("Pilot"), "it had a job");
    assert_eq!(now(2).1, json!("customer2@example.com"));
}

#[test]
fn rows_whose_customer_was_changed_after_their_time_are_told() {
    let rows = "id,job,at\n1,Pilot,2000-01-01T00:00:00Z\n1,Judge,2100-01-01T00:00:00Z\n1,Baker,2000-01-01T00:00:00Z\n2,Pilot,2000-01-01T00:00:00Z\n";
    let scenario = scene(rows);
    for way in ["list", "each"] {
        let flags = [
            "--run-dir",
            way,
            "--read",
            way,
            "--unless-changed-since",
            "at",
        ];
        let end = previewed(&scenario, flags).exits(1);
        for says in [
            "1 of 2 customers would change; 1 is in conflict.",
            "2 rows would be in conflict: their customers were changed after the time in --unless-changed-since",
        ] {
            assert!(end.stdout.contains(says), "{}", end.stdout);
        }
        let found: BTreeSet<_> = (lines(&scenario, way).into_iter())
            .map(|line| (line.row, line.field, line.change, line.after))
            .collect();
        let want = [
            ("customers.csv:2", "", "conflict", ""),
            ("customers.csv:4", "job", "replaced", "Baker"),
            ("customers.csv:5", "", "conflict", ""),
        ];
        let want = want.map(|(row, field, change, after)| {
            (
                row.to_owned(),
                field.to_owned(),
                change.to_owned(),
                after.to_owned(),
            )
        });
        assert_eq!(found, want.into(), "{way}");
    }
    let refused = scenario.run(["--plan", "list", "--ignore", "at"]).exits(5);
    refused.says("another unless-changed-since (`at`, now none)");
    let flags = ["--plan", "list", "--unless-changed-since", "at"];
    let end = scenario.run(flags).exits(1);
    let results = end.results();
    let outcomes: Vec<_> = (1..=4)
        .map(|row| results.row(row)["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["conflict", "updated", "updated", "conflict"]);
}

#[test]
fn a_preview_after_the_run_proves_that_nothing_is_left() {
    let scenario = scene("id,job,email\n1,Surgeon,a@example.com\n2,Pilot,\n1,Judge,\n");
    let flags = ["--run-dir", "p", "--expect-equal"];
    let end = previewed(&scenario, flags).exits(1);
    assert!(
        end.stdout.contains("2 of 2 customers would change"),
        "{}",
        end.stdout
    );
    scenario.run(["--plan", "p"]).exits(0);
    let end = previewed(&scenario, flags).exits(0);
    let verdict = "Nothing would change for 2 customers.";
    assert!(end.stdout.contains(verdict), "{}", end.stdout);
}

#[test]
fn a_plan_without_its_customers_is_refused() {
    let scenario = scene(&surgeons(1..=10));
    previewed(&scenario, ["--run-dir", "p"]).exits(0);
    let seen = scenario.path("p/plan.redb");
    let content = fs::read(&seen).expect("the plan has customers");
    let refused = |scenario: &Scenario| {
        fs::remove_file(&seen).expect("it is there");
        let requests = scenario.counts().requests;
        let end = scenario.run(["--plan", "p"]).exits(5);
        end.says("p lacks plan.redb");
        assert_eq!(scenario.counts().requests, requests);
        fs::write(&seen, &content).expect("it is put back");
    };
    refused(&scenario);
    let end = scenario.run(["--plan", "p", "--max-rows", "5"]);
    assert_eq!(end.summary()["updated"], 5, "{}", end.stdout);
    // A run that goes on needs them, too.
    refused(&scenario);
}

#[test]
fn a_run_completes_rows_as_its_preview_has() {
    let scenario = scene(&surgeons(1..=3));
    let country = "--values=country_id:Country 1=1";
    previewed(&scenario, ["--run-dir", "p", "--complete", country]);
    let requests = scenario.counts().requests;
    let end = scenario.run(["--plan", "p", country]).exits(5);
    end.says("the plan in p was made with another complete (`true`, now `false`)");
    assert_eq!(scenario.counts().requests, requests);
    let end = scenario.run(["--plan", "p", country, "--complete"]);
    end.results().settle_each_of(3);
}

#[test]
fn a_sample_is_no_plan_and_hashes_alone_leave_no_values() {
    let scenario = scene(&surgeons(1..=40));
    let end = previewed(&scenario, ["--run-dir", "p", "--sample", "7"]).exits(0);
    let verdict = "7 of the 7 customers read would change.";
    assert!(end.stdout.contains(verdict), "{}", end.stdout);
    assert_eq!(lines(&scenario, "p").len(), 7);
    let end = scenario.run(["--plan", "p"]).exits(5);
    assert!(
        end.stderr
            .contains("p holds a preview of a sample, which is no plan"),
        "{}",
        end.stderr
    );
    // Whoever asks for a plan of a sample is told before anything is read.
    let requests = scenario.counts().requests;
    let words = ["--run-dir", "q", "--sample", "7", "--write-plan"];
    let end = previewed(&scenario, words).exits(2);
    let no_plan = "--write-plan has no effect with --sample, as a sample is no plan";
    assert!(end.stderr.contains(no_plan), "{}", end.stderr);
    assert!(!scenario.path("q").exists());
    assert_eq!(scenario.counts().requests, requests);
    // A sample may hold all customers.
    let end = previewed(&scenario, ["--run-dir", "p", "--sample", "40"]).exits(0);
    assert!(!end.stdout.contains("--plan"), "{}", end.stdout);
    assert!(scenario.read("p/plan.redb").is_none(), "no customers");
    let end = scenario.run(["--plan", "p"]).exits(5);
    assert!(
        end.stderr
            .contains("p holds a preview of a sample, which is no plan"),
        "{}",
        end.stderr
    );

    previewed(&scenario, ["--run-dir", "p", "--hashes-only"]).exits(0);
    assert!(scenario.read("p/preview.csv").is_none());
    for name in ["p/plan.requests", "p/plan.redb", "p/summary.json"] {
        let file = scenario.read(name).expect(name);
        assert!(
            !file.windows(7).any(|bytes| bytes == b"Surgeon"),
            "{name} holds a value"
        );
    }
    let left = fs::read_dir(scenario.path("p")).expect("the preview has a directory");
    let left: BTreeSet<_> = left
        .map(|file| {
            file.expect("a file")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect();
    let documented = "key plan.redb plan.requests report.html results.ndjson summary.json";
    assert_eq!(Vec::from_iter(left).join(" "), documented);
    scenario.run(["--plan", "p"]).exits(0);
}

/// A file of these columns of all customers, after a change of each row.
fn file_of(scenario: &Scenario, columns: &[&str], change: impl Fn(&mut [Vec<String>])) -> String {
    let shown = customers(scenario, ODD_CUSTOMERS);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let rows = shown
        .values()
        .map(|customer| columns.iter().map(|field| text(&customer[*field])));
    let mut rows: Vec<Vec<String>> = rows.map(Iterator::collect).collect();
    change(&mut rows);
    let mut file = format!("id,{}\n", columns.join(","));
    for (id, cells) in (1..).zip(rows) {
        writeln!(file, "{id},{}", cells.join(",")).expect("text grows");
    }
    file
}

/// The customers of which files are made whose columns are mixed up.
const ODD_CUSTOMERS: u64 = 400;

#[test]
fn files_that_mean_something_else_are_told() {
    let scenario = Scenario::new().unlimited();
    let scenario = scenario.sandbox(|options| options.customers = ODD_CUSTOMERS);
    let check = |columns: &[&str], change: &dyn Fn(&mut [Vec<String>]), want: Option<&str>| {
        scenario.write("customers.csv", file_of(&scenario, columns, change));
        let end = previewed(&scenario, ["--run-dir", "odd"]).exits(0);
        let odd: Vec<_> = (end.stdout.lines())
            .filter(|line| line.starts_with("odd "))
            .collect();
        match want {
            Some(field) => assert!(
                odd.iter().any(|line| line.contains(field)),
                "{}",
                end.stdout
            ),
            None => assert!(odd.is_empty(), "{}", end.stdout),
        }
    };
    let columns = ["first_name", "last_name", "email", "identity_number"];
    check(&columns, &|_| {}, None);
    // The e-mail addresses stand one row too low.
    let shifted = |rows: &mut [Vec<String>]| {
        for row in (1..rows.len()).rev() {
            rows[row][2] = rows[row - 1][2].clone();
        }
    };
    check(&columns, &shifted, Some("email"));
    let sorted = |rows: &mut [Vec<String>]| {
        let mut numbers: Vec<_> = rows.iter().map(|row| row[3].clone()).collect();
        numbers.sort();
        for (row, number) in rows.iter_mut().zip(numbers) {
            row[3] = number;
        }
    };
    check(&columns, &sorted, Some("identity_number"));
    let exchanged = |rows: &mut [Vec<String>]| rows.iter_mut().for_each(|row| row.swap(0, 1));
    check(&columns, &exchanged, Some("first_name, last_name"));
    // An honest file: 95 % of the addresses are at another company now.
    let moved = |rows: &mut [Vec<String>]| {
        let moved = rows.iter_mut().enumerate().filter(|(row, _)| row % 20 != 0);
        moved.for_each(|(_, row)| row[2] = row[2].replace("example.com", "example.org"));
    };
    check(&columns, &moved, None);
}

#[test]
fn a_preview_waits_for_an_api_in_trouble() {
    let scenario = Scenario::new()
        .file("customers.csv", surgeons(1..=40))
        .unlimited();
    let scenario = scenario.sandbox(|options| {
        options.customers = 50;
        options.faults = "503=40%,reset=10%".parse().expect("a plan");
    });
    for way in ["each", "list"] {
        let flags = ["--run-dir", way, "--read", way, "--attempts", "20"];
        let end = previewed(&scenario, flags).exits(0);
        let verdict = "40 of 40 customers would change.";
        assert!(end.stdout.contains(verdict), "{}", end.stdout);
        assert_eq!(scenario.counts().applied, 0);
    }
}

#[test]
fn a_preview_can_be_stopped_and_leaves_no_plan() {
    let scenario = Scenario::new().file("customers.csv", surgeons(1..=40));
    let scenario = scenario.sandbox(|options| options.customers = 50);
    let url = scenario.url().expect("a sandbox");
    let words = ["preview", "customers.csv", "--base-url", &url];
    let flags = ["--run-dir", "p", "--rate", "5/s", "--read", "each"];
    let running = scenario.start_words(words.into_iter().chain(flags));
    let running = running.until("a customer is read", |scenario| scenario.counts().reads > 2);
    let end = running.signal(Signal::TERM).end().exits(143);
    let (verdict, rest) = end.stdout.split_once('\n').expect("a verdict");
    let read = verdict
        .strip_prefix("Terminated: 40 of 40 rows were checked; 40 can be sent; ")
        .and_then(|rest| rest.strip_suffix(" of 40 customers were read."));
    let read: u64 = read.expect(verdict).parse().expect(verdict);
    assert!((1..40).contains(&read), "{verdict}");
    let (_, again) = rest
        .split_once("To look again from the start:\n")
        .expect(rest);
    let again = again.trim().to_owned();
    let summary = scenario.read("p/summary.json").expect("a summary");
    let summary: Value = serde_json::from_slice(&summary).expect("a summary is JSON");
    assert_eq!(summary["next_steps"][0]["command"], json!(again));
    let end = scenario.run(["--plan", "p"]).exits(5);
    assert!(end.stderr.contains("no finished plan"), "{}", end.stderr);
    scenario
        .shell(&again.replace("5/s", "unlimited"))
        .exits(0)
        .prints("40 of 40 customers would change.\n");
}
