//! The page of a report, `report.html`: one file without scripts and requests, for light and dark
//! screens and for paper. It does no I/O.

mod books;
mod canary;
mod course;
mod document;
mod echo;
mod ends;
mod facts;
mod groups;
mod histogram;
mod latency;
mod links;
mod overview;
mod place;
mod processes;
mod sending;
mod tables;
#[cfg(test)]
mod tests;
mod timeline;
mod units;
mod verdict;

pub(crate) use self::links::Links;
use self::place::Place;
use self::timeline::Timeline;
use super::model::{Report, RunReport};
use super::svg::Markup;
use crate::text::grouped;

/// Returns the page.
pub(crate) fn render(report: &Report, links: Links) -> String {
    let body = |body: &mut Markup| match report.runs.as_slice() {
        [] => body.with_text("h1", &[], "No run"),
        [run] => {
            body.element("h1", &[], |h1| verdict::title(h1, run));
            one_run(body, &Place::alone(links.of(run)), run);
        }
        runs => {
            let number = grouped(runs.len() as u64);
            body.with_text("h1", &[], format_args!("{number} runs"));
            overview::draw(body, runs);
            for (run, n) in runs.iter().zip(1..) {
                let place = Place::among_others(n);
                body.element(
                    "section",
                    &[("class", &"run"), ("id", &place.id("run"))],
                    |section| {
                        section.element("h2", &[], |h2| {
                            h2.text(format_args!("{n}. "));
                            verdict::title(h2, run);
                        });
                        one_run(section, &place, run);
                    },
                );
            }
        }
    };
    document::draw(&document::title(report), body)
}

/// Adds everything about one run.
fn one_run(page: &mut Markup, place: &Place, run: &RunReport) {
    verdict::draw(page, place, run);
    books::draw(page, place, &run.books);
    canary::draw(page, place, run);
    if let Some(timeline) = run.course.as_ref().and_then(Timeline::of) {
        course::draw(page, place, &timeline);
        latency::draw(page, place, &timeline, run);
        sending::draw(page, place, &timeline);
    } else {
        latency::draw_without_course(page, place, run);
    }
    groups::errors(page, place, &run.errors);
    groups::warnings(page, place, run);
    echo::draw(page, place, run);
    facts::draw(page, place, run);
    processes::draw(page, place, run);
}
