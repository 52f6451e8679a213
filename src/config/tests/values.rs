//! Settings that can be used, in all their spellings.

use serde_json::json;

use super::{Scenario, effective};
use crate::config::Verb;
use crate::config::api::Target;
use crate::config::output::Verbosity;
use crate::config::provenance::ShownValue;
use crate::input::{
    Constants, EmptyRule, EmptyRules, InputName, MappingRules, NullStrings, RulePlaces, ValueMaps,
};
use crate::schedule::error_limit::ErrorLimit;

#[test]
fn lists_and_tables_come_in_every_spelling() {
    let mapping = |scenario: Scenario| {
        scenario
            .settings(Verb::Check)
            .input
            .rules
            .mapping
            .with_places(RulePlaces::default())
    };
    let want = MappingRules::new(
        &[
            ("A=1".to_owned(), "email".to_owned()),
            ("B".to_owned(), "job".to_owned()),
        ],
        &[],
    );
    let want = want.expect("columns of their own");
    assert_eq!(
        mapping(Scenario::default().flag("map", json!(["A=1=email", "B=job"]))),
        want
    );
    assert_eq!(
        mapping(Scenario::default().variable("CUSTSYNC_MAP", "A=1=email,B=job")),
        want
    );
    assert_eq!(
        mapping(Scenario::default().toml("[map]\n\"A=1\" = 'email'\nB = 'job'")),
        want
    );
    assert_eq!(
        mapping(Scenario::default().toml("map = ['A=1=email', 'B=job']")),
        want
    );

    let empty = |scenario: Scenario| scenario.settings(Verb::Check).input.rows.cells.empty;
    let want = EmptyRules::new(EmptyRule::Error, [("email", EmptyRule::Null)]).expect("a field");
    assert_eq!(
        empty(Scenario::default().flag("empty", json!(["error", "email=null"]))),
        want
    );
    assert_eq!(
        empty(Scenario::default().variable("CUSTSYNC_EMPTY", "error,email=null")),
        want
    );
    assert_eq!(
        empty(Scenario::default().toml("empty = {default = 'error', email = 'null'}")),
        want
    );
    let want = EmptyRules::new(EmptyRule::Null, []).expect("no field");
    assert_eq!(empty(Scenario::default().toml("empty = 'null'")), want);

    let mut want = Constants::default();
    want.add("job", "A=1".to_owned()).expect("a field");
    want.add("user_id", "7".to_owned()).expect("a field");
    let want = MappingRules::default().with_constants(want);
    assert_eq!(
        mapping(Scenario::default().flag("set", json!(["job=A=1", "user_id=7"]))),
        want
    );
    assert_eq!(
        mapping(Scenario::default().variable("CUSTSYNC_SET", "job=A=1,user_id=7")),
        want
    );
    assert_eq!(
        mapping(Scenario::default().toml("[set]\njob = 'A=1'\nuser_id = 7")),
        want
    );

    let ignoring = |columns: &[&str]| {
        let columns: Vec<_> = columns.iter().map(|column| (*column).to_owned()).collect();
        MappingRules::new(&[], &columns).expect("columns of their own")
    };
    let listed = || Scenario::default().toml("ignore = ['A', 'B']");
    assert_eq!(mapping(listed()), ignoring(&["A", "B"]));
    assert_eq!(
        mapping(listed().variable("CUSTSYNC_IGNORE", "C")),
        ignoring(&["C"]),
        "a stronger list replaces the weaker one"
    );
    assert_eq!(
        mapping(listed().variable("CUSTSYNC_IGNORE", "")),
        ignoring(&[]),
        "the empty list too"
    );
    assert_eq!(
        mapping(Scenario::default().toml("ignore = 'A, really'")),
        ignoring(&["A, really"])
    );
}

#[test]
fn texts_of_fields_come_in_every_spelling() {
    let values = |scenario: Scenario| scenario.settings(Verb::Check).input.rows.cells.values;
    let mut want = ValueMaps::default();
    for (field, text, value) in [
        ("gender", "M", "male"),
        ("gender", "", "other"),
        ("job", "1=a:b", "Nurse"),
    ] {
        want.add(field, text.to_owned(), value.to_owned())
            .expect("a field");
    }
    let items = ["gender:M=male", "gender:=other", "job:1=a:b=Nurse"];
    assert_eq!(
        values(Scenario::default().flag("values", json!(items))),
        want
    );
    assert_eq!(
        values(Scenario::default().variable("CUSTSYNC_VALUES", items.join(","))),
        want
    );
    let tables = "[values.gender]\nM = 'male'\n'' = 'other'\n[values.job]\n'1=a:b' = 'Nurse'";
    assert_eq!(values(Scenario::default().toml(tables)), want);
    let shown = effective(
        &Scenario::default().toml(tables).settings(Verb::Check),
        "values",
    )
    .value;
    assert_eq!(
        shown,
        ShownValue::Many(
            ["gender:=other", "gender:M=male", "job:1=a:b=Nurse"]
                .map(str::to_owned)
                .into()
        )
    );
    assert_eq!(
        values(Scenario::default().toml("[values]")),
        ValueMaps::default()
    );

    let nulls = |scenario: Scenario| scenario.settings(Verb::Check).input.rows.cells.null_strings;
    let mut want = NullStrings::everywhere([String::new(), "x=y".to_owned()]);
    want.add_for("email", "-".to_owned()).expect("a field");
    want.add_for("email", "n=a".to_owned()).expect("a field");
    let items = ["", "x=y", "email=-", "email=n=a"];
    assert_eq!(
        nulls(Scenario::default().flag("null-string", json!(items))),
        want
    );
    assert_eq!(
        nulls(Scenario::default().variable("CUSTSYNC_NULL_STRING", items.join(","))),
        want
    );
    assert_eq!(
        nulls(Scenario::default().toml(&format!("null-string = {items:?}"))),
        want
    );
    assert_eq!(
        nulls(
            Scenario::default().toml("[null-string]\ndefault = ['', 'x=y']\nemail = ['-', 'n=a']")
        ),
        want
    );
    let want = NullStrings::everywhere(["email=-".to_owned()]);
    assert_eq!(
        nulls(Scenario::default().toml("null-string.default = 'email=-'")),
        want
    );
}

#[test]
fn what_seems_to_contradict_and_does_not_is_taken() {
    let with_token = || Scenario::default().variable("CUSTSYNC_TOKEN", "abc");
    let verbosity = |scenario: Scenario| scenario.settings(Verb::Run).output.verbosity;
    assert_eq!(
        verbosity(with_token().toml("verbose = true")),
        Verbosity::Detailed
    );
    assert_eq!(
        verbosity(with_token().toml("verbose = 2").flag("quiet", true)),
        Verbosity::Quiet
    );
    assert_eq!(
        verbosity(with_token().toml("quiet = true").flag("verbose", 2)),
        Verbosity::Everything
    );
    assert_eq!(
        verbosity(with_token().toml("quiet = true").flag("verbose", 0)),
        Verbosity::Quiet
    );

    let sandboxed = Scenario::default()
        .flag("sandbox", true)
        .toml("base-url = 'https://a.example'\ntoken-file = 'f'");
    assert!(matches!(
        sandboxed.settings(Verb::Run).api.target,
        Target::Sandbox
    ));
    for scenario in [
        with_token().toml("sandbox-seed = 2"),
        with_token().flag("base-url", "http://127.0.0.1:1"),
        with_token()
            .flag("base-url", "http://a.example")
            .flag("allow-http", true),
        with_token().inputs(&["-", "a.csv", "b/a.csv"]),
    ] {
        assert!(matches!(
            scenario.settings(Verb::Run).api.target,
            Target::Remote { .. }
        ));
    }
    let inputs = with_token()
        .inputs(&["-", "./a.csv"])
        .settings(Verb::Run)
        .input
        .files;
    assert_eq!(inputs, [InputName::Stdin, InputName::Path("a.csv".into())]);
    Scenario::default()
        .toml("sandbox = true")
        .settings(Verb::Check);
    with_token()
        .toml("fresh = true")
        .flag("run-dir", "d")
        .settings(Verb::Run);
    with_token()
        .flag("fresh", true)
        .flag("run-dir", "d")
        .settings(Verb::Check);
    with_token().toml("explain = 3").settings(Verb::Run);
    with_token()
        .toml("explain = 3\noutput-format = 'json'")
        .settings(Verb::Run);
    with_token()
        .flag("explain", "0")
        .flag("output-format", "json")
        .settings(Verb::Check);
}

#[test]
fn a_check_has_no_error_limit_of_its_own() {
    let check = |verb: Verb, want: &str| {
        let limit = Scenario::default()
            .variable("CUSTSYNC_TOKEN", "abc")
            .settings(verb)
            .sending
            .max_errors;
        assert_eq!(limit, want.parse::<ErrorLimit>().unwrap(), "{verb:?}");
    };
    check(Verb::Run, "10%");
    check(Verb::Config, "10%");
    check(Verb::Check, "none");
}
