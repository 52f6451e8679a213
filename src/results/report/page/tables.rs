//! Tables: those behind the charts, which are closed at first, and those that stand for themselves.

use std::fmt::Display;

use super::place::Place;
use crate::results::report::svg::{Attribute, Markup};

/// Adds the table behind a chart: closed, with a label that names the chart.
pub(super) fn behind(
    page: &mut Markup,
    place: &Place,
    label: &str,
    head: &[String],
    body: impl FnOnce(&mut Markup),
) {
    page.element("details", &[], |details| {
        details.with_text("summary", &[], format_args!("Table: {label}"));
        scrolling(details, &place.label(label), |inner| {
            inner.element("table", &[("class", &"numbers")], |table| {
                self::head(table, head);
                table.element("tbody", &[], body);
            });
        });
    });
}

/// Adds a box that scrolls by itself, so that a wide table does not widen the page.
pub(super) fn scrolling(page: &mut Markup, label: &str, content: impl FnOnce(&mut Markup)) {
    let attributes: [Attribute<'_>; 4] = [
        ("class", &"wide"),
        ("role", &"region"),
        ("tabindex", &"0"),
        ("aria-label", &label),
    ];
    page.element("div", &attributes, content);
}

/// Adds the head of a table.
pub(super) fn head(table: &mut Markup, names: &[impl Display]) {
    table.element("thead", &[], |head| {
        head.cell("tr", &[], |row| {
            for name in names {
                row.cell_with_text("th", &[("scope", &"col")], name);
            }
        });
    });
}

/// Adds a row of figures with its head.
pub(super) fn row(
    body: &mut Markup,
    head: impl Display,
    cells: impl IntoIterator<Item = impl Display>,
) {
    body.cell("tr", &[], |row| {
        row.cell_with_text("th", &[("scope", &"row")], head);
        for text in cells {
            row.cell_with_text("td", &[], text);
        }
    });
}
