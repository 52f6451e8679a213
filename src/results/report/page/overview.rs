//! The overview of several runs: a line each, without common books.

use super::ends;
use super::place::Place;
use super::tables;
use super::units::at;
use super::verdict::{badge, title};
use crate::results::report::model::RunReport;
use crate::results::report::svg::Markup;
use crate::results::summary::words::took;
use crate::text::grouped;

/// Adds the table.
pub(super) fn draw(page: &mut Markup, runs: &[RunReport]) {
    page.element("section", &[], |section| {
        section.with_text("h2", &[], "Overview");
        tables::scrolling(section, "overview of the runs", |inner| {
            inner.element("table", &[("class", &"overview")], |table| {
                let head = [
                    "Run",
                    "Started (UTC)",
                    "Verdict",
                    "Rows",
                    "By outcome",
                    "Took",
                ];
                tables::head(table, &head);
                table.element("tbody", &[], |body| {
                    for (run, n) in runs.iter().zip(1..) {
                        row(body, &Place::among_others(n), n, run);
                    }
                });
            });
        });
    });
}

fn row(body: &mut Markup, place: &Place, n: usize, run: &RunReport) {
    body.cell("tr", &[], |row| {
        row.cell("th", &[("scope", &"row")], |cell| {
            let link = format!("#{}", place.id("run"));
            cell.element("a", &[("href", &link)], |link| {
                link.text(format_args!("{n}. "));
                title(link, run);
            });
        });
        row.cell_with_text("td", &[], at(run.started));
        row.cell("td", &[("class", &"wrong")], |cell| {
            badge(cell, run);
            cell.with_text("p", &[], &run.verdict);
        });
        row.cell_with_text("td", &[("class", &"n")], grouped(run.books.records));
        row.cell("td", &[], |cell| {
            for (end, rows) in &run.books.parts {
                cell.element("div", &[("class", &"part")], |part| {
                    ends::swatch(part, ends::class(*end));
                    part.text(format_args!(" {} {}", grouped(*rows), ends::label(*end)));
                });
            }
        });
        let seconds = run.ended.duration_since(run.started).as_secs_f64();
        row.cell_with_text("td", &[("class", &"n")], took(seconds));
    });
}
