//! What is odd about the values: numbers, dates, addresses, lengths, empty cells, customers that stand twice.

use super::{Odd, Rows, Sends, odd, odd_with};

const LARGEST: &str = "9223372036854775807";

pub(super) fn table() -> Vec<Odd> {
    let mut table = numbers();
    table.extend(dates());
    table.extend(addresses());
    table.extend(texts());
    table.extend(empty_cells());
    table.extend(customers_that_stand_twice());
    table
}

/// A row in which one field has this value.
fn cell(field: &str, value: &str) -> String {
    format!("id,{field}\n1,{value}\n")
}

fn numbers() -> Vec<Odd> {
    let country = |value: &str| cell("country_id", value);
    let id = |id: &str| format!("id,job\n{id},x\n");
    vec![
        odd("a.csv", id("007"), Sends(r#"{"job":"x"}"#)),
        odd("a.csv", id(LARGEST), Sends(r#"{"job":"x"}"#)),
        odd("a.csv", id("9223372036854775808"), Rows(0, 1, "2 id range: is not between 1 and 9223372036854775807")),
        odd("a.csv", id("0"), Rows(0, 1, "2 id range: is not between 1 and 9223372036854775807")),
        odd("a.csv", id("-0"), Rows(0, 1, "2 id range: is not between 1 and 9223372036854775807")),
        odd("a.csv", id(""), Rows(0, 1, "2 id required: is empty")),
        odd("a.csv", id(" 1"), Rows(0, 1, "2 id type: has spaces around the number (--trim removes them)")),
        odd_with(&["--trim"], "a.csv", id(" 1"), Sends(r#"{"job":"x"}"#)),
        odd("a.csv", country("007"), Sends(r#"{"country_id":7}"#)),
        odd("a.csv", country("-0"), Sends(r#"{"country_id":0}"#)),
        odd("a.csv", country("1e3"), Rows(0, 1, "2 country_id type: is not a whole number")),
        odd("a.csv", country("84.0"), Rows(0, 1, "2 country_id type: is a whole number written with decimals")),
        odd("a.csv", country("\"1,5\""), Rows(0, 1, "2 country_id type: is not a whole number")),
        odd("a.csv", country("８４"), Rows(0, 1, "2 country_id type: is not a whole number")),
        odd(
            "a.csv",
            country(&"9".repeat(400)),
            Rows(0, 1, "2 country_id range: is outside the range of 64-bit integers"),
        ),
        odd("a.csv", country("null"), Rows(0, 1, "2 country_id type: is not a whole number")),
        odd_with(&["--null-string", "null"], "a.csv", country("null"), Sends(r#"{"country_id":null}"#)),
        odd("a.ndjson", "{\"id\":\"007\",\"country_id\":\"084\"}\n", Sends(r#"{"country_id":84}"#)),
        odd("a.ndjson", "{\"id\":1e0,\"country_id\":84}\n", Rows(0, 1, "1 id type: is not a whole number")),
    ]
}

fn dates() -> Vec<Odd> {
    let date = |value: &str| cell("date_of_birth", value);
    let no_such_day = "2 date_of_birth format: is not a date: the calendar has no such day";
    let no_date = "2 date_of_birth format: is not a date: RFC 3339 or YYYY-MM-DD (--date-format names other forms)";
    vec![
        odd("a.csv", date("2000-02-29"), Sends(r#"{"date_of_birth":"2000-02-29T00:00:00Z"}"#)),
        odd("a.csv", date("1900-02-29"), Rows(0, 1, no_such_day)),
        odd("a.csv", date("1990-12-31T23:59:60Z"), Sends(r#"{"date_of_birth":"1990-12-31T23:59:60Z"}"#)),
        odd("a.csv", date("0000-01-01"), Sends(r#"{"date_of_birth":"0000-01-01T00:00:00Z"}"#)),
        odd("a.csv", date("soon"), Rows(0, 1, no_date)),
        odd_with(
            &["--date-format", "%d/%m/%Y"],
            "a.csv",
            date("31/12/1999"),
            Sends(r#"{"date_of_birth":"1999-12-31T00:00:00Z"}"#),
        ),
        odd(
            "a.csv",
            date("31/12/1999"),
            Rows(
                0,
                1,
                "2 date_of_birth format: is not a date: RFC 3339 or YYYY-MM-DD; it has the form 99/99/9999, which --date-format can name",
            ),
        ),
    ]
}

fn addresses() -> Vec<Odd> {
    let email = |value: &str| cell("email", value);
    let no_address = "2 email format: is not an e-mail address";
    vec![
        odd("a.csv", email("root@localhost"), Sends(r#"{"email":"root@localhost"}"#)),
        odd("a.csv", email("\"\"\"a b\"\"@example.com\""), Sends(r#"{"email":"\"a b\"@example.com"}"#)),
        odd("a.csv", email("a@[127.0.0.1]"), Rows(0, 1, no_address)),
        odd("a.csv", email("a@example.com."), Rows(0, 1, no_address)),
        odd("a.csv", email("josé@example.com"), Rows(0, 1, no_address)),
        odd("a.csv", email("John <j@example.com>"), Rows(0, 1, no_address)),
        odd(
            "a.csv",
            email(" a@example.com"),
            Rows(0, 1, "2 email format: has spaces around the address (--trim removes them)"),
        ),
    ]
}

fn texts() -> Vec<Odd> {
    vec![
        odd("a.csv", cell("first_name", &"ë".repeat(255)), Rows(1, 0, "")),
        odd(
            "a.csv",
            cell("first_name", &"ë".repeat(256)),
            Rows(0, 1, "2 first_name too_long: has more than 255 characters"),
        ),
        odd("a.csv", cell("phone_number", &"1".repeat(20)), Rows(1, 0, "")),
        odd(
            "a.csv",
            cell("phone_number", &"1".repeat(21)),
            Rows(0, 1, "2 phone_number too_long: has more than 20 characters"),
        ),
        odd("a.csv", cell("address", &"😀".repeat(1_000)), Rows(1, 0, "")),
        odd(
            "a.csv",
            cell("first_name", "\u{a0}"),
            Rows(0, 1, "2 first_name null: must not be empty: the API turns empty text into null"),
        ),
        odd(
            "a.csv",
            cell("gender", "Male"),
            Rows(
                0,
                1,
                "2 gender enum: is none of male, female, other; differs from one of them only in case ([values.gender] can map it)",
            ),
        ),
        odd_with(&["--values", "gender:M=male"], "a.csv", cell("gender", "M"), Sends(r#"{"gender":"male"}"#)),
        odd(
            "a.ndjson",
            "{\"id\":1,\"phone_number\":1701234567}\n",
            Rows(
                0,
                1,
                "1 phone_number type: is a number where text belongs (leading zeros are lost that way); put it in quotes",
            ),
        ),
    ]
}

fn empty_cells() -> Vec<Odd> {
    let file = "id,job,email\n1,,a@b.c\n";
    vec![
        odd("a.csv", file, Sends(r#"{"email":"a@b.c"}"#)),
        odd_with(&["--empty", "null"], "a.csv", file, Sends(r#"{"email":"a@b.c","job":null}"#)),
        odd_with(&["--empty", "job=null"], "a.csv", file, Sends(r#"{"email":"a@b.c","job":null}"#)),
        odd_with(&["--empty", "error"], "a.csv", file, Rows(0, 1, "2 job required: is empty (--empty error)")),
        odd("a.ndjson", "{\"id\":1,\"job\":\"\",\"email\":null}\n", Sends(r#"{"email":null}"#)),
        odd("a.csv", "id,job\n1,\n", Rows(0, 1, "2 row required: has nothing to update: no field beside the id")),
        odd_with(&["--set", "country_id=84"], "a.csv", "id,job\n1,\n", Sends(r#"{"country_id":84}"#)),
    ]
}

fn customers_that_stand_twice() -> Vec<Odd> {
    let file = "id,job\n1,a\n2,b\n01,c\n";
    vec![
        odd("a.csv", file, Rows(3, 0, "")),
        odd_with(
            &["--unique", "reject"],
            "a.csv",
            file,
            Rows(2, 1, "4 id duplicate: stands in an earlier row too (--unique reject)"),
        ),
        odd_with(&["--unique", "last"], "a.csv", file, Rows(2, 0, "")),
    ]
}
