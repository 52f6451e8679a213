//! A signal before the first request, or during a check: the program ends promptly, whatever it
//! waits for, and its findings are recorded.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::Command;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use rustix::process::Signal;

use crate::harness::{Customers, End, Reply, Scenario};

const SIGNALS: [(Signal, i32, &str); 3] = [
    (Signal::HUP, 129, "hung up"),
    (Signal::INT, 130, "interrupted"),
    (Signal::TERM, 143, "terminated"),
];
/// More rows than a reader keeps back, so that it has handed out some.
const ROWS: u64 = 60_000;

/// A scenario whose input is a named pipe.
fn piped() -> Scenario {
    let scenario = Scenario::new().input("pipe");
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        scenario.path("pipe"),
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
    )
    .expect("a pipe can be made");
    scenario
}

/// Writes into the pipe once it has a reader, and holds it open until the other end is dropped.
fn hold(scenario: &Scenario, content: String) -> Sender<()> {
    let path = scenario.path("pipe");
    let (open, dropped) = channel();
    thread::spawn(move || {
        let mut pipe = OpenOptions::new()
            .write(true)
            .open(path)
            .expect("the pipe is read");
        // The reader may end early, which is what the test is about.
        pipe.write_all(content.as_bytes()).ok();
        dropped.recv().ok();
    });
    open
}

/// Rows, every tenth of which is invalid.
fn rows(count: u64) -> String {
    let row = |row: u64| {
        if row.is_multiple_of(10) {
            "0,nobody\n".to_owned()
        } else {
            format!("{row},x\n")
        }
    };
    std::iter::once("id,job\n".to_owned())
        .chain((1..=count).map(row))
        .collect()
}

/// Whether the journal has the first invalid rows.
fn has_found(scenario: &Scenario) -> bool {
    scenario
        .read("run/results.ndjson")
        .is_some_and(|journal| journal.split(|byte| *byte == b'\n').count() > 100)
}

/// Checks that the findings before the stop are recorded.
fn is_recorded(end: &End, reason: &str, rows: u64) {
    let summary = end.summary();
    let invalid = summary["invalid"].as_u64().expect("a number");
    assert!((100..rows / 10).contains(&invalid), "{summary}");
    assert_eq!(
        (&summary["read_to_end"], &summary["stopped"]),
        (&false.into(), &reason.into()),
        "{summary}"
    );
    assert_eq!(
        end.results().lines.len() as u64,
        invalid,
        "every counted row is recorded"
    );
    let words = match reason {
        "hung up" => "Stopped because the terminal hung up: ",
        "interrupted" => "Interrupted: ",
        _ => "Terminated: ",
    };
    assert!(end.stdout.starts_with(words), "{}", end.stdout);
}

#[test]
fn a_check_of_a_silent_pipe_records_its_findings() {
    for (signal, code, reason) in SIGNALS {
        let scenario = piped();
        let _open = hold(&scenario, rows(ROWS));
        let running = scenario
            .start_check(["--max-errors", "none"])
            .until("invalid rows", has_found);
        is_recorded(&running.signal(signal).end().exits(code), reason, ROWS);
    }
}

#[test]
fn process_1_of_a_container_is_stopped_like_any_other() {
    const OWN_PROCESSES: [&str; 5] = [
        "--user",
        "--map-root-user",
        "--pid",
        "--fork",
        "--kill-child",
    ];
    let allowed = Command::new("unshare")
        .args(OWN_PROCESSES)
        .arg("true")
        .status();
    if !allowed.is_ok_and(|status| status.success()) {
        println!("did not run: this system lets nobody make a process 1 (unshare)");
        return;
    }
    let unshare = format!("exec unshare {}", OWN_PROCESSES.join(" "));
    for (signal, code, reason) in SIGNALS {
        let scenario = piped().through(&unshare);
        let _open = hold(&scenario, rows(ROWS));
        let running = scenario
            .start_check(["--max-errors", "none"])
            .until("invalid rows", has_found);
        is_recorded(
            &running.signal_child(signal).end().exits(code),
            reason,
            ROWS,
        );

        // Nothing is recorded while the program waits for the first bytes.
        let scenario = piped().through(&unshare);
        let open = hold(&scenario, String::new());
        let running = scenario
            .start_check([])
            .until("the pipe to be opened", |_| is_open(&scenario));
        let end = running
            .signal_child(signal)
            .end()
            .exits(code)
            .says(&format!("error: {reason}; nothing was checked"));
        assert!(end.files.is_empty(), "{:?}", end.files.keys());
        drop(open);
    }
}

#[test]
fn a_file_that_takes_long_is_not_read_to_its_end() {
    const LONG: u64 = 1_500_000;
    let scenario = Scenario::new()
        .file("a.csv", rows(LONG))
        .flags(["--max-errors", "none"]);
    let running = scenario.start_check([]).until("invalid rows", has_found);
    is_recorded(
        &running.signal(Signal::TERM).end().exits(143),
        "terminated",
        LONG,
    );
    // Before any check, the input is read for each customer's last row.
    let running = scenario
        .start_check(["--unique", "last"])
        .until_it_says("reading the input once");
    running
        .signal(Signal::TERM)
        .end()
        .exits(143)
        .says("error: terminated; nothing was checked");
}

/// Whether the pipe has a reader.
fn is_open(scenario: &Scenario) -> bool {
    let flags = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::NONBLOCK;
    rustix::fs::open(scenario.path("pipe"), flags, rustix::fs::Mode::empty()).is_ok()
}

#[test]
fn an_input_that_nobody_writes_is_not_waited_for() {
    for (signal, code, reason) in SIGNALS {
        let scenario = piped().server(|_| Reply::updated());
        let open = hold(&scenario, String::new());
        let running = scenario
            .start([])
            .until("the pipe to be opened", |_| is_open(&scenario));
        running
            .signal(signal)
            .end()
            .exits(code)
            .says(&format!("error: {reason}; nothing was sent"));
        assert!(scenario.requests().is_empty());
        drop(open);
    }
}

#[test]
fn another_process_in_the_directory_is_not_waited_for() {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(3, 1, 3))
        .sandbox(|options| {
            options.latency = "40s".parse().expect("a time");
        });
    let first = scenario
        .start([])
        .until("a request", |scenario| scenario.counts().requests > 0);
    let second = scenario
        .start(["--lock-wait", "1h"])
        .until_it_says("waiting for its end");
    second
        .signal(Signal::TERM)
        .end()
        .exits(143)
        .says("error: terminated; nothing was sent");
    first.signal(Signal::KILL).end().exits(137);
}

#[test]
fn a_login_that_nobody_makes_is_not_waited_for() {
    // Standard input stays silent and never ends.
    let scenario = piped().through("exec 0<>pipe; exec");
    for flags in [&["--no-browser"][..], &["--paste"]] {
        let login = [
            "login",
            "--client-id",
            "me",
            "--token-file",
            "token",
            "--auth-url",
            "http://127.0.0.1:1/a",
        ];
        let words = login
            .into_iter()
            .chain(["--token-url", "http://127.0.0.1:1/t"])
            .chain(flags.iter().copied());
        let running = scenario
            .start_words(words)
            .until_it_says("Open this address");
        running
            .signal(Signal::INT)
            .end()
            .exits(130)
            .says("error: interrupted");
    }
}

#[test]
fn the_sandbox_reports_its_requests() {
    for (signal, code, _) in SIGNALS {
        let scenario = Scenario::new();
        let running = scenario
            .start_custsync(["sandbox", "--listen", "127.0.0.1:0"])
            .until_it_says("listens at");
        running
            .signal(signal)
            .end()
            .exits(code)
            .prints("0 requests, 0 updates applied");
    }
}
