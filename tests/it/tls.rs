//! Each failure of TLS has a name, and ends the run if the API has never answered.

use serde_json::json;

use crate::harness::{
    Authority, Customers, EXPIRED, End, NOT_YET_VALID, Presents, Reply, Scenario, VALID,
    self_signed,
};

const ROWS: u64 = 12;
const HOST: &str = "127.0.0.1";
/// A TLS record (RFC 8446 §5.1) with the fatal alert `protocol_version`, as servers that only speak
/// TLS 1.1 answer.
const PROTOCOL_VERSION: &[u8] = &[21, 3, 1, 0, 2, 2, 70];
/// The same with the alert `handshake_failure`.
const HANDSHAKE_FAILURE: &[u8] = &[21, 3, 1, 0, 2, 2, 40];
/// The answer of nginx to a TLS client on its port for plain HTTP.
const PLAIN_HTTP: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nserver: nginx\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// A run to a server behind TLS that answers every update. The file `ca.pem` names the authority.
fn behind(authority: &Authority, presents: Presents) -> Scenario {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(ROWS, 1, 7))
        .server(|_| Reply::updated());
    scenario.write("ca.pem", authority.pem());
    scenario.behind_tls(presents)
}

/// Checks that the run ends at once with these words, and that nothing reached the server.
fn stops(presents: Presents, authority: &Authority, words: [&str; 2]) -> End {
    let scenario = behind(authority, presents);
    let end = scenario
        .run(["--ca-file", "ca.pem"])
        .exits(2)
        .counts([0, 0, 0, 0, ROWS]);
    assert!(
        scenario.requests().is_empty(),
        "{} requests",
        scenario.requests().len()
    );
    let end = words.into_iter().fold(end, End::says).says(HOST);
    end.is_not_shown("is down");
    end
}

#[test]
fn a_server_whose_authority_is_named_is_trusted() {
    let authority = Authority::new();
    let scenario = behind(&authority, authority.certificate(HOST, VALID));
    let end = scenario
        .run(["--ca-file", "ca.pem"])
        .exits(0)
        .counts([ROWS, 0, 0, 0, 0]);
    end.is_not_shown("certificate");
}

#[test]
fn http_2_is_agreed_on_while_tls_begins() {
    const ROWS: u64 = 50;
    let authority = Authority::new();
    let scenario = Scenario::new()
        .csv(&Customers::good(ROWS as usize, 7))
        .unlimited()
        .sandbox(|_| {});
    scenario.write("ca.pem", authority.pem());
    let scenario = scenario
        .behind_tls(authority.certificate(HOST, VALID))
        .flags(["--ca-file", "ca.pem"]);
    scenario
        .run(["--http2"])
        .exits(0)
        .counts([ROWS, 0, 0, 0, 0]);
    assert_eq!(scenario.counts().http2_requests, ROWS);
}

#[test]
fn a_certificate_of_an_unknown_authority_ends_the_run() {
    let words = ["is not trusted: an unknown authority", "--ca-file"];
    stops(
        Authority::new().certificate(HOST, VALID),
        &Authority::new(),
        words,
    );
    // A recreated authority may have the name of a trusted one.
    let (old, new) = (Authority::named("One"), Authority::named("One"));
    stops(new.certificate(HOST, VALID), &old, words);
}

#[test]
fn a_certificate_that_signed_itself_ends_the_run() {
    stops(
        self_signed(HOST),
        &Authority::new(),
        ["is not trusted", "it is self-signed"],
    );
}

#[test]
fn the_certificate_of_an_authority_ends_the_run_even_if_the_authority_is_trusted() {
    let authority = Authority::new();
    let words = [
        "an authority's own, which is never trusted as a server's",
        "--ca-file names the authority",
    ];
    stops(authority.own_certificate(), &authority, words);
}

#[test]
fn an_expired_certificate_ends_the_run() {
    let authority = Authority::new();
    stops(
        authority.certificate(HOST, EXPIRED),
        &authority,
        ["expired on 2001-01-01", "operator has to renew it"],
    );
}

#[test]
fn a_certificate_that_is_not_yet_valid_ends_the_run() {
    let authority = Authority::new();
    let words = [
        "is not valid yet",
        "is the clock of this machine right (it says 20",
    ];
    stops(
        authority.certificate(HOST, NOT_YET_VALID),
        &authority,
        words,
    );
}

#[test]
fn a_certificate_of_another_host_ends_the_run() {
    let authority = Authority::new();
    let words = ["is for another host", "--base-url has to name the host"];
    stops(
        authority.certificate("other.example", VALID),
        &authority,
        words,
    );
}

#[test]
fn an_old_version_of_tls_ends_the_run() {
    for alert in [PROTOCOL_VERSION, HANDSHAKE_FAILURE] {
        stops(
            Presents::Bytes(alert),
            &Authority::new(),
            [
                "does not speak TLS 1.2 or 1.3",
                "older versions are not used",
            ],
        );
    }
}

#[test]
fn plain_http_instead_of_tls_ends_the_run() {
    stops(
        Presents::Bytes(PLAIN_HTTP),
        &Authority::new(),
        ["does not speak TLS at that port", "--base-url"],
    );
}

#[test]
fn a_server_that_wants_a_certificate_of_the_client_ends_the_run() {
    let authority = Authority::new();
    stops(
        Presents::to_clients_of(&authority, HOST),
        &authority,
        ["requires a client certificate", "--base-url"],
    );
}

#[test]
fn tls_instead_of_plain_http_ends_the_run() {
    let body = b"<html><center>The plain HTTP request was sent to HTTPS port</center></html>";
    let scenario = Scenario::new().csv(&Customers::in_turn(ROWS, 1, 7));
    let scenario = scenario.server(|_| Reply::of(400, "", "text/html", body));
    scenario
        .run([])
        .exits(2)
        .says("is --base-url right?")
        .counts([0, 0, 0, 0, ROWS]);
}

#[test]
fn a_certificate_that_goes_bad_later_is_an_outage_with_that_cause() {
    const ROWS: u64 = 40;
    let (authority, other) = (Authority::new(), Authority::new());
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(ROWS, 1, 7))
        .server(|_| Reply::updated());
    scenario.write("ca.pem", authority.pem());
    let scenario = scenario
        .behind_tls(authority.certificate(HOST, VALID))
        .flags(["--ca-file", "ca.pem"]);
    let run = scenario.start(["--rate", "20/s", "--max-wait", "3s", "-v"]);
    let run = run.until("a few rows", |scenario| scenario.requests().len() >= 5);
    scenario.tls().present(other.certificate(HOST, VALID));
    let end = run
        .end()
        .exits(4)
        .says("certificate_not_trusted (the certificate of 127.0.0.1");
    assert!(
        end.stderr
            .contains("(certificate_not_trusted): the API is down"),
        "{}",
        end.stderr
    );
    let summary = end.summary();
    let stopped = summary["stopped"].as_str().unwrap();
    assert!(
        stopped.contains("the API has been down") && stopped.contains("certificate"),
        "{stopped}"
    );
    assert_eq!(
        (&summary["failed"], &summary["rejected"]),
        (&json!(0), &json!(0))
    );
    assert!(summary["unsent"].as_u64() > Some(0), "{summary}");
}

#[test]
fn rows_that_met_a_bad_certificate_are_sent_when_it_is_good_again() {
    const ROWS: u64 = 30;
    let authority = Authority::new();
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(ROWS, 1, 7))
        .server(|_| Reply::updated());
    scenario.write("ca.pem", authority.pem());
    let scenario = scenario
        .behind_tls(authority.certificate(HOST, VALID))
        .flags(["--ca-file", "ca.pem"]);
    let run = scenario.start(["--rate", "20/s", "-v"]);
    let run = run.until("a few rows", |scenario| scenario.requests().len() >= 5);
    scenario.tls().present(authority.certificate(HOST, EXPIRED));
    let before = scenario.tls().connections();
    let run = run.until("a few failures", |scenario| {
        scenario.tls().connections() >= before + 3
    });
    scenario.tls().present(authority.certificate(HOST, VALID));
    let end = run.end().exits(0).counts([ROWS, 0, 0, 0, 0]);
    let retries = &end.summary()["sending"]["retries"]["certificate_expired"];
    assert!(retries.as_u64() > Some(0), "{}", end.summary());
}

#[test]
fn the_token_endpoints_certificate_is_named_too() {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(ROWS, 1, 7))
        .sandbox(|_| {});
    let authority = Authority::new();
    let scenario = scenario.behind_tls(authority.certificate(HOST, EXPIRED));
    scenario.write("ca.pem", authority.pem());
    let endpoint = format!("https://{}/oauth/token", scenario.tls().address());
    let api = scenario.sandbox_thread().base_url();
    let scenario = scenario.reached_at(&api).with_login(&json!({
        "access_token": "canary-access", "refresh_token": "canary-refresh", "client_id": "sandbox",
        "expires_at": "2001-01-01T00:00:00Z", "token_url": endpoint,
    }));
    let end = scenario
        .run(["--ca-file", "ca.pem", "--max-wait", "1s"])
        .exits(4)
        .counts([0, 0, 0, 0, ROWS]);
    let end = end.says(
        "the token endpoint cannot be reached (certificate_expired): the certificate of 127.0.0.1",
    );
    end.is_nowhere("canary-");
}
