//! Secrets and customers' values are planted wherever they can come from, every way to fail is walked, and all that the
//! program leaves behind is searched for them. And nothing that others write reaches a terminal raw.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::harness::{Customers, End, Reply, Scenario};

/// A customer's phone number in the input.
const PHONE: &str = "+15550142077";
/// The same in an invalid row: its number is too long.
const PHONE_TOO_LONG: &str = "+15550142078-15550142078";
/// A phone number in the server's words.
const SERVER_PHONE: &str = "+15550142079";
/// One in the settings.
const CONFIG_PHONE: &str = "+15550142080";
/// How the token of scripted servers and the phone numbers begin.
const PHONES: &str = "1555014";

/// What it is, and how it is made.
type BadAnswer = (&'static str, fn() -> Reply);

/// All that the table of verdicts knows.
fn bad_answers() -> Vec<BadAnswer> {
    fn error(status: u16, headers: &str) -> Reply {
        let message = format!("{SERVER_PHONE} is not a phone number of {PHONE}.");
        let body = json!({"error": "bad_phone", "message": message, "errors": {"phone_number": [message]}});
        Reply::of(status, headers, "application/json", body.to_string().as_bytes())
    }
    fn page(status: u16) -> Reply {
        Reply::of(status, "", "text/html", format!("<html>{SERVER_PHONE} {PHONE}</html>").as_bytes())
    }
    vec![
        ("200 with an error", || error(200, "")),
        ("200 with a page", || page(200)),
        ("202", || error(202, "")),
        ("301", || error(301, "Location: http://127.0.0.1:9/v1/customers/1\r\n")),
        ("400", || error(400, "")),
        ("401", || error(401, "")),
        ("402", || error(402, "")),
        ("403", || error(403, "")),
        ("404", || error(404, "")),
        ("405", || error(405, "")),
        ("408", || error(408, "")),
        ("409", || error(409, "")),
        ("422", || error(422, "")),
        ("429", || error(429, "Retry-After: 3600\r\n")),
        ("500", || page(500)),
        ("502", || page(502)),
        ("503", || error(503, "")),
        ("503 with a wait", || error(503, "Retry-After: 3600\r\n")),
        ("529", || error(529, "Retry-After: 3600\r\n")),
        ("no answer", Reply::nothing),
        ("half an answer", Reply::cut_off),
    ]
}

fn scenario(answer: impl Fn() -> Reply + Send + Sync + 'static) -> Scenario {
    let valid: Vec<_> = (1..=25).map(|id| format!("{id},{PHONE}")).collect();
    let file = format!("id,phone_number\n{}\n26,{PHONE_TOO_LONG}\n", valid.join("\n"));
    let scenario = Scenario::new().file("customers.csv", file).unlimited().server(move |_| answer());
    scenario.write("custsync.toml", format!("null-string = ['{CONFIG_PHONE}']"));
    let flags = ["-vv", "--attempts", "1", "--max-wait", "1s", "--timeout", "5s", "--max-in-flight", "25"];
    scenario.variable("RUST_LOG", "trace").flags(flags)
}

/// What a login holds beside the access token.
const LOGIN_SECRETS: [&str; 2] = ["canary-refresh-token-83b1", "canary-client-secret-0f6e"];

/// The same with a login, whose token endpoint answers as badly as the API does.
fn with_login(answer: fn() -> Reply) -> Scenario {
    let scenario = scenario(answer);
    let [refresh_token, client_secret] = LOGIN_SECRETS;
    let login = json!({
        "access_token": scenario.secret(),
        "refresh_token": refresh_token,
        "client_id": "me",
        "client_secret": client_secret,
        "token_url": scenario.url(),
    });
    scenario.write("login.json", login.to_string());
    fs::set_permissions(scenario.path("login.json"), Permissions::from_mode(0o600)).unwrap();
    scenario.flags(["--token-file", "login.json"])
}

/// The token is looked for in every output and file by every scenario.
fn holds_no_canary(name: &str, end: &End) {
    end.is_not_shown(PHONES);
    for (file, content) in &end.files {
        let text = String::from_utf8_lossy(content);
        let allowed: &[&str] = match file.as_str() {
            "failed.csv" => &[PHONE, PHONE_TOO_LONG, SERVER_PHONE],
            // The server's own words, which here name the customer's number too.
            "results.ndjson" => &["+15550142079 is not a phone number of +15550142077."],
            _ => &[],
        };
        let left = allowed.iter().fold(text.into_owned(), |text, allowed| text.replace(allowed, ""));
        assert!(!left.contains(PHONES), "{name}: {file}: {left}");
    }
}

#[test]
fn no_failure_shows_the_token_or_a_customer() {
    let walked: Vec<_> = bad_answers()
        .into_iter()
        .map(|(name, answer)| {
            thread::spawn(move || {
                let in_file = scenario(answer).token_in_file().flags(["--log-format", "json"]);
                for scenario in [scenario(answer), in_file, with_login(answer)] {
                    let end = scenario.run([]).exits_with_one_of(&[1, 2, 3, 4]);
                    holds_no_canary(name, &end);
                    for secret in LOGIN_SECRETS {
                        end.is_nowhere(secret);
                    }
                    assert!(!scenario.requests().is_empty(), "{name}: the server was asked");
                }
            })
        })
        .collect();
    for walk in walked {
        walk.join().unwrap();
    }
}

#[test]
fn a_check_and_the_settings_show_no_customer_and_no_token() {
    let scenario = scenario(Reply::updated);
    holds_no_canary("check", &scenario.check([]).exits(1));
    // The settings are the user's own, and are shown to nobody else; the token is not among them.
    scenario.custsync(["config"]).exits(0).prints("***");
    scenario.custsync(["config", "--output-format", "json"]).exits(0).prints("***");
}

#[test]
fn the_system_is_told_no_secret_and_dumps_no_core() {
    // Nothing is answered for as long as the process is looked at.
    let hang = || {
        Reply::raw(|stream| {
            let patience = Some(Duration::from_secs(30));
            stream.set_read_timeout(patience)?;
            std::io::Read::read(stream, &mut [0]).map(|_| ())
        })
    };
    let scenario = scenario(hang).token_in_file();
    let running = scenario.start([]).until("a request", |scenario| !scenario.requests().is_empty());
    let arguments = String::from_utf8_lossy(&running.proc_file("cmdline")).into_owned();
    assert!(arguments.contains("--token-file") && !arguments.contains(&scenario.secret().unwrap()), "{arguments}");
    assert!(!arguments.contains(PHONES), "{arguments}");
    let limits = String::from_utf8(running.proc_file("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
    running.signal(Signal::INT).until("its answer", |_| true).signal(Signal::INT).end().exits_with_one_of(&[130]);
}

/// What a file or a column may be called by somebody who means harm: colours, a title, C1, and text that runs backwards.
const EVIL: &str = "a\u{1b}[31m\u{1b}]0;b\u{7}\u{9b}2J\u{202e}c\u{2066}d\u{85}\u{2028}";

#[test]
fn names_of_others_do_not_reach_the_terminal_raw() {
    let is_shown_safely = |end: &End| {
        for (name, shown) in [("stdout", &end.stdout), ("stderr", &end.stderr)] {
            let is_raw = |c: char| {
                (c.is_control() && c != '\n') || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            };
            assert!(!shown.contains(is_raw), "{name}: {shown:?}");
        }
    };
    let row = "id,job\n1,x\n0,y\n";
    let csv = format!("{EVIL}.csv");
    // Each of these names the name in an error, or in the summary.
    for (scenario, code) in [
        (Scenario::new().input(&csv), 2),
        (Scenario::new().file(&csv, row), 4),
        (Scenario::new().file(&csv, "id,job\n1,\"x\n"), 2),
        (Scenario::new().file(&csv, format!("id,{EVIL}\n1,x\n")), 2),
        (Scenario::new().file("a.csv", format!("id,job,{EVIL},{EVIL}\n1,x,y,z\n")), 2),
        (Scenario::new().file("a.ndjson", json!({"id": 1, "job": "x", EVIL: 1}).to_string()), 4),
        (Scenario::new().file("a.csv", row).flags(["--config", EVIL]), 2),
        (Scenario::new().file("a.csv", row).flags(["--map", EVIL]), 2),
        (Scenario::new().file("a.csv", row).flags(["--ignore", EVIL]), 2),
        (Scenario::new().file("a.csv", row).flags(["--rate", EVIL]), 2),
        (Scenario::new().file("a.csv", row).flags([&format!("--{EVIL}")]), 2),
        (Scenario::new().file("a.csv", row).variable("CUSTSYNC_TIMEOUT", EVIL), 2),
        (Scenario::new().file("a.csv", row).variable(&format!("CUSTSYNC_{EVIL}"), "1"), 2),
    ] {
        for format in ["text", "json"] {
            let end = scenario.check(["--max-errors", "0", "--output-format", format]).exits(code);
            assert!(!(end.stdout.clone() + &end.stderr).is_empty());
            is_shown_safely(&end);
        }
    }
    // What stands in a row is shown where a person asks for it, and no more raw than a name.
    for (name, file) in [
        ("a.csv", format!("id,job,{EVIL}\n1,{EVIL},x\n")),
        ("a.ndjson", json!({"id": 1, "job": EVIL, EVIL: EVIL}).to_string()),
    ] {
        let end = Scenario::new().file(name, file).flags(["--ignore", EVIL]).check(["--explain", "1"]).exits(0);
        assert!(end.stdout.contains("\\u{202e}c"), "{}", end.stdout);
        is_shown_safely(&end);
    }
    let rows = Customers::in_turn(3, 1, 7);
    for flags in [["--token-file", EVIL], ["--ca-file", EVIL], ["--base-url", EVIL]] {
        is_shown_safely(&Scenario::new().csv(&rows).flags(flags).variable("CUSTSYNC_TIMEOUT", "1s").run([]).exits(2));
    }
    let words = || {
        let body = json!({"error": EVIL, "message": EVIL, "errors": {EVIL: [EVIL]}});
        Reply::json(422, &body)
    };
    let end = Scenario::new().csv(&rows).server(move |_| words()).run(["--max-errors", "none", "-vv"]).exits(1);
    is_shown_safely(&end);
    assert!(end.stdout.contains("422 http_422 3 rows"), "what is no code is not shown: {}", end.stdout);
}
