//! Failed rows, corrected as docs/run-directory.md describes and run again: no older value replaces
//! a newer one, however often that is done, and whatever the configuration says about the first
//! input's layout.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{End, FailedRow, Form, Ledger, Scenario};

/// A row that has to be corrected, with an older e-mail address than the row after it.
const CSV: &str = "id,email,job,address\n7,old@@example.org,Nurse,\n7,new@example.org,,\n8,eva@example.org,Clerk,\n";
const NDJSON: &str = concat!(
    "{\"id\":7,\"email\":\"old@@example.org\",\"job\":\"Nurse\"}\n",
    "{\"id\":7,\"email\":\"new@example.org\"}\n",
    "{\"id\":8,\"email\":\"eva@example.org\",\"job\":\"Clerk\"}\n",
);

/// The state of each customer after all applied updates.
fn state(ledger: &Ledger) -> BTreeMap<u64, BTreeMap<String, Value>> {
    let mut state: BTreeMap<u64, BTreeMap<String, Value>> = BTreeMap::new();
    for update in &ledger.0 {
        let body = update
            .body
            .as_object()
            .expect("a body is an object")
            .clone();
        state.entry(update.id).or_default().extend(body);
    }
    state
}

fn customer(ledger: &Ledger, id: u64) -> Value {
    json!(state(ledger).get(&id))
}

fn text(end: &End, name: &str) -> String {
    String::from_utf8(end.file(name).to_vec()).expect("failed rows are UTF-8")
}

/// Runs one file in another run directory, with the scenario's sandbox and these flags.
fn run(scenario: &Scenario, file: &str, run_dir: &str, flags: &str) -> End {
    let url = scenario.url().expect("a sandbox has a URL");
    scenario.shell(&format!(
        "custsync run {file} --run-dir {run_dir} --base-url {url} --rate unlimited {flags}"
    ))
}

/// The file of failed rows in another run directory.
fn failed_of(scenario: &Scenario, run_dir: &str, name: &str) -> String {
    let bytes = scenario
        .read(&format!("{run_dir}/{name}"))
        .unwrap_or_else(|| panic!("no {name} in {run_dir}"));
    String::from_utf8(bytes).expect("failed rows are UTF-8")
}

fn summary_of(scenario: &Scenario, run_dir: &str) -> Value {
    serde_json::from_slice(
        &scenario
            .read(&format!("{run_dir}/summary.json"))
            .expect("a summary"),
    )
    .expect("JSON")
}

#[test]
fn a_corrected_row_leaves_the_newer_values_of_later_rows() {
    for (form, content) in [(Form::Csv, CSV), (Form::Ndjson, NDJSON)] {
        let name = format!("customers.{}", form.extension());
        let failed_name = format!("failed.{}", form.extension());
        let scenario = Scenario::new()
            .file(&name, content)
            .unlimited()
            .sandbox(|_| {});
        let end = scenario.run([]).exits(1).counts([2, 1, 0, 0, 0]);
        let [failed] = end.failed_rows(form).try_into().expect("one row");
        let FailedRow {
            place,
            overtaken,
            error,
            ..
        } = failed;
        assert_eq!(
            (place, overtaken),
            (
                format!("{name}:{}", if form == Form::Csv { 2 } else { 1 }),
                vec!["email".to_owned()]
            )
        );
        assert!(
            error.ends_with("; later rows of this customer have set email"),
            "{error}"
        );

        scenario.write(
            "corrected",
            text(&end, &failed_name).replace("old@@", "old@"),
        );
        let check = scenario
            .custsync(["check", "corrected", "--run-dir", "checked"])
            .exits(0);
        check.prints("1 row with fields left out because later rows have set them");
        let end = run(&scenario, "corrected", "again", "").exits(0);
        assert_eq!(
            customer(&end.ledger, 7),
            json!({"email": "new@example.org", "job": "Nurse"}),
            "{form:?}: what the correction would put back is not sent"
        );
        let summary = summary_of(&scenario, "again");
        assert_eq!(
            (&summary["updated"], &summary["fields_overtaken"]),
            (&json!(1), &json!(1))
        );

        // A user who wants the older value back asks for it.
        let end = run(&scenario, "corrected", "forced", "--overtaken send").exits(0);
        assert_eq!(
            customer(&end.ledger, 7),
            json!({"email": "old@example.org", "job": "Nurse"})
        );
    }
}

#[test]
fn a_run_continues_only_with_its_first_rule_for_overtaken_fields() {
    let scenario = Scenario::new()
        .file("customers.csv", CSV)
        .unlimited()
        .sandbox(|_| {});
    scenario.run([]).exits(1);
    scenario
        .run(["--overtaken", "send"])
        .exits(5)
        .says("overtaken");
    let end = scenario.run(["--failed-format", "excel-csv"]).exits(1);
    assert!(
        text(&end, "failed.csv").starts_with("\u{feff}custsync_row,"),
        "the form of the files is no part of it"
    );
}

#[test]
fn a_row_of_which_nothing_is_left_is_superseded() {
    let scenario = Scenario::new().file(
        "customers.csv",
        "id,email\n7,old@@example.org\n7,new@example.org\n",
    );
    let scenario = scenario.unlimited().sandbox(|_| {});
    let end = scenario.run([]).exits(1);
    scenario.write(
        "corrected.csv",
        text(&end, "failed.csv").replace("old@@", "old@"),
    );
    let requests = scenario.counts().requests;
    let check = scenario
        .custsync([
            "check",
            "corrected.csv",
            "--run-dir",
            "checked",
            "--explain",
            "1",
        ])
        .exits(0);
    let check =
        check.prints("not sent, because later rows of its customer have set all of its fields");
    check.prints("→ email, left out: a later row has set it");
    for unique in ["all", "reject", "last"] {
        run(
            &scenario,
            "corrected.csv",
            unique,
            &format!("--unique {unique}"),
        )
        .exits(0);
        let summary = summary_of(&scenario, unique);
        let counts = ["records", "updated", "superseded", "fields_overtaken"]
            .map(|name| summary[name].clone());
        assert_eq!(
            counts,
            [1, 0, 1, 1].map(|count| json!(count)),
            "--unique {unique}"
        );
    }
    assert_eq!(scenario.counts().requests, requests, "nothing was sent");
}

#[test]
fn a_row_that_is_not_sent_does_not_supersede_one_that_is() {
    let scenario = Scenario::new().sandbox(|_| {});
    let header = "custsync_row,custsync_outcome,custsync_error,custsync_overtaken,id,email,job\n";
    scenario.write(
        "failed.csv",
        format!("{header}c.csv:2,failed,,,7,a@example.org,\nc.csv:4,failed,,job,7,,Nurse\n"),
    );
    let end = run(&scenario, "failed.csv", "run", "--unique last").exits(0);
    assert_eq!(customer(&end.ledger, 7), json!({"email": "a@example.org"}));
}

#[test]
fn a_bad_value_of_a_field_that_is_not_sent_is_no_fault() {
    let scenario = Scenario::new()
        .file("customers.csv", CSV)
        .unlimited()
        .sandbox(|_| {});
    let end = scenario.run([]).exits(1);
    scenario.write("failed.csv", text(&end, "failed.csv"));
    let end = run(&scenario, "failed.csv", "again", "").exits(0);
    assert_eq!(
        customer(&end.ledger, 7),
        json!({"email": "new@example.org", "job": "Nurse"})
    );
}

#[test]
fn columns_do_not_stack_and_say_the_first_input_s_place() {
    for (form, content) in [(Form::Csv, CSV), (Form::Ndjson, NDJSON)] {
        let scenario = Scenario::new().file(&format!("customers.{}", form.extension()), content);
        let scenario = scenario.unlimited().sandbox(|_| {});
        let name = format!("failed.{}", form.extension());
        // Another field is broken, so that the row fails again; then the row is corrected.
        let end = scenario.run([]).exits(1);
        let broken = text(&end, &name)
            .replace("\"7\"", "7")
            .replace("Nurse", "\u{1}")
            .replace('\u{1}', &"N".repeat(300));
        scenario.write("broken", &broken);
        let first = end.failed_rows(form);
        run(&scenario, "broken", "second", "").exits(1);
        let second = failed_of(&scenario, "second", &name);
        assert_eq!(
            second.matches("custsync_row").count(),
            usize::from(form == Form::Csv),
            "{second}"
        );
        assert_eq!(
            second.matches("custsync\":").count(),
            usize::from(form == Form::Ndjson),
            "{second}"
        );
        assert_eq!(second.lines().count(), broken.lines().count());
        scenario.write("third", second.replace(&"N".repeat(300), "Nurse"));
        let again = crate::harness::failed_rows(form, second.as_bytes());
        assert_eq!(again[0].place, first[0].place);
        assert_eq!(
            again[0].overtaken,
            ["email"],
            "it is known from the first run alone"
        );
        let end = run(&scenario, "third", "third-run", "").exits(0);
        assert_eq!(
            customer(&end.ledger, 7),
            json!({"email": "new@example.org", "job": "Nurse"})
        );
    }
}

#[test]
fn settings_of_the_first_input_s_layout_do_not_apply() {
    let rows = "Export of 2026\r\n7|old@@example.org|K\u{fc}nstler\r\n7|new@example.org|\r\n8|eva@@example.org|Clerk\r\n";
    let latin: Vec<u8> = rows
        .chars()
        .map(|character| u8::try_from(u32::from(character)).expect("Latin-1"))
        .collect();
    let scenario = Scenario::new()
        .file("customers.dat", latin)
        .unlimited()
        .sandbox(|_| {});
    let settings = "format = 'csv'\nskip-rows = 1\nmax-rows = 3\nno-header = true\ncolumns = ['Nr', 'Mail', 'job']\n\
        delimiter = '|'\nencoding = 'windows-1252'\n[map]\nNr = 'id'\nMail = 'email'\n";
    scenario.write("custsync.toml", settings);
    let end = scenario.run([]).exits(1).counts([1, 2, 0, 0, 0]);
    let failed = text(&end, "failed.csv");
    assert!(
        failed.starts_with(
            "\u{feff}custsync_row|custsync_outcome|custsync_error|custsync_overtaken|Nr|Mail|job\n"
        ),
        "{failed}"
    );
    scenario.write("failed.csv", failed.replace("@@", "@"));
    let end = run(&scenario, "failed.csv", "again", "").exits(0);
    let end = end.says(
        "failed.csv holds failed rows and is read by its own layout, without format, delimiter, encoding, columns, skip-rows, max-rows",
    );
    assert_eq!(
        customer(&end.ledger, 7),
        json!({"email": "new@example.org", "job": "Künstler"})
    );
    assert_eq!(
        customer(&end.ledger, 8),
        json!({"email": "eva@example.org", "job": "Clerk"})
    );
    // Beside other inputs, the range applies to those only, and each row keeps its number when the
    // run continues.
    scenario.write(
        "more.csv",
        "0\n9|ida@example.org|x\n10|ada@example.org|x\n11|ea@example.org|x\n12|zu@example.org|x\n",
    );
    let before = end.ledger.len();
    for _ in 0..2 {
        let end = run(
            &scenario,
            "failed.csv more.csv failed.csv.2",
            "several",
            "--max-rows 2",
        );
        end.exits(2);
        scenario.write("failed.csv.2", failed.replace("@@", "@"));
        let end = run(
            &scenario,
            "failed.csv more.csv failed.csv.2",
            "several",
            "--max-rows 2",
        )
        .exits(0);
        assert_eq!(summary_of(&scenario, "several")["updated"], 2 + 2 + 2);
        assert_eq!(end.ledger.len() - before, 2 + 2 + 2);
        assert!(
            !state(&end.ledger).contains_key(&11),
            "the third row of the other input"
        );
        std::fs::remove_file(scenario.path("failed.csv.2")).expect("our own file");
    }
}

#[test]
fn a_byte_order_mark_stays_and_excel_gets_its_own_format() {
    let check = |content: &str, flags: [&str; 2], want: &str| {
        let scenario = Scenario::new()
            .file("a.csv", content)
            .unlimited()
            .sandbox(|_| {});
        let end = scenario.run(flags).exits(1);
        let failed = text(&end, "failed.csv");
        assert_eq!(
            failed,
            want.replace("ERROR", "\"email is not an e-mail address (format)\""),
            "{content:?} {flags:?}"
        );
        scenario.write("corrected.csv", failed.replace('@', "a@example.org"));
        let end = run(&scenario, "corrected.csv", "again", "").exits(0);
        assert_eq!(customer(&end.ledger, 1), json!({"email": "a@example.org"}));
    };
    let columns = "custsync_row;custsync_outcome;custsync_error;custsync_overtaken;id;email";
    let (auto, excel) = (
        ["--failed-format", "auto"],
        ["--failed-format", "excel-csv"],
    );
    check(
        "id;email\r\n1;@\r\n",
        auto,
        &format!("{columns}\na.csv:2;invalid;ERROR;;1;@\n"),
    );
    check(
        "\u{feff}id;email\n1;@\n",
        auto,
        &format!("\u{feff}{columns}\na.csv:2;invalid;ERROR;;1;@\n"),
    );
    check(
        "id;email\n1;@\n",
        excel,
        &format!("\u{feff}{columns}\r\na.csv:2;invalid;ERROR;;1;@\r\n"),
    );
}

#[test]
fn nothing_is_left_of_an_earlier_check() {
    let bad = "id,email\n1,@\n";
    let scenario = Scenario::new()
        .file("a.csv", bad)
        .file("b.csv", bad)
        .sandbox(|_| {});
    let end = scenario.check([]).exits(1);
    assert!(end.files.contains_key("failed-1.csv") && end.files.contains_key("failed-2.csv"));
    scenario.write("a.ndjson", "{\"id\":1,\"email\":\"@\"}\n");
    scenario.write("run/failed.spool", "of a process that was killed");
    scenario.write("run/failed-list.csv", "of the user's own");
    let end = scenario
        .custsync(["check", "a.ndjson", "--run-dir", "run"])
        .exits(1);
    let failed: Vec<_> = end
        .files
        .keys()
        .filter(|name| name.starts_with("failed"))
        .collect();
    assert_eq!(failed, ["failed-list.csv", "failed.ndjson"]);
    scenario.write("a.ndjson", "{\"id\":1,\"email\":\"a@example.org\"}\n");
    let end = scenario
        .custsync(["check", "a.ndjson", "--run-dir", "run"])
        .exits(0);
    let failed: Vec<_> = end
        .files
        .keys()
        .filter(|name| name.starts_with("failed"))
        .collect();
    assert_eq!(failed, ["failed-list.csv"]);
}

#[test]
fn failed_rows_that_cannot_be_written_stop_nothing_else() {
    let scenario = Scenario::new()
        .file("customers.csv", CSV)
        .unlimited()
        .sandbox(|_| {});
    std::fs::create_dir_all(scenario.path("run")).expect("a directory");
    std::os::unix::fs::symlink("/dev/full", scenario.path("run/failed.csv.unfinished"))
        .expect("a link");
    let end = scenario.run([]).exits(5).counts([2, 1, 0, 0, 0]);
    assert_eq!(
        customer(&end.ledger, 8),
        json!({"email": "eva@example.org", "job": "Clerk"}),
        "all other rows were sent"
    );
    assert!(end.stderr.contains("failed.csv"), "{}", end.stderr);
    assert_eq!(
        end.stderr.matches("failed rows").count(),
        1,
        "it is said once: {}",
        end.stderr
    );
    std::fs::remove_file(scenario.path("run/failed.csv.unfinished")).unwrap_or_default();
    let end = scenario.run([]).exits(1).counts([2, 1, 0, 0, 0]);
    assert!(end.files.contains_key("failed.csv"));
}

/// The errors of the file's rows, in custsync's own words.
fn errors_in(file: &str) -> Vec<String> {
    crate::harness::failed_rows(Form::Csv, file.as_bytes())
        .into_iter()
        .map(|row| row.error)
        .collect()
}

#[test]
fn columns_have_the_numbers_that_they_had_in_the_first_input() {
    let rows = "id,first_name,email,job,address,\n1,Anna,a@@example.org,Nurse,Oak 1,\n2,Bo,b@example.org,Clerk,Oak 2,x\n3,Cy,\n";
    let scenario = Scenario::new()
        .file("a.csv", rows)
        .flags(["--max-errors", "none"])
        .unlimited()
        .sandbox(|_| {});
    let first = text(&scenario.run([]).exits(1), "failed.csv");
    scenario.write("failed.csv", &first);
    run(&scenario, "failed.csv", "again", "--max-errors none").exits(1);
    let errors = errors_in(&first);
    assert_eq!(
        errors_in(&failed_of(&scenario, "again", "failed.csv")),
        errors,
        "the same words"
    );
    assert!(
        errors[1].contains("has a value in column 6, which has no name (--ignore 'column 6'"),
        "{errors:?}"
    );
    assert!(
        errors[2].contains("has 3 columns where the header has 6"),
        "{errors:?}"
    );

    scenario.write(
        "corrected.csv",
        first.replace("@@", "@").replace("Cy,", "Cy,,,,"),
    );
    let end = run(&scenario, "corrected.csv", "ignored", "--ignore 'column 6'").exits(0);
    let anna =
        json!({"first_name": "Anna", "email": "a@example.org", "job": "Nurse", "address": "Oak 1"});
    assert_eq!(
        customer(&end.ledger, 1),
        anna,
        "no other column is left out"
    );
    let beyond = run(&scenario, "corrected.csv", "beyond", "--ignore 'column 7'");
    beyond
        .exits(2)
        .says("--ignore: no input has a column `column 7`");
    scenario.write(
        "broken.csv",
        first
            .replace("job,", "jop,")
            .replace(",email,", ",created_at,"),
    );
    let broken = run(&scenario, "broken.csv", "broken", "")
        .exits(2)
        .says("broken.csv:1: column 4 `jop` is not a field");
    broken.says("broken.csv:1: column 3 `created_at` cannot be set");
}

#[test]
fn a_row_that_may_be_cut_off_is_not_sent_until_the_user_asks_for_it() {
    let rows = "id,job,address,email\n1,a,b,c@@example.org\n2,Nurse,12 High Ro";
    let utf_16: Vec<u8> = format!("\u{feff}{rows}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for content in [rows.as_bytes().to_vec(), utf_16] {
        let scenario = Scenario::new().file("a.csv", content).flags([
            "--max-errors",
            "none",
            "--ragged",
            "pad",
        ]);
        let scenario = scenario.unlimited().sandbox(|_| {});
        let first = text(&scenario.run([]).exits(1), "failed.csv");
        let flags = "--ragged pad --max-errors none";
        // Unchanged, and as saved by a spreadsheet, which pads rows.
        for (name, file) in [
            ("same", first.clone()),
            ("filled", first.replace("High Ro\n", "High Ro,\n")),
        ] {
            scenario.write("failed.csv", &file);
            let end = run(
                &scenario,
                "failed.csv",
                name,
                &format!("{flags} --overtaken send"),
            )
            .exits(1);
            assert_eq!(end.ledger.len(), 0, "{name}");
            assert_eq!(summary_of(&scenario, name)["invalid"], 2);
            let again = failed_of(&scenario, name, "failed.csv");
            assert!(
                name != "same" || again == first,
                "nothing has changed: {again}"
            );
            assert!(errors_in(&again)[1].contains("is it cut off?"), "{again}");
        }
        scenario.write(
            "corrected.csv",
            first
                .replace("High Ro", "High Road")
                .replace("@@", "@")
                .replace(",cut_off,", ",,"),
        );
        let end = run(&scenario, "corrected.csv", "corrected", flags).exits(0);
        assert_eq!(
            customer(&end.ledger, 2),
            json!({"job": "Nurse", "address": "12 High Road"})
        );
    }
}

#[test]
fn a_row_that_may_be_cut_off_says_so_beside_its_other_faults() {
    let scenario = Scenario::new().file("a.csv", "id,job,address\n1,a,b\n2,\"Nurse\"s");
    let end = scenario.check(["--ragged", "pad"]).exits(1);
    let row = end.failed_rows(Form::Csv).pop().expect("a row");
    assert!(
        row.error.contains("(quotes)") && row.error.contains("(cut_off)"),
        "{}",
        row.error
    );
    assert_eq!(row.overtaken, ["cut_off"]);
    scenario.write(
        "corrected.csv",
        text(&end, "failed.csv").replace("\"Nurse\"s", "Nurses"),
    );
    let again = scenario
        .custsync([
            "check",
            "corrected.csv",
            "--ragged",
            "pad",
            "--run-dir",
            "again",
        ])
        .exits(1);
    again.prints("   1  row    ");
}

#[test]
fn own_columns_are_read_whatever_the_delimiter_is() {
    for delimiter in [' ', '\'', '.', ':', '(', '-', '=', '`'] {
        let line = |cells: [&str; 3]| cells.join(&delimiter.to_string()) + "\n";
        let rows = [
            line(["id", "job", "gender"]),
            line(["7", "x", "bad"]),
            line(["7", "y", ""]),
        ]
        .concat();
        let scenario = Scenario::new()
            .file("a b.csv", rows)
            .unlimited()
            .sandbox(|_| {});
        let word = delimiter.to_string();
        let url = scenario.url().expect("a sandbox has a URL");
        let to = ["--run-dir", "run", "--base-url", &url];
        let flags = [
            "run",
            "a b.csv",
            "--delimiter",
            &word,
            "--quotes",
            "off",
            to[0],
            to[1],
            to[2],
            to[3],
        ];
        scenario.custsync(flags).exits(1);
        let failed = failed_of(&scenario, "run", "failed.csv");
        assert!(
            failed
                .lines()
                .all(|line| line.matches(delimiter).count() == 6),
            "{failed}"
        );
        scenario.write("failed.csv", failed.replace("bad", "male"));
        let end = run(&scenario, "failed.csv", "again", "--quotes off").exits(0);
        assert_eq!(
            customer(&end.ledger, 7),
            json!({"job": "y", "gender": "male"}),
            "{failed}"
        );
    }
}

#[test]
fn failed_rows_of_any_input_that_can_be_read_can_be_read() {
    // A record of the greatest length, full of doubled quotes, and the greatest number of columns.
    let long = "\\\"".repeat(200_000) + &"\"".repeat(640_000);
    let names: Vec<_> = (0..1022).map(|number| format!("x{number}")).collect();
    let cases = [
        (
            format!("id,email,notes\n1,@,{long}\n2,@,\n"),
            "--escape \\\\ --quotes off --ignore notes".to_owned(),
        ),
        (
            format!(
                "id,email,{}\n1,@{}\n2,@{}\n",
                names.join(","),
                ",".repeat(1022),
                ",".repeat(1022)
            ),
            format!("--ignore {}", names.join(",")),
        ),
    ];
    for (content, flags) in cases {
        let scenario = Scenario::new()
            .file("a.csv", content)
            .unlimited()
            .sandbox(|_| {});
        let flags = format!("{flags} --max-errors none");
        run(&scenario, "a.csv", "first", &flags).exits(1);
        assert_eq!(summary_of(&scenario, "first")["invalid"], 2);
        let failed = failed_of(&scenario, "first", "failed.csv");
        scenario.write(
            "failed.csv",
            failed
                .replace(",@,", ",a@example.org,")
                .replace("\"@\"", "\"a@example.org\""),
        );
        run(&scenario, "failed.csv", "again", &flags).exits(0);
        assert_eq!(summary_of(&scenario, "again")["updated"], 2);
    }
}

#[test]
fn a_text_with_bad_escapes_stays_invalid_until_it_is_corrected_as_its_error_says() {
    let rows = "id,job,address\n1,C\\zz,a\\tb\n2,\"a\\n\\zb\",\"x\\\"y\"\n3,\"q\"\"\\q\",z\n";
    let scenario =
        Scenario::new()
            .file("a.csv", rows)
            .flags(["--escape", "\\", "--max-errors", "none"]);
    let scenario = scenario.unlimited().sandbox(|_| {});
    let end = scenario.run([]).exits(1);
    let failed = text(&end, "failed.csv");
    for error in errors_in(&failed) {
        assert!(
            error.contains(
                "a backslash in column 2 precedes a character that MySQL does not escape"
            ),
            "{error}"
        );
        assert!(
            error.ends_with(
                "write its text as it is meant, without the backslash behind its quotes"
            ),
            "{error}"
        );
    }
    scenario.write("failed.csv", &failed);
    run(&scenario, "failed.csv", "same", "--max-errors none")
        .exits(1)
        .says("");
    assert_eq!(summary_of(&scenario, "same")["invalid"], 3);
    let again = failed_of(&scenario, "same", "failed.csv");
    assert!(
        errors_in(&again)
            .iter()
            .all(|error| error.contains("follows the closing quote of column 2")),
        "{again}"
    );

    let corrected = failed
        .replace("\"\\,", "\",")
        .replace("\\z", "/z")
        .replace("\\q", "/q");
    scenario.write("corrected.csv", corrected);
    let end = run(&scenario, "corrected.csv", "corrected", "").exits(0);
    assert_eq!(
        customer(&end.ledger, 1),
        json!({"job": "C/zz", "address": "a\tb"})
    );
    assert_eq!(
        customer(&end.ledger, 2),
        json!({"job": "a\n/zb", "address": "x\"y"})
    );
    assert_eq!(
        customer(&end.ledger, 3),
        json!({"job": "q\"/q", "address": "z"})
    );
}

/// A row whose cell looks like joined rows stays invalid when it is read again, and is sent once
/// its quotes are right.
#[test]
fn a_row_that_a_missing_quote_has_joined_stays_invalid() {
    let scenario = Scenario::new()
        .file(
            "a.csv",
            "id,job,email\n1,\"a,b@x.de\n2,c,d@x.de\n3,e\",f@x.de\n",
        )
        .sandbox(|_| {});
    let first = scenario.run(["--max-errors", "none"]).exits(1);
    scenario.write("again.csv", first.file("failed.csv"));
    let again = scenario
        .custsync(["check", "again.csv", "--run-dir", "again"])
        .exits(1);
    let message = |end: &End| {
        end.results().row(1)["errors"][0]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let of_first = message(&first);
    assert!(
        of_first.starts_with("column 2 looks like the rest of this row"),
        "{of_first}"
    );
    assert_eq!(message(&again), of_first);
    let failed = String::from_utf8_lossy(again.file("failed.csv"))
        .replace(",\"a,", ",a,")
        .replace("3,e\"", "3,e");
    let (top, rows) = failed.split_once(",1,a,").expect("the row");
    let header = top
        .lines()
        .next()
        .and_then(|line| line.rsplit_once("custsync_overtaken,"))
        .expect("a header")
        .1;
    scenario.write("right.csv", format!("{header}\n1,a,{rows}"));
    let url = scenario.url().expect("a sandbox has a URL");
    scenario
        .custsync(["run", "right.csv", "--run-dir", "right", "--base-url", &url])
        .exits(0);
    let updates = [(1, "a", "b@x.de"), (2, "c", "d@x.de"), (3, "e", "f@x.de")];
    scenario.holds_updates(updates.into_iter().map(|(id, job, email)| {
        (
            id,
            [
                ("job".to_owned(), job.into()),
                ("email".to_owned(), email.into()),
            ]
            .into_iter()
            .collect(),
        )
    }));
}
