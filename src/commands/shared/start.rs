//! The start of a run: in a new run directory, or at the point where an earlier process stopped.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use jiff::Timestamp;
use tracing::{info, warn};

use crate::commands::Failure;
use crate::commands::shared::comparison::{Compared, InputDiffers, compare_input};
use crate::commands::shared::identity::{header, key_of, refuse_another_run};
use crate::commands::shared::plan_of_run::PlanOfRun;
use crate::commands::shared::{
    fresh, input_identity, locking, lost_journal, plan_of_run, shards, unfinished,
};
use crate::config::Settings;
use crate::config::output::Unfinished;
use crate::config::sending::{NamedWait, SendingSettings};
use crate::download::FaultKind;
use crate::input::{InputError, KnownInput};
use crate::journal::{
    Checkpoint, EntryReader, Fact, Header, JOURNAL_NAME, JournalFile, JournalWriter, Purpose,
    RunDir, RunKey, Shard, recover,
};
use crate::pipeline::resume::Compare;
use crate::plan;
use crate::process::exit::Exit;
use crate::text::{self, grouped};

/// A run directory, ready to be written.
pub(in crate::commands) struct Started {
    pub(in crate::commands) run_dir: RunDir,
    /// The run's unique name.
    pub(in crate::commands) run: String,
    pub(in crate::commands) key: RunKey,
    pub(in crate::commands) journal: JournalWriter,
    pub(in crate::commands) start: Start,
}

/// The start of a run.
pub(in crate::commands) enum Start {
    /// Nothing was recorded before.
    Fresh,
    /// After an earlier process.
    Continue {
        /// The rows that it has settled.
        checkpoint: Arc<Checkpoint>,
        /// The entries of those rows.
        entries: EntryReader,
        /// The time of the comparison with the input.
        compare: Compare,
    },
}

/// The run that begins or continues.
#[derive(Clone, Copy)]
struct Wanted<'w> {
    settings: &'w Settings,
    inputs: &'w [KnownInput],
    purpose: Purpose,
    state: Option<&'w StateOfRun>,
    plan: Option<&'w PlanOfRun>,
    shard: Option<Shard>,
}

/// The state that a run is compared with (`--state`).
pub(in crate::commands) struct StateOfRun {
    /// The key of its hashes, which the run takes over.
    pub(in crate::commands) key: RunKey,
    /// The run that marked customers in it last.
    pub(in crate::commands) last_run: Option<String>,
}

/// The reason why a run directory is not continued.
enum StartRefusal {
    /// It holds another run. A new directory can be created, if this one was not named.
    AnotherRun(anyhow::Error),
    /// It holds the right run, or possibly so, and the run cannot continue.
    Failure(Failure),
}

impl From<Failure> for StartRefusal {
    fn from(failure: Failure) -> StartRefusal {
        StartRefusal::Failure(failure)
    }
}

/// Creates or opens the run directory for a run. It takes over the key of its `plan` or state.
pub(in crate::commands) fn for_run(
    settings: &Settings,
    inputs: &[KnownInput],
    state: Option<&StateOfRun>,
    plan: Option<&PlanOfRun>,
    shard: Option<Shard>,
) -> Result<Started, Failure> {
    let wanted = Wanted {
        settings,
        inputs,
        purpose: Purpose::Run,
        state,
        plan,
        shard,
    };
    match (&settings.output.run_dir, settings.output.unfinished) {
        (Some(path), _) => {
            let place = shards::place(path, shard).map_err(Failure::run_directory)?;
            plan_of_run::refuse_old(&place, wanted.plan)?;
            let path = shards::own_directory(path, shard, settings, inputs)?;
            in_directory(&path, wanted)
        }
        (None, Unfinished::Left) => in_new_directory(wanted),
        (None, Unfinished::Continued) => after_unfinished(wanted),
    }
}

/// Begins or continues a run in the directory that the user named.
fn in_directory(path: &Path, wanted: Wanted<'_>) -> Result<Started, Failure> {
    let run_dir = fresh::create(path)?;
    claim(&run_dir, wanted.settings)?;
    match locking::journal(&run_dir, wanted.settings)? {
        JournalFile::New(file) => begin_run(file, run_dir, wanted),
        JournalFile::Existing(file) => {
            resume(file, run_dir, wanted).map_err(|refusal| match refusal {
                StartRefusal::AnotherRun(error) => Failure::run_directory(error),
                StartRefusal::Failure(failure) => failure,
            })
        }
    }
}

fn in_new_directory(wanted: Wanted<'_>) -> Result<Started, Failure> {
    let path = fresh::path(&wanted.settings.input.files, wanted.inputs);
    plan_of_run::refuse_old(&path, wanted.plan)?;
    in_directory(&path, wanted)
}

/// Continues the newest unfinished run of this input and these settings, or begins a new one.
fn after_unfinished(wanted: Wanted<'_>) -> Result<Started, Failure> {
    let Wanted {
        settings, inputs, ..
    } = wanted;
    let Some(run_dir) = unfinished::newest(settings, inputs)? else {
        return in_new_directory(wanted);
    };
    let directory = text::safe_path(run_dir.path());
    if !unfinished::can_be_compared(inputs) {
        unfinished::point_out(&run_dir, inputs);
        return in_new_directory(wanted);
    }
    match locking::journal(&run_dir, settings)? {
        JournalFile::New(file) => begin_run(file, run_dir, wanted),
        JournalFile::Existing(file) => match resume(file, run_dir, wanted) {
            Ok(started) => {
                info!("continuing the unfinished run in {directory} (--fresh begins a new one)");
                Ok(started)
            }
            Err(StartRefusal::AnotherRun(error)) => {
                let why = error.downcast_ref().map_or_else(
                    || format!("{error:#}"),
                    |InputDiffers { rows }| {
                        format!("the input differs in {rows} from what was sent")
                    },
                );
                info!(
                    "the unfinished run in {directory} is not continued: {why}; a new run begins"
                );
                in_new_directory(wanted)
            }
            Err(StartRefusal::Failure(failure)) => Err(failure),
        },
    }
}

/// Begins or continues an undo in this directory. `inputs` is the file of the run's images, and
/// `shard` the run's shard.
pub(in crate::commands) fn for_undo(
    path: &Path,
    settings: &Settings,
    inputs: &[KnownInput],
    shard: Option<Shard>,
) -> Result<Started, Failure> {
    let wanted = Wanted {
        settings,
        inputs,
        purpose: Purpose::Undo,
        state: None,
        plan: None,
        shard,
    };
    in_directory(path, wanted)
}

/// Begins a check in this directory, where it overwrites an earlier check.
pub(in crate::commands) fn for_check(
    run_dir: RunDir,
    settings: &Settings,
    inputs: &[KnownInput],
    shard: Option<Shard>,
) -> Result<Started, Failure> {
    without_sending(run_dir, settings, inputs, Purpose::Check, shard)
}

/// Begins a preview in this directory, where it overwrites an earlier one, or a check.
pub(in crate::commands) fn for_preview(
    run_dir: RunDir,
    settings: &Settings,
    inputs: &[KnownInput],
    shard: Option<Shard>,
) -> Result<Started, Failure> {
    without_sending(run_dir, settings, inputs, Purpose::Preview, shard)
}

/// Begins what sends nothing, in place of an earlier check or preview.
fn without_sending(
    run_dir: RunDir,
    settings: &Settings,
    inputs: &[KnownInput],
    purpose: Purpose,
    shard: Option<Shard>,
) -> Result<Started, Failure> {
    claim(&run_dir, settings)?;
    let file = match locking::journal(&run_dir, settings)? {
        JournalFile::New(file) => file,
        JournalFile::Existing(file) => {
            let earlier = file.try_clone().map_err(Failure::run_directory)?;
            let recovered =
                recover(earlier, &run_dir, settings.sending.retry()).map_err(|error| {
                    Failure::run_directory(
                        anyhow::Error::new(error).context(text::safe_path(run_dir.path())),
                    )
                })?;
            if recovered
                .header
                .is_some_and(|header| !header.purpose.only_records_bad_rows())
            {
                let directory = text::safe_path(run_dir.path());
                let what = if purpose == Purpose::Preview {
                    "a preview"
                } else {
                    "a check"
                };
                let error = anyhow!(
                    "the run directory {directory} holds a run; {what} does not overwrite it"
                );
                return Err(Failure::run_directory(error));
            }
            file.set_len(0).map_err(Failure::run_directory)?;
            file
        }
    };
    // What is left of an earlier check must not be taken for the plan of this one.
    plan::remove(&run_dir).map_err(Failure::run_directory)?;
    let wanted = Wanted {
        settings,
        inputs,
        purpose,
        state: None,
        plan: None,
        shard,
    };
    begin(file, run_dir, wanted)
}

/// Locks a directory for one run or check, and refuses one that is not for it.
fn claim(run_dir: &RunDir, settings: &Settings) -> Result<(), Failure> {
    locking::directory(run_dir, settings)?;
    shards::refuse_shared(run_dir)?;
    lost_journal::refuse(run_dir).map_err(Failure::run_directory)
}

fn begin_run(file: File, run_dir: RunDir, wanted: Wanted<'_>) -> Result<Started, Failure> {
    let started = begin(file, run_dir, wanted)?;
    // Logged at the start, since a killed process cannot print how to continue it.
    if wanted.purpose == Purpose::Run {
        info!("recording in {}", text::safe_path(started.run_dir.path()));
    }
    Ok(started)
}

/// Begins a journal. Its key is made durable first.
fn begin(file: File, run_dir: RunDir, wanted: Wanted<'_>) -> Result<Started, Failure> {
    let key = match (wanted.state, wanted.plan) {
        (Some(state), _) => state.key,
        (None, Some(plan)) => plan.key,
        (None, None) => RunKey::random().map_err(Failure::run_directory)?,
    };
    key.write(&run_dir).map_err(Failure::run_directory)?;
    let mut header = header(wanted.settings, wanted.inputs, key, wanted.purpose)?;
    header.shard = wanted.shard;
    header.state_after = wanted.state.and_then(|state| state.last_run.clone());
    let journal = JournalWriter::begin(file, &header, &run_dir).map_err(Failure::run_directory)?;
    Ok(Started {
        run_dir,
        run: header.run,
        key,
        journal,
        start: Start::Fresh,
    })
}

/// Continues a run, if it is this one.
fn resume(file: File, run_dir: RunDir, wanted: Wanted<'_>) -> Result<Started, StartRefusal> {
    let Wanted {
        settings,
        inputs,
        purpose,
        state,
        plan: _,
        shard,
    } = wanted;
    let started = Instant::now();
    let again = file.try_clone().map_err(Failure::run_directory)?;
    let recovered = recover(file, &run_dir, settings.sending.retry()).map_err(|error| {
        Failure::run_directory(
            anyhow::Error::new(error).context(run_dir.display_path(JOURNAL_NAME)),
        )
    })?;
    if let Some(torn) = &recovered.torn {
        warn!(
            "the journal's last {} bytes were torn; they are kept in {}",
            torn.bytes,
            run_dir.display_path(&torn.kept_in)
        );
    }
    let Some(earlier) = &recovered.header else {
        // The first process died before its header was written, so it has sent nothing.
        return Ok(begin(again, run_dir, wanted)?);
    };
    let key = key_of(earlier, &run_dir).map_err(Failure::run_directory)?;
    let mut header = header(settings, inputs, key, purpose)?;
    header.shard = shard;
    refuse_another_run(earlier, &header, &run_dir).map_err(StartRefusal::AnotherRun)?;
    let checkpoint = Arc::new(recovered.checkpoint);
    if let Some(state) = state {
        refuse_another_state(earlier, &key, &checkpoint, state, &run_dir)
            .map_err(StartRefusal::AnotherRun)?;
    }
    if checkpoint.facts().is_undone {
        let directory = text::safe_path(run_dir.path());
        let error = anyhow!(
            "what the run in {directory} wrote is being put back (custsync undo): begin a new one"
        );
        return Err(StartRefusal::AnotherRun(error));
    }
    let compared = Compared {
        settings: &settings.input,
        inputs,
        key,
    };
    let compare = match purpose {
        Purpose::Run | Purpose::Check | Purpose::Preview => {
            compare_input(&checkpoint, &recovered.entries, &compared).map_err(refusal_of_input)?
        }
        // Its rows are made of images, and compared when they are.
        Purpose::Undo => {
            let entries = recovered.entries.try_clone();
            Compare::WhileStreaming(entries.map_err(Failure::run_directory)?)
        }
    };
    keep_named_wait(&checkpoint, &settings.sending, &run_dir)?;
    log_changes(earlier, &header, inputs, key).map_err(Failure::run_directory)?;
    info!(
        "continuing after {} settled rows in {} ({} entries, read and compared in {:.1} s)",
        grouped(checkpoint.rows_recorded()),
        text::safe_path(run_dir.path()),
        grouped(checkpoint.entries()),
        started.elapsed().as_secs_f64()
    );
    let mut journal = recovered.writer;
    let continued = Fact::Continued {
        at: Timestamp::now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    journal.continue_run(&continued).map_err(|error| {
        let what = format!(
            "the run in {} cannot go on; nothing was sent",
            text::safe_path(run_dir.path())
        );
        Failure::run_directory(anyhow::Error::new(error).context(what))
    })?;
    let start = Start::Continue {
        checkpoint,
        entries: recovered.entries,
        compare,
    };
    Ok(Started {
        run_dir,
        run: earlier.run.clone(),
        key,
        journal,
        start,
    })
}

/// Refuses to continue a run whose state is another one now, or was used by another run since: the
/// customers may have newer values.
fn refuse_another_state(
    earlier: &Header,
    key: &RunKey,
    checkpoint: &Checkpoint,
    state: &StateOfRun,
    run_dir: &RunDir,
) -> anyhow::Result<()> {
    let directory = text::safe_path(run_dir.path());
    if state.key.proof() != key.proof() {
        bail!("the run in {directory} was compared with another state: begin a new one");
    }
    // A run that had nothing to send has left no mark in the state.
    let is_last =
        state.last_run == earlier.state_after || state.last_run.as_ref() == Some(&earlier.run);
    if !is_last && checkpoint.rows_recorded() > 0 {
        bail!(
            "another run has used the state since the run in {directory}, so customers may have newer values: begin a new one"
        );
    }
    Ok(())
}

fn refusal_of_input(error: anyhow::Error) -> StartRefusal {
    if error.is::<InputDiffers>() {
        return StartRefusal::AnotherRun(error);
    }
    StartRefusal::Failure(match error.downcast::<InputError>() {
        Ok(error) if error.fault.kind() == FaultKind::Outage => Failure::of_input(error),
        Ok(error) => Failure::run_directory(error),
        Err(error) => Failure::run_directory(error),
    })
}

/// Refuses to send if the API asked an earlier process for a wait that lasts longer than
/// `--max-wait` from now.
fn keep_named_wait(
    checkpoint: &Checkpoint,
    settings: &SendingSettings,
    run_dir: &RunDir,
) -> Result<(), Failure> {
    if named_wait_left(checkpoint, settings) <= settings.max_wait {
        return Ok(());
    }
    let until = checkpoint.facts().until.unwrap_or_default();
    let error = anyhow!(
        "the API asked to wait until {} UTC, which is longer than --max-wait: run this again then, or with --ignore-until (the run in {}); nothing was sent",
        until.strftime("%Y-%m-%d %H:%M:%S"),
        text::safe_path(run_dir.path())
    );
    Err(Failure {
        exit: Exit::StoppedEarly,
        error,
    })
}

/// Returns the rest of a wait that the API asked an earlier process for.
pub(in crate::commands) fn named_wait_left(
    checkpoint: &Checkpoint,
    settings: &SendingSettings,
) -> Duration {
    let until = match settings.named_wait {
        NamedWait::Kept => checkpoint.facts().until,
        NamedWait::Ignored => None,
    };
    let left = until.map(|until| until.duration_since(Timestamp::now()));
    left.and_then(|left| Duration::try_from(left).ok())
        .unwrap_or_default()
}

/// Logs how the inputs differ from those of the earlier process, where the settled rows are the
/// same.
fn log_changes(
    earlier: &Header,
    now: &Header,
    inputs: &[KnownInput],
    key: RunKey,
) -> anyhow::Result<()> {
    for ((earlier, now), input) in earlier.inputs.iter().zip(&now.inputs).zip(inputs) {
        if earlier.name != now.name {
            info!("the input {} is now named {}", earlier.name, now.name);
        }
        let is_same =
            earlier.bytes == now.bytes && earlier.head == now.head && earlier.tail == now.tail;
        match (earlier.bytes, now.bytes) {
            (Some(before), Some(after))
                if before < after && input_identity::begins_as(input, earlier, key)? =>
            {
                info!(
                    "{} has grown from {before} to {after} bytes: the appended rows are new",
                    now.name
                );
            }
            _ if !is_same => info!(
                "the bytes of {} have changed, but not its settled rows",
                now.name
            ),
            _ => {}
        }
    }
    Ok(())
}
