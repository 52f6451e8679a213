//! Updates that leave only if the customer is still as it was read: with entity tags no change of a
//! third party is lost, whatever the faults.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use custsync::testing::sandbox::{ETags, Edit, Put, SandboxOptions};
use jiff::Timestamp;
use serde_json::Value;

use crate::harness::{End, FIELDS, Reply, Request, Scenario, countries_known, rounds};

/// The flags of all runs: no row fails by bad luck.
const RUN: [&str; 8] = [
    "--attempts",
    "20",
    "--timeout",
    "1s",
    "--max-wait",
    "20s",
    "--max-errors",
    "none",
];

/// A run of one row for each of many customers, each of which sets a field that no third party edits
/// by chance.
struct World {
    scenario: Scenario,
    before: BTreeMap<u64, Value>,
}

impl World {
    fn new(customers: u64, choose: impl FnOnce(&mut SandboxOptions)) -> World {
        let scenario = Scenario::new().unlimited().flags(RUN).sandbox(|options| {
            options.customers = customers;
            choose(options);
        });
        scenario.write("custsync.toml", countries_known(|_| true));
        let mut rows = "id,email\n".to_owned();
        for id in 1..=customers {
            writeln!(rows, "{id},{}", email(id)).expect("text grows");
        }
        let before = (1..=customers).map(|id| (id, scenario.sandbox_thread().customer(id)));
        World {
            before: before.collect(),
            scenario: scenario.file("customers.csv", rows),
        }
    }

    fn edits(&self) -> Vec<Edit> {
        self.scenario.sandbox_thread().edits()
    }

    /// The customers and fields whose last edit is not what the sandbox holds, or that are not as
    /// before although nobody edited them. The field that the row sets is not looked at.
    fn lost(&self) -> BTreeSet<(u64, &'static str)> {
        let mut edited = BTreeMap::new();
        for edit in self.edits() {
            edited.insert((edit.customer, edit.field), edit.value);
        }
        let mut lost = BTreeSet::new();
        for (id, before) in &self.before {
            let now = self.scenario.sandbox_thread().customer(*id);
            for &field in FIELDS.iter().filter(|field| **field != "email") {
                let want = edited.get(&(*id, field)).unwrap_or(&before[field]);
                if now[field] != *want {
                    lost.insert((*id, field));
                }
            }
        }
        lost
    }

    /// Checks that each row is updated, and its customer has its value, or is a conflict that says
    /// that the customer was changed each time, and its customer has the value from before. Returns
    /// the number of conflicts.
    fn each_row_ends_as_it_says(&self, end: &End) -> usize {
        let results = end.results();
        let mut conflicts = 0;
        for (row, line) in results.by_row() {
            let now = &self.scenario.sandbox_thread().customer(row)["email"];
            if line["outcome"] == "updated" {
                assert_eq!(*now, email(row), "row {row}");
                continue;
            }
            assert_eq!(line["outcome"], "conflict", "{line}");
            assert_eq!(line["errors"][0]["field"], "email");
            assert_eq!(line["errors"][0]["code"], "changed_each_time");
            assert_eq!(*now, self.before[&row]["email"], "row {row}");
            conflicts += 1;
        }
        assert_eq!(results.by_row().len(), self.before.len());
        conflicts
    }
}

fn email(id: u64) -> String {
    format!("row.{id}@example.com")
}

fn refused(world: &World) -> u64 {
    let counts = world.scenario.counts();
    counts.by_status.get(&412).copied().unwrap_or_default()
}

#[test]
fn no_edit_is_lost_where_the_api_shows_entity_tags() {
    // A world of 200 customers has about 200 edits or more.
    for seed in 0..rounds(1, 10) as u64 {
        let world = World::new(200, |options| {
            options.seed = seed;
            options.put = Put::Replace;
            options.etags = ETags::Strong;
            options.edits.before = "20%".parse().expect("a share");
            options.edits.after = "50%".parse().expect("a share");
        });
        let end = world.scenario.run(["--complete"]);
        let conflicts = world.each_row_ends_as_it_says(&end);
        assert_eq!(end.code(), i32::from(conflicts > 0), "{}", end.stderr);
        assert!(world.edits().len() >= world.before.len() / 2);
        assert!(refused(&world) > 0);
        assert_eq!(world.lost(), BTreeSet::new(), "seed {seed}");
    }
}

#[test]
fn without_entity_tags_only_edits_between_a_read_and_its_update_are_lost() {
    let world = World::new(200, |options| {
        options.put = Put::Replace;
        options.edits.before = "50%".parse().expect("a share");
        options.edits.after = "50%".parse().expect("a share");
    });
    let end = world.scenario.run(["--complete"]);
    assert_eq!(world.each_row_ends_as_it_says(&end.exits(0)), 0);
    let lost = world.lost();
    assert!(!lost.is_empty(), "the third party came in between");
    // Each customer is read once: an edit that its update shows came before the read.
    let ledger = world.scenario.ledger();
    let mut last = BTreeMap::new();
    for edit in world.edits() {
        last.insert((edit.customer, edit.field), edit);
    }
    let mut seen = 0;
    for edit in last.into_values() {
        let mut updates = ledger.0.iter().enumerate();
        let (place, update) = updates
            .find(|(_, update)| update.id == edit.customer)
            .expect("each customer is updated");
        assert!(edit.updates_before as usize <= place, "{edit:?}");
        if update.body[edit.field] == edit.value {
            seen += 1;
            assert!(!lost.contains(&(edit.customer, edit.field)), "{edit:?}");
        }
    }
    assert!(seen > 0);
}

#[test]
fn an_update_that_may_have_been_applied_is_no_change_of_a_third_party() {
    for (seed, faults) in [
        (1, "timeout=10%"),
        (2, "reset=30%"),
        (3, "502=15%,reset=15%"),
    ] {
        let world = World::new(30, |options| {
            options.seed = seed;
            options.put = Put::Replace;
            options.etags = ETags::Strong;
            options.faults = faults.parse().expect("a plan of faults");
        });
        let end = world.scenario.run(["--complete"]);
        assert_eq!(world.each_row_ends_as_it_says(&end.exits(0)), 0, "{faults}");
        assert_eq!(world.lost(), BTreeSet::new(), "{faults}");
    }
}

#[test]
fn no_edit_is_lost_beside_faults() {
    for seed in 0..rounds(1, 5) as u64 {
        let world = World::new(30, |options| {
            options.seed = seed;
            options.put = Put::Replace;
            options.etags = ETags::Strong;
            options.faults = "reset=8%,503=3%".parse().expect("a plan of faults");
            options.edits.before = "10%".parse().expect("a share");
            options.edits.after = "20%".parse().expect("a share");
        });
        let end = world.scenario.run(["--complete"]);
        world.each_row_ends_as_it_says(&end.exits_with_one_of(&[0, 1]));
        assert_eq!(world.lost(), BTreeSet::new(), "seed {seed}");
    }
}

/// The answer to a read of a customer.
fn customer(id: u64, headers: &str) -> Reply {
    let body = format!(r#"{{"data":{{"id":{id},"email":"a@b.example","job":null}}}}"#);
    Reply::of(200, headers, "application/json", body.as_bytes())
}

/// The condition of each update, and nothing for those without one.
fn conditions(scenario: &Scenario) -> Vec<Option<String>> {
    let requests = scenario.requests();
    let updates = requests.iter().filter(|request| !is_read(request));
    updates
        .map(|update| update.header("if-match").map(str::to_owned))
        .collect()
}

/// Whether a request reads a customer.
fn is_read(request: &Request) -> bool {
    request.line.starts_with("GET ")
}

#[test]
fn only_a_strong_tag_is_sent_back_and_only_to_updates_behind_a_read() {
    let check = |headers: &'static str, flag: &str, want: Option<&str>| {
        let scenario = Scenario::new()
            .file("customers.csv", "id,email\n7,x@b.example\n")
            .server_with_reads(move |_| customer(7, headers));
        scenario.run([flag]).exits(0);
        assert_eq!(
            conditions(&scenario),
            [want.map(str::to_owned)],
            "{headers}"
        );
    };
    check("ETag: \"7-1\"\r\n", "--undoable", Some("\"7-1\""));
    check("ETag: \"7-1\"\r\n", "--skip-equal", Some("\"7-1\""));
    check("ETag: \"7-1\"\r\n", "--fill=job", Some("\"7-1\""));
    check("ETag: W/\"7-1\"\r\n", "--undoable", None);
    check("ETag: 7-1\r\n", "--undoable", None);
    check("ETag: \"7-1\"\r\nETag: \"7-2\"\r\n", "--undoable", None);
    check("", "--undoable", None);
    check("ETag: \"7-1\"\r\n", "--left-out=trust", None);
}

#[test]
fn a_customer_who_changes_each_time_is_a_conflict_at_last() {
    let scenario = Scenario::new()
        .file("customers.csv", "id,email\n7,x@b.example\n")
        .server_with_reads(|request| {
            if is_read(request) {
                customer(7, "ETag: \"7-1\"\r\n")
            } else {
                Reply::of(412, "", "text/html", b"<html>Precondition Failed</html>")
            }
        });
    let end = scenario
        .run(["--undoable", "--max-errors", "none"])
        .exits(1);
    assert_eq!(conditions(&scenario).len(), 6, "five changes are too few");
    let results = end.results();
    let line = results.row(1);
    assert_eq!(line["outcome"], "conflict");
    assert_eq!(line["attempts"], 6);
    assert_eq!(line["errors"][0]["code"], "changed_each_time");
}

#[test]
fn a_refused_condition_that_was_not_ours_is_a_refusal() {
    let scenario = Scenario::new()
        .file("customers.csv", "id,email\n7,x@b.example\n")
        .server_with_reads(|request| {
            if is_read(request) {
                customer(7, "")
            } else {
                let body = br#"{"error":"precondition_failed","message":"x"}"#;
                Reply::of(412, "", "application/json", body)
            }
        });
    let end = scenario
        .run(["--undoable", "--max-errors", "none"])
        .exits(1);
    assert_eq!(conditions(&scenario), [None]);
    assert_eq!(end.results().row(1)["outcome"], "rejected");
}

#[test]
fn a_tag_is_not_used_again_once_its_update_may_have_been_applied() {
    let scenario = Scenario::new()
        .file("customers.csv", "id,email\n7,x@b.example\n")
        .server_with_reads(
            |request| match (is_read(request), request.header("if-match")) {
                (true, _) if request.number == 1 => customer(7, "ETag: \"first\"\r\n"),
                (true, _) => customer(7, "ETag: \"second\"\r\n"),
                (false, Some("\"first\"")) => Reply::of(502, "", "text/html", b"<html>"),
                (false, _) => customer(7, ""),
            },
        );
    let end = scenario.run(["--undoable"]).exits(0);
    let tags = ["\"first\"", "\"second\""].map(|tag| Some(tag.to_owned()));
    assert_eq!(conditions(&scenario), tags);
    assert_eq!(end.results().row(1)["attempts"], 2);
}

#[test]
fn a_tag_is_used_again_if_its_update_was_not_applied() {
    let scenario = Scenario::new()
        .file("customers.csv", "id,email\n7,x@b.example\n")
        .server_with_reads(|request| match (is_read(request), request.number) {
            (true, _) => customer(7, "ETag: \"first\"\r\n"),
            (false, 2) => Reply::of(503, "Retry-After: 0\r\n", "text/html", b"<html>"),
            (false, _) => customer(7, ""),
        });
    scenario.run(["--undoable"]).exits(0);
    let requests = scenario.requests();
    let reads: Vec<bool> = requests.iter().map(is_read).collect();
    assert_eq!(reads, [true, false, false]);
}

/// A customer who was changed at this time.
fn changed(id: u64, job: &str, at: &str) -> Reply {
    let body = format!(r#"{{"data":{{"id":{id},"job":"{job}","updated_at":"{at}"}}}}"#);
    Reply::of(200, "", "application/json", body.as_bytes())
}

#[test]
fn a_row_whose_customer_was_changed_after_its_time_is_a_conflict() {
    let rows = "id,job,exported at\n1,Nurse,2026-11-23T10:00:00+01:00\n2,Nurse,2026-11-23T09:00:00Z\n3,Nurse,2026-11-23T09:00:00Z\n4,Nurse,\n5,Nurse,2026-11-23T09:00:00\n6,Nurse,2026-11-23T09:00:00Z\n";
    let scenario = Scenario::new()
        .file("customers.csv", rows)
        .server_with_reads(|request| match request.id() {
            1 => changed(1, "Clerk", "2026-11-23T09:00:00Z"),
            2 => changed(2, "Clerk", "2026-11-23T09:00:00.000001Z"),
            3 => changed(3, "Nurse", "2026-11-24T09:00:00Z"),
            _ => customer(6, ""),
        });
    let flags = [
        "--unless-changed-since",
        "exported at",
        "--max-errors",
        "none",
    ];
    let end = scenario.run(flags).exits(1);
    let results = end.results();
    let line = |row| results.row(row).clone();
    let outcomes: Vec<_> = (1..=6).map(|row| line(row)["outcome"].clone()).collect();
    assert_eq!(
        outcomes,
        [
            "updated",
            "conflict",
            "unchanged",
            "invalid",
            "invalid",
            "conflict"
        ]
    );
    let error = |row| line(row)["errors"][0].clone();
    assert_eq!(error(2)["field"], "job");
    assert_eq!(error(2)["code"], "changed_since");
    assert_eq!(error(4)["code"], "required");
    assert_eq!(error(5)["code"], "format");
    assert_eq!(error(6)["code"], "updated_at_not_shown");
    let updates = scenario.requests();
    let updates = updates.iter().filter(|request| !is_read(request));
    assert_eq!(updates.map(Request::id).collect::<Vec<_>>(), [1]);
}

#[test]
fn the_column_of_the_times_is_no_field_and_has_to_be_there() {
    let scenario = Scenario::new()
        .file(
            "customers.csv",
            "id,job,email\n1,Nurse,2026-11-23T09:00:00Z\n",
        )
        .server_with_reads(|_| changed(1, "Clerk", "2026-11-22T09:00:00Z"));
    let refused = scenario
        .run(["--unless-changed-since", "exported"])
        .exits(2);
    refused.says("--unless-changed-since: there is no column `exported`");
    scenario.run(["--unless-changed-since", "email"]).exits(0);
    let requests = scenario.requests();
    let update = requests.iter().find(|request| !is_read(request));
    assert_eq!(update.expect("an update").text, r#"{"job":"Nurse"}"#);
    let refused = scenario
        .run(["--unless-changed-since", "job", "--ignore", "job"])
        .exits(2);
    refused.says("column `job` is named in --unless-changed-since, and in --map or --ignore");
}

/// Three rows of one customer, of which a process is killed at this place, or at none.
fn own_changes(place: &str) -> Vec<Value> {
    let rows = "id,job,at\n7,One,TIME\n7,Two,TIME\n7,Three,TIME\n7,Four,TIME\n";
    // The sandbox's customers have been changed long before.
    let time = Timestamp::now() - Duration::from_hours(1);
    let rows = rows.replace("TIME", &time.to_string());
    let mut scenario = Scenario::new()
        .unlimited()
        .flags(RUN)
        .sandbox(|options| options.customers = 10)
        .file("customers.csv", rows);
    scenario.set_variable("KILL_OF_A_TEST", place);
    scenario
        .run(["--unless-changed-since", "at"])
        .exits_with_one_of(&[0, 137]);
    scenario.set_variable("KILL_OF_A_TEST", "");
    let end = scenario
        .run(["--unless-changed-since", "at"])
        .exits_with_one_of(&[0, 1]);
    let results = end.results();
    let outcomes = (1..=4).map(|row| results.row(row)["outcome"].clone());
    let last = scenario.sandbox_thread().customer(7)["job"].clone();
    outcomes.chain([last]).collect()
}

#[test]
fn the_run_s_own_changes_are_no_changes_of_others() {
    let all = ["updated", "updated", "updated", "updated", "Four"];
    assert_eq!(own_changes(""), all);
    // The journal knows the changes of the rows that have an entry.
    assert_eq!(own_changes("read-answered@3"), all);
    assert_eq!(own_changes("put-leaves@2"), all);
}

#[test]
fn a_change_that_the_run_may_not_have_made_itself_is_not_overwritten() {
    // The first update was applied, and no entry says so: the row has its values, and the others
    // cannot tell whose change it is.
    let killed = own_changes("put-answered@1");
    assert_eq!(
        killed,
        ["unchanged", "conflict", "conflict", "conflict", "One"]
    );
}
