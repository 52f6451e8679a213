//! File names that are not UTF-8: accepted everywhere, shown unambiguously, and never lost.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::Scenario;

const ROWS: &str = "id,job\n7,Nurse\n";

fn raw(name: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(name))
}

/// A directory with these files in it, and a sandbox.
fn with_files(names: &[&[u8]]) -> Scenario {
    let scenario = Scenario::new().sandbox(|_| {});
    let root = root(&scenario);
    for name in names {
        let path = root.join(raw(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, ROWS).unwrap();
    }
    scenario
}

fn root(scenario: &Scenario) -> PathBuf {
    scenario.path(".")
}

#[test]
fn inputs_are_named_in_any_way_and_shown_unlike_each_other() {
    let names: [&[u8]; 3] = [b"in/caf\xe8.csv", b"in/caf\xe9.csv", br"in/caf\xe9.csv"];
    let scenario = with_files(&names);
    let shown = json!([r"in/caf\\xe9.csv", r"in/caf\xe8.csv", r"in/caf\xe9.csv"]);
    let inputs = |run_dir: &str| -> Value {
        let summary = scenario
            .read(&format!("{run_dir}/summary.json"))
            .expect("the run has a summary");
        serde_json::from_slice::<Value>(&summary).unwrap()["inputs"].clone()
    };
    let check = |run_dir: &str, arguments: &[&[u8]]| {
        let given = arguments
            .iter()
            .map(|argument| format!("'{}'", String::from_utf8_lossy(argument)));
        let what = given.collect::<Vec<_>>().join(" ");
        let all = [
            &[b"check".as_slice(), b"--run-dir", run_dir.as_bytes()],
            arguments,
        ]
        .concat();
        scenario.custsync_raw(&all).exits(0);
        assert_eq!(inputs(run_dir), shown, "{what}");
    };
    check("a", &[names[2], names[0], names[1]]);
    check("b", &[b"in"]);
    check("c", &[b"in/*.csv"]);
    check("d", &[b"*/caf*.csv"]);
    let end = scenario
        .custsync_raw(&[b"check", names[0], names[0]])
        .exits(0);
    end.says(r"in/caf\xe8.csv is given twice: read once")
        .is_not_shown("\u{fffd}");
    scenario
        .custsync_raw(&[b"check", b"none\xff.csv"])
        .exits(2)
        .says(r"none\xff.csv: no such file");
}

#[test]
fn a_run_is_continued_in_a_directory_and_by_a_command_that_are_not_utf_8() {
    let scenario = with_files(&[b"caf\xe9.csv", b"caf\xe8.csv"]);
    let url = scenario.url().unwrap();
    let run = |input: &[u8]| {
        scenario.custsync_raw(&[
            b"run",
            input,
            b"--run-dir",
            b"run\xff",
            b"--base-url",
            url.as_bytes(),
        ])
    };
    run(b"caf\xe9.csv").exits(0).prints(
        "files    run\\xff/\n         results.ndjson, timeline.ndjson, report.html, summary.json\n",
    );
    let journal = fs::read_to_string(root(&scenario).join(raw(b"run\xff/results.ndjson"))).unwrap();
    assert!(journal.contains(r#""name":"caf\\xe9.csv""#), "{journal}");
    run(b"caf\xe9.csv")
        .exits(0)
        .prints("Nothing left to send: ");
    // The same rows under another name are noticed as one input.
    run(b"caf\xe8.csv")
        .exits(0)
        .says(r"the input caf\xe9.csv is now named caf\xe8.csv");
}

#[test]
fn the_command_that_continues_a_run_can_be_typed() {
    let scenario = with_files(&[b"it's \xe9.csv"]);
    scenario.write_private("token", "another-one");
    fs::write(
        root(&scenario).join(raw(b"it's \xe9.csv")),
        "id,job\n0,x\n7,Nurse\n",
    )
    .unwrap();
    let url = scenario.url().unwrap();
    let flags = [
        b"--token-file=token".as_slice(),
        b"--output-format=json",
        b"--base-url",
        url.as_bytes(),
    ];
    let end = scenario.custsync_raw(&[&[b"run".as_slice(), b"it's \xe9.csv"], &flags[..]].concat());
    let summary: Value = serde_json::from_str(&end.exits(3).stdout).unwrap();
    let command = summary["continue_with"]
        .as_str()
        .expect("it can be continued")
        .to_owned();
    let (_, words) = command.split_once(" run ").expect("it is a run");
    scenario.write_private("token", scenario.secret().unwrap());
    let end = scenario.shell(&format!("custsync run {words}")).exits(1);
    let summary: Value = serde_json::from_str(&end.stdout).unwrap();
    assert_eq!(
        (&summary["updated"], &summary["invalid"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn every_setting_that_names_a_file_takes_any_name_from_flag_and_variable() {
    const NAME: &[u8] = b"caf\xe9";
    for setting in [
        "token-file",
        "client-secret-file",
        "ca-file",
        "run-dir",
        "summary-file",
        "ping-url-file",
        "notify-url-file",
        "termination-message",
        "sandbox-ledger",
    ] {
        let shown = |end: crate::harness::End, origin: &str| {
            let settings: Vec<Value> = serde_json::from_str(&end.exits(0).stdout).unwrap();
            let found = settings
                .iter()
                .find(|found| found["name"] == setting)
                .expect(setting);
            assert_eq!(
                (&found["value"], &found["origin"]),
                (&json!(r"caf\xe9"), &json!(origin))
            );
        };
        let json = b"--output-format=json".as_slice();
        let variable = format!("CUSTSYNC_{}", setting.replace('-', "_").to_uppercase());
        let scenario = Scenario::new().raw_variable(&variable, NAME);
        shown(scenario.custsync_raw(&[b"config", json]), &variable);
        let flag = format!("--{setting}");
        let sandbox = b"--sandbox".as_slice();
        let sandbox = if setting.starts_with("sandbox") {
            sandbox
        } else {
            b"--quiet"
        };
        shown(
            Scenario::new().custsync_raw(&[b"config", json, flag.as_bytes(), NAME, sandbox]),
            &flag,
        );
    }
    let end = Scenario::new()
        .raw_variable("CUSTSYNC_RATE", NAME)
        .custsync(["config"])
        .exits(2);
    end.says("CUSTSYNC_RATE: the value is not UTF-8");
    let end = Scenario::new()
        .raw_variable("CUSTSYNC_TOKEN", NAME)
        .custsync(["config"])
        .exits(2);
    end.says("CUSTSYNC_TOKEN: not a token: a token is one word");
}

#[test]
fn files_with_such_names_are_read_and_named_in_messages() {
    let scenario = with_files(&[b"customers.csv"]);
    let (root, url) = (root(&scenario), scenario.url().unwrap());
    let secret = scenario.secret().unwrap();
    fs::write(root.join(raw(b"token\xe9")), &secret).unwrap();
    let end = scenario.custsync_raw(&[
        b"run",
        b"customers.csv",
        b"--run-dir=run",
        b"--token-file",
        b"token\xe9",
        b"--base-url",
        url.as_bytes(),
    ]);
    end.exits(0).counts([1, 0, 0, 0, 0]);
    fs::write(root.join(raw(b"token\xe9")), "two words").unwrap();
    let end = scenario
        .custsync_raw(&[b"token", b"--token-file", b"token\xe9"])
        .exits(2);
    end.says(r"the token file token\xe9 holds no token");
    fs::write(root.join(raw(b"set\xe9.toml")), "rate = '5/s'").unwrap();
    scenario
        .custsync_raw(&[b"config", b"--config", b"set\xe9.toml"])
        .exits(0)
        .prints(r"set\xe9.toml");
    fs::write(root.join(raw(b"set\xe9.toml")), "rate = 5").unwrap();
    let end = scenario
        .custsync_raw(&[b"config", b"--config", b"set\xe9.toml"])
        .exits(2);
    end.says(r"error: set\xe9.toml: rate: `5` has no unit");
    let end = scenario
        .custsync_raw(&[b"config", b"--config", b"no\xe9.toml"])
        .exits(2);
    end.says(r"the configuration file no\xe9.toml cannot be read");
}
