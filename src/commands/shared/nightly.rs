//! A run with a state (`--state`): it sends what has changed since the last run.
//!
//! 1. The state is opened and locked, and a new run directory takes over its key
//!    ([`open`]).
//! 2. What the last run left open is folded from its journal ([`OpenState::begin`]).
//! 3. The rows are compared, and whoever is about to be sent is marked as unknown
//!    ([`Nightly::compare`]).
//! 4. After the run, its journal is folded ([`Nightly::end`]).
//!
//! A process may die at any point: who is marked stays unknown, and is sent again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::anyhow;
use jiff::Timestamp;
use tracing::{info, warn};

use super::change_list::ChangeList;
use super::locking;
use super::start::StateOfRun;
use super::unique::is_stream;
use crate::commands::Failure;
use crate::commands::shared::estimate::RowsToSend;
use crate::config::Settings;
use crate::config::api::Target;
use crate::config::provenance::Provenance;
use crate::contract::{CONTRACT_VERSION, CustomerId};
use crate::input::{KnownInput, Origin, RowRange};
use crate::journal::{ImageIndex, RunDir, RunKey, Shard};
use crate::pipeline::changes::{
    CompareError, Compared, ComparedRows, Comparison, DuplicateRule, Export, Resync, StreamedRows,
};
use crate::pipeline::{self, Reading, RowBuilder};
use crate::process::crash;
use crate::results::summary::InputNames;
use crate::row::duplicates::{DuplicateFilter, DuplicatePolicy};
use crate::schedule::StopReason;
use crate::state::{self, Folded, Night, State, StateError, StateIdentity, StateLock};
use crate::text;

/// The name of the sandbox, whose address changes.
const SANDBOX: &str = "sandbox";

/// The state of a run, and the run as the state knows it.
pub(in crate::commands) struct Nightly {
    state: Arc<Mutex<State>>,
    resync: Resync,
    night: Night,
}

/// A state before its run is known.
pub(in crate::commands) struct OpenState {
    state: State,
    resync: Resync,
}

/// Opens and locks the state, or begins one (`--full-resync`). `None` without `--state`.
pub(in crate::commands) fn open(settings: &Settings) -> Result<Option<OpenState>, Failure> {
    let Some(path) = &settings.nightly.state else {
        return Ok(None);
    };
    refuse_streams(settings)?;
    let state = match open_if_there(path, settings, settings.shard)? {
        Some(state) => state,
        None if settings.nightly.full_resync => {
            let key = RunKey::random().map_err(Failure::run_directory)?;
            info!("beginning the state {}", text::safe_path(path));
            let created = State::create(
                lock(path, settings)?,
                &identity(settings, settings.shard),
                key,
            );
            created.map_err(Failure::run_directory)?
        }
        None => return Err(missing(path)),
    };
    let resync = resync(settings, &state);
    Ok(Some(OpenState { state, resync }))
}

/// Compares the inputs of a check with the state, if there is one, and changes nothing. Returns the
/// reason why a run would send nothing, if too much has changed.
pub(in crate::commands) fn preview(
    settings: &Settings,
    reading: &Reading,
    names: &InputNames,
) -> Result<Option<StopReason>, Failure> {
    let Some(path) = &settings.nightly.state else {
        return Ok(None);
    };
    let inputs: Option<Vec<_>> = reading.inputs.iter().map(KnownInput::again).collect();
    let Some(inputs) = inputs else {
        info!("an input that can be read only once is not compared with the state");
        return Ok(None);
    };
    let state = match open_if_there(path, settings, settings.shard)? {
        Some(state) => state,
        None if settings.nightly.full_resync => {
            info!(
                "a run would begin the state {}, and send all rows",
                text::safe_path(path)
            );
            return Ok(None);
        }
        None => return Err(missing(path)),
    };
    let compared = ToCompare {
        known: inputs,
        builder: RowBuilder {
            key: state.key(),
            ..reading.builder.clone()
        },
        ids: reading.ids.clone(),
        names,
    };
    let resync = resync(settings, &state);
    compare_all(settings, compared, resync, &state).map(|(_, rows)| rows.too_much)
}

fn open_if_there(
    path: &Path,
    settings: &Settings,
    shard: Option<Shard>,
) -> Result<Option<State>, Failure> {
    let opened = State::open(lock(path, settings)?, &identity(settings, shard));
    opened.map_err(Failure::run_directory)
}

/// Locks the state, waiting up to `--lock-wait` for another process.
fn lock(path: &Path, settings: &Settings) -> Result<StateLock, Failure> {
    locking::patiently(
        settings,
        &text::safe_path(path),
        || StateLock::try_take(path),
        |error| matches!(error, StateError::Locked { .. }),
    )
}

fn missing(path: &Path) -> Failure {
    Failure::unusable(anyhow!(
        "there is no state {}: is the volume mounted? --full-resync begins one, and sends all rows",
        text::safe_path(path)
    ))
}

/// Refuses what a comparison that reads an input only once cannot do.
fn refuse_streams(settings: &Settings) -> Result<(), Failure> {
    match settings.input.files.iter().find(|name| is_stream(name)) {
        None => Ok(()),
        Some(name) => refuse_stream(settings, &name.to_string()),
    }
}

fn refuse_stream(settings: &Settings, name: &str) -> Result<(), Failure> {
    for setting in ["max-changes", "changes"] {
        if let Provenance::Flag(flag) = settings.provenance(setting) {
            return Err(Failure::unusable(anyhow!(
                "{name}: {flag} needs to read the input twice, and this can be read only once: save it to a file"
            )));
        }
    }
    if settings.sending.unique != DuplicatePolicy::Reject {
        return Err(Failure::unusable(anyhow!(
            "{name}: this can be read only once, so with --state it needs --unique reject (a customer's second row is invalid), or save it to a file"
        )));
    }
    Ok(())
}

/// Returns the API, the tenant and the shard that a state belongs to.
fn identity(settings: &Settings, shard: Option<Shard>) -> StateIdentity {
    let base_url = match &settings.api.target {
        Target::Sandbox => SANDBOX.to_owned(),
        Target::Remote { base_url, .. } => base_url.as_str().to_owned(),
    };
    StateIdentity {
        base_url,
        tenant: settings.api.tenant,
        shard,
        contract: CONTRACT_VERSION,
    }
}

fn resync(settings: &Settings, state: &State) -> Resync {
    if settings.nightly.full_resync {
        return Resync::All;
    }
    let Some(part) = settings.nightly.resync_part else {
        return Resync::None;
    };
    let of = part.parts.get();
    let next = state.info().resync.filter(|turn| turn.of == of);
    Resync::Part {
        index: next.map_or(0, |turn| turn.next),
        of,
    }
}

impl OpenState {
    /// Returns the state as the start of a run needs it.
    pub(in crate::commands) fn of_run(&self) -> StateOfRun {
        StateOfRun {
            key: self.state.key(),
            last_run: self
                .state
                .info()
                .night
                .as_ref()
                .map(|night| night.run.clone()),
        }
    }

    /// Begins the night of a run. What the run before it left open is folded from its journal: this
    /// run, if it is continued.
    pub(in crate::commands) fn begin(
        mut self,
        run_dir: &RunDir,
        run: &str,
    ) -> Result<Nightly, Failure> {
        if let Some(last) = self.state.info().night.clone()
            && !last.is_folded
        {
            let folded = state::fold(&mut self.state, &last).map_err(Failure::run_directory)?;
            if folded == Folded::Nothing && last.run != run {
                warn!(
                    "the results of the run that used the state last are gone ({}): the customers to whom it was sending are sent again",
                    text::safe(&last.directory)
                );
            }
        }
        let directory = std::path::absolute(run_dir.path()).map_err(Failure::run_directory)?;
        Ok(Nightly {
            state: Arc::new(Mutex::new(self.state)),
            resync: self.resync,
            night: Night {
                run: run.to_owned(),
                directory: directory.display().to_string(),
                at: Timestamp::now(),
                is_folded: false,
            },
        })
    }
}

/// The rows of a night, compared with the state.
#[derive(Debug)]
pub(in crate::commands) struct NightlyRows {
    /// The rows to be sent.
    pub(in crate::commands) to_send: RowsToSend,
    /// The reason to stop if too much has changed.
    pub(in crate::commands) too_much: Option<StopReason>,
}

impl NightlyRows {
    /// The rows of a run without a state.
    pub(in crate::commands) fn without_state(shard: Option<Shard>) -> NightlyRows {
        NightlyRows {
            to_send: RowsToSend::Counted(shard),
            too_much: None,
        }
    }
}

impl Nightly {
    /// Compares the rows with the state, before anything is sent: those that need no request are
    /// left out of the reading.
    pub(in crate::commands) fn compare(
        &self,
        settings: &Settings,
        reading: &mut Reading,
        names: &InputNames,
    ) -> Result<NightlyRows, Failure> {
        let inputs: Option<Vec<_>> = reading.inputs.iter().map(KnownInput::again).collect();
        let Some(inputs) = inputs else {
            let name = |input: &KnownInput| input.name().to_string();
            let stream = reading
                .inputs
                .iter()
                .find(|input| !input.can_be_read_twice());
            refuse_stream(settings, &stream.map(name).unwrap_or_default())?;
            info!(
                "the input can be read only once: its rows are compared with the state as they come, without --max-changes"
            );
            reading.filter = Some(Box::new(StreamedRows::new(
                self.state.clone(),
                self.night.clone(),
                self.resync,
            )));
            return Ok(NightlyRows {
                to_send: RowsToSend::Unknown,
                too_much: None,
            });
        };
        let mut state = self.state();
        let inputs = ToCompare {
            known: inputs,
            builder: reading.builder.clone(),
            ids: reading.ids.clone(),
            names,
        };
        let (compared, rows) = compare_all(settings, inputs, self.resync, &state)?;
        if rows.too_much.is_none() && !compared.changes_nothing() {
            self.mark(&mut state, &compared)
                .map_err(Failure::run_directory)?;
        }
        state.close_pages().map_err(Failure::run_directory)?;
        reading.filter = Some(Box::new(ComparedRows::of(compared)));
        Ok(rows)
    }

    fn mark(&self, state: &mut State, compared: &Compared) -> Result<(), StateError> {
        let mut edit = state.edit()?;
        compared.mark(&mut edit)?;
        if compared.sends() {
            edit.set_night(self.night.clone());
        }
        crash::kill_at("state-marking");
        edit.commit()?;
        crash::kill_at("state-marked");
        Ok(())
    }

    /// Folds the run's journal into the state. After a run that has finished, the next part of the
    /// customers is sent again in the next one.
    pub(in crate::commands) fn end(&self, stop: Option<&StopReason>) -> Result<(), StateError> {
        let mut state = self.state();
        let night = state.info().night.clone();
        if let Some(night) = night.filter(|night| night.run == self.night.run && !night.is_folded) {
            crash::kill_at("state-folding");
            state::fold(&mut state, &night)?;
            crash::kill_at("state-folded");
        }
        if let (None, Resync::Part { index, of }) = (stop, self.resync) {
            let mut edit = state.edit()?;
            edit.set_resync(state::ResyncTurn {
                next: (index + 1) % of,
                of,
            });
            edit.commit()?;
        }
        Ok(())
    }

    /// Whether the API keeps the fields that an update leaves out, if an earlier run found that out.
    pub(in crate::commands) fn left_out_is_kept(&self) -> Option<bool> {
        self.state().info().left_out_is_kept
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The inputs that are compared.
struct ToCompare<'n> {
    known: Vec<KnownInput>,
    /// Makes rows of records, with the key of the state.
    builder: RowBuilder,
    /// Applies `--unique`.
    ids: DuplicateFilter,
    names: &'n InputNames,
}

/// Compares all rows of the inputs with the state.
fn compare_all(
    settings: &Settings,
    compared: ToCompare<'_>,
    resync: Resync,
    state: &State,
) -> Result<(Compared, NightlyRows), Failure> {
    let ToCompare {
        known: inputs,
        builder,
        ids,
        names,
    } = compared;
    let is_of_failed_rows = |input: &KnownInput| input.layout().origin() == Origin::FailedRows;
    let export = if inputs.iter().any(is_of_failed_rows) {
        Export::OfSome
    } else {
        Export::OfAllCustomers
    };
    let rule = match settings.sending.unique {
        DuplicatePolicy::All => DuplicateRule::Refuse,
        DuplicatePolicy::Reject | DuplicatePolicy::Last => DuplicateRule::Unique,
    };
    if let Some(path) = &settings.nightly.changes {
        refuse_to_overwrite(path, settings, &inputs)?;
    }
    let mut list = (settings.nightly.changes.as_deref())
        .map(|path| ChangeList::create(path, names))
        .transpose()
        .map_err(|error| failure(CompareError::List(error), settings, names))?;
    let mut observer = |change, row, customer| match &mut list {
        Some(list) => list.add(change, row, customer),
        None => Ok(()),
    };
    let mut comparison = Comparison::new(state, resync, rule, ids, &mut observer);
    let compared = pipeline::digest_rows(inputs, builder, RowRange::new(0, None), |block| {
        comparison.add(&block)
    })
    .map_err(Failure::unusable)?
    .and_then(|()| comparison.finish(export));
    let (counts, compared) = compared.map_err(|error| failure(error, settings, names))?;
    list.map_or(Ok(()), ChangeList::finish)
        .map_err(|error| failure(CompareError::List(error), settings, names))?;
    info!("{counts}");
    let limit = settings.nightly.max_changes;
    let too_much = counts
        .excess(limit)
        .map(|excess| StopReason::TooManyChanges {
            kind: excess.kind,
            count: excess.count,
            customers: excess.customers,
            limit,
        });
    let to_send = RowsToSend::Known(counts.to_send());
    Ok((compared, NightlyRows { to_send, too_much }))
}

/// Refuses to write the list of changes over an input, the state, or the lock of the state.
fn refuse_to_overwrite(
    list: &Path,
    settings: &Settings,
    inputs: &[KnownInput],
) -> Result<(), Failure> {
    let Ok(list_place) = list.canonicalize() else {
        // There is no such file yet.
        return Ok(());
    };
    let mut lock = settings
        .nightly
        .state
        .clone()
        .unwrap_or_default()
        .into_os_string();
    lock.push(".lock");
    let of_state = settings.nightly.state.iter().map(PathBuf::as_path);
    let of_inputs = inputs.iter().filter_map(|input| input.name().file());
    let mut kept = of_state.chain(of_inputs).chain([Path::new(&lock)]);
    if kept.any(|path| path.canonicalize().is_ok_and(|place| place == list_place)) {
        return Err(Failure::unusable(anyhow!(
            "--changes {}: the list would overwrite an input or the state: name another file",
            text::safe_path(list)
        )));
    }
    Ok(())
}

/// Returns the failure of a comparison. Nothing was sent.
fn failure(error: CompareError, settings: &Settings, names: &InputNames) -> Failure {
    match error {
        CompareError::Input(error) => Failure::of_input(error),
        CompareError::State(error) => Failure::run_directory(error),
        CompareError::Duplicate(position) => Failure::unusable(anyhow!(
            "{}: the customer has an earlier row: with --state, say which one counts: --unique last, or --unique reject (a row that is skipped between two that are sent would leave an older value)",
            names.place(position)
        )),
        error @ CompareError::List(_) => {
            let path = settings.nightly.changes.as_deref().unwrap_or(Path::new(""));
            Failure::unusable(anyhow::Error::new(error).context(text::safe_path(path)))
        }
    }
}

/// The state of a run that is undone.
pub(in crate::commands) struct StateOfUndoneRun {
    state: State,
    run: String,
    /// The images of its customers.
    images: Arc<ImageIndex>,
}

impl StateOfUndoneRun {
    /// Opens and locks the state at `path`.
    pub(in crate::commands) fn open(
        path: &Path,
        settings: &Settings,
        run: &str,
        shard: Option<Shard>,
        images: Arc<ImageIndex>,
    ) -> Result<StateOfUndoneRun, Failure> {
        match open_if_there(path, settings, shard)? {
            Some(state) => Ok(StateOfUndoneRun {
                state,
                run: run.to_owned(),
                images,
            }),
            None => Err(Failure::unusable(anyhow!(
                "the run used the state {}, which is not there: is the volume mounted? --without-state puts the customers back all the same, and a run with that state does not know of it",
                text::safe_path(path)
            ))),
        }
    }

    /// Marks the run's customers as unknown, so that the next run with the state sends them again.
    pub(in crate::commands) fn mark(mut self) -> Result<(), StateError> {
        let customers = self.images.customers().map(CustomerId::get);
        state::forget(&mut self.state, &self.run, customers)
    }
}
