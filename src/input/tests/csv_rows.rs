//! Tests of CSV rows that do not fit their header, that are joined, or whose cells follow the user's
//! rules.

use super::rows::rows_or_fault;
use super::*;
use crate::contract::{Field, Leniency, Warning};
use crate::input::mapping::cell_rules::{CellRules, EmptyRule, EmptyRules, Trim};
use crate::input::mapping::explained::{CellResult, CellSource, ExplainedCell};
use crate::input::mapping::null_strings::NullStrings;
use crate::input::mapping::value_maps::ValueMaps;

/// Returns the id and the body, or the id and the errors, of each row of a CSV text.
fn checked(text: &[u8], ragged: Ragged, rules: &RowRules) -> Vec<Result<String, String>> {
    let input_rules = InputRules {
        ragged,
        ..InputRules::default()
    };
    let read = |size: BlockSize| {
        let mut input = open_bytes("a.csv", text, &input_rules, size).expect("a good input");
        let rows = rows_or_fault(&mut input, rules).expect("whole records");
        rows.into_iter()
            .map(|(_, _, checked)| checked)
            .collect::<Vec<_>>()
    };
    let found = read(BlockSize::default());
    assert_eq!(found, read(SMALL), "in small blocks");
    found
}

#[track_caller]
fn check(text: &str, ragged: Ragged, rules: &RowRules, want: &[Result<&str, &str>]) {
    let found = checked(text.as_bytes(), ragged, rules);
    let found = found
        .iter()
        .map(|row| row.as_ref().map(String::as_str).map_err(String::as_str));
    assert_eq!(found.collect::<Vec<_>>(), want, "{text:?} {ragged:?}");
}

#[test]
fn a_row_has_as_many_cells_as_the_header_or_padding_that_is_empty() {
    let text =
        "id,email,job\n1\n2,a@b.c\n3,a@b.c,x,\n4,a@b.c,x,,\n5,a@b.c,x,y\n6,a@b.c,x,,y\n7,,z\n";
    check(
        text,
        Ragged::Error,
        &RowRules::default(),
        &[
            Err(
                "1 row columns: has 1 column where the header has 3 (--ragged pad if the missing ones are empty)",
            ),
            Err(
                "2 row columns: has 2 columns where the header has 3 (--ragged pad if the missing ones are empty)",
            ),
            Err(
                "3 row columns: has 4 columns where the header has 3; the extra cell is empty (--ragged pad)",
            ),
            Err(
                "4 row columns: has 5 columns where the header has 3; the extra cells are empty (--ragged pad)",
            ),
            Err("5 row columns: has 4 columns where the header has 3"),
            Err("6 row columns: has 5 columns where the header has 3"),
            Ok(r#"7 {"job":"z"}"#),
        ],
    );
    check(
        text,
        Ragged::Pad,
        &RowRules::default(),
        &[
            Err("1 row required: has nothing to update: no field besides the id"),
            Ok(r#"2 {"email":"a@b.c"}"#),
            Ok(r#"3 {"email":"a@b.c","job":"x"}"#),
            Ok(r#"4 {"email":"a@b.c","job":"x"}"#),
            Err("5 row columns: has 4 columns where the header has 3"),
            Err("6 row columns: has 5 columns where the header has 3"),
            Ok(r#"7 {"job":"z"}"#),
        ],
    );
}

#[test]
fn a_last_row_without_a_line_end_and_with_too_few_cells_may_be_cut_off() {
    let cut_off = "2 row cut_off: has 2 columns where the header has 3, and no line end: the input ends in this row (is it cut off?)";
    for ragged in [Ragged::Error, Ragged::Pad] {
        let text = "id,email,job\n1,,x\n2,a@b.c";
        let want = [Ok(r#"1 {"job":"x"}"#), Err(cut_off)];
        check(text, ragged, &RowRules::default(), &want);
        let text = "id,email,job\n2,a@b.c,x";
        let want = [Ok(r#"2 {"email":"a@b.c","job":"x"}"#)];
        check(text, ragged, &RowRules::default(), &want);
    }
}

#[test]
fn a_column_without_a_name_is_empty() {
    let value = |id: u64| {
        format!(
            "{id} row columns: has a value in column 2, which has no name (--ignore 'column 2' leaves it out)"
        )
    };
    check(
        "id,,job\n1,,x\n2,v,x\n3, ,x\n4,\"v\"\"\",x\n5\n",
        Ragged::Pad,
        &RowRules::default(),
        &[
            Ok(r#"1 {"job":"x"}"#),
            Err(&value(2)),
            Ok(r#"3 {"job":"x"}"#),
            Err(&value(4)),
            Err("5 row required: has nothing to update: no field besides the id"),
        ],
    );
}

#[test]
fn rows_that_a_missing_quote_joins_are_refused_unless_they_are_allowed() {
    let joined = "? row quotes: column 2 looks like the rest of this row, a line break and the start of another row: is a closing quote missing? (--allow joined if it is text); the row covers lines 2 to 3";
    let text =
        "id,address,job\n1,\"High Street,Nurse\n2,Main Street\",Cook\n3,\"High Street\n4\",Cook\n";
    let good = Ok(r#"3 {"job":"Cook","address":"High Street\n4"}"#);
    let mut rules = RowRules::default();
    check(text, Ragged::Error, &rules, &[Err(joined), good]);
    rules.values.allowed = [Leniency::Joined].into_iter().collect();
    let allowed = Ok(r#"1 {"job":"Cook","address":"High Street,Nurse\n2,Main Street"}"#);
    check(text, Ragged::Error, &rules, &[allowed, good]);
    let text = "id,job\n1,\"Nurse\n2,Cook\"\n";
    check(text, Ragged::Error, &RowRules::default(), &[Err(joined)]);
    // A row that does not fit the header is judged by that alone.
    let text = "id,address,job\n1,\"High Street,Nurse\n2,Main Street\"\n";
    let padded = Ok(r#"1 {"address":"High Street,Nurse\n2,Main Street"}"#);
    check(text, Ragged::Pad, &RowRules::default(), &[padded]);
}

#[test]
fn a_row_of_several_lines_tells_which_they_are() {
    let text = "id,email,job\n1,\"a\nb\"\n2,\"a\r\nb\r\nc\"\n3,,x\n";
    let fault = "row columns: has 2 columns where the header has 3 (--ragged pad if the missing ones are empty)";
    check(
        text,
        Ragged::Error,
        &RowRules::default(),
        &[
            Err(&format!("1 {fault}")),
            Err(&format!("2 {fault}")),
            Ok(r#"3 {"job":"x"}"#),
        ],
    );
}

/// Cells without anything unusual follow the rules as others do.
#[test]
fn the_rules_for_cells_hold_for_plain_cells_and_for_quoted_ones() {
    let text =
        "id,email,job,address\n1, a@b.c ,NULL,x\n2,\"a@b.c\",\"NULL\",\n3,\"a@b.c \",\"\"\"\", \n";
    let with = |cells: CellRules| RowRules {
        cells,
        ..RowRules::default()
    };
    let trimmed = with(CellRules {
        trim: Trim::Trim,
        ..CellRules::default()
    });
    check(
        text,
        Ragged::Error,
        &trimmed,
        &[
            Ok(r#"1 {"email":"a@b.c","job":"NULL","address":"x"}"#),
            Ok(r#"2 {"email":"a@b.c","job":"NULL"}"#),
            Ok(r#"3 {"email":"a@b.c","job":"\""}"#),
        ],
    );
    let null = with(CellRules {
        null_strings: NullStrings::everywhere(["NULL".to_owned()]),
        ..CellRules::default()
    });
    let spaces =
        |id: u64| format!("{id} email format: has spaces around the address (--trim removes them)");
    check(
        text,
        Ragged::Error,
        &null,
        &[
            Err(&spaces(1)),
            Ok(r#"2 {"email":"a@b.c","job":null}"#),
            Err(&spaces(3)),
        ],
    );
    let empty = with(CellRules {
        empty: EmptyRules::new(EmptyRule::Null, []).expect("good rules"),
        trim: Trim::Trim,
        ..CellRules::default()
    });
    check(
        text,
        Ragged::Error,
        &empty,
        &[
            Ok(r#"1 {"email":"a@b.c","job":"NULL","address":"x"}"#),
            Ok(r#"2 {"email":"a@b.c","job":"NULL","address":null}"#),
            Ok(r#"3 {"email":"a@b.c","job":"\"","address":null}"#),
        ],
    );
    let refused = with(CellRules {
        empty: EmptyRules::new(EmptyRule::Error, []).expect("good rules"),
        ..CellRules::default()
    });
    let found = checked(b"id,job\n1,\n2,x\n", Ragged::Error, &refused);
    assert!(found[0].is_err(), "{found:?}");
    assert_eq!(found[1], Ok(r#"2 {"job":"x"}"#.to_owned()));
}

/// Nothing about these texts is unusual but the rule.
#[test]
fn the_rules_hold_for_texts_that_look_like_any_other() {
    let text = "id,job\n1,Cook \n2,k.A.\n3,Cook\n";
    let with = |cells: CellRules| RowRules {
        cells,
        ..RowRules::default()
    };
    let cook = |id: u64| format!(r#"{id} {{"job":"Cook"}}"#);
    let trimmed = with(CellRules {
        trim: Trim::Trim,
        ..CellRules::default()
    });
    let want = [Ok(&*cook(1)), Ok(r#"2 {"job":"k.A."}"#), Ok(&*cook(3))];
    check(text, Ragged::Error, &trimmed, &want);
    let null = with(CellRules {
        null_strings: NullStrings::everywhere(["k.A.".to_owned()]),
        ..CellRules::default()
    });
    let want = [
        Ok(r#"1 {"job":"Cook "}"#),
        Ok(r#"2 {"job":null}"#),
        Ok(&*cook(3)),
    ];
    check(text, Ragged::Error, &null, &want);
}

#[test]
fn a_mapped_text_is_its_value() {
    let mut values = ValueMaps::default();
    let mapped = values.add("job", "Koch".to_owned(), "Cook".to_owned());
    mapped.expect("a good rule");
    let rules = RowRules {
        cells: CellRules {
            values,
            ..CellRules::default()
        },
        ..RowRules::default()
    };
    let want = [
        Ok(r#"1 {"job":"Cook"}"#),
        Ok(r#"2 {"job":"koch"}"#),
        Ok(r#"3 {"job":"Cook"}"#),
    ];
    let text = "id,job\n1,Koch\n2,koch\n3,\"Koch\"\n";
    check(text, Ragged::Error, &rules, &want);
}

#[test]
fn lines_of_delimiters_only_are_counted_as_blank() {
    let text = "id,job\n1,x\n,\n\n,,,\n2,y\n,";
    let mut input = open_bytes(
        "a.csv",
        text.as_bytes(),
        &InputRules::default(),
        BlockSize::default(),
    )
    .expect("a good input");
    let block = input.next_block().expect("a block").expect("a block");
    let mut rows = 0;
    let blank = input
        .layout()
        .parse(&block, &RowRules::default(), 0, &mut |_| rows += 1);
    assert_eq!((rows, blank), (2, 3));
}

#[test]
fn text_behind_a_closing_quote_is_refused_and_the_id_before_it_is_known() {
    let text = "id,email,job\n1,,\"a\"b\n\"2\"x,,b\n3,, \"a\"\n4,,a\"b\n5,,\"a\"\"b\"\n6,\"a\"b";
    let quotes = |id: &str| Some(format!("{id} row quotes: "));
    let want = [
        (quotes("1"), false),
        (quotes("?"), false),
        (quotes("3"), false),
        (None, false),
        (None, false),
        (quotes("6"), true),
    ];
    let rows = checked(text.as_bytes(), Ragged::Error, &RowRules::default());
    assert_eq!(rows.len(), want.len());
    for (row, (fault, is_cut_off)) in rows.into_iter().zip(want) {
        let errors = row.err();
        assert_eq!(errors.is_some(), fault.is_some(), "{errors:?}");
        let (errors, fault) = (errors.unwrap_or_default(), fault.unwrap_or_default());
        assert!(errors.starts_with(&fault), "{errors}");
        assert_eq!(errors.contains("; row cut_off: "), is_cut_off, "{errors}");
    }
}

#[test]
fn odd_characters_are_noticed_anywhere_in_a_cell() {
    let text = "id,first_name,job\n1,Zo\u{fffd},x\n2,Zo,a\0b\n3,Zo,x\n4,\"Zo\u{fffd}\",x\n";
    let rows = checked(text.as_bytes(), Ragged::Error, &RowRules::default());
    for (row, field) in rows
        .iter()
        .zip([Some("first_name"), Some("job"), None, Some("first_name")])
    {
        let is_damaged = |errors: &String| {
            field.is_some_and(|field| errors.contains(&format!(" {field} damaged: ")))
        };
        assert_eq!(row.is_err(), field.is_some(), "{row:?}");
        assert!(row.as_ref().err().is_none_or(is_damaged), "{row:?}");
    }
}

#[test]
fn a_line_break_is_a_warning_where_it_is_in_a_field_of_one_line() {
    let text = "id,first_name,job,address\n1,\"A\nb\",x,y\n2,A,x,\"y\nz\"\n3,\"A\",\"x\ny\",y\n4,A\u{1},\"x\ny\",y\n";
    let rules = RowRules::default();
    let mut input = open_bytes(
        "a.csv",
        text.as_bytes(),
        &InputRules::default(),
        BlockSize::default(),
    )
    .expect("a good input");
    let block = input.next_block().expect("a block").expect("a block");
    let mut found = Vec::new();
    input.layout().parse(&block, &rules, 0, &mut |record| {
        let update = record.checked.expect("a good row");
        let warnings = update.notes().warnings;
        found.push(warnings.iter().collect::<Vec<_>>());
    });
    let want = [
        vec![(Field::FirstName, Warning::LineBreak)],
        vec![],
        vec![],
        vec![(Field::FirstName, Warning::ControlCharacter)],
    ];
    assert_eq!(found, want);
}

#[test]
fn custsyncs_own_columns_do_not_count() {
    let fault = |cells: &str| {
        format!(
            "7 row columns: has {cells} where the header has 2 (--ragged pad if the missing ones are empty)"
        )
    };
    check(
        "custsync_row,id,job\n1,7\n2,7,x\n",
        Ragged::Error,
        &RowRules::default(),
        &[Err(&fault("1 column")), Ok(r#"7 {"job":"x"}"#)],
    );
    let nameless = "7 row columns: has a value in column 2, which has no name (--ignore 'column 2' leaves it out)";
    check(
        "custsync_row,id,,job\n1,7,v,x\n",
        Ragged::Error,
        &RowRules::default(),
        &[Err(nameless)],
    );
}

#[test]
fn each_cell_of_a_row_is_explained() {
    let text = "id,job,note,email\n7,\"C\"\"k\",,a@\n";
    let input_rules = InputRules {
        mapping: MappingRules::new(&[], &["note".to_owned()]).expect("good rules"),
        ..InputRules::default()
    };
    let mut input = open_bytes("a.csv", text.as_bytes(), &input_rules, BlockSize::default())
        .expect("a good input");
    let block = input.next_block().expect("a block").expect("a block");
    let mut cells = Vec::new();
    let rules = RowRules::default();
    input.layout().parse(&block, &rules, 1, &mut |record| {
        cells.extend_from_slice(record.cells);
    });
    let cell = |name: &str, text: &str, result: CellResult| ExplainedCell {
        source: CellSource::Input(name.to_owned()),
        text: text.to_owned(),
        result,
    };
    let want = [
        cell("id", r#""7""#, CellResult::Id(Ok("7".to_owned()))),
        cell(
            "job",
            r#""C\"k""#,
            CellResult::Value(Field::Job, Ok(r#""C\"k""#.to_owned())),
        ),
        cell("note", r#""""#, CellResult::Ignored),
        cell(
            "email",
            r#""a@""#,
            CellResult::Value(Field::Email, Err(ErrorCode::Format)),
        ),
    ];
    assert_eq!(cells, want);
}
