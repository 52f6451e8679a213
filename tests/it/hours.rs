//! The hours in which a run sends, and the time that it will take.

use jiff::{Timestamp, ToSpan};

use crate::harness::{Customers, Scenario};

/// Hours from and to so many hours from now, in UTC.
fn hours(from: i64, to: i64) -> String {
    let now = Timestamp::now();
    let at = |hours: i64| {
        let at = now.checked_add(hours.hours()).expect("a time");
        at.strftime("%H:%M").to_string()
    };
    format!("{}-{}", at(from), at(to))
}

fn scenario(rows: usize) -> Scenario {
    let customers = Customers::good(rows, 21);
    Scenario::new().csv(&customers).sandbox(|_| {})
}

#[test]
fn outside_the_hours_nothing_is_sent_and_the_end_says_when_they_begin() {
    let scenario = scenario(5).unlimited();
    let hours = hours(2, 3);
    let end = scenario.run(["--hours", &hours]).exits(4);
    let begin = hours.split('-').next().expect("a begin");
    end.says(&format!("it is outside --hours {hours}, which begin at "))
        .says(&format!(" {begin} UTC, and that is longer than --max-wait"))
        .says("nothing was sent");
    assert_eq!(scenario.counts().requests, 0);
    assert!(scenario.read("run/results.ndjson").is_none());
}

#[test]
fn within_the_hours_a_run_is_as_without_them() {
    let scenario = scenario(5).unlimited();
    scenario.run(["--hours", &hours(-1, 1)]).exits(0);
    assert_eq!(scenario.ledger().len(), 5);
    let utc = format!("{} UTC", hours(-1, 1));
    scenario.run(["--hours", &utc]).exits(0);
}

#[test]
fn hours_that_cannot_be_used_are_refused() {
    let scenario = scenario(5);
    for (hours, want) in [
        ("22-6", "write it as in 22:00-06:00"),
        ("06:00-06:00", "begins and ends at the same time"),
        (
            "22:00-06:00 Europe/Nowhere",
            "--hours: the time zone Europe/Nowhere cannot be used",
        ),
    ] {
        scenario.run(["--hours", hours]).exits(2).says(want);
    }
    assert_eq!(scenario.counts().requests, 0);
}

#[test]
fn the_time_that_a_run_takes_is_told_before_it() {
    let line = |end: &crate::harness::End| {
        let lines = end.stderr.lines();
        let line = lines.rev().find(|line| line.contains(" each at "));
        line.map(|line| line.split("INFO ").last().unwrap_or_default().to_owned())
    };
    let scenario = scenario(50);
    let end = scenario
        .run(["--rate", "1000/s", "--max-rows", "20"])
        .exits(0);
    let told = line(&end).expect("the time is told");
    assert!(
        told.starts_with("20 rows, 1 request each at 1000/s: about 1 s, done at "),
        "{told}"
    );
    // Only the rows that are left count, and a run that has none tells nothing.
    let within = hours(-1, 1);
    let end = scenario
        .run(["--rate", "1000/s", "--hours", &within])
        .exits(0);
    let told = line(&end).expect("the time is told");
    assert!(
        told.starts_with("30 rows, 1 request each at 1000/s") && told.ends_with(", within --hours"),
        "{told}"
    );
    let end = scenario.run(["--rate", "1000/s"]).exits(0);
    assert_eq!(line(&end), None);
    // Without a rate of the user's, none is known.
    let end = Scenario::new()
        .csv(&Customers::good(5, 22))
        .sandbox(|_| {})
        .run(["--undoable"])
        .exits(0);
    assert_eq!(line(&end), None);
    let end = Scenario::new()
        .csv(&Customers::good(5, 22))
        .sandbox(|_| {})
        .run(["--undoable", "--rate", "1000/s"])
        .exits(0);
    let told = line(&end).expect("the time is told");
    assert!(
        told.starts_with("5 rows, 2 requests each at 1000/s"),
        "{told}"
    );
}
