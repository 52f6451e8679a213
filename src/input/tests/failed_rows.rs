//! Tests of files of failed rows that are read again: by their own layout, and without the fields
//! that later rows set.

use std::borrow::Cow;

use super::rows::rows_or_fault;
use super::*;
use crate::contract::Field;
use crate::download::DownloadOptions;
use crate::input::bytes::dialect::Escape;
use crate::input::mapping::explained::{CellResult, CellSource, ExplainedCell};
use crate::input::mapping::withheld::Withheld;

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

/// Returns custsync's part of a row of CSV with this header.
fn own_part(header: &str, rules: &InputRules, row: &str) -> OwnPart<'static> {
    let text = format!("{header}\n{row}\n");
    let input = open_bytes("x.csv", text.as_bytes(), rules, BlockSize::default());
    let input = input.expect("a good input");
    let OwnPart {
        place,
        overtaken,
        rest,
        texts,
    } = input.layout().own_part(row.as_bytes());
    OwnPart {
        place: place.map(|place| Cow::Owned(place.into_owned())),
        overtaken: match overtaken {
            Overtaken::Read(withheld) => Overtaken::Read(withheld),
            Overtaken::Unread(text) => Overtaken::Unread(Cow::Owned(text.into_owned())),
        },
        rest: Cow::Owned(rest.into_owned()),
        texts,
    }
}

#[test]
fn custsync_s_part_of_a_csv_row_is_split_off() {
    let check = |header: &str, row: &str, place: Option<&str>, names: &str, rest: &str| {
        let want = OwnPart {
            place: place.map(|place| Cow::Borrowed(place.as_bytes())),
            overtaken: Overtaken::Read(Withheld::of_text(names).expect("known names")),
            rest: Cow::Borrowed(rest.as_bytes()),
            texts: Texts::Good,
        };
        let found = own_part(header, &InputRules::default(), row);
        assert_eq!(found, want, "{row:?} below {header:?}");
    };
    check("id,job", "1,x", None, "", "1,x");
    let place = Some("x.csv:3");
    check("custsync_row,id,job", "x.csv:3,1,x", place, "", "1,x");
    check("custsync_row,id,job", ",1,x", None, "", "1,x");
    let four = "custsync_row,custsync_outcome,custsync_error,custsync_overtaken,id,job";
    check(four, "x.csv:3,failed,why,job,1,x", place, "job", "1,x");
    // The columns at the start are in place whatever follows them.
    check(four, "x.csv:3,failed,why,job,1", place, "job", "1");
    check(four, "x.csv:3,failed,why,job,1,x,y", place, "job", "1,x,y");
    // Another program has moved the column, so that it is in place only in whole rows.
    for (header, row) in [
        ("id,custsync_overtaken,job", "1,job,x"),
        ("custsync_overtaken,id,job", "job,1,x"),
    ] {
        check(header, row, None, "job", row);
        let more = format!("{row},y");
        check(header, &more, None, "", &more);
    }
}

#[test]
fn names_that_cannot_be_read_are_kept_as_they_are() {
    let header = "custsync_row,custsync_overtaken,id,job";
    let found = own_part(header, &InputRules::default(), "x.csv:3,\"emial\",1,x");
    assert_eq!(found.overtaken, Overtaken::Unread("emial".into()));
}

/// A file of failed rows has no escapes, so the cells of its rows are written in quotes.
#[test]
fn rows_with_escapes_are_kept_without_them_and_a_text_that_cannot_be_read_is_marked() {
    let rules = InputRules {
        escape: Escape::Backslash,
        ..InputRules::default()
    };
    let check = |row: &str, rest: &str, texts: Texts| {
        let found = own_part("id,job", &rules, row);
        let want = OwnPart {
            rest: Cow::Borrowed(rest.as_bytes()),
            texts,
            ..OwnPart::nothing(row.as_bytes())
        };
        assert_eq!(found, want, "{row}");
    };
    check("1,x", "\"1\",\"x\"", Texts::Good);
    check(r#"1,a\"b\,c"#, r#""1","a""b,c""#, Texts::Good);
    check(r#"1,"a\tb""#, "\"1\",\"a\tb\"", Texts::Good);
    check(r"1,C:\Users", r#""1","C:\Users"\"#, Texts::Marked);
    check(r#"1,"a"b"#, r#""1","""a""b"\"#, Texts::Marked);
}

/// The explained cells of the first row.
fn explained(text: &str) -> Vec<ExplainedCell> {
    let mut input = open_bytes(
        "x",
        text.as_bytes(),
        &InputRules::default(),
        BlockSize::default(),
    )
    .expect("a good input");
    let block = input.next_block().expect("a block").expect("a block");
    let mut cells = Vec::new();
    input
        .layout()
        .parse(&block, &RowRules::default(), 1, &mut |record| {
            cells.extend_from_slice(record.cells);
        });
    cells
}

#[test]
fn a_field_that_a_later_row_sets_is_explained_as_overtaken() {
    let text = format!("{HEADER}\nx.csv:3,failed,why,email,1,a@b.c,x,\n");
    let cells = explained(&text);
    let fields: Vec<_> = cells
        .iter()
        .map(|cell| &cell.result)
        .filter(|result| **result != CellResult::Ignored)
        .collect();
    assert_eq!(
        fields,
        [
            &CellResult::Id(Ok("1".to_owned())),
            &CellResult::Overtaken(Field::Email),
            &CellResult::Value(Field::Job, Ok("\"x\"".to_owned())),
            &CellResult::LeftOut(Field::DateOfBirth),
        ]
    );
}

#[test]
fn a_key_of_no_field_is_explained_as_such() {
    let text = "{\"id\":1,\"jbo\":\"x\"}\n";
    let cells = explained(text);
    let unknown = ExplainedCell {
        source: CellSource::Input("jbo".to_owned()),
        text: "\"x\"".to_owned(),
        result: CellResult::NoField,
    };
    assert!(cells.contains(&unknown), "{cells:?}");
}
