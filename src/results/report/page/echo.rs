//! The echo check: fields that the API shows in another way than they were sent.

use super::groups::{NAME_MAX, places};
use super::place::Place;
use super::tables;
use super::units::percent;
use super::verdict::more;
use crate::results::report::model::RunReport;
use crate::results::report::svg::Markup;
use crate::results::summary::EchoField;
use crate::results::summary::words::counted;
use crate::text::{grouped, safe_ellipsis};

/// The most bytes of the table, so that the whole page stays small: about ten fields, or five if the
/// names of files are long.
const BYTES_MAX: usize = 1_500;
const HEAD: [&str; 6] = [
    "Field",
    "Another value",
    "Share",
    "A day off",
    "Another spelling",
    "First at",
];

/// Adds the section of the echo check.
pub(super) fn draw(page: &mut Markup, place: &Place, run: &RunReport) {
    let Some(echo) = &run.echo else { return };
    place.section(page, "Echo", |section| {
        section.with_text(
            "p",
            &[],
            "Updated rows of which the API's answer shows a field in another way than it was sent.",
        );
        let (label, mut shown) = (place.label("echo by field"), 0);
        tables::scrolling(section, &label, |inner| {
            inner.element("table", &[("class", &"numbers")], |table| {
                tables::head(table, &HEAD);
                table.element("tbody", &[], |body| {
                    let begin = body.bytes();
                    for field in &echo.fields {
                        if body.bytes() - begin >= BYTES_MAX {
                            break;
                        }
                        row(body, field);
                        shown += 1;
                    }
                });
            });
        });
        if let Some(more) = more(echo.fields.len(), shown) {
            let fields = counted(more as u64, "more field", "more fields");
            section.with_text("p", &[], format_args!("and {fields}: summary.json"));
        }
        if echo.fields.iter().any(|field| field.next_day > 0) {
            section.with_text(
                "p",
                &[],
                "A date that is a day off is most likely in another time zone.",
            );
        }
    });
}

fn row(body: &mut Markup, field: &EchoField) {
    let first = if field.differs > 0 {
        &field.first
    } else {
        &field.first_spelling
    };
    body.cell("tr", &[], |row| {
        row.cell("th", &[("scope", &"row")], |cell| {
            cell.with_text("bdi", &[], safe_ellipsis(&field.field, NAME_MAX));
        });
        row.cell_with_text("td", &[], grouped(field.differs));
        row.cell_with_text("td", &[], percent(field.share));
        row.cell_with_text("td", &[], grouped(field.next_day));
        row.cell_with_text("td", &[], grouped(field.spelling));
        row.cell("td", &[], |cell| places(cell, first));
    });
}
