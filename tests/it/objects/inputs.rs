//! Objects as inputs: read over broken connections, never mixed of two versions.

use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::process::Signal;
use std::io::Write as _;
use std::time::Instant;

use super::{MEMORY_MAX_KIB, REGION, applied_all, reading};
use crate::harness::{Broken, Customers, Form, KEY_ID, ObjectServer, SplitMix64, jobs, long_jobs};

const ROWS: usize = 400;
/// The longest time that the end of a stopped program takes.
const PROMPTLY: Duration = Duration::from_secs(10);

#[test]
fn an_object_is_checked_and_sent_as_a_file_is() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&jobs(ROWS)).unwrap();
    let packed = encoder.finish().unwrap();
    let server = ObjectServer::start(|_, _| None)
        .with("exports/daily/customers 1+1%20.csv", jobs(ROWS))
        .with("exports/customers.csv.gz", packed);
    for address in [
        "s3://exports/daily/customers 1+1%20.csv",
        "S3://exports/customers.csv.gz",
    ] {
        let end = reading(&server, address).check([]).exits(0);
        end.prints(&format!("records  {ROWS} = {ROWS} valid"));
        let scenario = reading(&server, address).variable("RUST_LOG", "trace");
        let end = scenario.run(["-vv"]).exits(0);
        let shown = address.replace("S3:", "s3:");
        assert_eq!(end.summary()["inputs"][0], shown.as_str());
        applied_all(&end, ROWS);
        // The finished run is known again by its address.
        let end = scenario.run([]).exits(0);
        end.prints("Nothing left to send").is_nowhere("canary");
    }
    let signed = format!("AWS4-HMAC-SHA256 Credential={KEY_ID}/");
    for request in server.requests() {
        let authorization = request.header("authorization").unwrap();
        assert!(authorization.starts_with(&signed), "{authorization}");
        assert!(
            authorization.contains(&format!("/{REGION}/s3/")),
            "{authorization}"
        );
    }
}

#[test]
fn broken_connections_leave_no_trace_in_what_is_sent() {
    for seed in 0..4 {
        let mut random = SplitMix64::new(seed);
        let customers = Customers::with_bad(ROWS, 10, Form::Csv, seed);
        let file = customers.file(Form::Csv);
        let pieces: Vec<usize> = (0..8).map(|_| 1 + random.below(file.len() / 6)).collect();
        let server = ObjectServer::start(move |request, _| {
            let piece = *pieces.get(request.number)?;
            Some(match request.number % 4 {
                3 => Broken::Status(503, "SlowDown", ""),
                _ => Broken::After(piece),
            })
        });
        let server = server.with("exports/customers.csv", &file);
        let scenario = reading(&server, "s3://exports/customers.csv");
        let scenario = scenario.flags(["--null-string", "NULL"]);
        scenario.run(["--max-errors", "none"]).exits(1);
        scenario.holds(customers.valid().map(|(_, row)| row));
        let requests = server.requests();
        assert!(requests.len() > 4, "{}", requests.len());
        // Each part is asked of the same version.
        for request in requests.iter().filter(|request| request.from() > 0) {
            assert_eq!(request.header("if-match"), Some("\"tag-1\""));
        }
    }
}

#[test]
fn an_object_that_is_replaced_while_it_is_read_is_read_no_further() {
    let server = ObjectServer::start(|request, store| match request.number {
        2 => Some(Broken::After(300_000)),
        3 => {
            store.write("exports/customers.csv", long_jobs(1_999));
            None
        }
        _ => None,
    });
    let server = server.with("exports/customers.csv", long_jobs(2_000));
    let scenario = reading(&server, "s3://exports/customers.csv");
    let end = scenario.run([]).exits(5);
    let end = end
        .says("s3://exports/customers.csv:")
        .says("was replaced while it was read, so nothing after this place is used");
    let updated = end.summary()["updated"].as_u64().unwrap();
    assert!((1..2_000).contains(&updated), "{updated}");
    applied_all(&end, updated as usize);
}

#[test]
fn a_store_that_is_down_ends_the_run_until_later_and_the_same_command_goes_on() {
    let down = ObjectServer::start(|_, _| Some(Broken::Status(503, "SlowDown", "")));
    let scenario = reading(&down, "s3://exports/customers.csv");
    let end = scenario.run(["--max-wait", "1s"]).exits(4);
    end.says("cannot be read for the moment: the server answers 503, and nothing came for");

    let server = ObjectServer::start(|request, store| match request.number {
        2 => Some(Broken::After(300_000)),
        _ if store.objects.contains_key("exports/well") => None,
        number if number > 2 => Some(Broken::Status(500, "InternalError", "")),
        _ => None,
    });
    let server = server.with("exports/customers.csv", long_jobs(2_000));
    let scenario = reading(&server, "s3://exports/customers.csv");
    let end = scenario.run(["--max-wait", "1s"]).exits(4);
    let updated = end.summary()["updated"].as_u64().unwrap() as usize;
    assert!((1..2_000).contains(&updated), "{updated}");
    assert!(end.next_command().contains("s3://exports/customers.csv"));
    server.store().write("exports/well", "");
    let end = scenario.run([]).exits(0);
    applied_all(&end, 2_000);
}

#[test]
fn a_wait_that_the_store_names_is_kept_to() {
    let server = ObjectServer::start(|request, _| {
        (request.number == 1).then_some(Broken::Status(503, "SlowDown", "retry-after: 2\r\n"))
    });
    let server = server.with("exports/customers.csv", jobs(ROWS));
    let started = Instant::now();
    reading(&server, "s3://exports/customers.csv")
        .check([])
        .exits(0);
    assert!(started.elapsed() >= Duration::from_secs(2));
}

#[test]
fn a_signal_ends_a_download_that_hangs() {
    let server =
        ObjectServer::start(|request, _| (request.number == 2).then_some(Broken::Silent(300_000)));
    let server = server.with("exports/customers.csv", long_jobs(2_000));
    let scenario = reading(&server, "s3://exports/customers.csv");
    let running = scenario.start([]);
    let running = running.until("rows are applied", |scenario| {
        scenario.counts().applied > 10
    });
    let started = Instant::now();
    let end = running.signal(Signal::TERM).end().exits(143);
    assert!(started.elapsed() < PROMPTLY, "{:?}", started.elapsed());
    applied_all(&end, end.summary()["updated"].as_u64().unwrap() as usize);
}

#[test]
fn unique_last_and_a_state_read_an_object_twice() {
    let file = "id,job\n1,first\n2,second\n1,last\n";
    let server = ObjectServer::start(|_, _| None).with("exports/customers.csv", file);
    let scenario = reading(&server, "s3://exports/customers.csv");
    let end = scenario.run(["--unique", "last"]).exits(0);
    assert_eq!(end.summary()["updated"], 2);

    let server = ObjectServer::start(|_, _| None).with("exports/customers.csv", jobs(30));
    let scenario = reading(&server, "s3://exports/customers.csv");
    let url = scenario.url().unwrap();
    let nightly = |words: &[&str]| {
        let input = "s3://exports/customers.csv";
        let state = ["run", "--state", "nightly.state", "--base-url", &url, input];
        let words = state.iter().chain(words).copied();
        scenario.start_words(words).end().exits(0)
    };
    nightly(&["--full-resync", "--run-dir", "one"]);
    server.store().write("exports/customers.csv", jobs(31));
    let end = nightly(&["--run-dir", "two"]);
    applied_all(&end, 31);
}

#[test]
fn a_large_object_takes_little_memory() {
    const BYTES: usize = 300 << 20;
    let mut file = long_jobs(100_000);
    let begin = file.len();
    let more = file[7..].to_vec();
    while file.len() < BYTES {
        file.extend(&more);
    }
    file.truncate(file.len() - (file.len() - begin) % more.len());
    let lines = file.split(|byte| *byte == b'\n').count() - 2;
    // The inspection reads the beginning, and the check all of it, in five parts.
    let server = ObjectServer::start(|request, _| {
        (2..6)
            .contains(&request.number)
            .then_some(Broken::After(64 << 20))
    });
    let server = server.with("exports/customers.csv", file);
    let scenario = reading(&server, "s3://exports/customers.csv");
    let running = scenario.start_check(["--output-format", "json"]);
    let (finished, peak_kib) = running.finish_with_peak();
    println!("figures: check of {BYTES} bytes of an object with {peak_kib} KiB at most");
    let summary: serde_json::Value = serde_json::from_slice(&finished.stdout).unwrap();
    assert_eq!(summary["valid"], lines);
    assert!(peak_kib < MEMORY_MAX_KIB, "{peak_kib} KiB");
    assert_eq!(server.requests().len(), 6);
}
