//! Text in other encodings than UTF-8 is decoded correctly, or refused with its position.

use serde_json::json;

use crate::harness::{End, Scenario};

const ROWS: &str = "id,job\r\n1,Künstler\r\n2,日本語\r\n3,\"a\nb\"\r\n";

fn utf_16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

fn jobs(end: &End) -> Vec<String> {
    end.ledger
        .0
        .iter()
        .map(|update| update.body["job"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn utf_16_is_known_by_its_byte_order_mark() {
    for (mark, unit, name) in [
        (
            [0xff, 0xfe],
            u16::to_le_bytes as fn(u16) -> [u8; 2],
            "UTF-16LE",
        ),
        ([0xfe, 0xff], u16::to_be_bytes, "UTF-16BE"),
    ] {
        let content = [&mark[..], &utf_16(ROWS, unit)].concat();
        let scenario = Scenario::new().file("a.csv", content).sandbox(|_| {});
        let end = scenario.run(["--max-in-flight", "1"]).exits(0);
        assert_eq!(jobs(&end), ["Künstler", "日本語", "a\nb"]);
        assert_eq!(
            end.summary()["read_as"],
            json!([format!("CSV with `,`, {name}")])
        );
        assert_eq!(end.results().row(3)["line"], 4);
    }
    let unmarked = Scenario::new().file("a.csv", utf_16(ROWS, u16::to_le_bytes));
    unmarked
        .check([])
        .exits(2)
        .says("a.csv: is UTF-16 without a byte order mark: --encoding utf-16le");
    unmarked
        .check(["--encoding", "utf-16le"])
        .exits(0)
        .prints("records  3 = ");
}

#[test]
fn an_encoding_can_be_named() {
    let check = |encoding: &str, content: &[u8], want: &str| {
        let scenario = Scenario::new()
            .file("a.csv", [b"id,job\n1,", content, b"\n"].concat())
            .sandbox(|_| {});
        let end = scenario.run(["--encoding", encoding]).exits(0);
        assert_eq!(jobs(&end), [want], "{encoding}");
    };
    check("windows-1252", b"K\xfcnstler \x80", "Künstler €");
    check("latin1", b"Stra\xdfe", "Straße");
    check("iso-8859-2", b"\xa3\xf3d\xbc", "Łódź");
    check("shift_jis", b"\x93\xfa\x96\x7b", "日本");
    check("utf-8", "日本".as_bytes(), "日本");
    // A byte order mark leaves no doubt.
    let marked = Scenario::new()
        .file("a.csv", format!("\u{feff}{ROWS}"))
        .sandbox(|_| {});
    let end = marked
        .run(["--encoding", "windows-1252", "--max-in-flight", "1"])
        .exits(0);
    assert_eq!(jobs(&end)[0], "Künstler");
    end.says("a.csv begins with a byte order mark of UTF-8, so it is read as UTF-8, not as windows-1252 (--encoding)");
    Scenario::new()
        .file("a.csv", ROWS)
        .check(["--encoding", "latin-7"])
        .exits(2)
        .says("--encoding: unknown encoding");
}

#[test]
fn bytes_that_the_encoding_lacks_are_refused_with_their_place() {
    let refuse = |content: Vec<u8>, encoding: &str, says: &str| {
        let scenario = Scenario::new().file("a.csv", content).sandbox(|_| {});
        scenario.run(["--encoding", encoding]).exits(2).says(says);
        assert_eq!(scenario.counts().requests, 0);
    };
    let lone = [
        &[0xff, 0xfe][..],
        &utf_16("id,job\n1,a", u16::to_le_bytes),
        &[0x00, 0xd8],
        &utf_16("\n", u16::to_le_bytes),
    ]
    .concat();
    refuse(
        lone,
        "auto",
        "a.csv:2: byte 23 of the text is not UTF-16LE (--encoding names another encoding)",
    );
    let odd = [
        &[0xff, 0xfe][..],
        &utf_16("id,job\n1,a\n", u16::to_le_bytes),
        b"x",
    ]
    .concat();
    refuse(odd, "auto", "a.csv:3: byte 25 of the text is not UTF-16LE");
    refuse(
        b"id,job\n1,a\n2,\x81\x20\n".to_vec(),
        "shift_jis",
        "a.csv:3: byte 14 of the text is not Shift_JIS",
    );
}

#[test]
fn bytes_that_are_not_utf_8_make_their_row_invalid() {
    let scenario = Scenario::new()
        .file("a.csv", b"\xef\xbb\xbfid,job\n1,good\n2,K\xfcnstler\n")
        .sandbox(|_| {});
    let end = scenario
        .run(["--max-errors", "none"])
        .exits(1)
        .counts([1, 1, 0, 0, 0]);
    assert_eq!(
        end.results().row(2)["errors"][0]["message"],
        "is not UTF-8; it looks like windows-1252 (--encoding windows-1252)"
    );
}

#[test]
fn many_rows_in_another_encoding_are_one_message() {
    let rows: Vec<_> = (1..=40)
        .map(|id| format!("{id},Zo~ {},K~nstler\n", "x".repeat(id)))
        .collect();
    let file = format!("id,first_name,job\n{}", rows.concat()).replace('~', "\u{eb}");
    let latin: Vec<u8> = file
        .chars()
        .map(|character| u8::try_from(u32::from(character)).unwrap())
        .collect();
    let end = Scenario::new()
        .file("a.csv", &latin)
        .check(["--max-errors", "none"])
        .exits(1);
    let said = "is not UTF-8; it looks like windows-1252 (--encoding windows-1252)";
    let errors = &end.summary()["errors"];
    assert_eq!(errors.as_array().unwrap().len(), 2, "{errors}");
    for (error, field) in errors.as_array().unwrap().iter().zip(["first_name", "job"]) {
        assert_eq!(
            (&error["field"], &error["messages"]),
            (&json!(field), &json!([{ "message": said, "rows": 40 }]))
        );
    }
    Scenario::new()
        .file("a.csv", &latin)
        .check(["--encoding", "windows-1252"])
        .exits(0)
        .is_not_shown("valid UTF-8");
}

#[test]
fn an_encoding_named_for_good_utf_8_is_pointed_out() {
    // The deciding byte is far from the beginning.
    let file = format!("id,job\n{}9,Zo\u{eb}\n", "1,x\n".repeat(200_000));
    let said = "is read as windows-1252 (--encoding), but all of it so far is valid UTF-8";
    let check = ["--encoding", "windows-1252", "--max-errors", "none"];
    let end = Scenario::new().file("a.csv", &file).check(check).exits(0);
    assert_eq!(end.stderr.matches(said).count(), 1, "{}", end.stderr);
    end.says(&format!("a.csv {said}"));
    Scenario::new()
        .stdin("id,job\n9,Zo\u{eb}\n")
        .check(check)
        .exits(0)
        .says(&format!("standard input {said}"));
    for content in [
        "id,job\n9,Zoe\n".as_bytes(),
        b"id,job\n8,Zo\xeb\n9,Zo\xc3\xab\n",
    ] {
        Scenario::new()
            .file("a.csv", content)
            .check(check)
            .exits(0)
            .is_not_shown("valid UTF-8");
    }
}

#[test]
fn one_nul_is_its_row_s_fault_wherever_it_stands() {
    let settled = |before: usize| {
        let rows = format!("id,job\n{}9,a\0b\n", "1,x\n".repeat(before));
        let end = Scenario::new()
            .file("a.csv", rows)
            .check(["--max-errors", "none"])
            .exits_with_one_of(&[0, 1]);
        let summary = end.summary();
        assert_eq!(summary["records"], before + 1);
        (
            end.code(),
            summary["invalid"].clone(),
            summary["errors"].as_array().map(Vec::len),
        )
    };
    assert_eq!(settled(0), settled(100_000));
}

#[test]
fn failed_rows_are_run_with_the_settings_of_their_input() {
    let scenario = Scenario::new()
        .file("a.csv", b"id;job;gender\n1;K\xfcnstler;Q\n")
        .sandbox(|_| {});
    let end = scenario
        .run(["--encoding", "windows-1252", "--max-errors", "none"])
        .exits(1)
        .counts([0, 1, 0, 0, 0]);
    let failed = end.file("failed.csv");
    assert!(
        failed.starts_with(b"\xef\xbb\xbfcustsync_row;"),
        "{}",
        String::from_utf8_lossy(failed)
    );
    scenario.write(
        "corrected.csv",
        String::from_utf8_lossy(failed).replace(";Q", ";other"),
    );
    let url = scenario.url().unwrap();
    let end = scenario.custsync([
        "run",
        "corrected.csv",
        "--run-dir",
        "again",
        "--base-url",
        &url,
        "--encoding",
        "windows-1252",
    ]);
    assert_eq!(jobs(&end.exits(0)), ["Künstler"]);
}
