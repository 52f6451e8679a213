//! The books as one bar: each row by its outcome.

use super::ends;
use super::place::Place;
use super::tables;
use super::units::share;
use crate::results::report::model::Books;
use crate::results::report::svg::{Attribute, Chart, Markup, Percent, float};
use crate::results::summary::words::rows;
use crate::text::grouped;

/// The height of the bar in pixels.
const HEIGHT: u32 = 34;
/// The least width of a part in percent, so that one row of a million can be seen.
const WIDTH_MIN: f64 = 0.8;

/// A part of the bar.
struct Part {
    class: &'static str,
    label: &'static str,
    meaning: &'static str,
    rows: u64,
}

/// Adds the section.
pub(super) fn draw(page: &mut Markup, place: &Place, books: &Books) {
    place.section(page, "Rows", |section| {
        let parts = parts(books);
        let all: u64 = parts.iter().map(|part| part.rows).sum();
        if all == 0 {
            let none = if books.lacks_valid_rows {
                "No invalid row is recorded, and other rows are not."
            } else {
                "No row was read."
            };
            section.with_text("p", &[], none);
            return;
        }
        section.element("p", &[], |sum| sum.text(sentence(books)));
        section.element("figure", &[], |figure| {
            let entry = |part: &Part| -> ends::Entry {
                (
                    ends::swatch,
                    part.class,
                    part.label.to_owned(),
                    grouped(part.rows),
                )
            };
            ends::legend(figure, &parts.iter().map(entry).collect::<Vec<_>>());
            bar(figure, place, &parts, all);
        });
        let head = ["Outcome", "Rows", "Share", "Meaning"].map(str::to_owned);
        tables::behind(section, place, "rows by outcome", &head, |body| {
            for part in &parts {
                let cells = [
                    grouped(part.rows),
                    share(part.rows, all),
                    part.meaning.to_owned(),
                ];
                tables::row(body, part.label, cells);
            }
            tables::row(body, "sum", [grouped(all), share(all, all), String::new()]);
        });
    });
}

fn parts(books: &Books) -> Vec<Part> {
    let mut parts: Vec<_> = books
        .parts
        .iter()
        .map(|(end, rows)| Part {
            class: ends::class(*end),
            label: ends::label(*end),
            meaning: ends::meaning(*end),
            rows: *rows,
        })
        .collect();
    let not_read = books
        .total
        .unwrap_or_default()
        .saturating_sub(books.records);
    if not_read > 0 {
        parts.push(Part {
            class: "o-unread",
            label: "not read",
            meaning: "the input was not read to its end",
            rows: not_read,
        });
    }
    parts
}

fn sentence(books: &Books) -> String {
    if books.lacks_valid_rows {
        return "Only invalid rows are recorded.".to_owned();
    }
    let read = if books.records == 1 {
        "1 row was read".to_owned()
    } else {
        format!("{} were read", rows(books.records))
    };
    match books.total {
        Some(total) if total > books.records => {
            format!(
                "{read} of {}. The bar shows each of them once.",
                grouped(total)
            )
        }
        Some(_) | None if books.records == 1 => format!("{read}."),
        Some(_) | None => format!("{read}. The bar shows each of them once."),
    }
}

fn bar(figure: &mut Markup, place: &Place, parts: &[Part], all: u64) {
    let told = parts.iter().map(|part| {
        format!(
            "{} {} ({})",
            grouped(part.rows),
            part.label,
            share(part.rows, all)
        )
    });
    let chart = Chart {
        id: place.id("books"),
        title: "Rows by outcome".to_owned(),
        description: format!("{}.", told.collect::<Vec<_>>().join(", ")),
        top: 0,
        bottom: HEIGHT,
        height: HEIGHT,
    };
    chart.draw(figure, |svg| {
        let mut left = 0.0;
        for (part, width) in parts.iter().zip(widths(parts, all)) {
            let attributes: [Attribute<'_>; 4] = [
                ("class", &part.class),
                ("x", &Percent(left)),
                ("width", &Percent(width)),
                ("height", &HEIGHT),
            ];
            svg.element("rect", &attributes, |rect| {
                let words = format!("{} {}", rows(part.rows), part.label);
                rect.with_text("title", &[], words);
            });
            left += width;
        }
        let mut at = 0.0;
        for width in widths(parts, all).into_iter().take(parts.len() - 1) {
            at += width;
            let x = Percent(at);
            let line: [Attribute<'_>; 4] =
                [("class", &"gap"), ("x1", &x), ("x2", &x), ("y2", &HEIGHT)];
            svg.leaf("line", &line);
        }
    });
}

/// Returns the widths of the parts in percent. Small ones are widened at the cost of the others.
fn widths(parts: &[Part], all: u64) -> Vec<f64> {
    let exact = |part: &Part| 100.0 * float(part.rows) / float(all.max(1));
    let is_small = |width: f64| width < WIDTH_MIN;
    let small = parts.iter().filter(|part| is_small(exact(part)));
    let left = 100.0 - WIDTH_MIN * float(small.count() as u64);
    let large: f64 = parts
        .iter()
        .map(exact)
        .filter(|width| !is_small(*width))
        .sum();
    let width = |part: &Part| match exact(part) {
        width if is_small(width) => WIDTH_MIN,
        width => width * left / large,
    };
    parts.iter().map(width).collect()
}
