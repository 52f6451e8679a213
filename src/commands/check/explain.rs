//! The output of `--explain`: the cells of a row, and the request made from them.

use std::fmt::Write as _;

use url::Url;

use crate::api::shown_request;
use crate::config::Settings;
use crate::config::api::Target;
use crate::contract::{FIELDS, FieldError};
use crate::input::{CellResult, CellSource, ExplainedCell};
use crate::pipeline::explanation::{ExplainedUpdate, Explanation, NotSent};
use crate::results::summary::InputNames;
use crate::text::{safe, safe_ellipsis};

/// The length at which lines are wrapped.
const LINE_CHARACTERS_MAX: usize = 80;
/// The most characters of a column's name.
const NAME_CHARACTERS_MAX: usize = 24;
/// The most characters of a cell's text. What is sent of it is shown whole.
const TEXT_CHARACTERS_MAX: usize = 60;

/// The destination of the requests.
pub(super) struct Destination {
    base_url: Url,
    tenant: Option<u64>,
}

impl Destination {
    pub(super) fn of(settings: &Settings) -> Destination {
        let base_url = match &settings.api.target {
            Target::Remote { base_url, .. } => base_url.clone(),
            // The port is known only once the sandbox has started, and a check does not start it.
            Target::Sandbox => Url::parse("http://127.0.0.1/api/").expect("a URL"),
        };
        Destination {
            base_url,
            tenant: settings.api.tenant,
        }
    }
}

/// Returns a row and its request as text, with an empty line at the end.
pub(super) fn render(
    explanation: &Explanation,
    names: &InputNames,
    destination: &Destination,
) -> String {
    let Explanation {
        position,
        cells,
        update,
    } = explanation;
    let mut text = format!("row {}, {}\n", position.row, names.place(*position));
    let width = cells
        .iter()
        .map(|cell| name(cell).chars().count())
        .max()
        .unwrap_or(0);
    for cell in cells {
        let (name, shown) = (name(cell), safe_ellipsis(&cell.text, TEXT_CHARACTERS_MAX));
        line(
            &mut text,
            &format!("  {name:width$}  {shown} {}", cell_result(cell)),
        );
    }
    match update {
        Ok(update) => {
            text.push_str(&unfilled(cells));
            request(&mut text, update, destination);
        }
        Err(not_sent) => {
            if !cells.is_empty() {
                text.push('\n');
            }
            match not_sent {
                NotSent::Invalid(errors) => faults(&mut text, errors),
                NotSent::Superseded => {
                    line(
                        &mut text,
                        "  not sent, because a later row of its customer is (--unique last)",
                    );
                }
                NotSent::Overtaken => {
                    line(
                        &mut text,
                        "  not sent, because later rows of its customer have set all of its fields",
                    );
                }
                NotSent::Elsewhere => {
                    line(&mut text, "  not sent, because it belongs to another shard");
                }
            }
        }
    }
    text.push('\n');
    text
}

fn name(cell: &ExplainedCell) -> String {
    match &cell.source {
        CellSource::Input(name) => safe_ellipsis(name, NAME_CHARACTERS_MAX),
        CellSource::Constant => "--set".to_owned(),
    }
}

fn cell_result(cell: &ExplainedCell) -> String {
    match &cell.result {
        CellResult::Ignored => "is ignored".to_owned(),
        CellResult::NoField => "has no field".to_owned(),
        CellResult::LeftOut(field) => format!("→ {field}, left out"),
        CellResult::Overtaken(field) => {
            format!("→ {field}, left out: a later row has set it (--overtaken send sends it)")
        }
        CellResult::Id(Ok(id)) => format!("→ id {id}"),
        CellResult::Id(Err(code)) => format!("→ id, invalid ({code})"),
        CellResult::Value(field, Ok(json)) if *json == cell.text => format!("→ {field}, as it is"),
        CellResult::Value(field, Ok(json)) => format!("→ {field} {}", safe(json)),
        CellResult::Value(field, Err(code)) => format!("→ {field}, invalid ({code})"),
    }
}

/// Lists the fields that no cell and no `--set` fills.
fn unfilled(cells: &[ExplainedCell]) -> String {
    let is_filled = |name: &str| {
        cells
            .iter()
            .any(|cell| cell.field().is_some_and(|field| field.name() == name))
    };
    let unfilled: Vec<_> = FIELDS
        .iter()
        .map(|rule| rule.name)
        .filter(|name| !is_filled(name))
        .collect();
    if unfilled.is_empty() {
        return String::new();
    }
    wrapped(&format!(
        "left out, because nothing fills them: {}",
        unfilled.join(", ")
    ))
}

/// Returns the text, wrapped and indented.
fn wrapped(text: &str) -> String {
    let (mut lines, mut characters) = (String::new(), 0);
    for word in text.split(' ') {
        if characters > 0 && characters + 1 + word.len() <= LINE_CHARACTERS_MAX {
            lines.push(' ');
            characters += 1;
        } else {
            let margin = if characters == 0 { "  " } else { "\n    " };
            lines.push_str(margin);
            characters = margin.trim_start_matches('\n').len();
        }
        lines.push_str(word);
        characters += word.len();
    }
    lines.push('\n');
    lines
}

fn request(text: &mut String, update: &ExplainedUpdate, destination: &Destination) {
    text.push('\n');
    for header in shown_request(&destination.base_url, destination.tenant, update.id) {
        line(text, &format!("  {}", safe(&header)));
    }
    text.push('\n');
    line(text, &format!("  {}", safe(&update.body)));
}

fn faults(text: &mut String, errors: &[FieldError]) {
    line(text, "  not sent, because the row is invalid:");
    for FieldError {
        subject,
        code,
        message,
    } in errors
    {
        line(text, &format!("    {subject} {message} ({code})"));
    }
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_and_dangerous_ones_are_escaped() {
        let check = |text: &str, want: &str| assert_eq!(safe_ellipsis(text, 8), want, "{text:?}");
        check("12345678", "12345678");
        check("123456789", "12345678…");
        check("a\u{9b}b", "a\\u{9b}b");
        check("1234567\u{9b}", "1234567…");
    }

    #[test]
    fn a_long_line_is_broken_between_its_words() {
        let check = |words: usize, want: &str| {
            assert_eq!(wrapped(&vec!["12345678"; words].join(" ")), want);
        };
        check(1, "  12345678\n");
        let full = ["12345678"; 8].join(" ");
        check(8, &format!("  {full}\n"));
        check(10, &format!("  {full}\n    12345678 12345678\n"));
    }
}
