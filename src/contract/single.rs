//! One value by itself, as the row that it is part of would have it.

use super::notes::Notes;
use super::value::{customer_id, value};
use super::{Cell, CustomerId, Field, FieldError, Subject, ValueRules};

/// The value of a field in a request's body, as JSON, where its cell says this; or what is wrong with the cell.
pub fn field_value(field: Field, cell: Cell<'_>, rules: &ValueRules) -> Result<String, FieldError> {
    match value(cell, field.rule(), rules, &mut Notes::default()) {
        Ok(value) => {
            Ok(serde_json::to_string(&value).expect("null, a text or a number serialises"))
        }
        Err((code, message)) => Err(FieldError::new(Subject::Field(field), code, message)),
    }
}

/// The customer whose cell says this, or what is wrong with the cell.
pub fn id_value(cell: Option<Cell<'_>>, rules: &ValueRules) -> Result<CustomerId, FieldError> {
    customer_id(cell, rules).map_err(|(code, message)| FieldError::new(Subject::Id, code, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::ErrorCode;

    #[test]
    fn a_value_is_what_the_body_holds() {
        let check = |field: Field, cell: Cell<'_>, want: Result<&str, ErrorCode>| {
            let found =
                field_value(field, cell, &ValueRules::default()).map_err(|error| error.code);
            assert_eq!(found.as_deref().map_err(|code| *code), want, "{field}");
        };
        check(
            Field::FirstName,
            Cell::Text("Zo\u{eb} \"Z\"".into()),
            Ok("\"Zo\u{eb} \\\"Z\\\"\""),
        );
        check(Field::CountryId, Cell::Text("084".into()), Ok("84"));
        check(
            Field::DateOfBirth,
            Cell::Text("1985-04-12".into()),
            Ok("\"1985-04-12T00:00:00Z\""),
        );
        check(Field::Email, Cell::Null, Ok("null"));
        check(Field::FirstName, Cell::Null, Err(ErrorCode::Null));
        check(Field::Gender, Cell::Text("f".into()), Err(ErrorCode::Enum));
        let rules = ValueRules::default();
        assert_eq!(
            id_value(Some(Cell::Number("007")), &rules).map(CustomerId::get),
            Ok(7)
        );
        assert_eq!(
            id_value(None, &rules).map_err(|error| error.code),
            Err(ErrorCode::Required)
        );
    }
}
