//! Settings of notices.

use secrecy::ExposeSecret as _;

use super::Scenario;
use crate::config::Verb;
use crate::config::notices::{NotifyOn, PingOn, TerminationMessage};
use crate::config::secret::SecretSource;

#[test]
fn the_stronger_source_of_an_address_wins() {
    let check = |scenario: Scenario, want: &str, place: &str| {
        let ping = scenario.settings(Verb::Check).notices.ping;
        let got = match ping.source {
            SecretSource::Missing => "missing".to_owned(),
            SecretSource::Value(address) => address.expose_secret().to_owned(),
            SecretSource::File(path) => path.display().to_string(),
        };
        assert_eq!((got.as_str(), ping.place.as_str()), (want, place));
    };
    let address = "https://a.example/b";
    let variable = || Scenario::default().variable("CUSTSYNC_PING_URL", " https://a.example/b\n");
    check(Scenario::default(), "missing", "ping-url");
    check(variable(), address, "CUSTSYNC_PING_URL");
    let toml = "ping-url-file = 'f'";
    check(variable().toml(toml), address, "CUSTSYNC_PING_URL");
    check(
        Scenario::default().toml(toml),
        "f",
        "custsync.toml: ping-url-file",
    );
    let flag = variable().flag("ping-url-file", "f");
    check(flag, "f", "--ping-url-file");
    let both = variable().variable("CUSTSYNC_PING_URL_FILE", "f");
    assert_eq!(
        both.problems(Verb::Run)[0],
        "CUSTSYNC_PING_URL and CUSTSYNC_PING_URL_FILE contradict each other: keep one"
    );
}

#[test]
fn an_address_by_plain_http_is_for_this_machine_or_allowed() {
    let plain = || Scenario::default().variable("CUSTSYNC_NOTIFY_URL", "http://a.example/b");
    assert!(plain().problems(Verb::Check)[0].starts_with("CUSTSYNC_NOTIFY_URL: plain http"));
    plain().flag("allow-http", true).settings(Verb::Check);
}

#[test]
fn notices_have_defaults() {
    let notices = Scenario::default().settings(Verb::Check).notices;
    assert_eq!(notices.ping_on, PingOn::Finished);
    assert_eq!(notices.notify_on, NotifyOn::Bad);
    let check = |scenario: Scenario, want: TerminationMessage| {
        let notices = scenario.settings(Verb::Check).notices;
        assert_eq!(notices.termination_message, want);
    };
    let default = Scenario::default;
    check(default(), TerminationMessage::Auto);
    let flag = |value: &str| default().flag("termination-message", value);
    check(flag("none"), TerminationMessage::Off);
    check(flag("./none"), TerminationMessage::File("./none".into()));
    // The summary is not overwritten.
    let summary = |file: &str| default().flag("summary-file", file);
    check(summary("/dev/termination-log"), TerminationMessage::Off);
    check(summary("a"), TerminationMessage::Auto);
}

#[test]
fn variables_of_a_command_at_the_end_are_no_settings() {
    default_with("CUSTSYNC_FINISH_RUN_DIR").settings(Verb::Check);
    let problems = default_with("CUSTSYNC_FINISHED").problems(Verb::Check);
    assert!(problems[0].starts_with("CUSTSYNC_FINISHED: unknown setting"));
}

fn default_with(variable: &str) -> Scenario {
    Scenario::default().variable(variable, "x")
}
