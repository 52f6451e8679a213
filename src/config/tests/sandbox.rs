//! The settings of the sandbox, as its options.

use serde_json::json;

use super::Scenario;
use crate::config::Verb;
use crate::sandbox::{
    ETags, Edits, PageTotal, Pages, Put, Reads, SandboxOptions, Share, SuccessShape,
};

fn options(scenario: Scenario) -> SandboxOptions {
    let settings = scenario.settings(Verb::Sandbox).sandbox;
    settings.options(settings.listen, "token".to_owned(), None)
}

#[test]
fn customers_are_answered_as_they_are_listed() {
    let check = |scenario: Scenario, want: &[(u64, &str)]| {
        let want = want
            .iter()
            .map(|(id, kind)| (*id, kind.parse().unwrap()))
            .collect();
        assert_eq!(options(scenario).answers, want);
    };
    check(Scenario::default(), &[]);
    let want = [(7, "406-html"), (9, "429-no-retry-after")];
    let items = ["7=406-html", "9=429-no-retry-after"];
    check(
        Scenario::default().flag("sandbox-answer", json!(items)),
        &want,
    );
    check(
        Scenario::default().variable("CUSTSYNC_SANDBOX_ANSWER", items.join(",")),
        &want,
    );
    check(
        Scenario::default().toml("[sandbox-answer]\n7 = '406-html'\n9 = '429-no-retry-after'"),
        &want,
    );
}

#[test]
fn what_is_no_answer_is_refused() {
    let check = |item: &str, want: &str| {
        let problems = Scenario::default()
            .flag("sandbox-answer", json!([item]))
            .problems(Verb::Sandbox);
        assert!(
            problems.len() == 1 && problems[0].contains(want),
            "{item}: {problems:?}"
        );
    };
    check("7", "--answer: `7` is not ID=KIND");
    check("0=422", "`0` is not a whole number from 1");
    check("=422", "`` is not a whole number");
    check("7=200", "'200' is not a kind of fault");
    check("7=503=2%", "'503=2%' is not a kind of fault");
    check("7=", "'' is not a kind of fault");
}

#[test]
fn the_end_of_http2_connections_reaches_the_options() {
    let check = |text: &str, want: Option<u64>| {
        assert_eq!(
            options(Scenario::default().flag("sandbox-goaway-after", text)).goaway_after,
            want
        );
    };
    check("none", None);
    check("1000", Some(1000));
    let problems = Scenario::default()
        .flag("sandbox-goaway-after", "0")
        .problems(Verb::Sandbox);
    assert!(
        problems[0].contains("`0` is not a whole number from 1"),
        "{problems:?}"
    );
}

#[test]
fn faults_and_reads_reach_the_options() {
    let scenario = Scenario::default()
        .flag("sandbox-fault", "404-text=50%@2s..4s")
        .flag("sandbox-reads", "stale");
    let options = options(scenario);
    assert_eq!(
        (options.faults, options.reads),
        ("404-text=50%@2s..4s".parse().unwrap(), Reads::Stale)
    );
    let problems = Scenario::default()
        .flag("sandbox-fault", "blackhole")
        .problems(Verb::Sandbox);
    let want = "--fault: 'blackhole' is not a fault with a share, a span or both, as in 503=2%";
    assert!(problems[0].starts_with(want), "{problems:?}");
}

#[test]
fn the_ways_of_the_api_reach_the_options() {
    let by_default = options(Scenario::default());
    assert_eq!(
        (by_default.put, by_default.etags, by_default.old_data),
        (Put::Merge, ETags::Missing, Share::default())
    );
    let scenario = Scenario::default()
        .flag("sandbox-put", "replace")
        .flag("sandbox-reads-after", "100")
        .flag("sandbox-total", "top")
        .flag("sandbox-pages", "moving")
        .flag("sandbox-edits", "10%")
        .flag("sandbox-success", "no-data")
        .flag("sandbox-echo", "job=ignore,email=lower-case")
        .flag("sandbox-etags", true)
        .flag("sandbox-old-data", "20%");
    let asked_for = options(scenario);
    assert_eq!(
        (asked_for.put, asked_for.etags, asked_for.old_data),
        (Put::Replace, ETags::Strong, "20%".parse().unwrap())
    );
    assert_eq!(
        (asked_for.echo, asked_for.success_shape),
        (
            "job=ignore,email=lower-case".parse().unwrap(),
            SuccessShape::NoData
        )
    );
    assert_eq!(
        (asked_for.page_total, asked_for.pages),
        (PageTotal::Top, Pages::Moving)
    );
    assert_eq!(asked_for.reads_after, 100);
    let after_a_tenth = Edits {
        before: Share::default(),
        after: "10%".parse().unwrap(),
    };
    assert_eq!(asked_for.edits, after_a_tenth);
    let problems = Scenario::default()
        .flag("sandbox-old-data", "101%")
        .problems(Verb::Sandbox);
    assert!(
        problems[0].starts_with("--old-data: '101%' is not a share from 0% to 100%"),
        "{problems:?}"
    );
}
