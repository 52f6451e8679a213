//! The verdict on the canary: the first customers, who were sent to before all others.

use super::place::Place;
use super::tables;
use super::units::{at, listed};
use super::verdict::more;
use crate::results::report::model::{AfterCanary, Canary, RunReport};
use crate::results::report::svg::Markup;
use crate::results::summary::words::counted;
use crate::text::grouped;

/// The most bytes of the rows, so that the whole page stays small: about seven shards, or three if the
/// API shows all fields otherwise.
const BYTES_MAX: usize = 700;
const HEAD: [&str; 7] = [
    "Verdict",
    "At (UTC)",
    "Customers sent to",
    "Rows updated",
    "Ended badly",
    "Shown otherwise than sent",
    "After it",
];

/// Adds the section.
pub(super) fn draw(page: &mut Markup, place: &Place, run: &RunReport) {
    if run.canaries.is_empty() {
        return;
    }
    let has_shards = run.canaries.iter().any(|canary| canary.shard.is_some());
    place.section(page, "Canary", |section| {
        section.with_text(
            "p",
            &[],
            "The verdict on the first customers: good if no row ended badly and all values were shown as they were sent.",
        );
        let shard = has_shards.then_some("Shard").into_iter();
        let head: Vec<_> = shard.chain(HEAD).collect();
        let mut shown = 0;
        tables::scrolling(section, &place.label("canary"), |inner| {
            inner.element("table", &[("class", &"numbers")], |table| {
                tables::head(table, &head);
                table.element("tbody", &[], |body| {
                    let begin = body.bytes();
                    for canary in &run.canaries {
                        if body.bytes() - begin >= BYTES_MAX {
                            break;
                        }
                        row(body, canary);
                        shown += 1;
                    }
                });
            });
        });
        if let Some(more) = more(run.canaries.len(), shown) {
            let shards = counted(more as u64, "more shard", "more shards");
            section.with_text("p", &[], format_args!("and {shards}"));
        }
        let has_stopped = |canary: &Canary| canary.then == AfterCanary::Stopped;
        if run.canaries.iter().any(has_stopped) {
            section.element("p", &[], |line| {
                line.text("The same command with ");
                line.with_text("code", &[], "--canary-then go");
                line.text(" goes on to all others.");
            });
        }
    });
}

fn row(body: &mut Markup, canary: &Canary) {
    let verdict = if canary.is_good { "good" } else { "bad" };
    let cells = [
        at(canary.at),
        grouped(canary.customers),
        grouped(canary.updated),
        grouped(canary.bad),
        if canary.echo.is_empty() {
            "nothing".to_owned()
        } else {
            listed(&canary.echo)
        },
        match canary.then {
            AfterCanary::Stopped => "the run stopped",
            AfterCanary::WentOn => "the run went on",
        }
        .to_owned(),
    ];
    match canary.shard {
        Some(shard) => {
            let cells = std::iter::once(verdict.to_owned()).chain(cells);
            tables::row(body, shard, cells);
        }
        None => tables::row(body, verdict, cells),
    }
}
