//! The units in deploy/systemd.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::Scenario;

#[test]
fn systemd_accepts_the_units() {
    let scenario = Scenario::new();
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd");
    let service = fs::read_to_string(units.join("custsync.service")).expect("the service");
    assert!(service.contains("ExecStart=/usr/local/bin/custsync run "));
    // systemd looks for the program, which is not installed here.
    let program = env!("CARGO_BIN_EXE_custsync");
    scenario.write(
        "custsync.service",
        service.replace("/usr/local/bin/custsync", program),
    );
    let timer = fs::read(units.join("custsync.timer")).expect("the timer");
    scenario.write("custsync.timer", timer);
    let checked = Command::new("systemd-analyze")
        .arg("verify")
        .args(["custsync.service", "custsync.timer"].map(|unit| scenario.path(unit)))
        .output();
    let Ok(checked) = checked else {
        eprintln!("systemd-analyze is not installed: the units are not checked");
        return;
    };
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(
        checked.status.success() && !said.contains("custsync."),
        "{said}"
    );
}

#[test]
fn the_flags_of_the_service_exist() {
    let scenario = Scenario::new();
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd/custsync.service");
    let service = fs::read_to_string(units).expect("the service");
    let help = scenario.custsync(["run", "--help"]).exits(0).stdout;
    let words = service
        .lines()
        .filter(|line| line.starts_with("ExecStart="));
    let flags: Vec<&str> = words
        .flat_map(str::split_whitespace)
        .filter(|word| word.starts_with("--"))
        .collect();
    assert!(flags.len() > 3, "{flags:?}");
    for flag in flags {
        assert!(help.contains(flag), "{flag}");
    }
}
