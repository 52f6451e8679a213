//! What a night sends, and what it says.

use std::os::unix::fs::PermissionsExt as _;

use super::{STATE, applied, night, state};
use crate::harness::Scenario;

/// Rows of customers 1 to `count`; those in `other` have another job.
fn export(count: u64, other: &[u64]) -> String {
    let rows = (1..=count).map(|id| {
        let job = if other.contains(&id) { "Chef" } else { "Nurse" };
        format!("{id},{job}\n")
    });
    "id,job\n".to_owned() + &rows.collect::<String>()
}

/// A scenario after its first night, with so many customers.
fn after_first_night(count: u64) -> Scenario {
    let scenario = Scenario::new().sandbox(|_| {});
    scenario.write("first.csv", export(count, &[]));
    night(&scenario, "first.csv", "first", ["--full-resync"]).exits(0);
    scenario
}

#[test]
fn only_changed_rows_are_sent_and_the_books_have_all_of_them() {
    let scenario = after_first_night(3_000);
    scenario.write("second.csv", export(3_001, &[7, 2_900]));
    let before = applied(&scenario);
    let end = night(
        &scenario,
        "second.csv",
        "second",
        ["--changes", "changes.csv"],
    )
    .exits(0);
    assert_eq!(applied(&scenario) - before, 3);
    let line = "3,001 rows: 2,998 unchanged, 2 changed, 1 new\n";
    assert!(end.stderr.contains(line), "{}", end.stderr);
    let summary: serde_json::Value =
        serde_json::from_slice(&scenario.read("second/summary.json").expect("a summary"))
            .expect("JSON");
    assert_eq!(
        (&summary["unchanged"], &summary["updated"]),
        (&2_998.into(), &3.into())
    );
    let list = scenario.read("changes.csv").expect("the list of changes");
    let want = "custsync_row,id,change\nsecond.csv:8,7,changed\nsecond.csv:2901,2900,changed\nsecond.csv:3002,3001,new\n";
    assert_eq!(String::from_utf8(list).expect("UTF-8"), want);
    let mode = std::fs::metadata(scenario.path("changes.csv"))
        .expect("a file")
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);

    // The same night again: nothing is left to do.
    let before = applied(&scenario);
    night(&scenario, "second.csv", "second", []).exits(0);
    night(&scenario, "second.csv", "third", []).exits(0);
    assert_eq!(applied(&scenario), before);
}

#[test]
fn a_row_that_failed_or_was_refused_goes_again() {
    let scenario = Scenario::new().sandbox(|options| options.customers = 5);
    scenario.write("first.csv", export(6, &[]));
    let end = night(&scenario, "first.csv", "first", ["--full-resync"]).exits(1);
    assert!(end.stdout.contains("404"), "{}", end.stdout);
    scenario.write("second.csv", export(6, &[1]));
    let end = night(&scenario, "second.csv", "second", []).exits(1);
    let line = "6 rows: 4 unchanged, 1 changed, 1 unknown from an unfinished run\n";
    assert!(end.stderr.contains(line), "{}", end.stderr);
}

#[test]
fn absent_customers_count_once() {
    let scenario = after_first_night(40);
    scenario.write("half.csv", export(20, &[]));
    let before = state(&scenario);
    for directory in ["half-1", "half-2"] {
        let end = night(&scenario, "half.csv", directory, []).exits(6);
        let what = "20 of the state's 40 customers are absent, more than --max-changes 20%; nothing was sent";
        assert!(
            end.stdout.contains(what) || end.stderr.contains(what),
            "{}",
            end.stderr
        );
        assert!(state(&scenario) == before, "the state is as it was");
    }
    let end = night(&scenario, "half.csv", "half-3", ["--max-changes", "none"]).exits(0);
    let line = "20 rows: 20 unchanged, 0 changed; 20 customers of the state are absent\n";
    assert!(end.stderr.contains(line), "{}", end.stderr);
    let end = night(&scenario, "half.csv", "half-4", []).exits(0);
    let line = "20 customers of the state are absent, 0 of them for the first time\n";
    assert!(end.stderr.contains(line), "{}", end.stderr);
    // Who comes back is as before.
    scenario.write("whole.csv", export(40, &[]));
    let end = night(&scenario, "whole.csv", "whole", []).exits(0);
    assert!(
        end.stderr.contains("40 rows: 40 unchanged, 0 changed\n"),
        "{}",
        end.stderr
    );
    let end = night(&scenario, "half.csv", "half-5", []).exits(6);
    assert!(
        end.stderr
            .contains("20 customers of the state are absent\n"),
        "{}",
        end.stderr
    );
}

#[test]
fn a_resync_sends_each_customer_once_in_its_parts() {
    let scenario = after_first_night(60);
    let mut sent = Vec::new();
    for (turn, directory) in (1..).zip(["a", "b", "c", "d"]) {
        let before = applied(&scenario);
        night(&scenario, "first.csv", directory, ["--resync-part", "1/3"]).exits(0);
        let ledger = scenario.ledger();
        let ids: Vec<u64> = ledger.0[before..]
            .iter()
            .map(|applied| applied.id)
            .collect();
        assert!(!ids.is_empty(), "turn {turn}");
        sent.push(ids);
    }
    let mut once: Vec<u64> = sent[..3].concat();
    once.sort_unstable();
    assert_eq!(once, (1..=60).collect::<Vec<u64>>());
    sent[0].sort_unstable();
    sent[3].sort_unstable();
    assert_eq!(sent[0], sent[3], "the first part comes again");

    let before = applied(&scenario);
    night(&scenario, "first.csv", "e", ["--full-resync"]).exits(0);
    assert_eq!(applied(&scenario) - before, 60);
}

#[test]
fn standard_input_is_compared_as_it_comes() {
    let mut scenario = after_first_night(3_000);
    scenario.pipe(export(3_001, &[5, 2_000]));
    let before = applied(&scenario);
    let end = night(&scenario, "-", "second", ["--unique", "reject"]).exits(0);
    assert_eq!(applied(&scenario) - before, 3);
    assert!(
        end.stderr.contains("without --max-changes"),
        "{}",
        end.stderr
    );
    let before = applied(&scenario);
    night(&scenario, "-", "third", ["--unique", "reject"]).exits(0);
    assert_eq!(applied(&scenario), before);
}

#[test]
fn forgotten_customers_are_sent_again() {
    let scenario = after_first_night(30);
    let end = scenario
        .custsync(["state", "forget", STATE, "3", "4", "3"])
        .exits(0);
    assert!(
        end.stdout.contains("nothing of 2 of its customers"),
        "{}",
        end.stdout
    );
    let before = applied(&scenario);
    night(&scenario, "first.csv", "second", []).exits(0);
    assert_eq!(applied(&scenario) - before, 2);
    let end = scenario.custsync(["state", "forget", STATE, "31"]).exits(2);
    assert!(end.stderr.contains("no customer 31"), "{}", end.stderr);
    scenario
        .custsync(["state", "forget", STATE, "--all"])
        .exits(0);
    let before = applied(&scenario);
    night(&scenario, "first.csv", "third", []).exits(0);
    assert_eq!(applied(&scenario) - before, 30);
}

#[test]
fn corrected_failed_rows_are_part_of_the_night() {
    let scenario = after_first_night(30);
    let broken = export(29, &[]) + &format!("30,{}\n", "x".repeat(300));
    scenario.write("second.csv", broken);
    night(&scenario, "second.csv", "second", []).exits(1);
    let failed = scenario.read("second/failed.csv").expect("failed rows");
    let failed = String::from_utf8(failed).expect("UTF-8");
    scenario.write("corrected.csv", failed.replace(&"x".repeat(300), "Chef"));
    let before = applied(&scenario);
    let end = night(&scenario, "corrected.csv", "corrected", []).exits(0);
    assert!(
        end.stderr.contains("1 row: 0 unchanged, 1 changed\n"),
        "{}",
        end.stderr
    );
    assert_eq!(applied(&scenario) - before, 1);
}

#[test]
fn a_check_tells_what_a_night_would_send_and_changes_nothing() {
    let scenario = after_first_night(30);
    scenario.write("second.csv", export(31, &[1, 2]));
    let before = state(&scenario);
    let url = scenario.url().expect("a sandbox");
    let check = |file: &'static str| {
        scenario.custsync([
            "check",
            file,
            "--run-dir",
            "check",
            "--state",
            STATE,
            "--base-url",
            &url,
        ])
    };
    let end = check("second.csv").exits(0);
    assert!(
        end.stderr
            .contains("31 rows: 28 unchanged, 2 changed, 1 new\n"),
        "{}",
        end.stderr
    );
    scenario.write("broken.csv", "id,job\n1,Nurse\n");
    check("broken.csv").exits(6);
    assert!(state(&scenario) == before, "the state is as it was");
}

#[test]
fn the_effect_on_fields_that_are_left_out_is_found_out_once() {
    let scenario = Scenario::new().sandbox(|_| {}).probing();
    scenario.write("first.csv", export(30, &[]));
    night(&scenario, "first.csv", "first", ["--full-resync"]).exits(0);
    scenario.write("second.csv", export(30, &[1, 2, 3]));
    let reads = scenario.counts().reads;
    night(&scenario, "second.csv", "second", []).exits(0);
    assert_eq!(scenario.counts().reads, reads, "no customer is read again");
}

#[test]
fn a_state_and_a_list_of_changes_hold_no_value_and_no_token() {
    let scenario = Scenario::new().sandbox(|_| {});
    let canary = "Canary of a job";
    let text = format!("id,job\n1,{canary}\n2,{canary} too\n");
    scenario.write("first.csv", text);
    let flags = ["--full-resync", "--changes", "changes.csv"];
    let end = night(&scenario, "first.csv", "first", flags).exits(0);
    let secret = scenario.secret().expect("a token");
    let shown = scenario.custsync(["state", "show", STATE]).exits(0).stdout;
    let state = state(&scenario);
    let list = scenario.read("changes.csv").expect("the list of changes");
    for bytes in [&state[..], &list, shown.as_bytes(), end.stderr.as_bytes()] {
        for hidden in [canary, &secret] {
            let holds = bytes
                .windows(hidden.len())
                .any(|part| part == hidden.as_bytes());
            assert!(!holds, "{hidden}");
        }
    }
    let mode = std::fs::metadata(scenario.path(STATE))
        .expect("a state")
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
}
