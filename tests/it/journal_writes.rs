//! Full disks and failing system calls: no panic, no false success, and the next run completes the
//! job.

use std::process::Command;

use serde_json::Value;

use crate::harness::{Customers, End, Form, Scenario, rounds};

const ROWS: usize = 200;
/// The rows that an earlier process settled, in a continued run.
const SETTLED: &str = "60";
const BAD_PERCENT: usize = 5;
const STRACE: &str = "/usr/bin/strace";
const TRACE: &str = "trace";
/// A system call and the error that it fails with.
type Failing = (&'static str, &'static str);

/// The files of a run directory, with the calls that write, sync or rename them and their errors.
const CALLS: [(&[&str], &[Failing]); 4] = [
    (
        &["/results.ndjson"],
        &[
            ("write", "ENOSPC"),
            ("write", "EIO"),
            ("fdatasync", "EIO"),
            ("openat", "EACCES"),
            ("fchmod", "EPERM"),
            ("flock", "EIO"),
        ],
    ),
    (
        &["/failed.csv", "/failed.csv.unfinished"],
        &[
            ("write", "ENOSPC"),
            ("fsync", "EIO"),
            ("openat", "ENOSPC"),
            ("fchmod", "EPERM"),
            ("rename", "ENOSPC"),
            ("unlink", "EIO"),
        ],
    ),
    (
        &["/summary.json", "/summary.json.unfinished"],
        &[
            ("write", "ENOSPC"),
            ("fsync", "EIO"),
            ("openat", "ENOSPC"),
            ("fchmod", "EPERM"),
            ("rename", "ENOSPC"),
        ],
    ),
    (&[""], &[("fsync", "EIO"), ("openat", "EMFILE")]),
];
/// More calls of one kind than any run makes.
const CALLS_MAX: usize = 1_000;

/// A run whose writes fail.
struct Trial {
    scenario: Scenario,
    customers: Customers,
}

/// The start of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begin {
    Fresh,
    Continued,
}

impl Trial {
    fn new(begin: Begin) -> Trial {
        let customers = Customers::with_bad(ROWS, BAD_PERCENT, Form::Csv, 30);
        let scenario = Scenario::new()
            .csv(&customers)
            .unlimited()
            .flags(["--output-format", "json"])
            .sandbox(|_| {});
        if begin == Begin::Continued {
            scenario.run(["--max-rows", SETTLED]).exits(1);
        }
        Trial {
            scenario,
            customers,
        }
    }

    /// Runs behind a line of shell that makes writes fail, and then without it.
    fn fails_and_continues(mut self, line: &str, what: &str) -> (End, Trial) {
        self.scenario = self.scenario.through(line);
        let failed = self.scenario.run([]);
        assert!(
            !failed.stderr.contains("panicked"),
            "{what}: {}",
            failed.stderr
        );
        match failed.code() {
            // The failure did no harm: everything is recorded.
            1 => self.is_complete(&failed, what),
            5 => is_honest(&failed, what),
            code => panic!("{what}: exit code {code}: {}", failed.stderr),
        }
        self.scenario.through_nothing();
        let end = self.scenario.run([]);
        self.is_complete(&end, what);
        let left: Vec<_> = end
            .files
            .keys()
            .filter(|name| name.ends_with(".unfinished"))
            .collect();
        assert!(left.is_empty(), "{what}: {left:?}");
        (failed, self)
    }

    /// Checks that every row has its outcome, and the API its data.
    fn is_complete(&self, end: &End, what: &str) {
        assert_eq!(end.code(), 1, "{what}: {}", end.stderr);
        let (valid, bad) = (self.customers.valid().count(), self.customers.bad().count());
        let summary = end.summary();
        assert_eq!(
            (&summary["updated"], &summary["invalid"]),
            (&valid.into(), &bad.into()),
            "{what}: {summary}"
        );
        assert_eq!(summary["unsent"], 0, "{what}: {summary}");
        end.results().settle_each_of(ROWS);
        assert_eq!(
            end.ledger.without_repeats().0,
            self.customers.bodies_by_customer(),
            "{what}"
        );
        assert_eq!(end.failed_rows(Form::Csv).len(), bad, "{what}");
    }
}

/// Checks that the journal says what was updated, and that the API applied it.
fn is_honest(end: &End, what: &str) {
    let lines = end
        .files
        .get("results.ndjson")
        .map(|journal| whole_lines(journal))
        .unwrap_or_default();
    let updated: Vec<_> = lines
        .iter()
        .filter(|line| line["outcome"] == "updated")
        .collect();
    for line in &updated {
        let applied = end
            .ledger
            .0
            .iter()
            .any(|applied| line["row"] == applied.row());
        assert!(applied, "{what}: {line} was never applied");
    }
    let summary: Value =
        serde_json::from_str(&end.stdout).unwrap_or_else(|_| panic!("{what}: {}", end.stdout));
    assert_eq!(summary["exit_code"], 5, "{what}");
    assert!(summary["error_message"].is_string(), "{what}: {summary}");
    // A run that could not begin has no rows to report.
    if summary.get("records").is_some() {
        assert_eq!(
            summary["updated"],
            updated.len(),
            "{what}: the summary says what the journal says: {}",
            end.stderr
        );
    }
}

/// The complete lines of a journal whose end may be torn.
fn whole_lines(journal: &[u8]) -> Vec<Value> {
    let lines = journal
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| line.ends_with(b"\n"));
    lines
        .map(|line| serde_json::from_slice(line).expect("a whole line is JSON"))
        .collect()
}

#[test]
fn a_file_that_may_not_grow_stops_the_run_and_it_continues() {
    // In blocks of 512 bytes: too few for the header, for a few rows, for most rows.
    for (begin, blocks) in [
        (Begin::Fresh, 1),
        (Begin::Fresh, 8),
        (Begin::Continued, 31),
        (Begin::Fresh, 50),
    ] {
        let what = format!("{begin:?}, {blocks} blocks");
        let line = format!("trap '' XFSZ; ulimit -f {blocks}; exec");
        let (end, _) = Trial::new(begin).fails_and_continues(&line, &what);
        assert_eq!(end.code(), 5, "{what}");
        assert_eq!(
            end.ledger.len() == 0,
            blocks == 1,
            "{what}: nothing is sent where nothing can be recorded"
        );
        end.says("the journal cannot be written");
    }
}

#[test]
fn a_full_disk_stops_the_run_and_with_more_room_it_continues() {
    let trial = Trial::new(Begin::Fresh);
    let scenario = &trial.scenario;
    let url = scenario.url().expect("a sandbox has a URL");
    let run = format!(
        "custsync run customers.csv --null-string NULL --rate unlimited --base-url {url} --run-dir disk/run"
    );
    // The disk belongs to this process, and disappears with it.
    let script = format!(
        "PATH=$PATH:/usr/bin:/bin:/usr/sbin:/sbin; mkdir disk run
        mount -t tmpfs -o size=16k disk disk || {{ echo no mount; exit; }}
        {run} > first.txt 2>&1; echo $?
        mount -o remount,size=1m disk; {run} > second.txt 2>&1; echo $?; cp disk/run/* run"
    );
    let end = scenario.shell(&format!(
        "/usr/bin/unshare --mount /bin/sh -c '{script}' || echo no unshare"
    ));
    if end.stdout.starts_with("no ") {
        println!(
            "skipped: this machine allows no mount of a test's own: {}",
            end.stderr
        );
        return;
    }
    let first = String::from_utf8(scenario.read("first.txt").unwrap()).unwrap();
    assert_eq!(end.stdout, "5\n1\n", "{first}");
    assert!(first.contains("could not be recorded"), "{first}");
    let requests = scenario.counts().requests;
    trial.is_complete(&scenario.run([]), "what was on the disk");
    assert_eq!(
        scenario.counts().requests,
        requests,
        "nothing was left to send"
    );
}

/// Whether system calls can be made to fail here.
fn can_trace() -> bool {
    let tried = Command::new(STRACE)
        .args(["-o", "/dev/null", "/bin/true"])
        .status();
    tried.is_ok_and(|status| status.success())
}

/// A line of shell that makes the `n`th call of this kind on one of the files fail.
fn failing(scenario: &Scenario, files: &[&str], call: &str, error: &str, n: usize) -> String {
    let run_dir = scenario.path("run");
    let paths: Vec<_> = files
        .iter()
        .map(|file| format!("-P run{file} -P {}{file}", run_dir.display()))
        .collect();
    let inject = format!("-e trace={call} -e inject={call}:error={error}:when={n}");
    format!(
        "exec {STRACE} -f --seccomp-bpf -qq -o {TRACE} {} {inject}",
        paths.join(" ")
    )
}

#[test]
fn any_call_that_writes_or_syncs_may_fail() {
    if !can_trace() {
        println!("skipped: no strace here, or it may not trace");
        return;
    }
    // A fresh run first fails at the header, as in the test above.
    let begins = [Begin::Continued, Begin::Fresh]
        .into_iter()
        .take(rounds(1, 2));
    let mut failures = 0;
    for (begin, (files, calls)) in begins.flat_map(|begin| CALLS.map(|calls| (begin, calls))) {
        for (call, error) in calls {
            for n in (1..CALLS_MAX).take(rounds(1, CALLS_MAX)) {
                let what = format!("{begin:?}: {call} {n} of {files:?} fails with {error}");
                let trial = Trial::new(begin);
                let line = failing(&trial.scenario, files, call, error, n);
                let (_, trial) = trial.fails_and_continues(&line, &what);
                let trace = trial.scenario.read(TRACE).expect("strace prints the calls");
                if !String::from_utf8_lossy(&trace).contains("(INJECTED)") {
                    break;
                }
                failures += 1;
            }
        }
    }
    println!("figures: {failures} calls that failed, each alone");
    assert!(failures > 10, "{failures} calls failed");
}
