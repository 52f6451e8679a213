//! One rate for several processes, by `--rate-file`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;

use crate::harness::{Running, Scenario};

/// The first minute of a file in which nothing is sent is over: its state is that of a store that
/// has been open for long.
fn open_file(scenario: &Scenario) {
    // The host's clock began at its start, so these times are over.
    let host = fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("Linux has it");
    let text = "custsync-rate 1\ntimes 0 0 0 0 0\nfall 0 0\n";
    let head = format!("custsync-rate-file 1 1 {} {} ", host.trim(), text.len());
    let checksum = crc32c::crc32c(format!("{head}{text}").as_bytes());
    scenario.write("rate", format!("{head}{checksum:08x}\n{text}"));
}

/// A file of rows, whose customers the sandbox has.
fn csv(rows: u64) -> String {
    let rows: Vec<_> = (1..=rows).map(|row| format!("{row},Job {row}\n")).collect();
    format!("id,job\n{}", rows.concat())
}

fn with_open_file(rows: u64) -> Scenario {
    let scenario = Scenario::new()
        .file("customers.csv", csv(rows))
        .sandbox(|options| options.latency = "5ms".parse().unwrap());
    open_file(&scenario);
    scenario
}

/// Starts a run of the same rows in a directory of its own.
fn start<'s>(scenario: &'s Scenario, directory: &str, flags: &[&str]) -> Running<'s> {
    let url = scenario.url().expect("the sandbox has an address");
    let usual = [
        "run",
        "customers.csv",
        "--base-url",
        &url,
        "--run-dir",
        directory,
    ];
    let shared = ["--rate-file", "rate"];
    scenario.start_words(usual.into_iter().chain(shared).chain(flags.iter().copied()))
}

/// The seconds between the first and the last request, and the most within any second.
fn times(scenario: &Scenario) -> (f64, usize) {
    let ledger = scenario.ledger();
    let seconds = |at: jiff::Timestamp| at.as_duration().as_secs_f64();
    let mut times: Vec<f64> = ledger.0.iter().map(|applied| seconds(applied.at)).collect();
    times.sort_by(f64::total_cmp);
    let mut most = 0;
    for (index, first) in times.iter().enumerate() {
        let within = times[index..].iter().take_while(|at| **at < first + 1.0);
        most = most.max(within.count());
    }
    (times[times.len() - 1] - times[0], most)
}

#[test]
fn two_processes_keep_to_one_rate_and_use_it() {
    let scenario = with_open_file(60);
    let one = start(&scenario, "one", &["--rate", "30/s"]);
    let other = start(&scenario, "other", &["--rate", "30/s"]);
    for end in [one.end(), other.end()] {
        end.exits(0);
    }
    let (lasted, most) = times(&scenario);
    assert_eq!(scenario.counts().requests, 120);
    // 120 requests at 30/s last for four seconds. Slots may be used a tenth of a second late.
    assert!((3.8..6.0).contains(&lasted), "{lasted}");
    assert!(most <= 30 + 4, "{most} within a second");
    let mode = fs::metadata(scenario.path("rate"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o644, "a file that is there keeps its mode");
}

#[test]
fn a_new_file_is_private_and_hands_out_nothing_at_first() {
    let scenario = Scenario::new()
        .file("customers.csv", csv(3))
        .sandbox(|_| {});
    let end = scenario
        .run(["--rate-file", "new", "--max-wait", "1s"])
        .exits(4);
    end.says("the rate store is new (--rate-file new) and hands out nothing for another 60 s");
    assert_eq!(scenario.counts().requests, 0);
    let mode = fs::metadata(scenario.path("new"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_cannot_be_used_is_said_before_anything_is_sent() {
    let scenario = with_open_file(3);
    scenario.write("foreign", "hello\n");
    fs::create_dir(scenario.path("folder")).unwrap();
    let check = |path: &str, want: &str| {
        let end = scenario.run(["--rate-file", path]).exits(5);
        end.says(&format!("--rate-file {path} cannot be used: {want}"));
    };
    check(
        "foreign",
        "it is not a rate file of custsync, or it is damaged",
    );
    check("folder", "Is a directory");
    check("missing/rate", "No such file or directory");
    check("/dev/null", "it is not a regular file");
    assert_eq!(scenario.counts().requests, 0);
}

#[test]
fn a_file_that_is_damaged_meanwhile_is_bridged_and_then_waited_for() {
    let scenario = with_open_file(2_000);
    let running = start(&scenario, "one", &["--rate", "50/s", "--max-wait", "1s"])
        .until("it sends", |scenario| scenario.counts().requests > 10);
    scenario.write("rate", "hello\n");
    let running = running
        .until_it_says("no contact with the rate store (--rate-file rate: it is not a rate file");
    let requests = scenario.counts().requests;
    // It goes on at its share, which is all of the rate.
    let running = running.until("it goes on", |scenario| {
        scenario.counts().requests > requests + 20
    });
    running.signal(Signal::INT).end().exits(130);
}

#[test]
fn the_two_stores_exclude_each_other_and_a_password_is_no_part_of_an_address() {
    let scenario = with_open_file(1);
    scenario
        .run(["--rate-file", "rate", "--rate-redis", "redis://127.0.0.1"])
        .exits(2)
        .says("--rate-file and --rate-redis contradict each other: keep one");
    let end = scenario
        .run(["--rate-redis", "redis://:canary@127.0.0.1"])
        .exits(2);
    assert!(!end.stderr.contains("canary"), "{}", end.stderr);
    end.says("the address holds a password: set CUSTSYNC_RATE_REDIS_PASSWORD");
    scenario
        .run(["--rate-redis", "redis://127.0.0.1:1", "--max-wait", "3s"])
        .exits(4)
        .says("no contact with the rate store (--rate-redis redis://127.0.0.1:1");
    assert_eq!(scenario.counts().requests, 0);
}
