//! Tests of rows: the results of their cells and members.

use super::*;

/// A record's bytes, its line, and either its id and body, or its id and errors.
pub(super) type Row = (String, u64, Result<String, String>);

fn rows(input: &mut Input, rules: &RowRules) -> Vec<Row> {
    rows_or_fault(input, rules).expect("whole records")
}

pub(super) fn rows_or_fault(input: &mut Input, rules: &RowRules) -> Result<Vec<Row>, InputError> {
    let mut rows = Vec::new();
    while let Some(block) = input.next_block()? {
        let found = rows_of_block(&block, input.layout(), rules, 0);
        let explained = rows_of_block(&block, input.layout(), rules, u64::MAX);
        assert_eq!(found, explained, "a row is read as it is explained");
        rows.extend(found);
    }
    Ok(rows)
}

/// Returns the rows of a block, of which this many are explained.
fn rows_of_block(block: &Block, layout: &Layout, rules: &RowRules, explained: u64) -> Vec<Row> {
    let mut rows = Vec::new();
    layout.parse(block, rules, explained, &mut |record| {
        let checked = match record.checked {
            Ok(update) => {
                let mut body = Vec::new();
                update.write_body(&mut body);
                let body = String::from_utf8(body).expect("JSON is UTF-8");
                Ok(format!("{} {body}", update.id()))
            }
            Err(row) => {
                let errors: Vec<_> = row.errors.iter().map(ToString::to_string).collect();
                let id = row.id.map_or_else(|| "?".to_owned(), |id| id.to_string());
                Err(format!("{id} {}", errors.join("; ")))
            }
        };
        rows.push((
            String::from_utf8_lossy(record.raw).into_owned(),
            record.line,
            checked,
        ));
    });
    rows
}

fn check_rows(name: &str, text: &[u8], rules: &RowRules, want: &[(&str, u64, Result<&str, &str>)]) {
    for size in [
        SMALL,
        BlockSize {
            block_bytes: 1,
            ..BlockSize::default()
        },
        BlockSize::default(),
    ] {
        let mut input = open_bytes(name, text, &InputRules::default(), size).expect("a good input");
        let found = rows(&mut input, rules);
        let found = found.iter().map(|(raw, line, checked)| {
            (
                raw.as_str(),
                *line,
                checked.as_ref().map(String::as_str).map_err(String::as_str),
            )
        });
        assert_eq!(found.collect::<Vec<_>>(), want, "{size:?}");
    }
}

#[test]
fn csv_rows_are_read_mapped_and_checked() {
    check_rows(
        "a.csv",
        b"\xef\xbb\xbf\r\nid,email,job\r\n\r\n1,a@b.c,\"x\r\ny\"\r2,,\"\"\"\"\n3,x\n,b@c.d,\n4,\xff,\xc3\n5,\xc3,\xa9",
        &RowRules::default(),
        &[
            ("1,a@b.c,\"x\r\ny\"", 4, Ok(r#"1 {"email":"a@b.c","job":"x\r\ny"}"#)),
            ("2,,\"\"\"\"", 6, Ok(r#"2 {"job":"\""}"#)),
            (
                "3,x",
                7,
                Err(
                    "3 row columns: has 2 columns where the header has 3 (--ragged pad if the missing ones are empty)",
                ),
            ),
            (",b@c.d,", 8, Err("? id required: is empty")),
            (
                "4,\u{fffd},\u{fffd}",
                9,
                Err(
                    "4 email encoding: is not UTF-8 (--encoding sets another encoding); job encoding: is not UTF-8 (--encoding sets another encoding)",
                ),
            ),
            (
                "5,\u{fffd},\u{fffd}",
                10,
                Err(
                    "5 email encoding: is not UTF-8 (--encoding sets another encoding); job encoding: is not UTF-8 (--encoding sets another encoding)",
                ),
            ),
        ],
    );
}

#[test]
fn a_byte_order_mark_behind_the_start_is_a_value() {
    let text = "id,job\n1,a\n\u{feff}2,b\n";
    let mark = "? id type: holds an invisible character around the value (--trim removes it): U+FEFF, a byte order mark, as left by joining files";
    let want = |second| {
        [
            ("1,a", 2, Ok(r#"1 {"job":"a"}"#)),
            ("\u{feff}2,b", 3, second),
        ]
    };
    check_rows(
        "a.csv",
        text.as_bytes(),
        &RowRules::default(),
        &want(Err(mark)),
    );
    let trimmed = RowRules {
        cells: CellRules {
            trim: Trim::Trim,
            ..CellRules::default()
        },
        ..RowRules::default()
    };
    check_rows(
        "a.csv",
        text.as_bytes(),
        &trimmed,
        &want(Ok(r#"2 {"job":"b"}"#)),
    );
    let line = "\u{feff}{\"id\":2,\"job\":\"b\"}";
    let mark = "? row format: is not one JSON object: a byte order mark, U+FEFF, precedes it, as in joined files (--trim removes it)";
    let text = format!("{{\"id\":1,\"job\":\"a\"}}\n{line}\n");
    let want = |second| {
        [
            ("{\"id\":1,\"job\":\"a\"}", 1, Ok(r#"1 {"job":"a"}"#)),
            (line, 2, second),
        ]
    };
    check_rows(
        "a.ndjson",
        text.as_bytes(),
        &RowRules::default(),
        &want(Err(mark)),
    );
    check_rows(
        "a.ndjson",
        text.as_bytes(),
        &trimmed,
        &want(Ok(r#"2 {"job":"b"}"#)),
    );
}

#[test]
fn a_csv_line_of_spaces_is_a_row() {
    let ragged = Err(
        "? row columns: has 1 column where the header has 2 (--ragged pad if the missing ones are empty)",
    );
    check_rows(
        "a.csv",
        b"id,job\n  \n \n",
        &RowRules::default(),
        &[("  ", 2, ragged), (" ", 3, ragged)],
    );
}

#[test]
fn ndjson_rows_are_read_mapped_and_checked() {
    let empty = EmptyRules::new(
        EmptyRule::Omit,
        [("job", EmptyRule::Null), ("email", EmptyRule::Error)],
    );
    let cells = CellRules {
        empty: empty.expect("known"),
        null_strings: NullStrings::everywhere(["-".to_owned()]),
        ..CellRules::default()
    };
    let rules = RowRules {
        cells,
        ..RowRules::default()
    };
    let check = |line: &str, want: Result<&str, &str>| {
        check_rows(
            "a.ndjson",
            format!("\u{feff} \n\n{line}\r\n\t\n").as_bytes(),
            &rules,
            &[(line, 3, want)],
        );
    };
    check(
        r#" {"id":1, "job":"a\u00e9\"", "user_id":7} "#,
        Ok(r#"1 {"job":"aé\"","user_id":7}"#),
    );
    check(
        r#"{"id":"9223372036854775807","job":"","email":"-","address":""}"#,
        Ok(r#"9223372036854775807 {"email":null,"job":null}"#),
    );
    check(
        r#"{"id":9223372036854775808,"job":null}"#,
        Err("? id range: is not between 1 and 9223372036854775807"),
    );
    check(
        r#"{"id":1,"email":""}"#,
        Err("1 email required: is empty (--empty error)"),
    );
    check(
        r#"{"id":1,"job":"a","job":"b"}"#,
        Err("1 job duplicate_key: appears more than once in the object"),
    );
    check(
        r#"{"id":1,"address":"","address":"b"}"#,
        Err("1 address duplicate_key: appears more than once in the object"),
    );
    check(
        r#"{"id":1,"job":{"a":[1]},"gender":true}"#,
        Err(
            "1 gender type: is true or false where text is expected; job type: is an array or object (in a workbook: an error such as #N/A) where text is expected",
        ),
    );
    check(
        r#"{"id":1,"job":"\ud800"}"#,
        Err("1 job encoding: holds one half of a surrogate pair without the other"),
    );
    check(r#"{"id":1,"\u006aob":"x"}"#, Ok(r#"1 {"job":"x"}"#));
    check(
        r#"{"id":1,"job":"x","custsync":{"row":1},"custsync_row":2}"#,
        Ok(r#"1 {"job":"x"}"#),
    );
    check(
        r#"{"id":1,"jbo":"x","created_at":1}"#,
        Err(
            "1 row columns: has the key `jbo`, which is not a field of the API; did you mean `job`? (--map KEY=FIELD maps it, --ignore KEY leaves it out); row columns: has the key `created_at`, which cannot be set: the API only returns it (--ignore KEY leaves it out)",
        ),
    );
    for (line, what) in [
        (
            r#"{"id":1,"job":"x"} {"id":2}"#,
            "another one follows it, but NDJSON has one per line (convert it with jq -c . FILE)",
        ),
        (r#"{"id":1,"job":"x"}x"#, "trailing characters at column 19"),
        (r#"{"id":1,}"#, "trailing comma at column 9"),
        (r#"{"id":01}"#, "invalid number at column 8"),
        ("{1:2}", "key must be a string at column 2"),
        (
            r#"{"id":1,"job":"secret"#,
            "the line ends in the middle of it, at column 21",
        ),
        (r#"[{"id":1}]"#, "it is another kind of JSON value"),
        (r#""secret""#, "it is another kind of JSON value"),
        ("17", "it is another kind of JSON value"),
    ] {
        // After a good line, because an input that starts as an array is refused as a whole.
        let text = format!("{{\"id\":1,\"job\":\"x\"}}\n{line}\n");
        let error = format!("? row format: is not one JSON object: {what}");
        let want = [
            (r#"{"id":1,"job":"x"}"#, 1, Ok(r#"1 {"job":"x"}"#)),
            (line, 2, Err(error.as_str())),
        ];
        check_rows("a.ndjson", text.as_bytes(), &rules, &want);
    }
}

#[test]
fn ndjson_without_its_end_is_told_apart() {
    let want = Err(
        "? row format: is not one JSON object: the input ends in the middle of it, at column 9",
    );
    check_rows(
        "a.ndjson",
        b"{\"id\":1,\"",
        &RowRules::default(),
        &[("{\"id\":1,\"", 1, want)],
    );
    let want = Err("? row encoding: is not UTF-8 (--encoding sets another encoding)");
    check_rows(
        "a.ndjson",
        b"{\"id\":\xff}",
        &RowRules::default(),
        &[("{\"id\":\u{fffd}}", 1, want)],
    );
}

#[test]
fn depth_and_many_unknown_keys_are_bounded() {
    let deep = format!(
        "{{\"id\":1,\"job\":{}{}}}",
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    let deep_and_unknown = format!(
        "{{\"id\":1,\"x\":{}{}}}",
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    let unknown: Vec<_> = (0..20)
        .map(|n| format!("\"{n}{}\":1", "k".repeat(100)))
        .collect();
    let unknown = format!("{{\"id\":1,{}}}", unknown.join(","));
    let text = format!("{deep}\n{unknown}\n{deep_and_unknown}\n");
    let mut input = open_bytes(
        "a.ndjson",
        text.as_bytes(),
        &InputRules::default(),
        BlockSize::default(),
    )
    .expect("opens");
    let rows = rows(&mut input, &RowRules::default());
    let errors: Vec<_> = rows
        .into_iter()
        .map(|(_, _, checked)| checked.expect_err("a bad row"))
        .collect();
    assert_eq!(
        errors[0],
        "1 job type: is an array or object (in a workbook: an error such as #N/A) where text is expected"
    );
    assert_eq!(
        errors[1].matches("which is not a field of the API").count(),
        8
    );
    assert!(
        errors[2].starts_with("1 row columns: has the key `x`, which is not a field"),
        "{}",
        errors[2]
    );
    assert!(
        errors[1].contains("has 12 more unknown keys"),
        "{}",
        errors[1]
    );
    assert!(!errors[1].contains(&"k".repeat(65)), "{}", errors[1]);
}

#[test]
fn a_key_that_needs_escapes_is_known_by_its_escapes() {
    let mapping =
        MappingRules::new(&[("e\"m".to_owned(), "email".to_owned())], &[]).expect("good rules");
    let rules = InputRules {
        mapping,
        ..InputRules::default()
    };
    let text = b"{\"id\":7,\"e\\\"m\":\"a@b.c\"}\n{\"id\":7,\"e\"m\":\"a@b.c\"}\n{\"e\\u0022m\":\"a@b.c\",\"id\":7}\n";
    let mut input = open_bytes("-", text, &rules, BlockSize::default()).expect("opens");
    let checked: Vec<_> = rows(&mut input, &RowRules::default())
        .into_iter()
        .map(|row| row.2)
        .collect();
    let good = Ok(r#"7 {"email":"a@b.c"}"#.to_owned());
    assert_eq!(
        checked,
        [
            good.clone(),
            Err("? row format: is not one JSON object: expected `:` at column 12".to_owned()),
            good
        ]
    );
}

#[test]
fn mapping_holds_for_keys_too() {
    let map = [
        ("kunde".to_owned(), "id".to_owned()),
        ("mail".to_owned(), "email".to_owned()),
    ];
    let mapping =
        MappingRules::new(&map, &["note".to_owned(), "job".to_owned()]).expect("good rules");
    let rules = InputRules {
        mapping,
        ..InputRules::default()
    };
    let text = b"{\"kunde\":7,\"mail\":\"a@b.c\",\"note\":[1],\"job\":2}\n";
    let mut input = open_bytes("-", text, &rules, SMALL).expect("opens");
    let checked: Vec<_> = self::rows(&mut input, &RowRules::default())
        .into_iter()
        .map(|row| row.2)
        .collect();
    assert_eq!(checked, [Ok(r#"7 {"email":"a@b.c"}"#.to_owned())]);
}
