//! Inputs at https:// addresses: read over broken connections, never mixed of two versions, and
//! without a word about the secrets in them.

use std::cmp::Ordering as Position;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream::iter;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustix::process::Signal;
use tokio::net::TcpListener;

use crate::harness::{
    Authority, Customers, End, FileReply, FileRequest, FileServer, Form, ProxyReply, SIGNATURE,
    Scenario, ScriptedProxy, ServedFile, SplitMix64, TlsFront, VALID, Workbook, jobs, long_jobs,
};

const ROWS: usize = 400;
const TOKEN: &str = "canary-input-token-99b0";
/// The longest time that the end of a stopped program takes.
const PROMPTLY: Duration = Duration::from_secs(10);

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A scenario with a sandbox whose input is `customers.csv` on this server.
fn reading(server: &FileServer) -> Scenario {
    Scenario::new()
        .input(&server.url("customers.csv"))
        .unlimited()
        .sandbox(|_| {})
}

/// Checks that no secret is in any output and file.
fn holds_no_secret(end: &End) {
    end.is_nowhere(SIGNATURE).is_nowhere(TOKEN);
}

/// Checks that the run applied each row once.
fn applied_all(end: &End, rows: usize) {
    holds_no_secret(end);
    assert_eq!(end.ledger.len(), rows);
}

#[test]
fn a_file_behind_tls_is_checked_and_sent() {
    let plain = jobs(ROWS);
    for (name, bytes) in [
        ("customers.csv", plain.clone()),
        ("customers.csv.gz", gzip(&plain)),
    ] {
        let server = FileServer::of(ServedFile::new(bytes));
        let authority = Authority::new();
        let certificate = authority.certificate("127.0.0.1", VALID).without_http2();
        let front = TlsFront::start(server.address(), certificate);
        let url = format!("https://{}/exports/{name}", front.address());
        let scenario = || {
            let scenario = Scenario::new()
                .input(&format!("{url}?sig={SIGNATURE}"))
                .unlimited()
                .sandbox(|_| {})
                .variable("RUST_LOG", "trace")
                .flags(["-vv"]);
            scenario.write("ca.pem", authority.pem());
            scenario
        };
        let refused = scenario().check([]).exits(2).says(&format!(
            "{url}: cannot be read: the certificate of 127.0.0.1"
        ));
        holds_no_secret(&refused.says("is not trusted"));

        let end = scenario().check(["--ca-file", "ca.pem"]).exits(0);
        holds_no_secret(&end.prints(&format!("records  {ROWS} = {ROWS} valid")));
        let scenario = scenario();
        let end = scenario.run(["--ca-file", "ca.pem"]).exits(0);
        assert_eq!(end.summary()["inputs"][0], url.as_str());
        applied_all(&end, ROWS);
        assert!(
            server.requests()[0]
                .line
                .contains(&format!("/exports/{name}?sig={SIGNATURE} "))
        );
    }
}

#[test]
fn broken_connections_leave_no_trace_in_what_is_sent() {
    for seed in 0..6 {
        let mut random = SplitMix64::new(seed);
        let customers = Customers::with_bad(ROWS, 10, Form::Csv, seed);
        let file = customers.file(Form::Csv);
        let served = ServedFile {
            etag: [Some("\"one\""), Some("W/\"one\""), None][seed as usize % 3],
            has_ranges: seed < 3,
            ..ServedFile::new(&file)
        };
        let pieces: Vec<usize> = (0..8).map(|_| 1 + random.below(file.len() / 6)).collect();
        let server = FileServer::start(move |request| match pieces.get(request.number) {
            // Without a range, each connection has to come farther than the one before.
            Some(_) if request.header("range").is_none() || !served.has_ranges => {
                let bytes = pieces[..=request.number].iter().sum();
                served.first(request, bytes)
            }
            Some(piece) => served.first(request, *piece),
            None => served.whole(request),
        });
        let local = Scenario::new()
            .csv(&customers)
            .unlimited()
            .sandbox(|_| {})
            .run(["--max-errors", "none"]);
        let scenario = reading(&server).flags(["--null-string", "NULL"]);
        let end = scenario.run(["--max-errors", "none"]);
        assert_eq!(end.code(), local.code(), "{seed}: {}", end.stderr);
        scenario.holds(customers.valid().map(|(_, row)| row));
        let outcomes = |end: &End| -> Vec<String> {
            let results = end.results();
            let by_row = results.by_row();
            by_row
                .values()
                .map(|line| format!("{} {}", line["row"], line["outcome"]))
                .collect()
        };
        assert_eq!(outcomes(&end), outcomes(&local), "{seed}");
        assert!(server.requests().len() > 3);
        holds_no_secret(&end);
    }
}

/// A server whose connection breaks in the run, and which then answers by `then`. The first request
/// is that of the inspection.
fn breaking(
    etag: Option<&'static str>,
    then: impl Fn(&ServedFile, &FileRequest) -> FileReply + Send + Sync + 'static,
) -> FileServer {
    let file = ServedFile {
        etag,
        ..ServedFile::new(long_jobs(2_000))
    };
    let first = if etag.is_some() { 2 } else { 1 };
    FileServer::start(move |request| match request.number.cmp(&first) {
        Position::Less => file.whole(request),
        Position::Equal => file.first(request, 300_000),
        Position::Greater => then(&file, request),
    })
}

#[test]
fn a_file_that_is_replaced_while_it_is_read_is_read_no_further() {
    for etag in [Some("\"one\""), None] {
        let server = breaking(etag, |file, request| {
            let mut other = file.clone();
            other.etag = file.etag.map(|_| "\"two\"");
            other.bytes[8] = b'#';
            other.whole(request)
        });
        let end = reading(&server).run([]).exits(5);
        let end = end
            .says("/exports/customers.csv:")
            .says("was replaced while it was read, so nothing after this place is used");
        let updated = end.summary()["updated"].as_u64().unwrap();
        assert!((1..2_000).contains(&updated), "{updated}");
        applied_all(&end, updated as usize);
    }
}

#[test]
fn a_file_that_is_replaced_after_its_inspection_is_not_sent() {
    let server = FileServer::start(|request| {
        let file = ServedFile::new(jobs(ROWS));
        let etag = if request.number == 1 {
            "\"one\""
        } else {
            "\"two\""
        };
        ServedFile {
            etag: Some(etag),
            ..file
        }
        .whole(request)
    });
    let end = reading(&server)
        .run([])
        .exits(5)
        .says("was replaced while it was read");
    applied_all(&end, 0);
}

#[test]
fn a_server_that_is_down_for_too_long_ends_the_run_until_later() {
    let down = FileServer::start(|_| FileReply::status("503 Down"));
    let end = reading(&down).run(["--max-wait", "2s"]).exits(4);
    let end = end
        .says("cannot be read for the moment: the server answers 503, and nothing came for")
        .says("it is asked for again, for at most 2 s (--max-wait)");
    holds_no_secret(&end);
    assert!(end.files.is_empty());

    let server = breaking(Some("\"one\""), |_, _| FileReply::status("503 Down"));
    let scenario = reading(&server);
    let end = scenario.run(["--max-wait", "1s"]).exits(4);
    let end = end
        .says("/exports/customers.csv:")
        .says("cannot be read for the moment");
    let updated = end.summary()["updated"].as_u64().unwrap() as usize;
    assert!((1..2_000).contains(&updated), "{updated}");
    let end = end.prints("To go on, later (put the query of the address in place of `...`):");
    assert!(end.next_command().contains("/exports/customers.csv?...'"));
    assert!(end.summary()["continue_with"].is_null());
    applied_all(&end, updated);
}

#[test]
fn a_wait_that_the_server_names_is_kept_to() {
    let server = FileServer::start(|request| match request.number {
        1 => FileReply::status("429 Wait\r\nretry-after: 2"),
        _ => ServedFile::new(jobs(ROWS)).whole(request),
    });
    let started = Instant::now();
    reading(&server).check([]).exits(0);
    assert!(started.elapsed() >= Duration::from_secs(2));

    let server = FileServer::start(|_| FileReply::status("429 Wait\r\nretry-after: 7200"));
    reading(&server)
        .check([])
        .exits(4)
        .says("the server asks to wait for 7200 s (429), which is longer than --max-wait");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_stopped_run_is_continued_by_the_same_command() {
    for etag in [Some("\"one\""), None] {
        let server = FileServer::of(ServedFile {
            etag,
            ..ServedFile::new(jobs(ROWS))
        });
        let scenario = Scenario::new()
            .input(&server.url("customers.csv"))
            .sandbox(|options| options.latency = "40ms".parse().unwrap())
            .unlimited();
        let running = scenario
            .start([])
            .until("requests", |scenario| scenario.counts().requests >= 10);
        let end = running.signal(Signal::TERM).end().exits(143);
        holds_no_secret(&end);
        let command = end.next_command().to_owned();
        assert!(command.contains("/exports/customers.csv?...'"), "{command}");
        let refused = scenario.shell(&command).exits(2);
        refused.says("put the address's own query there");
        // Another query is the same input.
        let end = scenario
            .shell(&command.replace("...", "sig=another"))
            .exits(0);
        assert_eq!(end.ledger.len(), ROWS, "no row was sent twice");
    }
}

#[test]
fn an_unfinished_run_of_the_address_is_found() {
    let server = FileServer::of(ServedFile::new(jobs(ROWS)));
    let scenario = Scenario::new().sandbox(|options| options.latency = "40ms".parse().unwrap());
    let (url, api) = (server.url("customers.csv"), scenario.url().unwrap());
    let command = ["run", &url, "--base-url", &api, "--rate", "unlimited"];
    let running = scenario.start_custsync(command);
    let running = running.until("requests", |scenario| scenario.counts().requests >= 10);
    running.signal(Signal::TERM).end().exits(143);
    let end = scenario.custsync(command).exits(0);
    assert_eq!(end.ledger.len(), ROWS, "no row was sent twice");
    holds_no_secret(&end.says("continuing the unfinished run"));
}

#[test]
fn unique_last_reads_a_file_twice_if_its_server_tells_versions_apart() {
    let bytes = b"id,job\n1,a\n2,b\n1,c\n";
    let server = FileServer::of(ServedFile::new(bytes));
    let end = reading(&server).run(["--unique", "last"]).exits(0);
    assert_eq!(end.ledger.len(), 2);
    let server = FileServer::of(ServedFile {
        etag: Some("W/\"one\""),
        ..ServedFile::new(bytes)
    });
    let end = reading(&server).run(["--unique", "last"]).exits(2);
    let end = end.says("its server does not show whether it is the same both times");
    applied_all(&end.says("download it first"), 0);
}

#[test]
fn the_token_goes_to_the_addresss_own_server_only() {
    let target = FileServer::of(ServedFile::new(jobs(ROWS)));
    let location = target.url("elsewhere.csv");
    let server = FileServer::start(move |request| match request.header("authorization") {
        None => FileReply::status("401 Who"),
        Some(_) => FileReply::redirect(&location),
    });
    let scenario = reading(&server);
    scenario.write_private("input-token", format!("{TOKEN}\n"));
    let end = scenario.run([]).exits(2);
    holds_no_secret(&end.says("the server refuses it without a token (401)"));
    let end = scenario.run(["--input-token-file", "input-token"]).exits(0);
    applied_all(&end, ROWS);
    let sent = server.requests();
    let sent = sent.last().unwrap().header("authorization");
    assert_eq!(sent, Some(format!("Bearer {TOKEN}").as_str()));
    for request in target.requests() {
        assert_eq!(request.header("authorization"), None);
    }

    let server = FileServer::start(|_| FileReply::status("403 No"));
    let scenario = reading(&server).variable("CUSTSYNC_INPUT_TOKEN_FILE", "input-token");
    let end = scenario.check([]).exits(2);
    end.says("as --input-token-file names no token: the token file input-token cannot be read");
    scenario.write_private("input-token", TOKEN);
    let end = scenario.check([]).exits(2);
    holds_no_secret(&end.says("refuses the token of --input-token-file (403)"));
    // The token of the API is another one.
    let api_token = scenario.secret().unwrap();
    for request in server.requests() {
        let sent = request.header("authorization").unwrap();
        assert!(!sent.contains(&api_token));
    }
}

#[test]
fn a_secret_in_an_address_is_never_shown() {
    let ends = |arguments: &[&str], code: i32, words: &str| {
        let scenario = Scenario::new();
        scenario.write("customers.csv", jobs(1));
        let end = scenario.start_words(arguments.iter().copied()).end();
        let end = end.exits(code).says(words);
        holds_no_secret(&end);
        assert!(!end.stdout.contains(SIGNATURE), "{}", end.stdout);
        if let Some(summary) = scenario.read("summary.json") {
            assert!(!String::from_utf8_lossy(&summary).contains(SIGNATURE));
        }
    };
    let query = format!("https://files.invalid/customers.csv?{SIGNATURE}");
    let no_host = "there is no host of the name files.invalid (DNS): is the address right?";
    let json = ["--output-format", "json", "--summary-file", "summary.json"];
    let json = |arguments: &[&'static str]| [arguments, &json].concat();
    ends(&["check", &query], 2, no_host);
    ends(
        &[&json(&["check"]), &[query.as_str()][..]].concat(),
        2,
        no_host,
    );
    ends(
        &[&query],
        2,
        "unrecognized subcommand 'https://files.invalid/customers.csv?...'",
    );
    ends(
        &["check", &query, "--bogus"],
        2,
        "unexpected argument '--bogus'",
    );
    ends(&["config", "init", &query], 2, no_host);
    for (address, words) in [
        (
            format!("https://me:{SIGNATURE}@files.invalid/a.csv"),
            "has a user name or password",
        ),
        (
            format!("https://files.invalid/a.csv#{SIGNATURE}"),
            "has a `#`",
        ),
        (
            format!("http://192.0.2.1/a.csv?{SIGNATURE}"),
            "is plain http",
        ),
        (
            format!("https:// files.invalid/a.csv?{SIGNATURE}"),
            "holds a space",
        ),
        (format!("https://me:{SIGNATURE}/x@y z"), "holds a space"),
    ] {
        ends(&["check", &address], 2, words);
        ends(
            &[&json(&["run"]), &[address.as_str()][..]].concat(),
            2,
            words,
        );
    }
}

#[test]
fn what_is_no_file_of_rows_says_what_to_do() {
    let refused = |file: ServedFile, words: &str| {
        let end = reading(&FileServer::of(file)).check([]).exits(2);
        holds_no_secret(&end.says(words));
    };
    refused(
        ServedFile::new("<!DOCTYPE html><html>Log in</html>"),
        "is an HTML page, not the file: does the server ask for a login? (--input-token-file",
    );
    refused(
        ServedFile::new(Workbook::default().sheet_of("Sheet1", "").bytes()),
        "is an Excel workbook, which can be read only from a file on this machine: download it first",
    );
    refused(ServedFile::new(""), "is empty");
    refused(
        ServedFile {
            headers: "content-encoding: br\r\n",
            ..ServedFile::new(jobs(1))
        },
        "although it was asked not to",
    );
}

#[test]
fn a_file_without_a_known_end_is_read_with_one_warning() {
    let warning = "the server does not say how long the file is, so rows that a broken connection leaves out would not be noticed";
    let answering = |head: &'static str, body: Vec<u8>| {
        let server = FileServer::start(move |_| {
            let head =
                format!("HTTP/1.1 200 OK\r\netag: \"one\"\r\n{head}connection: close\r\n\r\n");
            FileReply::Bytes([head.as_bytes(), &body].concat())
        });
        let end = reading(&server).run([]).exits(0);
        assert!(server.requests().len() > 1, "it is inspected first");
        end.stderr.matches(warning).count()
    };
    let plain = jobs(ROWS);
    let size = format!("{:x}\r\n", plain.len());
    let chunked = [size.as_bytes(), &plain, b"\r\n0\r\n\r\n"].concat();
    assert_eq!(answering("", plain), 1);
    assert_eq!(answering("transfer-encoding: chunked\r\n", chunked), 0);
}

#[test]
fn an_encoding_on_the_way_is_undone() {
    let server = FileServer::of(ServedFile {
        headers: "content-encoding: gzip\r\n",
        ..ServedFile::new(gzip(&jobs(ROWS)))
    });
    let end = reading(&server).check([]).exits(0);
    end.prints(&format!("records  {ROWS} = {ROWS} valid"));
}

#[test]
fn an_outage_in_compressed_data_is_no_damage() {
    let bytes = gzip(&jobs(40_000));
    let server = FileServer::start(move |request| match request.number {
        1 => ServedFile::new(&bytes).first(request, bytes.len() / 2),
        _ => FileReply::status("503 Down"),
    });
    let end = reading(&server).check(["--max-wait", "1s"]).exits(4);
    end.says("cannot be read for the moment: the server answers 503");
}

#[test]
fn a_signal_ends_a_download_that_hangs() {
    let hangs = |at: usize, verb: &str| {
        let server = FileServer::start(move |request| {
            ServedFile {
                etag: None,
                ..ServedFile::new(long_jobs(2_000))
            }
            .hanging_after(request, at)
        });
        let scenario = reading(&server);
        let running = match verb {
            "run" => scenario.start([]),
            _ => scenario.start_check([]),
        };
        let running = running.until("a request", |_| !server.requests().is_empty());
        let running = if at > 0 && verb == "run" {
            running.until("updates", |scenario| scenario.counts().applied > 0)
        } else {
            running
        };
        let stopped = Instant::now();
        let end = running.signal(Signal::INT).end().exits(130);
        holds_no_secret(&end);
        assert!(stopped.elapsed() < PROMPTLY, "{:?}", stopped.elapsed());
    };
    for verb in ["run", "check"] {
        hangs(0, verb);
        hangs(300_000, verb);
    }
}

#[test]
fn the_proxy_of_the_environment_is_used() {
    let server = FileServer::of(ServedFile::new(jobs(ROWS)));
    let authority = Authority::new();
    let certificate = authority
        .certificate("files.example", VALID)
        .without_http2();
    let front = TlsFront::start(server.address(), certificate);
    let address = front.address();
    let proxy = ScriptedProxy::start(move || ProxyReply::Tunnel(address));
    let scenario = Scenario::new()
        .input(&format!("https://files.example/customers.csv?{SIGNATURE}"))
        .variable("HTTPS_PROXY", &format!("http://{}", proxy.address()));
    scenario.write("ca.pem", authority.pem());
    let end = scenario.check(["--ca-file", "ca.pem"]).exits(0);
    holds_no_secret(&end);
    proxy.answer(b"HTTP/1.1 403 Forbidden\r\n\r\n");
    let end = scenario.check(["--ca-file", "ca.pem"]).exits(2);
    holds_no_secret(&end.says("does not connect to files.example"));
}

/// Serves this file over HTTP/2, and resets the stream of the first request in the middle.
async fn serve_http2(listener: TcpListener, file: Vec<u8>, served: Arc<AtomicUsize>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (file, served) = (file.clone(), Arc::clone(&served));
        let answer = service_fn(move |request: hyper::Request<_>| {
            let number = served.fetch_add(1, Ordering::SeqCst);
            let from = request.headers().get("range").map_or(0, |range| {
                let range = range.to_str().unwrap().trim_start_matches("bytes=");
                range.trim_end_matches('-').parse().unwrap()
            });
            let (all, rest) = (file.len(), file[from..].to_vec());
            let mut chunks = vec![Ok(rest)];
            if number == 0 {
                chunks[0].as_mut().unwrap().truncate(all / 2);
                chunks.push(Err(std::io::Error::other("as scripted")));
            }
            let mut answer = hyper::Response::builder().header("etag", "\"one\"");
            if from > 0 {
                let range = format!("bytes {from}-{}/{all}", all - 1);
                answer = answer.status(206).header("content-range", range);
            }
            let body = axum::body::Body::from_stream(iter(chunks));
            async move { answer.body(body) }
        });
        let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), answer);
        // The client may hang up early.
        tokio::spawn(async move { connection.await.ok() });
    }
}

#[test]
fn http_2_is_spoken_if_the_server_speaks_it() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let served = Arc::<AtomicUsize>::default();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = std::thread::spawn({
        let served = Arc::clone(&served);
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = serve_http2(listener, jobs(ROWS), served) => {}
                    _ = stopped => {}
                }
            });
        }
    });
    let authority = Authority::new();
    let front = TlsFront::start(address, authority.certificate("127.0.0.1", VALID));
    let scenario = Scenario::new().input(&format!(
        "https://{}/customers.csv?{SIGNATURE}",
        front.address()
    ));
    scenario.write("ca.pem", authority.pem());
    let end = scenario.check(["--ca-file", "ca.pem", "-v"]).exits(0);
    holds_no_secret(&end.prints(&format!("records  {ROWS} = {ROWS} valid")));
    drop(stop);
    serving.join().unwrap();
    assert!(
        served.load(Ordering::SeqCst) >= 3,
        "the stream was reset and read on"
    );
}

#[test]
fn a_token_without_an_address_is_refused() {
    let scenario = Scenario::new().file("customers.csv", jobs(1));
    scenario.write_private("input-token", TOKEN);
    let end = scenario
        .check(["--input-token-file", "input-token"])
        .exits(2);
    holds_no_secret(&end.says("--input-token-file has no effect: no input is an https:// address"));
}

#[test]
fn bytes_that_come_one_by_one_are_a_file() {
    let rows = jobs(ROWS);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", rows.len());
    let server = FileServer::start(move |_| FileReply::Slowly([head.as_bytes(), &rows].concat()));
    let end = reading(&server).check([]).exits(0);
    end.prints(&format!("records  {ROWS} = {ROWS} valid"));
}

#[test]
fn a_body_without_an_end_is_refused_in_little_memory() {
    let server = FileServer::start(|_| FileReply::Endless(vec![b'x'; 64 << 10]));
    let scenario = reading(&server);
    let (finished, peak_kib) = scenario.start_check([]).finish_with_peak();
    assert_eq!(finished.status.code(), Some(2));
    let stderr = String::from_utf8(finished.stderr).unwrap();
    assert!(
        stderr.contains("is not closed within 1048576 bytes"),
        "{stderr}"
    );
    assert!(peak_kib < 64 << 10, "{peak_kib} KiB");
}
