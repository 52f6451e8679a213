//! Odd JSON objects with an array in them (`--json-path`).

use super::bytes::{NURSE, gzip};
use super::{Odd, Refused, Rows, Sends, odd, odd_with};
use crate::harness::Archive;

const DATA: &[&str] = &["--json-path", "data"];
const ITEMS: &[&str] = &["--json-path", "result.items"];
const ROW: &str = r#"{"id":1,"job":"Nurse"}"#;

pub(super) fn table() -> Vec<Odd> {
    let parts = [good(), faults(), without_the_flag()];
    parts.into_iter().flatten().collect()
}

fn data(content: impl AsRef<[u8]>, want: super::Want) -> Odd {
    odd_with(DATA, "a.json", content, want)
}

fn utf_16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn good() -> Vec<Odd> {
    let plain = format!(r#"{{"data":[{ROW}],"meta":{{"page":1,"next":null}}}}"#);
    let over_lines = "{\r\n \"meta\": {\"total\": 2.0e0},\r\n \"data\": [\r\n  {\"id\": 1},\r\n  {\"id\": \"x\"}\r\n ]\r\n}\r\n";
    let long = "x".repeat(3 << 20);
    vec![
        data(&plain, Sends(NURSE)),
        data(format!("\u{feff}{plain}"), Sends(NURSE)),
        data([&b"\xff\xfe"[..], &utf_16(&plain)].concat(), Sends(NURSE)),
        data(gzip(&plain), Sends(NURSE)),
        odd_with(DATA, "a", &plain, Sends(NURSE)),
        odd_with(DATA, "a.csv", &plain, Sends(NURSE)),
        odd_with(
            &["--json-path", "data", "--format", "ndjson"],
            "a.txt",
            &plain,
            Sends(NURSE),
        ),
        odd_with(
            DATA,
            "a.zip",
            Archive::of(&[("a.json", plain.as_bytes())]),
            Sends(NURSE),
        ),
        odd_with(
            ITEMS,
            "a.json",
            format!(r#"{{"items":[{{"id":7}}],"result":{{"items":[{ROW}]}}}}"#),
            Sends(NURSE),
        ),
        data(
            over_lines,
            Rows(
                0,
                2,
                "4 row required: has nothing to update: no field besides the id",
            ),
        ),
        // More than a record may have, before the array and behind it.
        data(
            format!(r#"{{"a":"{long}","data":[{ROW}],"b":["{long}"]}}"#),
            Sends(NURSE),
        ),
        data(
            format!("{{\"a\":[{}0],\"data\":[{ROW}]}}", "[],\n".repeat(300_000)),
            Sends(NURSE),
        ),
        data("{\"data\":[]}", Rows(0, 0, "")),
        data(
            "{\"data\":[1,null,[],{}]}",
            Rows(
                0,
                4,
                "1 row format: is not one JSON object: it is another kind of JSON value",
            ),
        ),
        // Failed rows have a layout of their own.
        data("custsync_row,id,job\na.json:1,1,Nurse\n", Sends(NURSE)),
        data(
            format!("{{\"custsync\":{{\"row\":\"a.json:1\"}},{}\n", &ROW[1..]),
            Sends(NURSE),
        ),
        data(
            format!(
                "{{\"data\":[{{\"custsync\":{{\"row\":\"a.json:1\"}},{}]}}",
                &ROW[1..]
            ),
            Sends(NURSE),
        ),
        data(
            "{\"data\":[[{\"custsync\":{}}]]}",
            Rows(
                0,
                1,
                "1 row format: is not one JSON object: it is another kind of JSON value",
            ),
        ),
    ]
}

fn faults() -> Vec<Odd> {
    let cut = format!("{{\"data\":[\n{ROW},\n{{\"id\":2");
    vec![
        data("", Refused("a.json:1: is empty")),
        data(" \n\n", Refused(": is empty")),
        data(
            "[{\"id\":1}]",
            Refused("a.json:1: is a JSON array itself: read it without --json-path"),
        ),
        data(
            "id,job\n1,x\n",
            Refused(
                "a.json:1: is not a JSON object, so there is no array at `data` in it (--json-path)",
            ),
        ),
        data("\n\n\"data\"", Refused("a.json:3: is not a JSON object")),
        data(
            "{\n\"id\":1\n}",
            Refused("a.json:3: the JSON object that ends here has no key `data` (--json-path)"),
        ),
        data(
            "{\"DATA\":[]}",
            Refused("a.json:1: the JSON object that ends here has no key `data`"),
        ),
        data(
            "{\"data\":{}}",
            Refused("a.json:1: `data` is not an array here (--json-path)"),
        ),
        data(
            "{\"data\":\n\"x\"}",
            Refused("a.json:2: `data` is not an array here (--json-path)"),
        ),
        data(
            format!("{{\"data\":[{ROW}],\n\"data\":[]}}"),
            Refused(
                "a.json:2: the key `data` is here for the second time, so that it is unknown which of them is meant (--json-path)",
            ),
        ),
        data(
            cut,
            Refused(
                "a.json:3: the JSON array does not end: the input is cut off, or a quote or bracket is missing from here on",
            ),
        ),
        data(
            format!("{{\"data\":[{ROW}],\n"),
            Refused("a.json:2: the JSON object does not end: the input is cut off"),
        ),
        data(
            format!("{{\"data\":[{ROW}]"),
            Refused("a.json:1: the JSON object does not end: the input is cut off"),
        ),
        data(
            "{\"a\":1,",
            Refused("a.json:1: the JSON object does not end: the input is cut off"),
        ),
        data(
            format!("{{\"data\":[{ROW}]\n,\"b\":tru}}"),
            Refused("a.json:2: is not JSON here, outside of the array at `data` (--json-path)"),
        ),
        data(
            format!("{{\"data\":[{ROW}]\n,\"b\":'x'}}"),
            Refused("a.json:2: is not JSON here, outside"),
        ),
        data("{data:[]}", Refused("a.json:1: is not JSON here, outside")),
        data(
            "{\"data\":[{} {}]}",
            Refused("a.json:1: a comma is missing here between two elements of the JSON array"),
        ),
        data(
            "{\"data\":[{},]}",
            Refused("a.json:1: an element is missing here beside a comma of the JSON array"),
        ),
        data(
            format!("{{\"data\":[{ROW}]}}\n{{\"data\":[{ROW}]}}\n"),
            Refused(
                "a.json:2: something follows the end of the JSON object: an input is one object (--json-path)",
            ),
        ),
        data(
            format!("{{\"a\":{}", "[".repeat(100_000)),
            Refused("a.json:1: is JSON that is nested more than 128 levels deep here"),
        ),
        data(
            utf_16("{\"data\":[]}"),
            Refused("a.json: is UTF-16 without a byte order mark: --encoding utf-16le"),
        ),
        data("<!DOCTYPE html><html>", Refused("a.json: is an HTML page")),
        odd_with(
            ITEMS,
            "a.json",
            "{\"result\":[]}",
            Refused(
                "a.json:1: `result` is not an object here, so that it has no keys (--json-path)",
            ),
        ),
        odd_with(
            ITEMS,
            "a.json",
            "{\"result\":{\"x\":1}}",
            Refused("a.json:1: the JSON object that ends here has no key `items` (--json-path)"),
        ),
        odd_with(
            ITEMS,
            "a.json",
            "{\"result\":{\"items\":[]},\"result\":1}",
            Refused("the key `result` is here for the second time"),
        ),
        odd_with(
            &["--json-path", "a..b"],
            "a.json",
            "{}",
            Refused(
                "--json-path: not names of keys with a dot between them, as in data or result.items",
            ),
        ),
        odd_with(
            &["--json-path", "data", "--format", "csv"],
            "a.json",
            "{}",
            Refused("--json-path"),
        ),
    ]
}

fn without_the_flag() -> Vec<Odd> {
    let names_it =
        "a.json:1: is one JSON object with an array in it: --json-path data reads the array";
    let one_line = format!(r#"{{"data":[{ROW}],"meta":{{}}}}"#);
    let rows = format!("{ROW},").repeat(100_000);
    vec![
        odd("a.json", &one_line, Refused(names_it)),
        odd(
            "a",
            format!("{one_line}\n"),
            Refused("a:1: is one JSON object with an array in it"),
        ),
        odd(
            "a.json",
            format!("{{\"data\":[{rows}{ROW}]}}"),
            Refused(names_it),
        ),
        odd(
            "a.json",
            format!("{{\n\"data\": [\n{ROW}\n]}}"),
            Refused(names_it),
        ),
        odd(
            "a.json",
            format!("{{\"result\":{{\"items\":[{ROW}]}}}}"),
            Refused(
                "a.json:1: is one JSON object with an array in it: --json-path result.items reads the array",
            ),
        ),
        // A key that is no usual name may be a customer's value.
        odd(
            "a.json",
            format!("{{\"jane@example.com\":[{ROW}]}}"),
            Refused(
                "a.json:1: is one JSON object with an array in it: --json-path KEY reads the array, where KEY is its name",
            ),
        ),
        odd(
            "a.json",
            format!("{{\"Smith\":[{ROW}],\"Jones\":[{ROW}]}}"),
            Refused(
                "a.json:1: is one JSON object with several arrays in it: --json-path KEY reads one, where KEY is its name",
            ),
        ),
        odd(
            "a.json",
            format!("{{\"links\":[{ROW}],\"data\":[{ROW},{ROW}]}}"),
            Refused(
                "a.json:1: is one JSON object with several arrays in it: --json-path data reads one of them",
            ),
        ),
        odd(
            "a.json",
            "{\n\"id\":1,\n\"job\":\"x\"\n}",
            Refused("a.json:1: is JSON that spans several lines"),
        ),
        // A row with a known key is a row.
        odd_with(
            &["--ignore", "tags"],
            "a.ndjson",
            r#"{"id":1,"job":"Nurse","tags":[{"a":1}]}"#,
            Sends(NURSE),
        ),
        odd_with(
            &["--map", "no=id", "--map", "work=job", "--ignore", "tags"],
            "a.ndjson",
            r#"{"no":1,"work":"Nurse","tags":[{"a":1}]}"#,
            Sends(NURSE),
        ),
    ]
}
