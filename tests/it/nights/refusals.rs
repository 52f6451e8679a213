//! States that cannot be used, and what a state cannot be used with.

use super::{STATE, applied, night, state};
use crate::harness::Scenario;

const ROWS: &str = "id,job\n1,Nurse\n2,Baker\n3,Smith\n";

/// A scenario after its first night.
fn after_first_night() -> Scenario {
    let scenario = Scenario::new().sandbox(|_| {});
    scenario.write("first.csv", ROWS);
    night(&scenario, "first.csv", "first", ["--full-resync"]).exits(0);
    scenario
}

/// Runs a night that is refused with this exit code, and sends nothing.
fn refused(scenario: &Scenario, input: &str, flags: &[&str], code: i32, why: &str) {
    let requests = scenario.counts().requests;
    let end = night(scenario, input, "refused", flags.iter().copied()).exits(code);
    assert!(end.stderr.contains(why), "{why}: {}", end.stderr);
    assert_eq!(scenario.counts().requests, requests, "nothing is sent");
}

#[test]
fn a_missing_state_is_not_begun_by_itself() {
    let scenario = Scenario::new().sandbox(|_| {});
    scenario.write("first.csv", ROWS);
    let why = "there is no state nightly.state: is the volume mounted? --full-resync begins one";
    refused(&scenario, "first.csv", &[], 2, why);
    night(&scenario, "first.csv", "first", ["--full-resync"]).exits(0);
}

#[test]
fn a_state_belongs_to_one_api_and_tenant() {
    let scenario = after_first_night();
    refused(&scenario, "first.csv", &["--tenant", "7"], 5, "tenant 7");
    let scenario = {
        let other = scenario
            .url()
            .expect("a sandbox")
            .replace("127.0.0.1", "localhost");
        scenario.reached_at(&other)
    };
    refused(
        &scenario,
        "first.csv",
        &[],
        5,
        "the base URL http://localhost",
    );
}

#[test]
fn a_damaged_state_is_never_an_empty_one() {
    let scenario = after_first_night();
    let whole = state(&scenario);
    for damaged in [&whole[..0], &whole[..whole.len() / 2], b"id,job\n1,Nurse\n"] {
        scenario.write(STATE, damaged);
        refused(&scenario, "first.csv", &["--full-resync"], 5, STATE);
    }
    for at in (0..whole.len()).step_by(499) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        scenario.write(STATE, &damaged);
        let before = applied(&scenario);
        let end = night(&scenario, "first.csv", &format!("byte-{at}"), []);
        assert!(
            end.code() == 5 || end.code() == 0,
            "byte {at}: {}",
            end.stderr
        );
        assert_eq!(applied(&scenario), before, "byte {at}");
    }
}

#[test]
fn one_run_at_a_time_uses_a_state() {
    let scenario = after_first_night();
    scenario.write("second.csv", "id,job\n1,Chef\n2,Baker\n3,Smith\n");
    // The lock is held by this test.
    let path = scenario.path("nightly.state.lock");
    let lock = std::fs::File::options()
        .write(true)
        .open(path)
        .expect("the file of the lock");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .expect("nobody else has the lock");
    refused(
        &scenario,
        "second.csv",
        &[],
        5,
        "nightly.state: wait for its end, or use another state",
    );
}

#[test]
fn an_older_run_is_not_continued_after_a_newer_one() {
    let mut scenario = after_first_night();
    scenario.write("second.csv", "id,job\n1,Chef\n2,Chef\n3,Smith\n");
    scenario.set_variable("KILL_OF_A_TEST", "entry-written@1");
    night(&scenario, "second.csv", "second", []).exits(137);
    scenario.set_variable("KILL_OF_A_TEST", "");
    scenario.write("third.csv", "id,job\n1,Cook\n2,Cook\n3,Cook\n");
    night(&scenario, "third.csv", "third", []).exits(0);
    let before = applied(&scenario);
    let end = night(&scenario, "second.csv", "second", []).exits(5);
    let why = "another run has used the state since the run in second";
    assert!(end.stderr.contains(why), "{}", end.stderr);
    assert_eq!(applied(&scenario), before);
}

#[test]
fn what_a_state_cannot_be_used_with_is_refused() {
    let mut scenario = after_first_night();
    refused(
        &scenario,
        "first.csv",
        &["--skip-rows", "1"],
        2,
        "contradict each other",
    );
    refused(
        &scenario,
        "first.csv",
        &["--max-rows", "1"],
        2,
        "contradict each other",
    );
    let both = ["--full-resync", "--resync-part", "1/3"];
    refused(&scenario, "first.csv", &both, 2, "contradict each other");
    refused(
        &scenario,
        "first.csv",
        &["--resync-part", "2/3"],
        2,
        "write 1/N",
    );
    scenario.write("twice.csv", "id,job\n1,Nurse\n2,Baker\n3,Smith\n1,Nurse\n");
    let why = "twice.csv:5: the customer has an earlier row: with --state, say which one counts";
    refused(&scenario, "twice.csv", &[], 2, why);
    scenario.pipe(ROWS);
    refused(&scenario, "-", &[], 2, "--unique reject");
    let flags = ["--unique", "reject", "--max-changes", "5"];
    refused(&scenario, "-", &flags, 2, "--max-changes");
    let end = scenario
        .custsync(["run", "first.csv", "--sandbox", "--full-resync"])
        .exits(2);
    assert!(
        end.stderr
            .contains("--full-resync has no effect without --state"),
        "{}",
        end.stderr
    );
}

#[test]
fn a_list_of_changes_overwrites_no_input_and_no_state() {
    let scenario = after_first_night();
    let kept = state(&scenario);
    for list in ["first.csv", STATE, "./nightly.state.lock"] {
        let why = "the list would overwrite an input or the state";
        refused(&scenario, "first.csv", &["--changes", list], 2, why);
    }
    assert_eq!(scenario.read("first.csv").as_deref(), Some(ROWS.as_bytes()));
    assert!(state(&scenario) == kept);
    let end = scenario
        .custsync(["state", "forget", "none.state", "1"])
        .exits(2);
    assert!(end.stderr.contains("there is no state"), "{}", end.stderr);
    assert!(!scenario.path("none.state.lock").exists());
}

#[test]
fn an_undo_needs_the_state_of_its_run() {
    let scenario = after_first_night();
    scenario.write("second.csv", "id,job\n1,Chef\n2,Baker\n3,Smith\n");
    night(&scenario, "second.csv", "run", ["--undoable"]).exits(0);
    let kept = state(&scenario);
    std::fs::remove_file(scenario.path(STATE)).expect("the state");
    let end = scenario.undo([]).exits(2);
    assert!(end.stderr.contains("--without-state"), "{}", end.stderr);
    assert_eq!(scenario.sandbox_thread().customer(1)["job"], "Chef");

    scenario.write(STATE, kept);
    scenario.undo([]).exits(0);
    assert_eq!(scenario.sandbox_thread().customer(1)["job"], "Nurse");
    let before = applied(&scenario);
    night(&scenario, "second.csv", "third", []).exits(0);
    assert_eq!(applied(&scenario) - before, 1, "it is sent again");

    let scenario = after_first_night();
    scenario.write("second.csv", "id,job\n1,Chef\n2,Baker\n3,Smith\n");
    night(&scenario, "second.csv", "run", ["--undoable"]).exits(0);
    std::fs::remove_file(scenario.path(STATE)).expect("the state");
    scenario.undo(["--without-state"]).exits(0);
    assert_eq!(scenario.sandbox_thread().customer(1)["job"], "Nurse");
}
