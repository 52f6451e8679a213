//! Several processes that share the rows of an input (`--shard`): the rows that belong to this one,
//! and the run directory that they share.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use tracing::info;

use crate::commands::Failure;
use crate::commands::shared::identity::{header, refuse_another_run};
use crate::commands::shared::{fresh, input_identity, locking, row_range};
use crate::config::Settings;
use crate::input::KnownInput;
use crate::journal::{
    Header, JOURNAL_NAME, KEY_NAME, Purpose, RunDir, RunKey, Shard, SharedRun, is_shard_directory,
};
use crate::text;

/// Returns the shard whose rows are sent; `None` if all are. Failed rows are those of one shard, or
/// of none, and a corrected id may belong to another one.
pub(in crate::commands) fn of(
    settings: &Settings,
    inputs: &[KnownInput],
) -> Result<Option<Shard>, Failure> {
    let Some(shard) = settings.shard else {
        return Ok(None);
    };
    match row_range::of_failed_rows(inputs).len() {
        0 => Ok(Some(shard)),
        failed if failed < inputs.len() => Err(Failure::unusable(anyhow!(
            "some inputs are failed rows, which shards do not share: send them in a run of their own, without --shard"
        ))),
        _ if settings.nightly.state.is_some() => Err(Failure::unusable(anyhow!(
            "each shard has a state of its own, and corrected rows may belong to several: correct the source, and the next run sends them (or leave --shard and --state out)"
        ))),
        _ => {
            info!("--shard {shard} does not apply to failed rows: this process sends all of them");
            Ok(None)
        }
    }
}

/// Returns the path of the run directory of this process, which need not be there yet.
pub(in crate::commands) fn place(named: &Path, shard: Option<Shard>) -> anyhow::Result<PathBuf> {
    match shard {
        Some(shard) => Ok(shared_path(named, shard)?.join(shard.directory_name())),
        None => Ok(named.to_owned()),
    }
}

/// Returns the run directory of this process: the one that the user named, or that of the shard in
/// it.
pub(in crate::commands) fn own_directory(
    named: &Path,
    shard: Option<Shard>,
    settings: &Settings,
    inputs: &[KnownInput],
) -> Result<PathBuf, Failure> {
    match shard {
        Some(shard) => directory(named, shard, settings, inputs),
        None => Ok(named.to_owned()),
    }
}

/// Refuses the directory that shards share for anything else. It has to be locked: shards lock it,
/// too, while they begin to share it.
pub(in crate::commands) fn refuse_shared(run_dir: &RunDir) -> Result<(), Failure> {
    if !SharedRun::is_in(run_dir) {
        return Ok(());
    }
    Err(Failure::run_directory(anyhow!(
        "the run directory {} holds the shards of a run: name the shard to continue one of them (--shard), or use another directory; nothing was sent",
        text::safe_path(run_dir.path())
    )))
}

/// Returns the run directory of a shard, in the one that all shards of the run share. That one is
/// created by the first of them, and refused if it is of another run.
fn directory(
    named: &Path,
    shard: Shard,
    settings: &Settings,
    inputs: &[KnownInput],
) -> Result<PathBuf, Failure> {
    let shared = shared_path(named, shard).map_err(Failure::run_directory)?;
    let own = shared.join(shard.directory_name());
    let run_dir = fresh::create(&shared)?;
    let directory = text::safe_path(&shared);
    locking::shared_directory(&run_dir)?;
    if run_dir.file(JOURNAL_NAME).symlink_metadata().is_ok() {
        return Err(Failure::run_directory(anyhow!(
            "the run directory {directory} holds a run or a check without shards: use another directory for shards, or leave --shard out to continue that run; nothing was sent"
        )));
    }
    let random = RunKey::random().map_err(Failure::run_directory)?;
    random
        .write_once(&run_dir)
        .map_err(Failure::run_directory)?;
    let key = RunKey::read(&run_dir).map_err(Failure::run_directory)?;
    let now = header(settings, inputs, key, Purpose::Run)?;
    let begun = SharedRun::new(shard.of(), now.clone());
    let SharedRun { shards, run, .. } = begun.begin(&run_dir).map_err(Failure::run_directory)?;
    if shards != shard.of() {
        return Err(Failure::run_directory(anyhow!(
            "the run in {directory} is divided into {shards} shards, not {}: use the same number, or another directory; nothing was sent",
            shard.of()
        )));
    }
    refuse_shards_of_another_number(&shared, shard.of()).map_err(Failure::run_directory)?;
    if run.key != now.key {
        return Err(Failure::run_directory(anyhow!(
            "{} is not the key of this run: its inputs cannot be compared; nothing was sent",
            run_dir.display_path(KEY_NAME)
        )));
    }
    refuse_another_run(&run, &now, &run_dir).map_err(Failure::run_directory)?;
    refuse_other_inputs(&run, &now, inputs, key, &directory).map_err(Failure::run_directory)?;
    info!(
        "shard {} of {}: sends the rows of its own customers; limits such as --max-errors count these rows alone",
        shard.index(),
        shard.of()
    );
    Ok(own)
}

/// Refuses a directory in which a shard of another number has begun: `shards.json` was deleted.
fn refuse_shards_of_another_number(shared: &Path, of: u32) -> anyhow::Result<()> {
    let entries = shared.read_dir().into_iter().flatten().flatten();
    let behind = format!("-of-{of}");
    let other = entries.map(|entry| entry.path()).find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        is_shard_directory(path) && !name.ends_with(&behind) && path.join(JOURNAL_NAME).is_file()
    });
    match other {
        None => Ok(()),
        Some(other) => bail!(
            "{} is a shard of a run that is divided otherwise: use the same number of shards, or another directory; nothing was sent",
            text::safe_path(&other)
        ),
    }
}

/// Returns the directory that this process shares with others, or its own.
pub(in crate::commands) fn shared_directory(run_dir: &RunDir, shard: Option<Shard>) -> &Path {
    let above = run_dir.path().parent().filter(|_| shard.is_some());
    above.unwrap_or(run_dir.path())
}

/// Returns the run directories of the shards in a directory that they share, in the order of the
/// shards; none if it is not shared. Shards that have not begun have none.
pub(in crate::commands) fn directories(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let Some(shared) = SharedRun::read(&RunDir::existing(path))? else {
        return Ok(Vec::new());
    };
    let directory = |index| {
        let name = Shard::new(index, shared.shards).map(Shard::directory_name);
        name.map(|name| path.join(name))
    };
    let directories: Vec<_> = (1..=shared.shards)
        .map(directory)
        .collect::<Result<_, _>>()?;
    let begun: Vec<_> = directories
        .into_iter()
        .filter(|directory| directory.join(JOURNAL_NAME).symlink_metadata().is_ok())
        .collect();
    if begun.is_empty() {
        bail!("no shard of the run in {} has begun", text::safe_path(path));
    }
    Ok(begun)
}

/// Returns the directory that the shards share. A user may have named that of the shard.
fn shared_path(named: &Path, shard: Shard) -> anyhow::Result<PathBuf> {
    let above = named.parent().filter(|_| is_shard_directory(named));
    let Some(above) = above.filter(|above| SharedRun::is_in(&RunDir::existing(above))) else {
        return Ok(named.to_owned());
    };
    if named.ends_with(shard.directory_name()) {
        return Ok(above.to_owned());
    }
    bail!(
        "{} is the directory of another shard than {shard}: name {}",
        text::safe_path(named),
        text::safe_path(above)
    )
}

/// Refuses inputs that are not those of the other shards. They may have grown since.
fn refuse_other_inputs(
    run: &Header,
    now: &Header,
    inputs: &[KnownInput],
    key: RunKey,
    directory: &str,
) -> anyhow::Result<()> {
    for ((earlier, now), input) in run.inputs.iter().zip(&now.inputs).zip(inputs) {
        let is_same = earlier.bytes == now.bytes && earlier.head == now.head;
        let has_grown = || -> anyhow::Result<bool> {
            Ok(earlier.bytes <= now.bytes && input_identity::begins_as(input, earlier, key)?)
        };
        if !is_same && !has_grown()? {
            bail!(
                "{} is not the input of the other shards in {directory}: use the same input, or another directory; nothing was sent",
                now.name
            );
        }
    }
    Ok(())
}
