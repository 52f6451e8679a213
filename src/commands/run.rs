//! `custsync run`: send the updates.

use std::sync::Arc;

use crate::api::Api;
use crate::commands::shared::beginning::{Beginning, beginning, earlier_rows, schedule, timeline};
use crate::commands::shared::command_line::CommandLine;
use crate::commands::shared::early_end::Followers;
use crate::commands::shared::estimate::{Counting, Pace, Total};
use crate::commands::shared::finish::{Finish, SendingFigures, StartedAt};
use crate::commands::shared::first_rows::FirstRows;
use crate::commands::shared::hours::DailyHours;
use crate::commands::shared::metrics::MetricsOutput;
use crate::commands::shared::next_steps::Typed;
use crate::commands::shared::nightly::{Nightly, NightlyRows, OpenState};
use crate::commands::shared::notices::StartPing;
use crate::commands::shared::plan::OpenPlan;
use crate::commands::shared::put_back::Patient;
use crate::commands::shared::server::Server;
use crate::commands::shared::shared_rate::SharedRate;
use crate::commands::shared::start::Started;
use crate::commands::shared::{
    care, descriptors, fill, hours, inputs, nightly, notices, plan, reading, row_range, shards,
    start, unique,
};
use crate::commands::{CommandEnd, Failure};
use crate::config::Settings;
use crate::journal::Purpose;
use crate::pipeline::recorder::{Inputs, RecordError, Recorder};
use crate::pipeline::sender::{CareSettings, ReadMode, ReadTo, Sending};
use crate::pipeline::{self, RowFeed};
use crate::process::signals::Signals;
use crate::results::failed_rows::{FailedRows, OvertakingScope};
use crate::results::progress::RunProgress;
use crate::row::duplicates::DuplicatePolicy;
use crate::schedule::ReadNeed;
use crate::terminal::{self, Terminal};

/// Sends the updates. `line` is the command as typed, to print commands that can follow it. The end
/// of the `followers` is the caller's.
pub(crate) fn run(
    settings: &Settings,
    line: &CommandLine,
    signals: &Signals,
    followers: Followers<'_>,
) -> Result<CommandEnd, Failure> {
    let started_at = StartedAt::now();
    let terminal = Terminal::new(settings);
    let metrics = followers.metrics.map(MetricsOutput::start).transpose()?;
    unique::refuse_streams(settings)?;
    plan::refuse_streams(settings)?;
    notices::check_addresses(settings)?;
    let mut first_rows = FirstRows::new(&settings.input);
    let known = inputs::inspect(&settings.input, Some(&mut first_rows))?;
    let format = settings.output.failed_format;
    format.check(&known.inputs).map_err(Failure::unusable)?;
    let shard = shards::of(settings, &known.inputs)?;
    let plan = plan::open(settings)?;
    let planned = (plan.as_ref())
        .map(|plan| plan.compare(settings, &known.inputs, &known.names, shard))
        .transpose()?;
    descriptors::require()?;
    let hours = DailyHours::of(&settings.sending)?;
    let wait_max = settings.sending.max_wait;
    // A customer whose fields the API cleared is put back at once, though, even if rows wait for the
    // hours.
    (hours.as_ref()).map_or(Ok(()), |hours| hours.refuse_outside(wait_max))?;
    let server = Server::of(settings, Purpose::Run)?;
    let grant = server.token_source().read().map_err(Failure::unusable)?;
    let api = Api::new(&server.options(settings)).map_err(Failure::unusable)?;
    let route = api.route().clone();
    let rate = SharedRate::open(settings, server.base_url())?;
    let state = nightly::open(settings)?;
    let of_run = state.as_ref().map(OpenState::of_run);
    let Started {
        run_dir,
        run,
        key,
        mut journal,
        start,
    } = start::for_run(
        settings,
        &known.inputs,
        of_run.as_ref(),
        plan.as_ref().map(OpenPlan::of_run).as_ref(),
        shard,
    )?;
    if let Some(publish) = followers.publish {
        publish.start(&run_dir, shards::shared_directory(&run_dir, shard))?;
    }
    let nightly = state.map(|state| state.begin(&run_dir, &run)).transpose()?;
    let _start_ping = StartPing::send(settings, &start);
    server.log_destination(settings, Purpose::Run);
    let typed = Typed::run(line, settings, &known.inputs, plan.as_ref());
    let patient = Patient {
        api: &api,
        token: grant.token.clone(),
        wait_max,
    };
    care::look_after(&run_dir, &start, settings, &patient, &mut journal)?;
    let timeline = timeline(&start, &run_dir);
    let elsewhere = nightly.as_ref().and_then(Nightly::left_out_is_kept);
    let customers = plan::customers(plan, &run_dir, &start)?;
    let care = care::of_run(settings, &run_dir, &start, customers, elsewhere)?;
    let reads = read_need(&care);
    let asked = row_range::rows(&settings.input);
    let Beginning {
        rows,
        history,
        canary,
        resume,
        earlier,
        processes,
    } = beginning(start, asked.clone(), settings, &known.inputs);
    let progress = Arc::new(RunProgress::after(earlier_rows(earlier.as_ref())));
    let first_row = row_range::first_row(&rows, &known.inputs);
    let (dir, scope) = (run_dir.clone(), overtaking(settings));
    let failed = FailedRows::new(dir, &known.inputs, format, first_row, scope);
    let inputs_of_rows = Inputs::of(known.inputs.len());
    let recorder = Recorder::new(journal, failed, earlier, inputs_of_rows);
    let recorder = (recorder.with_timeline(timeline)).with_metrics(metrics.clone());
    let mut reading = reading::of(settings, known.inputs, &rows, key, shard)?;
    if let Some(planned) = planned {
        reading.filter = Some(Box::new(planned));
    }
    let NightlyRows { to_send, too_much } = match &nightly {
        Some(nightly) => nightly.compare(settings, &mut reading, &known.names)?,
        None => NightlyRows::without_state(shard),
    };
    let sharing = rate.sharing(&run, shard);
    let open = hours.as_ref().map(|hours| hours.for_schedule(wait_max));
    let pace = Pace::of(&settings.sending, reads, &sharing, canary.as_ref(), open);
    let counting = Counting {
        total: Total::of(&terminal),
        pace: pace.filter(|_| too_much.is_none()),
        to_send,
    };
    // If rows are read that were not asked for, their number says nothing about the work.
    if rows == asked {
        counting.start(&reading, &progress);
    }
    let schedule = schedule(settings, sharing, reads, history)?;
    let mut schedule = schedule.with_canary(canary).within(open);
    if let Some(reason) = too_much {
        schedule.stop(reason);
    }
    let sending = Sending {
        schedule,
        api,
        token_source: server.token_source().clone(),
        grant,
        rate_store: rate.store,
        resume,
        care,
        pages: None,
        before_first_update: None,
        progress: progress.clone(),
        metrics,
        // From here on there is something to drain.
        drain: signals.drain(),
    };

    let progress_guard = terminal.show_progress(progress.clone(), known.total_bytes);
    let (sent, mut recorded) = pipeline::run(RowFeed::Inputs(Box::new(reading)), sending, recorder)
        .map_err(Failure::unusable)?;
    drop(progress_guard);
    if let Some(Err(error)) = nightly.map(|nightly| nightly.end(sent.stop.as_ref())) {
        recorded.fault.get_or_insert(RecordError::State(error));
    }
    let left_out = sent.care.left_out;
    let until = hours::until(hours.as_ref(), &sent);
    let ended = care::end(&run_dir, settings, sent.care, || {
        let grant = server.token_source().read().map_err(Failure::unusable)?;
        let api = Api::new(&server.options(settings)).map_err(Failure::unusable)?;
        Ok((api, grant.token))
    });
    let is_over = sent.stop.is_none() && sent.read_to == ReadTo::End;
    let of_fill = || is_over.then(|| fill::end(&run_dir, settings, &recorded));
    if let Err(failure) = ended.and_then(|()| of_fill().unwrap_or(Ok(()))) {
        terminal::print_error(&failure.message());
    }
    server.stop();
    let finish = Finish {
        command: Purpose::Run,
        settings,
        names: known.names,
        typed,
        until,
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
        preview: None,
    };
    finish.finish(&terminal)
}

/// Whether a row can be sent without the read of its customer.
fn read_need(care: &CareSettings) -> ReadNeed {
    match care.mode {
        ReadMode::None if care.plan.is_none() => ReadNeed::Wanted,
        ReadMode::None | ReadMode::Update(_) | ReadMode::Undo(_) | ReadMode::Preview(_) => {
            ReadNeed::Required
        }
    }
}

/// The part of a failed row that later rows of its customer can overtake.
fn overtaking(settings: &Settings) -> OvertakingScope {
    match settings.sending.unique {
        DuplicatePolicy::Last => OvertakingScope::WholeRow,
        DuplicatePolicy::All | DuplicatePolicy::Reject => OvertakingScope::SetFields,
    }
}
