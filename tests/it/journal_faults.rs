//! Faults of the journal's file from outside, each with its exit code and the requests that are
//! sent.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{End, Running, Scenario};

const JOURNAL: &str = "run/results.ndjson";
const ROWS: u64 = 10;
/// More rows than are sent at this rate before the journal is changed.
const MANY: u64 = 200;
const SLOWLY: &str = "20/s";

/// A scenario of this many rows at this rate.
fn rows(rows: u64, rate: &str) -> Scenario {
    let row = |row| format!("{row},customer{row}@example.com\n");
    let file = ["id,email\n".to_owned()]
        .into_iter()
        .chain((1..=rows).map(row))
        .collect::<String>();
    Scenario::new()
        .file("customers.csv", file)
        .flags(["--rate", rate])
        .sandbox(|_| {})
}

/// A run that is half done.
fn half_done() -> Scenario {
    let scenario = rows(ROWS, "unlimited");
    scenario
        .run(["--max-rows", "5"])
        .exits(0)
        .counts([5, 0, 0, 0, 0]);
    scenario
}

/// Checks that the present journal is refused: nothing is sent, and the journal does not change.
fn is_refused(scenario: &Scenario, what: &str) -> End {
    let (requests, journal) = (scenario.counts().requests, scenario.read(JOURNAL));
    let end = scenario.run([]);
    assert_eq!(end.code(), 5, "{what}: {}", end.stderr);
    assert_eq!(
        scenario.counts().requests,
        requests,
        "{what}: nothing is sent"
    );
    assert_eq!(
        scenario.read(JOURNAL),
        journal,
        "{what}: the journal stays as it was"
    );
    end
}

/// Checks that the run is completed: the other half is sent, and nothing twice.
fn goes_on(scenario: &Scenario, what: &str) -> End {
    let end = scenario.run([]);
    assert_eq!(end.code(), 0, "{what}: {}", end.stderr);
    assert_eq!(scenario.counts().requests, ROWS, "{what}");
    end
}

/// A run whose journal is changed once a row is recorded, and its end.
fn changed_while_running(what: &str, change: impl FnOnce(&Scenario)) -> (Scenario, End) {
    let scenario = rows(MANY, SLOWLY);
    let recorded = |scenario: &Scenario| {
        let journal = scenario.read(JOURNAL).unwrap_or_default();
        String::from_utf8_lossy(&journal).contains("\"outcome\":\"updated\"")
    };
    let running: Running<'_> = scenario.start([]).until("an outcome", recorded);
    change(&scenario);
    let end = running.end();
    assert_eq!(end.code(), 5, "{what}: {}", end.stderr);
    assert!(scenario.counts().requests < MANY, "{what}: sending stops");
    (scenario, end)
}

#[test]
fn a_converted_journal_is_refused_and_the_message_says_how_it_is_restored() {
    let scenario = half_done();
    let journal = scenario.read(JOURNAL).unwrap();
    let text = String::from_utf8(journal.clone()).unwrap();
    let utf16 = format!("\u{feff}{text}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect::<Vec<_>>();
    let conversions = [
        (text.replace('\n', "\r\n").into_bytes(), "CRLF"),
        (text.replace('\n', "\r").into_bytes(), "converted to CR"),
        (format!("\u{feff}{text}").into_bytes(), "byte order mark"),
        (utf16, "UTF-16"),
    ];
    let tools = "PATH=$PATH:/usr/bin:/bin; cd run";
    for (converted, name) in conversions {
        scenario.write(JOURNAL, converted);
        let end = is_refused(&scenario, name)
            .says(name)
            .says("nothing was sent");
        let remedy = end.stderr.split('`').nth(1).expect("a command");
        scenario
            .shell(&format!(
                "{tools} && {remedy} && mv restored results.ndjson"
            ))
            .exits(0);
        assert_eq!(scenario.read(JOURNAL).unwrap(), journal, "{name}: {remedy}");
    }
    goes_on(&scenario, "restored");
}

#[test]
fn a_line_that_was_taken_out_is_noticed() {
    let scenario = half_done();
    scenario.edit(JOURNAL, |journal| {
        let text = String::from_utf8(std::mem::take(journal)).unwrap();
        let left = text
            .split_inclusive('\n')
            .filter(|line| !line.starts_with("{\"row\":3,"));
        *journal = left.collect::<String>().into_bytes();
    });
    is_refused(&scenario, "without row 3").says("lines were added or removed");
}

#[test]
fn another_file_in_the_journal_s_place_is_refused() {
    for content in [
        "id,name\n1,Ann\n",
        "{\"custsync\":1}\n",
        "\n",
        "{\"row\":1}\n",
    ] {
        let scenario = half_done();
        scenario.write(JOURNAL, content);
        is_refused(&scenario, content).says("is it a file of custsync?");
    }
}

#[test]
fn a_journal_that_is_not_a_regular_file_is_named_and_no_process_hangs() {
    type Make = fn(&Scenario);
    let kinds: [(&str, Make); 4] = [
        ("a pipe", |scenario| {
            let made = Command::new("mkfifo").arg(scenario.path(JOURNAL)).status();
            assert!(made.expect("mkfifo can be run").success());
        }),
        ("a directory", |scenario| {
            fs::create_dir(scenario.path(JOURNAL)).unwrap();
        }),
        ("a socket", |scenario| {
            drop(UnixListener::bind(scenario.path(JOURNAL)).unwrap());
        }),
        ("a symbolic link", |scenario| {
            symlink("kept", scenario.path(JOURNAL)).unwrap();
        }),
    ];
    for (kind, make) in kinds {
        let scenario = half_done();
        fs::rename(scenario.path(JOURNAL), scenario.path("run/kept")).unwrap();
        make(&scenario);
        let requests = scenario.counts().requests;
        let end = scenario.start([]).finish();
        let stderr = String::from_utf8_lossy(&end.stderr).into_owned();
        assert_eq!(end.status.code(), Some(5), "{kind}: {stderr}");
        assert!(
            stderr.contains(&format!("run/results.ndjson is {kind}, not a regular file")),
            "{stderr}"
        );
        assert_eq!(scenario.counts().requests, requests, "{kind}");
    }
    // The same with the key.
    let scenario = half_done();
    fs::remove_file(scenario.path("run/key")).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(scenario.path("run/key"))
            .status()
            .expect("mkfifo can be run")
            .success()
    );
    let end = scenario.start([]).finish();
    let stderr = String::from_utf8_lossy(&end.stderr).into_owned();
    assert_eq!(end.status.code(), Some(5), "{stderr}");
    assert!(
        stderr.contains("run/key is a pipe, not a regular file"),
        "{stderr}"
    );
    assert_eq!(scenario.counts().requests, 5);
}

#[test]
fn a_linked_directory_and_a_second_link_to_the_journal_are_fine() {
    let scenario = half_done();
    fs::rename(scenario.path("run"), scenario.path("elsewhere")).unwrap();
    symlink("elsewhere", scenario.path("run")).unwrap();
    // Hard links are made by backups.
    fs::hard_link(scenario.path(JOURNAL), scenario.path("backup.ndjson")).unwrap();
    goes_on(&scenario, "linked")
        .results()
        .settle_each_of(ROWS as usize);
}

#[test]
fn a_journal_that_cannot_be_written_is_noticed_before_anything_is_sent() {
    let scenario = half_done();
    let journal = scenario.read(JOURNAL).unwrap();
    // The file may not grow beyond its present size, rounded to a block of 512 bytes.
    let blocks = journal.len() / 512;
    let scenario = scenario.through(&format!("trap '' XFSZ; ulimit -f {blocks}; exec"));
    let requests = scenario.counts().requests;
    let end = scenario.run([]);
    assert_eq!(end.code(), 5, "{}", end.stderr);
    assert_eq!(scenario.counts().requests, requests, "nothing is sent");
    end.says("the run in run cannot go on; nothing was sent: the journal cannot be written");
    let left = scenario.read(JOURNAL).unwrap();
    assert!(
        journal.starts_with(&left) || left.starts_with(&journal),
        "no line is harmed"
    );
    let mut scenario = scenario;
    scenario.through_nothing();
    goes_on(&scenario, "with more room");
}

#[test]
fn a_continued_run_says_so_in_the_journal_before_it_sends() {
    let scenario = half_done();
    let end = goes_on(&scenario, "continued");
    let facts: Vec<Value> = end.results().facts;
    let continued: Vec<_> = facts
        .iter()
        .filter(|fact| fact["fact"] == "continued")
        .collect();
    assert_eq!(continued.len(), 1, "{facts:?}");
    assert_eq!(continued[0]["version"], env!("CARGO_PKG_VERSION"));
    let text = String::from_utf8(scenario.read(JOURNAL).unwrap()).unwrap();
    let place = |what: &str| text.lines().position(|line| line.contains(what)).unwrap();
    let continued = place("\"continued\"");
    assert!(
        place("{\"row\":5,") < continued && continued < place("{\"row\":6,"),
        "{text}"
    );
    // The entries before it were made durable first.
    assert!(
        text.lines()
            .nth(continued - 1)
            .unwrap()
            .contains("\"synced\""),
        "{text}"
    );
}

#[test]
fn a_journal_that_is_deleted_while_the_run_is_going_stops_it() {
    let (scenario, end) = changed_while_running("deleted", |scenario| {
        fs::remove_file(scenario.path(JOURNAL)).unwrap();
    });
    let end = end
        .says("results.ndjson was deleted or moved away during the run")
        .says("lines written since");
    assert_eq!(scenario.read(JOURNAL), None, "nothing is made in its place");
    offers_no_way_on(&end, &["run/timeline.ndjson", "run/summary.json"]);

    // The summary that is left says that rows were sent.
    let refused = is_refused(&scenario, "a summary without its journal");
    let checked = scenario.check([]).exits(5);
    for end in [refused, checked] {
        end.says("its results.ndjson is missing; without it, all rows would be sent again");
    }
}

/// Checks that no command is printed with which all rows would be sent again, and that only these
/// files are listed.
fn offers_no_way_on(end: &End, files: &[&str]) {
    let advice = "\nrun/results.ndjson is gone or is another file. Put it back before you run this again: without it, all rows are sent again.\n";
    assert!(end.stdout.ends_with(advice), "{}", end.stdout);
    assert!(!end.stdout.contains("  custsync "), "{}", end.stdout);
    let reason = "outcomes cannot be recorded";
    assert_eq!(end.stdout.matches(reason).count(), 1, "{}", end.stdout);
    let listed = end
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with("files "));
    let names: Vec<_> = files
        .iter()
        .filter_map(|file| file.strip_prefix("run/"))
        .collect();
    let want = if names.is_empty() {
        None
    } else {
        Some(names.join(", "))
    };
    assert_eq!(
        listed.map(str::trim).nth(1),
        want.as_deref(),
        "{}",
        end.stdout
    );
    if !files.is_empty() {
        assert_eq!(end.summary()["files"], json!(files));
        assert_eq!(end.summary()["continue_with"], Value::Null);
    }
}

#[test]
fn a_run_directory_that_is_deleted_while_the_run_is_going_stops_it() {
    let (scenario, end) = changed_while_running("the directory deleted", |scenario| {
        fs::remove_dir_all(scenario.path("run")).unwrap();
    });
    offers_no_way_on(&end, &[]);
    assert!(
        !scenario.path("run").exists(),
        "nothing is made in its place"
    );
}

#[test]
fn only_the_summary_of_a_run_keeps_a_run_from_its_directory() {
    for summary in [
        r#"{"command": "check", "records": 1}"#,
        r#"{"command": "run"}"#,
        "",
        "[]",
    ] {
        let scenario = rows(1, "unlimited");
        fs::create_dir(scenario.path("run")).unwrap();
        scenario.write("run/summary.json", summary);
        scenario.run([]).exits(0).counts([1, 0, 0, 0, 0]);
    }
}

#[test]
fn a_journal_that_was_moved_away_is_whole_and_continues_once_it_is_back() {
    let (scenario, end) = changed_while_running("moved", |scenario| {
        fs::rename(scenario.path(JOURNAL), scenario.path("moved")).unwrap();
    });
    end.says("unless the file is put back");
    let requests = scenario.counts().requests;
    fs::rename(scenario.path("moved"), scenario.path(JOURNAL)).unwrap();
    scenario.run([]).exits(0).counts([MANY, 0, 0, 0, 0]);
    // Outcomes after the loss was noticed are not in it.
    let again = scenario.counts().requests - MANY;
    assert!(
        again < requests / 2 + 2,
        "of {requests} rows {again} were sent twice"
    );
}

#[test]
fn a_journal_that_is_replaced_while_the_run_is_going_stops_it() {
    // As `sed -i` and editors do.
    let (scenario, end) = changed_while_running("replaced", |scenario| {
        fs::copy(scenario.path(JOURNAL), scenario.path("copy")).unwrap();
        fs::rename(scenario.path("copy"), scenario.path(JOURNAL)).unwrap();
    });
    let end = end.says("results.ndjson was replaced by another file during the run");
    let files = [
        "run/results.ndjson",
        "run/timeline.ndjson",
        "run/summary.json",
    ];
    offers_no_way_on(&end, &files);
    let journal = String::from_utf8(scenario.read(JOURNAL).unwrap()).unwrap();
    assert!(
        journal.matches("\"outcome\"").count() < 100,
        "nothing is written to it: {journal}"
    );
}

#[test]
fn a_journal_that_is_cut_or_appended_to_while_the_run_is_going_stops_it() {
    let (_, end) = changed_while_running("cut", |scenario| scenario.write(JOURNAL, ""));
    end.says("results.ndjson was cut during the run");
    let (_, end) = changed_while_running("appended to", |scenario| {
        let append = format!("echo >> {}", scenario.path(JOURNAL).display());
        assert!(
            Command::new("/bin/sh")
                .args(["-c", &append])
                .status()
                .expect("there is a shell")
                .success()
        );
    });
    end.says("results.ndjson was appended to by another program during the run");
}

#[test]
fn a_deleted_journal_lets_no_second_process_in() {
    let scenario = rows(MANY, SLOWLY);
    let first = scenario
        .start([])
        .until("an update", |scenario| scenario.counts().applied > 0);
    // It is suspended before it notices.
    let first = first.signal(Signal::STOP);
    fs::remove_file(scenario.path(JOURNAL)).unwrap();
    let second = scenario.start(["--max-rows", "1"]).finish();
    let stderr = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(5), "{stderr}");
    assert!(
        stderr.contains("another process is at work in the run directory"),
        "{stderr}"
    );
    assert_eq!(first.signal(Signal::CONT).end().code(), 5);
}

#[test]
fn a_directory_that_others_can_change_is_pointed_out_once() {
    let scenario = half_done();
    let says = "the run directory run is writable by other users (mode 777)";
    for (mode, times) in [(0o777, 1), (0o755, 0), (0o700, 0)] {
        fs::set_permissions(scenario.path("run"), Permissions::from_mode(mode)).unwrap();
        let end = scenario.run([]).exits(0);
        assert_eq!(
            end.stderr.matches(says).count(),
            times,
            "{mode:o}: {}",
            end.stderr
        );
    }
}

#[test]
fn torn_tails_of_two_power_cuts_are_both_kept() {
    let scenario = half_done();
    let cut = |scenario: &Scenario| {
        let mut torn = Vec::new();
        scenario.edit(JOURNAL, |journal| {
            let last = journal
                .windows(7)
                .rposition(|begin| begin == b"{\"row\":")
                .unwrap();
            journal.truncate(last + 30);
            torn = journal[last..].to_vec();
        });
        torn
    };
    let first = cut(&scenario);
    scenario
        .run([])
        .exits(0)
        .says("they are kept in run/results.torn");
    let second = cut(&scenario);
    let end = scenario
        .run([])
        .exits(0)
        .says("they are kept in run/results-2.torn");
    assert_eq!(
        (end.file("results.torn"), end.file("results-2.torn")),
        (&first[..], &second[..])
    );
    assert_ne!(first, second);
}

#[test]
fn a_torn_tail_is_safe_beside_the_journal_before_it_is_cut_off() {
    const STRACE: &str = "/usr/bin/strace";
    let can_trace = Command::new(STRACE)
        .args(["-o", "/dev/null", "/bin/true"])
        .status()
        .is_ok_and(|status| status.success());
    if !can_trace {
        println!("skipped: no strace here, or it may not trace");
        return;
    }
    let scenario = half_done();
    scenario.edit(JOURNAL, |journal| journal.truncate(journal.len() - 5));
    let scenario = scenario.through(&format!(
        "exec {STRACE} -f -qq -y -o trace -e trace=fsync,ftruncate"
    ));
    scenario.run([]).exits(0);
    let trace =
        String::from_utf8(scenario.read("trace").expect("strace prints the calls")).unwrap();
    let place = |call: &str, file: &str| {
        let is_it = |line: &str| line.contains(call) && line.contains(file);
        trace
            .lines()
            .position(is_it)
            .unwrap_or_else(|| panic!("no {call} of {file}:\n{trace}"))
    };
    let order = [
        place("fsync(", "/run/results.torn>"),
        place("fsync(", "/run>"),
        place("ftruncate(", "/run/results.ndjson>"),
        place("fsync(", "/run/results.ndjson>"),
    ];
    assert!(order.is_sorted(), "{order:?}\n{trace}");
}
