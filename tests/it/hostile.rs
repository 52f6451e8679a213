//! Hostile and broken servers: a bad answer costs at most its row, bounded time and bounded memory.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Customers, End, Reply, Scenario};

/// The row with the bad answer, and the number of rows.
const BAD_ROW: u64 = 12;
const ROWS: u64 = 100;
/// The latency of a good answer: rows are still being sent after the bad answer, so that the API is
/// seen to work.
const LATENCY: Duration = Duration::from_millis(10);

/// A run in which both attempts of one row get a bad answer, and all other rows a good one.
fn run(bad: impl Fn() -> Reply + Send + Sync + 'static) -> End {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(ROWS, 1, 7))
        .unlimited()
        .server(move |request| {
            assert_eq!(
                request.header("accept-encoding"),
                None,
                "nothing compressed is asked for"
            );
            assert_eq!(request.header("referer"), None);
            if request.id() == BAD_ROW {
                return bad();
            }
            thread::sleep(LATENCY);
            Reply::updated()
        });
    scenario
        .run([
            "--attempts",
            "2",
            "--max-errors",
            "none",
            "--max-in-flight",
            "4",
            "-vv",
        ])
        .exits(1)
}

/// Checks that this counts as no answer: the row fails after its attempts, and no other row does.
fn is_no_answer(bad: impl Fn() -> Reply + Send + Sync + 'static) {
    let end = run(bad).counts([ROWS - 1, 0, 0, 1, 0]);
    let results = end.results();
    let row = results.row(BAD_ROW);
    assert_eq!(row["outcome"], "failed", "{row}");
    // The other fault is that of a kept connection without a complete head.
    assert!(
        ["connection_broken", "connection_closed"]
            .map(|name| json!(name))
            .contains(&row["cause"]),
        "{row}"
    );
    // An attempt that might have met an outage does not count, so there may be one more.
    assert!(row["attempts"].as_u64() >= Some(2), "{row}");
}

/// Checks that the answer proves nothing: the row is rejected, and no other row is.
fn proves_nothing(bad: impl Fn() -> Reply + Send + Sync + 'static) -> End {
    let end = run(bad).counts([ROWS - 1, 0, 1, 0, 0]);
    let results = end.results();
    assert_eq!(
        results.row(BAD_ROW)["error"],
        "unexpected_answer",
        "{}",
        results.row(BAD_ROW)
    );
    end
}

#[test]
fn a_body_of_ten_gigabytes_is_not_read() {
    const BODY_BYTES: u64 = 10 << 30;
    /// The most bytes in the buffers of both ends when the client has gone.
    const WRITTEN_BYTES_MAX: u64 = 64 << 20;
    let written = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&written);
    let started = Instant::now();
    proves_nothing(move || {
        let written = Arc::clone(&counted);
        Reply::raw(move |stream| {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {BODY_BYTES}\r\n\r\n"
            )?;
            let chunk = vec![b' '; 64 << 10];
            while written.load(SeqCst) < BODY_BYTES {
                stream.write_all(&chunk)?;
                written.fetch_add(chunk.len() as u64, SeqCst);
            }
            Ok(())
        })
    });
    let written = written.load(SeqCst);
    assert!(
        written < WRITTEN_BYTES_MAX,
        "the client took {written} bytes"
    );
    assert!(started.elapsed() < Duration::from_secs(20));
}

/// Checks that a slow, endless answer is held for the time of one attempt only. To the run it is an
/// API that does not answer.
fn ends_with_the_timeout(head: &'static [u8], piece: &'static [u8]) {
    const TIMEOUT: Duration = Duration::from_secs(1);
    let held = Arc::new(Mutex::new(Vec::new()));
    let measured = Arc::clone(&held);
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(20, 1, 7))
        .unlimited()
        .server(move |_| {
            let measured = Arc::clone(&measured);
            Reply::raw(move |stream| {
                let started = Instant::now();
                let broken = drip(stream, head, piece);
                measured.lock().unwrap().push(started.elapsed());
                broken
            })
        });
    scenario
        .run([
            "--timeout",
            "1s",
            "--max-wait",
            "2s",
            "--max-in-flight",
            "20",
        ])
        .exits(4)
        .counts([0, 0, 0, 0, 20]);
    // The server ends with the last of its connections.
    drop(scenario);
    let held = held.lock().unwrap();
    // A server notices a closed connection a little late.
    let (least, most) = (TIMEOUT.mul_f64(0.8), TIMEOUT * 4);
    assert!(
        !held.is_empty() && held.iter().all(|held| (least..most).contains(held)),
        "{held:?}"
    );
}

/// Writes the head, and then a piece again and again until the client closes the connection.
fn drip(stream: &mut TcpStream, head: &[u8], piece: &[u8]) -> io::Result<()> {
    /// More pieces than any attempt takes.
    const PIECES_MAX: usize = 1_000;
    stream.write_all(head)?;
    for _ in 0..PIECES_MAX {
        stream.write_all(piece)?;
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

#[test]
fn an_answer_that_drips_ends_with_the_timeout() {
    ends_with_the_timeout(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n", b"{");
}

#[test]
fn headers_that_drip_end_with_the_timeout() {
    ends_with_the_timeout(b"HTTP/1.1 200 OK\r\nx-slow: ", b"a");
}

#[test]
fn interim_answers_without_end_end_with_the_timeout() {
    ends_with_the_timeout(b"", b"HTTP/1.1 100 Continue\r\n\r\n");
}

#[test]
fn ten_thousand_headers_are_no_answer() {
    is_no_answer(|| {
        let headers = "x-header: a\r\n".repeat(10_000);
        Reply::of(200, &headers, "application/json", b"{}")
    });
}

#[test]
fn a_header_of_a_megabyte_is_no_answer() {
    is_no_answer(|| {
        Reply::of(
            200,
            &format!("x-long: {}\r\n", "a".repeat(1 << 20)),
            "application/json",
            b"{}",
        )
    });
}

#[test]
fn a_reset_after_the_status_line_is_no_answer() {
    is_no_answer(|| {
        Reply::raw(|stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
            // The connection was reset.
            Ok(rustix::net::connect_unspec(stream)?)
        })
    });
}

#[test]
fn a_body_shorter_than_its_length_is_no_answer() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"success\":\"yes\",\"data\":{}}";
    is_no_answer(|| Reply::CutOff(answer.to_vec()));
}

/// `{}` as gzip (RFC 1952), in a stored block: a client that decompresses what it did not ask for
/// would see a success.
const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x01\x02\0\xfd\xff{}\x43\xbf\xa6\xa3\x02\0\0\0";

#[test]
fn an_answer_that_is_compressed_without_request_is_not_decompressed() {
    let end =
        proves_nothing(|| Reply::of(200, "content-encoding: gzip\r\n", "application/json", GZIP));
    assert_eq!(end.results().row(BAD_ROW)["status"], 200);
}

#[test]
fn a_login_page_for_one_row_is_no_success() {
    proves_nothing(|| {
        Reply::of(
            200,
            "",
            "text/html",
            b"<!doctype html><form action=\"/login\">",
        )
    });
}

#[test]
fn bytes_that_are_no_text_are_no_success() {
    proves_nothing(|| Reply::of(200, "", "application/json", b"{\"succ\xffess\":\"\xfe\"}"));
    let end = run(|| {
        Reply::of(
            422,
            "x-odd: \u{ff}\r\n",
            "application/json",
            b"{\"error\":\"a\xff\",\"message\":\"\xfe\"}",
        )
    });
    let results = end.counts([ROWS - 1, 0, 1, 0, 0]).results();
    let row = results.row(BAD_ROW);
    assert_eq!(
        (&row["outcome"], &row["status"]),
        (&json!("rejected"), &json!(422)),
        "{row}"
    );
    assert!(
        row.get("message").is_none() && row.get("error").is_none(),
        "{row}"
    );
}

#[test]
fn a_status_line_that_is_none_is_no_answer() {
    for answer in [
        &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"\0\0\0\0\0",
    ] {
        let answer = answer.to_vec();
        is_no_answer(move || Reply::CutOff(answer.clone()));
    }
}

#[test]
fn a_redirect_shows_the_other_port_nothing() {
    for status in [301, 302, 303, 307, 308] {
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        other.set_nonblocking(true).unwrap();
        let location = format!(
            "Location: http://{}/api/v1/customers/1\r\n",
            other.local_addr().unwrap()
        );
        let end = run(move || Reply::of(status, &location, "text/html", b"elsewhere")).counts([
            ROWS - 1,
            0,
            1,
            0,
            0,
        ]);
        assert_eq!(end.results().row(BAD_ROW)["status"], status);
        let connection = other.accept().map(|_| ()).map_err(|error| error.kind());
        assert_eq!(
            connection,
            Err(io::ErrorKind::WouldBlock),
            "no client has connected"
        );
    }
}

/// A scenario with a proxy that has a password, and an API that only the proxy could reach.
fn behind_a_proxy(proxy: &str) -> Scenario {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(2, 1, 7))
        .without_listener_at("https://api.example/api");
    scenario
        .variable("HTTPS_PROXY", proxy)
        .flags(["--max-wait", "1s"])
}

#[test]
fn a_proxy_of_the_environment_is_announced_without_its_password() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let scenario = behind_a_proxy(&format!("http://user:canary-pw@{address}"));
    let end = scenario.run(["-vv"]).exits(2).counts([0, 0, 0, 0, 2]);
    assert_eq!(
        end.stderr.matches("requests go through the proxy").count(),
        1,
        "{}",
        end.stderr
    );
    let end = end.says(&format!(
        "requests go through the proxy http://{address} of the environment"
    ));
    end.is_nowhere("canary-pw");
}

#[test]
fn a_proxy_of_another_kind_is_refused() {
    let scenario = behind_a_proxy("socks5://user:canary-pw@127.0.0.1:1080");
    scenario
        .run([])
        .exits(2)
        .says("socks5://127.0.0.1:1080")
        .is_nowhere("canary-pw");
}

#[test]
fn this_machine_is_never_reached_through_a_proxy() {
    let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    proxy.set_nonblocking(true).unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let mut scenario = Scenario::new()
        .csv(&Customers::in_turn(2, 1, 7))
        .server(|_| Reply::updated());
    for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        scenario = scenario.variable(variable, &url);
    }
    let end = scenario.run([]).exits(0).counts([2, 0, 0, 0, 0]);
    end.is_not_shown("proxy");
    assert_eq!(
        proxy.accept().map(|_| ()).map_err(|error| error.kind()),
        Err(io::ErrorKind::WouldBlock)
    );
}

#[test]
fn a_system_without_certificate_authorities_gets_those_of_the_program() {
    let nowhere = |scenario: Scenario| {
        scenario
            .variable("SSL_CERT_FILE", "/nowhere")
            .variable("SSL_CERT_DIR", "/nowhere")
            .flags(["--max-wait", "1s"])
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("https://{}/api", listener.local_addr().unwrap());
    drop(listener);
    let rows = Customers::in_turn(2, 1, 7);
    let end = nowhere(Scenario::new().csv(&rows).without_listener_at(&url))
        .run([])
        .exits(4)
        .counts([0, 0, 0, 0, 2]);
    assert_eq!(
        end.stderr
            .matches("this system has no certificate authorities")
            .count(),
        1,
        "{}",
        end.stderr
    );
    // Without TLS no certificates are needed.
    let end = nowhere(Scenario::new().csv(&rows).server(|_| Reply::updated()))
        .run([])
        .exits(0);
    end.is_not_shown("certificate");
}
