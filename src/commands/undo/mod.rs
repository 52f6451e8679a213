//! `custsync undo`: put back what a run has changed.

mod dry_run;
mod origin;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use tracing::info;

use self::origin::{Mark, UndoneRun};
use crate::api::{Api, Route};
use crate::commands::shared::beginning::{Beginning, beginning, earlier_rows, schedule, timeline};
use crate::commands::shared::command_line::CommandLine;
use crate::commands::shared::early_end::Followers;
use crate::commands::shared::finish::{Finish, SendingFigures, StartedAt};
use crate::commands::shared::metrics::MetricsOutput;
use crate::commands::shared::next_steps::Typed;
use crate::commands::shared::nightly::StateOfUndoneRun;
use crate::commands::shared::notices::StartPing;
use crate::commands::shared::private_folder::PrivateFolder;
use crate::commands::shared::publish::PublishOutput;
use crate::commands::shared::server::Server;
use crate::commands::shared::shared_rate::SharedRate;
use crate::commands::shared::start::{Start, Started};
use crate::commands::shared::{care, descriptors, inputs, notices, start};
use crate::commands::{CommandEnd, Failure};
use crate::config::Settings;
use crate::config::input::InputSettings;
use crate::config::provenance::Provenance;
use crate::contract::{Conflicts, RestoreRules};
use crate::input::{FormatChoice, InputName, InputRules};
use crate::journal::{IMAGES_NAME, ImageIndex, Processes, Purpose, RunDir};
use crate::pipeline::image_writer::{ImageWriter, ImagesTo};
use crate::pipeline::recorder::{Inputs, Recorded, Recorder};
use crate::pipeline::sender::{
    BeforeFirstUpdate, CareSettings, PageReading, ReadMode, Sending, Sent, UndoCounts, Undoing,
    WantedCustomers,
};
use crate::pipeline::undo_rows::UndoRows;
use crate::pipeline::{self, RowFeed};
use crate::preview::ShownCustomersWriter;
use crate::process::exit::Exit;
use crate::process::signals::Signals;
use crate::results::failed_rows::FailedRows;
use crate::results::metrics::Metrics;
use crate::results::progress::RunProgress;
use crate::results::summary::InputNames;
use crate::schedule::{ReadNeed, ReadWay, StopReason};
use crate::terminal::Terminal;
use crate::text;

/// The folder of an undo in the directory of the run.
const UNDO_NAME: &str = "undo";
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

/// Puts back what a run has changed, shard by shard if there are several. `line` is the command as
/// typed. The end of the `followers` is the caller's.
pub(crate) fn undo(
    settings: &Settings,
    options: &UndoOptions<'_>,
    line: &CommandLine,
    signals: &Signals,
    followers: Followers<'_>,
) -> Result<CommandEnd, Failure> {
    let undoer = Undoer {
        settings,
        options,
        line,
        signals,
        terminal: &Terminal::new(settings),
        publish: followers.publish,
        metrics: followers.metrics.map(MetricsOutput::start).transpose()?,
    };
    descriptors::require()?;
    notices::check_addresses(settings)?;
    refuse_pages(settings, options)?;
    let runs = UndoneRun::open(options.directory, settings)?;
    origin::refuse_what_cannot_be_put_back(&runs, restore_rules(settings).without)?;
    let states = runs.iter().map(|run| undoer.state_of(run));
    let states: Vec<_> = states.collect::<Result<_, _>>()?;
    if options.is_dry {
        let mut counts = UndoCounts::default();
        for (run, state) in runs.into_iter().zip(states) {
            match undoer.try_out(run, state)? {
                Ok(more) => counts.append(more),
                Err(stop) => return Err(dry_run::stopped(&stop)),
            }
        }
        return dry_run::end(settings, options.directory, &counts).map(CommandEnd::silent);
    }
    let mut start_ping = None;
    let mut end = CommandEnd::from(Exit::Success);
    for (run, state) in runs.into_iter().zip(states) {
        let next = undoer.put_back(run, state, &mut start_ping)?;
        // Bad rows of one shard are no reason to leave the others.
        let goes_on = [Exit::Success.code(), settings.output.bad_rows_exit].contains(&next.code);
        end = CommandEnd {
            code: if goes_on {
                end.code.max(next.code)
            } else {
                next.code
            },
            told: next.told,
        };
        if !goes_on {
            break;
        }
    }
    Ok(end)
}

/// The undo of a run, shard by shard.
struct Undoer<'a> {
    settings: &'a Settings,
    options: &'a UndoOptions<'a>,
    line: &'a CommandLine,
    signals: &'a Signals,
    terminal: &'a Terminal,
    publish: Option<&'a PublishOutput>,
    metrics: Option<Arc<Metrics>>,
}

/// An undo that has begun in its directory.
struct Begun {
    started_at: StartedAt,
    route: Route,
    names: InputNames,
    run_dir: RunDir,
    rows: Range<u64>,
    customers: u64,
    processes: Processes,
    work: Work,
    /// Keeps the run's directory locked.
    _lock: RunDir,
}

/// The threads of an undo, before they start.
struct Work {
    server: Server,
    progress: Arc<RunProgress>,
    rows_of_run: UndoRows,
    sending: Sending,
    recorder: Recorder,
}

impl Work {
    /// Runs them to their end.
    fn carry_out(self, terminal: &Terminal) -> Result<(Sent, Recorded), Failure> {
        let guard = terminal.show_progress(self.progress, None);
        let feed = RowFeed::Undo(self.rows_of_run);
        let run = pipeline::run(feed, self.sending, self.recorder);
        let (mut sent, recorded) = run.map_err(Failure::unusable)?;
        drop(guard);
        self.server.stop();
        if let Some(images) = sent.care.images.take() {
            images.finish();
        }
        Ok((sent, recorded))
    }
}

impl Undoer<'_> {
    /// Opens the state that the run used, unless it is left as it is.
    fn state_of(&self, run: &UndoneRun) -> Result<Option<StateOfUndoneRun>, Failure> {
        let is_marked = !self.options.is_dry && !self.settings.nightly.without_state;
        let Some(path) = run.state.as_ref().filter(|_| is_marked) else {
            return Ok(None);
        };
        let images = run.images.clone();
        StateOfUndoneRun::open(path, self.settings, &run.run, run.shard, images).map(Some)
    }

    /// Finds out what would be put back. The inner error is an early stop.
    fn try_out(
        &self,
        run: UndoneRun,
        state: Option<StateOfUndoneRun>,
    ) -> Result<Result<UndoCounts, StopReason>, Failure> {
        let folder = PrivateFolder::new().map_err(Failure::run_directory)?;
        let path = folder.path().join(UNDO_NAME);
        let pages = pages(self.settings, &folder, &run)?;
        let begun = self.begin(run, state, &path, Some(pages), &mut None)?;
        let (sent, _) = begun.work.carry_out(self.terminal)?;
        Ok(match sent.stop {
            Some(stop) => Err(stop),
            None => Ok(sent.care.undone.unwrap_or_default()),
        })
    }

    /// Puts back what one run or shard has changed.
    fn put_back(
        &self,
        run: UndoneRun,
        state: Option<StateOfUndoneRun>,
        start_ping: &mut Option<StartPing>,
    ) -> Result<CommandEnd, Failure> {
        let path = match (&self.settings.output.run_dir, run.shard) {
            (None, _) => run.path.join(UNDO_NAME),
            (Some(path), None) => path.clone(),
            (Some(path), Some(shard)) => path.join(shard.directory_name()),
        };
        let begun = self.begin(run, state, &path, None, start_ping)?;
        let (sent, recorded) = begun.work.carry_out(self.terminal)?;
        let finish = Finish {
            command: Purpose::Undo,
            settings: self.settings,
            names: begun.names,
            typed: Typed::undo(self.line, self.settings),
            until: sent.until,
            run_dir: begun.run_dir,
            is_kept: true,
            started_at: begun.started_at,
            read: sent.read,
            read_to: sent.read_to,
            rows: begun.rows,
            rows_in_all: Some(begun.customers),
            stop: sent.stop,
            route: Some(begun.route),
            input_fault: sent.input_fault,
            recorded,
            sending: Some(SendingFigures {
                statistics: sent.statistics,
                latencies: sent.latencies,
                held_back: sent.held_back,
                earlier: begun.processes,
                cut_off: sent.cut_off,
                left_out_is_kept: sent.care.left_out.is_kept(),
            }),
            printed: Ok(()),
            preview: None,
        };
        finish.finish(self.terminal)
    }

    /// Begins or continues the undo of one run or shard in this directory.
    fn begin(
        &self,
        undone: UndoneRun,
        state: Option<StateOfUndoneRun>,
        path: &Path,
        pages: Option<PageReading>,
        start_ping: &mut Option<StartPing>,
    ) -> Result<Begun, Failure> {
        let (settings, options) = (self.settings, self.options);
        let started_at = StartedAt::now();
        let lock = undone.lock.clone();
        let customers = undone.customers();
        let known = inputs::inspect(&input_of(settings, &undone.path), None)?;
        let server = Server::of(settings, Purpose::Undo)?;
        let grant = server.token_source().read().map_err(Failure::unusable)?;
        let api = Api::new(&server.options(settings)).map_err(Failure::unusable)?;
        let route = api.route().clone();
        let rate = SharedRate::open(settings, server.base_url())?;
        let Started {
            run_dir,
            run,
            key,
            journal,
            start,
        } = start::for_undo(path, settings, &known.inputs, undone.shard)?;
        if let Some(publish) = self.publish {
            publish.start(&run_dir, options.directory)?;
        }
        server.log_destination(settings, Purpose::Undo);
        if !options.is_dry {
            // A trial is not the job that is monitored.
            start_ping.get_or_insert_with(|| StartPing::send(settings, &start));
            info!("recording in {}", text::safe_path(run_dir.path()));
        }
        let rows_of_run = UndoRows {
            images: undone.images.clone(),
            name: InputName::Path(undone.path.join(IMAGES_NAME)),
            key,
            without: restore_rules(settings).without,
        };
        let (care, mark) = precautions(settings, options, undone, &run_dir, &start)?;
        let mark = with_state(mark, state);
        let timeline = timeline(&start, &run_dir);
        let all = 1..u64::MAX;
        let Beginning {
            rows,
            history,
            // An undo has none.
            canary: _,
            resume,
            earlier,
            processes,
        } = beginning(start, all, settings, &known.inputs);
        let progress = Arc::new(RunProgress::after(earlier_rows(earlier.as_ref())));
        progress.set_total(customers);
        let format = settings.output.failed_format;
        let failed = FailedRows::in_any_order(run_dir.clone(), &known.inputs, format);
        let recorder = Recorder::new(journal, failed, earlier, Inputs::of(1))
            .with_timeline(timeline)
            .with_metrics(self.metrics.clone());
        let sending = Sending {
            schedule: schedule(
                settings,
                rate.sharing(&run, None),
                if options.is_dry {
                    ReadNeed::Only
                } else {
                    ReadNeed::Required
                },
                history,
            )?,
            api,
            token_source: server.token_source().clone(),
            grant,
            rate_store: rate.store,
            resume,
            care,
            pages,
            before_first_update: Some(BeforeFirstUpdate(mark)),
            progress: progress.clone(),
            metrics: self.metrics.clone(),
            drain: self.signals.drain(),
        };
        Ok(Begun {
            started_at,
            route,
            names: known.names,
            run_dir,
            rows,
            customers,
            processes,
            work: Work {
                server,
                progress,
                rows_of_run,
                sending,
                recorder,
            },
            _lock: lock,
        })
    }
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
        path: _,
        state: _,
        shard: _,
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
        plan: None,
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
    folder: &PrivateFolder,
    undone: &UndoneRun,
) -> Result<PageReading, Failure> {
    let shown = ShownCustomersWriter::create(folder.path());
    let run = undone.images.clone();
    Ok(PageReading {
        way: settings.sending.read,
        wanted: WantedCustomers {
            count: undone.customers(),
            contains: Box::new(move |customer| Ok(run.contains(customer))),
        },
        shown: shown.map_err(Failure::run_directory)?,
        time_for: None,
    })
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
