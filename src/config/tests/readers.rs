//! Which verb reads what, through the flags that each of them has.

use std::ffi::OsString;

use super::super::provenance::{Provenance, ShownValue};
use super::super::{ConfigFile, Settings};
use super::effective;
use crate::cli::args::Args;

/// The settings of a command, or all that is wrong with them.
fn settings(words: &[&str], variables: &[(&str, &str)], toml: &str) -> Result<Settings, String> {
    let words = ["custsync"].iter().chain(words);
    let cli_input = Args::parse_from(words, "")
        .expect("a command line")
        .cli_input();
    let variables = variables
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let file = ConfigFile {
        path: "custsync.toml".into(),
        contents: toml.to_owned(),
    };
    Settings::resolve(cli_input, variables, Some(file)).map_err(|error| error.to_string())
}

#[test]
fn a_verb_is_not_stopped_by_settings_that_it_does_not_read() {
    let unusable = [
        ("CUSTSYNC_RATE", "fast"),
        ("CUSTSYNC_TOKEN", "two words"),
        ("CUSTSYNC_REDIRECT_PORT", "x"),
    ];
    for words in [
        &["sandbox"][..],
        &["token", "--token-file", "t"],
        &["logout", "--token-file", "t"],
    ] {
        // The token of a run is the one that a sandbox wants.
        let unusable = if words == ["sandbox"] {
            &[unusable[0], unusable[2]][..]
        } else {
            &unusable
        };
        let read = settings(
            words,
            unusable,
            "delimiter = \"too long\"\nsandbox-listen = \"127.0.0.1:1\"\n",
        );
        read.unwrap_or_else(|error| panic!("{words:?}: {error}"));
    }
    let of_a_run =
        settings(&["run", "a.csv", "--sandbox"], &unusable[..1], "").expect_err("a rate");
    assert!(of_a_run.contains("CUSTSYNC_RATE"), "{of_a_run}");
    let of_a_login = settings(
        &["login", "--token-file", "t", "--client-id", "c"],
        &unusable,
        "",
    )
    .expect_err("a port");
    assert_eq!(of_a_login.matches("CUSTSYNC_").count(), 1, "{of_a_login}");
    assert!(
        of_a_login.contains("CUSTSYNC_REDIRECT_PORT"),
        "{of_a_login}"
    );
    // All is shown, and all is checked, where settings are looked at.
    let shown = settings(&["config", "--sandbox"], &unusable, "").expect_err("three values");
    assert_eq!(shown.matches("CUSTSYNC_").count(), 3, "{shown}");
}

#[test]
fn an_unknown_name_stops_every_verb() {
    for words in [
        &["sandbox"][..],
        &["run", "a.csv", "--sandbox"],
        &["token", "--token-file", "t"],
    ] {
        let error = settings(words, &[("CUSTSYNC_RATES", "5/s")], "").expect_err("no such setting");
        assert!(
            error.contains("CUSTSYNC_RATES") && error.contains("`CUSTSYNC_RATE`?"),
            "{error}"
        );
    }
}

#[test]
fn variables_of_services_are_not_ours() {
    let of_services = [
        ("CUSTSYNC_SERVICE_HOST", "10.0.0.1"),
        ("CUSTSYNC_SERVICE_PORT", "443"),
        ("CUSTSYNC_SERVICE_PORT_HTTPS", "443"),
        ("CUSTSYNC_PORT", "tcp://10.0.0.1:443"),
        ("CUSTSYNC_PORT_443_TCP", "tcp://10.0.0.1:443"),
        ("CUSTSYNC_PORT_443_TCP_PROTO", "tcp"),
        ("CUSTSYNC_PORT_443_TCP_PORT", "443"),
        ("CUSTSYNC_PORT_443_TCP_ADDR", "10.0.0.1"),
        ("CUSTSYNC_SANDBOX_SERVICE_HOST", "10.0.0.2"),
        ("CUSTSYNC_SANDBOX_PORT", "udp://10.0.0.2:53"),
        ("CUSTSYNC_SANDBOX_PORT_53_UDP_ADDR", "10.0.0.2"),
    ];
    for words in [
        &["run", "a.csv", "--sandbox"][..],
        &["check", "a.csv"],
        &["sandbox"],
        &["config", "--sandbox"],
    ] {
        settings(words, &of_services, "").unwrap_or_else(|error| panic!("{words:?}: {error}"));
    }
    for ours in [
        ("CUSTSYNC_PORT", "8080"),
        ("CUSTSYNC_SERVICE", "x"),
        ("CUSTSYNC_PORT_A_TCP", "1"),
    ] {
        settings(&["check", "a.csv"], &[ours], "").expect_err(ours.0);
    }
}

#[test]
fn a_flag_takes_back_what_a_file_says() {
    let file = "trim = true\nignore = [\"Notes\"]\nset = { gender = \"other\" }\nno-header = true\ncolumns = [\"id\", \"job\"]\n";
    let flags = [
        "--trim=false",
        "--ignore",
        "",
        "--set",
        "",
        "--no-header=false",
        "--columns",
        "",
    ];
    let words = [&["check", "a.csv"][..], &flags].concat();
    let settings = settings(&words, &[], file).expect("good settings");
    let off = || ShownValue::One("false".to_owned());
    let empty = || ShownValue::Many(Vec::new());
    for (name, shown) in [
        ("trim", off()),
        ("no-header", off()),
        ("ignore", empty()),
        ("set", empty()),
        ("columns", empty()),
    ] {
        let setting = effective(&settings, name);
        assert_eq!(setting.value, shown, "{name}");
        assert_eq!(setting.provenance, Provenance::Flag(format!("--{name}")));
    }
}
