//! The warning about fields that rows leave out. The API's pages do not say whether it keeps or
//! clears them, so one row should be sent and looked at before all others.

use tracing::warn;

use crate::commands::shared::first_rows::FirstRows;
use crate::config::Settings;
use crate::config::api::Target;
use crate::pipeline::resume::LeftOut;
use crate::text::grouped;

/// Whether the API may clear fields that a request leaves out. A sandbox in this process keeps them.
pub(in crate::commands) fn may_be_cleared(settings: &Settings) -> bool {
    let is_remote = matches!(settings.api.target, Target::Remote { .. });
    is_remote && settings.sending.left_out == LeftOut::Unknown
}

/// Warns before the first request if rows leave fields out. `one_row` is the command that sends one
/// row; `None` if the input can be read only once.
pub(in crate::commands) fn warn_of(first_rows: &FirstRows, one_row: Option<&str>) {
    let (leave_out, read) = (first_rows.fields_left_out(), first_rows.rows());
    if leave_out == 0 {
        return;
    }
    let rows = match read {
        1 => "the first row leaves".to_owned(),
        read if leave_out == read => format!("the first {} rows leave", grouped(read)),
        read => format!(
            "{} of the first {} rows leave",
            grouped(leave_out),
            grouped(read)
        ),
    };
    let advice = one_row.filter(|_| read > 1).map_or_else(String::new, |command| {
        format!(
            "; to be safe, send one row, look at its customer, and then send the rest: {command}"
        )
    });
    warn!(
        "{rows} fields out, and it is not known whether the API keeps or clears those (custsync help fields-left-out){advice}"
    );
}
