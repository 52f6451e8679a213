//! The API's contract: the fields and their rules, the answers, and the one type that request
//! bodies are made from.
//!
//! Everything here is pure. [`FIELDS`] is the one table of the contract; validation, `--help` and
//! docs/input.md follow from it. The source of every rule is the API's page "Update a customer". Items
//! with another source name it.

mod allowed;
mod answer;
mod as_shown;
mod canonical;
mod classification;
mod compare;
mod compare_echo;
mod country;
mod country_names;
mod customer_page;
mod damage;
mod date;
mod date_format;
mod decimal;
mod echo;
mod email;
mod entity_tag;
mod fault;
mod field;
mod field_error;
mod field_set;
mod fill;
mod hints;
mod id;
mod image;
mod lay_over;
mod member_name;
mod oddity;
mod point_in_time;
mod projection;
mod resource;
mod restore;
mod row_notes;
mod sendable;
mod server_words;
mod sheet_fault;
mod shown_fields;
mod since;
#[cfg(test)]
mod tests;
mod update;
mod value;
mod value_rules;
mod warning;

/// The version of the contract. A state that was written under another one is refused: the same row
/// may stand for another update.
pub(crate) const CONTRACT_VERSION: u32 = 1;

pub(crate) use allowed::Leniency;
pub use answer::{Answer, Attempt, Body, Claim, Reset, Response, Shown};
pub(crate) use answer::{Answered, RateWindow, ServerError, Shape};
pub(crate) use as_shown::is_as_shown;
pub(crate) use canonical::{write_canonical, write_shown};
pub(crate) use classification::is_blank;
pub(crate) use compare::compare_answer;
pub(crate) use country::{Countries, country_of_request};
pub(crate) use country_names::CountryNames;
pub(crate) use customer_page::{CUSTOMERS_PER_PAGE, CustomerPage, PageAnswered, PageError};
pub(crate) use date::Today;
pub(crate) use date_format::{DateFormat, DateFormatError, TwoDigitYears};
pub(crate) use echo::Echo;
pub use echo::EchoCheck;
pub(crate) use entity_tag::EntityTag;
pub(crate) use fault::{Fault, ProxyFault, TlsFault};
pub use field::{FIELDS, Field, FieldKind, NullRule};
pub(crate) use field::{READ_ONLY, field_table};
pub use field_error::ErrorCode;
pub(crate) use field_error::{FieldError, Subject};
pub use field_set::FieldSet;
pub(crate) use fill::FillRule;
pub(crate) use hints::not_utf_8;
pub use id::CustomerId;
pub(crate) use id::IdError;
pub(crate) use image::{Image, Marks};
pub(crate) use lay_over::lay_over;
pub(crate) use member_name::read_name;
pub(crate) use oddity::{has_line_break, has_odd_characters, has_odd_text};
pub(crate) use projection::{
    ChangeKind, FieldChange, NotLaid, Projection, ProjectionRules, RequestKind,
};
pub(crate) use resource::{MemberValue, SentFields};
pub(crate) use restore::{
    ChangeHistory, Conflicts, FieldFate, LeftOutEffect, RestoreRequest, RestoreRules,
    can_be_put_back, has_cleared_all,
};
pub(crate) use row_notes::RowNotes;
pub(crate) use sendable::Unsendable;
pub(crate) use server_words::{NAME_CHARACTERS_MAX, is_code, is_field};
pub(crate) use sheet_fault::SheetFault;
pub(crate) use shown_fields::ShownFields;
pub(crate) use since::{ChangeSince, change_since};
pub use update::UpdateBuilder;
pub(crate) use update::{CustomerUpdate, InvalidRow, body_of_fields};
pub(crate) use value::{Cell, field_value, id_value};
pub(crate) use value_rules::SinceRule;
pub use value_rules::ValueRules;
pub(crate) use warning::{Warning, Warnings};
