//! What a run does with customers before and after their updates: which are read, and where their
//! images are kept.

use anyhow::anyhow;
use tracing::info;

use crate::commands::Failure;
use crate::commands::shared::start::Start;
use crate::config::Settings;
use crate::contract::{Countries, Field};
use crate::journal::{IMAGES_NAME, ImagesError, ImagesFile, RunDir};
use crate::pipeline::image_writer::{ImageWriter, ImagesTo};
use crate::pipeline::resume::LeftOut;
use crate::pipeline::sender::{CareResult, CareSettings, ProbeState, ReadMode};
use crate::schedule::StopReason;

/// Returns the care of a run, after earlier processes.
pub(in crate::commands) fn of_run(
    settings: &Settings,
    run_dir: &RunDir,
    start: &Start,
) -> Result<CareSettings, Failure> {
    let (is_complete, is_kept) = (settings.sending.complete, settings.sending.undoable);
    let mode = match (is_complete, is_kept) {
        (true, is_kept) => ReadMode::Complete { is_kept },
        (false, true) => ReadMode::Keep,
        (false, false) => ReadMode::None,
    };
    let left_out = left_out(settings, start)?;
    let mut countries = countries(settings);
    let images = if is_kept {
        let images = match start {
            Start::Fresh => begin_images(run_dir),
            Start::Continue { .. } => continue_images(run_dir),
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
    })
}

/// The countries that the user's values name.
pub(in crate::commands) fn countries(settings: &Settings) -> Countries {
    let words = settings.input.rows.cells.values.texts();
    let countries = words.filter_map(|(field, text, value)| {
        (field == Field::CountryId).then_some((text.to_owned(), value.parse().ok()?))
    });
    Countries::of_words(countries)
}

/// Continues the file of images in a run directory.
pub(in crate::commands) fn continue_images(run_dir: &RunDir) -> Result<ImagesFile, ImagesError> {
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

/// What is known of the fields that updates leave out. An API that is known to clear them is
/// refused.
fn left_out(settings: &Settings, start: &Start) -> Result<ProbeState, Failure> {
    match known_left_out(settings, start, None) {
        // Every update sets all fields.
        _ if settings.sending.complete => Ok(ProbeState::Trusted),
        ProbeState::Lost => Err(Failure::unusable(anyhow!(
            "{}; nothing was sent",
            StopReason::LeftOutIsLost
        ))),
        state => Ok(state),
    }
}

/// What is known of the fields that updates leave out: from earlier processes, from another run,
/// or from the user.
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

/// Ends the care of a run: its images are deleted unless they may be needed.
pub(in crate::commands) fn end(run_dir: &RunDir, care: CareResult) -> Result<(), Failure> {
    let Some(images) = care.images.and_then(ImageWriter::finish) else {
        return Ok(());
    };
    drop(images);
    let _ = (run_dir, care.is_open);
    Ok(())
}
