//! How a run begins: in a fresh run directory, or where an earlier process of it stopped.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{anyhow, bail};
use jiff::Timestamp;
use tracing::{info, warn};

use crate::commands::comparison::{Compared, compare_input};
use crate::commands::{Failure, inputs};
use crate::config::Settings;
use crate::config::provenance::ShownValue;
use crate::input::{Input, InputName};
use crate::journal::{
    Checkpoint, EntryReader, FORMAT_VERSION, Header, JOURNAL_NAME, JournalFile, JournalWriter, KEY_NAME, Key, Purpose,
    READING_RULES, RunDir, SettingText, recover,
};
use crate::resume::Compare;
use crate::summary::grouped;
use crate::text;

/// Where run directories are made when nobody names one.
const RUNS_DIRECTORY: &str = "custsync-runs";
/// Run directories that may be made in one second.
const SAME_SECOND_MAX: u32 = 1000;

/// Settings that change what is sent: a run is only continued with the same ones.
const SETTINGS_OF_THE_REQUESTS: [&str; 19] = [
    "base-url",
    "sandbox",
    "tenant",
    "format",
    "delimiter",
    "encoding",
    "no-header",
    "columns",
    "sheet",
    "map",
    "ignore",
    "loose-headers",
    "set",
    "values",
    "empty",
    "null-string",
    "date-format",
    "trim",
    "unique",
];

/// A run directory, ready to be written.
pub(super) struct Started {
    pub(super) run_dir: RunDir,
    pub(super) key: Key,
    pub(super) journal: JournalWriter,
    pub(super) start: Start,
}

/// How a run begins.
pub(super) enum Start {
    /// Nothing was recorded before.
    Fresh,
    /// After an earlier process.
    Continue {
        /// What it has settled.
        checkpoint: Arc<Checkpoint>,
        /// What it said of that.
        entries: EntryReader,
        /// When the input is compared with it.
        compare: Compare,
    },
}

/// Makes or opens the run directory for a run.
pub(super) fn for_run(settings: &Settings, inputs: &[Input]) -> Result<Started, Failure> {
    let run_dir = create(settings, inputs)?;
    match run_dir.open_journal().map_err(Failure::run_directory)? {
        JournalFile::New(file) => {
            let started = begin(file, run_dir, settings, inputs, Purpose::Run)?;
            // Said at the start: a process that is killed cannot say any more how it is continued.
            info!("recording in {}", shown(started.run_dir.path()));
            Ok(started)
        }
        JournalFile::Existing(file) => resume(file, run_dir, settings, inputs),
    }
}

/// Makes the run directory for a check, or overwrites an earlier check's.
pub(super) fn for_check(settings: &Settings, inputs: &[Input]) -> Result<Started, Failure> {
    let run_dir = create(settings, inputs)?;
    let file = match run_dir.open_journal().map_err(Failure::run_directory)? {
        JournalFile::New(file) => file,
        JournalFile::Existing(file) => {
            let earlier = file.try_clone().map_err(Failure::run_directory)?;
            let recovered =
                recover(earlier, &run_dir, settings.sending.retry).map_err(|error| in_directory(&run_dir, error))?;
            if recovered.header.is_some_and(|header| header.purpose == Purpose::Run) {
                let error =
                    anyhow!("the run directory {} holds a run; a check does not overwrite it", shown(run_dir.path()));
                return Err(Failure::run_directory(error));
            }
            file.set_len(0).map_err(Failure::run_directory)?;
            file
        }
    };
    begin(file, run_dir, settings, inputs, Purpose::Check)
}

/// Begins a journal. Its key is durable before it is.
fn begin(
    file: File,
    run_dir: RunDir,
    settings: &Settings,
    inputs: &[Input],
    purpose: Purpose,
) -> Result<Started, Failure> {
    let key = Key::random().map_err(Failure::run_directory)?;
    key.write(&run_dir).map_err(Failure::run_directory)?;
    let header = header(settings, inputs, key, purpose)?;
    let journal = JournalWriter::begin(file, &header, &run_dir).map_err(Failure::run_directory)?;
    Ok(Started { run_dir, key, journal, start: Start::Fresh })
}

fn resume(file: File, run_dir: RunDir, settings: &Settings, inputs: &[Input]) -> Result<Started, Failure> {
    let began = Instant::now();
    let again = file.try_clone().map_err(Failure::run_directory)?;
    let recovered = recover(file, &run_dir, settings.sending.retry)
        .map_err(|error| Failure::run_directory(anyhow::Error::new(error).context(run_dir.shown(JOURNAL_NAME))))?;
    if recovered.torn_bytes > 0 {
        warn!("the journal's last {} bytes were torn; they are kept in results.torn", recovered.torn_bytes);
    }
    let Some(earlier) = &recovered.header else {
        // The first process died before its header was written, so it has sent nothing.
        return begin(again, run_dir, settings, inputs, Purpose::Run);
    };
    let key = key_of(earlier, &run_dir).map_err(Failure::run_directory)?;
    let header = header(settings, inputs, key, Purpose::Run)?;
    refuse_another_run(earlier, &header, &run_dir).map_err(Failure::run_directory)?;
    let checkpoint = Arc::new(recovered.checkpoint);
    let compared = Compared { settings: &settings.input, inputs, key };
    let compare = compare_input(&checkpoint, &recovered.entries, &compared).map_err(Failure::run_directory)?;
    say_what_changed(earlier, &header, inputs, key).map_err(Failure::run_directory)?;
    info!(
        "continuing after {} settled rows in {} ({} entries, read and compared in {:.1} s)",
        grouped(checkpoint.rows_recorded()),
        shown(run_dir.path()),
        grouped(checkpoint.entries()),
        began.elapsed().as_secs_f64()
    );
    let start = Start::Continue { checkpoint, entries: recovered.entries, compare };
    Ok(Started { run_dir, key, journal: recovered.writer, start })
}

/// The key of a run, or why the file of that name is not it.
fn key_of(header: &Header, run_dir: &RunDir) -> anyhow::Result<Key> {
    if header.custsync_journal < FORMAT_VERSION || header.rules != READING_RULES {
        bail!(
            "the run in {} was begun by custsync {}, which reads inputs by other rules: finish it with that version, or name another directory",
            shown(run_dir.path()),
            text::safe(&header.version)
        );
    }
    let key = Key::read(run_dir)?;
    if header.key.as_deref() != Some(key.proof().as_str()) {
        bail!("{} is not the key of this run: its rows cannot be compared; nothing was sent", run_dir.shown(KEY_NAME));
    }
    Ok(key)
}

fn refuse_another_run(earlier: &Header, now: &Header, run_dir: &RunDir) -> anyhow::Result<()> {
    let directory = shown(run_dir.path());
    if earlier.purpose == Purpose::Check {
        bail!("the run directory {directory} holds a check, not a run: name another one");
    }
    let differing: Vec<_> = now.differing_settings(earlier).collect();
    if !differing.is_empty() {
        bail!(
            "the run directory {directory} holds a run with other settings ({}): use the same ones, or another directory",
            differing.join(", ")
        );
    }
    if earlier.inputs.len() != now.inputs.len() {
        bail!(
            "the run directory {directory} holds a run of {} inputs, not of {}: name the same ones, or another directory",
            earlier.inputs.len(),
            now.inputs.len()
        );
    }
    for (earlier, now) in earlier.inputs.iter().zip(&now.inputs) {
        // The same bytes of a record under other columns are another update.
        if earlier.columns != now.columns {
            bail!(
                "{} has other columns than the input of the run in {directory}: use the same, or another directory",
                now.name
            );
        }
    }
    Ok(())
}

/// Says how inputs differ that are the same as far as they were sent.
fn say_what_changed(earlier: &Header, now: &Header, inputs: &[Input], key: Key) -> anyhow::Result<()> {
    for ((earlier, now), input) in earlier.inputs.iter().zip(&now.inputs).zip(inputs) {
        if earlier.name != now.name {
            info!("the input that was called {} is called {} now", earlier.name, now.name);
        }
        let is_same = earlier.bytes == now.bytes && earlier.head == now.head && earlier.tail == now.tail;
        match (earlier.bytes, now.bytes) {
            (Some(before), Some(after)) if before < after && inputs::begins_as(input, earlier, key)? => {
                info!("{} has grown from {before} to {after} bytes: rows that were appended are new rows", now.name);
            }
            _ if !is_same => info!("the bytes of {} have changed, but not the rows that are settled", now.name),
            _ => {}
        }
    }
    Ok(())
}

fn create(settings: &Settings, inputs: &[Input]) -> Result<RunDir, Failure> {
    let path = match &settings.output.run_dir {
        Some(path) => path.clone(),
        None => fresh_path(inputs.first().map(Input::name)),
    };
    RunDir::create(&path).map_err(Failure::run_directory)
}

/// `custsync-runs/<UTC time>-<input stem>`, with a number where there is one already.
fn fresh_path(input: Option<&InputName>) -> PathBuf {
    let stem = match input {
        Some(InputName::Path(path)) => path.file_stem().unwrap_or_default(),
        Some(InputName::Stdin) | None => OsStr::new("stdin"),
    };
    let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let name = |number: u32| {
        let mut name = OsString::from(format!("{time}-"));
        name.push(stem);
        if number > 1 {
            name.push(format!("-{number}"));
        }
        name
    };
    let paths = (1..=SAME_SECOND_MAX).map(|number| Path::new(RUNS_DIRECTORY).join(name(number)));
    let mut last = PathBuf::from(RUNS_DIRECTORY);
    for path in paths {
        last = path;
        if !last.exists() {
            break;
        }
    }
    last
}

fn header(settings: &Settings, inputs: &[Input], key: Key, purpose: Purpose) -> Result<Header, Failure> {
    let in_force = settings.in_force().iter().filter(|setting| SETTINGS_OF_THE_REQUESTS.contains(&setting.name));
    let settings = in_force.filter_map(|setting| Some((setting.name.to_owned(), text_of(&setting.value)?)));
    Ok(Header::new(purpose, &key, inputs::identities(inputs, key)?, settings.collect()))
}

/// A setting's value as the header holds it.
fn text_of(value: &ShownValue) -> Option<SettingText> {
    match value {
        ShownValue::Unset | ShownValue::Secret => None,
        ShownValue::One(text) => Some(SettingText::One(text.clone())),
        ShownValue::Many(items) => Some(SettingText::Many(items.clone())),
    }
}

fn in_directory(run_dir: &RunDir, error: impl Into<anyhow::Error>) -> Failure {
    Failure::run_directory(error.into().context(shown(run_dir.path())))
}

fn shown(path: &Path) -> String {
    text::safe_path(path)
}
