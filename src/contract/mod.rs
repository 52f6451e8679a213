//! What the API allows and what it answers: the fields, their rules, and the one type that a request body is made from.
//!
//! Everything here is pure. [`FIELDS`] is the one table of the contract: validation, `--help` and the README follow from it.
//! The source of every rule is the API's page "Update a customer"; where a rule comes from elsewhere, its item says so.

mod allowed;
mod answer;
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
mod finding;
mod id;
mod near_miss;
mod notes;
mod oddity;
mod resource;
mod server_words;
mod sheet_fault;
mod update;
mod value;
mod value_rules;
mod warning;

pub use allowed::{Allowance, Allowed};
pub use answer::{
    Answer, Attempt, Body, Claim, RateWindow, Reset, Response, ServerError, Shape, Shown,
};
pub use compare::{Comparison, compare, shows};
pub use date::Today;
pub use date_format::{DateFormat, DateFormatError, TwoDigitYears};
pub use fault::{Fault, ProxyFault, TlsFault};
pub use field::{FIELDS, Field, FieldRule, Kind, Null, READ_ONLY, field_table};
pub use field_error::{ErrorCode, FieldError, Subject};
pub use field_set::FieldSet;
pub use finding::is_blank;
pub use id::{CustomerId, IdError};
pub use near_miss::not_utf_8;
pub use notes::Notes;
pub use oddity::{has_line_break, has_odd_characters, has_odd_text};
pub use resource::{Resource, Sent, Shows};
pub use server_words::{NAME_CHARACTERS_MAX, is_code, is_field};
pub use sheet_fault::SheetFault;
pub use update::{CustomerUpdate, Draft, InvalidRow, body_of_fields};
pub use value::{Cell, field_value, id_value};
pub use value_rules::ValueRules;
pub use warning::{Warning, Warnings};
