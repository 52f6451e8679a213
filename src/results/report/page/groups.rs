//! Errors and warnings by field and code.

use super::ends;
use super::place::Place;
use super::tables;
use super::units::percent;
use super::verdict::more;
use crate::results::report::model::{Group, RunReport};
use crate::results::report::svg::Markup;
use crate::text::{grouped, safe_ellipsis};

/// The most groups of a table.
const GROUPS_MAX: usize = 50;
/// The most bytes of the tables of errors and of warnings, so that the whole page stays small.
const ERRORS_BYTES_MAX: usize = 12_900;
const WARNINGS_BYTES_MAX: usize = 1_500;
/// The most places and sentences of a group.
const PLACES_MAX: usize = 3;
const SENTENCES_MAX: usize = 3;
/// The most characters of a file's name, of a field and of a sentence.
pub(super) const NAME_MAX: usize = 40;
const SENTENCE_MAX: usize = 200;

/// Adds the section of errors.
pub(super) fn errors(page: &mut Markup, place: &Place, groups: &[Group]) {
    if !groups.is_empty() {
        place.section(page, "Errors", |section| {
            let label = place.label("errors by field and code");
            table(section, &label, groups, ERRORS_BYTES_MAX);
        });
    }
}

/// Adds the section of warnings.
pub(super) fn warnings(page: &mut Markup, place: &Place, run: &RunReport) {
    if !run.warnings.is_empty() {
        place.section(page, "Warnings", |section| {
            let label = place.label("warnings by field and code");
            table(section, &label, &run.warnings, WARNINGS_BYTES_MAX);
        });
    }
}

fn table(section: &mut Markup, label: &str, groups: &[Group], bytes_max: usize) {
    let has_ends = groups.iter().any(|group| group.end.is_some());
    let outcome = has_ends.then_some("Outcome");
    let others = [
        "Field",
        "Code",
        "Rows",
        "Share",
        "First at",
        "What is wrong",
    ];
    let head: Vec<_> = outcome.into_iter().chain(others).collect();
    let mut shown = 0;
    tables::scrolling(section, label, |inner| {
        inner.element("table", &[("class", &"groups")], |table| {
            tables::head(table, &head);
            table.element("tbody", &[], |body| {
                let begin = body.bytes();
                for group in groups.iter().take(GROUPS_MAX) {
                    if body.bytes() - begin >= bytes_max {
                        break;
                    }
                    row(body, group, has_ends);
                    shown += 1;
                }
            });
        });
    });
    if let Some(more) = more(groups.len(), shown) {
        let kinds = if more == 1 { "kind" } else { "kinds" };
        let more = grouped(more as u64);
        section.with_text(
            "p",
            &[],
            format_args!("and {more} more {kinds}: summary.json"),
        );
    }
}

fn row(body: &mut Markup, group: &Group, has_ends: bool) {
    body.cell("tr", &[], |row| {
        if has_ends {
            row.cell("td", &[], |cell| {
                if let Some(end) = group.end {
                    ends::swatch(cell, ends::class(end));
                    cell.text(format_args!(" {}", ends::label(end)));
                }
            });
        }
        row.cell("th", &[("scope", &"row")], |cell| {
            match group.field.as_deref() {
                None | Some("row") => cell.text("whole row"),
                Some(field) => cell.with_text("bdi", &[], safe_ellipsis(field, NAME_MAX)),
            }
        });
        row.cell("td", &[], |cell| cell.with_text("code", &[], code(group)));
        row.cell_with_text("td", &[], grouped(group.rows));
        row.cell_with_text("td", &[], percent(group.share));
        row.cell("td", &[], |cell| places(cell, &group.first));
        row.cell("td", &[], |cell| {
            for sentence in group.wrong.iter().take(SENTENCES_MAX) {
                cell.with_text("p", &[], safe_ellipsis(sentence, SENTENCE_MAX));
            }
            if let Some(more) = more(group.wrong.len(), SENTENCES_MAX) {
                cell.with_text("p", &[], format_args!("and {more} more"));
            }
        });
    });
}

/// Returns the status and the code, which is not told twice.
fn code(group: &Group) -> String {
    let code = safe_ellipsis(&group.code, NAME_MAX);
    match group.status {
        Some(status) if code != format!("http_{status}") => format!("{status} {code}"),
        Some(status) => status.to_string(),
        None => code,
    }
}

/// Adds the places of the first rows. The name of a file is said once for the lines behind it.
pub(super) fn places(cell: &mut Markup, places: &[String]) {
    let mut before = None;
    for (n, place) in places.iter().take(PLACES_MAX).enumerate() {
        let (file, line) = place.rsplit_once(':').unwrap_or(("", place));
        if before == Some(file) {
            cell.text(format_args!(", {line}"));
        } else {
            cell.text(if n > 0 { ", " } else { "" });
            if !file.is_empty() {
                cell.with_text("bdi", &[], safe_ellipsis(file, NAME_MAX));
                cell.text(":");
            }
            cell.text(line);
        }
        before = Some(file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_once_for_its_lines() {
        let check = |all: &[&str], want: &str| {
            let all: Vec<_> = all.iter().map(|place| (*place).to_owned()).collect();
            let mut cell = Markup::new();
            places(&mut cell, &all);
            assert_eq!(cell.into_string(), want);
        };
        check(&["a.csv:1", "a.csv:7"], "<bdi>a.csv</bdi>:1, 7");
        check(
            &["a.csv:1", "b.csv:2", "b.csv:3"],
            "<bdi>a.csv</bdi>:1, <bdi>b.csv</bdi>:2, 3",
        );
        check(&["line 7"], "line 7");
        check(&[], "");
    }
}
