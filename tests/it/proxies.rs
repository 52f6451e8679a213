//! A proxy that refuses requests is named, without its password, and is never bypassed.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::harness::{
    Authority, Customers, End, ProxyReply, Reply, Scenario, ScriptedProxy, VALID,
};

const ROWS: u64 = 12;
/// A host that only a proxy can resolve.
const HOST: &str = "api.example";
const URL: &str = "https://api.example/api";
const PASSWORD: &str = "canary-password-77";

/// A run to that host through the proxy at this URL.
fn through(variable: &str, proxy: &str) -> Scenario {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(ROWS, 1, 7))
        .server(|_| Reply::updated());
    scenario.reached_at(URL).variable(variable, proxy)
}

/// Checks that the run ends at once and names the proxy, and that nothing reached the server.
fn stops(scenario: &Scenario, proxy: &str, words: [&str; 2]) {
    let end = scenario.run(["-v"]).exits(2).counts([0, 0, 0, 0, ROWS]);
    assert!(
        scenario.requests().is_empty(),
        "{} requests",
        scenario.requests().len()
    );
    let end = words
        .into_iter()
        .fold(end, End::says)
        .says(&format!("the proxy {proxy}"));
    end.is_nowhere(PASSWORD).is_not_shown("is down");
}

fn proxy_that_answers(bytes: &'static [u8]) -> ScriptedProxy {
    ScriptedProxy::start(move || ProxyReply::Answer(bytes))
}

/// An address without a listener.
fn nobody() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
}

#[test]
fn a_proxy_that_wants_a_password_ends_the_run() {
    let proxy = proxy_that_answers(
        b"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\n",
    );
    let (address, words) = (
        proxy.address(),
        ["requires a name and a password, or refuses", "HTTPS_PROXY"],
    );
    stops(
        &through("HTTPS_PROXY", &format!("http://{address}")),
        &format!("http://{address}"),
        words,
    );
    assert!(
        proxy
            .requests()
            .iter()
            .all(|head| head.starts_with("CONNECT api.example:443 ")),
        "{:?}",
        proxy.requests()
    );
    // The same for a wrong password.
    let named = format!("http://user:{PASSWORD}@{address}");
    stops(
        &through("https_proxy", &named),
        &format!("http://{address}"),
        [words[0], "https_proxy"],
    );
    assert!(proxy.requests().iter().any(|head| {
        head.to_ascii_lowercase()
            .contains("proxy-authorization: basic ")
    }));
}

#[test]
fn a_proxy_that_does_not_connect_ends_the_run() {
    for answer in [
        &b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"[..],
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
        b"HTTP/1.1 503 Service Unavailable\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"",
    ] {
        let proxy = proxy_that_answers(answer);
        let address = format!("http://{}", proxy.address());
        stops(
            &through("ALL_PROXY", &address),
            &address,
            ["does not connect to api.example", "NO_PROXY"],
        );
        assert!(!proxy.requests().is_empty());
    }
}

#[test]
fn a_proxy_that_is_down_ends_the_run() {
    for address in [
        format!("http://{}", nobody()),
        "http://proxy.invalid:3128".to_owned(),
    ] {
        let named = address.replace("http://", &format!("http://user:{PASSWORD}@"));
        stops(
            &through("HTTPS_PROXY", &named),
            &address,
            ["cannot be reached: is HTTPS_PROXY right", "NO_PROXY"],
        );
    }
}

#[test]
fn a_proxy_for_plain_http_that_is_down_ends_the_run() {
    let address = format!("http://{}", nobody());
    let scenario = through("HTTP_PROXY", &address)
        .reached_at("http://api.example/api")
        .flags(["--allow-http"]);
    stops(
        &scenario,
        &address,
        ["cannot be reached", "is HTTP_PROXY right"],
    );
}

#[test]
fn a_proxy_for_plain_http_that_wants_a_password_ends_the_run() {
    let proxy = proxy_that_answers(
        b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
    );
    let address = format!("http://{}", proxy.address());
    let scenario = through("HTTP_PROXY", &address)
        .reached_at("http://api.example/api")
        .flags(["--allow-http"]);
    stops(
        &scenario,
        &address,
        ["requires a name and a password", "407"],
    );
}

#[test]
fn a_proxy_that_does_not_speak_tls_as_its_url_says_ends_the_run() {
    let front = crate::harness::TlsFront::start(
        nobody(),
        crate::harness::Presents::Bytes(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n"),
    );
    let address = format!("https://{}", front.address());
    stops(
        &through("HTTPS_PROXY", &address),
        &address,
        [
            "does not speak TLS",
            "HTTPS_PROXY have to begin with http://",
        ],
    );
}

#[test]
fn a_value_that_is_no_proxy_ends_the_run_before_it_begins() {
    for value in [
        "ftp://127.0.0.1:1",
        "http://[::1",
        "http://",
        "http://127.0.0.1\u{1}:1",
        "socks5://127.0.0.1:1",
    ] {
        for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            let value = value.replace("://127", &format!("://user:{PASSWORD}@127"));
            let end = through(variable, &value)
                .run([])
                .exits(2)
                .says(&format!("error: {variable} "));
            end.is_nowhere(PASSWORD);
            assert!(
                end.files.is_empty(),
                "nothing was begun: {:?}",
                end.files.keys()
            );
        }
    }
}

#[test]
fn a_value_that_is_no_proxy_is_ignored_if_no_proxy_bypasses_it() {
    let scenario = through("HTTPS_PROXY", "ftp://proxy.example").variable("NO_PROXY", HOST);
    // There is no such host.
    scenario
        .run([])
        .exits(2)
        .says("there is no host of the name api.example (DNS)")
        .counts([0, 0, 0, 0, ROWS]);
}

#[test]
fn a_proxy_that_refuses_later_is_an_outage_with_that_cause() {
    const ROWS: u64 = 40;
    let authority = Authority::new();
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(ROWS, 1, 7))
        .server(|_| Reply::updated());
    scenario.write("ca.pem", authority.pem());
    let scenario = scenario
        .behind_tls(authority.certificate(HOST, VALID))
        .flags(["--ca-file", "ca.pem"]);
    let api = scenario.tls().address();
    let proxy = ScriptedProxy::start(move || ProxyReply::Tunnel(api));
    let address = format!("http://{}", proxy.address());
    let scenario = scenario.reached_at(URL).variable("HTTPS_PROXY", &address);
    let run = scenario.start(["--rate", "20/s", "--max-wait", "3s", "-v"]);
    let run = run.until("a few rows", |scenario| scenario.requests().len() >= 5);
    proxy.answer(b"HTTP/1.1 403 Forbidden\r\n\r\n");
    let down = format!("the proxy {address} does not connect to api.example");
    let end = run.end().exits(4).says(&down);
    assert!(
        end.summary()["stopped"]
            .as_str()
            .unwrap()
            .contains(&address),
        "{}",
        end.summary()
    );
}
