//! Precedence of the sources, over every setting, and the place of errors.

use secrecy::ExposeSecret;
use serde_json::json;

use super::{Scenario, effective};
use crate::config::api::Target;
use crate::config::provenance::{Provenance, ShownValue};
use crate::config::secret::SecretSource;
use crate::config::{BelongsTo, Settings, Verb};

/// The kinds of settings that sources write differently.
#[derive(Clone, Copy)]
enum Kind {
    One,
    Many,
    Switch,
}

/// Every setting, with three values: for the file, the environment and the flag. Secrets have none.
const SAMPLES: [(&str, Kind, [&str; 3]); 134] = [
    ("format", Kind::One, ["csv", "tsv", "ndjson"]),
    ("delimiter", Kind::One, [";", "|", "tab"]),
    ("quotes", Kind::One, ["on", "off", "on"]),
    ("escape", Kind::One, ["\\", "\\", "\\"]),
    ("ragged", Kind::One, ["pad", "error", "pad"]),
    ("header-row", Kind::One, ["1", "2", "3"]),
    ("map", Kind::Many, ["A=email", "B=job", "C=id"]),
    ("ignore", Kind::Many, ["A", "B", "C"]),
    ("unless-changed-since", Kind::One, ["D", "E", "F"]),
    ("loose-headers", Kind::Switch, ["1", "true", "true"]),
    ("set", Kind::Many, ["job=a", "job=b=c", "gender=male"]),
    (
        "values",
        Kind::Many,
        ["gender:M=male", "gender:=other", "job:a:b=c"],
    ),
    ("empty", Kind::Many, ["null", "email=null", "error"]),
    ("null-string", Kind::Many, ["NULL", "-", "n/a"]),
    (
        "date-format",
        Kind::Many,
        ["%d.%m.%Y", "%m/%d/%Y", "%Y/%m/%d"],
    ),
    ("two-digit-years", Kind::One, ["1900", "1930", "2000"]),
    ("allow", Kind::Many, ["damaged", "decimals", "damaged"]),
    ("trim", Kind::Switch, ["1", "true", "true"]),
    ("overtaken", Kind::One, ["send", "leave-out", "send"]),
    ("skip-rows", Kind::One, ["1", "2", "3"]),
    ("max-rows", Kind::One, ["1", "2", "3"]),
    ("encoding", Kind::One, ["latin1", "utf-16le", "auto"]),
    ("no-header", Kind::Switch, ["1", "true", "true"]),
    ("columns", Kind::Many, ["id", "job", "email"]),
    ("json-path", Kind::One, ["a", "b.c", "d"]),
    ("sheet", Kind::One, ["a", "b", "c"]),
    ("explain", Kind::One, ["1", "2", "3"]),
    (
        "base-url",
        Kind::One,
        [
            "https://a.example",
            "https://b.example",
            "https://c.example",
        ],
    ),
    ("tenant", Kind::One, ["1", "2", "3"]),
    ("token-file", Kind::One, ["a", "b", "c"]),
    ("input-token-file", Kind::One, ["a", "b", "c"]),
    ("client-secret-file", Kind::One, ["a", "b", "c"]),
    ("ca-file", Kind::One, ["a", "b", "c"]),
    ("allow-http", Kind::Switch, ["1", "true", "true"]),
    ("http2", Kind::Switch, ["1", "true", "true"]),
    ("sandbox", Kind::Switch, ["1", "true", "true"]),
    ("client-id", Kind::One, ["a", "b", "c"]),
    ("scope", Kind::One, ["a", "b", "c d"]),
    (
        "auth-url",
        Kind::One,
        [
            "https://a.example",
            "https://b.example",
            "https://c.example",
        ],
    ),
    (
        "token-url",
        Kind::One,
        [
            "https://a.example",
            "https://b.example",
            "https://c.example",
        ],
    ),
    ("redirect-port", Kind::One, ["1", "0", "65535"]),
    ("paste", Kind::Switch, ["1", "true", "true"]),
    ("no-browser", Kind::Switch, ["1", "true", "true"]),
    ("rate", Kind::One, ["1/s", "2/m", "unlimited"]),
    ("max-in-flight", Kind::One, ["1", "2", "1024"]),
    ("timeout", Kind::One, ["1ms", "2s", "1h"]),
    ("attempts", Kind::One, ["1", "2", "100"]),
    ("max-errors", Kind::One, ["1", "2%", "none"]),
    ("canary", Kind::One, ["1", "20", "10000"]),
    ("canary-then", Kind::One, ["go", "stop", "go"]),
    (
        "hours",
        Kind::One,
        [
            "22:00-06:00",
            "09:00-17:00 UTC",
            "22:00-06:00 Europe/Berlin",
        ],
    ),
    ("echo", Kind::One, ["reject", "off", "warn"]),
    ("unique", Kind::One, ["reject", "last", "all"]),
    ("retry", Kind::One, ["rejected", "failed", "rejected"]),
    ("left-out", Kind::One, ["trust", "probe", "trust"]),
    ("complete", Kind::Switch, ["1", "true", "true"]),
    ("skip-equal", Kind::Switch, ["1", "true", "true"]),
    ("fill", Kind::Many, ["job", "email", "country_id"]),
    ("undoable", Kind::Switch, ["1", "true", "true"]),
    ("force", Kind::Switch, ["1", "true", "true"]),
    ("without-field", Kind::Many, ["job", "email", "country_id"]),
    ("read", Kind::One, ["each", "list", "auto"]),
    ("sample", Kind::One, ["10", "20", "30"]),
    ("expect-equal", Kind::Switch, ["1", "true", "true"]),
    ("hashes-only", Kind::Switch, ["1", "true", "true"]),
    ("max-wait", Kind::One, ["0s", "2m", "168h"]),
    ("ignore-until", Kind::Switch, ["1", "true", "true"]),
    ("grace", Kind::One, ["0s", "2s", "1h"]),
    ("rate-file", Kind::One, ["a", "b", "c"]),
    (
        "rate-redis",
        Kind::One,
        ["redis://a", "rediss://b/1", "redis://u@c:1"],
    ),
    ("rate-redis-password-file", Kind::One, ["a", "b", "c"]),
    ("rate-key", Kind::One, ["a", "b", "c"]),
    ("state", Kind::One, ["a", "b", "c"]),
    ("full-resync", Kind::Switch, ["1", "true", "true"]),
    ("resync-part", Kind::One, ["1/2", "1/30", "1/1000"]),
    ("max-changes", Kind::One, ["1", "2%", "none"]),
    ("changes", Kind::One, ["a", "b", "c"]),
    ("without-state", Kind::Switch, ["1", "true", "true"]),
    ("plan", Kind::One, ["a", "b", "c"]),
    ("plan-max-age", Kind::One, ["1h", "2h", "none"]),
    ("write-plan", Kind::Switch, ["1", "true", "true"]),
    ("shard", Kind::One, ["1/2", "2/2", "3/4"]),
    ("shards", Kind::One, ["1", "2", "1000"]),
    ("run-dir", Kind::One, ["a", "b", "c"]),
    ("fresh", Kind::Switch, ["1", "true", "true"]),
    ("lock-wait", Kind::One, ["0s", "1m", "24h"]),
    ("failed-format", Kind::One, ["xlsx", "ndjson", "excel-csv"]),
    ("output-format", Kind::One, ["json", "text", "json"]),
    ("summary-file", Kind::One, ["a", "b", "c"]),
    ("metrics-file", Kind::One, ["a", "b", "c"]),
    ("publish", Kind::One, ["a", "s3://b/", "c"]),
    ("publish-values", Kind::Switch, ["1", "true", "true"]),
    ("publish-every", Kind::One, ["1s", "2m", "24h"]),
    (
        "metrics-addr",
        Kind::One,
        ["127.0.0.1:1", "127.0.0.1:0", "[::1]:3"],
    ),
    ("metrics-push-file", Kind::One, ["a", "b", "c"]),
    ("bad-rows-exit", Kind::One, ["0", "1", "10"]),
    ("ping-url-file", Kind::One, ["a", "b", "c"]),
    ("ping-on", Kind::One, ["every", "finished", "every"]),
    ("notify-url-file", Kind::One, ["a", "b", "c"]),
    ("notify-on", Kind::One, ["always", "stopped", "bad"]),
    ("notify-format", Kind::One, ["slack", "json", "slack"]),
    ("on-finish", Kind::One, ["a", "b", "c"]),
    ("termination-message", Kind::One, ["a", "b", "none"]),
    ("log-format", Kind::One, ["json", "text", "json"]),
    ("progress", Kind::One, ["off", "auto", "off"]),
    ("color", Kind::One, ["always", "never", "auto"]),
    ("quiet", Kind::One, ["1", "2", "3"]),
    ("verbose", Kind::One, ["1", "2", "3"]),
    (
        "sandbox-listen",
        Kind::One,
        ["127.0.0.1:1", "127.0.0.1:2", "[::1]:3"],
    ),
    ("sandbox-customers", Kind::One, ["1", "2", "3"]),
    ("sandbox-window", Kind::One, ["1/s", "2/s", "none"]),
    ("sandbox-latency", Kind::One, ["1ms", "2ms", "1ms..3ms"]),
    (
        "sandbox-fault",
        Kind::One,
        ["503=1%", "blackhole@1s..", "none"],
    ),
    (
        "sandbox-answer",
        Kind::Many,
        ["1=404-text", "2=422", "3=blackhole"],
    ),
    ("sandbox-goaway-after", Kind::One, ["1", "1000", "none"]),
    (
        "sandbox-reads",
        Kind::One,
        ["forbidden", "missing", "stale"],
    ),
    ("sandbox-reads-after", Kind::One, ["1", "2", "3"]),
    ("sandbox-total", Kind::One, ["top", "meta", "top"]),
    ("sandbox-pages", Kind::One, ["moving", "still", "moving"]),
    ("sandbox-put", Kind::One, ["replace", "merge", "replace"]),
    (
        "sandbox-echo",
        Kind::One,
        ["job=ignore", "email=lower-case", "none"],
    ),
    ("sandbox-etags", Kind::Switch, ["1", "true", "true"]),
    ("sandbox-old-data", Kind::One, ["1%", "0.25%", "100%"]),
    ("sandbox-edits", Kind::One, ["1%", "0.25%", "100%"]),
    ("sandbox-seed", Kind::One, ["1", "2", "3"]),
    ("sandbox-ledger", Kind::One, ["a", "b", "c"]),
    ("sandbox-token-lifetime", Kind::One, ["1s", "2m", "none"]),
    (
        "sandbox-errors",
        Kind::One,
        ["laravel", "both", "documented"],
    ),
    ("sandbox-success", Kind::One, ["bare", "empty", "no-data"]),
    ("metrics-push", Kind::One, ["", "", ""]),
    ("token", Kind::One, ["", "", ""]),
    ("ping-url", Kind::One, ["", "", ""]),
    ("notify-url", Kind::One, ["", "", ""]),
    ("rate-redis-password", Kind::One, ["", "", ""]),
];

/// The settings that only the environment may hold.
const SECRETS: [&str; 5] = [
    "token",
    "metrics-push",
    "ping-url",
    "notify-url",
    "rate-redis-password",
];

fn variable_of(name: &str) -> String {
    format!("CUSTSYNC_{}", name.replace('-', "_").to_uppercase())
}

#[test]
fn the_samples_are_all_settings() {
    let mut sampled: Vec<&str> = SAMPLES.iter().map(|(name, _, _)| *name).collect();
    let mut known: Vec<&str> = Settings::defaults(Verb::Run)
        .iter()
        .map(|setting| setting.name)
        .collect();
    sampled.sort_unstable();
    known.sort_unstable();
    assert_eq!(sampled, known);
}

/// Each of them changes the requests, or their destination.
#[test]
fn a_run_is_known_by_what_changes_its_requests() {
    let settings = Settings::defaults(Verb::Run);
    let of_run = settings
        .iter()
        .filter(|setting| setting.belongs_to != BelongsTo::Process);
    let mut names: Vec<&str> = of_run.map(|setting| setting.name).collect();
    names.sort_unstable();
    let want = [
        "allow",
        "base-url",
        "columns",
        "complete",
        "date-format",
        "delimiter",
        "empty",
        "encoding",
        "escape",
        "fill",
        "format",
        "header-row",
        "ignore",
        "json-path",
        "loose-headers",
        "map",
        "no-header",
        "null-string",
        "overtaken",
        "plan",
        "quotes",
        "ragged",
        "sandbox",
        "set",
        "sheet",
        "skip-equal",
        "state",
        "tenant",
        "trim",
        "two-digit-years",
        "undoable",
        "unique",
        "unless-changed-since",
        "values",
    ];
    assert_eq!(names, want);
}

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    for (name, kind, [file, environment, flag]) in SAMPLES {
        if SECRETS.contains(&name) {
            continue;
        }
        let toml = match kind {
            Kind::One => format!("{name} = {file:?}"),
            Kind::Many => format!("{name} = [{file:?}]"),
            Kind::Switch => format!("{name} = true"),
        };
        let flag_value = match kind {
            Kind::One => json!(flag),
            Kind::Many => json!([flag]),
            Kind::Switch => json!(true),
        };
        let file_value = if matches!(kind, Kind::Switch) {
            "true"
        } else {
            file
        };
        let check = |scenario: Scenario, value: &str, provenance: Provenance| {
            let value = match kind {
                Kind::Many => ShownValue::Many(vec![value.to_owned()]),
                Kind::One | Kind::Switch => ShownValue::One(value.to_owned()),
            };
            let got = effective(&scenario.settings(Verb::Sandbox), name);
            assert_eq!(
                (got.name, got.value, got.provenance),
                (name, value, provenance)
            );
        };

        let default = effective(&Scenario::default().settings(Verb::Sandbox), name);
        assert_eq!(default.provenance, Provenance::Default, "{name}");
        let from_file = || Scenario::default().toml(&toml);
        check(
            from_file(),
            file_value,
            Provenance::File("custsync.toml".into()),
        );
        let variable = variable_of(name);
        let from_environment = || from_file().variable(&variable, environment);
        check(
            from_environment(),
            environment,
            Provenance::Environment(variable.clone()),
        );
        let bare = name.strip_prefix("sandbox-").unwrap_or(name);
        check(
            from_environment().flag(name, flag_value),
            flag,
            Provenance::Flag(format!("--{bare}")),
        );
    }
}

#[test]
fn a_bad_value_is_told_by_its_origin() {
    let check = |scenario: Scenario, want: &str| {
        let problems = scenario.problems(Verb::Check);
        assert!(
            problems.len() == 1 && problems[0].starts_with(want),
            "{problems:?}, not {want}"
        );
    };
    for (name, kind, _) in SAMPLES {
        // A path or a text of any kind is never bad but when it is empty.
        if name == "null-string" || SECRETS.contains(&name) {
            continue;
        }
        check(
            Scenario::default().toml(&format!("{name} = ''")),
            &format!("custsync.toml: {name}: "),
        );
        match kind {
            Kind::One => {
                check(
                    Scenario::default().variable(&variable_of(name), ""),
                    &format!("{}: ", variable_of(name)),
                );
                check(Scenario::default().flag(name, ""), &format!("--{name}: "));
            }
            Kind::Switch => {
                check(
                    Scenario::default().variable(&variable_of(name), "yes"),
                    &format!("{}: ", variable_of(name)),
                );
            }
            Kind::Many => {
                let settings = Scenario::default()
                    .flag(name, json!([""]))
                    .settings(Verb::Check);
                assert_eq!(
                    effective(&settings, name).value,
                    ShownValue::Many(Vec::new()),
                    "{name}"
                );
            }
        }
    }
    check(
        Scenario::default().toml("rate = '50'"),
        "custsync.toml: rate: `50` has no unit: write 50/s, 50/m or 50/h",
    );
    check(
        Scenario::default().variable("CUSTSYNC_TIMEOUT", "30"),
        "CUSTSYNC_TIMEOUT: `30` has no unit",
    );
}

#[test]
fn the_stronger_source_of_the_token_wins() {
    let check = |scenario: Scenario, want: &str| {
        let Target::Remote { token, .. } = scenario.settings(Verb::Run).api.target else {
            panic!("not the sandbox")
        };
        let got = match token {
            SecretSource::Missing => "missing".to_owned(),
            SecretSource::Value(token) => token.expose_secret().to_owned(),
            SecretSource::File(path) => path.display().to_string(),
        };
        assert_eq!(got, want);
    };
    let with_token = || Scenario::default().variable("CUSTSYNC_TOKEN", "abc\n");
    check(with_token(), "abc");
    check(Scenario::default().toml("token-file = 'f'"), "f");
    check(with_token().toml("token-file = 'f'"), "abc");
    check(with_token().flag("token-file", "f"), "f");
}

#[test]
fn the_stronger_source_of_the_address_to_push_to_wins() {
    let check = |scenario: Scenario, want: &str| {
        let push = scenario.settings(Verb::Run).output.metrics.push;
        let got = match push.source {
            SecretSource::Missing => "nothing".to_owned(),
            SecretSource::Value(address) => address.expose_secret().to_owned(),
            SecretSource::File(path) => path.display().to_string(),
        };
        assert_eq!(got, want);
    };
    let token = || Scenario::default().variable("CUSTSYNC_TOKEN", "abc");
    let with_url = || token().variable("CUSTSYNC_METRICS_PUSH", "https://a.example/x");
    check(token(), "nothing");
    check(with_url(), "https://a.example/x");
    check(token().toml("metrics-push-file = 'f'"), "f");
    check(
        with_url().toml("metrics-push-file = 'f'"),
        "https://a.example/x",
    );
    check(with_url().flag("metrics-push-file", "f"), "f");
    let both = with_url().variable("CUSTSYNC_METRICS_PUSH_FILE", "f");
    assert_eq!(
        both.problems(Verb::Run),
        ["CUSTSYNC_METRICS_PUSH and CUSTSYNC_METRICS_PUSH_FILE contradict each other: keep one"]
    );
}

#[test]
fn an_address_to_push_to_is_not_shown() {
    let secret =
        || Scenario::default().variable("CUSTSYNC_METRICS_PUSH", "https://a.example/sparrow");
    let settings = secret().settings(Verb::Check);
    assert_eq!(
        effective(&settings, "metrics-push").value,
        ShownValue::Secret
    );
    assert!(!format!("{settings:?}").contains("sparrow"));
    let bad = Scenario::default().variable("CUSTSYNC_METRICS_PUSH", "ftp://a.example/sparrow");
    assert_eq!(
        bad.problems(Verb::Run)[0],
        "CUSTSYNC_METRICS_PUSH: the address does not begin with https://"
    );
    let in_file = Scenario::default().toml("metrics-push = 'https://a.example/sparrow'");
    assert_eq!(
        in_file.problems(Verb::Check),
        [
            "custsync.toml: metrics-push: a configuration file must not hold this address, which is a secret: set CUSTSYNC_METRICS_PUSH, or name a file with `metrics-push-file`"
        ]
    );
}
