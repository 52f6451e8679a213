//! Secrets and customers' values are planted in every source, every kind of failure is caused, and
//! all output of the program is searched for them. Text from others never reaches a terminal
//! unescaped.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Customers, End, Receiver, Reply, Scenario, SheetCell, Workbook};

/// A customer's phone number in the input.
const PHONE: &str = "+15550142077";
/// A phone number in an invalid row: it is too long.
const PHONE_TOO_LONG: &str = "+15550142078-15550142078";
/// A phone number in the server's text.
const SERVER_PHONE: &str = "+15550142079";
/// A phone number in the settings.
const CONFIG_PHONE: &str = "+15550142080";
/// The common start of the scripted servers' token and the phone numbers.
const PHONES: &str = "1555014";

/// A name, and a function that makes the answer.
type BadAnswer = (&'static str, fn() -> Reply);

/// All kinds of answers in the table of verdicts.
fn bad_answers() -> Vec<BadAnswer> {
    fn error(status: u16, headers: &str) -> Reply {
        let message = format!("{SERVER_PHONE} is not a phone number of {PHONE}.");
        let body = json!({"error": "bad_phone", "message": message, "errors": {"phone_number": [message]}});
        Reply::of(
            status,
            headers,
            "application/json",
            body.to_string().as_bytes(),
        )
    }
    fn page(status: u16) -> Reply {
        Reply::of(
            status,
            "",
            "text/html",
            format!("<html>{SERVER_PHONE} {PHONE}</html>").as_bytes(),
        )
    }
    vec![
        ("200 with an error", || error(200, "")),
        ("200 with a page", || page(200)),
        ("202", || error(202, "")),
        ("301", || {
            error(301, "Location: http://127.0.0.1:9/v1/customers/1\r\n")
        }),
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

/// Those who are told of all runs.
static RECEIVER: LazyLock<Receiver> = LazyLock::new(Receiver::good);

fn scenario(answer: impl Fn() -> Reply + Send + Sync + 'static) -> Scenario {
    let valid: Vec<_> = (1..=25).map(|id| format!("{id},{PHONE}")).collect();
    let file = format!(
        "id,phone_number\n{}\n26,{PHONE_TOO_LONG}\n",
        valid.join("\n")
    );
    let scenario = Scenario::new()
        .file("customers.csv", file)
        .unlimited()
        .server(move |_| answer());
    scenario.write("custsync.toml", format!("null-string = ['{CONFIG_PHONE}']"));
    let flags = [
        "-vv",
        "--attempts",
        "1",
        "--max-wait",
        "1s",
        "--timeout",
        "5s",
        "--max-in-flight",
        "25",
    ];
    scenario
        .variable("RUST_LOG", "trace")
        .variable("CUSTSYNC_PING_URL", &RECEIVER.url())
        .variable("CUSTSYNC_NOTIFY_URL", &RECEIVER.url())
        .variable("CUSTSYNC_NOTIFY_ON", "always")
        .variable("CUSTSYNC_ON_FINISH", "env")
        .flags(flags)
}

/// The secrets of a login beside the access token.
const LOGIN_SECRETS: [&str; 2] = ["canary-refresh-token-83b1", "canary-client-secret-0f6e"];

/// A scenario with a login, whose token endpoint gives the same bad answer as the API.
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

/// Checks that the token and the addresses of those who are told are in no output and file.
fn holds_no_canary(name: &str, end: &End) {
    end.is_not_shown(PHONES);
    end.is_nowhere(Receiver::secret());
    for (file, content) in &end.files {
        let text = String::from_utf8_lossy(content);
        let allowed: &[&str] = match file.as_str() {
            "failed.csv" => &[PHONE, PHONE_TOO_LONG, SERVER_PHONE],
            // The server's own text, which here contains the customer's number too.
            "results.ndjson" => &["+15550142079 is not a phone number of +15550142077."],
            _ => &[],
        };
        let left = allowed
            .iter()
            .fold(text.into_owned(), |text, allowed| text.replace(allowed, ""));
        assert!(!left.contains(PHONES), "{name}: {file}: {left}");
    }
}

#[test]
fn no_failure_shows_the_token_or_a_customer() {
    let walked: Vec<_> = bad_answers()
        .into_iter()
        .map(|(name, answer)| {
            thread::spawn(move || {
                let in_file = scenario(answer)
                    .token_in_file()
                    .flags(["--log-format", "json"]);
                for scenario in [scenario(answer), in_file, with_login(answer)] {
                    let end = scenario.run([]).exits_with_one_of(&[1, 2, 3, 4]);
                    holds_no_canary(name, &end);
                    for secret in LOGIN_SECRETS {
                        end.is_nowhere(secret);
                    }
                    assert!(
                        !scenario.requests().is_empty(),
                        "{name}: the server was asked"
                    );
                }
            })
        })
        .collect();
    for walk in walked {
        walk.join().unwrap();
    }
    let token = scenario(Reply::updated).secret().unwrap();
    let received = RECEIVER.received();
    let messages = received.iter().filter(|received| received.what == "POST");
    assert!(
        messages.count() >= 3 * bad_answers().len(),
        "all ends are told"
    );
    for canary in [PHONES, &token].iter().chain(&LOGIN_SECRETS) {
        for told in &received {
            assert!(
                !told.head.contains(canary) && !told.body.contains(canary),
                "{canary} in {told:?}"
            );
        }
    }
}

#[test]
fn a_check_and_the_settings_show_no_customer_and_no_token() {
    let scenario = scenario(Reply::updated);
    holds_no_canary("check", &scenario.check([]).exits(1));
    // The settings are the user's own, and are shown to that user only; the token is not among
    // them.
    scenario.custsync(["config"]).exits(0).prints("***");
    scenario
        .custsync(["config", "--output-format", "json"])
        .exits(0)
        .prints("***");
}

#[test]
fn the_images_of_a_run_are_the_only_files_with_customers_values() {
    let rows = |phone: &str| {
        let rows = (1..=25).map(|id| format!("{id},{phone}\n"));
        format!("id,phone_number\n{}", rows.collect::<String>())
    };
    let scenario = Scenario::new()
        .file("customers.csv", rows(PHONE))
        .unlimited()
        .sandbox(|_| {})
        .variable("CUSTSYNC_LEFT_OUT", "probe");
    let url = scenario.url().expect("a sandbox has a URL");
    let custsync = |words: &[&str]| {
        let api = ["--base-url", &url, "--rate", "unlimited", "-vv"];
        let words = words.iter().chain(&api).copied();
        scenario.start_words(words).end().exits(0)
    };
    custsync(&["run", "customers.csv", "--run-dir", "first"]);
    scenario.write("customers.csv", rows(SERVER_PHONE));
    let check = |end: &End, directory: &str| {
        end.is_not_shown(PHONES);
        for entry in fs::read_dir(scenario.path(directory)).unwrap() {
            let entry = entry.unwrap();
            let (name, content) = (entry.file_name(), fs::read(entry.path()));
            let holds_values =
                String::from_utf8_lossy(&content.unwrap_or_default()).contains(PHONES);
            assert_eq!(
                holds_values,
                name == "before.ndjson",
                "{directory}: {name:?}"
            );
            if holds_values {
                let mode = entry.metadata().unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o600, "{name:?}");
            }
        }
    };
    let run = ["run", "customers.csv", "--undoable", "--run-dir", "second"];
    check(&custsync(&run), "second");
    check(&custsync(&["undo", "second"]), "second/undo");
}

#[test]
fn no_secret_is_visible_to_the_system_and_no_core_is_dumped() {
    // No answer comes while the process is examined.
    let hang = || {
        Reply::raw(|stream| {
            let patience = Some(Duration::from_secs(30));
            stream.set_read_timeout(patience)?;
            std::io::Read::read(stream, &mut [0]).map(|_| ())
        })
    };
    let scenario = scenario(hang).token_in_file();
    let running = scenario
        .start([])
        .until("a request", |scenario| !scenario.requests().is_empty());
    let arguments = String::from_utf8_lossy(&running.proc_file("cmdline")).into_owned();
    assert!(
        arguments.contains("--token-file") && !arguments.contains(&scenario.secret().unwrap()),
        "{arguments}"
    );
    assert!(!arguments.contains(PHONES), "{arguments}");
    let limits = String::from_utf8(running.proc_file("limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(
        core.split_whitespace().collect::<Vec<_>>()[4..6],
        ["0", "0"],
        "{core}"
    );
    running.signal(Signal::KILL).end().exits(137);
}

#[test]
fn keys_and_names_that_are_values_are_not_shown() {
    const KEYS: [&str; 4] = [
        "canary.doe@example.com",
        "+41 79 canary",
        "{canary",
        "canary 12 April 1985",
    ];
    for key in KEYS {
        let row = format!("{{\"id\":1,\"job\":\"x\",{}:\"y\"}}\n", json!(key));
        let scenario = || {
            Scenario::new()
                .file("a.ndjson", &row)
                .flags(["--max-errors", "none"])
                .sandbox(|_| {})
        };
        for end in [scenario().check([]).exits(1), scenario().run([]).exits(1)] {
            let message = "has a key that is not shown because it may be a value (key 3), which is not a field of the API";
            let end = end.prints(message);
            assert!(
                end.results().row(1)["errors"][0]["message"]
                    .as_str()
                    .unwrap()
                    .starts_with(message)
            );
            for (name, content) in &end.files {
                // The row itself is in the failed rows, once.
                let allowed = usize::from(name == "failed.ndjson");
                let text = String::from_utf8_lossy(content);
                assert_eq!(
                    text.matches(key).count(),
                    allowed,
                    "{key} in {name}: {text}"
                );
            }
            end.is_not_shown("canary");
        }
        let header = Scenario::new().file("a.csv", format!("id,job,\"{key}\"\n1,x,y\n"));
        let end = header.check(["--map", "nobody=email"]).exits(2);
        end.says("column 3 (its name looks like a value, so it is not shown) is not a field")
            .is_not_shown("canary");
        let forgotten = Scenario::new()
            .file("a.csv", format!("17,x,\"{key}\"\n1,x,y\n"))
            .check([])
            .exits(2);
        forgotten.is_not_shown("canary");
        let header: &[SheetCell] = &[
            SheetCell::Text("id"),
            SheetCell::Text("job"),
            SheetCell::Text(key),
        ];
        let workbook = Workbook::default().sheet(
            "S",
            &[header, &[SheetCell::Number("1"), SheetCell::Text("x")]],
        );
        Scenario::new()
            .file("a.xlsx", workbook.bytes())
            .check([])
            .exits(2)
            .is_not_shown("canary");
    }
}

/// Characters that are invisible or look like something else: C0, C1, category Cf from all its
/// blocks, separators, fillers, variation selectors, private use, noncharacters.
fn hidden_characters() -> impl Iterator<Item = char> {
    let ranges = [
        ('\u{1}', '\u{1f}'),
        ('\u{7f}', '\u{a0}'),
        ('\u{ad}', '\u{ad}'),
        ('\u{600}', '\u{605}'),
        ('\u{61c}', '\u{61c}'),
        ('\u{115f}', '\u{1160}'),
        ('\u{180b}', '\u{180e}'),
        ('\u{2000}', '\u{200f}'),
        ('\u{2028}', '\u{202f}'),
        ('\u{205f}', '\u{206f}'),
        ('\u{3000}', '\u{3000}'),
        ('\u{3164}', '\u{3164}'),
        ('\u{e000}', '\u{e003}'),
        ('\u{fdd0}', '\u{fdd3}'),
        ('\u{fe00}', '\u{fe0f}'),
        ('\u{feff}', '\u{feff}'),
        ('\u{fff9}', '\u{fffb}'),
        ('\u{fffe}', '\u{ffff}'),
        ('\u{1d173}', '\u{1d17a}'),
        ('\u{e0001}', '\u{e0001}'),
        ('\u{e0020}', '\u{e0023}'),
    ];
    ranges.into_iter().flat_map(|(first, last)| first..=last)
}

/// Checks that none of them was shown.
fn is_shown_safely(end: &End) {
    let hidden: BTreeSet<char> = hidden_characters()
        .filter(|character| *character != '\n')
        .collect();
    for (name, shown) in [("stdout", &end.stdout), ("stderr", &end.stderr)] {
        let raw: Vec<_> = shown
            .chars()
            .filter(|character| hidden.contains(character))
            .collect();
        assert!(raw.is_empty(), "{name}: {raw:?} in {shown:?}");
    }
}

/// Checks names of all kinds, from all sources.
#[test]
fn no_hidden_character_is_shown_raw() {
    let all: Vec<char> = hidden_characters().collect();
    for some in all.chunks(40) {
        let name = format!("x{}y", some.iter().collect::<String>());
        let as_file = format!("{name}.csv");
        let rows = "id,job\n1,x\n0,y\n";
        let quoted = format!("\"{name}\"");
        let other_column = format!("id,job,{quoted}\n1,{quoted},y\n{}", "2,x,y\n".repeat(300));
        for (scenario, codes) in [
            (Scenario::new().file(&as_file, rows), [1, 4]),
            (Scenario::new().file("a.csv", &other_column), [2, 2]),
            (
                Scenario::new()
                    .file("a.csv", &other_column)
                    .flags(["--ignore", &name]),
                [0, 1],
            ),
            (
                Scenario::new()
                    .file("a.csv", rows)
                    .flags(["--map", &format!("{name}=email")]),
                [2, 2],
            ),
            (
                Scenario::new()
                    .file("a.csv", rows)
                    .flags(["--sheet", &name]),
                [2, 2],
            ),
            (
                Scenario::new().file(
                    "a.ndjson",
                    json!({"id": 1, "job": name, &name: 1}).to_string(),
                ),
                [1, 4],
            ),
            (
                Scenario::new()
                    .file("a.csv", rows)
                    .variable("CUSTSYNC_RATE", &name),
                [2, 2],
            ),
            (
                Scenario::new()
                    .file("a.csv", rows)
                    .flags([&format!("--{name}")]),
                [2, 2],
            ),
        ] {
            for flags in [
                ["--output-format", "text"],
                ["--output-format", "json"],
                ["--explain", "3"],
            ] {
                for log in ["text", "json"] {
                    let end = scenario.check([
                        flags[0],
                        flags[1],
                        "--log-format",
                        log,
                        "--loose-headers",
                        "-vv",
                    ]);
                    is_shown_safely(&end.exits_with_one_of(&codes));
                }
            }
        }
        let settings = Scenario::new();
        settings.write(
            "custsync.toml",
            format!("null-string = [{}]", json!(name)).replace('\u{7f}', "\\u007f"),
        );
        for format in ["text", "json"] {
            is_shown_safely(
                &settings
                    .custsync(["config", "--ignore", &name, "--output-format", format])
                    .exits(0),
            );
        }
    }
}

#[test]
fn settings_in_json_are_shown_as_they_were_written() {
    let name = "a\u{202e}b\u{200b}\u{e0001}\u{7f}";
    let end = Scenario::new()
        .custsync(["config", "--null-string", name, "--output-format", "json"])
        .exits(0);
    is_shown_safely(&end);
    let settings: Value = serde_json::from_str(&end.stdout).unwrap();
    let setting = settings
        .as_array()
        .unwrap()
        .iter()
        .find(|setting| setting["name"] == "null-string")
        .unwrap();
    assert_eq!(setting["value"], json!([name]));
    let end = Scenario::new()
        .custsync(["config", "--null-string", name])
        .exits(0);
    end.prints("a\\u{202e}b\\u{200b}\\u{e0001}\\u{7f}");
}

/// A malicious name for a file or a column: colours, a title, C1, and text that runs backwards.
const EVIL: &str = "a\u{1b}[31m\u{1b}]0;b\u{7}\u{9b}2J\u{202e}c\u{2066}d\u{85}\u{2028}";

#[test]
fn names_of_others_do_not_reach_the_terminal_raw() {
    let row = "id,job\n1,x\n0,y\n";
    let csv = format!("{EVIL}.csv");
    // Each of these shows the name in an error, or in the summary.
    for (scenario, code) in [
        (Scenario::new().input(&csv), 2),
        (Scenario::new().file(&csv, row), 6),
        (Scenario::new().file(&csv, "id,job\n1,\"x\n"), 2),
        (Scenario::new().file(&csv, format!("id,{EVIL}\n1,x\n")), 2),
        (
            Scenario::new().file("a.csv", format!("id,job,{EVIL},{EVIL}\n1,x,y,z\n")),
            2,
        ),
        (
            Scenario::new().file(
                "a.ndjson",
                json!({"id": 1, "job": "x", EVIL: 1}).to_string(),
            ),
            6,
        ),
        (
            Scenario::new().file("a.csv", row).flags(["--config", EVIL]),
            2,
        ),
        (Scenario::new().file("a.csv", row).flags(["--map", EVIL]), 2),
        (
            Scenario::new().file("a.csv", row).flags(["--ignore", EVIL]),
            2,
        ),
        (
            Scenario::new().file("a.csv", row).flags(["--rate", EVIL]),
            2,
        ),
        (
            Scenario::new()
                .file("a.csv", row)
                .flags([&format!("--{EVIL}")]),
            2,
        ),
        (
            Scenario::new()
                .file("a.csv", row)
                .variable("CUSTSYNC_TIMEOUT", EVIL),
            2,
        ),
        (
            Scenario::new()
                .file("a.csv", row)
                .variable(&format!("CUSTSYNC_{EVIL}"), "1"),
            2,
        ),
    ] {
        for format in ["text", "json"] {
            let end = scenario
                .check(["--max-errors", "0", "--output-format", format])
                .exits(code);
            assert!(!(end.stdout.clone() + &end.stderr).is_empty());
            is_shown_safely(&end);
        }
    }
    // A row's content is shown if a person asks for it, and escaped like a name.
    for (name, file) in [
        ("a.csv", format!("id,job,{EVIL}\n1,{EVIL},x\n")),
        (
            "a.ndjson",
            json!({"id": 1, "job": EVIL, EVIL: EVIL}).to_string(),
        ),
    ] {
        let end = Scenario::new()
            .file(name, file)
            .flags(["--ignore", EVIL])
            .check(["--explain", "1"])
            .exits(0);
        assert!(end.stdout.contains("\\u{202e}c"), "{}", end.stdout);
        is_shown_safely(&end);
    }
    let rows = Customers::in_turn(3, 1, 7);
    for flags in [
        ["--token-file", EVIL],
        ["--ca-file", EVIL],
        ["--base-url", EVIL],
    ] {
        is_shown_safely(
            &Scenario::new()
                .csv(&rows)
                .flags(flags)
                .variable("CUSTSYNC_TIMEOUT", "1s")
                .run([])
                .exits(2),
        );
    }
    let words = || {
        let body = json!({"error": EVIL, "message": EVIL, "errors": {EVIL: [EVIL]}});
        Reply::json(422, &body)
    };
    let end = Scenario::new()
        .csv(&rows)
        .server(move |_| words())
        .run(["--max-errors", "none", "-vv"])
        .exits(1);
    is_shown_safely(&end);
    assert!(
        end.stdout.contains("  the API rejects it: 422\n"),
        "what is no code is not shown: {}",
        end.stdout
    );
}
