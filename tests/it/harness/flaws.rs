//! Ways to make a valid row invalid, each with its expected error.

use super::customers::{Cells, Given};
use super::writing::Form;

/// One broken rule.
#[derive(Debug, Clone)]
pub(crate) struct Flaw {
    /// The field of the expected error.
    pub(crate) field: &'static str,
    /// Its code.
    pub(crate) code: &'static str,
    /// Makes a good row bad.
    pub(crate) break_it: fn(&mut Cells),
}

/// The flaws that a file of this form can have.
pub(crate) fn of(form: Form) -> Vec<Flaw> {
    let mut flaws = any_form();
    flaws.extend(match form {
        Form::Csv => csv_only(),
        Form::Ndjson => ndjson_only(),
    });
    flaws
}

fn flaw(field: &'static str, code: &'static str, break_it: fn(&mut Cells)) -> Flaw {
    Flaw {
        field,
        code,
        break_it,
    }
}

fn set(cells: &mut Cells, column: &str, given: Given) {
    let cell = cells
        .iter_mut()
        .find(|(name, _)| *name == column)
        .expect("the column is there");
    cell.1 = given;
}

fn set_text(cells: &mut Cells, column: &str, text: &str) {
    set(cells, column, Given::Text(text.to_owned()));
}

fn any_form() -> Vec<Flaw> {
    vec![
        flaw("id", "required", |cells| set(cells, "id", Given::Absent)),
        flaw("id", "null", |cells| set(cells, "id", Given::Null)),
        flaw("id", "type", |cells| set_text(cells, "id", "A-17")),
        flaw("id", "range", |cells| set_text(cells, "id", "0")),
        flaw("id", "range", |cells| {
            set_text(cells, "id", "9223372036854775808");
        }),
        flaw("first_name", "null", |cells| {
            set(cells, "first_name", Given::Null);
        }),
        flaw("last_name", "damaged", |cells| {
            set_text(cells, "last_name", "#REF!");
        }),
        flaw("last_name", "too_long", |cells| {
            set_text(cells, "last_name", &"ß".repeat(256));
        }),
        flaw("phone_number", "too_long", |cells| {
            set_text(cells, "phone_number", "+49 30 123 456 789 012");
        }),
        flaw("email", "format", |cells| {
            set_text(cells, "email", "zoë at example.com");
        }),
        flaw("email", "too_long", |cells| {
            set_text(cells, "email", &format!("{}@example.com", "a".repeat(245)));
        }),
        flaw("date_of_birth", "format", |cells| {
            set_text(cells, "date_of_birth", "31.12.1999");
        }),
        flaw("date_of_birth", "format", |cells| {
            set_text(cells, "date_of_birth", "2023-02-29");
        }),
        flaw("gender", "enum", |cells| set_text(cells, "gender", "Male")),
        flaw("country_id", "type", |cells| {
            set_text(cells, "country_id", "twelve");
        }),
        flaw("country_id", "range", |cells| {
            set_text(cells, "country_id", "-9223372036854775809");
        }),
        flaw("default_channel_id", "type", |cells| {
            set_text(cells, "default_channel_id", "1.5");
        }),
        flaw("user_id", "type", |cells| set_text(cells, "user_id", " 7")),
        flaw("job", "too_long", |cells| {
            set_text(cells, "job", &"職".repeat(256));
        }),
        flaw("address", "too_long", |cells| {
            set_text(cells, "address", &"a,\n".repeat(334));
        }),
        flaw("row", "required", |cells| {
            cells
                .iter_mut()
                .skip(1)
                .for_each(|(_, given)| *given = Given::Absent);
        }),
    ]
}

fn csv_only() -> Vec<Flaw> {
    vec![
        flaw("row", "columns", |cells| {
            cells.push(("", Given::Text("one too many".to_owned())));
        }),
        flaw("row", "columns", |cells| cells.truncate(9)),
        flaw("address", "encoding", |cells| {
            set(cells, "address", Given::NotText);
        }),
    ]
}

fn ndjson_only() -> Vec<Flaw> {
    vec![
        flaw("row", "columns", |cells| {
            cells.push(("nickname", Given::Text("Zo".to_owned())));
        }),
        flaw("row", "encoding", |cells| {
            set(cells, "address", Given::NotText);
        }),
        flaw("row", "format", |cells| {
            set(cells, "job", Given::Json("\"clerk"));
        }),
        flaw("row", "format", |cells| {
            set(cells, "job", Given::Json("clerk"));
        }),
        flaw("email", "duplicate_key", |cells| {
            set_text(cells, "email", "one@example.com");
            cells.push(("email", Given::Text("two@example.com".to_owned())));
        }),
        flaw("phone_number", "type", |cells| {
            set(cells, "phone_number", Given::Json("4930123456"));
        }),
        flaw("gender", "type", |cells| {
            set(cells, "gender", Given::Json("true"));
        }),
        flaw("address", "type", |cells| {
            set(cells, "address", Given::Json("[\"Main Street 1\"]"));
        }),
        flaw("country_id", "type", |cells| {
            set(cells, "country_id", Given::Json("4.0"));
        }),
        flaw("user_id", "type", |cells| {
            set(cells, "user_id", Given::Json("{\"id\":7}"));
        }),
    ]
}
