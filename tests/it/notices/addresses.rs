//! The sources of the addresses, and addresses that cannot be used.

use super::good;
use crate::harness::{Receiver, Scenario};

#[test]
fn an_address_comes_from_a_file_or_a_variable() {
    let (one, other) = (Receiver::good(), Receiver::good());
    let scenario = good().variable("CUSTSYNC_PING_URL", &one.url());
    scenario.write("ping", format!("{}\n", other.url()));
    scenario.run(["--ping-url-file", "ping"]).exits(0);
    assert_eq!((one.heard().len(), other.heard().len()), (0, 2));
    scenario.write("custsync.toml", "ping-url-file = 'ping'");
    scenario.run([]).exits(0);
    assert_eq!((one.heard().len(), other.heard().len()), (1, 2));
    let from_file = good();
    from_file.write("notify", format!("{}\n", other.url()));
    from_file.write(
        "custsync.toml",
        "notify-url-file = 'notify'\nnotify-on = 'always'",
    );
    from_file.run([]).exits(0);
    // The file of settings counts for a command line that is wrong, too.
    from_file.run(["--raet"]).exits(2);
    assert_eq!(other.heard()[2..], ["POST", "POST"]);
}

#[test]
fn an_address_that_cannot_be_used_ends_the_command_before_it_begins() {
    let check = |scenario: Scenario, want: &str| {
        for end in [scenario.run([]), scenario.check([])] {
            let end = end.exits(2).says(want);
            end.is_nowhere("canary");
            assert!(end.files.is_empty(), "nothing has begun");
        }
    };
    for name in ["CUSTSYNC_PING_URL", "CUSTSYNC_NOTIFY_URL"] {
        let with = |value: &str| good().variable(name, value);
        let not_an_address = format!("{name}: not an address as in https://example.com/a/b");
        check(with("canary"), &not_an_address);
        let scheme = format!("{name}: the address does not begin with https://");
        check(with("ftp://canary.example/x"), &scheme);
        let plain = format!("{name}: plain http to another machine");
        check(with("http://canary.example/x"), &plain);
    }
    let missing = good().flags(["--ping-url-file", "missing"]);
    check(
        missing,
        "--ping-url-file missing cannot be read: No such file",
    );
    let file = good().flags(["--notify-url-file", "notify"]);
    file.write("notify", "http://canary.example/x");
    check(file, "--notify-url-file: plain http to another machine");
    let toml = |name: &str| {
        let scenario = good();
        scenario.write(
            "custsync.toml",
            format!("{name} = 'https://canary.example'"),
        );
        scenario
    };
    check(
        toml("ping-url"),
        "custsync.toml: ping-url: a configuration file must not hold this address, which is a secret: set CUSTSYNC_PING_URL, or name a file with `ping-url-file`",
    );
    check(toml("notify-url"), "set CUSTSYNC_NOTIFY_URL");
    good()
        .run(["--ping-url=https://canary.example"])
        .exits(2)
        .says("the flag for it is '--ping-url-file FILE'")
        .is_not_shown("canary");
}

#[test]
fn the_settings_do_not_show_an_address() {
    let monitor = Receiver::good();
    let scenario = good()
        .variable("CUSTSYNC_PING_URL", &monitor.url())
        .variable("CUSTSYNC_NOTIFY_URL", &monitor.url());
    for format in ["text", "json"] {
        let end = scenario.custsync(["config", "--output-format", format]);
        end.exits(0).prints("***").is_not_shown(Receiver::secret());
    }
}
