//! Flags, variables and configuration files, tested through the program itself.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Customers, Program, Scenario};

const TOKEN: &str = "a-token-that-nobody-may-see-81c2";
/// The short help fits on a screen.
const SHORT_HELP_LINES_MAX: usize = 45;

/// A directory with a configuration file, and an environment.
struct Shell {
    directory: TempDir,
    variables: Vec<(String, std::ffi::OsString)>,
}

/// The output of the program.
struct Said {
    exit: i32,
    stdout: String,
    stderr: String,
}

impl Shell {
    fn new() -> Shell {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("customers.csv"), "id,job\n7,Nurse\n").unwrap();
        Shell {
            directory,
            variables: Vec::new(),
        }
    }

    fn file(self, name: &str, content: &str) -> Shell {
        fs::write(self.directory.path().join(name), content).unwrap();
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Shell {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// Types a command, words apart by spaces.
    fn types(&self, command: &str) -> Said {
        let mut words = command.split(' ');
        assert_eq!(words.next(), Some("custsync"));
        let arguments = words.map(Into::into).collect();
        let program = Program {
            arguments,
            variables: self.variables.clone(),
            stdin: Vec::new(),
            through: None,
        };
        let finished = program.start(self.directory.path()).finish();
        Said {
            exit: finished.status.code().expect("the command ends by itself"),
            stdout: String::from_utf8(finished.stdout).unwrap(),
            stderr: String::from_utf8(finished.stderr).unwrap(),
        }
    }

    /// Value and origin of a setting, as `custsync config` shows them.
    fn setting(&self, name: &str, flags: &str) -> (Value, String) {
        let said = self.types(&format!("custsync config --output-format json{flags}"));
        assert_eq!(said.exit, 0, "{}", said.stderr);
        let settings: Vec<Value> = serde_json::from_str(&said.stdout).unwrap();
        let setting = settings
            .iter()
            .find(|setting| setting["name"] == name)
            .expect(name);
        (
            setting["value"].clone(),
            setting["origin"].as_str().unwrap().to_owned(),
        )
    }

    /// Checks that the command is refused, and that stderr explains it.
    fn is_refused(&self, command: &str, why: &str) {
        let said = self.types(command);
        assert_eq!(
            (said.exit, said.stdout.as_str()),
            (2, ""),
            "{command}: {}",
            said.stderr
        );
        assert!(
            said.stderr.contains(why),
            "{command}: `{why}` is not in {}",
            said.stderr
        );
        let entries = fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        assert!(
            entries.into_iter().all(|name| name != "custsync-runs"),
            "{command}: no run was begun"
        );
    }
}

#[test]
fn a_flag_beats_a_variable_beats_the_file_beats_the_default() {
    let check = |shell: &Shell, name: &str, flags: &str, value: &str, origin: &str| {
        assert_eq!(
            shell.setting(name, flags),
            (value.into(), origin.to_owned()),
            "{name}{flags}"
        );
    };
    for (name, default, in_file, in_variable, typed) in [
        ("rate", "auto", "1/s", "2/s", "3/s"),
        ("max-errors", "10%", "1%", "2%", "none"),
        ("timeout", "30s", "1s", "2s", "3s"),
    ] {
        let variable = format!("CUSTSYNC_{}", name.replace('-', "_").to_uppercase());
        let flags = format!(" --{name} {typed}");
        check(&Shell::new(), name, "", default, "default");
        let shell = Shell::new().file("custsync.toml", &format!("{name} = '{in_file}'"));
        check(&shell, name, "", in_file, "custsync.toml");
        let shell = shell.variable(&variable, in_variable);
        check(&shell, name, "", in_variable, &variable);
        check(&shell, name, &flags, typed, &format!("--{name}"));
    }
}

#[test]
fn another_file_takes_the_place_of_the_usual_one() {
    let shell = Shell::new()
        .file("custsync.toml", "rate = '1/s'\ntimeout = '1s'")
        .file("nightly.toml", "rate = '2/s'");
    assert_eq!(
        shell.setting("rate", " --config nightly.toml"),
        ("2/s".into(), "nightly.toml".to_owned())
    );
    assert_eq!(
        shell.setting("timeout", " --config nightly.toml"),
        ("30s".into(), "default".to_owned())
    );
    shell.is_refused(
        "custsync config --config missing.toml",
        "the configuration file missing.toml cannot be read",
    );
}

#[test]
fn a_bad_value_is_reported_with_its_origin() {
    let check = |shell: Shell, command: &str, why: &str| shell.is_refused(command, why);
    check(
        Shell::new(),
        "custsync run customers.csv --sandbox --rate 50",
        "error: --rate: `50` has no unit",
    );
    check(
        Shell::new().variable("CUSTSYNC_TIMEOUT", "30"),
        "custsync check customers.csv",
        "error: CUSTSYNC_TIMEOUT: `30` has no unit",
    );
    check(
        Shell::new().file("custsync.toml", "attempts = 0"),
        "custsync check customers.csv",
        "error: custsync.toml: attempts: `0` is not a whole number from 1 to 100",
    );
}

#[test]
fn no_part_of_a_url_is_dropped_without_a_word() {
    const BREAK: &str = "the URL holds a line break, which would be dropped";
    let is_refused = |shell: Shell, flags: &[&str], why: &str| {
        let arguments = ["config"].iter().chain(flags).map(Into::into).collect();
        let program = Program {
            arguments,
            variables: shell.variables,
            stdin: Vec::new(),
            through: None,
        };
        let finished = program.start(shell.directory.path()).finish();
        let stderr = String::from_utf8(finished.stderr).unwrap();
        assert_eq!(
            (finished.status.code(), finished.stdout.len()),
            (Some(2), 0),
            "{flags:?}: {stderr}"
        );
        assert!(stderr.contains(why), "`{why}` is not in {stderr}");
        assert!(!stderr.contains("canary"), "it may hold a secret: {stderr}");
    };
    let url = "https://a.example/api\r\ncanary: y";
    is_refused(
        Shell::new(),
        &["--base-url", url],
        &format!("error: --base-url: {BREAK}"),
    );
    is_refused(
        Shell::new().variable("CUSTSYNC_BASE_URL", url),
        &[],
        &format!("error: CUSTSYNC_BASE_URL: {BREAK}"),
    );
    for (name, toml) in [
        ("base-url", "a.example/api\\r\\ncanary: y"),
        ("token-url", "a.example\\n"),
        ("auth-url", "\\u2028a"),
    ] {
        let shell = Shell::new().file("custsync.toml", &format!("{name} = \"https://{toml}\""));
        is_refused(
            shell,
            &[],
            &format!("error: custsync.toml: {name}: {BREAK}"),
        );
    }
    for (url, why) in [
        ("https://a.example/canary\t", "holds a tab"),
        ("https://a.example/canary\u{1}", "holds a control character"),
        ("https://a.example/canary ", "holds a space"),
        (" https://a.example/canary", "holds a space"),
        ("https:\\\\canary.example", "holds a backslash"),
        ("https://a.example/canary/../v2", "`.` or `..`"),
        (
            "https:canary.example",
            "the scheme must be followed by two slashes and a host",
        ),
        ("https://canary@a.example", "user name or password"),
        ("https://a.example/?canary", "must have no `?`"),
    ] {
        is_refused(Shell::new().variable("CUSTSYNC_TOKEN_URL", url), &[], why);
        is_refused(Shell::new().variable("CUSTSYNC_BASE_URL", url), &[], why);
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let check = |shell: Shell, command: &str, why: &str| shell.is_refused(command, why);
    check(
        Shell::new().variable("CUSTSYNC_RAET", "1/s"),
        "custsync check customers.csv",
        "CUSTSYNC_RAET: unknown setting; did you mean `CUSTSYNC_RATE`?",
    );
    check(
        Shell::new().file("custsync.toml", "max-error = 5"),
        "custsync check customers.csv",
        "custsync.toml: max-error: unknown setting; did you mean `max-errors`?",
    );
    check(
        Shell::new(),
        "custsync check customers.csv --max-error 5",
        "--max-errors",
    );
    check(Shell::new(), "custsync chekc customers.csv", "check");
}

#[test]
fn usage_errors_print_nothing_on_stdout() {
    for (command, why) in [
        ("custsync", "Usage: custsync"),
        ("custsync run", "<FILE>..."),
        (
            "custsync run customers.csv",
            "no token: set CUSTSYNC_TOKEN or give --token-file FILE",
        ),
        ("custsync run customers.csv --token-file missing", "missing"),
        (
            "custsync run customers.csv --sandbox --token-file t",
            "--token-file has no effect with --sandbox",
        ),
        ("custsync check missing.csv", "missing.csv: no such file"),
    ] {
        Shell::new().is_refused(command, why);
    }
}

#[test]
fn a_pipe_without_a_file_is_answered_by_its_name() {
    let shell = Shell::new();
    for (through, wants_tip) in [("exec", true), ("</dev/null", false)] {
        let program = Program {
            arguments: vec!["check".into()],
            variables: Vec::new(),
            stdin: b"id,job\n7,Nurse\n".to_vec(),
            through: Some(through.to_owned()),
        };
        let finished = program.start(shell.directory.path()).finish();
        let stderr = String::from_utf8(finished.stderr).unwrap();
        assert_eq!(finished.status.code(), Some(2), "{stderr}");
        let tip = "tip: to read standard input, name it as FILE: 'custsync check -'";
        assert_eq!(stderr.contains(tip), wants_tip, "{through}: {stderr}");
    }
}

#[test]
fn a_check_takes_the_flags_of_a_run() {
    let shell = Shell::new();
    for command in [
        "custsync check customers.csv --sandbox",
        "custsync run customers.csv --dry-run --sandbox",
        "custsync check customers.csv --sandbox --sandbox-fault 503=20% --rate 5/s",
    ] {
        let said = shell.types(command);
        assert_eq!(said.exit, 0, "{command}: {}", said.stderr);
        let line = "INFO --sandbox has no effect: a check sends nothing\n";
        assert_eq!(said.stderr.matches(line).count(), 1, "{}", said.stderr);
    }
    let said = shell.types("custsync check customers.csv --sandbox=false");
    assert_eq!(said.exit, 0, "{}", said.stderr);
}

#[test]
fn config_takes_files_and_no_other_words() {
    let shell = Shell::new();
    for (command, word) in [
        ("custsync config nope", "nope"),
        ("custsync config set rate 5/s", "set"),
        ("custsync config customers.csv get", "get"),
        // A flag before it makes a file of the verb.
        ("custsync config --rate 5/s init", "init"),
    ] {
        shell.is_refused(command, &format!("error: {word}: no such file\n"));
        shell.is_refused(
            command,
            "To begin a custsync.toml: custsync config init [FILE]\n",
        );
    }
    for command in [
        "custsync config customers.csv --rate 5/s",
        "custsync config .",
        "custsync config -",
        "custsync config archive/*.csv",
    ] {
        assert_eq!(shell.types(command).exit, 0, "{command}");
    }
}

#[test]
fn a_token_belongs_in_no_file_of_settings() {
    let shell = Shell::new().file("custsync.toml", &format!("token = '{TOKEN}'"));
    let said = shell.types("custsync check customers.csv");
    assert_eq!(said.exit, 2);
    assert!(
        said.stderr
            .contains("custsync.toml: token: a configuration file must not hold a token"),
        "{}",
        said.stderr
    );
    assert!(!said.stderr.contains(TOKEN));
}

#[test]
fn the_token_is_shown_as_stars() {
    let shell = Shell::new().variable("CUSTSYNC_TOKEN", TOKEN);
    let said = shell.types("custsync config");
    let line = said
        .stdout
        .lines()
        .find(|line| line.starts_with("token "))
        .expect("the token is a setting");
    assert_eq!(
        line.split_whitespace().collect::<Vec<_>>(),
        ["token", "***", "CUSTSYNC_TOKEN"]
    );
    assert_eq!(
        shell.setting("token", ""),
        ("***".into(), "CUSTSYNC_TOKEN".to_owned())
    );
    assert!(!(said.stdout + &said.stderr).contains(TOKEN));
}

#[test]
fn the_short_help_is_short_and_the_long_one_begins_with_examples() {
    for verb in [
        "run",
        "check",
        "sandbox",
        "config",
        "config init",
        "login",
        "logout",
        "token",
        "completions",
        "man",
    ] {
        let shell = Shell::new();
        let short = shell.types(&format!("custsync {verb} -h"));
        let long = shell.types(&format!("custsync {verb} --help"));
        assert_eq!((short.exit, long.exit), (0, 0), "{verb}");
        assert!(short.stderr.is_empty() && long.stderr.is_empty(), "{verb}");
        let lines = short.stdout.lines().count();
        assert!(lines <= SHORT_HELP_LINES_MAX, "{verb}: {lines} lines");
        let third = long.stdout.lines().nth(2);
        assert_eq!(
            third,
            Some("Examples:"),
            "{verb}: behind the line that says what it is for"
        );
        let has_more = !matches!(verb, "completions" | "man");
        assert!(!has_more || long.stdout.lines().count() > lines, "{verb}");
    }
}

#[test]
fn every_example_of_the_help_can_be_typed() {
    let shell = Shell::new();
    let mut examples = 0;
    for help in [
        "",
        " run",
        " check",
        " sandbox",
        " config",
        " config init",
        " login",
        " logout",
        " token",
        " completions",
        " man",
    ] {
        let help = shell.types(&format!("custsync{help} -h")).stdout;
        let (_, rest) = help
            .split_once("Examples:\n")
            .expect("the help has examples");
        for line in rest.lines().take_while(|line| !line.is_empty()) {
            // Text after two spaces is an explanation. Input comes from a pipe, and output goes to a
            // file or a pipe.
            let command = line
                .trim()
                .split("  ")
                .next()
                .expect("a line has a beginning");
            let ends = [" > ", " | man "];
            let command = ends.iter().fold(command, |command, end| {
                command
                    .split_once(end)
                    .map_or(command, |(command, _)| command)
            });
            let Some((_, command)) = command.rsplit_once("custsync ") else {
                continue;
            };
            let words = command.split(' ').map(|word| word.trim_matches('\''));
            let words: Vec<_> = ["custsync"].into_iter().chain(words).collect();
            let args = custsync::testing::cli::args::Args::parse_from(&words, "")
                .unwrap_or_else(|error| panic!("{line}: {error}"));
            custsync::testing::config::Settings::resolve(args.cli_input(), [], None)
                .unwrap_or_else(|error| panic!("{line}: {error}"));
            examples += 1;
        }
    }
    assert!(examples > 10, "{examples} examples");
}

#[test]
fn the_file_in_use_and_the_host_that_gets_the_token_are_logged() {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(3, 1, 9))
        .sandbox(|_| {});
    let url = scenario.url().expect("a sandbox has a URL");
    scenario.write(
        "custsync.toml",
        format!("base-url = '{url}'\ntrim = true\n"),
    );
    let end = scenario.custsync(["run", "customers.csv"]).exits(0);
    end.says("INFO settings are read from custsync.toml");
    let end = scenario
        .custsync(["run", "customers.csv", "--fresh", "--trim=false"])
        .exits(0);
    end.says("with the token of CUSTSYNC_TOKEN");
}
