//! A run of a plan (`--plan`): what a check or a preview has found is sent, or nothing.
//!
//! 1. The plan is opened: the run directory of a finished check or preview, of the same settings
//!    and columns ([`open`]). The run takes over its key. The plan must not be too old when the run
//!    begins ([`OpenPlan::of_run`]).
//! 2. The input is read once, and has to make the request of the plan for each row
//!    ([`OpenPlan::compare`]).
//! 3. Each row is compared again as it is read to be sent ([`PlannedRows`]), and its customer with
//!    what the preview saw ([`customers`]).

use std::io;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use anyhow::{anyhow, bail};
use jiff::Timestamp;
use tracing::info;

use super::identity::{PlanScope, header, key_of, refuse_another_plan};
use super::plan_name::header_of;
use super::plan_of_run::PlanOfRun;
use super::start::Start;
use super::unique::{self, is_stream};
use super::{first_rows, row_range};
use crate::commands::Failure;
use crate::config::Settings;
use crate::input::KnownInput;
use crate::journal::{
    FINISHED, Fact, Header, JOURNAL_NAME, Purpose, RunDir, RunKey, Shard, for_each_entry, last_fact,
};
use crate::pipeline::planned_rows::{
    ComparePlanError, PlanComparison, PlanDifference, PlannedRows,
};
use crate::pipeline::sender::PlannedCustomers;
use crate::pipeline::{self, RowBuilder};
use crate::plan::{CountryDoubt, REQUESTS_NAME, Requests, SEEN_NAME, Seen};
use crate::results::summary::InputNames;
use crate::text;

/// The plan of a run.
pub(in crate::commands) struct OpenPlan {
    run_dir: RunDir,
    header: Header,
    key: RunKey,
    requests: Requests,
    seen: Option<Seen>,
    /// The reason why it is too old for a run to begin with it.
    too_old: Option<String>,
}

/// Refuses pipes for `--plan`, which reads inputs twice. Call before opening: opening a pipe blocks
/// until it has a writer.
pub(in crate::commands) fn refuse_streams(settings: &Settings) -> Result<(), Failure> {
    let mut names = settings.input.files.iter();
    match names.find(|name| settings.plan.directory.is_some() && is_stream(name)) {
        Some(name) => Err(refusal_of_stream(&name.to_string())),
        None => Ok(()),
    }
}

/// Opens the plan of a run; `None` without `--plan`.
pub(in crate::commands) fn open(settings: &Settings) -> Result<Option<OpenPlan>, Failure> {
    let Some(path) = &settings.plan.directory else {
        return Ok(None);
    };
    read(path, settings.plan.max_age)
        .map(Some)
        .map_err(Failure::run_directory)
}

/// Returns the customers that the preview saw, with which each customer is compared before its update;
/// `None` if there is no plan, or one without customers. `run_dir` is that of the run.
pub(in crate::commands) fn customers(
    plan: Option<OpenPlan>,
    run_dir: &RunDir,
    start: &Start,
) -> Result<Option<PlannedCustomers>, Failure> {
    let Some(seen) = plan.and_then(|plan| plan.seen) else {
        return Ok(None);
    };
    Ok(Some(match start {
        Start::Fresh => PlannedCustomers::new(seen, CountryDoubt::Refused),
        Start::Continue { .. } => {
            let mut customers = PlannedCustomers::new(seen, CountryDoubt::Accepted);
            // What the API has made of the values that earlier processes of the run have sent.
            for_each_entry(run_dir, |entry| customers.recorded(entry))
                .map_err(Failure::run_directory)?;
            customers
        }
    }))
}

fn refusal_of_stream(name: &str) -> Failure {
    Failure::unusable(anyhow!(
        "{name}: --plan reads the input twice, first to compare it with the plan, and this can be read only once: save it to a file; nothing was sent"
    ))
}

/// Whether the directory of this purpose may be a plan.
fn may_be_plan(purpose: Purpose) -> bool {
    match purpose {
        Purpose::Check | Purpose::Preview => true,
        Purpose::Run | Purpose::Undo => false,
    }
}

/// Returns the settings that a plan of this purpose has in common with its run.
fn scope_of(purpose: Purpose) -> PlanScope {
    match purpose {
        // A check knows no API.
        Purpose::Check => PlanScope::Rows,
        Purpose::Run | Purpose::Preview | Purpose::Undo => PlanScope::RowsAndApi,
    }
}

/// The reason why a directory is no plan.
enum NoPlan {
    /// It cannot be read.
    Unreadable(io::Error),
    /// It is no run directory.
    NoJournal,
    /// It is that of a run or an undo.
    Run,
    /// It is that of a check without `--write-plan`.
    PlainCheck,
    /// It is that of a preview with `--sample`.
    Sample,
    /// Its check or preview was killed, or stopped early.
    Unfinished,
    /// Its plan has lost its end since.
    CutShort,
    /// It is that of a preview, and has lost its customers since.
    WithoutCustomers,
}

impl NoPlan {
    /// Returns the reason why there is no finished plan in the directory of a finished check or preview.
    fn of(purpose: Purpose, run_dir: &RunDir) -> NoPlan {
        let has = |name| run_dir.file(name).symlink_metadata().is_ok();
        match purpose {
            Purpose::Preview if !has(SEEN_NAME) => NoPlan::Sample,
            Purpose::Check if !has(REQUESTS_NAME) => NoPlan::PlainCheck,
            Purpose::Run | Purpose::Check | Purpose::Preview | Purpose::Undo => NoPlan::CutShort,
        }
    }

    /// Returns the reason, and what to do.
    fn words(&self, directory: &str) -> String {
        const MAKE: &str = "make one with `custsync preview`, or `custsync check --write-plan`";
        match self {
            NoPlan::Unreadable(error) => {
                format!("the plan {directory} cannot be read: {error}")
            }
            NoPlan::NoJournal => format!(
                "{directory} is no plan, as it is no run directory (it holds no {JOURNAL_NAME}): {MAKE}"
            ),
            NoPlan::Run => format!("{directory} holds a run, which is no plan: {MAKE}"),
            NoPlan::PlainCheck => {
                format!(
                    "{directory} holds a check without a plan, which --write-plan makes: {MAKE}"
                )
            }
            NoPlan::Sample => format!(
                "{directory} holds a preview of a sample, which is no plan: make one without --sample"
            ),
            NoPlan::Unfinished => format!(
                "{directory} holds no finished plan, as its check or preview did not come to its end: begin that again"
            ),
            NoPlan::CutShort => format!(
                "{directory} holds no finished plan, as {REQUESTS_NAME} is cut short or missing: make the plan again"
            ),
            NoPlan::WithoutCustomers => format!(
                "{directory} lacks {SEEN_NAME}, with the customers as the preview saw them: make the plan again"
            ),
        }
    }
}

/// Reads the plan in a run directory.
fn read(path: &Path, max_age: Option<Duration>) -> anyhow::Result<OpenPlan> {
    let run_dir = RunDir::existing(path);
    let directory = text::safe_path(path);
    if run_dir.is_locked() {
        bail!(
            "a process is still at work in {directory}: the plan is complete when it has ended; nothing was sent"
        );
    }
    let no_plan = |reason: NoPlan| anyhow!("{}; nothing was sent", reason.words(&directory));
    match run_dir.file(JOURNAL_NAME).symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.is_dir() => {
            return Err(no_plan(NoPlan::NoJournal));
        }
        Err(error) => return Err(no_plan(NoPlan::Unreadable(error))),
        Ok(_) => {}
    }
    let journal = run_dir.open_file(JOURNAL_NAME)?;
    let header = header_of(journal.try_clone()?)?.ok_or_else(|| no_plan(NoPlan::Unfinished))?;
    if !may_be_plan(header.purpose) {
        return Err(no_plan(NoPlan::Run));
    }
    let ended = match last_fact(&journal)? {
        Some(Fact::Ended { at, exit, .. }) if FINISHED.contains(&exit) => at,
        Some(_) | None => return Err(no_plan(NoPlan::Unfinished)),
    };
    let key = key_of(&header, &run_dir)?;
    let requests = Requests::open(&run_dir)?;
    let requests = requests.ok_or_else(|| no_plan(NoPlan::of(header.purpose, &run_dir)))?;
    let seen = Seen::open(&run_dir, key)?;
    if header.purpose == Purpose::Preview && seen.is_none() {
        return Err(no_plan(NoPlan::WithoutCustomers));
    }
    Ok(OpenPlan {
        run_dir,
        header,
        key,
        requests,
        seen,
        too_old: max_age.and_then(|max_age| too_old(ended, max_age, &directory)),
    })
}

/// Returns the reason why a run may not begin with a plan that was complete then, if there is one.
fn too_old(ended: Timestamp, max_age: Duration, directory: &str) -> Option<String> {
    let age = Duration::try_from(Timestamp::now().duration_since(ended)).unwrap_or_default();
    let time = ended.strftime("%Y-%m-%d %H:%M:%S");
    (age > max_age).then(|| {
        format!(
            "the plan in {directory} was complete on {time} UTC, longer ago than --plan-max-age: customers may have changed since; make the plan again, or allow its age with --plan-max-age none; nothing was sent"
        )
    })
}

impl OpenPlan {
    /// Returns what the beginning of the run depends on.
    pub(in crate::commands) fn of_run(&self) -> PlanOfRun {
        PlanOfRun {
            key: self.key,
            too_old: self.too_old.clone(),
        }
    }

    /// Returns the number of the plan's last row.
    pub(in crate::commands) fn rows(&self) -> u64 {
        self.requests.rows()
    }

    /// Compares the settings, the inputs and all rows with the plan, before anything is sent. Returns
    /// the filter for the reading that sends.
    pub(in crate::commands) fn compare(
        &self,
        settings: &Settings,
        inputs: &[KnownInput],
        names: &InputNames,
        shard: Option<Shard>,
    ) -> Result<PlannedRows, Failure> {
        self.refuse_another_shard(shard)?;
        let now = header(settings, inputs, self.key, Purpose::Run)?;
        refuse_another_plan(
            &self.header,
            &now,
            scope_of(self.header.purpose),
            &self.run_dir,
        )
        .map_err(Failure::run_directory)?;
        let again: Option<Vec<_>> = inputs.iter().map(KnownInput::again).collect();
        let Some(again) = again else {
            let stream = inputs.iter().find(|input| !input.can_be_read_twice());
            let name = stream.map(|input| input.name().to_string());
            return Err(refusal_of_stream(&name.unwrap_or_default()));
        };
        let rows = row_range::rows(&settings.input);
        let builder = RowBuilder {
            rules: first_rows::rules(&settings.input),
            key: self.key,
            shard,
        };
        let ids = unique::ids(settings, inputs, &builder, row_range::of(&rows))?;
        let mut comparison = PlanComparison::new(self.requests.again(), ids);
        let compared = pipeline::digest_rows(again, builder, row_range::of(&rows), |block| {
            comparison.add(&block)
        })
        .map_err(Failure::unusable)?
        .and_then(|()| comparison.finish(&rows));
        let compared = compared.map_err(|error| self.failure(error, &rows, names))?;
        let directory = text::safe_path(self.run_dir.path());
        info!("all rows are those of the plan in {directory}");
        Ok(compared)
    }

    /// Refuses a plan of another shard: none of its rows is sent by this one. Shards can share a plan of
    /// all rows.
    fn refuse_another_shard(&self, shard: Option<Shard>) -> Result<(), Failure> {
        let Some(planned) = self.header.shard.filter(|planned| Some(*planned) != shard) else {
            return Ok(());
        };
        let named = |shard: Shard| format!("shard {} of {}", shard.index(), shard.of());
        Err(Failure::run_directory(anyhow!(
            "the plan in {} is of {}, and this run is of {}: use the plan of this run's rows, or one of all rows (made without --shard); nothing was sent",
            text::safe_path(self.run_dir.path()),
            named(planned),
            shard.map_or_else(|| "all rows".to_owned(), named)
        )))
    }

    fn failure(&self, error: ComparePlanError, rows: &Range<u64>, names: &InputNames) -> Failure {
        let difference = match error {
            ComparePlanError::Input(error) => return Failure::of_input(error),
            ComparePlanError::Plan(error) => return Failure::run_directory(error),
            ComparePlanError::Differs(difference) => difference,
        };
        let directory = text::safe_path(self.run_dir.path());
        let what = match difference {
            PlanDifference::Changed(position) => format!(
                "{}: the row's request is another one than in the plan in {directory}",
                names.place(position)
            ),
            PlanDifference::Added(position) => format!(
                "{}: the plan in {directory} ends before this row",
                names.place(position)
            ),
            PlanDifference::Missing { last_row } => format!(
                "the input ends after row {}, and the plan in {directory} has {} rows",
                text::grouped(last_row.max(rows.start.saturating_sub(1))),
                text::grouped(self.requests.rows())
            ),
        };
        Failure::run_directory(anyhow!(
            "{what}: look at what has changed, and make the plan again; nothing was sent"
        ))
    }
}
