//! The latest time at which others may have changed the customer of a row (`--unless-changed-since`).

use jiff::Timestamp;
use jiff::civil;

use super::ErrorCode;
use super::classification::is_blank;
use super::date::is_date_time;
use super::image::Image;
use super::value::{Cell, CellError};
use super::value_rules::ValueRules;

/// Whether others may have changed a customer after the time in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeSince {
    /// They have not.
    No,
    /// They have.
    Yes,
    /// The API does not show when the customer was changed.
    NotShown,
}

/// Returns whether others may have changed the customer with this image after the time in a row.
/// `own` is the time of the last change that the run itself has made.
pub(crate) fn change_since(image: &Image, since: Timestamp, own: Option<Timestamp>) -> ChangeSince {
    match image.updated_at() {
        None => ChangeSince::NotShown,
        Some(at) if at <= since || own.is_some_and(|own| at <= own) => ChangeSince::No,
        Some(_) => ChangeSince::Yes,
    }
}

/// Reads the time in a cell. It needs an offset: in another zone it would be another time.
pub(super) fn since(cell: Option<&Cell<'_>>, rules: &ValueRules) -> Result<Timestamp, CellError> {
    let refused = |code, message: &'static str| Err((code, message.into()));
    match cell {
        None | Some(Cell::Null | Cell::Empty) => refused(
            ErrorCode::Required,
            "has no time in the column of --unless-changed-since",
        ),
        Some(Cell::Text(text)) if is_blank(text) => refused(
            ErrorCode::Required,
            "has no time in the column of --unless-changed-since",
        ),
        Some(Cell::Text(text)) => match read(text, rules) {
            Read::Time(at) => Ok(at),
            Read::WithoutOffset => refused(
                ErrorCode::Format,
                "has a time without an offset (such as Z or +01:00) in the column of --unless-changed-since",
            ),
            Read::Nothing => refused(
                ErrorCode::Format,
                "has no time as in 2026-11-23T09:18:04Z in the column of --unless-changed-since (--date-format names other formats)",
            ),
        },
        Some(Cell::Repeated) => refused(
            ErrorCode::DuplicateKey,
            "has the key of --unless-changed-since twice",
        ),
        Some(
            Cell::Number(_)
            | Cell::SheetNumber(_)
            | Cell::SheetFault(_)
            | Cell::Boolean
            | Cell::Nested
            | Cell::AlsoSet
            | Cell::NotText { .. }
            | Cell::HalfCharacter,
        ) => refused(
            ErrorCode::Type,
            "needs a text with a time and its offset in the column of --unless-changed-since",
        ),
    }
}

/// The reading of a text.
enum Read {
    Time(Timestamp),
    WithoutOffset,
    Nothing,
}

fn read(text: &str, rules: &ValueRules) -> Read {
    if is_date_time(text.as_bytes()) {
        return text.parse().map_or(Read::Nothing, Read::Time);
    }
    let formats = &rules.date_formats;
    match formats
        .iter()
        .find_map(|format| format.read_with_offset(text))
    {
        Some((text, true)) => text.parse().map_or(Read::Nothing, Read::Time),
        Some((_, false)) => Read::WithoutOffset,
        None if text.parse::<civil::DateTime>().is_ok() => Read::WithoutOffset,
        None => Read::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::DateFormat;

    #[test]
    fn a_time_needs_an_offset() {
        let formats = ["%d.%m.%Y %H:%M %z", "%d.%m.%Y %H:%M"];
        let formats = formats.map(|format| DateFormat::new(format, None).expect("a format"));
        let rules = ValueRules {
            date_formats: formats.to_vec(),
            ..ValueRules::default()
        };
        let check = |cell: Option<Cell<'_>>, want: Result<&str, ErrorCode>| {
            let found = since(cell.as_ref(), &rules);
            let found = found.map(|at| at.to_string()).map_err(|(code, _)| code);
            assert_eq!(found.as_deref().map_err(|code| *code), want, "{cell:?}");
        };
        let lacks_offset = |text: &'static str| {
            let refused = since(Some(&Cell::Text(text.into())), &rules);
            refused.is_err_and(|(_, message)| message.contains("without an offset"))
        };
        let text = |text: &'static str| Some(Cell::Text(text.into()));
        let time = Ok("2026-11-23T09:18:04Z");
        check(text("2026-11-23T09:18:04Z"), time);
        check(text("2026-11-23T10:18:04+01:00"), time);
        check(text("23.11.2026 10:18 +0100"), Ok("2026-11-23T09:18:00Z"));
        check(text("23.11.2026 10:18"), Err(ErrorCode::Format));
        check(text("2026-11-23T09:18:04"), Err(ErrorCode::Format));
        check(text("2026-11-23 09:18:04"), Err(ErrorCode::Format));
        check(text("2026-11-23"), Err(ErrorCode::Format));
        check(text("yesterday"), Err(ErrorCode::Format));
        for text in ["23.11.2026 10:18", "2026-11-23T09:18:04", "2026-11-23"] {
            assert!(lacks_offset(text), "{text}");
        }
        assert!(!lacks_offset("yesterday"));
        check(text(" "), Err(ErrorCode::Required));
        check(None, Err(ErrorCode::Required));
        check(Some(Cell::Null), Err(ErrorCode::Required));
        check(Some(Cell::Number("5")), Err(ErrorCode::Type));
        check(Some(Cell::Repeated), Err(ErrorCode::DuplicateKey));
    }
}
