//! `custsync undo`: put back what a run has changed.

mod dry_run;
mod origin;

use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use tracing::info;

use self::origin::{Mark, UndoneRun};
use crate::api::Api;
use crate::commands::shared::beginning::{Beginning, beginning, earlier_rows, schedule, timeline};
use crate::commands::shared::command_line::CommandLine;
use crate::commands::shared::finish::{Finish, SendingFigures, StartedAt};
use crate::commands::shared::metrics::MetricsOutput;
use crate::commands::shared::next_steps::Typed;
use crate::commands::shared::nightly::StateOfUndoneRun;
use crate::commands::shared::notices::StartPing;
use crate::commands::shared::private_folder::PrivateFolder;
use crate::commands::shared::server::Server;
use crate::commands::shared::start::{Start, Started};
use crate::commands::shared::{care, descriptors, inputs, notices, start};
use crate::commands::{CommandEnd, Failure};
use crate::config::Settings;
use crate::config::input::InputSettings;
use crate::config::provenance::Provenance;
use crate::contract::{Conflicts, RestoreRules};
use crate::input::{FormatChoice, InputName, InputRules};
use crate::journal::{IMAGES_NAME, ImageIndex, Purpose, RunDir};
use crate::pipeline::image_writer::{ImageWriter, ImagesTo};
use crate::pipeline::recorder::{Inputs, Recorder};
use crate::pipeline::sender::{
    BeforeFirstUpdate, CareSettings, PageReading, ReadMode, Sending, Undoing, WantedCustomers,
};
use crate::pipeline::shown_customers::ShownCustomers;
use crate::pipeline::undo_rows::UndoRows;
use crate::pipeline::{self, RowFeed};
use crate::process::signals::Signals;
use crate::results::failed_rows::FailedRows;
use crate::results::progress::RunProgress;
use crate::schedule::{ReadNeed, ReadWay};
use crate::terminal::Terminal;
use crate::text;

/// The folder of an undo in the directory of the run.
const UNDO_NAME: &str = "undo";
/// The file of the customers that pages show, in the folder of a dry run.
const SHOWN_NAME: &str = "shown";
/// The setting of the way in which customers are read.
const READ: &str = "read";

/// The choices of an undo that are no settings.
#[derive(Debug)]
pub(crate) struct UndoOptions<'a> {
    /// The directory of the run.
    pub directory: &'a Path,
    /// Whether nothing is sent.
    pub is_dry: bool,
}

/// Puts back what a run has changed. `line` is the command as typed. The end of `metrics` is the
/// caller's.
pub(crate) fn undo(
    settings: &Settings,
    options: &UndoOptions<'_>,
    line: &CommandLine,
    signals: &Signals,
    metrics: Option<&MetricsOutput>,
) -> Result<CommandEnd, Failure> {
    let started_at = StartedAt::now();
    let terminal = Terminal::new(settings);
    let metrics = metrics.map(MetricsOutput::start).transpose()?;
    descriptors::require()?;
    notices::check_addresses(settings)?;
    refuse_pages(settings, options)?;
    let undone = UndoneRun::open(options.directory, settings)?;
    let customers = undone.customers();
    undone.refuse_what_cannot_be_put_back(restore_rules(settings).without)?;
    let _lock = undone.lock.clone();
    let known = inputs::inspect(&input_of(settings, options.directory), None)?;
    let server = Server::of(settings)?;
    let grant = server.token_source().read().map_err(Failure::unusable)?;
    let api = Api::new(&server.options(settings)).map_err(Failure::unusable)?;
    let route = api.route().clone();
    let folder = options.is_dry.then(PrivateFolder::new).transpose();
    let folder = folder.map_err(Failure::run_directory)?;
    let path = match (&folder, &settings.output.run_dir) {
        (Some(folder), _) => folder.path().join(UNDO_NAME),
        (None, Some(path)) => path.clone(),
        (None, None) => options.directory.join(UNDO_NAME),
    };
    let Started {
        run_dir,
        run: _,
        key,
        journal,
        start,
    } = start::for_undo(&path, settings, &known.inputs)?;
    // A trial is not the job that is monitored.
    let _start_ping = (!options.is_dry).then(|| StartPing::send(settings, &start));
    server.log_destination(settings);
    if !options.is_dry {
        info!("recording in {}", text::safe_path(run_dir.path()));
    }
    let rows_of_run = UndoRows {
        images: undone.images.clone(),
        name: InputName::Path(options.directory.join(IMAGES_NAME)),
        key,
        without: restore_rules(settings).without,
    };
    let pages = pages(settings, folder.as_ref(), &undone)?;
    let state = match &undone.state {
        Some(path) if !options.is_dry && !settings.nightly.without_state => Some(
            StateOfUndoneRun::open(path, settings, &undone.run, undone.images.clone())?,
        ),
        Some(_) | None => None,
    };
    let (care, mark) = precautions(settings, options, undone, &run_dir, &start)?;
    let mark = with_state(mark, state);
    let timeline = timeline(&start, &run_dir);
    let all = 1..u64::MAX;
    let Beginning {
        rows,
        history,
        resume,
        earlier,
        processes,
    } = beginning(start, all, settings, &known.inputs);
    let progress = Arc::new(RunProgress::after(earlier_rows(earlier.as_ref())));
    progress.set_total(customers);
    let format = settings.output.failed_format;
    let failed = FailedRows::new(run_dir.clone(), &known.inputs, format, 1);
    let recorder = Recorder::new(journal, failed, earlier, Inputs::of(1))
        .with_timeline(timeline)
        .with_metrics(metrics.clone());
    let sending = Sending {
        schedule: schedule(settings, ReadNeed::Required, history)?,
        api,
        token_source: server.token_source().clone(),
        grant,
        resume,
        care,
        pages,
        before_first_update: Some(BeforeFirstUpdate(mark)),
        progress: progress.clone(),
        metrics,
        drain: signals.drain(),
    };
    let progress_guard = terminal.show_progress(progress.clone(), None);
    let (sent, recorded) =
        pipeline::run(RowFeed::Undo(rows_of_run), sending, recorder).map_err(Failure::unusable)?;
    drop(progress_guard);
    server.stop();
    if let Some(images) = sent.care.images {
        images.finish();
    }
    if let Some(folder) = folder {
        let counts = sent.care.undone.unwrap_or_default();
        drop(folder);
        return dry_run::end(settings, options.directory, &counts, sent.stop.as_ref())
            .map(CommandEnd::silent);
    }
    let finish = Finish {
        command: Purpose::Undo,
        settings,
        names: known.names,
        typed: Typed::undo(line, settings),
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
            left_out_is_kept: sent.care.left_out.is_kept(),
        }),
        printed: Ok(()),
    };
    finish.finish(&terminal)
}

/// Returns how customers are treated, and what marks the run as undone.
fn precautions(
    settings: &Settings,
    options: &UndoOptions<'_>,
    undone: UndoneRun,
    run_dir: &RunDir,
    start: &Start,
) -> Result<(CareSettings, Mark), Failure> {
    let UndoneRun {
        mut countries,
        images: run,
        echoes,
        mark,
        left_out_is_kept,
        run: _,
        state: _,
        lock: _,
    } = undone;
    let (images, own) = match start {
        Start::Fresh => (care::begin_images(run_dir), None),
        Start::Continue { checkpoint, .. } => (
            care::continue_images(run_dir, checkpoint.entries()),
            Some(ImageIndex::read(run_dir, &mut countries)),
        ),
    };
    let images = images.map_err(Failure::run_directory)?;
    let undoing = Undoing {
        run,
        echoes,
        own: own.transpose().map_err(Failure::run_directory)?,
        rules: restore_rules(settings),
        is_dry: options.is_dry,
    };
    let images = ImageWriter::start(ImagesTo::Open(images)).map_err(Failure::unusable)?;
    let care = CareSettings {
        mode: ReadMode::Undo(Box::new(undoing)),
        left_out: care::known_left_out(settings, start, left_out_is_kept),
        countries,
        images: Some(images),
    };
    Ok((care, mark))
}

/// Refuses to read the customers of an undo from pages. A configuration file may ask for pages: it
/// is written for other commands, too.
fn refuse_pages(settings: &Settings, options: &UndoOptions<'_>) -> Result<(), Failure> {
    let is_typed = !matches!(settings.provenance(READ), Provenance::File(_));
    if settings.sending.read == ReadWay::List && !options.is_dry && is_typed {
        return Err(Failure::unusable(anyhow!(
            "--read list is for --dry-run: an undo reads each customer immediately before its update, because somebody may have changed it since a page was read; nothing was sent"
        )));
    }
    Ok(())
}

/// Returns the reading of pages for a dry run, which has this folder.
fn pages(
    settings: &Settings,
    folder: Option<&PrivateFolder>,
    undone: &UndoneRun,
) -> Result<Option<PageReading>, Failure> {
    let Some(folder) = folder else {
        return Ok(None);
    };
    let shown = ShownCustomers::create(&folder.path().join(SHOWN_NAME));
    let run = undone.images.clone();
    Ok(Some(PageReading {
        way: settings.sending.read,
        wanted: WantedCustomers {
            count: undone.customers(),
            contains: Box::new(move |customer| run.contains(customer)),
        },
        shown: shown.map_err(Failure::run_directory)?,
    }))
}

/// Adds to what is done before the first update: the run's customers are marked in its state.
fn with_state(mark: Mark, state: Option<StateOfUndoneRun>) -> Mark {
    match state {
        None => mark,
        Some(state) => Box::new(move || {
            mark()?;
            Ok(state.mark()?)
        }),
    }
}

/// Returns the user's choices.
fn restore_rules(settings: &Settings) -> RestoreRules {
    RestoreRules {
        conflicts: if settings.sending.force {
            Conflicts::Overwrite
        } else {
            Conflicts::Keep
        },
        without: settings.sending.without_fields,
    }
}

/// The file of the run's images as an input.
fn input_of(settings: &Settings, directory: &Path) -> InputSettings {
    InputSettings {
        files: vec![InputName::Path(directory.join(IMAGES_NAME))],
        rules: InputRules {
            format: FormatChoice::Ndjson,
            ..InputRules::default()
        },
        ..settings.input.clone()
    }
}
