//! Standard output that cannot be written is an error; a closed pipe is not.

use crate::harness::{Customers, Scenario};

const FULL: &str = "error: standard output cannot be written: No space left on device\n";

fn scenario() -> Scenario {
    Scenario::new()
        .csv(&Customers::in_turn(3, 1, 5))
        .sandbox(|_| {})
}

#[test]
fn a_full_disk_behind_standard_output_is_exit_5() {
    let full = |scenario: Scenario| scenario.through("exec >/dev/full; exec");
    let end = full(scenario())
        .run([])
        .exits(5)
        .says(FULL)
        .counts([3, 0, 0, 0, 0]);
    assert_eq!(
        end.summary()["exit_code"],
        5,
        "the file has the exit code of the process"
    );
    full(scenario()).check([]).exits(5).says(FULL);
    full(scenario())
        .check(["--explain", "1"])
        .exits(5)
        .says(FULL);
    for arguments in [
        &["config"][..],
        &["--help"],
        &["help", "run"],
        &["help", "input"],
        &["--version"],
        &["run", "--help"],
    ] {
        full(Scenario::new())
            .start_words(arguments.iter().copied())
            .end()
            .exits(5)
            .says(FULL);
    }
    let login = full(Scenario::new().sandbox(|_| {}).logged_in());
    login
        .custsync(["token", "--token-file", "token"])
        .exits(5)
        .says(FULL);
}

#[test]
fn why_a_run_stopped_says_more_than_a_full_disk() {
    let stopped = scenario()
        .file("b.csv", "id,job\nx,a\n")
        .flags(["--max-errors", "0"]);
    stopped
        .through("exec >/dev/full; exec")
        .check([])
        .exits(6)
        .says(FULL);
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let scenario = scenario();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, scenario.path("gone"), mode).expect("a pipe can be made");
    let url = scenario.url().expect("a sandbox has a URL");
    let run = format!("run customers.csv --null-string NULL --base-url {url} --run-dir run");
    for arguments in [
        &run,
        "--help",
        "help input",
        "help sandbox",
        "config",
        "check customers.csv --null-string NULL --explain 1",
    ] {
        // The reader has closed the pipe before the program writes.
        let line = format!("{{ : <gone & }}; exec 5>gone; wait; exec custsync {arguments} >&5");
        scenario
            .shell(&line)
            .exits(0)
            .is_not_shown("cannot be written");
    }
    assert_eq!(scenario.counts().applied, 3);
}
