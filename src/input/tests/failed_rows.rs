//! Tests of files of failed rows that are read again: by their own layout, and without the fields
//! that later rows set.

use super::rows::rows_or_fault;
use super::*;
use crate::download::DownloadOptions;

const HEADER: &str =
    "custsync_row,custsync_outcome,custsync_error,custsync_overtaken,id,email,job,date_of_birth";

fn leave_out() -> RowRules {
    RowRules::default()
}

fn send() -> RowRules {
    RowRules {
        overtaken: OvertakenRule::Send,
        ..RowRules::default()
    }
}

/// Checks the result of each row of a text, and the number of rows with overtaken fields.
fn check(text: &str, rules: &RowRules, want: &[Result<&str, &str>]) {
    for size in [
        SMALL,
        BlockSize {
            block_bytes: 1,
            ..BlockSize::default()
        },
        BlockSize::default(),
    ] {
        let size = BlockSize {
            record_bytes_max: 1 << 10,
            ..size
        };
        let mut input =
            open_bytes("x", text.as_bytes(), &InputRules::default(), size).expect("a good input");
        let rows = rows_or_fault(&mut input, rules).expect("whole records");
        let found: Vec<_> = rows
            .iter()
            .map(|(_, _, row)| row.as_ref().map(String::as_str).map_err(String::as_str))
            .collect();
        assert_eq!(found, want, "{text}");
    }
}

const NO_DATE: &str = "1 date_of_birth format: is not a date: expected RFC 3339 or YYYY-MM-DD (--date-format adds other forms)";
const NO_FIELD: &str =
    "1 row format: names something in custsync_overtaken that is not a field of the API";

#[test]
fn fields_that_later_rows_have_set_are_left_out_of_csv() {
    let check = |overtaken: &str, cells: &str, want: Result<&str, &str>| {
        check(
            &format!("{HEADER}\nx.csv:3,failed,why,{overtaken},{cells}\n"),
            &leave_out(),
            &[want],
        );
    };
    check("", "1,a@b.c,x,", Ok(r#"1 {"email":"a@b.c","job":"x"}"#));
    check("email", "1,a@b.c,x,", Ok(r#"1 {"job":"x"}"#));
    check(
        "\"email  date_of_birth\"",
        "1,nobody,x,never",
        Ok(r#"1 {"job":"x"}"#),
    );
    check("email job", "1,a@b.c,x,", Ok("1 {}"));
    // The other fields are checked as usual, and so is the id.
    check("email", "1,a@b.c,7x,never", Err(NO_DATE));
    check(
        "email job",
        "x,a@b.c,x,",
        Err("? id type: is not a whole number"),
    );
    check(
        "email",
        "1,,,",
        Err("1 row required: has nothing to update: no field besides the id"),
    );
    check("emial", "1,a@b.c,x,", Err(NO_FIELD));
    check("id", "1,a@b.c,x,", Err(NO_FIELD));
    check(
        "email",
        "1,a@b.c",
        Err(
            "1 row columns: has 2 columns where the header has 4 (--ragged pad if the missing ones are empty)",
        ),
    );
}

#[test]
fn fields_that_later_rows_have_set_are_left_out_of_ndjson() {
    let check = |own: &str, want: Result<&str, &str>| {
        check(
            &format!("{{{own},\"id\":1,\"email\":\"a@b.c\",\"job\":\"x\"}}\n"),
            &leave_out(),
            &[want],
        );
        let behind = format!("{{\"id\":1,\"email\":\"a@b.c\",\"job\":\"x\",{own}}}\n");
        check_behind_another(&behind, want);
    };
    check(
        r#""custsync":{"row":1}"#,
        Ok(r#"1 {"email":"a@b.c","job":"x"}"#),
    );
    check(
        r#""custsync":{"row":"x:1","overtaken":["email"]}"#,
        Ok(r#"1 {"job":"x"}"#),
    );
    check(
        r#""custsync":{"row":"x:1","overtaken":["email","\u006aob"]}"#,
        Ok("1 {}"),
    );
    check(
        r#""custsync":{"row":"x:1","overtaken":["emial"]}"#,
        Err(NO_FIELD),
    );
    check(
        r#""custsync":{"row":"x:1","overtaken":"email"}"#,
        Err(NO_FIELD),
    );
    // A workbook of failed rows has texts, and a user's own member of this name says nothing.
    check(
        r#""custsync_row":"x:1","custsync_overtaken":"job""#,
        Ok(r#"1 {"email":"a@b.c"}"#),
    );
    check(
        r#""custsync_row":"x:1","custsync_overtaken":"""#,
        Ok(r#"1 {"email":"a@b.c","job":"x"}"#),
    );
    check(
        r#""custsync_row":"x:1","custsync_overtaken":7"#,
        Err(NO_FIELD),
    );
    check(r#""custsync":7"#, Ok(r#"1 {"email":"a@b.c","job":"x"}"#));
}

fn check_behind_another(line: &str, want: Result<&str, &str>) {
    let text = format!("{{\"id\":2,\"job\":\"y\"}}\n{line}");
    check(&text, &leave_out(), &[Ok(r#"2 {"job":"y"}"#), want]);
}

#[test]
fn whoever_wants_it_sends_them_all_the_same() {
    let csv = format!("{HEADER}\nx.csv:3,failed,why,email,1,a@b.c,x,\n");
    check(&csv, &send(), &[Ok(r#"1 {"email":"a@b.c","job":"x"}"#)]);
    let ndjson = r#"{"custsync":{"overtaken":["email"]},"id":1,"email":"a@b.c","job":"x"}"#;
    check(ndjson, &send(), &[Ok(r#"1 {"email":"a@b.c","job":"x"}"#)]);
}

#[test]
fn overtaken_fields_count_wherever_their_column_stands() {
    let text = "id,email,job,custsync_overtaken\n1,a@b.c,x,email\n";
    check(text, &leave_out(), &[Ok(r#"1 {"job":"x"}"#)]);
    let map = [("custsync_overtaken".to_owned(), "address".to_owned())];
    let mapping = MappingRules::new(&map, &[]).expect("good rules");
    let rules = InputRules {
        mapping,
        ..InputRules::default()
    };
    let mut input =
        open_bytes("x", text.as_bytes(), &rules, BlockSize::default()).expect("a good input");
    let rows = rows_or_fault(&mut input, &leave_out()).expect("whole records");
    let want = r#"1 {"email":"a@b.c","job":"x","address":"email"}"#;
    assert_eq!(
        rows.first().map(|(_, _, row)| row.as_deref()),
        Some(Ok(want)),
        "a user's own column of this name"
    );
}

/// Returns settings for another file.
fn other_layout() -> InputRules {
    InputRules {
        format: FormatChoice::Tsv,
        delimiter: Some(Delimiter::new('|').expect("a delimiter")),
        quotes: None,
        escape: Escape::Backslash,
        ragged: Ragged::Error,
        encoding: EncodingChoice::Named(Encoding::of_label("utf-16le").expect("an encoding")),
        header: HeaderRule::Named(vec!["id".to_owned(), "job".to_owned()]),
        sheet: Some("Sheet 1".to_owned()),
        json_path: Some("data".parse().expect("a path")),
        mapping: MappingRules::default(),
        download: DownloadOptions::default(),
    }
}

#[test]
fn a_file_of_failed_rows_is_read_by_its_own_layout() {
    let check = |text: &str, want: Format| {
        for size in [SMALL, BlockSize::default()] {
            let size = BlockSize {
                record_bytes_max: 1 << 10,
                ..size
            };
            let mut input =
                open_bytes("x.csv", text.as_bytes(), &other_layout(), size).expect("a good input");
            let format = match input.read_as() {
                ReadAs::Text(text) => text.format,
                ReadAs::Workbook(_) => panic!("{text} is no workbook"),
            };
            assert_eq!(
                (format, input.layout().origin()),
                (want, Origin::FailedRows),
                "{text}"
            );
            let rows = rows_or_fault(&mut input, &leave_out()).expect("whole records");
            let rows: Vec<_> = rows.iter().map(|(_, _, row)| row.as_deref()).collect();
            assert_eq!(rows, [Ok(r#"1 {"job":"Zoë"}"#)], "{text}");
        }
    };
    let csv = |delimiter| {
        Format::Csv(Dialect::quoted(
            Delimiter::new(delimiter).expect("a delimiter"),
        ))
    };
    check(
        "custsync_row,custsync_outcome,id,job\nx:1,,1,Zoë\n",
        csv(','),
    );
    check("\u{feff}custsync_row;id;job\r\nx:1;1;Zoë\r\n", csv(';'));
    check(
        "\u{feff}\"custsync_row\"\t\"id\"\t\"job\"\n\"x:1\"\t1\tZoë\n",
        csv('\t'),
    );
    check("\r\n\ncustsync_row;id;job\r\nx:1;1;Zoë\r\n", csv(';'));
    check("custsync_row:id:job\n\"x:1\":1:Zoë", csv(':'));
    check(
        "{\"custsync\":{\"row\":\"x:1\"},\"id\":1,\"job\":\"Zoë\"}",
        Format::Ndjson,
    );
    check(
        "\u{feff} { \"custsync\" : {\"row\":1}, \"id\":1,\"job\":\"Zoë\"}\n",
        Format::Ndjson,
    );
    check(
        "\u{feff}[\n  {\n    \"custsync\": {\"row\": 1},\n    \"id\": 1,\"job\":\"Zoë\"\n  }\n]\n",
        Format::JsonArray,
    );
    assert_eq!(
        other_layout().layout_settings(),
        [
            "format",
            "delimiter",
            "escape",
            "encoding",
            "columns",
            "json-path",
            "sheet"
        ]
    );
    assert!(InputRules::default().layout_settings().is_empty());
}

#[test]
fn another_input_is_no_file_of_failed_rows() {
    for text in [
        "id,custsync_row\n1,2\n",
        "custsync_rows,id\n1,2\n",
        "{\"custsync\":1,\"id\":1}",
        "[{\"custsync\":1,\"id\":1}]",
        "[[{\"custsync\":{},\"id\":1}]]",
        "{\"id\":1}",
    ] {
        let input = open_bytes(
            "x",
            text.as_bytes(),
            &InputRules::default(),
            BlockSize::default(),
        );
        let origin = input
            .map(|input| input.layout().origin())
            .map_err(|error| error.to_string());
        assert!(!matches!(origin, Ok(Origin::FailedRows)), "{text}");
    }
}

#[test]
fn a_row_range_is_not_for_failed_rows() {
    let text = "custsync_row,id,job\nx:1,1,a\nx:2,2,b\nx:3,3,c\n";
    let mut input = open_bytes(
        "x",
        text.as_bytes(),
        &InputRules::default(),
        BlockSize::default(),
    )
    .expect("opens");
    let mut row_range = RowRange::new(2, Some(1));
    let layout = input.layout().clone();
    let block = input.next_block().expect("whole records").expect("rows");
    let whole = block.bytes.clone();
    assert_eq!(
        row_range.cut(block, &layout).map(|block| block.bytes),
        Some(whole)
    );
    assert_eq!(
        (row_range.skipped(), row_range.is_closed(&layout)),
        (0, false)
    );
}

#[test]
fn rows_that_are_cut_off_before_failed_rows_keep_their_numbers() {
    let mut row_range = RowRange::new(1, Some(1));
    let mut next = |name: &str, text: &str| {
        let mut input = open_bytes(
            name,
            text.as_bytes(),
            &InputRules::default(),
            BlockSize::default(),
        )
        .expect("opens");
        let block = input.next_block().expect("whole records").expect("rows");
        let records = row_range
            .cut(block, input.layout())
            .map(|block| block.bytes.len());
        (records, row_range.skipped())
    };
    assert_eq!(
        next("a.csv", "id,job\n1,a\n2,b\n3,c\n4,d\n"),
        (Some(4), 1),
        "row 2"
    );
    assert_eq!(
        next("b.csv", "id,job\n5,e\n6,f\n"),
        (None, 3),
        "rows 3 and 4 are cut off"
    );
    assert_eq!(
        next("f.csv", "custsync_row,id,job\na.csv:9,7,g\n"),
        (Some(12), 5),
        "so are rows 5 and 6"
    );
}
