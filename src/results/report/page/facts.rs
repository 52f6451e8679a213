//! The inputs, the settings with their origin, and the versions of the program.

use std::collections::BTreeSet;

use super::place::Place;
use super::tables;
use super::units::{listed, size};
use super::verdict::more;
use crate::results::report::model::{InputReport, RunReport, Setting};
use crate::results::report::svg::Markup;
use crate::text::{grouped, safe_ellipsis};

/// The most bytes of the table of settings.
const SETTINGS_BYTES_MAX: usize = 3_000;
/// The most inputs and settings that are shown.
const INPUTS_MAX: usize = 20;
const SETTINGS_MAX: usize = 40;
/// The most characters of a name and of a value.
const NAME_MAX: usize = 100;
const VALUE_MAX: usize = 120;

/// Adds the section.
pub(super) fn draw(page: &mut Markup, place: &Place, run: &RunReport) {
    place.section(page, "Inputs, settings and versions", |section| {
        inputs(section, place, &run.inputs);
        settings(section, place, &run.settings);
        let versions: BTreeSet<_> = run
            .processes
            .iter()
            .map(|process| &process.version)
            .collect();
        let versions: Vec<_> = versions.into_iter().cloned().collect();
        if !versions.is_empty() {
            section.with_text("p", &[], format_args!("custsync {}", listed(&versions)));
        }
    });
}

fn inputs(section: &mut Markup, place: &Place, inputs: &[InputReport]) {
    if inputs.is_empty() {
        return;
    }
    tables::scrolling(section, &place.label("inputs"), |inner| {
        inner.element("table", &[], |table| {
            tables::head(table, &["Input", "Read as", "Size"]);
            table.element("tbody", &[], |body| {
                for input in inputs.iter().take(INPUTS_MAX) {
                    body.cell("tr", &[], |row| {
                        row.cell("th", &[("scope", &"row")], |cell| {
                            cell.with_text("bdi", &[], safe_ellipsis(&input.name, NAME_MAX));
                        });
                        row.cell_with_text(
                            "td",
                            &[],
                            input.read_as.as_deref().unwrap_or("not read"),
                        );
                        let size = input.bytes.map_or_else(|| "unknown".to_owned(), size);
                        row.cell_with_text("td", &[], size);
                    });
                }
            });
        });
    });
    if let Some(more) = more(inputs.len(), INPUTS_MAX) {
        let more = grouped(more as u64);
        section.with_text(
            "p",
            &[],
            format_args!("and {more} more inputs: summary.json"),
        );
    }
}

fn settings(section: &mut Markup, place: &Place, settings: &[Setting]) {
    if settings.is_empty() {
        section.with_text("p", &[], "All settings have their defaults.");
        return;
    }
    let mut shown = 0;
    tables::scrolling(section, &place.label("settings"), |inner| {
        inner.element("table", &[], |table| {
            tables::head(table, &["Setting", "Value", "From"]);
            table.element("tbody", &[], |body| {
                let begin = body.bytes();
                for setting in settings.iter().take(SETTINGS_MAX) {
                    if body.bytes() - begin >= SETTINGS_BYTES_MAX {
                        break;
                    }
                    shown += 1;
                    body.cell("tr", &[], |row| {
                        row.cell("th", &[("scope", &"row")], |cell| {
                            cell.with_text("code", &[], &setting.name);
                        });
                        row.cell("td", &[("class", &"value")], |cell| match &setting.value {
                            Some(value) => {
                                cell.with_text("bdi", &[], safe_ellipsis(value, VALUE_MAX));
                            }
                            None => cell.text("not shown"),
                        });
                        row.cell("td", &[], |cell| match &setting.origin {
                            Some(origin) => cell.with_text("bdi", &[], origin),
                            None => cell.text("unknown"),
                        });
                    });
                }
            });
        });
    });
    if let Some(more) = more(settings.len(), shown) {
        section.with_text("p", &[], format_args!("and {more} more settings"));
    }
    // Those of a run without a summary are the ones that identify it.
    if settings.iter().all(|setting| setting.origin.is_some()) {
        section.with_text(
            "p",
            &[("class", &"small")],
            "All other settings have their defaults.",
        );
    }
}
