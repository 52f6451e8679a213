//! Copies of a run's files: whole, complete at the end, and never a reason for another exit code.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{applied_all, knowing};
use crate::harness::{Broken, FIELDS, KEY, ObjectServer, Scenario, Store, jobs};

const URL: &str = "s3://reports/custsync";
const FOLDER: &str = "reports/custsync/run";
/// The most memory, in KiB, that copies in parts of 5 MiB take, also of a file that is larger.
const MORE_KIB_MAX: u64 = 9 << 10;

/// A scenario that publishes to this server.
fn publishing(server: &ObjectServer, rows: Vec<u8>) -> Scenario {
    slowly_publishing(server, rows).unlimited()
}

/// The same, without a rate.
fn slowly_publishing(server: &ObjectServer, rows: Vec<u8>) -> Scenario {
    knowing(server)
        .file("customers.csv", rows)
        .sandbox(|_| {})
        .flags(["--publish", URL])
}

/// Rows with so many errors that few of them make large results.
fn faulty_rows() -> Vec<u8> {
    let fields = &FIELDS[..3];
    let row = vec!["#########"; fields.len()].join(",");
    let mut file = format!("id,{}\n", fields.join(",")).into_bytes();
    for id in 1..=26_000 {
        writeln!(file, "{id},{row}").unwrap();
    }
    file
}

fn copies(store: &Store) -> Vec<&str> {
    store.objects.keys().map(String::as_str).collect()
}

#[test]
fn the_files_of_a_run_are_there_at_its_end() {
    let server = ObjectServer::start(|_, _| None);
    let scenario = publishing(
        &server,
        b"id,email\n1,zoe@example.com\n2,canary@@example\n".to_vec(),
    );
    let end = scenario.run(["--undoable"]).exits(1);
    end.says("published to s3://reports/custsync/run/");
    for name in ["results.ndjson", "summary.json", "report.html"] {
        let copy = server.object(&format!("{FOLDER}/{name}"));
        assert_eq!(
            copy.as_deref(),
            scenario.read(&format!("run/{name}")).as_deref(),
            "{name}"
        );
    }
    let names = ["report.html", "results.ndjson", "summary.json"];
    assert_eq!(
        copies(&server.store()),
        names.map(|name| format!("{FOLDER}/{name}"))
    );
    let media_type = server.store().objects[&format!("{FOLDER}/report.html")]
        .media_type
        .clone();
    assert_eq!(media_type, "text/html; charset=utf-8");

    // The summary is written last: who waits for it finds all others.
    let puts = server.requests();
    let last = puts.iter().rfind(|request| request.method == "PUT");
    assert!(last.unwrap().path.ends_with("/summary.json"));

    // Running it again changes the summary, and copies with values are wanted now.
    scenario.run(["--undoable", "--publish-values"]).exits(1);
    let names = ["before.ndjson", "failed.csv"].map(|name| format!("{FOLDER}/{name}"));
    for name in names {
        let local = name.replace("reports/custsync/", "");
        assert_eq!(server.object(&name), scenario.read(&local), "{name}");
    }
    assert_eq!(
        server.object(&format!("{FOLDER}/summary.json")),
        scenario.read("run/summary.json")
    );
    assert_eq!(server.object(&format!("{FOLDER}/key")), None);
    assert!(scenario.read("run/key").is_some());

    let undo = scenario.undo(["--publish", URL]).exits(0);
    undo.is_nowhere(KEY);
    assert_eq!(
        server.object(&format!("{FOLDER}/undo/summary.json")),
        scenario.read("run/undo/summary.json")
    );
}

#[test]
fn a_run_that_goes_on_is_copied_in_whole_lines() {
    let server = ObjectServer::start(|_, _| None);
    let scenario = slowly_publishing(&server, jobs(200)).flags(["--rate", "20/s"]);
    let copy = || {
        server
            .object(&format!("{FOLDER}/results.ndjson"))
            .unwrap_or_default()
    };
    let lines = |copy: &[u8]| copy.split(|byte| *byte == b'\n').count() - 1;
    let running = scenario.start(["--publish-every", "1s"]);
    let running = running.until("some rows are copied", |_| lines(&copy()) > 20);
    let seen = copy();
    assert!(seen.ends_with(b"\n"));
    assert!(scenario.read("run/summary.json").is_none());
    let running = running.until("more rows are copied", |_| copy().len() > seen.len());
    let end = running.signal(Signal::TERM).end().exits(143);
    assert!(copy().starts_with(&seen));
    assert_eq!(copy(), end.file("results.ndjson"));
    assert_eq!(
        server.object(&format!("{FOLDER}/summary.json")),
        scenario.read("run/summary.json")
    );
    applied_all(&end, end.summary()["updated"].as_u64().unwrap() as usize);
}

#[test]
fn what_has_not_changed_is_not_copied_again() {
    let server = ObjectServer::start(|_, _| None);
    // One row takes seconds, in which the journal stays as it is.
    let scenario = slowly_publishing(&server, jobs(3)).flags(["--rate", "20/m"]);
    scenario.run(["--publish-every", "1s"]).exits(0);
    let requests = server.requests();
    let of_results =
        |request: &&crate::harness::ObjectRequest| request.path.ends_with("results.ndjson");
    let copied = requests.iter().filter(of_results).count();
    // At the start, after each of three rows, at the end; and not at each of about eight seconds.
    assert!((2..=6).contains(&copied), "{copied}");
}

#[test]
fn large_results_are_copied_in_parts() {
    let server = ObjectServer::start(|_, _| None);
    let scenario = knowing(&server)
        .file("customers.csv", faulty_rows())
        .sandbox(|_| {});
    scenario.run(["--max-errors", "none"]).exits(1);
    // Nothing is left to send, so that the two differ by the copies alone.
    let peak_kib = |flags: [&str; 4]| scenario.start(flags).finish_with_peak().1;
    let without = peak_kib(["--max-errors", "none", "--rate", "auto"]);
    let with = peak_kib(["--max-errors", "none", "--publish", URL]);
    println!("figures: publishing in parts takes {with} KiB, not {without} KiB, at most");
    assert!(with < without + MORE_KIB_MAX, "{with} KiB, {without} KiB");
    let results = scenario.read("run/results.ndjson").unwrap();
    assert!(results.len() > 10 << 20, "{}", results.len());
    assert_eq!(
        server.object(&format!("{FOLDER}/results.ndjson")),
        Some(results)
    );
    let requests = server.requests();
    assert!(
        requests
            .iter()
            .any(|request| request.query.contains_key("partNumber"))
    );
    assert!(server.store().uploads.is_empty());
}

#[test]
fn an_upload_in_parts_that_fails_is_given_up_whole() {
    let server = ObjectServer::start(|request, _| {
        let is_second = request
            .query
            .get("partNumber")
            .is_some_and(|part| part == "2");
        is_second.then_some(Broken::Status(403, "AccessDenied", ""))
    });
    let scenario = publishing(&server, faulty_rows());
    let end = scenario.run(["--max-errors", "none"]).exits(1);
    let end =
        end.says("results.ndjson is not copied to s3://reports/custsync/run/: access is denied");
    assert!(server.store().uploads.is_empty());
    let copy = server.object(&format!("{FOLDER}/results.ndjson"));
    assert_ne!(copy.as_deref(), Some(end.file("results.ndjson")));
    assert_eq!(
        server.object(&format!("{FOLDER}/summary.json")),
        scenario.read("run/summary.json")
    );
}

#[test]
fn a_store_that_refuses_changes_nothing_but_a_warning() {
    let server = ObjectServer::start(|_, _| Some(Broken::Status(403, "AccessDenied", "")));
    let end = publishing(&server, jobs(3)).run([]).exits(0);
    let end = end.says("warning: not all files are published (--publish): ");
    end.says("access is denied: do the credentials have s3:PutObject here? (403 AccessDenied)")
        .is_nowhere(KEY);
}

#[test]
fn a_store_in_trouble_is_asked_again_at_the_end() {
    let server = ObjectServer::start(|request, _| {
        (request.number < 6).then_some(Broken::Status(503, "SlowDown", ""))
    });
    let scenario = publishing(&server, jobs(3));
    scenario.run([]).exits(0).says("published to");
    assert_eq!(
        server.object(&format!("{FOLDER}/summary.json")),
        scenario.read("run/summary.json")
    );
}

#[test]
fn a_store_that_hangs_holds_up_a_stopped_process_for_a_short_time() {
    let server =
        ObjectServer::start(|request, _| (request.method == "PUT").then_some(Broken::Silent(0)));
    let scenario = slowly_publishing(&server, jobs(2_000)).flags(["--rate", "50/s"]);
    let running = scenario.start([]);
    let running = running.until("rows are applied", |scenario| {
        scenario.counts().applied > 10
    });
    let started = Instant::now();
    let end = running.signal(Signal::TERM).end().exits(143);
    let took = started.elapsed();
    assert!((8..20).contains(&took.as_secs()), "{took:?}");
    end.says("not all files are published (--publish): it took longer than 10 s");
}

#[test]
fn a_second_signal_ends_the_wait() {
    let server =
        ObjectServer::start(|request, _| (request.method == "PUT").then_some(Broken::Silent(0)));
    let scenario = publishing(&server, jobs(3));
    let running = scenario.start([]);
    let running = running.until("the summary is there", |scenario| {
        scenario.read("run/report.html").is_some()
    });
    let started = Instant::now();
    // A signal that comes before the wait has begun belongs to the run.
    let end = running.signal_until_its_end(Signal::TERM).end().exits(0);
    assert!(started.elapsed() < Duration::from_secs(5));
    end.says("a signal came");
}

#[test]
fn copies_in_a_directory_are_private_and_whole() {
    let scenario = Scenario::new()
        .file("customers.csv", jobs(3))
        .sandbox(|_| {});
    let place = scenario.path("reports");
    let url = format!("file://{}", place.display());
    scenario.run(["--publish", &url]).exits(0);
    for name in ["results.ndjson", "summary.json", "report.html"] {
        let copy = place.join("run").join(name);
        assert_eq!(
            fs::read(&copy).ok(),
            scenario.read(&format!("run/{name}")),
            "{name}"
        );
        assert_eq!(
            fs::metadata(&copy).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    assert_eq!(fs::read_dir(place.join("run")).unwrap().count(), 3);

    // The run directory is no place for its own copies.
    let end = scenario.run(["--publish", "."]).exits(2);
    end.says("is the run directory itself: name another folder");
    scenario
        .run(["--publish", "https://reports.example.com"])
        .exits(2);
    let end = scenario.run(["--publish-values"]).exits(2);
    end.says("--publish-values has no effect without --publish");
}
