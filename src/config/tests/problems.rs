//! Settings that cannot be used, and their errors.

use std::ffi::OsString;

use super::{Scenario, effective};
use crate::config::Verb;
use crate::config::provenance::ShownValue;

#[test]
fn every_problem_is_told_at_once() {
    let problems = Scenario::default()
        .toml("grace = 'x'\nrat = 1\n")
        .variable("CUSTSYNC_RATE", "50")
        .variable("CUSTSYNC_RAET", "50/s")
        .variable("CUSTSYNC_color", "auto")
        .flag("attempts", "0")
        .problems(Verb::Check);
    let starts = [
        "CUSTSYNC_color: unknown setting; did you mean `CUSTSYNC_COLOR`?",
        "CUSTSYNC_RATE: `50` has no unit",
        "--attempts: `0` is not a whole number from 1 to 100",
        "custsync.toml: grace: `x` is not a duration",
        "CUSTSYNC_RAET: unknown setting; did you mean `CUSTSYNC_RATE`?",
        "custsync.toml: rat: unknown setting; did you mean `rate`?",
    ];
    assert_eq!(problems.len(), starts.len(), "{problems:?}");
    for (problem, start) in problems.iter().zip(starts) {
        assert!(problem.starts_with(start), "{problem}, not {start}");
    }
}

/// A file, and what the first problem with it says.
const UNUSABLE_FILES: &[(&str, &str)] = &[
    ("trim = true\nrate = ", "custsync.toml:2: "),
    (
        "rate = '1/s'\nrate = '2/s'",
        "custsync.toml:2: duplicate key",
    ),
    (
        "[sending]\nrate = '1/s'",
        "custsync.toml: sending: unknown setting",
    ),
    (
        "rate = ['1/s']",
        "custsync.toml: rate: this setting takes one value, not a list",
    ),
    (
        "date-format = {a = 'b'}",
        "custsync.toml: date-format: this setting takes a list, not a table",
    ),
    (
        "rate = 2026-11-23",
        "custsync.toml: rate: this setting takes text, a number, true or false, not a date",
    ),
    ("ignore = [['a']]", "not a list"),
    (
        "empty = 'nil'",
        "custsync.toml: empty: `nil` is not one of omit, null, error",
    ),
    ("map = ['A']", "custsync.toml: map: `A` is not COLUMN=FIELD"),
    (
        "map = ['A=email', 'A=job']",
        "custsync.toml: map: `A` is given twice",
    ),
    (
        "set = 'job'",
        "custsync.toml: set: `job` is not FIELD=VALUE",
    ),
    (
        "[set]\nid = 7",
        "custsync.toml: set: `id` cannot be the same in every row",
    ),
    (
        "[set]\njbo = 'x'",
        "custsync.toml: set: `jbo` is not a field of the API; did you mean `job`?",
    ),
    (
        "[set]\nemail = 'x'",
        "custsync.toml: set: email is not an e-mail address (format)",
    ),
    (
        "values = 'gender:M'",
        "custsync.toml: values: `gender:M` is not FIELD:TEXT=VALUE",
    ),
    (
        "values.gender = 'M=male'",
        "custsync.toml: values.gender: this setting takes a table, not one value",
    ),
    (
        "values.gender.M = ['male']",
        "custsync.toml: values.gender.M: this setting takes text, a number, true or false, not a list",
    ),
    (
        "values.gendre.M = 'male'",
        "custsync.toml: values: `gendre` is not a field of the API; did you mean `gender`?",
    ),
    (
        "values.id.1 = '2'",
        "custsync.toml: values: `id` cannot have mapped values",
    ),
    (
        "values.gender.M = 'man'",
        "custsync.toml: values: the replacement of `M` in gender is not one of male, female, other (enum)",
    ),
    (
        "[map.A]\nB = 'email'",
        "custsync.toml: map.A: this setting takes text, a number, true or false, not a table",
    ),
    (
        "[rate.a]\nb = 1",
        "custsync.toml: rate: this setting takes one value, not a table",
    ),
    (
        "[vlaues.gender]\nM = 'male'",
        "custsync.toml: vlaues: unknown setting; did you mean `values`?",
    ),
    (
        "null-string = 'id=-'",
        "custsync.toml: null-string: `id` cannot be null",
    ),
    (
        "null-string.emial = '-'",
        "custsync.toml: null-string: `emial` is not a field of the API; did you mean `email`?",
    ),
    (
        "null-string.email.a = '-'",
        "custsync.toml: null-string.email: this setting takes text or a list, not a table",
    ),
    (
        "token = 'hunter2'",
        "custsync.toml: token: a configuration file must not hold a token",
    ),
    (
        "token = ['hunter2']",
        "custsync.toml: token: a configuration file must not hold a token",
    ),
];

#[test]
fn a_file_that_cannot_be_used_says_why() {
    for (toml, want) in UNUSABLE_FILES {
        let problems = Scenario::default().toml(toml).problems(Verb::Check);
        assert!(problems[0].contains(want), "{toml}: {problems:?}");
    }
}

#[test]
fn no_error_repeats_a_secret() {
    for scenario in [
        Scenario::default().toml("token = 'hunter2'"),
        Scenario::default().toml("token = 'hunter2"),
        Scenario::default().variable("CUSTSYNC_TOKEN", "hunter2 x"),
        Scenario::default().flag("base-url", "https://me:hunter2@a.example/"),
        Scenario::default().flag("base-url", "me:hunter2@a.example"),
        Scenario::default().flag("base-url", "https://me:hunter2@:x"),
    ] {
        let error = scenario
            .resolve(Verb::Check)
            .expect_err("it cannot be used");
        assert!(
            !format!("{error} {error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
    let settings = Scenario::default()
        .variable("CUSTSYNC_TOKEN", "hunter2")
        .settings(Verb::Run);
    assert!(!format!("{settings:?}").contains("hunter2"));
    assert_eq!(effective(&settings, "token").value, ShownValue::Secret);
}

#[test]
fn what_contradicts_is_refused() {
    let with_token = || Scenario::default().variable("CUSTSYNC_TOKEN", "abc");
    let sandbox = || Scenario::default().flag("sandbox", true);
    let check = |verb: Verb, scenario: Scenario, want: &str| {
        let problems = scenario.problems(verb);
        assert!(
            problems.len() == 1 && problems[0].contains(want),
            "{problems:?}, not {want}"
        );
    };
    for (verb, scenario, want) in [
        (Verb::Run, Scenario::default(), "no token: "),
        (
            Verb::Run,
            Scenario::default().variable("CUSTSYNC_TOKEN", " \n"),
            "CUSTSYNC_TOKEN: the value is empty",
        ),
        (
            Verb::Run,
            with_token().variable("CUSTSYNC_TOKEN_FILE", "f"),
            "CUSTSYNC_TOKEN and CUSTSYNC_TOKEN_FILE contradict",
        ),
        (
            Verb::Run,
            with_token().flag("quiet", true).flag("verbose", 1),
            "--quiet and --verbose contradict",
        ),
        (
            Verb::Run,
            with_token().flag("fresh", true).flag("run-dir", "d"),
            "--fresh and --run-dir contradict",
        ),
        (
            Verb::Run,
            with_token().flag("fresh", true).toml("run-dir = 'd'"),
            "--fresh and custsync.toml: run-dir contradict",
        ),
        (
            Verb::Run,
            with_token().flag("base-url", "http://a.example"),
            "--base-url: plain http to a.example",
        ),
        (
            Verb::Run,
            sandbox().flag("base-url", "https://a.example"),
            "--base-url has no effect with --sandbox",
        ),
        (
            Verb::Run,
            sandbox().flag("token-file", "f"),
            "--token-file has no effect with --sandbox",
        ),
        (
            Verb::Run,
            with_token().flag("sandbox-seed", "2"),
            "--sandbox-seed has no effect without --sandbox",
        ),
        (
            Verb::Run,
            with_token().flag("explain", "3"),
            "--explain has no effect in a run that sends",
        ),
        (
            Verb::Check,
            Scenario::default()
                .flag("explain", "3")
                .flag("output-format", "json"),
            "--explain and --output-format json contradict each other",
        ),
        (
            Verb::Check,
            Scenario::default()
                .toml("explain = 3")
                .variable("CUSTSYNC_OUTPUT_FORMAT", "json"),
            "custsync.toml: explain and CUSTSYNC_OUTPUT_FORMAT json contradict each other",
        ),
    ] {
        check(verb, scenario, want);
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStringExt as _;
    let bytes = OsString::from_vec(vec![0xff]);
    let problems = Scenario::default()
        .variable("CUSTSYNC_RATE", bytes.clone())
        .problems(Verb::Check);
    assert_eq!(problems, ["CUSTSYNC_RATE: the value is not UTF-8"]);
    Scenario::default()
        .variable("OTHER", bytes)
        .settings(Verb::Check);
}

#[test]
fn a_misspelt_token_is_led_to_the_environment_only() {
    let problems = Scenario::default()
        .toml("tokn = 'x'")
        .variable("CUSTSYNC_TOKN", "x")
        .problems(Verb::Check);
    assert_eq!(
        problems,
        [
            "CUSTSYNC_TOKN: unknown setting; did you mean `CUSTSYNC_TOKEN`?",
            "custsync.toml: tokn: unknown setting",
        ]
    );
}
