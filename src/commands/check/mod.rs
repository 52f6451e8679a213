//! `custsync check`, and `run --dry-run`: read, map and validate, and send nothing.

mod directory;
mod explain;
mod plan;

use std::sync::Arc;

use self::directory::CheckDirectory;
use self::explain::Destination;
use crate::commands::shared::command_line::CommandLine;
use crate::commands::shared::finish::{Finish, StartedAt};
use crate::commands::shared::next_steps::Typed;
use crate::commands::shared::{
    inputs, nightly, notices, reading, row_range, shards, start, unique, without_effect,
};
use crate::commands::{CommandEnd, Failure};
use crate::config::Settings;
use crate::journal::Purpose;
use crate::pipeline::recorder::{Inputs, Recorder};
use crate::pipeline::{self, Bounds, CheckOutput, ExplainObserver};
use crate::process::signals::Signals;
use crate::results::failed_rows::FailedRows;
use crate::results::progress::RunProgress;
use crate::terminal::Terminal;

/// The flags that have no effect on a check, and why.
const WITHOUT_EFFECT: [(&[&str], &str); 5] = [
    (&["sandbox"], "a check sends nothing"),
    (
        &["metrics-file", "metrics-addr", "metrics-push-file"],
        "a check sends nothing, and writes no metrics",
    ),
    (
        &["publish"],
        "a check sends nothing, and nothing of it is published",
    ),
    (
        &[
            "canary",
            "complete",
            "fill",
            "rate-file",
            "rate-redis",
            "skip-equal",
            "undoable",
        ],
        "a check sends nothing",
    ),
    (&["ping-url-file"], "a check pings nothing"),
];

/// Checks the inputs. `line` is the command as typed, to print commands that can follow it.
pub(crate) fn check(
    settings: &Settings,
    line: &CommandLine,
    signals: &Signals,
) -> Result<CommandEnd, Failure> {
    let started_at = StartedAt::now();
    let terminal = Terminal::new(settings);
    for (names, why) in WITHOUT_EFFECT {
        without_effect::tell(settings, names, why);
    }
    unique::refuse_streams(settings)?;
    notices::check_addresses(settings)?;
    let known = inputs::inspect(&settings.input, None)?;
    let format = settings.output.failed_format;
    format.check(&known.inputs).map_err(Failure::unusable)?;
    let shard = shards::of(settings, &known.inputs)?;
    let typed = Typed::new(line, settings, &known.inputs);
    let CheckDirectory { run_dir, temporary } = directory::create(settings, &known.inputs)?;
    // A plan is there to be used later. All else can be made again from the inputs.
    let run_dir = if settings.plan.is_written {
        run_dir
    } else {
        run_dir.without_sync()
    };
    let started = start::for_check(run_dir, settings, &known.inputs, shard)?;
    let key = started.key;
    let mut plan = plan::begin(settings, &started.run_dir, temporary.as_ref())?;
    let failed = FailedRows::at_once(started.run_dir.clone(), &known.inputs, format);
    let recorder = Recorder::new(
        started.journal,
        failed,
        None,
        Inputs::of(known.inputs.len()),
    );
    let rows = row_range::rows(&settings.input);
    let reading = reading::of(settings, known.inputs, &rows, key, shard)?;
    let too_much = nightly::preview(settings, &reading, &known.names)?;
    // From here on there is something to record.
    let drain = signals.drain();
    let progress = Arc::new(RunProgress::default());
    let progress_guard = terminal.show_progress(progress.clone(), known.total_bytes);
    let destination = Destination::of(settings);
    let mut printed = Ok(());
    let mut show = |explanation: &_| {
        if printed.is_ok() {
            printed = terminal.print(&explain::render(explanation, &known.names, &destination));
        }
    };
    let observer = ExplainObserver::new(settings.input.explain, &mut show);
    let bounds = Bounds {
        error_limit: settings.sending.max_errors,
        threads: pipeline::threads(),
        drain,
    };
    let output = CheckOutput {
        recorder,
        plan: plan.as_mut(),
        observer,
    };
    let (ended, recorded) =
        pipeline::check(reading, output, bounds, &progress).map_err(Failure::unusable)?;
    drop(progress_guard);
    if let (Some(plan), None, None) = (plan, &ended.stop, &recorded.fault) {
        let rows = plan.last_row();
        plan.finish(rows).map_err(Failure::run_directory)?;
    }
    let finish = Finish {
        command: Purpose::Check,
        settings,
        names: known.names,
        run_dir: started.run_dir,
        is_kept: temporary.is_none(),
        started_at,
        read: ended.read,
        read_to: ended.read_to,
        rows,
        rows_in_all: None,
        stop: ended.stop.or(too_much),
        route: None,
        input_fault: ended.input_fault,
        recorded,
        sending: None,
        typed,
        until: None,
        printed,
        preview: None,
    };
    let end = finish.finish(&terminal);
    drop(temporary);
    end
}
