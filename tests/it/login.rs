//! The login of a person: a plain HTTP client follows the printed address to the sandbox's own
//! login.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use custsync::testing::sandbox::{SandboxOptions, SandboxThread};
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Customers, Program, Scenario};

const SECRET: &str = "canary-client-secret-51d0";

/// A directory, and a server to log in at.
struct World {
    directory: TempDir,
    sandbox: SandboxThread,
}

/// The result of `custsync login`.
struct Said {
    exit: Option<i32>,
    stdout: String,
    stderr: String,
}

impl World {
    fn new() -> World {
        let options = SandboxOptions {
            client_secret: Some(SECRET.to_owned()),
            ..SandboxOptions::default()
        };
        let world = World {
            directory: tempfile::tempdir().unwrap(),
            sandbox: SandboxThread::start(options).unwrap(),
        };
        fs::write(world.directory.path().join("secret"), format!("{SECRET}\n")).unwrap();
        world
    }

    fn client_id() -> String {
        SandboxOptions::default().client_id
    }

    /// `custsync login` with these flags, ready to be started with any umask.
    fn login(&self, flags: &[&str]) -> Command {
        let mut command = Command::new("/bin/sh");
        let program = env!("CARGO_BIN_EXE_custsync");
        let url = |path: &str| format!("http://{}/oauth/{path}", self.sandbox.address());
        command.args([
            "-c",
            "umask 000; exec \"$0\" \"$@\"",
            program,
            "login",
            "--token-file",
            "login.json",
            "-vv",
        ]);
        command.args([
            "--auth-url",
            &url("authorize"),
            "--token-url",
            &url("token"),
            "--client-id",
            &World::client_id(),
        ]);
        command
            .args([
                "--no-browser",
                "--client-secret-file",
                "secret",
                "--scope",
                "customers",
            ])
            .args(flags);
        command
            .env_clear()
            .env("RUST_LOG", "trace")
            .current_dir(self.directory.path());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Logs in with these flags.
    fn log_in(&self, flags: &[&str], browser: impl FnOnce(&str) -> String) -> Said {
        log_in_by(self.login(flags), browser)
    }

    fn custsync(&self, arguments: &[&str]) -> Said {
        let arguments = arguments.iter().map(Into::into).collect();
        let program = Program {
            arguments,
            variables: Vec::new(),
            stdin: Vec::new(),
            through: None,
        };
        let finished = program.start(self.directory.path()).finish();
        Said {
            exit: finished.status.code(),
            stdout: String::from_utf8(finished.stdout).unwrap(),
            stderr: String::from_utf8(finished.stderr).unwrap(),
        }
    }

    fn token_file(&self) -> Value {
        serde_json::from_slice(&fs::read(self.directory.path().join("login.json")).unwrap())
            .unwrap()
    }

    /// Checks that the login is saved and private, and that no secret was printed.
    fn is_logged_in(&self, said: &Said) {
        assert_eq!(said.exit, Some(0), "{}", said.stderr);
        let file = self.token_file();
        for (key, secret) in [
            ("access_token", None),
            ("refresh_token", None),
            ("client_secret", Some(SECRET)),
        ] {
            let found = file[key].as_str().unwrap();
            assert!(secret.is_none_or(|secret| secret == found), "{key}");
            assert!(
                !(said.stdout.clone() + &said.stderr).contains(found),
                "{key} is shown: {}",
                said.stderr
            );
        }
        let mode = fs::metadata(self.directory.path().join("login.json"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o600);
    }
}

/// Logs in by this command. `browser` gets the printed address, and its result is pasted.
fn log_in_by(mut command: Command, browser: impl FnOnce(&str) -> String) -> Said {
    let mut child = command.spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut printed = Vec::new();
    let mut byte = [0];
    while !printed.ends_with(b"\n\n  ") && stdout.read(&mut byte).unwrap() == 1 {
        printed.push(byte[0]);
    }
    let mut url = Vec::new();
    while stdout.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
        url.push(byte[0]);
    }
    let pasted = browser(&String::from_utf8(url).unwrap());
    child
        .stdin
        .take()
        .unwrap()
        .write_all(pasted.as_bytes())
        .unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    Said {
        exit: output.status.code(),
        stdout: rest,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Asks for an address: the status line and the `Location`.
fn get(url: &str) -> (String, Option<String>) {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let location = answer.lines().find_map(|line| {
        line.split_once(": ")
            .filter(|(name, _)| name.eq_ignore_ascii_case("location"))
    });
    (
        answer.lines().next().unwrap().to_owned(),
        location.map(|(_, value)| value.to_owned()),
    )
}

/// Follows the printed address as far as the server's redirect.
fn agree(url: &str) -> String {
    get(url).1.expect("the server sends the browser back")
}

#[test]
fn a_login_with_the_browser_can_be_used_shown_and_removed() {
    let world = World::new();
    let said = world.log_in(&[], |url| {
        assert!(
            url.contains("code_challenge_method=S256") && url.contains("scope=customers"),
            "{url}"
        );
        let back = agree(url);
        let (place, _) = back.split_once("/callback").unwrap();
        // Other requests to the port do not end the login.
        for stranger in [
            "/",
            "/callback?code=abc",
            "/callback?code=abc&state=guessed",
            "/callback?error=no&state=x",
        ] {
            let path = format!("{place}{stranger}");
            if stranger == "/" {
                let mut stream =
                    TcpStream::connect(place.strip_prefix("http://").unwrap()).unwrap();
                stream.write_all(b"nonsense").unwrap();
            } else {
                assert_eq!(get(&path).0, "HTTP/1.1 400 Bad Request");
            }
        }
        assert_eq!(get(&back).0, "HTTP/1.1 200 OK");
        String::new()
    });
    world.is_logged_in(&said);

    let told = world.custsync(&["token", "--token-file", "login.json"]);
    assert_eq!(told.exit, Some(0), "{}", told.stderr);
    assert!(
        told.stdout
            .contains(&format!("client          {}\n", World::client_id())),
        "{}",
        told.stdout
    );
    assert!(
        told.stdout.contains("can be renewed  yes\n"),
        "{}",
        told.stdout
    );
    let file = world.token_file();
    assert!(
        !told.stdout.contains(file["access_token"].as_str().unwrap()),
        "{}",
        told.stdout
    );

    let rows = Customers::in_turn(3, 1, 7);
    let scenario = Scenario::new()
        .csv(&rows)
        .without_listener_at(&world.sandbox.base_url());
    let path = world.directory.path().join("login.json");
    scenario
        .run(["--token-file", path.to_str().unwrap()])
        .exits(0)
        .counts([3, 0, 0, 0, 0]);

    assert_eq!(
        world
            .custsync(&["logout", "--token-file", "login.json"])
            .exit,
        Some(0)
    );
    assert!(!path.exists());
    let again = world.custsync(&["logout", "--token-file", "login.json"]);
    assert_eq!(again.exit, Some(2));
    assert!(
        again.stderr.contains("login.json cannot be read"),
        "{}",
        again.stderr
    );
}

#[test]
fn the_sandbox_prints_a_login_that_works() {
    let directory = tempfile::tempdir().unwrap();
    let custsync = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_custsync"));
        command.args(arguments).env_clear();
        command.current_dir(directory.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(Stdio::piped());
        command
    };
    let mut sandbox = custsync(&["sandbox", "--listen", "127.0.0.1:0"])
        .spawn()
        .unwrap();
    let printed = BufReader::new(sandbox.stdout.take().unwrap()).lines();
    let line = printed
        .map(Result::unwrap)
        .find(|line| line.contains("custsync login"))
        .expect("the greeting has a login");
    let words: Vec<_> = line.split_whitespace().skip(1).collect();
    let login = custsync(&[words.as_slice(), &["--no-browser"]].concat());
    let said = log_in_by(login, |url| {
        get(&agree(url));
        String::new()
    });
    sandbox.kill().unwrap();
    sandbox.wait().unwrap();
    assert_eq!(said.exit, Some(0), "{}", said.stderr);
    assert!(directory.path().join("sandbox-login.json").exists());
}

#[test]
fn an_address_that_is_pasted_logs_in_too() {
    let world = World::new();
    let said = world.log_in(&["--paste", "--redirect-port", "8765"], |url| {
        format!("{}\n", agree(url))
    });
    world.is_logged_in(&said);
}

#[test]
fn an_address_of_another_login_is_refused() {
    let check = |exit: i32, why: &str, change: fn(String) -> String| {
        let world = World::new();
        let said = world.log_in(&["--paste"], |url| format!("{}\n", change(agree(url))));
        assert_eq!(said.exit, Some(exit), "{}", said.stderr);
        assert!(said.stderr.contains(why), "{}", said.stderr);
        assert!(
            !world.directory.path().join("login.json").exists(),
            "nothing is kept"
        );
    };
    check(2, "not of this login", |address| {
        address.replace("state=", "state=x")
    });
    check(2, "not of this login", |address| {
        address.split_once("&state").unwrap().0.to_owned()
    });
    check(2, "is not an address", |_| "what?".to_owned());
    check(2, "is not an address", |_| String::new());
    check(3, "refuses the login (access_denied)", |address| {
        address.replace("code=", "error=access_denied&code=")
    });
    check(3, "invalid_grant", |address| {
        address.replace("code=", "code=x")
    });
}

#[test]
fn a_wrong_client_secret_is_refused_and_not_shown() {
    let world = World::new();
    fs::write(world.directory.path().join("secret"), "canary-wrong").unwrap();
    let said = world.log_in(&["--paste"], |url| format!("{}\n", agree(url)));
    assert_eq!(said.exit, Some(3), "{}", said.stderr);
    assert!(
        said.stderr.contains("invalid_client") && !said.stderr.contains("canary"),
        "{}",
        said.stderr
    );
}

#[test]
fn nothing_but_a_login_is_removed() {
    let world = World::new();
    fs::write(world.directory.path().join("token"), "a-token-alone").unwrap();
    fs::write(
        world.directory.path().join("customers.csv"),
        "id,job\n1,x\n",
    )
    .unwrap();
    for (file, why) in [
        ("token", "holds only a token"),
        ("customers.csv", "holds no token"),
    ] {
        let said = world.custsync(&["logout", "--token-file", file]);
        assert_eq!(said.exit, Some(2), "{}", said.stderr);
        assert!(said.stderr.contains(why), "{}", said.stderr);
        assert!(world.directory.path().join(file).exists());
    }
    let said = world.custsync(&["token", "--token-file", "token"]);
    assert_eq!(
        said.stdout,
        "client          unknown\nexpires         unknown\ncan be renewed  no\n"
    );
}

#[test]
fn a_login_names_the_setting_to_correct() {
    let world = World::new();
    for (arguments, why) in [
        (&["login", "--token-file", "t"][..], "--client-id"),
        (&["login", "--client-id", "me"], "--token-file"),
        (
            &[
                "login",
                "--client-id",
                "me",
                "--token-file",
                "t",
                "--token-url",
                "http://a.example/token",
            ],
            "plain http",
        ),
        (&["token"], "--token-file"),
    ] {
        let said = world.custsync(arguments);
        assert_eq!(
            (said.exit, said.stdout.as_str()),
            (Some(2), ""),
            "{arguments:?}"
        );
        assert!(said.stderr.contains(why), "{arguments:?}: {}", said.stderr);
    }
}
