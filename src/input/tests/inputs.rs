//! Tests of whole inputs: which ones can be opened, what is known of them, and which of their rows
//! take part.

use super::*;

#[test]
fn an_input_that_cannot_be_used_says_why() {
    let check = |text: &[u8], want: &str| {
        let error = open_bytes("a", text, &InputRules::default(), SMALL).and_then(|mut input| {
            while input.next_block()?.is_some() {}
            Ok(())
        });
        assert_eq!(
            error.expect_err("a bad input").to_string(),
            want,
            "{}",
            String::from_utf8_lossy(text)
        );
    };
    check(b"", "a: is empty");
    check(b"\xef\xbb\xbf", "a: is empty");
    check(&b"\r\n".repeat(50), "a: is empty");
    check(
        b" \n",
        "a:1: the header has one column, which is not a field of the API: is the delimiter right? (--delimiter C)",
    );
    check(
        b"\n\nid,jbo\n1,x\n",
        "a:3: column 2 `jbo` is not a field of the API; did you mean `job`?\nto map the column: --map jbo=job",
    );
    check(
        b"17,liu@example.com\n",
        "a:1: is not a header: the first line must name the columns (`id`, `first_name`, \u{2026}), but looks like a row of values (if there is no header: --no-header --columns id,first_name,...)",
    );
    check(
        b"id,job\n1,x\n\n2,\"y\n3,z\n",
        "a:4: the quote that opens here is never closed (--quotes off if quotes are ordinary characters)",
    );
    let long = "x".repeat(70);
    check(
        format!("id,job\n1,x\n\n2,{long}\n").as_bytes(),
        "a:4: the record that starts here is longer than 64 bytes",
    );
    check(
        format!("id,job\n1,x\n2,\"y\n\",\"z\n{long}\"\n").as_bytes(),
        "a:4: the quote that opens here is not closed within 64 bytes, the largest size of a record",
    );
    check(
        b"\x1f\x8b\x08\0",
        "a:1: the gzip data is cut off here: the file is incomplete; copy or download it again",
    );
    check(
        &[b"id,job\n1,".as_slice(), &[0; 50], b"\n"].concat(),
        "a: is binary, not text: it has many control bytes",
    );
    check(
        b"i\0d\0,\0j\0o\0b\0\n\0",
        "a: is UTF-16 without a byte order mark: --encoding utf-16le",
    );
    check(
        b"\0i\0d\0,\0j\0o\0b\0\n",
        "a: is UTF-16 without a byte order mark: --encoding utf-16be",
    );
    check(b"i\0\0\0d\0\0\0,\0\0\0", "a: is UTF-32: save it as UTF-8");
}

#[test]
fn a_failing_reader_ends_the_input() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
    // Longer than the bytes that are read to detect the format.
    let text = format!("id,job\n{}", "1,a\n2,b\n3,c\n".repeat(100));
    let reader = io::Cursor::new(text).chain(Broken);
    let mut input = Input::of_reader(
        InputName::Stdin,
        Box::new(reader),
        &InputRules::default(),
        SMALL,
    )
    .expect("opens");
    let error = loop {
        match input.next_block() {
            Ok(block) => assert!(block.is_some(), "a failed read is not the end of the input"),
            Err(error) => break error,
        }
    };
    assert_eq!(
        error.to_string(),
        "standard input: cannot be read to its end"
    );
}

#[test]
fn a_byte_in_another_encoding_is_found_by_its_line_however_lines_end() {
    let encoding = EncodingChoice::Named(Encoding::of_label("shift_jis").expect("an encoding"));
    let rules = InputRules {
        encoding,
        ..InputRules::default()
    };
    for (text, want) in [
        (
            &b"id,job\r1,a\r2,\xfd\r"[..],
            "a:3: byte 14 of the text is not Shift_JIS",
        ),
        (
            b"id,job\r\n1,a\r\n2,\xfd\r\n",
            "a:3: byte 16 of the text is not Shift_JIS",
        ),
        (
            b"{\"id\":1,\r\"job\":\"a\"}\n{\"id\":2,\"job\":\"\xfd\"}\n",
            "a:2: byte 36 of the text is not Shift_JIS",
        ),
    ] {
        for size in [
            BlockSize {
                block_bytes: 1,
                ..BlockSize::default()
            },
            BlockSize::default(),
        ] {
            let read = open_bytes("a", text, &rules, size);
            let read = read.and_then(|mut input| {
                std::iter::from_fn(|| input.next_block().transpose()).collect::<Result<Vec<_>, _>>()
            });
            let message = read.expect_err("no text").to_string();
            assert!(message.starts_with(want), "{message}");
        }
    }
}

#[test]
fn header_and_delimiter_are_kept_as_they_are() {
    let rules = InputRules {
        format: FormatChoice::Tsv,
        quotes: Some(Quotes::On),
        ..InputRules::default()
    };
    let input = open_bytes(
        "a",
        b"\xef\xbb\xbf\n\"id\"\t job\r\n1\tx\n",
        &InputRules::default(),
        SMALL,
    );
    assert!(input.is_err(), "a name with a space is another name");
    let input =
        open_bytes("a", b"\xef\xbb\xbf\n\"id\"\tjob\r\n1\tx\n", &rules, SMALL).expect("opens");
    let Layout::Csv(layout) = &**input.layout() else {
        panic!("TSV is CSV with tabs")
    };
    assert_eq!(
        (layout.header(), layout.delimiter()),
        (b"\"id\"\tjob".as_slice(), Delimiter::TAB)
    );
}

#[test]
fn an_ignored_column_has_to_be_somewhere() {
    let mapping = MappingRules::new(&[], &["a".to_owned(), "b".to_owned()]).expect("good rules");
    let rules = InputRules {
        mapping,
        ..InputRules::default()
    };
    let layout = |text: &[u8]| {
        open_bytes("x", text, &rules, SMALL)
            .expect("opens")
            .layout()
            .clone()
    };
    let (with_a, with_b, ndjson) = (layout(b"id,a\n1,2"), layout(b"id,b\n1,2"), layout(b"{}"));
    let check = |layouts: &[&Layout], want: Result<(), &str>| {
        let found = rules
            .mapping
            .check_ignored(|name| layouts.iter().any(|layout| layout.may_have(name)))
            .map_err(|error| error.to_string());
        assert_eq!(found, want.map_err(str::to_owned));
    };
    check(&[&with_a, &with_b], Ok(()));
    check(&[&with_a], Err("--ignore: no input has a column `b`"));
    check(&[&with_a, &ndjson], Ok(()));
}

/// Opens an input with these columns left out, each of which has to be there.
fn open_ignoring(text: &str, ignore: &[&str]) -> Result<(), String> {
    let ignore: Vec<_> = ignore.iter().map(|name| (*name).to_owned()).collect();
    let mapping = MappingRules::new(&[], &ignore).expect("good rules");
    let rules = InputRules {
        mapping,
        ..InputRules::default()
    };
    let input = open_bytes("x", text.as_bytes(), &rules, BlockSize::default())
        .map_err(|error| error.to_string())?;
    rules
        .mapping
        .check_ignored(|name| input.layout().may_have(name))
        .map_err(|error| error.to_string())
}

#[test]
fn a_name_with_a_comma_is_one_name_or_several() {
    let opened = open_ignoring;
    let both = "id,job,\"Last, First\"\n1,x,y\n";
    assert_eq!(opened(both, &["Last, First"]), Ok(()));
    assert_eq!(
        opened("id,job,Last,Notes\n1,x,y,z\n", &["Last,Notes"]),
        Ok(())
    );
    assert_eq!(
        opened("id,job,Last\n1,x,y\n", &["Last,Notes"]),
        Err("--ignore: no input has a column `Notes`".to_owned())
    );
    assert_eq!(
        opened("id,job\n1,x\n", &["Last,Notes"]),
        Err("--ignore: no input has a column `Last,Notes`".to_owned())
    );
    // If the whole text is a name, its parts are not.
    let found = opened("id,Last,\"Last,Notes\"\n1,x,y\n", &["Last,Notes"])
        .expect_err("`Last` is not left out");
    assert!(
        found.starts_with("x:1: column 2 `Last` is not a field of the API"),
        "{found}"
    );
    assert_eq!(
        opened("id,Last,\"Last,Notes\"\n1,x,y\n", &["Last,Notes", "Last"]),
        Ok(())
    );
}

#[test]
fn a_column_is_left_out_by_its_number() {
    let opened = |text: &str, ignore: &str| open_ignoring(text, &[ignore]);
    assert_eq!(opened("id,x,job\n1,2,3\n", "column 2"), Ok(()));
    assert_eq!(
        opened("id,created_at,job\n1,2,3\n", "column 2"),
        Ok(()),
        "whatever it is"
    );
    assert_eq!(
        opened("id,job,column 2\n1,2,3\n", "column 2"),
        Ok(()),
        "a column of this name comes first"
    );
    assert!(
        opened("id,x,column 2\n1,2,3\n", "column 2").is_err(),
        "and then it is no number"
    );
    assert_eq!(
        opened("id,job\n1,2\n", "column 3"),
        Err("--ignore: no input has a column `column 3`".to_owned())
    );
}

#[test]
fn a_row_range_leaves_out_rows_and_keeps_lines() {
    let check =
        |name: &str, text: &[u8], skip: u64, max: Option<u64>, want: &[u64], skipped: u64| {
            for block_bytes in [1, 8, 30, 1000] {
                let size = BlockSize {
                    block_bytes,
                    lines_max: 2,
                    record_bytes_max: 64,
                };
                let mut input =
                    open_bytes(name, text, &InputRules::default(), size).expect("opens");
                let mut row_range = RowRange::new(skip, max);
                let mut lines = Vec::new();
                let layout = input.layout().clone();
                let mut next = |row_range: &RowRange| {
                    let block = input.next_block().expect("whole records");
                    block.filter(|_| !row_range.is_closed(&layout))
                };
                while let Some(block) = next(&row_range) {
                    let Some(block) = row_range.cut(block, &layout) else {
                        continue;
                    };
                    layout.parse(&block, &RowRules::default(), 0, &mut |record| {
                        lines.push(record.line);
                    });
                }
                assert_eq!(
                    (lines.as_slice(), row_range.skipped()),
                    (want, skipped),
                    "{skip} {max:?} {block_bytes}"
                );
            }
        };
    let csv = b"id,job\n1,a\r\n\r\n2,\"b\n\n\"\r3,c\n\n\n4,d";
    check("a.csv", csv, 0, None, &[2, 4, 7, 10], 0);
    check("a.csv", csv, 1, None, &[4, 7, 10], 1);
    check("a.csv", csv, 2, Some(1), &[7], 2);
    check("a.csv", csv, 3, Some(9), &[10], 3);
    check("a.csv", csv, 0, Some(2), &[2, 4], 0);
    check("a.csv", csv, 9, Some(2), &[], 4);
    check("a.csv", csv, 0, Some(0), &[], 0);
    let ndjson = b"\n{}\n \n{}\r\n{}";
    check("a.ndjson", ndjson, 0, None, &[2, 4, 5], 0);
    check("a.ndjson", ndjson, 1, Some(1), &[4], 1);
    check("a.ndjson", ndjson, 2, None, &[5], 2);
}

#[test]
fn preflight_finds_what_would_stop_a_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = |text: &str, want: Option<u64>| {
        let path = folder.path().join("a.csv");
        std::fs::write(&path, text).expect("a file");
        let found = preflight(InputName::Path(path), &InputRules::default(), |_, _| {});
        assert_eq!(found.err().map(|error| error.fault.line()), want.map(Some));
    };
    let rows = "1,x\n".repeat(500_000);
    check(&format!("id,job\n{rows}"), None);
    check(&format!("id,job\n{rows}2,\"y\n{rows}"), Some(500_002));
    let none = preflight(
        InputName::Path(folder.path().join("none.csv")),
        &InputRules::default(),
        |_, _| {},
    );
    assert!(none.is_err_and(|error| matches!(error.fault, InputFault::Missing)));
}

#[test]
fn lines_above_the_header_are_passed_over_however_they_arrive() {
    let text = format!(
        "\"a\r\n\rb{}\n\u{feff}\"\r\nid,job\r\n1,x\n",
        "c".repeat(40)
    );
    for block_bytes in [1, 2, 3, 50, 64, 65, 1_000] {
        let size = BlockSize {
            block_bytes,
            record_bytes_max: 64,
            ..BlockSize::default()
        };
        let opened = |row: u64| {
            let rules = InputRules {
                header: HeaderRule::Row(row),
                ..InputRules::default()
            };
            let mut input = open_bytes("a.csv", text.as_bytes(), &rules, size)
                .map_err(|error| error.to_string())?;
            let block = input.next_block().expect("whole records").expect("a row");
            Ok((block.first_line, block.bytes_before, block.bytes))
        };
        let row = (
            6,
            u64::try_from(text.len()).expect("a short text") - 4,
            ::bytes::Bytes::from_static(b"1,x\n"),
        );
        assert_eq!(opened(5), Ok(row), "{block_bytes}");
        assert_eq!(
            opened(2),
            Err("a.csv:2: is blank, so it cannot be the header (--header-row)".to_owned()),
            "{block_bytes}"
        );
        assert_eq!(
            opened(9),
            Err("a.csv: has no line 9, where its header should be (--header-row)".to_owned())
        );
    }
}
