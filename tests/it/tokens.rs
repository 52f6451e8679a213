//! Tokens that expire during a run are refreshed before and after a refusal, by one process or two,
//! and none is lost.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Mutex;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Customers, End, Form, Reply, Request, Scenario};

/// A login at a sandbox whose tokens have this lifetime, and this many valid rows.
fn logged_in(rows: usize, lifetime: Duration) -> Scenario {
    let scenario = Scenario::new().csv(&Customers::good(rows, 7));
    scenario
        .sandbox(|options| options.token_lifetime = Some(lifetime))
        .logged_in()
}

/// A login at a scripted server: `endpoint` answers token requests, `api` all others.
fn scripted(
    login: &Value,
    endpoint: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    api: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> Scenario {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(50, 1, 7))
        .unlimited()
        .server(move |request| {
            if request.line.starts_with("POST /oauth/token ") {
                endpoint(request)
            } else {
                api(request)
            }
        });
    let mut login = login.clone();
    let url = scenario.url().expect("a scripted server has a URL");
    let origin = url.split("/api").next().expect("a text has a beginning");
    login["token_url"] = format!("{origin}/oauth/token").into();
    scenario.with_login(&login)
}

fn bearer(request: &Request) -> &str {
    request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default()
}

fn refreshes(end: &End) -> u64 {
    end.summary()["sending"]["token_renewals"]
        .as_u64()
        .expect("a number")
}

fn refresh_token(scenario: &Scenario) -> String {
    scenario.login()["refresh_token"]
        .as_str()
        .expect("a login has one")
        .to_owned()
}

#[test]
fn a_run_outlives_its_tokens() {
    const ROWS: usize = 10_000;
    let scenario = Scenario::new().csv(&Customers::good(ROWS, 7)).flags([
        "--sandbox",
        "--sandbox-token-lifetime",
        "500ms",
        "--sandbox-window",
        "none",
        "--sandbox-latency",
        "0ms..4ms",
        "--rate",
        "3000/s",
        "--attempts",
        "1",
    ]);
    let end = scenario
        .run(["--max-errors", "0"])
        .exits(0)
        .counts([ROWS as u64, 0, 0, 0, 0]);
    assert!(refreshes(&end) >= 4, "{} refreshes", refreshes(&end));
    end.says("the token was refreshed")
        .results()
        .settle_each_of(ROWS);
}

#[test]
fn a_login_is_refreshed_before_it_expires_and_refused_nowhere() {
    let scenario = logged_in(400, Duration::from_secs(1));
    let first = refresh_token(&scenario);
    let end = scenario
        .run(["--rate", "200/s"])
        .exits(0)
        .counts([400, 0, 0, 0, 0]);
    assert!(refreshes(&end) >= 1);
    let counts = scenario.counts();
    assert_eq!(counts.refreshes, refreshes(&end));
    assert_ne!(refresh_token(&scenario), first);
    for secret in [first, refresh_token(&scenario)] {
        end.is_nowhere(&secret);
    }
    let mode = fs::metadata(scenario.path("token"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_login_that_has_expired_is_refreshed_before_anything_is_sent() {
    let scenario = logged_in(20, Duration::from_hours(1));
    let mut login = scenario.login();
    login["access_token"] = "expired".into();
    login["expires_at"] = 1_700_000_000.into();
    let scenario = scenario.with_login(&login);
    scenario.run([]).exits(0).counts([20, 0, 0, 0, 0]);
    assert_eq!(scenario.counts().by_status.get(&401), None);
}

#[test]
fn a_refused_token_is_refreshed_once_for_all_rows_and_costs_no_attempt() {
    let scenario = logged_in(200, Duration::from_hours(1));
    let mut login = scenario.login();
    login["access_token"] = "revoked".into();
    let scenario = scenario.with_login(&login);
    let end = scenario
        .run(["--attempts", "1"])
        .exits(0)
        .counts([200, 0, 0, 0, 0]);
    assert_eq!((refreshes(&end), scenario.counts().refreshes), (1, 1));
}

#[test]
fn two_processes_share_a_login_and_spend_no_refresh_token_twice() {
    const EXPIRIES: u64 = 100;
    let scenario = logged_in(20_000, Duration::from_millis(150));
    let url = format!("--base-url={}", scenario.url().unwrap());
    let start = |run_dir: &'static str, rows: &'static str| {
        let command = [
            "run",
            "customers.csv",
            "--null-string=NULL",
            "--output-format=json",
            &url,
            "--token-file=token",
        ];
        scenario.start_words(command.into_iter().chain([
            "--rate=50/s",
            "--run-dir",
            run_dir,
            "--max-rows",
            rows,
        ]))
    };
    let (first, second) = (start("run", "20000"), start("other", "20000"));
    let enough = |scenario: &Scenario| scenario.counts().refreshes >= EXPIRIES;
    let first = first
        .until("the tokens' expiries", enough)
        .signal(Signal::INT);
    let second = second.signal(Signal::INT);
    for end in [first.end(), second.end()] {
        let summary: Value = serde_json::from_str(&end.stdout).expect("the summary is JSON");
        assert_eq!(
            (&summary["exit_code"], &summary["failed"]),
            (&130.into(), &0.into()),
            "{}",
            end.stderr
        );
        assert!(
            summary["sending"]["token_renewals"].as_u64() >= Some(EXPIRIES / 2),
            "{summary}"
        );
    }
    let counts = scenario.counts();
    assert!(counts.refreshes >= EXPIRIES);
    assert_eq!(counts.spent_refresh_tokens, 0);
    start("third", "20").end().exits(0);
}

#[test]
fn a_kill_after_the_token_endpoint_has_answered_loses_no_login() {
    for _ in 0..5 {
        let scenario = logged_in(2_000, Duration::from_millis(300));
        let before = refresh_token(&scenario);
        let has_new_tokens = |scenario: &Scenario| {
            // Beside the token file, over the note, or already in its place.
            let unfinished = scenario.read("token.unfinished").unwrap_or_default();
            let unfinished: Option<Value> = serde_json::from_slice(&unfinished).ok();
            unfinished.is_some_and(|login| login["refresh_token"].is_string())
                || refresh_token(scenario) != before
        };
        let killed = scenario
            .start(["--rate", "100/s"])
            .until("new tokens", has_new_tokens)
            .signal(Signal::KILL);
        killed.end().exits(137);
        scenario
            .run(["--rate", "unlimited"])
            .exits(0)
            .counts([2_000, 0, 0, 0, 0]);
        assert_eq!(scenario.counts().spent_refresh_tokens, 0);
    }
}

#[test]
fn a_new_token_is_on_the_disk_before_it_is_used() {
    let login = json!({"access_token": "old", "refresh_token": "r1", "client_id": "me", "client_secret": "s"});
    let (seen, file) = (
        std::sync::Arc::new(Mutex::new(Vec::new())),
        std::sync::Arc::new(Mutex::new(None)),
    );
    let (seen_by_api, file_of_api) = (seen.clone(), file.clone());
    let scenario = scripted(
        &login,
        |_| {
            Reply::json(
                200,
                &json!({"access_token": "new", "refresh_token": "r2", "expires_in": 3600}),
            )
        },
        move |request| {
            if bearer(request) != "new" {
                return Reply::error(401, "unauthorized");
            }
            let path: Option<std::path::PathBuf> = file_of_api.lock().unwrap().clone();
            let on_disk: Value = serde_json::from_slice(&fs::read(path.unwrap()).unwrap()).unwrap();
            seen_by_api
                .lock()
                .unwrap()
                .push(on_disk["refresh_token"].clone());
            Reply::updated()
        },
    );
    *file.lock().unwrap() = Some(scenario.path("token"));
    let end = scenario.run([]).exits(0).counts([50, 0, 0, 0, 0]);
    assert_eq!(*seen.lock().unwrap(), vec![Value::from("r2"); 50]);
    assert_eq!(
        (refreshes(&end), scenario.login()["client_secret"].as_str()),
        (1, Some("s"))
    );
}

#[test]
fn a_refresh_that_is_refused_stops_the_run_and_says_to_log_in_again() {
    let login = json!({"access_token": "old", "refresh_token": "canary-r1"});
    let scenario = scripted(
        &login,
        |_| Reply::error(400, "invalid_grant"),
        |_| Reply::error(401, "unauthorized"),
    );
    let end = scenario
        .run([])
        .exits(3)
        .says("log in again")
        .says("400 (invalid_grant)")
        .counts([0, 0, 0, 0, 50]);
    end.is_nowhere("canary-r1");
    let asked = scenario
        .requests()
        .iter()
        .filter(|request| request.line.starts_with("POST"))
        .count();
    assert_eq!(asked, 1);
    assert_eq!(refresh_token(&scenario), "canary-r1");
}

#[test]
fn a_token_endpoint_that_is_down_is_waited_for_and_fails_no_row() {
    let login = json!({"access_token": "old", "refresh_token": "r1"});
    let asked = Mutex::new(0);
    let endpoint = move |_: &Request| {
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        match *asked {
            1 => Reply::error(503, "service_unavailable"),
            2 => Reply::CutOff(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"acc".to_vec()),
            _ => Reply::json(200, &json!({"access_token": "new", "refresh_token": "r2"})),
        }
    };
    let api = |request: &Request| {
        if bearer(request) == "new" {
            Reply::updated()
        } else {
            Reply::error(401, "unauthorized")
        }
    };
    let end = scripted(&login, endpoint, api)
        .run(["--attempts", "1"])
        .exits(0)
        .counts([50, 0, 0, 0, 0]);
    assert_eq!(refreshes(&end.says("cannot be refreshed now")), 1);
    let down = scripted(&login, |_| Reply::error(503, "service_unavailable"), api);
    down.run(["--max-wait", "1s"])
        .exits(4)
        .says("--max-wait")
        .counts([0, 0, 0, 0, 50]);
}

#[test]
fn a_redirect_takes_no_refresh_token_elsewhere() {
    let elsewhere =
        Scenario::new().server(|_| Reply::json(200, &json!({"access_token": "stolen"})));
    let location = format!("location: {}/oauth/token\r\n", elsewhere.url().unwrap());
    let login = json!({"access_token": "old", "refresh_token": "r1"});
    let endpoint = move |_: &Request| Reply::of(307, &location, "text/plain", b"");
    let scenario = scripted(&login, endpoint, |_| Reply::error(401, "unauthorized"));
    scenario
        .run(["--max-wait", "0s"])
        .exits(4)
        .says("307")
        .counts([0, 0, 0, 0, 50]);
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn a_token_file_that_was_changed_is_read_without_a_refusal() {
    let scenario = Scenario::new()
        .csv(&Customers::good(2_000, 7))
        .flags(["--rate", "100/s"])
        .sandbox(|_| {});
    let scenario = scenario.token_in_file();
    let other = scenario.sandbox_thread().log_in().access_token;
    let running = scenario
        .start([])
        .until("requests", |scenario| scenario.counts().applied > 10);
    scenario.write("token", &other[..other.len() / 2]);
    scenario.write("token", format!("{other}\n"));
    let running = running
        .until("enough rows", |scenario| scenario.counts().applied > 250)
        .signal(Signal::INT);
    let end = running.end().exits(130);
    assert_eq!(refreshes(&end), 1);
    end.says("the token was read again").is_nowhere(&other);
    assert_eq!(scenario.counts().by_status.get(&401), None);
}

#[test]
fn a_login_that_others_can_read_or_that_cannot_be_refreshed_safely_is_refused_before_anything_is_sent()
 {
    let login = json!({"access_token": "canary-a", "refresh_token": "canary-r", "token_url": "http://a.example/token"});
    let scenario = Scenario::new()
        .rows(Form::Csv, &Customers::in_turn(5, 1, 7))
        .server(|_| Reply::updated());
    let scenario = scenario.with_login(&login);
    let check = |mode: u32, flags: [&str; 1], says: &str| {
        fs::set_permissions(scenario.path("token"), fs::Permissions::from_mode(mode)).unwrap();
        let end = scenario.run(flags).exits(2).says(says);
        end.is_nowhere("canary");
    };
    check(0o640, ["--quiet"], "chmod 600");
    check(0o604, ["--quiet"], "chmod 600");
    check(0o600, ["--quiet"], "token_url is plain http to a.example");
    check(
        0o600,
        ["--client-secret-file=missing"],
        "--client-secret-file missing cannot be read",
    );
    assert!(scenario.requests().is_empty());
}
