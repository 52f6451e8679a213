//! Reports in words, for a terminal.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::model::{Process, Report, RunReport, Step};
use super::page::{self, Links};
use crate::results::summary::words::took;
use crate::results::summary::{StepSummary, next};
use crate::text::grouped;

/// The most processes of a run in the text.
const PROCESSES_MAX: usize = 20;

impl Report {
    /// Returns the report in words, a paragraph for each run.
    pub(crate) fn to_text(&self) -> String {
        let runs: Vec<_> = self.runs.iter().map(run).collect();
        runs.join("\n")
    }

    /// Returns the report as a page.
    pub(crate) fn to_html(&self, links: Links) -> String {
        page::render(self, links)
    }

    /// Returns the report as JSON.
    pub(crate) fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self)
            .expect("texts and numbers, written to memory, cannot fail");
        format!("{}\n", crate::text::safe_json(&json))
    }
}

fn run(run: &RunReport) -> String {
    let mut text = String::new();
    let inputs: Vec<_> = run.inputs.iter().map(|input| input.name.as_str()).collect();
    let (inputs, directories) = (inputs.join(", "), run.directories.join(", "));
    let (command, started) = (&run.command, second(run.started));
    line(
        &mut text,
        format_args!("{command} of {inputs}, begun on {started}"),
    );
    line(&mut text, format_args!("in {directories}"));
    line(&mut text, format_args!(""));
    line(&mut text, format_args!("{}", run.verdict));
    for reason in &run.reasons {
        line(&mut text, format_args!("{reason}"));
    }
    text.push_str(&run.text);
    if run.processes_number > 1 {
        write_processes(run, &mut text);
    }
    let steps: Vec<_> = run.next.iter().map(StepSummary::from).collect();
    if !steps.is_empty() {
        line(&mut text, format_args!(""));
    }
    let is_elsewhere = run.next.iter().any(|step| step.command.is_some());
    let from_where = if is_elsewhere {
        "(in the folder in which the run was started)\n"
    } else {
        ""
    };
    text + &next(&steps) + from_where
}

impl From<&Step> for StepSummary {
    fn from(step: &Step) -> StepSummary {
        StepSummary {
            advice: step.advice.clone(),
            command: step.command.clone(),
        }
    }
}

fn write_processes(run: &RunReport, text: &mut String) {
    line(text, format_args!(""));
    let shown = run.processes.len().saturating_sub(PROCESSES_MAX);
    line(
        text,
        format_args!(
            "{:<20}  {:>12}  {:>10}  end",
            "process begun", "rows", "took"
        ),
    );
    for process in run.processes.iter().skip(shown) {
        let Process { rows, .. } = process;
        let took = process.seconds.map_or_else(|| "-".to_owned(), took);
        let exit = match process.exit {
            Some(exit) => format!("exit code {exit}"),
            None => "killed, or at work".to_owned(),
        };
        let (begun, rows) = (second(process.started), grouped(*rows));
        line(
            text,
            format_args!("{begun:<20}  {rows:>12}  {took:>10}  {exit}"),
        );
    }
}

fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn line(lines: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(lines, "{text}").expect("writing to a String cannot fail");
}
