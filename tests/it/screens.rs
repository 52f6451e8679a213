//! The screen of a person at a terminal, also with `-q`.

use std::fs::File;
use std::io::Read as _;
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;

use crate::harness::{Reply, Scenario};

const ROWS: &str = "id,email\n1,a@example.com\n2,nope\n";
const GREEN: &str = "\u{1b}[1;32m";
const YELLOW: &str = "\u{1b}[1;33m";
const RED: &str = "\u{1b}[1;31m";

/// Returns what the program shows on a terminal, with line ends as in a file.
fn screen(scenario: &Scenario, variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let terminal = openpt(flags).expect("a terminal");
    grantpt(&terminal).expect("it can be used");
    unlockpt(&terminal).expect("it can be used");
    let name = ptsname(&terminal, Vec::new()).expect("its name");
    let open = || {
        let file = File::options()
            .read(true)
            .write(true)
            .open(name.to_str().expect("a path"));
        Stdio::from(file.expect("the terminal"))
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_custsync"));
    command
        .args(arguments)
        .current_dir(scenario.path("."))
        .env_clear()
        .env("TERM", "xterm")
        .env("CUSTSYNC_TOKEN", "token")
        .envs(variables.iter().copied());
    command.stdin(open()).stdout(open()).stderr(open());
    let mut child = command.spawn().expect("the program starts");
    // Its handles of the terminal are closed with it, so that the reading ends.
    drop(command);
    let (mut shown, mut part) = (Vec::new(), [0; 4096]);
    let mut terminal = File::from(terminal);
    while let Ok(read @ 1..) = terminal.read(&mut part) {
        shown.extend_from_slice(&part[..read]);
    }
    child.wait().expect("it ends");
    String::from_utf8(shown)
        .expect("it is UTF-8")
        .replace("\r\n", "\n")
}

fn scenario() -> Scenario {
    Scenario::new().file("a.csv", ROWS)
}

#[test]
fn the_verdict_has_the_colour_of_the_end() {
    let good = Scenario::new().file("a.csv", "id,email\n1,a@example.com\n");
    let check = &["check", "a.csv", "--progress", "off"];
    for (scenario, color, verdict) in [
        (good, GREEN, "1 row can be sent."),
        (scenario(), YELLOW, "1 of 2 rows can be sent; 1 cannot."),
        (
            Scenario::new().file("a.csv", "id,email\n2,nope\n"),
            RED,
            "1 row cannot be sent.",
        ),
    ] {
        let shown = screen(&scenario, &[], check);
        let want = format!("{color}{verdict}\u{1b}[0m\nrecords  ");
        assert!(shown.contains(&want), "{shown:?}");
        for (variables, flags) in [
            (&[("NO_COLOR", "1")][..], &[][..]),
            (&[("TERM", "dumb")], &[]),
            (&[], &["--color", "never"]),
        ] {
            let shown = screen(&scenario, variables, &[check, flags].concat());
            assert!(
                shown.contains(verdict) && !shown.contains('\u{1b}'),
                "{shown:?}"
            );
        }
    }
    let piped = scenario().check(["--color", "always"]).exits(1);
    assert!(piped.stdout.starts_with(YELLOW), "{:?}", piped.stdout);
    let piped = scenario().check([]).exits(1);
    assert!(!piped.stdout.contains('\u{1b}'), "{:?}", piped.stdout);
}

#[test]
fn the_reason_of_a_stop_is_read_once() {
    let refused = || {
        Scenario::new()
            .file("a.csv", ROWS)
            .server(|_| Reply::error(401, "no"))
    };
    let reason = "the API refuses the token (401)";
    let scenario = refused();
    let url = scenario.url().expect("a server has a URL");
    let run = ["run", "a.csv", "--base-url", &url, "--run-dir", "run"];
    let shown = screen(&scenario, &[], &run);
    assert_eq!(shown.matches(reason).count(), 1, "{shown}");
    assert!(shown.contains("Stopped early: "), "{shown}");
    // An end that has no summary says why, too.
    let shown = screen(&scenario, &[], &[&run[..], &["--tenant", "7"]].concat());
    assert_eq!(shown.matches("error: ").count(), 1, "{shown}");
    let shown = screen(&scenario, &[], &[&run[..], &["-qq"]].concat());
    assert!(
        shown.starts_with(&format!("error: {reason}")) && shown.lines().count() == 1,
        "{shown}"
    );
    // Two files may be one, and a job's log usually is.
    for flags in [&[][..], &["-q"]] {
        let scenario = refused();
        let url = scenario.url().expect("a server has a URL");
        let run = ["run", "a.csv", "--base-url", &url, "--run-dir", "run"];
        let end = scenario.start_words(run.iter().chain(flags).copied()).end();
        let end = end.exits(3).says(&format!("error: {reason}"));
        assert!(!end.stdout.contains(reason), "{}", end.stdout);
        assert!(end.stdout.starts_with("Stopped early: "), "{}", end.stdout);
        assert!(
            end.summary()["stopped"]
                .as_str()
                .expect("a reason")
                .contains(reason)
        );
    }
}

#[test]
fn quiet_tells_the_verdict_and_what_to_do_next() {
    let scenario = scenario().sandbox(|_| {});
    let end = scenario.run(["-q"]).exits(1);
    let lines: Vec<_> = end.stdout.lines().collect();
    let [verdict, advice, command] = lines[..] else {
        panic!("three lines: {}", end.stdout)
    };
    assert!(verdict.starts_with("1 of 2 rows updated in "), "{verdict}");
    assert_eq!(advice, "Correct run/failed.csv and run it:");
    assert!(command.starts_with("  "), "{command}");
    assert_eq!(end.stderr, "");

    let silent = scenario.run(["-qq"]).exits(1);
    assert_eq!((silent.stdout.as_str(), silent.stderr.as_str()), ("", ""));
    let more = scenario.run(["-q", "--quiet", "-q"]).exits(1);
    assert_eq!(more.stdout, "");
    let error = scenario.run(["-qq", "--tenant", "7"]).exits(5);
    assert_eq!(error.stderr.lines().count(), 1, "{}", error.stderr);
    for flag in ["-q", "-qq"] {
        let json = scenario.run([flag, "--output-format", "json"]).exits(1);
        let summary: Value = serde_json::from_str(&json.stdout).expect("JSON");
        assert_eq!(summary, json.summary());
    }
    for flags in [["-q", "-v"], ["-qq", "-vv"]] {
        scenario
            .run(flags)
            .exits(2)
            .says("--quiet and --verbose contradict");
    }
}
