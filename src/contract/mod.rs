//! The API's contract: the fields and their rules, the answers, and the one type that request
//! bodies are made from.
//!
//! Everything here is pure. [`FIELDS`] is the one table of the contract; validation, `--help` and
//! the README follow from it. The source of every rule is the API's page "Update a customer". Items
//! with another source name it.

mod allowed;
mod answer;
mod classification;
mod compare;
mod damage;
mod date;
mod date_format;
mod decimal;
mod email;
mod fault;
mod field;
mod field_error;
mod field_set;
mod hints;
mod id;
mod oddity;
mod resource;
mod row_notes;
mod server_words;
mod sheet_fault;
mod update;
mod value;
mod value_rules;
mod warning;

pub use allowed::{Allowed, Leniency};
pub use answer::{
    Answer, Attempt, Body, Claim, RateWindow, Reset, Response, ServerError, Shape, Shown,
};
pub use classification::is_blank;
pub use compare::{ValueComparison, compare, compare_answer};
pub use date::Today;
pub use date_format::{DateFormat, DateFormatError, TwoDigitYears};
pub use fault::{Fault, ProxyFault, TlsFault};
pub use field::{FIELDS, Field, FieldKind, FieldRule, NullRule, READ_ONLY, field_table};
pub use field_error::{ErrorCode, FieldError, Subject};
pub use field_set::FieldSet;
pub use hints::not_utf_8;
pub use id::{CustomerId, IdError};
pub use oddity::{has_line_break, has_odd_characters, has_odd_text};
pub use resource::{MemberValue, Resource, SentFields};
pub use row_notes::RowNotes;
pub use server_words::{NAME_CHARACTERS_MAX, is_code, is_field};
pub use sheet_fault::SheetFault;
pub use update::{CustomerUpdate, InvalidRow, UpdateBuilder, body_of_fields};
pub use value::{Cell, field_value, id_value};
pub use value_rules::ValueRules;
pub use warning::{Warning, Warnings};
