//! The run that is undone: its journal, its images, and what cannot be put back.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{anyhow, bail};
use jiff::Timestamp;

use crate::commands::Failure;
use crate::commands::shared::identity::{header, key_of, refuse_another_api};
use crate::commands::shared::{care, locking, shards};
use crate::config::{STATE, Settings};
use crate::contract::{
    ChangeHistory, Countries, Field, FieldSet, LeftOutEffect, SentFields, Unsendable,
    has_cleared_all,
};
use crate::journal::{
    Fact, Header, IMAGES_NAME, ImageEntry, ImageIndex, ImagesError, JOURNAL_NAME, JournalFile,
    Purpose, Retry, RowEchoes, RunDir, SettingText, Shard, recover,
};
use crate::text::{self, grouped};

/// The setting that makes a run keep images.
const UNDOABLE: &str = "undoable";

/// Writes into the journal of a run that it is being undone.
pub(super) type Mark = Box<dyn FnOnce() -> anyhow::Result<()>>;

/// The run that is undone, or one of its shards. Its directory is locked until this is dropped.
pub(super) struct UndoneRun {
    /// The run's directory.
    pub(super) path: PathBuf,
    pub(super) images: Arc<ImageIndex>,
    /// The fields that the API has shown with other values than the run had sent.
    pub(super) echoes: RowEchoes,
    /// The ids and names of countries that are known.
    pub(super) countries: Countries,
    /// Writes into the run's journal that it is being undone.
    pub(super) mark: Mark,
    /// Whether the API keeps fields that an update leaves out, if the run found that out or its
    /// images show it.
    pub(super) left_out_is_kept: Option<bool>,
    /// The run's unique name.
    pub(super) run: String,
    /// The state that the run used.
    pub(super) state: Option<PathBuf>,
    /// The shard that the run was.
    pub(super) shard: Option<Shard>,
    /// The directory, locked.
    pub(super) lock: RunDir,
}

impl UndoneRun {
    /// Opens and locks the directory of a run, or those of all its shards, and checks that it can be
    /// undone with these settings. A shard that has sent no update is left out.
    pub(super) fn open(path: &Path, settings: &Settings) -> Result<Vec<UndoneRun>, Failure> {
        let shards = shards::directories(path).map_err(Failure::run_directory)?;
        let directories = if shards.is_empty() {
            vec![path.to_owned()]
        } else {
            shards
        };
        let opened = directories
            .iter()
            .map(|path| Self::open_one(path, settings));
        let runs: Vec<_> = opened
            .filter_map(Result::transpose)
            .collect::<Result<_, _>>()?;
        if runs.is_empty() {
            return Err(Failure::unusable(anyhow!(
                "the run in {} has sent no update: there is nothing to put back",
                text::safe_path(path)
            )));
        }
        Ok(runs)
    }

    /// Opens and locks one directory. `None` if nothing was sent.
    fn open_one(path: &Path, settings: &Settings) -> Result<Option<UndoneRun>, Failure> {
        let run_dir = RunDir::existing(path);
        let directory = text::safe_path(path);
        if !run_dir.file(JOURNAL_NAME).exists() {
            return Err(Failure::run_directory(anyhow!(
                "{directory} holds no run: it has no {JOURNAL_NAME}"
            )));
        }
        let (JournalFile::Existing(file) | JournalFile::New(file)) =
            locking::journal(&run_dir, settings)?;
        let recovered = recover(file, &run_dir, Retry::Failed).map_err(|error| {
            let context = run_dir.display_path(JOURNAL_NAME);
            Failure::run_directory(anyhow::Error::new(error).context(context))
        })?;
        let Some(earlier) = &recovered.header else {
            return Err(Failure::run_directory(anyhow!(
                "{directory} holds no run: its journal is empty"
            )));
        };
        keeps_images(earlier, &run_dir).map_err(Failure::unusable)?;
        let key = key_of(earlier, &run_dir).map_err(Failure::run_directory)?;
        let now = header(settings, &[], key, Purpose::Undo)?;
        refuse_another_api(earlier, &now, &run_dir).map_err(Failure::run_directory)?;
        let mut countries = care::countries(settings);
        let images = ImageIndex::read(&run_dir, &mut countries).map_err(Failure::run_directory)?;
        if images.customers().next().is_none() {
            return Ok(None);
        }
        let facts = recovered.checkpoint.facts();
        let left_out_is_kept = match facts.left_out_is_kept {
            None if show_loss(&images).map_err(Failure::run_directory)? => Some(false),
            known => known,
        };
        let mut journal = recovered.writer;
        let mark = move || {
            if !facts.is_undone {
                journal.push_fact(&Fact::Undone {
                    at: Timestamp::now(),
                });
                journal.flush().map_err(|error| error.source)?;
                journal.sync()?;
            }
            Ok(())
        };
        Ok(Some(UndoneRun {
            path: path.to_owned(),
            images: Arc::new(images),
            echoes: RowEchoes::read(&run_dir).map_err(Failure::run_directory)?,
            countries,
            mark: Box::new(mark),
            left_out_is_kept,
            run: earlier.run.clone(),
            state: match earlier.settings.get(STATE) {
                Some(SettingText::One(path)) => Shard::own(earlier.shard, Some(path.into())),
                _ => None,
            },
            shard: earlier.shard,
            lock: run_dir,
        }))
    }

    /// The number of customers.
    pub(super) fn customers(&self) -> u64 {
        u64::try_from(self.images.customers().count()).unwrap_or(u64::MAX)
    }

    /// Adds what cannot be put back and the user has not excluded.
    fn find_what_cannot_be_put_back(
        &self,
        without: FieldSet,
        lost: &mut Lost,
    ) -> Result<(), Failure> {
        let effect = match self.left_out_is_kept {
            Some(false) => LeftOutEffect::Cleared,
            Some(true) | None => LeftOutEffect::Kept,
        };
        for customer in self.images.customers() {
            let mut history = ChangeHistory::new(effect);
            for entry in self.images.images(customer) {
                let entry = entry.map_err(Failure::run_directory)?;
                let sent = SentFields::of_request(entry.sent.get().as_bytes());
                history.add(&entry.image, sent.as_ref(), &self.countries);
                history.shows_otherwise(self.echoes.of(entry.row));
            }
            let found = history.not_restorable(without, &self.countries);
            lost.customers += u64::from(!found.is_empty());
            for what in found {
                *lost.fields.entry(what).or_default() += 1;
            }
        }
        Ok(())
    }
}

/// The customers with something that cannot be put back, in all and by field.
#[derive(Default)]
struct Lost {
    customers: u64,
    fields: BTreeMap<(Field, Unsendable), u64>,
}

/// Refuses to begin if something cannot be put back that the user has not excluded, and says what,
/// by field and number.
pub(super) fn refuse_what_cannot_be_put_back(
    runs: &[UndoneRun],
    without: FieldSet,
) -> Result<(), Failure> {
    let mut lost = Lost::default();
    for run in runs {
        run.find_what_cannot_be_put_back(without, &mut lost)?;
    }
    if lost.fields.is_empty() {
        return Ok(());
    }
    Err(Failure::unusable(anyhow!(refusal(
        &lost.fields,
        lost.customers
    ))))
}

/// Whether two images of a customer show that the API clears what an update leaves out.
fn show_loss(images: &ImageIndex) -> Result<bool, ImagesError> {
    for customer in images.customers() {
        let mut earlier: Option<ImageEntry> = None;
        for entry in images.images(customer) {
            let entry = entry?;
            if let Some(earlier) = earlier
                && let Some(sent) = SentFields::of_request(earlier.sent.get().as_bytes())
                && has_cleared_all(&earlier.image, &sent, &entry.image)
            {
                return Ok(true);
            }
            earlier = Some(entry);
        }
    }
    Ok(false)
}

/// The message about fields that cannot be put back.
fn refusal(lost: &BTreeMap<(Field, Unsendable), u64>, customers: u64) -> String {
    let mut message = match customers {
        1 => "1 customer cannot be put back as a whole".to_owned(),
        customers => format!(
            "{} customers cannot be put back as a whole",
            grouped(customers)
        ),
    };
    for ((field, reason), count) in lost {
        write!(message, "; {field} of {}: {reason}", grouped(*count))
            .expect("writing to a String cannot fail");
    }
    let fields: FieldSet = lost.keys().map(|(field, _)| *field).collect();
    let fields: Vec<_> = fields.names().collect();
    write!(
        message,
        "; to put back the other fields: --without-field {}; nothing was sent",
        fields.join(",")
    )
    .expect("writing to a String cannot fail");
    message
}

/// Refuses a directory of something else than a run that has kept images of all customers.
fn keeps_images(header: &Header, run_dir: &RunDir) -> anyhow::Result<()> {
    let directory = text::safe_path(run_dir.path());
    let is_undoable =
        matches!(header.settings.get(UNDOABLE), Some(SettingText::One(text)) if text == "true");
    match header.purpose {
        Purpose::Check => bail!("{directory} holds a check, which has sent nothing"),
        Purpose::Preview => bail!("{directory} holds a preview, which has sent nothing"),
        Purpose::Run if !is_undoable => bail!(
            "the run in {directory} kept no images of its customers: only a run with --undoable can be undone"
        ),
        Purpose::Run | Purpose::Undo => {}
    }
    if !run_dir.file(IMAGES_NAME).exists() {
        bail!(
            "{} is gone: without it, nothing can be put back",
            run_dir.display_path(IMAGES_NAME)
        );
    }
    Ok(())
}
