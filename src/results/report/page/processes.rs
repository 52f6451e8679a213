//! The processes that worked on a run.

use super::place::Place;
use super::tables;
use super::units::at;
use crate::results::report::model::{Process, RunReport};
use crate::results::report::svg::Markup;
use crate::results::summary::words::{counted, took};
use crate::text::grouped;

/// The processes that are shown: the first and the last ones.
const FIRST: usize = 5;
const LAST: usize = 20;

/// Adds the section.
pub(super) fn draw(page: &mut Markup, place: &Place, run: &RunReport) {
    let processes = run.processes.as_slice();
    if processes.is_empty() {
        return;
    }
    let has_shards = processes.iter().any(|process| process.shard.is_some());
    place.section(page, "Processes", |section| {
        section.with_text("p", &[], sentence(run));
        let shard = has_shards.then_some("Shard");
        let others = ["Rows", "Requests", "Took", "Exit code", "Version"];
        let head: Vec<_> = std::iter::once("Started (UTC)")
            .chain(shard)
            .chain(others)
            .collect();
        tables::scrolling(section, &place.label("processes"), |inner| {
            inner.element("table", &[("class", &"numbers")], |table| {
                tables::head(table, &head);
                table.element("tbody", &[], |body| {
                    let (first, hidden, last) = shortened(processes);
                    for process in first {
                        row(body, process, has_shards);
                    }
                    if hidden > 0 {
                        body.cell("tr", &[], |row| {
                            let words = format!("… {} more …", grouped(hidden as u64));
                            row.cell_with_text("td", &[("colspan", &head.len())], words);
                        });
                    }
                    for process in last {
                        row(body, process, has_shards);
                    }
                });
            });
        });
    });
}

fn sentence(run: &RunReport) -> String {
    let known = run.processes.len() as u64;
    if run.processes_number > known {
        let all = grouped(run.processes_number);
        return format!("The last {} of {all} processes:", grouped(known));
    }
    format!("{} worked on it:", counted(known, "process", "processes"))
}

/// Returns the first and the last processes, and the number of those between, which are not shown.
fn shortened(processes: &[Process]) -> (&[Process], usize, &[Process]) {
    let hidden = processes.len().saturating_sub(FIRST + LAST);
    let parts = processes.split_at_checked(FIRST).and_then(|(first, rest)| {
        let (_, last) = rest.split_at_checked(hidden)?;
        Some((first, hidden, last))
    });
    match parts {
        // A line in the place of one process saves nothing.
        Some(parts) if hidden > 1 => parts,
        Some(_) | None => (processes, 0, &[]),
    }
}

fn row(body: &mut Markup, process: &Process, has_shards: bool) {
    let shard = has_shards.then(|| process.shard.map_or_else(String::new, |n| n.to_string()));
    let killed = || "killed".to_owned();
    let others = [
        grouped(process.rows),
        process
            .requests
            .map_or_else(|| "unknown".to_owned(), grouped),
        process.seconds.map_or_else(killed, took),
        process.exit.map_or_else(killed, |code| code.to_string()),
        process.version.clone(),
    ];
    tables::row(body, at(process.started), shard.into_iter().chain(others));
}
