//! The termination message of a container.

use super::{bad, good};
use crate::harness::Scenario;

#[test]
fn the_message_says_what_to_do_next() {
    let message = |scenario: &Scenario| {
        let message = scenario.read("message").expect("it is written");
        String::from_utf8(message).expect("UTF-8")
    };
    let scenario = bad().flags(["--termination-message", "message"]);
    // Such a file exists before, and is longer.
    scenario.write("message", "before\n".repeat(1_000));
    let summary = scenario.run([]).exits(1).summary();
    let text = message(&scenario);
    let verdict = summary["verdict"].as_str().unwrap();
    assert!(text.starts_with(&format!("{verdict}\n")), "{text}");
    assert!(
        text.contains("\nCorrect run/failed.csv and run it:\n  ")
            && text.contains(" run --run-dir run-corrected run/failed.csv "),
        "{text}"
    );
    let check = ["check", "a.csv", "--termination-message", "message"];
    scenario.custsync(check).exits(1);
    assert!(message(&scenario).starts_with("1 of 2 rows can be sent"));
    for arguments in [["--rate", "50"], ["--raet", "1/s"]] {
        let end = scenario.run(arguments).exits(2);
        let text = message(&scenario);
        let (first, reason) = text.split_once('\n').unwrap();
        assert_eq!(
            first,
            "custsync run could not begin, or broke off (exit code 2)."
        );
        assert!(
            end.stderr.contains(reason.lines().next().unwrap()),
            "{text}"
        );
    }
}

#[test]
fn a_message_that_cannot_be_written_changes_no_exit_code() {
    good()
        .run(["--termination-message", "missing/message"])
        .exits(0)
        .says("warning: the termination message missing/message cannot be written: No such file");
    let none = good();
    none.run(["--termination-message", "none"]).exits(0);
    assert_eq!(none.read("none"), None);
}
