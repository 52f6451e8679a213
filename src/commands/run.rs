//! `custsync run`: send the updates.

use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::api::Api;
use crate::commands::Failure;
use crate::commands::shared::command_line::CommandLine;
use crate::commands::shared::finish::{Finish, SendingFigures, StartedAt};
use crate::commands::shared::first_rows::FirstRows;
use crate::commands::shared::next_steps::Typed;
use crate::commands::shared::put_back::Patient;
use crate::commands::shared::server::Server;
use crate::commands::shared::start::{Start, Started};
use crate::commands::shared::{care, descriptors, inputs, reading, row_range, start, unique};
use crate::config::Settings;
use crate::config::sending::SendingSettings;
use crate::contract::{CountryNames, Field};
use crate::input::KnownInput;
use crate::journal::{Checkpoint, Outcome, Processes, Purpose, Retry};
use crate::pipeline::recorder::{Earlier, Inputs, Recorder};
use crate::pipeline::resume::{AskedRows, LeftOut, Resume, Terms};
use crate::pipeline::sender::{ReadMode, Sending};
use crate::pipeline::{self, RowFeed};
use crate::process::signals::Signals;
use crate::results::failed_rows::{FailedRows, OvertakingScope};
use crate::results::progress::{EarlierRows, RunProgress};
use crate::results::timeline::TimelineFile;
use crate::row::duplicates::DuplicatePolicy;
use crate::schedule::{History, Moment, ReadNeed, RetryPolicy, Rules, Schedule};
use crate::terminal::{self, Terminal};

/// Sends the updates. `line` is the command as typed, to print commands that can follow it.
pub(crate) fn run(
    settings: &Settings,
    line: &CommandLine,
    signals: &Signals,
) -> Result<u8, Failure> {
    let started_at = StartedAt::now();
    let terminal = Terminal::new(settings);
    unique::refuse_streams(settings)?;
    let mut first_rows = FirstRows::new(&settings.input);
    let known = inputs::inspect(&settings.input, Some(&mut first_rows))?;
    let format = settings.output.failed_format;
    format.check(&known.inputs).map_err(Failure::unusable)?;
    descriptors::require()?;
    let server = Server::of(settings)?;
    let grant = server.token_source().read().map_err(Failure::unusable)?;
    let api = Api::new(&server.options(settings)).map_err(Failure::unusable)?;
    let route = api.route().clone();
    let Started {
        run_dir,
        key,
        mut journal,
        start,
    } = start::for_run(settings, &known.inputs)?;
    server.log_destination(settings);
    let typed = Typed::new(line, settings, &known.inputs);
    let patient = Patient {
        api: &api,
        token: grant.token.clone(),
        wait_max: settings.sending.max_wait,
    };
    care::look_after(&run_dir, &start, settings, &patient, &mut journal)?;
    let timeline = match start {
        Start::Fresh => TimelineFile::begin(&run_dir),
        Start::Continue { .. } => TimelineFile::resume(&run_dir),
    };
    let care = care::of_run(settings, &run_dir, &start)?;
    let reads = match care.mode {
        ReadMode::None => ReadNeed::Wanted,
        ReadMode::Keep | ReadMode::Complete { .. } | ReadMode::Undo(_) => ReadNeed::Required,
    };
    let asked = row_range::rows(&settings.input);
    let Beginning {
        rows,
        history,
        resume,
        earlier,
        processes,
    } = beginning(start, asked.clone(), settings, &known.inputs);
    let progress = Arc::new(RunProgress::after(earlier_rows(earlier.as_ref())));
    let first_row = row_range::first_row(&rows, &known.inputs);
    let failed = FailedRows::new(run_dir.clone(), &known.inputs, format, first_row);
    let failed = failed.with_overtaking(match settings.sending.unique {
        DuplicatePolicy::Last => OvertakingScope::WholeRow,
        DuplicatePolicy::All | DuplicatePolicy::Reject => OvertakingScope::SetFields,
    });
    let recorder = Recorder::new(journal, failed, earlier, Inputs::of(known.inputs.len()))
        .with_timeline(timeline);
    let reading = reading::of(settings, known.inputs, &rows, key)?;
    // If rows are read that were not asked for, their number says nothing about the work.
    if rows == asked && terminal.shows_progress() {
        pipeline::count_for_progress(&reading, &progress);
    }
    let sending = Sending {
        schedule: Schedule::new(
            rules(&settings.sending, reads).map_err(Failure::unusable)?,
            history,
            seed(),
        )
        .with_countries(country_names(settings)),
        api,
        token_source: server.token_source().clone(),
        grant,
        resume,
        care,
        before_first_update: None,
        progress: progress.clone(),
        // From here on there is something to drain.
        drain: signals.drain(),
    };

    let progress_guard = terminal.show_progress(progress.clone(), known.total_bytes);
    let (sent, recorded) = pipeline::run(RowFeed::Inputs(Box::new(reading)), sending, recorder)
        .map_err(Failure::unusable)?;
    drop(progress_guard);
    let left_out = sent.care.left_out;
    let ended = care::end(&run_dir, settings, sent.care, || {
        let grant = server.token_source().read().map_err(Failure::unusable)?;
        let api = Api::new(&server.options(settings)).map_err(Failure::unusable)?;
        Ok((api, grant.token))
    });
    if let Err(failure) = ended {
        terminal::print_error(&failure.message());
    }
    server.stop();
    let finish = Finish {
        command: Purpose::Run,
        settings,
        names: known.names,
        typed,
        until: sent.until,
        run_dir,
        is_kept: true,
        started_at,
        read: sent.read,
        read_to: sent.read_to,
        rows,
        rows_in_all: progress.total(),
        stop: sent.stop,
        route: Some(route),
        input_fault: sent.input_fault,
        recorded,
        sending: Some(SendingFigures {
            statistics: sent.statistics,
            latencies: sent.latencies,
            held_back: sent.held_back,
            earlier: processes,
            cut_off: sent.cut_off,
            left_out_is_kept: left_out.is_kept(),
        }),
        printed: Ok(()),
    };
    finish.finish(&terminal)
}

/// Returns the rows that earlier processes settled.
pub(in crate::commands) fn earlier_rows(earlier: Option<&Earlier>) -> EarlierRows {
    earlier.map_or_else(EarlierRows::default, |earlier| EarlierRows {
        rows: earlier.checkpoint.rows_settled(),
        bad: earlier.checkpoint.rows_settled_badly(),
    })
}

/// The rows of a run, and the state that earlier processes left.
pub(in crate::commands) struct Beginning {
    pub(in crate::commands) rows: Range<u64>,
    pub(in crate::commands) history: History,
    pub(in crate::commands) resume: Option<Resume>,
    pub(in crate::commands) earlier: Option<Earlier>,
    /// The earlier processes.
    pub(in crate::commands) processes: Processes,
}

/// Returns the beginning of a run. `rows` are those that this process is asked for.
pub(in crate::commands) fn beginning(
    start: Start,
    rows: Range<u64>,
    settings: &Settings,
    inputs: &[KnownInput],
) -> Beginning {
    let (checkpoint, entries, compare) = match start {
        Start::Fresh => {
            return Beginning {
                rows,
                history: History::default(),
                resume: None,
                earlier: None,
                processes: Processes::default(),
            };
        }
        Start::Continue {
            checkpoint,
            entries,
            compare,
        } => (checkpoint, entries, compare),
    };
    let gaps = Arc::new(OnceLock::new());
    let all = row_range::rows_with_settled(&rows, &checkpoint);
    let terms = Terms {
        asked: AskedRows::new(rows, row_range::of_failed_rows(inputs)),
        left_out: left_out(settings, &checkpoint),
    };
    Beginning {
        rows: all,
        history: history(&checkpoint, &settings.sending),
        resume: Some(Resume::new(
            checkpoint.clone(),
            gaps.clone(),
            compare,
            terms,
        )),
        processes: checkpoint.processes().clone(),
        earlier: Some(Earlier {
            checkpoint,
            entries,
            gaps,
        }),
    }
}

/// The effect of a request on the fields that it leaves out, as far as known.
fn left_out(settings: &Settings, checkpoint: &Checkpoint) -> LeftOut {
    if checkpoint.facts().left_out_is_kept == Some(true) {
        LeftOut::Kept
    } else {
        settings.sending.left_out
    }
}

/// The names of countries that the user maps to ids (`[values.country_id]`).
pub(in crate::commands) fn country_names(settings: &Settings) -> CountryNames {
    let texts = settings.input.rows.cells.values.texts();
    CountryNames::of_texts(
        texts.filter_map(|(field, text, id)| (field == Field::CountryId).then_some((text, id))),
    )
}

pub(in crate::commands) fn rules(
    sending: &SendingSettings,
    reads: ReadNeed,
) -> anyhow::Result<Rules> {
    Ok(Rules {
        rate: sending.rate,
        in_flight_max: sending.max_in_flight.get(),
        retry: RetryPolicy::new(sending.attempts.get())?,
        error_limit: sending.max_errors,
        echo: sending.echo,
        wait_max: sending.max_wait,
        timeout: sending.timeout,
        grace: sending.grace,
        reads,
    })
}

/// Returns the history of earlier processes for the schedule. Rows that are sent again do not
/// count.
pub(in crate::commands) fn history(checkpoint: &Checkpoint, settings: &SendingSettings) -> History {
    let rejected = match settings.retry() {
        Retry::Failed | Retry::Conflict => checkpoint.count(Outcome::Rejected),
        Retry::Rejected => 0,
    };
    let not_before = Moment::after_start(start::named_wait_left(checkpoint, settings));
    let errors = checkpoint.count(Outcome::Invalid) + rejected;
    History {
        ended: checkpoint.count(Outcome::Updated) + errors,
        errors,
        answered: checkpoint.answered(),
        not_before,
    }
}

/// Returns a seed that differs from process to process, so that jitter does too.
pub(in crate::commands) fn seed() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::from(since.subsec_nanos())
        ^ since.as_secs().rotate_left(32)
        ^ u64::from(std::process::id()).rotate_left(48)
}
