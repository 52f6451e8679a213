//! Without `--run-dir`, a start continues the newest unfinished run of the same input and settings.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;

use crate::harness::{End, Reply, Results, Scenario};

const INPUT: &str = "customers.csv";
const ROWS: u64 = 10;
const RUNS: &str = "custsync-runs";

fn rows(rows: u64) -> String {
    (1..=rows).fold("id,job\n".to_owned(), |file, id| {
        format!("{file}{id},Nurse {id}\n")
    })
}

/// A server that refuses the token from the first customer whose id exceeds a number, which is
/// returned, too.
fn up_to(id: u64) -> (Scenario, Arc<AtomicU64>) {
    let last = Arc::new(AtomicU64::new(id));
    let served = last.clone();
    let scenario = Scenario::new().server(move |request| {
        if request.id() <= served.load(Ordering::Relaxed) {
            Reply::updated()
        } else {
            Reply::error(401, "invalid_token")
        }
    });
    scenario.write(INPUT, rows(ROWS));
    (scenario, last)
}

/// Starts without a run directory, with one request at a time.
fn start(scenario: &Scenario, arguments: &[&str]) -> End {
    let url = scenario.url().expect("a server");
    let usual = [
        "run",
        "--base-url",
        &url,
        "--rate",
        "unlimited",
        "--max-in-flight",
        "1",
    ];
    scenario
        .start_words(usual.into_iter().chain(arguments.iter().copied()))
        .end()
}

/// The run directories, oldest first.
fn runs(scenario: &Scenario) -> Vec<String> {
    let entries = fs::read_dir(scenario.path(RUNS))
        .into_iter()
        .flatten()
        .map(Result::unwrap);
    let mut runs: Vec<_> = entries
        .map(|entry| format!("{RUNS}/{}", entry.file_name().to_str().unwrap()))
        .collect();
    runs.sort_by_key(|run| results(scenario, run).header["started"].to_string());
    runs
}

fn results(scenario: &Scenario, run: &str) -> Results {
    Results::parse(
        &scenario
            .read(&format!("{run}/results.ndjson"))
            .expect("a journal"),
    )
}

/// The ids of the customers whose updates were sent and applied, in order.
fn applied(scenario: &Scenario, up_to: u64) -> Vec<u64> {
    scenario
        .requests()
        .iter()
        .map(crate::harness::Request::id)
        .filter(|id| *id <= up_to)
        .collect()
}

#[test]
fn a_run_that_stopped_is_continued_by_the_same_command() {
    let (scenario, last) = up_to(4);
    start(&scenario, &[INPUT]).exits(3);
    let [run] = &runs(&scenario)[..] else {
        panic!("one run directory")
    };
    assert_eq!(
        results(&scenario, run).facts.last().expect("a last line")["exit"],
        3
    );
    last.store(ROWS, Ordering::Relaxed);
    let end = start(&scenario, &[INPUT]).exits(0);
    end.says(&format!(
        "continuing the unfinished run in {run} (--fresh begins a new one)"
    ));
    assert_eq!(runs(&scenario).len(), 1);
    let finished = results(&scenario, run);
    finished.settle_each_of(ROWS as usize);
    assert_eq!(finished.facts.last().expect("a last line")["fact"], "ended");
    assert_eq!(finished.facts.last().expect("a last line")["exit"], 0);
    assert_eq!(
        scenario
            .requests()
            .iter()
            .filter(|request| request.id() <= 4)
            .count(),
        4,
        "no row is sent twice"
    );
}

#[test]
fn a_run_that_was_killed_is_continued_too() {
    let scenario = Scenario::new().sandbox(|options| options.latency = "20ms".parse().unwrap());
    scenario.write(INPUT, rows(200));
    let url = scenario.url().unwrap();
    let command = ["run", INPUT, "--base-url", &url, "--rate", "unlimited"];
    let running = scenario
        .start_custsync(command)
        .until("updates", |scenario| scenario.counts().applied >= 40);
    running.signal(Signal::KILL).end().exits(137);
    scenario
        .custsync(command)
        .exits(0)
        .says("continuing the unfinished run in custsync-runs/");
    let [run] = &runs(&scenario)[..] else {
        panic!("one run directory")
    };
    results(&scenario, run).settle_each_of(200);
}

#[test]
fn a_finished_run_is_not_continued() {
    let (scenario, _) = up_to(ROWS);
    start(&scenario, &[INPUT]).exits(0);
    start(&scenario, &[INPUT]).exits(0);
    assert_eq!(runs(&scenario).len(), 2);
    scenario.write(INPUT, format!("{}x,invalid\n", rows(ROWS)));
    start(&scenario, &[INPUT]).exits(1);
    start(&scenario, &[INPUT]).exits(1);
    assert_eq!(
        runs(&scenario).len(),
        4,
        "a run with failed rows is finished"
    );
    assert_eq!(scenario.requests().len() as u64, 4 * ROWS);
}

#[test]
fn fresh_begins_a_new_run() {
    let (scenario, last) = up_to(4);
    start(&scenario, &[INPUT]).exits(3);
    last.store(ROWS, Ordering::Relaxed);
    start(&scenario, &[INPUT, "--fresh"]).exits(0);
    assert_eq!(runs(&scenario).len(), 2);
    results(&scenario, &runs(&scenario)[1]).settle_each_of(ROWS as usize);
    // The newer run has sent what the older one left.
    start(&scenario, &[INPUT]).exits(0);
    assert_eq!(runs(&scenario).len(), 3);
    assert_eq!(results(&scenario, &runs(&scenario)[0]).lines.len(), 4);
    let refused = start(&scenario, &[INPUT, "--fresh", "--run-dir", "run"]).exits(2);
    refused.says("--fresh and --run-dir contradict each other");
}

#[test]
fn the_command_that_continues_a_fresh_run_works() {
    let (scenario, last) = up_to(4);
    let end = start(&scenario, &[INPUT, "--fresh"]).exits(3);
    last.store(ROWS, Ordering::Relaxed);
    scenario.shell(end.next_command()).exits(0);
    let [run] = &runs(&scenario)[..] else {
        panic!("one run directory")
    };
    results(&scenario, run).settle_each_of(ROWS as usize);
}

#[test]
fn another_run_is_not_continued() {
    let (scenario, last) = up_to(4);
    start(&scenario, &[INPUT]).exits(3);
    last.store(ROWS, Ordering::Relaxed);
    scenario.write("other.csv", rows(ROWS).replace("Nurse", "Baker"));
    scenario.write("columns.csv", rows(ROWS).replace("id,job", "id,address"));
    let others: [&[&str]; 5] = [
        &["other.csv"],
        &["columns.csv"],
        &[INPUT, "other.csv"],
        &[INPUT, "--tenant", "7"],
        &[INPUT, "--trim"],
    ];
    for (count, arguments) in others.into_iter().enumerate() {
        start(&scenario, arguments).exits(0);
        assert_eq!(runs(&scenario).len(), count + 2, "{arguments:?}");
    }
    // A run of another verb is not continued either.
    let check = scenario.custsync(["check", INPUT]).exits(0);
    assert_eq!(runs(&scenario).len(), 7, "{}", check.stderr);
    start(
        &scenario,
        &[INPUT, "--max-errors", "50%", "--attempts", "2"],
    )
    .exits(0)
    .says("continuing the unfinished run");
}

#[test]
fn the_newest_of_several_is_continued() {
    let (scenario, last) = up_to(2);
    start(&scenario, &[INPUT]).exits(3);
    last.store(4, Ordering::Relaxed);
    start(&scenario, &[INPUT, "--fresh"]).exits(3);
    last.store(ROWS, Ordering::Relaxed);
    let newest = runs(&scenario).pop().expect("two of them");
    start(&scenario, &[INPUT])
        .exits(0)
        .says(&format!("continuing the unfinished run in {newest} "));
    assert_eq!(applied(&scenario, 2), [1, 2, 1, 2]);
    // The older run is not continued: the newer one has sent what it left.
    start(&scenario, &[INPUT]).exits(0);
    assert_eq!(runs(&scenario).len(), 3);
}

#[test]
fn an_input_that_has_grown_and_moved_is_the_same_and_a_changed_one_is_not() {
    let (scenario, last) = up_to(4);
    start(&scenario, &[INPUT]).exits(3);
    last.store(20, Ordering::Relaxed);
    scenario.write("moved.csv", rows(ROWS + 2));
    fs::remove_file(scenario.path(INPUT)).unwrap();
    start(&scenario, &["moved.csv"])
        .exits(0)
        .says("continuing the unfinished run");
    assert_eq!(applied(&scenario, 4), [1, 2, 3, 4]);

    // The beginning, which is compared first, is the same, but a later row differs.
    let (scenario, last) = up_to(2_400);
    let file = rows(3_000);
    assert!(file.find("2000,").unwrap() > 20 << 10);
    let pad = "x".repeat(60);
    let wide = |changed: &str| file.replace("Nurse", &pad).replace("\n2300,", changed);
    scenario.write(INPUT, wide("\n2300,"));
    start(&scenario, &[INPUT]).exits(3);
    last.store(10_000, Ordering::Relaxed);
    scenario.write(INPUT, wide("\n2300,y"));
    let end = start(&scenario, &[INPUT]).exits(0);
    end.says(
        "is not continued: the input differs in row 2300 from what was sent; a new run begins",
    );
    let runs = runs(&scenario);
    assert_eq!(runs.len(), 2);
    results(&scenario, &runs[1]).settle_each_of(3_000);
    assert_eq!(
        results(&scenario, &runs[0]).lines.len(),
        2_400,
        "the other one stays as it is"
    );
}

#[test]
fn a_run_that_is_being_undone_is_not_continued() {
    let (scenario, last) = up_to(4);
    start(&scenario, &[INPUT]).exits(3);
    last.store(ROWS, Ordering::Relaxed);
    let run = runs(&scenario).pop().expect("a run");
    let content = "{\"fact\":\"undone\",\"at\":\"2026-11-23T00:00:00.000Z\"";
    let line = format!(
        "{content},\"crc\":\"{:08x}\"}}\n",
        crate::harness::crc32c(content.as_bytes())
    );
    scenario.edit(&format!("{run}/results.ndjson"), |journal| {
        journal.extend_from_slice(line.as_bytes());
    });
    let refused = start(&scenario, &[INPUT, "--run-dir", &run]).exits(5);
    refused.says("is being put back (custsync undo): begin a new one");
    start(&scenario, &[INPUT]).exits(0);
    // Also where another line follows.
    let lines = [line.clone(), scenario_ended()].concat();
    scenario.edit(&format!("{run}/results.ndjson"), |journal| {
        journal.extend_from_slice(lines.as_bytes());
    });
    for newer in runs(&scenario).into_iter().filter(|other| *other != run) {
        fs::remove_dir_all(scenario.path(&newer)).unwrap();
    }
    start(&scenario, &[INPUT])
        .exits(0)
        .says("is being put back (custsync undo): begin a new one; a new run begins");
}

/// The fact that a process was terminated.
fn scenario_ended() -> String {
    let content = "{\"fact\":\"ended\",\"at\":\"2026-11-23T00:00:00.000Z\",\"exit\":143";
    format!(
        "{content},\"crc\":\"{:08x}\"}}\n",
        crate::harness::crc32c(content.as_bytes())
    )
}

#[test]
fn a_run_at_which_another_process_is_at_work_is_no_reason_for_a_second_one() {
    let scenario = Scenario::new().sandbox(|options| options.latency = "300ms".parse().unwrap());
    scenario.write(INPUT, rows(20));
    let url = scenario.url().unwrap();
    let command = [
        "run",
        INPUT,
        "--base-url",
        &url,
        "--max-in-flight",
        "4",
        "--rate",
        "unlimited",
    ];
    let running = scenario
        .start_custsync(command)
        .until("updates", |scenario| scenario.counts().applied >= 1);
    scenario
        .custsync(command)
        .exits(5)
        .says("another process is at work in the run directory custsync-runs/");
    let waits = command.into_iter().chain(["--lock-wait", "1m"]);
    let second = scenario.start_words(waits);
    running.end().exits(0);
    let second = second
        .end()
        .exits(0)
        .says("another process is at work in custsync-runs/");
    assert_eq!(
        second
            .stderr
            .matches("waiting for its end, at most 60s")
            .count(),
        1,
        "{}",
        second.stderr
    );
    assert_eq!(scenario.counts().requests, 20, "each row was sent once");
    assert_eq!(runs(&scenario).len(), 1);
}

#[test]
fn a_pipe_is_never_continued_by_itself_but_its_run_is_named() {
    let (mut scenario, last) = up_to(4);
    scenario.pipe(rows(ROWS));
    let end = start(&scenario, &["-"]).exits(3);
    let run = runs(&scenario).pop().expect("a run");
    let want = format!(
        "\nTo go on, with a new token, pipe the same bytes again into:\n  {} run --run-dir {run} ",
        env!("CARGO_BIN_EXE_custsync")
    );
    let end = end.prints(&want);
    assert!(
        !end.stdout.contains("To go on, with a new token:"),
        "{}",
        end.stdout
    );
    last.store(ROWS, Ordering::Relaxed);
    let told = format!(
        "there is an unfinished run with these settings in {run}: to continue it, pipe in the same bytes with --run-dir {run}"
    );
    let piped = start(&scenario, &["-"]).exits(0).says(&told);
    assert!(!piped.stderr.contains("continuing"), "{}", piped.stderr);
    assert_eq!(runs(&scenario).len(), 2);
    assert_eq!(applied(&scenario, 4), [1, 2, 3, 4, 1, 2, 3, 4]);
    start(&scenario, &["-", "--run-dir", &run]).exits(0);
    assert_eq!(
        applied(&scenario, 4),
        [1, 2, 3, 4, 1, 2, 3, 4],
        "the rows that were left alone"
    );
    results(&scenario, &run).settle_each_of(ROWS as usize);
}

#[test]
fn a_journal_that_cannot_be_read_is_pointed_out() {
    let (scenario, last) = up_to(4);
    start(&scenario, &[INPUT]).exits(3);
    let run = runs(&scenario).pop().expect("a run");
    let journal = format!("{run}/results.ndjson");
    let converted = String::from_utf8(scenario.read(&journal).expect("a journal"))
        .unwrap()
        .replace('\n', "\r\n");
    scenario.write(&journal, &converted);
    last.store(ROWS, Ordering::Relaxed);
    start(&scenario, &[INPUT])
        .exits(0)
        .says(&format!("{journal} cannot be read"));
    assert_eq!(
        scenario.read(&journal).expect("a journal"),
        converted.into_bytes()
    );
}

#[test]
fn entries_that_are_not_runs_are_ignored() {
    let (scenario, last) = up_to(4);
    start(&scenario, &[INPUT]).exits(3);
    let run = runs(&scenario).pop().expect("a run");
    let journal = scenario
        .read(&format!("{run}/results.ndjson"))
        .expect("a journal");
    for name in ["empty", "no-key", "foreign", "pipe"] {
        fs::create_dir(scenario.path(&format!("{RUNS}/{name}"))).unwrap();
    }
    scenario.write(&format!("{RUNS}/no-key/results.ndjson"), &journal);
    scenario.write(&format!("{RUNS}/foreign/results.ndjson"), "id,job\n");
    scenario.write(&format!("{RUNS}/a file"), "id,job\n");
    mknodat(
        CWD,
        scenario.path(&format!("{RUNS}/pipe/results.ndjson")),
        FileType::Fifo,
        Mode::RUSR,
        0,
    )
    .unwrap();
    last.store(ROWS, Ordering::Relaxed);
    start(&scenario, &[INPUT])
        .exits(0)
        .says(&format!("continuing the unfinished run in {run} "));
}
