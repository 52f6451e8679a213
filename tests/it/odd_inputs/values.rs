//! Odd values: numbers, dates, addresses, lengths, empty cells, duplicate customers.

use super::{Odd, Refused, Rows, Sends, odd, odd_with};

const NOTHING: &str = "2 row required: has nothing to update: no field besides the id";
const LARGEST: &str = "9223372036854775807";

pub(super) fn table() -> Vec<Odd> {
    let mut table = numbers();
    table.extend(dates());
    table.extend(numbers_for_dates());
    table.extend(addresses());
    table.extend(texts());
    table.extend(damaged());
    table.extend(empty_cells());
    table.extend(blank_cells());
    table.extend(customers_that_appear_twice());
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
        odd(
            "a.csv",
            id("9223372036854775808"),
            Rows(0, 1, "2 id range: is not between 1 and 9223372036854775807"),
        ),
        odd(
            "a.csv",
            id("0"),
            Rows(0, 1, "2 id range: is not between 1 and 9223372036854775807"),
        ),
        odd(
            "a.csv",
            id("-0"),
            Rows(0, 1, "2 id range: is not between 1 and 9223372036854775807"),
        ),
        odd("a.csv", id(""), Rows(0, 1, "2 id required: is empty")),
        odd(
            "a.csv",
            id(" 1"),
            Rows(
                0,
                1,
                "2 id type: has spaces around the number (--trim removes them)",
            ),
        ),
        odd_with(&["--trim"], "a.csv", id(" 1"), Sends(r#"{"job":"x"}"#)),
        odd("a.csv", country("007"), Sends(r#"{"country_id":7}"#)),
        odd("a.csv", country("-0"), Sends(r#"{"country_id":0}"#)),
        odd(
            "a.csv",
            country("1e3"),
            Rows(0, 1, "2 country_id type: is not a whole number"),
        ),
        odd(
            "a.csv",
            country("84.0"),
            Rows(
                0,
                1,
                "2 country_id type: is a whole number written with decimals (--allow decimals accepts decimals that are all zero)",
            ),
        ),
        odd_with(
            &["--allow", "decimals"],
            "a.csv",
            country("84.0"),
            Sends(r#"{"country_id":84}"#),
        ),
        odd_with(
            &["--allow", "decimals"],
            "a.csv",
            "id,country_id\n101.0,84.00\n",
            Sends(r#"{"country_id":84}"#),
        ),
        odd_with(
            &["--allow", "decimals"],
            "a.ndjson",
            "{\"id\":101.0,\"country_id\":84.0}\n",
            Sends(r#"{"country_id":84}"#),
        ),
        odd_with(
            &["--allow", "decimals"],
            "a.csv",
            country("84.5"),
            Rows(0, 1, "2 country_id type: is not a whole number"),
        ),
        odd(
            "a.csv",
            country("\"1,5\""),
            Rows(0, 1, "2 country_id type: is not a whole number"),
        ),
        odd(
            "a.csv",
            country("８４"),
            Rows(0, 1, "2 country_id type: is not a whole number"),
        ),
        odd(
            "a.csv",
            country(&"9".repeat(400)),
            Rows(
                0,
                1,
                "2 country_id range: is outside the range of 64-bit integers",
            ),
        ),
        odd(
            "a.csv",
            country("null"),
            Rows(
                0,
                1,
                "2 country_id type: is not a whole number; it looks like a null (--null-string sets the words that mean null)",
            ),
        ),
        odd_with(
            &["--null-string", "null"],
            "a.csv",
            country("null"),
            Sends(r#"{"country_id":null}"#),
        ),
        odd(
            "a.ndjson",
            "{\"id\":\"007\",\"country_id\":\"084\"}\n",
            Sends(r#"{"country_id":84}"#),
        ),
        odd(
            "a.ndjson",
            "{\"id\":1e0,\"country_id\":84}\n",
            Rows(0, 1, "1 id type: is not a whole number"),
        ),
    ]
}

fn dates() -> Vec<Odd> {
    let no_such_day = "2 date_of_birth format: is not a date: the calendar has no such day";
    let no_date = "2 date_of_birth format: is not a date: expected RFC 3339 or YYYY-MM-DD (--date-format adds other forms)";
    vec![
        odd(
            "a.csv",
            date("2000-02-29"),
            Sends(r#"{"date_of_birth":"2000-02-29T00:00:00Z"}"#),
        ),
        odd("a.csv", date("1900-02-29"), Rows(0, 1, no_such_day)),
        odd(
            "a.csv",
            date("1990-12-31T23:59:60Z"),
            Sends(r#"{"date_of_birth":"1990-12-31T23:59:60Z"}"#),
        ),
        odd(
            "a.csv",
            date("0001-01-01"),
            Sends(r#"{"date_of_birth":"0001-01-01T00:00:00Z"}"#),
        ),
        odd("a.csv", date("0000-01-01"), Rows(0, 1, no_such_day)),
        odd(
            "a.ndjson",
            "{\"id\":1,\"date_of_birth\":\"0000-01-01T00:00:00Z\"}\n",
            Rows(
                0,
                1,
                "1 date_of_birth format: is not a date: expected RFC 3339 or YYYY-MM-DD (--date-format adds other forms)",
            ),
        ),
        odd_with(
            &["--date-format", "%d.%m.%Y"],
            "a.csv",
            date("31.04.1985"),
            Rows(0, 1, no_such_day),
        ),
        odd_with(
            &["--date-format", "%d.%m.%Y"],
            "a.csv",
            date("3.4.1985"),
            Sends(r#"{"date_of_birth":"1985-04-03T00:00:00Z"}"#),
        ),
        odd_with(
            &["--date-format", "%d.%m.%Y"],
            "a.csv",
            date("12.04.85"),
            Rows(
                0,
                1,
                "2 date_of_birth format: is not a date: expected RFC 3339, YYYY-MM-DD or a --date-format; it has the form 99.99.99",
            ),
        ),
        odd_with(
            &["--date-format", "%d.%m.%y"],
            "a.csv",
            date("12.04.85"),
            Refused("--two-digit-years 1930 means 1930 to 2029"),
        ),
        odd_with(
            &["--date-format", "%d.%m.%y", "--two-digit-years", "1930"],
            "a.csv",
            date("31.12.45"),
            Sends(r#"{"date_of_birth":"1945-12-31T00:00:00Z"}"#),
        ),
        odd_with(
            &["--date-format", "%d.%m.%Y", "--two-digit-years", "1930"],
            "a.csv",
            date("31.12.1945"),
            Refused("--two-digit-years has no effect: no --date-format has %y"),
        ),
        odd_with(
            &["--date-format", "%Y-%m-%dT%H:%M:%S%.f%z"],
            "a.csv",
            date("1985-04-12T00:00:00.000+0200"),
            Sends(r#"{"date_of_birth":"1985-04-12T00:00:00+02:00"}"#),
        ),
        odd_with(
            &["--date-format", "%Y-%m-%d %I:%M"],
            "a.csv",
            date("1985-04-12 08:05"),
            Refused("needs %p, for morning or afternoon"),
        ),
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
                "2 date_of_birth format: is not a date: expected RFC 3339 or YYYY-MM-DD; it has the form 99/99/9999, which --date-format can name",
            ),
        ),
    ]
}

fn date(value: &str) -> String {
    cell("date_of_birth", value)
}

/// Dates as other programs write them.
fn numbers_for_dates() -> Vec<Odd> {
    vec![
        odd(
            "a.csv",
            date("31149"),
            Rows(
                0,
                1,
                "2 date_of_birth format: is an Excel day number, not a date: format the column as a date and export again",
            ),
        ),
        odd(
            "a.csv",
            date("482112000"),
            Rows(
                0,
                1,
                "2 date_of_birth format: is a Unix time in seconds, not a date: use RFC 3339 or YYYY-MM-DD",
            ),
        ),
        odd(
            "a.csv",
            date("1985-04-12T10:00:00"),
            Rows(
                0,
                1,
                "2 date_of_birth format: is a date and time without an offset: add Z or an offset such as +02:00, or use --date-format \"%Y-%m-%dT%H:%M:%S\" to read it as UTC",
            ),
        ),
    ]
}

fn addresses() -> Vec<Odd> {
    let email = |value: &str| cell("email", value);
    let no_address = "2 email format: is not an e-mail address";
    vec![
        odd(
            "a.csv",
            email("root@localhost"),
            Sends(r#"{"email":"root@localhost"}"#),
        ),
        odd(
            "a.csv",
            email("\"\"\"a b\"\"@example.com\""),
            Sends(r#"{"email":"\"a b\"@example.com"}"#),
        ),
        odd("a.csv", email("a@[127.0.0.1]"), Rows(0, 1, no_address)),
        odd("a.csv", email("a@example.com."), Rows(0, 1, no_address)),
        odd("a.csv", email("josé@example.com"), Rows(0, 1, no_address)),
        odd(
            "a.csv",
            email("John <j@example.com>"),
            Rows(0, 1, no_address),
        ),
        odd(
            "a.csv",
            email(" a@example.com"),
            Rows(
                0,
                1,
                "2 email format: has spaces around the address (--trim removes them)",
            ),
        ),
    ]
}

fn texts() -> Vec<Odd> {
    vec![
        odd(
            "a.csv",
            cell("first_name", &"ë".repeat(255)),
            Rows(1, 0, ""),
        ),
        odd(
            "a.csv",
            cell("first_name", &"ë".repeat(256)),
            Rows(0, 1, "2 first_name too_long: has more than 255 characters"),
        ),
        odd(
            "a.csv",
            cell("phone_number", &"1".repeat(20)),
            Rows(1, 0, ""),
        ),
        odd(
            "a.csv",
            cell("phone_number", &"1".repeat(21)),
            Rows(0, 1, "2 phone_number too_long: has more than 20 characters"),
        ),
        odd(
            "a.csv",
            cell("address", &"😀".repeat(1_000)),
            Rows(1, 0, ""),
        ),
        odd("a.csv", cell("first_name", "\u{a0}"), Rows(0, 1, NOTHING)),
        odd(
            "a.csv",
            cell("gender", "Male"),
            Rows(
                0,
                1,
                "2 gender enum: is not one of male, female, other; differs from one of them only in case ([values.gender] can map it)",
            ),
        ),
        odd_with(
            &["--values", "gender:M=male"],
            "a.csv",
            cell("gender", "M"),
            Sends(r#"{"gender":"male"}"#),
        ),
        odd(
            "a.ndjson",
            "{\"id\":1,\"phone_number\":1701234567}\n",
            Rows(
                0,
                1,
                "1 phone_number type: is a number where text is expected (numbers lose leading zeros): put it in quotes",
            ),
        ),
    ]
}

fn damaged() -> Vec<Odd> {
    let nul = "2 job damaged: holds a NUL character: the file is damaged or in another encoding (--allow damaged sends it as it is)";
    let replacement = "2 job damaged: holds U+FFFD, the mark of a character that was lost earlier: export the file again, as UTF-8 (--allow damaged sends it as it is)";
    let error = "2 job damaged: is a spreadsheet error, such as #N/A: correct the cell and export again (--allow damaged sends it as it is)";
    let narrow = "2 job damaged: is nothing but #, which a spreadsheet shows when a column is too narrow: widen it and export again (--allow damaged sends it as it is)";
    let short = "2 job damaged: is a number that a spreadsheet has shortened, such as 1.23E+11: format the column as text, type the value again (--allow damaged sends it as it is)";
    let job = |value: &str| cell("job", value);
    let usual = "2,x\n".repeat(100_000);
    // After the first block, which alone is checked for being text.
    let late = |value: &str| format!("id,job\n1,x\n{usual}3,{value}\n");
    let late_nul = nul.strip_prefix('2').expect("a line");
    let late_nul: &'static str = Box::leak(format!("100003{late_nul}").into_boxed_str());
    let late_replacement = replacement.strip_prefix('2').expect("a line");
    let late_replacement: &'static str =
        Box::leak(format!("100003{late_replacement}").into_boxed_str());
    vec![
        odd("a.csv", late("a\0b"), Rows(100_001, 1, late_nul)),
        odd(
            "a.csv",
            late("Zo\u{fffd}"),
            Rows(100_001, 1, late_replacement),
        ),
        odd(
            "a.ndjson",
            "\n{\"id\":1,\"job\":\"a\\u0000b\"}\n",
            Rows(0, 1, nul),
        ),
        odd(
            "a.ndjson",
            "\n{\"id\":1,\"job\":\"Zo\\ufffd\"}\n",
            Rows(0, 1, replacement),
        ),
        odd(
            "a.ndjson",
            "\n{\"id\":1,\"job\":\"Zo\u{fffd}\"}\n",
            Rows(0, 1, replacement),
        ),
        odd("a.csv", job("Zo\u{fffd}"), Rows(0, 1, replacement)),
        odd("a.csv", job("\"Zo\u{fffd}\"\"\""), Rows(0, 1, replacement)),
        odd("a.csv", job("#NAME?"), Rows(0, 1, error)),
        odd("a.csv", job("#N/A"), Rows(0, 1, error)),
        odd("a.csv", job("#N/A   "), Rows(0, 1, error)),
        odd("a.csv", job("########"), Rows(0, 1, narrow)),
        odd("a.csv", job(" ####"), Rows(0, 1, narrow)),
        odd("a.csv", job(" 8.49E+11"), Rows(0, 1, short)),
        odd("a.csv", job("8.49E+11"), Rows(0, 1, short)),
        odd("a.csv", job("\"1,23E+05\""), Rows(0, 1, short)),
        odd_with(
            &["--trim", "--null-string", "NULL"],
            "a.csv",
            job(" 8.49E+11"),
            Rows(0, 1, short),
        ),
        odd_with(
            &["--allow", "damaged"],
            "a.csv",
            job("8.49E+11"),
            Sends(r#"{"job":"8.49E+11"}"#),
        ),
        odd_with(
            &["--allow", "damaged,decimals"],
            "a.csv",
            job("#N/A"),
            Sends("{\"job\":\"#N/A\"}"),
        ),
        odd_with(
            &["--allow", "damaged"],
            "a.ndjson",
            "{\"id\":1,\"job\":\"a\\u0000b\"}\n",
            Sends(r#"{"job":"a\u0000b"}"#),
        ),
        odd_with(
            &["--allow", "everything"],
            "a.csv",
            job("x"),
            Refused("--allow: `everything` is not one of damaged, decimals"),
        ),
        odd_with(
            &["--set", "job=#N/A"],
            "a.csv",
            "id,email\n1,a@b.c\n",
            Refused("--set: job is a spreadsheet error"),
        ),
        odd(
            "a.csv",
            cell("email", "#N/A"),
            Rows(
                0,
                1,
                "2 email damaged: is a spreadsheet error, such as #N/A: correct the cell and export again",
            ),
        ),
        odd(
            "a.csv",
            "id,job\n1.01E+05,x\n",
            Rows(
                0,
                1,
                "2 id damaged: is a number that a spreadsheet has shortened, such as 1.23E+11: format the column as text, type the value again",
            ),
        ),
    ]
}

/// White space as Unicode defines it.
fn blank_cells() -> Vec<Odd> {
    let blanks = [" ", "\t", "\u{a0}", "\u{3000}", "\u{2003} \u{205f}"];
    let mut table = Vec::new();
    for blank in blanks {
        let all = format!(
            "id,first_name,last_name,phone_number,email,date_of_birth,gender,country_id,identity_number,job,address,default_channel_id,user_id\n1{}\n",
            format!(",{blank}").repeat(12)
        );
        table.push(odd("a.csv", &all, Rows(0, 1, NOTHING)));
        table.push(odd(
            "a.csv",
            format!("id,job,email\n1,{blank},a@b.c\n"),
            Sends(r#"{"email":"a@b.c"}"#),
        ));
        table.push(odd(
            "a.ndjson",
            format!(
                "{{\"id\":1,\"job\":\"{}\",\"email\":\"a@b.c\"}}\n",
                blank.replace('\t', "\\t")
            ),
            Sends(r#"{"email":"a@b.c"}"#),
        ));
    }
    let job = cell("job", " ");
    table.extend([
        odd_with(
            &["--empty", "null"],
            "a.csv",
            &job,
            Sends(r#"{"job":null}"#),
        ),
        odd_with(
            &["--empty", "error"],
            "a.csv",
            &job,
            Rows(0, 1, "2 job required: is empty (--empty error)"),
        ),
        odd_with(
            &["--values", "job: =Nurse"],
            "a.csv",
            &job,
            Sends(r#"{"job":"Nurse"}"#),
        ),
        odd_with(
            &["--values", "job:x= "],
            "a.csv",
            cell("job", "x"),
            Rows(0, 1, NOTHING),
        ),
        odd_with(
            &["--null-string", " "],
            "a.csv",
            &job,
            Sends(r#"{"job":null}"#),
        ),
        odd_with(
            &["--empty", "null", "--set", "job= "],
            "a.csv",
            "id,email\n1,a@b.c\n",
            Sends(r#"{"email":"a@b.c","job":null}"#),
        ),
        odd(
            "a.csv",
            "id,job\n ,x\n",
            Rows(0, 1, "2 id required: is empty"),
        ),
        odd(
            "a.ndjson",
            "\n{\"id\":\"\u{a0}\",\"job\":\"x\"}\n",
            Rows(0, 1, "2 id required: is empty"),
        ),
    ]);
    table
}

fn empty_cells() -> Vec<Odd> {
    let file = "id,job,email\n1,,a@b.c\n";
    vec![
        odd("a.csv", file, Sends(r#"{"email":"a@b.c"}"#)),
        odd_with(
            &["--empty", "null"],
            "a.csv",
            file,
            Sends(r#"{"email":"a@b.c","job":null}"#),
        ),
        odd_with(
            &["--empty", "job=null"],
            "a.csv",
            file,
            Sends(r#"{"email":"a@b.c","job":null}"#),
        ),
        odd_with(
            &["--empty", "error"],
            "a.csv",
            file,
            Rows(0, 1, "2 job required: is empty (--empty error)"),
        ),
        odd(
            "a.ndjson",
            "{\"id\":1,\"job\":\"\",\"email\":null}\n",
            Sends(r#"{"email":null}"#),
        ),
        odd("a.csv", "id,job\n1,\n", Rows(0, 1, NOTHING)),
        odd_with(
            &["--set", "country_id=84"],
            "a.csv",
            "id,job\n1,\n",
            Sends(r#"{"country_id":84}"#),
        ),
    ]
}

fn customers_that_appear_twice() -> Vec<Odd> {
    let file = "id,job\n1,a\n2,b\n01,c\n";
    vec![
        odd("a.csv", file, Rows(3, 0, "")),
        odd_with(
            &["--unique", "reject"],
            "a.csv",
            file,
            Rows(
                2,
                1,
                "4 id duplicate: duplicates an earlier row (--unique reject)",
            ),
        ),
        odd_with(&["--unique", "last"], "a.csv", file, Rows(2, 0, "")),
    ]
}
