//! The care of a run for customers before and after their updates: which are read, and where their
//! images are kept.

use anyhow::anyhow;
use jiff::Timestamp;
use roaring::RoaringTreemap;
use tracing::info;

use crate::api::{Api, Token};

use crate::commands::Failure;
use crate::commands::shared::fill;
use crate::commands::shared::put_back::{Patient, PutBack, put_back};
use crate::commands::shared::start::Start;
use crate::config::Settings;
use crate::config::sending::EqualRows;
use crate::contract::{Countries, Field, SinceRule};
use crate::journal::{
    Fact, IMAGES_NAME, ImageIndex, ImagesError, ImagesFile, JournalWriter, Outcome, RunDir,
    WriteError, for_each_entry,
};
use crate::pipeline::image_writer::{ImageWriter, ImagesTo};
use crate::pipeline::resume::LeftOut;
use crate::pipeline::sender::{
    CareResult, CareSettings, PlannedCustomers, ProbeState, ReadMode, Since, UpdateCare,
};
use crate::process::crash;
use crate::process::exit::Exit;
use crate::schedule::StopReason;

/// Returns the care of a run, after earlier processes. `plan` has the customers that its plan saw.
/// `elsewhere` tells whether the API keeps what
/// an update leaves out, if another run has found that out.
pub(in crate::commands) fn of_run(
    settings: &Settings,
    run_dir: &RunDir,
    start: &Start,
    plan: Option<PlannedCustomers>,
    elsewhere: Option<bool>,
) -> Result<CareSettings, Failure> {
    let update = UpdateCare {
        is_kept: settings.sending.undoable,
        is_complete: settings.sending.complete,
        skips_equal: settings.sending.equal == EqualRows::Skipped,
        fill: fill::of_run(settings, run_dir, start)?,
        since: since(settings, run_dir, start).map_err(Failure::run_directory)?,
    };
    let keeps_images = keeps_images(settings);
    let mode = if update.reads() {
        ReadMode::Update(update)
    } else {
        ReadMode::None
    };
    let left_out = left_out(settings, start, elsewhere)?;
    let mut countries = countries(settings);
    let images = if keeps_images {
        let images = match start {
            Start::Fresh => begin_images(run_dir),
            // Without `--undoable`, the images were deleted once nothing was left to send.
            Start::Continue { .. }
                if !settings.sending.undoable && !run_dir.file(IMAGES_NAME).exists() =>
            {
                begin_images(run_dir)
            }
            Start::Continue { checkpoint, .. } => continue_images(run_dir, checkpoint.entries()),
        };
        let images = images.map_err(Failure::run_directory)?;
        countries.learn_all(images.countries());
        Some(ImagesTo::Open(images))
    } else if left_out == ProbeState::Armed {
        Some(ImagesTo::New(run_dir.clone()))
    } else {
        None
    };
    let images = images
        .map(ImageWriter::start)
        .transpose()
        .map_err(Failure::unusable)?;
    Ok(CareSettings {
        mode,
        left_out,
        countries,
        images,
        plan,
    })
}

/// Whether images of customers are kept as long as the run goes on.
fn keeps_images(settings: &Settings) -> bool {
    settings.sending.undoable || !settings.sending.fill.is_empty()
}

/// The changes of earlier processes, if nobody else may have changed a customer since the time in a
/// row.
fn since(settings: &Settings, run_dir: &RunDir, start: &Start) -> anyhow::Result<Option<Since>> {
    match settings.input.rows.values.since {
        SinceRule::Unused => return Ok(None),
        SinceRule::Required => {}
    }
    let mut since = Since::default();
    if let Start::Continue { .. } = start {
        for_each_entry(run_dir, |entry| since.recorded(entry))?;
    }
    Ok(Some(since))
}

/// The countries that the user's values name.
pub(in crate::commands) fn countries(settings: &Settings) -> Countries {
    let words = settings.input.rows.cells.values.texts();
    let countries = words.filter_map(|(field, text, value)| {
        (field == Field::CountryId).then_some((text.to_owned(), value.parse().ok()?))
    });
    Countries::of_words(countries)
}

/// Continues the file of images in a run directory whose journal has this many entries. Without any,
/// an earlier process may have ended before there was a file.
pub(in crate::commands) fn continue_images(
    run_dir: &RunDir,
    entries: u64,
) -> Result<ImagesFile, ImagesError> {
    if entries == 0 && !run_dir.file(IMAGES_NAME).exists() {
        return begin_images(run_dir);
    }
    let resumed = ImagesFile::resume(run_dir)?;
    if resumed.torn_bytes > 0 {
        info!(
            "{} ended in the middle of a line, whose update never left",
            run_dir.display_path(IMAGES_NAME)
        );
    }
    Ok(resumed.file)
}

/// Begins the file of images in a run directory.
pub(in crate::commands) fn begin_images(run_dir: &RunDir) -> Result<ImagesFile, ImagesError> {
    ImagesFile::begin(run_dir)
}

/// Returns what is known of the fields that updates leave out. An API that is known to clear them
/// is refused.
fn left_out(
    settings: &Settings,
    start: &Start,
    elsewhere: Option<bool>,
) -> Result<ProbeState, Failure> {
    match known_left_out(settings, start, elsewhere) {
        // Every update sets all fields.
        _ if settings.sending.complete => Ok(ProbeState::Trusted),
        ProbeState::Lost => Err(Failure::unusable(anyhow!(
            "{}; nothing was sent",
            StopReason::LeftOutIsLost
        ))),
        state => Ok(state),
    }
}

/// Returns what is known of the fields that updates leave out: from earlier processes, from another
/// run, or from the user.
pub(in crate::commands) fn known_left_out(
    settings: &Settings,
    start: &Start,
    elsewhere: Option<bool>,
) -> ProbeState {
    let known = match start {
        Start::Fresh => None,
        Start::Continue { checkpoint, .. } => checkpoint.facts().left_out_is_kept,
    };
    match (known.or(elsewhere), settings.sending.left_out) {
        (Some(true), _) => ProbeState::Kept,
        (_, LeftOut::Kept) => ProbeState::Trusted,
        (Some(false), LeftOut::Unknown) => ProbeState::Lost,
        (None, LeftOut::Unknown) => ProbeState::Armed,
    }
}

/// Looks after customers whose fields an earlier process may have cleared: it was killed while it
/// found out whether the API does that. If fields are lost, they are put back, and nothing is sent.
pub(in crate::commands) fn look_after(
    run_dir: &RunDir,
    start: &Start,
    settings: &Settings,
    patient: &Patient<'_>,
    journal: &mut JournalWriter,
) -> Result<(), Failure> {
    let Start::Continue { checkpoint, .. } = start else {
        return Ok(());
    };
    let state = known_left_out(settings, start, None);
    if !matches!(state, ProbeState::Armed | ProbeState::Lost) || !run_dir.file(IMAGES_NAME).exists()
    {
        return Ok(());
    }
    let is_open = |row: u64| matches!(checkpoint.outcome(row), None | Some(Outcome::Failed));
    let result = put_back_open(run_dir, settings, patient, is_open)?;
    if result == PutBack::NothingLost {
        return drop_images(run_dir, settings, result);
    }
    if state == ProbeState::Armed {
        record_loss(journal).map_err(Failure::run_directory)?;
    }
    crash::kill_at("loss-recorded");
    drop_images(run_dir, settings, result)?;
    Err(Failure::unusable(anyhow!("{}", StopReason::LeftOutIsLost)))
}

/// Ends the care of a run: customers who have lost fields are put back, and images that only served
/// to find that out are deleted.
pub(in crate::commands) fn end(
    run_dir: &RunDir,
    settings: &Settings,
    care: CareResult,
    patient: impl FnOnce() -> Result<(Api, Token), Failure>,
) -> Result<(), Failure> {
    let Some(images) = care.images.and_then(ImageWriter::finish) else {
        return Ok(());
    };
    drop(images);
    if care.left_out != ProbeState::Lost {
        // What is not known yet is looked at when the run goes on.
        return if care.is_open {
            Ok(())
        } else {
            drop_images(run_dir, settings, PutBack::NothingLost)
        };
    }
    let settled = rows_with_outcome(run_dir).map_err(Failure::run_directory)?;
    let (api, token) = patient()?;
    let patient = Patient {
        api: &api,
        token,
        wait_max: settings.sending.max_wait,
    };
    let result = put_back_open(run_dir, settings, &patient, |row| !settled.contains(row))?;
    drop_images(run_dir, settings, result)
}

/// Puts back the customers of open rows who have lost fields.
fn put_back_open(
    run_dir: &RunDir,
    settings: &Settings,
    patient: &Patient<'_>,
    is_open: impl Fn(u64) -> bool,
) -> Result<PutBack, Failure> {
    let mut countries = countries(settings);
    let images = ImageIndex::read(run_dir, &mut countries).map_err(Failure::run_directory)?;
    let mut open = Vec::new();
    for customer in images.customers() {
        let mut of_customer = Vec::new();
        for entry in images.images(customer) {
            let entry = entry.map_err(Failure::run_directory)?;
            if is_open(entry.row) {
                of_customer.push(entry);
            }
        }
        open.push(of_customer);
    }
    put_back(patient, &open, &countries).map_err(|error| Failure {
        exit: Exit::StoppedEarly,
        error: error.context("customers may lack fields that an update has left out; the same command looks after them"),
    })
}

/// Deletes images that are not kept for an undo, unless someone has to put a customer back by hand.
fn drop_images(run_dir: &RunDir, settings: &Settings, result: PutBack) -> Result<(), Failure> {
    if keeps_images(settings) || result == PutBack::Some {
        return Ok(());
    }
    fill::delete_images(run_dir)
}

/// Records that the API clears what is left out.
fn record_loss(journal: &mut JournalWriter) -> Result<(), WriteError> {
    journal.push_fact(&Fact::LeftOut {
        at: Timestamp::now(),
        kept: false,
    });
    journal.flush().map_err(|error| error.source)?;
    journal.sync()
}

/// Returns the rows that have an outcome other than that every attempt failed.
fn rows_with_outcome(run_dir: &RunDir) -> anyhow::Result<RoaringTreemap> {
    let mut rows = RoaringTreemap::new();
    for_each_entry(run_dir, |entry| {
        if entry.outcome != Outcome::Failed {
            rows.insert(entry.row);
        }
    })?;
    Ok(rows)
}
