//! The effect of each answer of the API on its row and on the run, over a real socket.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, Once};
use std::thread;
use std::time::{Duration, Instant};

use custsync::testing::sandbox::Reads;
use serde_json::json;

use crate::harness::{Customers, Form, Reply, Request, Scenario};

/// A run of this many rows of as many customers against a server with these answers.
fn scenario(rows: u64, script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Scenario {
    Scenario::new()
        .csv(&Customers::in_turn(rows, 1, 7))
        .unlimited()
        .server(script)
}

#[test]
fn a_refused_token_stops_the_run_and_fails_no_row() {
    let scenario = scenario(50, |_| Reply::error(401, "unauthorized"));
    let end = scenario
        .run([])
        .exits(3)
        .says("401")
        .counts([0, 0, 0, 0, 50]);
    assert_eq!(end.results().lines.len(), 0);
    assert!(
        scenario.requests().len() <= 8,
        "{} requests with a refused token",
        scenario.requests().len()
    );
}

#[test]
fn a_token_that_was_replaced_is_read_again_and_the_run_continues() {
    const NEW_TOKEN: &str = "token-that-came-later-91c2";
    let rows = Customers::in_turn(50, 1, 7);
    let base = Scenario::new().csv(&rows).unlimited();
    let replaced = Once::new();
    let (file, unfinished) = (base.path("token"), base.path("token.unfinished"));
    let scenario = base.server(move |request| {
        if request.header("authorization") == Some(&format!("Bearer {NEW_TOKEN}")) {
            return Reply::updated();
        }
        // Before the first answer leaves.
        replaced.call_once(|| {
            fs::write(&unfinished, format!("{NEW_TOKEN}\n")).unwrap();
            fs::rename(&unfinished, &file).unwrap();
        });
        Reply::error(401, "unauthorized")
    });
    let scenario = scenario.token_in_file();
    let end = scenario
        .run(["--attempts", "1"])
        .exits(0)
        .counts([50, 0, 0, 0, 0]);
    assert_eq!(end.summary()["sending"]["token_renewals"], 1);
    end.is_nowhere(NEW_TOKEN);
}

#[test]
fn a_permission_that_is_missing_from_the_first_answer_on_stops_the_run() {
    let scenario = scenario(50, |_| Reply::error(403, "forbidden"));
    let end = scenario
        .run([])
        .exits(3)
        .says("403")
        .counts([0, 0, 0, 0, 50]);
    assert_eq!(end.results().lines.len(), 0);
}

/// An undo has no limit of errors, and needs the permission to read all the same.
#[test]
fn a_permission_to_read_that_is_missing_stops_an_undo() {
    let check = |customers: u64| {
        let scenario = Scenario::new()
            .csv(&Customers::in_turn(customers, 1, 7))
            .unlimited()
            .sandbox(|options| {
                options.reads = Reads::Forbidden;
                options.reads_after = customers;
            });
        scenario.run(["--undoable"]).exits(0);
        let url = scenario.url().expect("a server");
        let without = ["--without-field", "country_id"];
        let words = ["undo", "run", "--base-url", &url, "--rate", "unlimited"];
        let undo = scenario.start_words(words.into_iter().chain(without)).end();
        undo.exits(3).says("the API refuses to show customers (403");
        let journal = scenario.path("run/undo/results.ndjson");
        let journal = fs::read_to_string(journal).expect("a journal");
        assert!(!journal.contains("\"outcome\""), "{journal}");
    };
    check(2);
    check(50);
}

#[test]
fn first_answers_that_are_all_404_stop_the_run() {
    let scenario = scenario(150, |_| Reply::error(404, "not_found"));
    let end = scenario
        .run([])
        .exits(2)
        .says("--base-url")
        .counts([0, 0, 0, 0, 150]);
    assert_eq!(end.results().lines.len(), 0);
    assert!(
        scenario.requests().len() < 150,
        "it stopped before the last row"
    );
}

#[test]
fn few_first_answers_404_are_asked_about_until_the_longest_wait_is_over() {
    let scenario = scenario(5, |_| Reply::error(404, "not_found"));
    let end = scenario
        .run(["--max-wait", "1s"])
        .exits(1)
        .says("knows none of the first 5 customers");
    end.counts([0, 0, 5, 0, 0]);
    assert_eq!(
        scenario.requests().len(),
        10,
        "each was asked about once more"
    );
}

#[test]
fn without_an_error_limit_404_is_each_row_s_own_fault() {
    let scenario = scenario(60, |_| Reply::error(404, "not_found"));
    let end = scenario
        .run(["--max-errors", "none"])
        .exits(1)
        .counts([0, 0, 60, 0, 0]);
    let results = end.results();
    assert!(
        results
            .lines
            .iter()
            .all(|line| line["status"] == 404 && line["error"] == "not_found")
    );
}

#[test]
fn a_redirect_is_never_followed() {
    let other = scenario(0, |_| Reply::updated());
    let location = format!("Location: {}/v1/customers/1\r\n", other.url().unwrap());
    let scenario = scenario(20, move |_| {
        Reply::of(307, &location, "text/html", b"elsewhere")
    });
    scenario
        .run([])
        .exits(2)
        .says("127.0.0.1")
        .counts([0, 0, 0, 0, 20]);
    assert_eq!(other.requests().len(), 0, "the other host sees nothing");
}

#[test]
fn a_login_page_is_no_success() {
    let scenario = scenario(20, |_| {
        Reply::of(
            200,
            "",
            "text/html",
            b"<!doctype html><title>Log in</title>",
        )
    });
    scenario
        .run([])
        .exits(4)
        .says("login page")
        .counts([0, 0, 0, 0, 20]);
}

#[test]
fn refused_values_are_recorded_with_the_api_s_words_in_both_shapes() {
    let scenario = scenario(20, |request| match request.id() {
        4 => Reply::json(
            422,
            &json!({"error": "validation_error", "message": "The 'email' field must be valid."}),
        ),
        9 => {
            let errors =
                json!({"email": ["It is taken.", "It is odd."], "job": ["It is too long."]});
            Reply::json(
                422,
                &json!({"message": "Two fields are wrong.", "errors": errors}),
            )
        }
        _ => Reply::updated(),
    });
    let end = scenario.run([]).exits(1).counts([18, 0, 2, 0, 0]);
    let results = end.results();
    let (documented, laravel) = (results.row(4), results.row(9));
    assert_eq!(documented["outcome"], "rejected");
    assert_eq!(documented["status"], 422);
    assert_eq!(
        documented["attempts"], 1,
        "a refused row is not tried again"
    );
    assert_eq!(documented["error"], "validation_error");
    assert_eq!(documented["message"], "The 'email' field must be valid.");
    assert_eq!(laravel["message"], "Two fields are wrong.");
    let fields: BTreeSet<_> = laravel["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str())
        .collect();
    assert_eq!(fields, BTreeSet::from([Some("email"), Some("job")]));
    assert!(
        laravel.to_string().contains("It is taken.")
            && laravel.to_string().contains("It is too long.")
    );
    end.is_not_shown("It is taken.")
        .is_not_shown("Two fields are wrong.");
    let failed = String::from_utf8(end.file("failed.csv").to_vec()).unwrap();
    assert!(
        failed.contains("It is taken."),
        "the failed rows say what the API said: {failed}"
    );
}

#[test]
fn a_429_pauses_all_rows_once_and_uses_up_no_attempt() {
    /// The requests in flight when the API begins to refuse them.
    const IN_FLIGHT: usize = 64;
    const LATENCY: Duration = Duration::from_millis(50);
    const WAIT: Duration = Duration::from_secs(1);
    let in_flight = AtomicUsize::new(0);
    let crowd = Arc::new(Mutex::new(Crowd::Gathers));
    let scenario = scenario(4_000, {
        let crowd = Arc::clone(&crowd);
        move |_| {
            let mut here = crowd.lock().unwrap();
            if in_flight.fetch_add(1, SeqCst) + 1 == IN_FLIGHT && *here == Crowd::Gathers {
                *here = Crowd::Refused;
            }
            if let Crowd::Gone(since) = *here {
                *here = Crowd::Back(since.elapsed());
            }
            drop(here);
            thread::sleep(LATENCY);
            let mut here = crowd.lock().unwrap();
            let is_last = in_flight.fetch_sub(1, SeqCst) == 1;
            if *here != Crowd::Refused {
                return Reply::updated();
            }
            if is_last {
                *here = Crowd::Gone(Instant::now());
            }
            Reply::of(429, "Retry-After: 1\r\n", "application/json", b"{}")
        }
    });
    let end = scenario
        .run(["--max-in-flight", "64", "--attempts", "1"])
        .exits(0)
        .counts([4_000, 0, 0, 0, 0]);
    let crowd = *crowd.lock().unwrap();
    assert!(
        matches!(crowd, Crowd::Back(after) if after >= WAIT),
        "{crowd:?}"
    );
    assert_eq!(end.summary()["sending"]["pauses"], 1, "one pause for all");
    let sent_twice = end
        .results()
        .lines
        .iter()
        .filter(|line| line["attempts"] == 2)
        .count();
    assert_eq!(
        sent_twice, IN_FLIGHT,
        "those that were refused, and no other row, were sent again"
    );
}

/// The state of a run's requests.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Crowd {
    Gathers,
    Refused,
    /// The last of them was refused at this time.
    Gone(Instant),
    /// The first one came back after this time.
    Back(Duration),
}

#[test]
fn one_row_that_the_api_stumbles_over_fails_alone() {
    let scenario = scenario(200, |request| match request.id() {
        17 => Reply::of(
            500,
            "",
            "text/html",
            b"SQLSTATE[22001]: insert into customers values ('canary-5c1e')",
        ),
        _ => Reply::updated(),
    });
    let end = scenario.run([]).exits(1).counts([199, 0, 0, 1, 0]);
    let results = end.results();
    let poison = results.row(17);
    assert_eq!(
        (&poison["status"], &poison["attempts"]),
        (&json!(500), &json!(3))
    );
    assert_eq!(
        scenario
            .requests()
            .iter()
            .filter(|request| request.id() == 17)
            .count(),
        3
    );
    assert_eq!(
        end.summary()["sending"]["outages"],
        0,
        "one poison row is no outage"
    );
    end.is_nowhere("canary-5c1e");
    assert_eq!(end.failed_rows(Form::Csv)[0].line(), poison["line"]);
}

#[test]
fn answers_that_break_off_are_tried_again() {
    let scenario = scenario(40, |request| match (request.id(), request.number) {
        (5, number) if number < 40 => Reply::nothing(),
        (6, number) if number < 40 => Reply::cut_off(),
        _ => Reply::updated(),
    });
    let end = scenario
        .run(["--attempts", "20"])
        .exits(0)
        .counts([40, 0, 0, 0, 0]);
    let results = end.results();
    for row in [5, 6] {
        assert!(
            results.row(row)["attempts"].as_u64() > Some(1),
            "{}",
            results.row(row)
        );
    }
}

#[test]
fn a_port_without_a_listener_fails_no_row() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/api", listener.local_addr().unwrap());
    drop(listener);
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(50, 1, 7))
        .unlimited()
        .without_listener_at(&url);
    let end = scenario
        .run(["--max-wait", "2s"])
        .exits(4)
        .counts([0, 0, 0, 0, 50]);
    assert_eq!(end.results().lines.len(), 0);
    assert!(!end.files.contains_key("failed.csv"), "nothing failed");
}

#[test]
fn a_wait_that_is_too_long_stops_the_run_at_once_and_is_named() {
    let retry_after = "Retry-After: 3600\r\n";
    let scenario = scenario(50, move |_| {
        Reply::of(429, retry_after, "application/json", b"{}")
    });
    let started = Instant::now();
    scenario
        .run([])
        .exits(4)
        .says("3600 s")
        .counts([0, 0, 0, 0, 50]);
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "it does not wait"
    );
}

#[test]
fn an_answer_that_every_row_would_meet_stops_the_run() {
    let scenario = scenario(50, |_| Reply::error(405, "method_not_allowed"));
    scenario
        .run([])
        .exits(2)
        .says("405")
        .counts([0, 0, 0, 0, 50]);
}

#[test]
fn a_body_without_end_is_not_read_to_its_end_and_proves_nothing() {
    let scenario = scenario(20, |request| match request.id() {
        19 => Reply::json(200, &json!({"success": "x".repeat(80 << 10), "data": {}})),
        _ => Reply::updated(),
    });
    let end = scenario
        .run(["--max-in-flight", "1"])
        .exits(1)
        .counts([19, 0, 1, 0, 0]);
    assert_eq!(end.results().row(19)["error"], "unexpected_answer");
}

#[test]
fn text_of_the_server_cannot_control_the_terminal() {
    let scenario = scenario(20, |request| match request.id() {
        8 => {
            let message = "\u{1b}]0;owned\u{7}\u{1b}[2J and \u{9b}31m, canary-77aa";
            let errors = json!({"email\u{1b}[31m": [message]});
            Reply::json(
                422,
                &json!({"error": "bad\u{1b}[31m", "message": message, "errors": errors}),
            )
        }
        _ => Reply::updated(),
    });
    let end = scenario.run(["-vv"]).exits(1).counts([19, 0, 1, 0, 0]);
    let message = end.results().row(8)["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("canary-77aa") && message.contains("\\u{1b}"),
        "{message:?}"
    );
    for (name, content) in [("stdout", &end.stdout), ("stderr", &end.stderr)] {
        assert!(
            !content.chars().any(|c| c.is_control() && c != '\n'),
            "{name}: {content:?}"
        );
    }
    end.is_not_shown("canary-77aa");
    for (name, content) in &end.files {
        let text = String::from_utf8(content.clone()).unwrap();
        assert!(
            !text
                .chars()
                .any(|c| c.is_control() && !matches!(c, '\n' | '\r')),
            "{name}: {text:?}"
        );
    }
}
