//! Mapping of a file's own columns and values to the API's.

use serde_json::{Value, json};

use crate::harness::{End, Scenario, SheetCell, Workbook};

/// A part of values in these files, so that a value in any output is noticed.
const CANARY: &str = "canary-71c9";

/// The updates that the sandbox received, by customer.
fn sent(end: &End) -> Vec<(u64, Value)> {
    end.ledger
        .0
        .iter()
        .map(|update| (update.id, update.body.clone()))
        .collect()
}

/// An input that is sent to a sandbox row by row.
fn file(name: &str, content: &str) -> Scenario {
    Scenario::new()
        .file(name, content)
        .flags(["--max-in-flight", "1", "--max-errors", "none"])
        .sandbox(|_| {})
}

/// Checks that neither run nor check begins: exit code 2, and this message.
fn is_refused(scenario: &Scenario, message: &str) {
    for end in [scenario.run([]), scenario.check([])] {
        let end = end.exits(2).says(message);
        end.is_not_shown(CANARY);
        assert!(
            end.files.is_empty(),
            "nothing was begun: {:?}",
            end.files.keys()
        );
    }
    assert_eq!(scenario.counts().requests, 0, "nothing was sent");
}

#[test]
fn header_names_match_loosely_and_the_log_names_them() {
    const FILE: &str = "Customer-ID,First Name,E-MAIL,NOTES\n7,Zo\u{eb},a@example.com,x\n";
    let scenario = || file("a.csv", FILE).flags(["-m", "customer id=id", "--ignore", "Notes"]);
    let end = scenario().flags(["--loose-headers"]).run([]).exits(0);
    assert_eq!(
        sent(&end),
        [(
            7,
            json!({"first_name": "Zo\u{eb}", "email": "a@example.com"})
        )]
    );
    let said = "a.csv: column 1 `Customer-ID` is read as customer id, column 2 `First Name` is read as first_name, \
        column 3 `E-MAIL` is read as email, column 4 `NOTES` is read as Notes (--loose-headers)";
    let end = end.says(said);
    assert_eq!(
        end.stderr.matches("is read as").count(),
        4,
        "it is said once: {}",
        end.stderr
    );
    is_refused(
        &scenario(),
        "a.csv:1: column 2 `First Name` is not a field of the API; did you mean `first_name`?\n",
    );
}

#[test]
fn keys_are_never_spelt_loosely() {
    let scenario = file("a.ndjson", "{\"ID\":7,\"Job\":\"x\"}\n").flags(["--loose-headers"]);
    let end = scenario.run([]).exits(1).counts([0, 1, 0, 0, 0]);
    let message = end.results().row(1)["errors"][0]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        message
            .starts_with("has the key `ID`, which is not a field of the API; did you mean `id`?"),
        "{message}"
    );
}

#[test]
fn names_are_compared_as_they_are_read() {
    const ONE: &str = "Gr\u{f6}\u{df}e";
    const TWO: &str = "Gro\u{308}\u{df}e";
    let want = [(7, json!({"job": "x"}))];
    for (in_file, typed) in [(ONE, TWO), (TWO, ONE), (TWO, TWO)] {
        let map = format!("{typed}=job");
        for (name, content) in [
            ("a.csv", format!("id,{in_file}\n7,x\n")),
            ("a.ndjson", json!({"id": 7, in_file: "x"}).to_string()),
        ] {
            assert_eq!(
                sent(&file(name, &content).run(["--map", &map]).exits(0)),
                want,
                "{name} {in_file:?} {typed:?}"
            );
        }
        let ignored = file("a.csv", &format!("id,job,{in_file}\n7,x,y\n"));
        assert_eq!(
            sent(&ignored.run(["--ignore", typed]).exits(0)),
            want,
            "{in_file:?} {typed:?}"
        );
        let loose = file("a.csv", &format!("id,{}\n7,x\n", in_file.to_lowercase()));
        assert_eq!(
            sent(&loose.run(["--loose-headers", "--map", &map]).exits(0)),
            want,
            "{in_file:?} {typed:?}"
        );
        let header: &[SheetCell] = &[SheetCell::Text("id"), SheetCell::Text(in_file)];
        let sheet = Workbook::default().sheet(
            in_file,
            &[header, &[SheetCell::Number("7"), SheetCell::Text("x")]],
        );
        let sheet = Scenario::new()
            .file("a.xlsx", sheet.bytes())
            .sandbox(|_| {});
        assert_eq!(
            sent(&sheet.run(["--sheet", typed, "--map", &map]).exits(0)),
            want,
            "{in_file:?} {typed:?}"
        );
    }
    let twice = file("a.csv", &format!("id,{ONE}\n7,x\n")).flags([
        "-m",
        &format!("{ONE}=job"),
        "--ignore",
        TWO,
    ]);
    is_refused(&twice, "is named more than once in --map and --ignore");
}

#[test]
fn invisible_characters_are_reported_and_can_be_removed() {
    const FILE: &str = "id,\u{feff}first\u{200b}_name,email\n\u{feff}7,\u{200b}Zo\u{eb}\u{202c},\u{202a}a@example.com\n";
    let scenario = || file("a.csv", FILE);
    is_refused(
        &scenario(),
        "a.csv:1: column 2 `\\u{feff}first\\u{200b}_name` is not a field of the API; did you mean `first_name`?\n",
    );
    let end = scenario()
        .flags(["--loose-headers"])
        .run([])
        .exits(1)
        .counts([0, 1, 0, 0, 0]);
    let errors = end.results().row(1)["errors"].clone();
    assert_eq!(
        errors[0]["message"],
        "holds an invisible character around the value (--trim removes it): U+FEFF, a byte order mark, as left by joining files"
    );
    assert_eq!(
        errors[1]["message"],
        "holds an invisible character around the value (--trim removes it): U+202A"
    );
    let end = scenario()
        .flags(["--loose-headers", "--trim"])
        .run([])
        .exits(0);
    assert_eq!(
        sent(&end),
        [(
            7,
            json!({"first_name": "Zo\u{eb}", "email": "a@example.com"})
        )]
    );
}

#[test]
fn a_run_is_only_continued_with_the_same_spelling() {
    let scenario = file("a.csv", "id,job\n7,x\n");
    scenario.run([]).exits(0);
    scenario
        .run(["--loose-headers"])
        .exits(5)
        .says("holds a run with another loose-headers (`false`, now `true`)");
    scenario
        .run(["--set", "email=a@example.com"])
        .exits(5)
        .says("holds a run with another set: use the same value");
}

#[test]
fn a_constant_is_in_every_row_and_counts_as_a_field() {
    let csv = file("a.csv", "id,email\n7,\n8,a@example.com\n");
    let ndjson = file(
        "a.ndjson",
        "{\"id\":7}\n{\"id\":8,\"email\":\"a@example.com\"}\n",
    );
    for scenario in [csv, ndjson] {
        let flags = [
            "--set",
            "job=a=b",
            "--set",
            "country_id=084",
            "--set",
            "address=",
            "--empty",
            "address=null",
        ];
        let end = scenario.flags(flags).run([]).exits(0);
        let given = json!({"job": "a=b", "country_id": 84, "address": null});
        let mut with_email = given.clone();
        with_email["email"] = json!("a@example.com");
        assert_eq!(sent(&end), [(7, given), (8, with_email)]);
        assert_eq!(end.summary()["fields_left_out"], 2);
    }
}

#[test]
fn a_constant_that_breaks_the_contract_is_an_error_of_the_settings() {
    let scenario = Scenario::new().input("missing.csv").sandbox(|_| {});
    let set = |value: String| {
        scenario.custsync([
            "check",
            "missing.csv",
            "--set",
            &value,
            "--set",
            "country_id=x",
        ])
    };
    let end = set(format!("email={CANARY}")).exits(2);
    assert_eq!(
        end.stderr,
        "error: --set: email is not an e-mail address (format)\n--set: country_id is not a whole number (type)\n"
    );
    set("id=7".to_owned())
        .exits(2)
        .says("--set: `id` cannot be the same in every row");
    set("emial=x".to_owned())
        .exits(2)
        .says("--set: `emial` is not a field of the API; did you mean `email`?");
    set("job".to_owned())
        .exits(2)
        .says("--set: `job` is not FIELD=VALUE");
    set("country_id=1".to_owned())
        .exits(2)
        .says("--set: `country_id` is given twice");
}

#[test]
fn a_field_is_filled_by_its_column_or_by_a_constant() {
    let csv =
        |flags: [&str; 2]| file("a.csv", &format!("id,Beruf,jbo\n7,{CANARY},x\n")).flags(flags);
    let scenario = csv(["-m", "Beruf=job"]).flags(["--set", "job=Nurse"]);
    let message = "a.csv:1: column 2 `Beruf` and --set both fill `job`\n\
        a.csv:1: column 3 `jbo` is not a field of the API";
    is_refused(&scenario, message);
    let end = csv(["--ignore", "Beruf,jbo"])
        .flags(["--set", "job=Nurse"])
        .run([])
        .exits(0);
    assert_eq!(sent(&end), [(7, json!({"job": "Nurse"}))]);

    let rows = "{\"id\":7,\"job\":null}\n{\"id\":8,\"job\":\"\",\"job\":1}\n{\"id\":9}\n";
    let end = file("a.ndjson", rows)
        .flags(["--set", "job=Nurse"])
        .run([])
        .exits(1)
        .counts([1, 2, 0, 0, 0]);
    for row in [1, 2] {
        let errors = end.results().row(row)["errors"].clone();
        assert_eq!(
            errors,
            json!([{"field": "job", "code": "duplicate_key", "message": "is also given by --set"}])
        );
    }
}

#[test]
fn other_words_become_the_api_s_values_before_all_else_is_decided() {
    const TABLES: &str = "null-string = '-'\n[values.gender]\nM = 'male'\n2 = 'female'\ntrue = 'other'\n'' = '-'\n\
        [values.job]\n'a = b' = ''\n[values.country_id]\nTurkey = 84\n";
    let csv = "id,gender,job,country_id\n1,M,x,Turkey\n2,,a = b,84\n3,2 ,y,\n4,m,y,\n";
    let ndjson = "{\"id\":1,\"gender\":\"M\",\"job\":\"x\",\"country_id\":\"Turkey\"}\n\
        {\"id\":2,\"gender\":\"\",\"job\":\"a = b\",\"country_id\":84}\n\
        {\"id\":3,\"gender\":2,\"job\":\"y\"}\n{\"id\":4,\"gender\":1,\"job\":\"y\"}\n{\"id\":5,\"gender\":true}\n";
    for (name, content, counts) in [
        ("a.csv", csv, [3, 1, 0, 0, 0]),
        ("a.ndjson", ndjson, [4, 1, 0, 0, 0]),
    ] {
        let scenario = file(name, content).flags(["--trim"]);
        scenario.write("custsync.toml", TABLES);
        let end = scenario.run([]).exits(1).counts(counts);
        let want = [
            (1, json!({"gender": "male", "job": "x", "country_id": 84})),
            (2, json!({"gender": null, "country_id": 84})),
            (3, json!({"gender": "female", "job": "y"})),
            (5, json!({"gender": "other"})),
        ];
        let sent = sent(&end);
        assert_eq!(sent, want[..sent.len()], "{name}");
        assert_eq!(end.results().row(4)["errors"][0]["field"], "gender");
    }
}

#[test]
fn a_flag_takes_the_place_of_the_file_s_tables() {
    let scenario = file("a.csv", "id,gender\n1,M\n2,F\n").flags(["--values", "gender:F=female"]);
    scenario.write("custsync.toml", "values.gender.M = 'male'");
    let end = scenario.run([]).exits(1).counts([1, 1, 0, 0, 0]);
    assert_eq!(sent(&end), [(2, json!({"gender": "female"}))]);
    scenario
        .run(["--values", "gender:M=male"])
        .exits(5)
        .says("holds a run with another values: use the same value");
    let refused =
        file("a.csv", "id,gender\n1,M\n").flags(["--values", "id:1=2", "--values", "gender:M=Mr"]);
    is_refused(
        &refused,
        "--values: `id` cannot have mapped values\n--values: the replacement of `M` in gender is",
    );
}

#[test]
fn a_text_can_be_null_in_one_field() {
    let scenario = file(
        "a.csv",
        "id,email,job,address\n1,-,-,x=y\n2,NULL,NULL,email=-\n",
    );
    let end = scenario
        .flags(["--null-string", "email=-", "--null-string", "NULL"])
        .run(["--null-string", "x=y"]);
    let want = [
        (1, json!({"email": null, "job": "-", "address": null})),
        (2, json!({"email": null, "job": null, "address": "email=-"})),
    ];
    assert_eq!(sent(&end.exits(0)), want);
    is_refused(
        &file("a.csv", "id,job\n1,x\n").flags(["--null-string", "id=0"]),
        "--null-string: `id` cannot be null",
    );
}

#[test]
fn the_sample_of_a_mapping_has_the_result_that_its_comments_describe() {
    let scenario = file(
        "shop-export.csv",
        include_str!("../../samples/shop-export.csv"),
    );
    scenario.write("custsync.toml", include_str!("../../samples/custsync.toml"));
    let sent = sent(&scenario.run([]).exits(0).counts([5, 0, 0, 0, 0]));
    let jurgen = json!({
        "first_name": "Jürgen", "last_name": "Lindqvist", "phone_number": "+49 171 3920045",
        "email": "j.lindqvist@example.net", "date_of_birth": "1968-11-17T00:00:00Z", "gender": "male", "country_id": 49,
        "address": "Kastanienallee 9, 50667 Köln", "default_channel_id": 3,
    });
    let ebba = json!({
        "first_name": "Ebba", "last_name": "Sjöström", "phone_number": "070-1740644", "email": null,
        "date_of_birth": "1979-06-30T00:00:00Z", "country_id": 46, "address": null, "default_channel_id": 3,
    });
    assert_eq!((&sent[1], &sent[3]), (&(102, jurgen), &(104, ebba)));
    assert_eq!(
        (&sent[2].1["date_of_birth"], &sent[2].1["gender"]),
        (&json!(null), &json!("other"))
    );
}
