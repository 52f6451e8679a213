//! Valid and invalid tokens, and token files that are late, shared with others, or not writable.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Customers, Reply, Request, Scenario};

/// The file of stderr, for tests that read it while the program runs.
const SAID: &str = "said";
/// The time for which a token file is read again.
const FILE_WAIT: Duration = Duration::from_secs(5);

fn bearer(request: &Request) -> &str {
    request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default()
}

/// Whether stderr contains this text.
fn has_said(scenario: &Scenario, text: &str) -> bool {
    String::from_utf8_lossy(&scenario.read(SAID).unwrap_or_default()).contains(text)
}

/// Ten rows for an API that accepts the token `good`; `refused` is called for each other one.
/// Stderr goes to a file.
fn late(refused: impl Fn() + Send + Sync + 'static) -> Scenario {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(10, 1, 7))
        .server(move |request| {
            if bearer(request) == "good" {
                return Reply::updated();
            }
            refused();
            Reply::error(401, "unauthorized")
        });
    scenario
        .token_in_file()
        .through(&format!("exec 2>{SAID}; exec"))
        .flags(["--max-in-flight", "1"])
}

/// The same, with the token `old` in a file that is emptied when the API refuses it.
fn emptied() -> Scenario {
    let file: Arc<OnceLock<PathBuf>> = Arc::default();
    let path = file.clone();
    let scenario = late(move || fs::write(path.get().expect("it is known"), "").unwrap());
    scenario.write("token", "old");
    file.set(scenario.path("token")).unwrap();
    scenario
}

#[test]
fn a_text_that_cannot_be_a_token_is_refused_from_every_source() {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(1, 1, 7))
        .server(|_| Reply::updated());
    let url = scenario.url().unwrap();
    let run = |before: &str, flags: &str| {
        scenario.shell(&format!(
            "{before} custsync run customers.csv --base-url {url} {flags}"
        ))
    };
    let read = || run("", "--token-file refused");
    let long = "x".repeat(16_385);
    for (token, why) in [
        (
            r#"{"access_token":"canary","refresh_token":"canary"}"#,
            "it begins like JSON",
        ),
        ("[canary]", "it begins like JSON"),
        (r#""canary""#, "it begins with a quote"),
        ("Bearer canary", "leave out `Authorization:` and `Bearer`"),
        ("two canaries", "one word of visible ASCII"),
        (&long, "longer than 16 KiB"),
    ] {
        let end = run(&format!("CUSTSYNC_TOKEN='{token}'"), "").exits(2);
        let end = end.says("CUSTSYNC_TOKEN: not a token: ").says(why);
        end.is_nowhere("canar");
        // A file may hold the JSON of a login.
        if !token.starts_with('{') {
            scenario.write_private("refused", token);
            let end = read()
                .exits(2)
                .says("the token file refused holds no token: ")
                .says(why);
            end.is_nowhere("canar");
        }
    }
    scenario.write_private("refused", format!("canary{}", "\n".repeat(64 << 10)));
    read()
        .exits(2)
        .says("longer than 64 KiB")
        .is_nowhere("canary");
    scenario.write_private("refused", "{\n  \"access_token\": \"canary");
    read()
        .exits(2)
        .says("line 2, column 25")
        .says("ends in the middle of its JSON: waiting")
        .is_nowhere("canary");
    assert!(scenario.requests().is_empty());
}

#[test]
fn an_invalid_token_from_the_endpoint_is_reported_by_its_rule_and_never_quoted() {
    let login = json!({"access_token": "old", "refresh_token": "r1"});
    let answer = json!({"access_token": "{\"canary\":1}", "refresh_token": "canary"});
    let scenario = with_old_login(&login, move |_| Reply::json(200, &answer));
    let end = scenario.run(["--max-wait", "0s"]).exits(4);
    end.says("200 with a token that cannot be sent: it begins like JSON")
        .is_nowhere("canary");
}

#[test]
fn a_token_file_that_is_a_moment_late_is_waited_for_at_the_start() {
    for is_there in [false, true] {
        let scenario = late(|| ());
        fs::remove_file(scenario.path("token")).unwrap();
        if is_there {
            scenario.write("token", "\n");
        }
        let lacks = if is_there { "empty" } else { "not there" };
        let waiting =
            format!("WARN the token file token is {lacks}: waiting for it, for up to 5 s");
        let running = scenario
            .start([])
            .until("that it waits", |scenario| has_said(scenario, &waiting));
        scenario.write("token", "good\n");
        running.end().exits(0).counts([10, 0, 0, 0, 0]);
        assert_eq!(
            scenario.requests().len(),
            10,
            "none was sent without the token"
        );
    }
}

#[test]
fn a_missing_token_file_is_waited_for_at_most_five_seconds() {
    let scenario = late(|| ());
    fs::remove_file(scenario.path("token")).unwrap();
    let began = Instant::now();
    scenario.run([]).exits(2);
    assert!(has_said(
        &scenario,
        "error: the token file token cannot be read: No such file"
    ));
    assert!(
        (FILE_WAIT..3 * FILE_WAIT).contains(&began.elapsed()),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_token_file_that_is_empty_while_it_is_written_is_read_again_in_the_middle_of_a_run() {
    let scenario = emptied();
    let waiting = "INFO the token file token is empty: it is read again for up to 5 s";
    let running = scenario
        .start([])
        .until("that it waits", |scenario| has_said(scenario, waiting));
    scenario.write("token", "good");
    running.end().exits(0).counts([10, 0, 0, 0, 0]);
    assert!(has_said(&scenario, "the token was read again"));
}

#[test]
fn a_signal_ends_the_wait_for_a_token_file() {
    let scenario = emptied();
    let waiting = "it is read again for up to 5 s";
    let running = scenario
        .start([])
        .until("that it waits", |scenario| has_said(scenario, waiting));
    let began = Instant::now();
    running
        .signal(Signal::INT)
        .end()
        .exits(130)
        .counts([0, 0, 0, 0, 10]);
    assert!(began.elapsed() < FILE_WAIT / 2, "{:?}", began.elapsed());
}

#[test]
fn a_token_file_that_stays_empty_ends_a_run_whose_token_is_refused() {
    let scenario = emptied();
    let began = Instant::now();
    scenario.run([]).exits(3).counts([0, 0, 0, 0, 10]);
    assert!(
        (FILE_WAIT..3 * FILE_WAIT).contains(&began.elapsed()),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(
        scenario.requests().len(),
        2,
        "the token that it had is sent once more"
    );
}

#[test]
fn a_token_that_stays_as_it_is_is_sent_once_more_after_a_refusal() {
    let scenario = |refusals: usize| {
        let scenario = Scenario::new()
            .csv(&Customers::in_turn(5, 1, 7))
            .flags(["--max-in-flight", "1"]);
        scenario.server(move |request| {
            if request.number <= refusals {
                Reply::error(401, "unauthorized")
            } else {
                Reply::updated()
            }
        })
    };
    let once = scenario(1);
    once.run(["--attempts", "1"])
        .exits(0)
        .counts([5, 0, 0, 0, 0]);
    assert_eq!(once.requests().len(), 6);
    let twice = scenario(2);
    twice
        .run([])
        .exits(3)
        .says("refuses the token (401)")
        .counts([0, 0, 0, 0, 5]);
    assert_eq!(twice.requests().len(), 2);
}

/// Fifty rows and a login at a scripted server, whose API accepts each token except `old`.
fn with_old_login(
    login: &Value,
    endpoint: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> Scenario {
    let scenario =
        Scenario::new()
            .csv(&Customers::in_turn(50, 1, 7))
            .server(move |request| {
                match (
                    request.line.starts_with("POST /oauth/token "),
                    bearer(request),
                ) {
                    (true, _) => endpoint(request),
                    (false, "old") => Reply::error(401, "unauthorized"),
                    (false, _) => Reply::updated(),
                }
            });
    let mut login = login.clone();
    let url = scenario.url().expect("a scripted server has a URL");
    login["token_url"] = url.replace("/api", "/oauth/token").into();
    scenario.with_login(&login)
}

fn asked(scenario: &Scenario) -> usize {
    scenario
        .requests()
        .iter()
        .filter(|request| request.line.starts_with("POST"))
        .count()
}

/// A token endpoint that changes the file beside the token file before it answers with the next
/// tokens.
fn meddling(lifetime: f64, meddle: fn(&Path, usize)) -> Scenario {
    let file: Arc<OnceLock<PathBuf>> = Arc::default();
    let (unfinished, count) = (file.clone(), Mutex::new(0));
    let scenario = with_old_login(
        &json!({"access_token": "old", "refresh_token": "r1"}),
        move |_| {
            let mut count = count.lock().unwrap();
            *count += 1;
            meddle(unfinished.get().expect("it is known"), *count);
            let (access_token, refresh_token) =
                (format!("new{}", *count + 1), format!("r{}", *count + 1));
            Reply::json(
                200,
                &json!({"access_token": access_token, "refresh_token": refresh_token, "expires_in": lifetime}),
            )
        },
    );
    file.set(scenario.path("token.unfinished")).unwrap();
    scenario
}

#[test]
fn a_login_that_cannot_be_written_at_once_is_used_and_written_later() {
    const USED: &str =
        "cannot be written: No such file or directory; the new token is used all the same";
    // The next refresh writes it.
    let scenario = meddling(0.4, |unfinished, count| {
        if count == 1 {
            fs::remove_file(unfinished).unwrap();
        }
    });
    let end = scenario
        .run(["--rate", "50/s"])
        .exits(0)
        .counts([50, 0, 0, 0, 0])
        .says(USED);
    let last = asked(&scenario) + 1;
    assert!(last >= 3, "{last}");
    assert_eq!(scenario.login()["refresh_token"], format!("r{last}"));
    end.is_nowhere("new2");
    // The end of the run writes it.
    let scenario = meddling(3600.0, |unfinished, _| fs::remove_file(unfinished).unwrap());
    scenario
        .run([])
        .exits(0)
        .counts([50, 0, 0, 0, 0])
        .says(USED);
    assert_eq!(
        (scenario.login()["refresh_token"].as_str(), asked(&scenario)),
        (Some("r2"), 1)
    );
}

#[test]
fn a_login_that_cannot_be_written_lasts_for_the_run_and_its_loss_is_reported() {
    let scenario = meddling(0.4, |unfinished, count| {
        if count == 1 {
            fs::remove_file(unfinished).unwrap();
            fs::create_dir(unfinished).unwrap();
        }
    });
    let end = scenario
        .run(["--rate", "50/s"])
        .exits(0)
        .counts([50, 0, 0, 0, 0]);
    end.says("could not be written there: log in again before the next run");
    assert!(asked(&scenario) >= 2, "it is refreshed in the process");
    assert_eq!(scenario.login()["refresh_token"], "r1", "the file is whole");
}

#[test]
fn no_refresh_token_is_spent_before_there_is_room_for_the_next_one() {
    let login = json!({"access_token": "old", "refresh_token": "r1"});
    let scenario = with_old_login(&login, |_| {
        Reply::json(200, &json!({"access_token": "new", "refresh_token": "r2"}))
    });
    let scenario = scenario.through(&format!("exec 2>{SAID}; exec"));
    fs::create_dir(scenario.path("token.unfinished")).unwrap();
    let cannot =
        "the token cannot be refreshed now: the token file token cannot be written: Is a directory";
    let running = scenario
        .start([])
        .until("that it cannot be written", |scenario| {
            has_said(scenario, cannot)
        });
    assert_eq!(
        (asked(&scenario), &scenario.login()["refresh_token"]),
        (0, &json!("r1"))
    );
    fs::remove_dir(scenario.path("token.unfinished")).unwrap();
    running.end().exits(0).counts([50, 0, 0, 0, 0]);
    assert_eq!(
        (asked(&scenario), &scenario.login()["refresh_token"]),
        (1, &json!("r2"))
    );
}

#[test]
fn a_broken_connection_that_spent_the_refresh_token_is_reported() {
    let login = json!({"access_token": "old", "refresh_token": "r1"});
    let cut = Mutex::new(false);
    let scenario = with_old_login(&login, move |_| {
        let mut cut = cut.lock().unwrap();
        if std::mem::replace(&mut *cut, true) {
            Reply::error(400, "invalid_grant")
        } else {
            Reply::cut_off()
        }
    });
    let end = scenario
        .run([])
        .exits(3)
        .says("the token cannot be refreshed now: ")
        .counts([0, 0, 0, 0, 50]);
    end.says("400 (invalid_grant): a refresh that began at ")
        .says("the server may have spent the refresh token then");
    // Without such a past, the refusal has another cause, and no guess is added.
    let scenario = with_old_login(&login, |_| Reply::error(400, "invalid_grant"));
    scenario
        .run([])
        .exits(3)
        .says("400 (invalid_grant)\n")
        .is_not_shown("may have spent");
    assert!(
        scenario.read("token.unfinished").is_none(),
        "no note is left"
    );
}

#[test]
fn no_refresh_is_begun_once_a_signal_has_come() {
    let login = json!({"access_token": "old", "refresh_token": "r1"});
    let scenario = with_old_login(&login, |_| {
        Reply::json(200, &json!({"access_token": "new", "refresh_token": "r2"}))
    });
    let lock = fs::File::create(scenario.path("token.lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    // An attempt to take the lock first sets the file's permissions.
    let tried_at = |scenario: &Scenario| {
        let lock = fs::metadata(scenario.path("token.lock")).unwrap();
        (lock.ctime(), lock.ctime_nsec())
    };
    let running = scenario
        .start([])
        .until("a refusal", |scenario| !scenario.requests().is_empty());
    let before = tried_at(&scenario);
    let running = running.until("that it waits for the lock", |scenario| {
        tried_at(scenario) != before
    });
    let began = Instant::now();
    let end = running.signal(Signal::TERM).end().exits(143);
    assert!(
        began.elapsed() < FILE_WAIT,
        "{:?}: {}",
        began.elapsed(),
        end.stderr
    );
    end.says("terminated").is_not_shown("locked");
    assert_eq!(
        (asked(&scenario), &scenario.login()["refresh_token"]),
        (0, &json!("r1"))
    );
}
