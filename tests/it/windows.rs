//! Runs continued with another `--skip-rows` or `--max-rows`: settled rows stay settled, and rows
//! outside the range are left.

use crate::harness::{Form, Scenario};

const ROWS: u64 = 6;

/// Six customers, the third of whom does not exist at the API.
fn six_rows() -> Scenario {
    let id = |row| if row == 3 { 9_001_044 } else { row };
    let rows: Vec<_> = (1..=ROWS)
        .map(|row| format!("{},Job {row}\n", id(row)))
        .collect();
    let scenario = Scenario::new()
        .file("customers.csv", format!("id,job\n{}", rows.concat()))
        .unlimited();
    scenario.flags(["--max-errors", "none"]).sandbox(|_| {})
}

#[test]
fn rows_outside_of_the_window_keep_their_outcomes() {
    let scenario = six_rows();
    let whole = scenario.run([]).exits(1).counts([5, 0, 1, 0, 0]);
    let requests = scenario.counts().requests;
    for window in [
        ["--skip-rows", "4"],
        ["--max-rows", "1"],
        ["--skip-rows", "100"],
    ] {
        let end = scenario.run(window).exits(1).counts([5, 0, 1, 0, 0]);
        assert_eq!(
            end.file("failed.csv"),
            whole.file("failed.csv"),
            "{window:?}"
        );
    }
    let end = scenario
        .run(["--max-rows", "2", "--retry", "rejected"])
        .exits(1)
        .counts([5, 0, 1, 0, 0]);
    assert_eq!(end.failed_rows(Form::Csv).len(), 1);
    assert_eq!(
        scenario.counts().requests,
        requests,
        "the rejected row is not asked for"
    );
}

#[test]
fn rows_between_two_windows_stay_unsent_until_they_are_asked_for() {
    let scenario = six_rows();
    scenario
        .run(["--max-rows", "2"])
        .exits(0)
        .counts([2, 0, 0, 0, 0]);
    let end = scenario
        .run(["--skip-rows", "4"])
        .exits(0)
        .counts([4, 0, 0, 0, 2]);
    assert_eq!(end.summary()["records"], ROWS);
    assert_eq!(scenario.counts().requests, 4);
    scenario.run([]).exits(1).counts([5, 0, 1, 0, 0]);
}

#[test]
fn settled_rows_outside_of_the_window_are_compared_too() {
    let scenario = six_rows();
    scenario.run(["--max-rows", "2"]).exits(0);
    scenario.edit("customers.csv", |file| {
        file.splice(7..12, *b"1,New").for_each(drop);
    });
    scenario
        .run(["--skip-rows", "3"])
        .exits(5)
        .says("it differs in row 1; nothing was sent");
    assert_eq!(scenario.counts().requests, 2);
}
